"""Progress of passes over the blocks: told to a function, or shown as a bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ccec_econ.errors import FormulaError

__all__ = ["Progress", "shown", "silent"]

type Progress = Callable[[int, int], None]
"""Called with blocks done and blocks in all."""


@contextmanager
def shown(progress: Progress | bool) -> Iterator[Progress]:
    """Give what passes tell their progress to.

    Raises
    ------
    FormulaError
        If `progress` is neither true, false nor a function, or true without rich.
    """
    if callable(progress):
        yield progress
    elif not isinstance(progress, bool):
        raise FormulaError(
            f"progress of type {type(progress).__name__}: give True for a bar, or a function of "
            "blocks done and blocks in all."
        )
    elif not progress:
        yield silent
    else:
        with _bar() as tell:
            yield tell


@contextmanager
def _bar() -> Iterator[Progress]:
    try:
        from rich import progress as rich
    except ImportError as error:
        raise FormulaError(
            "progress=True draws its bar with rich, which is not installed: pip install rich, or "
            "give a function of blocks done and blocks in all."
        ) from error
    parts = (*rich.Progress.get_default_columns()[:2], rich.MofNCompleteColumn())
    with rich.Progress(*parts, rich.TimeElapsedColumn()) as bar:
        passes: list[rich.TaskID] = []

        def tell(done: int, total: int) -> None:
            if not passes or bar.tasks[-1].finished:
                passes.append(bar.add_task(f"blocks, pass {len(passes) + 1}", total=total))
            bar.update(passes[-1], completed=done)

        yield tell


def silent(done: int, total: int) -> None:
    """Tell nobody."""
