"""Data, weights and samples behind Table 17 and Figure 13, in two layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

import ccec_econ as ce
from ccec_econ import indices
from table_02_index import FIVE, RULES, dimensions

__all__ = ["Layer", "city_layer", "county_layer", "spread_within", "winsorised"]

type Weights = dict[str, ce.weights.Graph]


@dataclass(frozen=True, slots=True)
class Layer:
    """What the specifications of a layer are combined from.

    Attributes
    ----------
    data : DataFrame
        Outcomes and treatments divided by their standard deviation, unit and year effects removed.
    spread : Series
        These standard deviations by column.
    outcomes : dict
        Columns by label.
    measures, controls : dict
        Columns by label, by treatment.
    weights : dict
    windows, left_out : dict
        First and last year, and units that are left out, by label.
    """

    data: pd.DataFrame
    spread: pd.Series
    outcomes: dict[str, str]
    measures: dict[str, dict[str, str]]
    controls: dict[str, dict[str, list[str]]]
    weights: Weights
    windows: dict[str, list[int]]
    left_out: dict[str, list[str]]


def city_layer(config: Mapping[str, Any]) -> Layer:
    """Return the sixteen units, from 2007 on."""
    setting = config["robustness"]
    windows = setting["windows"]
    first, last = min(w[0] for w in windows.values()), max(w[1] for w in windows.values())
    panel = ce.data.load_panel()
    every = panel.assign(**_outcomes(panel, setting), **_measures(panel, config)).assign(
        **_policies(panel, setting["soon"])
    )
    years = [year for year in range(first, last + 1) if year not in setting["leave_out"]]
    data = every.loc[pd.IndexSlice[:, years], :]
    treatments = list(setting["measures"])
    scaled = _scaled(
        data,
        [*setting["outcomes"].values(), *_columns(setting["measures"])],
        setting["base"],
    )
    return Layer(
        data=scaled[0],
        spread=scaled[1],
        outcomes=setting["outcomes"],
        measures=setting["measures"],
        controls={
            treatment: {
                label: [term for term in terms if term != treatment]
                for label, terms in setting["controls"].items()
            }
            for treatment in treatments
        },
        weights=_weights(setting["weights"], "city", panel, setting["weights_year"]),
        windows=windows,
        left_out=setting["units"],
    )


def county_layer(config: Mapping[str, Any]) -> Layer:
    """Return the counties: growth of night lights, and service by high-speed trains."""
    setting = config["robustness"]["county"]
    first, last = setting["base"]
    panel = ce.data.load_panel("county", years=(first - 2, last))
    lights = np.log(panel["night_lights"])
    growth = 100.0 * lights.groupby("unit").diff()
    data = pd.DataFrame(
        {
            "growth": growth,
            "growth_winsorised": winsorised(growth, config["robustness"]["winsor"]),
            "ln_lights_lag": lights.groupby("unit").shift(),
            **{
                f"hsr_{k}": _service(panel.index, **choice)
                for k, choice in enumerate(setting["measures"].values())
            },
        }
    ).loc[pd.IndexSlice[:, first:last], :]
    measures = {label: f"hsr_{k}" for k, label in enumerate(setting["measures"])}
    scaled = _scaled(data, [*setting["outcomes"].values(), *measures.values()], setting["base"])
    units = ce.data.load_units("county")
    chongqing = units.index[units["city"] == config["robustness"]["units"]["without Chongqing"][0]]
    core = ce.rail.urban_core().dropna().index
    left_out = dict(zip(setting["units"], ([], list(chongqing), list(core)), strict=True))
    return Layer(
        data=scaled[0],
        spread=scaled[1],
        outcomes=setting["outcomes"],
        measures={"hsr": measures},
        controls={"hsr": setting["controls"]},
        weights=_weights(setting["weights"], "county"),
        windows=setting["windows"],
        left_out=left_out,
    )


def winsorised(growth: pd.Series, share: float) -> pd.Series:
    """Pull the ends of growth, less the median of its year, to their quantiles."""
    middle = growth.groupby("year").transform("median")
    away = growth - middle
    return middle + away.clip(away.quantile(share), away.quantile(1.0 - share))


def spread_within(column: pd.Series) -> float:
    """Return the standard deviation of a column, unit and year effects removed."""
    wide = column.unstack("year").dropna(axis="columns")
    rest = wide.sub(wide.mean(axis=1), axis=0).sub(wide.mean(), axis=1) + wide.to_numpy().mean()
    return float(rest.to_numpy().std())


def _scaled(
    data: pd.DataFrame, columns: list[str], base: list[int]
) -> tuple[pd.DataFrame, pd.Series]:
    within = data.loc[pd.IndexSlice[:, base[0] : base[1]], columns]
    spread = pd.Series({name: spread_within(within[name]) for name in columns})
    return data.assign(**{name: data[name] / spread[name] for name in columns}), spread


def _columns(measures: Mapping[str, Mapping[str, str]]) -> list[str]:
    return [column for part in measures.values() for column in part.values()]


def _outcomes(panel: pd.DataFrame, setting: Mapping[str, Any]) -> dict[str, pd.Series]:
    """Growth in hundredths of a log, by what it is the growth of."""

    def growth(level: pd.Series) -> pd.Series:
        return 100.0 * np.log(level).groupby("unit").diff()

    year = panel.index.get_level_values("year")
    kept = panel["growth"].where(~year.isin(setting["leave_out"]))
    return {
        "growth_winsorised": winsorised(kept, setting["winsor"]),
        "growth_current": growth(panel["gdp"] / panel["pop"]),
        "growth_income": growth(panel["urban_income"]),
        "growth_lights": growth(panel["night_lights"]).where(year >= setting["lights_from"]),
    }


def _measures(panel: pd.DataFrame, config: Mapping[str, Any]) -> dict[str, pd.Series]:
    """Other measures of the three treatments."""
    known = panel.loc[panel[[*FIVE, "digital"]].notna().all(axis=1)]
    versions = indices.weighting_versions(known[list(FIVE)], RULES[1:])[0]
    before = panel[["digital_four", "hsr", "rd"]].groupby("unit").shift()
    return {
        **{name: versions[name].reindex(panel.index) for name in versions},
        "dimensions": dimensions(known).reindex(panel.index),
        "digital_four_before": before["digital_four"],
        "hsr_june": _service(panel.index, "hsr", "june", layer="city"),
        "hsr_before": before["hsr"],
        "rd_budget": 100.0 * panel["rd"] / panel["fiscal"],
        "rd_ln": np.log(panel["rd"]),
        "rd_before": before["rd"],
    }


def _policies(panel: pd.DataFrame, soon: int) -> dict[str, np.ndarray]:
    """Broadband China from the year after the award, and in the years just before that."""
    unit, year = (panel.index.get_level_values(level) for level in ("unit", "year"))
    first = ce.data.broadband_adoption(chongqing="never").astype("Float64").loc[unit]
    away = year.to_numpy() - first.to_numpy(float, na_value=np.inf)
    return {
        "broadband": (away >= 0).astype(float),
        "broadband_soon": ((away >= -soon) & (away < 0)).astype(float),
    }


def _service(
    index: pd.MultiIndex,
    service: str,
    rule: str = "",
    unlocated: str = "seat",
    lag: int = 0,
    layer: Literal["city", "county"] = "county",
) -> pd.Series:
    """Share of a year with trains, or with `rule` a step from the first year of service on."""
    unit, year = (index.get_level_values(level) for level in ("unit", "year"))
    if rule:
        first = ce.rail.adoption(layer, service=service, rule=rule, unlocated=unlocated)
        opened = first.astype("Float64").reindex(unit).to_numpy(float, na_value=np.inf)
        return pd.Series((year.to_numpy() >= opened).astype(float), index)
    years = sorted(set(year - lag))
    long = ce.rail.exposure(years, layer, service=service, unlocated=unlocated).T.stack()
    return pd.Series(long.reindex(zip(unit, year - lag, strict=True)).to_numpy(), index)


def _weights(
    chosen: Mapping[str, Mapping[str, Any]],
    layer: Literal["city", "county"],
    panel: pd.DataFrame | None = None,
    year: int = 0,
) -> Weights:
    def made(kind: str, **options: Any) -> ce.weights.Graph:
        if kind == "economic" and panel is not None:
            return ce.weights.economic(panel["gdp_pc"].xs(year, level="year"))
        if kind == "travel_time":
            return ce.rail.weights_by_year([year], layer)[year]
        return getattr(ce.weights, kind)(layer, **options)

    return {label: made(**choice) for label, choice in chosen.items()}
