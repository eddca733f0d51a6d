"""Figure of placebos: panels, what stands beside the realised statistic, curves, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from ccec_econ.causal import Placebos, power
from ccec_econ.errors import DataError
from ccec_econ.report import PlaceboPanel, placebo_figure
from staggered import drawn_design

PLACEBOS = Placebos("made up", "t", 1.5, np.append(np.linspace(-2, 2, 39), np.nan))


def test_panels_and_power() -> None:
    found = power(drawn_design(np.random.default_rng(0)), [0.0], draws=99)
    panels = [
        PlaceboPanel("Plain", PLACEBOS, "t"),
        PlaceboPanel("Marked", PLACEBOS, "t", {"other": 0.5}, "as said"),
    ]
    figure = placebo_figure(panels, {"twelve": found}, note="Made up.")
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "(a) Plain",
        "(b) Marked",
        "(c) Power",
    ]
    texts = [[text.get_text() for text in axes.texts] for axes in figure.axes]
    # 10 of 39 placebos lie at 1.5 or beyond in absolute value, one failed: (1 + 11) / (1 + 40)
    assert texts[:2] == [["p = 0.293"], ["as said", "other"]]
    sizes, curve = figure.axes[2].lines[0].get_data()
    at = found.at([float(sizes[40]) * found.within_sd])["power"].iloc[0]
    assert float(curve[40]) == pytest.approx(at)
    assert figure.caption == "Made up."


def test_an_odd_number_of_panels_leaves_empty_axes() -> None:
    found = power(drawn_design(np.random.default_rng(0)), [0.0], draws=99)
    figure = placebo_figure([PlaceboPanel("One", PLACEBOS, "t")] * 3, {"twelve": found})
    assert [axes.axison for axes in figure.axes] == [True] * 4 + [False] * 2


def test_refusals() -> None:
    found = power(drawn_design(np.random.default_rng(0)), [0.0], draws=99)
    with pytest.raises(DataError, match="0 panels, 1 curves"):
        placebo_figure([], {"a": found})
    with pytest.raises(DataError, match="1 panels, 4 curves"):
        placebo_figure([PlaceboPanel("One", PLACEBOS, "t")], dict.fromkeys("abcd", found))
