"""Bootstrap of a dynamic fit: simulate from the first observation on, refit, correct again.

    y*_t = (I - rho W)^-1 (tau y*_{t-1} + eta W y*_{t-1} + c_t + v*_t),   y*_0 = y_0

at the estimates. c_t holds regressors and effects, (I - rho W) y_t - tau y_{t-1} - eta W y_{t-1}
- v_t of the data: with v* = v the panel comes back. Unit effects stay, for how far a unit starts
from its own level matters when the past is a regressor.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.dynamic import TimeLags, constant, corrected, estimate_dynamic
from ccec_econ.engine.estimate import Columns, Estimate
from ccec_econ.inference.bootstrap import collected, refuse_options, shocks
from ccec_econ.inference.resampled import Bootstrap, Innovations

__all__ = ["dynamic_bootstrap", "dynamic_refitter", "dynamic_simulator"]


def dynamic_bootstrap(
    fit: Estimate,
    lags: TimeLags,
    path: NDArray[np.float64],
    *,
    draws: int = 999,
    innovations: Innovations = "normal",
    level: float = 0.95,
    rng: np.random.Generator,
) -> Bootstrap:
    """Simulate and refit a dynamic model; effects are those of the short run.

    Parameters
    ----------
    path : ndarray, shape (T + 1, N)
        Observed response, the period before the sample in front.
    draws, innovations, level
        As in `ccec_econ.inference.bootstrap.bootstrap`.

    Raises
    ------
    ConvergenceError
        If more than half of the refits fail.
    ValueError
        If an option is out of range.

    Notes
    -----
    Each refit is corrected where the fit was. What the correction leaves of the bias shows in the
    column ``bias``.

    References
    ----------
    Everaert and Pozzi (2007), Journal of Economic Dynamics and Control 31, 1160-1184.
    """
    refuse_options(innovations, level, draws)
    simulated, refit = dynamic_simulator(fit, lags, path), dynamic_refitter(fit, lags)
    drawn = shocks(fit, draws, innovations, rng)
    return collected(fit, drawn, lambda v: refit(simulated(v)), innovations, level)


def dynamic_simulator(
    fit: Estimate, lags: TimeLags, path: NDArray[np.float64]
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Make a function that turns innovations (T, N) into a path of shape (T + 1, N)."""
    W, (tau, eta) = constant(fit.weights).W, lags.of(fit.optimum.coefficients)
    one = np.eye(len(W))
    S, past = one - fit.optimum.rho * W, tau * one + eta * W
    rest = path[1:] @ S.T - path[:-1] @ past.T - fit.residuals
    S_inv = np.linalg.inv(S)

    def simulated(v: NDArray[np.float64]) -> NDArray[np.float64]:
        out = np.empty_like(path)
        out[0] = path[0]
        for t, shock in enumerate(rest + v):
            out[t + 1] = S_inv @ (past @ out[t] + shock)
        return out

    return simulated


def dynamic_refitter(fit: Estimate, lags: TimeLags) -> Callable[[NDArray[np.float64]], Estimate]:
    """Make a function that fits the same model to another path of shape (T + 1, N)."""
    weights, regressors = constant(fit.weights), fit.x_weights

    def refit(path: NDArray[np.float64]) -> Estimate:
        Z, before = fit.Z.copy(), path[:-1]
        for j, column in ((lags.own, before), (lags.spatial, weights.lag(before))):
            if j is not None:
                Z[:, :, j] = column
        again = estimate_dynamic(
            Columns(path[1:], Z, fit.terms, fit.lag_of),
            weights=weights,
            x_weights=None if regressors is None else constant(regressors),
            effects="twoway" if fit.effects == "twoway" else "unit",
        )
        return corrected(again, lags) if fit.method == "bias_corrected" else again

    return refit
