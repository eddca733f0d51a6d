"""Town and country inside counties, and the comparison circles."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ccec_econ import convergence, data
from ccec_econ.errors import PanelError

EXACT = 1e-12


def counties(**changes: list[float]) -> pd.DataFrame:
    index = pd.MultiIndex.from_tuples([("a", 2015), ("b", 2015)], names=["unit", "year"])
    columns = {
        "urban_income": [3.0, 4.0],
        "rural_income": [1.0, 2.0],
        "pop_resident": [5.0, 6.0],
        "pop_urban": [4.0, 3.0],
    }
    return pd.DataFrame(columns | changes, index=index)


def test_three_levels_add_up() -> None:
    parts = convergence.split_urban_rural(counties())
    assert parts.loc[("a rural", 2015), ["income", "population"]].tolist() == [1.0, 1.0]
    county = {unit: unit[0] for unit in parts.index.get_level_values("unit")}
    found = convergence.theil_nested(parts, "income", "population", {"county": county}).loc[2015]
    assert found["total"] == pytest.approx(found["county"] + found["units"], abs=EXACT)
    # between town and country alone: the Theil index of each county, weighted by its income share
    within = 0.0
    for unit in "ab":
        own = parts[parts["county"] == unit]
        share = (own["income"] * own["population"]).sum() / (13.0 + 18.0)
        within += share * convergence.dispersion(own, "income", "theil", population="population")
    assert found["units"] == pytest.approx(float(within.loc[2015]), abs=EXACT)


def test_a_county_without_rural_residents_keeps_one_part() -> None:
    parts = convergence.split_urban_rural(
        counties(pop_urban=[5.0, 3.0], rural_income=[np.nan, 2.0])
    )
    assert sorted(parts.index.get_level_values("unit")) == ["a urban", "b rural", "b urban"]


def test_bad_figures_are_named() -> None:
    with pytest.raises(PanelError, match="more urban residents than residents: a 2015"):
        convergence.split_urban_rural(counties(pop_urban=[6.0, 3.0]))
    with pytest.raises(PanelError, match=r"where rural residents live \(b 2015\)"):
        convergence.split_urban_rural(counties(rural_income=[1.0, np.nan]))
    with pytest.raises(PanelError, match=r"'urban_income': 1 values missing \(a 2015\)"):
        convergence.split_urban_rural(counties(urban_income=[np.nan, 4.0]))


def test_comparison_circles_are_complete_where_they_say() -> None:
    panel = data.load_comparison((2005, 2022))
    assert panel[["gdp", "gdp_real", "pop", "gdp_pc"]].notna().all(axis=None)
    assert panel["gdp_pc"].between(1e3, 1e6).all()
    assert panel.groupby("circle").size().to_dict() == {
        "bth": 13 * 18,
        "gba": 9 * 18,
        "yrd": 41 * 18,
    }
    raw = data.load_raw("gdp_revised", "comparison")
    cell = raw[(raw["unit"] == "310000") & (raw["year"] == 2020)]
    value = cell.loc[cell["variable"] == "gdp_revised", "value"].iloc[0]
    assert panel.loc[("310000", 2020), "gdp"] == value
