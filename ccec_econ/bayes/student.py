"""Student-t errors with one variance per unit, by Gibbs sampling in blocks.

    v_it ~ N(0, s2 omega_i),    df / omega_i ~ chi2(df).

Given omega everything else is drawn at once, as with normal errors, on columns whose effects are
removed by weighted means and that are divided by sqrt(omega_i): rho by its distribution function,
then s2, the coefficients and the effects. In error models lam is drawn by its distribution given
the coefficients and s2, a block of its own: u = y - Z d enters as (I - lam M) u, so that the sum of
squares is a parabola in lam. Given those,

    (df + sum_t v_it^2 / s2) / omega_i ~ chi2(df + T).

Variances of single observations are left out: with as many of them as observations they say little.

References
----------
Geweke, J. (1993). Bayesian treatment of the independent Student-t linear model. Journal of Applied
Econometrics 8, S19-S40.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from ccec_econ.bayes.priors import Prior
from ccec_econ.bayes.sampler import Draws
from ccec_econ.engine.estimate import Estimate
from ccec_econ.engine.moments import moments
from ccec_econ.engine.spectrum import Spectrum
from ccec_econ.parallel import spread

__all__ = ["gibbs"]

_WARM_UP = 300  # draws of each chain thrown away
_NODES = 2001  # of rho or lam


def gibbs(
    posed: Estimate,
    prior: Prior,
    *,
    df: float,
    draws: int,
    chains: int,
    rng: np.random.Generator,
) -> Draws:
    """Draw from the posterior with Student-t errors.

    Returns
    -------
    Draws
        draws // chains of each chain, chain by chain, with `omega`.

    Raises
    ------
    IdentificationError
        If the weights leave the likelihood flat.
    """
    posed.likelihood.refuse_flat()
    each = max(1, draws // chains)
    parts = spread(lambda one: _chain(posed, prior, df, each, one), rng.spawn(chains))
    b, psi, s2, omega = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Draws(b, psi, s2, omega, chains)


def _chain(
    posed: Estimate, prior: Prior, df: float, draws: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], ...]:
    T, N = posed.y.shape
    K = len(posed.terms)
    columns = np.concatenate([posed.Z, posed.y[..., None], posed.Wy[..., None]], axis=2)
    M = posed.error.W if isinstance(posed.error, Spectrum) else None
    lagged = None if M is None else np.einsum("ij,tjc->tic", M, columns)
    added = prior.added(posed)
    rows = np.column_stack([added.rows, added.target, np.zeros(len(added.target))])
    shape = added.shape + 0.5 * posed.reduction.nobs
    grid, jacobian = _grid(posed, prior)
    out = np.empty((draws, K)), np.empty(draws), np.empty(draws), np.empty((draws, N))
    omega, rho, lam = df / rng.chisquare(df, N), 0.0, 0.0
    for i in range(-_WARM_UP, draws):
        p = np.asarray(1.0 / omega)
        within = _within(columns if lagged is None else columns - lam * lagged, p, posed)
        whitened = (np.sqrt(p)[:, None] * within).reshape(T * N, K + 2)
        found = moments(np.linalg.qr(np.vstack([whitened, rows]), mode="r"), np.ones(K))
        if lagged is None:
            rho = _drawn(grid, jacobian - shape * np.log(added.rate + 0.5 * found.sse(grid)), rng)
        s2 = float((added.rate + 0.5 * found.sse(rho)) / rng.gamma(shape))
        target = found.ry - rho * found.rw + np.sqrt(s2) * rng.standard_normal(K)
        b = solve_triangular(found.R, target)
        contrast = np.concatenate([-b, [1.0, -rho]])
        e = within @ contrast
        if lagged is not None:
            u, Mu = _within(columns @ contrast, p, posed), _within(lagged @ contrast, p, posed)
            uu, um, mm = ((p * left * right).sum() for left, right in ((u, u), (u, Mu), (Mu, Mu)))
            sse = uu - 2.0 * grid * um + grid**2 * mm
            lam = _drawn(grid, jacobian - 0.5 * sse / s2, rng)
            e = u - lam * Mu
        noise = np.sqrt(s2 * omega) * rng.standard_normal((T, N))
        v = e + noise - _within(noise, p, posed)  # effects drawn
        omega = (df + (v**2).sum(axis=0) / s2) / rng.chisquare(df + T, N)
        if i >= 0:
            for kept, value in zip(out, (b, rho or lam, s2, omega), strict=True):
                kept[i] = value
    return out


def _within(
    columns: NDArray[np.float64], p: NDArray[np.float64], posed: Estimate
) -> NDArray[np.float64]:
    """Remove effects from columns (T, N, ...) by generalised least squares, precisions p (N,)."""
    if posed.effects in ("unit", "twoway"):
        columns = columns - columns.mean(axis=0, keepdims=True)
    if posed.effects in ("time", "twoway"):
        columns = columns - np.einsum("n,tn...->t...", p / p.sum(), columns)[:, None]
    return columns


def _grid(posed: Estimate, prior: Prior) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values of rho or lam, and prior times Jacobian there, in logs."""
    weights = posed.spectrum or posed.error
    if weights is None:
        return np.zeros(1), np.zeros(1)
    lower, upper = prior.spatial.bounds(weights.interval)
    edge = (upper - lower) / _NODES
    grid = np.linspace(lower + 0.5 * edge, upper - 0.5 * edge, _NODES)
    log = prior.spatial.log_density(grid, weights.interval)
    return grid, log + posed.reduction.periods * weights.logdet(grid)


def _drawn(
    grid: NDArray[np.float64], heights: NDArray[np.float64], rng: np.random.Generator
) -> float:
    """Draw from a log density at the nodes of a grid, a step function on its cells."""
    if len(grid) == 1:
        return 0.0
    distribution = np.cumsum(np.exp(heights - heights.max()))
    cell = int(np.searchsorted(distribution, rng.random() * distribution[-1]))
    return float(grid[cell] + (grid[1] - grid[0]) * (rng.random() - 0.5))
