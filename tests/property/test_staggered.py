"""Staggered designs: what must not matter, and dense regressions written out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ccec_econ.causal import group_time_contrast, group_time_means, staggered
from ccec_econ.causal.staggered_results import Method

METHODS: tuple[Method, ...] = ("callaway_santanna", "sun_abraham", "imputation", "twfe")
EXACT = 1e-8
CHECKED = settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@dataclass(frozen=True)
class Sample:
    data: pd.DataFrame
    first: pd.Series
    y: NDArray[np.float64]  # (T, N)
    adoption: NDArray[np.float64]

    @classmethod
    def draw(cls, seed: int, T: int = 6) -> Sample:
        rng = np.random.default_rng(seed)
        adoption = np.repeat([3.0, 4.0, 6.0, np.inf], [4, 3, 3, 5])
        y = rng.normal(size=(T, len(adoption)))
        return cls.of(y, adoption)

    @classmethod
    def of(cls, y: NDArray[np.float64], adoption: NDArray[np.float64]) -> Sample:
        T, N = y.shape
        index = pd.MultiIndex.from_product([range(N), range(1, T + 1)], names=["unit", "year"])
        first = pd.Series(np.where(np.isinf(adoption), np.nan, adoption)).astype("Int64")
        return cls(pd.DataFrame({"y": y.T.reshape(-1)}, index=index), first, y, adoption)

    def dummies(self) -> NDArray[np.float64]:
        """Unit and period dummies (T N, T + N - 1)."""
        T, N = self.y.shape
        units, periods = np.tile(np.eye(N), (T, 1)), np.repeat(np.eye(T), N, axis=0)
        return np.column_stack([units, periods[:, 1:]])

    def since(self) -> NDArray[np.float64]:
        return (np.arange(1, len(self.y) + 1)[:, None] - self.adoption).reshape(-1)


@CHECKED
@given(seed=st.integers(0, 10**6), scale=st.sampled_from([0.01, 1.0, 50.0]))
@pytest.mark.parametrize("method", METHODS)
def test_constants_and_units_do_not_matter(method: Method, seed: int, scale: float) -> None:
    sample = Sample.draw(seed)
    rng = np.random.default_rng(seed + 1)
    T, N = sample.y.shape
    moved = scale * (sample.y + rng.normal(size=N) + rng.normal(size=(T, 1)))
    plain = staggered(sample.data, "y", sample.first, method=method)
    other = staggered(Sample.of(moved, sample.adoption).data, "y", sample.first, method=method)
    for name in ("estimate", "se"):
        ours, theirs = plain.event_study[name].dropna(), other.event_study[name].dropna()
        assert theirs.to_numpy() == pytest.approx(scale * ours.to_numpy(), rel=EXACT, abs=EXACT)
        total = scale * plain.overall[name]
        # diff-diff finds the effects of the imputation by iteration, to an absolute tolerance
        assert other.overall[name] == pytest.approx(total, rel=EXACT, abs=1e-9)


@CHECKED
@given(seed=st.integers(0, 10**6))
@pytest.mark.parametrize("method", METHODS)
def test_names_and_order_do_not_matter(method: Method, seed: int) -> None:
    sample = Sample.draw(seed)
    order = np.random.default_rng(seed).permutation(len(sample.adoption))
    names = {int(unit): f"u{place:02d}" for place, unit in enumerate(order)}
    renamed = sample.data.rename(index=names, level="unit").sample(frac=1.0, random_state=seed)
    plain = staggered(sample.data, "y", sample.first, method=method)
    other = staggered(renamed, "y", sample.first.rename(names), method=method)
    for name in ("estimate", "se"):
        ours, theirs = plain.event_study[name].dropna(), other.event_study[name].dropna()
        assert theirs.to_numpy() == pytest.approx(ours.to_numpy(), abs=EXACT)
        assert other.overall[name] == pytest.approx(plain.overall[name], abs=EXACT)


@pytest.mark.parametrize("seed", range(3))
def test_callaway_santanna_is_differences_of_means(seed: int) -> None:
    sample = Sample.draw(seed)
    for controls in ("not_yet_treated", "never_treated"):
        cells = staggered(sample.data, "y", sample.first, controls=controls).cells
        for (g, t), row in cells.iterrows():
            change = sample.y[t - 1] - sample.y[g - 2]
            until = max(t, g - 1) if controls == "not_yet_treated" else 6
            ours, clean = sample.adoption == g, sample.adoption > until
            clean &= ~ours
            gap = change[ours].mean() - change[clean].mean()
            spread = change[ours].var() / ours.sum() + change[clean].var() / clean.sum()
            assert row["estimate"] == pytest.approx(gap, abs=EXACT)
            assert row["se"] == pytest.approx(np.sqrt(spread), abs=EXACT)


@pytest.mark.parametrize("seed", range(3))
def test_imputation_by_dense_least_squares(seed: int) -> None:
    """Estimates, and the variance of theorem 3 with means over cohort and event time."""
    sample = Sample.draw(seed)
    X, y, since = sample.dummies(), sample.y.reshape(-1), sample.since()
    clean = since < 0
    beta = np.linalg.lstsq(X[clean], y[clean], rcond=None)[0]
    effect = y - X @ beta
    found = staggered(sample.data, "y", sample.first, method="imputation")
    assert found.overall["estimate"] == pytest.approx(effect[~clean].mean(), abs=EXACT)
    for e in range(4):
        assert found.event_study.loc[e, "estimate"] == pytest.approx(
            effect[since == e].mean(), abs=EXACT
        )
    unit = np.tile(np.arange(sample.y.shape[1]), len(sample.y))
    cohort = sample.adoption[unit]
    for chosen, se in (
        (~clean, found.overall["se"]),
        (since == 1, found.event_study.loc[1, "se"]),
    ):
        weight = chosen / chosen.sum()
        pulled = np.linalg.lstsq(X[clean].T, X[chosen].T @ weight[chosen], rcond=None)[0]
        v = weight.copy()
        v[clean] = -pulled
        residual = effect.copy()
        for g in (3.0, 4.0, 6.0):
            for e in range(4):
                group = (cohort == g) & (since == e)
                if v[group].any():
                    square = v[group] ** 2
                    residual[group] -= (square @ effect[group]) / square.sum()
        sums = np.bincount(unit, weights=v * residual)
        assert se == pytest.approx(np.sqrt((sums**2).sum()), rel=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_sun_abraham_and_two_way_by_dense_least_squares(seed: int) -> None:
    sample = Sample.draw(seed)
    X, y, since = sample.dummies(), sample.y.reshape(-1), sample.since()
    cohort = np.tile(sample.adoption, len(sample.y))
    cells = [(g, e) for g in (3, 4, 6) for e in range(1 - g, 7 - g) if e != -1]
    D = np.column_stack([(cohort == g) & (since == e) for g, e in cells]).astype(float)
    beta = np.linalg.lstsq(np.column_stack([D, X]), y, rcond=None)[0][: len(cells)]
    size = {3: 4, 4: 3, 6: 3}
    found = staggered(sample.data, "y", sample.first, method="sun_abraham")
    for e in range(-5, 4):
        parts = [(size[g], b) for (g, k), b in zip(cells, beta, strict=True) if k == e]
        if parts:
            mean = sum(n * b for n, b in parts) / sum(n for n, _ in parts)
            assert found.event_study.loc[e, "estimate"] == pytest.approx(mean, abs=EXACT)
    treated = (since >= 0).astype(float)
    full = np.column_stack([treated, X])
    found = staggered(sample.data, "y", sample.first, method="twfe")
    slope = np.linalg.lstsq(full, y, rcond=None)[0]
    assert found.overall["estimate"] == pytest.approx(slope[0], abs=EXACT)
    # CR1 by unit from the residual-maker, factor g/(g-1) (nobs-1)/(nobs-K) net of the effects.
    u = y - full @ slope
    d = treated - X @ np.linalg.lstsq(X, treated, rcond=None)[0]
    N, T = sample.y.shape[1], len(sample.y)
    sums = np.bincount(np.tile(np.arange(N), T), weights=d * u)
    nobs = (N - 1) * (T - 1)
    factor = N / (N - 1) * (nobs - 1) / (nobs - 1)
    se = np.sqrt(factor * (sums**2).sum()) / (d @ d)
    assert found.overall["se"] == pytest.approx(se, rel=1e-9)


@pytest.mark.parametrize("seed", range(2))
def test_never_treated_controls_equal_sun_abraham(seed: int) -> None:
    """On a balanced panel without covariates both compare with the same means."""
    sample = Sample.draw(seed)
    one = staggered(sample.data, "y", sample.first, controls="never_treated")
    two = staggered(sample.data, "y", sample.first, method="sun_abraham")
    ours = one.cells["estimate"].to_numpy()
    assert two.cells["estimate"].to_numpy() == pytest.approx(ours, abs=EXACT)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("never", [True, False])
def test_fast_means_equal_the_library(seed: int, never: bool) -> None:
    sample = Sample.draw(seed)
    if not never:
        sample = Sample.of(sample.y[:, :10], sample.adoption[:10])
    one = staggered(sample.data, "y", sample.first)
    estimate, std_error = group_time_means(one.design)
    assert estimate == pytest.approx(one.overall["estimate"], abs=EXACT)
    assert std_error == pytest.approx(one.overall["se"], rel=0.25)  # shares of cohorts as fixed
    two = staggered(sample.data, "y", sample.first, method="sun_abraham")
    estimate, _ = group_time_means(two.design, "never_treated")
    assert estimate == pytest.approx(two.overall["estimate"], abs=EXACT)


def test_contrast_of_sets() -> None:
    """Two sets against never-treated units: the difference of separate estimates."""
    sample = Sample.draw(8)
    design = staggered(sample.data, "y", sample.first).design
    one = np.arange(len(sample.adoption)) % 2 == 0
    never = np.isinf(sample.adoption)
    parts = [
        group_time_means(
            staggered(
                (kept := Sample.of(sample.y[:, part], sample.adoption[part])).data, "y", kept.first
            ).design,
            "never_treated",
        )[0]
        for part in (one | never, ~one | never)
    ]
    estimate, std_error = group_time_contrast(design, one, ~one, "never_treated")
    assert estimate == pytest.approx(parts[0] - parts[1], abs=EXACT)
    back, same = group_time_contrast(design, ~one, one, "never_treated")
    assert (back, same) == pytest.approx((-estimate, std_error))
    assert group_time_contrast(design, one, one) == (0.0, 0.0)
