"""Effects over time in dynamic models, their stability, and what is refused near a unit root.

A unit change of x moves y by f(W) (b I + t W), where f is

    short run          (I - rho W)^-1,
    long run           [(1 - tau) I - (rho + eta) W]^-1  (a change that stays),
    horizon h          A^h (I - rho W)^-1, h periods after a change that lasts one period,
    horizon h, summed  sum over s = 0..h of A^s (I - rho W)^-1  (a change that stays),

A = (I - rho W)^-1 (tau I + eta W). Direct is the mean diagonal, total the mean row sum. The long
run is the limit of the sums, so it exists where the spectral radius of A is below one.

References
----------
Elhorst, J. P. (2014). Spatial Econometrics, chapter 4. Springer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ccec_econ.engine.dynamic import TimeLags, constant, transition
from ccec_econ.engine.estimate import Estimate
from ccec_econ.errors import IdentificationError
from ccec_econ.inference.draws import Pair, draw_parameters, pairs, parameters
from ccec_econ.inference.effects import Effects
from ccec_econ.inference.vcov import Vcov
from ccec_econ.typeset import Table, interval, number
from ccec_econ.weights import is_row_standardised

__all__ = [
    "DynamicEffects",
    "Horizon",
    "Stability",
    "dynamic_effects",
    "effect_pairs",
    "effects_of_draws",
    "stability",
]

type Horizon = Literal["short", "long"] | int
type _Array = NDArray[Any]

_NAMES = ("direct", "indirect", "total")
_REAL = 1e-6  # share of the radius below which the imaginary part of an eigenvalue is rounding
_BATCH = 64  # draws whose matrices are inverted together
_LEVEL = 0.95  # of the set that refuses long-run effects


@dataclass(frozen=True, slots=True)
class DynamicEffects(Effects):
    """Effects of every regressor at one horizon.

    Attributes
    ----------
    horizon : "short", "long" or int
        Periods after the change.
    cumulative : bool
        Whether a whole-number horizon sums the periods up to it.
    """

    horizon: Horizon = "short"
    cumulative: bool = True

    def summary(self, *, title: str = "", **options: Any) -> Table:
        """Table of effects; options as in `Effects.summary`."""
        return Effects.summary(self, title=title or self._title(), **options)

    def notes(self) -> tuple[str, ...]:
        """Sentences for the foot of a table."""
        kept = "" if self.horizon == "short" else " or the stable region"
        covariance, simulation = Effects.notes(self)
        simulation = simulation.replace("the parameter space", f"the parameter space{kept}")
        return (covariance, simulation)

    def _title(self) -> str:
        if self.horizon in ("short", "long"):
            return f"Direct, indirect and total effects, {self.horizon} run"
        sort = "summed up to" if self.cumulative else "of a passing change at"
        return f"Direct, indirect and total effects, {sort} horizon {self.horizon}"


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
    theta, V = parameters(fit, vcov)
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


def dynamic_effects(
    fit: Estimate,
    lags: TimeLags,
    vcov: Vcov,
    *,
    horizon: Horizon,
    cumulative: bool,
    level: float,
    draws: int,
    rng: np.random.Generator,
) -> DynamicEffects:
    """Compute the effects at one horizon, with delta and simulation intervals.

    Raises
    ------
    IdentificationError
        If the process is not stable (all horizons but the short run), or a unit root lies within
        the 95 % Wald set (long run).
    ValueError
        If `horizon`, `level` or `draws` cannot be used.
    """
    if not 0.0 < level < 1.0 or draws < 1:
        raise ValueError(f"level {level}, draws {draws}: need 0 < level < 1 and draws >= 1.")
    _refuse_horizon(horizon)
    _refuse_unstable(stability(fit, lags, vcov), horizon)
    terms = effect_pairs(fit, lags)
    theta, V = parameters(fit, vcov)
    point, gradient = effects_at(theta, fit, lags, terms, horizon, cumulative)
    error = np.sqrt(np.einsum("ijp,pq,ijq->ij", gradient, V, gradient))
    quantile = stats.t.ppf(0.5 + level / 2, vcov.df or np.inf)
    inside = None if horizon == "short" else _stable_draws(fit, lags)
    sample, rejected = draw_parameters(theta, V, vcov.df, fit, draws, rng, inside)
    simulated = effects_of_draws(sample, fit, lags, horizon, cumulative)
    low, high = np.quantile(simulated, (0.5 - level / 2, 0.5 + level / 2), axis=0)
    columns = {
        "estimate": point,
        "std_error": error,
        "lower": point - quantile * error,
        "upper": point + quantile * error,
        "sim_lower": low,
        "sim_upper": high,
    }
    index = pd.MultiIndex.from_product([[p[0] for p in terms], _NAMES], names=["term", "effect"])
    frame = pd.DataFrame({name: value.ravel() for name, value in columns.items()}, index=index)
    return DynamicEffects(frame, level, draws, rejected, vcov.convention, horizon, cumulative)


def effect_pairs(fit: Estimate, lags: TimeLags) -> list[Pair]:
    """Regressors that have effects: all but the time lags."""
    return [pair for pair in pairs(fit) if not {*pair[1:]} & {*lags.positions}]


def effects_of_draws(
    theta: NDArray[np.float64], fit: Estimate, lags: TimeLags, horizon: Horizon, cumulative: bool
) -> NDArray[np.float64]:
    """Direct, indirect and total effects at many parameter vectors (D, K + 1): (D, terms, 3)."""
    averages = _averages(theta, fit, lags, horizon, cumulative)
    return _points(theta, effect_pairs(fit, lags), averages[:, 0])


def effects_at(
    theta: NDArray[np.float64],
    fit: Estimate,
    lags: TimeLags,
    terms: list[Pair],
    horizon: Horizon,
    cumulative: bool,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Effects (terms, 3) and their gradient (terms, 3, K + 1) at one parameter vector."""
    averages = _averages(theta[None, :], fit, lags, horizon, cumulative)
    gradient = np.zeros((len(terms), 3, len(theta)))
    for j, k in ((len(theta) - 1, 1), (lags.own, 2), (lags.spatial, 3)):
        if j is not None:
            gradient[:, :, j] = _points(theta[None, :], terms, averages[:, k])[0]
    own, own_X, everyone, everyone_X = averages[0, 0]
    for i, (_, j, lag) in enumerate(terms):
        if j is not None:
            gradient[i, :, j] = own, everyone - own, everyone
        if lag is not None:
            gradient[i, :, lag] = own_X, everyone_X - own_X, everyone_X
    return _points(theta[None, :], terms, averages[:, 0])[0], gradient


def _points(
    theta: NDArray[np.float64], terms: list[Pair], averages: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Direct, indirect and total from averages (D, 4) of f and f W: shape (D, terms, 3)."""
    out = np.empty((len(theta), len(terms), 3))
    for i, (_, j, lag) in enumerate(terms):
        b, t = (np.zeros(len(theta)) if at is None else theta[:, at] for at in (j, lag))
        out[:, i, 0] = b * averages[:, 0] + t * averages[:, 1]
        out[:, i, 2] = b * averages[:, 2] + t * averages[:, 3]
    out[:, :, 1] = out[:, :, 2] - out[:, :, 0]
    return out


def _averages(
    theta: NDArray[np.float64], fit: Estimate, lags: TimeLags, horizon: Horizon, cumulative: bool
) -> NDArray[np.float64]:
    """Averages of f and its derivatives by rho, tau, eta: shape (D, 4, 4).

    The last axis holds the mean diagonals of f and f X, then the mean row sums of f and f X, X
    the weights of the regressors.
    """
    weights = constant(fit.weights)
    W = weights.W
    X = W if fit.x_weights is None else constant(fit.x_weights).W
    zero = np.zeros(len(theta))
    tau, eta = (zero if j is None else theta[:, j] for j in (lags.own, lags.spatial))
    values = np.column_stack([theta[:, -1], tau, eta])
    if np.array_equal(X, W) and is_row_standardised(W):
        w = np.append(weights.eigenvalues, 1.0)
        f = _response(_OnEigenvalues(w), values[:, :, None], horizon, cumulative)
        parts = [f[..., :-1].mean(axis=-1), (f * w)[..., :-1].mean(axis=-1), f[..., -1], f[..., -1]]
        return np.moveaxis(np.stack(parts, axis=-1).real, 0, 1)
    batches = [values[i : i + _BATCH] for i in range(0, len(values), _BATCH)]
    return np.concatenate([_dense(W, X, batch, horizon, cumulative) for batch in batches])


def _dense(
    W: NDArray[np.float64],
    X: NDArray[np.float64],
    values: NDArray[np.float64],
    horizon: Horizon,
    cumulative: bool,
) -> NDArray[np.float64]:
    """Averages by dense algebra, for any weights of response and regressors."""
    f = _response(_OnMatrices(W), values[:, :, None, None], horizon, cumulative)
    own = [np.einsum("...ii->...", f), np.einsum("...ij,ji->...", f, X)]
    everyone = [f.sum(axis=(-2, -1)), f.sum(axis=-2) @ X.sum(axis=1)]
    return np.moveaxis(np.stack([*own, *everyone], axis=-1), 0, 1) / len(W)


@dataclass(frozen=True, slots=True)
class _OnEigenvalues:
    """Functions of W by its eigenvalues."""

    W: _Array

    @property
    def one(self) -> _Array:
        return np.ones_like(self.W)

    def times(self, a: _Array, b: _Array) -> _Array:
        return np.asarray(a * b)

    def inverse(self, a: _Array) -> _Array:
        return np.asarray(1.0 / a)


@dataclass(frozen=True, slots=True)
class _OnMatrices:
    """Functions of W as matrices."""

    W: _Array

    @property
    def one(self) -> _Array:
        return np.eye(len(self.W))

    def times(self, a: _Array, b: _Array) -> _Array:
        return np.asarray(a @ b)

    def inverse(self, a: _Array) -> _Array:
        return np.asarray(np.linalg.inv(a))


def _response(
    space: _OnEigenvalues | _OnMatrices, values: _Array, horizon: Horizon, cumulative: bool
) -> _Array:
    """Evaluate f and its derivatives by rho, tau and eta, stacked in front.

    All are functions of the one W, so they commute and differentiate as numbers do.
    """
    W, one, times = space.W, space.one, space.times
    rho, tau, eta = values[:, 0], values[:, 1], values[:, 2]
    if horizon == "long":
        f = space.inverse((1.0 - tau) * one - (rho + eta) * W)
        square = times(f, f)
        by_w = times(W, square)
        return np.stack([f, by_w, square, by_w])
    S = space.inverse(one - rho * W)
    last = 0 if horizon == "short" else int(horizon)
    A, S2 = times(S, tau * one + eta * W), times(S, S)
    out = np.zeros((4, *S.shape), dtype=S.dtype)
    power, below = np.broadcast_to(one, S.shape), np.zeros_like(S)  # A^h and A^(h - 1)
    for h in range(last + 1):
        drift = h * times(below, S2)
        term = [times(power, S), (h + 1) * times(W, times(power, S2)), drift, times(W, drift)]
        if cumulative or h == last:
            out += np.stack(term)
        power, below = times(power, A), power
    return out


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


def _refuse_horizon(horizon: object) -> None:
    whole = isinstance(horizon, int | np.integer) and not isinstance(horizon, bool)
    if horizon not in ("short", "long") and not (whole and int(str(horizon)) >= 0):
        raise ValueError(f"horizon {horizon!r}: give 'short', 'long' or a whole number from 0.")


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
