"""Figure of mean centres: ellipses on a map, and the tracks of the centres close up."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill as wrap
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse

from ccec_econ.data import load_units
from ccec_econ.errors import DataError
from ccec_econ.report.ground import draw_ground, ground_caption, label_cities
from ccec_econ.report.outlines import plane
from ccec_econ.report.style import (
    GREY,
    INK,
    NOTE_WIDTH,
    PALETTE,
    WIDTH_CM,
    PaperFigure,
    new_figure,
    style,
)
from ccec_econ.structure import CentreTrack

__all__ = ["centre_figure"]

_HEIGHT_CM = 12.6
_COLOURS = (PALETTE[0], PALETTE[1], PALETTE[3])
_STROKES: Final[tuple[Any, ...]] = ("-", (0, (5.0, 1.6)), (0, (1.2, 1.2)))
_MARKERS = ("o", "s", "^")
_MOST = 3
_CHI2_95 = 5.991464547107979  # two degrees of freedom
_SCALE_KM = 2.0


def centre_figure(tracks: Mapping[str, CentreTrack], *, note: str = "") -> PaperFigure:
    """Draw ellipse, centre and resampled centres of each quantity, and its track beside the map.

    Parameters
    ----------
    tracks : mapping
        Name of the quantity -> its track; at most three.
    note : str
        Remarks, drawn beneath; ``figure.caption`` has it too.

    Raises
    ------
    DataError
        If there is no track, or more than three.

    Notes
    -----
    On the map, in the last year: the standard deviational ellipse, the centre, and the ellipse
    that holds 95 % of the centres of the resamples if they are normal. The panels beside it share
    one scale.
    """
    if not 0 < len(tracks) <= _MOST:
        raise DataError(f"centre figure of {len(tracks)} quantities; give one to {_MOST}.")
    with style():
        figure = new_figure(WIDTH_CM, _HEIGHT_CM)
        figure.caption = ground_caption(note)
        axes = draw_ground(figure, (0.004, 0.23, 0.69, 0.75))
        _seats(axes)
        label_cities(axes)
        span = _span(tracks)
        for place, (name, track) in enumerate(tracks.items()):
            _on_map(axes, track, place)
            height = 0.80 / _MOST
            panel = figure.add_axes((0.725, 0.975 - (place + 1) * height, 0.27, height - 0.035))
            _close_up(panel, track, f"({'bcd'[place]}) {name}", place, span)
        _explain(figure, tracks)
        last = sorted({int(track.frame.index[-1]) for track in tracks.values()})
        figure.text(0.01, 0.985, f"(a) {', '.join(map(str, last))}", fontsize=7.8, va="top")
        figure.text(0.01, 0.01, wrap(figure.caption, NOTE_WIDTH), fontsize=6.3, va="bottom")
    return figure


def _places(frame: pd.DataFrame) -> np.ndarray:
    return plane(frame["lon"].to_numpy(), frame["lat"].to_numpy())


def _span(tracks: Mapping[str, CentreTrack]) -> float:
    """Return the side of the close-ups, km, that holds the longest track."""
    sides = [np.ptp(_places(track.frame), axis=0).max() for track in tracks.values()]
    return 1.5 * float(max(*sides, _SCALE_KM))


def _seats(axes: Axes) -> None:
    at = _places(load_units("city"))
    axes.plot(*at.T, ".", color=GREY, markersize=2.6, zorder=2)


def _on_map(axes: Axes, track: CentreTrack, place: int) -> None:
    last = track.frame.iloc[-1]
    centre = _places(track.frame)[-1]
    look: dict[str, Any] = {"edgecolor": _COLOURS[place], "facecolor": "none", "zorder": 3}
    axes.add_patch(
        Ellipse(
            tuple(centre),
            2.0 * last["long_km"],
            2.0 * last["short_km"],
            angle=90.0 - last["angle"],
            linestyle=_STROKES[place],
            linewidth=1.3,
            **look,
        )
    )
    cloud = _places(track.draws.loc[track.frame.index[-1]])
    values, vectors = np.linalg.eigh(np.cov(cloud.T))
    axes.add_patch(
        Ellipse(
            tuple(cloud.mean(axis=0)),
            *(2.0 * np.sqrt(_CHI2_95 * values[::-1])),
            angle=float(np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1]))),
            linestyle=_STROKES[place],
            linewidth=0.7,
            **look,
        )
    )
    mark: dict[str, Any] = {"color": _COLOURS[place], "mec": "white", "mew": 0.5}
    axes.plot(*centre, _MARKERS[place], markersize=4.0 + place, zorder=5.0 - 0.1 * place, **mark)


def _close_up(axes: Axes, track: CentreTrack, title: str, place: int, span: float) -> None:
    at = _places(track.frame)
    middle = (at.min(axis=0) + at.max(axis=0)) / 2.0
    axes.plot(*at.T, color=_COLOURS[place], linewidth=0.9, zorder=2)
    axes.plot(*at[1:-1].T, ".", color=_COLOURS[place], markersize=3.0, zorder=3)
    axes.plot(*at[0], "o", mfc="white", mec=_COLOURS[place], markersize=4.5, zorder=4)
    axes.plot(*at[-1], "o", color=_COLOURS[place], markersize=4.5, zorder=4)
    _name_ends(axes, track, at)
    axes.set_title(title, fontsize=7.4, pad=2.5)
    axes.set_aspect("equal", adjustable="datalim")
    ratio = axes.bbox.width / axes.bbox.height
    axes.set_xlim(middle[0] - ratio * span / 2.0, middle[0] + ratio * span / 2.0)
    axes.set_ylim(middle[1] - span / 2.0, middle[1] + span / 2.0)
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(True)
    right, low = middle[0] + 0.46 * ratio * span, middle[1] - 0.42 * span
    axes.plot([right - _SCALE_KM, right], [low, low], color=INK, linewidth=1.0)
    axes.text(
        right - _SCALE_KM / 2, low, f"{_SCALE_KM:g} km", fontsize=5.8, ha="center", va="bottom"
    )


def _name_ends(axes: Axes, track: CentreTrack, at: np.ndarray) -> None:
    """Write the first and the last year on the side that faces away from the track."""
    for place in (0, -1):
        away = at[place] - at.mean(axis=0)
        away /= max(float(np.linalg.norm(away)), 1e-9)
        axes.annotate(
            str(track.frame.index[place]),
            tuple(at[place]),
            (14.0 * away[0], 9.0 * away[1]),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=6.2,
        )


def _explain(figure: PaperFigure, tracks: Mapping[str, CentreTrack]) -> None:
    handles = [
        Line2D(
            [],
            [],
            color=_COLOURS[place],
            linestyle=_STROKES[place],
            marker=_MARKERS[place],
            markersize=4.0,
            label=f"{name}, {track.frame.index[-1]}",
        )
        for place, (name, track) in enumerate(tracks.items())
    ]
    handles.append(Line2D([], [], color=INK, linewidth=1.3, label="deviational ellipse"))
    handles.append(Line2D([], [], color=INK, linewidth=0.7, label="95 % of resamples"))
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.0, 0.245),
        ncols=3,
        handlelength=3.2,
        columnspacing=1.4,
    )
