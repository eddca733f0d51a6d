"""The city panel: shape, identities, screening of the known faults, and a complete record."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ccec_econ import data
from ccec_econ.data import boundary
from ccec_econ.data.digital import FIVE, FOUR, FOUR_YEARS, digital_figures, splice_factors
from ccec_econ.data.store import wide
from ccec_econ.errors import DataError

CHENGDU, DEYANG, NEIJIANG, LESHAN = "510100", "510600", "511000", "511100"
ZIYANG, CHONGQING, DAZHOU = "512000", "500000", "511700"
EXACT = 1e-12  # the same arithmetic twice


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return data.load_panel()


@pytest.fixture(scope="module")
def adjustments() -> pd.DataFrame:
    return data.load_adjustments()


def cells(table: pd.DataFrame, variable: str) -> set[tuple[str, int]]:
    rows = table[table["variable"] == variable]
    return set(zip(rows["unit"], rows["year"], strict=True))


def test_shape_and_order(panel: pd.DataFrame) -> None:
    assert panel.shape[0] == 16 * 25
    assert panel.index.names == ["unit", "year"]
    assert panel.index.is_monotonic_increasing
    assert panel.index.is_unique
    assert panel["name"].loc[CHENGDU].unique().tolist() == ["Chengdu"]
    assert set(panel["province"]) == {"Sichuan", "Chongqing"}


def test_years_cut_both_ends_included() -> None:
    cut = data.load_panel(years=(2011, 2019))
    assert cut.index.get_level_values("year").unique().tolist() == list(range(2011, 2020))


@pytest.mark.parametrize("years", [(1998, 2010), (2010, 2024), (2012, 2011)])
def test_years_outside_are_refused(years: tuple[int, int]) -> None:
    with pytest.raises(DataError, match=f"years {years[0]}-{years[1]}: the city panel holds 1999"):
        data.load_panel(years=years)


def test_unknown_layer_and_index_are_refused() -> None:
    with pytest.raises(DataError, match="layer 'town': unknown"):
        data.load_panel("town")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="index 'smart': unknown; choose one of digital"):
        data.load_index("smart")


def test_a_returned_panel_is_a_copy(panel: pd.DataFrame) -> None:
    mine = data.load_panel()
    mine["gdp"] = 0.0
    assert data.load_panel()["gdp"].max() == panel["gdp"].max() > 0


def test_identities(panel: pd.DataFrame) -> None:
    known = panel.dropna(subset=["gdp_pc"])
    assert (known["gdp_pc"] > 0).all()
    ratio = known["gdp_pc"] / (1e4 * known["gdp_real"] / known["pop"])
    assert np.abs(ratio - 1).max() < EXACT
    lagged = panel["ln_gdp_pc"].groupby(level="unit").shift()
    pd.testing.assert_series_equal(panel["ln_gdp_pc_lag"], lagged, check_names=False)
    growth = 100 * (panel["ln_gdp_pc"] - lagged)
    assert np.abs(growth - panel["growth"]).max() < 1e-9


def test_what_is_absent_on_purpose(panel: pd.DataFrame) -> None:
    missing = panel[panel["gdp"].isna()].index.tolist()
    assert missing == sorted([*((unit, 1999) for unit in data.load_units().index), (LESHAN, 2023)])
    years = panel.index.get_level_values("year")
    assert panel.loc[years < 2007, "rd"].isna().all()
    assert panel.loc[years >= 2007, "rd"].isna().sum() == 1  # Leshan 2023
    assert panel.loc[(slice(None), 2020), "mobile"].isna().all()


def test_rail_exposure_is_a_share_and_never_falls(panel: pd.DataFrame) -> None:
    for column in ("hsr", "hsr_emu", "hsr_250", "hsr_350"):
        shares = panel[column].unstack("unit")
        assert panel[column].dropna().between(0, 1).all()
        assert (shares.ffill().diff().iloc[1:] >= 0).all(axis=None)
        assert (shares.loc[:2005] == 0).all(axis=None)
    assert (panel["hsr"] >= panel["hsr_250"]).all()
    assert (panel["hsr_250"] >= panel["hsr_350"]).all()
    assert panel.loc[(CHENGDU, 2009), "hsr"] == pytest.approx(
        97 / 365, abs=5e-4
    )  # 26 Sep, three digits


def test_digital_indices_are_complete(panel: pd.DataFrame) -> None:
    for column, years in (("digital", (2011, 2019)), ("digital_four", (2003, 2019))):
        for name in (column, f"{column}_published"):
            index = panel[name].unstack("unit")
            assert index.loc[years[0] : years[1]].notna().all(axis=None)
            assert index.drop(index=range(years[0], years[1] + 1)).isna().all(axis=None)
            assert panel[name].dropna().between(0, 1).all()


def test_digital_index_follows_from_its_weights_and_bounds(panel: pd.DataFrame) -> None:
    result = data.load_index("digital")
    figures = panel.loc[(slice(None), slice(2011, 2019)), list(FIVE)]
    low, high = result.bounds["min"], result.bounds["max"]
    again = ((figures - low) / (high - low) * result.weights).sum(axis=1)
    assert np.abs(again - panel["digital"]).max() < EXACT
    assert result.weights.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("variable", "unit", "years"),
    [
        ("internet", NEIJIANG, [2017, 2018, 2019, 2021]),
        ("internet", DEYANG, [2012]),
        ("internet", CHONGQING, [2010, 2011]),
        ("mobile", NEIJIANG, [2021]),
        ("telecom", CHENGDU, [2009, 2010, 2014, 2015]),
    ],
)
def test_known_faults_are_caught(
    panel: pd.DataFrame, variable: str, unit: str, years: list[int]
) -> None:
    for year in years:
        used, published = panel[variable], panel[f"{variable}_published"]
        assert used.loc[(unit, year)] < 0.8 * published.loc[(unit, year)]
    both = panel.loc[unit, [variable, f"{variable}_published"]].dropna()
    if variable != "telecom":
        changed = both[both[variable] != both[f"{variable}_published"]]
        assert set(years) <= set(changed.index)


def test_few_figures_are_replaced(adjustments: pd.DataFrame) -> None:
    replaced = adjustments[adjustments["reason"] == "outlier run replaced by screen"]
    published = data.load_panel()[[f"{name}_published" for name in FOUR]].notna().sum().sum()
    assert 0.03 < len(replaced) / published < 0.06


def test_change_of_level_is_kept_and_reported(panel: pd.DataFrame) -> None:
    changes = data.load_level_changes()
    assert changes.to_numpy().tolist() == [[CHENGDU, "emp_info", 2013, 2019]]
    kept = panel.loc[(CHENGDU, slice(2013, 2019)), :]
    assert (kept["emp_info"] == kept["emp_info_published"]).all()


def test_every_replaced_indicator_is_listed(panel: pd.DataFrame, adjustments: pd.DataFrame) -> None:
    factors = adjustments[adjustments["unit"] == "circle"].set_index("year")["used"]
    years = panel.index.get_level_values("year")
    splice = pd.Series(years, index=panel.index).map(factors).fillna(1.0)
    for name in FIVE:
        published = panel[f"{name}_published"] * (splice if name == "telecom" else 1.0)
        same = np.isclose(panel[name], published, rtol=EXACT, equal_nan=True)
        listed = {cell for cell in cells(adjustments, name) if cell[0] != "circle"}
        assert listed == set(panel.index[~same]), name


def test_adjustments_state_the_figures_of_the_panel(
    panel: pd.DataFrame, adjustments: pd.DataFrame
) -> None:
    rows = adjustments[
        adjustments["variable"].isin(panel.columns) & (adjustments["unit"] != "circle")
    ]
    keys = pd.MultiIndex.from_frame(rows[["unit", "year"]])
    for variable, part in rows.groupby("variable"):
        at = keys[rows["variable"] == variable]
        used = panel[str(variable)].loc[at].to_numpy(float)
        np.testing.assert_allclose(part["used"].to_numpy(float), used, rtol=EXACT)
        if f"{variable}_published" in panel.columns:
            published = panel[f"{variable}_published"].loc[at].to_numpy(float)
            np.testing.assert_allclose(part["published"].to_numpy(float), published, rtol=EXACT)


def test_every_changed_population_is_listed(panel: pd.DataFrame, adjustments: pd.DataFrame) -> None:
    for variable in ("pop", "pop_yearbook_area"):
        changed = panel.index[panel[variable].ne(panel["pop_published"])]
        assert cells(adjustments, variable) == set(changed), variable
    moved = panel.index[(panel["gdp_yearbook_area"] != panel["gdp"]) & panel["gdp"].notna()]
    assert cells(adjustments, "gdp_yearbook_area") == set(moved)


def test_no_cell_is_listed_twice(adjustments: pd.DataFrame) -> None:
    assert not adjustments.duplicated(["unit", "year", "variable"]).any()
    assert list(adjustments.columns) == ["unit", "year", "variable", "published", "used", "reason"]


def test_tenfold_research_figure_is_dropped(panel: pd.DataFrame, adjustments: pd.DataFrame) -> None:
    assert np.isnan(panel["rd_true"].loc[(DAZHOU, 2017)])
    row = adjustments[(adjustments["variable"] == "rd_true") & adjustments["used"].isna()]
    assert row[["unit", "year"]].to_numpy().tolist() == [[DAZHOU, 2017]]
    assert panel.loc[(CHONGQING, 2021), "rd_true"] == 2.16


def test_another_copys_figure_is_listed_with_the_implausible_one(
    adjustments: pd.DataFrame,
) -> None:
    row = adjustments[adjustments["variable"] == "loans"].iloc[0]
    assert (row["unit"], row["year"], row["published"]) == (CHONGQING, 2015, 1.45029e11)
    assert row["used"] == pytest.approx(22393.9285)


def test_splice_factors_by_hand() -> None:
    # Revenue grows by g = ln 1.1 a year throughout; volume is half of revenue in 2003-04, twice
    # revenue in 2007 and, growing by 1.1, twice in 2010: factors 2 and 1/2.
    years = pd.RangeIndex(2003, 2016)
    median = pd.Series(1.1 ** np.arange(len(years)), index=years)
    median.loc[2003:2004] /= 2.0
    median.loc[2007:2010] *= 2.0
    factors = splice_factors(median)
    expected = {2003: 2.0, 2004: 2.0, 2005: 1.0, 2006: 1.0, 2007: 0.5, 2008: 0.5, 2010: 0.5}
    assert factors[list(expected)].tolist() == pytest.approx(list(expected.values()))
    assert (factors.loc[2011:] == 1.0).all()


def test_spliced_median_grows_across_the_edges_as_beside_them(panel: pd.DataFrame) -> None:
    factors = splice_factors(panel["telecom_published"].groupby("year").median().dropna())
    spliced = panel["telecom_published"].groupby("year").median() * factors
    growth = np.log(spliced.loc[2003:2013]).diff()
    raw = np.log(panel["telecom_published"].groupby("year").median()).diff()
    for edge in (2005, 2007, 2011):
        assert growth[edge] == pytest.approx((raw[edge - 1] + raw[edge + 1]) / 2)


def test_missing_indicator_is_filled_and_listed() -> None:
    residents = boundary.yearbook_residents(wide("population", "pop_resident_interp"))
    holed = residents.copy()
    holed.loc[2008, NEIJIANG] = np.nan  # figures per resident then are missing
    figures = digital_figures(holed)
    rows = figures.adjustments[figures.adjustments["reason"] == "missing"]
    assert cells(rows, "mobile") == {(NEIJIANG, 2008)}
    for name in FOUR:
        years = slice(*FOUR_YEARS)
        assert figures.used[name].loc[years].notna().all(axis=None)
        assert figures.unscreened[name].loc[years].notna().all(axis=None)


def test_jianyang_is_counted_once_in_every_year(panel: pd.DataFrame) -> None:
    added = boundary.jianyang_population()
    at = panel.xs(2015, level="year")
    assert at["pop"].loc[CHENGDU] - at["pop_published"].loc[CHENGDU] == pytest.approx(added[2015])
    assert at["pop"].loc[ZIYANG] == at["pop_published"].loc[ZIYANG]
    assert at["pop_yearbook_area"].loc[ZIYANG] - at["pop"].loc[ZIYANG] == pytest.approx(added[2015])
    assert at["pop_yearbook_area"].loc[CHENGDU] == at["pop_published"].loc[CHENGDU]
    after = panel.loc[(slice(None), slice(2016, 2023)), :]
    assert (after["pop"] == after["pop_published"]).all()
    assert (after["pop_yearbook_area"] == after["pop"]).all()
    # Census 2010: 107.1214; county yearbook 2016: 106.45; 2013 lies half way.
    assert added[2010] == pytest.approx(107.1214)
    assert added[2013] == pytest.approx((107.1214 + 106.45) / 2)


def test_jump_of_chengdus_residents_does_not_reach_growth(panel: pd.DataFrame) -> None:
    growth = panel.loc[(CHENGDU, slice(2013, 2019)), "growth"]
    assert growth.between(3, 7).all()


def test_population_breaks_are_marked(panel: pd.DataFrame) -> None:
    marked = panel["pop_break"].groupby("year").sum()
    assert marked[2010] == 16
    assert (marked.loc[2011:] == 0).all()
