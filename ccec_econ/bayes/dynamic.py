"""Posterior of dynamic models: unit effects orthogonal to the parameters, draws independent.

    S y_t = tau y_{t-1} + eta W y_{t-1} + Z_t d + c (+ time effects) + v_t,   S = I - rho W,
    y_t = A y_{t-1} + ...,   A = S^-1 (tau I + eta W),

c the unit effects, given the first period y_0 and regressors that are strictly exogenous. Time
effects leave by F_n as in static models (m = N - 1 rows, m = N without them). Under a flat prior
on the unit effects of the reduced form, S^-1 c, the posterior is that of a static model whose
regressors hold y_{t-1} and W y_{t-1},

    p(rho, tau, eta, d, s2 | y)  ~  |S|^(T-1) s2^(-m(T-1)/2) exp(-SSE/(2 s2)) x prior,

SSE the sum of squares of what unit effects leave. It is not consistent for fixed T: the demeaned
y_{t-1} holds v_t, and the expected score at the truth is not zero but minus

    b_tau = tr[p(A) S^-1],   b_eta = tr[W p(A) S^-1],   b_rho = tr[W r(A) S^-1] - tr[W S^-1],

p(a) = sum of (1 - (h + 1)/T) a^h and r(a) = sum of (1 - h/T) a^h over h = 0..T-1, whatever the
effects and y_0 are (`ccec_econ.engine.dynamic.exact_constants`; tr[W S^-1] is the power of |S|
that the flat prior has already taken off). Since r(a) = 1 + a p(a) and

    da/dtau = s,   da/deta = w s,   da/drho = w s a      (a = (tau + eta w) s, s = 1/(1 - rho w))

for every eigenvalue w of W, the three are the slopes of one function,

    B(rho, tau, eta) = tr P(A),   P(a) = sum over t = 1..T-1 of (T - t)/(T t) a^t,   P' = p.

So the likelihood times exp(B) has a score of mean zero at every T. It is what the prior

    S^-1 c = (I - A) y_0 + exp(-P(A)) f,   f flat,

leads to, because integrating f out multiplies the likelihood by |exp(P(A))|. With one equation per
unit (rho = eta = 0) this is the reparametrisation of Lancaster (2002), in which the effects f are
information orthogonal to tau; with tau = eta = 0 it is the static posterior on T - 1 periods.
exp(B) grows without bound where |a| > 1, so rho, tau and eta are given a prior on the region where
the process is stable (spectral radius of A below one), on which it is uniform times the prior of
the coefficients and of rho.

In 1,000 panels of 16 units and 12 periods with rho = 0.3, tau = 0.6 and eta = -0.1, 95 % intervals
of rho, tau, eta and beta cover in 95.2, 94.1, 96.9 and 94.4 % of samples and the posterior mean of
tau is 0.004 too low; under flat unit effects that of tau covers in 64.4 % and is 0.082 too low.

Coefficients other than those of the lags, and s2, are integrated out in closed form; what is left
has one to three dimensions and is drawn from by rejection (`ccec_econ.bayes.rejection`).

References
----------
Lancaster, T. (2002). Orthogonal parameters and panel data. Review of Economic Studies 69, 647-666.
Dhaene, G. and Jochmans, K. (2016). Likelihood inference in an autoregression with fixed effects.
Econometric Theory 32, 1178-1215.
Yu, J., de Jong, R. and Lee, L.-F. (2008). Quasi-maximum likelihood estimators for spatial dynamic
panel data with fixed effects when both n and T are large. Journal of Econometrics 146, 118-134.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from ccec_econ.bayes.priors import SpatialPrior
from ccec_econ.bayes.rejection import envelope
from ccec_econ.bayes.sampler import Draws, Kernel, Marginal
from ccec_econ.engine.dynamic import TimeLags, constant, transition
from ccec_econ.engine.estimate import Estimate
from ccec_econ.engine.spectrum import Spectrum

__all__ = ["DynamicKernel", "dynamic_kernel", "log_orthogonal", "radii"]

_PILOT = 4000  # draws under flat effects, for a guess of location and scale


def log_orthogonal(a: NDArray[np.complex128], T: int) -> NDArray[np.float64]:
    """B = tr P(A) at eigenvalues a (..., m) of A: what orthogonal effects add to a flat prior.

    Examples
    --------
    With T = 3 and one eigenvalue, P(a) = (2/3) a + (1/6) a^2.

    >>> import numpy as np
    >>> float(log_orthogonal(np.array([[0.6 + 0j]]), 3)[0].round(6))
    0.46
    """
    out = np.zeros_like(a)
    for t in range(T - 1, 0, -1):
        out = (out + (T - t) / (T * t)) * a
    return np.asarray(out.real.sum(axis=-1))


def radii(
    weights: Spectrum, lags: TimeLags, coefficients: NDArray[np.float64], rho: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Spectral radius of A at coefficients (D, K) and rho (D,)."""
    zero = np.zeros(len(rho))
    own, space = (zero if j is None else coefficients[:, j] for j in (lags.own, lags.spatial))
    with np.errstate(divide="ignore", invalid="ignore"):
        a = transition(weights.eigenvalues, rho[:, None], own[:, None], space[:, None])
    return np.asarray(np.nan_to_num(np.abs(a).max(axis=1), nan=np.inf))


@dataclass(frozen=True, slots=True)
class DynamicKernel:
    """Posterior of rho and of the time lags, everything else integrated out.

    Attributes
    ----------
    lags : TimeLags
        Where y_{t-1} and W y_{t-1} stand among the K coefficients.
    corner : ndarray, shape (L + 2, L + 2)
        Triangular factor of the residuals of the L lags, y and Wy on the other regressors.
    R, cross : ndarray, shape (K - L, K - L) and (K - L, L + 2)
        Triangular factor of those regressors, and Q' times the lags, y and Wy.
    weights, projected : Spectrum
        W of the model, and in the space of the likelihood.
    periods : int
        T; the Jacobian counts T - 1 of them.
    shape, rate : float
        Of the inverse gamma of s2, the other coefficients integrated out.
    spatial : SpatialPrior
    """

    lags: TimeLags
    corner: NDArray[np.float64]
    R: NDArray[np.float64]
    cross: NDArray[np.float64]
    weights: Spectrum
    projected: Spectrum
    periods: int
    shape: float
    rate: float
    spatial: SpatialPrior

    def log_density(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log density at points (P, 1 + L) of rho and the lags; minus infinity if not stable."""
        out = np.full(len(points), -np.inf)
        lower, upper = self.spatial.bounds(self.weights.interval)
        stable = (points[:, 0] > lower) & (points[:, 0] < upper)
        stable[stable] = radii(self.weights, *self._lagged(points[stable])) < 1.0
        chosen = points[stable]
        lags, coefficients, rho = self._lagged(chosen)
        tau, eta = (
            np.zeros(len(rho)) if j is None else coefficients[:, j]
            for j in (lags.own, lags.spatial)
        )
        a = transition(self.projected.eigenvalues, rho[:, None], tau[:, None], eta[:, None])
        out[stable] = (
            (self.periods - 1) * self.projected.logdet(rho)
            + log_orthogonal(a, self.periods)
            + self.spatial.log_density(rho, self.weights.interval)
            - self.shape * np.log(self.rate + 0.5 * self.sse(chosen))
        )
        return out

    def sse(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum of squares at points (P, 1 + L), the other coefficients at their best."""
        return np.asarray(((_contrast(points) @ self.corner.T) ** 2).sum(axis=1))

    def draw(
        self, size: int, flat: Kernel, marginal: Marginal | None, rng: np.random.Generator
    ) -> Draws:
        """Draw from the posterior; that under flat effects says where to look, and how far."""
        at = list(self.lags.positions)
        guess = flat.draw(marginal, _PILOT, rng)
        near = np.column_stack([guess.spatial, guess.coefficients[:, at]])
        root = np.linalg.cholesky(np.cov(near.T))
        points = envelope(self.log_density, near.mean(axis=0), root).draw(size, rng)
        sigma2 = (self.rate + 0.5 * self.sse(points)) / rng.gamma(self.shape, size=size)
        rest = len(self.R)
        target = _contrast(points) @ self.cross.T
        target = target + np.sqrt(sigma2)[:, None] * rng.standard_normal((size, rest))
        coefficients = np.empty((size, rest + len(at)))
        coefficients[:, at] = points[:, 1:]
        others = [j for j in range(rest + len(at)) if j not in at]
        coefficients[:, others] = solve_triangular(self.R, target.T).T if rest else target
        return Draws(coefficients, points[:, 0], sigma2)

    def _lagged(
        self, points: NDArray[np.float64]
    ) -> tuple[TimeLags, NDArray[np.float64], NDArray[np.float64]]:
        """Points as coefficients of the lags alone, and rho."""
        own, space = self.lags.own, self.lags.spatial
        first = None if own is None else 0
        second = None if space is None else int(own is not None)
        return TimeLags(first, second), points[:, 1:], points[:, 0]


def dynamic_kernel(posed: Estimate, lags: TimeLags, flat: Kernel) -> DynamicKernel:
    """Posterior with orthogonal unit effects, from that with flat ones.

    Parameters
    ----------
    flat : Kernel
        Of the same model, with the rows of the prior joined.
    """
    K, at = len(posed.terms), list(lags.positions)
    others = [j for j in range(K) if j not in at]
    own = flat.triangle.own * np.append(flat.triangle.length, [1.0, 1.0])
    factor = np.linalg.qr(own[:, [*others, *at, K, K + 1]], mode="r")
    rest = len(others)
    return DynamicKernel(
        lags=lags,
        corner=factor[rest:, rest:],
        R=factor[:rest, :rest],
        cross=factor[:rest, rest:],
        weights=constant(posed.weights),
        projected=constant(posed.spectrum),
        periods=posed.reduction.periods + 1,
        shape=flat.shape + 0.5 * len(at),
        rate=flat.rate,
        spatial=flat.spatial,
    )


def _contrast(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights of the lags, y and Wy in y - rho Wy - tau y_{t-1} - eta W y_{t-1}."""
    return np.column_stack([-points[:, 1:], np.ones(len(points)), -points[:, 0]])
