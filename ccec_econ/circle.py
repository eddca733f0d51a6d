"""The circle: its units, the partitions of the study, and the groups that earlier studies name.

Studies behind the groups (what they claim is in ``data/raw/source_studies``):

- D0: Guo, Zhou and Tu, on polarisation and the hollow middle of the circle.
- D1: Qin, Zhang and Wei, on the spatial structure of its digital economy.
- D2: Wang, Luo and Yao (2026), on three mechanisms at three levels.
- D3: an interview with Dong Yu, October 2021.

The studies name overlapping groups and leave several cities open; decompositions and group
effects need partitions. The assignments made here are choices, listed with their reasons in
`partition`; the alternatives exist so that results can be run both ways. At this layer
Chongqing is one unit, the whole municipality, and counts as a core.
"""

from __future__ import annotations

from typing import Final

import pandas as pd

from ccec_econ.data import load_units
from ccec_econ.errors import DataError

__all__ = ["GROUPS_VERSION", "groups", "partition", "roles", "units"]

GROUPS_VERSION: Final = "1"
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

# Group -> studies that name it, members at the city layer, and whether these are all members
# (False where the study also names districts or counties of Chongqing).
_GROUPS: Final[dict[str, tuple[str, str, bool]]] = {
    "core": ("D0 D1 D3", "Chengdu Chongqing", True),
    "hollow": ("D0", "Zigong Suining Neijiang Ziyang", True),
    "axis_main": ("D1", "Ziyang Neijiang Suining", True),
    "belt_chengdu_mianyang_leshan": ("D1", "Chengdu Deyang Mianyang Meishan Leshan", True),
    "north_wing": ("D0 D3", "Nanchong Dazhou", False),
    "south_wing": ("D0 D3", "Yibin Luzhou Zigong Neijiang", False),
    "small_dual": ("D0", "Yibin", False),
    "points": ("D1", "Yibin Luzhou Mianyang", False),
    "digital_second_tier": ("D2", "Mianyang Yibin Luzhou", False),
    "large_cities": ("D0", "Luzhou Yibin Nanchong Mianyang Dazhou Zigong", True),
    "chengdu_metropolitan": ("D0 D3", "Chengdu Deyang Meishan Ziyang", True),
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


def units() -> pd.DataFrame:
    """Return the 16 units: name, province, seat, area and membership, indexed by adcode."""
    return load_units("city")


def roles() -> pd.Series[str]:
    """Return the role of each unit: ``core``, ``hollow``, ``secondary`` or ``other``.

    The same as ``partition("role")``.

    Examples
    --------
    >>> from ccec_econ import circle
    >>> circle.roles().value_counts().to_dict()
    {'secondary': 5, 'other': 5, 'hollow': 4, 'core': 2}
    """
    return partition("role")


def partition(name: str) -> pd.Series[str]:
    """Assign every unit to exactly one class.

    Parameters
    ----------
    name : {"province", "axis", "axis_wide_south", "role", "role_points"}
        Which partition.

    Returns
    -------
    Series
        Class by unit (adcode), named after the partition, sorted by unit.

    Raises
    ------
    DataError
        If there is no such partition.

    Notes
    -----
    ``province``
        Sichuan and Chongqing.
    ``axis``
        The axis between the cores with the cores as its ends (D1), the two wings (D0, D3), and
        the rest. Choices: Guang'an goes north, with the north-east of Sichuan around it, though
        plans also count it to metropolitan Chongqing; Neijiang stays on the axis though D0 also
        lets it cooperate with the south; Leshan, Meishan, Deyang and Mianyang (D1's western
        belt) and Ya'an, which no study assigns, form ``other``.
    ``axis_wide_south``
        The alternative: Guang'an on the axis, Neijiang and Leshan south.
    ``role``
        ``core``: D0, D1, D3. ``hollow``: the four cities that D0 names. ``secondary``: the
        points of D1 and the small dual core of D0 (Yibin, Luzhou, Mianyang) and the northern
        centres of D3 (Nanchong, Dazhou); all are large cities in D0. Zigong is a large city
        too but stays with the hollow middle, where D0 puts it. ``other``: Deyang, Leshan,
        Meishan, Guang'an and Ya'an, which no study gives a role of their own.
    ``role_points``
        The alternative: ``secondary`` holds D1's points only.
    """
    if name == "province":
        return load_units("city")["province"].rename("province")
    if name not in _PARTITIONS:
        known = ", ".join(["province", *_PARTITIONS])
        raise DataError(f"partition '{name}': unknown; choose one of {known}.")
    classes = _PARTITIONS[name].items()
    assigned = {_CODES[city]: label for label, cities in classes for city in cities.split()}
    return pd.Series(assigned, name=name).sort_index().rename_axis("unit")


def groups() -> pd.DataFrame:
    """Return the groups that the source studies name, as far as they exist at the city layer.

    Returns
    -------
    DataFrame
        One row per ``group``, ``unit`` (adcode) and ``study``; ``complete`` is False where the
        study also names districts or counties of Chongqing, which this layer does not have.
        Groups that lie within Chongqing altogether are left out. ``attrs["version"]`` is
        `GROUPS_VERSION`. Groups overlap.
    """
    rows = [
        (group, _CODES[city], study, complete)
        for group, (studies, cities, complete) in _GROUPS.items()
        for city in cities.split()
        for study in studies.split()
    ]
    table = pd.DataFrame(rows, columns=["group", "unit", "study", "complete"])
    table.attrs["version"] = GROUPS_VERSION
    return table
