"""Exact posterior of a spatial panel: one marginal density on a grid, the rest in closed form.

On the transformed data, with m rows, tau periods, N = m tau and psi either rho or lam,

    p(psi | y)  ~  p(psi) |I - psi W^|^tau |R'R|^(-1/2) (b + SSE(psi)/2)^(-(a + N/2)),
    s2 | psi    ~  IG(a + N/2, b + SSE(psi)/2),
    d | psi, s2 ~  N(d(psi), s2 (R'R)^-1),

R the triangular factor of the regressors, filtered by I - lam M in error models, with the rows of
the prior joined to them. Draws are independent: psi by its inverse distribution function, the
others directly. There is no Markov chain, no burn-in and nothing to diagnose.

Flat priors on the fixed effects of the *reduced form* give exactly this likelihood. Flat priors on
the structural effects, or demeaned data with T log|I - rho W|, give intervals of rho that cover far
less than they say when units are few.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.linalg import solve_triangular
from scipy.special import gammaln

from ccec_econ.bayes.priors import Prior, SpatialPrior
from ccec_econ.engine.estimate import Estimate
from ccec_econ.engine.moments import Triangle
from ccec_econ.engine.spectrum import Spectral

__all__ = ["Draws", "Kernel", "Marginal", "kernel", "settled"]

_NODES = 1001  # of the final grid, over about 18 standard deviations
_FIRST = 101  # of the grids that find where the density is
_DEEP = 40.0  # log density below the highest that counts as nothing
_SHRINKS = 0.6  # zoom as long as a grid shrinks below this share of the one before
_MARGIN = 1e-9  # share of the interval kept clear of its ends


@dataclass(frozen=True, slots=True)
class Draws:
    """Independent draws from a posterior.

    Attributes
    ----------
    coefficients : ndarray, shape (D, K)
    spatial : ndarray, shape (D,)
        rho or lam; zero in models with neither.
    sigma2 : ndarray, shape (D,)
    omega : ndarray, shape (D, N), or None
        Variances of the units relative to sigma2, where they differ.
    chains : int
        Chains that the draws are of, one after the other; one where draws are independent.
    """

    coefficients: NDArray[np.float64]
    spatial: NDArray[np.float64]
    sigma2: NDArray[np.float64]
    omega: NDArray[np.float64] | None = None
    chains: int = 1

    def part(self, chosen: slice | NDArray[np.bool_]) -> Draws:
        """Keep some of the draws, as one chain."""
        omega = None if self.omega is None else self.omega[chosen]
        return Draws(self.coefficients[chosen], self.spatial[chosen], self.sigma2[chosen], omega)

    def precisions(self, N: int) -> NDArray[np.float64]:
        """1/omega, one where variances are the same: shape (D, N)."""
        return np.ones((len(self.sigma2), N)) if self.omega is None else 1.0 / self.omega


@dataclass(frozen=True, slots=True)
class Marginal:
    """Marginal posterior of rho or lam, tabulated where it is.

    Attributes
    ----------
    grid : ndarray, shape (P,)
    density, distribution : ndarray, shape (P,)
        Normalised density and distribution function at the grid.
    log_integral : float
        Log of the integral of what was tabulated.
    """

    grid: NDArray[np.float64]
    density: NDArray[np.float64]
    distribution: NDArray[np.float64]
    log_integral: float

    def quantile(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """Invert the distribution function: interpolation and a Newton step within the cell."""
        last = len(self.grid) - 2
        cell = np.clip(np.searchsorted(self.distribution, u, side="right") - 1, 0, last)
        left, right = self.grid[cell], self.grid[cell + 1]
        start = np.clip(np.interp(u, self.distribution, self.grid), left, right)
        density = CubicSpline(self.grid, self.density)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = (density.antiderivative()(start) - u) / density(start)
        return np.asarray(np.clip(start - np.nan_to_num(step, posinf=0.0, neginf=0.0), left, right))

    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation, by quadrature."""
        mean = float(CubicSpline(self.grid, self.grid * self.density).integrate(*self.ends))
        square = (self.grid - mean) ** 2 * self.density
        return mean, float(np.sqrt(CubicSpline(self.grid, square).integrate(*self.ends)))

    @property
    def ends(self) -> tuple[float, float]:
        """First and last node."""
        return float(self.grid[0]), float(self.grid[-1])


def tabulate(
    log_density: Callable[[NDArray[np.float64]], NDArray[np.float64]], bounds: tuple[float, float]
) -> Marginal:
    """Find where a density is, tabulate it there and integrate it by a cubic spline."""
    width = bounds[1] - bounds[0]
    lower, upper = bounds[0] + _MARGIN * width, bounds[1] - _MARGIN * width
    while True:
        grid = np.linspace(lower, upper, _FIRST)
        heights = log_density(grid)
        inside = np.flatnonzero(heights > heights.max() - _DEEP)
        first, last = max(inside[0] - 1, 0), min(inside[-1] + 1, _FIRST - 1)
        shrunk = float(grid[last] - grid[first]) < _SHRINKS * (upper - lower)
        lower, upper = float(grid[first]), float(grid[last])
        if not shrunk:
            break
    grid = np.linspace(lower, upper, _NODES)
    heights = log_density(grid)
    top = float(heights.max())
    density = np.exp(heights - top)
    spline = CubicSpline(grid, density)
    distribution = np.maximum.accumulate(spline.antiderivative()(grid))
    total = float(distribution[-1])
    return Marginal(grid, density / total, distribution / total, top + float(np.log(total)))


@dataclass(frozen=True, slots=True)
class Kernel:
    """Posterior of one model, everything but rho or lam integrated out.

    Attributes
    ----------
    triangle : Triangle
        Data, with the rows of the prior joined.
    name : str
        "rho", "lam", or empty in models with neither.
    weights : Spectrum or None
        W or M, projected where the likelihood is.
    periods : int
        Jacobian terms, tau.
    shape, rate : float
        a + N/2 and b.
    constant : float
        Log of the factors that depend on nothing.
    spatial : SpatialPrior
    """

    triangle: Triangle
    name: str
    weights: Spectral | None
    periods: int
    shape: float
    rate: float
    constant: float
    spatial: SpatialPrior

    def log_density(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log of p(y, psi) at values (P,) of rho or lam; of p(y) without either."""
        if self.name == "lam":
            R, _, sse = self.triangle.along(values)
            roots = np.log(np.abs(np.diagonal(R, axis1=1, axis2=2))).sum(axis=1)
        else:
            moments = self.triangle.at(0.0)
            sse, roots = moments.sse(values), np.log(np.abs(np.diag(moments.R))).sum()
        out = self.constant - roots - self.shape * np.log(self.rate + 0.5 * sse)
        if self.weights is not None:
            out = out + self.spatial.log_density(values, self.weights.interval)
            with np.errstate(divide="ignore"):
                out = out + self.periods * self.weights.logdet(values)
        return np.asarray(out)

    def marginal(self) -> Marginal | None:
        """Marginal posterior of rho or lam; None in models with neither."""
        if self.weights is None:
            return None
        return tabulate(self.log_density, self.spatial.bounds(self.weights.interval))

    def log_marginal(self, marginal: Marginal | None) -> float:
        """Log marginal likelihood, given the marginal posterior of rho or lam."""
        if marginal is None:
            return float(self.log_density(np.zeros(1))[0])
        return marginal.log_integral

    def draw(self, marginal: Marginal | None, size: int, rng: np.random.Generator) -> Draws:
        """Draw from the posterior."""
        psi = np.zeros(size) if marginal is None else marginal.quantile(rng.random(size))
        if self.name == "lam":
            R, target, sse = self.triangle.along(psi)
        else:
            moments = self.triangle.at(0.0)
            R, sse = moments.R, moments.sse(psi)
            target = moments.ry - np.multiply.outer(psi, moments.rw)
        sigma2 = (self.rate + 0.5 * sse) / rng.gamma(self.shape, size=size)
        target = target + np.sqrt(sigma2)[:, None] * rng.standard_normal(target.shape)
        if R.ndim == 2:
            return Draws(np.asarray(solve_triangular(R, target.T).T), psi, sigma2)
        return Draws(np.linalg.solve(R, target[:, :, None])[:, :, 0], psi, sigma2)


def kernel(posed: Estimate, prior: Prior) -> Kernel:
    """Posterior of a model whose likelihood is written.

    Raises
    ------
    IdentificationError
        If the weights leave the likelihood flat, or the prior does not suit the regressors.
    FormulaError
        If the prior names other terms.
    """
    posed.likelihood.refuse_flat()
    added, nobs = prior.added(posed), posed.reduction.nobs
    shape = added.shape + 0.5 * nobs
    constant = -0.5 * nobs * np.log(2.0 * np.pi) + added.log_norm + float(gammaln(shape))
    return Kernel(
        triangle=posed.triangle.joined(added.rows, added.target),
        name=posed.spatial[0] if posed.spatial else "",
        weights=posed.spectrum or posed.error,
        periods=posed.reduction.periods,
        shape=shape,
        rate=added.rate,
        constant=float(constant),
        spatial=prior.spatial,
    )


def settled(posed: Estimate, spatial: float) -> Estimate:
    """Put the optimum of a likelihood where rho or lam has a given value."""
    at = {"rho": 0.0, "lam": 0.0} | dict.fromkeys(posed.spatial, spatial)
    return replace(posed, optimum=posed.likelihood.at(at["rho"], at["lam"]))
