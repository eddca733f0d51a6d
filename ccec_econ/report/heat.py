"""Heat maps of effects between groups: one matrix a panel, intervals printed in the cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill as wrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from ccec_econ.errors import DataError, first_five
from ccec_econ.report.style import (
    NOTE_WIDTH,
    WIDTH_CM,
    PaperFigure,
    new_figure,
    style,
    text_colour,
)
from ccec_econ.typeset import interval, number

__all__ = ["heat_figure"]

_NEEDED = ("estimate", "lower", "upper")
_COLOURS = LinearSegmentedColormap.from_list(
    "siphon_spread", ["#CC6677", "#FFFFFF", "#004488"], N=257
)
_PALE = 0.22  # strength of the colour where the interval holds zero
_FAINT = "#666666"
_WEAK = 0.35  # of the scale: what colour an estimate beyond zero has at least
_PANEL_CM, _AROUND_CM = 6.1, 2.6


def heat_figure(
    panels: Mapping[str, pd.DataFrame],
    *,
    columns: int = 2,
    labels: Mapping[str, str] | None = None,
    digits: Mapping[str, int] | int = 2,
    marked: Sequence[tuple[str, str]] = (),
    note: str = "",
) -> PaperFigure:
    """Draw matrices of effects, receiving groups in rows and origins in columns.

    Every cell prints the estimate and its interval. Its colour says the sign: full where the
    interval leaves zero out, pale where zero is inside. Depth is relative to the largest estimate
    of the panel.

    Parameters
    ----------
    panels : mapping
        Title -> frame indexed (to, from) with columns estimate, lower and upper, in the order to
        draw.
    columns : int
        Panels in a row.
    labels : mapping, optional
        Printed names of groups.
    digits : int or mapping
        Digits after the point, or those of each panel.
    marked : sequence of (to, from)
        Cells framed in every panel, such as that from the core to the hollow.
    note : str
        Remarks, drawn beneath; also the figure's ``caption``.

    Raises
    ------
    DataError
        If there is no panel, a column is missing, or a pair of groups has no row or several.

    Examples
    --------
    >>> pairs = pd.MultiIndex.from_product([["a", "b"], ["a", "b"]])
    >>> frame = pd.DataFrame({"estimate": [1.0, -1, 0, 2], "lower": -1.0, "upper": 3.0}, pairs)
    >>> len(heat_figure({"(a) One": frame}, columns=1).axes)
    1
    """
    if not panels:
        raise DataError("heat map: no panel given; give at least one matrix.")
    for title, frame in panels.items():
        _refuse_ragged(title, frame)
    rows = -(-len(panels) // columns)
    height = rows * _PANEL_CM + _AROUND_CM
    with style():
        figure = new_figure(WIDTH_CM, height)
        figure.caption = note
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        figure.subplots_adjust(
            left=0.105,
            right=0.995,
            top=1.0 - 1.15 / height,
            bottom=(_AROUND_CM - 0.55) / height,
            wspace=0.24,
            hspace=0.3,
        )
        for axes, (title, frame) in zip(grid, panels.items(), strict=False):
            places = digits if isinstance(digits, int) else digits[title]
            _draw(axes, frame, labels or {}, places, marked)
            axes.set_title(title, pad=16)
        for axes in grid[len(panels) :]:
            axes.set_axis_off()
        figure.text(0.01, 0.012, wrap(note, NOTE_WIDTH), fontsize=6.3, va="bottom")
    return figure


def _draw(
    axes: Axes,
    frame: pd.DataFrame,
    labels: Mapping[str, str],
    digits: int,
    marked: Sequence[tuple[str, str]],
) -> None:
    to, origin = (list(dict.fromkeys(frame.index.get_level_values(j))) for j in (0, 1))
    scale = float(frame["estimate"].abs().max())
    for i, receiving in enumerate(to):
        for j, sending in enumerate(origin):
            cell = frame.loc[(receiving, sending), list(_NEEDED)].to_numpy(dtype=np.float64)
            _cell(axes, (j, i), cell, scale, digits, framed=(receiving, sending) in marked)
    axes.set_xlim(-0.5, len(origin) - 0.5)
    axes.set_ylim(len(to) - 0.5, -0.5)
    axes.set_xticks(range(len(origin)), [labels.get(name, name) for name in origin])
    axes.set_yticks(range(len(to)), [labels.get(name, name) for name in to])
    axes.xaxis.tick_top()
    axes.tick_params(length=0, labelsize=6.3, pad=1.5)
    for side in axes.spines.values():
        side.set_visible(False)


def _cell(
    axes: Axes,
    at: tuple[int, int],
    cell: NDArray[np.float64],
    scale: float,
    digits: int,
    *,
    framed: bool,
) -> None:
    fill = _fill(cell, scale)
    axes.add_patch(
        Rectangle((at[0] - 0.48, at[1] - 0.47), 0.96, 0.94, facecolor=fill, edgecolor="none")
    )
    if framed:
        axes.add_patch(
            Rectangle(
                (at[0] - 0.48, at[1] - 0.47),
                0.96,
                0.94,
                facecolor="none",
                edgecolor="black",
                linewidth=1.1,
                zorder=3,
            )
        )
    clear = _leaves_zero_out(cell)
    ink = text_colour(fill) if clear else _FAINT
    weight = "bold" if clear else "normal"
    axes.text(
        *(at[0], at[1] - 0.16),
        number(cell[0], digits),
        ha="center",
        va="center",
        color=text_colour(fill),
        fontsize=7.4,
        weight=weight,
    )
    axes.text(
        *(at[0], at[1] + 0.2),
        interval(cell[1], cell[2], digits),
        ha="center",
        va="center",
        color=ink,
        fontsize=4.9,
    )


def _leaves_zero_out(cell: NDArray[np.float64]) -> bool:
    return bool(cell[1] > 0.0 or cell[2] < 0.0)


def _fill(cell: NDArray[np.float64], scale: float) -> str:
    """Colour of a cell: its sign, pale where the interval holds zero."""
    size = abs(cell[0]) / scale if scale else 0.0
    strength = max(size, _WEAK) if _leaves_zero_out(cell) else _PALE * size
    return to_hex(_COLOURS(0.5 + 0.5 * np.sign(cell[0]) * strength))


def _refuse_ragged(title: str, frame: pd.DataFrame) -> None:
    absent = [name for name in _NEEDED if name not in frame.columns]
    if absent or frame.index.nlevels != 2:
        raise DataError(
            f"heat map {title!r}: no column {first_five(absent) or 'missing'}, index of "
            f"{frame.index.nlevels} levels; give {', '.join(_NEEDED)}, indexed (to, from)."
        )
    pairs = pd.MultiIndex.from_product([frame.index.unique(j) for j in (0, 1)])
    if len(frame) != len(pairs) or not frame.index.is_unique:
        missing = [pair for pair in pairs if pair not in frame.index]
        raise DataError(
            f"heat map {title!r}: {len(frame)} rows for {len(pairs)} pairs of groups "
            f"({first_five(missing) or 'some twice'}); give each pair one row."
        )
