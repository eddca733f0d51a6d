"""How strongly excluded instruments move endogenous columns, effects removed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ccec_econ.engine.instruments import (
    By,
    Equation,
    Projection,
    cluster_sums,
    split_columns,
)

__all__ = [
    "FirstStage",
    "condition_number",
    "cragg_donald",
    "effective_critical",
    "first_stages",
]

_BIAS = 0.10  # share of the worst-case bias that the effective F is compared with
_SIZE = 0.05


@dataclass(frozen=True, slots=True)
class FirstStage:
    """Strength of the instruments for one endogenous column.

    Attributes
    ----------
    name : str
    F : float
        Test that the excluded instruments do not enter the first stage; NaN where clusters are
        too few for it.
    conditional_F : float
        The same given the other endogenous columns (Sanderson and Windmeijer 2016, Journal of
        Econometrics 190, 212-221); F itself where there are none.
    df : tuple of int
        Degrees of freedom of F.
    partial_r2 : float
        Share of the column, net of E, that the excluded instruments explain.
    effective_F : float
        F of Montiel Olea and Pflueger (2013, Journal of Business and Economic Statistics 31,
        358-369): p'p / tr V, with p the coefficients of orthonormal instruments and V their
        covariance, clustered where F is. Equal to F with one instrument or homoskedastic errors.
        It needs no inverse, so few clusters do not stop it.
    critical : float
        What the effective F exceeds, at 5 %, when the bias of two-stage least squares is at most a
        tenth of the worst case: their simplified value, 23.1 with one instrument.
    """

    name: str
    F: float
    conditional_F: float
    df: tuple[int, int]
    partial_r2: float
    effective_F: float
    critical: float

    @property
    def is_strong(self) -> bool:
        """Whether the effective F exceeds its critical value."""
        return self.effective_F > self.critical


@dataclass(frozen=True, slots=True)
class _Reduced:
    """Coefficients (q,) of orthonormal instruments for a column, their covariance as a root.

    `root` is (groups, q) with covariance factor * root'root; without clusters it is None and the
    covariance is factor * I.
    """

    own: NDArray[np.float64]
    root: NDArray[np.float64] | None
    factor: float
    rest: int


def cragg_donald(eq: Equation, at: Projection) -> float:
    """Smallest eigenvalue of the first-stage F matrix (Cragg and Donald 1993).

    Econometric Theory 9, 222-240. With one endogenous column it is the first-stage F.
    """
    fitted, left = split_columns(eq, at)
    R = np.linalg.qr(left / np.linalg.norm(left, axis=0), mode="r")
    ratio = np.linalg.solve(R.T, (fitted / np.linalg.norm(left, axis=0)).T)
    return float(np.linalg.svd(ratio, compute_uv=False)[-1] ** 2 * _rest(eq, at) / at.q)


def first_stages(
    eq: Equation, at: Projection, names: tuple[str, ...], by: By | None
) -> tuple[FirstStage, ...]:
    """Measure the instruments of every endogenous column, clustered where `by` says so."""
    D, out = eq.X[:, list(eq.endogenous)], []
    fitted, left = split_columns(eq, at)
    for j, name in enumerate(names):
        stage = _reduced(eq, at, D[:, j], by)
        F, df = _partial_F(stage, at.q)
        conditional = F
        if len(names) > 1:
            others = np.delete(D, j, axis=1)
            length = np.linalg.norm(others, axis=0)
            slope = np.linalg.lstsq(np.delete(fitted, j, axis=1) / length, fitted[:, j])[0]
            net = D[:, j] - others @ (slope / length)
            conditional = _partial_F(_reduced(eq, at, net, by), at.q - len(names) + 1)[0]
        explained, rest = float(fitted[:, j] @ fitted[:, j]), float(left[:, j] @ left[:, j])
        share = explained / (explained + rest)
        out.append(FirstStage(name, F, conditional, df, share, *_effective_F(stage)))
    return tuple(out)


def effective_critical(V: NDArray[np.float64], bias: float = _BIAS, size: float = _SIZE) -> float:
    """Simplified critical value of the effective F (Montiel Olea and Pflueger 2013).

    Parameters
    ----------
    V : ndarray, shape (q, q)
        Covariance of the first-stage coefficients of orthonormal instruments, up to scale.
    bias : float
        Largest share of the worst-case bias.
    size : float
        Chance of exceeding the value when the bias is larger.

    Notes
    -----
    With x = 1 / bias and K = (tr V)^2 (1 + 2 x) / (tr V^2 + 2 x tr V max eig V), the value is the
    upper point of a noncentral chi-square(K) with noncentrality x K, divided by K.

    Examples
    --------
    >>> round(effective_critical(np.eye(1)), 1), round(effective_critical(np.eye(1), 0.05), 1)
    (23.1, 37.4)
    """
    x, trace = 1.0 / bias, float(np.trace(V))
    largest = float(np.linalg.eigvalsh(V)[-1])
    K = trace**2 * (1.0 + 2.0 * x) / (float(np.sum(V * V)) + 2.0 * x * trace * largest)
    return float(stats.ncx2.isf(size, K, x * K) / K)


def condition_number(columns: NDArray[np.float64]) -> float:
    """Ratio of the largest to the smallest singular value of columns (R, k) of unit length.

    Infinite where a column is zero or a combination of others.
    """
    length = np.linalg.norm(columns, axis=0)
    if not (length > 0.0).all():
        return float("inf")
    values = np.linalg.svd(columns / length, compute_uv=False)
    small = values[-1] <= np.finfo(float).eps * max(columns.shape) * values[0]
    return float("inf") if small else float(values[0] / values[-1])


def _reduced(eq: Equation, at: Projection, column: NDArray[np.float64], by: By | None) -> _Reduced:
    """Regress a column on H; what belongs to the excluded instruments."""
    coordinates = at.basis.T @ column
    left, rest = column - at.basis @ coordinates, _rest(eq, at)
    own = coordinates[at.k :]
    if by is None:
        return _Reduced(own, None, float(left @ left) / rest, rest)
    rows = cluster_sums(at.basis[:, at.k :] * left[:, None], eq.shape, by)
    groups = len(rows)
    return _Reduced(own, rows, groups / (groups - 1) * (eq.nobs - 1) / rest, rest)


def _partial_F(stage: _Reduced, df: int) -> tuple[float, tuple[int, int]]:
    """F test of the excluded instruments, `df` of them free."""
    if stage.root is None:
        return float(stage.own @ stage.own) / df / stage.factor, (df, stage.rest)
    groups, q = stage.root.shape
    if groups <= q:
        return float("nan"), (df, groups - 1)
    scaled = np.linalg.solve(np.linalg.qr(stage.root, mode="r").T, stage.own)
    return float(scaled @ scaled) / stage.factor / df, (df, groups - 1)


def _effective_F(stage: _Reduced) -> tuple[float, float]:
    q = len(stage.own)
    V = np.eye(q) if stage.root is None else stage.root.T @ stage.root
    F = float(stage.own @ stage.own) / (stage.factor * float(np.trace(V)))
    return F, effective_critical(V)


def _rest(eq: Equation, at: Projection) -> int:
    return eq.nobs - at.k - at.q
