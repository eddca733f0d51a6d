"""Generalised moments for panels with random effects and spatial errors.

Kapoor, Kelejian and Prucha (2007, Journal of Econometrics 140, 97-130): e_t = lam M e_t + mu + v_t.
With Q_0 the deviations from unit means, Q_1 the unit means, v = e - lam Me and v' = Mv,

    E[v'Q v], E[(Mv)'Q Mv], E[(Mv)'Q v] = c s2 [N, tr(M'M), 0],

c = T - 1 and s2 = sigma2 for Q_0, c = 1 and s2 = sigma1_2 = sigma2 + T sigma_mu2 for Q_1. Three
moments give a first lam and sigma2; all six, weighted by the inverse of their covariance under
normality, the final ones. Residuals of least squares stand for e; coefficients follow by GLS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from ccec_econ.engine.estimate import Columns
from ccec_econ.engine.random import RandomEstimate, assemble, prepare
from ccec_econ.engine.random_likelihood import RandomOptimum
from ccec_econ.engine.spectrum import Spectrum
from ccec_econ.errors import ConvergenceError

__all__ = ["Moment", "gm_covariance", "kkp", "moment_covariance"]

Moment = Literal["weighted", "partial", "initial"]

_BORDER = 1e-6  # share of the interval's width within which lam counts as at its end
_RANK = 1e-10  # share of the largest eigenvalue below which moments repeat each other


@dataclass(frozen=True, slots=True)
class _System:
    """Moments as sums: values - lam first - lam^2 second = scale @ variances.

    Attributes
    ----------
    values, first, second : ndarray, shape (P,)
    scale : ndarray, shape (P, V)
        One column per variance.
    """

    values: NDArray[np.float64]
    first: NDArray[np.float64]
    second: NDArray[np.float64]
    scale: NDArray[np.float64]

    def solve(
        self, interval: tuple[float, float], weights: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64]]:
        """Least squares in (lam, variances): variances enter linearly, so lam solves a cubic.

        Raises
        ------
        ConvergenceError
            If the lowest point does not lie inside lam's interval, or a variance is not positive.
        """
        values, vectors = np.linalg.eigh(weights)
        root = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T
        g, a, b = (root @ part for part in (self.values, self.first, self.second))
        Q = np.linalg.qr(root @ self.scale)[0]
        g, a, b = (part - Q @ (Q.T @ part) for part in (g, a, b))
        cubic = [2 * b @ b, 3 * a @ b, a @ a - 2 * g @ b, -g @ a]
        roots = np.roots(cubic)
        low, high = interval
        edge = _BORDER * (high - low)
        ends = (low + edge, high - edge)
        real = [float(r.real) for r in roots if abs(r.imag) < 1e-8 * (1 + abs(r))]
        inside = [r for r in real if ends[0] < r < ends[1]]
        lam = min((*inside, *ends), key=lambda one: float(np.sum((g - one * a - one**2 * b) ** 2)))
        if lam in ends:
            raise ConvergenceError(
                f"no lam inside ({low:.4f}, {high:.4f}) minimises the moments, which still fall at "
                f"{lam:.4f}; the residuals do not look like a spatial autoregression: try maximum "
                "likelihood or other weights."
            )
        rest = root @ (self.values - lam * self.first - lam**2 * self.second)
        variances = np.linalg.lstsq(root @ self.scale, rest, rcond=None)[0]
        if (variances <= 0.0).any():
            raise ConvergenceError(
                f"the moments give variances {', '.join(f'{v:.4g}' for v in variances)} at "
                f"lam = {lam:.4f}, not all positive; use maximum likelihood."
            )
        return lam, variances


def kkp(
    columns: Columns, error_weights: Spectrum, x_weights: Spectrum | None, moments: Moment
) -> RandomEstimate:
    """Estimate by generalised moments and feasible GLS.

    phi may come out negative, where unit means vary less than independent errors would.

    Parameters
    ----------
    moments : {"weighted", "partial", "initial"}
        Six moments weighted by their full covariance, or by the variances alone, or the first
        three only (sigma1_2 then from unit means).

    Raises
    ------
    IdentificationError
        If columns are dependent.
    ConvergenceError
        If the moments have no solution inside the parameter space.
    """
    likelihood, triangle = prepare(columns, None, error_weights, "kkp")
    T = likelihood.T
    e = columns.y - columns.X @ triangle.at(0.0).coefficients(0.0)
    lam, s2, s1 = _variances(e, error_weights, moments)
    phi = (s1 / s2 - 1.0) / T
    d = likelihood.moments(lam, phi).coefficients(0.0)
    best = RandomOptimum(0.0, lam, phi, d, s2, np.nan, boundary=False)
    return assemble(columns, likelihood, triangle, best, x_weights)


def gm_covariance(fit: RandomEstimate) -> NDArray[np.float64]:
    """GLS covariance s2 (Z'PZ)^-1 of the coefficients; missing for lam, phi and sigma2."""
    R = fit.likelihood.moments(fit.optimum.lam, fit.optimum.phi).R
    inverse = solve_triangular(R, np.eye(len(R)))
    out = np.full((len(fit.names), len(fit.names)), np.nan)
    out[: len(R), : len(R)] = fit.optimum.sigma2 * inverse @ inverse.T
    return out


def moment_covariance(M: NDArray[np.float64]) -> NDArray[np.float64]:
    """Covariance of (v'v, v'M'Mv, v'Mv)/N for unit normal v, times N; shape (3, 3)."""
    N, MM = len(M), M.T @ M
    forms = [np.eye(N), MM, (M + M.T) / 2.0]
    return np.array([[2.0 * float((A * B).sum()) / N for B in forms] for A in forms])


def _inverse(V: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverse of a covariance on its range: moments that repeat others weigh nothing.

    M'M is a combination of I and M where all units of equal groups are neighbours.
    """
    scale = np.sqrt(np.diag(V))
    inverse = np.linalg.pinv(V / np.outer(scale, scale), rcond=_RANK, hermitian=True)
    return np.asarray(inverse / np.outer(scale, scale))


def _variances(
    e: NDArray[np.float64], weights: Spectrum, moments: Moment
) -> tuple[float, float, float]:
    """lam, sigma2 and sigma1_2 from residuals of shape (T, N)."""
    T, N = e.shape
    M, mean = weights.W, e.mean(axis=0)
    deviations, means = e - mean, np.sqrt(T) * mean[None]
    within, between = _system(deviations, M, T - 1), _system(means, M, 1)
    lam, variances = within.solve(weights.interval, np.eye(3))
    s2, v = float(variances[0]), means - lam * means @ M.T
    s1 = float((v**2).sum()) / N
    if moments == "initial":
        return lam, s2, s1
    zero = np.zeros(3)
    both = _System(
        np.concatenate([within.values, between.values]),
        np.concatenate([within.first, between.first]),
        np.concatenate([within.second, between.second]),
        np.block([[within.scale, zero[:, None]], [zero[:, None], between.scale]]),
    )
    own = np.diag([(T - 1) / s2**2, 1.0 / s1**2])
    inner = np.eye(3) if moments == "partial" else _inverse(moment_covariance(M))
    lam, (s2, s1) = both.solve(weights.interval, np.asarray(np.kron(own, inner), dtype=np.float64))
    return lam, float(s2), float(s1)


def _system(e: NDArray[np.float64], M: NDArray[np.float64], c: int) -> _System:
    """Three moments of e, shape (rows, N), divided by N c."""
    N = len(M)
    one = e @ M.T
    two = one @ M.T
    ee, e1, e2 = (float((e * x).sum()) for x in (e, one, two))
    aa, ab, bb = (float((x * z).sum()) for x, z in ((one, one), (one, two), (two, two)))
    values, first, second = [ee, aa, e1], [2 * e1, 2 * ab, e2 + aa], [-aa, -bb, -ab]
    scale = [1.0, float((M**2).sum()) / N, 0.0]
    count = float(N * c)
    return _System(
        np.array(values) / count,
        np.array(first) / count,
        np.array(second) / count,
        np.array(scale)[:, None],
    )
