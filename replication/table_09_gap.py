"""Table 9A. Do the treatments close the gap? Three hypotheses fixed before they were estimated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

import ccec_econ as ce
from ccec_econ.typeset import Table, interval, number
from exhibit import Exhibit, main, rng
from gap_models import gap_fit, gap_sample, products, variants
from packs import pack_data
from preanalysis import load_plan, refuse_departures

FIXED = "As fixed"
NARROWS, WIDENS, OPEN = "narrows", "widens", "not established"
SCALE = (
    "Slope: points of annual growth by which a city one log unit behind the cores gains more than "
    "one on their level when the treatment rises everywhere by a standard deviation (city and year "
    "effects removed). Above zero the gap narrows."
)


def build(config: dict[str, Any]) -> Exhibit:
    """Estimate what the plan says, then variants of it, which are exploratory."""
    plan = load_plan(config)
    data, terms = gap_sample(plan), products(plan)
    fit = gap_fit(plan, data)
    margin = dict.fromkeys(terms, plan["test"]["small"])
    found = ce.small_sample(fit, terms, null=plan["test"]["null"], margin=margin)
    refuse_departures(plan, fit, found)
    level = 1.0 - plan["test"]["level"]
    sets = {term: ce.wild_cluster(fit, term, level=level) for term in terms}
    said = {term: verdict(plan, found, term) for term in terms}
    varied = others(config, plan, data)
    return Exhibit(
        table={
            "": confirmatory(config, plan, found, sets, said),
            "variants": exploratory(plan, varied),
        },
        data={
            "": pack_data(found).assign(
                lower=[sets[term].lower for term in terms],
                upper=[sets[term].upper for term in terms],
                verdict=[said[term] for term in terms],
            ),
            "variants": varied,
        },
        finding=finding(plan, found, said),
        numbers=numbers(plan, data, found, sets, varied),
    )


def verdict(plan: Mapping[str, Any], found: ce.SmallSamples, term: str) -> str:
    """Say what the rule of the plan makes of an estimate."""
    adjusted = {"romano_wolf": found.romano_wolf, "holm": found.holm}[plan["test"]["decides"]]
    if adjusted[term] > plan["test"]["level"]:
        return OPEN
    return NARROWS if found[term].estimate > plan["test"]["null"] else WIDENS


def others(config: Mapping[str, Any], plan: Mapping[str, Any], data: pd.DataFrame) -> pd.DataFrame:
    """Slopes of the variants, with p-values by the wild bootstrap and by lot; none is adjusted."""
    rows = []
    for name, fit in variants(plan, data).items():
        for hypothesis, term in zip(plan["hypothesis"], products(plan), strict=True):
            test = ce.wild_cluster(fit, term)
            drawn = ce.randomisation_test(
                fit,
                hypothesis["treatment"],
                term=term,
                draws=config["draws"]["permutations"],
                rng=rng(config, "table_09_gap"),
            )
            rows.append(
                {
                    "variant": name,
                    "treatment": hypothesis["treatment"],
                    "estimate": test.estimate,
                    "std_error": test.std_error,
                    "p": test.pvalue,
                    "p_permuted": drawn.pvalue,
                    "units": len(fit.panel.units),
                    "years": len(fit.panel.times),
                }
            )
    return pd.DataFrame(rows)


def confirmatory(
    config: Mapping[str, Any],
    plan: Mapping[str, Any],
    found: ce.SmallSamples,
    sets: Mapping[str, Any],
    said: Mapping[str, str],
) -> Table:
    """Print the packs with the test's own interval and what the rule says."""
    terms = [pack.term for pack in found.packs]
    level = f"{100 * (1 - plan['test']['level']):g} %"
    names = {term: each["name"] for term, each in zip(terms, plan["hypothesis"], strict=True)}
    table = found.summary(
        title="Do the treatments close the gap to the cores? Three hypotheses fixed beforehand",
        labels=names,
        units=ce.data.load_units()["name"].to_dict(),
        notes=(
            SCALE,
            f"Wild interval: values that the bootstrap does not reject. Rule: {NARROWS} or "
            f"{WIDENS} where the Romano-Wolf p is at most {plan['test']['level']:g}.",
            f"Plan: replication/preanalysis.toml, sha256 {config['gap']['sha256'][:16]}, fixed on "
            f"{plan['fixed'].isoformat()} in commit {config['gap']['commit'][:10]}, before the "
            "commit of these estimates. The data had been seen in other tables; these estimates "
            "had not been made.",
        ),
    )
    spans = tuple(interval(sets[term].lower, sets[term].upper, 2) for term in terms)
    rows = [*table.rows[:2], (f"Wild interval, {level}", *spans), *table.rows[2:]]
    return replace(table, rows=(*rows, ("The gap", *(said[term] for term in terms))))


def exploratory(plan: Mapping[str, Any], varied: pd.DataFrame) -> Table:
    """Print one variant a row, with the slopes of the three treatments."""
    rows = []
    for name, part in varied.groupby("variant", sort=False):
        by = part.set_index("treatment")
        cells = []
        for hypothesis in plan["hypothesis"]:
            row = by.loc[hypothesis["treatment"]]
            cells += [
                f"{number(row['estimate'], 2)} ({number(row['std_error'], 2)})",
                f"{number(row['p'], 3)}, {number(row['p_permuted'], 3)}",
            ]
        size = f"{int(part['units'].iloc[0])} × {int(part['years'].iloc[0])}"
        rows.append((str(name), size, *cells))
    heads = [cell for each in plan["hypothesis"] for cell in (each["name"], "p")]
    return Table(
        title="Variants of the three slopes, exploratory: one change each",
        columns=("Variant", "N × T", *heads),
        rows=tuple(rows),
        rules=frozenset({1}),
        notes=(
            SCALE,
            "p: restricted wild cluster bootstrap, all sign vectors, and with the paths of the "
            "treatment exchanged between cities; neither is adjusted for asking so often. "
            "Treatments keep the scale of the first row.",
        ),
    )


def finding(plan: Mapping[str, Any], found: ce.SmallSamples, said: Mapping[str, str]) -> str:
    """Say what the rule makes of the three, and how large an effect could have been seen."""
    parts = []
    for hypothesis, pack in zip(plan["hypothesis"], found.packs, strict=True):
        parts.append(
            f"{hypothesis['name']} {pack.estimate:.1f} ({said[pack.term]}, Romano-Wolf p = "
            f"{found.romano_wolf[pack.term]:.2f}, detectable {pack.detectable:.1f})"
        )
    sure = [word for word in said.values() if word != OPEN]
    small = [
        hypothesis["name"].lower()
        for hypothesis, pack in zip(plan["hypothesis"], found.packs, strict=True)
        if (pack.pvalue_equivalence or 1.0) < plan["test"]["level"]
    ]
    return (
        f"Of three hypotheses on the gap fixed beforehand the data establish "
        f"{len(sure) or 'none'}. Points of growth per log unit of distance and standard "
        f"deviation: {'; '.join(parts)}. Effects of {plan['test']['small']:g} points or more "
        f"either way are excluded, each treatment taken singly, for {ce.report.listed(small)}."
    )


def numbers(
    plan: Mapping[str, Any],
    data: pd.DataFrame,
    found: ce.SmallSamples,
    sets: Mapping[str, Any],
    varied: pd.DataFrame,
) -> dict[str, Any]:
    """Return what the text cites."""
    changed = varied[varied["variant"] != FIXED]
    by_treatment = {
        hypothesis["treatment"]: {
            "estimate": pack.estimate,
            "lower": sets[pack.term].lower,
            "upper": sets[pack.term].upper,
            "p": pack.pvalue,
            "p_holm": float(found.holm[pack.term]),
            "p_romano_wolf": float(found.romano_wolf[pack.term]),
            "detectable": pack.detectable,
        }
        for hypothesis, pack in zip(plan["hypothesis"], found.packs, strict=True)
    }
    return {
        "level": 100 * plan["test"]["level"],
        "small": plan["test"]["small"],
        "farthest": float(data["behind"].max()),
        "variants": int(changed["variant"].nunique()),
        "slopes": len(changed),
        "clear": int((changed["p"] < plan["test"]["level"]).sum()),
        "p_least": float(changed["p"].min()),
        **by_treatment,
    }


if __name__ == "__main__":
    main(__file__, build)
