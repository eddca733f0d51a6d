"""Panels: a labelled frame becomes arrays in (T, N, K) order. No other module knows index order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.errors import PanelError, first_five

__all__ = ["Panel", "UnbalancedPanel"]

_MIN_UNITS = 3
_MIN_PERIODS = 2
_TIME_NAMES = frozenset({"date", "month", "period", "quarter", "time", "year"})


@dataclass(frozen=True, slots=True)
class Panel:
    """A balanced panel, sorted by period and then by unit.

    Attributes
    ----------
    frame : DataFrame
        One row per period and unit (T * N rows), indexed (time, unit), both sorted.
    units, times : Index
        The N unit labels and the T period labels.
    """

    frame: pd.DataFrame
    units: pd.Index
    times: pd.Index

    @classmethod
    def from_frame(cls, data: pd.DataFrame, index: tuple[str, str] | None = None) -> Panel:
        """Check a long frame and put it in (time, unit) order.

        Parameters
        ----------
        data : DataFrame
            One row per unit and period. Unit and period stand in a two-level index, in this
            order, or in the two columns named by `index`.
        index : tuple of str, optional
            Names of the unit and the time column.

        Raises
        ------
        PanelError
            If there is no two-level index (unit, time), a label is missing or does not sort, a
            (unit, period) appears twice, a cell is missing, T < 2 or N < 3.
        """
        frame, units, times = _labelled(data, index)
        _refuse_gaps(frame, units, times)
        _refuse_small(units, times)
        return cls(frame, units, times)

    @property
    def unit_name(self) -> str:
        """Name of the unit level."""
        return str(self.units.name)

    @property
    def time_name(self) -> str:
        """Name of the time level."""
        return str(self.times.name)

    def cube(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Reshape columns of shape (T * N, K) or (T * N,) into (T, N, K) or (T, N)."""
        shape = (len(self.times), len(self.units), *columns.shape[1:])
        return np.ascontiguousarray(columns, dtype=np.float64).reshape(shape)

    def rows(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values of shape (T, N) in the order of the frame: undoes `cube`."""
        return values.reshape(-1)

    def series(self, values: NDArray[np.float64], name: str) -> pd.Series:
        """Label an array of shape (T, N) as a Series indexed (unit, time), sorted."""
        flat = pd.Series(self.rows(values), index=self.frame.index, name=name)
        return flat.swaplevel().sort_index()

    def cells(self, where: NDArray[np.bool_]) -> list[str]:
        """Name the (unit, period) of the rows of the frame where a mask is true."""
        return [f"({unit}, {time})" for time, unit in self.frame.index[where]]


@dataclass(frozen=True, slots=True)
class UnbalancedPanel(Panel):
    """A panel in which units may miss whole periods, sorted by period and then by unit.

    Attributes
    ----------
    frame : DataFrame
        One row per period and unit present, indexed (time, unit), both sorted.
    units, times : Index
        Labels of the N units and T periods that have a row.
    present : ndarray of bool, shape (T, N)
        Which cells have a row.
    """

    present: NDArray[np.bool_]

    @classmethod
    def from_frame(
        cls, data: pd.DataFrame, index: tuple[str, str] | None = None
    ) -> UnbalancedPanel:
        """Check a long frame and put it in (time, unit) order; a missing row is an absent unit.

        Parameters
        ----------
        data, index
            As in `Panel.from_frame`, rows may be missing.

        Raises
        ------
        PanelError
            As `Panel.from_frame`, except for missing rows; if a period has fewer than 3 units.
        """
        frame, units, times = _labelled(data, index)
        _refuse_small(units, times)
        present = np.zeros((len(times), len(units)), dtype=bool)
        present[tuple(cast("pd.MultiIndex", frame.index).codes)] = True
        thin = times[present.sum(axis=1) < _MIN_UNITS]
        if len(thin):
            raise PanelError(
                f"fewer than {_MIN_UNITS} units in {first_five(thin)}; a spatial model needs at "
                f"least {_MIN_UNITS} in every period: drop these periods."
            )
        return cls(frame, units, times, present)

    def cube(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Lay rows, (C, K) or (C,), into (T, N, K) or (T, N), zero where a unit is absent."""
        out = np.zeros((*self.present.shape, *columns.shape[1:]))
        out[self.present] = columns
        return out

    def rows(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values of shape (T, N) of the cells present, in the order of the frame."""
        return values[self.present]


def _labelled(
    data: pd.DataFrame, index: tuple[str, str] | None
) -> tuple[pd.DataFrame, pd.Index, pd.Index]:
    """Frame indexed (time, unit), sorted, with its units and periods, which are its levels."""
    if not isinstance(data, pd.DataFrame):
        raise PanelError(
            f"data of type {type(data).__name__}: give a DataFrame indexed (unit, time), or with "
            "the two columns that index=('unit', 'year') names."
        )
    frame = _indexed(data, index)
    if frame.empty:
        raise PanelError("the data have no rows; check the selection of units and periods.")
    given = cast("pd.MultiIndex", frame.index)
    _refuse_labels(given)
    units, times = (given.unique(level).sort_values() for level in (0, 1))
    at_unit, at_time = (
        labels.get_indexer(given.levels[level])[given.codes[level]]
        for level, labels in enumerate((units, times))
    )
    cell = at_time * len(units) + at_unit
    order = cell.argsort()
    _refuse_duplicates(given, cell[order])
    levels: Any = [times, units]
    codes: Any = [at_time[order], at_unit[order]]
    names = [times.name, units.name]
    ordered = pd.MultiIndex(levels, codes, names=names, verify_integrity=False)
    return frame.take(order).set_axis(ordered, axis=0), units, times


def _indexed(data: pd.DataFrame, index: tuple[str, str] | None) -> pd.DataFrame:
    if index is None:
        if data.index.nlevels != 2:
            raise PanelError(
                f"panel without unit and time: the index has {data.index.nlevels} level; give a "
                "two-level index (unit, time) or name the two columns: index=('unit', 'year')."
            )
        names = [name or default for name, default in zip(data.index.names, ("unit", "time"))]
        return data.set_axis(data.index.set_names(names), axis=0)
    missing = [name for name in index if name not in data.columns]
    if missing:
        raise PanelError(
            f"index columns not in the data: {first_five(missing)}; "
            f"the data have {first_five(data.columns)}."
        )
    return data.set_index(list(index))


def _refuse_labels(index: pd.MultiIndex) -> None:
    """Refuse missing, unsortable or exchanged labels."""
    first, second = (str(name) for name in index.names)
    if first == second:
        raise PanelError(f"both index levels are called {first!r}; give unit and time two names.")
    units, times = (index.unique(level) for level in (0, 1))
    for name, labels in ((first, units), (second, times)):
        if labels.hasnans:
            missing = int(np.count_nonzero(index.get_level_values(name).isna()))
            raise PanelError(
                f"index level {name!r} has {missing} missing labels; label or drop these rows."
            )
        kinds = {type(label).__name__ for label in labels} if labels.dtype == object else set()
        if len(kinds) > 1:
            raise PanelError(
                f"index level {name!r} mixes labels of type {first_five(sorted(kinds))}; "
                "give all the same type."
            )
    dated = isinstance(units.dtype, pd.PeriodDtype | pd.DatetimeTZDtype) or units.dtype.kind == "M"
    if dated or (first.lower() in _TIME_NAMES and second.lower() not in _TIME_NAMES):
        raise PanelError(
            f"the first index level {first!r} looks like time ({first_five(units)}) and "
            f"the second {second!r} like units ({first_five(times)}); the order is "
            "(unit, time): use data.swaplevel()."
        )


def _refuse_duplicates(index: pd.MultiIndex, sorted_cells: NDArray[np.int64]) -> None:
    if (sorted_cells[1:] != sorted_cells[:-1]).all():
        return
    twice = index[index.duplicated()].unique()
    raise PanelError(
        f"panel has the same unit and period more than once: {first_five(twice)} "
        f"({len(twice)} in all); keep one row of each."
    )


def _refuse_small(units: pd.Index, times: pd.Index) -> None:
    if len(times) < _MIN_PERIODS:
        raise PanelError(
            f"panel too short: T = {len(times)} period ({first_five(times)}); "
            f"a panel model needs at least {_MIN_PERIODS} periods."
        )
    if len(units) < _MIN_UNITS:
        raise PanelError(
            f"panel too narrow: N = {len(units)} units ({first_five(units)}); "
            f"a spatial model needs at least {_MIN_UNITS} units."
        )


def _refuse_gaps(frame: pd.DataFrame, units: pd.Index, times: pd.Index) -> None:
    if len(units) * len(times) == len(frame):
        return
    full = pd.MultiIndex.from_product([units, times])
    gaps = full[~full.isin(frame.swaplevel().index)]
    raise PanelError(
        f"panel is unbalanced: {len(gaps)} of {len(full)} cells have no row: {first_five(gaps)}; "
        "cut the sample to units and periods that are complete, supply these rows, or say "
        "unbalanced=True in ols, slx, sar, sem, sdm, sdem, sac or gns without time lags."
    )
