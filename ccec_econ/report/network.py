"""Figure of flows between the cities: strongest pairs as lines, net senders and receivers."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill as wrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ccec_econ.data import load_units
from ccec_econ.errors import DataError
from ccec_econ.report.ground import draw_ground, ground_caption, label_cities
from ccec_econ.report.outlines import plane
from ccec_econ.report.style import (
    INK,
    NOTE_WIDTH,
    PALETTE,
    WIDTH_CM,
    PaperFigure,
    new_figure,
    style,
)
from ccec_econ.structure import Gravity

__all__ = ["network_figure", "strongest_pairs"]

_HEIGHT_CM = 9.6
_WIDEST = 0.62  # points of line width per per cent of all flows
_DISC = 9.0  # points squared of a disc per per cent of all flows


def strongest_pairs(network: Gravity, share: float) -> pd.Series[float]:
    """Return the strongest pairs of cities, with their part of all flows in per cent.

    Parameters
    ----------
    network : Gravity
        Flows both ways are added.
    share : float
        Share of the pairs to keep, above 0 and at most 1; at least one is kept.

    Returns
    -------
    Series
        Indexed (``a``, ``b``), strongest first.

    Raises
    ------
    DataError
        If the share is out of range.
    """
    if not 0.0 < share <= 1.0:
        raise DataError(f"share of pairs {share}: need a number above 0 and at most 1.")
    F = network.flows.to_numpy()
    i, j = np.triu_indices(len(F), k=1)
    both = 100.0 * (F + F.T)[i, j] / F.sum()
    units = network.flows.index
    index = pd.MultiIndex.from_arrays([units[i], units[j]], names=["a", "b"])
    pairs = pd.Series(both, index=index, name="percent").sort_values(ascending=False, kind="stable")
    return pairs.iloc[: max(1, round(share * len(pairs)))]


def network_figure(
    networks: Mapping[str, Gravity], *, share: float = 0.25, note: str = ""
) -> PaperFigure:
    """Draw two networks side by side on a light map.

    Parameters
    ----------
    networks : mapping
        Title -> network of the 16 cities; two of them.
    share : float
        Share of the pairs drawn, strongest first.
    note : str
        Remarks, drawn beneath; ``figure.caption`` has it too.

    Raises
    ------
    DataError
        If there are not two networks or the share is out of range.

    Notes
    -----
    Width of a line: the pair's part of all flows of its network, both ways together. Area of a
    disc: net outflow as a part of all flows, dark for net senders, light for net receivers. Parts,
    so that networks of different years compare.
    """
    if len(networks) != 2:
        raise DataError(f"network figure of {len(networks)} networks; give two.")
    with style():
        figure = new_figure(WIDTH_CM, _HEIGHT_CM)
        figure.caption = ground_caption(note)
        for place, (title, network) in enumerate(networks.items()):
            axes = draw_ground(figure, (0.5 * place + 0.004, 0.28, 0.492, 0.65), scale=place == 1)
            axes.set_title(title, fontsize=7.8, pad=2.0, loc="left")
            _draw(axes, network, share)
        _explain(figure)
        figure.text(0.01, 0.01, wrap(figure.caption, NOTE_WIDTH), fontsize=6.3, va="bottom")
    return figure


def _draw(axes: Axes, network: Gravity, share: float) -> None:
    units = load_units("city")
    at = pd.DataFrame(
        plane(units["lon"].to_numpy(), units["lat"].to_numpy()), units.index, ["x", "y"]
    )
    pairs = strongest_pairs(network, share)[::-1].reset_index()
    for a, b, percent in zip(pairs["a"], pairs["b"], pairs["percent"], strict=True):
        ends = at.loc[[a, b]]
        axes.add_line(
            Line2D(
                ends["x"],
                ends["y"],
                color=PALETTE[0],
                alpha=0.75,
                linewidth=_WIDEST * percent,
                solid_capstyle="butt",
                zorder=3,
            )
        )
    net = 100.0 * network.strength["net"] / network.flows.to_numpy().sum()
    axes.scatter(
        at["x"],
        at["y"],
        s=_DISC * net.loc[at.index].abs(),
        c=[INK if value > 0 else "white" for value in net.loc[at.index]],
        edgecolors=INK,
        linewidths=0.8,
        zorder=4,
    )
    radius = np.sqrt(_DISC * net.abs() / np.pi)
    label_cities(axes, clear={str(unit): float(value) for unit, value in radius.items()})


def _explain(figure: PaperFigure) -> None:
    handles = [
        Line2D([], [], color=PALETTE[0], alpha=0.75, linewidth=_WIDEST * p, label=f"{p} %")
        for p in (1, 5, 10)
    ]
    figure.legend(
        handles=handles,
        title="Pair's part of all flows",
        loc="upper left",
        bbox_to_anchor=(0.02, 0.29),
        ncols=3,
        alignment="left",
        handlelength=2.2,
    )
    look: dict[str, Any] = {"linestyle": "none", "marker": "o", "mec": INK, "mew": 0.8}
    discs = [
        Line2D(
            [],
            [],
            markerfacecolor=face,
            markersize=float(np.sqrt(_DISC * size)),
            label=f"{word}, {size} %",
            **look,
        )
        for face, word, size in (
            (INK, "net sender", 20),
            (INK, "net sender", 5),
            ("white", "net receiver", 5),
        )
    ]
    figure.legend(
        handles=discs,
        title="Net outflow as a part of all flows",
        loc="upper left",
        bbox_to_anchor=(0.38, 0.29),
        ncols=3,
        alignment="left",
        handlelength=2.0,
        columnspacing=1.6,
    )
