"""Spatial lags written in a formula: which terms are one, and which W() cannot be."""

from __future__ import annotations

import re

from formulaic import Formula
from formulaic.parser.types import Factor

from ccec_econ.errors import FormulaError, first_five

__all__ = ["closing", "lag_of", "lagged_term", "refuse_odd_lags"]

_LAG = "W"
_OPENS = re.compile(rf"(?<![\w.]){_LAG}\(")


def lagged_term(term: str) -> str:
    """Label of the spatial lag of a term."""
    return f"{_LAG}({term})"


def lag_of(term: str) -> str | None:
    """Return what a term is the spatial lag of: x for W(x) and None for all others.

    Examples
    --------
    >>> lag_of("W(log(x))"), lag_of("W(x):z"), lag_of("x")
    ('log(x)', None, None)
    """
    start = len(_LAG) + 1
    if (
        not (term.startswith(f"{_LAG}(") and term.endswith(")"))
        or closing(term, start) != len(term) - 1
    ):
        return None
    return term[start:-1]


def closing(text: str, start: int) -> int:
    """Place of the bracket that closes the one just before `start`; quoted text is skipped.

    Raises
    ------
    FormulaError
        If none does.
    """
    depth, quote = 1, ""
    for j in range(start, len(text)):
        mark = text[j]
        if quote or mark in "`'\"":
            quote = mark if not quote else ("" if mark == quote else quote)
            continue
        depth += (mark == "(") - (mark == ")")
        if depth == 0:
            return j
    raise FormulaError(f"formula part {text!r} does not close its brackets.")


def refuse_odd_lags(left: Formula, right: Formula) -> None:
    """Refuse every W() whose coefficient would not be that of one regressor's spatial lag.

    Raises
    ------
    FormulaError
        If W() lags a column of the response or another W(), or stands inside a term.
    """
    response = {str(name) for name in left.required_variables} - {_LAG}
    for term in right:
        code = [str(f.expr) for f in term.factors if f.eval_method is Factor.EvalMethod.PYTHON]
        for text in code:
            _refuse_factor(text, response)
        whole = str(term)
        if lag_of(whole) is None and any(_OPENS.search(text) for text in code):
            raise FormulaError(
                f"a spatial lag stands inside the term {whole}, which would count as no lag of "
                "anything; lag the product, as in I(x1 * x2) + W(I(x1 * x2)) or durbin=['x1:x2'], "
                "or make the term a column of the data first."
            )


def _refuse_factor(text: str, response: set[str]) -> None:
    for match in _OPENS.finditer(text):
        inner = text[match.end() : closing(text, match.end())]
        shown = lagged_term(inner)
        if _OPENS.search(inner):
            raise FormulaError(
                f"{shown} lags a lag, which effects would take for a regressor of its own; give "
                "W^2 as x_weights, or make the inner lag a column of the data first."
            )
        held = sorted(response & {str(n) for n in Formula(f"{{{inner}}} - 1").required_variables})
        if held:
            raise FormulaError(
                f"{shown} lags the response's own column {first_five(held)}: it is endogenous, no "
                "regressor and no instrument. rho W y is added by sar, sdm, sac and gns, and by "
                "lag=True elsewhere; a time lag is W(L(y)), in sar and sdm. A column that is "
                "fixed beforehand, such as a first level, needs a name of its own in the data."
            )
