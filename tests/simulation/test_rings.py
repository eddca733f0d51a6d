"""Rings recover known effects; the naive estimate misses them by what the identity says."""

from __future__ import annotations

import numpy as np
import pytest

import ccec_econ as ce
from ringed import EDGES, FAR, NEAR, TOTAL, simulated

CLOSE = 0.01
TRUE = {"total": TOTAL, "0–40 km": NEAR, "40–80 km": FAR}


@pytest.mark.parametrize("method", ["two_stage", "twfe"])
def test_effects_are_recovered(method: str) -> None:
    """Means over draws, with the naive one against the identity at the true effects."""
    data, adoption, distances, _ = simulated(0, noise=0.0)
    rng = np.random.default_rng(1)
    draws, predicted = [], []
    for _ in range(80):
        drawn = data.assign(y=data["y"] + rng.normal(0.0, 0.1, len(data)))
        found = ce.causal.rings(drawn, "y", adoption, distances, EDGES, method=method)  # type: ignore[arg-type]
        draws.append(found.frame["estimate"])
        assert found.bias is not None
        weights = found.bias["weight"].drop("remainder")
        predicted.append(float(weights @ np.array(list(TRUE.values()))))
    mean = np.mean(draws, axis=0)
    assert mean[1:4] == pytest.approx(list(TRUE.values()), abs=CLOSE)
    assert mean[0] == pytest.approx(np.mean(predicted), abs=CLOSE)
    assert TOTAL - mean[0] > 4 * CLOSE


def test_effects_that_grow_need_two_stages() -> None:
    """Effects of .5 more each period, at three dates: one regression misses their mean."""
    data, adoption, distances, _ = simulated(3, units=40, treated=12, noise=0.0, size=900.0)
    years = data.index.get_level_values("year")
    since = years - data.index.get_level_values("unit").map(adoption)
    data = data.assign(y=data["y"] + 0.5 * np.where(since >= 0, since, 0.0))
    two, one = (
        ce.causal.rings(data, "y", adoption, distances, EDGES, method=method).frame["estimate"]  # type: ignore[arg-type]
        for method in ("two_stage", "twfe")
    )
    mean = TOTAL + 0.5 * float(since[since >= 0].to_numpy().mean())
    assert two["total"] == pytest.approx(mean, abs=1e-10)
    assert abs(one["total"] - mean) > 0.05
