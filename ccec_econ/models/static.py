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
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.engine.correction import bias_corrected, variance_corrected
from ccec_econ.engine.estimate import Columns, estimate
from ccec_econ.engine.spectrum import Spectral, Spectrum, SpectrumPath, spectrum
from ccec_econ.engine.transform import Method, Reduction, reduction
from ccec_econ.errors import (
    AlignmentError,
    FormulaError,
    WeakIdentificationWarning,
    WeightsError,
    first_five,
)
from ccec_econ.formula import Design, Effects, lagged_term, materialise, parse
from ccec_econ.inference.vcov import Covariance, Information, checked
from ccec_econ.models.results import SpatialPanelResults
from ccec_econ.models.time_lags import has_time_lag
from ccec_econ.panel import Panel
from ccec_econ.weights import WeightsLike, align, is_row_standardised

__all__ = ["Model", "gns", "model_columns", "ols", "sac", "sar", "sdem", "sdm", "sem", "slx"]


type AnyWeights = WeightsLike | Mapping[Hashable, WeightsLike]


@dataclass(frozen=True, slots=True)
class Model:
    """Which spatial lags a model holds."""

    name: str
    lag_y: bool = False
    lag_x: bool = False
    lag_u: bool = False

    @property
    def spatial(self) -> bool:
        """Whether the model needs weights."""
        return self.lag_y or self.lag_x or self.lag_u


@dataclass(frozen=True, slots=True)
class _Options:
    """What a verb was asked for besides formula, data and weights."""

    durbin: Sequence[str] | None = None
    x_weights: AnyWeights | None = None
    error_weights: AnyWeights | None = None
    method: Method = "transformation"
    index: tuple[str, str] | None = None
    cov: Covariance = Information()  # noqa: RUF009 (frozen, no state)


_OLS = Model("ols")
_SLX = Model("slx", lag_x=True)
_SAR = Model("sar", lag_y=True)
_SEM = Model("sem", lag_u=True)
_SDM = Model("sdm", lag_y=True, lag_x=True)
_SDEM = Model("sdem", lag_x=True, lag_u=True)
_SAC = Model("sac", lag_y=True, lag_u=True)
_GNS = Model("gns", lag_y=True, lag_x=True, lag_u=True)
_INFORMATION = Information()


def ols(
    formula: str,
    data: pd.DataFrame,
    *,
    index: tuple[str, str] | None = None,
    cov: Covariance = _INFORMATION,
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
        ``Information()``, ``QuasiML()``, ``Cluster("unit")``, ``Cluster("time")`` or
        ``DriscollKraay(lags)``.

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
    return _fit(_OLS, formula, data, None, _Options(index=index, cov=cov))


def slx(
    formula: str,
    data: pd.DataFrame,
    weights: AnyWeights,
    *,
    durbin: Sequence[str] | None = None,
    index: tuple[str, str] | None = None,
    cov: Covariance = _INFORMATION,
) -> SpatialPanelResults:
    """Fit a regression with spatial lags of the regressors.

    Parameters
    ----------
    formula, data, index, cov
        As in `ols`. ``W(x)`` in the formula lags a term; then nothing else is lagged.
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
    return _fit(_SLX, formula, data, weights, _Options(durbin=durbin, index=index, cov=cov))


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
) -> SpatialPanelResults:
    """Fit a spatial autoregressive panel model by maximum likelihood.

    Parameters
    ----------
    formula, data, index, cov
        As in `slx`.
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

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> fit = ce.sar("growth ~ digital | unit + year", panel, ce.weights.contiguity())
    >>> list(fit.params.index)
    ['digital', 'rho']
    """
    if has_time_lag(formula):
        from ccec_econ.models import dynamic  # stands on this module

        _refuse_static_options(method, x_weights)
        return dynamic.sar(
            formula,
            data,
            weights,
            correction=correction,
            index=index,
            cov=cov,
        )
    options = _Options(x_weights=x_weights, method=method, index=index, cov=cov)
    return _fit(_SAR, formula, data, weights, options)


def sem(
    formula: str,
    data: pd.DataFrame,
    weights: AnyWeights,
    *,
    method: Method = "transformation",
    index: tuple[str, str] | None = None,
    cov: Covariance = _INFORMATION,
) -> SpatialPanelResults:
    """Fit a spatial error panel model by maximum likelihood.

    Parameters
    ----------
    formula, data, method, index, cov
        As in `sar`.
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
    return _fit(_SEM, formula, data, weights, _Options(method=method, index=index, cov=cov))


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
) -> SpatialPanelResults:
    """Fit a spatial Durbin panel model by maximum likelihood.

    Parameters
    ----------
    formula, data, weights, method, index, cov
        As in `sar`.
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

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> fit = ce.sdm("growth ~ digital | unit + year", panel, ce.weights.contiguity())
    >>> list(fit.params.index)
    ['digital', 'W(digital)', 'rho']
    """
    if has_time_lag(formula):
        from ccec_econ.models import dynamic  # stands on this module

        _refuse_static_options(method)
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
    options = _Options(durbin, x_weights, method=method, index=index, cov=cov)
    return _fit(_SDM, formula, data, weights, options)


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
) -> SpatialPanelResults:
    """Fit a spatial Durbin error panel model by maximum likelihood.

    Parameters
    ----------
    formula, data, weights, durbin, method, index, cov
        As in `sdm`; `weights` lag the regressors.
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
    options = _Options(durbin, None, error_weights, method=method, index=index, cov=cov)
    return _fit(_SDEM, formula, data, weights, options)


def sac(
    formula: str,
    data: pd.DataFrame,
    weights: AnyWeights,
    *,
    error_weights: AnyWeights | None = None,
    method: Method = "transformation",
    index: tuple[str, str] | None = None,
    cov: Covariance = _INFORMATION,
) -> SpatialPanelResults:
    """Fit a panel model with spatial lags of response and errors (SARAR) by maximum likelihood.

    rho and lam may change places when both weights are alike: every local maximum is kept in
    ``fit.estimate.others`` and told in the notes.

    Parameters
    ----------
    formula, data, weights, method, index, cov
        As in `sar`.
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
    options = _Options(error_weights=error_weights, method=method, index=index, cov=cov)
    return _fit(_SAC, formula, data, weights, options)


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
) -> SpatialPanelResults:
    """Fit the general nesting spatial model, with lags of response, regressors and errors.

    Weakly identified: a base for tests rather than a model to report.

    Parameters
    ----------
    formula, data, weights, durbin, x_weights, error_weights, method, index, cov
        As in `sdm` and `sac`.

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
    options = _Options(durbin, x_weights, error_weights, method=method, index=index, cov=cov)
    return _fit(_GNS, formula, data, weights, options)


def _refuse_static_options(method: Method, x_weights: WeightsLike | None = None) -> None:
    if method != "transformation" or x_weights is not None:
        raise FormulaError(
            "formulas with time lags take neither method nor, in sar, x_weights; use correction= "
            "to choose whether the bias is corrected."
        )


def _fit(
    model: Model,
    formula: str,
    data: pd.DataFrame,
    weights: AnyWeights | None,
    options: _Options,
) -> SpatialPanelResults:
    """Align, materialise, lag, estimate."""
    cov, spec = checked(options.cov), parse(formula)
    panel = Panel.from_frame(data, options.index)
    if weights is None and model.spatial:
        raise AlignmentError(f"{model.name} needs spatial weights and got none; give a Graph.")
    own = _spectral(weights, panel)
    x_own = own if options.x_weights is None else _spectral(options.x_weights, panel)
    error = own if options.error_weights is None else _spectral(options.error_weights, panel)
    design = materialise(spec, panel, None if x_own is None else x_own.lag)
    _refuse_method(options.method, design)
    if isinstance(error, SpectrumPath) and model.lag_u:
        raise WeightsError(
            f"{model.name}: weights of errors that change over time are not available; give one "
            "Graph as error_weights, or use sar or sdm."
        )
    for part in (own if model.lag_y else None, error if model.lag_u else None):
        for each in part.each if isinstance(part, SpectrumPath) else (part,):
            if each is not None:
                _refuse_unstandardised(each.W, design, options.method)
    varying = model.lag_y and isinstance(own, SpectrumPath)
    fit = estimate(
        model_columns(model, design, x_own, options.durbin),
        weights=own,
        x_weights=x_own,
        error_weights=error if model.lag_u and isinstance(error, Spectrum) else None,
        lag_y=model.lag_y,
        effects=design.effects,
        method=options.method,
        size=_varying_size(design, options.method) if varying else None,
    )
    if options.method == "bias_corrected":
        fit = bias_corrected(fit)
    elif varying and options.method == "transformation":
        fit = variance_corrected(fit)
    return SpatialPanelResults(model.name, spec, panel, design, fit, cov(fit))


def _spectral(weights: AnyWeights | None, panel: Panel) -> Spectral | None:
    """Spectrum of one Graph, or a path of them for a mapping period -> Graph."""
    if weights is None:
        return None
    if not isinstance(weights, Mapping):
        return spectrum(align(weights, panel.units))
    absent = [time for time in panel.times if time not in weights]
    if absent:
        raise AlignmentError(
            f"weights that change over time lack {first_five(absent)}; give one Graph per period."
        )
    known: dict[int, Spectrum] = {}
    for time in panel.times:
        graph = weights[time]
        if id(graph) not in known:
            known[id(graph)] = spectrum(align(graph, panel.units))
    return SpectrumPath(tuple(known[id(weights[time])] for time in panel.times))


def _varying_size(design: Design, method: Method) -> Reduction:
    """Rows and periods when W changes over time: unit effects are demeaned, not transformed."""
    T, N = design.y.shape
    within: Effects = "time" if design.effects in ("time", "twoway") else "none"
    return reduction(within, method, T, N)


def model_columns(
    model: Model, design: Design, weights: Spectral | None, durbin: Sequence[str] | None
) -> Columns:
    """Raw columns with the lags that the model, `durbin` or the formula ask for."""
    lag_of = tuple(design.lags.get(j) for j in range(len(design.terms)))
    chosen = _durbin(model, design, durbin)
    if not chosen or weights is None:
        return Columns(design.y, design.X, design.terms, lag_of)
    picked = design.X[:, :, [design.terms.index(term) for term in chosen]]
    lags = weights.lag(picked)
    return Columns(
        design.y,
        np.concatenate([design.X, lags], axis=2),
        (*design.terms, *(lagged_term(term) for term in chosen)),
        (*lag_of, *chosen),
    )


def _durbin(model: Model, design: Design, durbin: Sequence[str] | None) -> tuple[str, ...]:
    """Terms to lag besides those that the formula lags itself."""
    if not model.lag_x:
        return ()
    if durbin is None:
        return () if design.lags else design.slopes
    if design.lags:
        raise FormulaError("lags are named twice, by W() in the formula and by durbin; use one.")
    names = [durbin] if isinstance(durbin, str) else list(durbin)
    unknown = [name for name in names if name not in design.slopes]
    if unknown or not names or len(set(names)) < len(names):
        raise FormulaError(
            f"durbin names {first_five(unknown or names) or 'nothing'}; name each once, "
            f"among the formula's terms: {first_five(design.slopes)}."
        )
    return tuple(names)


def _refuse_method(method: Method, design: Design) -> None:
    if method not in get_args(Method):
        raise FormulaError(f"method {method!r} is unknown; choose {', '.join(get_args(Method))}.")
    if method == "bias_corrected" and design.effects == "none":
        raise FormulaError(
            "method 'bias_corrected' corrects for fixed effects and the formula has none; "
            "leave the method out."
        )


def _refuse_unstandardised(W: NDArray[np.float64], design: Design, method: Method) -> None:
    if design.effects in ("unit", "none") or method == "direct" or is_row_standardised(W):
        return
    sums = W.sum(axis=1)
    raise WeightsError(
        f"time effects need row-standardised weights: row sums run from {sums.min():.4g} to "
        f"{sums.max():.4g}, so the {method} likelihood does not remove the effects; use "
        "ce.weights.row_standardise(W), drop the time effects, or method='direct'."
    )
