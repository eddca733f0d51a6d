"""The study that lies around this folder: run it, or show what it made."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

from ccec_econ.cli.html import table_from_html
from ccec_econ.errors import DataError, first_five

__all__ = ["exhibit_text", "find_study", "replicate"]

_CATALOGUE = Path("replication") / "exhibits.toml"


def find_study(folder: Path) -> Path:
    """Find the root of the study that a folder is in.

    Raises
    ------
    DataError
        If no folder above holds one.
    """
    for root in (folder, *folder.parents):
        if (root / _CATALOGUE).exists():
            return root
    raise DataError(
        f"no {_CATALOGUE.as_posix()} in {folder} or above; go to a copy of the replication package."
    )


def replicate(root: Path, *, only: str | None = None, force: bool = False) -> int:
    """Run the study's own program and return its exit code."""
    options = [*(["--only", only] if only else []), *(["--force"] if force else [])]
    program = root / "replication" / "run.py"
    return subprocess.run([sys.executable, str(program), *options], check=False).returncode


def exhibit_text(root: Path, name: str) -> str:
    """Show the finding and the tables of an exhibit, and where its files are.

    Parameters
    ----------
    name : str
        As in the paper, in any case: ``table 13a``.

    Raises
    ------
    DataError
        If the study has no such exhibit, or has not made it yet.
    """
    rows = tomllib.loads((root / _CATALOGUE).read_text(encoding="utf-8"))["exhibit"]
    known = {str(row["paper"]).lower(): row for row in rows}
    if name.lower() not in known:
        kind = name.split()[0]
        choices = [paper.split()[1].upper() for paper in known if paper.startswith(kind)]
        raise DataError(f"no {name}; the study has {kind} {', '.join(choices)}.")
    row = known[name.lower()]
    files = [root / "replication" / output for output in row["outputs"]]
    absent = [path.name for path in files if not path.exists()]
    if absent:
        raise DataError(f"{first_five(absent)} not made; run ccec replicate --only {row['id']}.")
    written = [path.read_text(encoding="utf-8") for path in files if path.suffix == ".html"]
    texts = [str(table_from_html(text)) for text in written]
    listed = "\n".join(path.relative_to(root).as_posix() for path in files)
    return "\n\n".join([f"{row['paper']}. {row['title']}", _finding(files), *texts, listed])


def _finding(files: list[Path]) -> str:
    record = next(path for path in files if path.suffix == ".json")
    return str(json.loads(record.read_text(encoding="utf-8"))["finding"])
