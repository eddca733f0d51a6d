"""Blocks of what is in memory, or mapped into it: frames, NumPy arrays, xarray Datasets."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.errors import DataError, PanelError, first_five
from ccec_econ.panel import Panel
from ccec_econ.scale.blocks import Blocks

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["from_arrays", "from_frame", "from_xarray"]


def from_frame(data: pd.DataFrame, *, index: tuple[str, str] | None = None) -> Blocks:
    """Blocks of a frame in memory.

    Parameters
    ----------
    data : DataFrame
        One row per unit and period, as the verbs take it: indexed (unit, time), or with the two
        columns named by `index`. Held as a copy sorted by period.
    index : tuple of str, optional
        Names of the unit and the time column.

    Raises
    ------
    PanelError
        As `ccec_econ.panel.Panel.from_frame`: no two labels per row, one missing or double, gaps.

    Examples
    --------
    >>> index = pd.MultiIndex.from_product([["a", "b", "c"], [1, 2]], names=["unit", "year"])
    >>> from_frame(pd.DataFrame({"x": range(6)}, index=index)).read(2)["x"].tolist()
    [1, 3, 5]
    """
    panel = Panel.from_frame(data, index)
    return Blocks(panel.units, tuple(panel.times), panel.time_name, _FromFrame(panel.frame))


def from_arrays(
    arrays: Mapping[Hashable, NDArray[Any]],
    columns: Sequence[str] | None = None,
    *,
    units: Sequence[Hashable] | pd.Index | None = None,
    unit: str = "unit",
    time: str = "time",
) -> Blocks:
    """Blocks of NumPy arrays, one per period, which may be memory-mapped files.

    Parameters
    ----------
    arrays : mapping
        Period to array, in the order of the periods: structured with N rows, or of shape (N, C).
    columns : sequence of str, optional
        Names of the C columns; structured arrays have their own.
    units : sequence, optional
        Labels of the rows; by default the column called `unit` where there is one, which may put
        the rows of every period in another order, and otherwise 0, 1, ..., N - 1.
    unit, time : str
        What formulas call unit and time effects.

    Raises
    ------
    DataError
        If there is no array, or one is neither structured nor as wide as `columns`.
    PanelError
        As `Blocks`.

    Examples
    --------
    >>> arrays = {year: np.full((3, 2), float(year)) for year in (2011, 2012)}
    >>> from_arrays(arrays, ["y", "x"], time="year").read(2012)["x"].tolist()
    [2012.0, 2012.0, 2012.0]
    """
    if not isinstance(arrays, Mapping) or not arrays:
        raise DataError(
            f"arrays of type {type(arrays).__name__}: give a mapping from period to array, "
            "one per period, such as {2011: first, 2012: second}."
        )
    if isinstance(columns, str):
        raise DataError(f"columns {columns!r}: give a list of names, one per column.")
    names = None if columns is None else tuple(columns)
    labels = None if units is None else pd.Index(units, name=unit)
    load = _FromArrays(dict(arrays), names, unit, labels)
    first = next(iter(arrays))
    if labels is None:
        labels = load(first).index
    return Blocks(labels, tuple(arrays), time, load)


def from_xarray(data: xr.Dataset, *, unit: str = "unit", time: str = "time") -> Blocks:
    """Blocks of an xarray Dataset, one period computed at a time.

    The Dataset may be lazy: backed by Dask, or opened from files such as netCDF or Zarr, which
    every worker opens for itself.

    Parameters
    ----------
    data : Dataset
        Variables with dimensions (time, unit) in any order; those without time, or without unit,
        are repeated.
    unit, time : str
        Names of the two dimensions, with coordinates, which formulas call the effects by.

    Raises
    ------
    DataError
        If it is no Dataset.
    PanelError
        If a dimension is missing, has no coordinate, or there is a third; as `Blocks`.

    Examples
    --------
    >>> import xarray as xr
    >>> x = xr.DataArray([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], dims=("year", "unit"))
    >>> data = xr.Dataset({"x": x}, {"year": [2011, 2012], "unit": ["a", "b", "c"]})
    >>> from_xarray(data, time="year").read(2012)["x"].tolist()
    [4.0, 5.0, 6.0]
    """
    if not hasattr(data, "data_vars"):
        remedy = "name its variable: data.to_dataset(name='y')" if hasattr(data, "dims") else ""
        raise DataError(
            f"data of type {type(data).__name__}: {remedy or 'give an xarray Dataset'}."
        )
    if set(data.dims) != {unit, time} or not {unit, time} <= set(data.indexes):
        raise PanelError(
            f"a Dataset with dimensions {first_five(data.dims) or 'none'} and labels for "
            f"{first_five(data.indexes) or 'none'}; it needs just {unit!r} and {time!r}, both "
            "labelled: choose one value of any other by data.sel(), or name them by unit= and "
            "time=."
        )
    units, times = data.indexes[unit], data.indexes[time]
    return Blocks(units.rename(unit), tuple(times), time, _FromXarray(data, unit, time))


@dataclass(frozen=True, slots=True)
class _FromFrame:
    frame: pd.DataFrame

    def __call__(self, time: Hashable) -> pd.DataFrame:
        return cast("pd.DataFrame", self.frame.xs(time, level=0))


@dataclass(frozen=True, slots=True)
class _FromArrays:
    arrays: Mapping[Hashable, NDArray[Any]]
    columns: tuple[str, ...] | None
    unit: str
    units: pd.Index | None

    def __call__(self, time: Hashable) -> pd.DataFrame:
        table = self._table(time, np.asarray(self.arrays[time]))
        if self.units is not None:
            if len(table) != len(self.units):
                raise DataError(
                    f"array of {time} has {len(table)} rows for {len(self.units)} units; give one "
                    "row per unit, or the labels as a column."
                )
            return table.set_axis(self.units, axis=0)
        if self.unit in table:
            return table.set_index(self.unit)
        return table.rename_axis(index=self.unit)

    def _table(self, time: Hashable, array: NDArray[Any]) -> pd.DataFrame:
        if array.dtype.names is not None and array.ndim == 1:
            return pd.DataFrame({name: array[name] for name in array.dtype.names})
        if array.dtype.names is None and array.ndim == 2 and self.columns is not None:
            if array.shape[1] == len(self.columns):
                return pd.DataFrame(array, columns=list(self.columns))
            raise DataError(
                f"array of {time} has {array.shape[1]} columns and {len(self.columns)} names; "
                "name each column once."
            )
        raise DataError(
            f"array of {time} has shape {array.shape}, type {array.dtype}, and "
            f"{'no' if self.columns is None else len(self.columns)} names of columns; give a "
            "structured array, or one of shape (N, C) with columns=[...]."
        )


@dataclass(frozen=True, slots=True)
class _FromXarray:
    data: xr.Dataset
    unit: str
    time: str

    def __call__(self, time: Hashable) -> pd.DataFrame:
        at = self.data.indexes[self.time].get_loc(time)
        block = self.data.isel({self.time: at}).drop_vars(self.time)
        # in a task of a cluster the cluster's own scheduler would wait for this very task
        return block.compute(scheduler="synchronous").to_dataframe()
