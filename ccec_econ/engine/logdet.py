"""ln|I - rho W| of sparse weights: exact at nodes, polynomials in between.

With r the spectral radius of |W|, the substitution r rho = tanh x takes the logarithmic
singularities at both ends of the interval away to infinity: as a function of x the log-determinant
is analytic for |Im x| < pi/2 where the eigenvalues are real, and for |Im x| < pi/4 where they fill
the circle. The line of x is cut into panels of equal width and every panel gets a Chebyshev
polynomial through exact values, so the error falls by a factor of about nine, at worst five, with
each node (Trefethen 2013, Approximation Theory and Approximation Practice, theorem 8.2). Panels are
made where they are asked for; zero lies in the middle of one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.polynomial.chebyshev import Chebyshev
from numpy.typing import NDArray

from ccec_econ.errors import IdentificationError

__all__ = ["LogDeterminant"]

_WIDTH = 0.7  # of a panel, in x
_DEGREE = 12
_FAR = 9  # edges of panels either way; tanh of the last is 1 - 1.4e-5
_FEW = 24  # values off every panel that are computed one by one rather than by new panels


@dataclass(frozen=True, slots=True, eq=False)
class LogDeterminant:
    """ln|I - rho W| and its derivatives in rho, inside |rho| r < 1.

    Attributes
    ----------
    exact : callable
        ln|I - rho W| at one value of rho.
    radius : float
        r, the spectral radius of |W|.
    """

    exact: Callable[[float], float]
    radius: float
    _panels: dict[int, Chebyshev] = field(default_factory=dict)
    _values: dict[float, float] = field(default_factory=dict)

    @property
    def nodes(self) -> NDArray[np.float64]:
        """Values of rho at the edges of the panels, from which a maximum can be bracketed."""
        return np.asarray(np.tanh(_WIDTH * (np.arange(-_FAR, _FAR) + 0.5)) / self.radius)

    @property
    def error(self) -> float:
        """Guess of the error: the largest of the last two coefficients of the panels so far."""
        return max((float(np.abs(p.coef[-2:]).max()) for p in self._panels.values()), default=0.0)

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
        """Return x and its panel.

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
        return x, np.floor(x / _WIDTH + 0.5).astype(np.int64)

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
            domain = (_WIDTH * (k - 0.5), _WIDTH * (k + 0.5))

            def along(x: NDArray[np.float64]) -> NDArray[np.float64]:
                return np.array([self.exact(float(rho)) for rho in np.tanh(x) / self.radius])

            self._panels[k] = Chebyshev.interpolate(along, _DEGREE, domain=domain)
        return self._panels[k]
