"""The record of every figure that is not used as it was published."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from ccec_econ.data.store import wide, wide_flags

__all__ = [
    "COLUMNS",
    "cell",
    "cells_with",
    "concat_rows",
    "flagged_rows",
    "rows_where",
    "suspect_cells",
]

COLUMNS = ["unit", "year", "variable", "published", "used", "reason"]
"""Columns of a table of adjustments; `unit` is an adcode, or ``circle`` for a common factor."""


def rows_where(
    mask: pd.DataFrame, variable: str, published: pd.DataFrame, used: pd.DataFrame, reason: str
) -> pd.DataFrame:
    """List the cells under a mask, one row each.

    Parameters
    ----------
    mask, published, used : DataFrame, shape (T, N)
        Cells to list; figures as published (NaN = absent) and as used (NaN = dropped).
    variable, reason : str
        What the figures are and why they were changed.
    """
    cells = [(unit, year) for unit in mask.columns for year in mask.index[mask[unit]]]
    rows = [
        (unit, int(year), variable, cell(published, year, unit), cell(used, year, unit), reason)
        for unit, year in cells
    ]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"published": float, "used": float})


def flagged_rows(source: str, variable: str, layer: str = "city") -> pd.DataFrame:
    """List raw figures on which a flag stands that names a fault of this cell.

    ``replaced_outlier(COPY=v)``: the implausible `v` of one copy gave way to another copy's
    figure. ``outlier_suspect``: a spike against both neighbours, kept.
    """
    used, flags = wide(source, variable, layer), wide_flags(source, variable, layer)
    pattern = r"replaced_outlier\([^=]*=([^)]*)\)"
    replaced = flags.apply(lambda column: column.str.extract(pattern, expand=False)).astype(float)
    suspect = suspect_cells(source, variable, layer)
    return concat_rows(
        [
            rows_where(
                replaced.notna(),
                variable,
                replaced,
                used,
                "implausible in one copy of the yearbook; another copy's figure is used",
            ),
            rows_where(suspect, variable, used, used, "spike against both neighbours; kept"),
        ]
    )


def suspect_cells(source: str, variable: str, layer: str = "city") -> pd.DataFrame:
    """Return a (T, N) table, True where the transcription already doubts a figure."""
    flags = wide_flags(source, variable, layer)
    return cells_with(flags, "suspect")


def cells_with(flags: pd.DataFrame, text: str) -> pd.DataFrame:
    """Return a (T, N) table, True where the flag contains a text."""
    columns = {unit: flags[unit].str.contains(text, regex=False) for unit in flags.columns}
    return pd.DataFrame(columns, index=flags.index)


def concat_rows(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Stack tables of adjustments, sorted by unit, variable and year."""
    filled = [table for table in tables if not table.empty]
    if not filled:
        return pd.DataFrame(columns=COLUMNS)
    stacked = pd.concat(filled, ignore_index=True)
    return stacked.sort_values(["unit", "variable", "year"], ignore_index=True)


def cell(table: pd.DataFrame, year: int, unit: str) -> float:
    """Return one cell, missing where the table does not have it."""
    if year not in table.index or unit not in table.columns:
        return float("nan")
    return float(table[unit].loc[year])
