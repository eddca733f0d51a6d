"""Eigenvalues of the weights: log-determinants and the traces that go with them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ccec_econ.errors import IdentificationError

__all__ = ["Spectral", "Spectrum", "SpectrumPath", "spectrum"]

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

    def lag(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Lag columns of shape (T, N) or (T, N, K): W times the units of every period."""
        return np.asarray(np.einsum("ij,tj...->ti...", self.W, columns))

    def solve(self, rho: float, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """(I - rho W)^-1 times the units of every period, columns of shape (T, N)."""
        return np.asarray(np.linalg.solve(np.eye(len(self.W)) - rho * self.W, columns.T).T)

    def logdet(self, rho: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """log|I - rho W|, for one value of rho or an array of them."""
        return np.log(np.abs(1.0 - np.multiply.outer(rho, self.eigenvalues))).sum(axis=-1)

    def trace_G(self, rho: float) -> float:
        """Trace of G, G = W (I - rho W)^-1."""
        return float(self.traces_G(np.array(rho)))

    def traces_G(self, rho: NDArray[np.float64]) -> NDArray[np.float64]:
        """Trace of G at every value of rho."""
        w = self.eigenvalues
        return np.asarray((w / (1.0 - np.multiply.outer(rho, w))).sum(axis=-1).real)

    def G(self, rho: float) -> NDArray[np.float64]:
        """W (I - rho W)^-1, shape (N, N); columns centred when projected."""
        return self.centre(np.linalg.solve((np.eye(len(self.W)) - rho * self.W).T, self.W.T).T)

    def conjugate(self, lam: float, A: NDArray[np.float64]) -> NDArray[np.float64]:
        """R A R^-1 with R = I - lam W, A of shape (N, N); columns centred when projected."""
        R = np.eye(len(A)) - lam * self.W
        return self.centre(R @ np.linalg.solve(R.T, A.T).T)

    def centre(self, A: NDArray[np.float64]) -> NDArray[np.float64]:
        """Represent F'AF by JA, J = I - ii'/N, when projected; A itself otherwise.

        For A that maps the ones vector to a multiple of itself, products and traces of F'AF are
        those of JA.
        """
        return A - A.mean(axis=0) if self.projected else A


@dataclass(frozen=True, slots=True)
class SpectrumPath:
    """Spectra of weights that change from period to period, one per period.

    Answers what the likelihood asks of a `Spectrum` with means over the periods, so that T times
    a log-determinant is the sum over periods.

    Attributes
    ----------
    each : tuple of Spectrum
        T spectra, in the order of the periods.
    """

    each: tuple[Spectrum, ...]

    @property
    def W(self) -> NDArray[np.float64]:
        """No single matrix: refuse what needs one."""
        raise IdentificationError(
            "the weights change over time and this needs one matrix for all periods; fit the model "
            "with constant weights."
        )

    @property
    def projected(self) -> bool:
        """Whether the unit root left with time effects."""
        return self.each[0].projected

    @property
    def interval(self) -> tuple[float, float]:
        """Where I - rho W is non-singular in every period."""
        return max(s.interval[0] for s in self.each), min(s.interval[1] for s in self.each)

    def project(self) -> SpectrumPath:
        """Project every period's weights."""
        return SpectrumPath(tuple(s.project() for s in self.each))

    def identifies(self) -> bool:
        """Whether some period's weights give the likelihood curvature in rho."""
        return any(s.identifies() for s in self.each)

    def lag(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Lag columns of shape (T, N) or (T, N, K) by each period's own weights."""
        return np.stack([s.W @ part for s, part in zip(self.each, columns, strict=True)])

    def solve(self, rho: float, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """(I - rho W_t)^-1 times the units of every period, columns of shape (T, N)."""
        return np.stack(
            [s.solve(rho, part[None])[0] for s, part in zip(self.each, columns, strict=True)]
        )

    def logdet(self, rho: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean of log|I - rho W_t|."""
        return np.mean([s.logdet(rho) for s in self.each], axis=0)

    def trace_G(self, rho: float) -> float:
        """Mean trace of G_t."""
        return float(np.mean([s.trace_G(rho) for s in self.each]))

    def G(self, rho: float) -> NDArray[np.float64]:
        """W_t (I - rho W_t)^-1, shape (T, N, N); columns centred when projected."""
        return np.stack([s.G(rho) for s in self.each])

    def conjugate(self, lam: float, A: NDArray[np.float64]) -> NDArray[np.float64]:
        """R_t A_t R_t^-1 with R_t = I - lam W_t, A of shape (T, N, N); centred when projected."""
        return np.stack([s.conjugate(lam, part) for s, part in zip(self.each, A, strict=True)])


type Spectral = Spectrum | SpectrumPath


def spectrum(W: NDArray[np.float64]) -> Spectrum:
    """Decompose a dense weights matrix of shape (N, N)."""
    values = np.linalg.eigvals(W).astype(np.complex128)
    radius = float(np.abs(values).max())
    real = values.real[np.abs(values.imag) < _ROUNDING * radius]
    lowest, highest = float(real.min(initial=0.0)), float(real.max(initial=0.0))
    lower = 1.0 / lowest if lowest < -_ROUNDING * radius else -1.0 / radius
    upper = 1.0 / highest if highest > _ROUNDING * radius else 1.0 / radius
    return Spectrum(W, values, (max(lower, -len(W) / radius), upper), projected=False)
