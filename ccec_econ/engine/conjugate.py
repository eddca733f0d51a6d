"""Forms of a model with both lags: G seen through the filter of the errors, R G R^-1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.forms import Form, Implicit, applied, dense, pair_written, trace
from ccec_econ.engine.sparse_weights import SparseWeights
from ccec_econ.engine.spectrum import Spectral

__all__ = ["Conjugate", "conjugated"]


@dataclass(frozen=True, slots=True, eq=False)
class Conjugate(Implicit):
    """R G R^-1 with R = I - lam M, neither written out; R^-1 = I + lam H with H = M R^-1.

    Attributes
    ----------
    inner, H : Form
        G and H.
    error : SparseWeights
        M.
    lam : float
    """

    inner: Form
    H: Form
    error: SparseWeights
    lam: float

    def times(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """R G R^-1 times the units of every period, columns of shape (T, N)."""
        moved = applied(self.inner, columns + self.lam * applied(self.H, columns))
        found = moved - self.lam * self.error.lag(moved)
        return found - found.mean(axis=1, keepdims=True) if self.error.projected else found

    def trace(self) -> float:
        """Trace of G."""
        return trace(self.inner)

    def pair(self, other: Form) -> float:
        """tr(AB) + tr(A'B), both written out."""
        return pair_written(self.dense(), dense(other))

    def dense(self) -> NDArray[np.float64]:
        """Write it out, shape (1, N, N)."""
        return self.error.conjugate(self.lam, dense(self.inner)[0])[None]


def conjugated(W: Spectral, rho: float, M: Spectral, lam: float) -> Form:
    """R G R^-1 with G = W (I - rho W)^-1 and R = I - lam M; of large weights not written out."""
    if isinstance(W, SparseWeights) and isinstance(M, SparseWeights) and not W.written:
        return Conjugate(W.form(rho), M.form(lam), M, lam)
    A = M.conjugate(lam, W.G(rho))
    return A.reshape(-1, *A.shape[-2:])
