"""Figure 6: relative transition paths of the 16 units."""

from __future__ import annotations

from typing import Any

import pandas as pd

import ccec_econ as ce
from exhibit import Exhibit, main


def build(config: dict[str, Any]) -> Exhibit:
    """Compute the paths in logarithms and in levels, and draw them."""
    setting = config["clubs"]
    panel = ce.data.load_panel(years=tuple(setting["years"]))
    panel = panel.assign(gdp_pc_current=1e4 * panel["gdp"] / panel["pop"])  # yuan
    roles, names = ce.circle.roles(), ce.data.load_units()["name"]
    paths = {
        name: ce.convergence.transition_paths(panel, column, log=log, smooth=setting["smooth"])
        for name, column, log in (
            ("real", "gdp_pc", False),
            ("current", "gdp_pc_current", False),
            ("ln_real", "gdp_pc", True),
        )
    }
    drawn = {"(a) 2000 prices": paths["real"], "(b) Current prices": paths["current"]}
    note = (
        "GDP per resident: trend of the city (Hodrick-Prescott filter, penalty "
        f"{setting['smooth']:g}) over the mean of the trends of all units. 2000 prices rest on "
        "each city's own deflator. Thick: cores; dashed: the hollow middle."
    )
    gaps = {name: distance(frame, roles) for name, frame in paths.items()}
    return Exhibit(
        figure=ce.report.paths_figure(drawn, roles.to_dict(), names=names.to_dict(), note=note),
        data=long(paths),
        finding=finding(paths, roles, names),
        numbers={
            name: {role: {str(y): float(v) for y, v in row.items()} for role, row in gap.items()}
            for name, gap in gaps.items()
        },
    )


def distance(paths: pd.DataFrame, roles: pd.Series) -> pd.DataFrame:
    """Mean path of each role at both ends; years by roles."""
    return paths.T.groupby(roles).mean().T.iloc[[0, -1]]


def long(paths: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per year and unit, a column per kind of path."""
    return pd.DataFrame({name: frame.stack() for name, frame in paths.items()}).reset_index()


def finding(paths: dict[str, pd.DataFrame], roles: pd.Series, names: pd.Series) -> str:
    """Say how cores and hollow middle moved relative to the mean, in both prices."""
    ends = {name: distance(frame, roles) for name, frame in paths.items()}
    years = ends["real"].index
    said = {
        name: {role: f"{gap[role].iloc[0]:.2f} to {gap[role].iloc[1]:.2f}" for role in gap}
        for name, gap in ends.items()
    }
    hollow = list(roles.index[roles == "hollow"])
    lost = {
        name: [names[u] for u in hollow if paths[name][u].iloc[-1] < paths[name][u].iloc[0]]
        for name in ("real", "current")
    }
    behind = [name for name in lost if (ends[name]["hollow"].diff().iloc[-1]) < 0]
    return (
        f"Between {years[0]} and {years[1]} the cores went from {said['real']['core']} times the "
        f"mean of the units at 2000 prices and the hollow middle from {said['real']['hollow']}; at "
        f"current prices the cores went from {said['current']['core']} and the hollow middle from "
        f"{said['current']['hollow']}. Cities of the hollow middle that fell: "
        f"{', '.join(lost['real']) or 'none'} at 2000 prices, "
        f"{', '.join(lost['current']) or 'none'} at current prices. Per resident the middle as a "
        "whole fell "
        + (
            "further behind the mean in "
            + ("both." if len(behind) == 2 else f"the {behind[0]} series.")
            if behind
            else "no further behind the mean in either, against the hypothesis of hollowing out."
        )
    )


if __name__ == "__main__":
    main(__file__, build)
