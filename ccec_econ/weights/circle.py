"""Weights of the circle's units: who touches whom, who is near, who is alike."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from libpysal.graph import Graph
from numpy.typing import NDArray

from ccec_econ.data import load_table, load_units
from ccec_econ.errors import WeightsError, first_five
from ccec_econ.weights.alignment import align
from ccec_econ.weights.kinds import WeightsLike
from ccec_econ.weights.labelled import from_matrix, row_standardise

__all__ = [
    "contiguity",
    "distances",
    "economic",
    "economic_of",
    "inverse_distance",
    "nearest",
    "nearest_of",
]

Layer = Literal["city", "county"]

_ADJACENCY = {"city": "adj_ccec16", "county": "adj_county221"}
_DISTANCE = {"city": "dist_ccec16", "county": "dist_county221"}


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


def _ids(layer: Layer) -> pd.Index:
    if layer not in _ADJACENCY:
        raise WeightsError(f"layer {layer!r} is unknown; choose one of {first_five(_ADJACENCY)}.")
    return load_units(layer).index
