"""Say how a run goes: a live line in a terminal, plain lines elsewhere, and the log file."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import Progress as Live
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column

from steps import Step

__all__ = ["Progress"]


class Progress:
    """Report each step to the console and to a log; remember its seconds and its outcome."""

    def __init__(self, total: int, log: Path, console: Console | None = None) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self._console = console or Console(highlight=False)
        self._log = log.open("w", encoding="utf-8", newline="\n")
        self._total = total
        self._number = 0
        self._start = self._begun = time.perf_counter()
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
        self._number += 1
        self._upcoming = upcoming
        self._begun = time.perf_counter()
        line = f"{self._place()} {step.name}: {step.title}"
        self.note(line)
        if self._console.is_terminal:
            self._show(f"{line} (next: {upcoming.name})" if upcoming else line)
        else:
            self._console.print(line, markup=False, soft_wrap=True)

    def end(self, step: Step, outcome: str) -> None:
        """Report how a step ended and what comes next."""
        self._still()
        now = time.perf_counter()
        self.seconds[step.name] = round(now - self._begun, 3)
        self.outcomes[step.name] = outcome
        took = f" in {now - self._begun:.1f} s" if outcome != "unchanged" else ""
        after = f"; next: {self._upcoming.name}" if self._upcoming and outcome != "failed" else ""
        style = {"done": "green", "failed": "bold red"}.get(outcome, "dim")
        so_far = f"{now - self._start:.1f} s so far{after}"
        self.say(f"{self._place()} {step.name}: {outcome}{took} ({so_far})", style)

    def _place(self) -> str:
        return f"step {self._number} of {self._total}"

    def _show(self, line: str) -> None:
        """Keep one line alive at the foot of a terminal, with the seconds of the step."""
        wide = Column(no_wrap=True, ratio=1)
        text = TextColumn("{task.description}", markup=False, table_column=wide)
        columns = (SpinnerColumn(), text, TimeElapsedColumn())
        self._live = Live(*columns, console=self._console, transient=True, expand=True)
        self._live.add_task(line, total=None)
        self._live.start()

    def _still(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
