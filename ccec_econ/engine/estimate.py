"""From raw columns to an estimate: lag, transform, reduce, maximise."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.likelihood import Likelihood, Optimum
from ccec_econ.engine.moments import Moments, reduce_columns
from ccec_econ.engine.spectrum import Spectrum
from ccec_econ.engine.transform import EffectsName, Method, Reduction, demean, reduction
from ccec_econ.errors import IdentificationError, first_five

__all__ = ["Estimate", "estimate", "expected_information"]

_NO_VARIATION = 1e-10  # share of a column's spread that effects may leave before it counts as gone


@dataclass(frozen=True, slots=True)
class Estimate:
    """A maximised likelihood with the columns it was written on.

    Attributes
    ----------
    y, Wy : ndarray, shape (T, N)
        Effects removed; Wy was lagged first and is zero for models without it.
    Z : ndarray, shape (T, N, K)
        Effects removed; lags of regressors included.
    terms : tuple of str
        K labels of Z.
    weights : Spectrum or None
        Of W, for effects; None for models without weights.
    spectrum : Spectrum or None
        Of W in the likelihood, projected where the likelihood is; None without a lag of y.
    effects, method, reduction, optimum, moments
        How the columns were made and what came out.
    """

    y: NDArray[np.float64]
    Wy: NDArray[np.float64]
    Z: NDArray[np.float64]
    terms: tuple[str, ...]
    weights: Spectrum | None
    spectrum: Spectrum | None
    effects: EffectsName
    method: Method
    reduction: Reduction
    moments: Moments
    optimum: Optimum

    @property
    def residuals(self) -> NDArray[np.float64]:
        """Structural residuals y - rho Wy - Z d, shape (T, N)."""
        return self.y - self.optimum.rho * self.Wy - self.Z @ self.optimum.coefficients


def estimate(
    y: NDArray[np.float64],
    X: NDArray[np.float64],
    terms: tuple[str, ...],
    *,
    lagged_y: NDArray[np.float64] | None,
    weights: Spectrum | None,
    effects: EffectsName,
    method: Method,
) -> Estimate:
    """Estimate one static model by maximum likelihood.

    Parameters
    ----------
    y : ndarray, shape (T, N)
    X : ndarray, shape (T, N, K)
        Regressors with their spatial lags, raw.
    lagged_y : ndarray, shape (T, N), or None
        W y of the raw y: lagging after demeaning is another, wrong likelihood.
    weights : Spectrum or None
        Spectrum of W; enters the likelihood only with `lagged_y`.

    Raises
    ------
    IdentificationError
        If a column does not vary once the effects are removed, or columns are dependent.
    ConvergenceError
        If rho ends at its border.
    """
    T, N = y.shape
    size = reduction(effects, method, T, N)
    Z, y_in = demean(X, effects), demean(y, effects)
    _refuse_constant(np.dstack([y, X]), np.dstack([y_in, Z]), ("the response", *terms), effects)
    lagged = np.zeros_like(y) if lagged_y is None else demean(lagged_y, effects)
    moments = reduce_columns(Z.reshape(T * N, -1), y_in.ravel(), lagged.ravel(), terms)
    active = None if lagged_y is None else weights
    if active is not None and size.projected:
        active = active.project()
    optimum = Likelihood(moments, active, size.nobs, size.periods).maximise()
    fit = Estimate(y_in, lagged, Z, terms, weights, active, effects, method, size, moments, optimum)
    return _bias_corrected(fit) if method == "bias_corrected" else fit


def expected_information(fit: Estimate) -> NDArray[np.float64]:
    """Fisher information in the order (d, rho, sigma2), or (d, sigma2) without a lag of y.

    Shape (K + 2, K + 2) or (K + 1, K + 1). With G = W (I - rho W)^-1, taken on the space where
    the likelihood lives: I_dd = Z'Z/s2, I_dr = Z'G Zd/s2,
    I_rr = |G Zd|^2/s2 + tau [tr GG + tr G'G], I_rs = tau tr G/s2, I_ss = m tau/(2 s2^2).
    """
    K, s2 = len(fit.terms), fit.optimum.sigma2
    ZZ = fit.moments.R.T @ fit.moments.R
    I_ss = fit.reduction.nobs / (2.0 * s2**2)
    if fit.spectrum is None:
        info = np.zeros((K + 1, K + 1))
        info[:K, :K], info[K, K] = ZZ / s2, I_ss
        return info
    rho, tau = fit.optimum.rho, fit.reduction.periods
    G = fit.spectrum.G(rho)
    GZd = (fit.Z @ fit.optimum.coefficients) @ G.T
    info = np.zeros((K + 2, K + 2))
    info[:K, :K] = ZZ / s2
    info[:K, K] = info[K, :K] = np.einsum("tnk,tn->k", fit.Z, GZd) / s2
    info[K, K] = (GZd**2).sum() / s2 + tau * (fit.spectrum.trace_GG(rho) + (G**2).sum())
    info[K, K + 1] = info[K + 1, K] = tau * fit.spectrum.trace_G(rho) / s2
    info[K + 1, K + 1] = I_ss
    return info


def _bias_corrected(fit: Estimate) -> Estimate:
    """Correct direct estimates by Lee and Yu (2010): add Sigma^-1 a / n, rescale the variance.

    a = (0, 1/(1 - rho), 1/(2 s2)) with time effects, Sigma the information per observation;
    unit effects rescale the variance by T/(T - 1). For replication of older software.
    """
    T, N, K = fit.Z.shape
    best = fit.optimum
    theta = np.concatenate([best.coefficients, [best.rho, best.sigma2]])
    if fit.effects in ("time", "twoway") and fit.spectrum is not None:
        slope = np.zeros(K + 2)
        slope[K], slope[K + 1] = 1.0 / (1.0 - best.rho), 1.0 / (2.0 * best.sigma2)
        theta = theta + T * np.linalg.solve(expected_information(fit), slope)
    elif fit.effects in ("time", "twoway"):
        theta[K + 1] *= N / (N - 1)
    if fit.effects in ("unit", "twoway"):
        theta[K + 1] *= T / (T - 1)
    optimum = Optimum(float(theta[K]), theta[:K], float(theta[K + 1]), float("nan"))
    return replace(fit, optimum=optimum)


def _refuse_constant(
    raw: NDArray[np.float64],
    within: NDArray[np.float64],
    names: tuple[str, ...],
    effects: EffectsName,
) -> None:
    if effects == "none":
        return
    size = np.linalg.norm(raw, axis=(0, 1))
    left = np.linalg.norm(within, axis=(0, 1))
    gone = [name for name, a, b in zip(names, size, left, strict=True) if b <= _NO_VARIATION * a]
    if gone:
        what = {"unit": "unit", "time": "time", "twoway": "unit and time"}[effects]
        raise IdentificationError(
            f"no variation left in {first_five(gone)} once the {what} effects are removed; "
            "drop it, or choose effects that leave it."
        )
