"""Relative transition paths and the log t test of convergence (Phillips and Sul 2007)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from ccec_econ.convergence.tables import consecutive, positive
from ccec_econ.errors import AlignmentError, IdentificationError, PanelError, first_five

__all__ = ["CRITICAL", "LogT", "LogTRule", "log_t", "smooth_paths", "transition_paths"]

CRITICAL = -1.65
"""Critical value of Phillips and Sul: one-sided, 5 %."""

_FEWEST_POINTS = 5
_FEWEST_UNITS = 2
_FEW_POINTS = 20

type Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LogTRule:
    """How the log t regression is run.

    Attributes
    ----------
    share : float
        r: the first ``floor(r T)`` years are left out, and time starts at the next.
    discard : int, optional
        Years left out, in place of ``floor(r T)``; at least 1.
    variance : {"program", "andrews"}
        Long-run variance of the errors: in the form of the program of Phillips and Sul, which R
        and Stata follow (autocovariances without the last residual, all divided by one less than
        the number of residuals), or by the formula of Andrews. Clubs can depend on it.

    Raises
    ------
    IdentificationError
        If the share is not between 0 and 1, `discard` is below 1 or the variance is unknown.
    """

    share: float = 1 / 3
    discard: int | None = None
    variance: Literal["program", "andrews"] = "program"

    def __post_init__(self) -> None:
        if not 0.0 < self.share < 1.0:
            raise IdentificationError(f"share = {self.share}: give a number between 0 and 1.")
        if self.discard is not None and self.discard < 1:
            raise IdentificationError(
                f"discard = {self.discard}: leave out at least the first year, where log log t "
                "does not exist."
            )
        if self.variance not in ("andrews", "program"):
            raise IdentificationError(
                f"variance {self.variance!r}: unknown; choose 'program' or 'andrews'."
            )

    def discarded(self, T: int) -> int:
        """Return the number of years left out of T."""
        return int(self.share * T + 1e-9) if self.discard is None else self.discard


@dataclass(frozen=True, slots=True)
class LogT:
    """Result of a log t test.

    Attributes
    ----------
    b, std_error, tstat : float
        Slope on log t, its HAC standard error, and their ratio.
    pvalue : float
        Lower tail of the normal distribution: small values reject convergence.
    intercept : float
    units : int
    periods, points : int
        Years of the panel, and those in the regression.
    variance : str
        Form of the long-run variance.
    """

    b: float
    std_error: float
    tstat: float
    pvalue: float
    intercept: float
    units: int
    periods: int
    points: int
    variance: str

    @property
    def converges(self) -> bool:
        """Whether convergence is not rejected: t above -1.65."""
        return self.tstat > CRITICAL

    @property
    def alpha(self) -> float:
        """Speed at which differences decay, b / 2."""
        return self.b / 2

    @property
    def reading(self) -> str:
        """What b says, as far as it can be told."""
        if not self.converges:
            return "convergence rejected"
        if self.b >= 2.0:
            return "convergence in levels"
        if self.b >= 0.0:
            return "convergence of growth"
        return "convergence not rejected, b below 0"

    @property
    def note(self) -> str:
        """The convention, and how far it carries."""
        form = {
            "andrews": "QS kernel, Andrews AR(1) bandwidth",
            "program": "QS kernel as in the program of Phillips and Sul",
        }[self.variance]
        few = "; few years: indicative only" if self.points < _FEW_POINTS else ""
        return (
            f"log t: {self.points} of {self.periods} years in the regression, HAC variance by "
            f"{form}, rejected below {CRITICAL}{few}."
        )


def transition_paths(
    panel: pd.DataFrame, column: str, *, log: bool = True, smooth: float | None = 400.0
) -> pd.DataFrame:
    """Compute the relative transition path of every unit.

    Parameters
    ----------
    panel : DataFrame
        Indexed (unit, year).
    column : str
        Positive levels.
    log : bool
        Take the logarithm first, as Phillips and Sul do.
    smooth : float, optional
        Penalty of the Hodrick-Prescott filter, 400 by default; 6.25 is the value of Ravn and
        Uhlig for years; None leaves the paths as they are.

    Returns
    -------
    DataFrame
        ``h_it``, shape (T, N): years by units. Each row has mean one.

    Raises
    ------
    PanelError
        If values are missing or not positive, years are missing or fewer than 6, or a value (its
        logarithm, if taken) is not positive after filtering.

    Notes
    -----
    ``h_it = x_it / mean_i(x_it)`` with x the trend of ln y (Phillips and Sul 2007, *Econometrica*
    75(6), 1771-1855; Hodrick and Prescott 1997; Ravn and Uhlig 2002, *Review of Economics and
    Statistics* 84(2), 371-376). With ``log=True`` the paths depend on the unit of measurement:
    ln(1000 y) is flatter than ln y. With ``log=False`` they do not.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel = ce.data.load_panel(years=(2010, 2022))
    >>> h = transition_paths(panel, "gdp_pc", log=False)
    >>> h.loc[2022, ["510100", "511300"]].round(2).tolist()
    [1.21, 0.67]
    """
    x = smooth_paths(panel, column, log=log, smooth=smooth)
    return x.div(x.mean(axis="columns"), axis="index")


def log_t(
    panel: pd.DataFrame,
    column: str,
    *,
    units: Sequence[str] | None = None,
    log: bool = True,
    smooth: float | None = 400.0,
    rule: LogTRule | None = None,
) -> LogT:
    """Test whether units converge to one path.

    Parameters
    ----------
    panel, column, log, smooth
        As in `transition_paths`.
    units : sequence of str, optional
        Units to test; all by default.
    rule : LogTRule, optional
        Years left out and form of the variance.

    Returns
    -------
    LogT

    Raises
    ------
    PanelError
        As in `transition_paths`; or if fewer than five years remain in the regression, or all
        units agree in a year.
    AlignmentError
        If a unit is not in the panel.
    IdentificationError
        If fewer than two units are given, or the regression fits without error.

    Notes
    -----
    ``H_t = mean_i (h_it - 1)^2``; ``log(H_1 / H_t) - 2 log log t = a + b log t + u_t`` for
    ``t = floor(rT) + 1, ..., T``. Phillips and Sul (2007) write that t starts at the integer part
    of rT; their program, and the results they published, start one year later, and so does
    this. R and Stata round rT instead of cutting it: ``LogTRule(discard=round(T / 3))``.

    The variance of b is ``omega (X'X)^-1`` with omega the long-run variance of u by the quadratic
    spectral kernel with bandwidth ``1.3221 (a n)^(1/5)``, ``a = 4 p^2 / (1 - p)^4``, p the first
    autocorrelation and n the points of the regression (Andrews 1991, *Econometrica* 59(3),
    817-858). H0 is convergence; it is rejected when t is below -1.65. Under it b = 2 alpha: b of
    2 or more is convergence in levels, from 0 to 2 convergence of growth rates.

    On simulated panels that do converge, with alpha = 0.1, 16 units and 13 years the test rejects
    about 10 % of the time; at alpha = 0, the border, about 19 % (``tests/simulation``).

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel = ce.data.load_panel(years=(2010, 2022))
    >>> test = log_t(panel, "gdp_pc")
    >>> test.points, test.converges
    (9, False)
    """
    x = smooth_paths(panel, column, log=log, smooth=smooth)
    chosen = list(x.columns) if units is None else list(units)
    unknown = [unit for unit in chosen if unit not in x.columns]
    if unknown:
        raise AlignmentError(
            f"units {first_five(unknown)}: not in the panel; it holds {first_five(x.columns)}."
        )
    return log_t_of(x[chosen].to_numpy(), rule or LogTRule())


def smooth_paths(
    panel: pd.DataFrame, column: str, *, log: bool = True, smooth: float | None = 400.0
) -> pd.DataFrame:
    """Return the (log) column as years by units, smoothed; arguments as in `transition_paths`.

    Raises
    ------
    PanelError
        As in `transition_paths`.
    """
    table = consecutive(positive(panel, column), f"log t of '{column}'", _FEWEST_POINTS + 1)
    x = table.apply(np.log) if log else table
    if smooth is not None:
        x = pd.DataFrame(smoother(len(x), smooth) @ x.to_numpy(), x.index, x.columns)
    low = x.columns[(x <= 0).any()]
    if len(low):
        kind = "logarithm" if log else "trend"
        raise PanelError(
            f"column '{column}': the {kind} of {first_five(low)} falls to zero or below, where "
            "relative paths mean nothing; choose a smaller unit of measurement or log=False."
        )
    return x


def smoother(T: int, penalty: float) -> Matrix:
    """Return the matrix (T, T) that turns a series into its Hodrick-Prescott trend.

    Raises
    ------
    PanelError
        If the penalty is not positive.
    """
    from statsmodels.tsa.filters.hp_filter import hpfilter  # half a second: only when asked

    if not penalty > 0:
        raise PanelError(f"smooth = {penalty}: give a positive penalty, or None for none.")
    return np.column_stack([hpfilter(unit, penalty)[1] for unit in np.eye(T)])


def log_t_of(x: Matrix, rule: LogTRule) -> LogT:
    """Run the log t regression on paths x of shape (T, N); errors as in `log_t`."""
    T, N = x.shape
    if N < _FEWEST_UNITS:
        raise IdentificationError(f"log t: {N} unit; give at least {_FEWEST_UNITS}.")
    first = rule.discarded(T)
    if first < 1 or T - first < _FEWEST_POINTS:
        raise PanelError(
            f"log t: {T} years less the first {first} leave {max(T - first, 0)}; at least one "
            f"must go and {_FEWEST_POINTS} remain: give more years or another share."
        )
    H = np.mean((x / x.mean(axis=1, keepdims=True) - 1.0) ** 2, axis=1)
    if not (np.finfo(float).tiny < H).all():
        raise PanelError(
            f"log t: all units agree in {int((np.finfo(float).tiny >= H).sum())} years, so the "
            "spread has no logarithm; test units that differ."
        )
    X, inverse = _design(first, T)
    response = np.log(H[0] / H[first:]) - 2.0 * np.log(X[:, 1])
    coefficients = inverse @ (X.T @ response)
    residuals = response - X @ coefficients
    b, error = float(coefficients[1]), _error(residuals, inverse[1, 1], rule)
    return LogT(
        b=b,
        std_error=error,
        tstat=b / error,
        pvalue=float(ndtr(b / error)),
        intercept=float(coefficients[0]),
        units=N,
        periods=T,
        points=T - first,
        variance=rule.variance,
    )


@lru_cache(maxsize=64)
def _design(first: int, T: int) -> tuple[Matrix, Matrix]:
    """Return the regressors (1, log t) of the years after `first`, and the inverse of X'X."""
    logt = np.log(np.arange(first + 1, T + 1))
    X = np.column_stack([np.ones_like(logt), logt])
    return X, np.linalg.inv(X.T @ X)


def _error(residuals: Matrix, scale: float, rule: LogTRule) -> float:
    variance = scale * long_run_variance(residuals, rule.variance)
    if not variance > 1e-24:
        raise IdentificationError(
            f"log t: the regression fits {len(residuals)} points with variance {variance:.1e}, so "
            "b has no standard error; check that the units are not copies of each other."
        )
    return float(np.sqrt(variance))


def long_run_variance(u: Matrix, form: str = "program") -> float:
    """Long-run variance of a series of n values; the formula stands in `log_t`."""
    n = len(u)
    p = float(u[:-1] @ u[1:] / (u[:-1] @ u[:-1])) if np.any(u[:-1]) else 0.0
    bandwidth = 1.3221 * (4.0 * p**2 / (1.0 - p) ** 4 * n) ** 0.2
    used, divisor = (u, n) if form == "andrews" else (u[:-1], n - 1)
    lags = np.arange(1, len(used))
    products = np.correlate(used, used, "full")[len(used) :]
    return float((u @ u + 2.0 * quadratic_spectral(lags, bandwidth) @ products) / divisor)


def quadratic_spectral(lags: NDArray[np.int_], bandwidth: float) -> Matrix:
    """Weights of positive lags; all zero at bandwidth zero."""
    if bandwidth < 1e-8:
        return np.zeros(len(lags))
    z = 1.2 * np.pi * lags / bandwidth
    weights: Matrix = 3.0 / z**2 * (np.sin(z) / z - np.cos(z))
    return weights
