"""How near the others are: travel times by rail and road, and the market they reach."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ccec_econ.errors import AlignmentError, DataError, first_five

__all__ = ["TravelTimes", "market_access", "travel_times"]


@dataclass(frozen=True, slots=True)
class TravelTimes:
    """Minutes between all pairs of units.

    Attributes
    ----------
    minutes : DataFrame, shape (N, N)
        The shorter of rail and road; zero on the diagonal.
    by_rail : DataFrame of bool, shape (N, N)
        Whether rail is listed and the shorter of the two.
    """

    minutes: pd.DataFrame
    by_rail: pd.DataFrame


def travel_times(
    timetable: pd.DataFrame,
    distances: pd.DataFrame,
    *,
    road_speed: float = 70.0,
    detour: float = 1.3,
    to_station: float = 30.0,
) -> TravelTimes:
    """Combine listed trains with an assumed road.

    Parameters
    ----------
    timetable : DataFrame
        As `ccec_econ.data.load_timetable`: ``fastest`` minutes by (origin, destination).
    distances : DataFrame
        Great-circle km between units, labelled on both sides.
    road_speed : float
        Door to door, km/h. An assumption, as the two that follow; vary them.
    detour : float
        Road km per great-circle km, at least 1.
    to_station : float
        Minutes to the first station, of waiting, and from the last, together.

    Raises
    ------
    DataError
        If an assumption is out of range.
    AlignmentError
        If the timetable names units that the distances do not have.

    Notes
    -----
    Rail is the faster of the two directions, plus `to_station`; road is ``60 detour km / speed``.
    Pairs that the timetable does not list go by road, which overstates their times where trains run
    but were not listed, or where a change of trains is faster.
    """
    if not road_speed > 0.0 or not detour >= 1.0 or not to_station >= 0.0:
        raise DataError(
            f"road_speed {road_speed}, detour {detour}, to_station {to_station}: need a positive "
            "speed, a detour of 1 or more, and minutes of 0 or more."
        )
    units = distances.index
    fastest = timetable["fastest"].unstack("destination")
    unknown = [unit for unit in fastest.index.union(fastest.columns) if unit not in units]
    if unknown:
        raise AlignmentError(f"timetable: no distances for {first_five(unknown)}.")
    rail = fastest.reindex(index=units, columns=units).to_numpy(dtype=np.float64)
    rail = np.fmin(rail, rail.T) + to_station
    road = 60.0 * detour * distances.loc[units, list(units)].to_numpy(dtype=np.float64) / road_speed
    faster = np.nan_to_num(rail, nan=np.inf) < road
    minutes = np.where(faster, rail, road)
    np.fill_diagonal(minutes, 0.0)
    np.fill_diagonal(faster, False)
    return TravelTimes(
        pd.DataFrame(minutes, index=units, columns=units),
        pd.DataFrame(faster, index=units, columns=units),
    )


def market_access(
    minutes: pd.DataFrame, mass: pd.Series[float], *, decay: float = 1.0
) -> pd.Series[float]:
    """Sum the masses of all other units, each over travel time to a power.

    Parameters
    ----------
    minutes : DataFrame, shape (N, N)
        Travel times, positive off the diagonal.
    mass : Series
        Size by unit, of a base year so that access changes with times alone.
    decay : float
        Power of time, positive.

    Raises
    ------
    DataError
        If the decay or a time is not positive.
    AlignmentError
        If a unit has no mass.

    Notes
    -----
    ``MA_i = sum_(j != i) M_j t_ij^(-decay)`` (Harris 1954, *Annals of the Association of American
    Geographers* 44(4), 315-348; Donaldson and Hornbeck 2016, *Quarterly Journal of Economics*
    131(2), 799-858). The unit's own market is left out.

    Examples
    --------
    >>> t = pd.DataFrame([[0.0, 2.0], [2.0, 0.0]], ["a", "b"], ["a", "b"])
    >>> market_access(t, pd.Series({"a": 1.0, "b": 4.0})).tolist()
    [2.0, 0.5]
    """
    units = minutes.index
    own = mass.reindex(units).to_numpy(dtype=np.float64)
    without = units[np.isnan(own)]
    if len(without):
        raise AlignmentError(f"market access: no mass for {first_five(without)}.")
    ordered = minutes if minutes.columns.equals(units) else minutes[list(units)]
    t = ordered.to_numpy(dtype=np.float64, copy=True)
    np.fill_diagonal(t, np.inf)
    if not decay > 0.0 or not (t > 0.0).all():
        raise DataError(
            f"market access with decay {decay}: need a positive decay and positive times between "
            "units."
        )
    return pd.Series(t**-decay @ own, index=units, name="market_access")
