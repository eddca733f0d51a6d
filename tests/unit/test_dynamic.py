"""Dynamic models: time lags in formulas, constants of the correction, effects, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.engine.dynamic import (
    BURN_IN,
    TimeLags,
    bias_constants,
    exact_constants,
    held_at,
    simulated_own_lags,
)
from ccec_econ.engine.information import expected_information
from ccec_econ.engine.transform import helmert
from ccec_econ.inference.effects import SUMS, average_effects
from ccec_econ.inference.measure import effect_map
from ccec_econ.inference.multipliers import Reach
from ccec_econ.inference.weighted_period import averages
from ccec_econ.models import dynamic
from ccec_econ.models.time_lags import has_time_lag

N, T = 9, 16  # units, periods before one goes to the time lag
DENSE = 1e-10  # dense algebra against eigenvalues
STEP = 1e-6  # of central differences; their error is about 1e-9
BOTH = "y ~ L(y) + W(L(y)) + x0 + x1 | unit + year"


@pytest.fixture(scope="module")
def W() -> np.ndarray:
    M = np.random.default_rng(2).random((N, N))
    np.fill_diagonal(M, 0.0)
    return M / M.sum(axis=1, keepdims=True) * 0.4 + np.roll(np.eye(N), 1, axis=1) * 0.6


@pytest.fixture(scope="module")
def graph(W) -> ce.weights.Graph:
    return ce.weights.from_matrix(W, range(N))


@pytest.fixture(scope="module")
def panel(W) -> pd.DataFrame:
    return drawn(W, 0.3, 0.1, 0.1)


def drawn(W, tau: float, eta: float, rho: float, periods: int = T, seed: int = 7) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((periods, N, 2)), np.zeros((periods, N))
    S, before = np.eye(N) - rho * W, rng.standard_normal(N)
    for t in range(periods):
        mean = x[t] @ [1.0, -0.5] + rng.standard_normal(N) + rng.standard_normal()
        y[t] = before = np.linalg.solve(S, mean + tau * before + eta * W @ before)
    index = pd.MultiIndex.from_product([range(2001, 2001 + periods), range(N)])
    columns = {"y": y.ravel(), "x0": x[:, :, 0].ravel(), "x1": x[:, :, 1].ravel()}
    return pd.DataFrame(columns, index=index.set_names(["year", "unit"])).swaplevel()


@pytest.fixture(scope="module")
def fit(panel, graph):
    return dynamic.sdm(BOTH, panel, graph)


def test_time_lag_is_the_shift_within_units(fit, panel, W) -> None:
    """One period goes, and the sample without it is the static one with columns built by hand."""
    shifted = panel.sort_index()
    shifted["before"] = shifted.groupby(level="unit")["y"].shift()
    expected = shifted["before"].dropna().unstack("unit").to_numpy()
    np.testing.assert_array_equal(fit.design.X[:, :, 0], expected)
    np.testing.assert_allclose(fit.design.X[:, :, 1], expected @ W.T, atol=1e-14)
    assert list(fit.params.index[:2]) == ["L(y)", "W(L(y))"]
    assert list(fit.params.index[2:]) == ["x0", "x1", "W(x0)", "W(x1)", "rho"]
    assert any("2001 serves L() only: 15 of 16 periods" in note for note in fit.notes())
    assert (fit.nobs, fit.likelihood_nobs) == (N * 15, (N - 1) * 15)
    assert (fit.tau, fit.eta) == (fit.params["L(y)"], fit.params["W(L(y))"])


def test_coefficients_given_rho_are_least_squares_on_built_columns(panel, graph, W) -> None:
    quasi = dynamic.sar(BOTH, panel, graph, correction=False)
    shifted = panel.sort_index()
    shifted["b"] = shifted.groupby(level="unit")["y"].shift()
    used = shifted.dropna()
    cube = {c: used[c].unstack("unit").to_numpy() for c in ("y", "b", "x0", "x1")}
    columns = [cube["b"], cube["b"] @ W.T, cube["x0"], cube["x1"]]
    F = helmert(N)
    Z = np.column_stack([((c - c.mean(axis=0)) @ F).ravel() for c in columns])
    left = cube["y"] - quasi.rho * cube["y"] @ W.T
    left = ((left - left.mean(axis=0)) @ F).ravel()
    found, sse, *_ = np.linalg.lstsq(Z, left)
    np.testing.assert_allclose(quasi.params[:-1], found, atol=DENSE)
    assert quasi.sigma2 == pytest.approx(float(sse[0]) / ((N - 1) * 15), abs=DENSE)


def test_a_response_of_expressions_is_lagged_as_written(panel, graph) -> None:
    positive = panel.assign(z=np.exp(panel["y"]))
    one = dynamic.sar("log(z) ~ L( log(z) ) + x0 | unit", positive, graph)
    two = dynamic.sar("y ~ L(y) + x0 | unit", panel, graph)
    assert list(one.params.index) == ["L(log(z))", "x0", "rho"]
    np.testing.assert_allclose(one.params, two.params, atol=1e-8)


def test_spatial_time_lag_uses_the_weights_of_the_response(panel, graph, W) -> None:
    other = ce.weights.from_matrix(np.roll(np.eye(N), 1, axis=1), range(N))
    one = dynamic.sdm(BOTH, panel, graph, x_weights=other, durbin=["x0"])
    np.testing.assert_allclose(one.design.X[:, :, 1], one.design.X[:, :, 0] @ W.T, atol=1e-14)
    x = one.design.X[:, :, 2]
    centred = np.roll(x, -1, axis=1) - np.roll(x, -1, axis=1).mean(axis=0)
    expected = centred - centred.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(one.estimate.Z[:, :, 4], expected, atol=1e-12)
    assert list(one.effects(draws=5).frame.index.unique("term")) == ["x0", "x1"]
    assert dynamic.sdm("y ~ L(y) + x0 + W(x1) | unit", panel, graph).params.index[2] == "W(x1)"


def test_a_model_of_time_lags_alone(panel, graph) -> None:
    one = dynamic.sar("y ~ L(y) | unit", panel, graph)
    assert list(one.params.index) == ["L(y)", "rho"]
    assert one.convergence(draws=80).contains_one in (True, False)


@pytest.mark.parametrize("bar", ["unit", "unit + year"])
def test_constants_are_traces_of_dense_matrices(panel, graph, W, bar: str) -> None:
    one = dynamic.sar(f"y ~ L(y) + W(L(y)) + x0 | {bar}", panel, graph)
    F = helmert(N) if "year" in bar else np.eye(N)
    M, best = F.T @ W @ F, one.quasi.optimum
    m, (tau, eta), rho = len(M), best.coefficients[:2], best.rho
    S = np.linalg.inv(np.eye(m) - rho * M)
    A, G = S @ (tau * np.eye(m) + eta * M), M @ S
    K = np.linalg.inv(np.eye(m) - A) @ S
    by_rho = tau * np.trace(G @ K) + eta * np.trace(G @ M @ K) + np.trace(G)
    expected = [np.trace(K), np.trace(M @ K), 0.0, by_rho]
    found = bias_constants(one.quasi, one.lags)
    np.testing.assert_allclose(found[:-1], np.array(expected) / m, atol=DENSE)
    assert by_rho == pytest.approx(np.trace(M @ K), abs=DENSE)  # an identity: S A K = A (I - A)^-1
    assert found[-1] == pytest.approx(0.5 / best.sigma2)
    powers = [np.linalg.matrix_power(A, h) for h in range(15)]
    past = sum((1 - (h + 1) / 15) * P for h, P in enumerate(powers)) @ S
    now = sum((1 - h / 15) * P for h, P in enumerate(powers)) @ S
    expected = [np.trace(past), np.trace(M @ past), 0.0, np.trace(M @ now)]
    exact = exact_constants(one.quasi, one.lags)
    np.testing.assert_allclose(exact[:-1], np.array(expected) / m, atol=DENSE)


def test_unit_roots_are_set_apart(fit, W) -> None:
    """Eigenvalues of A beyond 1 - 1/m leave K and add q T / (2 m (1 - rho))."""
    values = fit.quasi.optimum.coefficients.copy()
    values[:2] = 0.99, -0.15
    near = replace(fit.quasi, optimum=replace(fit.quasi.optimum, coefficients=values, rho=0.15))
    F, m, rho = helmert(N), N - 1, 0.15
    M = F.T @ W @ F
    S = np.linalg.inv(np.eye(m) - rho * M)
    d, R = np.linalg.eig(S @ (0.99 * np.eye(m) - 0.15 * M))
    beyond = d.real > 1.0 - 1.0 / m
    assert beyond.any()
    B = (R @ np.diag(np.where(beyond, 0.0, d)) @ np.linalg.inv(R)).real
    K = np.linalg.inv(np.eye(m) - B) @ S
    more = beyond.sum() / m * 15 / (2.0 * (1.0 - rho))
    found = bias_constants(near, fit.lags)
    np.testing.assert_allclose(found[:2], [np.trace(K) / m + more, np.trace(M @ K) / m + more])


def test_one_lag_alone_has_its_own_constant(panel, graph) -> None:
    for term, lags in (("L(y)", TimeLags(0, None)), ("W(L(y))", TimeLags(None, 0))):
        one = dynamic.sar(f"y ~ {term} + x0 | unit", panel, graph)
        assert one.lags == lags
        found, rho = bias_constants(one.quasi, lags), one.quasi.optimum.rho
        tau, eta = lags.of(one.quasi.optimum.coefficients)
        w = one.quasi.spectrum.eigenvalues
        K = 1.0 / (1.0 - tau - (rho + eta) * w)
        assert found[0] == pytest.approx((K if term == "L(y)" else w * K).sum().real / N)
        assert found[1] == 0.0


def test_the_rest_given_tau_is_a_step_from_the_joint_maximum(fit) -> None:
    quasi = fit.quasi
    held = held_at(quasi, fit.lags, quasi.optimum.coefficients[0])
    information, b = expected_information(quasi), exact_constants(quasi, fit.lags)
    step = quasi.reduction.rows * np.linalg.solve(information[1:, 1:], b[1:])
    best = quasi.optimum
    expected = np.array([*best.coefficients[1:], best.rho, best.sigma2]) + step
    found = [*held.optimum.coefficients[1:], held.optimum.rho, held.optimum.sigma2]
    np.testing.assert_allclose(found, expected, atol=1e-7)
    far = held_at(quasi, fit.lags, 0.95).optimum  # rho would rise to its border there
    assert (far.coefficients[0], far.rho) == (0.95, quasi.optimum.rho)


def test_simulated_panels_follow_the_model(fit, graph, W) -> None:
    """A panel drawn by hand from the same shocks gives the same estimate of tau."""
    quasi, lags = fit.quasi, fit.lags
    shocks = np.random.default_rng(0).standard_normal((2, BURN_IN + T, N))
    best = quasi.optimum
    d = best.coefficients.copy()
    tau, eta = d[:2]
    d[:2] = 0.0
    mean, y, before = quasi.Z @ d, [], np.zeros(N)
    for t in range(BURN_IN + T):
        drive = np.sqrt(best.sigma2) * shocks[1, t] + (mean[t - BURN_IN - 1] if t > BURN_IN else 0)
        S = np.eye(N) - best.rho * W
        before = np.linalg.solve(S, tau * before + eta * W @ before + drive)
        y.append(before)
    path = np.array(y[BURN_IN:])
    index = pd.MultiIndex.from_product([range(T), range(N)], names=["year", "unit"])
    x = np.concatenate([np.zeros((1, N, 4)), quasi.Z[:, :, 2:]])
    names = ["a", "b", "c", "d"]
    frame = pd.DataFrame(x.reshape(-1, 4), columns=names, index=index).assign(y=path.ravel())
    formula = "y ~ L(y) + W(L(y)) + a + b + c + d | unit + year"
    hand = dynamic.sar(formula, frame.swaplevel(), graph, correction=False)
    assert simulated_own_lags(quasi, lags, shocks)[1] == pytest.approx(hand.tau, abs=1e-8)


@pytest.mark.parametrize("horizon", ["short", "long", 0, 1, 4])
@pytest.mark.parametrize("cumulative", [True, False])
def test_effects_are_averages_of_dense_matrices(fit, W, horizon, cumulative: bool) -> None:
    one = fit
    rho, tau, eta = one.rho, one.tau, one.eta
    S = np.linalg.inv(np.eye(N) - rho * W)
    A = S @ (tau * np.eye(N) + eta * W)
    if horizon == "long":
        f = np.linalg.inv((1 - tau) * np.eye(N) - (rho + eta) * W)
    else:
        last = 0 if horizon == "short" else horizon
        every = [np.linalg.matrix_power(A, h) @ S for h in range(last + 1)]
        f = sum(every) if cumulative else every[-1]
    frame = one.effects(horizon=horizon, cumulative=cumulative, draws=5).frame
    for term in ("x0", "x1"):
        E = f @ (one.params[term] * np.eye(N) + one.params[f"W({term})"] * W)
        direct, total = np.trace(E) / N, E.sum() / N
        np.testing.assert_allclose(
            frame.loc[term, "estimate"], [direct, total - direct, total], atol=DENSE
        )


def test_effects_of_a_passing_change_are_the_path_of_the_model(fit, W) -> None:
    """Move x0 of every unit by one for one period and follow the recursion."""
    b, t = fit.params["x0"], fit.params["W(x0)"]
    S = np.eye(N) - fit.rho * W
    y = np.linalg.solve(S, (b * np.eye(N) + t * W) @ np.ones(N))
    for h in range(3):
        found = fit.effects(horizon=h, cumulative=False, draws=5).frame
        assert found.loc[("x0", "total"), "estimate"] == pytest.approx(y.mean(), abs=DENSE)
        y = np.linalg.solve(S, fit.tau * y + fit.eta * W @ y)


@pytest.mark.parametrize("own_weights", [True, False], ids=["eigenvalues", "matrices"])
@pytest.mark.parametrize("horizon", ["short", "long", 0, 3])
@pytest.mark.parametrize("cumulative", [True, False])
def test_gradients_are_those_of_differences(panel, graph, own_weights, horizon, cumulative) -> None:
    other = ce.weights.from_matrix(np.roll(np.eye(N), 1, axis=1), range(N))
    one = dynamic.sdm(BOTH, panel, graph, x_weights=None if own_weights else other)
    form = replace(one.reduced_form(), reach=Reach(horizon, cumulative))
    theta = one.params.to_numpy()
    gradient = SUMS @ effect_map(form, averages).slopes()
    for j, unit in enumerate(np.eye(len(theta))):
        ends = np.stack([theta + STEP * unit, theta - STEP * unit])
        above, below = average_effects(form, ends)
        np.testing.assert_allclose(gradient[:, :, j], (above - below) / (2 * STEP), atol=1e-7)


def test_dense_and_eigenvalue_paths_agree(fit, W) -> None:
    """Weights of the regressors that differ by rounding take the dense path."""
    nudged = replace(fit.estimate.weights, W=W * (1.0 + 1e-15))
    moved = replace(fit, estimate=replace(fit.estimate, x_weights=nudged))
    for horizon in ("short", "long", 2):
        one, two = (f.effects(horizon=horizon, rng=1, draws=70).frame for f in (fit, moved))
        np.testing.assert_allclose(one, two, rtol=1e-8, atol=1e-10)


def test_stability_is_the_wald_test_of_the_sum(fit, W) -> None:
    found, names = fit.stability, ["L(y)", "W(L(y))", "rho"]
    error = np.sqrt(fit.cov.loc[names, names].to_numpy().sum())
    assert found.total == pytest.approx(fit.params[names].sum())
    assert found.std_error == pytest.approx(error)
    assert found.upper - found.total == pytest.approx(1.959964 * error, rel=1e-6)
    S = np.linalg.inv(np.eye(N) - fit.rho * W)
    A = S @ (fit.tau * np.eye(N) + fit.eta * W)
    assert found.radius == pytest.approx(np.abs(np.linalg.eigvals(A)).max())


def test_simulation_keeps_to_the_stable_region(fit) -> None:
    wide = replace(fit, vcov=replace(fit.vcov, matrix=9.0 * fit.vcov.matrix))
    short = wide.effects(draws=200)
    found = wide.effects(horizon=3, draws=200)
    assert found.rejected > short.rejected
    assert f"{100 * found.rejected:.1f} % of draws left the parameter space or the stable" in str(
        found
    )
    assert "summed up to horizon 3" in str(found)
    assert "horizon 3" in str(wide.effects(horizon=3, cumulative=False, draws=20))


def moved(fit, tau: float, eta: float, rho: float):
    values = fit.estimate.optimum.coefficients.copy()
    values[:2] = tau, eta
    best = replace(fit.estimate.optimum, coefficients=values, rho=rho)
    return replace(fit, estimate=replace(fit.estimate, optimum=best))


def test_long_run_is_refused_near_a_unit_root(fit) -> None:
    near = moved(fit, 0.7, 0.0, 0.29)
    assert near.stability.stable
    assert not near.stability.long_run
    with pytest.raises(ce.errors.IdentificationError, match="standard errors from one"):
        near.effects(horizon="long")
    assert len(near.effects(horizon=2, draws=10).frame) == 6


def test_effects_beyond_the_short_run_are_refused_where_shocks_do_not_fade(fit) -> None:
    explosive = moved(fit, 0.9, 0.2, 0.2)
    for horizon in ("long", 1):
        with pytest.raises(ce.errors.IdentificationError, match="spectral radius"):
            explosive.effects(horizon=horizon)
    assert np.isfinite(explosive.effects(draws=10).frame.to_numpy()).all()


def test_horizons_may_be_whole_numbers_of_numpy(fit) -> None:
    found, plain = (fit.effects(horizon=h, draws=20) for h in (np.int64(2), 2))
    pd.testing.assert_frame_equal(found.frame, plain.frame)
    assert str(found) == str(plain)


@pytest.mark.parametrize("horizon", ["medium", -1, 1.5, True, np.array([1, 2]), [1]])
def test_horizons_that_are_none(fit, horizon) -> None:
    with pytest.raises(ValueError, match="whole number"):
        fit.effects(horizon=horizon)


def test_convergence_prints_sets(fit) -> None:
    found = fit.convergence(draws=80)
    frame = found.frame
    assert list(frame.index) == ["tau", "own shock", "common shock"]
    assert frame.loc["tau", "persistence"] == fit.tau
    assert (frame["lower"] < frame["upper"]).all()
    row = frame.loc["tau"]
    assert row["speed_upper"] == pytest.approx(-np.log(row["lower"]))
    assert row["half_life_lower"] == pytest.approx(np.log(2) / row["speed_upper"])
    common = (fit.tau + fit.eta) / (1 - fit.rho)
    assert frame.loc["common shock", "persistence"] == pytest.approx(common)
    text = str(found)
    assert "test inversion" in text
    assert "80 panels at each" in text
    again = fit.convergence(draws=80)
    pd.testing.assert_frame_equal(found.inversion, again.inversion)
    tested = found.inversion
    assert tested["above"].is_monotonic_increasing
    assert not found.contains_one
    inside = tested[(tested["above"] >= 0.025) & (tested["below"] >= 0.025)]["tau"]
    assert ((inside >= row["lower"]) & (inside <= row["upper"])).all()


def test_a_set_that_reaches_one_says_so(W, graph) -> None:
    walk = drawn(W, 1.0, -0.2, 0.2, periods=7)
    found = dynamic.sar("y ~ L(y) + W(L(y)) | unit + year", walk, graph).convergence(draws=80)
    assert found.contains_one
    assert found.frame.loc["tau", "half_life_upper"] == np.inf
    assert "unbounded" in str(found)
    assert "absence of convergence is not excluded" in str(found)


def test_without_own_lag_there_is_nothing_to_invert(panel, graph) -> None:
    found = dynamic.sar("y ~ W(L(y)) + x0 | unit", panel, graph).convergence()
    assert list(found.frame["method"]) == ["Wald (delta)"] * 2
    assert found.inversion.empty
    assert "Test inversion" not in str(found)


@pytest.mark.parametrize("options", [{"level": 1.0}, {"draws": 20}])
def test_convergence_refuses_levels_and_draws(fit, options) -> None:
    with pytest.raises(ValueError, match="draws"):
        fit.convergence(**options)


def test_results_say_what_was_done(fit, panel, graph) -> None:
    text = str(fit.summary())
    assert "Yu-de Jong-Lee correction" in text
    assert "tau + rho + eta" in text
    assert "DYNAMIC SDM" in text
    quasi = dynamic.sdm(BOTH, panel, graph, correction=False)
    assert "without correction" in str(quasi)
    assert np.isfinite(quasi.loglik)
    assert np.isnan(fit.loglik)
    assert fit.tau > quasi.tau
    for one in (quasi, fit):
        clustered = one.with_cov(ce.Cluster("unit"))
        assert isinstance(clustered, dynamic.DynamicPanelResults)
        assert clustered.vcov.df == len(panel.index.unique("unit")) - 1
    assert "asymptotic after the correction" in str(fit.with_cov(ce.QuasiML()))
    with pytest.raises(ce.errors.IdentificationError, match="after a bias correction"):
        fit.with_cov(ce.Cluster("time"))


def test_fixed_effects_and_prediction_fit_the_levels(fit, W) -> None:
    level = fit.fitted_values
    assert len(level) == fit.nobs
    parts = fit.fixed_effects()
    assert abs(parts["unit"].sum()) < 1e-10
    prediction = fit.predict().unstack("unit").to_numpy()
    S = np.eye(N) - fit.rho * W
    rest = (fit.design.y @ S.T) - prediction @ S.T
    np.testing.assert_allclose(rest, fit.estimate.residuals, atol=1e-10)


@pytest.mark.parametrize(
    ("formula", "error", "match"),
    [
        ("y ~ L(y) + x0 | year", "IdentificationError", "no unit effects"),
        ("y ~ L(y) + x0", "IdentificationError", "no unit effects"),
        ("y ~ L(y) + L(x0) | unit", "FormulaError", "something other than the response"),
        ("y ~ L(L(y)) + x0 | unit", "FormulaError", "something other than the response"),
        ("y ~ L(y):x0 | unit", "FormulaError", r"stands inside L\(y\):x0"),
        ("y ~ x0 | unit", "FormulaError", "no time lag"),
        ("L(y) ~ L(y) + x0 | unit", "FormulaError", "holds L"),
        ("y ~ L(y + x0 | unit", "FormulaError", "close its brackets"),
    ],
)
def test_formulas_that_are_refused(panel, graph, formula: str, error: str, match: str) -> None:
    with pytest.raises(getattr(ce.errors, error), match=match):
        dynamic.sdm(formula, panel, graph)


def test_gaps_in_time_are_refused(panel, graph) -> None:
    gap = panel.drop(index=2004, level="year")
    with pytest.raises(ce.errors.PanelError, match="2003 to 2005"):
        dynamic.sdm(BOTH, gap, graph)
    with pytest.raises(ce.errors.PanelError, match="too short for a time lag"):
        dynamic.sdm(BOTH, panel.query("year <= 2002"), graph)
    named = panel.rename(index=lambda year: f"y{year}", level="year")
    with pytest.raises(ce.errors.PanelError, match="consecutive"):
        dynamic.sdm(BOTH, named, graph)


def test_evenly_spaced_periods_are_told(fit, panel, graph) -> None:
    wide = panel.rename(index=lambda year: 5 * year, level="year")
    one = dynamic.sdm(BOTH, wide, graph)
    np.testing.assert_allclose(one.params, fit.params)
    assert "reaches back 5 units of time" in str(one)
    for labels in (
        pd.period_range("2001", periods=T, freq="Y"),
        pd.date_range("2001", periods=T, freq="MS"),
    ):
        dated = panel.rename(
            index=dict(zip(range(2001, 2001 + T), labels, strict=True)), level="year"
        )
        np.testing.assert_allclose(dynamic.sdm(BOTH, dated, graph).params, fit.params)


def test_time_effects_need_row_standardised_weights(panel, W) -> None:
    uneven = ce.weights.from_matrix(W * np.linspace(0.5, 1.0, N)[:, None], range(N))
    with pytest.raises(ce.errors.WeightsError, match="row-standardised"):
        dynamic.sdm(BOTH, panel, uneven)
    one = dynamic.sdm("y ~ L(y) + W(L(y)) + x0 | unit", panel, uneven)
    assert np.isfinite(one.effects(horizon=2, draws=70).frame.to_numpy()).all()


def test_reserved_column_and_missing_weights(panel, graph) -> None:
    with pytest.raises(ce.errors.FormulaError, match="rename it"):
        dynamic.sdm(BOTH, panel.assign(response_before__=1.0), graph)
    with pytest.raises(ce.errors.AlignmentError, match="needs labelled"):
        dynamic.sdm(BOTH, panel, None)
    with pytest.raises(ce.errors.WeightsError, match="by period"):
        dynamic.sdm(BOTH, panel, {2001: graph})


def test_formulas_with_time_lags_are_told_from_others() -> None:
    assert has_time_lag("y ~ L(y) + x | unit")
    assert has_time_lag("y ~ W(L(y)) | unit")
    assert not has_time_lag("y ~ W(x) + NL(x) | unit")


def test_persistence_below_zero_has_no_speed(W, graph) -> None:
    """A shock that changes sign every period does not vanish at once: no half-life of zero."""
    found = dynamic.sar("y ~ L(y) + x0 | unit", drawn(W, -0.7, 0.0, 0.1), graph).convergence(
        draws=80
    )
    row = found.frame.loc["tau"]
    assert row["persistence"] < row["upper"] < 0.0
    assert row[["speed", "speed_lower", "speed_upper", "half_life"]].isna().all()
    text = str(found)
    assert "shocks change sign every period" in text
    assert "unbounded" not in text
    half = dynamic.sar("y ~ L(y) + x0 | unit", drawn(W, -0.1, 0.0, 0.1, seed=5), graph)
    frame = half.convergence(draws=80).frame.loc["tau"]
    assert frame["persistence"] < 0.0 < frame["upper"]
    assert np.isnan(frame["half_life"])
    assert frame["half_life_upper"] == pytest.approx(np.log(2) / -np.log(frame["upper"]))
    assert frame["half_life_lower"] == 0.0


def test_the_note_says_where_panels_start(W, graph) -> None:
    walk = drawn(W, 1.0, -0.2, 0.2, periods=7)
    found = dynamic.sar("y ~ L(y) + W(L(y)) | unit + year", walk, graph).convergence(draws=80)
    assert "or at zero where shocks do not fade" in str(found)


@pytest.mark.parametrize("model", ["sar", "sdm"])
def test_without_time_lags_the_likelihood_is_the_static_one(panel, graph, model: str) -> None:
    """At tau = eta = 0 the quasi-likelihood has the height of the direct one without its year."""
    fit = getattr(dynamic, model)("y ~ L(y) + x0 + x1 | unit", panel, graph, correction=False)
    later = panel[panel.index.get_level_values("year") > 2001]
    static = getattr(ce, model)("y ~ x0 + x1 | unit", later, graph, method="direct")
    one, best = fit.estimate, static.estimate.optimum
    e = one.y - best.rho * one.Wy - one.Z @ np.append(0.0, best.coefficients)
    s2 = float((e**2).mean())
    height = -0.5 * e.size * (np.log(2 * np.pi * s2) + 1)
    height += len(e) * float(one.spectrum.logdet(best.rho))
    assert height == pytest.approx(static.loglik, abs=1e-9)
    assert fit.loglik >= static.loglik


def test_a_set_may_lie_above_one(W, graph) -> None:
    """An explosive panel: one itself is rejected from above, and no other value is tested."""
    panel = drawn(W, 1.3, 0.0, 0.1, periods=9)
    found = dynamic.sar("y ~ L(y) + x0 + x1 | unit", panel, graph).convergence(draws=80)
    row = found.frame.loc["tau"]
    assert (row["lower"], row["upper"]) == (1.0, np.inf)
    assert found.contains_one
    assert len(found.inversion) == 1
    assert row["half_life"] == np.inf
