"""The concentrated likelihood of rho and lam: one likelihood behind every static model.

After the effects are removed, with m rows per period and tau periods,

    l(rho, lam) = -(m tau / 2) [log(2 pi s2) + 1] + tau log|I - rho W^| + tau log|I - lam M^|,
    s2 = SSE(rho, lam) / (m tau),

where W^ and M^ are the weights of the response and of the errors, or their projections F'WF when
the time effects left by the transformation (Lee and Yu 2010, Journal of Econometrics 154,
165-185). Given lam the sum of squares is a parabola in rho, so a value costs microseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar

from ccec_econ.engine.moments import Moments, Triangle
from ccec_econ.engine.spectrum import Spectral, nodes_within
from ccec_econ.errors import ConvergenceError, IdentificationError

__all__ = ["Likelihood", "Optimum", "gaussian"]

_NODES = 400  # first search over rho where a value costs microseconds
_LAM_NODES = 60  # first search over lam, each with its own search over rho
_SAME = 1e-4  # optima closer than this in both parameters are one


def gaussian(sse: NDArray[np.float64], nobs: int) -> NDArray[np.float64]:
    """Log-likelihood of normal residuals with variance SSE / nobs, without any Jacobian."""
    return np.asarray(-0.5 * nobs * (np.log(2.0 * np.pi * (sse / nobs)) + 1.0))


@dataclass(frozen=True, slots=True)
class Optimum:
    """A maximum of the likelihood: rho, lam, coefficients (K,), variance and height."""

    rho: float
    lam: float
    coefficients: NDArray[np.float64]
    sigma2: float
    loglik: float


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Concentrated likelihood on `nobs` = m * tau observations with tau Jacobian terms.

    Attributes
    ----------
    triangle : Triangle
        The data.
    spectrum, error : Spectrum or None
        Weights of the response and of the errors; None fixes rho, or lam, at zero.
    """

    triangle: Triangle
    spectrum: Spectral | None
    error: Spectral | None
    nobs: int
    periods: int

    def loglik(self, rho: float, lam: float = 0.0) -> float:
        """Height of the concentrated log-likelihood, constants included."""
        return float(self._height(self.triangle.at(lam), rho, lam))

    def score(self, rho: float, lam: float = 0.0) -> tuple[float, float]:
        """Slopes with respect to rho and lam; zero for a parameter that is fixed."""
        moments = self.triangle.at(lam)
        by_rho = 0.0 if self.spectrum is None else self._score_rho(moments, rho)
        by_lam = 0.0 if self.error is None else self._score_lam(rho, lam)
        return by_rho, by_lam

    def at(self, rho: float, lam: float = 0.0) -> Optimum:
        """Coefficients, variance and height at given rho and lam."""
        moments = self.triangle.at(lam)
        s2 = float(moments.sse(rho)) / self.nobs
        height = float(self._height(moments, rho, lam))
        return Optimum(rho, lam, moments.coefficients(rho), s2, height)

    def refuse_flat(self) -> None:
        """Refuse weights that leave the likelihood flat.

        Raises
        ------
        IdentificationError
        """
        for weights, name in ((self.spectrum, "rho"), (self.error, "lam")):
            if weights is not None and not weights.identifies():
                raise IdentificationError(
                    f"{name} is not identified: with time effects these weights treat all pairs of "
                    "units (almost) alike; use weights that tell near from far."
                )

    def maxima(self) -> list[Optimum]:
        """Find the local maxima over the whole parameter space, the highest first.

        Grids bracket every maximum, those of sparse factors every one that bounds do not rule out
        as the highest; each is polished as a root of the score.

        Raises
        ------
        ConvergenceError
            If the likelihood still rises at an end of an interval.
        IdentificationError
            If the weights leave the likelihood flat.
        """
        self.refuse_flat()
        if self.error is None:
            found = [self.at(rho) for rho in self._rhos(0.0)]
        else:
            found = [self.at(self._rhos(lam)[0], lam) for lam in self._lams(self.error)]
            found = _distinct(found)
        return sorted(found, key=lambda optimum: -optimum.loglik)

    def _rhos(self, lam: float, *, strict: bool = True) -> list[float]:
        """Maximisers over rho at a given lam, the highest first; border nodes if not strict."""
        if self.spectrum is None:
            return [0.0]
        moments, grid = self.triangle.at(lam), self.spectrum.nodes
        if self.error is None:
            grid = self.spectrum.search(
                lambda at: (
                    gaussian(moments.sse(at), self.nobs) / self.periods,
                    self._fit_rho(moments, at) / self.periods,
                ),
                _NODES,
            )
        return _peaks(
            "rho",
            self.spectrum,
            grid,
            self._height(moments, grid, lam),
            slope=lambda rho: self._score_rho(moments, rho),
            height=lambda rho: float(self._height(moments, rho, lam)),
            strict=strict,
        )

    def _lams(self, error: Spectral) -> list[float]:
        """Maximisers over lam, rho profiled out."""
        grid = nodes_within(error.interval, _LAM_NODES)
        if self.spectrum is None:
            grid = error.search(
                lambda at: (
                    gaussian(self.triangle.along(at)[2], self.nobs) / self.periods,
                    self.nobs * self.triangle.slopes(at) / self.periods,
                ),
                _LAM_NODES,
            )

        def profile(lam: float) -> float:
            return self.loglik(self._rhos(lam, strict=False)[0], lam)

        def slope(lam: float) -> float:
            rho = self._rhos(lam, strict=False)[0]
            return self._score_lam(rho, lam)

        if self.spectrum is None:
            heights = gaussian(self.triangle.along(grid)[2], self.nobs)
            heights = heights + self.periods * error.logdet(grid)
        else:
            heights = np.array([profile(float(lam)) for lam in grid])
        return _peaks("lam", error, grid, heights, slope=slope, height=profile, strict=True)

    def _height(
        self, moments: Moments, rho: float | NDArray[np.float64], lam: float
    ) -> NDArray[np.float64]:
        height = gaussian(moments.sse(rho), self.nobs)
        if self.spectrum is not None:
            height = height + self.periods * self.spectrum.logdet(rho)
        if self.error is not None:
            height = height + self.periods * self.error.logdet(lam)
        return np.asarray(height)

    def _fit_rho(self, moments: Moments, rho: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """Slope of the sum of squares' part."""
        return np.asarray(-0.5 * self.nobs * moments.sse_slope(rho) / moments.sse(rho))

    def _fit_lam(self, lam: float, rho: float) -> float:
        d = self.triangle.at(lam).coefficients(rho)
        v, lagged = self.triangle.residuals(lam, rho, d)
        return float(self.nobs * (lagged @ v) / (v @ v))

    def _score_rho(self, moments: Moments, rho: float) -> float:
        trace = 0.0 if self.spectrum is None else self.spectrum.trace_G(rho)
        return float(self._fit_rho(moments, rho)) - self.periods * trace

    def _score_lam(self, rho: float, lam: float) -> float:
        trace = 0.0 if self.error is None else self.error.trace_G(lam)
        return self._fit_lam(lam, rho) - self.periods * trace


def _peaks(
    name: str,
    weights: Spectral,
    grid: NDArray[np.float64],
    heights: NDArray[np.float64],
    *,
    slope: Callable[[float], float],
    height: Callable[[float], float],
    strict: bool,
) -> list[float]:
    """Local maximisers, the highest first; the slope's root between the neighbours of a peak."""
    inner = heights[1:-1]
    tops = np.flatnonzero((inner >= heights[:-2]) & (inner >= heights[2:])) + 1
    roots = []
    for i in tops:
        left, right = float(grid[i - 1]), float(grid[i + 1])
        if slope(left) > 0.0 > slope(right):
            roots.append(float(brentq(slope, left, right, xtol=1e-14)))
        else:  # more than one turn between the nodes
            top = minimize_scalar(
                lambda at: -height(float(at)), bounds=(left, right), options={"xatol": 1e-10}
            )
            roots.append(float(top.x))
    roots.sort(key=lambda root: -height(root))
    if not roots or height(roots[0]) < max(heights[0], heights[-1]):
        if strict:
            _refuse_border(name, weights, grid, heights)
        return [float(grid[-1] if heights[-1] > heights[0] else grid[0])]
    return roots


def _refuse_border(
    name: str, weights: Spectral, grid: NDArray[np.float64], heights: NDArray[np.float64]
) -> None:
    high = heights[-1] > heights[0]
    end = grid[-1] if high else grid[0]
    reading = weights.border_remedy(float(end)) or (
        "the data look like a spatial unit root: check units and transformation of y, or add the "
        "effects that the model leaves out"
        if high
        else "the model has no interior maximum: the regressors or effects may leave too little "
        "to estimate spatial dependence from"
    )
    raise ConvergenceError(
        f"{name} at its border: the likelihood still rises at {name} = {end:.6f}, an end of the "
        f"interval ({grid[0]:.4f}, {grid[-1]:.4f}); {reading}."
    )


def _distinct(found: list[Optimum]) -> list[Optimum]:
    kept: list[Optimum] = []
    for one in found:
        if all(max(abs(one.rho - o.rho), abs(one.lam - o.lam)) > _SAME for o in kept):
            kept.append(one)
    return kept
