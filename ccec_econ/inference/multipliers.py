"""Multipliers f of a reduced form, and how they change with rho, tau and eta.

A unit change of x moves y by f (b I + sum_m t_m X_m), X_m the weights behind the lags of x. With
R = sum_k rho_k W_k, the weights of the response, and S = (I - R)^-1, f is

    short run          S,
    long run           [(1 - tau) I - (rho + eta) W]^-1  (a change that stays),
    horizon h          A^h S, h periods after a change that lasts one period,
    horizon h, summed  sum over s = 0..h of A^s S  (a change that stays),
    order q            R^q, what takes q steps through the weights in the short run,

A = S (tau I + eta W). Models without time lags know the short run only, and only there can there be
several W_k, which need not commute. The long run is the limit of the sums, so it exists where the
spectral radius of A is below one.

References
----------
Elhorst, J. P. (2014). Spatial Econometrics, chapter 4. Springer.
LeSage, J. P. and Pace, R. K. (2009). Introduction to Spatial Econometrics, sections 2.7 and 2.7.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Horizon", "OnEigenvalues", "OnMatrices", "Reach", "multipliers"]

type Horizon = Literal["short", "long"] | int
type _Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Reach:
    """Which multiplier: a horizon, or the short run split by order.

    Attributes
    ----------
    horizon : "short", "long" or int
        Periods after the change.
    cumulative : bool
        Whether a whole-number horizon sums the periods up to it.
    orders : int, optional
        Highest order listed, Q; then levels are orders 0..Q, what lies beyond, and all.
    """

    horizon: Horizon = "short"
    cumulative: bool = True
    orders: int | None = None

    @property
    def levels(self) -> int:
        """How many multipliers stand side by side."""
        return 1 if self.orders is None else self.orders + 3

    def name(self) -> str:
        """Name the horizon for a title."""
        if self.horizon in ("short", "long"):
            return f"{self.horizon} run"
        sort = "summed up to" if self.cumulative else "of a passing change at"
        return f"{sort} horizon {self.horizon}"


@dataclass(frozen=True, slots=True)
class OnEigenvalues:
    """Functions of one W by its eigenvalues; `parts` holds them, or nothing for a zero W."""

    one: _Array
    parts: tuple[_Array, ...]

    def times(self, a: _Array, b: _Array) -> _Array:
        """Multiply."""
        return np.asarray(a * b)

    def inverse(self, a: _Array) -> _Array:
        """Invert."""
        return np.asarray(1.0 / a)


@dataclass(frozen=True, slots=True)
class OnMatrices:
    """Functions of weights as matrices."""

    one: _Array
    parts: tuple[_Array, ...]

    def times(self, a: _Array, b: _Array) -> _Array:
        """Multiply."""
        return np.asarray(a @ b)

    def inverse(self, a: _Array) -> _Array:
        """Invert."""
        return np.asarray(np.linalg.inv(a))


type _Space = OnEigenvalues | OnMatrices


def multipliers(
    space: _Space, rho: _Array, tau: _Array, eta: _Array, reach: Reach, *, slopes: bool
) -> NDArray[Any]:
    """Evaluate f and its derivatives at D parameter vectors.

    Parameters
    ----------
    rho : ndarray, shape (D, p)
        One column per W_k in ``space.parts``.
    tau, eta : ndarray, shape (D,)
        Used beyond the short run.
    slopes : bool
        Whether derivatives are wanted; without them J is 0.

    Returns
    -------
    ndarray, shape (levels, 1 + J, D, ...)
        f, then its J derivatives: by each rho_k, and beyond the short run by tau and eta.
    """
    axes = (1,) * space.one.ndim
    R = np.zeros((len(rho), *space.one.shape), dtype=space.one.dtype)
    for k, W in enumerate(space.parts):
        R = R + rho[:, k].reshape(-1, *axes) * W
    varied = space.parts if slopes else ()
    if reach.orders is not None:
        return _by_order(space, R, varied, reach.orders)
    if reach.horizon == "short":
        return _inverse(space, R, varied)[None]
    one, (W,) = space.one, space.parts
    tau, eta = tau.reshape(-1, *axes), eta.reshape(-1, *axes)
    if reach.horizon == "long":
        f = space.inverse((1.0 - tau) * one - R - eta * W)
        square = space.times(f, f)
        by_w = space.times(W, square)
        found = np.stack([f, by_w, square, by_w])
    else:
        found = _at_horizon(space, R, tau * one + eta * W, reach)
    return found[None, : 4 if slopes else 1]


def _inverse(space: _Space, R: _Array, varied: tuple[_Array, ...]) -> _Array:
    """S = (I - R)^-1 and dS/drho_k = S W_k S."""
    S = space.inverse(space.one - R)
    return np.stack([S, *(space.times(space.times(S, W), S) for W in varied)])


def _by_order(space: _Space, R: _Array, varied: tuple[_Array, ...], orders: int) -> _Array:
    """R^q for q = 0..Q, what they leave of S, and S; d R^(q + 1) = (d R^q) R + R^q W_k."""
    whole, listed = _inverse(space, R, varied), []
    power = np.zeros_like(whole)
    power[0] = space.one
    for _ in range(orders + 1):
        listed.append(power)
        slopes = [
            space.times(slope, R) + space.times(power[0], W)
            for slope, W in zip(power[1:], varied, strict=True)
        ]
        power = np.stack([space.times(power[0], R), *slopes])
    return np.stack([*listed, whole - np.sum(listed, axis=0), whole])


def _at_horizon(space: _Space, R: _Array, T: _Array, reach: Reach) -> _Array:
    """A^h S or its sum, A = S T, T = tau I + eta W: functions of one W, which commute."""
    times, W, last = space.times, space.parts[0], int(reach.horizon)
    S = space.inverse(space.one - R)
    A, S2 = times(S, T), times(S, S)
    out = np.zeros((4, *S.shape), dtype=S.dtype)
    power, below = np.broadcast_to(space.one, S.shape), np.zeros_like(S)  # A^h and A^(h - 1)
    for h in range(last + 1):
        drift = h * times(below, S2)
        term = [times(power, S), (h + 1) * times(W, times(power, S2)), drift, times(W, drift)]
        if reach.cumulative or h == last:
            out += np.stack(term)
        power, below = times(power, A), power
    return out
