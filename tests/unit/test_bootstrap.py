"""Bootstrap of static fits: it refits the model it is given, and its spread is the right one."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.errors import ConvergenceError, FormulaError, IdentificationError, WeightsError
from ccec_econ.inference.bootstrap import panels, refitter
from ccec_econ.models.resampling import bootstrap
from simulated import simulate

MODELS = ["ols", "slx", "sar", "sem", "sdm", "sdem", "sac"]
BARS = ["", " | id", " | year", " | id + year"]


def fitted(model: str, bar: str, sim16, **options):
    panel, W = sim16
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ce.errors.WeakIdentificationWarning)
        return getattr(ce, model)(
            f"y ~ x1 + x2{bar}", panel, *([] if model == "ols" else [W]), **options
        )


@pytest.fixture(scope="module")
def sdm(sim16):
    return fitted("sdm", " | id + year", sim16)


@pytest.mark.parametrize("bar", BARS)
@pytest.mark.parametrize("model", MODELS)
def test_refitting_the_own_response_repeats_the_fit(model: str, bar: str, sim16) -> None:
    fit = fitted(model, bar, sim16).estimate
    again = refitter(fit)(fit.y).optimum
    np.testing.assert_allclose(again.coefficients, fit.optimum.coefficients, atol=1e-9)
    found, expected = (again.rho, again.lam, again.sigma2), fit.optimum
    np.testing.assert_allclose(found, (expected.rho, expected.lam, expected.sigma2), atol=1e-9)


@pytest.mark.parametrize("method", ["direct", "bias_corrected"])
def test_other_likelihoods_are_refitted_as_they_are(method: str, sim16) -> None:
    """Wy is lagged from the demeaned response, which row-standardised weights make the same."""
    fit = fitted("sdm", " | id + year", sim16, method=method).estimate
    again = refitter(fit)(fit.y)
    assert again.method == method
    assert again.optimum.rho == pytest.approx(fit.optimum.rho, abs=1e-9)


def test_no_noise_gives_the_estimates_back(sdm) -> None:
    """With innovations near zero a refit finds the parameters that made the panel."""
    best = replace(sdm.estimate.optimum, sigma2=1e-14)
    quiet = replace(sdm.estimate, optimum=best)
    y = next(panels(quiet, 1, "normal", np.random.default_rng(0)))
    again = refitter(quiet)(y).optimum
    np.testing.assert_allclose(again.coefficients, best.coefficients, atol=1e-5)
    assert again.rho == pytest.approx(best.rho, abs=1e-5)


def test_innovations_have_the_variance_of_the_fit(sdm) -> None:
    """v* = (I - rho W) y* - Zd, over many panels, has mean square sigma2."""
    fit = sdm.estimate
    S = np.eye(16) - fit.optimum.rho * fit.weights.W
    mean = fit.Z @ fit.optimum.coefficients
    for kind in ("normal", "cell", "period", "unit"):
        drawn = list(panels(fit, 200, kind, np.random.default_rng(0)))
        v = np.array([y @ S.T - mean for y in drawn])
        assert (v**2).mean() == pytest.approx(fit.optimum.sigma2, rel=0.05)
    whole = v - v.mean(axis=1, keepdims=True)
    residuals = fit.residuals / np.linalg.norm(fit.residuals, axis=0)
    cosine = (whole[0] / np.linalg.norm(whole[0], axis=0)).T @ residuals
    np.testing.assert_allclose(cosine.max(axis=1), 1.0, atol=1e-9)  # each column is some unit's


def test_the_same_seed_gives_the_same_draws(sdm) -> None:
    one, two, three = (bootstrap(sdm, draws=20, rng=seed).draws for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one, two)
    assert not one.equals(three)


def test_effects_in_the_data_do_not_matter(sim16) -> None:
    panel, W = sim16
    shift = panel.index.get_level_values(0) * 3.0 + panel.index.get_level_values(1) * 2.0
    fits = [
        ce.sdm("y ~ x1 | id + year", frame, W) for frame in (panel, panel.assign(y=panel.y + shift))
    ]
    one, two = (bootstrap(fit, draws=20).draws for fit in fits)
    np.testing.assert_allclose(one, two, atol=1e-6)


def test_frame_by_definition(sdm) -> None:
    found = bootstrap(sdm, draws=99, level=0.9)
    frame, draws = found.frame, found.draws
    assert list(frame.index[:6]) == ["x1", "x2", "W(x1)", "W(x2)", "rho", "sigma2"]
    np.testing.assert_allclose(frame["estimate"][sdm.params.index], sdm.params)
    effects = sdm.effects().frame["estimate"]
    assert frame.loc["indirect x2", "estimate"] == pytest.approx(effects["x2", "indirect"])
    row, sample = frame.loc["total x1"], draws["total x1"]
    low, high = np.quantile(sample, [0.05, 0.95])
    assert row["std_error"] == pytest.approx(sample.std())
    assert row["bias"] == pytest.approx(sample.mean() - row["estimate"])
    ends = row[["percentile_lower", "percentile_upper", "basic_lower", "basic_upper"]]
    np.testing.assert_allclose(ends, [low, high, 2 * row.estimate - high, 2 * row.estimate - low])
    np.testing.assert_allclose(draws["direct x1"] + draws["indirect x1"], draws["total x1"])
    beyond = (np.abs(sample - row["estimate"]) >= abs(row["estimate"])).sum()
    assert row["pvalue"] == pytest.approx((1 + beyond) / 100)
    assert list(frame.index[frame["pvalue"].isna()]) == ["sigma2"]
    assert repr(found) == (
        "<Bootstrap 99 refits, innovations drawn from the normal: "
        "x1, x2, W(x1), W(x2), rho and 7 more>"
    )
    assert dict(zip(frame.index, found.summary().rows, strict=True))["sigma2"][-1] == ""


@pytest.mark.parametrize("model", ["ols", "sar", "sdm", "sem"])
def test_errors_equal_those_of_the_information_on_a_large_panel(model: str) -> None:
    """Forty units, fifteen periods: 400 draws know a standard error to 3.5 %."""
    N = 40
    W = (np.roll(np.eye(N), 1, axis=1) + np.roll(np.eye(N), -1, axis=1)) / 2
    theta = np.array([0.5]) if model == "sdm" else np.zeros(1)
    panel = simulate(np.random.default_rng(8), W, 15, 0.3, np.array([1.0]), theta)
    graph = [] if model == "ols" else [ce.weights.from_matrix(W, range(N))]
    fit = getattr(ce, model)("y ~ x0 | unit + year", panel, *graph)
    frame = bootstrap(fit, draws=400).frame
    ratio = frame.loc[fit.params.index, "std_error"] / fit.std_errors
    np.testing.assert_allclose(ratio, 1.0, atol=0.12)
    if model == "sdm":
        delta = fit.effects(draws=10).frame["std_error"]["x0"]
        ratio = frame.loc[["direct x0", "indirect x0", "total x0"], "std_error"] / delta.to_numpy()
        np.testing.assert_allclose(ratio, 1.0, atol=0.12)


def test_failed_refits_are_counted(sdm) -> None:
    near = replace(sdm.estimate.optimum, rho=0.99)
    found = bootstrap(replace(sdm, estimate=replace(sdm.estimate, optimum=near)), draws=60)
    assert 0 < found.failed < 30
    assert len(found.draws) + found.failed == 60
    assert f"{found.failed} of 60 refits failed" in str(found)


def test_too_many_failures_are_refused(sdm) -> None:
    lower = sdm.estimate.weights.interval[0]
    best = replace(sdm.estimate.optimum, rho=0.99999 * lower, sigma2=1e-4)
    beyond = replace(sdm, estimate=replace(sdm.estimate, optimum=best))
    with pytest.raises(ConvergenceError, match="too near its border"):
        bootstrap(beyond, draws=30)


def test_unstandardised_weights_with_time_effects_are_refused(sim16) -> None:
    panel, W = sim16
    units = panel.index.get_level_values(0).unique().sort_values()
    M = ce.weights.align(W, units) * np.linspace(0.5, 1.0, 16)[:, None]
    loose = ce.weights.from_matrix(M, units)
    fit = ce.sar("y ~ x1 | id + year", panel, loose, method="direct")
    with pytest.raises(WeightsError, match="not row-standardised"):
        bootstrap(fit)
    assert bootstrap(ce.sar("y ~ x1 | id", panel, loose), draws=5).failed == 0


def test_wrong_requests_are_refused(sdm) -> None:
    for options in ({"innovations": "t"}, {"level": 1.5}, {"draws": 1}):
        with pytest.raises(ValueError, match="innovations are normal"):
            bootstrap(sdm, **options)
    with pytest.raises(FormulaError, match="no draws of total x9"):
        bootstrap(sdm, draws=5).romano_wolf(["total x9"])


def test_it_prints_and_adjusts_a_family(sdm) -> None:
    found = bootstrap(sdm, draws=99, innovations="unit")
    text = str(found)
    assert "residuals of whole units drawn together; none failed" in text
    assert found.summary(labels={"rho": "lag"}).rows[4][0] == "lag"
    adjusted = found.romano_wolf(["total x1", "total x2"])
    assert (adjusted >= 0.01).all()
    assert list(adjusted.index) == ["total x1", "total x2"]


def test_other_models_are_refused(sim16) -> None:
    panel, W = sim16
    path = dict.fromkeys(panel.index.get_level_values(1).unique(), W)
    with pytest.raises(IdentificationError, match="weights that change over time; this is"):
        bootstrap(ce.sar("y ~ x1 | id + year", panel, path))
    dynamic = ce.sar("y ~ L(y) + x1 | id + year", panel, W)
    with pytest.raises(IdentificationError, match="time lags; this is available for static models"):
        refitter(dynamic.estimate)
