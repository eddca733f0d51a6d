"""Recentring: a treatment made from shocks, less what its unit could expect before they fell.

A network shock reaches central places whatever the order in which it is built, and central places
may grow for other reasons. Draws of the shocks that could as well have happened give each cell the
treatment it could expect; what is left above or below it is as good as random.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.causal.recentre_draws import SAME, Draws, Labelled, counterfactual
from ccec_econ.causal.recentre_inference import Randomisation
from ccec_econ.engine.transform import demean
from ccec_econ.errors import AlignmentError, first_five
from ccec_econ.typeset import Printed, Table, number

__all__ = ["Recentred", "recentre"]

_DIGITS = 11  # of a treatment in units of its largest value; treatments equal to these are one


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Recentred(Printed):
    """A realised treatment, its counterfactual draws and its expectation.

    Attributes
    ----------
    name : str
    realised : DataFrame, shape (T, N)
        Periods by units, both sorted.
    draws : ndarray, shape (S, T, N)
        Counterfactual treatments beside the realised one.
    expected : DataFrame, shape (T, N)
        Mean over the realised treatment and the draws, which are equally likely.
    enumerated : bool
        Whether realised and draws are all that could have happened.
    """

    name: str
    realised: pd.DataFrame
    draws: NDArray[np.float64]
    expected: pd.DataFrame
    enumerated: bool

    @property
    def recentred(self) -> pd.DataFrame:
        """Realised less expected, shape (T, N)."""
        return self.realised - self.expected

    @property
    def distinct(self) -> int:
        """Number of treatments that differ, the realised one included."""
        return len(np.unique(self._rounded(), axis=0))

    @property
    def smallest_pvalue(self) -> float:
        """Share of members equal to the realised one: no p-value can be below."""
        rounded = self._rounded()
        return float(np.mean((rounded == rounded[0]).all(axis=1)))

    def explained(self, effects: Literal["none", "twoway"] = "none") -> float:
        """Share of the variance of the realised treatment that its expectation explains.

        Squared correlation over cells, of the values or after unit and time effects; NaN where
        the expectation does not vary.
        """
        x, mu = (
            demean(frame.to_numpy(), effects).ravel() for frame in (self.realised, self.expected)
        )
        x, mu = x - x.mean(), mu - mu.mean()
        if np.abs(mu).max() <= SAME * self._size():
            return float("nan")
        return float((x @ mu) ** 2 / ((x @ x) * (mu @ mu)))

    @property
    def checks(self) -> pd.DataFrame:
        """Whether the realised treatment looks like a draw.

        Statistics of treatment less expectation: its mean, its slope on the expectation, and its
        mean square, the last two after unit and time effects. By row the realised value, mean and
        standard deviation over all members, and the p-value of the realised rank, twice the
        smaller tail. A small one speaks against the draws: what happened is not among what they
        say could have happened.

        Returns
        -------
        DataFrame
            Columns realised, mean, std, pvalue.
        """
        members = self.members()
        gap = members - self.expected.to_numpy()
        mu = demean(self.expected.to_numpy(), "twoway")
        inside = np.stack([demean(each, "twoway") for each in gap])
        spread = float((mu**2).sum())
        slopes = np.einsum("rtn,tn->r", inside, mu)
        flat = spread <= (SAME * self._size()) ** 2
        values = {
            "mean": gap.mean(axis=(1, 2)),
            "slope on expected": np.full(len(gap), np.nan) if flat else slopes / spread,
            "mean square": (inside**2).mean(axis=(1, 2)),
        }
        rows = {name: _rank(np.asarray(drawn)) for name, drawn in values.items()}
        return pd.DataFrame.from_dict(
            rows, orient="index", columns=["realised", "mean", "std", "pvalue"]
        )

    @property
    def outside(self) -> float:
        """Share of cells in which the realised treatment is beyond all draws.

        About 2 / (S + 1) by chance where treatments do not tie.
        """
        x = self.realised.to_numpy()
        slack = SAME * self._size()
        beyond = (x < self.draws.min(axis=0) - slack) | (x > self.draws.max(axis=0) + slack)
        return float(beyond.mean())

    def members(self) -> NDArray[np.float64]:
        """Realised treatment and draws in one array, shape (S + 1, T, N)."""
        return np.concatenate([self.realised.to_numpy()[None], self.draws])

    def randomisation(self, y: NDArray[np.float64], x: NDArray[np.float64]) -> Randomisation:
        """Statistics of all members: products of x_r - mu with y and with x.

        Parameters
        ----------
        y, x : ndarray, shape (T, N)
            Outcome and realised treatment, effects and controls removed. Cells outside a sample
            are zero.
        """
        columns = np.column_stack([y.ravel(), x.ravel()])
        mu = self.expected.to_numpy().ravel() @ columns
        own = self.realised.to_numpy().ravel() @ columns - mu
        drawn = self.draws.reshape(len(self.draws), -1) @ columns - mu
        products = np.vstack([own, drawn])
        return Randomisation(products[:, 0], products[:, 1])

    def within(self, times: pd.Index, units: pd.Index) -> Recentred:
        """Keep some periods and units.

        Raises
        ------
        AlignmentError
            If the treatment has no value for one of them.
        """
        for wanted, known, what in (
            (times, self.realised.index, "periods"),
            (units, self.realised.columns, "units"),
        ):
            missing = wanted.difference(known)
            if len(missing):
                raise AlignmentError(
                    f"treatment '{self.name}' has no {what} {first_five(missing)}; compute it for "
                    "all of the panel, or cut the panel."
                )
        rows = self.realised.index.get_indexer(times)
        columns = self.realised.columns.get_indexer(units)
        return Recentred(
            self.name,
            self.realised.iloc[rows, columns],
            self.draws[:, rows[:, None], columns],
            self.expected.iloc[rows, columns],
            self.enumerated,
        )

    def headline(self) -> str:
        """One line: name, size and number of draws."""
        T, N = self.realised.shape
        return f"{self.name}: {T} periods, {N} units, {len(self.draws):,} draws"

    def summary(self, digits: int = 4) -> Table:
        """Table of the checks, with what the draws are beneath."""
        checks = self.checks
        columns = ("Treatment less expectation", "Realised", "Mean of draws", "Std. dev.", "p")
        rows = tuple(
            (name, *(number(row[k], digits) for k in range(3)), number(row[3], 3))
            for name, row in zip(checks.index, checks.to_numpy(), strict=True)
        )
        whole = "all that could have happened" if self.enumerated else "drawn"
        return Table(
            f"Is the realised {self.name} like a draw?",
            columns,
            rows,
            notes=(
                f"{len(self.draws):,} counterfactual treatments, {whole}; {self.distinct:,} differ "
                f"with the realised one; smallest p-value {number(self.smallest_pvalue, 4)}.",
                f"The expectation explains {number(100 * self.explained(), 1)} % of the variance "
                f"of the realised treatment, {number(100 * self.explained('twoway'), 1)} % after "
                "unit and time effects.",
                f"Realised beyond all draws in {number(100 * self.outside, 1)} % of cells.",
                "Slope and mean square after unit and time effects; p from the rank of the "
                "realised value, twice the smaller tail.",
            ),
        )

    def _size(self) -> float:
        return float(np.abs(self.realised.to_numpy()).max()) or 1.0

    def _rounded(self) -> NDArray[np.float64]:
        """Members as rows, shape (S + 1, T * N), equal but for rounding made equal."""
        members = self.members().reshape(len(self.draws) + 1, -1)
        return np.round(members / self._size(), _DIGITS) + 0.0


def recentre(
    realised: Labelled, draws: Draws, *, name: str | None = None, enumerated: bool = False
) -> Recentred:
    """Take from a treatment what its units could expect.

    Parameters
    ----------
    realised : DataFrame or Series
        Periods by units, or a Series indexed (unit, time). Take logarithms before, of the draws
        too: the mean of logarithms is not the logarithm of the mean.
    draws : iterable of DataFrame or Series, or ndarray, shape (S, ...)
        The treatment under other shocks that were as likely, computed as the realised one is:
        labelled in the same way, or an array in the order of `realised`. An iterable is consumed
        one by one.
    name : str, optional
        What to call the treatment; a Series' own name, or "treatment".
    enumerated : bool
        Whether the draws are all that could have happened, each once, the realised one included.
        Otherwise the realised treatment joins the draws.

    Returns
    -------
    Recentred

    Raises
    ------
    PanelError
        If values are missing or infinite, or a cell has no row.
    AlignmentError
        If a draw has other units or periods, or an array another shape.
    IdentificationError
        If draws do not differ from the realised treatment; if of 99 draws or more all agree, in
        more cells than for any one draw, on another value than the realised one; or if
        `enumerated` draws lack the realised one.

    Notes
    -----
    ``mu = (x + sum_s x_s) / (S + 1)``. With x among the members of its own mean any member is
    treated as any other, so randomisation p-values hold for any S; ``x - mu`` is that of the mean
    of draws alone times S / (S + 1), which leaves a coefficient instrumented by it as it is.

    References
    ----------
    Borusyak, K. and Hull, P. (2023). Nonrandom exposure to exogenous shocks. Econometrica 91(6),
    2155-2185.

    Examples
    --------
    One of two lines opens in period 2: to b and c, or to c and d. Unit c has it for sure.

    >>> years, units = [1, 2], ["a", "b", "c", "d"]
    >>> first = pd.DataFrame([[0, 0, 0, 0], [0, 1, 1, 0]], years, units)
    >>> second = pd.DataFrame([[0, 0, 0, 0], [0, 0, 1, 1]], years, units)
    >>> found = recentre(first, [first, second], enumerated=True)
    >>> found.expected.loc[2].tolist(), found.recentred.loc[2].tolist()
    ([0.0, 0.5, 1.0, 0.5], [0.0, 0.5, 0.0, -0.5])
    """
    table, others = counterfactual(realised, draws, enumerated)
    expected = (table + others.sum(axis=0)) / (len(others) + 1)
    own = realised.name if isinstance(realised, pd.Series) else None
    return Recentred(str(name or own or "treatment"), table, others, expected, enumerated)


def _rank(values: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Realised value, mean, standard deviation and equal-tail p-value; the first is realised."""
    slack = 1e-10 * float(np.abs(values).max(initial=0.0))
    tails = (values >= values[0] - slack).mean(), (values <= values[0] + slack).mean()
    p = float("nan") if np.isnan(values[0]) else min(1.0, 2.0 * float(min(tails)))
    return float(values[0]), float(values.mean()), float(values.std()), p
