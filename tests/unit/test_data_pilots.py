"""Digital pilots: what the announcements say, and the years that follow from a rule."""

from __future__ import annotations

import pandas as pd
import pytest

from ccec_econ import data
from ccec_econ.data import pilots
from ccec_econ.errors import DataError

# announcements of 2014-09-26, 2015-10-19 and 2016-07-22 in data/raw/digital_pilots
BATCHES = {
    2014: {"510100"},
    2015: {"510700", "511000", "511500", "511700"},
    2016: {"510500", "511300", "511800"},
}
DISTRICTS = {"500116": 2015, "500153": 2015, "500107": 2016, "500109": 2016}


def years(adoption: pd.Series) -> dict[int, set[str]]:
    known = adoption.dropna()
    return {int(year): set(known.index[known == year]) for year in sorted(known.unique())}


def test_batches_by_year_of_the_announcement() -> None:
    adoption = data.broadband_adoption(rule="any")
    assert years(adoption) == BATCHES
    assert len(adoption) == 15
    assert adoption.isna().sum() == 7
    assert adoption.name == "adoption"
    assert str(adoption.dtype) == "Int64"


@pytest.mark.parametrize("rule", ["june", "full"])
def test_announcements_of_the_second_half_count_a_year_later(rule) -> None:
    later = {year + 1: units for year, units in BATCHES.items()}
    assert years(data.broadband_adoption(rule=rule)) == later


def test_chongqing_is_left_out_or_named() -> None:
    assert "500000" not in data.broadband_adoption().index
    assert pd.isna(data.broadband_adoption(chongqing="never")["500000"])
    assert data.broadband_adoption(chongqing="first", rule="any")["500000"] == 2015


def test_counties_share_the_award_of_their_city_and_districts_have_their_own() -> None:
    adoption, units = data.broadband_adoption("county", rule="any"), data.load_units("county")
    assert adoption.index.equals(units.index)
    city = data.broadband_adoption(rule="any")
    for unit, year in adoption.items():
        expected = DISTRICTS.get(unit) if unit[:2] == "50" else city[units.loc[unit, "city"]]
        assert (pd.isna(year) and (expected is None or pd.isna(expected))) or year == expected
    assert adoption["510185"] == 2014  # Jianyang, counted with Chengdu


def test_dates_known_by_month_or_year_are_missing() -> None:
    every = data.load_pilots()
    assert len(every) == 53
    assert every["date"].isna().equals(every["precision"].ne("day"))
    assert set(data.load_pilots("broadband_china")["precision"]) == {"day"}


def test_refusals(monkeypatch) -> None:
    with pytest.raises(DataError, match="policy 'bbc': unknown; choose one of broadband_china"):
        data.load_pilots("bbc")
    with pytest.raises(DataError, match="chongqing 'half': unknown"):
        data.broadband_adoption(chongqing="half")
    with pytest.raises(DataError, match="rule 'july': unknown; choose one of june, any, full"):
        data.broadband_adoption(rule="july")
    with pytest.raises(DataError, match="layer 'town': unknown"):
        data.broadband_adoption("town")
    table = pilots.load_table("digital_pilots", "pilots")
    monkeypatch.setattr(pilots, "load_table", lambda *_: pd.concat([table, table.iloc[[3]]]))
    with pytest.raises(DataError, match=r"510700 named twice in a batch"):
        data.load_pilots()
