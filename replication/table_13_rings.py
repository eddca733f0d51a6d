"""Table 13A. What a station does to its county and to those near it: rings of distance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import ccec_econ as ce
from ccec_econ.typeset import Table, interval, number
from exhibit import Exhibit, main

LEADING = "lights"
NAMES = {
    "lights": "Night lights, km",
    "minutes": "Night lights, minutes",
    "gdp": "County GDP, km",
    "city": "City GDP per resident, km",
}
MEAN = "mean of rings"
SAMPLE = (
    "Counties without the urban districts of Chengdu and Chongqing, which the lines were built to "
    "join. Those and counties served before the sample are left out and expose others. Treated: a "
    "station on a line of 200 km/h or more opened by 30 June of the year. Logarithms."
)
SOURCES = (
    "Two stages: effects of counties and years from clean cells, untreated with no station county "
    "within the last edge; then means of what they leave of the others. Naive: the same without "
    "rings, on the same cells."
)


def build(config: dict[str, Any]) -> Exhibit:
    """Estimate effects by ring, in the leading sample and in others."""
    setting = config["rings"]
    found = {name: estimate(setting, name) for name in NAMES}
    near = {
        name: estimate(setting, name, cov=conley(name, fit, setting))
        for name, fit in found.items()
        if name != "city"
    }
    variants = {label: estimate(setting, **options) for label, options in others(setting).items()}
    events = estimate(setting, LEADING, by="event_time", horizon=setting["horizon"])
    treated = estimate(setting, LEADING, treated_rings=True)
    early = before(setting)
    clean = clean_by_year(found, variants)
    frame = pd.concat({name: fit.frame for name, fit in found.items()}, names=["sample"])
    conley_errors = pd.concat({name: fit.frame["std_error"] for name, fit in near.items()})
    frame["std_error_conley"] = conley_errors.reindex(frame.index)
    frame["detectable"] = pd.concat({name: fit.detectable for name, fit in found.items()})
    shown = table_variants({"Leading": found[LEADING]} | variants)
    return Exhibit(
        table={
            "": table_rings(found, frame),
            "variants": shown,
            "clean": table_clean(clean),
            "treated": treated.summary("Night lights: station counties by their nearest other one"),
            "event": events.summary(
                "Night lights by years since opening and by ring; "
                f"+{setting['horizon']} and later years together"
            ),
            "early": table_early(early),
        },
        data={
            "": frame.reset_index(),
            "variants": variants_frame({"Leading": found[LEADING]} | variants),
            "clean": clean.reset_index(),
            "treated": treated.frame.reset_index(),
            "event": events.frame.reset_index(),
            "early": early,
        },
        finding=finding(found, variants),
        numbers=numbers(found | {"one_regression": variants["One regression"]})
        | {"alone": alone(treated), "early": early_numbers(early)},
    )


def estimate(setting: dict[str, Any], name: str, **options: Any) -> ce.causal.Rings:
    """Estimate one sample; options replace what is set for it."""
    layer = "city" if name == "city" else "county"
    span = options.pop("years", setting[name if name != "minutes" else "lights"])
    dated = {key: options.pop(key, setting[key]) for key in ("service", "rule", "unlocated")}
    adoption = ce.rail.adoption(layer, **dated) - options.pop("earlier", 0)
    minutes = name == "minutes"
    edges = options.pop("edges", setting["minutes" if minutes else EDGES.get(name, "km")])
    distances = (
        ce.rail.times_by_year(
            range(span[0], span[1] + 1), layer, service=dated["service"], rule=dated["rule"]
        )
        if minutes
        else ce.weights.distances(layer)
    )
    return ce.causal.rings(
        sample(name, tuple(span)),
        "outcome",
        adoption,
        distances,
        edges,
        metric="min" if minutes else "km",
        already="leave_out",
        **options,
    )


EDGES = {"city": "city_km"}


def sample(name: str, years: tuple[int, int]) -> pd.DataFrame:
    """Take the logarithm of the outcome, for units with figures that compare in every year."""
    if name == "city":
        frame = ce.data.load_panel(years=years)
        return np.log(frame["gdp_pc"]).rename("outcome").to_frame()
    frame = ce.data.load_panel(layer="county", years=years)
    core = ce.rail.urban_core().notna()
    column = "gdp" if name == "gdp" else "night_lights"
    later = frame.index.get_level_values("year") > years[0]
    bad = frame[column].isna() | (frame["gdp_break"] & later & (name == "gdp"))
    units = frame.index.get_level_values("unit")
    dropped = bad.groupby("unit").any() | core
    kept = frame.loc[~dropped.reindex(units).to_numpy(), column]
    return np.log(kept).rename("outcome").to_frame()


def conley(name: str, fit: ce.causal.Rings, setting: dict[str, Any]) -> ce.Conley:
    """Allow for dependence to the last edge in km."""
    edge = setting["km"][-1]
    lags = min(setting["lags"], len(fit.design.periods) - 1)
    return ce.Conley(ce.weights.distances("county"), float(edge), lags=lags)


def others(setting: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Say what each variant changes."""
    edges = {
        f"Edges {'–'.join(f'{e:g}' for e in one)} km": {"name": LEADING, "edges": one}
        for one in setting["other_km"]
    }
    return edges | {
        "Minutes by road and rail": {"name": "minutes"},
        "One regression": {"name": LEADING, "method": "twfe"},
        "Any line with multiple-unit trains": {"name": LEADING, "service": "hsr_emu"},
        "Lines of 250 km/h or more": {"name": LEADING, "service": "hsr_250"},
        "Opened at any time of the year": {"name": LEADING, "rule": "any"},
        "First full year counts": {"name": LEADING, "rule": "full"},
        "Lines of 350 km/h": {"name": LEADING, "service": "hsr_350"},
        "Before the pandemic": {"name": LEADING, "years": setting["before"]},
        "Stations of unknown county in none": {"name": LEADING, "unlocated": "omit"},
        "Switching effect, same exposure": {"name": LEADING, "effect": "switching"},
        "County GDP": {"name": "gdp"},
        "County GDP, edges 0–25–50 km": {"name": "gdp", "edges": setting["other_km"][0]},
    }


def before(setting: dict[str, Any]) -> pd.DataFrame:
    """Estimate effects in the years just before an opening, on cells clean until then.

    Openings are dated earlier by that many years, so neither these years nor those after serve as
    clean cells. In the rings nothing has opened near yet; a county about to get its own station
    may already be near another one.
    """
    years = setting["early"]
    rows = []
    for name in (LEADING, "minutes", "gdp"):
        fit = estimate(setting, name, earlier=years, by="event_time", horizon=years)
        frame = fit.frame.drop("naive", level="term").reset_index()
        frame = frame[frame["event_time"] < years]
        rows.append(frame.assign(event_time=frame["event_time"] - years, sample=name))
    return pd.concat(rows, ignore_index=True)


def table_early(early: pd.DataFrame) -> Table:
    """Print effects of openings before they happened."""
    starts = early.index[early["sample"].ne(early["sample"].shift())]
    return Table(
        title="Before the opening: what is there before its effect",
        columns=("Sample", "Term", "Year", "Estimate", "Error", "95 %", "p", "Units"),
        rows=tuple(
            (
                NAMES[str(row["sample"])] if i in starts else "",
                str(row["term"]),
                number(row["event_time"], 0),
                number(row["estimate"]),
                number(row["std_error"]),
                interval(row["lower"], row["upper"]) if row["df"] > 0 else "",
                number(row["p_value"]),
                f"{row['units']:.0f}",
            )
            for i, row in early.iterrows()
        ),
        rules=frozenset(int(i) for i in starts[1:]),
        notes=(
            "Openings dated two years early. Units whose opening then falls into the first year "
            "are left out. Year: from the opening, for rings from first being near one, where all "
            "effects should be none; a county about to get its own station may already be near "
            "another.",
        ),
        text_columns=frozenset({1}),
    )


def early_numbers(early: pd.DataFrame) -> dict[str, float]:
    """Keep the smallest p-value before an opening, as it is and adjusted for asking often."""
    p = early.set_index(["sample", "term", "event_time"])["p_value"].dropna()
    lights = early.loc[early["sample"] != "gdp", "estimate"]
    return {
        "asked": len(p),
        "p": float(p.min()),
        "p_holm": float(ce.holm(p).min()),
        "lights": len(lights),
        "lights_above": int((lights > 0).sum()),
    }


def span_of(fit: ce.causal.Rings) -> str:
    """Print first and last year."""
    return f"{fit.design.periods[0]}–{fit.design.periods[-1]}"


def reached(fit: ce.causal.Rings) -> str:
    """Print how many treated units clean cells reach, of how many."""
    return "{units_reached} of {units}".format(**fit.identification.cells.loc["treated"])


def table_rings(found: dict[str, ce.causal.Rings], frame: pd.DataFrame) -> Table:
    """Print effects by ring, one block per sample."""
    rows: list[tuple[str, ...]] = []
    rules = []
    for name, fit in found.items():
        for place, (term, row) in enumerate(frame.loc[name].iterrows()):
            limits = interval(row["lower"], row["upper"]) if row["df"] > 0 else ""
            rows.append(
                (
                    f"{NAMES[name]}, {span_of(fit)}" if place == 0 else "",
                    str(term),
                    number(row["estimate"]),
                    number(row["std_error"]),
                    limits,
                    number(row["df"], 1),
                    number(row["std_error_conley"]),
                    number(row["detectable"]),
                    f"{row['units']:.0f}",
                    f"{row['cells']:.0f}",
                )
            )
        rules.append(len(rows))
    city = found["city"].identification
    missing = len(city.periods_without)
    return Table(
        title="A station and its neighbours: effects by distance to the nearest station county",
        columns=(
            "Sample",
            "Term",
            "Estimate",
            "Error",
            "95 %",
            "df",
            "Conley",
            "Detectable",
            "Units",
            "Unit-years",
        ),
        rows=tuple(rows),
        rules=frozenset(rules[:-1]),
        notes=(
            SAMPLE,
            SOURCES,
            "Total: own station and those of others near. Errors clustered by unit with scaled "
            "scores, each with its own degrees of freedom; Conley: Bartlett kernel to "
            f"{found[LEADING].exposure.edges[-1]:g} km, normal.",
            "Detectable: smallest effect that a test at 5 % finds with power 80 %.",
            f"Cities: no city is clean in {missing} of {len(city.clean_units)} years. Switching: "
            "treated against untreated cities at the same exposure, no total effect.",
        ),
        text_columns=frozenset({1}),
    )


def alone(fit: ce.causal.Rings) -> int:
    """Count the unit-years of station counties with no other one within the last edge."""
    beyond = [term for term in fit.frame.index if term.startswith("total, beyond")]
    return int(fit.frame.loc[beyond, "cells"].sum())


def with_error(fit: ce.causal.Rings, term: str) -> str:
    """Print an estimate and its standard error."""
    if term not in fit.frame.index:
        return ""
    row = fit.frame.loc[term]
    error = number(row["std_error"])
    return f"{number(row['estimate'])} ({error})" if error else number(row["estimate"])


def table_variants(fits: dict[str, ce.causal.Rings]) -> Table:
    """Print the main effects in every variant."""
    return Table(
        title="Rings of distance: other edges, metrics, methods, definitions and outcomes",
        columns=(
            "Variant",
            "Naive",
            "Effect",
            "On the treated",
            "Nearest ring",
            "Mean of rings",
            "Treated reached",
            "Clean, first",
            "Clean, last",
        ),
        rows=tuple(
            (
                label,
                with_error(fit, "naive"),
                fit.effect,
                with_error(fit, fit.effect),
                with_error(fit, fit.exposure.labels[0]),
                with_error(fit, MEAN),
                reached(fit),
                str(fit.identification.clean_units.iloc[0]),
                str(fit.identification.clean_units.iloc[-1]),
            )
            for label, fit in fits.items()
        ),
        notes=(
            SAMPLE,
            "Standard errors with scaled scores in parentheses; none where a ring rests on one "
            "unit. Treated reached: units whose own effect and year clean cells separate. Clean: "
            "units untreated and beyond the last edge, in the first and last year.",
        ),
        text_columns=frozenset({2}),
    )


def variants_frame(fits: dict[str, ce.causal.Rings]) -> pd.DataFrame:
    """Keep every estimate of every variant."""
    return pd.concat(
        {name: fit.frame for name, fit in fits.items()}, names=["variant"]
    ).reset_index()


def clean_by_year(
    found: dict[str, ce.causal.Rings], variants: dict[str, ce.causal.Rings]
) -> pd.DataFrame:
    """Count clean units by year and sample."""
    fits = {f"{NAMES[name]}, to {fit.exposure.edges[-1]:g}": fit for name, fit in found.items()} | {
        f"{NAMES[LEADING]}, to {fit.exposure.edges[-1]:g}": fit
        for label, fit in variants.items()
        if label.startswith("Edges")
    }
    counts = {name: fit.identification.clean_units for name, fit in fits.items()}
    return pd.DataFrame(counts).astype("Int64").rename_axis("year").sort_index()


def table_clean(clean: pd.DataFrame) -> Table:
    """Print the counts, samples by year."""
    return Table(
        title="Clean units: untreated, and no treated unit within the last edge",
        columns=("Sample, last edge", *(str(year) for year in clean.index)),
        rows=tuple(
            (str(name), *("" if pd.isna(n) else str(n) for n in counts))
            for name, counts in clean.items()
        ),
        notes=("Empty: not in the sample.",),
    )


def finding(found: dict[str, ce.causal.Rings], variants: dict[str, ce.causal.Rings]) -> str:
    """Say whether a station feeds its neighbours or drains them, and what that rests on."""
    lead = found[LEADING]
    frame, known = lead.frame, lead.identification
    naive, total, rings = (frame.loc[term] for term in ("naive", "total", MEAN))
    tried = [fit for fit in variants.values() if MEAN in fit.frame.index]
    feeds, drains = (
        sum(bool(clear) for clear in clears)
        for clears in (
            [fit.frame.loc[MEAN, "lower"] > 0 for fit in tried],
            [fit.frame.loc[MEAN, "upper"] < 0 for fit in tried],
        )
    )
    return (
        f"Counties within {lead.exposure.edges[-1]:g} km of a station county {verdict(rings)} in "
        f"night lights: {number(100 * rings['estimate'], 1)} log points in the mean "
        f"(95 % {interval(100 * rings['lower'], 100 * rings['upper'], 1)}). The total effect on a "
        f"station county is {number(100 * total['estimate'], 1)} "
        f"({interval(100 * total['lower'], 100 * total['upper'], 1)}), the naive one "
        f"{number(100 * naive['estimate'], 1)}. In {len(tried)} other edges, metrics, methods, "
        f"definitions and outcomes the mean of the rings is "
        f"clearly above zero in {feeds} and clearly below in {drains}. Clean cells reach "
        f"{reached(lead)} station counties, and {known.clean_units.iloc[-1]} clean counties are "
        f"left in {known.clean_units.index[-1]}."
    )


def verdict(row: pd.Series) -> str:
    """Say what an interval of the mean spillover tells."""
    if row["lower"] > 0:
        return "gain"
    return "lose" if row["upper"] < 0 else "show neither gain nor loss that could be told from zero"


def numbers(found: dict[str, ce.causal.Rings]) -> dict[str, object]:
    """Keep what the paper cites."""
    out: dict[str, object] = {}
    for name, fit in found.items():
        known = fit.identification
        keys = {"naive": "naive", fit.effect: fit.effect, MEAN: "mean"}
        keys |= {label: f"ring_{j + 1}" for j, label in enumerate(fit.exposure.labels)}
        shown = fit.frame[["estimate", "lower", "upper"]].join(fit.detectable)
        out[name] = {
            key: {
                column: float(100 * value)
                for column, value in shown.loc[term].items()
                if np.isfinite(value)
            }
            for term, key in keys.items()
            if term in fit.frame.index
        } | {
            "units": len(fit.design.panel.units),
            "left_out": len(fit.design.left_out),
            "treated": int(known.cells.loc["treated", "units"]),
            "reached": int(known.cells.loc["treated", "units_reached"]),
            "cells": int(known.cells.loc["treated", "reached"]),
            "clean_first": int(known.clean_units.iloc[0]),
            "clean_last": int(known.clean_units.iloc[-1]),
            "never_near": len(known.never_near),
            "years_without": len(known.periods_without),
            "years": len(known.clean_units),
            "last": int(known.clean_units.index[-1]),
            "edge": fit.exposure.edges[-1],
        }
        if fit.bias is not None:
            out[name] |= {
                "predicted": 100 * fit.predicted,
                "remainder": float(100 * fit.bias.loc["remainder", "part"]),
            }
    return out


if __name__ == "__main__":
    main(__file__, build)
