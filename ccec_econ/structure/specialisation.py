"""What units make: specialisation against the others, and similarity of pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.convergence.tables import positive
from ccec_econ.errors import PanelError

__all__ = ["krugman", "similarity"]

_ROUNDING = 0.011  # of shares in per cent: three figures rounded to two digits


def krugman(panel: pd.DataFrame, shares: Sequence[str], value: str) -> pd.DataFrame:
    """Krugman's specialisation of each unit against all others, by year.

    Parameters
    ----------
    panel : DataFrame
        Indexed (unit, year).
    shares : sequence of str
        Shares of all sectors in value added, in per cent; they sum to 100.
    value : str
        Totals that weigh the other units, for example ``"gdp"``.

    Returns
    -------
    DataFrame
        Years by units: 0 where a unit is made up like the others together, 2 where it has nothing
        in common with them.

    Raises
    ------
    PanelError
        If shares do not sum to 100, or figures are missing or not positive.

    Notes
    -----
    ``K_i = sum_s abs(a_is - b_is)``, b the shares in the other units' total (Krugman 1991,
    *Geography and Trade*, MIT Press). With three broad sectors it says little about industries.
    """
    a, weight = _shares(panel, shares), positive(panel, value)
    g = weight.to_numpy()[:, :, None]
    others = ((a * g).sum(axis=1, keepdims=True) - a * g) / (g.sum(axis=1, keepdims=True) - g)
    values = np.abs(a - others).sum(axis=2)
    return pd.DataFrame(values, index=weight.index, columns=weight.columns)


def similarity(panel: pd.DataFrame, shares: Sequence[str], year: int) -> pd.DataFrame:
    """Similarity of the sectors of every pair of units in one year.

    Parameters
    ----------
    panel, shares
        As in `krugman`.
    year : int
        Which year.

    Returns
    -------
    DataFrame, shape (N, N)
        Between 0 and 1; 1 on the diagonal.

    Raises
    ------
    PanelError
        As `krugman`; also if the year is absent.

    Notes
    -----
    ``S_ij = sum_s a_is a_js / sqrt(sum a_is^2 sum a_js^2)``, the cosine that UNIDO (1979, *World
    Industry since 1960*) uses for industrial structures.
    """
    years = positive(panel, shares[0]).index
    if year not in years:
        raise PanelError(f"year {year} is not in the panel; it has {years[0]} to {years[-1]}.")
    a = _shares(panel, shares)[years.get_loc(year)]
    length = np.linalg.norm(a, axis=1)
    units = positive(panel, shares[0]).columns
    return pd.DataFrame(a @ a.T / np.outer(length, length), index=units, columns=units)


def _shares(panel: pd.DataFrame, names: Sequence[str]) -> NDArray[np.float64]:
    """Shares as fractions, shape (T, N, S)."""
    if len(names) < 2:
        raise PanelError(f"shares {list(names)}: give at least two sectors.")
    tables = [positive(panel, name) for name in names]
    a = np.stack([table.to_numpy() for table in tables], axis=2)
    off = np.abs(a.sum(axis=2) - 100.0) > _ROUNDING * len(names)
    if off.any():
        t, i = (int(found[0]) for found in np.nonzero(off))
        raise PanelError(
            f"shares of {tables[0].columns[i]} in {tables[0].index[t]} sum to "
            f"{a[t, i].sum():.4g}, not 100 ({int(off.sum())} such cells); give all sectors."
        )
    return np.asarray(a / a.sum(axis=2, keepdims=True))
