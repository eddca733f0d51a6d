"""Panels too large for memory: the same likelihoods, fitted from one block per period."""

from ccec_econ.scale.blocks import Blocks, from_frame, from_parquet
from ccec_econ.scale.fit import fit
from ccec_econ.scale.results import BlockResults

__all__ = ["BlockResults", "Blocks", "fit", "from_frame", "from_parquet"]
