"""What a Bayesian fit returns: draws with labels, effects, and ArviZ's container."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.bayes.container import (
    conditional_log_likelihood,
    datatree,
    few,
    joint_log_likelihood,
    labelled,
    predictive,
)
from ccec_econ.bayes.effects import describe_effects, effect_draws
from ccec_econ.bayes.priors import NormalInverseGamma, Prior
from ccec_econ.bayes.quantities import Quantities, quantities
from ccec_econ.bayes.sampler import Draws, Kernel, Marginal
from ccec_econ.engine.estimate import Estimate
from ccec_econ.errors import IdentificationError
from ccec_econ.formula import Spec
from ccec_econ.inference.effects import NAMES
from ccec_econ.inference.reduced_form import ReducedForm, static_form
from ccec_econ.models.column import EFFECTS_LONG
from ccec_econ.panel import Panel
from ccec_econ.typeset import Printed, Table, number

if TYPE_CHECKING:
    from xarray import DataTree

__all__ = ["Posterior", "drawn_prior"]


@dataclass(frozen=True, slots=True, repr=False)
class Posterior(Printed):
    """Posterior of a static spatial panel model, as independent draws.

    Attributes
    ----------
    model : str
    spec : Spec
        The formula, taken apart.
    panel : Panel
        Units and periods, for labels.
    estimate : Estimate
        Likelihood and columns, the optimum given the posterior mean of rho or lam.
    prior : Prior
    kernel : Kernel
        The posterior with everything but rho or lam integrated out.
    marginal : Marginal or None
        Marginal posterior of rho or lam on a grid; None in models with neither, and where errors
        are not normal.
    draws : Draws
    seed : int
        Of what is drawn later: the replicated panels.
    df : float or None
        Degrees of freedom of Student-t errors; None for normal ones.
    """

    model: str
    spec: Spec
    panel: Panel
    estimate: Estimate
    prior: Prior
    kernel: Kernel
    marginal: Marginal | None
    draws: Draws
    seed: int
    df: float | None = None

    @property
    def log_marginal(self) -> float:
        """Log marginal likelihood; under an improper prior up to the constant of the prior.

        Raises
        ------
        IdentificationError
            With Student-t errors: their draws come from a chain, which does not give it.
        """
        if self.df is not None:
            raise IdentificationError(
                "no marginal likelihood with Student-t errors; compare models by az.loo, or fit "
                "normal errors."
            )
        return self.kernel.log_marginal(self.marginal)

    @property
    def data(self) -> DataTree:
        """ArviZ's container, made at every call.

        Groups: posterior (coefficients by term, rho or lam, sigma2; direct, indirect and total
        effects by regressor), log_likelihood (each observation given all others, see
        `ccec_econ.bayes.container`), sample_stats (joint log-likelihood), observed_data,
        constant_data (regressors) and posterior_predictive (500 replicated panels), all with
        effects removed; prior and prior_predictive where the prior is proper.
        """
        form, one = self.form(), self.estimate
        rng = np.random.default_rng(self.seed)
        groups = {
            "posterior": self._variables(form, self.draws),
            "log_likelihood": {"y": conditional_log_likelihood(one, self.draws)},
            "sample_stats": {"joint_log_likelihood": joint_log_likelihood(one, self.draws)},
            "posterior_predictive": {"y": predictive(one, few(self.draws), rng)},
            "observed_data": {"y": one.y},
            "constant_data": {"x": one.Z},
        }
        if isinstance(self.prior, NormalInverseGamma) and self.prior.is_proper:
            rng = np.random.default_rng(self.seed + 1)
            many = drawn_prior(self.prior, self.kernel, one, len(self.draws.sigma2), rng)
            if self.df is not None:
                shape = (len(many.sigma2), one.y.shape[1])
                many = replace(many, omega=self.df / rng.chisquare(self.df, shape))
            groups["prior"] = self._variables(form, many)
            groups["prior_predictive"] = {"y": predictive(one, few(many), rng)}
        return datatree(
            groups,
            one,
            self.panel,
            regressors=[term.name for term in form.terms],
            chains=self.draws.chains,
        )

    def _variables(self, form: ReducedForm, draws: Draws) -> dict[str, NDArray[np.float64]]:
        effects = np.moveaxis(effect_draws(form, draws), 2, 0)
        return {**labelled(self.estimate, draws), **dict(zip(NAMES, effects, strict=True))}

    def unit_variances(self, level: float = 0.95) -> Quantities:
        """Variances of the units relative to sigma2, with Student-t errors.

        Raises
        ------
        IdentificationError
            If errors are normal with one variance.
        ValueError
            If `level` is not in (0, 1).
        """
        if self.draws.omega is None:
            raise IdentificationError(
                "all units have the same variance in this fit; give errors='student'."
            )
        return quantities(
            self.draws.omega,
            self.panel.units.rename("term"),
            level=level,
            title="Variances of the units relative to σ²",
            remarks=self.notes(),
        )

    def convergence(self) -> pd.DataFrame:
        """Rank-normalised R-hat and effective sample sizes of the chains, by parameter.

        Independent draws have R-hat one and as many effective draws as there are.
        """
        import arviz as az  # here, because it takes seconds to import

        names = list(labelled(self.estimate, self.draws))
        table: pd.DataFrame = az.summary(
            self.data, var_names=names, kind="diagnostics", round_to="none"
        )
        return table[["r_hat", "ess_bulk", "ess_tail"]].astype(float)

    def form(self) -> ReducedForm:
        """Reduced form behind the effects."""
        return static_form(self.estimate)

    def parameters(self, level: float = 0.95) -> Quantities:
        """Coefficients, rho or lam, and sigma2 with their intervals.

        Raises
        ------
        ValueError
            If `level` is not in (0, 1).
        """
        fit, draws = self.estimate, self.draws
        names = [*fit.terms, *fit.spatial, "sigma2"]
        columns = [draws.coefficients, *(draws.spatial[:, None] for _ in fit.spatial)]
        return quantities(
            np.hstack([*columns, draws.sigma2[:, None]]),
            pd.Index(names, name="term"),
            level=level,
            title=f"Posterior of {self.model.upper()}: {self.spec}",
            remarks=self.notes(),
        )

    def effects(
        self,
        *,
        groups: pd.Series | Mapping[Hashable, str] | None = None,
        level: float = 0.95,
    ) -> Quantities:
        """Direct, indirect and total effects of the regressors, at every draw.

        Parameters
        ----------
        groups : Series, optional
            Group by unit, such as ``ce.circle.roles()``: then the effects that a change in every
            unit of one group has on the mean unit of another.
        level : float
            Probability of the intervals.

        Notes
        -----
        With a lag of the response effects grow as 1/(1 - rho). Where time effects were removed the
        likelihood does not vanish at rho = 1, so under a uniform prior effects have no mean, and
        tables print medians; under ``Beta(d)`` with d > 1 they have one.

        Raises
        ------
        AlignmentError
            If groups do not name exactly the units of the panel.
        ValueError
            If `level` is not in (0, 1).
        """
        return describe_effects(
            self.form(),
            self.draws,
            self.panel,
            groups=groups,
            level=level,
            remarks=self.notes(),
        )

    def summary(self, digits: int = 4) -> Table:
        """Table of the parameters with intervals and prior."""
        said = () if self.df else (f"Log marginal likelihood {number(self.log_marginal, 3)}.",)
        return self.parameters().summary(notes=said, digits=digits)

    def notes(self) -> tuple[str, ...]:
        """Sample, likelihood, prior and draws, for the foot of a table."""
        T, N = self.estimate.y.shape
        nobs, drawn = self.estimate.reduction.nobs, len(self.draws.sigma2)
        spatial = "".join(f"; {name} {self.prior.spatial.name()}" for name in self.estimate.spatial)
        how = f"{drawn:,} independent draws from the exact posterior."
        if self.df is not None:
            how = (
                f"Student-t errors, {self.df:g} degrees of freedom, one variance per unit; "
                f"{drawn:,} draws of {self.draws.chains} Gibbs chains."
            )
        return (
            f"N = {N} units, T = {T} periods, {EFFECTS_LONG[self.estimate.effects]}; transformed "
            f"likelihood, {nobs} observations.",
            f"Prior: {self.prior.name()}{spatial}.",
            how,
        )


def drawn_prior(
    prior: NormalInverseGamma,
    kernel: Kernel,
    posed: Estimate,
    size: int,
    rng: np.random.Generator,
) -> Draws:
    """Draw from a proper prior."""
    mean, scale = prior.moments(posed.terms)
    sigma2 = prior.rate / rng.gamma(prior.shape, size=size)
    noise = rng.standard_normal((size, len(mean))) * np.sqrt(sigma2)[:, None]
    spatial = np.zeros(size)
    if kernel.weights is not None:
        interval = kernel.weights.interval
        spatial = np.array([prior.spatial.draw(interval, rng) for _ in range(size)])
    return Draws(mean + scale * noise, spatial, sigma2)
