"""Unbalanced panels with drawn patterns of absence: dense brute force, scores, invariances."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from scipy.linalg import block_diag

import ccec_econ as ce
from ccec_econ.engine.information import expected_information, scores
from ccec_econ.engine.likelihood import Likelihood
from ccec_econ.engine.presence import Presence
from ccec_econ.engine.removal import removal
from ccec_econ.inference.unbalanced import period_contributions, unit_contributions
from unbalanced_panels import dense, restricted, simulate_unbalanced

BARS = {"none": "", "unit": " | unit", "time": " | year", "twoway": " | unit + year"}
SPATIAL = {"sar": (1, 0), "sem": (0, 1), "sdm": (1, 0), "sdem": (0, 1), "sac": (1, 1)}
ALL = ["ols", "slx", *SPATIAL]
BRUTE = 1e-6  # what the simplex of the dense likelihood reaches
cases = settings(max_examples=15, deadline=None, derandomize=True)
two = settings(cases, max_examples=2)
few = settings(cases, max_examples=10)
seeds = st.integers(0, 2**32 - 1)
kinds = st.sampled_from(list(BARS))


def drawn(seed: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, ce.weights.Graph]:
    """A panel with up to a third of its cells missing; distance weights, so none is alone."""
    rng = np.random.default_rng(seed)
    N, T = int(rng.integers(6, 11)), int(rng.integers(4, 8))
    points = rng.random((N, 2))
    with np.errstate(divide="ignore"):
        W = np.linalg.norm(points[:, None] - points[None], axis=2) ** -2.0
    np.fill_diagonal(W, 0.0)
    W /= W.sum(axis=1, keepdims=True)
    mask = rng.random((T, N)) > rng.uniform(0.05, 0.33)
    mask[:, :3] |= mask.sum(axis=1, keepdims=True) < 4
    mask[0, ~mask.any(axis=0)] = True
    frame = simulate_unbalanced(rng, W, mask, 0.3, 0.2)
    return frame, W, mask, ce.weights.from_matrix(W, range(N))


def fit(model: str, kind: str, frame: pd.DataFrame, graph: ce.weights.Graph, **options):
    formula = f"y ~ x0 + x1{BARS[kind]}"
    weights = () if model == "ols" else (graph,)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ce.errors.WeakIdentificationWarning)
            return getattr(ce, model)(formula, frame, *weights, unbalanced=True, **options)
    except ce.errors.ConvergenceError:
        return reject()


def likelihood(result) -> Likelihood:
    one = result.estimate
    size = one.reduction
    return Likelihood(one.triangle, one.spectrum, one.error, size.nobs, size.periods)


@pytest.mark.parametrize("model", SPATIAL)
@pytest.mark.parametrize("kind", BARS)
@two
@given(seed=seeds)
def test_dense_brute_force(seed: int, model: str, kind: str) -> None:
    """Explicit dummies and blocks: same estimates, and the simplex climbs to the same place."""
    frame, W, mask, graph = drawn(seed)
    one = fit(model, kind, frame, graph)
    whole = dense(frame, W, mask, kind, durbin=model in ("sdm", "sdem"))
    assert whole.height(one.rho, one.lam) == pytest.approx(one.loglik, abs=1e-8)
    free = SPATIAL[model]
    low, high = (one.estimate.spectrum or one.estimate.error).interval
    start = ((0.9 * value + 0.1 * 0.5 * (low + high)) for value in (one.rho, one.lam))
    rho, lam = whole.maximum(tuple(start), free, (low, high))
    assert (rho, lam) == pytest.approx((one.rho, one.lam), abs=BRUTE)
    d, e, _, _ = whole.parts(rho, lam)
    names = one.params.index[: len(d)]
    np.testing.assert_allclose(one.params[names], d, atol=10 * BRUTE)
    m, q = len(whole.y), whole.D.shape[1]
    assert one.sigma2 == pytest.approx(e @ e / (m - q), rel=10 * BRUTE)
    assert one.likelihood_nobs == m
    nodes = np.linspace(low, high, 14)[1:-1]
    heights = [
        whole.height(r, a) for r in (nodes if free[0] else [0]) for a in (nodes if free[1] else [0])
    ]
    assert max(heights) <= one.loglik + 1e-8


@cases
@given(seeds, st.sampled_from(["ols", "slx"]), kinds)
def test_least_squares_is_the_regression_with_dummies(seed: int, model: str, kind: str) -> None:
    frame, W, mask, graph = drawn(seed)
    one = fit(model, kind, frame, graph)
    whole = dense(frame, W, mask, kind, durbin=model == "slx")
    d, e, Z, _ = whole.parts(0.0, 0.0)
    free = len(whole.y) - whole.D.shape[1]
    assert one.likelihood_nobs == free
    np.testing.assert_allclose(one.params, d, atol=1e-9)
    V = np.linalg.inv(Z.T @ Z) * (e @ e) / (free - len(d))
    np.testing.assert_allclose(one.cov, V, rtol=1e-7, atol=1e-12)
    exact = -0.5 * free * (np.log(2 * np.pi * e @ e / free) + 1)
    assert one.loglik == pytest.approx(exact, abs=1e-8)


@few
@given(seeds, kinds)
def test_score_is_the_slope_of_the_likelihood(seed: int, kind: str) -> None:
    frame, _, _, graph = drawn(seed)
    one, step = fit("sac", kind, frame, graph), 1e-6
    target = likelihood(one)
    for rho, lam in ((-0.4, 0.1), (0.0, 0.0), (0.2, -0.3), (0.5, 0.4)):
        by_rho, by_lam = target.score(rho, lam)
        up, down = target.loglik(rho + step, lam), target.loglik(rho - step, lam)
        assert by_rho == pytest.approx((up - down) / (2 * step), rel=1e-5, abs=1e-4)
        up, down = target.loglik(rho, lam + step), target.loglik(rho, lam - step)
        assert by_lam == pytest.approx((up - down) / (2 * step), rel=1e-5, abs=1e-4)
    np.testing.assert_allclose(target.score(one.rho, one.lam), 0.0, atol=1e-5)


@cases
@given(seeds, st.sampled_from(["sar", "sdem", "sac"]), kinds)
def test_information_equals_the_dense_one(seed: int, model: str, kind: str) -> None:
    """Traces with the projection as a matrix, and the mean of the lag with effects in it."""
    frame, W, mask, graph = drawn(seed)
    one = fit(model, kind, frame, graph)
    whole = dense(frame, W, mask, kind, durbin=model == "sdem")
    eye, s2, K = np.eye(len(whole.y)), one.sigma2, whole.Z.shape[1]
    R, S = eye - one.lam * whole.W, eye - one.rho * whole.W
    _, e, Z, Q = whole.parts(one.rho, one.lam)
    forms = []
    if one.estimate.spectrum is not None:
        forms.append(R @ whole.W @ np.linalg.inv(S) @ np.linalg.inv(R))
    if one.estimate.error is not None:
        forms.append(whole.W @ np.linalg.inv(R))
    P = K + len(forms) + 1
    info = np.zeros((P, P))
    info[:K, :K] = Z.T @ Z / s2
    for a, A in enumerate(forms):
        for b, B in enumerate(forms):
            info[K + a, K + b] = np.trace(Q @ A @ Q @ B) + np.trace(Q @ A.T @ Q @ B)
        info[K + a, -1] = info[-1, K + a] = np.trace(Q @ A) / s2
    if one.estimate.spectrum is not None:
        mean = Q @ forms[0] @ (R @ S @ whole.y - e)  # R S y - v = R(Zd + effects)
        info[:K, K] = info[K, :K] = Z.T @ mean / s2
        info[K, K] += mean @ mean / s2
    info[-1, -1] = np.trace(Q) / (2 * s2**2)
    np.testing.assert_allclose(expected_information(one.estimate), info, rtol=1e-6, atol=1e-6)


@cases
@given(seeds, st.sampled_from(ALL), kinds)
def test_contributions_add_to_the_gradient(seed: int, model: str, kind: str) -> None:
    """Exactly for d and s2; for rho and lam up to the stated difference of two traces."""
    frame, _, _, graph = drawn(seed)
    one = fit(model, kind, frame, graph)
    parts, K = scores(one.estimate), len(one.estimate.terms)
    share = one.estimate.free / one.estimate.presence.rows(one.estimate.effects)
    gap = np.zeros(K + len(parts.forms) + 1)
    for j, A in enumerate(parts.forms.values(), start=K):
        gap[j] = share * np.einsum("tii->", A) - one.estimate.trace(A)
    if kind in ("none", "time"):
        np.testing.assert_allclose(gap, 0.0, atol=1e-10)
    units, pairs = unit_contributions(one.estimate)
    for found in ((units, pairs), (period_contributions(one.estimate),)):
        total = sum(part.sum(axis=0) for part in found)
        size = sum(np.abs(part).sum(axis=0) for part in found)
        np.testing.assert_allclose((total - gap) / size, 0.0, atol=1e-7)


@cases
@given(seeds, kinds, st.floats(-0.5, 0.8))
def test_projection_equals_the_dense_one(seed: int, kind: str, lam: float) -> None:
    """Q, traces, diagonals and sums of powers, with dummies filtered by I - lam W_t."""
    _, W, mask, _ = drawn(seed)
    presence, parts = Presence(mask), restricted(W, mask)
    rng = np.random.default_rng(seed)
    filters = presence.embedded([np.eye(len(part)) - lam * part for part in parts])
    space = removal(presence, kind, filters if lam > 0 else None)
    sizes = mask.sum(axis=1)
    times = np.repeat(np.arange(len(mask)), sizes)
    J = np.eye(len(times))
    if kind in ("time", "twoway"):
        J -= (times[:, None] == times[None, :]) / sizes[times]
    R = block_diag(*(np.eye(len(part)) - lam * part for part in parts)) if lam > 0 else J
    units = np.nonzero(mask)[1]
    D = (units[:, None] == np.arange(mask.shape[1])).astype(float)
    X = J @ R @ D
    Q = J - X @ np.linalg.pinv(X) if kind in ("unit", "twoway") else J
    column = rng.standard_normal(mask.shape)
    np.testing.assert_allclose(space.remove(column)[mask], Q @ column[mask], atol=1e-9)
    assert np.trace(Q) == pytest.approx(presence.free(kind))
    A, B = (J @ block_diag(*(rng.random((n, n)) for n in sizes)) @ J for _ in range(2))
    first, second = (
        presence.embedded([M[np.ix_(times == t, times == t)] for t in range(len(mask))])
        for M in (A, B)
    )
    assert space.trace(first) == pytest.approx(np.trace(Q @ A))
    pair = np.trace(Q @ A @ Q @ B) + np.trace(Q @ A.T @ Q @ B)
    assert space.pair(first, second) == pytest.approx(pair)
    np.testing.assert_allclose(space.diagonals(first)[mask], np.diag(Q @ A @ Q), atol=1e-9)
    powers = (np.trace(Q), (np.diag(Q) ** 2).sum(), (Q**3).sum(), (Q**4).sum())
    assert space.power_sums() == pytest.approx(powers)


@cases
@given(seeds, st.sampled_from(ALL), kinds, st.sampled_from([ce.QuasiML(), ce.Cluster()]))
def test_order_and_labels_do_not_matter(seed: int, model: str, kind: str, cov) -> None:
    frame, W, _, graph = drawn(seed)
    rng = np.random.default_rng(seed)
    names = rng.permutation(len(W)) + 100
    turned = frame.reset_index().assign(unit=lambda rows: names[rows["unit"]])
    turned = turned.sample(frac=1.0, random_state=int(seed % 1000)).set_index(["unit", "year"])
    one = fit(model, kind, frame, graph, cov=cov)
    two = fit(model, kind, turned, ce.weights.from_matrix(W, names), cov=cov)
    np.testing.assert_allclose(one.params, two.params, atol=1e-7)
    np.testing.assert_allclose(one.std_errors, two.std_errors, rtol=1e-5)
    assert one.loglik == pytest.approx(two.loglik, abs=1e-8)


@cases
@given(seeds, st.sampled_from(ALL), kinds)
def test_prediction_effects_and_residuals(seed: int, model: str, kind: str) -> None:
    """S y = Zd + effects + u, so S(prediction) + u = S y; effects average over the cells."""
    frame, W, mask, graph = drawn(seed)
    one = fit(model, kind, frame, graph)
    S = np.eye(int(mask.sum())) - one.rho * block_diag(*restricted(W, mask))
    by_time = [series.swaplevel().sort_index().to_numpy() for series in (frame["y"], one.predict())]
    gap = np.zeros(mask.shape)
    gap[mask] = S @ (by_time[0] - by_time[1])
    left = removal(Presence(mask), kind).remove(gap)
    np.testing.assert_allclose(left, one.estimate.disturbances, atol=1e-8)
    np.testing.assert_allclose(gap, left, atol=1e-8)
    assert len(one.resids) == len(frame) == one.nobs
    terms = one.effects(draws=5).frame["estimate"].unstack()
    b, t = one.params["x0"], one.params.get("W(x0)", 0.0)
    parts = [
        np.linalg.inv(np.eye(len(p)) - one.rho * p) @ (b * np.eye(len(p)) + t * p)
        for p in restricted(W, mask)
    ]
    direct = sum(np.trace(part) for part in parts) / mask.sum()
    total = sum(part.sum() for part in parts) / mask.sum()
    assert terms.loc["x0", "direct"] == pytest.approx(direct, rel=1e-9)
    assert terms.loc["x0", "total"] == pytest.approx(total, rel=1e-9)
