"""Table 12. Three levels: between the provinces, within them, between town and country."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

import ccec_econ as ce
from ccec_econ.models.small_sample import standard_margins
from ccec_econ.typeset import Table, interval, number
from exhibit import Exhibit, main, rng
from level_data import border_pairs, province_means, towns_and_country, within_sichuan

ROWS = {
    ("between", "night_lights", "own"): "Between: pairs of counties at the border, lights",
    ("within", "gdp_pc", "own"): "Within Sichuan: GDP per resident",
    ("within", "gdp_pc", "near"): "  neighbours' treatment",
    ("within", "urban_income", "own"): "Within Sichuan: urban income",
    ("within", "urban_income", "near"): "  neighbours' treatment",
    ("urban_rural", "urban_rural_ratio", "own"): "Urban over rural income, counties",
}


def build(config: dict[str, Any]) -> Exhibit:
    """Test each treatment at each level that the data can speak of."""
    tested, means = levels(config), province_means(config)
    gap = implied(config, means)
    return Exhibit(
        table={"": table_of_levels(config, tested), "between": table_between(config, gap, means)},
        data={"": tested, "between": gap},
        finding=finding(config, tested, gap, means),
        numbers={
            "tests": len(tested),
            "p_least": float(tested["p"].min()),
            "p_holm": float(tested["p_holm"].min()),
            "counties": int(tested.loc[tested["level"] == "urban_rural", "units"].max()),
            "pairs": int(tested.loc[tested["level"] == "between", "units"].max()),
            "first": int(means.index[0]),
            "last": int(means.index[-1]),
            "gap_first": float(means["gap"].iloc[0]),
            "gap_last": float(means["gap"].iloc[-1]),
        },
    )


def levels(config: Mapping[str, Any]) -> pd.DataFrame:
    """Slopes of log distances on each treatment, per standard deviation, times 100."""
    rows = []
    for sample in (border_pairs(config), *within_sichuan(config), towns_and_country(config)):
        fit = ce.ols(sample.formula, sample.data, cov=ce.Cluster())
        per_unit = standard_margins(fit, list(sample.terms.values()), 1.0)
        for (treatment, whose), term in sample.terms.items():
            test = ce.wild_cluster(fit, term, rng=rng(config, "table_12"))
            rows.append(
                {
                    "level": sample.level,
                    "outcome": sample.outcome,
                    "whose": whose,
                    "treatment": treatment,
                    "estimate": 100.0 * test.estimate / per_unit[term],
                    "std_error": 100.0 * test.std_error / per_unit[term],
                    "detectable": 100.0 * test.detectable / per_unit[term],
                    "p": test.pvalue,
                    "units": len(fit.panel.units),
                    "years": len(fit.panel.times),
                }
            )
    frame = pd.DataFrame(rows)
    return frame.assign(p_holm=ce.holm(frame["p"]))


def implied(config: Mapping[str, Any], means: pd.DataFrame) -> pd.DataFrame:
    """Multiply slopes between cities by how the difference of the provinces moved."""
    panel = ce.data.load_panel(years=tuple(config["sample"]["years"]))
    fit = ce.ols(config["baseline"]["formula"], panel, cov=ce.Cluster())
    rows = []
    for name in config["baseline"]["treatments"]:
        moved = float((means[name] - means[name].iloc[0]).sum())
        test = ce.wild_cluster(fit, name)
        ends = sorted([moved * test.lower, moved * test.upper])
        rows.append(
            {
                "treatment": name,
                "first": means[name].iloc[0],
                "last": means[name].iloc[-1],
                "implied": moved * test.estimate,
                "lower": ends[0],
                "upper": ends[1],
            }
        )
    return pd.DataFrame(rows)


def table_of_levels(config: Mapping[str, Any], tested: pd.DataFrame) -> Table:
    """Print one level and outcome a row."""
    treatments, labels = config["baseline"]["treatments"], config["labels"]
    by = tested.set_index(["level", "outcome", "whose", "treatment"])
    rows = []
    for key, name in ROWS.items():
        cells: list[str] = []
        for treatment in treatments:
            if (*key, treatment) not in by.index:
                cells += ["", ""]
                continue
            row = by.loc[(*key, treatment)]
            cells += [
                f"{number(row['estimate'], 2)} ({number(row['std_error'], 2)})",
                number(row["p"], 3),
            ]
        size = tested[(tested["level"] == key[0]) & (tested["outcome"] == key[1])].iloc[0]
        rows.append((name, f"{size['units']} × {size['years']}", *cells))
    heads = [cell for treatment in treatments for cell in (labels[treatment], "p")]
    return Table(
        title="Three levels: do the treatments narrow the distance?",
        columns=("Distance", "N × T", *heads),
        rows=tuple(rows),
        rules=frozenset({1, 5}),
        notes=(
            "Change of the log distance, times 100, per standard deviation of the treatment that "
            "effects of units and years leave; below zero the distance narrows. Clustered errors; "
            "p of the restricted wild cluster bootstrap, one by one: the smallest adjusted for "
            f"{len(tested)} (Holm) is {number(tested['p_holm'].min(), 2)}.",
            "Between: counties that touch across the border, service of either; pairs share "
            "counties, so that their errors are too small. Digital index and R&D have no years by "
            "county. Within: a city from the mean of Sichuan's members; Chongqing is alone in its "
            "province, and effects of province and year leave nothing of it. Counties with both "
            "incomes lie in Chongqing and Chengdu; city effects by year; digital: employment in "
            "information services in the census of 2020, R&D: in research, times the years since "
            "the first, so that these two say whether the ratio fell faster where there is now "
            "more such work.",
        ),
    )


def table_between(config: Mapping[str, Any], gap: pd.DataFrame, means: pd.DataFrame) -> Table:
    """Print what the one pair of provinces allows: no test."""
    first, last = means.index[0], means.index[-1]
    change = means["gap"].iloc[-1] - means["gap"].iloc[0]
    return Table(
        title="Chongqing less the members in Sichuan: one difference a year, no test",
        columns=("Treatment", str(first), str(last), "Implied change of the gap, points", "95 %"),
        rows=tuple(
            (
                config["labels"][row.treatment],
                number(row.first, 2),
                number(row.last, 2),
                number(row.implied, 2),
                interval(row.lower, row.upper, 2),
            )
            for row in gap.itertuples()
        ),
        notes=(
            f"GDP per resident, 100 times the log difference: {number(means['gap'].iloc[0], 1)} "
            f"in {first}, {number(means['gap'].iloc[-1], 1)} in {last}, a change of "
            f"{number(change, 1)}. Implied: slope of growth between cities (Table 8, OLS) times "
            "the difference in the treatment since the first year, summed over the years; "
            "residents weigh. Two provinces are one pair: with effects of years nothing is left to "
            "estimate a slope from, so the slope is borrowed from within.",
        ),
    )


def finding(
    config: Mapping[str, Any], tested: pd.DataFrame, gap: pd.DataFrame, means: pd.DataFrame
) -> str:
    """Say what is clear at which level, alone and adjusted."""
    labels = config["labels"]
    clear = [
        f"{labels[row.treatment]} ({ROWS[row.level, row.outcome, row.whose].strip()}, "
        f"{'narrows' if row.estimate < 0 else 'widens'}, p = {row.p:.3f})"
        for row in tested[tested["p"] < 0.05].itertuples()
    ]
    sure = int((tested["p_holm"] < 0.05).sum())
    change = means["gap"].iloc[-1] - means["gap"].iloc[0]
    open_ = int(((gap["lower"] < 0) & (gap["upper"] > 0)).sum())
    return (
        f"Of {len(tested)} slopes at three levels, p is below 5 % alone for "
        f"{ce.report.listed(clear)}, after adjustment for {sure or 'none'}. Chongqing gained "
        f"{change:.1f} log points on Sichuan's members from {means.index[0]} to "
        f"{means.index[-1]}; what the treatments' slopes between cities would make of it has "
        f"intervals that hold zero for {open_} of {len(gap)}."
    )


if __name__ == "__main__":
    main(__file__, build)
