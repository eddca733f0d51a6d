"""Figure of placebos: each realised statistic among its placebos, and curves of power."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from textwrap import fill as wrap

import numpy as np
from matplotlib.axes import Axes

from ccec_econ.causal.placebo import Placebos
from ccec_econ.causal.power import Power
from ccec_econ.errors import DataError
from ccec_econ.report.style import (
    GREY,
    NOTE_WIDTH,
    PALETTE,
    WIDTH_CM,
    PaperFigure,
    new_figure,
    style,
)
from ccec_econ.typeset import p_equal

__all__ = ["PlaceboPanel", "placebo_figure"]

_COLUMNS = 3
_ROW_CM, _AROUND_CM = 5.1, 2.4
_BINS = 36
_LARGEST = 3.0  # within standard deviations to which curves of power run
_STROKES = ("-", (0, (4.0, 1.6)), (0, (1.0, 1.2)))


@dataclass(frozen=True, slots=True)
class PlaceboPanel:
    """One panel of the figure.

    Attributes
    ----------
    title : str
        Printed after the panel's letter.
    placebos : Placebos
    axis : str
        What the horizontal axis shows.
    marks : mapping of str to float
        Other values to show, by label, such as those of other regions.
    said : str
        What stands beside the realised statistic; its p-value by default.
    """

    title: str
    placebos: Placebos
    axis: str
    marks: Mapping[str, float] = field(default_factory=dict)
    said: str = ""


def placebo_figure(
    panels: list[PlaceboPanel], powers: Mapping[str, Power], *, note: str = ""
) -> PaperFigure:
    """Draw placebo distributions with the realised statistic, and power by size of the effect.

    Parameters
    ----------
    panels : list of PlaceboPanel
    powers : mapping of str to Power
        Curves of the last panel by label, in multiples of the outcome's standard deviation net of
        unit and period effects, so that outcomes compare. At most three.
    note : str
        Remarks, drawn beneath; also the figure's ``caption``.

    Raises
    ------
    DataError
        If there is no panel, or no or too many curves.
    """
    if not panels or not 1 <= len(powers) <= len(_STROKES):
        raise DataError(
            f"placebo figure: {len(panels)} panels, {len(powers)} curves of power; give one panel "
            f"or more and one to {len(_STROKES)} curves."
        )
    rows = -(-(len(panels) + 1) // _COLUMNS)
    height = rows * _ROW_CM + _AROUND_CM
    with style():
        figure = new_figure(WIDTH_CM, height)
        figure.caption = note
        axes = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
        figure.subplots_adjust(
            left=0.055,
            right=0.985,
            top=1.0 - 0.7 / height,
            bottom=(_AROUND_CM + 0.55) / height,
            wspace=0.24,
            hspace=0.52,
        )
        for i, (ax, panel) in enumerate(zip(axes, panels, strict=False)):
            ax.set_title(f"({chr(ord('a') + i)}) {panel.title}")
            _draw_placebos(ax, panel)
        last = axes[len(panels)]
        last.set_title(f"({chr(ord('a') + len(panels))}) Power")
        _draw_power(last, powers)
        for ax in axes[len(panels) + 1 :]:
            ax.set_axis_off()
        figure.text(0.01, 0.012, wrap(note, NOTE_WIDTH), fontsize=6.3, va="bottom")
    return figure


def _draw_placebos(axes: Axes, panel: PlaceboPanel) -> None:
    found = panel.placebos
    known = found.drawn[np.isfinite(found.drawn)]
    counts, _, _ = axes.hist(known, bins=_BINS, color="#D9D9D9", edgecolor="white", linewidth=0.2)
    top = float(np.max(counts))
    for end in found.band():
        axes.axvline(end, ymax=0.8, color=GREY, linewidth=0.7, linestyle=":")
    axes.axvline(found.realised, color=PALETTE[1], linewidth=1.4)
    low, high = axes.get_xlim()
    right = found.realised > low + 0.6 * (high - low)
    axes.annotate(
        panel.said or p_equal(found.pvalue),
        (found.realised, 1.19 * top),
        (-3 if right else 3, 0),
        textcoords="offset points",
        ha="right" if right else "left",
        va="top",
        color=PALETTE[1],
        fontsize=6.8,
    )
    for label, value in panel.marks.items():
        axes.plot([value], [0.0], marker="v", markersize=4.5, color=PALETTE[0], clip_on=False)
        axes.annotate(
            label,
            (value, 0.0),
            (0, 5),
            textcoords="offset points",
            ha="center",
            va="bottom",
            rotation=90,
            color=PALETTE[0],
            fontsize=6.0,
        )
    axes.set_ylim(0.0, 1.2 * top)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(panel.axis)


def _draw_power(axes: Axes, powers: Mapping[str, Power]) -> None:
    sizes = np.linspace(0.0, _LARGEST, 121)
    first = next(iter(powers.values()))
    for k, (label, found) in enumerate(powers.items()):
        curve = found.at(list(sizes * found.within_sd))["power"].to_numpy()
        axes.plot(sizes, curve, color=PALETTE[k], linestyle=_STROKES[k], label=label)
    axes.axhline(first.target, color=GREY, linewidth=0.6, linestyle=":")
    axes.axhline(first.level, color=GREY, linewidth=0.6, linestyle=":")
    axes.set_ylim(0.0, 1.02 + 0.13 * len(powers))  # room for the legend above the curves
    axes.set_yticks([first.level, 0.5, first.target, 1.0])
    axes.set_xlim(0.0, _LARGEST)
    axes.set_xlabel("effect, within standard deviations")
    axes.legend(loc="upper left", fontsize=6.0, handlelength=2.6, borderpad=0.0, labelspacing=0.3)
