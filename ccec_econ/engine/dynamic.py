"""Dynamic models: quasi-likelihood of y_t on y_{t-1} and W y_{t-1}, and the correction of its bias.

With S = I - rho W, G = W S^-1 and

    S y_t = tau y_{t-1} + eta W y_{t-1} + Z_t d + unit (+ time) effects + v_t,
    y_t = A y_{t-1} + ...,   A = S^-1 (tau I + eta W),

time effects are removed by F_n first (m = N - 1 rows, m = N without them), unit effects by
demeaning over the T periods that have a predecessor, and the likelihood counts m T observations
with T Jacobian terms. Its maximum is biased by O(1/T), because the demeaned y_{t-1} holds v_t:

    theta_c = theta + I^-1 m b,   K = (I - A)^-1 S^-1,
    b_tau = tr(K)/m, b_eta = tr(WK)/m, b_d = 0, b_sigma2 = 1/(2 sigma2),
    b_rho = [tau tr(GK) + eta tr(GWK) + tr(G)]/m,

I the information of all m T observations. Eigenvalues of A beyond 1 - 1/m (q of them: spatial
cointegration) are set to zero inside K, and q T/(2 m (1 - rho)) is added to b_tau, b_eta, b_rho.

References
----------
Yu, J., de Jong, R. and Lee, L.-F. (2008). Quasi-maximum likelihood estimators for spatial dynamic
panel data with fixed effects when both n and T are large. Journal of Econometrics 146, 118-134.
Lee, L.-F. and Yu, J. (2010). A spatial dynamic panel data model with both time and individual
fixed effects. Econometric Theory 26, 564-597.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.estimate import Columns, Estimate, estimate
from ccec_econ.engine.information import expected_information, inverse_information
from ccec_econ.engine.likelihood import Likelihood, Optimum
from ccec_econ.engine.moments import reduce_columns
from ccec_econ.engine.spectrum import Spectrum
from ccec_econ.engine.transform import Reduction, demean
from ccec_econ.errors import CcecError, ConvergenceError, WeightsError

__all__ = [
    "BURN_IN",
    "TimeLags",
    "bias_constants",
    "cointegrated",
    "constant",
    "corrected",
    "estimate_dynamic",
    "exact_constants",
    "held_at",
    "simulated_own_lags",
    "transition",
]

BURN_IN = 50  # periods simulated before the sample where the process is stable


@dataclass(frozen=True, slots=True)
class TimeLags:
    """Which columns are y_{t-1} and W y_{t-1}; None for one that the model leaves out."""

    own: int | None
    spatial: int | None

    @property
    def positions(self) -> tuple[int, ...]:
        """Columns of the lags there are."""
        return tuple(j for j in (self.own, self.spatial) if j is not None)

    def of(self, coefficients: NDArray[np.float64]) -> tuple[float, float]:
        """(tau, eta), zero for a lag left out."""
        tau, eta = (0.0 if j is None else float(coefficients[j]) for j in (self.own, self.spatial))
        return tau, eta


def transition(
    w: NDArray[np.complex128],
    rho: float | NDArray[np.float64],
    tau: float | NDArray[np.float64],
    eta: float | NDArray[np.float64],
) -> NDArray[np.complex128]:
    """Eigenvalues of A = (I - rho W)^-1 (tau I + eta W), given those of W."""
    return np.asarray((tau + eta * w) / (1.0 - rho * w))


def estimate_dynamic(
    columns: Columns,
    *,
    weights: Spectrum,
    x_weights: Spectrum | None,
    effects: Literal["unit", "twoway"],
) -> Estimate:
    """Maximise the quasi-likelihood; `columns` hold T periods with y_{t-1} among the regressors.

    Raises
    ------
    IdentificationError, ConvergenceError
        As `ccec_econ.engine.estimate.estimate`.
    """
    T, N = columns.y.shape
    projected = effects == "twoway"
    return estimate(
        columns,
        weights=weights,
        x_weights=x_weights,
        error_weights=None,
        lag_y=True,
        effects=effects,
        method="direct",
        size=Reduction(rows=N - projected, periods=T, projected=projected),
    )


def cointegrated(fit: Estimate, lags: TimeLags) -> int:
    """Count the eigenvalues of A, on the space of the likelihood, beyond 1 - 1/m."""
    return int(_beyond(_own_transition(fit, lags), fit.reduction.rows).sum())


def bias_constants(fit: Estimate, lags: TimeLags) -> NDArray[np.float64]:
    """Vector b in the order (coefficients, rho, sigma2), taken at the estimate."""
    w, m, rho = _spectrum(fit).eigenvalues, fit.reduction.rows, fit.optimum.rho
    tau, eta = lags.of(fit.optimum.coefficients)
    a = _own_transition(fit, lags)
    beyond = _beyond(a, m)
    s = 1.0 / (1.0 - rho * w)
    K = s / (1.0 - np.where(beyond, 0.0, a))
    surplus = beyond.sum() / m * fit.reduction.periods / (2.0 * (1.0 - rho))
    b = np.zeros(len(fit.terms) + 2)
    for j, column in ((lags.own, K), (lags.spatial, w * K)):
        if j is not None:
            b[j] = column.sum().real / m + surplus
    b[-2] = (w * s * (tau * K + eta * w * K + 1.0)).sum().real / m + surplus
    b[-1] = 1.0 / (2.0 * fit.optimum.sigma2)
    return b


def exact_constants(fit: Estimate, lags: TimeLags) -> NDArray[np.float64]:
    """Vector b at T periods, where the estimate is the truth: minus the expected score over m.

    b_tau = tr[p(A) S^-1]/m, b_eta = tr[W p(A) S^-1]/m and b_rho = tr[W r(A) S^-1]/m with
    p(a) = sum of (1 - (h + 1)/T) a^h and r(a) = sum of (1 - h/T) a^h over h = 0..T-1. They hold
    for any start of the process and have no break at a unit root; below it they tend to those of
    `bias_constants` as T grows.
    """
    w, m, T = _spectrum(fit).eigenvalues, fit.reduction.rows, fit.reduction.periods
    s, h = 1.0 / (1.0 - fit.optimum.rho * w), np.arange(T)
    powers = _own_transition(fit, lags)[:, None] ** h
    past, now = s * (powers @ (1.0 - (h + 1.0) / T)), s * (powers @ (1.0 - h / T))
    b = np.zeros(len(fit.terms) + 2)
    for j, column in ((lags.own, past), (lags.spatial, w * past), (-2, w * now)):
        if j is not None:
            b[j] = column.sum().real / m
    b[-1] = 1.0 / (2.0 * fit.optimum.sigma2)
    return b


def corrected(fit: Estimate, lags: TimeLags) -> Estimate:
    """Add I^-1 m b to the estimate.

    The information is inverted in coordinates that are free of scale, so the result does not
    depend on the units of y or of a regressor.

    Raises
    ------
    ConvergenceError
        If the corrected rho leaves its interval.
    """
    step = inverse_information(fit) @ bias_constants(fit, lags)
    return _moved(fit, fit.reduction.rows * step)


def held_at(fit: Estimate, lags: TimeLags, tau: float) -> Estimate:
    """Estimate the rest with tau held at a value, corrected by `exact_constants` given that value.

    Where that leaves rho without an interior maximum, as values of tau far from the data may, rho
    is held too, at its joint estimate.
    """
    try:
        return _held(fit, lags, tau, free_rho=True)
    except ConvergenceError:
        return _held(fit, lags, tau, free_rho=False)


def _held(fit: Estimate, lags: TimeLags, tau: float, *, free_rho: bool) -> Estimate:
    own = lags.own
    if own is None:
        raise ValueError("the model has no y_{t-1} to hold.")
    K = len(fit.terms)
    rest = [j for j in range(K) if j != own]
    likelihood = _likelihood(fit, fit.Z[:, :, rest], fit.y - tau * fit.Z[:, :, own], fit.Wy)
    best = likelihood.maxima()[0] if free_rho else likelihood.at(fit.optimum.rho)
    values = np.insert(best.coefficients, own, tau)
    held = replace(fit, optimum=replace(best, coefficients=values))
    free = [*rest, K, K + 1] if free_rho else [*rest, K + 1]
    information = expected_information(held)[np.ix_(free, free)]
    scale = np.sqrt(np.diag(information))
    step, b = np.zeros(K + 2), exact_constants(held, lags)[free]
    step[free] = np.linalg.solve(information / np.outer(scale, scale), b / scale) / scale
    return _moved(held, fit.reduction.rows * step)


def simulated_own_lags(
    truth: Estimate, lags: TimeLags, shocks: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Quasi-likelihood estimates of tau on panels drawn from an estimate.

    Parameters
    ----------
    truth : Estimate
        Parameters, and regressors other than the lags.
    shocks : ndarray, shape (draws, BURN_IN + T + 1, N)
        Standard normal; the first periods let the process forget that it started at zero, and
        are left out where A is not stable.

    Returns
    -------
    ndarray, shape (draws,)
        NaN where a draw has no interior maximum.
    """
    own = lags.own
    if own is None:
        raise ValueError("the model has no y_{t-1} to estimate.")
    W = _spectrum(truth).W
    Z = truth.Z.copy()
    found = np.full(len(shocks), np.nan)
    for i, path in enumerate(_paths(truth, lags, shocks)):
        y, before = path[1:], path[:-1]
        for j, column in ((lags.own, before), (lags.spatial, before @ W.T)):
            if j is not None:
                Z[:, :, j] = demean(column, truth.effects)
        Wy = demean(y @ W.T, truth.effects)
        try:
            likelihood = _likelihood(truth, Z, demean(y, truth.effects), Wy)
            found[i] = likelihood.maxima()[0].coefficients[own]
        except CcecError:
            continue
    return found


def _paths(
    truth: Estimate, lags: TimeLags, shocks: NDArray[np.float64]
) -> Iterator[NDArray[np.float64]]:
    """Yield paths of shape (T + 1, N); regressors stand at their mean before the sample."""
    weights, best = _spectrum(truth), truth.optimum
    W, (tau, eta) = weights.W, lags.of(best.coefficients)
    S_inv = np.linalg.inv(np.eye(len(W)) - best.rho * W)
    A = S_inv @ (tau * np.eye(len(W)) + eta * W)
    stable = np.abs(_own_transition(truth, lags)).max() < 1.0
    T = len(truth.y)
    periods = T + 1 + BURN_IN * bool(stable)
    d = best.coefficients.copy()
    d[list(lags.positions)] = 0.0
    mean = np.zeros((periods, len(W)))
    mean[-T:] = truth.Z @ d
    drive = (mean + np.sqrt(best.sigma2) * shocks[:, -periods:]) @ S_inv.T
    paths = np.zeros_like(drive)
    if stable:
        paths[:, 0] = drive[:, 0]
    for t in range(1, periods):
        paths[:, t] = paths[:, t - 1] @ A.T + drive[:, t]
    yield from paths[:, -T - 1 :]


def _likelihood(
    fit: Estimate, Z: NDArray[np.float64], y: NDArray[np.float64], Wy: NDArray[np.float64]
) -> Likelihood:
    """Likelihood of other columns of the same shape."""
    size, terms = fit.reduction, tuple(str(j) for j in range(Z.shape[2]))
    triangle = reduce_columns(Z.reshape(y.size, -1), y.ravel(), Wy.ravel(), terms, size.nobs)
    return Likelihood(triangle, fit.spectrum, None, size.nobs, size.periods)


def _moved(fit: Estimate, step: NDArray[np.float64]) -> Estimate:
    best, weights = fit.optimum, _spectrum(fit)
    rho, (lower, upper) = best.rho + float(step[-2]), weights.interval
    if not lower < rho < upper:
        raise ConvergenceError(
            f"the correction moves rho from {best.rho:.4f} to {rho:.4f}, outside its interval "
            f"({lower:.4f}, {upper:.4f}): T = {fit.reduction.periods} is too short for it; read "
            "the uncorrected estimate, correction=False."
        )
    optimum = Optimum(
        rho=rho,
        lam=0.0,
        coefficients=best.coefficients + step[:-2],
        sigma2=best.sigma2 + float(step[-1]),
        loglik=float("nan"),
    )
    return replace(fit, optimum=optimum, method="bias_corrected", others=(), uncorrected=best)


def _own_transition(fit: Estimate, lags: TimeLags) -> NDArray[np.complex128]:
    tau, eta = lags.of(fit.optimum.coefficients)
    return transition(_spectrum(fit).eigenvalues, fit.optimum.rho, tau, eta)


def _beyond(a: NDArray[np.complex128], m: int) -> NDArray[np.bool_]:
    return np.asarray(a.real > 1.0 - 1.0 / m)


def _spectrum(fit: Estimate) -> Spectrum:
    return constant(fit.spectrum)


def constant(weights: object) -> Spectrum:
    """Return the spectrum of weights that are the same in all periods, or refuse."""
    if not isinstance(weights, Spectrum):
        raise WeightsError("weights by period: dynamic models need one matrix for all periods.")
    return weights
