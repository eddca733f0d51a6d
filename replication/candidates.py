"""The weights that Table 15 and Figure 9 compare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from libpysal.graph import Graph

import ccec_econ as ce

__all__ = ["CONTIGUITY", "candidates"]

CONTIGUITY = "contiguity"


def candidates(config: Mapping[str, Any]) -> dict[str, Graph]:
    """Weights by printed name."""
    nearest = {f"{k} nearest": ce.weights.nearest(k=k) for k in config["bayes"]["nearest"]}
    return {
        CONTIGUITY: ce.weights.contiguity(),
        **nearest,
        "inverse distance": ce.weights.inverse_distance(),
    }
