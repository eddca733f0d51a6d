"""Samples of Table 12: what each level of the circle can be asked with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

import ccec_econ as ce
from group_models import lagged

__all__ = ["LevelSample", "border_pairs", "province_means", "towns_and_country", "within_sichuan"]

CHONGQING = "500000"


@dataclass(frozen=True, slots=True)
class LevelSample:
    """Data of one level, the right side of its model, and which term belongs to which treatment."""

    level: str
    outcome: str
    data: pd.DataFrame
    controls: tuple[str, ...]
    terms: Mapping[tuple[str, str], str]

    @property
    def formula(self) -> str:
        """Model with effects of units and years."""
        return f"y ~ {' + '.join([*self.terms.values(), *self.controls])} | unit + year"


def within_sichuan(config: Mapping[str, Any]) -> list[LevelSample]:
    """Distances of Sichuan's cities from their mean: Chongqing is alone in its province."""
    treatments = config["baseline"]["treatments"]
    data = ce.data.load_panel(years=tuple(config["sample"]["years"]))
    data = data.drop(index=CHONGQING, level="unit")
    W = ce.weights.contiguity()
    W = ce.weights.row_standardise(W.subgraph([u for u in W.unique_ids if u != CHONGQING]))
    data = data.assign(**{f"near_{name}": lagged(W, data[name]) for name in treatments})
    terms = {(name, "own"): name for name in treatments}
    terms |= {(name, "near"): f"near_{name}" for name in treatments}
    samples = []
    for column in config["levels"]["within"]:
        logs = np.log(data[column])
        far = (logs - logs.groupby("year").transform("mean")).abs()
        samples.append(LevelSample("within", column, data.assign(y=far), (), terms))
    return samples


def towns_and_country(config: Mapping[str, Any]) -> LevelSample:
    """Ratio of urban to rural income in counties with both: years by city, service by county.

    Digital work and research are known for one year, so that a county has its share times time.
    """
    first, last = config["levels"]["ratio"]
    data = ce.data.load_panel("county", years=(first, last))
    ratio = np.log(data["urban_rural_ratio"]).unstack("year")
    data = data.loc[ratio.index[ratio.notna().all(axis=1)].tolist()]
    census = ce.data.load_census().xs(last, level="year")
    units, years = (data.index.get_level_values(name) for name in ("unit", "year"))
    opened = units.map(ce.rail.adoption("county", service="hsr").astype(float).fillna(np.inf))
    passed = (years - first) / (last - first)
    data = data.assign(
        y=np.log(data["urban_rural_ratio"]),
        hsr=(years >= opened).astype(float),
        digital=units.map(census["info_share"]) * passed,
        rd=units.map(census["sci_share"]) * passed,
        chengdu=(data["city_name"] == "Chengdu").astype(float),
        **{f"d{year}": (years == year).astype(float) for year in range(first + 1, last + 1)},
    )
    courses = tuple(f"chengdu:d{year}" for year in range(first + 1, last + 1))
    terms = {(name, "own"): name for name in ("digital", "hsr", "rd")}
    return LevelSample("urban_rural", "urban_rural_ratio", data, courses, terms)


def border_pairs(config: Mapping[str, Any]) -> LevelSample:
    """Distance in night lights of counties that touch across the border, by pair."""
    years = tuple(config["levels"]["lights"])
    lights = np.log(ce.data.load_panel("county", years=years)["night_lights"]).unstack("unit")
    province = ce.circle.partition("province", "county")
    pairs = ce.weights.contiguity("county").adjacency.reset_index()
    pairs = pairs[(pairs["weight"] > 0) & (pairs["focal"] < pairs["neighbor"])]
    across = province[pairs["focal"]].to_numpy() != province[pairs["neighbor"]].to_numpy()
    opened = ce.rail.adoption("county", service="hsr").astype(float).fillna(np.inf)
    frames = []
    for a, b in pairs.loc[across, ["focal", "neighbor"]].to_numpy():
        served = sum((lights.index >= opened[unit]).astype(float) for unit in (a, b))
        far = (lights[a] - lights[b]).abs()
        index = pd.MultiIndex.from_product([[f"{a}-{b}"], lights.index], names=["unit", "year"])
        frames.append(pd.DataFrame({"y": far.to_numpy(), "hsr": served}, index=index))
    return LevelSample("between", "night_lights", pd.concat(frames), (), {("hsr", "own"): "hsr"})


def province_means(config: Mapping[str, Any]) -> pd.DataFrame:
    """Chongqing less Sichuan's members by year: GDP per resident in logs, and the treatments."""
    treatments = config["baseline"]["treatments"]
    data = ce.data.load_panel(years=tuple(config["sample"]["years"]))
    sides = {}
    for name, part in (("east", data.loc[[CHONGQING]]), ("west", data.drop(index=CHONGQING))):
        by_year = part.groupby("year")
        people = by_year["pop"].sum()
        columns = {
            each: (part[each] * part["pop"]).groupby("year").sum() / people for each in treatments
        }
        sides[name] = pd.DataFrame(
            {"gap": 100.0 * np.log(by_year["gdp_real"].sum() / people), **columns}
        )
    return sides["east"] - sides["west"]
