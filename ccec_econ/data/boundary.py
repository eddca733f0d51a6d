"""Jianyang's move from Ziyang to Chengdu in May 2016: figures put on one boundary.

What the figures show. Resident population: Ziyang is without Jianyang in all years, Chengdu has
it from 2016 only, so that in 2015 nobody counts it and Chengdu's residents jump by 10 per cent
in 2016. Revised GDP: Ziyang is without Jianyang in all years. Yearbook figures (subscribers,
telecommunication, budget, loans, students): with Ziyang to 2015, with Chengdu from 2016.

Therefore residents per capita figures rest on Chengdu's population *with* Jianyang in all years
(`residents`), and yearbook figures to 2015 are divided by Ziyang's population and GDP *with*
Jianyang and Chengdu's population without it (`yearbook_residents`, `yearbook_gdp`).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ccec_econ.data.store import wide

__all__ = [
    "CHENGDU",
    "JIANYANG",
    "MOVED",
    "ZIYANG",
    "jianyang_gdp",
    "jianyang_population",
    "residents",
    "yearbook_gdp",
    "yearbook_residents",
]

CHENGDU, ZIYANG, JIANYANG = "510100", "512000", "510185"
MOVED = 2016
_CENSUS = 2010


def jianyang_population() -> pd.Series[float]:
    """Return Jianyang's residents (10,000 persons) for the years before its move.

    Linear between the census of 2010 and the county yearbook of 2016; before 2010 in proportion
    to the rest of Ziyang, because no count by year is at hand.
    """
    census = wide("census", "pop_resident_census", "county")[JIANYANG].loc[_CENSUS]
    yearbook = wide("county_yearbook", "pop_resident", "county")[JIANYANG].loc[MOVED]
    rest = wide("population", "pop_resident_interp")[ZIYANG]
    years = rest.index[rest.index < MOVED]
    line = np.interp(years.to_numpy(float), [_CENSUS, MOVED], [census, yearbook])
    before = census * rest.loc[years] / rest.loc[_CENSUS]
    return pd.Series(line, index=years).where(years >= _CENSUS, before).rename(JIANYANG)


def jianyang_gdp() -> pd.Series[float]:
    """Return Jianyang's GDP (100 million yuan, unrevised) for the years before its move.

    County figures from 2005; before, the share of 2005 in the rest of Ziyang's revised GDP.
    """
    county = wide("county_yearbook", "gdp", "county")[JIANYANG].dropna()
    rest = wide("gdp_revised", "gdp_revised")[ZIYANG]
    years = rest.index[rest.index < MOVED]
    first = int(county.index.min())
    before = county.loc[first] / rest.loc[first] * rest.loc[years]
    return county.reindex(years).fillna(before).rename(JIANYANG)


def residents(published: pd.DataFrame) -> pd.DataFrame:
    """Add Jianyang to Chengdu's residents before 2016; shape (T, N) in and out."""
    return _with_jianyang(published, CHENGDU, jianyang_population())


def yearbook_residents(published: pd.DataFrame) -> pd.DataFrame:
    """Add Jianyang to Ziyang's residents before 2016, as the yearbook's other figures have it."""
    return _with_jianyang(published, ZIYANG, jianyang_population())


def yearbook_gdp(revised: pd.DataFrame) -> pd.DataFrame:
    """Add Jianyang to Ziyang's GDP before 2016, as the yearbook's other figures have it."""
    return _with_jianyang(revised, ZIYANG, jianyang_gdp())


def _with_jianyang(table: pd.DataFrame, unit: str, added: pd.Series[float]) -> pd.DataFrame:
    out = table.copy()
    years = out.index.intersection(added.index)
    out.loc[years, unit] = out.loc[years, unit] + added.loc[years]
    return out
