"""Years as they are given, and the year in which what begins on a day counts as begun."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Literal, get_args

import pandas as pd

from ccec_econ.errors import DataError, first_five

__all__ = ["Rule", "first_year", "whole_years"]

Rule = Literal["june", "any", "full"]


def first_year(begun: pd.Series, rule: Rule = "june") -> pd.Series[int]:
    """Return the first year in which a beginning counts.

    Parameters
    ----------
    begun : Series of days
        Missing where nothing begins.
    rule : {"june", "any", "full"}
        ``june``: the year of the day if by 30 June, else the next. ``any``: the year of the day.
        ``full``: the first year covered throughout.

    Raises
    ------
    DataError
        If the rule is unknown.

    Examples
    --------
    >>> days = pd.Series(pd.to_datetime(["2015-12-26", "2014-06-30", "2014-01-01", None]))
    >>> [first_year(days, rule).tolist() for rule in ("june", "any", "full")]
    [[2016, 2014, 2014, <NA>], [2015, 2014, 2014, <NA>], [2016, 2015, 2014, <NA>]]
    """
    year: pd.Series[int] = begun.dt.year.astype("Int64")
    if rule == "june":
        year += (begun.dt.month > 6).astype("Int64")
    elif rule == "full":
        year += (begun.dt.day_of_year > 1).astype("Int64")
    elif rule != "any":
        raise DataError(f"rule '{rule}': unknown; choose one of {', '.join(get_args(Rule))}.")
    return year


def whole_years(years: Iterable[int]) -> list[int]:
    """Read years as a list.

    Raises
    ------
    DataError
        If they are not several whole numbers.
    """
    given = list(years) if isinstance(years, Iterable) and not isinstance(years, str) else None
    if given is None or not all(isinstance(year, Integral) for year in given):
        seen = repr(years) if given is None else first_five(map(repr, given))
        raise DataError(f"years {seen}: give a list or range of whole years, such as [2009, 2022].")
    return [int(year) for year in given]
