"""One run at a time in a checkout, and nothing half-written left by an earlier one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from writing import ReplicationError, part_of

try:
    import fcntl
except ImportError:  # not a POSIX system; there nothing hinders a second run
    fcntl = None  # type: ignore[assignment]

__all__ = ["alone", "sweep"]


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the lock at a path; the system lets go of it however the process ends.

    Raises
    ------
    ReplicationError
        When another process holds it, or the folder cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w", encoding="utf-8")
    except OSError as error:
        raise ReplicationError(
            f"{path.parent}: {error.strerror}; the study writes into its own folder, so copy it to "
            "a place where you may write, or make that folder writable"
        ) from error
    with file:
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ReplicationError(
                "another run is at work in this folder; wait for it or end it"
            ) from error
        yield


def sweep(folders: Iterable[Path]) -> list[Path]:
    """Remove what `write` had begun when a run was cut off, and return the paths."""
    found = [path for folder in folders for path in folder.rglob(part_of("*")) if path.is_file()]
    for path in found:
        path.unlink()
    return found
