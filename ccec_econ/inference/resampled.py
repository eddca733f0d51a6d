"""Refits of simulated panels: their spread, and the intervals read off it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.errors import FormulaError, first_five
from ccec_econ.inference.multiple import romano_wolf
from ccec_econ.typeset import Printed, Table, interval, number

__all__ = ["SCHEMES", "Bootstrap", "Innovations", "basic", "percentiles"]

type Innovations = Literal["normal", "cell", "period", "unit"]
SCHEMES = {
    "normal": "innovations drawn from the normal",
    "cell": "innovations drawn from the residuals",
    "period": "residuals of whole periods drawn together",
    "unit": "residuals of whole units drawn together",
}


def percentiles(
    sample: NDArray[np.float64], level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Tails of draws (D, ...) beyond which lie equal shares, 1 - level together."""
    low, high = np.quantile(sample, (0.5 - level / 2, 0.5 + level / 2), axis=0)
    return low, high


def basic(
    point: NDArray[np.float64], sample: NDArray[np.float64], level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Reflect percentiles of draws (D, ...): twice the estimate less them, the basic interval."""
    low, high = percentiles(sample, level)
    return 2.0 * point - high, 2.0 * point - low


@dataclass(frozen=True, slots=True, repr=False)
class Bootstrap(Printed):
    """Bootstrap draws of parameters and effects.

    Attributes
    ----------
    estimates : Series
        Parameters and effects at the fit; effects are named "direct x", "indirect x", "total x".
    draws : DataFrame
        One row per refit, columns as in `estimates`.
    innovations : str
    failed : int
        Refits that ended at a border or were not identified; they are not among the draws.
    level : float
    remarks : tuple of str
        What else to say beneath a table: what refits hold, which effects these are.
    """

    estimates: pd.Series
    draws: pd.DataFrame
    innovations: Innovations
    failed: int
    level: float
    remarks: tuple[str, ...] = ()

    @property
    def frame(self) -> pd.DataFrame:
        """Summarise the draws.

        Columns estimate, std_error, bias (mean of draws less estimate), percentile_lower,
        percentile_upper, basic_lower, basic_upper (twice the estimate less the percentiles), and
        pvalue: share of draws as far from the estimate as the estimate from zero; missing for
        sigma2, which is positive whatever the data.
        """
        point = self.estimates.to_numpy()
        sample = self.draws.to_numpy()
        low, high = percentiles(sample, self.level)
        basic_low, basic_high = basic(point, sample, self.level)
        beyond = (np.abs(sample - point) >= np.abs(point)).sum(axis=0)
        positive = self.estimates.index == "sigma2"
        columns = {
            "estimate": point,
            "std_error": sample.std(axis=0, ddof=1),
            "bias": sample.mean(axis=0) - point,
            "percentile_lower": low,
            "percentile_upper": high,
            "basic_lower": basic_low,
            "basic_upper": basic_high,
            "pvalue": np.where(positive, np.nan, (1.0 + beyond) / (1.0 + len(sample))),
        }
        return pd.DataFrame(columns, index=self.estimates.index)

    def romano_wolf(self, names: Sequence[str]) -> pd.Series:
        """P-values of a family of parameters or effects, adjusted together by step-down.

        Raises
        ------
        FormulaError
            If a name has no draws.
        """
        unknown = [name for name in names if name not in self.estimates.index]
        if unknown:
            raise FormulaError(
                f"no draws of {first_five(unknown)}; there are those of "
                f"{first_five(self.estimates.index)}."
            )
        return romano_wolf(self.estimates[list(names)], self.draws)

    def parameters(
        self, names: Sequence[str], theta: NDArray[np.float64], kept: int
    ) -> NDArray[np.float64]:
        """Draws of the parameters of a fit, shape (D, P); those beyond `kept` are zero.

        Raises
        ------
        FormulaError
            If the draws are of another fit.
        """
        wanted = list(names[:kept])
        known = [name for name in wanted if name in self.estimates.index]
        if known != wanted or not np.array_equal(self.estimates[wanted], theta[:kept]):
            raise FormulaError(
                "the bootstrap is one of another fit: its estimates are not those of this one; "
                "give ce.bootstrap(fit) of the same fit, or a number of draws."
            )
        out = np.zeros((len(self.draws), len(theta)))
        out[:, :kept] = self.draws[wanted].to_numpy()
        return out

    @property
    def failed_share(self) -> float:
        """Share of refits that failed."""
        return self.failed / (self.failed + len(self.draws))

    def summary(self, *, labels: Mapping[str, str] | None = None, digits: int = 4) -> Table:
        """Table of estimates with bootstrap errors and both intervals."""
        percent, frame = f"{100 * self.level:g} %", self.frame
        rows = tuple(
            (
                (labels or {}).get(str(name), str(name)),
                number(row[0], digits),
                number(row[1], digits),
                number(row[2], digits),
                interval(row[3], row[4], digits),
                interval(row[5], row[6], digits),
                number(row[7], 3),
            )
            for name, row in zip(frame.index, frame.to_numpy(), strict=True)
        )
        heads = ("Estimate", "Std. error", "Bias", f"Percentile {percent}", f"Basic {percent}", "p")
        return Table("Bootstrap", ("Term", *heads), rows, notes=self.notes())

    def headline(self) -> str:
        """One line: refits, their innovations, and what was refitted."""
        what = f"{len(self.draws):,} refits, {SCHEMES[self.innovations]}"
        return f"{what}: {first_five(self.estimates.index)}"

    def notes(self) -> tuple[str, ...]:
        """Sentences for the foot of a table."""
        done = len(self.draws)
        failed = f"{self.failed} of {done + self.failed} refits failed and are left out"
        return (
            f"{done:,} refits of panels simulated at the estimates; "
            f"{SCHEMES[self.innovations]}; {failed if self.failed else 'none failed'}.",
            *self.remarks,
        )
