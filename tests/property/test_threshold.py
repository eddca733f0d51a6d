"""Thresholds against brute force over the public verbs, and their invariances."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

import ccec_econ as ce
from simulated import simulate

EFFECTS = {"none": "", "unit": " | unit", "time": " | year", "twoway": " | unit + year"}
SAME = 1e-8  # heights of order one hundred: the root of the score is exact to its square
cases = settings(max_examples=5, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)
effects = st.sampled_from(list(EFFECTS.values()))
models = st.sampled_from(["ols", "slx", "sar", "sdm"])


def drawn(seed: int) -> tuple[pd.DataFrame, np.ndarray, ce.weights.Graph]:
    """Panel with a threshold variable q that has nothing to do with the rest."""
    rng = np.random.default_rng(seed)
    N, T = int(rng.integers(8, 13)), int(rng.integers(5, 8))
    M = rng.random((N, N)) * (rng.random((N, N)) < 0.5)
    M[np.arange(N), (np.arange(N) + 1) % N] = 1.0
    np.fill_diagonal(M, 0.0)
    W = M / M.sum(axis=1, keepdims=True)
    panel = simulate(rng, W, T, 0.2, np.array([1.0, -0.5]), np.array([0.3, 0.2]))
    panel = panel.assign(q=rng.standard_normal(N * T))
    return panel, W, ce.weights.from_matrix(W, range(N))


def fitted(model: str, bar: str, panel: pd.DataFrame, graph, **options) -> ce.ThresholdResults:
    weights = None if model == "ols" else graph
    try:
        return ce.threshold(
            f"y ~ x0 + x1{bar}", panel, weights, by=options.pop("by", "q"), model=model, **options
        )
    except ce.errors.ConvergenceError:  # a drawn panel may fit a unit root: refused, tested apart
        reject()


@cases
@given(seeds, models, effects, st.booleans(), st.sampled_from(["transformation", "direct"]))
def test_profile_is_brute_force_over_public_fits(
    seed: int, model: str, bar: str, intercept: bool, method: str
) -> None:
    """Split columns by hand, one ordinary fit per candidate: same heights, same maximum."""
    panel, _, graph = drawn(seed)
    options = {} if model in ("ols", "slx") else {"method": method}
    fit = fitted(model, bar, panel, graph, intercept=intercept, regimes=["x0"], **options)
    profile = fit.profile()
    inner = profile.index[:: max(1, len(profile) // 12)].union([fit.threshold])
    for g in inner:
        low = panel["q"] <= g
        split = panel.assign(a=panel["x0"].where(low, 0.0), b=panel["x0"].where(~low, 0.0))
        split = split.assign(c=low.astype(float))
        formula = f"y ~ a + b + x1{' + c' if intercept else ''}{bar}"
        arguments = [formula, split] + ([] if model == "ols" else [graph])
        try:
            one = getattr(ce, model)(*arguments, **options)
        except ce.errors.ConvergenceError:
            continue
        assert profile.loc[g, "loglik"] == pytest.approx(one.loglik, abs=SAME)
        if g == fit.threshold:
            assert sorted(fit.params) == pytest.approx(sorted(one.params), abs=1e-6)
    assert fit.loglik == pytest.approx(profile["loglik"].max(), abs=SAME)
    assert fit.supremum == pytest.approx(2 * (fit.loglik - fit.null.loglik), abs=SAME)


@cases
@given(seeds, models, effects)
def test_an_increasing_transform_of_the_threshold_variable_changes_its_name_only(
    seed: int, model: str, bar: str
) -> None:
    panel, _, graph = drawn(seed)
    one = fitted(model, bar, panel, graph)
    two = fitted(model, bar, panel.assign(q=np.exp(3.0 * panel["q"])), graph)
    assert two.threshold == pytest.approx(np.exp(3.0 * one.threshold))
    pd.testing.assert_series_equal(one.params, two.params)
    np.testing.assert_array_equal(one.profile()["loglik"], two.profile()["loglik"])
    assert one.test(draws=19).pvalue == two.test(draws=19).pvalue
    assert one.confidence_set().kept == two.confidence_set().kept


@cases
@given(seeds, models)
def test_relabelling_and_shuffling_do_not_matter(seed: int, model: str) -> None:
    panel, W, graph = drawn(seed)
    names = np.array([f"u{i:02d}" for i in np.random.default_rng(seed).permutation(len(W))])
    turned = panel.reset_index().assign(unit=lambda frame: names[frame["unit"]])
    turned = turned.sample(frac=1.0, random_state=seed % 1000).set_index(["unit", "year"])
    one = fitted(model, EFFECTS["twoway"], panel, graph)
    two = fitted(model, EFFECTS["twoway"], turned, ce.weights.from_matrix(W, names))
    assert one.threshold == two.threshold
    np.testing.assert_allclose(one.params, two.params, atol=SAME)
    np.testing.assert_allclose(one.profile()["loglik"], two.profile()["loglik"], atol=SAME)


@cases
@given(seeds, models)
def test_effects_and_with_intercepts_the_zero_of_a_regressor_do_not_matter(
    seed: int, model: str
) -> None:
    """Unit and time constants of y never; a constant added to x0 only with intercept=True."""
    panel, W, graph = drawn(seed)
    rng = np.random.default_rng(seed)
    unit = panel.index.get_level_values(0).map(dict(enumerate(10 * rng.standard_normal(len(W)))))
    time = panel.index.get_level_values(1).map(dict(enumerate(10 * rng.standard_normal(20))))
    moved = panel.assign(y=panel["y"] + unit + time)
    bar = EFFECTS["twoway"]
    one, two = fitted(model, bar, panel, graph), fitted(model, bar, moved, graph)
    np.testing.assert_allclose(one.profile()["loglik"], two.profile()["loglik"], atol=1e-7)
    shifted = panel.assign(x0=panel["x0"] + 3.0)
    free = [fitted(model, bar, frame, graph, intercept=True) for frame in (panel, shifted)]
    np.testing.assert_allclose(*(f.profile()["loglik"] for f in free), atol=1e-7)
    bound = fitted(model, bar, shifted, graph)
    assert np.abs(bound.profile()["loglik"] - one.profile()["loglik"]).max() > 1e-3


@cases
@given(seeds, models)
def test_simulated_ratios_are_those_of_a_refit(seed: int, model: str) -> None:
    """The bootstrap's fast search of one simulated panel is ce.threshold on that panel."""
    from ccec_econ.inference.bootstrap import panels
    from ccec_econ.inference.threshold import bootstrap_heights

    panel, _, graph = drawn(seed)
    fit = fitted(model, EFFECTS["twoway"], panel, graph)
    null, search = fit.null.estimate, fit.search
    found = bootstrap_heights(
        null,
        search.splits,
        search.thresholds,
        draws=2,
        innovations="unit",
        rng=np.random.default_rng(seed),
    )
    simulated = panels(null, 2, "unit", np.random.default_rng(seed))
    for y, ratio, border in zip(simulated, found.supremum, found.border, strict=True):
        if border:
            continue
        again = panel.assign(y=fit.panel.series(y, "y"))
        refit = fitted(model, EFFECTS["twoway"], again, graph)
        assert refit.supremum == pytest.approx(ratio, abs=1e-7)
