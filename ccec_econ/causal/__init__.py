"""Effects of a treatment that reaches units at different times, and what it does to neighbours."""

from ccec_econ.causal.bacon import Bacon, goodman_bacon
from ccec_econ.causal.design import Design, adoption_from, staggered_design
from ccec_econ.causal.honest import Honest, honest
from ccec_econ.causal.pretrends import PretrendPower, pretrend_power
from ccec_econ.causal.staggered import staggered
from ccec_econ.causal.staggered_results import Staggered

__all__ = [
    "Bacon",
    "Design",
    "Honest",
    "PretrendPower",
    "Staggered",
    "adoption_from",
    "goodman_bacon",
    "honest",
    "pretrend_power",
    "staggered",
    "staggered_design",
]
