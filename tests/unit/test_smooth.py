"""Interpolated traces are those of matrices written out, for weights of every kind."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ccec_econ.engine import forms
from ccec_econ.engine.prepared import PreparedSpectrum, SmoothForm, prepared
from ccec_econ.engine.smooth import Smooth
from ccec_econ.engine.spectrum import spectrum
from ccec_econ.weights import nearest_of

type Build = Callable[[], NDArray[np.float64]]

SAME = 1e-12  # as `smooth` says
AT_BORDER = 1e-9  # relative to traces of 1e8, the equations' condition number being 1e4


def near(n: int = 60) -> NDArray[np.float64]:
    """Nearest neighbours of places at random."""
    place = np.random.default_rng(4).random((n, 2))
    return nearest_of(np.linalg.norm(place[:, None] - place, axis=2), 3)


def cycle(n: int = 40) -> NDArray[np.float64]:
    """A directed ring: the eigenvalues lie all around the circle."""
    return np.roll(np.eye(n), 1, axis=1)


def chain(n: int = 30) -> NDArray[np.float64]:
    """Everybody's only neighbour is the unit before, that of the first one the second."""
    W = np.eye(n, k=-1)
    W[0, 1] = 1.0
    return W


def pairs(W: NDArray[np.float64], rho: float, *, projected: bool) -> float:
    """tr GG + tr G'G by brute force."""
    G = W @ np.linalg.inv(np.eye(len(W)) - rho * W)
    G = G - projected * G.mean(axis=0)
    return float(np.trace(G @ G) + np.trace(G.T @ G))


@cache
def known_pairs(build: Build, projected: bool) -> Smooth:
    """Interpolated, with panels that stay from one example to the next."""
    ready = prepared(spectrum(build()))
    assert isinstance(ready, PreparedSpectrum)
    return (ready.project() if projected else ready).pairs


@settings(max_examples=60, deadline=None)
@given(rho=st.floats(-0.95, 0.95))
@pytest.mark.parametrize("projected", [False, True])
@pytest.mark.parametrize("build", [near, cycle, chain])
def test_pair_is_that_of_matrices(build: Build, projected: bool, rho: float) -> None:
    known = known_pairs(build, projected)
    expected = pairs(build(), rho, projected=projected)
    assert known(rho) == pytest.approx(expected, rel=SAME)


@pytest.mark.parametrize("rho", [-0.9999, 0.9999])
@pytest.mark.parametrize("build", [near, chain])
def test_pair_beside_the_border(build: Build, rho: float) -> None:
    known = known_pairs(build, False)
    expected = pairs(build(), rho, projected=False)
    assert known(rho) == pytest.approx(expected, rel=AT_BORDER)


def test_form_by_interpolation() -> None:
    W = near()
    ready = prepared(spectrum(W))
    assert isinstance(ready, PreparedSpectrum)
    assert ready.basis is None
    form = ready.form(0.6)
    assert isinstance(form, SmoothForm)
    G = W @ np.linalg.inv(np.eye(60) - 0.6 * W)
    x = np.random.default_rng(0).standard_normal((5, 60))
    np.testing.assert_allclose(form.times(x), x @ G.T, atol=1e-12)
    np.testing.assert_allclose(form.dense()[0], G, atol=1e-12)
    assert form.trace() == pytest.approx(np.trace(G), rel=SAME)
    assert forms.pair(form, form) == pytest.approx((G * G.T).sum() + (G * G).sum(), rel=SAME)
    other = ready.form(0.2)
    H = forms.dense(other)[0]
    assert forms.pair(form, other) == pytest.approx((G * H.T).sum() + (G * H).sum(), rel=SAME)


def test_beyond_the_radius_g_is_written_out() -> None:
    ready = prepared(spectrum(near()))
    assert ready.interval[0] < -1.05
    np.testing.assert_array_equal(ready.form(-1.05), spectrum(near()).form(-1.05))


def test_another_order_and_back_to_levels() -> None:
    W, order = near(), np.random.default_rng(2).permutation(60)
    ready = prepared(spectrum(W))
    moved = ready.exchanged(order)
    G = spectrum(W[np.ix_(order, order)]).form(0.5)[0]
    np.testing.assert_allclose(forms.dense(moved.form(0.5))[0], G, atol=1e-12)
    again = ready.project().unprojected()
    assert not again.projected
    assert forms.pair(again.form(0.5), again.form(0.2)) == pytest.approx(
        forms.pair(ready.form(0.5), ready.form(0.2)), rel=SAME
    )


def test_values_do_not_depend_on_what_was_asked_before() -> None:
    """Panels stand where they stand, whichever value comes first."""
    asked = np.linspace(-0.8, 0.9, 23)
    one, other = (prepared(spectrum(near())) for _ in range(2))
    assert isinstance(one, PreparedSpectrum)
    assert isinstance(other, PreparedSpectrum)
    up = [float(one.pairs(float(rho))) for rho in asked]
    down = [float(other.pairs(float(rho))) for rho in asked[::-1]]
    assert up == down[::-1]
    thawed = pickle.loads(pickle.dumps(one))
    assert float(thawed.pairs(0.3)) == float(one.pairs(0.3))


def test_nodes_are_values_of_the_function() -> None:
    """1 / (1 - rho^2) = cosh^2 x, of several shapes, at the edges of panels too."""
    known = Smooth(lambda rho: np.array([[1.0, rho], [0.0, 1.0 / (1.0 - rho**2)]]), 1.0)
    for x in (-0.5, 0.0, 0.125, 0.25, 1.0):
        rho = float(np.tanh(x))
        expected = [[1.0, rho], [0.0, np.cosh(x) ** 2]]
        np.testing.assert_allclose(known(rho), expected, rtol=1e-13, atol=1e-15)


def test_log_determinants_of_the_first_search_are_remembered() -> None:
    ready, plain = prepared(spectrum(near())), spectrum(near())
    for count in (60, 400):
        grid = ready.search(lambda rho: rho, count)
        assert ready.search(lambda rho: rho, count) is grid
        assert ready.logdet(grid) is ready.logdet(grid)
        np.testing.assert_array_equal(ready.logdet(grid), plain.logdet(grid))
    assert ready.nodes is grid
