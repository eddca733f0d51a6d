"""Wild cluster bootstrap: against refits of every sign vector, and as an inverted test."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy import stats

import ccec_econ as ce
from ccec_econ.engine.estimate import Columns, Estimate, estimate
from ccec_econ.errors import FormulaError, IdentificationError
from ccec_econ.inference import wild
from ccec_econ.models.resampling import wild_cluster
from simulated import simulate

EFFECTS = {"none": "", "unit": " | unit", "time": " | year", "twoway": " | unit + year"}


@pytest.fixture(scope="module")
def small():
    """Six units, five periods: 64 sign vectors."""
    W = np.roll(np.eye(6), 1, axis=1)
    panel = simulate(np.random.default_rng(4), W, 5, 0.0, np.array([0.4, -0.5]), np.zeros(2))
    return panel, ce.weights.from_matrix(W, range(6))


def fit_again(fit: Estimate, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    again = estimate(
        Columns(y, fit.Z, fit.terms, fit.lag_of),
        weights=None,
        x_weights=fit.x_weights,
        error_weights=None,
        lag_y=False,
        effects=fit.effects,
        method=fit.method,
    )
    K = len(fit.terms)
    return again.optimum.coefficients, ce.Cluster()(again).matrix[:K, :K]


def brute_force(fit: Estimate, c: np.ndarray, null: float) -> tuple[float, np.ndarray]:
    """t of the data and of panels built from restricted residuals with the signs of units."""
    T, N, K = fit.Z.shape
    Z, y = fit.Z.reshape(T * N, K), fit.y.ravel()
    inverse = np.linalg.inv(Z.T @ Z)
    b = inverse @ Z.T @ y
    restricted = b - inverse @ c * (c @ b - null) / (c @ inverse @ c)
    residual = (y - Z @ restricted).reshape(T, N)
    fitted = (Z @ restricted).reshape(T, N)
    drawn = []
    for signs in product((1.0, -1.0), repeat=N):
        d, V = fit_again(fit, fitted + residual * np.array(signs))
        drawn.append((c @ d - null) / np.sqrt(c @ V @ c))
    d, V = fit_again(fit, fit.y)
    return (c @ d - null) / np.sqrt(c @ V @ c), np.array(drawn)


@pytest.mark.parametrize("kind", EFFECTS)
@pytest.mark.parametrize("null", [0.0, 0.3])
def test_every_sign_vector_refitted(small, kind: str, null: float) -> None:
    panel, _ = small
    fit = ce.ols(f"y ~ x0 + x1{EFFECTS[kind]}", panel).estimate
    t, drawn = brute_force(fit, np.array([name == "x0" for name in fit.terms]) * 1.0, null)
    found = wild.wild_cluster(fit, "x0", null=null, rng=np.random.default_rng(0))
    assert (found.enumerated, found.draws) == (True, 64)
    assert found.statistic == pytest.approx(t, rel=1e-9)
    assert found.pvalue == np.mean(np.abs(drawn) >= abs(t) * (1 - 1e-9))
    tails = min(np.mean(drawn <= t + 1e-9), np.mean(drawn >= t - 1e-9))
    assert found.pvalue_equal_tail == min(1.0, 2 * tails)


def test_a_combination_of_coefficients(small) -> None:
    panel, graph = small
    fit = ce.slx("y ~ x0 | unit + year", panel, graph).estimate
    t, drawn = brute_force(fit, np.ones(2), 0.0)
    found = wild.wild_cluster(fit, {"x0": 1.0, "W(x0)": 1.0}, rng=np.random.default_rng(0))
    assert found.name == "x0 + W(x0)"
    assert found.statistic == pytest.approx(t, rel=1e-9)
    assert found.pvalue == np.mean(np.abs(drawn) >= abs(t) * (1 - 1e-9))


def test_a_family_steps_down_over_refits_of_every_sign_vector(small) -> None:
    """The larger of the two statistics is held against the larger of both in each refit."""
    panel, graph = small
    fit = ce.slx("y ~ x0 | unit + year", panel, graph).estimate
    each = [brute_force(fit, c, 0.2) for c in np.eye(2)]
    t = np.abs([found[0] for found in each])
    drawn = np.abs([found[1] for found in each]) / (1 - 1e-9)
    first = int(t.argmax())
    expected = np.empty(2)
    expected[first] = np.mean(drawn.max(axis=0) >= t[first])
    expected[1 - first] = max(expected[first], np.mean(drawn[1 - first] >= t[1 - first]))
    tests, joint = wild.wild_family(fit, ["x0", "W(x0)"], null=0.2, rng=np.random.default_rng(0))
    np.testing.assert_allclose(joint, expected, rtol=1e-12)
    assert expected[first] > tests[first].pvalue  # else the joint step tests nothing
    for name, found in zip(["x0", "W(x0)"], tests, strict=True):
        assert found == wild.wild_cluster(fit, name, null=0.2, rng=np.random.default_rng(0))


def test_statistic_is_that_of_the_clustered_fit(sim16) -> None:
    panel, W = sim16
    fit = ce.slx("y ~ x1 + x2 | id + year", panel, W, cov=ce.Cluster())
    found = wild_cluster(fit, "W(x2)")
    assert found.statistic == pytest.approx(fit.tstats["W(x2)"])
    assert found.std_error == pytest.approx(fit.std_errors["W(x2)"])
    assert found.pvalue_conventional == pytest.approx(fit.pvalues["W(x2)"])
    assert found.draws == 65536
    assert "all 65,536 sign vectors" in str(found)


@pytest.mark.parametrize("weights", ["rademacher", "webb"])
def test_sampled_p_is_the_enumerated_one_within_its_error(sim16, weights: str) -> None:
    panel, _ = sim16
    rng = np.random.default_rng(1)
    noisy = panel.assign(y=panel["y"] + 12 * rng.standard_normal(len(panel)))
    fit = ce.ols("y ~ x1 + x2 | id + year", noisy).estimate
    exact = wild.wild_cluster(fit, "x2", rng=rng)
    signs = wild.draw_signs(16, weights, 20_000, rng)
    pieces = wild._pieces(fit, np.array([0.0, 1.0]))
    sampled = wild._test(pieces, signs, enumerated=False).symmetric(0.0)
    error = np.sqrt(exact.pvalue * (1 - exact.pvalue) / 20_000)
    slack = 4 * error if weights == "rademacher" else 0.03  # Webb's points are another law
    assert 0.02 < exact.pvalue < 0.98
    assert sampled == pytest.approx(exact.pvalue, abs=slack)


def test_interval_holds_what_is_not_rejected(sim16) -> None:
    panel, _ = sim16
    fit = ce.ols("y ~ x1 + x2 | id + year", panel)
    found = wild_cluster(fit, "x1", level=0.9)
    assert found.lower < found.estimate < found.upper
    for end, inside in ((found.lower, 1), (found.upper, -1)):
        step = 1e-4 * found.std_error
        assert wild_cluster(fit, "x1", null=end + inside * step).pvalue > 0.1
        assert wild_cluster(fit, "x1", null=end - inside * step).pvalue <= 0.1
    width = (found.upper - found.lower) / (2 * found.std_error)
    assert width == pytest.approx(stats.t.ppf(0.95, 15), rel=0.35)


def test_few_units_cannot_reject_and_the_interval_says_so(small) -> None:
    """Four units have 16 sign vectors: p is never below 2/16."""
    panel, _ = small
    four = panel[panel.index.get_level_values("unit") < 4]
    found = wild_cluster(ce.ols("y ~ x0 | unit + year", four), "x0")
    assert found.draws == 16
    assert found.pvalue >= 2 / 16
    assert (found.lower, found.upper) == (-np.inf, np.inf)


def test_the_same_seed_gives_the_same_draws(sim16) -> None:
    fit = ce.ols("y ~ x1 | id + year", sim16[0])
    one = wild_cluster(fit, "x1", weights="webb", draws=199, rng=5)
    assert one == wild_cluster(fit, "x1", weights="webb", draws=199, rng=5)
    assert one != wild_cluster(fit, "x1", weights="webb", draws=199, rng=6)
    assert not one.enumerated
    assert one.pvalue * 200 == pytest.approx(round(one.pvalue * 200))


def test_many_units_are_sampled(cigar) -> None:
    panel, _ = cigar
    found = wild_cluster(ce.ols("logc ~ logp + logy | state + year", panel), "logp", draws=199)
    assert (found.enumerated, found.draws, found.clusters) == (False, 199, 46)


def test_models_with_spatial_parameters_are_refused(sim16) -> None:
    panel, W = sim16
    with pytest.raises(IdentificationError, match=r"with rho: .* use the parametric bootstrap"):
        wild_cluster(ce.sdm("y ~ x1 | id + year", panel, W), "x1")
    with pytest.raises(IdentificationError, match="with lam"):
        wild_cluster(ce.sem("y ~ x1 | id + year", panel, W), "x1")


def test_wrong_requests_are_refused(sim16) -> None:
    fit = ce.ols("y ~ x1 | id + year", sim16[0])
    with pytest.raises(FormulaError, match="no coefficient of x9"):
        wild_cluster(fit, "x9")
    with pytest.raises(FormulaError, match="no coefficient of nothing"):
        wild_cluster(fit, {"x1": 0.0})
    with pytest.raises(ValueError, match="weights 'mammen'"):
        wild_cluster(fit, "x1", weights="mammen")
    with pytest.raises(ValueError, match="level 95"):
        wild_cluster(fit, "x1", level=95)


def test_results_do_not_change(sim16) -> None:
    found = wild_cluster(ce.ols("y ~ x1 | id + year", sim16[0]), "x1")
    assert replace(found) == found
    assert not hasattr(found, "__dict__")
