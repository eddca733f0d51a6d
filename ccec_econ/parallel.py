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
from joblib.parallel import get_active_backend

__all__ = ["LostWorkerError", "in_turn", "spread"]

_LOST = ("KilledWorker", "CancelledError", "FutureCancelledError")  # what Dask says of dead workers


class LostWorkerError(RuntimeError):
    """A worker ended without a result.

    Attributes
    ----------
    pieces : iterable
        What was spread when it happened.
    """

    def __init__(self, pieces: Iterable[Any]) -> None:
        super().__init__(
            "a worker died and left no result; too little memory is the usual cause: use fewer "
            "workers."
        )
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

    Raises
    ------
    LostWorkerError
        If a worker dies.

    Examples
    --------
    >>> spread(abs, [-1, 2, -3])
    [1, 2, 3]
    """
    backend, _ = get_active_backend()
    client = getattr(backend, "client", None)
    try:
        if client is not None:
            return _on_cluster(client, function, list(pieces))
        return list(Parallel()(delayed(function)(piece) for piece in pieces))
    except Exception as error:
        if isinstance(error, BrokenExecutor) or type(error).__name__ in _LOST:
            raise LostWorkerError(pieces) from error
        raise


def in_turn[Piece, Result](
    function: Callable[[Piece], Result], pieces: Iterable[Piece]
) -> Iterator[Result]:
    """Apply a function to as many pieces at a time as there are workers, and yield the results.

    As `spread`, where results are too large to hold all of them.

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
        yield from spread(function, turn)


def _on_cluster[Piece, Result](
    client: Any, function: Callable[[Piece], Result], pieces: list[Piece]
) -> list[Result]:
    """Send the function to every machine once, then the pieces.

    By Dask itself: joblib's backend waits for ever for a worker that has died.
    """
    shared = client.scatter(function, broadcast=True, hash=False)
    futures = client.map(_applied, [shared] * len(pieces), pieces, pure=False)
    return list(client.gather(futures))


def _applied[Piece, Result](function: Callable[[Piece], Result], piece: Piece) -> Result:
    return function(piece)
