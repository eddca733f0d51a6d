"""Log-determinants from traces of powers: against eigenvalues, and their Monte Carlo error."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

import ccec_econ as ce
from ccec_econ.engine import choice, sparse_spectrum, sparse_weights
from ccec_econ.engine.choice import separator, spectrum_of
from ccec_econ.engine.forms import applied, pair, trace
from ccec_econ.engine.information import inverse_information
from ccec_econ.engine.moment_spectrum import MomentSpectrum, moment_spectrum
from ccec_econ.engine.sparse_spectrum import SparseSpectrum
from ccec_econ.engine.spectrum import EigenSpectrum, spectrum
from ccec_econ.errors import ConvergenceError, IdentificationError, WeightsError
from ccec_econ.inference.vcov import Covariance, monte_carlo
from ccec_econ.models.prepared import spectrum_for
from ccec_econ.weights import align_sparse, from_matrix, nearest_of, prepare

N, T = 300, 4
RHOS = np.array([-0.8, -0.3, 0.4, 0.8, 0.94])
SEEDS = 40


@pytest.fixture(scope="module")
def W() -> np.ndarray:
    place = np.random.default_rng(3).random((N, 2))
    return nearest_of(np.linalg.norm(place[:, None] - place, axis=2), 5)


def test_errors_are_as_large_as_they_say(W: np.ndarray) -> None:
    eigen, off = spectrum(W), []
    for seed in range(SEEDS):
        found = moment_spectrum(csr_array(W), probes=32, seed=seed)
        logdet = (found.logdet(RHOS) - eigen.logdet(RHOS)) / [found.error(r) for r in RHOS]
        traces = (found.traces_G(RHOS) - eigen.traces_G(RHOS)) / [found.noise(r) for r in RHOS]
        off.append([logdet, traces])
    size = np.sqrt(np.mean(np.square(off), axis=0))  # near one: its own error is 1 / sqrt(80)
    assert size.min() > 0.65
    assert size.max() < 1.45


def test_first_traces_are_exact(W: np.ndarray) -> None:
    found = moment_spectrum(csr_array(W), probes=2, powers=10)
    powers = [np.trace(np.linalg.matrix_power(W, k)) for k in (1, 2, 3, 4)]
    np.testing.assert_allclose(found.powers[:, :4], np.tile(powers, (2, 1)), atol=1e-10)
    assert found.noise(0.0) == found.error(0.0) == 0.0
    w = np.linalg.eigvals(W)
    kept = sum((0.5 * w) ** k / k for k in range(1, 11)).sum().real
    change = abs(-kept - np.log(np.abs(1.0 - 0.5 * w)).sum())
    assert change < found.left_out(0.5)  # the powers left out, without any chance


@pytest.mark.parametrize("projected", [False, True], ids=["levels", "projected"])
def test_form(W: np.ndarray, projected: bool) -> None:
    found, eigen = moment_spectrum(csr_array(W), probes=256), spectrum(W)
    own = found.project() if projected else found
    G = (eigen.project() if projected else eigen).form(0.6)
    form = own.form(0.6)
    columns = np.random.default_rng(0).standard_normal((3, N))
    np.testing.assert_allclose(applied(form, columns), applied(G, columns), atol=1e-11)
    np.testing.assert_allclose(own.solve(0.6, columns), eigen.solve(0.6, columns), atol=1e-12)
    assert trace(form) == pytest.approx(trace(G), abs=6.0 * found.noise(0.6))
    assert pair(form, form) == pytest.approx(pair(G, G), rel=0.02)


def panel(W: np.ndarray) -> pd.DataFrame:
    rng = np.random.default_rng(8)
    x = rng.standard_normal((T, N))
    y = np.linalg.solve(np.eye(N) - 0.5 * W, (x + rng.standard_normal((T, N))).T).T
    index = pd.MultiIndex.from_product([range(N), range(T)], names=["unit", "year"])
    return pd.DataFrame({"y": y.T.ravel(), "x": x.T.ravel()}, index=index)


@pytest.mark.parametrize("model", ["sar", "sem"])
def test_error_enters_standard_errors(W: np.ndarray, model: str) -> None:
    data, graph = panel(W), from_matrix(W, range(N))
    verb, formula = getattr(ce, model), "y ~ x | unit + year"
    name = "rho" if model == "sar" else "lam"
    fits = [
        verb(formula, data, prepare(graph, logdet="moments", probes=8, powers=60, rng=seed))
        for seed in range(SEEDS // 2)
    ]
    inverses = [inverse_information(fit.estimate) for fit in fits]
    added = [monte_carlo(fit.estimate, V)[0] for fit, V in zip(fits, inverses, strict=True)]
    spread = np.std([fit.params for fit in fits], axis=0)
    said = np.sqrt(np.mean([np.diag(one) for one in added], axis=0))[: len(spread)]
    moved = said > 0.0  # coefficients of an error model are free of lam in expectation
    assert moved[fits[0].params.index.get_loc(name)]
    np.testing.assert_allclose(spread[moved], said[moved], rtol=0.45)  # error: 1 / sqrt(40)
    for fit, V, one in zip(fits, inverses, added, strict=True):
        np.testing.assert_allclose(fit.vcov.matrix, V + one, rtol=1e-9)
    assert f"Monte Carlo error of log-determinants included ({name}" in str(fits[0])
    assert "8 vectors of random signs" in str(fits[0])
    again = verb(formula, data, prepare(graph, logdet="moments", probes=8, powers=60, rng=0))
    assert again.params[name] == fits[0].params[name]


@pytest.mark.parametrize("cov", [ce.Cluster("unit"), ce.Cluster("time"), ce.DriscollKraay(1)])
def test_error_enters_robust_standard_errors(
    W: np.ndarray, cov: Covariance, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, graph = panel(W), from_matrix(W, range(N))
    formula = "y ~ x | year"
    fit = ce.sar(formula, data, prepare(graph, logdet="moments", probes=2, powers=60))
    noise, said = monte_carlo(fit.estimate, inverse_information(fit.estimate))
    place = list(fit.params.index).index("rho")
    assert noise[place, place] > 0.0
    found = fit.with_cov(cov).vcov
    assert found.convention.endswith(said)
    assert "Monte Carlo error of log-determinants included (rho" in found.convention
    monkeypatch.setattr(MomentSpectrum, "noise", lambda spectrum, rho: 0.0)
    without = fit.with_cov(cov).vcov
    assert "Monte Carlo" not in without.convention
    np.testing.assert_allclose(found.matrix, without.matrix + noise, rtol=1e-10, atol=1e-15)


def test_prepared_weights_are_computed_once(W: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    data, graph = panel(W), from_matrix(W, range(N))
    prepared = prepare(graph, logdet="factors")
    first = ce.sdm("y ~ x | unit + year", data, prepared)
    assert isinstance(first.estimate.weights, SparseSpectrum)
    monkeypatch.setattr(sparse_spectrum, "splu", None)  # a new factorisation would fail
    assert prepared.held["spectrum"][1] is first.estimate.weights
    assert ce.slx("y ~ x | unit + year", data, prepared).estimate.x_weights is (
        first.estimate.weights
    )


@pytest.mark.parametrize(
    ("logdet", "kind"),
    [
        ("auto", EigenSpectrum),
        ("eigen", EigenSpectrum),
        ("factors", SparseSpectrum),
        ("moments", MomentSpectrum),
    ],
)
def test_prepared_weights_go_where_weights_go(W: np.ndarray, logdet: str, kind: type) -> None:
    data = panel(W)
    prepared = prepare(from_matrix(W, range(N)), logdet=logdet)
    blocks = ce.scale.from_frame(data)
    whole = ce.sar("y ~ x | unit + year", data, prepared)
    parts = ce.scale.fit("sar", "y ~ x | unit + year", blocks, prepared)
    assert isinstance(whole.estimate.weights, kind)
    np.testing.assert_allclose(parts.params, whole.params, rtol=1e-9)
    np.testing.assert_allclose(parts.std_errors, whole.std_errors, rtol=1e-9)
    exact = ce.sar("y ~ x | unit + year", data, from_matrix(W, range(N)))
    np.testing.assert_allclose(whole.params, exact.params, atol=2e-3)


def test_bad_choices_are_refused(W: np.ndarray) -> None:
    graph = from_matrix(W, range(N))
    with pytest.raises(WeightsError, match="'cholesky' is unknown; choose one of auto, eigen"):
        prepare(graph, logdet="cholesky")
    with pytest.raises(WeightsError, match="probes = 1"):
        prepare(graph, probes=1)
    with pytest.raises(WeightsError, match="powers = 5"):
        prepare(graph, powers=5)
    many = csr_array((20_001, 20_001))
    with pytest.raises(WeightsError, match="eigenvalues of 20001 units"):
        spectrum_of(many, "eigen")
    with pytest.raises(IdentificationError, match="dense matrix"):
        _ = MomentSpectrum(
            matrix=many,
            interval=(-1, 1),
            projected=False,
            powers=np.ones((2, 10)),
            radius=1.0,
            seed=0,
        ).W


def near_unit_root(W: np.ndarray, rho: float) -> pd.DataFrame:
    data = panel(W)
    rest = data["y"].unstack().to_numpy()
    y = np.linalg.solve(np.eye(N) - rho * W, rest)
    return data.assign(y=y.ravel())


@pytest.mark.parametrize(("model", "name"), [("sar", "rho"), ("sem", "lam")])
def test_the_end_of_the_search_is_not_blamed_on_the_data(
    W: np.ndarray, model: str, name: str
) -> None:
    data, graph, verb = near_unit_root(W, 0.9), from_matrix(W, range(N)), getattr(ce, model)
    inside = verb("y ~ 1 + x", data, graph).params[name]
    few = prepare(graph, logdet="moments", powers=20)
    said = f"{name} at its border: .* the 20 powers of W end the search there; give more powers in"
    with pytest.raises(ConvergenceError, match=said) as raised:
        verb("y ~ 1 + x", data, few)
    assert "unit root" not in str(raised.value)
    more = verb("y ~ 1 + x", data, prepare(graph, logdet="moments", powers=2_000))
    assert more.params[name] == pytest.approx(inside, abs=2e-3)  # what the message tells to do


def test_the_search_reaches_as_far_as_prepare_says(W: np.ndarray) -> None:
    for powers in (200, 400):
        high = moment_spectrum(csr_array(W), probes=2, powers=powers).interval[1]
        assert f"{powers}" in (prepare.__doc__ or "")
        assert f"to {high:.3f}" in (prepare.__doc__ or "")


@pytest.mark.parametrize("make", [sparse_spectrum.sparse_spectrum, moment_spectrum])
def test_a_bound_of_the_radius_is_in_the_note(make, monkeypatch: pytest.MonkeyPatch) -> None:
    side = np.diag(np.ones(59), 1)
    links = np.kron(side + side.T, np.eye(60)) + np.kron(np.eye(60), side + side.T)
    lattice = csr_array(links)
    found = make(lattice)
    assert "largest row sum" not in found.note(0.1)
    monkeypatch.setattr(sparse_weights, "_RESTARTS", 2)
    bounded = make(lattice)
    assert "|W| not found: its largest row sum stands for it" in bounded.note(0.1)
    assert "largest row sum" in bounded.project().note(0.1)
    assert bounded.interval[1] < found.interval[1]
    assert make(csr_array(links / 4.0)).bounded


def test_another_thread_may_ask_for_other_units_between_write_and_read(W: np.ndarray) -> None:
    here, there = (pd.Index(np.roll(np.arange(N), k)) for k in (0, 1))

    class Interrupted(dict):
        """After the first write another thread asks for other units, and writes too."""

        def __setitem__(self, key: str, value: object) -> None:
            first = not self
            super().__setitem__(key, value)
            if first:
                spectrum_for(prepared, there)

    made = prepare(from_matrix(W, range(N)), logdet="moments", probes=2, powers=10)
    prepared = replace(made, held=Interrupted())
    for units in (here, there, here):
        found, own = spectrum_for(prepared, units), align_sparse(prepared, units)
        assert found.same_as(moment_spectrum(own, probes=2, powers=10))


def test_separator() -> None:
    side = 40
    place = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2)
    lattice = csr_array(np.abs(place[:, None] - place).sum(axis=2) == 1) * 1.0
    assert separator(csr_array(lattice)) <= 2 * side
    rng = np.random.default_rng(0)
    ends = rng.integers(0, 1600, (2, 8000))
    tangled = csr_array((np.ones(8000), (ends[0], ends[1])), shape=(1600, 1600))
    assert separator(tangled) > 500
    star = lattice.tolil()
    star[0, 1:] = 1.0
    assert separator(csr_array(star)) <= 2 * side + 1  # a hub is set aside


def test_weights_that_fill_up_get_moments(W: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "_EIGEN_UNITS", 0)
    monkeypatch.setattr(choice, "_COMPLEX_UNITS", 0)
    assert isinstance(spectrum_of(csr_array(W)), SparseSpectrum)
    monkeypatch.setattr(choice, "_FRONT", 5)
    assert isinstance(spectrum_of(csr_array(W)), MomentSpectrum)
    monkeypatch.setattr(choice, "_FULL", 0.0)
    monkeypatch.setattr(choice, "_FULL_UNITS", 10)
    assert isinstance(spectrum_of(csr_array(W)), MomentSpectrum)


def test_error_of_random_signs_is_in_the_note(
    W: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sparse_spectrum, "_EXACT_UNITS", 0)
    prepared = prepare(from_matrix(W, range(N)), logdet="factors")
    fit = ce.sar("y ~ x | unit + year", panel(W), prepared)
    assert "64 vectors of random signs with a Monte Carlo error of" in str(fit)
