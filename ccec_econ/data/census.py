"""Census figures of the counties, 2010 and 2020, with rules for their faulty cells."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from ccec_econ.data.adjustments import COLUMNS, cell, concat_rows
from ccec_econ.data.store import wide
from ccec_econ.data.units import load_units

__all__ = ["CENSUS_YEARS", "CensusPanel", "build_census", "load_census"]

CENSUS_YEARS = (2010, 2020)

_COUNTS = {
    "pop_resident": "pop_resident_census",
    "pop_urban": "pop_urban_census",
    "pop_college": "college_pop_census",
    "emp_sample": "emp_census_sample_total",
    "emp_info": "emp_info_census_sample",
    "emp_sci": "emp_sci_census_sample",
    "emp_manuf": "emp_manuf_census_sample",
    "emp_agri": "emp_agri_census_sample",
}
_SHARES = {  # share: (part, whole)
    "urban_share": ("pop_urban", "pop_resident"),
    "college_share": ("pop_college", "pop_resident"),
    "info_share": ("emp_info", "emp_sample"),
    "sci_share": ("emp_sci", "emp_sample"),
    "manuf_share": ("emp_manuf", "emp_sample"),
    "agri_share": ("emp_agri", "emp_sample"),
}
_DOUBLED = ("511602", "512002")  # Guang'an and Yanjiang: cell of 2010 holds the city as well
_ABSENT = ("510683", "510781", "511002")  # Mianzhu, Jiangyou, Neijiang Shizhong: no cell of 2010
_ZONES = {"511071": "511002", "511771": "511703"}  # counted apart in 2020: district
_JOINED = {  # townships moved between the censuses: one area
    "511603": "511602",  # Qianfeng was split from Guang'an in 2013
    "511703": "511702",  # nine townships of Daxian went to Tongchuan in 2013
    "511504": "511502",  # Xuzhou and Cuiping exchanged towns in 2018
}
_JIANYANG, _ZIYANG = "510185", "512000"
_SPLIT_OFF = "counted with the city's total; (cell - other counties of the city) / 2"
_REST = "absent; residents of the city in the yearbook minus its other counties"
_ZONE = "with the development zone that the census counts apart"


@dataclass(frozen=True, slots=True)
class CensusPanel:
    """Census figures, indexed (unit, year), with the record of adjustments."""

    frame: pd.DataFrame
    adjustments: pd.DataFrame


def load_census() -> pd.DataFrame:
    """Return the census figures of the 156 counties, 2010 and 2020.

    Returns
    -------
    DataFrame
        Indexed (``unit``, ``year``), sorted; the codebook (layer ``census``) describes the columns:
        ``pop_resident`` and ``pop_urban`` (10,000 persons) with ``urban_share`` in both years; in
        2020 ``schooling`` (years), ``pop_college``, ``emp_sample`` (employed persons of the 10 per
        cent sample) and, in per cent of them, ``info_share`` (information services), ``sci_share``,
        ``manuf_share``, ``agri_share``. ``area`` is the code of the ground that both censuses count
        alike: of the county itself, except where townships moved between.

    Notes
    -----
    Rules for faulty cells, each change listed by ``load_adjustments("census")``:

    - The cells of 2010 of Guang'an and Yanjiang hold district plus city. With c the cell and o the
      sum of the city's other counties (with Jianyang, which was Ziyang's), c = d + (d + o), so
      the district is d = (c - o)/2. The same for urban residents.
    - Mianzhu, Jiangyou and Neijiang Shizhong are absent in 2010: residents of the city in the
      yearbook minus its other counties; their urban residents stay missing.
    - Two development zones of 2020 are added to the district from which they were cut (that of
      Dazhou to Dachuan: a choice, without effect on areas, since both its neighbours form one).
    - Qianfeng did not exist in 2010 and stays missing then.

    Examples
    --------
    >>> from ccec_econ import data
    >>> census = data.load_census()
    >>> float(census.loc[("511602", 2010), "pop_resident"].round(4))
    85.8159
    """
    return build_census().frame.copy()


@lru_cache(maxsize=1)
def build_census() -> CensusPanel:
    """Build the census figures of the counties from raw figures; `load_census` states the rules."""
    units = load_units("county")
    wanted = pd.MultiIndex.from_product([units.index, CENSUS_YEARS], names=["unit", "year"])
    counts, rows = {}, []
    for column, variable in _COUNTS.items():
        raw = wide("census", variable, "county").reindex(CENSUS_YEARS)
        used, changes = _corrected(raw, column, units["city"])
        counts[column] = used.T.stack().reindex(wanted)
        rows.append(changes)
    frame = pd.DataFrame(counts, index=wanted)
    for share, (part, whole) in _SHARES.items():
        frame[share] = 100.0 * frame[part] / frame[whole]
    schooling = wide("census", "avg_years_schooling", "county").T.stack()
    frame["schooling"] = schooling.reindex(wanted)
    codes = wanted.get_level_values("unit")
    for place, column in enumerate(("name", "city", "city_name", "province")):
        frame.insert(place, column, codes.map(units[column].to_dict()))
    frame.insert(4, "area", [_JOINED.get(unit, unit) for unit in codes])
    kept = frame.drop(columns=["emp_info", "emp_sci", "emp_manuf", "emp_agri"])
    return CensusPanel(kept, concat_rows(rows))


def _corrected(
    raw: pd.DataFrame, column: str, city: pd.Series[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Apply the rules to one count, shape (T, N), and list what they change."""
    used, changed = raw.copy(), []
    first, last = CENSUS_YEARS
    for zone, district in _ZONES.items():
        if np.isfinite(cell(raw, last, zone)):
            used.loc[last, district] = cell(raw, last, district) + cell(raw, last, zone)
            changed.append((district, last, _ZONE))
    if column in ("pop_resident", "pop_urban"):
        belongs = city.where(city.index != _JIANYANG, _ZIYANG)  # before 2016
        for unit in _DOUBLED:
            others = _others(raw, belongs, unit)
            used.loc[first, unit] = (cell(raw, first, unit) - others) / 2.0
            changed.append((unit, first, _SPLIT_OFF))
    if column == "pop_resident":
        totals = wide("population", "pop_resident").loc[first]
        for unit in _ABSENT:
            used.loc[first, unit] = totals[city[unit]] - _others(raw, city, unit)
            changed.append((unit, first, _REST))
    rows = [
        (unit, year, column, cell(raw, year, unit), cell(used, year, unit), reason)
        for unit, year, reason in changed
    ]
    return used, pd.DataFrame(rows, columns=COLUMNS)


def _others(counts: pd.DataFrame, city: pd.Series[str], unit: str) -> float:
    """Sum the other counties of a unit's city in the first census."""
    members = city.index[(city == city[unit]) & (city.index != unit)]
    return float(counts.reindex(columns=members).sum(axis=1).loc[CENSUS_YEARS[0]])
