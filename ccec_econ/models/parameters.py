"""What every result does with its parameters and their covariance."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
from scipy import special

from ccec_econ.engine.estimate import Reduced
from ccec_econ.errors import FormulaError
from ccec_econ.inference.vcov import Covariance, Vcov
from ccec_econ.models.column import Column
from ccec_econ.typeset import Printed, Table, interval, number

__all__ = ["LikelihoodParameters", "Parameters"]


@lru_cache
def _labels(names: tuple[str, ...]) -> pd.Index:
    """Labels of parameters; to be viewed, as whoever gets an index may rename it."""
    return pd.Index(names, name="term")


class Parameters(Printed):
    """Standard errors, tests, intervals and rows of a table, from `params`, `cov` and `vcov`."""

    __slots__ = ()

    vcov: Vcov

    @property
    def params(self) -> pd.Series:
        """Estimates by name."""
        raise NotImplementedError

    @property
    def cov(self) -> pd.DataFrame:
        """Covariance of `params`."""
        raise NotImplementedError

    def column(self) -> Column:
        """Describe the fit as one column of a table of several fits, for `ce.table`."""
        raise NotImplementedError

    def with_cov(self, cov: Covariance) -> Parameters:
        """Return the same fit with another covariance, where the class has others.

        Raises
        ------
        FormulaError
            If it has one covariance only.
        """
        raise FormulaError(
            f"no other covariance for {type(self).__name__}: they come with {self.vcov.convention}."
        )

    @property
    def std_errors(self) -> pd.Series:
        """Standard errors of `params`."""
        cov = self.cov
        return pd.Series(np.sqrt(np.diag(cov.to_numpy())), index=cov.index, name="std_error")

    @property
    def tstats(self) -> pd.Series:
        """Ratios of `params` to their standard errors."""
        params = self.params
        ratios = params.to_numpy() / self.std_errors.to_numpy()
        return pd.Series(ratios, index=params.index, name="tstat")

    @property
    def pvalues(self) -> pd.Series:
        """Two-sided p-values, t or normal as the covariance says."""
        ratios = self.tstats
        df = self.vcov.degrees(np.eye(len(ratios)))
        values = 2.0 * special.stdtr(df, -np.abs(ratios.to_numpy()))
        return pd.Series(values, index=ratios.index, name="pvalue")

    @property
    def searched(self) -> str:
        """What of the specification was chosen by its likelihood; empty where nothing was."""
        return ""

    @property
    def held(self) -> tuple[str, ...]:
        """Say that what was searched is taken as known; empty where nothing was."""
        if not self.searched:
            return ()
        return (f"The {self.searched} was chosen by its likelihood and is taken as known.",)

    def conf_int(self, level: float = 0.95) -> pd.DataFrame:
        """Confidence intervals of `params`.

        Raises
        ------
        ValueError
            If `level` is not in (0, 1).
        """
        if not 0.0 < level < 1.0:
            raise ValueError(f"level {level}: need 0 < level < 1, such as 0.95.")
        q = self.vcov.quantile(level, np.eye(len(self.params)))
        return pd.DataFrame(
            {"lower": self.params - q * self.std_errors, "upper": self.params + q * self.std_errors}
        )

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """Parameters, standard errors, statistics, p-values and intervals."""
        columns = [self.params, self.std_errors, self.tstats, self.pvalues]
        return pd.concat(columns, axis=1).join(self.conf_int(level))

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row per term: estimate, std_error, statistic, p_value, conf_low, conf_high."""
        names = ["estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"]
        return self.to_frame(level).set_axis(names, axis=1).reset_index()

    def rows(self, digits: int) -> tuple[tuple[str, ...], ...]:
        """Rows of a printed table: term, estimate, error, statistic, p-value, 95 % interval."""
        frame = self.to_frame()
        return tuple(
            (
                str(term),
                number(row[0], digits),
                number(row[1], digits),
                number(row[2], 2),
                number(row[3], 3),
                interval(row[4], row[5], digits) if np.isfinite(row[4:6]).all() else "",
            )
            for term, row in zip(frame.index, frame.to_numpy(dtype=np.float64), strict=True)
        )

    def heads(self) -> tuple[str, ...]:
        """Headings of `rows`."""
        stat = "t" if self.vcov.df else "z"
        return ("Term", "Estimate", "Std. error", stat, f"P>|{stat}|", "95 % interval")

    def headline(self) -> str:
        """One line: model, formula and size."""
        return f"{self.summary().title}, N × T = {self.column().size}"

    def summary(self, digits: int = 4) -> Table:
        """Table of parameters, with fit and convention beneath."""
        raise NotImplementedError


class LikelihoodParameters(Parameters):
    """Parameters of a maximised likelihood, from `estimate` and `vcov`."""

    __slots__ = ()

    estimate: Reduced

    @property
    def params(self) -> pd.Series:
        """Coefficients, then rho and lam where the model has them."""
        best = self.estimate.optimum
        spatial = {"rho": best.rho, "lam": best.lam}
        values = [*best.coefficients, *(spatial[name] for name in self.estimate.spatial)]
        return pd.Series(np.array(values), index=self._names, name="parameter")

    @property
    def std_errors(self) -> pd.Series:
        """Standard errors of `params`."""
        names = self._names
        errors = np.sqrt(np.diagonal(self.vcov.matrix)[: len(names)])
        return pd.Series(errors, index=names, name="std_error")

    @property
    def cov(self) -> pd.DataFrame:
        """Covariance of `params`."""
        names = self._names
        P = len(names)
        return pd.DataFrame(self.vcov.matrix[:P, :P], index=names, columns=names)

    @property
    def _names(self) -> pd.Index:
        return _labels((*self.estimate.terms, *self.estimate.spatial)).view()

    @property
    def rho(self) -> float:
        """Spatial autoregressive coefficient; zero in models without a lag of y."""
        return self.estimate.optimum.rho

    @property
    def lam(self) -> float:
        """Spatial coefficient of the errors; zero in models without."""
        return self.estimate.optimum.lam

    @property
    def sigma2(self) -> float:
        """Variance of the disturbance.

        SSE over the observations of the likelihood, but for corrections of its bias, and to first
        order for unit effects under weights that change or units that are absent.
        """
        return self.estimate.optimum.sigma2

    @property
    def loglik(self) -> float:
        """Log-likelihood at the estimate; NaN after a bias correction."""
        return self.estimate.optimum.loglik
