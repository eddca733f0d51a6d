"""Openings that could have been: comparable lines in another order, one left out, or made up."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.circle import Layer
from ccec_econ.data.rail import load_stations
from ccec_econ.data.units import load_units
from ccec_econ.errors import AlignmentError, DataError, IdentificationError, first_five
from ccec_econ.rail.lines import Line, Stop, lines, places
from ccec_econ.rail.openings import Imprecise, openings
from ccec_econ.structure.axis import axis_position

__all__ = [
    "BRANCHES",
    "Exchangeable",
    "counterfactual_openings",
    "exchangeable_classes",
    "fake_line",
    "without_line",
]

Exchangeable = Literal["speed", "length", "speed_length", "all"]

BRANCHES = {"L04a": "L04", "L04b": "L04", "L13b": "L13a", "L24b": "L24a"}
"""Line -> the line it branches from or continues, before which it does not open."""

_SPEEDS = (200.0, 250.0, 350.0)
_TRIES = 10_000


def counterfactual_openings(
    draws: int,
    rng: int | np.random.Generator,
    *,
    exchangeable: Exchangeable | pd.Series = "speed",
    imprecise: Imprecise = "last",
) -> pd.DataFrame:
    """Redraw which of the comparable lines opened when.

    Parameters
    ----------
    draws : int
    rng : int or Generator
    exchangeable : {"speed", "length", "speed_length", "all"} or Series
        Lines among which openings change places, as `exchangeable_classes`, or a class by line.
    imprecise : {"last", "first"}
        Day taken for an opening known by month or year only.

    Returns
    -------
    DataFrame
        One row per draw, one column per line: days. Each row goes into `travel_times`, `access` and
        `adoption` as ``openings``.

    Raises
    ------
    DataError
        If `draws` is not positive or a choice is unknown.
    AlignmentError
        If a Series of classes does not name the lines.
    IdentificationError
        If no class holds two lines that opened on different days.

    Notes
    -----
    The assumed assignment: the lines of the table, those opened after the panel and to mid-2025
    among them, were all planned, and the days on which they opened are as likely in any order
    within a class, given that no branch opens before its trunk (`BRANCHES`). Permutations are drawn
    uniformly from those that respect it; the real order is one of them. Then the access a unit
    could expect is its mean over draws, and access less that mean owes to the order alone (Borusyak
    and Hull 2023, *Econometrica* 91(6), 2155-2185).

    Limits. That lines of one class are exchangeable is an assumption that the data cannot prove:
    lines that carry more may have been built first. Lines planned but not open by mid-2025 are not
    in the table, so the set of lines is itself selected by opening. Classes are small (5 to 11
    lines by speed), so there are few distinct orders of the lines that matter to one unit. Lines
    come whole, though some were stages of one project.

    Examples
    --------
    >>> drawn = counterfactual_openings(3, rng=1)
    >>> drawn.shape, sorted(drawn.iloc[0]) == sorted(openings())
    ((3, 28), True)
    """
    if draws < 1:
        raise DataError(f"draws {draws}: give a number from 1.")
    real = openings(imprecise=imprecise)
    classes = _classes(exchangeable, real.index)
    if not (real.groupby(classes).nunique() > 1).any():
        raise IdentificationError(
            "no class holds two lines that opened on different days, so nothing can be redrawn; "
            "give wider classes."
        )
    generator = np.random.default_rng(rng)
    groups = [np.flatnonzero(classes == label) for label in sorted(classes.unique())]
    days = real.to_numpy()
    rows = [_draw(days, groups, real.index, generator) for _ in range(draws)]
    return pd.DataFrame(rows, columns=real.index).rename_axis(index="draw")


def exchangeable_classes(by: Exchangeable = "speed") -> pd.Series[str]:
    """Return the class of each line within which openings may change places.

    Parameters
    ----------
    by : {"speed", "length", "speed_length", "all"}
        Design speed: below 200 km/h, 200 to 249, 250 to 349, 350. Length: kilometres along the
        stations in the table, above the median of lines or not. Both; or one class for all.

    Raises
    ------
    DataError
        If the choice is unknown.

    Examples
    --------
    >>> exchangeable_classes().value_counts().sort_index().to_dict()
    {'160': 5, '200': 11, '250': 7, '350': 5}
    """
    speed = pd.Series({line.name: line.speed for line in lines()})
    km = pd.Series({line.name: line.km for line in lines()})
    named = pd.Series(
        np.array(["160", "200", "250", "350"])[np.searchsorted(_SPEEDS, speed, side="right")],
        index=speed.index,
    )
    long = km.gt(km.median()).map({True: "long", False: "short"})
    known = {
        "speed": named,
        "length": long,
        "speed_length": named.str.cat(long, sep=" "),
        "all": pd.Series("all", index=km.index),
    }
    if by not in known:
        raise DataError(f"exchangeable '{by}': unknown; choose one of {', '.join(known)}.")
    chosen: pd.Series[str] = known[by].sort_index().rename("class").rename_axis("line")
    return chosen


def without_line(line: str, *, imprecise: Imprecise = "last") -> pd.Series:
    """Return the real openings with one line that never opens.

    Parameters
    ----------
    line : str
        Such as ``"L08"``. Lines that branch from it open as they did.
    imprecise : {"last", "first"}
        As in `openings`.

    Raises
    ------
    DataError
        If there is no such line.

    Examples
    --------
    >>> without_line("L08").isna().sum()
    np.int64(1)
    """
    real = openings(imprecise=imprecise)
    if line not in real.index:
        raise DataError(f"line '{line}': unknown; the lines are {', '.join(real.index)}.")
    return real.where(real.index != line)


def fake_line(
    first: str,
    second: str,
    layer: Layer = "county",
    *,
    speed: float = 250.0,
    corridor_km: float = 15.0,
) -> Line:
    """Draw a straight line that was never built between two units, for placebos.

    Parameters
    ----------
    first, second : str
        Units (adcodes) that no line of the table joins.
    layer : {"city", "county"}
    speed : float
        Design speed, km/h.
    corridor_km : float
        Units whose seat lies so near the line get a station too.

    Returns
    -------
    Line
        For ``extra`` of `travel_times` and `access`: ``{line: first year}``. In a unit with
        stations the line stops at the one nearest to the seat, of those with sourced coordinates if
        any, where trains of other lines meet it; else at the seat.

    Raises
    ------
    AlignmentError
        If an end is no unit of the layer.
    DataError
        If both ends are one place, one line joins them already, or speed or corridor is not
        positive.

    Examples
    --------
    >>> line = fake_line("510500", "511300", "city")
    >>> line.name, round(line.km)
    ('fake 510500-511300', 223)
    """
    units = load_units(layer)
    unknown = [unit for unit in (first, second) if unit not in units.index]
    if unknown:
        raise AlignmentError(f"ends {first_five(unknown)}: no units of layer '{layer}'.")
    if not speed > 0.0 or not corridor_km > 0.0:
        raise DataError(f"speed {speed}, corridor {corridor_km} km: give positive numbers.")
    at = axis_position(units, first, second)
    ends = [_stations_of(unit, layer) for unit in (first, second)]
    joining = [
        line.name for line in lines() if all(end & {s.name for s in line.stops} for end in ends)
    ]
    if joining:
        raise DataError(f"{first} and {second}: joined by {first_five(joining)}; take others.")
    inside = at[at["share"].between(0.0, 1.0) & (at["off_km"].abs() <= corridor_km)]
    along = pd.concat([inside, at.loc[[first, second]]]).sort_values("along_km")
    along = along[~along.index.duplicated()]
    stops = tuple(_stop(str(unit), units, layer) for unit in along.index)
    legs = tuple((k, k + 1) for k in range(len(stops) - 1))
    return Line(f"fake {first}-{second}", speed, stops, legs)


def _classes(exchangeable: Exchangeable | pd.Series, named: pd.Index) -> pd.Series:
    if isinstance(exchangeable, str):
        return exchangeable_classes(exchangeable)[named]
    differ = exchangeable.index.symmetric_difference(named)
    if len(differ) or not exchangeable.index.is_unique:
        raise AlignmentError(
            f"classes by line: {first_five(differ) or 'a line twice'}; give each line of "
            "ce.rail.openings() one class."
        )
    return exchangeable[named].astype(str)


def _draw(
    days: NDArray[np.datetime64],
    groups: list[NDArray[np.int64]],
    named: pd.Index,
    generator: np.random.Generator,
) -> NDArray[np.datetime64]:
    """One permutation within groups in which no branch opens before its trunk."""
    branch, trunk = (
        named.get_indexer(pd.Index(BRANCHES)),
        named.get_indexer(pd.Index(BRANCHES.values())),
    )
    for _ in range(_TRIES):
        drawn = days.copy()
        for group in groups:
            drawn[group] = days[generator.permutation(group)]
        if (drawn[branch] >= drawn[trunk]).all():
            return drawn
    raise IdentificationError(
        f"no order in {_TRIES} draws in which every branch follows its trunk; check the classes."
    )


def _stations_of(unit: str, layer: Layer) -> set[str]:
    stations = load_stations()
    return set(stations.loc[stations[layer] == unit, "station"])


def _stop(unit: str, units: pd.DataFrame, layer: Layer) -> Stop:
    """Station of a unit nearest to its seat, or the seat."""
    inside = places().reindex(sorted(_stations_of(unit, layer))).dropna()
    seat = units.loc[unit, ["lon", "lat"]].astype(float)
    if inside.empty:
        return Stop(unit, *seat)
    sourced = inside["basis"] == "source"
    inside = inside[sourced] if sourced.any() else inside
    north = inside["lat"] - seat["lat"]
    east = (inside["lon"] - seat["lon"]) * np.cos(np.radians(seat["lat"]))
    nearest = str((north**2 + east**2).idxmin())
    return Stop(nearest, *inside.loc[nearest, ["lon", "lat"]].astype(float))
