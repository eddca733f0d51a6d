"""The codebook describes every column, and what it counts is true."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from ccec_econ import data
from ccec_econ.data.__main__ import main
from ccec_econ.data.codebook import LAYERS
from ccec_econ.errors import DataError

COUNTED = ["first_year", "last_year", "min", "max", "missing"]


@pytest.mark.parametrize("layer", list(LAYERS))
def test_codebook_covers_every_column_and_counts_truly(layer: str) -> None:
    book = data.load_codebook()
    rows = book[book["layer"] == layer].set_index("variable")
    counted = data.describe_columns(LAYERS[layer]())
    assert rows.index.is_unique
    assert set(rows.index) == set(counted.index)
    differing = rows[COUNTED].compare(counted.loc[rows.index])
    assert differing.empty, f"run `python -m ccec_econ.data codebook`:\n{differing}"


def test_written_columns_are_filled() -> None:
    book = data.load_codebook()
    for column in ("label", "type", "source", "transformation"):
        assert (book[column] != "").all(), column
    numbers = book[book["type"] == "number"]
    assert (numbers["unit"] != "").all()
    assert set(book["type"]) == {"number", "text", "flag"}


def test_describe_columns_by_hand() -> None:
    index = pd.MultiIndex.from_product([["a", "b"], [2000, 2001]], names=["unit", "year"])
    frame = pd.DataFrame({"x": [None, 1.5, None, 1234567.0], "name": list("aabb")}, index=index)
    table = data.describe_columns(frame)
    assert table.T["x"].tolist() == ["2001", "2001", "1.5", "1.23457e+06", "2"]
    assert table.T["name"].tolist() == ["2000", "2001", "", "", "0"]


def test_refresh_restores_counted_columns_only(tmp_path: Path) -> None:
    original = data.data_dir() / "codebook.csv"
    path = tmp_path / "codebook.csv"
    book = pd.read_csv(original, dtype="str", keep_default_na=False)
    book[COUNTED] = "?"
    book.to_csv(path, index=False)
    data.refresh_codebook(path)
    assert path.read_bytes() == original.read_bytes()


def test_undescribed_column_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "codebook.csv"
    book = pd.read_csv(data.data_dir() / "codebook.csv", dtype="str", keep_default_na=False)
    book[book["variable"] != "growth"].to_csv(path, index=False)
    with pytest.raises(DataError, match="layer 'city': growth in only one of codebook and panel"):
        data.refresh_codebook(path)


def test_foreign_columns_and_absent_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "codebook.csv"
    with pytest.raises(DataError, match=r"codebook.csv not found"):
        data.refresh_codebook(path)
    shutil.copy(data.data_dir() / "raw" / "gdp_revised" / "variables.csv", path)
    with pytest.raises(DataError, match="codebook: columns are variable, unit, definition"):
        data.refresh_codebook(path)


def test_command_line_runs_the_named_command(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    monkeypatch.setitem(main.__globals__["COMMANDS"], "manifest", lambda: called.append("manifest"))
    main(["manifest"])
    assert called == ["manifest"]
