"""The Monte Carlo figure draws a line a method and names what is missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.errors import DataError
from ccec_econ.simulation import Design, nearest_weights, study


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    tables = []
    for n in (6, 9):
        rng = np.random.default_rng(n)
        table = study(Design(0.3), nearest_weights(n, 2, rng), 8, draws=5, rng=rng)
        tables.append(table.assign(N=n))
    return pd.concat(tables)


def test_lines_and_note(frame: pd.DataFrame) -> None:
    figure = ce.report.study_figure(frame, names={"direct": "old"}, note="Simulated.")
    bias, coverage = figure.axes
    assert [text.get_text() for text in bias.get_legend().get_texts()] == [
        "transformation",
        "old",
        "bias_corrected",
    ]
    assert len(coverage.lines) == 4  # three methods and the target
    np.testing.assert_allclose(coverage.lines[0].get_xdata(), [6, 9])
    assert figure.caption == "Simulated."


def test_study_rows(frame: pd.DataFrame) -> None:
    np.testing.assert_allclose(frame["bias"], frame["mean"] - 0.3)
    assert frame["coverage"].between(0, 1).all()


def test_missing_column_is_named(frame: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="study: no column N; give the rows of a study"):
        ce.report.study_figure(frame.drop(columns="N"))
