"""What the two-way coefficient is made of: comparisons of two groups before and after."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ccec_econ.causal.design import AlreadyTreated, Design, staggered_design
from ccec_econ.typeset import Printed, Table, number

__all__ = ["Bacon", "goodman_bacon"]

_KINDS = {
    "treated_vs_never": "Treated and never treated",
    "earlier_vs_later": "Earlier and later treated, later as controls",
    "later_vs_earlier": "Later and earlier treated, earlier as controls",
}


@dataclass(frozen=True, slots=True, repr=False)
class Bacon(Printed):
    """Goodman-Bacon's decomposition of a two-way coefficient.

    Attributes
    ----------
    design : Design
    comparisons : DataFrame
        Columns kind, treated, control (first treated periods; missing for the never treated),
        weight and estimate. The kinds are treated_vs_never, earlier_vs_later (later treated as
        controls before they are treated) and later_vs_earlier (already treated as controls).
    coefficient : float
        The two-way coefficient, the sum of weight times estimate.
    """

    design: Design
    comparisons: pd.DataFrame
    coefficient: float

    @property
    def by_kind(self) -> pd.DataFrame:
        """Weight, mean estimate and number of comparisons, by kind."""
        frame = self.comparisons.assign(
            part=self.comparisons["weight"] * self.comparisons["estimate"]
        )
        sums = frame.groupby("kind")[["weight", "part"]].sum().reindex(list(_KINDS), fill_value=0.0)
        count = frame.groupby("kind").size().reindex(list(_KINDS), fill_value=0)
        mean = sums["part"] / sums["weight"].where(sums["weight"] > 0.0)
        return pd.DataFrame(
            {"weight": sums["weight"], "estimate": mean, "comparisons": count}
        ).rename_axis("kind")

    def summary(self, digits: int = 3) -> Table:
        """Weights and mean estimates by kind of comparison."""
        rows = [
            (
                _KINDS[str(kind)],
                f"{row['comparisons']:.0f}",
                number(row["weight"], digits),
                number(row["estimate"], digits),
            )
            for kind, row in self.by_kind.iterrows()
        ]
        total = ("Two-way coefficient", str(len(self.comparisons)), number(1.0, digits))
        return Table(
            f"Comparisons behind the two-way coefficient: {self.design.outcome}",
            ("", "Comparisons", "Weight", "Mean estimate"),
            (*rows, (*total, number(self.coefficient, digits))),
            rules=frozenset({len(rows)}),
            notes=(
                "Mean estimates weighted by the comparisons' weights. Comparisons with units "
                "already treated take the change of their effects for a change without treatment.",
            ),
        )


def goodman_bacon(
    data: pd.DataFrame,
    outcome: str,
    adoption: pd.Series,
    *,
    already: AlreadyTreated = "refuse",
) -> Bacon:
    """Decompose the two-way coefficient into comparisons of two groups.

    Parameters
    ----------
    data, outcome, adoption, already
        As in `staggered`; no covariates.

    Raises
    ------
    PanelError, AlignmentError, IdentificationError
        As in `staggered_design`.

    Notes
    -----
    tau = sum_k w_k d_k, over pairs of groups a, b in a window of time where a changes treatment and
    b does not: all periods against the never treated, those before b's adoption where b is treated
    later, those from b's adoption where b is treated earlier. d_k is the difference of the groups'
    changes between the window's parts before and after a's adoption, and w_k is proportional to

        n_a n_b s^2 D (1 - D),

    n shares of units, s the window's share of periods, D the share of the window after adoption.

    References
    ----------
    Goodman-Bacon, A. (2021). Difference-in-differences with variation in treatment timing. Journal
    of Econometrics 225, 254-277.

    Examples
    --------
    >>> import pandas as pd
    >>> index = pd.MultiIndex.from_product([range(6), [1, 2, 3, 4]], names=["unit", "year"])
    >>> first = pd.Series([2, 2, 4, 4, None, None], dtype="Int64")
    >>> unit, year = (index.get_level_values(k) for k in (0, 1))
    >>> y = (year >= first.reindex(unit).fillna(9).to_numpy()) * 1.0
    >>> found = goodman_bacon(pd.DataFrame({"y": y}, index=index), "y", first)
    >>> found.by_kind["weight"].round(3).to_dict()
    {'treated_vs_never': 0.6, 'earlier_vs_later': 0.2, 'later_vs_earlier': 0.2}
    """
    design = staggered_design(data, outcome, adoption, already=already)
    cohorts = [int(g) for g in design.cohorts.index]
    never: list[int | None] = [] if design.ever.all() else [None]
    rows = [_comparison(design, g, h) for g in cohorts for h in never + cohorts if h != g]
    frame = pd.DataFrame(rows, columns=["kind", "treated", "control", "weight", "estimate"])
    frame["control"] = frame["control"].astype("Int64")
    frame["weight"] /= frame["weight"].sum()
    coefficient = float((frame["weight"] * frame["estimate"]).sum())
    return Bacon(design, frame, coefficient)


def _comparison(design: Design, g: int, h: int | None) -> tuple[str, int, int | None, float, float]:
    """Kind, groups, weight up to scale and estimate of cohort g against h, or never treated."""
    periods = design.periods
    ours = design.adoption == g
    theirs = ~design.ever if h is None else design.adoption == h
    window = np.full(len(periods), True)
    kind = "treated_vs_never"
    if h is not None and g < h:
        kind, window = "earlier_vs_later", periods < h
    elif h is not None:
        kind, window = "later_vs_earlier", periods >= h
    after = (periods >= g)[window]
    path = design.y[window][:, ours].mean(axis=1) - design.y[window][:, theirs].mean(axis=1)
    estimate = float(np.mean(path[after]) - np.mean(path[~after]))
    n_g, n_h = ours.mean(), theirs.mean()
    weight = n_g * n_h * window.mean() ** 2 * after.mean() * (1.0 - after.mean())
    return kind, g, h, float(weight), estimate
