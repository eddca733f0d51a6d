"""A spectrum made ready for many fits with the same weights.

Where W = V diag(w) V^-1 is well conditioned, the eigenvectors are kept. Then
G = W (I - rho W)^-1 = V diag(g) V^-1 with g = w / (1 - rho w), and

    tr G'G = g* K g,   K_ij = (V*V)_ij (V^-1 V^-1*)_ji,

take N^2 operations where a solution of linear equations takes N^3. Weights that are symmetric up
to a scale of the units, d_i w_ij = d_j w_ji, as those of borders and distances are, have
V = D^-1/2 Q with Q orthonormal. Eigenvectors of other weights, such as those of nearest neighbours,
can be badly conditioned; there tr GG + tr G'G is interpolated in rho.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.forms import Form, Implicit, dense, pair, pair_written
from ccec_econ.engine.smooth import Smooth
from ccec_econ.engine.spectrum import EigenSpectrum, Spectrum
from ccec_econ.engine.symmetric import log_scales

__all__ = ["EigenBasis", "EigenForm", "PreparedSpectrum", "eigen_basis", "prepared"]

type _Vectors = NDArray[np.complex128] | NDArray[np.float64]

_CONDITION = 1e4  # of eigenvectors above which they cost more digits than they save time


@dataclass(frozen=True, slots=True)
class EigenBasis:
    """W = right diag(values) left, left = right^-1.

    Attributes
    ----------
    values : ndarray, shape (N,)
    left, right : ndarray, shape (N, N)
        Real where W is symmetric up to a scale of the units.
    weight : ndarray, shape (N, N)
        K of the module's formula.
    """

    values: _Vectors
    left: _Vectors
    right: _Vectors
    weight: _Vectors


@dataclass(frozen=True, slots=True, eq=False)
class EigenForm(Implicit):
    """A = right diag(gains) left, its columns centred when projected."""

    basis: EigenBasis
    gains: _Vectors
    projected: bool

    def times(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Multiply the units of every period by A, columns of shape (T, N)."""
        out = (((columns @ self.basis.left.T) * self.gains) @ self.basis.right.T).real
        return out - out.mean(axis=1, keepdims=True) if self.projected else out

    def trace(self) -> float:
        """Trace of A."""
        whole = float(self.gains.sum().real)
        return whole - float(self._image().mean()) if self.projected else whole

    def pair(self, other: Form) -> float:
        """tr(AB) + tr(A'B)."""
        if not isinstance(other, EigenForm) or other.basis is not self.basis:
            return pair_written(self.dense(), dense(other))
        g, h = self.gains, other.gains
        crossed = float((g * h).sum().real)
        straight = float((g.conj() @ self.basis.weight @ h).real)
        if not self.projected:
            return crossed + straight
        common = float(self._mapped(other._image()).mean())
        means = float(self._sums() @ other._sums()) / len(g)
        return crossed - common + straight - means

    def dense(self) -> NDArray[np.float64]:
        """Write A out, shape (1, N, N)."""
        out = ((self.basis.right * self.gains) @ self.basis.left).real
        return (out - out.mean(axis=0) if self.projected else out)[None]

    def _image(self) -> NDArray[np.float64]:
        """Image of the ones vector, not centred, shape (N,)."""
        return self._mapped(np.ones(len(self.gains)))

    def _sums(self) -> NDArray[np.float64]:
        """Sum the columns, not centred: shape (N,)."""
        return ((self.basis.right.sum(axis=0) * self.gains) @ self.basis.left).real

    def _mapped(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return (self.basis.right @ (self.gains * (self.basis.left @ x))).real


@dataclass(frozen=True, slots=True, eq=False)
class SmoothForm(Implicit):
    """G where |rho| times the spectral radius is below one, never written out for its traces."""

    spectrum: PreparedSpectrum
    rho: float

    def times(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Multiply the units of every period by G, columns of shape (T, N)."""
        W = self.spectrum
        found = W.lag(W.solve(self.rho, columns))
        return found - found.mean(axis=1, keepdims=True) if W.projected else found

    def trace(self) -> float:
        """Trace of G."""
        return self.spectrum.trace_G(self.rho)

    def pair(self, other: Form) -> float:
        """tr(AB) + tr(A'B): interpolated for a form and itself."""
        if other is self:
            return float(self.spectrum.pairs(self.rho))
        return pair_written(self.dense(), dense(other))

    def dense(self) -> NDArray[np.float64]:
        """Write G out, shape (1, N, N)."""
        return EigenSpectrum.form(self.spectrum, self.rho)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PreparedSpectrum(EigenSpectrum):
    """All eigenvalues, with eigenvectors or interpolated traces beside them.

    Attributes
    ----------
    plain : EigenSpectrum
        The spectrum that was prepared.
    basis : EigenBasis or None
        None where the eigenvectors are badly conditioned.
    pairs : Smooth
        tr GG + tr G'G by rho.
    """

    plain: EigenSpectrum
    basis: EigenBasis | None
    pairs: Smooth

    def project(self) -> PreparedSpectrum:
        """Leave out the eigenvalue nearest to one."""
        return _prepared(self.plain.project(), self.basis, self.pairs.radius)

    def unprojected(self) -> PreparedSpectrum:
        """Spectrum of W itself."""
        return _prepared(self.plain.unprojected(), self.basis, self.pairs.radius)

    def exchanged(self, order: NDArray[np.int64]) -> PreparedSpectrum:
        """Spectrum with units in another order: what is kept is made again."""
        return _ready(self.plain.exchanged(order))

    def lag(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Lag columns of shape (T, N) or (T, N, K)."""
        return self.plain.lag(columns)

    def solve(self, rho: float, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """(I - rho W)^-1 times the units of every period, columns of shape (T, N)."""
        return self.plain.solve(rho, columns)

    def form(self, rho: float) -> Form:  # type: ignore[override]
        """G by the eigenvectors, by interpolated traces, or written out."""
        if self.basis is not None:
            gains = self.basis.values / (1.0 - rho * self.basis.values)
            return EigenForm(self.basis, gains, self.projected)
        if abs(rho) * self.pairs.radius < 1.0:
            return SmoothForm(self, rho)
        return EigenSpectrum.form(self, rho)


def prepared(weights: Spectrum) -> Spectrum:
    """Prepare a spectrum by eigenvalues; others are as quick as they can be.

    Examples
    --------
    >>> from ccec_econ.engine.spectrum import spectrum
    >>> ready = prepared(spectrum(np.array([[0.0, 1.0, 0.0], [0.5, 0.0, 0.5], [0.0, 1.0, 0.0]])))
    >>> round(float(ready.form(0.5).trace()), 6), round(ready.trace_G(0.5), 6)
    (1.333333, 1.333333)
    """
    if isinstance(weights, PreparedSpectrum) or not isinstance(weights, EigenSpectrum):
        return weights
    return _ready(weights)


def eigen_basis(W: NDArray[np.float64]) -> EigenBasis | None:
    """Eigenvectors of W, shape (N, N); None where they are badly conditioned."""
    log_scale = log_scales(W)
    if log_scale is not None:
        scale = np.exp(0.5 * log_scale)
        values, Q = np.linalg.eigh(scale[:, None] * W / scale)
        return _basis(values, Q.T * scale, Q / scale[:, None])
    found, right = np.linalg.eig(W)
    if np.linalg.cond(right) > _CONDITION:
        return None
    return _basis(found, np.linalg.inv(right), right)


def _ready(plain: EigenSpectrum) -> PreparedSpectrum:
    radius = float(np.abs(plain.unprojected().eigenvalues).max())
    return _prepared(plain, eigen_basis(plain.W), radius)


def _prepared(plain: EigenSpectrum, basis: EigenBasis | None, radius: float) -> PreparedSpectrum:
    return PreparedSpectrum(
        plain.W,
        plain.eigenvalues,
        plain.interval,
        plain.projected,
        plain=plain,
        basis=basis,
        pairs=Smooth(_Pair(plain), radius),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """tr GG + tr G'G at one value of rho."""

    spectrum: EigenSpectrum

    def __call__(self, rho: float) -> NDArray[np.float64]:
        G = self.spectrum.form(rho)
        return np.asarray(pair(G, G))


def _basis(values: _Vectors, left: _Vectors, right: _Vectors) -> EigenBasis:
    weight = (right.conj().T @ right) * (left @ left.conj().T).T
    return EigenBasis(values, left, right, weight)
