"""What an index hangs on: weighting rules, single indicators, single years; coupling of systems."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.errors import DataError, first_five
from ccec_econ.indices.composite import (
    CompositeIndex,
    Weighting,
    composite_index,
    minmax_pooled,
)
from ccec_econ.parallel import spread

__all__ = ["coupling", "obstacle_degree", "rank_intervals", "weighting_versions"]


def weighting_versions(
    indicators: pd.DataFrame, rules: Sequence[Weighting] = get_args(Weighting)
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Build the index under several rules and compare the order of units.

    Parameters
    ----------
    indicators : DataFrame, shape (rows, K)
        As in `composite_index`.
    rules : sequence of str
        Weighting rules.

    Returns
    -------
    DataFrame, DataFrame
        The index by rule (rows as the indicators'), and Spearman's rank correlations of the rules
        over all rows.

    Raises
    ------
    DataError
        As `composite_index`; PCA where loadings differ in sign.

    Examples
    --------
    >>> frame = pd.DataFrame({"a": [0.0, 1.0, 2.0, 4.0], "b": [1.0, 2.0, 3.0, 5.0]})
    >>> versions, agreement = weighting_versions(frame, ["entropy", "equal"])
    >>> float(agreement.loc["entropy", "equal"])
    1.0
    """
    versions = pd.DataFrame({rule: composite_index(indicators, rule).index for rule in rules})
    return versions, versions.corr(method="spearman")


def obstacle_degree(index: CompositeIndex, indicators: pd.DataFrame) -> pd.DataFrame:
    """Share of each indicator in what a row lacks to a full score.

    Parameters
    ----------
    index : CompositeIndex
        Supplies weights and bounds.
    indicators : DataFrame, shape (rows, K)
        The indicators it was built from, or others on the same bounds.

    Returns
    -------
    DataFrame, shape (rows, K)
        Rows sum to one; zero throughout for a row with a full score.

    Raises
    ------
    DataError
        If an indicator of the index is not among the columns.

    Notes
    -----
    ``O_ij = w_j (1 - x_ij) / sum_j w_j (1 - x_ij)``, x scaled to [0, 1] by the index's bounds. An
    accounting identity, not a cause: heavily weighted indicators come first by construction.
    """
    missing = [name for name in index.weights.index if name not in indicators.columns]
    if missing:
        raise DataError(f"obstacle degree: {first_five(missing)} not among the indicators.")
    scaled = minmax_pooled(indicators[list(index.weights.index)], bounds=index.bounds)
    lacking = (1.0 - scaled) * index.weights
    total = lacking.sum(axis=1)
    return lacking.div(total.where(total > 0.0, 1.0), axis=0)


def coupling(
    systems: pd.DataFrame, *, weights: Sequence[float] | None = None, corrected: bool = True
) -> pd.DataFrame:
    """Coupling and coordination of two or more systems scored in [0, 1].

    Parameters
    ----------
    systems : DataFrame, shape (rows, n)
        One column per system.
    weights : sequence of float, optional
        Weights of the systems in their common level, summing to one; equal by default.
    corrected : bool
        The usual degree of coupling hardly leaves the neighbourhood of one; the corrected one
        spreads over [0, 1].

    Returns
    -------
    DataFrame
        ``coupling`` C, ``level`` T, ``coordination`` D = sqrt(C T), all in [0, 1].

    Raises
    ------
    DataError
        If scores lie outside [0, 1] or are missing, there are fewer than two systems, or weights
        do not sum to one.

    Notes
    -----
    Usual: ``C = n (prod U)^(1/n) / sum U``. Corrected: ``C = sqrt([1 - mean over i > j of
    abs(U_i - U_j)] [prod_i (U_i / max U)]^(1/(n - 1)))`` (Wang Shujia
    et al. 2021, *Journal of Natural Resources*
    36(3), 793-810). ``T = sum a U``.

    Examples
    --------
    >>> row = pd.DataFrame({"a": [0.1], "b": [0.9], "c": [0.5]})
    >>> [round(float(coupling(row, corrected=c)["coupling"].iloc[0]), 3) for c in (False, True)]
    [0.711, 0.341]
    """
    U = systems.to_numpy(dtype=np.float64)
    n = U.shape[1]
    a = np.full(n, 1.0 / n) if weights is None else np.asarray(weights, dtype=np.float64)
    if n < 2 or len(a) != n or abs(a.sum() - 1.0) > 1e-9:
        raise DataError(
            f"coupling of {n} systems with weights {a.tolist()}: give at least two systems and one "
            "weight each, summing to one."
        )
    outside = ~((U >= 0.0) & (U <= 1.0)).all(axis=1)
    if outside.any():
        raise DataError(
            f"coupling: scores missing or outside [0, 1] in {first_five(systems.index[outside])}; "
            "scale them first (`minmax_pooled`)."
        )
    product, top = U.prod(axis=1), U.max(axis=1)
    safe = np.where(top > 0.0, top, 1.0)
    if corrected:
        i, j = np.triu_indices(n, k=1)
        near = 1.0 - np.abs(U[:, i] - U[:, j]).mean(axis=1)
        ratios = (U / safe[:, None]).prod(axis=1)
        C = np.sqrt(near * ratios ** (1.0 / (n - 1)))
    else:
        C = n * product ** (1.0 / n) / np.where(top > 0.0, U.sum(axis=1), 1.0)
    T = U @ a
    columns = {"coupling": C, "level": T, "coordination": np.sqrt(C * T)}
    return pd.DataFrame(columns, index=systems.index)


def rank_intervals(
    indicators: pd.DataFrame,
    weighting: Weighting = "entropy",
    *,
    year: int,
    draws: int = 999,
    level: float = 0.95,
    rng: int | np.random.Generator = 0,
) -> pd.DataFrame:
    """Uncertainty of ranks: how much the order of units hangs on the sample behind the weights.

    Parameters
    ----------
    indicators : DataFrame, shape (rows, K)
        Indexed (unit, year).
    weighting : str
        Rule for the weights.
    year : int
        Year whose ranks are wanted.
    draws : int
        Resamples of whole units; weights are found on each, bounds stay.
    level : float
        Confidence level in (0, 1).
    rng : int or Generator
        Seed or generator; the default repeats the same draws.

    Returns
    -------
    DataFrame
        By unit: ``index``, ``rank`` (1 is highest), ``lower`` and ``upper`` rank (percentiles).

    Raises
    ------
    DataError
        As `composite_index`; also if the year is absent, `level` is not in (0, 1) or `draws` is
        not positive.

    Notes
    -----
    Covers the weights only: errors in the indicators move ranks as well.
    """
    years = indicators.index.get_level_values("year")
    if year not in years or not 0.0 < level < 1.0 or draws < 1:
        raise DataError(
            f"ranks of {year}, level {level}, draws {draws}: the indicators have {years.min()} to "
            f"{years.max()}; need 0 < level < 1 and draws >= 1."
        )
    whole = composite_index(indicators, weighting)
    now = pd.DataFrame(indicators.xs(year, level="year"))
    scaled = minmax_pooled(now, bounds=whole.bounds)
    units = indicators.index.get_level_values("unit")
    by_unit = {unit: indicators[units == unit] for unit in units.unique()}
    random = np.random.default_rng(rng)
    names = np.array(list(by_unit))

    def ranked(chosen: NDArray[np.str_]) -> NDArray[np.float64]:
        drawn = pd.concat([by_unit[unit] for unit in chosen])
        weights = composite_index(drawn, weighting, bounds=whole.bounds).weights
        return np.asarray((scaled * weights).sum(axis=1).rank(ascending=False), dtype=np.float64)

    drawn = (random.choice(names, size=len(names)) for _ in range(draws))
    ranks = np.array(spread(ranked, drawn))
    score = (scaled * whole.weights).sum(axis=1)
    low, high = np.quantile(ranks, (0.5 - level / 2, 0.5 + level / 2), axis=0)
    return pd.DataFrame(
        {"index": score, "rank": score.rank(ascending=False), "lower": low, "upper": high}
    )
