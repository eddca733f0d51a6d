"""A smoke run: every script with few draws, beside the study; only the shape is compared.

`[smoke]` of config.toml holds the settings that replace those of the same name.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Sequence
from pathlib import Path

from catalogue import Project, Row
from judge import pairs
from writing import ReplicationError, load_json

__all__ = ["check_shapes", "lay_out_paper"]


def lay_out_paper(project: Project) -> None:
    """Put what the paper is made of beside the outputs of the run."""
    target = project.paper.parent
    target.mkdir(parents=True, exist_ok=True)
    for source in (project.root / "paper").iterdir():
        if source.suffix != ".pdf":
            shutil.copyfile(source, target / source.name)
    shutil.copyfile(project.root / "CITATION.cff", project.made / "CITATION.cff")


def check_shapes(project: Project, rows: Sequence[Row]) -> None:
    """Compare columns, rows and names of numbers with the accepted ones, but no number.

    Raises
    ------
    ReplicationError
        Naming every file of another shape.
    """
    free = set(project.config.get("smoke_rows", ()))
    accepted = load_json(project.replication / "reference" / "numbers.json")
    wrong = []
    for row in rows:
        for ours, theirs in pairs(project, row):
            mine, known = _shape(ours), _shape(theirs)
            if mine[0] != known[0] or (mine[1] != known[1] and ours.name not in free):
                wrong.append(f"{ours.name}: {_told(*mine)}, accepted {_told(*known)}")
        names = _names(load_json(project.record(row)).get("numbers", {}))
        if names != (expected := _names(accepted.get(row.id, {}))):
            wrong.append(f"{row.id}: numbers {sorted(names ^ expected)} stand on one side only")
    if wrong:
        raise ReplicationError("another shape than the accepted one:\n  " + "\n  ".join(wrong))


def _shape(path: Path) -> tuple[tuple[str, ...], int]:
    if not path.exists():
        return (), 0
    with path.open(encoding="utf-8", newline="") as file:
        header, *lines = csv.reader(file)
    return tuple(header), len(lines)


def _told(header: tuple[str, ...], lines: int) -> str:
    return f"{lines} rows of {', '.join(header)}" if header else "absent"


def _names(numbers: object, name: str = "") -> frozenset[str]:
    if not isinstance(numbers, dict):
        return frozenset({name})
    return frozenset().union(*(_names(item, f"{name}.{key}") for key, item in numbers.items()))
