"""Confidence sets that weak instruments do not break: inversion of the Anderson-Rubin test.

At a value c of one coefficient, y - c d must not be moved by the excluded instruments. With normal
errors the test is exact for one endogenous column. With several, the coefficients of the others are
concentrated out and the degrees of freedom reduced (Guggenberger, Kleibergen, Mavroeidis and Chen
2012, Econometrica 80, 2649-2666). The set is the projection of a quadric (Dufour and Taamouti 2005,
Econometrica 73, 1351-1365), so it is found in closed form; it may be empty, bounded, two half-lines
or the whole line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, stats
from scipy.optimize import brentq

from ccec_econ.engine.instruments import By, Equation, Projection, cluster_sums, project
from ccec_econ.errors import IdentificationError, first_five
from ccec_econ.typeset import Printed, Table, union

__all__ = [
    "AndersonRubinSet",
    "accepted",
    "anderson_rubin_pvalue",
    "anderson_rubin_set",
    "refuse_level",
    "refuse_several",
    "tested",
]

Kind = Literal["empty", "bounded", "half-line", "two half-lines", "whole line", "union"]
_NODES = 4001  # angles at which the clustered statistic is looked at before roots are polished
_FLAT = 1e-12  # leading coefficient, in units of the columns' lengths, that counts as zero


@dataclass(frozen=True, slots=True, repr=False)
class AndersonRubinSet(Printed):
    """Values of a coefficient that the Anderson-Rubin test does not reject.

    Attributes
    ----------
    term : str
    level : float
    intervals : tuple of (float, float)
        Disjoint, in order; ends may be infinite. No interval when the set is empty.
    convention : str
        The statistic and its reference distribution.
    """

    term: str
    level: float
    intervals: tuple[tuple[float, float], ...]
    convention: str

    def __contains__(self, value: float) -> bool:
        return any(low <= value <= high for low, high in self.intervals)

    @property
    def kind(self) -> Kind:
        """Shape of the set."""
        ends = [end for pair in self.intervals for end in pair]
        infinite = sum(np.isinf(end) for end in ends)
        if not ends:
            return "empty"
        if len(self.intervals) == 1:
            return ("bounded", "half-line", "whole line")[infinite]
        return "two half-lines" if len(ends) == 4 and infinite == 2 else "union"

    def within(self, lower: float, upper: float) -> AndersonRubinSet:
        """Keep the part in an interval, such as the parameter space of rho."""
        cut = [(max(a, lower), min(b, upper)) for a, b in self.intervals]
        return replace(self, intervals=tuple((a, b) for a, b in cut if a <= b))

    def text(self, digits: int = 4) -> str:
        """Write the set: "[0.12, 0.55]", "(−∞, −1.20] ∪ [0.30, ∞)", "empty"."""
        return union(self.intervals, digits)

    def plain(self, digits: int = 4) -> str:
        """Write the set for a file of figures: "(-inf, -1.20] or [1431.15, inf)"."""
        pairs = [
            ("(-inf" if np.isinf(low) else f"[{low:.{digits}f}")
            + (", inf)" if np.isinf(high) else f", {high:.{digits}f}]")
            for low, high in self.intervals
        ]
        return " or ".join(pairs) or "empty"

    def summary(self, digits: int = 4) -> Table:
        """Table of one row, with the convention beneath."""
        notes = [f"Statistic: {self.convention}."]
        if self.kind == "empty":
            notes.append("Empty: every value is rejected, so the instruments are not exogenous.")
        if self.kind == "whole line":
            notes.append("Whole line: the instruments say nothing about this coefficient.")
        return Table(
            title="Anderson-Rubin confidence set",
            columns=("Term", f"{100 * self.level:g} % set", "Shape"),
            rows=((self.term, self.text(digits), self.kind),),
            notes=tuple(notes),
            text_columns=frozenset({1, 2}),
        )


def anderson_rubin_set(
    eq: Equation, j: int, *, level: float, by: By | None, name: str
) -> AndersonRubinSet:
    """Invert the test for coefficient `j` of an equation.

    Parameters
    ----------
    j : int
        Position in X. An exogenous column serves as its own instrument.
    level : float
        Confidence level in (0, 1).
    by : {"unit", "time"} or None
        Clusters of the moments; None for homoskedastic errors.

    Raises
    ------
    ValueError
        If `level` is not in (0, 1).
    IdentificationError
        If moments are clustered and there are several endogenous columns, or clusters are not
        more than excluded instruments.
    """
    refuse_level(level)
    eq = tested(eq, j)
    at = project(eq)
    if by is None:
        form, length = _quadric(eq, at, j, level)
        return AndersonRubinSet(name, level, _below_zero(form, length), _text(eq, at))
    scores = _Scores.of(eq, at, j, by)
    df = scores.df
    critical = float(stats.f.ppf(level, *df))
    return AndersonRubinSet(
        name,
        level,
        scores.below(critical),
        f"Hotelling F({df[0]}, {df[1]}) of moments summed by {by}",
    )


def anderson_rubin_pvalue(eq: Equation, j: int, value: float, *, by: By | None) -> float:
    """Test that coefficient `j` has a value; the set holds the values with p above 1 - level.

    Raises
    ------
    IdentificationError
        As in `anderson_rubin_set`.
    """
    eq = tested(eq, j)
    at = project(eq)
    if by is not None:
        scores = _Scores.of(eq, at, j, by)
        angle = np.arctan((value - scores.centre) / scores.scale)
        return float(stats.f.sf(scores.at(np.array([angle]))[0], *scores.df))
    fitted, left, length = _blocks(eq, at, j)
    A = np.zeros((len(length), len(length) - 1))
    A[0, -1], A[-1, -1] = -value * length[0] / length[-1], 1.0
    A[1:-1, :-1] = np.eye(len(length) - 2)
    scale = max(1.0, abs(A[0, -1]))
    A[:, -1] /= scale
    smallest = linalg.eigh(A.T @ fitted @ A, A.T @ left @ A, eigvals_only=True)[0]
    df = _degrees(eq, at)
    return float(stats.f.sf(smallest * df[1] / df[0], *df))


def tested(eq: Equation, j: int) -> Equation:
    """Let an exogenous column be tested: it joins the endogenous ones as its own instrument."""
    if j in eq.endogenous:
        return eq
    return replace(
        eq,
        endogenous=(*eq.endogenous, j),
        Q=np.column_stack([eq.Q, eq.X[:, j]]),
        instruments=(*eq.instruments, eq.terms[j]),
    )


def refuse_level(level: float) -> None:
    """Refuse a confidence level outside (0, 1)."""
    if not 0.0 < level < 1.0:
        raise ValueError(f"level {level}: need 0 < level < 1, such as 0.95.")


def refuse_several(eq: Equation) -> None:
    """Refuse a clustered test of one coefficient beside other endogenous columns."""
    if len(eq.endogenous) > 1:
        names = [eq.terms[i] for i in eq.endogenous]
        raise IdentificationError(
            f"a clustered Anderson-Rubin set needs one endogenous column, here are "
            f"{len(names)} ({first_five(names)}); use cov=ce.Information()."
        )


def accepted(
    margin: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    nodes: int,
    centre: float,
    scale: float,
) -> tuple[tuple[float, float], ...]:
    """Find the values c = centre + scale tan(angle) at which a margin is not negative.

    Parameters
    ----------
    margin : callable
        Margin at angles (A,) from -pi/2 to pi/2, both of which stand for an infinite value.
    nodes : int
        Angles looked at before ends are polished; what lies between two of them is not seen.

    Returns
    -------
    tuple of (float, float)
        Disjoint intervals in order.
    """
    angles = np.linspace(-np.pi / 2, np.pi / 2, nodes)
    kept = margin(angles) >= 0.0
    if kept.all() or not kept.any():
        return ((-np.inf, np.inf),) if kept.all() else ()
    turns = np.flatnonzero(kept[1:] != kept[:-1])
    roots = [brentq(lambda a: margin(np.array([a]))[0], *angles[i : i + 2]) for i in turns]
    ends = [centre + scale * float(np.tan(a)) for a in roots]
    ends = [-np.inf] * bool(kept[0]) + ends + [np.inf] * bool(kept[-1])
    return tuple(zip(ends[::2], ends[1::2], strict=True))


def _degrees(eq: Equation, at: Projection) -> tuple[int, int]:
    return at.q - len(eq.endogenous) + 1, eq.nobs - at.k - at.q


def _text(eq: Equation, at: Projection) -> str:
    df = _degrees(eq, at)
    others = len(eq.endogenous) - 1
    rest = f", {others} other endogenous concentrated out" if others else ""
    return f"F({df[0]}, {df[1]}), homoskedastic{rest}"


def _blocks(
    eq: Equation, at: Projection, j: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Cross-products of [d, others, y] in Q and in what is left, columns scaled; the scales."""
    order = [j, *(i for i in eq.endogenous if i != j)]
    columns = np.column_stack([eq.X[:, order], eq.y])
    coordinates = np.column_stack([at.X[:, order], at.y])
    net = columns - at.basis[:, : at.k] @ coordinates[: at.k]
    length = np.linalg.norm(net, axis=0)
    fitted = coordinates[at.k :] / length
    left = (net - at.basis[:, at.k :] @ coordinates[at.k :]) / length
    return fitted.T @ fitted, left.T @ left, length


def _quadric(
    eq: Equation, at: Projection, j: int, level: float
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64]]:
    """Form of (c, -1) that is not positive on the set; None where it falls without bound."""
    fitted, left, length = _blocks(eq, at, j)
    df = _degrees(eq, at)
    M = fitted - float(stats.f.ppf(level, *df)) * df[0] / df[1] * left
    inner, ends = slice(1, -1), [0, len(M) - 1]
    B = M[inner, inner]
    form = M[np.ix_(ends, ends)]
    if len(B):
        if np.linalg.eigvalsh(B)[0] <= _FLAT:
            return None, length
        cross = M[inner][:, ends]
        form = form - cross.T @ np.linalg.solve(B, cross)
    return form, length


def _below_zero(
    form: NDArray[np.float64] | None, length: NDArray[np.float64]
) -> tuple[tuple[float, float], ...]:
    """Where a c^2 - 2 b c + e <= 0, back in the units of the data."""
    everything = ((-np.inf, np.inf),)
    if form is None:
        return everything
    a, b, e = float(form[0, 0]), float(form[0, 1]), float(form[1, 1])
    unit = float(length[-1] / length[0])
    if abs(a) <= _FLAT:
        if abs(b) <= _FLAT:
            return everything if e <= 0.0 else ()
        end = unit * e / (2.0 * b)
        return ((end, np.inf),) if b > 0.0 else ((-np.inf, end),)
    inside = b * b - a * e
    if inside < 0.0:
        return () if a > 0.0 else everything
    big = b + np.copysign(np.sqrt(inside), b)
    roots = sorted((big / a, e / big if big else 0.0))
    low, high = unit * roots[0], unit * roots[1]
    return ((low, high),) if a > 0.0 else ((-np.inf, low), (high, np.inf))


@dataclass(frozen=True, slots=True)
class _Scores:
    """Moments by cluster, linear in the tested value: y - c d, as an angle c = centre + scale tan.

    Attributes
    ----------
    y, d : ndarray, shape (groups, q)
    """

    y: NDArray[np.float64]
    d: NDArray[np.float64]
    centre: float
    scale: float

    @classmethod
    def of(cls, eq: Equation, at: Projection, j: int, by: By) -> _Scores:
        refuse_several(eq)
        E, Q = at.basis[:, : at.k], at.basis[:, at.k :]
        y, d = (eq.y - E @ at.y[: at.k], eq.X[:, j] - E @ at.X[: at.k, j])
        rows = [cluster_sums(Q * column[:, None], eq.shape, by) for column in (y, d)]
        if len(rows[0]) <= at.q:
            raise IdentificationError(
                f"{len(rows[0])} clusters for {at.q} excluded instruments: the clustered statistic "
                "does not exist; use fewer instruments or cov=ce.Information()."
            )
        slope = float(at.X[at.k :, j] @ at.y[at.k :]) / float(at.X[at.k :, j] @ at.X[at.k :, j])
        return cls(rows[0], rows[1], slope, float(np.linalg.norm(y) / np.linalg.norm(d)))

    @property
    def df(self) -> tuple[int, int]:
        """Degrees of freedom of the scaled Hotelling statistic."""
        groups, q = self.y.shape
        return q, groups - q

    def at(self, angle: NDArray[np.float64]) -> NDArray[np.float64]:
        """Hotelling's T2 of the moments, scaled to F; angle pi/2 is an infinite value."""
        groups, q = self.y.shape
        base = self.y - self.centre * self.d
        rows = np.cos(angle)[:, None, None] * base - np.sin(angle)[:, None, None] * (
            self.scale * self.d
        )
        mean = rows.mean(axis=1)
        off = rows - mean[:, None]
        S = np.einsum("agi,agj->aij", off, off) / (groups - 1)
        T2 = groups * np.einsum("ai,ai->a", mean, np.linalg.solve(S, mean[:, :, None])[..., 0])
        return np.asarray(T2 * (groups - q) / (q * (groups - 1)))

    def below(self, critical: float) -> tuple[tuple[float, float], ...]:
        """Values at which the statistic is at most `critical`."""
        return accepted(lambda a: critical - self.at(a), _NODES, self.centre, self.scale)
