"""Figure of a recentred treatment: what units could expect, where chance fell, what it may do."""

from __future__ import annotations

from textwrap import fill as wrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import CenteredNorm
from matplotlib.lines import Line2D

from ccec_econ.causal import Recentred, RecentredRegression
from ccec_econ.errors import AlignmentError, first_five
from ccec_econ.report.style import (
    GREY,
    INK,
    NOTE_WIDTH,
    PALETTE,
    ROLE_COLOURS,
    ROLE_NAMES,
    WIDTH_CM,
    PaperFigure,
    new_figure,
    style,
)

__all__ = ["placement_figure"]

_HEIGHT_CM = 7.6
_BINS = 40
_SPREAD = "PuOr_r"
_SHOWN = 0.95  # share of units within the colour scale
_ROOM = 1.25  # height of the axis over the tallest bar


def placement_figure(
    treatment: Recentred,
    found: RecentredRegression,
    places: pd.DataFrame,
    roles: pd.Series[str],
    *,
    what: str = "Treatment",
    note: str = "",
) -> PaperFigure:
    """Draw realised against expected change, its surprise on the map, and the randomisation test.

    Parameters
    ----------
    treatment : Recentred
        Its change from the first to the last period is drawn.
    found : RecentredRegression
        Its estimate is set beside those of the draws.
    places : DataFrame
        ``lon`` and ``lat`` in degrees by unit.
    roles : Series
        ``core``, ``hollow``, ``secondary`` or ``other`` by unit.
    what : str
        Name of the treatment, for the axes.
    note : str
        Remarks, drawn beneath; also the figure's ``caption``.

    Raises
    ------
    AlignmentError
        If a unit has no place or role.
    """
    units = treatment.realised.columns
    for table, name in ((places, "place"), (roles, "role")):
        lost = units.difference(table.index)
        if len(lost):
            raise AlignmentError(f"no {name} for {first_five(lost)}; give one for every unit.")
    change = pd.DataFrame(
        {
            name: frame.iloc[-1] - frame.iloc[0]
            for name, frame in (("realised", treatment.realised), ("expected", treatment.expected))
        }
    )
    with style():
        figure = new_figure(WIDTH_CM, _HEIGHT_CM)
        figure.caption = note
        scatter, chart, test = figure.subplots(1, 3, width_ratios=(1.0, 1.15, 1.0))
        figure.subplots_adjust(left=0.075, right=0.985, top=0.92, bottom=0.32, wspace=0.26)
        _scatter(scatter, change, roles.reindex(units), what)
        _chart(figure, chart, change, places.reindex(units))
        _test(test, found)
        figure.text(0.01, 0.015, wrap(note, NOTE_WIDTH), fontsize=6.3, va="bottom")
    return figure


def _scatter(ax: Axes, change: pd.DataFrame, roles: pd.Series[str], what: str) -> None:
    handles = []
    for role in reversed(ROLE_COLOURS):
        rows = change[roles == role]
        look: dict[str, Any] = {
            "marker": "o",
            "linestyle": "none",
            "markersize": 3.4,
            "markerfacecolor": ROLE_COLOURS[role],
            "markeredgecolor": INK,
            "markeredgewidth": 0.3,
        }
        ax.plot(rows["expected"].to_numpy(), rows["realised"].to_numpy(), **look)
        if len(rows):
            handles.append(Line2D([], [], label=ROLE_NAMES[role], **look))
    ends = np.array([change.to_numpy().min(), change.to_numpy().max()])
    ax.plot(ends, ends, color=INK, lw=0.7, linestyle=(0, (4.0, 2.0)))
    ax.set_title("(a) Realised and expected")
    ax.set_xlabel(f"{what}, expected change")
    ax.set_ylabel("realised change")
    ax.legend(handles=handles[::-1], loc="lower right", fontsize=6.4, handletextpad=0.0)


def _chart(figure: PaperFigure, ax: Axes, change: pd.DataFrame, places: pd.DataFrame) -> None:
    surprise = change["realised"] - change["expected"]
    order = surprise.abs().argsort().to_numpy()
    drawn = ax.scatter(
        places["lon"].to_numpy()[order],
        places["lat"].to_numpy()[order],
        c=surprise.to_numpy()[order],
        cmap=_SPREAD,
        norm=CenteredNorm(halfrange=float(surprise.abs().quantile(_SHOWN))),
        s=15,
        edgecolors=INK,
        linewidths=0.3,
    )
    ax.set_aspect(1.0 / np.cos(np.radians(float(places["lat"].mean()))))
    ax.set_title("(b) Realised less expected")
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(False)
    box = ax.get_position()
    colours = figure.add_axes((box.x0 + 0.15 * box.width, 0.255, 0.7 * box.width, 0.018))
    figure.colorbar(drawn, cax=colours, orientation="horizontal", extend="both")


def _test(ax: Axes, found: RecentredRegression) -> None:
    drawn = found.randomisation.scaled
    counts, *_ = ax.hist(
        drawn[1:], bins=_BINS, color=ROLE_COLOURS["other"], edgecolor=GREY, linewidth=0.3
    )
    ax.set_ylim(0.0, _ROOM * float(np.max(counts)))
    ax.axvline(drawn[0], color=PALETTE[1], lw=1.4, label="realised")
    ax.axvline(-drawn[0], color=PALETTE[1], lw=0.8, linestyle=(0, (2.0, 2.0)), label="mirrored")
    ax.set_title("(c) Randomisation test")
    ax.set_xlabel("Statistic, units of the estimate")
    ax.set_ylabel("draws")
    ax.legend(loc="upper right", handlelength=1.2, borderaxespad=0.1)
