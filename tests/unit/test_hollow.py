"""The gap between cores and middle, ranks, the trough, spatial sigma."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from ccec_econ import circle, convergence, weights
from ccec_econ.data import load_panel
from ccec_econ.errors import AlignmentError, PanelError, WeightsError
from ccec_econ.simulation import nearest_weights

EXACT = 1e-12


def two_years(**columns: list[float]) -> pd.DataFrame:
    index = pd.MultiIndex.from_product([list("abc"), [2010, 2020]], names=["unit", "year"])
    return pd.DataFrame(columns, index=index)


ROLES = {"a": "core", "b": "hollow", "c": "other"}


def test_a_gap_that_closes_because_people_leave() -> None:
    # output of both stands still; half of the middle moves to the core
    panel = two_years(y=[20.0, 20.0, 10.0, 10.0, 1.0, 1.0], p=[10.0, 15.0, 10.0, 5.0, 1.0, 1.0])
    found = convergence.gap_change(panel, "y", "p", ROLES, years=(2010, 2020))
    assert found["first"] == pytest.approx(math.log(2.0), abs=EXACT)
    assert found["last"] == pytest.approx(math.log((20 / 15) / (10 / 5)), abs=EXACT)
    assert found["output"] == pytest.approx(0.0, abs=EXACT)
    assert found["people"] == pytest.approx(math.log(3.0), abs=EXACT)
    assert found["change"] == pytest.approx(found["last"] - found["first"], abs=EXACT)
    assert found["people_core"] == pytest.approx(math.log(1.5), abs=EXACT)
    assert found["people_hollow"] == pytest.approx(-math.log(2.0), abs=EXACT)


def test_the_middle_of_the_circle_emptied() -> None:
    panel = load_panel(years=(2010, 2022))
    found = convergence.gap_change(panel, "gdp_real", "pop", circle.roles(), years=(2010, 2022))
    assert found["people"] > 0.0
    assert found["change"] == pytest.approx(found["output"] - found["people"], abs=EXACT)


def test_rank_size_is_the_regression_of_gabaix_and_ibragimov() -> None:
    panel = load_panel(years=(2020, 2020))
    found = convergence.rank_size(panel, "pop").loc[2020]
    sizes = np.sort(panel["pop"].to_numpy())[::-1]
    slope = sm.OLS(np.log(np.arange(1, 17) - 0.5), sm.add_constant(np.log(sizes))).fit().params[1]
    assert found["exponent"] == pytest.approx(-slope, rel=1e-10)
    assert found["std_error"] == pytest.approx(-slope * math.sqrt(2 / 16), rel=1e-10)


def test_trough_by_hand() -> None:
    panel = two_years(y=[10.0, 10.0, 6.0, 9.0, 20.0, 10.0])
    km = pd.DataFrame([[0, 1, 4], [1, 0, 3], [4, 3, 0]], list("abc"), list("abc"), dtype=float)
    found = convergence.trough(panel, "y", ("a", "c"), ["b"], km)
    # a quarter of the way: line 10 + 10/4 in 2010, 10 in 2020
    assert found.loc[(2010, "b"), "position"] == pytest.approx(0.25)
    assert found.loc[(2010, "b"), "depth"] == pytest.approx(1 - 6 / 12.5)
    assert found.loc[(2020, "b"), "depth"] == pytest.approx(0.1)


def test_bad_input_is_refused() -> None:
    panel = two_years(y=[1.0] * 6, p=[1.0] * 6)
    km = weights.distances()
    two = pd.DataFrame([[0.0, 1.0], [1.0, 0.0]], list("ac"), list("ac"))
    with pytest.raises(AlignmentError, match="trough: a, c, b; name units"):
        convergence.trough(panel, "y", ("a", "c"), ["b"], km)
    with pytest.raises(AlignmentError, match="no unit between the cores"):
        convergence.trough(panel, "y", ("a", "c"), [], two)
    with pytest.raises(PanelError, match="years 2015 are not in the panel"):
        convergence.gap_change(panel, "y", "p", ROLES, years=(2010, 2015))
    with pytest.raises(PanelError, match="2 units; give at least three"):
        convergence.rank_size(panel.loc[["a", "b"]], "y")
    W = weights.from_matrix(np.ones((3, 3)) - np.eye(3), list("abc"))
    with pytest.raises(WeightsError, match="row-standardised"):
        convergence.spatial_sigma(panel.assign(y=np.arange(1.0, 7.0)), "y", W)


def test_distances_are_symmetric_and_labelled() -> None:
    km = weights.distances("county")
    assert km.shape == (156, 156)
    assert np.allclose(km, km.T)
    assert (np.diag(km) == 0).all()


def test_spatial_sigma_finds_rho_and_filters() -> None:
    rng = np.random.default_rng(5)
    W = nearest_weights(40, 4, rng)
    rho, rows = 0.6, []
    for _ in range(30):
        rows.append(np.linalg.solve(np.eye(40) - rho * W, 0.3 * rng.standard_normal(40)))
    index = pd.MultiIndex.from_product([range(2000, 2030), range(40)], names=["year", "unit"])
    panel = pd.DataFrame({"y": np.exp(np.concatenate(rows))}, index=index).swaplevel()
    found = convergence.spatial_sigma(panel, "y", weights.from_matrix(W, range(40)))
    assert found.lower < rho < found.upper
    assert found.rho == pytest.approx(rho, abs=0.08)
    assert found.frame["filtered"].mean() == pytest.approx(0.3, abs=0.02)
    assert found.frame["filtered"].mean() < found.frame["sigma"].mean()


def test_spatial_sigma_is_the_likelihood_of_a_sar_with_time_effects() -> None:
    # a regressor that explains nothing leaves rho where it was: slope zero by construction
    import ccec_econ as ce

    panel, W = load_panel(years=(2010, 2022)), weights.contiguity()
    found = convergence.spatial_sigma(panel, "gdp_pc", W)
    rng = np.random.default_rng(2)
    noise = pd.Series(rng.standard_normal(len(panel)), index=panel.index)
    fit = ce.sar("ln_gdp_pc ~ noise | year", panel.assign(noise=noise), W)
    assert found.rho == pytest.approx(fit.rho, abs=0.02)


def test_weak_sigma_by_the_trend() -> None:
    falling = pd.Series([1.0, 0.8, 0.65, 0.5, 0.42, 0.33, 0.3, 0.2], index=range(2001, 2009))
    found = convergence.weak_sigma(falling)
    assert found.trend.lags == 2  # 8^(1/3)
    assert found.converges
    assert found.pvalue < 0.05
    assert not convergence.weak_sigma(falling[::-1].set_axis(falling.index)).converges
