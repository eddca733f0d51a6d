"""The small-sample pack and the randomisation test, against doing it by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import ccec_econ as ce
from ccec_econ.errors import (
    AlignmentError,
    ConvergenceError,
    FormulaError,
    IdentificationError,
    PanelError,
    WeightsError,
)
from ccec_econ.models.randomisation import _builder, randomisation_test
from ccec_econ.models.refit import columns_on, matrices, without_unit
from ccec_econ.models.resampling import bootstrap, wild_cluster
from ccec_econ.models.small_sample import small_sample, standard_margins
from simulated import simulate

F = "y ~ x1 + x2 | id + year"


@pytest.fixture(scope="module")
def sdm(sim16):
    return ce.sdm(F, *sim16)


def dropped(sim16, unit: int):
    """Panel and weights without a unit, rows standardised again."""
    panel, W = sim16
    units = panel.index.get_level_values(0).unique().sort_values()
    M = pd.DataFrame(ce.weights.align(W, units), units, units).drop(unit).drop(unit, axis=1)
    M = M.div(M.sum(axis=1), axis=0)
    return panel.drop(unit, level=0), ce.weights.from_matrix(M, M.index)


@pytest.mark.parametrize("model", ["slx", "sar", "sem", "sdm", "sdem", "sac"])
def test_leaving_a_unit_out_is_fitting_without_it(model: str, sim16) -> None:
    fit = getattr(ce, model)(F, *sim16)
    for unit in (1, 7):
        expected = getattr(ce, model)(F, *dropped(sim16, unit)).params
        again = without_unit(fit, unit)
        np.testing.assert_allclose(again.optimum.coefficients, expected.iloc[: len(again.terms)])
        spatial = [getattr(again.optimum, name) for name in again.spatial]
        np.testing.assert_allclose(spatial, expected[list(again.spatial)], atol=1e-8)


def test_lags_of_the_formula_and_chosen_lags_are_made_again(sim16) -> None:
    panel, W = sim16
    for formula, options in (
        ("y ~ x1 + W(x2 * x1) | id + year", {}),
        (F, {"durbin": ["x2"]}),
        (F, {"method": "bias_corrected"}),
    ):
        fit = ce.sdm(formula, panel, W, **options)
        expected = ce.sdm(formula, *dropped(sim16, 3), **options)
        again = without_unit(fit, 3)
        assert again.terms == expected.estimate.terms
        assert again.optimum.rho == pytest.approx(expected.rho, abs=1e-8)


def test_weights_that_are_not_standardised_stay_so(sim16) -> None:
    panel, W = sim16
    units = panel.index.get_level_values(0).unique().sort_values()
    M = ce.weights.align(W, units) * np.linspace(0.5, 0.9, 16)[:, None]
    fit = ce.sar("y ~ x1 | id", panel, ce.weights.from_matrix(M, units))
    np.testing.assert_allclose(
        without_unit(fit, units[2]).weights.W, np.delete(np.delete(M, 2, 0), 2, 1)
    )


def test_pack_of_a_coefficient(sim16) -> None:
    panel, _ = sim16
    fit = ce.ols(F, panel, cov=ce.Cluster())
    found = small_sample(fit, "x1", margin=0.5)
    alone = {u: ce.ols(F, panel.drop(u, level=0)).params["x1"] for u in fit.panel.units}
    pd.testing.assert_series_equal(found.leave_one_out, pd.Series(alone), check_names=False)
    assert found.range == (min(alone.values()), max(alone.values()))
    assert found.range_units == (min(alone, key=alone.get), max(alone, key=alone.get))
    assert (found.N, found.T, found.clusters) == (16, 12, 16)
    assert found.detectable == pytest.approx(2.8 * fit.std_errors["x1"])
    assert found.pvalue == wild_cluster(fit, "x1").pvalue
    b, se = fit.params["x1"], fit.std_errors["x1"]
    expected = max(stats.t.sf((b + 0.5) / se, 15), stats.t.cdf((b - 0.5) / se, 15))
    assert found.pvalue_equivalence == pytest.approx(expected)


def test_leverage_is_the_share_in_what_is_left_of_the_term(sim16) -> None:
    panel, W = sim16
    fit = ce.slx(F, panel, W)
    Z = fit.estimate.Z.reshape(-1, 4)
    rest = Z[:, 0] - Z[:, 1:] @ np.linalg.lstsq(Z[:, 1:], Z[:, 0], rcond=None)[0]
    by_unit = (rest.reshape(12, 16) ** 2).sum(axis=0)
    found = small_sample(fit, "x1").leverage
    np.testing.assert_allclose(found, by_unit / by_unit.sum())
    both = small_sample(fit, "x1", quantity="total").leverage
    assert both.sum() == pytest.approx(1.0)
    assert not np.allclose(both, found)


def test_one_unit_that_moves_alone_has_all_the_leverage(sim16) -> None:
    panel, _ = sim16
    alone = panel.assign(x2=panel["x2"].where(panel.index.get_level_values(0) == 5, 0.0))
    unit, share = small_sample(ce.ols("y ~ x2 | id", alone), "x2", keep=[5]).largest_leverage
    assert unit == 5
    assert share == pytest.approx(1.0)


@pytest.mark.parametrize("quantity", ["direct", "indirect", "total"])
def test_pack_of_an_effect(quantity: str, sdm, sim16) -> None:
    found = small_sample(sdm, "x2", quantity=quantity, draws=49)
    row = sdm.effects().frame.loc[("x2", quantity)]
    assert found.estimate == pytest.approx(row["estimate"])
    assert found.std_error == pytest.approx(row["std_error"])
    without = ce.sdm(F, *dropped(sim16, 4)).effects(draws=5).frame["estimate"]["x2", quantity]
    assert found.leave_one_out[4] == pytest.approx(without, abs=1e-8)
    expected = bootstrap(sdm, draws=49, innovations="unit").frame
    assert found.pvalue == expected["pvalue"][f"{quantity} x2"]
    assert "whole units" in found.bootstrap


@pytest.mark.parametrize(
    ("quantity", "combination"),
    [("direct", {"x1": 1}), ("indirect", {"W(x1)": 1}), ("total", {"x1": 1, "W(x1)": 1})],
)
def test_effects_of_slx_are_tested_as_combinations(quantity: str, combination, sim16) -> None:
    fit = ce.slx(F, *sim16)
    found = small_sample(fit, "x1", quantity=quantity)
    assert found.pvalue == wild_cluster(fit, combination).pvalue


def test_islands_are_named(sim16) -> None:
    """In a star the centre is everyone's only neighbour."""
    panel, _ = sim16
    units = panel.index.get_level_values(0).unique().sort_values()
    star = np.zeros((16, 16))
    star[0, 1:] = star[1:, 0] = 1.0
    graph = ce.weights.row_standardise(ce.weights.from_matrix(star, units))
    fit = ce.slx("y ~ x1 | id + year", panel, graph)
    with pytest.raises(WeightsError, match=r"without 1, 2, 3, 4, 5, 6 and 10 more has no neigh"):
        small_sample(fit, "x1")
    kept = small_sample(fit, "x1", keep=[1])
    assert list(kept.leave_one_out.index) == list(range(2, 17))
    assert "Never left out: 1." in str(kept)


def test_it_prints(sdm) -> None:
    found = small_sample(sdm, "x1", quantity="total", margin=0.2, draws=19)
    table = found.summary(labels={u: f"city {u}" for u in range(1, 17)})
    assert table.columns == ("Quantity", "Value", "Detail")
    low, high = found.range_units
    assert f"without city {low}; without city {high}" in str(table)
    said = "0 of 16 refits without one unit stand on the other side of 0."
    assert said in found._repr_html_()
    assert "H0: the effect is 0.2 or more either way" in str(found)


def test_the_other_side_is_that_of_the_null_and_failures_do_not_count(sim16) -> None:
    """x1 is estimated above its null of .5 by some refits and below by others."""
    fit = ce.ols(F, sim16[0])
    null = float(fit.params["x1"]) - 1e-9
    found = small_sample(fit, "x1", null=null)
    below = int((found.leave_one_out < null).sum())
    assert 0 < below == found.turned < 16
    side = f"stand on the other side of {null:g}."
    assert f"{below} of 16 refits without one unit {side}" in str(found)
    values = found.leave_one_out.copy()
    values.iloc[[0, 5]] = np.nan
    lost = replace(found, leave_one_out=values)
    assert lost.refits == 14
    assert f"{lost.turned} of 14 refits without one unit" in str(lost)
    family = replace(small_sample(fit, ["x1", "x2"], null=null), packs=(lost, lost))
    assert f"{lost.turned} of 14" in str(family)


def test_a_family_names_units_that_stayed_and_what_was_adjusted(sim16, sdm) -> None:
    found = small_sample(ce.ols(F, sim16[0]), ["x1", "x2"], keep=[3, 5])
    assert "Never left out: 3 and 5." in str(found) or "Never left out: 3, 5." in str(found)
    assert "Holm, Romano-Wolf: adjusted over the columns." in str(found)
    joint = small_sample(sdm, ["x1", "x2"], draws=19)
    assert "Holm, Romano-Wolf: adjusted over the columns." in str(joint)
    assert "Never left out" not in str(joint)


def test_wrong_requests_are_refused(sdm, sim16) -> None:
    with pytest.raises(FormulaError, match="no coefficient of 'lam'"):
        small_sample(sdm, "lam")
    with pytest.raises(FormulaError, match=r"no effects of 'W\(x1\)'"):
        small_sample(sdm, "W(x1)", quantity="total")
    with pytest.raises(FormulaError, match="quantity 'elasticity' is unknown"):
        small_sample(sdm, "x1", quantity="elasticity")
    with pytest.raises(FormulaError, match="no indirect effect of 'x1'"):
        small_sample(ce.ols(F, sim16[0]), "x1", quantity="indirect")
    with pytest.raises(FormulaError, match="keep names 99"):
        small_sample(sdm, "x1", keep=[99])
    with pytest.raises(PanelError, match="no unit 99"):
        without_unit(sdm, 99)


def test_permuted_columns_equal_a_permuted_panel(sim16) -> None:
    panel, W = sim16
    order = np.random.default_rng(3).permutation(16)
    for formula in (
        F,
        "y ~ x1 + W(x1) + x2 | id + year",
        "y ~ np.exp(x1) + x1:x2 | id + year",
        "y ~ I(x1 * x2) + W(I(x1 * x2)) + W(x1) | id + year",
    ):
        fit = ce.slx(formula, panel, W)
        paths = fit.panel.cube(fit.panel.frame["x1"].to_numpy())[:, order]
        weights = matrices(fit.estimate)
        terms = columns_on(fit, fit.panel, weights).terms
        made = [term for term in terms if "x1" in term]
        columns = _builder(fit, "x1", made, weights, {})(paths)
        moved = panel.sort_index().assign(x1=paths.T.ravel())
        expected = ce.slx(formula, moved, W)
        again = columns_on(expected, expected.panel, matrices(expected.estimate))
        assert terms == again.terms
        expected_columns = again.X[:, :, [terms.index(term) for term in made]]
        np.testing.assert_allclose(columns, expected_columns, atol=1e-12)


@pytest.mark.parametrize("model", ["ols", "sdm"])
def test_randomisation_by_hand(model: str, sim16) -> None:
    panel, W = sim16
    rng = np.random.default_rng(2)
    noisy = panel.sort_index().assign(y=panel["y"] + 12 * rng.standard_normal(len(panel)))
    graph = [] if model == "ols" else [W]
    fit = getattr(ce, model)(F, noisy, *graph, cov=ce.Cluster())
    found = randomisation_test(fit, "x2", draws=19, rng=7)
    draws, exceeding = np.random.default_rng(7), 0
    paths = noisy["x2"].to_numpy().reshape(16, 12)
    for _ in range(19):
        moved = noisy.assign(x2=paths[draws.permutation(16)].ravel())
        again = getattr(ce, model)(F, moved, *graph, cov=ce.Cluster())
        exceeding += abs(again.tstats["x2"]) >= abs(fit.tstats["x2"])
    assert found.pvalue == pytest.approx((1 + exceeding) / 20)
    assert found.statistic == pytest.approx(fit.tstats["x2"])
    assert "19 permutations, 0 failed" in str(found)


def test_a_strong_treatment_is_found_and_lags_can_be_tested() -> None:
    W = (np.roll(np.eye(10), 1, axis=1) + np.roll(np.eye(10), -1, axis=1)) / 2
    panel = simulate(np.random.default_rng(0), W, 8, 0.2, np.array([2.0]), np.array([1.5]))
    fit = ce.sdm("y ~ x0 | unit + year", panel, ce.weights.from_matrix(W, range(10)))
    assert randomisation_test(fit, "x0", draws=99).pvalue == 0.01
    assert randomisation_test(fit, "x0", term="W(x0)", draws=99).pvalue <= 0.02


def test_randomisation_within_groups_of_a_combination_by_hand(sim16) -> None:
    panel, W = sim16
    rng = np.random.default_rng(5)
    groups = pd.Series(["a"] * 6 + ["b"] * 10, index=panel.index.get_level_values(0).unique())
    of_row = panel.index.get_level_values(0).map(groups)
    noisy = panel.assign(
        y=panel["y"] + 12 * rng.standard_normal(len(panel)),
        a=(of_row == "a") * 1.0,
        b=(of_row == "b") * 1.0,
    ).sort_index()
    formula = "y ~ x1 + W(I(x2 * a)) + W(I(x2 * b)) | id + year"
    weights = {"W(I(x2 * a))": 0.4, "W(I(x2 * b))": -1.0}
    c = np.array([0.0, 0.4, -1.0])

    def statistic(frame) -> float:
        fit = ce.slx(formula, frame, W, cov=ce.Cluster())
        return float(c @ fit.params / np.sqrt(c @ fit.cov @ c))

    fit = ce.slx(formula, noisy, W)
    found = randomisation_test(fit, "x2", term=weights, within=groups, draws=19, rng=7)
    draws, exceeding = np.random.default_rng(7), 0
    paths = noisy["x2"].to_numpy().reshape(16, 12)
    for _ in range(19):
        order = np.concatenate([draws.permutation(6), 6 + draws.permutation(10)])
        moved = noisy.assign(x2=paths[order].ravel())
        exceeding += abs(statistic(moved)) >= abs(statistic(noisy))
    assert found.pvalue == pytest.approx((1 + exceeding) / 20)
    assert found.statistic == pytest.approx(statistic(noisy))
    assert "permuted over units within 2 groups" in str(found)


def test_groups_and_combinations_that_cannot_be_permuted_are_refused(sim16, sdm) -> None:
    panel, _ = sim16
    units = panel.index.get_level_values(0).unique().sort_values()
    alone = pd.Series(np.arange(16), index=units)
    with pytest.raises(FormulaError, match="the same in all units of each group"):
        randomisation_test(sdm, "x1", within=alone)
    with pytest.raises(AlignmentError, match="no group for 1"):
        randomisation_test(sdm, "x1", within=alone.iloc[1:])
    with pytest.raises(FormulaError, match="no parameter weighted"):
        randomisation_test(sdm, "x1", term={"x1": 0.0})
    with pytest.raises(FormulaError, match=r"a combination of .* in a model with rho"):
        randomisation_test(sdm, "x1", term={"x1": 1.0, "W(x1)": 1.0})


def test_randomisation_refuses_what_it_cannot_permute(sim16, sdm) -> None:
    panel, W = sim16
    flat = panel.assign(trend=panel.index.get_level_values(1) * 1.0, z=1.0)
    fit = ce.sar("y ~ x1 + trend | id", flat, W)
    with pytest.raises(FormulaError, match="the same in all units"):
        randomisation_test(fit, "trend")
    with pytest.raises(FormulaError, match="must stand on the right side"):
        randomisation_test(fit, "z")
    with pytest.raises(FormulaError, match="must stand on the right side"):
        randomisation_test(fit, "y", term="x1")
    with pytest.raises(FormulaError, match="no column 'x9'"):
        randomisation_test(fit, "x9")
    with pytest.raises(FormulaError, match=r"no parameter 'W\(x1\)'"):
        randomisation_test(fit, "x1", term="W(x1)")
    with pytest.raises(ValueError, match="draws 0"):
        randomisation_test(sdm, "x1", draws=0)


def test_weights_that_change_over_time_are_refused(sim16) -> None:
    panel, W = sim16
    path = dict.fromkeys(panel.index.get_level_values(1).unique(), W)
    fit = ce.slx("y ~ x1 | id + year", panel, path)
    with pytest.raises(IdentificationError, match="weights that change over time"):
        small_sample(fit, "x1")
    with pytest.raises(IdentificationError, match="weights that change over time"):
        randomisation_test(fit, "x1")


def test_a_family_is_its_members_with_joint_p_values(sdm) -> None:
    found = small_sample(
        sdm, ["x1", "x2"], quantity="total", draws=49, margin={"x1": 0.2, "x2": 3.0}
    )
    for term, margin in (("x1", 0.2), ("x2", 3.0)):
        alone = small_sample(sdm, term, quantity="total", draws=49, margin=margin)
        for name in ("estimate", "std_error", "pvalue", "pvalue_equivalence", "detectable"):
            assert getattr(found[term], name) == getattr(alone, name)
        pd.testing.assert_series_equal(found[term].leave_one_out, alone.leave_one_out)
    raw = pd.Series({term: found[term].pvalue for term in ("x1", "x2")})
    pd.testing.assert_series_equal(found.holm, ce.holm(raw))
    joint = bootstrap(sdm, draws=49, innovations="unit").romano_wolf(["total x1", "total x2"])
    np.testing.assert_array_equal(found.romano_wolf, joint)
    assert (found.romano_wolf >= raw).all()
    assert list(found.frame.index) == ["x1", "x2"]


def test_a_family_without_rho_shares_its_signs(sim16) -> None:
    fit = ce.ols(F, sim16[0])
    found = small_sample(fit, ["x1", "x2"])
    raw = pd.Series({term: wild_cluster(fit, term).pvalue for term in ("x1", "x2")})
    assert (found.romano_wolf >= raw).all()
    assert (found.romano_wolf <= found.holm).all()  # true of two: their union is at most the sum
    assert small_sample(fit, ["x1"]).romano_wolf["x1"] == raw["x1"]
    stub = [row[0] for row in found.summary().rows]
    assert "Romano-Wolf p" in stub
    assert "Equivalence margin" not in stub
    assert "Holm p" in stub


def test_table_of_a_family(sdm) -> None:
    found = small_sample(sdm, ["x1", "x2"], draws=19, margin=0.1)
    table = found.summary(labels={"x1": "First"}, units={7: "Seven"}, notes=("More.",))
    assert table.columns == ("", "First", "x2")
    cells = {row[0].strip(): row[1:] for row in table.rows}
    unit, share = found["x2"].largest_leverage
    assert cells["Largest leverage"][1] == f"{100 * share:.0f} % ({'Seven' if unit == 7 else unit})"
    assert cells["Equivalence margin"] == ("0.100", "0.100")
    assert "N = 16, T = 12, 16 clusters" in table.notes[0]
    assert table.notes[-1] == "More."
    one = small_sample(sdm, ["rho"], draws=19, margin=0.1, null=0.5).summary()
    stub = [row[0] for row in one.rows]
    assert "Holm p" not in stub
    assert "Value tested" in stub


def test_spatial_coefficients_have_a_pack(sim16) -> None:
    fit = ce.sac(F, *sim16)
    for term, column in (("rho", fit.estimate.Wy), ("lam", None)):
        found = small_sample(fit, term, draws=19)
        assert found.estimate == fit.params[term]
        assert found.std_error == fit.std_errors[term]
        expected = getattr(without_unit(fit, 3).optimum, term)
        assert found.leave_one_out[3] == pytest.approx(expected)
        assert found.leverage.sum() == pytest.approx(1.0)
        if column is None:
            u = fit.estimate.disturbances
            lagged = u @ fit.estimate.error.W.T
            column = lagged - lagged.mean(axis=1, keepdims=True)
        left = _without(fit.estimate.filter(column), fit.estimate.filter(fit.estimate.Z))
        by_unit = (left**2).sum(axis=0)
        if term == "rho":
            np.testing.assert_allclose(found.leverage, by_unit / by_unit.sum())
        else:
            raw = _without(column, fit.estimate.filter(fit.estimate.Z))
            by_unit = (raw**2).sum(axis=0)
            np.testing.assert_allclose(found.leverage, by_unit / by_unit.sum(), atol=1e-10)


def _without(column, Z):
    """Residual of a column (T, N) on columns (T, N, K)."""
    flat = Z.reshape(column.size, -1)
    fitted = flat @ np.linalg.lstsq(flat, column.ravel(), rcond=None)[0]
    return column - fitted.reshape(column.shape)


def test_families_are_checked(sdm) -> None:
    with pytest.raises(FormulaError, match="terms x1, x1; name each once"):
        small_sample(sdm, ["x1", "x1"])
    with pytest.raises(FormulaError, match="terms none; name each once"):
        small_sample(sdm, [])
    with pytest.raises(FormulaError, match="margin lacks x2"):
        small_sample(sdm, ["x1", "x2"], margin={"x1": 1.0})


def test_margins_are_sizes_per_standard_deviation(sim16) -> None:
    panel, _ = sim16
    found = standard_margins(ce.ols(F, panel), ["x1", "x2"], 0.5)
    x = panel["x1"].unstack("id").to_numpy()
    x = x - x.mean(axis=0) - x.mean(axis=1, keepdims=True) + x.mean()
    assert found["x1"] == pytest.approx(0.5 / np.sqrt((x**2).sum() / (15 * 11)))
    thousand = ce.ols(F, panel.assign(x1=1000 * panel["x1"]))
    assert standard_margins(thousand, ["x1"], 0.5)["x1"] == pytest.approx(found["x1"] / 1000)
    with pytest.raises(FormulaError, match="no x9; there are x1, x2"):
        standard_margins(thousand, ["x9"], 0.5)


def test_a_direct_effect_that_the_model_lacks_is_refused_by_its_name(sim16) -> None:
    panel, W = sim16
    fit = ce.slx("y ~ x2 + W(x1) | id + year", panel, W)
    with pytest.raises(FormulaError, match="no direct effect of 'x1': neither x1 itself nor a lag"):
        small_sample(fit, "x1", quantity="direct")
    assert small_sample(fit, "x1", quantity="total", draws=9).term == "x1"
    with_rho = ce.sdm("y ~ x2 + W(x1) | id + year", panel, W)
    assert small_sample(with_rho, "x1", quantity="direct", draws=5).term == "x1"


def test_units_that_cannot_be_left_out_are_missing_and_not_all_may_be(sim16, monkeypatch) -> None:
    panel, _ = sim16
    fit = ce.ols("y ~ x1 | id + year", panel)

    def failing(results, unit):
        if unit == 1 or every:
            raise IdentificationError("no variation left")
        return without_unit(results, unit)

    every = False
    monkeypatch.setattr("ccec_econ.models.small_sample.without_unit", failing)
    found = small_sample(fit, "x1", draws=9).leave_one_out
    assert list(found.index[found.isna()]) == [1]
    every = True
    with pytest.raises(ConvergenceError, match="no refit without one of 1, 2, 3"):
        small_sample(fit, "x1", draws=9)
