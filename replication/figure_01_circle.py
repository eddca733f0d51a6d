"""Figure 1: the circle, the roles of its cities, and when high-speed rail reached them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ccec_econ import circle
from ccec_econ.data import load_table
from ccec_econ.data.city import CITY_YEARS
from ccec_econ.report.map import circle_map
from exhibit import Exhibit, main

NONE = "none"
OPENED = "hsr200_opened"  # first service at 200 km/h or more
LABELS = "Year: first service at\n200 km/h or more\n({none}: not by end-{last})"
NOTE = (
    "Units are whole cities; the official circle holds {inside:.0f}\u00a0% of Chongqing's area and "
    "only parts of {partly}. Nanchong and Guang'an count a line designed for 160\u00a0km/h with "
    "200\u00a0km/h reserved. Sources: rail openings, data/raw/rail; seats, GeoNames (CC BY 4.0)."
)


def build(config: dict[str, Any]) -> Exhibit:
    """Draw the circle as polygons and as tiles."""
    last = CITY_YEARS[1]
    data = describe(last)
    served = data["hsr_first_year"]
    labels = served.map(str, na_action="ignore").fillna(NONE)
    look = {
        "labels": labels,
        "title": "Role",
        "labels_title": LABELS.format(none=NONE, last=last),
        "note": note(data),
    }
    return Exhibit(
        figure={
            "": circle_map(data["role"], **look),
            "tiles": circle_map(data["role"], tiles=True, **look),
        },
        data=data.reset_index(),
        finding=finding(data, last),
        numbers={
            "cities": len(data),
            "cities_with_hsr": int(served.notna().sum()),
            "first_year": int(served.min()),
            "last_year": int(served.max()),
            "panel_ends": last,
            "cities_by_role": data["role"].value_counts().to_dict(),
            "chongqing_area_inside": float(inside(data)["Chongqing"]),
        },
    )


def describe(last: int) -> pd.DataFrame:
    """Set name, role, rail and place of each unit side by side; openings after `last` are none."""
    units = circle.units()
    opened = load_table("rail", "first_service").set_index("adcode")[OPENED].reindex(units.index)
    year = opened.str[:4].astype("Int64")
    known = year <= last
    tiles = load_table("geography", "tiles_ccec16").set_index("adcode").reindex(units.index)
    return units.assign(
        role=circle.roles(),
        hsr_opened=opened.where(known),
        hsr_first_year=year.where(known),
        tile_column=tiles["col"],
        tile_row=tiles["row"],
    )


def note(data: pd.DataFrame) -> str:
    """Say which part of the units the official circle holds."""
    share = inside(data)
    partly = listed(share.index[(share < 1) & (share.index != "Chongqing")])
    return NOTE.format(inside=100 * share["Chongqing"], partly=partly)


def inside(data: pd.DataFrame) -> pd.Series:
    """Return the share of each city's area that lies in the official circle, by name."""
    return data.set_index("name")["member_share"]


def finding(data: pd.DataFrame, last: int) -> str:
    """Say when rail came to which role."""
    year = data["hsr_first_year"]
    hollow = year[data["role"] == "hollow"]
    earliest = listed(data["name"][year == year.min()])
    latest_hollow = listed(data["name"][hollow.index[hollow == hollow.max()]])
    return (
        f"By the end of {last} trains at 200 km/h or more served {year.notna().sum()} of the "
        f"{len(data)} cities: {earliest} from {year.min()}, the last of the hollow middle "
        f"({latest_hollow}) from {hollow.max()}, {listed(data['name'][year.isna()])} not at all."
    )


def listed(names: pd.Index | pd.Series) -> str:
    """Join names as in a sentence."""
    *others, final = sorted(names)
    return f"{', '.join(others)} and {final}" if others else final


if __name__ == "__main__":
    main(__file__, build)
