"""Time lags written in a formula: L(y) and W(L(y)) become columns, and the first period history."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.engine.dynamic import TimeLags
from ccec_econ.engine.estimate import Columns
from ccec_econ.engine.spectrum import Spectrum
from ccec_econ.errors import FormulaError, IdentificationError, PanelError, first_five
from ccec_econ.formula import Design, Spec, lagged_term, materialise
from ccec_econ.lag_terms import closing
from ccec_econ.panel import Panel

__all__ = ["has_time_lag", "observed_path", "time_columns", "time_design", "with_history"]

_LAG = "response_before__"  # stands for L(y) while the formula is evaluated
_MIN_PERIODS = 3
_UNITS = ("Y", "Q", "M", "D")  # of dates, the longest first


def has_time_lag(formula: str) -> bool:
    """Whether a formula writes the time lag L()."""
    return re.search(r"\bL\(", formula) is not None


def with_history(spec: Spec, whole: Panel) -> tuple[Panel, str]:
    """Panel from the second period on, with y_{t-1} as a column, and a sentence about it."""
    if _LAG in whole.frame.columns:
        raise FormulaError(f"column {_LAG!r} has a name that dynamic models use; rename it.")
    if has_time_lag(spec.response):
        raise FormulaError(f"the response {spec.response} holds L(); lag it on the right side.")
    step = _step(whole)
    response = Spec(spec.response, _LAG, spec.fixed)
    blank = Panel(whole.frame.assign(**{_LAG: 0.0}), whole.units, whole.times)
    design = materialise(response, blank)
    if design.effects not in ("unit", "twoway"):
        raise IdentificationError(
            f"formula '{spec}' has no unit effects: what lasts in a unit would then sit in the "
            f"error and in its time lag alike; write '| {whole.unit_name}' or "
            f"'| {whole.unit_name} + {whole.time_name}'."
        )
    N = len(whole.units)
    before = np.concatenate([np.full(N, np.nan), design.y[:-1].ravel()])
    frame = whole.frame.assign(**{_LAG: before}).iloc[N:]
    T = len(whole.times)
    history = f"{whole.time_name} {whole.times[0]} serves L() only: {T - 1} of {T} periods are used"
    return Panel(frame, whole.units, whole.times[1:]), history + step + "."


def _step(panel: Panel) -> str:
    """Check that periods are evenly spaced; say how far apart where that is not one."""
    times = panel.times
    if len(times) < _MIN_PERIODS:
        raise PanelError(
            f"panel too short for a time lag: {len(times)} periods ({first_five(times)}); "
            f"give at least {_MIN_PERIODS}."
        )
    steps = _distances(times)
    if steps is None:
        raise PanelError(
            f"periods {first_five(times)} do not say whether they are consecutive; index time by "
            "whole numbers, pandas Periods or dates of one frequency."
        )
    if not np.allclose(steps, steps.min()):
        ends = list(panel.times)
        wide = [j for j, step in enumerate(steps) if not np.isclose(step, steps.min())]
        gaps = [f"{ends[j]} to {ends[j + 1]}" for j in wide]
        raise PanelError(
            f"gaps in time: {first_five(gaps)}, elsewhere periods are {steps.min():g} apart; a "
            "time lag needs consecutive periods: fill the gap or cut the sample at it."
        )
    return "" if steps[0] == 1.0 else f", L() reaches back {steps[0]:g} units of time"


def _distances(times: pd.Index) -> NDArray[np.float64] | None:
    """Periods between neighbours; dates are counted in the longest unit that fits them."""
    if isinstance(times, pd.DatetimeIndex):
        counts = [np.diff(times.to_period(unit).asi8) for unit in _UNITS]
        even = [steps for steps in counts if steps.min() > 0 and steps.min() == steps.max()]
        return np.asarray((even or counts[-1:])[0], dtype=np.float64)
    if isinstance(times, pd.PeriodIndex):
        return np.diff(times.asi8).astype(np.float64)
    return np.diff(times.to_numpy(dtype=np.float64)) if times.dtype.kind in "iuf" else None


def time_design(
    spec: Spec, panel: Panel, own: Spectrum, x_own: Spectrum | None
) -> tuple[Design, Design]:
    """Design with time lags in front, and the design without them."""
    weights = None if x_own is None else x_own.W
    label = f"L({spec.response})"
    try:
        found = materialise(Spec(spec.response, _substituted(spec), spec.fixed), panel, weights)
    except FormulaError as error:
        raise FormulaError(str(error).replace(_LAG, label)) from None
    time, space = _LAG, lagged_term(_LAG)
    mixed = [term for term in found.terms if _LAG in term and term not in (time, space)]
    if mixed:
        shown = [term.replace(_LAG, label) for term in mixed]
        raise FormulaError(
            f"a time lag stands inside {first_five(shown)}; write {label} and "
            f"{lagged_term(label)} as terms of their own."
        )
    rest = [j for j, term in enumerate(found.terms) if term not in (time, space)]
    still = replace(
        found,
        X=found.X[:, :, rest],
        terms=tuple(found.terms[j] for j in rest),
        lags={i: found.lags[j] for i, j in enumerate(rest) if j in found.lags},
    )
    before = panel.cube(panel.frame[_LAG].to_numpy(dtype=np.float64))
    named = {time: (label, before), space: (lagged_term(label), before @ own.W.T)}
    lags = [named[term] for term in (time, space) if term in found.terms]
    whole = replace(
        still,
        X=np.concatenate([np.dstack([column for _, column in lags]), still.X], axis=2),
        terms=(*(term for term, _ in lags), *still.terms),
        lags={i + len(lags): of for i, of in still.lags.items()},
    )
    return whole, still


def _substituted(spec: Spec) -> str:
    """Regressors with L(response) replaced by the column that holds it.

    Raises
    ------
    FormulaError
        If L() is missing, or lags anything else.
    """
    text, out, done = spec.regressors, "", 0
    for match in re.finditer(r"\bL\(", text):
        close = closing(text, match.end())
        inner = text[match.end() : close]
        if "".join(inner.split()) != "".join(spec.response.split()):
            raise FormulaError(
                f"L({inner}) lags something other than the response {spec.response}; lag a "
                "regressor in the data: data['x_lag'] = data.groupby(level=0)['x'].shift()."
            )
        out += text[done : match.start()] + _LAG
        done = close + 1
    if not done:
        raise FormulaError(
            f"formula '{spec}' has no time lag; write L({spec.response}), or use a static model."
        )
    return out + text[done:]


def time_columns(design: Design, still: Columns, spec: Spec) -> tuple[Columns, TimeLags]:
    """Put the time lags in front of the columns of a static model."""
    label = f"L({spec.response})"
    labels = [term for term in design.terms if term in (label, lagged_term(label))]
    columns = Columns(
        design.y,
        np.concatenate([design.X[:, :, : len(labels)], still.X], axis=2),
        (*labels, *still.terms),
        (*(None if term == label else label for term in labels), *still.lag_of),
    )
    found = {term: j for j, term in enumerate(labels)}
    return columns, TimeLags(found.get(label), found.get(lagged_term(label)))


def observed_path(panel: Panel, y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Put the response before the sample in front of y (T, N): shape (T + 1, N)."""
    before = panel.cube(panel.frame[_LAG].to_numpy(dtype=np.float64))
    return np.concatenate([before[:1], y])
