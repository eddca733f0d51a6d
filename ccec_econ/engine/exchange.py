"""One model with some regressors exchanged again and again: what stays is reduced once.

By the theorem of Frisch, Waugh and Lovell only what new columns add to the columns that stay
matters, besides their coordinates in a basis of those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.estimate import Columns, Estimate, pose, refuse_constant
from ccec_econ.engine.moments import coordinates, triangle
from ccec_econ.engine.spectrum import Spectral
from ccec_econ.engine.transform import EffectsName, Method, demean

__all__ = ["Exchange", "exchange"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A model, and the columns that stay where others are exchanged.

    Attributes
    ----------
    posed : Estimate
        The model with its first columns, not yet maximised.
    error_weights : Spectrum or None
        M of an error model, in levels.
    at : tuple of int
        Positions of the q columns that change.
    basis : ndarray, shape (T * N, p)
        Orthonormal columns that span those that stay, y and Wy and, with errors lagged, their lags.
    kept : ndarray, shape (p, 1 or 2, K - q + 2)
        Columns that stay over their lengths, y and Wy in that basis, perhaps their lags.
    """

    posed: Estimate
    error_weights: Spectral | None
    at: tuple[int, ...]
    basis: NDArray[np.float64]
    kept: NDArray[np.float64]

    def fit(self, X: NDArray[np.float64]) -> Estimate:
        """Maximise the likelihood with other columns, raw, shape (T, N, q), at their positions.

        Raises
        ------
        IdentificationError, ConvergenceError
            As `estimate`.
        """
        posed, at = self.posed, list(self.at)
        within = _within(X, posed.effects, self.error_weights)
        new = within[:, :, 0]
        refuse_constant(X, new, tuple(posed.terms[j] for j in at), posed.effects)
        length = posed.triangle.length.copy()
        length[at] = np.linalg.norm(new, axis=(0, 1))
        changed = within / length[at]
        right = coordinates(self.basis, changed.reshape(len(self.basis), -1))
        p, parts, _ = self.kept.shape
        columns = np.zeros((len(right), parts, len(length) + 2))
        columns[:p, :, _others(len(length) + 2, at)] = self.kept
        columns[:, :, at] = right.reshape(-1, parts, len(at))
        R = np.linalg.qr(columns.reshape(len(right), -1), mode="r")
        Z = posed.Z.copy()
        Z[:, :, at] = new
        found = triangle(R, length, posed.terms, posed.reduction.nobs)
        return replace(posed, columns=Z, triangle=found).maximised()


def exchange(
    columns: Columns,
    at: Sequence[int],
    *,
    weights: Spectral | None,
    x_weights: Spectral | None,
    error_weights: Spectral | None,
    lag_y: bool,
    effects: EffectsName,
    method: Method,
) -> Exchange:
    """Reduce the columns of a model that stay when those at some positions change.

    Parameters
    ----------
    at : sequence of int
        Positions of the columns that change.
    columns, weights, x_weights, error_weights, lag_y, effects, method
        As in `estimate`.

    Raises
    ------
    IdentificationError
        As `pose`.
    """
    posed = pose(
        columns,
        weights=weights,
        x_weights=x_weights,
        error_weights=error_weights,
        lag_y=lag_y,
        effects=effects,
        method=method,
    )
    y = columns.y
    parts = [np.dstack([posed.columns, posed.y, posed.Wy])]
    if error_weights is not None:
        Wy = weights.lag(y) if lag_y and weights is not None else np.zeros_like(y)
        parts.append(demean(error_weights.lag(np.dstack([columns.X, y, Wy])), effects))
    length = np.append(posed.triangle.length, [1.0, 1.0])
    stay = _others(len(length), at)
    within = np.stack([part[:, :, stay] for part in parts], axis=2) / length[stay]
    basis, kept = np.linalg.qr(within.reshape(y.size, -1))
    return Exchange(posed, error_weights, tuple(at), basis, kept.reshape(-1, *within.shape[2:]))


def _within(
    raw: NDArray[np.float64], effects: EffectsName, error_weights: Spectral | None
) -> NDArray[np.float64]:
    """Columns (T, N, k), and their lags where errors are lagged, effects removed: (T, N, ., k)."""
    parts = [raw] if error_weights is None else [raw, error_weights.lag(raw)]
    return np.stack([demean(part, effects) for part in parts], axis=2)


def _others(size: int, at: Sequence[int]) -> NDArray[np.int64]:
    return np.setdiff1d(np.arange(size), at)
