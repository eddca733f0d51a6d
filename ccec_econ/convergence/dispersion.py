"""Dispersion across units by year, with bootstrap intervals: sigma, CV, Gini, Theil, Atkinson."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.convergence.measures import Measure, MeasureName, measure
from ccec_econ.convergence.tables import Classes, classes_of, positive
from ccec_econ.errors import AlignmentError, PanelError, first_five

__all__ = ["dispersion", "dispersion_intervals", "sigma"]

_FEWEST = 2


def dispersion(
    panel: pd.DataFrame,
    column: str,
    name: MeasureName = "sigma",
    *,
    population: str | None = None,
    aversion: float = 0.5,
) -> pd.Series[float]:
    """Measure the dispersion of a column across units, by year.

    Parameters
    ----------
    panel : DataFrame
        Indexed (unit, year), N units.
    column : str
        Positive values per head, for example ``"gdp_pc"``.
    name : {"sigma", "cv", "gini", "theil", "atkinson"}
        Which measure.
    population : str, optional
        Residents: every resident then counts the same. Without it every unit does.
    aversion : float
        Aversion to inequality, for Atkinson's measure only.

    Returns
    -------
    Series
        By year, named after the measure.

    Raises
    ------
    PanelError
        If values are missing or not positive, or there is one unit only.
    ValueError
        If the measure is unknown or the aversion not positive.

    Notes
    -----
    With weights w (1/N, or shares of population) and mean m = sum w y:

    - sigma: ``sqrt(sum w (ln y - sum w ln y)^2)`` (Barro and Sala-i-Martin 1992, *Journal of
      Political Economy* 100(2), 223-251);
    - CV: ``sqrt(sum w (y - m)^2) / m``; weighted by population it is Williamson's (1965, *Economic
      Development and Cultural Change* 13(4), 1-84);
    - Gini: ``sum_i sum_j w_i w_j |y_i - y_j| / (2 m)``;
    - Theil: ``sum w (y/m) ln(y/m)`` (Theil 1967, *Economics and Information Theory*, ch. 4);
    - Atkinson: ``1 - (sum w y^(1-e))^(1/(1-e)) / m``, for e = 1 ``1 - exp(sum w ln y) / m``
      (Atkinson 1970, *Journal of Economic Theory* 2(3), 244-263).

    Divisors are N, not N - 1: the units are all units, not a sample. Differences among residents of
    one unit are not seen.

    Examples
    --------
    >>> panel = pd.DataFrame(
    ...     {"y": [1.0, 3.0]},
    ...     index=pd.MultiIndex.from_product([["a", "b"], [2001]], names=["unit", "year"]),
    ... )
    >>> dispersion(panel, "y", "cv").to_dict(), dispersion(panel, "y", "gini").to_dict()
    ({2001: 0.5}, {2001: 0.25})
    """
    compute = measure(name, aversion=aversion)
    y, w = _arrays(panel, column, population)
    return pd.Series(compute(y.to_numpy(), w), index=y.index, name=name)


def sigma(panel: pd.DataFrame, column: str) -> pd.Series[float]:
    """Measure the standard deviation across units of the logarithm of a column, by year.

    The same as ``dispersion(panel, column, "sigma")``, which states formula and errors.

    Examples
    --------
    >>> panel = pd.DataFrame(
    ...     {"y": [1.0, np.e**2]},
    ...     index=pd.MultiIndex.from_product([["a", "b"], [2001]], names=["unit", "year"]),
    ... )
    >>> sigma(panel, "y").to_dict()
    {2001: 1.0}
    """
    return dispersion(panel, column, "sigma")


def dispersion_intervals(
    panel: pd.DataFrame,
    column: str,
    name: MeasureName = "sigma",
    *,
    population: str | None = None,
    aversion: float = 0.5,
    strata: Classes | None = None,
    draws: int = 999,
    level: float = 0.95,
    rng: int | np.random.Generator = 0,
) -> pd.DataFrame:
    """Attach bootstrap intervals to a measure of dispersion, by year.

    Whole units are drawn with replacement, the same units in every year. The circle holds all of
    its units: the interval says how much the measure hangs on which units there are.

    Parameters
    ----------
    panel, column, name, population, aversion
        As in `dispersion`.
    strata : mapping or Series, optional
        Class of each unit: draws then keep the number of units in each.
    draws : int
    level : float
        Confidence level in (0, 1).
    rng : int or Generator
        Seed or generator; the default repeats the same draws.

    Returns
    -------
    DataFrame
        By year: estimate, lower, upper.

    Raises
    ------
    PanelError, ValueError
        As `dispersion`; also if `level` is not in (0, 1) or `draws` is not positive.
    AlignmentError
        If a unit has no stratum, or is alone in one.

    Notes
    -----
    Without strata bias-corrected and accelerated (Efron 1987, *Journal of the American Statistical
    Association* 82, 171-185), because measures of dispersion are biased downwards in resamples;
    with strata, of which some may hold two units, plain percentiles.
    """
    from scipy.stats import bootstrap  # a tenth of a second: only when asked

    if not 0.0 < level < 1.0 or draws < 1:
        raise ValueError(f"level {level}, draws {draws}: need 0 < level < 1 and draws >= 1.")
    compute = measure(name, aversion=aversion)
    y, w = _arrays(panel, column, population)
    places = np.arange(y.shape[1])
    label = None if strata is None else classes_of(strata, y.columns)
    samples = [places] if label is None else [places[label == one] for one in label.unique()]
    if label is not None and min(len(one) for one in samples) < _FEWEST:
        alone = [one for one in label.unique() if (label == one).sum() < _FEWEST]
        raise AlignmentError(
            f"strata {first_five(alone)} hold one unit each; join them to others, a single unit "
            "cannot be drawn again."
        )
    seeds = np.random.default_rng(rng).integers(2**32)
    ends = []
    for values, weights in zip(y.to_numpy(), w, strict=True):
        found = bootstrap(
            samples,
            partial(_on_places, compute=compute, y=values, w=weights),
            n_resamples=draws,
            confidence_level=level,
            method="BCa" if label is None else "percentile",
            vectorized=True,
            axis=-1,
            rng=np.random.default_rng(seeds),  # the same units in every year
        )
        ends.append((found.confidence_interval.low, found.confidence_interval.high))
    estimate = compute(y.to_numpy(), w)
    return pd.DataFrame(
        np.column_stack([estimate, np.array(ends)]),
        index=y.index,
        columns=["estimate", "lower", "upper"],
    )


def _on_places(
    *places: NDArray[np.int64],
    axis: int = -1,
    compute: Measure,
    y: NDArray[np.float64],
    w: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Compute the measure on the units drawn, one array of places per stratum."""
    drawn = np.concatenate(places, axis=axis)
    weights = w[drawn]
    return compute(y[drawn], weights / weights.sum(axis=-1, keepdims=True))


def _arrays(
    panel: pd.DataFrame, column: str, population: str | None
) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Values and weights, each of shape (T, N)."""
    y = positive(panel, column)
    if y.shape[1] < _FEWEST:
        raise PanelError(
            f"dispersion of '{column}': {y.shape[1]} unit; give at least two to compare."
        )
    mass = np.ones(y.shape) if population is None else positive(panel, population).to_numpy()
    return y, mass / mass.sum(axis=1, keepdims=True)
