"""What every exhibit script uses: `Exhibit` holds the result, `main` runs one script by itself.

A script is ``replication/table_08_baseline.py``. It calls the package, defines
``build(config) -> Exhibit`` and ends with ``main(__file__, build)``; it holds no modelling code.
"""

from __future__ import annotations

import copy
import io
import re
import sys
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from catalogue import Project, Row, load_project
from environment import settle
from writing import ReplicationError, csv_text, json_text, load_json, rounded, write

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from ccec_econ.typeset import Table

__all__ = ["Build", "Exhibit", "collect_numbers", "main", "produce", "rng"]

DPI = 200
SVG_SALT = "ccec_econ"  # names of clip paths come from it; a fixed salt keeps the bytes


@dataclass(frozen=True, slots=True)
class Exhibit:
    """Result of one script: tables or figures, the data behind them, a finding and numbers.

    Parameters
    ----------
    table, figure, data
        One object, or several by suffix: ``{"": first, "validation": second}`` of exhibit
        ``table_03`` become ``table_03.*`` and ``table_03_validation.*``. A csv is written from
        `data`, at eight significant digits; without data of its suffix, from the table's own text.
    finding
        One sentence that says what the exhibit shows.
    numbers
        Numbers that the paper's text cites, finite, by name; nested mappings are allowed.
    """

    table: Table | Mapping[str, Table] | None = None
    figure: Figure | Mapping[str, Figure] | None = None
    data: pd.DataFrame | Mapping[str, pd.DataFrame] | None = None
    finding: str = ""
    numbers: Mapping[str, object] = field(default_factory=dict)

    def save(self, row: Row, replication: Path) -> tuple[Path, ...]:
        """Write every file of the exhibit below ``replication/output`` and return their paths.

        Raises
        ------
        ReplicationError
            When the files are not those that exhibits.toml lists, or a number is not finite.
        """
        files = self._files(row)
        _refuse_undeclared(row, set(files))
        return tuple(write(replication / name, files[name]) for name in sorted(files))

    def _files(self, row: Row) -> dict[str, str | bytes]:
        tables = _by_stem(row.id, self.table)
        figures = _by_stem(row.id, self.figure)
        frames = _by_stem(row.id, self.data)
        files: dict[str, str | bytes] = {}
        for place, (stem, table) in enumerate(tables.items()):
            base = f"output/tables/{stem}"
            files[f"{base}.csv"] = table.to_csv_text()
            files[f"{base}.html"] = table.to_html()
            files[f"{base}.tex"] = table.to_latex()
            files[f"{base}.typ"] = table.to_typst(label=stem, number=_number(row.paper, place))
        for stem, figure in figures.items():
            base = f"output/figures/{stem}"
            files |= {
                f"{base}.svg": _picture(figure, "svg"),
                f"{base}.png": _picture(figure, "png"),
            }
        for stem, frame in frames.items():
            folder = "tables" if stem in tables else "figures" if stem in figures else row.home
            files[f"output/{folder}/{stem}.csv"] = csv_text(frame)
        files[row.record] = json_text(
            {
                "id": row.id,
                "paper": row.paper,
                "title": row.title,
                "finding": _minus(self.finding),
                "numbers": rounded(self.numbers, f"{row.id}: number"),
            }
        )
        return files


Build = Callable[[dict[str, Any]], Exhibit]


def produce(project: Project, row: Row, build: Build) -> tuple[Path, ...]:
    """Build an exhibit and save it; settings of matplotlib that it changes do not outlive it."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    with mpl.rc_context():
        try:
            return build(copy.deepcopy(project.config)).save(row, project.made / "replication")
        finally:
            plt.close("all")


def collect_numbers(project: Project) -> Path:
    """Gather the numbers of every exhibit that exists into ``output/numbers.json``."""
    records = {row.id: load_json(project.record(row)) for row in project.rows}
    numbers = {name: record["numbers"] for name, record in records.items() if record}
    return write(project.output / "numbers.json", json_text(numbers))


def rng(config: Mapping[str, Any], name: str) -> np.random.Generator:
    """Return the random numbers of one exhibit: the study's seed, spawned by the exhibit's id.

    The stream depends on the seed and the id alone, hence not on which exhibits ran before.
    """
    key = zlib.crc32(name.encode())
    return np.random.default_rng(np.random.SeedSequence(config["seed"], spawn_key=(key,)))


def main(file: str, build: Build) -> None:
    """Check the data and run one exhibit's script; the files are those of a full run."""
    from ccec_econ.data import verify_manifest

    script = Path(file).resolve()
    root = script.parents[1]
    settle(root)
    verify_manifest()
    project = load_project(root)
    written = produce(project, project.find(script.name), build)
    for path in (*written, collect_numbers(project)):
        sys.stdout.write(f"{path.relative_to(root).as_posix()}\n")


def _by_stem[Item](name: str, item: Item | Mapping[str, Item] | None) -> dict[str, Item]:
    """Name one object or several by suffix: `table_03`, `table_03_validation`."""
    if item is None:
        return {}
    several = item if isinstance(item, Mapping) else {"": item}
    return {f"{name}_{suffix}" if suffix else name: part for suffix, part in several.items()}


def _minus(text: str) -> str:
    """Set minus signs of numbers as such; hyphens between words and digits stay."""
    return re.sub(r"(?<![\w.])-(?=\d)", "−", text)


def _number(paper: str, place: int) -> str:
    """Give the number of a table in the paper: 3, 3b, 3c."""
    return paper.split()[-1] + ("" if place == 0 else chr(ord("a") + place))


def _picture(figure: Figure, form: str) -> bytes:
    """Draw a figure to bytes that hold no date and no program's version."""
    import matplotlib as mpl

    metadata = {"Date": None, "Creator": None} if form == "svg" else {"Software": None}
    out = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": SVG_SALT, "svg.fonttype": "path"}):
        figure.savefig(out, format=form, dpi=DPI, metadata=metadata)
    return out.getvalue()


def _refuse_undeclared(row: Row, written: set[str]) -> None:
    declared = set(row.outputs)
    if written != declared:
        raise ReplicationError(
            f"{row.id}: writes {sorted(written - declared) or 'nothing'} beyond its outputs in "
            f"exhibits.toml, and does not write {sorted(declared - written) or 'nothing'} of them; "
            f"list what it writes: {sorted(written)}"
        )
