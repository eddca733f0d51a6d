"""What Table 16 adds to the panel: mediators, moderators, and the model with products."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

import ccec_econ as ce
from ccec_econ.models.small_sample import standard_margins
from group_models import lagged

__all__ = ["mechanism_panel", "moderated_fit", "moderators"]


def mechanism_panel(config: Mapping[str, Any]) -> pd.DataFrame:
    """Cities and years of the baseline, with the columns that mediate."""
    panel = ce.data.load_panel(years=tuple(config["sample"]["years"]))
    raw = ce.data.load_raw("city_yearbook")
    employed = raw[raw["variable"].isin(["emp_sci", "employees_units"])]
    employed = employed.pivot_table(index=["unit", "year"], columns="variable", values="value")
    research = 100.0 * employed["emp_sci"] / employed["employees_units"]
    return panel.assign(ln_pop=100.0 * np.log(panel["pop"]), research=research)


def moderators(config: Mapping[str, Any], panel: pd.DataFrame) -> dict[str, pd.Series]:
    """By name, what slopes may differ with, as standard scores over the cells."""
    setting = config["mechanisms"]
    year = setting["before"]
    start = ce.data.load_panel(years=(year, year))
    shares = start.assign(share1=100.0 - start["share2"] - start["share3"])
    alike = ce.structure.similarity(shares, ["share1", "share2", "share3"], year)
    cores = list(ce.circle.roles().index[ce.circle.roles() == "core"])
    nearest = alike[cores].where(alike[cores].index.to_numpy()[:, None] != np.array(cores))
    area = ce.data.load_units()["area_km2"]
    of_unit = {
        "students": panel["students"].groupby("unit").mean(),
        "likeness": nearest.mean(axis=1),
        "industry": start["share2"].droplevel("year"),
        "density": np.log(start["pop"].droplevel("year") / area),
    }
    units = panel.index.get_level_values("unit")
    values = {
        name: pd.Series(units.map(column).astype(float), index=panel.index)
        for name, column in of_unit.items()
    }
    named = ce.data.broadband_adoption(chongqing="first")
    first = units.map(named.astype(float).fillna(np.inf))
    after = (panel.index.get_level_values("year") >= first).astype(float)
    values["pilot"] = pd.Series(after, index=panel.index)
    return {name: (column - column.mean()) / column.std() for name, column in values.items()}


def moderated_fit(
    config: Mapping[str, Any], panel: pd.DataFrame, moderator: pd.Series
) -> ce.SpatialPanelResults:
    """Fit growth on own and neighbours' treatments, each alone and times the moderator."""
    treatments, W = config["baseline"]["treatments"], ce.weights.contiguity()
    plain = ce.ols(config["baseline"]["formula"], panel)
    per_unit = standard_margins(plain, treatments, 1.0)
    data = panel.assign(**{name: panel[name] * per_unit[name] for name in treatments})
    data = data.assign(
        moderator=moderator, **{f"near_{name}": lagged(W, data[name]) for name in treatments}
    )
    terms = [name for own in treatments for name in (own, f"near_{own}")]
    changes = (moderator.groupby("unit").nunique() > 1).any()
    terms = [
        *terms,
        *(f"I({name} * moderator)" for name in terms),
        *(["moderator"] if changes else []),
    ]
    formula = f"growth ~ ln_gdp_pc_lag + {' + '.join(terms)} | unit + year"
    return ce.ols(formula, data, cov=ce.Cluster())
