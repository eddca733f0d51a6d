"""Heat maps of effects between groups: what the cells print and how they are coloured."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

import ccec_econ as ce
from ccec_econ.errors import DataError
from ccec_econ.report.heat import _fill, heat_figure

PAIRS = pd.MultiIndex.from_product([["core", "hollow"], ["core", "hollow"]], names=["to", "from"])


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "estimate": [1.0, -0.5, -2.0, 0.1],
            "lower": [0.5, -1.5, -3.0, -0.2],
            "upper": [1.5, 0.5, -1.0, 0.4],
        },
        index=PAIRS,
    )


def test_cells_print_estimates_and_intervals(frame) -> None:
    figure = heat_figure({"(a) One": frame, "(b) Two": frame}, marked=[("hollow", "core")])
    said = [text.get_text() for text in figure.axes[0].texts]
    assert said[0::2] == ["1.00", "−0.50", "−2.00", "0.10"]
    assert said[1] == "[0.50, 1.50]"
    bold = [text.get_weight() for text in figure.axes[0].texts][0::2]
    assert bold == ["bold", "normal", "bold", "normal"]
    framed = [patch for patch in figure.axes[0].patches if patch.get_linewidth() > 1.0]
    assert [patch.get_xy() for patch in framed] == [(-0.48, 0.53)]
    assert figure.axes[0].get_title(loc="left") == "(a) One"


def test_colour_says_the_sign_and_is_pale_where_zero_is_inside() -> None:
    def away(*cell: float) -> float:
        return 3.0 - sum(to_rgb(_fill(np.array(cell), 2.0)))

    assert away(-2.0, -3.0, -1.0) > away(-2.0, -5.0, 1.0) > away(0.0, -1.0, 1.0)
    assert away(0.02, 0.01, 0.03) > away(2.0, -1.0, 5.0)
    red, _, blue = to_rgb(_fill(np.array([-1.0, -2.0, -0.5]), 1.0))
    assert red > blue
    red, _, blue = to_rgb(_fill(np.array([1.0, 0.5, 2.0]), 1.0))
    assert blue > red
    assert _fill(np.zeros(3), 0.0) == "#ffffff"


def test_it_takes_the_frame_of_group_effects(sim16) -> None:
    panel, W = sim16
    units = panel.index.get_level_values(0).unique()
    groups = pd.Series(np.where(units < 4, "core", "other"), index=units)
    found = ce.group_effects(ce.slx("y ~ x1 | id + year", panel, W), groups, draws=5)
    assert len(heat_figure({"x1": found.frame.xs("x1", level="term")}).axes[0].texts) == 8


def test_matrices_with_gaps_are_refused(frame) -> None:
    with pytest.raises(DataError, match="no panel given"):
        heat_figure({})
    with pytest.raises(DataError, match="3 rows for 4 pairs"):
        heat_figure({"a": frame.iloc[1:]})
    with pytest.raises(DataError, match="no column upper"):
        heat_figure({"a": frame.drop(columns="upper")})
