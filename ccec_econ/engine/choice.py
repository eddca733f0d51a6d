"""Which way the log-determinants of given weights are made."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order

from ccec_econ.engine.moment_spectrum import POWERS, PROBES, moment_spectrum
from ccec_econ.engine.sparse_spectrum import sparse_spectrum
from ccec_econ.engine.spectrum import Spectrum, spectrum
from ccec_econ.errors import WeightsError

__all__ = ["separator", "spectrum_of"]

_EIGEN_UNITS = (
    1_000  # up to here all eigenvalues take a second at most, and give the whole interval
)
_FULL = 0.1  # share of non-zero weights above which factors are as full as the matrix
_FULL_UNITS = 6_000  # above, eigenvalues of a full matrix take minutes
_MOST_EIGEN = 20_000
_FRONT = 10_000  # units in a separator above which one factorisation takes minutes
_HUB = 10.0  # links, as a multiple of the square root of N, that make a unit a hub


def spectrum_of(
    matrix: csr_array,
    logdet: Literal["auto", "eigen", "factors", "moments"] = "auto",
    *,
    probes: int = PROBES,
    powers: int = POWERS,
    seed: int = 0,
) -> Spectrum:
    """Prepare weights (N, N) the way that is asked for, or that suits them.

    By itself: all eigenvalues up to 1,000 units, and of full matrices up to 6,000; factors of
    sparse matrices; traces of powers where factors would hold a dense block of more than 10,000
    units, and of larger full matrices.

    Raises
    ------
    WeightsError
        If eigenvalues are asked for above 20,000 units.
    """
    N = int(matrix.shape[0])
    if logdet == "auto":
        logdet = _suited(matrix)
    if logdet == "eigen":
        if N > _MOST_EIGEN:
            raise WeightsError(
                f"eigenvalues of {N} units need a dense matrix of {N**2 * 8 / 2**30:.1f} GiB, and "
                f"stop at {_MOST_EIGEN} units; use logdet='factors' or 'moments'."
            )
        return spectrum(matrix.toarray())
    if logdet == "moments":
        return moment_spectrum(matrix, probes=probes, powers=powers, seed=seed)
    return sparse_spectrum(matrix)


def _suited(matrix: csr_array) -> Literal["eigen", "factors", "moments"]:
    N = int(matrix.shape[0])
    full = matrix.nnz > _FULL * N**2
    if N <= _EIGEN_UNITS or (full and N <= _FULL_UNITS):
        return "eigen"
    if full or (N > _FRONT and separator(matrix) > _FRONT):
        return "moments"
    return "factors"


def separator(matrix: csr_array) -> int:
    """Estimate the units of a set that parts the others in two: the largest dense block of factors.

    The widest of the levels around the middle of a walk that goes breadth first from a unit at the
    rim, hubs set aside (George 1973, SIAM Journal on Numerical Analysis 10, 345-363).
    """
    links = csr_array(abs(matrix) + abs(matrix).T)
    calm = np.diff(links.indptr) <= _HUB * np.sqrt(links.shape[0])
    rest = csr_array(links[calm][:, calm])
    if not rest.shape[0]:
        return int(links.shape[0])
    order, before = _walk(rest, 0)
    for _ in range(2):
        order, before = _walk(rest, int(order[-1]))
    place = np.empty(rest.shape[0], dtype=np.int64)
    place[order] = np.arange(len(order))
    parents = place[before[order[1:]]]
    start, stop, middle = 0, 1, len(order) / 2.0
    while stop < middle:  # the next level: units whose parents stand before `stop`
        start, stop = stop, 1 + int(np.searchsorted(parents, stop))
    return int(np.count_nonzero(~calm)) + stop - start


def _walk(links: csr_array, start: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    order, before = breadth_first_order(links, start, directed=False)
    return order, before
