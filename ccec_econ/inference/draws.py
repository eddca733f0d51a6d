"""Draws of the parameters behind effects."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ccec_econ.errors import IdentificationError

__all__ = ["draw_parameters"]

_TRIES = 100  # draws that may leave the parameter space, per draw kept, before giving up


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
