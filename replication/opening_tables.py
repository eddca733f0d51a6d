"""How Table 13 is printed: effects, years, changed choices, groups, and what the text cites."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

import ccec_econ as ce
from ccec_econ.causal import Bacon, Staggered
from ccec_econ.typeset import Table, interval, number
from opening_effects import LEADING, METHODS, events
from openings import Opening

__all__ = [
    "finding",
    "numbers",
    "table_of_effects",
    "table_of_events",
    "table_of_groups",
    "table_of_variants",
]

SAMPLES = {
    "county": "Counties, night lights",
    "gdp": "Counties, GDP",
    "city": "Cities, GDP per resident",
}


def table_of_effects(
    frame: pd.DataFrame,
    fits: Mapping[str, Mapping[str, Staggered]],
    samples: Mapping[str, Opening],
) -> Table:
    """Columns of estimators, blocks of samples."""
    rows, rules = [], set()
    for name, label in SAMPLES.items():
        rules.add(len(rows))
        part = frame.loc[name].loc[list(METHODS)]
        rows += [
            (f"{label}: effect", *(number(v) for v in part["estimate"])),
            ("Std. error", *(number(v) for v in part["se"])),
            ("95 % interval", *(interval(r["lower"], r["upper"]) for _, r in part.iterrows())),
            (f"p, t({part['df'].iloc[0]:.0f})", *(number(v) for v in part["p"])),
            ("p, openings permuted", *(number(v) for v in part["p_permuted"])),
            ("Detectable with power 0.8", *(number(v) for v in part["detectable"])),
        ]
    said = [
        f"{label}: {fit.design.y.shape[1]} units, {int(fit.design.ever.sum())} with an opening in "
        f"{fit.design.periods[0] + 1}–{fit.design.periods[-1]}, {len(fit.design.left_out)} left "
        f"out that had one before{f'; {samples[name].dropped}' * bool(samples[name].dropped)}."
        for name, label, fit in ((k, SAMPLES[k], fits[k][LEADING]) for k in SAMPLES)
    ]
    return Table(
        "High-speed rail openings: mean effect on the logarithm of the outcome",
        ("", *METHODS.values()),
        tuple(rows),
        rules=frozenset(rules - {0}),
        notes=(
            *said,
            "Two-way effects compare with units already served too; Sun–Abraham with units never "
            "served in the panel; the others with those not yet served. Errors clustered by unit. "
            "Detectable: 2.8 standard errors.",
        ),
    )


def table_of_events(found: Mapping[str, Staggered]) -> Table:
    """Effects by years since the opening, with what they rest on."""
    frame = events(found)
    base = found[LEADING].base
    rows = [
        (number(e, 0), "0", "base year", "0", "", "", "", "")
        if e == base
        else (
            number(e, 0),
            *_cells(row, LEADING),
            *_cells(row, "imputation"),
            *(f"{row[name]:.0f}" for name in ("cohorts", "units", "controls")),
        )
        for e, row in frame.iterrows()
    ]
    return Table(
        "Effects by years since the opening, night lights of counties",
        (
            "Year",
            "Callaway–Sant'Anna",
            "95 % interval",
            "Imputation",
            "95 % interval",
            "Cohorts",
            "Treated units",
            "Clean controls",
        ),
        tuple(rows),
        notes=found[LEADING].notes(),
    )


def _cells(row: pd.Series, method: str) -> tuple[str, str]:
    values = (row[f"{name}_{method}"] for name in ("estimate", "lower", "upper"))
    estimate, lower, upper = values
    return number(estimate), interval(lower, upper)


def table_of_variants(frame: pd.DataFrame) -> Table:
    """One row for every changed choice."""
    same = frame.index[1:][frame["estimate"].iloc[1:] == frame["estimate"].iloc[0]]
    return Table(
        "Openings and night lights: one choice changed at a time",
        ("", "Effect", "Std. error", "95 % interval", "p", "Units", "With an opening", "Cohorts"),
        tuple((str(label), *_effect(row), *_counts(row)) for label, row in frame.iterrows()),
        rules=frozenset({1}),
        notes=(
            "Callaway–Sant'Anna, overall effect; the leading choices are in the first row.",
            *(f"{label}: the same, since they had service before the panel." for label in same),
        ),
    )


def table_of_groups(frame: pd.DataFrame, compared: pd.DataFrame) -> Table:
    """One row for every group of treated units, and differences between groups."""
    return Table(
        "Openings and night lights: whom they help",
        (
            "Counties with an opening",
            "Effect",
            "Std. error",
            "95 % interval",
            "p",
            "p permuted",
            "p, Holm",
            "With an opening",
            "Cohorts",
        ),
        tuple(
            (
                str(label),
                *_effect(row),
                number(row["p_permuted"]),
                number(row["p_holm"]),
                *_counts(row)[1:],
            )
            for label, row in frame.iterrows()
        )
        + tuple((str(label), *_effect(row), "", "", "", "") for label, row in compared.iterrows()),
        rules=frozenset({4, 6, len(frame)}),
        notes=(
            "Callaway–Sant'Anna; treated counties of the group against all counties without an "
            "opening in the panel, of any group. Permuted: openings over these units. Holm: over "
            f"the {len(frame)} groups, of the permuted p-values. Differences: all counties, those "
            "of either group against the same counties not yet served.",
        ),
    )


def _effect(row: pd.Series) -> tuple[str, str, str, str]:
    bounds = interval(row["lower"], row["upper"])
    return number(row["estimate"]), number(row["se"]), bounds, number(row["p"])


def _counts(row: pd.Series) -> tuple[str, str, str]:
    return f"{row['units']:.0f}", f"{row['treated']:.0f}", f"{row['cohorts']:.0f}"


def finding(
    frame: pd.DataFrame,
    bacon: Bacon,
    varied: pd.DataFrame,
    grouped: pd.DataFrame,
    compared: pd.DataFrame,
) -> str:
    """Say the leading effect, how it varies, and whether any group stands out."""
    county = frame.loc["county"]
    lead = county.loc[LEADING]
    low, high = county["estimate"].min(), county["estimate"].max()
    others = varied.iloc[1:]
    away = others.index[(others["lower"] > 0) | (others["upper"] < 0)]
    clear = grouped.index[grouped["p_holm"] < 0.05]
    apart = compared.index[(compared["lower"] > 0) | (compared["upper"] < 0)]
    spoiled = bacon.by_kind.loc["later_vs_earlier", "weight"]
    return (
        f"The estimated effect of an opening on night lights of counties is "
        f"{number(100 * lead['estimate'], 1)} log points, 95 % interval "
        f"{interval(100 * lead['lower'], 100 * lead['upper'], 1)}, permuted "
        f"p = {lead['p_permuted']:.2f}; the four estimators give {number(100 * low, 1)} to "
        f"{number(100 * high, 1)}. {100 * spoiled:.0f} % of the two-way coefficient's weight lies "
        f"on comparisons with counties already served. Intervals without zero: "
        f"{len(away)} of {len(others)} changed choices"
        + (f" ({ce.report.listed(list(away))})" if len(away) else "")
        + f", {len(apart)} of {len(compared)} differences between groups; adjusted p-values below "
        f"0.05: {len(clear)} of {len(grouped)} groups."
    )


def numbers(
    frame: pd.DataFrame,
    leading: Staggered,
    city: pd.DataFrame,
    bacon: Bacon,
    grouped: pd.DataFrame,
    compared: pd.DataFrame,
) -> dict[str, object]:
    """Numbers that the text cites."""
    kept = ["estimate", "se", "p", "lower", "upper", "p_permuted", "detectable"]
    early = leading.event_study
    return {
        **{
            name: {
                method: (100.0 * row[kept]).astype(float).to_dict()
                | {key: float(row[key]) for key in ("p", "p_permuted")}
                for method, row in frame.loc[name].iterrows()
            }
            for name in SAMPLES
        },
        "units": leading.design.y.shape[1],
        "treated": int(leading.design.ever.sum()),
        "left_out": len(leading.design.left_out),
        "city_units": float(frame.loc[("city", LEADING), "units"]),
        "city_treated": float(frame.loc[("city", LEADING), "treated"]),
        "controls": int(early["controls"].drop(leading.base).min()),
        "city_controls": int(city["controls"].drop(-1).min()),
        "spoiled": 100.0 * float(bacon.by_kind.loc["later_vs_earlier", "weight"]),
        "core_less_hollow": (100.0 * compared.iloc[0][["estimate", "lower", "upper"]]).to_dict(),
        "groups": {
            str(label): {
                "estimate": 100.0 * float(row["estimate"]),
                "lower": 100.0 * float(row["lower"]),
                "upper": 100.0 * float(row["upper"]),
                "p_holm": float(row["p_holm"]),
            }
            for label, row in grouped.iterrows()
        },
    }
