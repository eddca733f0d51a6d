"""Figure of a distribution over time: densities by year, and where units stand years later."""

from __future__ import annotations

from textwrap import fill as wrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

from ccec_econ.convergence import Densities, StochasticKernel
from ccec_econ.errors import PanelError
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

__all__ = ["distribution_figure"]

_HEIGHT_CM = 10.4
_OVERLAP = 2.2  # height of the tallest density, in steps between years
_MOST_YEARS = 30
_RATIOS = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)
_SHADES = 8


def distribution_figure(
    found: Densities, kernel: StochasticKernel, *, what: str = "Value", note: str = ""
) -> PaperFigure:
    """Draw densities as a ridge of years, and the stochastic kernel beside it.

    Parameters
    ----------
    found : Densities
        Left panel, the first year at the top; ticks under each curve are the units.
    kernel : StochasticKernel
        Right panel: shades of equal steps up to the highest density, none below the first, a
        line through the means, and the diagonal; drawn where units start, not beyond.
    what : str
        Name of the value, for the axes: "GDP per resident".
    note : str
        Remarks, drawn beneath; also the figure's ``caption``.

    Raises
    ------
    PanelError
        If there are more than 30 years to stack.
    """
    if len(found.frame) > _MOST_YEARS:
        raise PanelError(
            f"ridge of {len(found.frame)} years: at most {_MOST_YEARS} can be read; choose fewer."
        )
    with style():
        figure = new_figure(WIDTH_CM, _HEIGHT_CM)
        figure.caption = note
        ridge, later = figure.subplots(1, 2)
        figure.subplots_adjust(left=0.065, right=0.985, top=0.93, bottom=0.26, wspace=0.22)
        _ridge(ridge, found, what)
        _kernel(later, kernel, what)
        figure.text(0.01, 0.012, wrap(note, NOTE_WIDTH), fontsize=6.3, va="bottom")
    return figure


def _ridge(ax: Axes, found: Densities, what: str) -> None:
    grid = found.frame.columns.to_numpy(float)
    scale = _OVERLAP / float(found.frame.to_numpy().max())
    years = [int(year) for year in found.frame.index]
    for place, year in enumerate(years):
        base = float(len(years) - place)
        curve = base + scale * found.frame.loc[year].to_numpy()
        ax.fill_between(grid, base, curve, color="white", alpha=0.85, zorder=2 * place, lw=0)
        ends = place in (0, len(years) - 1)
        ax.plot(
            grid,
            curve,
            color=PALETTE[0] if ends else GREY,
            lw=1.3 if ends else 0.8,
            zorder=2 * place + 1,
        )
        units = found.values.loc[year].to_numpy()
        ax.plot(
            units,
            np.full(len(units), base - 0.12),
            "|",
            color=INK,
            markersize=3.0,
            markeredgewidth=0.5,
            zorder=2 * len(years) + 2,
        )
    ax.set_title("(a) Density by year")
    shown = [year for place, year in enumerate(years) if (len(years) - 1 - place) % 2 == 0]
    ax.set_yticks([len(years) - years.index(year) for year in shown], [str(y) for y in shown])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set_xlim(grid[0], grid[-1])
    _ratios(ax, "x", grid)
    ax.axvline(0.0, color=GREY, linewidth=0.6, linestyle=":", zorder=0)
    ax.set_xlabel(f"{what}, mean of the units = 1 (log scale)")


def _kernel(ax: Axes, kernel: StochasticKernel, what: str) -> None:
    grid = kernel.frame.index.to_numpy(float)
    inside = (grid >= kernel.span[0]) & (grid <= kernel.span[1])
    density = kernel.frame.to_numpy()[inside]
    levels = np.linspace(0.0, density.max(), _SHADES + 1)[1:]
    ax.contourf(grid[inside], grid, density.T, levels=levels, cmap="Greys")
    ax.plot(grid[inside], kernel.mean[inside], color=PALETTE[1], lw=1.3, label="mean")
    ax.plot(grid, grid, color=INK, lw=0.7, linestyle=(0, (4.0, 2.0)), label="no change")
    ax.set_title(f"(b) Density {kernel.steps} years later, given the start")
    ax.set_aspect("equal")
    for axis in ("x", "y"):
        _ratios(ax, axis, grid)
    ax.set_xlabel(f"{what}, start (log scale)")
    ax.set_ylabel(f"{kernel.steps} years later")
    ax.legend(loc="upper left", labelcolor=INK)


def _ratios(ax: Axes, which: str, grid: np.ndarray) -> None:
    """Label a log axis with ratios to the mean."""
    shown = [ratio for ratio in _RATIOS if grid[0] <= np.log(ratio) <= grid[-1]]
    axis = ax.xaxis if which == "x" else ax.yaxis
    axis.set_major_locator(FixedLocator([float(np.log(ratio)) for ratio in shown]))
    axis.set_ticklabels([f"{ratio:g}" for ratio in shown])
    axis.set_minor_locator(NullLocator())
