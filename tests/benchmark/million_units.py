"""A spatial Durbin model on a panel that is read block by block: a million units by default.

    python tests/benchmark/million_units.py --folder /tmp/panel --workers 2

Writes a simulated panel with known parameters to Parquet files in a folder, one per period, and
fits it from there by `ce.scale.fit`. Prints the estimates beside the truth, the time by stage and
the peak of memory. The units stand on a lattice and neighbour those beside, above and below.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from joblib.externals.loky import get_reusable_executor
from libpysal.graph import Graph
from numpy.typing import NDArray
from scipy.sparse import csr_array

import ccec_econ as ce
from ccec_econ.parallel import spread

RHO, SIGMA2 = 0.4, 1.0
BETA, THETA = (1.0, -0.5, 0.25), (0.5, 0.25, 0.0)
REGRESSORS = ("x1", "x2", "x3")
TRUTH = {
    **dict(zip(REGRESSORS, BETA)),
    **{f"W({name})": value for name, value in zip(REGRESSORS, THETA)},
    "rho": RHO,
    "sigma2": SIGMA2,
}
GIB = 2**30


@dataclass
class Watch:
    """Seconds by stage, on the wall and of this process's processor time, and peaks of memory."""

    wall: dict[str, float] = field(default_factory=dict)
    processor: dict[str, float] = field(default_factory=dict)
    workers: list[int] = field(default_factory=lambda: [0])
    _last: tuple[float, float] = (0.0, 0.0)

    def start(self) -> None:
        """Begin the first stage."""
        self._last = time.perf_counter(), time.process_time()

    def stage(self, name: str) -> None:
        """End a stage."""
        wall, processor = time.perf_counter(), time.process_time()
        self.wall[name] = wall - self._last[0]
        self.processor[name] = processor - self._last[1]
        self._last = wall, processor

    def progress(self, done: int, total: int) -> None:
        """Tell stages of the fit by the blocks it has read."""
        passes = sum(name.endswith("pass") for name in self.wall)
        before, during = (
            ("weights, factors, first blocks", "first pass"),
            ("likelihood, traces, first blocks", "second pass"),
        )[passes]
        if before not in self.wall:
            self.stage(before)
        if done == total:
            self.workers += peaks_of_children()
            self.stage(during)


def peaks_of_children() -> list[int]:
    """Peak resident bytes of each child process, where the system tells (Linux)."""
    found = []
    for listed in Path("/proc/self/task").glob("*/children"):
        for child in listed.read_text().split():
            status = Path(f"/proc/{child}/status").read_text()
            peak = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
            found += [int(kib) * 1024 for kib in peak]
    return found


def lattice(units: int) -> Graph:
    """Rook contiguity of a lattice as square as can be, row-standardised; its last row may end."""
    width, each = int(np.sqrt(units)), np.arange(units)
    right = each[(each % width < width - 1) & (each + 1 < units)]
    up = each[: units - width]
    ends = np.concatenate([right, up]), np.concatenate([right + 1, up + width])
    focal, neighbour = np.concatenate(ends), np.concatenate(ends[::-1])
    return Graph.from_arrays(focal, neighbour, 1.0 / np.bincount(focal)[focal])


def write(folder: Path, W: csr_array, periods: int, seed: int) -> dict[int, Path]:
    """Write one Parquet file per period: y = (I - rho W)^-1 (Xb + WXt + unit + period + e)."""
    folder.mkdir(parents=True, exist_ok=True)
    N, files = W.shape[0], {}
    level = np.random.default_rng([seed, 0]).standard_normal(N)
    for period in range(1, periods + 1):
        rng = np.random.default_rng([seed, period])
        X = rng.standard_normal((N, len(REGRESSORS))) + 0.5 * level[:, None]
        noise = rng.standard_normal(N) * np.sqrt(SIGMA2)
        mean = X @ BETA + (W @ X) @ THETA + level + rng.standard_normal()
        table = pd.DataFrame(X, columns=list(REGRESSORS)).assign(y=solved(W, mean + noise))
        files[period] = folder / f"{period:03d}.parquet"
        table.rename_axis("unit").reset_index().to_parquet(files[period], index=False)
    return files


def solved(W: csr_array, right: NDArray[np.float64]) -> NDArray[np.float64]:
    """(I - rho W)^-1 times a column by its power series, rows of W summing to one."""
    total, term = right.copy(), right
    while np.abs(term).max() > 1e-13:
        term = RHO * (W @ term)
        total += term
    return total


def children_seconds() -> float:
    """Processor seconds of child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def begun(number: int) -> int:
    """Import the package, which takes a worker seconds."""
    return number * len(ce.__all__)


@contextmanager
def workers(number: int) -> Iterator[None]:
    """Spread what is spread over processes, and end them afterwards."""
    if number == 1:
        yield
        return
    with joblib.parallel_config("loky", n_jobs=number):
        spread(begun, range(number))
        yield
    get_reusable_executor().shutdown(wait=True)


def run(units: int, periods: int, folder: Path, number: int, seed: int) -> dict[str, Any]:
    """Write, fit and measure."""
    watch = Watch()
    watch.start()
    graph = lattice(units)
    watch.stage("graph")
    files = write(folder, ce.weights.align_sparse(graph, pd.RangeIndex(units)), periods, seed)
    watch.stage("writing")
    formula = f"y ~ {' + '.join(REGRESSORS)} | unit + period"
    before, start = time.process_time(), time.perf_counter()
    with workers(number):
        watch.stage("start of the workers")
        blocks = ce.scale.from_parquet(files, unit="unit", time="period")
        fit = ce.scale.fit("sdm", formula, blocks, graph, progress=watch.progress)
        watch.stage("errors")
    wall, own = time.perf_counter() - start, time.process_time() - before
    kib = 1 if sys.platform == "darwin" else 1024  # units of ru_maxrss
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * kib
    return {
        "units": units,
        "periods": periods,
        "workers": number,
        "fit_wall_seconds": wall,
        "fit_processor_seconds": own + children_seconds(),
        "wall_seconds_by_stage": watch.wall,
        "processor_seconds_by_stage": watch.processor,
        "peak_gib": peak / GIB,
        "peak_gib_of_a_worker": max(watch.workers) / GIB,
        "estimates": compared(fit),
    }


def compared(fit: ce.scale.BlockResults) -> dict[str, dict[str, float]]:
    """Estimates beside the truth, and how many standard errors they are off."""
    error = fit.std_errors
    return {
        name: {
            "truth": TRUTH[name],
            "estimate": float(value),
            "error": float(error[name]),
            "z": float((value - TRUTH[name]) / error[name]),
        }
        for name, value in fit.params.items()
    }


def show(found: dict[str, Any]) -> None:
    """Print what was found."""
    print(pd.DataFrame(found["estimates"]).T.round(5).to_string())
    stages = pd.DataFrame(
        {
            "wall": found["wall_seconds_by_stage"],
            "processor": found["processor_seconds_by_stage"],
        }
    )
    print(stages.round(1).to_string())
    print(
        f"{found['units']:,} units, {found['periods']} periods, {found['workers']} workers: fit in "
        f"{found['fit_wall_seconds']:.1f} s ({found['fit_processor_seconds']:.1f} s of processor "
        f"time, workers included), peak {found['peak_gib']:.2f} GiB and "
        f"{found['peak_gib_of_a_worker']:.2f} GiB in the largest worker"
    )


def main() -> None:
    """Read the arguments, run, print and perhaps write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--units", type=int, default=1_000_000)
    parser.add_argument("--periods", type=int, default=10)
    parser.add_argument("--folder", type=Path, required=True, help="for the Parquet files")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=20260101)
    parser.add_argument("--report", type=Path, help="write the measurements to this JSON file")
    given = parser.parse_args()
    found = run(given.units, given.periods, given.folder, given.workers, given.seed)
    show(found)
    if given.report is not None:
        given.report.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
