"""Spectra of large sparse weights: no eigenvalues, no dense matrix, one factorisation per value.

With f(rho) = ln|I - rho W| and G = W (I - rho W)^-1,

    tr G = -f',   tr GG = -f'',   tr G'G = d/de ln|A'A + e W'W| at e = 0,   A = I - rho W,

the last by a complex step, which has no rounding of differences: all of them come from sparse
factors. Where one unit neighbours very many, A'A is full and tr G'G is summed over the columns of
G; above `_EXACT_UNITS` units tr G'G = E |Gz|^2 is a mean over vectors z of random signs (Hutchinson
1990, Communications in Statistics 19, 433-450).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, eye_array
from scipy.sparse.linalg import ArpackNoConvergence, SuperLU, eigs, splu

from ccec_econ.engine.forms import Form, Implicit, dense, pair_written
from ccec_econ.engine.logdet import LogDeterminant
from ccec_econ.engine.spectrum import Slope, Spectrum, spectrum
from ccec_econ.errors import IdentificationError

__all__ = ["SparseForm", "SparseSpectrum", "sparse_spectrum", "spectrum_of"]

_EIGEN_UNITS = (
    1_000  # up to here all eigenvalues take a second at most, and give the whole interval
)
_FULL = 0.1  # share of non-zero weights above which factors are as full as the matrix
_DENSE_UNITS = 6_000  # above, W is not written out: 290 MB at this size
_EXACT_UNITS = 60_000  # above, tr G'G is estimated
_FILL = 200  # products of a row's weights per unit, on average, above which A'A is taken as full
_SIGNS = 64  # vectors of random signs
_STEP = 1e-20
_UNIT = 1e-10  # closer to one, or to each other, sums and weights count as equal


@dataclass(frozen=True, slots=True, eq=False)
class SparseSpectrum(Spectrum):
    """Spectrum of a sparse matrix by factorisations.

    The interval is that in which |rho| times the spectral radius of |W| stays below one: there
    I - rho W is an H-matrix, non-singular and with positive pivots. Below zero the interval of all
    eigenvalues reaches further.

    Attributes
    ----------
    matrix : csr_array, shape (N, N)
    f : LogDeterminant
        ln|I - rho W|, not projected.
    """

    matrix: csr_array
    f: LogDeterminant
    interval: tuple[float, float]
    projected: bool
    _held: dict[str, Any] = field(default_factory=dict)

    @property
    def N(self) -> int:
        """Units."""
        return int(self.matrix.shape[0])

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
            values = np.linalg.eigvals(self.W).astype(np.complex128)
            unit = int(np.argmin(np.abs(values - 1.0)))
            self._held["eigenvalues"] = np.delete(values, unit) if self.projected else values
        return np.asarray(self._held["eigenvalues"])

    @property
    def row_sums(self) -> NDArray[np.float64]:
        """Row sums of W, shape (N,)."""
        return np.asarray(self.matrix.sum(axis=1)).ravel()

    @property
    def nodes(self) -> NDArray[np.float64]:
        """Values of rho at which the likelihood is looked at first."""
        return self.f.nodes

    def search(self, slope: Slope, count: int) -> NDArray[np.float64]:
        """Values of rho around every zero of slope(rho) - tr G, however many that takes."""
        if not self.projected:
            return self.f.search(slope)
        return self.f.search(lambda rho: slope(rho) + 1.0 / (1.0 - rho))

    def project(self) -> SparseSpectrum:
        """Leave out the unit eigenvalue of row-standardised weights."""
        return replace(self, projected=True, _held={})

    def unprojected(self) -> SparseSpectrum:
        """Spectrum of W itself."""
        return replace(self, projected=False, _held={}) if self.projected else self

    def lag(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Lag columns of shape (T, N) or (T, N, K)."""
        return _by_units(lambda rows: self.matrix @ rows, columns)

    def solve(self, rho: float, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """(I - rho W)^-1 times the units of every period, columns of shape (T, N)."""
        return _by_units(_factor(_system(self.matrix, rho)).solve, columns)

    def logdet(self, rho: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """log|I - rho W|, for one value of rho or an array of them."""
        rho = np.asarray(rho, dtype=np.float64)
        return self.f.value(rho) - (np.log1p(-rho) if self.projected else 0.0)

    def traces_G(self, rho: NDArray[np.float64]) -> NDArray[np.float64]:
        """Trace of G at every value of rho."""
        rho = np.asarray(rho, dtype=np.float64)
        return np.asarray(-self.f.slope(rho) - (1.0 / (1.0 - rho) if self.projected else 0.0))

    def trace_G(self, rho: float) -> float:
        """Trace of G; of W itself, without interpolation, where rho is zero."""
        if rho:
            return float(self.traces_G(np.array(rho)))
        return float(self.matrix.diagonal().sum()) - float(self.projected)

    def traces_GG(self, rho: NDArray[np.float64]) -> NDArray[np.float64]:
        """Trace of GG at every value of rho: the slope of the trace of G."""
        rho = np.asarray(rho, dtype=np.float64)
        unit = 1.0 / (1.0 - rho) ** 2 if self.projected else 0.0
        return np.asarray(-self.f.curvature(rho) - unit)

    def form(self, rho: float) -> SparseForm:
        """G by the factors of I - rho W."""
        return SparseForm(self, rho, _factor(_system(self.matrix, rho)))

    def squares(self) -> tuple[float, float, float]:
        """Return sum w_ij^2, tr W and i'W W'i / N."""
        columns = np.asarray(self.matrix.sum(axis=0)).ravel()
        trace = float(self.matrix.diagonal().sum())
        return float((self.matrix.data**2).sum()), trace, float(columns @ columns) / self.N

    def exchanged(self, order: NDArray[np.int64]) -> SparseSpectrum:
        """Spectrum with units in another order: log-determinants stay."""
        return replace(self, matrix=csr_array(self.matrix[order][:, order]), _held={})

    def same_as(self, other: Spectrum) -> bool:
        """Whether two spectra are of the same weights."""
        if not isinstance(other, SparseSpectrum):
            return False
        same = self.matrix is other.matrix
        return same or not abs(self.matrix - other.matrix).sum()

    def note(self) -> str:
        """Say how log-determinants and traces were computed."""
        by_signs = f"; tr G'G from {_SIGNS} vectors of random signs" * (self.N > _EXACT_UNITS)
        low, high = self.interval
        return (
            f"Searched between {low:.4g} and {high:.4g}; log-determinants by sparse factors, "
            f"interpolated with an error of about {max(self.f.error, 1e-14):.0e}{by_signs}."
        )

    def _refuse_dense(self) -> None:
        if self.N > _DENSE_UNITS:
            raise IdentificationError(
                f"this needs a dense matrix of {self.N} by {self.N} weights "
                f"({self.N**2 * 8 / 2**30:.1f} GiB) and stops at {_DENSE_UNITS} units; OLS, SLX, "
                "SAR, SEM, SDM and SDEM with ce.Information() and average effects need none."
            )


@dataclass(frozen=True, slots=True, eq=False)
class SparseForm(Implicit):
    """G = W (I - rho W)^-1, columns centred when projected."""

    spectrum: SparseSpectrum
    rho: float
    factor: SuperLU

    def times(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """G times the units of every period, columns of shape (T, N)."""
        found = _by_units(self._rows, columns)
        return found - found.mean(axis=1, keepdims=True) if self.spectrum.projected else found

    def trace(self) -> float:
        """Trace of G."""
        return self.spectrum.trace_G(self.rho)

    def pair(self, other: Form) -> float:
        """tr(AB) + tr(A'B): without dense matrices for a form and itself, and where rho is zero."""
        if isinstance(other, SparseForm) and self.rho == other.rho == 0.0:
            return self._at_zero(other)
        if other is self:
            return self._with_itself()
        return pair_written(self.dense(), dense(other))

    def _at_zero(self, other: SparseForm) -> float:
        """tr(WM) + tr(W'M), both projected or neither."""
        W, M = self.spectrum.matrix, other.spectrum.matrix
        found = float(W.multiply(M.T).sum() + W.multiply(M).sum())
        if self.spectrum.projected:
            above, right = W.sum(axis=0), M.sum(axis=1)
            found -= float(above @ right + above @ M.sum(axis=0)) / self.spectrum.N
        return found

    def _with_itself(self) -> float:
        square = self._squared()
        if self.spectrum.projected:
            W, ones = self.spectrum.matrix, np.ones(self.spectrum.N)
            means = self.factor.solve(W.T @ ones, trans="T")  # i'G
            square -= float(means @ means) / self.spectrum.N
        return float(self.spectrum.traces_GG(np.array(self.rho))) + square

    def dense(self) -> NDArray[np.float64]:
        """G written out, shape (1, N, N)."""
        return self.spectrum.G(self.rho)[None]

    def _rows(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self.spectrum.matrix @ self.factor.solve(rows))

    def _squared(self) -> float:
        """Tr G'G, before projection."""
        W, N = self.spectrum.matrix, self.spectrum.N
        if N <= _EXACT_UNITS and _products(W) > _FILL * N:
            starts = range(0, N, 128)
            chunks = (np.eye(N, min(128, N - i), -i) for i in starts)
            return sum(float((self._rows(chunk) ** 2).sum()) for chunk in chunks)
        if N <= _EXACT_UNITS:
            A = _system(W, self.rho)
            moved = _factor((A.T @ A + (1j * _STEP) * (W.T @ W)).tocsc()).U.diagonal()
            return float((moved.imag / moved.real).sum() / _STEP)
        rng, total = np.random.default_rng(0), 0.0
        for _ in range(_SIGNS // 8):
            signs = np.where(rng.random((N, 8)) < 0.5, -1.0, 1.0)
            total += float((self._rows(signs) ** 2).sum())
        return total / _SIGNS


def spectrum_of(matrix: csr_array) -> Spectrum:
    """Choose: all eigenvalues up to 1,000 units or of full matrices, factorisations otherwise."""
    N = int(matrix.shape[0])
    if N <= _EIGEN_UNITS or matrix.nnz > _FULL * N**2:
        return spectrum(matrix.toarray())
    return sparse_spectrum(matrix)


def sparse_spectrum(matrix: csr_array) -> SparseSpectrum:
    """Prepare a sparse weights matrix (N, N): one factorisation gives the order of the others."""
    radius = _radius(matrix)
    sums = np.asarray(matrix.sum(axis=1)).ravel()
    f = LogDeterminant(
        _exact(matrix, radius),
        radius,
        _first_traces(matrix),
        real=_is_like_symmetric(matrix),
        unit=bool(np.abs(sums - 1.0).max() < _UNIT),
    )
    return SparseSpectrum(matrix, f, (-1.0 / radius, 1.0 / radius), projected=False)


@dataclass(frozen=True, slots=True, eq=False)
class _Exact:
    """ln|I - rho W| by factors, the columns ordered once for every rho.

    Attributes
    ----------
    rows, starts : ndarray
        Pattern of I - rho W by columns.
    unit, weights : ndarray
        Values of I and W on it.
    """

    rows: NDArray[np.int32]
    starts: NDArray[np.int32]
    unit: NDArray[np.float64]
    weights: NDArray[np.float64]

    def __call__(self, rho: float) -> float:
        """Log-determinant at one value inside the interval, where pivots are positive."""
        A = csc_array((self.unit - rho * self.weights, self.rows, self.starts))
        return float(np.log(_factor(A, "NATURAL").U.diagonal()).sum())


def _exact(W: csr_array, radius: float) -> _Exact:
    N = W.shape[0]
    order = np.argsort(_factor(_system(W, 0.5 / radius)).perm_c)
    pattern = (csr_array(W[order][:, order]) + eye_array(N)).tocsc()
    pattern.sort_indices()
    columns = np.repeat(np.arange(N), np.diff(pattern.indptr))
    unit = (pattern.indices == columns).astype(np.float64)
    return _Exact(pattern.indices, pattern.indptr, unit, pattern.data - unit)


def _radius(W: csr_array) -> float:
    """Spectral radius of |W|; one for row-standardised weights, its bound where it is not found."""
    size = abs(W)
    sums = np.asarray(size.sum(axis=1)).ravel()
    if np.ptp(sums) <= 1e-12 * sums.max():
        return float(sums.max())
    try:
        found = eigs(size, k=1, v0=np.ones(len(sums)), return_eigenvectors=False, tol=1e-12)
    except ArpackNoConvergence:
        return float(sums.max())
    return min(float(np.abs(found).max()) * (1.0 + 1e-10), float(sums.max()))


def _is_like_symmetric(W: csr_array) -> bool:
    """Whether W, or W with rows over their largest weight, is symmetric: real eigenvalues.

    So are symmetric weights, and row-standardised ones of links that count alike both ways.
    """
    largest = W.max(axis=1).toarray().ravel()
    for scale in (np.ones(len(largest)), 1.0 / np.where(largest > 0.0, largest, 1.0)):
        own = csr_array(W.multiply(scale[:, None]))
        if abs(own - own.T).max() <= _UNIT * abs(own).max():
            return True
    return False


def _first_traces(W: csr_array) -> NDArray[np.float64]:
    """Traces of W and its second power, and of two more where W^2 is sparse."""
    first = [W.diagonal().sum(), W.multiply(W.T).sum()]
    if _products(W) <= _FILL * W.shape[0]:
        square = csr_array(W @ W)
        first += [square.multiply(W.T).sum(), square.multiply(square.T).sum()]
    return np.array(first, dtype=np.float64)


def _products(W: csr_array) -> float:
    """Products of weights in W'W, which is what it fills with at most."""
    return float((np.diff(W.indptr).astype(np.float64) ** 2).sum())


def _system(W: csr_array, rho: float) -> Any:
    return (eye_array(W.shape[0]) - rho * W).tocsc()


def _factor(A: Any, order: Literal["MMD_AT_PLUS_A", "NATURAL"] = "MMD_AT_PLUS_A") -> SuperLU:
    """Factors with pivots on the diagonal, ordered for a nearly symmetric pattern."""
    return splu(A, permc_spec=order, diag_pivot_thresh=0.0, options={"SymmetricMode": True})


def _by_units(action: Any, columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Apply an action on rows (N, P) to columns of shape (T, N) or (T, N, K)."""
    rows = np.moveaxis(columns, 1, 0)
    found = action(np.ascontiguousarray(rows.reshape(len(rows), -1)))
    return np.ascontiguousarray(np.moveaxis(found.reshape(rows.shape), 0, 1))
