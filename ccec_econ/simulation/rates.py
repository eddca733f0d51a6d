"""Means and rates over draws, with their Monte Carlo errors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["mean_row", "rate_error"]


def mean_row(values: NDArray[np.float64], truth: float) -> dict[str, float]:
    """Truth, mean, bias, standard deviation and Monte Carlo error of the mean of draws (D,)."""
    sd = float(values.std(ddof=1))
    mean = float(values.mean())
    return {
        "truth": truth,
        "mean": mean,
        "bias": mean - truth,
        "sd": sd,
        "mcse": sd / float(np.sqrt(len(values))),
    }


def rate_error(rate: float, draws: int) -> float:
    """Monte Carlo error of a share of draws."""
    return float(np.sqrt(rate * (1.0 - rate) / draws))
