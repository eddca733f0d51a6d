"""Tests against dense brute force in the transformed space, and their invariances."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

import ccec_econ as ce
from ccec_econ.engine.spectrum import Spectrum, spectrum
from ccec_econ.engine.transform import helmert
from ccec_econ.inference import lm, nested
from ccec_econ.models.nesting import common_factor, lr_test, nested_tests, wald_test
from ccec_econ.models.specification import dependence_tests, lm_tests, moran_by_period
from ccec_econ.models.unit_means import mundlak
from simulated import simulate

EFFECTS = {"none": "", "unit": " | unit", "time": " | year", "twoway": " | unit + year"}
SAME = 1e-8  # statistics of order one, relative: two routes through the same linear algebra
ROOT = 1e-6  # conditional tests stand on a root of the score found by two searches
cases = settings(max_examples=15, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)
kinds = st.sampled_from(list(EFFECTS))


def drawn(seed: int) -> tuple[pd.DataFrame, np.ndarray, ce.weights.Graph]:
    rng = np.random.default_rng(seed)
    N, T = int(rng.integers(8, 13)), int(rng.integers(5, 9))
    M = rng.random((N, N)) * (rng.random((N, N)) < 0.5)
    M[np.arange(N), (np.arange(N) + 1) % N] = 1.0
    np.fill_diagonal(M, 0.0)
    W = M / M.sum(axis=1, keepdims=True)
    panel = simulate(rng, W, T, 0.2, np.array([1.0, -0.5]), np.array([0.3, 0.2]))
    return panel, W, ce.weights.from_matrix(W, range(N))


def fitted(model: str, kind: str, panel: pd.DataFrame, graph, **options):
    arguments = [f"y ~ x0 + x1{EFFECTS[kind]}", panel] + ([] if model == "ols" else [graph])
    try:
        return getattr(ce, model)(*arguments, **options)
    except ce.errors.ConvergenceError:  # a drawn panel may fit a unit root: refused, tested apart
        reject()


class Dense:
    """Helmert-transformed data and F'WF, everything written out."""

    def __init__(self, fit, W: np.ndarray, kind: str) -> None:
        T, N = fit.estimate.y.shape
        F_t = helmert(T) if kind in ("unit", "twoway") else np.eye(T)
        F_n = helmert(N) if kind in ("time", "twoway") else np.eye(N)
        self.star, self.periods = F_n.T @ W @ F_n, F_t.shape[1]
        columns = np.concatenate(self.columns(fit, W), axis=2)
        self.X = np.einsum("ts,tnk,nm->smk", F_t, columns, F_n).reshape(-1, columns.shape[2])
        self.y = (F_t.T @ fit.design.y @ F_n).ravel()
        self.all = np.kron(np.eye(self.periods), self.star)

    @staticmethod
    def columns(fit, W: np.ndarray) -> list[np.ndarray]:
        lagged = any(term is not None for term in fit.estimate.lag_of)
        X = fit.design.X
        return [X, np.einsum("ij,tjk->tik", W, X[..., -2:])] if lagged else [X]

    def information(self, rho: float, lam: float, d: np.ndarray, s2: float) -> np.ndarray:
        """Expected information in (d, rho, lam, sigma2) by matrices of all observations."""
        eye = np.eye(len(self.y))
        R, S = eye - lam * self.all, eye - rho * self.all
        G = R @ self.all @ np.linalg.inv(S) @ np.linalg.inv(R)
        H = self.all @ np.linalg.inv(R)
        Z, K = R @ self.X, len(d)
        info = np.zeros((K + 3, K + 3))
        info[:K, :K] = Z.T @ Z / s2
        info[:K, K] = info[K, :K] = Z.T @ G @ Z @ d / s2
        for a, A in enumerate((G, H)):
            for b, B in enumerate((G, H)):
                info[K + a, K + b] = np.trace(A @ B + A.T @ B)
            info[K + a, -1] = info[-1, K + a] = np.trace(A) / s2
        info[K, K] += ((G @ Z @ d) ** 2).sum() / s2
        info[-1, -1] = len(self.y) / (2 * s2**2)
        return info

    def score(self, rho: float, lam: float, d: np.ndarray, s2: float) -> np.ndarray:
        eye = np.eye(len(self.y))
        R, S = eye - lam * self.all, eye - rho * self.all
        u = S @ self.y - self.X @ d
        v = R @ u
        by_rho = v @ R @ self.all @ self.y / s2 - np.trace(self.all @ np.linalg.inv(S))
        by_lam = v @ self.all @ u / s2 - np.trace(self.all @ np.linalg.inv(R))
        return np.array([by_rho, by_lam])


@cases
@given(seeds, st.sampled_from(["ols", "slx"]), kinds)
def test_lm_statistics_by_their_closed_forms(seed: int, model: str, kind: str) -> None:
    panel, W, graph = drawn(seed)
    fit = fitted(model, kind, panel, graph)
    dense = Dense(fit, W, kind)
    b = np.linalg.lstsq(dense.X, dense.y, rcond=None)[0]
    e, m, tau = dense.y - dense.X @ b, len(dense.star), dense.periods
    s2, t = e @ e / len(e), np.trace(dense.star)
    hat = dense.X @ np.linalg.pinv(dense.X)
    WZb = dense.all @ dense.X @ b
    d_lag, d_err = e @ dense.all @ dense.y / s2 - tau * t, e @ dense.all @ e / s2 - tau * t
    C = tau * np.trace(dense.star.T @ dense.star + dense.star @ dense.star) - 2 * tau * t**2 / m
    J = ((WZb - hat @ WZb) ** 2).sum() / s2 + C
    expected = {
        "LM lag": d_lag**2 / J,
        "LM error": d_err**2 / C,
        "Robust LM lag": (d_lag - d_err) ** 2 / (J - C),
        "Robust LM error": (d_err - C / J * d_lag) ** 2 / (C * (1 - C / J)),
    }
    found = lm_tests(fit, graph, draws=19)
    for name, value in expected.items():
        assert found[name].statistic == pytest.approx(value, rel=SAME, abs=SAME)
    total = expected["LM error"] + expected["Robust LM lag"]
    assert found["LM joint"].statistic == pytest.approx(total, rel=SAME)


@cases
@given(seeds, st.sampled_from(["sar", "sem", "sdm", "sdem"]), kinds)
def test_conditional_statistics_by_dense_information(seed: int, model: str, kind: str) -> None:
    panel, W, graph = drawn(seed)
    fit = fitted(model, kind, panel, graph)
    dense, best = Dense(fit, W, kind), fit.estimate.optimum
    at = (best.rho, best.lam, best.coefficients, best.sigma2)
    j = 1 if model in ("sar", "sdm") else 0
    K = len(best.coefficients)
    inverse = np.linalg.inv(dense.information(*at))
    score = dense.score(*at)
    assert score[1 - j] == pytest.approx(0.0, abs=1e-5)
    name = "LM error | lag" if j else "LM lag | error"
    expected = score[j] ** 2 * inverse[K + j, K + j]
    assert lm_tests(fit)[name].statistic == pytest.approx(expected, rel=ROOT, abs=ROOT)


@cases
@given(seeds, kinds)
def test_conditional_tests_after_least_squares_are_those_after_the_fit(
    seed: int, kind: str
) -> None:
    panel, _, graph = drawn(seed)
    found = lm_tests(fitted("ols", kind, panel, graph), graph, draws=19)
    for model, name in (("sar", "LM error | lag"), ("sem", "LM lag | error")):
        after = lm_tests(fitted(model, kind, panel, graph))[name]
        assert found[name].statistic == pytest.approx(after.statistic, rel=ROOT, abs=ROOT)


@cases
@given(seeds, kinds)
def test_debarsy_ertur_form_without_time_effects(seed: int, kind: str) -> None:
    """LM error | lag = d^2 / (T_22 - T_21A^2 Var(rho)), where tr W = 0."""
    if kind in ("time", "twoway"):
        kind = "unit"
    panel, W, graph = drawn(seed)
    fit = fitted("sar", kind, panel, graph)
    tau, v = fit.estimate.reduction.periods, fit.estimate.residuals
    G = W @ np.linalg.inv(np.eye(len(W)) - fit.rho * W)
    d = (v * (v @ W.T)).sum() / fit.sigma2
    cross = tau * np.trace(W @ G + W.T @ G)
    V = tau * np.trace(W @ W + W.T @ W) - cross**2 * fit.cov.loc["rho", "rho"]
    found = lm_tests(fit)["LM error | lag"].statistic
    assert found == pytest.approx(d**2 / V, rel=SAME, abs=SAME)


def outcomes(fit, graph) -> dict[str, float]:
    found = [*lm_tests(fit, graph, draws=19), *dependence_tests(fit, graph, draws=19)]
    return {o.name: o.statistic for o in found if o.applies and o.name != "Weighted CD"}


@cases
@given(seeds, st.sampled_from(["ols", "slx", "sar", "sem"]), kinds)
def test_relabelling_and_units_of_measurement_do_not_matter(
    seed: int, model: str, kind: str
) -> None:
    panel, W, graph = drawn(seed)
    names = np.random.default_rng(seed).permutation(len(W))
    turned = panel.reset_index().assign(unit=lambda frame: names[frame["unit"]])
    turned = turned.assign(y=1000 * turned["y"], x0=turned["x0"] / 30).set_index(["unit", "year"])
    relabelled = ce.weights.from_matrix(W, names)
    one = outcomes(fitted(model, kind, panel, graph), graph)
    two = outcomes(fitted(model, kind, turned, relabelled), relabelled)
    for name, value in one.items():
        assert two[name] == pytest.approx(value, rel=ROOT, abs=ROOT)


@cases
@given(seeds, st.sampled_from(["ols", "slx", "sdm"]))
def test_unit_and_time_constants_do_not_matter(seed: int, model: str) -> None:
    panel, W, graph = drawn(seed)
    rng = np.random.default_rng(seed)
    unit = panel.index.get_level_values(0).map(dict(enumerate(10 * rng.standard_normal(len(W)))))
    time = panel.index.get_level_values(1).map(dict(enumerate(10 * rng.standard_normal(20))))
    moved = panel.assign(y=panel["y"] + unit + time, x0=panel["x0"] - unit + 2 * time)
    one = fitted(model, "twoway", panel, graph)
    two = fitted(model, "twoway", moved, graph)
    for name, value in outcomes(one, graph).items():
        assert outcomes(two, graph)[name] == pytest.approx(value, rel=ROOT, abs=ROOT)
    if model == "sdm":
        for a, b in zip(nested_tests(one), nested_tests(two), strict=True):
            assert b.statistic == pytest.approx(a.statistic, rel=ROOT, abs=ROOT)


@cases
@given(seeds, kinds)
def test_restrictions_of_an_sdm_are_the_models_themselves(seed: int, kind: str) -> None:
    panel, _, graph = drawn(seed)
    sdm, found = fitted("sdm", kind, panel, graph), None
    names = {"sar": "SAR", "slx": "SLX", "sem": "common factor"}
    others = {model: fitted(model, kind, panel, graph) for model in names}
    found = nested_tests(sdm)
    for model, name in names.items():
        test = found[f"Likelihood ratio, {name}"]
        assert test.statistic == pytest.approx(
            2 * (sdm.loglik - others[model].loglik), rel=ROOT, abs=ROOT
        )
        direct = lr_test(others[model], sdm)
        assert direct.statistic == pytest.approx(test.statistic, rel=ROOT, abs=ROOT)
        assert direct.distribution == test.distribution
    z = (sdm.params["rho"] / sdm.std_errors["rho"]) ** 2
    assert found["Wald, SLX"].statistic == pytest.approx(z, rel=SAME)


@cases
@given(seeds)
def test_wald_slope_of_the_common_factor_by_finite_differences(seed: int) -> None:
    panel, _, graph = drawn(seed)
    fit, step = fitted("sdm", "twoway", panel, graph), 1e-6
    theta = fit.params.to_numpy()

    def g(p: np.ndarray) -> np.ndarray:
        return p[2:4] + p[4] * p[:2]

    slope = np.column_stack(
        [(g(theta + step * e) - g(theta - step * e)) / (2 * step) for e in np.eye(5)]
    )
    V = slope @ fit.cov.to_numpy() @ slope.T
    expected = g(theta) @ np.linalg.solve(V, g(theta))
    found = common_factor(fit)["Wald, common factor"]
    assert found.statistic == pytest.approx(expected, rel=1e-6)
    clustered = common_factor(fit.with_cov(ce.Cluster()))["Wald, common factor"]
    assert clustered.distribution == f"F(2, {len(fit.panel.units) - 1})"


@cases
@given(seeds, st.sampled_from(["sdm", "sem", "sac"]), st.sampled_from(["unit", "twoway"]))
def test_refit_to_the_same_response_is_the_fit(seed: int, model: str, kind: str) -> None:
    panel, _, graph = drawn(seed)
    one = fitted(model, kind, panel, graph).estimate
    again = nested.with_response(one, one.y)
    assert again.optimum.loglik == pytest.approx(one.optimum.loglik, abs=1e-9)
    twice = nested.with_response(one, 3.0 * one.y)
    assert twice.optimum.rho == pytest.approx(one.optimum.rho, abs=1e-7)


@cases
@given(seeds)
def test_wald_of_one_term_is_its_squared_ratio(seed: int) -> None:
    panel, _, graph = drawn(seed)
    fit = fitted("slx", "unit", panel, graph)
    found = wald_test(fit, ["x1"])
    assert found.statistic == pytest.approx(float(fit.tstats["x1"]) ** 2, rel=SAME)
    assert found.pvalue == pytest.approx(float(fit.pvalues["x1"]), rel=1e-6, abs=1e-12)


@cases
@given(seeds)
def test_moran_by_period_is_the_quadratic_form(seed: int) -> None:
    panel, W, graph = drawn(seed)
    fit = fitted("ols", "unit", panel, graph)
    found = moran_by_period(fit, graph, draws=19)
    e = fit.estimate.residuals[2]
    e = e - e.mean()
    assert found["moran"].iloc[2] == pytest.approx(len(W) / W.sum() * e @ W @ e / (e @ e))


@cases
@given(seeds)
def test_mundlak_compares_between_and_within(seed: int) -> None:
    """With one regressor: t^2 of between less within slope, variances added."""
    panel, _, _ = drawn(seed)
    fit = ce.ols("y ~ x0 | unit", panel)
    means = panel.groupby(level=0)[["y", "x0"]].mean()
    x, y = (means[c].to_numpy() - means[c].mean() for c in ("x0", "y"))
    between, N = x @ y / (x @ x), len(means)
    g = between - fit.params["x0"]
    s2 = ((y - between * x) ** 2).sum() / (N - 2)
    expected = g**2 / (s2 / (x @ x) + fit.cov.iloc[0, 0])
    found = mundlak(fit)
    assert found.statistic == pytest.approx(expected, rel=SAME)
    assert found.distribution == f"F(1, {N - 2})"


@cases
@given(seeds, st.sampled_from(["unit", "twoway"]))
def test_lagging_demeaned_columns_is_demeaning_lags(seed: int, kind: str) -> None:
    panel, W, graph = drawn(seed)
    fit, sar = (fitted(model, kind, panel, graph).estimate for model in ("ols", "sar"))
    own: Spectrum = spectrum(W)
    np.testing.assert_allclose(lm.extend(fit, own, None).Wy, sar.Wy, atol=1e-12)
