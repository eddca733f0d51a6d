"""Several spatial lags of the response: y = sum_k rho_k W_k y + Zd + effects + v.

After the effects are removed, with m rows per period and tau periods,

    l(rho) = -(m tau / 2) [log(2 pi s2(rho)) + 1] + tau log|I - sum_k rho_k W_k^|,

SSE(rho) = |e_0 - sum_k rho_k e_k|^2 with e_k the residuals of W_k y on Z. With time effects removed
by the transformation the determinant is |I - sum rho_k W_k| / (1 - sum rho_k), which holds when
every W_k is row-standardised by itself.

The search keeps to the region where sum |rho_k| |W_k| < 1 in one of the norms 1, 2 and infinity:
there I - sum rho_k W_k is non-singular and connected to I. For row-standardised weights that is
sum |rho_k| < 1. In units of the weights' norms the search does not depend on their scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lu_factor, solve_triangular
from scipy.linalg.lapack import dgetri
from scipy.optimize import minimize

from ccec_econ.engine.estimate import Columns, refuse_constant
from ccec_econ.engine.moments import reduce_columns
from ccec_econ.engine.transform import EffectsName, Reduction, demean, reduction
from ccec_econ.errors import ConvergenceError, IdentificationError, first_five

__all__ = ["HigherOrder", "estimate_higher_order", "norms", "reach"]

_STARTS = (0.0, 0.3, -0.3)  # values of each rho, times its weights' norm, where the search starts
_SCORE = 1e-6  # gradient, over the number of observations, that counts as zero
_BORDER = 1e-6  # distance of sum |rho| |W| from one that counts as on the border
_DEPENDENT = 1e-10  # share of a lag's length that the columns before it leave


@dataclass(frozen=True, slots=True)
class HigherOrder:
    """Estimate of a model with p spatial lags of the response.

    Attributes
    ----------
    rho : ndarray, shape (p,)
    coefficients : ndarray, shape (K,)
    sigma2, loglik : float
    covariance : ndarray, shape (K + p + 1, K + p + 1)
        Inverse expected information of (d, rho, sigma2).
    residuals : ndarray, shape (T, N)
        Innovations, effects removed.
    reduction : Reduction
    W : ndarray, shape (p, N, N)
    """

    rho: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    sigma2: float
    loglik: float
    covariance: NDArray[np.float64]
    residuals: NDArray[np.float64]
    reduction: Reduction
    W: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Problem:
    """Reduced data and weights."""

    R: NDArray[np.float64]  # (K, K) factor of Z
    q: NDArray[np.float64]  # (K, 1 + p): Q'y and Q'W_k y
    corner: NDArray[np.float64]  # (1 + p, 1 + p) factor of their residuals
    W: NDArray[np.float64]  # (p, N, N)
    norms: NDArray[np.float64]  # (3, p)
    size: Reduction

    def reach(self, rho: NDArray[np.float64]) -> float:
        return float(reach(rho, self.norms))

    def residual(self, rho: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self.corner @ np.concatenate([[1.0], -rho]))

    def S(self, rho: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.eye(self.W.shape[1]) - np.tensordot(rho, self.W, axes=1))

    def G(self, rho: NDArray[np.float64]) -> NDArray[np.float64]:
        """W_k S^-1, shape (p, N, N); columns centred when the unit root left with time effects."""
        inverse = np.linalg.inv(self.S(rho))
        G = self.W @ inverse
        return G - G.mean(axis=1, keepdims=True) if self.size.projected else G

    def rise(self, rho: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Height of the log-likelihood, and its slopes, from one factorisation of S."""
        nowhere = -np.inf, np.zeros(len(rho))
        if self.reach(rho) >= 1.0:
            return nowhere
        factors, pivots = lu_factor(self.S(rho))
        diagonal = np.diag(factors)
        exchanged = np.count_nonzero(pivots != np.arange(len(pivots)))
        if np.prod(np.sign(diagonal)) * (-1) ** exchanged <= 0:
            return nowhere
        logdet = float(np.log(np.abs(diagonal)).sum())
        inverse, _ = dgetri(factors, pivots)
        traces = np.einsum("kij,ji->k", self.W, inverse)  # of W_k S^-1
        if self.size.projected:
            logdet -= np.log(1.0 - rho.sum())
            traces = traces - (self.W.sum(axis=1) @ inverse).mean(axis=1)
        e = self.residual(rho)
        sse = float(e @ e)
        fit = -0.5 * self.size.nobs * (np.log(2.0 * np.pi * sse / self.size.nobs) + 1.0)
        slope = self.size.nobs * (self.corner[:, 1:].T @ e) / sse
        return fit + self.size.periods * logdet, slope - self.size.periods * traces

    def curvature(self, rho: NDArray[np.float64]) -> NDArray[np.float64]:
        """Second derivatives of the log-likelihood, shape (p, p)."""
        E, e, G = self.corner[:, 1:], self.residual(rho), self.G(rho)
        along = E.T @ e / (e @ e)
        fit = 2.0 * np.outer(along, along) - E.T @ E / (e @ e)
        pairs = np.einsum("aij,bji->ab", G, G)
        return np.asarray(self.size.nobs * fit - self.size.periods * pairs)


def estimate_higher_order(
    columns: Columns, W: NDArray[np.float64], effects: EffectsName
) -> HigherOrder:
    """Maximise the likelihood over the region sum |rho_k| |W_k| < 1.

    Parameters
    ----------
    W : ndarray, shape (p, N, N)
        Weights; each row-standardised by itself where there are time effects.

    Raises
    ------
    IdentificationError
        If a column does not vary once the effects are removed, columns or spatial lags are
        dependent, or there are too few observations.
    ConvergenceError
        If no start reaches an interior maximum.
    """
    scale = norms(W).min(axis=0)
    scale[np.abs(scale - 1.0) < _BORDER] = 1.0  # row-standardised weights stay what they are
    problem, Z, lags, y = _reduce(columns, W / scale[:, None, None], effects)
    rho = _maximise(problem)
    c = np.concatenate([[1.0], -rho])
    coefficients = solve_triangular(problem.R, problem.q @ c)
    residuals = y - np.tensordot(rho, lags, axes=1) - Z @ coefficients
    s2 = float((residuals**2).sum()) / problem.size.nobs
    units = np.concatenate([np.ones(len(coefficients)), scale, [1.0]])
    covariance = _covariance(problem, Z, coefficients, rho, s2) / np.outer(units, units)
    return HigherOrder(
        rho=rho / scale,
        coefficients=coefficients,
        sigma2=s2,
        loglik=problem.rise(rho)[0],
        covariance=covariance,
        residuals=residuals,
        reduction=problem.size,
        W=W,
    )


def _reduce(
    columns: Columns, W: NDArray[np.float64], effects: EffectsName
) -> tuple[_Problem, NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    T, N = columns.y.shape
    size = reduction(effects, "transformation", T, N)
    Z, y = demean(columns.X, effects), demean(columns.y, effects)
    names = ("the response", *columns.terms)
    refuse_constant(np.dstack([columns.y, columns.X]), np.dstack([y, Z]), names, effects)
    lags = np.stack([demean(columns.y @ one.T, effects) for one in W])
    K, p = Z.shape[2], len(W)
    if size.nobs <= K + p:
        raise IdentificationError(
            f"{K + p} coefficients on {size.nobs} observations net of effects; use fewer terms."
        )
    flat = Z.reshape(T * N, K)
    reduce_columns(flat, y.ravel(), np.zeros(T * N), columns.terms, size.nobs)
    stacked = np.column_stack([flat, y.ravel(), *(lag.ravel() for lag in lags)])
    length = np.linalg.norm(stacked, axis=0)
    R = np.linalg.qr(stacked / length, mode="r") * length
    weak = np.flatnonzero(np.abs(np.diag(R)) < _DEPENDENT * length) - K - 1
    if len(weak):
        raise IdentificationError(
            f"spatial lag {first_five(weak + 1)} of {p} is a linear combination of the response, "
            "the regressors and the lags before it once the effects are removed; use weights that "
            "differ, and that tell near from far."
        )
    return _Problem(R[:K, :K], R[:K, K:], R[K:, K:], W, norms(W), size), Z, lags, y


def norms(W: NDArray[np.float64]) -> NDArray[np.float64]:
    """Norms 1, 2 and infinity of each of the weights (p, N, N), shape (3, p)."""
    return np.stack([np.linalg.norm(W, ord=kind, axis=(1, 2)) for kind in (1, 2, np.inf)])


def reach(rho: NDArray[np.float64], lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of |rho_k| |W_k| in the norm that makes it least; one is the border of the region.

    Parameters
    ----------
    rho : ndarray, shape (..., p)
    lengths : ndarray, shape (3, p)
        Of the weights, from `norms`.

    Returns
    -------
    ndarray, shape (...)
    """
    return np.asarray((np.abs(rho) @ lengths.T).min(axis=-1))


def _maximise(problem: _Problem) -> NDArray[np.float64]:
    p = len(problem.W)

    def falling(
        rho: np.ndarray[tuple[int], np.dtype[np.float64]],
    ) -> tuple[float, NDArray[np.float64]]:
        height, slope = problem.rise(rho)
        return -height, -slope

    best, height = None, -np.inf
    starts = np.stack(np.meshgrid(*[_STARTS] * p), axis=-1).reshape(-1, p)
    for start in starts:
        if problem.reach(start) >= 1.0:
            continue
        with np.errstate(invalid="ignore"):  # steps that leave the region have infinite height
            found = minimize(
                falling,
                np.array(start, dtype=np.float64),
                jac=True,
                method="BFGS",
                options={"gtol": _SCORE * problem.size.nobs},
            )
        if -float(found.fun) > height:
            best, height = np.asarray(found.x, dtype=np.float64), -float(found.fun)
    best = None if best is None else _newton(problem, best)
    if best is None or problem.reach(best) > 1.0 - _BORDER or not _is_flat(problem, best):
        raise ConvergenceError(
            f"the likelihood of {p} spatial lags has no interior maximum with the sum of |rho| "
            "(times the norm of its weights) below one; drop a spatial lag or add the effects that "
            "the model leaves out."
        )
    return best


def _newton(problem: _Problem, rho: NDArray[np.float64]) -> NDArray[np.float64]:
    """Polish by Newton steps."""
    for _ in range(20):
        move = np.linalg.solve(problem.curvature(rho), problem.rise(rho)[1])
        if problem.reach(rho - move) >= 1.0 or np.abs(move).max() < 1e-14:
            break
        rho = rho - move
    return rho


def _is_flat(problem: _Problem, rho: NDArray[np.float64]) -> bool:
    return bool(np.abs(problem.rise(rho)[1]).max() < _SCORE * problem.size.nobs)


def _covariance(
    problem: _Problem,
    Z: NDArray[np.float64],
    coefficients: NDArray[np.float64],
    rho: NDArray[np.float64],
    s2: float,
) -> NDArray[np.float64]:
    """Inverse of the expected information in the order (d, rho, sigma2)."""
    K, p, tau = Z.shape[2], len(rho), problem.size.periods
    G = problem.G(rho)
    means = np.einsum("kij,tj->kti", G, Z @ coefficients)
    info = np.zeros((K + p + 1, K + p + 1))
    info[:K, :K] = problem.R.T @ problem.R / s2
    info[:K, K:-1] = np.einsum("tij,kti->jk", Z, means) / s2
    info[K:-1, :K] = info[:K, K:-1].T
    linear = np.einsum("ati,bti->ab", means, means) / s2
    pairs = np.einsum("aij,bji->ab", G, G) + np.einsum("aij,bij->ab", G, G)
    info[K:-1, K:-1] = linear + tau * pairs
    info[K:-1, -1] = info[-1, K:-1] = tau * np.trace(G, axis1=1, axis2=2) / s2
    info[-1, -1] = problem.size.nobs / (2.0 * s2**2)
    scale = np.sqrt(np.diag(info))
    return np.asarray(np.linalg.inv(info / np.outer(scale, scale)) / np.outer(scale, scale))
