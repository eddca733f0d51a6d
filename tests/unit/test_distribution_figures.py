"""The ridge, the stochastic kernel and the transition paths as drawn."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.errors import AlignmentError, PanelError
from ccec_econ.report.paths import _spread


@pytest.fixture(scope="module")
def city() -> pd.DataFrame:
    return ce.data.load_panel(years=(2010, 2022))


def test_ridge_and_kernel(city: pd.DataFrame) -> None:
    found = ce.convergence.densities(city, "gdp_pc")
    kernel = ce.convergence.stochastic_kernel(city, "gdp_pc")
    figure = ce.report.distribution_figure(found, kernel, what="Value", note="A note.")
    ridge, later = figure.axes
    assert figure.caption == "A note."
    assert len(ridge.lines) == 2 * 13 + 1  # a curve and ticks a year, and the mean
    assert later.get_ylabel() == "5 years later"
    first, second = io.BytesIO(), io.BytesIO()
    figure.savefig(first, format="png")
    figure.savefig(second, format="png")
    assert first.getvalue() == second.getvalue()


def test_too_many_years_are_refused(city: pd.DataFrame) -> None:
    found = ce.convergence.densities(city, "gdp_pc", points=16)
    many = type(found)(pd.concat([found.frame] * 3), found.values, found.bandwidths, found.rule)
    with pytest.raises(PanelError, match="ridge of 39 years"):
        ce.report.distribution_figure(many, ce.convergence.stochastic_kernel(city, "gdp_pc"))


def test_paths(city: pd.DataFrame) -> None:
    h = ce.convergence.transition_paths(city, "gdp_pc")
    roles = ce.circle.roles().to_dict()
    figure = ce.report.paths_figure({"(a)": h}, roles, names={"510100": "Chengdu"}, note="N.")
    ax = figure.axes[0]
    assert len(ax.lines) == 17
    assert "Chengdu" in [text.get_text() for text in ax.texts]
    solid = [line for line in ax.lines if line.get_linewidth() == 1.8]
    assert len(solid) == 2
    with pytest.raises(PanelError, match="none given"):
        ce.report.paths_figure({}, roles)
    with pytest.raises(PanelError, match="values missing for 510100"):
        ce.report.paths_figure({"(a)": h.assign(**{"510100": np.nan})}, roles)
    with pytest.raises(AlignmentError, match="roles: none for 500000"):
        ce.report.paths_figure({"(a)": h}, {k: v for k, v in roles.items() if k != "500000"})


def test_labels_stand_apart() -> None:
    placed = _spread(np.array([0.1, 0.1, 0.11, 0.5, 0.9]))
    assert (np.diff(placed) > 0.0349).all()
    assert placed[3:] == pytest.approx([0.5, 0.9])
