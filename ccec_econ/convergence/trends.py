"""Linear trend of a yearly series, robust to autocorrelation, and the test of weak sigma on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ccec_econ.errors import PanelError, first_five

__all__ = ["Trend", "WeakSigma", "trend", "weak_sigma"]

_FEWEST_YEARS = 5
_CRITICAL = -1.65  # 5 %, one-sided, as Kong, Phillips and Sul print it


@dataclass(frozen=True, slots=True)
class Trend:
    """Linear trend of a yearly series.

    Attributes
    ----------
    slope : float
        Change per year, in units of the series.
    std_error : float
        Newey-West standard error of the slope.
    tstat, pvalue : float
        Slope over its standard error, and two-sided p-value of Student's t with T - 2 degrees of
        freedom.
    first, last : int
        First and last year.
    start, end : float
        Values in the first and in the last year.
    lags : int
        Lags in the standard error.
    """

    slope: float
    std_error: float
    tstat: float
    pvalue: float
    first: int
    last: int
    start: float
    end: float
    lags: int


def trend(series: pd.Series[float], *, lags: int | None = None) -> Trend:
    """Fit a linear trend by least squares, with a standard error robust to autocorrelation.

    Parameters
    ----------
    series : Series
        By consecutive years, T of them.
    lags : int, optional
        Lags of the standard error; by default ``floor(4 (T / 100)^(2/9))``.

    Raises
    ------
    PanelError
        If there are fewer than five years, gaps between them, or missing values.

    Notes
    -----
    ``y_t = a + b t + u_t``. Standard error of Newey and West (1987, *Econometrica* 55(3),
    703-708) with Bartlett weights, times ``T / (T - 2)`` in the variance; p-value from Student's t
    with T - 2 degrees of freedom. With T near 13 it still rejects too often when errors are
    strongly autocorrelated: read it as a description.

    Examples
    --------
    >>> line = pd.Series([1.0, 3.1, 4.9, 7.0, 9.0], index=range(2001, 2006))
    >>> round(trend(line).slope, 3)
    1.99
    """
    from statsmodels.regression.linear_model import OLS  # half a second: only when asked

    years = _checked_years(series)
    T = len(years)
    chosen = int(4 * (T / 100) ** (2 / 9)) if lags is None else lags
    design = np.column_stack([np.ones(T), years - years[0]])
    fit = OLS(series.to_numpy(float), design).fit(
        cov_type="HAC", cov_kwds={"maxlags": chosen, "use_correction": True}, use_t=True
    )
    return Trend(
        slope=float(fit.params[1]),
        std_error=float(fit.bse[1]),
        tstat=float(fit.tvalues[1]),
        pvalue=float(fit.pvalues[1]),
        first=int(years[0]),
        last=int(years[-1]),
        start=float(series.iloc[0]),
        end=float(series.iloc[-1]),
        lags=chosen,
    )


@dataclass(frozen=True, slots=True)
class WeakSigma:
    """Test of no weak sigma-convergence.

    Attributes
    ----------
    trend : Trend
        Linear trend of the cross-section variance.
    pvalue : float
        One-sided p-value of its t-ratio, normal.
    converges : bool
        Whether the t-ratio lies below -1.65.
    """

    trend: Trend
    pvalue: float
    converges: bool


def weak_sigma(variance: pd.Series[float]) -> WeakSigma:
    """Test whether cross-section dispersion falls, against no weak sigma-convergence.

    Parameters
    ----------
    variance : Series
        Cross-section variance (of logarithms, say) by consecutive years.

    Raises
    ------
    PanelError
        As `trend`.

    Notes
    -----
    Regress K_t on (1, t); Newey-West t-ratio with floor(T^(1/3)) lags; below -1.65 the dispersion
    falls (Kong, Phillips and Sul 2019, *Journal of Econometrics* 209(2), 185-207). Made for long
    panels: with twenty years the decision is indicative.

    Examples
    --------
    >>> falling = pd.Series([1.0, 0.8, 0.65, 0.5, 0.42, 0.33], index=range(2001, 2007))
    >>> weak_sigma(falling).converges
    True
    """
    found = trend(variance, lags=int(np.cbrt(len(variance) + 1e-9)))
    return WeakSigma(found, float(stats.norm.cdf(found.tstat)), found.tstat < _CRITICAL)


def _checked_years(series: pd.Series[float]) -> NDArray[np.float64]:
    name = series.name or "series"
    missing = series.index[series.isna()]
    if len(missing):
        raise PanelError(
            f"trend of '{name}': {len(missing)} missing ({first_five(missing)}); choose years "
            "with values."
        )
    years = series.index.to_numpy(float)
    if len(years) < _FEWEST_YEARS:
        raise PanelError(f"trend of '{name}': {len(years)} years; give at least {_FEWEST_YEARS}.")
    if not np.all(np.diff(years) == 1):
        raise PanelError(
            f"trend of '{name}': years {first_five(series.index)} are not consecutive; sort them "
            "and leave no gap, autocorrelation is measured between neighbours."
        )
    return years
