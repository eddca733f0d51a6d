"""A long panel becomes years by units, checked; classes of units become labels."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise

import pandas as pd

from ccec_econ.errors import AlignmentError, PanelError, first_five

__all__ = [
    "Classes",
    "by_year",
    "cells_of",
    "classes_of",
    "complete_years",
    "consecutive",
    "members",
    "positive",
    "refuse_absent_years",
    "shares",
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


def by_year(panel: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return one column as years (T rows) by units (N columns), missing cells as NaN.

    Raises
    ------
    PanelError
        If the index is not (unit, year), the column is absent, or a cell stands twice.
    """
    if list(panel.index.names) != ["unit", "year"]:
        raise PanelError(
            f"panel: index levels {list(panel.index.names)}; index it by ('unit', 'year')."
        )
    if column not in panel.columns:
        raise PanelError(
            f"column '{column}': not in the panel; it holds {first_five(panel.columns)}."
        )
    doubled = panel.index[panel.index.duplicated()]
    if len(doubled):
        raise PanelError(
            f"panel: {len(doubled)} rows appear twice ({first_five(doubled)}); keep one per unit "
            "and year."
        )
    return panel[column].astype(float).unstack("unit").sort_index()


def positive(panel: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return one column as years by units; refuse cells that are missing or not positive."""
    table = by_year(panel, column)
    for bad, what in ((table.isna(), "missing"), (table <= 0, "not positive")):
        cells = cells_of(bad)
        if cells:
            raise PanelError(
                f"column '{column}': {len(cells)} values {what} ({first_five(cells)}); choose "
                "years in which every unit has a positive figure (`complete_years`)."
            )
    return table


def cells_of(marked: pd.DataFrame) -> list[str]:
    """Name the cells (unit and year) of a table of years by units that are marked."""
    return [f"{unit} {year}" for year, unit in marked.stack()[lambda cell: cell].index]


def refuse_absent_years(wanted: Iterable[int], years: pd.Index) -> None:
    """Refuse years that a table does not have.

    Raises
    ------
    PanelError
        If one of `wanted` is not among `years`.
    """
    absent = [year for year in wanted if year not in years]
    if absent:
        raise PanelError(
            f"years {first_five(absent)} are not in the panel; it has {years[0]} to {years[-1]}."
        )


def shares(totals: pd.DataFrame) -> pd.DataFrame:
    """Divide every unit by the year's sum."""
    return totals.div(totals.sum(axis="columns"), axis="index")


def classes_of(classes: Classes, units: pd.Index) -> pd.Series[str]:
    """Label every unit with its class; refuse classes that leave units out."""
    label = pd.Series(dict(classes.items()), dtype=object).reindex(units)
    without = units[label.isna()]
    if len(without):
        raise AlignmentError(
            f"classes: none for {len(without)} units ({first_five(without)}); assign every unit "
            "of the panel."
        )
    return label


def members(label: pd.Series[str], wanted: Collection[str]) -> list[str]:
    """List the units of the classes wanted; refuse an empty list."""
    chosen = [str(unit) for unit in label.index[label.isin(list(wanted))]]
    if not chosen:
        raise AlignmentError(
            f"roles: no unit is {' or '.join(wanted)}; the roles are "
            f"{first_five(sorted(label.unique()))}."
        )
    return chosen


def consecutive(table: pd.DataFrame, what: str, fewest: int) -> pd.DataFrame:
    """Return the table if its years follow each other and are enough.

    Raises
    ------
    PanelError
        If there are fewer than `fewest` years, or gaps between them.
    """
    years = [int(year) for year in table.index]
    if len(years) < fewest:
        raise PanelError(f"{what}: {len(years)} years; give at least {fewest}.")
    gaps = [late for early, late in pairwise(years) if late != early + 1]
    if gaps:
        raise PanelError(
            f"{what}: the year before {first_five(gaps)} is not in the panel; give consecutive "
            "years."
        )
    return table
