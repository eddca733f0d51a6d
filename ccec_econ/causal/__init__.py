"""Effects of a treatment that reaches units at different times, and what it does to neighbours."""

from ccec_econ.causal.rings import rings
from ccec_econ.causal.rings_results import Rings

__all__ = ["Rings", "rings"]
