"""Blocks: one table of units per period, read when its turn comes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pandas as pd

from ccec_econ.errors import DataError, PanelError, first_five

__all__ = ["Blocks", "from_frame", "from_parquet"]


@dataclass(frozen=True, slots=True)
class Blocks:
    """Periods of a balanced panel, each a table with one row per unit.

    Attributes
    ----------
    units : Index
        Labels of the N units, named as the formula calls the unit effects.
    times : tuple
        Labels of the T periods in their order.
    time_name : str
        What the formula calls the time effects.
    load : callable
        Reads the table of one period, indexed by unit.
    """

    units: pd.Index
    times: tuple[Hashable, ...]
    time_name: str
    load: Callable[[Hashable], pd.DataFrame]

    def __post_init__(self) -> None:
        if len(self.times) < 2 or len(set(self.times)) < len(self.times):
            raise PanelError(
                f"periods {first_five(self.times)}: give two or more, each of them once."
            )
        if self.units.hasnans or not self.units.is_unique or len(self.units) < 3:
            raise PanelError(
                f"{len(self.units)} units, {first_five(self.units)}: give three or more labels, "
                "each of them once and none missing."
            )

    def read(self, time: Hashable) -> pd.DataFrame:
        """Read one period, its rows in the order of `units`.

        Raises
        ------
        DataError
            If the block cannot be read; it is named.
        PanelError
            If its units are not those of the panel; the difference is listed.
        """
        try:
            block = self.load(time)
            labels = block.index
        except Exception as error:
            raise DataError(
                f"block of {self.time_name} {time} cannot be read ({type(error).__name__}: "
                f"{error}); restore it and run again: nothing was estimated."
            ) from error
        if labels.equals(self.units):
            return block
        absent, strange = self.units.difference(labels), labels.difference(self.units)
        if len(absent) or len(strange) or not labels.is_unique:
            twice = labels[labels.duplicated()]
            raise PanelError(
                f"block of {self.time_name} {time} has other units than the panel: without "
                f"{first_five(absent) or 'none'}, besides {first_five(strange) or 'none'}, twice "
                f"{first_five(twice) or 'none'}; every block holds the same units once."
            )
        return block.reindex(self.units)


def from_frame(data: pd.DataFrame) -> Blocks:
    """Blocks of a frame in memory, indexed (unit, time).

    Raises
    ------
    PanelError
        If the index has not two levels.

    Examples
    --------
    >>> index = pd.MultiIndex.from_product([["a", "b", "c"], [1, 2]], names=["unit", "year"])
    >>> from_frame(pd.DataFrame({"x": range(6)}, index=index)).read(2)["x"].tolist()
    [1, 3, 5]
    """
    if data.index.nlevels != 2:
        raise PanelError(
            f"data with {data.index.nlevels} index level: give a two-level index (unit, time)."
        )
    units, times = (data.index.unique(level).sort_values() for level in (0, 1))
    units.name = units.name or "unit"
    return Blocks(units, tuple(times), str(data.index.names[1] or "time"), _FromFrame(data))


def from_parquet(files: Mapping[Hashable, str | Path], *, unit: str, time: str = "time") -> Blocks:
    """Blocks of Parquet files, one per period. Needs pyarrow.

    Parameters
    ----------
    files : mapping
        Period to path, in the order of the periods.
    unit : str
        Column with the labels of the units; those of the first file are the panel's.
    time : str
        What formulas call the time effects.

    Raises
    ------
    DataError
        If there is no file, or the first cannot be read.
    """
    if not files:
        raise DataError("no files: give a mapping from period to Parquet file, one per period.")
    paths = {label: Path(path) for label, path in files.items()}
    first = next(iter(paths))
    try:
        units = pd.Index(pd.read_parquet(paths[first], columns=[unit])[unit])
    except Exception as error:
        raise DataError(
            f"block of {time} {first} cannot be read ({type(error).__name__}: {error}); check the "
            f"file, its column {unit!r}, and that pyarrow is installed."
        ) from error
    return Blocks(units, tuple(paths), time, _FromParquet(paths, unit))


@dataclass(frozen=True, slots=True)
class _FromFrame:
    data: pd.DataFrame

    def __call__(self, time: Hashable) -> pd.DataFrame:
        return cast("pd.DataFrame", self.data.xs(time, level=1))


@dataclass(frozen=True, slots=True)
class _FromParquet:
    paths: Mapping[Hashable, Path]
    unit: str

    def __call__(self, time: Hashable) -> pd.DataFrame:
        return pd.read_parquet(self.paths[time]).set_index(self.unit)
