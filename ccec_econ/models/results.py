"""What a fit returns: a frozen result with labels, in linearmodels' names."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from ccec_econ.engine.estimate import Estimate
from ccec_econ.formula import Design, Spec
from ccec_econ.inference.effects import Effects, effects
from ccec_econ.inference.vcov import Covariance, Vcov
from ccec_econ.panel import Panel
from ccec_econ.typeset import Table, interval, number

__all__ = ["SpatialPanelResults"]

_LIKELIHOOD = {
    "transformation": "Lee-Yu transformation likelihood",
    "direct": "direct likelihood (biased at small n)",
    "bias_corrected": "direct likelihood, Lee-Yu bias correction",
}
_EFFECTS = {
    "none": "no fixed effects",
    "unit": "unit effects",
    "time": "time effects",
    "twoway": "unit and time effects",
}


@dataclass(frozen=True, slots=True)
class SpatialPanelResults:
    """Results of a static spatial panel model.

    Nothing here changes after the fit: `with_cov` returns another result.

    Attributes
    ----------
    model : str
        "ols", "slx", "sar" or "sdm".
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
    def params(self) -> pd.Series:
        """Coefficients, then rho where the model has one."""
        best = self.estimate.optimum
        values = list(best.coefficients)
        names = list(self.estimate.terms)
        if self.estimate.spectrum is not None:
            values, names = [*values, best.rho], [*names, "rho"]
        return pd.Series(values, index=pd.Index(names, name="term"), name="parameter")

    @property
    def cov(self) -> pd.DataFrame:
        """Covariance of `params`."""
        names = self.params.index
        P = len(names)
        return pd.DataFrame(self.vcov.matrix[:P, :P], index=names, columns=names)

    @property
    def std_errors(self) -> pd.Series:
        """Standard errors of `params`."""
        return pd.Series(
            np.sqrt(np.diag(self.cov.to_numpy())), index=self.params.index, name="std_error"
        )

    @property
    def tstats(self) -> pd.Series:
        """Ratios of `params` to their standard errors."""
        return pd.Series(self.params / self.std_errors, name="tstat")

    @property
    def pvalues(self) -> pd.Series:
        """Two-sided p-values, t or normal as the covariance says."""
        df = self.vcov.df or np.inf
        values = 2.0 * stats.t.sf(np.abs(self.tstats.to_numpy()), df)
        return pd.Series(values, index=self.params.index, name="pvalue")

    def conf_int(self, level: float = 0.95) -> pd.DataFrame:
        """Confidence intervals of `params` at a level in (0, 1)."""
        q = float(stats.t.ppf(0.5 + level / 2, self.vcov.df or np.inf))
        return pd.DataFrame(
            {"lower": self.params - q * self.std_errors, "upper": self.params + q * self.std_errors}
        )

    @property
    def rho(self) -> float:
        """Spatial autoregressive coefficient; zero in models without a lag of y."""
        return self.estimate.optimum.rho

    @property
    def sigma2(self) -> float:
        """Variance of the disturbance, SSE over the observations of the likelihood."""
        return self.estimate.optimum.sigma2

    @property
    def loglik(self) -> float:
        """Log-likelihood at the estimate; NaN after a bias correction."""
        return self.estimate.optimum.loglik

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
        """Structural residuals, effects removed, indexed (unit, time)."""
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

    def with_cov(self, cov: Covariance) -> SpatialPanelResults:
        """Return the same fit with another covariance."""
        return replace(self, vcov=cov(self.estimate))

    def effects(
        self,
        *,
        level: float = 0.95,
        draws: int = 1000,
        rng: int | np.random.Generator = 0,
    ) -> Effects:
        """Direct, indirect and total effects with delta and simulation intervals.

        Parameters
        ----------
        level : float
            Confidence level in (0, 1).
        draws : int
            Draws behind the simulation interval.
        rng : int or Generator
            Seed or generator; the default repeats the same draws.
        """
        return effects(
            self.estimate, self.vcov, level=level, draws=draws, rng=np.random.default_rng(rng)
        )

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """Parameters, standard errors, statistics, p-values and intervals."""
        columns = [self.params, self.std_errors, self.tstats, self.pvalues]
        return pd.concat(columns, axis=1).join(self.conf_int(level))

    def notes(self) -> tuple[str, ...]:
        """Sample, likelihood and variance convention, for the foot of a table."""
        T, N = self.estimate.y.shape
        likelihood = (
            f"{_LIKELIHOOD[self.method]}, {self.likelihood_nobs} observations"
            if self.estimate.spectrum is not None
            else f"least squares, {self.likelihood_nobs} observations"
        )
        return (
            f"N = {N} units, T = {T} periods, {_EFFECTS[self.effects_name]}; {likelihood}.",
            f"Standard errors: {self.vcov.convention}.",
        )

    def summary(self, digits: int = 4) -> Table:
        """Table of parameters, with fit and convention beneath."""
        frame = self.to_frame()
        stat = "t" if self.vcov.df else "z"
        rows = tuple(
            (
                str(term),
                number(row[0], digits),
                number(row[1], digits),
                number(row[2], 2),
                number(row[3], 3),
                interval(row[4], row[5], digits),
            )
            for term, row in zip(frame.index, frame.to_numpy(dtype=np.float64), strict=True)
        )
        fit = f"σ² = {self.sigma2:.5g}, log-likelihood {number(self.loglik, 3) or 'not defined'}, "
        fit += f"R² (effects removed) {number(self.rsquared, 3)}."
        return Table(
            title=f"{self.model.upper()}: {self.spec}",
            columns=("Term", "Estimate", "Std. error", stat, f"P>|{stat}|", "95 % interval"),
            rows=rows,
            notes=(fit, *self.notes()),
        )

    def to_latex(self) -> str:
        """Summary as LaTeX."""
        return self.summary().to_latex()

    def to_typst(self) -> str:
        """Summary as Typst."""
        return self.summary().to_typst()

    def __str__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary().to_html()
