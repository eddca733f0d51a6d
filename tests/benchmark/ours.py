"""What is timed of this package: each function prepares a panel and returns the work itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import ccec_econ as ce
from benchmark.panels import Simulated

type Work = Callable[[], object]


def sdm(panel: Simulated) -> Work:
    """Two-way SDM with standard errors and p-values."""
    data, formula = panel.data, f"{_right(panel)} | unit + year"
    return lambda: _inference(ce.sdm(formula, data, panel.weights))


def sar(panel: Simulated) -> Work:
    """Lag model with unit effects, the one that spreg has."""
    data, formula = panel.data, f"{_right(panel)} | unit"
    return lambda: _inference(ce.sar(formula, data, panel.weights))


def refit(panel: Simulated) -> Work:
    """The SDM without one regressor and its lag, with standard errors, from the first fit."""
    fit = ce.sdm(f"{_right(panel)} | unit + year", panel.data, panel.weights)
    return lambda: _inference(fit.without(panel.regressors[-1]))


def specification_curve(panel: Simulated) -> Work:
    """Every subset of the controls in five models under two sets of effects."""
    focus, *controls = panel.regressors
    return partial(
        ce.specification_curve,
        panel.data,
        outcome="y",
        focus=focus,
        controls=controls,
        weights=panel.weights,
        models=("slx", "sar", "sem", "sdm", "sdem"),
        effects=("unit", "twoway"),
    )


def effects(panel: Simulated) -> Work:
    """Effects of a fitted SDM with 1,000 simulated draws."""
    fit = ce.sdm(f"{_right(panel)} | unit + year", panel.data, panel.weights)
    return partial(fit.effects, draws=1000)


def lm_tests(panel: Simulated) -> Work:
    """All centred LM tests after a two-way OLS fit."""
    fit = ce.ols(f"{_right(panel)} | unit + year", panel.data)
    return partial(ce.lm_tests, fit, panel.weights, conditional=False)


def conditional_lm_tests(panel: Simulated) -> Work:
    """The same, and each parameter given an estimate of the other."""
    fit = ce.ols(f"{_right(panel)} | unit + year", panel.data)
    return partial(ce.lm_tests, fit, panel.weights)


def _right(panel: Simulated) -> str:
    return f"y ~ {' + '.join(panel.regressors)}"


def _inference(fit: ce.SpatialPanelResults) -> object:
    return fit.params, fit.std_errors, fit.pvalues
