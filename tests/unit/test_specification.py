"""Outcomes, nested models, Mundlak and the collector."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import ccec_econ as ce
from ccec_econ.inference.outcome import Outcome, Outcomes, chi2, inapplicable, simulated, to_table
from ccec_econ.models.nesting import (
    common_factor,
    lr_test,
    nested_tests,
    sdm_vs_sdem,
    wald_test,
)
from ccec_econ.models.specification import diagnostics
from ccec_econ.models.unit_means import mundlak

FORMULA = "y ~ x1 + x2 | id + year"


def test_outcome_says_what_it_is() -> None:
    one = chi2("A", "a = 0", 3.841459, 1)
    assert one.pvalue == pytest.approx(0.05, abs=1e-6)
    assert str(one) == "A: 3.841, chi2(1), p = 0.050; null: a = 0"
    none = inapplicable("B", "b = 0", "too few units")
    assert np.isnan(none.statistic)
    assert str(none) == "B: not applicable: too few units"
    drawn = simulated("C", "c = 0", 1.0, exceed=4, draws=99, how="permutation")
    assert drawn.pvalue == 0.05
    assert drawn.distribution == "permutation, 99 draws"
    bare = Outcome("D", "none", -1.0, "no distribution", np.nan)
    assert str(bare).startswith("D: −1.000, no distribution, no p-value")


def test_table_of_outcomes() -> None:
    tests = [chi2("A", "a = 0", 1.0, 2, "Two."), inapplicable("B", "b = 0", "too few units")]
    table = to_table(tests, title="Two", notes=["First."])
    assert table.columns == ("Test", "Null hypothesis", "Statistic", "Reference", "P-value")
    assert table.rows[0] == ("A", "a = 0", "1.000", "chi2(2)", "0.607")
    assert table.rows[1] == ("B", "b = 0", "", "not applicable", "")
    assert table.notes == ("First.", "B: too few units.", "Two.")
    both = Outcomes("Two", tuple(tests))
    assert len(both) == 2
    assert both["B"].reason == "too few units"
    assert both.frame.loc["A", "statistic"] == 1.0
    assert both._repr_html_().startswith("<table>")
    with pytest.raises(ce.errors.FormulaError, match="no test 'C'; there are A, B"):
        both["C"]


@pytest.fixture(scope="module")
def fits(sim16) -> dict[str, ce.SpatialPanelResults]:
    panel, W = sim16
    found = {
        name: getattr(ce, name)(FORMULA, panel, W) for name in ("slx", "sar", "sem", "sdm", "sdem")
    }
    return found | {"ols": ce.ols(FORMULA, panel)}


def test_likelihood_ratios_of_every_pair(fits) -> None:
    nested = {
        ("ols", "slx"): 2,
        ("ols", "sar"): 1,
        ("ols", "sem"): 1,
        ("sar", "sdm"): 2,
        ("slx", "sdm"): 1,
        ("sem", "sdm"): 2,
        ("slx", "sdem"): 1,
        ("sem", "sdem"): 2,
        ("ols", "sdm"): 3,
    }
    for (small, large), df in nested.items():
        found = lr_test(fits[small], fits[large])
        value = 2 * (fits[large].loglik - fits[small].loglik)
        assert found.statistic == pytest.approx(value)
        assert found.distribution == f"chi2({df})"
        assert found.pvalue == pytest.approx(stats.chi2.sf(value, df))
    for pair in (("sdm", "sdem"), ("sar", "sem"), ("sar", "slx"), ("sdem", "sdm"), ("sar", "sdem")):
        with pytest.raises(ce.errors.IdentificationError, match=r"not nested|no restriction"):
            lr_test(*(fits[name] for name in pair))


def test_null_of_a_ratio_says_what_differs(sim16, fits) -> None:
    panel, W = sim16
    sdm = fits["sdm"]
    nulls = {
        "SDM: x2 = W(x2) = 0": lr_test(sdm.without("x2"), sdm),
        "SDM is SAR: W(x1) = W(x2) = 0": lr_test(fits["sar"], sdm),
        "SAR is OLS: rho = 0": lr_test(fits["ols"], fits["sar"]),
        "SDM is SEM": lr_test(fits["sem"], sdm),  # no parameter of the SDM is zero
        "SAR: x1, x2 as I(x1 + x2)": lr_test(
            ce.sar("y ~ I(x1 + x2) | id + year", panel, W), fits["sar"]
        ),
    }
    assert {found.null for found in nulls.values()} == set(nulls)


def test_likelihoods_that_cannot_be_compared(sim16, fits) -> None:
    panel, W = sim16
    with pytest.raises(ce.errors.IdentificationError, match="likelihoods differ"):
        lr_test(fits["ols"], ce.sar(FORMULA, panel, W, method="direct"))
    with pytest.raises(ce.errors.IdentificationError, match="likelihoods differ"):
        lr_test(ce.ols("y ~ x1 + x2 | id", panel), fits["sar"])
    with pytest.raises(ce.errors.IdentificationError, match="responses differ"):
        lr_test(ce.ols("x2 ~ x1 | id + year", panel), fits["sar"])
    early = panel[panel.index.get_level_values("year") < 2008]
    with pytest.raises(ce.errors.IdentificationError, match="samples differ in times"):
        lr_test(ce.ols(FORMULA, early), fits["sar"])
    with pytest.raises(ce.errors.IdentificationError, match="does not hold x2"):
        lr_test(fits["ols"], ce.sar("y ~ x1 | id + year", panel, W))
    other = ce.weights.row_standardise(W.higher_order(2))
    with pytest.raises(ce.errors.IdentificationError, match="rho, or its weights"):
        lr_test(ce.sar(FORMULA, panel, other), fits["sdm"])


def test_wald_needs_names(fits) -> None:
    assert wald_test(fits["sdm"], "rho").distribution == "chi2(1)"
    assert wald_test(fits["ols"], ["x1", "x2"]).distribution.startswith("F(2, ")
    for terms in (["x9"], [], ["x1", "x1"]):
        with pytest.raises(ce.errors.FormulaError, match="name each once, among x1, x2"):
            wald_test(fits["sdm"], terms)


def test_joint_wald_of_ols_is_the_f_test(fits) -> None:
    """SSE without and with both regressors."""
    one = fits["ols"].estimate
    free = float((one.residuals**2).sum())
    df = one.reduction.nobs - 2
    expected = (float((one.y**2).sum()) - free) / 2 / (free / df)
    assert wald_test(fits["ols"], ["x1", "x2"]).statistic == pytest.approx(expected)


def test_wald_refuses_a_covariance_of_low_rank() -> None:
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([range(4), range(30)], names=["unit", "year"])
    names = [f"x{k}" for k in range(6)]
    data = pd.DataFrame(rng.standard_normal((120, 7)), index=index, columns=["y", *names])
    fit = ce.ols(f"y ~ {' + '.join(names)} | unit", data, cov=ce.Cluster())
    with pytest.raises(ce.errors.IdentificationError, match="covariance of lower rank"):
        wald_test(fit, names)


def test_bootstrap_is_deterministic_and_near_chi2(fits) -> None:
    one = nested_tests(fits["sdm"], draws=99, rng=1)
    assert str(one) == str(nested_tests(fits["sdm"], draws=99, rng=1))
    for name in ("SAR", "SLX", "common factor"):
        plain, boot = one[f"Likelihood ratio, {name}"], one[f"Bootstrap ratio, {name}"]
        assert boot.statistic == plain.statistic
        assert abs(boot.pvalue - plain.pvalue) < 0.2  # 4 x sqrt(.25/99), tails are close
    assert len(nested_tests(fits["sdm"])) == 6


def test_common_factor_holds_when_built_in(sim16) -> None:
    """y whose SDM satisfies theta = -rho beta exactly in expectation: no rejection of the null."""
    panel, W = sim16
    rng, dense = np.random.default_rng(2), ce.weights.align(W, panel.index.levels[0])
    x = panel["x1"].unstack("id").to_numpy()
    u = np.linalg.solve(np.eye(16) - 0.5 * dense, rng.standard_normal(x.T.shape)).T
    columns = panel["x1"].unstack("id")
    y = pd.DataFrame(2 * x + u, index=columns.index, columns=columns.columns).T.stack()
    fit = ce.sdm("y ~ x1 | id + year", panel.assign(y=y), W)
    found = common_factor(fit, draws=99)
    assert min(o.pvalue for o in found) > 0.05
    moved = panel.assign(
        y=y + 3 * (panel["x1"].unstack("id") @ dense.T).set_axis(columns.columns, axis=1).T.stack()
    )
    assert max(o.pvalue for o in common_factor(ce.sdm("y ~ x1 | id + year", moved, W))) < 0.001


def test_restrictions_need_a_durbin_model(sim16, fits) -> None:
    panel, W = sim16
    with pytest.raises(ce.errors.IdentificationError, match="sar is no SDM"):
        nested_tests(fits["sar"])
    with pytest.raises(ce.errors.IdentificationError, match="fit used direct"):
        nested_tests(ce.sdm(FORMULA, panel, W, method="direct"))
    partly = ce.sdm(FORMULA, panel, W, durbin=["x1"])
    with pytest.raises(ce.errors.IdentificationError, match=r"does not hold W\(x2\)"):
        common_factor(partly)
    found = nested_tests(partly)
    assert found["Wald, SAR"].distribution == "chi2(1)"
    assert "does not hold W(x2)" in found["Restriction, common factor"].reason


def test_sdm_and_sdem_are_not_nested(fits) -> None:
    found = sdm_vs_sdem(fits["sdm"], fits["sdem"])
    gap = fits["sdm"].loglik - fits["sdem"].loglik
    assert found["Log-likelihood, SDM less SDEM"].statistic == pytest.approx(gap)
    assert found["AIC, SDM less SDEM"].statistic == pytest.approx(-2 * gap)
    assert found["BIC, SDM less SDEM"].statistic == pytest.approx(-2 * gap)
    assert all(np.isnan(o.pvalue) for o in found)
    assert "no p-value" in str(found)
    with pytest.raises(ce.errors.IdentificationError, match="in this order"):
        sdm_vs_sdem(fits["sdem"], fits["sdm"])


def test_mundlak_says_when_it_does_not_apply(sim16, fits) -> None:
    panel, W = sim16
    assert mundlak(fits["sdm"]).distribution == "F(4, 11)"
    assert "no unit effects" in mundlak(ce.ols("y ~ x1 | year", panel)).reason
    trend = panel.assign(t=panel.index.get_level_values("year").astype(float))
    assert mundlak(ce.ols("y ~ x1 + t | id", trend)).distribution == "F(1, 14)"
    with pytest.raises(ce.errors.IdentificationError, match="the fit used direct"):
        mundlak(ce.sar(FORMULA, panel, W, method="direct"))


def test_diagnostics_hold_all_tests_or_their_reasons(sim16, fits) -> None:
    panel, W = sim16
    found = diagnostics(fits["ols"], W, draws=99)
    assert {o.name for o in found if not o.applies} == {"Pesaran CD", "Restrictions"}
    assert "ols is no SDM" in found["Restrictions"].reason
    found = diagnostics(fits["sdm"], draws=99)
    assert found["LM error | lag"].applies
    assert found["Likelihood ratio, common factor"].applies
    assert found["Mundlak"].applies
    text = str(found)
    assert text.count("N = 16 units, T = 12 periods") == 1
    direct = diagnostics(ce.sdm(FORMULA, panel, W, method="direct"), draws=99)
    reasons = {o.name for o in direct if not o.applies}
    assert reasons == {"LM", "Pesaran CD", "Restrictions", "Mundlak"}
