"""Tables that describe data: variables with their sources, and statistics by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from ccec_econ.data import load_codebook
from ccec_econ.errors import DataError, first_five
from ccec_econ.typeset import Table, number

__all__ = ["describe", "labels", "statistics", "variables"]

_STATISTICS = ("N", "Mean", "Std. dev.", "Min", "Max")


def labels(layer: str = "city") -> dict[str, str]:
    """Look up printed names of the panel's columns in the codebook."""
    book = _layer(layer)
    return {str(name): str(label) for name, label in book["label"].items()}


def variables(
    panel: pd.DataFrame, columns: Sequence[str], *, layer: str = "city", title: str
) -> Table:
    """Table of variables: label, unit, source, years with data, share missing in the panel.

    Raises
    ------
    DataError
        If a column is not in the codebook.
    """
    book = _entries(panel, layer, columns)
    rows = []
    for name in columns:
        entry, values = book.loc[name], panel[name]
        missing = f"{number(100 * float(values.isna().mean()), 1)} %"
        years = f"{entry['first_year']}–{entry['last_year']}"
        rows.append((str(entry["label"]), name, *entry[["unit", "source"]], years, missing))
    return Table(
        title=title,
        columns=("Variable", "Name", "Unit", "Source", "Years", "Missing"),
        rows=tuple(rows),
        text_columns=frozenset({1, 2, 3}),
    )


def statistics(
    panel: pd.DataFrame, columns: Sequence[str], groups: Mapping[str, str], *, layer: str = "city"
) -> pd.DataFrame:
    """Compute statistics over all cells and means by group of units.

    Parameters
    ----------
    panel : DataFrame
        Indexed (unit, year).
    groups : mapping
        Unit to group; groups come in the order in which they first appear.

    Returns
    -------
    DataFrame
        One row per column: variable, N, mean, std, min, max, and one column per group.

    Raises
    ------
    DataError
        If a unit has no group or a column is not in panel and codebook.
    """
    _entries(panel, layer, columns)
    units = panel.index.get_level_values(0)
    lost = sorted(set(units) - set(groups))
    if lost:
        raise DataError(f"units without a group: {first_five(lost)}; give each unit one group.")
    group = pd.Series([groups[unit] for unit in units], index=panel.index)
    order = [name for name in dict.fromkeys(groups.values()) if name in set(group)]
    whole = panel[list(columns)].agg(["count", "mean", "std", "min", "max"]).T
    means = panel[list(columns)].groupby(group).mean().T[order]
    out = whole.rename(columns={"count": "N"}).join(means)
    return out.rename_axis("variable").reset_index()


def describe(
    panel: pd.DataFrame,
    columns: Sequence[str],
    groups: Mapping[str, str],
    *,
    layer: str = "city",
    title: str,
    names: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
    digits: int = 2,
) -> Table:
    """Table of `statistics`, with labels and units.

    Parameters
    ----------
    names : mapping, optional
        Printed names of columns, before those of the codebook.
    notes : sequence of str
        Sentences beneath.
    digits : int
        Digits after the point; variables that reach a thousand are printed without.
    """
    frame = statistics(panel, columns, groups, layer=layer)
    book = _layer(layer)
    rows = []
    for record in frame.to_dict("records"):
        name = str(record.pop("variable"))
        count = int(record.pop("N"))
        values = [float(value) for value in record.values()]
        places = 0 if abs(record["max"]) >= 1000 else digits
        label = (names or {}).get(name, str(book.loc[name, "label"]))
        cells = [number(value, places) for value in values]
        rows.append((label, str(book.loc[name, "unit"]), f"{count:,}", *cells))
    heads = [str(name).capitalize() for name in frame.columns[6:]]
    return Table(
        title=title,
        columns=("Variable", "Unit", *_STATISTICS, *heads),
        rows=tuple(rows),
        notes=tuple(notes),
        text_columns=frozenset({1}),
    )


def _layer(layer: str) -> pd.DataFrame:
    book = load_codebook()
    return book[book["layer"] == layer].set_index("variable")


def _entries(panel: pd.DataFrame, layer: str, columns: Sequence[str]) -> pd.DataFrame:
    book = _layer(layer)
    absent = [name for name in columns if name not in panel.columns]
    if absent:
        raise DataError(
            f"columns not in the panel: {first_five(absent)}; it has {first_five(panel.columns)}."
        )
    unknown = [name for name in columns if name not in book.index]
    if unknown:
        raise DataError(
            f"columns not in the codebook of layer '{layer}': {first_five(unknown)}; "
            f"it has {first_five(book.index)}."
        )
    return book
