"""Where the weight of activity lies: mean centre and standard deviational ellipse, by year."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.convergence.tables import positive
from ccec_econ.errors import AlignmentError, first_five
from ccec_econ.structure.axis import EARTH_KM

__all__ = ["CentreTrack", "centre_track"]

_KM_PER_DEGREE = EARTH_KM * np.pi / 180.0


@dataclass(frozen=True, slots=True)
class CentreTrack:
    """Mean centre and ellipse of a weight by year.

    Attributes
    ----------
    frame : DataFrame
        By year: ``lon``, ``lat`` (degrees), ``angle`` (of the long axis, degrees clockwise from
        north, 0 to 180), ``long_km``, ``short_km`` (half axes), ``area_km2``, ``moved_km`` (from
        the year before; missing in the first).
    draws : DataFrame
        Centres of the resamples, indexed (year, draw): ``lon``, ``lat``.
    """

    frame: pd.DataFrame
    draws: pd.DataFrame


def centre_track(
    panel: pd.DataFrame,
    column: str,
    units: pd.DataFrame,
    *,
    draws: int = 999,
    rng: int | np.random.Generator = 0,
) -> CentreTrack:
    """Follow the centre of a quantity over the years.

    Parameters
    ----------
    panel : DataFrame
        Indexed (unit, year).
    column : str
        Positive totals that weigh the units, for example ``"gdp"``.
    units : DataFrame
        ``lon`` and ``lat`` of each unit in degrees, indexed by unit.
    draws : int
        Resamples of whole units, the same in every year.
    rng : int or Generator
        Seed or generator; the default repeats the same draws.

    Raises
    ------
    PanelError
        If values are missing or not positive.
    AlignmentError
        If a unit has no coordinates.

    Notes
    -----
    Coordinates in km on a plane tangent at the unweighted mean: x = R (lon - lon_0) cos lat_0,
    y = R (lat - lat_0). With weights w the centre is ``sum w x / sum w``; axes and angle are those
    of the weighted covariance: half axes ``sqrt(2 lambda)``, lambda its eigenvalues, which is the
    ellipse of Yuill (1971, *Geografiska Annaler B* 53(1), 28-39) with the factor sqrt 2. Resamples
    say how much the centre hangs on single units; the circle holds all of its units.
    """
    w = positive(panel, column)
    known = units.reindex(w.columns)
    without = w.columns[known[["lon", "lat"]].isna().any(axis=1)]
    if len(without):
        raise AlignmentError(f"no coordinates for {first_five(without)}; give lon and lat of all.")
    degrees = known[["lon", "lat"]].to_numpy(dtype=np.float64)
    origin = degrees.mean(axis=0)
    scale = _KM_PER_DEGREE * np.array([np.cos(np.radians(origin[1])), 1.0])
    xy = (degrees - origin) * scale
    mass = w.to_numpy()
    centre = _centres(mass, xy)
    rows = [_ellipse(one, xy - at) for one, at in zip(mass, centre, strict=True)]
    frame = pd.DataFrame(rows, index=w.index, columns=["angle", "long_km", "short_km", "area_km2"])
    lonlat = centre / scale + origin
    frame.insert(0, "lon", lonlat[:, 0])
    frame.insert(1, "lat", lonlat[:, 1])
    steps = np.linalg.norm(np.diff(centre, axis=0), axis=1)
    frame["moved_km"] = np.concatenate([[np.nan], steps])
    places = np.random.default_rng(rng).integers(len(xy), size=(draws, len(xy)))
    counts = np.stack([np.bincount(one, minlength=len(xy)) for one in places]).astype(float)
    resampled = _centres((mass[:, None, :] * counts).reshape(-1, len(xy)), xy) / scale + origin
    index = pd.MultiIndex.from_product([w.index, range(draws)], names=["year", "draw"])
    return CentreTrack(frame, pd.DataFrame(resampled, index=index, columns=["lon", "lat"]))


def _centres(mass: NDArray[np.float64], xy: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(mass @ xy / mass.sum(axis=1, keepdims=True))


def _ellipse(mass: NDArray[np.float64], xy: NDArray[np.float64]) -> tuple[float, ...]:
    """Angle, half axes and area from weights (N,) and centred km (N, 2)."""
    covariance = (mass[:, None] * xy).T @ xy / mass.sum()
    values, vectors = np.linalg.eigh(covariance)
    short, long = np.sqrt(2.0 * np.clip(values, 0.0, None))
    east, north = vectors[:, 1]
    angle = float(np.degrees(np.arctan2(east, north)) % 180.0)
    return angle, float(long), float(short), float(np.pi * long * short)
