"""Attempt tasks here or in processes of their own; no process outlives the one that started it."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from types import TracebackType

__all__ = ["Report", "Task", "Worker", "Workers", "attempt", "prepare"]

Task = Callable[[], object]
_FORKS = sys.platform == "linux"  # elsewhere libraries do not bear to be forked, or nothing forks
_CONTEXT = multiprocessing.get_context("forkserver" if _FORKS else "spawn")


@dataclass(frozen=True, slots=True)
class Report:
    """How a task went: its seconds, its warnings, and what it raised with the traceback."""

    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    error: str = ""
    trace: str = ""


def attempt(task: Task) -> Report:
    """Run a task, hear its warnings and catch what it raises; an interrupt passes through."""
    told: list[str] = []

    def show(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        told.append(f"{category.__name__}: {message}")

    error = trace = ""
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.showwarning = show
        try:
            task()
        except (Exception, SystemExit) as raised:
            error = f"{type(raised).__name__}: {raised}"
            trace = "".join(traceback.format_exception(raised))
    return Report(time.perf_counter() - start, tuple(told), error, trace)


def prepare(modules: Iterable[str]) -> None:
    """Begin to import what workers will need, beside what this process does in the meantime.

    One process imports the modules and forks the workers; where that is not safe, each imports for
    itself, when it first needs them.
    """
    if _FORKS:
        forkserver.set_forkserver_preload(list(modules))
        with _interrupts_held():
            forkserver.ensure_running()


class Worker:
    """A process that does one task after the other."""

    def __init__(self) -> None:
        self.line, far = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=_serve, args=(far,), daemon=True)
        with _interrupts_held():
            self._process.start()
        far.close()

    def give(self, task: Task) -> None:
        """Hand over a task; whatever it is made of must pickle."""
        try:
            self.line.send_bytes(pickle.dumps(task))
        except OSError:
            return  # the process is gone; `take` says so

    def take(self) -> Report:
        """Return the report of the task in hand, or say that the process died over it."""
        try:
            report: Report = self.line.recv()
        except (EOFError, OSError):
            self._process.join()
            error = (
                f"its process ended with code {self._process.exitcode}; when the system kills "
                "it for want of memory, run with fewer cores: CORES=1"
            )
            return Report(error=error, trace=error)
        return report

    def end(self) -> None:
        """End the process, in the middle of a task if need be."""
        self._process.kill()
        self._process.join()
        self.line.close()


class Workers:
    """A number of workers; all have ended when the `with` block is left."""

    def __init__(self, size: int) -> None:
        self.all: list[Worker] = []
        try:
            for _ in range(size):
                self.all.append(Worker())
        except BaseException:
            self.end()
            raise

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def end(self) -> None:
        """End every process."""
        for worker in self.all:
            worker.end()

    def ready(self, busy: list[Worker]) -> list[Worker]:
        """Wait until at least one of the busy workers has a report, and return those."""
        heard = wait([worker.line for worker in busy])
        return [worker for worker in busy if worker.line in heard]


def _serve(line: Connection) -> None:
    """Do the tasks that come down the line, until it is closed."""
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    while True:
        try:
            given = line.recv_bytes()
        except EOFError:
            return
        line.send(attempt(lambda given=given: pickle.loads(given)()))


def _leave_with_parent() -> None:
    """End this process at once when the one that started it is gone."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Start processes that never see Ctrl-C: the parent hears it and ends them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
