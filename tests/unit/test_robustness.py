"""What Table 17 computes itself: scales, pairs that differ in one choice, what is combined."""

from __future__ import annotations

import importlib
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "replication"))
samples = importlib.import_module("robustness_samples")
robustness = importlib.import_module("robustness")
table_17 = importlib.import_module("table_17_robustness")


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    return tomllib.loads((ROOT / "replication" / "config.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def city(config: dict[str, Any]) -> Any:
    return samples.city_layer(config)


def frame(*rows: tuple[str, str, str, float]) -> pd.DataFrame:
    """Specifications by units, weights, model and estimate; one that failed has no number."""
    out = pd.DataFrame(rows, columns=["units", "weights", "model", "estimate"])
    out = out.assign(outcome="y", measure="x", controls="none", window="all years", pvalue=0.5)
    return out.assign(reason=np.where(out["estimate"].isna(), "missing values", ""))


FRAME = frame(
    ("all", "none", "OLS", 1.0),
    ("all", "near", "SLX", 2.0),
    ("all", "far", "SLX", 4.0),
    ("some", "none", "OLS", -1.0),
    ("some", "near", "SLX", np.nan),
    ("some", "far", "SLX", 5.0),
)


def test_pairs_differ_in_one_choice_and_hold_no_failure() -> None:
    units = robustness.changes(FRAME, "units")
    assert sorted(zip(units["one"], units["other"], strict=True)) == [(1.0, -1.0), (4.0, 5.0)]
    weights = robustness.changes(FRAME, "weights")  # OLS has none
    assert weights[["first", "second", "one", "other"]].to_numpy().tolist() == [
        ["near", "far", 2.0, 4.0]
    ]
    model = robustness.changes(FRAME, "model")  # OLS stands beside the SLX of each weights
    assert sorted(zip(model["one"], model["other"], strict=True)) == [
        (-1.0, 5.0),
        (1.0, 2.0),
        (1.0, 4.0),
    ]


def test_moves_are_medians_and_shares_of_pairs() -> None:
    model = pd.DataFrame(
        {"first": "OLS", "second": "SLX", "one": [-1.0, 1.0, 1.0], "other": [5.0, 2.0, 4.0]}
    )
    gaps = (model["one"] - model["other"]).abs()
    many = pd.concat(
        [
            FRAME.assign(outcome=o, measure=m, controls=c, window=w)
            for o in "yz"
            for m in "xv"
            for c in "ab"
            for w in "st"
        ]
    )
    found = robustness.moves(many).loc["model"]
    assert (found["pairs"], found["middle"]) == (48, gaps.median())
    assert found["signs"] == pytest.approx(1 / 3)


def test_change_is_against_the_first_option_and_blank_for_it() -> None:
    many = pd.concat(
        [
            FRAME.assign(outcome=o, measure=m, controls=c, window=w)
            for o in "yz"
            for m in "xv"
            for c in "ab"
            for w in "st"
        ]
    )
    found = table_17.by_option(many)
    assert found.loc[("units", "some"), "change"] == pytest.approx(np.median([-2.0, 1.0]))
    assert np.isnan(found.loc[("units", "all"), "change"])


def test_ends_are_pulled_in_and_the_rest_stays() -> None:
    index = pd.MultiIndex.from_product([range(40), [2012, 2013]], names=["unit", "year"])
    growth = pd.Series(np.random.default_rng(2).normal(size=80), index)
    growth[0, 2012] = 30.0
    found = samples.winsorised(growth, 0.05)
    assert found[0, 2012] < 3.0
    assert ((found - growth).abs() > 1e-9).sum() == 8  # a twentieth at either end
    assert samples.winsorised(growth + 7.0, 0.05).to_numpy() == pytest.approx(found + 7.0)


def test_spread_has_no_unit_and_year_effects() -> None:
    index = pd.MultiIndex.from_product([range(6), range(5)], names=["unit", "year"])
    random = np.random.default_rng(3)
    own = pd.Series(random.normal(size=30), index)
    moved = own + np.repeat(random.normal(size=6), 5) + np.tile(random.normal(size=5), 6)
    assert samples.spread_within(moved) == pytest.approx(samples.spread_within(own))
    marks = np.hstack([np.kron(np.eye(6), np.ones((5, 1))), np.tile(np.eye(5), (6, 1))])
    rest = moved.to_numpy() - marks @ np.linalg.lstsq(marks, moved.to_numpy(), rcond=None)[0]
    assert samples.spread_within(moved) == pytest.approx(rest.std())


def test_treatments_and_outcomes_have_spread_one_and_no_treatment_controls_itself(
    city: Any, config: dict[str, Any]
) -> None:
    first, last = config["robustness"]["base"]
    base = city.data.loc[pd.IndexSlice[:, first:last], :]
    for column in city.spread.index:
        assert samples.spread_within(base[column]) == pytest.approx(1.0)
    for treatment, sets in city.controls.items():
        assert all(treatment not in terms for terms in sets.values())
        assert treatment in city.measures[treatment].values()
    assert 2010 not in city.data.index.get_level_values("year")


def test_measures_are_what_they_are_called(city: Any, config: dict[str, Any]) -> None:
    panel = ce.data.load_panel()
    raw = city.data["hsr_before"] * city.spread["hsr_before"]
    assert raw["510300", 2016] == pytest.approx(panel.loc[("510300", 2015), "hsr"])
    step = city.data["hsr_june"] * city.spread["hsr_june"]
    first = ce.rail.adoption("city", service="hsr")
    unit = first.dropna().index[0]
    assert step[unit].loc[: first[unit] - 1].max() == 0.0
    assert step[unit].loc[first[unit] :].min() == pytest.approx(1.0)
    named = ce.data.broadband_adoption()["510100"]
    policy = city.data.loc["510100", ["broadband", "broadband_soon"]]
    assert policy.loc[named].tolist() == [1.0, 0.0]
    assert policy.loc[named - 1].tolist() == [0.0, 1.0]
    assert city.data.loc["500000", ["broadband", "broadband_soon"]].to_numpy().max() == 0.0


def test_a_grid_takes_what_it_names_and_equals_a_fit(city: Any) -> None:
    grid = {
        "outcomes": 1,
        "measures": 1,
        "controls": ["income alone"],
        "windows": ["2011–2019"],
        "units": ["without Chongqing"],
        "weights": ["contiguity"],
        "models": ["slx"],
    }
    found = robustness._estimated(city, "hsr", grid, "twoway")
    assert len(found) == 1
    row = found.iloc[0]
    kept = [unit for unit in city.data.index.unique("unit") if unit != "500000"]
    W = ce.weights.row_standardise(ce.weights.contiguity().subgraph(kept))
    data = city.data.loc[pd.IndexSlice[kept, 2011:2019], :]
    terms = "ln_gdp_pc_lag + hsr + W(ln_gdp_pc_lag) + W(hsr)"
    fit = ce.slx(f"growth ~ {terms} | unit + year", data, W, cov=ce.Cluster())
    assert row["estimate"] == pytest.approx(fit.params["hsr"])
    assert row["pvalue"] == pytest.approx(fit.pvalues["hsr"])
    assert row["estimate_total"] == pytest.approx(fit.params["hsr"] + fit.params["W(hsr)"])
    assert (row["units"], row["window"], row["model"]) == ("without Chongqing", "2011–2019", "SLX")
