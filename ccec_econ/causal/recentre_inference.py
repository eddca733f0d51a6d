"""Randomisation inference when statistics are linear in the effect: p-values and exact sets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ccec_econ.errors import IdentificationError

__all__ = ["Randomisation"]

type Intervals = tuple[tuple[float, float], ...]

_TIE = 1e-10  # share of the statistics' size below which two of them are equal


@dataclass(frozen=True, slots=True)
class Randomisation:
    """Statistics of the realised treatment and of its counterfactual draws.

    At an effect b the statistic of member r is ``numerator[r] - b denominator[r]``. The realised
    treatment comes first; under the sharp null that the effect is b in every unit and period, any
    member is as likely to come first as any other.

    Attributes
    ----------
    numerator, denominator : ndarray, shape (R,)

    References
    ----------
    Borusyak, K. and Hull, P. (2023). Nonrandom exposure to exogenous shocks. Econometrica 91(6),
    2155-2185, section 3.
    """

    numerator: NDArray[np.float64]
    denominator: NDArray[np.float64]

    def __post_init__(self) -> None:
        size = float(np.abs(self.denominator).max())
        if abs(float(self.denominator[0])) <= _TIE * size or size == 0.0:
            raise IdentificationError(
                "the realised treatment less its expectation does not move with the realised "
                "treatment in this sample; nothing is left to estimate from."
            )

    @property
    def centre(self) -> float:
        """Effect at which the realised statistic is zero: the recentred estimate."""
        return float(self.numerator[0] / self.denominator[0])

    @property
    def scaled(self) -> NDArray[np.float64]:
        """Statistics at no effect in units of the effect; the first is `centre`."""
        return self.numerator / float(self.denominator[0])

    def pvalue(self, null: float = 0.0) -> float:
        """Share of members whose statistic is at least as far from zero as the realised one."""
        size = np.abs(self.numerator - null * self.denominator)
        slack = _TIE * (abs(float(self.numerator[0])) + abs(null * float(self.denominator[0])))
        return float(np.mean(size >= size[0] - slack))

    def accepted(self, level: float) -> Intervals:
        """Effects whose p-value is above 1 - level: all of them, found without a grid.

        With p, q the differences and u, v the sums of a member's and the realised numerator and
        denominator, a member counts at b where ``(p - b q)(u - b v) >= 0``: between its two roots
        or outside of them. The p-value is the share of members that count.

        Returns
        -------
        tuple of (float, float)
            Disjoint, in order; ends may be infinite.

        Raises
        ------
        ValueError
            If `level` is not in (0, 1).
        """
        if not 0.0 < level < 1.0:
            raise ValueError(f"level {level}: need 0 < level < 1, such as 0.95.")
        starts, ends = self._counting()
        edges = _edges(np.concatenate([starts, ends]))
        inside = _between(edges)
        counting = np.searchsorted(np.sort(starts), inside) - np.searchsorted(np.sort(ends), inside)
        # The realised statistic itself counts everywhere.
        kept = (1 + counting) / len(self.numerator) > round(1.0 - level, 12)
        return _runs(edges, kept)

    def _counting(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where intervals of b begin and end in which members beyond the first count."""
        a, c = self.numerator, self.denominator
        size = _TIE * np.array([np.abs(a).max(), np.abs(c).max()])
        p, q = _snapped(a[1:] - a[0], size[0]), _snapped(c[1:] - c[0], size[1])
        u, v = _snapped(a[1:] + a[0], size[0]), _snapped(c[1:] + c[0], size[1])
        always = ((p == 0.0) & (q == 0.0)) | ((u == 0.0) & (v == 0.0))
        first, second = _root(p, q), _root(u, v)
        low, high = np.minimum(first, second), np.maximum(first, second)
        outside = ((q >= 0.0) == (v >= 0.0)) & ~always
        between = ~outside & ~always
        far = np.full(len(low), np.inf)
        starts = (-far[always], -far[outside], high[outside], low[between])
        ends = (far[always], low[outside], far[outside], high[between])
        return np.concatenate(starts), np.concatenate(ends)


def _snapped(values: NDArray[np.float64], size: float) -> NDArray[np.float64]:
    return np.where(np.abs(values) <= size, 0.0, values)


def _root(constant: NDArray[np.float64], slope: NDArray[np.float64]) -> NDArray[np.float64]:
    """Root of constant - b slope; a slope of zero counts as the smallest positive one."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(slope == 0.0, constant * np.inf, constant / np.where(slope, slope, 1.0))


def _edges(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Finite points in order, those equal but for rounding once, between the infinities."""
    cuts = np.unique(points[np.isfinite(points)])
    apart = np.diff(cuts, prepend=-np.inf) > _TIE * np.abs(cuts)
    return np.concatenate([[-np.inf], cuts[apart], [np.inf]])


def _between(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Choose a point inside of every segment."""
    if len(edges) == 2:
        return np.zeros(1)
    cuts = edges[1:-1]
    beyond = 1.0 + np.abs(cuts[[0, -1]])
    return np.concatenate(
        [[cuts[0] - beyond[0]], (cuts[1:] + cuts[:-1]) / 2.0, [cuts[-1] + beyond[1]]]
    )


def _runs(edges: NDArray[np.float64], kept: NDArray[np.bool_]) -> Intervals:
    """Join neighbouring segments that are kept."""
    turns = np.diff(np.concatenate([[False], kept, [False]]).astype(int))
    begins, stops = np.flatnonzero(turns == 1), np.flatnonzero(turns == -1)
    return tuple((float(edges[i]), float(edges[j])) for i, j in zip(begins, stops, strict=True))
