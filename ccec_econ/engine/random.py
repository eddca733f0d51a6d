"""Random unit effects: from columns to an estimate and its Fisher information.

With e = S y - Zd ~ N(0, sigma2 V(lam, phi)), S = I - rho W, G = W S^-1, V_a = dV/da and
P = V^-1, the expected information is

    d, d: Z'PZ/s2                    rho, a: tr(G V_a P)
    d, rho: Z'PGZd/s2                a, b: tr(P V_a P V_b)/2
    rho, rho: (GZd)'PGZd/s2 + tr(GG) + tr(G'PGV)
    rho, sigma2: tr(G)/s2            a, sigma2: tr(P V_a)/(2 s2)
    sigma2, sigma2: NT/(2 s2^2)

for a, b in (lam, phi), zero elsewhere. V has T - 1 equal blocks for deviations from unit means
and one for the means, so traces are sums over two (N, N) blocks. Nothing is held fixed: errors
of the coefficients include that of rho, lam and phi.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from ccec_econ.engine.estimate import Columns, Estimate
from ccec_econ.engine.information import inverted
from ccec_econ.engine.likelihood import Optimum
from ccec_econ.engine.moments import Triangle, reduce_columns
from ccec_econ.engine.random_likelihood import Form, RandomLikelihood, RandomOptimum
from ccec_econ.engine.spectrum import Spectrum
from ccec_econ.engine.transform import Reduction
from ccec_econ.errors import IdentificationError, first_five

__all__ = [
    "Block",
    "RandomEstimate",
    "assemble",
    "covariance_blocks",
    "prepare",
    "random",
    "random_covariance",
    "random_information",
]


@dataclass(frozen=True, slots=True)
class RandomEstimate:
    """A maximised likelihood with random unit effects.

    Attributes
    ----------
    base : Estimate
        Raw columns, weights and estimates in the static family's own shape; its effects are
        "none", and its disturbances are e_t, unit effects included.
    likelihood : RandomLikelihood
    optimum : RandomOptimum
    others : tuple of RandomOptimum
        Lower local maxima.
    """

    base: Estimate
    likelihood: RandomLikelihood
    optimum: RandomOptimum
    others: tuple[RandomOptimum, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all parameters: coefficients, rho and lam where present, phi, sigma2."""
        return (*self.base.terms, *self.base.spatial, "phi", "sigma2")

    def unit_effects(self) -> NDArray[np.float64]:
        """Predict mu by its conditional mean given the data, shape (N,).

        Raises
        ------
        IdentificationError
            If phi is negative, as moments may give it: no variance, nothing to predict.
        """
        phi, T = self.optimum.phi, self.likelihood.T
        if phi < 0.0:
            raise IdentificationError(
                f"phi = {phi:.4f} < 0: unit effects have no variance to predict them from; use "
                "maximum likelihood, whose phi is not negative."
            )
        mean = self.base.disturbances.mean(axis=0)
        error = self.base.error
        R = np.eye(len(mean)) - (0.0 if error is None else self.optimum.lam * error.W)
        if self.likelihood.form == "kkp":
            return np.asarray(T * phi / (1.0 + T * phi) * R @ mean)
        K = R.T @ R
        return np.asarray(T * phi * np.linalg.solve(np.eye(len(mean)) + T * phi * K, K @ mean))


def random(
    columns: Columns,
    *,
    weights: Spectrum | None,
    x_weights: Spectrum | None,
    error_weights: Spectrum | None,
    form: Form,
) -> RandomEstimate:
    """Estimate a panel model with random unit effects by maximum likelihood.

    Parameters
    ----------
    weights : Spectrum or None
        W of the response; None leaves rho out.
    error_weights : Spectrum or None
        M of the errors; used unless `form` is "none".

    Raises
    ------
    IdentificationError
        If columns are dependent, or there are as many coefficients between units as units.
    ConvergenceError
        If a parameter ends at its border.
    """
    error = None if form == "none" else error_weights
    likelihood, triangle = prepare(columns, weights, error, form)
    best, *others = likelihood.maxima()
    return assemble(columns, likelihood, triangle, best, x_weights, tuple(others))


def assemble(
    columns: Columns,
    likelihood: RandomLikelihood,
    triangle: Triangle,
    best: RandomOptimum,
    x_weights: Spectrum | None,
    others: tuple[RandomOptimum, ...] = (),
) -> RandomEstimate:
    """Put an optimum and its columns into one frozen estimate."""
    weights = likelihood.spectrum
    base = Estimate(
        y=columns.y,
        Wy=weights.lag(columns.y) if weights is not None else np.zeros_like(columns.y),
        columns=columns.X,
        terms=columns.terms,
        lag_of=columns.lag_of,
        weights=weights,
        x_weights=x_weights,
        spectrum=weights,
        error=likelihood.error,
        effects="none",
        method="transformation",
        reduction=Reduction(likelihood.N, likelihood.T, projected=False),
        triangle=triangle,
        optimum=Optimum(best.rho, best.lam, best.coefficients, best.sigma2, best.loglik),
    )
    return RandomEstimate(base, likelihood, best, others)


def prepare(
    columns: Columns, weights: Spectrum | None, error: Spectrum | None, form: Form
) -> tuple[RandomLikelihood, Triangle]:
    """Split columns into deviations and unit means; refuse dependent ones."""
    y, X = columns.y, columns.X
    T, N = y.shape
    zero = [term for term, on in zip(columns.terms, X.any(axis=(0, 1)), strict=True) if not on]
    if zero:
        raise IdentificationError(f"{first_five(zero)} is zero everywhere; drop it.")
    Wy = weights.lag(y) if weights is not None else np.zeros_like(y)
    flat = (X.reshape(T * N, -1), y.ravel(), Wy.ravel())
    triangle = reduce_columns(*flat, columns.terms, N * T)
    length = triangle.length
    every = np.dstack([X / length, y, Wy])
    lagged = np.zeros_like(every)
    if error is not None:
        lagged = error.lag(every)
    pair = np.concatenate([every, lagged], axis=2)
    means = pair.mean(axis=0)
    R = np.linalg.qr((pair - means).reshape(T * N, -1), mode="r")
    P = every.shape[2]
    _refuse_saturated(means[:, : P - 2], N)
    between = np.sqrt(T) * means
    return (
        RandomLikelihood(
            within=Triangle(R[:, :P], R[:, P:], length),
            between=Triangle(between[:, :P], between[:, P:], length),
            spectrum=weights,
            error=error,
            form=form,
            N=N,
            T=T,
        ),
        triangle,
    )


def _refuse_saturated(means: NDArray[np.float64], N: int) -> None:
    rank = int(np.linalg.matrix_rank(means))
    if rank >= N:
        raise IdentificationError(
            f"{rank} regressors differ between {N} units: nothing is left to see unit effects in; "
            "use fewer regressors or fixed effects."
        )


@dataclass(frozen=True, slots=True)
class Block:
    """Equal blocks of V: how many, their inverse, and V_a by parameter."""

    count: int
    V: NDArray[np.float64]
    P: NDArray[np.float64]
    slopes: dict[str, NDArray[np.float64]]


def random_information(fit: RandomEstimate) -> NDArray[np.float64]:
    """Compute the expected information in the order of `fit.names`, shape (P, P)."""
    info, R = _in_coordinates(fit)
    K, out = len(R), info.copy()
    out[:K, :K] = R.T @ info[:K, :K] @ R
    out[:K, K:] = R.T @ info[:K, K:]
    out[K:, :K] = out[:K, K:].T
    return out


def random_covariance(fit: RandomEstimate) -> NDArray[np.float64]:
    """Inverse expected information in the order of `fit.names`, shape (P, P).

    With phi on its border its row and column are missing values, and the others are those of the
    model without unit effects.

    Raises
    ------
    IdentificationError
        If the information matrix is singular.
    """
    info, R = _in_coordinates(fit)
    K, phi = len(R), fit.names.index("phi")
    kept = np.array([j for j in range(len(info)) if not (fit.optimum.boundary and j == phi)])
    inverse = inverted(info[np.ix_(kept, kept)], R, tuple(fit.names[K:]))
    out = np.full((len(fit.names), len(fit.names)), np.nan)
    out[np.ix_(kept, kept)] = inverse
    return out


def _in_coordinates(fit: RandomEstimate) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Information with coefficients replaced by R d, Z'PZ = R'R, and R itself."""
    best, base = fit.optimum, fit.base
    R = fit.likelihood.moments(best.lam, best.phi).R
    K, names, s2 = len(R), fit.names, best.sigma2
    blocks = covariance_blocks(fit)
    info = np.zeros((len(names), len(names)))
    info[:K, :K] = np.eye(K) / s2
    for block in blocks:
        parts = {name: block.P @ slope for name, slope in block.slopes.items()}
        for one, A in parts.items():
            a = names.index(one)
            info[a, -1] += 0.5 * block.count * float(np.trace(A)) / s2
            for other, B in parts.items():
                info[a, names.index(other)] += 0.5 * block.count * float((A * B.T).sum())
    if base.spectrum is not None:
        _add_rho(info, fit, base.spectrum.G(best.rho), blocks, R)
    info[-1, :-1] = info[:-1, -1]
    info[-1, -1] = fit.likelihood.nobs / (2.0 * s2**2)
    return info, R


def _add_rho(
    info: NDArray[np.float64],
    fit: RandomEstimate,
    G: NDArray[np.float64],
    blocks: tuple[Block, Block],
    R: NDArray[np.float64],
) -> None:
    """Fill the row and column of rho."""
    K, s2, T = len(R), fit.optimum.sigma2, fit.likelihood.T
    mean = fit.base.Z @ fit.optimum.coefficients @ G.T
    for block in blocks:
        PG = block.P @ G
        both = float((G * G.T).sum() + (PG * (G @ block.V)).sum())
        info[K, K] += block.count * both
        for name, slope in block.slopes.items():
            cross = block.count * float((PG * slope).sum())
            info[K, fit.names.index(name)] += cross
            info[fit.names.index(name), K] += cross
    within, between = _weighted(fit.base.Z, mean, blocks)
    info[:K, K] = solve_triangular(R, (within[0] + between[0]) / s2, trans="T")
    info[K, :K] = info[:K, K]
    info[K, K] += (within[1] + between[1]) / s2
    info[K, -1] = T * float(np.trace(G)) / s2


def _weighted(
    Z: NDArray[np.float64], mean: NDArray[np.float64], blocks: tuple[Block, Block]
) -> list[tuple[NDArray[np.float64], float]]:
    """Z'P mean and mean'P mean, for deviations and for unit means."""
    T, out = len(Z), []
    parts = (Z - Z.mean(axis=0), mean - mean.mean(axis=0))
    means = (np.sqrt(T) * Z.mean(axis=0)[None], np.sqrt(T) * mean.mean(axis=0)[None])
    for (z, m), block in zip((parts, means), blocks, strict=True):
        weighted = m @ block.P
        out.append((np.einsum("tnk,tn->k", z, weighted), float((m * weighted).sum())))
    return out


def covariance_blocks(fit: RandomEstimate) -> tuple[Block, Block]:
    """Blocks of V for deviations from unit means and for unit means."""
    N, T = fit.likelihood.N, fit.likelihood.T
    lam, phi, error = fit.optimum.lam, fit.optimum.phi, fit.base.error
    eye = np.eye(N)
    inverse = eye if error is None else np.linalg.inv(eye - lam * error.W)
    V = inverse @ inverse.T
    slopes: dict[str, NDArray[np.float64]] = {}
    if error is not None:
        half = inverse @ error.W @ V
        slopes["lam"] = half + half.T
    R = eye if error is None else eye - lam * error.W
    K, level = R.T @ R, 1.0 + T * phi
    within = Block(T - 1, V, K, slopes)
    if fit.likelihood.form == "bsk":
        V_b = T * phi * eye + V
        return within, Block(1, V_b, np.linalg.inv(V_b), {**slopes, "phi": T * eye})
    scaled = {name: level * slope for name, slope in slopes.items()}
    return within, Block(1, level * V, K / level, {**scaled, "phi": T * V})
