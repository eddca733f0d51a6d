"""Compare the outputs with the accepted numbers; write output/VERDICT.md and output/index.html.

    python replication/verify.py            compare; exit code 1 when anything differs unlisted
    python replication/verify.py --accept   make the present outputs the accepted numbers

Both files that it writes depend on the outputs alone: no times, no paths of a machine.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from catalogue import Project, Row, load_project
from compare import Comparison, read_known
from judge import Verdict, judge, overall, pairs, report
from page import write_page
from writing import ReplicationError, json_text, load_json, write

__all__ = ["Withdrawn", "accept", "check", "main"]

ROOT = Path(__file__).resolve().parents[1]
WRITTEN = ("VERDICT.md", "index.html")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code."""
    parser = argparse.ArgumentParser(description="Compare the outputs with the accepted numbers.")
    parser.add_argument("--accept", action="store_true", help="accept the present outputs")
    chosen = parser.parse_args(arguments)
    try:
        project = load_project(ROOT)
        if chosen.accept:
            copied = accept(project)
            sys.stdout.write(f"accepted {len(copied)} files; give the reason in CHANGELOG.md\n")
        verdicts = check(project)
    except ReplicationError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{overall(verdicts)}: {len(verdicts)} exhibits; ")
    sys.stdout.write("see replication/output/VERDICT.md and index.html\n")
    return 0


def check(project: Project, only: Row | None = None) -> tuple[Verdict, ...]:
    """Judge the exhibits and, unless `only` one is asked for, write VERDICT.md and index.html.

    Raises
    ------
    ReplicationError
        When an exhibit differs beyond the listed differences, with the cells.
    """
    known = read_known(project.replication / "known_differences.toml")
    names = {row.id for row in project.rows}
    strangers = sorted({entry.exhibit for entry in known} - names)
    if strangers:
        raise ReplicationError(
            f"known_differences.toml names {', '.join(strangers)}, no exhibit of exhibits.toml"
        )
    rows = project.rows if only is None else (only,)
    verdicts = tuple(judge(project, row, known) for row in rows)
    if only is None:
        write(project.output / WRITTEN[0], _markdown(verdicts))
        write_page(project, verdicts)
    failed = [verdict for verdict in verdicts if not verdict.passes]
    if failed:
        raise ReplicationError("\n".join(report(verdict) for verdict in failed))
    return verdicts


def accept(project: Project) -> tuple[Path, ...]:
    """Copy the present outputs to replication/reference and return the files written."""
    copies = [pair for row in project.rows for pair in pairs(project, row)]
    records = {row.id: load_json(project.record(row)) for row in project.rows}
    absent = [ours.name for ours, _ in copies if not ours.exists()]
    absent += [name for name, record in records.items() if not record]
    if absent:
        raise ReplicationError(f"nothing accepted: {', '.join(absent)} not made; make replicate")
    for ours, theirs in copies:
        theirs.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ours, theirs)
    numbers = {name: record["numbers"] for name, record in records.items()}
    target = write(project.replication / "reference" / "numbers.json", json_text(numbers))
    return (*(theirs for _, theirs in copies), target)


class Withdrawn:
    """The verdict of an earlier run: taken away before what it speaks of changes.

    So a run that is cut off, in whatever way, leaves no verdict on outputs that are not there.
    """

    def __init__(self, project: Project) -> None:
        self._paths = [project.output / name for name in WRITTEN]
        self._kept: dict[Path, bytes] = {}

    @property
    def stands_no_more(self) -> bool:
        """Tell whether there was one, and it has gone."""
        return any(not path.exists() for path in self._kept)

    def withdraw(self) -> None:
        """Delete it; its bytes are kept while this process runs."""
        for path in self._paths:
            if path.exists():
                self._kept.setdefault(path, path.read_bytes())
                path.unlink()

    def restore(self) -> None:
        """Put it back, when what was made again is as accepted."""
        for path, content in self._kept.items():
            write(path, content)


def _markdown(verdicts: Sequence[Verdict]) -> str:
    lines = [
        "# Verdict",
        "",
        f"**{overall(verdicts)}.** Every cell of every exhibit, and every number of the text, is "
        "compared with the accepted numbers of this version in `replication/reference/`. Written "
        "by `make verify`.",
        "",
        "| exhibit | verdict | rule | cells | matched | worst relative difference | finding |",
        "|---|---|---|--:|--:|---|---|",
        *(_line(verdict) for verdict in verdicts),
    ]
    for verdict in verdicts:
        if verdict.comparison and verdict.comparison.listed:
            lines += ["", f"## {verdict.row.paper}: listed differences", ""]
            lines += [
                f"- `{entry.cell}`: ours {entry.ours}, accepted {entry.theirs}. {entry.reason}"
                for entry in verdict.comparison.listed
            ]
        if verdict.problems:
            lines += ["", f"## {verdict.row.paper}: {verdict.outcome}", ""]
            lines += [f"- {line}" for line in report(verdict).split("\n  ")[1:]]
    return "\n".join(lines) + "\n"


def _line(verdict: Verdict) -> str:
    found = verdict.comparison
    counts = (str(found.cells), str(found.matched), _worst(found)) if found else ("", "", "")
    row = verdict.row
    cells = (f"{row.paper}. {row.title}", verdict.outcome, row.compare, *counts, verdict.finding)
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _worst(found: Comparison) -> str:
    if found.worst is None or found.worst.relative == 0.0:
        return "0"
    return f"{found.worst.relative:.1e} at `{found.worst.name}`"


if __name__ == "__main__":
    raise SystemExit(main())
