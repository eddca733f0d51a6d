"""Formulas: "y ~ x1 + log(x2) | unit + year" becomes a specification, then arrays."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from formulaic import Formula
from formulaic.errors import FormulaicError
from numpy.typing import NDArray

from ccec_econ.errors import FormulaError, PanelError, first_five
from ccec_econ.panel import Panel

__all__ = ["Design", "Effects", "Spec", "materialise", "parse"]

Effects = Literal["none", "unit", "time", "twoway"]
_INTERCEPT = "Intercept"


@dataclass(frozen=True, slots=True)
class Spec:
    """What a formula says, before any data.

    Attributes
    ----------
    response, regressors : str
        The two sides of the formula, effects taken off.
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
    effects : {"none", "unit", "time", "twoway"}
    """

    y: NDArray[np.float64]
    X: NDArray[np.float64]
    terms: tuple[str, ...]
    effects: Effects

    @property
    def has_intercept(self) -> bool:
        """Whether the first column is the constant."""
        return bool(self.terms) and self.terms[0] == _INTERCEPT


def parse(formula: str) -> Spec:
    """Split a formula into response, regressors and fixed effects.

    Raises
    ------
    FormulaError
        If a side is empty, there is not exactly one "~", or more than one "|".
    """
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
    if re.search(r"\blag\(", formula):
        raise FormulaError(
            f"formula {formula!r} uses lag(), which shifts rows across units; build the lag first: "
            "data['x_lag'] = data.groupby(level=0)['x'].shift()."
        )
    response, regressors = sides[0].strip(), parts[0].strip()
    if not response or not regressors:
        side = "left" if not response else "right"
        raise FormulaError(f"formula {formula!r} has an empty {side} side; name a variable there.")
    if len(parts) == 1:
        return Spec(response, regressors, ())
    fixed = tuple(name.strip() for name in parts[1].split("+"))
    if not all(fixed):
        raise FormulaError(
            f"formula {formula!r} names no fixed effect behind the bar; write '| unit', '| year', "
            "'| unit + year', or leave the bar out."
        )
    return Spec(response, regressors, fixed)


def materialise(spec: Spec, panel: Panel) -> Design:
    """Evaluate a specification on a panel.

    Raises
    ------
    FormulaError
        If a name is unknown, the response is not one numeric column, a text column is used
        without ``C()``, or a fixed effect is neither the unit nor the time level.
    PanelError
        If a value used is missing or infinite; the cells are named, none is dropped.
    """
    effects = _effects(spec, panel)
    left, right = _formulas(spec)
    _refuse_unknown(left.required_variables | right.required_variables, panel)
    used = sorted(left.required_variables | right.required_variables)
    _refuse_not_finite(panel.frame[used], panel, "column")
    y = _evaluate(left, panel)
    if y.shape[1] != 1:
        raise FormulaError(
            f"the left side {spec.response!r} gives {y.shape[1]} columns "
            f"({first_five(y.columns)}); a model has one response."
        )
    X = _evaluate(right, panel)
    if effects != "none":
        X = X.drop(columns=_INTERCEPT, errors="ignore")
    if X.shape[1] == 0 or list(X.columns) == [_INTERCEPT]:
        raise FormulaError(
            f"formula '{spec}' has no regressor besides the effects; name at least one variable."
        )
    return Design(
        y=panel.cube(y.iloc[:, 0].to_numpy(dtype=np.float64)),
        X=panel.cube(X.to_numpy(dtype=np.float64)),
        terms=tuple(str(name) for name in X.columns),
        effects=effects,
    )


def _effects(spec: Spec, panel: Panel) -> Effects:
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


def _formulas(spec: Spec) -> tuple[Formula, Formula]:
    try:
        return Formula(f"{spec.response} - 1"), Formula(spec.regressors)
    except FormulaicError as error:
        raise FormulaError(f"formula '{spec}' cannot be read: {error}") from error


def _refuse_unknown(names: set[str], panel: Panel) -> None:
    unknown = sorted(str(name) for name in names if name not in panel.frame.columns)
    if not unknown:
        return
    columns = [str(name) for name in panel.frame.columns]
    near = {hit for name in unknown for hit in difflib.get_close_matches(name, columns, n=2)}
    hint = f"did you mean {first_five(sorted(near))}?" if near else f"it has {first_five(columns)}."
    raise FormulaError(f"the data have no column {first_five(unknown)}; {hint}")


def _evaluate(formula: Formula, panel: Panel) -> pd.DataFrame:
    try:
        with np.errstate(all="ignore"):  # what leaves the reals is refused below, by cell
            matrix = formula.get_model_matrix(panel.frame, context={}, na_action="ignore")
    except FormulaicError as error:
        raise FormulaError(f"'{formula}' cannot be evaluated on the data: {error}") from error
    frame = pd.DataFrame(matrix)
    _refuse_text(matrix)
    _refuse_not_finite(frame, panel, "term")
    return frame


def _refuse_text(matrix: pd.DataFrame) -> None:
    states = matrix.model_spec.encoder_state
    text = [
        str(factor)
        for factor, (kind, _) in states.items()
        if kind.value == "categorical" and not str(factor).startswith("C(")
    ]
    if text:
        raise FormulaError(
            f"column {first_five(text)} holds text; "
            f"write C({text[0]}) for dummies, or make it a number."
        )


def _refuse_not_finite(frame: pd.DataFrame, panel: Panel, what: str) -> None:
    numbers = frame.select_dtypes("number")
    bad = ~np.isfinite(numbers.to_numpy(dtype=np.float64))
    if not bad.any():
        _refuse_missing_text(frame, panel, what)
        return
    names = [str(name) for name in numbers.columns[bad.any(axis=0)]]
    cells = panel.cells(bad.any(axis=1))
    raise PanelError(
        f"missing or infinite values in {what} {first_five(names)}: {len(cells)} cells, "
        f"{first_five(cells)}; choose units and periods where the {what} is complete, "
        "or fill these cells and say how."
    )


def _refuse_missing_text(frame: pd.DataFrame, panel: Panel, what: str) -> None:
    others = frame.select_dtypes(exclude="number")
    gone = others.isna().to_numpy(dtype=bool)
    if gone.any():
        names = [str(name) for name in others.columns[gone.any(axis=0)]]
        cells = panel.cells(gone.any(axis=1))
        raise PanelError(
            f"missing values in {what} {first_five(names)}: {len(cells)} cells, "
            f"{first_five(cells)}; fill these cells and say how, or cut the sample."
        )
