"""Table 10. Effects between functional groups: who gains from whose railway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

import ccec_econ as ce
import group_models as gm
from ccec_econ.typeset import p_equal
from exhibit import Exhibit, main, rng
from group_tables import (
    frame_of,
    stacked,
    table_of_border,
    table_of_sensitivity,
    table_of_tests,
)

SIPHON, BORDER, OWN, DUAL = (
    "Core to hollow",
    "Own province less the other",
    "Own service, hollow less core",
    "Small dual core to the south",
)
FAMILIES = ("trends", "no trends", "lag by origin, SLX")
WINGS = "Axis to the south"


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
    opened = f"Units where service begins within the panel: {openings(city, county)}."
    return Exhibit(
        table={
            "": stacked(matrices, config, "Effects of high-speed rail between groups", opened),
            "tests": table_of_tests(tests, config),
            "sensitivity": table_of_sensitivity(held),
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
        finding=finding(tests, held, border),
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
        border = gm.border_fit(county, (*controls, gm.PROVINCE) if controls else ())
        across = {"hsr_within": 1.0, "hsr_across": -1.0}
        for what, model_of, slope, within in (
            (SIPHON, fit, found.siphon(gm.HSR).slope, county.groups),
            (BORDER, border, across, None),
            (OWN, fit, found.contrast(OWN, gm.HSR, own, "less").slope, county.groups),
            (DUAL, of_dual, reach.spread(gm.HSR, core="dual", hollow="south").slope, dual.groups),
        ):
            rows.append(
                {"layer": "county", "model": model, "hypothesis": what}
                | linear(config, model_of, slope)
                | {"p_permuted": permuted(config, model_of, slope, within)}
            )
    return rows


def of_wings(config: dict[str, Any], wings: gm.Sample) -> list[dict[str, Any]]:
    """Test what the axis does to a wing; no hypothesis of the family."""
    rows = []
    for model, controls in (("trends", (gm.START, gm.NEAR)), ("no trends", ())):
        fit = gm.county_fit(wings, controls=controls)
        found = gm.matrix(fit, wings, split=gm.HSR, draws=1)
        slope = found.siphon(gm.HSR, core="axis", hollow="south").slope
        first = {"layer": "county", "model": f"{model}, wings", "hypothesis": WINGS}
        chance = {"p_permuted": permuted(config, fit, slope, wings.groups)}
        rows.append(first | linear(config, fit, slope) | chance)
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
        chance = {"p_permuted": permuted(config, fit, slope, None, everywhere=True)}
        rows.append(first | linear(config, fit, slope) | chance)
    return rows


def linear(
    config: dict[str, Any], fit: ce.SpatialPanelResults, slope: Mapping[str, float]
) -> dict[str, float]:
    """Estimate and test a combination of coefficients of a model without rho."""
    test = ce.wild_cluster(fit, slope, draws=config["groups"]["wild"], rng=rng(config, "table_10"))
    return {
        "estimate": test.estimate,
        "std_error": test.std_error,
        "p_t": test.pvalue_conventional,
        "p_bootstrap": test.pvalue,
        "detectable": test.detectable,
    }


def permuted(
    config: dict[str, Any],
    fit: ce.SpatialPanelResults,
    slope: Mapping[str, float],
    within: pd.Series | None,
    *,
    everywhere: bool = False,
) -> float:
    """Exchange the paths of service within groups, or everywhere; nothing without either."""
    if within is None and not everywhere:
        return np.nan
    test = ce.randomisation_test(
        fit,
        gm.HSR,
        term=slope,
        within=within,
        draws=config["draws"]["permutations"],
        rng=rng(config, "table_10"),
    )
    return test.pvalue


def adjusted(
    rows: list[dict[str, Any]],
    matrices: dict[str, ce.GroupEffects],
    config: dict[str, Any],
    city: gm.Sample,
) -> pd.DataFrame:
    """Add the tests in the cities, and Holm's p-values over the tests of each model in a family."""
    tests = pd.DataFrame([*rows, *in_cities(config, city, matrices)])
    family = tests[tests["model"].isin(FAMILIES)]
    return tests.assign(p_holm=family.groupby("model")["p_bootstrap"].transform(ce.holm))


def sensitivity(config: dict[str, Any]) -> pd.DataFrame:
    """Estimate the effect of the core on the hollow under other choices, in models without rho."""
    wider = config["groups"]["wider"]
    lead = gm.county(config)
    in_chongqing = lead.groups.index[lead.groups.index.str.startswith("50")]
    squared = ce.weights.inverse_distance("county", power=2.0)
    choices = {
        "Trends": (lead, (gm.START, gm.NEAR)),
        "No trends": (lead, ()),
        "Trend of first lights only": (lead, (gm.START,)),
        "Trends of nearness only": (lead, (gm.NEAR,)),
        "Trains of 200 km/h": (gm.county(config, service=wider), (gm.START, gm.NEAR)),
        "Inverse squared distance": (gm.county(config, weights=squared), (gm.START, gm.NEAR)),
        "Contiguity": (
            gm.county(config, weights=ce.weights.contiguity("county")),
            (gm.START, gm.NEAR),
        ),
        "Secondary: points only": (
            gm.county(config, partition="role_points"),
            (gm.START, gm.NEAR),
        ),
        "Stations of single districts": (gm.county(config, core="own"), (gm.START, gm.NEAR)),
        "Without Chongqing": (lead.without(in_chongqing), (gm.START, gm.NEAR)),
    }
    rows = []
    for name, (sample, controls) in choices.items():
        fit = gm.county_fit(sample, controls=controls)
        slope = gm.matrix(fit, sample, split=gm.HSR, draws=1).siphon(gm.HSR).slope
        rows.append({"layer": "county", "choice": name} | linear(config, fit, slope))
    alone, slope = gm.receiving_alone(lead)
    rows.append(
        {"layer": "county", "choice": "Hollow counties alone"} | linear(config, alone, slope)
    )
    return pd.DataFrame([*rows, *sensitivity_of_cities(config)])


def sensitivity_of_cities(config: dict[str, Any]) -> list[dict[str, Any]]:
    """Vary the choices of the city layer."""
    city = gm.city(config)
    far = ce.weights.inverse_distance()
    choices = {
        "Contiguity": city,
        "Inverse distance": gm.city(config, weights=far),
        "Secondary: points only": gm.city(config, partition="role_points"),
        "Without Chongqing": city.without(pd.Index(["500000"])),
    }
    rows = []
    for name, sample in choices.items():
        fit = gm.city_fit(config, sample, split=gm.HSR, model="slx")
        slope = gm.matrix(fit, sample, split=gm.HSR, draws=1).siphon(gm.HSR).slope
        rows.append({"layer": "city", "choice": name} | linear(config, fit, slope))
    return rows


def by_period(config: dict[str, Any]) -> pd.DataFrame:
    """Fit lags of the growth of lights within and across the border, by weights and period."""
    setting = config["groups"]
    rows = []
    for power, first, last in setting["border"]:
        weights = ce.weights.inverse_distance("county", power=power)
        parts = ce.weights.split(weights, ce.circle.partition("province", "county"))
        data = gm.county(config, weights=weights).data
        years = data.index.get_level_values("year")
        span = data[(years >= first) & (years <= last)]
        fit = ce.higher_order(f"growth ~ {gm.HSR} | unit + year", span, parts, durbin=[gm.HSR])
        gap = fit.contrast("within", "across")
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
                "difference_error": gap["std_error"],
                "p": gap["p_value"],
            }
        )
    return pd.DataFrame(rows)


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


def finding(tests: pd.DataFrame, held: pd.DataFrame, border: pd.DataFrame) -> str:
    """Say what a plain regression would announce, and what stays of it."""
    keyed = tests.set_index(["layer", "model", "hypothesis"]).sort_index()
    plain, lead = (keyed.loc[("county", model, SIPHON)] for model in ("no trends", "trends"))
    cities = keyed.loc[("city", "lag by origin, SDM", SIPHON)]
    holm = {model: keyed.loc[("county", model), "p_holm"] for model in ("no trends", "trends")}
    kept = {model: int((values < 0.05).sum()) for model, values in holm.items()}
    takes = "takes from" if plain["estimate"] < 0 else "gives to"
    gap, fall = border.iloc[0], fallen(border)
    return (
        f"Without trends the core's railway {takes} the hollow counties "
        f"({plain['estimate']:+.3f} of ln lights, wild {p_equal(plain['p_bootstrap'])}), but "
        "deciding by lot which county of a group was served when gives a t-statistic as large in "
        f"{100 * plain['p_permuted']:.0f} % of draws, and among counties equally near to every "
        f"group the effect is {lead['estimate']:+.3f} ({p_equal(lead['p_bootstrap'])}, detectable "
        f"{lead['detectable']:.2f}). After Holm {kept['no trends']} of {len(holm['trends'])} "
        "hypotheses "
        f"stand at 5 % without trends, {kept['trends']} with them. In the cities the effect is "
        f"{cities['estimate']:+.2f} points of growth ({p_equal(cities['p_bootstrap'])}, detectable "
        f"{cities['detectable']:.2f}). Under {int((held['p_bootstrap'] < 0.05).sum())} of "
        f"{len(held)} choices its p is below 0.05. Growth of lights hangs together within "
        f"provinces (ρ = {gap['within']:.2f}) more than across their border "
        f"({gap['across']:.2f}); the gap narrows by {fall['change']:.2f} from "
        f"{fall['first']:.0f}–{fall['last']:.0f} to later years, standard error "
        f"{fall['error']:.2f}."
    )


def fallen(border: pd.DataFrame) -> dict[str, float]:
    """Compare the gap at the border in the two periods, taken as independent."""
    early, late = border.iloc[-2], border.iloc[-1]
    return {
        "first": float(early["first"]),
        "last": float(early["last"]),
        "change": float(early["difference"] - late["difference"]),
        "error": float(np.hypot(early["difference_error"], late["difference_error"])),
    }


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
        "border_gap": border.iloc[0][["within", "across", "difference", "p"]].to_dict(),
        "fall": fallen(border),
    }


if __name__ == "__main__":
    main(__file__, build)
