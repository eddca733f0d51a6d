"""A fit without some terms is the fresh fit, for every model, effect and kind of formula."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from libpysal.graph import Graph

import ccec_econ as ce
from ccec_econ.errors import FormulaError, IdentificationError

SAME = 1e-10
MODELS = ("ols", "slx", "sar", "sem", "sdm", "sdem")


def assert_same(found: ce.SpatialPanelResults, fresh: ce.SpatialPanelResults) -> None:
    """Compare two results number by number."""
    pd.testing.assert_series_equal(found.params, fresh.params, rtol=SAME, atol=SAME)
    pd.testing.assert_frame_equal(found.cov, fresh.cov, rtol=1e-8, atol=SAME)
    assert found.loglik == pytest.approx(fresh.loglik, rel=SAME)
    assert found.sigma2 == pytest.approx(fresh.sigma2, rel=SAME)
    np.testing.assert_allclose(found.resids, fresh.resids, atol=SAME)
    np.testing.assert_allclose(found.predict(), fresh.predict(), atol=1e-9)
    assert str(found.spec) == str(fresh.spec)


@pytest.mark.parametrize("fixed", ["", " | id", " | year", " | id + year"])
@pytest.mark.parametrize("model", MODELS)
def test_equals_a_fresh_fit(model: str, fixed: str, sim16: tuple[pd.DataFrame, Graph]) -> None:
    data, W = sim16
    more = data.assign(x3=np.sin(np.arange(len(data))))
    given = () if model == "ols" else (W,)
    whole = getattr(ce, model)("y ~ x1 + x2 + x3" + fixed, more, *given)
    fresh = getattr(ce, model)("y ~ x1 + x3" + fixed, more, *given)
    assert_same(whole.without("x2"), fresh)


@pytest.mark.filterwarnings("ignore::ccec_econ.errors.WeakIdentificationWarning")
@pytest.mark.parametrize("model", ["sac", "gns"])
def test_equals_a_fresh_fit_with_both_lags(model: str, cigar: tuple[pd.DataFrame, Graph]) -> None:
    data, W = cigar
    verb = getattr(ce, model)
    found = verb("logc ~ logp + logy | state + year", data, W).without("logy")
    np.testing.assert_allclose(
        found.params, verb("logc ~ logp | state + year", data, W).params, atol=1e-9
    )


def test_lags_go_with_their_term_or_alone(sim16: tuple[pd.DataFrame, Graph]) -> None:
    data, W = sim16
    fit = ce.sdm("y ~ x1 + x2 | id + year", data, W)
    assert list(fit.without("x1").params.index) == ["x2", "W(x2)", "rho"]
    assert_without_lag = fit.without("W(x1)")
    fresh = ce.sdm("y ~ x1 + x2 | id + year", data, W, durbin=["x2"])
    assert_same(assert_without_lag, fresh)


def test_written_lags_and_other_options(sim16: tuple[pd.DataFrame, Graph]) -> None:
    data, W = sim16
    written = ce.sar("y ~ x1 + x2 + W(x1) | id + year", data, W, method="direct")
    fresh = ce.sar("y ~ x2 | id + year", data, W, method="direct")
    assert_same(written.without("x1"), fresh)
    corrected = ce.sdm("y ~ x1 + x2 | id + year", data, W, method="bias_corrected")
    fresh = ce.sdm("y ~ x2 | id + year", data, W, method="bias_corrected")
    pd.testing.assert_series_equal(corrected.without("x1").params, fresh.params, rtol=SAME)


def test_the_covariance_is_the_one_asked_for(sim16: tuple[pd.DataFrame, Graph]) -> None:
    data, W = sim16
    fit = ce.sdm("y ~ x1 + x2 | id + year", data, W, cov=ce.Cluster("unit"))
    fresh = ce.sdm("y ~ x2 | id + year", data, W, cov=ce.Cluster("unit"))
    pd.testing.assert_frame_equal(
        fit.without("x1", cov=ce.Cluster("unit")).cov, fresh.cov, rtol=1e-8
    )
    assert "information" in fit.without("x1").vcov.convention


def test_dummies_stay_and_do_not_go_one_by_one(sim16: tuple[pd.DataFrame, Graph]) -> None:
    data, _ = sim16
    coded = data.assign(kind=[str(i % 3) for i in range(len(data))])
    fit = ce.ols("y ~ x1 + x2 + C(kind) | id", coded)
    assert_same(fit.without("x2"), ce.ols("y ~ x1 + C(kind) | id", coded))
    with pytest.raises(FormulaError, match="one of several columns"):
        fit.without("C(kind)[T.1]")


def test_without_the_constant(sim16: tuple[pd.DataFrame, Graph]) -> None:
    data, _ = sim16
    fit = ce.ols("y ~ x1 + x2", data)
    fresh = ce.ols("y ~ x1 + x2 - 1", data)
    pd.testing.assert_series_equal(fit.without("Intercept").params, fresh.params, rtol=SAME)


def test_refusals(sim16: tuple[pd.DataFrame, Graph]) -> None:
    data, W = sim16
    fit = ce.sdm("y ~ x1 + x2 | id + year", data, W)
    with pytest.raises(FormulaError, match="no term z; name terms among x1, x2"):
        fit.without("z")
    with pytest.raises(FormulaError, match="no term named"):
        fit.without()
    with pytest.raises(FormulaError, match="no regressor is left"):
        fit.without("x1", "x2")
    with pytest.raises(FormulaError, match="is no covariance"):
        fit.without("x1", cov="robust")  # type: ignore[arg-type]
    with pytest.raises(IdentificationError, match="not DynamicPanelResults"):
        ce.sdm("y ~ L(y) + x1 + x2 | id + year", data, W).without("x1")
    with pytest.raises(IdentificationError, match="not UnbalancedPanelResults"):
        ce.ols("y ~ x1 + x2 | id", data.iloc[1:], unbalanced=True).without("x1")
    years = data.index.get_level_values("year").unique()
    with pytest.raises(IdentificationError, match="weights that change over time"):
        ce.sdm("y ~ x1 + x2 | id", data, dict.fromkeys(years, W)).without("x1")


def test_terms_that_change_the_coding_of_others_do_not_go(
    sim16: tuple[pd.DataFrame, Graph],
) -> None:
    data, W = sim16
    coded = data.assign(kind=[str(i % 3) for i in range(len(data))])
    fit = ce.ols("y ~ x1 + C(kind) + x2 + C(kind):x2 | id", coded)
    with pytest.raises(FormulaError, match=r"codes its categories anew: it makes .*C\(kind\)\[0\]"):
        fit.without("x2")
    assert_same(fit.without("x1"), ce.ols("y ~ C(kind) + x2 + C(kind):x2 | id", coded))
    lagged = ce.sdm("y ~ x1 + log(x2 ** 2) + W(log(x2 ** 2)) + C(kind) | id", coded, W)
    fresh = ce.sdm("y ~ log(x2 ** 2) + W(log(x2 ** 2)) + C(kind) | id", coded, W)
    assert_same(lagged.without("x1"), fresh)


@pytest.mark.parametrize(
    ("model", "short"), [("slx", "ols"), ("sdm", "sar"), ("sdem", "sem"), ("gns", "sac")]
)
@pytest.mark.filterwarnings("ignore::ccec_econ.errors.WeakIdentificationWarning")
def test_a_durbin_model_keeps_a_lag(
    model: str, short: str, cigar: tuple[pd.DataFrame, Graph]
) -> None:
    data, W = cigar
    verb = getattr(ce, model)
    written = verb("logc ~ logp + logy + W(logy) | state + year", data, W)
    message = rf"would lag every term; write ce\.{short}\('logc ~ logp \+ logy \| state \+ year'\)"
    with pytest.raises(FormulaError, match=message):
        written.without("W(logy)")
    with pytest.raises(FormulaError, match="no lag of a regressor is left"):
        written.without("logy")
    with pytest.raises(FormulaError, match="no lag of a regressor is left"):
        verb("logc ~ logp + logy | state + year", data, W).without("W(logp)", "W(logy)")
