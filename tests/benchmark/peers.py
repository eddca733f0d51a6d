"""What is timed of other packages, in the form that costs them least.

spreg gets arrays in its own order and a classic W. linearmodels and pyfixest get the lags of the
regressors ready-made.
"""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pyfixest
import spreg
from linearmodels.panel import PanelOLS
from numpy.typing import NDArray

from benchmark.ours import Work
from benchmark.panels import Simulated


def spreg_lag(panel: Simulated) -> Work:
    """Lag model with unit effects."""
    y, x = _time_major(panel)
    w = panel.weights.to_W()
    return lambda: spreg.Panel_FE_Lag(y, x, w)


def spreg_sdm(panel: Simulated) -> Work:
    """SDM with unit effects and T - 1 time dummies."""
    y, x = _time_major(panel)
    w = panel.weights.to_W()

    def work() -> object:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints its own name
            return spreg.ML_LagFE(y, x, w, slx_lags=1, time_effects=True)

    return work


def spreg_lm_tests(panel: Simulated) -> Work:
    """Lag and error tests and their robust forms, on columns whose effects are removed."""
    within = panel.frame - panel.frame.groupby("unit").transform("mean")
    within = within - within.groupby("year").transform("mean")
    y, x = _time_major(Simulated(within, panel.weights, panel.K))
    w = panel.weights.to_W()
    tests = (spreg.panel_LMlag, spreg.panel_LMerror, spreg.panel_rLMlag, spreg.panel_rLMerror)
    return lambda: [test(y, x, w) for test in tests]


def linearmodels_ols(panel: Simulated) -> Work:
    """Two-way OLS on the regressors and their lags."""
    y, x = panel.frame["y"], panel.frame[panel.regressors + panel.lags]

    def work() -> object:
        fit = PanelOLS(y, x, entity_effects=True, time_effects=True).fit()
        return fit.params, fit.std_errors, fit.pvalues

    return work


def pyfixest_ols(panel: Simulated) -> Work:
    """Two-way OLS on the regressors and their lags."""
    flat = panel.frame.reset_index()
    formula = f"y ~ {' + '.join(panel.regressors + panel.lags)} | unit + year"

    def work() -> object:
        fit = pyfixest.feols(formula, flat, vcov="iid")
        return fit.coef(), fit.se(), fit.pvalue()

    return work


def _time_major(panel: Simulated) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    ordered = panel.data.swaplevel().sort_index()
    return ordered[["y"]].to_numpy(), ordered[panel.regressors].to_numpy()
