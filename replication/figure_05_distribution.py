"""Figure 5: density of GDP per resident by year, and where cities stand five years later."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import ccec_econ as ce
from exhibit import Exhibit, main


def build(config: dict[str, Any]) -> Exhibit:
    """Estimate the densities and the stochastic kernel, and draw them."""
    setting = config["distribution"]
    panel = ce.data.load_panel(years=tuple(setting["years"]))
    found = ce.convergence.densities(panel, "gdp_pc", points=setting["points"])
    kernel = ce.convergence.stochastic_kernel(
        panel, "gdp_pc", steps=setting["steps"], points=setting["points"] // 2
    )
    ranks = ce.convergence.rank_mobility(panel, "gdp_pc")
    spread = found.values.std(axis="columns", ddof=0)
    ends = [int(year) for year in (found.values.index[0], found.values.index[-1])]
    note = (
        f"Real GDP per resident at 2000 prices. (a) {found.note} Ticks: the cities. (b) "
        f"{kernel.note} Drawn where cities start; above the dashed line a city gains on the mean."
    )
    return Exhibit(
        figure=ce.report.distribution_figure(found, kernel, what="GDP per resident", note=note),
        data={"": long(found.frame, "density"), "kernel": long(kernel.frame, "density")},
        finding=finding(found.values, humps(found.frame), ranks),
        numbers={
            "spread": {str(year): float(spread[year]) for year in ends},
            "humps": {str(year): count for year, count in humps(found.frame).items()},
            "kernel_pairs": kernel.pairs,
            "kendall_tau": ranks.tau,
            "rank_change": ranks.mean_change,
        },
    )


def long(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """One row per cell; columns as numbers."""
    return frame.stack().rename(name).reset_index()


def humps(frame: pd.DataFrame) -> dict[int, int]:
    """Count the local maxima of each year's density."""
    signs = np.sign(np.diff(frame.to_numpy(), axis=1))
    return {
        int(year): int(np.sum((row[:-1] > 0) & (row[1:] < 0)))
        for year, row in zip(frame.index, signs, strict=True)
    }


def finding(values: pd.DataFrame, modes: dict[int, int], ranks: ce.convergence.RankMobility) -> str:
    """Say whether the distribution narrowed, and whether it has one hump or several."""
    first, last = values.index[0], values.index[-1]
    spread = values.std(axis="columns", ddof=0)
    high = np.exp(values.max(axis="columns"))
    verb = "narrowed" if spread[last] < spread[first] else "widened"
    most = max(modes.values())
    shape = (
        "it has one hump in every year, though so few units could hardly show two"
        if most == 1
        else f"it has up to {most} humps (in {sum(m > 1 for m in modes.values())} of {len(modes)} "
        "years)"
    )
    return (
        f"The distribution of GDP per resident at 2000 prices {verb} between {first} and {last}: "
        f"the standard deviation of its logarithm goes from {spread[first]:.2f} to "
        f"{spread[last]:.2f}, and the highest city from {high[first]:.2f} to {high[last]:.2f} "
        f"times the mean; {shape}. The order of cities has changed little (Kendall's tau "
        f"{ranks.tau:.2f})."
    )


if __name__ == "__main__":
    main(__file__, build)
