"""Random unit effects: the score in what is independent between units.

With xi_t = R e_t, R = I - lam M, the deviations of xi from unit means, x_w (T, N), and the means
times sqrt(T), x_b (1, N), are

    x_w = v_t - v,   x_b = sqrt(T) (D mu + v),   v = sum_t v_t / T,

D = I where unit effects are inside the filter ("kkp", or no spatial errors) and D = R where they
are outside ("bsk"). The score of any parameter then is

    sum_t l_wt'x_wt + l_b'x_b + sum_t x_wt'A_w x_wt + x_b'A_b x_b - constant,

l linear and A quadratic forms (N, N), one for each of the two blocks of V. With D = I column i of
xi belongs to unit i alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.random import RandomEstimate, covariance_blocks

__all__ = ["RandomScores", "random_scores"]


@dataclass(frozen=True, slots=True)
class RandomScores:
    """What the score of (coefficients, rho, lam, phi, sigma2) is made of, P parameters.

    Attributes
    ----------
    within : ndarray, shape (T, N)
        x_w.
    between : ndarray, shape (1, N)
        x_b.
    linear : tuple of ndarray, shapes (T, N, P) and (1, N, P)
        l_w and l_b.
    forms : tuple of ndarray, shape (P, N, N)
        A_w and A_b; zero for coefficients.
    unit_effects : ndarray, shape (N, N)
        D.
    """

    within: NDArray[np.float64]
    between: NDArray[np.float64]
    linear: tuple[NDArray[np.float64], NDArray[np.float64]]
    forms: tuple[NDArray[np.float64], NDArray[np.float64]]
    unit_effects: NDArray[np.float64]


def random_scores(fit: RandomEstimate) -> RandomScores:
    """Assemble the pieces of the score at an estimate."""
    best, base, N = fit.optimum, fit.base, fit.likelihood.N
    eye = np.eye(N)
    R = eye if base.error is None else eye - best.lam * base.error.W
    L = np.linalg.inv(R)
    G = None if base.spectrum is None else base.spectrum.G(best.rho)
    columns = [base.Z]
    if G is not None:
        columns.append((base.Z @ best.coefficients @ G.T)[:, :, None])
    parts = _split(np.concatenate(columns, axis=2))
    x_w, x_b = (part @ R.T for part in _split(base.disturbances))
    K, P = len(base.terms), len(fit.names)
    linear, forms = [], []
    for block, part in zip(covariance_blocks(fit), parts, strict=True):
        own = np.zeros((*part.shape[:2], P))
        # l = L'P column / s2, and l'(R e) = column'P e / s2
        own[:, :, : part.shape[2]] = np.einsum("ij,tjk->tik", L.T @ block.P, part) / best.sigma2
        form = np.zeros((P, N, N))
        if G is not None:
            form[K] = L.T @ block.P @ G @ L / best.sigma2
        for name, slope in block.slopes.items():
            inner = L.T @ block.P @ slope @ block.P @ L
            form[fit.names.index(name)] = 0.5 * inner / best.sigma2
        form[-1] = 0.5 * L.T @ block.P @ L / best.sigma2**2
        linear.append(own)
        forms.append(form)
    D = R if fit.likelihood.form == "bsk" else eye
    return RandomScores(x_w, x_b, (linear[0], linear[1]), (forms[0], forms[1]), D)


def _split(columns: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Deviations from unit means, and unit means times sqrt(T)."""
    mean = columns.mean(axis=0, keepdims=True)
    return columns - mean, np.sqrt(len(columns)) * mean
