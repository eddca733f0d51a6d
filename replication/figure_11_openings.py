"""Figure 11. Railway openings by year since the opening, clean controls and honest bounds."""

from __future__ import annotations

from typing import Any

import pandas as pd

import ccec_econ as ce
from ccec_econ.causal import Honest, PretrendPower, Staggered
from ccec_econ.typeset import interval, number, p_equal
from exhibit import Exhibit, main
from openings import estimated, opening
from table_13_rings import LEADING
from table_13_rings import estimate as ringed

NOTE = (
    "Night lights of counties, ln, {first}–{last}: {units} units, {treated} with an opening in "
    "{cohorts} cohorts. Beneath every year since the opening: treated units and the smallest "
    "number of clean controls, units neither served then nor in the base year. Lines: 95 % "
    "intervals, t({df}). (a) base year −1 for all years; (b) before the opening, leads in a "
    "regression on untreated unit-years. (c) mean effect of years 0 to {end}: thick, bounds if "
    "the estimates were the truth; thin, 95 % confidence sets, where trends change after the "
    "opening by at most M̄ times their largest change in years {start} to −1. (d) station counties "
    "and untreated ones by distance to the nearest station county, in two stages against untreated "
    "counties beyond the last ring: 95 % intervals of Table 13A."
)


def build(config: dict[str, Any]) -> Exhibit:
    """Estimate the event studies, the honest bounds and the power of the leads."""
    setting = config["opening"]
    sample = opening(setting)
    fits = {name: estimated(sample, name) for name in ("callaway_santanna", "imputation")}
    leading = fits["callaway_santanna"]
    window = (setting["window"][0], setting["window"][1])
    bounds = ce.causal.honest(leading, magnitudes=setting["magnitudes"], window=window)
    leads = ce.causal.pretrend_power(leading, window=window)
    rings = 100.0 * ringed(config["rings"], LEADING).frame[["estimate", "lower", "upper"]]
    scaled = {name: scale(fit) for name, fit in fits.items()}
    about = {
        "first": int(leading.design.periods[0]),
        "last": int(leading.design.periods[-1]),
        "units": leading.design.y.shape[1],
        "treated": int(leading.design.ever.sum()),
        "cohorts": len(leading.design.cohorts),
        "df": leading.df,
        "start": f"−{-bounds.before[0]}",
        "end": bounds.after[-1],
    }
    return Exhibit(
        figure=ce.report.event_study_figure(
            {
                "Callaway–Sant'Anna": scaled["callaway_santanna"],
                "Imputation": scaled["imputation"],
            },
            100.0 * bounds.magnitudes,
            rings=rings.drop(index="mean of rings"),
            rings_title="Rings",
            unit="log points",
            bounds_title="Mean effect, M̄",
            note=NOTE.format(**about),
        ),
        data={
            "": pd.concat(
                {name: fit.event_study for name, fit in fits.items()}, names=["method"]
            ).reset_index(),
            "honest": stacked(bounds),
            "leads": leads.frame.reset_index(),
            "rings": rings.reset_index(),
        },
        finding=finding(leading, bounds, leads),
        numbers={
            **about | {"start": bounds.before[0]},
            "estimate": 100.0 * bounds.estimate,
            "se": 100.0 * bounds.std_error,
            "breakdown": bounds.breakdown_magnitude,
            "at_one": (100.0 * bounds.magnitudes.loc[1.0]).to_dict(),
            "slope": {f"{100 * p:.0f}": 100.0 * v for p, v in leads.frame["slope"].items()},
            "bias": {f"{100 * p:.0f}": 100.0 * v for p, v in leads.frame["bias"].items()},
            "p_leads": leads.p_joint,
            "controls": int(leading.event_study["controls"].drop(leading.base).min()),
        },
    )


def scale(fit: Staggered) -> pd.DataFrame:
    """Event study in log points, hundredths of the logarithm."""
    frame = fit.event_study.copy()
    frame[["estimate", "lower", "upper"]] *= 100.0
    return frame


def stacked(bounds: Honest) -> pd.DataFrame:
    """Both restrictions in one table."""
    return pd.concat(
        {
            "magnitudes": bounds.magnitudes.rename_axis("size"),
            "curvature": bounds.curvature.rename_axis("size"),
        },
        names=["restriction"],
    ).reset_index()


def finding(leading: Staggered, bounds: Honest, leads: PretrendPower) -> str:
    """Say the mean effect, how robust it is, and what the leads could have seen."""
    one = 100.0 * bounds.magnitudes.loc[1.0]
    slope, bias = (100.0 * leads.frame[name].loc[0.8] for name in ("slope", "bias"))
    after = leading.event_study.loc[0:]
    clear = [str(e) for e in after.index[(after["lower"] > 0) | (after["upper"] < 0)]]
    said = f"year{'s' * (len(clear) > 1)} {ce.report.listed(clear)}" if clear else "no year"
    return (
        f"Night lights in the first {bounds.after[-1] + 1} years from an opening: "
        f"{number(100 * bounds.estimate, 1)} log points; intervals leave zero out in {said} since "
        "the opening. If trends change as much after as before: "
        f"{interval(one['lower'], one['upper'], 1)}. Jointly the leads have "
        f"{p_equal(leads.p_joint)}; they would have shown a trend of {number(slope, 1)} log points "
        f"a year in four samples of five, and such a trend is worth {number(bias, 1)}."
    )


if __name__ == "__main__":
    main(__file__, build)
