"""Figure of event studies: effects by time since adoption, whom they compare, and honest bounds."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill as wrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ccec_econ.errors import DataError, first_five
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

__all__ = ["event_study_figure"]

_HEIGHT_CM, _ONE_ROW_CM = 15.5, 8.2
_NEEDED = ("estimate", "lower", "upper", "units", "controls")
_BOUNDS = ("bound_lower", "bound_upper", "lower", "upper")
_SMALL = 5.6


def event_study_figure(
    studies: Mapping[str, pd.DataFrame] | pd.DataFrame,
    bounds: pd.DataFrame | None = None,
    *,
    rings: pd.DataFrame | None = None,
    base: int = -1,
    unit: str = "effect",
    bounds_title: str = "Departures from parallel trends",
    rings_title: str = "Rings",
    note: str = "",
) -> PaperFigure:
    """Draw event studies with counts beneath every event time, honest sets, and rings.

    Parameters
    ----------
    studies : DataFrame, or mapping of str to DataFrame
        An event study, or one or two by title, as in `Staggered.event_study`: by event time
        estimate, lower, upper, units and controls. The base period stands at zero without an
        interval; event times without an estimate show a cross at zero and their counts.
    bounds : DataFrame, optional
        As in `Honest.magnitudes`: by Mbar bound_lower, bound_upper, lower and upper.
    rings : DataFrame, optional
        As in `Rings.frame`: by term estimate, lower and upper; drawn from the first row down.
    base : int
        Event time of the base period.
    unit : str
        Of the vertical axes.
    bounds_title, rings_title : str
    note : str
        Remarks, drawn beneath; also the figure's ``caption``.

    Raises
    ------
    DataError
        If there are no studies or more than two, or a column is missing.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> lights = ce.data.load_panel("county", years=(2013, 2022))["night_lights"].to_frame()
    >>> opened = ce.rail.adoption("county")
    >>> fit = ce.causal.staggered(lights, "night_lights", opened, already="leave_out")
    >>> len(event_study_figure(fit.event_study).axes)
    1
    """
    named = {"": studies} if isinstance(studies, pd.DataFrame) else studies
    _check(named, bounds, rings)
    beside = [
        (title, frame, draw)
        for title, frame, draw in (
            (bounds_title, bounds, _draw_bounds),
            (rings_title, rings, _draw_rings),
        )
        if frame is not None
    ]
    rows, columns = 1 + bool(beside or len(named) > 1), 1 + len(beside)
    height = _HEIGHT_CM if rows == 2 else _ONE_ROW_CM
    edge = _HEIGHT_CM / height
    with style():
        figure = new_figure(WIDTH_CM, height)
        figure.caption = note
        grid = figure.add_gridspec(
            rows, columns, left=0.085, right=0.985, top=1.0 - 0.045 * edge, bottom=0.215 * edge,
            hspace=0.52, wspace=0.2 if rings is None else 0.27,
            width_ratios=(2.1, 1.0, 1.0)[:columns],
        )  # fmt: skip
        places = [grid[0, :], grid[rows - 1, 0]]
        first: Axes | None = None
        for k, (title, frame) in enumerate(named.items()):
            axes = figure.add_subplot(places[k], sharey=first)
            first = first or axes
            axes.set_title(f"({chr(ord('a') + k)}) {title}" if title else "")
            axes.set_ylabel(unit)
            _draw(axes, frame, base, PALETTE[k], wide=k == 0)
        for k, (title, frame, draw) in enumerate(beside):
            axes = figure.add_subplot(grid[1, 1 + k])
            axes.set_title(f"({chr(ord('a') + len(named) + k)}) {title}")
            draw(axes, frame)
        figure.text(0.01, 0.01, wrap(note, NOTE_WIDTH), fontsize=6.3, va="bottom")
    return figure


def _draw(axes: Axes, frame: pd.DataFrame, base: int, colour: str, *, wide: bool) -> None:
    at = frame.index.to_numpy(dtype=float)
    y, low, high = (frame[name].to_numpy(dtype=float) for name in _NEEDED[:3])
    known = np.isfinite(low)
    axes.axhline(0.0, color=GREY, linewidth=0.6, linestyle=":", zorder=0)
    axes.axvline(base + 0.5, color=GREY, linewidth=0.6, zorder=0)
    axes.vlines(at[known], low[known], high[known], color=colour, linewidth=0.9)
    axes.plot(at[known], y[known], "o", color=colour, markersize=3.4)
    axes.plot([base], [0.0], "o", color="white", markeredgecolor=colour, markersize=3.6)
    silent = ~known & (at != base)
    axes.plot(at[silent], np.zeros(silent.sum()), "x", color=GREY, markersize=4.0)
    axes.set_xticks(at, [f"{e:.0f}".replace("-", "−") for e in at])
    axes.set_xlim(at[0] - 0.7, at[-1] + 0.7)
    if not wide:
        axes.tick_params(axis="x", labelsize=_SMALL)
    rows = (("years", None), ("treated", "units"), ("controls", "controls"))
    gap = 0.072 if wide else 0.085
    for k, (label, column) in enumerate(rows):
        height = -0.055 - gap * k
        axes.text(
            at[0] - 0.9, height, label, fontsize=_SMALL, ha="right", va="top", color=INK,
            transform=axes.get_xaxis_transform(),
        )  # fmt: skip
        if column is None:
            continue
        for e, value in zip(at, frame[column], strict=True):
            if e != base:
                axes.text(
                    e, height, f"{value:.0f}", fontsize=_SMALL, ha="center", va="top", color=INK,
                    transform=axes.get_xaxis_transform(),
                )  # fmt: skip


def _draw_bounds(axes: Axes, bounds: pd.DataFrame) -> None:
    at = np.arange(len(bounds), dtype=float)
    inner_low, inner_high, low, high = (bounds[name].to_numpy(float) for name in _BOUNDS)
    axes.axhline(0.0, color=GREY, linewidth=0.6, linestyle=":", zorder=0)
    axes.vlines(at, low, high, color=PALETTE[0], linewidth=0.9)
    axes.vlines(at, inner_low, inner_high, color=PALETTE[0], linewidth=3.4, alpha=0.45)
    axes.plot(at, (inner_low + inner_high) / 2.0, "o", color=PALETTE[0], markersize=3.0)
    axes.set_xticks(at, [f"{size:g}" for size in bounds.index])
    axes.set_xlim(-0.6, len(bounds) - 0.4)
    axes.set_xlabel("M̄")


def _draw_rings(axes: Axes, rings: pd.DataFrame) -> None:
    at = np.arange(len(rings), dtype=float)
    axes.axhline(0.0, color=GREY, linewidth=0.6, linestyle=":", zorder=0)
    axes.vlines(at, rings["lower"], rings["upper"], color=PALETTE[1], linewidth=0.9)
    axes.plot(at, rings["estimate"], "o", color=PALETTE[1], markersize=3.4)
    axes.set_xticks(at, [str(term) for term in rings.index], rotation=60, ha="right", fontsize=6.0)
    axes.set_xlim(-0.6, len(rings) - 0.4)


def _check(
    studies: Mapping[str, pd.DataFrame], bounds: pd.DataFrame | None, rings: pd.DataFrame | None
) -> None:
    if not 1 <= len(studies) <= 2:
        raise DataError(f"{len(studies)} event studies; give one or two.")
    needed: list[tuple[str, pd.DataFrame, tuple[str, ...]]] = [
        (name, frame, _NEEDED) for name, frame in studies.items()
    ]
    if bounds is not None:
        needed.append(("bounds", bounds, _BOUNDS))
    if rings is not None:
        needed.append(("rings", rings, _NEEDED[:3]))
    for name, frame, columns in needed:
        absent = [column for column in columns if column not in frame.columns]
        if absent:
            raise DataError(f"{name}: no column {first_five(absent)}; give {', '.join(columns)}.")
