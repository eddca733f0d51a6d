"""Broadband China in Table 14: its first stage, and growth in the cities that were named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

import ccec_econ as ce
from ccec_econ.typeset import interval, number
from instruments import CHENGDU, CHONGQING

__all__ = [
    "broadband",
    "broadband_numbers",
    "broadband_table",
    "event_study",
    "events_table",
]

METHODS = {"twfe": "TWFE", "callaway_santanna": "Callaway-Sant'Anna", "imputation": "Imputation"}


def broadband(
    config: Mapping[str, Any], panel: pd.DataFrame, draws: int, random: np.random.Generator
) -> pd.DataFrame:
    """Effects of Broadband China by outcome and sample; the first row is the first stage."""
    panel = panel.assign(
        gap=(panel["ln_gdp_pc"] - panel.groupby("year")["ln_gdp_pc"].transform("mean")).abs()
    )
    adopt = ce.data.broadband_adoption
    samples: dict[str, tuple[pd.DataFrame, pd.Series]] = {
        "": (panel.drop(CHONGQING), adopt()),
        "Chongqing untreated": (panel, adopt(chongqing="never")),
        "Chongqing treated with its first districts": (panel, adopt(chongqing="first")),
        "without Chengdu": (panel.drop([CHONGQING, CHENGDU]), adopt()),
        "from the year of the award": (panel.drop(CHONGQING), adopt(rule="any")),
    }
    rows = []
    for outcome, title in config["instruments"]["outcomes"].items():
        chosen = samples if outcome in ("digital", "growth") else {"": samples[""]}
        for which, (data, adoption) in chosen.items():
            row = {
                "row": f"{title}, {which}" if which else title,
                "units": data.index.unique("unit").size,
            }
            for method in METHODS:
                found = ce.causal.staggered(data, outcome, adoption, method=method)
                row |= {
                    method: found.overall["estimate"],
                    f"{method}_lower": found.overall["lower"],
                    f"{method}_upper": found.overall["upper"],
                }
            study = found.event_study
            row["clean"] = int(study.loc[study.index >= 0, "controls"].min())
            design = ce.causal.staggered_design(data, outcome, adoption)
            for name, statistic in (("twfe", "twfe_t"), ("imputation", "imputation_t")):
                test = ce.causal.permute(design, statistic=statistic, draws=draws, rng=random)
                row[f"p_{name}"] = test.pvalue
            rows.append(row)
    return pd.DataFrame(rows)


def broadband_table(pilots: pd.DataFrame) -> ce.Table:
    """Print estimates with their intervals and permutation p-values."""
    rows = tuple(
        (
            row["row"],
            str(row["units"]),
            *(
                f"{number(row[m])} {interval(row[f'{m}_lower'], row[f'{m}_upper'])}"
                for m in METHODS
            ),
            number(row["p_twfe"]),
            number(row["p_imputation"]),
            str(row["clean"]),
        )
        for _, row in pilots.iterrows()
    )
    return ce.Table(
        title="Broadband China: first stage, and growth",
        columns=(
            "Outcome",
            "Units",
            *METHODS.values(),
            "p, TWFE",
            "p, imputation",
            "Clean controls",
        ),
        rows=rows,
        notes=(
            "First treated year: that after the award (September 2014, October 2015, July 2016), "
            f"unless the row says otherwise. Chongqing, where {_named_of_all()} districts and "
            "counties were named, is left out unless the row says otherwise. Intervals: 95 %, "
            "clustered by unit, t(units − 1). p: assignments of the batches to cities drawn at "
            "random, statistic t. Clean controls: fewest at any event time from 0. Gap: distance "
            "of ln GDP per resident from the mean of the year; the gap to the cores differs from "
            "ln GDP per resident by year effects alone.",
        ),
    )


def broadband_numbers(pilots: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Keep each row, and the ranges over the samples in which the index and growth were taken."""
    kept = ("twfe", "callaway_santanna", "p_twfe", "p_imputation", "clean")
    out = {str(row["row"]): {key: float(row[key]) for key in kept} for _, row in pilots.iterrows()}
    for name, first in (("range_digital", "Digital index"), ("range_growth", "Growth, points")):
        part = pilots[pilots["row"].str.startswith(first)]
        p = part[["p_twfe", "p_imputation"]].to_numpy()
        out[name] = {
            "samples": len(part),
            "lower": float(part[[f"{method}_lower" for method in METHODS]].to_numpy().min()),
            "upper": float(part[[f"{method}_upper" for method in METHODS]].to_numpy().max()),
            "p_least": float(p.min()),
            "p_most": float(p.max()),
        }
    return out


def _named_of_all() -> str:
    named = (ce.data.load_pilots("broadband_china")["city"] == CHONGQING).sum()
    return f"{named} of {(ce.data.load_units('county')['city'] == CHONGQING).sum()}"


def event_study(panel: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """Callaway and Sant'Anna's effects by event time, Chongqing left out."""
    data, adoption = panel.drop(CHONGQING), ce.data.broadband_adoption()
    return ce.causal.staggered(data, outcome, adoption).event_study


def events_table(events: Mapping[str, pd.DataFrame]) -> ce.Table:
    """Print event studies side by side with their clean controls."""
    digital, growth = events["digital"], events["growth"]

    def cell(row: pd.Series, digits: int) -> str:
        if not row["se"] > 0.0:
            return "base"
        return f"{number(row['estimate'], digits)} {interval(row['lower'], row['upper'], digits)}"

    def count(row: pd.Series, name: str) -> str:
        return f"{row[name]:.0f}" if row["se"] > 0.0 else ""

    rows = tuple(
        (
            str(e).replace("-", "−"),
            cell(digital.loc[e], 3),
            cell(growth.loc[e], 2),
            *(count(digital.loc[e], name) for name in ("cohorts", "units", "controls")),
        )
        for e in digital.index
    )
    return ce.Table(
        title="Broadband China by years since it began, Callaway and Sant'Anna",
        columns=(
            "Years",
            "Digital index",
            "Growth, points",
            "Cohorts",
            "Treated units",
            "Clean controls",
        ),
        rows=rows,
        notes=(
            "Chongqing left out; controls never or not yet treated; 95 % intervals "
            "clustered by unit. The earliest cohort is one city, Chengdu, whose own spread no "
            "standard error knows: rows of one cohort and one unit are not to be read as tests.",
        ),
    )
