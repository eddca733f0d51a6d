"""Table 4. Inequality across cities: measures, parts, people against output, other circles."""

from __future__ import annotations

from typing import Any

import pandas as pd

import ccec_econ as ce
from ccec_econ import circle
from ccec_econ import convergence as cv
from ccec_econ.typeset import Table, interval, number, p_equal
from exhibit import Exhibit, main, rng

# Heading, measure, counted by resident.
MEASURES = (
    ("σ of the logarithm", "sigma", False),
    ("Coefficient of variation", "cv", False),
    ("the same, by resident", "cv", True),
    ("Gini", "gini", False),
    ("the same, by resident", "gini", True),
    ("Theil, by resident", "theil", True),
    ("Atkinson (aversion 0.5)", "atkinson", False),
)
PARTS = {
    "province": "between provinces",
    "axis": "between axis and wings of a province",
    "units": "between cities of a wing",
}
CIRCLES = {"ccec": "Chengdu-Chongqing"} | ce.data.COMPARISON_CIRCLES
REAL = "GDP per resident at prices of 2000, each city's own deflator."


def build(config: dict[str, Any]) -> Exhibit:
    """Measure, split and compare."""
    setting = config["inequality"]
    years = tuple(setting["years"])
    panel = ce.data.load_panel(years=years)
    panel = panel.assign(gdp_pc_current=1e4 * panel["gdp"] / panel["pop"])
    spread = measured(panel, setting["shown"], config)
    parts = decomposed(panel, years)
    gap = pd.DataFrame(
        {
            prices: cv.gap_change(panel, value, "pop", circle.roles(), years=years)
            for prices, value in (("prices of 2000", "gdp_real"), ("current prices", "gdp"))
        }
    ).T
    levels = three_levels(setting["levels"])
    others = circles(panel, years)
    dagum = cv.dagum(panel, "gdp_pc", circle.roles(), population="pop").frame
    weak = cv.weak_sigma(spread.loc["sigma", "estimate"] ** 2)
    spatial = cv.spatial_sigma(panel, "gdp_pc", ce.weights.contiguity())
    return Exhibit(
        table={
            "": table_of_measures(spread, setting["shown"], weak, spatial),
            "parts": table_of_parts(parts, dagum.loc[list(years)]),
            "gap": table_of_gap(gap),
            "levels": table_of_levels(levels),
            "circles": table_of_circles(others, years),
        },
        data={
            "": spread.reset_index(),
            "parts": parts.reset_index(),
            "gap": gap.rename_axis("prices").reset_index(),
            "levels": levels.reset_index(),
            "circles": others.reset_index(),
        },
        finding=finding(spread, parts, gap, years),
        numbers={
            "first": years[0],
            "last": years[1],
            "sigma": both(spread.loc["sigma", "estimate"], years),
            "theil": {row: float(parts.loc[row, "last"]) for row in parts.index},
            "gap": {prices: gap.loc[prices].to_dict() for prices in gap.index},
            "weak_sigma_t": weak.trend.tstat,
            "spatial_rho": spatial.rho,
            "overlap_share": float(dagum["overlap"].iloc[-1] / dagum["total"].iloc[-1]),
            "levels": {
                str(year): (row / row["total"]).drop(["total", "counties"]).to_dict()
                for year, row in levels.iterrows()
            },
        },
    )


def measured(panel: pd.DataFrame, shown: list[int], config: dict[str, Any]) -> pd.DataFrame:
    """Return every measure by year, with intervals in the years shown."""
    draws, rows = config["draws"]["bootstrap"], []
    year = panel.index.get_level_values("year")
    for _, name, by_resident in MEASURES:
        population = "pop" if by_resident else None
        values = cv.dispersion(panel, "gdp_pc", name, population=population)
        ends = cv.dispersion_intervals(
            panel[year.isin(shown)],
            "gdp_pc",
            name,
            population=population,
            draws=draws,
            rng=rng(config, f"table_04_{name}_{by_resident}"),
        )
        key = f"{name}_by_resident" if by_resident else name
        rows.append(ends.reindex(values.index).assign(estimate=values, measure=key))
    return pd.concat(rows).reset_index().set_index(["measure", "year"])


def decomposed(panel: pd.DataFrame, years: tuple[int, int]) -> pd.DataFrame:
    """Split Theil's index of the first and last year, and its change."""
    levels = {"province": circle.partition("province"), "axis": circle.partition("axis")}
    found = cv.theil_change(panel, "gdp_pc", "pop", levels, years=years)
    stays = cv.theil_change(panel, "gdp_pc", "pop", levels, years=years, kept="total")
    return found.assign(people_total_kept=stays["people"])


def three_levels(years: list[int]) -> pd.DataFrame:
    """Split incomes of Chongqing and Chengdu: cities, counties, town and country."""
    panel = ce.data.load_panel(layer="county", years=(years[0], years[-1]))
    needed = ["urban_income", "rural_income", "pop_urban", "pop_resident"]
    rows = panel[panel.index.get_level_values("year").isin(years)]
    whole = rows[needed].notna().all(axis=1).groupby("unit").all()
    kept = rows[rows.index.get_level_values("unit").isin(whole.index[whole])]
    parts = cv.split_urban_rural(kept)
    units = parts.index.get_level_values("unit").unique()
    county = {unit: unit.split()[0] for unit in units}
    city = ce.data.load_units("county")["city_name"]
    levels = {"city": {unit: city[county[unit]] for unit in units}, "county": county}
    table = cv.theil_nested(parts, "income", "population", levels)
    return table.assign(counties=len(set(county.values())))


def circles(panel: pd.DataFrame, years: tuple[int, int]) -> pd.DataFrame:
    """Measure the comparison circles in the same two years."""
    columns = ["circle", "gdp_pc", "pop"]
    others = ce.data.load_comparison(years)
    later = others.index.get_level_values("year") > years[0]
    moved = others.index[later & others["area_break"]].get_level_values("unit").unique()
    frames = pd.concat(
        [panel.assign(circle="ccec")[columns], others.drop(moved, level="unit")[columns]]
    )
    rows = []
    for name in CIRCLES:
        own = frames[frames["circle"] == name]
        whole = others[others["circle"] == name].index.get_level_values("unit")
        spread = cv.sigma(own, "gdp_pc")
        by_resident = cv.dispersion(own, "gdp_pc", "theil", population="pop")
        found = cv.trend(spread)
        rows.append(
            {
                "circle": name,
                "cities": own.index.get_level_values("unit").nunique(),
                "left_out": int(moved.isin(whole).sum()),
                "sigma_first": float(spread[years[0]]),
                "sigma_last": float(spread[years[1]]),
                "theil_first": float(by_resident[years[0]]),
                "theil_last": float(by_resident[years[1]]),
                "slope": found.slope,
                "pvalue": found.pvalue,
            }
        )
    return pd.DataFrame(rows).set_index("circle")


def table_of_measures(
    spread: pd.DataFrame, shown: list[int], weak: cv.WeakSigma, spatial: cv.SpatialSigma
) -> Table:
    """Print measures with their intervals beneath."""
    rows: list[tuple[str, ...]] = []
    for heading, name, by_resident in MEASURES:
        own = spread.loc[f"{name}_by_resident" if by_resident else name]
        rows.append((heading, *(number(float(own.loc[year, "estimate"]), 3) for year in shown)))
        rows.append(
            ("", *(interval(*own.loc[year, ["lower", "upper"]].astype(float), 3) for year in shown))
        )
    rows.append(
        (
            "σ after spatial filter",
            *(number(float(spatial.frame.loc[year, "filtered"]), 3) for year in shown),
        )
    )
    t = weak.trend
    return Table(
        title="Inequality of GDP per resident across the cities",
        columns=("Measure", *(str(year) for year in shown)),
        rows=tuple(rows),
        notes=(
            f"{REAL} Brackets: 95 % bootstrap intervals, whole cities drawn; all cities of the "
            "circle are in the sample, so they say how much a measure hangs on single cities.",
            f"Weak σ-convergence: variance on time {t.first}–{t.last}, t = {number(t.tstat, 1)} "
            f"({t.lags} lags); below −1.65 dispersion falls.",
            f"Spatial filter: ρ = {number(spatial.rho, 2)} "
            f"{interval(spatial.lower, spatial.upper, 2)}.",
        ),
    )


def table_of_parts(parts: pd.DataFrame, dagum: pd.DataFrame) -> Table:
    """Print Theil's parts and change, and Dagum's parts beneath."""
    first, last = dagum.index
    rows = [("Theil index", *cells(parts.loc["total"]))]
    rows += [(label, *cells(parts.loc[part])) for part, label in PARTS.items()]
    names = {"total": "Gini, by role (Dagum)", "within": "within roles"}
    names |= {"net_between": "net between roles", "overlap": "overlap of roles"}
    for column, label in names.items():
        a, b = float(dagum.loc[first, column]), float(dagum.loc[last, column])
        rows.append((label, number(a, 4), number(b, 4), number(b - a, 4), "", ""))
    return Table(
        title="Inequality by place, and what changed it",
        columns=("Part", str(first), str(last), "Change", "People, heads", "People, totals"),
        rows=tuple(rows),
        rules=frozenset({len(PARTS) + 1}),
        notes=(
            f"{REAL} Every resident counts the same; parts add up. People: what the shift of "
            "residents did (Shapley values); heads: incomes per head are held and only weights "
            "move; totals: output stays behind, so that incomes per head rise where people leave. "
            "The rest of the change is that of incomes, or of output. Wings as in the partition "
            "axis of the package.",
        ),
    )


def cells(row: pd.Series) -> tuple[str, ...]:
    """Print one row of the change of Theil's index."""
    return tuple(
        number(float(row[c]), 4) for c in ("first", "last", "change", "people", "people_total_kept")
    )


def table_of_gap(gap: pd.DataFrame) -> Table:
    """Print how the gap of the hollow middle changed."""
    columns = ("first", "last", "change", "output", "people", "people_core", "people_hollow")
    return Table(
        title="The gap between cores and hollow middle: output against people",
        columns=("GDP at", "First", "Last", "Change", "Output", "People", "Cores", "Middle"),
        rows=tuple(
            (str(prices), *(number(float(row[c]), 3) for c in columns))
            for prices, row in gap.iterrows()
        ),
        notes=(
            "Logarithm of GDP per resident, cores over hollow middle. Change = output (log ratio "
            "of GDP; positive: the middle falls behind) less people (log ratio of residents; "
            "positive: the cores gained on the middle) = output - cores + middle, the last two "
            "log growth of residents. An identity: it does not say what output would have been "
            "had people stayed.",
        ),
    )


def table_of_levels(levels: pd.DataFrame) -> Table:
    """Print shares of three levels in the inequality of incomes."""
    names = {
        "city": "Chongqing against Chengdu",
        "county": "between counties",
        "units": "town and country",
    }
    rows = [("Theil index", *(number(float(v), 4) for v in levels["total"]))]
    for column, label in names.items():
        share = 100.0 * levels[column] / levels["total"]
        rows.append((f"{label}, %", *(number(float(v), 1) for v in share)))
    count = int(levels["counties"].iloc[0])
    return Table(
        title="Three levels of the inequality of disposable income",
        columns=("Part", *(str(year) for year in levels.index)),
        rows=tuple(rows),
        notes=(
            f"{count} counties of Chongqing and Chengdu with urban and rural incomes and residents "
            "in all years shown; other cities publish no rural incomes that reach here. Surveys "
            "changed in 2014.",
        ),
    )


def table_of_circles(others: pd.DataFrame, years: tuple[int, int]) -> Table:
    """Print the comparison circles."""
    columns = ("sigma_first", "sigma_last", "theil_first", "theil_last")
    left_out = others["left_out"]
    return Table(
        title="The same measures in other circles",
        columns=(
            "Circle",
            "Cities",
            "σ first",
            "σ last",
            "Theil first",
            "Theil last",
            "Slope of σ",
        ),
        rows=tuple(
            (
                CIRCLES[str(name)],
                str(int(row["cities"])),
                *(number(float(row[c]), 3) for c in columns),
                f"{number(1000 * float(row['slope']), 1)} ({p_equal(float(row['pvalue']))})",
            )
            for name, row in others.iterrows()
        ),
        notes=(
            f"{REAL} Slope per year, times 1,000; Newey-West errors. Cities whose residents are "
            f"counted on another area after {years[0]} are left out: "
            + ", ".join(f"{CIRCLES[str(name)]} {n}" for name, n in left_out.items() if n)
            + ".",
        ),
    )


def both(series: pd.Series, years: tuple[int, int]) -> dict[str, float]:
    """Return the values of the first and last year."""
    return {"first": float(series[years[0]]), "last": float(series[years[1]])}


def finding(
    spread: pd.DataFrame, parts: pd.DataFrame, gap: pd.DataFrame, years: tuple[int, int]
) -> str:
    """Say what fell, and whether output or people did it."""
    sigma = spread.loc["sigma", "estimate"]
    real, current = gap.loc["prices of 2000"], gap.loc["current prices"]
    theil = parts["last"] / parts["last"]["total"]
    caught_up = real["output"] < 0.0 and current["output"] < 0.0
    largest = max(PARTS, key=lambda part: theil[part])
    return (
        f"Per head the cities have drawn together: σ at constant prices went from "
        f"{sigma[years[0]]:.2f} in {years[0]} to {sigma[years[1]]:.2f} in {years[1]}. The gap "
        f"between cores and hollow middle changed by {real['change']:+.2f} log units. The cores' "
        f"residents gained {real['people']:.2f} on the middle's ({real['people_core']:+.2f} in the "
        f"cores, {real['people_hollow']:+.2f} in the middle) while the cores' output gained "
        f"{real['output']:.2f} at constant and {current['output']:.2f} at current prices: the gap "
        "per head narrowed through people, by cores that filled and a middle that emptied, and "
        f"output {'caught up too' if caught_up else 'did not catch up'}. At current prices, "
        f"without the cities' own deflators, the gap changed by {current['change']:+.2f}. With "
        "output left where it was, the shift of residents accounts for "
        f"{parts.loc['total', 'people_total_kept']:+.3f} of a change of "
        f"{parts.loc['total', 'change']:+.3f} in Theil's index. In {years[1]} the largest part of "
        f"inequality lies "
        f"{PARTS[largest]} ({100 * theil[largest]:.0f} %)."
    )


if __name__ == "__main__":
    main(__file__, build)
