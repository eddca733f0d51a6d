"""Exposure to high-speed rail: the share of a year in which a unit had service of a class."""

from __future__ import annotations

import pandas as pd

from ccec_econ.data.store import load_table
from ccec_econ.errors import DataError

__all__ = ["SERVICE_CLASSES", "exposure"]

SERVICE_CLASSES = {
    "hsr_emu": "emu_share",
    "hsr": "hsr200_share",
    "hsr_250": "hsr250_share",
    "hsr_350": "hsr350_share",
}
"""Panel column -> column of the exposure table; what counts as high speed moves the dates."""

_FIRST_RECORDED = 2006


def exposure(service: str, units: pd.Index, years: pd.Index) -> pd.DataFrame:
    """Return the share of each year with service, shape (T, N), in [0, 1].

    Years before 2006 are zero: the first multiple-unit train in the circle ran in 2009.

    Parameters
    ----------
    service : {"hsr_emu", "hsr", "hsr_250", "hsr_350"}
        Any multiple-unit train, at least 200 km/h, at least 250 km/h, 350 km/h.
    units, years : Index
        Adcodes and years wanted.

    Raises
    ------
    DataError
        If the service class is unknown.
    """
    if service not in SERVICE_CLASSES:
        raise DataError(
            f"service class '{service}': unknown; choose one of {', '.join(SERVICE_CLASSES)}."
        )
    table = load_table("rail", "exposure")
    shares = table.pivot(index="year", columns="adcode", values=SERVICE_CLASSES[service])
    shares = shares.reindex(index=years, columns=units).astype(float)
    before = years < _FIRST_RECORDED
    shares.loc[before] = 0.0
    return shares
