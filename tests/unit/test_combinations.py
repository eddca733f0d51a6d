"""Features combined: what they may not do together is refused by name, never guessed."""

from __future__ import annotations

import numpy as np
import pytest

import ccec_econ as ce
from ccec_econ.errors import FormulaError, IdentificationError, WeightsError

F = "y ~ x1 + x2 | id + year"


@pytest.fixture(scope="module")
def paths(sim16):
    panel, W = sim16
    return dict.fromkeys(panel.index.unique("year"), W)


@pytest.mark.parametrize("bar", ["id", "id + year"])
def test_dynamic_fits_are_not_refitted_as_static(sim16, bar: str) -> None:
    panel, W = sim16
    fit = ce.sar(f"y ~ L(y) + x1 | {bar}", panel, W)
    for call in (
        lambda: ce.randomisation_test(fit, "x1", draws=9),
        lambda: ce.lm_tests(fit, W),
    ):
        with pytest.raises(IdentificationError, match="the model has time lags"):
            call()
    assert "L(y)" not in ce.group_effects(fit, dict.fromkeys(range(1, 17), "a")).frame.index.unique(
        0
    )


def test_period_scores_need_periods(sim16) -> None:
    """With unit effects and two periods the scores cancel; errors would print as zero."""
    panel, _ = sim16
    two = panel[panel.index.get_level_values("year") < 2002]
    for cov in (ce.Cluster("time"), ce.DriscollKraay(0)):
        with pytest.raises(IdentificationError, match="2 parameters and scores of 1 free periods"):
            ce.ols(F, two, cov=cov)
    with pytest.raises(IdentificationError, match="quasi-ML with two periods"):
        ce.ols(F, two, cov=ce.QuasiML())
    with pytest.raises(IdentificationError, match=r"lags 1.5: give a whole number"):
        ce.DriscollKraay(1.5)  # type: ignore[arg-type]


def test_changing_weights_have_the_errors_of_constant_ones(sim16, paths) -> None:
    """The same graph in every period: two-way errors agree, though unit effects are demeaned."""
    panel, W = sim16
    for years in (12, 4):
        part = panel[panel.index.get_level_values("year") < 2000 + years]
        graphs = dict.fromkeys(part.index.unique("year"), W)
        for cov in (ce.Information(), ce.QuasiML(), ce.Cluster()):
            one, two = ce.sar(F, part, W, cov=cov), ce.sar(F, part, graphs, cov=cov)
            np.testing.assert_allclose(one.params, two.params, atol=1e-9)
            np.testing.assert_allclose(one.std_errors, two.std_errors, rtol=1e-6)
    assert "quasi-likelihood, unit effects demeaned" in str(two)


def test_changing_weights_and_spatial_errors(sim16, paths) -> None:
    panel, W = sim16
    for model, options in ((ce.sac, {"error_weights": W}), (ce.sdem, {"error_weights": W})):
        with pytest.raises(WeightsError, match="not available with spatial errors"):
            model(F, panel, paths, **options)
    fit = ce.sar(F, panel, paths)
    for call in (lambda: ce.lm_tests(fit, W), lambda: ce.bootstrap(fit, draws=9)):
        with pytest.raises(IdentificationError, match="weights that change over time"):
            call()


def test_a_mapping_may_make_graphs_on_the_fly(sim16) -> None:
    panel, W = sim16
    dense = ce.weights.align(W, W.unique_ids)

    class Lazy(dict):
        def __missing__(self, year: int):
            return ce.weights.from_matrix(dense, W.unique_ids)

        def __contains__(self, year: object) -> bool:
            return True

    constant = ce.sar("y ~ x1 | year", panel, W)
    lazy = ce.sar("y ~ x1 | year", panel, Lazy())
    np.testing.assert_allclose(lazy.params, constant.params, atol=1e-9)


def test_estimates_by_instruments_meet_no_likelihood_tool(sim16) -> None:
    panel, W = sim16
    ols, sdm = ce.ols(F, panel), ce.sdm(F, panel, W)
    fit = ce.s2sls(F, panel, W, durbin=["x1"])
    for call in (
        lambda: ce.lr_test(ols, fit),
        lambda: ce.lr_test(fit, sdm),
        lambda: ce.nested_tests(fit),
        lambda: ce.lm_tests(fit, W),
        lambda: ce.bootstrap(fit, draws=9),
    ):
        with pytest.raises(IdentificationError, match="by instruments and maximise no likelihood"):
            call()


def test_other_classes_are_refused_by_name(sim16) -> None:
    panel, W = sim16
    random = ce.random_effects("y ~ x1 + x2", panel, W)
    for call in (
        lambda: ce.lm_tests(random, W),
        lambda: ce.bootstrap(random, draws=9),
        lambda: ce.small_sample(random, "x1"),
        lambda: ce.lr_test(random, random),
    ):
        with pytest.raises(FormulaError, match="not available for RandomEffectsResults"):
            call()
    gm = ce.random_effects_gm("y ~ x1 + x2", panel, W)
    assert 0 <= ce.wald_test(gm, ["x1"]).pvalue <= 1


def test_time_lags_elsewhere(sim16) -> None:
    panel, W = sim16
    for call in (
        lambda: ce.ols("y ~ L(y) + x1 | id", panel),
        lambda: ce.sem("y ~ L(y) + x1 | id", panel, W),
        lambda: ce.s2sls("y ~ L(y) + x1 | id", panel, W),
    ):
        with pytest.raises(FormulaError, match=r"time lags L\(\) are for the dynamic models"):
            call()
    with pytest.raises(FormulaError, match="take neither method nor"):
        ce.sar("y ~ L(y) + x1 | id", panel, W, method="direct")


def test_higher_order_inputs(sim16) -> None:
    panel, W = sim16
    with pytest.raises(WeightsError, match="give two or more by name"):
        ce.higher_order(F, panel, W)  # type: ignore[arg-type]
    with pytest.raises(FormulaError, match="weights x1 are called like a term"):
        ce.higher_order(F, panel, {"x1": W, "b": W})


def test_groups_may_be_a_mapping(sim16) -> None:
    panel, W = sim16
    fit = ce.sdm(F, panel, W)
    groups = {unit: "one" if unit < 9 else "two" for unit in range(1, 17)}
    assert fit.effects(groups=groups, draws=20).matrix("x1").shape == (2, 2)
