"""Railway openings as sourced, and the share of a year with service of a class."""

from __future__ import annotations

from functools import lru_cache

import pandas as pd

from ccec_econ.data.store import load_table
from ccec_econ.errors import DataError

__all__ = ["LINE_CLASSES", "SERVICE_CLASSES", "exposure", "load_stations", "refuse_service"]

SERVICE_CLASSES = {
    "hsr_emu": "emu_share",
    "hsr": "hsr200_share",
    "hsr_250": "hsr250_share",
    "hsr_350": "hsr350_share",
}
"""Panel column -> column of the exposure table; what counts as high speed moves the dates."""

_FROM_250 = ("hsr250", "hsr350")
_FROM_200 = ("rapid200", "icr", *_FROM_250)
LINE_CLASSES = {
    "hsr_emu": ("upgraded160", "rapid160", *_FROM_200),
    "hsr": _FROM_200,
    "hsr_250": _FROM_250,
    "hsr_350": ("hsr350",),
}
"""Service class -> classes of line, by design speed, that give it."""

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
    refuse_service(service)
    table = load_table("rail", "exposure")
    shares = table.pivot(index="year", columns="adcode", values=SERVICE_CLASSES[service])
    shares = shares.reindex(index=years, columns=units).astype(float)
    before = years < _FIRST_RECORDED
    shares.loc[before] = 0.0
    return shares


def load_stations() -> pd.DataFrame:
    """Return the stations of every line, in their order along it, with opening dates.

    Returns
    -------
    DataFrame
        One row per ``line`` and ``station`` (pinyin): ``county`` and ``city`` (adcodes;
        a county that no source gives is missing), ``lon`` and ``lat`` (degrees, missing where no
        source gives them), ``line_class``, ``speed`` (design, km/h, missing where not sourced),
        ``earliest`` and ``latest``: the first and last day that the date as sourced allows, the
        same day where the day is known. Stations outside the circle are among them.

    Examples
    --------
    >>> load_stations().query("station == 'Nanchong'")[["earliest", "latest"]].iloc[0].tolist()
    [Timestamp('2010-01-01 00:00:00'), Timestamp('2010-12-31 00:00:00')]
    """
    return _stations().copy()


@lru_cache(maxsize=1)
def _stations() -> pd.DataFrame:
    table = load_table("rail", "stations")
    opened = [pd.Period(text) for text in table["opened"].astype(str)]
    return pd.DataFrame(
        {
            "line": table["line"],
            "station": table["station_en"],
            "county": table["adcode"],
            "city": table["prefecture_adcode"],
            "lon": table["lon"],
            "lat": table["lat"],
            "line_class": table["line_class"],
            "speed": table["line_design_speed"],
            "earliest": [date.start_time for date in opened],
            "latest": [date.end_time.normalize() for date in opened],
        }
    )


def refuse_service(service: str) -> None:
    """Refuse a service class that is not one of `SERVICE_CLASSES`.

    Raises
    ------
    DataError
        If the service class is unknown.
    """
    if service not in SERVICE_CLASSES:
        raise DataError(
            f"service class '{service}': unknown; choose one of {', '.join(SERVICE_CLASSES)}."
        )
