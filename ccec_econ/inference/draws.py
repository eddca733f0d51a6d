"""Parameters behind effects, and draws of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.estimate import Estimate
from ccec_econ.errors import IdentificationError
from ccec_econ.inference.vcov import Vcov

__all__ = ["draw_parameters", "parameters"]

_TRIES = 100  # draws that may leave the parameter space, per draw kept, before giving up


def parameters(fit: Estimate, vcov: Vcov) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(d, rho) and their covariance; rho is a certain zero without a lag of y."""
    K = len(fit.terms)
    theta = np.append(fit.optimum.coefficients, fit.optimum.rho)
    V = np.zeros((K + 1, K + 1))
    kept = K if fit.spectrum is None else K + 1
    V[:kept, :kept] = vcov.matrix[:kept, :kept]
    return theta, V


def draw_parameters(
    theta: NDArray[np.float64],
    V: NDArray[np.float64],
    df: float | None,
    draws: int,
    rng: np.random.Generator,
    *,
    inside: Callable[[NDArray[np.float64]], NDArray[np.bool_]],
    region: str,
) -> tuple[NDArray[np.float64], float]:
    """Draw parameters until `draws` of them lie inside; return the share refused.

    Raises
    ------
    IdentificationError
        If nearly all draws leave the space.
    """
    values, vectors = np.linalg.eigh(V)
    root = vectors * np.sqrt(np.clip(values, 0.0, None))
    kept = np.empty((0, len(theta)))
    tried = 0
    while len(kept) < draws:
        if tried >= _TRIES * draws:
            raise IdentificationError(
                f"{tried - len(kept)} of {tried} draws leave {region}: the standard errors are "
                "too wide to simulate effects from; report the coefficients."
            )
        fresh = rng.standard_normal((draws, len(theta))) @ root.T
        if df is not None:
            fresh /= np.sqrt(rng.chisquare(df, (draws, 1)) / df)
        fresh += theta
        tried += draws
        kept = np.vstack([kept, fresh[inside(fresh)]])
    return kept[:draws], 1.0 - len(kept) / tried
