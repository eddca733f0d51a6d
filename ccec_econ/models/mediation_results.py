"""Results of a mediation: effects by quantity, and the equations behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from ccec_econ.inference.effects import NAMES
from ccec_econ.models.results import SpatialPanelResults
from ccec_econ.typeset import Printed, Table, interval, number

__all__ = ["QUANTITIES", "Mediation"]

QUANTITIES = ("on mediator", "through", "controlled", "total", "eliminated")
_SAID = {
    "on mediator": "On the mediator",
    "through": "Through the mediator",
    "controlled": "Mediator held",
    "total": "In all",
    "eliminated": "In all less held",
}
_IGNORABLE = (
    "A causal reading needs sequential ignorability: nothing left out moves treatment and outcome, "
    "nor mediator and outcome. Observed panels of places do not grant it; the split describes."
)


@dataclass(frozen=True, slots=True, repr=False)
class Mediation(Printed):
    """Effects of treatments split by a mediator.

    Attributes
    ----------
    frame : DataFrame
        Indexed (term, quantity, effect): estimate, std_error, lower and upper, the percentile
        interval. Quantities are "on mediator", in its units; "through" it; "controlled", the
        mediator held; "total"; and "eliminated", total less controlled. Effects are "direct",
        "indirect" and "total".
    mediator : str
    between : tuple of str
        Columns held when the effect of the mediator was estimated.
    total, outcome, first : SpatialPanelResults
        Equations of the outcome without and with the mediator, and of the mediator.
    draws, failed : int
        Bootstrap samples behind the intervals, and those that could not be fitted.
    level : float
    """

    frame: pd.DataFrame
    mediator: str
    between: tuple[str, ...]
    total: SpatialPanelResults
    outcome: SpatialPanelResults
    first: SpatialPanelResults
    draws: int
    failed: int
    level: float

    def summary(
        self,
        *,
        labels: Mapping[str, str] | None = None,
        notes: Sequence[str] = (),
        digits: int = 3,
    ) -> Table:
        """Table of total effects of each treatment by quantity, direct ones beside them.

        Parameters
        ----------
        labels : mapping, optional
            Printed names of terms.
        notes : sequence of str
            Sentences to add beneath.
        """
        names = labels or {}
        rows: list[tuple[str, ...]] = []
        terms = [str(term) for term in self.frame.index.unique("term")]
        shape = (len(terms), len(QUANTITIES), len(NAMES), 3)
        every = self.frame[["estimate", "lower", "upper"]].to_numpy().reshape(shape)
        for term, values in zip(terms, every, strict=True):
            for place, quantity in enumerate(QUANTITIES):
                cells = []
                for effect in ("direct", "total"):
                    value, lower, upper = values[place, NAMES.index(effect)]
                    cells += [number(value, digits), interval(lower, upper, digits)]
                stub = names.get(term, term) if place == 0 else ""
                rows.append((stub, _SAID[quantity], *cells))
        percent = f"{100 * self.level:g} %"
        return Table(
            title=f"What runs through {names.get(self.mediator, self.mediator)}",
            columns=("Treatment", "Effect", "Direct", percent, "Total", percent),
            rows=tuple(rows),
            rules=frozenset(range(len(QUANTITIES), len(rows), len(QUANTITIES))),
            notes=(*self.notes(labels=names), *notes),
            text_columns=frozenset({1}),
        )

    def notes(self, *, labels: Mapping[str, str] | None = None) -> tuple[str, ...]:
        """Sentences for the foot of a table."""
        names = labels or {}
        T, N = self.outcome.estimate.y.shape
        lost = f"; {self.failed} could not be fitted" if self.failed else ""
        held = [names.get(name, name) for name in self.between]
        return (
            f"{self.outcome.model.upper()}, N = {N}, T = {T}. Mediator held: sequential "
            "g-estimation. Through the mediator: product of the matrices of effects.",
            *((f"Between treatment and mediator: {', '.join(held)}.",) if held else ()),
            f"Percentile intervals from {self.draws:,} samples, residuals of whole units drawn "
            f"together from all equations{lost}.",
            _IGNORABLE,
        )
