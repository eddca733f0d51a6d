"""Table 4A. Inequality between counties: how much lies within cities, and what changed it."""

from __future__ import annotations

from typing import Any

import pandas as pd

import ccec_econ as ce
from ccec_econ import circle
from ccec_econ import convergence as cv
from ccec_econ.typeset import Table, number
from exhibit import Exhibit, main

# What is measured: heading, value per head or km2, weight, setting that holds the years.
SERIES = {
    "lights": ("Night lights per km²", "lights_km2", "area_km2"),
    "lights_pc": ("Night lights per resident", "lights_pc", "pop_resident"),
    "gdp": ("GDP per resident", "gdp_pc", "pop_resident"),
    "gdp_after": ("GDP per resident, after the revision", "gdp_pc", "pop_resident"),
}
MEASURES = {"sigma": "σ of the logarithm", "gini": "Gini", "theil": "Theil"}
PARTS = {
    "total": "Theil index",
    "province": "between provinces",
    "city": "between cities of a province",
    "units": "between counties of a city",
}
SOURCES = (
    "Night lights: relative units, one footing from 2013. GDP: current prices; county figures were "
    "revised with the economic census of 2018 and are not compared across 2017–2019. Residents "
    "between the censuses of 2010 and 2020 grow at a constant rate. Counties between which "
    "townships moved are one area."
)


def build(config: dict[str, Any]) -> Exhibit:
    """Measure and split inequality between counties, by year."""
    setting = config["county"]
    panels = {name: panel(name, tuple(setting[name])) for name in SERIES}
    measures, tests = measured(panels)
    split = pd.concat({name: parts(name, frame) for name, frame in panels.items()}, names=["what"])
    yearly = pd.concat({name: nested(name, frame) for name, frame in panels.items()})
    inside = within_cities(panels[setting["within"]], setting["within"])
    shares = yearly.rename_axis(["what", "year"]).reset_index()
    return Exhibit(
        table={
            "": table_of_measures(measures, tests, panels),
            "parts": table_of_parts(split, panels),
            "within": table_of_within(inside),
        },
        data={"": measures, "parts": split.reset_index(), "within": inside, "years": shares},
        finding=finding(measures, tests, split, inside),
        numbers={
            "areas": {name: units_of(frame) for name, frame in panels.items()},
            "within_share": {
                name: float(100 * split.loc[(name, "units"), "last"] / total(split, name, "last"))
                for name in SERIES
            },
            "t": {name: float(tests.loc[name, "t"]) for name in tests.index},
        },
    )


def panel(name: str, years: tuple[int, int]) -> pd.DataFrame:
    """Load counties (lights per km2) or areas (per resident), those with figures in every year."""
    _, value, _ = SERIES[name]
    if name == "lights":
        frame = ce.data.load_panel(layer="county", years=years)
        frame = frame.join(ce.data.load_units("county")["area_km2"], on="unit")
    else:
        frame = ce.data.load_census_areas(years)
    frame = frame.assign(
        lights_km2=frame["night_lights"] / frame["area_km2"],
        lights_pc=frame["night_lights"] / frame.get("pop_resident"),
    )
    gaps = frame[value].isna().groupby("unit").any()
    return frame[~gaps.reindex(frame.index.get_level_values("unit")).to_numpy()]


def levels() -> dict[str, pd.Series]:
    """Provinces and the cities in them."""
    return {
        "province": circle.partition("province", "county"),
        "city": ce.data.load_units("county")["city"],
    }


def measured(panels: dict[str, pd.DataFrame]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return measures by year, every area and every resident or km2 the same, and their trends."""
    rows, tests = [], {}
    for name, frame in panels.items():
        _, value, weight = SERIES[name]
        for measure in MEASURES:
            for by in (None, weight):
                found = cv.dispersion(frame, value, measure, population=by)
                rows.append(
                    found.rename("estimate")
                    .reset_index()
                    .assign(what=name, measure=measure, weighted=by is not None)
                )
        variance = cv.sigma(frame, value) ** 2
        if len(variance) >= 5:
            weak = cv.weak_sigma(variance)
            tests[name] = {
                "t": weak.trend.tstat,
                "lags": weak.trend.lags,
                "first": weak.trend.first,
                "last": weak.trend.last,
            }
    order = ["what", "measure", "weighted", "year", "estimate"]
    return pd.concat(rows, ignore_index=True)[order], pd.DataFrame.from_dict(tests, orient="index")


def nested(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Split Theil's index by year."""
    _, value, weight = SERIES[name]
    return cv.theil_nested(frame, value, weight, levels())


def parts(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Split Theil's index of the first and last year, and its change."""
    _, value, weight = SERIES[name]
    years = frame.index.get_level_values("year")
    ends = (int(years.min()), int(years.max()))
    found = cv.theil_change(frame, value, weight, levels(), years=ends)
    stays = cv.theil_change(frame, value, weight, levels(), years=ends, kept="total")
    return found.assign(people_total_kept=stays["people"])


def within_cities(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Say which cities the part within cities comes from, in the first and last year."""
    _, value, weight = SERIES[name]
    years = frame.index.get_level_values("year")
    names, roles = ce.data.load_units()["name"], circle.roles()
    whole = (frame[value] * frame[weight]).groupby("year").sum()
    rows = []
    for city, own in frame.groupby("city"):
        theil = cv.dispersion(own, value, "theil", population=weight)
        share = (own[value] * own[weight]).groupby("year").sum() / whole
        row = {"city": names[city], "role": roles[city], "areas": units_of(own)}
        for label, year in (("first", years.min()), ("last", years.max())):
            row |= {
                f"theil_{label}": float(theil[year]),
                f"adds_{label}": float(theil[year] * share[year]),
            }
        rows.append(row | {"year_first": int(years.min()), "year_last": int(years.max())})
    return pd.DataFrame(rows).sort_values("adds_last", ascending=False, ignore_index=True)


def units_of(frame: pd.DataFrame) -> int:
    """Count units."""
    return int(frame.index.get_level_values("unit").nunique())


def total(split: pd.DataFrame, name: str, column: str) -> float:
    """Return the whole index of one series."""
    return float(split.loc[(name, "total"), column])


def span_of(frame: pd.DataFrame) -> str:
    """Print the first and last year."""
    years = frame.index.get_level_values("year")
    return f"{years.min()}–{years.max()}"


def table_of_measures(
    measures: pd.DataFrame, tests: pd.DataFrame, panels: dict[str, pd.DataFrame]
) -> Table:
    """Print measures in the first and last year, with the test of weak sigma."""
    rows: list[tuple[str, ...]] = []
    rules = []
    keyed = measures.set_index(["what", "measure", "weighted", "year"])["estimate"].sort_index()
    for name, (heading, _, weight) in SERIES.items():
        years = sorted(keyed[name].index.unique("year"))
        middle = years[len(years) // 2] if len(years) > 2 else None
        sample = f"{span_of(panels[name])}, N = {units_of(panels[name])}"
        for measure, label in MEASURES.items():
            for weighted in (False, True) if measure != "sigma" else (False,):
                values = [
                    "" if year is None else number(float(keyed[name, measure, weighted, year]), 3)
                    for year in (years[0], middle, years[-1])
                ]
                by = "" if not weighted else ", by km²" if weight == "area_km2" else ", by resident"
                test = (
                    number(float(tests.loc[name, "t"]), 1)
                    if measure == "sigma" and name in tests.index
                    else ""
                )
                head = (heading, sample) if measure == "sigma" else ("", "")
                rows.append((*head, label + by, *values, test))
        rules.append(len(rows))
    return Table(
        title="Inequality between counties",
        columns=("Figure", "Sample", "Measure", "First", "Middle", "Last", "t of weak σ"),
        rows=tuple(rows),
        rules=frozenset(rules[:-1]),
        notes=(
            SOURCES,
            "t of the variance of the logarithm on time, Newey-West; below −1.65 dispersion falls. "
            "The test is made for long panels: with seven to ten years it describes. Middle: "
            "the middle year of the sample.",
        ),
        text_columns=frozenset({1, 2}),
    )


def table_of_parts(split: pd.DataFrame, panels: dict[str, pd.DataFrame]) -> Table:
    """Print Theil's parts at both ends, their shares and what changed them."""
    rows: list[tuple[str, ...]] = []
    rules = []
    for name, (heading, _, weight) in SERIES.items():
        for part, label in PARTS.items():
            found = split.loc[(name, part)]
            share = 100 * found["last"] / total(split, name, "last")
            people = [
                "" if weight == "area_km2" else number(float(found[column]), 4)
                for column in ("people", "people_total_kept")
            ]
            rows.append(
                (
                    f"{heading}, {span_of(panels[name])}" if part == "total" else "",
                    label,
                    number(float(found["first"]), 4),
                    number(float(found["last"]), 4),
                    number(float(share), 0),
                    number(float(found["change"]), 4),
                    *people,
                )
            )
        rules.append(len(rows))
    return Table(
        title="Inequality between counties by place, and what changed it",
        columns=("Figure", "Part", "First", "Last", "%", "Change", "Heads", "Totals"),
        rows=tuple(rows),
        rules=frozenset(rules[:-1]),
        notes=(
            "Every km² or every resident counts the same; parts add up. %: of the last year's "
            "index. Heads and totals: what the shift of residents did (Shapley values); heads: "
            "figures per resident are held and only weights move; totals: GDP or light stays "
            "behind and figures per resident rise where people leave. The rest of the change is "
            "the figure's. " + SOURCES,
        ),
        text_columns=frozenset({1}),
    )


def table_of_within(inside: pd.DataFrame) -> Table:
    """Print what each city adds to the part within cities."""
    first, last = (int(inside[c].iloc[0]) for c in ("year_first", "year_last"))
    sums = inside[["adds_first", "adds_last"]].sum()
    return Table(
        title="Where inequality within cities lies: GDP per resident of counties",
        columns=(
            "City",
            "Role",
            "Areas",
            f"Theil {first}",
            f"Theil {last}",
            f"Share {first}, %",
            f"Share {last}, %",
        ),
        rows=tuple(
            (
                str(row["city"]),
                str(row["role"]),
                str(row["areas"]),
                number(float(row["theil_first"]), 3),
                number(float(row["theil_last"]), 3),
                number(100 * float(row["adds_first"] / sums["adds_first"]), 0),
                number(100 * float(row["adds_last"] / sums["adds_last"]), 0),
            )
            for _, row in inside.iterrows()
        ),
        notes=(
            "Theil: between the city's own areas, by resident. Share: of the part between counties "
            "of a city in the whole circle; a city's Theil times its share of GDP. GDP is counted "
            "where it is made and residents where they live, so districts with work for commuters "
            "look richer than they are. " + SOURCES,
        ),
        text_columns=frozenset({1}),
    )


def finding(
    measures: pd.DataFrame, tests: pd.DataFrame, split: pd.DataFrame, inside: pd.DataFrame
) -> str:
    """Say how much lies within cities, what fell, and what people did."""
    keyed = measures.set_index(["what", "measure", "weighted", "year"])["estimate"]
    sigma = keyed.sort_index()["lights", "sigma", False]
    theil = {name: (total(split, name, "first"), total(split, name, "last")) for name in SERIES}
    share = {
        name: 100 * float(split.loc[(name, "units"), "last"]) / theil[name][1] for name in SERIES
    }
    provinces = 100 * float(split.loc[("gdp_after", "province"), "last"]) / theil["gdp_after"][1]
    falls = "falls" if tests.loc["lights", "t"] < -1.65 else "does not fall"
    moved = {
        name: split.loc[(name, "total"), ["people_total_kept", "change"]].astype(float)
        for name in ("lights_pc", "gdp")
    }
    top = inside.head(2)
    of_two = 100 * float(top["adds_last"].sum() / inside["adds_last"].sum())
    first, last = sigma.index.min(), sigma.index.max()
    return (
        f"Most inequality between counties lies within cities: {share['gdp_after']:.0f} % of "
        f"Theil's index of GDP per resident and {share['lights']:.0f} % of that of lights per km², "
        f"against {provinces:.0f} % of GDP between the two provinces; {top['city'].iloc[0]} and "
        f"{top['city'].iloc[1]} hold {of_two:.0f} % of what lies within cities. The typical "
        f"distance between counties in lights per km² {falls} "
        f"(σ {sigma[first]:.2f} in {first}, {sigma[last]:.2f} in {last}; t = "
        f"{tests.loc['lights', 't']:.1f}), while the index that counts every km² goes from "
        f"{theil['lights'][0]:.2f} to {theil['lights'][1]:.2f}: σ hangs on the darkest counties. "
        f"Theil's index of GDP per resident goes from {theil['gdp'][0]:.3f} to "
        f"{theil['gdp'][1]:.3f} before the revision of county figures and from "
        f"{theil['gdp_after'][0]:.3f} to {theil['gdp_after'][1]:.3f} after it. The shift of "
        f"residents, with GDP left where it was, accounts for {moved['gdp'].iloc[0]:+.3f} of a "
        f"change of {moved['gdp'].iloc[1]:+.3f}, and for {moved['lights_pc'].iloc[0]:+.3f} of "
        f"{moved['lights_pc'].iloc[1]:+.3f} in lights per resident."
    )


if __name__ == "__main__":
    main(__file__, build)
