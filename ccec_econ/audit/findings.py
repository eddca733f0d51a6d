"""What a finding of the audit is, and the table of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields

import pandas as pd

from ccec_econ.typeset import Printed, Table, number

__all__ = ["Finding", "Findings"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One number of other software, and the right one.

    Attributes
    ----------
    id : int
        Number in the list of slips; several findings may illustrate one.
    software, version : str
        What was run or read.
    where : str
        Function of that software.
    what : str
        What it computes, in one sentence.
    quantity, data : str
        The number compared, and the panel.
    wrong : float
        The number, repeated here.
    right : float
        The same number as it should be.
    published : float or None
        What the software printed, where that was kept.
    digits : int
        Decimals of `published`.
    source : str
        Where `published`, or the reading of the code, comes from.
    """

    id: int
    software: str
    version: str
    where: str
    what: str
    quantity: str
    data: str
    wrong: float
    right: float
    published: float | None
    digits: int
    source: str

    @property
    def repeats(self) -> bool:
        """Whether `wrong` is `published` to its digits; False where nothing was published."""
        if self.published is None:
            return False
        return abs(self.wrong - self.published) <= 0.5 * 10.0**-self.digits * (1.0 + 1e-6)


@dataclass(frozen=True, slots=True, repr=False)
class Findings(Printed):
    """The findings in the order of their numbers."""

    items: tuple[Finding, ...]

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    @property
    def frame(self) -> pd.DataFrame:
        """One row per finding, columns as in `Finding`."""
        names = [field.name for field in fields(Finding)]
        return pd.DataFrame([astuple(item) for item in self.items], columns=names)

    def summary(self, digits: int = 4) -> Table:
        """Table of the findings, a rule above each slip."""
        ids = [item.id for item in self.items]
        new = [i == 0 or ids[i] != ids[i - 1] for i in range(len(ids))]
        rows = tuple(
            (
                f"{item.software} {item.version}, {item.where}" if first else "",
                item.what if first else "",
                f"{item.quantity} ({item.data})",
                number(item.wrong, digits),
                "" if item.published is None else number(item.published, min(item.digits, digits)),
                number(item.right, digits),
            )
            for item, first in zip(self.items, new, strict=True)
        )
        return Table(
            title="What other software computes",
            columns=("Software", "What it does", "Number", "Repeated", "Printed", "Right"),
            rows=rows,
            rules=frozenset(i for i, first in enumerate(new) if first and i),
            notes=(
                "Repeated: computed here from this package's pieces, put together as that version "
                "does. Printed: what the software printed, where that was kept (log-determinants: "
                "a separate computation). Cigarettes: 46 US states, 1963-1992; simulated: 16 "
                "units, 12 periods, true ρ = 0.5. Later versions may differ.",
                "Not here: log marginal likelihoods, which belong to Bayesian comparison.",
            ),
            text_columns=frozenset({1, 2}),
        )
