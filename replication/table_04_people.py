"""Table 4B. Where people drained, digital employment, shrinking cities, likeness of industries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import permutation_test

import ccec_econ as ce
from ccec_econ import circle
from ccec_econ import convergence as cv
from ccec_econ import structure as st
from ccec_econ.typeset import Table, interval, number
from exhibit import Exhibit, main, rng

ROLES = {"core": "Cores", "hollow": "Hollow", "secondary": "Secondary", "other": "Other"}
WINGS = {"axis": "Axis", "north": "North wing", "south": "South wing", "other": "Else"}
DIGITAL = {
    "info_share": "Employed in information services, %",
    "sci_share": "Employed in science, %",
    "college_share": "College education, %",
    "manuf_share": "Employed in manufacturing, %",
    "schooling": "Schooling, years",
    "gdp_pc": "GDP per resident, yuan",
    "lights_pc": "Night lights per resident",
}
SECTORS = ("share1", "share2", "share3")


def build(config: dict[str, Any]) -> Exhibit:
    """Count people by role, compare dispersions, set people against land, compare sectors."""
    setting = config["people"]
    first, last = setting["years"]
    drained = by_role(setting)
    spread = digital(config)
    towns = shrinking(first, last)
    sectors = industry(tuple(setting["industry"]))
    apart = hollow_against_others(towns, config)
    return Exhibit(
        table={
            "": table_of_roles(drained, setting, apart),
            "digital": table_of_digital(spread),
            "shrinking": table_of_shrinking(towns, first, last),
            "industry": table_of_industry(sectors, setting["industry"]),
        },
        data={
            "": drained.reset_index(),
            "digital": spread.reset_index(),
            "shrinking": towns.reset_index(),
            "industry": sectors.reset_index(),
        },
        finding=finding(drained, spread, towns, sectors, apart, setting),
        numbers={
            "percent": {name: drained.loc[name, "percent"].to_dict() for name in ("role", "axis")},
            "losing": drained.loc["role", "losing"].to_dict(),
            "areas": drained.loc["role", "units"].to_dict(),
            "gini": spread["gini"].to_dict(),
            "p_people": apart["people"],
            "p_indicator": apart["indicator"],
        },
    )


def by_role(setting: dict[str, Any]) -> pd.DataFrame:
    """Count residents by role and wing; set GDP and light per resident against the circle's."""
    areas = ce.data.load_census_areas(tuple(setting["years"]))
    parts = {}
    for name, rows in (("role", [*ROLES, "total"]), ("axis", list(WINGS))):
        classes = circle.partition(name, "county")
        parts[name] = by_class(areas, classes, setting).loc[rows]
    return pd.concat(parts, names=["partition", "class"])


def by_class(areas: pd.DataFrame, classes: pd.Series, setting: dict[str, Any]) -> pd.DataFrame:
    """Count residents by class, and GDP and light per resident, circle = 100."""
    table = st.people_by_class(areas, "pop_resident", classes, years=tuple(setting["years"]))
    for column, chosen in (("gdp", setting["gdp"]), ("night_lights", setting["lights"])):
        for year in chosen:
            now = areas.xs(year, level="year").dropna(subset=[column])
            own = now.index.map(classes.to_dict())
            sums = now.groupby(own)[[column, "pop_resident"]].sum()
            sums.loc["total"] = sums.sum()
            head = sums[column] / sums["pop_resident"]
            table[f"{column}_{year}"] = 100 * head / head["total"]
    return table


def digital(config: dict[str, Any]) -> pd.DataFrame:
    """Measure how unequal counties are in digital employment, schooling, income, light."""
    year = config["people"]["years"][1]
    frame = ce.data.load_census().xs(year, level="year", drop_level=False)
    county = ce.data.load_panel(layer="county", years=(year, year))
    frame = frame.assign(
        gdp_pc=1e4 * county["gdp"] / frame["pop_resident"],
        lights_pc=county["night_lights"] / frame["pop_resident"],
        role=circle.roles("county").reindex(frame.index.get_level_values("unit")).to_numpy(),
    )
    rows = {}
    for name in DIGITAL:
        ends = cv.dispersion_intervals(
            frame,
            name,
            "gini",
            population="pop_resident",
            draws=config["draws"]["bootstrap"],
            rng=rng(config, f"table_04_people_{name}"),
        ).iloc[0]
        rest = frame[frame["role"] != "core"]
        row = {
            "gini": ends["estimate"],
            "lower": ends["lower"],
            "upper": ends["upper"],
            "gini_without_cores": cv.dispersion(
                rest, name, "gini", population="pop_resident"
            ).item(),
            "sigma": cv.sigma(frame, name).item(),
        }
        for role, own in frame.groupby("role"):
            row[str(role)] = float(np.average(own[name], weights=own["pop_resident"]))
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("variable")


def shrinking(first: int, last: int) -> pd.DataFrame:
    """Set growth of residents, all and urban, against that of built-up land."""
    panel = ce.data.load_panel(years=(first, last))
    span = st.shrinking(panel, "pop", "built_up_km2", span=last - first).droplevel("year")
    yearly = st.shrinking(panel, "pop", "built_up_km2")["indicator"]
    census = ce.data.load_census()
    known = census["pop_urban"].notna() | census["pop_resident"].isna()
    towns = census.groupby(["city", "year"])["pop_urban"].sum().unstack("year")
    towns = towns[known.groupby(census["city"]).all()]
    urban = np.log(towns[last] / towns[first]) / (last - first)
    frame = (last - first) * span
    return frame.assign(
        urban=(last - first) * urban,
        indicator_urban=(last - first) * (urban - span["land"]),
        years_below=(yearly < 0).groupby("unit").sum(),
        years=yearly.groupby("unit").size(),
        role=circle.roles(),
        name=ce.data.load_units()["name"],
    )


def hollow_against_others(towns: pd.DataFrame, config: dict[str, Any]) -> dict[str, float]:
    """Test the hollow middle against the other cities but the cores, every assignment counted."""
    hollow, rest = (
        towns[towns["role"].isin(roles)] for roles in (("hollow",), ("secondary", "other"))
    )
    return {
        name: float(
            permutation_test(
                (hollow[name].to_numpy(), rest[name].to_numpy()),
                lambda a, b, axis: a.mean(axis=axis) - b.mean(axis=axis),
                n_resamples=np.inf,
                vectorized=True,
            ).pvalue
        )
        for name in ("people", "land", "indicator")
    }


def industry(years: tuple[int, int]) -> pd.DataFrame:
    """Measure specialisation of cities and likeness to the others, by three sectors."""
    panel = ce.data.load_panel(years=years)
    panel = panel.assign(share1=100 - panel["share2"] - panel["share3"])
    special = st.krugman(panel, SECTORS, "gdp")
    frame = pd.DataFrame({"name": ce.data.load_units()["name"], "role": circle.roles()})
    for label, year in zip(("first", "last"), years, strict=True):
        alike = st.similarity(panel, SECTORS, year)
        frame[f"krugman_{label}"] = special.loc[year]
        frame[f"alike_{label}"] = (alike.sum(axis=1) - 1) / (len(alike) - 1)
    return frame


def table_of_roles(
    drained: pd.DataFrame, setting: dict[str, Any], apart: dict[str, float]
) -> Table:
    """Print residents by role and what a resident has, against the circle."""
    first, last = setting["years"]
    relative = [f"gdp_{year}" for year in setting["gdp"]]
    relative += [f"night_lights_{year}" for year in setting["lights"]]
    names = {"role": ROLES, "axis": WINGS}
    rows = [
        (
            names[part].get(str(role), "Circle"),
            str(int(row["units"])),
            number(float(row["first"]), 0),
            number(float(row["last"]), 0),
            number(float(row["percent"]), 1),
            str(int(row["losing"])),
            *(number(float(row[name]), 0) for name in relative),
        )
        for (part, role), row in drained.iterrows()
    ]
    return Table(
        title="Where people drained from: counties by role of their city",
        columns=(
            "Role",
            "Areas",
            str(first),
            str(last),
            "Change, %",
            "Losing",
            *(f"GDP {year}" for year in setting["gdp"]),
            *(f"Light {year}" for year in setting["lights"]),
        ),
        rows=tuple(rows),
        rules=frozenset({len(ROLES), len(ROLES) + 1}),
        notes=(
            f"Residents of the censuses of {first} and {last}, 10,000 persons. Counties between "
            "which townships moved are one area. Losing: areas with fewer residents. GDP and "
            "light: per resident, circle = 100, areas with figures; county GDP was revised between "
            "2016 and 2019. Of Chongqing's counties only the nine main districts are core. Below: "
            "wings, the axis with the cores at its ends. Three "
            "counties of 2010 are the rest of their city.",
            "Hollow middle against the ten cities that are neither core nor hollow, mean growth of "
            f"residents: exact permutation p = {number(apart['people'], 3)}; of built-up land "
            f"p = {number(apart['land'], 3)}. The cities were named hollow with some of these "
            "years in view, so the p-values describe.",
        ),
    )


def table_of_digital(spread: pd.DataFrame) -> Table:
    """Print dispersion of digital employment against that of income."""
    return Table(
        title="Is digital employment more unequal than income? Counties in 2020",
        columns=(
            "Figure",
            "Gini",
            "95 %",
            "Without cores",
            "σ of ln",
            *ROLES.values(),
        ),
        rows=tuple(
            (
                DIGITAL[str(name)],
                number(float(row["gini"]), 3),
                interval(float(row["lower"]), float(row["upper"]), 3),
                number(float(row["gini_without_cores"]), 3),
                number(float(row["sigma"]), 3),
                *(number(float(row[role]), 0 if name == "gdp_pc" else 2) for role in ROLES),
            )
            for name, row in spread.iterrows()
        ),
        notes=(
            "156 counties; every resident counts the same. Brackets: bootstrap, whole counties "
            "drawn. Without cores: Gini among the counties that are not core. Last columns: means "
            "by role. Employment: 10 % sample of the census, by place of residence, in per cent of "
            "the employed; one year only, so a trend cannot be told.",
        ),
    )


def table_of_shrinking(towns: pd.DataFrame, first: int, last: int) -> Table:
    """Print people against land, hollow middle first."""
    order = {role: place for place, role in enumerate(("hollow", "core", "secondary", "other"))}
    ordered = towns.assign(place=towns["role"].map(order)).sort_values(["place", "indicator"])
    columns = ("people", "land", "indicator", "urban", "indicator_urban")
    return Table(
        title=f"Residents against built-up land, {first}–{last}",
        columns=(
            "City",
            "Role",
            "Residents",
            "Land",
            "Indicator",
            "Urban residents",
            "Urban indicator",
            "Years below 0",
        ),
        rows=tuple(
            (
                str(row["name"]),
                str(row["role"]),
                *("" if np.isnan(row[name]) else number(float(row[name]), 2) for name in columns),
                f"{row['years_below']} of {row['years']}",
            )
            for _, row in ordered.iterrows()
        ),
        notes=(
            "Log growth over the span. Indicator: residents less land. Land is the built-up area "
            "of the city districts and jumps where counties become districts (Dazhou: 37 to 108 "
            "km² in 2014); residents are those of the whole city, urban residents those of the "
            "census, missing where a county of 2010 has none. Years below 0: of the yearly "
            "indicator.",
        ),
        text_columns=frozenset({1}),
    )


def table_of_industry(sectors: pd.DataFrame, years: list[int]) -> Table:
    """Print specialisation and likeness by city."""
    columns = ("krugman_first", "krugman_last", "alike_first", "alike_last")
    return Table(
        title="How alike are the cities' sectors?",
        columns=(
            "City",
            "Role",
            f"Krugman {years[0]}",
            f"Krugman {years[1]}",
            f"Similarity {years[0]}",
            f"Similarity {years[1]}",
        ),
        rows=tuple(
            (str(row["name"]), str(row["role"]), *(number(float(row[c]), 3) for c in columns))
            for _, row in sectors.sort_values("krugman_last").iterrows()
        ),
        notes=(
            "Three broad sectors in value added at current prices. Krugman: distance to the rest "
            "of the circle, 0 alike, 2 nothing in common. Similarity: mean cosine with the other "
            "cities, 1 alike. With three sectors both say little about industries: two cities of "
            "equal shares may make cars and liquor.",
        ),
        text_columns=frozenset({1}),
    )


def finding(
    drained: pd.DataFrame,
    spread: pd.DataFrame,
    towns: pd.DataFrame,
    sectors: pd.DataFrame,
    apart: dict[str, float],
    setting: dict[str, Any],
) -> str:
    """Say who lost people, whether the middle is hollow, and what goes against the hypotheses."""
    first, last = setting["years"]
    start, before, _, after = setting["gdp"]
    lights = setting["lights"]
    role = drained.loc["role"]
    wing = drained.loc["axis", "percent"]
    hollow, rest = role.loc["hollow"], role.loc[["secondary", "other"]]
    others = 100 * (rest["last"].sum() / rest["first"].sum() - 1)
    income = {
        name: [float(role.loc[name, f"gdp_{year}"]) for year in (start, before, after)]
        for name in ("hollow", "secondary", "other")
    }
    info, gdp = spread.loc["info_share"], spread.loc["gdp_pc"]
    how = "more" if info["gini"] > gdp["gini"] else "less"
    apart_ends = info["lower"] > gdp["upper"] or info["upper"] < gdp["lower"]
    below = towns["indicator"] < 0
    strict = below & (towns["people"] < 0)
    urban = (towns["indicator_urban"].dropna() < 0).sum()
    alike = sectors[["alike_first", "alike_last"]].mean()
    special = sectors.groupby("role")["krugman_last"].mean()
    return (
        f"From {first} to {last} {hollow['losing']:.0f} of the {hollow['units']:.0f} areas of the "
        f"hollow middle lost residents, {hollow['percent']:+.1f} % together; the cores gained "
        f"{role.loc['core', 'percent']:+.1f} %, the other cities {others:+.1f} % (hollow against "
        f"these, p = {apart['people']:.3f}): in people the middle is hollow at county scale. In "
        f"GDP per resident it stood at {income['hollow'][0]:.0f} % of the circle in {start} and "
        f"{income['hollow'][1]:.0f} % in {before}, level with secondary "
        f"({income['secondary'][0]:.0f} and {income['secondary'][1]:.0f} %) and other areas "
        f"({income['other'][0]:.0f} and {income['other'][1]:.0f} %); on revised figures it is at "
        f"{income['hollow'][2]:.0f} % in {after}, against {income['secondary'][2]:.0f} and "
        f"{income['other'][2]:.0f} %. Light per resident went from "
        f"{hollow[f'night_lights_{lights[0]}']:.0f} to {hollow[f'night_lights_{lights[1]}']:.0f} % "
        f"of the circle ({lights[0]}–{lights[1]}). The south wing had {wing['south']:+.1f} % "
        f"residents, the north wing {wing['north']:+.1f} %. Employment in information "
        f"services is {how} unequal than GDP per resident (Gini {info['gini']:.2f} against "
        f"{gdp['gini']:.2f}, intervals "
        f"{'apart' if apart_ends else 'overlapping'}), mostly cores against the rest: without the "
        f"cores {info['gini_without_cores']:.2f} against {gdp['gini_without_cores']:.2f}. Built-up "
        f"land outgrew residents in {below.sum()} of {len(towns)} cities, and urban residents in "
        f"{urban} of {towns['indicator_urban'].notna().sum()}, so that does not set the hollow "
        f"middle apart (p = {apart['indicator']:.3f}); {strict.sum()} cities built while residents "
        f"left. Sectors are alike (mean similarity {alike['alike_first']:.2f} and "
        f"{alike['alike_last']:.2f}), specialisation of the hollow middle {special['hollow']:.2f} "
        f"and of secondary cities {special['secondary']:.2f}; three sectors cannot say more."
    )


if __name__ == "__main__":
    main(__file__, build)
