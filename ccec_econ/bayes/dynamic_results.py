"""What a Bayesian fit of a dynamic model returns."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.bayes.container import datatree, few, labelled
from ccec_econ.bayes.dynamic import radii
from ccec_econ.bayes.effects import describe_effects, effect_draws
from ccec_econ.bayes.quantities import Quantities
from ccec_econ.bayes.results import Posterior
from ccec_econ.engine.dynamic import TimeLags, constant
from ccec_econ.engine.transform import demean
from ccec_econ.errors import IdentificationError
from ccec_econ.inference.effects import NAMES
from ccec_econ.inference.multipliers import Horizon, Reach
from ccec_econ.inference.reduced_form import ReducedForm, static_form
from ccec_econ.inference.stability import whole_horizon
from ccec_econ.typeset import Table, number

if TYPE_CHECKING:
    from xarray import DataTree

__all__ = ["DynamicPosterior", "UnitEffects"]

UnitEffects = Literal["orthogonal", "flat"]

_NEAR = 0.98  # spectral radius that counts as close to a unit root
_PRIORS: Mapping[UnitEffects, str] = {
    "orthogonal": "Unit effects orthogonal to the parameters (Lancaster 2002), uniform where the "
    "process is stable",
    "flat": "Unit effects flat, as in static models: not consistent for fixed T, the coefficient "
    "of the own time lag is pulled downward",
}


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class DynamicPosterior(Posterior):
    """Posterior of a dynamic spatial panel model, given the first period, as independent draws.

    As `Posterior`, `kernel` and `marginal` being those under flat unit effects.

    Attributes
    ----------
    lags : TimeLags
        Where y_{t-1} and W y_{t-1} stand among the coefficients.
    X : ndarray, shape (T, N, K)
        Regressors, time lags included, as they are.
    path : ndarray, shape (T + 1, N)
        The response, the first period included.
    history : str
        What the time lag took from the panel, for the notes.
    unit_effects : {"orthogonal", "flat"}
    """

    lags: TimeLags
    X: NDArray[np.float64]
    path: NDArray[np.float64]
    history: str
    unit_effects: UnitEffects

    @property
    def radius(self) -> NDArray[np.float64]:
        """Spectral radius of A at every draw: shocks die out where it is below one."""
        weights = constant(self.estimate.weights)
        return radii(weights, self.lags, self.draws.coefficients, self.draws.spatial)

    @property
    def log_marginal(self) -> float:
        """Not there: models with time lags are not compared.

        Raises
        ------
        IdentificationError
        """
        raise IdentificationError(
            "no marginal likelihood of a dynamic model: the prior of its unit effects is improper, "
            "with a weight that changes with rho and the time lags; compare static models."
        )

    @property
    def data(self) -> DataTree:
        """ArviZ's container, made at every call.

        Groups: posterior (coefficients by term, rho, sigma2; short- and long-run effects by
        regressor, the latter missing at draws that are not stable), sample_stats (spectral
        radius), observed_data, constant_data (regressors) and posterior_predictive (500 paths
        from the first period on, unit effects drawn), all with time effects removed. There is no
        log-likelihood by observation, which az.loo asks for: the unit effects tie a path together.
        """
        within: Literal["time", "none"] = "time" if self.estimate.effects == "twoway" else "none"
        short, long = self.form(), self.form("long")
        found = np.moveaxis(effect_draws(short, self.draws), 2, 0)
        lasting = np.full_like(found, np.nan)
        stable = self.radius < 1.0
        lasting[:, stable] = np.moveaxis(effect_draws(long, self.draws.part(stable)), 2, 0)
        groups = {
            "posterior": {
                **labelled(self.estimate, self.draws),
                **dict(zip(NAMES, found, strict=True)),
                **dict(zip((f"long_run_{name}" for name in NAMES), lasting, strict=True)),
            },
            "sample_stats": {"spectral_radius": self.radius},
            "posterior_predictive": {"y": self._replicated(np.random.default_rng(self.seed))},
            "observed_data": {"y": demean(self.path[1:], within)},
            "constant_data": {"x": demean(self.X, within)},
        }
        names = [term.name for term in short.terms]
        return datatree(groups, self.estimate, self.panel, regressors=names, chains=1)

    def form(self, horizon: Horizon = "short", *, cumulative: bool = True) -> ReducedForm:
        """Reduced form behind the effects at a horizon.

        Raises
        ------
        ValueError
            If `horizon` cannot be used.
        """
        reach = Reach(whole_horizon(horizon), cumulative)
        return replace(static_form(self.estimate), lags=self.lags, reach=reach)

    def effects(
        self,
        *,
        groups: pd.Series | Mapping[Hashable, str] | None = None,
        level: float = 0.95,
        horizon: Horizon = "short",
        cumulative: bool = True,
    ) -> Quantities:
        """Direct, indirect and total effects of the regressors, at every draw.

        Parameters
        ----------
        groups, level
            As in `Posterior.effects`.
        horizon : "short", "long" or int
            The short run; the long run of a change that stays; or periods after a change. Beyond
            the short run effects are those of the draws at which the process is stable; how many
            are not stands beneath the table.
        cumulative : bool
            Whether a whole-number horizon sums the periods up to it (a change that stays) or takes
            that period alone (a change that lasts one period).

        Raises
        ------
        AlignmentError
            If groups do not name exactly the units of the panel.
        IdentificationError
            If no draw is stable and the horizon is not the short run.
        ValueError
            If `level` is not in (0, 1) or `horizon` cannot be used.
        """
        form, draws = self.form(horizon, cumulative=cumulative), self.draws
        remarks = self.notes()
        if form.reach.horizon != "short":
            stable = self.radius < 1.0
            if not stable.any():
                raise IdentificationError(
                    f"no effects beyond the short run: none of {len(stable):,} draws is stable; "
                    "read the short run, or model a stationary response."
                )
            draws = draws.part(stable)
            if not stable.all():
                remarks = (*remarks, f"Effects of the {stable.sum():,} draws that are stable.")
        return describe_effects(
            form, draws, self.panel, groups=groups, level=level, remarks=remarks
        )

    def summary(self, digits: int = 4) -> Table:
        """Table of the parameters with intervals and prior."""
        return self.parameters().summary(digits=digits)

    def notes(self) -> tuple[str, ...]:
        """Sample, likelihood, priors, draws and stability, for the foot of a table."""
        radius = self.radius
        outside, near = int((radius >= 1.0).sum()), float((radius > _NEAR).mean())
        return (
            *Posterior.notes(self),
            f"Given the first period. {self.history}",
            f"{_PRIORS[self.unit_effects]}.",
            f"{outside:,} of {len(radius):,} draws are outside stability; the spectral radius of A "
            f"has median {number(float(np.median(radius)), 3)} and exceeds {_NEAR:g} with "
            f"probability {number(near, 3)}.",
        )

    def _replicated(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Paths from the first period on, time effects removed: shape (D, T, N).

        Given the parameters the unit effects are normal about the mean residual of the unit, with
        variance s2/T.
        """
        within: Literal["time", "none"] = "time" if self.estimate.effects == "twoway" else "none"
        W, N = constant(self.estimate.weights).W, self.path.shape[1]
        y, X, one = demean(self.path, within), demean(self.X, within), few(self.draws)
        free = one.coefficients.copy()
        free[:, list(self.lags.positions)] = 0.0
        T, D = len(X), len(one.sigma2)
        tau, eta = (
            np.zeros(D) if j is None else one.coefficients[:, j]
            for j in (self.lags.own, self.lags.spatial)
        )
        identity = np.eye(N)
        S = identity - one.spatial[:, None, None] * W
        B = tau[:, None, None] * identity + eta[:, None, None] * W
        mean = np.einsum("tnk,dk->dtn", X, free)
        left = np.einsum("dij,tj->dti", S, y[1:]) - np.einsum("dij,tj->dti", B, y[:-1]) - mean
        sd = np.sqrt(one.sigma2)[:, None]
        c = left.mean(axis=1) + sd / np.sqrt(T) * rng.standard_normal((D, N))
        drive = mean + c[:, None] + sd[:, None] * rng.standard_normal((D, T, N))
        now, out = np.broadcast_to(y[0], (D, N)), np.empty((D, T, N))
        for t in range(T):
            moved = np.einsum("dij,dj->di", B, now) + drive[:, t]
            now = np.linalg.solve(S, moved[:, :, None])[:, :, 0]
            now = now - now.mean(axis=1, keepdims=True) * (within == "time")
            out[:, t] = now
        return out
