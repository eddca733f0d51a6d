"""Sigma with and without the part of dispersion that neighbours share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize, stats

from ccec_econ.convergence.tables import positive
from ccec_econ.engine.spectrum import spectrum
from ccec_econ.errors import WeightsError
from ccec_econ.weights import WeightsLike, align, is_row_standardised

__all__ = ["SpatialSigma", "spatial_sigma"]

_MARGIN = 1e-6  # distance from the ends of rho's interval at which the search stops


@dataclass(frozen=True, slots=True)
class SpatialSigma:
    """Dispersion of logarithms by year, spatially filtered beside plain.

    Attributes
    ----------
    frame : DataFrame
        By year: ``sigma``, and ``filtered``, that of (I - rho W) ln y.
    rho : float
        Estimated over all years.
    lower, upper : float
        95 % interval of rho by the likelihood ratio.
    """

    frame: pd.DataFrame
    rho: float
    lower: float
    upper: float


def spatial_sigma(panel: pd.DataFrame, column: str, weights: WeightsLike) -> SpatialSigma:
    """Measure sigma after taking out what neighbours share.

    Parameters
    ----------
    panel : DataFrame
        Indexed (unit, year).
    column : str
        Positive levels; the logarithm is taken here.
    weights : Graph or W
        Row-standardised, matched by label.

    Raises
    ------
    PanelError
        If values are missing or not positive.
    AlignmentError
        If weights and panel differ.
    WeightsError
        If the weights are not row-standardised.

    Notes
    -----
    rho maximises the transformation likelihood of ``ln y_t = rho W ln y_t + time effect + v_t``:
    ``-(T(N - 1)/2) ln SSE(rho) + T [ln|I - rho W| - ln(1 - rho)]``. Unit effects stay in the
    disturbance, because sigma measures them; years are then not independent, and the interval of
    rho is too narrow. ``filtered`` is the standard deviation of (I - rho W) ln y_t, mean removed
    (Rey and Dev 2006, *Papers in Regional Science* 85(2), 217-234, on sigma with spatial effects).
    """
    table = positive(panel, column)
    W = align(weights, table.columns)
    if not is_row_standardised(W):
        raise WeightsError("spatial sigma needs row-standardised weights; use row_standardise(W).")
    logs = np.log(table.to_numpy())
    own = logs - logs.mean(axis=1, keepdims=True)
    lag = logs @ W.T
    lag = lag - lag.mean(axis=1, keepdims=True)
    T, N = logs.shape
    projected = spectrum(W).project()

    def loglik(rho: float) -> float:
        sse = float(((own - rho * lag) ** 2).sum())
        return float(T * projected.logdet(rho) - 0.5 * T * (N - 1) * np.log(sse))

    low, high = projected.interval
    span = (low + _MARGIN, high - _MARGIN)
    rho = float(
        optimize.minimize_scalar(
            lambda r: -loglik(r), bounds=span, method="bounded", options={"xatol": 1e-10}
        ).x
    )
    cut = loglik(rho) - 0.5 * float(stats.chi2.ppf(0.95, 1))
    ends = [
        float(optimize.brentq(lambda r: loglik(r) - cut, min(rho, end), max(rho, end)))
        if loglik(end) < cut
        else end
        for end in span
    ]
    filtered = own - rho * lag
    frame = pd.DataFrame(
        {"sigma": own.std(axis=1), "filtered": filtered.std(axis=1)}, index=table.index
    )
    return SpatialSigma(frame, rho, ends[0], ends[1])
