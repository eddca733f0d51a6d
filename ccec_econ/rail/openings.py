"""When lines and stations opened, and the year in which an opening counts."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
import pandas as pd

from ccec_econ.data.rail import load_stations
from ccec_econ.errors import AlignmentError, DataError, first_five

__all__ = ["Imprecise", "open_stations", "openings"]

Imprecise = Literal["first", "last"]

_IMPRECISE = {"first": "earliest", "last": "latest"}


def openings(*, imprecise: Imprecise = "last") -> pd.Series:
    """Return the opening of every line with stations in the table: the day of its first station.

    Parameters
    ----------
    imprecise : {"last", "first"}
        Day taken for a date known by month or year only: the last or the first that it allows.

    Returns
    -------
    Series
        Day by line, named ``opened``. Days are those of the first multiple-unit train where the
        line itself opened earlier.

    Raises
    ------
    DataError
        If `imprecise` is unknown.

    Examples
    --------
    >>> openings()["L08"]
    Timestamp('2015-12-26 00:00:00')
    """
    return _first(imprecise).copy()


def open_stations(
    line_openings: pd.Series | None = None, *, imprecise: Imprecise = "last"
) -> pd.DataFrame:
    """Return the stations with the day on which each opens, as it was or as it is supposed.

    Parameters
    ----------
    line_openings : Series, optional
        Day or year by line, missing where the line never opens; a year stands for its first day.
        Lines keep the lags of their later stations. None: the real openings.
    imprecise : {"last", "first"}
        As in `openings`.

    Returns
    -------
    DataFrame
        As `data.rail.load_stations`, with ``opened``.

    Raises
    ------
    AlignmentError
        If `line_openings` lacks a line, names one twice, or names one without stations.
    DataError
        If `imprecise` is unknown, or an opening is neither a day nor a year.
    """
    stations = _dated(imprecise)
    if line_openings is None:
        return stations
    supposed = _days(line_openings, _first(imprecise).index)
    return stations.assign(opened=stations["line"].map(supposed) + _lag(imprecise))


@lru_cache(maxsize=2)
def _first(imprecise: Imprecise) -> pd.Series:
    return _dated(imprecise).groupby("line", sort=True)["opened"].min()


@lru_cache(maxsize=2)
def _lag(imprecise: Imprecise) -> pd.Series:
    """Time from the opening of the line to that of each station."""
    stations = _dated(imprecise)
    return stations["opened"] - stations["line"].map(_first(imprecise))


def _dated(imprecise: Imprecise) -> pd.DataFrame:
    if imprecise not in _IMPRECISE:
        raise DataError(f"imprecise '{imprecise}': unknown; choose 'last' or 'first'.")
    stations = load_stations()
    return stations.assign(opened=stations[_IMPRECISE[imprecise]])


def _days(supposed: pd.Series, lines: pd.Index) -> pd.Series:
    """Supposed openings as days, one per line, in the order of `lines`."""
    if not supposed.index.is_unique:
        twice = supposed.index[supposed.index.duplicated()]
        raise AlignmentError(f"openings name {first_five(twice)} more than once; keep one day.")
    unknown, absent = supposed.index.difference(lines), lines.difference(supposed.index)
    if len(unknown) or len(absent):
        raise AlignmentError(
            f"openings: no such line {first_five(unknown) or '(none)'}; no word of "
            f"{first_five(absent) or '(none)'}. Name the lines of ce.rail.openings(), missing "
            "where one never opens."
        )
    supposed = supposed.reindex(lines)
    if pd.api.types.is_datetime64_any_dtype(supposed):
        return supposed
    years = (
        pd.to_numeric(supposed, errors="coerce").astype("Float64").to_numpy(float, na_value=np.nan)
    )
    if supposed.notna().to_numpy().sum() != np.isfinite(years).sum() or (years % 1.0 > 0.0).any():
        raise DataError(
            f"openings {first_five(supposed)}: give days (Timestamps) or whole years, missing "
            "where a line never opens."
        )
    first_days = [pd.Timestamp(int(y), 1, 1) if np.isfinite(y) else pd.NaT for y in years]
    return pd.Series(first_days, index=lines, dtype="datetime64[us]")
