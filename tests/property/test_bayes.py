"""Invariances of exact posteriors, on drawn panels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ccec_econ as ce
from drawn import cases, drawn, effects, seeds

models = st.sampled_from(["slx", "sar", "sem", "sdm", "sdem"])


@cases
@given(seeds, models, effects)
def test_order_of_units_does_not_matter(seed: int, model: str, bar: str) -> None:
    panel, W, graph = drawn(seed)
    order = np.random.default_rng(seed).permutation(len(W))
    shuffled = ce.weights.from_matrix(W[np.ix_(order, order)], order)
    formula = f"y ~ x0 + x1{bar}"
    one = ce.bayes.fit(formula, panel, graph, model=model, draws=20)
    two = ce.bayes.fit(formula, panel.sample(frac=1.0), shuffled, model=model, draws=20)
    assert one.log_marginal == pytest.approx(two.log_marginal, abs=1e-8)
    np.testing.assert_allclose(one.draws.coefficients, two.draws.coefficients, atol=1e-7)


@cases
@given(seeds, models)
def test_effects_of_units_and_years_do_not_matter(seed: int, model: str) -> None:
    panel, _, graph = drawn(seed)
    unit = panel.index.get_level_values(0).to_numpy(dtype=float)
    year = panel.index.get_level_values(1).to_numpy(dtype=float)
    moved = panel.assign(y=panel["y"] + 3.0 * unit - 2.0 * year**2)
    formula = "y ~ x0 + x1 | unit + year"
    one, two = (
        ce.bayes.fit(formula, each, graph, model=model, draws=20) for each in (panel, moved)
    )
    np.testing.assert_allclose(one.draws.spatial, two.draws.spatial, atol=1e-7)
    assert one.log_marginal == pytest.approx(two.log_marginal, abs=1e-7)


@cases
@given(seeds, models, st.floats(0.01, 100.0))
def test_response_in_another_unit_moves_the_marginal_by_its_jacobian(
    seed: int, model: str, c: float
) -> None:
    panel, _, graph = drawn(seed)
    formula = "y ~ x0 + x1 | unit + year"
    one = ce.bayes.fit(formula, panel, graph, model=model, draws=10)
    two = ce.bayes.fit(formula, panel.assign(y=c * panel["y"]), graph, model=model, draws=10)
    free = one.estimate.reduction.nobs - len(one.estimate.terms)
    moved = one.log_marginal - free * np.log(c)
    assert two.log_marginal == pytest.approx(moved, abs=1e-7)
    np.testing.assert_allclose(two.draws.coefficients, c * one.draws.coefficients, rtol=1e-6)


@cases
@given(seeds, st.sampled_from(["sar", "sem", "sdm", "sdem"]))
def test_density_of_rho_peaks_at_the_maximum_of_a_long_panel_likelihood(
    seed: int, model: str
) -> None:
    panel, _, graph = drawn(seed)
    formula = "y ~ x0 + x1 | unit + year"
    post = ce.bayes.fit(formula, panel, graph, model=model, draws=1)
    grid, density = post.marginal.grid, post.marginal.density
    one = post.estimate
    wide = 0.5 * (one.reduction.nobs - len(one.terms))
    at = int(density.argmax())
    for j in (at // 2, at, (at + len(grid)) // 2):
        moments = one.triangle.at(grid[j] if model in ("sem", "sdem") else 0.0)
        rho = 0.0 if model in ("sem", "sdem") else grid[j]
        log = one.reduction.periods * post.kernel.weights.logdet(grid[j])
        log = log - wide * np.log(moments.sse(rho)) - np.log(np.abs(np.diag(moments.R))).sum()
        if j == at // 2:
            first = log - np.log(density[j])
        assert log - np.log(density[j]) == pytest.approx(first, abs=1e-6)


@cases
@given(seeds, st.floats(0.01, 100.0))
def test_dynamic_parameters_do_not_depend_on_the_unit_of_the_response(seed: int, c: float) -> None:
    panel, _, graph = drawn(seed)
    formula = "y ~ L(y) + W(L(y)) + x0 | unit + year"
    one = ce.bayes.fit(formula, panel, graph, draws=10)
    two = ce.bayes.fit(formula, panel.assign(y=c * panel["y"]), graph, draws=10)
    assert one.estimate.terms == ("L(y)", "W(L(y))", "x0", "W(x0)")
    b, moved = one.draws.coefficients, two.draws.coefficients
    np.testing.assert_allclose(one.draws.spatial, two.draws.spatial, atol=1e-7)
    np.testing.assert_allclose(b * [1.0, 1.0, c, c], moved, rtol=1e-6, atol=1e-7 * c)
    assert (one.radius < 1.0).all()
