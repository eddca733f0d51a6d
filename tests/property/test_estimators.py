"""Invariances that every static estimator obeys, on drawn panels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ccec_econ as ce
from ccec_econ.engine.likelihood import Likelihood, Optimum
from ccec_econ.engine.transform import helmert
from ccec_econ.inference.cluster import period_scores, unit_scores
from drawn import EFFECTS, cases, drawn, effects, fit, seeds

ROOT = 1e-8  # what the polished root of the score repeats under rounding
models = st.sampled_from(["ols", "slx", "sar", "sem", "sdm", "sdem", "sac"])


def likelihood(one) -> Likelihood:
    e = one.estimate
    return Likelihood(e.triangle, e.spectrum, e.error, e.reduction.nobs, e.reduction.periods)


@cases
@given(seeds, models, effects)
def test_order_of_rows_units_and_weights_does_not_matter(seed: int, model: str, bar: str) -> None:
    panel, W, graph = drawn(seed)
    order = np.random.default_rng(seed).permutation(len(W))
    shuffled = ce.weights.from_matrix(W[np.ix_(order, order)], order)
    mixed = panel.sample(frac=1.0, random_state=seed % 1000)
    one, two = fit(model, bar, panel, graph), fit(model, bar, mixed, shuffled)
    np.testing.assert_allclose(one.params, two.params, atol=ROOT)
    pd.testing.assert_series_equal(one.resids, two.resids, atol=1e-7)


@cases
@given(seeds, models)
def test_relabelling_units_and_reversing_time_does_not_matter(seed: int, model: str) -> None:
    panel, W, graph = drawn(seed)
    names = np.array([f"u{i:02d}" for i in np.random.default_rng(seed).permutation(len(W))])
    turned = panel.reset_index()
    turned = turned.assign(unit=names[turned["unit"]], year=-turned["year"])
    relabelled = ce.weights.from_matrix(W, names)
    one = fit(model, " | unit + year", panel, graph)
    two = fit(model, " | unit + year", turned.set_index(["unit", "year"]), relabelled)
    np.testing.assert_allclose(one.params, two.params, atol=ROOT)
    assert one.loglik == pytest.approx(two.loglik, abs=1e-8)


@cases
@given(seeds, models)
def test_unit_and_time_constants_do_not_matter(seed: int, model: str) -> None:
    panel, W, graph = drawn(seed)
    rng = np.random.default_rng(seed)
    unit = panel.index.get_level_values(0).map(dict(enumerate(10 * rng.standard_normal(len(W)))))
    time = panel.index.get_level_values(1).map(dict(enumerate(10 * rng.standard_normal(20))))
    moved = panel.assign(y=panel["y"] + unit + time, x0=panel["x0"] - unit + 2 * time)
    one = fit(model, " | unit + year", panel, graph)
    two = fit(model, " | unit + year", moved, graph)
    np.testing.assert_allclose(one.params, two.params, atol=ROOT)
    np.testing.assert_allclose(one.std_errors, two.std_errors, atol=ROOT)


@cases
@given(seeds, models, effects, st.sampled_from([1e-3, 0.5, 40.0, 1e6]))
def test_units_of_measurement(seed: int, model: str, bar: str, c: float) -> None:
    panel, _, graph = drawn(seed)
    one = fit(model, bar, panel, graph)
    two = fit(model, bar, panel.assign(y=c * panel["y"], x0=panel["x0"] / c), graph)
    free = ("rho", "lam")
    scale = [c**2 if "x0" in t else 1.0 if t in free else c for t in one.params.index]
    np.testing.assert_allclose(two.params, one.params * scale, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(two.tstats, one.tstats, rtol=1e-6, atol=1e-7)
    assert two.loglik == pytest.approx(one.loglik - one.likelihood_nobs * np.log(c), rel=1e-8)


@cases
@given(seeds, effects)
def test_least_squares_equals_dummy_variables(seed: int, bar: str) -> None:
    panel, _, graph = drawn(seed)
    names = [name for name in ("unit", "year") if name in bar]
    dummies = [
        pd.get_dummies(panel.index.get_level_values(name), dtype=float).to_numpy() for name in names
    ] or [np.ones((len(panel), 1))]
    X = np.column_stack([panel[["x0", "x1"]].to_numpy(), *dummies])
    expected = np.linalg.lstsq(X, panel["y"].to_numpy(), rcond=None)[0][:2]
    np.testing.assert_allclose(fit("ols", bar, panel, graph).params[["x0", "x1"]], expected)


@cases
@given(seeds, effects)
def test_likelihood_at_zero_rho_is_least_squares(seed: int, bar: str) -> None:
    panel, _, graph = drawn(seed)
    spatial, plain = fit("sar", bar, panel, graph), fit("ols", bar, panel, graph)
    at_zero = likelihood(spatial).at(0.0)
    assert at_zero.loglik == pytest.approx(plain.loglik, abs=1e-9)
    np.testing.assert_allclose(at_zero.coefficients, plain.params, atol=1e-10)
    assert spatial.loglik >= plain.loglik - 1e-9


@cases
@given(seeds, effects)
def test_score_is_the_slope_of_the_likelihood(seed: int, bar: str) -> None:
    panel, _, graph = drawn(seed)
    one, step = fit("gns", bar, panel, graph), 1e-6
    target = likelihood(one)
    for rho, lam in ((-0.4, 0.1), (0.0, 0.0), (0.2, -0.3), (0.6, 0.5)):
        by_rho, by_lam = target.score(rho, lam)
        up, down = target.loglik(rho + step, lam), target.loglik(rho - step, lam)
        assert by_rho == pytest.approx((up - down) / (2 * step), rel=1e-5, abs=1e-4)
        up, down = target.loglik(rho, lam + step), target.loglik(rho, lam - step)
        assert by_lam == pytest.approx((up - down) / (2 * step), rel=1e-5, abs=1e-4)
    np.testing.assert_allclose(target.score(one.rho, one.lam), 0.0, atol=1e-5)


@cases
@given(
    seeds,
    st.sampled_from(["sar", "sem", "sdm", "sdem", "sac"]),
    st.sampled_from(["unit", "time", "twoway"]),
)
def test_dense_brute_force_in_the_transformed_space(seed: int, model: str, kind: str) -> None:
    """Helmert data, dense determinants and a search of the whole space find no higher point."""
    panel, W, graph = drawn(seed)
    one = fit(model, EFFECTS[kind], panel, graph)
    T, N = one.estimate.y.shape
    F_t = helmert(T) if kind in ("unit", "twoway") else np.eye(T)
    F_n = helmert(N) if kind in ("time", "twoway") else np.eye(N)
    y = F_t.T @ one.design.y @ F_n
    columns = [one.design.X]
    if model in ("sdm", "sdem"):
        columns.append(np.einsum("ij,tjk->tik", W, one.design.X))
    X = np.einsum("ts,tnk,nm->smk", F_t, np.concatenate(columns, axis=2), F_n)
    star = F_n.T @ W @ F_n

    def height(rho: float, lam: float) -> float:
        R, S = np.eye(len(star)) - lam * star, np.eye(len(star)) - rho * star
        v = (y @ S.T @ R.T).ravel()
        Z = np.einsum("ij,tjk->tik", R, X).reshape(y.size, -1)
        e = v - Z @ np.linalg.lstsq(Z, v, rcond=None)[0]
        jacobian = len(y) * (np.linalg.slogdet(S)[1] + np.linalg.slogdet(R)[1])
        return jacobian - 0.5 * y.size * (np.log(2 * np.pi * e @ e / y.size) + 1)

    assert height(one.rho, one.lam) == pytest.approx(one.loglik, abs=1e-8)
    low, high = (
        one.estimate.spectrum.interval if one.estimate.spectrum else one.estimate.error.interval
    )
    nodes = np.linspace(max(low, -3.0) + 1e-3, high - 1e-3, 41)
    rhos = nodes if one.estimate.spectrum else [0.0]
    lams = nodes if one.estimate.error else [0.0]
    if len(rhos) > 1 and len(lams) > 1:
        rhos, lams = rhos[::4], lams[::4]
    assert max(height(rho, lam) for rho in rhos for lam in lams) <= one.loglik + 1e-8


@cases
@given(seeds, effects)
def test_nested_models_meet(seed: int, bar: str) -> None:
    """With rho = 0 a SAC is a SEM, with lam = 0 a SAR; with rho = 0 an SDM is an SLX."""
    panel, _, graph = drawn(seed)
    sac, sem, sar = (fit(name, bar, panel, graph) for name in ("sac", "sem", "sar"))
    one = likelihood(sac)
    assert one.loglik(0.0, sem.lam) == pytest.approx(sem.loglik, abs=1e-9)
    assert one.loglik(sar.rho, 0.0) == pytest.approx(sar.loglik, abs=1e-9)
    assert sac.loglik >= max(sem.loglik, sar.loglik) - 1e-9
    durbin, slx = fit("sdm", bar, panel, graph), fit("slx", bar, panel, graph)
    assert durbin.loglik >= max(sar.loglik, slx.loglik) - 1e-9
    assert likelihood(durbin).loglik(0.0) == pytest.approx(slx.loglik, abs=1e-9)


@cases
@given(seeds, models, effects)
def test_effects_add_up(seed: int, model: str, bar: str) -> None:
    panel, W, graph = drawn(seed)
    one = fit(model, bar, panel, graph)
    frame = one.effects(draws=5).frame["estimate"].unstack()
    np.testing.assert_allclose(frame["direct"] + frame["indirect"], frame["total"], atol=1e-12)
    S = np.linalg.inv(np.eye(len(W)) - one.rho * W)
    for term in ("x0", "x1"):
        b, t = one.params[term], one.params.get(f"W({term})", 0.0)
        dense = S @ (b * np.eye(len(W)) + t * W)
        assert frame.loc[term, "total"] == pytest.approx((b + t) / (1 - one.rho), rel=1e-12)
        assert frame.loc[term, "direct"] == pytest.approx(np.trace(dense) / len(W), rel=1e-10)


@cases
@given(seeds)
def test_effects_of_unstandardised_weights_equal_the_dense_inverse(seed: int) -> None:
    panel, W, _ = drawn(seed)
    loose = W * np.random.default_rng(seed).uniform(0.3, 0.9, (len(W), 1))
    one = fit("sdm", " | unit", panel, ce.weights.from_matrix(loose, range(len(W))))
    frame = one.effects(draws=5).frame["estimate"].unstack()
    S = np.linalg.inv(np.eye(len(W)) - one.rho * loose)
    dense = S @ (one.params["x0"] * np.eye(len(W)) + one.params["W(x0)"] * loose)
    assert frame.loc["x0", "total"] == pytest.approx(dense.sum() / len(W), rel=1e-10)
    assert frame.loc["x0", "direct"] == pytest.approx(np.trace(dense) / len(W), rel=1e-10)


@cases
@given(seeds, st.booleans())
def test_delta_errors_equal_finite_differences(seed: int, standardised: bool) -> None:
    panel, W, graph = drawn(seed)
    if not standardised:
        W = W * np.random.default_rng(seed).uniform(0.3, 0.9, (len(W), 1))
        graph = ce.weights.from_matrix(W, range(len(W)))
    one = fit("sdm", " | unit", panel, graph)
    K, step = len(one.estimate.terms), 1e-6
    theta = np.append(one.estimate.optimum.coefficients, one.rho)

    def at(values: np.ndarray) -> np.ndarray:
        best = Optimum(float(values[K]), 0.0, values[:K], one.sigma2, 0.0)
        moved = replace(one, estimate=replace(one.estimate, optimum=best))
        return moved.effects(draws=1).frame["estimate"].to_numpy()

    slopes = np.column_stack(
        [(at(theta + step * d) - at(theta - step * d)) / (2 * step) for d in np.eye(K + 1)]
    )
    expected = np.sqrt(np.einsum("ip,pq,iq->i", slopes, one.cov.to_numpy(), slopes))
    np.testing.assert_allclose(one.effects(draws=1).frame["std_error"], expected, rtol=1e-6)


@cases
@given(seeds, st.floats(-0.6, 0.8))
def test_common_factor_leaves_no_indirect_effect(seed: int, rho: float) -> None:
    panel, _, graph = drawn(seed)
    one = fit("sdm", " | unit + year", panel, graph)
    b = one.estimate.optimum.coefficients[:2]
    best = Optimum(rho, 0.0, np.concatenate([b, -rho * b]), one.sigma2, 0.0)
    moved = replace(one, estimate=replace(one.estimate, optimum=best))
    frame = moved.effects(draws=1).frame["estimate"].unstack()
    np.testing.assert_allclose(frame["indirect"], 0.0, atol=1e-12)
    np.testing.assert_allclose(frame["direct"], b, atol=1e-12)


@cases
@given(seeds, models, effects, st.sampled_from(["transformation", "direct"]))
def test_scores_add_to_the_gradient(seed: int, model: str, bar: str, method: str) -> None:
    """Contributions of units and pairs add to the gradient, which is zero at the maximum."""
    panel, _, graph = drawn(seed)
    options = {} if model in ("ols", "slx") else {"method": method}
    one = fit(model, bar, panel, graph, **options)
    units, pairs = unit_scores(one.estimate)
    for parts in ((units, pairs), (period_scores(one.estimate),)):
        total = sum(part.sum(axis=0) for part in parts)
        size = sum(np.abs(part).sum(axis=0) for part in parts)
        np.testing.assert_allclose(total / size, 0.0, atol=1e-7)


@cases
@given(seeds, models, effects)
def test_clustered_errors_do_not_depend_on_the_order_of_units(
    seed: int, model: str, bar: str
) -> None:
    panel, W, graph = drawn(seed)
    names = np.random.default_rng(seed).permutation(len(W))
    turned = panel.reset_index().assign(unit=lambda frame: names[frame["unit"]])
    relabelled = ce.weights.from_matrix(W, names)
    one = fit(model, bar, panel, graph, cov=ce.Cluster())
    two = fit(model, bar, turned.set_index(["unit", "year"]), relabelled, cov=ce.Cluster())
    np.testing.assert_allclose(one.std_errors, two.std_errors, rtol=1e-6)
