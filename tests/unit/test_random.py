"""Random effects: against dense algebra on 5 units and 4 periods, tests, border, refusals."""

from __future__ import annotations

import dataclasses
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize, minimize_scalar

import ccec_econ as ce
from ccec_econ.engine import kkp
from ccec_econ.engine.estimate import Columns
from ccec_econ.engine.kkp import moment_covariance
from ccec_econ.engine.random import (
    RandomEstimate,
    random,
    random_covariance,
    random_information,
)
from ccec_econ.engine.spectrum import spectrum
from ccec_econ.errors import (
    AlignmentError,
    ConvergenceError,
    FormulaError,
    IdentificationError,
    WeakIdentificationWarning,
    WeightsError,
)
from ccec_econ.inference.outcome import Outcome
from ccec_econ.models.random import random_effects, random_effects_gm

Array = np.ndarray
N, T = 5, 4
FORMS = ["none", "bsk", "kkp"]
DIFFERENCE = 1e-5  # central differences of the log-likelihood
cases = pytest.mark.parametrize(("form", "lag"), list(product(FORMS, [False, True])))


def neighbours(rng: np.random.Generator, n: int) -> Array:
    """Row-standardised, asymmetric, complex eigenvalues."""
    W = rng.random((n, n)) * (rng.random((n, n)) < 0.7)
    W[np.arange(n), (np.arange(n) + 1) % n] = 1.0
    np.fill_diagonal(W, 0.0)
    return W / W.sum(axis=1, keepdims=True)


@dataclasses.dataclass(frozen=True)
class Dense:
    """The same model with (NT, NT) matrices."""

    y: Array
    X: Array
    W: Array
    M: Array
    form: str
    lag: bool

    @property
    def columns(self) -> Columns:
        return Columns(self.y, self.X, ("Intercept", "a", "b"), (None,) * 3)

    def fit(self) -> RandomEstimate:
        return random(
            self.columns,
            weights=spectrum(self.W) if self.lag else None,
            x_weights=None,
            error_weights=spectrum(self.M),
            form=self.form,
        )

    def V(self, lam: float, phi: float) -> Array:
        R = np.linalg.inv(np.eye(N) - lam * self.M)
        ones, every = np.kron(np.ones((T, T)), np.eye(N)), np.kron(np.eye(T), R)
        if self.form == "kkp":
            return every @ (phi * ones + np.eye(N * T)) @ every.T
        return phi * ones + every @ every.T

    def loglik(self, theta: Array) -> float:
        d, (rho, lam, phi, s2) = theta[:3], theta[3:]
        S, omega = np.eye(N) - rho * self.W, s2 * self.V(lam, phi)
        e = (self.y @ S.T - self.X @ d).ravel()
        height = T * np.linalg.slogdet(S)[1] - 0.5 * np.linalg.slogdet(2 * np.pi * omega)[1]
        return float(height - 0.5 * e @ np.linalg.solve(omega, e))

    def information(self, theta: Array) -> Array:
        d, (rho, lam, phi, s2), h = theta[:3], theta[3:], 1e-6
        G = np.kron(np.eye(T), self.W @ np.linalg.inv(np.eye(N) - rho * self.W))
        V, Z = self.V(lam, phi), self.X.reshape(N * T, 3)
        P = np.linalg.inv(V)
        slopes = [
            (self.V(lam + h, phi) - self.V(lam - h, phi)) / (2 * h),
            (self.V(lam, phi + h) - self.V(lam, phi - h)) / (2 * h),
            V / s2,
        ]
        mean, info = G @ Z @ d, np.zeros((7, 7))
        info[:3, :3] = Z.T @ P @ Z / s2
        info[:3, 3] = info[3, :3] = Z.T @ P @ mean / s2
        info[3, 3] = mean @ P @ mean / s2 + np.trace(G @ G) + np.trace(G.T @ P @ G @ V)
        for i, A in enumerate(slopes, start=4):
            info[3, i] = info[i, 3] = np.trace(G @ A @ P)
            info[i, 4:] = [0.5 * np.trace(P @ A @ P @ B) for B in slopes]
        return info


@pytest.fixture
def dense(form: str, lag: bool) -> Dense:
    rng = np.random.default_rng(1)
    W, M = neighbours(rng, N), neighbours(rng, N)
    X = np.dstack([np.ones((T, N)), *rng.standard_normal((2, T, N))])
    mu, v = 1.5 * rng.standard_normal(N), rng.standard_normal((T, N))
    R = np.linalg.inv(np.eye(N) - 0.3 * M * (form != "none"))
    e = (v + mu * (form == "kkp")) @ R.T + mu * (form != "kkp")
    S = np.eye(N) - 0.4 * lag * W
    return Dense(np.linalg.solve(S, (X @ [1.0, 2.0, -1.0] + e).T).T, X, W, M, form, lag)


def theta(fit: RandomEstimate) -> Array:
    best = fit.optimum
    return np.array([*best.coefficients, best.rho, best.lam, best.phi, best.sigma2])


def free(fit: RandomEstimate) -> list[int]:
    names = ("Intercept", "a", "b", "rho", "lam", "phi", "sigma2")
    return [names.index(name) for name in fit.names]


@cases
def test_log_likelihood_is_the_dense_one(dense: Dense) -> None:
    fit = dense.fit()
    assert fit.optimum.loglik == pytest.approx(dense.loglik(theta(fit)), abs=1e-10)
    for rho, lam, phi in ((0.2, 0.1, 0.7), (-0.3, 0.4, 0.0), (0.5, -0.6, 3.0)):
        point = fit.likelihood.at(rho * dense.lag, lam * (dense.form != "none"), phi)
        at = [*point.coefficients, point.rho, point.lam, phi, point.sigma2]
        assert point.loglik == pytest.approx(dense.loglik(np.array(at)), abs=1e-10)


@cases
def test_gradient_of_the_full_likelihood_is_zero(dense: Dense) -> None:
    fit = dense.fit()
    steps = DIFFERENCE * np.eye(7)[free(fit)]
    at = theta(fit)
    slopes = [(dense.loglik(at + s) - dense.loglik(at - s)) / (2 * DIFFERENCE) for s in steps]
    np.testing.assert_allclose(slopes, 0.0, atol=1e-6)
    best = fit.optimum
    np.testing.assert_allclose(fit.likelihood.score(best.rho, best.lam, best.phi), 0.0, atol=1e-7)


@cases
def test_score_is_the_slope_of_the_concentrated_likelihood(dense: Dense) -> None:
    likelihood, h = dense.fit().likelihood, 1e-6
    on = np.array([dense.lag, dense.form != "none", True])
    for point in ((0.2, 0.1, 0.7), (-0.3, 0.4, 0.05), (0.4, -0.5, 4.0)):
        at = np.where(on, point, 0.0)
        slopes = [
            (likelihood.loglik(*(at + h * d)) - likelihood.loglik(*(at - h * d))) / (2 * h)
            for d in np.eye(3)
        ]
        np.testing.assert_allclose(likelihood.score(*at), np.where(on, slopes, 0.0), atol=1e-6)


@cases
def test_information_is_the_dense_one(dense: Dense) -> None:
    fit = dense.fit()
    kept = free(fit)
    expected = dense.information(theta(fit))[np.ix_(kept, kept)]
    np.testing.assert_allclose(random_information(fit), expected, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(
        random_covariance(fit), np.linalg.inv(expected), rtol=1e-6, atol=1e-9
    )


@cases
def test_a_dense_search_finds_no_higher_point(dense: Dense) -> None:
    fit = dense.fit()
    kept, best = free(fit), theta(fit)

    def target(values: Array) -> float:
        at = best.copy()
        at[kept] = values
        at[-2:] = np.exp(at[-2:])
        return -dense.loglik(at) if np.abs(at[3:5]).max() < 0.99 else 1e9

    start = best.copy()
    start[-2:] = np.log(best[-2:])
    for shift in (0.0, 0.2, -0.2):
        found = minimize(
            target, start[kept] + shift, method="Nelder-Mead", options={"maxiter": 4000}
        )
        assert -found.fun <= fit.optimum.loglik + 1e-8


@pytest.mark.parametrize("form", ["bsk", "kkp"])
@pytest.mark.parametrize("lag", [True])
def test_unit_effects_are_the_dense_conditional_mean(dense: Dense) -> None:
    fit, best = dense.fit(), dense.fit().optimum
    R = np.linalg.inv(np.eye(N) - best.lam * dense.M)
    loading = np.kron(np.ones((T, 1)), R if dense.form == "kkp" else np.eye(N))
    e = fit.base.disturbances.ravel()
    expected = best.phi * loading.T @ np.linalg.solve(dense.V(best.lam, best.phi), e)
    np.testing.assert_allclose(fit.unit_effects(), expected, atol=1e-10)


def test_covariance_of_moments_is_that_of_quadratic_forms() -> None:
    """cov(v'Av, v'Bv) = 2 tr(AB) for symmetric A, B and unit normal v, per unit."""
    M = neighbours(np.random.default_rng(3), 6)
    v = np.random.default_rng(4).standard_normal((400_000, 6))
    Mv = v @ M.T
    forms = np.column_stack([(v * v).sum(1), (Mv * Mv).sum(1), (v * Mv).sum(1)])
    np.testing.assert_allclose(np.cov(forms.T) / 6, moment_covariance(M), atol=0.03)


def simulated(phi: float, *, seed: int = 0, n: int = 16, correlated: float = 0.0) -> pd.DataFrame:
    rng, W = np.random.default_rng(seed), ring(n)
    x, z = rng.standard_normal((2, 8, n))
    mu = np.sqrt(phi) * rng.standard_normal(n)
    x = x + correlated * mu + 0.5 * rng.standard_normal(n)
    y = np.linalg.solve(np.eye(n) - 0.3 * W, (x - 0.5 * z + mu + rng.standard_normal((8, n))).T).T
    index = pd.MultiIndex.from_product([range(2001, 2009), range(n)], names=["year", "unit"])
    frame = pd.DataFrame({"y": y.ravel(), "x": x.ravel(), "z": z.ravel()}, index=index)
    return frame.swaplevel()


def ring(n: int) -> Array:
    W = np.zeros((n, n))
    for step in (-1, 1):
        W[np.arange(n), (np.arange(n) + step) % n] = 0.5
    return W


W16 = ce.weights.from_matrix(ring(16), range(16))


def no_unit_effects() -> pd.DataFrame:
    """Unit means taken out of y: they vary less than independent errors would."""
    panel = simulated(0.0)
    return panel.assign(y=panel["y"] - panel.groupby("unit")["y"].transform("mean"))


def test_phi_at_its_border_is_said(recwarn) -> None:
    fit = random_effects("y ~ z", no_unit_effects(), W16)
    assert fit.boundary
    assert fit.phi == 0.0
    assert np.isnan(fit.std_errors["phi"])
    assert fit.conf_int().loc["phi"].isna().all()
    assert "border optimum" in str(fit)
    pooled = ce.sar("y ~ z", no_unit_effects(), W16)
    np.testing.assert_allclose(fit.params[["Intercept", "z", "rho"]], pooled.params, atol=1e-8)
    np.testing.assert_allclose(fit.std_errors.iloc[:3], pooled.std_errors, rtol=1e-6)
    assert fit.loglik == pytest.approx(pooled.loglik, abs=1e-9)
    outcome = fit.unit_effects_test()
    assert outcome.statistic == pytest.approx(0.0, abs=1e-8)
    assert outcome.pvalue == 1.0
    assert fit.variance_components()["std_error"].isna().tolist() == [False, True, True]
    assert np.isfinite(fit.effects(draws=20).frame.to_numpy()).all()


def test_negative_phi_of_moments_is_said() -> None:
    fit = random_effects_gm("y ~ z", no_unit_effects(), W16)
    assert fit.phi < 0.0
    assert "unit means vary less" in str(fit)
    assert fit.conf_int().loc[["lam", "phi", "sigma2"]].isna().all(axis=None)


def test_likelihood_ratio_by_hand() -> None:
    panel = simulated(1.0)
    fit, pooled = random_effects("y ~ x + z", panel, W16), ce.sar("y ~ x + z", panel, W16)
    outcome = fit.unit_effects_test()
    assert outcome.statistic == pytest.approx(2 * (fit.loglik - pooled.loglik))
    assert outcome.pvalue < 1e-4


def test_components_and_their_delta_errors() -> None:
    fit = random_effects("y ~ x + z", simulated(1.0), W16)
    table = fit.variance_components()
    assert table.loc["sigma_mu2", "estimate"] == pytest.approx(fit.phi * fit.sigma2)
    V = fit.cov.loc[["phi", "sigma2"], ["phi", "sigma2"]].to_numpy()
    slope = np.array([fit.sigma2, fit.phi])
    assert table.loc["sigma_mu2", "std_error"] == pytest.approx(np.sqrt(slope @ V @ slope))
    low, high = fit.conf_int().loc["phi"]
    assert low * high == pytest.approx(fit.phi**2)


def test_mundlak_is_the_wald_of_the_means_and_sees_correlation() -> None:
    panel = simulated(1.0, correlated=1.0)
    fit = random_effects("y ~ x + z", panel, W16, durbin="all", mundlak=True)
    means = ["mean(x)", "mean(z)", "mean(W(x))", "mean(W(z))"]
    assert [term for term in fit.params.index if term.startswith("mean(")] == means
    g, V = fit.params[means].to_numpy(), fit.cov.loc[means, means].to_numpy()
    outcome = fit.mundlak_test()
    wald, left = g @ np.linalg.inv(V) @ g, 16 - 5  # four means and the constant differ by unit
    assert outcome.statistic == pytest.approx(wald * left / 16 / 4)
    assert outcome.distribution == "F(4, 11)"
    assert outcome.pvalue < 0.05
    assert random_effects("y ~ x", simulated(1.0), W16, mundlak=True).mundlak_test().pvalue > 0.05
    assert set(fit.effects(draws=5).frame.index.get_level_values("term")) == {"x", "z"}


def test_mundlak_slopes_without_spatial_terms_are_those_of_fixed_effects() -> None:
    panel = simulated(1.0, correlated=1.0)
    fit = random_effects("y ~ x + z", panel, None, lag=False, mundlak=True)
    within = ce.ols("y ~ x + z | unit", panel)
    np.testing.assert_allclose(fit.params[["x", "z"]], within.params, atol=1e-9)


def test_hausman_by_hand() -> None:
    panel = simulated(1.0, correlated=1.0, seed=1)
    fit, fixed = random_effects("y ~ x + z", panel, W16), ce.sar("y ~ x + z | unit", panel, W16)
    q = (fixed.params - fit.params)[["x", "z"]].to_numpy()
    D = (fixed.cov - fit.cov).loc[["x", "z"], ["x", "z"]].to_numpy()
    outcome = fit.hausman()
    assert outcome.statistic == pytest.approx(q @ np.linalg.solve(D, q))
    assert outcome.pvalue < 0.05
    assert "smallest eigenvalue" in outcome.note


def test_hausman_is_undefined_although_a_number_comes_out() -> None:
    """q'(V_FE - V_RE)^-1 q is 19.5, but the difference has a negative eigenvalue."""
    panel = simulated(1.0, correlated=1.0)
    fit, fixed = random_effects("y ~ x + z", panel, W16), ce.sar("y ~ x + z | unit", panel, W16)
    D = (fixed.cov - fit.cov).loc[["x", "z"], ["x", "z"]].to_numpy()
    assert np.linalg.eigvalsh(D).min() < 0.0
    assert not fit.hausman().applies
    assert random_effects("y ~ x + z", panel, W16, mundlak=True).mundlak_test().pvalue < 0.01


def test_hausman_does_not_hide_crossing_covariances(cigar) -> None:
    outcome = random_effects("logc ~ logp + logy", *cigar, error="kkp").hausman()
    assert isinstance(outcome, Outcome)
    assert not outcome.applies
    assert np.isnan(outcome.statistic)
    assert "not positive definite" in outcome.reason


def test_tests_say_why_they_do_not_apply() -> None:
    panel = simulated(1.0)
    plain = random_effects("y ~ x", panel, W16)
    assert "mundlak=True" in plain.mundlak_test().reason
    assert "Mundlak" in random_effects("y ~ x", panel, W16, mundlak=True).hausman().reason
    moments = random_effects_gm("y ~ x", panel, W16)
    assert "no likelihood" in moments.unit_effects_test().reason
    assert "efficient" in moments.hausman().reason
    fixed = panel.assign(f=panel.index.get_level_values("unit") % 3.0)
    assert "no regressor varies" in random_effects("y ~ f", fixed, W16).hausman().reason


def test_dummies_of_years_are_kept_out_of_lags_means_and_hausman() -> None:
    fit = random_effects("y ~ x + C(year)", simulated(1.0), W16, durbin="all", mundlak=True)
    others = [term for term in fit.params.index if "year" not in term]
    assert others == ["Intercept", "x", "W(x)", "mean(x)", "mean(W(x))", "rho", "phi", "sigma2"]
    assert "order 1/N" in str(fit)
    plain = random_effects("y ~ x + C(year)", simulated(1.0), W16)
    assert plain.hausman().distribution in ("chi2(1)", "")


def test_lags_in_the_formula_equal_durbin() -> None:
    panel = simulated(1.0)
    one = random_effects("y ~ x + W(x)", panel, W16)
    two = random_effects("y ~ x", panel, W16, durbin=["x"])
    np.testing.assert_allclose(one.params, two.params, atol=1e-10)
    assert one.model == two.model == "sdm"


def test_results_are_labelled_frozen_and_print() -> None:
    panel = simulated(1.0)
    fit = random_effects("y ~ x + z", panel, W16, error="bsk")
    with pytest.raises(dataclasses.FrozenInstanceError):
        fit.model = "other"
    assert fit.resids.index.names == ["unit", "year"]
    pd.testing.assert_series_equal(
        fit.fitted_values + fit.resids, panel["y"].sort_index(), check_names=False
    )
    assert fit.unit_effects().index.tolist() == list(range(16))
    assert fit.tidy().shape == (7, 7)
    assert fit.nobs == 128
    assert fit.pvalues[["phi", "sigma2"]].isna().all()
    for text in (str(fit), fit.to_latex(), fit.to_typst(), fit.to_markdown(), fit._repr_html_()):
        assert "not held fixed" in text.replace("\\", "")
    with pytest.raises(ValueError, match="level 2"):
        fit.conf_int(2.0)


def test_weak_identification_warns() -> None:
    with pytest.warns(WeakIdentificationWarning, match="weakly identified"):
        random_effects("y ~ x + z", simulated(1.0), W16, durbin="all", error="kkp")


PANEL = simulated(1.0)


@pytest.mark.parametrize(
    ("formula", "options", "error", "message"),
    [
        ("y ~ x | unit", {}, FormulaError, r"behind the bar; unit effects are random"),
        ("y ~ x | year", {}, FormulaError, r"C\(year\)"),
        ("y ~ x", {"error": "anselin"}, FormulaError, "'bsk', 'kkp' or None"),
        ("y ~ x", {"error_weights": W16}, FormulaError, "add error='bsk'"),
        ("y ~ x", {"durbin": ["q"]}, FormulaError, "durbin names q"),
        ("y ~ x + W(x)", {"durbin": "all"}, FormulaError, "named twice"),
        ("y ~ C(year)", {"mundlak": True}, FormulaError, "no regressor varies"),
        ("y ~ x + I(2 * x)", {}, IdentificationError, "linear combination"),
        ("y ~ x + I(0 * z)", {}, IdentificationError, "zero everywhere"),
        ("y ~ C(unit_name)", {}, IdentificationError, "differ between 16 units"),
    ],
)
def test_refusals(formula: str, options: dict, error: type, message: str) -> None:
    panel = PANEL.assign(unit_name=[f"u{u}" for u in PANEL.index.get_level_values("unit")])
    with pytest.raises(error, match=message):
        random_effects(formula, panel, W16, **options)


@pytest.mark.parametrize("options", [{}, {"lag": False, "error": "kkp"}, {"durbin": "all"}])
def test_spatial_terms_need_weights(options: dict) -> None:
    with pytest.raises(AlignmentError, match="without weights"):
        random_effects("y ~ x", PANEL, None, **options)


def test_moments_refuse_what_they_cannot_do() -> None:
    with pytest.raises(FormulaError, match="choose weighted, partial, initial"):
        random_effects_gm("y ~ x", PANEL, W16, moments="all")
    with pytest.raises(AlignmentError, match="need weights"):
        random_effects_gm("y ~ x", PANEL, None)


def test_a_spatial_unit_root_is_refused() -> None:
    rng, n = np.random.default_rng(2), 16
    level = np.cumsum(rng.standard_normal(8))[:, None] * 50
    index = PANEL.swaplevel().sort_index().index
    y = (level + 1e-3 * rng.standard_normal((8, n))).ravel()
    panel = pd.DataFrame({"y": y, "x": rng.standard_normal(8 * n)}, index=index).swaplevel()
    with pytest.raises(ConvergenceError, match="still rises at rho"):
        random_effects("y ~ x", panel, W16)


def two_humps() -> pd.DataFrame:
    """Slope 1 within units and -0.1 between them: either may rule, and phi follows (Maddala)."""
    rng, n, periods = np.random.default_rng(0), 10, 6
    between, within = 20.0 * rng.standard_normal(n), rng.standard_normal((periods, n))
    within -= within.mean(axis=0)
    y = within - 0.1 * between + 0.3 * rng.standard_normal((periods, n))
    index = pd.MultiIndex.from_product([range(periods), range(n)], names=["year", "unit"])
    return pd.DataFrame({"y": y.ravel(), "x": (between + within).ravel()}, index=index).swaplevel()


def test_a_second_maximum_in_phi_is_told() -> None:
    fit = random_effects("y ~ x", two_humps(), None, lag=False)
    (other,) = fit.estimate.others
    assert (fit.phi > 1000.0, other.phi, other.boundary) == (True, 0.0, True)
    assert other.loglik < fit.loglik
    nodes = [fit.estimate.likelihood.loglik(0.0, 0.0, p) for p in (0.0, 0.1, 1.0, 10.0, fit.phi)]
    assert nodes[0] == pytest.approx(other.loglik, abs=1e-9)
    assert nodes[0] > min(nodes[1:3])
    assert f"Another maximum: phi = 0.0000, log-likelihood {other.loglik:.3f}." in fit.notes()


def test_a_border_optimum_has_no_sign() -> None:
    fit = random_effects("y ~ z", no_unit_effects(), W16)
    assert not np.signbit(fit.phi)
    assert "Variance of unit effects 0," in str(fit)


def test_unit_effects_without_a_variance_are_not_predicted() -> None:
    fit = random_effects_gm("y ~ z", no_unit_effects(), W16)
    with pytest.raises(IdentificationError, match="unit effects have no variance to predict"):
        fit.unit_effects()
    assert not random_effects("y ~ z", no_unit_effects(), W16).unit_effects().any()


def test_weights_by_period_are_refused_by_name() -> None:
    path = dict.fromkeys(range(2001, 2009), W16)
    for verb in (random_effects, random_effects_gm):
        with pytest.raises(WeightsError, match="weights by period with random effects"):
            verb("y ~ x", PANEL, path)
    with pytest.raises(WeightsError, match="weights by period"):
        random_effects("y ~ x", PANEL, W16, error="bsk", error_weights=path)


def shocks(seed: int, M: Array, periods: int = 4) -> Array:
    """Spatially correlated errors with unit effects, lam = 0.9."""
    rng, n = np.random.default_rng(seed), len(M)
    e = rng.standard_normal((periods, n)) + rng.standard_normal(n)
    return np.linalg.solve(np.eye(n) - 0.9 * M, e.T).T


@pytest.mark.parametrize("moments", ["initial", "partial", "weighted"])
def test_moments_end_at_their_lowest_point_or_say_so(moments: str) -> None:
    """Among 60 drawn errors some have their least squares at an end of lam's interval."""
    M = ring(6)
    refused = 0
    for seed in range(60):
        e = shocks(seed, M)
        try:
            lam, s2, s1 = kkp._variances(e, spectrum(M), moments)
        except ConvergenceError as error:
            refused += "still fall at" in str(error)
            continue
        if moments == "initial":
            heights = [initial_height(e, M, at) for at in np.linspace(-0.99999, 0.99999, 401)]
            assert initial_height(e, M, lam) <= min(heights) + 1e-9
        assert min(s2, s1) > 0.0
    assert refused > 0


def initial_height(e: Array, M: Array, lam: float) -> float:
    """Squares of the three moments of deviations, sigma2 concentrated out; dense."""
    v = e - e.mean(axis=0)
    v = v - lam * v @ M.T
    Mv, count = v @ M.T, e.shape[1] * (len(e) - 1)
    g = np.array([(v * v).sum(), (Mv * Mv).sum(), (v * Mv).sum()]) / count
    h = np.array([1.0, np.trace(M.T @ M) / len(M), 0.0])
    return float(((g - h * (g @ h) / (h @ h)) ** 2).sum())


def equal_groups(groups: int, size: int) -> Array:
    """All units of a group are neighbours: M'M is a combination of I and M."""
    M = np.kron(np.eye(groups), np.ones((size, size))) - np.eye(groups * size)
    return M / M.sum(axis=1, keepdims=True)


def test_moments_that_repeat_each_other_count_once() -> None:
    """With equal groups the third moment is a combination of the first two; dense, without it."""
    M, (T, N) = equal_groups(4, 4), (5, 16)
    e = shocks(3, M, T)
    lam, s2, s1 = kkp._variances(e, spectrum(M), "weighted")
    _, first, first_1 = kkp._variances(e, spectrum(M), "initial")
    V = np.linalg.inv(moment_covariance(M)[:2, :2])
    parts = [(e - e.mean(axis=0), T - 1, first), (np.sqrt(T) * e.mean(axis=0)[None], 1, first_1)]

    def height(at: float) -> float:
        total = 0.0
        for part, c, scale in parts:
            v = part - at * part @ M.T
            g = np.array([(v**2).sum(), ((v @ M.T) ** 2).sum()]) / (N * c)
            h = np.array([1.0, np.trace(M.T @ M) / N])
            s = h @ V @ g / (h @ V @ h)
            total += c / scale**2 * (g - s * h) @ V @ (g - s * h)
        return float(total)

    ends = (lam - 0.1, lam + 0.1)
    found = minimize_scalar(height, bounds=ends, method="bounded", options={"xatol": 1e-10})
    assert lam == pytest.approx(found.x, abs=1e-6)
    assert min(s2, s1) > 0.0


def test_moments_with_equal_groups() -> None:
    graph = ce.weights.from_matrix(equal_groups(4, 4), range(16))
    fit = random_effects_gm("y ~ x", PANEL, graph)
    assert np.isfinite(fit.params).all()
    assert fit.lam == pytest.approx(
        random_effects("y ~ x", PANEL, graph, lag=False, error="kkp").lam, abs=0.25
    )


def test_moments_with_a_negative_variance_are_refused() -> None:
    """Moments that ask for minus one times the variance's own pattern."""
    scale = np.array([1.0, 0.5, 0.0])
    system = kkp._System(-scale, np.array([0.0, 0.0, 1.0]), np.zeros(3), scale[:, None])
    with pytest.raises(ConvergenceError, match=r"variances -1 at lam = .*, not all"):
        system.solve((-1.0, 1.0), np.eye(3))


def test_variance_between_units_alone_is_refused() -> None:
    panel = PANEL.assign(y=PANEL.index.get_level_values("unit") ** 2.0)
    tiny = 1e-7 * np.random.default_rng(0).standard_normal(len(panel))
    with pytest.raises(ConvergenceError, match="all variance between units"):
        random_effects("y ~ x", panel.assign(y=panel["y"] + tiny), None, lag=False)
