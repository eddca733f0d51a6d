"""Figure of a specification curve: what is drawn, refusals, same bytes."""

from __future__ import annotations

import io
from typing import Any

import pytest

import ccec_econ as ce
from ccec_econ.errors import DataError
from ccec_econ.report import curve_figure


def curve(**more: Any) -> ce.SpecificationCurve:
    """Eight specifications."""
    given: dict[str, Any] = {
        "outcome": "growth",
        "focus": "digital",
        "controls": ["hsr", "rd"],
        "weights": ce.weights.contiguity(),
        "models": ["ols", "sdm"],
    }
    data = ce.data.load_panel(years=(2011, 2019))
    return ce.specification_curve(data, **(given | more))


def test_rows_are_terms_and_options_with_a_mark_for_each_specification() -> None:
    found = curve()
    figure = curve_figure(found, labels={"hsr": "Rail", "model": "Estimator"}, note="Made up.")
    above, below = figure.axes
    rows = [text.get_text() for text in below.get_yticklabels()]
    assert rows == ["Rail", "rd", "none", "W", "ols", "sdm"]
    assert [text.get_text() for text in below.texts] == ["Controls", "Weights", "Estimator"]
    marks = [len(lines.get_segments()) for lines in below.collections]
    # eight specifications: half hold each term, half are of each model; two colours per row
    assert [a + b for a, b in zip(marks[::2], marks[1::2], strict=True)] == [4] * 6
    drawn = [y for line in above.lines[:2] for y in line.get_ydata()]
    assert sorted(drawn) == pytest.approx(sorted(found.frame["estimate"]))
    assert figure.caption == "8 specifications, 95 % intervals. Made up."


def test_listed_sets_are_shown_by_label_and_failures_counted() -> None:
    found = curve(controls={"few": [], "many": ["hsr", "rd"]}, quantity="indirect")
    figure = curve_figure(found)
    assert [text.get_text() for text in figure.axes[1].get_yticklabels()][:2] == ["few", "many"]
    assert "2 more could not be estimated." in figure.caption


def test_one_specification_has_no_choices() -> None:
    assert len(curve_figure(curve(controls=[], models="ols")).axes) == 1


def test_too_many_options_are_refused() -> None:
    sets = {f"set {k}": ["hsr"] for k in range(17)}
    with pytest.raises(DataError, match="17 options of controls"):
        curve_figure(curve(controls=sets, models="ols"))


def test_same_bytes() -> None:
    files = []
    for _ in range(2):
        out = io.BytesIO()
        curve_figure(curve(controls=["hsr"])).savefig(out, format="svg")
        files.append(out.getvalue())
    assert files[0] == files[1]
