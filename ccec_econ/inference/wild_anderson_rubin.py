"""Anderson-Rubin tests and sets by the restricted wild cluster bootstrap.

At a value c of one coefficient, y - c d is regressed on the exogenous columns E and the excluded
instruments Q, and a clustered Wald statistic asks whether Q belongs there. Its distribution comes
from residuals without Q whose signs are flipped by unit. With one instrument this is the wild
cluster bootstrap of the reduced form. All is linear in the signs and in c, so sixteen units allow
all 2^16 sign vectors, and the set is found by asking at many values.

References
----------
Davidson, R. and MacKinnon, J. G. (2010). Wild bootstrap tests for IV regression. Journal of
Business and Economic Statistics 28, 128-144.
Roodman, D., Nielsen, M. Ø., MacKinnon, J. G. and Webb, M. D. (2019). Fast and wild: bootstrap
inference in Stata using boottest. Stata Journal 19, 4-60.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.instruments import Equation, Projection, project
from ccec_econ.engine.transform import EffectsName, demean
from ccec_econ.errors import IdentificationError
from ccec_econ.inference.anderson_rubin import (
    AndersonRubinSet,
    accepted,
    refuse_level,
    refuse_several,
    tested,
)
from ccec_econ.inference.multiple import TIE
from ccec_econ.inference.wild import ENUMERATED, WildWeights, draw_signs, half_of_signs

__all__ = ["WildAndersonRubin", "wild_anderson_rubin"]

_NODES = 361  # half degrees of the angle at which the p-value is looked at first


@dataclass(frozen=True, slots=True)
class WildAndersonRubin:
    """Draws of the statistic as functions of the tested value, c = centre + scale tan(angle).

    Coefficients of the instruments are cos b[0] - sin b[1], their covariance
    cos² V[0] - cos sin V[1] + sin² V[2]; the first draw is the data.

    Attributes
    ----------
    b : tuple of ndarray, shape (D, q)
    V : tuple of ndarray, shape (D, q, q)
    centre, scale : float
        Two-stage estimate, and length of y over length of d, both net of E.
    enumerated : bool
        Whether draws are all sign vectors, up to a common sign.
    convention : str
    """

    b: tuple[NDArray[np.float64], NDArray[np.float64]]
    V: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
    centre: float
    scale: float
    enumerated: bool
    convention: str

    def pvalue(self, value: float) -> float:
        """Share of draws whose statistic is at least that of the data."""
        return float(self._pvalues(np.array([np.arctan((value - self.centre) / self.scale)]))[0])

    def set(self, level: float, name: str) -> AndersonRubinSet:
        """Values with p above 1 - level.

        Raises
        ------
        ValueError
            If `level` is not in (0, 1).
        """
        refuse_level(level)
        alpha = 1.0 - level

        def side(angles: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.where(self._pvalues(angles) > alpha + TIE, 1.0, -1.0)

        spans = accepted(side, _NODES, self.centre, self.scale)
        return AndersonRubinSet(name, level, spans, self.convention)

    def _pvalues(self, angles: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([self._share(np.cos(a), np.sin(a)) for a in angles])

    def _share(self, cos: float, sin: float) -> float:
        b = cos * self.b[0] - sin * self.b[1]
        V = cos**2 * self.V[0] - cos * sin * self.V[1] + sin**2 * self.V[2]
        wald = _wald(b, V)
        beyond = int(np.count_nonzero(wald >= wald[0] * (1.0 - TIE)))
        return beyond / len(wald)  # the data are the first draw: (1 + count) / (1 + draws)


def wild_anderson_rubin(
    eq: Equation,
    j: int,
    effects: EffectsName,
    *,
    weights: WildWeights = "rademacher",
    draws: int = 9999,
    rng: np.random.Generator,
) -> WildAndersonRubin:
    """Prepare the test of coefficient `j` of an equation with its effects removed.

    Parameters
    ----------
    j : int
        Position in X. An exogenous column serves as its own instrument.
    effects : {"none", "unit", "time", "twoway"}
        Those removed; draws lose them again.
    weights : {"rademacher", "webb"}
        Signs, or Webb's six points. Signs of up to 16 units are enumerated; `draws` and `rng`
        then do not matter.

    Raises
    ------
    IdentificationError
        If there are several endogenous columns, or units are not more than excluded instruments.
    """
    eq = tested(eq, j)
    refuse_several(eq)
    at, N = project(eq), eq.shape[1]
    if at.q >= N:
        raise IdentificationError(
            f"{N} clusters for {at.q} excluded instruments: the clustered statistic does not "
            "exist; use fewer instruments."
        )
    enumerated = weights == "rademacher" and N <= ENUMERATED
    drawn = half_of_signs(N) if enumerated else draw_signs(N, weights, draws, rng)
    w = drawn if enumerated else np.vstack([np.ones(N), drawn])
    d_own = at.X[at.k :, j]
    centre = float(d_own @ at.y[at.k :]) / float(d_own @ d_own)
    E = at.basis[:, : at.k]
    y, d = (column - E @ (E.T @ column) for column in (eq.y, eq.X[:, j]))
    scale = float(np.linalg.norm(y) / np.linalg.norm(d))
    b0, h0 = _linear(eq, at, y - centre * d, effects, w)
    b1, h1 = _linear(eq, at, scale * d, effects, w)
    cross = np.einsum("dik,dil->dkl", h0, h1)
    V = (
        np.einsum("dik,dil->dkl", h0, h0),
        cross + cross.transpose(0, 2, 1),
        np.einsum("dik,dil->dkl", h1, h1),
    )
    count = f"all {2 * len(w):,} sign vectors" if enumerated else f"{draws:,} draws"
    text = f"clustered Wald of {at.q} instruments, wild cluster bootstrap, {N} clusters, {count}"
    return WildAndersonRubin((b0, b1), V, centre, scale, enumerated, text)


def _linear(
    eq: Equation,
    at: Projection,
    residual: NDArray[np.float64],
    effects: EffectsName,
    w: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coefficients (D, q) of the instruments and scores by unit (D, N, q), for weights w (D, N)."""
    T, N = eq.shape
    u, basis = residual.reshape(T, N), at.basis.reshape(T, N, -1)
    Q = basis[:, :, at.k :]
    by_unit = np.einsum("tnk,tn->nk", basis, u)
    alone = demean(u[:, :, None] * np.eye(N), effects)
    inner = np.einsum("tnk,tnl->nkl", Q, basis)
    H = np.einsum("tik,tij->ijk", Q, alone) - np.einsum("ikl,jl->ijk", inner, by_unit)
    scores = w @ H.transpose(1, 0, 2).reshape(N, -1)
    return w @ by_unit[:, at.k :], scores.reshape(len(w), N, at.q)


def _wald(b: NDArray[np.float64], V: NDArray[np.float64]) -> NDArray[np.float64]:
    """Wald statistics b' V^-1 b, up to the factor that all draws share."""
    if b.shape[1] == 1:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(b[:, 0] ** 2 / V[:, 0, 0])
    return np.asarray(np.einsum("dk,dk->d", b, np.linalg.solve(V, b[:, :, None])[..., 0]))
