"""The county panel: 156 units of the 16 cities, 2000-2022, built from raw figures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ccec_econ.data.adjustments import cells_with, concat_rows, rows_where
from ccec_econ.data.store import load_table, wide, wide_flags
from ccec_econ.data.units import load_units

__all__ = ["COUNTY_YEARS", "CountyPanel", "build_county_panel", "gdp_breaks", "gdp_spikes"]

COUNTY_YEARS = (2000, 2022)

_VARIABLES = {
    "gdp": "gdp",
    "va1": "va1",
    "va2": "va2",
    "va3": "va3",
    "gdp_pc": "gdp_pc",
    "pop_registered": "pop_registered",
    "pop_resident": "pop_resident",
    "pop_urban": "pop_resident_urban",
    "urban_income": "urban_income",
    "rural_income": "rural_income",
    "urban_rural_ratio": "urban_rural_ratio",
}
_CENSUS_REVISION = (2018, 2019)
_FIRST_CENSUS = 2005
_CHONGQING_REVISION = 2009
_EARTHQUAKE = (2008, 2009)
_SPIKE = 0.4
_RESIDUAL = "derived_city_total_minus_other_counties"


@dataclass(frozen=True, slots=True)
class CountyPanel:
    """The built panel, indexed (unit, year), with its record of adjustments."""

    frame: pd.DataFrame
    adjustments: pd.DataFrame


def build_county_panel() -> CountyPanel:
    """Build the county panel from raw figures; the codebook describes its columns."""
    units = load_units("county")
    years = pd.RangeIndex(COUNTY_YEARS[0], COUNTY_YEARS[1] + 1, name="year")
    tables, rows = {}, []
    for column, variable in _VARIABLES.items():
        published, flags = _grid(variable, units.index, years)
        used, changes = _cleaned(column, published, flags)
        tables[column] = used
        rows.append(changes)
    tables["gdp"], changes = _without_spikes(tables["gdp"], units["province"])
    rows.append(changes)
    lights = wide("night_lights", "ntl_viirslike", "county")
    tables["night_lights"] = lights.reindex(index=years, columns=units.index)
    tables["gdp_break"] = gdp_breaks(units.index, years).astype(float)
    frame = _stacked(tables, units, years)
    return CountyPanel(frame, concat_rows(rows))


def gdp_breaks(units: pd.Index, years: pd.Index) -> pd.DataFrame:
    """Mark years into which growth of county GDP must not be computed; shape (T, N) of bool.

    County GDP is not revised backwards. Marked are

    - 2018 and 2019 everywhere (fourth economic census: no growth across 2017-2019);
    - 2009 in Chongqing (revision of the series);
    - 2005 everywhere (first economic census; the spread of growth across counties triples);
    - the year of a merger, split, transfer of towns or change of city in
      ``administration/admin_changes`` for the units named there by code;
    - the year in which a county's figure changes between a published one and the city total
      minus the other counties.

    Growth into 2017 is not marked: its two figures precede the revision. The falls of 2008 in
    the counties of the Wenchuan earthquake are real and are not marked.
    """
    marked = pd.DataFrame(False, index=years, columns=units)
    marked.loc[years.isin([*_CENSUS_REVISION, _FIRST_CENSUS])] = True
    chongqing = units[units.str.startswith("50")]
    marked.loc[years.isin([_CHONGQING_REVISION]), chongqing] = True
    for unit, year in _boundary_changes():
        if unit in units and year in years:
            marked.loc[year, unit] = True
    residual = _grid("gdp", units, years)[1] == _RESIDUAL
    changed = residual.ne(residual.shift(fill_value=False))
    changed.loc[years[0]] = False
    return marked | changed


def gdp_spikes(gdp: pd.DataFrame, province: pd.Series[str]) -> pd.DataFrame:
    """Find figures far from both neighbouring years; shape (T, N) of bool.

    A spike departs from and returns to the province's median growth by more than 0.4 log
    units, in opposite directions, in neighbouring years. 2008-09 (earthquake) is exempt.
    """
    step = gdp.apply(np.log).diff()
    usual = step.T.groupby(province).transform("median").T
    here, back = step - usual, (step - usual).shift(-1)
    spike = (here.abs() > _SPIKE) & (back.abs() > _SPIKE) & (here * back < 0)
    spike.loc[spike.index.isin(_EARTHQUAKE)] = False
    return spike


def _without_spikes(
    gdp: pd.DataFrame, province: pd.Series[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    spike = gdp_spikes(gdp, province)
    used = gdp.mask(spike)
    reason = "spike against both neighbouring years; dropped"
    return used, rows_where(spike, "gdp", gdp, used, reason)


def _cleaned(
    column: str, published: pd.DataFrame, flags: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Drop what was never published and list what is derived or of another definition."""
    midpoint = flags == "interpolated_suspect"
    residual = flags == _RESIDUAL
    net = cells_with(flags, "net_income_pre2014")
    absent = published.mask(residual)
    used = published.mask(midpoint)
    rows = [
        rows_where(midpoint, column, published, used, "midpoint of its neighbours; dropped"),
        rows_where(residual, column, absent, used, "city total minus the other counties"),
        rows_where(net, column, published, used, "rests on rural net income, before 2014; kept"),
    ]
    return used, concat_rows(rows)


def _boundary_changes() -> list[tuple[str, int]]:
    changes = load_table("administration", "admin_changes")
    kinds = changes["kind"].str.contains("merge|split|boundary change|moves", regex=True)
    rows = changes[kinds]
    found = []
    for _, row in rows.iterrows():
        codes = f"{row['old_code']};{row['new_code']}".split(";")
        year = int(str(row["effective"])[:4])
        found += [(code.strip(), year) for code in codes if code.strip().isdigit()]
    return found


def _grid(variable: str, units: pd.Index, years: pd.Index) -> tuple[pd.DataFrame, pd.DataFrame]:
    values = wide("county_yearbook", variable, "county").reindex(index=years, columns=units)
    flags = wide_flags("county_yearbook", variable, "county")
    return values, flags.reindex(index=years, columns=units, fill_value="")


def _stacked(
    tables: dict[str, pd.DataFrame], units: pd.DataFrame, years: pd.RangeIndex
) -> pd.DataFrame:
    index = pd.MultiIndex.from_product([units.index, years], names=["unit", "year"])
    columns = {name: table.to_numpy(float).T.ravel() for name, table in tables.items()}
    frame = pd.DataFrame(columns, index=index)
    frame["gdp_break"] = frame["gdp_break"].astype(bool)
    codes = index.get_level_values("unit")
    for place, column in enumerate(("name", "city", "city_name", "province")):
        frame.insert(place, column, codes.map(units[column].to_dict()))
    return frame
