"""Results of a threshold model: the fit at the estimated threshold, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.engine.threshold import Splits
from ccec_econ.formula import Spec, lagged_term
from ccec_econ.inference import nested
from ccec_econ.inference.outcome import Outcome, Outcomes, simulated
from ccec_econ.inference.resampled import SCHEMES, Innovations
from ccec_econ.inference.threshold import ThresholdSet, bootstrap_heights, threshold_set
from ccec_econ.models.column import Column
from ccec_econ.models.nesting import wald_outcome
from ccec_econ.models.results import SpatialPanelResults
from ccec_econ.typeset import Table, number

__all__ = ["REGIMES", "SHIFT", "Search", "ThresholdResults", "halves", "plain"]

REGIMES = ("low", "high")
SHIFT = "regime_low"  # column of the low regime's own intercept
_TIE = 1e-10  # likelihoods closer than this, relatively, are one: the same split of what varies
_CONDITIONAL = (
    "Coefficients, errors, effects and Wald tests take the threshold as known; without a threshold "
    "the best of many splits looks significant, so read test() first."
)


def plain(term: str) -> str:
    """Name of a column that holds a term: formulas read a dot in a name as an attribute."""
    return term.replace(".", "_")


def halves(term: str) -> tuple[str, str]:
    """Names of the columns of a term in the low and in the high regime."""
    low, high = (f"{plain(term)}_{regime}" for regime in REGIMES)
    return low, high


@dataclass(frozen=True, slots=True)
class Search:
    """What was searched and found.

    Attributes
    ----------
    by : str
        Threshold variable.
    splits : Splits
        Its values and the columns that are split.
    terms : tuple of str
        Terms whose coefficients differ.
    intercept : bool
        Whether the regimes have intercepts of their own.
    trim : float
    min_units : int
    thresholds, loglik : ndarray, shape (G,)
        Candidate values in order, and the maximised log-likelihood at each.
    few_units, dependent : int
        Values within the trimmed range left out because a regime had too few units, or because
        the split columns depended on each other or on the effects.
    """

    by: str
    splits: Splits
    terms: tuple[str, ...]
    intercept: bool
    trim: float
    min_units: int
    thresholds: NDArray[np.float64]
    loglik: NDArray[np.float64]
    few_units: int
    dependent: int

    @property
    def threshold(self) -> float:
        """Candidate of the highest likelihood, the lowest of several."""
        top = self.loglik.max()
        return float(self.thresholds[(self.loglik >= top - _TIE * abs(top)).argmax()])

    @property
    def ratios(self) -> NDArray[np.float64]:
        """Likelihood ratios 2 (l(g-hat) - l(g)), shape (G,)."""
        return np.asarray(2.0 * (self.loglik.max() - self.loglik))

    @property
    def low(self) -> NDArray[np.bool_]:
        """Cells of the low regime, shape (T, N)."""
        return np.asarray(self.splits.by <= self.threshold)


@dataclass(frozen=True, slots=True, repr=False)
class ThresholdResults(SpatialPanelResults):
    """Results of `threshold`.

    The fit at the estimated threshold is a `SpatialPanelResults` on split columns, so all that
    takes one takes this: effects, covariances, tables, bootstrap. All of it treats the threshold
    as known. Effects of ``x_low`` are those of a change of x in every unit when every unit is in
    the low regime.

    Attributes
    ----------
    formula : Spec
        The formula as given; `spec` is the one with the split columns, which are in
        ``panel.frame``.
    null : SpatialPanelResults
        The same model without a threshold.
    search : Search
        Candidate values and their likelihoods.
    """

    formula: Spec
    null: SpatialPanelResults
    search: Search

    @property
    def threshold(self) -> float:
        """Estimate: the low regime is where the threshold variable is not above it."""
        return self.search.threshold

    @property
    def searched(self) -> str:
        """What was chosen by its likelihood: the threshold."""
        return f"threshold in {self.search.by}"

    @property
    def made(self) -> tuple[str, ...]:
        """Columns that the split made."""
        own = tuple(name for term in self.search.terms for name in halves(term))
        return (*own, SHIFT) if self.search.intercept else own

    @property
    def supremum(self) -> float:
        """Supremum likelihood ratio sup_g 2 (l(g) - l) against one regime; see `test`."""
        return 2.0 * (self.loglik - self.null.loglik)

    def regimes(self) -> pd.Series:
        """Regime of every unit and period, "low" or "high"."""
        codes = self.panel.series(self.search.low.astype(np.float64), "regime")
        return pd.Series(np.where(codes == 1.0, *REGIMES), index=codes.index, name="regime")

    def sizes(self) -> pd.DataFrame:
        """Observations of each regime, and how many units and periods are ever in it."""
        masks = dict(zip(REGIMES, (self.search.low, ~self.search.low), strict=True))
        rows = {
            name: [int(mask.sum()), int(mask.any(axis=0).sum()), int(mask.any(axis=1).sum())]
            for name, mask in masks.items()
        }
        return pd.DataFrame.from_dict(
            rows, orient="index", columns=["observations", "units", "periods"]
        ).rename_axis("regime")

    def profile(self) -> pd.DataFrame:
        """Likelihood over the candidate values, for a plot.

        Returns
        -------
        DataFrame
            Indexed by threshold: loglik; ratio, 2 (l(g-hat) - l(g)); supremum, 2 (l(g) - l)
            against one regime; and low, observations in the low regime.
        """
        found, values = self.search, np.sort(self.search.splits.by, axis=None)
        columns = {
            "loglik": found.loglik,
            "ratio": found.ratios,
            "supremum": 2.0 * (found.loglik - self.null.loglik),
            "low": np.searchsorted(values, found.thresholds, side="right"),
        }
        return pd.DataFrame(columns, index=pd.Index(found.thresholds, name="threshold"))

    def confidence_set(self, level: float = 0.95) -> ThresholdSet:
        """Values of the threshold that the likelihood ratio does not reject.

        {g : 2 (l(g-hat) - l(g)) <= -2 log(1 - sqrt(level))}, over the candidates. Asymptotic, for
        independent errors of one variance, and for a threshold that exists: read `test` first.
        The set need not be an interval. At 16 units and 12 periods a 95 % set held the threshold
        of a slope that rises by a half, or doubles, 96 and 98 % of the time; of one that rises by
        a quarter, 93 % (88 % with AR(0.5) errors), and then it was most of the range.

        Parameters
        ----------
        level : float
            Confidence level in (0, 1).

        Raises
        ------
        ValueError
            If `level` is not in (0, 1).

        References
        ----------
        Hansen, B. E. (1999). Threshold effects in non-dynamic panels: estimation, testing, and
        inference. Journal of Econometrics 93, 345-368.
        """
        found = self.search
        values = np.unique(found.splits.by)
        return threshold_set(found.by, values, found.thresholds, found.ratios, level)

    def test(
        self,
        *,
        draws: int = 999,
        innovations: Innovations = "unit",
        rng: int | np.random.Generator = 0,
    ) -> Outcome:
        """Test one regime against two by the bootstrap of the supremum ratio.

        Responses are drawn from the reduced form of the model without a threshold, regressors and
        threshold variable stay; each draw is searched over the same candidates.

        Parameters
        ----------
        draws : int
            Simulated panels; p = (1 + count) / (1 + draws).
        innovations : {"unit", "normal", "cell", "period"}
            Residuals of whole units drawn together (default), normal innovations, or residuals
            drawn by cell or by whole period. When errors persist within units only "unit" keeps
            their persistence: at 16 units and 12 periods with AR(0.5) errors the test at 5 %
            rejects 6 % of the time by unit, 13 % by normal innovations.
        rng : int or Generator
            Seed or generator; the default repeats the same draws.

        Raises
        ------
        FormulaError
            If there are fewer than 19 draws.
        WeightsError
            If time effects meet weights that are not row-standardised.
        ValueError
            If `innovations` is unknown.

        References
        ----------
        Hansen, B. E. (1996). Inference when a nuisance parameter is not identified under the null
        hypothesis. Econometrica 64, 413-430.
        """
        found = bootstrap_heights(
            self.null.estimate,
            self.search.splits,
            self.search.thresholds,
            draws=draws,
            innovations=innovations,
            rng=np.random.default_rng(rng),
        )
        ends = int(found.border.sum())
        border = f"; in {ends} draws rho ended at its border, and the ratio is taken there"
        return simulated(
            "Supremum LR",
            "one regime",
            self.supremum,
            exceed=int((found.supremum >= self.supremum).sum()),
            draws=draws,
            how="bootstrap",
            note=f"Supremum LR over {len(self.search.thresholds)} candidate thresholds; "
            f"{SCHEMES[innovations]}{border if ends else ''}.",
        )

    def equality(self) -> Outcomes:
        """Test, term by term and together, that the regimes share their coefficients.

        Wald tests with the covariance of the fit. They take the threshold as known: they say which
        coefficients differ once there are two regimes, not whether there are two. Where there is
        one, the best of many splits was chosen: with 16 units, 12 periods and two columns split
        the joint test at 5 % then rejects 44 % of the time.

        Raises
        ------
        IdentificationError
            If the covariance of the differences has not full rank.
        """
        names, differences = list(self.estimate.terms), dict[str, list[dict[str, float]]]()
        for term in self.search.terms:
            own = dict(zip(halves(term), (1.0, -1.0), strict=True))
            differences[term] = [own]
            lags = {lagged_term(name): sign for name, sign in own.items()}
            if set(lags) <= set(names):
                differences[lagged_term(term)] = [lags]
        if self.search.intercept:
            shifts = [name for name in (SHIFT, lagged_term(SHIFT)) if name in names]
            differences["intercept"] = [{name: 1.0} for name in shifts]
        together = [row for rows in differences.values() for row in rows]
        tests = []
        for name, rows in {**differences, "all": together}.items():
            slope = np.array([[row.get(term, 0.0) for term in names] for row in rows])
            value = nested.wald(slope @ self.estimate.optimum.coefficients, slope, self.vcov)
            null = f"{name} the same in both regimes"
            tests.append(wald_outcome(f"Wald, {name}", null, value, slope, self))
        title = f"Equality of the regimes of {self.search.by}"
        return Outcomes(title, tuple(tests), (self._regimes(), _CONDITIONAL))

    def column(self) -> Column:
        """Describe the fit as one column of a table of several fits."""
        column = SpatialPanelResults.column(self)
        return replace(column, heading=f"THRESHOLD {column.heading}")

    def notes(self) -> tuple[str, ...]:
        """Regimes, search, sample, likelihood and variance convention, for the foot of a table."""
        found, inside = self.search, self.confidence_set()
        return (
            self._regimes(),
            f"Supremum LR against one regime {number(self.supremum, 2)} over "
            f"{len(found.thresholds)} values that leave each regime {100 * found.trim:g} % of the "
            f"observations and {found.min_units} units; for its p-value see test().",
            f"Threshold {inside.text()}. {' '.join(inside.notes())}",
            *self._warnings(),
            _CONDITIONAL,
            *SpatialPanelResults.notes(self),
        )

    def summary(self, digits: int = 4) -> Table:
        """Table of parameters by regime, with threshold, search and convention beneath."""
        table = SpatialPanelResults.summary(self, digits)
        title = f"{self.model.upper()}, threshold in {self.search.by}: {self.formula}"
        return replace(table, title=title)

    def _regimes(self) -> str:
        low, high = (
            f"{row.observations} observations, {row.units} units"
            for row in self.sizes().itertuples()
        )
        return (
            f"Regimes: low where {self.search.by} ≤ {number(self.threshold, 4)} ({low}), high "
            f"elsewhere ({high})."
        )

    def _warnings(self) -> list[str]:
        found = self.search
        by, said = found.splits.by, []
        if (by == by[:1]).all():
            said.append(f"{found.by} does not change over time: the regimes split the units.")
        if (by == by[:, :1]).all():
            said.append(f"{found.by} is the same in all units: the regimes split the periods.")
        common = [term for term in self.null.design.slopes if term not in found.terms]
        if common:
            said.append(f"The same in both regimes: {', '.join(common)}.")
        if found.few_units:
            said.append(f"{found.few_units} values left out: fewer units in a regime.")
        if found.dependent:
            said.append(
                f"{found.dependent} values left out: the split columns depend on each other or on "
                "the effects."
            )
        if not found.intercept:
            said.append(
                "The regimes share one intercept (Hansen 1999), so the split depends on where each "
                "term has its zero; intercept=True frees it."
            )
        return said
