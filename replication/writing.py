"""Write files whose bytes depend on their content alone: rounding, csv, json, atomic renames."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "DIGITS",
    "ReplicationError",
    "combined",
    "csv_text",
    "json_text",
    "load_json",
    "part_of",
    "rounded",
    "sha256",
    "write",
]

DIGITS = 8  # significant digits of every float in an output


class ReplicationError(Exception):
    """An exhibit, a catalogue or an output that is not as declared."""


def write(path: Path, content: str | bytes) -> Path:
    """Write a file in one move, so that a reader never sees half of it; text has LF ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(part_of(path.name))
    part.write_bytes(content.encode() if isinstance(content, str) else content)
    os.replace(part, path)  # noqa: PTH105 - the one call that replaces on every system
    return path


def part_of(name: str) -> str:
    """Name of a file while it is being written; one that was cut off keeps it."""
    return f".{name}.part"


def sha256(path: Path) -> str:
    """Return the hexadecimal checksum of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def combined(paths: Iterable[Path], root: Path, head: str = "") -> str:
    """Return one checksum over a text and over names and contents of files below a root."""
    total = hashlib.sha256(head.encode())
    for path in sorted(set(paths)):
        state = sha256(path) if path.exists() else "absent"
        total.update(f"{state}  {path.relative_to(root).as_posix()}\n".encode())
    return total.hexdigest()


def csv_text(frame: pd.DataFrame, digits: int = DIGITS) -> str:
    """Write a frame as csv text; a named index comes first, a plain range index is left out.

    Floats have `digits` significant digits, missing values are empty, booleans are `true` and
    `false`, lines end with LF.
    """
    import pandas as pd  # here, so that processes which write no table start at once

    if frame.columns.nlevels > 1:
        raise ReplicationError(
            f"csv: columns of {frame.columns.nlevels} levels, such as {frame.columns[0]!r}; "
            "join them to one name per column"
        )
    labelled = any(name is not None for name in frame.index.names)
    table = frame.reset_index() if labelled else frame
    if not labelled and not isinstance(frame.index, pd.RangeIndex):
        raise ReplicationError(
            f"csv: an index without a name, beginning {frame.index[0]!r}; "
            "name it to keep it, or call reset_index(drop=True)"
        )
    missing = (None, pd.NA, pd.NaT)
    columns = [
        [
            "" if any(value is one for one in missing) else _cell(value, digits)
            for value in table.iloc[:, k]
        ]
        for k in range(table.shape[1])
    ]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([str(name) for name in table.columns])
    writer.writerows(zip(*columns, strict=True))
    return out.getvalue()


def _cell(value: object, digits: int) -> str:
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real):
        number = float(value)
        return "" if math.isnan(number) else format(number + 0.0, f".{digits}g")
    return str(value)


def rounded(value: object, name: str = "number", digits: int = DIGITS) -> object:
    """Round every float inside nested mappings and sequences, for json.

    Raises
    ------
    ReplicationError
        When a number is not finite or a value has no form in json; `name` says which one.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        if not math.isfinite(value):
            raise ReplicationError(f"{name} is {value}; leave it out or give a finite number")
        return float(format(float(value) + 0.0, f".{digits}g"))
    if isinstance(value, Mapping):
        return {str(key): rounded(item, f"{name}.{key}", digits) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [rounded(item, f"{name}.{k}", digits) for k, item in enumerate(value)]
    raise ReplicationError(f"{name} is a {type(value).__name__}; give a number or a text")


def json_text(value: object) -> str:
    """Write json with sorted keys and a last line end."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def load_json(path: Path) -> dict[str, object]:
    """Read a json object; a file that is absent is an empty one."""
    if not path.exists():
        return {}
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ReplicationError(f"{path.name}: a json object was expected; delete it and run again")
    return content
