"""The reduced form of a fit: which parameters effects depend on, and the matrices they multiply.

Every effect is a linear map of the coefficients b and t_m of a regressor and of its lags,

    r(f b + sum_m t_m f X_m),

with r a linear reduction of matrices (N, N): averages, blocks between groups, or the matrix itself.
f and its slopes come from `multipliers`; weights that change over time are averaged over periods.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.dynamic import TimeLags
from ccec_econ.engine.estimate import Reduced
from ccec_econ.engine.higher_order import norms, reach
from ccec_econ.engine.sparse_weights import SparseWeights
from ccec_econ.engine.spectrum import Spectral, Spectrum, SpectrumPath
from ccec_econ.errors import IdentificationError
from ccec_econ.inference.interpolation import read_off
from ccec_econ.inference.multipliers import Reach
from ccec_econ.inference.vcov import Vcov
from ccec_econ.inference.weighted_period import Period, Reduction, averages
from ccec_econ.weights import sums_to_one

__all__ = ["ReducedForm", "Term", "several_form", "static_form"]


_CELLS = 2**20  # numbers per array of a batch of draws
_MANY = 100  # draws from which on their matrices are read off those at a few rho
_UNITS = 50  # units below which an inverse costs nothing


@dataclass(frozen=True, slots=True)
class Term:
    """A regressor: where its coefficient stands, and those of its lags, one per lagging weights."""

    name: str
    own: int | None
    lags: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class ReducedForm:
    """Parameters theta of the effects, in the order of the fit, and what they multiply.

    Attributes
    ----------
    theta : ndarray, shape (P,)
        Coefficients, then rho: one of them, or one per weights; zero in models without.
    names : tuple of str
        P names; those of parameters the model has are those of its results.
    kept : int
        How many of theta the model has; the rest are certain zeros.
    terms : tuple of Term
    rho : tuple of int
        Positions of the rho_k that the model has.
    lags : TimeLags
        Positions of tau and eta.
    periods : tuple of Period
        One, or T where weights change over time.
    inside : callable
        Which rows of parameters (D, P) lie in the parameter space.
    region : str
        That space, for messages.
    reach : Reach
    remarks : tuple of str
        Sentences for the foot of tables.
    only_averages : str
        Why nothing but averages over units can be had; empty where more can.
    """

    theta: NDArray[np.float64]
    names: tuple[str, ...]
    kept: int
    terms: tuple[Term, ...]
    rho: tuple[int, ...]
    lags: TimeLags
    periods: tuple[Period, ...]
    inside: Callable[[NDArray[np.float64]], NDArray[np.bool_]]
    region: str
    reach: Reach = Reach()  # noqa: RUF009 (frozen, no state)
    remarks: tuple[str, ...] = ()
    only_averages: str = ""

    @property
    def N(self) -> int:
        """Units."""
        return self.periods[0].N

    @property
    def is_dynamic(self) -> bool:
        """Whether there are time lags."""
        return bool(self.lags.positions)

    @property
    def has_lagged_terms(self) -> bool:
        """Whether a regressor is lagged in space."""
        return any(at is not None for term in self.terms for at in term.lags)

    def covariance(self, vcov: Vcov) -> NDArray[np.float64]:
        """Covariance of theta."""
        V = np.zeros((len(self.theta), len(self.theta)))
        V[: self.kept, : self.kept] = vcov.matrix[: self.kept, : self.kept]
        return V

    def by_order(self, orders: int) -> ReducedForm:
        """Split the short run by powers of the weights.

        Raises
        ------
        ValueError
            If `orders` is negative.
        IdentificationError
            If the powers do not die out.
        """
        if orders < 0:
            raise ValueError(f"orders {orders}: give zero or more.")
        radius = float(self._radius(self.theta[None, :])[0])
        if radius >= 1.0:
            raise IdentificationError(
                f"rho W has spectral radius {radius:.4f}: its powers do not die out, so effects "
                "have no partition by order; use effects() instead."
            )

        def inside(theta: NDArray[np.float64]) -> NDArray[np.bool_]:
            return np.asarray(self.inside(theta) & (self._radius(theta) < 1.0))

        region = f"{self.region}, or powers of rho W grow"
        return replace(self, reach=Reach(orders=orders), inside=inside, region=region)

    def at_period(self, period: int) -> ReducedForm:
        """Take the weights of one period, of those that change over time."""
        return replace(self, periods=(self.periods[period],), remarks=())

    def reduced(self, theta: NDArray[np.float64], reduction: Reduction) -> NDArray[np.float64]:
        """Reduce f and f X_m at parameters (D, P): shape (D, 1 + M, levels * R)."""
        if len(theta) >= _MANY and self._is_curve(reduction):

            def curve(rho: NDArray[np.float64]) -> NDArray[np.float64]:
                at = np.tile(self.theta, (len(rho), 1))
                at[:, self.rho[0]] = rho
                return self._by_matrices(at, reduction)

            found = read_off(theta[:, self.rho[0]], curve)
            if found is not None:
                return found
        return self._by_matrices(theta, reduction)

    def _is_curve(self, reduction: Reduction) -> bool:
        """Whether the cells are functions of one rho alone that take inverses of many units."""
        alone = len(self.rho) == 1 and self.reach.horizon == "short"
        sizes = {period.size(reduction, self.reach) for period in self.periods}
        return alone and self.N >= _UNITS and self.N**2 in sizes

    def _by_matrices(self, theta: NDArray[np.float64], reduction: Reduction) -> NDArray[np.float64]:
        each = [
            self._reduced(batch, reduction, slopes=False)[:, 0]
            for batch in self._batches(theta, reduction)
        ]
        found = np.concatenate(each, axis=1)  # (levels, D, 1 + M, R)
        return np.moveaxis(found, 0, 2).reshape(*found.shape[1:3], -1)

    def slopes(self, reduction: Reduction) -> dict[int, NDArray[np.float64]]:
        """Differentiate `reduced` at theta, by position of the parameter: (1 + M, levels * R)."""
        found = self._reduced(self.theta[None, :], reduction, slopes=True)[:, 1:, 0]
        levels, J, width, R = found.shape
        found = np.moveaxis(found, 0, 2).reshape(J, width, levels * R)
        short = self.reach.horizon == "short"
        positions = [*self.rho, *([] if short else [self.lags.own, self.lags.spatial])]
        return {j: part for j, part in zip(positions, found, strict=True) if j is not None}

    def _reduced(
        self, theta: NDArray[np.float64], reduction: Reduction, *, slopes: bool
    ) -> NDArray[np.float64]:
        """Average over periods, each by its units: shape (levels, 1 + J, D, 1 + M, R)."""
        if self.only_averages and reduction is not averages:
            raise IdentificationError(self.only_averages)
        zero = np.zeros(len(theta))
        tau, eta = (zero if j is None else theta[:, j] for j in (self.lags.own, self.lags.spatial))
        rho = theta[:, list(self.rho)]
        parts = (
            p.reduced(reduction, (rho, tau, eta), self.reach, slopes=slopes) for p in self.periods
        )
        share = [period.N / sum(each.N for each in self.periods) for period in self.periods]
        return np.asarray(sum(w * part for w, part in zip(share, parts, strict=True)))

    def _batches(
        self, theta: NDArray[np.float64], reduction: Reduction
    ) -> Iterator[NDArray[np.float64]]:
        largest = max(period.size(reduction, self.reach) for period in self.periods)
        size = largest * self.reach.levels
        step = max(1, _CELLS // size)
        return (theta[i : i + step] for i in range(0, len(theta), step))

    def _radius(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Spectral radius of sum_k rho_k W_k, the largest over periods; its bound where below 1."""
        rho, out = theta[:, list(self.rho)], np.zeros(len(theta))
        for period in self.periods if self.rho else ():
            W = np.stack(period.response)
            bound = np.abs(rho) @ np.abs(W).sum(axis=2).max(axis=1)
            far = np.flatnonzero(bound >= 1.0)
            if len(far):
                roots = np.linalg.eigvals(np.tensordot(rho[far], W, axes=1))
                bound[far] = np.abs(roots).max(axis=1)
            out = np.maximum(out, bound)
        return out


def static_form(fit: Reduced, *, without: Collection[str] = ()) -> ReducedForm:
    """Reduced form of an estimate with at most one spatial lag of the response.

    Parameters
    ----------
    without : collection of str
        Terms that have no effects, besides the constant and lags in time.

    Raises
    ------
    IdentificationError
        If rho is outside its interval, as estimates by instruments can be.
    """
    lower, upper = (-np.inf, np.inf) if fit.weights is None else fit.weights.interval
    rho = fit.optimum.rho
    if not lower < rho < upper:
        raise IdentificationError(
            f"rho = {rho:.4f} lies outside its interval ({lower:.4f}, {upper:.4f}): there is no "
            "reduced form, hence no effects."
        )
    K = len(fit.terms)

    def inside(theta: NDArray[np.float64]) -> NDArray[np.bool_]:
        return np.asarray((theta[:, K] > lower) & (theta[:, K] < upper))

    terms = tuple(term for term in _terms(fit) if term.name not in without)
    mean = "Weights change over time: effects are means over the periods."
    return ReducedForm(
        theta=np.append(fit.optimum.coefficients, rho),
        names=(*fit.terms, "rho"),
        kept=K + (fit.spectrum is not None),
        terms=terms,
        rho=() if fit.weights is None else (K,),
        lags=TimeLags(None, None),
        periods=_periods(fit, lagged=any(term.lags for term in terms)),
        inside=inside,
        region=f"the space of rho, ({lower:.4f}, {upper:.4f})",
        remarks=(mean,) * fit.varies,
    )


def several_form(
    coefficients: NDArray[np.float64],
    rho: NDArray[np.float64],
    terms: tuple[str, ...],
    lag_of: tuple[tuple[str, str] | None, ...],
    weights: Mapping[str, NDArray[np.float64]],
) -> ReducedForm:
    """Reduced form of a model with several spatial lags of the response.

    Draws stay in the region that the estimate was searched in, sum |rho_k| |W_k| < 1 in one of
    the norms 1, 2 and infinity, so that effects do not depend on the scale of the weights.

    Parameters
    ----------
    lag_of : tuple
        For each coefficient, the weights and the term it is the lag by and of; None for others.
    weights : mapping
        W_k by name, in the order of rho.
    """
    K, names = len(coefficients), list(weights)
    own = {name: j for j, name in enumerate(terms) if lag_of[j] is None and name != "Intercept"}
    lags = {of: j for j, of in enumerate(lag_of) if of is not None}
    at = tuple(range(K, K + len(rho)))
    W = tuple(weights.values())
    lengths = norms(np.stack(W))

    def inside(theta: NDArray[np.float64]) -> NDArray[np.bool_]:
        return np.asarray(reach(theta[:, K:], lengths) < 1.0)

    return ReducedForm(
        theta=np.concatenate([coefficients, rho]),
        names=(*terms, *(f"rho[{name}]" for name in names)),
        kept=K + len(rho),
        terms=tuple(
            Term(term, j, tuple(lags.get((name, term)) for name in names) if lags else ())
            for term, j in own.items()
        ),
        rho=at,
        lags=TimeLags(None, None),
        periods=(Period(len(W[0]), W, W if lags else ()),),
        inside=inside,
        region=(
            "the space of rho, where their absolute values, each times the norm of its weights, "
            "sum to less than one"
        ),
    )


def _terms(fit: Reduced) -> Iterator[Term]:
    """Each regressor with the position of its coefficient and of its lag's."""
    own = {
        term: j
        for j, (term, of) in enumerate(zip(fit.terms, fit.lag_of, strict=True))
        if of is None and term != "Intercept" and not term.startswith("L(")
    }
    lag = {of: j for j, of in enumerate(fit.lag_of) if of is not None and of[:2] != "L("}
    for name in dict.fromkeys([*own, *lag]):
        yield Term(name, own.get(name), (lag.get(name),) if lag else ())


def _periods(fit: Reduced, *, lagged: bool) -> tuple[Period, ...]:
    """Weights by period; those of the regressors are the response's where they have no others."""
    N = fit.shape[1]
    X = (fit.x_weights or fit.weights) if lagged else None
    paths = [part for part in (fit.weights, X) if isinstance(part, SpectrumPath)]
    T = len(paths[0].each) if paths else 1
    return tuple(_period(N, _of(fit.weights, t), _of(X, t)) for t in range(T))


def _of(part: Spectral | None, t: int) -> Spectrum | None:
    return part.each[t] if isinstance(part, SpectrumPath) else part


def _period(N: int, own: Spectrum | None, X: Spectrum | None) -> Period:
    some = own or X
    if some is None:
        return Period(N, (), (), np.zeros(1, dtype=np.complex128))
    shared = own is None or X is None or own.same_as(X)
    plain = shared and sums_to_one(some.row_sums)
    response = () if own is None else (own,)
    lagging = () if X is None else (X,)
    if isinstance(some, SparseWeights):
        return Period(some.N, response, lagging, traces=some if plain else None)
    return Period(some.N, response, lagging, some.eigenvalues if plain else None)
