"""Weights that a change of scale makes symmetric, so that their eigenvalues are real.

Row-standardised weights of links that count alike both ways are W = D^-1 A with A = A', and
D^1/2 W D^-1/2 is symmetric with the eigenvalues of W. In general such a twin exists where scales
s > 0 satisfy s_i w_ij = s_j w_ji for every link (Kolmogorov's criterion; Kelly 1979, Reversibility
and Stochastic Networks, section 1.5). Its entries are sign(w_ij) sqrt(w_ij w_ji).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

__all__ = ["log_scales", "symmetric_twin"]

# Share by which s_i w_ij may differ from s_j w_ji. Eigenvalues of the twin are then those of W but
# for as much of the twin's norm (Bauer and Fike 1960, Numerische Mathematik 2, 137-141).
_EQUAL = 1e-12


def log_scales(weights: csr_array | NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Logarithms of scales s (N,) with s_i w_ij = s_j w_ji for all links of W (N, N), if any.

    A walk over the links gives the scales, and every link is checked against them.
    """
    W, back = _both_ways(weights)
    same_links = np.array_equal(W.indptr, back.indptr) and np.array_equal(W.indices, back.indices)
    if not same_links or (np.sign(W.data) != np.sign(back.data)).any():
        return None
    steps = csr_array((np.log(W.data / back.data), W.indices, W.indptr), shape=W.shape)
    log_s = _along_links(steps)
    rows = np.repeat(np.arange(len(log_s)), np.diff(W.indptr))
    left = np.abs(log_s[rows] + steps.data - log_s[W.indices])
    return None if (left > _EQUAL).any() else log_s


def symmetric_twin(weights: csr_array | NDArray[np.float64]) -> csr_array | None:
    """Symmetric matrix S^1/2 W S^-1/2 for weights W (N, N), S diagonal; None if there is none."""
    if log_scales(weights) is None:
        return None
    W, back = _both_ways(weights)
    root = np.sign(W.data) * np.sqrt(np.abs(W.data)) * np.sqrt(np.abs(back.data))
    return csr_array((root, W.indices, W.indptr), shape=W.shape)


def _both_ways(weights: csr_array | NDArray[np.float64]) -> tuple[csr_array, csr_array]:
    """Weights and their transpose, neighbours in order."""
    W = csr_array(weights, copy=True)
    W.eliminate_zeros()
    W.sort_indices()
    back = csr_array(W.T)
    back.sort_indices()
    return W, back


def _along_links(steps: csr_array) -> NDArray[np.float64]:
    """Sum steps (N, N) along a walk, breadth first, from one unit of every connected part."""
    N = steps.shape[0]
    firsts = np.unique(connected_components(steps, directed=False)[1], return_index=True)[1]
    indices = np.concatenate([steps.indices, firsts])  # unit N leads to one unit of every part
    starts = np.append(steps.indptr, len(indices))
    links = csr_array((np.ones(len(indices)), indices, starts), shape=(N + 1, N + 1))
    order, before = breadth_first_order(links, N)
    ends, parents = order[1:], before[order[1:]]
    inner = parents < N
    size = np.zeros(N)
    size[inner] = np.asarray(steps[parents[inner], ends[inner]]).ravel()
    reached = [0.0] * (N + 1)
    for end, parent, step in zip(ends.tolist(), parents.tolist(), size.tolist(), strict=True):
        reached[end] = reached[parent] + step
    return np.array(reached[:N])
