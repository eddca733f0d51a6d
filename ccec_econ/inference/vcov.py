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
    """Sandwich of scores summed within units, for arbitrary dependence over time.

    The score of unit i for rho is sum_t (Wy)_it e_it / s2 - tau G_ii, centred unit by unit; bread
    is the inverse expected information. CR1 factor n/(n - 1) * (nobs - 1)/(nobs - K), t(n - 1).
    """

    by: str = "unit"

    def __post_init__(self) -> None:
        if self.by != "unit":
            raise IdentificationError(
                f"cluster by {self.by!r} is not available; scores are clustered by 'unit'."
            )

    def __call__(self, fit: Estimate) -> Vcov:
        """Compute the covariance of an estimate."""
        scores = _unit_scores(fit)
        n, nobs, K = len(scores), _within_nobs(fit), len(fit.terms)
        factor = n / (n - 1) * (nobs - 1) / (nobs - K)
        bread = _inverse_information(fit)
        matrix = factor * bread @ scores.T @ scores @ bread
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


def _unit_scores(fit: Estimate) -> NDArray[np.float64]:
    """Scores summed over time, shape (N, K + 2) or (N, K + 1); columns sum to zero."""
    e, s2 = fit.residuals, fit.optimum.sigma2
    N = e.shape[1]
    scores = [np.einsum("tnk,tn->nk", fit.Z, e) / s2]
    if fit.spectrum is not None:
        own = np.diag(fit.spectrum.G(fit.optimum.rho))
        scores.append(((fit.Wy * e).sum(axis=0) / s2 - fit.reduction.periods * own)[:, None])
    share = fit.reduction.nobs / N
    scores.append(((e**2).sum(axis=0) / (2.0 * s2**2) - share / (2.0 * s2))[:, None])
    return np.hstack(scores)
