"""Panels too large for memory: the same likelihoods, fitted from one block per period."""

from ccec_econ.scale.blocks import Blocks
from ccec_econ.scale.fit import fit
from ccec_econ.scale.memory import from_arrays, from_frame, from_xarray
from ccec_econ.scale.parquet import from_dataset, from_parquet
from ccec_econ.scale.results import BlockResults

__all__ = [
    "BlockResults",
    "Blocks",
    "fit",
    "from_arrays",
    "from_dataset",
    "from_frame",
    "from_parquet",
    "from_xarray",
]
