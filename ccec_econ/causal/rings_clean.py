"""Which units are clean, untreated and far from treatment, and what they identify."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.causal.design import Design
from ccec_econ.causal.rings_estimate import TwoSets, two_sets
from ccec_econ.causal.rings_exposure import Exposure
from ccec_econ.errors import first_five

__all__ = ["Identification", "by_exposure", "by_period", "identification"]


@dataclass(frozen=True, slots=True)
class Identification:
    """What the clean cells, untreated with no treated unit within the last edge, identify.

    Attributes
    ----------
    clean_units : Series
        Clean units by period.
    never_near : tuple
        Units clean in every period.
    periods_without : tuple of int
        Periods in which no unit is clean: their effect cannot be fitted without assuming how
        spillovers move over time.
    units_without : tuple
        Units that are never clean: what they would have been is not known.
    cells : DataFrame
        By state (clean, treated, each ring): unit-periods, those whose unit and period effect the
        clean cells separate (`reached`), units, and units reached.
    total : bool
        Whether any treated cell is reached.
    """

    clean_units: pd.Series
    never_near: tuple[Hashable, ...]
    periods_without: tuple[int, ...]
    units_without: tuple[Hashable, ...]
    cells: pd.DataFrame
    total: bool

    def sentences(self) -> tuple[str, ...]:
        """Say what is clean and what is not, for the foot of a table."""
        counts = self.clean_units
        out = [
            f"Clean units (untreated, no treated unit within the last edge): {counts.iloc[0]} in "
            f"{counts.index[0]}, {counts.iloc[-1]} in {counts.index[-1]}; {len(self.never_near)} "
            "in every period."
        ]
        if self.periods_without:
            out.append(f"No unit is clean in {first_five(self.periods_without)}.")
        if self.units_without:
            out.append(
                f"{len(self.units_without)} units are never clean and have no effect of their "
                f"own from clean cells: {first_five(self.units_without)}."
            )
        lost = self.cells.loc["treated"]
        if lost["reached"] < lost["cells"]:
            out.append(
                f"Clean cells reach {lost['reached']} of {lost['cells']} treated unit-periods "
                f"and {lost['units_reached']} of {lost['units']} treated units."
            )
        return tuple(out)


def identification(design: Design, seen: Exposure) -> Identification:
    """Count clean cells and what their unit and period effects reach."""
    clean = ~design.treated & ~seen.exposed
    reached = by_period(design, clean).reached
    units, periods = design.panel.units, design.periods
    states = {"clean": clean, "treated": design.treated}
    for j, label in enumerate(seen.labels):
        states[label] = ~design.treated & (seen.ring == j)
    cells = pd.DataFrame.from_dict(
        {name: _counts(where, reached) for name, where in states.items()}, orient="index"
    )
    counts = pd.Series(clean.sum(axis=1), pd.Index(periods, name=design.panel.time_name))
    return Identification(
        clean_units=counts.rename("clean_units"),
        never_near=tuple(units[clean.all(axis=0)]),
        periods_without=tuple(int(t) for t in periods[~clean.any(axis=1)]),
        units_without=tuple(units[~clean.any(axis=0)]),
        cells=cells.rename_axis("state"),
        total=bool((design.treated & reached).any()),
    )


def by_period(design: Design, on: NDArray[np.bool_]) -> TwoSets:
    """Prepare unit and period effects on a set of cells (T, N)."""
    T, N = design.y.shape
    return two_sets(np.repeat(np.arange(T)[:, None], N, axis=1), on)


def by_exposure(design: Design, seen: Exposure, on: NDArray[np.bool_]) -> TwoSets:
    """Prepare unit effects and effects of every exposure in every period."""
    periods = np.arange(len(design.y))[:, None]
    return two_sets(periods * len(seen.edges) + seen.ring, on)


def _counts(where: NDArray[np.bool_], reached: NDArray[np.bool_]) -> dict[str, int]:
    both = where & reached
    return {
        "cells": int(where.sum()),
        "reached": int(both.sum()),
        "units": int(where.any(axis=0).sum()),
        "units_reached": int(both.any(axis=0).sum()),
    }
