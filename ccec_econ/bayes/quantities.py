"""Posterior quantities: moments, equal-tail and highest-density intervals of draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.errors import FormulaError, first_five
from ccec_econ.typeset import Printed, Table, interval, number

__all__ = ["Quantities", "hdi", "quantities"]


@dataclass(frozen=True, slots=True, repr=False)
class Quantities(Printed):
    """Posterior quantities with their intervals.

    Attributes
    ----------
    frame : DataFrame
        Columns mean, sd, median, lower, upper (equal tails), hdi_lower, hdi_upper (narrowest
        interval) and positive, the probability of a value above zero. Rows are labelled as the
        quantity is: term; term and effect; term, to and from.
    samples : ndarray, shape (draws, rows)
    level : float
        Probability of the intervals.
    title : str
    remarks : tuple of str
        What the draws rest on.
    by_median : bool
        Whether the median is printed, for want of a mean: 1/(1 - rho) has none where the posterior
        of rho does not vanish at one. The frame's mean and sd are then those of the draws only.
    """

    frame: pd.DataFrame
    samples: NDArray[np.float64]
    level: float
    title: str
    remarks: tuple[str, ...]
    by_median: bool = False

    def select(self, terms: Sequence[str]) -> Quantities:
        """Keep the rows of some terms, in the order given.

        Raises
        ------
        FormulaError
            If a term is not there.
        """
        known = self.frame.index.get_level_values("term")
        unknown = [term for term in terms if term not in known]
        if unknown:
            raise FormulaError(
                f"no posterior of {first_five(unknown)}; there are {first_five(known.unique())}."
            )
        rows = np.concatenate([np.flatnonzero(known == term) for term in terms])
        return replace(self, frame=self.frame.iloc[rows], samples=self.samples[:, rows])

    def summary(
        self,
        *,
        title: str = "",
        labels: Mapping[str, str] | None = None,
        notes: Sequence[str] = (),
        digits: int = 4,
    ) -> Table:
        """Table of means, standard deviations, intervals and probabilities.

        Parameters
        ----------
        labels : mapping, optional
            Printed names of terms.
        notes : sequence of str
            Sentences to add beneath.
        """
        stubs, numbers = self.frame.index.names, self.frame
        rows, above = [], None
        for i, label in enumerate(numbers.index):
            parts = [str(part) for part in (label if isinstance(label, tuple) else (label,))]
            first = "" if parts[0] == above and len(parts) > 1 else parts[0]
            above, row = parts[0], numbers.iloc[i]
            centre = ["median"] if self.by_median else ["mean", "sd"]
            rows.append(
                (
                    (labels or {}).get(first, first),
                    *parts[1:],
                    *(number(row[name], digits) for name in centre),
                    interval(row["lower"], row["upper"], digits),
                    interval(row["hdi_lower"], row["hdi_upper"], digits),
                    number(row["positive"], 3),
                )
            )
        percent = f"{100 * self.level:g} %"
        stub = [str(name).capitalize() for name in stubs]
        middle = ["Median"] if self.by_median else ["Mean", "Std. dev."]
        heads = (*middle, f"Equal tails {percent}", f"HDI {percent}", "P>0")
        return Table(
            title=title or self.title,
            columns=(*stub, *heads),
            rows=tuple(rows),
            rules=frozenset(i for i, row in enumerate(rows) if i and row[0] and len(stubs) > 1),
            notes=(*self.remarks, *notes),
            text_columns=frozenset(range(1, len(stubs))),
        )


def quantities(
    samples: NDArray[np.float64],
    index: pd.Index,
    *,
    level: float,
    title: str,
    remarks: tuple[str, ...],
    by_median: bool = False,
) -> Quantities:
    """Describe draws (D, Q) of Q labelled quantities.

    Raises
    ------
    ValueError
        If `level` is not in (0, 1).
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level {level}: need 0 < level < 1, such as 0.95.")
    ordered = np.sort(samples, axis=0)
    tail = 0.5 * (1.0 - level)
    lower, middle, upper = np.quantile(ordered, [tail, 0.5, 1.0 - tail], axis=0)
    narrow = hdi(ordered, level)
    columns = {
        "mean": samples.mean(axis=0),
        "sd": samples.std(axis=0, ddof=1),
        "median": middle,
        "lower": lower,
        "upper": upper,
        "hdi_lower": narrow[0],
        "hdi_upper": narrow[1],
        "positive": (samples > 0.0).mean(axis=0),
    }
    return Quantities(pd.DataFrame(columns, index=index), samples, level, title, remarks, by_median)


def hdi(
    ordered: NDArray[np.float64], level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Narrowest interval that holds a share `level` of sorted draws (D, Q)."""
    reach = min(int(np.floor(level * len(ordered))), len(ordered) - 1)
    width = ordered[reach:] - ordered[: len(ordered) - reach]
    start, column = width.argmin(axis=0), np.arange(ordered.shape[1])
    return ordered[start, column], ordered[start + reach, column]
