"""Posterior of dynamic models: its correction, effects, container and messages."""

from __future__ import annotations

from dataclasses import replace

import arviz as az
import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.bayes.dynamic import dynamic_kernel, log_orthogonal
from ccec_econ.bayes.rejection import envelope
from ccec_econ.engine.dynamic import TimeLags, estimate_dynamic, exact_constants, transition
from ccec_econ.engine.estimate import Columns
from ccec_econ.engine.spectrum import spectrum
from ccec_econ.errors import FormulaError, IdentificationError, WeightsError
from ccec_econ.simulation.designs import DynamicDesign, draw_dynamic, nearest_weights

N, T = 9, 7
BOTH = "y ~ L(y) + W(L(y)) + x | unit + year"
OWN = "y ~ L(y) + x | unit + year"


def panel(seed: int = 2, tau: float = 0.4) -> tuple[pd.DataFrame, ce.weights.Graph, np.ndarray]:
    rng = np.random.default_rng(seed)
    W = nearest_weights(N, 3, rng)
    y, x = (part[0] for part in draw_dynamic(DynamicDesign(tau, -0.1, 1.0, 0.3), W, T, 1, rng))
    index = pd.MultiIndex.from_product([range(T + 1), range(N)], names=["year", "unit"])
    data = pd.DataFrame({"y": y.ravel(), "x": np.vstack([x[:1], x]).ravel()}, index=index)
    return data.swaplevel(), ce.weights.from_matrix(W, range(N)), W


def test_correction_by_hand() -> None:
    # T = 4: P(a) = 3/4 a + 2/8 a^2 + 1/12 a^3; at a = 1 that is 13/12, at a = -1 it is -7/12
    a = np.array([[1.0 + 0j, -1.0]])
    assert log_orthogonal(a, 4) == pytest.approx([0.5])
    assert log_orthogonal(0.0 * a, 4) == pytest.approx([0.0])


def test_slopes_of_the_correction_are_the_bias_of_the_score() -> None:
    """B - log|S| has the slopes m b of `exact_constants`, which hold at any T."""
    rng = np.random.default_rng(0)
    weights, lags = spectrum(nearest_weights(N, 3, rng)), TimeLags(0, 1)
    y, x = rng.standard_normal((T + 1, N)), rng.standard_normal((T, N))
    X = np.dstack([y[:-1], weights.lag(y[:-1]), x])
    columns = Columns(y[1:], X, ("L(y)", "W(L(y))", "x"), (None, "L(y)", None))
    fit = estimate_dynamic(columns, weights=weights, x_weights=weights, effects="twoway")
    point = np.array([0.35, 0.5, -0.2])  # tau and eta follow rho
    best = replace(fit.optimum, rho=point[0], coefficients=np.array([0.5, -0.2, 1.0]))
    expected = fit.reduction.rows * exact_constants(replace(fit, optimum=best), lags)

    def B(p: np.ndarray) -> float:
        a = transition(fit.spectrum.eigenvalues, *p)
        return float(log_orthogonal(a[None], T)[0] - fit.spectrum.logdet(p[0]))

    h = 1e-5 * np.eye(3)
    slopes = [(B(point + step) - B(point - step)) / 2e-5 for step in h]
    np.testing.assert_allclose(slopes, expected[[-2, 0, 1]], rtol=1e-7)


@pytest.mark.parametrize("formula", [OWN, BOTH])
def test_density_is_that_of_brute_force(formula: str) -> None:
    """Differences of the log density, against least squares at rho and the lags held."""
    data, graph, W = panel()
    post = ce.bayes.fit(formula, data, graph, model="sdm", draws=1)
    one, lags = post.estimate, post.lags
    core = dynamic_kernel(one, lags, post.kernel)
    at = np.array([[0.2, 0.3, 0.1], [-0.3, 0.5, -0.2], [0.9, 0.9, 0.9]])[
        :, : 1 + len(lags.positions)
    ]
    w, expected = spectrum(W).project().eigenvalues, []
    K = len(one.terms)
    rest = [j for j in range(K) if j not in lags.positions]
    for p in at[:2]:
        tau, eta = (*p[1:], 0.0)[:2]
        left = one.y - p[0] * one.Wy - one.Z[:, :, list(lags.positions)] @ p[1:]
        sse = np.linalg.lstsq(one.Z[:, :, rest].reshape(-1, len(rest)), left.ravel())[1][0]
        a = (tau + eta * w) / (1.0 - p[0] * w)
        P = sum((T - t) / (T * t) * a**t for t in range(1, T)).real.sum()
        jacobian = (T - 1) * np.log(np.abs(1.0 - p[0] * w)).sum()
        nu = 0.5 * ((N - 1) * (T - 1) - len(rest))
        expected.append(jacobian + P - nu * np.log(sse))
    found = core.log_density(at)
    assert found[0] - found[1] == pytest.approx(expected[0] - expected[1], abs=1e-9)
    assert found[2] == -np.inf  # not stable


def test_without_time_lags_of_weight_the_static_posterior_returns() -> None:
    """A prior that holds tau and eta at zero leaves rho what a static model on T - 1 says."""
    data, graph, _ = panel()
    tight = {"L(y)": 1e-6, "W(L(y))": 1e-6, "x": 1e3, "W(x)": 1e3}
    prior = ce.bayes.NormalInverseGamma(scale=tight, shape=1.0, rate=1.0)
    wide = ce.bayes.NormalInverseGamma(scale=1e3, shape=1.0, rate=1.0)
    one = ce.bayes.fit(BOTH, data, graph, prior=prior, draws=20_000).parameters().frame
    later = data[data.index.get_level_values("year") > 0]
    two = ce.bayes.fit("y ~ x | unit + year", later, graph, prior=wide, draws=20_000)
    exact = two.parameters().frame
    gap = (one.loc[exact.index, "mean"] - exact["mean"]).abs() / exact["sd"]
    assert (gap < 5.0 * np.sqrt(2.0 / 20_000)).all()
    np.testing.assert_allclose(one.loc[exact.index, "sd"], exact["sd"], rtol=0.03)


def test_rejection_draws_from_a_density_with_a_border() -> None:
    """A correlated normal cut at a line: mean and covariance of the half that is left."""
    root = np.linalg.cholesky(np.array([[1.0, 0.6], [0.6, 1.0]]))
    inverse = np.linalg.inv(root)

    def log_density(points: np.ndarray) -> np.ndarray:
        z = points @ inverse.T
        return np.where(z[:, 0] > 0.0, -0.5 * (z**2).sum(axis=1), -np.inf)

    guess = np.array([0.5, -1.0]), 1.4 * np.eye(2)
    z = envelope(log_density, *guess).draw(40_000, np.random.default_rng(0)) @ inverse.T
    # |z0| is half normal, mean sqrt(2/pi), variance 1 - 2/pi; z1 is standard normal
    assert z[:, 0].min() > 0.0
    assert z.mean(axis=0) == pytest.approx([np.sqrt(2.0 / np.pi), 0.0], abs=0.02)
    assert np.cov(z.T) == pytest.approx(np.diag([1.0 - 2.0 / np.pi, 1.0]), abs=0.02)
    with pytest.raises(IdentificationError, match="no mass where it is looked for"):
        envelope(lambda p: np.full(len(p), -np.inf), *guess)


def test_effects_by_horizon_are_those_of_every_draw() -> None:
    data, graph, W = panel()
    post = ce.bayes.fit(BOTH, data, graph, draws=200)
    b, rho = post.draws.coefficients[11], post.draws.spatial[11]
    assert post.estimate.terms == ("L(y)", "W(L(y))", "x", "W(x)")
    identity = np.eye(N)
    S = np.linalg.inv(identity - rho * W)
    A, X = S @ (b[0] * identity + b[1] * W), b[2] * identity + b[3] * W
    after = {
        ("short", True): S @ X,
        ("long", True): np.linalg.inv((1.0 - b[0]) * identity - (rho + b[1]) * W) @ X,
        (2, True): (identity + A + A @ A) @ S @ X,
        (2, False): A @ A @ S @ X,
    }
    for (horizon, cumulative), matrix in after.items():
        found = post.effects(horizon=horizon, cumulative=cumulative).samples[11]
        direct, total = np.trace(matrix) / N, matrix.sum() / N
        np.testing.assert_allclose(found, [direct, total - direct, total], rtol=1e-9)
    radius = np.abs(np.linalg.eigvals(A)).max()
    assert post.radius[11] == pytest.approx(radius)
    assert (post.radius < 1.0).all()
    assert "long run" in str(post.effects(horizon="long"))


def test_draws_outside_stability_are_counted_and_left_out() -> None:
    data, graph, _ = panel(tau=0.6)
    post = ce.bayes.fit(BOTH, data, graph, unit_effects="flat", draws=2000)
    outside = int((post.radius >= 1.0).sum())
    assert outside > 0
    assert f"{outside:,} of 2,000 draws are outside stability" in str(post)
    long = post.effects(horizon="long")
    assert len(long.samples) == 2000 - outside
    assert f"Effects of the {2000 - outside:,} draws that are stable." in str(long)
    assert len(post.effects().samples) == 2000
    missing = post.data["posterior"]["long_run_total"].isnull().sum()
    assert int(missing) == outside
    assert "not consistent for fixed T" in str(post)


def test_container_of_a_dynamic_model() -> None:
    data, graph, _ = panel()
    post = ce.bayes.fit(BOTH, data, graph, draws=600)
    tree = post.data
    assert set(tree.children) == {
        "posterior",
        "sample_stats",
        "posterior_predictive",
        "observed_data",
        "constant_data",
    }
    assert list(az.summary(tree, var_names=["rho", "long_run_total"]).index) == [
        "rho",
        "long_run_total[x]",
    ]
    az.plot_ppc_dist(tree, backend="none")
    replicated = tree["posterior_predictive"]["y"]
    assert abs(replicated.mean("unit")).max() < 1e-10
    assert tree.identical(ce.bayes.fit(BOTH, data, graph, draws=600).data)


def test_innovations_of_replicated_paths_have_the_variance_of_the_draw() -> None:
    data, graph, W = panel()
    post = ce.bayes.fit(BOTH, data, graph, draws=500)
    tree, one = post.data, post.draws
    y = tree["posterior_predictive"]["y"].to_numpy()[0].transpose(0, 2, 1)
    seen = tree["observed_data"]["y"].to_numpy().T
    first = post.path[0] - post.path[0].mean()
    X = post.X - post.X.mean(axis=1, keepdims=True)

    def left(path: np.ndarray, d: int) -> np.ndarray:
        """What the lags and regressors leave: unit effects and innovations, (T, N)."""
        b, before = one.coefficients[d], np.vstack([first, path[:-1]])
        now = path - one.spatial[d] * path @ W.T - b[0] * before - b[1] * before @ W.T
        now = now - X[:, :, 2:] @ b[2:]
        return (now - now.mean(axis=1, keepdims=True)) / np.sqrt(one.sigma2[d])

    parts = np.array([left(y[d], d) for d in range(500)])
    free = (N - 1) / N  # time effects removed
    assert parts.var(axis=1, ddof=1).mean() == pytest.approx(free, rel=0.02)
    means = np.array([left(seen, d).mean(axis=0) for d in range(500)])
    around = (parts.mean(axis=1) - means).var()  # effects drawn, then innovations: 2 s2 / T
    assert around == pytest.approx(2.0 * free / T, rel=0.05)


def test_replicated_paths_without_noise_are_the_path() -> None:
    """With next to no variance a path from y_0 with the unit effects it had is that observed."""
    rng = np.random.default_rng(5)
    W = nearest_weights(N, 3, rng)
    S = np.linalg.inv(np.eye(N) - 0.3 * W)
    x, unit, path = rng.standard_normal((T + 1, N)), rng.standard_normal(N), [np.ones(N)]
    for t in range(T):
        shock = 1e-4 * rng.standard_normal(N)
        path.append(S @ (0.4 * path[-1] + 0.1 * W @ path[-1] + x[t + 1] + unit + t + shock))
    index = pd.MultiIndex.from_product([range(T + 1), range(N)], names=["year", "unit"])
    data = pd.DataFrame({"y": np.ravel(path), "x": x.ravel()}, index=index).swaplevel()
    tree = ce.bayes.fit(BOTH, data, ce.weights.from_matrix(W, range(N)), draws=50).data
    gap = tree["posterior_predictive"]["y"] - tree["observed_data"]["y"]
    assert float(abs(gap).max()) < 0.01


@pytest.mark.parametrize("prior", [ce.bayes.GPrior(), ce.bayes.NormalInverseGamma()])
def test_other_priors_draw(prior: ce.bayes.GPrior) -> None:
    data, graph, _ = panel()
    post = ce.bayes.fit(OWN, data, graph, prior=prior, model="sar", draws=500)
    assert prior.name() in str(post)
    effects = ce.bayes.sensitivity(OWN, data, graph, priors={"one": prior}, draws=50)
    assert effects.samples.shape == (50, 3)


def test_units_without_time_effects_and_a_model_of_lags_only() -> None:
    data, graph, _ = panel()
    unit = ce.bayes.fit("y ~ L(y) + x | unit", data, graph, model="sar", draws=200)
    assert unit.estimate.effects == "unit"
    assert "y" in unit.data["posterior_predictive"]
    bare = ce.bayes.fit("y ~ L(y) | unit + year", data, graph, model="sar", draws=200)
    assert list(bare.parameters().frame.index) == ["L(y)", "rho", "sigma2"]
    space = ce.bayes.fit("y ~ W(L(y)) + x | unit + year", data, graph, model="sar", draws=200)
    assert (space.radius < 1.0).all()


def test_refusals_of_dynamic_models() -> None:
    data, graph, _ = panel()
    with pytest.raises(FormulaError, match="model 'sem' with time lags: choose sar or sdm"):
        ce.bayes.fit(OWN, data, graph, model="sem")
    with pytest.raises(FormulaError, match="Student-t errors: give errors='normal'"):
        ce.bayes.fit(OWN, data, graph, errors="student")
    with pytest.raises(FormulaError, match="unit_effects 'naive': choose 'orthogonal' or 'flat'"):
        ce.bayes.fit(OWN, data, graph, unit_effects="naive")  # type: ignore[arg-type]
    with pytest.raises(FormulaError, match="here give a static model"):
        ce.bayes.compare(OWN, data, {"near": graph})
    with pytest.raises(WeightsError, match="weights by period"):
        ce.bayes.fit(OWN, data, dict.fromkeys(range(T), graph))  # type: ignore[arg-type]
    post = ce.bayes.fit(OWN, data, graph, draws=20)
    with pytest.raises(IdentificationError, match="no marginal likelihood of a dynamic model"):
        _ = post.log_marginal
    with pytest.raises(ValueError, match="horizon 'far'"):
        post.effects(horizon="far")
    never = replace(post, draws=replace(post.draws, coefficients=post.draws.coefficients + 5.0))
    with pytest.raises(IdentificationError, match="none of 20 draws is stable"):
        never.effects(horizon="long")


def test_order_of_units_and_constants_of_units_do_not_matter() -> None:
    data, graph, W = panel()
    order = np.random.default_rng(0).permutation(N)
    shuffled = ce.weights.from_matrix(W[np.ix_(order, order)], order)
    moved = data["y"] + 3.0 * data.index.get_level_values("year")  # a time effect
    one = ce.bayes.fit(BOTH, data, graph, draws=50)
    two = ce.bayes.fit(
        BOTH, data.assign(y=moved).sample(frac=1.0, random_state=1), shuffled, draws=50
    )
    np.testing.assert_allclose(one.draws.coefficients, two.draws.coefficients, atol=1e-7)
    np.testing.assert_allclose(one.draws.spatial, two.draws.spatial, atol=1e-7)
