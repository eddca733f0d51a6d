"""Quadratic forms in the innovations: G and H of the score, as matrices or as factorisations."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

__all__ = ["Form", "Implicit", "applied", "dense", "pair", "pair_written", "trace"]


class Implicit(ABC):
    """A form A (N, N) that is the same in every period and is never written out."""

    __slots__ = ()

    @abstractmethod
    def times(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Multiply the units of every period by A, columns of shape (T, N)."""

    @abstractmethod
    def trace(self) -> float:
        """Trace of A."""

    @abstractmethod
    def pair(self, other: Form) -> float:
        """tr(AB) + tr(A'B)."""

    @abstractmethod
    def dense(self) -> NDArray[np.float64]:
        """Write A out, shape (1, N, N).

        Raises
        ------
        IdentificationError
            If there are too many units.
        """


type Form = NDArray[np.float64] | Implicit
"""Matrices (1 or T, N, N), or one that is never written out."""


def applied(form: Form, columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Multiply the units of every period, (T, N), by a form."""
    if isinstance(form, Implicit):
        return form.times(columns)
    if len(form) == 1:
        return np.asarray(columns @ form[0].T)
    return np.asarray(np.einsum("tij,tj->ti", form, columns))


def trace(form: Form) -> float:
    """Mean trace over the periods."""
    if isinstance(form, Implicit):
        return form.trace()
    return float(np.einsum("pii->", form) / len(form))


def pair(A: Form, B: Form) -> float:
    """Mean of tr(AB) + tr(A'B) over the periods."""
    return A.pair(B) if isinstance(A, Implicit) else pair_written(A, dense(B))


def pair_written(A: NDArray[np.float64], B: NDArray[np.float64]) -> float:
    """Mean of tr(AB) + tr(A'B) over the periods of matrices written out."""
    crossed, straight = np.einsum("pij,pji->p", A, B), np.einsum("pij,pij->p", A, B)
    return float((crossed + straight).mean())


def dense(form: Form) -> NDArray[np.float64]:
    """Matrices (1 or T, N, N)."""
    return form.dense() if isinstance(form, Implicit) else form
