"""The county panel on ground that both censuses count alike, with residents by year."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ccec_econ.data.census import CENSUS_YEARS, build_census
from ccec_econ.data.panels import load_panel
from ccec_econ.data.units import load_units
from ccec_econ.errors import DataError

__all__ = ["load_census_areas"]


def load_census_areas(years: tuple[int, int] = CENSUS_YEARS) -> pd.DataFrame:
    """Return the county panel on ground that both censuses count alike, with yearly residents.

    Parameters
    ----------
    years : (first, last)
        Within 2010-2020.

    Returns
    -------
    DataFrame
        Indexed (``unit``: code of the area, ``year``): ``name``, ``city``, ``city_name``,
        ``province``, ``area_km2``, ``counties`` (how many), ``gdp`` (100 million yuan; missing
        where a county's is), ``gdp_break``, ``night_lights``, ``pop_resident`` and ``gdp_pc``
        (yuan).

    Raises
    ------
    DataError
        If the years lie outside the censuses.

    Notes
    -----
    Residents between the censuses grow at a constant rate: figures by year are published for part
    of the counties only. What a year says about people therefore comes from the two ends.
    """
    first, last = years
    if first > last or first < CENSUS_YEARS[0] or last > CENSUS_YEARS[1]:
        raise DataError(
            f"years {first}-{last}: residents of areas are known between the censuses of 2010 and "
            "2020; give the first and the last year within them."
        )
    census = build_census().frame
    area = census["area"].xs(CENSUS_YEARS[1], level="year")
    counted = census["pop_resident"].unstack("year").groupby(area).sum()
    names = [*area.unique()]
    panel = load_panel("county", years).join(load_units("county")["area_km2"], on="unit")
    key = [
        panel.index.get_level_values("unit").map(area.to_dict()),
        panel.index.get_level_values("year"),
    ]
    grouped = panel.groupby(key)
    out = grouped[["name", "city", "city_name", "province"]].first()
    out["area_km2"] = grouped["area_km2"].sum()
    out["counties"] = grouped.size()
    out["gdp"] = grouped["gdp"].sum().where(grouped["gdp"].count() == out["counties"])
    out["gdp_break"] = grouped["gdp_break"].any()
    out["night_lights"] = grouped["night_lights"].sum()
    out.index.names = ["unit", "year"]
    passed = (out.index.get_level_values("year") - CENSUS_YEARS[0]) / np.diff(CENSUS_YEARS)[0]
    ends = np.log(counted.loc[names].reindex(out.index.get_level_values("unit")).to_numpy())
    out["pop_resident"] = np.exp(ends[:, 0] + (ends[:, 1] - ends[:, 0]) * passed.to_numpy(float))
    out["gdp_pc"] = 1e4 * out["gdp"] / out["pop_resident"]
    return out.sort_index()
