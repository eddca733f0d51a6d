"""Tests, errors and effects put together as other software does."""

from __future__ import annotations

import numpy as np
import pandas as pd
from libpysal.graph import Graph
from numpy.typing import NDArray

from ccec_econ.engine.estimate import Estimate
from ccec_econ.engine.random import RandomEstimate
from ccec_econ.inference.effects import delta_effects
from ccec_econ.inference.reduced_form import static_form
from ccec_econ.inference.vcov import Information, Vcov
from ccec_econ.models.results import SpatialPanelResults
from ccec_econ.weights import align, from_matrix

__all__ = [
    "absolute_hausman",
    "conditional_errors",
    "effect_errors",
    "lag_as_regressor",
    "lag_of_squared_trace",
    "levels_without_lag",
    "shuffled",
    "undivided",
]


def lag_of_squared_trace(fit: Estimate, W: NDArray[np.float64]) -> float:
    """LM lag test of a pooled regression with t^2 where T t belongs, t = tr(WW + W'W).

    s2 = SSE / (observations - coefficients), as spreg's regression has it.
    """
    T, N, K = fit.Z.shape
    Z, e = fit.Z.reshape(T * N, K), fit.residuals
    s2 = float((e**2).sum()) / (T * N - K)
    mean = ((fit.y - e) @ W.T).ravel()
    left = mean - Z @ np.linalg.lstsq(Z, mean, rcond=None)[0]
    trace = float(np.trace(W @ W + W.T @ W))
    slope = float((e * (fit.y @ W.T)).sum()) / s2
    return float(slope**2 / (float(left @ left) / s2 + trace**2))


def absolute_hausman(fixed: Estimate, random: RandomEstimate) -> float:
    """|q'(V_RE - V_FE)^-1 q| with splm's covariances: the sign is lost, and with it the warning.

    V_RE holds lambda fixed; the slopes are the last coefficients of the random-effects model.
    """
    K = len(fixed.terms)
    V_fixed = Information()(fixed).matrix[:K, :K]
    V_random = _given_rho(random)[-K:, -K:]
    q = fixed.optimum.coefficients - random.optimum.coefficients[-K:]
    return abs(float(q @ np.linalg.solve(V_random - V_fixed, q)))


def conditional_errors(random: RandomEstimate) -> NDArray[np.float64]:
    """Compute errors of random-effects coefficients that hold rho and phi at their estimates."""
    return np.asarray(np.sqrt(np.diag(_given_rho(random))))


def effect_errors(fit: Estimate, *, block: bool) -> NDArray[np.float64]:
    """Delta-method errors of effects, shape (terms, 3); `block` sets cov(rho, d) to zero."""
    V, K = Information()(fit).matrix.copy(), len(fit.terms)
    if block:
        V[:K, K] = V[K, :K] = 0.0
    return delta_effects(static_form(fit), Vcov(V, None, "expected information"))[1]


def undivided(fit: Estimate) -> float:
    """Ratio of a simulated effect's error to the right one when V is not divided by N T."""
    V = Information()(fit).matrix
    wide = delta_effects(static_form(fit), Vcov(V * fit.y.size, None, ""))[1]
    return float((wide / delta_effects(static_form(fit), Vcov(V, None, ""))[1])[0, 2])


def lag_as_regressor(fit: Estimate, term: str) -> tuple[float, float]:
    """Total effect of a term in an SDM: its lag counted as another variable, and right."""
    terms, d = fit.terms, fit.optimum.coefficients
    own, neighbours = d[terms.index(term)], d[terms.index(f"W({term})")]
    return own / (1.0 - fit.optimum.rho), (own + neighbours) / (1.0 - fit.optimum.rho)


def levels_without_lag(fit: SpatialPanelResults) -> pd.Series:
    """Take unit effects for means of y - Zd, which leaves rho Wy in them."""
    found = fit.fixed_effects()
    Wy = fit.estimate.weights
    mean = np.zeros(len(found["unit"])) if Wy is None else Wy.lag(fit.design.y).mean(axis=0)
    return found["unit"] + float(found["constant"].iloc[0]) + fit.rho * mean


def shuffled(weights: Graph) -> Graph:
    """Return weights whose rows stand in reversed order under labels in the right order.

    What software sees that reads a labelled matrix by position.
    """
    ids = pd.Index(weights.unique_ids).sort_values()
    return from_matrix(align(weights, ids)[::-1, ::-1], ids)


def _given_rho(random: RandomEstimate) -> NDArray[np.float64]:
    best = random.optimum
    R = random.likelihood.moments(best.lam, best.phi).R
    return np.asarray(best.sigma2 * np.linalg.inv(R.T @ R))
