"""Invariances of dynamic models, on drawn panels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from hypothesis import given, reject, settings
from hypothesis import strategies as st

import ccec_econ as ce
from ccec_econ.inference.effects import effects
from ccec_econ.inference.reduced_form import static_form
from ccec_econ.models import dynamic

ROOT = 1e-8  # what the polished root of the score repeats under rounding
FAR = 1e-7  # the same after the correction, which multiplies it
cases = settings(max_examples=15, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)
bars = st.sampled_from(["unit", "unit + year"])
lags = st.sampled_from(["L(y)", "W(L(y))", "L(y) + W(L(y))"])


def drawn(seed: int) -> tuple[pd.DataFrame, np.ndarray, ce.weights.Graph]:
    rng = np.random.default_rng(seed)
    N, T = int(rng.integers(8, 13)), int(rng.integers(6, 10))
    M = rng.random((N, N)) * (rng.random((N, N)) < 0.5)
    M[np.arange(N), (np.arange(N) + 1) % N] = 1.0
    np.fill_diagonal(M, 0.0)
    W = M / M.sum(axis=1, keepdims=True)
    x, y = rng.standard_normal((T, N, 2)), np.zeros((T, N))
    S, level = np.eye(N) - 0.2 * W, rng.standard_normal(N)
    for t in range(T):
        mean = x[t] @ [1.0, -0.5] + level + rng.standard_normal(N) + rng.standard_normal()
        y[t] = np.linalg.solve(S, mean + (0.4 * y[t - 1] + 0.1 * W @ y[t - 1] if t else 0.0))
    index = pd.MultiIndex.from_product([range(T), range(N)], names=["year", "unit"])
    columns = {"y": y.ravel(), "x0": x[:, :, 0].ravel(), "x1": x[:, :, 1].ravel()}
    return pd.DataFrame(columns, index=index).swaplevel(), W, ce.weights.from_matrix(W, range(N))


def fit(formula: str, panel: pd.DataFrame, W, model: str = "sdm", **options):
    try:
        return getattr(dynamic, model)(formula, panel, W, **options)
    except ce.errors.ConvergenceError:  # a short panel may fit a spatial unit root
        reject()


@cases
@given(seeds, bars, lags)
def test_units_of_measurement_do_not_matter(seed: int, bar: str, lag: str) -> None:
    panel, _, W = drawn(seed)
    formula = f"y ~ {lag} + x0 + x1 | {bar}"
    other = panel.assign(y=1e4 * panel["y"], x0=1e-3 * panel["x0"])
    one, two = fit(formula, panel, W), fit(formula, other, W)
    scale = np.array([{"x0": 1e7, "x1": 1e4}.get(t.strip("W()"), 1.0) for t in one.params.index])
    np.testing.assert_allclose(two.params / scale, one.params, atol=FAR)
    np.testing.assert_allclose(two.std_errors / scale, one.std_errors, rtol=1e-6)
    np.testing.assert_allclose(two.sigma2, 1e8 * one.sigma2, rtol=1e-6)


@cases
@given(seeds, bars, lags)
def test_constants_of_units_do_not_matter(seed: int, bar: str, lag: str) -> None:
    panel, W, graph = drawn(seed)
    rng = np.random.default_rng(seed)
    unit = panel.index.get_level_values("unit").to_numpy()
    year = panel.index.get_level_values("year").to_numpy()
    shift = rng.standard_normal(len(W))[unit]
    if "year" in bar:
        shift = shift + rng.standard_normal(year.max() + 1)[year]
    formula = f"y ~ {lag} + x0 | {bar}"
    one, two = fit(formula, panel, graph), fit(formula, panel.assign(y=panel["y"] + shift), graph)
    np.testing.assert_allclose(two.params, one.params, atol=FAR)


@cases
@given(seeds, bars)
def test_order_of_rows_and_weights_does_not_matter(seed: int, bar: str) -> None:
    panel, W, graph = drawn(seed)
    order = np.random.default_rng(seed).permutation(len(W))
    shuffled = ce.weights.from_matrix(W[np.ix_(order, order)], order)
    mixed = panel.sample(frac=1.0, random_state=seed % 1000)
    formula = f"y ~ L(y) + W(L(y)) + x0 + x1 | {bar}"
    one, two = fit(formula, panel, graph), fit(formula, mixed, shuffled)
    np.testing.assert_allclose(one.params, two.params, atol=FAR)
    pd.testing.assert_series_equal(one.resids, two.resids, atol=1e-6)


@cases
@given(seeds, bars)
def test_without_persistence_effects_are_the_static_ones(seed: int, bar: str) -> None:
    """At tau = eta = 0 every horizon is the static effect; the short run has its errors too."""
    panel, _, W = drawn(seed)
    one = fit(f"y ~ L(y) + W(L(y)) + x0 + x1 | {bar}", panel, W)
    values = one.estimate.optimum.coefficients.copy()
    values[:2] = 0.0
    still = replace(one.estimate, optimum=replace(one.estimate.optimum, coefficients=values))
    one = replace(one, estimate=still, vcov=replace(one.vcov, matrix=1e-4 * one.vcov.matrix))
    options = {"level": 0.95, "draws": 5, "rng": np.random.default_rng(0)}
    static = effects(static_form(one.estimate), one.vcov, **options).frame
    short = one.effects(draws=5).frame
    columns = ["estimate", "std_error", "lower", "upper"]
    np.testing.assert_allclose(short[columns], static[columns], atol=1e-12)
    for horizon in ("long", 0, 3):
        frame = one.effects(horizon=horizon, draws=5).frame
        np.testing.assert_allclose(frame["estimate"], static["estimate"], atol=1e-12)


@cases
@given(seeds, bars, lags)
def test_summed_effects_reach_the_long_run(seed: int, bar: str, lag: str) -> None:
    panel, _, W = drawn(seed)
    one = fit(f"y ~ {lag} + x0 | {bar}", panel, W)
    if one.stability.radius > 0.8 or not one.stability.long_run:
        reject()
    long, far = one.effects(horizon="long", draws=5), one.effects(horizon=200, draws=5)
    columns = ["estimate", "std_error"]
    np.testing.assert_allclose(far.frame[columns], long.frame[columns], rtol=1e-8, atol=1e-10)
    each = [one.effects(horizon=h, cumulative=False, draws=5).frame["estimate"] for h in range(4)]
    np.testing.assert_allclose(
        sum(each), one.effects(horizon=3, draws=5).frame["estimate"], atol=1e-12
    )
