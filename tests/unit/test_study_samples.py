"""What the scripts of Tables 12 and 16 make of the data."""

from __future__ import annotations

import importlib
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

import ccec_econ as ce

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "replication"))
levels = importlib.import_module("level_data")
mechanisms = importlib.import_module("mechanism_data")
CONFIG = tomllib.loads((ROOT / "replication" / "config.toml").read_text(encoding="utf-8"))


def test_pairs_touch_across_the_border_and_count_service() -> None:
    sample = levels.border_pairs(CONFIG)
    province = ce.circle.partition("province", "county")
    W = ce.weights.align(ce.weights.contiguity("county"), province.index)
    for pair in sample.data.index.unique("unit"):
        a, b = pair.split("-")
        assert province[a] != province[b]
        assert W[province.index.get_loc(a), province.index.get_loc(b)] > 0
    assert set(sample.data["hsr"].unique()) <= {0.0, 1.0, 2.0}


def test_distances_within_are_from_the_mean_of_the_year() -> None:
    sample = levels.within_sichuan(CONFIG)[0]
    data = sample.data.xs(2015, level="year")
    assert "500000" not in data.index
    logs = np.log(data["gdp_pc"])
    np.testing.assert_allclose(data["y"], (logs - logs.mean()).abs())


def test_provinces_differ_by_the_logs_of_their_totals() -> None:
    panel = ce.data.load_panel(years=(2015, 2015)).droplevel("year")
    east, west = panel.loc["500000"], panel.drop(index="500000")
    expected = np.log(east["gdp_real"] / east["pop"])
    expected -= np.log(west["gdp_real"].sum() / west["pop"].sum())
    means = levels.province_means(CONFIG).loc[2015]
    assert means["gap"] == pytest.approx(100 * expected)
    weighted = np.average(west["digital"], weights=west["pop"])
    assert means["digital"] == pytest.approx(east["digital"] - weighted)


def test_moderators_are_scores_and_no_core_is_like_itself() -> None:
    panel = mechanisms.mechanism_panel(CONFIG)
    found = mechanisms.moderators(CONFIG, panel)
    for values in found.values():
        assert values.mean() == pytest.approx(0.0, abs=1e-10)
        assert values.std() == pytest.approx(1.0)
    likeness = found["likeness"].groupby("unit").first()
    assert likeness["510100"] == pytest.approx(likeness["500000"])  # each has the other alone
