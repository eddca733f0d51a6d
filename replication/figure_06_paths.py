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
    roles, names = ce.circle.roles(), ce.data.load_units()["name"]
    paths = {
        "log": ce.convergence.transition_paths(panel, "gdp_pc", smooth=setting["smooth"]),
        "level": ce.convergence.transition_paths(
            panel, "gdp_pc", log=False, smooth=setting["smooth"]
        ),
    }
    drawn = {
        "(a) ln GDP per resident": paths["log"],
        "(b) GDP per resident": paths["level"],
    }
    note = (
        "Trend of the city (Hodrick-Prescott filter, penalty "
        f"{setting['smooth']:g}) over the mean of the trends of all units. Real GDP per resident "
        "at 2000 prices, yuan; paths of logarithms depend on this unit of measurement, those of "
        "levels do not."
    )
    gaps = {name: distance(frame, roles) for name, frame in paths.items()}
    return Exhibit(
        figure=ce.report.paths_figure(drawn, roles.to_dict(), names=names.to_dict(), note=note),
        data=long(paths),
        finding=finding(paths["level"], roles, names),
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


def finding(paths: pd.DataFrame, roles: pd.Series, names: pd.Series) -> str:
    """Say how cores and hollow middle moved relative to the mean."""
    ends = distance(paths, roles)
    first, last = ends.index
    step = (paths.iloc[-1] - paths.iloc[0]).sort_values()
    risen = [names[unit] for unit in roles.index[roles == "hollow"] if step[unit] > 0]
    return (
        f"Between {first} and {last} the cores went from {ends['core'].iloc[0]:.2f} to "
        f"{ends['core'].iloc[1]:.2f} times the mean of the units and the hollow middle from "
        f"{ends['hollow'].iloc[0]:.2f} to {ends['hollow'].iloc[1]:.2f}, at 2000 prices; of its "
        f"four cities {len(risen)} rose ({', '.join(risen) or 'none'}). {names[step.index[0]]} "
        f"fell most ({paths[step.index[0]].iloc[0]:.2f} to "
        f"{paths[step.index[0]].iloc[-1]:.2f}). Per resident the middle has not fallen further "
        "behind, against the hypothesis of hollowing "
        "out."
        if ends["hollow"].iloc[1] >= ends["hollow"].iloc[0]
        else f"Between {first} and {last} the hollow middle fell from "
        f"{ends['hollow'].iloc[0]:.2f} to {ends['hollow'].iloc[1]:.2f} times the mean of the units."
    )


if __name__ == "__main__":
    main(__file__, build)
