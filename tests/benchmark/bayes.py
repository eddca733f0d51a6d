"""Seconds that posteriors take: medians, one thread (OMP_NUM_THREADS=1).

    OMP_NUM_THREADS=1 python tests/benchmark/bayes.py

Sixteen units, twenty periods, three regressors. Times are of the processor, so that other work on
the machine does not count.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

import ccec_econ as ce
from ccec_econ.simulation.designs import nearest_weights

N, T, DRAWS, WEIGHTS = 16, 20, 10_000, 100
STATIC = "y ~ a + b + c | unit + year"
DYNAMIC = "y ~ L(y) + W(L(y)) + a + b + c | unit + year"


def median_seconds(work: Callable[[], object], repeats: int) -> float:
    """Median processor time, the first run left out."""
    work()
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def main(repeats: int) -> None:
    """Print one line per task."""
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([range(N), range(T)], names=["unit", "year"])
    data = pd.DataFrame(rng.standard_normal((N * T, 4)), columns=["y", "a", "b", "c"], index=index)
    near = {
        str(i): ce.weights.from_matrix(nearest_weights(N, 4, rng), range(N)) for i in range(WEIGHTS)
    }
    W = near["0"]

    def posterior(formula: str, **options: Any) -> Callable[[], object]:
        return lambda: ce.bayes.fit(formula, data, W, draws=DRAWS, **options).effects()

    tasks = {
        f"sdm, {DRAWS:,} draws with effects": posterior(STATIC),
        f"sdem, {DRAWS:,} draws with effects": posterior(STATIC, model="sdem"),
        f"dynamic sdm, {DRAWS:,} draws with effects": posterior(DYNAMIC),
        f"{WEIGHTS} weights x slx, sdm, sdem": lambda: ce.bayes.compare(STATIC, data, near),
        f"sdm, Student-t errors, {DRAWS:,} draws with effects": posterior(STATIC, errors="student"),
    }
    for name, work in tasks.items():
        print(f"{median_seconds(work, repeats):8.3f}  {name}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
