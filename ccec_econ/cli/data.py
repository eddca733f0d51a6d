"""What the bundled data hold, said or written."""

from __future__ import annotations

from pathlib import Path

from ccec_econ.data.codebook import LAYERS, load_codebook
from ccec_econ.errors import DataError
from ccec_econ.typeset import Table

__all__ = ["described", "written"]

_SHOWN = ["variable", "label", "unit", "first_year", "last_year", "missing", "source"]


def described(layer: str) -> str:
    """Size of a layer and its codebook."""
    frame, book = LAYERS[layer](), load_codebook()
    rows = book.loc[book["layer"] == layer, _SHOWN]
    units, years = (frame.index.unique(level) for level in (0, 1))
    table = Table(
        title=f"Variables of the {layer} layer",
        columns=tuple(name.replace("_", " ").capitalize() for name in _SHOWN),
        rows=tuple(tuple(str(cell) for cell in row) for row in rows.to_numpy()),
        text_columns=frozenset({1, 2, 6}),
        notes=("Sources: data/raw/<source>/SOURCE.md. `missing` counts empty cells.",),
    )
    return f"{len(units)} units, {min(years)}–{max(years)}, {len(rows)} variables\n\n{table}"


def written(layer: str, file: Path | None) -> str:
    """Write a layer as csv.

    Raises
    ------
    DataError
        Without a file, or if it exists.
    """
    if file is None:
        raise DataError("no file: give --to panel.csv.")
    if file.exists():
        raise DataError(f"{file} exists; remove it or give another name.")
    frame = LAYERS[layer]()
    frame.to_csv(file)
    return f"{len(frame)} rows, {frame.shape[1]} variables: {file}"
