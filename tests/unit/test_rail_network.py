"""Travel times: a network worked by hand, an independent oracle, properties, the timetables."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse.csgraph import csgraph_from_dense, floyd_warshall

from ccec_econ import rail
from ccec_econ.data import load_table, load_timetable, load_units
from ccec_econ.errors import AlignmentError, DataError
from ccec_econ.rail.lines import JOINS, Line, Stop, great_circle, lines, places
from ccec_econ.rail.network import Assumptions, Network, build_network
from ccec_econ.rail.times import served_on
from ccec_econ.weights import distances

KM = 6371.0088 * np.pi / 180.0  # one degree along the equator or a meridian
EXACT = 1e-9  # minutes; sums of a few floats


def on_the_equator(assumptions: Assumptions) -> Network:
    """Units a, b, c at 0, 1 and 2 degrees; a line a-b and a line b-c, stations at the seats."""
    at = np.array([0.0, 1.0, 2.0])
    km = np.abs(at[:, None] - at) * KM
    road = 60.0 * assumptions.detour / assumptions.road_speed * km
    run = 60.0 * assumptions.rail_detour * KM / (assumptions.commercial_share * 200.0)
    block = np.array([[0.0, run], [run, 0.0]])
    return Network(
        units=pd.Index(list("abc")),
        stations=("a", "b", "c"),
        road=road,
        road_to=road,
        road_between=road,
        stops={"west": np.array([0, 1]), "east": np.array([1, 2])},
        run={"west": block, "east": block},
        assumptions=assumptions,
    )


BOTH = {"west": np.array([True, True]), "east": np.array([True, True])}


def test_worked_by_hand() -> None:
    """150 km/h by rail, 60 by road without detours: 44.478 and 111.195 minutes a degree."""
    plain = Assumptions(60.0, 1.0, 0.75, 1.0, to_station=30.0, change=10.0, dwell=2.0)
    network = on_the_equator(plain)
    ride, drive = 60.0 * KM / 150.0, KM
    found = network.minutes(BOTH)
    assert found[0, 1] == pytest.approx(ride + 30.0, abs=EXACT)
    assert found[0, 2] == pytest.approx(2.0 * ride + 30.0 + 10.0 + 2.0, abs=EXACT)
    assert network.on_board(BOTH)[0, 2] == pytest.approx(2.0 * ride + 12.0, abs=EXACT)
    only_west = network.minutes({"west": BOTH["west"]})
    assert only_west[0, 2] == pytest.approx(ride + 30.0 + drive, abs=EXACT)  # then the road
    assert only_west[1, 2] == pytest.approx(drive, abs=EXACT)
    np.testing.assert_array_equal(network.minutes({}), network.road)
    long_change = on_the_equator(replace(plain, change=50.0)).minutes(BOTH)
    leave_and_return = 2.0 * ride + 60.0  # out of the station and in again, at 30 each
    assert long_change[0, 2] == pytest.approx(min(leave_and_return, 2.0 * drive), abs=EXACT)


def test_a_closed_station_is_passed() -> None:
    line = Line(
        "x",
        200.0,
        tuple(Stop(n, lon, 0.0) for n, lon in zip("pqr", (0, 1, 2), strict=True)),
        ((0, 1), (1, 2)),
    )
    network = build_network("city", extra=(line,))
    open_ends = network.on_board({"x": np.array([True, False, True])})
    p, q, r = (network.stations.index(name) for name in "pqr")
    assert np.isinf(open_ends[p, q])
    full = network.on_board({"x": np.array([True, True, True])})
    assert open_ends[p, r] == full[p, r]


def brute_force(network: Network, served: dict[str, NDArray[np.bool_]]) -> NDArray[np.float64]:
    """Shortest paths over seats, stations and trains: one node per line, station and stage.

    Boarding leads to the first stage, from which the first leg costs no dwell; later legs do.
    """
    a, every = network.assumptions, {line.name: line for line in lines()}
    N, S = network.road_to.shape
    trains: dict[tuple[str, int, int], int] = {}
    for line in served:
        for k in range(len(every[line].stops)):
            for stage in (0, 1):
                trains[line, k, stage] = N + S + len(trains)
    G = np.full((N + S + len(trains),) * 2, np.inf)
    G[:N, :N], G[:N, N : N + S] = network.road, network.road_to
    G[N : N + S, :N], G[N : N + S, N : N + S] = network.road_to.T, network.road_between
    for line, at in served.items():
        speed = a.commercial_share * every[line].speed
        stations = network.stops[line]
        for (i, j), km in zip(every[line].legs, every[line].leg_km(), strict=True):
            run = 60.0 * a.rail_detour * km / speed
            for here, there in ((i, j), (j, i)):
                G[trains[line, here, 0], trains[line, there, 1]] = run
                G[trains[line, here, 1], trains[line, there, 1]] = run + a.dwell
        for k, station in enumerate(stations):
            if not at[k]:
                continue
            G[N + station, trains[line, k, 0]] = a.to_station / 2.0
            G[trains[line, k, 1], N + station] = a.to_station / 2.0
            for other, stops_there in served.items():
                for m in np.flatnonzero((network.stops[other] == station) & stops_there):
                    if other != line:
                        G[trains[line, k, 1], trains[other, int(m), 1]] = a.change
    np.fill_diagonal(G, 0.0)
    return np.asarray(floyd_warshall(csgraph_from_dense(G, null_value=np.inf))[:N, :N])


@pytest.mark.parametrize("layer", ["city", "county"])
@pytest.mark.parametrize("day", ["2012-01-01", "2022-12-31"])
def test_equals_shortest_paths_over_every_node(layer: str, day: str) -> None:
    odd = Assumptions(55.0, 1.2, 0.6, 1.1, to_station=17.0, change=23.0, dwell=3.5)
    network = build_network(layer, odd)  # type: ignore[arg-type]
    served = served_on(pd.Timestamp(day))
    found = network.minutes(served)
    np.testing.assert_allclose(found, brute_force(network, served), atol=1e-8)
    assert (found < network.road - 1.0).any()


@settings(derandomize=True, deadline=None, max_examples=20)
@given(
    year=st.integers(2009, 2025),
    seed=st.integers(0, 2**16),
    to_station=st.floats(0.0, 60.0),
    change=st.floats(0.0, 60.0),
    dwell=st.floats(0.0, 10.0),
)
def test_properties(year: int, seed: int, to_station: float, change: float, dwell: float) -> None:
    """Symmetric, a metric, no longer than by road, and no line lengthens any time."""
    assumed = Assumptions(to_station=to_station, change=change, dwell=dwell)
    drawn = rail.counterfactual_openings(1, seed, exchangeable="all").iloc[0]
    t = rail.travel_times(year, "city", openings=drawn, assumptions=assumed).to_numpy()
    np.testing.assert_allclose(t, t.T, atol=1e-9)
    assert (np.diag(t) == 0.0).all()
    assert (t[:, :, None] <= t[:, None, :] + t.T[None, :, :] + 1e-9).all()
    assert (t <= build_network("city", assumed).road + 1e-9).all()
    fewer = drawn.copy()
    fewer.iloc[np.random.default_rng(seed).integers(len(fewer))] = pd.NaT
    without = rail.travel_times(year, "city", openings=fewer, assumptions=assumed).to_numpy()
    assert (t <= without + 1e-9).all()
    later = rail.travel_times(year + 1, "city", openings=drawn, assumptions=assumed).to_numpy()
    assert (later <= t + 1e-9).all()


def test_lines_follow_the_ground() -> None:
    """No two neighbours between the ends of a line, placed by source, are in the wrong order."""
    spots = places()
    for line in lines():
        names = [stop.name for stop in line.stops]
        for k in range(1, len(names) - 2):
            four = names[k - 1 : k + 3]
            sourced = (spots.loc[four, "basis"] == "source").all()
            if (line.name == "L08" and "Shapingba" in four) or not sourced:
                continue
            a, b, c, d = (spots.loc[[name], ["lon", "lat"]].to_numpy()[0] for name in four)

            def km(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
                return float(great_circle([p[0]], [p[1]], [q[0]], [q[1]])[0, 0])

            assert km(a, b) + km(c, d) < km(a, c) + km(b, d), (line.name, four)
    assert {name for ends in JOINS.values() for name in ends if name} <= set(spots.index)


def test_kilometres_are_those_of_the_sources() -> None:
    units = load_units("county")
    seats = (units["lon"].to_numpy(), units["lat"].to_numpy())
    assert np.abs(great_circle(*seats, *seats) - distances("county")).max(axis=None) < 0.06
    sourced = load_table("rail", "lines").set_index("line_id")["length_km"]
    whole = {line.name: line for line in lines() if line.name in {"L04", "L04b", "L06", "L10"}}
    trunk = {name: line.km for name, line in whole.items()}
    fork = next(line for line in lines() if line.name == "L08")
    trunk["L08"] = fork.km - fork.leg_km()[-1]  # without the spur
    share = (sourced[list(trunk)] / pd.Series(trunk)).median()
    assert round(float(share), 2) == Assumptions().rail_detour


def test_timetables_and_the_model_agree() -> None:
    """Not fitted: what the defaults give."""
    early, late = rail.compare_with_timetable(2016), rail.compare_with_timetable(2020)
    assert (len(early.pairs), len(late.pairs)) == (72, 30)
    assert early.correlation > 0.95
    assert late.correlation > 0.9
    assert abs(early.median_error) < 5.0
    assert early.median_share < 0.15
    assert late.pairs["listed"].max() < 300.0  # the slow train of 390 minutes has a faster way back
    assert 0.0 < late.median_error < 20.0
    rongchang = early.pairs.set_index(["origin", "destination"])
    assert rongchang.loc[("荣昌区", "重庆主城"), "listed"] == 39.0
    assert 20.0 < rongchang.loc[("荣昌区", "重庆主城"), "modelled"] < 45.0
    assert 40.0 < rongchang.loc[("荣昌区", "成都市"), "modelled"] < 75.0
    assert "correlation" in str(early)


def test_listed_minutes_and_trains() -> None:
    for year in (2016, 2020):
        ours = rail.fastest_to_cores(year, "city")
        cities = load_timetable(year)["fastest"].unstack("destination")
        both = np.fmin(cities["510100"], cities.T["510100"].reindex(cities.index))
        for unit in ("511000", "511100", "510900"):
            assert ours.loc[unit, "Chengdu"] == both[unit]
    assert rail.fastest_to_cores(2016).loc["500153"].tolist() == [54.0, 39.0]
    trains = rail.trains_per_day()
    table = load_table("rail", "station_trains_2016")
    assert trains.sum() == table["emu_trains_per_day"].sum()
    assert rail.trains_per_day("city").sum() == trains.sum()
    assert (trains >= 0).all()
    served = rail.adoption(service="hsr_emu", rule="any", core="own", unlocated="omit") <= 2016
    assert (trains[~served.fillna(False)] == 0).all()


def test_supposed_years_and_never() -> None:
    none = pd.Series(pd.NaT, index=rail.openings().index, dtype="datetime64[us]")
    road = build_network("county").road
    np.testing.assert_array_equal(rail.travel_times(2022, openings=none), road)
    np.testing.assert_array_equal(rail.travel_times(2005), road)
    same = rail.times_by_year([2011, 2012, 2013], service="hsr")
    assert same[2011] is same[2013]
    assert same[2012].index.equals(load_units("county").index)
    real = rail.travel_times(2016)
    by_year = rail.first_year(rail.openings())
    np.testing.assert_array_equal(rail.travel_times(2016, openings=by_year), real)


def test_refusals() -> None:
    for bad in (
        {"road_speed": 0.0},
        {"detour": 0.9},
        {"commercial_share": 1.1},
        {"dwell": -1.0},
        {"change": float("nan")},
    ):
        with pytest.raises(DataError, match="need a positive road speed"):
            Assumptions(**bad)
    with pytest.raises(DataError, match="layer 'village'"):
        rail.travel_times(2016, "village")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="service class 'x'"):
        rail.travel_times(2016, service="x")
    with pytest.raises(DataError, match="rule 'x'"):
        rail.travel_times(2016, rule="x")  # type: ignore[arg-type]
    with pytest.raises(AlignmentError, match="no word of L08"):
        rail.travel_times(2016, openings=rail.openings().drop("L08"))
    with pytest.raises(DataError, match="no timetable of 2018"):
        rail.compare_with_timetable(2018)
    fake = rail.fake_line("510500", "511300", "city")
    with pytest.raises(DataError, match="two lines are called 'fake 510500-511300'"):
        build_network("city", extra=(fake, replace(fake, speed=300.0)))
