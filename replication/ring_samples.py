"""Samples of Table 13A, what its variants change, and what its estimates rest on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import ccec_econ as ce

__all__ = [
    "LEADING",
    "MEAN",
    "NAMES",
    "alone",
    "clean_by_year",
    "conley",
    "dropped",
    "dropped_numbers",
    "dropped_text",
    "early_numbers",
    "estimate",
    "event_numbers",
    "others",
    "reach",
]

LEADING = "lights"
NAMES = {
    "lights": "Night lights, km",
    "minutes": "Night lights, minutes",
    "gdp": "County GDP, km",
    "city": "City GDP per resident, km",
}
MEAN = "mean of rings"
EDGES = {"city": "city_km"}


def estimate(setting: dict[str, Any], name: str, **options: Any) -> ce.causal.Rings:
    """Estimate one sample; options replace what is set for it."""
    layer = "city" if name == "city" else "county"
    span = options.pop("years", setting[name if name != "minutes" else "lights"])
    dated = {key: options.pop(key, setting[key]) for key in ("service", "rule", "unlocated")}
    adoption = ce.rail.adoption(layer, **dated) - options.pop("earlier", 0)
    minutes = name == "minutes"
    edges = options.pop("edges", setting["minutes" if minutes else EDGES.get(name, "km")])
    distances = (
        ce.rail.times_by_year(
            range(span[0], span[1] + 1), layer, service=dated["service"], rule=dated["rule"]
        )
        if minutes
        else ce.weights.distances(layer)
    )
    return ce.causal.rings(
        sample(name, tuple(span)),
        "outcome",
        adoption,
        distances,
        edges,
        metric="min" if minutes else "km",
        already="leave_out",
        **options,
    )


def sample(name: str, years: tuple[int, int]) -> pd.DataFrame:
    """Take the logarithm of the outcome, for units with figures that compare in every year."""
    if name == "city":
        frame = ce.data.load_panel(years=years)
        return np.log(frame["gdp_pc"]).rename("outcome").to_frame()
    frame = ce.data.load_panel(layer="county", years=years)
    units = frame.index.get_level_values("unit")
    gone = dropped(name, years).any(axis=1)
    kept = frame.loc[~gone.reindex(units).to_numpy(), column_of(name)]
    return np.log(kept).rename("outcome").to_frame()


def column_of(name: str) -> str:
    """Name the column behind a county sample."""
    return "gdp" if name == "gdp" else "night_lights"


def dropped(name: str, years: tuple[int, int]) -> pd.DataFrame:
    """Mark by county why it is not in a sample: urban core, a missing year, a break of GDP."""
    frame = ce.data.load_panel(layer="county", years=years)
    later = frame.index.get_level_values("year") > years[0]
    why = pd.DataFrame(
        {
            "missing": frame[column_of(name)].isna(),
            "broken": frame["gdp_break"] & later & (name == "gdp"),
        }
    )
    by_unit = why.groupby("unit").any()
    return by_unit.assign(core=ce.rail.urban_core().notna().reindex(by_unit.index))


def dropped_numbers(why: pd.DataFrame) -> dict[str, int]:
    """Count counties outside the cores before and after the other reasons, by reason."""
    rest = why[~why["core"]]
    gone = rest["missing"] | rest["broken"]
    return {
        "before": len(rest),
        "after": int((~gone).sum()),
        "missing": int(rest["missing"].sum()),
        "broken": int(rest["broken"].sum()),
        "both": int((rest["missing"] & rest["broken"]).sum()),
    }


def dropped_text(count: dict[str, int]) -> str:
    """Say which counties of the GDP sample are not in it."""
    return (
        f"Of {count['before']} counties outside the cores {count['after']} have GDP that compares "
        f"in every year; {count['missing']} lack a year, {count['broken']} have a break, "
        f"{count['both']} of them both."
    )


def conley(name: str, fit: ce.causal.Rings, setting: dict[str, Any]) -> ce.Conley:
    """Allow for dependence to the last edge in km."""
    edge = setting["km"][-1]
    lags = min(setting["lags"], len(fit.design.periods) - 1)
    return ce.Conley(ce.weights.distances("county"), float(edge), lags=lags)


def others(setting: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Say what each variant changes."""
    edges = {
        f"Edges {'–'.join(f'{e:g}' for e in one)} km": {"name": LEADING, "edges": one}
        for one in setting["other_km"]
    }
    return edges | {
        "Minutes by road and rail": {"name": "minutes"},
        "One regression": {"name": LEADING, "method": "twfe"},
        "Any line with multiple-unit trains": {"name": LEADING, "service": "hsr_emu"},
        "Lines of 250 km/h or more": {"name": LEADING, "service": "hsr_250"},
        "Opened at any time of the year": {"name": LEADING, "rule": "any"},
        "First full year counts": {"name": LEADING, "rule": "full"},
        "Lines of 350 km/h": {"name": LEADING, "service": "hsr_350"},
        "Before the pandemic": {"name": LEADING, "years": setting["before"]},
        "Stations of unknown county in none": {"name": LEADING, "unlocated": "omit"},
        "Switching effect, same exposure": {"name": LEADING, "effect": "switching"},
        "County GDP": {"name": "gdp"},
        "County GDP, edges 0–25–50 km": {"name": "gdp", "edges": setting["other_km"][0]},
    }


def reach(fit: ce.causal.Rings) -> pd.DataFrame:
    """Count by term all units and unit-periods in its state, reached by clean cells or not."""
    cells = fit.identification.cells
    states = {"naive": "treated", fit.effect: "treated"}
    states |= {label: label for label in fit.exposure.labels}
    near = fit.exposure.exposed & ~fit.design.treated
    out = pd.DataFrame.from_dict(
        {term: cells.loc[state, ["units", "cells"]] for term, state in states.items()},
        orient="index",
    )
    out.loc[MEAN] = [int(near.any(axis=0).sum()), int(near.sum())]
    terms = [term for term in fit.frame.index if term in out.index]
    return out.loc[terms].add_prefix("all_").rename_axis("term")


def event_numbers(fit: ce.causal.Rings, horizon: int) -> dict[str, dict[str, float]]:
    """Set the last rows of every term beside the mean of the years before, over unit-years."""
    out = {}
    for term in (fit.effect, *fit.exposure.labels):
        rows = fit.frame.loc[term]
        before, last = rows[rows.index < horizon], rows.loc[horizon]
        out["total" if term == fit.effect else term] = {
            "before": float(100 * np.average(before["estimate"], weights=before["cells"])),
            "last": float(100 * last["estimate"]),
            "lower": float(100 * last["lower"]),
            "upper": float(100 * last["upper"]),
            "units": int(last["units"]),
        }
    return out


def early_numbers(early: pd.DataFrame) -> dict[str, float]:
    """Keep the smallest p-value before an opening, as it is and adjusted for asking often.

    Signs are counted in km alone: minutes regroup the same counties and are no second sample.
    """
    p = early.set_index(["sample", "term", "event_time"])["p_value"].dropna()
    lights = early[early["sample"] == LEADING]
    gone = early.drop_duplicates("sample").set_index("sample")["left_out"]
    return {
        "asked": len(p),
        "p": float(p.min()),
        "p_holm": float(ce.holm(p).min()),
        "lights": len(lights),
        "lights_above": int((lights["estimate"] > 0).sum()),
        "left_out_lights": int(gone[LEADING]),
        "left_out_gdp": int(gone["gdp"]),
    }


def clean_by_year(
    found: dict[str, ce.causal.Rings], variants: dict[str, ce.causal.Rings]
) -> pd.DataFrame:
    """Count clean units by year and sample."""
    fits = {f"{NAMES[name]}, to {fit.exposure.edges[-1]:g}": fit for name, fit in found.items()} | {
        f"{NAMES[LEADING]}, to {fit.exposure.edges[-1]:g}": fit
        for label, fit in variants.items()
        if label.startswith("Edges")
    }
    counts = {name: fit.identification.clean_units for name, fit in fits.items()}
    return pd.DataFrame(counts).astype("Int64").rename_axis("year").sort_index()


def alone(fit: ce.causal.Rings) -> int:
    """Count the unit-years of station counties with no other one within the last edge."""
    beyond = [term for term in fit.frame.index if term.startswith("total, beyond")]
    return int(fit.frame.loc[beyond, "cells"].sum())
