"""One print style for every figure, its colours, and a figure that saves to the same bytes.

Colours come from Paul Tol's colour-blind-safe schemes (Tol 2021, *Colour Schemes*, SRON/EPS/TN
09-002, issue 3.2); each role keeps its colour in every figure and differs in lightness too, so
that a grey print still separates them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike, fspath
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

__all__ = [
    "GREY",
    "INK",
    "NOTE_WIDTH",
    "PALETTE",
    "ROLE_COLOURS",
    "ROLE_NAMES",
    "WIDTH_CM",
    "PaperFigure",
    "new_figure",
    "style",
    "text_colour",
]

INK: Final = "#222222"
GREY: Final = "#8A8A8A"

ROLE_COLOURS: Final = MappingProxyType(
    {"core": "#004488", "hollow": "#CC6677", "secondary": "#DDAA33", "other": "#D9D9D9"}
)
"""Fill of each role of `ccec_econ.circle.roles`."""

ROLE_NAMES: Final = MappingProxyType(
    {"core": "Core", "hollow": "Hollow middle", "secondary": "Secondary city", "other": "Other"}
)

PALETTE: Final = ("#004488", "#CC6677", "#DDAA33", "#117733", "#88CCEE", "#AA4499", "#999933")
"""Colours for other classes and for lines, in this order."""

WIDTH_CM: Final = 16.0
"""Text width of a printed page; font sizes are meant for this width."""
NOTE_WIDTH: Final = 128
"""Characters of a line of a note at this width, with room for wider renderings."""

_SETTINGS: Final[Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 7.5,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.facecolor": "white",
    "axes.labelcolor": INK,
    "axes.labelsize": 7.5,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 7.8,
    "figure.facecolor": "white",
    "legend.fontsize": 7.0,
    "legend.frameon": False,
    "legend.title_fontsize": 7.0,
    "lines.linewidth": 1.3,
    "lines.solid_capstyle": "round",
    "patch.linewidth": 0.5,
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "ccec_econ",
    "xtick.color": INK,
    "xtick.labelsize": 7.0,
    "xtick.major.size": 2.5,
    "xtick.major.width": 0.6,
    "ytick.color": INK,
    "ytick.labelsize": 7.0,
    "ytick.major.size": 2.5,
    "ytick.major.width": 0.6,
}

# What each format would stamp into the file: dates and program versions, taken out.
_STAMPS: Final[dict[str, dict[str, None]]] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


class PaperFigure(Figure):
    """A figure of the package: print style, a caption, and files that do not vary.

    It belongs to no window and to no list of open figures, so nothing has to be closed.

    Attributes
    ----------
    caption : str
        What a reader must be told beneath the figure; it is drawn as its last line too.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.caption = ""

    def savefig(
        self,
        fname: str | PathLike[str] | IO[Any],
        *,
        transparent: bool | None = None,
        **kwargs: Any,
    ) -> None:
        """Save in the print style, without date or version: the same figure, the same bytes."""
        stamps = _STAMPS.get(_format(fname, kwargs.get("format")), {})
        kwargs["metadata"] = stamps | dict(kwargs.get("metadata") or {})
        with style():
            super().savefig(fname, transparent=transparent, **kwargs)


@contextmanager
def style() -> Iterator[None]:
    """Apply the print style within a block; matplotlib's settings are as before after it.

    Examples
    --------
    >>> import matplotlib as mpl
    >>> before = mpl.rcParams["axes.linewidth"]
    >>> with style():
    ...     inside = mpl.rcParams["axes.linewidth"]
    >>> inside, mpl.rcParams["axes.linewidth"] == before
    (0.6, True)
    """
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        yield


def new_figure(width_cm: float = WIDTH_CM, height_cm: float = 10.0) -> PaperFigure:
    """Return an empty figure of a size in centimetres; call it within `style`."""
    return PaperFigure(figsize=(width_cm / 2.54, height_cm / 2.54))


def text_colour(fill: str) -> str:
    """Return white or ink, whichever is easier to read on a fill.

    Notes
    -----
    Relative luminance of WCAG 2.1; white below 0.18, where both have the same contrast to black
    and white.

    Examples
    --------
    >>> text_colour("#004488"), text_colour("#D9D9D9")
    ('white', '#222222')
    """
    channels = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _rgb(fill))
    luminance = sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), channels, strict=True))
    return "white" if luminance < 0.18 else INK


def _rgb(colour: str) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    return to_rgb(colour)


def _format(fname: str | PathLike[str] | IO[Any], form: str | None) -> str:
    if form is not None:
        return form.lower()
    if isinstance(fname, str | PathLike):
        return Path(fspath(fname)).suffix.lstrip(".").lower() or "png"
    return "png"
