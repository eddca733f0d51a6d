"""Repeated computations, on as many cores or machines as the caller has chosen.

Bootstraps, permutations, simulations, leave-one-out and blocks of periods all pass through
`spread`. It runs on one core unless joblib says otherwise:

    with joblib.parallel_config(n_jobs=2):
        fit.bootstrap()

also with ``backend="dask"`` on a cluster. What is random is drawn before the work is spread, or
comes from a generator spawned per piece, so results do not depend on the number of workers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor
from itertools import batched
from typing import Any

from joblib import Parallel, delayed, effective_n_jobs

__all__ = ["LostWorkerError", "in_turn", "spread"]


class LostWorkerError(RuntimeError):
    """A worker ended without a result.

    Attributes
    ----------
    pieces : tuple
        Those that were out at the time.
    """

    def __init__(self, pieces: tuple[Any, ...]) -> None:
        super().__init__(f"a worker was lost with one of the pieces {pieces}")
        self.pieces = pieces


def spread[Piece, Result](
    function: Callable[[Piece], Result], pieces: Iterable[Piece]
) -> list[Result]:
    """Apply a function to every piece and return the results in the order of the pieces.

    Parameters
    ----------
    function : callable
        Of one piece; together with its arguments it must pickle when workers are processes.
    pieces : iterable

    Examples
    --------
    >>> spread(abs, [-1, 2, -3])
    [1, 2, 3]
    """
    return list(Parallel()(delayed(function)(piece) for piece in pieces))


def in_turn[Piece, Result](
    function: Callable[[Piece], Result], pieces: Iterable[Piece]
) -> Iterator[Result]:
    """Apply a function to as many pieces at a time as there are workers, and yield the results.

    As `spread`, where results are too large to hold all of them. On a Dask cluster a function with
    data says how large it is by ``__sizeof__`` and is sent once for all pieces of a turn.

    Raises
    ------
    LostWorkerError
        If a worker dies.

    Examples
    --------
    >>> list(in_turn(abs, [-1, 2, -3]))
    [1, 2, 3]
    """
    for turn in batched(pieces, effective_n_jobs()):
        try:
            results = Parallel()(delayed(_applied)(function, piece) for piece in turn)
        except Exception as error:
            if isinstance(error, BrokenExecutor) or type(error).__name__ == "KilledWorker":
                raise LostWorkerError(turn) from error
            raise
        yield from results


def _applied[Piece, Result](function: Callable[[Piece], Result], piece: Piece) -> Result:
    return function(piece)
