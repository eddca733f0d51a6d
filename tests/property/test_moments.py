"""Least squares and decisions about rank by the triangle: ill-conditioned designs and scales."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ccec_econ.engine.moments import Triangle, reduce_columns, triangle
from ccec_econ.engine.stream import stretch
from ccec_econ.errors import IdentificationError

SAME = 1e-10
EPS = float(np.finfo(float).eps)


def lauchli(K: int, e: float) -> NDArray[np.float64]:
    """Columns that share the ones row and differ by e: condition sqrt(K) / e."""
    return np.vstack([np.ones((1, K)), e * np.eye(K), np.zeros((4, K))])


def vandermonde(rows: int, K: int) -> NDArray[np.float64]:
    """Powers 0..K-1 of points in (0, 1]."""
    return np.vander(np.arange(1, rows + 1) / rows, K, increasing=True)


DESIGNS = {
    "Läuchli 1e-8": lauchli(4, 1e-8),
    "Läuchli 1e-6": lauchli(6, 1e-6),
    "Vandermonde": vandermonde(30, 10),
}


def labels(K: int) -> tuple[str, ...]:
    return tuple(f"x{k}" for k in range(K))


def reduced(Z: NDArray[np.float64], y: NDArray[np.float64], w: NDArray[np.float64]) -> Triangle:
    return reduce_columns(Z, y, w, labels(Z.shape[1]), len(y))


def responses(rows: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(0)
    return rng.standard_normal(rows), rng.standard_normal(rows)


@pytest.mark.parametrize("name", list(DESIGNS))
def test_fits_of_ill_conditioned_designs(name: str) -> None:
    Z = DESIGNS[name]
    y, w = responses(len(Z))
    condition = float(np.linalg.cond(Z / np.linalg.norm(Z, axis=0)))
    assert condition > 1e6
    found = reduced(Z, y, w).at(0.0)
    Q = np.linalg.qr(Z)[0]
    for rho in (0.0, 0.4):
        mixed = y - rho * w
        least = mixed - Q @ (Q.T @ mixed)
        assert float(found.sse(rho)) == pytest.approx(float(least @ least), rel=SAME)
        mine = mixed - Z @ found.coefficients(rho)
        np.testing.assert_allclose(
            mine, least, atol=1e3 * EPS * np.abs(Z).max() * np.abs(found.coefficients(rho)).max()
        )
        theirs = np.linalg.lstsq(Z, mixed, rcond=None)[0]
        gap = np.abs(found.coefficients(rho) - theirs).max() / np.abs(theirs).max()
        assert gap < 50.0 * EPS * condition


def exact(Z: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Least squares in rational arithmetic, by the normal equations without any rounding."""
    rows = [[Fraction(float(v)) for v in row] for row in Z]
    target = [Fraction(float(v)) for v in y]
    K = Z.shape[1]
    A = [
        [sum(r[i] * r[j] for r in rows) for j in range(K)]
        + [sum(r[i] * t for r, t in zip(rows, target, strict=True))]
        for i in range(K)
    ]
    for i in range(K):
        for k in range(K):
            if k != i:
                share = A[k][i] / A[i][i]
                A[k] = [a - share * b for a, b in zip(A[k], A[i], strict=True)]
    return np.array([float(A[i][K] / A[i][i]) for i in range(K)])


@pytest.mark.parametrize("name", list(DESIGNS))
def test_coefficients_against_rational_arithmetic(name: str) -> None:
    Z = DESIGNS[name]
    y, w = responses(len(Z))
    found = reduced(Z, y, w).at(0.0).coefficients(0.0)
    true = exact(Z, y)
    scaled = Z / np.linalg.norm(Z, axis=0)
    bound = 50.0 * EPS * np.linalg.cond(scaled) * (1 + np.linalg.cond(scaled) * 1e-6)
    assert np.abs(found - true).max() <= max(SAME, bound) * np.abs(true).max()


def test_consistent_responses_keep_ten_digits() -> None:
    # where Z explains nearly all of y the error is that of the condition, not of its square
    Z = lauchli(4, 1e-8)
    true = np.array([1.0, 2.0, 3.0, 4.0])
    y = Z @ true + np.concatenate([np.zeros(5), np.full(4, 1e-3)])
    found = reduced(Z, y, np.zeros(len(y))).at(0.0)
    np.testing.assert_allclose(Z @ found.coefficients(0.0), Z @ true, atol=SAME)
    assert float(found.sse(0.0)) == pytest.approx(4e-6, rel=SAME)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    powers=st.lists(st.floats(-8.0, 8.0), min_size=4, max_size=4),
    seed=st.integers(0, 10_000),
    kept=st.sets(st.integers(0, 3), min_size=1),
)
def test_scales_of_columns_do_not_matter(powers: list[float], seed: int, kept: set[int]) -> None:
    rng = np.random.default_rng(seed)
    Z = rng.standard_normal((25, 4)) + 1.0
    y, w = rng.standard_normal((2, 25))
    scale = 10.0 ** np.array(powers)
    plain, scaled = reduced(Z, y, w), reduced(Z * scale, y, w)
    np.testing.assert_allclose(
        scaled.at(0.0).coefficients(0.3) * scale,
        plain.at(0.0).coefficients(0.3),
        rtol=SAME,
        atol=SAME,
    )
    at = sorted(kept)
    part = scaled.subset(at, tuple(labels(4)[j] for j in at), 25).at(0.0)
    own = reduced(Z[:, at], y, w).at(0.0)
    np.testing.assert_allclose(
        part.coefficients(0.3) * scale[at], own.coefficients(0.3), rtol=SAME, atol=SAME
    )
    assert float(part.sse(0.3)) == pytest.approx(float(own.sse(0.3)), rel=SAME)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(
    powers=st.lists(st.floats(-8.0, 8.0), min_size=3, max_size=3),
    where=st.integers(0, 2),
    seed=st.integers(0, 10_000),
)
def test_dependent_columns_are_named_at_any_scale(
    powers: list[float], where: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((20, 2))
    Z = np.insert(X, where, X[:, 0] - 2.0 * X[:, 1], axis=1) * 10.0 ** np.array(powers)
    with pytest.raises(IdentificationError, match="term 'x2' is a linear combination of x0, x1"):
        reduced(Z, rng.standard_normal(20), np.zeros(20))
    wide = np.column_stack([Z, rng.standard_normal(20)])
    whole = stacked(wide, rng.standard_normal(20))
    with pytest.raises(IdentificationError, match="term 'x2' is a linear combination of x0, x1"):
        whole.subset([0, 1, 2], labels(3), 20)
    assert whole.subset([0, 3], ("x0", "x3"), 20).at(0.0).R.shape == (2, 2)


def stacked(Z: NDArray[np.float64], y: NDArray[np.float64]) -> Triangle:
    """A triangle of columns that may depend on each other."""
    length = np.linalg.norm(Z, axis=0)
    own = np.linalg.qr(np.column_stack([Z / length, y, np.zeros(len(y))]), mode="r")
    return Triangle(own, np.zeros_like(own), length)


def test_rank_at_the_border_of_precision() -> None:
    y, w = responses(9)
    assert np.isfinite(reduced(lauchli(4, 1e-8), y, w).at(0.0).sse(0.0))
    with pytest.raises(IdentificationError, match="'x1' is a linear combination of x0"):
        reduced(lauchli(4, 1e-11), y, w)


@settings(deadline=None, derandomize=True, max_examples=30)
@given(powers=st.lists(st.floats(-8.0, 8.0), min_size=3, max_size=3), seed=st.integers(0, 10_000))
def test_periods_passing_by_give_the_same_at_any_scale(powers: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    T, N = 5, 7
    X = rng.standard_normal((T, N, 3)) * 10.0 ** np.array(powers)
    y, w = rng.standard_normal((2, T, N))
    blocks = np.concatenate([X, y[:, :, None], w[:, :, None]], axis=2)
    passed = stretch(iter(blocks), "unit").R
    within = (blocks - blocks.mean(axis=0)).reshape(T * N, -1)
    length = np.linalg.norm(within[:, :3], axis=0)
    scale = np.concatenate([length, [1.0, 1.0]])
    found = triangle(passed / scale, length, labels(3), N * (T - 1)).at(0.0)
    own = reduced(within[:, :3], within[:, 3], within[:, 4]).at(0.0)
    np.testing.assert_allclose(
        found.coefficients(0.2) * length, own.coefficients(0.2) * length, rtol=SAME, atol=SAME
    )
    assert float(found.sse(0.2)) == pytest.approx(float(own.sse(0.2)), rel=SAME)


def test_dependent_columns_are_named_when_periods_pass_by() -> None:
    rng = np.random.default_rng(3)
    X = rng.standard_normal((5, 7, 2)) * [1e8, 1e-8]
    Z = np.concatenate([X, X @ np.array([[1.0], [1e16]])], axis=2)
    blocks = np.concatenate([Z, rng.standard_normal((5, 7, 2))], axis=2)
    R = stretch(iter(blocks), "unit").R
    length = np.linalg.norm(R[:, :3], axis=0)
    scale = np.concatenate([length, [1.0, 1.0]])
    with pytest.raises(IdentificationError, match="'x2' is a linear combination of x0, x1"):
        triangle(R / scale, length, labels(3), 28)
