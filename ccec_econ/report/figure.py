"""Figures of yearly series: small panels side by side that share the year axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill as wrap
from typing import Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator

from ccec_econ.errors import PanelError, first_five
from ccec_econ.report.style import GREY, NOTE_WIDTH, WIDTH_CM, PaperFigure, new_figure, style

__all__ = ["Line", "TimePanel", "time_panels"]

_ROW_CM = 5.6  # height of a row with its titles
_NOTE_CM = 2.35
_LIGHT = 0.45  # opacity of years on another basis
_TICK_YEARS = 5
_STYLES = {"solid": "-", "dashed": (0, (4.0, 1.6))}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a panel.

    Attributes
    ----------
    label : str
        Printed beside the line.
    values : Series
        By year.
    colour : str
        Of line and label.
    stroke : {"solid", "dashed"}
        How the line is drawn.
    basis_from : int, optional
        First year on the basis of the series; earlier years are drawn light and not joined on.
    label_at : (year, offset), optional
        Where the label stands: over or under the line in that year, by offset points. The last
        year and 6 points above by default.
    """

    label: str
    values: pd.Series[float]
    colour: str
    stroke: Literal["solid", "dashed"] = "solid"
    basis_from: int | None = None
    label_at: tuple[int, float] | None = None


@dataclass(frozen=True, slots=True)
class TimePanel:
    """One panel: what it shows, and its lines."""

    title: str
    series: tuple[Line, ...]


def time_panels(
    panels: Sequence[TimePanel],
    *,
    marks: Mapping[str, float] | None = None,
    columns: int | None = None,
    note: str = "",
) -> PaperFigure:
    """Draw panels over one year axis, side by side or in rows.

    Parameters
    ----------
    panels : sequence of TimePanel
        At least one; three fit a page's width.
    marks : mapping, optional
        Label -> date in years, drawn as thin vertical lines in every panel and named in the first.
        A year's value stands at the whole number, the middle of that year.
    columns : int, optional
        Panels in a row; all by default.
    note : str
        Remarks and sources, drawn beneath; also the figure's ``caption``.

    Raises
    ------
    PanelError
        If there is nothing to draw, the rows would not be full, or a series has missing values.

    Examples
    --------
    >>> line = pd.Series([0.3, 0.2], index=[2010, 2022])
    >>> panel = TimePanel("(a) Spread", (Line("s.d.", line, "#004488"),))
    >>> len(time_panels([panel]).axes)
    1
    """
    if not panels:
        raise PanelError("time panels: none given; give at least one panel to draw.")
    for panel in panels:
        _refuse_gaps(panel)
    wide = len(panels) if columns is None else columns
    if wide < 1 or len(panels) % wide:
        raise PanelError(f"time panels: {len(panels)} in rows of {wide}; give rows that are full.")
    rows = len(panels) // wide
    height = rows * _ROW_CM + _NOTE_CM
    with style():
        figure = new_figure(WIDTH_CM, height)
        figure.caption = note
        axes = figure.subplots(rows, wide, sharex=True, squeeze=False).ravel()
        figure.subplots_adjust(
            left=0.055,
            right=0.99,
            top=1.0 - 0.61 / height,
            bottom=_NOTE_CM / height,
            wspace=0.2 if wide > 2 else 0.14,
            hspace=0.25,
        )
        for ax, panel in zip(axes, panels, strict=True):
            _draw(ax, panel, marks or {})
        _label_marks(axes[0], marks or {})
        figure.text(0.01, 0.015, wrap(note, NOTE_WIDTH), fontsize=6.3, va="bottom")
    return figure


def _refuse_gaps(panel: TimePanel) -> None:
    for series in panel.series:
        missing = series.values.index[series.values.isna()]
        if len(missing) or series.values.empty:
            raise PanelError(
                f"series '{series.label}': {len(missing)} of {len(series.values)} values missing "
                f"({first_five(missing)}); give the years that have values."
            )


def _draw(ax: Axes, panel: TimePanel, marks: Mapping[str, float]) -> None:
    ax.set_title(panel.title)
    for date in marks.values():
        ax.axvline(date, color=GREY, linewidth=0.6, linestyle=(0, (1.0, 1.5)), zorder=0)
    for series in panel.series:
        _draw_series(ax, series)
    years = sorted({int(year) for series in panel.series for year in series.values.index})
    first = -(-years[0] // _TICK_YEARS) * _TICK_YEARS
    ax.xaxis.set_major_locator(FixedLocator(list(range(first, years[-1] + 1, _TICK_YEARS))))
    ax.margins(x=0.03, y=0.12)


def _draw_series(ax: Axes, series: Line) -> None:
    values = series.values.sort_index()
    start = series.basis_from if series.basis_from is not None else int(values.index[0])
    for part, opacity in ((values.loc[start:], 1.0), (values.loc[: start - 1], _LIGHT)):
        ax.plot(
            part.index.to_numpy(),
            part.to_numpy(),
            color=series.colour,
            linestyle=_STYLES[series.stroke],
            alpha=opacity,
        )
    year, offset = series.label_at or (int(values.index[-1]), 6.0)
    ax.annotate(
        series.label,
        (year, float(values.loc[year])),
        (0, offset),
        textcoords="offset points",
        ha="center" if series.label_at else "right",
        va="bottom" if offset > 0 else "top",
        color=series.colour,
        fontsize=6.8,
    )


def _label_marks(ax: Axes, marks: Mapping[str, float]) -> None:
    """Name the marks beside their lines: all but the last to the left, the last to the right."""
    for position, (label, date) in enumerate(marks.items(), start=1):
        right = position == len(marks)
        ax.annotate(
            label,
            (date, 1.0),
            (1.5 if right else -1.5, 0),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="left" if right else "right",
            va="top",
            rotation=90,
            color=GREY,
            fontsize=6.0,
        )
