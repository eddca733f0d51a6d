"""A specification curve: one row per specification, what each choice does, and a joint test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ccec_econ.errors import FormulaError, IdentificationError, first_five
from ccec_econ.inference.quantity import Quantity
from ccec_econ.inference.wild import draw_signs
from ccec_econ.models.curve_choices import DIMENSIONS
from ccec_econ.models.curve_groups import Group, Row, redrawn
from ccec_econ.models.static import MODELS
from ccec_econ.parallel import spread
from ccec_econ.typeset import Printed, Table, number

__all__ = ["CurveTest", "SpecificationCurve", "curve_frame"]

_PIECE = 8  # specifications that are drawn again in one piece of work
_STATISTICS = (
    "absolute median",
    "share of one sign",
    "share significant of one sign",
    "absolute mean z",
)


@dataclass(frozen=True, slots=True, repr=False)
class CurveTest(Printed):
    """Test of all specifications together: the term of interest has no part in any of them.

    Under the null neither the term nor its spatial lag is in the model, whatever the quantity.

    Attributes
    ----------
    frame : DataFrame
        By statistic: observed, median_null, pvalue, draws (those in which it could be computed).
    null : DataFrame
        The statistics in every draw.
    specifications, failed : int
        How many specifications, and the share of re-estimations, in percent, without a number.
    level : float
        Below which p-values count as significant.
    """

    frame: pd.DataFrame
    null: pd.DataFrame
    specifications: int
    failed: float
    level: float

    def summary(self, digits: int = 3) -> Table:
        """Table of the statistics with their p-values."""
        rows = tuple(
            (
                str(name),
                number(row["observed"], digits),
                number(row["median_null"], digits),
                number(row["pvalue"], 3),
            )
            for name, row in self.frame.iterrows()
        )
        return Table(
            title="Specification curve: joint test that the term of interest has no part",
            columns=("Statistic", "Observed", "Median under the null", "p-value"),
            rows=rows,
            notes=self.notes(),
        )

    def notes(self) -> tuple[str, ...]:
        """How the null distribution was made."""
        return (
            "Null: neither the term of interest nor its spatial lag is in any model.",
            f"{self.specifications} specifications; {len(self.null)} draws, in which each model "
            "without the two gives the response and every unit's innovations keep or change their "
            "sign, the same in all specifications.",
            f"Significant: p < {self.level:g} within a specification. Re-estimations without a "
            f"number: {number(self.failed, 2)} %.",
        )


@dataclass(frozen=True, slots=True, repr=False)
class SpecificationCurve(Printed):
    """Estimates of one quantity over all combinations of defensible choices.

    Attributes
    ----------
    frame : DataFrame
        One row per specification, numbered as they were combined: the choices (outcome, focus,
        controls, weights, sample, effects, model), estimate, std_error, statistic, df, pvalue,
        lower, upper, units, periods, nobs (units times periods) and reason, which says why there
        is no estimate and is empty where there is one.
    quantity : {"coefficient", "direct", "indirect", "total"}
    always : tuple of str
        Terms of every specification.
    level : float
        Confidence level of the intervals; p-values below its complement count as significant.
    conventions : tuple of str
        Of the standard errors.
    groups : tuple of Group
        Specifications with their data, for `test`.
    """

    frame: pd.DataFrame
    quantity: Quantity
    always: tuple[str, ...]
    level: float
    conventions: tuple[str, ...]
    groups: tuple[Group, ...]

    @property
    def estimated(self) -> pd.DataFrame:
        """Specifications with an estimate, from the lowest to the highest."""
        return self.frame[self.frame["reason"] == ""].sort_values("estimate", kind="stable")

    @property
    def failed(self) -> pd.DataFrame:
        """Specifications without an estimate, with the reason."""
        rows = self.frame[self.frame["reason"] != ""]
        return pd.DataFrame(rows[[*DIMENSIONS, "reason"]])

    @property
    def varied(self) -> tuple[str, ...]:
        """Dimensions in which specifications differ."""
        return tuple(name for name in DIMENSIONS if self.frame[name].nunique() > 1)

    def by(self, dimension: str) -> pd.DataFrame:
        """Summarise specifications by one of the choices.

        Parameters
        ----------
        dimension : str
            "outcome", "focus", "controls", "weights", "sample", "effects" or "model".

        Returns
        -------
        DataFrame
            By option: specifications, failed, median, lowest, highest, and the shares of those
            estimated that are positive, significant and positive, significant and negative.

        Raises
        ------
        FormulaError
            If there is no such dimension.
        """
        if dimension not in DIMENSIONS:
            raise FormulaError(f"dimension {dimension!r}; choose {', '.join(DIMENSIONS)}.")
        parts = self.frame.groupby(dimension, sort=False)
        return pd.DataFrame({str(k): self._described(part) for k, part in parts}).T.rename_axis(
            dimension
        )

    def test(self, *, draws: int = 499, rng: int | np.random.Generator = 0) -> CurveTest:
        """Test that the term of interest has no part in any specification, all of them together.

        The null is that neither the term nor its spatial lag is in the model, whatever the
        quantity. In each draw every specification is estimated again on a response made without
        the two, and the curve's median, signs and share of significant estimates are compared
        with those of the data.

        Parameters
        ----------
        draws : int
            Each costs one estimation of every specification; spread by joblib's choice of
            workers, see `ccec_econ.parallel`.
        rng : int or Generator
            Signs of the units are drawn here, before the work is spread.

        Raises
        ------
        ValueError
            If there are fewer than 19 draws.
        IdentificationError
            If the quantity is the indirect effect and SAR or SAC is among the models estimated.

        Notes
        -----
        Response under the null, by specification, with estimates of the restricted model:
        y* = (I - rho W)^-1 (Zd + (I - lam W)^-1 v*), v*_it = s_i v_it, s_i = +1 or -1 with equal
        probability. A p-value is (1 + draws at least as extreme) / (1 + draws).

        The null is stronger than a quantity of zero: a rejection says that the term matters in
        some way, not through which of its coefficients. A model with a lag of y but none of x has
        the indirect effect rho b / (1 - rho) and the like, which is also zero at rho = 0 with any
        b. There the null drawn says nothing about it, and is refused.

        Shares cannot pass one: where all specifications agree, as few similar ones do, read the
        median and the mean z. The share of significant estimates has most power under a covariance
        that is robust to what units share over time, such as ``ce.Cluster("unit")``.

        References
        ----------
        Simonsohn, U., Simmons, J. P. and Nelson, L. D. (2020). Specification curve analysis.
        Nature Human Behaviour 4, 1208-1214.
        """
        if draws < 19:
            raise ValueError(f"draws {draws}: give 19 or more.")
        self._refuse_indirect()
        units = 1 + max(int(group.units.max()) for group in self.groups)
        signs = draw_signs(units, "rademacher", draws, np.random.default_rng(rng))
        known = set(self.estimated.index)
        work = []
        for group in self.groups:
            rows = [member.row for member in group.members if member.row in known]
            work += [(group, rows[i : i + _PIECE], signs) for i in range(0, len(rows), _PIECE)]
        found: dict[int, list[Row]] = {}
        for part in spread(redrawn, work):
            found |= part
        order = sorted(found)
        values = np.array(
            [[(row.estimate, row.std_error, row.df) for row in found[at]] for at in order]
        )
        null = _statistics(values, 1.0 - self.level)
        own = self.frame.loc[order, ["estimate", "std_error", "df"]].to_numpy()
        observed = _statistics(own[:, None], 1.0 - self.level)[0]
        kept = np.isfinite(null).sum(axis=0)
        beyond = (null >= observed * (1.0 - 1e-9)).sum(axis=0)
        columns = {
            "observed": observed,
            "median_null": np.nanmedian(null, axis=0),
            "pvalue": (1.0 + beyond) / (1.0 + kept),
            "draws": kept,
        }
        names = pd.Index(_STATISTICS, name="statistic")
        return CurveTest(
            frame=pd.DataFrame(columns, index=names),
            null=pd.DataFrame(null, columns=names),
            specifications=len(order),
            failed=100.0 * float(np.isnan(values[..., 0]).mean()),
            level=1.0 - self.level,
        )

    def summary(self, digits: int = 4) -> Table:
        """Table of what all specifications say together, and those of each choice."""
        rows = [self._cells("All", self._described(self.frame), digits)]
        rules = set()
        for dimension in self.varied:
            rules.add(len(rows))
            found = self.by(dimension)
            rows += [
                self._cells(f"{dimension}: {name}", found.loc[name], digits) for name in found.index
            ]
        heads = ("Choice", "Estimated", "Failed", "Median", "Lowest", "Highest")
        return Table(
            title=self.headline(),
            columns=(*heads, "Positive", "Signif. positive", "Signif. negative"),
            rows=tuple(rows),
            rules=frozenset(rules),
            notes=self.notes(),
        )

    def headline(self) -> str:
        """One line that says what this is."""
        names = ", ".join(dict.fromkeys(self.frame["focus"]))
        what = "coefficient" if self.quantity == "coefficient" else f"{self.quantity} effect"
        return f"Specification curve: {what} of {names}, {len(self.frame)} specifications"

    def notes(self) -> tuple[str, ...]:
        """Sizes, conventions and reasons of failures, for the foot of a table."""
        done, held = self.estimated, " + ".join(self.always)
        size = (
            f"{_span(done['units'])} units, {_span(done['periods'])} periods"
            f"{'; always in: ' + held if held else ''}."
        )
        reasons = self.failed["reason"].value_counts()
        return (
            size,
            f"Shares are of the specifications estimated; significant at {1 - self.level:.2g}.",
            f"Standard errors: {'; '.join(self.conventions)}.",
            *(f"Not estimated ({count}): {reason}" for reason, count in reasons.items()),
        )

    def _refuse_indirect(self) -> None:
        models = self.estimated["model"].unique()
        bare = [name for name in models if MODELS[name].lag_y and not MODELS[name].lag_x]
        if self.quantity == "indirect" and bare:
            raise IdentificationError(
                f"the indirect effect in {first_five(bare)} comes from the lag of y alone: it is "
                "zero where rho is, whatever the term does, and draws without the term are no null "
                'for it. Test models with W(x), such as "slx" and "sdm", or quantity="total" or '
                '"coefficient".'
            )

    def _described(self, part: pd.DataFrame) -> pd.Series:
        done = part[part["reason"] == ""]
        value, small = done["estimate"], done["pvalue"] < 1.0 - self.level
        return pd.Series(
            {
                "specifications": len(part),
                "failed": len(part) - len(done),
                "median": value.median(),
                "lowest": value.min(),
                "highest": value.max(),
                "positive": (value > 0.0).mean(),
                "significant_positive": ((value > 0.0) & small).mean(),
                "significant_negative": ((value < 0.0) & small).mean(),
            }
        )

    @staticmethod
    def _cells(name: str, row: pd.Series, digits: int) -> tuple[str, ...]:
        done = int(row["specifications"] - row["failed"])
        return (
            name,
            f"{done:,}",
            f"{int(row['failed']):,}",
            *(number(row[key], digits) for key in ("median", "lowest", "highest")),
            *(
                f"{100 * row[key]:.0f} %" if done else ""
                for key in ("positive", "significant_positive", "significant_negative")
            ),
        )


def curve_frame(listed: pd.DataFrame, rows: list[Row], level: float) -> pd.DataFrame:
    """Add estimates, tests and intervals to the choices of every specification."""
    ordered = sorted(rows, key=lambda row: row.row)
    frame = listed.copy()
    for name in ("estimate", "std_error", "df"):
        frame[name] = [getattr(row, name) for row in ordered]
    reach = stats.t.ppf(0.5 + level / 2, frame["df"]) * frame["std_error"]
    frame["statistic"] = frame["estimate"] / frame["std_error"]
    frame["pvalue"] = 2.0 * stats.t.sf(frame["statistic"].abs(), frame["df"])
    frame["lower"], frame["upper"] = frame["estimate"] - reach, frame["estimate"] + reach
    frame["reason"] = [row.reason for row in ordered]
    first = [*listed.columns[: len(DIMENSIONS)], "estimate", "std_error", "statistic", "df"]
    last = ["pvalue", "lower", "upper", *listed.columns[len(DIMENSIONS) :], "reason"]
    return frame[[*first, *last]]


def _statistics(values: NDArray[np.float64], level: float) -> NDArray[np.float64]:
    """Statistics of curves, shape (curves, 4).

    Parameters
    ----------
    values : ndarray, shape (specifications, curves, 3)
        Estimate, standard error and degrees of freedom; missing ones are left out of a curve.
    """
    estimate, std_error, df = np.moveaxis(values, -1, 0)
    there = np.isfinite(estimate)
    z = estimate / std_error
    small = there & (2.0 * stats.t.sf(np.abs(z), df) < level)
    with np.errstate(invalid="ignore"):
        count = there.sum(axis=0)
        one_sign = [((estimate > 0.0) & there).sum(axis=0), ((estimate < 0.0) & there).sum(axis=0)]
        both = [(small & (estimate > 0.0)).sum(axis=0), (small & (estimate < 0.0)).sum(axis=0)]
        found = [
            np.abs([np.nanmedian(column) for column in estimate.T]),
            np.max(one_sign, axis=0) / count,
            np.max(both, axis=0) / count,
            np.abs(np.nanmean(z, axis=0)),
        ]
    return np.array(found).T


def _span(values: pd.Series) -> str:
    if not len(values):
        return "no"
    low, high = int(values.min()), int(values.max())
    return str(low) if low == high else f"{low} to {high}"
