"""Formulas: "y ~ x1 + log(x2) + W(x1) | unit + year" becomes a specification, then arrays."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from formulaic import Formula
from numpy.typing import NDArray

from ccec_econ.errors import FormulaError, first_five
from ccec_econ.formula_values import refuse_not_finite, refuse_text
from ccec_econ.formula_words import (
    RESERVED,
    UNREADABLE,
    is_column_name,
    plain_names,
    reading,
    refuse_code,
    refuse_function_names,
    refuse_learning,
    refuse_unknown_words,
)
from ccec_econ.lag_terms import lag_of, lagged_term, refuse_odd_lags
from ccec_econ.panel import Panel

__all__ = [
    "Design",
    "Effects",
    "Lag",
    "Spec",
    "effects_of",
    "lagged_term",
    "materialise",
    "names_used",
    "parse",
    "sides",
]

Effects = Literal["none", "unit", "time", "twoway"]
_INTERCEPT = "Intercept"
_LAG = "W"
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class Spec:
    """What a formula says, before any data.

    Attributes
    ----------
    response, regressors : str
        The two sides of the formula, effects taken off. The response is one expression, so
        ``log(y) - log(y0)`` is a difference; the regressors are terms.
    fixed : tuple of str
        Names behind the bar, in the order written.
    """

    response: str
    regressors: str
    fixed: tuple[str, ...]

    def __str__(self) -> str:
        """Write the formula back."""
        tail = f" | {' + '.join(self.fixed)}" if self.fixed else ""
        return f"{self.response} ~ {self.regressors}{tail}"


@dataclass(frozen=True, slots=True)
class Design:
    """Columns of one specification on one panel, not yet transformed.

    Attributes
    ----------
    y : ndarray, shape (T, N)
    X : ndarray, shape (T, N, K)
    terms : tuple of str
        K labels, the formula's own.
    lags : dict
        Position of each spatial lag written in the formula, and what it is the lag of.
    effects : {"none", "unit", "time", "twoway"}
    """

    y: NDArray[np.float64]
    X: NDArray[np.float64]
    terms: tuple[str, ...]
    lags: dict[int, str]
    effects: Effects

    @property
    def slopes(self) -> tuple[str, ...]:
        """Terms other than the constant and the lags written in the formula."""
        return tuple(
            term for j, term in enumerate(self.terms) if j not in self.lags and term != _INTERCEPT
        )


def parse(formula: str) -> Spec:
    """Split a formula into response, regressors and fixed effects.

    Raises
    ------
    FormulaError
        If a side is empty, there is not exactly one "~", more than one "|", or an effect twice.
    """
    if not isinstance(formula, str):
        raise FormulaError(
            f"formula of type {type(formula).__name__}: the formula comes first, as text, then the "
            "data, then the weights."
        )
    sides = formula.split("~")
    if len(sides) != 2:
        raise FormulaError(
            f"formula {formula!r} has {len(sides) - 1} '~'; write 'y ~ x1 + x2 | unit + year'."
        )
    parts = sides[1].split("|")
    if len(parts) > 2:
        raise FormulaError(
            f"formula {formula!r} has {len(parts) - 1} '|'; one bar separates the regressors "
            "from the fixed effects."
        )
    if re.search(r"(?<![\w.)\]`])\.(?![\w.])", sides[1]):
        raise FormulaError(
            f"formula {formula!r} writes '.' for all columns; write the regressors out: "
            "y ~ x1 + x2."
        )
    response, regressors = sides[0].strip(), parts[0].strip()
    if not response or not regressors:
        side = "left" if not response else "right"
        raise FormulaError(f"formula {formula!r} has an empty {side} side; name a variable there.")
    return Spec(response, regressors, _fixed(formula, parts[1]) if len(parts) == 2 else ())


def sides(spec: Spec) -> tuple[Formula, Formula]:
    """Both sides of a specification as formulaic reads them.

    Raises
    ------
    FormulaError
        If a side cannot be read.
    """
    try:
        return Formula(f"{{{spec.response}}} - 1"), Formula(spec.regressors)
    except UNREADABLE as error:
        raise FormulaError(f"formula '{spec}' cannot be read: {_plain(error)}") from error


def names_used(spec: Spec) -> set[str]:
    """Names of columns that stand anywhere in a specification, in transforms and products too.

    Raises
    ------
    FormulaError
        If a side cannot be read.
    """
    with reading(spec):
        return {str(name) for side in sides(spec) for name in side.required_variables}


type Lag = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def materialise(spec: Spec, panel: Panel, lag: Lag | NDArray[np.float64] | None = None) -> Design:
    """Evaluate a specification on a panel.

    Parameters
    ----------
    lag : ndarray or callable, optional
        Behind ``W(x)`` in the formula: weights (N, N), or what maps (T, N) to its spatial lag.

    Raises
    ------
    FormulaError
        If a name is unknown or reserved, the response is not one numeric column or stands on
        both sides, a text column is used without ``C()``, ``W()`` is written without weights,
        lags the response or another ``W()`` or stands inside a term, or a fixed effect is neither
        the unit nor the time level.
    PanelError
        If a value used is missing or infinite; the cells are named, none is dropped.
    """
    effects = effects_of(spec, panel)
    constant = effects == "none"
    y, X, terms = _plain_columns(spec, panel, constant) or _evaluated(spec, panel, lag, constant)
    _refuse_terms(spec, terms)
    return Design(
        y=panel.cube(y),
        X=panel.cube(X),
        terms=terms,
        lags={j: of for j, of in enumerate(map(lag_of, terms)) if of is not None},
        effects=effects,
    )


type Read = tuple[NDArray[np.float64], NDArray[np.float64], tuple[str, ...]]


def _plain_columns(spec: Spec, panel: Panel, constant: bool) -> Read | None:
    """Response, regressors and labels where all are names of numeric columns, else None.

    Raises
    ------
    PanelError
        If a value is missing or infinite.
    """
    names, frame = plain_names(spec.regressors), panel.frame
    if names is None or not is_column_name(spec.response):
        return None
    used = [spec.response, *names]
    known = frame.columns.nlevels == 1 and frame.columns.is_unique
    if not known or not all(name in frame for name in used):
        return None
    columns = [frame[name] for name in used]
    if not all(isinstance(c.dtype, np.dtype) and c.dtype.kind in "biuf" for c in columns):
        return None
    y, *values = (column.to_numpy(dtype=np.float64) for column in columns)
    X = np.column_stack([np.ones_like(y), *values] if constant else values)
    if not (np.isfinite(y).all() and np.isfinite(X).all()):
        refuse_not_finite(frame[sorted(set(used))], panel, "column")
    return y, X, (*[_INTERCEPT] * constant, *names)


def _evaluated(
    spec: Spec, panel: Panel, lag: Lag | NDArray[np.float64] | None, constant: bool
) -> Read:
    """Response, regressors and labels of any formula, by formulaic; refuse what cannot be used."""
    refuse_learning(str(spec))
    left, right = sides(spec)
    with reading(spec):
        for side in (left, right):
            refuse_function_names(side)
            refuse_code(side)
        used = _used(left, right, panel)
        refuse_odd_lags(left, right)
    frame = _numeric(panel, used, spec)
    refuse_not_finite(frame, panel, "column")
    y = _evaluate(left, frame, panel, _no_lag)
    if y.shape[1] != 1:
        raise FormulaError(
            f"the left side {spec.response!r} gives {y.shape[1]} columns "
            f"({first_five(y.columns)}); a model has one numeric response."
        )
    X = _evaluate(right, frame, panel, _lagger(panel, lag))
    if not constant:
        X = X.drop(columns=_INTERCEPT, errors="ignore")
    terms = tuple(str(name) for name in X.columns)
    return y.iloc[:, 0].to_numpy(dtype=np.float64), X.to_numpy(dtype=np.float64), terms


def _fixed(formula: str, text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split("+"))
    if not all(names):
        raise FormulaError(
            f"formula {formula!r} names no fixed effect behind the bar; write '| unit', '| year', "
            "'| unit + year', or leave the bar out."
        )
    if len(set(names)) < len(names):
        raise FormulaError(f"formula {formula!r} names a fixed effect twice; name it once.")
    return names


def effects_of(spec: Spec, panel: Panel) -> Effects:
    """Return the fixed effects that a formula names behind the bar.

    Raises
    ------
    FormulaError
        If a name is no index level of the panel.
    """
    known = {panel.unit_name: "unit", panel.time_name: "time"}
    wrong = [name for name in spec.fixed if name not in known]
    if wrong:
        raise FormulaError(
            f"fixed effect {first_five(wrong)} is not an index level of the panel; behind the bar "
            f"stand {panel.unit_name!r} (unit) and {panel.time_name!r} (time)."
        )
    kinds = {known[name] for name in spec.fixed}
    name = "twoway" if len(kinds) == 2 else (kinds.pop() if kinds else "none")
    return next(effect for effect in get_args(Effects) if effect == name)


def _used(left: Formula, right: Formula, panel: Panel) -> list[str]:
    columns = panel.frame.columns
    names = {str(name) for name in left.required_variables | right.required_variables}
    names -= {_LAG} - set(columns)
    if "L" in names and "L" not in columns:
        raise FormulaError(
            "time lags L() are for the dynamic models of ce.sar and ce.sdm; elsewhere build the "
            "lag first: data['x_lag'] = data.groupby(level=0)['x'].shift()."
        )
    reserved = sorted(n for n in names if n in RESERVED or re.match(r"[WL]\(.*\)$", n))
    if reserved:
        raise FormulaError(
            f"column {first_five(reserved)} has a name that results use themselves; "
            "rename it in the data."
        )
    unknown = sorted(names - set(columns))
    if unknown:
        refuse_unknown_words(unknown, f"{left} ~ {right}", (panel.unit_name, panel.time_name))
        near = {hit for name in unknown for hit in difflib.get_close_matches(name, columns, n=2)}
        seen = first_five(columns)
        hint = f"did you mean {first_five(sorted(near))}?" if near else f"it has {seen}."
        raise FormulaError(f"the data have no column {first_five(unknown)}; {hint}")
    twice = sorted(names & set(columns[columns.duplicated()]))
    if twice:
        raise FormulaError(f"the data have column {first_five(twice)} twice; keep one of each.")
    return sorted(names)


def _numeric(panel: Panel, used: Sequence[str], spec: Spec) -> pd.DataFrame:
    """Columns used, whole numbers as floats so that products of narrow integers do not wrap."""
    frame = panel.frame[list(used)].copy()
    for name in used:
        kind = frame[name].dtype.kind
        if kind in "Mmc":
            raise FormulaError(
                f"column {name} holds {frame[name].dtype}; turn it into plain numbers first."
            )
        coded = re.search(rf"\bC\(\s*`?{re.escape(name)}\b", str(spec)) is not None
        if kind in "iu" and not coded:
            frame[name] = frame[name].astype(float)
    return frame


def _lagger(
    panel: Panel, lag: Lag | NDArray[np.float64] | None
) -> Callable[[Any], NDArray[np.float64]]:
    """Build the operator W(x) of formulas."""
    if lag is None:
        return _no_lag

    def lagged(column: Any) -> NDArray[np.float64]:
        values = panel.cube(np.asarray(column, dtype=np.float64))
        return panel.rows(values @ lag.T if isinstance(lag, np.ndarray) else lag(values))

    return lagged


def _no_lag(column: Any) -> NDArray[np.float64]:
    raise FormulaError(
        "W() is written where no weights are at hand: in the response, or in a model that takes "
        "none; use a spatial model and write W() on the right side."
    )


def _evaluate(
    formula: Formula,
    frame: pd.DataFrame,
    panel: Panel,
    lag: Callable[[Any], NDArray[np.float64]],
) -> pd.DataFrame:
    try:
        with np.errstate(all="ignore"):  # what leaves the reals is refused below, by cell
            matrix = formula.get_model_matrix(frame, context={_LAG: lag}, na_action="ignore")
    except UNREADABLE as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, FormulaError):
            cause = cause.__cause__ or cause.__context__
        if cause is not None:
            raise cause from None
        raise FormulaError(
            f"'{formula}' cannot be evaluated on the data: {_plain(error)}"
        ) from error
    refuse_text(matrix, frame)
    columns = pd.DataFrame(matrix)
    wordy = columns.columns[[kind.kind not in "biuf" for kind in columns.dtypes]]
    if len(wordy):
        raise FormulaError(f"term {first_five(wordy)} is no number; use columns of numbers.")
    refuse_not_finite(columns, panel, "term")
    return columns


def _plain(error: BaseException) -> str:
    return " ".join(_ANSI.sub("", str(error)).split())


def _refuse_terms(spec: Spec, terms: tuple[str, ...]) -> None:
    if not set(terms) - {_INTERCEPT}:
        raise FormulaError(
            f"formula '{spec}' has no regressor besides the effects; name at least one variable."
        )
    if "".join(spec.response.split()) in {"".join(term.split()) for term in terms}:
        raise FormulaError(
            f"the response {spec.response} stands on the right side too; it explains itself. "
            "Take it out."
        )
