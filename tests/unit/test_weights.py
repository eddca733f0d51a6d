"""Weights of the circle, and matching any weights by label."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import ccec_econ as ce
from ccec_econ.errors import AlignmentError, WeightsError
from ccec_econ.weights import align, is_row_standardised

CHENGDU, DEYANG, MEISHAN, YAAN, ZIYANG = "510100", "510600", "511400", "511800", "512000"


@pytest.mark.parametrize(("layer", "units"), [("city", 16), ("county", 156)])
def test_contiguity(layer, units: int) -> None:
    graph = ce.weights.contiguity(layer)
    W = align(graph, graph.unique_ids)
    assert list(graph.unique_ids) == list(ce.data.load_units(layer).index)
    assert len(W) == units
    assert is_row_standardised(W)
    assert ((W > 0) == (W > 0).T).all()
    assert len(graph.isolates) == 0


def test_contiguity_by_hand() -> None:
    # The list has 35 pairs of cities; Chengdu touches Deyang, Meishan, Ya'an and Ziyang: 1/4 each.
    graph = ce.weights.contiguity()
    W = pd.DataFrame(
        align(graph, graph.unique_ids), index=graph.unique_ids, columns=graph.unique_ids
    )
    assert (W > 0).to_numpy().sum() == 70
    row = W.loc[CHENGDU]
    assert set(row.index[row > 0]) == {DEYANG, MEISHAN, YAAN, ZIYANG}
    assert (row[row > 0] == 0.25).all()


def test_inverse_distance_by_hand() -> None:
    # Chengdu-Deyang 59.68 km, Chengdu-Meishan 72.67 km: weights stand as 72.67^2 to 59.68^2.
    graph = ce.weights.inverse_distance(power=2.0)
    W = pd.DataFrame(
        align(graph, graph.unique_ids), index=graph.unique_ids, columns=graph.unique_ids
    )
    ratio = W.loc[CHENGDU, DEYANG] / W.loc[CHENGDU, MEISHAN]
    assert ratio == pytest.approx((72.67 / 59.68) ** 2)
    assert is_row_standardised(W.to_numpy())
    near = ce.weights.inverse_distance(cutoff_km=130)
    cut = pd.DataFrame(align(near, near.unique_ids), index=near.unique_ids, columns=near.unique_ids)
    assert cut.loc[CHENGDU, MEISHAN] > 0
    assert cut.loc[CHENGDU, "500000"] == 0


def test_nearest_by_hand() -> None:
    # From Chengdu: Deyang 59.68, Meishan 72.67, Ziyang 82.40 km are the three nearest seats.
    graph = ce.weights.nearest(k=3)
    W = pd.DataFrame(
        align(graph, graph.unique_ids), index=graph.unique_ids, columns=graph.unique_ids
    )
    row = W.loc[CHENGDU]
    assert set(row.index[row > 0]) == {DEYANG, MEISHAN, ZIYANG}
    assert ((W > 0).sum(axis=1) == 3).all()


def test_shuffled_but_labelled_weights_are_the_same_weights(sim16) -> None:
    panel, graph = sim16
    W = align(graph, graph.unique_ids)
    order = np.random.default_rng(0).permutation(16)
    shuffled = ce.weights.from_matrix(W[np.ix_(order, order)], graph.unique_ids[order])
    np.testing.assert_array_equal(align(shuffled, graph.unique_ids), W)
    formula = "y ~ x1 + x2 | id + year"
    one, two = ce.sdm(formula, panel, graph), ce.sdm(formula, panel, shuffled)
    np.testing.assert_array_equal(one.params, two.params)


def test_classic_weights_are_accepted(sim16) -> None:
    panel, graph = sim16
    formula = "y ~ x1 + x2 | id + year"
    classic = ce.sdm(formula, panel, graph.to_W())
    np.testing.assert_allclose(classic.params, ce.sdm(formula, panel, graph).params, atol=1e-12)


@pytest.mark.parametrize("units", [[1, 2, 3], (1, 2, 3), np.arange(3), None])
def test_units_to_align_with_are_an_index(units) -> None:
    graph = ce.weights.from_matrix(np.ones((3, 3)) - np.eye(3), [1, 2, 3])
    with pytest.raises(AlignmentError, match=f"units of type {type(units).__name__}: give the lab"):
        ce.weights.align(graph, units)


def test_classic_weights_are_standardised(sim16) -> None:
    _, graph = sim16
    binary = graph.transform("B")
    expected = align(ce.weights.row_standardise(binary), graph.unique_ids)
    found = ce.weights.row_standardise(binary.to_W())
    np.testing.assert_allclose(align(found, graph.unique_ids), expected, atol=1e-15)
    assert is_row_standardised(expected)


@pytest.mark.parametrize("kind", [np.asarray, pd.DataFrame])
def test_matrices_are_not_standardised_without_labels(kind) -> None:
    matrix = kind(np.ones((3, 3)) - np.eye(3))
    with pytest.raises(AlignmentError, match=f"{type(matrix).__name__} carry .*from_matrix"):
        ce.weights.row_standardise(matrix)


@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.coo_matrix])
def test_sparse_matrices_are_labelled_as_dense_ones(kind) -> None:
    dense = np.array([[0.0, 1.0, 0.0], [0.5, 0.0, 0.5], [0.0, 1.0, 0.0]])
    ids = pd.Index(["a", "b", "c"])
    found = ce.weights.from_matrix(kind(dense), ids)
    np.testing.assert_array_equal(align(found, ids), dense)
    with pytest.raises(WeightsError, match=r"shape \(3, 3\) with 2 ids"):
        ce.weights.from_matrix(kind(dense), ["a", "b"])


def test_shares_of_groups_by_hand() -> None:
    # a has b (3) and c (1): 3/4 and 1/4 once standardised; b has a alone, c has a and b evenly.
    W = np.array([[0.0, 3.0, 1.0], [1.0, 0.0, 0.0], [2.0, 2.0, 0.0]])
    graph = ce.weights.row_standardise(ce.weights.from_matrix(W, ["a", "b", "c"]))
    near = ce.weights.shares(graph, {"a": "in", "b": "in", "c": "out"})
    expected = pd.DataFrame({"in": [0.75, 1.0, 1.0], "out": [0.25, 0.0, 0.0]}, index=list("abc"))
    pd.testing.assert_frame_equal(near, expected, check_names=False)
    with pytest.raises(WeightsError, match="units without a group: c"):
        ce.weights.shares(graph, {"a": "in", "b": "in"})


def test_shares_span_the_expected_exposure_when_paths_are_exchanged_within_groups() -> None:
    """Mean of W diag(1_h) x over permutations within groups is the share times the group mean."""
    rng = np.random.default_rng(0)
    graph, role = ce.weights.inverse_distance(), ce.circle.roles()
    units, x = graph.unique_ids, rng.standard_normal(16)
    W, is_core = align(graph, units), (role.loc[units] == "core").to_numpy()
    swapped = x.copy()  # two cores: two permutations
    swapped[is_core] = x[is_core][::-1]
    mean = (W[:, is_core] @ x[is_core] + W[:, is_core] @ swapped[is_core]) / 2
    share = ce.weights.shares(graph, role).loc[units, "core"]
    np.testing.assert_allclose(mean, share * x[is_core].mean())


def test_sparse_weights_are_labelled_without_being_written_out() -> None:
    """Two hundred thousand units on a ring: 300 GiB if it were a dense matrix."""
    n = 200_000
    at = np.arange(n)
    ring = sparse.csr_array((np.full(n, 0.5), (at, (at + 1) % n)), shape=(n, n))
    graph = ce.weights.from_matrix(ring + ring.T, range(n))
    assert len(graph.adjacency) == 2 * n
    assert graph[0].to_dict() == {1: 0.5, n - 1: 0.5}
    twice = sparse.coo_array((np.array([0.25, 0.25, 0.0]), ([0, 0, 1], [1, 1, 0])), shape=(2, 2))
    assert ce.weights.from_matrix(twice, "ab").adjacency.to_dict() == {
        ("a", "b"): 0.5,
        ("b", "b"): 0.0,
    }
