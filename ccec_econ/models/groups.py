"""Effects between groups and between units, from results."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.errors import AlignmentError, FormulaError, first_five
from ccec_econ.formula import Spec, materialise
from ccec_econ.inference import groups as by_group
from ccec_econ.inference import orders, units
from ccec_econ.inference.group_blocks import Split, partition
from ccec_econ.inference.groups import GroupEffects
from ccec_econ.inference.multipliers import Horizon
from ccec_econ.inference.orders import OrderEffects
from ccec_econ.inference.reduced_form import ReducedForm
from ccec_econ.inference.resampled import Bootstrap
from ccec_econ.inference.units import UnitEffects
from ccec_econ.models.effects import WithEffects, form_of, resampled

__all__ = ["effects_by_order", "group_effects", "split_by_origin", "unit_effects"]


def group_effects(
    results: WithEffects,
    groups: pd.Series | Mapping[Hashable, str],
    *,
    weights: pd.Series | None = None,
    split: Split | None = None,
    horizon: Horizon = "short",
    cumulative: bool = True,
    period: Hashable | None = None,
    bootstrap: Bootstrap | int | None = None,
    level: float = 0.95,
    draws: int = 1000,
    rng: int | np.random.Generator = 0,
) -> GroupEffects:
    """Effects between groups of units: who gains from whose change.

    Parameters
    ----------
    results
        Any fit that has effects: static, dynamic, with instruments, random effects or several
        spatial lags.
    groups : Series
        Group by unit.
    weights : Series, optional
        Positive weights by unit (population, output), used within groups.
    split : mapping, optional
        Terms lagged by origin group: ``{"x": {"core": "x_core", "other": "x_other"}}``, with
        columns made by `split_by_origin`; or ``{"x": {"core": "I(x * core)", ...}}`` with a
        column per group that is one in its units, so that `ce.randomisation_test` can permute x.
    period : label, optional
        Where weights change over time, the period whose weights to use; means over the periods by
        default.
    horizon, cumulative, bootstrap, level, draws, rng
        As in `effects` of the results.

    Raises
    ------
    AlignmentError
        If groups or weights do not name exactly the units of the panel.
    FormulaError
        If `split` names terms or groups that there are not, a part of it is no column of the data
        or not zero outside its groups, or the period cannot be chosen.
    IdentificationError, ConvergenceError, ValueError
        As in `effects` of the results.

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
    form = form_of(results, horizon=horizon, cumulative=cumulative, period=period)
    groups = pd.Series(groups)
    part = partition(results.panel.units, groups, weights)
    _refuse_leak(results, form, groups, split or {})
    return by_group.group_effects(
        form,
        results.vcov,
        part,
        split=split,
        level=level,
        draws=draws,
        rng=np.random.default_rng(rng),
        bootstrap=resampled(results, bootstrap, level, rng),
    )


def unit_effects(
    results: WithEffects,
    term: str,
    *,
    horizon: Horizon = "short",
    cumulative: bool = True,
    period: Hashable | None = None,
) -> UnitEffects:
    """Effects of one term between all pairs of units, with row and column sums.

    Parameters
    ----------
    horizon, cumulative, period
        As in `group_effects`.

    Raises
    ------
    FormulaError
        If the term has no effects in the model, or the period cannot be chosen.
    IdentificationError
        If there is no reduced form at that horizon.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> fit = ce.sdm("growth ~ digital | unit + year", panel, ce.weights.contiguity())
    >>> ce.unit_effects(fit, "digital").matrix.shape
    (16, 16)
    """
    form = form_of(results, horizon=horizon, cumulative=cumulative, period=period)
    return units.unit_effects(form, results.panel.units, term)


def effects_by_order(
    results: WithEffects,
    *,
    orders_shown: int = 8,
    groups: pd.Series | Mapping[Hashable, str] | None = None,
    period: Hashable | None = None,
    bootstrap: Bootstrap | int | None = None,
    level: float = 0.95,
    draws: int = 1000,
    rng: int | np.random.Generator = 0,
) -> OrderEffects:
    """Direct, indirect and total effects by powers of rho W, with errors and intervals.

    In a dynamic model those of the short run.

    Parameters
    ----------
    orders_shown : int
        Highest order listed; the rest stands under "beyond".
    groups : Series, optional
        Group by unit: then effects between groups by order.
    period, bootstrap, level, draws, rng
        As in `group_effects`.

    Raises
    ------
    ValueError
        If `orders_shown` is negative, or another option out of range.
    IdentificationError
        If the powers do not die out.
    FormulaError, AlignmentError, ConvergenceError
        As in `group_effects`.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> fit = ce.sdm("growth ~ digital | unit + year", panel, ce.weights.contiguity())
    >>> list(ce.effects_by_order(fit, orders_shown=1).wide().index)
    [('digital', 0), ('digital', 1), ('digital', 'beyond'), ('digital', 'all')]
    """
    form = form_of(results, period=period)
    part = None if groups is None else partition(results.panel.units, pd.Series(groups), None)
    return orders.effects_by_order(
        form,
        results.vcov,
        part,
        orders=orders_shown,
        level=level,
        draws=draws,
        rng=np.random.default_rng(rng),
        bootstrap=resampled(results, bootstrap, level, rng),
    )


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
    labelled = column.index.get_level_values(0)
    of_row = pd.Series(labelled, index=column.index).map(groups)
    if of_row.isna().any():
        without = labelled[of_row.isna().to_numpy()].unique()
        raise AlignmentError(f"no group for {first_five(without)}; assign every unit.")
    labels = pd.Index(of_row.unique()).sort_values()
    parts = {f"{column.name}_{label}": column.where(of_row == label, 0.0) for label in labels}
    return pd.DataFrame(parts, index=column.index)


def _refuse_leak(results: WithEffects, form: ReducedForm, groups: pd.Series, split: Split) -> None:
    """Refuse split terms that are not zero in units of other groups, or cannot be looked at."""
    known = {term.name for term in form.terms}
    labelled = pd.Series(results.panel.frame.index.get_level_values(1))
    of_row = labelled.map(groups)
    for term, by in split.items():
        for part in dict.fromkeys(by.values()):
            origins: list[Hashable] = [label for label, name in by.items() if name == part]
            if part == term or part not in known:
                continue
            values = _values(part, results)
            if values is None:
                raise FormulaError(
                    f"split of {term!r}: {part!r} is no column of the data and no I(...) of "
                    f"columns, so that it is zero outside {first_five(origins)} cannot be "
                    "checked; make the columns with split_by_origin."
                )
            leaks = (values != 0.0) & ~of_row.isin(origins).to_numpy()
            if leaks.any():
                raise FormulaError(
                    f"split of {term!r}: {part!r} is not zero in "
                    f"{first_five(labelled[leaks].unique())}, outside {first_five(origins)}; make "
                    "the columns with split_by_origin."
                )


def _values(part: str, results: WithEffects) -> NDArray[np.float64] | None:
    """Rows of a column, or of a term made from columns, such as ``I(x * core)``."""
    panel = results.panel
    if part in panel.frame.columns:
        return panel.frame[part].to_numpy(dtype=np.float64)
    spec = getattr(results, "spec", None)
    if not isinstance(spec, Spec):
        return None
    try:
        design = materialise(Spec(spec.response, part, ()), panel)
    except FormulaError:
        return None
    if part not in design.terms:
        return None
    return panel.rows(design.X[:, :, design.terms.index(part)])
