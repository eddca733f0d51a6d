"""Student-t errors with one variance per unit, by Gibbs sampling in two blocks.

    v_it ~ N(0, s2 omega_i),    df / omega_i ~ chi2(df).

Given omega everything else is drawn at once, as with normal errors, on columns whose effects are
removed by weighted means and that are divided by sqrt(omega_i): rho by its distribution function,
then s2, the coefficients and the effects. Given those,

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
from ccec_econ.engine.moments import Moments, moments
from ccec_econ.errors import IdentificationError

__all__ = ["gibbs"]

_WARM_UP = 300  # draws of each chain thrown away
_NODES = 2001  # of rho


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
        If the model has spatial errors.
    """
    if posed.error is not None:
        raise IdentificationError(
            "Student-t errors are not available with spatial errors; fit sar, sdm, slx or ols."
        )
    posed.likelihood.refuse_flat()
    each = max(1, draws // chains)
    parts = [_chain(posed, prior, df, each, one) for one in rng.spawn(chains)]
    b, rho, s2, omega = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Draws(b, rho, s2, omega, chains)


def _chain(
    posed: Estimate, prior: Prior, df: float, draws: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], ...]:
    T, N = posed.y.shape
    K = len(posed.terms)
    columns = np.concatenate([posed.Z, posed.y[..., None], posed.Wy[..., None]], axis=2)
    added = prior.added(posed)
    rows = np.column_stack([added.rows, added.target, np.zeros(len(added.target))])
    shape = added.shape + 0.5 * posed.reduction.nobs
    grid, jacobian = _grid(posed, prior)
    out = np.empty((draws, K)), np.empty(draws), np.empty(draws), np.empty((draws, N))
    omega = df / rng.chisquare(df, N)
    for i in range(-_WARM_UP, draws):
        root = np.sqrt(1.0 / omega)
        within = _within(columns, root**2, posed)
        whitened = (root[:, None] * within).reshape(T * N, K + 2)
        found = moments(np.linalg.qr(np.vstack([whitened, rows]), mode="r"), np.ones(K))
        rho = _rho(found, grid, jacobian, shape, added.rate, rng)
        s2 = float((added.rate + 0.5 * found.sse(rho)) / rng.gamma(shape))
        target = found.ry - rho * found.rw + np.sqrt(s2) * rng.standard_normal(K)
        b = solve_triangular(found.R, target)
        e = within @ np.concatenate([-b, [1.0, -rho]])
        noise = np.sqrt(s2 * omega) * rng.standard_normal((T, N))
        v = e + noise - _within(noise[..., None], root**2, posed)[..., 0]  # effects drawn
        omega = (df + (v**2).sum(axis=0) / s2) / rng.chisquare(df + T, N)
        if i >= 0:
            for kept, value in zip(out, (b, rho, s2, omega), strict=True):
                kept[i] = value
    return out


def _within(
    columns: NDArray[np.float64], p: NDArray[np.float64], posed: Estimate
) -> NDArray[np.float64]:
    """Remove effects from columns (T, N, C) by generalised least squares with precisions p (N,)."""
    if posed.effects in ("unit", "twoway"):
        columns = columns - columns.mean(axis=0, keepdims=True)
    if posed.effects in ("time", "twoway"):
        columns = columns - np.einsum("n,tnc->tc", p / p.sum(), columns)[:, None]
    return columns


def _grid(posed: Estimate, prior: Prior) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values of rho, and prior times Jacobian there, in logs."""
    if posed.spectrum is None:
        return np.zeros(1), np.zeros(1)
    lower, upper = prior.spatial.bounds(posed.spectrum.interval)
    edge = (upper - lower) / _NODES
    grid = np.linspace(lower + 0.5 * edge, upper - 0.5 * edge, _NODES)
    log = prior.spatial.log_density(grid, posed.spectrum.interval)
    return grid, log + posed.reduction.periods * posed.spectrum.logdet(grid)


def _rho(
    found: Moments,
    grid: NDArray[np.float64],
    jacobian: NDArray[np.float64],
    shape: float,
    rate: float,
    rng: np.random.Generator,
) -> float:
    """Draw rho from its density given omega, a step function on the cells of the grid."""
    if len(grid) == 1:
        return 0.0
    heights = jacobian - shape * np.log(rate + 0.5 * found.sse(grid))
    distribution = np.cumsum(np.exp(heights - heights.max()))
    cell = int(np.searchsorted(distribution, rng.random() * distribution[-1]))
    return float(grid[cell] + (grid[1] - grid[0]) * (rng.random() - 0.5))
