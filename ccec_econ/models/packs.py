"""The small-sample pack of one estimate, and the packs of a family of hypotheses together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ccec_econ.errors import first_five
from ccec_econ.inference.contrast import DETECTABLE
from ccec_econ.inference.multiple import holm
from ccec_econ.inference.quantity import Quantity
from ccec_econ.typeset import Printed, Table, interval, number

__all__ = ["SmallSample", "SmallSamples"]

_SMALLEST = 0.001  # p-values below are not told apart

type Labels = Mapping[Hashable, str] | None
type _Cell = Callable[[SmallSample], str]


@dataclass(frozen=True, slots=True, repr=False)
class SmallSample(Printed):
    """The small-sample pack of one coefficient or effect.

    Attributes
    ----------
    term, quantity : str
    estimate, std_error : float
    null : float
        Value that the bootstrap tests.
    df : float or None
    N, T : int
        Units, which are the clusters, and periods.
    leave_one_out : Series
        Estimate without each unit, by unit; NaN where the refit failed.
    kept : tuple
        Units that were asked to stay in.
    leverage : Series
        Share of each unit in the variation that identifies the term; sums to one.
    pvalue : float
        Bootstrap p-value.
    bootstrap : str
        Which bootstrap.
    margin, pvalue_equivalence : float or None
        Distance from the null that does not count, and the p-value that the truth is farther.
    convention : str
        Covariance behind the standard error.
    remarks : tuple of str
        What else to say beneath a table: what was held, which effects these are.
    """

    term: str
    quantity: Quantity
    estimate: float
    std_error: float
    null: float
    df: float | None
    N: int
    T: int
    leave_one_out: pd.Series
    kept: tuple[Hashable, ...]
    leverage: pd.Series
    pvalue: float
    bootstrap: str
    margin: float | None
    pvalue_equivalence: float | None
    convention: str
    remarks: tuple[str, ...] = ()

    @property
    def clusters(self) -> int:
        """Units: what is independent, at best."""
        return self.N

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest estimate when one unit is left out."""
        return float(self.leave_one_out.min()), float(self.leave_one_out.max())

    @property
    def range_units(self) -> tuple[Hashable, Hashable]:
        """Units whose absence gives the ends of the range."""
        return self.leave_one_out.idxmin(), self.leave_one_out.idxmax()

    @property
    def largest_leverage(self) -> tuple[Hashable, float]:
        """Unit that identifies most of the term, and its share."""
        return self.leverage.idxmax(), float(self.leverage.max())

    @property
    def detectable(self) -> float:
        """Minimum detectable effect, 2.8 standard errors: power 80 % at the 5 % level."""
        return DETECTABLE * self.std_error

    @property
    def failed(self) -> tuple[Hashable, ...]:
        """Units without which the refit found no maximum."""
        return tuple(self.leave_one_out.index[self.leave_one_out.isna()])

    @property
    def refits(self) -> int:
        """Refits without one unit that found a maximum."""
        return int(self.leave_one_out.notna().sum())

    @property
    def turned(self) -> int:
        """Refits without one unit that stand on the other side of the null."""
        other = -np.sign(self.estimate - self.null)
        return int((np.sign(self.leave_one_out - self.null) == other).sum())

    def summary(self, *, labels: Labels = None, digits: int = 4) -> Table:
        """Table of the pack.

        Parameters
        ----------
        labels : mapping, optional
            Printed names of units.
        """
        low, high = (_name(unit, labels) for unit in self.range_units)
        unit, share = self.largest_leverage
        against = f", H0: {self.null:g}" if self.null else ""
        rows = [
            ("Estimate", number(self.estimate, digits), self.quantity),
            ("Standard error", number(self.std_error, digits), self.convention),
            ("Units, periods, clusters", f"{self.N}, {self.T}, {self.clusters}", ""),
            (
                "Range without one unit",
                interval(*self.range, digits),
                f"without {low}; without {high}",
            ),
            ("Largest leverage", f"{number(100 * share, 1)} %", _name(unit, labels)),
            ("Minimum detectable effect", number(self.detectable, digits), "2.8 standard errors"),
            (f"Bootstrap p-value{against}", number(self.pvalue, 3), self.bootstrap),
        ]
        if self.margin is not None and self.pvalue_equivalence is not None:
            from_null = f" from {self.null:g}" if self.null else ""
            inside = f"H0: the effect is {self.margin:g} or more{from_null} either way"
            rows.append(("Equivalence p-value", number(self.pvalue_equivalence, 3), inside))
        return Table(
            title=f"Small-sample pack: {self.term}",
            columns=("Quantity", "Value", "Detail"),
            rows=tuple(rows),
            notes=self.notes(labels=labels),
            text_columns=frozenset({2}),
        )

    def notes(self, *, labels: Labels = None) -> tuple[str, ...]:
        """Sentences for the foot of a table."""
        return (
            f"{self.turned} of {self.refits} refits without one unit stand on the other side of "
            f"{self.null:g}.",
            *_of_units(self.failed, self.kept, labels),
            *self.remarks,
        )


@dataclass(frozen=True, slots=True, repr=False)
class SmallSamples(Printed):
    """Packs of several hypotheses of one fit, with p-values adjusted for asking several times.

    Attributes
    ----------
    packs : tuple of SmallSample
        One per term.
    romano_wolf : Series
        Step-down p-values by term from the joint bootstrap.
    """

    packs: tuple[SmallSample, ...]
    romano_wolf: pd.Series

    def __getitem__(self, term: str) -> SmallSample:
        """Return the pack of one term."""
        return self.packs[[pack.term for pack in self.packs].index(term)]

    @property
    def holm(self) -> pd.Series:
        """Bootstrap p-values adjusted by Holm, by term."""
        return holm(pd.Series({pack.term: pack.pvalue for pack in self.packs}))

    @property
    def frame(self) -> pd.DataFrame:
        """One row per term.

        Columns quantity, estimate, std_error, p_bootstrap, p_holm, p_romano_wolf, lowest,
        without_lowest, highest, without_highest, turned, leverage, leverage_unit, detectable,
        margin, p_equivalence.
        """
        rows = {}
        for pack in self.packs:
            (low, high), (first, last) = pack.range, pack.range_units
            unit, share = pack.largest_leverage
            rows[pack.term] = {
                "quantity": pack.quantity,
                "estimate": pack.estimate,
                "std_error": pack.std_error,
                "p_bootstrap": pack.pvalue,
                "p_holm": float(self.holm[pack.term]),
                "p_romano_wolf": float(self.romano_wolf[pack.term]),
                "lowest": low,
                "without_lowest": first,
                "highest": high,
                "without_highest": last,
                "turned": pack.turned,
                "leverage": share,
                "leverage_unit": unit,
                "detectable": pack.detectable,
                "margin": np.nan if pack.margin is None else pack.margin,
                "p_equivalence": (
                    np.nan if pack.pvalue_equivalence is None else pack.pvalue_equivalence
                ),
            }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("term")

    def summary(
        self,
        *,
        title: str = "Small-sample packs",
        labels: Mapping[str, str] | None = None,
        units: Labels = None,
        notes: Sequence[str] = (),
        digits: int = 3,
    ) -> Table:
        """Table with one column per term; lines that no term fills are left out.

        Parameters
        ----------
        labels, units : mapping, optional
            Printed names of terms and of units.
        notes : sequence of str
            Sentences to add.
        """
        lines: list[tuple[str, ...]] = []
        for label, cell in self._lines(units, digits):
            cells = [cell(pack) for pack in self.packs]
            lines += [(label, *cells)] if any(cells) else []
        names = [(labels or {}).get(pack.term, pack.term) for pack in self.packs]
        return Table(
            title=title,
            columns=("", *names),
            rows=tuple(lines),
            notes=(*self.notes(units=units), *notes),
        )

    def notes(self, *, units: Labels = None) -> tuple[str, ...]:
        """Sentences for the foot of a table."""
        one = self.packs[0]
        what = {"coefficient": "Coefficients"}.get(
            one.quantity, f"{one.quantity.capitalize()} effects"
        )
        failed = dict.fromkeys(unit for pack in self.packs for unit in pack.failed)
        kept = dict.fromkeys(unit for pack in self.packs for unit in pack.kept)
        remarks = dict.fromkeys(remark for pack in self.packs for remark in pack.remarks)
        several = " Holm, Romano-Wolf: adjusted over the columns." * (len(self.packs) > 1)
        return (
            f"{what}; N = {one.N}, T = {one.T}, {one.clusters} clusters. Standard errors: "
            f"{one.convention}.",
            f"Bootstrap: {one.bootstrap}.{several}",
            "Detectable: minimum detectable effect, 2.8 standard errors. Leverage: share in the "
            "variation that identifies the term.",
            *(
                ("Equivalence: H0 that the effect is at least the margin away, either way.",)
                if any(pack.margin is not None for pack in self.packs)
                else ()
            ),
            *_of_units(failed, kept, units),
            *remarks,
        )

    def _lines(self, units: Labels, digits: int) -> tuple[tuple[str, _Cell], ...]:
        several = len(self.packs) > 1
        adjusted, joint = self.holm, self.romano_wolf

        def end(pack: SmallSample, at: int) -> str:
            unit = _name(pack.range_units[at], units)
            return f"{number(pack.range[at], digits)} ({unit})"

        def leverage(pack: SmallSample) -> str:
            unit, share = pack.largest_leverage
            return f"{number(100 * share, 0)} % ({_name(unit, units)})"

        return (
            ("Estimate", lambda p: number(p.estimate, digits)),
            ("Standard error", lambda p: number(p.std_error, digits)),
            ("Value tested", lambda p: f"{p.null:g}" if any(q.null for q in self.packs) else ""),
            ("Bootstrap p", lambda p: _p(p.pvalue)),
            ("Holm p", lambda p: _p(float(adjusted[p.term])) if several else ""),
            ("Romano-Wolf p", lambda p: _p(float(joint[p.term])) if several else ""),
            ("Detectable", lambda p: number(p.detectable, digits)),
            (
                "Equivalence margin",
                lambda p: "" if p.margin is None else number(p.margin, digits),
            ),
            (
                "Equivalence p",
                lambda p: "" if p.pvalue_equivalence is None else _p(p.pvalue_equivalence),
            ),
            ("Lowest, one unit left out", lambda p: end(p, 0)),
            ("Highest, one unit left out", lambda p: end(p, 1)),
            ("Refits on the other side", lambda p: f"{p.turned} of {p.refits}"),
            ("Largest leverage", leverage),
        )


def _of_units(
    failed: Iterable[Hashable], kept: Iterable[Hashable], labels: Labels
) -> tuple[str, ...]:
    """Name units without which there is no estimate, and those never left out."""
    lacking = first_five(_name(unit, labels) for unit in failed)
    stayed = first_five(_name(unit, labels) for unit in kept)
    return (
        *((f"No estimate without {lacking}.",) if lacking else ()),
        *((f"Never left out: {stayed}.",) if stayed else ()),
    )


def _name(unit: Hashable, labels: Labels) -> str:
    return (labels or {}).get(unit, str(unit))


def _p(value: float) -> str:
    return "< 0.001" if value < _SMALLEST else number(value, 3)
