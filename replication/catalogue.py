"""Read what the study consists of: config.toml (settings) and exhibits.toml (its exhibits)."""

from __future__ import annotations

import re
import tomllib
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from string import ascii_lowercase
from typing import Any

from writing import ReplicationError

__all__ = ["Project", "Row", "load_project"]

# "Table 4Ab" or "4Ab": the part b of the exhibit 4A.
_PLACE = re.compile(
    r"(?:(?P<kind>(?i:table|figure))[\s_]+)?0*(?P<number>\d+[A-Z]?)(?P<part>[a-z]?)"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One exhibit as exhibits.toml declares it.

    `program` is a path from the repository's root, `inputs` are folders of data/raw, `outputs` and
    `reference` are paths from replication/, `compare` is a rule of comparison. `seconds` is about
    how long it takes; `follows` names an exhibit whose computations it uses, if in one process.
    """

    id: str
    paper: str
    title: str
    program: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    reference: tuple[str, ...]
    compare: str
    seconds: float = 0.0
    follows: str | None = None

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

    @property
    def names(self) -> frozenset[str]:
        """What the exhibit may be called beside its place in the paper: id or program."""
        return frozenset({_plain(self.id), _plain(self.stem)})

    @property
    def letters(self) -> str:
        """Letters of its parts: `abcde` of Table 4 with Tables 4b to 4e; none if it is whole."""
        tables = sum(name.endswith(".typ") for name in self.outputs)
        return ascii_lowercase[:tables] if tables > 1 else ""


@dataclass(frozen=True, slots=True)
class Project:
    """A checkout: its root, its settings and its exhibits in order.

    A smoke run has fewer draws and writes below `made`, a folder that is not committed.
    """

    root: Path
    config: dict[str, Any]
    rows: tuple[Row, ...]
    smoke: bool = False

    @property
    def replication(self) -> Path:
        """Folder of the study's programs and accepted numbers."""
        return self.root / "replication"

    @property
    def cache(self) -> Path:
        """Folder of what runs leave for later ones, not committed."""
        return self.replication / ".cache"

    @property
    def made(self) -> Path:
        """Root of what is written: the checkout itself, or a folder with the same shape."""
        return self.cache / "smoke" if self.smoke else self.root

    @property
    def output(self) -> Path:
        """Folder of the outputs; those of the checkout are committed."""
        return self.made / "replication" / "output"

    @property
    def derived(self) -> Path:
        """Folder of the analysis files, not committed."""
        return self.made / "data" / "derived"

    @property
    def paper(self) -> Path:
        """The paper that `replication/paper.py` builds."""
        return self.made / str(self.config["paths"]["paper"])

    def record(self, row: Row) -> Path:
        """Return the json of an exhibit."""
        return self.made / "replication" / row.record

    @property
    def supplement(self) -> Path:
        """The supplement of the paper, beside it."""
        return self.paper.with_name("supplement.pdf")

    def program(self, row: Row) -> Path:
        """Return the script of an exhibit."""
        return self.root / row.program

    def outputs(self, row: Row) -> tuple[Path, ...]:
        """Return every file that an exhibit declares."""
        return tuple(self.made / "replication" / name for name in row.outputs)

    def find(self, name: str) -> Row:
        """Return the exhibit of an id (`table_08`), a script, or a place in the paper (`13A`).

        A place has the letters of the paper: `4B` is an exhibit, `4b` a part of Table 4.

        Raises
        ------
        ReplicationError
            When there is none, or the exhibit has no such part.
        """
        wanted = Path(name).stem
        found = next((row for row in self.rows if _plain(wanted) in row.names), None)
        found = found or self._at_place(wanted)
        if found is None:
            raise ReplicationError(
                f"exhibit {name!r} is not in exhibits.toml, which has "
                f"{', '.join(row.id for row in self.rows)}; choose one or add a row (capital "
                "letters are exhibits, 4B; small ones parts of one, 4b)"
            )
        return found

    def _at_place(self, name: str) -> Row | None:
        """Return the exhibit at a place, or the one that the place is a part of."""
        place = _PLACE.fullmatch(name.strip())
        if place is None:
            return None
        paper = f"{(place['kind'] or 'table').capitalize()} {place['number']}"
        row = next((row for row in self.rows if row.paper == paper), None)
        if row is not None and place["part"] not in row.letters:
            has = f"it has {', '.join(row.letters)}" if row.letters else "it is whole"
            raise ReplicationError(
                f"{paper} has no part {place['part']}: {has}; an exhibit of its own has a capital "
                f"letter, as {place['number']}{place['part'].upper()}"
            )
        return row


def load_project(root: Path, *, smoke: bool = False) -> Project:
    """Read both files of a checkout; a smoke run takes the settings of `[smoke]` over the others.

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
    _refuse_followers(rows)
    over = config.pop("smoke", {})
    return Project(root, _overlaid(config, over) if smoke else config, rows, smoke)


def _plain(name: str) -> str:
    """Bring a name to one form: "Table 8" and `table_08` are `table_8`."""
    words = re.split(r"[\s_]+", name.strip().lower())
    return "_".join(re.sub(r"^0+(?=\d)", "", word) for word in words)


def _overlaid(config: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Replace settings, table by table.

    Raises
    ------
    ReplicationError
        When a setting has no counterpart, since it would change nothing.
    """
    strangers = sorted(over.keys() - config.keys())
    if strangers:
        raise ReplicationError(
            f"config.toml, [smoke]: {', '.join(strangers)} stands for no setting; remove it or "
            "name it as the setting that it replaces"
        )
    nested = {name for name, value in over.items() if isinstance(value, dict)}
    deeper = {name: _overlaid(config[name], over[name]) for name in nested}
    return config | over | deeper


def _refuse_followers(rows: tuple[Row, ...]) -> None:
    ids = {row.id for row in rows}
    for row in rows:
        if row.follows is not None and row.follows not in ids - {row.id}:
            raise ReplicationError(
                f"exhibits.toml, exhibit {row.id}: follows {row.follows!r}, no other exhibit"
            )


def _row(entry: dict[str, Any]) -> Row:
    name = entry.get("id", "without id")
    keys = {field.name for field in fields(Row)}
    needed = {field.name for field in fields(Row) if field.default is MISSING}
    if not needed <= entry.keys() <= keys:
        raise ReplicationError(
            f"exhibits.toml, exhibit {name}: missing {sorted(needed - entry.keys())}, "
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
