"""Eigenvalues are computed once for equal weights, and anew for weights that differ."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.sparse import csr_array

from ccec_econ.engine import remembered
from ccec_econ.engine.choice import spectrum_of
from ccec_econ.engine.remembered import remembered_spectrum
from ccec_econ.engine.sparse_spectrum import SparseSpectrum


def ring(N: int, weight: float = 1.0) -> csr_array:
    W = np.zeros((N, N))
    W[np.arange(N), (np.arange(N) + 1) % N] = 1.0
    W[0, 1] = weight
    return csr_array(W)


def test_equal_weights_share_their_eigenvalues() -> None:
    one, again = remembered_spectrum(ring(12)), remembered_spectrum(ring(12))
    assert one.eigenvalues is again.eigenvalues
    assert one.interval == again.interval
    assert one.same_as(again)
    assert not one.eigenvalues.flags.writeable


def test_the_first_time_and_the_second_agree_with_no_memory() -> None:
    plain = spectrum_of(ring(9, 0.25))
    for _ in range(2):
        found = remembered_spectrum(ring(9, 0.25))
        assert type(found) is type(plain)
        np.testing.assert_array_equal(found.eigenvalues, plain.eigenvalues)
        np.testing.assert_array_equal(found.W, plain.W)
        assert (found.interval, found.projected) == (plain.interval, plain.projected)
        assert found.project().logdet(0.3) == plain.project().logdet(0.3)


def test_weights_changed_in_place_are_other_weights() -> None:
    matrix = ring(8)
    before = remembered_spectrum(matrix).eigenvalues
    matrix.data[0] = 0.5
    after = remembered_spectrum(matrix).eigenvalues
    assert not np.array_equal(before, after)
    np.testing.assert_array_equal(after, spectrum_of(matrix).eigenvalues)


def test_the_same_entries_elsewhere_are_other_weights() -> None:
    matrix = ring(8, 0.5)
    order = np.roll(np.arange(8), 1)
    moved = csr_array(matrix[order][:, order])
    found = remembered_spectrum(matrix), remembered_spectrum(moved)
    assert not found[0].same_as(found[1])


def test_only_the_last_are_kept(monkeypatch) -> None:
    monkeypatch.setattr(remembered, "_known", {})
    for weight in range(1, 41):
        remembered_spectrum(ring(5, float(weight)))
    assert len(remembered._known) == 32
    first = remembered_spectrum(ring(5, 1.0))
    np.testing.assert_array_equal(first.eigenvalues, spectrum_of(ring(5, 1.0)).eigenvalues)


def test_threads_share_the_memory(monkeypatch) -> None:
    """Two matrices are kept and eight asked for: what is read is often thrown out meanwhile."""
    monkeypatch.setattr(remembered, "_KEPT", 2)
    monkeypatch.setattr(remembered, "_known", {})
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    weights = [ring(5, float(k)) for k in range(1, 9)]
    expected = [spectrum_of(one).eigenvalues for one in weights]

    def right(k: int) -> bool:
        found = remembered_spectrum(weights[k % 8]).eigenvalues
        return np.array_equal(found, expected[k % 8])

    try:
        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(right, range(4_000)))
    finally:
        sys.setswitchinterval(interval)
    assert len(remembered._known) <= 2


def test_factorisations_are_made_anew() -> None:
    one, again = remembered_spectrum(ring(1_001)), remembered_spectrum(ring(1_001))
    assert isinstance(one, SparseSpectrum)
    assert one is not again
