"""Convergence and inequality: dispersion, its parts, the hollow middle, over time."""

from ccec_econ.convergence.beta import (
    Speed,
    cross_section,
    growth_spans,
    moderated_speed,
    speed,
    speed_of,
)
from ccec_econ.convergence.decomposition import Dagum, dagum, theil_change, theil_nested
from ccec_econ.convergence.dispersion import dispersion, dispersion_intervals, sigma
from ccec_econ.convergence.hollow import (
    core_share,
    gap_change,
    hollow_gap,
    primacy,
    rank_size,
    trough,
)
from ccec_econ.convergence.levels import split_urban_rural
from ccec_econ.convergence.spatial_sigma import SpatialSigma, spatial_sigma
from ccec_econ.convergence.tables import complete_years
from ccec_econ.convergence.trends import Trend, WeakSigma, trend, weak_sigma

__all__ = [
    "Dagum",
    "SpatialSigma",
    "Speed",
    "Trend",
    "WeakSigma",
    "complete_years",
    "core_share",
    "cross_section",
    "dagum",
    "dispersion",
    "dispersion_intervals",
    "gap_change",
    "growth_spans",
    "hollow_gap",
    "moderated_speed",
    "primacy",
    "rank_size",
    "sigma",
    "spatial_sigma",
    "speed",
    "speed_of",
    "split_urban_rural",
    "theil_change",
    "theil_nested",
    "trend",
    "trough",
    "weak_sigma",
]
