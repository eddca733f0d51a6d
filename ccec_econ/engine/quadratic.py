"""Generalised method of moments with linear and quadratic moments of the disturbances.

With e(d) = y - X d, effects removed, the moments are H'e for instruments H and sum_t e_t'P e_t for
matrices P whose expectation under the removal of effects is zero: tr(PJ) = 0 when errors share one
variance, diag(JPJ) = 0 when each unit has its own (Lee 2007, Journal of Econometrics 137, 489-514;
Lin and Lee 2010, Journal of Econometrics 157, 34-52). J = I - ii'/N where time effects were removed
and I otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.optimize import least_squares

from ccec_econ.engine.transform import Reduction
from ccec_econ.errors import ConvergenceError, IdentificationError

__all__ = [
    "QuadraticMoments",
    "Solution",
    "diagonal_free",
    "independent",
    "minimise",
    "moments",
    "trace_free",
]

_NODES = 81  # values of rho at which the profile is looked at before its minima are polished
_BORDER = 1e-6  # share of the interval's width kept clear of its ends
_STEPS = 3  # Newton steps at the end; from a minimum each squares the error
_TOLERANCE = 1e-14  # of the least-squares search, relative
_REPEATED = 1e-8  # share of a form that those before it leave, and counts as nothing


@dataclass(frozen=True, slots=True)
class QuadraticMoments:
    """Linear and quadratic moments as polynomials in the coefficients.

    Attributes
    ----------
    columns : ndarray, shape (T, N, P + 1)
        [y, X], effects removed, columns of X divided by `length`; the last is Wy.
    basis : ndarray, shape (T, N, q)
        Orthonormal instruments.
    forms : ndarray, shape (p, N, N)
        Symmetric matrices P, projected by J.
    linear : ndarray, shape (q, P + 1)
    grams : ndarray, shape (p, P + 1, P + 1)
        Products of the columns with the instruments, and through the forms.
    length : ndarray, shape (P,)
    size : Reduction
    """

    columns: NDArray[np.float64]
    basis: NDArray[np.float64]
    forms: NDArray[np.float64]
    linear: NDArray[np.float64]
    grams: NDArray[np.float64]
    length: NDArray[np.float64]
    size: Reduction

    def at(self, d: NDArray[np.float64]) -> NDArray[np.float64]:
        """Evaluate the moments at scaled coefficients (P,): shape (q + p,)."""
        c = np.concatenate([[1.0], -d])
        return np.concatenate([self.linear @ c, np.einsum("i,pij,j->p", c, self.grams, c)])

    def slope(self, d: NDArray[np.float64]) -> NDArray[np.float64]:
        """Differentiate the moments, shape (q + p, P)."""
        c = np.concatenate([[1.0], -d])
        return np.vstack([-self.linear[:, 1:], -2.0 * (self.grams @ c)[:, 1:]])

    def disturbances(self, d: NDArray[np.float64]) -> NDArray[np.float64]:
        """Disturbances at scaled coefficients, shape (T, N)."""
        return np.asarray(self.columns @ np.concatenate([[1.0], -d]))

    def sigma2(self, d: NDArray[np.float64]) -> float:
        """Variance of the disturbances over the observations net of effects."""
        return float((self.disturbances(d) ** 2).sum()) / self.size.nobs

    def variance(self, d: NDArray[np.float64], third: float, fourth: float) -> NDArray[np.float64]:
        """Covariance of the moments for independent errors of one variance.

        Parameters
        ----------
        third, fourth : float
            Cumulants of the errors.
        """
        q, s2, T = len(self.linear), self.sigma2(d), len(self.columns)
        in_time = self.size.periods < T
        count = T * (1.0 - 1.0 / T) ** 2 if in_time else float(T)
        diagonals = np.einsum("pii->pi", self.forms)
        out = np.zeros((q + len(self.forms),) * 2)
        out[:q, :q] = s2 * np.eye(q)
        pairs = np.einsum("aij,bij->ab", self.forms, self.forms)
        out[q:, q:] = 2.0 * s2**2 * self.size.periods * pairs
        out[q:, q:] += fourth * count * diagonals @ diagonals.T
        out[:q, q:] = third * self.basis.sum(axis=0).T @ diagonals.T
        out[q:, :q] = out[:q, q:].T
        return out

    def clustered_variance(self, d: NDArray[np.float64]) -> NDArray[np.float64]:
        """Covariance of the moments for independent units, anything within them.

        Linear moments are summed by unit. A diagonal-free form is a sum over pairs of units of
        2 P_ij sum_t e_it e_jt, uncorrelated across pairs; what the removal of time effects adds to
        the products is taken off.

        Raises
        ------
        IdentificationError
            If units are not more than moments.
        """
        e, q = self.disturbances(d), len(self.linear)
        N = e.shape[1]
        if q + len(self.forms) >= N:
            raise IdentificationError(
                f"{q + len(self.forms)} moments and {N} units: clustered weights have no inverse; "
                "use fewer regressors, or heteroskedastic=False."
            )
        by_unit = np.einsum("tnq,tn->nq", self.basis, e)
        products = e.T @ e
        if self.size.rows < N:
            J = _projector(N, True)
            own = np.linalg.solve(J**2, np.diag(products))
            products = products - J @ np.diag(own) @ J
        above = np.triu_indices(N, k=1)
        by_pair = 2.0 * self.forms[:, *above] * products[above]
        out = np.zeros((q + len(self.forms),) * 2)
        out[:q, :q] = by_unit.T @ by_unit
        out[q:, q:] = by_pair @ by_pair.T
        return out


@dataclass(frozen=True, slots=True)
class Solution:
    """A minimum: scaled coefficients (P,) and the height g'V^-1 g."""

    d: NDArray[np.float64]
    objective: float


def trace_free(A: NDArray[np.float64], time_effects: bool) -> NDArray[np.float64]:
    """Symmetric JAJ - tr(JA)/tr(J) J: zero expectation when errors share one variance."""
    J = _projector(len(A), time_effects)
    inside = J @ A @ J
    return np.asarray((inside + inside.T) / 2.0 - np.trace(inside) / np.trace(J) * J)


def diagonal_free(A: NDArray[np.float64], time_effects: bool) -> NDArray[np.float64]:
    """Symmetric J(A - D)J, D diagonal so that its diagonal is zero: any variance per unit."""
    J = _projector(len(A), time_effects)
    inside = J @ A @ J
    D = np.diag(np.linalg.solve(J**2, np.diag(inside)))
    return np.asarray((inside + inside.T) / 2.0 - J @ D @ J)


def independent(forms: list[NDArray[np.float64]], size: list[float]) -> list[NDArray[np.float64]]:
    """Keep forms, scaled to unit norm, that add to those before them.

    Powers of W repeat each other where W^2 is a combination of W, I and ii', as with equal groups
    in which all are neighbours; at few units a form may vanish altogether.

    Parameters
    ----------
    forms : list of ndarray, shape (N, N)
    size : list of float
        Norms of the matrices that the forms were made from.
    """
    kept: list[NDArray[np.float64]] = []
    for form, whole in zip(forms, size, strict=True):
        length = float(np.linalg.norm(form))
        if length <= _REPEATED * whole:
            continue
        longer = [*kept, form / length]
        flat = np.array(longer).reshape(len(longer), -1)
        if np.linalg.svd(flat, compute_uv=False)[-1] > _REPEATED:
            kept = longer
    return kept


def moments(
    y: NDArray[np.float64],
    X: NDArray[np.float64],
    H: NDArray[np.float64],
    forms: list[NDArray[np.float64]],
    shape: tuple[int, int],
    size: Reduction,
) -> QuadraticMoments:
    """Set up moments of stacked columns y (R,), X (R, P) and instruments H (R, q)."""
    length = np.linalg.norm(X, axis=0)
    columns = np.column_stack([y, X / length])
    basis = np.linalg.qr(H / np.linalg.norm(H, axis=0))[0]
    cube, N, K = columns.reshape(*shape, -1), shape[1], columns.shape[1]
    P = np.array(forms).reshape(-1, N, N)
    grams = np.array([np.einsum("tik,ij,tjl->kl", cube, form, cube, optimize=True) for form in P])
    grams = grams.reshape(-1, K, K)
    return QuadraticMoments(
        cube, basis.reshape(*shape, -1), P, basis.T @ columns, grams, length, size
    )


def minimise(
    problem: QuadraticMoments, variance: NDArray[np.float64], interval: tuple[float, float]
) -> Solution:
    """Minimise g'V^-1 g over coefficients with rho, the last, inside its interval.

    Quadratic moments can have several minima: every one of the profile over rho is polished and
    the lowest kept.

    Raises
    ------
    ConvergenceError
        If no minimum lies inside the interval.
    """
    scale = np.sqrt(np.diag(variance))
    root = np.linalg.cholesky(variance / np.outer(scale, scale))

    def gap(d: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(solve_triangular(root, problem.at(d) / scale, lower=True))

    def slope(d: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(solve_triangular(root, problem.slope(d) / scale[:, None], lower=True))

    found: list[Solution] = []
    margin, unit = _BORDER * (interval[1] - interval[0]), float(problem.length[-1])
    for start in _starts(problem, gap, interval):
        best = least_squares(
            gap, start, slope, method="lm", ftol=_TOLERANCE, xtol=_TOLERANCE, gtol=_TOLERANCE
        )
        if interval[0] + margin < best.x[-1] / unit < interval[1] - margin:
            found.append(_polished(problem, variance, best.x))
    if not found:
        raise ConvergenceError(
            f"no minimum of the moments with rho in ({interval[0]:.4f}, {interval[1]:.4f}): the "
            "disturbances look like a unit root, or the instruments are weak; look at s2sls and "
            "its Anderson-Rubin set."
        )
    return min(found, key=lambda one: one.objective)


def _polished(
    problem: QuadraticMoments, variance: NDArray[np.float64], d: NDArray[np.float64]
) -> Solution:
    """Newton steps from a minimum found: second derivatives of quadratic moments are constant."""
    q, outer = len(problem.linear), 2.0 * problem.grams[:, 1:, 1:]
    for _ in range(_STEPS):
        g, D = problem.at(d), problem.slope(d)
        pull = np.linalg.solve(variance, np.column_stack([g, D]))
        curvature = D.T @ pull[:, 1:] + np.einsum("p,pij->ij", pull[q:, 0], outer)
        d = d - np.linalg.solve(curvature, D.T @ pull[:, 0])
    g = problem.at(d)
    return Solution(d, float(g @ np.linalg.solve(variance, g)))


def _starts(
    problem: QuadraticMoments,
    gap: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    interval: tuple[float, float],
) -> list[NDArray[np.float64]]:
    """Local minima of the objective over rho, coefficients taken from the linear moments."""
    lower = max(interval[0], -1.5 * interval[1])
    nodes = np.linspace(lower, interval[1], _NODES + 2)[1:-1] * float(problem.length[-1])
    y, Z, w = problem.linear[:, 0], problem.linear[:, 1:-1], problem.linear[:, -1]
    inner = np.linalg.lstsq(Z, y[:, None] - np.multiply.outer(w, nodes))[0]
    points = np.vstack([inner, nodes]).T
    height = np.array([float((gap(d) ** 2).sum()) for d in points])
    padded = np.concatenate([[np.inf], height, [np.inf]])
    low = (padded[1:-1] <= padded[:-2]) & (padded[1:-1] <= padded[2:])
    return [points[i] for i in np.flatnonzero(low)]


def _projector(N: int, time_effects: bool) -> NDArray[np.float64]:
    return np.eye(N) - (1.0 / N if time_effects else 0.0)
