"""Linear instrumental variables on columns whose effects were removed.

An equation y = X d + u holds included exogenous columns E, endogenous columns D and excluded
instruments Q, so that H = [E, Q] is uncorrelated with u. All is written in the coordinates of an
orthonormal basis of H: its first columns span E, the others what Q adds to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ccec_econ.engine.transform import EffectsName, demean
from ccec_econ.errors import IdentificationError, first_five

__all__ = [
    "Equation",
    "Overidentification",
    "Projection",
    "TwoStage",
    "cluster_sums",
    "equation",
    "overidentification",
    "project",
    "refuse_unidentified",
    "reinstrumented",
    "spatial_lags",
    "split_columns",
    "two_stage",
]

By = Literal["unit", "time"]
_DEPENDENT = 1e-10  # share of an instrument's length left after the columns before it
_IRRELEVANT = 1e-8  # canonical correlation under which instruments do not move a column


@dataclass(frozen=True, slots=True)
class Equation:
    """Columns of one equation, effects removed, periods stacked (R = T * N rows).

    Attributes
    ----------
    y : ndarray, shape (R,)
    X : ndarray, shape (R, P)
    Q : ndarray, shape (R, q)
        Excluded instruments, independent of each other and of the exogenous columns of X.
    terms, instruments, dropped : tuple of str
        Names of the columns of X and of Q, and of instruments that were linear combinations.
    endogenous : tuple of int
        Positions in X.
    nobs : int
        Observations net of the effects.
    shape : tuple of int
        (T, N).
    """

    y: NDArray[np.float64]
    X: NDArray[np.float64]
    Q: NDArray[np.float64]
    terms: tuple[str, ...]
    instruments: tuple[str, ...]
    dropped: tuple[str, ...]
    endogenous: tuple[int, ...]
    nobs: int
    shape: tuple[int, int]

    @property
    def exogenous(self) -> tuple[int, ...]:
        """Positions of the included exogenous columns of X."""
        return tuple(j for j in range(self.X.shape[1]) if j not in self.endogenous)


@dataclass(frozen=True, slots=True)
class Projection:
    """An equation in the coordinates of its instruments.

    Attributes
    ----------
    basis : ndarray, shape (R, k + q)
        Orthonormal; the first k columns span E.
    X, y : ndarray, shape (k + q, P) and (k + q,)
        Coordinates.
    k, q : int
        Included exogenous columns and excluded instruments.
    """

    basis: NDArray[np.float64]
    X: NDArray[np.float64]
    y: NDArray[np.float64]
    k: int
    q: int


@dataclass(frozen=True, slots=True)
class TwoStage:
    """Two-stage least squares: coefficients and residuals, and the inverse of X'P_H X."""

    coefficients: NDArray[np.float64]
    residuals: NDArray[np.float64]
    bread: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Overidentification:
    """Test that all instruments are exogenous: "Sargan" or "Hansen", chi-square with `df`."""

    name: str
    statistic: float
    df: int

    @property
    def pvalue(self) -> float:
        """Upper tail; NaN where there is nothing to test."""
        return float(stats.chi2.sf(self.statistic, self.df)) if self.df else float("nan")


def spatial_lags(
    lag: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    columns: NDArray[np.float64],
    order: int,
) -> list[NDArray[np.float64]]:
    """Lag raw columns of shape (T, N, K) by W, W^2, ..., W^order; `lag` applies W once."""
    lags: list[NDArray[np.float64]] = []
    for _ in range(order):
        columns = lag(columns)
        lags.append(columns)
    return lags


def equation(
    y: NDArray[np.float64],
    X: NDArray[np.float64],
    Q: NDArray[np.float64],
    *,
    terms: tuple[str, ...],
    instruments: tuple[str, ...],
    endogenous: tuple[int, ...],
    effects: EffectsName,
    nobs: int,
) -> Equation:
    """Remove effects from raw columns and drop instruments that repeat others.

    Parameters
    ----------
    y, X, Q : ndarray, shape (T, N), (T, N, P) and (T, N, q)
        Raw columns, lags included.

    Raises
    ------
    IdentificationError
        If independent instruments are fewer than endogenous columns, do not move one of them, or
        leave no observations over.
    """
    T, N = y.shape
    inside = demean(X, effects).reshape(T * N, -1)
    within = demean(Q, effects).reshape(T * N, -1)
    exogenous = [j for j in range(inside.shape[1]) if j not in endogenous]
    raw = np.linalg.norm(Q.reshape(T * N, -1), axis=0)
    kept = _independent(inside[:, exogenous], within, raw)
    out = Equation(
        y=demean(y, effects).ravel(),
        X=inside,
        Q=within[:, kept],
        terms=terms,
        instruments=tuple(instruments[j] for j in kept),
        dropped=tuple(name for j, name in enumerate(instruments) if j not in kept),
        endogenous=endogenous,
        nobs=nobs,
        shape=(T, N),
    )
    refuse_unidentified(out)
    return out


def reinstrumented(eq: Equation, Q: NDArray[np.float64], names: tuple[str, ...]) -> Equation:
    """Give an equation other excluded instruments (R, q), effects removed, repeats left out."""
    kept = _independent(eq.X[:, list(eq.exogenous)], Q, np.linalg.norm(Q, axis=0))
    return replace(
        eq,
        Q=Q[:, kept],
        instruments=tuple(names[j] for j in kept),
        dropped=tuple(name for j, name in enumerate(names) if j not in kept),
    )


def project(eq: Equation) -> Projection:
    """Write an equation in the coordinates of its instruments."""
    H = np.column_stack([eq.X[:, list(eq.exogenous)], eq.Q])
    length = np.linalg.norm(H, axis=0)
    basis = np.linalg.qr(H / length)[0]
    k = len(eq.exogenous)
    return Projection(basis, basis.T @ eq.X, basis.T @ eq.y, k, H.shape[1] - k)


def two_stage(eq: Equation, at: Projection) -> TwoStage:
    """Regress y on X with instruments H = [E, Q]: d = (X'P_H X)^-1 X'P_H y."""
    length = np.linalg.norm(eq.X, axis=0)
    Q, R = np.linalg.qr(at.X / length)
    root = np.linalg.solve(R, np.eye(len(length))) / length[:, None]
    d = root @ (Q.T @ at.y)
    return TwoStage(d, eq.y - eq.X @ d, root @ root.T)


def cluster_sums(
    columns: NDArray[np.float64], shape: tuple[int, int], by: By
) -> NDArray[np.float64]:
    """Sum stacked rows (R, k) by unit or by period, shape (groups, k)."""
    return columns.reshape(*shape, -1).sum(axis=0 if by == "unit" else 1)


def overidentification(
    eq: Equation, at: Projection, fit: TwoStage, by: By | None
) -> Overidentification:
    """Sargan's test, or Hansen's J of two-step GMM with clustered weights.

    J is NaN where clusters are not more than instruments: the weights have no inverse then.
    """
    df = at.q - len(eq.endogenous)
    if by is None:
        gap = at.y - at.X @ fit.coefficients
        value = eq.nobs * float(gap @ gap) / float(fit.residuals @ fit.residuals)
        return Overidentification("Sargan", value if df else 0.0, df)
    rows = cluster_sums(at.basis * fit.residuals[:, None], eq.shape, by)
    if len(rows) <= rows.shape[1]:
        return Overidentification("Hansen", float("nan"), df)
    R = np.linalg.qr(rows, mode="r")
    X, y = np.linalg.solve(R.T, at.X), np.linalg.solve(R.T, at.y)
    gap = y - X @ np.linalg.lstsq(X, y)[0]
    return Overidentification("Hansen", float(gap @ gap) if df else 0.0, df)


def split_columns(eq: Equation, at: Projection) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Endogenous columns net of E: coordinates in Q (q, m), and what Q leaves (R, m)."""
    D = list(eq.endogenous)
    return at.X[at.k :, D], eq.X[:, D] - at.basis @ at.X[:, D]


def _independent(
    E: NDArray[np.float64], Q: NDArray[np.float64], raw: NDArray[np.float64]
) -> list[int]:
    """Positions of the columns of Q that add to E and to the columns of Q before them."""
    length = np.linalg.norm(Q, axis=0)
    kept = [j for j in range(Q.shape[1]) if length[j] > _DEPENDENT * raw[j]]
    k = E.shape[1]
    columns = np.column_stack([E / np.linalg.norm(E, axis=0), Q[:, kept] / length[kept]])
    R = np.linalg.qr(columns, mode="r")
    places = list(range(len(kept)))
    while True:
        tail = np.linalg.qr(R[:, [*range(k), *(k + j for j in places)]], mode="r")
        weak = np.flatnonzero(np.abs(np.diag(tail)[k:]) < _DEPENDENT)
        if not len(weak):
            return [kept[j] for j in places]
        del places[int(weak[0])]


def refuse_unidentified(eq: Equation) -> None:
    """Refuse an equation whose instruments do not identify it.

    Raises
    ------
    IdentificationError
        As `equation`.
    """
    m, q, k = len(eq.endogenous), len(eq.instruments), len(eq.exogenous)
    names = [eq.terms[j] for j in eq.endogenous]
    if q < m:
        gone = f"; {first_five(eq.dropped)} repeat others" if eq.dropped else ""
        raise IdentificationError(
            f"not identified: {m} endogenous columns ({first_five(names)}) and {q} excluded "
            f"instruments ({first_five(eq.instruments) or 'none'}{gone}); give at least one "
            "instrument per endogenous column."
        )
    if eq.nobs <= k + q + m:
        raise IdentificationError(
            f"{k + q} instruments for {eq.nobs} observations net of effects: the first stage "
            "explains everything; use fewer instruments or a lower order."
        )
    at = project(eq)
    fitted, left = split_columns(eq, at)
    total = np.sqrt((fitted**2).sum(axis=0) + (left**2).sum(axis=0))
    both = np.vstack([fitted, np.linalg.qr(left, mode="r")]) / total
    basis = np.linalg.qr(both)[0][:q]
    _, values, vectors = np.linalg.svd(basis)
    if values[-1] < _IRRELEVANT:
        loading = np.abs(np.linalg.lstsq(np.linalg.qr(both, mode="r"), vectors[-1])[0])
        name = names[int(np.argmax(loading))]
        raise IdentificationError(
            f"not identified: the instruments ({first_five(eq.instruments)}) do not move the "
            f"endogenous column {name} apart from the others; give an instrument that does."
        )
