"""What a fit returns: a frozen result with labels, in linearmodels' names."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.engine.correction import bias_corrected
from ccec_econ.engine.estimate import Estimate
from ccec_econ.engine.pool import without_columns
from ccec_econ.engine.sparse_weights import SparseWeights
from ccec_econ.engine.spectrum import SpectrumPath
from ccec_econ.engine.unbalanced import UnbalancedEstimate
from ccec_econ.errors import FormulaError, IdentificationError
from ccec_econ.formula import Design, Spec
from ccec_econ.inference.bootstrap import bootstrap, refuse_other_models
from ccec_econ.inference.multipliers import Horizon
from ccec_econ.inference.reduced_form import ReducedForm, static_form
from ccec_econ.inference.resampled import Bootstrap, Innovations
from ccec_econ.inference.vcov import Covariance, Information, Vcov, bound
from ccec_econ.models.column import EFFECTS_LONG, EFFECTS_SHORT, Column, kinds, variance_note
from ccec_econ.models.effects import WithEffects, refuse_horizon
from ccec_econ.models.narrowing import dropped_positions, refuse_no_lag, without_terms
from ccec_econ.models.parameters import LikelihoodParameters
from ccec_econ.panel import Panel
from ccec_econ.typeset import Table, number

__all__ = ["SpatialPanelResults", "family"]

_FEW_UNITS = 50  # below which intervals of SAC and GNS were seen to cover about 85 %
_CORRECTED = "direct likelihood, Lee-Yu bias correction"
_SHORT = {"transformation": "transf.", "direct": "direct", "bias_corrected": "bias-corr."}


@dataclass(frozen=True, slots=True, repr=False)
class SpatialPanelResults(LikelihoodParameters, WithEffects):
    """Results of a static spatial panel model.

    Nothing here changes after the fit: `with_cov` returns another result.

    Attributes
    ----------
    model : str
        "ols", "slx", "sar", "sem", "sdm", "sdem", "sac" or "gns".
    spec : Spec
        The formula, taken apart.
    panel : Panel
        Units and periods, for labels.
    design : Design
        The raw columns.
    estimate : Estimate
        The maximised likelihood and the columns it was written on.
    vcov : Vcov
        Covariance of (coefficients, rho, sigma2), with its convention.
    """

    model: str
    spec: Spec
    panel: Panel
    design: Design
    estimate: Estimate
    vcov: Vcov

    @property
    def method(self) -> str:
        """Which likelihood was used."""
        return self.estimate.method

    @property
    def effects_name(self) -> str:
        """Fixed effects: none, unit, time or twoway."""
        return self.estimate.effects

    @property
    def nobs(self) -> int:
        """Rows of data, N * T."""
        return int(self.estimate.y.size)

    @property
    def likelihood_nobs(self) -> int:
        """Observations in the likelihood, net of effects removed by the transformation."""
        return self.estimate.reduction.nobs

    @property
    def resids(self) -> pd.Series:
        """Innovations of the structural form, effects removed, indexed (unit, time)."""
        return self.panel.series(self.estimate.residuals, "residual")

    @property
    def fitted_values(self) -> pd.Series:
        """Observed response less residual: includes rho Wy and the estimated effects."""
        return self.panel.series(self.design.y - self.estimate.residuals, "fitted")

    @property
    def rsquared(self) -> float:
        """Share of the response's variation, effects removed, that the structural fit explains."""
        e, y = self.estimate.residuals, self.estimate.y
        centred = y - y.mean() if self.estimate.effects == "none" else y
        return 1.0 - float((e**2).sum() / (centred**2).sum())

    def column(self) -> Column:
        """Describe the fit as one column of a table of several fits."""
        fit = self.estimate
        T, N = fit.y.shape
        lags = {term for term, of in zip(fit.terms, fit.lag_of, strict=True) if of is not None}
        return Column(
            heading=self.model.upper(),
            kinds=kinds(self.params.index, lags),
            sigma2=self.sigma2,
            loglik=self.loglik,
            rsquared=self.rsquared,
            effects=EFFECTS_SHORT[self.effects_name],
            estimator=self.estimator_name(),
            size=f"{N} × {T}",
            nobs=self.likelihood_nobs,
            notes=(
                variance_note(
                    self.sigma2,
                    self.likelihood_nobs,
                    fit.residuals,
                    bias_corrected=self.method == "bias_corrected",
                ),
                *self.held,
            ),
        )

    def with_cov(self, cov: Covariance) -> SpatialPanelResults:
        """Return the same fit with another covariance.

        Raises
        ------
        FormulaError
            If `cov` is none.
        AlignmentError
            If it speaks of other units.
        IdentificationError
            If it is not defined for this model; the message says why.
        """
        return replace(self, vcov=bound(cov, self.panel.units)(self.estimate))

    def without(self, *terms: str, cov: Covariance | None = None) -> SpatialPanelResults:
        """Fit the same model again without some terms, from the reduction already made.

        The data are not reduced again: chosen columns of the triangle [Z, y, Wy] give all that
        the likelihood needs, and the numbers are those of a fresh fit. Formulas of more than names
        are evaluated once more, to see that the shorter one makes the columns that are left.

        Parameters
        ----------
        *terms : str
            Labels of coefficients. With ``x`` goes its lag ``W(x)``; ``W(x)`` can go alone.
        cov : Covariance, optional
            ``ce.Information()`` by default, whatever the first fit had.

        Raises
        ------
        FormulaError
            If a term is not in the model or one of several columns of a term, or none is left;
            if the shorter formula would code its categories in another way, or no lag of a
            regressor is left to a Durbin model; or if `cov` is none.
        IdentificationError
            If the model is not one of the eight static ones on a balanced panel, or its weights
            change over time; or as a first fit would.
        ConvergenceError
            As a first fit would.

        Examples
        --------
        >>> import ccec_econ as ce
        >>> panel = ce.data.load_panel(years=(2011, 2019))
        >>> fit = ce.sdm("growth ~ digital + hsr | unit + year", panel, ce.weights.contiguity())
        >>> list(fit.without("hsr").params.index)
        ['digital', 'W(digital)', 'rho']
        """
        fit = self.estimate
        if type(self) is not SpatialPanelResults:
            raise IdentificationError(
                f"without() is for static models of ce.ols to ce.gns, not {type(self).__name__}; "
                "fit the shorter formula."
            )
        refuse_other_models(fit)
        chosen = bound(Information() if cov is None else cov, self.panel.units)
        at = dropped_positions(fit.terms, fit.lag_of, terms)
        lag, gone = fit.lagging, {fit.terms[j] for j in at}
        spec, design = without_terms(
            self.spec, self.design, gone, self.panel, None if lag is None else lag.lag
        )
        rest = without_columns(fit, at)
        refuse_no_lag(self.model, spec, rest.lag_of)
        if fit.method == "bias_corrected":
            rest = bias_corrected(rest)
        return replace(self, spec=spec, design=design, estimate=rest, vcov=chosen(rest))

    def fixed_effects(self) -> dict[str, pd.Series]:
        """Recover the effects from y - rho Wy - Zd: "constant", "unit" and "time".

        Unit and time effects are deviations that sum to zero; rho Wy is taken off, as the model
        says (leaving it in is a known slip).
        """
        level = self._explained(structural=True)
        rest, effects = self.design.y - level, self.effects_name
        constant = float(rest.mean()) if effects != "none" else 0.0
        found = {"constant": pd.Series({"constant": constant})}
        if effects in ("unit", "twoway"):
            found["unit"] = pd.Series(rest.mean(axis=0) - constant, index=self.panel.units)
        if effects in ("time", "twoway"):
            found["time"] = pd.Series(rest.mean(axis=1) - constant, index=self.panel.times)
        return found

    def predict(self) -> pd.Series:
        """Predict by the reduced form (I - rho W)^-1 (Zd + effects), without the own response."""
        mean = self._explained(structural=False)
        for name, effect in self.fixed_effects().items():
            values = effect.to_numpy()
            mean = mean + (values[:, None] if name == "time" else values)
        weights = self.estimate.weights
        if weights is not None:
            mean = weights.solve(self.rho, mean)
        return self.panel.series(mean, "prediction")

    def reduced_form(self, *, horizon: Horizon = "short", cumulative: bool = True) -> ReducedForm:
        """Parameters that effects depend on, and the matrices that they multiply.

        Raises
        ------
        FormulaError
            If a horizon is asked for: the model has no time lags.
        IdentificationError
            If rho lies outside its interval, as estimates by instruments can.
        """
        refuse_horizon(horizon)
        form = static_form(self.estimate)
        return replace(form, remarks=(*form.remarks, *self.held))

    def refits(
        self,
        draws: int,
        *,
        innovations: Innovations = "normal",
        level: float,
        rng: np.random.Generator,
    ) -> Bootstrap:
        """Simulate the fitted model and refit it, as `ce.bootstrap` does."""
        found = bootstrap(self.estimate, draws=draws, innovations=innovations, level=level, rng=rng)
        return replace(found, remarks=self.held)

    def notes(self) -> tuple[str, ...]:
        """Sample, likelihood and variance convention, for the foot of a table."""
        T, N = self.estimate.y.shape
        size = f"N = {N} units, T = {T} periods, {EFFECTS_LONG[self.effects_name]}"
        return (
            f"{size}; {self.likelihood_name()}, {self.likelihood_nobs} observations.",
            *self._changing(),
            f"Standard errors: {self.vcov.convention}.",
            *self._approximations(),
            *(
                ["With both rho and lam at few units, intervals cover less than they say."]
                * (len(self.estimate.spatial) == 2 and N < _FEW_UNITS)
            ),
            *(
                "Another maximum: "
                + "".join(f"{name} = {getattr(o, name):.4f}, " for name in self.estimate.spatial)
                + f"log-likelihood {o.loglik:.3f}."
                for o in self.estimate.others
            ),
        )

    def estimator_name(self) -> str:
        """Name the likelihood in a few letters, for a cell."""
        if not self.estimate.spatial:
            return "least squares"
        return "ML" if self.effects_name == "none" else _SHORT[self.method]

    def likelihood_name(self) -> str:
        """Name the likelihood as it was used here."""
        if not self.estimate.spatial:
            return "least squares"
        if self.effects_name == "none":
            return "maximum likelihood"
        if self._response_varies() and self.method == "transformation":
            return "quasi-likelihood, unit effects demeaned"
        if self.method == "transformation":
            return "Lee-Yu transformation likelihood"
        if self.method == "bias_corrected":
            return _CORRECTED
        biased = "variance too small" if self.effects_name == "unit" else "biased at small n"
        return f"direct likelihood ({biased})"

    def summary(self, digits: int = 4) -> Table:
        """Table of parameters, with fit and convention beneath."""
        fit = f"σ² = {self.sigma2:.5g}, log-likelihood {number(self.loglik, 3) or 'not defined'}, "
        removed = "" if self.effects_name == "none" else " (effects removed)"
        fit += f"R²{removed} {number(self.rsquared, 3)}."
        return Table(
            title=f"{self.model.upper()}: {self.spec}",
            columns=self.heads(),
            rows=self.rows(digits),
            notes=(fit, *self.notes()),
        )

    def _explained(self, *, structural: bool) -> NDArray[np.float64]:
        """Zd of the raw columns, with rho Wy when structural; shape (T, N)."""
        fit = self.estimate
        own = self.design.X @ fit.optimum.coefficients[: len(self.design.terms)]
        weights = fit.x_weights
        for j in range(len(self.design.terms), len(fit.terms)):
            column = self.design.X[:, :, self.design.terms.index(str(fit.lag_of[j]))]
            if weights is not None:
                own = own + fit.optimum.coefficients[j] * weights.lag(column)
        if structural and fit.weights is not None:
            own = own + self.rho * fit.weights.lag(self.design.y)
        return np.asarray(own)

    def _approximations(self) -> tuple[str, ...]:
        """Say how log-determinants of sparse weights were computed."""
        best = self.estimate.optimum
        parts = ((self.estimate.spectrum, best.rho), (self.estimate.error, best.lam))
        return tuple({p.note(at) for p, at in parts if isinstance(p, SparseWeights)})

    def _changing(self) -> tuple[str, ...]:
        """Say that weights change, and what that costs where unit effects meet rho."""
        unit = self.effects_name in ("unit", "twoway") and self.method == "transformation"
        corrected = "; variance corrected to first order" * (unit and self._response_varies())
        return (f"Weights change over time{corrected}.",) * self.estimate.varies

    def _response_varies(self) -> bool:
        return isinstance(self.estimate.weights, SpectrumPath)


def family(results: object, *, unbalanced: bool = False) -> SpatialPanelResults:
    """Return results of the family that shares one likelihood, or refuse others by name.

    Parameters
    ----------
    unbalanced : bool
        Whether results on an unbalanced panel will do.

    Raises
    ------
    FormulaError
        If the results are of another class: what follows is not defined for them.
    IdentificationError
        If they are on an unbalanced panel, and that will not do.
    """
    if not isinstance(results, SpatialPanelResults):
        raise FormulaError(
            f"not available for {type(results).__name__}; give results of ce.ols, ce.slx, ce.sar, "
            "ce.sem, ce.sdm, ce.sdem, ce.sac or ce.gns."
        )
    if isinstance(results.estimate, UnbalancedEstimate) and not unbalanced:
        raise IdentificationError(
            "not available for an unbalanced panel; fit units and periods that are complete, or "
            "test restrictions with ce.wald_test."
        )
    return results
