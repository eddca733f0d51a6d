"""Eigenvalues of weights that came before are not computed again."""

from __future__ import annotations

import hashlib
import threading
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ccec_econ.engine.choice import spectrum_of
from ccec_econ.engine.eigen_factors import with_factors
from ccec_econ.engine.spectrum import EigenSpectrum, Spectrum

__all__ = ["remembered_spectrum"]

_KEPT = 32  # matrices whose eigenvalues are kept, those that came last
_known: dict[bytes, tuple[NDArray[np.complex128], tuple[float, float]]] = {}
_one_at_a_time = threading.Lock()


def remembered_spectrum(matrix: csr_array, logdet: Literal["auto", "roots"] = "auto") -> Spectrum:
    """Spectrum of weights (N, N) as `spectrum_of`; equal matrices share their eigenvalues.

    All eigenvalues of 1,000 units take many fits' worth of time. They are found again by the
    content of the matrix, so weights that were changed are other weights; only they and the
    interval are kept, 16 bytes a unit.
    """
    key = _content(matrix) + logdet.encode()
    known = _known.get(key)
    if known is not None:
        return with_factors(EigenSpectrum(matrix.toarray(), *known, False), matrix)
    found = spectrum_of(matrix, logdet)
    if isinstance(found, EigenSpectrum):
        found.eigenvalues.setflags(write=False)
        with _one_at_a_time:
            _known[key] = found.eigenvalues, found.interval
            while len(_known) > _KEPT:
                _known.pop(next(iter(_known)), None)
    return found


def _content(matrix: csr_array) -> bytes:
    digest = hashlib.blake2b(repr(matrix.shape).encode())
    for part in (matrix.indptr, matrix.indices, matrix.data):
        digest.update(np.ascontiguousarray(part).data)
    return digest.digest()
