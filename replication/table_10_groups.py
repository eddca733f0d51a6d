"""Table 10. Effects between functional groups: who gains from whose railway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from libpysal.graph import Graph

import ccec_econ as ce
import group_models as gm
from ccec_econ.errors import ConvergenceError
from ccec_econ.typeset import p_equal
from exhibit import Exhibit, main, rng
from group_tables import (
    LEAD,
    frame_of,
    stacked,
    table_of_border,
    table_of_sensitivity,
    table_of_tests,
)

SIPHON, BORDER, OWN, DUAL = (
    "Core to hollow",
    "Neighbours of own province less others",
    "Own service, hollow less core",
    "Small dual core to the south",
)
FAMILIES = ("trends", "no trends", "lag by origin, SLX")
WINGS = "Axis to the south"
SINGLE = "Stations of single districts"


def build(config: dict[str, Any]) -> Exhibit:
    """Compute matrices, tests, how they hold up, the border and the other treatments."""
    county, city = gm.county(config), gm.city(config)
    matrices = gm.of_hsr(config, county, city)
    wings = gm.county(config, partition="axis")
    axis = {"Counties, by origin": gm.matrix(gm.county_fit(wings), wings, split=gm.HSR, draws=1)}
    tests = adjusted([*tested(config, county), *of_wings(config, wings)], matrices, config, city)
    held = sensitivity(config)
    border = by_period(config)
    others = of_others(config, city)
    seen = f"Units where service begins within the panel: {openings(city, county)}."
    when = f"Core counties in which service begins: {dates(county)}."
    return Exhibit(
        table={
            "": stacked(
                matrices, config, "Effects of high-speed rail between groups", f"{seen} {when}"
            ),
            "tests": table_of_tests(tests, config, f"{when} {alike(city)}"),
            "sensitivity": table_of_sensitivity(held, fast(config)),
            "border": table_of_border(border),
            "others": stacked(others, config, "Digital index and R&D between groups", ""),
            "axis": stacked(axis, config, "High-speed rail between the axis and the wings", ""),
        },
        data={
            "": frame_of(matrices),
            "tests": tests,
            "sensitivity": held,
            "border": border,
            "others": frame_of(others),
            "axis": frame_of(axis),
        },
        finding=finding(tests, held, dates(county)),
        numbers=numbers((city, county), matrices, tests, border),
    )


def of_others(config: dict[str, Any], city: gm.Sample) -> dict[str, ce.GroupEffects]:
    """Compute matrices of the other treatments in the cities."""
    terms = config["groups"]["associations"]
    return {config["labels"][term]: gm.of_city(config, city, term) for term in terms}


def tested(config: dict[str, Any], county: gm.Sample) -> list[dict[str, Any]]:
    """Test the family of hypotheses in the counties, with and without trends."""
    dual, rows = gm.dual_core(county), []
    for model, controls in (("trends", (gm.START, gm.NEAR)), ("no trends", ())):
        fit = gm.county_fit(county, controls=controls)
        found = gm.matrix(fit, county, split=gm.HSR, draws=1)
        own = np.zeros((len(county.labels), len(county.labels) + 1))
        own[county.labels.index("hollow"), -1], own[county.labels.index("core"), -1] = 1.0, -1.0
        of_dual = gm.county_fit(dual, controls=controls)
        reach = gm.matrix(of_dual, dual, split=gm.HSR, draws=1)
        border, lags = gm.border_fit(county, (*controls, gm.PROVINCE) if controls else ())
        across = {"hsr_within": 1.0, "hsr_across": -1.0}
        for what, model_of, slope, groups in (
            (SIPHON, fit, found.siphon(gm.HSR).slope, county.groups),
            (BORDER, border, across, county.groups),
            (OWN, fit, found.contrast(OWN, gm.HSR, own, "less").slope, county.groups),
            (DUAL, of_dual, reach.spread(gm.HSR, core="dual", hollow="south").slope, dual.groups),
        ):
            chance = {"within": groups, "together": gm.CORES}
            chance |= {"lags": lags} if what == BORDER else {}
            rows.append(
                {"layer": "county", "model": model, "hypothesis": what}
                | linear(config, model_of, slope, **chance)
            )
    return rows


def of_wings(config: dict[str, Any], wings: gm.Sample) -> list[dict[str, Any]]:
    """Test what the axis does to a wing; no hypothesis of the family."""
    rows = []
    for model, controls in (("trends", (gm.START, gm.NEAR)), ("no trends", ())):
        fit = gm.county_fit(wings, controls=controls)
        blocks = gm.matrix(fit, wings, split=gm.HSR, draws=1)
        slope = blocks.siphon(gm.HSR, core="axis", hollow="south").slope
        first = {"layer": "county", "model": f"{model}, wings", "hypothesis": WINGS}
        found = linear(config, fit, slope, within=wings.groups, together=gm.CORES)
        rows.append(first | found)
    return rows


def in_cities(
    config: dict[str, Any], city: gm.Sample, matrices: dict[str, ce.GroupEffects]
) -> list[dict[str, Any]]:
    """Test the core's effect on the hollow in the cities: imposed, by origin, and without rho."""
    rows = []
    for model in ("one lag", "lag by origin"):
        contrast = matrices[f"Cities, {model}"].siphon(gm.HSR)
        rows.append(
            {
                "layer": "city",
                "model": f"{model}, SDM",
                "hypothesis": SIPHON,
                "estimate": contrast.estimate,
                "std_error": contrast.std_error,
                "p_t": contrast.two_sided,
                "p_bootstrap": contrast.pvalue_bootstrap,
                "detectable": contrast.detectable,
                "p_permuted": np.nan,
            }
        )
    fit = gm.city_fit(config, city, split=gm.HSR, model="slx")
    found = gm.matrix(fit, city, split=gm.HSR, draws=1)
    for origin in city.labels:
        slope = found.siphon(gm.HSR, core=origin).slope
        what = f"{origin.capitalize()} to hollow"
        first = {"layer": "city", "model": "lag by origin, SLX", "hypothesis": what}
        rows.append(first | linear(config, fit, slope))
    return rows


def linear(
    config: dict[str, Any], fit: ce.SpatialPanelResults, slope: Mapping[str, float], **chance: Any
) -> dict[str, float]:
    """Test a combination of coefficients of a model without rho: by lot, and by signs of units."""
    test = ce.wild_cluster(fit, slope, draws=config["groups"]["wild"], rng=rng(config, "table_10"))
    drawn = ce.randomisation_test(
        fit,
        gm.HSR,
        term=slope,
        draws=config["draws"]["permutations"],
        rng=rng(config, "table_10"),
        **chance,
    )
    return {
        "estimate": test.estimate,
        "std_error": test.std_error,
        "p_t": test.pvalue_conventional,
        "p_bootstrap": test.pvalue,
        "p_permuted": drawn.pvalue,
        "detectable": drawn.detectable,
    }


def adjusted(
    rows: list[dict[str, Any]],
    matrices: dict[str, ce.GroupEffects],
    config: dict[str, Any],
    city: gm.Sample,
) -> pd.DataFrame:
    """Add the tests in the cities, and Holm's p over the permutation p of each family."""
    tests = pd.DataFrame([*rows, *in_cities(config, city, matrices)])
    family = tests[tests["model"].isin(FAMILIES)]
    return tests.assign(p_holm=family.groupby("model")["p_permuted"].transform(ce.holm))


def sensitivity(config: dict[str, Any]) -> pd.DataFrame:
    """Estimate the effect of the core on the hollow under other choices, in models without rho."""
    wider = config["groups"]["wider"]
    lead = gm.county(config)
    in_chongqing = lead.groups.index[lead.groups.index.str.startswith("50")]
    squared = ce.weights.inverse_distance("county", power=2.0)
    trends = (gm.START, gm.NEAR)
    contiguous = ce.weights.contiguity("county")
    choices = {
        LEAD: (lead, trends),
        "No trends": (lead, ()),
        "Trend of first lights only": (lead, (gm.START,)),
        "Trends of nearness only": (lead, (gm.NEAR,)),
        "Trains of 200 km/h": (gm.county(config, service=wider), trends),
        "Inverse squared distance": (gm.county(config, weights=squared), trends),
        "Contiguity": (gm.county(config, weights=contiguous), trends),
        "Secondary: points only": (gm.county(config, partition="role_points"), trends),
        SINGLE: (gm.county(config, core="own"), trends),
        "Without Chongqing": (lead.without(in_chongqing), trends),
    }
    rows = []
    for name, (sample, controls) in choices.items():
        fit = gm.county_fit(sample, controls=controls)
        slope = gm.matrix(fit, sample, split=gm.HSR, draws=1).siphon(gm.HSR).slope
        together = None if name == SINGLE else gm.CORES
        found = linear(config, fit, slope, within=sample.groups, together=together)
        rows.append({"layer": "county", "choice": name} | found)
    return pd.DataFrame([*rows, *sensitivity_of_cities(config)])


def sensitivity_of_cities(config: dict[str, Any]) -> list[dict[str, Any]]:
    """Vary the choices of the city layer."""
    city = gm.city(config)
    choices = {
        LEAD: city,
        "Inverse distance": gm.city(config, weights=ce.weights.inverse_distance()),
        "Without Chongqing": city.without(pd.Index(["500000"])),
    }
    rows = []
    for name, sample in choices.items():
        fit = gm.city_fit(config, sample, split=gm.HSR, model="slx")
        slope = gm.matrix(fit, sample, split=gm.HSR, draws=1).siphon(gm.HSR).slope
        rows.append({"layer": "city", "choice": name} | linear(config, fit, slope))
    return rows


def by_period(config: dict[str, Any]) -> pd.DataFrame:
    """Set the gap between lags within and across the border beside that of straight lines."""
    setting = config["groups"]
    province, lines = ce.circle.partition("province", "county"), gm.lines(setting["lines"])
    rows = []
    for power, first, last in setting["border"]:
        weights = ce.weights.inverse_distance("county", power=power)
        data = gm.county(config, weights=weights).data
        years = data.index.get_level_values("year")
        span = data[(years >= first) & (years <= last)]
        fit = of_line(span, weights, province)
        gap = fit.contrast("within", "across")
        others = pd.Series([gap_of(span, weights, line) for line in lines])
        rows.append(
            {
                "power": power,
                "first": first,
                "last": last,
                "within": fit.params["rho[within]"],
                "within_error": fit.std_errors["rho[within]"],
                "across": fit.params["rho[across]"],
                "across_error": fit.std_errors["rho[across]"],
                "difference": gap["difference"],
                "lines": int(others.notna().sum()),
                "as_large": int((others >= gap["difference"]).sum()),
                "median_line": others.median(),
            }
        )
    return pd.DataFrame(rows)


def of_line(data: pd.DataFrame, weights: Graph, sides: pd.Series) -> ce.HigherOrderResults:
    """Fit the growth of lights with one lag within the sides of a line and one across it."""
    parts = ce.weights.split(weights, sides)
    return ce.higher_order(f"growth ~ {gm.HSR} | unit + year", data, parts, durbin=[gm.HSR])


def gap_of(data: pd.DataFrame, weights: Graph, sides: pd.Series) -> float:
    """Return the gap between both lags, nothing where the likelihood has no interior maximum."""
    try:
        return float(of_line(data, weights, sides).contrast("within", "across")["difference"])
    except ConvergenceError:
        return np.nan


def dates(county: gm.Sample) -> str:
    """Say when service began in how many core counties of each city."""
    core = county.groups.index[county.groups == "core"]
    units, cities = ce.data.load_units("county"), ce.data.load_units("city")["name"]
    first = gm.opened(county).reindex(core)
    names = units["city"].reindex(core).map(cities)
    counted = pd.DataFrame({"first": first, "city": names}).dropna().groupby("first")["city"]
    said = [
        f"{ce.report.listed([f'{n} of {name}' for name, n in sorted(of.value_counts().items())])} "
        f"in {year:.0f}"
        for year, of in counted
    ]
    return f"{', '.join(said)}, {first.isna().sum()} of {len(core)} never"


def openings(*samples: gm.Sample) -> str:
    """Say in how many units of each group service begins within the panel."""
    said = []
    for sample in samples:
        changing = sample.data[gm.HSR].groupby("unit").agg(np.ptp) > 0
        counted = changing.groupby(sample.groups, observed=True).agg(["sum", "size"])
        names = [f"{name} {row['sum']} of {row['size']}" for name, row in counted.iterrows()]
        layer = "cities" if sample is samples[0] else "counties"
        said.append(f"{layer} {ce.report.listed(names)}")
    return "; ".join(said)


def fast(config: dict[str, Any]) -> str:
    """Count the core counties in which slower trains begin within the panel."""
    wider = gm.county(config, service=config["groups"]["wider"])
    core = gm.opened(wider)[wider.groups == "core"]
    return f"At 200 km/h service begins in {core.notna().sum()} of {len(core)} core counties."


def alike(city: gm.Sample) -> str:
    """Say on which cities the effects of the hollow rest."""
    hollow = city.groups.index[city.groups == "hollow"]
    wide = city.data[gm.HSR].unstack("year").loc[hollow]
    moving = wide[np.ptp(wide.to_numpy(), axis=1) > 0.0]
    names = ce.data.load_units("city")["name"].reindex(moving.index)
    paths = len(moving.drop_duplicates())
    return (
        f"Hollow to hollow in cities rests on {ce.report.listed(list(names))}, whose trains "
        f"follow {paths} {'path' if paths == 1 else 'different paths'}."
    )


def finding(tests: pd.DataFrame, held: pd.DataFrame, when: str) -> str:
    """Say what a plain regression would announce, and what stays of it."""
    keyed = tests.set_index(["layer", "model", "hypothesis"]).sort_index()
    plain, lead = (keyed.loc[("county", model, SIPHON)] for model in ("no trends", "trends"))
    cities = keyed.loc[("city", "lag by origin, SDM", SIPHON)]
    holm = tests[tests["layer"] == "county"]["p_holm"].dropna()
    others = held[held["choice"] != LEAD]
    return (
        "The core's railway is seen only through when service began in its counties: "
        f"{when}. It changes ln lights of the hollow counties by {lead['estimate']:+.3f} "
        f"({p_equal(lead['p_permuted'])} with openings dealt out by lot within groups, detectable "
        f"{lead['detectable']:.2f}), or {plain['estimate']:+.3f} without trends "
        f"({p_equal(plain['p_permuted'])}; as if counties were independent, "
        f"{p_equal(plain['p_bootstrap'])}); after Holm {int((holm < 0.05).sum())} of {len(holm)} "
        "tests in counties stand at 5 %, and under "
        f"{int((others['p_permuted'] < 0.05).sum())} of {len(others)} other choices the p by lot "
        f"is below 0.05. In the cities the effect is {cities['estimate']:+.2f} points of growth "
        f"(bootstrap {p_equal(cities['p_bootstrap'])}, detectable {cities['detectable']:.2f})."
    )


def numbers(
    samples: tuple[gm.Sample, gm.Sample],
    matrices: dict[str, ce.GroupEffects],
    tests: pd.DataFrame,
    border: pd.DataFrame,
) -> dict[str, Any]:
    """Collect what the text cites."""
    short = {SIPHON: "siphon", BORDER: "border", OWN: "own", DUAL: "dual", WINGS: "wings"}
    short |= {f"{label.capitalize()} to hollow": label for label in samples[0].labels[1:]}
    models = {
        "trends": "lead",
        "trends, wings": "lead",
        "no trends": "plain",
        "no trends, wings": "plain",
        "one lag, SDM": "one",
        "lag by origin, SDM": "split",
        "lag by origin, SLX": "slx",
    }
    cited = ["estimate", "std_error", "p_t", "p_bootstrap", "p_permuted", "p_holm", "detectable"]
    own = matrices["Counties, by origin"].own.droplevel("term")
    core = gm.opened(samples[1])[samples[1].groups == "core"]
    city = matrices["Cities, lag by origin"].frame
    clear = (city["boot_lower"] > 0) | (city["boot_upper"] < 0)
    return {
        "cities": len(samples[0].groups),
        "counties": len(samples[1].groups),
        "city_blocks": len(city),
        "city_clear": int(clear.sum()),
        "city_clear_core": int(clear.xs("core", level="from").sum()),
        **{
            f"{short[row['hypothesis']]}_{models[row['model']]}": {
                name: float(row[name]) for name in cited if not pd.isna(row[name])
            }
            for _, row in tests.iterrows()
        },
        "own_by_role": {
            str(role): row[["estimate", "std_error"]].to_dict() for role, row in own.iterrows()
        },
        "least_permuted": float(
            tests.loc[tests["model"] == "lag by origin, SLX", "p_permuted"].min()
        ),
        "border_gap": border.iloc[0].drop(["first", "last"]).to_dict(),
        "core_units": int((samples[1].groups == "core").sum()),
        "core_served": int(core.notna().sum()),
        "core_dates": int(core.nunique()),
    }


if __name__ == "__main__":
    main(__file__, build)
