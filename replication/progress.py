"""Say how a run goes: a live line in a terminal, plain lines elsewhere, and the log file."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import Progress as Live
from rich.progress import SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column

from steps import Step
from workers import Report

__all__ = ["Progress"]


class Progress:
    """Report each step to the console and to a log; remember its seconds and its outcome."""

    def __init__(
        self,
        total: int,
        log: Path,
        console: Console | None = None,
        changing: Callable[[], object] = lambda: None,
    ) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self.changing = changing
        self._console = console or Console(highlight=False)
        self._log = log.open("w", encoding="utf-8", newline="\n")
        self._total = total
        self._start = time.perf_counter()
        self._lines: dict[str, str] = {}
        self._at_work: dict[str, TaskID] = {}
        self._live: Live | None = None
        self._upcoming: Step | None = None
        self.seconds: dict[str, float] = {}
        self.outcomes: dict[str, str] = {}

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._still()
        self._log.close()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._start

    def say(self, text: str, style: str | None = None) -> None:
        """Print a line and log it."""
        self._console.print(text, style=style, markup=False, soft_wrap=True)
        self.note(text)

    def note(self, text: str) -> None:
        """Log a line without printing it."""
        self._log.write(text.rstrip("\n") + "\n")
        self._log.flush()

    def begin(self, step: Step, upcoming: Step | None) -> None:
        """Announce a step."""
        self._upcoming = upcoming
        self._lines[step.name] = f"step {len(self._lines) + 1} of {self._total} {step.name}"
        line = f"{self._lines[step.name]}: {step.title}"
        self.note(line)
        if self._console.is_terminal:
            self._show(step.name, f"{line} (next: {upcoming.name})" if upcoming else line)
        else:
            self._console.print(line, markup=False, soft_wrap=True)

    def end(self, step: Step, outcome: str, report: Report) -> None:
        """Report how a step ended, its warnings, and what comes next."""
        self._still(step.name)
        self.seconds[step.name] = round(report.seconds, 3)
        self.outcomes[step.name] = outcome
        took = f" in {report.seconds:.1f} s" if outcome in ("done", "failed") else ""
        after = f"; next: {self._upcoming.name}" if self._upcoming and outcome != "failed" else ""
        style = {"done": "green", "failed": "bold red"}.get(outcome, "dim")
        for text in report.warnings:
            self.say(f"{step.name}: warning: {text}", "yellow")
        so_far = f"{self.elapsed:.1f} s so far{after}"
        self.say(f"{self._lines[step.name]}: {outcome}{took} ({so_far})", style)

    def _show(self, name: str, line: str) -> None:
        """Keep a line alive at the foot of a terminal for every step at work, with its seconds."""
        if self._live is None:
            wide = Column(no_wrap=True, ratio=1)
            text = TextColumn("{task.description}", markup=False, table_column=wide)
            columns = (SpinnerColumn(), text, TimeElapsedColumn())
            self._live = Live(*columns, console=self._console, transient=True, expand=True)
            self._live.start()
        self._at_work[name] = self._live.add_task(line, total=None)

    def _still(self, name: str | None = None) -> None:
        """Take the line of a step away, or of all; the last one ends the display."""
        if self._live is None:
            return
        if name is not None and name in self._at_work:
            self._live.remove_task(self._at_work.pop(name))
        if name is None or not self._at_work:
            self._at_work.clear()
            self._live.stop()
            self._live = None
