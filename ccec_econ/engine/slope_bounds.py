"""Bounds of ln|I - rho W| and its slope, W without negative entries, from few values.

Traces of powers of W are then not negative, so that for s >= 0

    P(s) = -ln|I - s W| = sum_k s^k tr(W^k) / k

and all its derivatives are non-negative (absolutely monotone), and so are the even part E and the
odd part O of P. A polynomial through values of such a function errs in a known direction: its slope
at a node is too small where an even number of the other nodes lies above, and too large where an
odd number does. With

    P(s) = sum_{k <= m} s^k tr(W^k) / k + s^{m+1} R(s),

R is absolutely monotone too, and its first terms are exact. At rho = s the slope of
ln|I - rho W| is -P'(s), at rho = -s it is E'(s) - O'(s).

Where all eigenvalues are real ln|I - rho W| is concave as well, also without a unit eigenvalue, so
that its slope lies between those of the chords beside.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ceilings", "concave_bounds", "slope_bounds"]

_LEFT, _RIGHT = 3, 2  # nodes below and above that a bound at a node uses

type _Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


def slope_bounds(
    values: Mapping[float, float], traces: NDArray[np.float64], rho: NDArray[np.float64]
) -> _Pair:
    """Bound the derivative of ln|I - rho W| from below and from above.

    Parameters
    ----------
    values : mapping
        rho to ln|I - rho W|. Values below zero count where that of -rho is known too.
    traces : ndarray, shape (m,)
        tr W, tr W^2 and so on.
    rho : ndarray, shape (n,)
        Increasing.

    Returns
    -------
    lower, upper : ndarray, shape (n,)
        Infinite where nothing is known.
    """
    lower, upper = np.empty(rho.shape), np.empty(rho.shape)
    above, below = rho >= 0.0, rho < 0.0
    (right, P), (both, E, O), even = _parts(values, traces)  # noqa: E741
    least, most = _slopes(right, P, traces, rho[above])
    lower[above], upper[above] = -most, -least
    E = _slopes(both, E, np.where(even, traces, 0.0), -rho[below])
    O = _slopes(both, O, np.where(even, 0.0, traces), -rho[below])  # noqa: E741
    lower[below], upper[below] = E[0] - O[1], E[1] - O[0]
    return lower, upper


def ceilings(
    values: Mapping[float, float], traces: NDArray[np.float64], rho: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Bound ln|I - rho W| itself from above, rho (n,); infinite where nothing is known.

    R, which increases, is at least that of the node below and at most that of the node above.
    """
    out = np.empty(rho.shape)
    above, below = rho >= 0.0, rho < 0.0
    (right, P), (both, E, O), even = _parts(values, traces)  # noqa: E741
    out[above] = -_heights(right, P, traces, rho[above])[0]
    least = _heights(both, E, np.where(even, traces, 0.0), -rho[below])[0]
    most = _heights(both, O, np.where(even, 0.0, traces), -rho[below])[1]
    out[below] = most - least
    return out


def concave_bounds(values: Mapping[float, float], start: float, rho: NDArray[np.float64]) -> _Pair:
    """Bound the derivative at rho (n,) of a concave function, zero at zero with slope `start`."""
    z = np.array(sorted({*values, 0.0}))
    height = np.array([values.get(float(one), 0.0) for one in z])
    chord = np.concatenate([[np.inf], np.diff(height) / np.diff(z), [-np.inf]])
    zero = int(np.searchsorted(z, 0.0))
    at = np.searchsorted(z, rho)  # z[at - 1] < rho <= z[at]
    upper = np.where(at == zero + 1, start, chord[np.maximum(at - 1, 0)])
    lower = np.where(at == zero, start, chord[np.minimum(at + 1, len(z))])
    return lower, np.where(at == 0, np.inf, upper)


def _parts(values: Mapping[float, float], traces: NDArray[np.float64]) -> Any:
    """P at positive nodes, E and O at those known on both sides, and which powers are even."""
    right = np.array(sorted(r for r in values if r > 0.0))
    both = np.array([r for r in right if -r in values])
    plus, minus = (np.array([values[sign * r] for r in both]) for sign in (1.0, -1.0))
    straight = -np.array([values[r] for r in right])
    even = np.arange(1, len(traces) + 1) % 2 == 0
    return (right, straight), (both, -0.5 * (plus + minus), -0.5 * (plus - minus)), even


def _heights(
    t: NDArray[np.float64],
    values: NDArray[np.float64],
    traces: NDArray[np.float64],
    s: NDArray[np.float64],
) -> _Pair:
    """Bound at s (n,) an absolutely monotone function known at nodes t (q,)."""
    R = _rest(t, values, traces)
    bounds = _convex(t, R, R, s) if len(t) else None
    return _put(_first(s, traces), s, len(traces) + 1, bounds)


def _slopes(
    t: NDArray[np.float64],
    values: NDArray[np.float64],
    traces: NDArray[np.float64],
    s: NDArray[np.float64],
) -> _Pair:
    """Bound the slope at s (n,) of an absolutely monotone function known at nodes t (q,)."""
    m, R = len(traces), _rest(t, values, traces)
    known = np.power.outer(s, np.arange(m)) @ traces
    return _put(known, s, m, _between(t, R, *_at_nodes(t, R), s, m) if len(t) else None)


def _first(s: NDArray[np.float64], traces: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of the first terms, s^k tr(W^k) / k."""
    k = np.arange(1, len(traces) + 1)
    return np.asarray(np.power.outer(s, k) @ (traces / k))


def _rest(
    t: NDArray[np.float64], values: NDArray[np.float64], traces: NDArray[np.float64]
) -> NDArray[np.float64]:
    """R at the nodes."""
    return np.asarray((values - _first(t, traces)) / t ** (len(traces) + 1))


def _put(
    known: NDArray[np.float64], s: NDArray[np.float64], power: int, bounds: _Pair | None
) -> _Pair:
    """Add s^power times bounds of what is not known, from zero to infinity if there are none."""
    if bounds is None:
        return known, np.where(s > 0.0, np.inf, known)
    least, most = bounds
    rest = np.multiply(s**power, most, where=s > 0.0, out=np.zeros(s.shape))
    return known + s**power * least, known + rest


def _at_nodes(t: NDArray[np.float64], R: NDArray[np.float64]) -> _Pair:
    """Bound R' at the nodes by slopes of polynomials that err in a known direction."""
    lower, upper = np.zeros(len(t)), np.full(len(t), np.inf)
    for j in range(len(t)):
        first = max(0, j - _LEFT)
        for above in range(min(_RIGHT, len(t) - 1 - j) + 1):
            part = slice(first, j + above + 1)
            slope = _slope_at(t[part], R[part], j - first)
            if above % 2:
                upper[j] = min(upper[j], slope)
            else:
                lower[j] = max(lower[j], slope)
    return lower, upper


def _slope_at(t: NDArray[np.float64], values: NDArray[np.float64], j: int) -> float:
    """Slope at t_j of the polynomial through the values, in barycentric form."""
    gaps = t[:, None] - t + np.eye(len(t))
    weight = 1.0 / gaps.prod(axis=1)
    others = np.arange(len(t)) != j
    row = weight[others] / weight[j] / (t[j] - t[others])
    return float(row @ (values[others] - values[j]))


def _between(
    t: NDArray[np.float64],
    R: NDArray[np.float64],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    s: NDArray[np.float64],
    m: int,
) -> _Pair:
    """Bound D(s) = (m + 1) R + s R', which is convex and increases, from its bounds at nodes."""
    least, most = _convex(t, (m + 1) * R + t * lower, (m + 1) * R + t * upper, s)
    at, last = np.searchsorted(t, s), len(t) - 1
    end = np.flatnonzero((at == last) & (s < t[last]))  # there the rise that is left bounds R'
    rise = (R[last] - np.where(at > 0, R[np.maximum(at - 1, 0)], 0.0)[end]) / (t[last] - s[end])
    most[end] = np.minimum(most[end], (m + 1) * R[last] + s[end] * rise)
    return least, most


def _convex(
    t: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    s: NDArray[np.float64],
) -> _Pair:
    """Bound at s (n,) a convex function that increases from zero or more, from bounds at nodes."""
    at, last = np.searchsorted(t, s), len(t) - 1
    inside, after = at <= last, at > 0
    left, right = np.maximum(at - 1, 0), np.minimum(at, last)
    least = np.where(after, low[left], 0.0)
    most = np.where(inside, high[right], np.inf)
    chord = np.flatnonzero(inside & after & np.isfinite(most))
    one, two = left[chord], right[chord]
    share = (s[chord] - t[one]) / (t[two] - t[one])
    most[chord] = (1.0 - share) * high[one] + share * high[two]
    for near, far in ((at - 1, at - 2), (at, at + 1)):  # chords of the cells beside, extended
        known = (np.minimum(near, far) >= 0) & (np.maximum(near, far) <= last)
        known &= np.isfinite(high)[np.clip(far, 0, last)]
        one, two, x = near[known], far[known], s[known]
        step = (x - t[one]) / (t[one] - t[two])
        least[known] = np.maximum(least[known], (1.0 + step) * low[one] - step * high[two])
    return least, most
