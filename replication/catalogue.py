"""Read what the study consists of: config.toml (settings) and exhibits.toml (its exhibits)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from writing import ReplicationError

__all__ = ["Project", "Row", "load_project"]


@dataclass(frozen=True, slots=True)
class Row:
    """One exhibit as exhibits.toml declares it.

    `program` is a path from the repository's root, `inputs` are folders of data/raw, `outputs` and
    `reference` are paths from replication/, `compare` is a rule of comparison.
    """

    id: str
    paper: str
    title: str
    program: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    reference: tuple[str, ...]
    compare: str

    @property
    def stem(self) -> str:
        """Name of the program without its ending: `table_08_baseline`."""
        return Path(self.program).stem

    @property
    def home(self) -> str:
        """Folder of the exhibit's record: `tables` or `figures`."""
        return "figures" if self.id.startswith("figure") else "tables"

    @property
    def record(self) -> str:
        """Path of the exhibit's json, from replication/: title, finding and numbers."""
        return f"output/{self.home}/{self.id}.json"


@dataclass(frozen=True, slots=True)
class Project:
    """A checkout: its root, its settings and its exhibits in order."""

    root: Path
    config: dict[str, Any]
    rows: tuple[Row, ...]

    @property
    def replication(self) -> Path:
        """Folder of the study's programs and outputs."""
        return self.root / "replication"

    @property
    def output(self) -> Path:
        """Folder of the committed outputs."""
        return self.replication / "output"

    @property
    def derived(self) -> Path:
        """Folder of the analysis files, not committed."""
        return self.root / "data" / "derived"

    @property
    def paper(self) -> Path:
        """The paper that `replication/paper.py` builds."""
        return self.root / str(self.config["paths"]["paper"])

    @property
    def supplement(self) -> Path:
        """The supplement of the paper, beside it."""
        return self.paper.with_name("supplement.pdf")

    def program(self, row: Row) -> Path:
        """Return the script of an exhibit."""
        return self.root / row.program

    def outputs(self, row: Row) -> tuple[Path, ...]:
        """Return every file that an exhibit declares."""
        return tuple(self.replication / name for name in row.outputs)

    def find(self, name: str) -> Row:
        """Return the exhibit of an id (`table_08`), a stem or a script's path."""
        wanted = Path(name).stem
        for row in self.rows:
            if wanted in (row.id, row.stem):
                return row
        raise ReplicationError(
            f"exhibit {name!r} is not in exhibits.toml, which has "
            f"{', '.join(row.id for row in self.rows)}; choose one or add a row"
        )


def load_project(root: Path) -> Project:
    """Read both files of a checkout.

    Raises
    ------
    ReplicationError
        When a key is missing or unknown, or an id or an output stands twice.
    """
    folder = root / "replication"
    config = tomllib.loads((folder / "config.toml").read_text(encoding="utf-8"))
    listed = tomllib.loads((folder / "exhibits.toml").read_text(encoding="utf-8"))
    rows = tuple(_row(entry) for entry in listed.get("exhibit", []))
    _refuse_repeats("id", [row.id for row in rows])
    _refuse_repeats("output", [name for row in rows for name in row.outputs])
    return Project(root=root, config=config, rows=rows)


def _row(entry: dict[str, Any]) -> Row:
    name = entry.get("id", "without id")
    keys = {field.name for field in fields(Row)}
    if entry.keys() != keys:
        raise ReplicationError(
            f"exhibits.toml, exhibit {name}: missing {sorted(keys - entry.keys())}, "
            f"unknown {sorted(entry.keys() - keys)}; an entry has {sorted(keys)}"
        )
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()
    }
    if isinstance(values["reference"], str):
        values["reference"] = (values["reference"],)
    row = Row(**values)
    if row.record not in row.outputs:
        raise ReplicationError(f"exhibits.toml, exhibit {name}: add {row.record} to its outputs")
    return row


def _refuse_repeats(what: str, names: list[str]) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ReplicationError(f"exhibits.toml: {what} {', '.join(repeated)} stands twice")
