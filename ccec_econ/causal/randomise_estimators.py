"""Two estimators of one effect, for many assignments or many outcomes at once.

Both are linear in the outcome, tau = sum_it v_it y_it, with weights v that sum to zero over the
cells of every unit and of every period. Arrays have shape (..., T, N); leading axes broadcast, so
that a thousand assignments of one outcome, or a thousand outcomes under one assignment, are one
call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ESTIMATORS", "Estimator", "Found", "imputation", "twfe", "two_way"]


@dataclass(frozen=True, slots=True)
class Found:
    """Estimates of one effect.

    Attributes
    ----------
    estimate, std_error : ndarray, shape (...)
        The effect and its standard error, clustered by unit. NaN where no treated cell can be
        compared.
    """

    estimate: NDArray[np.float64]
    std_error: NDArray[np.float64]


type Estimator = Callable[
    [NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_] | None],
    Found,
]


def two_way(
    present: NDArray[np.float64], by_period: NDArray[np.float64], by_unit: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Solve for a_i + b_t whose sums over the present cells are given.

    Parameters
    ----------
    present : ndarray, shape (..., T, N)
        1 where a cell counts. Cells of two units must share a period, directly or through others.
    by_period, by_unit : ndarray, shapes (..., T) and (..., N)
        Sums of a_i + b_t over the present cells of every period and unit: the normal equations of
        least squares on unit and period effects. Both have the same total.

    Returns
    -------
    ndarray, shape (..., T, N)
        a_i + b_t, in absent cells too; a unit or period without a present cell has effect zero.

    Notes
    -----
    Unit effects are taken out first, which leaves T equations in b; their constant is free and is
    set so that the b of the periods present sum to zero.
    """
    cells = np.maximum(present.sum(axis=-2), 1.0)
    seen = present.sum(axis=-1)
    share = present / cells[..., None, :]
    left = _diagonal(seen) - share @ np.swapaxes(present, -1, -2)
    some = (seen > 0.0).astype(float)
    left = left + some[..., :, None] * some[..., None, :] + _diagonal(1.0 - some)
    right = by_period - np.einsum("...tn,...n->...t", share, by_unit)
    b = np.linalg.solve(left, right[..., None])[..., 0]
    a = (by_unit - np.einsum("...tn,...t->...n", present, b)) / cells
    return np.asarray(a[..., None, :] + b[..., :, None])


def twfe(
    y: NDArray[np.float64],
    treated: NDArray[np.bool_],
    present: NDArray[np.bool_] | None = None,
) -> Found:
    """Regress on a treatment dummy, unit and period effects.

    Parameters
    ----------
    y, treated : ndarray, shape (..., T, N)
    present : ndarray, shape (..., T, N), optional
        Cells in the sample; all by default.

    Notes
    -----
    With d the dummy net of both effects, ``tau = sum d y / sum d^2`` and, CR1,
    ``se^2 = N/(N-1) sum_i (sum_t d_it e_it)^2 / (sum d^2)^2`` for the N units in the sample.
    """
    P = np.ones(y.shape[-2:]) if present is None else present.astype(float)
    d = _net(treated.astype(float), P)
    e = _net(y, P)
    squares = (d * d).sum(axis=(-2, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        estimate = (d * e).sum(axis=(-2, -1)) / squares
        units = P.any(axis=-2).sum(axis=-1)
        scores = (d * (e - estimate[..., None, None] * d)).sum(axis=-2)
        spread = units / (units - 1.0) * (scores**2).sum(axis=-1)
        return Found(estimate, np.sqrt(spread) / squares)


def imputation(
    y: NDArray[np.float64],
    treated: NDArray[np.bool_],
    present: NDArray[np.bool_] | None = None,
) -> Found:
    """Average outcome less imputed outcome over treated cells.

    Parameters
    ----------
    y, treated : ndarray, shape (..., T, N)
    present : ndarray, shape (..., T, N), optional
        Cells in the sample; all by default.

    Notes
    -----
    Unit and period effects come from untreated cells. A treated cell counts if its unit and its
    period have an untreated cell; cells count alike. Standard error as theorem 3 of Borusyak,
    Jaravel and Spiess (2024, Review of Economic Studies 91, 3253-3285):
    ``se^2 = sum_i (sum_t v_it e_it)^2`` with e the residual in untreated cells and, in treated
    ones, the cell's effect less one average of all, weighted as there. One average instead of one
    per cohort: cohorts of a single unit would have no residual, and effects that differ between
    cohorts widen the error.
    """
    P = np.ones(y.shape[-2:], dtype=bool) if present is None else present
    clean = (P & ~treated).astype(float)
    possible = clean.any(axis=-1)[..., :, None] & clean.any(axis=-2)[..., None, :]
    counted = (P & treated & possible).astype(float)
    number = counted.sum(axis=(-2, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        v = counted / number[..., None, None]
        v = np.where(np.isfinite(v), v, 0.0)
        v = v - clean * _spread(v, clean)
        gap = y - _spread(clean * y, clean)
        own = (v * counted).sum(axis=-2)
        effect = (v * counted * gap).sum(axis=-2)
        middle = (own * effect).sum(axis=-1) / (own**2).sum(axis=-1)
        e = gap - counted * middle[..., None, None]
        scores = (v * e).sum(axis=-2)
        estimate = np.where(number > 0.0, effect.sum(axis=-1), np.nan)
        return Found(estimate, np.sqrt((scores**2).sum(axis=-1)))


ESTIMATORS: dict[str, Estimator] = {"twfe": twfe, "imputation": imputation}


def _net(values: NDArray[np.float64], present: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take unit and period effects out of values; zero where absent."""
    held = values * present
    return np.asarray(present * (held - _spread(held, present)))


def _spread(held: NDArray[np.float64], present: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fit a_i + b_t to values that are zero where absent; or, transposed, spread their sums."""
    return two_way(present, held.sum(axis=-1), held.sum(axis=-2))


def _diagonal(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(values[..., :, None] * np.eye(values.shape[-1]))
