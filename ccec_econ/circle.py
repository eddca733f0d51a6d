"""The circle: its units, the partitions of the study, and the groups that earlier studies name.

Studies behind the groups (what they claim is in ``data/raw/source_studies``):

- D0: Guo, Zhou and Tu, on polarisation and the hollow middle of the circle.
- D1: Qin, Zhang and Wei, on the spatial structure of its digital economy.
- D2: Wang, Luo and Yao (2026), on three mechanisms at three levels.
- D3: an interview with Dong Yu, October 2021.

The studies name overlapping groups and leave several cities open; decompositions and group
effects need partitions. The assignments made here are choices, listed with their reasons in
`partition`; the alternatives exist so that results can be run both ways. At the city layer
Chongqing is one unit, the whole municipality, and counts as a core; at the county layer only its
nine main urban districts do.
"""

from __future__ import annotations

from typing import Final, Literal

import pandas as pd

from ccec_econ.data import load_table, load_units
from ccec_econ.errors import DataError
from ccec_econ.weights import distances

__all__ = ["GROUPS_VERSION", "groups", "partition", "roles", "units"]

Layer = Literal["city", "county"]

GROUPS_VERSION: Final = "2"
"""Version of the tables of groups and partitions; a changed assignment changes it."""

_CODES: Final = {
    "Chongqing": "500000",
    "Chengdu": "510100",
    "Zigong": "510300",
    "Luzhou": "510500",
    "Deyang": "510600",
    "Mianyang": "510700",
    "Suining": "510900",
    "Neijiang": "511000",
    "Leshan": "511100",
    "Nanchong": "511300",
    "Meishan": "511400",
    "Yibin": "511500",
    "Guang'an": "511600",
    "Dazhou": "511700",
    "Ya'an": "511800",
    "Ziyang": "512000",
}

_ROLE: Final = {
    "core": "Chengdu Chongqing",
    "hollow": "Zigong Suining Neijiang Ziyang",
    "secondary": "Mianyang Luzhou Yibin Nanchong Dazhou",
    "other": "Deyang Leshan Meishan Guang'an Ya'an",
}
_ROLE_POINTS: Final = {
    "core": "Chengdu Chongqing",
    "hollow": "Zigong Suining Neijiang Ziyang",
    "secondary": "Mianyang Luzhou Yibin",
    "other": "Deyang Leshan Meishan Guang'an Ya'an Nanchong Dazhou",
}
_AXIS: Final = {
    "axis": "Chengdu Chongqing Ziyang Neijiang Suining",
    "north": "Nanchong Dazhou Guang'an",
    "south": "Yibin Luzhou Zigong",
    "other": "Deyang Mianyang Meishan Leshan Ya'an",
}
_AXIS_WIDE_SOUTH: Final = {
    "axis": "Chengdu Chongqing Ziyang Suining Guang'an",
    "north": "Nanchong Dazhou",
    "south": "Yibin Luzhou Zigong Neijiang Leshan",
    "other": "Deyang Mianyang Meishan Ya'an",
}
_PARTITIONS: Final = {
    "axis": _AXIS,
    "axis_wide_south": _AXIS_WIDE_SOUTH,
    "role": _ROLE,
    "role_points": _ROLE_POINTS,
}

# Districts of Chongqing at the county layer, by name; cities of Sichuan pass their class on.
_MAIN_URBAN: Final = (
    *("Yuzhong", "Dadukou", "Jiangbei", "Shapingba", "Jiulongpo"),
    *("Nan'an", "Beibei", "Yubei", "Banan"),
)
_POINTS: Final = ("Yongchuan", "Bishan")
_SECOND_TIER: Final = ("Wanzhou", "Fuling")


def units(layer: Layer = "city") -> pd.DataFrame:
    """Return the units of a layer: name, province, seat, area, membership; indexed by adcode."""
    return load_units(layer)


def roles(layer: Layer = "city") -> pd.Series[str]:
    """Return the role of each unit: ``core``, ``hollow``, ``secondary`` or ``other``.

    The same as ``partition("role")``.

    Examples
    --------
    >>> from ccec_econ import circle
    >>> circle.roles().value_counts().to_dict()
    {'secondary': 5, 'other': 5, 'hollow': 4, 'core': 2}
    """
    return partition("role", layer)


def partition(name: str, layer: Layer = "city") -> pd.Series[str]:
    """Assign every unit to exactly one class.

    Parameters
    ----------
    name : {"province", "axis", "axis_wide_south", "role", "role_points"}
        Which partition.
    layer : {"city", "county"}
        Counties of Sichuan belong where their city does.

    Returns
    -------
    Series
        Class by unit (adcode), named after the partition, sorted by unit.

    Raises
    ------
    DataError
        If there is no such partition or layer.

    Notes
    -----
    ``province``
        Sichuan and Chongqing.
    ``axis``
        The axis between the cores with the cores as its ends (D1), the two wings (D0, D3), and
        the rest. Choices: Guang'an goes north, with the north-east of Sichuan around it, though
        plans also count it to metropolitan Chongqing; Neijiang stays on the axis though D0 also
        lets it cooperate with the south; Leshan, Meishan, Deyang and Mianyang (D1's western
        belt) and Ya'an, which no study assigns, form ``other``. Counties of Chongqing: the main
        urban districts end the axis; those whose seat lies west of all of them go south (the
        south wing of D3 reaches into western Chongqing, which it does not list); those whose
        seat is nearer to that of Wanzhou than to that of Yuzhong go north; the rest is other.
    ``axis_wide_south``
        The alternative: Guang'an on the axis, Neijiang and Leshan south.
    ``role``
        ``core``: D0, D1, D3. ``hollow``: the four cities that D0 names. ``secondary``: the
        points of D1 and the small dual core of D0 (Yibin, Luzhou, Mianyang) and the northern
        centres of D3 (Nanchong, Dazhou); all are large cities in D0. Zigong is a large city
        too but stays with the hollow middle, where D0 puts it. ``other``: Deyang, Leshan,
        Meishan, Guang'an and Ya'an, which no study gives a role of their own. Counties of
        Chongqing: the nine main urban districts are core; Yongchuan and Bishan (points of D1)
        and Wanzhou and Fuling (second tier of D2) secondary; the rest other.
    ``role_points``
        The alternative: ``secondary`` holds D1's points only.

    Examples
    --------
    >>> from ccec_econ import circle
    >>> circle.partition("axis", "county").loc[["500153", "500101", "510104"]].tolist()
    ['south', 'north', 'axis']
    """
    table = load_units(layer)
    if name == "province":
        return table["province"].rename("province")
    if name not in _PARTITIONS:
        known = ", ".join(["province", *_PARTITIONS])
        raise DataError(f"partition '{name}': unknown; choose one of {known}.")
    classes = _PARTITIONS[name].items()
    by_city = {_CODES[city]: label for label, cities in classes for city in cities.split()}
    if layer == "city":
        return pd.Series(by_city, name=name).sort_index().rename_axis("unit")
    assigned = table["city"].map(by_city)
    inside = table["city"] == _CODES["Chongqing"]
    districts = table[inside]
    if name.startswith("axis"):
        assigned[inside] = _axis_of(districts)
    else:
        second = _POINTS if name == "role_points" else (*_POINTS, *_SECOND_TIER)
        assigned[inside] = _role_of(districts, second)
    return assigned.rename(name)


def groups(layer: Layer = "city") -> pd.DataFrame:
    """Return the groups that the source studies name.

    Parameters
    ----------
    layer : {"city", "county"}
        At the county layer groups hold the districts of Chongqing that the studies name, and all
        counties of the cities of Sichuan.

    Returns
    -------
    DataFrame
        One row per ``group``, ``unit`` (adcode), ``study`` and ``section`` of the study;
        ``complete`` is False where this layer does not have all members, or where the study does
        not list them (western Chongqing: the districts whose seat lies west of the nine main
        ones). ``attrs["version"]`` is `GROUPS_VERSION`. Groups overlap. The mountain rim of D0
        is left out: the study lists no member and no terrain is at hand.

    Raises
    ------
    DataError
        If there is no such layer.

    Examples
    --------
    >>> from ccec_econ import circle
    >>> circle.groups("county").query("group == 'chongqing_pilot'")["unit"].nunique()
    4
    """
    load_units(layer)  # refuses unknown layers
    table = load_table("source_studies", "groups")
    chosen = table[table["layer"] == layer].drop(columns="layer").reset_index(drop=True)
    chosen["complete"] = chosen["complete"].astype(bool)
    chosen["section"] = chosen["section"].fillna("")
    chosen.attrs["version"] = GROUPS_VERSION
    return chosen


def _axis_of(districts: pd.DataFrame) -> pd.Series[str]:
    """Classify districts of Chongqing by where their seats lie."""
    seats = districts.set_index("name")[["lon", "lat"]]
    main = districts["name"].isin(_MAIN_URBAN)
    km = distances("county").loc[districts.index]
    place = {name: unit for unit, name in districts["name"].items()}
    north = km[place["Wanzhou"]] < km[place["Yuzhong"]]
    west = districts["lon"] < seats.loc[list(_MAIN_URBAN), "lon"].min()
    label = pd.Series("other", index=districts.index)
    for where, name in ((north, "north"), (west, "south"), (main, "axis")):
        label[where] = name
    return label


def _role_of(districts: pd.DataFrame, second: tuple[str, ...]) -> pd.Series[str]:
    """Classify districts of Chongqing by the studies that name them."""
    label = pd.Series("other", index=districts.index)
    label[districts["name"].isin(second)] = "secondary"
    label[districts["name"].isin(_MAIN_URBAN)] = "core"
    return label
