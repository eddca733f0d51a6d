"""A specification without some of its terms."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from formulaic import Formula

from ccec_econ.errors import FormulaError, first_five
from ccec_econ.formula import Design, Lag, Spec, materialise
from ccec_econ.formula_words import plain_names
from ccec_econ.panel import Panel

__all__ = ["dropped_positions", "refuse_no_lag", "without_terms"]

_INTERCEPT = "Intercept"
_WITHOUT_LAGS = {"slx": "ols", "sdm": "sar", "sdem": "sem", "gns": "sac"}


def dropped_positions(
    terms: Sequence[str], lag_of: Sequence[str | None], named: Sequence[str]
) -> list[int]:
    """Positions of the columns to drop: those named, and lags of those named.

    Raises
    ------
    FormulaError
        If none is named, one is no term of the model, or no regressor is left.
    """
    unknown = [name for name in named if name not in terms]
    if unknown or not named:
        raise FormulaError(
            f"no term {first_five(unknown) or 'named'}; name terms among {first_five(terms)}."
        )
    at = [j for j, term in enumerate(terms) if term in named or lag_of[j] in named]
    if not {term for j, term in enumerate(terms) if j not in at} - {_INTERCEPT}:
        raise FormulaError(
            f"without {first_five(named)} no regressor is left; keep one of {first_five(terms)}."
        )
    return at


def refuse_no_lag(model: str, spec: Spec, lag_of: Sequence[str | None]) -> None:
    """Refuse a Durbin model without any lag of a regressor.

    Its formula names none, and for its verb that means a lag of every term.

    Raises
    ------
    FormulaError
    """
    if model in _WITHOUT_LAGS and not any(lag_of):
        raise FormulaError(
            f"no lag of a regressor is left, and ce.{model}('{spec}') would lag every term; write "
            f"ce.{_WITHOUT_LAGS[model]}('{spec}')."
        )


def without_terms(
    spec: Spec, design: Design, gone: Collection[str], panel: Panel, lag: Lag | None
) -> tuple[Spec, Design]:
    """Take columns out of a design, and their terms out of the formula.

    Parameters
    ----------
    lag : callable, optional
        Behind ``W(x)`` in the formula, as for `materialise`.

    Raises
    ------
    FormulaError
        If a column is one of several that a term makes, such as a dummy of ``C(x)``, or the
        shorter formula makes other columns, as where ``C(g):x`` stays and ``x`` goes.
    """
    names = plain_names(spec.regressors)
    written = names or [str(term) for term in Formula(spec.regressors)]
    dropped = [term for term in design.terms if term in gone]
    parts = [term for term in dropped if term not in written and term != _INTERCEPT]
    if parts:
        raise FormulaError(
            f"{first_five(parts)}: one of several columns of a term of the formula; write the "
            "formula anew without the whole term."
        )
    kept = [j for j, term in enumerate(design.terms) if term not in gone]
    text = " + ".join(term for term in written if term not in gone and term != "1")
    if _INTERCEPT in gone or (names is None and "1" not in written):
        text += " - 1"
    shorter, terms = Spec(spec.response, text, spec.fixed), tuple(design.terms[j] for j in kept)
    if names is None:
        fresh = materialise(shorter, panel, lag).terms
        if fresh != terms:
            raise FormulaError(
                f"without {first_five(dropped)} the formula '{shorter}' codes its categories anew: "
                f"it makes {first_five(fresh)}, and {first_five(terms)} were left; fit it by its "
                "verb."
            )
    lags = {new: design.lags[old] for new, old in enumerate(kept) if old in design.lags}
    return shorter, Design(design.y, design.X[:, :, kept], terms, lags, design.effects)
