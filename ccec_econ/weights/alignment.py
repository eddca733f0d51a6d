"""Matching weights to the units of a panel, by label."""

from __future__ import annotations

import numpy as np
import pandas as pd
from libpysal.graph import Graph
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ccec_econ.errors import AlignmentError, WeightsError, first_five
from ccec_econ.weights.kinds import WeightsLike, as_graph

__all__ = [
    "AS_TEXT",
    "align",
    "align_sparse",
    "matrix_of",
    "refuse_islands",
    "refuse_mismatch",
    "sparse",
]

AS_TEXT = "the labels agree as text: give both the same type"


def align(weights: WeightsLike, units: pd.Index) -> NDArray[np.float64]:
    """Weights as a dense matrix (N, N) in the order of `units`, matched by label.

    Raises
    ------
    AlignmentError, WeightsError
        As `align_sparse`.
    """
    return np.asarray(align_sparse(weights, units).toarray())


def align_sparse(weights: WeightsLike, units: pd.Index) -> csr_array:
    """Weights as a sparse matrix (N, N) in the order of `units`, matched by label.

    Raises
    ------
    AlignmentError
        If weights carry no labels, `units` is no Index, or labels and units differ (both
        differences are listed).
    WeightsError
        If a unit has no neighbour, a unit neighbours itself, or a weight is negative or not
        finite.
    """
    graph = as_graph(weights)
    if not isinstance(units, pd.Index):
        raise AlignmentError(
            f"units of type {type(units).__name__}: give the labels in their order as a pandas "
            "Index, such as fit.panel.units or pd.Index([...])."
        )
    refuse_mismatch(graph.unique_ids, units)
    W = sparse(graph, units)
    infinite, own = ~np.isfinite(W.data), W.diagonal() != 0.0
    if infinite.any():
        rows = units[_rows_with(infinite, W)]
        raise WeightsError(f"weights not finite in rows {first_five(rows)}; replace them.")
    refuse_negative(W, units)
    if own.any():
        raise WeightsError(
            f"weights: {first_five(units[own])} neighbours itself; set the diagonal to zero."
        )
    refuse_islands(abs(W).sum(axis=1), units)
    return W


def refuse_mismatch(labels: pd.Index, units: pd.Index, *, what: str = "weights") -> None:
    """Refuse labels that are not those of the units of a panel, in whatever order.

    Raises
    ------
    AlignmentError
        If they differ; both differences are listed.
    """
    only_weights, only_panel = labels.difference(units), units.difference(labels)
    if not len(only_weights) and not len(only_panel):
        return
    as_text = set(labels.astype(str)) == set(units.astype(str))
    remedy = AS_TEXT if as_text else "drop or add units on one side"
    raise AlignmentError(
        f"{what} and panel differ: {len(only_weights)} only in the {what} "
        f"({first_five(only_weights) or 'none'}), {len(only_panel)} only in the panel "
        f"({first_five(only_panel) or 'none'}); {remedy}."
    )


def refuse_islands(sizes: NDArray[np.float64], units: pd.Index) -> None:
    """Refuse units whose weights add up to nothing in absolute value."""
    alone = units[sizes == 0.0]
    if len(alone):
        raise WeightsError(
            f"weights: no neighbour for {first_five(alone)}; link it to its nearest unit "
            "or drop it, and say which."
        )


def refuse_negative(W: csr_array, units: pd.Index) -> None:
    """Refuse weights (N, N) below zero; the pairs are named."""
    negative = W.data < 0.0
    if negative.any():
        rows = np.repeat(np.arange(W.shape[0]), np.diff(W.indptr))[negative]
        ends = zip(units[rows], units[W.indices[negative]], W.data[negative], strict=True)
        pairs = [f"{a} to {b} ({value:g})" for a, b, value in ends]
        raise WeightsError(
            f"weights: negative weights from {first_five(pairs)}; weights say how near units are, "
            "so give none below zero."
        )


def sparse(graph: Graph, order: pd.Index) -> csr_array:
    """Weights of a graph as a sparse matrix, units in an order."""
    adjacency = graph.adjacency
    rows, columns = (
        order.get_indexer(labels)[codes]
        for labels, codes in zip(adjacency.index.levels, adjacency.index.codes, strict=True)
    )
    values = adjacency.to_numpy(dtype=np.float64)
    linked = values != 0.0  # a Graph keeps an island as a zero self-weight
    shape = (len(order), len(order))
    return csr_array((values[linked], (rows[linked], columns[linked])), shape=shape)


def matrix_of(graph: Graph, order: pd.Index) -> NDArray[np.float64]:
    """Weights of a graph as a matrix, units in an order."""
    return np.asarray(sparse(graph, order).toarray())


def _rows_with(entries: NDArray[np.bool_], W: csr_array) -> NDArray[np.int64]:
    """Rows of a matrix that hold one of some of its stored entries."""
    return np.unique(np.repeat(np.arange(W.shape[0]), np.diff(W.indptr))[entries])
