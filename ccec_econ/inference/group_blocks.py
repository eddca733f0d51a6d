"""Algebra of effects between groups: a partition as a reduction of matrices, lags by origin."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.errors import AlignmentError, FormulaError, first_five
from ccec_econ.inference.measure import EffectMap, effect_map
from ccec_econ.inference.reduced_form import ReducedForm

__all__ = ["Partition", "Split", "group_map", "partition"]

type Split = Mapping[str, Mapping[Hashable, str]]


@dataclass(frozen=True, slots=True)
class Partition:
    """Labels of G groups, averaging rows P (G, N), membership Q (N, G) and table of sizes."""

    P: NDArray[np.float64]
    Q: NDArray[np.float64]
    table: pd.DataFrame

    def reduce(self, f: NDArray[np.float64], X: NDArray[np.float64] | None) -> NDArray[np.float64]:
        """Blocks of f, or of fX, each followed by the averaged diagonal: (..., G * (G + 1))."""
        if X is None:
            blocks, own = self.P @ f @ self.Q, np.einsum("gi,...ii->...g", self.P, f)
        else:
            blocks = self.P @ f @ (X @ self.Q)
            own = np.einsum("...ij,ji->...i", f, X) @ self.P.T
        return np.concatenate([blocks, own[..., None]], axis=-1).reshape(*f.shape[:-2], -1)


def partition(units: pd.Index, groups: pd.Series, weights: pd.Series | None) -> Partition:
    """Check that groups, and weights if any, name exactly the units; build the averages.

    Parameters
    ----------
    units : Index
        Labels of the N units, in the order of the form.
    groups : Series
        Group by unit. Order of groups: that of the categories, or sorted.
    weights : Series, optional
        Positive weights by unit, used within groups in place of equal ones.

    Raises
    ------
    AlignmentError
        If groups or weights do not name every unit, or name others.
    """
    _refuse_mismatch("groups", units, groups)
    assigned = groups.loc[units]
    if isinstance(assigned.dtype, pd.CategoricalDtype):
        seen = set(assigned)
        labels = pd.Index([label for label in assigned.cat.categories if label in seen])
    else:
        labels = pd.Index(assigned.unique()).sort_values()
    Q = (assigned.to_numpy()[:, None] == labels.to_numpy()).astype(np.float64)
    size = np.ones(len(units))
    if weights is not None:
        _refuse_mismatch("weights of units", units, weights)
        size = weights.loc[units].to_numpy(dtype=np.float64)
        if not (np.isfinite(size) & (size > 0.0)).all():
            bad = units[~(np.isfinite(size) & (size > 0.0))]
            raise AlignmentError(f"weights of units {first_five(bad)} are not positive numbers.")
    mass = size @ Q
    table = pd.DataFrame(
        {"units": Q.sum(axis=0).astype(int), "share": mass / mass.sum()},
        index=labels.rename("group"),
    )
    return Partition((size[:, None] * Q / mass).T, Q, table)


def _refuse_mismatch(what: str, units: pd.Index, series: pd.Series) -> None:
    labels = series.index
    twice = labels[labels.duplicated()]
    if len(twice):
        raise AlignmentError(f"{what}: {first_five(twice)} twice; give each unit once.")
    given = series.dropna().index
    without, unknown = units.difference(given), labels.difference(units)
    if len(without) or len(unknown):
        raise AlignmentError(
            f"{what} and panel differ: {len(without)} units without "
            f"({first_five(without) or 'none'}), {len(unknown)} not in the panel "
            f"({first_five(unknown) or 'none'}); assign exactly the units of the panel."
        )


def group_map(form: ReducedForm, part: Partition, split: Split) -> tuple[list[str], EffectMap]:
    """Terms with effects between groups, and the map of parameters to blocks.

    Cells of a level are G rows of G blocks and an own effect. Where a term enters by origin group
    the coefficients of its parts add to b and t_m of their origins; the origin of an own effect is
    the receiving group.

    Raises
    ------
    FormulaError
        If `split` names terms or groups that there are not.
    """
    plain = effect_map(form, part.reduce)
    if not split:
        return [term.name for term in form.terms], plain
    labels, known = part.table.index, [term.name for term in form.terms]
    _refuse_split(split, known, labels)
    parts = {piece for by_group in split.values() for piece in by_group.values()}
    names = [name for name in dict.fromkeys([*known, *split]) if name not in parts - set(split)]
    G = len(labels)
    by_origin = np.zeros((len(plain.chosen), len(names), G, len(form.theta)))
    for i, name in enumerate(names):
        for h, label in enumerate(labels):
            for piece in {name, split.get(name, {}).get(label, name)} & set(known):
                by_origin[:, i, h] += plain.chosen[:, known.index(piece), 0]
    blocks = np.repeat(by_origin[:, :, None], G, axis=2)
    cells = np.concatenate([blocks, by_origin[:, :, :, None]], axis=3)
    cells = cells.reshape(*cells.shape[:2], -1, len(form.theta))
    return names, EffectMap(form, part.reduce, np.tile(cells, (1, 1, form.reach.levels, 1)))


def _refuse_split(split: Split, known: list[str], labels: pd.Index) -> None:
    terms = [piece for by in split.values() for piece in by.values() if piece not in known]
    groups = [group for by in split.values() for group in by if group not in labels]
    if terms or groups:
        raise FormulaError(
            f"split names {first_five([*terms, *groups])}; terms are {first_five(known)}, groups "
            f"{first_five(labels)}."
        )
