"""Exact removal of fixed effects from the cells of an unbalanced panel.

With J_t = I - ii'/n_t on the n_t units present (the identity on them without time effects) and
unit dummies D, filtered and centred, X_t = J_t R_t D_t, the projection off all effects is

    Q = J - X (X'X)^- X',

block (t, s) of which is J_t [t = s] - X_t (X'X)^- X_s'. R_t = I - lam M_t in error models, the
identity otherwise. X'X is singular in known directions only: with two-way effects, the ones of
each component of units linked by shared periods. Traces and diagonals of QAQ for block-diagonal A
follow without a matrix of C rows, C the cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.presence import Presence
from ccec_econ.engine.transform import EffectsName

__all__ = ["Removal", "removal"]


@dataclass(frozen=True, slots=True)
class Removal:
    """The projection Q off fixed effects.

    Attributes
    ----------
    presence : Presence
    effects : {"none", "unit", "time", "twoway"}
    filters : ndarray, shape (T, N, N), or None
        R_t among the units present, zero elsewhere; None for the identity.
    inverse : ndarray, shape (N, N), or None
        (X'X)^-, any generalised inverse, as X is zero on the null space; None without unit
        effects.
    """

    presence: Presence
    effects: EffectsName
    filters: NDArray[np.float64] | None
    inverse: NDArray[np.float64] | None

    def remove(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Apply Q to columns of shape (T, N) or (T, N, K)."""
        kept = _centred(columns, self.presence, self.effects)
        if self.inverse is None:
            return kept
        return kept - self._spread(np.tensordot(self.inverse, self._gather(kept), axes=1))

    def unit_effects(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Coefficients (N,) of the unit dummies in (T, N); they sum to zero in each component."""
        if self.inverse is None:
            return np.zeros(self.presence.mask.shape[1])
        return np.asarray(
            self.inverse @ self._gather(_centred(columns, self.presence, self.effects))
        )

    def blocks(self) -> NDArray[np.float64]:
        """Diagonal blocks Q_tt, shape (T, N, N): E v_t v_t' over the variance."""
        mask = self.presence.mask
        every = np.broadcast_to(np.eye(mask.shape[1]), (len(mask), *mask.shape[1:] * 2))
        J = _centred(every, self.presence, self.effects) * mask[:, None, :]
        if self.inverse is None:
            return J
        X = self._dummies()
        return np.asarray(J - X @ self.inverse @ X.transpose(0, 2, 1))

    def trace(self, A: NDArray[np.float64]) -> float:
        """Trace of QA for blocks A, shape (T, N, N), with J_t A_t J_t = A_t."""
        whole = float(np.einsum("tii->", A))
        if self.inverse is None:
            return whole
        return whole - float(np.trace(self.inverse @ self._sandwich(self._dummies(), A)))

    def pair(self, A: NDArray[np.float64], B: NDArray[np.float64]) -> float:
        """tr(QAQB) + tr(QA'QB): the covariance of v'Av and v'Bv, v normal, over the variance^2."""
        return self._product(A, B) + self._product(A.transpose(0, 2, 1), B)

    def diagonals(self, A: NDArray[np.float64]) -> NDArray[np.float64]:
        """Diagonal of QAQ by cell, shape (T, N)."""
        own = np.asarray(np.einsum("tii->ti", A))
        if self.inverse is None:
            return own
        X = self._dummies()
        H = X @ self.inverse @ X.transpose(0, 2, 1)
        crossed = np.einsum("tij,tji->ti", H, A) + np.einsum("tij,tji->ti", A, H)
        middle = self.inverse @ self._sandwich(X, A) @ self.inverse
        return np.asarray(own - crossed + np.einsum("tij,tij->ti", X @ middle, X))

    def power_sums(self) -> tuple[float, float, float, float]:
        """Sum Q_cc, Q_cc^2, sum_k Q_ck^3 and sum_k Q_ck^4 over the cells c."""
        own = self.blocks()
        diagonal = np.einsum("tii->ti", own)
        third, fourth = float((own**3).sum()), float((own**4).sum())
        if self.inverse is not None:
            X = self._dummies()
            for t, left in enumerate(X @ self.inverse):
                for s in range(t):
                    block = left @ X[s].T
                    third -= 2.0 * float((block**3).sum())
                    fourth += 2.0 * float((block**4).sum())
        return float(diagonal.sum()), float((diagonal**2).sum()), third, fourth

    def _spread(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """X times (N,) or (N, K)."""
        every = np.broadcast_to(values, (len(self.presence.mask), *values.shape))
        if self.filters is not None:
            every = _times(self.filters, every)
        return _centred(every, self.presence, self.effects)

    def _gather(self, kept: NDArray[np.float64]) -> NDArray[np.float64]:
        """X' times centred columns."""
        if self.filters is None:
            return np.asarray(kept.sum(axis=0))
        return np.asarray(_times(self.filters.transpose(0, 2, 1), kept).sum(axis=0))

    def _dummies(self) -> NDArray[np.float64]:
        """X, shape (T, N, N)."""
        return self._spread(np.eye(self.presence.mask.shape[1]))

    def _sandwich(self, X: NDArray[np.float64], A: NDArray[np.float64]) -> NDArray[np.float64]:
        """X'AX, shape (N, N)."""
        return np.asarray((X.transpose(0, 2, 1) @ A @ X).sum(axis=0))

    def _product(self, A: NDArray[np.float64], B: NDArray[np.float64]) -> float:
        """tr(QAQB)."""
        whole = float(np.einsum("tij,tji->", A, B))
        if self.inverse is None:
            return whole
        X, inverse = self._dummies(), self.inverse
        once = self._sandwich(X, A @ B) + self._sandwich(X, B @ A)
        twice = self._sandwich(X, A) @ inverse @ self._sandwich(X, B)
        return whole + float(np.trace(inverse @ (twice - once)))


def removal(
    presence: Presence, effects: EffectsName, filters: NDArray[np.float64] | None = None
) -> Removal:
    """Build the projection off effects, for disturbances filtered by R_t where `filters` are given.

    Parameters
    ----------
    filters : ndarray, shape (T, N, N), optional
        R_t = I - lam M_t among the units present, zero elsewhere.
    """
    if effects not in ("unit", "twoway"):
        return Removal(presence, effects, None, None)
    if filters is None:
        squares = np.diag(presence.by_unit)
        if effects == "twoway":
            share = presence.mask / np.sqrt(presence.by_period)[:, None]
            squares = squares - share.T @ share
    else:
        X = Removal(presence, effects, filters, None)._dummies()
        squares = (X.transpose(0, 2, 1) @ X).sum(axis=0)
    null = np.zeros_like(squares)
    if effects == "twoway":
        labels = presence.components()
        null = (labels[:, None] == labels[None, :]) / np.bincount(labels)[labels]
    scale = float(np.trace(squares)) / len(squares)
    return Removal(presence, effects, filters, np.linalg.inv(squares + scale * null))


def _centred(
    columns: NDArray[np.float64], presence: Presence, effects: EffectsName
) -> NDArray[np.float64]:
    timed = effects in ("time", "twoway")
    return presence.centred(columns) if timed else presence.zeroed(columns)


def _times(A: NDArray[np.float64], columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """A_t times the units of every period, columns (T, N) or (T, N, K)."""
    return A @ columns if columns.ndim == 3 else (A @ columns[:, :, None])[:, :, 0]
