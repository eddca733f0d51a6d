"""Results of a static model on an unbalanced panel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.engine.removal import removal
from ccec_econ.engine.unbalanced import UnbalancedEstimate
from ccec_econ.errors import IdentificationError
from ccec_econ.inference.multipliers import Horizon
from ccec_econ.inference.reduced_form import ReducedForm, static_form
from ccec_econ.inference.resampled import Bootstrap, Innovations
from ccec_econ.inference.unbalanced import unbalanced_vcov
from ccec_econ.inference.vcov import Covariance
from ccec_econ.models.column import Column
from ccec_econ.models.effects import refuse_horizon
from ccec_econ.models.results import SpatialPanelResults

__all__ = ["UnbalancedPanelResults"]

_MEANS = "Effects are means over the periods, each by the number of units present."
_EXISTENCE = (
    "Right if units do not exist in the periods that are missing; if they exist and are merely not "
    "observed, {cost}."
)
_ONLY_AVERAGES = (
    "effects between groups or single units are not available for an unbalanced panel: who is "
    "there changes from period to period; fit the units that are always present."
)


class UnbalancedPanelResults(SpatialPanelResults):
    """Results of a static model on the cells that are present.

    As `SpatialPanelResults`; series hold the cells present. ``estimate.presence`` says which.
    """

    __slots__ = ()

    estimate: UnbalancedEstimate

    @property
    def nobs(self) -> int:
        """Rows of data, the cells present."""
        return self.estimate.presence.cells

    @property
    def rsquared(self) -> float:
        """Share of the response's variation, effects removed, that the structural fit explains."""
        fit = self.estimate
        centred = fit.y
        if fit.effects == "none":
            centred = fit.presence.zeroed(fit.y - fit.y.sum() / fit.presence.cells)
        return 1.0 - float((fit.residuals**2).sum() / (centred**2).sum())

    def with_cov(self, cov: Covariance) -> UnbalancedPanelResults:
        """Return the same fit with another covariance.

        Raises
        ------
        IdentificationError
            If it is not available for unbalanced panels.
        """
        return replace(self, vcov=unbalanced_vcov(cov, self.estimate))

    def fixed_effects(self) -> dict[str, pd.Series]:
        """Recover the effects from y - rho Wy - Zd: "constant", "unit" and "time".

        Least squares on the dummies of the cells present. Unit and time effects are deviations
        that sum to zero over units and over periods.

        Raises
        ------
        IdentificationError
            If there are unit and time effects, and units and periods fall into components that
            share no cell: levels of different components do not compare.
        """
        kind = self.effects_name
        components = int(self.estimate.presence.components().max()) + 1
        if kind == "twoway" and components > 1:
            raise IdentificationError(
                f"units and periods fall into {components} components that share no cell: their "
                "effects do not compare; fit each component by itself, or use effects of one kind."
            )
        unit, time = self._dummies()
        centre, middle = float(unit.mean()), float(time.mean())
        found = {"constant": pd.Series({"constant": centre + middle})}
        if kind in ("unit", "twoway"):
            found["unit"] = pd.Series(unit - centre, index=self.panel.units)
        if kind in ("time", "twoway"):
            found["time"] = pd.Series(time - middle, index=self.panel.times)
        return found

    def predict(self) -> pd.Series:
        """Predict by the reduced form (I - rho W_t)^-1 (Zd + effects) of the units present."""
        unit, time = self._dummies()
        presence, weights = self.estimate.presence, self.estimate.weights
        mean = presence.zeroed(self._explained(structural=False) + unit + time[:, None])
        if weights is not None:
            mean = weights.solve(self.rho, mean)
        return self.panel.series(mean, "prediction")

    def reduced_form(self, *, horizon: Horizon = "short", cumulative: bool = True) -> ReducedForm:
        """Parameters that effects depend on, and what they multiply.

        In period t effects are those of S_t among the n_t units present:
        tr(S_t^-1 (b I + t W_t))/n_t and so on. The averages over periods weigh each by n_t over the
        number of cells, so that
        every cell counts alike.

        Raises
        ------
        FormulaError
            If a horizon is asked for: the model has no time lags.
        """
        refuse_horizon(horizon)
        form = static_form(self.estimate)
        remarks = (_MEANS,) if form.remarks else ()
        return replace(form, remarks=remarks, only_averages=_ONLY_AVERAGES)

    def refits(
        self,
        draws: int,
        *,
        innovations: Innovations = "normal",
        level: float,
        rng: np.random.Generator,
    ) -> Bootstrap:
        """Refuse: the bootstrap simulates whole periods.

        Raises
        ------
        IdentificationError
            Always.
        """
        raise IdentificationError(
            "the bootstrap is not available for an unbalanced panel; use delta and simulation "
            "intervals."
        )

    def column(self) -> Column:
        """Describe the fit as one column of a table of several fits; the size says the cells."""
        T, N = self.estimate.y.shape
        return replace(SpatialPanelResults.column(self), size=f"{N} × {T}, {self.nobs} cells")

    def estimator_name(self) -> str:
        """Name the likelihood in a few letters, for a cell."""
        return "QML" if self._approximate() else SpatialPanelResults.estimator_name(self)

    def notes(self) -> tuple[str, ...]:
        """Sample, cells, likelihood and variance convention, for the foot of a table."""
        presence = self.estimate.presence
        size, *rest = SpatialPanelResults.notes(self)
        cells, whole = presence.cells, presence.mask.size
        once = int((presence.by_unit == 1).sum())
        components = int(presence.components().max()) + 1
        found = [
            size,
            f"Unbalanced: {cells} of {whole} cells present, {whole - cells} missing; absent units "
            f"are nobody's neighbours{self._standardised()}.",
        ]
        if self._standardised():
            names = " and ".join(self.estimate.spatial)
            biased = f"{names} {'are' if ' ' in names else 'is'} biased towards zero"
            cost = biased if names else "the spatial lags are measured with error"
            found.append(_EXISTENCE.format(cost=cost))
        if once and self.effects_name in ("unit", "twoway"):
            found.append(f"Units present in one period only, explained by their effect: {once}.")
        if components > 1 and self.effects_name == "twoway":
            found.append(
                f"Units and periods fall into {components} components without common cell."
            )
        if self._approximate():
            found.append(
                "Variance corrected to first order for the unit effects. The log-likelihood keeps "
                "them as dummies and does not compare with that of unbalanced=False."
            )
        return (*found, *rest)

    def likelihood_name(self) -> str:
        """Name the likelihood as it was used here."""
        if not self.estimate.spatial:
            return "least squares"
        if self._approximate():
            return "quasi-likelihood, unit effects as dummies"
        return "maximum likelihood" if self.effects_name == "none" else "transformation likelihood"

    def _changing(self) -> tuple[str, ...]:
        """Nothing: who is present changes, which is said."""
        return ()

    def _approximate(self) -> bool:
        return bool(self.estimate.spatial) and self.effects_name in ("unit", "twoway")

    def _standardised(self) -> str:
        fit = self.estimate
        paths = [part for part in (fit.weights, fit.x_weights, fit.error) if part is not None]
        return ", weights are taken among the units present" if paths else ""

    def _dummies(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Recover unit effects (N,) and time effects (T,), zero where the model has none."""
        fit, presence = self.estimate, self.estimate.presence
        rest = presence.zeroed(self.design.y - self._explained(structural=True))
        unit = removal(presence, fit.effects).unit_effects(rest)
        left = presence.zeroed(rest - unit)
        timed = fit.effects in ("time", "twoway")
        time = left.sum(axis=1) / presence.by_period if timed else np.zeros(len(left))
        return unit, time
