"""Words of formulas that other programs know and this one does not, and what to write instead."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from keyword import kwlist

import numpy as np
from formulaic import Formula
from formulaic.errors import FormulaicError
from formulaic.parser.types import Factor
from formulaic.transforms import TRANSFORMS

from ccec_econ.errors import CcecError, FormulaError, first_five

__all__ = [
    "RESERVED",
    "UNREADABLE",
    "is_column_name",
    "plain_names",
    "reading",
    "refuse_code",
    "refuse_function_names",
    "refuse_learning",
    "refuse_reductions",
    "refuse_unknown_words",
]

RESERVED = ("Intercept", "rho", "lam", "sigma2", "W", "L")
"""Names that results and formulas use themselves."""
# What formulaic raises on text that is no formula.
UNREADABLE = (
    *(FormulaicError, SyntaxError, ValueError, TypeError, LookupError, AttributeError),
    *(RecursionError, ArithmeticError),
)

_LEARNING = (
    *("poly", "scale", "center", "standardize", "bs", "cc", "cr", "cs", "hashed"),
    *("te", "ns", "spline"),
)


_ACROSS = (
    *("shift", "diff", "pct_change", "rolling", "expanding", "ewm"),
    *("cumsum", "cumprod", "cummax", "cummin"),
)
# What formulas may ask of a column and of numpy: of all rows, or of each alone, where numpy's
# functions of single numbers stand beside.
_REDUCING = frozenset(
    {
        *("mean", "std", "var", "median", "sum", "prod", "min", "max", "quantile", "rank"),
        *("groupby", "transform", "values", "iloc", "loc"),
    }
)
_SINGLE = frozenset(
    {
        *("abs", "add", "astype", "between", "clip", "div", "eq", "fillna", "ge", "gt", "isin"),
        *("isna", "le", "lt", "mask", "mul", "ne", "notna", "pow", "round", "sub", "where"),
    }
)
_NUMPY_SINGLE = frozenset({"clip", "e", "inf", "nan", "pi", "round", "where"})
_METHODS = _SINGLE | _REDUCING
_ARITHMETIC = (
    *(ast.Expression, ast.expr_context, ast.Constant, ast.Name, ast.Attribute, ast.Call),
    *(ast.keyword, ast.BinOp, ast.operator, ast.UnaryOp, ast.unaryop, ast.BoolOp, ast.boolop),
    *(ast.Compare, ast.cmpop, ast.IfExp, ast.List, ast.Tuple, ast.Dict, ast.Subscript, ast.Slice),
)


@contextmanager
def reading(formula: object) -> Iterator[None]:
    """Turn what goes wrong while a formula is read into a FormulaError that shows it."""
    try:
        yield
    except CcecError:
        raise
    except UNREADABLE as error:
        text = " ".join(str(error).split())
        raise FormulaError(
            f"formula '{formula}' cannot be read ({type(error).__name__}: {text}); write it as "
            "'y ~ x1 + log(x2) | unit + year', and names with other signs in backticks."
        ) from error


def refuse_code(formula: Formula) -> None:
    """Refuse what is no arithmetic with columns: programs, files, and names of Python's inside.

    Raises
    ------
    FormulaError
        If a part of a formula could do more than give a column, or goes from row to row, which
        would take values of one unit to the next.
    """
    for text, tree in _parts(formula):
        for node in ast.walk(tree):
            _refuse_across(text, node)
            _refuse_more_than_arithmetic(text, node)


def refuse_reductions(formula: Formula) -> None:
    """Refuse what a formula cannot know from one period: categories, means and the like.

    Raises
    ------
    FormulaError
        If one is written.
    """
    for text, tree in _parts(formula):
        for node in ast.walk(tree):
            if _looks_further(node):
                raise FormulaError(
                    f"{_seen(node)} in {text!r} looks at all periods, and blocks are read one by "
                    "one; make the column in the data first (dummies instead of C())."
                )


def _parts(formula: Formula) -> Iterator[tuple[str, ast.Expression]]:
    """Text and syntax of the parts of a formula that are evaluated as Python."""
    for term in formula:
        for factor in term.factors:
            if factor.eval_method is not Factor.EvalMethod.PYTHON:
                continue
            text = str(factor.expr)
            try:
                yield text, ast.parse(re.sub(r"`[^`]*`", "column", text), mode="eval")
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                raise FormulaError(f"formula part {text!r} cannot be read: {error}.") from None


def _refuse_across(text: str, node: ast.AST) -> None:
    shifts = isinstance(node, ast.Attribute) and node.attr == "shift"
    if shifts or (isinstance(node, ast.Call) and _is_name(node.func, "lag")):
        raise FormulaError(
            f"formula part {text!r} shifts rows across units; build the lag first: "
            "data['x_lag'] = data.groupby(level=0)['x'].shift()."
        )
    for name in _named(node):
        raise FormulaError(
            f"formula part {text!r} goes from row to row with {name}, across units; make the "
            "column in the data first, unit by unit, as by data.groupby(level=0)['x'].cumsum()."
        )


def _named(node: ast.AST) -> list[str]:
    """Methods from row to row that a node asks for, by their name or as text in transform()."""
    if isinstance(node, ast.Attribute):
        return [node.attr] if node.attr in _ACROSS else []
    if not (isinstance(node, ast.Call) and getattr(node.func, "attr", None) == "transform"):
        return []
    given = [*node.args, *(keyword.value for keyword in node.keywords)]
    parts = [part for one in given for part in ast.walk(one)]
    words = [part.value for part in parts if isinstance(part, ast.Constant)]
    return [word for word in words if isinstance(word, str) and word not in _METHODS]


def _refuse_more_than_arithmetic(text: str, node: ast.AST) -> None:
    if not isinstance(node, _ARITHMETIC):
        raise FormulaError(
            f"formula part {text!r} holds {_seen(node)}, which is no arithmetic with columns; make "
            "the column in the data first."
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and _without_column(node):
        raise FormulaError(
            f"formula part {text!r} holds {_seen(node)}, a power without a column; write the "
            "number."
        )
    if isinstance(node, ast.Attribute) and not _is_known(node):
        raise FormulaError(
            f"formula part {text!r} uses {_seen(node)}; of a column formulas know "
            f"{', '.join(sorted(_METHODS))}, of np the functions of single numbers. Make the "
            "column in the data first."
        )


def _seen(node: ast.AST) -> str:
    return ast.unparse(node) if isinstance(node, ast.expr) else type(node).__name__


def _without_column(node: ast.AST) -> bool:
    return not any(isinstance(part, ast.Name) for part in ast.walk(node))


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _is_known(node: ast.Attribute) -> bool:
    if _is_name(node.value, "np"):
        return node.attr in _REDUCING or _is_single(node)
    return node.attr in _METHODS


def _is_single(node: ast.Attribute) -> bool:
    """Whether a method or a function of numpy looks at each row alone."""
    if not _is_name(node.value, "np"):
        return node.attr in _SINGLE
    found = getattr(np, node.attr, None)
    return node.attr in _NUMPY_SINGLE or (isinstance(found, np.ufunc) and found.signature is None)


def _looks_further(node: ast.AST) -> bool:
    """Whether a node asks for more than each row alone."""
    if isinstance(node, ast.Attribute):
        return not _is_single(node)
    dummies = isinstance(node, ast.Call) and _is_name(node.func, "C")
    product = isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult)
    return dummies or product or isinstance(node, ast.Subscript)


def is_column_name(text: str) -> bool:
    """Whether part of a formula can only be the name of a column.

    Examples
    --------
    >>> [is_column_name(text) for text in ("x", "log(x)", "x:z", "log", "rho", "in")]
    [True, False, False, False, False, False]
    """
    words = (*RESERVED, *TRANSFORMS, *kwlist)
    return text.isidentifier() and text not in words


def plain_names(regressors: str) -> list[str] | None:
    """Names of columns that make up a right side, None where it holds anything else.

    Examples
    --------
    >>> plain_names("x + z + x"), plain_names("x + log(z)")
    (['x', 'z'], None)
    """
    names = list(dict.fromkeys(name.strip() for name in regressors.split("+")))
    return names if all(map(is_column_name, names)) else None


def refuse_learning(formula: str) -> None:
    """Refuse functions that learn from the data, such as means and knots.

    Raises
    ------
    FormulaError
        If one is written: on other samples, as in a bootstrap, it would be another regressor.
    """
    named = "|".join(_LEARNING)
    found = re.findall(rf"(?<![\w.`])({named})\s*\(", formula)
    if found:
        raise FormulaError(
            f"{found[0]}() is not supported in formulas: it takes means or knots from the sample. "
            "Make the column in the data first; powers are written x + I(x**2)."
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
