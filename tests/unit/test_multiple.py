"""Adjusted p-values: by hand, against statsmodels, and what step-down guarantees."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from ccec_econ.errors import AlignmentError, IdentificationError
from ccec_econ.inference.contrast import equivalence
from ccec_econ.inference.multiple import holm, romano_wolf, step_down

cases = settings(max_examples=20, deadline=None, derandomize=True)


def test_holm_by_hand() -> None:
    """0.01 x 3, then max(0.03, 0.02 x 2) = 0.04, then max(0.04, 0.03) = 0.04."""
    adjusted = holm(pd.Series({"a": 0.03, "b": 0.01, "c": 0.02}))
    np.testing.assert_allclose(adjusted[["b", "c", "a"]], [0.03, 0.04, 0.04])


@cases
@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=8))
def test_holm_equals_statsmodels(values: list[float]) -> None:
    expected = multipletests(values, method="holm")[1]
    np.testing.assert_allclose(holm(pd.Series(values)), expected, rtol=1e-12)


def test_holm_refuses_what_is_no_p_value() -> None:
    with pytest.raises(ValueError, match="p-values of b are not in"):
        holm(pd.Series({"a": 0.5, "b": np.nan}))


def test_romano_wolf_by_hand() -> None:
    """Draws around (3, 1): deviations (2, 1), (-2, 1), (0, -2), spreads sqrt 4 and sqrt 3.

    t = (1.5, 0.577); draws of t: (1, 0.577), (1, 0.577), (0, 1.155). No maximum reaches 1.5, so p
    is 1/4 for the first; alone, all three reach 0.577, so p is 4/4 for the second.
    """
    draws = pd.DataFrame({"a": [5.0, 1.0, 3.0], "b": [2.0, 2.0, -1.0]})
    adjusted = romano_wolf(pd.Series({"a": 3.0, "b": 1.0}), draws)
    np.testing.assert_allclose(adjusted, [0.25, 1.0])


def test_step_down_by_hand() -> None:
    """t = (2, 3); draws (2, 3), (1, 2.5), (2.5, 0), the last without the second.

    Maxima 3, 2.5, 2.5, 1: one reaches 3, so 1/4 for the second; of the first alone two reach 2,
    2/4. Where the data are not among the draws both counts gain one: 2/5 and 3/5.
    """
    drawn = np.array([[2.0, 3.0], [1.0, 2.5], [2.5, 0.0], [1.0, np.nan]])
    t = np.array([2.0, 3.0])
    np.testing.assert_allclose(step_down(t, drawn, enumerated=True), [0.5, 0.25])
    np.testing.assert_allclose(step_down(t, drawn), [0.6, 0.4])
    np.testing.assert_allclose(step_down(t * (1.0 + 1e-12), drawn, enumerated=True), [0.5, 0.25])


@cases
@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_romano_wolf_lies_between_the_single_p_and_the_sum(seed: int, m: int) -> None:
    rng = np.random.default_rng(seed)
    names = [f"h{j}" for j in range(m)]
    root = rng.standard_normal((m, m))
    estimates = pd.Series(2.0 * rng.standard_normal(m), index=names)
    sample = rng.standard_normal((400, m)) @ root + estimates.to_numpy()
    draws = pd.DataFrame(sample, columns=names)
    adjusted = romano_wolf(estimates, draws)
    count = (np.abs(sample - estimates.to_numpy()) >= np.abs(estimates.to_numpy())).sum(axis=0)
    single = (1 + count) / 401
    assert (adjusted.to_numpy() >= single - 1e-12).all()
    strength = (estimates.abs() / draws.std()).sort_values(ascending=False)
    assert adjusted[strength.index].is_monotonic_increasing
    t = (draws - estimates).abs() / draws.std()  # no union is more frequent than the sum of parts
    sums = pd.Series([(1 + (t >= level).sum().sum()) / 401 for level in strength], strength.index)
    assert (adjusted[strength.index] <= sums.cummax() + 1e-12).all()
    scaled = romano_wolf(7.0 * estimates.iloc[::-1], 7.0 * draws)
    pd.testing.assert_series_equal(scaled.sort_index(), adjusted.sort_index())


def test_one_hypothesis_needs_no_adjustment() -> None:
    draws = pd.DataFrame({"a": np.arange(-10.0, 11.0) + 4.0})
    adjusted = romano_wolf(pd.Series({"a": 4.0}), draws)
    assert adjusted["a"] == pytest.approx((1 + 14) / 22)  # |d| >= 4: 4..10 on both sides


def test_romano_wolf_refuses_missing_and_constant_draws() -> None:
    draws = pd.DataFrame({"a": [1.0, 1.0]})
    with pytest.raises(AlignmentError, match="no draws of b"):
        romano_wolf(pd.Series({"b": 1.0}), draws)
    with pytest.raises(IdentificationError, match="draws of a do not vary"):
        romano_wolf(pd.Series({"a": 1.0}), draws)


def test_equivalence_by_hand() -> None:
    """Estimate 1, error 1, margin 3: z = 4 from below, -2 from above; the larger is Phi(-2)."""
    assert equivalence(1.0, 1.0, 3.0, None) == pytest.approx(0.02275013)
    assert equivalence(-1.0, 1.0, 3.0, None) == pytest.approx(0.02275013)
    assert equivalence(3.0, 1.0, 3.0, 15) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="margin 0"):
        equivalence(1.0, 1.0, 0.0, None)
