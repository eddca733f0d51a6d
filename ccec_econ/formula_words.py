"""Words of formulas that other programs know and this one does not, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from keyword import kwlist

import numpy as np
from formulaic import Formula
from formulaic.transforms import TRANSFORMS

from ccec_econ.errors import FormulaError, first_five

__all__ = [
    "RESERVED",
    "is_column_name",
    "refuse_function_names",
    "refuse_learning",
    "refuse_unknown_words",
]

RESERVED = ("Intercept", "rho", "lam", "sigma2", "W", "L")
"""Names that results and formulas use themselves."""

_LEARNING = (
    *("poly", "scale", "center", "standardize", "bs", "cc", "cr", "cs", "hashed"),
    *("te", "ns", "spline"),
)


_REDUCING = (
    *("mean", "std", "var", "median", "sum", "min", "max", "quantile", "rank", "cumsum", "diff"),
    *("shift", "groupby", "rolling", "transform", "pct_change", "values", "iloc", "loc"),
)


def is_column_name(text: str) -> bool:
    """Whether part of a formula can only be the name of a column.

    Examples
    --------
    >>> [is_column_name(text) for text in ("x", "log(x)", "x:z", "log", "rho", "in")]
    [True, False, False, False, False, False]
    """
    words = (*RESERVED, *TRANSFORMS, *kwlist)
    return text.isidentifier() and text not in words


def refuse_learning(formula: str) -> None:
    """Refuse functions that learn from the data, such as means and knots.

    Raises
    ------
    FormulaError
        If one is written: on other samples, as in a bootstrap, it would be another regressor.
    """
    named = "|".join(_LEARNING)
    found = re.findall(rf"(?<![\w.`])({named})\(", formula)
    if found:
        raise FormulaError(
            f"{found[0]}() is not supported in formulas: it takes means or knots from the sample. "
            "Make the column in the data first; powers are written x + I(x**2)."
        )


def refuse_reductions(formula: str) -> None:
    """Refuse what a formula cannot know from one period: categories, means and the like.

    Raises
    ------
    FormulaError
        If one is written.
    """
    found = re.findall(rf"(?<![\w.`])(C)\(|\.({'|'.join(_REDUCING)})\b", formula)
    if found:
        word = "".join(found[0])
        raise FormulaError(
            f"{word}() looks at all periods, and blocks are read one by one; make the column in "
            "the data first (dummies instead of C())."
        )


def refuse_function_names(formula: Formula) -> None:
    """Refuse a column called like a function, which would be read as the function.

    Raises
    ------
    FormulaError
        If a factor is such a name and nothing else.
    """
    clash = {str(f.expr).strip() for term in formula for f in term.factors} & set(TRANSFORMS)
    if clash:
        raise FormulaError(
            f"column {first_five(sorted(clash))} is called like a function of formulas; rename it "
            "in the data."
        )


def refuse_unknown_words(unknown: Sequence[str], text: str, levels: tuple[str, str]) -> None:
    """Refuse names that are no column but have a meaning: functions, effects, index levels.

    Parameters
    ----------
    unknown : sequence of str
        Names that the formula uses and the data do not have.
    text : str
        The formula.
    levels : tuple of str
        Names of the unit and the time level.

    Raises
    ------
    FormulaError
        If a name is one of these.
    """
    dummies = re.search(r"(?<![\w.])i\.(\w+)", text)
    if "i" in unknown and dummies is not None:
        name = dummies[1]
        instead = f"the effect '| {name}'" if name in levels else f"C({name}) for dummies"
        raise FormulaError(f"i.{name} is not read here; write {instead}.")
    for name in unknown:
        if name in levels:
            raise FormulaError(
                f"{name} is a level of the index, not a column; write its effects behind the bar, "
                f"as in 'y ~ x | {name}', or give its values as a column of another name."
            )
    functions = [n for n in unknown if re.search(rf"(?<![\w.]){re.escape(n)}\(", text)]
    if functions:
        numpy = [n for n in functions if isinstance(getattr(np, n, None), np.ufunc)]
        instead = " ".join(f"Write np.{name}()." for name in numpy)
        raise FormulaError(
            f"formulas have no function {first_five(functions)}. "
            f"{instead or 'Make the column in the data first.'}"
        )
