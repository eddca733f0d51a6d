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


def coverage(
    draws: int, cov: ce.Cluster, *, dependent: bool = False, **design: float
) -> np.ndarray:
    """Share of 95 % intervals that hold the total, near and far effect; one geography.

    Errors of variance .09, independent; or normal with correlation .5^|s - t| exp(-km / 60).
    """
    data, adoption, distances, _ = simulated(
        0, periods=10, noise=0.0, onsets=(3, 5, 6, 8), **design
    )  # type: ignore[arg-type]
    rng = np.random.default_rng(2)
    N, T = len(distances), 10
    space, time = np.eye(N), np.eye(T)
    if dependent:
        space = np.linalg.cholesky(np.exp(-distances.to_numpy() / 60.0))
        time = np.linalg.cholesky(0.5 ** np.abs(np.arange(T)[:, None] - np.arange(T)))
    held = []
    for _ in range(draws):
        errors = 0.3 * space @ rng.standard_normal((N, T)) @ time.T
        drawn = data.assign(y=data["y"] + errors.ravel())
        frame = ce.causal.rings(drawn, "y", adoption, distances, EDGES, cov=cov).frame
        held.append([frame["lower"][t] <= v <= frame["upper"][t] for t, v in TRUE.items()])
    return np.mean(held, axis=0)


@pytest.mark.slow
def test_coverage() -> None:
    """Intervals by scaled scores hold their level where clusters by t(g - 1) do not.

    400 draws, errors independent; Monte Carlo error of .95: .011. Twenty treated units of 120, 12
    in the near ring: CR2 .95, .96, .96; CR1 .92, .91, .94. Six treated of 60, two near: CR2 .98,
    1.00, .94; CR1 .85, .64, .91.
    """
    many = {"units": 120, "treated": 20, "size": 900.0}
    assert (np.abs(coverage(200, ce.Cluster(kind="CR2"), **many) - 0.95) < 0.05).all()
    assert (coverage(200, ce.Cluster(kind="CR2")) > 0.90).all()
    assert coverage(200, ce.Cluster())[1] < 0.75


@pytest.mark.slow
def test_coverage_under_dependence() -> None:
    """Errors that move together in space and time: scaled scores hold less, clusters least.

    400 draws: with twenty treated of 120 CR2 .94, .90, .89 and CR1 .92, .85, .87; with six of 60
    CR2 .96, 1.00, .90 and CR1 .83, .64, .84. Monte Carlo error of .9: .015.
    """
    many = {"units": 120, "treated": 20, "size": 900.0}
    scaled = coverage(400, ce.Cluster(kind="CR2"), dependent=True, **many)
    assert (scaled > 0.84).all()
    assert (scaled[1:] < 0.95).all()
    few = coverage(200, ce.Cluster(kind="CR2"), dependent=True)
    assert (few > 0.84).all()
    assert coverage(200, ce.Cluster(), dependent=True)[1] < 0.75
