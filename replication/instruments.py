"""The instruments of Table 14: what a city was before, times a path that it did not move."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

import ccec_econ as ce

__all__ = [
    "CHENGDU",
    "CHONGQING",
    "CORES",
    "designs",
    "instrument_panel",
    "sample_of",
    "together",
]

CHONGQING, CHENGDU = CORES = ["500000", "510100"]


def instrument_panel(config: Mapping[str, Any]) -> pd.DataFrame:
    """Return the sample with the columns that serve as instruments, named ``z_...``."""
    setting = config["instruments"]
    panel = ce.data.load_panel(years=tuple(config["sample"]["years"]))
    unit, year = (panel.index.get_level_values(k) for k in (0, 1))
    outside = ce.data.load_outside(tuple(config["sample"]["years"]))
    internet, science = (outside[name].loc[year].to_numpy() for name in ("internet", "science"))
    distance = ce.weights.distances()[CORES].min(axis=1) / 100.0
    off = ce.structure.axis_position(ce.data.load_units(), CHENGDU, CHONGQING)["off_km"].abs()
    opened = ce.rail.first_year(ce.rail.openings())[setting["axis_line"]]
    shares = ce.data.load_panel(years=tuple(setting["sectors"])).groupby("unit")
    pilots = ce.data.broadband_adoption(chongqing="never").astype("Float64").loc[unit]
    return panel.assign(
        before=ce.data.load_panel()["ln_gdp_pc_lag"].groupby("unit").shift().loc[panel.index],
        z_phones=_telephones(setting["phones"]).loc[unit].to_numpy() * internet,
        z_distance=distance.loc[unit].to_numpy() * internet,
        z_pilot=(year >= pilots.to_numpy(float, na_value=np.inf)).astype(float),
        z_secondary=shares["share2"].mean().loc[unit].to_numpy() * science,
        z_tertiary=shares["share3"].mean().loc[unit].to_numpy() * science,
        z_axis=off.loc[unit].to_numpy() / 100.0 * (year >= opened),
    )


def designs(
    config: Mapping[str, Any], panel: pd.DataFrame, formula: str
) -> dict[str, ce.InstrumentalResults]:
    """Fit a formula by each set of instruments, one regressor endogenous."""
    fits = {}
    for row in config["instruments"]["designs"]:
        fits[row["name"]] = ce.s2sls(
            formula,
            sample_of(panel, row["sample"]),
            endogenous=[row["regressor"]],
            instruments=row["instruments"],
            lag=False,
            cov=ce.Cluster(),
        )
    return fits


def sample_of(panel: pd.DataFrame, which: str) -> pd.DataFrame:
    """Leave out the cities that a set of instruments cannot speak of."""
    gone: dict[str, list[str]] = {"all": [], "no cores": CORES, "no Chongqing": [CHONGQING]}
    return panel.drop(gone[which], level="unit")


def together(config: Mapping[str, Any], panel: pd.DataFrame) -> ce.InstrumentalResults:
    """Fit with the three treatments endogenous and every exposure an instrument, cores left out."""
    return ce.s2sls(
        config["baseline"]["formula"],
        panel.drop(CORES),
        endogenous=config["baseline"]["treatments"],
        instruments=config["instruments"]["together"],
        lag=False,
    )


def _telephones(years: list[int]) -> pd.Series:
    """Take the mean of some years of fixed telephones per 100 residents."""
    raw = ce.data.load_raw("city_yearbook")
    phones = raw[raw["variable"] == "fixed_phone"].set_index(["unit", "year"])["value"]
    residents = ce.data.load_panel(years=(years[0], years[1]))["pop_yearbook_area"]
    return (100.0 * phones.reindex(residents.index) / residents).groupby("unit").mean()
