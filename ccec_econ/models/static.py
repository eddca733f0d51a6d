"""Static spatial panel models. Each verb names a model; all share one likelihood.

    y_t = rho W y_t + X_t b + W X_t t + unit effects + time effects + v_t

========  ===========  ===========
model     rho W y      W X
========  ===========  ===========
``ols``   no           no
``slx``   no           yes
``sar``   yes          no
``sdm``   yes          yes
========  ===========  ===========

References
----------
Lee, L.-F. and Yu, J. (2010). Estimation of spatial autoregressive panel data models with fixed
effects. Journal of Econometrics 154, 165-185.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.engine.estimate import estimate
from ccec_econ.engine.spectrum import spectrum
from ccec_econ.engine.transform import Method
from ccec_econ.errors import FormulaError, WeightsError, first_five
from ccec_econ.formula import Design, materialise, parse
from ccec_econ.inference.vcov import Covariance, Information
from ccec_econ.models.results import SpatialPanelResults
from ccec_econ.panel import Panel
from ccec_econ.weights import WeightsLike, align, is_row_standardised

__all__ = ["ols", "sar", "sdm", "slx"]


@dataclass(frozen=True, slots=True)
class _Model:
    """Which spatial lags a model holds."""

    name: str
    lag_y: bool
    lag_x: bool


_OLS = _Model("ols", lag_y=False, lag_x=False)
_SLX = _Model("slx", lag_y=False, lag_x=True)
_SAR = _Model("sar", lag_y=True, lag_x=False)
_SDM = _Model("sdm", lag_y=True, lag_x=True)
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
    cov : Covariance
        ``Information()`` or ``Cluster()``.

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
    return _fit(_OLS, formula, data, None, None, "transformation", cov, index)


def slx(
    formula: str,
    data: pd.DataFrame,
    weights: WeightsLike,
    *,
    durbin: Sequence[str] | None = None,
    index: tuple[str, str] | None = None,
    cov: Covariance = _INFORMATION,
) -> SpatialPanelResults:
    """Fit a regression with spatial lags of the regressors.

    Parameters
    ----------
    formula, data, index, cov
        As in `ols`.
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
    >>> fit = ce.slx("growth ~ digital | unit + year", panel, ce.weights.contiguity())
    >>> list(fit.params.index)
    ['digital', 'W(digital)']
    """
    return _fit(_SLX, formula, data, weights, durbin, "transformation", cov, index)


def sar(
    formula: str,
    data: pd.DataFrame,
    weights: WeightsLike,
    *,
    method: Method = "transformation",
    index: tuple[str, str] | None = None,
    cov: Covariance = _INFORMATION,
) -> SpatialPanelResults:
    """Fit a spatial autoregressive panel model by maximum likelihood.

    Parameters
    ----------
    formula, data, weights, index, cov
        As in `slx`. Time effects need row-standardised weights.
    method : {"transformation", "direct", "bias_corrected"}
        Lee-Yu transformation likelihood (default); the direct likelihood, which is biased when N
        is small, and its bias-corrected version reproduce older software.

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
    return _fit(_SAR, formula, data, weights, None, method, cov, index)


def sdm(
    formula: str,
    data: pd.DataFrame,
    weights: WeightsLike,
    *,
    durbin: Sequence[str] | None = None,
    method: Method = "transformation",
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
    return _fit(_SDM, formula, data, weights, durbin, method, cov, index)


def _fit(
    model: _Model,
    formula: str,
    data: pd.DataFrame,
    weights: WeightsLike | None,
    durbin: Sequence[str] | None,
    method: Method,
    cov: Covariance,
    index: tuple[str, str] | None,
) -> SpatialPanelResults:
    if method not in get_args(Method):
        raise FormulaError(f"method {method!r} is unknown; choose {', '.join(get_args(Method))}.")
    spec = parse(formula)
    panel = Panel.from_frame(data, index)
    design = materialise(spec, panel)
    W = None if weights is None else align(weights, panel.units)
    if W is not None and model.lag_y:
        _refuse_unstandardised(W, design, method)
    X, terms = _with_lags(design, W, durbin) if model.lag_x and W is not None else _plain(design)
    fit = estimate(
        design.y,
        X,
        terms,
        lagged_y=design.y @ W.T if model.lag_y and W is not None else None,
        weights=None if W is None else spectrum(W),
        effects=design.effects,
        method=method,
    )
    return SpatialPanelResults(model.name, spec, panel, design, fit, cov(fit))


def _plain(design: Design) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    return design.X, design.terms


def _with_lags(
    design: Design, W: NDArray[np.float64], durbin: Sequence[str] | None
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Append W X of the raw columns; the constant is never lagged."""
    slopes = design.terms[1:] if design.has_intercept else design.terms
    chosen = slopes if durbin is None else tuple(durbin)
    unknown = [term for term in chosen if term not in slopes]
    if unknown or not chosen:
        raise FormulaError(
            f"durbin names {first_five(unknown) or 'nothing'}; "
            f"choose among the formula's terms: {first_five(slopes)}."
        )
    columns = design.X[:, :, [design.terms.index(term) for term in chosen]]
    lags = np.einsum("ij,tjk->tik", W, columns)
    return np.concatenate([design.X, lags], axis=2), (
        *design.terms,
        *(f"W({term})" for term in chosen),
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
