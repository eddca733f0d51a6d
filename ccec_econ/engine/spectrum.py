"""Eigenvalues of the weights: log-determinants and the traces that go with them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Spectrum", "spectrum"]

_REAL = 1e-9  # imaginary part below which an eigenvalue counts as real


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Spectrum of a weights matrix, or of its projection F'WF off the ones vector.

    Attributes
    ----------
    W : ndarray, shape (N, N)
    eigenvalues : ndarray of complex, shape (N,) or (N - 1,)
        Conjugate pairs included: dropping imaginary parts is wrong for asymmetric weights.
    interval : tuple of float
        Open interval of rho on which I - rho W is non-singular around rho = 0.
    projected : bool
        Whether one unit eigenvalue was taken out, as time effects removed by F do.
    """

    W: NDArray[np.float64]
    eigenvalues: NDArray[np.complex128]
    interval: tuple[float, float]
    projected: bool

    def project(self) -> Spectrum:
        """Spectrum of F'WF for row-standardised W: |F'(I - rho W)F| = |I - rho W| / (1 - rho).

        The interval of rho stays that of W, because the model in levels needs it.
        """
        unit = int(np.argmin(np.abs(self.eigenvalues - 1.0)))
        return Spectrum(self.W, np.delete(self.eigenvalues, unit), self.interval, True)

    def logdet(self, rho: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """log|I - rho W|, for one value of rho or an array of them."""
        return np.log(np.abs(1.0 - np.multiply.outer(rho, self.eigenvalues))).sum(axis=-1)

    def trace_G(self, rho: float) -> float:
        """Trace of G, G = W (I - rho W)^-1."""
        return float((self.eigenvalues / (1.0 - rho * self.eigenvalues)).sum().real)

    def trace_GG(self, rho: float) -> float:
        """Trace of G squared."""
        return float(((self.eigenvalues / (1.0 - rho * self.eigenvalues)) ** 2).sum().real)

    def G(self, rho: float) -> NDArray[np.float64]:
        """W (I - rho W)^-1, shape (N, N); columns centred when projected."""
        G = np.linalg.solve((np.eye(len(self.W)) - rho * self.W).T, self.W.T).T
        return G - G.mean(axis=0) if self.projected else G


def spectrum(W: NDArray[np.float64]) -> Spectrum:
    """Decompose a dense weights matrix of shape (N, N)."""
    values = np.linalg.eigvals(W).astype(np.complex128)
    real = values.real[np.abs(values.imag) < _REAL]
    radius = float(np.abs(values).max())
    lowest = float(real.min(initial=0.0))
    highest = float(real.max(initial=0.0))
    lower = 1.0 / lowest if lowest < -_REAL else -1.0 / radius
    upper = 1.0 / highest if highest > _REAL else 1.0 / radius
    return Spectrum(W, values, (lower, upper), projected=False)
