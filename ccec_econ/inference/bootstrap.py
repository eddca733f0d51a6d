"""Bootstrap of a fit: simulate the reduced form, refit, look at the spread.

    y*_t = (I - rho W)^-1 (Z_t d + u*_t),   u*_t = (I - lam M)^-1 v*_t

at the estimates, with v* drawn. Fixed effects need not be added: with row-standardised weights
(or without time effects) the likelihood does not see them. Models with time lags are simulated in
`ccec_econ.inference.dynamic_bootstrap`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.engine.correction import bias_corrected
from ccec_econ.engine.estimate import Columns, Estimate, estimate
from ccec_econ.engine.spectrum import Spectral, levels
from ccec_econ.errors import ConvergenceError, IdentificationError, WeightsError
from ccec_econ.inference.effects import NAMES, average_effects
from ccec_econ.inference.reduced_form import static_form
from ccec_econ.inference.resampled import SCHEMES, Bootstrap, Innovations
from ccec_econ.parallel import spread
from ccec_econ.weights import sums_to_one

__all__ = [
    "bootstrap",
    "collected",
    "panels",
    "refitter",
    "refuse_no_likelihood",
    "refuse_options",
    "refuse_other_models",
    "refuse_unstandardised",
    "shocks",
    "simulator",
]


def bootstrap(
    fit: Estimate,
    *,
    draws: int = 999,
    innovations: Innovations = "normal",
    level: float = 0.95,
    rng: np.random.Generator,
) -> Bootstrap:
    """Simulate and refit a static model.

    Parameters
    ----------
    draws : int
        Refits tried; those that fail are counted, not replaced.
    innovations : {"normal", "cell", "period", "unit"}
        N(0, s2), or residuals scaled to mean square s2 and drawn with replacement: single cells;
        whole periods, which keeps dependence across units; or whole units, which keeps dependence
        over time. When errors persist only "unit" holds its size: with AR(0.5) errors in 16 units
        and 12 periods tests at 5 % reject 5 % of the time by unit, 16 % by the others.
    level : float
        Confidence level of the intervals.

    Raises
    ------
    ConvergenceError
        If more than half of the refits fail.
    WeightsError
        If time effects meet weights that are not row-standardised.
    IdentificationError
        If the model is not static or its weights change over time.
    ValueError
        If an option is unknown, `level` is not in (0, 1) or `draws` is below 2.

    References
    ----------
    Davison and Hinkley (1997), Bootstrap Methods and their Application, chapters 2 and 5.
    """
    refuse_options(innovations, level, draws)
    simulated, refit = simulator(fit), refitter(fit)
    drawn = shocks(fit, draws, innovations, rng)
    return collected(fit, drawn, lambda v: refit(simulated(v)), innovations, level)


def refuse_options(innovations: Innovations, level: float, draws: int) -> None:
    """Refuse options out of range.

    Raises
    ------
    ValueError
        If an option is unknown, `level` is not in (0, 1) or `draws` is below 2.
    """
    if innovations not in SCHEMES or not 0.0 < level < 1.0 or draws < 2:
        raise ValueError(
            f"innovations {innovations!r}, level {level}, draws {draws}: innovations are "
            f"{', '.join(SCHEMES)}, 0 < level < 1 and draws >= 2."
        )


def collected(
    fit: Estimate,
    drawn: Iterable[NDArray[np.float64]],
    refit: Callable[[NDArray[np.float64]], Estimate],
    innovations: Innovations,
    level: float,
) -> Bootstrap:
    """Refit panels simulated from innovations, count the failures, name parameters and effects.

    Effects of dynamic models are those of the short run.

    Parameters
    ----------
    drawn : iterable of ndarray, shape (T, N)
    refit : callable
        Fits the model again to a panel with given innovations.

    Raises
    ------
    ConvergenceError
        If more than half of the refits fail.
    """

    def again(v: NDArray[np.float64]) -> list[float] | None:
        try:
            return _parameters(refit(v))
        except (ConvergenceError, IdentificationError):
            return None

    found = spread(again, drawn)
    kept = [one for one in found if one is not None]
    draws, failed = len(found), len(found) - len(kept)
    if 2 * failed > draws:
        raise ConvergenceError(
            f"{failed} of {draws} bootstrap refits failed at rho = {fit.optimum.rho:.4f}, "
            f"lam = {fit.optimum.lam:.4f}: the estimate is too near its border to resample."
        )
    values = _named(fit, np.array([_parameters(fit), *kept]))
    return Bootstrap(
        estimates=values.iloc[0].rename("estimate"),
        draws=values.iloc[1:].reset_index(drop=True),
        innovations=innovations,
        failed=failed,
        level=level,
    )


def refitter(fit: Estimate) -> Callable[[NDArray[np.float64]], Estimate]:
    """Make a function that fits the same model to another response of shape (T, N).

    The regressors are those of the fit, effects removed: adding effects to them changes nothing.
    """
    refuse_other_models(fit)
    refuse_unstandardised(fit)
    error = None if fit.error is None else levels(fit.error)

    def refit(y: NDArray[np.float64]) -> Estimate:
        again = estimate(
            Columns(y, fit.Z, fit.terms, fit.lag_of),
            weights=fit.weights,
            x_weights=fit.x_weights,
            error_weights=error,
            lag_y=fit.weights is not None,
            effects=fit.effects,
            method=fit.method,
        )
        return bias_corrected(again) if fit.method == "bias_corrected" else again

    return refit


def panels(
    fit: Estimate, draws: int, innovations: Innovations, rng: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    """Simulate responses of a static model, each of shape (T, N); options as in `bootstrap`.

    Raises
    ------
    IdentificationError, WeightsError, ValueError
        As `bootstrap`.
    """
    if innovations not in SCHEMES:
        raise ValueError(f"innovations {innovations!r}; choose {', '.join(SCHEMES)}.")
    return map(simulator(fit), shocks(fit, draws, innovations, rng))


def simulator(fit: Estimate) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Make a function that turns innovations (T, N) into a response of a static model.

    Fixed effects are left out: with row-standardised weights the likelihood does not see them.

    Raises
    ------
    IdentificationError, WeightsError
        As `bootstrap`.
    """
    refuse_other_models(fit)
    refuse_unstandardised(fit)
    mean, N = fit.Z @ fit.optimum.coefficients, fit.y.shape[1]
    S, R = _filter(fit.weights, fit.optimum.rho, N), _filter(fit.error, fit.optimum.lam, N)

    def simulated(v: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.linalg.solve(S, mean.T + np.linalg.solve(R, v.T)).T

    return simulated


def shocks(
    fit: Estimate, draws: int, innovations: Innovations, rng: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    """Draw innovations, each of shape (T, N)."""
    T, N = fit.y.shape
    scale = np.sqrt(fit.optimum.sigma2)
    v = fit.residuals
    v = (v - v.mean()) * scale / np.sqrt((v**2).mean())
    for _ in range(draws):
        if innovations == "normal":
            yield scale * rng.standard_normal((T, N))
        elif innovations == "cell":
            yield rng.choice(v.ravel(), size=(T, N))
        elif innovations == "period":
            yield v[rng.integers(T, size=T)]
        else:
            yield v[:, rng.integers(N, size=N)]


def _filter(weights: Spectral | None, value: float, N: int) -> NDArray[np.float64]:
    return np.eye(N) - (0.0 if weights is None else value * weights.W)


def _parameters(fit: Estimate) -> list[float]:
    """Coefficients, rho and lam (zeros where the model has none) and sigma2."""
    best = fit.optimum
    return [*best.coefficients, best.rho, best.lam, best.sigma2]


def _named(fit: Estimate, values: NDArray[np.float64]) -> pd.DataFrame:
    """Label parameters of shape (D, K + 3) and add the effects that they imply."""
    K, form = len(fit.terms), static_form(fit)
    columns = dict(zip(fit.terms, values.T, strict=False))
    for at, name in ((K, "rho"), (K + 1, "lam")):
        if name in fit.spatial:
            columns[name] = values[:, at]
    columns["sigma2"] = values[:, -1]
    found = average_effects(form, values[:, : K + 1])
    for i, term in enumerate(form.terms):
        for j, effect in enumerate(NAMES):
            columns[f"{effect} {term.name}"] = found[:, i, j]
    return pd.DataFrame(columns)


def refuse_other_models(fit: Estimate) -> None:
    """Refuse fits that are not static with constant weights: refitting them takes more.

    Raises
    ------
    IdentificationError
        If weights change over time, or the likelihood is that of a model with time lags.
    """
    refuse_no_likelihood(fit)
    if fit.varies or fit.has_time_lags:
        what = "weights that change over time" if fit.varies else "time lags"
        raise IdentificationError(
            f"the model has {what}; this is available for static models with constant weights."
        )


def refuse_no_likelihood(fit: Estimate) -> None:
    """Refuse estimates by instruments: what follows would fit or test by likelihood instead.

    Raises
    ------
    IdentificationError
        If the estimate maximises no likelihood.
    """
    if fit.method == "transformation" and np.isnan(fit.optimum.loglik):
        raise IdentificationError(
            "the estimates are by instruments and maximise no likelihood; fit the model with "
            "ce.ols, ce.slx, ce.sar or ce.sdm for tests and refits by likelihood."
        )


def refuse_unstandardised(fit: Estimate) -> None:
    """Refuse to simulate without time effects where the likelihood would see that.

    Raises
    ------
    WeightsError
        If time effects meet weights that are not row-standardised.
    """
    if fit.effects not in ("time", "twoway"):
        return
    for weights in (fit.weights, fit.error):
        if weights is not None and not sums_to_one(weights.row_sums):
            raise WeightsError(
                "bootstrap with time effects and weights that are not row-standardised: the "
                "simulated panels would need the effects themselves; row-standardise the weights."
            )
