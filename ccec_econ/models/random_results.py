"""What a fit with random unit effects returns, and its tests against fixed effects."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ccec_econ.engine.random import RandomEstimate
from ccec_econ.formula import Spec
from ccec_econ.inference.multipliers import Horizon
from ccec_econ.inference.outcome import Outcome
from ccec_econ.inference.random_tests import (
    common_to_units,
    hausman,
    mundlak,
    no_unit_effects,
    time_means,
)
from ccec_econ.inference.random_vcov import random_vcov
from ccec_econ.inference.reduced_form import ReducedForm, static_form
from ccec_econ.inference.vcov import Covariance, Information, Vcov
from ccec_econ.models.column import Column, kinds
from ccec_econ.models.effects import WithEffects, refuse_horizon
from ccec_econ.panel import Panel
from ccec_econ.typeset import Table, number

__all__ = ["RandomEffectsResults"]

_SCALES = ("phi", "sigma2")
_VARIANCES = (
    "With random effects σ² is the variance of the innovations and φ that of the unit effects "
    "over σ²."
)
_FORMS = {
    "none": "independent errors",
    "bsk": "spatial errors, unit effects outside the filter (BSK)",
    "kkp": "spatial errors, unit effects inside the filter (KKP)",
}


@dataclass(frozen=True, slots=True, repr=False)
class RandomEffectsResults(WithEffects):
    """Results of a spatial panel model with random unit effects.

    Attributes
    ----------
    model : str
        "ols", "slx", "sar", "sdm", "sem", "sdem", "sac" or "gns": its spatial terms.
    method : str
        "ml", or "gm" and its moments.
    spec : Spec
        The formula, taken apart.
    panel : Panel
        Units and periods, for labels.
    estimate : RandomEstimate
        The estimates and the columns they were made from.
    vcov : Vcov
        Covariance of `params`, with its convention; missing where none is defined.
    """

    model: str
    method: str
    spec: Spec
    panel: Panel
    estimate: RandomEstimate
    vcov: Vcov

    @property
    def params(self) -> pd.Series:
        """Coefficients, rho and lam where the model has them, phi = sigma_mu2/sigma2, sigma2."""
        best, base = self.estimate.optimum, self.estimate.base
        spatial = {"rho": best.rho, "lam": best.lam}
        values = [*best.coefficients, *(spatial[n] for n in base.spatial), best.phi, best.sigma2]
        return pd.Series(values, index=self._index, name="parameter")

    @property
    def cov(self) -> pd.DataFrame:
        """Covariance of `params`."""
        return pd.DataFrame(self.vcov.matrix, index=self._index, columns=self._index)

    @property
    def tstats(self) -> pd.Series:
        """Ratios of `params` to their standard errors; missing for phi and sigma2.

        Zero is the border of both, where the ratio is not normal: see `unit_effects_test`.
        """
        ratio = self.params / self.std_errors
        ratio[list(_SCALES)] = np.nan
        return pd.Series(ratio, name="tstat")

    def conf_int(self, level: float = 0.95) -> pd.DataFrame:
        """Confidence intervals of `params`; those of phi and sigma2 are normal in logarithms.

        Raises
        ------
        ValueError
            If `level` is not in (0, 1).
        """
        if not 0.0 < level < 1.0:
            raise ValueError(f"level {level}: need 0 < level < 1, such as 0.95.")
        reach = self.vcov.quantile(level, np.eye(len(self.params))) * self.std_errors
        out = pd.DataFrame({"lower": self.params - reach, "upper": self.params + reach})
        for name in _SCALES:
            value = float(self.params[name])
            factor = float(np.exp(reach[name] / value)) if value > 0.0 else np.nan
            out.loc[name] = [value / factor, value * factor]
        return out

    def column(self) -> Column:
        """Describe the fit as one column of a table of several fits."""
        base = self.estimate.base
        T, N = base.y.shape
        lags = {term for term, of in zip(base.terms, base.lag_of, strict=True) if of is not None}
        return Column(
            heading=f"RE {self.model.upper()}",
            kinds=kinds(self.params.index, lags),
            sigma2=self.sigma2,
            loglik=self.loglik,
            rsquared=float("nan"),
            effects="random unit",
            estimator="ML" if self.method == "ml" else "GM",
            size=f"{N} × {T}",
            nobs=self.nobs,
            notes=(_VARIANCES,),
        )

    @property
    def rho(self) -> float:
        """Spatial autoregressive coefficient; zero in models without a lag of y."""
        return self.estimate.optimum.rho

    @property
    def lam(self) -> float:
        """Spatial coefficient of the errors; zero in models without."""
        return self.estimate.optimum.lam

    @property
    def phi(self) -> float:
        """Variance of the unit effects in units of that of the innovations."""
        return self.estimate.optimum.phi

    @property
    def sigma2(self) -> float:
        """Variance of the innovations v."""
        return self.estimate.optimum.sigma2

    @property
    def sigma_mu2(self) -> float:
        """Variance of the unit effects mu, phi * sigma2."""
        return self.phi * self.sigma2

    @property
    def boundary(self) -> bool:
        """Whether the likelihood is highest at phi = 0: the data show no unit effects."""
        return self.estimate.optimum.boundary

    @property
    def loglik(self) -> float:
        """Log-likelihood with all constants; NaN for generalised moments."""
        return self.estimate.optimum.loglik

    @property
    def nobs(self) -> int:
        """Rows of data, N * T."""
        return self.estimate.likelihood.nobs

    @property
    def resids(self) -> pd.Series:
        """Disturbances y - rho Wy - Zd, unit effects included, indexed (unit, time)."""
        return self.panel.series(self.estimate.base.disturbances, "residual")

    @property
    def fitted_values(self) -> pd.Series:
        """Rho Wy + Zd, unit effects not included."""
        base = self.estimate.base
        return self.panel.series(base.y - base.disturbances, "fitted")

    def unit_effects(self) -> pd.Series:
        """Best linear predictor of mu, indexed by unit; shrunk towards zero.

        Raises
        ------
        IdentificationError
            If phi is negative, as moments may give it.
        """
        return pd.Series(self.estimate.unit_effects(), index=self.panel.units, name="unit_effect")

    def variance_components(self) -> pd.DataFrame:
        """sigma_v2, sigma_mu2 and the share sigma_mu2/(sigma_mu2 + sigma_v2), with delta errors."""
        V, phi, s2 = self.vcov.matrix[-2:, -2:], self.phi, self.sigma2
        J = np.array([[0.0, 1.0], [s2, phi], [1.0 / (1.0 + phi) ** 2, 0.0]])
        if self.boundary:
            J, V = J[:, 1:], V[1:, 1:]
        errors = np.sqrt(np.diag(J @ V @ J.T))
        if self.boundary:
            errors[1:] = np.nan
        values = [s2, phi * s2, phi / (1.0 + phi)]
        index = pd.Index(["sigma_v2", "sigma_mu2", "share_mu"], name="component")
        return pd.DataFrame({"estimate": values, "std_error": errors}, index=index)

    def with_cov(self, cov: Covariance) -> RandomEffectsResults:
        """Return the same fit with another covariance.

        Raises
        ------
        FormulaError
            If `cov` is not defined with random unit effects.
        IdentificationError
            For clusters with unit effects outside the filter ("bsk"), and quasi-ML after
            generalised moments.
        """
        return replace(self, vcov=random_vcov(self.estimate, cov))

    def reduced_form(self, *, horizon: Horizon = "short", cumulative: bool = True) -> ReducedForm:
        """Parameters that effects depend on, and what they multiply; time-means have no effects.

        Raises
        ------
        FormulaError
            If a horizon is asked for: the model has no time lags.
        """
        refuse_horizon(horizon)
        base = self.estimate.base
        return static_form(base, without=time_means(base))

    def mundlak_test(self) -> Outcome:
        """Test that unit effects are uncorrelated with the regressors; needs ``mundlak=True``.

        Rests on the information, whatever the covariance of this result: phi takes up serial
        correlation in what time-means see. At N = 16, T = 12 it so rejects a true null in 4 to 5 %
        of samples at the 5 % level, with an AR(1) of .6 too, and with clusters in 10 to 12 %.
        """
        return mundlak(self.estimate, random_vcov(self.estimate, Information()))

    def hausman(self) -> Outcome:
        """Compare slopes with those of fixed effects; inapplicable where covariances cross.

        Rests on the information of both models, whatever the covariance of this result: the
        difference of two covariances is one only where the second estimator is efficient.
        """
        return hausman(self.estimate, random_vcov(self.estimate, Information()))

    def unit_effects_test(self) -> Outcome:
        """Test phi = 0 by its likelihood ratio, on its border."""
        return no_unit_effects(self.estimate)

    def notes(self) -> tuple[str, ...]:
        """Sample, likelihood and variance convention, for the foot of a table."""
        T, N = self.estimate.base.y.shape
        how = "maximum likelihood" if self.method == "ml" else self.method.replace("gm", "GM")
        form = _FORMS[self.estimate.likelihood.form]
        out = [
            f"N = {N} units, T = {T} periods, random unit effects, {form}; {how}.",
            f"Standard errors: {self.vcov.convention}.",
        ]
        if self.boundary:
            out.append(
                "phi = 0 is a border optimum: the likelihood falls as unit effects get a variance. "
                "Other standard errors take phi = 0 as known."
            )
        elif self.phi < 0.0:
            out.append("phi < 0: unit means vary less than independent errors would.")
        elif self.method == "ml":
            kind = "t" if self.vcov.df else "normal"
            out.append(f"Intervals of phi and sigma2 are {kind} in logarithms.")
        base = self.estimate.base
        if base.spatial and common_to_units(base):
            out.append(
                "What is common to all units is estimated, not removed: dummies of periods bias "
                f"{' and '.join(base.spatial)} downwards by order 1/N."
            )
        for o in self.estimate.others:
            where = "".join(f"{name} = {getattr(o, name):.4f}, " for name in base.spatial)
            out.append(f"Another maximum: {where}phi = {o.phi:.4f}, log-likelihood {o.loglik:.3f}.")
        return tuple(out)

    def summary(self, digits: int = 4) -> Table:
        """Table of parameters, with fit and convention beneath."""
        fit = f"Variance of unit effects {self.sigma_mu2:.5g}, log-likelihood "
        fit += f"{number(self.loglik, 3) or 'not defined'}."
        return Table(
            title=f"Random effects {self.model.upper()}: {self.spec}",
            columns=self.heads(),
            rows=self.rows(digits),
            notes=(fit, *self.notes()),
        )

    @property
    def _index(self) -> pd.Index:
        return pd.Index(list(self.estimate.names), name="term")
