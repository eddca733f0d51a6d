"""The models behind Table 10 and Figure 10: railways lagged by the group where they run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from libpysal.graph import Graph

import ccec_econ as ce
from exhibit import rng

__all__ = [
    "CORES",
    "HSR",
    "Sample",
    "border_fit",
    "city",
    "city_fit",
    "county",
    "county_fit",
    "dual_core",
    "lagged",
    "lines",
    "matrix",
    "of_city",
    "of_hsr",
    "opened",
    "split_of",
]

HSR = "hsr"  # what the regressor is called in either layer, whatever the service class
START, NEAR, PROVINCE = "start", "near", "province"
CORES = ce.rail.urban_core()  # districts served as one


@dataclass(frozen=True, slots=True)
class Sample:
    """Data of one layer with a column of ones per group, its weights and its groups."""

    data: pd.DataFrame
    weights: Graph
    groups: pd.Series

    @property
    def labels(self) -> list[str]:
        """Groups in the order of the tables."""
        return [str(label) for label in self.groups.cat.categories]

    def of_row(self, by_unit: pd.Series | Mapping[str, float]) -> np.ndarray:
        """Repeat a figure of the unit in its rows."""
        return np.asarray(self.data.index.get_level_values("unit").map(dict(by_unit)))

    def without(self, units: pd.Index) -> Sample:
        """Leave units out; rows of the weights sum to one again."""
        kept = self.groups.index.difference(units)
        rows = self.data.index.get_level_values("unit").isin(kept)
        weights = ce.weights.row_standardise(self.weights.subgraph(list(kept)))
        return Sample(self.data[rows].copy(), weights, self.groups[kept])

    def grouped(self, groups: pd.Series) -> Sample:
        """Take other groups."""
        sample = replace(self, groups=groups)
        of_row = sample.of_row(groups.astype(str))
        marks = {label: (of_row == label).astype(float) for label in sample.labels}
        return replace(sample, data=self.data.assign(**marks))


def ordered(groups: pd.Series, order: list[str]) -> pd.Series:
    """Put groups in the order of the tables."""
    return groups.astype(pd.CategoricalDtype([label for label in order if label in set(groups)]))


def county(
    config: Mapping[str, Any],
    *,
    service: str = "",
    partition: str = "role",
    weights: Graph | None = None,
    **adoption: Any,
) -> Sample:
    """Night lights of the counties, and whether high-speed trains have stopped there."""
    setting = config["groups"]
    data = ce.data.load_panel("county", years=tuple(setting["county_years"]))
    first = ce.rail.adoption("county", service=service or setting["service"], **adoption)
    years = data.index.get_level_values("year")
    opened = data.index.get_level_values("unit").map(first.astype(float).fillna(np.inf))
    lights = np.log(data["night_lights"])
    data = data.assign(
        ln_lights=lights,
        growth=lights.groupby("unit").diff(),
        start=lights.groupby("unit").transform("first"),
        hsr=(years >= opened).astype(float),
        **{f"d{year}": (years == year).astype(float) for year in years.unique()[1:]},
    )
    W = weights or ce.weights.inverse_distance("county")
    groups = ordered(ce.circle.partition(partition, "county"), setting["order"])
    return Sample(data, W, groups).grouped(groups)


def city(
    config: Mapping[str, Any],
    *,
    service: str = "",
    partition: str = "role",
    weights: Graph | None = None,
) -> Sample:
    """Growth of the cities, and the share of the year with high-speed trains."""
    setting = config["groups"]
    data = ce.data.load_panel(years=tuple(config["sample"]["years"]))
    data = data.assign(hsr=data[service or setting["service"]])
    groups = ordered(ce.circle.partition(partition), setting["order"])
    return Sample(data, weights or ce.weights.contiguity(), groups).grouped(groups)


def split_of(sample: Sample, term: str = HSR) -> dict[str, dict[str, str]]:
    """Name the parts of a term, one per group of origin."""
    return {term: {label: f"I({term} * {label})" for label in sample.labels}}


def city_fit(
    config: Mapping[str, Any], sample: Sample, *, split: str = "", model: str = "sdm"
) -> ce.SpatialPanelResults:
    """Fit the baseline, the lag of one term split by the group where it stands."""
    terms = config["groups"]["city_terms"]
    lags = [f"W({term})" for term in terms if term != split]
    if split:
        lags += [f"W({part})" for part in split_of(sample, split)[split].values()]
    formula = f"growth ~ {' + '.join([*terms, *lags])} | unit + year"
    fit = ce.sdm if model == "sdm" else ce.slx
    return fit(formula, sample.data, sample.weights, cov=ce.Cluster())


def county_fit(
    sample: Sample, *, split: bool = True, controls: tuple[str, ...] = (START, NEAR)
) -> ce.SpatialPanelResults:
    """Fit lights on own and neighbours' service, all of it or both by group, and controls."""
    parts = list(split_of(sample)[HSR].values()) if split else [HSR]
    data, trends = with_trends(sample, controls)
    terms = [*parts, *(f"W({part})" for part in parts), *trends]
    return ce.slx(
        f"ln_lights ~ {' + '.join(terms)} | unit + year", data, sample.weights, cov=ce.Cluster()
    )


def with_trends(sample: Sample, controls: tuple[str, ...]) -> tuple[pd.DataFrame, list[str]]:
    """Add what may have a course of its own over the years, and its terms, one per year."""
    data, columns = sample.data, []
    if START in controls:
        columns.append(START)
    if NEAR in controls:
        near = ce.weights.shares(sample.weights, sample.groups.astype(str))
        kept = [label for label in sample.labels if near[label].any()][:-1]
        data = data.assign(**{f"near_{label}": sample.of_row(near[label]) for label in kept})
        columns += [f"near_{label}" for label in kept]
    if PROVINCE in controls:
        data = data.assign(sichuan=(data["province"] == "Sichuan").astype(float))
        columns.append("sichuan")
        provinces = ce.circle.partition("province", "county")
        inside = ce.weights.split(sample.weights, provinces, standardised=False)["within"]
        own = ce.weights.shares(inside, sample.groups.astype(str))
        data = data.assign(**{f"own_{label}": sample.of_row(own[label]) for label in own})
        columns += [f"own_{label}" for label in own]
    years = data.index.get_level_values("year").unique()[1:]
    return data, [f"{column}:d{year}" for column in columns for year in years]


def border_fit(
    sample: Sample, controls: tuple[str, ...]
) -> tuple[ce.SpatialPanelResults, dict[str, Graph]]:
    """Fit lights on neighbours' service within and across the border; the fit and the lags.

    The parts of the weights stay as they are in W: one lag of W, blind to the border, has equal
    coefficients on both.
    """
    provinces = ce.circle.partition("province", "county")
    parts = ce.weights.split(sample.weights, provinces, standardised=False)
    lags = {f"hsr_{name}": W for name, W in parts.items()}
    data = sample.data.assign(**{name: lagged(W, sample.data[HSR]) for name, W in lags.items()})
    data, trends = with_trends(replace(sample, data=data), controls)
    terms = [HSR, *lags, *trends]
    return ce.ols(f"ln_lights ~ {' + '.join(terms)} | unit + year", data, cov=ce.Cluster()), lags


def lines(number: int) -> list[pd.Series]:
    """Cut the counties in two by straight lines at equal angles, the parts as the provinces are."""
    units, province = ce.data.load_units("county"), ce.circle.partition("province", "county")
    share = float(province.value_counts(normalize=True).min())
    east = (units["lon"] - units["lon"].mean()) * np.cos(np.radians(units["lat"].mean()))
    north = units["lat"] - units["lat"].mean()
    cuts = []
    for angle in np.arange(number) * 2.0 * np.pi / number:
        along = np.cos(angle) * east + np.sin(angle) * north
        cuts.append((along >= along.quantile(1.0 - share)).map({True: "beyond", False: "before"}))
    return cuts


def opened(sample: Sample) -> pd.Series:
    """Year in which service begins, missing where it never does or was there from the start."""
    wide = sample.data[HSR].unstack("year")
    begun = (wide > 0.0) & (np.ptp(wide.to_numpy(), axis=1) > 0.0)[:, None]
    return begun.idxmax(axis=1).where(begun.any(axis=1))


def dual_core(sample: Sample) -> Sample:
    """Take the small dual core, the rest of the south wing and all others as groups."""
    named = ce.circle.groups("county")
    dual = named.loc[named["group"] == "small_dual", "unit"]
    groups = ce.circle.partition("axis", "county").where(lambda wing: wing == "south", "rest")
    groups[groups.index.isin(dual)] = "dual"
    return sample.grouped(ordered(groups, ["dual", "south", "rest"]))


def lagged(weights: Graph, column: pd.Series) -> pd.Series:
    """Lag a column in space, year by year."""
    wide = column.unstack("unit")
    W = ce.weights.align(weights, wide.columns)
    return pd.DataFrame(wide.to_numpy() @ W.T, wide.index, wide.columns).stack().swaplevel()


def matrix(
    fit: ce.SpatialPanelResults, sample: Sample, *, split: str = "", **options: Any
) -> ce.GroupEffects:
    """Effects of one term between groups."""
    parts = split_of(sample, split) if split else None
    found = ce.group_effects(fit, sample.groups, split=parts, **options)
    return found.select([split or HSR])


def of_hsr(config: dict[str, Any], county: Sample, city: Sample) -> dict[str, Any]:
    """Compute matrices of high-speed rail: both layers, one coefficient and one per origin."""
    found = {}
    for name, split in (("Cities, one lag", ""), ("Cities, lag by origin", HSR)):
        found[name] = of_city(config, city, split)
    for name, split, controls in (
        ("Counties, one lag", False, (START, NEAR)),
        ("Counties, by origin", True, (START, NEAR)),
        ("Counties, by origin, no trends", True, ()),
    ):
        fit = county_fit(county, split=split, controls=controls)
        found[name] = matrix(fit, county, split=HSR if split else "", draws=1)
    return found


def of_city(config: dict[str, Any], sample: Sample, split: str) -> ce.GroupEffects:
    """Compute the matrix of one term in the SDM, its interval from refits by whole units."""
    fit = city_fit(config, sample, split=split)
    again = ce.bootstrap(
        fit,
        draws=config["draws"]["bootstrap"],
        innovations="unit",
        rng=rng(config, f"table_10_{split}"),
    )
    return matrix(fit, sample, split=split, bootstrap=again, draws=1)
