"""Monte Carlo of random effects at 16 units: coverage, moments, Mundlak against Hausman."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

import ccec_econ as ce
from ccec_econ.engine.estimate import Columns
from ccec_econ.engine.kkp import kkp
from ccec_econ.engine.random import RandomEstimate, random, random_covariance
from ccec_econ.engine.spectrum import Spectrum, spectrum
from ccec_econ.inference.random_tests import hausman, mundlak
from ccec_econ.inference.vcov import Vcov

Array = NDArray[np.float64]
N, T, DRAWS = 16, 10, 300
FOUR_ERRORS = 4.0  # Monte Carlo standard errors from the truth that fail
BETA = np.array([1.0, 1.0])
RHO, LAM, PHI = 0.3, 0.3, 1.0


@pytest.fixture(scope="module")
def weights() -> Spectrum:
    graph = ce.weights.contiguity()
    return spectrum(ce.weights.align(graph, graph.unique_ids))


def draw(
    rng: np.random.Generator, W: Array, *, form: str, rho: float, correlated: float = 0.0
) -> Columns:
    mu = np.sqrt(PHI) * rng.standard_normal(N)
    x = rng.standard_normal((T, N)) + 0.5 * rng.standard_normal(N) + correlated * mu
    R, v = np.eye(N) - LAM * W * (form != "none"), rng.standard_normal((T, N))
    e = np.linalg.solve(R, v.T).T + mu if form == "bsk" else np.linalg.solve(R, (mu + v).T).T
    X = np.dstack([np.ones((T, N)), x])
    y = np.linalg.solve(np.eye(N) - rho * W, (X @ BETA + e).T).T
    return Columns(y, X, ("Intercept", "x"), (None, None))


def estimated(columns: Columns, W: Spectrum, form: str, *, lag: bool) -> RandomEstimate:
    return random(columns, weights=W if lag else None, x_weights=None, error_weights=W, form=form)


def test_full_information_covers_where_conditional_errors_do_not(weights: Spectrum) -> None:
    """95 % intervals; with rho held fixed the intercept's hold the truth far too seldom."""
    rng = np.random.default_rng(20070101)
    truth = np.array([*BETA, RHO])
    full, conditional = np.zeros(3), np.zeros(2)
    for _ in range(DRAWS):
        fit = estimated(draw(rng, weights.W, form="none", rho=RHO), weights, "none", lag=True)
        error = np.sqrt(np.diag(random_covariance(fit)))[:3]
        best = fit.optimum
        off = np.abs(np.array([*best.coefficients, best.rho]) - truth)
        full += off < 1.96 * error
        R = fit.likelihood.moments(best.lam, best.phi).R
        given = np.sqrt(best.sigma2 * np.diag(np.linalg.inv(R.T @ R)))
        conditional += off[:2] < 1.96 * given
    slack = FOUR_ERRORS * (0.95 * 0.05 / DRAWS) ** 0.5  # 0.05 at 300 draws
    np.testing.assert_array_less(np.abs(full / DRAWS - 0.95), slack)
    assert conditional[0] < full[0] - 0.01 * DRAWS


@pytest.mark.parametrize("form", ["bsk", "kkp"])
def test_error_of_lam_matches_its_spread(weights: Spectrum, form: str) -> None:
    draws = 80
    rng, found, errors = np.random.default_rng(3), [], []
    for _ in range(draws):
        columns = draw(rng, weights.W, form=form, rho=0.0)
        fit = estimated(columns, weights, form, lag=False)
        found.append(fit.optimum.lam)
        errors.append(np.sqrt(random_covariance(fit)[2, 2]))
    assert abs(np.mean(found) - LAM) < FOUR_ERRORS * np.std(found) / draws**0.5 + 0.02
    assert 0.75 < np.mean(errors) / np.std(found) < 1.25


@pytest.mark.parametrize("moments", ["initial", "partial", "weighted"])
def test_moments_find_the_truth(weights: Spectrum, moments: str) -> None:
    rng, found = np.random.default_rng(4), []
    for _ in range(DRAWS):
        columns = draw(rng, weights.W, form="kkp", rho=0.0)
        best = kkp(columns, weights, None, moments).optimum
        found.append([*best.coefficients, best.lam, best.sigma2, best.sigma2 * best.phi])
    off = np.mean(found, axis=0) - np.array([*BETA, LAM, 1.0, PHI])
    error = np.std(found, axis=0) / DRAWS**0.5
    small = np.array([0.0, 0.0, 0.05, 0.05, 0.1])  # bias of order 1/N in lam and the variances
    np.testing.assert_array_less(np.abs(off), FOUR_ERRORS * error + small)


def test_mundlak_holds_its_size_and_speaks_where_hausman_cannot(weights: Spectrum) -> None:
    """With x tied to mu, V_FE - V_RE is often indefinite; the means still reject."""
    rng, draws = np.random.default_rng(5), 100
    rejected, undefined = {0.0: 0, 1.0: 0}, {0.0: 0, 1.0: 0}
    for correlated in rejected:
        for _ in range(draws):
            columns = with_another(rng, weights.W, correlated)
            plain = estimated(columns, weights, "none", lag=True)
            tested = hausman(plain, Vcov(random_covariance(plain), None, ""))
            undefined[correlated] += not tested.applies
            means = np.broadcast_to(columns.X[:, :, 1:].mean(axis=0), (T, N, 2))
            X = np.concatenate([columns.X, means], axis=2)
            wider = Columns(columns.y, X, (*columns.terms, "mean(x)", "mean(z)"), (None,) * 5)
            fit = estimated(wider, weights, "none", lag=True)
            test = mundlak(fit, Vcov(random_covariance(fit), None, ""))
            rejected[correlated] += test.pvalue < 0.05
    assert rejected[0.0] / draws < 0.05 + FOUR_ERRORS * (0.05 * 0.95 / draws) ** 0.5
    assert rejected[1.0] / draws > 0.8
    assert undefined[1.0] > undefined[0.0] + 10


def with_another(rng: np.random.Generator, W: Array, correlated: float) -> Columns:
    """A draw with a second regressor, z, that has no effect."""
    columns = draw(rng, W, form="none", rho=RHO, correlated=correlated)
    X = np.dstack([columns.X, rng.standard_normal((T, N))])
    return Columns(columns.y, X, ("Intercept", "x", "z"), (None,) * 3)
