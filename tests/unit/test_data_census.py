"""Census figures of the counties: rules for faulty cells by hand, sums, areas, a true record."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ccec_econ import data
from ccec_econ.errors import DataError

EXACT = 1e-12
NEAR = 2e-3  # census and yearbook of the same year differ by rounding and date
GUANGAN, YANJIANG, MIANZHU, SHIZHONG = "511602", "512002", "510683", "511002"


@pytest.fixture(scope="module")
def census() -> pd.DataFrame:
    return data.load_census()


@pytest.fixture(scope="module")
def listed() -> pd.DataFrame:
    return data.load_adjustments("census")


def raw(variable: str, year: int) -> pd.Series:
    rows = data.load_raw("census", "county")
    rows = rows[(rows["variable"] == variable) & (rows["year"] == year)]
    return rows.set_index("unit")["value"]


def test_shape_and_gaps(census: pd.DataFrame) -> None:
    assert census.shape[0] == 156 * 2
    assert census.index.is_monotonic_increasing
    gaps = census["pop_resident"].isna()
    assert census.index[gaps].tolist() == [("511603", 2010)]  # Qianfeng: split off in 2013
    assert census.xs(2020, level="year").notna().all(axis=None)


def test_the_city_leaves_the_cells_that_hold_it(census: pd.DataFrame) -> None:
    counts = raw("pop_resident_census", 2010)
    # Guang'an: Yuechi, Wusheng, Linshui, Huaying; 406.3635 = d + (d + their sum)
    others = counts[["511621", "511622", "511623", "511681"]].sum()
    district = census.loc[(GUANGAN, 2010), "pop_resident"]
    assert 2 * district + others == pytest.approx(406.3635, abs=1e-9)
    # Yanjiang: Anyue, Lezhi and Jianyang, which was Ziyang's
    others = counts[["512021", "512022", "510185"]].sum()
    district = census.loc[(YANJIANG, 2010), "pop_resident"]
    assert 2 * district + others == pytest.approx(457.0786, abs=1e-9)
    assert census.loc[(YANJIANG, 2010), "urban_share"] == pytest.approx(41.556, abs=1e-3)


def test_the_rest_of_the_city_fills_absent_counties(census: pd.DataFrame) -> None:
    counts = raw("pop_resident_census", 2010)
    others = counts[counts.index.str.startswith("5106")].sum()
    assert census.loc[(MIANZHU, 2010), "pop_resident"] == pytest.approx(361.7 - others)
    assert np.isnan(census.loc[(MIANZHU, 2010), "pop_urban"])


def test_cities_add_up_to_the_yearbook(census: pd.DataFrame) -> None:
    cities = census.groupby(["city", "year"])["pop_resident"].sum()
    known = data.load_panel()["pop"].reindex(cities.index)  # Jianyang with Chengdu
    assert (cities / known - 1).abs().max() < NEAR


def test_zones_lose_nobody(census: pd.DataFrame) -> None:
    for column, variable in (
        ("pop_resident", "pop_resident_census"),
        ("emp_sample", "emp_census_sample_total"),
    ):
        assert census[column].xs(2020, level="year").sum() == pytest.approx(
            raw(variable, 2020).sum(), rel=EXACT
        )


def test_shares_by_hand(census: pd.DataFrame) -> None:
    wanzhou = census.loc[("500101", 2020)]
    assert wanzhou["info_share"] == pytest.approx(100 * 872 / 84144)
    assert wanzhou["urban_share"] == pytest.approx(68.9155734703)


def test_every_changed_cell_is_listed(census: pd.DataFrame, listed: pd.DataFrame) -> None:
    for column, variable in (
        ("pop_resident", "pop_resident_census"),
        ("pop_urban", "pop_urban_census"),
        ("pop_college", "college_pop_census"),
        ("emp_sample", "emp_census_sample_total"),
    ):
        published = pd.concat({year: raw(variable, year) for year in (2010, 2020)}).swaplevel()
        published = published.reindex(census.index) if len(published) else published
        same = np.isclose(census[column], published, rtol=0, atol=0, equal_nan=True)
        rows = listed[listed["variable"] == column]
        keys = pd.MultiIndex.from_frame(rows[["unit", "year"]])
        assert set(census.index[~same]) == set(keys), column
        used = census.loc[keys, column].to_numpy()
        np.testing.assert_array_equal(rows["used"].to_numpy(), used)
    assert (SHIZHONG, 2010) in set(zip(listed["unit"], listed["year"], strict=True))


def test_areas_hold_the_same_ground(census: pd.DataFrame) -> None:
    areas = data.load_census_areas()
    assert areas.index.get_level_values("unit").nunique() == 153
    county = data.load_panel("county", years=(2010, 2020))
    for column in ("gdp", "night_lights"):
        full = areas[column].groupby("year").apply(lambda part: part.notna().all())
        totals = areas[column].groupby("year").sum()
        expected = county[column].groupby("year").sum()
        np.testing.assert_allclose(totals[full], expected[full], rtol=1e-12)
    whole = census["pop_resident"].groupby("year").sum()
    ends = areas["pop_resident"].groupby("year").sum()[[2010, 2020]]
    np.testing.assert_allclose(ends, whole, rtol=1e-12)
    people = areas.loc[GUANGAN, "pop_resident"]
    assert people[2015] == pytest.approx(np.sqrt(people[2010] * people[2020]))
    assert people[2020] == pytest.approx(74.4115 + 23.2255)
    assert np.isnan(areas.loc[(GUANGAN, 2010), "gdp"])  # Qianfeng has none then


def test_years_without_a_census_are_refused() -> None:
    with pytest.raises(DataError, match="years 2010-2022: residents of areas are known between"):
        data.load_census_areas((2010, 2022))
