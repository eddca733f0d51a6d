"""Posteriors against a generic sampler of the log posterior as it is written, with dense matrices.

The sampler moves an ensemble of walkers by stretches (Goodman and Weare 2010, Communications in
Applied Mathematics and Computational Science 5, 65-80). It knows nothing but the log posterior of
all parameters: none is integrated out here, unit effects of dynamic models and variances of units
included.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.engine.transform import helmert
from simulated import simulate

WALKERS, BLOCKS = 60, 12
MC = 5.0  # Monte Carlo errors, from block means of the chain
LEVELS = np.array([0.05, 0.25, 0.5, 0.75, 0.95])

LogPosterior = Callable[[np.ndarray], np.ndarray]


def ensemble(log_posterior: LogPosterior, start: np.ndarray, steps: int) -> np.ndarray:
    """Walkers after a warm-up of a fifth of the steps: shape (steps, WALKERS, d)."""
    rng, half = np.random.default_rng(3), WALKERS // 2
    at, heights = start.copy(), log_posterior(start)
    d, kept = start.shape[1], []
    for i in range(-steps // 5, steps):
        for moved, others in ((slice(half), slice(half, None)), (slice(half, None), slice(half))):
            z = (1.0 + rng.random(half)) ** 2 / 2.0  # density 1/sqrt(z) on (1/2, 2)
            anchor = at[others][rng.integers(half, size=half)]
            proposal = anchor + z[:, None] * (at[moved] - anchor)
            found = log_posterior(proposal)
            taken = np.log(rng.random(half)) < (d - 1) * np.log(z) + found - heights[moved]
            at[moved] = np.where(taken[:, None], proposal, at[moved])
            heights[moved] = np.where(taken, found, heights[moved])
        if i >= 0:
            kept.append(at.copy())
    return np.array(kept)


def agree(ours: np.ndarray, chain: np.ndarray) -> None:
    """Means, standard deviations and quantiles agree within the error of the chain."""

    def told(sample: np.ndarray) -> np.ndarray:
        centre = np.median(ours, axis=0)
        clipped = np.clip(sample - centre, -8.0 * spread, 8.0 * spread)  # moments must exist
        below = [(sample < quantile).mean(axis=0) for quantile in np.quantile(ours, LEVELS, axis=0)]
        return np.vstack([clipped.mean(axis=0) / spread, clipped.std(axis=0) / spread, *below])

    spread = np.subtract(*np.quantile(ours, [0.75, 0.25], axis=0))
    blocks = np.array_split(chain, BLOCKS)
    parts = np.array([told(block.reshape(-1, block.shape[2])) for block in blocks])
    error = np.hypot(parts.std(axis=0, ddof=1) / np.sqrt(BLOCKS), 1.5 / np.sqrt(len(ours)))
    np.testing.assert_array_less(np.abs(parts.mean(axis=0) - told(ours)), MC * error)
    assert error.max() < 0.06  # the comparison can fail


def ring(N: int) -> np.ndarray:
    W = np.roll(np.eye(N), 1, axis=1) + np.roll(np.eye(N), -1, axis=1)
    W[0, 2] = 1.0
    return W / W.sum(axis=1, keepdims=True)


def by_period(data: pd.DataFrame, N: int) -> tuple[np.ndarray, np.ndarray]:
    wide = data.swaplevel().sort_index()
    return tuple(wide[name].to_numpy().reshape(-1, N) for name in ("y", "x0"))


def near(columns: np.ndarray) -> np.ndarray:
    """Start walkers at draws."""
    return columns[np.random.default_rng(1).choice(len(columns), WALKERS, replace=False)]


def logdet(A: np.ndarray) -> np.ndarray:
    return np.linalg.slogdet(A)[1]


def test_static_sdm() -> None:
    N, T = 6, 5
    W = ring(N)
    data = simulate(np.random.default_rng(3), W, T, 0.3, np.ones(1), 0.3 * np.ones(1))
    post = ce.bayes.fit(
        "y ~ x0 | unit + year", data, ce.weights.from_matrix(W, range(N)), draws=40_000
    )
    FT, FN = helmert(T), helmert(N)
    y, x = by_period(data, N)
    Wx = FT.T @ x @ W.T @ FN
    y, x, Ws = FT.T @ y @ FN, FT.T @ x @ FN, FN.T @ W @ FN
    lower = 1.0 / np.linalg.eigvals(W).real.min()

    def log_posterior(p: np.ndarray) -> np.ndarray:
        rho, b, t, logs2 = p.T
        S = np.eye(N - 1) - rho[:, None, None] * Ws
        e = np.einsum("pij,tj->pti", S, y) - b[:, None, None] * x - t[:, None, None] * Wx
        out = (T - 1) * logdet(S) - 0.5 * y.size * logs2
        out = out - 0.5 * (e**2).sum(axis=(1, 2)) / np.exp(logs2)  # p(s2) ds2 = dlog(s2)
        return np.where((rho > lower) & (rho < 1.0), out, -np.inf)

    one = post.draws
    ours = np.column_stack([one.spatial, one.coefficients, np.log(one.sigma2)])
    agree(ours, ensemble(log_posterior, near(ours), 4000))


@pytest.mark.parametrize("lags", [pytest.param("L(y)", marks=pytest.mark.slow), "L(y) + W(L(y))"])
def test_dynamic_model_with_its_unit_effects(lags: str) -> None:
    """Unit effects are parameters here: c = (I - A) y_0 + exp(-P(A)) f, f flat."""
    N, T = 5, 6
    W = ring(N)
    rng = np.random.default_rng(8)
    S = np.linalg.inv(np.eye(N) - 0.2 * W)
    x, path = rng.standard_normal((T + 1, N)), [rng.standard_normal(N)]
    for t in range(T):
        path.append(S @ (0.4 * path[-1] + x[t + 1] + 0.5 * rng.standard_normal(N)))
    index = pd.MultiIndex.from_product([range(T + 1), range(N)], names=["year", "unit"])
    data = pd.DataFrame({"y": np.ravel(path), "x": x.ravel()}, index=index).swaplevel()
    post = ce.bayes.fit(
        f"y ~ {lags} + x | unit + year",
        data,
        ce.weights.from_matrix(W, range(N)),
        model="sar",
        draws=40_000,
    )
    FN = helmert(N)
    y, x, Ws, m = np.array(path) @ FN, x[1:] @ FN, FN.T @ W @ FN, N - 1
    w, V = np.linalg.eig(Ws)
    lower, both = 1.0 / np.linalg.eigvals(W).real.min(), "W(" in lags

    def log_posterior(p: np.ndarray) -> np.ndarray:
        p = p if both else np.insert(p, 2, 0.0, axis=1)  # eta = 0
        out = np.full(len(p), -np.inf)
        a = (p[:, [1]] + p[:, [2]] * w) / (1.0 - p[:, [0]] * w)
        stable = (np.abs(a).max(axis=1) < 1.0) & (np.abs(p[:, 1] + p[:, 2]) < np.abs(1.0 - p[:, 0]))
        stable &= (p[:, 0] > lower) & (p[:, 0] < 1.0)
        a, (rho, _, _, b, logs2), f = a[stable], p[stable, :5].T, p[stable, 5:]
        P = sum((T - t) / (T * t) * a**t for t in range(1, T))
        shrink = np.einsum("ij,pj,jk->pik", V, np.exp(-P), np.linalg.inv(V)).real
        A = np.einsum("ij,pj,jk->pik", V, a, np.linalg.inv(V)).real
        S = np.eye(m) - rho[:, None, None] * Ws
        c = y[0] - A @ y[0] + np.einsum("pij,pj->pi", shrink, f)
        left = y[1:] - np.einsum("pij,tj->pti", A, y[:-1]) - c[:, None]
        e = np.einsum("pij,ptj->pti", S, left) - b[:, None, None] * x
        square = (e**2).sum(axis=(1, 2)) / np.exp(logs2)
        out[stable] = T * logdet(S) - 0.5 * m * T * logs2 - 0.5 * square
        return out

    one = post.draws
    ours = np.column_stack([one.spatial, one.coefficients, np.log(one.sigma2)])
    effects = np.random.default_rng(2).standard_normal((len(ours), m))
    start = near(np.hstack([ours, effects]))
    K = ours.shape[1]
    agree(ours, ensemble(log_posterior, start, 6000)[:, :, :K])


def test_student_errors_in_an_error_model() -> None:
    N, T, df = 5, 6, 5.0
    W = ring(N)
    data = simulate(np.random.default_rng(4), W, T, 0.0, np.ones(1), np.zeros(1))
    post = ce.bayes.fit(
        "y ~ x0 | unit + year",
        data,
        ce.weights.from_matrix(W, range(N)),
        model="sem",
        errors="student",
        df=df,
        draws=8000,
    )
    FT, FN = helmert(T), helmert(N)
    y, x = by_period(data, N)
    y, x, Ws = FT.T @ y @ FN, FT.T @ x @ FN, FN.T @ W @ FN
    lower = 1.0 / np.linalg.eigvals(W).real.min()

    def log_posterior(p: np.ndarray) -> np.ndarray:
        lam, b, logs2, logw = p[:, 0], p[:, 1], p[:, 2], p[:, 3:]
        R = np.eye(N - 1) - lam[:, None, None] * Ws
        e = np.einsum("pij,ptj->pti", R, y - b[:, None, None] * x)
        C = np.einsum("ni,pn,nj->pij", FN, np.exp(logw + logs2[:, None]), FN)
        square = np.einsum("pti,pij,ptj->p", e, np.linalg.inv(C), e)
        out = (T - 1) * (logdet(R) - 0.5 * logdet(C)) - 0.5 * square
        out = out - 0.5 * df * (logw + np.exp(-logw)).sum(axis=1)  # df / omega ~ chi2(df)
        return np.where((lam > lower) & (lam < 1.0), out, -np.inf)

    one = post.draws
    ours = np.column_stack([one.spatial, one.coefficients, np.log(one.sigma2), np.log(one.omega)])
    agree(ours, ensemble(log_posterior, near(ours), 4000))
