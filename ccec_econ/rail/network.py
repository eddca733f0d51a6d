"""Shortest travel times by road and rail between units, for the lines open in a year."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.circle import Layer
from ccec_econ.data.units import load_units
from ccec_econ.errors import DataError
from ccec_econ.rail.lines import Line, great_circle, lines

__all__ = ["Assumptions", "Network", "build_network"]


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What turns kilometres into minutes. All are assumptions; `sensitivity` varies each.

    Attributes
    ----------
    road_speed : float
        Door to door by road, km/h; that of `structure.travel_times`.
    detour : float
        Road km per great-circle km, at least 1; likewise.
    commercial_share : float
        Running speed as a share of design speed, between stops, at most 1.
    rail_detour : float
        Rail km per great-circle km between stations that follow each other, at least 1. The median
        over the lines whose sourced length runs between stations with sourced coordinates is 1.08.
    to_station : float
        Minutes for checks, waiting and the ways in both stations together, besides the road from
        the seat to the station; `structure.travel_times` counts that road in.
    change : float
        Minutes for a change of line within a station. Many trains run through, so the mean of
        those who change and those who do not.
    dwell : float
        Minutes that each station passed costs: the mean over trains that stop and that do not.

    Raises
    ------
    DataError
        If a value is out of range.
    """

    road_speed: float = 70.0
    detour: float = 1.3
    commercial_share: float = 0.75
    rail_detour: float = 1.08
    to_station: float = 30.0
    change: float = 10.0
    dwell: float = 2.0

    def __post_init__(self) -> None:
        sound = (
            self.road_speed > 0.0
            and self.detour >= 1.0
            and 0.0 < self.commercial_share <= 1.0
            and self.rail_detour >= 1.0
            and min(self.to_station, self.change, self.dwell) >= 0.0
        )
        values = [getattr(self, field.name) for field in fields(self)]
        if not sound or not np.isfinite(values).all():
            raise DataError(
                f"{self}: need a positive road speed, detours of 1 or more, a share of the design "
                "speed in (0, 1], and minutes of 0 or more."
            )


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Everything about a network that does not depend on what is open.

    Attributes
    ----------
    units : Index
        N units.
    stations : tuple of str
        S stations.
    road : ndarray, shape (N, N)
        Minutes by road between seats.
    road_to : ndarray, shape (N, S)
        Minutes by road from seats to stations.
    road_between : ndarray, shape (S, S)
        Minutes by road between stations.
    stops : dict
        Line -> positions of its stations in `stations`.
    run : dict
        Line -> minutes on board between its stations, shape (n, n).
    assumptions : Assumptions
    """

    units: pd.Index
    stations: tuple[str, ...]
    road: NDArray[np.float64]
    road_to: NDArray[np.float64]
    road_between: NDArray[np.float64]
    stops: dict[str, NDArray[np.int64]]
    run: dict[str, NDArray[np.float64]]
    assumptions: Assumptions

    def on_board(self, served: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.float64]:
        """Minutes from station to station by train, changes included, shape (S, S).

        Parameters
        ----------
        served : mapping
            Line -> whether trains of the line stop at each of its stations, shape (n,).

        Returns
        -------
        ndarray
            Infinite where rail does not lead; zero on the diagonal.

        Notes
        -----
        ``run + change + dwell`` of each line is summed along the journey and one ``change + dwell``
        taken off, so that a journey over k lines pays k - 1 changes.
        """
        extra = self.assumptions.change + self.assumptions.dwell
        M = np.full((len(self.stations), len(self.stations)), np.inf)
        lines_at = np.zeros(len(self.stations), dtype=np.int64)
        for line, at in served.items():
            here = self.stops[line][at]
            block = here[:, None], here
            M[block] = np.minimum(M[block], self.run[line][at][:, at] + extra)
            lines_at[here] += 1
        _relax(M, np.flatnonzero(lines_at > 1))
        M -= extra
        np.fill_diagonal(M, 0.0)
        return M

    def minutes(self, served: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.float64]:
        """Shortest door-to-door minutes between units, shape (N, N), symmetric.

        Parameters
        ----------
        served : mapping
            As in `on_board`.
        """
        rail = self.on_board(served)
        used = np.flatnonzero((np.isfinite(rail)).sum(axis=1) > 1)
        if not len(used):
            return self.road.copy()
        between = np.minimum(
            self.road_between[used[:, None], used],
            rail[used[:, None], used] + self.assumptions.to_station,
        )
        np.fill_diagonal(between, 0.0)
        _relax(between, np.arange(len(used)))
        to = self.road_to[:, used]
        return np.minimum(self.road, _symmetric(_min_plus(to, between), to.T))


def build_network(
    layer: Layer = "county",
    assumptions: Assumptions | None = None,
    extra: tuple[Line, ...] = (),
) -> Network:
    """Prepare the network of a layer; kept, so that years and counterfactuals share it.

    Parameters
    ----------
    layer : {"city", "county"}
    assumptions : Assumptions
    extra : tuple of Line
        Lines that were never built, as from `fake_line`.

    Raises
    ------
    DataError
        If the layer is unknown, or two lines have one name.
    """
    return _network(layer, assumptions or Assumptions(), extra)


@lru_cache(maxsize=64)
def _network(layer: Layer, assumptions: Assumptions, extra: tuple[Line, ...]) -> Network:
    units = load_units(layer)
    all_lines = (*lines(), *extra)
    names = [line.name for line in all_lines]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"two lines are called '{twice}'; give a line that was not built a name.")
    spots = {stop.name: stop for line in all_lines for stop in line.stops}
    position = {name: k for k, name in enumerate(spots)}
    lon, lat = (np.array([getattr(stop, c) for stop in spots.values()]) for c in ("lon", "lat"))
    per_km = 60.0 * assumptions.detour / assumptions.road_speed
    seats = (units["lon"].to_numpy(), units["lat"].to_numpy())
    return Network(
        units=units.index,
        stations=tuple(spots),
        road=per_km * great_circle(*seats, *seats),
        road_to=per_km * great_circle(*seats, lon, lat),
        road_between=per_km * great_circle(lon, lat, lon, lat),
        stops={
            line.name: np.array([position[stop.name] for stop in line.stops]) for line in all_lines
        },
        run={line.name: _run(line, assumptions) for line in all_lines},
        assumptions=assumptions,
    )


def _run(line: Line, assumptions: Assumptions) -> NDArray[np.float64]:
    """Minutes on board between the stations of one line, those passed included, shape (n, n)."""
    n = len(line.stops)
    speed = assumptions.commercial_share * line.speed
    M = np.full((n, n), np.inf)
    for (i, j), km in zip(line.legs, line.leg_km(), strict=True):
        M[i, j] = M[j, i] = 60.0 * assumptions.rail_detour * km / speed + assumptions.dwell
    _relax(M, np.arange(n))
    M -= assumptions.dwell
    np.fill_diagonal(M, 0.0)
    return M


def _relax(M: NDArray[np.float64], through: NDArray[np.int64]) -> None:
    """Shorten M, shape (S, S), in place by ways through the given places."""
    for k in through:
        np.minimum(M, M[:, k, None] + M[k], out=M)


def _symmetric(A: NDArray[np.float64], B: NDArray[np.float64]) -> NDArray[np.float64]:
    """`_min_plus` where the result (N, N) is symmetric: blocks on and above the diagonal."""
    found = np.empty((len(A), len(A)))
    for rows in np.array_split(np.arange(len(A)), 3):
        first, end = rows[0], rows[-1] + 1
        found[first:end, first:] = _min_plus(A[first:end], B[:, first:].copy())
        found[first:, first:end] = found[first:end, first:].T
    return found


def _min_plus(A: NDArray[np.float64], B: NDArray[np.float64]) -> NDArray[np.float64]:
    """``min_k A_ik + B_kj`` for A (N, K) and B (K, M)."""
    found = np.full((len(A), B.shape[1]), np.inf)
    way = np.empty_like(found)
    for k in range(len(B)):
        np.add(A[:, k, None], B[k], out=way)
        np.minimum(found, way, out=found)
    return found
