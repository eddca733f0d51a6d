"""What effects of every class obey on drawn panels: slopes, relabelling, sums."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

import ccec_econ as ce
from ccec_econ.inference.group_blocks import group_map, partition
from ccec_econ.inference.measure import effect_map
from ccec_econ.inference.multipliers import Reach
from ccec_econ.inference.weighted_period import averages, matrix
from simulated import simulate

cases = settings(max_examples=3, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)
MODELS = ["static", "loose", "changing", "dynamic", "gmm", "random", "several"]
SLOPE = 1e-7  # what central differences with a step of 1e-6 repeat, relative to the slopes' size
SAME = 1e-7  # what fits of shuffled panels repeat


def weights(rng: np.random.Generator, N: int) -> np.ndarray:
    M = rng.random((N, N)) * (rng.random((N, N)) < 0.5)
    M[np.arange(N), (np.arange(N) + 1) % N] = 1.0
    np.fill_diagonal(M, 0.0)
    return M / M.sum(axis=1, keepdims=True)


def drawn(seed: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    N, T = int(rng.integers(7, 11)), int(rng.integers(7, 10))
    W, other = weights(rng, N), weights(rng, N)
    panel = simulate(rng, W, T, 0.3, np.array([1.0, -0.5]), np.array([0.3, 0.2]))
    return panel, W, other


def fitted(model: str, panel: pd.DataFrame, W: np.ndarray, other: np.ndarray, ids):
    """Fit one model; row sums of loose weights follow the order of the units."""
    one, two = (ce.weights.from_matrix(M, ids) for M in (W, other))
    years = sorted(panel.index.unique("year"))
    loose = ce.weights.from_matrix(W * np.linspace(0.5, 0.9, len(W)).reshape(-1, 1), ids)
    verbs = {
        "static": lambda: ce.sdm("y ~ x0 + x1 | unit + year", panel, one),
        "loose": lambda: ce.sdm("y ~ x0 + x1 | unit", panel, loose),
        "changing": lambda: ce.sdm(
            "y ~ x0 + x1 | unit + year", panel, {t: one if t < years[3] else two for t in years}
        ),
        "dynamic": lambda: ce.sdm("y ~ L(y) + W(L(y)) + x0 + x1 | unit", panel, one),
        "gmm": lambda: ce.gmm("y ~ x0 + x1 | unit + year", panel, one),
        "random": lambda: ce.random_effects("y ~ x0 + x1", panel, one, durbin="all"),
        "several": lambda: ce.higher_order(
            "y ~ x0 + x1 | unit + year", panel, {"a": one, "b": two}, durbin=True
        ),
    }
    try:
        return verbs[model]()
    except (ce.errors.ConvergenceError, ce.errors.IdentificationError):  # a unit root was drawn
        reject()


def form_of(fit):
    try:
        return fit.reduced_form()
    except ce.errors.IdentificationError:  # moments can put rho outside its interval
        reject()


@pytest.mark.parametrize("model", MODELS)
@cases
@given(seed=seeds)
def test_slopes_equal_finite_differences(seed: int, model: str) -> None:
    panel, W, other = drawn(seed)
    form = form_of(fitted(model, panel, W, other, range(len(W))))
    theta = form.theta.copy()
    theta[list(form.rho)] = 0.35 / len(form.rho)  # powers die out wherever the panel put rho
    form = replace(form, theta=theta)
    labels = pd.Series(np.arange(len(W)) % 3, index=range(len(W)))
    part = partition(pd.RangeIndex(len(W)), labels, None)
    check(effect_map(form, averages))
    check(effect_map(form, matrix))
    check(effect_map(form.by_order(3), averages))
    check(group_map(form, part, {})[1])
    check(group_map(form.by_order(2), part, {})[1])
    origins = {"x0": {0: "x1", 2: "x1"}}
    check(group_map(form, part, origins)[1])
    check(group_map(form.by_order(1), part, origins)[1])


@pytest.mark.parametrize("horizon", ["long", 0, 1, 4])
@cases
@given(seed=seeds, cumulative=st.booleans())
def test_slopes_at_horizons_equal_finite_differences(
    seed: int, horizon: int | str, cumulative: bool
) -> None:
    panel, W, other = drawn(seed)
    fit = fitted("dynamic", panel, W, other, range(len(W)))
    form = fit.reduced_form()
    theta = form.theta.copy()
    theta[:2], theta[-1] = (0.4, -0.2), 0.3
    form = replace(form, theta=theta, reach=Reach(horizon, cumulative))
    labels = pd.Series(np.arange(len(W)) % 3, index=range(len(W)))
    part = partition(pd.RangeIndex(len(W)), labels, None)
    check(group_map(form, part, {})[1])
    check(effect_map(form, averages))


def check(effects) -> None:
    theta, slopes, step = effects.form.theta, effects.slopes(), 1e-6
    for j, unit in enumerate(np.eye(len(theta))):
        above, below = effects.at(np.stack([theta + step * unit, theta - step * unit]))
        difference = (above - below) / (2 * step)
        size = max(1.0, float(np.abs(difference).max()))
        np.testing.assert_allclose(slopes[..., j], difference, atol=SLOPE * size, rtol=SLOPE)


@pytest.mark.parametrize("model", [name for name in MODELS if name != "loose"])
@cases
@given(seed=seeds)
def test_labels_and_order_of_units_do_not_matter(seed: int, model: str) -> None:
    panel, W, other = drawn(seed)
    N, rng = len(W), np.random.default_rng(seed)
    order = rng.permutation(N)
    names = np.array([f"u{i:02d}" for i in rng.permutation(N)])
    turned = panel.reset_index()
    turned = turned.assign(unit=names[turned["unit"]]).sample(frac=1.0, random_state=seed % 1000)
    turned = turned.set_index(["unit", "year"])
    shuffled = (M[np.ix_(order, order)] for M in (W, other))
    one = fitted(model, panel, W, other, range(N))
    two = fitted(model, turned, *shuffled, names[order])
    form_of(one)
    groups = pd.Series(rng.choice(["a", "b"], N), index=range(N))
    groups.iloc[:2] = ["a", "b"]
    renamed = pd.Series(groups.to_numpy(), index=names)
    columns = ["estimate", "std_error", "lower", "upper"]
    pairs = [
        (one.effects(draws=2).frame, two.effects(draws=2).frame),
        (one.effects(groups=groups, draws=2).frame, two.effects(groups=renamed, draws=2).frame),
    ]
    for a, b in pairs:
        size = float(np.abs(a[columns]).max().max())
        np.testing.assert_allclose(a[columns], b[columns], atol=SAME * size)
    mine, theirs = (ce.unit_effects(fit, "x0").matrix for fit in (one, two))
    size = float(np.abs(mine).max().max())
    np.testing.assert_allclose(mine, theirs.loc[names, names], atol=SAME * size)


@pytest.mark.parametrize("model", MODELS)
@cases
@given(seed=seeds)
def test_received_and_emitted_average_to_the_total(seed: int, model: str) -> None:
    panel, W, other = drawn(seed)
    fit = fitted(model, panel, W, other, range(len(W)))
    form_of(fit)
    frame = fit.effects(draws=2).frame["estimate"].unstack()
    for term in ("x0", "x1"):
        units = ce.unit_effects(fit, term).frame
        size = max(1.0, float(np.abs(units).max().max()))
        assert units["received"].mean() == pytest.approx(frame.loc[term, "total"], abs=1e-9 * size)
        assert units["emitted"].mean() == pytest.approx(frame.loc[term, "total"], abs=1e-9 * size)
        assert units["own"].mean() == pytest.approx(frame.loc[term, "direct"], abs=1e-9 * size)


@cases
@given(seeds)
def test_one_of_several_lags_is_the_single_lag(seed: int) -> None:
    """With rho_2 = t_2 = 0 the effects of two spatial lags are those of the first."""
    panel, W, other = drawn(seed)
    static = fitted("static", panel, W, other, range(len(W)))
    several = fitted("several", panel, W, other, range(len(W)))
    best = static.estimate.optimum
    if abs(best.rho) >= 1.0:
        reject()
    lone = replace(
        several.estimate,
        rho=np.array([best.rho, 0.0]),
        coefficients=np.concatenate([best.coefficients, np.zeros(2)]),
    )
    for term in ("x0", "x1"):
        np.testing.assert_allclose(
            ce.unit_effects(replace(several, estimate=lone), term).matrix,
            ce.unit_effects(static, term).matrix,
            atol=1e-10,
        )
