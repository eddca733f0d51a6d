"""Maps of a variable in several years, with classes that hold for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill as wrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.patches import Patch
from numpy.typing import NDArray

from ccec_econ.data import load_units
from ccec_econ.errors import DataError, PanelError
from ccec_econ.report.canvas import (
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
    WIDTH_CM,
    PaperFigure,
    new_figure,
    style,
    text_colour,
)

__all__ = ["ClassedMaps", "class_maps", "jenks_limits"]

_MAP_CM: dict[Layout, float] = {"polygons": 4.9, "tiles": 5.0}  # height of a row
_NOTE_CM = 1.7
_HEAD_CM = 0.75
_LEGEND = 0.185  # share of the width, at the right
_SIZE: dict[Layout, float] = {"polygons": 4.6, "tiles": 4.7}
# Labels in km east and north of the place that suits a map of full width.
_NUDGE_KM = {
    "510100": (12.0, 4.0),
    "510300": (-4.0, -3.0),
    "510500": (9.0, 2.0),
    "510600": (-1.0, 3.0),
    "510700": (-12.0, 0.0),
    "510900": (0.0, 3.0),
    "511000": (-7.0, 3.0),
    "511300": (-3.0, 0.0),
    "511600": (-4.0, 3.0),
    "511700": (-8.0, 2.0),
    "512000": (-8.0, -4.0),
}


@dataclass(frozen=True, slots=True)
class ClassedMaps:
    """One row of maps.

    Attributes
    ----------
    title : str
        What is shown, with its unit; over the legend.
    values : DataFrame, shape (N, years)
        Cities by years, a map a year.
    classes : int
        How many.
    digits : int
        Decimals of the limits in the legend.
    """

    title: str
    values: pd.DataFrame
    classes: int = 5
    digits: int = 0


def jenks_limits(values: pd.DataFrame, classes: int) -> NDArray[np.float64]:
    """Return the upper limits of natural breaks of all cells together.

    Parameters
    ----------
    values : DataFrame
        Any shape; cells are pooled, so that a colour means the same in every column.
    classes : int
        At least two and at most as many as there are different values.

    Returns
    -------
    array, shape (classes,)
        The last is the largest value.

    Raises
    ------
    PanelError
        If values are missing, or there are fewer different values than classes.

    Notes
    -----
    Fisher's exact algorithm (Fisher 1958, *Journal of the American Statistical Association*
    53(284), 789-798; Jenks 1967), as `mapclassify.FisherJenks` has it: least squares within
    classes.

    Examples
    --------
    >>> jenks_limits(pd.DataFrame({2010: [1.0, 2.0, 9.0], 2020: [2.0, 10.0, 11.0]}), 2).tolist()
    [2.0, 11.0]
    """
    from mapclassify import FisherJenks  # numba: only when asked

    cells = values.to_numpy(dtype=np.float64).ravel()
    if np.isnan(cells).any() or not 2 <= classes <= len(np.unique(cells)):
        raise PanelError(
            f"{classes} classes of {len(np.unique(cells))} different values, "
            f"{int(np.isnan(cells).sum())} missing: need values of every unit and at least as many "
            "as classes, at least two."
        )
    return np.asarray(FisherJenks(cells, k=classes).bins, dtype=np.float64)


def class_maps(rows: Sequence[ClassedMaps], *, note: str = "", tiles: bool = False) -> PaperFigure:
    """Draw a row of maps for each variable, a map a year, in classes pooled over the row.

    Parameters
    ----------
    rows : sequence of ClassedMaps
        All with the same number of years.
    note : str
        Sources and remarks, drawn beneath the maps.
    tiles : bool
        Draw the tile grid even where polygons are installed.

    Returns
    -------
    PaperFigure
        ``figure.caption`` is the text beneath, as of `circle_map`.

    Raises
    ------
    DataError
        If there is nothing to draw, or rows differ in their number of years.
    PanelError
        As `jenks_limits`.
    AlignmentError
        If a unit has no value or a value no unit.
    """
    sizes = {row.values.shape[1] for row in rows}
    if len(sizes) != 1:
        raise DataError(
            f"class maps: {len(rows)} rows with {sorted(sizes)} years; give at least one row, and "
            "as many years in each."
        )
    names = load_units("city")["name"]
    layout, outlines = lay_out(tiles=tiles)
    height = len(rows) * (_MAP_CM[layout] + _HEAD_CM) + _NOTE_CM
    with style():
        figure = new_figure(WIDTH_CM, height)
        figure.caption = caption(layout, note, wanted=tiles)
        for place, row in enumerate(rows):
            bottom = (height - (place + 1) * (_MAP_CM[layout] + _HEAD_CM)) / height
            _draw_row(figure, row, bottom, (layout, outlines, names))
        figure.text(0.01, 0.01, wrap(figure.caption, NOTE_WIDTH), fontsize=6.3, va="bottom")
    return figure


def _draw_row(
    figure: PaperFigure,
    row: ClassedMaps,
    bottom: float,
    ground: tuple[Layout, Outlines, pd.Series[str]],
) -> None:
    layout, outlines, names = ground
    height = _MAP_CM[layout] / (figure.get_figheight() * 2.54)
    limits = jenks_limits(row.values, row.classes)
    shades = [to_hex(SHADE(share)) for share in np.linspace(0.0, 1.0, row.classes)]
    width = (1.0 - _LEGEND) / row.values.shape[1]
    for column, year in enumerate(row.values.columns):
        own = by_unit(row.values[year], names.index, f"values of {year}")
        colours = {
            str(unit): shades[int(np.searchsorted(limits, value))] for unit, value in own.items()
        }
        axes = map_axes(figure, (column * width + 0.004, bottom, width - 0.008, height), outlines)
        draw_units(axes, outlines, colours, edge_width=0.5, border_width=1.1)
        _label(axes, outlines, layout, names, colours)
        axes.set_title(str(year), fontsize=7.8, pad=2.0, loc="center")
    draw_scale(axes, outlines, size=5.5)
    counts = _ranges(row.values.to_numpy(), limits, row.digits)
    figure.legend(
        handles=[
            Patch(facecolor=shade, edgecolor=INK, label=label)
            for shade, label in zip(shades, counts, strict=True)
        ],
        title=wrap(row.title, 18),
        loc="upper left",
        bbox_to_anchor=(1.0 - _LEGEND, bottom + height),
        alignment="left",
        handlelength=1.4,
        handleheight=1.0,
    )


def _ranges(values: NDArray[np.float64], limits: NDArray[np.float64], digits: int) -> list[str]:
    """Write the classes as the smallest and the largest value that each holds."""
    place = np.searchsorted(limits, values.ravel())
    held = [values.ravel()[place == k] for k in range(len(limits))]
    ends = [(f"{own.min():,.{digits}f}", f"{own.max():,.{digits}f}") for own in held]
    return [low if low == high else f"{low}–{high}" for low, high in ends]


def _label(
    axes: Axes,
    outlines: Outlines,
    layout: Layout,
    names: pd.Series[str],
    colours: dict[str, str],
) -> None:
    for unit, (x, y) in outlines.anchors.items():
        east, north = _NUDGE_KM.get(unit, (0.0, 0.0)) if layout == "polygons" else (0.0, 0.0)
        look: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": _SIZE[layout]}
        at = (x + outlines.unit_km * east, y + outlines.unit_km * north)
        axes.annotate(str(names[unit]), at, color=text_colour(colours[unit]), **look)
