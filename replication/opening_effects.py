"""Effects of railway openings: by estimator, by year, with changed choices, and for groups."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
from scipy import stats

import ccec_econ as ce
from ccec_econ.causal import Staggered
from exhibit import rng
from openings import Opening, estimated, opening

__all__ = ["LEADING", "METHODS", "contrasts", "events", "groups", "overall", "vary"]

METHODS = {
    "twfe": "Two-way effects",
    "callaway_santanna": "Callaway–Sant'Anna",
    "sun_abraham": "Sun–Abraham",
    "imputation": "Imputation",
}
ROLES = {
    "core": "Chengdu outside its inner districts",
    "hollow": "Hollow middle",
    "secondary": "Secondary cities",
    "other": "Other",
}
CONTRASTS = ((0, 1), (4, 5), (6, 7))  # rows of the groups that are set against each other
LEADING = "callaway_santanna"
STATISTICS: dict[str, Any] = {
    "twfe": "twfe_t",
    "callaway_santanna": ce.causal.group_time_t,
    "sun_abraham": partial(ce.causal.group_time_t, controls="never_treated"),
    "imputation": "imputation_t",
}


def overall(config: dict[str, Any], name: str, found: dict[str, Staggered]) -> pd.DataFrame:
    """Overall effect by method, with the p-value of openings permuted over units."""
    rows = {}
    for method, fit in found.items():
        placebos = ce.causal.permute(
            fit.design,
            statistic=STATISTICS[method],
            draws=config["draws"]["permutations"],
            rng=rng(config, f"table_13_{name}_{method}"),
        )
        rows[method] = {
            **fit.overall.to_dict(),
            "p_permuted": placebos.pvalue,
            "detectable": 2.8 * fit.overall["se"],
            "units": fit.design.y.shape[1],
            "treated": int(fit.design.ever.sum()),
            "df": fit.df,
        }
    return pd.DataFrame(rows).T


def vary(setting: dict[str, Any], leading: Staggered) -> pd.DataFrame:
    """Estimate again with one choice changed at a time."""
    rows = {"Leading": described(leading)}
    for choice in setting["vary"]:
        changes = {key: value for key, value in choice.items() if key != "label"}
        rows[choice["label"]] = described(estimated(opening(setting, **changes), LEADING))
    return pd.DataFrame(rows).T.rename_axis("choice")


def groups(config: dict[str, Any], sample: Opening, leading: Staggered) -> pd.DataFrame:
    """Estimate for treated units of one group at a time, against all units not treated."""
    units, ever = leading.design.panel.units, leading.design.ever
    rows = {}
    for label, members in memberships(units).items():
        chosen = members.to_numpy() & ever
        if not chosen.any():
            continue
        found = estimated(sample.only(units[chosen | ~ever]), LEADING)
        placebos = ce.causal.permute(
            found.design,
            statistic=ce.causal.group_time_t,
            draws=config["draws"]["permutations"],
            rng=rng(config, f"table_13_{label}"),
        )
        rows[label] = described(found) | {"p_permuted": placebos.pvalue}
    frame = pd.DataFrame(rows).T.rename_axis("group")
    return frame.assign(p_holm=ce.holm(frame["p_permuted"].astype(float)))


def contrasts(leading: Staggered) -> pd.DataFrame:
    """Differences between groups of treated units, against the same controls."""
    named = list(memberships(leading.design.panel.units).items())
    rows = {}
    for a, b in CONTRASTS:
        (one, ours), (other, theirs) = named[a], named[b]
        estimate, se = ce.causal.group_time_contrast(
            leading.design, ours.to_numpy(), theirs.to_numpy()
        )
        half = stats.t.ppf(0.975, leading.df) * se
        rows[f"{one} less {other[0].lower()}{other[1:]}"] = {
            "estimate": estimate,
            "se": se,
            "p": 2.0 * stats.t.sf(abs(estimate / se), leading.df),
            "lower": estimate - half,
            "upper": estimate + half,
        }
    return pd.DataFrame(rows).T.rename_axis("group")


def memberships(units: pd.Index) -> dict[str, pd.Series]:
    """Say which units belong to each group: role, size, distance to the nearer core."""
    role = ce.circle.roles("county").reindex(units)
    people = ce.data.load_census()["pop_resident"].xs(2010, level="year").reindex(units)
    core = ce.rail.urban_core().dropna().index
    km = ce.weights.distances("county").loc[units, core].min(axis=1)
    return {
        **{label: role == name for name, label in ROLES.items()},
        "Residents in 2010 above the median": people > people.median(),
        "Residents in 2010 below": people <= people.median(),
        f"Within {km.median():.0f} km of a core": km <= km.median(),
        "Farther": km > km.median(),
    }


def described(found: Staggered) -> dict[str, float]:
    """Keep what the tables print of an overall effect."""
    controls = found.event_study.loc[found.weights.index, "controls"]
    return {
        **found.overall.to_dict(),
        "units": found.design.y.shape[1],
        "treated": int(found.design.ever.sum()),
        "cohorts": len(found.design.cohorts),
        "controls": int(controls.min()),
        "lost": int(found.event_study["lost"].sum()),
        "left_out": len(found.design.left_out),
    }


def events(found: dict[str, Staggered]) -> pd.DataFrame:
    """Effects by event time of two estimators, and whom they compare."""
    kept = ["estimate", "se", "p", "lower", "upper"]
    counts = found[LEADING].event_study[["cohorts", "units", "controls", "lost"]]
    parts = {name: found[name].event_study[kept] for name in (LEADING, "imputation")}
    return counts.join([part.add_suffix(f"_{name}") for name, part in parts.items()])
