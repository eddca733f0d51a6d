"""Results of a fit from blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.estimate import Reduced
from ccec_econ.engine.sparse_weights import SparseWeights
from ccec_econ.formula import Spec
from ccec_econ.inference.effects import Effects, effects
from ccec_econ.inference.reduced_form import static_form
from ccec_econ.inference.vcov import Vcov
from ccec_econ.models.column import EFFECTS_LONG, EFFECTS_SHORT, Column, kinds, variance_note
from ccec_econ.models.parameters import LikelihoodParameters
from ccec_econ.typeset import Table, number

__all__ = ["BlockResults"]


@dataclass(frozen=True, slots=True, repr=False)
class BlockResults(LikelihoodParameters):
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
    def rsquared(self) -> float:
        """Share of the response's variation, effects removed, that is explained; NaN without."""
        fit = self.estimate
        if fit.effects == "none":
            return float("nan")
        y = fit.triangle.own[:, len(fit.terms)]
        return 1.0 - float(self._residuals @ self._residuals) / float(y @ y)

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
            rsquared=self.rsquared,
            effects=EFFECTS_SHORT[fit.effects],
            estimator="transf." if fit.spatial else "least squares",
            size=f"{N} × {T}",
            nobs=fit.reduction.nobs,
            notes=(variance_note(self.sigma2, fit.reduction.nobs, self._residuals),),
        )

    def notes(self) -> tuple[str, ...]:
        """Sample, likelihood and variance convention."""
        T, N = self.estimate.shape
        best = self.estimate.optimum
        parts = ((self.estimate.spectrum, best.rho), (self.estimate.error, best.lam))
        return (
            f"N = {N} units, T = {T} periods, {EFFECTS_LONG[self.estimate.effects]}; fitted from "
            f"blocks, {self.estimate.reduction.nobs} observations in the likelihood.",
            f"Standard errors: {self.vcov.convention}.",
            *(part.note(at) for part, at in parts if isinstance(part, SparseWeights)),
        )

    @property
    def _residuals(self) -> NDArray[np.float64]:
        """Innovations in the coordinates of the triangle: as long as those of the panel."""
        best = self.estimate.optimum
        v, _ = self.estimate.triangle.residuals(best.lam, best.rho, best.coefficients)
        return v

    def summary(self, digits: int = 4) -> Table:
        """Table of parameters, with fit and convention beneath."""
        fit = f"σ² = {self.sigma2:.5g}, log-likelihood {number(self.loglik, 3)}."
        return Table(
            title=f"{self.model.upper()}: {self.spec}",
            columns=self.heads(),
            rows=self.rows(digits),
            notes=(fit, *self.notes()),
        )
