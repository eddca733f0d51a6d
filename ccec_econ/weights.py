"""Spatial weights: those of the circle, and matching any weights to a panel by label."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from libpysal.graph import Graph
from libpysal.weights import W as ClassicW
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, sparray, spmatrix

from ccec_econ.data import load_table, load_units
from ccec_econ.errors import AlignmentError, WeightsError, first_five

__all__ = [
    "AS_TEXT",
    "LogDet",
    "Prepared",
    "WeightsLike",
    "align",
    "align_sparse",
    "among",
    "contiguity",
    "distances",
    "economic",
    "economic_of",
    "from_matrix",
    "inverse_distance",
    "is_row_standardised",
    "nearest",
    "nearest_of",
    "prepare",
    "refuse_mismatch",
    "row_standardise",
    "shares",
    "split",
    "sums_to_one",
]

Layer = Literal["city", "county"]
type LogDet = Literal["auto", "eigen", "factors", "moments"]

_ADJACENCY = {"city": "adj_ccec16", "county": "adj_county221"}
_DISTANCE = {"city": "dist_ccec16", "county": "dist_county221"}
AS_TEXT = "the labels agree as text: give both the same type"
_ROW_SUM = 1e-8  # a row sum closer to 1 than this counts as standardised


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Weights with the way their log-determinants are made, from `prepare`.

    Attributes
    ----------
    graph : Graph
    logdet : {"auto", "eigen", "factors", "moments"}
    probes, powers, seed : int
        Vectors of random signs, powers of W, and the vectors' seed, for "moments".
    held : dict
        What was computed, with the units it was computed for.
    """

    graph: Graph
    logdet: LogDet
    probes: int
    powers: int
    seed: int
    held: dict[str, Any] = field(default_factory=dict, repr=False)


type WeightsLike = Graph | ClassicW | Prepared


def prepare(
    weights: Graph | ClassicW,
    *,
    logdet: LogDet = "auto",
    probes: int = 64,
    powers: int = 200,
    rng: int | np.random.Generator = 0,
) -> Prepared:
    """Choose how log-determinants ln|I - rho W| are made, and make them once for many fits.

    What this returns goes wherever weights go. Eigenvalues, factors or traces are computed in the
    first fit and used again in the next with the same units.

    Parameters
    ----------
    weights : Graph or W
    logdet : {"auto", "eigen", "factors", "moments"}
        "eigen": all eigenvalues, exact, with the whole interval of rho. "factors": sparse factors,
        exact at nodes and interpolated with an error that results report; |rho| stays below one
        over the spectral radius of |W|. "moments": traces of powers of W from vectors of random
        signs, for weights whose factors do not fit into memory; their Monte Carlo error is
        reported and enters standard errors. "auto" takes eigenvalues up to 1,000 units, then
        factors, and moments where factors would hold a dense block of more than 10,000 units.
    probes, powers : int
        For "moments": vectors, and powers of W. The error falls with the root of `probes`; with
        200 powers of row-standardised weights rho is searched to 0.95, with 400 to 0.98.
    rng : int or Generator
        Of the vectors.

    Raises
    ------
    AlignmentError
        If the weights carry no labels.
    WeightsError
        If `logdet` is unknown, or there are fewer than two vectors or ten powers.

    References
    ----------
    Barry and Pace (1999), Linear Algebra and its Applications 289, 41-54.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> W = ce.weights.prepare(ce.weights.contiguity(), logdet="factors")
    >>> exact = ce.sar("growth ~ hsr | unit + year", panel, ce.weights.contiguity())
    >>> bool(abs(ce.sar("growth ~ hsr | unit + year", panel, W).rho - exact.rho) < 1e-8)
    True
    """
    if logdet not in get_args(LogDet.__value__):
        names = ", ".join(get_args(LogDet.__value__))
        raise WeightsError(f"logdet {logdet!r} is unknown; choose one of {names}.")
    if probes < 2 or powers < 10:
        raise WeightsError(
            f"probes = {probes} and powers = {powers}: give two vectors of random signs or more, "
            "so that their spread shows the error, and ten powers or more."
        )
    seed = int(np.random.default_rng(rng).integers(2**31))
    return Prepared(_as_graph(weights), logdet, probes, powers, seed)


def contiguity(layer: Layer = "city") -> Graph:
    """Rook contiguity of the circle's units, row-standardised.

    Sixteen units (`city`) or 156 counties (`county`); ids are the six-digit codes. From the lists
    in data/raw/geography, never from simplified polygons.
    """
    ids = _ids(layer)
    pairs = load_table("geography", _ADJACENCY[layer])
    pairs = pairs[(pairs["rook"].astype(int) == 1) & pairs["i"].isin(ids) & pairs["j"].isin(ids)]
    binary = pd.DataFrame(0.0, index=ids, columns=ids)
    for i, j in zip(pairs["i"], pairs["j"], strict=True):
        binary.loc[i, j] = binary.loc[j, i] = 1.0
    return row_standardise(from_matrix(binary.to_numpy(), ids))


def distances(layer: Layer = "city") -> pd.DataFrame:
    """Great-circle distances between seats of government in km, labelled by unit on both sides.

    Raises
    ------
    WeightsError
        If the layer is unknown.

    Examples
    --------
    >>> float(distances().loc["510100", "500000"])
    269.33
    """
    ids = _ids(layer)
    table = load_table("geography", f"{_DISTANCE[layer]}_seat_km").set_index("adcode")
    return table.loc[ids, list(ids)].astype(float)


def inverse_distance(
    layer: Layer = "city", *, power: float = 1.0, cutoff_km: float | None = None
) -> Graph:
    """Inverse great-circle distance between seats of government, row-standardised.

    Parameters
    ----------
    power : float
        Exponent of the decay, w = d^-power with d in km.
    cutoff_km : float, optional
        Distance beyond which weights are zero.

    Raises
    ------
    WeightsError
        If `power` is not positive or the cut-off leaves a unit without neighbour.
    """
    if power <= 0:
        raise WeightsError(f"power {power}: distance must damp; give a power above 0.")
    distance = distances(layer)
    d = distance.to_numpy()
    with np.errstate(divide="ignore"):
        w = np.where(np.eye(len(d), dtype=bool), 0.0, d**-power)
    if cutoff_km is not None:
        w = np.where(d <= cutoff_km, w, 0.0)
    return row_standardise(from_matrix(w, distance.index))


def nearest(layer: Layer = "city", *, k: int = 4) -> Graph:
    """Link the k nearest units by distance between seats, row-standardised (asymmetric).

    Raises
    ------
    WeightsError
        If k is not between 1 and N - 1.
    """
    distance = distances(layer)
    return from_matrix(nearest_of(distance.to_numpy(), k), distance.index)


def nearest_of(distance: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Row-standardised weights (N, N) of the k nearest by a matrix of distances.

    Ties go to the unit that comes first.

    Raises
    ------
    WeightsError
        If k is not between 1 and N - 1.
    """
    if not 1 <= k < len(distance):
        raise WeightsError(f"k = {k}: give a number from 1 to {len(distance) - 1}.")
    d = distance + np.diag(np.full(len(distance), np.inf))
    rank = d.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
    return np.asarray((rank < k) / float(k))


def economic(values: pd.Series, *, power: float = 1.0, among: WeightsLike | None = None) -> Graph:
    """Weights of likeness in a variable, w_ij = |z_i - z_j|^-power, row-standardised.

    Parameters
    ----------
    values : Series
        One value per unit, such as GDP per resident before the sample. Formed from figures of the
        sample the weights are a function of the outcome: see `ce.weights_exogeneity`.
    power : float
        Exponent of the decay.
    among : Graph, optional
        Weights that are multiplied by likeness, such as contiguity or inverse distance, which
        gives economic-geographic weights; all pairs alike by default.

    Raises
    ------
    AlignmentError
        If `among` has other units.
    WeightsError
        If `power` is not positive, a value is missing, or two units that may be neighbours have
        the same value.

    Examples
    --------
    >>> economic(pd.Series({"a": 1.0, "b": 2.0, "c": 4.0})).adjacency["a"].round(3).tolist()
    [0.75, 0.25]
    """
    units = values.index
    near = None if among is None else align(among, units)
    return from_matrix(economic_of(values.to_numpy(dtype=np.float64), near, power=power), units)


def economic_of(
    values: NDArray[np.float64], among: NDArray[np.float64] | None = None, *, power: float = 1.0
) -> NDArray[np.float64]:
    """Row-standardised weights (N, N) of likeness in values (N,), times `among` where given.

    Raises
    ------
    WeightsError
        As `economic`.
    """
    if power <= 0:
        raise WeightsError(f"power {power}: unlikeness must damp; give a power above 0.")
    gap = np.abs(values[:, None] - values)
    near = 1.0 - np.eye(len(values)) if among is None else among
    pair = near != 0.0
    if not np.isfinite(values).all() or (gap[pair] == 0.0).any():
        alike = np.argwhere(pair & ~(gap > 0.0))[:, 0]
        raise WeightsError(
            f"likeness of units {first_five(np.unique(alike))} (by position) is infinite or "
            "unknown: values are missing or equal; give values that tell units apart."
        )
    w = np.where(pair, near * np.where(pair, gap, 1.0) ** -power, 0.0)
    return np.asarray(w / w.sum(axis=1, keepdims=True))


def from_matrix(matrix: ArrayLike | sparray | spmatrix, ids: Iterable[Hashable]) -> Graph:
    """Label a square matrix of weights (N, N), dense or sparse, with N unit ids.

    Raises
    ------
    WeightsError
        If the matrix is not square, is not as long as `ids`, or holds missing values; if an id
        is missing or stands twice; if a DataFrame carries labels other than `ids`.
    """
    to_dense = getattr(matrix, "toarray", None)
    dense = matrix if to_dense is None else to_dense()
    values, labels = np.asarray(dense, dtype=np.float64), pd.Index(list(ids))
    _refuse_ids(labels)
    if isinstance(matrix, pd.DataFrame):
        _refuse_other_labels(matrix, labels)
    if values.shape != (len(labels), len(labels)):
        raise WeightsError(
            f"weights of shape {values.shape} with {len(labels)} ids; give one row and one column "
            "per id."
        )
    if not np.isfinite(values).all():
        rows = labels[~np.isfinite(values).all(axis=1)]
        raise WeightsError(f"weights not finite in rows {first_five(rows)}; replace them.")
    focal, neighbor = np.nonzero(values)
    empty = np.flatnonzero(~values.any(axis=1))  # a Graph keeps an island as a zero self-weight
    return Graph.from_arrays(
        labels[np.concatenate([focal, empty])],
        labels[np.concatenate([neighbor, empty])],
        np.concatenate([values[focal, neighbor], np.zeros(len(empty))]),
    )


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
    graph = _as_graph(weights)
    ids = graph.unique_ids
    group = _labels(ids, groups)
    same = group[:, None] == group[None, :]
    W = _matrix(graph, ids)
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
    graph = _as_graph(weights)
    ids = graph.unique_ids
    of = pd.Series(_labels(ids, groups), index=ids)
    W = pd.DataFrame(_matrix(graph, ids), index=ids, columns=ids)
    return W.T.groupby(of).sum().T.rename_axis(index=ids.name, columns="group")


def row_standardise(weights: WeightsLike) -> Graph:
    """Divide each row by its sum.

    Raises
    ------
    AlignmentError
        If weights carry no labels: label a matrix with `from_matrix`.
    WeightsError
        If a unit has no neighbour, or its weights sum to zero: nothing to divide by.
    """
    graph = _as_graph(weights)
    ids = graph.unique_ids
    W = _sparse(graph, ids)
    sizes, sums = abs(W).sum(axis=1), W.sum(axis=1)
    _refuse_islands(sizes, ids)
    if (np.abs(sums) < _ROW_SUM * sizes).any():
        zero = ids[np.abs(sums) < _ROW_SUM * sizes]
        raise WeightsError(f"weights of {first_five(zero)} sum to zero; they cannot be scaled.")
    return graph.transform("R")


def is_row_standardised(W: NDArray[np.float64]) -> bool:
    """Whether every row of W, shape (N, N), sums to one."""
    return sums_to_one(W.sum(axis=1))


def sums_to_one(row_sums: NDArray[np.float64]) -> bool:
    """Whether row sums, shape (N,), are those of row-standardised weights."""
    return bool(np.abs(row_sums - 1.0).max() < _ROW_SUM)


def among(
    W: NDArray[np.float64], here: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Weights (N, N) among some units, and which of these have no neighbour left.

    Where all rows sum to one they are made to do so again.

    Examples
    --------
    >>> W = np.array([[0.0, 0.5, 0.5], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    >>> among(W, np.array([True, True, False]))[0].tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    part = W[np.ix_(here, here)]
    sums = part.sum(axis=1)
    alone = sums == 0.0
    return (part / np.where(alone, 1.0, sums)[:, None] if is_row_standardised(W) else part), alone


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
    graph = _as_graph(weights)
    if not isinstance(units, pd.Index):
        raise AlignmentError(
            f"units of type {type(units).__name__}: give the labels in their order as a pandas "
            "Index, such as fit.panel.units or pd.Index([...])."
        )
    refuse_mismatch(graph.unique_ids, units)
    W = _sparse(graph, units)
    infinite, negative, own = ~np.isfinite(W.data), W.data < 0.0, W.diagonal() != 0.0
    if infinite.any():
        rows = units[_rows_with(infinite, W)]
        raise WeightsError(f"weights not finite in rows {first_five(rows)}; replace them.")
    if negative.any():
        raise WeightsError(
            f"weights: negative weights in rows {first_five(units[_rows_with(negative, W)])}; "
            "weights say how near units are, so give none below zero."
        )
    if own.any():
        raise WeightsError(
            f"weights: {first_five(units[own])} neighbours itself; set the diagonal to zero."
        )
    _refuse_islands(abs(W).sum(axis=1), units)
    return W


def _rows_with(entries: NDArray[np.bool_], W: csr_array) -> NDArray[np.int64]:
    """Rows of a matrix that hold one of some of its stored entries."""
    return np.unique(np.repeat(np.arange(W.shape[0]), np.diff(W.indptr))[entries])


def _labels(ids: pd.Index, groups: Mapping[Hashable, object]) -> NDArray[np.str_]:
    """Group of each unit."""
    lost = [unit for unit in ids if unit not in groups]
    if lost:
        raise WeightsError(f"units without a group: {first_five(lost)}; give each unit one group.")
    return np.array([str(groups[unit]) for unit in ids])


def _as_graph(weights: WeightsLike) -> Graph:
    if isinstance(weights, Graph):
        return weights
    if isinstance(weights, ClassicW):
        return Graph.from_W(weights)
    if isinstance(weights, Prepared):
        return weights.graph
    raise AlignmentError(
        f"weights of type {type(weights).__name__} carry no unit labels; give a libpysal Graph, "
        "or label a matrix with ce.weights.from_matrix(matrix, ids)."
    )


def _sparse(graph: Graph, order: pd.Index) -> csr_array:
    adjacency = graph.adjacency
    rows, columns = (
        order.get_indexer(labels)[codes]
        for labels, codes in zip(adjacency.index.levels, adjacency.index.codes, strict=True)
    )
    values = adjacency.to_numpy(dtype=np.float64)
    linked = values != 0.0  # a Graph keeps an island as a zero self-weight
    shape = (len(order), len(order))
    return csr_array((values[linked], (rows[linked], columns[linked])), shape=shape)


def _matrix(graph: Graph, order: pd.Index) -> NDArray[np.float64]:
    return np.asarray(_sparse(graph, order).toarray())


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


def _refuse_islands(sizes: NDArray[np.float64], units: pd.Index) -> None:
    """Refuse units whose weights add up to nothing in absolute value."""
    alone = units[sizes == 0.0]
    if len(alone):
        raise WeightsError(
            f"weights: no neighbour for {first_five(alone)}; link it to its nearest unit "
            "or drop it, and say which."
        )


def _ids(layer: Layer) -> pd.Index:
    if layer not in _ADJACENCY:
        raise WeightsError(f"layer {layer!r} is unknown; choose one of {first_five(_ADJACENCY)}.")
    return load_units(layer).index
