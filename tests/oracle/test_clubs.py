"""Clubs of 152 countries: other software and the published figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ccec_econ.convergence import ClubRule, LogTRule, find_clubs, log_t, merge_clubs

FOLDER = Path(__file__).parent / "gdp152"
EXPECTED: dict[str, Any] = json.loads((FOLDER / "clubs.json").read_text())
SAME = 1e-7  # another solver of the same filter


@pytest.fixture(scope="module")
def countries() -> pd.DataFrame:
    wide = pd.read_csv(FOLDER / "panel.csv", index_col="unit").rename(columns=int)
    return wide.rename_axis(columns="year").stack().rename("gdp_pc").to_frame()


def test_all_countries(countries: pd.DataFrame) -> None:
    test = log_t(countries, "gdp_pc")
    for peer in (EXPECTED["overall"], EXPECTED["second"]["overall"]):
        assert test.b == pytest.approx(peer["b"], rel=SAME)
        assert test.tstat == pytest.approx(peer["t"], rel=1e-5)
    assert round(test.tstat, 2) == EXPECTED["published"]["overall_t"]


@pytest.mark.parametrize("increment", [0.0, 0.1])
def test_clubs(countries: pd.DataFrame, increment: float) -> None:
    found = find_clubs(countries, "gdp_pc", rule=ClubRule(increment=increment))
    order = list(pd.read_csv(FOLDER / "panel.csv")["unit"])
    ours = [sorted(order.index(unit) for unit in club.units) for club in found.clubs]
    assert ours == [club["units"] for club in EXPECTED["clubs"]]
    for club, peer in zip(found.clubs, EXPECTED["clubs"], strict=True):
        assert club.test.b == pytest.approx(peer["b"], rel=1e-6)
        assert club.test.tstat == pytest.approx(peer["t"], rel=1e-6)
    published = EXPECTED["published"]
    assert [len(club.units) for club in found.clubs] == published["units"]
    assert [round(club.test.b, 3) for club in found.clubs] == published["b"]
    assert [round(club.test.tstat, 3) for club in found.clubs] == published["t"]
    assert EXPECTED["second"]["same_members"]
    for method, peer in (("ps", "PS"), ("vlt", "vLT")):
        merged = merge_clubs(found, method)
        mine = [sorted(order.index(unit) for unit in club.units) for club in merged.clubs]
        assert mine == EXPECTED["merged"][peer]
    assert [len(units) for units in EXPECTED["merged"]["PS"]] == EXPECTED["second"]["merged_units"]


def test_clubs_depend_on_the_variance(countries: pd.DataFrame) -> None:
    rule = ClubRule(log_t=LogTRule(variance="andrews"))
    other = find_clubs(countries, "gdp_pc", rule=rule)
    assert not np.array_equal([len(c.units) for c in other.clubs], EXPECTED["published"]["units"])
