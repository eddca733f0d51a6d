"""Results of a fit from blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ccec_econ.engine.estimate import Reduced
from ccec_econ.engine.sparse_spectrum import SparseSpectrum
from ccec_econ.formula import Spec
from ccec_econ.inference.effects import Effects, effects
from ccec_econ.inference.reduced_form import static_form
from ccec_econ.inference.vcov import Vcov
from ccec_econ.models.column import EFFECTS_LONG, EFFECTS_SHORT, Column, kinds
from ccec_econ.models.parameters import Parameters
from ccec_econ.typeset import Table, number

__all__ = ["BlockResults"]


@dataclass(frozen=True, slots=True, repr=False)
class BlockResults(Parameters):
    """Parameters, classical covariance and average effects; residuals stay in the blocks.

    Attributes
    ----------
    model : str
    spec : Spec
    estimate : Reduced
        The maximised likelihood.
    vcov : Vcov
        Inverse expected information.
    """

    model: str
    spec: Spec
    estimate: Reduced
    vcov: Vcov

    @property
    def params(self) -> pd.Series:
        """Coefficients, then rho or lam where the model has it."""
        best = self.estimate.optimum
        spatial = {"rho": best.rho, "lam": best.lam}
        values = [*best.coefficients, *(spatial[name] for name in self.estimate.spatial)]
        names = [*self.estimate.terms, *self.estimate.spatial]
        return pd.Series(values, index=pd.Index(names, name="term"), name="parameter")

    @property
    def cov(self) -> pd.DataFrame:
        """Covariance of `params`."""
        names = self.params.index
        matrix = self.vcov.matrix[: len(names), : len(names)]
        return pd.DataFrame(matrix, index=names, columns=names)

    @property
    def sigma2(self) -> float:
        """Variance of the disturbance."""
        return self.estimate.optimum.sigma2

    @property
    def loglik(self) -> float:
        """Log-likelihood at the estimate."""
        return self.estimate.optimum.loglik

    def effects(
        self, *, level: float = 0.95, draws: int = 1000, rng: int | np.random.Generator = 0
    ) -> Effects:
        """Direct, indirect and total effects with delta and simulation intervals.

        Raises
        ------
        IdentificationError
            If the weights are not row-standardised and too many to be written out.
        ValueError
            If `level` or `draws` is out of range.
        """
        form, random = static_form(self.estimate), np.random.default_rng(rng)
        return effects(form, self.vcov, level=level, draws=draws, rng=random)

    def column(self) -> Column:
        """Describe the fit as one column of a table of several fits."""
        fit = self.estimate
        T, N = fit.shape
        lags = {term for term, of in zip(fit.terms, fit.lag_of, strict=True) if of is not None}
        return Column(
            heading=self.model.upper(),
            kinds=kinds(self.params.index, lags),
            sigma2=self.sigma2,
            loglik=self.loglik,
            rsquared=float("nan"),
            effects=EFFECTS_SHORT[fit.effects],
            estimator="transf." if fit.spatial else "least squares",
            size=f"{N} × {T}",
            nobs=fit.reduction.nobs,
            notes=self.notes(),
        )

    def notes(self) -> tuple[str, ...]:
        """Sample, likelihood and variance convention."""
        T, N = self.estimate.shape
        parts = (self.estimate.spectrum, self.estimate.error)
        return (
            f"N = {N} units, T = {T} periods, {EFFECTS_LONG[self.estimate.effects]}; fitted from "
            f"blocks, {self.estimate.reduction.nobs} observations in the likelihood.",
            f"Standard errors: {self.vcov.convention}.",
            *(part.note() for part in parts if isinstance(part, SparseSpectrum)),
        )

    def summary(self, digits: int = 4) -> Table:
        """Table of parameters, with fit and convention beneath."""
        fit = f"σ² = {self.sigma2:.5g}, log-likelihood {number(self.loglik, 3)}."
        return Table(
            title=f"{self.model.upper()}: {self.spec}",
            columns=self.heads(),
            rows=self.rows(digits),
            notes=(fit, *self.notes()),
        )
