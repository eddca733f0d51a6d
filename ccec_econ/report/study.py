"""Figure of a Monte Carlo study: bias and coverage of rho against the number of units."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill as wrap

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

__all__ = ["study_figure"]

_NEEDED = ("method", "N", "bias", "mcse", "coverage")
_MARKERS = ("o", "s", "^", "D")
_HEIGHT_CM = 6.6


def study_figure(
    frame: pd.DataFrame, *, names: Mapping[str, str] | None = None, note: str = ""
) -> PaperFigure:
    """Draw bias (with two Monte Carlo errors either way) and coverage over N, a line a method.

    Parameters
    ----------
    frame : DataFrame
        Rows of `ccec_econ.simulation.study` with their number of units in ``N``.
    names : mapping, optional
        Printed names of methods.
    note : str
        Remarks, drawn beneath; also the figure's ``caption``.

    Raises
    ------
    DataError
        If a column is missing.
    """
    absent = [name for name in _NEEDED if name not in frame.columns]
    if absent:
        raise DataError(f"study: no column {first_five(absent)}; give the rows of a study with N.")
    with style():
        figure = new_figure(WIDTH_CM, _HEIGHT_CM)
        figure.caption = note
        bias, coverage = figure.subplots(1, 2)
        figure.subplots_adjust(left=0.08, right=0.985, top=0.91, bottom=0.27, wspace=0.2)
        for i, (method, rows) in enumerate(frame.groupby("method", sort=False)):
            look = {"color": PALETTE[i], "marker": _MARKERS[i], "markersize": 3.2, "linewidth": 1.1}
            label = (names or {}).get(str(method), str(method))
            bias.errorbar(rows["N"], rows["bias"], yerr=2 * rows["mcse"], label=label, **look)
            coverage.plot(rows["N"], 100 * rows["coverage"], label=label, **look)
        _finish(bias, "(a) Bias of ρ", 0.0, frame["N"])
        _finish(coverage, "(b) Coverage of the 95 % interval of ρ, %", 95.0, frame["N"])
        bias.legend(loc="lower right")
        figure.text(0.01, 0.015, wrap(note, NOTE_WIDTH), fontsize=6.3, va="bottom")
    return figure


def _finish(axes: Axes, title: str, target: float, sizes: pd.Series) -> None:
    axes.set_title(title)
    axes.axhline(target, color=GREY, linewidth=0.6, linestyle=":")
    axes.set_xscale("log")
    ticks = sorted(set(sizes))
    axes.set_xticks(ticks, [str(n) for n in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("units")
