"""Convergence and inequality: dispersion, clubs, and the distribution over time."""

from ccec_econ.convergence.chain import Markov, markov
from ccec_econ.convergence.classes import ClassRule, IncomeClasses, income_classes, relative
from ccec_econ.convergence.clubs import Club, ClubRule, Clubs, find_clubs, merge_clubs
from ccec_econ.convergence.density import (
    Densities,
    StochasticKernel,
    bandwidth,
    densities,
    stochastic_kernel,
)
from ccec_econ.convergence.dispersion import (
    complete_years,
    core_share,
    hollow_gap,
    primacy,
    sigma,
    theil_between,
)
from ccec_econ.convergence.logt import LogT, LogTRule, log_t, transition_paths
from ccec_econ.convergence.ranks import RankMobility, rank_mobility
from ccec_econ.convergence.spatial_chain import SpatialMarkov, spatial_markov
from ccec_econ.convergence.stability import ClubStability, club_stability
from ccec_econ.convergence.trends import Trend, trend

__all__ = [
    "ClassRule",
    "Club",
    "ClubRule",
    "ClubStability",
    "Clubs",
    "Densities",
    "IncomeClasses",
    "LogT",
    "LogTRule",
    "Markov",
    "RankMobility",
    "SpatialMarkov",
    "StochasticKernel",
    "Trend",
    "bandwidth",
    "club_stability",
    "complete_years",
    "core_share",
    "densities",
    "find_clubs",
    "hollow_gap",
    "income_classes",
    "log_t",
    "markov",
    "merge_clubs",
    "primacy",
    "rank_mobility",
    "relative",
    "sigma",
    "spatial_markov",
    "stochastic_kernel",
    "theil_between",
    "transition_paths",
    "trend",
]
