"""Figure 2A: where bright and dark counties lie together, and Moran's I by year."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import ccec_econ as ce
from ccec_econ.report import cluster_maps
from exhibit import Exhibit, main, rng

PATTERNS = ("high-high", "low-low", "high-low", "low-high")
NOTE = (
    "Night lights per km², logarithm, {count} counties; neighbours share a border, weights sum to "
    "one by row. Local Moran's I, {draws:,} conditional permutations, both sides; full colour: the "
    "share of false discoveries among all counties is held at {level:.0f} % (Benjamini and "
    "Hochberg); lighter: p ≤ {p:.2f} of the single test only. Fine lines: cities. (c): all years "
    "on one footing; p of the permutation test at most {worst:.3f}. Sources: "
    "data/raw/night_lights, data/raw/geography."
)


def build(config: dict[str, Any]) -> Exhibit:
    """Test every county in two years, and all together in every year."""
    setting, draws = config["clusters"], config["draws"]
    years, level = setting["years"], setting["level"]
    units = ce.data.load_units("county")
    panel = ce.data.load_panel("county", years=tuple(years))
    area = units["area_km2"].reindex(panel.index.get_level_values("unit")).to_numpy()
    panel = panel.assign(
        ln_density=np.log(panel["night_lights"] / area), ln_lights=np.log(panel["night_lights"])
    )
    weights = ce.weights.contiguity("county")
    found = {
        year: ce.structure.local_moran(
            panel,
            "ln_density",
            weights,
            year,
            level=level,
            draws=draws["effects"] - 1,
            seed=int(rng(config, f"figure_02_lisa_{year}").integers(2**31)),
        )
        for year in years
    }
    moran = {
        column: ce.structure.moran_by_year(
            panel, column, weights, draws=draws["permutations"], rng=rng(config, "figure_02_moran")
        )
        for column in ("ln_density", "ln_lights")
    }
    density = moran["ln_density"]
    note = NOTE.format(
        count=len(units),
        draws=draws["effects"] - 1,
        level=100 * level,
        p=level,
        worst=density["pvalue"].max(),
    )
    counts = {year: frame["cluster"].value_counts() for year, frame in found.items()}
    return Exhibit(
        figure=cluster_maps(found, density, level=level, note=note),
        data={
            "": pd.concat(found, names=["year"]).reset_index(),
            "moran": pd.concat(moran, names=["variable"]).reset_index(),
        },
        finding=finding(found, density, units),
        numbers={
            "counties": len(units),
            "moran": {str(year): float(density.loc[year, "moran"]) for year in years},
            "moran_of_sums": {
                str(year): float(moran["ln_lights"].loc[year, "moran"]) for year in years
            },
            "marked": {
                str(year): {name: int(counts[year].get(name, 0)) for name in PATTERNS}
                for year in years
            },
            "single": {
                str(year): int((frame["pvalue"] <= level).sum()) for year, frame in found.items()
            },
        },
    )


def finding(found: dict[int, pd.DataFrame], moran: pd.DataFrame, units: pd.DataFrame) -> str:
    """Say how strong the pattern is, how many counties it marks, and where the bright ones lie."""
    first, last = found
    marked = {year: frame["cluster"].isin(PATTERNS) for year, frame in found.items()}
    single = {year: int((frame["pvalue"] <= 0.05).sum()) for year, frame in found.items()}
    now = found[last]["cluster"]
    bright, dark = (now.index[now == pattern] for pattern in ("high-high", "low-low"))
    near = int(units.loc[bright, "city_name"].isin(["Chengdu", "Chongqing"]).sum())
    share = "all" if near == len(bright) else str(near)
    odd = int(now.isin(["high-low", "low-high"]).sum())
    stayed = int((found[first]["cluster"][marked[last]] == now[marked[last]]).sum())
    return (
        f"Bright counties lie beside bright ones and dark beside dark: Moran's I of night lights "
        f"per km² is {moran.loc[first, 'moran']:.2f} in {first} and {moran.loc[last, 'moran']:.2f} "
        f"in {last}. With false discoveries held down, {int(marked[first].sum())} of {len(units)} "
        f"counties stand out in {first} and {int(marked[last].sum())} in {last} (by single tests "
        f"{single[first]} and {single[last]}); of those of {last}, {stayed} stood out in the same "
        f"way before. In {last} {len(bright)} are bright among bright, {share} of them in Chengdu "
        f"and Chongqing, {len(dark)} dark among dark, and {odd} unlike their neighbours."
    )


if __name__ == "__main__":
    main(__file__, build)
