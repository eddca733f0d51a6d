"""Invariances of clustered and wild Anderson-Rubin sets and of first-stage strength."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

import ccec_econ as ce

N, T = 7, 5


def made(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([range(N), range(T)], names=["unit", "year"])
    z1, z2, v, u = rng.standard_normal((4, N * T))
    d = 0.6 * z1 + 0.4 * z2 + v
    return pd.DataFrame({"z1": z1, "z2": z2, "d": d, "y": 0.5 * d + 0.7 * v + u}, index=index)


def fitted(panel: pd.DataFrame):
    return ce.s2sls(
        "y ~ d | unit + year",
        panel,
        endogenous="d",
        instruments=["z1", "z2"],
        lag=False,
        cov=ce.Cluster(),
    )


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    mix=st.tuples(*[st.floats(0.3, 2.0)] * 2),
    scale=st.floats(0.01, 100.0),
    shift=st.floats(-2.0, 2.0),
)
def test_only_the_space_of_the_instruments_matters(seed, mix, scale, shift) -> None:
    panel = made(seed)
    turned = panel.assign(
        z1=mix[0] * panel["z1"] - panel["z2"], z2=panel["z1"] + mix[1] * panel["z2"]
    )
    moved = panel.assign(d=scale * panel["d"], y=panel["y"] + shift * panel["d"])
    base, other, third = (fitted(one) for one in (panel, turned, moved))
    for value in (-0.4, 0.5, 3.0):
        for wild in (False, True):
            p = base.anderson_rubin_pvalue("d", value, wild=wild)
            np.testing.assert_allclose(
                other.anderson_rubin_pvalue("d", value, wild=wild), p, atol=1e-9
            )
            np.testing.assert_allclose(
                third.anderson_rubin_pvalue("d", (value + shift) / scale, wild=wild), p, atol=1e-9
            )
    for mine, its in zip(base.first_stages, other.first_stages, strict=True):
        np.testing.assert_allclose(mine.effective_F, its.effective_F, rtol=1e-8)
        np.testing.assert_allclose(mine.critical, its.critical, rtol=1e-6)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_relabelled_units_give_the_same_p(seed) -> None:
    panel = made(seed)
    order = np.random.default_rng(seed).permutation(N)
    again = panel.rename(index=dict(enumerate(order.tolist())), level="unit").sort_index()
    for value in (0.0, 1.0):
        np.testing.assert_allclose(
            fitted(again).anderson_rubin_pvalue("d", value, wild=True),
            fitted(panel).anderson_rubin_pvalue("d", value, wild=True),
            atol=1e-9,
        )
