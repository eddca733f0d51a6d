"""Table 17. The three treatments over all defensible choices, in both layers; exploratory."""

from __future__ import annotations

from typing import Any

import pandas as pd

import ccec_econ as ce
from ccec_econ.typeset import Table, number
from exhibit import Exhibit, main
from robustness import COUNTY, DIMENSIONS, Curve, changes, curves, moves

HEADS = {  # of choices, in the order of the tables
    "outcome": "Growth of",
    "measure": "Measure",
    "controls": "Controls",
    "weights": "Weights",
    "units": "Units",
    "window": "Years",
    "model": "Model",
}
SAID = {"window": "years"}
JOINT = {"absolute median": "median", "absolute mean z": "mean z"}
LEVEL = 0.05


def build(config: dict[str, Any]) -> Exhibit:
    """Summarise the curves, and say which choice moves the estimates."""
    found = curves(config)
    names = named(config, found)
    summary = pd.concat(
        {name: summarised(curve) for name, curve in found.items()}, names=["curve", "quantity"]
    )
    moved = pd.concat({name: moves(curve.frame) for name, curve in found.items()}, names=["curve"])
    chosen = pd.concat(
        {name: by_option(curve.frame) for name, curve in found.items()}, names=["curve"]
    )
    joint = pd.concat({name: curve.joint.frame for name, curve in found.items()}, names=["curve"])
    return Exhibit(
        table={
            "": table_of_curves(summary, found, names),
            "moves": table_of_moves(moved, names),
            "choices": table_of_choices(chosen, [n for n in found if n != COUNTY], names),
            "county": table_of_choices(chosen, [COUNTY], names),
        },
        data={
            "": summary.reset_index(),
            "moves": moved.reset_index(),
            "choices": chosen.drop(index=COUNTY).reset_index(),
            "county": chosen.loc[[COUNTY]].reset_index(),
            "joint": joint.reset_index(),
        },
        finding=finding(summary, moved, names),
        numbers=numbers(summary, moved, found),
    )


def named(config: dict[str, Any], found: dict[str, Curve]) -> dict[str, str]:
    """Name the curves in print."""
    labels = config["labels"]
    return {name: labels.get(name, f"{labels['hsr']}, counties") for name in found}


def summarised(curve: Curve) -> pd.DataFrame:
    """Summarise the coefficient and the total effect over all specifications."""
    frame, rows = curve.frame, {}
    years = frame["reason"].str.startswith("missing")
    for quantity, end in (("own", ""), ("total", "_total")):
        done = frame[frame[f"reason{end}"] == ""]
        value, small = done[f"estimate{end}"], done[f"pvalue{end}"] < LEVEL
        rows[quantity] = {
            "combined": len(frame),
            "lack_years": int(years.sum()),
            "at_border": int((~years & (frame[f"reason{end}"] != "")).sum()),
            "specifications": len(done),
            "median": value.median(),
            "low": value.quantile(0.05),
            "high": value.quantile(0.95),
            "positive": 100.0 * (value > 0.0).mean(),
            "significant_positive": 100.0 * (small & (value > 0.0)).mean(),
            "significant_negative": 100.0 * (small & (value < 0.0)).mean(),
        }
    rows["own"] |= {"information": 100.0 * (curve.done["p_information"] < LEVEL).mean()}
    rows["own"] |= {f"p {said}": curve.joint.frame.loc[k, "pvalue"] for k, said in JOINT.items()}
    return pd.DataFrame(rows).T


def by_option(frame: pd.DataFrame) -> pd.DataFrame:
    """By option of every choice: specifications, median, change against the first option, shares.

    The change is the median over pairs that differ in nothing else.
    """
    done, rows = frame[frame["reason"] == ""], {}
    for choice in DIMENSIONS:
        pairs = changes(frame, choice)
        lead = pairs["first"].iloc[0]
        against = pairs[pairs["first"] == lead]
        for option in dict.fromkeys(frame[choice]):
            part, same = done[done[choice] == option], against[against["second"] == option]
            rows[choice, option] = {
                "specifications": len(part),
                "median": part["estimate"].median(),
                "change": (same["other"] - same["one"]).median(),
                "pairs": len(same),
                "positive": 100.0 * (part["estimate"] > 0.0).mean(),
                "significant": 100.0 * (part["pvalue"] < LEVEL).mean(),
            }
    return pd.DataFrame(rows).T.rename_axis(["choice", "option"])


def table_of_curves(summary: pd.DataFrame, found: dict[str, Curve], names: dict[str, str]) -> Table:
    """One block per curve: coefficient and total effect."""
    rows = tuple(
        (
            names[str(curve)] if quantity == "own" else "",
            str(quantity),
            f"{row['specifications']:,.0f}",
            f"{row['lack_years']:,.0f}",
            f"{row['at_border']:,.0f}",
            *(number(row[key], 2) for key in ("median", "low", "high")),
            *(
                number(row[key], 0)
                for key in (
                    "positive",
                    "significant_positive",
                    "significant_negative",
                    "information",
                )
            ),
            *(number(row[f"p {key}"], 2) for key in JOINT.values()),
        )
        for (curve, quantity), row in summary.iterrows()
    )
    test = next(iter(found.values())).joint
    city, counties = next(iter(found.values())).spread, found[COUNTY].spread
    return Table(
        title="The three treatments over all choices of the study, exploratory",
        columns=(
            "Treatment",
            "Effect",
            "Estimated",
            "Lack years",
            "At border",
            "Median",
            "5 %",
            "95 %",
            "Positive, %",
            "Sig. +, %",
            "Sig. −, %",
            "Inform., %",
            "p, median",
            "p, z",
        ),
        rows=rows,
        rules=frozenset({2 * len(found) - 2}),
        text_columns=frozenset({1}),
        notes=(
            "Own coefficient and total effect, in standard deviations of growth per standard "
            "deviation of the treatment, unit and year effects removed from both "
            f"({number(city['growth'], 2)} points of GDP per resident, "
            f"{number(city['growth_lights'], 1)} of night lights; counties "
            f"{number(counties['growth'], 1)} of night lights). Lack years: "
            "combinations with a figure missing or not on one footing in a year of the window. At "
            "border: night lights under weights that link all pairs, where the likelihood rises "
            "to the end of the range of ρ or λ. Sig.: p < 0.05, clustered by unit, by sign; "
            "inform.: by the expected information, either sign. Year effects in all.",
            f"p, median and mean z: no effect in any of {test.specifications} specifications "
            f"(counties {found[COUNTY].joint.specifications}) near the leading one, "
            f"{len(test.null)} draws, signs of whole units. "
            "Specifications share data, so their number is no number of independent findings. "
            "Placebo weights and circles stand in Figure 16, the confirmatory test in Table 9A.",
        ),
    )


def table_of_moves(moved: pd.DataFrame, names: dict[str, str]) -> Table:
    """One row per choice, two columns per curve."""
    rows = []
    for choice, head in HEADS.items():
        cells = []
        for curve in names:
            row = moved.loc[(curve, choice)]
            cells += [number(row["middle"], 3), number(100.0 * row["signs"], 0)]
        rows.append((head, *cells))
    heads = [part for name in names.values() for part in (name, "sign, %")]
    return Table(
        title="Which choice matters: how far an estimate moves when one choice alone changes",
        columns=("Choice", *heads),
        rows=tuple(rows),
        notes=(
            "Median absolute difference of own coefficients between specifications that differ in "
            "nothing else, units as in the table before, and share of such pairs with different "
            "signs. Weights: models with neighbours alone.",
        ),
    )


def table_of_choices(chosen: pd.DataFrame, curves: list[str], names: dict[str, str]) -> Table:
    """One row per option of every choice."""
    rows, rules = [], set[int]()
    for choice, head in HEADS.items():
        rules.add(len(rows))
        for option in options(chosen, curves, choice):
            cells = [head if len(rows) in rules else "", option]
            for curve in curves:
                key = (curve, choice, option)
                row = chosen.loc[key] if key in chosen.index else None
                cells += (
                    ["", "", ""]
                    if row is None
                    else [
                        number(row["median"], 3),
                        number(row["change"], 3),
                        number(row["significant"], 0),
                    ]
                )
            rows.append(tuple(cells))
    short = [part for curve in curves for part in (names[curve], "change", "sig., %")]
    return Table(
        title=(
            "Estimates by each choice of the study, exploratory"
            if len(curves) > 1
            else "Estimates by each choice, counties and night lights, exploratory"
        ),
        columns=("Choice", "Option", *short),
        rows=tuple(rows),
        rules=frozenset(rules - {0}),
        notes=(
            "Medians of own coefficients. Change: median difference from the first option, over "
            "specifications that differ in nothing else; medians of different rows differ in what "
            "they are combined with, too. Sig.: p < 0.05, clustered by unit.",
        ),
        text_columns=frozenset({1}),
    )


def options(chosen: pd.DataFrame, curves: list[str], choice: str) -> list[str]:
    """Options of a choice in the order of the settings, those of all curves."""
    at = [key for key in chosen.index if key[0] in curves and key[1] == choice]
    return list(dict.fromkeys(str(key[2]) for key in at))


def finding(summary: pd.DataFrame, moved: pd.DataFrame, names: dict[str, str]) -> str:
    """Say what all specifications have in common, and which choice moves them."""
    said, by = [], moved["middle"].unstack("curve")
    for curve, name in names.items():
        row = summary.loc[(curve, "own")]
        said.append(
            f"{name}: median {number(row['median'], 2)}, 90 % of {row['specifications']:,.0f} "
            f"specifications from {number(row['low'], 2)} to {number(row['high'], 2)}, "
            f"{row['positive']:.0f} % positive, "
            f"{row['significant_positive'] + row['significant_negative']:.0f} % significant, "
            f"joint p = {row['p median']:.2f}"
        )
    most, least = (
        ce.report.listed(
            [f"{SAID.get(c, c)} for {names[n]} ({by.loc[c, n]:.2f})" for n, c in chosen.items()]
        )
        for chosen in (by.idxmax()[list(names)], by.idxmin()[list(names)])
    )
    return (
        f"In standard deviations, {'; '.join(said)}. The choice that moves estimates most when it "
        f"alone changes: {most}; the one that moves them least: {least}."
    )


def numbers(
    summary: pd.DataFrame, moved: pd.DataFrame, found: dict[str, Curve]
) -> dict[str, object]:
    """Numbers that the text cites."""
    return {
        "level": 100.0 * LEVEL,
        "city": int(summary.xs("own", level="quantity").drop(index=COUNTY)["specifications"].sum()),
        **{
            name: {
                "own": summary.loc[(name, "own")].astype(float).to_dict(),
                "total": summary.loc[(name, "total")].dropna().astype(float).to_dict(),
                "moves": moved.loc[name, "middle"].astype(float).to_dict(),
                "signs": (100.0 * moved.loc[name, "signs"]).astype(float).to_dict(),
                "joint": curve.joint.specifications,
            }
            for name, curve in found.items()
        },
    }


if __name__ == "__main__":
    main(__file__, build)
