"""Blocks of Parquet files: one per period, or one data set with a column of periods."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pandas as pd

from ccec_econ.errors import DataError
from ccec_econ.scale.blocks import Blocks

__all__ = ["from_dataset", "from_parquet"]


def from_parquet(
    files: Mapping[Hashable, str | Path],
    *,
    unit: str,
    time: str = "time",
    columns: Sequence[str] | None = None,
) -> Blocks:
    """Blocks of Parquet files, one per period. Needs pyarrow.

    Parameters
    ----------
    files : mapping
        Period to path, in the order of the periods.
    unit : str
        Column with the labels of the units; those of the first file are the panel's.
    time : str
        What formulas call the time effects.
    columns : sequence of str, optional
        Columns to read besides `unit`; all by default, so name them where files are wide.

    Raises
    ------
    DataError
        If there is no file, or the first cannot be read.
    PanelError
        As `Blocks`.
    """
    if not isinstance(files, Mapping) or not files:
        raise DataError(
            f"files of type {type(files).__name__}: give a mapping from period to Parquet file, "
            "such as {2011: '2011.parquet', 2012: '2012.parquet'}; a file or folder that holds "
            "all periods goes to from_dataset."
        )
    paths = {label: Path(path) for label, path in files.items()}
    load, first = _FromParquet(paths, unit, _listed(columns)), next(iter(paths))
    try:
        units = pd.read_parquet(paths[first], columns=[unit]).set_index(unit).index
    except Exception as error:
        raise DataError(
            f"block of {time} {first} cannot be read ({type(error).__name__}: {error}); check the "
            f"file, its column {unit!r}, and that pyarrow is installed."
        ) from error
    return Blocks(units, tuple(paths), time, load)


def from_dataset(
    path: str | Path, *, unit: str, time: str, columns: Sequence[str] | None = None
) -> Blocks:
    """Blocks of one Parquet data set with a column of periods. Needs pyarrow.

    A block is read by its period alone: Hive partitions (``year=2011/part.parquet``) and row
    groups of other periods are passed over, so write them sorted by period.

    Parameters
    ----------
    path : str or Path
        A file, or a folder of files.
    unit, time : str
        Columns with the labels of units and periods, which formulas call the effects by. The
        periods are sorted; the units of the first are the panel's.
    columns : sequence of str, optional
        Columns to read besides these two; all by default.

    Raises
    ------
    DataError
        If it cannot be read, or has no such columns.
    PanelError
        As `Blocks`.

    Examples
    --------
    >>> import tempfile
    >>> data = pd.DataFrame({"year": [1, 1, 1, 2, 2, 2], "unit": list("abcabc"), "x": range(6)})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     data.to_parquet(Path(folder) / "all.parquet")
    ...     from_dataset(folder, unit="unit", time="year").read(2)["x"].tolist()
    [3, 4, 5]
    """
    if not isinstance(path, str | Path):
        raise DataError(
            f"path of type {type(path).__name__}: give one file or folder that holds all periods; "
            "a mapping from period to file goes to from_parquet."
        )
    load = _FromDataset(Path(path), unit, time, _listed(columns))
    try:
        times = sorted(set(load.periods()))
        units = replace(load, columns=())(times[0]).index if times else pd.Index([], name=unit)
    except Exception as error:
        raise DataError(
            f"data set {path} cannot be read ({type(error).__name__}: {error}); check its files, "
            f"its columns {unit!r} and {time!r}, which has no gaps, and that pyarrow is installed."
        ) from error
    return Blocks(units, tuple(times), time, load)


def _listed(columns: Sequence[str] | None) -> tuple[str, ...] | None:
    if isinstance(columns, str):
        raise DataError(f"columns {columns!r}: give a list of names.")
    return None if columns is None else tuple(columns)


@dataclass(frozen=True, slots=True)
class _FromParquet:
    paths: Mapping[Hashable, Path]
    unit: str
    columns: tuple[str, ...] | None

    def __call__(self, time: Hashable) -> pd.DataFrame:
        wanted = None if self.columns is None else [*self.columns, self.unit]
        return pd.read_parquet(self.paths[time], columns=wanted).set_index(self.unit)


@dataclass(frozen=True, slots=True)
class _FromDataset:
    path: Path
    unit: str
    time: str
    columns: tuple[str, ...] | None

    def __call__(self, time: Hashable) -> pd.DataFrame:
        import pyarrow.dataset as ds

        data = self._opened()
        wanted = data.schema.names if self.columns is None else [*self.columns, self.unit]
        kept = [name for name in wanted if name != self.time]
        table = data.to_table(columns=kept, filter=ds.field(self.time) == time)
        frame = table.to_pandas(split_blocks=True, self_destruct=True)
        return cast("pd.DataFrame", frame.set_index(self.unit))

    def periods(self) -> Iterator[Any]:
        """Labels of the periods, batch by batch of their column alone."""
        for batch in self._opened().to_batches(columns=[self.time]):
            yield from batch.column(0).unique().to_pylist()

    def _opened(self) -> Any:
        import pyarrow.dataset as ds

        if not self.path.exists():
            raise FileNotFoundError(str(self.path))
        return ds.dataset(self.path, format="parquet", partitioning="hive")
