"""Reading a realised treatment and its counterfactual draws against each other."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.errors import AlignmentError, IdentificationError, PanelError, first_five

__all__ = ["SAME", "Draws", "Labelled", "counterfactual"]

type Labelled = pd.DataFrame | pd.Series[float]
type Draws = NDArray[np.float64] | Iterable[Labelled]

SAME = 1e-12
"""Share of the largest treatment below which two values are equal."""

_JUDGED = 99  # draws from which on a realised treatment unlike any is refused: by chance 1 in 100


def counterfactual(
    realised: Labelled, draws: Draws, enumerated: bool
) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Realised treatment (T, N), sorted, and the draws beside it, shape (S, T, N).

    Raises
    ------
    PanelError, AlignmentError, IdentificationError
        As `ccec_econ.causal.recentre`.
    """
    table = _wide(realised, "the realised treatment")
    stacked = (
        _from_array(realised, draws)
        if isinstance(draws, np.ndarray)
        else _from_labelled(table, draws)
    )
    if not np.isfinite(stacked).all():
        bad = np.flatnonzero(~np.isfinite(stacked).all(axis=(1, 2)))
        raise PanelError(
            f"draws {first_five(bad)} ({len(bad)} of {len(stacked)}) hold missing or infinite "
            "values; compute the treatment under every draw in every cell."
        )
    others = _without_realised(table, stacked) if enumerated else stacked
    _refuse_certain(table, others)
    if not enumerated:
        _refuse_unlike(table, others)
    return table, others


def _wide(values: Labelled, what: str) -> pd.DataFrame:
    """Periods by units, both sorted."""
    if isinstance(values, pd.Series):
        if values.index.nlevels != 2 or not values.index.is_unique:
            raise PanelError(f"{what}: index a Series (unit, time), one row per unit and period.")
        frame = values.unstack(0)
    elif isinstance(values, pd.DataFrame):
        frame = values
    else:
        raise PanelError(
            f"{what} is of type {type(values).__name__}: give a DataFrame of periods by units, or "
            "a Series indexed (unit, time)."
        )
    if not frame.index.is_unique or not frame.columns.is_unique:
        raise PanelError(f"{what}: a unit or period stands there twice; keep one of each.")
    frame = frame.sort_index().sort_index(axis=1).astype(np.float64)
    bad = ~np.isfinite(frame.to_numpy())
    if bad.any():
        cells = [f"({frame.columns[j]}, {frame.index[i]})" for i, j in np.argwhere(bad)]
        raise PanelError(f"{what}: missing or infinite in {first_five(cells)}; give every cell.")
    return frame


def _from_labelled(table: pd.DataFrame, draws: Iterable[Labelled]) -> NDArray[np.float64]:
    kept = []
    for s, draw in enumerate(draws):
        frame = _wide(draw, f"draw {s}")
        if not frame.index.equals(table.index) or not frame.columns.equals(table.columns):
            strange: list[Hashable] = [
                *frame.index.symmetric_difference(table.index),
                *frame.columns.symmetric_difference(table.columns),
            ]
            raise AlignmentError(
                f"draw {s} and the realised treatment differ in {first_five(strange)}; give both "
                "for the same units and periods."
            )
        kept.append(frame.to_numpy())
    return np.stack(kept) if kept else np.empty((0, *table.shape))


def _from_array(realised: Labelled, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Put an array (S, ...) in the order of `realised` into sorted order, shape (S, T, N)."""
    if draws.shape[1:] != realised.shape:
        raise AlignmentError(
            f"draws of shape {draws.shape}: an array needs the shape (S, "
            f"{', '.join(map(str, realised.shape))}), in the order of the realised treatment."
        )
    places = np.arange(realised.size, dtype=np.float64).reshape(realised.shape)
    order = (
        pd.Series(places, realised.index)
        if isinstance(realised, pd.Series)
        else pd.DataFrame(places, realised.index, realised.columns)
    )
    flat = draws.reshape(len(draws), realised.size).astype(np.float64)
    return flat[:, _wide(order, "the realised treatment").to_numpy().astype(int)]


def _without_realised(table: pd.DataFrame, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take the realised treatment out of the enumerated draws, once."""
    gap = np.abs(draws - table.to_numpy()).max(axis=(1, 2), initial=0.0)
    same = np.flatnonzero(gap <= _slack(table))
    if not len(same):
        raise IdentificationError(
            f"none of {len(draws)} enumerated draws is the realised treatment; compute both in the "
            "same way, or say enumerated=False."
        )
    return np.delete(draws, same[0], axis=0)


def _refuse_certain(table: pd.DataFrame, draws: NDArray[np.float64]) -> None:
    if not len(draws):
        raise IdentificationError(
            "no draw beside the realised treatment: give draws of what else could have happened."
        )
    if (np.abs(draws - table.to_numpy()) <= _slack(table)).all():
        raise IdentificationError(
            "all draws are the realised treatment: the shocks could not have been otherwise, and "
            "nothing is random."
        )


def _refuse_unlike(table: pd.DataFrame, draws: NDArray[np.float64]) -> None:
    """Refuse a realised treatment that differs in cells where nothing else ever does.

    Any member is as likely as any other to be alone in more cells than all others, so that a draw
    is refused with probability 1 / (S + 1) at most; few draws are not judged.
    """
    if len(draws) < _JUDGED:
        return
    x = table.to_numpy()
    alone, count = _alone(np.concatenate([x[None], draws]), _slack(table))
    if count[0] > count[1:].max():
        cells = [f"({table.columns[j]}, {table.index[i]})" for i, j in np.argwhere(alone)]
        raise IdentificationError(
            f"all {len(draws)} draws agree in {first_five(cells)} on another value than the "
            "realised one, so it is no draw of theirs: compute both in the same way, or draw more."
        )


def _alone(
    members: NDArray[np.float64], slack: float
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Cells in which the first member alone differs, and how many there are for every member."""
    low, lower, higher, high = np.partition(members, (0, 1, -2, -1), axis=0)[[0, 1, -2, -1]]
    above = (high - higher > slack) & (higher - low <= slack)
    below = (lower - low > slack) & (high - lower <= slack)
    who = np.where(above, members.argmax(axis=0), np.where(below, members.argmin(axis=0), -1))
    return who == 0, np.bincount(who[who >= 0], minlength=len(members))


def _slack(table: pd.DataFrame) -> float:
    return SAME * max(1.0, float(np.abs(table.to_numpy()).max()))
