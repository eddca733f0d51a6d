"""Three other circles, for the same measures side by side."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ccec_econ.data.store import load_raw

__all__ = ["COMPARISON_CIRCLES", "load_comparison"]

COMPARISON_CIRCLES = {
    "yrd": "Yangtze River Delta",
    "bth": "Beijing-Tianjin-Hebei",
    "gba": "Greater Bay Area (mainland cities)",
}

_AREA = 0.2  # of ln residents in a year, beyond which the area must have changed
_VARIABLES = {"gdp": "gdp_revised", "gdp_real": "gdp_real_2000p"}


def load_comparison(years: tuple[int, int] | None = None) -> pd.DataFrame:
    """Return output and residents of the 63 cities of three comparison circles.

    Parameters
    ----------
    years : (first, last), optional
        2005 to 2023 by default: residents are complete from 2005.

    Returns
    -------
    DataFrame
        Indexed (unit, year): ``circle`` (a key of `COMPARISON_CIRCLES`), ``gdp`` (100 million yuan,
        revised, current prices), ``gdp_real`` (the same at prices of 2000), ``pop`` (residents,
        10,000 persons, as published, with the rebasing of 2010), ``gdp_pc`` (real, yuan),
        ``area_break`` (residents move by more than .2 in logarithms from the year before). Cells
        without a figure are missing.

    Notes
    -----
    Output is on present areas throughout, residents on the areas of their year. Those of six cities
    of the Yangtze River Delta jump by more than .2, in 2010, 2011 or 2015, as no city grows. Before
    an ``area_break`` the two do not match and ``gdp_pc`` is not one series: leave such cities out
    of spans that cross one.

    Examples
    --------
    >>> load_comparison((2022, 2022)).groupby("circle").size().to_dict()
    {'bth': 13, 'gba': 9, 'yrd': 41}
    """
    first, last = years or (2005, 2023)
    revised, people = (load_raw(source, "comparison") for source in ("gdp_revised", "population"))
    keys = ["unit", "year"]
    parts = [_column(revised, variable).rename(column) for column, variable in _VARIABLES.items()]
    parts.append(_column(people, "pop_resident").rename("pop"))
    circle = revised.drop_duplicates("unit").set_index("unit")["circle"]
    frame = pd.concat(parts, axis=1).sort_index()
    year = frame.index.get_level_values("year")
    frame = frame[(year >= first) & (year <= last)].rename_axis(keys)
    frame.insert(0, "circle", frame.index.get_level_values("unit").map(circle.to_dict()))
    step = np.log(frame["pop"]).groupby("unit").diff().abs()
    frame["area_break"] = step > _AREA
    frame["gdp_pc"] = 1e4 * frame["gdp_real"] / frame["pop"]  # 1e8 yuan over 1e4 persons
    return frame


def _column(figures: pd.DataFrame, variable: str) -> pd.Series[float]:
    chosen = figures[figures["variable"] == variable]
    return chosen.set_index(["unit", "year"])["value"].astype(float)
