"""Readers of raw figures: types, and refusals that say what exists."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from ccec_econ.data import data_dir, load_raw, load_table, load_units, store
from ccec_econ.data.rail import exposure
from ccec_econ.data.store import wide
from ccec_econ.errors import DataError


def test_raw_figures_are_tidy() -> None:
    raw = load_raw("city_yearbook")
    assert list(raw.columns) == ["unit", "year", "variable", "value", "flag", "copy"]
    assert raw["unit"].str.fullmatch(r"\d{6}").all()
    assert not raw.duplicated(["unit", "year", "variable"]).any()
    assert raw["unit"].nunique() == 16


@pytest.mark.parametrize(("layer", "count"), [("city", 16), ("comparison", 63)])
def test_every_layer_has_its_units(layer: str, count: int) -> None:
    assert load_raw("city_yearbook", layer)["unit"].nunique() == count


def test_returned_frames_are_copies() -> None:
    mine = load_raw("city_yearbook")
    mine["value"] = 0.0
    assert load_raw("city_yearbook")["value"].max() > 0


def test_tables_keep_codes_as_text_also_when_compressed() -> None:
    assert load_table("rail", "exposure")["adcode"].str.len().eq(6).all()
    distances = load_table("geography", "dist_county221_seat_km").set_index("adcode")
    assert distances.shape == (221, 221)
    assert distances.index.tolist() == distances.columns.tolist()


def test_unknown_names_are_refused_with_what_exists() -> None:
    with pytest.raises(DataError, match="source 'nowhere': not found; the sources are admin"):
        load_raw("nowhere")
    with pytest.raises(DataError, match=r"layer 'village' of source 'income'.*the tables are city"):
        load_raw("income", "village")
    with pytest.raises(DataError, match=r"table 'planes' of source 'rail'.*exposure"):
        load_table("rail", "planes")
    with pytest.raises(DataError, match=r"variable 'gdp': not in source 'income'.*urban_income"):
        wide("income", "gdp")
    with pytest.raises(DataError, match="layer 'village': unknown; choose one of city, county"):
        load_units("village")


def test_unknown_service_class_is_refused() -> None:
    units, years = pd.Index(["510100"]), pd.RangeIndex(2010, 2012)
    with pytest.raises(DataError, match="service class 'maglev': unknown; choose one of hsr_emu"):
        exposure("maglev", units, years)


def test_double_cells_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "raw" / "twice"
    folder.mkdir(parents=True)
    row = "510100,2010,gdp,1.0,,X\n"
    (folder / "city.csv").write_text(f"unit,year,variable,value,flag,copy\n{row}{row}")
    monkeypatch.setattr(store, "data_dir", lambda: tmp_path)
    with pytest.raises(DataError, match=r"1 cells appear twice \(510100 2010 gdp\)"):
        load_raw("twice")


def test_data_folder_holds_raw_figures() -> None:
    assert (data_dir() / "raw" / "city_yearbook" / "city.csv").is_file()


def test_units_of_both_layers() -> None:
    cities, counties = load_units("city"), load_units("county")
    assert (len(cities), len(counties)) == (16, 156)
    assert cities.T["510100"][["name", "province"]].tolist() == ["Chengdu", "Sichuan"]
    assert set(counties["city"]) == set(cities.index)
    assert cities[["lon", "lat", "area_km2"]].notna().all(axis=None)
    areas = counties.groupby("city")["area_km2"].sum()
    pd.testing.assert_series_equal(areas, cities["area_km2"], check_names=False, rtol=1e-3)
