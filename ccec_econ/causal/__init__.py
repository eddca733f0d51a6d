"""Effects of a treatment that reaches units at different times, and what it does to neighbours."""

from ccec_econ.causal.bacon import Bacon, goodman_bacon
from ccec_econ.causal.design import Controls, Design, adoption_from, staggered_design
from ccec_econ.causal.honest import Honest, honest
from ccec_econ.causal.placebo import Placebos
from ccec_econ.causal.placebo_sets import drawn_sets, placebo_sets
from ccec_econ.causal.placebo_timing import (
    PseudoOpenings,
    fake_openings,
    fake_units,
    policy_window,
    pseudo_openings,
)
from ccec_econ.causal.placebo_weights import placebo_weights
from ccec_econ.causal.power import Power, power
from ccec_econ.causal.pretrends import PretrendPower, pretrend_power
from ccec_econ.causal.randomise import permute
from ccec_econ.causal.recentre import Recentred, recentre
from ccec_econ.causal.recentre_regression import (
    RecentredRegression,
    leave_one_out,
    recentred_regression,
)
from ccec_econ.causal.rings import rings
from ccec_econ.causal.rings_results import Rings
from ccec_econ.causal.staggered import staggered
from ccec_econ.causal.staggered_means import group_time_contrast, group_time_means, group_time_t
from ccec_econ.causal.staggered_results import Staggered

__all__ = [
    "Bacon",
    "Controls",
    "Design",
    "Honest",
    "Placebos",
    "Power",
    "PretrendPower",
    "PseudoOpenings",
    "Recentred",
    "RecentredRegression",
    "Rings",
    "Staggered",
    "adoption_from",
    "drawn_sets",
    "fake_openings",
    "fake_units",
    "goodman_bacon",
    "group_time_contrast",
    "group_time_means",
    "group_time_t",
    "honest",
    "leave_one_out",
    "permute",
    "placebo_sets",
    "placebo_weights",
    "policy_window",
    "power",
    "pretrend_power",
    "pseudo_openings",
    "recentre",
    "recentred_regression",
    "rings",
    "staggered",
    "staggered_design",
]
