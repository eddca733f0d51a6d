"""Convergence and inequality: dispersion and its parts, speeds, clubs, distributions."""

from ccec_econ.convergence.beta import (
    Speed,
    cross_section,
    moderated_speed,
    speed,
    speed_of,
)
from ccec_econ.convergence.chain import Markov, markov
from ccec_econ.convergence.classes import ClassRule, IncomeClasses, income_classes, relative
from ccec_econ.convergence.clubs import Club, ClubRule, Clubs, find_clubs, merge_clubs
from ccec_econ.convergence.decomposition import Dagum, dagum, theil_change, theil_nested
from ccec_econ.convergence.density import (
    Densities,
    StochasticKernel,
    bandwidth,
    densities,
    stochastic_kernel,
)
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
from ccec_econ.convergence.logt import LogT, LogTRule, log_t, transition_paths
from ccec_econ.convergence.ranks import RankMobility, rank_mobility
from ccec_econ.convergence.spans import growth_spans
from ccec_econ.convergence.spatial_chain import SpatialMarkov, spatial_markov
from ccec_econ.convergence.spatial_sigma import SpatialSigma, spatial_sigma
from ccec_econ.convergence.stability import ClubStability, club_stability
from ccec_econ.convergence.tables import complete_years
from ccec_econ.convergence.trends import Trend, WeakSigma, trend, weak_sigma

__all__ = [
    "ClassRule",
    "Club",
    "ClubRule",
    "ClubStability",
    "Clubs",
    "Dagum",
    "Densities",
    "IncomeClasses",
    "LogT",
    "LogTRule",
    "Markov",
    "RankMobility",
    "SpatialMarkov",
    "SpatialSigma",
    "Speed",
    "StochasticKernel",
    "Trend",
    "WeakSigma",
    "bandwidth",
    "club_stability",
    "complete_years",
    "core_share",
    "cross_section",
    "dagum",
    "densities",
    "dispersion",
    "dispersion_intervals",
    "find_clubs",
    "gap_change",
    "growth_spans",
    "hollow_gap",
    "income_classes",
    "log_t",
    "markov",
    "merge_clubs",
    "moderated_speed",
    "primacy",
    "rank_mobility",
    "rank_size",
    "relative",
    "sigma",
    "spatial_markov",
    "spatial_sigma",
    "speed",
    "speed_of",
    "split_urban_rural",
    "stochastic_kernel",
    "theil_change",
    "theil_nested",
    "transition_paths",
    "trend",
    "trough",
    "weak_sigma",
]
