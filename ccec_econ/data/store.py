"""Where the bundled figures lie and how they are read: one folder per source, flags kept."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pandas as pd

from ccec_econ.errors import DataError, first_five

__all__ = ["data_dir", "load_raw", "load_table", "wide", "wide_flags"]

# Columns that name a unit: read as text, so that a code never becomes a number.
_CODES = ("unit", "adcode", "prefecture_adcode", "old_code", "new_code", "prov", "parent", "i", "j")


def data_dir() -> Path:
    """Return the folder of the bundled data: the installed copy, else the repository's ``data``.

    Raises
    ------
    DataError
        If neither folder exists.
    """
    here = Path(__file__).resolve().parent
    for folder in (here / "files", here.parents[1] / "data"):
        if (folder / "raw").is_dir():
            return folder
    raise DataError(
        f"bundled data: no folder 'raw' under {here / 'files'} or {here.parents[1] / 'data'}; "
        "install the package from its wheel or run from a complete clone."
    )


def load_raw(source: str, layer: str = "city") -> pd.DataFrame:
    """Read the figures of one source as transcribed.

    Parameters
    ----------
    source : str
        A folder of ``data/raw``, for example ``"city_yearbook"``.
    layer : {"city", "comparison", "county"}
        The 16 units, the 63 cities of three comparison circles, or the 156 county units.

    Returns
    -------
    DataFrame
        Columns ``unit`` (text), ``year``, ``variable``, ``value``, ``flag`` (empty = as
        published) and ``copy``; the comparison layer has ``circle`` in front.

    Raises
    ------
    DataError
        If the source or the layer does not exist.

    Examples
    --------
    >>> from ccec_econ import data
    >>> raw = data.load_raw("gdp_revised")
    >>> raw["unit"].nunique(), sorted(raw["variable"].unique())[0]
    (16, 'gdp_deflator_2000')
    """
    return _figures(source, layer).copy()


def load_table(source: str, name: str) -> pd.DataFrame:
    """Read another table of a source, for example ``load_table("rail", "lines")``.

    Parameters
    ----------
    source : str
        A folder of ``data/raw``.
    name : str
        File name without its ending (``.csv`` or ``.csv.gz``).

    Returns
    -------
    DataFrame
        The table as carried; columns with unit codes are text, empty cells are missing.

    Raises
    ------
    DataError
        If the source or the table does not exist.
    """
    folder = _source_folder(source)
    for path in (folder / f"{name}.csv", folder / f"{name}.csv.gz"):
        if path.is_file():
            return pd.read_csv(path, dtype=dict.fromkeys(_CODES, "str"))
    raise DataError(
        f"table '{name}' of source '{source}': not found; the tables are "
        f"{', '.join(_table_names(folder))}."
    )


def wide(source: str, variable: str, layer: str = "city") -> pd.DataFrame:
    """Return one variable as a table of years (T rows) by units (N columns), NaN where absent.

    Raises
    ------
    DataError
        If the source does not hold the variable at this layer.
    """
    return _pivot(source, variable, layer, "value").astype(float)


def wide_flags(source: str, variable: str, layer: str = "city") -> pd.DataFrame:
    """Return the flags of one variable as a (T, N) table of text, empty where as published."""
    return _pivot(source, variable, layer, "flag").fillna("").astype(str)


def _pivot(source: str, variable: str, layer: str, column: str) -> pd.DataFrame:
    figures = _figures(source, layer)
    rows = figures[figures["variable"] == variable]
    if rows.empty:
        raise DataError(
            f"variable '{variable}': not in source '{source}', layer '{layer}'; it holds "
            f"{', '.join(sorted(figures['variable'].unique()))}."
        )
    return rows.pivot(index="year", columns="unit", values=column)


@lru_cache(maxsize=32)
def _figures(source: str, layer: str) -> pd.DataFrame:
    path = _source_folder(source) / f"{layer}.csv"
    if not path.is_file():
        raise DataError(
            f"layer '{layer}' of source '{source}': not found; the tables are "
            f"{', '.join(_table_names(path.parent))}."
        )
    text = dict.fromkeys(("circle", "unit", "variable", "flag", "copy"), "str")
    frame = pd.read_csv(path, dtype={**text, "value": "float64"}, keep_default_na=False)
    key = [c for c in ("circle", "unit", "year", "variable") if c in frame.columns]
    doubled = frame[frame.duplicated(key)]
    if not doubled.empty:
        cells = doubled[["unit", "year", "variable"]].astype(str).agg(" ".join, axis=1)
        raise DataError(
            f"source '{source}', layer '{layer}': {len(doubled)} cells appear twice "
            f"({first_five(cells)}); keep one value per unit, year and variable."
        )
    return frame


def _source_folder(source: str) -> Path:
    root = data_dir() / "raw"
    folder = root / source
    if not source or not folder.is_dir():
        known = sorted(path.name for path in root.iterdir() if path.is_dir())
        raise DataError(f"source '{source}': not found; the sources are {', '.join(known)}.")
    return folder


def _table_names(folder: Path) -> list[str]:
    return sorted(path.name.split(".csv")[0] for path in folder.glob("*.csv*"))
