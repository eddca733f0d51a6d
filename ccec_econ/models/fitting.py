"""From a formula, data and weights to a fitted static model: what every verb shares."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.engine.correction import bias_corrected, variance_corrected
from ccec_econ.engine.estimate import Columns, Estimate, estimate, pose
from ccec_econ.engine.spectrum import Spectral, Spectrum, SpectrumPath, spectrum
from ccec_econ.engine.transform import Method, Reduction, reduction
from ccec_econ.errors import AlignmentError, FormulaError, WeightsError, first_five
from ccec_econ.formula import Design, Effects, lagged_term, materialise, parse
from ccec_econ.inference.vcov import Covariance, Information, bound
from ccec_econ.models.prepared import spectrum_for
from ccec_econ.models.results import SpatialPanelResults
from ccec_econ.panel import Panel
from ccec_econ.weights import AS_TEXT, WeightsLike, align, sums_to_one

__all__ = [
    "AnyWeights",
    "GivenWeights",
    "Model",
    "Options",
    "fit_model",
    "given_weights",
    "model_columns",
    "model_estimate",
    "named_terms",
    "refuse_unstandardised",
    "spectral",
    "weights_by_period",
]

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
class Options:
    """What a verb was asked for besides formula, data and weights."""

    durbin: Sequence[str] | None = None
    x_weights: AnyWeights | None = None
    error_weights: AnyWeights | None = None
    method: Method = "transformation"
    index: tuple[str, str] | None = None
    cov: Covariance = Information()  # noqa: RUF009 (frozen, no state)
    unbalanced: bool = False


@dataclass(frozen=True, slots=True)
class GivenWeights:
    """Weights of the response, of the regressors and of the errors, aligned with a panel."""

    own: Spectral | None
    regressors: Spectral | None
    error: Spectral | None

    @property
    def lag(self) -> Callable[[NDArray[np.float64]], NDArray[np.float64]] | None:
        """What ``W()`` in a formula stands for."""
        return None if self.regressors is None else self.regressors.lag


def fit_model(
    model: Model,
    formula: str,
    data: pd.DataFrame,
    weights: AnyWeights | None,
    options: Options,
) -> SpatialPanelResults:
    """Align, materialise, lag and estimate one model."""
    spec, panel = parse(formula), Panel.from_frame(data, options.index)
    cov = bound(options.cov, panel.units)
    given = given_weights(model, weights, options, panel)
    design = materialise(spec, panel, given.lag)
    fit = model_estimate(model, design, given, options)
    varying = model.lag_y and isinstance(given.own, SpectrumPath)
    if options.method == "bias_corrected":
        fit = bias_corrected(fit)
    elif varying and options.method == "transformation":
        fit = variance_corrected(fit)
    return SpatialPanelResults(model.name, spec, panel, design, fit, cov(fit))


def given_weights(
    model: Model, weights: AnyWeights | None, options: Options, panel: Panel
) -> GivenWeights:
    """Align the weights of response, regressors and errors with a panel.

    Raises
    ------
    AlignmentError
        If the model needs weights and there are none, or they and the panel differ.
    """
    if weights is None and model.spatial:
        raise AlignmentError(f"{model.name} needs spatial weights and got none; give a Graph.")
    own = spectral(weights, panel)
    x_own = own if options.x_weights is None else spectral(options.x_weights, panel)
    error = own if options.error_weights is None else spectral(options.error_weights, panel)
    return GivenWeights(own, x_own, error)


def model_estimate(
    model: Model,
    design: Design,
    given: GivenWeights,
    options: Options,
    *,
    maximised: bool = True,
) -> Estimate:
    """Write the likelihood of a model on a design, and maximise it unless told not to.

    Raises
    ------
    FormulaError
        If method and effects, or `durbin` and the formula, do not agree.
    WeightsError
        If the weights change over time and the model has spatial errors, or time effects meet
        weights that are not row-standardised.
    IdentificationError, ConvergenceError
        As `ccec_econ.engine.estimate.estimate`.
    """
    own, error = given.own, given.error
    _refuse_method(options.method, design)
    parts = (own, given.regressors, error)
    if model.lag_u and any(isinstance(part, SpectrumPath) for part in parts):
        raise WeightsError(
            f"{model.name}: weights that change over time are not available with spatial errors; "
            "give one Graph, or use slx, sar or sdm."
        )
    for part in (own if model.lag_y else None, error if model.lag_u else None):
        for each in part.each if isinstance(part, SpectrumPath) else (part,):
            if each is not None:
                refuse_unstandardised(each, design.effects, options.method)
    varying = model.lag_y and isinstance(own, SpectrumPath)
    return (estimate if maximised else pose)(
        model_columns(model, design, given.regressors, options.durbin),
        weights=own,
        x_weights=given.regressors,
        error_weights=error if model.lag_u and isinstance(error, Spectrum) else None,
        lag_y=model.lag_y,
        effects=design.effects,
        method=options.method,
        size=_varying_size(design, options.method) if varying else None,
    )


def spectral(weights: AnyWeights | None, panel: Panel) -> Spectral | None:
    """Spectrum of one Graph, or a path of them for a mapping period -> Graph."""
    if weights is None:
        return None
    if not isinstance(weights, Mapping):
        return spectrum_for(weights, panel.units)
    each = weights_by_period(weights, panel)
    spectra = {id(W): spectrum(W) for W in each}
    return SpectrumPath(tuple(spectra[id(W)] for W in each))


def weights_by_period(weights: AnyWeights, panel: Panel) -> list[NDArray[np.float64]]:
    """T aligned matrices (N, N); periods with the same Graph hold the same array."""
    if not isinstance(weights, Mapping):
        return [align(weights, panel.units)] * len(panel.times)
    absent = [time for time in panel.times if time not in weights]
    if absent:
        as_text = {str(time) for time in absent} <= {str(time) for time in weights}
        remedy = AS_TEXT if as_text else "give one Graph per period"
        raise AlignmentError(
            f"weights that change over time lack {first_five(absent)}, their periods are "
            f"{first_five(weights)}; {remedy}."
        )
    graphs = [weights[time] for time in panel.times]  # held, so that identities stay theirs
    known = {id(graph): graph for graph in graphs}
    aligned = {key: align(graph, panel.units) for key, graph in known.items()}
    return [aligned[id(graph)] for graph in graphs]


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
    return named_terms([durbin] if isinstance(durbin, str) else durbin, design)


def named_terms(durbin: Sequence[str], design: Design) -> tuple[str, ...]:
    """Terms that `durbin` names, each once and among the formula's.

    Raises
    ------
    FormulaError
        If one is no term of the formula, stands twice, or none is named.
    """
    names = list(durbin)
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


def refuse_unstandardised(weights: Spectrum, effects: Effects, method: Method) -> None:
    """Refuse weights that do not let time effects leave the likelihood.

    Raises
    ------
    WeightsError
        If time effects are to be removed and a row does not sum to one.
    """
    if effects in ("unit", "none") or method == "direct" or sums_to_one(weights.row_sums):
        return
    sums = weights.row_sums
    raise WeightsError(
        f"time effects need row-standardised weights: row sums run from {sums.min():.4g} to "
        f"{sums.max():.4g}, so the {method} likelihood does not remove the effects; use "
        "ce.weights.row_standardise(W), drop the time effects, or method='direct'."
    )
