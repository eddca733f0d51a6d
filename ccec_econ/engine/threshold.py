"""Threshold regression on the likelihood of rho: from one value to the next only a split changes.

With q the threshold variable, a column x that is split enters as x 1(q <= g) and x 1(q > g), its
spatial lag as W[x 1(q <= g)] and W[x 1(q > g)]. Each pair adds up to a column of the model without
a threshold, so a value g only adds D(g) = [x 1(q <= g), W(x 1(q <= g))] to that model's columns Z.
With Q(g) an orthonormal basis of D(g), effects and Z removed, and e(rho) the residuals of
y - rho Wy on Z,

    SSE(rho; g) = |e(rho)|^2 - |Q(g)'e(rho)|^2,

a parabola in rho: three numbers for every value and every response.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import elementwise

from ccec_econ.engine.estimate import Estimate
from ccec_econ.engine.likelihood import gaussian
from ccec_econ.engine.spectrum import Spectral, Spectrum
from ccec_econ.engine.transform import demean
from ccec_econ.errors import IdentificationError
from ccec_econ.parallel import spread

__all__ = ["Heights", "Splits", "candidates", "heights", "identified"]

_CELLS = 4_000_000  # numbers held at a time
_GONE = 1e-8  # share of a split column's length that effects and Z must leave
_EXACT = 1e-13  # share of the sum of squares that a fit may leave and still count as a fit
_TOLERANCE = 1e-10  # of rho: the height is flat there, and exact to the square of it


@dataclass(frozen=True, slots=True)
class Splits:
    """What is split, and by what.

    Attributes
    ----------
    by : ndarray, shape (T, N)
        Threshold variable.
    columns : ndarray, shape (T, N, S)
        Raw columns that are split.
    lagged : tuple of int
        Positions of those whose spatial lag is split too.
    weights : Spectrum or None
        Weights of these lags.
    """

    by: NDArray[np.float64]
    columns: NDArray[np.float64]
    lagged: tuple[int, ...]
    weights: Spectral | None

    @property
    def width(self) -> int:
        """Columns that a threshold adds."""
        return int(self.columns.shape[2]) + len(self.lagged)

    def low(self, thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Raw columns of the low regime at G thresholds, own then lagged: (T, N, G, width)."""
        inside = self.by[:, :, None, None] <= thresholds[:, None]
        own = np.where(inside, self.columns[:, :, None, :], 0.0)
        if not self.lagged or self.weights is None:
            return own
        T, N, G, _ = own.shape
        flat = own[..., list(self.lagged)].reshape(T, N, -1)
        return np.concatenate([own, self.weights.lag(flat).reshape(T, N, G, -1)], axis=3)


@dataclass(frozen=True, slots=True)
class Heights:
    """Maximised log-likelihoods of D responses.

    Attributes
    ----------
    null : ndarray, shape (D,)
        Without a threshold.
    split : ndarray, shape (D, G)
        At every threshold.
    border : ndarray of bool, shape (D,)
        Whether the highest of a response, with or without a threshold, lies at an end of rho's
        interval.
    """

    null: NDArray[np.float64]
    split: NDArray[np.float64]
    border: NDArray[np.bool_]

    @property
    def supremum(self) -> NDArray[np.float64]:
        """Likelihood ratio 2 (max_g l(g) - l) of every response, shape (D,)."""
        return np.asarray(2.0 * (self.split.max(axis=1) - self.null))


def candidates(
    by: NDArray[np.float64], trim: float, min_units: int
) -> tuple[NDArray[np.float64], int]:
    """Distinct values that leave both regimes enough observations and units.

    Parameters
    ----------
    by : ndarray, shape (T, N)
    trim : float
        Least share of the observations in each regime.
    min_units : int
        Least number of units seen in each regime.

    Returns
    -------
    tuple
        Values in order, shape (G,), and how many more the units alone ruled out.
    """
    values, counts = np.unique(by, return_counts=True)
    below = counts.cumsum()
    least = trim * by.size * (1.0 - 1e-12)
    kept = values[(below >= least) & (by.size - below >= max(least, 1.0))]
    low = by.min(axis=0)[:, None] <= kept
    high = by.max(axis=0)[:, None] > kept
    wide = np.minimum(low.sum(axis=0), high.sum(axis=0)) >= min_units
    return kept[wide], int((~wide).sum())


def identified(
    null: Estimate, splits: Splits, thresholds: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Whether the split columns at each threshold are independent of Z and of each other."""
    parts = [ok for _, _, ok in _bases(null, splits, thresholds)]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.bool_)


def heights(
    null: Estimate,
    splits: Splits,
    thresholds: NDArray[np.float64],
    y: NDArray[np.float64],
    Wy: NDArray[np.float64],
) -> Heights:
    """Maximise the likelihood of every response with and without every threshold.

    Parameters
    ----------
    null : Estimate
        The model without a threshold; its response is not used.
    thresholds : ndarray, shape (G,)
        Values at which the split is identified.
    y, Wy : ndarray, shape (T, N, D)
        Responses and their lags, effects removed; Wy zero in models without rho.

    Raises
    ------
    IdentificationError
        If a split explains a response exactly.
    """
    D = y.shape[2]
    e = np.concatenate([y, Wy], axis=2).reshape(-1, 2 * D)
    basis = _basis(null)
    e = e - basis @ (basis.T @ e)
    size = (e**2).sum(axis=0)[:D]
    whole = _parabola(e[:, :D], e[:, D:])
    base, at_border = _maxima(null, whole)
    split, border = np.empty((D, len(thresholds))), np.empty((D, len(thresholds)), dtype=np.bool_)
    for part, Q, _ in _bases(null, splits, thresholds):
        shares = np.matmul(Q.transpose(0, 2, 1), e)
        rest = whole[:, None] - _parabola(shares[..., :D], shares[..., D:])
        if (rest[0] <= _EXACT * size).any():
            raise IdentificationError(
                "a split of the regressors explains the response exactly: nothing is left to "
                "estimate a variance from; split fewer terms, or take out the one that is the "
                "response in other clothes."
            )
        found, ends = _maxima(null, rest.reshape(3, -1))
        split[:, part] = found.reshape(-1, D).T
        border[:, part] = ends.reshape(-1, D).T
    best = split.argmax(axis=1)
    return Heights(base, split, at_border | border[np.arange(D), best])


def _basis(null: Estimate) -> NDArray[np.float64]:
    """Orthonormal basis of Z, shape (T * N, K)."""
    Z = null.Z.reshape(null.y.size, -1)
    return np.asarray(np.linalg.qr(Z / np.linalg.norm(Z, axis=0))[0])


def _bases(
    null: Estimate, splits: Splits, thresholds: NDArray[np.float64]
) -> Iterator[tuple[slice, NDArray[np.float64], NDArray[np.bool_]]]:
    """Orthonormal bases of the split columns, (g, T * N, width), and whether they have full rank.

    In parts that memory holds, each with its place among the thresholds.
    """
    basis, rows = _basis(null), null.y.size
    step = max(1, _CELLS // (rows * splits.width))
    for start in range(0, len(thresholds), step):
        part = slice(start, min(start + step, len(thresholds)))
        raw = splits.low(thresholds[part])
        T, N, G, width = raw.shape
        within = demean(raw.reshape(T, N, -1), null.effects).reshape(rows, -1)
        length = np.linalg.norm(raw.reshape(rows, -1), axis=0)
        scaled = within / np.where(length > 0.0, length, 1.0)
        left = scaled - basis @ (basis.T @ scaled)
        Q, R = np.linalg.qr(left.reshape(rows, G, width).transpose(1, 0, 2))
        smallest = np.abs(np.diagonal(R, axis1=1, axis2=2)).min(axis=1)
        yield part, Q, smallest > _GONE


def _parabola(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Products a'a, a'b and b'b over the last axis but one, stacked in front."""
    return np.stack([(a * a).sum(axis=-2), (a * b).sum(axis=-2), (b * b).sum(axis=-2)])


def _maxima(
    null: Estimate, parabolas: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Maximise over rho where SSE = a - 2 rho b + rho^2 c, parabolas (3, P); whether at an end."""
    nobs, periods, weights = null.reduction.nobs, null.reduction.periods, null.spectrum
    if weights is None:
        return gaussian(parabolas[0], nobs), np.zeros(parabolas.shape[1], dtype=np.bool_)
    if not isinstance(weights, Spectrum):
        raise IdentificationError("thresholds need weights that stay the same over time.")
    grid = weights.nodes
    logdet, step = periods * weights.logdet(grid), max(1, _CELLS // len(grid))

    def maximised(
        part: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        a, b, c = part[:, :, None]
        nodes = gaussian(a - 2.0 * grid * b + grid**2 * c, nobs) + logdet
        top = nodes.argmax(axis=1)
        inner = (top > 0) & (top < len(grid) - 1)
        rho = grid[top]
        rho[inner] = _polish(weights, grid, top[inner], part[:, inner], nobs, periods)
        sse = part[0] - 2.0 * rho * part[1] + rho**2 * part[2]
        return gaussian(sse, nobs) + periods * weights.logdet(rho), ~inner

    starts = range(0, parabolas.shape[1], step)
    parts = spread(maximised, (parabolas[:, start : start + step] for start in starts))
    found, ends = zip(*parts, strict=True)
    return np.concatenate(found), np.concatenate(ends)


def _polish(
    weights: Spectrum,
    grid: NDArray[np.float64],
    top: NDArray[np.intp],
    parabolas: NDArray[np.float64],
    nobs: int,
    periods: int,
) -> NDArray[np.float64]:
    """Roots of the score between the neighbours of the highest nodes, (P,)."""
    if not len(top):
        return grid[top]

    def slope(
        rho: NDArray[np.float64],
        a: NDArray[np.float64],
        b: NDArray[np.float64],
        c: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        fit = nobs * (b - rho * c) / (a - 2.0 * rho * b + rho**2 * c)
        return np.asarray(fit - periods * weights.traces_G(rho))

    bracket = (grid[top - 1], grid[top + 1])
    root = elementwise.find_root(
        slope, bracket, args=tuple(parabolas), tolerances={"xatol": _TOLERANCE}
    )
    return np.where(root.success, root.x, grid[top])
