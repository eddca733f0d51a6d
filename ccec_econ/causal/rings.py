"""Differences-in-differences that let a treatment reach neighbours: rings of distance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.causal.design import AlreadyTreated, Design, staggered_design
from ccec_econ.causal.rings_clean import by_exposure, by_period, identification
from ccec_econ.causal.rings_estimate import Linear, Term, TwoSets, one_stage, two_stage
from ccec_econ.causal.rings_exposure import Distances, Exposure, exposure
from ccec_econ.causal.rings_results import TREATED, Columns, Effect, Method, Rings, measured
from ccec_econ.causal.rings_variance import Ringed
from ccec_econ.errors import IdentificationError
from ccec_econ.inference.cluster import Cluster

__all__ = ["rings"]


def rings(
    data: pd.DataFrame,
    outcome: str,
    adoption: pd.Series,
    distances: Distances,
    edges: Sequence[float],
    *,
    method: Method = "two_stage",
    effect: Effect = "total",
    by: Literal["pooled", "event_time"] = "pooled",
    horizon: int | None = None,
    treated_rings: bool = False,
    already: AlreadyTreated = "refuse",
    cov: Ringed | None = None,
    level: float = 0.95,
    metric: str = "km",
) -> Rings:
    """Estimate the effect of a treatment on the treated and on those near them.

    Parameters
    ----------
    data : DataFrame
        Indexed (unit, time), times consecutive integers, balanced.
    outcome : str
        Column of the data.
    adoption : Series
        First treated period by unit, missing where none is known. Units without a row in the data,
        and units left out of it, expose others all the same.
    distances : DataFrame, or mapping of period to DataFrame
        From unit (row) to treated unit (column): km, minutes, anything that rises. By period where
        they change.
    edges : sequence of float
        0 and the outer edges of the rings. Beyond the last, treatment of others is taken to do
        nothing: the assumption that everything else rests on.
    method : {"two_stage", "twfe"}
        Two stages, right when effects differ by date of treatment; or one regression.
    effect : {"total", "switching"}
        Total: treated against clean. Switching: treated against untreated at the same exposure.
        Where clean cells identify no total effect the switching effect is returned, by its name.
    by : {"pooled", "event_time"}
        One coefficient per state, or one per state and period since treatment (for rings: since
        first exposed).
    horizon : int, optional
        Event times from this one on share a coefficient.
    treated_rings : bool
        Split the treated by the ring of their nearest other treated unit, and give what others'
        treatment adds to them.
    already : {"refuse", "leave_out"}
        What to do with units treated from the first period on.
    cov : Cluster or Conley, optional
        ``Cluster("unit", kind="CR2")`` by default: scores scaled, each estimate with its own
        degrees of freedom, which few units in a ring make few. ``Cluster("unit")`` has t(g - 1);
        ``Conley(distances, cutoff, lags=...)`` the normal.
    level : float
        Confidence level.
    metric : str
        Unit of the edges, for print.

    Returns
    -------
    Rings
        Estimates with the naive one beside, where it comes from, and what is identified.

    Raises
    ------
    PanelError, AlignmentError, IdentificationError
        As `staggered_design`; if the edges do not rise from 0, distances lack a unit or period,
        an option is unknown or `horizon` negative; if neither the total nor the switching effect is
        identified.

    Notes
    -----
    With D_it treated and Ring_j,it the nearest treated unit being in ring j by t,

        y_it = a_i + l_t + tau D_it + sum_j delta_j (1 - D_it) Ring_j,it + e_it.

    tau is the total effect on the treated, own treatment and that of others near them. Two stages:
    a_i + l_t from clean cells only (D = 0 and no ring), then what they leave of y on the rest, so
    no treated or exposed cell serves as control and effects may differ by date. Only cells whose
    unit and period effects the clean cells separate enter. Variances sum influence functions of
    both stages.

    Without rings, differences-in-differences estimate tau less the mean spillover on untreated
    units (Butts 2023, Proposition 1). `Rings.bias` splits the naive estimate so, with the weights
    that the naive estimator puts on each ring: exact for one regression, and for two stages where
    all are treated at once; else what is left over is given.

    The switching effect compares with untreated units whose own nearest treated unit is in the
    same ring: unit effects and exposure-by-period effects in place of l_t. It needs spillovers
    that are the same for treated and untreated at the same exposure, and says nothing of their
    size.

    References
    ----------
    Butts, K. (2023). Difference-in-differences with spatial spillovers. arXiv:2105.03737.
    Gardner, J. (2022). Two-stage differences in differences. arXiv:2207.05943.

    Examples
    --------
    Five towns on a line, 10 km apart; the first is treated in 2002, its neighbour gains half.

    >>> towns, years = list("abcde"), range(2000, 2004)
    >>> index = pd.MultiIndex.from_product([towns, years], names=["unit", "year"])
    >>> gain = {"a": 1.0, "b": 0.5}
    >>> y = [gain.get(unit, 0.0) * (year >= 2002) for unit, year in index]
    >>> place = 10.0 * np.arange(5)
    >>> km = pd.DataFrame(abs(place[:, None] - place), index=towns, columns=towns)
    >>> opened = pd.Series([2002, None, None, None, None], index=towns)
    >>> found = rings(pd.DataFrame({"y": y}, index=index), "y", opened, km, (0, 15))
    >>> found.frame["estimate"].round(3).to_dict()
    {'naive': 0.875, 'total': 1.0, '0–15 km': 0.5, 'mean of rings': 0.5}
    """
    _refuse_options(method, effect, by, horizon)
    design = staggered_design(data, outcome, adoption, already=already)
    seen = exposure(design, adoption, distances, edges, metric)
    known = identification(design, seen)
    split = horizon if by == "event_time" else -1
    effect, effects = _effects(design, seen, known.total, effect, method)
    columns = _columns(design, seen, effect, split, treated_rings)
    fit = _fitted(design, columns, effects, method)
    naive = _naive(design, fit[0], split, method)
    return measured(
        design,
        seen,
        known,
        naive,
        fit,
        cov=cov or Cluster("unit", kind="CR2"),
        effect=effect,
        method=method,
        level=level,
    )


def _refuse_options(method: str, effect: str, by: str, horizon: int | None) -> None:
    known = {
        "method": (method, ("two_stage", "twfe")),
        "effect": (effect, ("total", "switching")),
        "by": (by, ("pooled", "event_time")),
    }
    for name, (given, choices) in known.items():
        if given not in choices:
            raise IdentificationError(
                f"{name} {given!r} is unknown; choose one of {', '.join(choices)}."
            )
    if horizon is not None and horizon < 0:
        raise IdentificationError(f"horizon {horizon}: give a whole number, zero or more.")


def _effects(
    design: Design, seen: Exposure, total: bool, effect: Effect, method: Method
) -> tuple[Effect, TwoSets]:
    """Effects of the first stage, and the effect on the treated that they identify."""
    untreated = ~design.treated
    every = np.ones_like(untreated)
    if effect == "total" and total:
        on = untreated & ~seen.exposed if method == "two_stage" else every
        return "total", by_period(design, on)
    effects = by_exposure(design, seen, untreated if method == "two_stage" else every)
    linked = by_exposure(design, seen, untreated).reached
    if not (design.treated & linked).any():
        raise IdentificationError(
            "neither effect is identified: clean cells reach no treated unit and period "
            f"(edges {seen.edges}), and no untreated unit shares the exposure of a treated one "
            "in its periods; use smaller edges, or a sample with units that are far."
        )
    return "switching", effects


def _columns(
    design: Design, seen: Exposure, effect: Effect, split: int | None, treated_rings: bool
) -> Columns:
    """Cells of every term (T, N): the treated, then the rings; none is empty."""
    since_own = design.periods[:, None] - design.adoption
    since_first = np.arange(len(design.y), dtype=np.float64)[:, None] - seen.first
    beyond = len(seen.edges) - 1
    masks = {TREATED: design.treated}
    if treated_rings:
        names = (*seen.labels, f"beyond {seen.edges[-1]:g} {seen.metric}")
        masks = {
            f"{TREATED}, {name}": design.treated & (seen.ring == j) for j, name in enumerate(names)
        }
    out: Columns = {}
    for name, mask in masks.items():
        out |= _by_time(name, mask, since_own, split)
    if effect == "total":
        for j in range(beyond):
            mask = ~design.treated & (seen.ring == j)
            out |= _by_time(seen.labels[j], mask, since_first, split)
    return out


def _by_time(
    name: str, mask: NDArray[np.bool_], clock: NDArray[np.float64], split: int | None
) -> Columns:
    """Split cells by event time; -1 leaves them whole, None does not pool late ones."""
    if split == -1:
        return {(name, None): mask}
    late = np.inf if split is None else float(split)
    times = np.minimum(clock, late)
    return {(name, int(k)): mask & (times == k) for k in np.unique(times[mask])}


def _fitted(
    design: Design, columns: Columns, effects: TwoSets, method: Method
) -> tuple[Linear, Columns]:
    """Fit, without the columns that have no cell to enter."""
    cells = effects.reached if method == "two_stage" else effects.on
    kept = {term: mask & cells for term, mask in columns.items() if (mask & cells).any()}
    Z = np.stack([mask.astype(np.float64) for mask in kept.values()], axis=2)
    terms = cast("tuple[Term, ...]", tuple(kept))
    if method == "twfe":
        return one_stage(design.y, Z, terms, effects), kept
    used = effects.on | Z.any(axis=2)
    return two_stage(design.y, Z, terms, effects, used & effects.reached), kept


def _naive(
    design: Design, fit: Linear, split: int | None, method: Method
) -> tuple[Linear, Columns]:
    """Estimate the effect on the treated as if nobody else were touched, on the same cells."""
    clock = design.periods[:, None] - design.adoption
    columns = _by_time(TREATED, design.treated & fit.cells, clock, split)
    on = fit.cells if method == "twfe" else fit.cells & ~design.treated
    return _fitted(design, columns, by_period(design, on), method)
