"""What every result with a reduced form does with it: effects, whole or between groups."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import overload

import numpy as np
import pandas as pd

from ccec_econ.errors import FormulaError, first_five
from ccec_econ.inference.effects import Effects, effects
from ccec_econ.inference.group_blocks import partition
from ccec_econ.inference.groups import GroupEffects, group_effects
from ccec_econ.inference.measure import Refits
from ccec_econ.inference.multipliers import Horizon
from ccec_econ.inference.reduced_form import ReducedForm
from ccec_econ.inference.resampled import Bootstrap, Innovations
from ccec_econ.models.parameters import Parameters
from ccec_econ.panel import Panel

__all__ = ["WithEffects", "form_of", "refuse_horizon", "resampled", "with_effects"]

type Groups = pd.Series | Mapping[Hashable, str]


class WithEffects(Parameters):
    """Effects of the regressors, from the reduced form of the model."""

    __slots__ = ()

    panel: Panel

    def reduced_form(self, *, horizon: Horizon = "short", cumulative: bool = True) -> ReducedForm:
        """Parameters that effects depend on, and the matrices that they multiply.

        Raises
        ------
        FormulaError
            If a horizon is asked for and the model has no time lags.
        IdentificationError
            If there is no reduced form, or none at that horizon.
        """
        raise NotImplementedError

    def refits(
        self,
        draws: int,
        *,
        innovations: Innovations = "normal",
        level: float,
        rng: np.random.Generator,
    ) -> Bootstrap:
        """Simulate the fitted model and refit it.

        Raises
        ------
        FormulaError
            If results of this class cannot be refitted.
        """
        raise FormulaError(
            f"bootstrap is not available for {type(self).__name__}; it refits models with fixed "
            "effects."
        )

    @overload
    def effects(
        self,
        *,
        groups: None = None,
        horizon: Horizon = "short",
        cumulative: bool = True,
        bootstrap: Bootstrap | int | None = None,
        level: float = 0.95,
        draws: int = 1000,
        rng: int | np.random.Generator = 0,
    ) -> Effects: ...

    @overload
    def effects(
        self,
        *,
        groups: Groups,
        horizon: Horizon = "short",
        cumulative: bool = True,
        bootstrap: Bootstrap | int | None = None,
        level: float = 0.95,
        draws: int = 1000,
        rng: int | np.random.Generator = 0,
    ) -> GroupEffects: ...

    def effects(
        self,
        *,
        groups: Groups | None = None,
        horizon: Horizon = "short",
        cumulative: bool = True,
        bootstrap: Bootstrap | int | None = None,
        level: float = 0.95,
        draws: int = 1000,
        rng: int | np.random.Generator = 0,
    ) -> Effects | GroupEffects:
        """Direct, indirect and total effects with delta, simulation and bootstrap intervals.

        Where weights change over time, effects are means over the periods.

        Parameters
        ----------
        groups : Series, optional
            Group by unit, such as ``ce.circle.roles()``: then the effects that a change in every
            unit of one group has on the mean unit of another. `ce.group_effects` has more options.
        horizon : "short", "long" or int
            In dynamic models: within the period, in the limit, or that many periods after the
            change.
        cumulative : bool
            At a whole-number horizon, whether the change stays (effects summed up to it) or
            lasted one period.
        bootstrap : int or Bootstrap, optional
            Refits behind a basic interval, or the result of `ce.bootstrap` on this fit, which can
            draw innovations in other ways. A number draws them from the normal, with the same
            seed as ``ce.bootstrap(fit, draws=bootstrap, rng=rng)``. No bootstrap by default.
        level : float
            Confidence level in (0, 1).
        draws : int
            Draws behind the simulation interval.
        rng : int or Generator
            Seed or generator; the default repeats the same draws.

        Raises
        ------
        IdentificationError
            If there is no reduced form; beyond the short run, if shocks do not die out, or a unit
            root is within the 95 % set (long run); if a bootstrap is asked beyond the short run,
            or of a model with instruments or weights that change over time.
        ConvergenceError
            If more than half of the refits fail.
        FormulaError
            If a horizon is asked of a model without time lags, a bootstrap of results that
            cannot be refitted, or the bootstrap is one of another fit.
        AlignmentError
            If groups do not name exactly the units of the panel.
        ValueError
            If `horizon`, `level`, `draws` or `bootstrap` is out of range.

        Notes
        -----
        Of a regressor with coefficient b, and t on its lag: ``S = (I - rho W)^-1 (b I + t W)``.
        Direct is the mean of the diagonal of S, total the mean of its row sums, indirect the
        difference (LeSage and Pace 2009, *Introduction to Spatial Econometrics*).
        Beyond the short run `ccec_econ.inference.multipliers` has what stands for the inverse.
        Tests: tests/unit/test_effects.py, tests/property/test_effects.py.
        """
        form = self.reduced_form(horizon=horizon, cumulative=cumulative)
        again = resampled(self, bootstrap, level, rng)
        random = np.random.default_rng(rng)
        if groups is None:
            return effects(form, self.vcov, level=level, draws=draws, rng=random, bootstrap=again)
        part = partition(self.panel.units, pd.Series(groups), None)
        return group_effects(
            form, self.vcov, part, level=level, draws=draws, rng=random, bootstrap=again
        )


def with_effects(results: object) -> WithEffects:
    """Return results that have effects, or refuse others by name.

    Raises
    ------
    FormulaError
        If the results are of another class.
    """
    if not isinstance(results, WithEffects):
        raise FormulaError(
            f"no effects of {type(results).__name__}; give results of a fit, such as those of "
            "ce.sdm."
        )
    return results


def form_of(
    results: object,
    *,
    horizon: Horizon = "short",
    cumulative: bool = True,
    period: Hashable | None = None,
) -> ReducedForm:
    """Reduced form of results, at one period where asked for.

    Raises
    ------
    FormulaError
        If the results have none, the period is not in the panel or weights do not change.
    """
    fit = with_effects(results)
    form = fit.reduced_form(horizon=horizon, cumulative=cumulative)
    if period is None:
        return form
    if len(form.periods) == 1:
        raise FormulaError(
            f"period {period!r}: the weights are the same in all periods, and so are the effects; "
            "leave period out."
        )
    times = list(fit.panel.times)
    if period not in times:
        raise FormulaError(f"no period {period!r}; the panel has {first_five(times)}.")
    return form.at_period(times.index(period))


def resampled(
    results: WithEffects,
    bootstrap: Bootstrap | int | None,
    level: float,
    rng: int | np.random.Generator,
) -> Refits | None:
    """Make refits that intervals were asked to rest on, when called; leave a generator as it was.

    Raises
    ------
    FormulaError
        If `bootstrap` is neither a number nor a `Bootstrap`.
    """
    if bootstrap is None:
        return None
    if isinstance(bootstrap, Bootstrap):
        return lambda: bootstrap
    if not isinstance(bootstrap, int | np.integer) or isinstance(bootstrap, bool):
        raise FormulaError(
            f"bootstrap {bootstrap!r}: give a number of refits, such as 999, or the result of "
            "ce.bootstrap."
        )
    own = rng.spawn(1)[0] if isinstance(rng, np.random.Generator) else np.random.default_rng(rng)
    return lambda: results.refits(int(bootstrap), level=level, rng=own)


def refuse_horizon(horizon: Horizon) -> None:
    """Refuse horizons of models without time lags.

    Raises
    ------
    FormulaError
        If the horizon is not the short run.
    """
    if horizon != "short":
        raise FormulaError(
            f"horizon {horizon!r}: the model has no time lags and its effects are the same at "
            "every horizon; leave it out, or write L(y) in the formula."
        )
