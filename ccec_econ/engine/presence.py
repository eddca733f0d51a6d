"""Which cells of an unbalanced panel are there, and the weights among those that are.

Arrays keep the shape (T, N). A cell that is absent is an exact zero in every column, so sums over
cells need no mask. In period t the n_t units that are present interact through W_t, the rows and
columns of W that belong to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ccec_econ.engine.spectrum import SpectrumPath
from ccec_econ.engine.transform import EffectsName

__all__ = ["Presence", "PresentPath"]


@dataclass(frozen=True, slots=True)
class Presence:
    """Cells that are present.

    Attributes
    ----------
    mask : ndarray of bool, shape (T, N)
        At least one unit in every period, and every unit in at least one.
    """

    mask: NDArray[np.bool_]

    @property
    def cells(self) -> int:
        """Cells present, C."""
        return int(self.mask.sum())

    @property
    def by_period(self) -> NDArray[np.float64]:
        """Units present in each period, n_t, shape (T,)."""
        return self.mask.sum(axis=1).astype(np.float64)

    @property
    def by_unit(self) -> NDArray[np.float64]:
        """Periods in which each unit is present, T_i, shape (N,)."""
        return self.mask.sum(axis=0).astype(np.float64)

    def components(self) -> NDArray[np.int64]:
        """Component of each unit, shape (N,): units are linked where they share a period."""
        T, N = self.mask.shape
        times, units = np.nonzero(self.mask)
        links = coo_array((np.ones(len(units)), (units, N + times)), shape=(N + T, N + T))
        _, labels = connected_components(links, directed=False)
        return np.unique(labels[:N], return_inverse=True)[1].astype(np.int64)

    def rows(self, effects: EffectsName) -> int:
        """Observations once the time effects left: C, less one per period where they do."""
        return self.cells - len(self.mask) * (effects in ("time", "twoway"))

    def rank(self, effects: EffectsName) -> int:
        """Rank of the unit dummies beside the time dummies: N, less one per component if two-way.

        A component is a set of units and periods that shares no cell with the rest.
        """
        if effects not in ("unit", "twoway"):
            return 0
        N = self.mask.shape[1]
        return int(N - (int(self.components().max()) + 1) * (effects == "twoway"))

    def free(self, effects: EffectsName) -> int:
        """Observations net of all effects: cells less the rank of the dummies."""
        return self.rows(effects) - self.rank(effects)

    def zeroed(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Set absent cells of (T, N) or (T, N, K) to zero."""
        return np.where(self.mask if columns.ndim == 2 else self.mask[:, :, None], columns, 0.0)

    def centred(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take the mean of the units present off each period, columns (T, N) or (T, N, K)."""
        kept = self.zeroed(columns)
        count = self.by_period.reshape(-1, *[1] * (columns.ndim - 1))
        return self.zeroed(kept - kept.sum(axis=1, keepdims=True) / count)

    def embedded(self, blocks: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Lay T matrices (n_t, n_t) into zeros: shape (T, N, N)."""
        T, N = self.mask.shape
        out = np.zeros((T, N, N))
        for t, block in enumerate(blocks):
            out[t][np.ix_(self.mask[t], self.mask[t])] = block
        return out


@dataclass(frozen=True, slots=True)
class PresentPath(SpectrumPath):
    """Spectra of the weights among the units present, one per period.

    Attributes
    ----------
    each : tuple of Spectrum
        T spectra, that of period t of a matrix (n_t, n_t).
    presence : Presence
    """

    presence: Presence

    def project(self) -> PresentPath:
        """Project every period's weights off the ones of the units present."""
        return PresentPath(tuple(s.project() for s in self.each), self.presence)

    def lag(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Lag columns of shape (T, N) or (T, N, K) among the units present."""
        out = np.zeros_like(columns)
        for t, (one, here) in enumerate(zip(self.each, self.presence.mask, strict=True)):
            out[t, here] = one.W @ columns[t, here]
        return out

    def solve(self, rho: float, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """(I - rho W_t)^-1 times the units present, columns of shape (T, N)."""
        out = np.zeros_like(columns)
        for t, (one, here) in enumerate(zip(self.each, self.presence.mask, strict=True)):
            out[t, here] = one.solve(rho, columns[t, here][None])[0]
        return out

    def G(self, rho: float) -> NDArray[np.float64]:
        """W_t (I - rho W_t)^-1 in zeros, shape (T, N, N); columns centred when projected."""
        return self.presence.embedded([s.G(rho) for s in self.each])

    def filters(self, lam: float) -> NDArray[np.float64]:
        """I - lam W_t of the units present in zeros, shape (T, N, N)."""
        return self.presence.embedded([np.eye(len(s.W)) - lam * s.W for s in self.each])

    def conjugate(self, lam: float, A: NDArray[np.float64]) -> NDArray[np.float64]:
        """R_t A_t R_t^-1 with R_t = I - lam W_t, A of shape (T, N, N); centred when projected."""
        parts = [
            one.conjugate(lam, A[t][np.ix_(here, here)])
            for t, (one, here) in enumerate(zip(self.each, self.presence.mask, strict=True))
        ]
        return self.presence.embedded(parts)
