"""Exact posteriors: against quadrature of dense likelihoods, ArviZ, and by their messages."""

from __future__ import annotations

import warnings

import arviz as az
import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats
from scipy.special import gammaln

import ccec_econ as ce
from ccec_econ.bayes.container import (
    conditional_log_likelihood,
    few,
    joint_log_likelihood,
    predictive,
)
from ccec_econ.bayes.quantities import hdi
from ccec_econ.bayes.sampler import Draws
from ccec_econ.engine.transform import helmert
from ccec_econ.errors import FormulaError, IdentificationError, WeightsError
from simulated import simulate

F = "y ~ x0 | unit + year"
TWO = "y ~ x0 + x1 | unit + year"
QUADRATURE = 1e-6  # of a log marginal likelihood, three dimensions by brute force
MC = 4.5  # Monte Carlo errors
PRIORS = {
    "flat": ce.bayes.Flat(),
    "beta": ce.bayes.Flat(ce.bayes.Beta(2.0)),
    "g": ce.bayes.GPrior(),
    "conjugate": ce.bayes.NormalInverseGamma(mean=0.4, scale=0.7, shape=3.0, rate=2.0),
}


def ring(N: int) -> np.ndarray:
    """Row-standardised weights of a ring with one longer link, not symmetric."""
    W = np.roll(np.eye(N), 1, axis=1) + np.roll(np.eye(N), -1, axis=1)
    W[0, 2] = 1.0
    return W / W.sum(axis=1, keepdims=True)


def panel(N: int = 6, T: int = 5, K: int = 1, seed: int = 3) -> tuple[pd.DataFrame, np.ndarray]:
    W = ring(N)
    data = simulate(np.random.default_rng(seed), W, T, 0.3, np.ones(K), 0.3 * np.ones(K))
    return data, W


def graph(W: np.ndarray) -> ce.weights.Graph:
    return ce.weights.from_matrix(W, range(len(W)))


def dense(data: pd.DataFrame, W: np.ndarray):
    """y, x and W in the coordinates that the effects leave: (T-1, N-1) and (N-1, N-1)."""
    T, N = data.index.levels[1].size, len(W)
    by_period = data.swaplevel().sort_index()
    FT, FN = helmert(T), helmert(N)
    y, x = (FT.T @ by_period[name].to_numpy().reshape(T, N) @ FN for name in ("y", "x0"))
    return y, x, FN.T @ W @ FN


def brute_force(data: pd.DataFrame, W: np.ndarray, model: str, prior: str) -> float:
    """Log marginal likelihood by a product rule over (psi, log s2, coefficient)."""
    y, x, Ws = dense(data, W)
    tau, m = y.shape
    eigen = np.linalg.eigvals(W)
    real = eigen.real[np.abs(eigen.imag) < 1e-9]
    lower, upper = 1.0 / real.min(), 1.0 / real.max()
    if prior == "beta":
        lower, upper = -1.0, 1.0
    nodes, weights = np.polynomial.legendre.leggauss(120)
    psis = 0.5 * (lower + upper) + 0.5 * (upper - lower) * nodes
    centre = float((x * y).sum() / (x**2).sum())
    s = np.linspace(-4.0, 10.0, 180)
    u = np.linspace(-25.0, 25.0, 500) / np.sqrt((x**2).sum())
    sd = np.exp(s / 2.0)[:, None]
    b = centre + sd * u
    total = []
    for psi, weight in zip(psis, weights, strict=True):
        A = np.eye(m) - psi * Ws
        left, right = (y @ A.T, x) if model == "sar" else (y @ A.T, x @ A.T)
        yy, xy, xx = (left**2).sum(), (left * right).sum(), (right**2).sum()
        sse = yy - 2.0 * b * xy + b**2 * xx
        log = tau * np.linalg.slogdet(A)[1] - 0.5 * m * tau * np.log(2 * np.pi * sd**2)
        log = log - 0.5 * sse / sd**2 - np.log(upper - lower)
        if prior == "beta":  # (1 + psi)(1 - psi) / (B(2, 2) 2^3), B(2, 2) = 1/6
            log = log + np.log(upper - lower) + np.log((1 + psi) * (1 - psi) * 6.0 / 8.0)
        if prior == "g":  # K = 1, so g = 1/N
            spread = sd * np.sqrt(m * tau / (x**2).sum())
            log = log + stats.norm.logpdf(b, 0.0, spread)
        if prior == "conjugate":
            log = log + stats.norm.logpdf(b, 0.4, 0.7 * sd)
            log = log + stats.invgamma.logpdf(sd**2, 3.0, scale=2.0) + np.log(sd**2)
        # p(s2) ds2 = 1/s2 ds2 = dlog(s2); db = sd du
        inner = np.exp(log + np.log(sd)).sum() * (s[1] - s[0]) * (u[1] - u[0])
        total.append(0.5 * (upper - lower) * weight * inner)
    return float(np.log(sum(total)))


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("model", ["sar", "sem"])
def test_marginal_likelihood_is_that_of_brute_force(model: str, prior: str) -> None:
    data, W = panel()
    post = ce.bayes.fit(F, data, graph(W), model=model, prior=PRIORS[prior], draws=1)
    assert post.log_marginal == pytest.approx(brute_force(data, W, model, prior), abs=QUADRATURE)


def test_marginal_likelihood_without_rho_is_the_formula() -> None:
    data, _ = panel()
    y, x, _ = dense(data, ring(6))
    v, xx = 0.5 * (y.size - 1), (x**2).sum()
    sse = (y**2).sum() - (x * y).sum() ** 2 / xx
    by_hand = gammaln(v) - v * np.log(np.pi * sse) - 0.5 * np.log(xx)
    post = ce.bayes.fit(F, data, model="ols", draws=1)
    assert post.log_marginal == pytest.approx(by_hand, abs=1e-10)


def density_of_rho(data: pd.DataFrame, W: np.ndarray):
    """Posterior of rho in a SAR by its formula on dense data."""
    y, x, Ws = dense(data, W)
    tau, m = y.shape

    def density(rho: float) -> float:
        A = np.eye(m) - rho * Ws
        e = y @ A.T
        sse = (e**2).sum() - (e * x).sum() ** 2 / (x**2).sum()
        return float(np.exp(tau * np.linalg.slogdet(A)[1] - 0.5 * (y.size - 1) * np.log(sse)))

    return density


def test_draws_have_the_moments_and_the_distribution_of_quadrature() -> None:
    data, W = panel()
    post = ce.bayes.fit(F, data, graph(W), model="sar", draws=20_000)
    density, (a, b) = density_of_rho(data, W), post.kernel.weights.interval
    options = {"epsabs": 0.0, "epsrel": 1e-10, "limit": 200}
    mass = integrate.quad(density, a, b, **options)[0]
    mean = integrate.quad(lambda r: r * density(r), a, b, **options)[0] / mass
    square = integrate.quad(lambda r: (r - mean) ** 2 * density(r), a, b, **options)[0] / mass
    assert post.marginal.moments() == pytest.approx((mean, np.sqrt(square)), abs=1e-7)
    rho = post.draws.spatial
    assert abs(rho.mean() - mean) < MC * np.sqrt(square / len(rho))
    at = np.quantile(rho, np.linspace(0.02, 0.98, 25))
    exact = [integrate.quad(density, a, r, **options)[0] / mass for r in at]
    np.testing.assert_allclose(post.marginal.quantile(np.array(exact)), at, atol=1e-7)
    uniform = np.interp(rho, post.marginal.grid, post.marginal.distribution)
    assert stats.kstest(uniform, "uniform").pvalue > 0.001


def test_coefficients_of_least_squares_follow_the_t_distribution() -> None:
    data, _ = panel()
    y, x, _ = dense(data, ring(6))
    post = ce.bayes.fit(F, data, model="ols", draws=20_000)
    df, xx, xy = y.size - 1, (x**2).sum(), (x * y).sum()
    scale = np.sqrt(((y**2).sum() - xy**2 / xx) / df / xx)
    t = (post.draws.coefficients[:, 0] - xy / xx) / scale
    assert stats.kstest(t, stats.t(df).cdf).pvalue > 0.001


def test_flat_prior_is_the_limit_of_the_conjugate_one() -> None:
    data, W = panel(K=2)
    wide = ce.bayes.NormalInverseGamma(scale=1e8, shape=-1.0, rate=0.0)
    one = ce.bayes.fit(TWO, data, graph(W), model="sem", draws=50)
    two = ce.bayes.fit(TWO, data, graph(W), model="sem", draws=50, prior=wide)
    np.testing.assert_allclose(one.draws.coefficients, two.draws.coefficients, rtol=1e-7)
    np.testing.assert_allclose(one.draws.sigma2, two.draws.sigma2, rtol=1e-7)


def test_strong_prior_holds_coefficients_where_it_says() -> None:
    data, W = panel(K=2)
    tight = ce.bayes.NormalInverseGamma(mean={"x0": 5.0, "x1": -5.0}, scale=1e-6)
    post = ce.bayes.fit(TWO, data, graph(W), model="sar", prior=tight, draws=50)
    np.testing.assert_allclose(post.draws.coefficients, [[5.0, -5.0]] * 50, atol=1e-3)


def test_effects_are_those_of_every_draw() -> None:
    data, W = panel(K=2)
    post = ce.bayes.fit(TWO, data, graph(W), draws=40)
    effects = post.effects()
    b, rho = post.draws.coefficients, post.draws.spatial
    total = (b[:, :2] + b[:, 2:]) / (1.0 - rho)[:, None]
    np.testing.assert_allclose(effects.samples[:, [2, 5]], total, rtol=1e-10)
    S = np.linalg.inv(np.eye(6) - rho[7] * W) @ (b[7, 0] * np.eye(6) + b[7, 2] * W)
    assert effects.samples[7, 0] == pytest.approx(np.trace(S) / 6)
    groups = pd.Series(["a", "a", "b", "b", "b", "b"], index=range(6))
    between = post.effects(groups=groups)
    at = list(between.frame.index).index(("x0", "a", "b"))
    assert between.samples[7, at] == pytest.approx(S[:2, 2:].sum() / 2)


def test_narrowest_interval_is_that_of_arviz() -> None:
    sample = np.random.default_rng(0).gamma(2.0, size=(4001, 1))
    ours = np.ravel(hdi(np.sort(sample, axis=0), 0.9))
    np.testing.assert_allclose(ours, az.hdi(sample[:, 0], prob=0.9), atol=1e-12)


@pytest.mark.parametrize("bar", ["", " | unit", " | year", " | unit + year"])
@pytest.mark.parametrize("model", ["ols", "sar", "sem"])
def test_pointwise_likelihood_is_that_of_one_cell_given_the_others(model: str, bar: str) -> None:
    data, W = panel(N=5, T=4)
    own = () if model == "ols" else (graph(W),)
    post = ce.bayes.fit(f"y ~ x0{bar}", data, *own, model=model, draws=3)
    found = conditional_log_likelihood(post.estimate, post.draws)
    T, N = post.estimate.y.shape
    wide = 1e5  # variance of effects of the reduced form, as good as infinite
    for d in range(3):
        psi, s2 = post.draws.spatial[d], post.draws.sigma2[d]
        S = np.linalg.inv(np.eye(N) - psi * W)
        V = np.kron(np.eye(T), s2 * S @ S.T)
        V = V + wide * np.kron(np.ones((T, T)), np.eye(N)) * ("unit" in bar)
        V = V + wide * np.kron(np.eye(T), np.ones((N, N))) * ("year" in bar)
        mean = post.estimate.Z @ post.draws.coefficients[d]
        mean = (S @ mean.T).T if model == "sar" else mean
        e, Q = (post.estimate.y - mean).ravel(), np.linalg.inv(V)
        exact = stats.norm.logpdf((Q @ e) / np.diag(Q), 0.0, 1.0 / np.sqrt(np.diag(Q)))
        np.testing.assert_allclose(found[d].ravel(), exact, atol=2e-3)


@pytest.mark.parametrize("model", ["ols", "sar", "sem", "sdm"])
def test_replicated_panels_follow_the_model(model: str) -> None:
    data, W = panel(K=2)
    own = () if model == "ols" else (graph(W),)
    post = ce.bayes.fit(TWO, data, *own, model=model, draws=3)
    still = Draws(post.draws.coefficients, post.draws.spatial, np.full(3, 1e-24))
    y = predictive(post.estimate, still, np.random.default_rng(0))
    mean = np.einsum("tnk,dk->dtn", post.estimate.Z, still.coefficients)
    if model in ("sar", "sdm"):
        lagged = y @ W.T
        lagged = lagged - lagged.mean(axis=2, keepdims=True)
        y = y - still.spatial[:, None, None] * lagged
    np.testing.assert_allclose(y, mean, atol=1e-9)


def test_arviz_reads_the_container_unchanged() -> None:
    data, W = panel(N=9, T=10, K=2)
    posts = {m: ce.bayes.fit(TWO, data, graph(W), model=m, draws=400) for m in ("sdm", "sdem")}
    trees = {name: post.data for name, post in posts.items()}
    assert set(trees["sdm"].children) == {
        "posterior",
        "log_likelihood",
        "sample_stats",
        "observed_data",
        "constant_data",
        "posterior_predictive",
    }
    assert trees["sdm"]["posterior"]["coefficients"].dims == ("chain", "draw", "term")
    assert trees["sdm"]["log_likelihood"]["y"].dims == ("chain", "draw", "unit", "year")
    table = az.summary(trees["sdm"], var_names=["coefficients", "rho", "total"])
    assert list(table.index) == [
        *(f"coefficients[{t}]" for t in ("x0", "x1", "W(x0)", "W(x1)")),
        "rho",
        "total[x0]",
        "total[x1]",
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ArviZ warns of long tails in small samples
        assert np.isfinite(az.loo(trees["sdm"]).elpd)
        assert set(az.compare(trees).index) == {"sdm", "sdem"}
        az.plot_dist(trees["sdm"], var_names=["rho"], backend="none")
        az.plot_forest(trees["sdm"], var_names=["coefficients"], backend="none")
        az.plot_ppc_dist(trees["sdm"], backend="none")
        az.plot_ppc_interval(trees["sdm"], backend="none")
        az.plot_ppc_tstat(trees["sdm"], t_stat="std", backend="none")
        az.plot_loo_pit(trees["sdm"], backend="none")


@pytest.mark.parametrize(
    ("model", "errors"), [("ols", "normal"), ("sdm", "normal"), ("sdem", "student")]
)
def test_proper_priors_have_prior_groups(model: str, errors: str) -> None:
    data, W = panel(N=9, T=6, K=2)
    own = () if model == "ols" else (graph(W),)
    prior = ce.bayes.NormalInverseGamma(mean=2.0, scale=0.5, shape=9.0, rate=16.0)
    post = ce.bayes.fit(
        TWO, data, *own, model=model, prior=prior, errors=errors, df=8.0, draws=2000
    )
    tree = post.data
    before, after = tree["prior"], tree["posterior"]
    assert set(before.data_vars) == set(after.data_vars)
    assert before.sizes["draw"] == 2000
    assert float(before["sigma2"].mean()) == pytest.approx(2.0, rel=0.07)  # 16 / (9 - 1)
    assert before["coefficients"].mean("draw").to_numpy() == pytest.approx(2.0, abs=0.08)
    if errors == "student":
        assert float(before["omega"].mean()) == pytest.approx(8.0 / 6.0, rel=0.05)  # df / (df - 2)
    names = ["sigma2", "coefficients"]
    az.plot_prior_posterior(tree, var_names=names, backend="none")
    az.plot_ppc_dist(tree, group="prior_predictive", backend="none")
    replicated = tree["prior_predictive"]["y"]
    assert replicated.dims == tree["posterior_predictive"]["y"].dims
    assert np.abs(replicated.mean("year")).max() < 1e-8


def test_replicated_panels_are_spread_over_the_chains() -> None:
    data, W = panel(K=2)
    post = ce.bayes.fit(TWO, data, graph(W), errors="student", draws=2000)
    kept = few(post.draws)
    np.testing.assert_array_equal(kept.spatial, post.draws.spatial[::4])
    assert kept.chains == 1


def test_joint_likelihood_of_the_container_is_that_of_the_engine() -> None:
    data, W = panel(K=2)
    for model in ("sdm", "sdem"):
        post = ce.bayes.fit(TWO, data, graph(W), model=model, draws=2)
        values = post.data["sample_stats"]["joint_log_likelihood"].to_numpy()[0]
        one = post.estimate
        psi, s2, b = post.draws.spatial[1], post.draws.sigma2[1], post.draws.coefficients[1]
        lam, rho = (psi, 0.0) if model == "sdem" else (0.0, psi)
        v, _ = one.triangle.residuals(lam, rho, b)
        m, tau = one.reduction.rows, one.reduction.periods
        jacobian = tau * (one.spectrum or one.error).logdet(psi)
        expected = jacobian - 0.5 * m * tau * np.log(2 * np.pi * s2) - 0.5 * v @ v / s2
        assert values[1] == pytest.approx(expected, abs=1e-8)


def test_same_seed_same_container() -> None:
    data, W = panel(K=2)
    one, two = (ce.bayes.fit(TWO, data, graph(W), draws=30).data for _ in range(2))
    assert one.identical(two)


def test_probabilities_do_not_depend_on_units_under_the_g_prior() -> None:
    data, W = panel(N=9, T=8, K=2)
    every = ("ols", "slx", "sar", "sem", "sdm", "sdem")
    near = {"ring": graph(W), "far": graph(np.roll(W, 2, axis=1) * (1 - np.eye(9)))}
    near = {name: ce.weights.row_standardise(one) for name, one in near.items()}
    scaled = data.assign(x0=100.0 * data["x0"], x1=0.001 * data["x1"], y=7.0 * data["y"])
    one, two = (
        ce.bayes.compare(TWO, each, near, models=every, prior=ce.bayes.GPrior())
        for each in (data, scaled)
    )
    np.testing.assert_allclose(one.frame["probability"], two.frame["probability"], atol=1e-9)
    assert one.frame["probability"].sum() == pytest.approx(1.0)
    assert len(one.candidates) == 11  # OLS once
    assert one.by_model["ols"] == one.by_weights["none"]


def test_averaged_effects_are_the_mixture_of_the_candidates() -> None:
    data, W = panel(N=9, T=8, K=2)
    found = ce.bayes.compare(TWO, data, {"ring": graph(W)})
    parts = [found.effects_of(*label, draws=20_000).frame["mean"] for label in found.frame.index]
    mixture = sum(p * part for p, part in zip(found.frame["probability"], parts, strict=True))
    averaged = found.effects(draws=20_000).frame
    error = averaged["sd"] / np.sqrt(20_000)
    assert ((averaged["mean"] - mixture).abs() < 2 * MC * error).all()
    one = ce.bayes.fit(TWO, data, graph(W), draws=1)
    assert found.frame.loc[("ring", "sdm"), "log_marginal"] == pytest.approx(one.log_marginal)


def test_beta_prior_is_a_density() -> None:
    grid = np.linspace(-1.0, 1.0, 20_001)[1:-1]
    for d in (1.5, 4.0):
        density = np.exp(ce.bayes.Beta(d).log_density(grid, (-1.7, 1.0)))
        assert np.trapezoid(density, grid) == pytest.approx(1.0, abs=1e-5)
    assert ce.bayes.Beta().bounds((-0.6, 1.0)) == (-0.6, 1.0)


def test_summary_states_prior_and_draws() -> None:
    data, W = panel(K=2)
    post = ce.bayes.fit(TWO, data, graph(W), draws=25, prior=ce.bayes.GPrior(0.1))
    text = str(post)
    assert "g-prior, g = 0.1" in text
    assert "25 independent draws from the exact posterior." in text
    assert str(ce.bayes.compare(TWO, data, {"ring": graph(W)})).count("ring") == 1


def test_refusals() -> None:
    data, W = panel(N=9, T=8, K=2)
    own, named = graph(W), {"ring": graph(W)}
    with pytest.raises(IdentificationError, match=r"SAR 2, SDM 4.*Bartlett.*GPrior"):
        ce.bayes.compare(TWO, data, named, models=("sar", "sdm"))
    with pytest.raises(FormulaError, match="each model once"):
        ce.bayes.compare(TWO, data, named, models=("sdm", "sdm"))
    with pytest.raises(FormulaError, match="no candidate"):
        ce.bayes.compare(TWO, data, named).effects_of("ring", "sar")
    with pytest.raises(FormulaError, match="model 'sac': choose one of"):
        ce.bayes.fit(TWO, data, own, model="sac")  # type: ignore[arg-type]
    with pytest.raises(FormulaError, match="time lags"):
        ce.bayes.compare("y ~ L(y) + x0 | unit + year", data, named)
    with pytest.raises(WeightsError, match="change over time"):
        ce.bayes.fit(TWO, data, dict.fromkeys(range(8), own))  # type: ignore[arg-type]
    with pytest.raises(WeightsError, match="row-standardised"):
        ce.bayes.fit(TWO, data, graph(2.0 * W))
    with pytest.raises(IdentificationError, match="g-prior with a constant"):
        ce.bayes.fit("y ~ x0", data, own, prior=ce.bayes.GPrior())
    with pytest.raises(FormulaError, match="name exactly the terms"):
        ce.bayes.fit(TWO, data, own, prior=ce.bayes.NormalInverseGamma(mean={"x0": 1.0}))
    with pytest.raises(FormulaError, match="rate -1"):
        ce.bayes.NormalInverseGamma(rate=-1.0)
    for broken in (lambda: ce.bayes.Beta(0.0), lambda: ce.bayes.GPrior(-1.0)):
        with pytest.raises(FormulaError, match="positive number"):
            broken()
    with pytest.raises(ValueError, match="draws 0"):
        ce.bayes.fit(TWO, data, own, draws=0)
    with pytest.raises(ValueError, match="0 < level < 1"):
        ce.bayes.fit(TWO, data, own, draws=5).effects(level=2.0)
    with pytest.raises(FormulaError, match="no posterior of x9"):
        ce.bayes.fit(TWO, data, own, draws=5).effects().select(["x9"])
    improper = ce.bayes.NormalInverseGamma(shape=0.0, rate=0.0)
    with pytest.raises(IdentificationError, match="improper"):
        ce.bayes.calibrate(TWO, data, own, prior=improper)


@pytest.mark.parametrize("model", ["sdm", "sem", "sdem"])
def test_student_errors_with_many_degrees_of_freedom_are_normal(model: str) -> None:
    data, W = panel(N=9, T=8, K=2)
    exact = ce.bayes.fit(TWO, data, graph(W), model=model, draws=20_000).parameters().frame
    chain = ce.bayes.fit(TWO, data, graph(W), model=model, errors="student", df=1e6, draws=2000)
    found = chain.parameters().frame
    assert ((found["mean"] - exact["mean"]).abs() < MC * exact["sd"] / np.sqrt(900)).all()
    np.testing.assert_allclose(found["sd"], exact["sd"], rtol=0.12)
    np.testing.assert_allclose(chain.draws.omega, 1.0, atol=0.02)


def test_student_errors_find_the_unit_with_the_large_variance() -> None:
    data, W = panel(N=9, T=12, K=2)
    noisy = data.index.get_level_values("unit") == 4
    shock = np.random.default_rng(0).standard_normal(len(data))
    post = ce.bayes.fit(
        TWO, data.assign(y=data["y"] + 6.0 * noisy * shock), graph(W), errors="student", draws=800
    )
    assert post.unit_variances().frame["median"].idxmax() == 4
    chains = post.convergence()
    assert (chains["r_hat"] < 1.03).all()
    assert (chains["ess_bulk"] > 100).all()
    tree = post.data
    assert tree["posterior"]["omega"].dims == ("chain", "draw", "unit")
    assert tree["posterior"].sizes["chain"] == 4
    assert "4 Gibbs chains" in str(post)
    with pytest.raises(IdentificationError, match="no marginal likelihood"):
        _ = post.log_marginal


def test_likelihood_with_unit_variances_is_that_of_dense_matrices() -> None:
    data, W = panel(N=5, T=4)
    post = ce.bayes.fit(F, data, graph(W), model="sar", errors="student", draws=4)
    y, x, Ws = dense(data, W)
    one, FN = post.draws, helmert(5)
    found = joint_log_likelihood(post.estimate, one)
    cells = conditional_log_likelihood(post.estimate, one)
    for d in range(4):
        A = np.eye(4) - one.spatial[d] * Ws
        V = one.sigma2[d] * FN.T @ np.diag(one.omega[d]) @ FN
        e = y @ A.T - x * one.coefficients[d, 0]
        exact = stats.multivariate_normal.logpdf(e, np.zeros(4), V).sum()
        exact += 3 * np.linalg.slogdet(A)[1]
        assert found[d] == pytest.approx(exact, abs=1e-8)
        S = np.eye(5) - one.spatial[d] * W
        C = np.linalg.inv(S) @ np.diag(one.sigma2[d] * one.omega[d]) @ np.linalg.inv(S).T
        V = np.kron(np.eye(4), C) + 1e5 * np.kron(np.ones((4, 4)), np.eye(5))
        V = V + 1e5 * np.kron(np.eye(4), np.ones((5, 5)))
        mean = np.linalg.solve(S, (post.estimate.Z @ one.coefficients[d]).T).T
        e, Q = (post.estimate.y - mean).ravel(), np.linalg.inv(V)
        exact = stats.norm.logpdf((Q @ e) / np.diag(Q), 0.0, 1.0 / np.sqrt(np.diag(Q)))
        np.testing.assert_allclose(cells[d].ravel(), exact, atol=5e-3)


def test_refusals_of_student_errors() -> None:
    data, W = panel(N=9, T=8, K=2)
    with pytest.raises(IdentificationError, match="same variance"):
        ce.bayes.fit(TWO, data, graph(W), draws=5).unit_variances()
    with pytest.raises(FormulaError, match="errors 'laplace'"):
        ce.bayes.fit(TWO, data, graph(W), errors="laplace")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="df 0"):
        ce.bayes.fit(TWO, data, graph(W), errors="student", df=0.0)


def test_flat_prior_rewards_lags_that_vary_little_and_the_g_prior_does_not() -> None:
    data, W = panel(N=9, T=8, K=2)
    formula = "y ~ x0 + x1 | unit"  # without time effects W need not be row-standardised
    near = {"W": graph(W), "W/10": graph(W / 10.0)}
    flat = ce.bayes.compare(formula, data, near, models=("slx",)).frame["log_marginal"]
    shift = flat[("W/10", "slx")] - flat[("W", "slx")]
    assert shift == pytest.approx(2.0 * np.log(10.0))  # two lags, ten times smaller
    g = ce.bayes.compare(formula, data, near, models=("slx",), prior=ce.bayes.GPrior())
    assert g.frame["probability"].to_numpy() == pytest.approx([0.5, 0.5])
    assert "between weights read the g-prior" in str(ce.bayes.compare(formula, data, near))
    assert "between weights" not in str(g)


def test_effects_with_rho_print_medians() -> None:
    data, W = panel(K=2)
    own = graph(W)
    assert "Median" in str(ce.bayes.fit(TWO, data, own, draws=30).effects())
    assert "Mean" in str(ce.bayes.fit(TWO, data, own, model="sdem", draws=30).effects())


def test_sensitivity_sets_the_fits_side_by_side() -> None:
    data, W = panel(N=9, T=8, K=2)
    priors = {"flat": ce.bayes.Flat(), "tight": ce.bayes.Flat(ce.bayes.Beta(500.0))}
    found = ce.bayes.sensitivity(TWO, data, graph(W), priors=priors, draws=200)
    one = ce.bayes.fit(TWO, data, graph(W), draws=200).effects().frame
    pd.testing.assert_frame_equal(found.frame.xs("flat", level="prior"), one)
    assert "tight: flat" in str(found)
    wide = (found.frame["upper"] - found.frame["lower"]).unstack("prior")
    assert (wide.loc[("x0", "total")].loc["tight"]) < wide.loc[("x0", "total")].loc["flat"]
    with pytest.raises(FormulaError, match="no priors"):
        ce.bayes.sensitivity(TWO, data, graph(W), priors={})
