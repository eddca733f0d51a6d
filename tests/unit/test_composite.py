"""Composite indices: hand-worked weights, pooled bounds, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccec_econ.errors import DataError
from ccec_econ.indices import (
    composite_index,
    critic_weights,
    entropy_weights,
    equal_weights,
    leave_one_out_weights,
    minmax_pooled,
    pca_weights,
)

TIGHT = 1e-12  # arithmetic in double precision on a handful of numbers


@pytest.fixture
def panel() -> pd.DataFrame:
    index = pd.MultiIndex.from_product([["a", "b"], [2011, 2012]], names=["unit", "year"])
    return pd.DataFrame({"x": [1.0, 2.0, 3.0, 5.0], "y": [4.0, 4.0, 8.0, 0.0]}, index=index)


def test_entropy_weights_by_hand() -> None:
    # Two indicators, four rows, no shift, already positive.
    # u = (1, 1, 1, 1)/4: entropy 1, weight 0.
    # v = (1/2, 1/4, 1/8, 1/8): -sum p ln p = (1/2 + 1/2 + 3/8 + 3/8) ln 2 = 1.75 ln 2;
    #     divided by ln 4 = 2 ln 2: e = 0.875.
    # w = (1/2, 1/2) on two rows, the rest 1e-300 (p ln p -> 0): ln 2 / ln 4 = 0.5.
    # 1 - e = (0, 0.125, 0.5); weights (0, 0.2, 0.8).
    frame = pd.DataFrame(
        {"u": [0.25] * 4, "v": [0.5, 0.25, 0.125, 0.125], "w": [0.5, 0.5, 1e-300, 1e-300]}
    )
    weights = entropy_weights(frame, shift=0.0)
    assert weights.to_dict() == pytest.approx({"u": 0.0, "v": 0.2, "w": 0.8}, abs=TIGHT)


def test_entropy_shift_is_a_share_of_the_range() -> None:
    # z = (0, 1) + 1: p = (1/3, 2/3); e = -(ln(1/3)/3 + 2 ln(2/3)/3)/ln 2. With one indicator
    # that is scaled and its mirror image, both weights are one half whatever the shift.
    frame = pd.DataFrame({"a": [0.0, 1.0], "b": [1.0, 0.0]})
    assert entropy_weights(frame, shift=1.0).tolist() == pytest.approx([0.5, 0.5], abs=TIGHT)


def test_minmax_is_pooled_over_units_and_years(panel: pd.DataFrame) -> None:
    scaled = minmax_pooled(panel)
    assert scaled["x"].tolist() == [0.0, 0.25, 0.5, 1.0]  # (x - 1) / 4
    assert scaled["y"].tolist() == [0.5, 0.5, 1.0, 0.0]  # y / 8


def test_index_is_the_weighted_sum_and_keeps_its_bounds(panel: pd.DataFrame) -> None:
    result = composite_index(panel, "equal")
    assert result.index.tolist() == [0.25, 0.375, 0.75, 0.5]
    assert result.bounds.T["x"].tolist() == [1.0, 5.0]
    again = composite_index(panel.iloc[:2], bounds=result.bounds, weights=result.weights)
    assert again.index.tolist() == [0.25, 0.375]


def test_critic_of_two_indicators_goes_with_their_spread() -> None:
    # Two indicators share the factor 1 - r, so weights are the standard deviations' shares:
    # sd(0, 1, 0, 1) : sd(0, 1, 1, 1) = sqrt(1/3) : 1/2.
    frame = pd.DataFrame({"a": [0.0, 1.0, 0.0, 1.0], "b": [0.0, 1.0, 1.0, 1.0]})
    share = np.sqrt(1 / 3) / (np.sqrt(1 / 3) + 0.5)
    assert critic_weights(frame).tolist() == pytest.approx([share, 1 - share], abs=TIGHT)


def test_first_component_of_two_correlated_indicators_is_even() -> None:
    frame = pd.DataFrame({"a": [0.0, 0.4, 1.0, 0.7], "b": [0.1, 0.3, 1.0, 0.0]})
    assert pca_weights(frame).tolist() == pytest.approx([0.5, 0.5], abs=TIGHT)


def test_first_component_refuses_opposed_indicators() -> None:
    frame = pd.DataFrame({"a": [0.0, 0.5, 1.0], "b": [0.1, 0.4, 1.0], "c": [1.0, 0.5, 0.1]})
    with pytest.raises(DataError, match=r"loadings differ in sign \(c against"):
        pca_weights(frame)


def test_leave_one_out_gives_one_row_per_year(panel: pd.DataFrame) -> None:
    table = leave_one_out_weights(minmax_pooled(panel))
    assert table.index.tolist() == [2011, 2012]
    without_2011 = minmax_pooled(panel)[panel.index.get_level_values("year") != 2011]
    assert table.T[2011].tolist() == pytest.approx(entropy_weights(without_2011).tolist())


def test_missing_cells_are_refused(panel: pd.DataFrame) -> None:
    panel.iloc[0, 0] = np.nan
    with pytest.raises(DataError, match="1 missing cells in x"):
        composite_index(panel)


def test_constant_indicator_is_refused(panel: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="z does not vary"):
        composite_index(panel.assign(z=1.0))


def test_unknown_weighting_is_refused(panel: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="weighting 'magic': unknown; choose one of entropy"):
        composite_index(panel, "magic")  # type: ignore[arg-type]


@settings(derandomize=True, max_examples=50)
@given(
    st.lists(
        st.lists(st.floats(0.0, 100.0), min_size=3, max_size=3), min_size=4, max_size=12
    ).filter(lambda rows: all(np.ptp(column) > 1e-3 for column in np.transpose(rows))),
    st.floats(0.1, 50.0),
    st.floats(-20.0, 20.0),
)
def test_index_ignores_units_of_measurement(
    rows: list[list[float]], factor: float, constant: float
) -> None:
    frame = pd.DataFrame(rows, columns=["a", "b", "c"])
    other = frame.assign(a=frame["a"] * factor + constant)
    first, second = composite_index(frame), composite_index(other)
    assert first.weights.sum() == pytest.approx(1.0)
    assert first.index.between(-TIGHT, 1 + TIGHT).all()
    assert second.index.tolist() == pytest.approx(first.index.tolist(), abs=1e-7)


def test_equal_weights() -> None:
    assert equal_weights(pd.DataFrame(np.ones((2, 4)))).tolist() == [0.25] * 4
