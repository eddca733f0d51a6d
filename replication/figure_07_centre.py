"""Figure 7: where the weight of GDP, residents and light lies, and how far it moved."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import ccec_econ as ce
from ccec_econ.report import centre_figure
from ccec_econ.report.outlines import plane
from ccec_econ.structure import CentreTrack, centre_track
from exhibit import Exhibit, main, rng

WORDS = {"gdp": "GDP", "pop": "residents", "night_lights": "night lights"}
NOTE = (
    "Cities weigh at their seats: a city's weight does not move inside it. GDP at current prices. "
    "Ellipse: half axes √2 standard deviations of the weights. Thin: {draws} resamples of whole "
    "cities, the same in every year; all cities are in the sample, so it says how much the place "
    "of a centre hangs on single cities. (b)–(d): one scale, open circle the first year; the "
    "tracks of the map (a) would be shorter than its marks. Night lights from {lights}, on one "
    "footing. Grey dots: seats. Sources: data/raw/gdp_revised, data/raw/population, "
    "data/raw/night_lights, data/raw/geography."
)


def build(config: dict[str, Any]) -> Exhibit:
    """Follow three centres and say how far each moved."""
    setting, draws = config["centre"], config["draws"]["bootstrap"]
    units = ce.data.load_units()
    tracks = {
        name: centre_track(
            ce.data.load_panel(years=tuple(years)),
            name,
            units,
            draws=draws,
            rng=rng(config, "figure_07"),
        )
        for name, years in setting["years"].items()
    }
    moves = pd.DataFrame({name: moved(track) for name, track in tracks.items()}).T
    named = {setting["names"][name]: track for name, track in tracks.items()}
    note = NOTE.format(draws=draws, lights=setting["years"]["night_lights"][0])
    frames = {name: track.frame for name, track in tracks.items()}
    return Exhibit(
        figure=centre_figure(named, note=note),
        data={
            "": pd.concat(frames, names=["variable"]).reset_index(),
            "moves": moves.rename_axis("variable").reset_index(),
        },
        finding=finding(moves, setting),
        numbers={str(name): row.to_dict() for name, row in moves.iterrows()},
    )


def moved(track: CentreTrack) -> pd.Series:
    """Return the move from the first to the last year, km, with its intervals over resamples."""
    first, last = track.frame.index[[0, -1]]
    step = np.diff(places(track.frame.loc[[first, last]]), axis=0)[0]
    steps = places(track.draws.loc[last]) - places(track.draws.loc[first])
    low, high = np.quantile(steps, [0.025, 0.975], axis=0)
    area = track.frame["area_km2"]
    return pd.Series(
        {
            "east": step[0],
            "east_lower": low[0],
            "east_upper": high[0],
            "north": step[1],
            "north_lower": low[1],
            "north_upper": high[1],
            "distance": float(np.hypot(*step)),
            "area_change": float(area.loc[last] / area.loc[first] - 1.0),
        }
    )


def places(frame: pd.DataFrame) -> np.ndarray:
    """Place degrees on the plane, km."""
    return plane(frame["lon"].to_numpy(), frame["lat"].to_numpy())


def finding(moves: pd.DataFrame, setting: dict[str, Any]) -> str:
    """Say how far and where each centre moved, and whether single cities carry it."""
    parts = []
    for name, row in moves.iterrows():
        first, last = setting["years"][name]
        sides = [
            f"{abs(row[axis]):.1f} km {words[0] if row[axis] > 0 else words[1]} "
            f"({row[f'{axis}_lower']:.1f} to {row[f'{axis}_upper']:.1f})".replace("-", "−")
            for axis, words in (("east", ("east", "west")), ("north", ("north", "south")))
        ]
        parts.append(f"that of {WORDS[str(name)]} {' and '.join(sides)} in {first}–{last}")
    sure = [
        name
        for name, row in moves.iterrows()
        if any(row[f"{axis}_lower"] * row[f"{axis}_upper"] > 0 for axis in ("east", "north"))
    ]
    return (
        "The centres hardly move, and stay between the two cores: "
        + "; ".join(parts)
        + " (brackets: the middle 95 % of resamples, east or north positive). "
        + (
            "In every case single cities could have made or undone the move."
            if not sure
            else f"Only for {', '.join(WORDS[str(n)] for n in sure)} do the resamples agree "
            "on a direction."
        )
    )


if __name__ == "__main__":
    main(__file__, build)
