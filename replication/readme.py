"""Write the parts of README.md that follow from other files: data files, chance, exhibits, times.

    python replication/readme.py            write them anew
    python replication/readme.py --check    say whether they are stale; exit code 1 if so

Seconds are those of the last complete run, `replication/log/run.json`; without one those that
README holds stay. They are measured, hence no part of what is checked.
"""

from __future__ import annotations

import argparse
import ast
import gzip
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from catalogue import Project, Row, load_project
from writing import ReplicationError, load_json, write

__all__ = ["fresh", "main"]

ROOT = Path(__file__).resolve().parents[1]
_ABOUT_ALL = {
    "LICENSES.md": "terms of each folder, and credit lines to keep",
    "MANIFEST.sha256": "checksum of every file",
    "codebook.csv": "every variable of both panels: label, unit, source, years, missing cells",
}
_EXHIBIT = re.compile(r"^\| (?:Table|Figure) .*?`replication/(\w+)\.py:.*\| ([^|]*) \|$", re.M)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code."""
    parser = argparse.ArgumentParser(description="Write the generated parts of README.md.")
    parser.add_argument("--check", action="store_true", help="write nothing")
    chosen = parser.parse_args(arguments)
    project = load_project(ROOT)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    try:
        record = {} if chosen.check else load_json(ROOT / "replication" / "log" / "run.json")
        now = fresh(text, project, record)
    except ReplicationError as error:
        sys.stderr.write(f"README.md: {error}\n")
        return 1
    if chosen.check:
        stale = now != text
        sys.stdout.write("README.md is stale: make readme\n" if stale else "README.md is fresh\n")
        return int(stale)
    write(ROOT / "README.md", now)
    return 0


def fresh(text: str, project: Project, record: Mapping[str, Any] | None = None) -> str:
    """Return README's text with its generated parts written anew.

    Parameters
    ----------
    text : str
    project : Project
    record : mapping, optional
        A run as run.json records it. One that is empty or not of every exhibit is passed over:
        the seconds stay as they stand in `text`.

    Raises
    ------
    ReplicationError
        When a part has no markers, a file of data/ is not described, or a program has no `build`.
    """
    complete = record and {row.id for row in project.rows} <= record["seconds"].keys()
    if record and complete:
        seconds = {row.stem: _said(record["seconds"][row.id]) for row in project.rows}
        text = _placed(text, "run times", _times(record, project))
    else:
        seconds = dict(_EXHIBIT.findall(text))
    text = _placed(text, "data files", _data_files(project.root))
    text = _placed(text, "chance", _chance(project))
    return _placed(text, "exhibits", _exhibits(project, seconds))


def _placed(text: str, name: str, part: str) -> str:
    """Put a part in the place of the one between its markers."""
    start, end = f"<!-- {name}: written by make readme -->\n", f"<!-- end of {name} -->"
    if text.count(start) != 1 or text.count(end) != 1:
        raise ReplicationError(f"{start.strip()} and {end} must each stand there once")
    before, rest = text.split(start)
    return f"{before}{start}\n{part}\n{end}{rest.split(end)[1]}"


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _data_files(root: Path) -> str:
    """One row per file of data/, with what its SOURCE.md says of it."""
    data = root / "data"

    def rows() -> Iterator[Sequence[str]]:
        for path in sorted(data.rglob("*")):
            name = path.relative_to(data).as_posix()
            if path.is_file() and not name.startswith("derived/"):
                yield [f"`{name}`", _described(path, name), _lines(path), "yes"]

    return _table(["file", "contents", "rows", "provided"], rows())


def _described(path: Path, name: str) -> str:
    if name in _ABOUT_ALL:
        return _ABOUT_ALL[name]
    if path.name == "SOURCE.md":
        return "source, edition, access, faults, terms, citation"
    source = (path.parent / "SOURCE.md").read_text(encoding="utf-8")
    section = source.split("\n## Files\n")[1].split("\n## ")[0]
    for line in section.splitlines():
        head = re.match(r"\| (`[^|]*`) \| ([^|]*) \||- (`[^:]*`): (.*)", line)
        if head is None:
            continue
        names, said = head[1] or head[3], head[2] or head[4]
        patterns = [one.replace("<set>", "*") for one in re.findall(r"`([^`]*)`", names)]
        if any(fnmatch(path.name.removesuffix(".gz"), pattern) for pattern in patterns):
            return re.split(r"\.(?: |$)| \(\d+ rows\)", said)[0].strip()
    raise ReplicationError(f"{name}: no row under Files in its SOURCE.md")


def _lines(path: Path) -> str:
    """Rows of a csv file, its head left out."""
    if ".csv" not in path.name:
        return ""
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8")
    return f"{text.count(chr(10)) - 1:,}"


def _chance(project: Project) -> str:
    """Where the seed stands, and every program that draws."""
    settings = (project.replication / "config.toml").read_text(encoding="utf-8").splitlines()
    line = next(i for i, text in enumerate(settings, 1) if text.startswith("seed ="))
    drawing = []
    for path in sorted(project.replication.glob("*.py")):
        calls = [node for node in _nodes(path, ast.Call) if _name(node) == "rng"]
        if calls:
            drawing.append(f"`{path.name}` {', '.join(str(n) for n in _numbers(calls))}")
    return (
        f"The seed is {project.config['seed']}, `replication/config.toml` line {line}. Programs "
        f"and lines that ask for random numbers: {'; '.join(drawing)}.\n"
    )


def _exhibits(project: Project, seconds: Mapping[str, str]) -> str:
    def rows() -> Iterator[Sequence[str]]:
        for row in project.rows:
            outputs = ", ".join(f"`{out[:-4]}`" for out in row.outputs if out.endswith(".csv"))
            place = f"`{row.program}:{_line_of_build(project.root, row)}`"
            yield [f"{row.paper}. {row.title}", place, outputs, seconds.get(row.stem, "")]

    return _table(["exhibit", "program and line", "output", "seconds"], rows())


def _line_of_build(root: Path, row: Row) -> int:
    for node in _nodes(root / row.program, ast.FunctionDef):
        if node.name == "build":
            return int(node.lineno)
    raise ReplicationError(f"{row.program} has no function build")


def _times(record: Mapping[str, Any], project: Project) -> str:
    """Seconds by step, exhibits together, and the machine they were measured on."""
    exhibits = {row.id for row in project.rows}
    spent = {name: float(value) for name, value in record["seconds"].items()}
    together = sum(value for name, value in spent.items() if name in exhibits)
    slowest = sorted(exhibits, key=lambda name: (-spent[name], name))[:5]
    shown = {f"`{name}`": spent.get(name, 0.0) for name in ("data", "panels")}
    shown[f"{len(exhibits)} exhibits, one after the other"] = together
    shown |= {f"of these `{name}`": spent[name] for name in slowest}
    shown |= {f"`{name}`": spent.get(name, 0.0) for name in ("numbers", "paper", "verdict")}
    shown["all, on the cores used"] = float(record["seconds_in_all"])
    rows = ([name, _said(value)] for name, value in shown.items())
    versions = record["packages"]
    named = ", ".join(f"{name} {versions[name]}" for name in ("numpy", "scipy", "pandas"))
    about = (
        f"Measured in the last complete run: {record['system']}, {record['cores']} cores of which "
        f"{record.get('cores_used', 1)} used, one thread each, Python {record['python']}, {named}."
    )
    return f"{_table(['step', 'seconds'], rows)}\n{about}\n"


def _said(seconds: object) -> str:
    value = float(str(seconds))
    return f"{value:.0f}" if value >= 1.0 else "< 1"


def _nodes[Node: ast.AST](path: Path, kind: type[Node]) -> Iterator[Node]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, kind):
            yield node


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _numbers(calls: Sequence[ast.Call]) -> list[int]:
    return sorted({call.lineno for call in calls})


if __name__ == "__main__":
    raise SystemExit(main())
