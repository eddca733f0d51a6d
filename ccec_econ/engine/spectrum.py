"""Eigenvalues of the weights: log-determinants and the traces that go with them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Spectrum", "spectrum"]

# Eigenvalues of defective matrices come out with errors of about the square root of machine
# precision: closer to the real axis, or to zero, than this share of the radius counts as on it.
_ROUNDING = 1e-6
_EQUAL = 1e-3  # share of F'WF that may differ from a multiple of the identity and not identify rho


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Spectrum of a weights matrix, or of its projection F'WF off the ones vector.

    Attributes
    ----------
    W : ndarray, shape (N, N)
    eigenvalues : ndarray of complex, shape (N,) or (N - 1,)
        Conjugate pairs included: dropping imaginary parts is wrong for asymmetric weights.
    interval : tuple of float
        Open interval of rho around zero on which I - rho W is non-singular. Where no real
        eigenvalue is negative it ends at minus the reciprocal radius, and never below -N.
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

    def identifies(self) -> bool:
        """Whether the likelihood has curvature in rho.

        It has none where F'WF is a multiple of the identity, as with equal weights for all pairs:
        I - rho F'WF then only rescales the data.
        """
        W = self.W - self.W.mean(axis=0) if self.projected else self.W
        J = np.eye(len(W)) - (1.0 / len(W) if self.projected else 0.0)
        multiple = np.trace(W) / np.trace(J)
        return bool(np.linalg.norm(W - multiple * J) > _EQUAL * np.linalg.norm(W))

    def logdet(self, rho: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """log|I - rho W|, for one value of rho or an array of them."""
        return np.log(np.abs(1.0 - np.multiply.outer(rho, self.eigenvalues))).sum(axis=-1)

    def trace_G(self, rho: float) -> float:
        """Trace of G, G = W (I - rho W)^-1."""
        return float((self.eigenvalues / (1.0 - rho * self.eigenvalues)).sum().real)

    def G(self, rho: float) -> NDArray[np.float64]:
        """W (I - rho W)^-1, shape (N, N); columns centred when projected."""
        return self.centre(np.linalg.solve((np.eye(len(self.W)) - rho * self.W).T, self.W.T).T)

    def centre(self, A: NDArray[np.float64]) -> NDArray[np.float64]:
        """Represent F'AF by JA, J = I - ii'/N, when projected; A itself otherwise.

        For A that maps the ones vector to a multiple of itself, products and traces of F'AF are
        those of JA.
        """
        return A - A.mean(axis=0) if self.projected else A


def spectrum(W: NDArray[np.float64]) -> Spectrum:
    """Decompose a dense weights matrix of shape (N, N)."""
    values = np.linalg.eigvals(W).astype(np.complex128)
    radius = float(np.abs(values).max())
    real = values.real[np.abs(values.imag) < _ROUNDING * radius]
    lowest, highest = float(real.min(initial=0.0)), float(real.max(initial=0.0))
    lower = 1.0 / lowest if lowest < -_ROUNDING * radius else -1.0 / radius
    upper = 1.0 / highest if highest > _ROUNDING * radius else 1.0 / radius
    return Spectrum(W, values, (max(lower, -len(W) / radius), upper), projected=False)
