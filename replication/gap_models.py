"""Models of Table 9A: slopes on treatments that differ with the distance from the cores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

import ccec_econ as ce
from ccec_econ.models.small_sample import standard_margins

__all__ = ["gap_fit", "gap_sample", "products", "variants"]


def gap_sample(plan: Mapping[str, Any]) -> pd.DataFrame:
    """Treatments per standard deviation, the distance from the cores, a column per year."""
    data = ce.data.load_panel(plan["sample"]["layer"], years=tuple(plan["sample"]["years"]))
    names = plan["model"]["treatments"]
    plain = ce.ols(f"{plan['outcome']['column']} ~ {' + '.join(names)} | unit + year", data)
    per_unit = standard_margins(plain, names, 1.0)
    data = data.assign(**{name: data[name] * per_unit[name] for name in names})
    return with_years(data, behind=distance(plan, plan["distance"]["year"]))


def products(plan: Mapping[str, Any]) -> list[str]:
    """Name the terms that are tested, in the order of the hypotheses."""
    return [f"I({each['treatment']} * {plan['distance']['name']})" for each in plan["hypothesis"]]


def gap_fit(
    plan: Mapping[str, Any],
    data: pd.DataFrame,
    *,
    outcome: str = "",
    course: str = "by year",
    lags: bool = True,
    controls: str = "",
) -> ce.SpatialPanelResults:
    """Fit the planned model; options change one thing each."""
    model = plan["model"]
    behind, treatments = plan["distance"]["name"], model["treatments"]
    years = data.index.get_level_values("year").unique()
    courses = {"by year": [f"d{year}" for year in years[1:]], "straight": ["trend"], "none": []}
    terms = [
        *treatments,
        *(f"W({name})" for name in model["neighbours"] if lags),
        *products(plan),
        *(f"{behind}:{column}" for column in courses[course]),
        *([controls] if controls else []),
    ]
    response = outcome or plan["outcome"]["column"]
    formula = f"{response} ~ {' + '.join(terms)} | {' + '.join(model['effects'])}"
    if not lags:
        return ce.ols(formula, data, cov=ce.Cluster())
    W = getattr(ce.weights, model["weights"])()
    kept = [unit for unit in W.unique_ids if unit in data.index.unique("unit")]
    W = ce.weights.row_standardise(W.subgraph(kept))
    return getattr(ce, model["verb"])(formula, data, W, cov=ce.Cluster())


def variants(plan: Mapping[str, Any], data: pd.DataFrame) -> dict[str, ce.SpatialPanelResults]:
    """Fit the planned model with one change each; none of these was fixed beforehand."""
    first, last = plan["sample"]["years"]
    cores = plan["distance"]["cores"]
    hollow = (ce.circle.roles() == "hollow").astype(float)
    wide = ce.data.load_panel(years=(first - 1, last))
    per_unit = data["hsr"].max()  # a whole year of service, in standard deviations
    prices = 100.0 * np.log(wide["gdp"] / wide["pop"]).groupby("unit").diff()
    lights = 100.0 * np.log(wide["night_lights"]).groupby("unit").diff()
    index = 1.0 / ce.data.load_panel(years=(first, last))["digital"].div(data["digital"]).mean()
    bright = data.assign(lights=lights).drop(index=range(first, 2014), level="year")
    changed: dict[str, tuple[pd.DataFrame, dict[str, Any]]] = {
        "As fixed": (data, {}),
        "Course of the distance a straight line": (data, {"course": "straight"}),
        "No course of the distance": (data, {"course": "none"}),
        "Neighbours' treatments left out": (data, {"lags": False}),
        "Income of the year before held": (data, {"controls": "ln_gdp_pc_lag"}),
        "Distance in 2005": (with_years(data, behind=distance(plan, 2005)), {}),
        "Hollow middle instead of the distance": (with_years(data, behind=hollow), {}),
        "Without Chongqing": (data.drop(index=cores[1], level="unit"), {}),
        "Without both cores": (data.drop(index=cores, level="unit"), {}),
        "Growth at current prices": (data.assign(prices=prices), {"outcome": "prices"}),
        "Growth of night lights, 2014–2019": (bright, {"outcome": "lights"}),
        "Lines of 250 km/h and more": (data.assign(hsr=per_unit * data["hsr_250"]), {}),
        "Digital index before the screen": (
            data.assign(digital=index * data["digital_published"]),
            {},
        ),
    }
    return {name: gap_fit(plan, sample, **options) for name, (sample, options) in changed.items()}


def distance(plan: Mapping[str, Any], year: int) -> pd.Series:
    """Mean of the cores less the city itself in a year, log units."""
    setting = plan["distance"]
    start = ce.data.load_panel("city", years=(year, year))[setting["column"]].droplevel("year")
    return start[setting["cores"]].mean() - start


def with_years(data: pd.DataFrame, behind: pd.Series) -> pd.DataFrame:
    """Give every row the distance of its unit, and columns of years for its course."""
    years = data.index.get_level_values("year")
    marks = {f"d{year}": (years == year).astype(float) for year in years.unique()}
    by_row = data.index.get_level_values("unit").map(behind)
    return data.assign(behind=np.asarray(by_row, dtype=float), trend=years - years.min(), **marks)
