"""Forest figure: panels, cut intervals, refusals, same bytes."""

from __future__ import annotations

import pandas as pd
import pytest

from ccec_econ.errors import DataError
from ccec_econ.report import forest_figure


def frame() -> pd.DataFrame:
    index = pd.MultiIndex.from_product(
        [["x", "z"], ["direct", "indirect"], ["near", "far", "averaged"], ["delta", "posterior"]]
    )
    out = pd.DataFrame({"estimate": 1.0, "lower": 0.0, "upper": 2.0}, index=index)
    out.loc[("x", "direct", "far", "posterior"), "upper"] = 90.0
    return out.drop(index=[("x", "direct", "averaged", "delta")])


def test_panels_hold_terms_and_effects_and_cut_long_intervals() -> None:
    figure = forest_figure(frame(), labels={"x": "Digital"}, unit="points", note="Made up.")
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "(a) Digital, direct",
        "(b) z, direct",
        "(c) Digital, indirect",
        "(d) z, indirect",
    ]
    assert figure.axes[0].get_xlim()[1] < 3.0
    arrows = [line for line in figure.axes[0].lines if line.get_marker() == ">"]
    assert sorted(len(line.get_xdata()) for line in arrows) == [0, 1]
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == [
        "near",
        "far",
        "averaged",
    ]


def test_refusals() -> None:
    with pytest.raises(DataError, match="no column lower"):
        forest_figure(frame().drop(columns="lower"))
    with pytest.raises(DataError, match="index of 3 levels"):
        forest_figure(frame().droplevel(3))


def test_same_figure_same_bytes(tmp_path) -> None:
    for name in ("one.svg", "two.svg"):
        forest_figure(frame()).savefig(tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
