"""Measures of inequality on arrays: one value per head and one weight per unit, units last.

With weights 1/N every unit counts the same and the measures are those of the `inequality`
package; with shares of population every resident does. They broadcast over leading axes (years,
draws), which that package does not.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "MEASURES",
    "Measure",
    "MeasureName",
    "atkinson",
    "cv",
    "gini",
    "measure",
    "sigma",
    "theil",
]

type Array = NDArray[np.float64]
type Measure = Callable[[Array, Array], Array]
"""From values per head (..., N) and weights (..., N) that sum to one to numbers (...)."""

MeasureName = Literal["sigma", "cv", "gini", "theil", "atkinson"]
MEASURES: tuple[MeasureName, ...] = get_args(MeasureName)


def sigma(y: Array, w: Array) -> Array:
    """Compute the standard deviation of ln y."""
    return np.sqrt(_variance(np.log(y), w))


def cv(y: Array, w: Array) -> Array:
    """Divide the standard deviation by the mean; with population weights Williamson's index."""
    return np.asarray(np.sqrt(_variance(y, w)) / (w * y).sum(axis=-1))


def gini(y: Array, w: Array) -> Array:
    """Divide the mean absolute difference of all pairs by twice the mean."""
    apart = np.abs(y[..., :, None] - y[..., None, :])
    pairs = w[..., :, None] * w[..., None, :]
    return np.asarray((pairs * apart).sum(axis=(-2, -1)) / (2.0 * (w * y).sum(axis=-1)))


def theil(y: Array, w: Array) -> Array:
    """Compute Theil's T: sum of w (y/m) ln(y/m), m the mean; the same as sum of s ln(s/w)."""
    relative = y / (w * y).sum(axis=-1, keepdims=True)
    return np.asarray((w * relative * np.log(relative)).sum(axis=-1))


def atkinson(y: Array, w: Array, aversion: float = 0.5) -> Array:
    """Compute one less the equally distributed equivalent over the mean; aversion above 0."""
    mean = (w * y).sum(axis=-1)
    if aversion == 1.0:
        equivalent = np.exp((w * np.log(y)).sum(axis=-1))
    else:
        power = 1.0 - aversion
        equivalent = (w * y**power).sum(axis=-1) ** (1.0 / power)
    return np.asarray(1.0 - equivalent / mean)


def measure(name: MeasureName, *, aversion: float = 0.5) -> Measure:
    """Look a measure up.

    Raises
    ------
    ValueError
        If there is none of that name, or the aversion is not positive.
    """
    if name not in MEASURES or not aversion > 0.0:
        raise ValueError(
            f"measure {name!r}, aversion {aversion}: choose one of {', '.join(MEASURES)} and an "
            "aversion above zero."
        )
    known: dict[str, Measure] = {"sigma": sigma, "cv": cv, "gini": gini, "theil": theil}
    return known.get(name) or partial(atkinson, aversion=aversion)


def _variance(x: Array, w: Array) -> Array:
    mean = (w * x).sum(axis=-1, keepdims=True)
    return np.asarray((w * (x - mean) ** 2).sum(axis=-1))
