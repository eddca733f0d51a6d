"""Timetables, travel times and market access."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ccec_econ import data, structure, weights
from ccec_econ.errors import AlignmentError, DataError

CHENGDU, CHONGQING = "510100", "500000"


def test_timetables_are_those_of_the_source() -> None:
    early, late = data.load_timetable(2016), data.load_timetable(2020)
    assert early.loc[(CHENGDU, CHONGQING)].tolist() == [47.0, 88.0, 102.0]
    assert late.loc[(CHENGDU, CHONGQING), "fastest"] == 62.0
    units = set(data.load_units("city").index)
    for table in (early, late):
        assert set(table.index.get_level_values("origin")) <= units
        assert table.index.is_unique
        assert (table > 0).all(axis=None)


def test_travel_times_take_the_faster_way() -> None:
    km = pd.DataFrame([[0, 70, 70], [70, 0, 7], [70, 7, 0]], list("abc"), list("abc"), dtype=float)
    index = pd.MultiIndex.from_tuples(
        [("a", "b"), ("b", "a"), ("b", "c")], names=["origin", "destination"]
    )
    table = pd.DataFrame({"fastest": [20.0, 18.0, 5.0]}, index=index)
    found = structure.travel_times(table, km, road_speed=70.0, detour=1.0, to_station=30.0)
    assert found.minutes.loc["a", "b"] == found.minutes.loc["b", "a"] == 48.0  # 18 + 30
    assert found.by_rail.loc["a", "b"]
    assert found.minutes.loc["a", "c"] == 60.0  # no train: road
    assert found.minutes.loc["c", "b"] == 6.0  # road is faster
    assert not found.by_rail.loc["c", "b"]
    assert (np.diag(found.minutes) == 0).all()


def test_faster_trains_raise_access_of_those_they_serve() -> None:
    km = weights.distances()
    times = [structure.travel_times(data.load_timetable(y), km).minutes for y in (2016, 2020)]
    mass = data.load_panel(years=(2010, 2010)).droplevel("year")["gdp"]
    before, after = (structure.market_access(t, mass) for t in times)
    assert after[CHENGDU] > before[CHENGDU]
    doubled = structure.market_access(times[0], 2.0 * mass)
    assert doubled.to_numpy() == pytest.approx(2.0 * before.to_numpy())


def test_bad_input_is_refused() -> None:
    km = weights.distances()
    with pytest.raises(DataError, match="no timetable of 2018; there are those of 2016 and 2020"):
        data.load_timetable(2018)
    with pytest.raises(DataError, match="need a positive speed"):
        structure.travel_times(data.load_timetable(2016), km, road_speed=0.0)
    some = km.drop(CHENGDU).drop(columns=CHENGDU)
    with pytest.raises(AlignmentError, match=f"no distances for {CHENGDU}"):
        structure.travel_times(data.load_timetable(2016), some)
    minutes = structure.travel_times(data.load_timetable(2016), km).minutes
    with pytest.raises(AlignmentError, match=f"no mass for {CHENGDU}"):
        structure.market_access(minutes, pd.Series(1.0, index=km.index.drop(CHENGDU)))
    with pytest.raises(DataError, match="positive decay"):
        structure.market_access(minutes, pd.Series(1.0, index=km.index), decay=-1.0)
