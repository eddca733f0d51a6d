"""The lines as chains of stations on the map: in what order, where they join, how fast."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ccec_econ.data.rail import load_stations
from ccec_econ.data.store import load_table
from ccec_econ.structure.axis import EARTH_KM

__all__ = [
    "JOINS",
    "Line",
    "Stop",
    "great_circle",
    "lines",
    "named_after",
    "nearest_place",
    "places",
]


_CLASS_SPEED = {"rapid200": 200.0, "icr": 200.0}
"""Design speed, km/h, of classes with a line whose own speed is not sourced (L02, L04a)."""

JOINS = {
    "L02": ("Suining", None),
    "L03": ("Suining", None),
    "L04a": ("Dujiangyan", None),
    "L04b": ("Pixianxi", None),
    "L06": ("Nanchong", None),
    "L09": (None, "Chongqingbei"),
    "L13b": ("Chaoyanghu", None),
    "L15": ("Yibinxi", None),
    "L24a": ("Chengdunan", None),
    "L24b": ("Emei", None),
}
"""Ends that the table of lines names (`section`) and the table of stations lists elsewhere.

Nanchong stands for Nanchong East, where L06 begins and which the table of stations lacks."""

_REVERSED = ("L04a",)  # listed from the far end
_SPURS = {("L08", "Shapingba"): "Bishan"}  # the line forks: Chongqing North and Shapingba


@dataclass(frozen=True, slots=True)
class Stop:
    """A station on the map.

    Attributes
    ----------
    name : str
    lon, lat : float
        Degrees.
    """

    name: str
    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class Line:
    """A railway line: its stations and which of them follow each other.

    Attributes
    ----------
    name : str
    speed : float
        Design speed, km/h.
    stops : tuple of Stop
    legs : tuple of (int, int)
        Positions of stations that follow each other; a chain unless the line forks.
    """

    name: str
    speed: float
    stops: tuple[Stop, ...]
    legs: tuple[tuple[int, int], ...]

    @property
    def km(self) -> float:
        """Great-circle kilometres along the stations."""
        return float(sum(self.leg_km()))

    def leg_km(self) -> list[float]:
        """Great-circle kilometres of each leg."""
        return [
            float(great_circle([a.lon], [a.lat], [b.lon], [b.lat])[0, 0])
            for a, b in ((self.stops[i], self.stops[j]) for i, j in self.legs)
        ]


def great_circle(
    lon: ArrayLike, lat: ArrayLike, to_lon: ArrayLike, to_lat: ArrayLike
) -> NDArray[np.float64]:
    """Return kilometres on the sphere from A places to B places, shape (A, B).

    Examples
    --------
    >>> great_circle([104.0], [30.0], [104.0, 104.0], [30.0, 31.0]).round(1).tolist()
    [[0.0, 111.2]]
    """
    east, north = np.radians(np.asarray(lon))[:, None], np.radians(np.asarray(lat))[:, None]
    to_east, to_north = np.radians(np.asarray(to_lon)), np.radians(np.asarray(to_lat))
    half = (
        np.sin((to_north - north) / 2.0) ** 2
        + np.cos(north) * np.cos(to_north) * np.sin((to_east - east) / 2.0) ** 2
    )
    return np.asarray(2.0 * EARTH_KM * np.arcsin(np.sqrt(half)))


def nearest_place(lon: float, lat: float, among: pd.DataFrame) -> str:
    """Return the label of the place that lies nearest, of a table with ``lon`` and ``lat``.

    Examples
    --------
    >>> nearest_place(104.0, 30.0, pd.DataFrame({"lon": [100.0, 105.0], "lat": 30.0}, ["a", "b"]))
    'b'
    """
    km = great_circle([lon], [lat], among["lon"].to_numpy(float), among["lat"].to_numpy(float))
    return str(among.index[km[0].argmin()])


@lru_cache(maxsize=1)
def lines() -> tuple[Line, ...]:
    """Return the lines that have stations in the table, in its order.

    Stations stand in the order of the table, which is that along the line; ends that only the
    section of the line names are joined on (`JOINS`). A line with one station has no legs. Stations
    that cannot be placed (`places`) are left out; trains pass them.

    Examples
    --------
    >>> [line.name for line in lines() if not line.legs]
    ['L16']
    """
    table, spots = load_stations(), places()
    found = []
    for name, rows in table.groupby("line", sort=False):
        line = str(name)
        first, last = JOINS.get(line, (None, None))
        listed = [at for at in rows["station"] if at in spots.index]
        chain = [
            *([first] if first else []),
            *(reversed(listed) if line in _REVERSED else listed),
            *([last] if last else []),
        ]
        before = {(line, at): chain[i] for i, at in enumerate(chain[1:])} | _SPURS
        legs = tuple((chain.index(before[line, at]), chain.index(at)) for at in chain[1:])
        stops = tuple(Stop(at, *spots.loc[at, ["lon", "lat"]].astype(float)) for at in chain)
        found.append(Line(line, _speed(rows), stops, legs))
    return tuple(found)


def places() -> pd.DataFrame:
    """Return where each station is taken to stand, as far as it can be placed.

    Returns
    -------
    DataFrame
        By station: ``lon``, ``lat``, and ``basis``: ``source`` where coordinates are sourced, else
        the seat of its ``county``; where the county is not sourced either, the seat of its ``city``
        if the station is named after the city. Others (six by-stations) cannot be placed.

    Examples
    --------
    >>> places()["basis"].value_counts().to_dict()
    {'source': 61, 'county': 60, 'city': 11}
    """
    return _places().copy()


@lru_cache(maxsize=1)
def _places() -> pd.DataFrame:
    stations = load_stations().drop_duplicates("station").set_index("station")
    found = stations[["lon", "lat"]].astype(float)
    basis = pd.Series("source", index=found.index)
    counties = load_table("geography", "units_county221").set_index("adcode")
    cities = load_table("geography", "units_city22").set_index("adcode")
    named = [
        named_after(str(station), cities.loc[city, "name_en"])
        for station, city in stations["city"].items()
    ]
    city = stations["city"].where(pd.Series(named, found.index) & stations["county"].isna())
    for level, codes, seats in (("county", stations["county"], counties), ("city", city, cities)):
        there = seats[["seat_lon", "seat_lat"]].reindex(codes.fillna("")).set_axis(found.index)
        lost = found["lon"].isna() & there["seat_lon"].notna()
        basis[lost] = level
        found[lost] = there[lost].to_numpy(dtype=np.float64)
    return found.assign(basis=basis).dropna()


def named_after(station: str, city: str) -> bool:
    """Whether a station carries the name of its city, with or without a direction.

    Examples
    --------
    >>> named_after("Yaan", "Ya'an"), named_after("Baimabei", "Neijiang")
    (True, False)
    """
    return station.startswith(city.replace("'", ""))


def _speed(rows: pd.DataFrame) -> float:
    speed = rows["speed"].iloc[0]
    return float(_CLASS_SPEED[rows["line_class"].iloc[0]] if pd.isna(speed) else speed)
