"""Size of the LM tests, centred for the fixed effects and by the textbook."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ccec_econ.engine.estimate import Columns, estimate
from ccec_econ.engine.spectrum import spectrum
from ccec_econ.inference import lm
from ccec_econ.parallel import spread
from ccec_econ.simulation.rates import rate_error

__all__ = ["lm_study"]

_TESTS = ("LM lag", "LM error", "Robust LM lag", "Robust LM error")
_BETA = np.array([1.0, 0.5])


def lm_study(
    W: NDArray[np.float64],
    periods: int,
    *,
    draws: int,
    rng: np.random.Generator,
    level: float = 0.05,
) -> pd.DataFrame:
    """Reject a true null: LM tests after a two-way regression without spatial dependence.

    Two regressors with coefficients 1 and 0.5, and errors, all standard normal.

    Parameters
    ----------
    W : ndarray, shape (N, N)
        Row-standardised weights.
    level : float
        Nominal size.

    Returns
    -------
    DataFrame
        One row per test and version, "centred" or "uncentred": rate and rate_mcse.
    """
    weights = spectrum(W)
    critical = float(stats.chi2.ppf(1.0 - level, 1))

    def rejected(drawn: tuple[NDArray[np.float64], NDArray[np.float64]]) -> NDArray[np.bool_]:
        X, e = drawn
        y = X @ _BETA + e
        fit = estimate(
            Columns(y, X, ("x", "z"), (None, None)),
            weights=None,
            x_weights=None,
            error_weights=None,
            lag_y=False,
            effects="twoway",
            method="transformation",
        )
        versions = [lm.slopes(one, weights, weights) for one in (fit, lm.conventional(fit))]
        found = [
            [*(one.marginal(j) for j in (0, 1)), *(one.robust(j) for j in (0, 1))]
            for one in versions
        ]
        return np.array(found) > critical

    shape = periods, len(W)
    drawn = ((rng.standard_normal((*shape, 2)), rng.standard_normal(shape)) for _ in range(draws))
    rates = np.sum(spread(rejected, drawn), axis=0) / draws
    rows = [
        {"test": test, "version": version, "rate": rate, "rate_mcse": rate_error(rate, draws)}
        for version, counts in zip(("centred", "uncentred"), rates.tolist(), strict=True)
        for test, rate in zip(_TESTS, counts, strict=True)
    ]
    return pd.DataFrame(rows)
