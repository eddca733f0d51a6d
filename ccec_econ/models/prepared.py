"""Spectra of the weights that a user gives: prepared ones once, others at every fit."""

from __future__ import annotations

from typing import Literal

import pandas as pd
from scipy.sparse import csr_array

from ccec_econ.engine.choice import spectrum_of
from ccec_econ.engine.remembered import remembered_spectrum
from ccec_econ.engine.spectrum import Spectrum
from ccec_econ.weights import Prepared, WeightsLike, align_sparse

__all__ = ["spectrum_as", "spectrum_for"]


def spectrum_for(
    weights: WeightsLike, units: pd.Index, logdet: Literal["auto", "roots"] = "auto"
) -> Spectrum:
    """Spectrum of weights in the order of `units`; "roots" for models that need eigenvalues.

    Raises
    ------
    AlignmentError, WeightsError
        As `ccec_econ.weights.align_sparse`, and if eigenvalues are asked for of too many units.
    """
    if not isinstance(weights, Prepared):
        return spectrum_as(weights, align_sparse(weights, units), logdet)
    known: tuple[pd.Index, Spectrum] | None = weights.held.get("spectrum")
    if known is not None and units.equals(known[0]):
        return known[1]
    found = spectrum_as(weights, align_sparse(weights, units))
    weights.held["spectrum"] = units, found  # at once: another thread may read, for other units
    return found


def spectrum_as(
    weights: WeightsLike, matrix: csr_array, logdet: Literal["auto", "roots"] = "auto"
) -> Spectrum:
    """Spectrum of a matrix (N, N) made of `weights`, the way that these were prepared.

    Raises
    ------
    WeightsError
        If eigenvalues are asked for of too many units.
    """
    if not isinstance(weights, Prepared):
        return remembered_spectrum(matrix, logdet)
    return spectrum_of(
        matrix,
        weights.logdet,
        probes=weights.probes,
        powers=weights.powers,
        seed=weights.seed,
    )
