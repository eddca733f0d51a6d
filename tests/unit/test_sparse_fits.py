"""Fits on sparse spectra are those on eigenvalues."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

import ccec_econ as ce
from ccec_econ.engine import choice, remembered, sparse_weights
from ccec_econ.engine.conjugate import Conjugate
from ccec_econ.engine.forms import dense, pair_written
from ccec_econ.engine.sparse_spectrum import SparseSpectrum, sparse_spectrum
from ccec_econ.engine.sparse_weights import pairs_by_signs
from ccec_econ.errors import IdentificationError
from ccec_econ.weights import from_matrix, nearest_of

FORMULA = "y ~ a + b | unit + year"
N, T = 50, 6


@pytest.fixture(scope="module")
def sample() -> tuple[pd.DataFrame, object]:
    rng = np.random.default_rng(8)
    place = rng.random((N, 2))
    W = nearest_of(np.linalg.norm(place[:, None] - place, axis=2), 4)
    x = rng.standard_normal((T, N, 2))
    mean = x @ [1.0, -0.5] + np.einsum("ij,tj->ti", W, x[..., 0]) + rng.standard_normal((T, N))
    y = np.linalg.solve(np.eye(N) - 0.4 * W, mean.T).T
    index = pd.MultiIndex.from_product([range(N), range(T)], names=["unit", "year"])
    columns = {"y": y, "a": x[..., 0], "b": x[..., 1]}
    data = pd.DataFrame({name: value.T.ravel() for name, value in columns.items()}, index=index)
    return data, from_matrix(W, pd.RangeIndex(N))


@pytest.fixture
def sparse(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def switch() -> None:
        monkeypatch.setattr(choice, "_EIGEN_UNITS", 0)
        monkeypatch.setattr(choice, "_COMPLEX_UNITS", 0)
        monkeypatch.setattr(choice, "_FULL", 1.0)
        monkeypatch.setattr(remembered, "_known", {})

    return switch


def same(one: object, other: object) -> None:
    np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=2e-7, atol=1e-8)


@pytest.mark.parametrize("verb", [ce.slx, ce.sar, ce.sdm, ce.sem, ce.sdem, ce.sac])
@pytest.mark.parametrize("effects", ["unit + year", "unit", "0"])
def test_same_fit(
    sample: tuple[pd.DataFrame, object], sparse: Callable[[], None], verb, effects: str
) -> None:
    data, W = sample
    formula = "y ~ a + b" if effects == "0" else f"y ~ a + b | {effects}"
    fit = verb(formula, data, W)
    sparse()
    again = verb(formula, data, W)
    assert type(again.estimate.weights or again.estimate.error or again.estimate.x_weights) is (
        SparseSpectrum
    )
    same(again.params, fit.params)
    same(again.std_errors, fit.std_errors)
    same(again.loglik, fit.loglik)
    same(again.effects(draws=50).frame, fit.effects(draws=50).frame)


@pytest.mark.parametrize("cov", [ce.QuasiML(), ce.Cluster("unit"), ce.Cluster("time")])
def test_same_covariances(
    sample: tuple[pd.DataFrame, object], sparse: Callable[[], None], cov: object
) -> None:
    data, W = sample
    fit = ce.sar("y ~ a | unit + year", data, W, cov=cov)
    sparse()
    same(ce.sar("y ~ a | unit + year", data, W, cov=cov).std_errors, fit.std_errors)


def test_same_beyond_averages(
    sample: tuple[pd.DataFrame, object], sparse: Callable[[], None]
) -> None:
    data, W = sample
    groups = pd.Series(["north", "south"] * (N // 2))

    def found() -> list[object]:
        fit = ce.sdm(FORMULA, data, W)
        return [
            ce.group_effects(fit, groups, draws=50).matrix("a"),
            ce.effects_by_order(fit, orders_shown=2, draws=50).frame,
            [t.statistic for t in ce.lm_tests(ce.ols(FORMULA, data), W, draws=19)],
            ce.sdm("y ~ a | unit + year", data, W, method="bias_corrected").params,
        ]

    before = found()
    sparse()
    for one, other in zip(found(), before, strict=True):
        same(one, other)


def test_same_with_spectral_scale(
    sample: tuple[pd.DataFrame, object], sparse: Callable[[], None]
) -> None:
    data, W = sample
    W = binary_scaled(W)

    def found() -> list[object]:
        return [
            ce.sar("y ~ a | unit", data, W).params,
            ce.sdm("y ~ L(y) + a | unit", data, W).effects(horizon="long", draws=60).frame,
            ce.effects_by_order(ce.sdm("y ~ a | unit", data, W), draws=300).frame,
        ]

    before = found()
    sparse()
    for one, other in zip(found(), before, strict=True):
        np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=1e-5, atol=1e-6)


def binary_scaled(graph: object) -> object:
    """Symmetric weights scaled by their largest eigenvalue."""
    W = ce.weights.align(graph, pd.RangeIndex(N))
    linked = (W + W.T > 0.0) * 1.0
    return from_matrix(linked / np.linalg.eigvalsh(linked).max(), pd.RangeIndex(N))


@pytest.mark.parametrize("errors", ["the same weights", "other weights"])
@pytest.mark.parametrize("effects", ["unit + year", "unit"])
def test_both_lags_without_a_dense_matrix(
    sample: tuple[pd.DataFrame, object],
    sparse: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    errors: str,
    effects: str,
) -> None:
    data, W = sample
    formula = f"y ~ a + b | {effects}"
    M = None if errors == "the same weights" else lattice(N)
    fit = ce.sac(formula, data, W, error_weights=M)
    sparse()
    monkeypatch.setattr(sparse_weights, "_DENSE_UNITS", 10)
    again = ce.sac(formula, data, W, error_weights=M)
    same(again.params, fit.params)
    np.testing.assert_allclose(again.std_errors, fit.std_errors, rtol=0.02)  # Monte Carlo
    assert "traces of both lags from vectors of random signs" in str(again)
    with pytest.raises(IdentificationError, match="dense matrix of 50 by 50"):
        ce.sac(formula, data, W, error_weights=M, cov=ce.QuasiML())


def lattice(units: int) -> object:
    """Neighbours on a line."""
    linked = np.eye(units, k=1) + np.eye(units, k=-1)
    return from_matrix(linked / linked.sum(axis=1, keepdims=True), pd.RangeIndex(units))


@pytest.mark.parametrize("seed", range(4))
def test_errors_of_both_lags_where_little_tells_them_apart(
    sparse: Callable[[], None], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """A weak regressor, the same weights twice: information is nearly singular."""
    rng = np.random.default_rng(seed)
    place = rng.random((60, 2))
    W = nearest_of(np.linalg.norm(place[:, None] - place, axis=2), 4)
    filtered = np.linalg.inv(np.eye(60) - 0.4 * W)
    x = rng.standard_normal((4, 60))
    y = (0.1 * x + rng.standard_normal((4, 60)) @ filtered.T) @ filtered.T
    index = pd.MultiIndex.from_product([range(60), range(4)], names=["unit", "year"])
    data = pd.DataFrame({"y": y.T.ravel(), "a": x.T.ravel()}, index=index)
    graph = from_matrix(W, pd.RangeIndex(60))
    sparse()
    exact = ce.sac("y ~ a | unit", data, graph)
    monkeypatch.setattr(sparse_weights, "_DENSE_UNITS", 10)
    again = ce.sac("y ~ a | unit", data, graph)
    np.testing.assert_allclose(again.std_errors, exact.std_errors, rtol=0.01)


@pytest.mark.filterwarnings("error")
def test_lm_tests_need_no_signs(
    sample: tuple[pd.DataFrame, object],
    sparse: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where rho or lam is zero the traces of both lags are exact, also without a dense matrix."""
    data, W = sample

    def found() -> list[float]:
        tests = ce.lm_tests(ce.ols(FORMULA, data), W, draws=19)
        return [test.statistic for test in tests]

    before = found()
    sparse()
    monkeypatch.setattr(sparse_weights, "_DENSE_UNITS", 10)
    same(found(), before)


def test_a_note_is_of_its_fit(
    sample: tuple[pd.DataFrame, object],
    sparse: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data, W = sample
    sparse()
    monkeypatch.setattr(sparse_weights, "_DENSE_UNITS", 10)
    prepared = ce.weights.prepare(W, logdet="factors")
    assert "both lags" in str(ce.sac("y ~ a | unit", data, prepared))
    assert "both lags" not in str(ce.sar("y ~ a | unit", data, prepared))


def test_pairs_of_forms_by_signs() -> None:
    """Against matrices written out: tr(AB) + tr(A'B), projected, within five errors."""
    W = csr_array(ce.weights.align(lattice(N), pd.RangeIndex(N)))
    near = nearest_of(np.random.default_rng(2).random((N, N)), 3)
    own, error = sparse_spectrum(W).project(), sparse_spectrum(csr_array(near)).project()
    B = Conjugate(own.form(0.6), error.form(-0.4), error, -0.4)
    forms = [B, error.form(-0.4)]
    found = pairs_by_signs(forms, error, -0.4)
    exact = np.array([[pair_written(dense(A), dense(C)) for C in forms] for A in forms])
    np.testing.assert_allclose(found, exact, rtol=0.02)
    np.testing.assert_array_equal(found, found.T)
    assert (found != exact).all()
    apart, truth = (q[0, 0] - q[0, 1] ** 2 / q[1, 1] for q in (found, exact))
    assert apart == pytest.approx(truth, rel=5.0 * error._held["error of both lags", -0.4])
    columns = np.random.default_rng(1).standard_normal((2, N))
    np.testing.assert_allclose(B.times(columns), columns @ B.dense()[0].T, atol=1e-12)
    assert B.trace() == pytest.approx(float(np.trace(B.dense()[0])), abs=1e-7)
    assert B.pair(forms[1]) == pytest.approx(exact[0, 1], abs=1e-9)


def test_notes_say_how(sample: tuple[pd.DataFrame, object], sparse: Callable[[], None]) -> None:
    data, W = sample
    assert "sparse factors" not in str(ce.sar(FORMULA, data, W))
    sparse()
    assert "sparse factors" in str(ce.sar(FORMULA, data, W))
    assert "sparse factors" not in str(ce.slx(FORMULA, data, W))
