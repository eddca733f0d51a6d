"""Market access and weights by year: what the network brings near, with masses held fixed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd
from libpysal.graph import Graph
from numpy.typing import NDArray

from ccec_econ.circle import Layer
from ccec_econ.data.census import load_census
from ccec_econ.data.dates import Rule, whole_years
from ccec_econ.data.panels import load_panel
from ccec_econ.data.units import load_units
from ccec_econ.errors import DataError, first_five
from ccec_econ.parallel import spread
from ccec_econ.rail.lines import Line
from ccec_econ.rail.network import Assumptions, build_network
from ccec_econ.rail.times import Served, open_by_year, times_by_year
from ccec_econ.structure.access import market_access
from ccec_econ.weights import from_matrix, row_standardise

__all__ = ["access", "access_by_draw", "masses", "weights_by_year"]

_COLUMNS = {"residents": "pop", "gdp": "gdp", "night_lights": "night_lights"}


def access(
    years: Iterable[int],
    layer: Layer = "county",
    *,
    mass: str | pd.Series = "residents",
    base_year: int = 2010,
    decay: float = 1.0,
    log: bool = True,
    openings: pd.Series | None = None,
    assumptions: Assumptions | None = None,
    extra: Mapping[Line, int] | None = None,
    service: str = "hsr_emu",
    rule: Rule = "june",
) -> pd.DataFrame:
    """Return market access by year and unit, shape (T, N); only travel times change it.

    Parameters
    ----------
    years : iterable of int
    layer : {"city", "county"}
    mass : {"residents", "gdp", "night_lights"} or Series
        What the units weigh, as `masses`, or a mass by unit.
    base_year : int
        Year of the masses, held in all years.
    decay : float
        Power of travel time, positive.
    log : bool
        Natural logarithms, the default; else levels.
    openings, assumptions, extra, service, rule
        As in `travel_times`.

    Returns
    -------
    DataFrame
        Years by units.

    Raises
    ------
    DataError
        If a choice is unknown, `years` is no list of whole years, or the decay is not positive.
    AlignmentError
        If a unit has no mass, or `openings` does not name the lines.

    Notes
    -----
    ``ln MA_it = ln sum_(j != i) M_j t_ijt^(-decay)`` as `structure.market_access`; the unit's own
    market and those outside the circle are left out.

    Examples
    --------
    >>> gain = access([2009, 2022], "city").diff().loc[2022]
    >>> bool((gain >= 0).all()), gain.idxmax()
    (True, '500000')
    """
    weighed = _weighed(mass, base_year, layer)
    by_year = times_by_year(
        years,
        layer,
        openings=openings,
        assumptions=assumptions,
        extra=extra,
        service=service,
        rule=rule,
    )
    by_year_access = _once(by_year, lambda t: market_access(t, weighed, decay=decay))
    found = pd.DataFrame(by_year_access).T
    found = found.rename_axis(index="year", columns="unit")
    return found.apply(np.log) if log else found


def access_by_draw(
    openings: pd.DataFrame,
    years: Iterable[int],
    layer: Layer = "county",
    *,
    mass: str | pd.Series = "residents",
    base_year: int = 2010,
    decay: float = 1.0,
    log: bool = True,
    assumptions: Assumptions | None = None,
    service: str = "hsr_emu",
    rule: Rule = "june",
) -> NDArray[np.float64]:
    """Return `access` under each of many supposed openings, shape (draws, T, N).

    Parameters
    ----------
    openings : DataFrame
        One row per draw, one column per line, as from `counterfactual_openings`.
    years, layer, mass, base_year, decay, log, assumptions, service, rule
        As in `access`.

    Raises
    ------
    DataError, AlignmentError
        As `access`.

    Notes
    -----
    A network that several draws or years share is computed once. The mean over draws is the
    expected access of Borusyak and Hull (2023, *Econometrica* 91(6), 2155-2185); access less its
    expectation is the recentred treatment.
    """
    years = whole_years(years)
    weighed = _weighed(mass, base_year, layer)
    by_draw = [
        open_by_year(years, openings=openings.iloc[draw], service=service, rule=rule)
        for draw in range(len(openings))
    ]
    distinct = {key: served for by_year in by_draw for key, served in by_year.values()}

    def reached(served: Served) -> NDArray[np.float64]:
        network = build_network(layer, assumptions)
        minutes = pd.DataFrame(network.minutes(served), network.units, network.units)
        return np.asarray(market_access(minutes, weighed, decay=decay), dtype=np.float64)

    known = dict(zip(distinct, spread(reached, distinct.values()), strict=True))
    found = np.stack([[known[key] for key, _ in by_year.values()] for by_year in by_draw])
    return np.asarray(np.log(found) if log else found)


def masses(what: str = "residents", year: int = 2010, layer: Layer = "county") -> pd.Series[float]:
    """Return what units weighed in a base year.

    Parameters
    ----------
    what : {"residents", "gdp", "night_lights"}
        Residents (10,000; county: the censuses of 2010 and 2020), output (100 million yuan), or
        the sum of night lights.
    year : int
    layer : {"city", "county"}

    Returns
    -------
    Series
        By unit. A county cut from another after the census of 2010 has its share of 2020 in what
        both had in 2010 (Qianfeng, from Guang'an).

    Raises
    ------
    DataError
        If there is no such mass, or units lack it in the year; they are named.

    Examples
    --------
    >>> masses("residents", 2010).loc[["511602", "511603"]].round(1).tolist()
    [65.4, 20.4]
    """
    if what not in _COLUMNS:
        raise DataError(f"mass '{what}': unknown; choose one of {', '.join(_COLUMNS)}.")
    units = load_units(layer)
    if layer == "county" and what == "residents":
        found = _census(year)
    else:
        table = load_panel(layer=layer)[_COLUMNS[what]].unstack("year")
        if year not in table:
            raise DataError(f"mass '{what}' of {year}: there are {first_five(table.columns)}.")
        found = table[year]
    found = found.reindex(units.index)
    lost = units.index[found.isna()]
    if len(lost):
        raise DataError(
            f"mass '{what}' of {year}: none for {first_five(lost)} ({len(lost)} units); choose "
            "another year, or residents."
        )
    return found.astype(float).rename(what)


def weights_by_year(
    years: Iterable[int],
    layer: Layer = "county",
    *,
    decay: float = 1.0,
    openings: pd.Series | None = None,
    assumptions: Assumptions | None = None,
    service: str = "hsr_emu",
    rule: Rule = "june",
) -> dict[int, Graph]:
    """Return weights that fall with the travel time of each year, row-standardised.

    Parameters
    ----------
    years : iterable of int
    layer : {"city", "county"}
    decay : float
        Power of travel time, positive.
    openings, assumptions, service, rule
        As in `travel_times`.

    Returns
    -------
    dict
        Year -> Graph, as `sdm` and the other models take for weights that change over time; years
        with the same network share one.

    Raises
    ------
    DataError
        If a choice is unknown, `years` is no list of whole years, or the decay is not positive.
    AlignmentError
        If `openings` does not name the lines.

    Notes
    -----
    ``w_ijt = t_ijt^(-decay) / sum_k t_ikt^(-decay)``.

    Examples
    --------
    >>> W = weights_by_year([2014, 2015, 2016], "city")
    >>> W[2015] is W[2014], bool(W[2016]["511000"]["500000"] > W[2014]["511000"]["500000"])
    (False, True)
    """
    if not decay > 0.0:
        raise DataError(f"decay {decay}: travel time must damp; give a power above 0.")
    by_year = times_by_year(
        years, layer, openings=openings, assumptions=assumptions, service=service, rule=rule
    )
    return _once(by_year, lambda t: _inverse(t, decay))


def _weighed(mass: str | pd.Series, base_year: int, layer: Layer) -> pd.Series[float]:
    if isinstance(mass, str):
        return masses(mass, base_year, layer)
    if not isinstance(mass, pd.Series):
        raise DataError(
            f"mass is a {type(mass).__name__}: give a Series by unit, or one of "
            f"{', '.join(_COLUMNS)}."
        )
    return mass


def _once[Found](
    by_year: Mapping[int, pd.DataFrame], compute: Callable[[pd.DataFrame], Found]
) -> dict[int, Found]:
    """Compute from the minutes of each year, once for years that share a frame."""
    distinct = {id(minutes): minutes for minutes in by_year.values()}
    known = {key: compute(minutes) for key, minutes in distinct.items()}
    return {year: known[id(minutes)] for year, minutes in by_year.items()}


def _inverse(minutes: pd.DataFrame, decay: float) -> Graph:
    t = minutes.to_numpy().copy()
    np.fill_diagonal(t, np.inf)
    return row_standardise(from_matrix(t**-decay, minutes.index))


def _census(year: int) -> pd.Series:
    """Residents of a census, with those of later counties parted by the census of 2020."""
    census = load_census()
    table = census["pop_resident"].unstack("year")
    if year not in table:
        raise DataError(f"residents of counties in {year}: there are {first_five(table.columns)}.")
    found, latest = table[year], table[table.columns.max()]
    area = census["area"].unstack("year")[table.columns.max()]
    shared = area.map(found.isna().groupby(area).any())
    parted = area.map(found.groupby(area).sum()) * latest / area.map(latest.groupby(area).sum())
    return found.where(~shared, parted)
