"""Dispersion measures and trends against values worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from ccec_econ import convergence
from ccec_econ.data import load_panel
from ccec_econ.errors import AlignmentError, PanelError

EXACT = 1e-12  # sums of a handful of terms of order one
ROLES = {"a": "core", "b": "core", "c": "hollow", "d": "other"}


def panel_of(**columns: list[float]) -> pd.DataFrame:
    """Four units in one year."""
    index = pd.MultiIndex.from_product([list("abcd"), [2010]], names=["unit", "year"])
    return pd.DataFrame(columns, index=index)


@pytest.fixture
def four() -> pd.DataFrame:
    return panel_of(y=[50.0, 30.0, 10.0, 10.0], p=[4.0, 4.0, 2.0, 2.0])


@pytest.fixture(scope="module")
def city() -> pd.DataFrame:
    return load_panel(years=(2010, 2022))


def test_sigma_has_divisor_n() -> None:
    # ln y = 0, 0, 2, 2: mean 1, deviations of 1, s.d. sqrt(4 / 4) = 1
    panel = panel_of(y=[1.0, 1.0, math.e**2, math.e**2])
    assert convergence.sigma(panel, "y").loc[2010] == pytest.approx(1.0, abs=EXACT)


def test_sigma_ignores_the_unit_of_measurement(city: pd.DataFrame) -> None:
    rescaled = city.assign(gdp_pc=1000 * city["gdp_pc"])
    first, second = (convergence.sigma(frame, "gdp_pc") for frame in (city, rescaled))
    assert np.allclose(first, second, atol=EXACT)


def test_core_share_and_primacy_by_hand(four: pd.DataFrame) -> None:
    assert convergence.core_share(four, "y", ROLES).to_dict() == {2010: pytest.approx(0.8)}
    hollow = convergence.core_share(four, "y", ROLES, core=("core", "hollow"))
    assert hollow.loc[2010] == pytest.approx(0.9)
    assert convergence.primacy(four, "y").loc[2010] == pytest.approx(50 / 30)


def test_hollow_gap_weighs_by_population() -> None:
    # cores (30 + 10) / (1 + 3) = 10 a head; hollow (2 + 12) / (1 + 1) = 7: gap 1 - 7/10.
    # Unweighted means, 16.67 and 7, would give 0.58.
    panel = panel_of(y=[30.0, 10.0, 2.0, 12.0], p=[1.0, 3.0, 1.0, 1.0])
    roles = {"a": "core", "b": "core", "c": "hollow", "d": "hollow"}
    gap = convergence.hollow_gap(panel, "y", "p", pd.Series(roles))
    assert gap.loc[2010] == pytest.approx(0.3, abs=EXACT)


def test_complete_years(four: pd.DataFrame) -> None:
    later = four.rename(index={2010: 2011}, level="year").assign(p=[1.0, np.nan, 1.0, 1.0])
    panel = pd.concat([four, later])
    assert convergence.complete_years(panel, ["y", "p"]) == [2010]
    assert convergence.complete_years(panel, ["y"]) == [2010, 2011]


def test_circle_converges_in_real_terms(city: pd.DataFrame) -> None:
    fit = convergence.trend(convergence.sigma(city, "gdp_pc"))
    assert fit.slope < 0
    assert fit.pvalue < 0.001
    assert (fit.first, fit.last) == (2010, 2022)
    assert fit.start > fit.end


def test_trend_slope_is_least_squares() -> None:
    rng = np.random.default_rng(7)
    line = pd.Series(rng.standard_normal(13).cumsum(), index=range(2010, 2023))
    fit = convergence.trend(line)
    slope = np.polyfit(line.index.to_numpy(float), line.to_numpy(), 1)[0]
    assert fit.slope == pytest.approx(slope, rel=1e-9)
    assert fit.tstat == pytest.approx(fit.slope / fit.std_error)
    assert fit.lags == 2  # floor(4 * 0.13 ** (2 / 9)) = floor(2.54)


def test_trend_error_by_the_formula_of_newey_and_west() -> None:
    y = np.array([1.0, 2.5, 2.0, 4.5, 4.0, 6.5])
    X = sm.add_constant(np.arange(6.0))
    bread = np.linalg.inv(X.T @ X)
    scores = X * (y - X @ bread @ X.T @ y)[:, None]
    cross = scores[1:].T @ scores[:-1]
    meat = scores.T @ scores + (1 - 1 / 2) * (cross + cross.T)  # one lag: Bartlett weight 1/2
    variance = 6 / 4 * bread @ meat @ bread  # T / (T - 2)
    fit = convergence.trend(pd.Series(y, index=range(2001, 2007)), lags=1)
    assert fit.std_error == pytest.approx(math.sqrt(variance[1, 1]), rel=1e-10)


def test_missing_values_are_named(four: pd.DataFrame) -> None:
    four.loc[("c", 2010), "y"] = np.nan
    with pytest.raises(PanelError, match=r"column 'y': 1 values missing \(c 2010\)"):
        convergence.sigma(four, "y")


def test_values_that_are_not_positive_are_named(four: pd.DataFrame) -> None:
    four.loc[("d", 2010), "p"] = 0.0
    with pytest.raises(PanelError, match=r"column 'p': 1 values not positive \(d 2010\)"):
        convergence.hollow_gap(four, "y", "p", ROLES)


def test_a_year_that_a_unit_lacks_is_missing(four: pd.DataFrame) -> None:
    more = pd.concat([four, four.rename(index={2010: 2011}, level="year").iloc[:3]])
    with pytest.raises(PanelError, match=r"1 values missing \(d 2011\)"):
        convergence.primacy(more, "y")


def test_unknown_column_and_index_are_refused(four: pd.DataFrame) -> None:
    with pytest.raises(PanelError, match=r"column 'z': not in the panel; it holds y, p"):
        convergence.sigma(four, "z")
    with pytest.raises(PanelError, match="index levels"):
        convergence.sigma(four.reset_index(), "y")
    with pytest.raises(PanelError, match="rows appear twice"):
        convergence.sigma(pd.concat([four, four]), "y")


def test_units_without_class_are_named(four: pd.DataFrame) -> None:
    with pytest.raises(AlignmentError, match=r"none for 1 units \(d\)"):
        convergence.core_share(four, "y", {"a": "core", "b": "core", "c": "hollow"})
    with pytest.raises(AlignmentError, match="no unit is hollow; the roles are core, other"):
        convergence.hollow_gap(four, "y", "p", ROLES | {"c": "other"})


def test_primacy_needs_two_units(four: pd.DataFrame) -> None:
    with pytest.raises(PanelError, match="1 unit; give at least two"):
        convergence.primacy(four.loc[["a"]], "y")


@pytest.mark.parametrize(
    ("years", "values", "message"),
    [
        (range(2001, 2005), [1.0] * 4, "4 years; give at least 5"),
        ([2001, 2002, 2004, 2005, 2006], [1.0] * 5, "not consecutive"),
        (range(2001, 2006), [1.0, np.nan, 1.0, 1.0, 1.0], r"1 missing \(2002\)"),
    ],
)
def test_trend_refuses(years: range, values: list[float], message: str) -> None:
    with pytest.raises(PanelError, match=message):
        convergence.trend(pd.Series(values, index=list(years)))
