"""One reduction behind many models: columns of one sample, of which each model takes some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.estimate import Columns, Estimate, refuse_gone
from ccec_econ.engine.likelihood import Likelihood
from ccec_econ.engine.moments import Triangle, coordinates
from ccec_econ.engine.spectrum import Spectrum
from ccec_econ.engine.transform import EffectsName, Reduction, demean, reduction

__all__ = ["Pool", "pool", "without_columns"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Columns of one response and sample, effects removed, and their triangle.

    Columns may depend on each other or vanish with the effects: only a model that takes them is
    refused.

    Attributes
    ----------
    y, Wy : ndarray, shape (T, N)
    Z : ndarray, shape (T, N, P)
    terms, lag_of : tuple
        As in `Columns`.
    size, left : ndarray, shape (1 + P,)
        Lengths of the response and of every column before and after the effects were removed.
    weights : Spectrum or None
        W in levels, of the response, the regressors and the errors alike.
    spectrum : Spectrum or None
        W as it is in the likelihood.
    effects, reduction
        As in `Estimate`.
    basis : ndarray, shape (T * N, p)
        Orthonormal columns that span Z and, with errors lagged, WZ.
    factor : ndarray, shape (p, P or 2P)
        Columns of Z over their lengths, perhaps of WZ, in that basis.
    triangle : Triangle
    lag_u : bool
        Whether lags of all columns were kept, for errors lagged in space.
    """

    y: NDArray[np.float64]
    Wy: NDArray[np.float64]
    Z: NDArray[np.float64]
    terms: tuple[str, ...]
    lag_of: tuple[str | None, ...]
    size: NDArray[np.float64]
    left: NDArray[np.float64]
    weights: Spectrum | None
    spectrum: Spectrum | None
    effects: EffectsName
    reduction: Reduction
    basis: NDArray[np.float64]
    factor: NDArray[np.float64]
    triangle: Triangle
    lag_u: bool

    def fit(self, kept: Sequence[int], *, lag_y: bool, lag_u: bool) -> Estimate:
        """Maximise the likelihood of a model with some of the columns.

        Raises
        ------
        IdentificationError
            If one of its columns, or the response, does not vary once the effects are removed,
            columns are dependent, or the weights leave the likelihood flat.
        ConvergenceError
            If rho or lam ends at its border.
        """
        at = list(kept)
        terms = tuple(self.terms[j] for j in at)
        lengths = [0, *(j + 1 for j in at)]
        refuse_gone(self.size[lengths], self.left[lengths], ("the response", *terms), self.effects)
        size = self.reduction
        found = self.triangle.subset(at, terms, size.nobs, lag_y=lag_y, lag_u=lag_u)
        spectrum, error = self.spectrum if lag_y else None, self.spectrum if lag_u else None
        best, *others = Likelihood(found, spectrum, error, size.nobs, size.periods).maxima()
        return Estimate(
            y=self.y,
            Wy=self.Wy if lag_y else np.zeros_like(self.y),
            columns=self.Z,
            kept=tuple(at),
            terms=terms,
            lag_of=tuple(self.lag_of[j] for j in at),
            weights=self.weights if lag_y else None,
            x_weights=self.weights,
            spectrum=spectrum,
            error=error,
            effects=self.effects,
            method="transformation",
            reduction=size,
            triangle=found,
            optimum=best,
            others=tuple(others),
        )

    def responding(self, y: NDArray[np.float64]) -> Pool:
        """Exchange the response for another, (T, N), of the same sample."""
        W, shape = self.weights, y.size
        Wy = np.zeros_like(y) if W is None else W.lag(y)
        raw = [y, Wy]
        if self.lag_u and W is not None:
            raw += [Wy, W.lag(Wy)]
        within = demean(np.stack(raw, axis=2), self.effects)
        right = coordinates(self.basis, within.reshape(shape, -1))
        P, more = len(self.terms), len(right) - len(self.factor)
        below = np.zeros((more, self.factor.shape[1]))
        left = np.vstack([self.factor, below])
        own = np.hstack([left[:, :P], right[:, :2]])
        lagged = np.hstack([left[:, P:], right[:, 2:]]) if self.lag_u else np.zeros_like(own)
        sizes, lefts = self.size.copy(), self.left.copy()
        sizes[0], lefts[0] = np.linalg.norm(y), np.linalg.norm(within[:, :, 0])
        return replace(
            self,
            y=within[:, :, 0],
            Wy=within[:, :, 1],
            size=sizes,
            left=lefts,
            triangle=Triangle(own, lagged, self.triangle.length),
        )


def pool(
    columns: Columns, *, weights: Spectrum | None, effects: EffectsName, lag_u: bool = False
) -> Pool:
    """Reduce all columns of a sample.

    Parameters
    ----------
    weights : Spectrum, optional
        W in levels; row-standardised where there are time effects.
    lag_u : bool
        Whether to keep the lags of all columns, for errors lagged in space.
    """
    y, X = columns.y, columns.X
    T, N, P = X.shape
    size = reduction(effects, "transformation", T, N)
    Z = demean(X, effects)
    left = np.linalg.norm(Z.reshape(-1, P), axis=0)
    length = np.where(left > 0.0, left, 1.0)
    parts = [Z / length]
    errors = lag_u and weights is not None
    if errors and weights is not None:
        parts.append(demean(weights.lag(X), effects) / length)
    basis, factor = np.linalg.qr(np.concatenate(parts, axis=2).reshape(T * N, -1))
    projected = weights.project() if weights is not None and size.projected else weights
    none = np.zeros((0, P + 2))
    empty = Pool(
        y=y,
        Wy=y,
        Z=Z,
        terms=columns.terms,
        lag_of=columns.lag_of,
        size=np.concatenate([[0.0], np.linalg.norm(X.reshape(-1, P), axis=0)]),
        left=np.concatenate([[0.0], left]),
        weights=weights,
        spectrum=projected,
        effects=effects,
        reduction=size,
        basis=basis,
        factor=factor,
        triangle=Triangle(none, none, length),
        lag_u=errors,
    )
    return empty.responding(y)


def without_columns(fit: Estimate, dropped: Sequence[int]) -> Estimate:
    """Maximise the likelihood of a fit again without some of its columns, from its triangle.

    Raises
    ------
    IdentificationError, ConvergenceError
        As a first fit would.
    """
    kept = [j for j in range(len(fit.terms)) if j not in set(dropped)]
    terms = tuple(fit.terms[j] for j in kept)
    rest = replace(
        fit,
        kept=tuple(kept if fit.kept is None else [fit.kept[j] for j in kept]),
        terms=terms,
        lag_of=tuple(fit.lag_of[j] for j in kept),
        triangle=fit.triangle.subset(kept, terms, fit.reduction.nobs),
        uncorrected=None,
    )
    return rest.maximised()
