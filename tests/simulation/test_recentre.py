"""Placement planted: naive estimates are biased, recentred ones are not, and draws give the size.

Lines along a row of places open in random order; central places gain most whatever the order, and
grow faster by themselves. Errors are AR(0.7) and shared by neighbours.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ccec_econ.causal import recentre
from ccec_econ.causal.recentre_regression import recentred_regression
from ccec_econ.engine.transform import demean
from network_shocks import network, outcome, panel

EFFECT, LINES, DRAWS = 0.5, 8, 39
NET = network(7, units=24, lines=LINES)


def sample(rng: np.random.Generator, effect: float):
    frames = [NET.access(rng.permutation(LINES)) for _ in range(DRAWS + 1)]
    access = recentre(frames[0], np.stack(frames[1:]), name="access")
    return access, outcome(rng, NET, frames[0], effect, placement=0.1)


def test_naive_is_biased_and_recentred_is_not() -> None:
    """100 networks; bias against its Monte Carlo error.

    Clustered intervals of the recentred estimate miss too often: neighbours share shocks.
    """
    rng, samples, covered = np.random.default_rng(20261122), 100, 0
    found = {"naive": [], "recentre": [], "control": [], "regressor": []}
    for _ in range(samples):
        access, y = sample(rng, EFFECT)
        for how, estimates in found.items():
            fit = recentred_regression(panel(y), "y", access, how=how)
            estimates.append(fit.estimate)
            if how == "recentre":
                covered += fit.interval_clustered[0] <= EFFECT <= fit.interval_clustered[1]
    bias = {how: np.mean(values) - EFFECT for how, values in found.items()}
    error = {how: np.std(values) / np.sqrt(samples) for how, values in found.items()}
    assert bias["naive"] > 10.0 * error["naive"]
    for how in ("recentre", "control", "regressor"):
        assert abs(bias[how]) < 3.0 * error[how]
    assert covered / samples < 0.95 - 3.0 * np.sqrt(0.05 * 0.95 / samples)


@pytest.mark.parametrize("effect", [0.0, EFFECT])
def test_pvalues_are_uniform_and_sets_cover(effect: float) -> None:
    """400 networks, 39 draws each: p-values of the true effect are uniform on 1/40, ..., 1."""
    rng, samples = np.random.default_rng(11), 400
    pvalues, covered = np.empty(samples), 0
    for s in range(samples):
        access, y = sample(rng, effect)
        test = access.randomisation(
            demean(y, "twoway"), demean(access.realised.to_numpy(), "twoway")
        )
        pvalues[s] = test.pvalue(effect)
        covered += any(low <= effect <= high for low, high in test.accepted(0.95))
    spread = pvalues - rng.random(samples) / (DRAWS + 1)  # continuous: uniform within each step
    assert stats.kstest(spread, "uniform").pvalue > 0.01
    assert abs(covered / samples - 0.95) < 3.0 * np.sqrt(0.05 * 0.95 / samples)
    assert covered == np.count_nonzero(pvalues > 0.05)
