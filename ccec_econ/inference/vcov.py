"""Covariance estimators, chosen after the fit. Each says its own convention.

Here stand what all of them share, the classical covariance and that of quasi-likelihood; clusters
are in `cluster`, sums over near cells in `hac`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ccec_econ.engine.estimate import Estimate, Reduced
from ccec_econ.engine.information import Scores, inverse_information, scores
from ccec_econ.engine.sparse_weights import SparseWeights
from ccec_econ.engine.transform import EffectsName, reduction
from ccec_econ.errors import FormulaError, IdentificationError
from ccec_econ.inference.satterthwaite import Satterthwaite

__all__ = [
    "Binds",
    "Covariance",
    "Information",
    "QuasiML",
    "Vcov",
    "after",
    "bound",
    "checked",
    "coefficients_only",
    "cumulants",
    "higher_moments",
    "monte_carlo",
    "refuse_corrected",
    "refuse_spatial",
    "within_nobs",
]


@dataclass(frozen=True, slots=True)
class Vcov:
    """A covariance matrix of (d, rho, lam, sigma2), its reference distribution and convention.

    Attributes
    ----------
    matrix : ndarray, shape (P, P)
        Missing in the row and column of a parameter that the covariance does not speak of.
    df : float or None
        Degrees of freedom of the t distribution, None for the normal; the smallest among the
        coefficients where each combination of them has its own.
    convention : str
        One sentence for the foot of a table.
    combinations : Satterthwaite or None
        Degrees of freedom by combination of the coefficients; None where all share `df`.
    """

    matrix: NDArray[np.float64]
    df: float | None
    convention: str
    combinations: Satterthwaite | None = None

    def degrees(self, slopes: ArrayLike) -> NDArray[np.float64]:
        """Degrees of freedom of combinations slopes'theta, slopes (..., P): shape (...,).

        Infinite where the reference is the normal.
        """
        if self.combinations is not None:
            return self.combinations.degrees(slopes)
        return np.full(np.shape(slopes)[:-1], self.df or np.inf)

    def least(self, slopes: ArrayLike) -> float | None:
        """Smallest degrees of freedom of several combinations; None for the normal."""
        found = float(np.min(self.degrees(slopes)))
        return found if np.isfinite(found) else None

    def quantile(self, level: float, slopes: ArrayLike) -> NDArray[np.float64]:
        """Count the standard errors that a two-sided interval of each combination reaches."""
        return np.asarray(stats.t.ppf(0.5 + level / 2, self.degrees(slopes)))

    def f_statistic(self, wald: float, slopes: NDArray[np.float64]) -> tuple[float, float]:
        """F statistic and its second degrees of freedom from a Wald statistic of q combinations.

        wald/q and `df`; or Hotelling's scaling where each combination has its own.
        """
        q = len(slopes)
        if self.combinations is None:
            return wald / q, self.df or np.inf
        eta = self.combinations.hotelling(slopes)
        return wald * (eta - q + 1.0) / (eta * q), eta - q + 1.0


@runtime_checkable
class Covariance(Protocol):
    """Anything that turns an estimate into a covariance."""

    def __call__(self, fit: Estimate) -> Vcov:
        """Compute the covariance of an estimate."""
        ...


@runtime_checkable
class Binds(Protocol):
    """A covariance that knows units by label, and must learn the order of an estimate's first."""

    def bind(self, units: pd.Index) -> Covariance:
        """Return the covariance for estimates whose N units stand in this order."""
        ...


@dataclass(frozen=True, slots=True)
class Information:
    """Inverse expected information: the classical covariance.

    With a spatial parameter: inverse Fisher information, normal reference. Without one (OLS, SLX)
    the model is a linear regression with an exact theory: s2 = SSE / (nobs - K) and t(nobs - K),
    with nobs net of the effects removed.
    """

    def __call__(self, fit: Reduced) -> Vcov:
        """Compute the covariance of an estimate."""
        matrix = inverse_information(fit)
        if fit.spatial:
            noise, said = monte_carlo(fit, matrix)
            text = f"inverse expected information, normal{after(fit)}{said}"
            return Vcov(matrix + noise, None, text)
        df = within_nobs(fit) - len(fit.terms)
        matrix[:-1, :-1] *= fit.reduction.nobs / df
        return Vcov(matrix, df, f"homoskedastic, SSE/(observations - K), t({df})")


@dataclass(frozen=True, slots=True)
class QuasiML:
    """Sandwich of the quasi-likelihood: innovations iid but not normal.

    V = I^-1 (I + Omega) I^-1, Omega from the third and fourth moments of the innovations, which
    are estimated from structural residuals and cleared of what removing the effects does to them
    (Lee and Yu 2010, Journal of Econometrics 154, 165-185). Normal reference.

    Dynamic models: the Yu-de Jong-Lee correction moves the estimate by O(1/T) and leaves its
    limiting variance, so V is the same, taken at the corrected estimate; it needs no zero score.
    """

    def __call__(self, fit: Estimate) -> Vcov:
        """Compute the covariance of an estimate."""
        refuse_corrected(fit, "quasi-ML")
        bread = inverse_information(fit)
        noise, said = monte_carlo(fit, bread)
        matrix = bread + bread @ _excess(fit) @ bread + noise
        text = f"quasi-ML sandwich (third and fourth moments), normal{after(fit)}{said}"
        return Vcov(matrix, None, text)


def monte_carlo(fit: Reduced, inverse: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    """Variance (P, P) that errors of simulated log-determinants add, and words for a convention.

    With s the standard error of tr G, the score of rho is off by tau s, and the parameters by
    V tau s where V is the column of rho in the inverse information (P, P).
    """
    best, added, said = fit.optimum, np.zeros_like(inverse), list[str]()
    at = {"rho": (fit.spectrum, best.rho), "lam": (fit.error, best.lam)}
    for place, name in enumerate(fit.spatial, start=len(fit.terms)):
        weights, value = at[name]
        if isinstance(weights, SparseWeights) and (noise := weights.noise(value)):
            moved = inverse[:, place] * fit.periods * noise
            added += np.outer(moved, moved)
            said.append(f"{name} {abs(moved[place]):.2g}")
    if not said:
        return added, ""
    return added, f"; Monte Carlo error of log-determinants included ({', '.join(said)})"


def after(fit: Reduced) -> str:
    """Say at the end of a convention that a correction's own variance is left out."""
    return ", asymptotic after the correction" * (fit.method == "bias_corrected")


def checked(cov: object) -> Covariance:
    """Return a covariance object, or refuse what is none.

    Raises
    ------
    FormulaError
        If `cov` is a name or a class.
    """
    if isinstance(cov, type) or not isinstance(cov, Covariance):
        raise FormulaError(
            f"cov {cov!r} is no covariance; give an object such as ce.Information() or "
            "ce.Cluster('unit')."
        )
    return cov


def bound(cov: object, units: pd.Index) -> Covariance:
    """Return a covariance for estimates whose units stand in this order, or refuse what is none.

    Raises
    ------
    FormulaError
        If `cov` is a name or a class.
    AlignmentError
        If `cov` speaks of other units.
    """
    known = checked(cov)
    return known.bind(units) if isinstance(known, Binds) else known


def _excess(fit: Estimate) -> NDArray[np.float64]:
    """Omega: what moments other than the normal's add to the information."""
    parts, s2 = scores(fit), fit.optimum.sigma2
    T, N = parts.v.shape
    J = np.eye(N) - (1.0 / N if fit.effects in ("time", "twoway") else 0.0)
    own = (1.0 - 1.0 / T) if fit.effects in ("unit", "twoway") else 1.0
    third, fourth = cumulants(parts.v, fit.effects)
    diagonals = [np.einsum("pij,ji->pi", A, J) / s2 for A in parts.matrices.values()]
    diagonals.append(np.diag(J)[None] / (2.0 * s2**2))
    D = np.stack([np.broadcast_to(part, (T, N)) for part in diagonals])
    return higher_moments(parts, D, s2, third, fourth * own**2)


def higher_moments(
    parts: Scores, D: NDArray[np.float64], s2: float, third: float, fourth: float
) -> NDArray[np.float64]:
    """Omega from the diagonals of the quadratic forms and cumulants of the innovations.

    Parameters
    ----------
    D : ndarray, shape (A, T, N)
        Diagonals, over s2, of the forms of rho and lam and of that of s2, last.
    third, fourth : float
        Cumulants; the fourth times the share of a diagonal's square that effects leave.

    Returns
    -------
    ndarray, shape (K + A, K + A)
    """
    K = parts.Z.shape[2]
    omega = np.zeros((K + len(D), K + len(D)))
    omega[K:, K:] = fourth * np.einsum("ati,bti->ab", D, D)
    cross = third * np.einsum("tik,ati->ka", parts.Z, D) / s2
    omega[:K, K:], omega[K:, :K] = cross, cross.T
    if "rho" in parts.forms:
        by_rho = third * np.einsum("ti,ati->a", parts.mean, D) / s2
        omega[K, K:] += by_rho
        omega[K:, K] += by_rho
    return omega


def cumulants(
    v: NDArray[np.float64], effects: EffectsName, *, third: bool = True
) -> tuple[float, float]:
    """Third (zero if not asked for) and fourth cumulants of innovations v (T, N).

    Cleared of what the removal of effects does to them.
    """
    T, N = v.shape
    own = [1.0, 1.0, 1.0]
    in_time, in_space = effects in ("unit", "twoway"), effects in ("time", "twoway")
    if in_time and T == 2 and third:
        raise IdentificationError(
            "quasi-ML with two periods: removing unit effects leaves no third moment to estimate; "
            "use Information() or Cluster('unit')."
        )
    for m, removed in ((T, in_time), (N, in_space)):
        if removed:
            a, b = 1.0 - 1.0 / m, -1.0 / m
            own = [w * (a**p + (m - 1) * b**p) for w, p in zip(own, (2, 3, 4), strict=True)]
    skew = float((v**3).mean()) / own[1] if third else 0.0
    fourth = (float((v**4).mean()) - 3.0 * float((v**2).mean()) ** 2) / own[2]
    return skew, fourth


def within_nobs(fit: Reduced) -> int:
    """Observations net of effects, whichever likelihood was used."""
    T, N = fit.shape
    return reduction(fit.effects, "transformation", T, N).nobs


def coefficients_only(fit: Estimate, middle: NDArray[np.float64]) -> NDArray[np.float64]:
    """(Z'Z)^-1 middle (Z'Z)^-1 of a linear regression, missing for sigma2; shape (K + 1, K + 1)."""
    K = len(fit.terms)
    bread = inverse_information(fit)[:K, :K] / fit.optimum.sigma2
    out = np.full((K + 1, K + 1), np.nan)
    out[:K, :K] = bread @ middle @ bread
    return out


def refuse_spatial(fit: Estimate, what: str, reason: str) -> None:
    """Refuse a covariance that is one of linear regressions only.

    Raises
    ------
    IdentificationError
        If the model has rho or lam.
    """
    if fit.spatial:
        raise IdentificationError(
            f"no {what} covariance of a model with {' and '.join(fit.spatial)}: {reason}; "
            "use ce.Cluster('unit'), or a model without (ce.ols, ce.slx)."
        )


def refuse_corrected(fit: Estimate, what: str, *, dynamic: bool = True) -> None:
    """Refuse an estimate after a bias correction; of a dynamic model only where `dynamic` is off.

    Raises
    ------
    IdentificationError
    """
    if fit.method != "bias_corrected" or (dynamic and fit.has_time_lags):
        return
    remedy = (
        "use ce.QuasiML() or ce.Cluster('unit'), or correction=False"
        if fit.has_time_lags
        else "use method='transformation'"
    )
    raise IdentificationError(
        f"no {what} covariance after a bias correction: scores are not zero there; {remedy}."
    )
