"""Table 13. Railway openings: four estimators, what they compare, what varies, and for whom."""

from __future__ import annotations

from typing import Any

import pandas as pd

import ccec_econ as ce
from exhibit import Exhibit, main
from opening_effects import LEADING, METHODS, contrasts, events, groups, overall, vary
from opening_tables import (
    finding,
    numbers,
    table_of_effects,
    table_of_events,
    table_of_groups,
    table_of_variants,
)
from openings import estimated, opening


def build(config: dict[str, Any]) -> Exhibit:
    """Estimate the effect of an opening on both layers, and take the leading sample apart."""
    setting = config["opening"]
    samples = {
        "county": opening(setting),
        "gdp": opening(setting, **setting["gdp"]),
        "city": opening(setting, **setting["city"]),
    }
    fits = {
        name: {method: estimated(sample, method) for method in METHODS}
        for name, sample in samples.items()
    }
    frame = pd.concat(
        {name: overall(config, name, found) for name, found in fits.items()},
        names=["sample", "method"],
    )
    leading = fits["county"]
    county = samples["county"]
    bacon = ce.causal.goodman_bacon(
        county.data, county.outcome, county.adoption, already="leave_out"
    )
    varied = vary(setting, leading[LEADING])
    grouped = groups(config, county, leading[LEADING])
    compared = contrasts(leading[LEADING])
    return Exhibit(
        table={
            "": table_of_effects(frame, fits, samples),
            "events": table_of_events(leading),
            "bacon": bacon.summary(),
            "vary": table_of_variants(varied),
            "groups": table_of_groups(grouped, compared),
        },
        data={
            "": frame.reset_index(),
            "events": events(leading).reset_index(),
            "bacon": bacon.comparisons,
            "vary": varied.reset_index(),
            "groups": pd.concat([grouped, compared]).reset_index(),
        },
        finding=finding(frame, bacon, varied, grouped, compared),
        numbers=numbers(
            frame,
            leading[LEADING],
            fits["city"][LEADING].event_study,
            bacon,
            grouped,
            compared,
        ),
    )


if __name__ == "__main__":
    main(__file__, build)
