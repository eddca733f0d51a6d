"""Seconds and memory of every case; run by `make bench`, never by `make test`.

The first run warms up and says how many rounds there is time for. Of the rounds the wall clock is
pytest-benchmark's; the time of the processor is kept beside it, because other work on the machine
moves the first and hardly the second.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import pytest

from benchmark.cases import Case
from benchmark.panels import simulated
from benchmark.probe import probe

CAP = {True: 20, False: 120}  # seconds of the processor a case may take, by whether it is quick
BUDGET = {True: 0.5, False: 4.0}  # seconds that the rounds of a case may take
ROUNDS = 30
ONCE = 10.0  # a case that takes longer is timed once and not warmed up

pytestmark = [
    pytest.mark.filterwarnings("ignore:The inplace keyword"),  # of spreg and pyfixest
    pytest.mark.filterwarnings("ignore:Casting complex values"),  # of spreg's condition number
]


def test_speed(
    case: Case, stopped: Any, pytestconfig: pytest.Config, request: pytest.FixtureRequest
) -> None:
    quick = bool(pytestconfig.getoption("quick"))
    if stopped.before(case):
        pytest.skip("stopped at a smaller size")
    found = probe(case, CAP[quick])
    if found.outcome != "ran":
        stopped.add(case, found)
        pytest.skip(found.outcome)
    work = case.prepare(simulated(case.n, case.T, case.K))
    spent: list[float] = []

    def timed() -> None:
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)

    rounds = 1
    if found.seconds < ONCE:
        timed()
        rounds = min(max(int(BUDGET[quick] / spent.pop()), 3), ROUNDS)
    benchmark: Any = request.getfixturevalue("benchmark")
    benchmark.pedantic(timed, rounds=rounds)
    benchmark.extra_info |= {
        "work": case.work,
        "n": case.n,
        "T": case.T,
        "K": case.K,
        "package": case.package,
        "processor_s": statistics.median(spent),
        "peak_mib": found.peak_mib,
    }
