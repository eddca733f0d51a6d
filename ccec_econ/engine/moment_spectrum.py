"""Spectra of weights whose factors fill up: traces of powers from vectors of random signs.

With z a vector of random signs, E z'W^k z = tr W^k (Hutchinson 1990, Communications in Statistics
19, 433-450), and

    ln|I - rho W| = -sum_k rho^k tr(W^k) / k

(Barry and Pace 1999, Linear Algebra and its Applications 289, 41-54). The first traces are exact,
the others means over R vectors, the same at every rho; the spread over the vectors gives the Monte
Carlo error of the log-determinant and of tr G, G = W (I - rho W)^-1. Powers above the K-th are left
out: with r the spectral radius of |W| they change the log-determinant by N a^(K+1) / ((K+1) (1-a))
at most, a = r |rho|. The interval of rho ends where that is a millionth of N.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.sparse import csr_array

from ccec_econ.engine.sparse_weights import (
    Resolvent,
    SparseWeights,
    by_units,
    first_traces,
    mean_square,
    radius_of,
)
from ccec_econ.engine.spectrum import Profile, nodes_within
from ccec_econ.errors import ConvergenceError

__all__ = ["POWERS", "PROBES", "MomentForm", "MomentSpectrum", "moment_spectrum"]

PROBES, POWERS = 64, 200
_NODES = 400  # first search over rho
_LEFT_OUT = 1e-6  # per unit, of the log-determinant at the ends of the interval
_TOGETHER = 16  # vectors at a time
_DONE = 1e-15  # change of a solution, as a share of it, at which its series ends
_STEPS = 20_000


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class MomentSpectrum(SparseWeights):
    """Spectrum of a sparse matrix by traces of its powers.

    Attributes
    ----------
    powers : ndarray, shape (R, K)
        z'W^k z of every vector; the exact traces, in every row, where those are known.
    radius : float
        Spectral radius of |W|.
    seed : int
        Of the vectors behind tr G'G.
    """

    powers: NDArray[np.float64]
    radius: float
    seed: int

    @property
    def nodes(self) -> NDArray[np.float64]:
        """Values of rho, dense towards both ends of the interval."""
        return nodes_within(self.interval, _NODES)

    def search(self, profile: Profile, count: int) -> NDArray[np.float64]:
        """Values of rho, dense towards both ends of the interval."""
        return nodes_within(self.interval, count)

    def solve(self, rho: float, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """(I - rho W)^-1 times the units of every period, columns of shape (T, N)."""
        return by_units(lambda rows: series(self.matrix, rho, rows), columns)

    def logdet(self, rho: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """log|I - rho W|, for one value of rho or an array of them."""
        rho = np.asarray(rho, dtype=np.float64)
        found = -self._sum(rho, 0, 1.0 / np.arange(1, self._K + 1))
        return np.asarray(found - (np.log1p(-rho) if self.projected else 0.0))

    def traces_G(self, rho: NDArray[np.float64]) -> NDArray[np.float64]:
        """Trace of G at every value of rho."""
        rho = np.asarray(rho, dtype=np.float64)
        found = self._sum(rho, 1, np.ones(self._K))
        return np.asarray(found - (1.0 / (1.0 - rho) if self.projected else 0.0))

    def traces_GG(self, rho: NDArray[np.float64]) -> NDArray[np.float64]:
        """Trace of GG at every value of rho: the slope of the trace of G."""
        rho = np.asarray(rho, dtype=np.float64)
        found = self._sum(rho, 2, np.arange(self._K, dtype=np.float64))
        return np.asarray(found - (1.0 / (1.0 - rho) ** 2 if self.projected else 0.0))

    def form(self, rho: float) -> MomentForm:
        """G by its series."""
        return MomentForm(self, rho)

    def noise(self, rho: float) -> float:
        """Monte Carlo standard error of tr G."""
        return self._spread(np.power(rho, np.arange(self._K, dtype=np.float64)))

    def error(self, rho: float) -> float:
        """Monte Carlo standard error of the log-determinant."""
        k = np.arange(1.0, self._K + 1.0)
        return self._spread(np.power(rho, k) / k)

    def left_out(self, rho: float) -> float:
        """Bound of what the powers left out change in the log-determinant."""
        return self.N * _tail(self.radius * abs(rho), self._K)

    def border_remedy(self, end: float) -> str:
        """Say that the number of powers ends the search, and what to do."""
        return (
            f"the {self._K} powers of W end the search there; give more powers in "
            "ce.weights.prepare, or logdet='factors'"
        )

    def note(self, rho: float) -> str:
        """Say how log-determinants and traces were computed."""
        return (
            f"{self._searched()}; log-determinants from {len(self.powers)} "
            f"vectors of random signs with a Monte Carlo error of {self.error(rho):.2g}, powers "
            f"above {self._K} left out, a change of {max(self.left_out(rho), 1e-14):.0e} at most"
            f"{self._both_lags(rho)}."
        )

    @property
    def _K(self) -> int:
        return int(self.powers.shape[1])

    def _sum(
        self, rho: NDArray[np.float64], less: int, factor: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Sum of factor_k tr(W^k) rho^(k - less) from k = max(less, 1)."""
        first = max(less, 1)
        at = np.power.outer(rho, np.arange(first, self._K + 1) - less)
        return np.asarray(at @ (self.powers.mean(axis=0) * factor)[first - 1 :])

    def _spread(self, combination: NDArray[np.float64]) -> float:
        each = self.powers @ combination
        return float(each.std(ddof=1)) / float(np.sqrt(len(each)))


@dataclass(frozen=True, slots=True, eq=False)
class MomentForm(Resolvent):
    """G by its series in rho."""

    spectrum: MomentSpectrum

    def rows(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """G times rows (N, P), not projected."""
        return np.asarray(self.spectrum.matrix @ series(self.spectrum.matrix, self.rho, rows))

    def left(self, column: NDArray[np.float64]) -> NDArray[np.float64]:
        """(I - rho W')^-1 times a column (N,)."""
        return series(csr_array(self.spectrum.matrix.T), self.rho, column)

    def squared(self) -> float:
        """Trace of G'G, not projected."""
        own = self.spectrum
        rng = np.random.default_rng(own.seed)
        return mean_square(self.rows, own.matrix, len(own.powers), rng)[0]


def moment_spectrum(
    W: csr_array, *, probes: int = PROBES, powers: int = POWERS, seed: int = 0
) -> MomentSpectrum:
    """Estimate the traces of K powers of W (N, N) from R vectors of random signs."""
    rng, N = np.random.default_rng(seed), int(W.shape[0])
    found = np.empty((probes, powers))
    for start in range(0, probes, _TOGETHER):
        signs = np.where(rng.random((N, min(_TOGETHER, probes - start))) < 0.5, -1.0, 1.0)
        moved = signs
        for k in range(powers):
            moved = W @ moved
            found[start : start + _TOGETHER, k] = np.einsum("np,np->p", signs, moved)
    exact = first_traces(W)
    found[:, : len(exact)] = exact
    radius, bounded = radius_of(W)
    end = brentq(lambda a: _tail(a, powers) - _LEFT_OUT, 0.0, 1.0 - 1e-9) / radius
    return MomentSpectrum(
        matrix=W,
        interval=(-end, end),
        projected=False,
        bounded=bounded,
        powers=found,
        radius=radius,
        seed=seed,
    )


def series(W: csr_array, rho: float, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """(I - rho W)^-1 rows by sum_k (rho W)^k rows, rows of shape (N,) or (N, P).

    Raises
    ------
    ConvergenceError
        If the terms do not die out.
    """
    total, term = rows.copy(), rows
    for _ in range(_STEPS):
        term = rho * (W @ term)
        total += term
        if np.abs(term).max() <= _DONE * np.abs(total).max():
            return total
    raise ConvergenceError(
        f"powers of rho W do not die out at rho = {rho:.6f}; give weights with logdet='factors'."
    )


def _tail(a: float, powers: int) -> float:
    """Sum of a^k / k over k above `powers`, at most."""
    return float(a ** (powers + 1) / ((powers + 1) * (1.0 - a)))
