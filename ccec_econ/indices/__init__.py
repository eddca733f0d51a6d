"""Indices: composite indicators with frozen bounds and documented weights."""

from ccec_econ.indices.composite import (
    CompositeIndex,
    composite_index,
    critic_weights,
    entropy_weights,
    equal_weights,
    leave_one_out_weights,
    minmax_pooled,
    pca_weights,
)
from ccec_econ.indices.diagnosis import (
    coupling,
    obstacle_degree,
    rank_intervals,
    weighting_versions,
)

__all__ = [
    "CompositeIndex",
    "composite_index",
    "coupling",
    "critic_weights",
    "entropy_weights",
    "equal_weights",
    "leave_one_out_weights",
    "minmax_pooled",
    "obstacle_degree",
    "pca_weights",
    "rank_intervals",
    "weighting_versions",
]
