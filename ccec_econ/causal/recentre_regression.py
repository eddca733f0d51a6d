"""The effect of a recentred treatment in a two-way panel, with inference by its own draws."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.causal.recentre import Recentred
from ccec_econ.causal.recentre_inference import Intervals, Randomisation
from ccec_econ.engine.transform import demean
from ccec_econ.errors import FormulaError
from ccec_econ.inference.cluster import Cluster
from ccec_econ.models.gmm import s2sls
from ccec_econ.models.results import SpatialPanelResults
from ccec_econ.models.static import ols
from ccec_econ.panel import Panel
from ccec_econ.parallel import spread
from ccec_econ.typeset import Printed, Table, interval, number, union

__all__ = ["How", "RecentredRegression", "leave_one_out", "recentred_regression"]

How = Literal["recentre", "control", "regressor", "naive"]

_CLUSTER = Cluster()
_SAYS = {
    "recentre": "instrumented by itself less its expectation",
    "control": "its expectation among the controls",
    "regressor": "less its expectation, as the regressor",
    "naive": "as it is; expectation ignored",
}


@dataclass(frozen=True, slots=True, repr=False)
class RecentredRegression(Printed):
    """The effect of a treatment on an outcome, unit and time effects removed.

    Attributes
    ----------
    outcome : str
    how : {"recentre", "control", "regressor", "naive"}
    fit : SpatialPanelResults
        The regression, clustered by unit.
    term : str
        The regressor whose coefficient is the effect.
    treatment : Recentred
        Treatment and draws in the cells of the sample.
    randomisation : Randomisation
        Statistics of the realised treatment and of the draws.
    level : float
        Confidence level of both intervals.
    """

    outcome: str
    how: How
    fit: SpatialPanelResults
    term: str
    treatment: Recentred
    randomisation: Randomisation
    level: float

    @property
    def estimate(self) -> float:
        """The effect."""
        return float(self.fit.params[self.term])

    @property
    def std_error(self) -> float:
        """Standard error clustered by unit."""
        return float(self.fit.std_errors[self.term])

    @property
    def pvalue_clustered(self) -> float:
        """From t(N - 1); it takes units for independent, which one network does not leave them."""
        return float(self.fit.pvalues[self.term])

    @property
    def interval_clustered(self) -> tuple[float, float]:
        """Interval from the clustered standard error."""
        low, high = self.fit.conf_int(self.level).loc[self.term].to_numpy(dtype=np.float64)
        return float(low), float(high)

    @property
    def pvalue(self) -> float:
        """Of the sharp null of no effect in any cell, by randomisation."""
        return self.randomisation.pvalue()

    @property
    def confidence_set(self) -> Intervals:
        """Effects, the same in every cell, that randomisation does not reject.

        Whole line where members are too few for the level, or the draws too unlike.
        """
        return self.randomisation.accepted(self.level)

    @property
    def row(self) -> pd.Series:
        """Estimate, clustered and randomisation inference, and sample, for a frame."""
        low, high = self.interval_clustered
        accepted = self.confidence_set
        T, N = self.treatment.realised.shape
        return pd.Series(
            {
                "estimate": self.estimate,
                "std_error": self.std_error,
                "lower_clustered": low,
                "upper_clustered": high,
                "pvalue_clustered": self.pvalue_clustered,
                "pvalue": self.pvalue,
                "lower": accepted[0][0] if accepted else np.nan,
                "upper": accepted[-1][1] if accepted else np.nan,
                "pieces": len(accepted),
                "units": N,
                "periods": T,
                "draws": len(self.treatment.draws),
            }
        )

    def headline(self) -> str:
        """One line: what on what, and the estimate."""
        return (
            f"{self.treatment.name} on {self.outcome}, {_SAYS[self.how]}: "
            f"{number(self.estimate, 4)}, p = {number(self.pvalue, 3)}"
        )

    def summary(self, digits: int = 4) -> Table:
        """Table of one row, with conventions beneath."""
        percent, members = f"{100 * self.level:g} %", len(self.treatment.draws) + 1
        return Table(
            f"Effect of {self.treatment.name} on {self.outcome}",
            (
                "Treatment",
                "Estimate",
                "Std. error",
                f"Clustered {percent}",
                "Randomisation p",
                f"Randomisation {percent}",
            ),
            (
                (
                    _SAYS[self.how],
                    number(self.estimate, digits),
                    number(self.std_error, digits),
                    interval(*self.interval_clustered, digits),
                    number(self.pvalue, 3),
                    union(self.confidence_set, digits),
                ),
            ),
            notes=(
                f"Sample: {', '.join(map(str, self.treatment.realised.shape[::-1]))} units and "
                f"periods. Unit and time effects. Standard error: {self.fit.vcov.convention}.",
                f"Randomisation: {members:,} equally likely treatments, "
                f"{self.treatment.distinct:,} distinct; test of the same effect in every cell, and "
                "its inversion. Smallest p-value: "
                f"{number(self.treatment.smallest_pvalue, 4)}.",
            ),
        )


def recentred_regression(
    data: pd.DataFrame,
    outcome: str,
    treatment: Recentred,
    *,
    controls: Sequence[str] = (),
    how: How = "recentre",
    level: float = 0.95,
) -> RecentredRegression:
    """Regress an outcome on a treatment with its expectation taken into account.

    Parameters
    ----------
    data : DataFrame
        Balanced, indexed (unit, time), with the outcome and the controls. Units and periods may
        be some of those of the treatment.
    outcome : str
        Left side of a formula: a column, or ``log(column)``.
    treatment : Recentred
        From `recentre`; its name becomes the regressor's.
    controls : sequence of str
        Terms of a formula that the shocks do not move.
    how : {"recentre", "control", "regressor", "naive"}
        The treatment x instrumented by x - mu; x with mu as a control; x - mu in the place of x;
        x alone.
    level : float
        Confidence level.

    Raises
    ------
    PanelError, FormulaError, IdentificationError
        As `ols` and `s2sls`.
    FormulaError
        If `how` is unknown, or the treatment's name is no identifier or a column of the data.
    AlignmentError
        If the treatment lacks a unit or a period of the data.

    Notes
    -----
    With M the removal of unit and time effects and of controls, mu among these for "control", the
    statistic of member r at effect b is ``(x_r - mu)'M (y - b x)``. Under the sharp null that b is
    the effect in every cell, ``y - b x`` does not depend on which member came true, so the share
    of members with a statistic as large is an exact p-value, whatever the dependence of errors
    over space and time. Its inversion gives the confidence set. The statistic is zero at the
    estimates of "recentre" and "control"; for "regressor" and "naive" it is that of "recentre".

    References
    ----------
    Borusyak, K. and Hull, P. (2023). Nonrandom exposure to exogenous shocks. Econometrica 91(6),
    2155-2185.

    Examples
    --------
    >>> from ccec_econ.causal import recentre, recentred_regression
    >>> rng, years, units = np.random.default_rng(0), range(4), list("abcdefgh")
    >>> shocks = [pd.DataFrame(rng.random((4, 8)), years, units) for _ in range(40)]
    >>> access = recentre(shocks[0], shocks[1:], name="access")
    >>> y = 2.0 * shocks[0] + rng.normal(0.0, 0.1, (4, 8))
    >>> data = y.stack().swaplevel().rename_axis(["unit", "year"]).to_frame("y")
    >>> fit = recentred_regression(data, "y", access)
    >>> round(fit.estimate, 1), fit.pvalue
    (2.0, 0.025)
    """
    if how not in get_args(How):
        raise FormulaError(f"how {how!r}: choose one of {', '.join(get_args(How))}.")
    panel = Panel.from_frame(data)
    inside = treatment.within(panel.times, panel.units)
    frame, names = _with_treatment(panel, inside)
    x, mu, gap = names
    bar = f"{panel.unit_name} + {panel.time_name}"
    term = gap if how == "regressor" else x
    terms = [term, *controls, *([mu] if how == "control" else [])]
    formula = f"{outcome} ~ {' + '.join(terms)} | {bar}"
    fit = (
        s2sls(formula, frame, endogenous=[x], instruments=[gap], lag=False, cov=_CLUSTER)
        if how == "recentre"
        else ols(formula, frame, cov=_CLUSTER)
    )
    at = list(fit.estimate.terms).index(term)
    removed = np.delete(fit.estimate.Z, at, axis=2)
    y, own = (
        _partial(column, removed)
        for column in (fit.estimate.y, demean(inside.realised.to_numpy(), "twoway"))
    )
    return RecentredRegression(outcome, how, fit, term, inside, inside.randomisation(y, own), level)


def leave_one_out(
    data: pd.DataFrame,
    outcome: str,
    treatments: Mapping[Hashable, Recentred],
    *,
    controls: Sequence[str] = (),
    how: How = "recentre",
    level: float = 0.95,
) -> pd.DataFrame:
    """Estimate the effect again without the chance in one shock at a time.

    Parameters
    ----------
    data, outcome, controls, how, level
        As in `recentred_regression`.
    treatments : mapping
        Shock -> the treatment recentred by draws that hold this shock as it was, so that the
        estimate rests on the others.

    Returns
    -------
    DataFrame
        By shock; columns as in `RecentredRegression.row`.
    """

    def row(treatment: Recentred) -> pd.Series:
        return recentred_regression(
            data, outcome, treatment, controls=controls, how=how, level=level
        ).row

    rows = dict(zip(treatments, spread(row, treatments.values()), strict=True))
    return pd.DataFrame(rows).T.rename_axis("held")


def _with_treatment(
    panel: Panel, treatment: Recentred
) -> tuple[pd.DataFrame, tuple[str, str, str]]:
    """Add the treatment, its expectation and their difference to the data."""
    name = treatment.name
    names = (name, f"{name}_expected", f"{name}_recentred")
    taken = [column for column in names if column in panel.frame.columns]
    if taken or not name.isidentifier():
        raise FormulaError(
            f"treatment '{name}': its name must be a plain word and no column of the data; give "
            "recentre(..., name=...) another."
        )
    values = (treatment.realised, treatment.expected, treatment.recentred)
    columns = {
        column: panel.rows(frame.to_numpy()) for column, frame in zip(names, values, strict=True)
    }
    return panel.frame.assign(**columns).swaplevel(), names


def _partial(column: NDArray[np.float64], removed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Residual of a column (T, N) on columns (T, N, K)."""
    basis = np.linalg.qr(removed.reshape(column.size, -1))[0]
    flat = column.ravel()
    return (flat - basis @ (basis.T @ flat)).reshape(column.shape)
