"""ln|I - rho W| of sparse weights: exact at nodes, polynomials in between.

With r the spectral radius of |W|, the substitution r rho = tanh x takes the logarithmic
singularities at both ends of the interval away to infinity: as a function of x the log-determinant
is analytic for |Im x| < pi/2 where the eigenvalues are real, and for |Im x| < pi/4 where they fill
the circle. The line of x is cut into panels of equal width and every panel gets a Chebyshev
polynomial through exact values, so the error falls by a factor of about nine, at worst five, with
each node (Trefethen 2013, Approximation Theory and Approximation Practice, theorem 8.2). Panels are
made where they are asked for; zero lies in the middle of one.

A search for the highest maximum needs fewer values. Bounds (`slope_bounds`) say where the slope of
a likelihood may be zero and its height not below one already found; only there are panels made,
narrow ones with fewer nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.polynomial.chebyshev import Chebyshev
from numpy.typing import NDArray

from ccec_econ.engine.slope_bounds import ceilings, concave_bounds, slope_bounds
from ccec_econ.engine.spectrum import Profile
from ccec_econ.errors import IdentificationError

__all__ = ["LogDeterminant"]

_WIDTH = 0.7  # of a panel, in x
_DEGREE = 12
_FAR = 9  # edges of panels either way; tanh of the last is 1 - 1.4e-5
_FEW = 24  # values off every panel that are computed one by one rather than by new panels
_NARROW = 0.3  # width of a panel around a maximum at most, in x
_NARROWEST = 0.06
_LOW_DEGREE = 9  # of the wider of such panels: the error is about that of the others
_FRESH = 2.0 * _NARROW  # farther from all values, the place of the highest bound is looked at
_MARGIN = 1e-6  # that panels reach beyond what they cover, in x
_LOOKS = 36  # values of rho per panel at which the slope is bounded
_NEAR = 1_000  # number of the first narrow panel


@dataclass(frozen=True, slots=True, eq=False)
class LogDeterminant:
    """ln|I - rho W| and its derivatives in rho, inside |rho| r < 1.

    Attributes
    ----------
    exact : callable
        ln|I - rho W| at one value of rho.
    radius : float
        r, the spectral radius of |W|.
    traces : ndarray, shape (m,)
        tr W, tr W^2 and so on, as many as are cheap.
    lengths : tuple of float
        N, and the mean over units of the sum of squared weights.
    real, unit : bool
        Whether all eigenvalues are known to be real, and whether one is known to be one.
    """

    exact: Callable[[float], float]
    radius: float
    traces: NDArray[np.float64]
    lengths: tuple[int, float]
    real: bool = False
    unit: bool = False
    _panels: dict[int, Chebyshev] = field(default_factory=dict)
    _values: dict[float, float] = field(default_factory=lambda: {0.0: 0.0})
    _searched: dict[float, float] = field(default_factory=dict)

    @property
    def nodes(self) -> NDArray[np.float64]:
        """Values of rho at the edges of the panels, from which a maximum can be bracketed."""
        return np.asarray(np.tanh(_line()[::_LOOKS]) / self.radius)

    @property
    def error(self) -> float:
        """Guess of the error: the largest of the last two coefficients of the panels so far."""
        return max(
            (float(np.abs(p.coef[-2:]).max()) for p in list(self._panels.values())), default=0.0
        )

    def search(self, profile: Profile) -> NDArray[np.float64]:
        """Values of rho that bracket the maxima of height(rho) + ln|I - rho W|.

        The sum is a likelihood, over its periods; `profile` returns height and slope. Maxima are
        left out where bounds of the sum are below its value elsewhere: they are not the highest.
        Between the places of the bounds the sum may rise by four times what a parabola does there.
        Where bounds leave both height and sign of the slope open, a value is added, until what is
        open is as narrow as a panel. Panels then stand on all that is open. Needs weights without
        negative entries.

        Returns
        -------
        ndarray, shape (n,)
            Increasing and close to each other where the sign is open or turns; an end of the
            interval where the sum falls or rises as far as there.
        """
        x = _line()
        rho = np.tanh(x) / self.radius
        fit, known = profile(rho)
        bend = 0.5 * np.abs(np.diff(known)) * np.diff(rho)  # four times a parabola's rise between
        between = np.maximum(np.append(bend, 0.0), np.append(0.0, bend))
        while True:
            lower, upper = self._bounds(rho)
            rises, falls = known + lower > 0.0, known + upper < 0.0
            most = fit + self._ceilings(rho)
            high = most + between >= self._highest(rho, fit)
            open_ = high & ~(rises | falls)
            turns = ~(falls[:-1] | rises[1:]) & (high[:-1] | high[1:])
            open_[1:] |= turns
            open_[:-1] |= turns
            at = np.flatnonzero(open_)
            runs = [] if not len(at) else np.split(at, np.flatnonzero(np.diff(at) > 1) + 1)
            if not self._narrowed([x[run] for run in runs], [most[run] for run in runs]):
                break
        runs = [np.arange(max(run[0] - 2, 0), min(run[-1] + 3, len(x))) for run in runs]
        shown = np.zeros(x.shape, dtype=np.bool_)  # with two neighbours, where the sign is known
        for run in runs:
            shown[run] = True
            self._cover(x[run[0]], x[run[-1]])
        if shown[0] or shown[-1] or (high & falls)[0] or (high & rises)[-1]:
            shown[[0, -1]] = True
        return np.asarray(rho[shown])

    def _highest(self, rho: NDArray[np.float64], fit: NDArray[np.float64]) -> float:
        """Height of the highest of the values so far, which all stand on the line."""
        known = {0.0: 0.0} | self._searched
        fits = np.interp(np.array([*known]), rho, fit)
        return float((fits + np.array([*known.values()])).max())

    def _ceilings(self, rho: NDArray[np.float64]) -> NDArray[np.float64]:
        """Upper bounds of ln|I - rho W|, the lower of two.

        One is that of Hadamard: no determinant exceeds the product of the lengths of its rows. The
        logarithm of their mean square bounds the mean of their logarithms.
        """
        N, squares = self.lengths
        rows = 0.5 * N * np.log1p((rho * squares - 2.0 * self.traces[0] / N) * rho)
        return np.asarray(np.minimum(rows, ceilings(dict(self._searched), self.traces, rho)))

    def _look(self, rho: float) -> float:
        if rho not in self._searched:
            self._searched[rho] = self._at(rho)
        return self._searched[rho]

    def _bounds(self, rho: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Bounds of the slope at rho from the values so far."""
        values = dict(self._searched)  # a copy: other threads may add to it
        lower, upper = slope_bounds(values, self.traces, rho)
        if not self.real:
            return lower, upper
        others, own = values, np.zeros(rho.shape)
        if self.unit:
            others = {at: f - float(np.log1p(-at)) for at, f in others.items()}
            own = 1.0 / (1.0 - rho)
        start = float(self.unit) - float(self.traces[0])
        least, most = concave_bounds(others, start, rho)
        return np.maximum(lower, least - own), np.minimum(upper, most - own)

    def _narrowed(self, runs: list[NDArray[np.float64]], most: list[NDArray[np.float64]]) -> bool:
        """Add a value in every run that is wider than a panel; whether there was one.

        It is added where the likelihood may be highest or, beside values, in the widest gap.
        """
        added = False
        for run, height in zip(runs, most):
            if run[-1] - run[0] <= _NARROW:
                continue
            known = np.arctanh(self.radius * np.array([0.0, *self._searched]))
            gaps = np.abs(run[:, None] - known).min(axis=1)
            if gaps.max() <= 0.5 * _NARROW:
                continue
            top = int(height.argmax())
            new = float(run[top if gaps[top] > _FRESH else gaps.argmax()])
            for place in {new, abs(new)}:
                self._look(float(np.tanh(place) / self.radius))
            added = True
        return added

    def _cover(self, start: float, stop: float) -> None:
        """Narrow panels on all of an interval of x that none covers."""
        width = max(stop - start, _NARROWEST)
        count = max(1, int(np.ceil(width / _NARROW)))
        middle, half = 0.5 * (start + stop), 0.5 * width + _MARGIN
        edges = np.linspace(middle - half, middle + half, count + 1)
        for low, high in pairwise(edges):
            near = [p.domain for key, p in list(self._panels.items()) if key >= _NEAR]
            need = (max(low, start - _MARGIN), min(high, stop + _MARGIN))
            if not any(d[0] <= need[0] and need[1] <= d[1] for d in near):
                self._panels[_NEAR + len(near)] = self._through(low, high, _degree(high - low))

    def value(self, rho: NDArray[np.float64]) -> NDArray[np.float64]:
        """ln|I - rho W| at an array of rho."""
        rho = np.asarray(rho, dtype=np.float64)
        x, at = self._placed(rho)
        off = ~np.isin(at, list(self._panels))
        if not 0 < np.count_nonzero(off) <= _FEW:
            return self._on_panels(x, at, 0)
        out = np.empty(x.shape)
        out[~off] = self._on_panels(x[~off], at[~off], 0)
        out[off] = [self._at(float(value)) for value in rho[off]]
        return out

    def slope(self, rho: NDArray[np.float64]) -> NDArray[np.float64]:
        """First derivative, -tr W (I - rho W)^-1."""
        rho = np.asarray(rho, dtype=np.float64)
        x, at = self._placed(rho)
        return self._on_panels(x, at, 1) * self._stretch(rho)

    def curvature(self, rho: NDArray[np.float64]) -> NDArray[np.float64]:
        """Second derivative, -tr [W (I - rho W)^-1]^2."""
        rho = np.asarray(rho, dtype=np.float64)
        x, at = self._placed(rho)
        first, r = self._stretch(rho), self.radius
        second = 2.0 * r * rho * first**2
        return self._on_panels(x, at, 2) * first**2 + self._on_panels(x, at, 1) * second

    def _at(self, rho: float) -> float:
        if rho not in self._values:
            self._values[rho] = self.exact(rho)
        return self._values[rho]

    def _stretch(self, rho: NDArray[np.float64]) -> NDArray[np.float64]:
        """Dx / drho."""
        return np.asarray(self.radius / (1.0 - (self.radius * rho) ** 2))

    def _placed(self, rho: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return x and its panel, a narrow one where there is.

        Raises
        ------
        IdentificationError
            Outside the interval.
        """
        if (np.abs(self.radius * rho) >= 1.0).any():
            raise IdentificationError(
                f"rho from {np.min(rho):.4f} to {np.max(rho):.4f} leaves "
                f"(-{1 / self.radius:.4f}, {1 / self.radius:.4f}), where the factors of sparse "
                "weights are safe."
            )
        x = np.arctanh(self.radius * rho)
        at = np.atleast_1d(np.floor(x / _WIDTH + 0.5).astype(np.int64))
        for key, panel in list(self._panels.items()):
            if key >= _NEAR:
                low, high = panel.domain
                at[np.atleast_1d((x >= low) & (x <= high))] = key
        return x, at.reshape(x.shape)

    def _on_panels(
        self, x: NDArray[np.float64], at: NDArray[np.int64], order: int
    ) -> NDArray[np.float64]:
        out = np.empty(x.shape)
        for k in np.unique(at):
            here = at == k
            panel = self._panel(int(k))
            out[here] = (panel.deriv(order) if order else panel)(x[here])
        return out

    def _panel(self, k: int) -> Chebyshev:
        if k not in self._panels:
            self._panels[k] = self._through(_WIDTH * (k - 0.5), _WIDTH * (k + 0.5), _DEGREE)
        return self._panels[k]

    def _through(self, low: float, high: float, degree: int) -> Chebyshev:
        """Interpolate between two values of x."""

        def along(x: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.array([self.exact(float(rho)) for rho in np.tanh(x) / self.radius])

        return Chebyshev.interpolate(along, degree, domain=(low, high))


def _degree(width: float) -> int:
    """Degree at which a panel errs as little as the wider one does at `_LOW_DEGREE`.

    With singularities pi/4 off a panel of half width h each degree divides the error by
    exp(asinh(pi / 4h)).
    """
    wide, own = (np.arcsinh(0.5 * np.pi / w) for w in (_NARROW, width))
    return max(1, int(np.ceil(_LOW_DEGREE * wide / own - 1e-3)))


def _line() -> NDArray[np.float64]:
    """Values of x from end to end, mirrored to the last digit: nodes must not almost coincide.

    The edges of panels are every `_LOOKS`-th.
    """
    count = _LOOKS * (2 * _FAR - 1) // 2
    half = _WIDTH * (_FAR - 0.5) * np.arange(1, count + 1) / count
    return np.concatenate([-half[::-1], [0.0], half])
