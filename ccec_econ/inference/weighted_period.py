"""Weights of one period and what they do to multipliers, without matrices where averages allow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.sparse_weights import SparseWeights
from ccec_econ.engine.spectrum import Spectrum
from ccec_econ.inference.multipliers import OnEigenvalues, OnMatrices, Reach, multipliers

__all__ = ["Period", "Reduction", "averages", "matrix"]

type _Weights = Spectrum | NDArray[np.float64]
type Reduction = Callable[[NDArray[Any], NDArray[np.float64] | None], NDArray[Any]]


def averages(f: NDArray[Any], X: NDArray[np.float64] | None) -> NDArray[Any]:
    """Mean diagonal and mean row sum of f, or of fX: shape (..., 2)."""
    if X is None:
        parts = [np.einsum("...ii->...", f), f.sum(axis=(-2, -1))]
    else:
        parts = [np.einsum("...ij,ji->...", f, X), f.sum(axis=-2) @ X.sum(axis=1)]
    return np.asarray(np.stack(parts, axis=-1) / f.shape[-1])


def matrix(f: NDArray[Any], X: NDArray[np.float64] | None) -> NDArray[Any]:
    """All elements of f, or of fX, by rows: shape (..., N * N)."""
    product: NDArray[Any] = f if X is None else f @ X
    return product.reshape(*f.shape[:-2], -1)


@dataclass(frozen=True, slots=True)
class Period:
    """Weights of one period, or of all.

    Attributes
    ----------
    N : int
    own : tuple
        W_k, one per rho_k; empty without a lag of y.
    lagging : tuple
        X_m; empty where no regressor is lagged.
    eigenvalues : ndarray of complex, optional
        Of the one row-standardised matrix behind response and regressors, where there is one:
        averages then need no matrices.
    traces : SparseWeights, optional
        The same for weights too many for eigenvalues: short-run averages need traces of G alone.
    """

    N: int
    own: tuple[_Weights, ...]
    lagging: tuple[_Weights, ...]
    eigenvalues: NDArray[np.complex128] | None = None
    traces: SparseWeights | None = None

    @property
    def response(self) -> tuple[NDArray[np.float64], ...]:
        """Weights of the response written out, each (N, N)."""
        return tuple(_written(part) for part in self.own)

    @property
    def regressors(self) -> tuple[NDArray[np.float64], ...]:
        """Weights of the regressors written out, each (N, N)."""
        return tuple(_written(part) for part in self.lagging)

    def reduced(
        self,
        reduction: Reduction,
        parameters: tuple[NDArray[Any], NDArray[Any], NDArray[Any]],
        reach: Reach,
        *,
        slopes: bool,
    ) -> NDArray[np.float64]:
        """Reduce f and every f X_m, and their slopes: shape (levels, 1 + J, D, 1 + M, R).

        Parameters are rho (D, p), tau and eta, as in `multipliers`.
        """
        if self._traced(reduction, reach) and self.traces is not None:
            return self._by_traces(self.traces, parameters[0], slopes=slopes)
        values = self._roots(reduction)
        if values is not None:
            w = np.append(values, 1.0)  # the ones vector is an eigenvector
            space = OnEigenvalues(np.ones_like(w), (w,) * len(self.own))
            f = multipliers(space, *parameters, reach, slopes=slopes)
            every = [f, *(f * w for _ in self.lagging)]
            parts = [[e.real[..., :-1].mean(axis=-1), e.real[..., -1]] for e in every]
            return np.moveaxis(np.array(parts), (0, 1), (-2, -1))
        matrices = OnMatrices(np.eye(self.N), self.response)
        f = multipliers(matrices, *parameters, reach, slopes=slopes)
        return np.stack([reduction(f, X) for X in (None, *self.regressors)], axis=-2)

    def _by_traces(
        self, weights: SparseWeights, rho: NDArray[Any], *, slopes: bool
    ) -> NDArray[np.float64]:
        """Averages of S = I + rho G and S W = G, W row-standardised, and their slopes in rho."""
        r = rho[:, 0] if rho.shape[1] else np.zeros(len(rho))
        G, GG = weights.traces_G(r) / self.N, weights.traces_GG(r) / self.N
        ones = 1.0 / (1.0 - r)
        S = [[1.0 + r * G, ones], [G + r * GG, ones**2]]
        SW = [[G, ones], [GG, ones**2]]
        every = np.array([S, *(SW for _ in self.lagging)])  # (1 + M, value or slope, R, D)
        levels = every[:, : 1 + (slopes and rho.shape[1])]
        return np.moveaxis(levels, (1, 3, 0, 2), (0, 1, 2, 3))[None]

    def _traced(self, reduction: Reduction, reach: Reach) -> bool:
        """Whether traces of G answer: short-run averages, not split by order."""
        plain = reach.horizon == "short" and reach.orders is None
        return self.traces is not None and reduction is averages and plain

    def _roots(self, reduction: Reduction) -> NDArray[np.complex128] | None:
        """Eigenvalues behind averages, those of sparse weights made when asked for."""
        if reduction is not averages:
            return None
        return self.eigenvalues if self.traces is None else self.traces.eigenvalues

    def size(self, reduction: Reduction, reach: Reach) -> int:
        """Numbers per multiplier."""
        if self._traced(reduction, reach):
            return 1
        return self.N if self._roots(reduction) is not None else self.N**2


def _written(weights: _Weights) -> NDArray[np.float64]:
    return weights.W if isinstance(weights, Spectrum) else weights
