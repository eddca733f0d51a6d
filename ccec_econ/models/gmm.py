"""Spatial panels by instruments: two-stage least squares and the generalised method of moments.

    y_t = rho W y_t + X_t b + W X_t t + unit effects + time effects + u_t

with W y_t, and any regressor named endogenous, correlated with u_t. Nothing is assumed about the
distribution of u_t.

References
----------
Kelejian, H. H. and Prucha, I. R. (1998). A generalized spatial two-stage least squares procedure
for estimating a spatial autoregressive model with autoregressive disturbances. Journal of Real
Estate Finance and Economics 17, 99-121.
Lee, L.-F. (2003). Best spatial two-stage least squares estimators for a spatial autoregressive
model with autoregressive disturbances. Econometric Reviews 22, 307-335.
Lee, L.-F. (2007). GMM and 2SLS estimation of mixed regressive, spatial autoregressive models.
Journal of Econometrics 137, 489-514.
Lin, X. and Lee, L.-F. (2010). GMM estimation of spatial autoregressive models with unknown
heteroskedasticity. Journal of Econometrics 157, 34-52.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.engine.instruments import (
    Equation,
    Overidentification,
    TwoStage,
    project,
    refuse_unidentified,
    reinstrumented,
    two_stage,
)
from ccec_econ.engine.quadratic import (
    QuadraticMoments,
    Solution,
    diagonal_free,
    independent,
    minimise,
    moments,
    trace_free,
)
from ccec_econ.engine.spectrum import Spectrum
from ccec_econ.engine.transform import demean
from ccec_econ.errors import ConvergenceError, FormulaError, IdentificationError, WeightsError
from ccec_econ.inference.vcov import Covariance, Information, Vcov, cumulants
from ccec_econ.models.endogenous import Durbin, Options, Order, Problem, filled, prepare
from ccec_econ.models.fitting import AnyWeights
from ccec_econ.models.instrumental import InstrumentalResults, covariance, instrumented
from ccec_econ.weights import WeightsLike

__all__ = ["gmm", "s2sls"]

_INFORMATION = Information()


def s2sls(
    formula: str,
    data: pd.DataFrame,
    weights: AnyWeights | None = None,
    *,
    durbin: Durbin = None,
    endogenous: Sequence[str] = (),
    instruments: Sequence[str] = (),
    lag: bool = True,
    order: Order = 2,
    spatial_instruments: bool = True,
    best: bool = False,
    index: tuple[str, str] | None = None,
    cov: Covariance = _INFORMATION,
) -> InstrumentalResults:
    """Fit a panel model with fixed effects by (spatial) two-stage least squares.

    Parameters
    ----------
    formula : str
        The equation with all its regressors, endogenous ones too:
        ``"y ~ x1 + x2 | unit + year"``; ``W(x)`` lags a term.
    data, index
        As in `sar`.
    weights : Graph, W or mapping, optional
        Not needed without lags. Time effects need row-standardised weights. A mapping period ->
        Graph means weights that change over time.
    durbin : sequence of str or "all", optional
        Terms whose lags are regressors; none by default.
    endogenous : sequence of str
        Terms of the formula that are correlated with the disturbance; their lags are too.
    instruments : sequence of str
        Expressions in columns of the data that are not in the equation and exogenous.
    lag : bool
        Whether rho W y is in the equation.
    order : {1, 2, 3}
        Highest power of W by which exogenous regressors and instruments are lagged to give
        instruments of W y. With `durbin` the first is a regressor already.
    spatial_instruments : bool
        Whether to use such lags at all. Without W y they serve lags of endogenous terms only.
    best : bool
        Second step of Lee (2003): instruments are replaced by the fitted endogenous terms and
        G Z d, G = W (I - rho W)^-1, at the first step's estimates.
    cov : Covariance
        ``Information()``: homoskedastic, SSE/(observations - K), t; ``Cluster("unit")`` and
        ``Cluster("time")``: CR1, t(groups - 1). First stages and tests follow it.

    Returns
    -------
    InstrumentalResults

    Raises
    ------
    PanelError, FormulaError, AlignmentError, WeightsError, IdentificationError, ConvergenceError

    Notes
    -----
    Columns are lagged first and the effects removed afterwards. With H the exogenous columns and
    instruments so treated, d = (X'P_H X)^-1 X'P_H y.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> from ccec_econ.models.gmm import s2sls
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> fit = s2sls("growth ~ digital + hsr | unit + year", panel, ce.weights.contiguity())
    >>> list(fit.params.index)
    ['digital', 'hsr', 'rho']
    """
    options = Options(durbin, endogenous, instruments, lag, order, spatial_instruments, index)
    if best and not lag:
        raise FormulaError("best=True instruments W y and there is none; leave it out or lag=True.")
    problem = prepare("s2sls", formula, data, weights, options)
    eq = problem.equation
    fit = two_stage(eq, project(eq))
    if best:
        eq = _best_equation(problem, fit)
        refuse_unidentified(eq)
        fit = two_stage(eq, project(eq))
    return InstrumentalResults(
        "s2sls",
        problem.spec,
        problem.panel,
        problem.design,
        filled(problem, fit.coefficients, fit.residuals),
        covariance(eq, fit, cov),
        problem.equation,
        "best" if best else "2sls",
        instrumented(cov),
        used=eq,
    )


def gmm(
    formula: str,
    data: pd.DataFrame,
    weights: WeightsLike,
    *,
    durbin: Durbin = None,
    endogenous: Sequence[str] = (),
    instruments: Sequence[str] = (),
    order: Order = 2,
    heteroskedastic: bool = False,
    index: tuple[str, str] | None = None,
) -> InstrumentalResults:
    """Fit a spatial autoregressive panel model by GMM with linear and quadratic moments.

    Parameters
    ----------
    formula, data, weights, durbin, endogenous, instruments, order, index
        As in `s2sls`; the order is that of the first step.
    heteroskedastic : bool
        Whether units may differ in variance: forms without diagonal, moments weighted by unit
        clusters, so that dependence within units is allowed for too. Otherwise errors share one
        distribution, which need not be normal.

    Raises
    ------
    PanelError, FormulaError, AlignmentError, WeightsError, IdentificationError, ConvergenceError

    Notes
    -----
    First step: instruments of `s2sls` and forms from W and W^2, weighted as for errors of one
    variance. Second step, at the estimates of the first: instruments [Z, G Z d] with endogenous
    terms replaced by their fits, and forms from W and W G, G = W (I - rho W)^-1, which span W and G
    (Lee 2007; Lin and Lee 2010 without diagonal); optimal weights, normal reference. Forms are
    projected by J where time effects were removed; one that repeats another is left out, as W^2
    repeats W where all units of equal groups are neighbours.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> from ccec_econ.models.gmm import gmm
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> fit = gmm("growth ~ digital + hsr | unit + year", panel, ce.weights.contiguity())
    >>> fit.overidentification.df
    2
    """
    options = Options(durbin, endogenous, instruments, True, order, True, index)
    problem = prepare("gmm", formula, data, weights, options)
    eq, W = problem.equation, _weights(problem).W
    first = two_stage(eq, project(eq))
    H = np.column_stack([eq.X[:, list(eq.exogenous)], eq.Q])
    start = _stage(problem, H, [W, W @ W], first.coefficients, heteroskedastic, False)[1]
    residuals = eq.y - eq.X @ start
    used = _best_equation(problem, TwoStage(start, residuals, first.bread))
    G = _spread(_weights(problem), float(start[-1]))
    H = np.column_stack([eq.X[:, list(eq.exogenous)], used.Q])
    best, d, system = _stage(problem, H, [W, W @ G], start, heteroskedastic, heteroskedastic)
    residuals = eq.y - eq.X @ d
    df = len(system.at(best.d)) - len(d)
    return InstrumentalResults(
        "gmm",
        problem.spec,
        problem.panel,
        problem.design,
        filled(problem, d, residuals),
        _gmm_covariance(problem, system, best, residuals, heteroskedastic),
        eq,
        "gmm",
        "unit" if heteroskedastic else None,
        used=used,
        joint=Overidentification("Hansen", best.objective, df),
    )


def _weights(problem: Problem) -> Spectrum:
    weights = problem.estimate.weights
    if not isinstance(weights, Spectrum):
        raise WeightsError(
            "this step needs one Graph for all periods; with weights that change over time use "
            "s2sls with best=False."
        )
    return weights


def _spread(weights: Spectrum, rho: float) -> NDArray[np.float64]:
    """G = W (I - rho W)^-1.

    Raises
    ------
    ConvergenceError
        If rho leaves its interval.
    """
    lower, upper = weights.interval
    if not lower < rho < upper:
        raise ConvergenceError(
            f"the first step puts rho at {rho:.4f}, outside ({lower:.4f}, {upper:.4f}): no second "
            "step from there; the instruments are weak, look at the Anderson-Rubin set of s2sls."
        )
    return weights.G(rho)


def _best_equation(problem: Problem, fit: TwoStage) -> Equation:
    """Take fitted endogenous terms and G Z d, effects removed, for instruments.

    G Z d may repeat the regressors, as with lags of all of them and equal groups of neighbours.
    """
    eq, blank = problem.equation, problem.estimate
    at = project(eq)
    inner = [j for j in eq.endogenous if j < len(blank.terms)]
    fitted = at.basis @ at.X[:, inner]
    Z = eq.X[:, : len(blank.terms)].copy()
    Z[:, inner] = fitted
    mean = (Z @ fit.coefficients[: len(blank.terms)]).reshape(eq.shape)
    spread = mean @ _spread(_weights(problem), float(fit.coefficients[-1])).T
    names = (*(f"fitted {eq.terms[j]}" for j in inner), "G Z d")
    Q = np.column_stack([fitted, demean(spread, blank.effects).ravel()])
    return reinstrumented(eq, Q, names)


def _stage(
    problem: Problem,
    H: NDArray[np.float64],
    forms: list[NDArray[np.float64]],
    start: NDArray[np.float64],
    heteroskedastic: bool,
    clustered: bool,
) -> tuple[Solution, NDArray[np.float64], QuadraticMoments]:
    """Minimise the moments with weights taken at `start`; coefficients in units of the data."""
    eq, blank = problem.equation, problem.estimate
    free = diagonal_free if heteroskedastic else trace_free
    time = blank.effects in ("time", "twoway")
    size = [float(np.linalg.norm(form)) for form in forms]
    P = independent([free(form, time) for form in forms], size)
    if H.shape[1] + len(P) < eq.X.shape[1]:
        raise IdentificationError(
            f"{eq.X.shape[1]} coefficients and {H.shape[1] + len(P)} moments that do not repeat "
            "each other; use s2sls with other instruments, or weights that tell near from far."
        )
    system = moments(eq.y, eq.X, H, P, eq.shape, blank.reduction)
    variance = _variance(problem, system, start * system.length, clustered)
    best = minimise(system, variance, _weights(problem).interval)
    return best, best.d / system.length, system


def _variance(
    problem: Problem, system: QuadraticMoments, d: NDArray[np.float64], clustered: bool
) -> NDArray[np.float64]:
    if clustered:
        return system.clustered_variance(d)
    e = system.disturbances(d)
    effects = problem.estimate.effects
    within_units = effects in ("unit", "twoway")  # then third moments drop from the variance
    return system.variance(d, *cumulants(e, effects, third=not within_units))


def _gmm_covariance(
    problem: Problem,
    system: QuadraticMoments,
    best: Solution,
    residuals: NDArray[np.float64],
    heteroskedastic: bool,
) -> Vcov:
    """(D'V^-1 D)^-1 with V at the estimates."""
    variance = _variance(problem, system, best.d, heteroskedastic)
    D = system.slope(best.d)
    matrix = np.linalg.inv(D.T @ np.linalg.solve(variance, D))
    matrix /= np.outer(system.length, system.length)
    if not heteroskedastic:
        return Vcov(matrix, None, "efficient GMM, independent errors of one variance, normal")
    N = problem.equation.shape[1]
    text = f"efficient GMM, clustered by unit, {N} clusters, t({N - 1})"
    return Vcov(matrix * N / (N - 1), N - 1, text)
