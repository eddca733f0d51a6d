"""Size of tests at 16 units and 12 years when errors persist.

Errors are AR(0.5) and the regressor AR(0.8) within units, no effect, two-way effects removed. Each
rate is held against the Monte Carlo error of a 5 % test.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

import ccec_econ as ce
from ccec_econ.engine.estimate import Columns, Estimate, estimate
from ccec_econ.engine.spectrum import Spectrum, spectrum
from ccec_econ.inference.bootstrap import bootstrap
from ccec_econ.inference.wild import wild_cluster

Array = NDArray[np.float64]
N, T = 16, 12
THREE_ERRORS = 3.0


def persistent(rng: np.random.Generator, phi: float) -> Array:
    out = rng.standard_normal((T, N))
    out[0] /= np.sqrt(1.0 - phi**2)
    for t in range(1, T):
        out[t] += phi * out[t - 1]
    return out


def fit_columns(y: Array, x: Array, weights: Spectrum | None = None) -> Estimate:
    return estimate(
        Columns(y, x[:, :, None], ("x",), (None,)),
        weights=weights,
        x_weights=weights,
        error_weights=None,
        lag_y=weights is not None,
        effects="twoway",
        method="transformation",
    )


def tstat(fit: Estimate, cov: ce.Cluster | ce.Information) -> tuple[float, float]:
    vcov = cov(fit)
    t = float(fit.optimum.coefficients[0] / np.sqrt(vcov.matrix[0, 0]))
    return t, float(2 * stats.t.sf(abs(t), vcov.df or np.inf))


def slack(draws: int) -> float:
    return THREE_ERRORS * float(np.sqrt(0.05 * 0.95 / draws))


def test_wild_cluster_holds_its_size_where_iid_errors_do_not() -> None:
    """800 samples, Monte Carlo error 0.008; iid errors reject three to four times too often."""
    rng, draws = np.random.default_rng(20260101), 800
    rejected = {"webb": 0, "iid": 0}
    for _ in range(draws):
        fit = fit_columns(persistent(rng, 0.5), persistent(rng, 0.8))
        found = wild_cluster(fit, "x", weights="webb", draws=199, rng=rng)
        rejected["webb"] += found.pvalue <= 0.05
        rejected["iid"] += tstat(fit, ce.Information())[1] <= 0.05
    assert abs(rejected["webb"] / draws - 0.05) < slack(draws)
    assert rejected["iid"] / draws > 0.13


def test_enumerated_signs_hold_their_size() -> None:
    """100 samples with all 65,536 sign vectors each, Monte Carlo error 0.022."""
    rng, draws = np.random.default_rng(3), 100
    hits = sum(
        wild_cluster(fit_columns(persistent(rng, 0.5), persistent(rng, 0.8)), "x", rng=rng).pvalue
        <= 0.05
        for _ in range(draws)
    )
    assert abs(hits / draws - 0.05) < slack(draws)


def test_randomisation_of_t_holds_its_size() -> None:
    """Paths permuted over units, 39 permutations, 300 samples: Monte Carlo error 0.013."""
    rng, draws = np.random.default_rng(11), 300
    hits = 0
    for _ in range(draws):
        y, x = persistent(rng, 0.5), persistent(rng, 0.8)
        observed = abs(tstat(fit_columns(y, x), ce.Cluster())[0])
        permuted = [
            abs(tstat(fit_columns(y, x[:, rng.permutation(N)]), ce.Cluster())[0]) for _ in range(39)
        ]
        hits += (1 + sum(t >= observed for t in permuted)) / 40 <= 0.05
    assert abs(hits / draws - 0.05) < slack(draws)


@pytest.mark.parametrize(("innovations", "low", "high"), [("unit", 0.0, 0.11), ("normal", 0.11, 1)])
def test_only_whole_units_let_the_bootstrap_of_a_spatial_lag_allow_for_persistence(
    innovations: str, low: float, high: float
) -> None:
    """100 samples of 39 refits, Monte Carlo error 0.022 at 5 %."""
    graph = ce.weights.contiguity()
    weights = spectrum(ce.weights.align(graph, graph.unique_ids))
    inverse = np.linalg.inv(np.eye(N) - 0.4 * weights.W)
    rng, draws = np.random.default_rng(5), 100
    hits = 0
    for _ in range(draws):
        y, x = persistent(rng, 0.5) @ inverse.T, persistent(rng, 0.8)
        found = bootstrap(fit_columns(y, x, weights), draws=39, innovations=innovations, rng=rng)
        hits += found.frame.loc["x", "pvalue"] <= 0.05
    assert low <= hits / draws < high
