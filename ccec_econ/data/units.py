"""The units of both layers: names, provinces, seats, areas, membership."""

from __future__ import annotations

from functools import lru_cache

import pandas as pd

from ccec_econ.data.store import load_table
from ccec_econ.errors import DataError

__all__ = ["load_units"]

_PROVINCES = {"50": "Chongqing", "51": "Sichuan"}
_TABLES = {"city": "units_ccec16", "county": "units_county221"}


def load_units(layer: str = "city") -> pd.DataFrame:
    """Return the units of a layer.

    Parameters
    ----------
    layer : {"city", "county"}
        15 prefectures of Sichuan and Chongqing, or the 156 county units within them.

    Returns
    -------
    DataFrame
        Indexed by ``unit`` (adcode as text), sorted. ``name`` (pinyin), ``province``, ``lon``
        and ``lat`` of the seat, ``area_km2``, ``membership`` in the official circle (``full``,
        ``mostly``, ``partial``, ``none``) and ``member_share`` of the area; the county layer
        also has ``city`` (adcode) and ``city_name``.

    Raises
    ------
    DataError
        If the layer does not exist.
    """
    if layer not in _TABLES:
        raise DataError(f"layer '{layer}': unknown; choose one of {', '.join(_TABLES)}.")
    return _units(layer).copy()


@lru_cache(maxsize=2)
def _units(layer: str) -> pd.DataFrame:
    table = load_table("geography", _TABLES[layer]).set_index("adcode").sort_index()
    table.index.name = "unit"
    units = pd.DataFrame(
        {
            "name": table["name_en"],
            "province": table.index.str[:2].map(_PROVINCES),
            "lon": table["seat_lon"].astype(float),
            "lat": table["seat_lat"].astype(float),
            "area_km2": table["area_km2"].astype(float),
            "membership": table["ccec"],
            "member_share": table["ccec_area_share"].astype(float),
        }
    )
    if layer == "city":
        return units
    cities = _units("city")["name"]
    units.insert(2, "city", table["parent"])
    units.insert(3, "city_name", table["parent"].map(cities))
    return units[units["city_name"].notna()].copy()
