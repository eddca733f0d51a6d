"""P-values for several hypotheses at once: Holm, and Romano-Wolf from bootstrap draws."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.errors import AlignmentError, IdentificationError, first_five

__all__ = ["TIE", "holm", "romano_wolf", "step_down"]

TIE = 1e-9
"""Statistics closer than this share are equal: a draw may repeat the data."""


def holm(pvalues: pd.Series) -> pd.Series:
    """Adjust p-values so that the chance of any false rejection stays below the level.

    Raises
    ------
    ValueError
        If a p-value is missing or outside [0, 1].

    Notes
    -----
    With p_(1) <= ... <= p_(m): adjusted p_(j) = max_{l <= j} min(1, (m - l + 1) p_(l)). Holds
    whatever the dependence between the tests.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6, 65-70.
    """
    p = pvalues.to_numpy(dtype=np.float64)
    bad = pvalues.index[~((p >= 0.0) & (p <= 1.0))]
    if len(bad):
        raise ValueError(f"p-values of {first_five(bad)} are not in [0, 1]; leave these tests out.")
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    out = np.empty_like(p)
    out[order] = np.minimum(stepped, 1.0)
    return pd.Series(out, index=pvalues.index, name="holm")


def romano_wolf(estimates: pd.Series, draws: pd.DataFrame) -> pd.Series:
    """Adjust for several two-sided tests of zero by the step-down method, from bootstrap draws.

    Parameters
    ----------
    estimates : Series
        The estimates tested, by name.
    draws : DataFrame
        Bootstrap estimates, one row per draw; the columns must hold the names of `estimates`.

    Returns
    -------
    Series
        Adjusted p-values.

    Raises
    ------
    AlignmentError
        If a name has no draws.
    IdentificationError
        If the draws of a name do not vary.

    Notes
    -----
    t_s = |d_s| / se_s and t*_s = |d*_s - d_s| / se_s with se_s the spread of the draws. In order
    of falling t the adjusted p is (1 + #{max_{l >= j} t*_l >= t_j}) / (1 + draws), made monotone.
    Draws are joint, so dependence between the estimates counts, where Holm must assume the worst.

    References
    ----------
    Romano and Wolf (2016), Statistics and Probability Letters 113, 38-40.
    """
    missing = [name for name in estimates.index if name not in draws.columns]
    if missing:
        raise AlignmentError(
            f"no draws of {first_five(missing)}; there are those of {first_five(draws.columns)}."
        )
    point = estimates.to_numpy(dtype=np.float64)
    sample = draws[list(estimates.index)].to_numpy(dtype=np.float64)
    error = sample.std(axis=0, ddof=1)
    if not (error > 0.0).all():
        still = estimates.index[~(error > 0.0)]
        raise IdentificationError(f"draws of {first_five(still)} do not vary; leave these out.")
    p = step_down(np.abs(point) / error, np.abs(sample - point) / error)
    return pd.Series(p, index=estimates.index, name="romano_wolf")


def step_down(
    t: NDArray[np.float64], drawn: NDArray[np.float64], *, enumerated: bool = False
) -> NDArray[np.float64]:
    """Adjust p-values of statistics by the largest of their joint draws under the nulls.

    Parameters
    ----------
    t : ndarray, shape (m,)
        Statistics, larger where farther from the null.
    drawn : ndarray, shape (D, m)
        Draws of the same statistics, each under its null; NaN where a draw has none.
    enumerated : bool
        Whether draws are all there are, the data among them: nothing is then added to the counts.

    Returns
    -------
    ndarray, shape (m,)
        In order of falling t, #{max_{l >= j} t*_l >= t_j} / D, or (1 + #) / (1 + D), made monotone.
    """
    order = np.argsort(-t, kind="stable")
    largest = np.fmax.accumulate(drawn[:, order][:, ::-1], axis=1)[:, ::-1]
    extra = 0 if enumerated else 1
    p = (extra + (largest >= t[order] * (1.0 - TIE)).sum(axis=0)) / (extra + len(drawn))
    out = np.empty_like(p)
    out[order] = np.maximum.accumulate(p)
    return out
