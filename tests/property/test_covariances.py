"""Invariances of the covariances, and brute force with all dummies, on drawn panels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, reject, settings
from hypothesis import strategies as st

import ccec_econ as ce
from ccec_econ.errors import ConvergenceError, IdentificationError
from ccec_econ.models.random import random_effects
from drawn import cases, drawn, effects, fit, seeds

RELATIVE = 1e-6  # of a sandwich whose bread is an inverse
few = settings(max_examples=8, deadline=None, derandomize=True)
linear = st.sampled_from(["ols", "slx"])
by = st.sampled_from(["unit", "time"])
kernels = st.sampled_from(["bartlett", "uniform"])


def places(seed: int, N: int) -> np.ndarray:
    xy = np.random.default_rng(seed).uniform(0.0, 100.0, (N, 2))
    return np.sqrt(((xy[:, None] - xy[None]) ** 2).sum(axis=2))


def conley(seed: int, labels, kernel: str = "bartlett", lags: int = 2) -> ce.Conley:
    d = pd.DataFrame(places(seed, len(labels)), index=labels, columns=labels)
    return ce.Conley(d, 40.0, kernel=kernel, lags=lags)


def with_cov(one, cov):
    try:
        return one.with_cov(cov)
    except IdentificationError:  # few periods or an indefinite sum: refused, tested apart
        reject()


def dummies(panel: pd.DataFrame, bar: str) -> np.ndarray:
    names = [name for name in ("unit", "year") if name in bar]
    parts = [pd.get_dummies(panel.index.get_level_values(name), dtype=float) for name in names]
    return np.column_stack(parts) if parts else np.ones((len(panel), 1))


def dense(one, panel: pd.DataFrame, bar: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Regressors, all dummies last, residual maker and residuals, rows in the panel's order."""
    raw = one.design.X
    if one.estimate.x_weights is not None:
        raw = np.concatenate([raw, one.estimate.x_weights.lag(raw[:, :, -2:])], axis=2)
    T, N, K = raw.shape
    own = raw.transpose(1, 0, 2).reshape(N * T, K)
    X = own if not bar else np.column_stack([own, dummies(panel, bar)])
    H = X @ np.linalg.pinv(X)
    y = one.design.y.T.ravel()
    return X, np.eye(N * T) - H, y - H @ y


@cases
@given(seeds, linear, effects, by)
def test_cr2_equals_brute_force_with_all_dummies(seed: int, model: str, bar: str, by: str) -> None:
    """A_g from an eigenvalue decomposition of (I - H)_gg; degrees of freedom from all P_gh."""
    panel, _, graph = drawn(seed)
    panel = panel.sort_index()
    one = with_cov(fit(model, bar, panel, graph), ce.Cluster(by, kind="CR2"))
    X, M, e = dense(one, panel, bar)
    K = len(one.params)
    bread = np.linalg.pinv(X.T @ X)
    name = {"unit": "unit", "time": "year"}[by]
    labels = panel.index.get_level_values(name).to_numpy()
    vectors, V = [], np.zeros((K, K))
    for label in np.unique(labels):
        at = np.flatnonzero(labels == label)
        values, Q = np.linalg.eigh(M[np.ix_(at, at)])
        kept = values > 1e-9
        A = (Q[:, kept] / np.sqrt(values[kept])) @ Q[:, kept].T
        half = (bread @ X[at].T @ A)[:K]
        row = half @ e[at]
        V += np.outer(row, row)
        vectors.append(half @ M[at])
    np.testing.assert_allclose(one.cov, V, rtol=RELATIVE, atol=1e-9 * np.abs(V).max())
    P = np.einsum("gkn,hkn->kgh", vectors, vectors)
    expected = np.einsum("kgg->k", P) ** 2 / (P**2).sum(axis=(1, 2))
    np.testing.assert_allclose(one.vcov.degrees(np.eye(K)), expected, rtol=RELATIVE)


@cases
@given(seeds, linear, effects, by)
def test_cr2_is_unbiased_under_its_working_model(seed: int, model: str, bar: str, by: str) -> None:
    """The mean of c'Vc over iid errors, tr P, is sigma2 c'(Z'Z)^-1 c."""
    panel, _, graph = drawn(seed)
    one = with_cov(fit(model, bar, panel, graph), ce.Cluster(by, kind="CR2"))
    found, Z = one.vcov.combinations, one.estimate.Z
    K = len(one.params)
    own, rest = found._vectors(np.eye(K))
    trace = (own**2).sum(axis=(0, 1)) - (rest**2).sum(axis=(0, 1))
    expected = np.diag(np.linalg.inv(np.einsum("tik,til->kl", Z, Z)))
    np.testing.assert_allclose(trace, expected, rtol=1e-8)


@cases
@given(seeds, linear, effects, kernels, st.integers(0, 3))
def test_conley_equals_the_double_loop(
    seed: int, model: str, bar: str, kernel: str, lags: int
) -> None:
    panel, W, graph = drawn(seed)
    one = fit(model, bar, panel, graph)
    found = with_cov(one, conley(seed, range(len(W)), kernel, lags)).cov
    Z, e, d = one.estimate.Z, one.estimate.residuals, places(seed, len(W))
    T, N, K = Z.shape
    middle = np.zeros((K, K))
    for t in range(T):
        for s in range(T):
            for i in range(N):
                for j in range(N):
                    if t == s and d[i, j] <= 40.0:
                        weight = 1.0 if kernel == "uniform" else 1.0 - d[i, j] / 40.0
                    elif i == j and 0 < abs(t - s) <= lags:
                        weight = 1.0 - abs(t - s) / (lags + 1)
                    else:
                        continue
                    middle += weight * e[t, i] * e[s, j] * np.outer(Z[t, i], Z[s, j])
    bread = np.linalg.inv(np.einsum("tik,til->kl", Z, Z))
    np.testing.assert_allclose(found, bread @ middle @ bread, rtol=RELATIVE, atol=1e-12)


def covariance(kind: str, seed: int, labels):
    return {
        "conley": conley(seed, labels),
        "unit CR2": ce.Cluster("unit", kind="CR2"),
        "time CR2": ce.Cluster("time", kind="CR2"),
        "unit": ce.Cluster("unit"),
        "quasi": ce.QuasiML(),
    }[kind]


kinds = st.sampled_from(["conley", "unit CR2", "time CR2", "unit", "quasi"])


@cases
@given(seeds, linear, effects, kinds)
def test_labels_and_order_do_not_matter(seed: int, model: str, bar: str, kind: str) -> None:
    panel, W, graph = drawn(seed)
    names = np.array([f"u{i:02d}" for i in np.random.default_rng(seed).permutation(len(W))])
    turned = panel.reset_index().assign(unit=lambda frame: names[frame["unit"]])
    turned = turned.sample(frac=1.0, random_state=seed % 1000).set_index(["unit", "year"])
    one = with_cov(fit(model, bar, panel, graph), covariance(kind, seed, range(len(W))))
    two = fit(model, bar, turned, ce.weights.from_matrix(W, names))
    two = with_cov(two, covariance(kind, seed, names))
    np.testing.assert_allclose(one.cov, two.cov, rtol=RELATIVE, atol=1e-12)
    np.testing.assert_allclose(one.pvalues, two.pvalues, rtol=1e-5, atol=1e-9)
    assert np.linalg.eigvalsh(one.cov).min() > -1e-9 * np.abs(one.cov.to_numpy()).max()


@cases
@given(seeds, linear, effects, kinds, st.sampled_from([1e-3, 40.0, 1e5]))
def test_units_of_measurement(seed: int, model: str, bar: str, kind: str, c: float) -> None:
    panel, W, graph = drawn(seed)
    cov = covariance(kind, seed, range(len(W)))
    one = with_cov(fit(model, bar, panel, graph), cov)
    scaled = panel.assign(y=c * panel["y"], x0=panel["x0"] / c)
    two = with_cov(fit(model, bar, scaled, graph), cov)
    np.testing.assert_allclose(two.tstats, one.tstats, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(two.pvalues, one.pvalues, rtol=1e-5, atol=1e-9)
    if kind.endswith("CR2"):
        K = np.eye(len(one.params))
        np.testing.assert_allclose(two.vcov.degrees(K), one.vcov.degrees(K), rtol=1e-7)


@few
@example(316, "bsk", "quasi")
@given(seeds, st.sampled_from([None, "kkp", "bsk"]), st.sampled_from(["unit", "quasi"]))
def test_random_effects(seed: int, form: str | None, kind: str) -> None:
    """Labels and the unit of y do not matter, the covariance is one (seed 316 had none once)."""
    if form == "bsk" and kind == "unit":
        kind = "quasi"
    panel, W, graph = drawn(seed)
    cov = covariance(kind, seed, range(len(W)))
    names = np.random.default_rng(seed).permutation(len(W))
    turned = panel.reset_index().assign(unit=lambda frame: names[frame["unit"]])
    turned = turned.assign(y=40.0 * turned["y"]).set_index(["unit", "year"])

    def one(data: pd.DataFrame, weights):
        return random_effects("y ~ x0 + x1", data, weights, lag=form is None, error=form, cov=cov)

    try:
        first, second = one(panel, graph), one(turned, ce.weights.from_matrix(W, names))
    except ConvergenceError:
        reject()
    np.testing.assert_allclose(first.tstats, second.tstats, rtol=1e-4, atol=1e-5)
    V = first.cov.dropna(how="all").dropna(axis=1, how="all").to_numpy()
    scale = np.sqrt(np.diag(V))
    assert np.linalg.eigvalsh(V / np.outer(scale, scale)).min() > -1e-8


@few
@given(seeds, st.sampled_from(["unit", "quasi"]))
def test_after_the_dynamic_correction(seed: int, kind: str) -> None:
    """Scores at the maximum before, so the middle does not see the correction; labels neither."""
    panel, W, graph = drawn(seed)
    names = np.random.default_rng(seed).permutation(len(W))
    turned = panel.reset_index().assign(unit=lambda frame: names[frame["unit"]])
    turned = turned.set_index(["unit", "year"])
    cov = covariance(kind, seed, range(len(W)))
    formula = "y ~ L(y) + x0 | unit + year"
    try:
        one = ce.sar(formula, panel, graph, cov=cov)
        two = ce.sar(formula, turned, ce.weights.from_matrix(W, names), cov=cov)
    except ConvergenceError:
        reject()
    np.testing.assert_allclose(one.cov, two.cov, rtol=1e-5, atol=1e-12)
    assert np.linalg.eigvalsh(one.cov).min() > -1e-9 * np.abs(one.cov.to_numpy()).max()
    if kind == "unit":
        before = ce.sar(formula, panel, graph, correction=False, cov=cov)
        plain, moved = before.with_cov(ce.Information()), one.with_cov(ce.Information())
        full = [np.linalg.inv(fit.vcov.matrix) for fit in (plain, moved)]
        middle = [
            bread @ fit.vcov.matrix @ bread for bread, fit in zip(full, (before, one), strict=True)
        ]
        np.testing.assert_allclose(middle[0], middle[1], rtol=1e-5, atol=1e-6)
        assert one.vcov.df == pytest.approx(len(W) - 1)
