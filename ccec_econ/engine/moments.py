"""One pass over the data: long columns become the triangular factor of a QR decomposition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from ccec_econ.errors import IdentificationError, first_five

__all__ = ["Moments", "reduce_columns"]

_DEPENDENT = 1e-10  # share of a column's length left after the columns before it


@dataclass(frozen=True, slots=True)
class Moments:
    """All that the likelihoods need of y, Wy and Z after the effects were removed.

    Attributes
    ----------
    R : ndarray, shape (K, K)
        Upper triangular, Z'Z = R'R.
    ry, rw : ndarray, shape (K,)
        Q'y and Q'Wy, so that the least-squares coefficients solve R d = ry - rho rw.
    e00, e01, e11 : float
        Inner products of the residuals e0 of y and e1 of Wy on Z.
    """

    R: NDArray[np.float64]
    ry: NDArray[np.float64]
    rw: NDArray[np.float64]
    e00: float
    e01: float
    e11: float

    def coefficients(self, rho: float) -> NDArray[np.float64]:
        """Least-squares coefficients of y - rho Wy on Z, shape (K,)."""
        return np.asarray(solve_triangular(self.R, self.ry - rho * self.rw))

    def sse(self, rho: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum of squares e0'e0 - 2 rho e0'e1 + rho^2 e1'e1."""
        return np.asarray(self.e00 - 2.0 * rho * self.e01 + rho * rho * self.e11)


def reduce_columns(
    Z: NDArray[np.float64],
    y: NDArray[np.float64],
    Wy: NDArray[np.float64],
    terms: tuple[str, ...],
) -> Moments:
    """Reduce transformed columns Z (nobs, K), y and Wy (nobs,) to moments.

    Raises
    ------
    IdentificationError
        If a column of Z depends linearly on the others; both sides are named.
    """
    K = Z.shape[1]
    if len(Z) <= K:
        raise IdentificationError(
            f"{K} coefficients on {len(Z)} observations; use fewer terms than observations."
        )
    length = np.linalg.norm(Z, axis=0)
    R = np.linalg.qr(np.column_stack([Z / length, y, Wy]), mode="r")
    _refuse_dependent(R[:K, :K], terms)
    ryy, ryw, rww = R[K, K], R[K, K + 1], R[K + 1, K + 1] if len(R) > K + 1 else 0.0
    return Moments(
        R=R[:K, :K] * length,
        ry=R[:K, K],
        rw=R[:K, K + 1],
        e00=float(ryy**2),
        e01=float(ryy * ryw),
        e11=float(ryw**2 + rww**2),
    )


def _refuse_dependent(R: NDArray[np.float64], terms: tuple[str, ...]) -> None:
    dependent = np.flatnonzero(np.abs(np.diag(R)) < _DEPENDENT)
    if not len(dependent):
        return
    j = int(dependent[0])
    weights = np.linalg.lstsq(R[:j, :j], R[:j, j], rcond=None)[0] if j else np.zeros(0)
    partners = [terms[i] for i in np.flatnonzero(np.abs(weights) > 1e-6)]
    raise IdentificationError(
        f"term {terms[j]!r} is a linear combination of {first_five(partners)} "
        "once the effects are removed; drop one of them."
    )
