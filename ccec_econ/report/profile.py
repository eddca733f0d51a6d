"""Figure of the profile between two cores: cities against the line, counties along the axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill as wrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ccec_econ.errors import AlignmentError, PanelError, first_five
from ccec_econ.report.canvas import SHADE
from ccec_econ.report.style import (
    GREY,
    NOTE_WIDTH,
    PALETTE,
    WIDTH_CM,
    PaperFigure,
    new_figure,
    style,
)

__all__ = ["Strip", "profile_figure"]

_HEIGHT_CM = 14.6
_MARKERS = ("o", "s", "^", "D")
_LOOK = ((GREY, "s", (0, (4.0, 1.4))), (PALETTE[0], "o", "-"))


@dataclass(frozen=True, slots=True)
class Strip:
    """Counties along an axis in two years.

    Attributes
    ----------
    title, label : str
        Of the panel and of its vertical axis, with the unit.
    values : DataFrame, shape (N, 2)
        Counties by years, positive.
    along_km : Series
        Place of each county.
    stretches : DataFrame
        By middle of the stretch, km: the same years, all counties of a stretch together.
    """

    title: str
    label: str
    values: pd.DataFrame
    along_km: pd.Series[float]
    stretches: pd.DataFrame


def profile_figure(
    profiles: Mapping[str, pd.DataFrame],
    strips: Sequence[Strip] = (),
    *,
    ends: tuple[str, str] = ("", ""),
    length_km: float = 0.0,
    note: str = "",
) -> PaperFigure:
    """Draw cities between two cores as per cent of the line between them; counties beneath.

    Parameters
    ----------
    profiles : mapping
        Title -> per cent of the line, years by cities in the order of their position; columns are
        the printed names. One or two; at most four years each.
    strips : sequence of Strip
        As many as there are profiles, or none.
    ends : (str, str)
        Names of the cores, where the line is 100 per cent.
    length_km : float
        Length of the axis, where the second core stands in the lower panels.
    note : str
        Remarks, drawn beneath; also the figure's ``caption``.

    Raises
    ------
    PanelError
        If there is nothing to draw, values are missing, or a strip has values that are not
        positive.
    AlignmentError
        If a county of a strip has no place.
    """
    _refuse(profiles, strips)
    rows = 2 if strips else 1
    with style():
        figure = new_figure(WIDTH_CM, _HEIGHT_CM if strips else _HEIGHT_CM / 2 + 1.5)
        figure.caption = note
        grid = figure.subplots(rows, len(profiles), squeeze=False)
        figure.subplots_adjust(
            left=0.08,
            right=0.985,
            top=0.955,
            bottom=0.236 if strips else 0.36,
            hspace=0.6,
            wspace=0.2,
        )
        shared = max(float(frame.to_numpy().max()) for frame in profiles.values())
        for ax, (title, frame) in zip(grid[0], profiles.items(), strict=True):
            _profile(ax, title, frame, ends, max(shared, 100.0))
        grid[0, 0].set_ylabel("per cent of the line")
        for ax, strip in zip(grid[1] if strips else (), strips, strict=True):
            _strip(ax, strip, ends, length_km)
        figure.text(0.01, 0.01, wrap(note, NOTE_WIDTH), fontsize=6.3, va="bottom")
    return figure


def _refuse(profiles: Mapping[str, pd.DataFrame], strips: Sequence[Strip]) -> None:
    if not 0 < len(profiles) <= 2 or len(strips) not in (0, len(profiles)):
        raise PanelError(
            f"profile figure of {len(profiles)} profiles and {len(strips)} strips; give one or "
            "two profiles, and as many strips or none."
        )
    for title, frame in profiles.items():
        if frame.empty or frame.isna().to_numpy().any() or len(frame) > len(_MARKERS):
            raise PanelError(
                f"profile '{title}': {len(frame)} years of {frame.shape[1]} cities, "
                f"{int(frame.isna().to_numpy().sum())} values missing; give one to "
                f"{len(_MARKERS)} complete years."
            )
    for strip in strips:
        if not (strip.values.to_numpy() > 0.0).all():
            raise PanelError(f"strip '{strip.title}': values missing or not positive.")
        absent = strip.values.index.difference(strip.along_km.dropna().index)
        if len(absent):
            raise AlignmentError(f"strip '{strip.title}': no place for {first_five(absent)}.")


def _profile(ax: Axes, title: str, frame: pd.DataFrame, ends: tuple[str, str], top: float) -> None:
    names = [ends[0], *frame.columns, ends[1]]
    x = np.arange(len(names))
    ax.axhline(100.0, color=GREY, linewidth=0.7, linestyle=":", zorder=0)
    shades = [to_hex(SHADE(share)) for share in np.linspace(0.4, 1.0, len(frame))]
    for (year, row), shade, marker in zip(frame.iterrows(), shades, _MARKERS):
        ax.plot(
            x,
            [100.0, *row, 100.0],
            color=shade,
            marker=marker,
            markersize=3.4,
            linewidth=1.0,
            label=str(year),
        )
    ax.set_title(title)
    ax.set_ylim(0.0, 1.08 * top)
    ax.set_xticks(x, names, rotation=40, ha="right", rotation_mode="anchor", fontsize=6.6)
    for label in (ax.get_xticklabels()[0], ax.get_xticklabels()[-1]):
        label.set_fontweight("bold")
    ax.legend(loc="lower center", ncols=len(frame), handlelength=1.8, columnspacing=1.2)


def _strip(ax: Axes, strip: Strip, ends: tuple[str, str], length_km: float) -> None:
    along = strip.along_km.loc[strip.values.index]
    for (year, values), (colour, marker, stroke) in zip(strip.values.items(), _LOOK, strict=True):
        ax.plot(along, values, marker, mfc="none", mec=colour, markersize=3.0, mew=0.7)
        ax.plot(
            strip.stretches.index,
            strip.stretches[year],
            color=colour,
            linestyle=stroke,
            marker=marker,
            markersize=3.2,
            linewidth=1.2,
            label=str(year),
        )
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())
    for place, name in zip((0.0, length_km), ends, strict=True):
        ax.axvline(place, color=GREY, linewidth=0.6, linestyle=":", zorder=0)
        ax.annotate(
            name,
            (place, 0.02),
            (-2, 0),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            rotation=90,
            ha="right",
            va="bottom",
            fontsize=6.0,
            color=GREY,
        )
    ax.set_title(strip.title)
    ax.set_ylabel(strip.label)
    ax.set_xlabel(f"km along the axis from {ends[0]}" if ends[0] else "km along the axis")
    ax.legend(loc="upper center", handlelength=2.6)
