"""Blocks from arrays, xarray and Parquet are those of the frame; what is no block is refused."""

import pickle
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.errors import DataError, FormulaError, PanelError
from ccec_econ.scale import Blocks
from ccec_econ.weights import from_matrix, nearest_of

N, T = 12, 4
UNITS = pd.Index([f"u{i:02d}" for i in range(N)], name="unit")
FORMULA = "y ~ a | unit + year"


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    index = pd.MultiIndex.from_product([UNITS, range(2011, 2011 + T)], names=["unit", "year"])
    return pd.DataFrame({name: rng.standard_normal(N * T) for name in "yab"}, index=index)


@pytest.fixture(scope="module")
def W() -> object:
    place = np.random.default_rng(5).random((N, 2))
    return from_matrix(nearest_of(np.linalg.norm(place[:, None] - place, axis=2), 3), UNITS)


@pytest.fixture(scope="module")
def whole(panel: pd.DataFrame, W: object) -> pd.Series:
    return ce.sdm(FORMULA, panel, W).params


@pytest.fixture(scope="module")
def years(panel: pd.DataFrame) -> dict[int, pd.DataFrame]:
    return {int(year): part.droplevel(1) for year, part in panel.groupby(level=1)}


def agree(blocks: Blocks, W: object, whole: pd.Series) -> None:
    sent = pickle.loads(pickle.dumps(blocks))  # as to a worker
    found = ce.scale.fit("sdm", FORMULA, sent, W)
    pd.testing.assert_series_equal(found.params, whole, rtol=1e-10, atol=1e-12)


def test_frame_with_columns_of_labels(panel: pd.DataFrame, W: object, whole: pd.Series) -> None:
    long = panel.reset_index().sample(frac=1.0, random_state=0)
    agree(ce.scale.from_frame(long, index=("unit", "year")), W, whole)
    with pytest.raises(PanelError, match="unbalanced: 1 of 48"):
        ce.scale.from_frame(panel.iloc[1:])
    with pytest.raises(PanelError, match="data of type list"):
        ce.scale.from_frame([1, 2])


def test_arrays(
    years: dict[int, pd.DataFrame], W: object, whole: pd.Series, tmp_path: Path
) -> None:
    plain = {year: part.to_numpy() for year, part in years.items()}
    names = ["y", "a", "b"]
    agree(ce.scale.from_arrays(plain, names, units=UNITS, time="year"), W, whole)
    labelled = {
        year: part.sample(frac=1.0, random_state=year).reset_index().to_records(index=False)
        for year, part in years.items()
    }
    structured = {
        year: np.array(records, dtype=[("unit", "U3"), *((name, "f8") for name in names)])
        for year, records in labelled.items()
    }
    agree(ce.scale.from_arrays(structured, time="year"), W, whole)
    for year, array in plain.items():
        np.save(tmp_path / f"{year}.npy", array)
    mapped = {year: np.load(tmp_path / f"{year}.npy", mmap_mode="r") for year in plain}
    agree(ce.scale.from_arrays(mapped, names, units=UNITS, time="year"), W, whole)
    assert ce.scale.from_arrays(plain, names).units.tolist() == list(range(N))


def test_arrays_refused(years: dict[int, pd.DataFrame], W: object) -> None:
    plain = {year: part.to_numpy() for year, part in years.items()}
    for given in ([plain[2011]], None, {}):
        with pytest.raises(DataError, match="mapping from period to array"):
            ce.scale.from_arrays(given)
    with pytest.raises(DataError, match="shape \\(12, 3\\), type float64, and no names"):
        ce.scale.from_arrays(plain)
    with pytest.raises(DataError, match="has 3 columns and 2 names"):
        ce.scale.from_arrays(plain, ["y", "a"])
    with pytest.raises(DataError, match="list of names"):
        ce.scale.from_arrays(plain, "yab")
    short = ce.scale.from_arrays(plain | {2013: plain[2013][1:]}, ["y", "a", "b"], units=UNITS)
    with pytest.raises(DataError, match=r"2013 .*11 rows for 12 units"):
        ce.scale.fit("sdm", "y ~ a | unit + time", short, W)


@pytest.mark.parametrize("lazy", ["no", "dask", "netcdf"])
def test_xarray(
    panel: pd.DataFrame, W: object, whole: pd.Series, tmp_path: Path, lazy: str
) -> None:
    xr = pytest.importorskip("xarray")
    data = xr.Dataset.from_dataframe(panel).transpose("year", "unit")
    if lazy == "dask":
        data = data.chunk({"year": 1, "unit": 5})
    if lazy == "netcdf":
        data.to_netcdf(tmp_path / "panel.nc", engine="scipy")
        data = xr.open_dataset(tmp_path / "panel.nc", engine="scipy")
    agree(ce.scale.from_xarray(data, time="year"), W, whole)
    data.close()


def test_xarray_repeats_and_refuses(panel: pd.DataFrame) -> None:
    xr = pytest.importorskip("xarray")
    data = xr.Dataset.from_dataframe(panel)
    more = data.assign(place=("unit", np.arange(12.0)), step=("year", np.arange(4.0)))
    block = ce.scale.from_xarray(more, time="year").read(2013)
    assert block["place"].tolist() == list(range(12))
    assert block["step"].tolist() == [2.0] * 12
    with pytest.raises(PanelError, match="needs just 'unit' and 'time'"):
        ce.scale.from_xarray(data)
    with pytest.raises(PanelError, match="labels for year"):
        ce.scale.from_xarray(data.drop_vars("unit"), time="year")
    with pytest.raises(PanelError, match=r"dimensions .*draw.* and labels for"):
        ce.scale.from_xarray(data.expand_dims(draw=2), time="year")
    with pytest.raises(DataError, match=r"to_dataset\(name='y'\)"):
        ce.scale.from_xarray(data["y"], time="year")
    with pytest.raises(DataError, match="type DataFrame: give an xarray Dataset"):
        ce.scale.from_xarray(panel, time="year")


@pytest.mark.parametrize("kind", ["one file", "row groups", "partitions", "files"])
def test_dataset(
    panel: pd.DataFrame, W: object, whole: pd.Series, tmp_path: Path, kind: str
) -> None:
    long = panel.swaplevel().sort_index().reset_index()
    path = tmp_path / "panel.parquet"
    if kind == "one file":
        long.sample(frac=1.0, random_state=1).to_parquet(path)
    elif kind == "row groups":
        long.to_parquet(path, row_group_size=5)
    elif kind == "partitions":
        long.to_parquet(path, partition_cols=["year"])
    else:
        path.mkdir()
        for part in (0, 1):
            long[long["year"] % 2 == part].to_parquet(path / f"{part}.parquet")
    blocks = ce.scale.from_dataset(path, unit="unit", time="year", columns=["y", "a"])
    assert blocks.times == (2011, 2012, 2013, 2014)
    assert blocks.read(2013).columns.tolist() == ["y", "a"]
    agree(blocks, W, whole)
    assert set(ce.scale.from_dataset(path, unit="unit", time="year").read(2011)) == {*"yab"}


def test_dataset_reads_one_period(panel: pd.DataFrame, tmp_path: Path) -> None:
    panel.reset_index().to_parquet(tmp_path, partition_cols=["year"])
    blocks = ce.scale.from_dataset(tmp_path, unit="unit", time="year")
    for part in (tmp_path / "year=2012").iterdir():
        part.write_bytes(b"no parquet")
    assert len(blocks.read(2013)) == N
    with pytest.raises(DataError, match="block of year 2012 cannot be read"):
        blocks.read(2012)
    for part in (tmp_path / "year=2012").iterdir():
        part.unlink()
    with pytest.raises(DataError, match="block of year 2012 has no rows"):
        blocks.read(2012)


def test_parquet_refused(panel: pd.DataFrame, W: object, tmp_path: Path) -> None:
    for given in ([tmp_path / "a.parquet"], None, {}):
        with pytest.raises(DataError, match="mapping from period to Parquet file"):
            ce.scale.from_parquet(given, unit="unit")
    with pytest.raises(DataError, match="goes to from_parquet"):
        ce.scale.from_dataset({2011: "a.parquet"}, unit="unit", time="year")
    with pytest.raises(DataError, match="cannot be read"):
        ce.scale.from_dataset(tmp_path / "nothing", unit="unit", time="year")
    panel.reset_index().to_parquet(tmp_path / "all.parquet")
    with pytest.raises(DataError, match="its columns 'unit' and 'period'"):
        ce.scale.from_dataset(tmp_path / "all.parquet", unit="unit", time="period")
    with pytest.raises(DataError, match="list of names"):
        ce.scale.from_dataset(tmp_path / "all.parquet", unit="unit", time="year", columns="y")


def test_effects_by_the_names_of_the_blocks(panel: pd.DataFrame, W: object, tmp_path: Path) -> None:
    files = {year: tmp_path / f"{year}.parquet" for year in range(2011, 2011 + T)}
    for year, path in files.items():
        panel.xs(year, level="year").reset_index().to_parquet(path)
    with pytest.raises(FormulaError, match=r"year: these blocks call .* the periods 'time'.*time="):
        ce.scale.fit("sdm", FORMULA, ce.scale.from_parquet(files, unit="unit"), W)


def test_narrow_floats_are_widened(panel: pd.DataFrame, W: object) -> None:
    narrow = panel.astype({"y": "float32", "a": "float32"})
    found = ce.scale.fit("sdm", "y ~ I(a**2) | unit + year", ce.scale.from_frame(narrow), W)
    wide = ce.sdm("y ~ I(a**2) | unit + year", narrow.astype(float), W)
    np.testing.assert_allclose(found.params, wide.params, rtol=1e-10)


def test_what_is_no_block(panel: pd.DataFrame, W: object) -> None:
    blocks = ce.scale.from_frame(panel)
    for given in (panel, [panel], None):
        with pytest.raises(PanelError, match=f"blocks of type {type(given).__name__}: make"):
            ce.scale.fit("sdm", FORMULA, given, W)
    for change, text in (
        ({"units": list(UNITS)}, "units of type list: give"),
        ({"units": UNITS.rename(None)}, "units are called None"),
        ({"units": UNITS.rename("year")}, "give two names"),
        ({"load": panel}, "load of type DataFrame: give a function"),
    ):
        with pytest.raises(PanelError, match=text):
            replace(blocks, **change)
    with pytest.raises(DataError, match="block of year 2011 is a list"):
        replace(blocks, load=lambda time: [time]).read(2011)
    numbered = replace(blocks, load=lambda time: blocks.load(time).set_axis(range(N), axis=0))
    with pytest.raises(PanelError, match=r"without u00.*besides 0, 1, 2"):
        numbered.read(2011)
    codes = pd.Index(range(N), name="unit")
    text = blocks.load(2011).set_axis(codes.astype(str), axis=0)
    with pytest.raises(PanelError, match="the labels agree as text"):
        Blocks(codes, (2011, 2012), "year", lambda time: text).read(2011)


def test_progress(panel: pd.DataFrame, W: object, capsys, monkeypatch) -> None:
    blocks = ce.scale.from_frame(panel)
    ce.scale.fit("sdm", FORMULA, blocks, W, progress=True)
    shown = capsys.readouterr().out
    assert "blocks, pass 1" in shown
    assert "blocks, pass 2" in shown
    assert shown.count("4/4") == 2
    ce.scale.fit("sdm", FORMULA, blocks, W)
    assert capsys.readouterr().out == ""
    with pytest.raises(FormulaError, match="progress of type str: give True"):
        ce.scale.fit("sdm", FORMULA, blocks, W, progress="yes")
    monkeypatch.setitem(sys.modules, "rich", None)
    with pytest.raises(FormulaError, match="pip install rich"):
        ce.scale.fit("sdm", FORMULA, blocks, W, progress=True)
