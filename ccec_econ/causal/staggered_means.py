"""Group-time effects without covariates, by means alone: fast enough to permute."""

from __future__ import annotations

import numpy as np

from ccec_econ.causal.design import Controls, Design
from ccec_econ.errors import IdentificationError

__all__ = ["group_time_means", "group_time_t"]


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
    y, adoption, periods = design.y, design.adoption, design.periods
    latest = float(design.last_compared)
    total, cells = np.zeros(y.shape[1]), 0
    estimate = 0.0
    for g in design.cohorts.index:
        ours = adoption == g
        n = int(ours.sum())
        before = y[int(g) + design.base - periods[0]]
        for t in periods[(periods >= g) & (periods <= latest)]:
            until = latest if controls == "never_treated" else float(t) + design.anticipation
            clean = (adoption > until) & ~ours
            if not clean.any():
                continue
            change = y[t - periods[0]] - before
            risen, usual = change[ours].mean(), change[clean].mean()
            estimate += n * (risen - usual)
            total[ours] += change[ours] - risen
            total[clean] -= n * (change[clean] - usual) / clean.sum()
            cells += n
    if not cells:
        raise IdentificationError("no treated unit-period has clean controls; check the dates.")
    return float(estimate / cells), float(np.sqrt((total**2).sum()) / cells)


def group_time_t(design: Design, controls: Controls = "not_yet_treated") -> float:
    """Return the t-statistic of `group_time_means`, for `permute`."""
    estimate, std_error = group_time_means(design, controls)
    return estimate / std_error
