"""Figure 3: the profile between the two cores, cities against the line and counties along it."""

from __future__ import annotations

from typing import Any

import pandas as pd

import ccec_econ as ce
from ccec_econ.report import Strip, profile_figure
from ccec_econ.structure import axis_position, by_stretch
from exhibit import Exhibit, main

PRICES = {"gdp_pc": "2000 prices", "gdp_pc_current": "current prices"}
NOTE = (
    "(a), (b): the line runs from one core's GDP per resident to the other's; cities within "
    "{near} km of the axis stand in the order of their position d₁/(d₁+d₂), d the great-circle "
    "distances to the seats of both cores ({positions}); {off} lie more than {on} km off it. 2000 "
    "prices: each city's own deflator. (c), (d): counties whose seats lie within {strip} km of the "
    "axis; outlined marks: counties ({lights} and {income}; {lacking} lack residents in one of the "
    "years); lines: all counties of {stretch} km together. Log scales. County GDP as published: "
    "figures before {last} were not revised after the economic census, those of Ziyang "
    "strongly, so (d) compares places within a year, hardly years. Distances, not travel times: "
    "timetables reach back to 2016 only. Sources: data/raw/gdp_revised, data/raw/population, "
    "data/raw/county_yearbook, data/raw/night_lights, data/raw/geography."
)


def build(config: dict[str, Any]) -> Exhibit:
    """Measure the trough in two prices, and light and income along the axis."""
    setting = config["axis"]
    cores, years = tuple(setting["cores"]), setting["years"]
    names = ce.data.load_units()["name"]
    near, off = near_axis(setting)
    depth = troughs(near, setting)
    profiles = {
        f"({letter}) GDP per resident, {PRICES[column]}": (
            100.0 * (1.0 - depth.loc[column]["depth"].unstack("unit"))[near]
        ).rename(columns=names)
        for letter, column in zip("ab", PRICES, strict=True)
    }
    place = axis_position(ce.data.load_units("county"), *county_ends())
    strips = along_axis(place, setting)
    at = depth.loc["gdp_pc"].xs(years[0], level="year")["position"]
    note = NOTE.format(
        near=setting["near_km"],
        positions=", ".join(f"{names[u]} {at[u]:.2f}" for u in near),
        off=listed([names[u] for u in near if u in off]),
        on=setting["on_axis_km"],
        strip=setting["county_km"],
        stretch=setting["stretch_km"],
        last=setting["income"][1],
        lights=len(strips[0].values),
        income=len(strips[1].values),
        lacking=len(strips[0].values) - len(strips[1].values),
    )
    ends = tuple(str(names[core]) for core in cores)
    axis = float(axis_position(ce.data.load_units(), *cores).loc[cores[1], "along_km"])
    return Exhibit(
        figure=profile_figure(profiles, strips, ends=ends, length_km=axis, note=note),
        data={"": depth.reset_index(), "county": county_data(strips)},
        finding=finding(depth, [u for u in near if u not in off], names, strips),
        numbers={
            "axis_km": axis,
            "cities": len(near),
            "depth": {
                prices: {
                    str(year): float(depth.loc[column].loc[year]["depth"].drop(off).mean())
                    for year in (years[0], years[-1])
                }
                for prices, column in (("real", "gdp_pc"), ("current", "gdp_pc_current"))
            },
            "valley": {strip: valley(part) for strip, part in zip(("lights", "income"), strips)},
        },
    )


def near_axis(setting: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return cities between the cores and near the axis, in order, and those of them off it."""
    place = axis_position(ce.data.load_units(), *setting["cores"])
    low, high = setting["between"]
    km = ce.weights.distances()[setting["cores"]]
    position = km.iloc[:, 0] / km.sum(axis=1)
    kept = place["share"].between(low, high) & (place["off_km"].abs() <= setting["near_km"])
    near = list(position[kept].sort_values().index)
    off = place["off_km"].abs() > setting["on_axis_km"]
    return near, [unit for unit in near if off[unit]]


def troughs(near: list[str], setting: dict[str, Any]) -> pd.DataFrame:
    """Return the trough at both prices, indexed (prices, year, unit)."""
    years, cores = setting["years"], tuple(setting["cores"])
    panel = ce.data.load_panel(years=(years[0], years[-1]))
    panel = panel[panel.index.get_level_values("year").isin(years)]
    panel = panel.assign(gdp_pc_current=1e4 * panel["gdp"] / panel["pop"])  # yuan
    km = ce.weights.distances()
    return pd.concat(
        {column: ce.convergence.trough(panel, column, cores, near, km) for column in PRICES},
        names=["prices"],
    )


def county_ends() -> tuple[str, str]:
    """Return the counties where the seats of both cores lie: Qingyang and Yuzhong."""
    seats = ce.data.load_units()
    km = ce.data.load_units("county")
    return tuple(
        str(((km[["lon", "lat"]] - seats.loc[core, ["lon", "lat"]]) ** 2).sum(axis=1).idxmin())
        for core in ("510100", "500000")
    )


def along_axis(place: pd.DataFrame, setting: dict[str, Any]) -> tuple[Strip, Strip]:
    """Cut the strip of counties around the axis: light per km², and GDP per resident."""
    length = float(place["along_km"].div(place["share"]).median())
    reach = setting["county_km"]
    inside = place["off_km"].abs().le(reach) & place["along_km"].between(-reach, length + reach)
    units = ce.data.load_units("county").loc[inside]
    panel = ce.data.load_panel("county").loc[units.index]
    tables = {name: panel[name].unstack("year") for name in ("night_lights", "gdp", "pop_resident")}
    lights = tables["night_lights"][setting["lights"]]
    area = pd.DataFrame(dict.fromkeys(lights, units["area_km2"])).loc[lights.index]
    income = [tables[name][setting["income"]] for name in ("gdp", "pop_resident")]
    known = pd.concat(income, axis=1).notna().all(axis=1)
    gdp, people = (table[known] for table in income)
    cuts = (
        ("(c) Night lights per km²", "night lights per km² (relative units)", lights, area, 1.0),
        ("(d) GDP per resident, current prices", "thousand yuan", gdp, people, 10.0),
    )
    return tuple(
        Strip(
            title,
            label,
            scale * total / over,
            place["along_km"],
            scale * by_stretch(total, over, place["along_km"], setting["stretch_km"]),
        )
        for title, label, total, over, scale in cuts
    )


def county_data(strips: tuple[Strip, Strip]) -> pd.DataFrame:
    """One row per measure, county and year."""
    frames = [
        strip.values.stack()
        .rename("value")
        .reset_index()
        .assign(measure=name, along_km=lambda rows, s=strip: rows["unit"].map(s.along_km))
        for name, strip in zip(("night_lights_per_km2", "gdp_per_resident"), strips, strict=True)
    ]
    return pd.concat(frames, ignore_index=True)


def valley(strip: Strip) -> dict[str, float]:
    """Return by year where the lowest stretch lies, and its share of the highest."""
    low = strip.stretches.idxmin()
    return {
        f"{name}_{year}": float(value)
        for year in strip.stretches
        for name, value in (
            ("place", low[year]),
            ("share", strip.stretches[year].min() / strip.stretches[year].max()),
        )
    }


def finding(
    depth: pd.DataFrame, on: list[str], names: pd.Series, strips: tuple[Strip, Strip]
) -> str:
    """Say how deep the trough is at both prices, and whether counties show it."""
    level = {
        column: 100.0 * (1.0 - depth.loc[column]["depth"].unstack("unit")[on]) for column in PRICES
    }
    first, last = level["gdp_pc"].index[[0, -1]]
    mean = {column: frame.mean(axis=1) for column, frame in level.items()}
    rest = {column: mean[column][last] - mean[column][first] for column in PRICES}
    least = level["gdp_pc_current"].loc[last].idxmin()
    lights = strips[0].stretches
    share = [100.0 * lights[year].min() / lights[year].max() for year in lights]
    return (
        f"Between the cores lies a trough: in {first} the cities on the axis "
        f"({listed([names[u] for u in on])}) had on average {mean['gdp_pc'][first]:.0f} % of the "
        f"line between the cores at 2000 prices and {mean['gdp_pc_current'][first]:.0f} % at "
        f"current prices. The two prices part afterwards: by {last} it is "
        f"{mean['gdp_pc'][last]:.0f} % at 2000 prices ({rest['gdp_pc']:+.0f} points) and "
        f"{mean['gdp_pc_current'][last]:.0f} % at current prices "
        f"({rest['gdp_pc_current']:+.0f} points; {names[least]} "
        f"{level['gdp_pc_current'].loc[last, least]:.0f} %). "
        f"Among counties the darkest stretch has {share[0]:.1f} % of the brightest stretch's light "
        f"per km² in {lights.columns[0]} and {share[1]:.1f} % in {lights.columns[1]}."
    ).replace("(-", "(−")


def listed(names: list[str]) -> str:
    """Join names as in a sentence."""
    *others, final = names
    return f"{', '.join(others)} and {final}" if others else final


if __name__ == "__main__":
    main(__file__, build)
