"""Figure 12. Expected and realised market access, and the randomisation distribution."""

from __future__ import annotations

from typing import Any

import pandas as pd

import ccec_econ as ce
from access_draws import redrawn, samples
from ccec_econ.typeset import number, p_equal
from exhibit import Exhibit, main

NOTE = (
    "(a), (b) Change of ln market access of counties, {first} to {last}; expected: mean over "
    "{draws} redrawn orders of openings. Dots at seats of government; targeted core districts left "
    "out. (c) Product of recentred access with ln night lights, expectation, county and year "
    "effects removed, over that with access: at the realised order this is the estimate. "
    "Randomisation {p}: share of orders beyond the lines. Sources: data/raw/rail, "
    "data/raw/night_lights, data/raw/census, data/raw/geography."
)


def build(config: dict[str, Any]) -> Exhibit:
    """Draw what counties could expect, what they got, and the test."""
    used = redrawn(config, "county", config["recentred"]["draws"])
    sample = samples(config)["lights"]
    found = ce.causal.recentred_regression(sample.data, "y", used.treatment(), how="control")
    treatment = found.treatment
    units, roles = ce.data.load_units("county"), ce.circle.roles("county")
    first, last = treatment.realised.index[[0, -1]]
    change = pd.DataFrame(
        {
            "realised": treatment.realised.loc[last] - treatment.realised.loc[first],
            "expected": treatment.expected.loc[last] - treatment.expected.loc[first],
        }
    )
    change["recentred"] = change["realised"] - change["expected"]
    note = NOTE.format(first=first, last=last, draws=len(treatment.draws), p=p_equal(found.pvalue))
    return Exhibit(
        figure=ce.report.placement_figure(
            treatment, found, units, roles, what="ln access", note=note
        ),
        data={
            "": change.rename_axis("unit").reset_index(),
            "draws": pd.DataFrame({"statistic": found.randomisation.scaled}),
        },
        finding=finding(change, units["name"], roles),
        numbers={
            "correlation": float(change["realised"].corr(change["expected"])),
            "pvalue": found.pvalue,
            "sd_realised": float(change["realised"].std()),
            "sd_recentred": float(change["recentred"].std()),
        },
    )


def finding(change: pd.DataFrame, names: pd.Series, roles: pd.Series) -> str:
    """Say how much of access was to be expected, and where chance fell."""
    gap = change["recentred"].sort_values()
    by_role = change.groupby(roles)["recentred"].mean()
    said = ", ".join(f"{role} {number(value, 2)}" for role, value in by_role.items())
    return (
        f"Across counties the realised change of ln access correlates at "
        f"{change['realised'].corr(change['expected']):.2f} with the expected one. "
        f"{names[gap.index[-1]]} gained most beyond expectation ({gap.iloc[-1]:+.2f}), "
        f"{names[gap.index[0]]} least ({gap.iloc[0]:+.2f}). Mean by role: {said}."
    )


if __name__ == "__main__":
    main(__file__, build)
