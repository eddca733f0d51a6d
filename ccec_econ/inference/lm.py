"""Lagrange multiplier tests of spatial dependence, on the likelihood that removed the effects.

Every test is the score test of one likelihood, d'V^-1 d with d the slopes at the null and V the
information of the tested parameters given all others. On m rows and tau periods, with W^ = F'WF
where time effects were removed (W otherwise), t = tr W^, e the residual and s2 = e'e/(m tau),

    d_lag = e'(I x W^)y/s2 - tau t,   d_err = e'(I x W^)e/s2 - tau t,
    C = tau tr(W^'W^ + W^W^) - 2 tau t^2/m,   J = |M_Z (I x W^)Zb|^2/s2 + C,
    LM_lag = d_lag^2/J,   LM_err = d_err^2/C,
    robust: (d_lag - d_err)^2/(J - C)  and  (d_err - (C/J) d_lag)^2/(C (1 - C/J)).

Textbook panel tests (Elhorst 2014, Spatial Econometrics) take t for zero and count
m tau = N T. After time effects t = -1: they are not centred and reject far too often at small N.

References
----------
Anselin, L., Bera, A., Florax, R. and Yoon, M. (1996). Simple diagnostic tests for spatial
dependence. Regional Science and Urban Economics 26, 77-104.
Debarsy, N. and Ertur, C. (2010). Testing for spatial autocorrelation in a fixed effects panel
data model. Regional Science and Urban Economics.
Baltagi, B. and Yang, Z. (2013). Standardized LM tests for spatial error dependence in linear or
panel regressions. Econometrics Journal 16, 103-134.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.estimate import Estimate
from ccec_econ.engine.information import inverse_information
from ccec_econ.engine.moments import reduce_columns
from ccec_econ.engine.spectrum import Spectral, Spectrum
from ccec_econ.engine.transform import demean, reduction

__all__ = [
    "Slopes",
    "conventional",
    "error_exceedances",
    "extend",
    "lag",
    "score_test",
    "slopes",
]

_BLOCK = 4_000_000  # cells simulated at a time


@dataclass(frozen=True, slots=True)
class Slopes:
    """Score and information of (rho, lam) at estimates that may set both to zero.

    Attributes
    ----------
    d : ndarray, shape (2,)
        Slopes of the log-likelihood.
    V : ndarray, shape (2, 2)
        Information of (rho, lam) given coefficients and variance, [[J, C], [C, C]] for one W.
    """

    d: NDArray[np.float64]
    V: NDArray[np.float64]

    def marginal(self, j: int) -> float:
        """LM statistic of one parameter, the other zero: 0 for rho, 1 for lam."""
        return float(self.d[j] ** 2 / self.V[j, j])

    def robust(self, j: int) -> float:
        """LM statistic of one parameter, robust to a local departure of the other."""
        i = 1 - j
        share = self.V[j, i] / self.V[i, i]
        rest = self.V[j, j] - share * self.V[i, j]
        return float((self.d[j] - share * self.d[i]) ** 2 / rest)

    def joint(self) -> float:
        """LM statistic of both parameters."""
        return float(self.d @ np.linalg.solve(self.V, self.d))


def lag(columns: NDArray[np.float64], W: Spectral, fit: Estimate) -> NDArray[np.float64]:
    """Lag columns of shape (T, N) or (T, N, K) whose effects are removed, and remove them again.

    For row-standardised W this is the lag of the raw columns, effects removed; so it is without
    time effects for any W.
    """
    lagged = W.lag(columns)
    return demean(lagged, "time") if fit.effects in ("time", "twoway") else lagged


def extend(fit: Estimate, W: Spectral | None, M: Spectrum | None) -> Estimate:
    """Put rho (with weights W) or lam (with M) into the likelihood of a model that lacks them.

    The estimates stay, so what is added stands at zero.

    Parameters
    ----------
    W, M : Spectrum, or SpectrumPath for W, or None
        Weights of the response, in levels, and of the errors. None keeps the parameter out, or
        as the fit has it.
    """
    Wy, spectrum, error = fit.Wy, fit.spectrum, fit.error
    if W is not None:
        Wy, spectrum = lag(fit.y, W, fit), _reduced(W, fit)
    if M is not None:
        error = _reduced(M, fit)
    lagged = None
    if error is not None:
        columns = [lag(part, error, fit) for part in (fit.Z, fit.y, Wy)]
        lagged = (_flat(columns[0]), columns[1].ravel(), columns[2].ravel())
    triangle = reduce_columns(
        _flat(fit.Z), fit.y.ravel(), Wy.ravel(), fit.terms, fit.reduction.nobs, lagged=lagged
    )
    return replace(
        fit,
        Wy=Wy,
        weights=fit.weights if W is None else W,
        spectrum=spectrum,
        error=error,
        triangle=triangle,
        others=(),
    )


def slopes(fit: Estimate, W: Spectrum, M: Spectrum) -> Slopes:
    """Score and information of (rho, lam) at a fit that has neither.

    Raises
    ------
    IdentificationError
        If the weights leave the likelihood flat, or W Zb lies in the space of Z.
    """
    null = extend(fit, W, M)
    K = len(fit.terms)
    block = inverse_information(null)[K : K + 2, K : K + 2]
    return Slopes(np.array(null.likelihood.score(0.0, 0.0)), np.linalg.inv(block))


def score_test(null: Estimate, tested: str) -> float:
    """LM statistic of one spatial parameter, "rho" or "lam", the other at its maximum.

    The conditional tests: lam = 0 where rho is estimated, and the reverse.

    Raises
    ------
    IdentificationError
        If the information is singular.
    """
    score = dict(zip(("rho", "lam"), null.likelihood.score(null.optimum.rho, null.optimum.lam)))
    at = len(null.terms) + null.spatial.index(tested)
    return float(score[tested] ** 2 * inverse_information(null)[at, at])


def conventional(fit: Estimate) -> Estimate:
    """Write a fit without rho and lam on the direct likelihood, as textbook tests do."""
    T, N = fit.y.shape
    size = reduction(fit.effects, "direct", T, N)
    s2 = fit.optimum.sigma2 * fit.reduction.nobs / size.nobs
    return replace(fit, method="direct", reduction=size, optimum=replace(fit.optimum, sigma2=s2))


def error_exceedances(fit: Estimate, M: Spectrum, draws: int, rng: np.random.Generator) -> int:
    """Count draws under the null whose LM_err is at least that of the fit.

    With normal errors LM_err depends on M_Z v/|M_Z v| alone: neither coefficients, effects nor
    variance matter, so simulating v gives its exact distribution.
    """
    T, N = fit.y.shape
    Q = np.linalg.qr(_flat(fit.Z))[0]
    centre = _reduced(M, fit).trace_G(0.0) / fit.reduction.rows
    observed = abs(_share(fit.residuals.reshape(T, N, 1), M)[0] - centre)
    count, left, size = 0, draws, max(1, _BLOCK // (T * N))
    while left:
        here = min(left, size)
        v = _flat(demean(rng.standard_normal((T, N, here)), fit.effects))
        e = (v - Q @ (Q.T @ v)).reshape(T, N, here)
        count += int((np.abs(_share(e, M) - centre) >= observed * (1 - 1e-12)).sum())
        left -= here
    return count


def _reduced[S: (Spectrum, Spectral)](W: S, fit: Estimate) -> S:
    return W.project() if fit.reduction.projected and not W.projected else W


def _share(e: NDArray[np.float64], M: Spectrum) -> NDArray[np.float64]:
    """e'(I x M)e / e'e for columns (T, N, D)."""
    cross = (e * M.lag(e)).sum(axis=(0, 1))
    return np.asarray(cross / (e**2).sum(axis=(0, 1)))


def _flat(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    return columns.reshape(columns.shape[0] * columns.shape[1], -1)
