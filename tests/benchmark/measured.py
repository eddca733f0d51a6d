"""Measured rows: one per case, from pytest-benchmark's file or from benchmark.csv."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

__all__ = ["FOLDER", "KEY", "MILLION", "RAN", "measured", "million_units", "stored"]

FOLDER = Path(__file__).parents[2] / "replication" / "output" / "benchmark"
KEY = ["work", "n", "T", "K", "package"]
NUMBERS = ["median_s", "iqr_s", "processor_s", "rounds", "peak_mib"]
RAN, MILLION = "ran", "million_units"


def measured(run: Mapping[str, Any]) -> pd.DataFrame:
    """Rows of a run of pytest-benchmark; cases that were stopped have an outcome and no figures."""
    rows = [
        {
            **bench["extra_info"],
            "median_s": bench["stats"]["median"],
            "iqr_s": bench["stats"]["iqr"] if bench["stats"]["rounds"] > 1 else None,
            "rounds": bench["stats"]["rounds"],
            "outcome": RAN,
        }
        for bench in run["benchmarks"]
        if bench["extra_info"]  # a case that was interrupted has none
    ]
    return pd.DataFrame([*rows, *run["stopped"]], columns=[*KEY, *NUMBERS, "outcome"])


def million_units(report: Mapping[str, Any]) -> pd.DataFrame:
    """Row of a report of million_units.py; its memory is that of all processes together."""
    workers = report["workers"] if report["workers"] > 1 else 0
    peak_gib = report["peak_gib"] + workers * report["peak_gib_of_a_worker"]
    row = {
        "work": MILLION,
        "n": report["units"],
        "T": report["periods"],
        "K": sum(name.startswith("W(") for name in report["estimates"]),
        "package": "ccec_econ",
        "median_s": report["fit_wall_seconds"],
        "processor_s": report["fit_processor_seconds"],
        "rounds": 1,
        "peak_mib": 1024 * peak_gib,
        "outcome": RAN,
    }
    return pd.DataFrame([row], columns=[*KEY, *NUMBERS, "outcome"])


def stored(folder: Path = FOLDER) -> pd.DataFrame:
    """Rows of the committed run, with targets."""
    return pd.read_csv(folder / "benchmark.csv")
