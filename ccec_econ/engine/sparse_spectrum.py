"""Spectra of large sparse weights: no eigenvalues, no dense matrix, one factorisation per value.

With f(rho) = ln|I - rho W| and G = W (I - rho W)^-1,

    tr G = -f',   tr GG = -f'',   tr G'G = d/de ln|A'A + e W'W| at e = 0,   A = I - rho W,

the last by a complex step, which has no rounding of differences: all of them come from sparse
factors. Where one unit neighbours very many, A'A is full and tr G'G is summed over the columns of
G; above `_EXACT_UNITS` units tr G'G = E |Gz|^2 is a mean over vectors z of random signs (Hutchinson
1990, Communications in Statistics 19, 433-450).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, eye_array
from scipy.sparse.linalg import SuperLU, splu

from ccec_econ.engine.logdet import LogDeterminant
from ccec_econ.engine.sparse_weights import (
    FILL,
    SIGNS,
    Resolvent,
    SparseWeights,
    by_units,
    first_traces,
    mean_square,
    products,
    radius_of,
    unit_rows,
)
from ccec_econ.engine.spectrum import Profile
from ccec_econ.engine.symmetric import log_scales

__all__ = ["SparseForm", "SparseSpectrum", "factored", "sparse_spectrum"]

_EXACT_UNITS = 60_000  # above, tr G'G is estimated
_STEP = 1e-20
_BELOW = (
    "sparse factors end the search there, at minus one over the spectral radius of |W|; "
    "logdet='eigen' in ce.weights.prepare searches as far as the model goes"
)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SparseSpectrum(SparseWeights):
    """Spectrum of a sparse matrix by factorisations.

    The interval is that in which |rho| times the spectral radius of |W| stays below one: there
    I - rho W is an H-matrix, non-singular and with positive pivots. Below zero the interval of all
    eigenvalues reaches further.

    Attributes
    ----------
    f : LogDeterminant
        ln|I - rho W|, not projected.
    """

    f: LogDeterminant

    @property
    def nodes(self) -> NDArray[np.float64]:
        """Values of rho at which the likelihood is looked at first."""
        return self.f.nodes

    def search(self, profile: Profile, count: int) -> NDArray[np.float64]:
        """Values of rho around maxima that may be the highest, however many that takes."""
        if not self.projected:
            return self.f.search(profile)

        def without_unit(
            rho: NDArray[np.float64],
        ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            height, slope = profile(rho)
            return height - np.log1p(-rho), slope + 1.0 / (1.0 - rho)

        return self.f.search(without_unit)

    def solve(self, rho: float, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """(I - rho W)^-1 times the units of every period, columns of shape (T, N)."""
        return by_units(factored(self.matrix, rho).solve, columns)

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
        return SparseForm(self, rho, factored(self.matrix, rho))

    def noise(self, rho: float) -> float:
        """Zero: the trace of G is exact up to the error of interpolation."""
        return 0.0

    def border_remedy(self, end: float) -> str:
        """Say that factors search less far below zero than eigenvalues."""
        return "" if end > 0.0 else _BELOW

    def note(self, rho: float) -> str:
        """Say how log-determinants and traces were computed."""
        return (
            f"{self._searched()}; log-determinants by sparse factors, "
            f"interpolated with an error of about {max(self.f.error, 1e-14):.0e}"
            f"{self._by_signs(rho)}{self._both_lags(rho)}."
        )

    def _by_signs(self, rho: float) -> str:
        if self.N <= _EXACT_UNITS:
            return ""
        error = self._held.get(("error of tr G'G", rho))
        size = "" if error is None else f" with a Monte Carlo error of {100.0 * error:.2g} %"
        return f"; tr G'G from {SIGNS} vectors of random signs{size}"


@dataclass(frozen=True, slots=True, eq=False)
class SparseForm(Resolvent):
    """G by the factors of I - rho W."""

    factor: SuperLU

    def rows(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """G times rows (N, P), not projected."""
        return np.asarray(self.spectrum.matrix @ self.factor.solve(rows))

    def left(self, column: NDArray[np.float64]) -> NDArray[np.float64]:
        """(I - rho W')^-1 times a column (N,)."""
        return np.asarray(self.factor.solve(column, trans="T"))

    def squared(self) -> float:
        """Trace of G'G, not projected."""
        W, N = self.spectrum.matrix, self.spectrum.N
        if N <= _EXACT_UNITS and products(W) > FILL * N:
            starts = range(0, N, 128)
            chunks = (np.eye(N, min(128, N - i), -i) for i in starts)
            return sum(float((self.rows(chunk) ** 2).sum()) for chunk in chunks)
        if N <= _EXACT_UNITS:
            A = _system(W, self.rho)
            return _slope(A.T @ A, W.T @ W)
        found, error = mean_square(self.rows, W, SIGNS, np.random.default_rng(0))
        self.spectrum._held["error of tr G'G", self.rho] = error / found
        return found

    def crossed(self, S: csr_array) -> float:
        """Trace of G S, S symmetric, not projected: d/de ln|A + e S W| at e = 0."""
        W, N = self.spectrum.matrix, self.spectrum.N
        if N > _EXACT_UNITS or products(W) > FILL * N or products(S) > FILL * N:
            return Resolvent.crossed(self, S)
        return _slope(_system(W, self.rho), S @ W)


def sparse_spectrum(matrix: csr_array) -> SparseSpectrum:
    """Prepare a sparse weights matrix (N, N): one factorisation gives the order of the others."""
    N = int(matrix.shape[0])
    N = int(matrix.shape[0])
    radius, bounded = radius_of(matrix)
    f = LogDeterminant(
        _exact(matrix, radius),
        radius,
        first_traces(matrix),
        (N, float((matrix.data**2).sum()) / N),
        real=log_scales(matrix) is not None,
        unit=unit_rows(matrix),
    )
    interval = (-1.0 / radius, 1.0 / radius)
    return SparseSpectrum(matrix=matrix, f=f, interval=interval, projected=False, bounded=bounded)


def factored(W: csr_array, rho: float) -> SuperLU:
    """Factors of I - rho W; |rho| times the spectral radius of |W| has to be below one."""
    return _factor(_system(W, rho))


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


def _system(W: csr_array, rho: float) -> Any:
    return (eye_array(W.shape[0]) - rho * W).tocsc()


def _slope(A: Any, B: Any) -> float:
    """Slope of ln|A + e B| at e = 0, tr A^-1 B, by a complex step."""
    moved = _factor((A + (1j * _STEP) * B).tocsc()).U.diagonal()
    return float((moved.imag / moved.real).sum() / _STEP)


def _factor(A: Any, order: Literal["MMD_AT_PLUS_A", "NATURAL"] = "MMD_AT_PLUS_A") -> SuperLU:
    """Factors with pivots on the diagonal, ordered for a nearly symmetric pattern."""
    return splu(A, permc_spec=order, diag_pivot_thresh=0.0, options={"SymmetricMode": True})
