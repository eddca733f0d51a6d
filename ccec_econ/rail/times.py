"""Travel times by year: which lines are open, and how long the shortest way takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.circle import Layer
from ccec_econ.data.dates import Rule, first_year, whole_years
from ccec_econ.data.rail import LINE_CLASSES, load_stations, refuse_service
from ccec_econ.rail.lines import Line, lines
from ccec_econ.rail.network import Assumptions, build_network
from ccec_econ.rail.openings import open_stations

__all__ = ["Served", "open_by_year", "served_on", "times_by_year", "travel_times"]

type Served = dict[str, NDArray[np.bool_]]

_NEVER = 9999


def travel_times(
    year: int,
    layer: Layer = "county",
    *,
    openings: pd.Series | None = None,
    assumptions: Assumptions | None = None,
    extra: Mapping[Line, int] | None = None,
    service: str = "hsr_emu",
    rule: Rule = "june",
) -> pd.DataFrame:
    """Return the shortest door-to-door minutes between all units with the lines of a year.

    Parameters
    ----------
    year : int
    layer : {"city", "county"}
        Units stand at their seats of government.
    openings : Series, optional
        Supposed day or year by line, missing where it never opens; None: the real openings.
    assumptions : Assumptions, optional
        Speeds, detours and penalties.
    extra : mapping, optional
        Lines that were never built -> first year in which they run.
    service : {"hsr_emu", "hsr", "hsr_250", "hsr_350"}
        Which lines are in the network, by design speed.
    rule : {"june", "any", "full"}
        Year in which an opening counts, as in `adoption`.

    Returns
    -------
    DataFrame
        Shape (N, N), symmetric, zero on the diagonal.

    Raises
    ------
    DataError
        If a choice is unknown.
    AlignmentError
        If `openings` does not name the lines.

    Notes
    -----
    The shortest path in a graph of seats and stations. Road joins all of them, great-circle km
    times `detour` over `road_speed`. Rail joins the stations of an open line: great-circle km
    between stations times `rail_detour` over `commercial_share` of the design speed, `dwell` for
    each station passed, `change` for each change of line in one station. A stretch by rail costs
    `to_station` besides. Journeys may mix road and rail, so a unit without a station drives to one.
    Stations without sourced coordinates stand at a seat (`places`): the way to them is too short.
    Not modelled: how many trains run, that speeds change over time, roads that differ in speed.

    Examples
    --------
    >>> before, after = (travel_times(year, "city") for year in (2015, 2016))
    >>> bool((after <= before).all(axis=None)), after.loc["511000", "500000"].round().astype(int)
    (True, np.int64(89))
    """
    by_year = times_by_year(
        [year],
        layer,
        openings=openings,
        assumptions=assumptions,
        extra=extra,
        service=service,
        rule=rule,
    )
    return by_year[year]


def times_by_year(
    years: Iterable[int],
    layer: Layer = "county",
    *,
    openings: pd.Series | None = None,
    assumptions: Assumptions | None = None,
    extra: Mapping[Line, int] | None = None,
    service: str = "hsr_emu",
    rule: Rule = "june",
) -> dict[int, pd.DataFrame]:
    """Return `travel_times` of several years; years with the same network share one frame.

    Parameters
    ----------
    years : iterable of int
    layer, openings, assumptions, extra, service, rule
        As in `travel_times`.

    Returns
    -------
    dict
        Year -> minutes, shape (N, N).

    Raises
    ------
    DataError
        If `years` is no list of whole years, or as `travel_times`.
    AlignmentError
        As `travel_times`.
    """
    network = build_network(layer, assumptions, tuple(extra or {}))
    wanted = whole_years(years)
    by_year = open_by_year(wanted, openings=openings, extra=extra, service=service, rule=rule)
    frames = {
        key: pd.DataFrame(network.minutes(served), network.units, network.units)
        for key, served in dict(by_year.values()).items()
    }
    return {year: frames[key] for year, (key, _) in by_year.items()}


def open_by_year(
    years: Iterable[int],
    *,
    openings: pd.Series | None = None,
    extra: Mapping[Line, int] | None = None,
    service: str = "hsr_emu",
    rule: Rule = "june",
) -> dict[int, tuple[bytes, Served]]:
    """Return a key of the network of each year, the same for the same network, and its stations.

    Parameters, and errors raised, as in `travel_times`; stations as for `Network.minutes`.
    """
    first = _first_years(openings, extra or {}, service, rule)
    found = {}
    for year in years:
        opened = {line: at <= year for line, at in first.items()}
        key = b"".join(np.packbits(at).tobytes() for at in opened.values())
        found[int(year)] = key, {line: at for line, at in opened.items() if at.any()}
    return found


def served_on(day: pd.Timestamp) -> Served:
    """Stations of each line with trains on a day, for `Network.minutes` and `Network.on_board`."""
    opened = open_stations()["opened"].to_numpy()
    return {line: days <= day.to_datetime64() for line, days in _by_line(opened).items()}


def _first_years(
    openings: pd.Series | None, extra: Mapping[Line, int], service: str, rule: Rule
) -> dict[str, NDArray[np.int64]]:
    """First year with trains at each station of each line."""
    refuse_service(service)
    stations = open_stations(openings)
    first = first_year(stations["opened"], rule).fillna(_NEVER)
    first = first.where(stations["line_class"].isin(LINE_CLASSES[service]), _NEVER)
    built = _by_line(first.to_numpy(dtype=np.int64))
    return built | {line.name: np.full(len(line.stops), year) for line, year in extra.items()}


def _by_line[Opened: np.generic](values: NDArray[Opened]) -> dict[str, NDArray[Opened]]:
    """Values by row of the table of stations, arranged by line; joined ends open with the line."""
    return {
        line: np.where(at >= 0, values[at], values[rows].min())
        for line, (at, rows) in _rows().items()
    }


@lru_cache(maxsize=1)
def _rows() -> dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Line -> rows of the table of its stations in order, -1 for joined ends; and all its rows."""
    table = load_stations()
    found = {}
    for line in lines():
        rows = np.flatnonzero(table["line"] == line.name)
        row = dict(zip(table["station"].iloc[rows], rows, strict=True))
        at = np.array([row.get(stop.name, -1) for stop in line.stops])
        found[line.name] = (at, rows)
    return found
