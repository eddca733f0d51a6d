"""What a fit returns: labels, conventions, immutability, and how it prints."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import ccec_econ as ce
from ccec_econ.errors import FormulaError
from ccec_econ.simulation import nearest_weights
from ccec_econ.typeset import Printed
from simulated import simulate

F = "y ~ x1 + x2 | id + year"


@pytest.fixture(scope="module")
def fit(sim16) -> ce.SpatialPanelResults:
    panel, W = sim16
    return ce.sdm(F, panel, W)


def test_labels_are_the_formulas_own(fit) -> None:
    names = ["x1", "x2", "W(x1)", "W(x2)", "rho"]
    assert list(fit.params.index) == names
    assert list(fit.cov.columns) == names
    assert list(fit.to_frame().columns) == [
        "parameter",
        "std_error",
        "tstat",
        "pvalue",
        "lower",
        "upper",
    ]
    assert fit.resids.index.names == ["id", "year"]
    assert str(fit.spec) == F


def test_numbers_hang_together(fit, sim16) -> None:
    panel, _ = sim16
    frame = fit.to_frame()
    np.testing.assert_allclose(frame["std_error"] ** 2, np.diag(fit.cov))
    np.testing.assert_allclose(frame["pvalue"], 2 * stats.norm.sf(frame["tstat"].abs()))
    half = stats.norm.ppf(0.95) * frame["std_error"]
    np.testing.assert_allclose(fit.conf_int(0.9)["upper"], frame["parameter"] + half)
    np.testing.assert_allclose(fit.fitted_values + fit.resids, panel["y"].sort_index())
    assert (fit.nobs, fit.likelihood_nobs) == (192, 165)
    assert fit.sigma2 == pytest.approx((fit.resids**2).sum() / 165)
    assert 0 < fit.rsquared < 1


def test_results_do_not_change(fit) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        fit.model = "sar"
    before = fit.std_errors
    clustered = fit.with_cov(ce.Cluster())
    pd.testing.assert_series_equal(fit.std_errors, before)
    assert clustered.vcov.df == 15
    assert not np.allclose(clustered.std_errors, before)
    pd.testing.assert_series_equal(clustered.params, fit.params)


def test_labels_are_renamed_by_whoever_got_them_only(fit) -> None:
    fit.params.index.name = "mine"
    assert fit.params.index.name == fit.std_errors.index.name == "term"


def test_only_named_terms_are_lagged(sim16) -> None:
    panel, W = sim16
    assert list(ce.sdm(F, panel, W, durbin=["x2"]).params.index) == ["x1", "x2", "W(x2)", "rho"]
    assert list(ce.slx(F, panel, W, durbin=["x2"]).params.index) == ["x1", "x2", "W(x2)"]


def test_formulas_understand_functions_dummies_and_interactions(sim16) -> None:
    panel, W = sim16
    rich = panel.assign(
        level=np.exp(panel["x1"]), late=(panel["x2"] > 0).map({True: "a", False: "b"})
    )
    fit = ce.sar("y ~ log(level) + x1:x2 + C(late) | id + year", rich, W)
    assert set(fit.params.index) == {"C(late)[T.b]", "log(level)", "x1:x2", "rho"}


def test_the_constant_is_not_lagged(sim16) -> None:
    panel, W = sim16
    pooled = ce.sdm("y ~ x1", panel, W)
    assert list(pooled.params.index) == ["Intercept", "x1", "W(x1)", "rho"]
    assert "Intercept" not in pooled.effects(draws=5).frame.index.get_level_values("term")


def test_sar_without_lagged_regressors_has_proportional_effects(sim16) -> None:
    """In a SAR the ratio of indirect to direct is the same for every regressor."""
    panel, W = sim16
    frame = ce.sar(F, panel, W).effects(draws=5).frame["estimate"].unstack()
    ratio = frame["indirect"] / frame["direct"]
    assert ratio["x1"] == pytest.approx(ratio["x2"])


def test_slx_effects_are_its_coefficients(sim16) -> None:
    panel, W = sim16
    fit = ce.slx(F, panel, W)
    frame = fit.effects(draws=5).frame
    assert frame.loc[("x1", "direct"), "estimate"] == pytest.approx(fit.params["x1"])
    assert frame.loc[("x1", "indirect"), "estimate"] == pytest.approx(fit.params["W(x1)"])
    assert frame.loc[("x1", "indirect"), "std_error"] == pytest.approx(fit.std_errors["W(x1)"])
    assert frame.loc[("x1", "indirect"), "lower"] == pytest.approx(
        fit.conf_int().loc["W(x1)", "lower"]
    )


def test_effects_repeat_with_a_seed_and_move_with_another(fit) -> None:
    one, two, other = fit.effects(rng=3), fit.effects(rng=3), fit.effects(rng=4)
    pd.testing.assert_frame_equal(one.frame, two.frame)
    assert not np.allclose(one.frame["sim_lower"], other.frame["sim_lower"])
    np.testing.assert_allclose(one.frame["lower"], other.frame["lower"])


@pytest.mark.parametrize("cov", [ce.Information(), ce.Cluster()])
def test_simulation_approaches_the_delta_interval_where_the_map_is_linear(sim16, cov) -> None:
    """Draws come from the t distribution that the covariance refers to."""
    panel, W = sim16
    frame = ce.slx(F, panel, W, cov=cov).effects(draws=40_000).frame
    width = frame["upper"] - frame["lower"]
    np.testing.assert_allclose(frame["sim_upper"] - frame["sim_lower"], width, rtol=0.03)


def test_draws_outside_the_parameter_space_are_counted(fit) -> None:
    wide = dataclasses.replace(fit, vcov=dataclasses.replace(fit.vcov, matrix=25 * fit.vcov.matrix))
    assert fit.effects().rejected == 0.0
    assert 0.05 < wide.effects().rejected < 0.6


def test_effects_of_chosen_terms(fit) -> None:
    chosen = fit.effects(draws=5).select(["x2"])
    assert list(chosen.frame.index.get_level_values("term").unique()) == ["x2"]
    with pytest.raises(FormulaError, match="no effects of x3; there are those of x1, x2"):
        fit.effects(draws=5).select(["x3"])


def test_conventions_are_printed(fit, sim16) -> None:
    panel, W = sim16
    text = str(fit)
    assert "Lee-Yu transformation likelihood, 165 observations" in text
    assert "inverse expected information, normal" in text
    assert "direct likelihood (biased at small n), 192 observations" in str(
        ce.sdm(F, panel, W, method="direct")
    )
    assert "log-likelihood not defined" in str(ce.sdm(F, panel, W, method="bias_corrected"))
    side = ce.table([ce.ols(F, panel), fit], also=ce.Cluster(), notes=["A remark."])
    assert "(1) OLS: homoskedastic, SSE/(observations - K), t(163)" in side.notes[0]
    assert side.notes[1].startswith("In brackets: clustered by unit (CR1), 16 clusters, t(15)")
    assert side.notes[-1] == "A remark."


def test_side_by_side_rows_line_up(fit, sim16) -> None:
    panel, _ = sim16
    side = ce.table({"A": ce.ols(F, panel), "B": fit}, labels={"x1": "First"}, digits=2)
    stub = [row[0] for row in side.rows]
    assert stub[:10:2] == ["First", "x2", "W × First", "W × x2", "ρ"]
    cells = dict(zip(stub, side.rows, strict=True))
    assert cells["ρ"][1] == ""
    assert cells["ρ"][2] == "0.38"
    assert cells["Observations in likelihood"][1:] == ("165", "165")
    with pytest.raises(ValueError, match="no fits to show"):
        ce.table([])


def test_the_left_side_is_one_expression(sim16) -> None:
    """A difference on the left is a difference, not formula algebra."""
    panel, _ = sim16
    rich = panel.assign(
        now=np.exp(panel["y"]), before=np.exp(panel["x2"]), gap=panel["y"] - panel["x2"]
    )
    expected = ce.ols("gap ~ x1 | id", rich).params["x1"]
    assert ce.ols("y - x2 ~ x1 | id", rich).params["x1"] == pytest.approx(expected)
    assert ce.ols("log(now) - log(before) ~ x1 | id", rich).params["x1"] == pytest.approx(expected)
    square = ce.ols("y ** 2 ~ x1 | id", rich).params["x1"]
    assert square == pytest.approx(
        ce.ols("z ~ x1 | id", rich.assign(z=rich["y"] ** 2)).params["x1"]
    )


def test_narrow_integers_do_not_wrap(sim16) -> None:
    panel, _ = sim16
    wide = panel.assign(a=(panel["x1"] * 2000).round(), b=(panel["x2"] * 2000).round())
    narrow = wide.astype({"a": "int16", "b": "int16"})
    f = "y ~ a:b + I(b**2) | id"
    np.testing.assert_allclose(ce.ols(f, narrow).params, ce.ols(f, wide).params)


def test_recovered_effects_rebuild_the_response(sim16) -> None:
    panel, W = sim16
    for bar in ("", " | id", " | year", " | id + year"):
        fit = ce.sdm(f"y ~ x1 + x2{bar}", panel, W)
        parts = fit.fixed_effects()
        level = fit.design.y - fit.estimate.residuals
        rebuilt = fit._explained(structural=True) + float(parts["constant"].iloc[0])
        rebuilt = rebuilt + parts["unit"].to_numpy() if "unit" in parts else rebuilt
        rebuilt = rebuilt + parts["time"].to_numpy()[:, None] if "time" in parts else rebuilt
        np.testing.assert_allclose(rebuilt, level, atol=1e-10)
        for name in set(parts) - {"constant"}:
            assert abs(parts[name].sum()) < 1e-10


def test_prediction_solves_the_reduced_form(sim16) -> None:
    """y = prediction + (I - rho W)^-1 residual."""
    panel, W = sim16
    fit = ce.sdm(F, panel, W)
    S = np.eye(16) - fit.rho * ce.weights.align(W, fit.panel.units)
    shock = np.linalg.solve(S, fit.estimate.residuals.T).T
    predicted = fit.predict() + fit.panel.series(shock, "s")
    np.testing.assert_allclose(predicted, panel["y"].sort_index(), atol=1e-10)


def test_tidy_and_markdown(fit) -> None:
    frame = fit.tidy(0.9)
    assert list(frame.columns) == [
        "term", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high",
    ]  # fmt: skip
    lines = fit.to_markdown().splitlines()
    assert lines[2].startswith("| Term | Estimate |")
    assert lines[3] == "| :-- | --: | --: | --: | --: | --: |"


def test_a_second_maximum_of_one_parameter_is_told() -> None:
    """Four units, two years: the likelihood of lam has two humps, 0.84 apart in height."""
    rng = np.random.default_rng(207)
    N, periods = int(rng.integers(4, 9)), int(rng.integers(2, 5))
    W = nearest_weights(N, int(rng.integers(1, 3)), rng)
    panel = simulate(rng, W, periods, rng.uniform(-0.9, 0.9), np.array([0.5]), np.zeros(1))
    fit = ce.sem("y ~ x0 | unit", panel, ce.weights.from_matrix(W, range(N)))
    (other,) = fit.estimate.others
    assert fit.lam < 0.0 < other.lam
    assert other.loglik < fit.loglik
    note = f"Another maximum: lam = {other.lam:.4f}, log-likelihood {other.loglik:.3f}."
    assert note in fit.notes()


def kinds_of(cls: type) -> Iterator[type]:
    for each in cls.__subclasses__():
        yield each
        yield from kinds_of(each)


def test_a_fit_at_the_prompt_is_one_line(fit) -> None:
    expected = f"<SpatialPanelResults SDM: {F}, N × T = {fit.column().size}>"
    assert repr(fit) == expected
    assert repr(fit.effects(draws=10)) == "<Effects Direct, indirect and total effects>"


def test_nothing_that_prints_spells_out_its_fields() -> None:
    kinds = set(kinds_of(Printed))
    assert ce.UnbalancedPanelResults in kinds
    assert [kind.__name__ for kind in kinds if "__repr__" in vars(kind)] == []


def test_outcomes_and_unit_effects_at_the_prompt(fit) -> None:
    wald = ce.wald_test(fit, ["x1"])
    assert repr(wald) == f"<Outcome {wald}>"
    found = ce.unit_effects(fit, "x1")
    assert repr(found) == "<UnitEffects Effects of x1 between 16 units>"
    cells = found.summary(digits=3).rows[0][1:]
    assert cells == tuple(ce.typeset.number(v, 3) for v in found.frame.iloc[0])
    assert "<td" in found._repr_html_()
