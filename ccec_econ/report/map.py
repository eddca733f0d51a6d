"""Maps of the circle: polygons where the optional layer is installed, else a grid of tiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill as wrap
from typing import Any, Final

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_hex
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ccec_econ.circle import roles
from ccec_econ.data import load_units
from ccec_econ.errors import DataError, first_five
from ccec_econ.report.canvas import (
    BORDER,
    SHADE,
    Layout,
    by_unit,
    caption,
    draw_scale,
    draw_units,
    lay_out,
    map_axes,
)
from ccec_econ.report.outlines import Outlines
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

__all__ = ["circle_map"]

_TITLE_WIDTH = 30  # characters of a line of a legend's title
_SEAT: Final[dict[str, Any]] = {
    "linestyle": "none",
    "marker": "o",
    "markersize": 5.0,
    "markerfacecolor": "white",
    "markeredgecolor": INK,
    "markeredgewidth": 1.2,
}


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
    given = by_unit(roles() if values is None else values, names.index, "values")
    second = by_unit({} if labels is None else labels, names.index, "labels", partial=True)
    text = {str(u): _two_lines(name, second.get(u)) for u, name in names.items()}
    layout, outlines = lay_out(tiles=tiles)
    frame = _FRAMES[layout]
    with style():
        figure = new_figure(WIDTH_CM, frame.height_cm)
        figure.caption = caption(layout, note, wanted=tiles)
        axes = map_axes(figure, frame.axes, outlines)
        fill = _fill(given)
        draw_units(axes, outlines, fill.colours)
        _draw_labels(axes, outlines, frame, fill, text)
        _draw_seats(axes, outlines)
        draw_scale(axes, outlines)
        _explain_fill(figure, frame, fill, title)
        _explain_lines(figure, frame, outlines, labels_title)
        figure.text(0.01, 0.012, wrap(figure.caption, NOTE_WIDTH), fontsize=6.3, va="bottom")
    return figure


def _two_lines(name: str, second: str | None) -> str:
    return name if second is None else f"{name}\n{second}"


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
    scale = ScalarMappable(Normalize(values.min(), values.max()), SHADE)
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


def _explain_fill(figure: PaperFigure, frame: _Frame, fill: _Fill, title: str) -> None:
    if fill.scale is None:
        _legend(figure, frame.fill, fill.patches, wrap(title, _TITLE_WIDTH))
        return
    left, top = frame.fill
    axes = figure.add_axes((left + 0.015, top - 0.095, 0.2, 0.016))
    figure.colorbar(fill.scale, cax=axes, orientation="horizontal")
    figure.text(left + 0.015, top - 0.01, wrap(title, _TITLE_WIDTH), fontsize=7.0, va="top")


def _explain_lines(
    figure: PaperFigure, frame: _Frame, outlines: Outlines, labels_title: str
) -> None:
    handles = [Line2D([], [], **BORDER, label="Sichuan–Chongqing border")]
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
