"""From a formula, an unbalanced frame and weights to a fitted static model.

A row that is missing is a unit that is absent in that period: it has no response, no regressors and
is nobody's neighbour. The likelihood is that of `ccec_econ.engine.unbalanced`.

Rules: weights that are row-standardised are row-standardised again among the units present, others
are only restricted. A unit present whose neighbours are all absent is refused. Every period needs
three units. A row with a missing value is refused; leave the row out instead. A unit present in one
period only stays: with unit effects its own row is explained by its dummy, but it is a neighbour.
Units and periods may fall into components that share no cell; the rank of the dummies counts them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.engine.presence import Presence, PresentPath
from ccec_econ.engine.spectrum import Spectrum, spectrum
from ccec_econ.engine.unbalanced import estimate_unbalanced
from ccec_econ.errors import AlignmentError, FormulaError, WeightsError, first_five
from ccec_econ.formula import materialise, parse
from ccec_econ.inference.unbalanced import unbalanced_vcov
from ccec_econ.inference.vcov import checked
from ccec_econ.models.fitting import (
    AnyWeights,
    Model,
    Options,
    model_columns,
    refuse_unstandardised,
    weights_by_period,
)
from ccec_econ.models.unbalanced_results import UnbalancedPanelResults
from ccec_econ.panel import UnbalancedPanel
from ccec_econ.weights import among

__all__ = ["fit_unbalanced"]


def fit_unbalanced(
    model: Model,
    formula: str,
    data: pd.DataFrame,
    weights: AnyWeights | None,
    options: Options,
) -> UnbalancedPanelResults:
    """Align, materialise, lag and estimate one model on the cells that are present.

    Raises
    ------
    PanelError
        As `ccec_econ.panel.UnbalancedPanel.from_frame`.
    FormulaError
        If another method than the transformation likelihood is asked for.
    WeightsError
        If a unit that is present has no neighbour that is present, or time effects meet weights
        that are not row-standardised.
    IdentificationError
        If the covariance is not available for unbalanced panels.
    """
    cov, spec = checked(options.cov), parse(formula)
    if options.method != "transformation":
        raise FormulaError(
            f"method {options.method!r} is not available for an unbalanced panel; leave it out."
        )
    if weights is None and model.spatial:
        raise AlignmentError(f"{model.name} needs spatial weights and got none; give a Graph.")
    panel = UnbalancedPanel.from_frame(data, options.index)
    own = _path(weights, panel)
    x_own = own if options.x_weights is None else _path(options.x_weights, panel)
    error = own if options.error_weights is None else _path(options.error_weights, panel)
    design = materialise(spec, panel, None if x_own is None else x_own.lag)
    for part in (own if model.lag_y else None, error if model.lag_u else None):
        for each in () if part is None else part.each:
            refuse_unstandardised(each, design.effects, options.method)
    fit = estimate_unbalanced(
        model_columns(model, design, x_own, options.durbin),
        presence=Presence(panel.present),
        weights=own,
        x_weights=x_own,
        error_weights=error if model.lag_u else None,
        lag_y=model.lag_y,
        effects=design.effects,
    )
    vcov = unbalanced_vcov(cov, fit)
    return UnbalancedPanelResults(model.name, spec, panel, design, fit, vcov)


def _path(weights: AnyWeights | None, panel: UnbalancedPanel) -> PresentPath | None:
    """Spectra of the weights among the units present; periods that share them share one."""
    if weights is None:
        return None
    whole = weights_by_period(weights, panel)
    found: dict[tuple[int, bytes], Spectrum] = {}
    each = []
    for W, here, time in zip(whole, panel.present, panel.times, strict=True):
        key = (id(W), here.tobytes())
        if key not in found:
            found[key] = spectrum(_restricted(W, here, panel.units, time))
        each.append(found[key])
    return PresentPath(tuple(each), Presence(panel.present))


def _restricted(
    W: NDArray[np.float64], here: NDArray[np.bool_], units: pd.Index, time: object
) -> NDArray[np.float64]:
    part, alone = among(W, here)
    if alone.any():
        raise WeightsError(
            f"weights: in {time} all neighbours of {first_five(units[here][alone])} are absent; "
            "leave these rows out too, or give weights with more neighbours, such as distance "
            "weights."
        )
    return part
