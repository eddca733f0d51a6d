"""Inequality and its parts: worked by hand, against the inequality package, reversals."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inequality.atkinson import atkinson
from inequality.gini import Gini
from inequality.theil import Theil, TheilD

from ccec_econ import circle, convergence
from ccec_econ.convergence import measures
from ccec_econ.data import load_panel
from ccec_econ.errors import AlignmentError, PanelError

EXACT = 1e-12
ROLES = {"a": "core", "b": "core", "c": "hollow", "d": "other"}
LEVELS = {"province": circle.partition("province"), "role": circle.roles()}

pysal = pytest.mark.filterwarnings("ignore:Setting the shape:DeprecationWarning")  # on NumPy 2.5


def panel_of(year: int = 2010, **columns: list[float]) -> pd.DataFrame:
    """Units a, b, ... in one year."""
    units = list("abcdefgh"[: len(next(iter(columns.values())))])
    index = pd.MultiIndex.from_product([units, [year]], names=["unit", "year"])
    return pd.DataFrame(columns, index=index)


@pytest.fixture
def four() -> pd.DataFrame:
    return panel_of(y=[12.5, 7.5, 5.0, 5.0], p=[4.0, 4.0, 2.0, 2.0])


@pytest.fixture(scope="module")
def city() -> pd.DataFrame:
    return load_panel(years=(2010, 2022))


def value(panel: pd.DataFrame, name: str, **options: object) -> float:
    return float(convergence.dispersion(panel, "y", name, **options).iloc[0])  # type: ignore[arg-type]


def test_measures_by_hand() -> None:
    two = panel_of(y=[1.0, 3.0], p=[3.0, 1.0])
    assert value(two, "cv") == pytest.approx(0.5, abs=EXACT)  # sd 1, mean 2
    assert value(two, "cv", population="p") == pytest.approx(math.sqrt(0.75) / 1.5, abs=EXACT)
    assert value(two, "gini") == pytest.approx(0.25, abs=EXACT)  # 2 * (1/4) * 2 / (2 * 2)
    # weights 3/4, 1/4: 2 * 3/16 * 2 / (2 * 1.5)
    assert value(two, "gini", population="p") == pytest.approx(0.25, abs=EXACT)
    assert value(two, "atkinson", aversion=1.0) == pytest.approx(1 - math.sqrt(3) / 2, abs=EXACT)
    half = ((1 + math.sqrt(3)) / 2) ** 2 / 2
    assert value(two, "atkinson", aversion=0.5) == pytest.approx(1 - half, abs=EXACT)
    assert value(two, "theil") == pytest.approx(
        0.25 * math.log(0.5) + 0.75 * math.log(1.5), abs=EXACT
    )


@pysal
def test_measures_are_those_of_pysal(city: pd.DataFrame) -> None:
    for year in (2010, 2016, 2022):
        y = city.xs(year, level="year")["gdp_pc"].to_numpy()
        one = city.xs(year, level="year", drop_level=False).rename(columns={"gdp_pc": "y"})
        assert value(one, "gini") == pytest.approx(Gini(y).g, abs=EXACT)
        assert value(one, "theil") == pytest.approx(float(Theil(y).T), abs=EXACT)
        for e in (0.5, 1.0, 2.0):
            assert value(one, "atkinson", aversion=e) == pytest.approx(atkinson(y, e), abs=EXACT)


@given(
    y=st.lists(st.floats(0.1, 100.0), min_size=2, max_size=8),
    scale=st.floats(0.01, 100.0),
    seed=st.integers(0, 10**6),
)
def test_measures_ignore_units_of_measurement_order_and_doubling(
    y: list[float], scale: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    values = np.array(y)
    w = rng.dirichlet(np.ones(len(y)))
    order = rng.permutation(len(y))
    for name in measures.MEASURES:
        compute = measures.measure(name)
        base = compute(values, w)
        slack = 1e-7  # sqrt of rounding where all values are alike
        assert compute(scale * values, w) == pytest.approx(base, abs=slack)
        assert compute(values[order], w[order]) == pytest.approx(base, abs=slack)
        doubled = compute(np.tile(values, 2), np.tile(w, 2) / 2.0)
        assert doubled == pytest.approx(base, abs=slack)
        equal = compute(np.full_like(values, 3.0), w)
        assert equal == pytest.approx(0.0, abs=slack)
        # splitting a unit in two with the same value per head changes nothing
        halves = np.append(w, w[0] / 2.0)
        halves[0] = w[0] / 2.0
        split = compute(np.append(values, values[0]), halves)
        assert split == pytest.approx(base, abs=slack)


def test_theil_by_hand(four: pd.DataFrame) -> None:
    # totals 50 30 10 10: s = .5 .3 .1 .1; p = 1/3 1/3 1/6 1/6; ratios 1.5 .9 .6 .6
    total = 0.5 * math.log(1.5) + 0.3 * math.log(0.9) + 0.2 * math.log(0.6)
    # groups: core .8 of y, 2/3 of p; hollow .1, 1/6; other .1, 1/6
    between = 0.8 * math.log(1.2) + 0.2 * math.log(0.6)
    # inside the cores s = 5/8, 3/8 and p = 1/2, 1/2; the other groups have one unit
    within = 0.8 * (5 / 8 * math.log(5 / 4) + 3 / 8 * math.log(3 / 4))
    parts = convergence.theil_nested(four, "y", "p", {"role": ROLES}).loc[2010]
    assert parts["total"] == pytest.approx(total, abs=EXACT)
    assert parts["role"] == pytest.approx(between, abs=EXACT)
    assert parts["units"] == pytest.approx(within, abs=EXACT)


def test_nested_theil_parts_add_up_and_agree_with_one_level(city: pd.DataFrame) -> None:
    parts = convergence.theil_nested(city, "gdp_pc", "pop", LEVELS)
    assert np.abs(parts["total"] - parts.drop(columns="total").sum(axis=1)).max() < EXACT
    assert (parts > -EXACT).all(axis=None)
    outer = convergence.theil_nested(city, "gdp_pc", "pop", {"province": LEVELS["province"]})
    assert np.allclose(parts["province"], outer["province"], atol=EXACT)
    crossed = pd.Series(LEVELS["province"] + LEVELS["role"])
    inner = convergence.theil_nested(city, "gdp_pc", "pop", {"both": crossed})
    assert np.allclose(parts["units"], inner["units"], atol=EXACT)
    weighted = convergence.dispersion(city, "gdp_pc", "theil", population="pop")
    assert np.allclose(parts["total"], weighted, atol=EXACT)


@pysal
def test_theil_with_equal_populations_is_that_of_pysal(city: pd.DataFrame) -> None:
    roles = circle.roles()
    parts = convergence.theil_nested(city.assign(one=1.0), "gdp_real", "one", {"role": roles})
    wide = city["gdp_real"].unstack("year")
    peer = TheilD(wide.to_numpy(), roles.loc[wide.index].to_numpy())
    assert np.allclose(parts["total"], peer.T, atol=EXACT)
    assert np.allclose(parts["role"], peer.bg, atol=EXACT)
    assert np.allclose(parts["units"], peer.wg, atol=EXACT)


def test_change_of_theil_adds_up_both_ways(city: pd.DataFrame) -> None:
    table = convergence.theil_change(city, "gdp_pc", "pop", LEVELS, years=(2010, 2022))
    assert np.allclose(table["income"] + table["people"], table["change"], atol=EXACT)
    parts = table.drop(index="total").sum()
    assert np.allclose(parts, table.loc["total"], atol=EXACT)
    still = city.copy()
    still["pop"] = still.groupby("unit")["pop"].transform("first")
    unmoved = convergence.theil_change(still, "gdp_pc", "pop", LEVELS, years=(2010, 2022))
    assert np.abs(unmoved["people"]).max() < EXACT


def test_people_that_leave_their_output_behind_close_the_gap() -> None:
    # totals 30 and 10 stand still; residents go from 10, 10 to 15, 5: both end at 2 per head
    index = pd.MultiIndex.from_product([["a", "b"], [2010, 2020]], names=["unit", "year"])
    panel = pd.DataFrame({"y": [3.0, 2.0, 1.0, 2.0], "p": [10.0, 15.0, 10.0, 5.0]}, index=index)
    whole = {"all": {"a": "x", "b": "x"}}
    theil = 0.75 * np.log(1.5) + 0.25 * np.log(0.5)
    found = convergence.theil_change(panel, "y", "p", whole, years=(2010, 2020), kept="total")
    assert found.loc["total", "people"] == pytest.approx(-theil, abs=EXACT)
    assert found.loc["total", "income"] == pytest.approx(0.0, abs=EXACT)
    heads = convergence.theil_change(panel, "y", "p", whole, years=(2010, 2020))
    # weights alone: at incomes 3 and 1 the index changes, at 2 and 2 it is zero either way
    later = 0.9 * np.log(0.9 / 0.75) + 0.1 * np.log(0.1 / 0.25)
    assert heads.loc["total", "people"] == pytest.approx((later - theil) / 2, abs=EXACT)
    with pytest.raises(ValueError, match="kept 'gdp': unknown"):
        convergence.theil_change(panel, "y", "p", whole, years=(2010, 2020), kept="gdp")  # type: ignore[arg-type]


def test_dagum_by_hand() -> None:
    # groups 1, 3 and 2, 6: means 2 and 4; all pairs of the two: 1 5 1 3, sum 10
    panel = panel_of(y=[1.0, 3.0, 2.0, 6.0])
    found = convergence.dagum(panel, "y", {"a": "x", "b": "x", "c": "z", "d": "z"})
    pairs = found.pairs.loc[2010]
    assert pairs.loc[("x", "x"), "gini"] == pytest.approx(0.25)  # 2 / 2 / (2 * 2)... mean diff 1
    assert pairs.loc[("x", "z"), "gini"] == pytest.approx(2.5 / 6)
    # leads of z over x: 1 5 0 3, mean 9/4; of x over z: 1/4
    assert pairs.loc[("x", "z"), "distance"] == pytest.approx((9 / 4 - 1 / 4) / (10 / 4))
    parts = found.frame.loc[2010]
    y = np.array([1.0, 3.0, 2.0, 6.0])
    gini = np.abs(y[:, None] - y).mean() / (2 * y.mean())
    assert parts["total"] == pytest.approx(gini, abs=EXACT)
    between = 2.5 / 6 * (0.5 * 2 / 3 + 0.5 * 1 / 3)
    assert parts["net_between"] == pytest.approx(between * 0.8, abs=EXACT)
    assert parts["overlap"] == pytest.approx(between * 0.2, abs=EXACT)


@pytest.mark.parametrize("population", [None, "pop"])
def test_dagum_parts_add_to_the_gini(city: pd.DataFrame, population: str | None) -> None:
    found = convergence.dagum(city, "gdp_pc", circle.roles(), population=population).frame
    plain = convergence.dispersion(city, "gdp_pc", "gini", population=population)
    assert np.abs(found["total"] - plain).max() < EXACT
    assert np.abs(found["total"] - found.drop(columns="total").sum(axis=1)).max() < EXACT


def test_groups_that_do_not_overlap_have_distance_one() -> None:
    found = convergence.dagum(panel_of(y=[1.0, 2.0, 8.0, 9.0]), "y", {**ROLES, "c": "z", "d": "z"})
    assert found.pairs.loc[(2010, "core", "z"), "distance"] == pytest.approx(1.0)
    assert found.frame.loc[2010, "overlap"] == pytest.approx(0.0, abs=EXACT)


def test_intervals_hold_the_estimate_and_repeat(city: pd.DataFrame) -> None:
    recent = city.loc[(slice(None), [2010, 2022]), :]
    first = convergence.dispersion_intervals(recent, "gdp_pc", "gini", draws=199)
    again = convergence.dispersion_intervals(recent, "gdp_pc", "gini", draws=199)
    pd.testing.assert_frame_equal(first, again)
    assert (first["lower"] < first["estimate"]).all()
    assert (first["estimate"] < first["upper"]).all()
    other = convergence.dispersion_intervals(recent, "gdp_pc", "gini", draws=199, rng=1)
    assert not np.allclose(first["lower"], other["lower"])
    strata = convergence.dispersion_intervals(
        recent, "gdp_pc", "theil", population="pop", strata=circle.roles(), draws=199
    )
    assert (strata["lower"] < strata["upper"]).all()


def test_a_stratum_of_one_unit_is_refused(four: pd.DataFrame) -> None:
    with pytest.raises(AlignmentError, match="strata hollow, other hold one unit each"):
        convergence.dispersion_intervals(four, "y", "cv", strata=ROLES, draws=19)


@pytest.mark.slow
def test_intervals_cover_the_gini_of_a_population() -> None:
    # log-normal units: Gini = 2 Phi(s / sqrt 2) - 1, with s = .5: .2763; 30 units, as bootstrap
    # intervals of dispersion cover too little with 16
    rng = np.random.default_rng(11)
    truth, hits, reps = 0.27632639, 0, 200
    for _ in range(reps):
        y = np.exp(0.5 * rng.standard_normal(30))
        index = pd.MultiIndex.from_product([range(30), [2010]], names=["unit", "year"])
        found = convergence.dispersion_intervals(
            pd.DataFrame({"y": y}, index=index), "y", "gini", draws=499, rng=rng
        ).iloc[0]
        hits += found["lower"] <= truth <= found["upper"]
    assert 0.86 <= hits / reps <= 0.98


def test_bad_input_is_refused(four: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="choose one of sigma, cv, gini, theil, atkinson"):
        convergence.dispersion(four, "y", "variance")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="aversion above zero"):
        convergence.dispersion(four, "y", "atkinson", aversion=0.0)
    with pytest.raises(PanelError, match="1 unit; give at least two"):
        convergence.dispersion(four.loc[["a"]], "y")
    with pytest.raises(ValueError, match="need 0 < level < 1"):
        convergence.dispersion_intervals(four, "y", level=95.0)
    with pytest.raises(AlignmentError, match="give at least one"):
        convergence.theil_nested(four, "y", "p", {})
    with pytest.raises(AlignmentError, match="call none 'total' or 'units'"):
        convergence.theil_nested(four, "y", "p", {"units": ROLES})
    with pytest.raises(AlignmentError, match=r"none for 1 units \(d\)"):
        convergence.theil_nested(four, "y", "p", {"role": dict.fromkeys("abc", "x")})
    with pytest.raises(PanelError, match="years 2009 are not in the panel"):
        convergence.theil_change(four, "y", "p", {"role": ROLES}, years=(2009, 2010))
    with pytest.raises(AlignmentError, match=r"one only \(x\)"):
        convergence.dagum(four, "y", dict.fromkeys("abcd", "x"))
    with pytest.raises(PanelError, match=r"1 values not positive \(b 2010\)"):
        convergence.dagum(four.assign(y=[1.0, 0.0, 1.0, 1.0]), "y", ROLES)
