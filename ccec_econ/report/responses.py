"""Figure of responses: over periods after a change, and over powers of the weights."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill as wrap
from typing import Any

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

__all__ = ["responses_figure"]

_HEIGHT_CM = 11.8
_NEEDED = ("estimate", "lower", "upper")
_LOOKS: dict[str, dict[str, Any]] = {
    "direct": {"color": PALETTE[0], "marker": "o", "linestyle": "-"},
    "indirect": {"color": PALETTE[1], "marker": "s", "linestyle": (0, (4.0, 1.6))},
}
_DODGE = {"direct": -0.14, "indirect": 0.14}  # so that intervals stand side by side
_LONG = "long"


def responses_figure(
    by_horizon: pd.DataFrame,
    by_order: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    unit: str = "effect",
    note: str = "",
) -> PaperFigure:
    """Draw direct and indirect effects of each term over horizons, above, and orders, below.

    Parameters
    ----------
    by_horizon : DataFrame
        Indexed (term, horizon, effect), horizons 0, 1, ... and, last, "long"; columns estimate,
        lower, upper.
    by_order : DataFrame
        Indexed (term, order, effect), orders 0, 1, ... and, last, "beyond"; the same columns.
        Missing intervals are not drawn.
    labels : mapping, optional
        Printed names of terms.
    unit : str
        Of the response, for the vertical axes.
    note : str
        Remarks, drawn beneath; also the figure's ``caption``.

    Raises
    ------
    DataError
        If a column is missing or the frames hold different terms.
    """
    terms = _checked(by_horizon, by_order)
    with style():
        figure = new_figure(WIDTH_CM, _HEIGHT_CM)
        figure.caption = note
        grid = figure.subplots(2, len(terms), squeeze=False)
        figure.subplots_adjust(
            left=0.075, right=0.985, top=0.905, bottom=0.225, wspace=0.26, hspace=0.52
        )
        for j, term in enumerate(terms):
            name = (labels or {}).get(term, term)
            for i, (frame, axis) in enumerate(
                ((by_horizon, "years after the change"), (by_order, "power q of ρW"))
            ):
                axes = grid[i, j]
                axes.set_title(f"({chr(ord('a') + i * len(terms) + j)}) {name}")
                _draw(axes, frame.xs(term, level=0), joined=i == 0)
                axes.set_xlabel(axis)
        for row in grid:
            row[0].set_ylabel(unit)
        handles, names = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, names, loc="upper right", ncols=2, handlelength=2.6, borderpad=0)
        figure.text(0.01, 0.012, wrap(note, NOTE_WIDTH), fontsize=6.3, va="bottom")
    return figure


def _draw(axes: Axes, frame: pd.DataFrame | pd.Series, *, joined: bool) -> None:
    """Draw one term; the last place, "long" or "beyond", is not joined to the others."""
    places = list(dict.fromkeys(frame.index.get_level_values(0)))
    at = np.arange(len(places), dtype=np.float64)
    axes.axhline(0.0, color=GREY, linewidth=0.6, linestyle=":", zorder=0)
    for effect, look in _LOOKS.items():
        part = frame.xs(effect, level=1).loc[places]
        x = at + _DODGE[effect]
        y, low, high = (part[name].to_numpy(dtype=np.float64) for name in _NEEDED)
        known = np.isfinite(low) & np.isfinite(high)
        axes.vlines(
            x[known], low[known], high[known], color=look["color"], linewidth=0.8, alpha=0.75
        )
        line = dict(look) if joined else look | {"linestyle": "none"}
        axes.plot(x[:-1], y[:-1], label=effect, markersize=3.2, linewidth=1.1, **line)
        axes.plot(x[-1:], y[-1:], markersize=3.2, **look | {"linestyle": "none"})
    shown = {_LONG: "∞", "beyond": f"> {places[-2]}"}
    axes.set_xticks(at, [shown.get(place, str(place)) for place in places])
    axes.set_xlim(-0.5, len(places) - 0.5)


def _checked(by_horizon: pd.DataFrame, by_order: pd.DataFrame) -> list[str]:
    found = []
    for name, frame in (("by_horizon", by_horizon), ("by_order", by_order)):
        absent = [column for column in _NEEDED if column not in frame.columns]
        if absent:
            raise DataError(f"{name}: no column {first_five(absent)}; give {', '.join(_NEEDED)}.")
        found.append(list(dict.fromkeys(str(t) for t in frame.index.get_level_values(0))))
    if found[0] != found[1]:
        raise DataError(
            f"terms {first_five(found[0])} by horizon and {first_five(found[1])} by order; give "
            "the same terms in the same order."
        )
    return found[0]
