"""Samples of the exhibits on railway openings: Table 13 and Figure 11."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

import ccec_econ as ce

__all__ = ["Opening", "estimated", "opening"]

OUTCOMES = {
    "night_lights": "night lights, ln",
    "gdp": "GDP, ln",
    "gdp_pc": "GDP per resident, ln",
}


@dataclass(frozen=True, slots=True)
class Opening:
    """A panel with the logarithm of an outcome, and the first year of service of every unit."""

    outcome: str
    data: pd.DataFrame
    adoption: pd.Series
    controls: ce.causal.Controls
    anticipation: int
    dropped: str

    def only(self, units: pd.Index) -> Opening:
        """Keep some units."""
        kept = self.data.index.get_level_values(0).isin(units)
        return replace(self, data=self.data[kept])


def opening(setting: dict[str, Any], **changes: Any) -> Opening:
    """Read the sample of a setting; units without all years of the outcome are counted out."""
    chosen = setting | changes
    panel = ce.data.load_panel(chosen["layer"], years=tuple(chosen["years"]))
    wide = panel[chosen["column"]].unstack()
    complete = wide.index[(wide > 0.0).all(axis=1)]
    kept = complete
    said = [f"{len(wide) - len(complete)} lack figures"] * (len(wide) > len(complete))
    if not chosen["cores"]:
        kept = kept.difference(ce.rail.urban_core().dropna().index)
    if chosen["column"] == "gdp" and chosen["layer"] == "county":
        after = panel[panel.index.get_level_values(1) > chosen["years"][0]]
        broken = after["gdp_break"].groupby(level=0).any()
        said.append(f"{len(kept.intersection(broken.index[broken]))} have a break between")
        kept = kept.difference(broken.index[broken])
    outcome = OUTCOMES[chosen["column"]]
    data = np.log(panel[[chosen["column"]]]).set_axis([outcome], axis=1)
    return Opening(
        outcome,
        data[data.index.get_level_values(0).isin(kept)],
        ce.rail.adoption(
            chosen["layer"],
            service=chosen["service"],
            rule=chosen["rule"],
            unlocated=chosen["unlocated"],
        ),
        chosen["controls"],
        chosen["anticipation"],
        " and ".join(said),
    )


def estimated(sample: Opening, method: str) -> ce.causal.Staggered:
    """Estimate by one method; units served before the panel are left out and named."""
    own = {"controls": sample.controls} if method == "callaway_santanna" else {}
    return ce.causal.staggered(
        sample.data,
        sample.outcome,
        sample.adoption,
        method=method,
        anticipation=0 if method == "twfe" else sample.anticipation,
        already="leave_out",
        **own,
    )
