"""Fits from blocks read by several workers: the same bytes, or an error that names the blocks."""

import pickle
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest

import block_readers
import ccec_econ as ce
from ccec_econ.errors import DataError, PanelError
from ccec_econ.parallel import in_turn
from ccec_econ.weights import from_matrix, nearest_of

N, T = 30, 5
FORMULA = "y ~ a + b | unit + year"
FAULTS = {
    "lost": (block_readers.lost, DataError, r"year 3 cannot be read \(OSError: disk gone\)"),
    "without a unit": (block_readers.without_a_unit, PanelError, r"year 3 has other.*without u07"),
    "renamed": (block_readers.renamed, PanelError, r"year 3 has other.*u07, besides v07"),
    "nan": (block_readers.with_nan, PanelError, r"\(u02, 3\)"),
}


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    index = pd.MultiIndex.from_product([[f"u{i:02d}" for i in range(N)], range(T)])
    index.names = ["unit", "year"]
    level = np.repeat(rng.standard_normal(N) * 100.0, T)
    return pd.DataFrame({name: rng.standard_normal(N * T) + level for name in "yab"}, index=index)


@pytest.fixture(scope="module")
def W() -> object:
    place = np.random.default_rng(5).random((N, 2))
    matrix = nearest_of(np.linalg.norm(place[:, None] - place, axis=2), 4)
    return from_matrix(matrix, pd.Index([f"u{i:02d}" for i in range(N)]))


@pytest.fixture
def files(panel: pd.DataFrame, tmp_path: Path) -> dict[int, Path]:
    paths = {year: tmp_path / f"{year}.parquet" for year in range(T)}
    for year, path in paths.items():
        panel.xs(year, level="year").reset_index().to_parquet(path)
    return paths


def told(seen: list[tuple[int, int]]) -> Callable[[int, int], None]:
    return lambda done, total: seen.append((done, total))


def same_on_workers(panel: pd.DataFrame, W: object, files: dict[int, Path], models) -> None:
    """Fit in the workers at hand and on one core: equal bytes, and the numbers of the panel."""
    blocks = ce.scale.from_parquet(files, unit="unit", time="year")
    for model in models:
        seen: list[tuple[int, int]] = []
        found = ce.scale.fit(model, FORMULA, blocks, W, progress=told(seen))
        with joblib.parallel_config("sequential"):
            alone = ce.scale.fit(model, FORMULA, blocks, W)
        whole = getattr(ce, model)(FORMULA, panel, W)
        assert found.params.to_numpy().tobytes() == alone.params.to_numpy().tobytes()
        assert found.cov.to_numpy().tobytes() == alone.cov.to_numpy().tobytes()
        np.testing.assert_allclose(found.params, whole.params, rtol=1e-10)
        passes = 1 + ("rho" in found.params)
        assert seen == passes * [(done, T) for done in range(1, T + 1)]


def faults_are_named(panel: pd.DataFrame, W: object, files: dict[int, Path]) -> None:
    """Spoil a block in every way that leaves its reader alive."""
    whole = ce.scale.from_frame(panel)
    for change, error, text in FAULTS.values():
        with pytest.raises(error, match=text):
            ce.scale.fit("sdm", FORMULA, block_readers.broken(whole, change), W)
    blocks = ce.scale.from_parquet(files, unit="unit", time="year")
    good = files[3].read_bytes()
    files[3].write_bytes(good[:200])
    with pytest.raises(DataError, match=r"year 3 cannot be read \(ArrowInvalid"):
        ce.scale.fit("sdm", FORMULA, blocks, W)
    files[3].unlink()
    with pytest.raises(DataError, match=r"year 3 cannot be read \(FileNotFoundError"):
        ce.scale.fit("sdm", FORMULA, blocks, W)


def test_threads(panel: pd.DataFrame, W: object, files: dict[int, Path]) -> None:
    with joblib.parallel_config("threading", n_jobs=2):
        same_on_workers(panel, W, files, ["slx", "sdm", "sdem"])
        faults_are_named(panel, W, files)


def test_faults_on_one_core(panel: pd.DataFrame, W: object, files: dict[int, Path]) -> None:
    faults_are_named(panel, W, files)


def test_stretches_of_many_periods(W: object) -> None:
    units = pd.Index([f"u{i:02d}" for i in range(N)], name="unit")
    rng, seen = np.random.default_rng(0), []
    arrays = {t: rng.standard_normal((N, 2)) for t in range(70)}  # 32 stretches of 3, 3, ..., 1
    blocks = ce.scale.from_arrays(arrays, ["y", "a"], units=units)
    long = pd.concat({t: blocks.read(t) for t in arrays}, names=["time"]).swaplevel()
    formula = "y ~ a | unit + time"
    with joblib.parallel_config("threading", n_jobs=3):
        found = ce.scale.fit("sem", formula, blocks, W, progress=told(seen))
    assert seen == [(min(done, 70), 70) for done in range(3, 73, 3)]
    whole = ce.sem(formula, long, W)
    np.testing.assert_allclose(found.params, whole.params, rtol=1e-9, atol=1e-12)
    alone = ce.scale.fit("sem", formula, blocks, W)
    assert alone.params.to_numpy().tobytes() == found.params.to_numpy().tobytes()


def test_what_is_sent_is_small(panel: pd.DataFrame, W: object, monkeypatch) -> None:
    sent: list[int] = []
    links = 4 * N

    def weighed(work, pieces):
        sent.append(len(pickle.dumps(work)))
        return in_turn(work, pieces)

    monkeypatch.setattr("ccec_econ.scale.passes.in_turn", weighed)
    blocks = ce.scale.from_frame(panel)
    ce.scale.fit("sdm", FORMULA, blocks, W)
    assert len(sent) == 2
    assert max(sent) < len(pickle.dumps(blocks)) + 12 * links + 4_000  # values and columns of W


@pytest.mark.slow
def test_processes(panel: pd.DataFrame, W: object, files: dict[int, Path]) -> None:
    with joblib.parallel_config("loky", n_jobs=2):
        same_on_workers(panel, W, files, ["slx", "sar", "sem", "sdm", "sdem"])
        faults_are_named(panel, W, files)


@pytest.mark.slow
def test_a_process_that_dies(panel: pd.DataFrame, W: object) -> None:
    blocks = block_readers.broken(ce.scale.from_frame(panel), block_readers.dies)
    with (
        joblib.parallel_config("loky", n_jobs=2),
        pytest.raises(DataError, match=r"worker died with one of the blocks of year 2, 3; nothing"),
    ):
        ce.scale.fit("sdm", FORMULA, blocks, W)


@pytest.mark.slow
def test_a_reader_that_cannot_be_sent(panel: pd.DataFrame, W: object) -> None:
    held = threading.Lock()

    def change(block: pd.DataFrame) -> pd.DataFrame:
        with held:
            return block

    blocks = block_readers.broken(ce.scale.from_frame(panel), change)
    with (
        joblib.parallel_config("loky", n_jobs=2),
        pytest.raises(DataError, match="cannot be sent to workers"),
    ):
        ce.scale.fit("sdm", FORMULA, blocks, W)


@pytest.fixture
def cluster() -> Iterator[AbstractContextManager]:
    dask, distributed = pytest.importorskip("dask"), pytest.importorskip("distributed")
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as machines,
        distributed.Client(machines),
        joblib.parallel_config("dask"),
    ):
        yield


@pytest.mark.slow
def test_cluster(panel: pd.DataFrame, W: object, files: dict[int, Path], cluster: None) -> None:
    same_on_workers(panel, W, files, ["slx", "sdm", "sdem"])
    faults_are_named(panel, W, files)
    blocks = block_readers.broken(ce.scale.from_frame(panel), block_readers.dies)
    with pytest.raises(DataError, match=r"worker died with one of the blocks of year 2, 3; noth"):
        ce.scale.fit("sdm", FORMULA, blocks, W)
