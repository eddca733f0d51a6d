"""A fit as one column of a table of several fits: what every result tells `ce.table`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["EFFECTS_LONG", "EFFECTS_SHORT", "Column", "Kind", "kinds", "variance_note"]

Kind = Literal["own", "lag", "rho", "lam", "variance"]

EFFECTS_SHORT: Final = {"none": "none", "unit": "unit", "time": "time", "twoway": "unit, time"}
"""Fixed effects in a cell."""

EFFECTS_LONG: Final = {
    "none": "no fixed effects",
    "unit": "unit effects",
    "time": "time effects",
    "twoway": "unit and time effects",
}
"""Fixed effects in a sentence."""

_SSE = "σ² is the sum of squares over the observations in the likelihood."
_BIAS = "σ² is corrected for bias: it is not the sum of squares over the observations."
_FIRST_ORDER = (
    "σ² is corrected to first order for the unit effects: it is not the sum of squares over the "
    "observations."
)
_SAME = 1e-8  # relative distance below which sigma2 is the sum of squares over the observations


@dataclass(frozen=True, slots=True)
class Column:
    """What stands in one column besides estimates and standard errors.

    Attributes
    ----------
    heading : str
        Name of the model.
    kinds : tuple of str
        What each of ``params`` is, in their order; tables list own coefficients first, then spatial
        lags, rho, lam and variances.
    sigma2, loglik, rsquared : float
        NaN where a model has none.
    effects : str
        Effects of units and periods, and how they are treated.
    estimator : str
        Short name of the likelihood or of the moments.
    size : str
        Units times periods.
    nobs : int
        Observations that the likelihood counts.
    notes : tuple of str
        Sentences beneath the table, printed once however many columns say them.
    """

    heading: str
    kinds: tuple[Kind, ...]
    sigma2: float
    loglik: float
    rsquared: float
    effects: str
    estimator: str
    size: str
    nobs: int
    notes: tuple[str, ...] = ()


def variance_note(
    sigma2: float, nobs: int, residuals: NDArray[np.float64], *, bias_corrected: bool = False
) -> str:
    """Say what sigma2 is in a model with fixed effects: SSE over `nobs`, or a corrected one.

    Parameters
    ----------
    nobs : int
        Observations in the likelihood.
    residuals : ndarray
        Innovations, effects removed.
    bias_corrected : bool
        Whether the likelihood's bias was corrected, for where sigma2 is not SSE / nobs.

    Examples
    --------
    >>> import numpy as np
    >>> variance_note(2.0, 2, np.array([1.0, -1.0, 1.0, -1.0]))
    'σ² is the sum of squares over the observations in the likelihood.'
    """
    if np.isclose(float((residuals**2).sum()), sigma2 * nobs, rtol=_SAME, atol=0.0):
        return _SSE
    return _BIAS if bias_corrected else _FIRST_ORDER


def kinds(names: Iterable[str], lags: Collection[str] = ()) -> tuple[Kind, ...]:
    """Sort parameters by what they are.

    Parameters
    ----------
    names : iterable of str
        Names of parameters: terms, ``rho``, ``rho[name]``, ``lam``, ``phi``, ``sigma2``.
    lags : collection of str
        Terms that are spatial lags.

    Examples
    --------
    >>> kinds(["x", "W(x)", "rho[near]", "phi"], {"W(x)"})
    ('own', 'lag', 'rho', 'variance')
    """
    return tuple(_kind(name, lags) for name in names)


def _kind(name: str, lags: Collection[str]) -> Kind:
    if name == "rho" or name.startswith("rho["):
        return "rho"
    if name == "lam":
        return "lam"
    if name in ("phi", "sigma2"):
        return "variance"
    return "lag" if name in lags else "own"
