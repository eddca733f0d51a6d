"""Values read off a few others, and effects at many draws with them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.inference import reduced_form
from ccec_econ.inference.interpolation import read_off
from ccec_econ.simulation import nearest_weights

ROUNDING = 1e-13  # sums over sixteen nodes of numbers near one


def test_a_polynomial_is_exact_and_asked_for_few_times() -> None:
    asked = []

    def cubic(x: np.ndarray) -> np.ndarray:
        asked.append(len(x))
        return np.stack([x**3, 1.0 - x], axis=1)

    places = np.linspace(-0.3, 0.9, 500)
    found = read_off(places, cubic)
    assert found == pytest.approx(np.stack([places**3, 1.0 - places], axis=1), abs=ROUNDING)
    assert asked == [16]


def test_what_is_not_smooth_is_left_to_the_caller() -> None:
    assert read_off(np.linspace(-1.0, 1.0, 400), np.abs) is None
    assert read_off(np.full(400, 0.3), np.exp) is None


@pytest.mark.parametrize("formula", ["y ~ x | unit + year", "y ~ L(y) + x | unit + year"])
def test_effects_between_groups_are_those_of_every_inverse(
    formula: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng, N, T = np.random.default_rng(5), 60, 6
    W = nearest_weights(N, 4, rng)
    index = pd.MultiIndex.from_product([range(N), range(T)], names=["unit", "year"])
    x, v = rng.standard_normal((2, T, N))
    y = (x + v) @ np.linalg.inv(np.eye(N) - 0.6 * W).T
    data = pd.DataFrame({"y": y.T.ravel(), "x": x.T.ravel()}, index=index)
    fit = ce.sdm(formula, data, ce.weights.from_matrix(W, range(N)))
    groups = pd.Series(np.array(list("abc"))[np.arange(N) % 3], index=range(N))
    found = fit.effects(groups=groups, draws=300)
    orders = ce.effects_by_order(fit, groups=groups, draws=300)
    monkeypatch.setattr(reduced_form, "_MANY", 10**9)
    each = fit.effects(groups=groups, draws=300)
    pd.testing.assert_frame_equal(found.frame, each.frame, rtol=1e-10, atol=1e-12)
    pd.testing.assert_frame_equal(found.received, each.received, rtol=1e-10, atol=1e-12)
    other = ce.effects_by_order(fit, groups=groups, draws=300)
    pd.testing.assert_frame_equal(orders.frame, other.frame, rtol=1e-10, atol=1e-12)
