"""Covariance estimators, chosen after the fit. Each says its own convention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.estimate import Estimate, expected_information
from ccec_econ.engine.transform import reduction
from ccec_econ.errors import IdentificationError

__all__ = ["Cluster", "Covariance", "Information", "Vcov"]


@dataclass(frozen=True, slots=True)
class Vcov:
    """A covariance matrix of (d, rho, sigma2), its reference distribution and its convention.

    Attributes
    ----------
    matrix : ndarray, shape (P, P)
    df : int or None
        Degrees of freedom of the t distribution; None for the normal.
    convention : str
        One sentence for the foot of a table.
    """

    matrix: NDArray[np.float64]
    df: int | None
    convention: str


class Covariance(Protocol):
    """Anything that turns an estimate into a covariance."""

    def __call__(self, fit: Estimate) -> Vcov:
        """Compute the covariance of an estimate."""
        ...


@dataclass(frozen=True, slots=True)
class Information:
    """Inverse expected information: the classical covariance.

    With a spatial lag of y: inverse Fisher information, normal reference. Without one (OLS, SLX)
    the model is a linear regression with an exact theory: s2 = SSE / (nobs - K) and t(nobs - K),
    with nobs net of the effects removed.
    """

    def __call__(self, fit: Estimate) -> Vcov:
        """Compute the covariance of an estimate."""
        matrix = _inverse_information(fit)
        if fit.spectrum is not None:
            text = "inverse expected information, normal"
            return Vcov(matrix, None, text)
        df = _within_nobs(fit) - len(fit.terms)
        matrix[:-1, :-1] *= fit.reduction.nobs / df
        return Vcov(matrix, df, f"homoskedastic, SSE/(observations - K), t({df})")


@dataclass(frozen=True, slots=True)
class Cluster:
    """Sandwich for units that are independent of each other, with any dependence over time.

    The score of rho holds the quadratic form e'Ge, whose terms tie units in pairs: products
    e_i e_j are uncorrelated across pairs but not across the two units that share one, so scores
    summed by unit alone would miss half of its variance. The middle is therefore

        sum_i u_i u_i' + sum_{i<j} [(G_ij + G_ji) sum_t e_it e_jt / s2]^2 at (rho, rho),

    u_i holding the linear part and the diagonal of G. Bread is the inverse expected information.
    CR1 factor n/(n - 1) * (nobs - 1)/(nobs - K), reference t(n - 1).
    """

    by: str = "unit"

    def __post_init__(self) -> None:
        if self.by != "unit":
            raise IdentificationError(
                f"cluster by {self.by!r} is not available; scores are clustered by 'unit'."
            )

    def __call__(self, fit: Estimate) -> Vcov:
        """Compute the covariance of an estimate."""
        middle, n = score_covariance(fit), fit.y.shape[1]
        nobs, K = _within_nobs(fit), len(fit.terms)
        factor = n / (n - 1) * (nobs - 1) / (nobs - K)
        bread = _inverse_information(fit)
        matrix = factor * bread @ middle @ bread
        return Vcov(matrix, n - 1, f"clustered by unit (CR1), {n} clusters, t({n - 1})")


def _within_nobs(fit: Estimate) -> int:
    """Observations net of effects, whichever likelihood was used."""
    T, N = fit.y.shape
    return reduction(fit.effects, "transformation", T, N).nobs


def _inverse_information(fit: Estimate) -> NDArray[np.float64]:
    info = expected_information(fit)
    scale = np.sqrt(np.diag(info))
    condition = float(np.linalg.cond(info / np.outer(scale, scale)))
    if not np.isfinite(condition) or condition > 1e14:
        raise IdentificationError(
            f"information matrix is singular (condition number {condition:.1e}); "
            "the parameters are not separately identified. Use fewer lagged regressors."
        )
    return np.asarray(np.linalg.inv(info / np.outer(scale, scale)) / np.outer(scale, scale))


def score_covariance(fit: Estimate) -> NDArray[np.float64]:
    """Covariance of the score of (d, rho, sigma2) when units are independent.

    Shape (K + 2, K + 2), or (K + 1, K + 1) without a lag of y. Residuals demeaned over units are
    correlated by -1/n, which the centring takes into account.
    """
    linear, pairs = scores(fit)
    middle = linear.T @ linear
    if fit.spectrum is not None:
        middle[-2, -2] += (pairs**2).sum()
    return middle


def scores(fit: Estimate) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Score contributions of units, shape (N, P), and of pairs for rho, shape (N(N - 1)/2,).

    Their sums add to the gradient of the likelihood, zero at its maximum.
    """
    e, s2, tau = fit.residuals, fit.optimum.sigma2, fit.reduction.periods
    N = e.shape[1]
    shared = 1.0 / N if fit.reduction.rows < N else 0.0
    products = e.T @ e / s2
    surplus = np.diag(products) - tau * (1.0 - shared)
    columns = [np.einsum("tnk,tn->nk", fit.Z, e) / s2]
    pairs = np.zeros(0)
    if fit.spectrum is not None:
        G = fit.spectrum.G(fit.optimum.rho)
        mean = (fit.Z @ fit.optimum.coefficients) @ G.T
        own = (mean * e).sum(axis=0) / s2 + np.diag(G) * surplus
        columns.append(own[:, None])
        above = np.triu_indices(N, k=1)
        pairs = (G + G.T)[above] * (products[above] + tau * shared)
    columns.append((surplus / (2.0 * s2))[:, None])
    return np.hstack(columns), pairs
