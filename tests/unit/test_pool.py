"""One pool of columns gives every model on some of them; prepared spectra give the plain forms."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from ccec_econ.engine import forms
from ccec_econ.engine.estimate import Columns, estimate
from ccec_econ.engine.pool import Pool, pool
from ccec_econ.engine.prepared import PreparedSpectrum, eigen_basis, prepared
from ccec_econ.engine.sparse_spectrum import sparse_spectrum
from ccec_econ.engine.spectrum import Spectrum, spectrum
from ccec_econ.engine.transform import EffectsName
from ccec_econ.errors import IdentificationError
from ccec_econ.inference.cluster import Cluster
from ccec_econ.inference.vcov import Information, QuasiML

SAME = 1e-10
N, T, K = 9, 6, 3


def ring(n: int) -> NDArray[np.float64]:
    """Row-standardised borders of a path: symmetric up to the numbers of neighbours."""
    C = np.eye(n, k=1) + np.eye(n, k=-1)
    return C / C.sum(axis=1, keepdims=True)


def uneven(n: int) -> NDArray[np.float64]:
    """Row-standardised weights with complex eigenvalues."""
    W = np.random.default_rng(5).random((n, n))
    np.fill_diagonal(W, 0.0)
    return W / W.sum(axis=1, keepdims=True)


def defective(n: int) -> NDArray[np.float64]:
    """Everybody's only neighbour is the unit before, that of the first one the second."""
    W = np.eye(n, k=-1)
    W[0, 1] = 1.0
    return W


def panel(W: NDArray[np.float64]) -> Columns:
    """Columns x0..x2 and their lags."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((T, N, K))
    mean = X.sum(axis=2) + rng.standard_normal((T, N))
    y = np.linalg.solve(np.eye(N) - 0.3 * W, mean.T).T
    names = tuple(f"x{k}" for k in range(K))
    return Columns(
        y,
        np.concatenate([X, np.einsum("ij,tjk->tik", W, X)], axis=2),
        names + tuple(f"W({name})" for name in names),
        (None,) * K + names,
    )


def chosen(columns: Columns, kept: list[int]) -> Columns:
    """Some of the columns."""
    return Columns(
        columns.y,
        columns.X[:, :, kept],
        tuple(columns.terms[j] for j in kept),
        tuple(columns.lag_of[j] for j in kept),
    )


@pytest.mark.parametrize("build", [ring, uneven, defective])
@pytest.mark.parametrize("rho", [-0.4, 0.0, 0.7])
def test_prepared_forms_are_the_plain_ones(build: object, rho: float) -> None:
    W = build(N)  # type: ignore[operator]
    plain, ready = spectrum(W), prepared(spectrum(W))
    x = np.random.default_rng(0).standard_normal((T, N))
    for a, b in ((plain, ready), (plain.project(), ready.project())):
        A, B, C = a.form(rho), b.form(rho), b.form(0.2)
        np.testing.assert_allclose(forms.applied(B, x), forms.applied(A, x), atol=SAME)
        np.testing.assert_allclose(forms.dense(B), forms.dense(A), atol=SAME)
        assert forms.trace(B) == pytest.approx(forms.trace(A), abs=SAME)
        assert forms.pair(B, B) == pytest.approx(forms.pair(A, A), abs=SAME)
        assert forms.pair(B, C) == pytest.approx(forms.pair(A, a.form(0.2)), abs=SAME)
        assert forms.pair(B, A) == pytest.approx(forms.pair(A, A), abs=SAME)
        np.testing.assert_array_equal(b.logdet(b.nodes), a.logdet(a.nodes))
        assert b.identifies() == a.identifies()
        assert b.trace_G(rho) == a.trace_G(rho)


def test_bases_by_kind_of_weights() -> None:
    real, complex_ = eigen_basis(ring(N)), eigen_basis(uneven(N))
    assert real is not None
    assert complex_ is not None
    assert real.values.dtype == np.float64
    assert complex_.values.dtype == np.complex128
    assert eigen_basis(defective(N)) is None
    apart = np.zeros((7, 7))
    apart[:3, :3], apart[3:, 3:] = ring(3), ring(4)  # two parts, each with a scale of its own
    found = eigen_basis(apart)
    assert found is not None
    np.testing.assert_allclose((found.right * found.values) @ found.left, apart, atol=1e-12)


def test_sparse_spectra_are_left_as_they_are() -> None:
    from scipy.sparse import csr_array

    sparse = sparse_spectrum(csr_array(ring(12)))
    assert prepared(sparse) is sparse
    ready = prepared(spectrum(ring(5)))
    assert isinstance(ready, PreparedSpectrum)
    assert prepared(ready) is ready


def fresh(columns: Columns, W: Spectrum, effects: EffectsName, *, y: bool, u: bool) -> object:
    """The same model from its own columns."""
    return estimate(
        columns,
        weights=W,
        x_weights=W,
        error_weights=W if u else None,
        lag_y=y,
        effects=effects,
        method="transformation",
    )


@pytest.mark.parametrize("effects", get_args(EffectsName))
@pytest.mark.parametrize(("lag_y", "lag_u"), [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("build", [ring, uneven, defective])
def test_every_model_is_the_fresh_fit(
    build: object, lag_y: bool, lag_u: bool, effects: EffectsName
) -> None:
    W = build(N)  # type: ignore[operator]
    columns, plain = panel(W), spectrum(W)
    both = pool(columns, weights=prepared(plain), effects=effects, lag_u=True)
    for kept in ([0], [2, 0, 5]):
        found = both.fit(kept, lag_y=lag_y, lag_u=lag_u)
        own = fresh(chosen(columns, kept), plain, effects, y=lag_y, u=lag_u)
        assert_alike(found, own)


def assert_alike(found: object, own: object) -> None:
    """Compare optima and three covariances."""
    a, b = found.optimum, own.optimum  # type: ignore[attr-defined]
    np.testing.assert_allclose(a.coefficients, b.coefficients, atol=SAME)
    assert (a.rho, a.lam) == pytest.approx((b.rho, b.lam), abs=SAME)
    assert (a.sigma2, a.loglik) == pytest.approx((b.sigma2, b.loglik), rel=SAME)
    for cov in (Information(), QuasiML(), Cluster("unit")):
        np.testing.assert_allclose(
            cov(found).matrix,  # type: ignore[arg-type]
            cov(own).matrix,  # type: ignore[arg-type]
            rtol=1e-8,
            atol=SAME,
        )


def test_another_response() -> None:
    columns = panel(ring(N))
    plain, y = spectrum(ring(N)), columns.y**2 + columns.X[:, :, 1]
    one = pool(columns, weights=prepared(plain), effects="twoway", lag_u=True).responding(y)
    other = chosen(Columns(y, columns.X, columns.terms, columns.lag_of), [0, 1])
    for lag_y, lag_u in ((True, False), (False, True)):
        found = one.fit([0, 1], lag_y=lag_y, lag_u=lag_u)
        assert_alike(found, fresh(other, plain, "twoway", y=lag_y, u=lag_u))


def degenerate() -> Pool:
    """Columns that vanish, repeat and are the response beside good ones."""
    columns = panel(ring(N))
    still = np.broadcast_to(np.arange(N, dtype=float), (T, N))
    good = columns.X[:, :, :1]
    X = np.concatenate([good, still[:, :, None], 2.0 * good, columns.y[:, :, None]], axis=2)
    terms = ("good", "still", "twice", "same")
    ready = prepared(spectrum(ring(N)))
    return pool(Columns(columns.y, X, terms, (None,) * 4), weights=ready, effects="twoway")


def test_only_the_model_that_takes_a_bad_column_is_refused() -> None:
    bad = degenerate()
    assert np.isfinite(bad.fit([0], lag_y=True, lag_u=False).optimum.loglik)
    with pytest.raises(IdentificationError, match="no variation left in still"):
        bad.fit([0, 1], lag_y=True, lag_u=False)
    with pytest.raises(IdentificationError, match="'twice' is a linear combination of good"):
        bad.fit([0, 2], lag_y=False, lag_u=False)
    with pytest.raises(IdentificationError, match="explain the response exactly"):
        bad.fit([0, 3], lag_y=False, lag_u=False)


def test_no_regressor_is_a_model_too() -> None:
    columns = panel(ring(N))
    ready = prepared(spectrum(ring(N)))
    empty = pool(columns, weights=ready, effects="twoway").fit([], lag_y=True, lag_u=False)
    assert empty.optimum.coefficients.shape == (0,)
    v = empty.residuals
    assert float((v**2).sum()) / empty.reduction.nobs == pytest.approx(empty.optimum.sigma2)
