"""Results of a staggered design: the overall effect, by event time and by cohort, and how got."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from ccec_econ.causal.design import Controls, Design
from ccec_econ.errors import first_five
from ccec_econ.typeset import Printed, Table, interval, number

__all__ = ["METHODS", "Estimates", "Method", "Staggered", "inferred"]

Method = Literal["callaway_santanna", "sun_abraham", "imputation", "twfe"]
METHODS: dict[Method, str] = {
    "callaway_santanna": "Callaway and Sant'Anna",
    "sun_abraham": "Sun and Abraham",
    "imputation": "Borusyak, Jaravel and Spiess",
    "twfe": "two-way fixed effects",
}


@dataclass(frozen=True, slots=True)
class Estimates:
    """What an estimator gives: point estimates and standard errors, without a reference.

    Attributes
    ----------
    overall : Series
        Estimate and se.
    event_study, by_cohort, cells : DataFrame
        Columns estimate and se, by event time, by cohort, and by (cohort, period).
    covariance : DataFrame or None
        Joint covariance of the event study, by event time.
    convention : str
        How the standard errors are made.
    remarks : tuple of str
        What a reader must know besides.
    """

    overall: pd.Series
    event_study: pd.DataFrame
    by_cohort: pd.DataFrame
    cells: pd.DataFrame
    covariance: pd.DataFrame | None
    convention: str
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Staggered(Printed):
    """Effects of a treatment that reaches units at different times.

    Attributes
    ----------
    method : str
        "callaway_santanna", "sun_abraham", "imputation" or "twfe".
    controls : str or None
        Whom the treated are compared with; None for "twfe", which uses the treated too.
    design : Design
        Sample, first treated periods, units left out.
    covariates : tuple of str
    overall : Series
        estimate, se, p, lower, upper: mean effect over treated unit-periods with clean controls
        (the coefficient of the treatment for "twfe").
    event_study : DataFrame
        By periods since adoption: estimate, se, p, lower, upper; cohorts and units that it is made
        of; controls, the smallest number of clean controls of those cohorts; lost, treated units
        at this event time without clean controls, whose effects nothing estimates. The base period
        stands with estimate 0 and no error; a row without an estimate has cohorts 0.
    by_cohort : DataFrame
        By first treated period: estimate, se, p, lower, upper, units; mean over its treated
        periods. Empty for "twfe".
    cells : DataFrame
        By (cohort, period): estimate and se. For "imputation" and "twfe" empty.
    covariance : DataFrame or None
        Joint covariance of the event study's estimates; None for "imputation".
    df : int
        Degrees of freedom of the t reference: units less one, units being the clusters.
    level : float
        Of the intervals.
    convention : str
    remarks : tuple of str
    """

    method: Method
    controls: Controls | None
    design: Design
    covariates: tuple[str, ...]
    overall: pd.Series
    event_study: pd.DataFrame
    by_cohort: pd.DataFrame
    cells: pd.DataFrame
    covariance: pd.DataFrame | None
    df: int
    level: float
    convention: str
    remarks: tuple[str, ...]

    @property
    def base(self) -> int:
        """Event time of the base period."""
        return self.design.base

    @property
    def weights(self) -> pd.Series:
        """Shares of the event times from 0 in the overall effect: treated units at each."""
        units = self.event_study.loc[self.event_study.index >= 0, "units"]
        return units[units > 0] / units.sum()

    def summary(self, digits: int = 3) -> Table:
        """Overall effect, effects by event time and by cohort, and what they rest on."""
        frame = self.event_study
        shown = frame[(frame["cohorts"] > 0) | (frame["lost"] > 0) | (frame.index == self.base)]
        body = [
            ("Overall", *_cells(self.overall, digits), "", "", ""),
            *(
                (f"Event time {e}", *self._event(int(str(e)), row, digits))
                for e, row in shown.iterrows()
            ),
            *(
                (f"Cohort {g}", *_cells(row, digits), "1", f"{row['units']:.0f}", "")
                for g, row in self.by_cohort.iterrows()
            ),
        ]
        return Table(
            f"Effect on {self.design.outcome}: {METHODS[self.method]}",
            (
                "",
                "Estimate",
                "Std. error",
                "p",
                f"{100 * self.level:g} % interval",
                "Cohorts",
                "Treated units",
                "Clean controls",
            ),
            tuple(body),
            rules=frozenset({1, 1 + len(shown)} - {len(body)}),
            notes=self.notes(),
        )

    def headline(self) -> str:
        """One line: method, effect and its interval."""
        effect = self.overall
        bounds = interval(effect["lower"], effect["upper"])
        return f"{METHODS[self.method]}: {number(effect['estimate'])} {bounds}"

    def notes(self) -> tuple[str, ...]:
        """Sample, controls, base period and reference distribution, in sentences."""
        design = self.design
        T, N = design.y.shape
        cohorts = design.cohorts
        said = [
            f"{N} units ({int(design.ever.sum())} treated within the panel, in {len(cohorts)} "
            f"cohorts of {cohorts.min()} to {cohorts.max()}), {T} periods "
            f"{design.periods[0]}-{design.periods[-1]}.",
            self._compared(),
            f"Standard errors: {self.convention}; {N} clusters (units), t({self.df}).",
        ]
        if self.covariates:
            said.append(f"Covariates: {', '.join(self.covariates)}.")
        if design.left_out:
            said.append(
                f"Left out, treated before they could be compared with themselves: "
                f"{first_five(design.left_out)} ({len(design.left_out)} units)."
            )
        lost = self.event_study["lost"]
        if lost.any():
            times = ", ".join(str(e) for e in lost.index[lost > 0])
            said.append(
                f"Every unit is treated by {design.adoption.max():.0f}: the last cohort serves as "
                f"control until {design.last_compared}. No clean controls for {int(lost.sum())} "
                f"treated unit-periods, at event times {times}; no estimate holds their effects"
                + (", apart from the coefficient." if self.method == "twfe" else ".")
            )
        return (*said, *self.remarks)

    def _compared(self) -> str:
        base = f"base period {self.base} (universal)"
        if self.controls is None:
            return (
                "Controls: every unit that does not change treatment, the already treated among "
                f"them; {base} in the event study."
            )
        if self.controls == "not_yet_treated":
            return f"Controls: units never or not yet treated; {base}."
        return f"Controls: units not treated within the panel; {base}."

    def _event(self, e: int, row: pd.Series, digits: int) -> tuple[str, ...]:
        if e == self.base:
            return "0", "", "", "base period", "", "", ""
        if row["cohorts"] == 0:
            return "", "", "", "no clean controls", "", f"({row['lost']:.0f} lost)", "0"
        counts = (f"{row[name]:.0f}" for name in ("cohorts", "units", "controls"))
        return *_cells(row, digits), *counts


def inferred(frame: pd.DataFrame, df: int, level: float) -> pd.DataFrame:
    """Add p, lower and upper of t(df) to columns estimate and se."""
    estimate, se = (frame[name].to_numpy(float) for name in ("estimate", "se"))
    known = se > 0.0
    ratio = np.abs(estimate / np.where(known, se, np.nan))
    half = stats.t.ppf(0.5 + level / 2, df) * se
    return frame[["estimate", "se"]].assign(
        p=np.where(known, 2.0 * stats.t.sf(ratio, df), np.nan),
        lower=np.where(known, estimate - half, np.nan),
        upper=np.where(known, estimate + half, np.nan),
    )


def _cells(row: pd.Series, digits: int) -> tuple[str, str, str, str]:
    return (
        number(row["estimate"], digits),
        number(row["se"], digits),
        number(row["p"], 3),
        interval(row["lower"], row["upper"], digits),
    )
