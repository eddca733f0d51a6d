"""How Table 10 is printed: matrices beneath each other, tests, other choices, the border."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

import ccec_econ as ce
from ccec_econ.typeset import Table, number

__all__ = [
    "LEAD",
    "frame_of",
    "stacked",
    "table_of_border",
    "table_of_sensitivity",
    "table_of_tests",
]

UNITS = (
    "Cities: percentage points of annual growth per year with service. Counties: ln night lights "
    "once trains stop in every county of the origin group."
)
CLASS = (
    "Trains of 250 km/h or more: at 200 km/h both core cities are served before the panel begins, "
    "so that the core's own railway would not vary there."
)
LEAD = "As tested"
TRENDS = (
    "Trends: ln lights of {first} and the share of a county's weights in each group, both by year; "
    "counties are then compared with others equally near to every group."
)
CHANCE = (
    "Permutation: paths of service exchanged between counties of the same group, those of the "
    "nine main districts of Chongqing and of the five inner districts of Chengdu, one opening "
    "each, as one; or between all cities. Wild bootstrap: by unit, as if counties were "
    "independent. "
)
SEEN = (
    "Detectable: 2.8 standard deviations of the permuted estimates about their mean, which without "
    "trends is not zero, because exposure follows nearness"
)


def frame_of(matrices: Mapping[str, ce.GroupEffects]) -> pd.DataFrame:
    """Return blocks, sums received and effects of own service as rows."""
    parts = {}
    for name, found in matrices.items():
        sums = {"all": found.received, "own": found.own}
        more = [
            part.rename_axis(["term", "to"]).assign(**{"from": of}) for of, part in sums.items()
        ]
        parts[name] = pd.concat([part.reset_index() for part in (found.frame, *more)])
    frame = pd.concat(parts, names=["model"]).reset_index(level="model")
    return frame.drop(columns=["sim_lower", "sim_upper", "term"]).reset_index(drop=True)


def stacked(
    matrices: Mapping[str, ce.GroupEffects], config: dict[str, Any], title: str, note: str
) -> Table:
    """Set matrices beneath each other, with the interval of each layer under the estimates."""
    rows: list[tuple[str, ...]] = []
    rules, heads = [], ()
    names = config["groups"]["names"]
    for name, found in matrices.items():
        drawn = "boot_lower" in found.frame
        table = found.summary(
            labels={found.terms[0]: name}, digits=2, beneath="bootstrap" if drawn else "delta"
        )
        rules.append(len(rows))
        rows += [(row[0], names.get(row[1], row[1]), *row[2:]) for row in table.rows]
        heads = table.columns
    heads = ("Model", "To", *(f"From {names.get(h[5:], h[5:]).lower()}" for h in heads[2:]))
    cities = any("boot_lower" in found.frame for found in matrices.values())
    counties = any("boot_lower" not in found.frame for found in matrices.values())
    return Table(
        title=title,
        columns=heads,
        rows=tuple(rows),
        rules=frozenset(rules[1:]),
        notes=tuple(
            text
            for text in (
                "Effect on the average unit of the receiving group of a change in every unit of "
                "the origin group, with 95 % intervals.",
                CITIES if cities else "",
                f"{COUNTIES} {trends(config)}" if counties else "",
                f"{UNITS} {CLASS}" if note else "",
                "One lag: every effect of one unit on another has the sign of one coefficient, "
                "whatever the data."
                if note
                else "",
                ""
                if counties
                else "Conditional associations: one unit more of the index from 0 "
                "to 1, or of R&D in per cent of GDP.",
                note,
            )
            if text
        ),
        text_columns=frozenset({1}),
    )


CITIES = (
    "Cities: SDM of growth on the regressors of the baseline, contiguity; basic bootstrap "
    "intervals, residuals of whole units drawn together."
)
COUNTIES = (
    "Counties: SLX of ln lights on own and neighbours' service, both by group except with one "
    "lag; weights by inverse distance; intervals clustered by unit."
)


def trends(config: dict[str, Any]) -> str:
    """Describe the trends."""
    return TRENDS.format(first=config["groups"]["county_years"][0])


def table_of_tests(tests: pd.DataFrame, config: dict[str, Any], when: str) -> Table:
    """Print the tests."""
    layers = {"county": "Counties", "city": "Cities"}
    rows, rules, last = [], [], ""
    for _, row in tests.iterrows():
        group = f"{layers[row['layer']]}, {row['model']}"
        if group.split(",")[0] != last.split(",")[0] or (
            row["layer"] == "county" and group != last
        ):
            rules.append(len(rows))
        values = [number(float(row[name]), 3) for name in ("estimate", "std_error")]
        chances = [p(row[name]) for name in ("p_permuted", "p_holm", "p_bootstrap", "p_t")]
        detectable = number(float(row["detectable"]), 2)
        rows.append(
            (group if group != last else "", row["hypothesis"], *values, *chances, detectable)
        )
        last = group
    return Table(
        title="Siphon or spread, the border and the wings: tests against zero",
        columns=(
            *("Sample and model", "Effect of high-speed rail", "Estimate", "Std. error"),
            *("Permutation p", "Holm p", "Bootstrap p", "p of t", "Detectable"),
        ),
        rows=tuple(rows),
        rules=frozenset(rules[1:]),
        notes=(
            "Two-sided; a core that takes from the hollow is a siphon, one that gives a spread. "
            + UNITS,
            f"{when} Standard errors and p of t are clustered by unit.",
            CHANCE + "In the SDM the bootstrap refits with residuals of whole units. "
            "Holm: permutation p adjusted over the four tests of a model. The wings lie outside "
            "the family: the effect on the north has the same coefficient, hence the same p. "
            + SEEN
            + "; in the SDM 2.8 standard errors, where the t of 15 degrees of freedom needs 3.0.",
            trends(config) + " The border has those of the provinces and of the share of weights "
            "in each group of the own province too; its lags sum weights times service over "
            "neighbours of the own province and of the other, so that a lag "
            "blind to the border gives zero. No such test in the cities: Chongqing is one of them.",
        ),
        text_columns=frozenset({1}),
    )


def table_of_sensitivity(held: pd.DataFrame, fast: str) -> Table:
    """Print the effect of the core on the hollow under other choices."""
    rows = [
        (
            {"county": "Counties", "city": "Cities"}[row["layer"]] if first else "",
            row["choice"],
            *(number(float(row[name]), 3) for name in ("estimate", "std_error")),
            *(p(row[name]) for name in ("p_permuted", "p_bootstrap", "p_t")),
            number(float(row["detectable"]), 2),
        )
        for row, first in zip(
            held.to_dict("records"), held["layer"].ne(held["layer"].shift()), strict=True
        )
    ]
    return Table(
        title="Effect of the core's high-speed rail on the hollow under other choices",
        columns=(
            *("Layer", "Choice", "Estimate", "Std. error"),
            *("Permutation p", "Wild p", "p of t", "Detectable"),
        ),
        rows=tuple(rows),
        rules=frozenset({int((held["layer"] == "county").sum())}),
        notes=(
            f"SLX, lags by group of origin. {LEAD}: the fit of the tests, for comparison, no other "
            f"choice. {UNITS}",
            f"{CHANCE}{SEEN}.",
            f"{fast} Stations of single districts: every district on its own. "
            "Estimates under other weights are on other scales: they are of other averages of "
            "neighbours. Without Chongqing: the municipality is left out and weights sum to one "
            "again. Points only: Nanchong and Dazhou, Wanzhou and Fuling count as others; in "
            "the cities this changes nothing, since service in the two does not vary.",
        ),
        text_columns=frozenset({1}),
    )


def table_of_border(border: pd.DataFrame) -> Table:
    """Print the lags within and across the border, and how straight lines compare."""
    rows = []
    for _, row in border.iterrows():
        pairs = [
            f"{number(float(row[name]), 3)} ({number(float(row[f'{name}_error']), 3)})"
            for name in ("within", "across")
        ]
        gaps = [number(float(row[name]), 3) for name in ("difference", "median_line")]
        span = f"{row['first']:.0f}–{row['last']:.0f}"
        as_large = f"{row['as_large']:.0f} of {row['lines']:.0f}"
        rows.append((f"{row['power']:g}", span, *pairs, *gaps, as_large))
    return Table(
        title="Spatial lags of the growth of night lights within and across the border",
        columns=(
            *("Power", "Years", "ρ, own province", "ρ, other province"),
            *("Difference", "Median of lines", "Lines as large"),
        ),
        rows=tuple(rows),
        notes=(
            "SDM with two spatial lags, inverse distance to the power given split by province, "
            "each part row-standardised; unit and year effects, standard errors from the expected "
            "information.",
            "The difference is no test of a border: the lag within averages nearer neighbours "
            "than the lag across and tends to exceed it wherever the counties are cut. Lines: "
            "straight lines at equal angles that cut off as many counties as the smaller province "
            "has; those with a difference at least as large, of those whose likelihood has an "
            "interior maximum. Shocks common to a province raise ρ as spillovers do.",
        ),
        text_columns=frozenset({1}),
    )


def p(value: float) -> str:
    """Print a p-value, none where missing."""
    return "" if pd.isna(value) else "< 0.001" if value < 0.001 else number(float(value), 3)
