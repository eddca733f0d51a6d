"""The codebook: one row per column of the two panels and of the census figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from ccec_econ.data.census import load_census
from ccec_econ.data.panels import load_panel
from ccec_econ.data.store import data_dir
from ccec_econ.errors import DataError, first_five

__all__ = ["LAYERS", "describe_columns", "load_codebook", "refresh_codebook"]

_KEY = ["layer", "variable"]
_WRITTEN = ["label", "unit", "type", "source", "transformation"]
_COUNTED = ["first_year", "last_year", "min", "max", "missing"]

LAYERS: dict[str, Callable[[], pd.DataFrame]] = {
    "city": lambda: load_panel("city"),
    "county": lambda: load_panel("county"),
    "census": load_census,
}
"""What the codebook describes: the frame of each layer."""


def load_codebook() -> pd.DataFrame:
    """Return the codebook.

    Returns
    -------
    DataFrame
        ``layer``, ``variable``, ``label``, ``unit``, ``type``, ``source``, ``transformation``
        (written by hand) and ``first_year``, ``last_year``, ``min``, ``max``, ``missing``
        (counted; all text, six significant digits, empty for text columns).

    Raises
    ------
    DataError
        If the codebook is absent.
    """
    return _read(data_dir() / "codebook.csv")


def describe_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Count what the codebook states about each column of a panel.

    Parameters
    ----------
    frame : DataFrame
        A panel indexed (unit, year).

    Returns
    -------
    DataFrame
        Indexed by column: first and last year with a figure, ``min`` and ``max`` to six
        significant digits (empty for text), number of ``missing`` cells within the panel; text.
    """
    years = frame.index.get_level_values("year")
    rows = {}
    for name in frame.columns:
        column = frame[name]
        seen = years[column.notna()]
        numeric = pd.api.types.is_numeric_dtype(column)
        low, high = (column.min(), column.max()) if numeric else ("", "")
        rows[name] = [
            str(seen.min()),
            str(seen.max()),
            f"{float(low):.6g}" if numeric else "",
            f"{float(high):.6g}" if numeric else "",
            str(int(column.isna().sum())),
        ]
    return pd.DataFrame.from_dict(rows, orient="index", columns=_COUNTED).rename_axis("variable")


def refresh_codebook(path: Path | None = None) -> Path:
    """Rewrite the counted columns of the codebook; the written ones stay as they are.

    Raises
    ------
    DataError
        If the codebook lacks a column of a panel or describes one that does not exist.
    """
    path = data_dir() / "codebook.csv" if path is None else path
    book = _read(path)
    for layer, load in LAYERS.items():
        counted = describe_columns(load())
        rows = book["layer"] == layer
        described = book.loc[rows, "variable"]
        differing = set(described).symmetric_difference(counted.index)
        if differing:
            raise DataError(
                f"codebook, layer '{layer}': {first_five(sorted(differing))} in only one of "
                "codebook and panel; write or delete the rows by hand."
            )
        book.loc[rows, _COUNTED] = counted.loc[described].to_numpy()
    book.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")
    return path


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise DataError(f"codebook: {path.name} not found in {path.parent}; restore it.")
    book = pd.read_csv(path, dtype="str", keep_default_na=False)
    expected = [*_KEY, *_WRITTEN, *_COUNTED]
    if list(book.columns) != expected:
        raise DataError(
            f"codebook: columns are {', '.join(book.columns)}; expected {', '.join(expected)}."
        )
    return book
