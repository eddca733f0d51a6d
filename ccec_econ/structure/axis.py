"""Where units lie along the line between two places, and what each stretch of it holds."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.errors import AlignmentError, DataError, first_five

__all__ = ["EARTH_KM", "axis_position", "by_stretch"]

EARTH_KM = 6371.0088
"""Mean radius of the Earth, km."""


def axis_position(units: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    """Place units along and beside the great circle from one unit to another.

    Parameters
    ----------
    units : DataFrame
        ``lon`` and ``lat`` in degrees, indexed by unit.
    first, second : str
        The units where the axis begins and ends.

    Returns
    -------
    DataFrame
        By unit: ``along_km`` (0 at the first, negative behind it), ``off_km`` (positive to the
        left of the way from first to second), ``share`` (along over the length of the axis).

    Raises
    ------
    AlignmentError
        If an end is no unit, or a unit has no coordinates.
    DataError
        If both ends are the same place.

    Notes
    -----
    With unit vectors a, b, p of the ends and the place, and n the pole of the great circle:
    ``off = R asin(p.n)``, ``along = R atan2(p.(n x a), p.a)``.

    Examples
    --------
    >>> places = pd.DataFrame({"lon": [0.0, 90.0, 45.0], "lat": [0.0, 0.0, 90.0]}, ["a", "b", "p"])
    >>> axis_position(places, "a", "b").loc[["b", "p"], "off_km"].round().tolist()
    [0.0, 10008.0]
    """
    without = [unit for unit in (first, second) if unit not in units.index]
    without += list(units.index[units[["lon", "lat"]].isna().any(axis=1)])
    if without:
        raise AlignmentError(f"no coordinates for {first_five(without)}; give lon and lat of all.")
    p = _vectors(units)
    a, b = (p[units.index.get_loc(unit)] for unit in (first, second))
    n = np.cross(a, b)
    if np.linalg.norm(n) < 1e-12:
        raise DataError(f"axis from {first} to {second}: both ends are the same place.")
    n = n / np.linalg.norm(n)
    along = EARTH_KM * np.arctan2(p @ np.cross(n, a), p @ a)
    off = EARTH_KM * np.arcsin(np.clip(p @ n, -1.0, 1.0))
    length = EARTH_KM * float(np.arctan2(b @ np.cross(n, a), b @ a))
    frame = {"along_km": along, "off_km": off, "share": along / length}
    return pd.DataFrame(frame, index=units.index)


def by_stretch(
    total: pd.DataFrame, over: pd.DataFrame, along_km: pd.Series[float], width: float
) -> pd.DataFrame:
    """Divide totals by totals within stretches of an axis.

    Parameters
    ----------
    total, over : DataFrame, shape (N, T)
        Units by years: for example night lights and area, or GDP and residents.
    along_km : Series
        Place of each unit along the axis.
    width : float
        Length of a stretch, km; stretches begin at multiples of it.

    Returns
    -------
    DataFrame
        By middle of the stretch (``along_km``), years in columns; stretches without units are
        left out.

    Raises
    ------
    DataError
        If the width is not positive, or values are missing.
    AlignmentError
        If a unit has no place.

    Examples
    --------
    >>> lights = pd.DataFrame({2020: [4.0, 2.0, 1.0]}, ["a", "b", "c"])
    >>> area = pd.DataFrame({2020: [1.0, 2.0, 2.0]}, ["a", "b", "c"])
    >>> along = pd.Series({"a": 5.0, "b": 25.0, "c": 31.0})
    >>> by_stretch(lights, area, along, 30.0)[2020].to_dict()
    {15.0: 2.0, 45.0: 0.5}
    """
    if not width > 0.0 or total.isna().to_numpy().any() or over.isna().to_numpy().any():
        raise DataError(
            f"stretches of {width} km: need a positive length and totals without missing values."
        )
    without = [unit for unit in total.index if unit not in along_km.dropna().index]
    if without:
        raise AlignmentError(f"no place along the axis for {first_five(without)}.")
    number = np.floor(along_km.loc[total.index].to_numpy() / width)
    groups = pd.Series((number + 0.5) * width, index=total.index, name="along_km")
    return total.groupby(groups).sum() / over.loc[total.index].groupby(groups).sum()


def _vectors(units: pd.DataFrame) -> NDArray[np.float64]:
    lon, lat = np.radians(units[["lon", "lat"]].to_numpy(dtype=np.float64)).T
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
