"""One pass over the data: long columns become the triangular factor of a QR decomposition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ccec_econ.errors import IdentificationError, first_five

__all__ = ["Moments", "Triangle", "coordinates", "moments", "reduce_columns", "triangle"]

_DEPENDENT = 1e-10  # share of a column's length left after the columns before it
_EXACT = 1e-12  # share of the response's length that a fit may leave and still count as a fit


@dataclass(frozen=True, slots=True)
class Moments:
    """All that the likelihood of rho needs of y, Wy and Z after effects (and lam) were removed.

    Attributes
    ----------
    R : ndarray, shape (K, K)
        Upper triangular, Z'Z = R'R.
    ry, rw : ndarray, shape (K,)
        Q'y and Q'Wy, so that the least-squares coefficients solve R d = ry - rho rw.
    corner : ndarray, shape (2, 2)
        Triangular factor of the residuals of y and Wy on Z.
    """

    R: NDArray[np.float64]
    ry: NDArray[np.float64]
    rw: NDArray[np.float64]
    corner: NDArray[np.float64]

    def coefficients(self, rho: float) -> NDArray[np.float64]:
        """Least-squares coefficients of y - rho Wy on Z, shape (K,)."""
        return np.asarray(np.linalg.solve(self.R, self.ry - rho * self.rw))

    def sse(self, rho: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum of squared residuals of y - rho Wy on Z: a parabola in rho."""
        (a, b), (_, c) = self.corner
        return np.asarray((a - rho * b) ** 2 + (rho * c) ** 2)

    def sse_slope(self, rho: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """Slope of the sum of squares with respect to rho."""
        (a, b), (_, c) = self.corner
        return np.asarray(-2.0 * b * (a - rho * b) + 2.0 * rho * c**2)


@dataclass(frozen=True, slots=True)
class Triangle:
    """Triangular factor of the columns [Z, y, Wy] and, for error models, of their lags by M.

    Attributes
    ----------
    own, lagged : ndarray, shape (rows, K + 2)
        Columns in the coordinates of one orthonormal basis, so that any combination
        own - lam * lagged keeps all inner products. `lagged` is zero without an error model.
    length : ndarray, shape (K,)
        Scale taken off the columns of Z.
    """

    own: NDArray[np.float64]
    lagged: NDArray[np.float64]
    length: NDArray[np.float64]
    _own: list[Moments] = field(init=False, repr=False, compare=False, default_factory=list)

    def at(self, lam: float) -> Moments:
        """Moments of the columns filtered by I - lam M; remembered where lam is zero."""
        if lam:
            return moments(np.linalg.qr(self.own - lam * self.lagged, mode="r"), self.length)
        if not self._own:
            self._own.append(moments(np.linalg.qr(self.own, mode="r"), self.length))
        return self._own[0]

    def along(
        self, lam: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """R (P, K, K), Q'y (P, K) and the sum of squares (P,) without rho, at P values of lam."""
        K = len(self.length)
        columns = self.own[None] - lam[:, None, None] * self.lagged[None]
        R = np.linalg.qr(columns[:, :, : K + 1], mode="r")
        return R[:, :K, :K] * self.length, R[:, :K, K], R[:, K, K] ** 2

    def slopes(self, lam: NDArray[np.float64]) -> NDArray[np.float64]:
        """V'Mu / v'v without rho, coefficients fitted at every lam, shape (P,)."""
        R, ry, _ = self.along(lam)
        d = np.linalg.solve(R, ry[..., None])[..., 0]
        c = np.column_stack([-d * self.length, np.ones(len(lam))])
        lagged = c @ self.lagged[:, :-1].T
        v = c @ self.own[:, :-1].T - lam[:, None] * lagged
        return np.asarray((lagged * v).sum(axis=1) / (v * v).sum(axis=1))

    def joined(self, rows: NDArray[np.float64], target: NDArray[np.float64]) -> Triangle:
        """Add observations that no lag reaches: rows (q, K) of Z with responses `target` (q,)."""
        more = np.column_stack([rows / self.length, target, np.zeros(len(target))])
        lagged = np.vstack([self.lagged, np.zeros_like(more)])
        return Triangle(np.vstack([self.own, more]), lagged, self.length)

    def subset(
        self,
        kept: Sequence[int],
        terms: tuple[str, ...],
        nobs: int,
        *,
        lag_y: bool = True,
        lag_u: bool = True,
    ) -> Triangle:
        """Reduce further to some columns of Z, perhaps without Wy or without the lags by M.

        Parameters
        ----------
        kept : sequence of int
            Positions among the K columns, in the order wanted.
        terms : tuple of str
            Labels of the columns kept.
        nobs : int
            As in `reduce_columns`.

        Raises
        ------
        IdentificationError
            As `reduce_columns`.
        """
        K = len(self.length)
        at = [*kept, K, K + 1]
        columns = self.own[:, at]
        if not lag_y:
            columns[:, -1] = 0.0
        if lag_u and self.lagged.any():
            lags = self.lagged[:, at]
            if not lag_y:
                lags[:, -1] = 0.0
            columns = np.hstack([columns, lags])
        return triangle(np.linalg.qr(columns, mode="r"), self.length[list(kept)], terms, nobs)

    def residuals(
        self, lam: float, rho: float, coefficients: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Innovations (I - lam M) u and lags M u of u = y - rho Wy - Z d, in the same basis."""
        c = np.concatenate([-coefficients * self.length, [1.0, -rho]])
        lag = self.lagged @ c
        return self.own @ c - lam * lag, lag


def moments(R: NDArray[np.float64], length: NDArray[np.float64]) -> Moments:
    """Read moments off the triangular factor of [Z / length, y, Wy]."""
    K = len(length)
    corner = np.zeros((2, 2))
    rest = R[K : K + 2, K:]
    corner[: len(rest)] = rest
    return Moments(R[:K, :K] * length, R[:K, K], R[:K, K + 1], corner)


def reduce_columns(
    Z: NDArray[np.float64],
    y: NDArray[np.float64],
    Wy: NDArray[np.float64],
    terms: tuple[str, ...],
    nobs: int,
    *,
    lagged: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]] | None = None,
) -> Triangle:
    """Reduce transformed columns to their triangle.

    Parameters
    ----------
    Z : ndarray, shape (rows, K)
    y, Wy : ndarray, shape (rows,)
    nobs : int
        Observations in the likelihood, net of the effects removed.
    lagged : tuple of ndarray, optional
        MZ, My and MWy of error models, same shapes.

    Raises
    ------
    IdentificationError
        If there are not more observations than coefficients, a column of Z depends linearly on
        the others (both sides are named), or Z explains y exactly.
    """
    length = np.linalg.norm(Z, axis=0)
    columns = [np.column_stack([Z / length, y, Wy])]
    if lagged is not None:
        columns.append(np.column_stack([lagged[0] / length, lagged[1], lagged[2]]))
    return triangle(np.linalg.qr(np.hstack(columns), mode="r"), length, terms, nobs)


def coordinates(basis: NDArray[np.float64], columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Coordinates of columns (rows, m) in a basis (rows, p) and in what they add to it.

    Returns
    -------
    ndarray, shape (p + m, m)
        Fewer rows where there are fewer than m rows. The basis is taken off twice: once leaves
        rounding errors of the size of the columns.
    """
    first = basis.T @ columns
    rest = columns - basis @ first
    again = basis.T @ rest
    return np.vstack([first + again, np.linalg.qr(rest - basis @ again, mode="r")])


def triangle(
    R: NDArray[np.float64], length: NDArray[np.float64], terms: tuple[str, ...], nobs: int
) -> Triangle:
    """Read a triangle off the triangular factor of [Z / length, y, Wy], perhaps with their lags.

    Raises
    ------
    IdentificationError
        As `reduce_columns`.
    """
    K = len(length)
    width = K + 2
    spatial = int(bool(R[:, K + 1].any())) + int(R.shape[1] > width)
    if nobs <= K + spatial:
        raise IdentificationError(
            f"{K + spatial} coefficients on {nobs} observations net of effects; "
            "use fewer terms than observations."
        )
    _refuse_dependent(R[:K, :K], terms)
    if np.linalg.norm(R[K:, K]) <= _EXACT * np.linalg.norm(R[:, K]):
        raise IdentificationError(
            "the regressors explain the response exactly: nothing is left to estimate a variance "
            "from; take out the term that is the response in other clothes."
        )
    own, lagged = R[:, :width], R[:, width:]
    return Triangle(own, lagged if lagged.size else np.zeros_like(own), length)


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
