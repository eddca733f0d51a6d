"""Beta-convergence: the slope of growth on the starting level, and what speed that means.

A panel with unit effects and annual growth says little about speed when units and years are few:
at 16 units and 11 years a true speed of 5 per cent a year is estimated at 32 per cent (median), and
at 13 per cent after bias correction, because the effects absorb the level to which a unit converges
(Nickell 1981, *Econometrica* 49(6), 1417-1426). Spans of several years without unit effects, and
the confidence set of persistence in ``ce.sdm("y ~ L(y) + ...").convergence()``, are what to read.
Speeds come with an interval, and half-lives end at infinity where it reaches zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy import stats

from ccec_econ.convergence.spans import growth_spans
from ccec_econ.convergence.tables import Classes, classes_of
from ccec_econ.errors import FormulaError, PanelError, first_five
from ccec_econ.models.results import SpatialPanelResults
from ccec_econ.typeset import interval, number

__all__ = ["Speed", "cross_section", "moderated_speed", "speed", "speed_of"]

Quantity = Literal["coefficient", "direct", "indirect", "total"]


@dataclass(frozen=True, slots=True)
class Speed:
    """A slope of growth on the logarithm of the starting level, and the speed it implies.

    Attributes
    ----------
    slope, std_error, slope_lower, slope_upper : float
        Per year, in log units per log unit; negative when poorer units grow faster.
    pvalue : float
        Of a slope of zero, two-sided.
    span : float
        Years over which growth was taken.
    speed, lower, upper : float
        Share of the distance to the steady state covered in a year; infinite where 1 + slope * span
        is not positive, which no smooth convergence gives.
    half_life, half_life_lower, half_life_upper : float
        Years; infinite where the speed is not positive.
    level : float
    df : float or None
        Degrees of freedom of t; None for the normal.
    """

    slope: float
    std_error: float
    slope_lower: float
    slope_upper: float
    pvalue: float
    span: float
    speed: float
    lower: float
    upper: float
    half_life: float
    half_life_lower: float
    half_life_upper: float
    level: float
    df: float | None

    def __str__(self) -> str:
        return (
            f"slope {number(self.slope, 4)} ({number(self.std_error, 4)}), p = "
            f"{number(self.pvalue, 3)}; speed {number(100 * self.speed, 2)} % a year "
            f"{interval(100 * self.lower, 100 * self.upper, 2)}, half-life "
            f"{interval(self.half_life_lower, self.half_life_upper, 1)} years "
            f"({100 * self.level:g} % intervals)"
        )


def speed(
    slope: float, std_error: float, span: float, *, df: float | None = None, level: float = 0.95
) -> Speed:
    """Turn a slope of annual growth on the starting level into a speed with its interval.

    Parameters
    ----------
    slope, std_error : float
        Of ``ln(y_end/y_start)/span`` on ``ln y_start``.
    span : float
        Years.
    df : float, optional
        Degrees of freedom of t; the normal without.
    level : float
        Confidence level in (0, 1).

    Raises
    ------
    ValueError
        If the span is not positive, or the level not in (0, 1).

    Notes
    -----
    ``s = -ln(1 + b span)/span``; ends of the interval are those of the slope, transformed, which is
    exact because s falls in b. Half-life ``ln 2 / s`` (Barro and Sala-i-Martin 1992, *Journal of
    Political Economy* 100(2), 223-251), not ``ln 2 / (-b)``.

    Examples
    --------
    >>> found = speed(-0.02, 0.005, 10.0)
    >>> round(found.speed, 4), round(found.half_life, 1)
    (0.0223, 31.1)
    """
    if not span > 0.0 or not 0.0 < level < 1.0:
        raise ValueError(f"span {span}, level {level}: need a positive span and 0 < level < 1.")
    q = float(stats.t.ppf(0.5 + level / 2, df or np.inf))
    low, high = slope - q * std_error, slope + q * std_error
    middle, slowest, fastest = (_speed(b, span) for b in (slope, high, low))
    return Speed(
        slope=slope,
        std_error=std_error,
        slope_lower=low,
        slope_upper=high,
        pvalue=2.0 * float(stats.t.sf(abs(slope / std_error), df or np.inf)),
        span=span,
        speed=middle,
        lower=slowest,
        upper=fastest,
        half_life=_half_life(middle),
        half_life_lower=_half_life(fastest),
        half_life_upper=_half_life(slowest),
        level=level,
        df=df,
    )


def cross_section(
    panel: pd.DataFrame,
    column: str,
    *,
    years: tuple[int, int],
    controls: Sequence[str] = (),
    breaks: str | None = None,
    within: Classes | None = None,
    clusters: Classes | None = None,
    level: float = 0.95,
) -> Speed:
    """Estimate absolute or conditional convergence over one span, a unit one observation.

    Parameters
    ----------
    panel, column, controls, breaks
        As in `growth_spans`; with controls convergence is conditional.
    years : (first, last)
        The span.
    within : mapping or Series, optional
        Class of each unit, such as the city of a county: each class gets an intercept of its own,
        and convergence is that among units of one class.
    clusters : mapping or Series, optional
        Class of each unit within which errors may depend on each other.
    level : float
        Confidence level in (0, 1).

    Raises
    ------
    PanelError
        As `growth_spans`; also if there are not more units than coefficients, or fewer than two
        clusters.
    AlignmentError
        If a unit has no class.

    Notes
    -----
    ``ln(y_T/y_0)/T = a_c + b ln y_0 + c'x_0 + e`` by least squares, t with N - K degrees of
    freedom: exact when e is normal with one variance. With clusters, the sandwich over G clusters
    times ``G/(G - 1) (N - 1)/(N - K)`` and t with G - 1 degrees of freedom; few clusters of unequal
    size reject too often.
    """
    span = years[1] - years[0]
    frame = growth_spans(panel, column, span, controls=controls, years=years, breaks=breaks)
    units = frame.index.get_level_values("unit")
    intercepts = np.ones((len(frame), 1))
    if within is not None:
        label = classes_of(within, units)
        intercepts = (label.to_numpy()[:, None] == label.unique()[None, :]).astype(float)
    X = np.column_stack([frame[["ln_start", *controls]].to_numpy(float), intercepts])
    N, K = X.shape
    if N <= K:
        raise PanelError(f"{N} units for {K} coefficients; use fewer controls.")
    from statsmodels.regression.linear_model import OLS  # half a second: only when asked

    model, df = OLS(frame["growth"].to_numpy(float), X), N - K
    if clusters is None:
        fit = model.fit()
    else:
        codes = pd.factorize(classes_of(clusters, units))[0]
        df = int(codes.max())
        if df < 1:
            raise PanelError("clusters: one only; errors of all units would be one draw.")
        fit = model.fit(cov_type="cluster", cov_kwds={"groups": codes}, use_t=True)
    return speed(float(fit.params[0]), float(fit.bse[0]), span, df=df, level=level)


def speed_of(
    fit: SpatialPanelResults,
    span: float,
    *,
    term: str = "ln_start",
    quantity: Quantity = "coefficient",
    level: float = 0.95,
) -> Speed:
    """Speed from a fitted growth regression, spatial or not.

    Parameters
    ----------
    fit : result
        Annual growth in log units on the starting level; of the family of ``ce.sdm``.
    span : float
        Years over which growth was taken.
    term : str
        The starting level.
    quantity : {"coefficient", "direct", "indirect", "total"}
        Direct: a unit starts higher, its own growth; total: all units do. The indirect effect is
        what neighbours' levels add, and has a slope but hardly a speed of its own.
    level : float
        Confidence level in (0, 1).

    Raises
    ------
    FormulaError
        If the term is not in the model, or the quantity is unknown.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel = ce.data.load_panel(years=(2010, 2022))
    >>> spans = growth_spans(panel, "gdp_pc", 4)
    >>> fit = ce.sdm("growth ~ ln_start | year", spans, ce.weights.contiguity())
    >>> speed_of(fit, 4, quantity="total").slope < 0
    True
    """
    if quantity not in get_args(Quantity):
        raise FormulaError(
            f"quantity {quantity!r} is unknown; choose one of {', '.join(get_args(Quantity))}."
        )
    if term not in fit.params.index:
        raise FormulaError(f"no term {term!r}; there are {first_five(fit.params.index)}.")
    if quantity == "coefficient":
        slope, error = float(fit.params[term]), float(fit.std_errors[term])
    else:
        frame = fit.effects(draws=1).frame
        slope, error = (float(frame[name][term, quantity]) for name in ("estimate", "std_error"))
    return speed(slope, error, span, df=fit.vcov.df, level=level)


def moderated_speed(
    fit: SpatialPanelResults,
    span: float,
    at: pd.Series[float],
    *,
    term: str = "ln_start",
    by: str,
    level: float = 0.95,
) -> pd.DataFrame:
    """Speed at several values of a variable that may speed convergence up.

    Parameters
    ----------
    fit : result
        Growth on `term`, `by` and their product ``term:by``.
    span : float
        Years over which growth was taken.
    at : Series
        Values of `by` by label, for example quantiles.
    term, by : str
        The starting level and the moderator.
    level : float
        Confidence level in (0, 1).

    Returns
    -------
    DataFrame
        One row per value: value, slope, std_error, speed, lower, upper.

    Raises
    ------
    FormulaError
        If the term or the product is not in the model.

    Notes
    -----
    Slope at x ``b + g x``, variance ``V_bb + 2 x V_bg + x^2 V_gg``; the coefficients of the unit's
    own level, not effects through neighbours.
    """
    product = next((p for p in (f"{term}:{by}", f"{by}:{term}") if p in fit.params.index), None)
    if term not in fit.params.index or product is None:
        raise FormulaError(
            f"no {term!r} times {by!r} in the model; write {term} + {by} + {term}:{by}. There are "
            f"{first_five(fit.params.index)}."
        )
    V = fit.cov.loc[[term, product], [term, product]].to_numpy()
    rows = {}
    for label, x in at.items():
        c = np.array([1.0, float(x)])
        slope = float(c @ fit.params[[term, product]].to_numpy())
        found = speed(slope, float(np.sqrt(c @ V @ c)), span, df=fit.vcov.df, level=level)
        rows[label] = (x, slope, found.std_error, found.speed, found.lower, found.upper)
    columns = ["value", "slope", "std_error", "speed", "lower", "upper"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def _speed(slope: float, span: float) -> float:
    left = 1.0 + slope * span
    return float(-np.log(left) / span) if left > 0.0 else float("inf")


def _half_life(speed: float) -> float:
    return float(np.log(2.0) / speed) if speed > 0.0 else float("inf")
