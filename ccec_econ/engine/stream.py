"""Effects removed and columns reduced while periods pass by, each looked at once.

Unit effects leave a stretch of periods by orthonormal deviations within it. Two stretches of n_1
and n_2 periods with unit means m_1 and m_2 join by rows sqrt(n_1 n_2/(n_1 + n_2)) (m_2 - m_1), so
the cross-products of demeaned columns are those of

    R'R = R_1'R_1 + R_2'R_2 + (n_1 n_2/(n_1 + n_2)) (m_2 - m_1)'(m_2 - m_1)

(Chan, Golub and LeVeque 1983, The American Statistician 37, 242-247), and nothing is ever
subtracted that is large. R is kept as a triangular factor, never squared. Joining is associative:
stretches may be reduced one after the other or by several workers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.transform import EffectsName

__all__ = ["Stretch", "centred", "stretch"]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Periods reduced so far.

    Attributes
    ----------
    R : ndarray, shape (at most P, P)
        Triangular factor of the columns, effects removed.
    mean : ndarray, shape (N, P)
        Unit means; of no use without unit effects.
    periods : int
    """

    R: NDArray[np.float64]
    mean: NDArray[np.float64]
    periods: int

    def joined(self, other: Stretch) -> Stretch:
        """Join with the periods of another stretch, of the same units."""
        n, m = self.periods, other.periods
        step = other.mean - self.mean
        rows = np.vstack([self.R, other.R, np.sqrt(n * m / (n + m)) * step])
        mean = self.mean + (m / (n + m)) * step
        return Stretch(np.linalg.qr(rows, mode="r"), mean, n + m)


def stretch(blocks: Iterable[NDArray[np.float64]], effects: EffectsName) -> Stretch:
    """Reduce the columns of successive periods, each of shape (N, P), one at a time."""
    return reduce(Stretch.joined, (_one(block, effects) for block in blocks))


def centred(block: NDArray[np.float64], effects: EffectsName) -> NDArray[np.float64]:
    """Remove the time effects, if there are any, from the columns of one period, (N, P)."""
    return block - block.mean(axis=0) if effects in ("time", "twoway") else block


def _one(block: NDArray[np.float64], effects: EffectsName) -> Stretch:
    columns = centred(block, effects)
    if effects in ("unit", "twoway"):
        return Stretch(np.zeros((0, columns.shape[1])), columns, 1)
    return Stretch(np.linalg.qr(columns, mode="r"), np.zeros_like(columns[:1]), 1)
