"""Two cores and the hollow middle: shares, ranks, gaps, and the trough between the cores."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from ccec_econ.convergence.tables import (
    Classes,
    classes_of,
    members,
    positive,
    refuse_absent_years,
    shares,
)
from ccec_econ.errors import AlignmentError, PanelError, first_five

__all__ = ["core_share", "gap_change", "hollow_gap", "primacy", "rank_size", "trough"]


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
    chosen = members(classes_of(roles, totals.columns), core)
    return shares(totals)[chosen].sum(axis="columns").rename("core_share")


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
    label = classes_of(roles, totals.columns)
    hollow, core = members(label, ("hollow",)), members(label, ("core",))
    per_head = [
        totals[members].sum(axis="columns") / people[members].sum(axis="columns")
        for members in (hollow, core)
    ]
    return (1.0 - per_head[0] / per_head[1]).rename("hollow_gap")


def gap_change(
    panel: pd.DataFrame, value: str, population: str, roles: Classes, *, years: tuple[int, int]
) -> pd.Series[float]:
    """Split the change of the gap between cores and hollow middle into output and people.

    The gap per head can close because the middle's output catches up, or because its residents
    leave: falling behind and emptying out are told apart here.

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
    years : (first, last)
        The two years compared.

    Returns
    -------
    Series
        ``first`` and ``last``, the log gap per head; ``output``, the change of the log ratio of
        totals, cores over middle (positive: output falls behind); ``people``, the same of
        residents (positive: the cores gained on the middle); ``change`` = output - people;
        ``people_core`` and ``people_hollow``, log growth of residents in each, which tell cores
        that fill from a middle that empties: people = people_core - people_hollow.

    Raises
    ------
    PanelError
        If values are missing or not positive, or a year is not in the panel.
    AlignmentError
        If a unit has no role or one of the two groups is empty.

    Notes
    -----
    ``g = ln[(Y_c/P_c) / (Y_h/P_h)]``, hence ``dg = d ln(Y_c/Y_h) - d ln(P_c/P_h)``.
    """
    totals, people = positive(panel, value), positive(panel, population)
    refuse_absent_years(years, totals.index)
    label = classes_of(roles, totals.columns)
    core, hollow = members(label, ("core",)), members(label, ("hollow",))
    output, heads = (
        np.log(table[core].sum(axis=1) / table[hollow].sum(axis=1)) for table in (totals, people)
    )
    grown = [
        float(np.log(people.loc[years[1], group].sum() / people.loc[years[0], group].sum()))
        for group in (core, hollow)
    ]
    first, last = (float(output[year] - heads[year]) for year in years)
    moved = [float(part[years[1]] - part[years[0]]) for part in (output, heads)]
    return pd.Series(
        {
            "first": first,
            "last": last,
            "output": moved[0],
            "people": moved[1],
            "change": moved[0] - moved[1],
            "people_core": grown[0],
            "people_hollow": grown[1],
        },
        name="gap",
    )


def rank_size(panel: pd.DataFrame, value: str) -> pd.DataFrame:
    """Fit the rank-size rule, by year.

    Parameters
    ----------
    panel : DataFrame
        Indexed (unit, year), at least three units.
    value : str
        Sizes, for example ``"pop"``.

    Returns
    -------
    DataFrame
        By year: ``exponent`` b (1 is Zipf's law; smaller is more unequal) and ``std_error``.

    Raises
    ------
    PanelError
        If values are missing or not positive, or there are fewer than three units.

    Notes
    -----
    Least squares of ``ln(rank - 1/2) = a - b ln(size)``; standard error ``b sqrt(2/N)`` (Gabaix and
    Ibragimov 2011, *Journal of Business & Economic Statistics* 29(1), 24-39).
    """
    sizes = positive(panel, value)
    N = sizes.shape[1]
    if N < 3:
        raise PanelError(f"rank and size of '{value}': {N} units; give at least three.")
    logs = np.log(-np.sort(-sizes.to_numpy(), axis=1))
    rank = np.log(np.arange(1, N + 1) - 0.5)
    x = logs - logs.mean(axis=1, keepdims=True)
    b = -(x * (rank - rank.mean())).sum(axis=1) / (x**2).sum(axis=1)
    return pd.DataFrame({"exponent": b, "std_error": b * np.sqrt(2.0 / N)}, index=sizes.index)


def trough(
    panel: pd.DataFrame,
    column: str,
    cores: tuple[str, str],
    between: Collection[str],
    distances: pd.DataFrame,
) -> pd.DataFrame:
    """Measure how deep the units between two cores lie under the line from one to the other.

    Parameters
    ----------
    panel : DataFrame
        Indexed (unit, year).
    column : str
        Positive values per head, for example ``"gdp_pc"``.
    cores : (str, str)
        The two ends, as unit labels.
    between : collection of str
        Units between them.
    distances : DataFrame
        Distance, or travel time, between units; labelled by unit on both sides.

    Returns
    -------
    DataFrame
        Indexed (year, unit): ``position`` (0 at the first core, 1 at the second), ``value``,
        ``line`` (what the line between the cores says) and ``depth`` = 1 - value/line: 0 on the
        line, 0.4 at 60 per cent of it, negative above it.

    Raises
    ------
    PanelError
        If values are missing or not positive.
    AlignmentError
        If a unit is not in the panel or has no distance to a core.

    Notes
    -----
    Position ``d_1/(d_1 + d_2)``, d the distances to the cores; line ``y_1 + position (y_2 - y_1)``.
    """
    y = positive(panel, column)
    units = list(between)
    wanted = [*cores, *units]
    unknown = [unit for unit in wanted if unit not in y.columns or unit not in distances.index]
    if unknown or not units:
        raise AlignmentError(
            f"trough: {first_five(unknown) or 'no unit between the cores'}; name units that the "
            "panel and the distances both hold."
        )
    d = distances.loc[units, list(cores)].to_numpy(dtype=float)
    position = d[:, 0] / d.sum(axis=1)
    first, second = (y[core].to_numpy()[:, None] for core in cores)
    line = first + position * (second - first)
    value = y[units].to_numpy()
    index = pd.MultiIndex.from_product([y.index, units], names=["year", "unit"])
    columns = {
        "position": np.tile(position, len(y)),
        "value": value.ravel(),
        "line": line.ravel(),
        "depth": (1.0 - value / line).ravel(),
    }
    return pd.DataFrame(columns, index=index)
