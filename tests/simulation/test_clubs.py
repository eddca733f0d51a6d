"""Size of the log t test and of the permutation test of spatial homogeneity."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.convergence import ClassRule, LogTRule, spatial_markov
from ccec_econ.convergence.logt import log_t_of


def converging(rng: np.random.Generator, N: int, T: int, alpha: float) -> np.ndarray:
    """Paths of Phillips and Sul (2007): 1 + s_i e_it / (log(t + 1) t^alpha), e AR(1)."""
    rho, scale = rng.uniform(0, 0.4, N), rng.uniform(0.02, 0.28, N)
    noise = np.zeros((T + 20, N))
    for t in range(1, T + 20):
        noise[t] = rho * noise[t - 1] + rng.standard_normal(N)
    t = np.arange(1, T + 1)[:, None]
    return 1 + scale * noise[20:] / np.log(t + 1) / t**alpha


def rejections(N: int, T: int, alpha: float, form: str, draws: int) -> float:
    rng = np.random.default_rng(1)
    rule = LogTRule(variance=form)
    tests = [log_t_of(converging(rng, N, T, alpha), rule) for _ in range(draws)]
    return float(np.mean([not test.converges for test in tests]))


def test_size_of_log_t_with_few_years() -> None:
    # 600 draws: Monte Carlo error 0.012 at 0.1
    assert 0.05 < rejections(16, 13, 0.1, "program", 600) < 0.15
    assert rejections(16, 13, 0.3, "program", 300) < 0.06


@pytest.mark.slow
@pytest.mark.parametrize(
    ("N", "T", "alpha", "low", "high"),
    [(16, 13, 0.0, 0.15, 0.24), (16, 34, 0.0, 0.06, 0.12), (156, 13, 0.0, 0.31, 0.43)],
)
def test_size_at_the_border(N: int, T: int, alpha: float, low: float, high: float) -> None:
    program = rejections(N, T, alpha, "program", 1000)
    assert low < program < high
    assert program <= rejections(N, T, alpha, "andrews", 1000)


def chance(draws: int, repeats: int) -> np.ndarray:
    rng = np.random.default_rng(7)
    units = [f"u{i:02d}" for i in range(16)]
    W = np.zeros((16, 16))
    for i in range(16):
        W[i, (i + 1) % 16] = W[i, (i - 1) % 16] = 0.5
    weights = ce.weights.from_matrix(W, units)
    years = pd.RangeIndex(2001, 2014, name="year")
    p = []
    for _ in range(repeats):
        walk = rng.normal(0, 0.3, 16) + np.cumsum(rng.normal(0, 0.1, (13, 16)), axis=0)
        frame = pd.DataFrame(np.exp(walk), years, pd.Index(units, name="unit"))
        panel = frame.stack().rename("y").to_frame().swaplevel().sort_index()
        test = spatial_markov(panel, "y", weights, rule=ClassRule(3), draws=draws, rng=rng)
        p.append((test.pvalue_Q, test.asymptotic_Q))
    return np.array(p)


def test_permutation_keeps_its_size() -> None:
    p = chance(draws=39, repeats=120)
    assert 0.04 < (p[:, 0] <= 0.1).mean() < 0.19  # 0.1 with error 0.027


@pytest.mark.slow
def test_permutation_against_chi_square() -> None:
    p = chance(draws=199, repeats=600)
    assert 0.03 < (p[:, 0] <= 0.05).mean() < 0.075
    assert (p[:, 1] <= 0.05).mean() > 0.2  # chi-square takes persistence for dependence
