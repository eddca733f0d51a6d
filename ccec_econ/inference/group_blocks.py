"""Algebra of effects between groups: averaging S_k over a partition, and its derivatives."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.engine.estimate import Estimate
from ccec_econ.engine.spectrum import Spectral
from ccec_econ.errors import AlignmentError, FormulaError, first_five
from ccec_econ.inference.draws import pairs

__all__ = [
    "Partition",
    "Split",
    "coefficients",
    "group_averages",
    "group_slopes",
    "lag_of_regressors",
    "partition",
]

type Split = Mapping[str, Mapping[Hashable, str]]


@dataclass(frozen=True, slots=True)
class Partition:
    """Labels of G groups, averaging rows P (G, N), membership Q (N, G) and table of sizes."""

    P: NDArray[np.float64]
    Q: NDArray[np.float64]
    table: pd.DataFrame

    def reduce(self, B: NDArray[np.float64]) -> NDArray[np.float64]:
        """Blocks of B (N, N) and, in a last column, its averaged diagonal: (G, G + 1)."""
        return np.column_stack([self.P @ B @ self.Q, self.P @ np.diag(B)])


def partition(units: pd.Index, groups: pd.Series, weights: pd.Series | None) -> Partition:
    """Check that groups, and weights if any, name exactly the units; build the averages."""
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


def coefficients(
    fit: Estimate, labels: pd.Index, split: Split
) -> tuple[list[str], NDArray[np.float64]]:
    """Terms, and which coefficients add to b and t of each origin: (2, terms, G, G + 1, K).

    The last of G + 1 origins is the unit itself, whose group is the receiving one.
    """
    known = {term: (own, lag) for term, own, lag in pairs(fit)}
    _refuse_split(split, known, labels)
    parts = {part for by_group in split.values() for part in by_group.values()}
    names = [term for term in dict.fromkeys([*known, *split]) if term not in parts - set(split)]
    G = len(labels)
    chosen = np.zeros((2, len(names), G, len(fit.terms)))
    for i, name in enumerate(names):
        for h, label in enumerate(labels):
            for part in {name, split.get(name, {}).get(label, name)}:
                for s, at in enumerate(known.get(part, (None, None))):
                    if at is not None:
                        chosen[s, i, h, at] = 1.0
    out = np.repeat(chosen[:, :, None], G, axis=2)
    return names, np.concatenate([out, chosen[:, :, :, None]], axis=3)


def _refuse_split(split: Split, known: Mapping[str, object], labels: pd.Index) -> None:
    terms = [part for by in split.values() for part in by.values() if part not in known]
    groups = [group for by in split.values() for group in by if group not in labels]
    if terms or groups:
        raise FormulaError(
            f"split names {first_five([*terms, *groups])}; terms are {first_five(known)}, groups "
            f"{first_five(labels)}."
        )


def group_averages(
    theta: NDArray[np.float64], fit: Estimate, part: Partition, chosen: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Blocks and own effects at parameters (D, K + 1): shape (D, terms, G, G + 1)."""
    if fit.weights is None:
        multipliers = np.broadcast_to(
            _multipliers(0.0, fit, part), (len(theta), 2, *chosen.shape[2:4])
        )
    else:
        multipliers = np.array([_multipliers(float(rho), fit, part) for rho in theta[:, -1]])
    coefficients = np.einsum("stghk,dk->dstgh", chosen, theta[:, :-1])
    return np.asarray(np.einsum("dstgh,dsgh->dtgh", coefficients, multipliers))


def group_slopes(
    theta: NDArray[np.float64], fit: Estimate, part: Partition, chosen: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Differentiate with respect to (d, rho): shape (terms, G, G + 1, K + 1)."""
    rho = float(theta[-1])
    by_d = np.einsum("stghk,sgh->tghk", chosen, _multipliers(rho, fit, part))
    coefficients = np.einsum("stghk,k->stgh", chosen, theta[:-1])
    by_rho = np.einsum("stgh,sgh->tgh", coefficients, _multipliers(rho, fit, part, slope=True))
    return np.concatenate([by_d, by_rho[..., None]], axis=3)


def _multipliers(
    rho: float, fit: Estimate, part: Partition, *, slope: bool = False
) -> NDArray[np.float64]:
    """Reduce A = (I - rho W)^-1 and A W, or their slopes in rho: shape (2, G, G + 1)."""
    N = len(part.Q)
    A, W = np.eye(N), np.zeros((N, N))
    if fit.weights is not None:
        W = fit.weights.W
        A = np.linalg.inv(A - rho * W)
    if slope:
        A = A @ W @ A
    X = lag_of_regressors(fit)
    lagged = np.zeros((N, N)) if X is None else A @ X.W
    return np.array([part.reduce(A), part.reduce(lagged)])


def lag_of_regressors(fit: Estimate) -> Spectral | None:
    """Weights behind W(x); those of the response where the regressors have none of their own."""
    return fit.weights if fit.x_weights is None else fit.x_weights
