"""Shared fixtures: the reference panels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from libpysal.graph import Graph

from ccec_econ import weights

ORACLE = Path(__file__).parent / "oracle"


@pytest.fixture(scope="session")
def sim16() -> tuple[pd.DataFrame, Graph]:
    """Simulated panel of 16 units and its asymmetric weights."""
    panel = pd.read_csv(ORACLE / "sim16" / "panel.csv").set_index(["id", "year"])
    return panel, _graph(ORACLE / "sim16" / "weights.csv")


@pytest.fixture(scope="session")
def cigar() -> tuple[pd.DataFrame, Graph]:
    """Cigarette panel of 46 states and row-standardised contiguity."""
    raw = pd.read_csv(ORACLE / "cigar" / "panel.csv")
    panel = pd.DataFrame(
        {
            "state": raw["state"],
            "year": raw["year"],
            "logc": np.log(raw["sales"]),
            "logp": np.log(raw["price"] / raw["cpi"]),
            "logy": np.log(raw["ndi"] / raw["cpi"]),
        }
    ).set_index(["state", "year"])
    pairs = pd.read_csv(ORACLE / "cigar" / "adjacency.csv")
    states, neighbours = pairs["state"].to_numpy(), pairs["neighbour"].to_numpy()
    graph = Graph.from_arrays(states, neighbours, np.ones(len(pairs)))
    return panel, weights.row_standardise(graph)


@pytest.fixture(scope="session")
def cigar_oracle() -> list[dict[str, Any]]:
    """Exact static results on the cigarette panel."""
    results: list[dict[str, Any]] = json.loads((ORACLE / "cigar" / "static.json").read_text())[
        "results"
    ]
    return results


def _graph(path: Path) -> Graph:
    links = pd.read_csv(path)
    return Graph.from_arrays(*(links[name].to_numpy() for name in links.columns))
