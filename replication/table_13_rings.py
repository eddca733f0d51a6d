"""Table 13A. What a station does to its county and to those near it: rings of distance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

import ccec_econ as ce
from ccec_econ.typeset import Table, interval, number
from exhibit import Exhibit, main
from ring_samples import (
    LEADING,
    MEAN,
    NAMES,
    alone,
    clean_by_year,
    conley,
    dropped,
    dropped_numbers,
    dropped_text,
    early_numbers,
    estimate,
    event_numbers,
    others,
    reach,
)

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
    every = {name: reach(fit) for name, fit in found.items()}
    frame = frame.join(pd.concat(every, names=["sample"]))
    shown = table_variants({"Leading": found[LEADING]} | variants)
    return Exhibit(
        table={
            "": table_rings(found, frame, dropped("gdp", tuple(setting["gdp"]))),
            "variants": shown,
            "clean": table_clean(clean),
            "treated": treated.summary("Night lights: station counties by their nearest other one"),
            "event": with_note(
                events.summary(
                    "Night lights by years since opening and by ring; "
                    f"+{setting['horizon']} and later years together"
                ),
                turn(events, setting["horizon"]),
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
        | {
            "alone": alone(treated),
            "early": early_numbers(early),
            "event": event_numbers(events, setting["horizon"]),
            "dropped": dropped_numbers(dropped("gdp", tuple(setting["gdp"]))),
        },
    )


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
        frame = frame.assign(event_time=frame["event_time"] - years, sample=name)
        rows.append(frame.assign(left_out=len(fit.design.left_out)))
    return pd.concat(rows, ignore_index=True)


def table_early(early: pd.DataFrame) -> Table:
    """Print effects of openings before they happened."""
    starts = early.index[early["sample"].ne(early["sample"].shift())]
    gone = early.loc[starts].set_index("sample")["left_out"]
    left_out = ce.report.listed([f"{n} ({NAMES[str(name)]})" for name, n in gone.items()])
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
            "Openings dated two years early. Units whose opening then falls into the first year or "
            f"before are left out: {left_out}. Minutes: the same counties as km. Year: from the "
            "opening, for rings from first being near one, where all "
            "effects should be none; a county about to get its own station may already be near "
            "another.",
        ),
        text_columns=frozenset({1}),
    )


def turn(fit: ce.causal.Rings, horizon: int) -> str:
    """Say how the last rows differ from those before."""
    parts = [
        f"{term} {number(row['last'], 1)} {interval(row['lower'], row['upper'], 1)} from "
        f"{row['units']:.0f} counties, mean before {number(row['before'], 1)}"
        for term, row in event_numbers(fit, horizon).items()
    ]
    return f"Log points in year +{horizon} and later: {'; '.join(parts)}."


def with_note(table: Table, note: str) -> Table:
    """Add a sentence beneath."""
    return replace(table, notes=(*table.notes, note))


def span_of(fit: ce.causal.Rings) -> str:
    """Print first and last year."""
    return f"{fit.design.periods[0]}–{fit.design.periods[-1]}"


def reached(fit: ce.causal.Rings) -> str:
    """Print how many treated units clean cells reach, of how many."""
    return "{units_reached} of {units}".format(**fit.identification.cells.loc["treated"])


def table_rings(
    found: dict[str, ce.causal.Rings], frame: pd.DataFrame, gone: pd.DataFrame
) -> Table:
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
                    f"{row['units']:.0f} of {row['all_units']:.0f}",
                    f"{row['cells']:.0f} of {row['all_cells']:.0f}",
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
            "Units and unit-years: those that estimates rest on, because clean cells reach their "
            "unit and year, of all in that state.",
            dropped_text(dropped_numbers(gone)),
            f"Cities: no city is clean in {missing} of {len(city.clean_units)} years. Switching: "
            "treated against untreated cities at the same exposure, no total effect.",
        ),
        text_columns=frozenset({1}),
    )


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
    frames = {
        name: fit.frame if fit.bias is None else fit.frame.join(fit.bias["weight"])
        for name, fit in fits.items()
    }
    return pd.concat(frames, names=["variant"]).reset_index()


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
    every = reach(lead).loc[MEAN]
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
        f"(95 % {interval(100 * rings['lower'], 100 * rings['upper'], 1)}) of the "
        f"{rings['units']:.0f} of {every['all_units']} such counties, and {rings['cells']:.0f} of "
        f"{every['all_cells']} of their unit-years, that clean cells reach. The total effect on a "
        f"station county is {number(100 * total['estimate'], 1)} "
        f"({interval(100 * total['lower'], 100 * total['upper'], 1)}), judged on {reached(lead)} "
        f"of them, the naive one {number(100 * naive['estimate'], 1)}. In {len(tried)} other "
        "edges, metrics, methods, definitions and outcomes the mean of the rings is clearly above "
        f"zero in {feeds} and clearly below in {drains}; "
        f"{known.clean_units.iloc[-1]} clean counties are left in {known.clean_units.index[-1]}."
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
        counts = ["units", "cells", "all_units", "all_cells"]
        rows = fit.frame.join(reach(fit))
        shown = fit.frame[["estimate", "lower", "upper"]].join(fit.detectable)
        out[name] = {
            key: {
                column: float(100 * value)
                for column, value in shown.loc[term].items()
                if np.isfinite(value)
            }
            | {column: int(rows.loc[term, column]) for column in counts}
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
                "weights": float(-fit.bias.loc[list(fit.exposure.labels), "weight"].sum()),
                "parts": {
                    f"ring_{j + 1}": {
                        "weight": float(-fit.bias.loc[label, "weight"]),
                        "part": float(-100 * fit.bias.loc[label, "part"]),
                    }
                    for j, label in enumerate(fit.exposure.labels)
                    if label in fit.bias.index
                },
            }
    return out


if __name__ == "__main__":
    main(__file__, build)
