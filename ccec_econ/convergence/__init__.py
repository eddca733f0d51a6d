"""Convergence and inequality: dispersion across units over time."""

from ccec_econ.convergence.dispersion import (
    complete_years,
    core_share,
    hollow_gap,
    primacy,
    sigma,
    theil_between,
)
from ccec_econ.convergence.trends import Trend, trend

__all__ = [
    "Trend",
    "complete_years",
    "core_share",
    "hollow_gap",
    "primacy",
    "sigma",
    "theil_between",
    "trend",
]
