"""One-sided tests of effects, and equivalence by two of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from ccec_econ.typeset import number

__all__ = ["DETECTABLE", "Alternative", "Contrast", "equivalence", "one_sided"]

Alternative = Literal["less", "greater"]

DETECTABLE = 2.8
"""1.96 + 0.84 standard errors: power of 80 % in a two-sided test at 5 %"""


@dataclass(frozen=True, slots=True)
class Contrast:
    """A linear combination of group effects against zero, one-sided, by the delta method.

    Attributes
    ----------
    name, term : str
    estimate, std_error, statistic : float
    df : float or None
        Degrees of freedom of the t distribution; None for the normal.
    alternative : {"less", "greater"}
        What the p-value is evidence for.
    pvalue : float
        One-sided.
    slope : mapping
        Derivatives with respect to the parameters that have one, by name. In models without rho
        and lam the combination is linear and these are its weights: what `ce.wild_cluster` and
        `ce.randomisation_test` take as the term.
    pvalue_bootstrap : float or None
        Two-sided: share of refits as far from the estimate as the estimate is from zero; None
        where no refits are at hand.
    """

    name: str
    term: str
    estimate: float
    std_error: float
    statistic: float
    df: float | None
    alternative: Alternative
    pvalue: float
    slope: Mapping[str, float]
    pvalue_bootstrap: float | None = None

    @property
    def two_sided(self) -> float:
        """P-value against either sign, by the delta method."""
        return 2.0 * min(self.pvalue, 1.0 - self.pvalue)

    @property
    def detectable(self) -> float:
        """Minimum detectable effect, 2.8 standard errors: power 80 % at the 5 % level."""
        return DETECTABLE * self.std_error

    def __str__(self) -> str:
        side = "<" if self.alternative == "less" else ">"
        reference = "z" if self.df is None else f"t({round(self.df, 1):g})"
        return (
            f"{self.name}, {self.term}: {number(self.estimate, 4)} "
            f"(std. error {number(self.std_error, 4)}), {reference} = "
            f"{number(self.statistic, 2)}, one-sided p ({side} 0) = {number(self.pvalue, 3)}"
        )


def one_sided(
    name: str,
    term: str,
    estimate: float,
    std_error: float,
    *,
    df: float | None,
    alternative: Alternative,
    slope: Mapping[str, float],
    pvalue_bootstrap: float | None = None,
) -> Contrast:
    """Refer an estimate over its error to t(df), or the normal, on one side."""
    statistic = estimate / std_error
    tail = stats.t.cdf if alternative == "less" else stats.t.sf
    p = float(tail(statistic, df or np.inf))
    return Contrast(
        name, term, estimate, std_error, statistic, df, alternative, p, slope, pvalue_bootstrap
    )


def equivalence(estimate: float, std_error: float, margin: float, df: float | None) -> float:
    """P-value of two one-sided tests that an effect lies outside (-margin, margin).

    A small p-value is evidence that the effect is smaller than the margin either way; a large one
    that the data cannot say so, which "not significant" does not tell.

    Raises
    ------
    ValueError
        If the margin is not positive.

    References
    ----------
    Schuirmann (1987), Journal of Pharmacokinetics and Biopharmaceutics 15, 657-680.
    """
    if not margin > 0.0:
        raise ValueError(f"margin {margin}: give a positive size below which effects do not count.")
    above = stats.t.sf((estimate + margin) / std_error, df or np.inf)
    below = stats.t.cdf((estimate - margin) / std_error, df or np.inf)
    return float(max(above, below))
