"""The Monte Carlo behind Table 18: `make simulate` runs it and writes replication/simulation.

Each cell, such as a model at a number of units, has random numbers of its own, spawned from the
study's seed by the cell's name. So a cell does not depend on the others, nor on their order. A
short run of the same cells is written beside the long one; the test suite repeats it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from catalogue import load_project
from environment import settle
from exhibit import rng
from record import packages
from writing import csv_text, json_text, write

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["RUNS", "TABLES", "Cell", "cells", "load_runs", "run", "weights"]

TABLES = ("estimators", "lm_tests", "dynamic", "covariances")
RUNS = ("draws", "short")  # keys of config.toml: the long run and the short one
FOLDER = "simulation"
USED = ("numpy", "pandas", "scipy")  # packages whose versions may move a digit


@dataclass(frozen=True, slots=True)
class Cell:
    """One simulated setting: the table it belongs to, its key columns and its study."""

    table: str
    key: Mapping[str, object]
    study: Callable[[int, np.random.Generator], pd.DataFrame]

    @property
    def name(self) -> str:
        """Name that the random numbers are spawned by."""
        return " ".join(["simulate", self.table, *(f"{k}={v}" for k, v in self.key.items())])


def weights(neighbours: int) -> dict[int, NDArray[np.float64]]:
    """Weights by number of units: the circle's contiguity, and the official circle's 44 units.

    The 44 are fifteen cities and the 29 districts and counties of Chongqing in the circle. One of
    them borders none of the others, so they are linked to the nearest by seats of government.
    """
    import ccec_econ as ce

    graph = ce.weights.contiguity()
    units = ce.data.load_table("geography", "units_mixed53").set_index("adcode")
    distance = ce.data.load_table("geography", "dist_mixed53_seat_km").set_index("adcode")
    inside = units.index[units["ccec"] != "none"]
    near = distance.loc[inside, inside].to_numpy(dtype=np.float64)
    found = (
        ce.weights.align(graph, graph.unique_ids),
        ce.weights.nearest_of(near, neighbours),
    )
    return {len(W): W for W in found}


def cells(setting: Mapping[str, Any]) -> Iterator[Cell]:
    """Yield the cells of the study in the order of its tables."""
    from ccec_econ import simulation as mc

    T, every = setting["periods"], weights(setting["neighbours"])
    dependence = mc.Dependence(**setting["dependence"])
    truth = mc.DynamicDesign(**setting["dynamic"])

    def estimators(design: mc.Design, W: NDArray[np.float64]) -> Any:
        names = ("rho", "direct", "indirect", "total")
        return lambda draws, random: mc.study(
            design, W, T, quantities=names, draws=draws, rng=random
        )

    def covariances(regressor: Any, W: NDArray[np.float64]) -> Any:
        inner = {name: setting[name] for name in ("lags", "wild_draws", "permutations")}
        return lambda draws, random: mc.covariance_study(
            W, T, regressor=regressor, dependence=dependence, **inner, draws=draws, rng=random
        )

    def lm_tests(W: NDArray[np.float64]) -> Any:
        return lambda draws, random: mc.lm_study(W, T, draws=draws, rng=random)

    def dynamic(W: NDArray[np.float64]) -> Any:
        periods = setting["dynamic_periods"]
        return lambda draws, random: mc.dynamic_study(truth, W, periods, draws=draws, rng=random)

    for N, W in every.items():
        for theta in setting["theta"]:
            for rho in setting["rho"]:
                key = {"N": N, "model": "sdm" if theta else "sar", "true_rho": rho}
                yield Cell("estimators", key, estimators(mc.Design(rho, theta=theta), W))
        yield Cell("lm_tests", {"N": N}, lm_tests(W))
        yield Cell("dynamic", {"N": N}, dynamic(W))
        for regressor in ("persistent", "staggered"):
            key = {"N": N, "regressor": regressor}
            yield Cell("covariances", key, covariances(regressor, W))


def run(
    config: Mapping[str, Any],
    draws: Mapping[str, int],
    tell: Callable[[str], object] = lambda _: None,
) -> dict[str, pd.DataFrame]:
    """Run every cell with the draws of its table; one frame per table, key columns first."""
    frames: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
    for cell in cells(config["simulation"]):
        start = time.perf_counter()
        frame = cell.study(draws[cell.table], rng(config, cell.name))
        for place, (name, value) in enumerate([*cell.key.items(), ("draws", draws[cell.table])]):
            frame.insert(place, name, value)
        frames[cell.table].append(frame)
        tell(f"{cell.name}: {draws[cell.table]} draws, {time.perf_counter() - start:.0f} s\n")
    return {name: pd.concat(parts, ignore_index=True) for name, parts in frames.items()}


def load_runs(replication: Path) -> dict[str, dict[str, pd.DataFrame]]:
    """Read what the last `make simulate` wrote: by run ("draws", "short"), then by table."""
    folder = replication / FOLDER
    return {
        name: {table: pd.read_csv(folder / f"{table}{_ending(name)}.csv") for table in TABLES}
        for name in RUNS
    }


def main() -> None:
    """Run the long and the short study and write both."""
    root = Path(__file__).resolve().parents[1]
    settle(root)
    project = load_project(root)
    folder, setting = project.replication / FOLDER, project.config["simulation"]
    for name in RUNS:
        for table, frame in run(project.config, setting[name], sys.stdout.write).items():
            write(folder / f"{table}{_ending(name)}.csv", csv_text(frame))
    about = {
        "seed": project.config["seed"],
        "settings": setting,
        "packages": packages(USED),
    }
    write(folder / "record.json", json_text(about))


def _ending(name: str) -> str:
    return "" if name == RUNS[0] else f"_{name}"


if __name__ == "__main__":
    main()
