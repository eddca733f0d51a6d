"""Weights that a change of scale makes symmetric, and their eigenvalues."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from ccec_econ.engine.spectrum import eigenvalues, spectrum
from ccec_econ.engine.symmetric import log_scales, symmetric_twin
from ccec_econ.weights import nearest_of


def linked(N: int, share: float, seed: int) -> np.ndarray:
    """Symmetric weights; isolated units and separate parts may occur."""
    rng = np.random.default_rng(seed)
    above = np.triu(rng.random((N, N)) * (rng.random((N, N)) < share), 1)
    return above + above.T


def standardised(A: np.ndarray) -> np.ndarray:
    sums = A.sum(axis=1, keepdims=True)
    return A / np.where(sums > 0.0, sums, 1.0)


def nearest(N: int, k: int = 4) -> np.ndarray:
    place = np.random.default_rng(3).random((N, 2))
    return nearest_of(np.linalg.norm(place[:, None] - place, axis=2), k)


def test_twin_by_hand() -> None:
    """A path of three: rows (0, 1, 0), (1/2, 0, 1/2), (0, 1, 0); s = (1, 2, 1).

    The twin has sqrt(1 * 1/2) on every link and eigenvalues -1, 0, 1.
    """
    W = np.array([[0.0, 1.0, 0.0], [0.5, 0.0, 0.5], [0.0, 1.0, 0.0]])
    np.testing.assert_allclose(np.exp(log_scales(W)), [1.0, 2.0, 1.0], rtol=1e-15)
    twin = symmetric_twin(W).toarray()
    np.testing.assert_allclose(twin, np.sqrt(0.5) * (W > 0.0), rtol=1e-15)
    np.testing.assert_allclose(np.linalg.eigvalsh(twin), [-1.0, 0.0, 1.0], atol=1e-15)


@given(st.integers(2, 90), st.sampled_from([0.02, 0.1, 1.0]), st.integers(0, 50))
def test_eigenvalues_are_those_of_the_weights(N: int, share: float, seed: int) -> None:
    """Whole graphs and graphs in parts, with units that have no link."""
    W = standardised(linked(N, share, seed))
    twin = symmetric_twin(W).toarray()
    np.testing.assert_array_equal(twin, twin.T)
    for power in (2, 3, 4):  # traces of powers settle eigenvalues without their rounding
        ours, theirs = (np.trace(np.linalg.matrix_power(A, power)) for A in (twin, W))
        assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-12)
    general = np.sort(np.linalg.eigvals(W).real)
    np.testing.assert_allclose(np.linalg.eigvalsh(twin), general, atol=1e-7)


@given(st.integers(3, 40), st.integers(0, 50))
def test_any_scale_of_units_is_found(N: int, seed: int) -> None:
    """Negative weights and weights of a unit with itself count like others."""
    rng = np.random.default_rng(seed)
    A = linked(N, 0.5, seed) * np.where(linked(N, 1.0, seed + 1) > 0.5, -1.0, 1.0)
    A += np.diag(rng.standard_normal(N))
    scale = np.exp(3.0 * rng.standard_normal(N))
    W = A * scale[:, None] / scale
    np.testing.assert_allclose(symmetric_twin(csr_array(W)).toarray(), A, atol=1e-11)


def test_a_long_walk_keeps_its_digits() -> None:
    rng, N = np.random.default_rng(0), 3_000
    links = rng.uniform(0.1, 3.0, N)
    at = np.arange(N)
    rows, columns = np.concatenate([at, (at + 1) % N]), np.concatenate([(at + 1) % N, at])
    ring = csr_array((np.tile(links, 2), (rows, columns)), shape=(N, N))
    W = csr_array(ring.multiply(1.0 / np.asarray(ring.sum(axis=1)).ravel()[:, None]))
    assert symmetric_twin(W) is not None


def one_way() -> np.ndarray:
    W = standardised(linked(30, 0.3, 1))
    W[np.nonzero(W)[0][0], np.nonzero(W)[1][0]] = 0.0
    return W


def turned() -> np.ndarray:
    """A triangle where the product of weights one way round is not that of the other."""
    W = standardised(linked(30, 0.5, 1))
    i, j = np.argwhere(W)[0]
    W[i, j] *= 1.0 + 1e-9
    return W


def opposed() -> np.ndarray:
    W = standardised(linked(30, 0.3, 1))
    i, j = np.argwhere(W)[0]
    W[i, j] *= -1.0
    return W


@pytest.mark.parametrize("W", [nearest(70), one_way(), turned(), opposed()])
def test_others_have_no_twin(W: np.ndarray) -> None:
    assert log_scales(W) is None
    assert symmetric_twin(W) is None


def test_complex_eigenvalues_stay_complex() -> None:
    values = eigenvalues(nearest(100))
    assert np.abs(values.imag).max() > 0.1
    np.testing.assert_array_equal(values, np.linalg.eigvals(nearest(100)))


def test_spectrum_is_that_of_general_eigenvalues() -> None:
    W = standardised(linked(120, 0.05, 2) > 0.0)
    found, rhos = spectrum(W), np.array([-0.9, 0.2, 0.97])
    exact = [np.linalg.slogdet(np.eye(120) - rho * W)[1] for rho in rhos]
    np.testing.assert_allclose(found.logdet(rhos), exact, rtol=1e-12)
    assert not found.eigenvalues.imag.any()
    assert found.interval[1] == pytest.approx(1.0, rel=1e-13)
    lowest = np.linalg.eigvals(W).real.min()
    assert found.interval[0] == pytest.approx(1.0 / lowest, rel=1e-10)
    np.testing.assert_allclose(
        found.project().logdet(rhos), np.array(exact) - np.log1p(-rhos), rtol=1e-12
    )


def test_weights_are_left_as_they_were() -> None:
    W = csr_array(np.array([[0.0, 0.0, 1.0], [0.5, 0.0, 0.5], [1.0, 0.0, 0.0]]))
    W.data[0] = 0.0
    before = W.data.copy(), W.indices.copy()
    symmetric_twin(W)
    np.testing.assert_array_equal(W.data, before[0])
    np.testing.assert_array_equal(W.indices, before[1])
