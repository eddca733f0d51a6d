"""Group-time effects without covariates, by means alone: fast enough to permute."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ccec_econ.causal.design import Controls, Design
from ccec_econ.errors import IdentificationError

__all__ = ["group_time_contrast", "group_time_means", "group_time_t"]


def group_time_means(design: Design, controls: Controls = "not_yet_treated") -> tuple[float, float]:
    """Return the overall effect of Callaway and Sant'Anna and a standard error.

    Parameters
    ----------
    design : Design
    controls : {"not_yet_treated", "never_treated"}
        With never-treated controls the estimate is that of Sun and Abraham too.

    Returns
    -------
    estimate, std_error : float
        Mean over treated unit-periods with clean controls, as `staggered` gives it; the error from
        influence functions summed by unit, shares of cohorts taken as fixed.

    Raises
    ------
    IdentificationError
        If no treated unit-period has clean controls.

    Examples
    --------
    >>> import pandas as pd
    >>> from ccec_econ.causal import staggered_design
    >>> index = pd.MultiIndex.from_product([range(4), [1, 2, 3]], names=["unit", "year"])
    >>> y = pd.DataFrame({"y": [0, 1, 4, 0, 0, 5, 0, 1, 2, 0, 0, 2]}, index=index)
    >>> design = staggered_design(y, "y", pd.Series([3, 3, None, None], dtype="Int64"))
    >>> estimate, std_error = group_time_means(design)
    >>> estimate, round(std_error, 4)
    (2.5, 0.7906)
    """
    estimate, influence = _influence(design, controls, design.ever)
    return estimate, float(np.sqrt((influence**2).sum()))


def group_time_contrast(
    design: Design,
    one: NDArray[np.bool_],
    other: NDArray[np.bool_],
    controls: Controls = "not_yet_treated",
) -> tuple[float, float]:
    """Return the effect on one set of treated units less that on another, and its error.

    Parameters
    ----------
    design : Design
    one, other : ndarray of bool, shape (N,)
        Units of each set; those not treated in the panel do not count.
    controls : {"not_yet_treated", "never_treated"}
        Units of any set.

    Returns
    -------
    estimate, std_error : float
        The sets share their controls, whose influence cancels in part.

    Raises
    ------
    IdentificationError
        If a set has no treated unit-period with clean controls.

    Examples
    --------
    >>> import pandas as pd
    >>> from ccec_econ.causal import staggered_design
    >>> index = pd.MultiIndex.from_product([range(6), [1, 2]], names=["unit", "year"])
    >>> y = pd.DataFrame({"y": [0, 4, 0, 5, 0, 1, 0, 2, 0, 0, 0, 1]}, index=index)
    >>> design = staggered_design(y, "y", pd.Series([2, 2, 2, 2, None, None], dtype="Int64"))
    >>> first = np.arange(6) < 2
    >>> estimate, std_error = group_time_contrast(design, first, ~first)
    >>> estimate, round(std_error, 4)  # 4.5 - 1.5; the controls cancel
    (3.0, 0.5)
    """
    (a, ours), (b, theirs) = (_influence(design, controls, part) for part in (one, other))
    return a - b, float(np.sqrt(((ours - theirs) ** 2).sum()))


def _influence(
    design: Design, controls: Controls, counted: NDArray[np.bool_]
) -> tuple[float, NDArray[np.float64]]:
    """Mean effect over treated unit-periods of the units counted, and influence by unit, (N,)."""
    y, adoption, periods = design.y, design.adoption, design.periods
    latest = float(design.last_compared)
    total, cells = np.zeros(y.shape[1]), 0
    estimate = 0.0
    for g in design.cohorts.index:
        ours = (adoption == g) & counted
        n = int(ours.sum())
        before = y[int(g) + design.base - periods[0]]
        for t in periods[(periods >= g) & (periods <= latest)]:
            until = latest if controls == "never_treated" else float(t) + design.anticipation
            clean = adoption > until
            if not n or not clean.any():
                continue
            change = y[t - periods[0]] - before
            risen, usual = change[ours].mean(), change[clean].mean()
            estimate += n * (risen - usual)
            total[ours] += change[ours] - risen
            total[clean] -= n * (change[clean] - usual) / clean.sum()
            cells += n
    if not cells:
        raise IdentificationError("no treated unit-period has clean controls; check the dates.")
    return float(estimate / cells), total / cells


def group_time_t(design: Design, controls: Controls = "not_yet_treated") -> float:
    """Return the t-statistic of `group_time_means`, for `permute`."""
    estimate, std_error = group_time_means(design, controls)
    return estimate / std_error
