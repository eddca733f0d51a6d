"""Spatial autocorrelation of a variable by year: Moran's I, and where it comes from."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from ccec_econ.convergence.tables import by_year
from ccec_econ.errors import PanelError, first_five
from ccec_econ.inference.dependence import moran_of_rows
from ccec_econ.weights import WeightsLike, align, from_matrix

__all__ = ["local_moran", "moran_by_year"]

_QUADRANTS = {1: "high-high", 2: "low-high", 3: "low-low", 4: "high-low"}
_NO_PATTERN = "not different"


def moran_by_year(
    panel: pd.DataFrame,
    column: str,
    weights: WeightsLike,
    *,
    draws: int = 999,
    rng: int | np.random.Generator = 0,
) -> pd.DataFrame:
    """Moran's I of a column in each year, with permutation p-values.

    Parameters
    ----------
    panel : DataFrame
        Indexed (unit, year).
    column : str
        Any numbers; take logarithms beforehand where levels are skewed.
    weights : Graph or W
        Matched by label.
    draws : int
        Permutations of units.
    rng : int or Generator
        Seed or generator; the default repeats the same draws.

    Returns
    -------
    DataFrame
        By year: moran, expected (-1/(N - 1)), pvalue (both sides).

    Raises
    ------
    PanelError
        If values are missing or the same everywhere.
    AlignmentError
        If weights and panel differ.

    Notes
    -----
    ``I = (N / S0) sum_ij w_ij z_i z_j / sum_i z_i^2``, z the values less the mean of the year and
    S0 the sum of all weights. The p-value is ``(1 + k) / (1 + draws)``, k the permutations that lie
    at least as far from the expectation as I.
    Tests: tests/unit/test_structure.py, against esda.

    References
    ----------
    Moran (1950), Biometrika 37, 17-23.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel = ce.data.load_panel(years=(2021, 2022))
    >>> list(moran_by_year(panel, "ln_gdp_pc", ce.weights.contiguity(), draws=99).columns)
    ['moran', 'expected', 'pvalue']
    """
    table = _varying(panel, column)
    W = align(weights, table.columns)
    centred = table.to_numpy() - table.to_numpy().mean(axis=1, keepdims=True)
    found = moran_of_rows(centred, W, draws, np.random.default_rng(rng))
    columns = {"moran": found.I, "expected": found.expected, "pvalue": found.pvalue}
    return pd.DataFrame(columns, index=table.index)


def local_moran(
    panel: pd.DataFrame,
    column: str,
    weights: WeightsLike,
    year: int,
    *,
    level: float = 0.05,
    draws: int = 9999,
    seed: int = 0,
) -> pd.DataFrame:
    """Local Moran's I of a column in one year (LISA).

    Parameters
    ----------
    panel, column, weights
        As in `moran_by_year`; esda row-standardises.
    year : int
        Which year.
    level : float
        Share of false discoveries allowed among the units marked.
    draws : int
        Conditional permutations.
    seed : int
        Seed of the permutations.

    Returns
    -------
    DataFrame
        By unit: ``value``, ``local`` (I_i), ``quadrant`` (own and neighbours' side of the mean),
        ``pvalue`` (conditional permutation, both sides), ``adjusted`` (Benjamini and Hochberg over
        units) and ``cluster``, the quadrant where adjusted is at most `level`, else "not
        different".

    Raises
    ------
    PanelError
        If the year is absent, or values are missing or the same everywhere.
    AlignmentError
        If weights and panel differ.

    Notes
    -----
    Computed by `esda.Moran_Local` (Anselin 1995, *Geographical Analysis* 27(2), 93-115). With N
    units the tests are N and depend on each other; single p-values mark too many.
    """
    from esda import Moran_Local  # numba: only when asked

    table = _varying(panel, column)
    if year not in table.index:
        raise PanelError(f"year {year} is not in the panel; it has {first_five(table.index)}.")
    W = from_matrix(align(weights, table.columns), table.columns)
    values = table.loc[year].to_numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numba and NumPy announce changes of their own
        found = Moran_Local(
            values,
            W,
            permutations=draws,
            seed=seed,
            alternative="two-sided",
            keep_simulations=True,
        )
    adjusted = false_discovery_control(np.minimum(found.p_sim, 1.0))
    quadrant = pd.Series([_QUADRANTS[int(q)] for q in found.q], index=table.columns)
    return pd.DataFrame(
        {
            "value": values,
            "local": found.Is,
            "quadrant": quadrant,
            "pvalue": found.p_sim,
            "adjusted": adjusted,
            "cluster": quadrant.where(adjusted <= level, _NO_PATTERN),
        },
        index=table.columns,
    )


def _varying(panel: pd.DataFrame, column: str) -> pd.DataFrame:
    table = by_year(panel, column)
    gaps = table.index[table.isna().any(axis=1)]
    if len(gaps):
        raise PanelError(
            f"column '{column}': values missing in {first_five(gaps)}; choose years in which every "
            "unit has one."
        )
    flat = table.index[table.nunique(axis=1) < 2]
    if len(flat):
        raise PanelError(f"column '{column}' is the same everywhere in {first_five(flat)}.")
    return table
