"""Confidence sets when later departures from parallel trends are bounded by earlier ones.

Relative magnitudes, Delta^RM(Mbar) of Rambachan and Roth: from one period to the next the
difference in trends after adoption changes by at most Mbar times its largest change before. That
largest change is estimated, so an interval around the plug-in bounds has the wrong level; here the
moment inequalities are tested.

For one candidate place and sign of the largest change before, with v its value, theta = l'tau is
accepted where some path of departures meets all inequalities. Eliminating the path leaves, for

    u = l'beta_post - theta,    W = sum_t |sum_{s >= t} l_s|,

the inequalities u <= Mbar W v, -u <= Mbar W v and 0 <= 2 Mbar v: no linear program is needed. The
test is the conditional least-favourable hybrid of Andrews, Roth and Pakes, and the confidence set
joins the candidates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.legendre import leggauss
from numpy.typing import NDArray
from scipy import optimize, special

__all__ = ["Target", "confidence_set", "plug_in_bounds"]

_FIRST_STAGE = 0.1  # share of the level that the least-favourable test gets
_GRID = 400
_DOUBLINGS = 12
_NODES, _WEIGHTS = leggauss(200)
_FLAT = 1e-12  # variance of a moment, relative to the largest, that counts as none

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Target:
    """Event-study estimates around a base period and the combination asked about.

    Attributes
    ----------
    before, after : ndarray, shapes (A,) and (B,)
        Coefficients before and after the base period, in order of time.
    covariance : ndarray, shape (A + B, A + B)
    weights : ndarray, shape (B,)
        Weights l of the effect theta = l'tau.
    """

    before: Floats
    after: Floats
    covariance: Floats
    weights: Floats

    @property
    def estimate(self) -> float:
        """Estimate of theta under parallel trends."""
        return float(self.weights @ self.after)

    @property
    def std_error(self) -> float:
        """Its standard error."""
        A = len(self.before)
        return float(np.sqrt(self.weights @ self.covariance[A:, A:] @ self.weights))

    @property
    def reach(self) -> float:
        """W: how far theta moves when every change between periods moves by one."""
        return float(np.abs(np.cumsum(self.weights[::-1])).sum())

    @property
    def changes(self) -> Floats:
        """Changes of the coefficients before adoption, the last one to the base period."""
        return np.diff([*self.before, 0.0])

    def with_change(self, place: int, sign: float) -> tuple[float, Floats]:
        """Signed change at a place, and the covariance (2, 2) of (l'beta_post, this change)."""
        A = len(self.before)
        rows = np.zeros((2, len(self.covariance)))
        rows[0, A:] = self.weights
        rows[1, place] = -sign
        if place + 1 < A:
            rows[1, place + 1] = sign
        return sign * float(self.changes[place]), rows @ self.covariance @ rows.T


def plug_in_bounds(target: Target, mbar: float) -> tuple[float, float]:
    """Bounds of theta if the estimates were the truth."""
    half = mbar * target.reach * float(np.abs(target.changes).max())
    return target.estimate - half, target.estimate + half


def confidence_set(target: Target, mbar: float, level: float) -> tuple[float, float]:
    """Find the ends of the confidence set of theta; infinite where none is within reason."""
    cases = [
        _Case(target, place, sign, mbar, 1.0 - level)
        for place in range(len(target.before))
        for sign in (1.0, -1.0)
    ]

    def accepted(theta: Floats) -> NDArray[np.bool_]:
        return np.any([case.accepts(theta) for case in cases], axis=0)

    return _end(target, accepted, -1.0), _end(target, accepted, 1.0)


class _Case:
    """The inequalities for one place and sign of the largest change before adoption.

    Vertices of the dual: rows of `gamma` times (u, v) are the studentised moments
    (u - kv)/s, (-u - kv)/s and -v/s, with k = Mbar W.
    """

    __slots__ = ("alpha", "critical", "gamma", "mean", "sigma")

    def __init__(self, target: Target, place: int, sign: float, mbar: float, alpha: float) -> None:
        v, self.sigma = target.with_change(place, sign)
        self.mean = np.array([target.estimate, v])
        self.alpha = (alpha - _FIRST_STAGE * alpha) / (1.0 - _FIRST_STAGE * alpha)
        self.gamma = self._vertices(target, place, sign, mbar)
        self.critical = self._least_favourable(_FIRST_STAGE * alpha)

    def _vertices(self, target: Target, place: int, sign: float, mbar: float) -> Floats:
        """Vertices scaled by the standard deviations of the inequalities that they add up."""
        A, B = len(target.before), len(target.after)
        steps = np.zeros((B, A + B))
        steps[np.arange(B), A + np.arange(B)] = 1.0
        steps[np.arange(1, B), A + np.arange(B - 1)] = -1.0
        largest = np.zeros(A + B)
        largest[place] = -sign
        if place + 1 < A:
            largest[place + 1] = sign
        up, down = (
            np.sqrt(np.einsum("bi,ij,bj->b", rows, target.covariance, rows))
            for rows in (steps - mbar * largest, -steps - mbar * largest)
        )
        tails = np.cumsum(target.weights[::-1])[::-1]
        above, below = np.maximum(tails, 0.0), np.maximum(-tails, 0.0)
        k = mbar * target.reach
        rows = [
            np.array([1.0, -k]) / (above @ up + below @ down),
            np.array([-1.0, -k]) / (above @ down + below @ up),
        ]
        if mbar > 0.0:
            rows += [np.array([0.0, -2.0 * mbar]) / total for total in up + down]
        return np.array(rows)

    def _least_favourable(self, size: float) -> float:
        """Quantile of the largest moment where all of them bind."""
        s_v = np.sqrt(self.sigma[1, 1])
        slope = self.sigma[0, 1] / self.sigma[1, 1]
        s_u = np.sqrt(max(self.sigma[0, 0] - slope * self.sigma[0, 1], 0.0))
        (a, ka), (b, kb) = self.gamma[0], self.gamma[1]
        steepest = self.gamma[2:, 1].min(initial=0.0)

        def missing(c: float) -> float:
            """Probability that no moment passes c: from the least v at which all allow it."""
            low = -8.0
            if steepest < 0.0:
                low = max(low, c / steepest / s_v)
            if kb / b > ka / a:
                low = max(low, c * (1.0 / b - 1.0 / a) / (kb / b - ka / a) / s_v)
            z = low + (8.0 - low) * (_NODES + 1.0) / 2.0
            mass = (8.0 - low) / 2.0 * _WEIGHTS * np.exp(-(z**2) / 2.0) / np.sqrt(2.0 * np.pi)
            v = s_v * z
            top, bottom = (c - ka * v) / a, (c - kb * v) / b
            inside = special.ndtr((top - slope * v) / s_u) - special.ndtr(
                (bottom - slope * v) / s_u
            )
            return float(mass @ inside) - (1.0 - size)

        return float(optimize.brentq(missing, 0.0, 50.0, xtol=1e-10))

    def accepts(self, theta: Floats) -> NDArray[np.bool_]:
        """Whether the hybrid test keeps each value of theta."""
        x = np.stack([self.mean[0] - theta, np.full_like(theta, self.mean[1])])
        moments = self.gamma @ x
        best = moments.argmax(axis=0)
        eta = moments[best, np.arange(len(theta))]
        cov = self.gamma @ self.sigma @ self.gamma.T
        variance = np.diag(cov)[best]
        flat = variance <= _FLAT * np.diag(cov).max()
        slope = cov[:, best] / np.where(flat, 1.0, variance)
        rest = moments - slope * eta
        with np.errstate(divide="ignore", invalid="ignore"):
            edge = rest / (1.0 - slope)
        own = np.arange(len(moments))[:, None] == best
        lower = np.where((slope < 1.0 - 1e-10) & ~own, edge, -np.inf).max(axis=0)
        upper = np.where((slope > 1.0 + 1e-10) & ~own, edge, np.inf).min(axis=0)
        upper = np.minimum(upper, self.critical)
        s = np.sqrt(np.where(flat, 1.0, variance))
        tail = _tail(eta / s, lower / s, upper / s)
        rejected = (eta > self.critical) | ((eta > 0.0) & np.where(flat, True, tail < self.alpha))
        return np.asarray(~rejected)


def _tail(z: Floats, lower: Floats, upper: Floats) -> Floats:
    """P(Z > z) of a standard normal within [lower, upper], which holds z up to rounding."""
    lower, upper = np.minimum(lower, z), np.maximum(upper, z)

    def between(a: Floats, b: Floats) -> Floats:
        """Logarithm of P(a < Z < b), from the side where the tail is thin."""
        flip = a > 0.0
        a, b = np.where(flip, -b, a), np.where(flip, -a, b)
        top, bottom = special.log_ndtr(b), special.log_ndtr(a)
        with np.errstate(divide="ignore"):
            return np.asarray(top + np.log(-np.expm1(np.minimum(bottom - top, 0.0))))

    with np.errstate(invalid="ignore"):
        return np.exp(np.nan_to_num(between(z, upper) - between(lower, upper), nan=-np.inf))


def _end(target: Target, accepted: Callable[[Floats], NDArray[np.bool_]], side: float) -> float:
    """Outermost accepted value on one side, by a grid that widens and then bisection."""
    half = 4.0 * target.std_error
    for _ in range(_DOUBLINGS):
        grid = target.estimate + side * np.linspace(0.0, half, _GRID)
        kept = accepted(grid)
        if not kept[-1]:
            break
        half *= 2.0
    else:
        return side * np.inf
    if not kept.any():
        return target.estimate
    last = int(np.flatnonzero(kept)[-1])
    inner, outer = grid[last], grid[last + 1]
    for _ in range(40):
        middle = 0.5 * (inner + outer)
        inner, outer = (middle, outer) if accepted(np.array([middle]))[0] else (inner, middle)
    return float(inner)
