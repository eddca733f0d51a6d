"""The circle's partitions and groups."""

from __future__ import annotations

import pytest

from ccec_econ import circle
from ccec_econ.errors import DataError

PARTITIONS = ("province", "axis", "axis_wide_south", "role", "role_points")


@pytest.mark.parametrize("layer", ["city", "county"])
@pytest.mark.parametrize("name", PARTITIONS)
def test_partitions_cover_every_unit_once(name: str, layer: circle.Layer) -> None:
    classes = circle.partition(name, layer)
    assert classes.index.tolist() == circle.units(layer).index.tolist()
    assert classes.index.is_unique
    assert classes.notna().all()
    assert (classes.name, classes.index.name) == (name, "unit")


def test_roles_as_named_by_the_studies() -> None:
    names = circle.units()["name"]
    members = {
        role: set(names[part.index]) for role, part in circle.roles().groupby(circle.roles())
    }
    assert members["core"] == {"Chengdu", "Chongqing"}
    assert members["hollow"] == {"Zigong", "Suining", "Neijiang", "Ziyang"}
    assert members["secondary"] == {"Mianyang", "Luzhou", "Yibin", "Nanchong", "Dazhou"}
    assert members["other"] == {"Deyang", "Leshan", "Meishan", "Guang'an", "Ya'an"}


def test_codes_agree_with_the_geography_tables() -> None:
    names = circle.units()["name"]
    expected = {code: name for name, code in circle._CODES.items()}
    assert names.to_dict() == expected


def test_counties_follow_their_city_in_sichuan_and_districts_the_studies() -> None:
    units, roles = circle.units("county"), circle.roles("county")
    sichuan = units["province"] == "Sichuan"
    by_city = units["city"].map(circle.roles())
    assert (roles[sichuan] == by_city[sichuan]).all()
    names = units["name"]
    chongqing = {role: set(names[(roles == role) & ~sichuan]) for role in roles.unique()}
    assert len(chongqing["core"]) == 9
    assert chongqing["secondary"] == {"Yongchuan", "Bishan", "Wanzhou", "Fuling"}
    assert chongqing["hollow"] == set()
    points = circle.partition("role_points", "county")
    assert set(names[(points == "secondary") & ~sichuan]) == {"Yongchuan", "Bishan"}
    axis = circle.partition("axis", "county")
    south = set(names[(axis == "south") & ~sichuan])
    assert {"Rongchang", "Dazu", "Jiangjin"} <= south
    assert {"Kaizhou", "Fengjie"} <= set(names[(axis == "north") & ~sichuan])


def test_groups_of_counties_hold_what_cities_lack() -> None:
    table = circle.groups("county")
    assert set(table["unit"]) <= set(circle.units("county").index)
    names = circle.units("county")["name"]
    members = {g: set(names[part["unit"]]) for g, part in table.groupby("group")}
    assert members["chongqing_pilot"] == {"Changshou", "Jiangjin", "Bishan", "Nanchuan"}
    assert {"Yongchuan"} < members["small_dual"]
    assert not table.loc[table["group"] == "south_wing", "complete"].any()
    with pytest.raises(DataError, match="layer 'town': unknown"):
        circle.groups("town")  # type: ignore[arg-type]


def test_groups_are_one_row_per_unit_and_study() -> None:
    table = circle.groups()
    assert table.attrs["version"] == circle.GROUPS_VERSION
    assert not table.duplicated(["group", "unit", "study"]).any()
    assert set(table["study"]) <= {"D0", "D1", "D2", "D3"}
    assert set(table["unit"]) <= set(circle.units().index)
    hollow = set(table.loc[table["group"] == "hollow", "unit"])
    roles = circle.roles()
    assert hollow == set(roles.index[roles == "hollow"])
    assert not table.loc[table["group"] == "small_dual", "complete"].any()


def test_secondary_units_are_named_by_some_group() -> None:
    table, roles = circle.groups(), circle.roles()
    named = set(table.loc[table["group"].isin(["points", "north_wing", "small_dual"]), "unit"])
    assert set(roles.index[roles == "secondary"]) == named


def test_unknown_partition_is_refused() -> None:
    with pytest.raises(DataError, match="partition 'wings': unknown; choose one of province, axis"):
        circle.partition("wings")
