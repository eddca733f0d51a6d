"""Residents by class and shrinking cities: by hand, what adds up, refusals, the circle."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from ccec_econ import circle, data, structure
from ccec_econ.errors import AlignmentError, PanelError

EXACT = 1e-12
SPAN = (2010, 2020)


def panel_of(years: tuple[int, ...], **columns: list[float]) -> pd.DataFrame:
    units = list("abc")[: len(next(iter(columns.values()))) // len(years)]
    index = pd.MultiIndex.from_product([units, years], names=["unit", "year"])
    return pd.DataFrame(columns, index=index)


def test_people_by_class_by_hand() -> None:
    panel = panel_of(SPAN, pop=[10.0, 15.0, 10.0, 6.0, 20.0, 23.0])
    roles = {"a": "core", "b": "hollow", "c": "core"}
    found = structure.people_by_class(panel, "pop", roles, years=SPAN)
    assert found.index.tolist() == ["core", "hollow", "total"]
    assert found["units"].tolist() == [2, 1, 3]
    assert found["losing"].tolist() == [0, 1, 1]
    assert found["percent"].tolist() == pytest.approx([100 * 8 / 30, -40.0, 10.0])
    # the whole grew by a tenth: 38 - 33, 6 - 11
    assert found["moved"].tolist() == pytest.approx([5.0, -5.0, 0.0])
    assert found["share_last"].tolist() == pytest.approx([38 / 44, 6 / 44, 1.0])


def test_people_by_class_refuses() -> None:
    panel = panel_of(SPAN, pop=[10.0, 15.0, np.nan, 6.0])
    with pytest.raises(PanelError, match="1 values missing"):
        structure.people_by_class(panel, "pop", {"a": "x", "b": "y"}, years=SPAN)
    with pytest.raises(PanelError, match="years 2011 are not in the panel"):
        structure.people_by_class(panel, "pop", {"a": "x", "b": "y"}, years=(2011, 2020))
    with pytest.raises(AlignmentError, match="none for 1 units"):
        structure.people_by_class(panel.fillna(1.0), "pop", {"a": "x"}, years=SPAN)


def test_shrinking_by_hand() -> None:
    # people fall by a tenth while land doubles
    panel = panel_of(SPAN, pop=[10.0, 9.0], land=[5.0, 10.0])
    years = pd.MultiIndex.from_product([["a"], range(2010, 2021)], names=["unit", "year"])
    full = np.exp(np.log(panel).reindex(years).interpolate())
    found = structure.shrinking(full, "pop", "land", span=10).loc[("a", 2020)]
    assert found["people"] == pytest.approx(math.log(0.9) / 10)
    assert found["indicator"] == pytest.approx((math.log(0.9) - math.log(2.0)) / 10)


def test_years_average_to_the_span_whatever_the_units_of_land() -> None:
    panel = data.load_panel(years=SPAN)
    whole = structure.shrinking(panel, "pop", "built_up_km2", span=10).droplevel("year")
    acres = panel.assign(built_up_km2=247.1 * panel["built_up_km2"])
    yearly = structure.shrinking(acres, "pop", "built_up_km2").groupby("unit").mean()
    assert (whole - yearly).abs().max(axis=None) < EXACT


def test_people_of_the_hollow_middle_left() -> None:
    areas = data.load_census_areas()
    found = structure.people_by_class(areas, "pop_resident", circle.roles("county"), years=SPAN)
    assert found["percent"].idxmin() == "hollow"
    assert found["moved"].drop("total").sum() == pytest.approx(0.0, abs=1e-9)
