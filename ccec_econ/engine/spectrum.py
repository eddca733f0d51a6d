"""Spectra of weights: log-determinants and the traces that go with them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.forms import Form
from ccec_econ.engine.symmetric import symmetric_twin
from ccec_econ.errors import IdentificationError

__all__ = [
    "EigenSpectrum",
    "Profile",
    "Spectral",
    "Spectrum",
    "SpectrumPath",
    "eigenvalues",
    "levels",
    "nodes_within",
    "spectrum",
]

# Eigenvalues of defective matrices come out with errors of about the square root of machine
# precision: closer to the real axis, or to zero, than this share of the radius counts as on it.
_ROUNDING = 1e-6
_NODES = 400  # first search over rho, where a value costs microseconds
_BORDER = 1e-6  # share of the interval's width kept clear of its ends
_FEW_UNITS = 64  # up to here eigenvalues cost less than asking whether they are real
_EQUAL = 1e-3  # share of F'WF that may differ from a multiple of the identity and not identify rho

type Profile = Callable[[NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]]
"""Height and slope of all of a log-likelihood but its log-determinant, over tau periods."""


class Spectrum(ABC):
    """What a likelihood asks of a weights matrix W (N, N), or of its projection F'WF.

    Two kinds answer: `EigenSpectrum` from all eigenvalues, `SparseSpectrum` from factorisations.

    Attributes
    ----------
    W : ndarray, shape (N, N)
    eigenvalues : ndarray of complex, shape (N,) or (N - 1,)
        Conjugate pairs included: dropping imaginary parts is wrong for asymmetric weights.
    interval : tuple of float
        Open interval of rho around zero on which I - rho W is non-singular.
    projected : bool
        Whether one unit eigenvalue was taken out, as time effects removed by F do.
    """

    __slots__ = ()

    W: NDArray[np.float64]
    eigenvalues: NDArray[np.complex128]
    interval: tuple[float, float]
    projected: bool

    @property
    @abstractmethod
    def N(self) -> int:
        """Units."""

    @property
    @abstractmethod
    def row_sums(self) -> NDArray[np.float64]:
        """Row sums of W, shape (N,)."""

    @property
    @abstractmethod
    def nodes(self) -> NDArray[np.float64]:
        """Values of rho at which the likelihood is looked at first, from border to border."""

    @abstractmethod
    def search(self, profile: Profile, count: int) -> NDArray[np.float64]:
        """Values of rho that bracket the highest maximum of `profile` and the log-determinant.

        Either `count` of them from border to border, or those around its maxima.
        """

    @abstractmethod
    def project(self) -> Spectrum:
        """Spectrum of F'WF for row-standardised W: |F'(I - rho W)F| = |I - rho W| / (1 - rho).

        The interval of rho stays that of W, because the model in levels needs it.
        """

    @abstractmethod
    def unprojected(self) -> Spectrum:
        """Spectrum of W itself."""

    @abstractmethod
    def lag(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Lag columns of shape (T, N) or (T, N, K): W times the units of every period."""

    @abstractmethod
    def solve(self, rho: float, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """(I - rho W)^-1 times the units of every period, columns of shape (T, N)."""

    @abstractmethod
    def logdet(self, rho: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """log|I - rho W|, for one value of rho or an array of them."""

    @abstractmethod
    def traces_G(self, rho: NDArray[np.float64]) -> NDArray[np.float64]:
        """Trace of G = W (I - rho W)^-1 at every value of rho."""

    @abstractmethod
    def form(self, rho: float) -> Form:
        """G in the kind of form that the information and the covariances work with."""

    @abstractmethod
    def squares(self) -> tuple[float, float, float]:
        """Return sum w_ij^2, tr W and i'W W'i / N, of W as it stands."""

    @abstractmethod
    def exchanged(self, order: NDArray[np.int64]) -> Spectrum:
        """Spectrum of the weights with units in another order, rows and columns alike."""

    @abstractmethod
    def same_as(self, other: Spectrum) -> bool:
        """Whether two spectra are of the same weights."""

    def trace_G(self, rho: float) -> float:
        """Trace of G, G = W (I - rho W)^-1."""
        return float(self.traces_G(np.array(rho)))

    def border_remedy(self, end: float) -> str:
        """Say what to do where the search, and not the model, ends at `end`; else nothing."""
        return ""

    def identifies(self) -> bool:
        """Whether the likelihood has curvature in rho.

        It has none where F'WF is a multiple of the identity, as with equal weights for all pairs:
        I - rho F'WF then only rescales the data.
        """
        size, trace, means = self.squares()
        free = self.N
        if self.projected:
            size, trace, free = size - means, trace - float(self.row_sums.sum()) / self.N, free - 1
        left = size - trace**2 / free
        return bool(left > _EQUAL**2 * size)

    def G(self, rho: float) -> NDArray[np.float64]:
        """W (I - rho W)^-1, shape (N, N); columns centred when projected."""
        if rho == 0.0:
            return self.centre(self.W)
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
class EigenSpectrum(Spectrum):
    """Spectrum by all eigenvalues of a dense matrix.

    Where no real eigenvalue is negative the interval ends at minus the reciprocal radius, and
    never below -N. What every fit asks alike is remembered: the log-determinant at the nodes of a
    first search, and whether the weights identify rho.
    """

    W: NDArray[np.float64]
    eigenvalues: NDArray[np.complex128]
    interval: tuple[float, float]
    projected: bool
    _grids: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )
    _identifies: list[bool] = field(init=False, repr=False, compare=False, default_factory=list)

    @property
    def N(self) -> int:
        """Units."""
        return len(self.W)

    @property
    def row_sums(self) -> NDArray[np.float64]:
        """Row sums of W, shape (N,)."""
        return np.asarray(self.W.sum(axis=1))

    @property
    def nodes(self) -> NDArray[np.float64]:
        """Values of rho, dense towards both ends of the interval."""
        return self.grid(_NODES)

    def search(self, profile: Profile, count: int) -> NDArray[np.float64]:
        """Values of rho, dense towards both ends of the interval."""
        return self.grid(count)

    def grid(self, count: int) -> NDArray[np.float64]:
        """`count` values of rho, the same array every time."""
        if count not in self._grids:
            rho = nodes_within(self.interval, count)
            heights = self._logdet(rho)
            for shared in (rho, heights):
                shared.setflags(write=False)
            self._grids[count] = rho, heights
        return self._grids[count][0]

    def identifies(self) -> bool:
        """Whether the likelihood has curvature in rho."""
        if not self._identifies:
            self._identifies.append(Spectrum.identifies(self))
        return self._identifies[0]

    def project(self) -> EigenSpectrum:
        """Leave out the eigenvalue nearest to one."""
        unit = int(np.argmin(np.abs(self.eigenvalues - 1.0)))
        return replace(self, eigenvalues=np.delete(self.eigenvalues, unit), projected=True)

    def unprojected(self) -> EigenSpectrum:
        """Spectrum of W itself."""
        return spectrum(self.W) if self.projected else self

    def lag(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Lag columns of shape (T, N) or (T, N, K)."""
        return np.ascontiguousarray(np.moveaxis(np.tensordot(self.W, columns, (1, 1)), 0, 1))

    def solve(self, rho: float, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """(I - rho W)^-1 times the units of every period, columns of shape (T, N)."""
        return np.asarray(np.linalg.solve(np.eye(len(self.W)) - rho * self.W, columns.T).T)

    def logdet(self, rho: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """log|I - rho W|, for one value of rho or an array of them."""
        known = self._grids.get(np.size(rho))
        return known[1] if known and known[0] is rho else self._logdet(rho)

    def _logdet(self, rho: float | NDArray[np.float64]) -> NDArray[np.float64]:
        return np.log(np.abs(1.0 - np.multiply.outer(rho, self.eigenvalues))).sum(axis=-1)

    def traces_G(self, rho: NDArray[np.float64]) -> NDArray[np.float64]:
        """Trace of G at every value of rho."""
        w = self.eigenvalues
        return np.asarray((w / (1.0 - np.multiply.outer(rho, w))).sum(axis=-1).real)

    def form(self, rho: float) -> NDArray[np.float64]:
        """G, shape (1, N, N)."""
        return self.G(rho)[None]

    def squares(self) -> tuple[float, float, float]:
        """Return sum w_ij^2, tr W and i'W W'i / N."""
        columns = self.W.sum(axis=0)
        return float((self.W**2).sum()), float(np.trace(self.W)), float(columns @ columns) / self.N

    def exchanged(self, order: NDArray[np.int64]) -> EigenSpectrum:
        """Spectrum with units in another order: the eigenvalues stay."""
        return replace(self, W=self.W[np.ix_(order, order)])

    def same_as(self, other: Spectrum) -> bool:
        """Whether two spectra are of the same weights."""
        return isinstance(other, EigenSpectrum) and np.array_equal(self.W, other.W)


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
    def N(self) -> int:
        """Units."""
        return self.each[0].N

    @property
    def row_sums(self) -> NDArray[np.float64]:
        """Mean row sums over the periods, shape (N,)."""
        return np.mean([s.row_sums for s in self.each], axis=0)

    @property
    def nodes(self) -> NDArray[np.float64]:
        """Values of rho, dense towards both ends of the interval."""
        return nodes_within(self.interval, _NODES)

    @property
    def projected(self) -> bool:
        """Whether the unit root left with time effects."""
        return self.each[0].projected

    @property
    def interval(self) -> tuple[float, float]:
        """Where I - rho W is non-singular in every period."""
        return max(s.interval[0] for s in self.each), min(s.interval[1] for s in self.each)

    def border_remedy(self, end: float) -> str:
        """Say what to do where the search, and not the model, ends at `end`; else nothing."""
        return next(filter(None, (s.border_remedy(end) for s in self.each)), "")

    def search(self, profile: Profile, count: int) -> NDArray[np.float64]:
        """Values of rho, dense towards both ends of the interval."""
        return nodes_within(self.interval, count)

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

    def form(self, rho: float) -> NDArray[np.float64]:
        """G_t, shape (T, N, N)."""
        return self.G(rho)

    def conjugate(self, lam: float, A: NDArray[np.float64]) -> NDArray[np.float64]:
        """R_t A_t R_t^-1 with R_t = I - lam W_t, A of shape (T, N, N); centred when projected."""
        return np.stack([s.conjugate(lam, part) for s, part in zip(self.each, A, strict=True)])


type Spectral = Spectrum | SpectrumPath


def levels(weights: Spectral) -> Spectrum:
    """Spectrum of W itself, the same in all periods.

    Raises
    ------
    IdentificationError
        If the weights change over time.
    """
    return spectrum(weights.W) if isinstance(weights, SpectrumPath) else weights.unprojected()


def spectrum(W: NDArray[np.float64]) -> EigenSpectrum:
    """Decompose a dense weights matrix of shape (N, N)."""
    values = eigenvalues(W)
    radius = float(np.abs(values).max())
    real = values.real[np.abs(values.imag) < _ROUNDING * radius]
    lowest, highest = float(real.min(initial=0.0)), float(real.max(initial=0.0))
    lower = 1.0 / lowest if lowest < -_ROUNDING * radius else -1.0 / radius
    upper = 1.0 / highest if highest > _ROUNDING * radius else 1.0 / radius
    return EigenSpectrum(W, values, (max(lower, -len(W) / radius), upper), projected=False)


def eigenvalues(W: NDArray[np.float64]) -> NDArray[np.complex128]:
    """All eigenvalues of weights (N, N), by those of their symmetric twin where there is one."""
    twin = symmetric_twin(W) if len(W) > _FEW_UNITS else None
    values = np.linalg.eigvals(W) if twin is None else np.linalg.eigvalsh(twin.toarray())
    return values.astype(np.complex128)


def nodes_within(interval: tuple[float, float], count: int) -> NDArray[np.float64]:
    """Points inside an open interval, dense towards both ends."""
    lower, upper = interval
    half = 0.5 * (upper - lower) * (1.0 - 2.0 * _BORDER)
    return np.asarray(0.5 * (lower + upper) - half * np.cos(np.linspace(0.0, np.pi, count)))
