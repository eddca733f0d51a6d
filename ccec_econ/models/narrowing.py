"""A specification without some of its terms."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from formulaic import Formula

from ccec_econ.errors import FormulaError, first_five
from ccec_econ.formula import Design, Spec
from ccec_econ.formula_words import plain_names

__all__ = ["dropped_positions", "without_terms"]

_INTERCEPT = "Intercept"


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


def without_terms(spec: Spec, design: Design, gone: Collection[str]) -> tuple[Spec, Design]:
    """Take columns out of a design, and their terms out of the formula.

    Raises
    ------
    FormulaError
        If a column is one of several that a term makes, such as a dummy of ``C(x)``.
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
    if design.effects == "none" and _INTERCEPT not in (design.terms[j] for j in kept):
        text += " - 1"
    lags = {new: design.lags[old] for new, old in enumerate(kept) if old in design.lags}
    return (
        Spec(spec.response, text, spec.fixed),
        Design(
            design.y,
            design.X[:, :, kept],
            tuple(design.terms[j] for j in kept),
            lags,
            design.effects,
        ),
    )
