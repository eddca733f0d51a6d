"""Beta-convergence: by hand, against statsmodels and the spatial verbs, refusals."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

import ccec_econ as ce
from ccec_econ.convergence import (
    cross_section,
    growth_spans,
    moderated_speed,
    speed,
    speed_of,
)
from ccec_econ.errors import FormulaError, PanelError


@pytest.fixture(scope="module")
def city() -> pd.DataFrame:
    return ce.data.load_panel(years=(2010, 2022))


def test_speed_by_hand() -> None:
    # 1 + b T = 0.8 over ten years: s = -ln .8 / 10; ln 2 / s = 31.06, not ln 2 / .02 = 34.66
    found = speed(-0.02, 0.005, 10.0)
    assert found.speed == pytest.approx(-math.log(0.8) / 10)
    assert found.half_life == pytest.approx(math.log(2) / (-math.log(0.8) / 10))
    low, high = -0.02 - 1.959964 * 0.005, -0.02 + 1.959964 * 0.005
    assert found.upper == pytest.approx(-math.log(1 + 10 * low) / 10, rel=1e-6)
    assert found.lower == pytest.approx(-math.log(1 + 10 * high) / 10, rel=1e-6)
    assert found.half_life_lower == pytest.approx(math.log(2) / found.upper)


def test_a_slope_that_may_be_zero_gives_a_half_life_without_end() -> None:
    found = speed(-0.005, 0.005, 5.0)
    assert found.lower < 0.0 < found.upper
    assert found.half_life_upper == math.inf
    assert "half-life [" in str(found)
    assert speed(-0.3, 0.01, 5.0).speed == math.inf  # 1 + b T below zero


@given(
    s=st.floats(0.001, 0.2), span=st.integers(1, 12), seed=st.integers(0, 1000), a=st.floats(-1, 1)
)
def test_a_path_that_converges_at_a_speed_is_estimated_at_it(
    s: float, span: int, seed: int, a: float
) -> None:
    # y_t - m = e^(-s) (y_(t-1) - m) for every unit, without disturbance
    rng = np.random.default_rng(seed)
    start = rng.normal(8.0, 1.0, 10)
    years = np.arange(2000, 2013)
    path = 9.0 + a + (start[:, None] - 9.0 - a) * np.exp(-s * (years - 2000))
    index = pd.MultiIndex.from_product([range(10), years], names=["unit", "year"])
    panel = pd.DataFrame({"y": np.exp(path).ravel()}, index=index)
    found = cross_section(panel, "y", years=(2012 - span, 2012))
    assert found.speed == pytest.approx(s, rel=1e-6)


def test_cross_section_is_least_squares(city: pd.DataFrame) -> None:
    found = cross_section(city, "gdp_pc", years=(2010, 2022), controls=["rd"])
    first, last = (city.xs(year, level="year") for year in (2010, 2022))
    growth = (np.log(last["gdp_pc"]) - np.log(first["gdp_pc"])) / 12
    X = sm.add_constant(pd.DataFrame({"y0": np.log(first["gdp_pc"]), "rd": first["rd"]}))
    fit = sm.OLS(growth, X).fit()
    assert found.slope == pytest.approx(fit.params["y0"], rel=1e-9)
    assert found.std_error == pytest.approx(fit.bse["y0"], rel=1e-9)
    assert found.df == 13
    assert found.slope_lower == pytest.approx(fit.conf_int().loc["y0", 0], rel=1e-9)


def lights() -> tuple[pd.DataFrame, pd.Series]:
    panel = ce.data.load_panel(layer="county", years=(2013, 2022))
    return panel, ce.data.load_units("county")["city"]


def test_within_classes_is_least_squares_on_deviations_from_their_means() -> None:
    panel, cities = lights()
    found = cross_section(panel, "night_lights", years=(2013, 2022), within=cities)
    frame = growth_spans(panel, "night_lights", 9).droplevel("year")
    label = cities.reindex(frame.index)
    y, x = (frame[name] - frame[name].groupby(label).transform("mean") for name in frame)
    e = y - x * float(x @ y / (x @ x))
    assert found.slope == pytest.approx(float(x @ y / (x @ x)), rel=1e-9)
    assert found.df == 156 - 17
    assert found.std_error == pytest.approx(math.sqrt(float(e @ e) / found.df / (x @ x)), rel=1e-9)


def test_clusters_of_units_by_the_sandwich_written_out() -> None:
    panel, cities = lights()
    found = cross_section(panel, "night_lights", years=(2013, 2022), clusters=cities)
    frame = growth_spans(panel, "night_lights", 9).droplevel("year")
    X = np.column_stack([np.ones(156), frame["ln_start"]])
    bread = np.linalg.inv(X.T @ X)
    e = frame["growth"].to_numpy() - X @ (bread @ X.T @ frame["growth"].to_numpy())
    meat = np.zeros((2, 2))
    for city in cities.unique():
        score = X[cities.reindex(frame.index) == city].T @ e[cities.reindex(frame.index) == city]
        meat += np.outer(score, score)
    V = bread @ meat @ bread * (16 / 15) * (155 / 154)
    assert found.df == 15
    assert found.std_error == pytest.approx(math.sqrt(V[1, 1]), rel=1e-9)
    with pytest.raises(PanelError, match="clusters: one only"):
        cross_section(panel, "night_lights", years=(2013, 2022), clusters=cities.map(lambda _: "x"))


def test_spans_follow_each_other_and_start_with_their_controls(city: pd.DataFrame) -> None:
    spans = growth_spans(city, "gdp_pc", 5, controls=["hsr"])
    years = spans.index.get_level_values("year").unique()
    assert years.tolist() == [2017, 2022]  # 2010-12 do not make a whole span
    unit = "510300"
    logs = np.log(city.loc[unit, "gdp_pc"])
    row = spans.loc[(unit, 2022)]
    assert row["growth"] == pytest.approx((logs[2022] - logs[2017]) / 5)
    assert row["ln_start"] == pytest.approx(logs[2017])
    assert row["hsr"] == city.loc[(unit, 2017), "hsr"]


def test_speed_of_a_fit_by_quantity(city: pd.DataFrame) -> None:
    spans, W = growth_spans(city, "gdp_pc", 3), ce.weights.contiguity()
    fit = ce.sdm("growth ~ ln_start | year", spans, W)
    effects = fit.effects(draws=1).frame
    for quantity in ("direct", "indirect", "total"):
        found = speed_of(fit, 3, quantity=quantity)  # type: ignore[arg-type]
        assert found.slope == pytest.approx(effects.loc[("ln_start", quantity), "estimate"])
        assert found.df is None
    slope = speed_of(fit, 3)
    assert slope.slope == fit.params["ln_start"]
    ols = ce.ols("growth ~ ln_start | year", spans)
    assert speed_of(ols, 3).df == ols.vcov.df
    assert speed_of(ols, 3).pvalue == pytest.approx(ols.pvalues["ln_start"])


def test_moderated_speed_is_linear_in_the_moderator(city: pd.DataFrame) -> None:
    spans = growth_spans(city, "gdp_pc", 3, controls=["rd"])
    fit = ce.ols("growth ~ ln_start + rd + ln_start:rd | year", spans)
    values = pd.Series({"none": 0.0, "one": 1.0})
    found = moderated_speed(fit, 3, values, by="rd")
    assert found.loc["none", "slope"] == pytest.approx(fit.params["ln_start"])
    assert found.loc["none", "std_error"] == pytest.approx(fit.std_errors["ln_start"])
    total = fit.params["ln_start"] + fit.params["ln_start:rd"]
    assert found.loc["one", "slope"] == pytest.approx(total)
    moved = spans.assign(rd=spans["rd"] - 1.0)  # the slope at one is the slope at zero of rd - 1
    again = ce.ols("growth ~ ln_start + rd + ln_start:rd | year", moved)
    assert found.loc["one", "std_error"] == pytest.approx(again.std_errors["ln_start"], rel=1e-8)


def test_bad_input_is_refused(city: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="need a positive span"):
        speed(-0.02, 0.01, 0.0)
    with pytest.raises(PanelError, match="span of 13 years in 13 years"):
        growth_spans(city, "gdp_pc", 13)
    long = ce.data.load_panel(years=(2005, 2015))
    with pytest.raises(PanelError, match=r"growth crosses 16 breaks \(500000 2010"):
        growth_spans(long, "gdp_pc", 5, breaks="pop_break")
    with pytest.raises(PanelError, match=r"control 'rd_true': \d+ values missing"):
        growth_spans(city, "gdp_pc", 3, controls=["rd_true"])
    with pytest.raises(PanelError, match="years 2030 are not in the panel"):
        cross_section(city, "gdp_pc", years=(2010, 2030))
    some = city[city.index.get_level_values("year") != 2015]
    with pytest.raises(PanelError, match="not consecutive"):
        growth_spans(some, "gdp_pc", 3)
    three = city.loc[["510100", "500000", "510300"]]
    with pytest.raises(PanelError, match="3 units for 3 coefficients"):
        cross_section(three, "gdp_pc", years=(2010, 2022), controls=["rd"])
    fit = ce.ols("growth ~ ln_start | year", growth_spans(city, "gdp_pc", 3))
    with pytest.raises(FormulaError, match="no term 'start'"):
        speed_of(fit, 3, term="start")
    with pytest.raises(FormulaError, match="quantity 'all' is unknown"):
        speed_of(fit, 3, quantity="all")  # type: ignore[arg-type]
    with pytest.raises(FormulaError, match="write ln_start"):
        moderated_speed(fit, 3, pd.Series([1.0]), by="rd")


def test_unit_effects_with_few_years_say_far_too_fast() -> None:
    # speed 5 per cent a year; annual growth, unit and time effects, 16 units, 11 years
    rng = np.random.default_rng(3)
    speeds = []
    for _ in range(40):
        level = rng.normal(0.0, 0.2, 16)
        y, path = level + rng.normal(0.0, 0.1, 16), []
        for _t in range(12):
            y = level + np.exp(-0.05) * (y - level) + rng.normal(0.0, 0.03, 16)
            path.append(y)
        index = pd.MultiIndex.from_product([range(2000, 2012), range(16)], names=["year", "unit"])
        panel = pd.DataFrame({"y": np.exp(np.concatenate(path))}, index=index).swaplevel()
        spans = growth_spans(panel, "y", 1)
        speeds.append(speed_of(ce.ols("growth ~ ln_start | unit + year", spans), 1).speed)
    assert np.median(speeds) > 0.15
