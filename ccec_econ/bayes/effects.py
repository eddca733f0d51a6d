"""Effects at every draw, with their labels."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.bayes.quantities import Quantities, quantities
from ccec_econ.bayes.sampler import Draws
from ccec_econ.inference.effects import NAMES, average_effects
from ccec_econ.inference.group_blocks import group_map, partition
from ccec_econ.inference.reduced_form import ReducedForm
from ccec_econ.panel import Panel

__all__ = ["describe_effects", "effect_draws", "effect_index"]


def effect_draws(form: ReducedForm, draws: Draws) -> NDArray[np.float64]:
    """Direct, indirect and total effects at every draw: shape (D, terms, 3).

    They depend on the coefficients and rho; lam stands in the place of rho in error models, whose
    reduced form does not look at it.
    """
    return average_effects(form, _parameters(draws))


def effect_index(form: ReducedForm) -> pd.MultiIndex:
    """Labels of the effects of a form, by term and effect."""
    names = [term.name for term in form.terms]
    return pd.MultiIndex.from_product([names, NAMES], names=["term", "effect"])


def describe_effects(
    form: ReducedForm,
    draws: Draws,
    panel: Panel,
    *,
    groups: pd.Series | Mapping[Hashable, str] | None,
    level: float,
    remarks: tuple[str, ...],
) -> Quantities:
    """Describe average effects, or effects between groups.

    Raises
    ------
    AlignmentError
        If groups do not name exactly the units of the panel.
    ValueError
        If `level` is not in (0, 1).
    """
    run = f", {form.reach.name()}" if form.is_dynamic else ""
    if groups is None:
        title, index = "Direct, indirect and total effects", effect_index(form)
        found = effect_draws(form, draws)
    else:
        title, theta = "Effects between groups", _parameters(draws)
        part = partition(panel.units, pd.Series(groups), None)
        names, effects = group_map(form, part, {})
        labels = list(part.table.index)
        G = len(labels)
        found = effects.at(theta).reshape(len(theta), len(names), G, G + 1)[..., :G]
        index = pd.MultiIndex.from_product([names, labels, labels], names=["term", "to", "from"])
    return quantities(
        found.reshape(len(found), -1),
        index,
        level=level,
        title=f"{title}, posterior{run}",
        remarks=remarks,
        by_median=bool(form.rho),
    )


def _parameters(draws: Draws) -> NDArray[np.float64]:
    """Coefficients, then rho or lam: (D, K + 1)."""
    return np.column_stack([draws.coefficients, draws.spatial])
