"""Shared fixtures: the reference panels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from libpysal.graph import Graph

from ccec_econ import audit

ORACLE = Path(__file__).parent / "oracle"


@pytest.fixture(scope="session")
def sim16() -> tuple[pd.DataFrame, Graph]:
    """Simulated panel of 16 units and its asymmetric weights."""
    return audit.simulated_panel()


@pytest.fixture(scope="session")
def cigar() -> tuple[pd.DataFrame, Graph]:
    """Cigarette panel of 46 states and row-standardised contiguity."""
    return audit.cigarettes()


@pytest.fixture(scope="session")
def cigar_oracle() -> list[dict[str, Any]]:
    """Exact static results on the cigarette panel."""
    results: list[dict[str, Any]] = json.loads((ORACLE / "cigar" / "static.json").read_text())[
        "results"
    ]
    return results
