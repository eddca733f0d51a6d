"""Lags within and across a border, and exchanges of paths that keep blocks and make lags again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.errors import AlignmentError, FormulaError
from ccec_econ.models.randomisation import randomisation_test

N, T = 14, 6
UNITS = pd.RangeIndex(N)
SIDES = pd.Series(np.repeat(["a", "b"], [8, 6]), index=UNITS)
BLOCK = pd.Series([None, "x", "x", "x", *[None] * 6, "y", "y", None, None], index=UNITS)


def lagged(x: pd.Series, W: np.ndarray) -> pd.Series:
    """Lag a column whose rows are sorted by unit and year."""
    return pd.Series((W @ x.to_numpy().reshape(N, T)).ravel(), index=x.index)


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(11)
    place = rng.uniform(0.0, 100.0, (N, 2))
    place[:, 0] = np.sort(place[:, 0])
    gap = np.linalg.norm(place[:, None] - place[None], axis=2)
    np.fill_diagonal(gap, np.inf)
    W = ce.weights.row_standardise(ce.weights.from_matrix(1.0 / gap, UNITS))
    start = rng.integers(1, T + 2, N)
    start[[1, 2, 3]], start[[10, 11]] = 2, 4
    index = pd.MultiIndex.from_product([UNITS, range(T)], names=["unit", "year"])
    x = pd.Series((np.arange(T) >= start[:, None]).astype(float).ravel(), index=index)
    data = pd.DataFrame({"x": x, "noise": rng.standard_normal(N * T)})
    return data, W


def fitted(data, W, *, standardised: bool, y: pd.Series):
    """Regress on x and its lags within and across; the fit and the lags."""
    parts = ce.weights.split(W, SIDES, standardised=standardised)
    columns = {
        name: lagged(data["x"], ce.weights.align(part, UNITS)) for name, part in parts.items()
    }
    made = data.assign(**columns, y=y)
    fit = ce.ols("y ~ x + within + across | unit + year", made, cov=ce.Cluster())
    return fit, parts


def test_parts_as_they_stand_sum_to_the_weights(drawn) -> None:
    _, W = drawn
    parts = ce.weights.split(W, SIDES, standardised=False)
    total = sum(ce.weights.align(part, UNITS) for part in parts.values())
    assert total == pytest.approx(ce.weights.align(W, UNITS))


def test_one_lag_has_equal_parts_unless_they_are_row_standardised(drawn) -> None:
    data, W = drawn
    y = lagged(data["x"], ce.weights.align(W, UNITS)) + 1e-6 * data["noise"]
    fit, _ = fitted(data, W, standardised=False, y=y)
    assert fit.params["within"] == pytest.approx(1.0, abs=1e-4)
    assert fit.params["across"] == pytest.approx(1.0, abs=1e-4)
    other, _ = fitted(data, W, standardised=True, y=y)
    assert abs(other.params["within"] - other.params["across"]) > 0.05


def test_blocks_move_as_one_and_lags_are_made_again_by_hand(drawn) -> None:
    data, W = drawn
    fit, lags = fitted(data, W, standardised=False, y=data["noise"])
    c = {"within": 1.0, "across": -1.0}
    options = {"within": SIDES, "together": BLOCK, "lags": lags, "draws": 29}
    found = randomisation_test(fit, "x", term=c, rng=5, **options)
    # Blocks in the order of the exchange: single units first, then blocks by first appearance.
    strata = [[[0], [4], [5], [6], [7], [1, 2, 3]], [[8], [9], [12], [13], [10, 11]]]
    rng, paths = np.random.default_rng(5), data["x"].to_numpy().reshape(N, T)
    estimates, exceeding = [], 0
    for _ in range(29):
        moved = paths.copy()
        for blocks in strata:
            for block, giver in zip(blocks, rng.permutation(len(blocks)), strict=True):
                moved[block] = paths[blocks[giver][0]]
        again = data.assign(x=moved.ravel())
        other, _ = fitted(again, W, standardised=False, y=data["noise"])
        estimate = other.params["within"] - other.params["across"]
        V = other.cov.loc[["within", "across"], ["within", "across"]].to_numpy()
        t = estimate / np.sqrt(V[0, 0] + V[1, 1] - 2.0 * V[0, 1])
        exceeding += abs(t) >= abs(found.statistic)
        estimates.append(estimate)
    assert found.pvalue == pytest.approx((1 + exceeding) / 30)
    assert found.spread == pytest.approx(np.std(estimates, ddof=1))
    assert found.detectable == pytest.approx(2.8 * found.spread)
    assert "within 2 groups, 2 blocks of units moved as one" in str(found)


def test_what_cannot_be_exchanged_is_refused(drawn) -> None:
    data, W = drawn
    fit, lags = fitted(data, W, standardised=False, y=data["noise"])
    parted = BLOCK.where(BLOCK.index != 9, "y")
    with pytest.raises(AlignmentError, match="block 'y' of 9, 10, 11: its units differ in path"):
        randomisation_test(fit, "x", together=parted)
    astride = pd.Series(np.where(np.isin(UNITS, [1, 10]), "a", "b"), index=UNITS)
    with pytest.raises(AlignmentError, match="block 'x' of 1, 2, 3"):
        randomisation_test(fit, "x", within=astride, together=BLOCK)
    with pytest.raises(FormulaError, match="column 'within' is not the lag by the weights given"):
        randomisation_test(fit, "x", lags={"within": lags["across"]})
    with pytest.raises(FormulaError, match="lag 'noise' is no regressor"):
        randomisation_test(fit, "x", lags={"noise": W})
