"""The county panel: shape, breaks, dropped figures, and a complete record."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ccec_econ import data
from ccec_econ.data.county import gdp_spikes

SHARED = {
    "gdp": "gdp",
    "va1": "va1",
    "va2": "va2",
    "va3": "va3",
    "gdp_pc": "gdp_pc",
    "pop_registered": "pop_registered",
    "pop_resident": "pop_resident",
    "pop_urban": "pop_resident_urban",
    "urban_income": "urban_income",
    "rural_income": "rural_income",
    "urban_rural_ratio": "urban_rural_ratio",
}


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return data.load_panel("county")


@pytest.fixture(scope="module")
def adjustments() -> pd.DataFrame:
    return data.load_adjustments("county")


def test_shape_and_order(panel: pd.DataFrame) -> None:
    assert panel.shape[0] == 156 * 23
    assert panel.index.is_monotonic_increasing
    assert panel["night_lights"].notna().all()
    assert panel["city_name"].loc["510185"].unique().tolist() == ["Chengdu"]
    assert panel["city"].nunique() == 16


def test_every_figure_is_raw_or_listed(panel: pd.DataFrame, adjustments: pd.DataFrame) -> None:
    raw = data.load_raw("county_yearbook", "county")
    for column, variable in SHARED.items():
        rows = raw[(raw["variable"] == variable) & (raw["flag"] != _RESIDUAL)]
        published = rows.set_index(["unit", "year"])["value"].reindex(panel.index)
        same = np.isclose(panel[column], published, rtol=0, atol=0, equal_nan=True)
        listed = adjustments[adjustments["variable"] == column]
        keys = pd.MultiIndex.from_frame(listed[["unit", "year"]])
        assert set(panel.index[~same]) <= set(keys), column
        used = panel.loc[keys, column].to_numpy(float)
        np.testing.assert_array_equal(listed["used"].to_numpy(float), used)


_RESIDUAL = "derived_city_total_minus_other_counties"


def test_counts_of_the_documented_faults(adjustments: pd.DataFrame) -> None:
    gdp = adjustments[adjustments["variable"] == "gdp"]["reason"].value_counts().to_dict()
    assert gdp == {
        "city total minus the other counties": 77,
        "midpoint of its neighbours; dropped": 11,
        "spike against both neighbouring years; dropped": 2,
    }
    assert not adjustments.duplicated(["unit", "year", "variable"]).any()


def test_gdp_breaks(panel: pd.DataFrame) -> None:
    breaks = panel["gdp_break"].unstack("unit")
    assert breaks.loc[[2005, 2018, 2019]].all(axis=None)
    chongqing = breaks.columns.str.startswith("50")
    assert breaks.T[2009][chongqing].all()
    assert breaks.T[2009][~chongqing].sum() <= 2
    assert breaks.loc[2011, "500110"]  # Qijiang: merger
    assert breaks.loc[2011, "500111"]  # Dazu: merger
    assert breaks.loc[2013, "511602"]  # Guang'an: Qianfeng split off
    assert breaks.loc[2016, "510185"]  # Jianyang: moved
    assert not breaks.loc[[2020, 2021]].any(axis=None)
    assert not breaks.loc[2008, "510181"]  # Dujiangyan: earthquake, real


def test_growth_outside_breaks_is_believable(panel: pd.DataFrame) -> None:
    logs = np.log(panel["gdp"])
    growth = logs.groupby(level="unit").diff()[~panel["gdp_break"]]
    years = growth.index.get_level_values("year")
    usual = growth[~years.isin([2008, 2009])].dropna()
    assert usual.between(-0.25, 0.45).all()


def test_spike_needs_departure_and_return() -> None:
    years = pd.RangeIndex(2010, 2016)
    gdp = pd.DataFrame({f"u{i}": np.exp(0.1 * np.arange(6.0)) for i in range(5)}, index=years)
    gdp.loc[[2012], "u0"] *= 1.6  # up and back: ln 1.6 = 0.47 > 0.4
    gdp.loc[2013:, "u1"] *= 1.6  # up and stays
    gdp.loc[[2012], "u2"] *= 1.4  # ln 1.4 = 0.34
    spikes = gdp_spikes(gdp, pd.Series("Sichuan", index=gdp.columns))
    assert spikes.stack()[lambda cell: cell].index.tolist() == [(2012, "u0")]
