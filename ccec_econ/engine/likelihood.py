"""The concentrated likelihood of rho: the one likelihood behind every static model.

After the effects are removed, with m rows per period and tau periods,

    l(rho) = -(m tau / 2) [log(2 pi s2(rho)) + 1] + tau log|I - rho W^|,
    s2(rho) = SSE(rho) / (m tau),

where W^ is W, or its projection F'WF when the time effects left by the transformation (Lee and
Yu 2010, Journal of Econometrics 154, 165-185). SSE is a parabola in rho, so a value costs
microseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from ccec_econ.engine.moments import Moments
from ccec_econ.engine.spectrum import Spectrum
from ccec_econ.errors import ConvergenceError

__all__ = ["Likelihood", "Optimum"]

_GRID = 400  # nodes of the first search, dense towards both ends of the interval
_BORDER = 1e-6  # share of the interval's width kept clear of its ends


@dataclass(frozen=True, slots=True)
class Optimum:
    """A maximum of the likelihood: rho, coefficients (K,), variance and height."""

    rho: float
    coefficients: NDArray[np.float64]
    sigma2: float
    loglik: float


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Concentrated likelihood on `nobs` = m * tau observations with tau Jacobian terms."""

    moments: Moments
    spectrum: Spectrum | None
    nobs: int
    periods: int

    def loglik(self, rho: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """Height of the concentrated log-likelihood, constants included."""
        s2 = self.moments.sse(rho) / self.nobs
        height = -0.5 * self.nobs * (np.log(2.0 * np.pi * s2) + 1.0)
        if self.spectrum is None:
            return np.asarray(height)
        return np.asarray(height + self.periods * self.spectrum.logdet(rho))

    def score(self, rho: float) -> float:
        """Slope of the concentrated log-likelihood."""
        if self.spectrum is None:
            raise ConvergenceError("a model without a spatial lag of y has no score in rho.")
        slope = self.moments.e01 - rho * self.moments.e11
        fit = self.nobs * slope / float(self.moments.sse(rho))
        return fit - self.periods * self.spectrum.trace_G(rho)

    def at(self, rho: float) -> Optimum:
        """Coefficients, variance and height at a given rho."""
        s2 = float(self.moments.sse(rho)) / self.nobs
        return Optimum(rho, self.moments.coefficients(rho), s2, float(self.loglik(rho)))

    def maximise(self) -> Optimum:
        """Find the maximum over the whole interval of rho.

        A grid brackets every local maximum; each is polished as the root of the score, and the
        highest wins. Without a spatial lag of y the maximum is least squares.

        Raises
        ------
        ConvergenceError
            If the likelihood still rises at an end of the interval.
        """
        if self.spectrum is None:
            return self.at(0.0)
        grid = self._grid(self.spectrum.interval)
        height = self.loglik(grid)
        peaks = [i for i in range(1, _GRID - 1) if height[i] >= max(height[i - 1], height[i + 1])]
        roots = [float(brentq(self.score, grid[i - 1], grid[i + 1], xtol=1e-15)) for i in peaks]
        best = max(roots, key=lambda rho: float(self.loglik(rho)), default=None)
        if best is None or float(self.loglik(best)) < max(height[0], height[-1]):
            end = grid[0] if height[0] > height[-1] else grid[-1]
            raise ConvergenceError(
                f"rho at its border: the likelihood still rises at rho = {end:.6f}, an end of the "
                f"interval ({self.spectrum.interval[0]:.4f}, {self.spectrum.interval[1]:.4f}); "
                "the model fits a spatial unit root. Check units and transformation of y, "
                "or add the effects that it leaves out."
            )
        return self.at(best)

    @staticmethod
    def _grid(interval: tuple[float, float]) -> NDArray[np.float64]:
        lower, upper = interval
        half = 0.5 * (upper - lower) * (1.0 - 2.0 * _BORDER)
        return 0.5 * (lower + upper) - half * np.cos(np.linspace(0.0, np.pi, _GRID))
