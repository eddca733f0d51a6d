"""Eigenvalues with sparse factors beside them: forms and fits are those of dense matrices."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

import ccec_econ as ce
from ccec_econ.engine import choice, eigen_factors, remembered
from ccec_econ.engine.eigen_factors import FactoredSpectrum, with_factors
from ccec_econ.engine.sparse_spectrum import SparseForm, SparseSpectrum, sparse_spectrum
from ccec_econ.engine.spectrum import EigenSpectrum, Spectrum, spectrum
from ccec_econ.weights import nearest_of

RHO = 0.6


def weights(N: int, k: int = 4, seed: int = 3, *, mutual: bool = False) -> np.ndarray:
    """Row-standardised; asymmetric, or of links that count both ways."""
    place = np.random.default_rng(seed).random((N, 2))
    W = nearest_of(np.linalg.norm(place[:, None] - place, axis=2), k)
    if mutual:
        W = np.asarray(W + W.T > 0.0, dtype=np.float64)
    return W / W.sum(axis=1, keepdims=True)


def factors(W: np.ndarray) -> Spectrum:
    return with_factors(spectrum(W), csr_array(W))


@pytest.fixture(params=[False, True], ids=["levels", "projected"])
def projected(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def as_asked(found: Spectrum, projected: bool) -> Spectrum:
    return found.project() if projected else found


@pytest.mark.parametrize("mutual", [False, True])
def test_form(mutual: bool, projected: bool) -> None:
    W = weights(320, mutual=mutual)
    one, plain = (as_asked(s, projected) for s in (factors(W), spectrum(W)))
    assert isinstance(one, FactoredSpectrum)
    form, G = one.form(RHO), plain.form(RHO)[0]
    assert isinstance(form, SparseForm)
    columns = np.random.default_rng(0).standard_normal((5, 320, 2))
    np.testing.assert_allclose(one.lag(columns), plain.lag(columns), atol=1e-14)
    np.testing.assert_allclose(form.times(columns[..., 0]), columns[..., 0] @ G.T, atol=1e-12)
    solved = one.solve(RHO, columns[..., 0])
    np.testing.assert_allclose(solved, plain.solve(RHO, columns[..., 0]), atol=1e-12)
    np.testing.assert_allclose(form.trace(), np.trace(G), rtol=1e-11)
    np.testing.assert_allclose(form.pair(form), (G * G.T).sum() + (G * G).sum(), rtol=1e-11)
    np.testing.assert_allclose(form.dense()[0], G, atol=1e-12)


@pytest.mark.parametrize("make", [factors, lambda W: sparse_spectrum(csr_array(W))])
@pytest.mark.parametrize("same", [True, False])
def test_pair_with_weights_at_zero(
    make: Callable[[np.ndarray], Spectrum], same: bool, projected: bool
) -> None:
    """tr(GM) + tr(G'M) against matrices written out, whichever comes first."""
    W = weights(320)
    M = W if same else weights(320, 6, 5, mutual=True)
    form, other = (as_asked(make(A), projected) for A in (W, M))
    A, B = form.form(RHO), other.form(0.0)
    J = np.eye(320) - projected / 320
    G, H = J @ np.linalg.solve((np.eye(320) - RHO * W).T, W.T).T, J @ M
    expected = np.trace(G @ H) + np.trace(G.T @ H)
    assert A.pair(B) == pytest.approx(expected, rel=1e-12)
    assert B.pair(A) == pytest.approx(expected, rel=1e-12)


def test_pair_without_factors(monkeypatch: pytest.MonkeyPatch, projected: bool) -> None:
    """Where products of weights are many, G is written out."""
    W, M = weights(60), weights(60, 6)
    form, other = (as_asked(sparse_spectrum(csr_array(A)), projected) for A in (W, M))
    expected = form.form(RHO).pair(other.form(0.0))
    monkeypatch.setattr("ccec_econ.engine.sparse_spectrum.FILL", 0)
    assert form.form(RHO).pair(other.form(0.0)) == pytest.approx(expected, rel=1e-12)


def test_beyond_the_radius_g_is_written_out() -> None:
    W = weights(320)
    one = factors(W)
    assert one.interval[0] < -1.1
    np.testing.assert_array_equal(one.form(-1.1), spectrum(W).form(-1.1))
    columns = np.random.default_rng(0).standard_normal((2, 320))
    np.testing.assert_array_equal(one.solve(-1.1, columns), spectrum(W).solve(-1.1, columns))


def test_which_weights_get_factors() -> None:
    assert type(factors(weights(249))) is EigenSpectrum
    assert type(factors(weights(320, 30))) is EigenSpectrum
    signed = weights(320)
    signed[0, np.flatnonzero(signed[0])[0]] *= -1.0
    assert type(factors(signed)) is EigenSpectrum


def test_another_order_and_back_to_levels() -> None:
    W, order = weights(320), np.random.default_rng(2).permutation(320)
    one = factors(W)
    moved = one.exchanged(order)
    np.testing.assert_array_equal(moved.matrix.toarray(), W[np.ix_(order, order)])
    np.testing.assert_array_equal(moved.W, moved.matrix.toarray())
    again = one.project().unprojected()
    np.testing.assert_array_equal(again.eigenvalues, one.eigenvalues)
    assert isinstance(again, FactoredSpectrum)
    assert not again.projected
    assert again.same_as(one)
    assert pickle.loads(pickle.dumps(one)).logdet(0.4) == one.logdet(0.4)


def test_choice() -> None:
    """Complex eigenvalues up to 500 units, real ones up to 1,000; all up to there if asked for."""
    asymmetric, mutual = csr_array(weights(510)), csr_array(weights(510, mutual=True))
    assert isinstance(choice.spectrum_of(asymmetric), SparseSpectrum)
    assert isinstance(choice.spectrum_of(asymmetric, "roots"), FactoredSpectrum)
    assert isinstance(choice.spectrum_of(mutual), FactoredSpectrum)
    assert isinstance(choice.spectrum_of(csr_array(weights(1010, mutual=True))), SparseSpectrum)
    assert isinstance(choice.spectrum_of(csr_array(weights(1010)), "roots"), SparseSpectrum)


def test_what_was_asked_for_is_remembered_apart() -> None:
    matrix = csr_array(weights(510, seed=9))
    roots = remembered.remembered_spectrum(matrix, "roots")
    assert isinstance(remembered.remembered_spectrum(matrix), SparseSpectrum)
    again = remembered.remembered_spectrum(matrix, "roots")
    assert isinstance(again, FactoredSpectrum)
    assert again.eigenvalues is roots.eigenvalues


@pytest.fixture(scope="module")
def sample() -> tuple[pd.DataFrame, object]:
    rng, N, T = np.random.default_rng(8), 48, 6
    W = weights(N)
    x = rng.standard_normal((T, N, 2))
    mean = x @ [1.0, -0.5] + rng.standard_normal((T, N))
    y = np.linalg.solve(np.eye(N) - 0.4 * W, mean.T).T
    index = pd.MultiIndex.from_product([range(N), range(T)], names=["unit", "year"])
    columns = {"y": y, "a": x[..., 0], "b": x[..., 1]}
    data = pd.DataFrame({name: value.T.ravel() for name, value in columns.items()}, index=index)
    return data, ce.weights.from_matrix(W, range(N))


def same(one: object, other: object) -> None:
    np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("effects", ["unit + year", "unit"])
def test_fits_and_tests_are_those_of_dense_matrices(
    sample: tuple[pd.DataFrame, object], effects: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, W = sample
    N = 48
    far = ce.weights.from_matrix(weights(N, 3, 7, mutual=True), range(N))
    formula = f"y ~ a + b | {effects}"

    def found() -> list[object]:
        fits = [verb(formula, data, W) for verb in (ce.sar, ce.sdm, ce.sem, ce.sac)]
        fits += [ce.sar(formula, data, W, cov=cov) for cov in (ce.QuasiML(), ce.Cluster("unit"))]
        ols = ce.ols(formula, data)
        tests = [*ce.lm_tests(ols, W, draws=19), *ce.lm_tests(fits[0]), *ce.lm_tests(fits[2])]
        tests += ce.lm_tests(ols, W, error_weights=far, draws=19)
        return [
            *(fit.params for fit in fits),
            *(fit.std_errors for fit in fits),
            fits[1].effects(draws=50).frame,
            [test.statistic for test in tests],
        ]

    before = found()
    monkeypatch.setattr(eigen_factors, "_FEW_UNITS", 0)
    monkeypatch.setattr(remembered, "_known", {})
    assert isinstance(ce.sar(formula, data, W).estimate.weights, FactoredSpectrum)
    for one, other in zip(found(), before, strict=True):
        same(one, other)


def test_draws_of_the_exact_test(
    sample: tuple[pd.DataFrame, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By default up to a number of observations; told apart from none asked for."""
    data, W = sample
    fit = ce.ols("y ~ a | unit", data)
    by_default = ce.lm_tests(fit, W)["LM error, exact"]
    assert by_default.pvalue == ce.lm_tests(fit, W, draws=999)["LM error, exact"].pvalue
    assert "999 draws" in by_default.distribution
    monkeypatch.setattr("ccec_econ.models.specification._EXACT_CELLS", 287)
    many = ce.lm_tests(fit, W)["LM error, exact"]
    assert not many.applies
    assert "288 observations" in many.reason
    assert ce.lm_tests(fit, W, draws=19)["LM error, exact"].applies
    assert "no draws" in ce.lm_tests(fit, W, draws=0)["LM error, exact"].reason
