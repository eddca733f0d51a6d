"""One column of a panel as a table of years by units, checked; the one place that unstacks."""

from __future__ import annotations

from itertools import pairwise

import pandas as pd

from ccec_econ.errors import PanelError, first_five

__all__ = ["by_year", "consecutive", "positive"]


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
    """Return one column as years by units, every cell present and positive.

    Raises
    ------
    PanelError
        If a cell is missing or not positive, or as in `by_year`.
    """
    table = by_year(panel, column)
    for bad, what in ((table.isna(), "missing"), (table <= 0, "not positive")):
        cells = [f"{unit} {year}" for year, unit in bad.stack()[lambda cell: cell].index]
        if cells:
            raise PanelError(
                f"column '{column}': {len(cells)} values {what} ({first_five(cells)}); choose "
                "years in which every unit has a positive figure (`complete_years`)."
            )
    return table


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
