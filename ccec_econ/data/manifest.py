"""The manifest: one checksum per bundled file, so that a changed figure cannot pass unseen."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ccec_econ.data.store import data_dir
from ccec_econ.errors import DataError, first_five

__all__ = ["verify_manifest", "write_manifest"]

_NAME = "MANIFEST.sha256"
_LISTED_BESIDE_RAW = ("LICENSES.md", "codebook.csv")


def verify_manifest(folder: Path | None = None) -> None:
    """Compare every bundled file with its checksum.

    Parameters
    ----------
    folder : Path, optional
        The data folder; the bundled one by default.

    Raises
    ------
    DataError
        If the manifest is absent, or a file is changed, missing or not listed. The message
        names the files.
    """
    folder = data_dir() if folder is None else folder
    listed = _read(folder / _NAME)
    present = {path: _digest(folder / path) for path in _covered(folder)}
    faults = {
        "changed": sorted(p for p in listed if p in present and listed[p] != present[p]),
        "missing": sorted(listed.keys() - present.keys()),
        "not listed": sorted(present.keys() - listed.keys()),
    }
    if any(faults.values()):
        seen = "; ".join(f"{kind}: {first_five(paths)}" for kind, paths in faults.items() if paths)
        raise DataError(
            f"data manifest does not hold - {seen}; restore the files, or if the change is "
            "meant run `python -m ccec_econ.data manifest` and say why in the change log."
        )


def write_manifest(folder: Path | None = None) -> Path:
    """Write the manifest anew (``sha256sum`` format, sorted) and return its path."""
    folder = data_dir() if folder is None else folder
    lines = [f"{_digest(folder / path)}  {path}\n" for path in _covered(folder)]
    target = folder / _NAME
    target.write_text("".join(lines), encoding="utf-8", newline="\n")
    return target


def _covered(folder: Path) -> list[str]:
    """List the files that the manifest answers for, as paths below the folder."""
    raw = [path for path in (folder / "raw").rglob("*") if path.is_file()]
    beside = [folder / name for name in _LISTED_BESIDE_RAW if (folder / name).is_file()]
    return sorted(path.relative_to(folder).as_posix() for path in [*raw, *beside])


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read(path: Path) -> dict[str, str]:
    if not path.is_file():
        raise DataError(
            f"data manifest: {path.name} not found in {path.parent}; restore it, or run "
            "`python -m ccec_econ.data manifest` to write it anew."
        )
    rows = [line.split("  ", 1) for line in path.read_text(encoding="utf-8").splitlines() if line]
    broken = [" ".join(row) for row in rows if len(row) != 2]
    if broken:
        raise DataError(
            f"data manifest: {len(broken)} lines are not 'checksum  path' "
            f"({first_five(broken)}); restore the file."
        )
    return {name: digest for digest, name in rows}
