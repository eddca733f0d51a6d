"""Compare outputs with accepted numbers, cell by cell, by each exhibit's rule.

A cell is named by file, line and column (``table_08.csv:4:estimate``) or, for a number of the
text, by its key (``numbers:rho``). `known_differences.toml` lists accepted differences.
"""

from __future__ import annotations

import csv
import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from writing import ReplicationError

__all__ = [
    "Cell",
    "Comparison",
    "Known",
    "Rule",
    "compare",
    "number_cells",
    "read_known",
    "table_cells",
]

MCSE = "_mcse"  # ending of the column that holds a column's Monte Carlo standard error


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of comparison, as exhibits.toml writes it: `exact`, `rtol=1e-6 atol=1e-9`, `mc=4`."""

    kind: Literal["exact", "rtol", "mc"]
    size: float = 0.0
    atol: float = 0.0

    @classmethod
    def from_text(cls, text: str) -> Rule:
        """Read a rule.

        Raises
        ------
        ReplicationError
            When the text is none of the three forms.
        """
        if text == "exact":
            return cls("exact")
        number = r"[0-9.]+(?:e-?[0-9]+)?"
        found = re.fullmatch(rf"(rtol|mc)=({number})(?: atol=({number}))?", text)
        if not found:
            raise ReplicationError(
                f'compare = "{text}" is no rule; write "exact", "rtol=1e-6", '
                '"rtol=1e-6 atol=1e-9" or "mc=4"'
            )
        kind: Literal["rtol", "mc"] = "rtol" if found[1] == "rtol" else "mc"
        return cls(kind, float(found[2]), float(found[3] or 0.0))

    def accepts(self, ours: str, theirs: str, error: float = 0.0) -> bool:
        """Tell whether two cells agree; `error` is the Monte Carlo error of their difference."""
        if ours == theirs:
            return True
        a, b = _number(ours), _number(theirs)
        if self.kind == "exact" or a is None or b is None:
            return False
        if self.kind == "mc" and error > 0.0:
            return abs(a - b) <= self.size * error
        size = self.size if self.kind == "rtol" else 0.0
        return abs(a - b) <= size * max(abs(a), abs(b)) + self.atol


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of ours beside the accepted one; `error` is the Monte Carlo error of both."""

    name: str
    ours: str
    theirs: str
    error: float = 0.0

    @property
    def relative(self) -> float:
        """Return the relative difference; 0 for equal texts, infinity for unlike texts."""
        if self.ours == self.theirs:
            return 0.0
        a, b = _number(self.ours), _number(self.theirs)
        if a is None or b is None:
            return math.inf
        return abs(a - b) / max(abs(a), abs(b)) if a != b else 0.0


@dataclass(frozen=True, slots=True)
class Known:
    """An accepted difference and its reason."""

    exhibit: str
    cell: str
    ours: str
    theirs: str
    reason: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Outcome of one exhibit's cells; `unlisted` and `stale` are what makes it fail."""

    cells: int
    matched: int
    worst: Cell | None
    listed: tuple[Known, ...]
    unlisted: tuple[Cell, ...]
    stale: tuple[Known, ...]


def compare(cells: Iterable[Cell], rule: Rule, known: Iterable[Known]) -> Comparison:
    """Apply a rule to the cells of an exhibit, given the differences listed for it."""
    every = list(cells)
    different = [cell for cell in every if not rule.accepts(cell.ours, cell.theirs, cell.error)]
    expected = {entry.cell: entry for entry in known}
    excused = {cell.name for cell in different if _is_listed(cell, expected.get(cell.name), rule)}
    return Comparison(
        cells=len(every),
        matched=len(every) - len(different),
        worst=max(every, key=lambda cell: cell.relative, default=None),
        listed=tuple(entry for name, entry in expected.items() if name in excused),
        unlisted=tuple(cell for cell in different if cell.name not in excused),
        stale=tuple(entry for name, entry in expected.items() if name not in excused),
    )


def table_cells(ours: Path, theirs: Path, rule: Rule) -> list[Cell]:
    """Pair the cells of two csv files of one shape.

    Raises
    ------
    ReplicationError
        When the headers or the numbers of rows differ.
    """
    (head, *rows), (reference_head, *reference_rows) = _read(ours), _read(theirs)
    if head != reference_head:
        raise ReplicationError(f"{ours.name}: columns {head}, accepted {reference_head}")
    if len(rows) != len(reference_rows):
        raise ReplicationError(
            f"{ours.name}: {len(rows)} rows, accepted {len(reference_rows)} rows"
        )
    names = [name if head.count(name) == 1 else f"#{k}" for k, name in enumerate(head, 1)]
    cells: list[Cell] = []
    for line, (row, reference) in enumerate(zip(rows, reference_rows, strict=True), 2):
        pairs = dict(zip(names, zip(row, reference, strict=True), strict=True))
        cells += _row_cells(f"{ours.name}:{line}", pairs, rule)
    return cells


def number_cells(ours: object, theirs: object, rule: Rule) -> list[Cell]:
    """Pair the numbers of an exhibit for the text, as nested json values."""
    left, right = dict(_flat(ours)), dict(_flat(theirs))
    pairs = {key: (left.get(key, ""), right.get(key, "")) for key in sorted(left | right)}
    return _row_cells("numbers", pairs, rule)


def read_known(path: Path) -> tuple[Known, ...]:
    """Read the accepted differences; a file that is absent lists none."""
    if not path.exists():
        return ()
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("difference", [])
    keys = sorted(Known.__slots__)
    for entry in entries:
        if sorted(entry) != keys or not str(entry["reason"]).strip():
            raise ReplicationError(
                f"{path.name}: an entry has {sorted(entry)}; it needs {keys}, and a reason"
            )
    return tuple(Known(**{key: str(value) for key, value in entry.items()}) for entry in entries)


def _row_cells(place: str, pairs: Mapping[str, tuple[str, str]], rule: Rule) -> list[Cell]:
    """Make cells of one row; under `mc` the error columns are used and not compared."""
    if rule.kind != "mc":
        return [Cell(f"{place}:{name}", *pair) for name, pair in pairs.items()]
    return [
        Cell(f"{place}:{name}", *pair, error=_error(pairs.get(f"{name}{MCSE}")))
        for name, pair in pairs.items()
        if not name.endswith(MCSE)
    ]


def _error(pair: tuple[str, str] | None) -> float:
    return math.hypot(*(_number(text) or 0.0 for text in pair)) if pair else 0.0


def _is_listed(cell: Cell, entry: Known | None, rule: Rule) -> bool:
    if entry is None:
        return False
    ours = rule.accepts(cell.ours, entry.ours, cell.error)
    return ours and rule.accepts(cell.theirs, entry.theirs, cell.error)


def _flat(value: object, key: str = "") -> Iterable[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _flat(item, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list):
        for k, item in enumerate(value):
            yield from _flat(item, f"{key}.{k}")
    else:
        yield key, str(value)


def _read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines))
    if not rows:
        raise ReplicationError(f"{path.name} is empty; make it again")
    return rows


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
