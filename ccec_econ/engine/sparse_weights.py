"""Large sparse weights and G = W (I - rho W)^-1, whichever way log-determinants are made."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.linalg import ArpackNoConvergence, eigs

from ccec_econ.engine.forms import Form, Implicit, applied, dense, pair_written
from ccec_econ.engine.spectrum import Spectrum, eigenvalues
from ccec_econ.errors import IdentificationError

__all__ = [
    "FILL",
    "SIGNS",
    "Resolvent",
    "SparseWeights",
    "by_units",
    "first_traces",
    "mean_square",
    "pairs_by_signs",
    "products",
    "radius_of",
    "unit_rows",
]

_DENSE_UNITS = 6_000  # above, W is not written out: 290 MB at this size
FILL = 200  # products of a row's weights per unit, on average, above which W^2 is taken as full
_UNIT = 1e-10  # closer to one, sums of rows count as one
SIGNS = 64  # vectors of random signs at least
_DRAWN = 2_000_000  # random signs at least
_TOGETHER = 8  # vectors of random signs at a time
_RESTARTS = 300  # of Arnoldi's iterations: 4 s at 90,000 units, where a lattice takes 200

type Action = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SparseWeights(Spectrum):
    """Sparse weights without eigenvalues or a dense matrix.

    Attributes
    ----------
    matrix : csr_array, shape (N, N)
    bounded : bool
        Whether the interval ends at a bound, because the spectral radius of |W| was not found.
    """

    matrix: csr_array
    interval: tuple[float, float]
    projected: bool
    bounded: bool = False
    _held: dict[Any, Any] = field(default_factory=dict)

    @property
    def N(self) -> int:
        """Units."""
        return int(self.matrix.shape[0])

    @property
    def written(self) -> bool:
        """Whether there are few enough units to write W out."""
        return self.N <= _DENSE_UNITS

    @property
    def W(self) -> NDArray[np.float64]:  # type: ignore[override]
        """Weights written out, shape (N, N).

        Raises
        ------
        IdentificationError
            Above 6,000 units.
        """
        self._refuse_dense()
        if "W" not in self._held:
            self._held["W"] = self.matrix.toarray()
        return np.asarray(self._held["W"])

    @property
    def eigenvalues(self) -> NDArray[np.complex128]:  # type: ignore[override]
        """All eigenvalues, computed when asked for."""
        if "eigenvalues" not in self._held:
            values = eigenvalues(self.W)
            unit = int(np.argmin(np.abs(values - 1.0)))
            self._held["eigenvalues"] = np.delete(values, unit) if self.projected else values
        return np.asarray(self._held["eigenvalues"])

    @property
    def row_sums(self) -> NDArray[np.float64]:
        """Row sums of W, shape (N,)."""
        return np.asarray(self.matrix.sum(axis=1)).ravel()

    def project(self) -> Self:
        """Leave out the unit eigenvalue of row-standardised weights."""
        return replace(self, projected=True, _held={})

    def unprojected(self) -> Self:
        """Spectrum of W itself."""
        return replace(self, projected=False, _held={}) if self.projected else self

    def lag(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Lag columns of shape (T, N) or (T, N, K)."""
        return by_units(lambda rows: self.matrix @ rows, columns)

    def squares(self) -> tuple[float, float, float]:
        """Return sum w_ij^2, tr W and i'W W'i / N."""
        columns = np.asarray(self.matrix.sum(axis=0)).ravel()
        trace = float(self.matrix.diagonal().sum())
        return float((self.matrix.data**2).sum()), trace, float(columns @ columns) / self.N

    def exchanged(self, order: NDArray[np.int64]) -> Self:
        """Spectrum with units in another order: log-determinants stay."""
        return replace(self, matrix=csr_array(self.matrix[order][:, order]), _held={})

    def same_as(self, other: Spectrum) -> bool:
        """Whether two spectra are of the same weights."""
        if not isinstance(other, SparseWeights):
            return False
        same = self.matrix is other.matrix
        return same or not abs(self.matrix - other.matrix).sum()

    def _searched(self) -> str:
        low, high = self.interval
        bound = " (spectral radius of |W| not found: its largest row sum stands for it)"
        return f"Searched between {low:.4g} and {high:.4g}{bound * self.bounded}"

    def _both_lags(self, lam: float) -> str:
        """Say how the traces of a model with both lags were computed, if they were here."""
        error = self._held.get(("error of both lags", lam))
        if error is None:
            return ""
        return (
            "; traces of both lags from vectors of random signs with a Monte Carlo error of "
            f"{100.0 * error:.2g} % in what tells rho from lam"
        )

    def _refuse_dense(self) -> None:
        if not self.written:
            raise IdentificationError(
                f"this needs a dense matrix of {self.N} by {self.N} weights "
                f"({self.N**2 * 8 / 2**30:.1f} GiB) and stops at {_DENSE_UNITS} units; OLS, SLX, "
                "SAR, SEM, SAC, SDM and SDEM with ce.Information() and average effects need none."
            )

    @abstractmethod
    def traces_GG(self, rho: NDArray[np.float64]) -> NDArray[np.float64]:
        """Trace of GG at every value of rho: the slope of the trace of G."""

    @abstractmethod
    def noise(self, rho: float) -> float:
        """Monte Carlo standard error of tr G; zero where it is exact."""

    @abstractmethod
    def note(self, rho: float) -> str:
        """Say how log-determinants and traces were computed, and their error at rho."""


@dataclass(frozen=True, slots=True, eq=False)
class Resolvent(Implicit):
    """G = W (I - rho W)^-1, columns centred when projected."""

    spectrum: Any  # SparseWeights, or eigenvalues that hold the sparse weights too
    rho: float

    @abstractmethod
    def rows(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """G times rows (N, P), not projected."""

    @abstractmethod
    def left(self, column: NDArray[np.float64]) -> NDArray[np.float64]:
        """(I - rho W')^-1 times a column (N,)."""

    @abstractmethod
    def squared(self) -> float:
        """Trace of G'G, not projected."""

    def times(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """G times the units of every period, columns of shape (T, N)."""
        found = by_units(self.rows, columns)
        return found - found.mean(axis=1, keepdims=True) if self.spectrum.projected else found

    def trace(self) -> float:
        """Trace of G."""
        return float(self.spectrum.trace_G(self.rho))

    def pair(self, other: Form) -> float:
        """tr(AB) + tr(A'B): not written out for a form and itself, or where a rho is zero."""
        if isinstance(other, Resolvent) and other.rho == 0.0:
            return self._with_weights(other) if self.rho else self._at_zero(other)
        if isinstance(other, Resolvent) and self.rho == 0.0:
            return other.pair(self)
        if other is self:
            return self._with_itself()
        return pair_written(self.dense(), dense(other))

    def crossed(self, S: csr_array) -> float:
        """Trace of G S, S symmetric, not projected."""
        return float(S.multiply(self.spectrum.unprojected().G(self.rho)).sum())

    def _with_weights(self, other: Resolvent) -> float:
        """tr(GM) + tr(G'M) = tr G(M + M'), both projected or neither."""
        M = other.spectrum.matrix
        found = self.crossed(csr_array(M + M.T))
        if self.spectrum.projected:
            found -= float(self._sums() @ (M.sum(axis=1) + M.sum(axis=0))) / self.spectrum.N
        return found

    def _at_zero(self, other: Resolvent) -> float:
        """tr(WM) + tr(W'M), both projected or neither."""
        W, M = self.spectrum.matrix, other.spectrum.matrix
        found = float(W.multiply(M.T).sum() + W.multiply(M).sum())
        if self.spectrum.projected:
            above, right = W.sum(axis=0), M.sum(axis=1)
            found -= float(above @ right + above @ M.sum(axis=0)) / self.spectrum.N
        return found

    def _with_itself(self) -> float:
        square = self.squared()
        if self.spectrum.projected:
            square -= float((self._sums() ** 2).sum()) / self.spectrum.N
        return float(self.spectrum.traces_GG(np.array(self.rho))) + square

    def _sums(self) -> NDArray[np.float64]:
        """i'G, not projected, shape (N,)."""
        W = self.spectrum.matrix
        return self.left(W.T @ np.ones(W.shape[0]))

    def dense(self) -> NDArray[np.float64]:
        """G written out, shape (1, N, N)."""
        return np.asarray(self.spectrum.G(self.rho))[None]


def radius_of(W: csr_array) -> tuple[float, bool]:
    """Spectral radius of |W|, and whether it is only its bound, the largest row sum.

    One for row-standardised weights; the bound where Arnoldi's iterations do not find it.
    """
    size = abs(W)
    sums = np.asarray(size.sum(axis=1)).ravel()
    if np.ptp(sums) <= 1e-12 * sums.max():
        return float(sums.max()), False
    start = np.ones(len(sums))
    try:
        found = eigs(size, k=1, v0=start, return_eigenvectors=False, tol=1e-12, maxiter=_RESTARTS)
    except ArpackNoConvergence:
        return float(sums.max()), True
    return min(float(np.abs(found).max()) * (1.0 + 1e-10), float(sums.max())), False


def first_traces(W: csr_array) -> NDArray[np.float64]:
    """Traces of W and its second power, and of two more where W^2 is sparse."""
    first = [W.diagonal().sum(), W.multiply(W.T).sum()]
    if products(W) <= FILL * W.shape[0]:
        square = csr_array(W @ W)
        first += [square.multiply(W.T).sum(), square.multiply(square.T).sum()]
    return np.array(first, dtype=np.float64)


def products(W: csr_array) -> float:
    """Products of weights in W'W, which is what it fills with at most."""
    return float((np.diff(W.indptr).astype(np.float64) ** 2).sum())


def unit_rows(W: csr_array) -> bool:
    """Whether every row sums to one, so that one is an eigenvalue."""
    return bool(np.abs(np.asarray(W.sum(axis=1)).ravel() - 1.0).max() < _UNIT)


def mean_square(
    G: Action, W: csr_array, count: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Estimate tr G'G = E |Gz|^2, and the standard error, from vectors z of random signs.

    The mean of |Gz|^2 - |Wz|^2, which varies less, is added to the exact tr W'W.
    """
    N, found = W.shape[0], np.empty(0)
    for start in range(0, count, _TOGETHER):
        signs = np.where(rng.random((N, min(_TOGETHER, count - start))) < 0.5, -1.0, 1.0)
        gain = (G(signs) ** 2).sum(axis=0) - ((W @ signs) ** 2).sum(axis=0)
        found = np.concatenate([found, gain])
    error = float(found.std(ddof=1)) / np.sqrt(count)
    return float((W.data**2).sum() + found.mean()), float(error)


def pairs_by_signs(forms: list[Form], error: SparseWeights, lam: float) -> NDArray[np.float64]:
    """Estimate tr(AB) + tr(A'B) = E [z'(AB + BA)z / 2 + (Az)'(Bz)] for both lags, shape (2, 2).

    All come from the same vectors z of random signs: where the scores of rho and lam are almost
    alike the errors cancel in what tells them apart, q_11 - q_12^2 / q_22. The Monte Carlo error of
    that, as a share, is kept with the weights of the errors for their note.
    """
    rng, draws = np.random.default_rng(0), []
    for _ in range(-(-max(SIGNS, _DRAWN // error.N) // _TOGETHER)):
        z = np.where(rng.random((_TOGETHER, error.N)) < 0.5, -1.0, 1.0)
        moved = [applied(A, z) for A in forms]
        crossed = np.array([[(z * applied(A, v)).sum(axis=1) for v in moved] for A in forms])
        straight = np.einsum("apn,bpn->abp", moved, moved)
        draws.append(0.5 * (crossed + crossed.swapaxes(0, 1)) + straight)
    each = np.concatenate(draws, axis=2)
    found = np.asarray(each.mean(axis=2))
    share = found[0, 1] / found[1, 1]
    apart = each[0, 0] - 2.0 * share * each[0, 1] + share**2 * each[1, 1]
    spread = apart.std(ddof=1) / np.sqrt(apart.size) / apart.mean()
    error._held["error of both lags", lam] = float(spread)
    return found


def by_units(action: Any, columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Apply an action on rows (N, P) to columns of shape (T, N) or (T, N, K)."""
    rows = np.moveaxis(columns, 1, 0)
    found = action(np.ascontiguousarray(rows.reshape(len(rows), -1)))
    return np.ascontiguousarray(np.moveaxis(found.reshape(rows.shape), 0, 1))
