"""Fitting the same specification again: on other data, or without some units."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ccec_econ.engine.choice import spectrum_of
from ccec_econ.engine.correction import bias_corrected
from ccec_econ.engine.dynamic import constant, corrected, estimate_dynamic
from ccec_econ.engine.estimate import Columns, Estimate, estimate
from ccec_econ.engine.exchange import exchange
from ccec_econ.engine.spectrum import Spectral, Spectrum, levels
from ccec_econ.engine.transform import EffectsName, Method
from ccec_econ.errors import PanelError, WeightsError, first_five
from ccec_econ.formula import materialise
from ccec_econ.inference.bootstrap import refuse_other_models
from ccec_econ.models.dynamic import DynamicPanelResults
from ccec_econ.models.fitting import Model, model_columns
from ccec_econ.models.results import SpatialPanelResults
from ccec_econ.models.time_lags import time_columns, time_design
from ccec_econ.panel import Panel
from ccec_econ.weights import among

__all__ = ["Matrices", "columns_on", "exchanging", "fit_columns", "matrices", "without_unit"]


@dataclass(frozen=True, slots=True)
class Matrices:
    """Weights of response, regressors and errors; None where a model has none."""

    response: Spectral | None
    regressors: Spectral | None
    errors: Spectrum | None


class _Setting(TypedDict):
    """What `estimate` is told besides columns."""

    weights: Spectral | None
    x_weights: Spectral | None
    error_weights: Spectrum | None
    lag_y: bool
    effects: EffectsName
    method: Method


def matrices(fit: Estimate) -> Matrices:
    """Weights of a fit as they were before time effects projected them.

    Raises
    ------
    IdentificationError
        If the model is not static or its weights change over time.
    """
    refuse_other_models(fit)
    errors = None if fit.error is None else levels(fit.error)
    return Matrices(fit.weights, fit.lagging, errors)


def columns_on(results: SpatialPanelResults, panel: Panel, weights: Matrices) -> Columns:
    """Raw columns of the results' specification on another panel.

    Raises
    ------
    FormulaError, PanelError
        As the first fit would.
    """
    lag = weights.regressors
    design = materialise(results.spec, panel, None if lag is None else lag.lag)
    chosen = _added(results, len(results.design.terms))
    return model_columns(Model("", lag_x=bool(chosen)), design, lag, chosen or None)


def fit_columns(results: SpatialPanelResults, columns: Columns, weights: Matrices) -> Estimate:
    """Estimate the results' model on other columns.

    Raises
    ------
    IdentificationError, ConvergenceError
        As the first fit would.
    """
    return _settled(estimate(columns, **_setting(results, weights)))


def exchanging(
    results: SpatialPanelResults, columns: Columns, at: Sequence[int], weights: Matrices
) -> Callable[[NDArray[np.float64]], Estimate]:
    """Prepare to estimate the results' model with other columns (T, N, q) at some positions.

    Raises
    ------
    IdentificationError, ConvergenceError
        As the first fit would.
    """
    model = exchange(columns, at, **_setting(results, weights))
    return lambda X: _settled(model.fit(X))


def _setting(results: SpatialPanelResults, weights: Matrices) -> _Setting:
    return {
        "weights": weights.response,
        "x_weights": weights.regressors,
        "error_weights": weights.errors,
        "lag_y": weights.response is not None,
        "effects": results.estimate.effects,
        "method": results.estimate.method,
    }


def _settled(fit: Estimate) -> Estimate:
    return bias_corrected(fit) if fit.method == "bias_corrected" else fit


def without_unit(results: SpatialPanelResults, unit: Hashable) -> Estimate:
    """Fit again with one unit taken out of data and weights.

    Rows of weights that were standardised are standardised again.

    Raises
    ------
    PanelError
        If there is no such unit.
    WeightsError
        If another unit has no neighbour left.
    IdentificationError, ConvergenceError
        As a first fit would.
    """
    if isinstance(results, DynamicPanelResults):
        return _dynamic_without_unit(results, unit)
    old = matrices(results.estimate)
    rest, fresh = _rest(results, unit, (old.response, old.regressors, old.errors))
    weights = Matrices(*fresh)
    return fit_columns(results, columns_on(results, rest, weights), weights)


def _dynamic_without_unit(results: DynamicPanelResults, unit: Hashable) -> Estimate:
    fit = results.estimate
    rest, (own, x_own, _) = _rest(results, unit, (fit.weights, fit.x_weights, None))
    design, still = time_design(results.spec, rest, constant(own), x_own)
    chosen = _added(results, len(results.design.terms))
    columns = model_columns(Model("", lag_x=bool(chosen)), still, x_own, chosen or None)
    again = estimate_dynamic(
        time_columns(design, columns, results.spec)[0],
        weights=constant(own),
        x_weights=x_own,
        effects="twoway" if fit.effects == "twoway" else "unit",
    )
    return corrected(again, results.lags) if fit.method == "bias_corrected" else again


def _added(results: SpatialPanelResults, written: int) -> tuple[str, ...]:
    """Terms that were lagged beyond those that the formula writes."""
    return tuple(term for term in results.estimate.lag_of[written:] if term is not None)


def _rest(
    results: SpatialPanelResults,
    unit: Hashable,
    parts: tuple[Spectral | None, Spectral | None, Spectrum | None],
) -> tuple[Panel, list[Spectrum | None]]:
    """Panel and weights without one unit."""
    panel, seen = results.panel, dict[int, Spectrum]()
    if unit not in panel.units:
        raise PanelError(f"no unit {unit!r}; the panel has {first_five(panel.units)}.")
    keep = panel.units != unit
    rest = Panel.from_frame(panel.frame.drop(unit, level=1).swaplevel())
    return rest, [_restrict(part, keep, rest.units, unit, seen) for part in parts]


def _restrict(
    weights: Spectral | None,
    keep: NDArray[np.bool_],
    units: pd.Index,
    dropped: Hashable,
    seen: dict[int, Spectrum],
) -> Spectrum | None:
    """Drop a row and a column; `seen` holds matrices done before, by identity."""
    if weights is None:
        return None
    if id(weights) in seen:
        return seen[id(weights)]
    W, alone = among(weights.W, keep)
    if alone.any():
        raise WeightsError(
            f"without {dropped}, {first_five(units[alone])} has no neighbour left; keep {dropped} "
            "in, or use weights that give every unit two neighbours."
        )
    return seen.setdefault(id(weights), spectrum_of(csr_array(W)))
