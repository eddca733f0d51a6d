"""What the two timetables list: trains, and minutes between stations, beside modelled minutes."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ccec_econ.circle import Layer
from ccec_econ.data.rail import load_stations
from ccec_econ.data.store import load_table
from ccec_econ.data.timetables import TIMETABLES, load_timetable
from ccec_econ.data.units import load_units
from ccec_econ.errors import DataError
from ccec_econ.rail.adoption import locate
from ccec_econ.rail.network import Assumptions, build_network
from ccec_econ.rail.times import served_on
from ccec_econ.typeset import Printed, Table, number

__all__ = [
    "CORES",
    "TimetableCheck",
    "compare_with_timetable",
    "fastest_to_cores",
    "listed_trains",
    "trains_per_day",
]

CORES = {
    "Chengdu": {"city": "510100", "county": "510106"},
    "Chongqing": {"city": "500000", "county": "500112"},
}
"""Core -> its unit by layer; at the county layer the county of its main station."""

_DAYS = {2016: pd.Timestamp("2016-03-10"), 2020: pd.Timestamp("2020-12-31")}


@dataclass(frozen=True, slots=True, repr=False)
class TimetableCheck(Printed):
    """Fastest listed minutes on board beside modelled ones, between stations.

    Attributes
    ----------
    year : int
    pairs : DataFrame
        One row per listed pair, by the faster direction: ``origin``, ``destination``, ``listed``,
        ``modelled``.
    """

    year: int
    pairs: pd.DataFrame

    @property
    def correlation(self) -> float:
        """Correlation of listed and modelled minutes."""
        return float(self.pairs["listed"].corr(self.pairs["modelled"]))

    @property
    def median_error(self) -> float:
        """Median of modelled minus listed minutes."""
        return float((self.pairs["modelled"] - self.pairs["listed"]).median())

    @property
    def median_share(self) -> float:
        """Median of the error over listed minutes, without its sign."""
        error = self.pairs["modelled"] - self.pairs["listed"]
        return float((error.abs() / self.pairs["listed"]).median())

    def summary(self) -> Table:
        """Table of the agreement."""
        rows = (
            ("pairs listed", str(len(self.pairs))),
            ("correlation", number(self.correlation)),
            ("median of modelled minus listed, minutes", number(self.median_error, 1)),
            ("median of the error over listed, without sign", number(self.median_share)),
        )
        return Table(f"Timetable of {self.year} and the model", ("", "value"), rows)


def listed_trains(year: int) -> pd.DataFrame:
    """Return what a timetable lists between places, with the stations behind each place.

    Parameters
    ----------
    year : {2016, 2020}
        10 March 2016, or the turn of 2020.

    Returns
    -------
    DataFrame
        One row per direction: ``origin``, ``destination`` (as listed), ``trains``, ``fastest``
        (minutes), ``from_stations`` and ``to_stations`` (tuples of names). In 2016 the source names
        the stations; in 2020 they are those named after the place that were open.

    Raises
    ------
    DataError
        If there is no timetable of the year.

    Examples
    --------
    >>> listed_trains(2016).query("fastest == 7")["to_stations"].tolist()
    [('Rongchangbei',)]
    """
    if year not in TIMETABLES:
        raise DataError(f"no timetable of {year}; there are those of 2016 and 2020.")
    table = load_table("rail", f"od_{year}")
    stations = load_table("rail", "stations")
    stations = stations[load_stations()["earliest"] <= _DAYS[year]].drop_duplicates("station_zh")
    names = stations.set_index("station_zh")["station_en"]
    if year == 2016:
        ends = table["note"].str.removeprefix("main stations only: ").str.split(" -> ", expand=True)
        behind = [[tuple(names[s] for s in end.split("/")) for end in ends[k]] for k in (0, 1)]
    else:
        behind = [
            [tuple(names[names.index.str.startswith(place)]) for place in table[end]]
            for end in ("origin", "dest")
        ]
    return pd.DataFrame(
        {
            "origin": table["origin"],
            "destination": table["dest"],
            "trains": table[TIMETABLES[year]],
            "fastest": table["fastest_min"].astype(float),
            "from_stations": behind[0],
            "to_stations": behind[1],
        }
    )


def compare_with_timetable(year: int, assumptions: Assumptions | None = None) -> TimetableCheck:
    """Model minutes on board for the pairs that a timetable lists, with the lines of its day.

    Parameters
    ----------
    year : {2016, 2020}
    assumptions : Assumptions, optional

    Returns
    -------
    TimetableCheck

    Raises
    ------
    DataError
        If there is no timetable of the year.

    Notes
    -----
    From station to station, so neither the way to a station nor waiting enters; changes do. Where
    both directions are listed the faster counts, as in `structure.travel_times`: the model has one
    time for both. Nothing is fitted to the timetables.

    Examples
    --------
    >>> compare_with_timetable(2016).correlation > 0.9
    True
    """
    listed = listed_trains(year)
    network = build_network("county", assumptions)
    board = pd.DataFrame(
        network.on_board(served_on(_DAYS[year])),
        index=network.stations,
        columns=network.stations,
    )
    modelled = [
        float(board.loc[list(a), list(b)].to_numpy().min())
        for a, b in zip(listed["from_stations"], listed["to_stations"], strict=True)
    ]
    both = listed[["origin", "destination"]].assign(listed=listed["fastest"], modelled=modelled)
    ends = both[["origin", "destination"]]
    faster = both.assign(first=ends.min(axis=1), last=ends.max(axis=1)).sort_values(
        "listed", kind="stable"
    )
    faster = faster.drop_duplicates(["first", "last"]).drop(columns=["first", "last"])
    return TimetableCheck(year, faster.sort_index().reset_index(drop=True))


def trains_per_day(layer: Layer = "county") -> pd.Series[float]:
    """Return multiple-unit trains a day on 10 March 2016, summed over the stations of a unit.

    Returns
    -------
    Series
        By unit; zero where the timetable lists no station. A train that stops at two stations of a
        unit counts twice.

    Raises
    ------
    DataError
        If the layer is unknown.

    Examples
    --------
    >>> float(trains_per_day("county")["500153"])
    13.0
    """
    units = load_units(layer)
    table = load_table("rail", "station_trains_2016")
    county = table["adcode"]
    codes = county if layer == "county" else county.map(load_units("county")["city"])
    trains = table.groupby(codes)["emu_trains_per_day"].sum()
    return trains.reindex(units.index).fillna(0.0).astype(float).rename("trains_per_day")


def fastest_to_cores(year: int, layer: Layer = "county") -> pd.DataFrame:
    """Return listed minutes of the fastest train to each core, the faster direction.

    Parameters
    ----------
    year : {2016, 2020}
    layer : {"city", "county"}
        At the county layer a place is the county of its first station, placed by `locate`.

    Returns
    -------
    DataFrame
        Units by ``Chengdu`` and ``Chongqing``; missing where the pair is not listed, which in 2020
        does not mean that there is no train.

    Raises
    ------
    DataError
        If there is no timetable of the year, or no such layer.

    Examples
    --------
    >>> fastest_to_cores(2016).loc["500153"].to_dict()
    {'Chengdu': 54.0, 'Chongqing': 39.0}
    """
    units = load_units(layer)
    if layer == "city":
        fastest = load_timetable(year)["fastest"].reset_index()
        ends = fastest[["origin", "destination"]]
    else:
        fastest = listed_trains(year)
        county = locate(load_stations()).drop_duplicates("station").set_index("station")["county"]
        ends = fastest[["origin", "destination"]].assign(
            origin=fastest["from_stations"].str[0].map(county),
            destination=fastest["to_stations"].str[0].map(county),
        )
    out = pd.Series(fastest["fastest"].to_numpy(), pd.MultiIndex.from_frame(ends))
    out = out.groupby(level=[0, 1]).min()
    both = pd.concat([out, out.swaplevel()]).groupby(level=[0, 1]).min()
    found = {core: both.xs(at[layer], level=1) for core, at in CORES.items()}
    return pd.DataFrame(found).reindex(units.index)
