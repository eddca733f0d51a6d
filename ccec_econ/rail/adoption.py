"""Who had high-speed trains, and from when: the first year of every unit, the share of a year."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

import numpy as np
import pandas as pd

from ccec_econ import circle
from ccec_econ.circle import Layer
from ccec_econ.data.dates import Rule, first_year, whole_years
from ccec_econ.data.rail import LINE_CLASSES, refuse_service
from ccec_econ.data.units import load_units
from ccec_econ.errors import DataError
from ccec_econ.rail.lines import named_after, nearest_place
from ccec_econ.rail.openings import Imprecise, open_stations

__all__ = [
    "Core",
    "Unlocated",
    "adoption",
    "exposure",
    "first_opening",
    "locate",
    "uncertain",
    "urban_core",
]

Unlocated = Literal["seat", "omit", "every"]
Core = Literal["shared", "own"]

_IMPRECISE: tuple[Imprecise, Imprecise] = ("last", "first")
_CHONGQING, _CHENGDU = "500000", "510100"
_INNER_CHENGDU = ("Jinjiang", "Qingyang", "Jinniu", "Wuhou", "Chenghua")


def adoption(
    layer: Layer = "county",
    *,
    service: str = "hsr",
    rule: Rule = "june",
    openings: pd.Series | None = None,
    unlocated: Unlocated = "seat",
    core: Core = "shared",
    imprecise: Imprecise = "last",
) -> pd.Series[int]:
    """Return the first year in which every unit counts as served.

    Parameters
    ----------
    layer : {"city", "county"}
        A unit is served by the stations within it; the two next-to-last choices change counties
        only.
    service : {"hsr_emu", "hsr", "hsr_250", "hsr_350"}
        Which lines count, by design speed: all with multiple-unit trains, 200 km/h or more, 250 or
        more, 350. The International Union of Railways calls lines high speed from 200 km/h if
        upgraded and from 250 if new.
    rule : {"june", "any", "full"}
        Year in which an opening counts: its own if by 30 June, else the next; its own; the first
        full year. Many openings fall in late December, so ``any`` calls years treated that had a
        few days of service.
    openings : Series, optional
        Supposed day or year by line, as from `counterfactual_openings`; None: the real ones.
    unlocated : {"seat", "omit", "every"}
        Where a station stands that no source gives a county (`uncertain` lists them). ``seat``: one
        named after its city serves the county with the seat of the city, others no county;
        ``omit``: no county; ``every``: every county of its city. The last two are bounds.
    core : {"shared", "own"}
        Whether the districts of the urban core of Chongqing (nine) and of Chengdu (the five inner
        ones) share their stations. Chongqing North stands in Yubei and serves all nine.
    imprecise : {"last", "first"}
        Day taken for a date known by month or year only.

    Returns
    -------
    Series
        Named ``adoption``, by unit of the layer; missing where no opening is known to mid-2025.
        Years before a panel or after it are kept.

    Raises
    ------
    DataError
        If a choice is unknown.
    AlignmentError
        If `openings` does not name the lines.

    Notes
    -----
    The first year of the first opening: no closing is on record and none enters, so treatment
    cannot switch off. Stations outside the 16 cities serve no unit; they count for the network.
    A line counts wherever it leads: that of Qianjiang (2019) reached central Chongqing in 2025.

    Examples
    --------
    >>> adoption("city")[["510100", "500000", "510300"]].tolist()
    [2010, 2010, 2021]
    """
    opened = first_opening(
        layer,
        service=service,
        openings=openings,
        unlocated=unlocated,
        core=core,
        imprecise=imprecise,
    )
    return first_year(opened, rule).rename("adoption")


def first_opening(
    layer: Layer = "county",
    *,
    service: str = "hsr",
    openings: pd.Series | None = None,
    unlocated: Unlocated = "seat",
    core: Core = "shared",
    imprecise: Imprecise = "last",
) -> pd.Series:
    """Return the day of the first opening that serves each unit, missing where there is none.

    Choices and errors are those of `adoption`.
    """
    units = load_units(layer)
    stations = _serving(service, openings, imprecise)
    if layer == "city":
        days = stations.groupby("city")["opened"].min()
        return days.reindex(units.index).rename("opened")
    located = locate(stations, unlocated)
    days = located.groupby("county")["opened"].min().reindex(units.index)
    if core not in ("shared", "own"):
        raise DataError(f"core '{core}': unknown; choose 'shared' or 'own'.")
    if core == "shared":
        cores = urban_core()
        shared = days.groupby(cores).transform("min")
        days = days.where(cores.isna(), shared)
    return days.rename("opened")


def exposure(
    years: Iterable[int],
    layer: Layer = "county",
    *,
    service: str = "hsr",
    unlocated: Unlocated = "seat",
    core: Core = "shared",
) -> pd.DataFrame:
    """Return the share of each year with service, shape (T, N).

    Parameters
    ----------
    years : iterable of int
    layer, service, unlocated, core
        As in `adoption`.

    Returns
    -------
    DataFrame
        Years by units, in [0, 1]; the day of opening counts. Missing in the year of an opening
        whose day is not known. The city layer equals `data.rail.exposure`.

    Raises
    ------
    DataError
        If a choice is unknown, or `years` is no list of whole years.

    Examples
    --------
    >>> exposure([2015, 2016], "city")["511000"].round(3).tolist()
    [0.016, 1.0]
    """
    index = pd.Index(whole_years(years), name="year")
    late, early = (
        _share(
            first_opening(
                layer, service=service, unlocated=unlocated, core=core, imprecise=imprecise
            ),
            index,
        )
        for imprecise in _IMPRECISE
    )
    return late.where(late == early)


def uncertain(*, service: str = "hsr", rule: Rule = "june") -> pd.DataFrame:
    """List counties that may hold a station of unknown county, and what it would change.

    Parameters
    ----------
    service, rule
        As in `adoption`.

    Returns
    -------
    DataFrame
        One row per station, line and county of its city whose first year would be earlier if it
        held the station: ``unit``, ``name``, ``city_name``, ``station``, ``line``, ``opened``,
        ``adoption`` without such stations, ``if_held``, and ``by_default``: whether the rule
        ``unlocated="seat"`` places the station there. A design that will not rest on the rule
        leaves these counties out.

    Examples
    --------
    >>> uncertain().query("station == 'Zigong' and by_default")["name"].unique().tolist()
    ['Ziliujing']
    """
    units = load_units("county")
    stations = _serving(service, None, "last")
    lost = stations[stations["county"].isna() & stations["city"].isin(units["city"])]
    pairs = lost.merge(units.rename_axis("unit").reset_index(), on="city")
    pairs["adoption"] = pairs["unit"].map(adoption(service=service, rule=rule, unlocated="omit"))
    pairs["if_held"] = first_year(pairs["opened"], rule)
    earlier = pairs["adoption"].isna() | (pairs["if_held"] < pairs["adoption"]).fillna(False)
    pairs["by_default"] = [
        named_after(station, city) and seat_counties()[code] == unit
        for station, city, code, unit in zip(
            pairs["station"], pairs["city_name"], pairs["city"], pairs["unit"], strict=True
        )
    ]
    columns = ["unit", "name", "city_name", "station", "line", "opened", "adoption", "if_held"]
    return pairs.loc[earlier, [*columns, "by_default"]].reset_index(drop=True)


def urban_core() -> pd.Series[str]:
    """Return the core that a county belongs to (adcode of its city), missing outside both.

    The nine main urban districts of Chongqing and the five inner districts of Chengdu.

    Examples
    --------
    >>> urban_core().value_counts().to_dict()
    {'500000': 9, '510100': 5}
    """
    units = load_units("county")
    main = (circle.roles("county") == "core") & (units["city"] == _CHONGQING)
    inner = (units["city"] == _CHENGDU) & units["name"].isin(_INNER_CHENGDU)
    return units["city"].where(main | inner).rename("core")


def _serving(service: str, openings: pd.Series | None, imprecise: Imprecise) -> pd.DataFrame:
    refuse_service(service)
    stations = open_stations(openings, imprecise=imprecise)
    return stations[stations["line_class"].isin(LINE_CLASSES[service])]


def locate(stations: pd.DataFrame, unlocated: Unlocated = "seat") -> pd.DataFrame:
    """Keep the stations with a county, and place those without one as the rule says.

    Parameters
    ----------
    stations : DataFrame
        As `open_stations`.
    unlocated : {"seat", "omit", "every"}
        As in `adoption`.

    Raises
    ------
    DataError
        If the rule is unknown.

    Examples
    --------
    >>> locate(open_stations()).query("station == 'Yaan'")["county"].tolist()
    ['511802']
    """
    if unlocated not in ("seat", "omit", "every"):
        raise DataError(f"unlocated '{unlocated}': unknown; choose 'seat', 'omit' or 'every'.")
    known, lost = stations[stations["county"].notna()], stations[stations["county"].isna()]
    if unlocated == "omit":
        return known
    units = load_units("county")
    lost = lost[lost["city"].isin(units["city"])]
    if unlocated == "every":
        counties = units["city"].rename_axis("held").reset_index()
        placed = lost.merge(counties, on="city").assign(county=lambda rows: rows["held"])
        return pd.concat([known, placed])
    cities = load_units("city")["name"]
    named = [named_after(s, cities[c]) for s, c in zip(lost["station"], lost["city"], strict=True)]
    placed = lost[np.array(named, dtype=bool)]
    return pd.concat([known, placed.assign(county=placed["city"].map(seat_counties()))])


@lru_cache(maxsize=1)
def seat_counties() -> Mapping[str, str]:
    """Return the county with the seat of each city: of its counties, that with the nearest seat.

    Examples
    --------
    >>> seat_counties()["510700"]
    '510703'
    """
    cities, counties = load_units("city"), load_units("county")
    found = {
        str(city): nearest_place(lon, lat, counties[counties["city"] == city])
        for city, lon, lat in zip(cities.index, cities["lon"], cities["lat"], strict=True)
    }
    return MappingProxyType(found)


def _share(opened: pd.Series, years: pd.Index) -> pd.DataFrame:
    """Share of each year from the day of opening on."""
    first = pd.to_datetime([f"{year}-01-01" for year in years]).to_numpy()[:, None]
    end = pd.to_datetime([f"{year + 1}-01-01" for year in years]).to_numpy()[:, None]
    day = opened.fillna(pd.Timestamp("2200-01-01")).to_numpy()[None, :]
    share = (end - np.clip(day, first, end)) / (end - first)
    return pd.DataFrame(share, index=years, columns=opened.index)
