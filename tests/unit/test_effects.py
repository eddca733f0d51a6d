"""Effects beyond the static family: hand-worked matrices, bootstrap columns, orders, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import ccec_econ as ce
from ccec_econ.errors import AlignmentError, FormulaError, IdentificationError
from ccec_econ.inference.draws import draw_parameters
from ccec_econ.inference.measure import effect_map
from ccec_econ.inference.reduced_form import several_form
from ccec_econ.inference.units import unit_effects
from ccec_econ.inference.weighted_period import averages

F = "y ~ x1 + x2 | id + year"
DENSE = 1e-10  # rounding of inverses of a matrix of sixteen
PAIR = pd.Series(["core"] * 5 + ["hollow"] * 11, index=range(1, 17))


@pytest.fixture(scope="module")
def W16(sim16) -> np.ndarray:
    return ce.weights.align(sim16[1], pd.Index(range(1, 17)))


@pytest.fixture(scope="module")
def path(sim16, W16) -> dict[int, ce.weights.Graph]:
    """Weights of the panel until 2005, a ring from 2006 on."""
    ring = (np.roll(np.eye(16), 1, axis=1) + np.roll(np.eye(16), -1, axis=1)) / 2
    graphs = [sim16[1], ce.weights.from_matrix(ring, range(1, 17))]
    return {year: graphs[int(year > 2005)] for year in range(2000, 2012)}


@pytest.fixture(scope="module")
def fits(sim16, path) -> dict[str, object]:
    """One fit of every class that has effects."""
    panel, W = sim16
    other = ce.weights.from_matrix(np.roll(np.eye(16), 1, axis=1), range(1, 17))
    return {
        "sdm": ce.sdm(F, panel, W),
        "clustered": ce.sdm(F, panel, W, cov=ce.Cluster()),
        "slx": ce.slx(F, panel, W),
        "changing": ce.sdm(F, panel, path),
        "dynamic": ce.sdm("y ~ L(y) + W(L(y)) + x1 + x2 | id + year", panel, W),
        "gmm": ce.gmm(F, panel, W, durbin="all"),
        "several": ce.higher_order(F, panel, {"a": W, "b": other}, durbin=True),
        "several sar": ce.higher_order(F, panel, {"a": W, "b": other}),
        "random": ce.random_effects("y ~ x1 + x2", panel, W, durbin="all", mundlak=True),
    }


NAMES = [
    *("sdm", "clustered", "slx", "changing", "dynamic", "gmm", "several", "several sar", "random"),
]


def dense(fit, term: str) -> np.ndarray:
    """Matrix of effects by its definition, short run."""
    params, N = fit.params, 16
    if isinstance(fit, ce.HigherOrderResults):
        W = dict(zip(fit.names, fit.estimate.W, strict=True))
        R = sum(params[f"rho[{name}]"] * part for name, part in W.items())
        lag = sum(params.get(f"{name}({term})", 0.0) * part for name, part in W.items())
        return np.linalg.inv(np.eye(N) - R) @ (params[term] * np.eye(N) + lag)
    base = fit.estimate.base if isinstance(fit, ce.RandomEffectsResults) else fit.estimate
    weights = base.x_weights
    found = []
    for part in weights.each if base.varies else [weights]:
        b, t = params[term], params.get(f"W({term})", 0.0)
        A = np.linalg.inv(np.eye(N) - fit.rho * part.W)
        found.append(A @ (b * np.eye(N) + t * part.W))
    return np.mean(found, axis=0)


@pytest.mark.parametrize("name", NAMES)
def test_effects_groups_units_and_orders_are_one_matrix(name: str, fits) -> None:
    fit = fits[name]
    frame = fit.effects(draws=5).frame["estimate"].unstack()
    assert list(frame.index) == ["x1", "x2"]
    groups = fit.effects(groups=PAIR, draws=5)
    each = fit.effects(groups=pd.Series(range(1, 17), index=PAIR.index), draws=5)
    orders = ce.effects_by_order(fit, orders_shown=4, draws=5).wide()
    for term in ("x1", "x2"):
        S = dense(fit, term)
        units = ce.unit_effects(fit, term)
        np.testing.assert_allclose(units.matrix, S, atol=DENSE)
        np.testing.assert_allclose(each.matrix(term), S, atol=DENSE)
        assert frame.loc[term, "direct"] == pytest.approx(np.trace(S) / 16, abs=DENSE)
        assert frame.loc[term, "total"] == pytest.approx(S.sum() / 16, abs=DENSE)
        expected = [[S[:5, :5].sum() / 5, S[:5, 5:].sum() / 5]]
        expected.append([S[5:, :5].sum() / 11, S[5:, 5:].sum() / 11])
        np.testing.assert_allclose(groups.matrix(term), expected, atol=DENSE)
        total = (groups.groups["share"] * groups.matrix(term).sum(axis=1)).sum()
        assert total == pytest.approx(frame.loc[term, "total"], abs=DENSE)
        parts = orders.loc[term]
        np.testing.assert_allclose(parts.iloc[:-1].sum(), parts.loc["all"], atol=DENSE)
        np.testing.assert_allclose(parts.loc["all"], frame.loc[term, parts.columns], atol=DENSE)


@pytest.mark.parametrize("name", NAMES)
def test_one_group_is_the_total_with_its_intervals(name: str, fits) -> None:
    fit = fits[name]
    one = fit.effects(groups=pd.Series("all", index=PAIR.index), draws=50, rng=3)
    whole = fit.effects(draws=50, rng=3).frame
    np.testing.assert_allclose(one.frame, whole.xs("total", level="effect"), rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(one.own, whole.xs("direct", level="effect"), rtol=1e-7, atol=1e-10)
    order = ce.effects_by_order(fit, orders_shown=2, draws=50, rng=3).frame
    last = order.xs("all", level="order")
    columns = ["estimate", "std_error", "lower", "upper"]
    np.testing.assert_allclose(last[columns], whole[columns], rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_groups_by_order_add_to_the_groups(name: str, fits) -> None:
    fit = fits[name]
    parts = ce.effects_by_order(fit, orders_shown=3, groups=PAIR, draws=5)
    whole = fit.effects(groups=PAIR, draws=5)
    assert parts.frame.index.names == ["term", "order", "to", "from"]
    for term in ("x1", "x2"):
        listed = parts.wide().loc[term]
        np.testing.assert_allclose(listed.xs("all"), whole.matrix(term), atol=DENSE)
        sums = listed.drop(index="all", level="order").groupby(level="to").sum()
        np.testing.assert_allclose(sums, whole.matrix(term), atol=DENSE)
    error = parts.wide("std_error").xs("all", level="order")
    np.testing.assert_allclose(error.loc["x1"], whole.matrix("x1", "std_error"), rtol=1e-8)


@pytest.mark.parametrize("name", NAMES)
def test_convention_and_rejected_share_are_printed(name: str, fits) -> None:
    fit = fits[name]
    whole, groups = fit.effects(draws=9), fit.effects(groups=PAIR, draws=9)
    orders = ce.effects_by_order(fit, orders_shown=1, draws=9)
    assert str(whole) == str(whole.summary())
    assert whole._repr_html_() == whole.summary().to_html()
    for found, table in (
        (whole, whole.summary()),
        (groups, groups.summary(beneath="simulation")),
        (orders, orders.summary(beneath="simulation")),
    ):
        assert found.convention == fit.vcov.convention
        for text in (str(table), table.to_html(), table.to_latex(), table.to_typst()):
            assert "of draws left the parameter space" in text
        assert f"Covariance: {fit.vcov.convention}." in str(table)
        assert f"{100 * found.rejected:.1f} % of draws left" in table.to_markdown()
        assert f"Covariance: {fit.vcov.convention}." in str(found)


@pytest.mark.parametrize("name", NAMES)
def test_every_fit_and_its_effects_are_one_line_at_the_prompt(name: str, fits) -> None:
    fit = fits[name]
    line = repr(fit)
    assert line.startswith(f"<{type(fit).__name__} ")
    assert line.endswith(f", N × T = {fit.column().size}>")
    effects = (fit.effects(draws=9), fit.effects(groups=PAIR, draws=9))
    for text in (line, *map(repr, effects), repr(ce.unit_effects(fit, "x1"))):
        assert "\n" not in text
        assert len(text) < 200


@pytest.mark.parametrize("name", NAMES)
def test_siphon_spread_and_border_work(name: str, fits) -> None:
    found = fits[name].effects(groups=PAIR, draws=9)
    siphon, spread = found.siphon("x1"), found.spread("x1")
    row = found.frame.loc[("x1", "hollow", "core")]
    assert siphon.estimate == row["estimate"]
    reference = stats.t.cdf(row["estimate"] / row["std_error"], found.basis.vcov.df or np.inf)
    assert siphon.pvalue == pytest.approx(reference)
    assert siphon.pvalue + spread.pvalue == pytest.approx(1.0)
    assert 0.0 < found.border("x1").pvalue < 1.0


# time


@pytest.mark.parametrize("horizon", ["short", "long", 0, 2])
@pytest.mark.parametrize("cumulative", [True, False])
def test_groups_and_units_at_horizons_are_dense(fits, W16, horizon, cumulative: bool) -> None:
    fit = calm(fits["dynamic"])
    S = np.linalg.inv(np.eye(16) - fit.rho * W16)
    A = S @ (fit.tau * np.eye(16) + fit.eta * W16)
    if horizon == "long":
        f = np.linalg.inv((1 - fit.tau) * np.eye(16) - (fit.rho + fit.eta) * W16)
    else:
        last = 0 if horizon == "short" else horizon
        every = [np.linalg.matrix_power(A, h) @ S for h in range(last + 1)]
        f = sum(every) if cumulative else every[-1]
    expected = f @ (fit.params["x1"] * np.eye(16) + fit.params["W(x1)"] * W16)
    options = {"horizon": horizon, "cumulative": cumulative}
    np.testing.assert_allclose(ce.unit_effects(fit, "x1", **options).matrix, expected, atol=DENSE)
    found = fit.effects(groups=PAIR, draws=9, **options)
    assert found.matrix("x1").loc["hollow", "core"] == pytest.approx(
        expected[5:, :5].sum() / 11, abs=DENSE
    )
    assert found.scope in str(found)
    simulated = str(found.summary(beneath="simulation"))
    assert ("stable region" in simulated) == (horizon != "short")
    assert ce.group_effects(fit, PAIR, draws=9, **options).frame.equals(found.frame)


def calm(fit):
    """The same fit far from a unit root, and sure of it."""
    values = fit.estimate.optimum.coefficients.copy()
    values[:2] = 0.4, 0.1
    best = replace(fit.estimate.optimum, coefficients=values, rho=0.2)
    vcov = replace(fit.vcov, matrix=0.01 * fit.vcov.matrix)
    return replace(fit, estimate=replace(fit.estimate, optimum=best), vcov=vcov)


def test_without_persistence_groups_are_the_static_ones(fits) -> None:
    fit = calm(fits["dynamic"])
    values = fit.estimate.optimum.coefficients.copy()
    values[:2] = 0.0
    best = replace(fit.estimate.optimum, coefficients=values)
    still = replace(fit, estimate=replace(fit.estimate, optimum=best))
    short = still.effects(groups=PAIR, draws=9).frame
    for horizon in ("long", 0, 3):
        found = still.effects(groups=PAIR, horizon=horizon, draws=9).frame
        np.testing.assert_allclose(found["estimate"], short["estimate"], atol=DENSE)
    static = fits["sdm"]
    same = replace(
        static.estimate, optimum=replace(static.estimate.optimum, coefficients=values[2:], rho=0.2)
    )
    expected = replace(static, estimate=same).effects(groups=PAIR, draws=9).frame
    np.testing.assert_allclose(short["estimate"], expected["estimate"], atol=DENSE)


def test_unit_roots_refuse_groups_and_units_too(fits) -> None:
    fit = calm(fits["dynamic"])
    values = fit.estimate.optimum.coefficients.copy()
    values[:2] = 0.9, 0.2
    best = replace(fit.estimate.optimum, coefficients=values)
    explosive = replace(fit, estimate=replace(fit.estimate, optimum=best))
    for call in (
        lambda: explosive.effects(groups=PAIR, horizon=2),
        lambda: ce.group_effects(explosive, PAIR, horizon="long"),
        lambda: ce.unit_effects(explosive, "x1", horizon=1),
    ):
        with pytest.raises(IdentificationError, match="spectral radius of A"):
            call()
    values[:2] = 0.7, 0.1
    wide = replace(explosive, vcov=replace(fit.vcov, matrix=1e4 * fit.vcov.matrix))
    best = replace(best, coefficients=values, rho=0.15)
    near = replace(wide, estimate=replace(fit.estimate, optimum=best))
    with pytest.raises(IdentificationError, match="no long-run effects"):
        near.effects(groups=PAIR, horizon="long")


def test_horizons_need_time_lags(fits) -> None:
    for name in ("sdm", "gmm", "several", "random"):
        with pytest.raises(FormulaError, match="horizon 'long': the model has no time lags"):
            fits[name].effects(horizon="long")


# weights that change over time


def test_changing_weights_average_over_periods_or_take_one(fits) -> None:
    fit = fits["changing"]
    whole = fit.effects(draws=9)
    assert "effects are means over the periods" in str(whole)
    each = [ce.group_effects(fit, PAIR, period=year, draws=9) for year in range(2000, 2012)]
    mean = np.mean([one.matrix("x1") for one in each], axis=0)
    np.testing.assert_allclose(fit.effects(groups=PAIR, draws=9).matrix("x1"), mean, atol=DENSE)
    assert "means over the periods" not in str(each[0])
    late = fit.estimate.weights.each[-1].W
    b, t = fit.params["x1"], fit.params["W(x1)"]
    S = np.linalg.solve(np.eye(16) - fit.rho * late, b * np.eye(16) + t * late)
    found = ce.unit_effects(fit, "x1", period=2011)
    np.testing.assert_allclose(found.matrix, S, atol=DENSE)
    order = ce.effects_by_order(fit, orders_shown=1, period=2011, draws=9).wide()
    first = fit.rho * (b * late + t * late @ late)
    assert order.loc[("x1", 1), "total"] == pytest.approx(first.sum() / 16, abs=DENSE)


def test_periods_that_cannot_be_chosen(fits) -> None:
    with pytest.raises(FormulaError, match="no period 1999; the panel has 2000"):
        ce.unit_effects(fits["changing"], "x1", period=1999)
    with pytest.raises(FormulaError, match="the weights are the same in all periods"):
        ce.group_effects(fits["sdm"], PAIR, period=2000)


# bootstrap


def test_bootstrap_stands_beside_the_others_and_is_that_of_ce_bootstrap(sim16) -> None:
    panel, W = sim16
    fit = ce.sdm("y ~ x1 | id + year", panel, W)
    plain = fit.effects(draws=20, rng=4)
    found = fit.effects(bootstrap=30, draws=20, rng=4)
    assert "boot_lower" not in plain.frame
    assert "Bootstrap" not in str(plain)
    pd.testing.assert_frame_equal(found.frame[plain.frame.columns], plain.frame)
    again = ce.bootstrap(fit, draws=30, rng=4)
    for effect in ("direct", "indirect", "total"):
        row = found.frame.loc[("x1", effect)]
        expected = again.frame.loc[f"{effect} x1", ["basic_lower", "basic_upper"]]
        np.testing.assert_array_equal(row[["boot_lower", "boot_upper"]], expected)
    given = fit.effects(bootstrap=again, draws=20, rng=4)
    pd.testing.assert_frame_equal(given.frame, found.frame)
    assert "Bootstrap 95 %" in str(found)
    assert (
        "Bootstrap: basic interval from 30 refits of simulated panels, innovations drawn from the "
        "normal; 0.0 % of refits failed and are left out." in str(found)
    )
    generators = [np.random.default_rng(4) for _ in range(2)]
    one, two = (fit.effects(bootstrap=5, draws=20, rng=rng).frame for rng in generators)
    pd.testing.assert_frame_equal(one, two)
    np.testing.assert_array_equal(one["sim_lower"], plain.frame["sim_lower"])


def test_groups_and_orders_read_the_same_refits(sim16) -> None:
    panel, W = sim16
    fit = ce.sdm("y ~ x1 | id + year", panel, W)
    refits = ce.bootstrap(fit, draws=30, innovations="unit")
    ends = ["boot_lower", "boot_upper"]
    whole = fit.effects(bootstrap=refits, draws=9).frame[ends]
    one = fit.effects(groups=pd.Series("all", index=PAIR.index), bootstrap=refits, draws=9)
    total = whole.loc[("x1", "total")]
    np.testing.assert_allclose(one.frame[ends].iloc[0], total, rtol=1e-10)
    order = ce.effects_by_order(fit, orders_shown=1, bootstrap=refits, draws=9).frame
    np.testing.assert_allclose(order.loc[("x1", "all", "total"), ends], total, rtol=1e-10)
    below = one.summary(beneath="bootstrap").rows[1][2]
    assert below == f"[{total.iloc[0]:.4f}, {total.iloc[1]:.4f}]".replace("-", "−")
    assert "residuals of whole units drawn together" in str(one.summary(beneath="bootstrap"))
    assert one.summary(beneath="delta").rows[1][2].startswith("[")
    with pytest.raises(FormulaError, match="no 'bootstrap' interval here"):
        fit.effects(groups=PAIR, draws=9).summary(beneath="bootstrap")


def test_slx_bootstrap_of_a_linear_effect_is_that_of_its_coefficient(sim16) -> None:
    panel, W = sim16
    fit = ce.slx("y ~ x1 | id + year", panel, W)
    refits = ce.bootstrap(fit, draws=20)
    frame = fit.effects(bootstrap=refits, draws=9).frame
    expected = refits.frame.loc["x1", ["basic_lower", "basic_upper"]]
    np.testing.assert_allclose(frame.loc[("x1", "direct"), ["boot_lower", "boot_upper"]], expected)


def test_failed_refits_are_reported(sim16) -> None:
    panel, W = sim16
    fit = ce.sdm("y ~ x1 | id + year", panel, W)
    near = replace(fit.estimate, optimum=replace(fit.estimate.optimum, rho=0.99))
    found = replace(fit, estimate=near).effects(bootstrap=60, draws=9)
    assert 0.0 < found.basis.failed < 0.5
    assert f"{100 * found.basis.failed:.1f} % of refits failed" in str(found)


def test_bootstraps_that_cannot_be_had(fits) -> None:
    other = ce.bootstrap(fits["slx"], draws=5)
    with pytest.raises(FormulaError, match="the bootstrap is one of another fit"):
        fits["sdm"].effects(bootstrap=other)
    for bad in (True, "yes", 99.0):
        with pytest.raises(FormulaError, match="give a number of refits, such as 999"):
            fits["sdm"].effects(bootstrap=bad)
    with pytest.raises(ValueError, match="draws 1"):
        fits["sdm"].effects(bootstrap=1)
    refusals = {
        "changing": "weights that change over time",
        "gmm": "by instruments and maximise no likelihood",
    }
    for name, text in refusals.items():
        with pytest.raises(IdentificationError, match=text):
            fits[name].effects(bootstrap=9)
    with pytest.raises(IdentificationError, match="bootstrap intervals stop at the short run"):
        fits["dynamic"].effects(horizon=2, bootstrap=9)
    for name in ("several", "random"):
        with pytest.raises(FormulaError, match="bootstrap is not available for"):
            ce.effects_by_order(fits[name], bootstrap=9)


# several spatial lags, by hand


def test_two_spatial_lags_by_hand() -> None:
    """Three units; W_1 looks ahead in a cycle, W_2 = W_1^2 back; rho = (1/2, 1/4), b = 1.

    With C the cycle, S = (I - C/2 - C^2/4)^-1 = s_0 I + s_1 C + s_2 C^2 and
    s_0 = 1 + s_2/2 + s_1/4, s_1 = s_0/2 + s_2/4, s_2 = s_1/2 + s_0/4, hence
    s_1 = (9/14) s_0, s_2 = (4/7) s_0, s_0 = 1/(1 - 2/7 - 9/56) = 56/31.
    """
    C = np.roll(np.eye(3), 1, axis=1)
    form = several_form(
        np.array([1.0]), np.array([0.5, 0.25]), ("x",), (None,), {"ahead": C, "back": C @ C}
    )
    found = unit_effects(form, pd.Index(list("abc")), "x").matrix * 31 / 56
    np.testing.assert_allclose(found, np.eye(3) + 9 / 14 * C + 4 / 7 * C @ C, atol=1e-14)


def test_lags_by_other_weights_stand_with_their_own(sim16) -> None:
    """Durbin terms of the second weights are those of the second matrix, not of the first."""
    panel, W = sim16
    other = ce.weights.from_matrix(np.roll(np.eye(16), 1, axis=1), range(1, 17))
    fit = ce.higher_order(F, panel, {"a": W, "b": other}, durbin=True)
    still = replace(fit.estimate, rho=np.zeros(2))
    S = ce.unit_effects(replace(fit, estimate=still), "x2").matrix.to_numpy()
    a, b = fit.estimate.W
    expected = fit.params["x2"] * np.eye(16) + fit.params["a(x2)"] * a + fit.params["b(x2)"] * b
    np.testing.assert_allclose(S, expected, atol=1e-14)


# what is said beneath


def test_one_ratio_is_said_where_no_regressor_is_lagged(sim16, fits) -> None:
    panel, W = sim16
    said = "the ratio of indirect to direct effects is the same for every regressor, "
    lone = {
        "sar": ce.sar(F, panel, W),
        "dynamic": ce.sar("y ~ L(y) + x1 + x2 | id + year", panel, W),
        "2sls": ce.s2sls(F, panel, W),
        "several": fits["several sar"],
    }
    for fit in lone.values():
        found = fit.effects(draws=9)
        frame = found.frame["estimate"].unstack()
        ratio = frame["indirect"] / frame["direct"]
        assert ratio["x1"] == pytest.approx(ratio["x2"])
        assert said + f"{ratio['x1']:.4f}." in str(found)
    for fit in (fits["sdm"], fits["slx"], fits["random"], ce.ols(F, panel)):
        assert said not in str(fit.effects(draws=9))
    assert said not in str(ce.sdm(F, panel, W, durbin=["x2"]).effects(draws=9))


def test_remarks_about_signs(sim16, fits) -> None:
    assert "has the sign of rho b + t" in fits["sdm"].effects(groups=PAIR, draws=9).remark
    assert "has the sign of rho b + t" in fits["random"].effects(groups=PAIR, draws=9).remark
    assert "has the sign of rho b + t" in fits["changing"].effects(groups=PAIR, draws=9).remark
    long = calm(fits["dynamic"]).effects(groups=PAIR, horizon="long", draws=9)
    assert "has the sign of (rho + eta) b + (1 - tau) t" in long.remark
    assert calm(fits["dynamic"]).effects(groups=PAIR, horizon=2, draws=9).remark == ""
    assert fits["several"].effects(groups=PAIR, draws=9).remark == ""
    lone = fits["several sar"]
    positive = replace(lone, estimate=replace(lone.estimate, rho=np.array([0.3, 0.1])))
    assert "has the sign of b" in positive.effects(groups=PAIR, draws=9).remark


def test_orders_print_and_select(fits) -> None:
    found = ce.effects_by_order(fits["sdm"], orders_shown=2, draws=9)
    table = found.summary(labels={"x1": "digital"})
    assert table.columns == ("Term", "Order", "Direct", "Indirect", "Total")
    assert [row[0] for row in table.rows[::2]] == ["digital", "", "", "", "", "x2", "", "", "", ""]
    assert [row[1] for row in table.rows[:10:2]] == ["0", "1", "2", "beyond", "all"]
    assert table.rules == frozenset({10})
    between = ce.effects_by_order(fits["sdm"], orders_shown=1, groups=PAIR, draws=9).summary()
    assert between.columns == ("Term", "Order", "To", "From core", "From hollow")
    assert [row[1:3] for row in between.rows[:6:2]] == [
        ("0", "core"),
        ("", "hollow"),
        ("1", "core"),
    ]
    assert "short run" in str(ce.effects_by_order(fits["dynamic"], draws=9))
    row = found.frame.loc[("x1", 0, "direct")]
    below = found.summary(beneath="simulation", digits=3).rows[1][2]
    assert below == f"[{row['sim_lower']:.3f}, {row['sim_upper']:.3f}]"
    with pytest.raises(FormulaError, match="no 'bootstrap' interval here; choose one of delta"):
        found.summary(beneath="bootstrap")


def test_order_zero_and_one_have_the_errors_of_their_coefficients(fits, W16) -> None:
    """SLX: order 0 is b direct, t indirect, and nothing lies beyond."""
    fit = fits["slx"]
    frame = ce.effects_by_order(fit, orders_shown=1, draws=9).frame
    assert frame.loc[("x1", 0, "direct"), "std_error"] == pytest.approx(fit.std_errors["x1"])
    assert frame.loc[("x1", 0, "indirect"), "std_error"] == pytest.approx(fit.std_errors["W(x1)"])
    assert frame.loc[("x1", "beyond", "total"), "estimate"] == 0.0


def test_draws_whose_powers_do_not_die_out_are_replaced() -> None:
    """Three units that neighbour each other allow rho down to -2; powers need |rho| < 1."""
    ring = (np.ones((3, 3)) - np.eye(3)) / 2
    form = several_form(
        np.array([1.0]), np.array([-0.9]), ("x",), (None,), {"ring": ring}
    ).by_order(2)
    theta = np.array([[1.0, -0.9], [1.0, -1.1], [1.0, 0.99], [1.0, 1.5]])
    assert form.inside(theta).tolist() == [True, False, True, False]


def test_what_the_model_fixes_at_zero_is_an_exact_zero(sim16) -> None:
    """Only W(x2): its direct effect is t times the mean diagonal of W, rounding left aside."""
    panel, W = sim16
    found = ce.slx("y ~ x1 + W(x2) | id + year", panel, W).effects(draws=50, bootstrap=9).frame
    assert (found.loc[("x2", "direct")] == 0.0).all()
    np.testing.assert_allclose(
        found.loc[("x2", "indirect")], found.loc[("x2", "total")], rtol=1e-12
    )
    assert (found.loc[("x1", "indirect")] == 0.0).all()
    assert (found.drop([("x2", "direct"), ("x1", "indirect")])["std_error"] > 0.0).all()


def test_the_note_says_which_t_draws_came_from(sim16) -> None:
    """CR2: the fewest degrees of freedom among mean own effects and mean totals."""
    panel, W = sim16
    fit = ce.slx(F, panel, W, cov=ce.Cluster(kind="CR2"))
    found = fit.effects(draws=20)
    slopes = effect_map(fit.reduced_form(), averages).slopes()
    least = fit.vcov.degrees(slopes).min()
    assert found.basis.df == pytest.approx(least)
    text = f"draws of the parameters from t({least:.1f}), the fewest degrees of freedom"
    assert text in str(found)
    plain = ce.slx(F, panel, W, cov=ce.Cluster()).effects(draws=20)
    assert plain.basis.df == 15
    assert "20 draws of the parameters; " in str(plain)


@pytest.mark.parametrize(
    ("name", "call", "error", "match"),
    [
        ("dynamic", {"horizon": 2}, IdentificationError, "stop at the short run"),
        ("dynamic", {"horizon": 2, "groups": PAIR}, IdentificationError, "stop at the short run"),
        ("sdm", {"level": 1.5}, ValueError, "level 1.5"),
        ("sdm", {"draws": 0}, ValueError, "draws 0"),
        ("sdm", {"groups": PAIR.iloc[1:]}, AlignmentError, "1 units without"),
        ("sdm", {"groups": PAIR, "split": {"x1": {"core": "x9"}}}, FormulaError, "split names x9"),
        ("several", {"bootstrap": 3}, FormulaError, "bootstrap is not available"),
    ],
)
def test_refusals_come_before_the_refits(name, call, error, match, fits, monkeypatch) -> None:
    fit = fits[name]
    if name != "several":
        monkeypatch.setattr(type(fit), "refits", lambda *_, **__: pytest.fail("refitted"))
    verb = ce.group_effects if "groups" in call else type(fit).effects
    with pytest.raises(error, match=match):
        verb(fit, **{"bootstrap": 3, **call})


def test_orders_refuse_before_the_refits(fits, monkeypatch) -> None:
    fit = fits["sdm"]
    monkeypatch.setattr(type(fit), "refits", lambda *_, **__: pytest.fail("refitted"))
    with pytest.raises(ValueError, match="orders -1"):
        ce.effects_by_order(fit, orders_shown=-1, bootstrap=3)
    with pytest.raises(AlignmentError, match="1 units without"):
        ce.effects_by_order(fit, groups=PAIR.iloc[1:], bootstrap=3)


def test_what_has_no_effects_is_refused() -> None:
    with pytest.raises(FormulaError, match="no effects of str"):
        ce.group_effects("fit", PAIR)  # type: ignore[arg-type]


def test_other_covariances_stand_beside(sim16) -> None:
    panel, W = sim16
    fit = ce.sdm(F, panel, W)
    own, other = fit.effects(draws=9), fit.with_cov(ce.Cluster()).effects(draws=9)
    table = own.summary(also={"Clustered": other})
    assert table.columns[-1] == "Clustered 95 %"
    low, high = other.frame[["lower", "upper"]].iloc[0]
    assert table.rows[0][-1] == f"[{low:.4f}, {high:.4f}]".replace("-", "−")
    assert f"Clustered interval: delta method, {other.convention}." in table.notes
    with pytest.raises(FormulaError, match="effects 'Delta' cannot stand beside these"):
        own.summary(also={"Delta": other})


def test_draws_that_all_leave_are_refused() -> None:
    def nowhere(theta: np.ndarray) -> np.ndarray:
        return np.zeros(len(theta), dtype=bool)

    with pytest.raises(IdentificationError, match="300 of 300 draws leave nowhere"):
        draw_parameters(
            np.zeros(2),
            np.eye(2),
            None,
            3,
            np.random.default_rng(0),
            inside=nowhere,
            region="nowhere",
        )


def test_weights_of_their_own_leave_signs_free(sim16) -> None:
    panel, W = sim16
    other = ce.weights.from_matrix(np.roll(np.eye(16), 1, axis=1), range(1, 17))
    fit = ce.sdm("y ~ x1 | id + year", panel, W, x_weights=other)
    assert fit.effects(groups=PAIR, draws=5).remark == ""
