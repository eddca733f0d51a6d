"""Figure 8: potential flows between the cities by gravity, first and last year."""

from __future__ import annotations

from typing import Any

import pandas as pd

import ccec_econ as ce
from ccec_econ.report import network_figure, strongest_pairs
from ccec_econ.structure import Gravity, gravity, market_access, travel_times
from exhibit import Exhibit, main

CORES = ["510100", "500000"]
NOTE = (
    "Modified gravity: potentials from GDP at current prices, residents and distance, not observed "
    "flows. Drawn: the strongest {share:.0f} % of the pairs ({count} of {pairs}), great-circle "
    "distance between seats; Chongqing counts at its seat with all its GDP. By minutes of travel "
    "({years}; trains plus {station:.0f} minutes for the {listed} pairs that both timetables list, "
    "road for the others) the strongest tenth of flows holds {top} of all, by distance {held}. "
    "Sources: data/raw/gdp_revised, data/raw/population, "
    "data/raw/geography, data/raw/rail."
)
STATION = 30.0


def build(config: dict[str, Any]) -> Exhibit:
    """Compute the network by distance and by travel time, and draw the first."""
    setting = config["network"]
    panel = ce.data.load_panel(years=tuple(setting["years"]))
    km = ce.weights.distances()
    nets = {("distance", year): gravity(panel, "gdp", "pop", km, year) for year in setting["years"]}
    access, trains = {}, timetables(setting["timetables"])
    for year, table in trains.items():
        times = travel_times(table, km, to_station=STATION)
        nets["travel time", year] = gravity(panel, "gdp", "pop", times.minutes, year)
        nets["distance", year] = gravity(panel, "gdp", "pop", km, year)
        mass = panel["gdp"].xs(setting["timetables"][0], level="year")
        access[year] = market_access(times.minutes, mass)
    measures = pd.DataFrame({key: measured(net) for key, net in nets.items()}).T
    measures.index.names = ["separation", "year"]
    measures = measures.sort_index()
    drawn = {
        f"({letter}) {year}": nets["distance", year]
        for letter, year in zip("ab", setting["years"], strict=True)
    }
    names = ce.data.load_units()["name"]
    gain = (access[setting["timetables"][1]] / access[setting["timetables"][0]] - 1.0) * 100.0
    return Exhibit(
        figure=network_figure(
            drawn,
            share=setting["share"],
            note=note(measures, len(trains[setting["timetables"][0]]), setting),
        ),
        data={
            "": pairs(drawn, setting["share"]),
            "measures": measures.reset_index(),
            "cities": cities(nets, gain),
        },
        finding=finding(measures, gain, names, setting),
        numbers={
            "access_gain": float(gain.max()),
            "access_city": names[gain.idxmax()],
        }
        | {
            kind.replace(" ", "_"): {
                str(year): row.to_dict() for year, row in measures.loc[kind].iterrows()
            }
            for kind in ("distance", "travel time")
        },
    )


def timetables(years: list[int]) -> dict[int, pd.DataFrame]:
    """Return the pairs that all timetables list, one row a pair, so that years compare.

    The timetables list different cities; a pair that one of them leaves out would seem to lose
    its trains.
    """
    tables = {}
    for year in years:
        rows = ce.data.load_timetable(year)[["fastest"]].reset_index()
        ends = rows[["origin", "destination"]].to_numpy()
        ends.sort(axis=1)
        rows[["origin", "destination"]] = ends
        tables[year] = rows.groupby(["origin", "destination"])[["fastest"]].min()
    common = None
    for table in tables.values():
        common = table.index if common is None else common.intersection(table.index)
    return {year: table.loc[common].sort_index() for year, table in tables.items()}


def measured(net: Gravity) -> pd.Series:
    """Return how concentrated a network is, and the parts of cores and hollow middle."""
    total = net.flows.to_numpy().sum()
    hollow = ce.circle.roles() == "hollow"
    flows = net.flows.to_numpy()
    return pd.Series(
        {
            "density": net.density,
            "top_share": net.top_share,
            "between_cores": net.flows.loc[CORES, CORES].to_numpy().sum() / total,
            "out_of_cores": net.strength.loc[CORES, "out"].sum() / total,
            "within_hollow": flows[hollow.to_numpy()][:, hollow.to_numpy()].sum() / total,
            "hollow_net": net.strength.loc[hollow, "net"].sum() / total,
        }
    )


def note(measures: pd.DataFrame, listed: int, setting: dict[str, Any]) -> str:
    """Say what is drawn, and what travel times change."""
    number = len(ce.data.load_units())
    total = number * (number - 1) // 2
    years = setting["timetables"]
    held = {
        kind: " and ".join(f"{100 * measures.loc[(kind, y), 'top_share']:.0f} %" for y in years)
        for kind in ("distance", "travel time")
    }
    return NOTE.format(
        share=100 * setting["share"],
        count=round(setting["share"] * total),
        pairs=total,
        years=" and ".join(str(year) for year in years),
        station=STATION,
        listed=listed,
        top=held["travel time"],
        held=held["distance"],
    )


def pairs(drawn: dict[str, Gravity], share: float) -> pd.DataFrame:
    """One row per year and drawn pair."""
    frames = {
        title.split()[-1]: strongest_pairs(net, share).reset_index() for title, net in drawn.items()
    }
    return pd.concat(frames, names=["year", "rank"]).reset_index().drop(columns="rank")


def cities(nets: dict[tuple[str, int], Gravity], gain: pd.Series) -> pd.DataFrame:
    """One row per city: net outflow in each network as a part of all flows, and gained access."""
    columns = {
        f"net_{kind.replace(' ', '_')}_{year}": net.strength["net"] / net.flows.to_numpy().sum()
        for (kind, year), net in nets.items()
    }
    return pd.DataFrame(columns).assign(access_gain_percent=gain).rename_axis("unit").reset_index()


def finding(
    measures: pd.DataFrame, gain: pd.Series, names: pd.Series, setting: dict[str, Any]
) -> str:
    """Say how far the cores dominate, by distance and by time."""
    first, last = setting["years"]
    a, b = measures.loc[("distance", first)], measures.loc[("distance", last)]
    early, late = (measures.loc[("travel time", year)] for year in setting["timetables"])
    return (
        f"The potential flows radiate from the cores: they send {100 * a['out_of_cores']:.0f} % of "
        f"all in {first} and {100 * b['out_of_cores']:.0f} % in {last}, and the pair of cores "
        f"itself holds {100 * a['between_cores']:.1f} % and {100 * b['between_cores']:.1f} %; "
        f"flows within the hollow middle go from {100 * a['within_hollow']:.1f} % to "
        f"{100 * b['within_hollow']:.1f} %. By travel time the pair of cores holds "
        f"{100 * early['between_cores']:.1f} % in {setting['timetables'][0]} and "
        f"{100 * late['between_cores']:.1f} % in {setting['timetables'][1]}. With GDP held at "
        f"{setting['timetables'][0]} faster trains raise access to markets by up to "
        f"{gain.max():.0f} % ({names[gain.idxmax()]}) on the pairs that both timetables list."
    )


if __name__ == "__main__":
    main(__file__, build)
