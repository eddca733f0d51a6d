"""Dependence of residuals: hand-worked statistics, permutations enumerated, refusals."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.engine.transform import demean
from ccec_econ.inference import dependence
from ccec_econ.models.specification import dependence_tests, moran_by_period


def panel(y: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    T, N = y.shape
    index = pd.MultiIndex.from_product([range(T), range(N)], names=["year", "unit"])
    x = rng.standard_normal(T * N)
    return pd.DataFrame({"y": y.ravel(), "x": x}, index=index).swaplevel()


def line(n: int) -> np.ndarray:
    W = np.eye(n, k=1) + np.eye(n, k=-1)
    return W / W.sum(axis=1, keepdims=True)


@pytest.fixture
def data() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    return panel(rng.standard_normal((7, 5)), rng)


def test_moran_against_every_permutation(data) -> None:
    """All 120 orders of five units: their mean is -1/4, their share as far out is the p-value."""
    fit, W = ce.ols("y ~ x | unit + year", data).estimate, line(5)
    e = demean(fit.residuals, "time")

    def moran(rows: np.ndarray) -> float:
        return float(5 / W.sum() * (rows * (rows @ W.T)).sum() / (rows**2).sum())

    every = np.array([moran(e[:, order]) for order in permutations(range(5))])
    assert every.mean() == pytest.approx(-1 / 4)
    found = dependence.moran(fit, W, 4999, np.random.default_rng(0))
    assert found.statistic == pytest.approx(moran(e))
    exact = np.mean(np.abs(every + 0.25) >= abs(moran(e) + 0.25) - 1e-12)
    assert found.pvalue == pytest.approx(exact, abs=4 * (0.25 / 4999) ** 0.5)


def test_moran_of_each_period_against_every_permutation(data) -> None:
    fit, W = ce.ols("y ~ x | unit", data), line(5)
    graph = ce.weights.from_matrix(W, range(5))
    found = moran_by_period(fit, graph, draws=4999)
    assert list(found.index) == list(range(7))
    assert (found["expected"] == -1 / 4).all()
    for year, row in enumerate(demean(fit.estimate.residuals, "time")):
        every = np.array(
            [5 / W.sum() * r @ W @ r / (r @ r) for r in map(np.array, permutations(row))]
        )
        value = found["moran"].iloc[year]
        exact = np.mean(np.abs(every + 0.25) >= abs(value + 0.25) - 1e-12)
        assert found["pvalue"].iloc[year] == pytest.approx(exact, abs=4 * (0.25 / 4999) ** 0.5)


def test_cd_by_hand() -> None:
    """Three units over four periods, r_12 = 1, r_13 = r_23 = 0: CD = sqrt(2 * 4/6) * 1.

    The regressor is orthogonal to all, so residuals are the columns themselves.
    """
    a, b = np.array([1.0, -1, 1, -1]), np.array([1.0, 1, -1, -1])
    index = pd.MultiIndex.from_product([range(4), range(3)], names=["year", "unit"])
    y = np.column_stack([a, 2 * a, b])
    x = np.column_stack([a * b, a * b, a * b])
    data = pd.DataFrame({"y": y.ravel(), "x": x.ravel()}, index=index).swaplevel()
    fit = ce.ols("y ~ x | unit", data).estimate
    assert dependence.pesaran_cd(fit).statistic == pytest.approx((8 / 6) ** 0.5)
    squares = dependence.breusch_pagan(fit, 19, np.random.default_rng(0))
    assert squares.statistic == pytest.approx(4.0)  # T times one squared correlation of one
    signs = dependence.weighted_cd(fit, np.random.default_rng(0)).statistic
    assert abs(signs) == pytest.approx((8 / 6) ** 0.5)


@pytest.mark.parametrize("bar", [" | year", " | unit + year"])
def test_cd_is_refused_after_time_effects(data, bar: str) -> None:
    found = dependence.pesaran_cd(ce.ols(f"y ~ x{bar}", data).estimate)
    assert np.isnan(found.statistic)
    assert np.isnan(found.pvalue)
    assert "sum to zero over units" in found.reason


def test_table_names_reasons(data) -> None:
    W = ce.weights.from_matrix(line(5), range(5))
    found = dependence_tests(ce.ols("y ~ x | unit + year", data), W, draws=99)
    assert [o.name for o in found if not o.applies] == ["Pesaran CD"]
    text = str(found)
    assert "not applicable" in text
    assert "Pesaran CD: time effects make residuals" in text
    assert str(found) == str(dependence_tests(ce.ols("y ~ x | unit + year", data), W, draws=99))
    spatial = dependence_tests(ce.sem("y ~ x | unit", data, W), draws=19)
    assert "parameter took its pattern" in str(spatial)


def test_weights_are_asked_for(data) -> None:
    with pytest.raises(ce.errors.AlignmentError, match="give some to test with"):
        dependence_tests(ce.ols("y ~ x | unit", data))
    with pytest.raises(ValueError, match="draws = 3: the smallest p-value is"):
        dependence_tests(
            ce.ols("y ~ x | unit", data), ce.weights.from_matrix(line(5), range(5)), draws=3
        )
