"""Invariances of the control-function test and of economic weights."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

import ccec_econ as ce

N, T = 8, 6
SAME = 1e-5  # two maximisations of one likelihood, in other units


def made(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([range(N), range(T)], names=["unit", "year"])
    x, before, e, v = rng.standard_normal((4, N * T))
    return pd.DataFrame(
        {"x": x, "before": before, "z": before + e, "y": x + 0.5 * e + v}, index=index
    )


def statistic(panel: pd.DataFrame) -> float:
    found = ce.weights_exogeneity(
        "y ~ x | unit + year",
        panel,
        lambda z: ce.weights.economic_of(z[:, 0]),
        "z ~ before | unit + year",
        model="sar",
    )
    return float(found.by_term["statistic"].iloc[0])


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.01, 100.0), shift=st.floats(-5.0, 5.0))
def test_units_of_measurement_and_labels_do_not_matter(seed, scale, shift) -> None:
    panel = made(seed)
    own = statistic(panel)
    moved = panel.assign(z=scale * panel["z"] + shift, y=3.0 * panel["y"] - 1.0)
    np.testing.assert_allclose(statistic(moved), own, rtol=SAME, atol=SAME)
    order = np.random.default_rng(seed).permutation(N)
    again = panel.rename(index=dict(enumerate(order.tolist())), level="unit").sort_index()
    np.testing.assert_allclose(statistic(again), own, rtol=SAME, atol=SAME)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), power=st.floats(0.2, 3.0), scale=st.floats(0.01, 100.0))
def test_economic_weights(seed, power, scale) -> None:
    values = np.random.default_rng(seed).standard_normal(N)
    W = ce.weights.economic_of(values, power=power)
    np.testing.assert_allclose(W.sum(axis=1), 1.0)
    assert not np.diag(W).any()
    np.testing.assert_allclose(
        ce.weights.economic_of(scale * values + 1.0, power=power), W, rtol=1e-6
    )
    gap = np.abs(values[:, None] - values)
    for i in range(N):  # the likest unit has the largest weight
        others = np.arange(N) != i
        assert W[i, others].argmax() == gap[i, others].argmin()
