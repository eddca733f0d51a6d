"""What scripts of Tables 13A and 14 compute themselves, on cases small enough to count."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ringed import EDGES, simulated

sys.path.insert(0, str(Path(__file__).parents[2] / "replication"))
samples = importlib.import_module("ring_samples")
pilots = importlib.import_module("pilots")
instruments = importlib.import_module("instruments")
table_14 = importlib.import_module("table_14_instruments")


def test_reasons_to_drop_a_county_are_counted_outside_the_cores() -> None:
    why = pd.DataFrame(
        {
            "missing": [True, True, False, False, True],
            "broken": [True, False, True, False, True],
            "core": [False, False, False, False, True],
        }
    )
    count = {"before": 4, "after": 1, "missing": 2, "broken": 2, "both": 1}
    assert samples.dropped_numbers(why) == count
    assert "Of 4 counties outside the cores 1 have" in samples.dropped_text(count)


def test_signs_are_counted_in_km_alone() -> None:
    early = pd.DataFrame(
        {
            "sample": ["lights", "lights", "minutes", "gdp"],
            "term": "total",
            "event_time": [-2, -1, -1, -1],
            "estimate": [0.1, -0.1, 0.2, -0.3],
            "p_value": [0.04, 0.5, 0.6, np.nan],
            "left_out": [3, 3, 3, 1],
        }
    )
    found = samples.early_numbers(early)
    assert (found["lights"], found["lights_above"], found["asked"]) == (2, 1, 3)
    assert (found["p"], found["p_holm"]) == pytest.approx((0.04, 0.12))
    assert (found["left_out_lights"], found["left_out_gdp"]) == (3, 1)


def test_reach_counts_units_once_whatever_their_rings() -> None:
    data, adoption, distances, _ = simulated(4, units=40, treated=12, onsets=(1, 3, 5))
    fit = ce.causal.rings(data, "y", adoption, distances, EDGES, already="leave_out")
    every = samples.reach(fit)
    seen, near = fit.frame, fit.exposure.exposed & ~fit.design.treated
    assert every.loc["mean of rings"].tolist() == [near.any(axis=0).sum(), near.sum()]
    assert every.loc[list(fit.exposure.labels), "all_cells"].sum() == near.sum()
    assert every.loc["total", "all_cells"] == fit.design.treated.sum()
    assert (seen["units"] <= every["all_units"]).all()
    assert (seen["cells"] < every["all_cells"]).any()


def test_years_before_the_last_are_weighted_by_their_cells() -> None:
    data, adoption, distances, _ = simulated(4)
    fit = ce.causal.rings(data, "y", adoption, distances, EDGES, by="event_time", horizon=2)
    rows = fit.frame.loc["total"]
    found = samples.event_numbers(fit, 2)["total"]
    zero, one = rows.loc[0], rows.loc[1]
    mean = zero["estimate"] * zero["cells"] + one["estimate"] * one["cells"]
    assert found["before"] == pytest.approx(100 * mean / (zero["cells"] + one["cells"]))
    assert found["last"] == pytest.approx(100 * rows.loc[2, "estimate"])


def test_ranges_are_over_samples_and_methods() -> None:
    rows = [("Digital index", 0.0), ("Digital index, x", 0.1), ("Growth, points", 0.5)]
    frame = pd.DataFrame(
        [
            {"row": row, "clean": 7, "p_twfe": 0.2 + at, "p_imputation": 0.1 + at}
            | dict.fromkeys(pilots.METHODS, at)
            | {f"{m}_lower": at - 1 - k for k, m in enumerate(pilots.METHODS)}
            | {f"{m}_upper": at + 1 + k for k, m in enumerate(pilots.METHODS)}
            for row, at in rows
        ]
    )
    digital = pilots.broadband_numbers(frame)["range_digital"]
    expected = {"samples": 2, "lower": -3, "upper": 3.1, "p_least": 0.1, "p_most": 0.3}
    assert digital == pytest.approx(expected)


def test_what_effects_leave() -> None:
    """Two units, two years: effects leave a quarter of the difference of differences."""
    index = pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["unit", "year"])
    column = pd.Series([0.0, 1.0, 0.0, 5.0], index=index)
    assert table_14.within_sd(column) == pytest.approx(1.0)


def test_samples_of_instruments() -> None:
    index = pd.MultiIndex.from_product(
        [["500000", "510100", "510300"], [1, 2]], names=["unit", "year"]
    )
    panel = pd.DataFrame({"y": range(6)}, index=index)
    left = {
        which: list(instruments.sample_of(panel, which).index.unique("unit"))
        for which in ("all", "no cores", "no Chongqing")
    }
    assert left["all"] == ["500000", "510100", "510300"]
    assert (left["no cores"], left["no Chongqing"]) == (["510300"], ["510100", "510300"])
