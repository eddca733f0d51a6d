"""The figure of responses draws what it is given and names what is missing."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.errors import DataError
from ccec_econ.report import responses_figure

sys.path.insert(0, str(Path(__file__).parents[2] / "replication"))
figure_14 = importlib.import_module("figure_14_responses")


def frame(places: list[object], seed: int) -> pd.DataFrame:
    index = pd.MultiIndex.from_product([["x", "z"], places, ["direct", "indirect", "total"]])
    y = np.random.default_rng(seed).standard_normal(len(index))
    return pd.DataFrame({"estimate": y, "lower": y - 1, "upper": y + 1}, index=index)


@pytest.fixture
def parts() -> tuple[pd.DataFrame, pd.DataFrame]:
    return frame([0, 1, 2, "long"], 0), frame([0, 1, "beyond"], 1)


def test_points_are_the_estimates(parts) -> None:
    figure = responses_figure(*parts, labels={"x": "Digital"}, unit="points", note="Made up.")
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "(a) Digital", "(b) z", "(c) Digital", "(d) z",
    ]  # fmt: skip
    horizon, order = parts
    for axes, part, term in zip(figure.axes, (horizon, horizon, order, order), "xzxz", strict=True):
        drawn = [line for line in axes.lines if line.get_marker() == "s"]
        y = np.concatenate([line.get_ydata() for line in drawn])
        np.testing.assert_array_equal(y, part["estimate"].xs((term, "indirect"), level=(0, 2)))
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["0", "1", "2", "∞"]
    assert [text.get_text() for text in figure.axes[2].get_xticklabels()] == ["0", "1", "> 1"]
    assert figure.axes[0].get_ylabel() == "points"
    assert figure.caption == "Made up."


def test_missing_intervals_are_left_out(parts) -> None:
    horizon, order = parts
    figure = responses_figure(horizon, order.assign(lower=np.nan, upper=np.nan))
    drawn = [
        sum(np.isfinite(s).all() for c in axes.collections for s in c.get_segments())
        for axes in figure.axes
    ]
    assert drawn == [8, 8, 0, 0]


def test_frames_are_checked(parts) -> None:
    horizon, order = parts
    with pytest.raises(DataError, match="by_order: no column lower"):
        responses_figure(horizon, order.drop(columns="lower"))
    with pytest.raises(DataError, match="terms x, z by horizon and x by order"):
        responses_figure(horizon, order.loc[["x"]])


def test_same_bytes_twice(parts, tmp_path) -> None:
    for name in ("a.svg", "b.svg"):
        responses_figure(*parts).savefig(tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert ce.report.responses_figure is responses_figure


@pytest.mark.parametrize(
    ("lower", "upper", "said"),
    [
        (-0.2, 0.9, "from −0.20 to 0.90, below one, so long-run effects exist."),
        (0.7, 1.1, "from 0.70 to 1.10, which holds one."),
        (1.02, 1.1, "from 1.02 to 1.10, above one, so shocks do not die out."),
    ],
)
def test_the_sentence_of_the_figure_follows_its_numbers(lower: float, upper: float, said) -> None:
    """One response leaves zero out, that of x a year after; none where all intervals are wide."""
    horizons = frame([0, 1, "long"], 0).rename_axis(["term", "horizon", "effect"])
    horizons = horizons.assign(lower=-9.0, upper=9.0)
    about = {
        **{"total": 0.5 * (lower + upper), "lower": lower, "upper": upper, "static": 0.25},
        **{"tau": 0.3, "tau_uncorrected": 0.4, "at_once": 70.0, "year_after": 91.0},
    }
    text = figure_14.finding(horizons, about, {"x": "Digital"})
    assert said in text
    assert "moves τ by −0.10, from 0.40 to 0.30." in text
    assert "leaves zero out: none. With ρ at 0.25 in the static model, 75 %" in text
    horizons.loc[("x", 1, "direct"), "lower"] = 0.1
    text = figure_14.finding(horizons, about, {"x": "Digital"})
    assert "leaves zero out: the direct one of Digital (1 years after)." in text
