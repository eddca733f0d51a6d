"""Spatial weights: those of the circle, and matching any weights to a panel by label."""

from ccec_econ.weights.alignment import AS_TEXT, align, align_sparse, refuse_mismatch
from ccec_econ.weights.circle import (
    contiguity,
    distances,
    economic,
    economic_of,
    inverse_distance,
    nearest,
    nearest_of,
)
from ccec_econ.weights.kinds import LogDet, Prepared, WeightsLike, prepare
from ccec_econ.weights.labelled import (
    among,
    from_matrix,
    is_row_standardised,
    row_standardise,
    shares,
    split,
    sums_to_one,
)

__all__ = [
    "AS_TEXT",
    "LogDet",
    "Prepared",
    "WeightsLike",
    "align",
    "align_sparse",
    "among",
    "contiguity",
    "distances",
    "economic",
    "economic_of",
    "from_matrix",
    "inverse_distance",
    "is_row_standardised",
    "nearest",
    "nearest_of",
    "prepare",
    "refuse_mismatch",
    "row_standardise",
    "shares",
    "split",
    "sums_to_one",
]
