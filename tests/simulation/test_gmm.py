"""Monte Carlo at 50 units and 10 years with both effects: bias, coverage, efficiency."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.models.gmm import gmm, s2sls
from simulated import simulate

N, T, RHO = 50, 10, 0.4
FOUR_ERRORS = 4.0  # distance from the truth in Monte Carlo standard errors that fails
FORMULA = "y ~ x0 + x1 | unit + year"


@pytest.fixture(scope="module")
def weights() -> np.ndarray:
    """Five nearest neighbours of random points: asymmetric."""
    rng = np.random.default_rng(5)
    places = rng.random((N, 2))
    distance = ((places[:, None] - places) ** 2).sum(axis=-1) + 9.0 * np.eye(N)
    W = np.zeros((N, N))
    W[np.arange(N)[:, None], np.argsort(distance, axis=1)[:, :5]] = 0.2
    return W


def samples(W: np.ndarray, draws: int, beta: float, seed: int):
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        yield simulate(rng, W, T, RHO, beta * np.array([1.0, -0.5]), np.zeros(2))


def test_gmm_is_unbiased_and_tighter_than_two_stage(weights) -> None:
    graph = ce.weights.from_matrix(weights, range(N))
    fits = {"2sls": [], "gmm": [], "robust": []}
    for panel in samples(weights, 80, 1.0, 1):
        fits["2sls"].append(s2sls(FORMULA, panel, graph))
        fits["gmm"].append(gmm(FORMULA, panel, graph))
        fits["robust"].append(gmm(FORMULA, panel, graph, heteroskedastic=True))
    spread = {}
    for name, results in fits.items():
        rho = np.array([one.rho for one in results])
        spread[name] = rho.std(ddof=1)
        assert abs(rho.mean() - RHO) < FOUR_ERRORS * spread[name] / len(rho) ** 0.5
        errors = np.mean([one.std_errors["rho"] for one in results])
        assert 0.75 < errors / spread[name] < 1.3  # the spread itself is known to 8 %
    assert (spread["gmm"] / spread["2sls"]) ** 2 < 0.7  # about 0.43 in a long run
    rejected = np.mean([one.overidentification.pvalue < 0.05 for one in fits["gmm"]])
    assert rejected < 0.05 + FOUR_ERRORS * (0.05 * 0.95 / 80) ** 0.5


@pytest.mark.parametrize(("beta", "weak"), [(1.0, False), (0.1, True)])
def test_anderson_rubin_covers_whatever_the_strength(weights, beta: float, weak: bool) -> None:
    graph = ce.weights.from_matrix(weights, range(N))
    held, strength, unbounded = [], [], 0
    for panel in samples(weights, 200, beta, 2):
        fit = s2sls(FORMULA, panel, graph)
        found = fit.anderson_rubin()
        held.append(RHO in found)
        unbounded += found.kind in ("two half-lines", "whole line")
        strength.append(fit.cragg_donald)
    slack = FOUR_ERRORS * (0.95 * 0.05 / len(held)) ** 0.5
    assert abs(np.mean(held) - 0.95) < slack
    assert (np.median(strength) < 10.0) == weak
    assert (unbounded > 0) == weak


def test_diagonal_free_forms_bear_unequal_variances() -> None:
    """Everyone looks at two noisy hubs: likelihood and trace-free forms put rho 0.46 too low."""
    rng, draws = np.random.default_rng(11), 60
    A = np.zeros((N, N))
    A[:, :2] = A[np.arange(N), (np.arange(N) + 1) % N] = 1.0
    A[0, :] = A[1, 0] = 0.0
    A[0, [5, 9]] = 1.0
    np.fill_diagonal(A, 0.0)
    W = A / A.sum(axis=1, keepdims=True)
    graph, noise = ce.weights.from_matrix(W, range(N)), np.where(np.arange(N) < 2, 4.0, 1.0)
    index = pd.MultiIndex.from_product([range(T), range(N)], names=["year", "unit"])
    found = {"ml": [], "plain": [], "robust": []}
    covered = []
    for _ in range(draws):
        X, v = rng.standard_normal((T, N, 2)), rng.standard_normal((T, N)) * noise
        y = np.linalg.solve(np.eye(N) - RHO * W, (X @ np.array([1.0, -0.5]) + v).T).T
        panel = pd.DataFrame(X.reshape(T * N, 2), columns=["x0", "x1"], index=index)
        panel = panel.assign(y=y.ravel()).swaplevel()
        robust = gmm(FORMULA, panel, graph, heteroskedastic=True)
        found["robust"].append(robust.rho)
        found["plain"].append(gmm(FORMULA, panel, graph).rho)
        found["ml"].append(ce.sar(FORMULA, panel, graph).rho)
        ends = robust.conf_int().loc["rho"]
        covered.append(ends["lower"] < RHO < ends["upper"])
    mean = {name: float(np.mean(values)) for name, values in found.items()}
    assert max(mean["ml"], mean["plain"]) < RHO - 0.3
    error = float(np.std(found["robust"], ddof=1)) / draws**0.5
    assert abs(mean["robust"] - RHO) < FOUR_ERRORS * error
    assert np.mean(covered) > 0.95 - FOUR_ERRORS * (0.95 * 0.05 / draws) ** 0.5


def test_external_instruments_repair_endogeneity(weights) -> None:
    """SAR by likelihood puts the endogenous coefficient off; GMM and 2SLS do not."""
    rng, graph = np.random.default_rng(4), ce.weights.from_matrix(weights, range(N))
    found = {"ml": [], "2sls": [], "gmm": []}
    index = pd.MultiIndex.from_product([range(T), range(N)], names=["year", "unit"])
    options = {"endogenous": ["d"], "instruments": ["z"]}
    for _ in range(60):
        z, v, e = rng.standard_normal((3, T, N))
        d = z + v
        mean = d + 0.7 * v + e + rng.standard_normal(N)
        y = np.linalg.solve(np.eye(N) - RHO * weights, mean.T).T
        columns = {"y": y.ravel(), "d": d.ravel(), "z": z.ravel()}
        panel = pd.DataFrame(columns, index=index).swaplevel()
        formula = "y ~ d | unit + year"
        found["ml"].append(ce.sar(formula, panel, graph).params)
        found["2sls"].append(s2sls(formula, panel, graph, **options).params)
        found["gmm"].append(gmm(formula, panel, graph, **options).params)
    means = {name: pd.DataFrame(rows).mean() for name, rows in found.items()}
    errors = {name: pd.DataFrame(rows).sem() for name, rows in found.items()}
    assert means["ml"]["d"] > 1.25
    for name in ("2sls", "gmm"):
        assert abs(means[name]["d"] - 1.0) < FOUR_ERRORS * errors[name]["d"]
        assert abs(means[name]["rho"] - RHO) < FOUR_ERRORS * errors[name]["rho"]
