"""Composite indices: pooled min-max scaling and weights estimated on all units and years.

Bounds and weights are taken over the pooled panel, never year by year, so that values of
different years can be compared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ccec_econ.errors import DataError, first_five

__all__ = [
    "ENTROPY_SHIFT",
    "CompositeIndex",
    "composite_index",
    "critic_weights",
    "entropy_weights",
    "equal_weights",
    "leave_one_out_weights",
    "minmax_pooled",
    "pca_weights",
]

ENTROPY_SHIFT = 1e-4
"""Translation of the scaled indicators, as a share of their range, before logarithms are taken."""

Weighting = Literal["entropy", "equal", "critic", "pca"]


@dataclass(frozen=True, slots=True)
class CompositeIndex:
    """A composite index together with all that is needed to compute it again.

    Attributes
    ----------
    index : Series
        One value in [0, 1] per row of the indicators.
    weights : Series
        One weight per indicator; they sum to one.
    bounds : DataFrame
        Pooled ``min`` and ``max`` of each indicator.
    weighting : str
        How the weights were found.
    """

    index: pd.Series[float]
    weights: pd.Series[float]
    bounds: pd.DataFrame
    weighting: Weighting


def composite_index(
    indicators: pd.DataFrame,
    weighting: Weighting = "entropy",
    *,
    bounds: pd.DataFrame | None = None,
    weights: pd.Series[float] | None = None,
) -> CompositeIndex:
    """Build a composite index from indicators of which more is better.

    Parameters
    ----------
    indicators : DataFrame, shape (rows, K)
        One row per unit and year, one column per indicator, no missing cell.
    weighting : {"entropy", "equal", "critic", "pca"}
        Rule for the weights.
    bounds, weights : optional
        Bounds or weights of another panel, to put a new panel on the same scale.

    Returns
    -------
    CompositeIndex

    Raises
    ------
    DataError
        If a cell is missing, an indicator is constant, or the rule is unknown.

    Notes
    -----
    ``index = sum_j w_j (x_j - min_j) / (max_j - min_j)`` with pooled bounds. The shift of
    `ENTROPY_SHIFT` enters the weights only.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"a": [0.0, 1.0, 2.0], "b": [1.0, 3.0, 2.0]})
    >>> composite_index(frame, "equal").index.tolist()
    [0.0, 0.75, 0.75]
    """
    rules: dict[str, Callable[[pd.DataFrame], pd.Series[float]]] = {
        "entropy": entropy_weights,
        "equal": equal_weights,
        "critic": critic_weights,
        "pca": pca_weights,
    }
    if weighting not in rules:
        raise DataError(f"weighting '{weighting}': unknown; choose one of {', '.join(rules)}.")
    limits = _bounds(indicators) if bounds is None else bounds
    scaled = minmax_pooled(indicators, bounds=limits)
    found = rules[weighting](scaled) if weights is None else weights
    index = (scaled * found).sum(axis=1).rename("index")
    return CompositeIndex(index, found.rename("weight"), limits, weighting)


def minmax_pooled(indicators: pd.DataFrame, *, bounds: pd.DataFrame | None = None) -> pd.DataFrame:
    """Scale each indicator to [0, 1] by its minimum and maximum over all rows.

    Parameters
    ----------
    indicators : DataFrame, shape (rows, K)
        Indicators without missing cells.
    bounds : DataFrame, optional
        Rows named by indicator, columns ``min`` and ``max``; pooled bounds by default. With
        given bounds values may fall outside [0, 1].

    Raises
    ------
    DataError
        If a cell is missing or an indicator does not vary.
    """
    limits = _bounds(indicators) if bounds is None else bounds
    low, high = limits["min"], limits["max"]
    return (indicators - low) / (high - low)


def entropy_weights(scaled: pd.DataFrame, *, shift: float = ENTROPY_SHIFT) -> pd.Series[float]:
    """Weigh indicators by the information in their dispersion.

    Parameters
    ----------
    scaled : DataFrame, shape (rows, K)
        Indicators scaled to [0, 1] over the pooled panel.
    shift : float
        Translation added to every cell, as a share of the range.

    Returns
    -------
    Series
        One weight per indicator, summing to one.

    Notes
    -----
    With ``z = scaled + shift`` and ``p = z / sum(z)`` over all rows of an indicator, the
    entropy is ``e = -sum(p ln p) / ln(rows)`` and the weight ``(1 - e) / sum(1 - e)``.
    Shannon, C. E. (1948). A mathematical theory of communication. *Bell System Technical
    Journal* 27, 379-423.
    """
    values = scaled.to_numpy(float) + shift
    p = values / values.sum(axis=0)
    entropy = -(p * np.log(p)).sum(axis=0) / np.log(len(values))
    return _normalised(1.0 - entropy, scaled.columns)


def equal_weights(scaled: pd.DataFrame) -> pd.Series[float]:
    """Give every indicator the same weight."""
    return _normalised(np.ones(scaled.shape[1]), scaled.columns)


def critic_weights(scaled: pd.DataFrame) -> pd.Series[float]:
    """Weigh indicators by contrast and conflict: ``sd_j * sum_k (1 - r_jk)``.

    Notes
    -----
    Diakoulaki, D., Mavrotas, G. and Papayannakis, L. (1995). Determining objective weights in
    multiple criteria problems: the CRITIC method. *Computers & Operations Research* 22, 763-770.
    """
    values = scaled.to_numpy(float)
    conflict = (1.0 - np.corrcoef(values, rowvar=False)).sum(axis=0)
    return _normalised(values.std(axis=0, ddof=1) * conflict, scaled.columns)


def pca_weights(scaled: pd.DataFrame) -> pd.Series[float]:
    """Weigh indicators by the loadings of their first principal component.

    Loadings of the correlation matrix, divided by their sum, so that the index keeps its scale.

    Raises
    ------
    DataError
        If the loadings differ in sign: the indicators then do not measure one thing.

    Notes
    -----
    Pearson, K. (1901). On lines and planes of closest fit to systems of points in space.
    *Philosophical Magazine* 2, 559-572.
    """
    correlation = np.corrcoef(scaled.to_numpy(float), rowvar=False)
    first = np.linalg.eigh(correlation).eigenvectors[:, -1]
    loadings = first * np.sign(first.sum())
    if (loadings <= 0).any():
        negative = [str(c) for c, v in zip(scaled.columns, loadings, strict=True) if v <= 0]
        raise DataError(
            f"first principal component: loadings differ in sign ({first_five(negative)} "
            "against the others); drop or reverse these indicators."
        )
    return _normalised(loadings, scaled.columns)


def leave_one_out_weights(
    scaled: pd.DataFrame,
    level: str = "year",
    rule: Callable[[pd.DataFrame], pd.Series[float]] = entropy_weights,
) -> pd.DataFrame:
    """Return the weights found without each year (or unit) in turn.

    Parameters
    ----------
    scaled : DataFrame
        Scaled indicators with a named index level.
    level : str
        The level whose values are left out one at a time.
    rule : callable
        Function from scaled indicators to weights.

    Returns
    -------
    DataFrame
        One row per value left out, one column per indicator.
    """
    labels = scaled.index.get_level_values(level)
    rows = {label: rule(scaled[labels != label]) for label in labels.unique().sort_values()}
    table = pd.DataFrame(rows).T
    table.index.name = level
    return table


def _bounds(indicators: pd.DataFrame) -> pd.DataFrame:
    missing = indicators.columns[indicators.isna().any()]
    if len(missing):
        count = int(indicators.isna().to_numpy().sum())
        raise DataError(
            f"composite index: {count} missing cells in {first_five(missing)}; fill them by a "
            "stated rule or choose years in which the indicators are complete."
        )
    bounds = pd.DataFrame({"min": indicators.min(), "max": indicators.max()})
    constant = bounds.index[bounds["min"] == bounds["max"]]
    if len(constant):
        raise DataError(
            f"composite index: {first_five(constant)} does not vary; drop it, it cannot be scaled."
        )
    return bounds


def _normalised(raw: np.ndarray, names: pd.Index) -> pd.Series[float]:
    return pd.Series(raw / raw.sum(), index=names, name="weight")
