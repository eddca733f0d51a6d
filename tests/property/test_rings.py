"""Rings: dense algebra, the bias identity, and what must not matter."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ccec_econ as ce
from ccec_econ.causal.design import staggered_design
from ccec_econ.causal.rings_clean import by_exposure, by_period
from ccec_econ.causal.rings_estimate import Linear, one_stage, two_stage
from ccec_econ.causal.rings_exposure import exposure
from ccec_econ.causal.rings_variance import errors
from ringed import EDGES, nearest_treated, simulated

SEEDS = st.integers(0, 10**6)
ROUNDING = 1e-10


def dense(y, Z, groups, on, cells):
    """Both stages by dummies and pseudo-inverses: coefficients and influence of every cell."""
    T, N = y.shape
    X = np.hstack([np.tile(np.eye(N), (T, 1)), np.eye(groups.max() + 1)[groups.reshape(-1)]])
    z = (Z * cells[:, :, None]).reshape(T * N, -1)
    first = X * on.reshape(-1, 1)
    project = np.linalg.pinv(first.T @ first, rcond=ROUNDING)
    left = y.reshape(-1) - X @ (project @ (first.T @ y.reshape(-1)))
    bread = np.linalg.inv(z.T @ z)
    theta = bread @ z.T @ left
    own = np.where(on.reshape(-1), left, 0.0)
    second = np.where(cells.reshape(-1), left - z @ theta, 0.0)
    psi = z * second[:, None] - first @ (project @ (X.T @ z)) * own[:, None]
    return theta, (psi @ bread).reshape(T, N, -1)


@settings(max_examples=12, deadline=None)
@given(seed=SEEDS, onsets=st.sampled_from([(3, 5, 6), (4,), (3, 4, 5, 6, 7)]))
def test_two_stages_are_the_dense_algebra(seed: int, onsets: tuple[int, ...]) -> None:
    data, adoption, distances, _ = simulated(seed, onsets=onsets)
    found = ce.causal.rings(data, "y", adoption, distances, EDGES, cov=ce.Cluster())
    y, D, ring = found.design.y, found.design.treated, found.exposure.ring
    T, N = y.shape
    Z = np.stack([D, ~D & (ring == 0), ~D & (ring == 1)], axis=2).astype(float)
    Z = Z[:, :, Z.any(axis=(0, 1))]
    periods = np.repeat(np.arange(T)[:, None], N, axis=1)
    clean = ~D & (ring == 2)
    theta, psi = dense(y, Z, periods, clean, np.ones_like(D))
    K = len(theta)
    np.testing.assert_allclose(found.frame["estimate"][1 : K + 1], theta, atol=ROUNDING)
    rows, nobs = psi.sum(axis=0), T * N - (T + N - 1)
    V = N / (N - 1) * (nobs - 1) / (nobs - K) * rows.T @ rows
    np.testing.assert_allclose(found.frame["std_error"][1 : K + 1], np.sqrt(np.diag(V)), rtol=1e-8)


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS)
def test_switching_is_the_dense_algebra(seed: int) -> None:
    """Unit effects and dummies of every ring in every year, on the untreated; then the treated."""
    data, adoption, distances, _ = simulated(seed, units=40, treated=12, size=250.0)
    found = ce.causal.rings(
        data, "y", adoption, distances, EDGES, effect="switching", cov=ce.Cluster()
    )
    assert found.effect == "switching"
    y, D, ring = found.design.y, found.design.treated, found.exposure.ring
    groups = 3 * np.arange(len(y))[:, None] + ring
    cells = by_exposure(found.design, found.exposure, ~D).reached
    theta, psi = dense(y, D[:, :, None].astype(float), groups, ~D & cells, cells)
    assert found.frame.loc["switching", "estimate"] == pytest.approx(theta[0], abs=ROUNDING)
    assert found.frame.loc["switching", "cells"] == (D & cells).sum()
    rows, used = psi.sum(axis=0)[:, 0], cells.any(axis=0).sum()
    error = np.sqrt(used / (used - 1) * (rows**2).sum())  # K = 1: no other factor
    assert found.frame.loc["switching", "std_error"] == pytest.approx(error, rel=1e-7)


@settings(max_examples=12, deadline=None)
@given(seed=SEEDS)
def test_nearest_and_reach_by_brute_force(seed: int) -> None:
    """Distances cell by cell; a cell is reached when its effects are estimable by dummies."""
    data, adoption, distances, _ = simulated(seed, units=12, periods=5, size=200.0, onsets=(2, 4))
    design = staggered_design(data, "y", adoption)
    seen = exposure(design, adoption, distances, EDGES)
    first = adoption.fillna(np.inf).to_numpy()
    expected = nearest_treated(first, distances.to_numpy(), design.periods)
    np.testing.assert_array_equal(seen.distance, expected)
    T, N = design.y.shape
    on = ~design.treated & ~seen.exposed
    for effects in (by_period(design, on), by_exposure(design, seen, ~design.treated)):
        P = effects.groups.max() + 1
        X = np.hstack([np.tile(np.eye(N), (T, 1)), np.eye(P)[effects.groups.reshape(-1)]])
        used = X[effects.on.reshape(-1)]
        within = np.linalg.pinv(used, rcond=ROUNDING) @ used
        estimable = np.isclose(X @ within, X, atol=1e-8).all(axis=1)
        np.testing.assert_array_equal(effects.reached.reshape(-1), estimable)
        assert effects.rank == np.linalg.matrix_rank(used)


@settings(max_examples=12, deadline=None)
@given(seed=SEEDS, split=st.booleans())
def test_bias_identity_is_exact_in_one_regression(seed: int, split: bool) -> None:
    data, adoption, distances, _ = simulated(seed)
    found = ce.causal.rings(
        data, "y", adoption, distances, EDGES, method="twfe", treated_rings=split
    )
    assert found.bias is not None
    assert abs(found.bias.loc["remainder", "part"]) < ROUNDING
    assert found.predicted == pytest.approx(found.frame.loc["naive", "estimate"], abs=ROUNDING)


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS)
def test_one_date_two_methods_one_answer(seed: int) -> None:
    """Gardner's identity, and Proposition 1 with shares of untreated units as weights."""
    data, adoption, distances, _ = simulated(seed, onsets=(4,))
    one, two = (
        ce.causal.rings(data, "y", adoption, distances, EDGES, method=method)  # type: ignore[arg-type]
        for method in ("twfe", "two_stage")
    )
    np.testing.assert_allclose(one.frame["estimate"], two.frame["estimate"], atol=ROUNDING)
    for found in (one, two):
        assert found.bias is not None
        assert abs(found.bias.loc["remainder", "part"]) < ROUNDING
        last = found.exposure.ring[-1][~found.design.treated[-1]]
        shares = [-(last == j).mean() for j in (0, 1) if (last == j).any()]
        np.testing.assert_allclose(found.bias["weight"].iloc[1:-1], shares, atol=ROUNDING)


@settings(max_examples=8, deadline=None)
@given(seed=SEEDS, method=st.sampled_from(["two_stage", "twfe"]))
def test_labels_order_and_far_distances_do_not_matter(seed: int, method: str) -> None:
    data, adoption, distances, _ = simulated(seed)
    options = {"method": method, "cov": ce.Conley(distances, 80.0, lags=2)}
    base = ce.causal.rings(data, "y", adoption, distances, EDGES, **options)  # type: ignore[arg-type]
    rng = np.random.default_rng(seed)
    names = dict(zip(distances.index, rng.permutation(distances.index), strict=True))
    moved = distances.rename(index=names, columns=names).sample(frac=1.0, random_state=seed)
    other = ce.causal.rings(
        data.rename(index=names, level="unit").sample(frac=1.0, random_state=seed),
        "y",
        adoption.rename(index=names).sample(frac=1.0, random_state=seed),
        moved,
        EDGES,
        method=method,  # type: ignore[arg-type]
        cov=ce.Conley(moved[moved.index], 80.0, lags=2),
    )
    np.testing.assert_allclose(base.frame, other.frame, rtol=1e-7, atol=1e-11)
    far = distances.where(distances <= EDGES[-1], 10.0 * distances + 7.0)
    again = ce.causal.rings(data, "y", adoption, far, EDGES, method=method)  # type: ignore[arg-type]
    pd.testing.assert_series_equal(again.frame["estimate"], base.frame["estimate"])


@settings(max_examples=8, deadline=None)
@given(seed=SEEDS, method=st.sampled_from(["two_stage", "twfe"]))
def test_effects_of_units_and_periods_drop_out(seed: int, method: str) -> None:
    data, adoption, distances, _ = simulated(seed)
    rng = np.random.default_rng(seed)
    units, years = (data.index.get_level_values(level) for level in ("unit", "year"))
    shift = dict(zip(distances.index, rng.normal(0.0, 5.0, len(distances)), strict=True))
    moved = data.assign(y=2.0 * data["y"] + units.map(shift) + np.sin(years))
    one, two = (
        ce.causal.rings(frame, "y", adoption, distances, EDGES, method=method)  # type: ignore[arg-type]
        for frame in (data, moved)
    )
    np.testing.assert_allclose(
        two.frame[["estimate", "std_error"]],
        2.0 * one.frame[["estimate", "std_error"]],
        rtol=1e-7,
        atol=1e-10,
    )


@settings(max_examples=6, deadline=None)
@given(seed=SEEDS, method=st.sampled_from(["two_stage", "twfe"]))
def test_scaled_scores_by_residuals_of_every_basis_vector(seed: int, method: str) -> None:
    """CR2: with e = M u, the scores of units and their moments for white u, by M itself."""
    data, adoption, distances, _ = simulated(seed, units=15, periods=5, size=300.0, onsets=(3, 4))
    design = staggered_design(data, "y", adoption)
    seen = exposure(design, adoption, distances, EDGES)
    D, clean = design.treated, ~design.treated & ~seen.exposed
    T, N = D.shape
    effects = by_period(design, clean if method == "two_stage" else np.ones_like(D))
    cells = effects.reached
    Z = np.stack([D, ~D & seen.exposed], axis=2) & cells[:, :, None]
    Z = Z[:, :, Z.any(axis=(0, 1))].astype(float)
    if not (D & cells).any() or not clean[-1].any():
        return
    terms = [(str(k), None) for k in range(Z.shape[2])]

    def fit(y: np.ndarray) -> Linear:
        if method == "twfe":
            return one_stage(y, Z, terms, effects)
        return two_stage(y, Z, terms, effects, cells)

    M = np.stack([fit(u.reshape(T, N)).residuals.reshape(-1) for u in np.eye(T * N)], axis=1)
    found = fit(design.y)
    slope = np.eye(len(terms))[0]
    w = (found.weights @ slope).reshape(-1)
    unit = np.tile(np.arange(N), T)
    parts = np.stack([M.T @ np.where(unit == i, w, 0.0) for i in range(N)], axis=1)
    true = np.array([(w[unit == i] ** 2).sum() for i in range(N)])
    held = (parts**2).sum(axis=0)
    got = errors(found, ce.Cluster(kind="CR2"), design.panel.units, slope[None])
    if (held[true > 1e-12] < 1e-9).any():
        assert np.isnan(got.std_error[0])
        return
    scale = np.sqrt(np.divide(true, held, out=np.zeros(N), where=true > 1e-12))
    scaled = parts * scale
    np.testing.assert_allclose(
        got.std_error[0], np.linalg.norm(scaled.T @ design.y.reshape(-1)), rtol=1e-7
    )
    P = scaled.T @ scaled
    assert np.trace(P) == pytest.approx(w @ w)
    assert got.df[0] == pytest.approx(np.trace(P) ** 2 / (P**2).sum(), rel=1e-7)
