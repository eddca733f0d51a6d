"""Curves side by side: strips of options, shared scale, refusals, same bytes."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccec_econ.errors import DataError
from ccec_econ.report import curve_panels
from ccec_econ.report.curve_panels import strip

CHOICES = {"Model": {"model": ["OLS", "SDM"]}, "Years": {"window": ["early", "late"]}}


def frame(size: int = 12, shift: float = 0.0) -> pd.DataFrame:
    value = np.linspace(-1.0, 1.0, size) + shift
    return pd.DataFrame(
        {
            "estimate": value,
            "lower": value - 0.3,
            "upper": value + 0.3,
            "model": ["OLS", "SDM"] * (size // 2),
            "window": ["early"] * (size // 2) + ["late"] * (size // 2),
        }
    )


@given(st.lists(st.booleans(), min_size=1, max_size=300).filter(any), st.integers(1, 40))
def test_a_strip_has_mean_one(taken: list[bool], bins: int) -> None:
    assert strip(np.array(taken), bins).mean() == pytest.approx(1.0)


def test_an_option_of_the_upper_half_lies_there() -> None:
    assert strip(np.repeat([False, True], 20), 4).tolist() == [0.0, 0.0, 2.0, 2.0]


def test_every_panel_has_a_strip_for_each_option_it_takes_and_one_scale() -> None:
    other = frame(8, shift=2.0).assign(window="late")
    figure = curve_panels({"One": frame(), "Other": other}, CHOICES, note="Made up.")
    curves, strips = figure.axes[::2], figure.axes[1::2]
    assert [len(axes.images) for axes in strips] == [4, 3]
    assert curves[0].get_ylim() == curves[1].get_ylim()
    assert curves[1].get_ylim()[1] > 3.0
    assert [text.get_text() for text in strips[0].texts] == ["Model", "Years"]
    names = [text.get_text() for text in strips[0].get_yticklabels()]
    assert names == ["OLS", "SDM", "early", "late"]
    assert figure.caption == "Made up."


def test_rows_do_not_depend_on_the_order_of_the_frame() -> None:
    images = [
        [image.get_array().tolist() for image in curve_panels({"One": one}, CHOICES).axes[1].images]
        for one in (frame(), frame().iloc[::-1])
    ]
    assert images[0] == images[1]


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(DataError, match="one panel"):
        curve_panels({}, CHOICES)
    with pytest.raises(DataError, match="lacks columns window"):
        curve_panels({"One": frame().drop(columns="window")}, CHOICES)
    with pytest.raises(DataError, match="no specification"):
        curve_panels({"One": frame().iloc[:0]}, CHOICES)


def test_same_bytes() -> None:
    files = []
    for _ in range(2):
        out = io.BytesIO()
        curve_panels({"One": frame()}, CHOICES).savefig(out, format="svg")
        files.append(out.getvalue())
    assert files[0] == files[1]
