"""Invariances of models with random unit effects, on drawn panels."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

import ccec_econ as ce
from ccec_econ.models.random import random_effects, random_effects_gm

ROOT = 1e-7  # what Newton's root of the score repeats under rounding, in units of order one
cases = settings(max_examples=15, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)
forms = st.sampled_from([None, "bsk", "kkp"])
flags = st.booleans()


def drawn(seed: int) -> tuple[pd.DataFrame, np.ndarray, ce.weights.Graph]:
    rng = np.random.default_rng(seed)
    N, T = int(rng.integers(9, 15)), int(rng.integers(4, 8))
    M = rng.random((N, N)) * (rng.random((N, N)) < 0.5)
    M[np.arange(N), (np.arange(N) + 1) % N] = 1.0
    np.fill_diagonal(M, 0.0)
    W = M / M.sum(axis=1, keepdims=True)
    X, mu = rng.standard_normal((T, N, 2)), rng.standard_normal(N)
    e = np.linalg.solve(np.eye(N) - 0.3 * W, (mu + rng.standard_normal((T, N))).T).T
    y = np.linalg.solve(np.eye(N) - 0.3 * W, (X @ [1.0, -0.5] + e).T).T
    index = pd.MultiIndex.from_product([range(T), range(N)], names=["year", "unit"])
    frame = pd.DataFrame(X.reshape(T * N, 2), columns=["x0", "x1"], index=index)
    return frame.assign(y=y.ravel()).swaplevel(), W, ce.weights.from_matrix(W, range(N))


def fit(panel: pd.DataFrame, graph, form: str | None, lag: bool, **options):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ce.errors.WeakIdentificationWarning)
            return random_effects("y ~ x0 + x1", panel, graph, lag=lag, error=form, **options)
    except ce.errors.ConvergenceError:  # a drawn panel may fit a unit root: refused, tested apart
        reject()


@cases
@given(seeds, forms, flags)
def test_order_and_labels_do_not_matter(seed: int, form: str | None, lag: bool) -> None:
    panel, W, graph = drawn(seed)
    names = np.array([f"u{i:02d}" for i in np.random.default_rng(seed).permutation(len(W))])
    turned = panel.reset_index()
    turned = turned.assign(unit=names[turned["unit"]], year=-turned["year"])
    turned = turned.sample(frac=1.0, random_state=seed % 1000).set_index(["unit", "year"])
    one = fit(panel, graph, form, lag)
    two = fit(turned, ce.weights.from_matrix(W, names), form, lag)
    np.testing.assert_allclose(one.params, two.params, rtol=ROOT, atol=ROOT)
    np.testing.assert_allclose(one.std_errors, two.std_errors, rtol=1e-6)
    assert one.loglik == pytest.approx(two.loglik, abs=1e-9)
    moved = two.unit_effects()[names]
    np.testing.assert_allclose(one.unit_effects(), moved, rtol=1e-6, atol=1e-6)


@cases
@given(seeds, forms, flags, st.sampled_from([1e-3, 40.0, 1e6]))
def test_units_of_measurement(seed: int, form: str | None, lag: bool, c: float) -> None:
    panel, _, graph = drawn(seed)
    one = fit(panel, graph, form, lag)
    two = fit(panel.assign(y=c * panel["y"], x0=panel["x0"] / c), graph, form, lag)
    powers = {"x0": 2, "rho": 0, "lam": 0, "phi": 0, "sigma2": 2}
    scale = np.array([c ** powers.get(str(term), 1) for term in one.params.index])
    np.testing.assert_allclose(two.params / scale, one.params, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(two.std_errors / scale, one.std_errors, rtol=1e-5)
    assert two.loglik == pytest.approx(one.loglik - one.nobs * np.log(c), rel=1e-9)


@cases
@given(seeds, flags)
def test_without_unit_effects_the_likelihood_is_the_pooled_one(seed: int, lag: bool) -> None:
    """At phi = 0 both error forms are the pooled model, and lam = 0 joins them at any phi."""
    panel, _, graph = drawn(seed)
    plain, bsk, kkp = (fit(panel, graph, form, lag) for form in (None, "bsk", "kkp"))
    try:
        pooled = (ce.sac if lag else ce.sem)("y ~ x0 + x1", panel, graph)
    except ce.errors.ConvergenceError:
        reject()
    for one in (bsk, kkp):
        likelihood = one.estimate.likelihood
        assert likelihood.loglik(pooled.rho, pooled.lam, 0.0) == pytest.approx(
            pooled.loglik, abs=1e-9
        )
        at_zero = likelihood.loglik(plain.rho, 0.0, plain.phi)
        assert at_zero == pytest.approx(plain.loglik, abs=1e-9)
        assert one.loglik >= max(plain.loglik, pooled.loglik) - 1e-9


@cases
@given(seeds, forms, flags)
def test_large_phi_leaves_the_slopes_of_fixed_effects(
    seed: int, form: str | None, lag: bool
) -> None:
    """As phi grows unit means count for nothing; coefficients given rho and lam are within ones."""
    panel, _, graph = drawn(seed)
    one = fit(panel, graph, form, lag)
    lam, rho = (0.0 if form is None else 0.2), 0.1 * lag
    slopes = one.estimate.likelihood.moments(lam, 1e10).coefficients(rho)[1:]
    model = {(False, False): ce.ols, (True, False): ce.sar, (False, True): ce.sem}
    within = model.get((lag, form is not None), ce.sac)
    arguments = ["y ~ x0 + x1 | unit", panel, *([] if within is ce.ols else [graph])]
    try:
        fixed = within(*arguments).estimate
    except ce.errors.ConvergenceError:
        reject()
    np.testing.assert_allclose(slopes, fixed.triangle.at(lam).coefficients(rho), atol=1e-5)


@cases
@given(seeds, forms, flags)
def test_no_node_is_higher_than_the_maximum(seed: int, form: str | None, lag: bool) -> None:
    panel, _, graph = drawn(seed)
    one = fit(panel, graph, form, lag)
    likelihood = one.estimate.likelihood
    rng = np.random.default_rng(seed)
    for _ in range(60):
        rho, lam = rng.uniform(-0.95, 0.95, 2) * (lag, form is not None)
        assert likelihood.loglik(rho, lam, rng.exponential(2.0)) <= one.loglik + 1e-9
    slope = likelihood.score(one.rho, one.lam, one.phi)
    error = one.std_errors.reindex(["rho", "lam", "phi"]).fillna(0.0).to_numpy()
    np.testing.assert_allclose(slope * error, 0.0, atol=1e-6)


@cases
@given(seeds, st.sampled_from(["initial", "partial", "weighted"]))
def test_moments_do_not_depend_on_order_or_scale(seed: int, moments: str) -> None:
    panel, W, graph = drawn(seed)
    order = np.random.default_rng(seed).permutation(len(W))
    shuffled = ce.weights.from_matrix(W[np.ix_(order, order)], order)
    scaled = panel.assign(y=1e3 * panel["y"]).sample(frac=1.0, random_state=1)
    try:
        one = random_effects_gm("y ~ x0 + x1", panel, graph, moments=moments)
    except ce.errors.ConvergenceError:
        reject()
    two = random_effects_gm("y ~ x0 + x1", scaled, shuffled, moments=moments)
    scale = [1e3, 1e3, 1e3, 1.0, 1.0, 1e6]
    np.testing.assert_allclose(two.params / scale, one.params, rtol=1e-6, atol=1e-7)
