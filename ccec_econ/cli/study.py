"""The study that lies around this folder: run it, or show what it made."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
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


def replicate(root: Path, options: Sequence[str] = ()) -> int:
    """Run the study's own program with its options and return its exit code."""
    program = root / "replication" / "run.py"
    return subprocess.run([sys.executable, str(program), *options], check=False).returncode


def exhibit_text(root: Path, name: str) -> str:
    """Show the finding and the tables of an exhibit, or one of them, and where its files are.

    Parameters
    ----------
    name : str
        As in the paper, letters too: ``table 4B`` is an exhibit, ``table 4b`` a part of Table 4.

    Raises
    ------
    DataError
        If the study has no such exhibit or part, or has not made it yet.
    """
    kind, number, part = _place(name)
    rows = tomllib.loads((root / _CATALOGUE).read_text(encoding="utf-8"))["exhibit"]
    known = {str(row["paper"]): row for row in rows}
    paper = f"{kind} {number}"
    if paper not in known:
        choices = [other.split()[1] for other in known if other.startswith(kind)]
        raise DataError(f"no {name}; the study has {kind.lower()} {', '.join(choices)}.")
    row = known[paper]
    files = [root / "replication" / output for output in row["outputs"]]
    absent = [path.name for path in files if not path.exists()]
    if absent:
        raise DataError(f"{first_five(absent)} not made; run ccec replicate --only {row['id']}.")
    numbers = _numbered(files)
    finding = _finding(files)
    if part:
        wanted = number if part == "a" and len(numbers) > 1 else number + part
        numbers = {path: one for path, one in numbers.items() if one == wanted}
        if not numbers:
            raise DataError(_no_part(name, paper, part, files, known))
        stems = {path.stem for path in numbers}
        files = [path for path in files if path.stem in stems and path.suffix != ".json"]
    texts = [_table(path, one) for path, one in numbers.items()]
    listed = "\n".join(path.relative_to(root).as_posix() for path in files)
    return "\n\n".join([f"{paper}. {row['title']}", finding, *texts, listed])


def _place(name: str) -> tuple[str, str, str]:
    """Kind, number and part: "table 4Ab" is part b of Table 4A."""
    kind, _, number = name.partition(" ")
    found = re.fullmatch(r"0*(\d+[A-Z]?)([a-z]?)", number)
    return (kind.capitalize(), found[1], found[2]) if found else (kind.capitalize(), number, "")


def _no_part(
    name: str, paper: str, part: str, files: list[Path], known: Mapping[str, object]
) -> str:
    numbers = _numbered(files).values()
    capital = f"{paper}{part.upper()}" if paper[-1].isdigit() else ""
    other = f"; for {capital} write {capital.split()[1]}" if capital in known else ""
    parts = f"its tables are {', '.join(numbers)}" if len(numbers) > 1 else "it is whole"
    return f"no {name}: {paper} has no part {part}, {parts}{other}."


def _numbered(files: list[Path]) -> dict[Path, str]:
    """Tables among files by their numbers in the paper, in that order."""
    numbers = {path: _number(path) for path in files if path.suffix == ".html"}
    return dict(sorted(numbers.items(), key=lambda pair: pair[1]))


def _number(path: Path) -> str:
    """Read the number of a table in the paper, which its Typst file holds."""
    found = re.search(r'numbering: _ => "(.+)"', path.with_suffix(".typ").read_text("utf-8"))
    return found[1] if found else ""


def _table(path: Path, number: str) -> str:
    table = table_from_html(path.read_text(encoding="utf-8"))
    return str(replace(table, title=f"Table {number}: {table.title}") if number else table)


def _finding(files: list[Path]) -> str:
    record = next(path for path in files if path.suffix == ".json")
    return str(json.loads(record.read_text(encoding="utf-8"))["finding"])
