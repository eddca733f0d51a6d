"""Autocorrelation, centre, gravity and specialisation: by hand, against esda, reversals."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from esda import Moran

from ccec_econ import data, structure, weights
from ccec_econ.errors import AlignmentError, PanelError

EXACT = 1e-12


@pytest.fixture(scope="module")
def city() -> pd.DataFrame:
    return data.load_panel(years=(2020, 2022))


def one_year(**columns: list[float]) -> pd.DataFrame:
    units = list("abcd"[: len(next(iter(columns.values())))])
    index = pd.MultiIndex.from_product([units, [2020]], names=["unit", "year"])
    return pd.DataFrame(columns, index=index)


def path_of(units: str) -> object:
    """Weights of units in a row, each a neighbour of the next."""
    n = len(units)
    near = np.abs(np.subtract.outer(range(n), range(n))) == 1
    return weights.row_standardise(weights.from_matrix(near.astype(float), list(units)))


@pytest.mark.filterwarnings("ignore")  # esda and numba announce changes of their own
def test_moran_is_that_of_esda(city: pd.DataFrame) -> None:
    W = weights.contiguity()
    found = structure.moran_by_year(city, "ln_gdp_pc", W, draws=99)
    for year, row in found.iterrows():
        values = city.xs(year, level="year")["ln_gdp_pc"].reindex(W.unique_ids).to_numpy()
        peer = Moran(values, W, permutations=0)
        assert row["moran"] == pytest.approx(peer.I, abs=EXACT)
        assert row["expected"] == pytest.approx(peer.EI, abs=EXACT)


def test_moran_of_alternating_values_is_minus_one_and_tells_order() -> None:
    panel = one_year(y=[1.0, -1.0, 1.0, -1.0])
    found = structure.moran_by_year(panel, "y", path_of("abcd"), draws=99)  # type: ignore[arg-type]
    assert found.loc[2020, "moran"] == pytest.approx(-1.0)
    shuffled = panel.iloc[[2, 0, 3, 1]]
    again = structure.moran_by_year(shuffled, "y", path_of("abcd"), draws=99)  # type: ignore[arg-type]
    pd.testing.assert_frame_equal(found, again)


def test_permutation_p_of_unrelated_values_is_uniform_enough() -> None:
    rng = np.random.default_rng(4)
    units = [f"u{i:02d}" for i in range(20)]
    near = np.abs(np.subtract.outer(range(20), range(20))) == 1
    W = weights.row_standardise(weights.from_matrix(near.astype(float), units))
    years = range(1800, 2100)
    index = pd.MultiIndex.from_product([units, years], names=["unit", "year"])
    panel = pd.DataFrame({"y": rng.standard_normal(len(index))}, index=index)
    p = structure.moran_by_year(panel, "y", W, draws=99)["pvalue"]
    assert 0.02 < (p <= 0.05).mean() < 0.09
    assert 0.40 < p.mean() < 0.60


def test_local_moran_averages_to_the_global(city: pd.DataFrame) -> None:
    W = weights.contiguity()
    local = structure.local_moran(city, "ln_gdp_pc", W, 2022, draws=99)
    overall = structure.moran_by_year(city, "ln_gdp_pc", W, draws=9).loc[2022, "moran"]
    # esda divides by N - 1 where the global I divides by N
    assert local["local"].sum() / 15 == pytest.approx(overall, rel=1e-9)
    assert (local["adjusted"] >= local["pvalue"] - EXACT).all()
    again = structure.local_moran(city, "ln_gdp_pc", W, 2022, draws=99)
    pd.testing.assert_frame_equal(local, again)
    own = local["value"] > local["value"].mean()
    assert (local["quadrant"].str.startswith("high") == own).all()


def test_centre_and_ellipse_by_hand() -> None:
    # three weights on the equator: 0, 0, 1 degrees east weigh 1, 1, 2
    panel = one_year(y=[1.0, 1.0, 2.0])
    units = pd.DataFrame({"lon": [0.0, 0.0, 1.0], "lat": [0.0, 0.0, 0.0]}, index=list("abc"))
    row = structure.centre_track(panel, "y", units, draws=9).frame.loc[2020]
    km = 6371.0088 * math.pi / 180
    assert row["lon"] == pytest.approx(0.5)
    assert row["long_km"] == pytest.approx(math.sqrt(2.0) * 0.5 * km, rel=1e-9)
    assert row["short_km"] == pytest.approx(0.0, abs=1e-6)
    assert row["angle"] == pytest.approx(90.0)  # along the equator
    turned = units.rename(columns={"lon": "lat", "lat": "lon"})
    north = structure.centre_track(panel, "y", turned, draws=9).frame.loc[2020]
    assert north["angle"] % 180.0 == pytest.approx(0.0, abs=1e-6)


def test_ellipse_is_that_of_the_textbook_formula(city: pd.DataFrame) -> None:
    units = data.load_units("city")
    row = structure.centre_track(city, "gdp", units, draws=9).frame.loc[2022]
    w = city.xs(2022, level="year")["gdp"]
    lon0, lat0 = units["lon"].mean(), units["lat"].mean()
    km = 6371.0088 * math.pi / 180
    x = (units["lon"] - lon0) * km * math.cos(math.radians(lat0))
    y = (units["lat"] - lat0) * km
    x, y = x - np.average(x, weights=w), y - np.average(y, weights=w)
    a, b, c = (w * x**2).sum(), (w * y**2).sum(), (w * x * y).sum()
    theta = math.atan2(a - b + math.sqrt((a - b) ** 2 + 4 * c**2), 2 * c)
    one = math.sqrt(2 * (w * (x * math.cos(theta) - y * math.sin(theta)) ** 2).sum() / w.sum())
    two = math.sqrt(2 * (w * (x * math.sin(theta) + y * math.cos(theta)) ** 2).sum() / w.sum())
    assert row["long_km"] == pytest.approx(max(one, two), rel=1e-9)
    assert row["short_km"] == pytest.approx(min(one, two), rel=1e-9)
    assert row["angle"] == pytest.approx(math.degrees(theta) % 180.0, rel=1e-9)


def test_centre_moves_towards_what_grows(city: pd.DataFrame) -> None:
    units = data.load_units("city")
    shifted = city.copy()
    chengdu_later = (shifted.index.get_level_values("unit") == "510100") & (
        shifted.index.get_level_values("year") > 2020
    )
    shifted.loc[chengdu_later, "gdp"] *= 3.0
    found = structure.centre_track(shifted, "gdp", units, draws=19)
    target = units.loc["510100", ["lon", "lat"]].astype(float)
    away = (found.frame[["lon", "lat"]] - target).pow(2).sum(axis=1)
    assert away.loc[2021] < away.loc[2020]
    assert found.draws.loc[2021].shape == (19, 2)
    assert math.isnan(found.frame["moved_km"].iloc[0])


def test_gravity_by_hand() -> None:
    panel = one_year(g=[4.0, 1.0], p=[1.0, 1.0])
    km = pd.DataFrame([[0.0, 2.0], [2.0, 0.0]], list("ab"), list("ab"))
    found = structure.gravity(panel, "g", "p", km, 2020)
    # masses 2 and 1, distance 2: 2 * 1 / 4 = .5, of which 4/5 one way and 1/5 the other
    assert found.flows.loc["a", "b"] == pytest.approx(0.4)
    assert found.flows.loc["b", "a"] == pytest.approx(0.1)
    assert found.strength.loc["a"].tolist() == pytest.approx([0.4, 0.1, 0.3])
    assert found.density == pytest.approx(0.5)
    assert found.top_share == pytest.approx(0.8)


def test_krugman_and_similarity_by_hand() -> None:
    panel = one_year(a=[100.0, 50.0], b=[1e-9, 50.0], gdp=[1.0, 1.0])
    k = structure.krugman(panel, ["a", "b"], "gdp").loc[2020]
    assert k.tolist() == pytest.approx([1.0, 1.0], abs=1e-8)  # two units: distance of the two
    s = structure.similarity(panel, ["a", "b"], 2020)
    assert s.loc["a", "b"] == pytest.approx(math.sqrt(0.5), abs=1e-8)
    alike = one_year(a=[30.0, 30.0, 30.0], b=[70.0, 70.0, 70.0], gdp=[1.0, 5.0, 9.0])
    assert structure.krugman(alike, ["a", "b"], "gdp").to_numpy() == pytest.approx(0.0, abs=EXACT)


def test_bad_input_is_refused(city: pd.DataFrame) -> None:
    W, km = weights.contiguity(), weights.distances()
    with pytest.raises(PanelError, match="year 1990 is not in the panel"):
        structure.local_moran(city, "ln_gdp_pc", W, 1990)
    with pytest.raises(PanelError, match="the same everywhere in 2020"):
        structure.moran_by_year(city.assign(one=1.0), "one", W)
    with pytest.raises(PanelError, match="'digital': values missing in 2020, 2021, 2022"):
        structure.moran_by_year(city, "digital", W)
    with pytest.raises(AlignmentError):
        structure.moran_by_year(city, "ln_gdp_pc", weights.contiguity("county"))
    with pytest.raises(AlignmentError, match="no coordinates for 510100"):
        structure.centre_track(city, "gdp", data.load_units("city").drop("510100"))
    with pytest.raises(PanelError, match="year 1990"):
        structure.gravity(city, "gdp", "pop", km, 1990)
    with pytest.raises(AlignmentError, match="no separation for 500000"):
        structure.gravity(city, "gdp", "pop", km.drop("500000"), 2022)
    with pytest.raises(AlignmentError, match="not a positive number"):
        structure.gravity(city, "gdp", "pop", km * 0.0, 2022)
    with pytest.raises(PanelError, match="not 100"):
        structure.krugman(city, ["share2", "share3"], "gdp")
    with pytest.raises(PanelError, match="at least two sectors"):
        structure.krugman(city, ["share2"], "gdp")
    full = city.assign(share1=100.0 - city["share2"] - city["share3"])
    with pytest.raises(PanelError, match="year 1990"):
        structure.similarity(full, ["share1", "share2", "share3"], 1990)
