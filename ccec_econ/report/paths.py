"""Figure of relative transition paths: every unit a line, chosen groups highlighted."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill as wrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from ccec_econ.errors import AlignmentError, PanelError, first_five
from ccec_econ.report.style import (
    GREY,
    INK,
    NOTE_WIDTH,
    ROLE_COLOURS,
    ROLE_NAMES,
    WIDTH_CM,
    PaperFigure,
    new_figure,
    style,
)

__all__ = ["paths_figure"]

_HEIGHT_CM = 10.0
_STROKES = {"core": ("-", 1.8), "hollow": ((0, (4.0, 1.4)), 1.5)}
_APART = 0.035  # least distance of labels, in heights of the axes


def paths_figure(
    panels: Mapping[str, pd.DataFrame],
    roles: Mapping[str, str],
    *,
    names: Mapping[str, str] | None = None,
    note: str = "",
) -> PaperFigure:
    """Draw relative transition paths side by side, cores solid and the hollow middle dashed.

    Parameters
    ----------
    panels : mapping
        Title -> paths of shape (T, N), years by units, as `transition_paths` returns them.
    roles : mapping
        Role of each unit; ``"core"`` and ``"hollow"`` are highlighted, others are grey.
    names : mapping, optional
        Printed names of units.
    note : str
        Remarks, drawn beneath; also the figure's ``caption``.

    Raises
    ------
    PanelError
        If there is nothing to draw or a path has missing values.
    AlignmentError
        If a unit has no role.
    """
    if not panels:
        raise PanelError("transition paths: none given; give at least one panel to draw.")
    for title, paths in panels.items():
        _refuse(title, paths, roles)
    with style():
        figure = new_figure(WIDTH_CM, _HEIGHT_CM)
        figure.caption = note
        axes = figure.subplots(1, len(panels), squeeze=False)[0]
        figure.subplots_adjust(left=0.075, right=0.89, top=0.93, bottom=0.2, wspace=0.45)
        for ax, (title, paths) in zip(axes, panels.items(), strict=True):
            _draw(ax, title, paths, roles, names or {})
        axes[0].set_ylabel("relative transition path h, mean of the units = 1")
        axes[0].legend(loc="upper right", ncols=1, handlelength=2.6)
        figure.text(0.01, 0.012, wrap(note, NOTE_WIDTH), fontsize=6.3, va="bottom")
    return figure


def _refuse(title: str, paths: pd.DataFrame, roles: Mapping[str, str]) -> None:
    gaps = paths.columns[paths.isna().any()]
    if paths.empty or len(gaps):
        raise PanelError(
            f"transition paths '{title}': {paths.shape[0]} years of {paths.shape[1]} units, values "
            f"missing for {first_five(gaps) or 'none'}; give complete paths."
        )
    without = [unit for unit in paths.columns if unit not in roles]
    if without:
        raise AlignmentError(f"roles: none for {first_five(without)}; assign every unit.")


def _draw(
    ax: Axes,
    title: str,
    paths: pd.DataFrame,
    roles: Mapping[str, str],
    names: Mapping[str, str],
) -> None:
    years = paths.index.to_numpy(float)
    ax.axhline(1.0, color=GREY, linewidth=0.6, linestyle=":", zorder=0)
    seen: set[str] = set()
    for unit in paths.columns:
        role = roles[str(unit)] if roles[str(unit)] in _STROKES else "other"
        stroke, width = _STROKES.get(role, ("-", 0.7))
        ax.plot(
            years,
            paths[unit].to_numpy(),
            color=ROLE_COLOURS[role] if role in _STROKES else GREY,
            linestyle=stroke,
            linewidth=width,
            zorder=3 if role in _STROKES else 1,
            label=None if role in seen else ROLE_NAMES[role] if role in _STROKES else "Others",
        )
        seen.add(role)
    ax.set_title(title)
    ax.set_xlim(years[0], years[-1])
    ax.margins(y=0.04)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    _label(ax, paths, roles, names)


def _label(
    ax: Axes, paths: pd.DataFrame, roles: Mapping[str, str], names: Mapping[str, str]
) -> None:
    """Name every unit at the end of its line, moved apart where they would overlap."""
    last = paths.iloc[-1].sort_values()
    low, high = ax.get_ylim()
    heights = _spread((last.to_numpy(float) - low) / (high - low))
    for unit, height in zip(last.index, heights, strict=True):
        marked = roles[unit] in _STROKES
        ax.annotate(
            names.get(unit, str(unit)),
            (1.0, (last[unit] - low) / (high - low)),
            (1.035, height),
            xycoords="axes fraction",
            textcoords="axes fraction",
            va="center",
            color=ROLE_COLOURS[roles[unit]] if marked else INK,
            fontsize=6.2,
            fontweight="bold" if marked else "normal",
            arrowprops={"arrowstyle": "-", "lw": 0.35, "color": GREY, "shrinkA": 0, "shrinkB": 0},
        )


def _spread(heights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move ascending heights at least a label apart and inside the axes, by least squares."""
    steps = _APART * np.arange(len(heights))
    free = isotonic_regression(heights - steps).x
    return np.asarray(np.clip(free, _APART / 2.0, 1.0 - _APART / 2.0 - steps[-1]) + steps)
