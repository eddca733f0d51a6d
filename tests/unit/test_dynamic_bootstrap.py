"""The bootstrap of dynamic models: the recursion, the refit, and packs made from it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.errors import FormulaError
from ccec_econ.inference.dynamic_bootstrap import dynamic_refitter, dynamic_simulator
from ccec_econ.models.refit import without_unit
from ccec_econ.models.time_lags import observed_path

FORMULAS = [
    "y ~ L(y) + W(L(y)) + x1 + x2 | id + year",
    "y ~ L(y) + x1 | id",
    "y ~ W(L(y)) + x1 | id + year",
]


@pytest.fixture(scope="module")
def fit(sim16) -> ce.DynamicPanelResults:
    return ce.sdm(FORMULAS[0], *sim16)


def path_of(fit: ce.DynamicPanelResults) -> np.ndarray:
    return observed_path(fit.panel, fit.design.y)


def test_the_path_is_the_whole_response(fit, sim16) -> None:
    panel, _ = sim16
    np.testing.assert_array_equal(path_of(fit), panel["y"].unstack("id").to_numpy())


@pytest.mark.parametrize("correction", [True, False])
@pytest.mark.parametrize("formula", FORMULAS)
def test_own_innovations_give_the_panel_back(formula: str, correction: bool, sim16) -> None:
    fit = ce.sar(formula, *sim16, correction=correction)
    one = fit.estimate
    back = dynamic_simulator(one, fit.lags, path_of(fit))(one.residuals)
    np.testing.assert_allclose(back, path_of(fit), atol=1e-10)
    again = dynamic_refitter(one, fit.lags)(back).optimum
    np.testing.assert_allclose(again.coefficients, one.optimum.coefficients, atol=1e-8)
    assert again.rho == pytest.approx(one.optimum.rho, abs=1e-8)


def test_one_step_of_the_recursion_by_hand(fit) -> None:
    """(I - rho W)(y*_1 - y_1) = v*_1 - v_1: the past is the same in the first period."""
    one = fit.estimate
    v = np.random.default_rng(0).standard_normal(one.y.shape)
    made = dynamic_simulator(one, fit.lags, path_of(fit))(v)
    W = one.weights.W
    S = np.eye(16) - fit.rho * W
    first = S @ (made[1] - path_of(fit)[1])
    np.testing.assert_allclose(first, v[0] - one.residuals[0], atol=1e-10)
    gap = made[1] - path_of(fit)[1]
    second = S @ (made[2] - path_of(fit)[2]) - fit.tau * gap - fit.eta * W @ gap
    np.testing.assert_allclose(second, v[1] - one.residuals[1], atol=1e-10)


def test_without_noise_the_uncorrected_refit_finds_the_truth(sim16) -> None:
    fit = ce.sdm(FORMULAS[0], *sim16, correction=False)
    quiet = 1e-7 * np.random.default_rng(1).standard_normal(fit.estimate.y.shape)
    made = dynamic_simulator(fit.estimate, fit.lags, path_of(fit))(quiet)
    again = dynamic_refitter(fit.estimate, fit.lags)(made).optimum
    np.testing.assert_allclose(again.coefficients, fit.estimate.optimum.coefficients, atol=1e-5)


def test_bootstrap_names_short_run_effects_and_repeats(fit) -> None:
    one, two = (ce.bootstrap(fit, draws=29, innovations="unit", rng=4) for _ in range(2))
    pd.testing.assert_frame_equal(one.draws, two.draws)
    effects = fit.effects(draws=1).frame["estimate"]
    for (term, effect), value in effects.items():
        assert one.estimates[f"{effect} {term}"] == pytest.approx(value)
    assert one.estimates["L(y)"] == pytest.approx(fit.tau)
    assert not any("L(y)" in name for name in one.estimates.index if name.startswith("direct"))
    assert 0.3 < one.frame.loc["x1", "std_error"] / fit.std_errors["x1"] < 3.0


@pytest.mark.parametrize("formula", FORMULAS)
def test_leaving_a_unit_out_is_fitting_without_it(formula: str, sim16) -> None:
    panel, W = sim16
    units = panel.index.get_level_values(0).unique().sort_values()
    M = pd.DataFrame(ce.weights.align(W, units), units, units).drop(5).drop(5, axis=1)
    M = M.div(M.sum(axis=1), axis=0)
    rest, graph = panel.drop(5, level=0), ce.weights.from_matrix(M, M.index)
    for options in ({}, {"durbin": ["x1"]}):
        expected = ce.sdm(formula, rest, graph, **options)
        again = without_unit(ce.sdm(formula, panel, W, **options), 5).optimum
        np.testing.assert_allclose(again.coefficients, expected.estimate.optimum.coefficients)
        assert again.rho == pytest.approx(expected.rho, abs=1e-8)
        assert again.sigma2 == pytest.approx(expected.sigma2)


def test_pack_of_a_dynamic_fit(fit) -> None:
    found = ce.small_sample(fit, ["x1", "x2"], quantity="total", draws=29)
    made = ce.bootstrap(fit, draws=29, innovations="unit").frame["pvalue"]
    for term in ("x1", "x2"):
        row = fit.effects(draws=1).frame.loc[(term, "total")]
        assert found[term].estimate == pytest.approx(row["estimate"])
        assert found[term].std_error == pytest.approx(row["std_error"])
        assert found[term].pvalue == made[f"total {term}"]
    with pytest.raises(FormulaError, match=r"no effects of 'L\(y\)'"):
        ce.small_sample(fit, "L(y)", quantity="total")


def test_notes_say_which_effects_and_whether_refits_are_corrected(fit, sim16) -> None:
    text = str(ce.bootstrap(fit, draws=3))
    assert "Each refit is corrected as the fit was.\nEffects are those of the short run." in text
    plain = ce.sar("y ~ L(y) + x1 | id", *sim16, correction=False)
    assert "Each refit is not corrected." in str(ce.bootstrap(plain, draws=3))
    pack = ce.small_sample(fit, "x1", quantity="total", draws=3)
    assert "Effects are those of the short run." in pack.notes()
    assert "short run" not in str(ce.small_sample(fit, "x1", draws=3))


def test_persistence_is_tested_against_one(fit) -> None:
    found = ce.small_sample(fit, "L(y)", null=1.0, margin=0.1, draws=29)
    draws = ce.bootstrap(fit, draws=29, innovations="unit").draws["L(y)"]
    count = ((draws - fit.tau).abs() >= abs(fit.tau - 1.0)).sum()
    assert found.pvalue == pytest.approx((1 + count) / 30)
    assert found.turned == int((found.leave_one_out > 1.0).sum())
    assert "Bootstrap p-value, H0: 1" in str(found)
    assert "0.1 or more from 1 either way" in str(found)


def test_the_bootstrap_sees_the_bias_that_correction_removes(sim16) -> None:
    """With nine periods tau = 0.6 is estimated about 0.15 too low, and less so corrected."""
    _, W = sim16
    rng = np.random.default_rng(2)
    y, paths = rng.standard_normal(16), []
    for _ in range(40):
        y = 0.6 * y + rng.standard_normal(16)
        paths.append(y)
    index = pd.MultiIndex.from_product([W.unique_ids, range(10)], names=["id", "year"])
    panel = pd.DataFrame({"y": np.array(paths[-10:]).T.ravel()}, index=index)
    panel["x1"] = rng.standard_normal(160)
    bias = {}
    for correction in (True, False):
        fit = ce.sar("y ~ L(y) + x1 | id", panel, W, correction=correction)
        best = replace(fit.estimate.optimum, coefficients=np.array([0.6, 0.0]))
        truth = replace(fit, estimate=replace(fit.estimate, optimum=best))
        bias[correction] = ce.bootstrap(truth, draws=49).frame.loc["L(y)", "bias"]
    assert -0.25 < bias[False] < -0.08
    assert abs(bias[True]) < 0.5 * abs(bias[False])
