"""An equation with endogenous columns: from formula and data to columns and instruments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.engine.estimate import Columns, Estimate, refuse_constant
from ccec_econ.engine.instruments import Equation, equation, spatial_lags
from ccec_econ.engine.likelihood import Optimum
from ccec_econ.engine.moments import reduce_columns
from ccec_econ.engine.spectrum import Spectral, SpectrumPath
from ccec_econ.engine.transform import demean, reduction
from ccec_econ.errors import AlignmentError, FormulaError, IdentificationError, first_five
from ccec_econ.formula import Design, Spec, lagged_term, materialise, parse
from ccec_econ.lag_terms import lag_of
from ccec_econ.models.fitting import (
    AnyWeights,
    Model,
    model_columns,
    refuse_unstandardised,
    spectral,
)
from ccec_econ.panel import Panel

__all__ = ["Durbin", "Options", "Order", "Problem", "filled", "prepare"]

Order = Literal[1, 2, 3]
Durbin = Sequence[str] | Literal["all"] | None
_POWERS = ("", "", "²", "³")
_INTERCEPT = "Intercept"


@dataclass(frozen=True, slots=True)
class Options:
    """What a verb was asked for besides formula, data and weights."""

    durbin: Durbin
    endogenous: Sequence[str]
    instruments: Sequence[str]
    lag: bool
    order: int
    spatial_instruments: bool
    index: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Problem:
    """One equation on one panel, before it is estimated.

    `estimate` carries the columns and sizes that results need, and no estimates yet.
    """

    spec: Spec
    panel: Panel
    design: Design
    equation: Equation
    estimate: Estimate


def prepare(
    name: str,
    formula: str,
    data: pd.DataFrame,
    weights: AnyWeights | None,
    options: Options,
) -> Problem:
    """Align, materialise, lag, remove effects."""
    if options.order not in get_args(Order):
        raise FormulaError(f"order {options.order!r}: give 1, 2 or 3, the highest power of W.")
    spec, panel = parse(formula), Panel.from_frame(data, options.index)
    if weights is None and (options.lag or options.durbin):
        raise AlignmentError(f"{name} needs weights for its lags and got none; give a Graph.")
    own = spectral(weights, panel)
    design = materialise(spec, panel, None if own is None else own.lag)
    if own is not None and options.lag:
        for each in own.each if isinstance(own, SpectrumPath) else (own,):
            refuse_unstandardised(each, design.effects, "transformation")
    durbin = design.slopes if options.durbin == "all" else options.durbin
    model = Model(name, lag_y=options.lag, lag_x=durbin is not None)
    columns = model_columns(model, design, own, durbin)
    endogenous = _endogenous(columns, design, options)
    outer, names = _instruments(spec, panel, own, columns, options)
    blank = _blank(columns, design, own, options.lag)
    if own is not None and options.spatial_instruments:
        lags = _lagged(columns, endogenous, outer, names, own, options)
        outer = np.concatenate([outer, *(column for _, column in lags)], axis=2)
        names = (*names, *(label for label, _ in lags))
    X, terms = columns.X, columns.terms
    if options.lag and own is not None:
        X = np.dstack([X, own.lag(design.y)])
        terms, endogenous = (*terms, lagged_term(spec.response)), (*endogenous, len(terms))
    eq = equation(
        design.y,
        X,
        outer,
        terms=terms,
        instruments=names,
        endogenous=endogenous,
        effects=design.effects,
        nobs=blank.reduction.nobs,
    )
    return Problem(spec, panel, design, eq, blank)


def _blank(columns: Columns, design: Design, own: Spectral | None, lag: bool) -> Estimate:
    """Columns without effects and their sizes; refuses constant and dependent regressors."""
    y, X, effects = columns.y, columns.X, design.effects
    T, N = y.shape
    size = reduction(effects, "transformation", T, N)
    Z, inside = demean(X, effects), demean(y, effects)
    names = ("the response", *columns.terms)
    refuse_constant(np.dstack([y, X]), np.dstack([inside, Z]), names, effects)
    active = own if lag else None
    Wy = np.zeros_like(y) if active is None else demean(active.lag(y), effects)
    triangle = reduce_columns(
        Z.reshape(T * N, -1), inside.ravel(), Wy.ravel(), columns.terms, size.nobs
    )
    projected = active.project() if active is not None and size.projected else active
    if projected is not None and not projected.identifies():
        raise IdentificationError(
            "rho is not identified: with time effects these weights treat all pairs of units "
            "(almost) alike; use weights that tell near from far."
        )
    return Estimate(
        y=inside,
        Wy=Wy,
        columns=Z,
        terms=columns.terms,
        lag_of=columns.lag_of,
        weights=active,
        x_weights=own,
        spectrum=projected,
        error=None,
        effects=effects,
        method="transformation",
        reduction=size,
        triangle=triangle,
        optimum=Optimum(0.0, 0.0, np.zeros(len(columns.terms)), 1.0, float("nan")),
    )


def filled(problem: Problem, d: NDArray[np.float64], residuals: NDArray[np.float64]) -> Estimate:
    """Put estimates into the columns."""
    blank = problem.estimate
    rho = float(d[-1]) if blank.spectrum is not None else 0.0
    sigma2 = float(residuals @ residuals) / blank.reduction.nobs
    best = Optimum(rho, 0.0, d[: len(blank.terms)], sigma2, float("nan"))
    return replace(blank, optimum=best)


def _endogenous(columns: Columns, design: Design, options: Options) -> tuple[int, ...]:
    """Positions of endogenous terms and of their lags."""
    names = _listed(options.endogenous)
    unknown = [name for name in names if name not in design.slopes]
    if unknown or len(set(names)) < len(names):
        raise FormulaError(
            f"endogenous names {first_five(unknown or names)}; name each once, among the "
            f"formula's terms: {first_five(design.slopes)}."
        )
    for name in names:
        word = re.compile(rf"(?<![\w.]){re.escape(name)}(?![\w.])")
        holds = [t for t in design.slopes if t not in names and word.search(t)]
        if holds:
            raise FormulaError(
                f"term {first_five(holds)} holds the endogenous {name} too; name it in "
                "endogenous as well."
            )
    if not names and not options.lag:
        raise FormulaError(
            "nothing is endogenous: there is neither W y nor an endogenous term; use ols or slx."
        )
    pairs = enumerate(zip(columns.terms, columns.lag_of, strict=True))
    return tuple(j for j, (term, of) in pairs if (of or term) in names)


def _instruments(
    spec: Spec,
    panel: Panel,
    own: Spectral | None,
    columns: Columns,
    options: Options,
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Evaluate the external instruments, shape (T, N, q)."""
    names = _listed(options.instruments)
    if not names:
        return np.empty((*columns.y.shape, 0)), ()
    made = materialise(
        Spec(spec.response, " + ".join(names), spec.fixed), panel, None if own is None else own.lag
    )
    kept = [j for j, term in enumerate(made.terms) if term != _INTERCEPT]
    terms = tuple(made.terms[j] for j in kept)
    both = [term for term in terms if term in columns.terms]
    if both:
        raise FormulaError(
            f"{first_five(both)} is a regressor and an instrument; an instrument must not stand in "
            "the equation, and an exogenous regressor is its own."
        )
    return made.X[:, :, kept], terms


def _lagged(
    columns: Columns,
    endogenous: tuple[int, ...],
    outer: NDArray[np.float64],
    names: tuple[str, ...],
    own: Spectral,
    options: Options,
) -> list[tuple[str, NDArray[np.float64]]]:
    """Lags of exogenous regressors and instruments that are not regressors, named W²(x)."""
    chains = [(name, 0, outer[:, :, [j]]) for j, name in enumerate(names) if lag_of(name) is None]
    order = options.order
    if options.lag:
        chains += [
            (of or term, int(of is not None), columns.X[:, :, [j]])
            for j, (term, of) in enumerate(zip(columns.terms, columns.lag_of, strict=True))
            if j not in endogenous
            and term != _INTERCEPT
            and (of is None or of not in columns.terms)
        ]
    else:
        order = int(any(columns.lag_of[j] for j in endogenous))
    found: dict[str, NDArray[np.float64]] = {}
    for name, power, column in chains:
        for k, lagged in enumerate(spatial_lags(own.lag, column, max(order - power, 0)), power + 1):
            label = f"W{_POWERS[k]}({name})"
            if label not in columns.terms and label not in names:
                found.setdefault(label, lagged)
    return list(found.items())


def _listed(names: Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)
