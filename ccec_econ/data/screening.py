"""A robust screen for published figures that no one can believe.

The screen looks at a unit's *position*: the logarithm of its value relative to the median unit
of the same year. Positions move slowly, so a short run of years that is entered and left by a
jump, far from the unit's usual position or from the years around it, is a fault of the figures
and not of the city.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ccec_econ.errors import DataError, first_five

__all__ = ["Screen", "Screened", "fill_positions", "positions", "screen"]

_MAD_TO_SD = 1.4826


@dataclass(frozen=True, slots=True)
class Screen:
    """Settings of the screen.

    Attributes
    ----------
    k : float
        Deviations above `k` robust standard deviations are looked at; 3.5 is the usual cut for
        modified z-scores (Iglewicz and Hoaglin, 1993).
    floor : float
        A figure that carries no flag must also deviate, and jump, by this many log units;
        ``ln 1.5`` means a factor of 1.5.
    longest_run : int
        A run of more observed years than this is a change of level (of coverage, say), not a
        fault: it is kept and reported.
    """

    k: float = 3.5
    floor: float = math.log(1.5)
    longest_run: int = 4


@dataclass(frozen=True, slots=True)
class Screened:
    """Outcome of a screen; all tables have years in rows (T) and units in columns (N).

    Attributes
    ----------
    values : DataFrame
        Figures to use: published where accepted, interpolated positions elsewhere.
    replaced : DataFrame of bool
        Published figures that were replaced.
    filled : DataFrame of bool
        Absent figures that were filled.
    level_changes : DataFrame of bool
        Long runs that were looked at and kept.
    scale : dict
        Robust standard deviation of the positions' deviations by block.
    """

    values: pd.DataFrame
    replaced: pd.DataFrame
    filled: pd.DataFrame
    level_changes: pd.DataFrame
    scale: dict[object, float] = field(default_factory=dict)


def screen(
    published: pd.DataFrame,
    *,
    suspects: pd.DataFrame | None = None,
    blocks: pd.Series[int] | None = None,
    fill: tuple[int, int] | None = None,
    rule: Screen | None = None,
) -> Screened:
    """Replace unbelievable runs and fill gaps by the unit's usual position.

    Parameters
    ----------
    published : DataFrame, shape (T, N)
        Positive figures, NaN where absent; index = years.
    suspects : DataFrame of bool, shape (T, N), optional
        Cells whose source or transcription already doubts them.
    blocks : Series, optional
        Block of each year: years of one definition. Positions are compared, and interpolated,
        within a block only. One block by default.
    fill : (first, last), optional
        Years within which absent figures are filled.
    rule : Screen, optional
        Settings; the defaults of `Screen` otherwise.

    Returns
    -------
    Screened

    Raises
    ------
    DataError
        If a figure is not positive, or a unit has no accepted figure in a block that needs one.

    Notes
    -----
    With ``r_it = ln x_it - ln median_i(x_it)`` and ``d_it = r_it - median_t(r_it)`` (within the
    block), the robust scale is ``s = 1.4826 median|d|`` pooled over units. Two kinds of runs of
    at most ``longest_run`` observed years are replaced:

    1. *off its usual position*: ``|d| > k s`` in every year, of one sign, and either a flag
       stands on the figure or ``|d| > floor``; at every observed edge within the block the
       position jumps by more than the floor;
    2. *a hump*, among the figures left: the positions before and after it differ by less than
       the floor, at both edges it jumps by more than the floor in the same direction, and it
       lies on average more than ``max(k s, floor)`` from the line between these two years.

    Gradual drifts are kept, and so are longer runs of the first kind (a change of level). The
    replacement is the position interpolated linearly between the nearest accepted years of the
    block (flat at its ends) times the year's circle median.

    Iglewicz, B. and Hoaglin, D. C. (1993). *How to Detect and Handle Outliers*. ASQC Quality
    Press.
    """
    rule = Screen() if rule is None else rule
    _refuse_nonpositive(published)
    years = published.index
    blocks = pd.Series(0, index=years) if blocks is None else blocks.reindex(years)
    doubted, position = _aligned(suspects, published), positions(published)
    replaced, kept = _aligned(None, published), _aligned(None, published)
    scale: dict[object, float] = {}
    for block in blocks.unique():
        rows = years[blocks == block]
        found = _judge(position.loc[rows], doubted.loc[rows], rule)
        replaced.loc[rows], kept.loc[rows], scale[block] = found
    wanted = replaced.copy()
    if fill is not None:
        wanted |= published.isna() & _within(years, fill)[:, None]
    median = published.median(axis=1)
    values = fill_positions(published.mask(replaced), wanted, position, median, blocks)
    return Screened(values, replaced, published.isna() & values.notna(), kept, scale)


def positions(values: pd.DataFrame) -> pd.DataFrame:
    """Return ``ln x_it - ln median_i(x_it)``, shape (T, N)."""
    logs = values.apply(np.log)
    return logs.sub(np.log(values.median(axis=1)), axis=0)


def fill_positions(
    accepted: pd.DataFrame,
    wanted: pd.DataFrame,
    position: pd.DataFrame,
    median: pd.Series[float],
    blocks: pd.Series[int],
) -> pd.DataFrame:
    """Fill the wanted cells with interpolated positions times the year's median.

    Years in which no unit has a figure have no median and stay empty.

    Raises
    ------
    DataError
        If a unit has no accepted figure in a block in which a cell is wanted.
    """
    values = accepted.copy()
    for unit in wanted.columns[wanted.any()]:
        for block in blocks[wanted[unit]].unique():
            rows = blocks.index[blocks == block]
            known = position.loc[rows, unit][accepted.loc[rows, unit].notna()]
            holes = wanted.loc[rows, unit]
            holes = holes.index[holes & median.loc[rows].notna()]
            if known.empty and len(holes):
                raise DataError(
                    f"screen: unit {unit} has no accepted figure in the years {rows[0]}-"
                    f"{rows[-1]} (wanted {first_five(holes)}); leave the indicator out."
                )
            if len(holes):
                at = np.interp(holes.to_numpy(float), known.index.to_numpy(float), known)
                values.loc[holes, unit] = np.exp(at) * median.loc[holes]
    return values


def _judge(
    r: pd.DataFrame, doubted: pd.DataFrame, rule: Screen
) -> tuple[pd.DataFrame, pd.DataFrame, float]:
    """Judge one block: return cells to replace, changes of level to keep, and the scale."""
    replaced, kept = _aligned(None, r), _aligned(None, r)
    deviation = r - r.median()
    scale = _MAD_TO_SD * float(np.nanmedian(deviation.abs().to_numpy()))
    looked_at = deviation.abs() > rule.k * scale
    looked_at &= doubted | (deviation.abs() > rule.floor)
    for unit, run, edges in _runs(r, deviation, looked_at):
        if len(run) > rule.longest_run:
            kept.loc[run, unit] = True
        elif edges and min(edges) > rule.floor:
            replaced.loc[run, unit] = True
    far = max(rule.k * scale, rule.floor)
    for unit in r.columns:
        for run in _humps(r[unit].mask(replaced[unit]).dropna(), far, rule):
            replaced.loc[run, unit] = True
    return replaced, kept, scale


def _runs(
    position: pd.DataFrame, deviation: pd.DataFrame, looked_at: pd.DataFrame
) -> Iterator[tuple[str, list[int], list[float]]]:
    """Yield unit, years and edge jumps of each run of neighbouring cells of one sign."""
    for unit in looked_at.columns[looked_at.any()]:
        seen = position[unit].dropna()
        years, r = list(seen.index), seen.to_numpy(float)
        sign = np.sign(deviation[unit].reindex(seen.index)).where(looked_at[unit], 0.0)
        label = (sign != sign.shift()).cumsum()
        for _, part in sign[sign != 0].groupby(label):
            first, last = years.index(part.index[0]), years.index(part.index[-1])
            edges = [
                abs(float(r[inside] - r[outside]))
                for inside, outside in ((first, first - 1), (last, last + 1))
                if 0 <= outside < len(r)
            ]
            yield unit, list(part.index), edges


def _humps(r: pd.Series[float], far: float, rule: Screen) -> Iterator[list[int]]:
    """Yield the years of each hump in the observed positions of one unit."""
    values, years = r.to_numpy(float), r.index.to_numpy(float)
    first = 1
    while first < len(values) - 1:
        for after in range(first + 1, min(first + rule.longest_run + 1, len(values))):
            ends = values[[first - 1, after]]
            steps = values[[first, after - 1]] - ends
            line = np.interp(years[first:after], years[[first - 1, after]], ends)
            height = (values[first:after] - line) * np.sign(steps[0])
            jumps = min(np.sign(steps[0]) * steps) > rule.floor
            if jumps and abs(ends[1] - ends[0]) < rule.floor and height.mean() > far:
                yield list(r.index[first:after])
                first = after
                break
        first += 1


def _aligned(mask: pd.DataFrame | None, like: pd.DataFrame) -> pd.DataFrame:
    """Return a bool table of the shape of `like`, False where the mask says nothing."""
    if mask is None:
        return pd.DataFrame(False, index=like.index, columns=like.columns)
    return mask.reindex(index=like.index, columns=like.columns, fill_value=False).astype(bool)


def _within(years: pd.Index, span: tuple[int, int]) -> np.ndarray:
    numbers = years.to_numpy(int)
    return (numbers >= span[0]) & (numbers <= span[1])


def _refuse_nonpositive(values: pd.DataFrame) -> None:
    bad = [(u, y) for u in values.columns for y in values.index[values[u] <= 0]]
    if bad:
        cells = [f"{unit} {year}" for unit, year in bad]
        raise DataError(
            f"screen: {len(bad)} figures are not positive ({first_five(cells)}); a logarithm "
            "cannot be taken, mark them as absent first."
        )
