"""Sparse weights: log-determinants, traces and forms against dense algebra."""

import pickle

import numpy as np
import pytest
from scipy.sparse import csr_array

from ccec_econ.engine import sparse_spectrum as module
from ccec_econ.engine import sparse_weights
from ccec_econ.engine.choice import spectrum_of
from ccec_econ.engine.sparse_spectrum import SparseForm, SparseSpectrum, sparse_spectrum
from ccec_econ.engine.spectrum import EigenSpectrum, spectrum
from ccec_econ.errors import IdentificationError
from ccec_econ.weights import nearest_of

RHOS = np.array([-0.95, -0.4, 0.0, 0.3, 0.72, 0.97])


def weights(N: int = 60, k: int = 4, seed: int = 3) -> np.ndarray:
    """Asymmetric, row-standardised, complex eigenvalues."""
    place = np.random.default_rng(seed).random((N, 2))
    return nearest_of(np.linalg.norm(place[:, None] - place, axis=2), k)


@pytest.fixture(params=[False, True], ids=["levels", "projected"])
def pair(request: pytest.FixtureRequest) -> tuple[SparseSpectrum, EigenSpectrum]:
    W = weights()
    sparse, eigen = sparse_spectrum(csr_array(W)), spectrum(W)
    return (sparse.project(), eigen.project()) if request.param else (sparse, eigen)


def test_logdet_and_traces(pair: tuple[SparseSpectrum, EigenSpectrum]) -> None:
    sparse, eigen = pair
    np.testing.assert_allclose(sparse.logdet(RHOS), eigen.logdet(RHOS), atol=1e-12)  # exact nodes
    np.testing.assert_allclose(sparse.traces_G(RHOS), eigen.traces_G(RHOS), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(sparse.logdet(RHOS), eigen.logdet(RHOS), atol=2e-8)  # now panels
    w = eigen.eigenvalues
    squares = ((w / (1.0 - np.multiply.outer(RHOS, w))) ** 2).sum(axis=1).real
    np.testing.assert_allclose(sparse.traces_GG(RHOS), squares, rtol=1e-5, atol=1e-5)
    assert sparse.f.error < 1e-6


def test_form(pair: tuple[SparseSpectrum, EigenSpectrum]) -> None:
    sparse, eigen = pair
    form, G = sparse.form(0.6), eigen.form(0.6)[0]
    assert isinstance(form, SparseForm)
    columns = np.random.default_rng(0).standard_normal((5, 60))
    np.testing.assert_allclose(form.times(columns), columns @ G.T, atol=1e-12)
    np.testing.assert_allclose(form.trace(), np.trace(G), rtol=1e-7)
    np.testing.assert_allclose(form.pair(form), (G * G.T).sum() + (G * G).sum(), rtol=1e-7)
    np.testing.assert_allclose(form.dense()[0], G, atol=1e-12)


def test_two_forms(pair: tuple[SparseSpectrum, EigenSpectrum]) -> None:
    sparse, _ = pair
    M = sparse_spectrum(csr_array(weights(k=6)))
    other = M.project() if sparse.projected else M
    for rho in (0.0, 0.4):
        A, B = sparse.form(rho), other.form(0.0)
        G, H = A.dense()[0], B.dense()[0]
        np.testing.assert_allclose(A.pair(B), (G * H.T).sum() + (G * H).sum(), rtol=1e-10)


def test_exchanged(pair: tuple[SparseSpectrum, EigenSpectrum]) -> None:
    sparse, eigen = pair
    order = np.random.default_rng(2).permutation(60)
    np.testing.assert_array_equal(sparse.exchanged(order).W, eigen.exchanged(order).W)
    assert sparse.exchanged(order).logdet(0.4) == sparse.logdet(0.4)


def test_lag_and_solve(pair: tuple[SparseSpectrum, EigenSpectrum]) -> None:
    sparse, eigen = pair
    columns = np.random.default_rng(1).standard_normal((4, 60, 3))
    np.testing.assert_allclose(sparse.lag(columns), eigen.lag(columns), atol=1e-14)
    np.testing.assert_allclose(sparse.lag(columns[..., 0]), eigen.lag(columns[..., 0]), atol=1e-14)
    flat = columns[..., 0]
    np.testing.assert_allclose(sparse.solve(0.5, flat), eigen.solve(0.5, flat), atol=1e-12)
    assert sparse.same_as(sparse_spectrum(csr_array(weights())))
    assert not sparse.same_as(sparse_spectrum(csr_array(weights(k=5))))
    assert not sparse.same_as(eigen)
    assert sparse.identifies()
    assert eigen.identifies()


def test_random_signs_agree_with_exact_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    sparse = sparse_spectrum(csr_array(weights(2000, 6)))
    form = sparse.form(0.5)
    exact = form.pair(form)
    monkeypatch.setattr(module, "_EXACT_UNITS", 0)
    estimated = form.pair(form)
    assert exact != estimated
    assert abs(estimated / exact - 1.0) < 0.01


def test_weights_of_any_row_sum() -> None:
    W = weights() * np.linspace(0.2, 3.0, 60)[:, None]
    sparse, eigen = sparse_spectrum(csr_array(W)), spectrum(W)
    assert sparse.interval[1] == pytest.approx(eigen.interval[1], rel=1e-8)
    assert sparse.interval[1] <= eigen.interval[1]
    assert sparse.interval[0] >= eigen.interval[0]
    inside = np.array([-0.55, 0.1, 0.58])
    np.testing.assert_allclose(sparse.logdet(inside), eigen.logdet(inside), atol=1e-12)
    np.testing.assert_allclose(sparse.traces_G(inside), eigen.traces_G(inside), rtol=1e-6)


def test_choice_by_size_and_fullness() -> None:
    assert isinstance(spectrum_of(csr_array(weights(60))), EigenSpectrum)
    assert isinstance(spectrum_of(csr_array(weights(1200))), SparseSpectrum)
    assert isinstance(spectrum_of(csr_array(weights(1200, 130))), EigenSpectrum)


def binary(N: int = 60) -> np.ndarray:
    """Symmetric, scaled by the largest eigenvalue: row sums differ."""
    W = (weights(N) + weights(N).T > 0.0) * 1.0
    return W / np.linalg.eigvalsh(W).max()


def hub(N: int = 60) -> np.ndarray:
    """A ring whose members all neighbour one unit."""
    W = np.roll(np.eye(N), 1, axis=1) + np.roll(np.eye(N), -1, axis=1)
    W[0, 1:] = W[1:, 0] = 1.0
    return W / np.linalg.eigvalsh(W).max()


@pytest.mark.parametrize("W", [binary(), hub()], ids=["binary", "hub"])
def test_spectral_scale(W: np.ndarray) -> None:
    sparse, eigen = sparse_spectrum(csr_array(W)), spectrum(W)
    assert sparse.interval[1] == pytest.approx(1.0, rel=1e-8)
    inside = np.array([-0.9, 0.3, 0.99])
    np.testing.assert_allclose(sparse.logdet(inside), eigen.logdet(inside), atol=1e-11)
    form, G = sparse.form(0.9), eigen.form(0.9)[0]
    np.testing.assert_allclose(form.pair(form), (G * G.T).sum() + (G * G).sum(), rtol=1e-6)


def test_full_products_go_by_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    sparse = sparse_spectrum(csr_array(weights(300)))
    form = sparse.form(0.6)
    exact = form.pair(form)
    monkeypatch.setattr(module, "FILL", 0)
    assert form.pair(form) == pytest.approx(exact, rel=1e-12)


def test_outside_the_interval_is_refused() -> None:
    sparse = sparse_spectrum(csr_array(weights()))
    with pytest.raises(IdentificationError, match=r"leaves \(-1\.0000, 1\.0000\)"):
        sparse.traces_G(np.array([0.2, 1.2]))


def test_zero_is_exact(pair: tuple[SparseSpectrum, EigenSpectrum]) -> None:
    sparse, eigen = pair
    form, W = sparse.form(0.0), eigen.form(0.0)[0]
    assert form.trace() == pytest.approx(np.trace(W), abs=1e-13)
    assert form.pair(form) == pytest.approx((W * W.T).sum() + (W * W).sum(), rel=1e-13)


def test_results_can_be_pickled() -> None:
    sparse = sparse_spectrum(csr_array(weights()))
    again = pickle.loads(pickle.dumps(sparse))
    assert again.logdet(0.4) == sparse.logdet(0.4)


def test_dense_matrices_are_refused_where_they_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    sparse = sparse_spectrum(csr_array(weights()))
    monkeypatch.setattr(sparse_weights, "_DENSE_UNITS", 50)
    with pytest.raises(IdentificationError, match="60 by 60"):
        _ = sparse.W
    with pytest.raises(IdentificationError, match="Information"):
        _ = sparse.eigenvalues
