"""Table 1. Variables, sources, years and missing shares."""

from __future__ import annotations

import math
from typing import Any

import ccec_econ as ce
from exhibit import Exhibit, main


def build(config: dict[str, Any]) -> Exhibit:
    """List the variables of both layers as the codebook and the data give them."""
    chosen, years = config["variables"], tuple(config["sample"]["years"])
    city = ce.data.load_panel("city", years)
    county = ce.data.load_panel("county")
    tables = {
        "": ce.report.variables(
            city,
            chosen["city"],
            layer="city",
            title=f"Variables, 16 units; missing share in {years[0]}–{years[1]}",
        ),
        "county": ce.report.variables(
            county, chosen["county"], layer="county", title="Variables, 156 counties, 2000–2022"
        ),
    }
    adjusted = ce.data.load_adjustments("city")
    sample = adjusted[adjusted["year"].between(*years)]
    changed = sample[sample["published"] != sample["used"]]
    screened = int(changed["reason"].str.contains("screen").sum())
    missing = int(city[config["baseline"]["columns"]].isna().sum().sum())
    return Exhibit(
        table=tables,
        finding=(
            f"The baseline sample has {missing or 'no'} missing cells. {len(changed)} figures of "
            f"the city layer in {years[0]}–{years[1]} are not used as published: {screened} of "
            "digital indicators are replaced by the screen, the others put on one boundary or "
            "corrected; each is recorded with its reason."
        ),
        numbers={
            "missing": missing,
            "adjusted": len(changed),
            "screened": screened,
            "cities": len(city.index.unique("unit")) - 1,
            "indicators": len(ce.data.load_index("digital").weights),
            "screen": {
                "years": ce.data.Screen().longest_run,
                "deviations": ce.data.Screen().k,
                "factor": math.exp(ce.data.Screen().floor),
            },
            "adjusted_all": len(adjusted),
            "counties": len(county.index.unique("unit")),
            "county_first": int(county.index.unique("year").min()),
            "county_last": int(county.index.unique("year").max()),
            "reasons": sample["reason"].value_counts().sort_index().to_dict(),
        },
    )


if __name__ == "__main__":
    main(__file__, build)
