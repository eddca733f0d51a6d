"""Figure of a specification curve: sorted estimates above, the choices behind each beneath."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill as wrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from numpy.typing import NDArray

from ccec_econ.errors import DataError
from ccec_econ.models.curve_results import SpecificationCurve
from ccec_econ.report.style import (
    GREY,
    NOTE_WIDTH,
    PALETTE,
    WIDTH_CM,
    PaperFigure,
    new_figure,
    style,
)

__all__ = ["curve_figure", "draw_curve"]

_CURVE_CM, _ROW_CM, _GAP_CM, _AROUND_CM = 5.2, 0.33, 0.22, 2.4
_LEFT = 0.245
_MOST_OPTIONS = 16  # rows of one choice; terms stand in for longer lists of controls
_LONG = 4.0  # times the middle width: longer intervals do not set the scale
_NOT, _YES, _ALONE = "#B8B8B8", PALETTE[0], PALETTE[1]


def curve_figure(
    curve: SpecificationCurve,
    *,
    labels: Mapping[str, str] | None = None,
    unit: str = "",
    note: str = "",
) -> PaperFigure:
    """Draw a specification curve.

    Above, the estimates from the lowest to the highest with their intervals, coloured where zero
    lies outside. Beneath, one row per option of every choice that varies, with a mark where a
    specification takes it. Many sets of controls are shown by the terms that they hold.

    Parameters
    ----------
    curve : SpecificationCurve
    labels : mapping, optional
        Printed names of choices, options and terms.
    unit : str
        Of the estimates, beside the vertical axis.
    note : str
        Remarks, drawn beneath after the counts; the figure's ``caption`` holds both.

    Raises
    ------
    DataError
        If no specification was estimated, or an option is one of too many to draw.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> curve = ce.specification_curve(
    ...     ce.data.load_panel(years=(2011, 2019)),
    ...     outcome="growth",
    ...     focus="digital",
    ...     controls=["hsr", "rd"],
    ... )
    >>> len(curve_figure(curve).axes)
    2
    """
    frame = curve.estimated.reset_index(drop=True)
    if frame.empty:
        raise DataError("specification curve: no estimate to draw; read curve.failed.")
    blocks = _blocks(curve, frame)
    caption = " ".join(part for part in (_counts(curve), note) if part)
    rows = sum(len(block) for block in blocks.values())
    choices_cm = rows * _ROW_CM + len(blocks) * _GAP_CM
    height = _CURVE_CM + choices_cm + _AROUND_CM
    with style():
        figure = new_figure(WIDTH_CM, height)
        figure.caption = caption
        bottom = (_AROUND_CM - 0.35) / height
        width = 0.985 - _LEFT
        above = figure.add_axes(
            (_LEFT, bottom + (choices_cm + 0.1) / height, width, (_CURVE_CM - 0.1) / height)
        )
        draw_curve(above, frame, unit)
        if blocks:
            below = figure.add_axes((_LEFT, bottom, width, choices_cm / height), sharex=above)
            _draw_choices(below, blocks, frame, labels or {})
        figure.text(0.01, 0.1 / height, wrap(caption, NOTE_WIDTH), fontsize=6.3, va="bottom")
    return figure


def _blocks(
    curve: SpecificationCurve, frame: pd.DataFrame
) -> dict[str, dict[str, NDArray[np.bool_]]]:
    """For every choice that varies, which specifications take each option."""
    out = {}
    for name in curve.varied:
        options = list(dict.fromkeys(curve.frame[name]))
        taken = {str(option): (frame[name] == option).to_numpy() for option in options}
        if name == "controls" and len(options) > 1 + _singles(options):
            terms = dict.fromkeys(t for option in options for t in _terms(option))
            taken = {
                term: frame[name].map(lambda label, term=term: term in _terms(label)).to_numpy()
                for term in terms
            }
        if len(taken) > _MOST_OPTIONS:
            raise DataError(
                f"specification curve: {len(taken)} options of {name}; at most {_MOST_OPTIONS} "
                "can be drawn."
            )
        out[name] = taken
    return out


def _terms(label: str) -> list[str]:
    return [] if label == "none" else label.split(" + ")


def _singles(options: list[str]) -> int:
    """Count sets of controls of one term at most."""
    return sum(len(_terms(option)) == 1 for option in options)


def draw_curve(axes: Axes, frame: pd.DataFrame, unit: str, *, legend: bool = True) -> None:
    """Draw sorted estimates with their intervals, those without zero in colour."""
    value, low, high = (
        frame[name].to_numpy(dtype=np.float64) for name in ("estimate", "lower", "upper")
    )
    at, clear = np.arange(len(value)), (low > 0.0) | (high < 0.0)
    thin = float(np.clip(180.0 / len(value), 0.25, 1.6))
    for where, colour, dot in ((~clear, _NOT, GREY), (clear, _YES, _YES)):
        lines = [
            ((x, a), (x, b)) for x, a, b in zip(at[where], low[where], high[where], strict=True)
        ]
        axes.add_collection(LineCollection(lines, colors=colour, linewidths=thin, alpha=0.55))
        axes.plot(
            at[where],
            value[where],
            linestyle="none",
            marker="o",
            markersize=float(np.clip(260.0 / len(value), 1.3, 3.4)),
            markeredgewidth=0.0,
            color=dot,
            label="interval without zero" if dot == _YES else "interval with zero",
            zorder=3,
        )
    axes.axhline(0.0, color=GREY, linewidth=0.7, zorder=0)
    middle = float(np.median(value))
    axes.axhline(middle, color=_ALONE, linewidth=0.9, linestyle=(0, (4.0, 1.6)), label="median")
    reach = _LONG * float(np.median(high - low)) / 2.0
    bottom = max(float(low.min()), float(value.min()) - reach)
    top = min(float(high.max()), float(value.max()) + reach)
    pad = 0.04 * (top - bottom)
    axes.set_ylim(min(bottom, 0.0) - pad, max(top, 0.0) + pad)
    axes.set_xlim(-1.0, len(value))
    axes.tick_params(labelbottom=False, bottom=False)
    axes.spines["bottom"].set_visible(False)
    axes.set_ylabel(unit)
    if legend:
        axes.legend(loc="upper left", markerscale=1.4, borderpad=0.0, handlelength=1.4)


def _draw_choices(
    axes: Axes,
    blocks: dict[str, dict[str, NDArray[np.bool_]]],
    frame: pd.DataFrame,
    labels: Mapping[str, str],
) -> None:
    clear = ((frame["lower"] > 0.0) | (frame["upper"] < 0.0)).to_numpy()
    gap, place = _GAP_CM / _ROW_CM, 0.0
    ticks, names = list[float](), list[str]()
    width = float(np.clip(260.0 / len(frame), 0.35, 2.4))
    for name, options in blocks.items():
        place += gap
        axes.text(
            -0.325,
            place,
            labels.get(name, name.capitalize()),
            transform=axes.get_yaxis_transform(),
            fontsize=7.0,
            fontweight="bold",
            va="center",
        )
        for option, taken in options.items():
            for where, colour in ((taken & ~clear, _NOT), (taken & clear, _YES)):
                axes.vlines(
                    np.flatnonzero(where), place - 0.32, place + 0.32, colors=colour, lw=width
                )
            ticks.append(place)
            names.append(labels.get(option, option))
            place += 1.0
    axes.set_ylim(place - 0.4, -0.4)
    axes.set_yticks(ticks, names, fontsize=6.4)
    axes.tick_params(axis="y", length=0.0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("specifications, from the lowest to the highest estimate")


def _counts(curve: SpecificationCurve) -> str:
    done, lost = len(curve.estimated), len(curve.failed)
    tail = f" {lost:,} more could not be estimated." if lost else ""
    return f"{done:,} specifications, {100 * curve.level:g} % intervals.{tail}"
