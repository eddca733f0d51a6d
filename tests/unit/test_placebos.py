"""Placebos in time, among units, of weights and of sets of units."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.causal import (
    drawn_sets,
    fake_openings,
    fake_units,
    permute,
    placebo_sets,
    placebo_weights,
    policy_window,
    pseudo_openings,
    staggered_design,
)
from ccec_econ.causal.randomise_estimators import twfe
from ccec_econ.errors import AlignmentError, FormulaError, IdentificationError
from simulated import simulate
from staggered import drawn_design, dummies


def test_given_openings_equal_designs_made_with_them() -> None:
    design = drawn_design(np.random.default_rng(0))
    data = design.panel.frame.swaplevel()
    real = pd.Series([1] * 2 + [3] * 4 + [None] * 6, dtype="Int64")
    given = pd.DataFrame([[4] * 3 + [None] * 9, [0] * 2 + [6] * 5 + [None] * 5], dtype="Int64")
    found = fake_openings(data, "y", real, given, statistic="imputation_t")
    one = partial(permute, statistic="imputation_t", draws=1)
    for value, (_, row) in zip(
        [found.realised, *found.drawn], [(0, real), *given.iterrows()], strict=True
    ):
        other = staggered_design(data, "y", row, already="leave_out")
        assert value == pytest.approx(one(other).realised, rel=1e-9)
    with pytest.raises(AlignmentError, match="no column for 11, several for 0"):
        fake_openings(data, "y", real, given.drop(columns=11).assign(a=0).rename(columns={"a": 0}))


def test_fake_units_never_look_at_the_treated() -> None:
    design = drawn_design(np.random.default_rng(1), units=18)
    treated = design.panel.units[design.ever]
    data = design.panel.frame.swaplevel()
    huge = data.index.get_level_values(0).isin(treated)
    first = pd.Series(design.adoption, index=design.panel.units).replace(np.inf, np.nan)
    louder = staggered_design(data.assign(y=data["y"] + 1e3 * huge * data["y"]), "y", first)
    quiet, loud = (fake_units(one, draws=50, rng=3) for one in (design, louder))
    assert np.array_equal(quiet.drawn, loud.drawn, equal_nan=True)
    assert quiet.realised != loud.realised
    none = staggered_design(data, "y", first.fillna(6))
    with pytest.raises(IdentificationError, match="0 units are untreated throughout"):
        fake_units(none)
    with pytest.raises(ValueError, match="draws 0"):
        fake_units(design, draws=0)


def test_policy_window_is_a_permuted_interaction() -> None:
    design = drawn_design(np.random.default_rng(2))
    data = design.panel.frame.swaplevel()
    found = policy_window(data, "y", [0, 1, 2], start=4, draws=300)
    year, unit = (data.index.get_level_values(level) for level in ("year", "unit"))
    data["d"] = ((year >= 4) & unit.isin([0, 1, 2])).astype(float)
    fit = ce.ols("y ~ d | unit + year", data, cov=ce.Cluster())
    assert found.estimate == pytest.approx(fit.params["d"], rel=1e-10)
    assert found.realised == pytest.approx(fit.tstats["d"], rel=1e-10)
    assert (found.enumerated, found.draws) == (True, 220)  # 12 choose 3
    assert "3 of 12 units from 4 on" in found.title
    with pytest.raises(AlignmentError, match="members z are not in the data"):
        policy_window(data, "y", ["z"], start=4)


def test_pseudo_openings_use_no_cell_from_the_opening_on() -> None:
    design = drawn_design(np.random.default_rng(4))
    after = pd.Series(design.treated.ravel(), index=design.panel.frame.index)
    data = design.panel.frame.assign(y=lambda f: f["y"] + 1e3 * after).swaplevel()
    first = pd.Series(design.adoption, index=design.panel.units).replace(np.inf, np.nan)
    shifted = staggered_design(data, "y", first)
    one, other = (pseudo_openings(d, early=[1], draws=19).frame for d in (design, shifted))
    # t after the opening cannot move estimate or t; permutations see all periods
    names = ["estimate", "std_error", "p"]
    assert one[names].to_numpy() == pytest.approx(other[names].to_numpy(), rel=1e-9)


@pytest.mark.parametrize("early", [1, 2])
def test_pseudo_openings_against_dummies(early: int) -> None:
    design = drawn_design(np.random.default_rng(7))
    row = pseudo_openings(design, early=[early], draws=1).frame.loc[early]
    periods = design.periods[:, None]
    kept = (periods < design.adoption) & (design.adoption - early > 1)
    d = (periods >= design.adoption - early).astype(float)
    X = np.concatenate([d[..., None], dummies(*design.y.shape)], axis=2)[kept]
    assert row["estimate"] == pytest.approx(np.linalg.lstsq(X, design.y[kept])[0][0], rel=1e-9)
    # 4 units open in period 3 and 2 in period 5; two periods too early leaves the 4 nothing before
    assert row["units"] == (6 if early == 1 else 2)
    assert row["cells"] == (6 if early == 1 else 4)


def test_pseudo_openings_refuse() -> None:
    design = drawn_design(np.random.default_rng(7))
    with pytest.raises(IdentificationError, match="9 periods too early: no unit"):
        pseudo_openings(design, early=[9])
    with pytest.raises(ValueError, match="all at least 1"):
        pseudo_openings(design, early=[0])
    assert "Periods too early" in str(pseudo_openings(design, early=[1], draws=9))


def test_absent_cells_do_not_count() -> None:
    design = drawn_design(np.random.default_rng(9))
    present = np.random.default_rng(0).random(design.y.shape) < 0.8
    present[0] = True
    X = np.concatenate([design.treated[..., None], dummies(*design.y.shape)], axis=2)
    b, *_ = np.linalg.lstsq(X[present].astype(float), design.y[present])
    assert float(twfe(design.y, design.treated, present).estimate) == pytest.approx(b[0], rel=1e-9)


@pytest.fixture(scope="module")
def durbin() -> tuple[pd.DataFrame, np.ndarray]:
    W = np.roll(np.eye(9), 1, axis=1) * 0.7 + np.roll(np.eye(9), 2, axis=1) * 0.3
    rng = np.random.default_rng(11)
    return simulate(rng, W, 6, 0.4, np.array([1.0]), np.array([0.8])), W


@pytest.mark.parametrize("model", ["sdm", "slx", "sdem"])
def test_placebo_weights_equal_fits_with_relabelled_weights(model: str, durbin) -> None:
    panel, W = durbin
    verb = getattr(ce, model)
    fit = verb("y ~ x0 | unit + year", panel, ce.weights.from_matrix(W, range(9)))
    terms = ["W(x0)", *(name for name in ("rho", "lam") if name in fit.params)]
    found = placebo_weights(fit, terms, draws=5, rng=3)
    rng = np.random.default_rng(3)
    for d in range(5):
        order = rng.permutation(9)
        other = ce.weights.from_matrix(W[np.ix_(order, order)], range(9))
        again = verb("y ~ x0 | unit + year", panel, other)
        for term in terms:
            assert found[term].drawn[d] == pytest.approx(again.params[term], rel=1e-5)
    assert found["W(x0)"].estimate == fit.params["W(x0)"]


@pytest.mark.parametrize("right", ["W(x0)", "x0 * z + W(x0)"])
def test_placebo_weights_make_lags_of_a_formula_again(right: str, durbin) -> None:
    panel, W = durbin
    panel = panel.assign(z=np.random.default_rng(1).normal(size=len(panel)))
    fit = ce.sar(f"y ~ {right} | unit + year", panel, ce.weights.from_matrix(W, range(9)))
    found = placebo_weights(fit, ["W(x0)"], draws=2, rng=3)["W(x0)"]
    rng = np.random.default_rng(3)
    for d in range(2):
        order = rng.permutation(9)
        other = ce.weights.from_matrix(W[np.ix_(order, order)], range(9))
        again = ce.sar(f"y ~ {right} | unit + year", panel, other)
        assert found.drawn[d] == pytest.approx(again.params["W(x0)"], rel=1e-5)


def test_placebo_weights_find_a_map_that_matters() -> None:
    W = np.roll(np.eye(16), 1, axis=1)
    panel = simulate(np.random.default_rng(5), W, 6, 0.4, np.array([1.0]), np.array([0.8]))
    fit = ce.sdm("y ~ x0 | unit + year", panel, ce.weights.from_matrix(W, range(16)))
    found = placebo_weights(fit, ["W(x0)", "rho"], draws=39, cov=ce.Cluster())
    assert found["W(x0)"].pvalue == found["rho"].pvalue == 1 / 40
    assert found["W(x0)"].statistic == "t"
    assert found["W(x0)"].realised == pytest.approx(
        fit.with_cov(ce.Cluster()).tstats["W(x0)"], rel=1e-9
    )


def test_placebo_weights_refuse(durbin) -> None:
    panel, W = durbin
    fit = ce.sdm("y ~ x0 | unit + year", panel, ce.weights.from_matrix(W, range(9)))
    with pytest.raises(FormulaError, match="no parameter z"):
        placebo_weights(fit, ["z"])
    with pytest.raises(ValueError, match="draws 0"):
        placebo_weights(fit, ["rho"], draws=0)
    with pytest.raises(IdentificationError, match="ols has no weights"):
        placebo_weights(ce.ols("y ~ x0 | unit + year", panel), ["x0"])


def test_sets_by_hand() -> None:
    index = pd.MultiIndex.from_product([list("abcde"), [1]], names=["unit", "year"])
    data = pd.DataFrame({"y": [1.0, 2.0, 3.0, 9.0, 4.0]}, index=index)

    def total(rows: pd.DataFrame) -> float:
        if len(rows) < 2:
            raise IdentificationError("one unit")
        return float(rows["y"].sum())

    found = placebo_sets(data, "cd", ["ab", "ce", "a"], total)
    assert found.realised == 12.0
    assert found.drawn[:2].tolist() == [3.0, 7.0]
    assert (found.failed, found.above) == (1, 0.5)  # itself and the one that failed, of four
    with pytest.raises(AlignmentError, match="sets name z"):
        placebo_sets(data, "az", ["ab"], total)
    with pytest.raises(AlignmentError, match="no other set"):
        placebo_sets(data, "ab", [], total)


def test_drawn_sets() -> None:
    sets = drawn_sets("abcdef", 4, draws=200, rng=1)
    assert {len(set(one)) for one in sets} == {4}
    assert len({tuple(sorted(map(str, one))) for one in sets}) == 15
    with pytest.raises(ValueError, match="size 9"):
        drawn_sets("abcdef", 9)
