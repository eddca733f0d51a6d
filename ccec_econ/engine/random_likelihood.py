"""Random unit effects: the likelihood of y_t = rho W y_t + Z_t d + e_t with e_t made of two parts.

With phi = sigma_mu2 / sigma2, R = I - lam M and K = R'R the two error forms are

    "bsk":  e_t = mu + R^-1 v_t       (Baltagi, Song and Koh 2003; mu is not filtered)
    "kkp":  e_t = R^-1 (mu + v_t)     (Kapoor, Kelejian and Prucha 2007)

and "none" is either with lam = 0. Over time the covariance has two blocks: T - 1 times K^-1 for
deviations from unit means, and once, for unit means times sqrt(T),

    V_b = T phi I + K^-1  ("bsk"),   V_b = (1 + T phi) K^-1  ("kkp").

So with e_w, e_b the residuals of both parts, coefficients and sigma2 concentrated out,

    l(rho, lam, phi) = -(NT/2) [log(2 pi s2) + 1] + T log|I - rho W| + (T - 1) log|R| - log|V_b|/2,
    s2 = [e_w'(I x K) e_w + e_b' V_b^-1 e_b] / (NT),

and no matrix larger than (N, N) is formed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from ccec_econ.engine.moments import Moments, Triangle
from ccec_econ.engine.spectrum import Spectrum
from ccec_econ.errors import ConvergenceError

__all__ = ["Form", "RandomLikelihood", "RandomOptimum"]

Form = Literal["none", "bsk", "kkp"]

_RHO_NODES = 80
_LAM_NODES = 20
_PHI_NODES = 14
_BORDER = 1e-6  # share of the interval's width kept clear of its ends
_LEAST = -18.0  # log of 1/(1 + T phi) at which unit effects leave nothing else to see
_STEP = 1e-5  # of the central differences that make the Hessian
_ROOT = 1e-9  # score, in standard errors of its parameter, at which the search ends
_TURNS = 40
_KEPT = 8  # slices remembered: a Hessian by differences asks for three lams, seven times
_SAME = 1e-4  # optima closer than this in rho, lam and log(1 + T phi) are one


@dataclass(frozen=True, slots=True)
class RandomOptimum:
    """A maximum: rho, lam, phi, coefficients (K,), variance of v and height.

    Attributes
    ----------
    boundary : bool
        Whether phi lies at zero with the likelihood falling away from it.
    """

    rho: float
    lam: float
    phi: float
    coefficients: NDArray[np.float64]
    sigma2: float
    loglik: float
    boundary: bool


@dataclass(frozen=True, slots=True)
class _Slice:
    """The likelihood at one lam, in coordinates where both blocks are diagonal.

    Attributes
    ----------
    lam : float
    within : ndarray, shape (rows, K + 2)
        Filtered columns of [Z, y, Wy], deviations from unit means, reduced.
    between : ndarray, shape (N, K + 2)
        Unit means times sqrt(T), rotated so that V_b is diag(own + T phi).
    own : ndarray, shape (N,)
    basis : ndarray, shape (N, N), or None
        Eigenvectors of K ("bsk").
    turned : ndarray, shape (N,), or None
        Diagonal of M'R + R'M on them, the slopes of eigenvalues of K with the sign turned.
    logdet : float
        Part of the log-likelihood that is known once lam is.
    """

    lam: float
    within: NDArray[np.float64]
    between: NDArray[np.float64]
    own: NDArray[np.float64]
    basis: NDArray[np.float64] | None
    turned: NDArray[np.float64] | None
    logdet: float


type _Slices = Callable[[float], _Slice]


@dataclass(frozen=True, slots=True)
class RandomLikelihood:
    """Concentrated likelihood of rho, lam and phi.

    Attributes
    ----------
    within, between : Triangle
        Columns of [Z, y, Wy] and their lags by M: deviations from unit means (reduced) and unit
        means times sqrt(T) (N rows).
    spectrum, error : Spectrum or None
        Weights of the response and of the errors; None fixes rho, or lam, at zero.
    form : {"none", "bsk", "kkp"}
    """

    within: Triangle
    between: Triangle
    spectrum: Spectrum | None
    error: Spectrum | None
    form: Form
    N: int
    T: int

    @property
    def nobs(self) -> int:
        """Observations, N * T."""
        return self.N * self.T

    def moments(self, lam: float, phi: float) -> Moments:
        """Least-squares moments of the columns weighted by the inverse covariance."""
        return self._moments(self._slice(lam), phi)

    def loglik(self, rho: float, lam: float, phi: float) -> float:
        """Height of the concentrated log-likelihood, constants included."""
        part = self._slice(lam)
        return float(self._heights(part, self._moments(part, phi), phi, np.array([rho]))[0])

    def score(self, rho: float, lam: float, phi: float) -> NDArray[np.float64]:
        """Slopes with respect to rho, lam and phi; zero for a parameter that is fixed."""
        return self._value_and_score(rho, self._slice(lam), phi)[1]

    def at(self, rho: float, lam: float, phi: float, *, boundary: bool = False) -> RandomOptimum:
        """Coefficients, variance and height at given parameters."""
        part = self._slice(lam)
        moments = self._moments(part, phi)
        s2 = float(moments.sse(rho)) / self.nobs
        height = float(self._heights(part, moments, phi, np.array([rho]))[0])
        return RandomOptimum(rho, lam, phi, moments.coefficients(rho), s2, height, boundary)

    def maxima(self) -> list[RandomOptimum]:
        """Find the local maxima, the highest first.

        A grid over (lam, phi, rho) brackets them; each is climbed by a quasi-Newton search and
        polished by Newton's method on the analytic score.

        Raises
        ------
        ConvergenceError
            If the likelihood still rises at an end of rho's or lam's interval, or as phi grows
            without bound.
        """
        slices = lru_cache(_KEPT)(self._slice)
        tops = _apart([self._climbed(start, slices) for start in self._starts(slices)])
        found = [self._polished(top, slices) for top in tops]
        found.sort(key=lambda optimum: -optimum.loglik)
        self._refuse_border(found[0])
        inside = [one for one in found if self._at_border(one) is None]
        return _distinct(inside, self.T)

    def _slice(self, lam: float) -> _Slice:
        within = self.within.own - lam * self.within.lagged
        logdet = 0.0 if self.error is None else float(self.error.logdet(lam))
        if self.form == "bsk" and self.error is not None:
            R = np.eye(self.N) - lam * self.error.W
            values, basis = np.linalg.eigh(R.T @ R)
            between, MQ = basis.T @ self.between.own, self.error.W @ basis
            turned = 2.0 * ((basis - lam * MQ) * MQ).sum(axis=0)
            known = (self.T - 1) * logdet
            return _Slice(lam, within, between, 1.0 / values, basis, turned, known)
        between = self.between.own - lam * self.between.lagged
        return _Slice(lam, within, between, np.ones(self.N), None, None, self.T * logdet)

    def _moments(self, part: _Slice, phi: float) -> Moments:
        weighted = part.between / np.sqrt(part.own + self.T * phi)[:, None]
        columns = np.vstack([part.within, weighted])
        return Triangle(columns, np.zeros_like(columns), self.within.length).at(0.0)

    def _heights(
        self, part: _Slice, moments: Moments, phi: float, rho: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        s2 = moments.sse(rho) / self.nobs
        height = -0.5 * self.nobs * (np.log(2.0 * np.pi * s2) + 1.0)
        height += part.logdet - 0.5 * float(np.log(part.own + self.T * phi).sum())
        if self.spectrum is not None:
            height = height + self.T * self.spectrum.logdet(rho)
        return np.asarray(height)

    def _value_and_score(
        self, rho: float, part: _Slice, phi: float
    ) -> tuple[float, NDArray[np.float64]]:
        moments = self._moments(part, phi)
        s2 = float(moments.sse(rho)) / self.nobs
        coefficients = moments.coefficients(rho)
        c = np.concatenate([-coefficients * self.within.length, [1.0, -rho]])
        e, v = part.between @ c, part.own + self.T * phi
        by_phi = 0.5 * self.T * float((e**2 / v**2).sum() / s2 - (1.0 / v).sum())
        by_rho = by_lam = 0.0
        if self.spectrum is not None:
            by_rho = -0.5 * float(moments.sse_slope(rho)) / s2 - self.T * self.spectrum.trace_G(rho)
        if self.error is not None:
            own, lag = self.within.residuals(part.lam, rho, coefficients)
            by_lam = float(own @ lag) / s2 + self._between_by_lam(part, phi, c, s2)
        return (
            float(self._heights(part, moments, phi, np.array([rho]))[0]),
            np.array([by_rho, by_lam, by_phi]),
        )

    def _between_by_lam(self, part: _Slice, phi: float, c: NDArray[np.float64], s2: float) -> float:
        """Slope with respect to lam of everything but the fit of the deviations."""
        if self.error is None:
            return 0.0
        lam, v, e = part.lam, part.own + self.T * phi, part.between @ c
        trace = self.error.trace_G(lam)
        if part.basis is None or part.turned is None:
            return float((self.between.lagged @ c) @ e / v[0]) / s2 - self.T * trace
        share = part.own / v
        f = part.basis @ (share * e)
        Mf = self.error.W @ f
        fit = float(Mf @ (f - lam * Mf)) / s2
        return fit - 0.5 * float((part.turned * share * part.own).sum()) - (self.T - 1) * trace

    def _starts(self, slices: _Slices) -> list[NDArray[np.float64]]:
        """Local maxima of the likelihood on a grid of (rho, lam, log 1/(1 + T phi))."""
        rhos, lams = _nodes(self.spectrum, _RHO_NODES), _nodes(self.error, _LAM_NODES)
        logs = np.linspace(-9.0, 0.0, _PHI_NODES)
        heights = np.empty((len(rhos), len(lams), len(logs)))
        for j, lam in enumerate(lams):
            part = slices(float(lam))
            for k, log in enumerate(logs):
                phi = self._phi(float(log))
                heights[:, j, k] = self._heights(part, self._moments(part, phi), phi, rhos)
        tops = np.ones(heights.shape, dtype=bool)
        for axis in range(3):
            step = np.diff(heights, axis=axis)
            end = np.zeros_like(np.take(heights, [0], axis=axis))
            tops &= np.concatenate([end, step], axis=axis) >= 0.0
            tops &= np.concatenate([step, end], axis=axis) <= 0.0
        return [np.array([rhos[i], lams[j], logs[k]]) for i, j, k in np.argwhere(tops)]

    def _phi(self, log: float) -> float:
        return abs(float(np.expm1(-log))) / self.T  # a border optimum is 0, not -0

    def _free(self) -> NDArray[np.bool_]:
        return np.array([self.spectrum is not None, self.error is not None, True])

    def _value_and_slope(
        self, x: NDArray[np.float64], slices: _Slices
    ) -> tuple[float, NDArray[np.float64]]:
        """Height and slopes in (rho, lam, log 1/(1 + T phi))."""
        part, phi = slices(float(x[1])), self._phi(float(x[2]))
        value, slope = self._value_and_score(float(x[0]), part, phi)
        slope[2] *= -np.exp(-x[2]) / self.T
        return value, slope

    def _climbed(self, start: NDArray[np.float64], slices: _Slices) -> NDArray[np.float64]:
        """Climb from a node by L-BFGS-B inside the parameter space."""
        free, x = self._free(), start.copy()

        def target(
            values: np.ndarray[tuple[int], np.dtype[np.float64]],
        ) -> tuple[float, NDArray[np.float64]]:
            full = start.copy()
            full[free] = values
            value, slope = self._value_and_slope(full, slices)
            return -value, -slope[free]

        ends = np.array([_ends(self.spectrum), _ends(self.error), (_LEAST, 0.0)])[free]
        x[free] = minimize(
            target,
            start[free].ravel(),
            jac=True,
            bounds=ends,
            method="L-BFGS-B",
            options={"maxiter": 500, "ftol": 1e-13, "gtol": 1e-6},
        ).x
        return x

    def _polished(self, x: NDArray[np.float64], slices: _Slices) -> RandomOptimum:
        """Newton's method on the score; phi stays at zero where the likelihood falls from it."""
        free = self._free()
        for _ in range(_TURNS):
            value, slope = self._value_and_slope(x, slices)
            boundary = bool(x[2] >= 0.0 and slope[2] >= 0.0)
            free[2] = not boundary
            if not free.any() or self._on_ends(x):
                break
            H = self._hessian(x, free, slices)
            scaled = np.abs(slope[free]) / np.sqrt(np.maximum(-np.diag(H), 1e-300))
            if scaled.max() < _ROOT:
                break
            moved = x.copy()
            moved[free] -= np.linalg.solve(H, slope[free])
            moved[2] = np.clip(moved[2], _LEAST, 0.0)
            if self._on_ends(moved) or not self._value_and_slope(moved, slices)[0] >= (
                value - 1e-9 * self.nobs
            ):
                break
            x = moved
        rho, lam = float(x[0]), float(x[1])
        return self.at(rho, lam, self._phi(min(float(x[2]), 0.0)), boundary=not free[2])

    def _hessian(
        self, x: NDArray[np.float64], free: NDArray[np.bool_], slices: _Slices
    ) -> NDArray[np.float64]:
        columns = []
        for j in np.flatnonzero(free):
            step = _STEP * np.eye(3)[j]
            up, down = (self._value_and_slope(x + way * step, slices)[1] for way in (1.0, -1.0))
            columns.append((up - down)[free] / (2.0 * _STEP))
        H = np.array(columns)
        return (H + H.T) / 2.0

    def _on_ends(self, x: NDArray[np.float64]) -> bool:
        """Whether rho or lam lies within a difference step of its end."""
        return any(
            not low + 2.0 * _STEP < value < high - 2.0 * _STEP
            for value, weights in ((x[0], self.spectrum), (x[1], self.error))
            if weights is not None
            for low, high in (weights.interval,)
        )

    def _at_border(self, one: RandomOptimum) -> str | None:
        for name, value, weights in (
            ("rho", one.rho, self.spectrum),
            ("lam", one.lam, self.error),
        ):
            if weights is None:
                continue
            low, high = weights.interval
            if not low + 2.0 * _STEP < value < high - 2.0 * _STEP:
                why = weights.border_remedy(value)
                found = f"{name} = {value:.6f}, an end of ({low:.4f}, {high:.4f})"
                return f"{found} ({why})" if why else found
        if 1.0 / (1.0 + self.T * one.phi) <= np.exp(_LEAST) * 1.01:
            return f"phi = {one.phi:.3g}, all variance between units"
        return None

    def _refuse_border(self, one: RandomOptimum) -> None:
        end = self._at_border(one)
        if end is not None:
            raise ConvergenceError(
                f"the likelihood with random effects still rises at {end}: check units and "
                "transformation of y, leave out one of the spatial terms, or use fixed effects."
            )


def _ends(weights: Spectrum | None) -> tuple[float, float]:
    low, high = (0.0, 0.0) if weights is None else weights.interval
    edge = _BORDER * (high - low)
    return low + edge, high - edge


def _nodes(weights: Spectrum | None, count: int) -> NDArray[np.float64]:
    """Nodes dense towards both ends of the interval; zero alone where a parameter is fixed."""
    if weights is None:
        return np.zeros(1)
    low, high = _ends(weights)
    turns = np.cos(np.linspace(np.pi, 0.0, count + 2)[1:-1])
    return np.asarray(0.5 * (low + high) + 0.5 * (high - low) * turns)


def _apart(tops: list[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """Leave out places that another search reached already, (rho, lam, log 1/(1 + T phi))."""
    kept: list[NDArray[np.float64]] = []
    for top in tops:
        if all(np.abs(top - other).max() > _SAME for other in kept):
            kept.append(top)
    return kept


def _distinct(found: list[RandomOptimum], T: int) -> list[RandomOptimum]:
    """Leave out repeats; phi alone can have two maxima (Maddala 1971, Econometrica 39, 341-358)."""
    kept: list[RandomOptimum] = []
    places: list[NDArray[np.float64]] = []
    for one in found:
        place = np.array([one.rho, one.lam, np.log1p(T * one.phi)])
        if all(np.abs(place - other).max() > _SAME for other in places):
            kept.append(one)
            places.append(place)
    return kept
