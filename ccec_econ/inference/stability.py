"""Stability of dynamic models, and what is refused near a unit root.

A = (I - rho W)^-1 (tau I + eta W) carries a shock from one period to the next. Effects beyond the
short run are means of powers of A, so they exist where its spectral radius is below one; the long
run divides by one less tau + (rho + eta) w, w the eigenvalues of W.

References
----------
Elhorst, J. P. (2014). Spatial Econometrics, chapter 4. Springer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ccec_econ.engine.dynamic import TimeLags, constant, transition
from ccec_econ.engine.estimate import Estimate
from ccec_econ.errors import IdentificationError
from ccec_econ.inference.multipliers import Horizon, Reach
from ccec_econ.inference.reduced_form import ReducedForm, static_form
from ccec_econ.inference.vcov import Vcov
from ccec_econ.typeset import interval, number

__all__ = ["Stability", "dynamic_form", "stability", "whole_horizon"]

_REAL = 1e-6  # share of the radius below which the imaginary part of an eigenvalue is rounding
_LEVEL = 0.95  # of the set that refuses long-run effects


@dataclass(frozen=True, slots=True)
class Stability:
    """How far the process is from a unit root.

    Attributes
    ----------
    total, std_error : float
        tau + rho + eta (tau + (rho + eta) w, w the largest eigenvalue of weights whose rows do
        not sum to one).
    lower, upper : float
        Its 95 % Wald interval.
    pvalue : float
        Wald test of a sum of one.
    radius : float
        Spectral radius of A.
    nearest : float
        The eigenvalue w of W whose tau + (rho + eta) w is nearest to one, in standard errors.
    distance : float
        That many standard errors.
    critical : float
        Standard errors that a 95 % interval reaches.
    """

    total: float
    std_error: float
    lower: float
    upper: float
    pvalue: float
    radius: float
    nearest: float
    distance: float
    critical: float

    @property
    def stable(self) -> bool:
        """Whether shocks die out at the estimate."""
        return self.radius < 1.0

    @property
    def long_run(self) -> bool:
        """Whether shocks die out and a unit root lies outside the 95 % set."""
        return self.stable and self.distance > self.critical

    def sentence(self) -> str:
        """Say it beneath a table."""
        return (
            f"tau + rho + eta = {number(self.total, 4)}, 95 % Wald interval "
            f"{interval(self.lower, self.upper, 4)}; spectral radius of A "
            f"{number(self.radius, 4)}."
        )


def stability(fit: Estimate, lags: TimeLags, vcov: Vcov) -> Stability:
    """Wald test of tau + rho + eta = 1, and the spectral radius of A."""
    form = static_form(fit)
    theta, V = form.theta, form.covariance(vcov)
    w = constant(fit.weights).eigenvalues
    real = np.unique(w.real[np.abs(w.imag) <= _REAL * np.abs(w).max()])
    rows = np.zeros((len(real), len(theta)))
    rows[:, -1] = real
    for j, value in ((lags.own, 1.0), (lags.spatial, real)):
        if j is not None:
            rows[:, j] = value
    total = rows @ theta
    error = np.sqrt(np.einsum("ip,pq,iq->i", rows, V, rows))
    distance = np.abs(total - 1.0) / error
    critical = float(stats.t.ppf(0.5 + _LEVEL / 2, vcov.df or np.inf))
    nearest, top = int(distance.argmin()), int(real.argmax())
    tau, eta = lags.of(theta)
    return Stability(
        total=float(total[top]),
        std_error=float(error[top]),
        lower=float(total[top] - critical * error[top]),
        upper=float(total[top] + critical * error[top]),
        pvalue=float(2.0 * stats.t.sf(distance[top], vcov.df or np.inf)),
        radius=float(np.abs(transition(w, float(theta[-1]), tau, eta)).max()),
        nearest=float(real[nearest]),
        distance=float(distance[nearest]),
        critical=critical,
    )


def dynamic_form(
    fit: Estimate, lags: TimeLags, vcov: Vcov, *, horizon: Horizon, cumulative: bool
) -> ReducedForm:
    """Reduced form of a dynamic model at one horizon.

    Raises
    ------
    IdentificationError
        If the process is not stable (all horizons but the short run), or a unit root lies within
        the 95 % Wald set (long run).
    ValueError
        If `horizon` cannot be used.
    """
    horizon = whole_horizon(horizon)
    _refuse_unstable(stability(fit, lags, vcov), horizon)
    form = replace(static_form(fit), lags=lags, reach=Reach(horizon, cumulative))
    if horizon == "short":
        return form
    stable = _stable_draws(fit, lags)

    def inside(theta: NDArray[np.float64]) -> NDArray[np.bool_]:
        kept = form.inside(theta)
        kept[kept] = stable(theta[kept])
        return kept

    return replace(form, inside=inside, region=f"{form.region}, or are not stable")


def _stable_draws(
    fit: Estimate, lags: TimeLags
) -> Callable[[NDArray[np.float64]], NDArray[np.bool_]]:
    w = constant(fit.weights).eigenvalues

    def inside(theta: NDArray[np.float64]) -> NDArray[np.bool_]:
        zero = np.zeros(len(theta))
        tau, eta = (zero if j is None else theta[:, j] for j in (lags.own, lags.spatial))
        a = (tau[:, None] + np.outer(eta, w)) / (1.0 - np.outer(theta[:, -1], w))
        return np.asarray(np.abs(a).max(axis=1) < 1.0)

    return inside


def whole_horizon(horizon: Horizon | np.integer) -> Horizon:
    """Return a horizon as text or int.

    Raises
    ------
    ValueError
        If it is neither "short", "long" nor a whole number from zero.
    """
    if isinstance(horizon, str) and horizon in ("short", "long"):
        return horizon
    whole = isinstance(horizon, int | np.integer) and not isinstance(horizon, bool)
    if not whole or int(horizon) < 0:
        raise ValueError(f"horizon {horizon!r}: give 'short', 'long' or a whole number from 0.")
    return int(horizon)


def _refuse_unstable(found: Stability, horizon: Horizon) -> None:
    if horizon == "short":
        return
    if not found.stable:
        raise IdentificationError(
            f"no effects beyond the short run: the spectral radius of A is {found.radius:.4f}, so "
            "shocks do not die out; read the short run, or model a stationary response."
        )
    if horizon == "long" and not found.long_run:
        raise IdentificationError(
            f"no long-run effects: tau + (rho + eta) w at the eigenvalue w = {found.nearest:.4f} "
            f"of W is {found.distance:.2f} standard errors from one, inside its 95 % set, and the "
            "long run divides by the difference; read the short run or a finite horizon."
        )
