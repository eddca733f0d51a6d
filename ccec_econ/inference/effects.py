"""Direct, indirect and total effects of a regressor, with delta and simulation intervals.

A unit change of x everywhere moves y by S_k = (I - rho W)^-1 (b I + t W), with b the coefficient
of x and t that of W(x). Direct is tr(S_k)/n, total i'S_k i/n, indirect their difference (LeSage
and Pace 2009, Introduction to Spatial Econometrics, chapter 2). With row-standardised W the total
is (b + t)/(1 - rho).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ccec_econ.engine.estimate import Estimate
from ccec_econ.engine.spectrum import Spectral, Spectrum, SpectrumPath
from ccec_econ.errors import FormulaError, first_five
from ccec_econ.inference.draws import Pair, draw_parameters, pairs, parameters
from ccec_econ.inference.vcov import Vcov
from ccec_econ.typeset import Table, interval, number
from ccec_econ.weights import is_row_standardised

__all__ = ["Effects", "average_effects", "effects"]

_NAMES = ("direct", "indirect", "total")


@dataclass(frozen=True, slots=True)
class Effects:
    """Effects of every regressor.

    Attributes
    ----------
    frame : DataFrame
        Indexed (term, effect), columns estimate, std_error, lower, upper (delta method),
        sim_lower, sim_upper (percentiles of the draws).
    level : float
        Confidence level of both intervals.
    draws : int
        Draws kept for the simulation interval.
    rejected : float
        Share of draws thrown away because rho left its parameter space.
    convention : str
        Covariance that the intervals rest on.
    """

    frame: pd.DataFrame
    level: float
    draws: int
    rejected: float
    convention: str

    def __str__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary().to_html()

    def select(self, terms: Sequence[str]) -> Effects:
        """Keep the effects of some terms, in the order given.

        Raises
        ------
        FormulaError
            If a term has no effects here.
        """
        known = self.frame.index.get_level_values("term").unique()
        unknown = [term for term in terms if term not in known]
        if unknown:
            raise FormulaError(
                f"no effects of {first_five(unknown)}; there are those of {first_five(known)}."
            )
        return replace(self, frame=self.frame.loc[list(terms)])

    def summary(
        self,
        *,
        title: str = "Direct, indirect and total effects",
        labels: Mapping[str, str] | None = None,
        also: Mapping[str, Effects] | None = None,
        notes: Sequence[str] = (),
        digits: int = 4,
    ) -> Table:
        """Table of effects with both intervals.

        Parameters
        ----------
        labels : mapping, optional
            Printed names of terms.
        also : mapping, optional
            The same effects under other covariances by heading; their delta intervals stand last.
        notes : sequence of str
            Sentences to add beneath.
        """
        percent = f"{100 * self.level:g} %"
        frame = self.frame
        spans = {
            "Delta": frame[["lower", "upper"]],
            "Simulation": frame[["sim_lower", "sim_upper"]],
        }
        beneath = list(self.notes())
        for name, other in (also or {}).items():
            self._refuse_unlike(name, other, spans)
            spans[name] = other.frame[["lower", "upper"]]
            beneath.append(f"{name} interval: delta method, {other.convention}.")
        ends = [span.to_numpy(dtype=np.float64) for span in spans.values()]
        rows = tuple(
            (
                (labels or {}).get(str(term), str(term)) if effect == _NAMES[0] else "",
                str(effect),
                number(value, digits),
                number(error, digits),
                *(interval(end[i, 0], end[i, 1], digits) for end in ends),
            )
            for i, ((term, effect), (value, error)) in enumerate(
                zip(frame.index, frame[["estimate", "std_error"]].to_numpy(), strict=True)
            )
        )
        return Table(
            title=title,
            columns=(
                "Term",
                "Effect",
                "Estimate",
                "Std. error",
                *(f"{name} {percent}" for name in spans),
            ),
            rows=rows,
            rules=frozenset(range(3, len(rows), 3)),
            notes=(*beneath, *notes),
            text_columns=frozenset({1}),
        )

    def _refuse_unlike(self, name: str, other: Effects, taken: Mapping[str, object]) -> None:
        if (
            name in taken
            or other.level != self.level
            or not other.frame.index.equals(self.frame.index)
        ):
            raise FormulaError(
                f"effects {name!r} cannot stand beside these: give another heading than "
                f"{first_five(taken)}, the same terms in the same order and level {self.level:g}."
            )

    def notes(self) -> tuple[str, ...]:
        """Sentences for the foot of a table."""
        return (
            f"Covariance: {self.convention}.",
            f"Simulation: percentiles of {self.draws:,} draws of the parameters; "
            f"{100 * self.rejected:.1f} % of draws left the parameter space and were replaced.",
        )


@dataclass(frozen=True, slots=True)
class _Multipliers:
    """Averages of (I - rho W)^-1 and of (I - rho W)^-1 W: own (trace) and all (row sums).

    Arrays over values of rho. `d_` are derivatives with respect to rho.
    """

    own: NDArray[np.float64]
    own_W: NDArray[np.float64]
    all: NDArray[np.float64]
    all_W: NDArray[np.float64]
    d_own: NDArray[np.float64]
    d_own_W: NDArray[np.float64]
    d_all: NDArray[np.float64]
    d_all_W: NDArray[np.float64]


def effects(
    fit: Estimate,
    vcov: Vcov,
    *,
    level: float,
    draws: int,
    rng: np.random.Generator,
) -> Effects:
    """Compute the effects of an estimate whose terms may carry lags named W(term).

    Parameters
    ----------
    level : float
        Confidence level in (0, 1).
    draws : int
        Draws of (d, rho) from the normal or t distribution that the covariance refers to.

    Raises
    ------
    ValueError
        If `level` is not in (0, 1) or `draws` is not positive.
    """
    if not 0.0 < level < 1.0 or draws < 1:
        raise ValueError(f"level {level}, draws {draws}: need 0 < level < 1 and draws >= 1.")
    terms = pairs(fit)
    theta, V = parameters(fit, vcov)
    point = average_effects(theta[None, :], fit, terms)[0]
    gradient = _gradient(theta, fit, terms)
    error = np.sqrt(np.einsum("ijp,pq,ijq->ij", gradient, V, gradient))
    quantile = stats.t.ppf(0.5 + level / 2, vcov.df or np.inf)
    sample, rejected = draw_parameters(theta, V, vcov.df, fit, draws, rng)
    tails = (0.5 - level / 2, 0.5 + level / 2)
    low, high = np.quantile(average_effects(sample, fit, terms), tails, axis=0)
    index = pd.MultiIndex.from_product([[p[0] for p in terms], _NAMES], names=["term", "effect"])
    columns = {
        "estimate": point,
        "std_error": error,
        "lower": point - quantile * error,
        "upper": point + quantile * error,
        "sim_lower": low,
        "sim_upper": high,
    }
    frame = pd.DataFrame({name: value.ravel() for name, value in columns.items()}, index=index)
    return Effects(frame, level, draws, rejected, vcov.convention)


def average_effects(
    theta: NDArray[np.float64], fit: Estimate, terms: list[Pair]
) -> NDArray[np.float64]:
    """Direct, indirect and total effects at parameters (D, K + 1): shape (D, terms, 3)."""
    m = _multipliers(theta[:, -1], fit.weights, fit.x_weights)
    out = np.empty((len(theta), len(terms), 3))
    for i, (_, j, lag) in enumerate(terms):
        b, t = (np.zeros(len(theta)) if at is None else theta[:, at] for at in (j, lag))
        out[:, i, 0] = b * m.own + t * m.own_W
        out[:, i, 2] = b * m.all + t * m.all_W
    out[:, :, 1] = out[:, :, 2] - out[:, :, 0]
    return out


def _gradient(theta: NDArray[np.float64], fit: Estimate, terms: list[Pair]) -> NDArray[np.float64]:
    """Differentiate effects, shape (terms, 3, K + 1)."""
    m = _multipliers(theta[-1:], fit.weights, fit.x_weights)
    out = np.zeros((len(terms), 3, len(theta)))
    for i, (_, j, lag) in enumerate(terms):
        if j is not None:
            out[i, 0, j], out[i, 2, j] = m.own[0], m.all[0]
            out[i, 0, -1] += theta[j] * m.d_own[0]
            out[i, 2, -1] += theta[j] * m.d_all[0]
        if lag is not None:
            out[i, 0, lag], out[i, 2, lag] = m.own_W[0], m.all_W[0]
            out[i, 0, -1] += theta[lag] * m.d_own_W[0]
            out[i, 2, -1] += theta[lag] * m.d_all_W[0]
    out[:, 1] = out[:, 2] - out[:, 0]
    return out


def _multipliers(
    rho: NDArray[np.float64], weights: Spectral | None, x_weights: Spectral | None
) -> _Multipliers:
    if isinstance(weights, SpectrumPath) or isinstance(x_weights, SpectrumPath):
        return _mean_multipliers(rho, weights, x_weights)
    shared = weights or x_weights
    if shared is None:
        one, zero = np.ones_like(rho), np.zeros_like(rho)
        return _Multipliers(one, zero, one, zero, zero, zero, zero, zero)
    W = shared.W
    X = W if x_weights is None else x_weights.W
    if weights is None:
        rho = np.zeros_like(rho)
    if np.array_equal(X, W) and is_row_standardised(W):
        a, aw, awa, awaw = _own_by_eigenvalues(rho, shared.eigenvalues)
        level = 1.0 / (1.0 - rho)
        return _Multipliers(a, aw, level, level, awa, awaw, level**2, level**2)
    return _Multipliers(*np.array([_dense(float(r), W, X) for r in rho]).T)


def _mean_multipliers(
    rho: NDArray[np.float64], weights: Spectral | None, x_weights: Spectral | None
) -> _Multipliers:
    """Average over the periods of weights that change over time, each by its number of units."""
    path = next(w for w in (weights, x_weights) if isinstance(w, SpectrumPath))
    T, units = len(path.each), [len(one.W) for one in path.each]

    def of(part: Spectral | None, t: int) -> Spectrum | None:
        return part.each[t] if isinstance(part, SpectrumPath) else part

    parts = [_multipliers(rho, of(weights, t), of(x_weights, t)) for t in range(T)]
    names = [field.name for field in fields(_Multipliers)]
    means = (
        np.average([getattr(part, name) for part in parts], axis=0, weights=units) for name in names
    )
    return _Multipliers(*means)


def _own_by_eigenvalues(
    rho: NDArray[np.float64], w: NDArray[np.complex128]
) -> list[NDArray[np.float64]]:
    """Mean diagonals of A, AW, AWA and AWAW, A = (I - rho W)^-1."""
    a = 1.0 / (1.0 - np.multiply.outer(rho, w))
    return [part.real.mean(axis=1) for part in (a, a * w, a**2 * w, (a * w) ** 2)]


def _dense(rho: float, W: NDArray[np.float64], X: NDArray[np.float64]) -> tuple[float, ...]:
    """Multipliers by dense algebra, for any weights of response (W) and regressors (X)."""
    n = len(W)
    A = np.linalg.inv(np.eye(n) - rho * W)
    matrices = (A, A @ X, A @ W @ A, A @ W @ A @ X)
    own = [float(np.trace(m)) / n for m in matrices]
    everyone = [float(m.sum()) / n for m in matrices]
    return own[0], own[1], everyone[0], everyone[1], own[2], own[3], everyone[2], everyone[3]
