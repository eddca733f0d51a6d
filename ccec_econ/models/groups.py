"""Effects between groups and between units, from results."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import pandas as pd

from ccec_econ.errors import AlignmentError, FormulaError, first_five
from ccec_econ.inference import groups as by_group
from ccec_econ.inference import orders
from ccec_econ.inference.draws import refuse_outside
from ccec_econ.inference.group_blocks import Split
from ccec_econ.inference.groups import GroupEffects
from ccec_econ.inference.orders import UnitEffects
from ccec_econ.models.results import SpatialPanelResults, family

__all__ = ["effects_by_order", "group_effects", "split_by_origin", "unit_effects"]


def group_effects(
    results: SpatialPanelResults,
    groups: pd.Series,
    *,
    weights: pd.Series | None = None,
    split: Split | None = None,
    level: float = 0.95,
    draws: int = 1000,
    rng: int | np.random.Generator = 0,
) -> GroupEffects:
    """Effects between groups of units: who gains from whose change.

    Parameters
    ----------
    groups : Series
        Group by unit.
    weights : Series, optional
        Positive weights by unit (population, output), used within groups.
    split : mapping, optional
        Terms lagged by origin group: ``{"x": {"core": "x_core", "other": "x_other"}}``, with
        columns made by `split_by_origin`.
    level, draws, rng
        As in `SpatialPanelResults.effects`.

    Raises
    ------
    AlignmentError
        If groups or weights do not name exactly the units of the panel.
    FormulaError
        If `split` names terms or groups that there are not, or a column of it is not zero
        outside its groups.
    ValueError
        If `level` or `draws` is out of range.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> from ccec_econ.models.groups import group_effects
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> fit = ce.sdm("growth ~ digital | unit + year", panel, ce.weights.contiguity())
    >>> found = group_effects(fit, ce.circle.roles(), draws=100)
    >>> found.matrix("digital").shape
    (4, 4)
    >>> found.siphon("digital").alternative
    'less'
    """
    refuse_outside(family(results).estimate)
    groups = pd.Series(groups)
    found = by_group.group_effects(
        results.estimate,
        results.vcov,
        results.panel.units,
        groups,
        weights=weights,
        split=split,
        level=level,
        draws=draws,
        rng=np.random.default_rng(rng),
    )
    _refuse_leak(results, groups, split or {})
    return found


def unit_effects(results: SpatialPanelResults, term: str) -> UnitEffects:
    """Effects of one term between all pairs of units, with row and column sums.

    Raises
    ------
    FormulaError
        If the term has no effects in the model.
    """
    refuse_outside(family(results).estimate)
    return orders.unit_effects(results.estimate, results.panel.units, term)


def effects_by_order(results: SpatialPanelResults, *, orders_shown: int = 8) -> pd.DataFrame:
    """Direct, indirect and total effects by powers of rho W; see `inference.orders`.

    Raises
    ------
    ValueError
        If `orders_shown` is negative.
    IdentificationError
        If the powers do not die out.
    """
    refuse_outside(family(results).estimate)
    return orders.effects_by_order(results.estimate, orders=orders_shown)


def split_by_origin(column: pd.Series, groups: pd.Series) -> pd.DataFrame:
    """Split a column by group of the unit, so that each origin group gets its own lag.

    W diag(1_h) x = W x_h with x_h = x in the units of h and zero elsewhere: lag the columns made
    here, ``"y ~ x + W(x_core) + W(x_other) | unit + year"``, and group effects may differ in sign.

    Parameters
    ----------
    column : Series
        Indexed (unit, time).
    groups : Series
        Group by unit.

    Returns
    -------
    DataFrame
        One column per group, named ``<column>_<group>``; they add up to the column.

    Raises
    ------
    AlignmentError
        If a unit has no group.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> from ccec_econ.models.groups import split_by_origin
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> list(split_by_origin(panel["digital"], ce.circle.roles()))
    ['digital_core', 'digital_hollow', 'digital_other', 'digital_secondary']
    """
    units = column.index.get_level_values(0)
    of_row = pd.Series(units, index=column.index).map(groups)
    if of_row.isna().any():
        without = units[of_row.isna().to_numpy()].unique()
        raise AlignmentError(f"no group for {first_five(without)}; assign every unit.")
    labels = pd.Index(of_row.unique()).sort_values()
    parts = {f"{column.name}_{label}": column.where(of_row == label, 0.0) for label in labels}
    return pd.DataFrame(parts, index=column.index)


def _refuse_leak(results: SpatialPanelResults, groups: pd.Series, split: Split) -> None:
    """Refuse split columns that are not zero in units of other groups."""
    frame = results.panel.frame
    units = pd.Series(frame.index.get_level_values(1))
    of_row = units.map(groups)
    for term, by in split.items():
        for part in dict.fromkeys(by.values()):
            origins: list[Hashable] = [label for label, name in by.items() if name == part]
            if part == term or part not in frame.columns:
                continue
            leaks = (frame[part].to_numpy() != 0.0) & ~of_row.isin(origins).to_numpy()
            if leaks.any():
                raise FormulaError(
                    f"split of {term!r}: {part!r} is not zero in "
                    f"{first_five(units[leaks].unique())}, outside {first_five(origins)}; make the "
                    "columns with split_by_origin."
                )
