"""Covariance estimators, chosen after the fit. Each says its own convention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.estimate import Estimate
from ccec_econ.engine.information import Scores, apply, inverse_information, scores
from ccec_econ.engine.transform import reduction
from ccec_econ.errors import FormulaError, IdentificationError

__all__ = [
    "Cluster",
    "Covariance",
    "DriscollKraay",
    "Information",
    "QuasiML",
    "Vcov",
    "checked",
]


@dataclass(frozen=True, slots=True)
class Vcov:
    """A covariance matrix of (d, rho, lam, sigma2), its reference distribution and convention.

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


@runtime_checkable
class Covariance(Protocol):
    """Anything that turns an estimate into a covariance."""

    def __call__(self, fit: Estimate) -> Vcov:
        """Compute the covariance of an estimate."""
        ...


@dataclass(frozen=True, slots=True)
class Information:
    """Inverse expected information: the classical covariance.

    With a spatial parameter: inverse Fisher information, normal reference. Without one (OLS, SLX)
    the model is a linear regression with an exact theory: s2 = SSE / (nobs - K) and t(nobs - K),
    with nobs net of the effects removed.
    """

    def __call__(self, fit: Estimate) -> Vcov:
        """Compute the covariance of an estimate."""
        matrix = inverse_information(fit)
        if fit.spatial:
            asymptotic = ", asymptotic after the correction" * (fit.method == "bias_corrected")
            return Vcov(matrix, None, f"inverse expected information, normal{asymptotic}")
        df = _within_nobs(fit) - len(fit.terms)
        matrix[:-1, :-1] *= fit.reduction.nobs / df
        return Vcov(matrix, df, f"homoskedastic, SSE/(observations - K), t({df})")


@dataclass(frozen=True, slots=True)
class QuasiML:
    """Sandwich of the quasi-likelihood: innovations iid but not normal.

    V = I^-1 (I + Omega) I^-1, Omega from the third and fourth moments of the innovations, which
    are estimated from structural residuals and cleared of what removing the effects does to them
    (Lee and Yu 2010, Journal of Econometrics 154, 165-185). Normal reference.
    """

    def __call__(self, fit: Estimate) -> Vcov:
        """Compute the covariance of an estimate."""
        _refuse_corrected(fit, "quasi-ML")
        bread = inverse_information(fit)
        matrix = bread + bread @ _excess(fit) @ bread
        return Vcov(matrix, None, "quasi-ML sandwich (third and fourth moments), normal")


@dataclass(frozen=True, slots=True)
class Cluster:
    """Sandwich for clusters that are independent of each other, with any dependence within.

    ``Cluster("unit")``: the scores of rho and lam hold quadratic forms e'Ge, whose terms tie units
    in pairs. Products e_i e_j are uncorrelated across pairs but not across the two units that
    share one, so scores summed by unit alone would miss half of their variance. The middle is

        sum_i u_i u_i' + sum_{i<j} p_ij p_ij',   p_ij = (A_ij + A_ji) sum_t e_it e_jt / s2,

    A = G for rho and H for lam, u_i holding the linear part and the diagonals. ``Cluster("time")``:
    scores summed by period, for few lags of dependence use `DriscollKraay`. Bread is the inverse
    expected information; CR1 factor g/(g - 1) * (nobs - 1)/(nobs - K), reference t(g - 1), for g
    clusters.
    """

    by: Literal["unit", "time"] = "unit"

    def __post_init__(self) -> None:
        if self.by not in ("unit", "time"):
            raise IdentificationError(
                f"cluster by {self.by!r} is not available; cluster by 'unit' or by 'time'."
            )

    def __call__(self, fit: Estimate) -> Vcov:
        """Compute the covariance of an estimate."""
        _refuse_corrected(fit, "clustered")
        T, N = fit.y.shape
        if self.by == "unit":
            middle, groups = unit_middle(fit), N
        else:
            middle, groups = _outer(_enough_periods(fit)), T
        nobs, K = _within_nobs(fit), len(fit.terms)
        factor = groups / (groups - 1) * (nobs - 1) / (nobs - K)
        bread = inverse_information(fit)
        text = f"clustered by {self.by} (CR1), {groups} clusters, t({groups - 1})"
        return Vcov(factor * bread @ middle @ bread, groups - 1, text)


@dataclass(frozen=True, slots=True)
class DriscollKraay:
    """Sandwich of period scores with Bartlett weights, for dependence across units and time.

    Needs many periods: at 12 of them tests at 5 % reject about 25 % of the time. Driscoll and Kraay
    (1998, Review of Economics and Statistics 80, 549-560). Reference t(T - 1).

    Attributes
    ----------
    lags : int
        Lags with weight 1 - j/(lags + 1).
    """

    lags: int

    def __post_init__(self) -> None:
        if not isinstance(self.lags, int) or self.lags < 0:
            raise IdentificationError(f"lags {self.lags!r}: give a whole number, zero or more.")

    def __call__(self, fit: Estimate) -> Vcov:
        """Compute the covariance of an estimate."""
        _refuse_corrected(fit, "Driscoll-Kraay")
        rows = _enough_periods(fit)
        T = len(rows)
        if self.lags >= T:
            raise IdentificationError(f"lags {self.lags} with {T} periods: give fewer lags.")
        middle = _outer(rows)
        for j in range(1, self.lags + 1):
            cross = rows[j:].T @ rows[:-j]
            middle += (1.0 - j / (self.lags + 1)) * (cross + cross.T)
        bread = inverse_information(fit)
        text = f"Driscoll-Kraay, {self.lags} lags, {T} periods, t({T - 1})"
        return Vcov(bread @ middle @ bread, T - 1, text)


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


def unit_middle(fit: Estimate) -> NDArray[np.float64]:
    """Covariance of the score when units are independent; shape (P, P)."""
    linear, pairs = unit_scores(fit)
    return _outer(linear) + _outer(pairs)


def unit_scores(fit: Estimate) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Score contributions of units, shape (N, P), and of pairs of units, shape (N(N - 1)/2, P).

    Their sums add to the gradient of the likelihood, zero at its maximum. Residuals demeaned over
    units are correlated by -1/N, which the centring takes into account.
    """
    parts, s2, tau = scores(fit), fit.optimum.sigma2, fit.periods
    N, K = parts.v.shape[1], len(fit.terms)
    shared = 1.0 / N if fit.reduction.rows < N else 0.0
    products = parts.v.T @ parts.v / s2
    surplus = np.diag(products) - tau * (1.0 - shared)
    above = np.triu_indices(N, k=1)
    own = np.zeros((N, K + len(parts.forms) + 1))
    pairs = np.zeros((len(above[0]), own.shape[1]))
    own[:, :K] = np.einsum("tnk,tn->nk", parts.Z, parts.v) / s2
    for j, (name, A) in enumerate(parts.forms.items(), start=K):
        own[:, j], pairs[:, j] = _quadratic(A, parts.v, s2, tau, shared)
        if name == "rho":
            own[:, j] += (parts.mean * parts.v).sum(axis=0) / s2
    own[:, -1] = surplus / (2.0 * s2)
    return own, pairs


def _quadratic(
    A: NDArray[np.float64], v: NDArray[np.float64], s2: float, tau: int, shared: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centred contributions of units and of pairs to sum_t v'Av/s2, A of shape (1 or T, N, N)."""
    above = np.triu_indices(v.shape[1], k=1)
    if len(A) == 1:
        products, periods = (v.T @ v / s2)[None], float(tau)
    else:
        products, periods = np.einsum("ti,tj->tij", v, v) / s2, tau / len(A)
    surplus = np.einsum("pii->pi", products) - periods * (1.0 - shared)
    own = (np.einsum("pii->pi", A) * surplus).sum(axis=0)
    twice = (A + A.transpose(0, 2, 1)) * (products + periods * shared)
    return own, twice.sum(axis=0)[above]


def period_scores(fit: Estimate) -> NDArray[np.float64]:
    """Score contributions of periods, shape (T, P); they add to the gradient."""
    parts, s2 = scores(fit), fit.optimum.sigma2
    T, K = len(parts.v), len(fit.terms)
    share = fit.periods / T
    out = np.zeros((T, K + len(parts.forms) + 1))
    out[:, :K] = np.einsum("tnk,tn->tk", parts.Z, parts.v) / s2
    for j, (name, A) in enumerate(parts.forms.items(), start=K):
        quadratic = (parts.v * apply(A, parts.v)).sum(axis=1) / s2
        out[:, j] = quadratic - share * np.broadcast_to(np.einsum("pii->p", A), (T,))
        if name == "rho":
            out[:, j] += (parts.mean * parts.v).sum(axis=1) / s2
    per_period = fit.reduction.rows * fit.periods / T
    out[:, -1] = (parts.v**2).sum(axis=1) / (2.0 * s2**2) - per_period / (2.0 * s2)
    return out


def _excess(fit: Estimate) -> NDArray[np.float64]:
    """Omega: what moments other than the normal's add to the information."""
    parts, s2 = scores(fit), fit.optimum.sigma2
    T, N = parts.v.shape
    K = len(fit.terms)
    J = np.eye(N) - (1.0 / N if fit.effects in ("time", "twoway") else 0.0)
    own = (1.0 - 1.0 / T) if fit.effects in ("unit", "twoway") else 1.0
    third, fourth = _cumulants(parts, fit)
    diagonals = [np.einsum("pij,ji->pi", A, J) / s2 for A in parts.forms.values()]
    diagonals.append(np.diag(J)[None] / (2.0 * s2**2))
    D = np.stack([np.broadcast_to(part, (T, N)) for part in diagonals])
    omega = np.zeros((K + len(D), K + len(D)))
    omega[K:, K:] = fourth * own**2 * np.einsum("ati,bti->ab", D, D)
    cross = third * np.einsum("tik,ati->ka", parts.Z, D) / s2
    omega[:K, K:], omega[K:, :K] = cross, cross.T
    if "rho" in parts.forms:
        by_rho = third * np.einsum("ti,ati->a", parts.mean, D) / s2
        omega[K, K:] += by_rho
        omega[K:, K] += by_rho
    return omega


def _cumulants(parts: Scores, fit: Estimate, *, third: bool = True) -> tuple[float, float]:
    """Third (zero if not asked for) and fourth cumulants, cleared of the removal of effects."""
    T, N = parts.v.shape
    own = [1.0, 1.0, 1.0]
    in_time, in_space = fit.effects in ("unit", "twoway"), fit.effects in ("time", "twoway")
    if in_time and T == 2 and third:
        raise IdentificationError(
            "quasi-ML with two periods: removing unit effects leaves no third moment to estimate; "
            "use Information() or Cluster('unit')."
        )
    for m, removed in ((T, in_time), (N, in_space)):
        if removed:
            a, b = 1.0 - 1.0 / m, -1.0 / m
            own = [w * (a**p + (m - 1) * b**p) for w, p in zip(own, (2, 3, 4), strict=True)]
    skew = float((parts.v**3).mean()) / own[1] if third else 0.0
    fourth = (float((parts.v**4).mean()) - 3.0 * float((parts.v**2).mean()) ** 2) / own[2]
    return skew, fourth


def _outer(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(rows.T @ rows)


def _within_nobs(fit: Estimate) -> int:
    """Observations net of effects, whichever likelihood was used."""
    T, N = fit.y.shape
    return reduction(fit.effects, "transformation", T, N).nobs


def _enough_periods(fit: Estimate) -> NDArray[np.float64]:
    """Scores of periods, refused where unit effects make them cancel."""
    T = len(fit.y) - (fit.effects in ("unit", "twoway"))
    needed = len(fit.terms) + len(fit.spatial)
    if needed > T:
        raise IdentificationError(
            f"{needed} parameters and scores of {T} free periods: their covariance has not full "
            "rank and its standard errors are far too small; cluster by 'unit', or use more "
            "periods."
        )
    return period_scores(fit)


def _refuse_corrected(fit: Estimate, what: str) -> None:
    if fit.method == "bias_corrected":
        raise IdentificationError(
            f"no {what} covariance after a bias correction: scores are not zero there; use "
            "method='transformation', or correction=False in a dynamic model."
        )
