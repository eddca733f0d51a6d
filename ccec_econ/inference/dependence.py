"""Tests of dependence between the residuals of units, with and without a weights matrix.

Sizes quoted at a nominal 5 % are Monte Carlo at N = 16, T = 12, normal errors.

References
----------
Moran, P. (1950). Notes on continuous stochastic phenomena. Biometrika 37, 17-23.
Breusch, T. and Pagan, A. (1980). The Lagrange multiplier test and its applications to model
specification in econometrics. Review of Economic Studies 47, 239-253.
Pesaran, M. H. (2015). Testing weak cross-sectional dependence in large panels. Econometric
Reviews 34, 1089-1117.
Juodis, A. and Reese, S. (2022). The incidental parameters problem in testing for remaining
cross-section correlation. Journal of Business & Economic Statistics 40, 1191-1203.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.estimate import Estimate
from ccec_econ.engine.transform import demean
from ccec_econ.inference.outcome import Outcome, inapplicable, normal, simulated
from ccec_econ.parallel import spread
from ccec_econ.typeset import number

__all__ = [
    "Moran",
    "breusch_pagan",
    "moran",
    "moran_by_period",
    "moran_of_rows",
    "pesaran_cd",
    "weighted_cd",
]

_INDEPENDENT = "residuals of units are uncorrelated"
_NO_PATTERN = "residuals lie at random on the map"
_TIES = 1e-10  # two statistics closer than this, relative, are one: permutations repeat values
_FLOOR = 0.05  # least share of the mean variance that a unit's variance is set to
_SHORT = 4  # fewer periods than this tell nothing of persistence
_STATIONARY = 0.95  # bound of the autocorrelation in simulated innovations
_BLOCK = 4_000_000  # cells simulated at a time
_CELLS = 50_000  # cells permuted at a time: what a processor keeps near


@dataclass(frozen=True, slots=True)
class Moran:
    """Moran's I of each period.

    Attributes
    ----------
    I : ndarray, shape (T,)
        (N / S0) e_t'We_t / e_t'e_t of residuals centred over units.
    expected : float
        Mean over permutations, -1/(N - 1).
    pvalue : ndarray, shape (T,)
        Share of permutations of units that lie as far from the mean, both sides.
    """

    I: NDArray[np.float64]  # noqa: E741 (its name in the literature)
    expected: float
    pvalue: NDArray[np.float64]


def moran_by_period(
    fit: Estimate, W: NDArray[np.float64], draws: int, rng: np.random.Generator
) -> Moran:
    """Moran's I period by period, units permuted within each.

    Twelve periods give twelve p-values: at least one below 5 % is no finding.
    """
    return moran_of_rows(demean(fit.residuals, "time"), W, draws, rng)


def moran_of_rows(
    rows: NDArray[np.float64], W: NDArray[np.float64], draws: int, rng: np.random.Generator
) -> Moran:
    """Moran's I of each row of values centred over units, (T, N), units permuted within it."""
    expected = -1.0 / (rows.shape[1] - 1)
    found, pvalues = [], []
    for row in rows:
        value = float(_cross(row[None, :], W)[0] / (row @ row))
        shuffled = rng.permuted(np.tile(row, (draws, 1)), axis=1)
        others = _cross(shuffled, W) / (row @ row)
        found.append(value)
        pvalues.append((1 + _as_far(others, value, expected)) / (1 + draws))
    return Moran(np.array(found), expected, np.array(pvalues))


def moran(fit: Estimate, W: NDArray[np.float64], draws: int, rng: np.random.Generator) -> Outcome:
    """Moran's I of all periods together, whole units permuted.

    I = (N / S0) sum_t e_t'We_t / sum_t e_t'e_t. A permutation moves a unit with all its periods:
    that keeps what effects and serial correlation do to a unit's residuals, which permuting each
    period by itself does not (its p-values are too small by sqrt(T/(T - 1)) in the spread).
    """
    e = demean(fit.residuals, "time")
    N = e.shape[1]
    products, scale = e.T @ e, N / W.sum() / float((e**2).sum())
    value, expected = scale * float((W * products).sum()), -1.0 / (N - 1)

    def permuted(orders: NDArray[np.int64]) -> NDArray[np.float64]:
        moved = W * products[orders[:, :, None], orders[:, None, :]]
        return np.asarray(scale * moved.reshape(len(orders), -1).sum(axis=1))

    size = max(1, _CELLS // N**2)
    sizes = (min(size, draws - start) for start in range(0, draws, size))
    orders = (np.array([rng.permutation(N) for _ in range(here)]) for here in sizes)
    others = np.concatenate(spread(permuted, orders))
    return simulated(
        "Moran's I, pooled",
        _NO_PATTERN,
        value,
        exceed=_as_far(others, value, expected),
        draws=draws,
        how="permutation",
        note=f"Moran's I: null mean {number(expected, 4)}, both sides, whole units permuted.",
    )


def pesaran_cd(fit: Estimate) -> Outcome:
    """Pesaran's CD, sqrt(2T/(N(N - 1))) times the sum of pairwise correlations, N(0, 1).

    Not after time effects: residuals then sum to zero in each period, correlations average about
    -1/(N - 1), and CD rejects a true null in every sample when units have equal variances.
    """
    if fit.effects in ("time", "twoway"):
        reason = (
            "time effects make residuals sum to zero over units, which drives CD to minus "
            "infinity with T (Juodis and Reese 2022); read the Breusch-Pagan test"
        )
        return inapplicable("Pesaran CD", _INDEPENDENT, reason)
    correlation, scale = _correlations(fit.residuals), _scale(fit)
    return normal("Pesaran CD", _INDEPENDENT, scale * float(_above(correlation).sum()))


def weighted_cd(fit: Estimate, rng: np.random.Generator) -> Outcome:
    """CD with random signs w_i = +-1: sqrt(2T/(N(N - 1))) sum_{i<j} w_i w_j r_ij, N(0, 1).

    Valid with time effects, at a price. Size .05 with equal variances, but .06 to .09 when units
    differ in variance; power hardly above size at N = 16; and the p-value depends on the signs
    drawn. Averaging over draws of signs is not offered: its size is .07.
    """
    w = rng.choice([-1.0, 1.0], size=fit.y.shape[1])
    weighted = _correlations(fit.residuals) * np.outer(w, w)
    note = "Weighted CD: one draw of random signs; little power in few units."
    return normal("Weighted CD", _INDEPENDENT, _scale(fit) * float(_above(weighted).sum()), note)


def breusch_pagan(fit: Estimate, draws: int, rng: np.random.Generator) -> Outcome:
    """Breusch-Pagan statistic T sum_{i<j} r_ij^2 against its simulated distribution.

    Under the null residuals are M_Z v, v independent over units, normal, with a variance for each
    unit and one first-order autocorrelation for all; draws of v pass through the same effects and
    regressors, which gives the statistic its centre whatever N and T. Size .03 to .06 with equal or
    unequal variances and autocorrelation 0 to .8 (without it in the draws, .64 at .5); power .68
    against one weak factor where the weighted CD has .07.
    """
    T, N = fit.y.shape
    Q = np.linalg.qr(fit.Z.reshape(T * N, -1))[0]
    deviations, persistence = np.sqrt(_variances(fit))[:, None], _persistence(fit)
    value = float(_sum_of_squares(fit.residuals[:, :, None])[0])

    def exceeding(standard: NDArray[np.float64]) -> int:
        v = deviations * _series(standard, persistence)
        flat = demean(v, fit.effects).reshape(T * N, -1)
        e = (flat - Q @ (Q.T @ flat)).reshape(standard.shape)
        return int((_sum_of_squares(e) >= value * (1 - _TIES)).sum())

    size = max(1, _BLOCK // (N * max(T, N)))
    sizes = (min(size, draws - start) for start in range(0, draws, size))
    exceed = sum(spread(exceeding, (rng.standard_normal((T, N, here)) for here in sizes)))
    return simulated(
        "Breusch-Pagan",
        _INDEPENDENT,
        value,
        exceed=exceed,
        draws=draws,
        how="Monte Carlo",
        note="Breusch-Pagan: normal draws, own variance of each unit, common autocorrelation.",
    )


def _cross(rows: NDArray[np.float64], W: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N / S0) e'We for rows of shape (D, N)."""
    return np.asarray(rows.shape[1] / W.sum() * ((rows @ W.T) * rows).sum(axis=1))


def _as_far(others: NDArray[np.float64], value: float, centre: float) -> int:
    return int((np.abs(others - centre) >= abs(value - centre) * (1 - _TIES)).sum())


def _correlations(e: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlations over time between the columns of (T, N), zero diagonal."""
    centred = e - e.mean(axis=0)
    unit = centred / np.linalg.norm(centred, axis=0)
    out = unit.T @ unit
    np.fill_diagonal(out, 0.0)
    return np.asarray(out)


def _above(A: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(A[np.triu_indices(len(A), k=1)])


def _scale(fit: Estimate) -> float:
    T, N = fit.y.shape
    return float(np.sqrt(2.0 * T / (N * (N - 1))))


def _sum_of_squares(e: NDArray[np.float64]) -> NDArray[np.float64]:
    """T sum_{i<j} r_ij^2 of columns (T, N, D)."""
    centred = e - e.mean(axis=0)
    unit = (centred / np.linalg.norm(centred, axis=0)).transpose(2, 0, 1)
    r = unit.transpose(0, 2, 1) @ unit
    return np.asarray(len(e) * ((r**2).sum(axis=(1, 2)) - e.shape[1]) / 2.0)


def _variances(fit: Estimate) -> NDArray[np.float64]:
    """Variance of each unit's innovation, shape (N,), cleared of the removal of effects.

    Time effects mix variances: E e_i^2 = (1 - 2/N) s_i^2 + mean(s^2)/N.
    """
    T, N = fit.y.shape
    raw = (fit.residuals**2).mean(axis=0)
    if fit.effects in ("unit", "twoway"):
        raw = raw * T / (T - 1)
    if fit.effects in ("time", "twoway"):
        mean = raw.mean() * N / (N - 1)
        raw = (raw - mean / N) / (1.0 - 2.0 / N)
    return np.asarray(np.maximum(raw, _FLOOR * raw.mean()))


def _persistence(fit: Estimate) -> float:
    """First-order autocorrelation of the innovations, cleared of the bias of unit effects."""
    e, T = fit.residuals, len(fit.y)
    if T < _SHORT:
        return 0.0
    r = float((e[1:] * e[:-1]).sum() / (e[:-1] ** 2).sum())
    if fit.effects in ("unit", "twoway"):
        r = (r * (T - 1) + 1.0) / (T - 2)
    return float(np.clip(r, -_STATIONARY, _STATIONARY))


def _series(shocks: NDArray[np.float64], r: float) -> NDArray[np.float64]:
    """Stationary first-order autoregression of unit variance from normal shocks (T, N, D)."""
    out = shocks.copy()
    for t in range(1, len(out)):
        out[t] = r * out[t - 1] + np.sqrt(1.0 - r**2) * shocks[t]
    return out
