"""Estimates linear in the outcome: regressions with two sets of effects, in one stage or two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from ccec_econ.errors import IdentificationError, first_five

__all__ = [
    "Linear",
    "Term",
    "TwoSets",
    "one_stage",
    "two_sets",
    "two_stage",
]

_RANK = 1e-10  # share of the size of a column, or of the largest root, that counts as none

type Term = tuple[str, int | None]
"""Label of a column and its event time, None where periods are pooled."""


@dataclass(frozen=True, slots=True)
class TwoSets:
    """Effects of units and of groups of cells, a_i + l_g(it), fitted on a set of cells.

    Groups are periods, or exposures by period. A cell has a fitted value when its unit and its
    group are linked by cells of the set, directly or over others: `reached`.

    Attributes
    ----------
    groups : ndarray of int, shape (T, N)
        Group of every cell, from 0 to P - 1.
    on : ndarray of bool, shape (T, N)
        Cells that the effects are fitted on.
    present : ndarray, shape (N, P)
        How many cells of the set a unit has in a group.
    inverse : ndarray, shape (P, P)
        Generalised inverse of the normal equations of the groups, units eliminated.
    reached : ndarray of bool, shape (T, N)
        Cells whose effects the set separates.
    rank : int
        Effects that the set separates.
    """

    groups: NDArray[np.int64]
    on: NDArray[np.bool_]
    present: NDArray[np.float64]
    inverse: NDArray[np.float64]
    reached: NDArray[np.bool_]
    rank: int

    def fitted(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Fit the effects to values (T, N, K) on the set, and evaluate them at every cell."""
        return self._solve(values * self.on[:, :, None])

    def spread(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weights on the set with the same sums against every fitted value.

        The adjoint of `fitted`: sum(spread(z) * v) = sum(z * fitted(v)) for z (T, N, K) that is
        zero where no fitted value is reached.
        """
        return self._solve(weights) * self.on[:, :, None]

    def _solve(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        by_group = np.zeros((self.present.shape[1], values.shape[2]))
        np.add.at(by_group, self.groups, values)
        count = np.maximum(self.present.sum(axis=1), 1.0)[:, None]
        mean = values.sum(axis=0) / count
        group = self.inverse @ (by_group - self.present.T @ mean)
        unit = mean - self.present @ group / count
        return np.asarray(unit + group[self.groups])


def two_sets(groups: NDArray[np.int64], on: NDArray[np.bool_]) -> TwoSets:
    """Prepare effects of units and groups on a set of cells.

    Parameters
    ----------
    groups : ndarray of int, shape (T, N)
    on : ndarray of bool, shape (T, N)
    """
    N, P = groups.shape[1], int(groups.max()) + 1
    present = np.zeros((N, P))
    np.add.at(present, (np.nonzero(on)[1], groups[on]), 1.0)
    count = np.maximum(present.sum(axis=1), 1.0)
    normal = np.diag(present.sum(axis=0)) - present.T @ (present / count[:, None])
    graph = csr_array(np.block([[np.zeros((N, N)), present], [present.T, np.zeros((P, P))]]))
    _, part = connected_components(graph, directed=False)
    held = np.concatenate([present.sum(axis=1), present.sum(axis=0)]) > 0.0
    rank = int(held.sum()) - len(np.unique(part[held]))
    reached = part[None, :N] == part[N:][groups]
    return TwoSets(
        groups, on, present, np.linalg.pinv(normal, rcond=_RANK, hermitian=True), reached, rank
    )


@dataclass(frozen=True, slots=True)
class Linear:
    """Coefficients that are weighted sums of the outcome, theta_k = sum_it w_itk y_it.

    Their variance is that of sum_it w_itk e_it. In two stages the weights of the cells of the
    first stage are those with which its effects enter the second, so its noise is counted: these
    are the influence functions of the moments of both stages together.

    Attributes
    ----------
    terms : tuple of Term
        K labels.
    estimate : ndarray, shape (K,)
    weights : ndarray, shape (T, N, K)
    residuals : ndarray, shape (T, N)
        Zero at cells that are not used.
    cells : ndarray of bool, shape (T, N)
        Cells used.
    effects : TwoSets
        Effects fitted besides.
    Z : ndarray, shape (T, N, K)
        Regressors; in one stage, what the effects leave of them.
    stages : int
    """

    terms: tuple[Term, ...]
    estimate: NDArray[np.float64]
    weights: NDArray[np.float64]
    residuals: NDArray[np.float64]
    cells: NDArray[np.bool_]
    effects: TwoSets
    Z: NDArray[np.float64]
    stages: int

    def of(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Apply the weights to other values, (T, N): shape (K,)."""
        return np.asarray(np.einsum("tik,ti->k", self.weights, values))

    def behind(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weights (T, N, R) on residuals as weights on the outcome, zero on cells not used.

        The adjoint of y -> residuals: sum(v * residuals(y)) = sum(behind(v) * y).
        """
        products = np.einsum("tik,tir->kr", self.Z, weights)
        return np.asarray(weights - self.effects.spread(weights) - self.weights @ products)

    @property
    def scores(self) -> NDArray[np.float64]:
        """Weights times residuals, shape (T, N, K)."""
        return self.weights * self.residuals[:, :, None]


def one_stage(
    y: NDArray[np.float64],
    Z: NDArray[np.float64],
    terms: Sequence[Term],
    effects: TwoSets,
) -> Linear:
    """Regress y (T, N) on Z (T, N, K) and the effects, least squares on all cells of their set.

    Raises
    ------
    IdentificationError
        If the effects and the other columns leave nothing of a column.
    """
    left = (Z - effects.fitted(Z)) * effects.on[:, :, None]
    weights = left @ _inverse(left, Z, terms)
    estimate = np.einsum("tik,ti->k", weights, y)
    rest = (y[:, :, None] - Z @ estimate[:, None]) * effects.on[:, :, None]
    residuals = ((rest - effects.fitted(rest)) * effects.on[:, :, None])[:, :, 0]
    return Linear(tuple(terms), estimate, weights, residuals, effects.on, effects, left, 1)


def two_stage(
    y: NDArray[np.float64],
    Z: NDArray[np.float64],
    terms: Sequence[Term],
    effects: TwoSets,
    cells: NDArray[np.bool_],
) -> Linear:
    """Fit the effects to y on their set, then regress what they leave on Z.

    Parameters
    ----------
    y : ndarray, shape (T, N)
    Z : ndarray, shape (T, N, K)
        Zero on the set of the first stage.
    terms : sequence of Term
        K labels.
    effects : TwoSets
    cells : ndarray of bool, shape (T, N)
        Cells of both stages; all must be reached by the effects.

    Raises
    ------
    IdentificationError
        If the columns of Z do not separate.
    """
    Z = Z * cells[:, :, None]
    inverse = _inverse(Z, Z, terms)
    left = y - effects.fitted(y[:, :, None])[:, :, 0]
    estimate = inverse @ np.einsum("tik,ti->k", Z, left)
    weights = (Z - effects.spread(Z)) @ inverse
    residuals = np.where(cells, left - Z @ estimate, 0.0)
    return Linear(tuple(terms), estimate, weights, residuals, cells, effects, Z, 2)


def _inverse(
    left: NDArray[np.float64],
    Z: NDArray[np.float64],
    terms: Sequence[Term],
) -> NDArray[np.float64]:
    """Inverse of left'left, refused where a column of Z lost all of its own."""
    columns = left.reshape(-1, left.shape[2])
    size = np.linalg.norm(Z.reshape(-1, Z.shape[2]), axis=0)
    if not (size > 0.0).all():
        raise IdentificationError(_lost(terms, size == 0.0))
    triangle = np.linalg.qr(columns / size, mode="r")
    own = np.abs(np.diag(triangle))
    if (own < _RANK).any():
        raise IdentificationError(_lost(terms, own < _RANK))
    root = np.linalg.inv(triangle) / size[:, None]
    return np.asarray(root @ root.T)


def _lost(terms: Sequence[Term], where: NDArray[np.bool_]) -> str:
    names = [name for (name, _), lost in zip(terms, where, strict=True) if lost]
    return (
        f"{first_five(names)}: the effects and the other terms leave nothing of it, so its "
        "coefficient is not identified; use fewer rings, or a sample with units that are far."
    )
