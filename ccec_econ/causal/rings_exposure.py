"""Exposure to others' treatment: the ring of distance to the nearest unit treated by a period."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.causal.design import Design, first_treated
from ccec_econ.errors import AlignmentError, IdentificationError, first_five

__all__ = ["Distances", "Exposure", "exposure"]

type Distances = pd.DataFrame | Mapping[int, pd.DataFrame]


@dataclass(frozen=True, slots=True)
class Exposure:
    """Distance of every unit and period to the nearest other unit treated by then, and its ring.

    Attributes
    ----------
    edges : tuple of float
        0 and the outer edges of J rings; a distance on an inner edge belongs to the ring beyond
        it, one on the last edge to the last ring.
    metric : str
        Unit of the edges, as printed.
    distance : ndarray, shape (T, N)
        Infinite where no other unit is treated yet.
    ring : ndarray of int, shape (T, N)
        0 to J - 1; J beyond the last edge.
    outside : tuple
        Treated units that have no row in the panel and expose others all the same.
    """

    edges: tuple[float, ...]
    metric: str
    distance: NDArray[np.float64]
    ring: NDArray[np.int64]
    outside: tuple[Hashable, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the J rings."""
        pairs = zip(self.edges[:-1], self.edges[1:], strict=True)
        return tuple(f"{low:g}–{high:g} {self.metric}" for low, high in pairs)

    @property
    def exposed(self) -> NDArray[np.bool_]:
        """Whether another treated unit is within the last edge, shape (T, N)."""
        return self.ring < len(self.edges) - 1

    @property
    def first(self) -> NDArray[np.int64]:
        """Place of the first exposed period, shape (N,); T where there is none."""
        return np.where(self.exposed.any(axis=0), self.exposed.argmax(axis=0), len(self.ring))


def exposure(
    design: Design,
    adoption: pd.Series,
    distances: Distances,
    edges: Sequence[float],
    metric: str = "km",
) -> Exposure:
    """Find the nearest other treated unit by period.

    Parameters
    ----------
    design : Design
        The panel whose units are exposed.
    adoption : Series
        First treated period by unit. All its units expose others, whether they have a row in the
        panel or not.
    distances : DataFrame, or mapping of period to DataFrame
        From a unit (row) to another (column), shape (N, M), labelled on both sides, not negative,
        infinite where there is no way. By period where they change, as travel times do. The
        distance of a unit to itself is not read.
    edges : sequence of float
        0 and the outer edges of the rings, rising, in the unit of the distances.
    metric : str
        Unit of the edges, for print.

    Raises
    ------
    IdentificationError
        If the edges do not rise from 0.
    AlignmentError
        If distances lack a period, a unit of the panel (rows) or a treated unit (columns), name
        one twice, or are missing or negative.
    """
    limits = _checked(edges)
    first = first_treated(adoption, adoption.index)
    treated = adoption.index[first <= float(design.periods[-1])]
    since = first[first <= float(design.periods[-1])]
    own = treated.to_numpy()[None, :] == design.panel.units.to_numpy()[:, None]
    distance = np.full(design.y.shape, np.inf)
    for t, period in enumerate(design.periods):
        d = _between(distances, int(period), design.panel.units, treated)
        counts = (since <= float(period))[None, :] & ~own
        distance[t] = np.where(counts, d, np.inf).min(axis=1, initial=np.inf)
    ring = np.searchsorted(limits[1:], distance, side="right")
    ring[distance == limits[-1]] = len(limits) - 2
    outside = tuple(treated.difference(design.panel.units))
    return Exposure(tuple(limits.tolist()), metric, distance, ring, outside)


def _checked(edges: Sequence[float]) -> NDArray[np.float64]:
    limits = np.asarray(list(edges), dtype=np.float64)
    if len(limits) < 2 or limits[0] != 0.0 or not (np.diff(limits) > 0.0).all():
        raise IdentificationError(
            f"edges {list(edges)}: give 0 and the outer edges of the rings, rising, such as "
            "(0, 25, 50, 100)."
        )
    if not np.isfinite(limits).all():
        raise IdentificationError(
            f"edges {list(edges)}: the last one must be finite, or nobody is beyond it."
        )
    return limits


def _between(
    distances: Distances, period: int, units: pd.Index, treated: pd.Index
) -> NDArray[np.float64]:
    """Distances of one period from units (rows) to treated units (columns)."""
    if isinstance(distances, pd.DataFrame):
        frame, name = distances, "distances"
    elif period in distances:
        frame, name = distances[period], f"distances of {period}"
    else:
        raise AlignmentError(
            f"distances by period have none for {period}, only {first_five(distances)}; give one "
            "table per period, or one for all."
        )
    for side, index, needed in (("row", frame.index, units), ("column", frame.columns, treated)):
        if index.has_duplicates:
            twice = index[index.duplicated()]
            raise AlignmentError(f"{name}: {first_five(twice)} stand twice; name each unit once.")
        absent = needed.difference(index)
        if len(absent):
            raise AlignmentError(
                f"{name}: no {side} for {first_five(absent)} ({len(absent)} units); rows are the "
                "units of the panel, columns the units treated by its last period."
            )
    d = frame.loc[units, treated].to_numpy(dtype=np.float64)
    wrong = np.isnan(d) | (d < 0.0)
    wrong &= treated.to_numpy()[None, :] != units.to_numpy()[:, None]
    if wrong.any():
        raise AlignmentError(
            f"{name}: missing or negative in rows {first_five(units[wrong.any(axis=1)])}; give "
            "distances, infinite where there is no way."
        )
    return d
