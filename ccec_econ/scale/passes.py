"""Passes over the blocks, by as many workers as joblib was told to use.

Periods are cut into stretches by their number alone, every stretch is reduced by one worker, and
stretches are joined in the order of the periods: the same numbers whatever the number of workers.
A worker gets W and the labels of its periods. It needs no factors of I - rho W: at a million units
solving for a period takes a fiftieth of the time of factoring, so in the second pass workers send
back the regressors and the caller solves.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import batched
from pickle import PicklingError

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.stream import Stretch, centred, stretch
from ccec_econ.engine.transform import EffectsName
from ccec_econ.errors import DataError, first_five
from ccec_econ.parallel import LostWorkerError, in_turn
from ccec_econ.scale.blocks import Blocks
from ccec_econ.scale.columns import ModelColumns
from ccec_econ.scale.progress import Progress

__all__ = ["Measured", "measured", "regressors"]

_STRETCHES = 32

type _Times = tuple[Hashable, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """What the first pass leaves of the blocks.

    Attributes
    ----------
    stretch : Stretch
        The columns [Z, y, Wy], perhaps with their lags, effects removed.
    squares : ndarray, shape (K + 1,)
        Sums of squares of [Z, y] before that.
    """

    stretch: Stretch
    squares: NDArray[np.float64]

    def joined(self, other: Measured) -> Measured:
        """Join with the periods that follow."""
        return Measured(self.stretch.joined(other.stretch), self.squares + other.squares)


def measured(
    columns: ModelColumns, terms: tuple[str, ...], effects: EffectsName, progress: Progress
) -> Measured:
    """Reduce all periods: the first pass.

    Raises
    ------
    DataError, PanelError
        Of a block, named; if a worker dies, the blocks that were out are named.
    """
    times = columns.blocks.times
    pieces = list(batched(times, -(-len(times) // _STRETCHES)))
    work = _Measure(columns, terms, effects)
    return reduce(Measured.joined, _passed(work, columns.blocks, pieces, progress))


def regressors(
    columns: ModelColumns, terms: tuple[str, ...], effects: EffectsName, progress: Progress
) -> Iterator[NDArray[np.float64]]:
    """Iterate over Z of every period, shape (N, K), time effects removed: the second pass.

    Raises
    ------
    DataError, PanelError
        As `measured`.
    """
    pieces = [(time,) for time in columns.blocks.times]
    work = _Regressors(columns, terms, effects)
    return _passed(work, columns.blocks, pieces, progress)


@dataclass(frozen=True, slots=True)
class _Work:
    """What is done with the periods of a stretch, wherever that is."""

    columns: ModelColumns
    terms: tuple[str, ...]
    effects: EffectsName


class _Measure(_Work):
    __slots__ = ()

    def __call__(self, times: _Times) -> Measured:
        squares = np.zeros(len(self.terms) + 1)

        def periods() -> Iterator[NDArray[np.float64]]:
            for time in times:
                block = self.columns.full(time, self.terms)
                squares[:] += (block[:, : len(squares)] ** 2).sum(axis=0)
                yield block

        return Measured(stretch(periods(), self.effects), squares)


class _Regressors(_Work):
    __slots__ = ()

    def __call__(self, times: _Times) -> NDArray[np.float64]:
        (time,) = times
        return centred(self.columns.regressors(time, self.terms), self.effects)


def _passed[Result](
    work: Callable[[_Times], Result], blocks: Blocks, pieces: Sequence[_Times], progress: Progress
) -> Iterator[Result]:
    """Results in the order of the periods, each told to `progress`."""
    done = 0
    try:
        for piece, result in zip(pieces, in_turn(work, pieces), strict=True):
            done += len(piece)
            progress(done, len(blocks.times))
            yield result
    except LostWorkerError as error:
        out = [time for piece in error.pieces for time in piece]
        raise DataError(
            f"a worker died with one of the blocks of {blocks.time_name} {first_five(out)}; "
            "nothing was estimated. Too little memory is the usual cause: use fewer workers, or "
            "read fewer columns."
        ) from error
    except PicklingError as error:
        raise DataError(
            f"the blocks cannot be sent to workers ({error}); give a reader that holds no open "
            "file or connection, or run on one worker."
        ) from error
