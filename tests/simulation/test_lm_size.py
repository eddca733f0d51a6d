"""Size of the tests at 16 units and 12 years, on the contiguity of the circle."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

import ccec_econ as ce
from ccec_econ.engine.estimate import Columns, Estimate, estimate
from ccec_econ.engine.spectrum import Spectrum, spectrum
from ccec_econ.engine.transform import EffectsName
from ccec_econ.inference import dependence, lm, nested
from ccec_econ.inference.vcov import Information

Array = NDArray[np.float64]
N, T = 16, 12
NOMINAL = 0.05
FOUR_ERRORS = 4.0  # distance in Monte Carlo standard errors that fails


@pytest.fixture(scope="module")
def weights() -> Spectrum:
    graph = ce.weights.contiguity()
    return spectrum(ce.weights.align(graph, graph.unique_ids))


def draw(rng: np.random.Generator, effects: EffectsName, noise: Array | None = None) -> Estimate:
    X = rng.standard_normal((T, N, 2))
    noise = rng.standard_normal((T, N)) if noise is None else noise
    return regress(X @ np.array([1.0, 0.5]) + noise, X, effects)


def regress(y: Array, X: Array, effects: EffectsName, weights: Spectrum | None = None) -> Estimate:
    K = X.shape[2]
    terms, lag_of = tuple(f"x{k}" for k in range(K)), (None,) * K
    if weights is not None:
        X = np.concatenate([X, np.einsum("ij,tjk->tik", weights.W, X)], axis=2)
        terms, lag_of = terms + tuple(f"W({t})" for t in terms), lag_of + terms
    return estimate(
        Columns(y, X, terms, lag_of),
        weights=weights,
        x_weights=weights,
        error_weights=None,
        lag_y=weights is not None,
        effects=effects,
        method="transformation",
    )


def error(draws: int) -> float:
    return (NOMINAL * (1 - NOMINAL) / draws) ** 0.5


def statistics(slopes: lm.Slopes) -> list[float]:
    each = [slopes.marginal(0), slopes.marginal(1), slopes.robust(0), slopes.robust(1)]
    return [*each, slopes.joint()]


@pytest.mark.parametrize("effects", ["unit", "twoway"])
def test_centred_tests_hold_their_size(weights: Spectrum, effects: EffectsName) -> None:
    """Monte Carlo error .004 (twoway): centred within [.035, .07], uncentred far off."""
    rng, draws = np.random.default_rng(1), 3000 if effects == "twoway" else 1000
    critical = stats.chi2.ppf(1 - NOMINAL, [1, 1, 1, 1, 2])
    centred, plain = np.zeros(5), np.zeros(5)
    for _ in range(draws):
        fit = draw(rng, effects)
        centred += statistics(lm.slopes(fit, weights, weights)) > critical
        plain += statistics(lm.slopes(lm.conventional(fit), weights, weights)) > critical
    assert (centred / draws > 0.035).all()
    assert (centred / draws < 0.07).all()
    if effects == "twoway":
        assert plain[0] / draws > 0.14  # lag
        assert plain[1] / draws > 0.2  # error
        assert plain[3] / draws > 0.11  # robust error


def test_conditional_tests_hold_their_size(weights: Spectrum) -> None:
    rng, draws, rejected = np.random.default_rng(2), 400, np.zeros(2)
    A = np.linalg.inv(np.eye(N) - 0.4 * weights.W)
    for _ in range(draws):
        X, v = rng.standard_normal((T, N, 2)), rng.standard_normal((T, N))
        mean = X @ np.array([1.0, 0.5])
        lag = lm.extend(regress((mean + v) @ A.T, X, "twoway"), weights, None).maximised()
        error_ = lm.extend(regress(mean + v @ A.T, X, "twoway"), None, weights).maximised()
        found = [
            lm.score_test(lm.extend(lag, None, weights), "lam"),
            lm.score_test(lm.extend(error_, weights, None), "rho"),
        ]
        rejected += np.array(found) > stats.chi2.ppf(1 - NOMINAL, 1)
    assert (np.abs(rejected / draws - NOMINAL) < FOUR_ERRORS * error(draws)).all()


def test_exact_error_test(weights: Spectrum) -> None:
    rng, draws, rejected = np.random.default_rng(3), 1000, 0
    for _ in range(draws):
        exceed = lm.error_exceedances(draw(rng, "twoway"), weights, 99, rng)
        rejected += (1 + exceed) / 100 <= NOMINAL
    assert abs(rejected / draws - NOMINAL) < FOUR_ERRORS * error(draws)


def test_cd_breaks_with_time_effects_and_the_others_do_not(weights: Spectrum) -> None:
    rng, draws = np.random.default_rng(4), 1000
    counts = dict.fromkeys(("cd unit", "cd twoway", "weighted", "moran", "squares"), 0)
    for _ in range(draws):
        one, two = draw(rng, "unit"), draw(rng, "twoway")
        counts["cd unit"] += dependence.pesaran_cd(one).pvalue < NOMINAL
        raw = dependence._scale(two) * dependence._above(dependence._correlations(two.residuals))
        counts["cd twoway"] += abs(float(raw.sum())) > stats.norm.ppf(1 - NOMINAL / 2)
        counts["weighted"] += dependence.weighted_cd(two, rng).pvalue < NOMINAL
        counts["moran"] += dependence.moran(two, weights.W, 99, rng).pvalue <= NOMINAL
        counts["squares"] += dependence.breusch_pagan(two, 99, rng).pvalue <= NOMINAL
    assert counts.pop("cd twoway") / draws > 0.95
    for name, count in counts.items():
        assert abs(count / draws - NOMINAL) < FOUR_ERRORS * error(draws), name


def test_serial_correlation_breaks_neither_moran_nor_breusch_pagan(weights: Spectrum) -> None:
    rng, draws, rejected = np.random.default_rng(5), 500, np.zeros(2)
    for _ in range(draws):
        noise = rng.standard_normal((T, N))
        for t in range(1, T):
            noise[t] += 0.6 * noise[t - 1]
        fit = draw(rng, "twoway", noise)
        found = (
            dependence.moran(fit, weights.W, 99, rng),
            dependence.breusch_pagan(fit, 99, rng),
        )
        rejected += np.array([o.pvalue for o in found]) <= NOMINAL
    assert (np.abs(rejected / draws - NOMINAL) < FOUR_ERRORS * error(draws)).all()


@pytest.mark.slow
def test_bootstrap_ratio_holds_where_wald_does_not(weights: Spectrum) -> None:
    """SDM of five regressors against SAR: Wald about .11, ratio .08, bootstrap .05."""
    rng, draws, K, rejected = np.random.default_rng(11), 200, 5, np.zeros(3)
    A, critical = np.linalg.inv(np.eye(N) - 0.4 * weights.W), stats.chi2.ppf(0.95, K)
    for _ in range(draws):
        X = np.cumsum(rng.standard_normal((T, N, K)), axis=0)
        y = (X.sum(axis=2) / 2 + rng.standard_normal((T, N))) @ A.T
        fit = regress(y, X, "twoway", weights)
        small = nested.restrict(fit, fit.terms[:K], lag_y=True, lag_u=False)
        g = fit.optimum.coefficients[K:]
        wald = nested.wald(g, np.eye(2 * K + 1)[K : 2 * K], Information()(fit))
        exceed, _ = nested.bootstrap_ratio(small, fit, 99, rng)
        ratio = nested.ratio(small, fit)
        rejected += [wald > critical, ratio > critical, (1 + exceed) / 100 <= NOMINAL]
    assert rejected[0] / draws > 0.07
    assert abs(rejected[2] / draws - NOMINAL) < FOUR_ERRORS * error(draws)
