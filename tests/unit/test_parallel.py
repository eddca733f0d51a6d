"""Work that is spread: results in order on any backend, and no waiting for workers that died."""

import os
from concurrent.futures import BrokenExecutor
from functools import partial

import joblib
import pytest

from ccec_econ.parallel import LostWorkerError, in_turn, spread


def doubled(fatal: int | None, x: int) -> int:
    if x == fatal:
        os._exit(1)
    return 2 * x


@pytest.mark.parametrize("backend", ["sequential", "threading"])
def test_in_order(backend: str) -> None:
    with joblib.parallel_config(backend, n_jobs=2):
        assert spread(partial(doubled, None), iter(range(5))) == [0, 2, 4, 6, 8]
        assert list(in_turn(partial(doubled, None), iter(range(5)))) == [0, 2, 4, 6, 8]


def test_as_many_at_a_time_as_workers() -> None:
    started: list[int] = []
    with joblib.parallel_config("threading", n_jobs=2):
        results = in_turn(started.append, range(5))
        next(results)
        assert sorted(started) == [0, 1]
    assert list(in_turn(started.append, [])) == []


def test_other_errors_stay_themselves() -> None:
    with pytest.raises(ZeroDivisionError):
        spread(lambda x: 1 / x, [1, 0])


def test_processes_that_die() -> None:
    with (
        joblib.parallel_config("loky", n_jobs=2),
        pytest.raises(LostWorkerError, match="a worker died") as lost,
    ):
        list(in_turn(partial(os._exit), [1, 2, 3, 4]))
    assert lost.value.pieces == (1, 2)
    assert isinstance(lost.value.__cause__, BrokenExecutor)


@pytest.mark.slow
def test_machines_that_die() -> None:
    dask, distributed = pytest.importorskip("dask"), pytest.importorskip("distributed")
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as machines,
        distributed.Client(machines),
        joblib.parallel_config("dask"),
    ):
        assert spread(partial(doubled, None), iter(range(5))) == [0, 2, 4, 6, 8]
        with pytest.raises(LostWorkerError) as lost:
            list(in_turn(partial(doubled, 3), range(5)))
        assert lost.value.pieces == (2, 3)
        assert list(in_turn(partial(doubled, None), range(5))) == [0, 2, 4, 6, 8]
