"""Classes of relative income, the same in all years, and the transitions between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.convergence.tables import by_year, consecutive, positive
from ccec_econ.errors import IdentificationError, PanelError, first_five

__all__ = ["ClassRule", "IncomeClasses", "income_classes", "relative"]

type Counts = NDArray[np.int64]

_FEWEST_YEARS = 2


@dataclass(frozen=True, slots=True)
class ClassRule:
    """How relative values are cut into classes.

    Attributes
    ----------
    k : int
        Number of classes, at least 2; 3 by default, since 16 units fill no more.
    cuts : {"quantiles", "jenks"} or tuple of float
        Pooled quantiles, the exact breaks of Fisher and Jenks (least squares within classes), or
        the k - 1 upper bounds of all classes but the last.

    Raises
    ------
    IdentificationError
        If k is below 2, or the cuts are unknown, not ascending, or not k - 1.
    """

    k: int = 3
    cuts: Literal["quantiles", "jenks"] | tuple[float, ...] = "quantiles"

    def __post_init__(self) -> None:
        if self.k < 2:
            raise IdentificationError(
                f"k = {self.k}: one class has no transitions; give 2 or more."
            )
        if isinstance(self.cuts, str):
            if self.cuts not in ("quantiles", "jenks"):
                raise IdentificationError(
                    f"cuts {self.cuts!r}: unknown; choose 'quantiles', 'jenks' or give numbers."
                )
        elif len(self.cuts) != self.k - 1 or np.any(np.diff(self.cuts) <= 0):
            raise IdentificationError(
                f"cuts {self.cuts}: give {self.k - 1} ascending numbers for k = {self.k}."
            )

    @property
    def words(self) -> str:
        """The rule in words."""
        return {"quantiles": "pooled quantiles", "jenks": "pooled Fisher-Jenks breaks"}.get(
            str(self.cuts), "given cuts"
        )

    def bounds(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the k - 1 upper bounds of the lower classes for pooled values.

        Raises
        ------
        IdentificationError
            If values repeat so often that classes coincide.
        """
        if not isinstance(self.cuts, str):
            return np.asarray(self.cuts, dtype=np.float64)
        distinct = np.unique(values)
        if len(distinct) < self.k:
            raise IdentificationError(
                f"k = {self.k} classes of {len(distinct)} distinct values; give fewer classes."
            )
        found = self._cut(values)
        if len(np.unique(found)) < self.k - 1 or found[-1] >= distinct[-1]:
            raise IdentificationError(
                f"k = {self.k}: classes coincide because values repeat; give fewer classes."
            )
        return found

    def _cut(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.cuts == "quantiles":
            return np.quantile(values, np.arange(1, self.k) / self.k)
        from mapclassify import FisherJenks  # seconds: only when asked

        return np.asarray(FisherJenks(values, k=self.k).bins, dtype=np.float64)[:-1]


@dataclass(frozen=True, slots=True)
class IncomeClasses:
    """Classes of all units in all years.

    Attributes
    ----------
    relative : DataFrame
        Value over the mean of the units of the year, shape (T, N).
    number : DataFrame
        Class of each cell, 1 for the lowest to k, shape (T, N).
    cuts : ndarray
        Upper bounds of all classes but the last, shape (k - 1,); a value on a bound lies below.
    counted : DataFrame
        Whether the transition into a cell counts, shape (T - 1, N).
    rule : ClassRule
    """

    relative: pd.DataFrame
    number: pd.DataFrame
    cuts: NDArray[np.float64]
    counted: pd.DataFrame
    rule: ClassRule

    @property
    def moves(self) -> int:
        """Transitions that count and lead to another class."""
        steps = np.diff(self.number.to_numpy(), axis=0) != 0
        return int((steps & self.counted.to_numpy()).sum())

    @property
    def note(self) -> str:
        """Years, classes, and transitions left out."""
        years = self.relative.index
        left = int((~self.counted.to_numpy()).sum())
        bounds = ", ".join(f"{cut:.2f}" for cut in self.cuts)
        return (
            f"{self.relative.shape[1]} units, {years[0]}–{years[-1]}, relative to the mean of the "
            f"units of each year; {self.rule.k} classes by {self.rule.words} (bounds {bounds}); "
            f"{int(self.counted.to_numpy().sum())} yearly transitions, {self.moves} of them to "
            "another class" + (f"; {left} across breaks left out." if left else ".")
        )


def relative(panel: pd.DataFrame, column: str) -> pd.DataFrame:
    """Divide each value by the mean of the units of its year.

    Parameters
    ----------
    panel : DataFrame
        Indexed (unit, year).
    column : str
        Positive levels.

    Returns
    -------
    DataFrame
        ``y_it / mean_i(y_it)``, shape (T, N).

    Raises
    ------
    PanelError
        If values are missing or not positive.

    Notes
    -----
    Units weigh the same: the mean of units, not the value of the circle.

    Examples
    --------
    >>> panel = pd.DataFrame(
    ...     {"y": [1.0, 3.0]},
    ...     index=pd.MultiIndex.from_product([["a", "b"], [2001]], names=["unit", "year"]),
    ... )
    >>> relative(panel, "y").loc[2001].to_dict()
    {'a': 0.5, 'b': 1.5}
    """
    table = positive(panel, column)
    return table.div(table.mean(axis="columns"), axis="index")


def income_classes(
    panel: pd.DataFrame, column: str, *, rule: ClassRule | None = None, breaks: str | None = None
) -> IncomeClasses:
    """Cut relative values into classes that are the same in all years.

    Parameters
    ----------
    panel : DataFrame
        Indexed (unit, year).
    column : str
        Positive levels, for example ``"gdp_pc"``.
    rule : ClassRule, optional
        Number and cuts of classes.
    breaks : str, optional
        Column that is true where a value must not be compared with the year before; transitions
        into such cells are left out, and counted in the note.

    Returns
    -------
    IncomeClasses

    Raises
    ------
    PanelError
        If values are missing or not positive, fewer than two years or gaps between them, or
        `breaks` holds missing values.
    IdentificationError
        If the values do not fill the classes.

    Notes
    -----
    `mapclassify.FisherJenks` is exact (checked against all partitions at n = 16).

    Examples
    --------
    >>> import ccec_econ as ce
    >>> classes = income_classes(ce.data.load_panel(years=(2010, 2022)), "gdp_pc")
    >>> classes.number.loc[2022, ["510100", "511300"]].tolist()
    [3, 1]
    """
    chosen = rule or ClassRule()
    table = consecutive(relative(panel, column), f"classes of '{column}'", _FEWEST_YEARS)
    cuts = chosen.bounds(table.to_numpy().ravel())
    number = pd.DataFrame(classify(table.to_numpy(), cuts) + 1, table.index, table.columns)
    return IncomeClasses(table, number, cuts, _counted(panel, table, breaks), chosen)


def classify(values: NDArray[np.float64], cuts: NDArray[np.float64]) -> Counts:
    """Class of each value, 0 for the lowest; a value on a bound lies below it."""
    return np.searchsorted(cuts, values, side="left")


def count(own: Counts, lag: Counts, counted: NDArray[np.bool_], sizes: tuple[int, int]) -> Counts:
    """Count transitions by class of the lag, shape (m, k, k), from classes of shape (T, N)."""
    m, k = sizes
    cell = (lag[:-1] * k + own[:-1]) * k + own[1:]
    return np.bincount(cell[counted], minlength=m * k * k).reshape(m, k, k)


def _counted(panel: pd.DataFrame, table: pd.DataFrame, breaks: str | None) -> pd.DataFrame:
    if breaks is None:
        return pd.DataFrame(True, table.index[1:], table.columns)
    flags = by_year(panel, breaks)
    unknown = flags.columns[flags.isna().any()]
    if len(unknown):
        raise PanelError(
            f"breaks '{breaks}': missing for {first_five(unknown)}; give true or false everywhere."
        )
    return flags.iloc[1:] == 0
