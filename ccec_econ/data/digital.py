"""The digital indicators of the 16 units: screened, spliced, and joined into an index.

Five indicators, all "more is better":

- ``internet``: broadband subscribers per 100 residents; to 2011 international-internet users.
- ``mobile``: mobile telephone subscribers per 100 residents.
- ``telecom``: telecommunication revenue in yuan per resident; business volume in 2003-04 and
  2007-10, spliced.
- ``emp_info``: information transmission, computer services and software, per cent of the
  employees of urban units.
- ``finance``: Peking University digital financial inclusion index (from 2011).

Residents here are those of the yearbook's boundaries (see `boundary`). The finance index is not
screened: its publisher computes it, and positions converge quickly from 2011, so that a rule of
constant positions would flag the first years of half the units.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ccec_econ.data.adjustments import COLUMNS, concat_rows, rows_where, suspect_cells
from ccec_econ.data.screening import Screened, screen
from ccec_econ.data.store import wide
from ccec_econ.indices import CompositeIndex, composite_index

__all__ = [
    "FIVE",
    "FIVE_YEARS",
    "FOUR",
    "FOUR_YEARS",
    "DigitalFigures",
    "digital_figures",
    "digital_index",
    "splice_factors",
]

FOUR = ("internet", "mobile", "telecom", "emp_info")
FIVE = (*FOUR, "finance")
FOUR_YEARS = (2003, 2019)
FIVE_YEARS = (2011, 2019)

_FIRST = 2003
_BROADBAND_FROM = 2012
_REVENUE_YEARS = (2005, 2006)
_REVENUE_FROM = 2011


@dataclass(frozen=True, slots=True)
class DigitalFigures:
    """The five indicators as used and as published, and what lies between.

    Attributes
    ----------
    used, published : dict of DataFrame, shape (T, N)
        By indicator. Published telecom figures are unspliced.
    unscreened : dict of DataFrame
        Published figures, spliced and with absent cells filled, but not screened.
    adjustments : DataFrame
        One row per replaced or filled cell and per splice factor.
    level_changes : DataFrame
        Unit, variable and years of long runs that were kept.
    """

    used: dict[str, pd.DataFrame]
    published: dict[str, pd.DataFrame]
    unscreened: dict[str, pd.DataFrame]
    adjustments: pd.DataFrame
    level_changes: pd.DataFrame


def digital_figures(residents: pd.DataFrame) -> DigitalFigures:
    """Compute the indicators from raw figures.

    Parameters
    ----------
    residents : DataFrame, shape (T, N)
        Residents in 10,000 persons on the yearbook's boundaries.
    """
    published, suspects, blocks = _published(residents)
    factor = splice_factors(published["telecom"].median(axis=1))
    factors = {"telecom": factor.reindex(published["telecom"].index)}
    screened: dict[str, Screened] = {}
    used, unscreened = {}, {}
    for name in FOUR:
        outcome = screen(
            published[name], suspects=suspects[name], blocks=blocks.get(name), fill=FOUR_YEARS
        )
        spliced = factors.get(name, pd.Series(1.0, index=published[name].index))
        screened[name] = outcome
        used[name] = outcome.values.mul(spliced, axis=0)
        as_filled = published[name].fillna(outcome.values.where(outcome.filled))
        unscreened[name] = as_filled.mul(spliced, axis=0)
    finance = wide("digital_finance", "dfi_index_aggregate")
    for tables in (published, used, unscreened):
        tables["finance"] = finance
    rows = [_changed_rows(name, published[name], used[name], screened[name]) for name in FOUR]
    adjustments = concat_rows([*rows, _factor_rows(factor)])
    return DigitalFigures(used, published, unscreened, adjustments, _level_rows(screened))


def digital_index(
    figures: dict[str, pd.DataFrame],
    indicators: tuple[str, ...] = FIVE,
    years: tuple[int, int] = FIVE_YEARS,
) -> CompositeIndex:
    """Join indicators into an index with pooled bounds and entropy weights.

    Parameters
    ----------
    figures : dict of DataFrame, shape (T, N)
        ``DigitalFigures.used`` or ``.unscreened``.
    indicators : tuple of str
        `FIVE` or `FOUR`.
    years : (first, last)
        `FIVE_YEARS` (2011-2019) or `FOUR_YEARS` (2003-2019).
    """
    columns = {name: figures[name].loc[years[0] : years[1]].T.stack() for name in indicators}
    frame = pd.DataFrame(columns).rename_axis(["unit", "year"])
    return composite_index(frame, "entropy")


def splice_factors(median: pd.Series[float]) -> pd.Series[float]:
    """Put telecommunication volume on the level of revenue, one factor per year.

    Parameters
    ----------
    median : Series
        The circle's median figure per resident by year, volume and revenue mixed as published:
        volume 2003-04 and 2007-10, revenue 2005-06 and from 2011.

    Returns
    -------
    Series
        Factor by year, 1 for years of revenue.

    Notes
    -----
    At each edge between volume and revenue the factor is such that the median's growth across
    the edge equals the mean growth of the two adjacent years (the last year before and the
    first year after the edge). The block of 2003-04 has one edge and one factor. The block of
    2007-10 has two edges; its factors run log-linearly from the first to the second, because
    volume counts at constant prices and prices fell.
    """
    logs = median.apply(np.log)
    growth = logs.diff()

    def at_edge(after: int) -> float:
        expected = (growth[after - 1] + growth[after + 1]) / 2.0
        return float(expected - growth[after])

    log_factor = pd.Series(0.0, index=median.index)
    early, late = range(_FIRST, _REVENUE_YEARS[0]), range(_REVENUE_YEARS[1] + 1, _REVENUE_FROM)
    log_factor.loc[list(early)] = -at_edge(_REVENUE_YEARS[0])
    ends = [at_edge(late[0]), -at_edge(_REVENUE_FROM)]
    log_factor.loc[list(late)] = np.linspace(ends[0], ends[1], len(late))
    return log_factor.apply(np.exp).rename("telecom_factor")


def _published(
    residents: pd.DataFrame,
) -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame], dict[str, pd.Series[int]]]:
    """Return published figures, doubted cells and blocks of years by indicator."""
    parts = {
        "internet": ["internet_users_intl", "broadband_subscribers"],
        "mobile": ["mobile_subscribers"],
        "telecom": ["telecom_volume", "telecom_revenue"],
        "emp_info": ["emp_info"],
    }
    raw, suspects = {}, {}
    for name, variables in parts.items():
        raw[name] = _joined([wide("city_yearbook", v) for v in variables])
        doubted = _joined([suspect_cells("city_yearbook", v).astype(float) for v in variables])
        suspects[name] = doubted.fillna(0.0).astype(bool)
    published = {
        "internet": 100.0 * raw["internet"] / residents.loc[raw["internet"].index],
        "mobile": 100.0 * raw["mobile"] / residents.loc[raw["mobile"].index],
        "telecom": 1e4 * raw["telecom"] / residents.loc[raw["telecom"].index],
        "emp_info": 100.0 * raw["emp_info"] / _employees(raw["emp_info"]),
    }
    years = pd.Series(published["internet"].index, index=published["internet"].index)
    blocks = {"internet": (years >= _BROADBAND_FROM).astype(int)}
    return published, suspects, blocks


def _employees(like: pd.DataFrame) -> pd.DataFrame:
    employees = wide("city_yearbook", "employees_units")
    return employees.reindex(index=like.index, columns=like.columns)


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Join the series of one indicator; where years overlap the later series stands."""
    joined = tables[0]
    for table in tables[1:]:
        joined = table.combine_first(joined)
    return joined.loc[_FIRST:]


def _changed_rows(
    name: str, published: pd.DataFrame, used: pd.DataFrame, outcome: Screened
) -> pd.DataFrame:
    return concat_rows(
        [
            rows_where(outcome.replaced, name, published, used, "outlier run replaced by screen"),
            rows_where(outcome.filled, name, published, used, "missing"),
        ]
    )


def _factor_rows(factor: pd.Series[float]) -> pd.DataFrame:
    changed = factor[factor != 1.0]
    reason = "splice of telecommunication volume to revenue: all units times this factor"
    rows = [("circle", int(str(y)), "telecom", 1.0, float(f), reason) for y, f in changed.items()]
    return pd.DataFrame(rows, columns=COLUMNS)


def _level_rows(screened: dict[str, Screened]) -> pd.DataFrame:
    """List the long runs that the screen saw and kept."""
    rows = []
    for name, outcome in screened.items():
        for unit in outcome.level_changes.columns[outcome.level_changes.any()]:
            years = outcome.level_changes.index[outcome.level_changes[unit]]
            rows.append((unit, name, int(years.min()), int(years.max())))
    return pd.DataFrame(rows, columns=["unit", "variable", "first_year", "last_year"])
