"""Write output/index.html: every exhibit, its verdict and its sources in one file, for a browser.

The page needs no network and no other file to be read; its links lead to the files beside it.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from catalogue import Project
from judge import Verdict, overall
from writing import load_json, write

__all__ = ["write_page"]

TEMPLATES = Path(__file__).resolve().parent / "templates"
DOWNLOADS = (".csv", ".tex", ".typ", ".svg", ".png")


def write_page(project: Project, verdicts: Sequence[Verdict]) -> Path:
    """Write the page and return its path; its bytes depend on the outputs alone."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    text = environment.get_template("index.html.j2").render(
        study=project.config["study"],
        overall=overall(verdicts),
        paper=_link(project, project.paper) if project.paper.exists() else None,
        supplement=_link(project, project.supplement) if project.supplement.exists() else None,
        exhibits=[_exhibit(project, verdict) for verdict in verdicts],
    )
    return write(project.output / "index.html", text)


def _exhibit(project: Project, verdict: Verdict) -> dict[str, object]:
    """Return what the template shows of one exhibit."""
    row = verdict.row
    made = [path for path in project.outputs(row) if path.exists()]
    found = verdict.comparison
    return {
        "row": row,
        "outcome": verdict.outcome,
        "state": _state(verdict),
        "finding": verdict.finding,
        "problems": verdict.problems,
        "cells": found.cells if found else 0,
        "matched": found.matched if found else 0,
        "listed": found.listed if found else (),
        "tables": [_table(path) for path in made if path.suffix == ".html"],
        "figures": [_data_uri(path) for path in made if path.suffix == ".svg"],
        "numbers": _flat(load_json(project.record(row)).get("numbers", {})),
        "program": _link(project, project.program(row)),
        "sources": [_source(project, name) for name in row.inputs],
        "downloads": [
            {"name": path.name, "link": _link(project, path)}
            for path in made
            if path.suffix in DOWNLOADS
        ],
    }


def _table(path: Path) -> dict[str, str]:
    """Return a table and the name that the paper gives it, which its Typst file holds."""
    typst = path.with_suffix(".typ")
    found = re.search(r'numbering: _ => "(.+)"', typst.read_text("utf-8") if typst.exists() else "")
    return {"name": f"Table {found[1]}: " if found else "", "text": path.read_text("utf-8")}


def _state(verdict: Verdict) -> str:
    if not verdict.passes:
        return "bad"
    return "good" if verdict.outcome == "reproduced" else "listed"


def _source(project: Project, name: str) -> dict[str, str]:
    """Name a source by the heading of its SOURCE.md, or by its folder."""
    page = project.root / "data" / "raw" / name / "SOURCE.md"
    lines = page.read_text(encoding="utf-8").splitlines() if page.exists() else []
    heading = next((line[2:].strip() for line in lines if line.startswith("# ")), "")
    return {"name": heading or name.replace("_", " "), "link": _link(project, page)}


def _flat(numbers: object, name: str = "") -> list[tuple[str, object]]:
    """List nested numbers by dotted name."""
    if not isinstance(numbers, dict):
        return [(name, numbers)]
    parts = [_flat(item, f"{name}.{key}" if name else str(key)) for key, item in numbers.items()]
    return [pair for part in parts for pair in part]


def _data_uri(path: Path) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(path.read_bytes()).decode()}"


def _link(project: Project, path: Path) -> str:
    return Path(os.path.relpath(path, project.output)).as_posix()
