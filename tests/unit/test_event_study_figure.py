"""The figure of event studies draws estimates, counts and bounds, and names what is missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ccec_econ.errors import DataError
from ccec_econ.report import event_study_figure

STUDY = pd.DataFrame(
    {
        "estimate": [0.2, 0.0, 1.0, np.nan],
        "lower": [-0.5, np.nan, 0.1, np.nan],
        "upper": [0.9, np.nan, 1.9, np.nan],
        "units": [4, 9, 9, 0],
        "controls": [7, 0, 6, 0],
    },
    index=pd.Index([-2, -1, 0, 1], name="event_time"),
)
BOUNDS = pd.DataFrame(
    {
        "bound_lower": [0.5, 0.0],
        "bound_upper": [0.5, 1.0],
        "lower": [0.0, -1.0],
        "upper": [1.0, 2.0],
    },
    index=[0.0, 1.0],
)


def test_what_is_drawn() -> None:
    figure = event_study_figure({"One": STUDY, "Two": 2 * STUDY}, BOUNDS, unit="points", note="N.")
    one, two, honest = figure.axes
    assert [a.get_title(loc="left") for a in (one, two)] == ["(a) One", "(b) Two"]
    dots, base, silent = one.lines[-3:]
    np.testing.assert_array_equal(dots.get_xydata(), [[-2.0, 0.2], [0.0, 1.0]])
    np.testing.assert_array_equal(base.get_xydata(), [[-1.0, 0.0]])
    np.testing.assert_array_equal(silent.get_xydata(), [[1.0, 0.0]])
    counts = [text.get_text() for text in one.texts]
    assert counts == ["years", "treated", "4", "9", "0", "controls", "7", "6", "0"]
    assert one.get_ylabel() == "points"
    spans = [segment[:, 1].tolist() for c in honest.collections for segment in c.get_segments()]
    assert spans == [[0.0, 1.0], [-1.0, 2.0], [0.5, 0.5], [0.0, 1.0]]
    assert figure.caption == "N."


def test_rings_beside() -> None:
    frame = pd.DataFrame({"estimate": [1.0, 2.0], "lower": [0.0, 1.0], "upper": [2.0, 3.5]})
    rings = frame.set_axis(["total", "0–25 km"], axis=0)
    axes = event_study_figure({"One": STUDY}, BOUNDS, rings=rings, rings_title="Near").axes[-1]
    assert axes.get_title(loc="left") == "(c) Near"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["total", "0–25 km"]
    spans = [segment[:, 1].tolist() for c in axes.collections for segment in c.get_segments()]
    assert spans == [[0.0, 2.0], [1.0, 3.5]]
    with pytest.raises(DataError, match="rings: no column lower"):
        event_study_figure({"One": STUDY}, BOUNDS, rings=rings.drop(columns="lower"))


def test_refusals() -> None:
    with pytest.raises(DataError, match="3 event studies"):
        event_study_figure(dict.fromkeys("abc", STUDY), BOUNDS)
    with pytest.raises(DataError, match="One: no column controls"):
        event_study_figure({"One": STUDY.drop(columns="controls")}, BOUNDS)
    with pytest.raises(DataError, match="bounds: no column upper"):
        event_study_figure({"One": STUDY}, BOUNDS.drop(columns="upper"))


def test_an_event_study_alone() -> None:
    figure = event_study_figure(STUDY, unit="points")
    (axes,) = figure.axes
    assert axes.get_title(loc="left") == ""
    assert figure.get_figheight() < event_study_figure(STUDY, BOUNDS).get_figheight()
    two = event_study_figure({"One": STUDY, "Two": STUDY}).axes
    assert [one.get_title(loc="left") for one in two] == ["(a) One", "(b) Two"]
    with pytest.raises(DataError, match="no column lower"):
        event_study_figure(STUDY.drop(columns="lower"))
