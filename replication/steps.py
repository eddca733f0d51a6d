"""Run ordered steps, each skipped while what it reads and what it wrote are unchanged."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from writing import ReplicationError, combined, json_text, load_json, sha256, write

__all__ = ["Listener", "Memory", "Step", "StepError", "execute", "fingerprint"]


class StepError(ReplicationError):
    """A step that did not finish; the cause says why."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it does, what it reads and what it writes.

    `inputs` is asked when the step's turn comes, for it may name files that earlier steps write.
    A step without `inputs` is never skipped. `identity` is text that counts as input.
    """

    name: str
    title: str
    action: Callable[[], object]
    outputs: tuple[Path, ...] = ()
    inputs: Callable[[], Iterable[Path]] | None = None
    identity: str = ""


class Listener(Protocol):
    """What hears of a run's progress."""

    def begin(self, step: Step, upcoming: Step | None) -> None:
        """Hear that a step starts, and which one follows it."""

    def end(self, step: Step, outcome: str) -> None:
        """Hear how a step ended: `done`, `unchanged` or `failed`."""


class Memory:
    """Fingerprints of finished steps and checksums of their outputs, in one json file."""

    def __init__(self, path: Path, root: Path) -> None:
        self._path = path
        self._root = root

    def holds(self, step: Step, print_: str) -> bool:
        """Tell whether the step ran with this fingerprint and left the files that stand there."""
        entry = load_json(self._path).get(step.name)
        if not isinstance(entry, dict) or entry.get("fingerprint") != print_:
            return False
        return entry.get("outputs") == self._checksums(step)

    def keep(self, step: Step, print_: str) -> None:
        """Remember a finished step."""
        entry = {"fingerprint": print_, "outputs": self._checksums(step)}
        write(self._path, json_text(load_json(self._path) | {step.name: entry}))

    def forget(self, step: Step) -> None:
        """Drop what is known of a step."""
        known = load_json(self._path)
        if known.pop(step.name, None) is not None:
            write(self._path, json_text(known))

    def _checksums(self, step: Step) -> dict[str, str]:
        return {
            path.relative_to(self._root).as_posix(): sha256(path) if path.exists() else "absent"
            for path in step.outputs
        }


def fingerprint(step: Step, root: Path) -> str:
    """Return one checksum over Python's version, the step's identity and its input files."""
    head = f"{sys.version_info[:3]}\n{step.identity}\n"
    return combined(step.inputs() if step.inputs else (), root, head)


def execute(
    steps: Iterable[Step], memory: Memory, root: Path, listener: Listener, *, force: bool = False
) -> None:
    """Run the steps in order and stop at the first that fails.

    The outputs of a step are deleted before it runs, so that a failure leaves no old file behind.

    Raises
    ------
    StepError
        Naming the step; its ``__cause__`` is the error.
    """
    ordered = list(steps)
    for step, upcoming in zip(ordered, [*ordered[1:], None], strict=True):
        listener.begin(step, upcoming)
        print_ = fingerprint(step, root) if step.inputs else ""
        if print_ and not force and memory.holds(step, print_):
            listener.end(step, "unchanged")
            continue
        try:
            _perform(step, memory)
        except (Exception, SystemExit) as error:
            listener.end(step, "failed")
            raise StepError(f"{step.name} failed: {type(error).__name__}: {error}") from error
        if print_:
            memory.keep(step, print_)
        listener.end(step, "done")


def _perform(step: Step, memory: Memory) -> None:
    memory.forget(step)
    for path in step.outputs:
        path.unlink(missing_ok=True)
    step.action()
    absent = [path.name for path in step.outputs if not path.exists()]
    if absent:
        raise ReplicationError(f"did not write {', '.join(absent)}")
