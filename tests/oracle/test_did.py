"""Staggered designs and their sensitivity: R did, HonestDiD and pretrends; pyfixest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ccec_econ.causal import staggered
from ccec_econ.causal.honest import _fixed_length
from ccec_econ.causal.honest_magnitudes import Target, confidence_set, plug_in_bounds
from ccec_econ.causal.pretrends import _slope
from ccec_econ.causal.staggered_library import Adjustment

HERE = Path(__file__).parent
DID: dict[str, Any] = json.loads((HERE / "mpdta" / "did.json").read_text())["results"]
PEERS: dict[str, Any] = json.loads((HERE / "mpdta" / "peers.json").read_text())
HONEST: dict[str, Any] = json.loads((HERE / "benzarti_carloni" / "honest.json").read_text())
PRETRENDS: dict[str, Any] = json.loads((HERE / "benzarti_carloni" / "pretrends.json").read_text())
SAME = 1e-12
ADJUSTMENTS: dict[str, Adjustment] = {
    "dr": "doubly_robust",
    "reg": "regression",
    "ipw": "weighting",
}
# With a covariate the propensity score is found by iteration; diff-diff stops earlier than R in
# its doubly robust form. Weighting and regression agree to the digits that R iterates to.
WITH_COVARIATE = {"dr": 1e-5, "ipw": 1e-10, "reg": SAME}


@pytest.fixture(scope="module")
def counties() -> tuple[pd.DataFrame, pd.Series]:
    data = pd.read_csv(HERE / "mpdta" / "panel.csv").set_index(["countyreal", "year"])
    first = data["first.treat"].groupby(level=0).first()
    return data, first.where(first > 0).astype("Int64")


@pytest.mark.parametrize("case", list(DID))
def test_callaway_santanna(case: str, counties: tuple[pd.DataFrame, pd.Series]) -> None:
    data, first = counties
    form, _, covariate, controls = case.split("_")
    found = staggered(
        data,
        "lemp",
        first,
        controls="never_treated" if controls == "nevertreated" else "not_yet_treated",
        covariates=["lpop"] if covariate == "lpop" else [],
        adjustment=ADJUSTMENTS[form],
    )
    near = WITH_COVARIATE[form] if covariate == "lpop" else SAME
    expected = DID[case]
    cells = pd.DataFrame({name: expected[name] for name in ("group", "t", "att", "se")})
    after = cells[cells["t"] >= cells["group"]]  # R's leads have the varying base period
    ours = found.cells.loc[list(zip(after["group"], after["t"], strict=True))]
    assert ours["estimate"].to_numpy() == pytest.approx(after["att"].to_numpy(), abs=near)
    assert ours["se"].to_numpy() == pytest.approx(after["se"].to_numpy(), abs=near)
    simple, study, groups = expected["simple"], expected["dynamic"], expected["group_agg"]
    assert found.overall["estimate"] == pytest.approx(simple["overall"], abs=near)
    assert found.overall["se"] == pytest.approx(simple["overall_se"], abs=near)
    late = [k for k, e in enumerate(study["egt"]) if e >= 0]
    rows = found.event_study.loc[[study["egt"][k] for k in late]]
    for name, theirs in (("estimate", "att_egt"), ("se", "se_egt")):
        values = [study[theirs][k] for k in late]
        assert rows[name].to_numpy() == pytest.approx(values, abs=near)
        assert found.by_cohort[name].to_numpy() == pytest.approx(groups[theirs], abs=near)


def test_sun_abraham(counties: tuple[pd.DataFrame, pd.Series]) -> None:
    found = staggered(counties[0], "lemp", counties[1], method="sun_abraham")
    peer = PEERS["sun_abraham"]
    rows = found.event_study.loc[peer["event_time"]]
    assert rows["estimate"].to_numpy() == pytest.approx(peer["estimate"], abs=SAME)
    factor = _factor(counties[0], 12)
    assert rows["se"].to_numpy() * factor == pytest.approx(peer["se"], rel=1e-9)
    overall = PEERS["sun_abraham_overall"]
    assert found.overall["estimate"] == pytest.approx(overall["estimate"], abs=SAME)
    assert found.overall["se"] * factor == pytest.approx(overall["se"], rel=1e-9)


def test_two_way(counties: tuple[pd.DataFrame, pd.Series]) -> None:
    data, first = counties
    found = staggered(data, "lemp", first, method="twfe")
    peer, study = PEERS["twfe"], PEERS["twfe_event_study"]
    assert found.overall["estimate"] == pytest.approx(peer["estimate"], abs=SAME)
    assert found.overall["se"] * _factor(data, 1) == pytest.approx(peer["se"], rel=1e-9)
    rows = found.event_study.loc[study["event_time"]]
    assert rows["estimate"].to_numpy() == pytest.approx(study["estimate"], abs=SAME)
    assert rows["se"].to_numpy() * _factor(data, 7) == pytest.approx(study["se"], rel=1e-9)


def _factor(data: pd.DataFrame, K: int) -> float:
    """Other software counts all rows, and time dummies among the parameters (`Cluster`)."""
    N, T = (data.index.get_level_values(k).nunique() for k in (0, 1))
    theirs = (N * T - 1) / (N * T - K - T)
    ours = ((N - 1) * (T - 1) - 1) / ((N - 1) * (T - 1) - K)
    return float(np.sqrt(theirs / ours))


def test_candidates_are_compared_with_what_is_installed() -> None:
    import diff_diff

    assert PEERS["packages"]["diff-diff"]["version"] == diff_diff.__version__
    worst = pd.DataFrame(PEERS["group_time"]).groupby("package")["largest_estimate"].max()
    assert worst["diff-diff"] < 1e-5


def _target(name: str) -> Target:
    beta, sigma = np.array(HONEST["betahat"]), np.array(HONEST["sigma"])
    weights = np.array([1.0, 0, 0, 0]) if name == "first" else np.full(4, 0.25)
    return Target(beta[:4], beta[4:], sigma, weights)


@pytest.mark.parametrize("name", ["first", "average"])
def test_conditional_confidence_sets(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Without its first stage the hybrid is the conditional test, which R inverts without chance.
    monkeypatch.setattr("ccec_econ.causal.honest_magnitudes._FIRST_STAGE", 1e-13)
    target, peer = _target(name), HONEST["conditional"]
    step = 40.0 * target.std_error / 999  # of R's grid, whose accepted points its ends are
    for k, mbar in enumerate(peer["mbar"]):
        lower, upper = confidence_set(target, mbar, 0.95)
        assert 0.0 <= peer[name]["lower"][k] - lower <= step
        if peer[name]["upper"][k] is not None:
            assert 0.0 <= upper - peer[name]["upper"][k] <= step


def test_hybrid_confidence_sets() -> None:
    target, peer = _target("average"), HONEST["relative_magnitudes"]
    for mbar, ends in peer["average"].items():
        found = confidence_set(target, float(mbar), 0.95)
        assert found == pytest.approx(ends, abs=5e-4)  # R simulates the critical value, 1000 draws
        bounds = plug_in_bounds(target, float(mbar))
        assert bounds == pytest.approx(peer["plug_in"][mbar], abs=SAME)


@pytest.mark.parametrize("name", ["first", "average"])
def test_fixed_length_intervals(name: str) -> None:
    peer = HONEST["smoothness"]
    before, after = np.arange(-5, -1), np.arange(0, 4)
    for k, m in enumerate(peer["m"]):
        found = _fixed_length(_target(name), before, after, -1, m, 0.95)
        ends = (peer[name]["lower"][k], peer[name]["upper"][k])
        assert found == pytest.approx(ends, abs=1e-3)  # R simulates the folded normal's quantile


@pytest.mark.parametrize("case", PRETRENDS["cases"], ids=["regular", "shifted"])
def test_power_of_leads(case: dict[str, Any]) -> None:
    times = np.array(case["times"], dtype=float)
    V = np.full((len(times), len(times)), 0.012) + 0.028 * np.eye(len(times))
    for power, slope in zip(case["power"], case["slope"], strict=True):
        # R takes 1.96 for the normal quantile and integrates by simulation.
        assert _slope(times, V, power, 0.95) == pytest.approx(slope, abs=1e-4)
