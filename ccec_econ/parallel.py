"""Repeated computations, on as many cores or machines as the caller has chosen.

Bootstraps, permutations, simulations, leave-one-out and blocks of periods all pass through
`spread`. It runs on one core unless joblib says otherwise:

    with joblib.parallel_config(n_jobs=2):
        fit.bootstrap()

also with ``backend="dask"`` on a cluster. What is random is drawn before the work is spread, or
comes from a generator spawned per piece, so results do not depend on the number of workers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from joblib import Parallel, delayed

__all__ = ["spread"]


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
