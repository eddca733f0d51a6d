"""CR2 by hand, degrees of freedom of combinations, and where they go."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import ccec_econ as ce
from ccec_econ.errors import FormulaError, IdentificationError

F = "y ~ x1 + x2 | id + year"
CR2 = ce.Cluster("unit", kind="CR2")


def test_mean_of_clusters_by_hand() -> None:
    """A mean of three units, two periods each: unit means 1, 2, 6, mean 3.

    (I - H)_gg = I - 11'/6 and A_g 1 = 1 (1 - 1/3)^(-1/2), so V = sum_g (2 e_g)^2 (3/2)/36 with
    e_g = -2, -1, 3: (16 + 4 + 36) 1.5/36 = 7/3, the variance of the unit means, 7, over 3; and
    degrees of freedom 2.
    """
    index = pd.MultiIndex.from_product([["a", "b", "c"], [1, 2]], names=["unit", "year"])
    panel = pd.DataFrame({"y": [0.0, 2.0, 2.0, 2.0, 5.0, 7.0], "one": 1.0}, index=index)
    fit = ce.ols("y ~ 0 + one", panel, cov=CR2)
    assert fit.params["one"] == pytest.approx(3.0)
    assert fit.cov.iloc[0, 0] == pytest.approx(7.0 / 3.0)
    assert fit.vcov.df == pytest.approx(2.0)
    assert fit.pvalues["one"] == pytest.approx(
        2 * stats.t.sf(3.0 / np.sqrt(7.0 / 3.0), 2), rel=1e-10
    )


@pytest.fixture(scope="module")
def slx(sim16):
    panel, W = sim16
    return ce.slx(F, panel, W, cov=CR2)


def test_each_parameter_has_its_own_degrees_of_freedom(slx) -> None:
    df = slx.vcov.degrees(np.eye(4))
    assert np.ptp(df) > 0.1
    assert slx.vcov.df == pytest.approx(df.min())
    np.testing.assert_allclose(slx.pvalues, 2 * stats.t.sf(np.abs(slx.tstats), df), rtol=1e-12)
    reach = stats.t.ppf(0.95, df) * slx.std_errors
    np.testing.assert_allclose(slx.conf_int(0.9)["upper"] - slx.params, reach, rtol=1e-12)
    assert f"Satterthwaite degrees of freedom ({df.min():.1f} to {df.max():.1f})" in str(slx)
    assert slx.heads()[3] == "t"


def test_effects_have_those_of_their_combination(slx) -> None:
    """Without rho the total effect is the sum of x and W(x), a combination like any other."""
    frame = slx.effects(draws=50).frame.loc[("x1", "total")]
    c = np.array([1.0, 0.0, 1.0, 0.0])
    assert frame["std_error"] == pytest.approx(np.sqrt(c @ slx.cov @ c))
    reach = stats.t.ppf(0.975, float(slx.vcov.degrees(c))) * frame["std_error"]
    assert frame["upper"] - frame["estimate"] == pytest.approx(reach)


def test_intervals_from_draws_use_the_smallest(slx) -> None:
    """Draws of the linear effects are t with the smallest degrees of freedom of those shown."""
    frame = slx.effects(draws=200_000).frame
    slopes = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
    least = float(slx.vcov.degrees([*slopes, [0, 1, 0, 1]]).min())
    reach = stats.t.ppf(0.975, least) * frame["std_error"]
    np.testing.assert_allclose((frame["sim_upper"] - frame["sim_lower"]) / 2, reach, rtol=0.02)


def test_contrasts_of_groups_have_their_own(sim16, slx) -> None:
    panel, _ = sim16
    groups = pd.Series({unit: "a" if unit < 9 else "b" for unit in panel.index.unique("id")})
    found = ce.group_effects(slx, groups, draws=20)
    one = found.contrast("within a", "x1", np.array([[1.0, 0.0], [0.0, 0.0]]), "greater")
    slope = found.slopes[0, 0, 0]
    assert one.df == pytest.approx(float(slx.vcov.degrees(slope)))
    assert one.pvalue == pytest.approx(stats.t.sf(one.statistic, one.df))
    assert f"t({round(one.df, 1):g})" in str(one)


def test_small_sample_pack_uses_those_of_its_quantity(sim16, slx) -> None:
    panel, _ = sim16
    pack = ce.small_sample(slx, "x1", quantity="total", margin=1.0, draws=9)
    c = np.array([1.0, 0.0, 1.0, 0.0])
    df, error = float(slx.vcov.degrees(c)), np.sqrt(c @ slx.cov @ c)
    assert pack.df == pytest.approx(df)
    expected = max(
        stats.t.sf((pack.estimate + 1) / error, df), stats.t.cdf((pack.estimate - 1) / error, df)
    )
    assert pack.pvalue_equivalence == pytest.approx(expected)
    plain = ce.small_sample(ce.ols(F, panel, cov=ce.Cluster()), "x1", draws=9)
    assert plain.df == 15


def test_one_restriction_is_the_square_of_t(slx) -> None:
    test = ce.wald_test(slx, ["W(x1)"])
    assert test.statistic == pytest.approx(slx.tstats["W(x1)"] ** 2)
    assert test.pvalue == pytest.approx(slx.pvalues["W(x1)"])


def test_wild_bootstrap_and_randomisation_take_it(sim16, slx) -> None:
    """The wild test keeps its own CR1; the randomisation test divides by what it is given."""
    panel, _ = sim16
    clustered = slx.with_cov(ce.Cluster())
    assert ce.wild_cluster(slx, "x1") == ce.wild_cluster(clustered, "x1")
    plain = ce.ols(F, panel)
    test = ce.randomisation_test(plain, "x1", cov=CR2, draws=9)
    assert test.statistic == pytest.approx(float(plain.with_cov(CR2).tstats["x1"]))


def test_refusals(sim16) -> None:
    panel, W = sim16
    with pytest.raises(IdentificationError, match="kind 'CR3' is unknown; choose 'CR1' or 'CR2'"):
        ce.Cluster("unit", kind="CR3")  # type: ignore[arg-type]
    with pytest.raises(IdentificationError, match="a model with rho: the scores of rho and lam"):
        ce.sar(F, panel, W, cov=CR2)
    with pytest.raises(FormulaError, match="CR2 is for least squares"):
        ce.s2sls(F, panel, W, cov=CR2)
    treated = panel.assign(d=0.0)
    treated.loc[(3, slice(2006, None)), "d"] = 1.0
    with pytest.raises(IdentificationError, match="1 of 16 clusters by unit decide a coefficient"):
        ce.ols("y ~ x1 + d | id + year", treated, cov=CR2)
    three = panel[panel.index.get_level_values("year") < 2003]
    with pytest.raises(IdentificationError, match="parameters and scores of 2 free periods"):
        ce.slx(F, three, W, cov=ce.Cluster("time", kind="CR2"))


def test_too_many_restrictions_for_the_clusters(sim16) -> None:
    """Three units carry less than two degrees of freedom, three restrictions need more."""
    panel, _ = sim16
    few = panel[panel.index.get_level_values("id") <= 3]
    few = few.assign(x3=np.random.default_rng(0).standard_normal(len(few)))
    fit = ce.ols("y ~ x1 + x2 + x3 | id", few, cov=CR2)
    assert fit.vcov.combinations is not None
    with pytest.raises(IdentificationError, match=r"3 restrictions with 1\.\d degrees of freedom"):
        fit.vcov.combinations.hotelling(np.eye(3))
