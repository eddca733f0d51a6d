"""Randomisation of first treated periods: by hand, against enumeration, and what is refused."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.causal import Design, Placebos, permute, staggered_design
from ccec_econ.causal.randomise import assess, assignments
from ccec_econ.causal.randomise_estimators import imputation, twfe
from ccec_econ.errors import AlignmentError, IdentificationError
from staggered import drawn_design, dummies


def two_periods(changes: list[float], treated: str) -> Design:
    units = list("abcdefgh"[: len(changes)])
    index = pd.MultiIndex.from_product([units, [1, 2]], names=["unit", "year"])
    data = pd.DataFrame({"y": [v for change in changes for v in (0.0, change)]}, index=index)
    first = pd.Series({unit: 2 if unit in treated else None for unit in units}, dtype="Int64")
    return staggered_design(data, "y", first)


def test_all_assignments_of_one_treated_unit_by_hand() -> None:
    found = permute(two_periods([5.0, 1.0, 2.0, 0.0], "a"), statistic="twfe")
    # 5 - (1 + 2 + 0)/3 = 4, 1 - 7/3 = -4/3, 2 - 6/3 = 0, 0 - 8/3
    assert sorted(found.drawn) == pytest.approx([-8 / 3, -4 / 3, 0.0, 4.0], abs=1e-12)
    assert found.enumerated
    assert found.estimate == found.realised == pytest.approx(4.0)
    assert (found.pvalue, found.above, found.below) == (0.25, 0.25, 1.0)


def test_all_assignments_of_two_treated_units_by_hand() -> None:
    found = permute(two_periods([5.0, 1.0, 2.0, 0.0], "ac"), statistic="twfe")
    # Means of two less means of the other two: ac (7 - 1)/2, ab (6 - 2)/2, ad (5 - 3)/2, mirrors.
    assert sorted(found.drawn) == pytest.approx([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0])
    assert found.pvalue == pytest.approx(2 / 6)
    assert found.above == pytest.approx(1 / 6)


def test_strata_by_hand() -> None:
    design = two_periods([5.0, 1.0, 2.0, 0.0], "ad")
    found = permute(design, statistic="twfe", within={"a": 1, "b": 1, "c": 2, "d": 2})
    # One of a, b and one of c, d: ac (7 - 1)/2, ad (5 - 3)/2, bc (3 - 5)/2, bd (1 - 7)/2.
    assert sorted(found.drawn) == pytest.approx([-3.0, -1.0, 1.0, 3.0])
    assert found.pvalue == 1.0


def test_strata_whose_units_do_not_stand_together() -> None:
    design = two_periods([5.0, 1.0, 2.0, 0.0], "ab")
    found = permute(design, statistic="twfe", within={"a": 1, "b": 2, "c": 2, "d": 1})
    # One of a, d and one of b, c: ab (6 - 2)/2, ac (7 - 1)/2, db (1 - 7)/2, dc (2 - 6)/2.
    assert sorted(found.drawn) == pytest.approx([-3.0, -2.0, 2.0, 3.0])
    assert found.pvalue == 1.0


def test_sampled_assignments_keep_the_counts_of_strata() -> None:
    adoption = np.array([2.0, np.inf] * 6 + [3.0] * 2 + [np.inf] * 6)
    strata = [np.arange(0, 20, 2), np.arange(1, 20, 2)]
    other, listed = assignments(adoption, strata, 50, np.random.default_rng(0))
    assert not listed
    for places in strata:
        assert (np.sort(other[:, places]) == np.sort(adoption[places])).all()
    assert len(np.unique(other, axis=0)) > 40


@pytest.mark.parametrize("statistic", ["twfe_t", "imputation_t"])
def test_enumeration_equals_all_orders_of_units(statistic: str) -> None:
    design = drawn_design(np.random.default_rng(3), units=6)
    found = permute(design, statistic=statistic)
    assert found.draws == 60  # 6! / (2! 1! 3!)
    orders = np.array([design.adoption[list(p)] for p in permutations(range(6))])
    every = assess(design, orders, statistic)
    assert np.sort(np.repeat(found.drawn, 12)) == pytest.approx(np.sort(every), rel=1e-9)


def test_sampled_equals_enumerated_within_error() -> None:
    design = drawn_design(np.random.default_rng(8), units=9, effect=0.8)
    exact = permute(design, draws=3000)
    assert exact.enumerated
    sampled = permute(design, draws=500)  # of 504
    assert not sampled.enumerated
    error = np.sqrt(exact.pvalue * (1 - exact.pvalue) / 500)
    assert abs(sampled.pvalue - exact.pvalue) < 3 * error + 1 / 501


def test_any_function_of_a_design() -> None:
    design = drawn_design(np.random.default_rng(1))

    def by_package(one: Design) -> float:
        treated = pd.Series(one.treated.astype(float).ravel(), index=one.panel.frame.index)
        data = one.panel.frame.assign(d=treated).swaplevel()
        fit = ce.ols("y ~ d | unit + year", data, cov=ce.Cluster())
        return float(fit.tstats["d"])

    mine = permute(design, draws=9)
    theirs = permute(design, statistic=by_package, draws=9)
    assert theirs.realised == pytest.approx(mine.realised, rel=1e-10)
    assert theirs.drawn == pytest.approx(mine.drawn, rel=1e-10)
    assert np.isnan(theirs.estimate)
    assert theirs.statistic == "by package"


def test_a_failing_statistic_counts_as_exceeding() -> None:
    def fails(one: Design) -> float:
        if one.treated[:, 0].any():
            raise IdentificationError("no")
        return 0.0

    design = two_periods([5.0, 1.0, 2.0, 0.0], "b")
    found = permute(design, statistic=fails)
    assert (found.failed, found.pvalue) == (1, 1.0)
    some = Placebos("t", "s", 2.0, np.array([1.0, np.nan, 0.0]))
    assert (some.pvalue, some.above, some.below) == (0.5, 0.5, 1.0)


def test_same_bytes_twice() -> None:
    design = drawn_design(np.random.default_rng(5), units=20)
    assert permute(design, rng=4).drawn.tobytes() == permute(design, rng=4).drawn.tobytes()
    assert permute(design, rng=4).drawn.tobytes() != permute(design, rng=5).drawn.tobytes()


def test_left_out_units_take_no_part() -> None:
    index = pd.MultiIndex.from_product([list("abcde"), [1, 2]], names=["unit", "year"])
    data = pd.DataFrame({"y": [0.0, 5, 0, 1, 0, 2, 0, 0, 0, 100]}, index=index)
    first = pd.Series({"a": 2, "b": None, "c": None, "d": None, "e": 1}, dtype="Int64")
    design = staggered_design(data, "y", first, already="leave_out")
    assert permute(design, statistic="twfe").draws == 4


def test_imputation_by_hand() -> None:
    # Unit a treated in period 3, b in period 2, c never; T = 3.
    y = np.array([[1.0, 2.0, 0.0], [2.0, 6.0, 3.0], [9.0, 9.0, 4.0]])
    treated = np.array([[0, 0, 0], [0, 1, 0], [1, 1, 0]], dtype=bool)
    # Untreated cells: a1, a2, b1, c1, c2, c3. Period effects, first zero, from a and c:
    # l2 = mean change = ((2 - 1) + (3 - 0))/2 = 2; l3 from c alone: a_c + l3 = 4. Unit effects:
    # a_a = (1 + 2 - l2)/2 = 0.5, a_c = (0 + 3 - l2)/2 = 0.5, l3 = 3.5, a_b = 2.
    # Effects: a3 9 - 4 = 5; b2 6 - 4 = 2; b3 9 - 5.5 = 3.5. Mean 3.5.
    assert float(imputation(y, treated).estimate) == pytest.approx(3.5)


def test_imputation_counts_cells_that_have_an_untreated_companion() -> None:
    y = np.array([[0.0, 0.0, 0.0], [3.0, 1.0, 1.0], [50.0, 60.0, 70.0]])
    treated = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 1]], dtype=bool)
    assert float(imputation(y, treated).estimate) == pytest.approx(2.0)  # all treated in period 3


def test_imputation_standard_error_by_its_formula() -> None:
    design = drawn_design(np.random.default_rng(2))
    y, treated, (T, N) = design.y, design.treated, design.y.shape
    X = dummies(T, N)
    clean = X[~treated]
    effect = np.where(treated, y - X @ np.linalg.lstsq(clean, y[~treated])[0], 0.0)
    v = treated / treated.sum()
    v[~treated] = -clean @ np.linalg.pinv(clean.T @ clean) @ X[treated].sum(0) / treated.sum()
    own = (v * treated).sum(axis=0)
    middle = own @ (v * effect).sum(axis=0) / (own @ own)
    e = np.where(treated, effect - middle, y - X @ np.linalg.lstsq(clean, y[~treated])[0])
    found = imputation(y, treated)
    assert float(found.estimate) == pytest.approx((v * y).sum(), rel=1e-9)
    assert float(found.std_error) == pytest.approx(np.sqrt(((v * e).sum(0) ** 2).sum()), rel=1e-9)


def test_two_way_regression_is_that_of_the_package() -> None:
    design = drawn_design(np.random.default_rng(6))
    treated = pd.Series(design.treated.astype(float).ravel(), index=design.panel.frame.index)
    data = design.panel.frame.assign(d=treated).swaplevel()
    fit = ce.ols("y ~ d | unit + year", data, cov=ce.Cluster())
    found = twfe(design.y, design.treated)
    assert float(found.estimate) == pytest.approx(fit.params["d"], rel=1e-10)
    assert float(found.std_error) == pytest.approx(fit.std_errors["d"], rel=1e-10)


def test_refusals() -> None:
    design = two_periods([5.0, 1.0, 2.0, 0.0], "a")
    with pytest.raises(ValueError, match="draws 0: give at least one"):
        permute(design, draws=0)
    with pytest.raises(ValueError, match="'median': choose one of twfe_t"):
        permute(design, statistic="median")  # type: ignore[arg-type]
    with pytest.raises(AlignmentError, match="no stratum for c, d"):
        permute(design, within={"a": 1, "b": 1})
    with pytest.raises(IdentificationError, match="one assignment only"):
        permute(design, within=dict(zip("abcd", range(4), strict=True)))


def test_what_is_printed() -> None:
    found = permute(two_periods([5.0, 1.0, 2.0, 0.0], "a"), statistic="twfe")
    assert "p = 0.250" in repr(found)
    assert "All 4 placebos; p of the absolute value." in str(found)
    assert found.frame.loc[found.title, "p"] == 0.25
