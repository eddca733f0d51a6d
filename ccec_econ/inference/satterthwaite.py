"""Degrees of freedom of combinations of coefficients whose variance is summed over few clusters.

An estimated variance c'Vc = sum_g (p_g'u)^2 is a quadratic form in the errors u. For independent
errors of one variance it has, with P_gh = p_g'p_h, the mean tr P and the variance 2 tr P^2, those
of a chi2 with (tr P)^2 / tr P^2 degrees of freedom (Satterthwaite 1946; for clusters Bell and
McCaffrey 2002). Several combinations at once follow the approximate Hotelling T^2 of Pustejovsky
and Tipton (2018).

References
----------
Bell, R. M. and McCaffrey, D. F. (2002). Bias reduction in standard errors for linear regression
with multi-stage samples. Survey Methodology 28, 169-181.
Pustejovsky, J. E. and Tipton, E. (2018). Small-sample methods for cluster-robust variance
estimation and hypothesis testing in fixed effects models. Journal of Business and Economic
Statistics 36, 672-683.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_triangular

from ccec_econ.errors import IdentificationError

__all__ = ["Satterthwaite"]


@dataclass(frozen=True, slots=True)
class Satterthwaite:
    """Degrees of freedom of linear combinations of K coefficients, G clusters of L cells.

    For a = R'^-1 c the vectors p_g of c'd have the products

        p_g'p_h = [g = h] (F_g a)'(F_h a) - share (F_g a)'(F_h a) - (Q_g a)'(Q_h a).

    Attributes
    ----------
    own : ndarray, shape (G, L, K)
        F: adjusted regressors of each cluster, orthonormal over all of them before adjustment.
    common : ndarray, shape (G, K, K)
        Q: products of the regressors with F, what estimating the coefficients takes away.
    share : float
        What removing effects common to all clusters takes away: 1/G, or 0 without.
    R : ndarray, shape (K, K)
        Z'Z = R'R.
    """

    own: NDArray[np.float64]
    common: NDArray[np.float64]
    share: float
    R: NDArray[np.float64]

    def degrees(self, slopes: ArrayLike) -> NDArray[np.float64]:
        """Degrees of freedom of each combination, shape (...,), given slopes (..., >= K).

        Slopes beyond the coefficients do not count; a combination of none has infinitely many.
        """
        given = np.asarray(slopes, dtype=np.float64)
        own, rest = self._vectors(given.reshape(-1, given.shape[-1]))
        long = (own**2).sum(axis=1)
        trace = long.sum(axis=0) - (rest**2).sum(axis=(0, 1))
        shared = np.einsum("grm,gsm->mrs", rest, rest)
        square = (long**2).sum(axis=0) - 2.0 * (long * (rest**2).sum(axis=1)).sum(axis=0)
        square = square + (shared**2).sum(axis=(1, 2))
        out = np.full(len(trace), np.inf)
        np.divide(trace**2, square, out=out, where=trace > 0.0)
        return out.reshape(given.shape[:-1])

    def hotelling(self, slopes: ArrayLike) -> float:
        """Degrees of freedom eta of q independent combinations, slopes (q, >= K).

        For a Wald statistic w, w (eta - q + 1)/(eta q) is close to F(q, eta - q + 1);
        eta = q(q + 1) / sum_st Var(D_st), D the covariance scaled to mean I.

        Raises
        ------
        IdentificationError
            If eta is q - 1 or less: there are too few clusters for q restrictions.
        """
        own, rest = self._vectors(np.asarray(slopes, dtype=np.float64))
        q = own.shape[2]
        mean = np.einsum("gls,glt->st", own, own) - np.einsum("grs,grt->st", rest, rest)
        root = np.linalg.inv(np.linalg.cholesky(mean)).T
        own, rest = own @ root, rest @ root
        d, u = (np.einsum("gls,glt->stg", part, part) for part in (own, rest))
        C = np.einsum("gxs,gyt->stxy", rest, rest)
        lone = np.einsum("ssg->sg", d), np.einsum("ssg->sg", u)
        # P_ss and P_tt, then P_st and P_ts, each a diagonal less a product of low rank
        straight = (lone[0].sum(axis=0) * (lone[0] - 2.0 * lone[1]).sum(axis=0)).sum()
        crossed = (d * (d - 2.0 * u)).sum() + np.einsum("stxy,styx->", C, C)
        eta = float(q * (q + 1.0) / (straight + (C**2).sum() + crossed))
        if eta <= q - 1.0:
            raise IdentificationError(
                f"{q} restrictions with {eta:.2g} degrees of freedom; test fewer at a time."
            )
        return eta

    def _vectors(
        self, slopes: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """F_g a (G, L, m), and what is taken from their products (G, L + K, m)."""
        a = solve_triangular(self.R, slopes[:, : len(self.R)].T, trans="T")
        own = self.own @ a
        return own, np.concatenate([np.sqrt(self.share) * own, self.common @ a], axis=1)
