"""Spatial panel models with random unit effects.

    y_t = rho W y_t + X_t b + W X_t t + e_t,

    "bsk":  e_t = mu + u_t,   u_t = lam M u_t + v_t      (unit effects stay where they are)
    "kkp":  e_t = lam M e_t + mu + v_t                   (unit effects spill over like shocks)

mu ~ N(0, phi sigma2), v ~ N(0, sigma2), independent of each other and of X. That X is independent
of mu is an assumption which fixed effects do not need: test it with ``mundlak=True``.

References
----------
Anselin, L. (1988). Spatial Econometrics: Methods and Models. Kluwer.
Baltagi, B., Song, S. and Koh, W. (2003). Testing panel data regression models with spatial error
correlation. Journal of Econometrics 117, 123-150.
Kapoor, M., Kelejian, H. and Prucha, I. (2007). Panel data models with spatially correlated error
components. Journal of Econometrics 140, 97-130.
Debarsy, N. (2012). The Mundlak approach in the spatial Durbin panel data model. Spatial Economic
Analysis 7, 109-131.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.engine.estimate import Columns
from ccec_econ.engine.kkp import Moment, kkp
from ccec_econ.engine.random import random
from ccec_econ.engine.random_likelihood import Form
from ccec_econ.engine.spectrum import Spectrum, spectrum
from ccec_econ.errors import (
    AlignmentError,
    FormulaError,
    WeakIdentificationWarning,
    WeightsError,
    first_five,
)
from ccec_econ.formula import Design, Spec, lagged_term, materialise, parse
from ccec_econ.inference.random_tests import mean_term, varying
from ccec_econ.inference.random_vcov import random_vcov
from ccec_econ.inference.vcov import Covariance, Information
from ccec_econ.models.fitting import named_terms
from ccec_econ.models.random_results import RandomEffectsResults
from ccec_econ.panel import Panel
from ccec_econ.weights import WeightsLike, align

__all__ = ["random_effects", "random_effects_gm"]

Durbin = Sequence[str] | Literal["all"] | None
_NAMES = {
    (False, False, False): "ols",
    (False, True, False): "slx",
    (True, False, False): "sar",
    (True, True, False): "sdm",
    (False, False, True): "sem",
    (False, True, True): "sdem",
    (True, False, True): "sac",
    (True, True, True): "gns",
}
_INFORMATION = Information()


def random_effects(
    formula: str,
    data: pd.DataFrame,
    weights: WeightsLike | None,
    *,
    lag: bool = True,
    error: Literal["bsk", "kkp"] | None = None,
    durbin: Durbin = None,
    error_weights: WeightsLike | None = None,
    mundlak: bool = False,
    index: tuple[str, str] | None = None,
    cov: Covariance = _INFORMATION,
) -> RandomEffectsResults:
    """Fit a spatial panel model with random unit effects by maximum likelihood.

    Parameters
    ----------
    formula : str
        ``"y ~ x1 + x2 + C(year)"``, without a bar: unit effects are random, and time effects come
        as dummies ``C(year)``. No transformation removes them here: they cost T - 1
        coefficients and leave rho biased downwards by order 1/N (about 0.13 at N = 16). Prefer
        fixed effects, whose likelihood removes them, where N is small.
    data : DataFrame
        Balanced panel indexed (unit, time), or with the two columns named by `index`.
    weights : Graph, W or None
        Matched to the panel by label; None where the model has no spatial term.
    lag : bool
        Whether the spatial lag of the response, rho W y, is in the model.
    error : {"bsk", "kkp"}, optional
        Spatial errors with unit effects outside ("bsk") or inside ("kkp") the filter I - lam M.
    durbin : sequence of str or "all", optional
        Terms to lag by `weights`; "all" leaves out what is the same for all units, such as
        dummies of years. ``W(x)`` in the formula does the same.
    error_weights : Graph or W, optional
        M, where it is not `weights`.
    mundlak : bool
        Add time-means of all regressors that vary over time, their lags included, which makes
        unit effects correlated with them: ``fit.mundlak_test()`` then tests whether they are.
    cov : Covariance
        ``Information()``, ``QuasiML()`` or ``Cluster("unit")``, the last not with "bsk"; see
        `ccec_econ.inference.random_vcov`.

    Returns
    -------
    RandomEffectsResults
        phi at zero is reported as such, never as an error: see ``fit.boundary``.

    Raises
    ------
    PanelError, FormulaError, AlignmentError, WeightsError, IdentificationError, ConvergenceError

    Examples
    --------
    >>> import ccec_econ as ce
    >>> from ccec_econ.models.random import random_effects
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> W = ce.weights.contiguity()
    >>> fit = random_effects("growth ~ digital + hsr + C(year)", panel, W)
    >>> list(fit.params.index[-3:])
    ['rho', 'phi', 'sigma2']
    """
    form = _form(error, error_weights)
    spec, panel, design, own, M = _setup(formula, data, weights, error_weights, index)
    _refuse_missing(own, M, lag=lag, lagged=durbin is not None, form=form)
    columns = _columns(design, own, durbin, mundlak=mundlak)
    name = _NAMES[lag, any(of is not None for of in columns.lag_of), form != "none"]
    if name == "gns":
        warnings.warn(
            "lags of response, regressors and errors together are weakly identified; prefer two.",
            WeakIdentificationWarning,
            stacklevel=2,
        )
    fit = random(columns, weights=own if lag else None, x_weights=own, error_weights=M, form=form)
    return RandomEffectsResults(name, "ml", spec, panel, fit, random_vcov(fit, cov))


def random_effects_gm(
    formula: str,
    data: pd.DataFrame,
    weights: WeightsLike,
    *,
    moments: Moment = "weighted",
    durbin: Durbin = None,
    error_weights: WeightsLike | None = None,
    mundlak: bool = False,
    index: tuple[str, str] | None = None,
    cov: Covariance = _INFORMATION,
) -> RandomEffectsResults:
    """Fit random effects with spatial errors ("kkp") by generalised moments and feasible GLS.

    Needs no normality and no determinants. lam and variances come without standard errors: the
    authors derive none.

    Parameters
    ----------
    formula, data, weights, durbin, error_weights, mundlak, index
        As in `random_effects`; `weights` lag the errors, and the regressors named by `durbin`.
    moments : {"weighted", "partial", "initial"}
        Six moments weighted by their covariance under normality (default), by variances alone, or
        the first three moments unweighted. These three are the first step of all and depend a
        little on the scale of weights that are not row-standardised.
    cov : Covariance
        ``Information()`` (feasible GLS) or ``Cluster("unit")``.

    Raises
    ------
    PanelError, FormulaError, AlignmentError, WeightsError, IdentificationError, ConvergenceError

    Examples
    --------
    >>> import ccec_econ as ce
    >>> from ccec_econ.models.random import random_effects_gm
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> fit = random_effects_gm("growth ~ digital + hsr", panel, ce.weights.contiguity())
    >>> list(fit.params.index[-3:])
    ['lam', 'phi', 'sigma2']
    """
    if moments not in get_args(Moment):
        raise FormulaError(f"moments {moments!r}; choose {', '.join(get_args(Moment))}.")
    spec, panel, design, own, M = _setup(formula, data, weights, error_weights, index)
    if own is None or M is None:
        raise AlignmentError("spatial errors need weights and got none; give a Graph.")
    columns = _columns(design, own, durbin, mundlak=mundlak)
    name = _NAMES[False, any(of is not None for of in columns.lag_of), True]
    fit = kkp(columns, M, own, moments)
    method = f"gm, {moments} moments"
    return RandomEffectsResults(name, method, spec, panel, fit, random_vcov(fit, cov))


def _form(error: Literal["bsk", "kkp"] | None, error_weights: WeightsLike | None) -> Form:
    if error is None and error_weights is not None:
        raise FormulaError("error_weights without spatial errors; add error='bsk' or 'kkp'.")
    if error not in (None, "bsk", "kkp"):
        raise FormulaError(f"error {error!r} is unknown; choose 'bsk', 'kkp' or None.")
    return "none" if error is None else error


def _setup(
    formula: str,
    data: pd.DataFrame,
    weights: WeightsLike | None,
    error_weights: WeightsLike | None,
    index: tuple[str, str] | None,
) -> tuple[Spec, Panel, Design, Spectrum | None, Spectrum | None]:
    """Align weights of response and errors; materialise the columns."""
    spec = parse(formula)
    if spec.fixed:
        raise FormulaError(
            f"formula '{spec}' puts {first_five(spec.fixed)} behind the bar; unit effects are "
            "random here, and time effects are written as dummies: y ~ x + C(year)."
        )
    if isinstance(weights, Mapping) or isinstance(error_weights, Mapping):
        raise WeightsError(
            "weights by period with random effects: their likelihood needs one matrix for all "
            "periods; give one Graph, or use slx, sar or sdm with fixed effects."
        )
    panel = _with_time(Panel.from_frame(data, index))
    own = None if weights is None else spectrum(align(weights, panel.units))
    M = own if error_weights is None else spectrum(align(error_weights, panel.units))
    return spec, panel, materialise(spec, panel, None if own is None else own.lag), own, M


def _with_time(panel: Panel) -> Panel:
    """Let formulas name the time level, as in C(year)."""
    name = panel.time_name
    if name in panel.frame.columns:
        return panel
    times = panel.frame.index.get_level_values(name)
    return replace(panel, frame=panel.frame.assign(**{name: times}))


def _refuse_missing(
    own: Spectrum | None, M: Spectrum | None, *, lag: bool, lagged: bool, form: Form
) -> None:
    if (own is None and (lag or lagged)) or (M is None and form != "none"):
        what = "a lag" if lag or lagged else "spatial errors"
        raise AlignmentError(
            f"{what} without weights; give a Graph, or leave the spatial terms out "
            "(lag=False, durbin=None, error=None)."
        )


def _columns(design: Design, own: Spectrum | None, durbin: Durbin, *, mundlak: bool) -> Columns:
    """Raw columns, their lags, and their time-means where asked for."""
    lag_of = tuple(design.lags.get(j) for j in range(len(design.terms)))
    X, terms = design.X, design.terms
    chosen = _lagged(design, durbin)
    if chosen and own is not None:
        picked = X[:, :, [terms.index(term) for term in chosen]]
        X = np.concatenate([X, own.lag(picked)], axis=2)
        terms = (*terms, *(lagged_term(term) for term in chosen))
        lag_of = (*lag_of, *chosen)
    if mundlak:
        X, terms, lag_of = _with_means(X, terms, lag_of)
    return Columns(design.y, X, terms, lag_of)


def _lagged(design: Design, durbin: Durbin) -> tuple[str, ...]:
    if durbin is None:
        return ()
    if design.lags:
        raise FormulaError("lags are named twice, by W() in the formula and by durbin; use one.")
    if durbin == "all":
        spread = np.ptp(design.X, axis=1).max(axis=0)
        return tuple(t for t in design.slopes if spread[design.terms.index(t)] > 0.0)
    return named_terms([durbin] if isinstance(durbin, str) else durbin, design)


def _with_means(
    X: NDArray[np.float64], terms: tuple[str, ...], lag_of: tuple[str | None, ...]
) -> tuple[NDArray[np.float64], tuple[str, ...], tuple[str | None, ...]]:
    """Append time-means of the columns that vary both over time and, on average, over units."""
    picked = varying(X)
    if not picked:
        raise FormulaError(
            "mundlak=True, but no regressor varies over time and units; leave it out."
        )
    means = np.broadcast_to(X.mean(axis=0), X.shape)[:, :, picked]
    names = tuple(mean_term(terms[j]) for j in picked)
    of = tuple(None if lag_of[j] is None else mean_term(str(lag_of[j])) for j in picked)
    return np.concatenate([X, means], axis=2), (*terms, *names), (*lag_of, *of)
