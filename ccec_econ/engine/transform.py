"""Removing fixed effects, and what is left to count afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Method", "Reduction", "demean", "helmert", "reduction"]

EffectsName = Literal["none", "unit", "time", "twoway"]
Method = Literal["transformation", "direct", "bias_corrected"]


@dataclass(frozen=True, slots=True)
class Reduction:
    """Size of the sample on which the likelihood is written.

    Attributes
    ----------
    rows : int
        Rows per period, m: N, or N - 1 when time effects were removed by the transformation.
    periods : int
        Periods, tau: T, or T - 1 when unit effects were removed by the transformation.
    projected : bool
        Whether the unit root of W left with the time effects, so that log|I - rho W| loses
        log(1 - rho).
    """

    rows: int
    periods: int
    projected: bool

    @property
    def nobs(self) -> int:
        """Observations in the likelihood, m * tau."""
        return self.rows * self.periods


def reduction(effects: EffectsName, method: Method, T: int, N: int) -> Reduction:
    """Count rows, periods and the Jacobian of a likelihood.

    The transformation likelihood of Lee and Yu (2010, Journal of Econometrics 154, 165-185)
    keeps N - 1 rows where time effects and T - 1 periods where unit effects were removed; the
    direct likelihood counts all N * T observations, which is what biases it.
    """
    if method != "transformation":
        return Reduction(rows=N, periods=T, projected=False)
    time, unit = effects in ("time", "twoway"), effects in ("unit", "twoway")
    return Reduction(rows=N - time, periods=T - unit, projected=time)


def demean(columns: NDArray[np.float64], effects: EffectsName) -> NDArray[np.float64]:
    """Remove fixed effects from columns of shape (T, N) or (T, N, K).

    Demeaned columns carry the same cross-products as the orthonormal Helmert transform
    F'x, because F F' = I - ii'/m, so the likelihood can be written on either.
    """
    out = columns
    if effects in ("unit", "twoway"):
        out = out - out.mean(axis=0, keepdims=True)
    if effects in ("time", "twoway"):
        out = out - out.mean(axis=1, keepdims=True)
    return out


def helmert(m: int) -> NDArray[np.float64]:
    """Orthonormal basis of the space orthogonal to the ones vector.

    Returns
    -------
    ndarray, shape (m, m - 1)
        F with F'F = I, FF' = I - ii'/m, F'i = 0; column j is zero above row j, c_j at row j and
        -c_j / (m - j - 1) below, c_j = sqrt((m - j - 1) / (m - j)).
    """
    F = np.zeros((m, m - 1))
    for j in range(m - 1):
        c = np.sqrt((m - j - 1) / (m - j))
        F[j, j] = c
        F[j + 1 :, j] = -c / (m - j - 1)
    return F
