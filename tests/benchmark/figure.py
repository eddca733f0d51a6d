"""Time and memory against the number of units, both axes logarithmic, a line a package."""

from __future__ import annotations

from textwrap import fill as wrap

import pandas as pd
from matplotlib.axes import Axes

from benchmark.measured import RAN
from ccec_econ.report.style import INK, NOTE_WIDTH, PALETTE, PaperFigure, new_figure, style

__all__ = ["scaling_figure"]

LINES = {
    ("sdm", "ccec_econ"): "SDM, ccec_econ",
    ("sdm", "spreg"): "SDM, spreg",
    ("sdm", "linearmodels"): "OLS, linearmodels",
    ("sdm", "pyfixest"): "OLS, pyfixest",
}
_MARKERS = "os^D"


def scaling_figure(rows: pd.DataFrame) -> PaperFigure:
    """Draw the two-way SDM beside its peers; a cross marks a size at which a package stops."""
    with style():
        figure = new_figure(height_cm=8.0)
        time, memory = figure.subplots(1, 2)
        figure.subplots_adjust(left=0.07, right=0.985, top=0.92, bottom=0.27, wspace=0.17)
        _draw(time, rows, "median_s", "(a) Seconds")
        _draw(memory, rows, "peak_mib", "(b) Peak memory beyond the data, MiB")
        handles, labels = time.get_legend_handles_labels()
        figure.legend(handles, labels, loc="lower center", ncols=4, bbox_to_anchor=(0.5, 0.08))
        figure.caption = (
            "Two-way effects, four regressors and their lags; OLS gets the lags ready-made. "
            "T = 30 at 46 units, 20 up to 30,000, 10 above. Cross: stopped at the "
            "next size, for memory or time."
        )
        figure.text(0.01, 0.015, wrap(figure.caption, NOTE_WIDTH), fontsize=6.3, va="bottom")
    return figure


def _draw(axes: Axes, rows: pd.DataFrame, column: str, title: str) -> None:
    for i, ((work, package), label) in enumerate(LINES.items()):
        part = rows[(rows["work"] == work) & (rows["package"] == package)].sort_values("n")
        ran = part[part["outcome"] == RAN]
        look = {"color": PALETTE[i], "marker": _MARKERS[i], "markersize": 3.2, "linewidth": 1.1}
        axes.plot(ran["n"], ran[column], label=label, **look)
        if len(ran) and len(ran) < len(part):
            last = ran.iloc[-1]
            axes.plot(last["n"], last[column], "x", color=INK, markersize=7, zorder=5)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("units")
    axes.set_title(title)
