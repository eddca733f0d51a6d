"""Judge an exhibit: whether its csv files and its numbers are the accepted ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from catalogue import Project, Row
from compare import Comparison, Known, Rule, compare, number_cells, table_cells
from writing import ReplicationError, load_json

__all__ = ["Verdict", "judge", "overall", "pairs", "report"]

SHOWN = 20  # differing cells that are printed per exhibit


@dataclass(frozen=True, slots=True)
class Verdict:
    """Judgement of one exhibit: a class, what it found, and the comparison behind it."""

    row: Row
    outcome: str
    finding: str
    comparison: Comparison | None
    problems: tuple[str, ...]

    @property
    def passes(self) -> bool:
        """Tell whether nothing differs beyond the list."""
        return self.outcome.startswith("reproduced")


def judge(project: Project, row: Row, known: Sequence[Known] = ()) -> Verdict:
    """Compare one exhibit's csv files and numbers with the accepted ones."""
    record = load_json(project.record(row))
    finding = str(record.get("finding", ""))
    absent = [path.name for path in project.outputs(row) if not path.exists()]
    if absent:
        problem = f"{', '.join(absent)} not made; run make replicate ONLY={row.id}"
        return Verdict(row, "not made", finding, None, (problem,))
    accepted = load_json(project.replication / "reference" / "numbers.json")
    missing = [Path(name).name for name in _references(project, row) if not Path(name).exists()]
    if missing or row.id not in accepted:
        problem = (
            f"no accepted numbers in replication/reference: {', '.join(missing) or row.id}; "
            "look at the output, then run make accept"
        )
        return Verdict(row, "no reference", finding, None, (problem,))
    mine = [entry for entry in known if entry.exhibit == row.id]
    try:
        rule = Rule.from_text(row.compare)
        cells = number_cells(record.get("numbers", {}), accepted[row.id], rule)
        for ours, theirs in pairs(project, row):
            cells += table_cells(ours, theirs, rule)
    except ReplicationError as error:
        return Verdict(row, "differs", finding, None, (str(error),))
    return _verdict(row, finding, compare(cells, rule, mine))


def overall(verdicts: Sequence[Verdict]) -> str:
    """Name the class of the whole, in the words of the AEA data editor's reports."""
    passed = sum(verdict.passes for verdict in verdicts)
    if passed == 0:
        return "Not reproduced"
    if passed < len(verdicts):
        return "Partial reproduction"
    listed = any(verdict.outcome != "reproduced" for verdict in verdicts)
    return "Full reproduction with listed differences" if listed else "Full reproduction"


def report(verdict: Verdict) -> str:
    """Write what is wrong with an exhibit, one cell per line, the first ones only."""
    beyond = len(verdict.problems) - SHOWN
    more = [f"and {beyond} more"] if beyond > 0 else []
    lines = [f"{verdict.row.id}: {verdict.outcome}", *verdict.problems[:SHOWN], *more]
    return "\n  ".join(lines)


def _references(project: Project, row: Row) -> list[Path]:
    return [project.replication / name for name in row.reference]


def pairs(project: Project, row: Row) -> list[tuple[Path, Path]]:
    """Pair every csv of an exhibit with its reference of the same name."""
    references = {path.name: path for path in _references(project, row)}
    ours = [path for path in project.outputs(row) if path.suffix == ".csv"]
    if {path.name for path in ours} != references.keys():
        raise ReplicationError(
            f"exhibits.toml, exhibit {row.id}: references {sorted(references)} for the csv files "
            f"{sorted(path.name for path in ours)}; list one per csv, of the same name"
        )
    return [(path, references[path.name]) for path in ours]


def _verdict(row: Row, finding: str, found: Comparison) -> Verdict:
    problems = [
        f"{cell.name}: ours {cell.ours!r}, accepted {cell.theirs!r}" for cell in found.unlisted
    ]
    problems += [
        f"{entry.cell}: listed in known_differences.toml (ours {entry.ours!r}, accepted "
        f"{entry.theirs!r}) and no longer so; remove or correct the entry"
        for entry in found.stale
    ]
    outcome = "reproduced with listed differences" if found.listed else "reproduced"
    return Verdict(row, "differs" if problems else outcome, finding, found, tuple(problems))
