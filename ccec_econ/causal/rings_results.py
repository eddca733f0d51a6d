"""Estimates by ring, the naive one beside, and how they are printed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ccec_econ.causal.design import Design
from ccec_econ.causal.rings_clean import Identification
from ccec_econ.causal.rings_estimate import Linear, Term
from ccec_econ.causal.rings_exposure import Exposure
from ccec_econ.causal.rings_variance import Errors, Ringed, errors
from ccec_econ.typeset import Printed, Table, interval, number

__all__ = ["TREATED", "Columns", "Effect", "Method", "Rings", "measured"]

Method = Literal["two_stage", "twfe"]
Effect = Literal["total", "switching"]

TREATED = "treated"
"""Term of the treated; it is printed by the name of the effect that it estimates."""

type Columns = dict[Term, NDArray[np.bool_]]
type _Row = tuple[NDArray[np.float64], NDArray[np.bool_]]  # slope over coefficients, cells

MEAN = "mean of rings"
_STAGES = {
    "two_stage": "Two stages: unit and {groups} effects from {cells} cells, then means of others.",
    "twfe": "One regression with unit and {groups} effects on all cells, reached by clean ones or "
    "not; effects are taken not to differ by date.",
}


@dataclass(frozen=True, slots=True, repr=False)
class Rings(Printed):
    """Effects on the treated and on those near them.

    Attributes
    ----------
    frame : DataFrame
        By term (and `event_time`, where estimates are split): ``estimate``, ``std_error``,
        ``df``, ``p_value``, ``lower``, ``upper``, and the ``units`` and ``cells`` behind it. Terms:
        ``naive``; ``total`` or ``switching``, with those of the treated by ring where asked; the
        rings; ``mean of rings``, over exposed cells.
    effect : {"total", "switching"}
        What the effect on the treated is.
    method : {"two_stage", "twfe"}
    bias : DataFrame or None
        How the naive estimate comes about, by term: ``weight`` that it puts on the term,
        ``estimate``, and their product ``part``; the last row, ``remainder``, closes the sum. None
        by event time, and for the switching effect.
    identification : Identification
    exposure : Exposure
    design : Design
    convention : str
        Of the standard errors.
    level : float
    """

    frame: pd.DataFrame
    effect: Effect
    method: Method
    bias: pd.DataFrame | None
    identification: Identification
    exposure: Exposure
    design: Design
    convention: str
    level: float

    @property
    def predicted(self) -> float:
        """Naive estimate by the bias identity: the total effect and weighted spillovers."""
        if self.bias is None:
            return float("nan")
        return float(self.bias["part"].drop("remainder").sum())

    @property
    def detectable(self) -> pd.Series:
        """Smallest effect that a test at 5 % finds with power 80 %, by term.

        (t_.975 + t_.8) standard errors, with the degrees of freedom of the term.
        """
        reach = stats.t.ppf(0.975, self.frame["df"]) + stats.t.ppf(0.8, self.frame["df"])
        return (reach * self.frame["std_error"]).rename("detectable")

    def summary(self, title: str | None = None, digits: int = 3) -> Table:
        """Estimates with standard errors and intervals, and what is clean beneath."""
        rows = []
        for name, row in zip(self._labels(), self.frame.to_dict("records"), strict=True):
            rows.append(
                (
                    name,
                    number(row["estimate"], digits),
                    number(row["std_error"], digits),
                    _interval(row["lower"], row["upper"], digits),
                    f"{row['units']:,.0f}",
                    f"{row['cells']:,.0f}",
                )
            )
        level = f"{100 * self.level:g} %"
        return Table(
            title=title or f"Effect of treatment on {self.design.outcome}, by distance to it",
            columns=("", "Estimate", "Std. error", level, "Units", "Unit-periods"),
            rows=tuple(rows),
            rules=frozenset({1}) if self.frame.index.nlevels == 1 else frozenset(),
            notes=self.notes(),
        )

    def notes(self) -> tuple[str, ...]:
        """Sentences for the foot of a table."""
        groups = "period" if self.effect == "total" else "exposure-by-period"
        cells = "clean" if self.effect == "total" else "untreated"
        out = [
            {
                "total": "Total: treated against clean units; own treatment and that of others.",
                "switching": "Switching: treated against untreated units at the same exposure, no "
                "total effect; spillovers are taken to be the same for both.",
            }[self.effect],
            _STAGES[self.method].format(groups=groups, cells=cells),
            f"Nothing is assumed to reach beyond {self.exposure.edges[-1]:g} "
            f"{self.exposure.metric}.",
            *self.identification.sentences(),
            f"Standard errors: {self.convention}.",
        ]
        lost = [
            name for name in self.exposure.labels if name not in self.frame.index.unique("term")
        ]
        if lost and self.effect == "total":
            out.append(f"No unit-period to estimate from in {', '.join(lost)}.")
        if self.design.left_out:
            out.append(
                f"{len(self.design.left_out)} units treated from the first period on are left out "
                "and expose others."
            )
        return tuple(out)

    def _labels(self) -> list[str]:
        if self.frame.index.nlevels == 1:
            return list(self.frame.index)
        return [f"{name}, {k:+d}" for name, k in self.frame.index]

    def headline(self) -> str:
        """Name the effects in one line."""
        pooled = self.frame.index.nlevels == 1
        if not pooled:
            return f"{self.effect} effect and rings by event time, {self.design.outcome}"
        parts = [
            f"{name} {number(value)}"
            for name, value in self.frame["estimate"].items()
            if name in ("naive", self.effect, MEAN)
        ]
        return f"{self.design.outcome}: {', '.join(parts)}"


def measured(
    design: Design,
    seen: Exposure,
    known: Identification,
    naive: tuple[Linear, Columns],
    fit: tuple[Linear, Columns],
    *,
    cov: Ringed,
    effect: Effect,
    method: Method,
    level: float,
) -> Rings:
    """Put the naive estimate, the estimates and their combinations in one frame.

    Parameters
    ----------
    design, seen, known
        Panel, exposure, and what is clean.
    naive, fit : (Linear, mapping of Term to ndarray of bool, shape (T, N))
        The naive fit and that with rings, each with the cells of its terms.
    cov, effect, method, level
        As in `rings`.
    """
    columns, units = fit[1], design.panel.units
    bare = {("naive", k): row for (_, k), row in _rows(naive[1]).items()}
    rows = _rows(columns)
    pooled = all(k is None for _, k in columns)
    if pooled:
        rows = _combined(rows, effect)
    named = {(_named(name, effect), k): row for (name, k), row in rows.items()}
    beside, found = (
        errors(one, cov, units, np.array([slope for slope, _ in shown.values()]))
        for (one, _), shown in ((naive, bare), (fit, named))
    )
    frame = pd.concat([_frame(bare, naive[0], beside, level), _frame(named, fit[0], found, level)])
    if pooled:
        frame = frame.droplevel("event_time")
    bias = _bias(naive[0], fit[0], columns) if pooled and effect == "total" else None
    return Rings(frame, effect, method, bias, known, seen, design, found.convention, level)


def _rows(columns: Columns) -> dict[Term, _Row]:
    """Every coefficient by itself, with its cells."""
    return dict(zip(columns, zip(np.eye(len(columns)), columns.values(), strict=True), strict=True))


def _combined(rows: dict[Term, _Row], effect: Effect) -> dict[Term, _Row]:
    """Add means over the treated and over exposed cells, and what others add to the treated."""
    treated = {term: row for term, row in rows.items() if term[0].startswith(TREATED)}
    rings = {term: row for term, row in rows.items() if term not in treated}
    out: dict[Term, _Row] = {}
    if (TREATED, None) not in treated:
        out[TREATED, None] = _mean(treated)
    out |= treated
    alone = [row for (name, _), row in treated.items() if name.startswith(f"{TREATED}, beyond")]
    if alone and effect == "total":
        for (name, _), row in treated.items():
            if row is not alone[0]:
                ring = name.removeprefix(f"{TREATED}, ")
                out[f"onto treated, {ring}", None] = (row[0] - alone[0][0], row[1])
    out |= rings
    if rings:
        out[MEAN, None] = _mean(rings)
    return out


def _mean(rows: dict[Term, _Row]) -> _Row:
    """Mean of coefficients over their cells."""
    slopes, masks = zip(*rows.values(), strict=True)
    cells = np.array([mask.sum() for mask in masks], dtype=np.float64)
    return cells / cells.sum() @ np.array(slopes), np.any(masks, axis=0)


def _frame(rows: dict[Term, _Row], fit: Linear, found: Errors, level: float) -> pd.DataFrame:
    """Estimates, errors, p-values and intervals of combinations of coefficients."""
    estimate = np.array([slope for slope, _ in rows.values()]) @ fit.estimate
    masks = [mask for _, mask in rows.values()]
    error = found.std_error
    reach = stats.t.ppf(0.5 + level / 2, found.df) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2.0 * stats.t.sf(np.abs(estimate / error), found.df)
    return pd.DataFrame(
        {
            "estimate": estimate,
            "std_error": error,
            "df": found.df,
            "p_value": p,
            "lower": estimate - reach,
            "upper": estimate + reach,
            "units": [int(mask.any(axis=0).sum()) for mask in masks],
            "cells": [int(mask.sum()) for mask in masks],
        },
        index=pd.MultiIndex.from_tuples(list(rows), names=["term", "event_time"]),
    )


def _bias(naive: Linear, fit: Linear, columns: Columns) -> pd.DataFrame:
    """Split the naive estimate over the terms by what the naive weights make of each."""
    weight = [float(naive.of(mask.astype(np.float64))[0]) for mask in columns.values()]
    index = pd.Index([_named(name, "total") for name, _ in columns], name="term")
    out = pd.DataFrame({"weight": weight, "estimate": fit.estimate}, index=index)
    out["part"] = out["weight"] * out["estimate"]
    out.loc["remainder"] = [np.nan, np.nan, float(naive.estimate[0]) - out["part"].sum()]
    return out


def _named(name: str, effect: Effect) -> str:
    """Print the treated by the name of the effect that is estimated on them."""
    return effect + name.removeprefix(TREATED) if name.startswith(TREATED) else name


def _interval(lower: float, upper: float, digits: int) -> str:
    return interval(lower, upper, digits) if np.isfinite(lower) else ""
