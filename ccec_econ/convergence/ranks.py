"""Rank mobility: who moved up or down between the first and the last year."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ccec_econ.convergence.tables import positive
from ccec_econ.errors import PanelError

__all__ = ["RankMobility", "rank_mobility"]


@dataclass(frozen=True, slots=True)
class RankMobility:
    """Ranks at both ends of the years.

    Attributes
    ----------
    frame : DataFrame
        By unit: ``first`` and ``last`` rank (1 is the highest value) and ``change`` (positive is
        up).
    tau : float
        Kendall's tau-b between both ends: 1 if the order stays, 0 if it is lost.
    mean_change : float
        Mean absolute change over its mean under a random order, ``(N^2 - 1) / (3 N)``: 0 if the
        order stays, about 1 if it is lost.
    years : tuple of int
        First and last year.
    """

    frame: pd.DataFrame
    tau: float
    mean_change: float
    years: tuple[int, int]


def rank_mobility(panel: pd.DataFrame, column: str) -> RankMobility:
    """Compare the ranks of units in the first and the last year.

    Parameters
    ----------
    panel : DataFrame
        Indexed (unit, year).
    column : str
        Positive levels.

    Returns
    -------
    RankMobility

    Raises
    ------
    PanelError
        If values are missing or not positive, or there are fewer than two years or units.

    Notes
    -----
    Ties share their mean rank. Kendall (1938, *Biometrika* 30, 81-93).

    Examples
    --------
    >>> import ccec_econ as ce
    >>> moved = rank_mobility(ce.data.load_panel(years=(2010, 2022)), "gdp_pc")
    >>> moved.years, 0 < moved.tau < 1
    ((2010, 2022), True)
    """
    from scipy.stats import kendalltau

    table = positive(panel, column)
    if min(table.shape) < 2:
        raise PanelError(
            f"ranks of '{column}': {table.shape[0]} years of {table.shape[1]} units; give at least "
            "two of each."
        )
    ends = (
        table.iloc[[0, -1]]
        .rank(axis="columns", ascending=False)
        .T.set_axis(["first", "last"], axis="columns")
    )
    N = len(ends)
    change = ends["first"] - ends["last"]
    return RankMobility(
        frame=ends.assign(change=change),
        tau=float(kendalltau(ends["first"], ends["last"]).statistic),
        mean_change=float(change.abs().mean() * 3 * N / (N**2 - 1)),
        years=(int(table.index[0]), int(table.index[-1])),
    )
