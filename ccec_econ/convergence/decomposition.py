"""Inequality split into parts that add up: nested Theil, Dagum's Gini, and changes over time."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.convergence.tables import Classes, classes_of, positive, refuse_absent_years
from ccec_econ.errors import AlignmentError, first_five

__all__ = ["Dagum", "dagum", "theil_change", "theil_nested"]


def theil_nested(
    panel: pd.DataFrame, column: str, population: str, levels: Mapping[str, Classes]
) -> pd.DataFrame:
    """Split the Theil index over nested levels, such as province, wing and unit, by year.

    Parameters
    ----------
    panel : DataFrame
        Indexed (unit, year).
    column : str
        Positive values per head, for example ``"gdp_pc"``.
    population : str
        Residents.
    levels : mapping of mappings
        Class of each unit at each level, outermost first, for example
        ``{"province": circle.partition("province"), "wing": circle.partition("axis")}``. Classes of
        an inner level are taken within those of the outer ones.

    Returns
    -------
    DataFrame
        By year: ``total``; one column per level, what lies between its classes within those of the
        level above; ``units``, what lies between units within the innermost classes. All but the
        first add up to it.

    Raises
    ------
    PanelError
        If values are missing or not positive.
    AlignmentError
        If there is no level, a level is called total or units, or a unit has no class.

    Notes
    -----
    With shares s of the value and p of the population, S_g and P_g summed over class g, and h the
    class above g: ``T = sum_i s_i ln(s_i/p_i)``, between the classes of a level ``sum_g S_g
    ln[(S_g/S_h) / (P_g/P_h)]`` (Theil 1967, *Economics and Information Theory*, ch. 4). Differences
    among residents of one unit are not seen.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel = ce.data.load_panel(years=(2020, 2022))
    >>> levels = {"province": ce.circle.partition("province"), "role": ce.circle.roles()}
    >>> parts = theil_nested(panel, "gdp_pc", "pop", levels)
    >>> bool((parts["total"] - parts.drop(columns="total").sum(axis=1)).abs().max() < 1e-12)
    True
    """
    labels = _nested(levels, positive(panel, column).columns)
    s, p = _shares(panel, column, population)
    return _theil(s, p, labels)


def theil_change(
    panel: pd.DataFrame,
    column: str,
    population: str,
    levels: Mapping[str, Classes],
    *,
    years: tuple[int, int],
    kept: Literal["head", "total"] = "head",
) -> pd.DataFrame:
    """Split the change of a nested Theil index into incomes and people.

    Parameters
    ----------
    panel, column, population, levels
        As in `theil_nested`.
    years : (first, last)
        The two years compared.
    kept : {"head", "total"}
        What a unit keeps while residents move. ``"head"``: its value per head, so moves change
        weights only. ``"total"``: its total, so that values per head rise where people leave, as
        when a region empties and its output stays.

    Returns
    -------
    DataFrame
        Rows total, the levels, units; columns ``first`` and ``last`` (the index), ``income`` (what
        changed because values per head, or totals, did), ``people`` (because residents moved
        between units), ``change``. income + people = change, and rows add up to the total.

    Raises
    ------
    PanelError, AlignmentError
        As `theil_nested`; also if a year is not in the panel.
    ValueError
        If `kept` is unknown.

    Notes
    -----
    The two answer different questions and can differ in sign. Shapley values: the mean of changing
    incomes first and of changing people first (Shorrocks 2013, *Journal of Economic Inequality* 11,
    99-126).
    """
    if kept not in ("head", "total"):
        raise ValueError(f"kept {kept!r}: unknown; choose 'head' or 'total'.")
    y, people = positive(panel, column), positive(panel, population)
    refuse_absent_years(years, y.index)
    labels = _nested(levels, y.columns)
    corner: dict[tuple[int, int], pd.Series[float]] = {}
    for i, of_income in enumerate(years):
        for j, of_people in enumerate(years):
            heads = people.loc[[of_people]].to_numpy()
            earners = heads if kept == "head" else people.loc[[of_income]].to_numpy()
            total = y.loc[[of_income]].to_numpy() * earners
            s = pd.DataFrame(total / total.sum(), columns=y.columns)
            p = pd.DataFrame(heads / heads.sum(), columns=y.columns)
            corner[i, j] = _theil(s, p, labels).iloc[0]
    income = (corner[1, 0] - corner[0, 0] + corner[1, 1] - corner[0, 1]) / 2.0
    people_moved = (corner[0, 1] - corner[0, 0] + corner[1, 1] - corner[1, 0]) / 2.0
    table = pd.DataFrame(
        {"first": corner[0, 0], "last": corner[1, 1], "income": income, "people": people_moved}
    )
    table["change"] = table["last"] - table["first"]
    return table.rename_axis("part")


@dataclass(frozen=True, slots=True)
class Dagum:
    """Dagum's decomposition of the Gini index by year.

    Attributes
    ----------
    frame : DataFrame
        By year: ``total``, ``within``, ``net_between``, ``overlap`` (transvariation); the last
        three add up to the first.
    pairs : DataFrame
        Indexed (year, group, other): ``gini`` (G_jh; for a group and itself its own Gini) and
        ``distance`` (D_jh: 0 when the groups lie on top of each other, 1 when they do not overlap).
    """

    frame: pd.DataFrame
    pairs: pd.DataFrame


def dagum(
    panel: pd.DataFrame, column: str, groups: Classes, *, population: str | None = None
) -> Dagum:
    """Split the Gini index by groups into within, net between and overlap.

    Parameters
    ----------
    panel : DataFrame
        Indexed (unit, year).
    column : str
        Positive values per head.
    groups : mapping or Series
        Group of each unit.
    population : str, optional
        Residents. Dagum's formula counts every unit the same; with this every resident does.

    Raises
    ------
    PanelError
        If values are missing or not positive.
    AlignmentError
        If a unit has no group or there is only one group.

    Notes
    -----
    ``G_jh`` is the mean of abs(y_i - y_k) over i in j and k in h, over m_j + m_h. With population
    shares p and value shares s of the groups, ``G = sum_j sum_h G_jh p_j s_h``; within takes
    j = h; a pair adds ``G_jh (p_j s_h + p_h s_j) D_jh`` to net between and the rest to overlap,
    ``D_jh = (d - o)/(d + o)``, d the mean lead of members of the richer group over those of the
    poorer, o the mean lead the other way (Dagum 1997, *Empirical Economics* 22(4), 515-531).
    A group of one unit has no inequality within.
    """
    y = positive(panel, column)
    mass = np.ones(y.shape) if population is None else positive(panel, population).to_numpy()
    label = classes_of(groups, y.columns)
    names = sorted(label.unique())
    if len(names) < 2:
        raise AlignmentError(f"groups: one only ({first_five(names)}); give at least two.")
    places = [np.flatnonzero(label == name) for name in names]
    w = [mass[:, at] / mass[:, at].sum(axis=1, keepdims=True) for at in places]
    own = [y.to_numpy()[:, at] for at in places]
    mean = np.stack([(a * b).sum(axis=1) for a, b in zip(own, w, strict=True)], axis=1)
    p = np.stack([mass[:, at].sum(axis=1) for at in places], axis=1)
    p = p / p.sum(axis=1, keepdims=True)
    s = p * mean / (p * mean).sum(axis=1, keepdims=True)
    parts = {name: np.zeros(len(y)) for name in ("within", "net_between", "overlap")}
    rows: dict[tuple[Hashable, str, str], tuple[float, float]] = {}
    for j, first in enumerate(names):
        for h, second in enumerate(names[: j + 1]):
            lead, lag = _leads(own[j], w[j], own[h], w[h])
            G = (lead + lag) / (mean[:, j] + mean[:, h])
            spread = lead + lag
            D = np.abs(lead - lag) / np.where(spread > 0.0, spread, 1.0)
            if j == h:
                parts["within"] += G * p[:, j] * s[:, j]
            else:
                both = G * (p[:, j] * s[:, h] + p[:, h] * s[:, j])
                parts["net_between"] += both * D
                parts["overlap"] += both * (1.0 - D)
            for year, g, d in zip(y.index, G, D, strict=True):
                rows[year, first, second] = rows[year, second, first] = (float(g), float(d))
    frame = pd.DataFrame(parts, index=y.index)
    frame.insert(0, "total", frame.sum(axis=1))
    pairs = pd.DataFrame.from_dict(rows, orient="index", columns=["gini", "distance"])
    pairs.index = pd.MultiIndex.from_tuples(pairs.index, names=["year", "group", "other"])
    return Dagum(frame, pairs.sort_index())


def _leads(
    y: NDArray[np.float64],
    w: NDArray[np.float64],
    other: NDArray[np.float64],
    v: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean lead of the first group over the second, and of the second over the first, by year."""
    apart = y[:, :, None] - other[:, None, :]
    pairs = w[:, :, None] * v[:, None, :]
    lead = (pairs * np.maximum(apart, 0.0)).sum(axis=(1, 2))
    return lead, (pairs * np.maximum(-apart, 0.0)).sum(axis=(1, 2))


def _shares(panel: pd.DataFrame, column: str, population: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Shares of units in value and in population, years by units."""
    people = positive(panel, population)
    total = positive(panel, column) * people
    return total.div(total.sum(axis=1), axis=0), people.div(people.sum(axis=1), axis=0)


def _nested(levels: Mapping[str, Classes], units: pd.Index) -> dict[str, pd.Series[str]]:
    """Label units at every level, inner labels within outer ones."""
    taken = {"total", "units"} & set(levels)
    if not levels or taken:
        raise AlignmentError(
            f"levels {list(levels)}: give at least one, and call none 'total' or 'units'."
        )
    labels: dict[str, pd.Series[str]] = {}
    outer = pd.Series("", index=units)
    for name, classes in levels.items():
        outer = outer + "/" + classes_of(classes, units).astype(str)
        labels[name] = outer
    return labels


def _theil(s: pd.DataFrame, p: pd.DataFrame, labels: dict[str, pd.Series[str]]) -> pd.DataFrame:
    """Total, levels and units from shares of value and of population."""
    columns = {"total": (s * np.log(s / p)).sum(axis=1)}
    above_s = above_p = pd.DataFrame(1.0, index=s.index, columns=s.columns)
    for name, label in labels.items():
        S, P = (part.T.groupby(label).transform("sum").T for part in (s, p))
        # summed over units: sum_i s_i of a class is S_g
        columns[name] = (s * np.log((S / above_s) / (P / above_p))).sum(axis=1)
        above_s, above_p = S, P
    columns["units"] = (s * np.log((s / above_s) / (p / above_p))).sum(axis=1)
    return pd.DataFrame(columns)
