"""Blocks: one table of units per period, read when its turn comes."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

import pandas as pd

from ccec_econ.errors import DataError, PanelError, first_five
from ccec_econ.weights import AS_TEXT

__all__ = ["Blocks"]


@dataclass(frozen=True, slots=True)
class Blocks:
    """Periods of a balanced panel, each a table with one row per unit.

    Where workers are processes, `load` is sent to them: it must pickle and hold little, and what it
    reads must be within reach of every machine.

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

    Raises
    ------
    PanelError
        If there are fewer than two periods or three units, a label is missing or stands twice,
        units have no name or that of the periods, or `load` cannot be called.

    Examples
    --------
    >>> tables = {
    ...     year: pd.DataFrame({"x": [1.0, 2.0, year]}, index=["a", "b", "c"])
    ...     for year in (2011, 2012)
    ... }
    >>> blocks = Blocks(pd.Index(["a", "b", "c"], name="unit"), (2011, 2012), "year", tables.get)
    >>> blocks.read(2012)["x"].tolist()
    [1.0, 2.0, 2012.0]
    """

    units: pd.Index
    times: tuple[Hashable, ...]
    time_name: str
    load: Callable[[Hashable], pd.DataFrame]

    def __post_init__(self) -> None:
        if not isinstance(self.units, pd.Index) or self.units.nlevels != 1:
            raise PanelError(
                f"units of type {type(self.units).__name__}: give their labels as a pandas Index "
                "of one level, such as pd.Index([...], name='unit')."
            )
        if len(self.times) < 2 or len(set(self.times)) < len(self.times):
            raise PanelError(
                f"periods {first_five(self.times)}: give two or more, each of them once."
            )
        if self.units.hasnans or not self.units.is_unique or len(self.units) < 3:
            raise PanelError(
                f"{len(self.units)} units, {first_five(self.units)}: give three or more labels, "
                "each of them once and none missing."
            )
        if self.units.name is None or self.units.name == self.time_name:
            raise PanelError(
                f"units are called {self.units.name!r} and periods {self.time_name!r}; give two "
                "names, as in units.rename('unit'), for formulas to call the effects by."
            )
        if not callable(self.load):
            raise PanelError(
                f"load of type {type(self.load).__name__}: give a function from a period's label "
                "to its table, indexed by unit."
            )

    def read(self, time: Hashable) -> pd.DataFrame:
        """Read one period, its rows in the order of `units`, narrow floats widened.

        Raises
        ------
        DataError
            If the block cannot be read, or is no table; it is named.
        PanelError
            If its units are not those of the panel; the difference is listed.
        """
        what = f"block of {self.time_name} {time}"
        try:
            block = self.load(time)
        except Exception as error:
            raise DataError(
                f"{what} cannot be read ({type(error).__name__}: {error}); restore it and run "
                "again: nothing was estimated."
            ) from error
        if not isinstance(block, pd.DataFrame) or not len(block):
            seen = "has no rows" if isinstance(block, pd.DataFrame) else f"is a {_kind(block)}"
            raise DataError(f"{what} {seen}; a block is a DataFrame with one row per unit.")
        narrow = block.select_dtypes(["float16", "float32"]).columns
        block = block.astype(dict.fromkeys(narrow, "float64"))
        if block.index.equals(self.units):
            return block
        self._refuse_other_units(what, block.index)
        return block.reindex(self.units)

    def _refuse_other_units(self, what: str, labels: pd.Index) -> None:
        absent = self.units.difference(labels, sort=False)
        strange = labels.difference(self.units, sort=False)
        if not len(absent) and not len(strange) and labels.is_unique:
            return
        twice = labels[labels.duplicated()]
        as_text = set(labels.astype(str)) == set(self.units.astype(str)) and len(absent)
        raise PanelError(
            f"{what} has other units than the panel: without {first_five(absent) or 'none'}, "
            f"besides {first_five(strange) or 'none'}, twice {first_five(twice) or 'none'}; "
            f"{AS_TEXT if as_text else 'every block holds the same units once'}."
        )


def _kind(value: object) -> str:
    return type(value).__name__
