"""Effects of a treatment that reaches units at different times, and what it does to neighbours."""

from ccec_econ.causal.recentre import Recentred, recentre
from ccec_econ.causal.recentre_regression import (
    RecentredRegression,
    leave_one_out,
    recentred_regression,
)

__all__ = [
    "Recentred",
    "RecentredRegression",
    "leave_one_out",
    "recentre",
    "recentred_regression",
]
