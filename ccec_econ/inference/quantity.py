"""One number of a static model with its standard error: a coefficient, or an effect."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ccec_econ.engine.estimate import Estimate
from ccec_econ.errors import FormulaError
from ccec_econ.formula import lagged_term
from ccec_econ.inference.effects import NAMES, average_effects, effect_slopes
from ccec_econ.inference.measure import errors_along
from ccec_econ.inference.reduced_form import static_form
from ccec_econ.inference.vcov import Vcov

__all__ = ["Quantity", "point", "refuse_no_effect"]

Quantity = Literal["coefficient", "direct", "indirect", "total"]


def point(
    fit: Estimate, vcov: Vcov, term: str, quantity: Quantity
) -> tuple[float, float, float | None]:
    """Estimate, standard error by the delta method and its degrees of freedom, None if normal."""
    if quantity == "coefficient":
        names, best = (*fit.terms, *fit.spatial), fit.optimum
        at = names.index(term)
        values = (*best.coefficients, *(getattr(best, name) for name in fit.spatial))
        slope = np.eye(len(names))[at]
        return float(values[at]), float(np.sqrt(vcov.matrix[at, at])), vcov.least(slope)
    form = static_form(fit)
    where = [each.name for each in form.terms].index(term), NAMES.index(quantity)
    slope = effect_slopes(form)[where]
    value = average_effects(form, form.theta[None, :])[0][where]
    return float(value), float(errors_along(slope, form.covariance(vcov))), vcov.least(slope)


def refuse_no_effect(fit: Estimate, term: str, quantity: Quantity) -> None:
    """Refuse a direct or indirect effect that the model fixes at zero.

    Raises
    ------
    FormulaError
    """
    if quantity == "direct" and fit.weights is None and term not in fit.terms:
        raise FormulaError(
            f"the model has no direct effect of {term!r}: neither {term} itself nor a lag of y."
        )
    if quantity == "indirect" and fit.weights is None and lagged_term(term) not in fit.terms:
        raise FormulaError(
            f"the model has no indirect effect of {term!r}: neither W({term}) nor a lag of y."
        )
