"""Making weights from labelled matrices, standardising, splitting and restricting them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from libpysal.graph import Graph
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, issparse, sparray, spmatrix

from ccec_econ.errors import WeightsError, first_five
from ccec_econ.weights.alignment import matrix_of, refuse_islands, refuse_negative, sparse
from ccec_econ.weights.kinds import WeightsLike, as_graph

__all__ = [
    "among",
    "from_matrix",
    "is_row_standardised",
    "row_standardise",
    "shares",
    "split",
    "sums_to_one",
]

_ROW_SUM = 1e-8  # a row sum closer to 1 than this counts as standardised


def from_matrix(matrix: ArrayLike | sparray | spmatrix, ids: Iterable[Hashable]) -> Graph:
    """Label a square matrix of weights (N, N), dense or sparse, with N unit ids.

    Raises
    ------
    WeightsError
        If the matrix is not square, is not as long as `ids`, or holds missing or negative values;
        if an id is missing or stands twice; if a DataFrame carries labels other than `ids`.
    """
    values = matrix if issparse(matrix) else np.asarray(matrix, dtype=np.float64)
    labels = pd.Index(list(ids))
    _refuse_ids(labels)
    if isinstance(matrix, pd.DataFrame):
        _refuse_other_labels(matrix, labels)
    if values.shape != (len(labels), len(labels)):
        raise WeightsError(
            f"weights of shape {values.shape} with {len(labels)} ids; give one row and one column "
            "per id."
        )
    W: Any = csr_array(values, dtype=np.float64, copy=True)
    W.sum_duplicates()
    W.eliminate_zeros()
    sizes = np.diff(W.indptr)
    focal = np.repeat(np.arange(len(labels)), sizes)
    if not np.isfinite(W.data).all():
        rows = labels[np.unique(focal[~np.isfinite(W.data)])]
        raise WeightsError(f"weights not finite in rows {first_five(rows)}; replace them.")
    refuse_negative(W, labels)
    empty = np.flatnonzero(sizes == 0)  # a Graph keeps an island as a zero self-weight
    return Graph.from_arrays(
        labels[np.concatenate([focal, empty])],
        labels[np.concatenate([W.indices, empty])],
        np.concatenate([W.data, np.zeros(len(empty))]),
    )


def row_standardise(weights: WeightsLike) -> Graph:
    """Divide each row by its sum.

    Raises
    ------
    AlignmentError
        If weights carry no labels: label a matrix with `from_matrix`.
    WeightsError
        If a weight is negative, or a unit has no neighbour: nothing to divide by.
    """
    graph = as_graph(weights)
    ids = graph.unique_ids
    W = sparse(graph, ids)
    refuse_negative(W, ids)
    refuse_islands(W.sum(axis=1), ids)
    return graph.transform("R")


def is_row_standardised(W: NDArray[np.float64]) -> bool:
    """Whether every row of W, shape (N, N), sums to one."""
    return sums_to_one(W.sum(axis=1))


def sums_to_one(row_sums: NDArray[np.float64]) -> bool:
    """Whether row sums, shape (N,), are those of row-standardised weights."""
    return bool(np.abs(row_sums - 1.0).max() < _ROW_SUM)


def among[Matrix: (NDArray[np.float64], csr_array)](
    W: Matrix, here: NDArray[np.bool_]
) -> tuple[Matrix, NDArray[np.bool_]]:
    """Weights (N, N), dense or sparse, among some units, and which have no neighbour left.

    Where all rows sum to one they are made to do so again.

    Examples
    --------
    >>> W = np.array([[0.0, 0.5, 0.5], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    >>> among(W, np.array([True, True, False]))[0].tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    >>> among(csr_array(W), np.array([True, False, True]))[0].toarray().tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    part: Any = W[np.ix_(here, here)]  # dense or sparse, as W
    sums = part.sum(axis=1)
    alone = sums == 0.0
    if sums_to_one(W.sum(axis=1)):
        rows = np.where(alone, 1.0, sums)[:, None]
        part = csr_array(part / rows) if isinstance(part, csr_array) else part / rows
    return part, alone


def split(
    weights: WeightsLike, groups: Mapping[Hashable, object], *, standardised: bool = True
) -> dict[str, Graph]:
    """Split weights into links within and across groups, each row-standardised by itself.

    Row-standardised parts differ in the scale of the neighbours that they average: the part
    within groups gives near neighbours more weight than the part across. An outcome with one
    spatial lag, blind to the groups, therefore has a larger coefficient on the part within than
    on the part across: their difference is no test of a border. Compare it with that of other
    lines, or take the parts as they stand, which sum to `weights` and have equal coefficients
    where the border does not matter.

    Parameters
    ----------
    weights : Graph or W
    groups : mapping or Series
        Unit id to group, such as the province.
    standardised : bool
        Whether the rows of each part sum to one; if not, the parts sum to `weights`.

    Returns
    -------
    dict
        "within" and "across".

    Raises
    ------
    WeightsError
        If a unit has no group, or lacks neighbours of one kind (it is named): then its rows of
        one part would be zero. Distance weights without cut-off give every unit both kinds.
    """
    graph = as_graph(weights)
    ids = graph.unique_ids
    group = _labels(ids, groups)
    same = group[:, None] == group[None, :]
    W = matrix_of(graph, ids)
    parts = {"within": np.where(same, W, 0.0), "across": np.where(same, 0.0, W)}
    for name, part in parts.items():
        alone = ids[~part.any(axis=1)]
        if len(alone):
            raise WeightsError(
                f"no neighbour {name} groups for {first_five(alone)}; use distance weights, which "
                "link every unit to others of both kinds, or other groups."
            )
    graphs = {name: from_matrix(part, ids) for name, part in parts.items()}
    if not standardised:
        return graphs
    return {name: row_standardise(graph) for name, graph in graphs.items()}


def shares(weights: WeightsLike, groups: Mapping[Hashable, object]) -> pd.DataFrame:
    """Sum each unit's weights by group of the neighbours: how near it is to every group.

    The exposure of a unit to x in group h is the share of h times the mean of x there that its
    neighbours in h see; where x in h begins at random times, its expectation is the share times
    the mean of the group. Shares by period as regressors therefore compare units that are equally
    near to every group.

    Returns
    -------
    DataFrame
        Units in rows, groups in columns, sorted; rows of standardised weights sum to one.

    Raises
    ------
    WeightsError
        If a unit has no group.

    References
    ----------
    Borusyak, Hull and Jaravel (2022), Review of Economic Studies 89, 181-213.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> near = ce.weights.shares(ce.weights.contiguity(), ce.circle.roles())
    >>> near.loc["510100"].to_dict()
    {'core': 0.0, 'hollow': 0.25, 'other': 0.75, 'secondary': 0.0}
    """
    graph = as_graph(weights)
    ids = graph.unique_ids
    of = pd.Series(_labels(ids, groups), index=ids)
    W = pd.DataFrame(matrix_of(graph, ids), index=ids, columns=ids)
    return W.T.groupby(of).sum().T.rename_axis(index=ids.name, columns="group")


def _refuse_ids(labels: pd.Index) -> None:
    missing = int(np.count_nonzero(labels.isna()))
    if missing:
        raise WeightsError(f"{missing} ids are missing; name every unit.")
    if labels.has_duplicates:
        twice = labels[labels.duplicated()].unique()
        raise WeightsError(f"ids {first_five(twice)} stand more than once; name each unit once.")


def _refuse_other_labels(matrix: pd.DataFrame, labels: pd.Index) -> None:
    if list(matrix.index) != list(labels) or list(matrix.columns) != list(labels):
        raise WeightsError(
            f"the frame's labels ({first_five(matrix.index)}) are not the ids in their order "
            f"({first_five(labels)}); give ids=matrix.index, with columns in the same order."
        )


def _labels(ids: pd.Index, groups: Mapping[Hashable, object]) -> NDArray[np.str_]:
    """Group of each unit."""
    lost = [unit for unit in ids if unit not in groups]
    if lost:
        raise WeightsError(f"units without a group: {first_five(lost)}; give each unit one group.")
    return np.array([str(groups[unit]) for unit in ids])
