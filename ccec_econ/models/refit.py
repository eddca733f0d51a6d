"""Fitting the same specification again: on other data, or without some units."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.engine.correction import bias_corrected
from ccec_econ.engine.estimate import Columns, Estimate, estimate
from ccec_econ.engine.spectrum import Spectral, Spectrum, spectrum
from ccec_econ.errors import PanelError, WeightsError, first_five
from ccec_econ.formula import materialise
from ccec_econ.inference.bootstrap import refuse_other_models
from ccec_econ.models.fitting import Model, model_columns
from ccec_econ.models.results import SpatialPanelResults
from ccec_econ.panel import Panel
from ccec_econ.weights import is_row_standardised

__all__ = ["Matrices", "columns_on", "fit_columns", "matrices", "without_unit"]


@dataclass(frozen=True, slots=True)
class Matrices:
    """Weights of response, regressors and errors; None where a model has none."""

    response: Spectral | None
    regressors: Spectral | None
    errors: Spectrum | None


def matrices(fit: Estimate) -> Matrices:
    """Weights of a fit as they were before time effects projected them.

    Raises
    ------
    IdentificationError
        If the model is not static or its weights change over time.
    """
    refuse_other_models(fit)
    errors = None if fit.error is None else spectrum(fit.error.W)
    return Matrices(fit.weights, fit.x_weights, errors)


def columns_on(results: SpatialPanelResults, panel: Panel, weights: Matrices) -> Columns:
    """Raw columns of the results' specification on another panel.

    Raises
    ------
    FormulaError, PanelError
        As the first fit would.
    """
    lag = weights.regressors
    design = materialise(results.spec, panel, None if lag is None else lag.lag)
    added = results.estimate.lag_of[len(results.design.terms) :]
    chosen = tuple(term for term in added if term is not None)
    return model_columns(Model("", lag_x=bool(chosen)), design, lag, chosen or None)


def fit_columns(results: SpatialPanelResults, columns: Columns, weights: Matrices) -> Estimate:
    """Estimate the results' model on other columns.

    Raises
    ------
    IdentificationError, ConvergenceError
        As the first fit would.
    """
    fit = estimate(
        columns,
        weights=weights.response,
        x_weights=weights.regressors,
        error_weights=weights.errors,
        lag_y=weights.response is not None,
        effects=results.estimate.effects,
        method=results.estimate.method,
    )
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
    panel = results.panel
    if unit not in panel.units:
        raise PanelError(f"no unit {unit!r}; the panel has {first_five(panel.units)}.")
    keep = panel.units != unit
    rest = Panel.from_frame(panel.frame.drop(unit, level=1).swaplevel())
    old, seen = matrices(results.estimate), dict[int, Spectrum]()
    parts = (old.response, old.regressors, old.errors)
    fresh = [_restrict(part, keep, rest.units, unit, seen) for part in parts]
    weights = Matrices(*fresh)
    return fit_columns(results, columns_on(results, rest, weights), weights)


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
    W = weights.W[np.ix_(keep, keep)]
    alone = units[~W.any(axis=1)]
    if len(alone):
        raise WeightsError(
            f"without {dropped}, {first_five(alone)} has no neighbour left; keep {dropped} in, or "
            "use weights that give every unit two neighbours."
        )
    if is_row_standardised(weights.W):
        W = W / W.sum(axis=1, keepdims=True)
    return seen.setdefault(id(weights), spectrum(W))
