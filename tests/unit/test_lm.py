"""LM tests: hand-worked cases, what is refused, what is inapplicable."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.engine.spectrum import spectrum
from ccec_econ.engine.transform import demean
from ccec_econ.inference import lm
from ccec_econ.models.specification import lm_tests


def ring(n: int) -> np.ndarray:
    W = np.zeros((n, n))
    at = np.arange(n)
    W[at, (at + 1) % n] = W[at, (at - 1) % n] = 0.5
    return W


def panel(y: np.ndarray, x: np.ndarray) -> pd.DataFrame:
    T, N = y.shape
    index = pd.MultiIndex.from_product([range(T), range(N)], names=["year", "unit"])
    return pd.DataFrame({"y": y.ravel(), "x": x.ravel()}, index=index).swaplevel()


@pytest.fixture
def noise() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    return panel(rng.standard_normal((6, 8)), rng.standard_normal((6, 8)))


def test_error_test_by_hand() -> None:
    """Four units on a ring, two periods, residuals +-(1, -1, 1, -1): each neighbour is opposite.

    Regressor +-(1, 1, -1, -1) is orthogonal to y. Unit effects: tau = 1, m = 4, s2 = e'e/4 = 8/4.
    e'We: every We_i = -e_i, so e'We = -8, d = -8/2 = -4 (t = 0). tr(W'W) = 4 * 2/4 = 2 and
    tr(WW) = 2, C = 1 * 4; LM = 16/4 = 4. Both periods have mean zero, so time effects change
    t to -1, m to 3, s2 to 8/3: d = -3 + 1 = -2, tr(W*'W* + W*W*) = 2, C = 2 - 2/3 = 4/3, LM = 3.
    """
    y, x = np.array([1.0, -1, 1, -1]), np.array([1.0, 1, -1, -1])
    data = panel(np.stack([y, -y]), np.stack([x, -x]))
    graph = ce.weights.from_matrix(ring(4), range(4))
    found = lm_tests(ce.ols("y ~ x | unit", data), graph, draws=19)["LM error"]
    assert found.statistic == pytest.approx(4.0)
    found = lm_tests(ce.ols("y ~ x | unit + year", data), graph, draws=19)["LM error"]
    assert found.statistic == pytest.approx(3.0)


def test_unit_effects_give_the_textbook_statistics_less_one_period(noise) -> None:
    """Centring changes nothing where tr W = 0; only T - 1 periods are counted for T."""
    graph = ce.weights.from_matrix(ring(8), range(8))
    found = lm_tests(ce.ols("y ~ x | unit", noise), graph, draws=19)
    for name in ("LM lag", "LM error", "Robust LM lag", "Robust LM error"):
        assert found[name].statistic == pytest.approx(5 / 6 * found[f"{name}, uncentred"].statistic)
    with pytest.raises(ce.errors.FormulaError, match="no test 'LM error, uncentred'"):
        lm_tests(ce.ols("y ~ x", noise), graph, draws=19)["LM error, uncentred"]


def test_exact_pvalue_counts_draws(noise) -> None:
    fit, W = ce.ols("y ~ x | unit + year", noise).estimate, spectrum(ring(8))
    exceed = lm.error_exceedances(fit, W, 50, np.random.default_rng(3))
    v = np.random.default_rng(3).standard_normal((6, 8, 50))
    Z = fit.Z.reshape(48, 1)
    observed, counted = lm.slopes(fit, W, W).marginal(1), 0
    for d in range(50):
        flat = demean(v[:, :, d], "twoway").ravel()
        e = (flat - Z @ np.linalg.lstsq(Z, flat, rcond=None)[0]).reshape(6, 8)
        share = (e * (e @ ring(8).T)).sum() / (e**2).sum()
        C = 5 * (spectrum(ring(8)).project().eigenvalues.real ** 2).sum() * 2 - 2 * 5 / 7
        counted += (35 * share + 5) ** 2 / C >= observed
    assert exceed == counted


def test_two_weights(noise) -> None:
    far = np.roll(ring(8), 1, axis=1)
    np.fill_diagonal(far, 0.0)
    near, far = (ce.weights.from_matrix(m, range(8)) for m in (ring(8), far / far.sum(1)[:, None]))
    fit = ce.ols("y ~ x | unit + year", noise)
    both = lm_tests(fit, near, error_weights=far, draws=19)
    assert both["LM lag"].statistic == lm_tests(fit, near, draws=19)["LM lag"].statistic
    assert both["LM error"].statistic == lm_tests(fit, far, draws=19)["LM error"].statistic
    total = both["LM error"].statistic + both["Robust LM lag"].statistic
    assert both["LM joint"].statistic == pytest.approx(total)
    total = both["LM lag"].statistic + both["Robust LM error"].statistic
    assert both["LM joint"].statistic == pytest.approx(total)


def test_same_seed_same_table(noise) -> None:
    graph = ce.weights.from_matrix(ring(8), range(8))
    fit = ce.ols("y ~ x | unit + year", noise)
    assert str(lm_tests(fit, graph, draws=99)) == str(lm_tests(fit, graph, draws=99))


def test_equal_weights_leave_nothing_to_test(noise) -> None:
    equal = ce.weights.from_matrix((np.ones((8, 8)) - np.eye(8)) / 7, range(8))
    found = lm_tests(ce.ols("y ~ x | unit + year", noise), equal, draws=19)
    assert not found["LM error"].applies
    assert np.isnan(found["LM error"].statistic)
    assert "do not tell" in found["LM error"].reason


def test_regressor_that_is_its_own_lag_leaves_no_robust_test(noise) -> None:
    """Alternating signs on a ring: Wx = -x, so W Zb lies in the space of Z and J = C."""
    signs = np.where(noise.index.get_level_values("unit") % 2, -1.0, 1.0)
    data = noise.assign(x=signs * (1.0 + noise.index.get_level_values("year")))
    graph = ce.weights.from_matrix(ring(8), range(8))
    found = lm_tests(ce.ols("y ~ x | unit", data), graph, draws=19)
    assert found["LM lag"].statistic == pytest.approx(found["LM error"].statistic)
    for name in ("Robust LM lag", "Robust LM error", "LM joint"):
        assert "do not tell" in found[name].reason


def test_refusals(noise) -> None:
    graph = ce.weights.from_matrix(ring(8), range(8))
    loose = ce.weights.from_matrix(2 * ring(8), range(8))
    fit = ce.ols("y ~ x | unit + year", noise)
    with pytest.raises(ce.errors.AlignmentError, match="no weights of its own"):
        lm_tests(fit)
    with pytest.raises(ce.errors.WeightsError, match="row sums run from 2 to 2"):
        lm_tests(fit, loose)
    with pytest.raises(ce.errors.IdentificationError, match="no LM test after sac"):
        lm_tests(ce.sac("y ~ x | unit + year", noise, graph))
    with pytest.raises(ce.errors.IdentificationError, match="by the direct likelihood"):
        lm_tests(ce.sar("y ~ x | unit + year", noise, graph, method="direct"))
    with pytest.raises(ValueError, match="give at least 19") as caught:
        lm_tests(fit, graph, draws=5)
    assert not isinstance(caught.value, ce.errors.FormulaError)
    with pytest.raises(ce.errors.AlignmentError, match="only in the weights"):
        lm_tests(fit, ce.weights.from_matrix(ring(9), range(9)))


def test_conditional_tests_can_be_left_out(noise) -> None:
    fit = ce.ols("y ~ x | unit + year", noise)
    graph = ce.weights.from_matrix(ring(8), range(8))
    every = lm_tests(fit, graph, draws=19)
    fewer = lm_tests(fit, graph, draws=19, conditional=False)
    left_out = {"LM error | lag", "LM lag | error"}
    assert {test.name for test in every} - {test.name for test in fewer} == left_out
    assert all(every[test.name] == test for test in fewer)
