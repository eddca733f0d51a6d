"""Dispersion across units by year: sigma, Theil, shares of the cores, the hollow middle.

Every function takes a panel indexed (unit, year) and returns one row per year. Units weigh the
same in `sigma` and by residents in `theil_between` and `hollow_gap`. The Theil index is written
out here because `inequality.TheilD` gives every unit the same weight; with equal populations the
two agree.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from ccec_econ.convergence.tables import by_year, positive
from ccec_econ.errors import AlignmentError, PanelError, first_five

__all__ = [
    "Classes",
    "complete_years",
    "core_share",
    "hollow_gap",
    "primacy",
    "sigma",
    "theil_between",
]

type Classes = Mapping[str, str] | pd.Series[str]
"""Class of each unit, for example `ccec_econ.circle.roles`."""


def complete_years(panel: pd.DataFrame, columns: Sequence[str]) -> list[int]:
    """List the years in which every unit has a figure in all columns.

    Parameters
    ----------
    panel : DataFrame
        Indexed (unit, year).
    columns : sequence of str
        Columns that must be present.

    Raises
    ------
    PanelError
        If a column is absent or the index is not (unit, year).

    Examples
    --------
    >>> panel = pd.DataFrame(
    ...     {"y": [1.0, 2.0, None, 4.0]},
    ...     index=pd.MultiIndex.from_product([["a", "b"], [2001, 2002]], names=["unit", "year"]),
    ... )
    >>> complete_years(panel, ["y"])
    [2002]
    """
    full = pd.concat([by_year(panel, name).notna().all(axis="columns") for name in columns], axis=1)
    return [int(year) for year in full.index[full.all(axis="columns")]]


def sigma(panel: pd.DataFrame, column: str) -> pd.Series[float]:
    """Measure the standard deviation across units of the logarithm of a column, by year.

    Parameters
    ----------
    panel : DataFrame
        Indexed (unit, year), N units.
    column : str
        Positive levels, for example ``"gdp_pc"``; the logarithm is taken here.

    Returns
    -------
    Series
        By year, named ``sigma``.

    Raises
    ------
    PanelError
        If values are missing or not positive.

    Notes
    -----
    ``s_t = sqrt(sum_i (ln y_it - mean_t)^2 / N)``. The divisor is N, not N - 1, because the units
    are all units, not a sample. Units weigh the same (Barro and Sala-i-Martin 1992, *Journal of
    Political Economy* 100(2), 223-251).

    Examples
    --------
    >>> panel = pd.DataFrame(
    ...     {"y": [1.0, np.e**2]},
    ...     index=pd.MultiIndex.from_product([["a", "b"], [2001]], names=["unit", "year"]),
    ... )
    >>> sigma(panel, "y").to_dict()
    {2001: 1.0}
    """
    logs = positive(panel, column).apply(np.log)
    return logs.std(axis="columns", ddof=0).rename("sigma")


def theil_between(
    panel: pd.DataFrame, value: str, population: str, groups: Classes
) -> pd.DataFrame:
    """Split the Theil index into between and within groups of units, by year.

    Parameters
    ----------
    panel : DataFrame
        Indexed (unit, year).
    value : str
        Totals (not per head), for example ``"gdp_real"``.
    population : str
        Residents.
    groups : mapping or Series
        Group of each unit.

    Returns
    -------
    DataFrame
        By year: ``total``, ``between``, ``within`` (they add up) and ``between_share``, the
        share of the total that lies between groups.

    Raises
    ------
    PanelError
        If values are missing or not positive.
    AlignmentError
        If a unit has no group.

    Notes
    -----
    With shares ``s_i`` of the value and ``p_i`` of the population, summing to S_g and P_g over
    group g, ``T = sum_i s_i ln(s_i / p_i)``, between ``sum_g S_g ln(S_g / P_g)``, within
    ``sum_g S_g sum_(i in g) (s_i / S_g) ln((s_i / S_g) / (p_i / P_g))`` (Theil 1967, *Economics
    and Information Theory*, North-Holland, ch. 4). Differences among residents of one unit are
    not seen.
    """
    s = _shares(positive(panel, value))
    p = _shares(positive(panel, population))
    label = _classes(groups, s.columns)
    S = s.T.groupby(label).sum().T
    P = p.T.groupby(label).sum().T
    inside = s.div(S[label].to_numpy())
    expected = p.div(P[label].to_numpy())
    parts = pd.DataFrame(
        {
            "total": (s * _log(s.div(p))).sum(axis="columns"),
            "between": (S * _log(S.div(P))).sum(axis="columns"),
            "within": (s * _log(inside.div(expected))).sum(axis="columns"),
        }
    )
    parts["between_share"] = parts["between"] / parts["total"]
    return parts


def core_share(
    panel: pd.DataFrame, value: str, roles: Classes, *, core: Collection[str] = ("core",)
) -> pd.Series[float]:
    """Compute the share of the cores (or other roles) in the total of all units, by year.

    Parameters
    ----------
    panel : DataFrame
        Indexed (unit, year).
    value : str
        Totals, for example ``"gdp"``.
    roles : mapping or Series
        Role of each unit.
    core : collection of str
        Roles that count.

    Returns
    -------
    Series
        By year, 0 to 1, named ``core_share``.

    Raises
    ------
    PanelError
        If values are missing or not positive.
    AlignmentError
        If a unit has no role, or no unit has a role that counts.

    Notes
    -----
    ``sum_(i in core) y_it / sum_i y_it``; with two cores the two-city concentration of the
    literature on primacy.
    """
    totals = positive(panel, value)
    chosen = _members(_classes(roles, totals.columns), core)
    return _shares(totals)[chosen].sum(axis="columns").rename("core_share")


def primacy(panel: pd.DataFrame, value: str) -> pd.Series[float]:
    """Compare the largest unit with the second largest, by year.

    Parameters
    ----------
    panel : DataFrame
        Indexed (unit, year), at least two units.
    value : str
        Totals, for example ``"gdp"``.

    Returns
    -------
    Series
        By year, at least 1, named ``primacy``.

    Raises
    ------
    PanelError
        If values are missing or not positive, or there are fewer than two units.

    Notes
    -----
    ``y_(1) / y_(2)`` (Jefferson 1939, *Geographical Review* 29(2), 226-232).
    """
    totals = positive(panel, value)
    if totals.shape[1] < 2:
        raise PanelError(
            f"primacy of '{value}': {totals.shape[1]} unit; give at least two to compare."
        )
    ordered = np.sort(totals.to_numpy(), axis=1)
    return pd.Series(ordered[:, -1] / ordered[:, -2], index=totals.index, name="primacy")


def hollow_gap(
    panel: pd.DataFrame, value: str, population: str, roles: Classes
) -> pd.Series[float]:
    """Measure how far the hollow middle lies behind the cores per resident, by year.

    Parameters
    ----------
    panel : DataFrame
        Indexed (unit, year).
    value : str
        Totals (not per head), for example ``"gdp_real"``.
    population : str
        Residents.
    roles : mapping or Series
        Role of each unit, with ``"core"`` and ``"hollow"`` among them.

    Returns
    -------
    Series
        By year, named ``hollow_gap``: 0 when the two groups are level, 0.4 when the hollow middle
        has 60 per cent of the cores' value per resident, negative when it is ahead.

    Raises
    ------
    PanelError
        If values are missing or not positive.
    AlignmentError
        If a unit has no role or one of the two groups is empty.

    Notes
    -----
    ``1 - (sum_h Y / sum_h P) / (sum_c Y / sum_c P)`` over hollow units h and cores c: means
    weighted by population.
    """
    totals, people = positive(panel, value), positive(panel, population)
    label = _classes(roles, totals.columns)
    hollow, core = _members(label, ("hollow",)), _members(label, ("core",))
    per_head = [
        totals[members].sum(axis="columns") / people[members].sum(axis="columns")
        for members in (hollow, core)
    ]
    return (1.0 - per_head[0] / per_head[1]).rename("hollow_gap")


def _shares(totals: pd.DataFrame) -> pd.DataFrame:
    return totals.div(totals.sum(axis="columns"), axis="index")


def _log(table: pd.DataFrame) -> pd.DataFrame:
    return table.apply(np.log)


def _classes(classes: Classes, units: pd.Index) -> pd.Series[str]:
    label = pd.Series(dict(classes.items()), dtype=object).reindex(units)
    without = units[label.isna()]
    if len(without):
        raise AlignmentError(
            f"classes: none for {len(without)} units ({first_five(without)}); assign every unit "
            "of the panel."
        )
    return label


def _members(label: pd.Series[str], wanted: Collection[str]) -> list[str]:
    chosen = [str(unit) for unit in label.index[label.isin(list(wanted))]]
    if not chosen:
        raise AlignmentError(
            f"roles: no unit is {' or '.join(wanted)}; the roles are "
            f"{first_five(sorted(label.unique()))}."
        )
    return chosen
