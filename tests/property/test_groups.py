"""What effects between groups obey on drawn panels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

import ccec_econ as ce
from ccec_econ.engine.likelihood import Optimum
from ccec_econ.models.groups import effects_by_order, group_effects, unit_effects
from simulated import simulate

cases = settings(max_examples=15, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)
models = st.sampled_from(["ols", "slx", "sar", "sem", "sdm", "sdem"])
EXACT = 1e-12  # rounding of one inversion of a matrix of ten


def drawn(seed: int, model: str, *, standardised: bool = True):
    rng = np.random.default_rng(seed)
    N, T = int(rng.integers(6, 12)), int(rng.integers(5, 9))
    M = rng.random((N, N)) * (rng.random((N, N)) < 0.5)
    M[np.arange(N), (np.arange(N) + 1) % N] = 1.0
    np.fill_diagonal(M, 0.0)
    W = M / M.sum(axis=1, keepdims=True)
    if not standardised:
        W = W * rng.uniform(0.3, 0.9, (N, 1))
    panel = simulate(rng, W, T, 0.3, np.array([1.0, -0.5]), np.array([0.3, 0.2]))
    bar = "unit + year" if standardised else "unit"
    weights = [] if model == "ols" else [ce.weights.from_matrix(W, range(N))]
    groups = pd.Series(rng.choice(["a", "b", "c"], N), index=range(N))
    try:
        fit = getattr(ce, model)(f"y ~ x0 + x1 | {bar}", panel, *weights)
    except ce.errors.ConvergenceError:  # a unit root was drawn: refused, tested elsewhere
        reject()
    return fit, W, groups, rng


def dense(fit, W: np.ndarray, term: str) -> np.ndarray:
    t = fit.params.get(f"W({term})", 0.0)
    A = np.linalg.inv(np.eye(len(W)) - fit.rho * W)
    return A @ (fit.params[term] * np.eye(len(W)) + t * W)


@cases
@given(seeds, models, st.booleans(), st.booleans())
def test_dense_brute_force(seed: int, model: str, standardised: bool, weighted: bool) -> None:
    fit, W, groups, rng = drawn(seed, model, standardised=standardised)
    size = pd.Series(rng.uniform(0.5, 3.0, len(W)), index=groups.index)
    found = group_effects(fit, groups, weights=size if weighted else None, draws=3)
    w = size.to_numpy() if weighted else np.ones(len(W))
    for term in ("x0", "x1"):
        S, blocks = dense(fit, W, term), found.matrix(term)
        for g in blocks.index:
            for h in blocks.columns:
                rows, columns = (groups == g).to_numpy(), (groups == h).to_numpy()
                expected = w[rows] @ S[np.ix_(rows, columns)].sum(axis=1) / w[rows].sum()
                assert blocks.loc[g, h] == pytest.approx(expected, abs=1e-10)


@cases
@given(seeds, models)
def test_shares_of_row_sums_give_the_total_effect(seed: int, model: str) -> None:
    fit, _, groups, _ = drawn(seed, model)
    found = group_effects(fit, groups, draws=3)
    total = fit.effects(draws=3).frame["estimate"].unstack()
    for term in ("x0", "x1"):
        received = found.matrix(term).sum(axis=1)
        np.testing.assert_allclose(received, found.received.loc[term, "estimate"], atol=EXACT)
        share = found.groups["units"] / found.groups["units"].sum()
        assert (share * received).sum() == pytest.approx(total.loc[term, "total"], abs=EXACT)
        own = (share * found.own.loc[term, "estimate"]).sum()
        assert own == pytest.approx(total.loc[term, "direct"], abs=EXACT)


@cases
@given(seeds, models)
def test_one_group_is_the_total_and_units_are_the_matrix(seed: int, model: str) -> None:
    fit, W, groups, _ = drawn(seed, model)
    total = fit.effects(draws=3).frame["estimate"].unstack()
    one = group_effects(fit, pd.Series("all", index=groups.index), draws=3)
    each = group_effects(fit, pd.Series(groups.index, index=groups.index), draws=3)
    for term in ("x0", "x1"):
        assert one.matrix(term).iloc[0, 0] == pytest.approx(total.loc[term, "total"], abs=EXACT)
        np.testing.assert_allclose(each.matrix(term), dense(fit, W, term), atol=1e-10)
        np.testing.assert_allclose(each.matrix(term), unit_effects(fit, term).matrix, atol=1e-10)


@cases
@given(seeds, models)
def test_names_and_order_of_groups_do_not_matter(seed: int, model: str) -> None:
    fit, _, groups, rng = drawn(seed, model)
    names = {"a": "z", "b": "m", "c": "a"}
    one = group_effects(fit, groups, draws=3)
    two = group_effects(fit, groups.map(names).iloc[rng.permutation(len(groups))], draws=3)
    back = two.matrix("x0").loc[[names[g] for g in one.groups.index]]
    back = back[[names[g] for g in one.groups.index]]
    np.testing.assert_allclose(back, one.matrix("x0"), atol=EXACT)


@cases
@given(seeds, st.booleans())
def test_delta_errors_equal_finite_differences(seed: int, standardised: bool) -> None:
    fit, _, groups, _ = drawn(seed, "sdm", standardised=standardised)
    K, step = len(fit.estimate.terms), 1e-6
    theta = np.append(fit.estimate.optimum.coefficients, fit.rho)

    def at(values: np.ndarray) -> np.ndarray:
        best = Optimum(float(values[K]), 0.0, values[:K], fit.sigma2, 0.0)
        moved = replace(fit, estimate=replace(fit.estimate, optimum=best))
        found = group_effects(moved, groups, draws=1)
        pieces = (found.frame, found.own, found.received)
        return np.concatenate([piece["estimate"] for piece in pieces])

    slopes = np.column_stack(
        [(at(theta + step * d) - at(theta - step * d)) / (2 * step) for d in np.eye(K + 1)]
    )
    V = fit.cov.to_numpy()
    expected = np.sqrt(np.einsum("ip,pq,iq->i", slopes, V, slopes))
    found = group_effects(fit, groups, draws=1)
    error = np.concatenate([p["std_error"] for p in (found.frame, found.own, found.received)])
    np.testing.assert_allclose(error, expected, rtol=1e-5, atol=1e-9)


@cases
@given(seeds, st.floats(0.0, 0.95), st.floats(-2.0, 2.0), st.floats(-2.0, 2.0))
def test_a_single_lag_gives_all_effects_between_units_one_sign(
    seed: int, rho: float, b: float, t: float
) -> None:
    """S = b I + (rho b + t) W (I - rho W)^-1, and the last two factors are not negative."""
    fit, _, _, _ = drawn(seed, "sdm")
    coefficients = fit.estimate.optimum.coefficients.copy()
    coefficients[0], coefficients[2] = b, t
    best = Optimum(rho, 0.0, coefficients, 1.0, 0.0)
    moved = replace(fit, estimate=replace(fit.estimate, optimum=best))
    S = unit_effects(moved, "x0").matrix.to_numpy()
    between = S[~np.eye(len(S), dtype=bool)]
    assert (np.sign(rho * b + t) * between >= -EXACT).all()


@cases
@given(seeds, models)
def test_orders_and_units_add_to_the_effects(seed: int, model: str) -> None:
    fit, _, _, _ = drawn(seed, model)
    if abs(fit.rho) >= 1.0:
        reject()
    expected = fit.effects(draws=3).frame["estimate"].unstack()
    frame = effects_by_order(fit, orders_shown=60, draws=3).wide()
    for term in ("x0", "x1"):
        parts = frame.loc[term]
        listed = parts.drop(index=["beyond", "all"]).sum()
        np.testing.assert_allclose(listed + parts.loc["beyond"], parts.loc["all"], atol=1e-10)
        np.testing.assert_allclose(parts.loc["all"], expected.loc[term, parts.columns], atol=1e-10)
        if abs(fit.rho) < 0.7:  # 0.7^60 is 5e-10
            np.testing.assert_allclose(listed, parts.loc["all"], atol=1e-7)
        units = unit_effects(fit, term)
        total = expected.loc[term, "total"]
        assert units.received.mean() == pytest.approx(total, abs=1e-10)
        assert units.emitted.mean() == pytest.approx(total, abs=1e-10)
        assert units.own.mean() == pytest.approx(expected.loc[term, "direct"], abs=1e-10)
