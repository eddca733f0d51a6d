"""The committed Monte Carlo of Table 18 is what the code gives, and where it misses its targets.

The short run of the same cells is repeated here and compared with the committed one, digit by
digit, and with the long one within Monte Carlo error: the long table cannot go stale unseen.
"""

from __future__ import annotations

import importlib
import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "replication"))
simulate = importlib.import_module("simulate")

CONFIG: dict[str, Any] = tomllib.loads((ROOT / "replication" / "config.toml").read_text())
SETTING: dict[str, Any] = CONFIG["simulation"]
DIGITS = 1e-6  # the committed csv has eight significant digits
FOUR_ERRORS = 4.0
# Observed disagreement with means printed elsewhere, tau, eta, beta, rho, sigma2, rounded up to the
# third digit: more than Monte Carlo error, of unknown origin. Other weights of 16 units move rho by
# as much as its gap, but tau by less than its own.
APART = [0.007, 0.010, 0.004, 0.012, 0.002]
NOTES = {
    (16, "uncorrected"): [0.515, -0.075, 0.978, 0.272, 0.869],
    (16, "corrected"): [0.596, -0.089, 0.995, 0.275, 0.948],
    (44, "corrected"): [0.596, -0.102, 1.003, 0.294, 0.966],
}


@pytest.fixture(scope="module")
def runs() -> dict[str, dict[str, pd.DataFrame]]:
    return simulate.load_runs(ROOT / "replication")


@pytest.fixture(scope="module")
def again() -> dict[str, pd.DataFrame]:
    return simulate.run(CONFIG, SETTING["short"])


def test_record_is_of_the_present_settings() -> None:
    record = json.loads((ROOT / "replication" / "simulation" / "record.json").read_text())
    assert record["seed"] == CONFIG["seed"]
    assert record["settings"] == SETTING
    assert set(record["packages"]) == {"numpy", "pandas", "scipy"}


@pytest.mark.parametrize("table", simulate.TABLES)
def test_short_run_repeats_the_committed_one(runs, again, table: str) -> None:
    pd.testing.assert_frame_equal(
        again[table], runs["short"][table], rtol=DIGITS, atol=1e-9, check_dtype=False
    )


@pytest.mark.parametrize("table", simulate.TABLES)
def test_long_run_has_every_cell_and_agrees_with_the_short_one(runs, again, table: str) -> None:
    short, long = again[table], runs["draws"][table]
    keys = [name for name in long.columns if not pd.api.types.is_float_dtype(long[name])]
    keys = [name for name in keys if name != "draws"]
    pd.testing.assert_frame_equal(short[keys], long[keys], check_dtype=False)
    assert (long["draws"] == SETTING["draws"][table]).all()
    share = 1.0 / short["draws"] + 1.0 / long["draws"]
    for value in {"mean", "coverage", "rate"} & set(long.columns):
        if value == "mean":
            error = long["sd"] * np.sqrt(share)
        else:
            error = np.sqrt(long[value] * (1.0 - long[value]) * share)
        assert (np.abs(short[value] - long[value]) <= FOUR_ERRORS * error).all(), value


def test_cells_do_not_depend_on_each_other(runs) -> None:
    """One cell alone, the last of them, gives the rows it gives among the others."""
    draws = SETTING["short"]
    cell = list(simulate.cells(SETTING))[-1]
    alone = cell.study(draws[cell.table], simulate.rng(CONFIG, cell.name))
    whole = runs["short"][cell.table]
    picked = whole[(whole[list(cell.key)] == pd.Series(dict(cell.key))).all(axis=1)]
    np.testing.assert_allclose(alone["rate"], picked["rate"], rtol=DIGITS)
    names = [cell.name for cell in simulate.cells(SETTING)]
    assert len(set(names)) == len(names)


def test_weights_are_row_standardised_and_of_the_stated_sizes() -> None:
    for N, W in simulate.weights(SETTING["neighbours"]).items():
        assert W.shape == (N, N)
        np.testing.assert_allclose(W.sum(axis=1), 1.0)
        assert not np.diag(W).any()
    assert set(simulate.weights(4)) == {16, 44}


def test_targets_are_met(runs) -> None:
    """Coverage of rho by the transformation in [.93, .97]; centred LM tests in [.035, .07]."""
    rows = runs["draws"]["estimators"].query("method == 'transformation' and quantity == 'rho'")
    assert rows["coverage"].between(0.93, 0.97).all()
    assert (
        runs["draws"]["lm_tests"].query("version == 'centred'")["rate"].between(0.035, 0.07).all()
    )


def test_dynamic_means_are_no_farther_from_printed_ones_than_was_seen(runs) -> None:
    """Means printed by other code, its weights, start and number of draws not stated."""
    frame = runs["draws"]["dynamic"]
    for (N, estimator), printed in NOTES.items():
        rows = frame[(frame["N"] == N) & (frame["estimator"] == estimator)]
        assert (np.abs(rows["mean"] - printed) <= APART).all(), (N, estimator)
