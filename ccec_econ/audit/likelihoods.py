"""Likelihoods, corrections and searches put together as other software does.

Every function takes an estimate of this package and returns numbers; none of them is an estimator.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import fminbound

from ccec_econ.engine.dynamic import TimeLags, bias_constants
from ccec_econ.engine.estimate import Estimate
from ccec_econ.engine.information import expected_information
from ccec_econ.engine.likelihood import Optimum
from ccec_econ.engine.moments import reduce_columns
from ccec_econ.engine.spectrum import Spectrum
from ccec_econ.inference.lm import likelihood

__all__ = [
    "at_grid_node",
    "corrected_backwards",
    "corrected_direct",
    "corrected_twice",
    "floored_correction",
    "lagged_after_demeaning",
    "log_determinants",
    "without_constants",
]

_STEP = 0.001  # SDPDmod's grid of rho
_TOLERANCE = float(np.finfo(np.float64).eps ** 0.25)  # default of R's optimize


def lagged_after_demeaning(fit: Estimate) -> Estimate:
    """Maximise the likelihood whose spatial lags are those of demeaned columns.

    With time effects W J y is not J W y: the demeaned columns of the right likelihood are lagged
    first. Serves models of the response (W y) and of the errors (M y, M Z).
    """
    K, flat = len(fit.terms), fit.y.size
    Z, y = fit.Z.reshape(flat, K), fit.y.ravel()
    Wy, lagged = np.zeros_like(fit.y), None
    if fit.weights is not None:
        Wy = fit.weights.lag(fit.y)
    if fit.error is not None:
        Mu = fit.error.lag(fit.Z).reshape(flat, K), fit.error.lag(fit.y).ravel()
        lagged = (*Mu, np.zeros(flat))
    triangle = reduce_columns(Z, y, Wy.ravel(), fit.terms, fit.reduction.nobs, lagged=lagged)
    moved = replace(fit, Wy=Wy, triangle=triangle)
    return replace(moved, optimum=likelihood(moved).maxima()[0])


def at_grid_node(fit: Estimate) -> Estimate:
    """Search rho with log-determinants taken from the nearest node of a 0.001 grid.

    The objective is then a saw-tooth, and Brent's search ends in one of its teeth. Grid, rule of
    the node and tolerance are those of SDPDmod and of R's ``optimize``.
    """
    one, real = likelihood(fit), _spectrum(fit).eigenvalues.real
    low, high = 1.0 / real.min() + _STEP, 1.0 / real.max() - _STEP
    nodes = low + _STEP * np.arange(int((high - low) / _STEP + 1e-10) + 1)
    heights, moments = _spectrum(fit).logdet(nodes), fit.triangle.at(0.0)

    def objective(rho: float) -> float:
        step = nodes[1] - nodes[0]
        above, below = (np.searchsorted(nodes, rho + s, side="right") for s in (step, -step))
        node = round((above + max(below, 1)) / 2) - 1
        fitted = 0.5 * one.nobs * np.log(float(moments.sse(rho)))
        return float(fitted - one.periods * heights[node])

    rho = fminbound(objective, nodes[0], nodes[-1], xtol=_TOLERANCE)
    return replace(fit, optimum=one.at(float(rho)))


def corrected_backwards(fit: Estimate) -> tuple[float, float]:
    """Rho and sigma2 after splm's two-way correction: theta - I^-1 a / n, sigma2 T/(T + 1).

    Right is theta + T I^-1 a and T/(T - 1) (Lee and Yu 2010): the sign, the scale of I by n T and
    the factor of the variance differ.
    """
    T, N = fit.y.shape
    theta = _theta(fit.optimum) - _step(fit) / N
    return float(theta[-2]), float(theta[-1]) * T / (T + 1)


def corrected_twice(fit: Estimate) -> float:
    """Rho after a correction of the transformation likelihood, which has no bias to correct.

    theta + I^-1 a / m, with the unscaled information of m = N - 1 rows a period, from the grid.
    """
    searched = at_grid_node(fit)
    return float((_theta(searched.optimum) + _step(searched) / fit.reduction.rows)[-2])


def corrected_direct(fit: Estimate) -> float:
    """Rho of the direct, wrongly lagged likelihood after its correction theta + T I^-1 a."""
    searched = at_grid_node(lagged_after_demeaning(fit))
    return float((_theta(searched.optimum) + len(fit.y) * _step(searched))[-2])


def floored_correction(quasi: Estimate, lags: TimeLags) -> float:
    """Rho of a dynamic model corrected with the nearest positive definite information.

    R's ``nearPD`` raises eigenvalues below 1e-6 of the largest. The information is positive
    definite already, but the entry of sigma2 dwarfs the rest, so what is raised is information
    about tau, eta and rho, and how much depends on the units of y.
    """
    searched = at_grid_node(quasi)
    information = expected_information(searched) / searched.reduction.nobs
    floored = nearest_positive(information)
    step = np.linalg.solve(floored, bias_constants(searched, lags)) / searched.reduction.periods
    return float((_theta(searched.optimum) + step)[-2])


def nearest_positive(
    A: NDArray[np.float64],
    *,
    eigenvalue: float = 1e-6,
    convergence: float = 1e-7,
    positive: float = 1e-8,
    rounds: int = 100,
) -> NDArray[np.float64]:
    """Nearest positive definite matrix with the defaults of ``nearPD`` in R's Matrix.

    References
    ----------
    Higham, N. (2002). Computing the nearest correlation matrix. IMA Journal of Numerical Analysis
    22, 329-343.
    """
    X, correction = A.copy(), np.zeros_like(A)
    for _ in range(rounds):
        before, shifted = X, X - correction
        values, vectors = np.linalg.eigh(shifted)
        kept = values > eigenvalue * values[-1]
        X = (vectors[:, kept] * values[kept]) @ vectors[:, kept].T
        correction = X - shifted
        change = np.abs(before - X).sum(axis=1).max() / np.abs(before).sum(axis=1).max()
        if change <= convergence:
            break
    values, vectors = np.linalg.eigh(X)
    floor = positive * abs(values[-1])
    if values[0] >= floor:
        return np.asarray(X)
    raised = (vectors * np.maximum(values, floor)) @ vectors.T
    scale = np.sqrt(np.maximum(np.diag(X), floor) / np.diag(raised))
    return np.asarray(raised * np.outer(scale, scale))


def without_constants(fit: Estimate) -> float:
    """Log-likelihood without its constants: tau log|R| - (nobs/2) log SSE."""
    nobs = fit.reduction.nobs
    return fit.optimum.loglik + 0.5 * nobs * float(np.log(2.0 * np.pi / nobs) + 1.0)


def log_determinants(W: NDArray[np.float64], rho: float) -> dict[str, float]:
    """log|I - rho W|: exact, from real parts of eigenvalues, from three terms of its series."""
    powers = [np.linalg.matrix_power(W, j) for j in (1, 2, 3)]
    real = np.linalg.eigvals(W).real
    return {
        "exact": float(np.linalg.slogdet(np.eye(len(W)) - rho * W)[1]),
        "real parts": float(np.log(np.abs(1.0 - rho * real)).sum()),
        "three terms": -float(sum(rho**j * np.trace(P) / j for j, P in enumerate(powers, start=1))),
    }


def _theta(best: Optimum) -> NDArray[np.float64]:
    return np.array([*best.coefficients, best.rho, best.sigma2])


def _step(fit: Estimate) -> NDArray[np.float64]:
    """I^-1 a, a = (0, 1/(1 - rho), 1/(2 sigma2))."""
    slope = np.zeros(len(fit.terms) + 2)
    slope[-2:] = 1.0 / (1.0 - fit.optimum.rho), 1.0 / (2.0 * fit.optimum.sigma2)
    return np.asarray(np.linalg.solve(expected_information(fit), slope))


def _spectrum(fit: Estimate) -> Spectrum:
    if not isinstance(fit.spectrum, Spectrum):
        raise TypeError("an estimate with rho and one matrix for all periods is needed.")
    return fit.spectrum
