"""Options of a run, one thread for every package, and what joins pytest-benchmark's file."""

from __future__ import annotations

import os
from typing import Any

import pytest

from benchmark.cases import PERIODS, QUICK, Case, cases
from benchmark.probe import Probe

STOPPED = pytest.StashKey[list[dict[str, Any]]]()
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help=f"sizes up to {QUICK:,}, short rounds")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[STOPPED] = []
    several = [name for name in THREADS if os.environ.get(name) != "1"]
    if several:
        raise pytest.UsageError(f"{', '.join(several)} must be 1; start this by `make bench`.")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        largest = QUICK if metafunc.config.getoption("quick") else max(PERIODS)
        metafunc.parametrize("case", list(cases(largest)), ids=str)


class Stopped:
    """Cases that did not end; the same work at a larger size is not tried again."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def add(self, case: Case, found: Probe) -> None:
        """Keep what stopped a case."""
        sizes = {"n": case.n, "T": case.T, "K": case.K}
        row = {"work": case.work, **sizes, "package": case.package, "outcome": found.outcome}
        self.rows.append(row)

    def before(self, case: Case) -> bool:
        """Whether the work of this package was stopped at a smaller size."""
        return any((r["work"], r["package"]) == (case.work, case.package) for r in self.rows)


@pytest.fixture
def stopped(pytestconfig: pytest.Config) -> Stopped:
    return Stopped(pytestconfig.stash[STOPPED])


def pytest_benchmark_update_json(
    config: pytest.Config, benchmarks: object, output_json: dict[str, Any]
) -> None:
    output_json["stopped"] = config.stash[STOPPED]
