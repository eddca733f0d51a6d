"""A statistic beside those of placebos: how many are as large, and what they look like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.typeset import Printed, Table, interval, number

__all__ = ["Placebos"]

_TIE = 1e-9  # statistics closer than this share are equal: a placebo may repeat the data
_SMALLEST = 0.001  # p-values below are not told apart


@dataclass(frozen=True, slots=True, repr=False)
class Placebos(Printed):
    """A realised statistic among placebo statistics.

    Attributes
    ----------
    title : str
        What was replaced by placebos.
    statistic : str
        Which statistic is compared.
    realised : float
    drawn : ndarray, shape (D,)
        The same statistic of every placebo; NaN where it could not be computed.
    estimate, std_error : float
        The effect behind the statistic and its conventional standard error; NaN if there is none.
    enumerated : bool
        Whether `drawn` holds every placebo there is, the realised one among them.
    notes : tuple of str
        What the comparison takes for granted.
    """

    title: str
    statistic: str
    realised: float
    drawn: NDArray[np.float64]
    estimate: float = float("nan")
    std_error: float = float("nan")
    enumerated: bool = False
    notes: tuple[str, ...] = ()

    @property
    def draws(self) -> int:
        """Number of placebos."""
        return len(self.drawn)

    @property
    def failed(self) -> int:
        """Placebos without a statistic; they count as exceeding, which can only raise p."""
        return int(np.isnan(self.drawn).sum())

    @property
    def pvalue(self) -> float:
        """Share of placebos at least as large in absolute value.

        (1 + count) / (1 + D), the realised one counted among them; count / D if enumerated.
        """
        return self._share(np.abs(self.drawn), abs(self.realised))

    @property
    def above(self) -> float:
        """Share of placebos at or above the realised statistic, counted as `pvalue`."""
        return self._share(self.drawn, self.realised)

    @property
    def below(self) -> float:
        """Share of placebos at or below the realised statistic, counted as `pvalue`."""
        return self._share(-self.drawn, -self.realised)

    def band(self, level: float = 0.95) -> tuple[float, float]:
        """Middle share of the placebo statistics."""
        low, high = np.nanquantile(self.drawn, (0.5 - level / 2, 0.5 + level / 2))
        return float(low), float(high)

    @property
    def frame(self) -> pd.DataFrame:
        """One row: estimate, statistic, middle 95 % of placebos, p-values, draws."""
        low, high = self.band()
        return pd.DataFrame(
            {
                "estimate": self.estimate,
                "std_error": self.std_error,
                "statistic": self.realised,
                "lower": low,
                "upper": high,
                "p": self.pvalue,
                "p_above": self.above,
                "p_below": self.below,
                "draws": self.draws,
                "failed": self.failed,
            },
            index=pd.Index([self.title], name="placebo"),
        )

    def summary(self, *, digits: int = 3) -> Table:
        """Set the realised statistic, the middle 95 % of placebos and the p-values."""
        row = (
            self.statistic,
            number(self.estimate, digits),
            number(self.realised, digits),
            interval(*self.band(), digits),
            *(_p(value) for value in (self.pvalue, self.above, self.below)),
        )
        count = f"All {self.draws:,} placebos" if self.enumerated else f"{self.draws:,} placebos"
        lost = f", {self.failed} without a statistic, counted as exceeding" if self.failed else ""
        return Table(
            title=self.title,
            columns=(
                "Statistic",
                "Estimate",
                "Realised",
                "Middle 95 % of placebos",
                "p",
                "p above",
                "p below",
            ),
            rows=(row,),
            notes=(f"{count}{lost}; p of the absolute value.", *self.notes),
        )

    def headline(self) -> str:
        """One line: what was compared, with its p-value."""
        return f"{self.title}: {self.statistic} {number(self.realised, 3)}, p = {_p(self.pvalue)}"

    def _share(self, drawn: NDArray[np.float64], realised: float) -> float:
        slack = _TIE * abs(realised)
        count = int(np.count_nonzero(~(drawn < realised - slack)))  # NaN counts
        extra = 0 if self.enumerated else 1
        return (extra + count) / (extra + len(drawn))


def _p(value: float) -> str:
    return "<0.001" if value < _SMALLEST else number(value, 3)
