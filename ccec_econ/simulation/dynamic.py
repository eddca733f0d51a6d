"""Means of the dynamic model before and after the correction of its bias."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.engine.dynamic import TimeLags, corrected, estimate_dynamic
from ccec_econ.engine.estimate import Columns, Estimate
from ccec_econ.engine.spectrum import Spectrum, spectrum
from ccec_econ.errors import ConvergenceError
from ccec_econ.parallel import spread
from ccec_econ.simulation.designs import DynamicDesign, draw_dynamic
from ccec_econ.simulation.rates import mean_row

__all__ = ["dynamic_study"]

_LAGS = TimeLags(0, 1)
_BLOCK = 250  # panels drawn at a time
type _Panel = tuple[NDArray[np.float64], ...]  # y (T + 1, N), x (T, N)


def dynamic_study(
    design: DynamicDesign,
    W: NDArray[np.float64],
    periods: int,
    *,
    draws: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Estimate simulated dynamic panels by quasi-likelihood, uncorrected and corrected.

    Parameters
    ----------
    W : ndarray, shape (N, N)
        Row-standardised weights.
    periods : int
        T, not counting the period that only gives y_{t-1}.

    Returns
    -------
    DataFrame
        One row per estimator and parameter: truth, mean, bias, sd, mcse and failed, the share of
        draws without an interior estimate or without a correction; both estimators are measured
        on the others. The disturbance has variance one.

    Raises
    ------
    ConvergenceError
        If no draw has both estimates.

    References
    ----------
    Yu, J., de Jong, R. and Lee, L.-F. (2008), Journal of Econometrics 146, 118-134.
    """
    weights = spectrum(W)
    truth = {
        "tau": design.tau,
        "eta": design.eta,
        "beta": design.beta,
        "rho": design.rho,
        "sigma2": 1.0,
    }

    def both(panel: _Panel) -> list[list[float]] | None:
        try:
            quasi = _fit(panel, weights)
            return [_values(quasi), _values(corrected(quasi, _LAGS))]
        except ConvergenceError:
            return None

    sizes = (min(_BLOCK, draws - start) for start in range(0, draws, _BLOCK))
    blocks = (zip(*draw_dynamic(design, W, periods, size, rng), strict=True) for size in sizes)
    found = [one for one in spread(both, chain.from_iterable(blocks)) if one is not None]
    if not found:
        raise ConvergenceError(
            f"none of {draws} draws has an interior estimate that can be corrected; draw more, or "
            "panels with less dependence."
        )
    rows = []
    for estimator, values in zip(("uncorrected", "corrected"), zip(*found, strict=True)):
        for name, column in zip(truth, np.array(values).T, strict=True):
            rows.append(
                {"estimator": estimator, "parameter": name}
                | mean_row(column, truth[name])
                | {"failed": 1.0 - len(values) / draws}
            )
    return pd.DataFrame(rows)


def _fit(panel: _Panel, weights: Spectrum) -> Estimate:
    y, x = panel
    X = np.dstack([y[:-1], y[:-1] @ weights.W.T, x])
    columns = Columns(y[1:], X, ("L(y)", "W(L(y))", "x"), (None, "L(y)", None))
    return estimate_dynamic(columns, weights=weights, x_weights=None, effects="twoway")


def _values(fit: Estimate) -> list[float]:
    best = fit.optimum
    return [*best.coefficients, best.rho, best.sigma2]
