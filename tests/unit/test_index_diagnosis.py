"""Obstacles, coupling, versions and ranks of a composite index, by hand and by property."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccec_econ import data, indices
from ccec_econ.errors import DataError

EXACT = 1e-12


@pytest.fixture(scope="module")
def indicators() -> pd.DataFrame:
    panel = data.load_panel(years=(2011, 2019))
    return panel[["internet", "mobile", "telecom", "emp_info", "finance"]]


def test_obstacles_by_hand() -> None:
    frame = pd.DataFrame({"a": [0.0, 1.0, 2.0], "b": [1.0, 3.0, 2.0]})
    index = indices.composite_index(frame, "equal")
    found = indices.obstacle_degree(index, frame)
    # row 1: lacks .5 in a, none in b; row 2: none in a, .5 in b; row 0: all of both
    assert found.to_numpy() == pytest.approx(np.array([[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]]))
    full = indices.obstacle_degree(index, pd.DataFrame({"a": [2.0], "b": [3.0]}))
    assert full.to_numpy() == pytest.approx(0.0)


def test_obstacles_sum_to_one_and_follow_labels(indicators: pd.DataFrame) -> None:
    index = indices.composite_index(indicators)
    found = indices.obstacle_degree(index, indicators)
    assert np.abs(found.sum(axis=1) - 1.0).max() < EXACT
    turned = indices.obstacle_degree(index, indicators[indicators.columns[::-1]])
    pd.testing.assert_frame_equal(found, turned)


def test_coupling_of_equal_systems_is_one_and_of_a_dead_one_zero() -> None:
    frame = pd.DataFrame({"a": [0.4, 0.0, 0.0], "b": [0.4, 0.8, 0.0]})
    for corrected in (True, False):
        found = indices.coupling(frame, corrected=corrected)
        assert found["coupling"].tolist() == pytest.approx([1.0, 0.0, 0.0])
        assert found["level"].tolist() == pytest.approx([0.4, 0.4, 0.0])
        assert found["coordination"].tolist() == pytest.approx([np.sqrt(0.4), 0.0, 0.0])


@given(st.lists(st.floats(0.001, 1.0), min_size=2, max_size=5), st.integers(0, 1000))
def test_coupling_stays_in_bounds_and_knows_no_order(scores: list[float], seed: int) -> None:
    row = pd.DataFrame([scores])
    order = np.random.default_rng(seed).permutation(len(scores))
    for corrected in (True, False):
        found = indices.coupling(row, corrected=corrected)
        assert ((found >= 0.0) & (found <= 1.0 + EXACT)).all(axis=None)
        again = indices.coupling(row[order], corrected=corrected)
        assert again.to_numpy() == pytest.approx(found.to_numpy(), abs=1e-9)
    with_weights = indices.coupling(row, weights=np.eye(len(scores))[0].tolist())
    assert with_weights["level"].iloc[0] == pytest.approx(scores[0])


def test_versions_agree_with_themselves(indicators: pd.DataFrame) -> None:
    versions, agreement = indices.weighting_versions(indicators)
    assert list(versions) == ["entropy", "equal", "critic", "pca"]
    assert (np.diag(agreement) == 1.0).all()
    assert agreement.to_numpy() == pytest.approx(agreement.T.to_numpy())
    entropy = data.load_panel(years=(2011, 2019))["digital"]
    assert np.allclose(versions["entropy"], entropy)


def test_rank_intervals_hold_the_rank_and_repeat(indicators: pd.DataFrame) -> None:
    found = indices.rank_intervals(indicators, year=2019, draws=99)
    assert sorted(found["rank"]) == list(range(1, 17))
    assert (found["lower"] <= found["upper"]).all()
    assert found.loc["510100", "rank"] == 1.0  # Chengdu
    pd.testing.assert_frame_equal(found, indices.rank_intervals(indicators, year=2019, draws=99))
    equal = indices.rank_intervals(indicators, "equal", year=2019, draws=19)
    assert (equal["lower"] == equal["rank"]).all()  # equal weights do not vary


def test_bad_input_is_refused(indicators: pd.DataFrame) -> None:
    index = indices.composite_index(indicators)
    with pytest.raises(DataError, match="mobile not among the indicators"):
        indices.obstacle_degree(index, indicators.drop(columns="mobile"))
    with pytest.raises(DataError, match="at least two systems"):
        indices.coupling(pd.DataFrame({"a": [0.5]}))
    with pytest.raises(DataError, match="summing to one"):
        indices.coupling(pd.DataFrame({"a": [0.5], "b": [0.5]}), weights=[0.5, 0.6])
    with pytest.raises(DataError, match="outside"):
        indices.coupling(pd.DataFrame({"a": [0.5, 1.5], "b": [0.5, np.nan]}))
    with pytest.raises(DataError, match="the indicators have 2011 to 2019"):
        indices.rank_intervals(indicators, year=2022)
