"""Access and weights by year, and the openings that could have been."""

from __future__ import annotations

from math import factorial

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ import rail
from ccec_econ.data import load_census, load_units
from ccec_econ.errors import AlignmentError, DataError, IdentificationError
from ccec_econ.rail.counterfactual import BRANCHES
from ccec_econ.rail.lines import great_circle

YEARS = range(2008, 2023)


def test_access_is_the_sum_over_times_of_the_year() -> None:
    mass = rail.masses("residents", 2010, "city")
    found = rail.access([2014, 2016], "city", decay=1.5)
    for year in (2014, 2016):
        t = rail.travel_times(year, "city")
        by_hand = sum(mass[u] * t.loc["511000", u] ** -1.5 for u in mass.index if u != "511000")
        assert found.loc[year, "511000"] == pytest.approx(np.log(by_hand), rel=1e-12)
    level = rail.access([2014, 2016], "city", decay=1.5, log=False)
    np.testing.assert_allclose(np.log(level), found)


@pytest.mark.parametrize("layer", ["city", "county"])
def test_access_never_falls_and_keeps_its_masses(layer: ce.circle.Layer) -> None:
    found = rail.access(YEARS, layer)
    assert found.index.tolist() == list(YEARS)
    assert found.columns.equals(load_units(layer).index)
    assert (found.diff().iloc[1:] >= 0.0).all(axis=None)
    assert (found.loc[2022] > found.loc[2008]).all()
    assert (found.loc[2008] == found.loc[2009]).all()  # nothing counts before 2010
    doubled = rail.access(YEARS, layer, mass=2.0 * rail.masses(layer=layer))
    np.testing.assert_allclose(doubled - found, np.log(2.0))


def test_masses() -> None:
    county = rail.masses()
    census = load_census()["pop_resident"].xs(2010, level="year")
    assert county.sum() == pytest.approx(census.sum())
    whole = county.drop(["511602", "511603"])
    assert (whole == census[whole.index]).all()
    assert county["511603"] / county["511602"] == pytest.approx(
        load_census()["pop_resident"].xs(2020, level="year").loc["511603"]
        / load_census()["pop_resident"].xs(2020, level="year").loc["511602"]
    )
    assert rail.masses("gdp", 2015).notna().all()
    assert rail.masses("night_lights", 2013).gt(0).all()
    for refused, message in (
        (("people", 2010), "mass 'people': unknown"),
        (("gdp", 2010), "mass 'gdp' of 2010: none for"),
        (("residents", 2015), "residents of counties in 2015"),
        (("gdp", 1990), "mass 'gdp' of 1990"),
    ):
        with pytest.raises(DataError, match=message):
            rail.masses(*refused)
    with pytest.raises(AlignmentError, match="no mass for 500101"):
        rail.access([2016], mass=county.drop("500101"))


def test_weights_change_with_the_network_and_enter_the_models() -> None:
    panel = ce.data.load_panel(years=(2011, 2019))
    weights = rail.weights_by_year(range(2011, 2020), "city")
    assert weights[2012] is weights[2013]
    assert weights[2015] is not weights[2016]
    t = rail.travel_times(2016, "city").to_numpy().copy()
    np.fill_diagonal(t, np.inf)
    expected = t**-1.0 / (t**-1.0).sum(axis=1, keepdims=True)
    found = ce.weights.align(weights[2016], load_units("city").index)
    np.testing.assert_allclose(found, expected)
    fit = ce.sdm("growth ~ hsr + rd | unit + year", panel, weights)
    assert np.isfinite(fit.loglik)
    with pytest.raises(DataError, match="decay 0"):
        rail.weights_by_year([2016], decay=0.0)


def test_redrawn_openings() -> None:
    real = rail.openings()
    classes = rail.exchangeable_classes()
    drawn = rail.counterfactual_openings(200, 7)
    pd.testing.assert_frame_equal(drawn, rail.counterfactual_openings(200, 7))
    assert drawn.columns.equals(real.index)
    for label in classes.unique():
        inside = classes.index[classes == label]
        held = np.sort(drawn[inside].to_numpy(), axis=1)
        assert (held == np.sort(real[inside].to_numpy())).all()
    for branch, trunk in BRANCHES.items():
        assert (drawn[branch] >= drawn[trunk]).all()
        assert real[branch] >= real[trunk]
    assert drawn["L08"].nunique() == 5  # every opening of its class
    assert drawn["L08"].value_counts(normalize=True).between(0.1, 0.3).all()
    assert rail.adoption(openings=drawn.iloc[0]).index.equals(load_units("county").index)


def test_redrawn_openings_are_uniform_over_admissible_orders() -> None:
    """L04, L04a, L04b alone: L04 first, so 3!/3 = 2 of 6 orders, each half of the draws."""
    real = rail.openings()
    classes = pd.Series([*real.index], index=real.index)
    classes[["L04", "L04a", "L04b"]] = "one"
    drawn = rail.counterfactual_openings(400, 1, exchangeable=classes)
    assert (drawn["L04"] == real["L04"]).all()
    orders = drawn[["L04a", "L04b"]].value_counts(normalize=True)
    assert len(orders) == factorial(3) // 3
    assert (abs(orders - 0.5) < 4.0 * 0.5 / np.sqrt(400)).all()
    others = [line for line in real.index if line not in ("L04", "L04a", "L04b")]
    assert (drawn[others] == real[others]).all(axis=None)


def test_access_over_draws() -> None:
    drawn = rail.counterfactual_openings(3, 1)
    stacked = rail.access_by_draw(drawn, [2012, 2018], "city")
    assert stacked.shape == (3, 2, 16)
    alone = rail.access([2012, 2018], "city", openings=drawn.iloc[2])
    np.testing.assert_array_equal(stacked[2], alone)
    every = rail.access_by_draw(drawn, [2026], "city")  # all open: the order no longer matters
    np.testing.assert_allclose(every - every[0], 0.0, atol=1e-12)


def test_leaving_a_line_out() -> None:
    without = rail.without_line("L08")
    gain = rail.access([2022], "city") - rail.access([2022], "city", openings=without)
    assert (gain >= 0.0).all(axis=None)
    assert gain.loc[2022, "511000"] > 0.05  # Neijiang lies on it
    assert gain.loc[2022, "511800"] < gain.loc[2022, "511000"]  # Ya'an does not
    assert gain.loc[2022].idxmin() != "511000"
    with pytest.raises(DataError, match="line 'L99'"):
        rail.without_line("L99")


def test_a_line_that_was_never_built() -> None:
    line = rail.fake_line("510500", "511300", "city")  # Luzhou to Nanchong
    ends = [line.stops[0], line.stops[-1]]
    assert [stop.name for stop in ends] == ["Luzhou", "Nanchong"]
    span = great_circle([ends[0].lon], [ends[0].lat], [ends[1].lon], [ends[1].lat])
    assert line.km == pytest.approx(float(span[0, 0]))
    plain, with_fake = (
        rail.travel_times(2018, "city", extra=extra) for extra in (None, {line: 2017})
    )
    assert with_fake.loc["510500", "511300"] < plain.loc["510500", "511300"]
    assert (with_fake <= plain + 1e-9).all(axis=None)
    before = rail.travel_times(2016, "city", extra={line: 2017})
    np.testing.assert_allclose(before, rail.travel_times(2016, "city"))
    wide = rail.fake_line("510524", "511325", corridor_km=40.0)
    assert len(wide.stops) > 2
    with pytest.raises(DataError, match="joined by L08, L19"):
        rail.fake_line("511000", "512000", "city")
    with pytest.raises(DataError, match="joined by L02"):  # Suining is a joined end
        rail.fake_line("510903", "500152")
    with pytest.raises(AlignmentError, match="no units of layer 'city'"):
        rail.fake_line("511000", "x", "city")
    with pytest.raises(DataError, match="same place"):
        rail.fake_line("511700", "511700", "city")
    with pytest.raises(DataError, match="positive numbers"):
        rail.fake_line("510500", "511300", "city", speed=0.0)


def test_each_assumption_moves_access() -> None:
    rows = rail.sensitivity("city")
    assert rows["assumption"].tolist()[0] == "default"
    assert len(rows) == 15
    assert rows.loc[0, ["correlation", "rank_correlation"]].tolist() == pytest.approx([1.0, 1.0])
    by = rows.set_index(["assumption", "value"])["mean_change"]
    assert by["commercial_share", 0.9] > by["commercial_share", 0.6]
    assert by["to_station", 15.0] > by["to_station", 60.0]
    assert by["dwell", 0.0] > by["dwell", 4.0]
    assert by["road_speed", 50.0] > by["road_speed", 90.0]  # slow roads, more to gain
    assert by["change", 0.0] > by["change", 30.0]


def test_refused_draws() -> None:
    with pytest.raises(DataError, match="draws 0"):
        rail.counterfactual_openings(0, 1)
    with pytest.raises(DataError, match="exchangeable 'colour'"):
        rail.exchangeable_classes("colour")  # type: ignore[arg-type]
    real = rail.openings()
    with pytest.raises(AlignmentError, match="L08"):
        rail.counterfactual_openings(
            1, 1, exchangeable=pd.Series("a", index=real.index.drop("L08"))
        )
    alone = pd.Series([*real.index], index=real.index)
    with pytest.raises(IdentificationError, match="nothing can be redrawn"):
        rail.counterfactual_openings(1, 1, exchangeable=alone)


@pytest.mark.parametrize("years", [2012, "2012", ["2012"], [2012.5]])
@pytest.mark.parametrize("verb", [rail.access, rail.weights_by_year, rail.exposure])
def test_years_are_a_list_of_whole_numbers(verb, years: object) -> None:
    with pytest.raises(DataError, match=r"years '?2012.*: give a list or range of whole years"):
        verb(years, "city")


def test_years_of_every_whole_kind() -> None:
    for years in (range(2012, 2014), np.array([2012, 2013]), pd.Index([2012, 2013])):
        assert rail.access(years, "city").index.tolist() == [2012, 2013]
        orders = rail.counterfactual_openings(1, 0)
        assert rail.access_by_draw(orders, iter(years), "city").shape == (1, 2, 16)


def test_mass_is_named_or_by_unit() -> None:
    with pytest.raises(DataError, match="mass is a list: give a Series by unit, or one of resid"):
        rail.access([2012], "city", mass=[1.0] * 16)
