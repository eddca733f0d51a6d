"""What a hypothesis test returns, and several of them side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from ccec_econ.errors import FormulaError, first_five
from ccec_econ.typeset import Printed, Table, number

__all__ = [
    "Outcome",
    "Outcomes",
    "chi2",
    "f_test",
    "inapplicable",
    "normal",
    "simulated",
    "to_table",
]

_COLUMNS = ("Test", "Null hypothesis", "Statistic", "Reference", "P-value")
_FEWEST = 19  # draws below which a simulated p-value cannot reach 5 %


@dataclass(frozen=True, slots=True, repr=False)
class Outcome:
    """Outcome of one hypothesis test.

    Attributes
    ----------
    name, null : str
        The test and what it takes for granted until the data object.
    statistic : float
        NaN where the test does not apply.
    distribution : str
        Reference, such as "chi2(1)" or "Monte Carlo, 999 draws"; empty where there is none.
    pvalue : float
        NaN where the test does not apply, or no reference distribution exists.
    reason : str
        Why the test does not apply; empty where it does.
    note : str
        Convention of this test, one sentence.
    """

    name: str
    null: str
    statistic: float
    distribution: str
    pvalue: float
    reason: str = ""
    note: str = ""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"

    def __str__(self) -> str:
        if self.reason:
            return f"{self.name}: not applicable: {self.reason}"
        p = "no p-value" if np.isnan(self.pvalue) else f"p = {number(self.pvalue, 3)}"
        reference = f", {self.distribution}" if self.distribution else ""
        return f"{self.name}: {number(self.statistic, 3)}{reference}, {p}; null: {self.null}"

    @property
    def applies(self) -> bool:
        """Whether the test could be computed and means something here."""
        return not self.reason


@dataclass(frozen=True, slots=True, repr=False)
class Outcomes(Printed):
    """Several outcomes on one sample.

    Attributes
    ----------
    title : str
    outcomes : tuple of Outcome
    notes : tuple of str
        Sentences beneath the table.
    """

    title: str
    outcomes: tuple[Outcome, ...]
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Outcome]:
        return iter(self.outcomes)

    def __len__(self) -> int:
        return len(self.outcomes)

    def __getitem__(self, name: str) -> Outcome:
        for outcome in self.outcomes:
            if outcome.name == name:
                return outcome
        raise FormulaError(
            f"no test {name!r}; there are {first_five([o.name for o in self.outcomes])}."
        )

    @property
    def frame(self) -> pd.DataFrame:
        """One row per test, indexed by name."""
        fields = ("name", "null", "statistic", "distribution", "pvalue", "reason")
        rows = [[getattr(outcome, field) for field in fields] for outcome in self.outcomes]
        return pd.DataFrame(rows, columns=list(fields)).set_index("name")

    def summary(self) -> Table:
        """Table with notes and the reasons of tests that do not apply beneath."""
        return to_table(self.outcomes, title=self.title, notes=self.notes)


def to_table(
    outcomes: Sequence[Outcome], *, title: str = "Tests", notes: Sequence[str] = ()
) -> Table:
    """Set outcomes side by side; reasons and conventions go beneath, each once."""
    rows = tuple(
        (
            o.name,
            o.null,
            number(o.statistic, 3),
            o.distribution if o.applies else "not applicable",
            number(o.pvalue, 3),
        )
        for o in outcomes
    )
    beneath = [f"{o.name}: {o.reason}." for o in outcomes if o.reason]
    beneath += [o.note for o in outcomes if o.note]
    return Table(
        title=title,
        columns=_COLUMNS,
        rows=rows,
        notes=tuple(dict.fromkeys([*notes, *beneath])),
        text_columns=frozenset({1, 3}),
    )


def chi2(name: str, null: str, statistic: float, df: int, note: str = "") -> Outcome:
    """Refer a statistic to chi2(df)."""
    return Outcome(
        name, null, statistic, f"chi2({df})", float(stats.chi2.sf(statistic, df)), "", note
    )


def f_test(
    name: str, null: str, statistic: float, df: tuple[int, float], note: str = ""
) -> Outcome:
    """Refer a statistic to F(df)."""
    p = float(stats.f.sf(statistic, *df))
    return Outcome(name, null, statistic, f"F({df[0]}, {round(df[1], 1):g})", p, "", note)


def normal(name: str, null: str, statistic: float, note: str = "") -> Outcome:
    """Refer a statistic to the standard normal, both sides."""
    return Outcome(
        name, null, statistic, "N(0, 1)", float(2 * stats.norm.sf(abs(statistic))), "", note
    )


def simulated(
    name: str, null: str, statistic: float, *, exceed: int, draws: int, how: str, note: str = ""
) -> Outcome:
    """Refer a statistic to its own simulated distribution.

    Parameters
    ----------
    exceed : int
        Draws at least as extreme as the statistic; p = (1 + exceed) / (1 + draws).
    how : str
        "Monte Carlo", "permutation" or "bootstrap".

    Raises
    ------
    ValueError
        If there are too few draws for a p-value of 5 %.
    """
    if draws < _FEWEST:
        raise ValueError(
            f"draws = {draws}: the smallest p-value is 1 / (1 + draws), so 5 % is out of reach; "
            f"give at least {_FEWEST}, better 999."
        )
    p = (1 + exceed) / (1 + draws)
    return Outcome(name, null, statistic, f"{how}, {draws} draws", p, "", note)


def inapplicable(name: str, null: str, reason: str) -> Outcome:
    """Say why a test is not reported."""
    return Outcome(name, null, np.nan, "", np.nan, reason)
