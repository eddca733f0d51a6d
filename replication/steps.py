"""Run ordered steps, each skipped while what it reads and what it wrote are unchanged.

Neighbours that do not need each other are made side by side, in as many processes as asked for.
Only the process that started them decides, deletes and remembers.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Protocol

from workers import Report, Worker, Workers, attempt
from writing import ReplicationError, combined, json_text, load_json, sha256, write

__all__ = ["Listener", "Memory", "Step", "StepError", "execute", "fingerprint"]


class StepError(ReplicationError):
    """A step that did not finish: its name, and the traceback of what it raised."""

    def __init__(self, step: str, report: Report) -> None:
        super().__init__(f"{step} failed: {report.error}")
        self.step = step
        self.trace = report.trace


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it does, what it reads and what it writes.

    `inputs` is asked when the step's turn comes, for it may name files that earlier steps write.
    A step without `inputs` is never skipped. `identity` is text that counts as input. A step that
    is `apart` needs no neighbour that is apart, too; its action must pickle. It may name one whose
    process it `follows`, since what that one computed is kept there. `seconds` is about how long
    it takes, for the order when nothing is remembered.
    """

    name: str
    title: str
    action: Callable[[], object]
    outputs: tuple[Path, ...] = ()
    inputs: Callable[[], Iterable[Path]] | None = None
    identity: str = ""
    apart: bool = False
    follows: str | None = None
    seconds: float = 0.0


class Listener(Protocol):
    """What hears of a run's progress."""

    def begin(self, step: Step, upcoming: Step | None) -> None:
        """Hear that a step starts, and which one follows it, where one alone does."""

    def changing(self) -> None:
        """Hear that files of an earlier run are about to be deleted."""

    def end(self, step: Step, outcome: str, report: Report) -> None:
        """Hear how a step ended: `done`, `unchanged`, `failed` or `stopped`."""


class Memory:
    """Fingerprints and seconds of finished steps, checksums of their outputs, in one json file."""

    def __init__(self, path: Path, root: Path) -> None:
        self._path = path
        self._root = root

    def holds(self, step: Step, print_: str) -> bool:
        """Tell whether the step ran with this fingerprint and left the files that stand there."""
        entry = self._entry(step)
        return entry.get("fingerprint") == print_ and entry.get("outputs") == self._checksums(step)

    def keep(self, step: Step, print_: str, seconds: float) -> None:
        """Remember a finished step."""
        entry = {"fingerprint": print_, "outputs": self._checksums(step)}
        self._write(step, entry | {"seconds": round(seconds, 3)})

    def forget(self, step: Step) -> None:
        """Drop what is known of a step but for its seconds."""
        known = self._entry(step)
        if known.keys() - {"seconds"}:
            self._write(step, {name: known[name] for name in ("seconds",) if name in known})

    def seconds(self, step: Step) -> float:
        """Return how long the step took when it last finished, or about how long it should."""
        took = self._entry(step).get("seconds")
        return float(took) if isinstance(took, int | float) else step.seconds

    def _entry(self, step: Step) -> dict[str, object]:
        entry = self._known().get(step.name)
        return entry if isinstance(entry, dict) else {}

    def _known(self) -> dict[str, object]:
        """Read the file; one that is spoilt says nothing, so that every step is made again."""
        try:
            return load_json(self._path)
        except (ReplicationError, json.JSONDecodeError, UnicodeDecodeError):
            return {}

    def _write(self, step: Step, entry: dict[str, object]) -> None:
        write(self._path, json_text(self._known() | {step.name: entry}))

    def _checksums(self, step: Step) -> dict[str, str]:
        return {
            path.relative_to(self._root).as_posix(): sha256(path) if path.exists() else "absent"
            for path in step.outputs
        }


def fingerprint(step: Step, root: Path) -> str:
    """Return one checksum over Python's version, the step's identity and its input files."""
    head = f"{sys.version_info[:3]}\n{step.identity}\n"
    return combined(step.inputs() if step.inputs else (), root, head)


@dataclass(frozen=True, slots=True)
class _Run:
    """What the steps of one run share."""

    memory: Memory
    root: Path
    listener: Listener
    force: bool

    def unchanged(self, step: Step, print_: str, upcoming: Step | None = None) -> bool:
        """Tell whether a step can be skipped, and say so if it can."""
        if not print_ or self.force or not self.memory.holds(step, print_):
            return False
        self.listener.begin(step, upcoming)
        self.listener.end(step, "unchanged", Report())
        return True

    def here(self, step: Step, print_: str, upcoming: Step | None = None) -> None:
        """Make a step in this process."""
        self.start(step, upcoming)
        try:
            report = attempt(step.action)
        except BaseException:
            self.listener.end(step, "stopped", Report())
            raise
        self.finish(step, print_, report)

    def start(self, step: Step, upcoming: Step | None = None) -> None:
        """Announce a step, forget it and delete its outputs: a failure leaves no old file."""
        self.listener.begin(step, upcoming)
        if step.outputs:
            self.listener.changing()
        self.memory.forget(step)
        for path in step.outputs:
            path.unlink(missing_ok=True)

    def finish(self, step: Step, print_: str, report: Report) -> None:
        """Remember a step that did what it declares; raise StepError for another."""
        absent = [path.name for path in step.outputs if not path.exists()]
        if absent and not report.error:
            error = f"ReplicationError: did not write {', '.join(absent)}"
            report = Report(report.seconds, report.warnings, error, error)
        if report.error:
            self.listener.end(step, "failed", report)
            raise StepError(step.name, report)
        if print_:
            self.memory.keep(step, print_, report.seconds)
        self.listener.end(step, "done", report)


def execute(
    steps: Iterable[Step],
    memory: Memory,
    root: Path,
    listener: Listener,
    *,
    force: bool = False,
    cores: int = 1,
) -> None:
    """Run the steps in order and stop at the first that fails.

    With several `cores`, neighbours that are `apart` are made side by side, the longest first.
    When one fails or the run is interrupted, those still at work are ended and are not remembered.

    Raises
    ------
    StepError
        Naming the step that failed.
    """
    run = _Run(memory, root, listener, force)
    ordered = list(steps)
    after = dict(zip([step.name for step in ordered], [*ordered[1:], None], strict=True))
    for apart, group in groupby(ordered, key=lambda step: step.apart):
        if apart and cores > 1:
            _side_by_side(list(group), run, cores)
            continue
        for step in group:
            print_ = fingerprint(step, root) if step.inputs else ""
            if not run.unchanged(step, print_, after[step.name]):
                run.here(step, print_, after[step.name])


def _side_by_side(steps: Sequence[Step], run: _Run, cores: int) -> None:
    prints = {step.name: fingerprint(step, run.root) if step.inputs else "" for step in steps}
    waiting = [step for step in steps if not run.unchanged(step, prints[step.name])]
    if len(waiting) == 1:
        run.here(waiting[0], prints[waiting[0].name])
        return
    waiting.sort(key=run.memory.seconds, reverse=True)  # so that no long one is left at the end
    at_work: dict[Worker, Step] = {}
    try:
        with Workers(min(cores, len(waiting))) as workers:
            last: dict[Worker, Step | None] = dict.fromkeys(workers.all)
            while waiting or at_work:
                for worker in sorted(workers.all, key=lambda one: not _own(waiting, last[one])):
                    step = None if worker in at_work else _choose(waiting, at_work, last[worker])
                    if step is not None:
                        waiting.remove(step)
                        at_work[worker] = last[worker] = step
                        run.start(step)
                        worker.give(step.action)
                for worker in workers.ready(list(at_work)):
                    report = worker.take()
                    step = at_work.pop(worker)
                    run.finish(step, prints[step.name], report)
    except BaseException:
        for step in at_work.values():
            run.listener.end(step, "stopped", Report())
        raise


def _own(waiting: Sequence[Step], last: Step | None) -> list[Step]:
    """List the steps that follow the one a worker made last."""
    return [step for step in waiting if last is not None and step.follows == last.name]


def _choose(waiting: Sequence[Step], at_work: dict[Worker, Step], last: Step | None) -> Step | None:
    """Return the next step for a worker: one that follows its last, else the longest free one."""
    unmade = {step.name for step in (*waiting, *at_work.values())}
    free = [step for step in waiting if step.follows not in unmade]
    return next(iter(_own(waiting, last) or free), None)
