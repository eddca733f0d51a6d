"""Series from outside the circle that cities of the circle did not move."""

from __future__ import annotations

import pandas as pd

from ccec_econ.data.store import load_raw
from ccec_econ.errors import DataError

__all__ = ["load_outside"]

_YEARS = (2007, 2019)  # science has one definition from 2007; subscribers lack 2020


def load_outside(years: tuple[int, int] = _YEARS) -> pd.DataFrame:
    """Return internet and science of the 63 cities of three other circles, by year.

    Totals over totals of the cities with both figures: a common path that instruments multiply with
    what a city of the Chengdu-Chongqing circle was before.

    Parameters
    ----------
    years : (first, last)
        Within 2007-2019.

    Returns
    -------
    DataFrame
        By year: ``internet`` (broadband subscribers per 100 residents; to 2011 international
        internet users, another count), ``science`` (fiscal expenditure on science and technology,
        per cent of revised GDP), and the number of cities behind each, ``internet_cities`` and
        ``science_cities``.

    Raises
    ------
    DataError
        If the years lie outside.

    Examples
    --------
    >>> load_outside((2011, 2019)).loc[[2011, 2019], "internet"].round(1).tolist()
    [17.5, 36.6]
    """
    first, last = years
    if first > last or first < _YEARS[0] or last > _YEARS[1]:
        raise DataError(f"years {first}-{last}: the series hold {_YEARS[0]}-{_YEARS[1]}.")
    internet = _table("city_yearbook", "broadband_subscribers").combine_first(
        _table("city_yearbook", "internet_users_intl")
    )
    pairs = {
        "internet": (internet, _table("population", "pop_resident_interp")),
        "science": (_table("city_yearbook", "sci_exp"), _table("gdp_revised", "gdp_revised")),
    }
    columns = {}
    for name, (part, whole) in pairs.items():
        over = whole.reindex(index=part.index, columns=part.columns)
        both = part.notna() & over.notna()
        columns[name] = 100.0 * part[both].sum(axis=1) / over[both].sum(axis=1)
        columns[f"{name}_cities"] = both.sum(axis=1)
    return pd.DataFrame(columns).loc[first:last].rename_axis("year")


def _table(source: str, variable: str) -> pd.DataFrame:
    figures = load_raw(source, "comparison")
    chosen = figures[figures["variable"] == variable]
    return chosen.pivot(index="year", columns="unit", values="value").astype(float)
