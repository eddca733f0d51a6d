"""Markov chain of income classes: transitions, long run, mobility, with a Dirichlet posterior."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import betaincinv

from ccec_econ.convergence.classes import ClassRule, Counts, IncomeClasses, count, income_classes
from ccec_econ.errors import IdentificationError, first_five
from ccec_econ.typeset import Table, interval, number

__all__ = ["Markov", "markov"]

type Matrix = NDArray[np.float64]

_ROUNDING = 1e-12  # shares below this are zero
_UNIT_ROOT = 1e-9  # eigenvalues this close to one are one


@dataclass(frozen=True, slots=True)
class Markov:
    """Transitions between income classes.

    Attributes
    ----------
    classes : IncomeClasses
    counts : ndarray
        Transitions from row to column, shape (k, k).
    measures : DataFrame
        Rows ``ergodic_1`` to ``ergodic_k``, ``mobility``, ``half_life`` (years) with ``estimate``
        (maximum likelihood; NaN if not unique), posterior ``median``, ``lower`` and ``upper``.
    level : float
        Of all intervals.
    draws : int
        Draws behind the intervals of `measures`; those of probabilities are exact.
    """

    classes: IncomeClasses
    counts: Counts
    measures: pd.DataFrame
    level: float
    draws: int

    @property
    def probabilities(self) -> Matrix:
        """Maximum likelihood probabilities, shape (k, k); rows sum to one."""
        return shares(self.counts)

    @property
    def frame(self) -> pd.DataFrame:
        """One row per transition: count, probability, posterior mean and interval."""
        k = len(self.counts)
        a = self.counts + 1.0 / k
        rest = a.sum(axis=1, keepdims=True) - a
        tail = (1.0 - self.level) / 2.0
        cells = [(i, j) for i in range(k) for j in range(k)]
        return pd.DataFrame(
            {
                "from": [i + 1 for i, _ in cells],
                "to": [j + 1 for _, j in cells],
                "count": self.counts.ravel(),
                "probability": self.probabilities.ravel(),
                "mean": (a / (a + rest)).ravel(),
                "lower": betaincinv(a, rest, tail).ravel(),
                "upper": betaincinv(a, rest, 1.0 - tail).ravel(),
            }
        )

    def summary(self, *, title: str = "Transitions between income classes") -> Table:
        """Probabilities with intervals, counts, long run."""
        k, cells = len(self.counts), self.frame
        long_run = self.measures["estimate"].to_numpy()[:k]
        rows = []
        for i in range(k):
            row = cells[cells["from"] == i + 1]
            shown = [
                f"{number(p, 2)} {interval(lo, hi, 2)}"
                for p, lo, hi in zip(row["probability"], row["lower"], row["upper"], strict=True)
            ]
            rows.append((f"Class {i + 1}", str(row["count"].sum()), *shown, number(long_run[i], 2)))
        return Table(
            title=title,
            columns=("From", "n", *(f"to {j + 1}" for j in range(k)), "Long run"),
            rows=tuple(rows),
            notes=(self.note, self.reading),
        )

    @property
    def reading(self) -> str:
        """Mobility and half-life with their intervals."""
        rows = self.measures[["estimate", "lower", "upper"]].to_numpy()[-2:]
        said = [
            f"{number(value, digits)} {interval(low, high, digits)}"
            for (value, low, high), digits in zip(rows, (2, 0), strict=True)
        ]
        return f"Mobility (Shorrocks) {said[0]}; half-life in years {said[1]}."

    @property
    def note(self) -> str:
        """Classes and the posterior."""
        return (
            f"{self.classes.note} Brackets: {100 * self.level:g} % posterior intervals, Dirichlet "
            f"prior of 1/{len(self.counts)} a cell, as if transitions were independent."
        )

    def __str__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary().to_html()


def markov(
    panel: pd.DataFrame,
    column: str,
    *,
    rule: ClassRule | None = None,
    breaks: str | None = None,
    level: float = 0.95,
    draws: int = 9999,
    rng: int | np.random.Generator = 0,
) -> Markov:
    """Estimate the yearly transitions between classes of relative income.

    Parameters
    ----------
    panel, column, rule, breaks
        As in `income_classes`.
    level : float
        Of the intervals, between 0 and 1.
    draws : int
        Posterior draws for long run, mobility and half-life; at least 99.
    rng : int or Generator

    Returns
    -------
    Markov

    Raises
    ------
    PanelError
        As in `income_classes`.
    IdentificationError
        As in `income_classes`; or if no transition starts in a class, or level or draws are out
        of range.

    Notes
    -----
    ``p_ij = n_ij / n_i``; the long run pi solves ``pi = pi P``; mobility is
    ``(k - tr P) / (k - 1)``, 0 if nobody moves and 1 if the future does not depend on the past
    (Shorrocks 1978, *Econometrica* 46(5), 1013-1024); the half-life is
    ``-ln 2 / ln |lambda_2|`` years with lambda_2 the second largest eigenvalue in absolute value.
    Row i has a Dirichlet prior with 1/k in each cell, so ``p_ij | n`` is
    ``Beta(n_ij + 1/k, n_i + 1 - n_ij - 1/k)``. With two or more closed sets of classes the long
    run depends on the start: its estimate is NaN, and the half-life infinite.

    Probabilities of zero are rare events not yet seen, not impossibilities: read the intervals.
    giddy 2.3.9 counts the same; it takes seconds to import, gives a row that is never left zeros
    and has no intervals, so it is a check in the tests and not called here.

    Transitions of one unit, and of units in the same year, are not independent, so the intervals
    are too narrow rather than too wide.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> chain = markov(ce.data.load_panel(years=(2010, 2022)), "gdp_pc", draws=99)
    >>> int(chain.counts.sum()), chain.probabilities.shape
    (192, (3, 3))
    """
    if not 0.0 < level < 1.0:
        raise IdentificationError(f"level = {level}: give a number between 0 and 1.")
    if draws < 99:
        raise IdentificationError(f"draws = {draws}: give at least 99, better 9999.")
    classes = income_classes(panel, column, rule=rule, breaks=breaks)
    own = classes.number.to_numpy() - 1
    k = classes.rule.k
    counts = count(own, np.zeros_like(own), classes.counted.to_numpy(), (1, k))[0]
    empty = np.flatnonzero(counts.sum(axis=1) == 0) + 1
    if len(empty):
        raise IdentificationError(
            f"no transition starts in class {first_five(empty)} of {k}; give fewer classes or "
            "more years."
        )
    sampled = posterior(counts, draws, np.random.default_rng(rng))
    return Markov(classes, counts, _measures(counts, sampled, level), level, draws)


def shares(counts: Counts) -> Matrix:
    """Divide the last axis by its sum; rows without transitions are NaN."""
    totals = counts.sum(axis=-1, keepdims=True)
    out = np.full(counts.shape, np.nan)
    np.divide(counts, totals, out=out, where=totals > 0)
    return out


def posterior(counts: Counts, draws: int, random: np.random.Generator) -> Matrix:
    """Draw matrices from the Dirichlet posterior, shape (draws, k, k)."""
    k = len(counts)
    return np.stack([random.dirichlet(row + 1.0 / k, size=draws) for row in counts], axis=1)


def ergodic(P: Matrix) -> Matrix:
    """Long-run distributions of chains, shape (..., k); NaN where they are not unique."""
    k = P.shape[-1]
    system = np.swapaxes(P, -1, -2) - np.eye(k)
    system[..., -1, :] = 1.0
    unique = np.sum(np.abs(np.linalg.eigvals(P) - 1.0) < _UNIT_ROOT, axis=-1) == 1
    system[~unique] = np.eye(k)
    right = np.zeros((*P.shape[:-1], 1))
    right[..., -1, 0] = 1.0
    pi: Matrix = np.linalg.solve(system, right)[..., 0]
    pi[pi < _ROUNDING] = 0.0
    pi[~unique] = np.nan
    return pi


def mobility(P: Matrix) -> Matrix:
    """Shorrocks' index of chains, shape (...)."""
    k = P.shape[-1]
    return np.asarray((k - np.trace(P, axis1=-2, axis2=-1)) / (k - 1))


def half_life(P: Matrix) -> Matrix:
    """Years in which the distance to the long run halves, shape (...); infinite if never."""
    second = np.sort(np.abs(np.linalg.eigvals(P)), axis=-1)[..., -2]
    second = np.where(second > 1.0 - _UNIT_ROOT, 1.0, second)
    with np.errstate(divide="ignore"):
        return np.asarray(np.abs(np.log(2.0) / np.log(second)))


def _measures(counts: Counts, sampled: Matrix, level: float) -> pd.DataFrame:
    tails = [0.5, (1.0 - level) / 2.0, (1.0 + level) / 2.0]
    point = shares(counts)[None]
    rows = {
        **{
            f"ergodic_{i + 1}": (ergodic(point)[0, i], ergodic(sampled)[:, i])
            for i in range(len(counts))
        },
        "mobility": (mobility(point)[0], mobility(sampled)),
        "half_life": (half_life(point)[0], half_life(sampled)),
    }
    return pd.DataFrame(
        {name: [float(value), *np.quantile(draws, tails)] for name, (value, draws) in rows.items()},
        index=["estimate", "median", "lower", "upper"],
    ).T.rename_axis("measure")
