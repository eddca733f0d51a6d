"""Staggered designs in repeated samples: bias of one coefficient, size with few treated units."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from ccec_econ.causal import staggered
from ccec_econ.causal.staggered_results import Method

CLEAN: tuple[Method, ...] = ("callaway_santanna", "sun_abraham", "imputation")
T = 8
DRAWS = 9


def panel(y: NDArray[np.float64], adoption: NDArray[np.float64]) -> tuple[pd.DataFrame, pd.Series]:
    index = pd.MultiIndex.from_product(
        [range(len(adoption)), range(1, T + 1)], names=["unit", "year"]
    )
    first = pd.Series(np.where(np.isinf(adoption), np.nan, adoption)).astype("Int64")
    return pd.DataFrame({"y": y.T.reshape(-1)}, index=index), first


def errors(rng: np.random.Generator, N: int) -> NDArray[np.float64]:
    """Errors of one unit follow an autoregression of 0.5."""
    e = rng.normal(size=(T, N))
    for t in range(1, T):
        e[t] = 0.5 * e[t - 1] + np.sqrt(0.75) * e[t]
    return e


def test_growing_effects_bias_the_two_way_coefficient_only() -> None:
    """Effects 0.5 (years + 1), larger for early cohorts; truth is their mean over treated cells."""
    rng = np.random.default_rng(20)
    adoption = np.repeat([3.0, 5.0, 7.0, np.inf], [10, 10, 10, 10])
    since = np.arange(1, T + 1)[:, None] - adoption
    effect = np.where(since >= 0, 0.5 * (since + 1) * np.where(adoption == 3, 2.0, 1.0), 0.0)
    truth = effect[since >= 0].mean()
    found: dict[Method, list[float]] = {name: [] for name in (*CLEAN, "twfe")}
    for _ in range(DRAWS):
        data, first = panel(effect + errors(rng, 40), adoption)
        for method, values in found.items():
            values.append(staggered(data, "y", first, method=method).overall["estimate"])
    for method in CLEAN:
        error = np.std(found[method], ddof=1) / np.sqrt(DRAWS)
        assert np.mean(found[method]) == pytest.approx(truth, abs=3.5 * error)
    assert np.mean(found["twfe"]) < 0.8 * truth


@pytest.mark.slow
@pytest.mark.parametrize("treated", [4, 8, 20])
def test_size_with_few_treated_units(treated: int) -> None:
    """No effect, 80 units, cohorts of treated/4: too many rejections while these are small."""
    rates = size(treated, draws=400, seed=treated)
    for method, rate in rates.items():
        assert abs(rate - STATED[treated][method]) < 4 * np.sqrt(rate * (1 - rate) / 400), (
            method,
            rate,
        )


def size(treated: int, draws: int, seed: int) -> dict[Method, float]:
    rng = np.random.default_rng(seed)
    each = treated // 4
    adoption = np.repeat([3.0, 4.0, 5.0, 6.0, np.inf], [each] * 4 + [80 - treated])
    rejected: dict[Method, int] = dict.fromkeys((*CLEAN, "twfe"), 0)
    for _ in range(draws):
        data, first = panel(errors(rng, 80), adoption)
        for method in rejected:
            found = staggered(data, "y", first, method=method)
            rejected[method] += bool(found.overall["p"] < 0.05)
    return {method: count / draws for method, count in rejected.items()}


# Measured with 400 draws; the first three stand in the notes of `staggered`.
STATED: dict[int, dict[Method, float]] = {
    4: {"callaway_santanna": 0.17, "sun_abraham": 0.76, "imputation": 0.67, "twfe": 0.14},
    8: {"callaway_santanna": 0.12, "sun_abraham": 0.23, "imputation": 0.20, "twfe": 0.09},
    20: {"callaway_santanna": 0.05, "sun_abraham": 0.05, "imputation": 0.08, "twfe": 0.07},
}
