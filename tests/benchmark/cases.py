"""Everything that is timed: what, by which package, at which sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmark import ours, peers, posteriors
from benchmark.ours import Work
from benchmark.panels import Simulated

OURS, K = "ccec_econ", 4
PERIODS = {
    46: 30,
    100: 20,
    300: 20,
    1_000: 20,
    3_000: 20,
    10_000: 20,
    30_000: 20,
    100_000: 10,
    300_000: 10,
}
QUICK = 3_000  # the largest size of a quick run


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that is timed at one size."""

    work: str
    package: str
    n: int
    T: int
    K: int
    prepare: Callable[[Simulated], Work]

    def __str__(self) -> str:
        return f"{self.work}-{self.n}-{self.package}"


@dataclass(frozen=True, slots=True)
class Task:
    """One thing that is timed, up to a size."""

    work: str
    package: str
    prepare: Callable[[Simulated], Work]
    up_to: int = max(PERIODS)


TASKS = (
    Task("sdm", OURS, ours.sdm),
    Task("sdm", "spreg", peers.spreg_sdm, 10_000),
    Task("sdm", "linearmodels", peers.linearmodels_ols),
    Task("sdm", "pyfixest", peers.pyfixest_ols),
    Task("sar", OURS, ours.sar, 10_000),
    Task("sar", "spreg", peers.spreg_lag, 10_000),
    Task("refit", OURS, ours.refit, 30_000),
    Task("effects", OURS, ours.effects, 30_000),
    Task("lm_tests", OURS, ours.lm_tests, 10_000),
    Task("lm_tests", "spreg", peers.spreg_lm_tests, 10_000),
    Task("conditional_lm_tests", OURS, ours.conditional_lm_tests, 10_000),
)
AT_ONE_SIZE = (
    Case("bayes_sdm", OURS, 16, 20, 3, posteriors.sdm),
    Case("bayes_sdem", OURS, 16, 20, 3, posteriors.sdem),
    Case("bayes_dynamic", OURS, 16, 20, 3, posteriors.dynamic),
    Case("bayes_student", OURS, 16, 20, 3, posteriors.student),
    Case("bayes_compare", OURS, 16, 20, 3, posteriors.compare),
)
CURVE = Case("specification_curve", OURS, 281, 20, 11, ours.specification_curve)


def cases(largest: int) -> Iterator[Case]:
    """Yield the cases up to a size, packages side by side; the curve in full runs only."""
    yield from AT_ONE_SIZE
    if largest > QUICK:
        yield CURVE
    for n, T in PERIODS.items():
        for task in TASKS:
            if n <= min(largest, task.up_to):
                yield Case(task.work, task.package, n, T, K, task.prepare)
