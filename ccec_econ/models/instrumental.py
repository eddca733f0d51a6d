"""Results of models with instruments: estimates beside the strength of what identifies them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from ccec_econ.engine.instruments import (
    By,
    Equation,
    Overidentification,
    TwoStage,
    cluster_sums,
    overidentification,
    project,
    two_stage,
)
from ccec_econ.engine.strength import FirstStage, cragg_donald, first_stages
from ccec_econ.errors import FormulaError, IdentificationError, first_five
from ccec_econ.inference.anderson_rubin import (
    AndersonRubinSet,
    anderson_rubin_pvalue,
    anderson_rubin_set,
)
from ccec_econ.inference.cluster import Cluster
from ccec_econ.inference.vcov import Covariance, Information, Vcov, checked
from ccec_econ.inference.wild_anderson_rubin import WildAndersonRubin, wild_anderson_rubin
from ccec_econ.models.results import SpatialPanelResults
from ccec_econ.typeset import Table, number

__all__ = [
    "EFFECTIVE",
    "FIRST_STAGE_COLUMNS",
    "InstrumentalResults",
    "covariance",
    "first_stage_cells",
    "instrumented",
]

Estimator = Literal["2sls", "best", "gmm"]
FIRST_STAGE_COLUMNS = (
    "Endogenous column",
    "F",
    "df",
    "Conditional F",
    "Effective F",
    "Critical",
    "Partial R²",
)
EFFECTIVE = (
    "Effective F of Montiel Olea and Pflueger (2013), with the value that it must exceed for a "
    "bias of at most a tenth of the worst case."
)
_WEAK = 10.0  # first-stage F under which t ratios are not to be trusted (Staiger and Stock 1997)
_SHORT = {"2sls": "2SLS", "best": "best 2SLS", "gmm": "GMM"}
_NAMES = {
    "2sls": "two-stage least squares",
    "best": "best two-stage least squares",
    "gmm": "GMM with quadratic moments",
}


@dataclass(frozen=True, slots=True, repr=False)
class InstrumentalResults(SpatialPanelResults):
    """Results of `s2sls` and `gmm`.

    As `SpatialPanelResults`, without a likelihood: `loglik` is NaN.

    Attributes
    ----------
    equation : Equation
        Columns and instruments, effects removed. First stages and Anderson-Rubin sets are those
        of these instruments, also after a second step.
    estimator : {"2sls", "best", "gmm"}
    by : {"unit", "time"} or None
        Clusters; None for homoskedastic errors.
    used : Equation
        The equation with the instruments of the last step.
    joint : Overidentification or None
        Test of all moments of GMM.
    """

    equation: Equation
    estimator: Estimator
    by: By | None
    used: Equation
    joint: Overidentification | None = None

    @property
    def overidentification(self) -> Overidentification:
        """Sargan's test, Hansen's J under clusters, or that of all moments of GMM."""
        if self.joint is not None:
            return self.joint
        at = project(self.equation)
        return overidentification(self.equation, at, two_stage(self.equation, at), self.by)

    @property
    def first_stages(self) -> tuple[FirstStage, ...]:
        """Strength of the instruments, one entry per endogenous column."""
        names = tuple(self.equation.terms[j] for j in self.equation.endogenous)
        return first_stages(self.equation, project(self.equation), names, self.by)

    @property
    def cragg_donald(self) -> float:
        """Smallest eigenvalue of the first-stage F matrix, homoskedastic."""
        return cragg_donald(self.equation, project(self.equation))

    @property
    def is_weak(self) -> bool:
        """Whether a first-stage F of any kind is below 10, or cannot be computed."""
        return any(
            not min(stage.F, stage.conditional_F, stage.effective_F) >= _WEAK
            for stage in self.first_stages
        )

    def anderson_rubin(
        self,
        term: str = "rho",
        level: float = 0.95,
        *,
        wild: bool = False,
        rng: int | np.random.Generator = 0,
    ) -> AndersonRubinSet:
        """Confidence set of one coefficient that weak instruments do not break.

        Parameters
        ----------
        term : str
            "rho" or a regressor, endogenous or not.
        level : float
            Confidence level in (0, 1).
        wild : bool
            Whether the reference distribution is the restricted wild cluster bootstrap by unit,
            for few units, instead of F.
        rng : int or Generator
            Signs drawn with more than 16 units.

        Raises
        ------
        FormulaError
            If the model has no such term.
        IdentificationError
            If moments are clustered and there are several endogenous columns.
        """
        j = self._position(term)
        if wild:
            return self._wild(j, rng).set(level, term)
        return anderson_rubin_set(self.equation, j, level=level, by=self.by, name=term)

    def anderson_rubin_pvalue(
        self,
        term: str = "rho",
        value: float = 0.0,
        *,
        wild: bool = False,
        rng: int | np.random.Generator = 0,
    ) -> float:
        """Test that a coefficient has a value; not affected by weak instruments."""
        j = self._position(term)
        if wild:
            return self._wild(j, rng).pvalue(value)
        return anderson_rubin_pvalue(self.equation, j, value, by=self.by)

    def with_cov(self, cov: Covariance) -> InstrumentalResults:
        """Return the same fit with another covariance, first stages and tests to match.

        Raises
        ------
        IdentificationError
            After GMM, whose weights and covariance belong together.
        FormulaError
            If `cov` needs a likelihood.
        """
        if self.estimator == "gmm":
            raise IdentificationError(
                "the covariance of GMM belongs to its weights; fit it again with "
                "heteroskedastic=True or False."
            )
        fit = two_stage(self.used, project(self.used))
        return replace(self, vcov=covariance(self.used, fit, cov), by=instrumented(cov))

    def predict(self) -> pd.Series:
        """Predict by the reduced form, as in `SpatialPanelResults`.

        Raises
        ------
        IdentificationError
            If rho lies outside its interval: there is no reduced form.
        """
        if self._is_outside():
            raise IdentificationError(
                f"rho = {self.rho:.4f} lies outside its interval, so there is no reduced form to "
                "predict by; report the Anderson-Rubin set."
            )
        return SpatialPanelResults.predict(self)

    def estimator_name(self) -> str:
        """Name the estimator in a few letters, for a cell."""
        return _SHORT[self.estimator]

    def likelihood_name(self) -> str:
        """Name the estimator."""
        spatial = "spatial " if self.estimate.spectrum is not None else ""
        return f"{spatial}{_NAMES[self.estimator]}"

    def notes(self) -> tuple[str, ...]:
        """Sample, instruments, their strength and exogeneity, variance convention."""
        eq, test = self.equation, self.overidentification
        exact = (
            "exactly identified"
            if not test.df
            else (
                f"{test.name} test of over-identification: χ²({test.df}) = "
                f"{number(test.statistic, 2) or 'not available, too few clusters'}"
                f"{f', p = {number(test.pvalue, 3)}' if np.isfinite(test.statistic) else ''}"
            )
        )
        strength = "; ".join(
            f"{stage.name}: F({stage.df[0]}, {stage.df[1]}) = "
            f"{number(stage.F, 2) or 'not available'}"
            + f", conditional F {number(stage.conditional_F, 2) or 'not available'}"
            * (len(self.equation.endogenous) > 1)
            for stage in self.first_stages
        )
        found = [
            *SpatialPanelResults.notes(self),
            f"Instruments: {', '.join(eq.instruments)}; {exact}.",
            f"First stages: {strength}; Cragg-Donald {number(self.cragg_donald, 2)}.",
        ]
        if eq.dropped:
            found.append(f"Instruments left out, combinations of others: {', '.join(eq.dropped)}.")
        if self.is_weak and self.estimator == "gmm" and len(self.first_stages) == 1:
            found.append("First-stage F below 10: rho rests on the quadratic moments.")
        elif self.is_weak:
            found.append("First-stage F below 10: report the Anderson-Rubin set, not t.")
        if self._is_outside():
            found.append("rho lies outside its interval: no reduced form, no effects.")
        return tuple(found)

    def summary(self, digits: int = 4) -> Table:
        """Table of parameters; beneath them fit, instruments and convention."""
        table = SpatialPanelResults.summary(self, digits)
        removed = "" if self.effects_name == "none" else " (effects removed)"
        fit = f"σ² = {self.sigma2:.5g}, R²{removed} {number(self.rsquared, 3)}."
        return replace(table, notes=(fit, *table.notes[1:]))

    def first_stage(self, digits: int = 2) -> Table:
        """Table of the first stages: F of three kinds, degrees of freedom, partial R²."""
        rows = tuple(first_stage_cells(stage, digits) for stage in self.first_stages)
        kind = "homoskedastic" if self.by is None else f"clustered by {self.by}"
        plain = "" if self.by is None else ", homoskedastic,"
        weak = ("F below 10: report the Anderson-Rubin set, not t.",) * self.is_weak
        return Table(
            title="First stages",
            columns=FIRST_STAGE_COLUMNS,
            rows=rows,
            notes=(
                f"F of the {len(self.equation.instruments)} excluded instruments, {kind}; "
                "conditional on the other endogenous columns after Sanderson and Windmeijer "
                f"(2016). {EFFECTIVE} Cragg-Donald smallest eigenvalue{plain} "
                f"{number(self.cragg_donald, digits)}.",
                *weak,
            ),
        )

    def __str__(self) -> str:
        return f"{self.summary()}\n\n{self.first_stage()}"

    def _repr_html_(self) -> str:
        return f"{self.summary().to_html()}\n{self.first_stage().to_html()}"

    def _wild(self, j: int, rng: int | np.random.Generator) -> WildAndersonRubin:
        random = np.random.default_rng(rng)
        return wild_anderson_rubin(self.equation, j, self.design.effects, rng=random)

    def _position(self, term: str) -> int:
        names = list(self.params.index)
        if term not in names:
            raise FormulaError(f"no term {term!r}; there are {first_five(names)}.")
        return names.index(term)

    def _changing(self) -> tuple[str, ...]:
        return ("Weights change over time.",) * self.estimate.varies

    def _is_outside(self) -> bool:
        weights = self.estimate.weights
        return weights is not None and not weights.interval[0] < self.rho < weights.interval[1]


def first_stage_cells(stage: FirstStage, digits: int = 2) -> tuple[str, ...]:
    """Cells of one first stage under `FIRST_STAGE_COLUMNS`."""
    return (
        stage.name,
        number(stage.F, digits),
        f"{stage.df[0]}, {stage.df[1]}",
        number(stage.conditional_F, digits),
        number(stage.effective_F, digits),
        number(stage.critical, digits),
        number(stage.partial_r2, 3),
    )


def instrumented(cov: Covariance) -> By | None:
    """Clusters that a covariance asks for.

    Raises
    ------
    FormulaError
        If it needs a likelihood.
    """
    cov = checked(cov)
    if isinstance(cov, Cluster):
        if cov.kind != "CR1":
            raise FormulaError(
                "CR2 is for least squares; with instruments give ce.Cluster('unit') or "
                "ce.Cluster('time')."
            )
        return cov.by
    if isinstance(cov, Information):
        return None
    raise FormulaError(
        f"cov {cov!r} needs a likelihood or least squares; with instruments give ce.Information() "
        "(homoskedastic), ce.Cluster('unit') or ce.Cluster('time')."
    )


def covariance(eq: Equation, fit: TwoStage, cov: Covariance) -> Vcov:
    """Covariance of two-stage least squares in the order of the columns of X."""
    by, P = instrumented(cov), eq.X.shape[1]
    df = eq.nobs - P
    if by is None:
        s2 = float(fit.residuals @ fit.residuals) / df
        return Vcov(s2 * fit.bread, df, f"homoskedastic, SSE/(observations - K), t({df})")
    at = project(eq)
    rows = cluster_sums(at.basis @ at.X * fit.residuals[:, None], eq.shape, by)
    groups = len(rows)
    factor = groups / (groups - 1) * (eq.nobs - 1) / df
    middle = fit.bread @ rows.T
    text = f"clustered by {by} (CR1), {groups} clusters, t({groups - 1})"
    return Vcov(factor * middle @ middle.T, groups - 1, text)
