"""Randomisation p-values are uniform without an effect; power is what repeated samples show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ccec_econ.causal import (
    fake_openings,
    permute,
    placebo_weights,
    policy_window,
    power,
    pseudo_openings,
)
from ccec_econ.causal.randomise_estimators import twfe
from staggered import drawn_design, redrawn

SAMPLES = 250
BASE = drawn_design(np.random.default_rng(0))
ROUGH = 1e-3  # of a Kolmogorov-Smirnov test that should hold


def uniform(values: list[float], draws: int, rng: np.random.Generator) -> float:
    """KS p-value of p-values spread over the steps 1/(1 + draws) on which they lie."""
    spread = np.array(values) - rng.random(len(values)) / (1 + draws)
    return float(stats.kstest(spread, "uniform").pvalue)


@pytest.mark.parametrize("statistic", ["twfe_t", "twfe", "imputation_t", "imputation"])
def test_permuted_timing(statistic: str) -> None:
    rng = np.random.default_rng(10)
    found = [
        permute(redrawn(rng, BASE, persistence=0.9), statistic=statistic, draws=49, rng=rng).pvalue
        for _ in range(SAMPLES)
    ]
    assert uniform(found, 49, rng) > ROUGH


def test_errors_that_persist_break_the_usual_t_but_not_the_permutations() -> None:
    """The same data, judged by errors that take all cells for independent: not uniform."""
    rng, found = np.random.default_rng(11), []
    for _ in range(SAMPLES):
        design = redrawn(rng, BASE, persistence=0.9)
        T, N = design.y.shape
        effect = twfe(design.y, design.treated)
        d = design.treated - design.treated.mean(0) - design.treated.mean(1)[:, None]
        d = d + design.treated.mean()
        e = design.y - design.y.mean(0) - design.y.mean(1)[:, None] + design.y.mean()
        e = e - d * effect.estimate
        error = np.sqrt((e**2).sum() / ((N - 1) * (T - 1) - 1) / (d**2).sum())
        found.append(2 * stats.t.sf(abs(effect.estimate / error), (N - 1) * (T - 1) - 1))
    assert stats.kstest(found, "uniform").pvalue < ROUGH


def test_strata_of_unequal_means() -> None:
    """Strata that differ in trend and in who is treated: exact within strata, wrong across."""
    rng = np.random.default_rng(12)
    base, within, across = drawn_design(rng, units=16), [], []
    for _ in range(SAMPLES):
        design = redrawn(rng, base)
        early = rng.permutation(8)[:6]  # six of the first eight units, two of the rest
        late = 8 + rng.permutation(8)[:2]
        adoption = np.full(16, np.inf)
        adoption[np.concatenate([early, late])] = 4.0
        trend = np.where(np.arange(16) < 8, 1.0, 0.0) * design.periods[:, None]
        one = replace(design, adoption=adoption, y=design.y + trend)
        strata = dict.fromkeys(range(8), "a") | dict.fromkeys(range(8, 16), "b")
        within.append(permute(one, draws=49, within=strata, rng=rng).pvalue)
        across.append(permute(one, draws=49, rng=rng).pvalue)
    assert uniform(within, 49, rng) > ROUGH
    assert uniform(across, 49, rng) < ROUGH


def test_given_openings_and_policy_window() -> None:
    rng, given, policy = np.random.default_rng(13), [], []
    for i in range(120):
        design = redrawn(rng, BASE)
        rows = rng.permuted(np.tile(design.adoption, (49, 1)), axis=1)
        frame = pd.DataFrame(rows).replace(np.inf, np.nan).astype("Int64")
        data = design.panel.frame.assign(y=design.y.ravel()).swaplevel()
        real = pd.Series(design.adoption).replace(np.inf, np.nan).astype("Int64")
        given.append(fake_openings(data, "y", real, frame).pvalue)
        if i % 2:
            continue
        group = rng.permutation(12)[:5].tolist()
        policy.append(policy_window(data, "y", group, start=4, draws=49, rng=rng).pvalue)
    assert uniform(given, 49, rng) > ROUGH
    assert uniform(policy, 49, rng) > ROUGH


def test_pseudo_openings() -> None:
    rng = np.random.default_rng(14)
    found = [
        pseudo_openings(redrawn(rng, BASE), early=[1], draws=49, rng=rng)
        .frame["p_randomised"]
        .iloc[0]
        for _ in range(SAMPLES)
    ]
    assert uniform(found, 49, rng) > ROUGH


def test_power_in_repeated_samples() -> None:
    """Detectable effects, as single samples say, are found about as often as they promise."""
    rng, rejected, promised = np.random.default_rng(15), [], []
    effect, base = 1.2, drawn_design(rng, units=24, periods=8)
    for _ in range(SAMPLES):
        design = redrawn(rng, base, effect=effect)
        promised.append(power(design, [effect], draws=99, rng=rng).curve["power"].iloc[0])
        rejected.append(permute(design, draws=99, rng=rng).pvalue <= 0.05)
    error = np.sqrt(np.var(rejected) / SAMPLES + np.var(promised) / SAMPLES)
    assert 0.3 < np.mean(rejected) < 0.95  # an effect that is neither hopeless nor obvious
    assert abs(np.mean(promised) - np.mean(rejected)) < 3 * error + 0.03


@pytest.mark.slow
def test_placebo_weights_without_any_map() -> None:
    import ccec_econ as ce
    from simulated import simulate

    rng, W = np.random.default_rng(16), np.roll(np.eye(12), 1, axis=1)
    graph = ce.weights.from_matrix(W, range(12))
    found: dict[str, list[float]] = {"W(x0)": [], "rho": []}
    for _ in range(150):
        panel = simulate(rng, W, 6, 0.0, np.array([1.0]), np.array([0.0]))
        fit = ce.sdm("y ~ x0 | unit + year", panel, graph)
        for term, one in placebo_weights(fit, list(found), draws=39, rng=rng).items():
            found[term].append(one.pvalue)
    for values in found.values():
        assert uniform(values, 39, rng) > ROUGH
