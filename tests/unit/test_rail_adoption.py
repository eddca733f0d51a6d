"""Openings of the railway: first served years, shares of a year, stations of unknown county."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from ccec_econ import rail
from ccec_econ.data import load_table, load_units
from ccec_econ.data.rail import SERVICE_CLASSES, load_stations
from ccec_econ.data.rail import exposure as exposure_of_cities
from ccec_econ.errors import AlignmentError, DataError

CHONGQING = "500000"
FIRST = {"hsr_emu": "emu", "hsr": "hsr200", "hsr_250": "hsr250", "hsr_350": "hsr350"}


@pytest.mark.parametrize("service", SERVICE_CLASSES)
def test_first_days_are_those_of_the_table_of_first_service(service: str) -> None:
    """16 cities and 38 districts, compiled apart from the stations."""
    table = load_table("rail", "first_service").set_index("adcode")
    listed = table[f"{FIRST[service]}_opened"]
    for layer, units in (("city", load_units("city").index), ("county", None)):
        found = rail.first_opening(layer, service=service, core="own")
        units = listed.index[table["level"] == "cq_county"] if units is None else units
        days = [pd.Period(text).end_time.normalize() for text in listed[units].dropna()]
        assert found[units].dropna().tolist() == days
        assert (found[units].isna() == listed[units].isna()).all()


@pytest.mark.parametrize("service", SERVICE_CLASSES)
def test_no_county_is_served_before_its_city(service: str) -> None:
    cities = rail.first_opening("city", service=service)
    for unlocated in ("seat", "omit", "every"):
        counties = rail.first_opening("county", service=service, unlocated=unlocated)
        first = counties.groupby(load_units("county")["city"]).min()
        both = first.notna()
        assert (first[both] >= cities[both]).all()
        if unlocated == "every":
            assert (first.fillna(pd.Timestamp(0)) == cities.fillna(pd.Timestamp(0))).all()


def test_rules_of_the_year() -> None:
    june, anytime, full = (
        rail.adoption("city", rule=rule)["511000"] for rule in ("june", "any", "full")
    )
    assert (june, anytime, full) == (2016, 2015, 2016)  # 26 December 2015
    zigong = [rail.adoption("city", rule=rule)["510300"] for rule in ("june", "any", "full")]
    assert zigong == [2021, 2021, 2022]  # 28 June 2021
    found = rail.adoption()
    assert found.name == "adoption"
    assert str(found.dtype) == "Int64"
    assert found.index.equals(load_units("county").index)


def test_stricter_rules_give_no_earlier_year() -> None:
    days = pd.Series(pd.date_range("2011-12-30", "2013-01-02"))
    anytime, june, full = (rail.first_year(days, rule) for rule in ("any", "june", "full"))
    assert (anytime <= june).all()
    assert (june <= full).all()
    assert (full <= anytime + 1).all()
    assert (june[days.dt.month <= 6] == anytime[days.dt.month <= 6]).all()


def test_wider_service_comes_no_later_and_bounds_hold() -> None:
    never = 9999
    years = [rail.adoption(service=s).fillna(never) for s in SERVICE_CLASSES]
    for wide, narrow in pairwise(years):
        assert (wide <= narrow).all()
    every, seat, omit = (
        rail.adoption(unlocated=rule).fillna(never) for rule in ("every", "seat", "omit")
    )
    assert (every <= seat).all()
    assert (seat <= omit).all()
    assert (every < seat).any()
    assert (seat < omit).any()


def test_the_core_shares_its_stations() -> None:
    core = rail.urban_core().dropna()
    own, shared = rail.adoption(core="own"), rail.adoption()
    assert shared[core.index[core == CHONGQING]].tolist() == [2010] * 9
    assert own["500112"] == 2010  # Yubei, where Chongqing North stands
    assert pd.isna(own["500103"])  # Yuzhong
    outside = own.index.difference(core.index)
    pd.testing.assert_series_equal(own[outside], shared[outside])


def test_shares_of_the_year() -> None:
    years = range(2006, 2025)
    units = load_units("city").index
    for service in SERVICE_CLASSES:
        found = rail.exposure(years, "city", service=service)
        listed = exposure_of_cities(service, units, pd.Index(years))
        np.testing.assert_allclose(found, listed, atol=5e-4)  # the table has three digits
    county = rail.exposure(years)
    assert county.loc[2015, "500153"] == 6 / 365  # Rongchang, 26 December 2015
    assert (county.diff().iloc[1:].min() >= 0).all()
    assert pd.isna(rail.exposure([2010], service="hsr_emu").loc[2010, "511302"])  # year only


def test_supposed_openings_move_stations_and_keep_their_lags() -> None:
    real = rail.openings()
    pd.testing.assert_series_equal(rail.adoption(openings=real), rail.adoption())
    later = real.copy()
    later["L08"] = real["L08"] + pd.DateOffset(days=365)
    stations = rail.open_stations(later).set_index(["line", "station"])["opened"]
    before = rail.open_stations().set_index(["line", "station"])["opened"]
    moved = (stations - before).dt.days
    assert moved["L08", "Shapingba"] == moved["L08", "Rongchangbei"] == 365
    assert (moved.drop("L08", level="line") == 0).all()
    never = later.where(later.index != "L08")
    assert pd.isna(rail.adoption(openings=never)["500153"])
    years = real.dt.year.astype("Int64")
    assert rail.adoption(openings=years)["500153"] == 2015


def test_uncertain_counties_are_those_whose_year_would_change() -> None:
    listed = rail.uncertain()
    omit, every = rail.adoption(unlocated="omit"), rail.adoption(unlocated="every", core="own")
    first = listed.groupby("unit")["if_held"].min()
    pd.testing.assert_series_equal(
        first, every[first.index], check_names=False, check_index_type=False
    )
    untouched = omit.index.difference(first.index)
    assert (omit[untouched].fillna(0) == rail.adoption()[untouched].fillna(0)).all()
    placed = listed[listed["by_default"]].groupby("unit")["if_held"].min()
    assert (rail.adoption()[placed.index] == placed).all()


def test_days_known_by_year_only() -> None:
    early, late = (
        rail.first_opening("city", service="hsr_emu", imprecise=i) for i in ("first", "last")
    )
    assert early["511300"] == pd.Timestamp("2010-01-01")
    assert late["511300"] == pd.Timestamp("2010-12-31")
    stations = load_stations()
    assert (stations["earliest"] <= stations["latest"]).all()


def test_refusals() -> None:
    with pytest.raises(DataError, match="service class 'maglev'"):
        rail.adoption(service="maglev")
    with pytest.raises(DataError, match="rule 'july'"):
        rail.adoption(rule="july")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="core 'mine'"):
        rail.adoption(core="mine")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="unlocated 'here'"):
        rail.adoption(unlocated="here")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="imprecise 'now'"):
        rail.openings(imprecise="now")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="layer 'village'"):
        rail.adoption("village")  # type: ignore[arg-type]
    real = rail.openings()
    with pytest.raises(AlignmentError, match="no word of L08"):
        rail.adoption(openings=real.drop("L08"))
    with pytest.raises(AlignmentError, match="no such line L99"):
        rail.adoption(openings=pd.concat([real, pd.Series({"L99": real["L08"]})]))
    with pytest.raises(AlignmentError, match="L01 more than once"):
        rail.adoption(openings=pd.concat([real, real[:1]]))
    with pytest.raises(DataError, match="whole years"):
        rail.adoption(openings=real.dt.year + 0.5)
