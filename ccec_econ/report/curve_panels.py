"""Several specification curves side by side, too many specifications for a mark each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill as wrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from numpy.typing import NDArray

from ccec_econ.errors import DataError, first_five
from ccec_econ.report.curve import draw_curve
from ccec_econ.report.style import (
    NOTE_WIDTH,
    PALETTE,
    WIDTH_CM,
    PaperFigure,
    new_figure,
    style,
)

__all__ = ["curve_panels", "strip"]

_CURVE_CM, _ROW_CM, _GAP_CM, _ABOVE_CM, _BELOW_CM = 3.7, 0.235, 0.12, 0.45, 1.75
_LEFT, _RIGHT, _BETWEEN = 0.225, 0.99, 0.035
_BINS = 40
_DARKEST = 3.0  # times as many specifications as if an option lay evenly
_NEEDED = ("estimate", "lower", "upper")
_SHADES = LinearSegmentedColormap.from_list("even", ["#F4F4F4", "#BFCBDB", PALETTE[0]])


def curve_panels(
    panels: Mapping[str, pd.DataFrame],
    choices: Mapping[str, Mapping[str, Sequence[str]]],
    *,
    unit: str = "",
    note: str = "",
) -> PaperFigure:
    """Draw specification curves side by side, and beneath where each option lies along them.

    Above, the estimates of a panel from the lowest to the highest with their intervals. Beneath,
    one strip per option: the darker, the more of the specifications that take it lie there, and a
    mark at their median. A panel that never takes an option has no strip.

    Parameters
    ----------
    panels : mapping of str to DataFrame
        By title, one row per specification: estimate, lower, upper and a column per choice.
    choices : mapping
        By heading, columns of the frames and the options to show in their order.
    unit : str
        Of the estimates, beside the vertical axis.
    note : str
        Remarks, drawn beneath; the figure's ``caption``.

    Raises
    ------
    DataError
        If there is no panel, a panel is empty or lacks a column.

    Examples
    --------
    >>> frame = pd.DataFrame({"estimate": [0.1, 0.3], "model": ["ols", "sdm"]})
    >>> frame = frame.assign(lower=frame["estimate"] - 0.2, upper=frame["estimate"] + 0.2)
    >>> len(curve_panels({"Railways": frame}, {"Model": {"model": ["ols", "sdm"]}}).axes)
    2
    """
    _refuse(panels, choices)
    rows = [
        (heading, column, option)
        for heading, part in choices.items()
        for column, options in part.items()
        for option in options
    ]
    places = _places(rows)
    below_cm = (places[-1] + 1.0) * _ROW_CM
    height = _ABOVE_CM + _CURVE_CM + below_cm + _BELOW_CM
    width = (_RIGHT - _LEFT - _BETWEEN * (len(panels) - 1)) / len(panels)
    with style():
        figure = new_figure(WIDTH_CM, height)
        figure.caption = note
        drawn = list[Axes]()
        for k, (title, frame) in enumerate(panels.items()):
            left = _LEFT + k * (width + _BETWEEN)
            ordered = frame.sort_values("estimate", kind="stable").reset_index(drop=True)
            above = figure.add_axes(
                (left, (_BELOW_CM + below_cm) / height, width, _CURVE_CM / height)
            )
            draw_curve(above, ordered, unit if k == 0 else "", legend=k == 0)
            above.set_title(f"({chr(ord('a') + k)}) {title}")
            for artist in above.collections:
                artist.set_rasterized(True)
            drawn.append(above)
            below = figure.add_axes((left, _BELOW_CM / height, width, below_cm / height))
            _draw_strips(below, ordered, rows, places)
            if k == 0:
                _name_rows(below, rows, places)
            else:
                below.set_yticks([])
        _share_scale(drawn)
        figure.text(0.01, 0.1 / height, wrap(note, NOTE_WIDTH), fontsize=6.3, va="bottom")
    return figure


def strip(taken: NDArray[np.bool_], bins: int = _BINS) -> NDArray[np.float64]:
    """Density of the places where an option is taken, one where it lies evenly.

    Parameters
    ----------
    taken : ndarray of bool, shape (S,)
        By specification, from the lowest estimate to the highest.
    bins : int
        Pieces of equal length, S / bins specifications each.

    Examples
    --------
    >>> strip(np.array([True, True, False, False]), bins=2).tolist()
    [2.0, 0.0]
    """
    where = (np.flatnonzero(taken) + 0.5) / len(taken)
    return np.asarray(np.histogram(where, bins=bins, range=(0.0, 1.0))[0] * bins / taken.sum())


def _places(rows: list[tuple[str, str, str]]) -> list[float]:
    """Vertical places of the rows, with a gap before every heading."""
    places, at, before = list[float](), 0.0, None
    for heading, _, _ in rows:
        at += (_GAP_CM / _ROW_CM + 1.0) * (heading != before)
        places.append(at)
        at, before = at + 1.0, heading
    return places


def _draw_strips(
    axes: Axes, frame: pd.DataFrame, rows: list[tuple[str, str, str]], places: list[float]
) -> None:
    for place, (_, column, option) in zip(places, rows, strict=True):
        taken = (frame[column] == option).to_numpy()
        if not taken.any():
            continue
        axes.imshow(
            strip(taken)[None],
            extent=(0.0, 1.0, place + 0.4, place - 0.4),
            cmap=_SHADES,
            vmin=0.0,
            vmax=_DARKEST,
            aspect="auto",
            interpolation="nearest",
        )
        middle = (float(np.median(np.flatnonzero(taken))) + 0.5) / len(taken)
        axes.vlines(middle, place - 0.4, place + 0.4, colors=PALETTE[1], lw=1.3)
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(places[-1] + 0.6, -0.4)
    axes.set_xticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xlabel(f"{len(frame):,} specifications", fontsize=6.6)


def _name_rows(axes: Axes, rows: list[tuple[str, str, str]], places: list[float]) -> None:
    axes.set_yticks(places, [option for _, _, option in rows], fontsize=6.0)
    axes.tick_params(axis="y", length=0.0, pad=2.0)
    for heading in dict.fromkeys(heading for heading, _, _ in rows):
        first = next(p for p, row in zip(places, rows, strict=True) if row[0] == heading)
        axes.annotate(
            heading,
            (0.0, first - 1.0),
            xytext=(-2.0, 0.0),
            xycoords=axes.get_yaxis_transform(),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=6.4,
            fontweight="bold",
        )


def _share_scale(drawn: list[Axes]) -> None:
    """Give every panel the scale that all of them need."""
    low = min(axes.get_ylim()[0] for axes in drawn)
    high = max(axes.get_ylim()[1] for axes in drawn)
    for axes in drawn:
        axes.set_ylim(low, high)
    for axes in drawn[1:]:
        axes.tick_params(labelleft=False)


def _refuse(
    panels: Mapping[str, pd.DataFrame], choices: Mapping[str, Mapping[str, Sequence[str]]]
) -> None:
    needed = [*_NEEDED, *(column for part in choices.values() for column in part)]
    if not panels or not any(options for part in choices.values() for options in part.values()):
        raise DataError("specification curves: give one panel and one option at least.")
    for title, frame in panels.items():
        absent = [column for column in needed if column not in frame.columns]
        if absent or frame.empty:
            raise DataError(
                f"specification curves: panel {title!r} "
                + (f"lacks columns {first_five(absent)}." if absent else "has no specification.")
            )
