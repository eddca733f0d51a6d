"""Searches for maxima over sparse log-determinants: bounds, planted turns, counts."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from ccec_econ.engine.estimate import Columns, estimate
from ccec_econ.engine.likelihood import Likelihood
from ccec_econ.engine.slope_bounds import ceilings, concave_bounds, slope_bounds
from ccec_econ.engine.sparse_spectrum import SparseSpectrum, sparse_spectrum
from ccec_econ.engine.spectrum import EigenSpectrum, spectrum
from ccec_econ.errors import ConvergenceError
from ccec_econ.weights import nearest_of

ROUNDING = 1e-8  # of bounds that hold with equality, on slopes of up to a few thousand


def grid(side: int) -> csr_array:
    """Rook neighbours on a square, row-standardised: real eigenvalues."""
    place = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2)
    near = np.abs(place[:, None] - place).sum(axis=2) == 1
    return csr_array(near / near.sum(axis=1, keepdims=True))


def nearest(N: int) -> csr_array:
    """Asymmetric, complex eigenvalues."""
    place = np.random.default_rng(3).random((N, 2))
    return csr_array(nearest_of(np.linalg.norm(place[:, None] - place, axis=2), 4))


def forward(N: int) -> csr_array:
    """Every unit looks at the next two on a ring: eigenvalues far off the real line."""
    I = np.eye(N)  # noqa: E741
    return csr_array((np.roll(I, 1, axis=1) + np.roll(I, 2, axis=1)) / 2.0)


WEIGHTS = {"grid": grid(12), "nearest": nearest(150), "forward": forward(120)}


@pytest.fixture(params=list(WEIGHTS))
def pair(request: pytest.FixtureRequest) -> tuple[SparseSpectrum, EigenSpectrum]:
    W = WEIGHTS[request.param]
    return sparse_spectrum(W), spectrum(W.toarray())


def counted(W: csr_array) -> tuple[SparseSpectrum, list[float]]:
    """Spectrum that notes where it factorised."""
    made, seen = sparse_spectrum(W), []

    def exact(rho: float) -> float:
        seen.append(rho)
        return made.f.exact(rho)

    return replace(made, f=replace(made.f, exact=exact)), seen


@pytest.mark.parametrize("places", [[], [0.9], [0.5, 0.99], [0.1, 0.4, 0.41, 0.8, 0.999]])
def test_bounds_hold(pair: tuple[SparseSpectrum, EigenSpectrum], places: list[float]) -> None:
    sparse, eigen = pair
    rho = np.linspace(-0.995, 0.995, 399)
    values = {sign * at: float(eigen.logdet(sign * at)) for at in places for sign in (-1.0, 1.0)}
    lower, upper = slope_bounds(values, sparse.f.traces, rho)
    slope = -eigen.traces_G(rho)
    assert (lower <= slope + ROUNDING).all()
    assert (upper >= slope - ROUNDING).all()
    if len(places) == 5:
        inside = (np.abs(rho) > 0.1) & (np.abs(rho) < 0.4)
        assert (upper - lower)[inside].max() < 0.02 * sparse.N


@pytest.mark.parametrize("places", [[], [0.9], [0.5, 0.99], [0.1, 0.4, 0.41, 0.8, 0.999]])
def test_ceilings_hold(pair: tuple[SparseSpectrum, EigenSpectrum], places: list[float]) -> None:
    sparse, eigen = pair
    rho = np.linspace(-0.995, 0.995, 399)
    values = {sign * at: float(eigen.logdet(sign * at)) for at in places for sign in (-1.0, 1.0)}
    excess = ceilings(values, sparse.f.traces, rho) - eigen.logdet(rho)
    assert (excess >= -ROUNDING).all()
    assert np.isfinite(excess[rho > 0.0]).all()
    if len(places) == 5:
        assert np.isfinite(excess).all()
        assert excess[np.abs(rho) < 0.8].max() < 0.01 * sparse.N


def test_ceiling_by_the_lengths_of_rows(pair: tuple[SparseSpectrum, EigenSpectrum]) -> None:
    sparse, eigen = pair
    rho = np.linspace(-0.995, 0.0, 200)
    bound = sparse.f._ceilings(rho)  # no value is known yet
    assert (bound >= eigen.logdet(rho)).all()
    W = sparse.matrix.toarray()
    rows = [np.linalg.norm(np.eye(sparse.N) - one * W, axis=1) for one in rho]
    assert (bound >= np.log(rows).sum(axis=1) - ROUNDING).all()  # Jensen


def test_bounds_of_concave_functions() -> None:
    values = {at: float(np.log1p(-(at**2))) for at in (-0.8, -0.2, 0.3, 0.9)}
    rho = np.linspace(-0.95, 0.95, 191)
    lower, upper = concave_bounds(values, 0.0, rho)
    slope = -2.0 * rho / (1.0 - rho**2)
    assert (lower <= slope + ROUNDING).all()
    assert (upper >= slope - ROUNDING).all()
    # right of zero and left of 0.3 the tangent at zero bounds above, the chord on (0.3, 0.9) below
    chord = (np.log(1 - 0.81) - np.log(1 - 0.09)) / 0.6
    at = int(np.searchsorted(rho, 0.15))
    assert (lower[at], upper[at]) == (pytest.approx(chord), 0.0)


def test_kinds_of_weights(pair: tuple[SparseSpectrum, EigenSpectrum]) -> None:
    sparse, eigen = pair
    real = bool(np.abs(eigen.eigenvalues.imag).max() < 1e-6)
    assert sparse.f.real == real
    k = np.arange(1, len(sparse.f.traces) + 1)
    powers = (eigen.eigenvalues[:, None] ** k).sum(axis=0).real
    np.testing.assert_allclose(sparse.f.traces, powers, atol=1e-8)


@pytest.mark.parametrize("turns", [3.5, 4.0, 7.0])
def test_no_planted_turn_is_missed(
    pair: tuple[SparseSpectrum, EigenSpectrum], turns: float
) -> None:
    sparse, eigen = pair

    def wave(rho: np.ndarray) -> np.ndarray:
        return 0.05 * sparse.N * np.sin(turns * rho + 0.3)

    def profile(rho: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        height = -0.05 * sparse.N * np.cos(turns * rho + 0.3) / turns
        return height - eigen.logdet(rho), wave(rho) + eigen.traces_G(rho)

    found = sparse.search(profile, 400)
    fine = np.linspace(-0.999, 0.999, 20_001)
    sign = np.sign(wave(fine))
    zeros = fine[:-1][(sign[:-1] > 0) & (sign[1:] < 0)]  # maxima
    zeros = zeros[np.abs(zeros) < 0.94]
    assert len(zeros)
    for zero in zeros:
        right = int(np.searchsorted(found, zero))
        assert 1 < right < len(found) - 1
        assert found[right] - found[right - 1] < 0.03
        sides = found[[right - 2, right + 1]]
        slopes = eigen.traces_G(sides) - sparse.traces_G(sides) + wave(sides)
        assert slopes[0] > 0.0 > slopes[1]


def sample(W: csr_array, rho: float) -> Columns:
    rng = np.random.default_rng(5)
    N = W.shape[0]
    x = rng.standard_normal((4, N))
    signal = x + rng.standard_normal((4, N))
    y = np.linalg.solve(np.eye(N) - rho * W.toarray(), signal.T).T
    return Columns(y, x[..., None], ("x",), (None,))


@pytest.mark.parametrize(("rho", "most"), [(-0.6, 15), (0.0, 15), (0.4, 15), (0.9, 17)])
@pytest.mark.parametrize("model", ["sar", "sem"])
@pytest.mark.parametrize("effects", ["none", "twoway"])
def test_few_factorisations_find_the_maximum(
    rho: float, most: int, model: str, effects: str
) -> None:
    W = grid(33)
    sparse, seen = counted(W)
    columns, rest = sample(W, rho), {"x_weights": None, "method": "transformation"}

    def fitted(weights: object) -> object:
        own, error = (weights, None) if model == "sar" else (None, weights)
        return estimate(
            columns, weights=own, error_weights=error, lag_y=model == "sar", effects=effects, **rest
        )

    fit = fitted(sparse).optimum
    assert len(seen) <= most
    exact = fitted(_EIGEN).optimum
    np.testing.assert_allclose([fit.rho, fit.lam], [exact.rho, exact.lam], atol=1e-8)
    assert fit.loglik == pytest.approx(exact.loglik, abs=1e-8)


_EIGEN = spectrum(grid(33).toarray())


def test_search_beside_complex_eigenvalues() -> None:
    W = nearest(400)
    sparse, seen = counted(W)
    columns = sample(W, 0.5)
    rest = {"x_weights": None, "error_weights": None, "lag_y": True, "method": "transformation"}
    fit = estimate(columns, weights=sparse, effects="twoway", **rest)
    exact = estimate(columns, weights=spectrum(W.toarray()), effects="twoway", **rest)
    assert len(seen) <= 15
    assert fit.optimum.rho == pytest.approx(exact.optimum.rho, abs=1e-8)
    assert len(fit.others) == len(exact.others)


def test_sharp_peaks_beside_known_values_are_found() -> None:
    """Almost no noise and rho close to zero, where the value is known without looking."""
    W = nearest(100)
    eigen = spectrum(W.toarray())
    rest = {"x_weights": None, "error_weights": None, "lag_y": True, "method": "transformation"}
    for seed in range(40):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((3, 100))
        y = x + 0.003 * rng.standard_normal((3, 100))
        columns = Columns(y, x[..., None], ("x",), (None,))
        found = estimate(columns, weights=sparse_spectrum(W), effects="twoway", **rest).optimum
        exact = estimate(columns, weights=eigen, effects="twoway", **rest).optimum
        assert found.rho == pytest.approx(exact.rho, abs=1e-8)
        assert found.loglik == pytest.approx(exact.loglik, abs=1e-6)


@pytest.mark.filterwarnings("error")
def test_real_eigenvalues_of_any_scale() -> None:
    """Symmetric weights with a radius below one, whose interval of rho reaches beyond one."""
    linked = (np.random.default_rng(0).random((60, 60)) < 0.05) * 1.0
    linked = np.maximum(linked, linked.T) * (1.0 - np.eye(60))
    linked = np.maximum(linked, np.eye(60, k=1) + np.eye(60, k=-1))
    W = csr_array(linked / linked.sum(axis=1).max())
    sparse, eigen = sparse_spectrum(W), spectrum(W.toarray())
    assert sparse.f.real
    assert sparse.f.radius < 0.8
    rest = {"x_weights": None, "error_weights": None, "lag_y": True, "method": "transformation"}
    for rho in (1.2, -0.9, 1.1, 0.4, -0.2, 0.9):  # one spectrum for all
        columns = sample(W, rho)
        found = estimate(columns, weights=sparse, effects="unit", **rest).optimum
        exact = estimate(columns, weights=eigen, effects="unit", **rest).optimum
        assert found.rho == pytest.approx(exact.rho, abs=1e-7)


def test_border_is_refused_with_the_whole_interval() -> None:
    W = grid(12)
    columns = sample(W, 0.3)
    fit = estimate(
        columns,
        weights=sparse_spectrum(W),
        x_weights=None,
        error_weights=None,
        lag_y=True,
        effects="none",
        method="transformation",
    )
    triangle = replace(fit.triangle, own=_rising(fit.triangle.own))
    rising = Likelihood(triangle, fit.spectrum, None, 400 * fit.reduction.nobs, 1)
    with pytest.raises(ConvergenceError, match=r"interval \(-1\.0000, 1\.0000\)"):
        rising.maxima()


def _rising(own: np.ndarray) -> np.ndarray:
    """Columns [z, y, Wy] of which y is 1.5 times Wy but for a small rest."""
    out = own.copy()
    out[:, -1] = np.linspace(1.0, 2.0, len(own)) * np.linalg.norm(own[:, 1])
    out[:, -2] = 1.5 * out[:, -1] + 0.5 * own[:, -2]
    return out
