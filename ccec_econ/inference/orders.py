"""Effects by how many steps through the weights they took."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import block_diag

from ccec_econ.inference.effects import NAMES, SUMS
from ccec_econ.inference.group_blocks import Partition, group_map
from ccec_econ.inference.intervals import (
    BENEATH,
    Beneath,
    Intervals,
    cell_below,
)
from ccec_econ.inference.measure import EffectMap, Refits, effect_map, measure
from ccec_econ.inference.reduced_form import ReducedForm
from ccec_econ.inference.vcov import Vcov
from ccec_econ.inference.weighted_period import averages
from ccec_econ.typeset import Table, number

__all__ = ["OrderEffects", "effects_by_order"]

_BETWEEN = ("Term", "Order", "To")


@dataclass(frozen=True, slots=True, repr=False)
class OrderEffects(Intervals):
    """Effects of every regressor by powers of rho W.

    As `Intervals`, the frame indexed (term, order, effect), or (term, order, to, from) between
    groups. Orders are 0, 1, ..., Q, "beyond" (what higher orders add) and "all".
    """

    def wide(self, column: str = "estimate") -> pd.DataFrame:
        """One column of the frame with effects, or groups of origin, side by side."""
        heads = self.frame.index.unique(-1)
        values = self.frame[column].to_numpy().reshape(-1, len(heads))
        every = self.frame.index
        index = pd.MultiIndex.from_tuples(
            [key[:-1] for key in every[:: len(heads)]], names=every.names[:-1]
        )
        return pd.DataFrame(values, index=index, columns=heads)

    def summary(
        self,
        *,
        labels: Mapping[str, str] | None = None,
        digits: int = 4,
        title: str = "",
        beneath: Beneath = "error",
    ) -> Table:
        """Table of orders with an error or an interval beneath each effect.

        Parameters
        ----------
        labels : mapping, optional
            Printed names of terms.
        beneath : {"error", "delta", "simulation", "bootstrap"}
            Delta-method standard errors, or one of the intervals.

        Raises
        ------
        FormulaError
            If there is no such interval here.
        """
        value = self.wide()
        below = np.dstack([self.wide(column).to_numpy() for column in self.below(beneath)])
        between = value.index.nlevels == len(_BETWEEN)
        rows: list[tuple[str, ...]] = []
        before: tuple[str, ...] = ()
        for key, one, ends in zip(value.index, value.to_numpy(), below, strict=True):
            term, *rest = (str(level) for level in key)
            stubs = ((labels or {}).get(term, term), *rest)
            shown = ("" if stubs[: i + 1] == before[: i + 1] else stubs[i] for i in range(len(key)))
            rows.append((*shown, *(number(cell, digits) for cell in one)))
            rows.append((*("" for _ in key), *(cell_below(cell, digits) for cell in ends)))
            before = stubs
        heads = (f"From {head}" if between else str(head).capitalize() for head in value.columns)
        return Table(
            title=title or self._titled("Effects by order"),
            columns=(*(_BETWEEN if between else _BETWEEN[:2]), *heads),
            rows=tuple(rows),
            rules=frozenset(i for i, row in enumerate(rows) if i and row[0]),
            notes=(BENEATH[beneath], *self.notes(beneath)),
            text_columns=frozenset(range(1, value.index.nlevels)),
        )

    def notes(self, shown: Beneath | None = None) -> tuple[str, ...]:
        """Sentences for the foot of a table, of one interval or, by default, of all."""
        return (
            "Order q: what takes q steps through rho W; beyond: all higher orders.",
            *Intervals.notes(self, shown),
        )


def effects_by_order(
    form: ReducedForm,
    vcov: Vcov,
    part: Partition | None = None,
    *,
    orders: int = 8,
    level: float = 0.95,
    draws: int = 1000,
    rng: np.random.Generator,
    bootstrap: Refits | None = None,
) -> OrderEffects:
    """Split direct, indirect and total effects, or those between groups, by powers of rho W.

    Parameters
    ----------
    part : Partition, optional
        Groups of the units: then effects between them.
    orders : int
        Highest order listed, Q.
    level, draws, rng, bootstrap
        As in `measure.measure`.

    Raises
    ------
    ValueError
        If `orders` is negative, `level` not in (0, 1) or `draws` not positive.
    IdentificationError
        If abs(rho) times the spectral radius of W is 1 or more: the powers do not die out.

    Notes
    -----
    Order q of term k is R^q (b_k I + sum_m t_km X_m), R = sum_j rho_j W_j: rho^q (b_k W^q + t_k
    W^(q + 1)) with one W. The sum over q is S_k. Draws whose powers do not die out are replaced.

    References
    ----------
    LeSage and Pace (2009), Introduction to Spatial Econometrics, section 2.7.3.
    """
    mapped, combine, within = _cells(form.by_order(orders), part)
    found = measure(mapped, vcov, level=level, draws=draws, rng=rng, bootstrap=bootstrap)
    listed = [*range(orders + 1), "beyond", "all"]
    index = pd.MultiIndex.from_product(
        [[term.name for term in form.terms], listed, *within.values()],
        names=["term", "order", *within],
    )
    frame = found.frame(block_diag(*[combine] * len(listed)), index)
    return OrderEffects(frame, found.convention, form.reach.name() if form.is_dynamic else "")


def _cells(
    form: ReducedForm, part: Partition | None
) -> tuple[EffectMap, NDArray[np.float64], Mapping[str, Iterable[Hashable]]]:
    """Map of parameters to cells, combinations of the cells of one order, and their labels."""
    if part is None:
        return effect_map(form, averages), SUMS, {"effect": NAMES}
    G = len(part.table)
    blocks = np.eye(G * (G + 1)).reshape(G, G + 1, -1)[:, :-1].reshape(G * G, -1)
    labels = {"to": part.table.index, "from": part.table.index}
    return group_map(form, part, {})[1], blocks, labels
