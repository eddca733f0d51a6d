"""The benchmark times the same models, stops what is too large, and README quotes its numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
import unruly
from benchmark import ours, peers
from benchmark.cases import OURS, PERIODS, QUICK, Case, cases
from benchmark.measured import FOLDER, MILLION, measured, million_units, stored
from benchmark.panels import Simulated, simulated
from benchmark.probe import probe
from benchmark.tables import WORKS, beside_peers, section, targets_table
from benchmark.targets import TARGETS, judged

README = Path(__file__).parents[2] / "README.md"
SEARCH = 1e-5  # spreg stops its search for rho at a tolerance of 1e-7 in the likelihood


@pytest.fixture(scope="module")
def panel() -> Simulated:
    return simulated(40, 6, 2)


def test_the_panel_is_the_model(panel: Simulated) -> None:
    """Lags are W times regressors; a size gives the same panel again."""
    W = panel.weights.sparse.toarray()
    wide = panel.frame.unstack("year")
    np.testing.assert_allclose(W @ wide["x1"].to_numpy(), wide["wx1"].to_numpy(), atol=1e-12)
    np.testing.assert_allclose(W.sum(axis=1), 1.0)
    again = simulated.__wrapped__(40, 6, 2)
    pd.testing.assert_frame_equal(again.frame, panel.frame)


def test_spreg_fits_the_same_lag_model(panel: Simulated) -> None:
    params, _, _ = ours.sar(panel)()
    np.testing.assert_allclose(params, peers.spreg_lag(panel)().betas.ravel(), atol=SEARCH)


@pytest.mark.filterwarnings("ignore:The inplace keyword")
def test_spreg_fits_the_same_sdm(panel: Simulated) -> None:
    """Its time dummies make it the direct likelihood, which is biased: rho is ours by `direct`."""
    peer = peers.spreg_sdm(panel)()
    fit = ce.sdm("y ~ x0 + x1 | unit + year", panel.data, panel.weights, method="direct")
    assert float(peer.rho) == pytest.approx(fit.rho, abs=SEARCH)


@pytest.mark.filterwarnings("ignore:The inplace keyword")
def test_least_squares_are_the_same(panel: Simulated) -> None:
    names = panel.regressors + panel.lags
    fit = ce.ols(f"y ~ {' + '.join(names)} | unit + year", panel.frame)
    for peer in (peers.linearmodels_ols, peers.pyfixest_ols):
        params, errors, _ = peer(panel)()
        np.testing.assert_allclose(params, fit.params, atol=1e-9)
        np.testing.assert_allclose(errors, fit.std_errors, rtol=1e-6)


@pytest.mark.parametrize(
    ("prepare", "outcome"),
    [
        (unruly.greedy, "does not allocate in 10 GiB"),
        (unruly.endless, "> 1 s"),
        (unruly.modest, "ran"),
    ],
)
def test_limits(prepare: Callable[[Simulated], ours.Work], outcome: str) -> None:
    found = probe(Case("unruly", OURS, 30, 10, 1, prepare), cap=1)
    assert found.outcome == outcome
    if outcome == "ran":
        assert found.peak_mib == pytest.approx(unruly.MIB, abs=4)
    else:
        assert np.isnan(found.peak_mib)


def _rows() -> pd.DataFrame:
    """A run by hand: 4 ms, 3 ms beside a stopped peer, 30 ms beside 10 ms."""
    names = ["work", "n", "T", "K", "package"]
    given: list[tuple[Any, ...]] = [
        ("sdm", 46, 30, 4, OURS, 0.004),
        ("sar", 46, 30, 4, OURS, 0.003),
        ("sdm", 300, 20, 4, OURS, 0.030),
        ("sdm", 300, 20, 4, "linearmodels", 0.010),
    ]
    run = {
        "benchmarks": [
            {
                "extra_info": dict(zip(names, row)) | {"processor_s": row[-1], "peak_mib": 5.0},
                "stats": {"median": row[-1], "iqr": 0.0, "rounds": 3},
            }
            for row in given
        ],
        "stopped": [
            dict(zip(names, ("sar", 46, 30, 4, "spreg"))) | {"outcome": "> 1 s"},
        ],
    }
    return judged(measured(run))


def test_targets_are_judged() -> None:
    found = _rows().set_index(["work", "n", "package"])[["target", "met"]]
    assert found.loc[("sdm", 46, OURS)].tolist() == ["< 5 ms", True]
    assert found.loc[("sar", 46, OURS)].tolist() == ["≤ spreg", True]
    assert found.loc[("sdm", 300, OURS)].tolist() == ["≤ 2 × linearmodels", False]
    assert found.loc[("sdm", 300, "linearmodels")].isna().all()


def test_what_was_stopped_has_no_figure() -> None:
    rows = _rows()
    assert beside_peers(rows, "sar").rows == (("46 × 30", "3 ms, 5 MiB", "> 1 s"),)
    cells = {row[:3]: row[3:] for row in targets_table(rows).rows}
    sar, sdm = WORKS["sar"], WORKS["sdm"]
    assert cells[(sar, "46 to 10,000", "≤ spreg")] == ("spreg was stopped", "yes")
    worst = cells[(sdm, "300 to 300,000", "≤ 2 × linearmodels")]
    assert worst == ("3.00 × at 300", "no")
    assert cells[(sdm, "3,000", "< 0.25 s")] == ("not measured", "")


def test_growth_is_per_unit() -> None:
    """2 s for a quarter million and 12 s for a million are 1.5 times as much per unit."""
    report = {"periods": 10, "workers": 2, "fit_processor_seconds": 1.0, "peak_gib": 1.0}
    report |= {"peak_gib_of_a_worker": 0.5, "estimates": {"a": {}, "W(a)": {}, "rho": {}}}
    rows = pd.concat(
        million_units(report | {"units": units, "fit_wall_seconds": wall})
        for units, wall in ((250_000, 2.0), (1_000_000, 12.0))
    )
    assert rows[["K", "peak_mib"]].iloc[0].tolist() == [1, 2048]
    cells = {row[2]: row[3:] for row in targets_table(rows).rows if row[0] == WORKS[MILLION]}
    assert cells["linear in n"] == ("1.50 × per unit of 250,000", "no")
    assert cells["< 10 min"] == ("12 s", "yes")


def test_every_target_is_timed() -> None:
    timed = {(case.work, case.n, case.package) for case in cases(max(PERIODS))}
    for target in TARGETS:
        if target.work != MILLION:
            assert (target.work, target.n, OURS) in timed
            assert not target.peer or (target.work, target.n, target.peer) in timed
    assert max(case.n for case in cases(QUICK)) == QUICK


def test_readme_quotes_the_committed_run() -> None:
    assert section(stored()) in README.read_text(encoding="utf-8")


def test_the_committed_run_names_neither_host_nor_user() -> None:
    machine = json.loads((FOLDER / "machine.json").read_text(encoding="utf-8"))
    assert set(machine) == {
        "cores",
        "memory_gib",
        "packages",
        "processor",
        "python",
        "system",
        "threads",
        "wall_over_processor",
    }


def test_the_suite_leaves_the_benchmark_out(pytestconfig: pytest.Config) -> None:
    assert "benchmark" in pytestconfig.getini("norecursedirs")
