"""Figure 10. Who gains from whose railway: one lag beside lags by origin."""

from __future__ import annotations

from typing import Any

import pandas as pd

import ccec_econ as ce
import group_models as gm
from exhibit import Exhibit, main

TITLES = {
    "Cities, one lag": "(a) Cities, one lag",
    "Cities, lag by origin": "(b) Cities, lag by origin",
    "Counties, one lag": "(c) Counties, one lag",
    "Counties, by origin": "(d) Counties, own service and lag by origin",
}
NOTE = (
    "Rows receive, columns are where trains of 250 km/h or more begin in every unit. (a), (b): "
    "points of growth per year with service, SDM of {cities} cities, bootstrap intervals by unit. "
    "(c), (d): ln night lights of {counties} counties, SLX with trends of first lights and of "
    "nearness to every group, intervals clustered by unit, as if counties were independent, though "
    "service begins in {served} core counties in {dates} years; 95 %. Blue gains, red loses; full "
    "colour and bold where the interval leaves zero out, pale where zero is inside; colours of a "
    "panel are relative to its largest estimate. Frame: core to hollow. With one lag all blocks "
    "off the diagonal have one sign, whatever the data; by origin those of one column do."
)


def build(config: dict[str, Any]) -> Exhibit:
    """Draw the matrices of both layers."""
    county, city = gm.county(config), gm.city(config)
    found = gm.of_hsr(config, county, city)
    panels = {title: block_of(found[name]) for name, title in TITLES.items()}
    core = gm.opened(county)[county.groups == "core"]
    said = {title: clear(frame) for title, frame in panels.items()}
    return Exhibit(
        figure=ce.report.heat_figure(
            panels,
            labels=config["groups"]["names"],
            marked=[("hollow", "core")],
            note=NOTE.format(
                cities=len(city.groups),
                counties=len(county.groups),
                served=core.notna().sum(),
                dates=core.nunique(),
            ),
        ),
        data=pd.concat(panels, names=["panel"]).reset_index(),
        finding=finding(said, len(next(iter(panels.values())))),
        numbers={f"clear_{title[1]}": count for title, count in said.items()},
    )


def block_of(found: ce.GroupEffects) -> pd.DataFrame:
    """Take the blocks of the one term with the interval of the layer."""
    drawn = "boot_lower" in found.frame
    ends = found.spans["Bootstrap" if drawn else "Delta"]
    frame = found.frame.droplevel("term")[["estimate", *ends]]
    return frame.set_axis(["estimate", "lower", "upper"], axis=1)


def clear(frame: pd.DataFrame) -> int:
    """Count blocks whose interval leaves zero out."""
    return int(((frame["lower"] > 0) | (frame["upper"] < 0)).sum())


def finding(said: dict[str, int], blocks: int) -> str:
    """Count, by panel, the blocks whose interval leaves zero out."""
    counts = [f"{count} in {title[:3]}" for title, count in said.items()]
    return (
        f"Of {blocks} blocks the 95 % interval leaves zero out for {ce.report.listed(counts)}; "
        "blocks are not adjusted for their number."
    )


if __name__ == "__main__":
    main(__file__, build)
