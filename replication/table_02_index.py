"""Table 2. The digital index: weights, versions, obstacles, ranks; treatments against figures."""

from __future__ import annotations

from typing import Any

import pandas as pd

import ccec_econ as ce
from ccec_econ import indices
from ccec_econ.typeset import Table, interval, number
from exhibit import Exhibit, main, rng

FIVE = ("internet", "mobile", "telecom", "emp_info", "finance")
# Four dimensions of D1 (industry, infrastructure, innovation, consumption), as far as figures go.
DIMENSIONS = {
    "industry": ("emp_info",),
    "infrastructure": ("internet", "mobile"),
    "innovation": ("rd",),
    "consumption": ("telecom", "finance"),
}
RULES = ("entropy", "equal", "critic", "pca")
NAMES = {
    "internet": "Broadband subscribers per 100",
    "mobile": "Mobile subscribers per 100",
    "telecom": "Telecommunication revenue per head",
    "emp_info": "Employees in information services, %",
    "finance": "Digital finance index",
}
RULE_NAMES = {
    "entropy": "Entropy",
    "equal": "Equal",
    "critic": "CRITIC",
    "pca": "PCA",
    "dimensions": "Four dimensions",
    "published": "Published figures",
}


def build(config: dict[str, Any]) -> Exhibit:
    """Build the index in several ways and ask how far the order of cities depends on it."""
    years = tuple(config["sample"]["years"])
    panel = ce.data.load_panel(years=years)
    indicators = panel[list(FIVE)]
    versions, _ = indices.weighting_versions(indicators, RULES)
    versions["dimensions"] = dimensions(panel)
    versions["published"] = panel["digital_published"]
    agreement = versions.corr(method="spearman")
    weights = weighted(indicators)
    index = indices.composite_index(indicators)
    obstacles = indices.obstacle_degree(index, indicators).groupby("year").mean()
    ranks = indices.rank_intervals(
        indicators, year=years[1], draws=config["draws"]["bootstrap"], rng=rng(config, "table_02")
    )
    ranks.insert(0, "name", ce.data.load_units()["name"])
    checks = validated(panel)
    return Exhibit(
        table={
            "": table_of_weights(weights, obstacles, years),
            "versions": table_of_versions(agreement),
            "ranks": table_of_ranks(ranks.sort_values("rank"), years[1]),
            "validity": table_of_checks(checks),
        },
        data={
            "": weights.rename_axis("indicator").reset_index(),
            "versions": agreement.rename_axis("version").reset_index(),
            "ranks": ranks.reset_index(),
            "validity": checks.reset_index(),
        },
        finding=finding(agreement, weights, ranks, checks),
        numbers={
            "indicators": len(FIVE),
            "lowest_agreement": float(agreement.loc[list(RULES), list(RULES)].min(axis=None)),
            "weights": weights["entropy"].to_dict(),
            "widest_rank": float((ranks["upper"] - ranks["lower"]).max()),
            "rd_rank_correlation": float(checks.loc["rd", "correlation"]),
        },
    )


def dimensions(panel: pd.DataFrame) -> pd.Series:
    """Score four dimensions with equal weights and take their mean."""
    scored = {
        name: indices.composite_index(panel[list(columns)], "equal").index
        for name, columns in DIMENSIONS.items()
    }
    return pd.DataFrame(scored).mean(axis=1)


def weighted(indicators: pd.DataFrame) -> pd.DataFrame:
    """Return weights by rule, and the range of entropy weights with one year left out."""
    table = pd.DataFrame(
        {rule: indices.composite_index(indicators, rule).weights for rule in RULES}
    )
    without = indices.leave_one_out_weights(indices.minmax_pooled(indicators))
    return table.assign(lowest=without.min(), highest=without.max())


def validated(panel: pd.DataFrame) -> pd.DataFrame:
    """Compare the proxies with what direct figures there are, by rank correlation."""
    full = ce.data.load_panel()
    known = full[full["rd_true"].notna() & full["rd"].notna()]
    rail = full["hsr"].xs(2016, level="year")
    served = ce.data.load_timetable(2016).groupby("origin")["trains"].sum()
    trains = served.reindex(rail.index).fillna(0.0)
    km = ce.weights.distances()
    mass = full["gdp"].xs(2010, level="year")
    tables = {year: ce.data.load_timetable(year) for year in ce.data.TIMETABLES}
    both = tables[2016].index.intersection(tables[2020].index)
    reach = {
        year: ce.structure.market_access(
            ce.structure.travel_times(table.loc[both], km).minutes, mass
        )
        for year, table in tables.items()
    }
    late = full["hsr"].xs(2020, level="year")
    rows = {
        "rd": (known["rd"], known["rd_true"]),
        "hsr_trains": (rail, trains),
        "hsr_access": (late - full["hsr"].xs(2015, level="year"), reach[2020] / reach[2016]),
        "digital_income": (panel["digital"], panel["ln_gdp_pc"]),
    }
    return pd.DataFrame.from_dict(
        {name: (a.corr(b, method="spearman"), len(a)) for name, (a, b) in rows.items()},
        orient="index",
        columns=["correlation", "n"],
    ).rename_axis("check")


def table_of_weights(
    weights: pd.DataFrame, obstacles: pd.DataFrame, years: tuple[int, int]
) -> Table:
    """Print weights by rule and obstacle degrees of the first and last year."""
    rows = []
    for name, label in NAMES.items():
        row = weights.loc[name]
        rows.append(
            (
                label,
                *(number(float(row[rule]), 3) for rule in RULES),
                interval(float(row["lowest"]), float(row["highest"]), 3),
                *(number(100 * float(obstacles.loc[year, name]), 1) for year in years),
            )
        )
    return Table(
        title=f"Digital index: weights and obstacles, {years[0]}–{years[1]}",
        columns=(
            "Indicator",
            *(RULE_NAMES[rule] for rule in RULES),
            "Entropy, a year out",
            *(f"Obstacle {year}, %" for year in years),
        ),
        rows=tuple(rows),
        notes=(
            "Indicators scaled by their minimum and maximum over all cities and years. CRITIC: "
            "weights by the contrast of indicators and their conflict; PCA: first principal "
            "component. A year out: "
            "lowest and highest weight with one year left out. Obstacle: share of an indicator in "
            "what a city lacks to a full score, mean over cities, entropy weights; heavy weights "
            "come first by construction.",
        ),
    )


def table_of_versions(agreement: pd.DataFrame) -> Table:
    """Print rank correlations of the versions."""
    return Table(
        title="Rank correlations of versions of the digital index",
        columns=("Version", *(RULE_NAMES[name] for name in agreement)),
        rows=tuple(
            (RULE_NAMES[str(name)], *(number(float(v), 3) for v in row))
            for name, row in zip(agreement.index, agreement.to_numpy(), strict=True)
        ),
        notes=(
            "Spearman, all cities and years. Four dimensions: industry, infrastructure, innovation "
            "(fiscal science expenditure stands in) and consumption, equal weights. Published "
            "figures: entropy weights before the screen.",
        ),
    )


def table_of_ranks(ranks: pd.DataFrame, year: int) -> Table:
    """Print ranks with their intervals."""
    return Table(
        title=f"Ranks in the digital index, {year}",
        columns=("City", "Index", "Rank", "95 % of resamples"),
        rows=tuple(
            (
                str(row["name"]),
                number(float(row["index"]), 3),
                f"{row['rank']:.0f}",
                f"{row['lower']:.0f} to {row['upper']:.0f}",
            )
            for _, row in ranks.iterrows()
        ),
        notes=(
            "Whole cities drawn again, weights found on each draw; errors of the indicators "
            "themselves are not in these ranges.",
        ),
    )


def table_of_checks(checks: pd.DataFrame) -> Table:
    """Print what the treatment variables agree with."""
    labels = {
        "rd": "Fiscal science expenditure and R&D expenditure, over GDP",
        "hsr_trains": "Service share of 2016 and trains a day in March 2016",
        "hsr_access": "Change of service share 2015–2020 and of market access 2016–2020",
        "digital_income": "Digital index and GDP per resident",
    }
    return Table(
        title="Treatment variables against direct figures",
        columns=("Pair", "Rank correlation", "n"),
        rows=tuple(
            (
                label,
                number(float(checks.loc[name, "correlation"]), 2),
                f"{checks.loc[name, 'n']:.0f}",
            )
            for name, label in labels.items()
        ),
        notes=(
            "Market access: GDP of 2010 of the other cities over minutes, by the listed trains or "
            "by road at 70 km/h with a detour of 1.3; 30 minutes to and from stations; pairs that "
            "both timetables list.",
        ),
    )


def finding(
    agreement: pd.DataFrame, weights: pd.DataFrame, ranks: pd.DataFrame, checks: pd.DataFrame
) -> str:
    """Say how far the order depends on the rule, and how good the proxies are."""
    rules = agreement.loc[list(RULES), list(RULES)]
    heavy = str(weights["entropy"].idxmax())
    wide = ranks["upper"] - ranks["lower"]
    return (
        f"Rules of weighting order cities alike (rank correlations of {rules.min(axis=None):.2f} "
        f"or more); entropy gives {100 * weights.loc[heavy, 'entropy']:.0f} % of the weight to "
        f"{NAMES[heavy].lower().removesuffix(', %')}. Resampled weights move a city by "
        f"up to {wide.max():.0f} ranks. "
        f"Fiscal science expenditure agrees with R&D in rank by "
        f"{checks.loc['rd', 'correlation']:.2f} only (n = {checks.loc['rd', 'n']:.0f}): it is a "
        "proxy."
    )


if __name__ == "__main__":
    main(__file__, build)
