"""Size and coverage of the robust covariances at the size of the circle: 16 units, 12 years."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

import ccec_econ as ce
from ccec_econ.engine.dynamic import TimeLags, corrected, estimate_dynamic
from ccec_econ.engine.estimate import Columns, Estimate, estimate
from ccec_econ.engine.random import random
from ccec_econ.engine.spectrum import Spectrum, spectrum
from ccec_econ.errors import CcecError
from ccec_econ.inference.random_vcov import random_vcov

N, T, BURN = 16, 12, 20
FOUR_ERRORS = 4.0  # Monte Carlo standard errors from the claim that fail
Array = NDArray[np.float64]


@pytest.fixture(scope="module")
def weights() -> Spectrum:
    graph = ce.weights.contiguity()
    return spectrum(ce.weights.align(graph, graph.unique_ids))


def dependent(rng: np.random.Generator, W: Array, serial: float, spatial: float) -> Array:
    """Errors with spatial and serial autoregression, shape (T, N)."""
    shocks = np.linalg.solve(np.eye(N) - spatial * W, rng.standard_normal((N, T + BURN))).T
    for t in range(1, T + BURN):
        shocks[t] += serial * shocks[t - 1]
    return shocks[BURN:]


def regression(y: Array, x: Array) -> Estimate:
    return estimate(
        Columns(y, x[:, :, None], ("x",), (None,)),
        weights=None,
        x_weights=None,
        error_weights=None,
        lag_y=False,
        effects="twoway",
        method="transformation",
    )


def rejections(W: Array, draws: int, *, dummy: bool) -> dict[str, float]:
    """Share of true nulls rejected at 5 %."""
    distances = ce.weights.distances()
    covs = {
        "information": ce.Information(),
        "CR1": ce.Cluster(),
        "CR2": ce.Cluster(kind="CR2"),
        "Conley": ce.Conley(distances, 150.0, lags=2).bind(distances.index),
    }
    rng, count = np.random.default_rng(5), dict.fromkeys(covs, 0)
    for _ in range(draws):
        e = dependent(rng, W, 0.5, 0.4)
        if dummy:
            start = rng.integers(2, T + 4, N)
            x = (np.arange(T)[:, None] >= start).astype(float)
        else:
            x = dependent(rng, W, 0.7, 0.4)
        fit = regression(e, x)
        for name, cov in covs.items():
            vcov = cov(fit)
            t = fit.optimum.coefficients[0] / np.sqrt(vcov.matrix[0, 0])
            count[name] += 2 * stats.t.sf(abs(t), float(vcov.degrees([1.0]))) < 0.05
    return {name: value / draws for name, value in count.items()}


def test_clusters_hold_their_size_where_conley_does_not(weights: Spectrum) -> None:
    """A staggered dummy, errors dependent in space and time."""
    draws = 300
    share = rejections(weights.W, draws, dummy=True)
    slack = FOUR_ERRORS * (0.05 * 0.95 / draws) ** 0.5
    assert share["CR2"] < 0.05 + slack
    assert share["CR2"] <= share["CR1"]
    assert share["Conley"] > share["CR1"] + 0.03
    assert abs(share["Conley"] - 0.145) < FOUR_ERRORS * (0.145 * 0.855 / draws) ** 0.5


@pytest.mark.slow
def test_what_the_docstrings_say(weights: Spectrum) -> None:
    draws, said = 1000, {"Conley": (0.145, 0.202), "CR1": (0.06, 0.09), "CR2": (0.05, 0.07)}
    for i, dummy in enumerate((True, False)):
        share = rejections(weights.W, draws, dummy=dummy)
        for name, values in said.items():
            error = (values[i] * (1 - values[i]) / draws) ** 0.5
            assert abs(share[name] - values[i]) < FOUR_ERRORS * error, (name, dummy)


def test_random_effects_with_serial_correlation(weights: Spectrum) -> None:
    """SAR with random effects, v an AR(1) with .6: clusters match the spread of slope and rho."""
    draws, rng = 100, np.random.default_rng(3)
    found: list[list[float]] = []
    errors: dict[str, list[Array]] = {"information": [], "cluster": []}
    covs = {"information": ce.Information(), "cluster": ce.Cluster()}
    for _ in range(draws):
        v = 0.8 * dependent(rng, weights.W, 0.6, 0.0)
        x = dependent(rng, weights.W, 0.6, 0.0)
        mean = 1.0 + x + rng.standard_normal(N) + v
        X = np.dstack([np.ones((T, N)), x])
        y = np.linalg.solve(np.eye(N) - 0.3 * weights.W, mean.T).T
        columns = Columns(y, X, ("Intercept", "x"), (None, None))
        try:
            fit = random(columns, weights=weights, x_weights=None, error_weights=None, form="none")
        except CcecError:
            continue
        found.append([fit.optimum.coefficients[1], fit.optimum.rho])
        for name, cov in covs.items():
            errors[name].append(np.sqrt(np.diag(random_vcov(fit, cov).matrix))[1:3])
    assert len(found) > 0.98 * draws
    spread = np.std(found, axis=0)
    for name, low, high in (("information", 0.55, 0.87), ("cluster", 0.77, 1.12)):
        ratio = np.mean(errors[name], axis=0) / spread
        assert ((ratio > low) & (ratio < high)).all(), (name, ratio)


def test_skewed_effects_and_errors_widen_the_variances(weights: Spectrum) -> None:
    """Quasi-ML: the error of sigma2 doubles with exponential v; that of the slope does not move."""
    draws, rng = 60, np.random.default_rng(4)
    found, ratio, errors = [], [], []
    for _ in range(draws):
        v, mu = rng.exponential(size=(T, N)) - 1.0, rng.exponential(size=N) - 1.0
        x = rng.standard_normal((T, N))
        X = np.dstack([np.ones((T, N)), x])
        R = np.eye(N) - 0.3 * weights.W
        y = 1.0 + x + np.linalg.solve(R, (mu + v).T).T
        columns = Columns(y, X, ("Intercept", "x"), (None, None))
        fit = random(columns, weights=None, x_weights=None, error_weights=weights, form="kkp")
        plain, quasi = (
            np.sqrt(np.diag(random_vcov(fit, cov).matrix))
            for cov in (ce.Information(), ce.QuasiML())
        )
        found.append(fit.optimum.sigma2)
        ratio.append(quasi[1] / plain[1])
        errors.append([plain[-1], quasi[-1]])
    np.testing.assert_allclose(ratio, 1.0, atol=0.01)
    plain_error, quasi_error = np.mean(errors, axis=0) / np.std(found)
    assert plain_error < 0.65
    assert 0.7 < quasi_error < 1.3


def test_dynamic_intervals_after_the_correction(weights: Spectrum) -> None:
    """95 % intervals of tau, slope and rho at tau = .4, units of unequal variance."""
    draws, rng, lags, W = 150, np.random.default_rng(9), TimeLags(0, None), weights.W
    S = np.linalg.inv(np.eye(N) - 0.3 * W)
    truth, scale = np.array([0.4, 1.0, 0.3]), np.sqrt(np.linspace(0.4, 1.6, N))
    hits = np.zeros((2, 3))
    covs = (ce.QuasiML(), ce.Cluster())
    for _ in range(draws):
        x = rng.standard_normal((T + BURN, N))
        drive = (x + rng.standard_normal(N) + scale * rng.standard_normal(x.shape)) @ S.T
        y = drive.copy()
        for t in range(1, len(y)):
            y[t] += 0.4 * y[t - 1] @ S.T
        X = np.dstack([y[BURN - 1 : -1], x[BURN:]])
        columns = Columns(y[BURN:], X, ("L(y)", "x"), (None, None))
        quasi = estimate_dynamic(columns, weights=weights, x_weights=None, effects="twoway")
        fit = corrected(quasi, lags)
        theta = np.append(fit.optimum.coefficients, fit.optimum.rho)
        for i, cov in enumerate(covs):
            vcov = cov(fit)
            reach = stats.t.ppf(0.975, vcov.df or np.inf) * np.sqrt(np.diag(vcov.matrix)[:3])
            hits[i] += np.abs(theta - truth) < reach
    slack = FOUR_ERRORS * (0.95 * 0.05 / draws) ** 0.5  # 0.07 at 150 draws
    np.testing.assert_array_less(np.abs(hits / draws - 0.95), slack)
