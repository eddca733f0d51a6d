"""Table 5. Beta-convergence: spans, spatial versions, what speeds it up, and what not to read."""

from __future__ import annotations

from typing import Any

import pandas as pd

import ccec_econ as ce
from ccec_econ import convergence as cv
from ccec_econ.typeset import Table, interval, number, p_equal, union
from exhibit import Exhibit, main

NAMES = {"digital": "Digital index", "hsr": "High-speed rail", "rd": "R&D intensity"}
CONTROLS = tuple(NAMES)
HALF = "Speeds are s = −ln(1 + b·span)/span; intervals of speed and half-life are those of b."
BIAS = (
    "With unit effects the slope holds the bias of Nickell (1981): at 16 units and 11 years a true "
    "speed of 5 % a year is estimated at about 30 %. These rows are printed to warn, not to read."
)


def build(config: dict[str, Any]) -> Exhibit:
    """Estimate the slope of growth on the starting level in many ways."""
    setting = config["beta"]
    years, W = tuple(setting["years"]), ce.weights.contiguity()
    panel = ce.data.load_panel(years=years)
    rows = [*sections(config), *spans(panel, setting["spans"], W)]
    frame = pd.DataFrame(rows).set_index(["model", "quantity"])
    moderated = moderators(config)
    return Exhibit(
        table={"": table_of_speeds(frame), "moderators": table_of_moderators(moderated)},
        data={"": frame.reset_index(), "moderators": moderated.reset_index()},
        finding=finding(frame, moderated),
        numbers={
            "speed": float(frame.loc[("Full span", "slope"), "speed"]),
            "lower": float(frame.loc[("Full span", "slope"), "lower"]),
            "upper": float(frame.loc[("Full span", "slope"), "upper"]),
            "half_life": float(frame.loc[("Full span", "slope"), "half_life"]),
            "first": years[0],
            "last": years[1],
            "p_moderators": moderated["pvalue"].to_dict(),
            "p_moderators_holm": moderated["p_holm"].to_dict(),
            "speed_current": float(frame.loc[("Full span, current prices", "slope"), "speed"]),
        },
    )


def p_value(value: float) -> str:
    """Print a p-value."""
    return "< 0.001" if value < 0.001 else number(value, 3)


def row(model: str, quantity: str, sample: str, found: cv.Speed) -> dict[str, object]:
    """Keep what the table prints of a speed."""
    kept = ("slope", "std_error", "pvalue", "span", "speed", "lower", "upper", "half_life",
            "half_life_lower", "half_life_upper")  # fmt: skip
    values = {name: getattr(found, name) for name in kept}
    return {"model": model, "quantity": quantity, "sample": sample, **values}


def sections(config: dict[str, Any]) -> list[dict[str, object]]:
    """Estimate absolute and conditional convergence over whole spans, and at the county layer."""
    rows = []
    setting = config["beta"]
    for name, years, controls in (
        ("Full span", setting["years"], ()),
        ("Full span before", setting["years_before"], ()),
        ("Full span, conditional", setting["years_conditional"], CONTROLS),
    ):
        first, last = years
        panel = ce.data.load_panel(years=(first, last))
        found = cv.cross_section(panel, "gdp_pc", years=(first, last), controls=controls)
        rows.append(row(name, "slope", f"{first}–{last}, N = 16", found))
    first, last = setting["years"]
    current = ce.data.load_panel(years=(first, last))
    current = current.assign(gdp_pc_current=1e4 * current["gdp"] / current["pop"])
    found = cv.cross_section(current, "gdp_pc_current", years=(first, last))
    rows.append(row("Full span, current prices", "slope", f"{first}–{last}, N = 16", found))
    return [*rows, *counties(setting)]


def counties(setting: dict[str, Any]) -> list[dict[str, object]]:
    """Estimate convergence between counties, in the circle and within cities."""
    cities = ce.data.load_units("county")["city"]
    lights = ce.data.load_panel(layer="county", years=tuple(setting["years_lights"]))
    lights = lights.join(ce.data.load_units("county")["area_km2"], on="unit")
    lights = lights.assign(lights_km2=lights["night_lights"] / lights["area_km2"])
    areas = ce.data.load_census_areas(tuple(setting["years_county_gdp"]))
    broken = areas["gdp_break"] & (areas.index.get_level_values("year") > areas.index[0][1])
    left_out = (broken | areas["gdp_pc"].isna()).groupby("unit").any()
    areas = areas[~left_out.reindex(areas.index.get_level_values("unit")).to_numpy()]
    rows = []
    for name, frame, column in (
        ("Counties, lights per km²", lights, "lights_km2"),
        ("Counties, GDP per resident", areas, "gdp_pc"),
    ):
        units, years = (frame.index.get_level_values(level) for level in ("unit", "year"))
        ends = (int(years.min()), int(years.max()))
        sample = f"{ends[0]}–{ends[1]}, N = {units.nunique()}"
        for what, within in (("", None), (", within cities", cities)):
            found = cv.cross_section(frame, column, years=ends, within=within, clusters=cities)
            rows.append(row(name + what, "slope", sample, found))
    return rows


def spans(panel: pd.DataFrame, lengths: list[int], W: object) -> list[dict[str, object]]:
    """Estimate spans with year effects: by least squares, with neighbours, with unit effects."""
    rows = []
    for length in lengths:
        frame = cv.growth_spans(panel, "gdp_pc", length)
        N, T = 16, frame.index.get_level_values("year").nunique()
        sample, what = f"{N} × {T}", "annual" if length == 1 else f"spans of {length} years"
        formula = "growth ~ ln_start | year"
        plain = ce.ols(formula, frame).with_cov(ce.Cluster())
        rows.append(row(what, "slope", sample, cv.speed_of(plain, length)))
        if length > 1:
            slx = ce.slx(formula, frame, W).with_cov(ce.Cluster())
            sdm = ce.sdm(formula, frame, W).with_cov(ce.Cluster())
            sar = ce.sar(formula, frame, W).with_cov(ce.Cluster())
            for name, fit in (("SLX", slx), ("SAR", sar), ("SDM", sdm)):
                for quantity in ("direct", "indirect", "total"):
                    found = cv.speed_of(fit, length, quantity=quantity)
                    rows.append(row(f"{what}, {name}", quantity, sample, found))
        within = ce.ols("growth ~ ln_start | unit + year", frame).with_cov(ce.Cluster())
        rows.append(row(f"{what}, unit effects", "slope", sample, cv.speed_of(within, length)))
    return rows


def moderators(config: dict[str, Any]) -> pd.DataFrame:
    """Ask whether a treatment speeds convergence up: its product with the starting level."""
    setting = config["beta"]
    years, length = tuple(setting["years_moderators"]), setting["span_moderators"]
    panel = ce.data.load_panel(years=years)
    rows = []
    for name in CONTROLS:
        frame = cv.growth_spans(panel, "gdp_pc", length, controls=[name])
        centred = frame.assign(ln_start=frame["ln_start"] - frame["ln_start"].mean())
        fit = ce.ols(f"growth ~ ln_start + {name} + ln_start:{name} | year", centred)
        clustered = fit.with_cov(ce.Cluster())
        product = f"ln_start:{name}"
        quantiles = frame[name].quantile([0.25, 0.75]).set_axis(["low", "high"])
        speeds = cv.moderated_speed(clustered, length, quantiles, by=name)
        wild = ce.wild_cluster(fit, product)
        rows.append(
            {
                "moderator": name,
                "product": float(fit.params[product]),
                "std_error": float(clustered.std_errors[product]),
                "pvalue": wild.pvalue,
                "speed_low": float(speeds.loc["low", "speed"]),
                "speed_high": float(speeds.loc["high", "speed"]),
                "lower_high": float(speeds.loc["high", "lower"]),
                "upper_high": float(speeds.loc["high", "upper"]),
                "first": years[0],
                "last": years[1],
                "span": length,
            }
        )
    table = pd.DataFrame(rows).set_index("moderator")
    return table.assign(p_holm=ce.holm(table["pvalue"]))


def table_of_speeds(frame: pd.DataFrame) -> Table:
    """Print slopes, speeds and half-lives."""
    rows = []
    for (model, quantity), found in frame.iterrows():
        indirect = quantity == "indirect"
        half_life = [(found["half_life_lower"], found["half_life_upper"])]
        rows.append(
            (
                f"{model[0].upper()}{model[1:]}" + ("" if quantity == "slope" else f", {quantity}"),
                str(found["sample"]),
                f"{number(100 * found['slope'], 2)} ({number(100 * found['std_error'], 2)})",
                p_value(found["pvalue"]),
                "" if indirect else number(100 * found["speed"], 1),
                "" if indirect else interval(100 * found["lower"], 100 * found["upper"], 1),
                "" if indirect else union(half_life, 0),
            )
        )
    return Table(
        title="Slope of annual growth on the starting level, and the speed it implies",
        columns=("Model", "Sample", "Slope × 100", "p", "Speed, %", "95 %", "Half-life, 95 %"),
        rows=tuple(rows),
        notes=(
            "Growth of GDP per resident at prices of 2000, log units per year, on the logarithm "
            "at the start of the span; spans with year effects. In parentheses standard errors, "
            "in brackets intervals of speed and of half-life in years. Full spans: least squares; "
            "spans, SLX, SAR and SDM: clustered by city. Counties: current prices, clustered by "
            "city, within cities with an intercept for each; 16 clusters of very unequal size "
            "reject too often. GDP of counties whose figures break or miss in the span is left "
            "out; their residents between the censuses grow at a constant rate. Measurement error "
            "in the starting level looks like convergence. " + HALF,
            BIAS,
        ),
        text_columns=frozenset({1}),
    )


def table_of_moderators(moderated: pd.DataFrame) -> Table:
    """Print products of treatments with the starting level."""
    first, last, span = (int(moderated[c].iloc[0]) for c in ("first", "last", "span"))
    return Table(
        title="Do the treatments speed convergence up?",
        columns=(
            "Treatment",
            "Product × 100",
            "Wild p",
            "Holm p",
            "Speed, low",
            "Speed, high",
            "95 % at high",
        ),
        rows=tuple(
            (
                NAMES[str(name)],
                f"{number(100 * found['product'], 2)} ({number(100 * found['std_error'], 2)})",
                p_value(found["pvalue"]),
                p_value(found["p_holm"]),
                number(100 * found["speed_low"], 1),
                number(100 * found["speed_high"], 1),
                interval(100 * found["lower_high"], 100 * found["upper_high"], 1),
            )
            for name, found in moderated.iterrows()
        ),
        notes=(
            f"{first}–{last}, spans of {span} years, year effects; product of the treatment at the "
            "start of a span with the starting level, negative where it speeds convergence up. "
            "Errors clustered by city; p of the restricted wild cluster bootstrap, and adjusted "
            "for three tests (Holm). Low and high: quartiles of the treatment; speeds in per "
            "cent a year.",
        ),
    )


def finding(frame: pd.DataFrame, moderated: pd.DataFrame) -> str:
    """Say how fast, how sure, and whether a treatment matters."""
    full, current = (
        frame.loc[(model, "slope")] for model in ("Full span", "Full span, current prices")
    )
    sure = [name for name, p in moderated["p_holm"].items() if p < 0.05]
    said = (
        "after adjusting for three tests only "
        + " and ".join(
            f"{NAMES[str(name)].lower()} (convergence is "
            f"{'faster' if moderated.loc[name, 'product'] < 0 else 'slower'} with it)"
            for name in sure
        )
        + " changes the speed at 5 %"
        if sure
        else "after adjusting for three tests none changes the speed at 5 %"
    )
    ends = (
        f"between {full['half_life_lower']:.0f} and {full['half_life_upper']:.0f} years"
        if full["lower"] > 0
        else f"of {full['half_life_lower']:.0f} years or more, without an upper end"
    )
    parts = []
    for what in ("lights per km²", "GDP per resident"):
        pair = [frame.loc[(f"Counties, {what}{add}", "slope")] for add in ("", ", within cities")]
        speeds = " and ".join(f"{100 * f['speed']:.1f} % ({p_equal(f['pvalue'])})" for f in pair)
        parts.append(f"{speeds} in {what}")
    return (
        f"Poorer cities grew faster at constant prices: over the full span the speed is "
        f"{100 * full['speed']:.1f} % a year, with a half-life {ends}; at current prices, without "
        f"the cities' own deflators, it is {100 * current['speed']:.1f} % ("
        f"{p_equal(current['pvalue'])}). Between counties of the whole circle and of one city "
        f"speeds are {parts[0]}, {parts[1]}, where people who left count as well. Of "
        f"the treatments, {said}. With unit effects the same data give speeds several times as "
        "high, which is mostly bias."
    )


if __name__ == "__main__":
    main(__file__, build)
