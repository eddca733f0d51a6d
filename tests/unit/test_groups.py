"""Effects between groups: hand-worked blocks, tests, refusals, print."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import ccec_econ as ce
from ccec_econ.engine.likelihood import Optimum
from ccec_econ.errors import AlignmentError, FormulaError, IdentificationError
from ccec_econ.models.groups import effects_by_order, group_effects, split_by_origin, unit_effects
from simulated import simulate

CHAIN = np.array([[0.0, 1.0, 0.0], [0.5, 0.0, 0.5], [0.0, 1.0, 0.0]])
EXACT = 1e-12


@pytest.fixture(scope="module")
def chain():
    """SDM of three units in a row, to be given other parameters."""
    panel = simulate(np.random.default_rng(0), CHAIN, 30, 0.3, np.array([1.0]), np.array([0.5]))
    return ce.sdm("y ~ x0 | unit", panel, ce.weights.from_matrix(CHAIN, range(3)))


@pytest.fixture(scope="module")
def fit(sim16):
    panel, W = sim16
    return ce.sdm("y ~ x1 + x2 | id + year", panel, W)


@pytest.fixture(scope="module")
def groups(sim16) -> pd.Series:
    units = sim16[0].index.get_level_values(0).unique().sort_values()
    return pd.Series(["core"] * 2 + ["hollow"] * 5 + ["other"] * 9, index=units)


def at(results, b: float, t: float, rho: float):
    best = Optimum(rho, 0.0, np.array([b, t]), 1.0, 0.0)
    return replace(results, estimate=replace(results.estimate, optimum=best))


PAIR = pd.Series({0: "a", 1: "b", 2: "b"})


def test_blocks_of_three_units_by_hand_with_rho(chain) -> None:
    """|I - W/2| = 3/4 and (I - W/2)^-1 = [[7, 4, 1], [2, 8, 2], [1, 4, 7]] / 6, so with b = 1:

    E_aa = 7/6, E_ab = (4 + 1)/6, E_ba = (2 + 1)/2/6, E_bb = (8 + 2 + 4 + 7)/2/6.
    """
    found = group_effects(at(chain, 1.0, 0.0, 0.5), PAIR, draws=10)
    expected = np.array([[7 / 6, 5 / 6], [1 / 4, 7 / 4]])
    np.testing.assert_allclose(found.matrix("x0"), expected, atol=EXACT)
    np.testing.assert_allclose(found.own["estimate"], [7 / 6, (8 + 7) / 12], atol=EXACT)
    np.testing.assert_allclose(found.received["estimate"], [2.0, 2.0], atol=EXACT)


def test_blocks_of_three_units_by_hand_with_a_lag(chain) -> None:
    """2I + W = [[2, 1, 0], [1/2, 2, 1/2], [0, 1, 2]]: E_ba = 1/4, E_bb = (5/2 + 3)/2."""
    found = group_effects(at(chain, 2.0, 1.0, 0.0), PAIR, draws=10)
    expected = np.array([[2.0, 1.0], [0.25, 2.75]])
    np.testing.assert_allclose(found.matrix("x0"), expected, atol=EXACT)
    sums = found.sums("x0")["estimate"]  # shares 1/3, 2/3: within 2/3 * 3/4, across 1/3 + 1/6
    np.testing.assert_allclose(sums, [2.0, 0.5, 0.5, 3.0], atol=EXACT)
    assert found.border("x0").estimate == pytest.approx(0.0, abs=EXACT)
    assert found.border("x0", own=True).estimate == pytest.approx(2.0, abs=EXACT)


def test_weights_of_units_replace_equal_ones(chain) -> None:
    """Weight 3 to 1 within b: E_ba = 3/4 * 1/2, shares 1/5 and 4/5."""
    size = pd.Series({0: 1.0, 1: 3.0, 2: 1.0})
    found = group_effects(at(chain, 2.0, 1.0, 0.0), PAIR, weights=size, draws=10)
    np.testing.assert_allclose(found.matrix("x0").loc["b"], [0.375, 0.75 * 2.5 + 0.25 * 3.0])
    np.testing.assert_allclose(found.groups["share"], [0.2, 0.8])


def test_one_group_is_the_total_effect_with_its_intervals(fit, groups) -> None:
    one = group_effects(fit, pd.Series("all", index=groups.index), draws=200, rng=3)
    whole = fit.effects(draws=200, rng=3).frame.xs("total", level="effect")
    own = fit.effects(draws=200, rng=3).frame.xs("direct", level="effect")
    np.testing.assert_allclose(one.frame, whole, rtol=1e-9)
    np.testing.assert_allclose(one.received, whole, rtol=1e-9)
    np.testing.assert_allclose(one.own, own, rtol=1e-9)


def test_siphon_and_spread_are_two_sides_of_one_block(fit, groups) -> None:
    found = group_effects(fit, groups)
    siphon, spread = found.siphon("x1"), found.spread("x1")
    row = found.frame.loc[("x1", "hollow", "core")]
    assert siphon.estimate == pytest.approx(row["estimate"])
    assert siphon.std_error == pytest.approx(row["std_error"])
    assert siphon.pvalue + spread.pvalue == pytest.approx(1.0)
    assert siphon.pvalue == pytest.approx(stats.norm.cdf(row["estimate"] / row["std_error"]))
    assert "core to hollow, x1" in str(siphon)
    clustered = group_effects(fit.with_cov(ce.Cluster()), groups).siphon("x1")
    assert clustered.df == 15
    assert clustered.pvalue == pytest.approx(stats.t.cdf(clustered.statistic, 15))


def test_sums_add_up_and_border_is_their_difference(fit, groups) -> None:
    found = group_effects(fit, groups)
    sums = found.sums("x2")
    total = fit.effects().frame.loc[("x2", "total")]
    assert sums.loc[["own", "within", "across"], "estimate"].sum() == pytest.approx(
        sums.loc["total", "estimate"], abs=EXACT
    )
    assert sums.loc["total", "estimate"] == pytest.approx(total["estimate"], rel=1e-9)
    assert sums.loc["total", "std_error"] == pytest.approx(total["std_error"], rel=1e-9)
    border = found.border("x2")
    gap = sums.loc["within", "estimate"] - sums.loc["across", "estimate"]
    assert border.estimate == pytest.approx(gap, abs=EXACT)
    assert border.alternative == "greater"


def test_order_of_groups_is_sorted_or_that_of_the_categories(fit, groups) -> None:
    assert list(group_effects(fit, groups, draws=5).groups.index) == ["core", "hollow", "other"]
    order = ["other", "nobody", "core", "hollow"]
    ordered = groups.astype(pd.CategoricalDtype(order))
    assert list(group_effects(fit, ordered, draws=5).matrix("x1")) == ["other", "core", "hollow"]


def test_a_single_lag_says_that_it_fixes_signs_and_split_lags_do_not(sim16, groups) -> None:
    panel, W = sim16
    single = group_effects(ce.slx("y ~ x1 | id + year", panel, W), groups, draws=5)
    assert "One coefficient per lag: every effect of one unit on another has" in single.remark
    assert "the sign of t, so blocks off the diagonal cannot differ in sign" in single.remark
    assert "rho" not in single.remark
    parts = split_by_origin(panel["x1"], groups)
    np.testing.assert_allclose(parts.sum(axis=1), panel["x1"])
    wide = panel.join(parts)
    fit = ce.sdm("y ~ x1 + W(x1_core) + W(x1_hollow) + W(x1_other) | id + year", wide, W)
    split = {"x1": {g: f"x1_{g}" for g in ("core", "hollow", "other")}}
    found = group_effects(fit, groups, split=split, draws=5)
    assert found.remark == ""
    assert found.terms == ["x1"]
    M = ce.weights.align(W, fit.panel.units)
    t = groups.map({g: fit.params[f"W(x1_{g})"] for g in groups.unique()}).to_numpy()
    S = np.linalg.inv(np.eye(16) - fit.rho * M) @ (fit.params["x1"] * np.eye(16) + M * t)
    expected = pd.DataFrame(S).T.groupby(groups.to_numpy()).sum().T
    expected = expected.groupby(groups.to_numpy()).mean()
    np.testing.assert_allclose(found.matrix("x1"), expected, atol=1e-10)
    own = pd.Series(np.diag(S)).groupby(groups.to_numpy()).mean()
    np.testing.assert_allclose(found.own["estimate"], own, atol=1e-10)


def test_summary_prints_blocks_and_convention(fit, groups) -> None:
    found = group_effects(fit, groups, draws=5)
    table = found.summary(labels={"x1": "digital"})
    assert table.columns == ("Term", "To", "From core", "From hollow", "From other", "From all")
    assert table.rows[0][0] == "digital"
    assert len(table.rows) == 12
    assert "core 2, hollow 5, other 9" in str(found)
    assert "inverse expected information" in found._repr_html_()


def test_groups_must_name_exactly_the_units(fit, groups) -> None:
    with pytest.raises(AlignmentError, match=r"1 units without \(1\), 0 not in the panel"):
        group_effects(fit, groups.iloc[1:])
    with pytest.raises(AlignmentError, match="1 units without"):
        group_effects(fit, groups.where(groups.index != 3))
    with pytest.raises(AlignmentError, match=r"1 not in the panel \(99\)"):
        group_effects(fit, pd.concat([groups, pd.Series({99: "core"})]))
    with pytest.raises(AlignmentError, match="twice"):
        group_effects(fit, pd.concat([groups, groups.iloc[:1]]))
    size = pd.Series(1.0, index=groups.index)
    with pytest.raises(AlignmentError, match="not positive numbers"):
        group_effects(fit, groups, weights=size - 1.0)


def test_unknown_names_are_refused(fit, groups) -> None:
    found = group_effects(fit, groups, draws=5)
    with pytest.raises(FormulaError, match="no effects of 'x9'"):
        found.matrix("x9")
    with pytest.raises(FormulaError, match=r"no group mountains; .* with core= and hollow="):
        found.siphon("x1", core="mountains")
    with pytest.raises(FormulaError, match=r"weights of shape \(2, 2\)"):
        found.contrast("odd", "x1", np.ones((2, 2)), "less")
    with pytest.raises(FormulaError, match="split names x9"):
        group_effects(fit, groups, split={"x1": {"core": "x9"}})
    with pytest.raises(ValueError, match="draws 0"):
        group_effects(fit, groups, draws=0)
    with pytest.raises(FormulaError, match="no effects of 'x9'"):
        unit_effects(fit, "x9")


def test_a_split_column_that_leaks_is_refused(sim16, groups) -> None:
    panel, W = sim16
    leaky = panel.assign(x1_core=panel["x1"] * 2.0 + panel["x2"])
    fit = ce.slx("y ~ x1 + W(x1_core) | id + year", leaky, W)
    with pytest.raises(FormulaError, match="'x1_core' is not zero in"):
        group_effects(fit, groups, split={"x1": {"core": "x1_core"}})


def test_a_leak_is_found_before_refits_and_not_passed_over(sim16, groups, monkeypatch) -> None:
    panel, W = sim16
    leaky = panel.assign(x1_core=panel["x1"] * 2.0 + panel["x2"])
    fit = ce.slx("y ~ x1 + W(x1_core) | id + year", leaky, W)
    monkeypatch.setattr(type(fit), "refits", lambda *_, **__: pytest.fail("refitted"))
    with pytest.raises(FormulaError, match="'x1_core' is not zero in"):
        group_effects(fit, groups, split={"x1": {"core": "x1_core"}}, bootstrap=3)
    written = ce.slx("y ~ x1 + W(x1_core**2) | id + year", leaky, W)
    part = written.reduced_form().terms[1].name
    with pytest.raises(FormulaError, match="is no column of the data and no I"):
        group_effects(written, groups, split={"x1": {"core": part}}, draws=5)


@pytest.fixture(scope="module")
def origins(sim16, groups):
    """SLX with x1 lagged by origin, written with a column of ones per group, and its split."""
    panel, W = sim16
    names = ("core", "hollow", "other")
    of_row = panel.index.get_level_values(0).map(groups)
    marked = panel.assign(**{g: (of_row == g) * 1.0 for g in names})
    terms = " + ".join(f"I(x1 * {g}) + W(I(x1 * {g}))" for g in names)
    slx = ce.slx(f"y ~ {terms} + x2 | id + year", marked, W, cov=ce.Cluster())
    return slx, {"x1": {g: f"I(x1 * {g})" for g in names}}


def test_a_split_written_in_the_formula_is_the_split_by_columns(sim16, groups, origins) -> None:
    panel, W = sim16
    fit, split = origins
    wide = panel.join(split_by_origin(panel["x1"], groups))
    columns = {g: f"x1_{g}" for g in split["x1"]}
    terms = " + ".join(f"{name} + W({name})" for name in columns.values())
    expected = ce.slx(f"y ~ {terms} + x2 | id + year", wide, W, cov=ce.Cluster())
    expected = group_effects(expected, groups, split={"x1": columns}, draws=5)
    found = group_effects(fit, groups, split=split, draws=5)
    pd.testing.assert_frame_equal(found.frame, expected.frame)
    leaky = {"x1": {"core": "I(x1 * other)"}}
    with pytest.raises(FormulaError, match=r"is not zero in .*, outside core"):
        group_effects(fit, groups, split=leaky, draws=5)


def test_slopes_of_a_contrast_are_its_weights_in_a_model_without_rho(groups, origins) -> None:
    fit, split = origins
    found = group_effects(fit, groups, split=split, draws=5)
    siphon = found.siphon("x1")
    assert list(siphon.slope) == ["W(I(x1 * core))"]
    for contrast in (siphon, found.border("x1"), found.border("x1", own=True)):
        value = sum(weight * fit.params[name] for name, weight in contrast.slope.items())
        assert value == pytest.approx(contrast.estimate)
        wild = ce.wild_cluster(fit, contrast.slope)
        assert wild.estimate == pytest.approx(contrast.estimate)
        assert wild.std_error == pytest.approx(contrast.std_error)
        assert wild.pvalue_conventional == pytest.approx(contrast.two_sided)
        assert contrast.detectable == pytest.approx(2.8 * wild.std_error)
        assert contrast.pvalue_bootstrap is None


def test_p_value_of_a_contrast_counts_refits(fit, groups) -> None:
    again = ce.bootstrap(fit, draws=29, innovations="unit")
    found = group_effects(fit, groups, bootstrap=again, draws=5)
    contrast = found.siphon("x1")
    blocks = []
    for _, row in again.draws.iterrows():
        S = np.linalg.inv(np.eye(16) - row["rho"] * fit.estimate.weights.W)
        S = S @ (row["x1"] * np.eye(16) + row["W(x1)"] * fit.estimate.weights.W)
        blocks.append(S[2:7, :2].sum(axis=1).mean())
    beyond = np.abs(np.array(blocks) - contrast.estimate) >= abs(contrast.estimate)
    assert contrast.pvalue_bootstrap == pytest.approx((1 + beyond.sum()) / 30)


def test_terms_can_be_selected(fit, groups) -> None:
    found = group_effects(fit, groups, bootstrap=9, draws=5)
    chosen = found.select(["x2"])
    assert chosen.terms == ["x2"]
    assert len(chosen.summary().rows) == 6
    pd.testing.assert_frame_equal(chosen.matrix("x2"), found.matrix("x2"))
    assert chosen.siphon("x2") == found.siphon("x2")
    with pytest.raises(FormulaError, match="no effects of 'x9'"):
        found.select(["x9"])


def test_a_unit_without_group_cannot_be_split(sim16, groups) -> None:
    with pytest.raises(AlignmentError, match="no group for 1"):
        split_by_origin(sim16[0]["x1"], groups.iloc[1:])


def test_without_lags_no_unit_acts_on_another(sim16, groups) -> None:
    found = group_effects(ce.ols("y ~ x1 | id + year", sim16[0]), groups, draws=5)
    assert found.matrix("x1").loc["hollow", "core"] == 0.0
    with pytest.raises(IdentificationError, match="by the model, without error"):
        found.siphon("x1")
    assert "no unit acts on another" in found.remark


def test_unit_effects_by_hand(chain) -> None:
    """Rows of (I - W/2)^-1 sum to 2, columns to 10/6, 16/6, 10/6."""
    found = unit_effects(at(chain, 1.0, 0.0, 0.5), "x0")
    np.testing.assert_allclose(found.matrix * 6, [[7, 4, 1], [2, 8, 2], [1, 4, 7]], atol=1e-11)
    np.testing.assert_allclose(found.received, 2.0)
    np.testing.assert_allclose(found.emitted * 6, [10, 16, 10])
    assert list(found.frame) == ["own", "received", "emitted"]


def test_orders_by_hand(chain) -> None:
    """b = 2, t = 1, rho = 1/2; diag W^2 = (1/2, 1, 1/2).

    Order 0: 2I + W, direct 2, total 3. Order 1: W + W^2/2, direct (2/3)/2, total 3/2.
    """
    frame = effects_by_order(at(chain, 2.0, 1.0, 0.5), orders_shown=1).wide().loc["x0"]
    np.testing.assert_allclose(frame.loc[0], [2.0, 1.0, 3.0], atol=EXACT)
    np.testing.assert_allclose(frame.loc[1], [1 / 3, 7 / 6, 1.5], atol=EXACT)
    assert frame.loc["beyond", "total"] == pytest.approx(6.0 - 4.5, abs=EXACT)
    assert frame.loc["all", "total"] == pytest.approx(6.0, abs=EXACT)


def test_orders_refuse_what_does_not_die_out(chain) -> None:
    """Three units that neighbour each other allow rho down to -2, but powers need |rho| < 1."""
    W = (np.ones((3, 3)) - np.eye(3)) / 2
    panel = simulate(np.random.default_rng(0), W, 30, 0.3, np.array([1.0]), np.array([0.5]))
    ring = ce.sdm("y ~ x0 | unit", panel, ce.weights.from_matrix(W, range(3)))
    with pytest.raises(IdentificationError, match="powers do not die out"):
        effects_by_order(at(ring, 1.0, 0.0, -1.5))
    with pytest.raises(IdentificationError, match=r"rho = -1.0000 lies outside"):
        effects_by_order(at(chain, 1.0, 0.0, -1.0))
    with pytest.raises(ValueError, match="orders -1"):
        effects_by_order(chain, orders_shown=-1)


@pytest.mark.parametrize("by_order", [False, True])
def test_notes_speak_of_the_interval_that_is_shown(fit, groups, by_order: bool) -> None:
    options = {"draws": 50, "bootstrap": 9}
    if by_order:
        found = effects_by_order(fit, orders_shown=1, **options)
    else:
        found = group_effects(fit, groups, **options)
    told = {
        beneath: tuple(
            any(note.startswith(name) for note in found.summary(beneath=beneath).notes)
            for name in ("Simulation: ", "Bootstrap: ")
        )
        for beneath in ("error", "delta", "simulation", "bootstrap")
    }
    assert told == {
        "error": (False, False),
        "delta": (False, False),
        "simulation": (True, False),
        "bootstrap": (False, True),
    }
    rejecting = replace(found, basis=replace(found.basis, rejected=0.125))
    assert "12.5 % of draws of the parameters left the parameter space." in (
        rejecting.summary().notes
    )
    assert any(note.startswith("Simulation: ") for note in found.notes())
