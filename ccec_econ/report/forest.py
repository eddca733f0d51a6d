"""Forest of effects: one row per model, several intervals in each, one panel per effect."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill as wrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ccec_econ.errors import DataError, first_five
from ccec_econ.report.style import (
    GREY,
    NOTE_WIDTH,
    PALETTE,
    WIDTH_CM,
    PaperFigure,
    new_figure,
    style,
)

__all__ = ["forest_figure"]

_NEEDED = ("estimate", "lower", "upper")
_MARKERS = ("o", "s", "D", "^")
_ROW_CM, _AROUND_CM = 0.52, 4.2
_LONG = 2.5  # times the middle width: longer intervals are cut, with an arrow
_SPREAD = 0.36  # of a row that its intervals take


def forest_figure(
    frame: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    unit: str = "",
    note: str = "",
) -> PaperFigure:
    """Draw estimates with intervals, terms in columns of panels and effects in rows of panels.

    Parameters
    ----------
    frame : DataFrame
        Indexed (term, effect, row, interval), each in the order to draw; columns estimate, lower,
        upper. The last row is set off by a rule. A row may lack an interval; one far longer than
        the others is cut at the edge, with an arrow.
    labels : mapping, optional
        Printed names of terms.
    unit : str
        Of the estimates, beneath the horizontal axes.
    note : str
        Remarks, drawn beneath; also the figure's ``caption``.

    Raises
    ------
    DataError
        If a column or a level of the index is missing, or there are more kinds of interval than
        markers.

    Examples
    --------
    >>> index = pd.MultiIndex.from_tuples([("x", "direct", "W", "delta")])
    >>> one = pd.DataFrame({"estimate": [1.0], "lower": [0.0], "upper": [2.0]}, index=index)
    >>> len(forest_figure(one).axes)
    1
    """
    terms, effects, rows, kinds = _levels(frame)
    with style():
        figure = new_figure(WIDTH_CM, _AROUND_CM + _ROW_CM * len(rows) * len(effects))
        figure.caption = note
        grid = figure.subplots(len(effects), len(terms), squeeze=False, sharey=True)
        figure.subplots_adjust(
            left=0.185, right=0.985, top=0.895, bottom=0.20, wspace=0.1, hspace=0.38
        )
        for i, effect in enumerate(effects):
            for j, term in enumerate(terms):
                axes = grid[i, j]
                name = (labels or {}).get(term, term)
                axes.set_title(f"({chr(ord('a') + i * len(terms) + j)}) {name}, {effect}")
                part = frame.xs((term, effect), level=(0, 1))
                _draw(axes, pd.DataFrame(part), rows, kinds)
        for axes in grid[-1]:
            axes.set_xlabel(unit)
        handles, names = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, names, loc="upper right", ncols=len(kinds), borderpad=0)
        figure.text(0.01, 0.012, wrap(note, NOTE_WIDTH), fontsize=6.3, va="bottom")
    return figure


def _draw(axes: Axes, part: pd.DataFrame, rows: list[str], kinds: list[str]) -> None:
    axes.axvline(0.0, color=GREY, linewidth=0.6, linestyle=":", zorder=0)
    left, right = _span(part)
    dodge = np.linspace(-0.5, 0.5, len(kinds)) * _SPREAD if len(kinds) > 1 else np.zeros(1)
    for k, kind in enumerate(kinds):
        found = part.xs(kind, level=1).reindex(rows)
        at = np.arange(len(rows)) + dodge[k]
        middle, low, high = (found[name].to_numpy(dtype=np.float64) for name in _NEEDED)
        axes.hlines(at, low, high, color=PALETTE[k], linewidth=0.9)
        for edge, cut, marker in ((left, low < left, "<"), (right, high > right, ">")):
            axes.plot(
                np.full(int(cut.sum()), edge),
                at[cut],
                linestyle="none",
                marker=marker,
                color=PALETTE[k],
                markersize=3.6,
                clip_on=False,
            )
        axes.plot(
            middle,
            at,
            linestyle="none",
            marker=_MARKERS[k],
            color=PALETTE[k],
            markersize=3.2,
            label=kind,
        )
    if len(rows) > 1:
        axes.axhline(len(rows) - 1.5, color=GREY, linewidth=0.4)
    axes.set_yticks(np.arange(len(rows)), rows)
    axes.set_xlim(left, right)
    axes.set_ylim(len(rows) - 0.5, -0.5)


def _span(part: pd.DataFrame) -> tuple[float, float]:
    """Find the ends of the axis: zero, estimates, intervals not far too long."""
    low, high = part["lower"], part["upper"]
    width = high - low
    kept = width <= _LONG * width.median()
    middle = part["estimate"]
    left = min(0.0, float(low[kept].min()), float(middle.min()))
    right = max(0.0, float(high[kept].max()), float(middle.max()))
    pad = 0.04 * (right - left)
    return left - pad, right + pad


def _levels(frame: pd.DataFrame) -> list[list[str]]:
    absent = [column for column in _NEEDED if column not in frame.columns]
    if absent or frame.index.nlevels != 4:
        raise DataError(
            f"forest: no column {first_five(absent) or 'missing'}, index of "
            f"{frame.index.nlevels} levels; give {', '.join(_NEEDED)}, indexed by term, effect, "
            "row and interval."
        )
    found = [list(dict.fromkeys(frame.index.get_level_values(j).astype(str))) for j in range(4)]
    if len(found[3]) > len(_MARKERS):
        raise DataError(
            f"forest: {len(found[3])} kinds of interval ({first_five(found[3])}) but "
            f"{len(_MARKERS)} markers; draw fewer."
        )
    return found
