"""Static spatial panel models. Each verb names a model; all share one likelihood.

    y_t = rho W y_t + X_t b + W X_t t + unit effects + time effects + u_t,   u_t = lam M u_t + v_t

========  ===========  ===========  =========
model     rho W y      W X          lam M u
========  ===========  ===========  =========
``ols``   no           no           no
``slx``   no           yes          no
``sar``   yes          no           no
``sem``   no           no           yes
``sdm``   yes          yes          no
``sdem``  no           yes          yes
``sac``   yes          no           yes
``gns``   yes          yes          yes
========  ===========  ===========  =========

References
----------
Lee, L.-F. and Yu, J. (2010). Estimation of spatial autoregressive panel data models with fixed
effects. Journal of Econometrics 154, 165-185.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import pandas as pd

from ccec_econ.engine.transform import Method
from ccec_econ.errors import FormulaError, WeakIdentificationWarning
from ccec_econ.inference.vcov import Covariance, Information
from ccec_econ.models import dynamic
from ccec_econ.models.fitting import AnyWeights, Model, Options, fit_model
from ccec_econ.models.results import SpatialPanelResults
from ccec_econ.models.time_lags import has_time_lag
from ccec_econ.models.unbalanced import fit_unbalanced
from ccec_econ.weights import WeightsLike

__all__ = ["MODELS", "gns", "ols", "sac", "sar", "sdem", "sdm", "sem", "slx"]

_OLS = Model("ols")
_SLX = Model("slx", lag_x=True)
_SAR = Model("sar", lag_y=True)
_SEM = Model("sem", lag_u=True)
_SDM = Model("sdm", lag_y=True, lag_x=True)
_SDEM = Model("sdem", lag_x=True, lag_u=True)
_SAC = Model("sac", lag_y=True, lag_u=True)
_GNS = Model("gns", lag_y=True, lag_x=True, lag_u=True)
MODELS = {one.name: one for one in (_OLS, _SLX, _SAR, _SEM, _SDM, _SDEM, _SAC, _GNS)}
"""Static models by name."""

_INFORMATION = Information()


def ols(
    formula: str,
    data: pd.DataFrame,
    *,
    index: tuple[str, str] | None = None,
    cov: Covariance = _INFORMATION,
    unbalanced: bool = False,
) -> SpatialPanelResults:
    """Fit a fixed-effects regression without spatial lags.

    Parameters
    ----------
    formula : str
        ``"y ~ x1 + x2 | unit + year"``; behind the bar stand index levels of the panel.
    data : DataFrame
        Balanced panel indexed (unit, time), or with the two columns named by `index`.
    index : tuple of str, optional
        Columns of unit and time, where they are not the index.
    cov : Covariance
        ``Information()``, ``QuasiML()``, ``Cluster("unit")``, ``Cluster("time")`` (both also
        ``kind="CR2"``), ``DriscollKraay(lags)`` or ``Conley(distances, cutoff)``; CR2 and Conley
        only without rho and lam.
    unbalanced : bool
        Whether units may miss periods. By default a missing row is refused. Otherwise the unit is
        absent in that period: it is nobody's neighbour, and weights are taken, and row-standardised
        again, among the units present. That is right if units do not exist in the periods that
        are missing. If they exist and are merely not observed, they still act on their neighbours,
        and rho and lam are biased towards zero: with 20 % of cells missing rho was about .3 for
        .4 in simulations. Without unit effects, or without rho and lam, the likelihood is exact;
        with both, rho and lam have a bias of order 1/T (`ccec_econ.engine.unbalanced`).
        The covariances are then ``Information()``, ``QuasiML()`` and ``Cluster()``.

    Returns
    -------
    SpatialPanelResults

    Raises
    ------
    PanelError, FormulaError, IdentificationError

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> fit = ce.ols("growth ~ digital + hsr + rd | unit + year", panel)
    >>> list(fit.params.index)
    ['digital', 'hsr', 'rd']
    """
    return _fitted(_OLS, formula, data, None, Options(index=index, cov=cov, unbalanced=unbalanced))


def slx(
    formula: str,
    data: pd.DataFrame,
    weights: AnyWeights,
    *,
    durbin: Sequence[str] | None = None,
    index: tuple[str, str] | None = None,
    cov: Covariance = _INFORMATION,
    unbalanced: bool = False,
) -> SpatialPanelResults:
    """Fit a regression with spatial lags of the regressors.

    Parameters
    ----------
    formula, data, index, cov, unbalanced
        As in `ols`. ``W(x)`` in the formula lags a term; then nothing else is lagged.
        ``unbalanced=True`` is right if missing units do not exist then, see `ols`.
    weights : Graph or W
        Matched to the panel by label.
    durbin : sequence of str, optional
        Terms to lag; all of them by default.

    Raises
    ------
    PanelError, FormulaError, AlignmentError, WeightsError, IdentificationError

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> W = ce.weights.contiguity()
    >>> list(ce.slx("growth ~ digital | unit + year", panel, W).params.index)
    ['digital', 'W(digital)']
    >>> list(ce.slx("growth ~ digital + hsr + W(hsr) | unit + year", panel, W).params.index)
    ['digital', 'hsr', 'W(hsr)']
    """
    return _fitted(
        _SLX,
        formula,
        data,
        weights,
        Options(durbin=durbin, index=index, cov=cov, unbalanced=unbalanced),
    )


def sar(
    formula: str,
    data: pd.DataFrame,
    weights: AnyWeights,
    *,
    x_weights: AnyWeights | None = None,
    method: Method = "transformation",
    correction: bool = True,
    index: tuple[str, str] | None = None,
    cov: Covariance = _INFORMATION,
    unbalanced: bool = False,
) -> SpatialPanelResults:
    """Fit a spatial autoregressive panel model by maximum likelihood.

    Parameters
    ----------
    formula, data, index, cov, unbalanced
        As in `slx`.
        ``unbalanced=True`` is right if missing units do not exist then, see `ols`.
    weights : Graph or W, or mapping
        Time effects need row-standardised weights. A mapping period -> Graph means weights that
        change over time: time effects leave exactly, unit effects are demeaned and the variance
        corrected to first order.
    x_weights : Graph or W, optional
        Weights behind ``W(x)`` in the formula, where they are not those of the response.
    method : {"transformation", "direct", "bias_corrected"}
        Lee-Yu transformation likelihood (default); the direct likelihood, which is biased when N
        is small, and its bias-corrected version reproduce older software.

    correction : bool
        Only for formulas with time lags ``L(y)`` or ``W(L(y))``: whether the bias of the dynamic
        model is corrected (see `ccec_econ.models.dynamic`, which fits it).

    Raises
    ------
    PanelError, FormulaError, AlignmentError, WeightsError, IdentificationError, ConvergenceError

    Notes
    -----
    ``y_t = rho W y_t + X_t b + unit and time effects + e_t``, e_t normal with variance s2.
    Effects removed, m rows are left in each of tau periods, and rho maximises
    ``-(m tau / 2) [log(2 pi s2) + 1] + tau log|I - rho W|`` with ``s2 = SSE(rho) / (m tau)`` and b
    by least squares given rho; see `ccec_econ.engine.likelihood`.
    Tests: tests/property/test_estimators.py (dense brute force), tests/oracle/test_spatialreg.py.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> fit = ce.sar("growth ~ digital | unit + year", panel, ce.weights.contiguity())
    >>> list(fit.params.index)
    ['digital', 'rho']
    """
    if has_time_lag(formula):
        _refuse_static_options(unbalanced, method, x_weights)
        return dynamic.sar(
            formula,
            data,
            weights,
            correction=correction,
            index=index,
            cov=cov,
        )
    options = Options(
        x_weights=x_weights, method=method, index=index, cov=cov, unbalanced=unbalanced
    )
    return _fitted(_SAR, formula, data, weights, options)


def sem(
    formula: str,
    data: pd.DataFrame,
    weights: AnyWeights,
    *,
    method: Method = "transformation",
    index: tuple[str, str] | None = None,
    cov: Covariance = _INFORMATION,
    unbalanced: bool = False,
) -> SpatialPanelResults:
    """Fit a spatial error panel model by maximum likelihood.

    Parameters
    ----------
    formula, data, method, index, cov, unbalanced
        As in `sar`.
        ``unbalanced=True`` is right if missing units do not exist then, see `ols`.
    weights : Graph or W
        Weights of the errors.

    Raises
    ------
    PanelError, FormulaError, AlignmentError, WeightsError, IdentificationError, ConvergenceError

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> fit = ce.sem("growth ~ digital | unit + year", panel, ce.weights.contiguity())
    >>> list(fit.params.index)
    ['digital', 'lam']
    """
    return _fitted(
        _SEM,
        formula,
        data,
        weights,
        Options(method=method, index=index, cov=cov, unbalanced=unbalanced),
    )


def sdm(
    formula: str,
    data: pd.DataFrame,
    weights: AnyWeights,
    *,
    durbin: Sequence[str] | None = None,
    x_weights: AnyWeights | None = None,
    method: Method = "transformation",
    correction: bool = True,
    index: tuple[str, str] | None = None,
    cov: Covariance = _INFORMATION,
    unbalanced: bool = False,
) -> SpatialPanelResults:
    """Fit a spatial Durbin panel model by maximum likelihood.

    Parameters
    ----------
    formula, data, weights, method, index, cov, unbalanced
        As in `sar`.
        ``unbalanced=True`` is right if missing units do not exist then, see `ols`.
    durbin : sequence of str, optional
        Terms to lag; all of them by default.
    x_weights : Graph or W, optional
        Weights of the regressors, where they are not those of the response.

    correction : bool
        Only for formulas with time lags ``L(y)`` or ``W(L(y))``: whether the bias of the dynamic
        model is corrected (see `ccec_econ.models.dynamic`, which fits it).

    Raises
    ------
    PanelError, FormulaError, AlignmentError, WeightsError, IdentificationError, ConvergenceError

    Notes
    -----
    ``y_t = rho W y_t + X_t b + W X_t t + unit and time effects + e_t``; likelihood as in `sar`,
    see `ccec_econ.engine.likelihood`. t = 0 is the SAR, t = -rho b the SEM.
    Tests: tests/property/test_estimators.py (dense brute force), tests/oracle/test_spatialreg.py.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> fit = ce.sdm("growth ~ digital | unit + year", panel, ce.weights.contiguity())
    >>> list(fit.params.index)
    ['digital', 'W(digital)', 'rho']
    """
    if has_time_lag(formula):
        _refuse_static_options(unbalanced, method)
        return dynamic.sdm(
            formula,
            data,
            weights,
            durbin=durbin,
            x_weights=x_weights,
            correction=correction,
            index=index,
            cov=cov,
        )
    options = Options(durbin, x_weights, method=method, index=index, cov=cov, unbalanced=unbalanced)
    return _fitted(_SDM, formula, data, weights, options)


def sdem(
    formula: str,
    data: pd.DataFrame,
    weights: AnyWeights,
    *,
    durbin: Sequence[str] | None = None,
    error_weights: AnyWeights | None = None,
    method: Method = "transformation",
    index: tuple[str, str] | None = None,
    cov: Covariance = _INFORMATION,
    unbalanced: bool = False,
) -> SpatialPanelResults:
    """Fit a spatial Durbin error panel model by maximum likelihood.

    Parameters
    ----------
    formula, data, weights, durbin, method, index, cov, unbalanced
        As in `sdm`; `weights` lag the regressors.
        ``unbalanced=True`` is right if missing units do not exist then, see `ols`.
    error_weights : Graph or W, optional
        Weights of the errors, where they are others.

    Raises
    ------
    PanelError, FormulaError, AlignmentError, WeightsError, IdentificationError, ConvergenceError

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> fit = ce.sdem("growth ~ digital | unit + year", panel, ce.weights.contiguity())
    >>> list(fit.params.index)
    ['digital', 'W(digital)', 'lam']
    """
    options = Options(
        durbin, None, error_weights, method=method, index=index, cov=cov, unbalanced=unbalanced
    )
    return _fitted(_SDEM, formula, data, weights, options)


def sac(
    formula: str,
    data: pd.DataFrame,
    weights: AnyWeights,
    *,
    error_weights: AnyWeights | None = None,
    method: Method = "transformation",
    index: tuple[str, str] | None = None,
    cov: Covariance = _INFORMATION,
    unbalanced: bool = False,
) -> SpatialPanelResults:
    """Fit a panel model with spatial lags of response and errors (SARAR) by maximum likelihood.

    rho and lam may change places when both weights are alike: every local maximum is kept in
    ``fit.estimate.others`` and told in the notes.

    Parameters
    ----------
    formula, data, weights, method, index, cov, unbalanced
        As in `sar`.
        ``unbalanced=True`` is right if missing units do not exist then, see `ols`.
    error_weights : Graph or W, optional
        Weights of the errors, where they are not those of the response.

    Raises
    ------
    PanelError, FormulaError, AlignmentError, WeightsError, IdentificationError, ConvergenceError

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> fit = ce.sac("growth ~ digital + hsr | unit + year", panel, ce.weights.contiguity())
    >>> list(fit.params.index)
    ['digital', 'hsr', 'rho', 'lam']
    """
    options = Options(
        error_weights=error_weights, method=method, index=index, cov=cov, unbalanced=unbalanced
    )
    return _fitted(_SAC, formula, data, weights, options)


def gns(
    formula: str,
    data: pd.DataFrame,
    weights: AnyWeights,
    *,
    durbin: Sequence[str] | None = None,
    x_weights: AnyWeights | None = None,
    error_weights: AnyWeights | None = None,
    method: Method = "transformation",
    index: tuple[str, str] | None = None,
    cov: Covariance = _INFORMATION,
    unbalanced: bool = False,
) -> SpatialPanelResults:
    """Fit the general nesting spatial model, with lags of response, regressors and errors.

    Weakly identified: a base for tests rather than a model to report.

    Parameters
    ----------
    formula, data, weights, durbin, x_weights, error_weights, method, index, cov, unbalanced
        As in `sdm` and `sac`.
        ``unbalanced=True`` is right if missing units do not exist then, see `ols`.

    Warns
    -----
    WeakIdentificationWarning
        Always.

    Raises
    ------
    PanelError, FormulaError, AlignmentError, WeightsError, IdentificationError, ConvergenceError

    Examples
    --------
    >>> import warnings
    >>> import ccec_econ as ce
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", ce.errors.WeakIdentificationWarning)
    ...     fit = ce.gns("growth ~ digital | unit + year", panel, ce.weights.contiguity())
    >>> list(fit.params.index)
    ['digital', 'W(digital)', 'rho', 'lam']
    """
    warnings.warn(
        "GNS is weakly identified: lags of response, regressors and errors explain much the same; "
        "prefer SDM or SDEM and test between them.",
        WeakIdentificationWarning,
        stacklevel=2,
    )
    options = Options(
        durbin, x_weights, error_weights, method=method, index=index, cov=cov, unbalanced=unbalanced
    )
    return _fitted(_GNS, formula, data, weights, options)


def _fitted(
    model: Model,
    formula: str,
    data: pd.DataFrame,
    weights: AnyWeights | None,
    options: Options,
) -> SpatialPanelResults:
    fit = fit_unbalanced if options.unbalanced else fit_model
    return fit(model, formula, data, weights, options)


def _refuse_static_options(
    unbalanced: bool, method: Method, x_weights: WeightsLike | None = None
) -> None:
    if unbalanced:
        raise FormulaError(
            "unbalanced=True with time lags L(): dynamic models need every unit in every period; "
            "cut the sample to units and periods that are complete."
        )
    if method != "transformation" or x_weights is not None:
        raise FormulaError(
            "formulas with time lags take neither method nor, in sar, x_weights; use correction= "
            "to choose whether the bias is corrected."
        )
