"""A staggered design: an outcome by unit and period, and the period in which treatment begins."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.errors import AlignmentError, IdentificationError, PanelError, first_five
from ccec_econ.panel import Panel

__all__ = [
    "AlreadyTreated",
    "Controls",
    "Design",
    "adoption_from",
    "finite_column",
    "first_treated",
    "staggered_design",
]

AlreadyTreated = Literal["refuse", "leave_out"]
Controls = Literal["not_yet_treated", "never_treated"]


@dataclass(frozen=True, slots=True, repr=False)
class Design:
    """An outcome and the first treated period of every unit; treatment stays on.

    Attributes
    ----------
    outcome : str
        Name of the outcome.
    panel : Panel
        The sample, without units left out.
    y : ndarray, shape (T, N)
        Outcome by period and unit.
    adoption : ndarray, shape (N,)
        First treated period; infinite where no treatment is known.
    left_out : tuple
        Units treated in every period of the panel, which cannot be compared with themselves before.
    anticipation : int
        Periods before adoption in which outcomes may already answer to it. The base period is
        g - 1 - anticipation, and a unit counts as untreated until then.
    """

    outcome: str
    panel: Panel
    y: NDArray[np.float64]
    adoption: NDArray[np.float64]
    left_out: tuple[Hashable, ...]
    anticipation: int = 0

    def __repr__(self) -> str:
        """One line: outcome and size."""
        T, N = self.y.shape
        return f"<Design {self.outcome}: {N} units, {int(self.ever.sum())} treated, {T} periods>"

    @property
    def periods(self) -> NDArray[np.int64]:
        """Periods as integers, shape (T,)."""
        return self.panel.times.to_numpy(dtype=np.int64)

    @property
    def treated(self) -> NDArray[np.bool_]:
        """Whether a unit is treated in a period, shape (T, N)."""
        return self.periods[:, None] >= self.adoption

    @property
    def base(self) -> int:
        """Event time of the base period, -1 without anticipation."""
        return -1 - self.anticipation

    @property
    def last_compared(self) -> int:
        """Last period in which some unit is untreated: effects later than this have no controls."""
        latest = self.adoption.max() - 1.0 - self.anticipation
        return int(min(latest, float(self.periods[-1])))

    @property
    def ever(self) -> NDArray[np.bool_]:
        """Whether a unit is treated within the panel, shape (N,)."""
        return self.adoption <= float(self.periods[-1])

    @property
    def cohorts(self) -> pd.Series[int]:
        """Number of units by first treated period, those within the panel."""
        first, counts = np.unique(self.adoption[self.ever].astype(int), return_counts=True)
        return pd.Series(counts, index=pd.Index(first, name="adoption"), name="units")

    def until(self, last: int) -> Design:
        """Return the design cut after a period."""
        kept = self.panel.frame.index.get_level_values(0) <= last
        panel = Panel.from_frame(self.panel.frame[kept].swaplevel())
        return replace(self, panel=panel, y=self.y[: len(panel.times)])

    def clean_controls(self, controls: Controls = "not_yet_treated") -> pd.Series:
        """Count, by event time, the units that an effect is compared with.

        For a cohort g at event time e, units untreated in both the base period g - 1 and g + e
        (not-yet-treated) or untreated throughout the panel (never-treated), without anticipating
        either. Where several cohorts meet at one event time, the smallest count.

        Returns
        -------
        Series
            By event time; the base period is left out.
        """
        fewest: dict[int, int] = {}
        latest = float(self.periods[-1])
        for g in self.cohorts.index:
            for period in self.periods:
                e = int(period) - int(g)
                if e == self.base:
                    continue
                both = float(max(period, g + self.base))
                until = latest if controls == "never_treated" else both + self.anticipation
                clean = int(np.count_nonzero((self.adoption > until) & (self.adoption != g)))
                fewest[e] = min(clean, fewest.get(e, clean))
        found = pd.Series(fewest, name="clean_controls", dtype=np.int64).sort_index()
        return found.rename_axis("event_time")


def staggered_design(
    data: pd.DataFrame,
    outcome: str,
    adoption: pd.Series,
    *,
    already: AlreadyTreated = "refuse",
    anticipation: int = 0,
) -> Design:
    """Check a panel and a series of first treated periods against each other.

    Parameters
    ----------
    data : DataFrame
        Indexed (unit, time), times integers.
    outcome : str
        Column of the data.
    adoption : Series
        First treated period by unit, missing where a unit is never treated as far as known. Dates
        after the last period are kept: such units are untreated in the panel. Treatment does not
        switch off.
    already : {"refuse", "leave_out"}
        What to do with units treated in the first period or before: refuse, or leave them out and
        say so in `Design.left_out`.
    anticipation : int
        Periods before adoption that do not count as untreated.

    Raises
    ------
    PanelError
        If the outcome is missing or not finite, periods are not consecutive integers, anticipation
        is negative, or units are treated from the first period on and `already` refuses.
    AlignmentError
        If a unit of the data is not in the index of `adoption`, or twice.
    IdentificationError
        If no unit is treated within the panel, or none is untreated in it at any treated period.

    Examples
    --------
    >>> index = pd.MultiIndex.from_product([["a", "b", "c"], [1, 2, 3]], names=["unit", "year"])
    >>> data = pd.DataFrame({"y": range(9)}, index=index)
    >>> design = staggered_design(data, "y", pd.Series({"a": 2, "b": 3, "c": None}))
    >>> design.cohorts.to_dict(), design.clean_controls().to_dict()
    ({2: 1, 3: 1}, {-2: 1, 0: 1, 1: 1})
    """
    panel = Panel.from_frame(data)
    _refuse_calendar(panel.times)
    if anticipation < 0:
        raise PanelError(f"anticipation {anticipation}: give a number of periods, 0 for none.")
    first = first_treated(adoption, panel.units)
    if panel.times[0] > 1 and np.isin(first, (0.0, 1.0)).any():
        raise AlignmentError(
            f"adoption holds 0 or 1 and the panel begins in {panel.times[0]}: give the first "
            "treated period of each unit, missing (not 0) where it is never treated; "
            "ce.causal.adoption_from makes them of a column of zeros and ones."
        )
    early = first - anticipation <= float(panel.times[0])
    left_out = tuple(panel.units[early])
    if left_out and already == "refuse":
        raise PanelError(
            f"treated from the first period {panel.times[0]} on, or before: {first_five(left_out)} "
            f"({len(left_out)} units); they have no period before treatment. Start the panel "
            "earlier, or say already='leave_out'. Units never treated are missing in adoption."
        )
    if left_out:
        kept = ~panel.frame.index.get_level_values(1).isin(left_out)
        panel = Panel.from_frame(panel.frame[kept].swaplevel())
        first = first[~early]
    design = Design(outcome, panel, finite_column(panel, outcome), first, left_out, anticipation)
    _refuse_unidentified(design)
    return design


def adoption_from(data: pd.DataFrame, column: str) -> pd.Series[int]:
    """Return the first treated period of every unit from a column of zeros and ones.

    Parameters
    ----------
    data : DataFrame
        Indexed (unit, time).
    column : str
        1 from the first treated period on.

    Returns
    -------
    Series
        By unit, missing where the column is zero throughout.

    Raises
    ------
    PanelError
        If the column is absent, holds other values, or goes from 1 back to 0.

    Examples
    --------
    >>> index = pd.MultiIndex.from_product([["a", "b", "c"], [1, 2]], names=["unit", "year"])
    >>> adoption_from(pd.DataFrame({"open": [0, 1, 0, 0, 1, 1]}, index=index), "open").tolist()
    [2, <NA>, 1]
    """
    panel = Panel.from_frame(data)
    status = finite_column(panel, column)
    if not np.isin(status, (0.0, 1.0)).all():
        strange = np.unique(status[~np.isin(status, (0.0, 1.0))])
        raise PanelError(
            f"{column}: holds {first_five(strange)}; a treatment that begins is 0 or 1. A share of "
            "the year needs a rule first, such as exposed at least half of the year."
        )
    off = (np.diff(status, axis=0) < 0.0).any(axis=0)
    if off.any():
        raise PanelError(
            f"{column}: treatment switches off in {first_five(panel.units[off])}; these designs "
            "need treatment that stays on. Model such units with a regression instead."
        )
    first = pd.array(panel.times.to_numpy()[status.argmax(axis=0)], dtype="Int64")
    first[status.max(axis=0) == 0.0] = pd.NA
    return pd.Series(first, index=panel.units, name="adoption")


def finite_column(panel: Panel, name: str) -> NDArray[np.float64]:
    """Return a column of a panel as an array (T, N), refusing gaps.

    Raises
    ------
    PanelError
        If there is no such column, or it is missing or infinite somewhere.
    """
    if name not in panel.frame:
        raise PanelError(f"'{name}' is no column; the data have {first_five(panel.frame.columns)}.")
    values = panel.cube(panel.frame[name].to_numpy(dtype=np.float64, na_value=np.nan))
    bad = ~np.isfinite(values)
    if bad.any():
        cells = panel.cells(bad.reshape(-1))
        raise PanelError(
            f"{name}: missing or infinite in {first_five(cells)}; cut the sample to units and "
            "periods with figures."
        )
    return values


def _refuse_calendar(times: pd.Index) -> None:
    if times.dtype.kind not in "iu" or not (np.diff(times.to_numpy()) == 1).all():
        text = " (these are text)" * (times.dtype.kind not in "iuf")
        raise PanelError(
            f"periods {first_five(times)}{text}: event time needs consecutive integers; use years "
            "without gaps, or number the periods."
        )


def first_treated(adoption: pd.Series, units: pd.Index) -> NDArray[np.float64]:
    """First treated period of the units asked for, shape (N,), infinite where missing.

    Raises
    ------
    AlignmentError
        If a unit is not in the index of `adoption`, or twice, or a period is no whole number.
    """
    _refuse_no_years(adoption)
    if not adoption.index.is_unique:
        twice = adoption.index[adoption.index.duplicated()]
        raise AlignmentError(f"adoption names {first_five(twice)} more than once; keep one row.")
    unknown = units.difference(adoption.index)
    if len(unknown):
        raise AlignmentError(
            f"adoption says nothing of {first_five(unknown)} ({len(unknown)} units); give every "
            "unit a row, missing where it is never treated."
        )
    first = (
        pd.to_numeric(adoption.reindex(units)).astype("Float64").to_numpy(float, na_value=np.inf)
    )
    known = first[np.isfinite(first)]
    if (known % 1.0).any():
        raise AlignmentError("adoption holds fractions; first treated periods are whole numbers.")
    return np.where(np.isnan(first), np.inf, first)


def _refuse_no_years(adoption: object) -> None:
    """Refuse what is no series of whole numbers by unit."""
    if not isinstance(adoption, pd.Series):
        raise AlignmentError(
            f"adoption of type {type(adoption).__name__}: give a Series of first treated periods "
            "by unit, missing where never; ce.causal.adoption_from makes one of a column of zeros "
            "and ones."
        )
    if adoption.index.nlevels > 1:
        raise AlignmentError(
            "adoption is indexed by unit and period: give one first treated period per unit; "
            "ce.causal.adoption_from makes them of a column of zeros and ones."
        )
    if isinstance(adoption.dtype, pd.PeriodDtype) or adoption.dtype.kind in "Mm":
        raise AlignmentError(
            "adoption holds dates: give the period in which treatment begins to count, such as "
            "adoption.dt.year, as whole numbers."
        )
    if pd.api.types.is_bool_dtype(adoption.dtype):
        raise AlignmentError(
            "adoption holds true and false: give the first treated period of each unit, missing "
            "where never."
        )


def _refuse_unidentified(design: Design) -> None:
    if not design.ever.any():
        raise IdentificationError(
            f"no unit is treated between {design.periods[0]} and {design.periods[-1]}; check the "
            "dates or the sample."
        )
    first = design.adoption[design.ever].min()
    if design.last_compared < first:
        raise IdentificationError(
            f"every unit is treated from {int(first)} on: none is never or not yet treated, so "
            "there is nothing to compare with. Add units that are treated later or not at all."
        )
