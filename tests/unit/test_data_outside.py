"""Series of the cities outside: totals over totals of cities with both figures."""

from __future__ import annotations

import pytest

from ccec_econ import data
from ccec_econ.errors import DataError


def total(source: str, variable: str, year: int, units: set[str]) -> float:
    rows = data.load_raw(source, "comparison")
    rows = rows[(rows["variable"] == variable) & (rows["year"] == year)]
    return float(rows[rows["unit"].isin(units)]["value"].sum())


def present(source: str, variable: str, year: int) -> set[str]:
    rows = data.load_raw(source, "comparison")
    rows = rows[(rows["variable"] == variable) & (rows["year"] == year) & rows["value"].notna()]
    return set(rows["unit"])


@pytest.mark.parametrize(
    ("column", "year", "part", "whole"),
    [
        ("internet", 2011, ("city_yearbook", "internet_users_intl"), "population"),
        ("internet", 2015, ("city_yearbook", "broadband_subscribers"), "population"),
        ("science", 2014, ("city_yearbook", "sci_exp"), "gdp_revised"),
    ],
)
def test_totals_over_totals(column: str, year: int, part, whole: str) -> None:
    over = {"population": "pop_resident_interp", "gdp_revised": "gdp_revised"}[whole]
    both = present(*part, year) & present(whole, over, year)
    found = data.load_outside().loc[year]
    expected = 100 * total(*part, year, both) / total(whole, over, year, both)
    assert found[column] == pytest.approx(expected, rel=1e-12)
    assert found[f"{column}_cities"] == len(both) >= 60


def test_no_city_of_the_circle_is_in_it() -> None:
    outside = set(data.load_raw("city_yearbook", "comparison")["unit"])
    assert not outside & set(data.load_units().index)


def test_refusal() -> None:
    with pytest.raises(DataError, match="years 2005-2019: the series hold 2007-2019"):
        data.load_outside((2005, 2019))
