"""Restricted wild cluster bootstrap of coefficients in models without rho and lam.

Clusters are units. Impose c'd = r, flip the sign of (or reweight) each unit's restricted residuals,
refit, and compare the t-statistic with those of the draws. Everything that a draw needs is linear
in the weights of its units, so a draw costs one row of a matrix product and all 2^N sign vectors
of sixteen units can be had: then the p-value has no simulation error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ccec_econ.engine.estimate import Estimate
from ccec_econ.engine.transform import demean
from ccec_econ.errors import FormulaError, IdentificationError, first_five
from ccec_econ.inference.cluster import Cluster
from ccec_econ.inference.contrast import DETECTABLE
from ccec_econ.inference.multiple import TIE, step_down
from ccec_econ.typeset import interval, number

__all__ = [
    "ENUMERATED",
    "WildCluster",
    "WildWeights",
    "draw_signs",
    "half_of_signs",
    "wild_cluster",
    "wild_family",
]

WildWeights = Literal["rademacher", "webb"]
ENUMERATED = 16
"""Clusters up to which all 2^N sign vectors are taken: 65,536."""
_WEBB = np.sqrt([0.5, 1.0, 1.5])
_PRECISION = 1e-7  # share to which an end of the interval is searched; p moves in steps anyway
_WIDEST = 64.0  # conventional standard errors beyond which an interval counts as unbounded


@dataclass(frozen=True, slots=True)
class WildCluster:
    """A wild cluster bootstrap test of c'd = null.

    Attributes
    ----------
    name : str
        What was tested.
    estimate, null, std_error, statistic : float
        c'd, its value under the null, CR1 standard error and t.
    pvalue, pvalue_equal_tail : float
        Symmetric: share of abs(t*) at or above abs(t). Equal-tail: twice the smaller tail.
    pvalue_conventional : float
        From t(N - 1), for comparison.
    lower, upper : float
        Interval of nulls that the symmetric test does not reject; infinite where it never ends.
    level : float
    clusters, draws : int
    weights : {"rademacher", "webb"}
    enumerated : bool
        Whether the draws are all 2^N sign vectors.
    """

    name: str
    estimate: float
    null: float
    std_error: float
    statistic: float
    pvalue: float
    pvalue_equal_tail: float
    pvalue_conventional: float
    lower: float
    upper: float
    level: float
    clusters: int
    draws: int
    weights: WildWeights
    enumerated: bool

    @property
    def detectable(self) -> float:
        """Minimum detectable effect, 2.8 standard errors: power 80 % at the 5 % level."""
        return DETECTABLE * self.std_error

    @property
    def convention(self) -> str:
        """One sentence for the foot of a table."""
        how = f"all {self.draws:,} sign vectors" if self.enumerated else f"{self.draws:,} draws"
        name = {"rademacher": "Rademacher", "webb": "Webb six-point"}[self.weights]
        return f"restricted wild cluster bootstrap, {self.clusters} clusters, {name}, {how}"

    def __str__(self) -> str:
        span = interval(self.lower, self.upper, 4)
        return (
            f"{self.name} = {number(self.null, 4)}: estimate {number(self.estimate, 4)}, "
            f"t = {number(self.statistic, 2)}, p = {number(self.pvalue, 3)} "
            f"(equal-tail {number(self.pvalue_equal_tail, 3)}), "
            f"{100 * self.level:g} % interval {span}; {self.convention}."
        )


@dataclass(frozen=True, slots=True)
class _Pieces:
    """What is linear in the weights of units w (N,), at null r.

    numerator = w's(r), score of unit i = (H(r) w)_i with s(r) = s0 + (b - r) s1 and H likewise:
    restricted residuals are those of the fit plus x (b - r), x = Z (Z'Z)^-1 c / c'(Z'Z)^-1 c.
    """

    estimate: float
    std_error: float
    factor: float
    s0: NDArray[np.float64]
    s1: NDArray[np.float64]
    H0: NDArray[np.float64]
    H1: NDArray[np.float64]


def wild_cluster(
    fit: Estimate,
    term: str | Mapping[str, float],
    *,
    null: float = 0.0,
    weights: WildWeights = "rademacher",
    draws: int = 9999,
    level: float = 0.95,
    rng: np.random.Generator,
) -> WildCluster:
    """Test a coefficient, or a linear combination of coefficients, of OLS or SLX.

    Parameters
    ----------
    term : str or mapping
        A term, or weights of terms: ``{"x": 1, "W(x)": 1}`` is the total effect of x.
    null : float
        Value under the null.
    weights : {"rademacher", "webb"}
        Signs, or Webb's six points. Signs of up to 16 units are enumerated; `draws` and `rng`
        then do not matter.
    draws : int
        Draws otherwise; p-values then are (1 + count) / (1 + draws).
    level : float
        Confidence level of the interval.

    Raises
    ------
    IdentificationError
        If the model has rho or lam.
    FormulaError
        If a term is not in the model, or the combination is empty.
    ValueError
        If weights are unknown, `level` is not in (0, 1) or `draws` is not positive.

    Notes
    -----
    The interval inverts the symmetric test: it holds all nulls with p above 1 - level.

    References
    ----------
    Cameron, Gelbach and Miller (2008), Review of Economics and Statistics 90, 414-427; Webb
    (2023), Canadian Journal of Economics 56, 839-858.
    """
    tests, _ = wild_family(
        fit, [term], null=null, weights=weights, draws=draws, level=level, rng=rng
    )
    return tests[0]


def wild_family(
    fit: Estimate,
    terms: Sequence[str | Mapping[str, float]],
    *,
    null: float = 0.0,
    weights: WildWeights = "rademacher",
    draws: int = 9999,
    level: float = 0.95,
    rng: np.random.Generator,
) -> tuple[list[WildCluster], NDArray[np.float64]]:
    """Test several coefficients or combinations by the same signs, each under its own null.

    Parameters and errors as in `wild_cluster`.

    Returns
    -------
    list of WildCluster, ndarray
        The tests, and symmetric p-values adjusted for asking several times: the step-down method
        on the absolute t-statistics, whose draws are joint because signs are shared.

    References
    ----------
    Romano and Wolf (2005), Econometrica 73, 1237-1282.
    """
    if weights not in get_args(WildWeights) or not 0.0 < level < 1.0 or draws < 1:
        raise ValueError(
            f"weights {weights!r}, level {level}, draws {draws}: weights are 'rademacher' or "
            "'webb', 0 < level < 1 and draws >= 1."
        )
    combinations, N = [_combination(fit, term) for term in terms], fit.y.shape[1]
    enumerated = weights == "rademacher" and N <= ENUMERATED
    w = half_of_signs(N) if enumerated else draw_signs(N, weights, draws, rng)
    tests, drawn = [], []
    for c, name in combinations:
        pieces = _pieces(fit, c)
        test = _test(pieces, w, enumerated=enumerated)
        lower, upper = (test.end(side, 1.0 - level) for side in (-1.0, 1.0))
        t = (pieces.estimate - null) / pieces.std_error
        drawn.append(np.abs(test.statistics(pieces.estimate - null)))
        tests.append(
            WildCluster(
                name=name,
                estimate=pieces.estimate,
                null=null,
                std_error=pieces.std_error,
                statistic=t,
                pvalue=test.symmetric(null),
                pvalue_equal_tail=test.equal_tail(null),
                pvalue_conventional=2.0 * float(stats.t.sf(abs(t), N - 1)),
                lower=lower,
                upper=upper,
                level=level,
                clusters=N,
                draws=2 * len(w) if enumerated else len(w),
                weights=weights,
                enumerated=enumerated,
            )
        )
    observed = np.array([abs(test.statistic) for test in tests])
    return tests, step_down(observed, np.column_stack(drawn), enumerated=enumerated)


@dataclass(frozen=True, slots=True)
class _Test:
    """Draws as functions of g = estimate - null, shapes (D,).

    Numerators are n[0] + g n[1]; sums of squared scores v[0] + g v[1] + g^2 v[2].
    """

    pieces: _Pieces
    n: tuple[NDArray[np.float64], NDArray[np.float64]]
    v: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
    enumerated: bool

    def statistics(self, gap: float) -> NDArray[np.float64]:
        """t-statistics of the draws; mirror images of signs have the same with the other sign."""
        squares = np.maximum(self.v[0] + gap * (self.v[1] + gap * self.v[2]), 0.0)
        spread = np.sqrt(self.pieces.factor * squares)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((self.n[0] + gap * self.n[1]) / spread)

    def symmetric(self, null: float) -> float:
        """Symmetric p-value of a null; mirror images would count twice on both sides."""
        gap = self.pieces.estimate - null
        drawn, t = self.statistics(gap), abs(gap) / self.pieces.std_error
        extra = 0 if self.enumerated else 1
        both = np.count_nonzero(np.abs(drawn) >= t - TIE * t)
        return (both + extra) / (len(drawn) + extra)

    def equal_tail(self, null: float) -> float:
        """Equal-tail p-value of a null."""
        gap = self.pieces.estimate - null
        drawn, t = self.statistics(gap), gap / self.pieces.std_error
        slack, extra = TIE * abs(t), 1
        if self.enumerated:
            drawn, extra = np.concatenate([drawn, -drawn]), 0
        low, high = np.count_nonzero(drawn <= t + slack), np.count_nonzero(drawn >= t - slack)
        return min(1.0, 2.0 * (min(low, high) + extra) / (len(drawn) + extra))

    def end(self, side: float, alpha: float) -> float:
        """Null on one side of the estimate where the symmetric p-value falls to alpha."""
        step, inside, outside = self.pieces.std_error, 0.0, 2.0
        while self.symmetric(self.pieces.estimate + side * outside * step) > alpha:
            inside, outside = outside, 2.0 * outside
            if outside > _WIDEST:
                return side * np.inf
        while outside - inside > _PRECISION * outside:
            middle = 0.5 * (inside + outside)
            if self.symmetric(self.pieces.estimate + side * middle * step) > alpha:
                inside = middle
            else:
                outside = middle
        return self.pieces.estimate + side * inside * step


def _test(pieces: _Pieces, w: NDArray[np.float64], *, enumerated: bool) -> _Test:
    """Evaluate all draws of weights w, shape (D, N)."""
    Q0, Q1 = w @ pieces.H0.T, w @ pieces.H1.T
    v0, v1, v2 = (np.einsum("dn,dn->d", A, B) for A, B in ((Q0, Q0), (2.0 * Q0, Q1), (Q1, Q1)))
    return _Test(pieces, (w @ pieces.s0, w @ pieces.s1), (v0, v1, v2), enumerated)


def _pieces(fit: Estimate, c: NDArray[np.float64]) -> _Pieces:
    T, N, K = fit.Z.shape
    inverse = np.linalg.inv(fit.Z.reshape(T * N, K).T @ fit.Z.reshape(T * N, K))
    xx = 1.0 / float(c @ inverse @ c)
    x = fit.Z @ (inverse @ c) * xx
    parts = [_linear(fit, x, inverse, residual) for residual in (fit.residuals, x)]
    variance = float(c @ Cluster("unit")(fit).matrix[:K, :K] @ c)
    own = parts[0][1].sum(axis=1)
    return _Pieces(
        estimate=float(c @ fit.optimum.coefficients),
        std_error=float(np.sqrt(variance)),
        factor=variance * xx**2 / float(own @ own),
        s0=parts[0][0],
        s1=parts[1][0],
        H0=parts[0][1],
        H1=parts[1][1],
    )


def _linear(
    fit: Estimate,
    x: NDArray[np.float64],
    inverse: NDArray[np.float64],
    residual: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Numerator (N,) and unit scores (N, N) of residuals (T, N) kept in one unit at a time."""
    N = residual.shape[1]
    alone = demean(residual[:, :, None] * np.eye(N), fit.effects)
    by_unit = np.einsum("tnk,tn->nk", fit.Z, residual)
    left = np.einsum("tn,tnj->nj", x, alone)
    fitted = np.einsum("tn,tnk->nk", x, fit.Z) @ inverse @ by_unit.T
    return np.einsum("tn,tn->n", x, residual), left - fitted


def _combination(fit: Estimate, term: str | Mapping[str, float]) -> tuple[NDArray[np.float64], str]:
    if fit.spatial:
        raise IdentificationError(
            f"wild cluster bootstrap of a model with {' and '.join(fit.spatial)}: its statistics "
            "are not linear in the residuals; use the parametric bootstrap."
        )
    asked = {term: 1.0} if isinstance(term, str) else dict(term)
    unknown = [name for name in asked if name not in fit.terms]
    if unknown or not any(asked.values()):
        raise FormulaError(
            f"no coefficient of {first_five(unknown) or 'nothing'} to test; "
            f"there are those of {first_five(fit.terms)}."
        )
    c = np.array([float(asked.get(name, 0.0)) for name in fit.terms])
    if isinstance(term, str):
        return c, term
    return c, " + ".join(k if v == 1.0 else f"{v:g} {k}" for k, v in asked.items())


def half_of_signs(N: int) -> NDArray[np.float64]:
    """Vectors of N signs whose last is plus, shape (2^(N - 1), N); the first leaves the data."""
    bits = (np.arange(2 ** (N - 1))[:, None] >> np.arange(N)) & 1
    return np.asarray(1.0 - 2.0 * bits, dtype=np.float64)


def draw_signs(
    N: int, weights: WildWeights, draws: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw weights of N clusters, shape (draws, N)."""
    points = np.ones(1) if weights == "rademacher" else _WEBB
    picked: NDArray[np.float64] = rng.choice(np.concatenate([-points, points]), size=(draws, N))
    return picked
