"""Identities of the transformation and of the spectrum, and hand-worked small cases."""

from __future__ import annotations

import numpy as np
import pytest

from ccec_econ.engine.moments import reduce_columns
from ccec_econ.engine.spectrum import spectrum
from ccec_econ.engine.transform import demean, helmert, reduction
from ccec_econ.errors import IdentificationError

EXACT = 1e-12
RHO = (-0.7, 0.0, 0.35, 0.9)


def asymmetric(n: int, seed: int = 0) -> np.ndarray:
    """Row-standardised weights with complex eigenvalues."""
    rng = np.random.default_rng(seed)
    W = rng.random((n, n)) * (rng.random((n, n)) < 0.4)
    W[np.arange(n), (np.arange(n) + 1) % n] = 1.0
    np.fill_diagonal(W, 0.0)
    return W / W.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("m", [2, 3, 7, 16])
def test_helmert_is_an_orthonormal_basis_off_the_ones_vector(m: int) -> None:
    F = helmert(m)
    np.testing.assert_allclose(F.T @ F, np.eye(m - 1), atol=EXACT)
    np.testing.assert_allclose(F @ F.T, np.eye(m) - 1 / m, atol=EXACT)
    np.testing.assert_allclose(F.T @ np.ones(m), 0.0, atol=EXACT)


def test_helmert_by_hand() -> None:
    # m = 2: c_0 = sqrt(1/2), so F = (1/sqrt 2, -1/sqrt 2)'
    np.testing.assert_allclose(helmert(2)[:, 0], [2**-0.5, -(2**-0.5)])


@pytest.mark.parametrize("rho", RHO)
def test_projection_identities(rho: float) -> None:
    n = 9
    W = asymmetric(n)
    F, J, one = helmert(n), np.eye(n) - 1 / n, np.ones(n)
    star = F.T @ W @ F
    S = np.eye(n) - rho * W
    G = W @ np.linalg.inv(S)
    np.testing.assert_allclose(F.T @ W, star @ F.T, atol=EXACT)  # (3.1)
    det = np.linalg.det(np.eye(n - 1) - rho * star)
    assert det == pytest.approx(np.linalg.det(S) / (1 - rho), abs=EXACT)  # (3.2)
    np.testing.assert_allclose(
        np.linalg.inv(np.eye(n - 1) - rho * star), F.T @ np.linalg.inv(S) @ F, atol=EXACT
    )
    np.testing.assert_allclose(J @ W, J @ W @ J, atol=EXACT)  # (3.3)
    assert np.trace(star) == pytest.approx(np.trace(W) - 1, abs=EXACT)
    assert one @ G @ one / n == pytest.approx(1 / (1 - rho), rel=EXACT)
    R = np.eye(n) - 0.3 * asymmetric(n, seed=1)
    assert one @ R @ G @ np.linalg.inv(R) @ one / n == pytest.approx(1 / (1 - rho), rel=EXACT)
    np.testing.assert_allclose(np.linalg.inv(S) @ one, 1 / (1 - rho), rtol=EXACT)  # (3.4)


@pytest.mark.parametrize("rho", RHO)
def test_spectrum_equals_dense_algebra(rho: float) -> None:
    n = 9
    W = asymmetric(n)
    spec = spectrum(W)
    assert np.abs(spec.eigenvalues.imag).max() > 0.05  # the case that real parts get wrong
    G = W @ np.linalg.inv(np.eye(n) - rho * W)
    _, dense = np.linalg.slogdet(np.eye(n) - rho * W)
    assert float(spec.logdet(rho)) == pytest.approx(dense, abs=EXACT)
    assert spec.trace_G(rho) == pytest.approx(np.trace(G), abs=EXACT * n)
    np.testing.assert_allclose(spec.G(rho), G, atol=EXACT * 10)


@pytest.mark.parametrize("rho", RHO)
def test_projected_spectrum_equals_dense_projection(rho: float) -> None:
    n = 9
    W = asymmetric(n)
    F = helmert(n)
    star = F.T @ W @ F
    G = star @ np.linalg.inv(np.eye(n - 1) - rho * star)
    spec = spectrum(W).project()
    _, dense = np.linalg.slogdet(np.eye(n - 1) - rho * star)
    assert float(spec.logdet(rho)) == pytest.approx(dense, abs=1e-11)
    assert spec.trace_G(rho) == pytest.approx(np.trace(G), abs=1e-11)
    found = spec.G(rho)
    assert (found * found.T).sum() == pytest.approx(np.trace(G @ G), abs=1e-11)
    assert (spec.G(rho) ** 2).sum() == pytest.approx((G**2).sum(), abs=1e-11)


def test_log_determinant_by_hand() -> None:
    # Three units, each the other two's neighbour with weight 1/2: eigenvalues 1, -1/2, -1/2,
    # |I - rho W| = (1 - rho)(1 + rho/2)^2; at rho = 0.4: 0.6 * 1.44 = 0.864.
    W = (np.ones((3, 3)) - np.eye(3)) / 2
    spec = spectrum(W)
    assert np.exp(float(spec.logdet(0.4))) == pytest.approx(0.864)
    assert spec.interval == pytest.approx((-2.0, 1.0))
    # tr G = 1/(1 - .4) + 2 * (-1/2)/(1 + .2) = 1.66667 - 0.83333
    assert spec.trace_G(0.4) == pytest.approx(5 / 6)


def test_interval_without_negative_real_eigenvalue() -> None:
    # A directed triangle: eigenvalues are the cube roots of one, only 1 is real.
    W = np.roll(np.eye(3), 1, axis=1)
    assert spectrum(W).interval == pytest.approx((-1.0, 1.0))


@pytest.mark.parametrize(
    ("effects", "rows", "periods"),
    [("none", 5, 4), ("unit", 5, 3), ("time", 4, 4), ("twoway", 4, 3)],
)
def test_reduction_counts(effects, rows: int, periods: int) -> None:
    size = reduction(effects, "transformation", T=4, N=5)
    assert (size.rows, size.periods, size.nobs) == (rows, periods, rows * periods)
    assert size.projected == (effects in ("time", "twoway"))
    assert reduction(effects, "direct", T=4, N=5).nobs == 20


def test_demeaning_by_hand() -> None:
    # Two periods, two units: [[1, 2], [3, 8]]; grand mean 3.5, rows 1.5 5.5, columns 2 5.
    x = np.array([[1.0, 2.0], [3.0, 8.0]])
    np.testing.assert_allclose(demean(x, "unit"), [[-1, -3], [1, 3]])
    np.testing.assert_allclose(demean(x, "time"), [[-0.5, 0.5], [-2.5, 2.5]])
    np.testing.assert_allclose(demean(x, "twoway"), [[1, -1], [-1, 1]])
    np.testing.assert_allclose(demean(x, "none"), x)


def test_moments_by_hand() -> None:
    # z = (1, 1), y = (1, 3), w = (0, 2): d = 2 - rho * 1, residuals of y (-1, 1), of w (-1, 1),
    # so SSE = 2 (1 - rho)^2.
    y, w = np.array([1.0, 3.0]), np.array([0.0, 2.0])
    m = reduce_columns(np.ones((2, 1)), y, w, ("z",), nobs=3).at(0.0)
    assert m.coefficients(0.5)[0] == pytest.approx(1.5)
    assert float(m.sse(0.5)) == pytest.approx(0.5)
    assert m.sse_slope(0.5) == pytest.approx(-2.0)


def test_filtered_moments_equal_a_fresh_decomposition() -> None:
    rng = np.random.default_rng(2)
    Z, y, w = rng.standard_normal((30, 2)), *rng.standard_normal((2, 30))
    lags = rng.standard_normal((30, 2)), *rng.standard_normal((2, 30))
    triangle = reduce_columns(Z, y, w, ("a", "b"), 30, lagged=lags)
    own = [part - 0.4 * lag for part, lag in zip((Z, y, w), lags, strict=True)]
    fresh = reduce_columns(*own, ("a", "b"), 30).at(0.0)
    found = triangle.at(0.4)
    np.testing.assert_allclose(found.coefficients(0.3), fresh.coefficients(0.3))
    assert float(found.sse(0.3)) == pytest.approx(float(fresh.sse(0.3)))
    v, lag = triangle.residuals(0.4, 0.3, found.coefficients(0.3))
    assert v @ v == pytest.approx(float(found.sse(0.3)))
    u = y - 0.3 * w - Z @ found.coefficients(0.3)
    mu = lags[1] - 0.3 * lags[2] - lags[0] @ found.coefficients(0.3)
    assert lag @ lag == pytest.approx(mu @ mu)
    assert v @ lag == pytest.approx((u - 0.4 * mu) @ mu)


def test_dependent_columns_are_named() -> None:
    rng = np.random.default_rng(1)
    Z = rng.standard_normal((20, 3))
    Z = np.column_stack([Z, 2 * Z[:, 0] - Z[:, 2]])
    y, w = rng.standard_normal((2, 20))
    with pytest.raises(IdentificationError, match=r"'d' is a linear combination of a, c "):
        reduce_columns(Z, y, w, ("a", "b", "c", "d"), 20)


def test_more_coefficients_than_observations() -> None:
    with pytest.raises(IdentificationError, match="4 coefficients on 4 observations net of"):
        reduce_columns(np.eye(6)[:, :3], np.arange(6.0), np.ones(6), ("a", "b", "c"), nobs=4)


def test_defective_weights_keep_their_interval() -> None:
    """Zero eigenvalues of defective matrices come out as small numbers; they bound nothing."""
    neighbours = [[1, 3], [0, 4], [1, 4], [0, 2], [0, 2]]
    W = np.zeros((5, 5))
    for i, row in enumerate(neighbours):
        W[i, row] = 0.5
    lower, upper = spectrum(W).interval
    assert -5.0 <= lower < -0.5
    assert upper == pytest.approx(1.0)


def test_equal_weights_do_not_identify_rho() -> None:
    W = (np.ones((6, 6)) - np.eye(6)) / 5
    assert spectrum(W).identifies()
    assert not spectrum(W).project().identifies()
    assert spectrum(asymmetric(6)).project().identifies()


def test_slopes_over_lam_are_those_of_each_lam() -> None:
    """v'Mu / v'v by the many-at-once route against residuals at the coefficients of each lam."""
    rng = np.random.default_rng(0)
    columns, lags = rng.standard_normal((2, 40, 5))
    found = reduce_columns(
        columns[:, :3],
        columns[:, 3],
        columns[:, 4],
        ("a", "b", "c"),
        40,
        lagged=(lags[:, :3], lags[:, 3], lags[:, 4]),
    )
    lam = np.array([-0.7, 0.0, 0.4])
    each = []
    for value in lam:
        v, lagged = found.residuals(value, 0.0, found.at(value).coefficients(0.0))
        each.append(lagged @ v / (v @ v))
    np.testing.assert_allclose(found.slopes(lam), each, rtol=1e-12)
    np.testing.assert_allclose(found.along(lam)[2], [float(found.at(x).sse(0.0)) for x in lam])
