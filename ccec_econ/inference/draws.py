"""Parameters that effects depend on, where they stand, and draws of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.estimate import Estimate
from ccec_econ.errors import IdentificationError
from ccec_econ.inference.vcov import Vcov

__all__ = ["Pair", "draw_parameters", "pairs", "parameters", "refuse_outside"]

type Pair = tuple[str, int | None, int | None]
_TRIES = 100  # draws that may leave the parameter space, per draw kept, before giving up


def pairs(fit: Estimate) -> list[Pair]:
    """Each regressor with the position of its coefficient and of its lag's."""
    own = {
        term: j
        for j, (term, of) in enumerate(zip(fit.terms, fit.lag_of, strict=True))
        if of is None and term != "Intercept" and not term.startswith("L(")
    }
    lag = {of: j for j, of in enumerate(fit.lag_of) if of is not None and of[:2] != "L("}
    return [(term, own.get(term), lag.get(term)) for term in dict.fromkeys([*own, *lag])]


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
    fit: Estimate,
    draws: int,
    rng: np.random.Generator,
    inside: Callable[[NDArray[np.float64]], NDArray[np.bool_]] | None = None,
) -> tuple[NDArray[np.float64], float]:
    """Draw parameters until `draws` of them lie in the space of rho; return the share refused.

    `inside` says which of the draws in that space to keep, where it is narrower still.

    Raises
    ------
    IdentificationError
        If nearly all draws leave the space.
    """
    values, vectors = np.linalg.eigh(V)
    root = vectors * np.sqrt(np.clip(values, 0.0, None))
    lower, upper = fit.weights.interval if fit.weights is not None else (-np.inf, np.inf)
    kept = np.empty((0, len(theta)))
    tried = 0
    while len(kept) < draws:
        if tried >= _TRIES * draws:
            raise IdentificationError(
                f"{tried - len(kept)} of {tried} draws of rho leave ({lower:.4f}, {upper:.4f}): "
                "its standard error is too wide to simulate from; use the delta interval."
            )
        fresh = rng.standard_normal((draws, len(theta))) @ root.T
        if df is not None:
            fresh /= np.sqrt(rng.chisquare(df, (draws, 1)) / df)
        fresh += theta
        tried += draws
        fresh = fresh[(fresh[:, -1] > lower) & (fresh[:, -1] < upper)]
        kept = np.vstack([kept, fresh if inside is None else fresh[inside(fresh)]])
    return kept[:draws], 1.0 - len(kept) / tried


def refuse_outside(fit: Estimate) -> None:
    """Refuse effects of an estimate whose rho lies where I - rho W has no sensible inverse.

    Raises
    ------
    IdentificationError
        If rho is outside its interval, as estimates by instruments can be.
    """
    if fit.weights is None:
        return
    lower, upper = fit.weights.interval
    if not lower < fit.optimum.rho < upper:
        raise IdentificationError(
            f"rho = {fit.optimum.rho:.4f} lies outside ({lower:.4f}, {upper:.4f}): there is no "
            "reduced form, hence no effects."
        )
