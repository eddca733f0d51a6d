"""Figure of a recentred treatment: panels, what is drawn, refusals, same bytes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ccec_econ.causal import recentre, recentred_regression
from ccec_econ.errors import AlignmentError
from ccec_econ.report import placement_figure
from network_shocks import network, outcome, panel


def parts():
    net, rng = network(2, units=12), np.random.default_rng(0)
    frames = [net.access(rng.permutation(8)) for _ in range(60)]
    access = recentre(frames[0], frames[1:], name="access")
    found = recentred_regression(panel(outcome(rng, net, frames[0], 1.0, 0.0)), "y", access)
    places = pd.DataFrame({"lon": rng.uniform(102, 108, 12), "lat": rng.uniform(28, 32, 12)})
    roles = pd.Series(["core", "hollow", "secondary", "other"] * 3)
    return access, found, places, roles


def test_panels_show_changes_and_the_test() -> None:
    access, found, places, roles = parts()
    figure = placement_figure(access, found, places, roles, what="Access", note="Made up.")
    scatter, chart, test = figure.axes[:3]
    change = access.realised.iloc[-1] - access.realised.iloc[0]
    drawn = np.concatenate([line.get_ydata() for line in scatter.lines[:4]])
    assert sorted(drawn) == pytest.approx(sorted(change))
    assert len(chart.collections[0].get_offsets()) == 12
    assert test.lines[0].get_xdata()[0] == pytest.approx(found.estimate)
    assert sum(patch.get_height() for patch in test.patches) == 59
    assert figure.caption == "Made up."


def test_refusals() -> None:
    access, found, places, roles = parts()
    with pytest.raises(AlignmentError, match="no place for 11"):
        placement_figure(access, found, places.drop(index=11), roles)
    with pytest.raises(AlignmentError, match="no role for 0"):
        placement_figure(access, found, places, roles.drop(index=0))


def test_same_figure_same_bytes(tmp_path) -> None:
    for name in ("one.svg", "two.svg"):
        placement_figure(*parts()).savefig(tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
