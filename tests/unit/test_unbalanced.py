"""Unbalanced panels: hand-worked cases, the balanced case, rules and refusals."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from linearmodels.panel import PanelOLS

import ccec_econ as ce
from ccec_econ.engine.presence import Presence
from ccec_econ.engine.removal import removal
from ccec_econ.errors import (
    AlignmentError,
    FormulaError,
    IdentificationError,
    PanelError,
    WeightsError,
)

BARS = {"none": "", "unit": " | id", "time": " | year", "twoway": " | id + year"}
COVARIANCES = (ce.Information(), ce.QuasiML(), ce.Cluster("unit"), ce.Cluster("time"))
MODELS = ("ols", "slx", "sar", "sem", "sdm", "sdem", "sac", "gns")
ROUNDING = 1e-9  # two routes to one number


def fitted(model: str, formula: str, panel: pd.DataFrame, W, **options):
    weights = () if model == "ols" else (W,)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ce.errors.WeakIdentificationWarning)
        return getattr(ce, model)(formula, panel, *weights, **options)


def ring(ids: range | list[int]) -> ce.weights.Graph:
    """Each unit has the one before and the one after, with weight 1/2."""
    n = len(ids)
    W = np.zeros((n, n))
    for i in range(n):
        W[i, (i + 1) % n] = W[i, (i - 1) % n] = 0.5
    return ce.weights.from_matrix(W, ids)


@pytest.fixture(scope="module")
def holed(sim16_module) -> tuple[pd.DataFrame, ce.weights.Graph]:
    """The simulated panel without 28 of its 192 rows."""
    panel, W = sim16_module
    gone = np.random.default_rng(0).choice(len(panel), 28, replace=False)
    return panel.drop(panel.index[gone]), W


@pytest.fixture(scope="module")
def sim16_module(request) -> tuple[pd.DataFrame, ce.weights.Graph]:
    return request.getfixturevalue("sim16")


def test_an_absent_unit_is_nobodys_neighbour() -> None:
    """Ring of four; unit 1 absent in year 0, so 0 and 2 keep one neighbour each, of weight 1."""
    rng = np.random.default_rng(1)
    index = pd.MultiIndex.from_product([range(4), range(3)], names=["id", "year"])
    frame = pd.DataFrame({"y": rng.normal(size=12), "x": np.arange(12.0)}, index=index)
    fit = ce.slx("y ~ x", frame.drop((1, 0)), ring(range(4)), unbalanced=True)
    lagged = fit.estimate.Z[:, :, 2]
    # x in year 0: 0, -, 6, 9. Unit 0: x of 3 = 9; unit 2: x of 3 = 9; unit 3: (0 + 6)/2 = 3.
    np.testing.assert_array_equal(lagged[0], [9.0, 0.0, 9.0, 3.0])
    # Year 1, all present: 1, 4, 7, 10. Unit 0: (4 + 10)/2 = 7; 1: (1 + 7)/2 = 4; and so on.
    np.testing.assert_array_equal(lagged[1], [7.0, 4.0, 7.0, 4.0])


def test_degrees_of_freedom_by_hand() -> None:
    """Four units, three years, 11 cells: 11 - 4 - 3 + 1 = 5 are left beside two-way effects."""
    mask = np.ones((3, 4), dtype=bool)
    mask[0, 1] = False
    one = Presence(mask)
    assert [one.free(kind) for kind in ("none", "unit", "time", "twoway")] == [11, 7, 8, 5]
    # Two components, years 0-1 with units 0-2 and years 2-3 with units 3-5: 12 - 6 - 4 + 2 = 4.
    two = Presence(np.kron(np.eye(2), np.ones((2, 3))).astype(bool))
    assert list(two.components()) == [0, 0, 0, 1, 1, 1]
    assert two.free("twoway") == 4


def test_unit_means_by_hand() -> None:
    """Unit effects alone: each unit loses the mean of its own periods."""
    mask = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 0]], dtype=bool)
    values = np.array([[1.0, 2.0, 3.0], [4.0, 0.0, 5.0], [7.0, 6.0, 0.0]])
    # Means 4, 4 and 4.
    expected = [[-3.0, -2.0, -1.0], [0.0, 0.0, 1.0], [3.0, 2.0, 0.0]]
    np.testing.assert_allclose(removal(Presence(mask), "unit").remove(values), expected)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kind", BARS)
def test_a_balanced_panel_gives_the_balanced_numbers(sim16, model: str, kind: str) -> None:
    """Nothing is missing: all that both routes report is the same, but for the height."""
    panel, W = sim16
    formula = f"y ~ x1 + x2{BARS[kind]}"
    plain, other = (
        fitted(model, formula, panel, W),
        fitted(model, formula, panel, W, unbalanced=True),
    )
    np.testing.assert_allclose(other.params, plain.params, atol=ROUNDING)
    assert other.sigma2 == pytest.approx(plain.sigma2, rel=ROUNDING)
    exact = kind in ("none", "time") or model in ("ols", "slx")
    if exact:
        assert other.loglik == pytest.approx(plain.loglik, abs=ROUNDING)
        assert other.likelihood_nobs == plain.likelihood_nobs
    for cov in COVARIANCES:
        one, two = plain.with_cov(cov).vcov, other.with_cov(cov).vcov
        scale = np.sqrt(np.diag(one.matrix))
        gap = (one.matrix - two.matrix) / np.outer(scale, scale)
        np.testing.assert_allclose(gap, 0.0, atol=ROUNDING)
        assert (one.df, one.convention) == (two.df, two.convention)
    frames = (fit.effects(draws=20).frame for fit in (plain, other))
    np.testing.assert_allclose(*frames, atol=1e-8)
    for what in ("resids", "fitted_values"):
        pd.testing.assert_series_equal(getattr(other, what), getattr(plain, what))
    pd.testing.assert_series_equal(other.predict(), plain.predict())
    assert other.rsquared == pytest.approx(plain.rsquared)
    for name, effect in plain.fixed_effects().items():
        np.testing.assert_allclose(other.fixed_effects()[name], effect, atol=ROUNDING)


@pytest.mark.parametrize("model", ["sar", "sdm"])
@pytest.mark.parametrize("kind", BARS)
def test_a_balanced_panel_is_the_case_of_one_graph_in_every_year(sim16, model, kind) -> None:
    panel, W = sim16
    formula, years = f"y ~ x1 + x2{BARS[kind]}", panel.index.get_level_values(1).unique()
    path = fitted(model, formula, panel, dict.fromkeys(years, W))
    other = fitted(model, formula, panel, W, unbalanced=True)
    np.testing.assert_allclose(other.params, path.params, atol=ROUNDING)
    np.testing.assert_allclose(other.cov, path.cov, rtol=1e-8)
    assert other.loglik == pytest.approx(path.loglik, abs=ROUNDING)
    assert other.likelihood_nobs == path.likelihood_nobs


@pytest.mark.parametrize("kind", BARS)
def test_ols_is_linearmodels(holed, kind: str) -> None:
    """PanelOLS on the same unbalanced panel, with entity and time effects."""
    panel, _ = holed
    fit = ce.ols(f"y ~ x1 + x2{BARS[kind]}", panel, unbalanced=True)
    effects = {
        "none": "1 + ",
        "unit": "EntityEffects + ",
        "time": "TimeEffects + ",
        "twoway": "EntityEffects + TimeEffects + ",
    }
    peer = PanelOLS.from_formula(f"y ~ {effects[kind]}x1 + x2", panel).fit()
    names = ["x1", "x2"]
    np.testing.assert_allclose(fit.params[names], peer.params[names], rtol=1e-9)
    np.testing.assert_allclose(fit.std_errors[names], peer.std_errors[names], rtol=1e-9)
    assert fit.vcov.df == peer.df_resid
    np.testing.assert_allclose(
        fit.resids.to_numpy(), peer.resids.reindex(fit.resids.index).to_numpy(), atol=1e-9
    )


def test_clustered_ols_is_linearmodels_times_its_stated_factor(holed) -> None:
    panel, _ = holed
    fit = ce.ols("y ~ x1 + x2 | id + year", panel, unbalanced=True, cov=ce.Cluster())
    peer = PanelOLS.from_formula("y ~ EntityEffects + TimeEffects + x1 + x2", panel).fit(
        cov_type="clustered",
        cluster_entity=True,
        debiased=False,
        auto_df=False,
        count_effects=False,
    )
    free = fit.likelihood_nobs
    factor = 16 / 15 * (free - 1) / (free - 2)
    np.testing.assert_allclose(fit.cov, factor * peer.cov.to_numpy(), rtol=1e-9)


def test_notes_say_what_is_there(holed) -> None:
    panel, W = holed
    text = str(ce.sdm("y ~ x1 + x2 | id + year", panel, W, unbalanced=True))
    assert "N = 16 units, T = 12 periods, unit and time effects" in text
    assert "Unbalanced: 164 of 192 cells present, 28 missing" in text
    assert "quasi-likelihood, unit effects as dummies, 152 observations" in text
    assert "Variance corrected to first order for the unit effects." in text
    assert "if they exist and are merely not observed, rho is biased towards zero." in text
    told = {
        "ols": False,
        "slx": "merely not observed, the spatial lags are measured with error.",
        "sem": "merely not observed, lam is biased towards zero.",
        "sac": "merely not observed, rho and lam are biased towards zero.",
    }
    for model, says in told.items():
        printed = str(fitted(model, "y ~ x1 | id + year", panel, W, unbalanced=True))
        assert (says in printed) if says else ("merely not observed" not in printed)
    exact = str(ce.sdm("y ~ x1 + x2 | year", panel, W, unbalanced=True))
    assert "transformation likelihood, 152 observations" in exact
    assert "first order" not in exact


@pytest.mark.parametrize("bar", ["", " | id", " | year", " | id + year"])
@pytest.mark.parametrize("model", ["slx", "sar", "sem"])
def test_a_log_likelihood_that_does_not_compare_says_so(sim16, model: str, bar: str) -> None:
    panel, W = sim16
    plain, cells = (getattr(ce, model)("y ~ x1" + bar, panel, W, unbalanced=u) for u in (0, 1))
    same = np.isclose(plain.loglik, cells.loglik, rtol=1e-9)
    said = "does not compare with that of unbalanced=False" in str(cells)
    assert same == (not said) == (model == "slx" or "id" not in bar)


def test_tables_and_wald_tests_take_unbalanced_fits(holed) -> None:
    panel, W = holed
    fits = [
        ce.ols("y ~ x1 + x2 | id + year", panel, unbalanced=True),
        ce.sdm("y ~ x1 + x2 | id + year", panel, W, unbalanced=True),
    ]
    table = ce.table(fits)
    cells = {cell for row in table.rows for cell in row}
    assert {
        "16 × 12, 164 cells",
        "least squares",
        "QML",
    } <= cells
    assert ce.wald_test(fits[1], ["W(x1)", "W(x2)"]).distribution == "chi2(2)"


def test_weights_that_change_over_time_are_restricted_year_by_year(holed) -> None:
    panel, W = holed
    years = panel.index.get_level_values(1).unique()
    ids = W.unique_ids
    loose = np.random.default_rng(3).random((16, 16)) * (1.0 - np.eye(16))
    other = ce.weights.from_matrix(loose / loose.sum(axis=1, keepdims=True), ids)
    mixed = {year: W if year < 2006 else other for year in years}
    fit = ce.sdm("y ~ x1 + x2 | year", panel, mixed, unbalanced=True)
    present = fit.panel.present[-1]
    part = ce.weights.align(other, ids)[np.ix_(present, present)]
    expected = part / part.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(fit.estimate.weights.each[-1].W, expected)


def test_a_unit_present_once_stays_as_a_neighbour(sim16) -> None:
    """Its own row is explained by its effect; as a cluster it does not count."""
    panel, W = sim16
    years = panel.index.get_level_values(1).unique()
    once = panel.drop([(3, year) for year in years[1:]])
    fit = ce.sar("y ~ x1 + x2 | id + year", once, W, unbalanced=True, cov=ce.Cluster())
    assert "Units present in one period only, explained by their effect: 1." in fit.notes()
    assert fit.resids[3, years[0]] == pytest.approx(0.0, abs=1e-12)
    assert fit.vcov.df == 14
    without = ce.sar(
        "y ~ x1 + x2 | id + year", once.drop(3, level=0), _without(W, 3), unbalanced=True
    )
    assert without.likelihood_nobs == fit.likelihood_nobs - 1
    assert without.rho != pytest.approx(fit.rho, abs=1e-6)


def _without(W: ce.weights.Graph, unit: int) -> ce.weights.Graph:
    ids = W.unique_ids
    kept = ids != unit
    part = ce.weights.align(W, ids)[np.ix_(kept, kept)]
    return ce.weights.from_matrix(part / part.sum(axis=1, keepdims=True), ids[kept])


def test_components_without_common_cell(sim16) -> None:
    """Units 1-8 in the first six years, the others in the last six: two panels in one."""
    panel, _ = sim16
    ids, years = (panel.index.get_level_values(level) for level in (0, 1))
    parted = panel[(ids <= 8) == (years < years.min() + 6)]
    fit = ce.ols("y ~ x1 + x2 | id + year", parted, unbalanced=True)
    assert fit.likelihood_nobs == 96 - 16 - 12 + 2
    assert any("2 components" in note for note in fit.notes())
    with pytest.raises(IdentificationError, match="2 components that share no cell"):
        fit.fixed_effects()
    dummies = pd.get_dummies(
        pd.DataFrame(
            {"i": parted.index.get_level_values(0), "t": parted.index.get_level_values(1)}
        ).astype(str)
    )
    Z = np.column_stack([parted[["x1", "x2"]], dummies.to_numpy(dtype=float)])
    d = np.linalg.lstsq(Z, parted["y"].to_numpy(), rcond=None)[0]
    np.testing.assert_allclose(fit.params, d[:2], atol=1e-9)
    np.testing.assert_allclose(fit.predict().reindex(parted.index), Z @ d, atol=1e-9)
    assert "time" in ce.ols("y ~ x1 | year", parted, unbalanced=True).fixed_effects()


def test_fixed_effects_are_those_of_the_dummies(holed) -> None:
    panel, W = holed
    fit = ce.sar("y ~ x1 + x2 | id + year", panel, W, unbalanced=True)
    found = fit.fixed_effects()
    assert found["unit"].sum() == pytest.approx(0.0, abs=1e-9)
    assert found["time"].sum() == pytest.approx(0.0, abs=1e-9)
    ids, years = (fit.resids.index.get_level_values(level) for level in (0, 1))
    fitted_part = (
        panel["x1"] * fit.params["x1"]
        + panel["x2"] * fit.params["x2"]
        + fit.rho * fit.panel.series(fit.estimate.weights.lag(fit.design.y), "wy")
    )
    rest = (panel["y"] - fitted_part - fit.resids).reindex(fit.resids.index)
    levels = found["constant"].iloc[0] + found["unit"][ids].to_numpy()
    np.testing.assert_allclose(rest, levels + found["time"][years].to_numpy(), atol=1e-8)


def test_missing_rows_are_refused_unless_asked_for(holed) -> None:
    panel, W = holed
    for fit in (ce.sdm, ce.gmm, ce.random_effects):
        with pytest.raises(
            PanelError, match=r"28 of 192 cells have no row.*unbalanced=True in ols"
        ):
            fit("y ~ x1 + x2 | id + year" if fit is not ce.random_effects else "y ~ x1", panel, W)


def test_refusals(holed, sim16) -> None:
    panel, W = holed
    formula = "y ~ x1 + x2 | id + year"
    for verb in (ce.sar, ce.sdm):
        with pytest.raises(FormulaError, match=r"unbalanced=True with time lags L\(\)"):
            verb("y ~ L(y) + x1 | id + year", panel, W, unbalanced=True)
    for method in ("direct", "bias_corrected"):
        with pytest.raises(FormulaError, match=f"method '{method}' is not available for an unbal"):
            ce.sar(formula, panel, W, method=method, unbalanced=True)
    with pytest.raises(
        IdentificationError, match=r"DriscollKraay.*not available for an unbalanced"
    ):
        ce.sar(formula, panel, W, cov=ce.DriscollKraay(2), unbalanced=True)
    fit = ce.sdm(formula, panel, W, unbalanced=True)
    with pytest.raises(IdentificationError, match="use Information"):
        fit.with_cov(ce.DriscollKraay(1))
    with pytest.raises(FormulaError, match="is no covariance"):
        fit.with_cov("robust")
    with pytest.raises(
        IdentificationError, match="effects between groups or single units are not av"
    ):
        fit.effects(groups=dict.fromkeys(range(1, 17), "a"))
    with pytest.raises(AlignmentError, match="sar needs spatial weights"):
        ce.sar(formula, panel, None, unbalanced=True)
    broken = panel.copy()
    broken.iloc[5, broken.columns.get_loc("x2")] = np.nan
    with pytest.raises(PanelError, match=r"column x2: 1 cells.*leave these rows out"):
        ce.sdm(formula, broken, W, unbalanced=True)
    loose = ce.weights.from_matrix(2.0 * ce.weights.align(W, W.unique_ids), W.unique_ids)
    with pytest.raises(WeightsError, match="time effects need row-standardised weights"):
        ce.sar(formula, panel, loose, unbalanced=True)
    full, _ = sim16
    years = full.index.get_level_values(1).unique()
    thin = full.drop([(unit, years[2]) for unit in range(1, 15)])
    with pytest.raises(PanelError, match=f"fewer than 3 units in {years[2]}"):
        ce.ols(formula, thin, unbalanced=True)


def test_weights_that_are_not_standardised_are_only_restricted(holed) -> None:
    panel, W = holed
    ids = W.unique_ids
    matrix = 0.5 * ce.weights.align(W, ids)
    loose = ce.weights.from_matrix(matrix, ids)
    fit = ce.sar("y ~ x1 + x2 | id", panel, loose, unbalanced=True)
    here = fit.panel.present[0]
    np.testing.assert_array_equal(fit.estimate.weights.each[0].W, matrix[np.ix_(here, here)])


def test_a_unit_whose_neighbours_are_absent_is_refused(sim16) -> None:
    panel, _ = sim16
    years = panel.index.get_level_values(1).unique()
    cut = panel.drop([(1, years[0]), (3, years[0])])
    with pytest.raises(WeightsError, match=f"in {years[0]} all neighbours of 2 are absent"):
        ce.sar("y ~ x1 | year", cut, ring(list(range(1, 17))), unbalanced=True)


@pytest.mark.parametrize(
    "call",
    [
        lambda fit: ce.lr_test(fit, fit),
        lambda fit: ce.nested_tests(fit),
        lambda fit: ce.common_factor(fit),
        lambda fit: ce.lm_tests(fit),
        lambda fit: ce.diagnostics(fit),
        lambda fit: ce.dependence_tests(fit),
        lambda fit: ce.moran_by_period(fit),
        lambda fit: ce.mundlak(fit),
        lambda fit: ce.bootstrap(fit),
        lambda fit: ce.wild_cluster(fit, "x1"),
        lambda fit: ce.randomisation_test(fit, "x1"),
        lambda fit: ce.small_sample(fit, "x1"),
        lambda fit: ce.group_effects(fit, dict.fromkeys(range(1, 17), "a")),
        lambda fit: ce.unit_effects(fit, "x1"),
        lambda fit: ce.effects_by_order(fit, groups=dict.fromkeys(range(1, 17), "a")),
        lambda fit: fit.effects(bootstrap=9),
    ],
)
def test_what_needs_whole_periods_refuses_by_name(holed, call) -> None:
    panel, W = holed
    fit = ce.sdm("y ~ x1 + x2 | id + year", panel, W, unbalanced=True)
    with pytest.raises(IdentificationError, match="not available for an unbalanced panel"):
        call(fit)


def test_orders_sum_to_the_effects(holed) -> None:
    panel, W = holed
    fit = ce.sdm("y ~ x1 + x2 | id + year", panel, W, unbalanced=True)
    orders = ce.effects_by_order(fit, draws=19).wide()
    every = fit.effects(draws=19).frame["estimate"].unstack("effect")
    for effect in ("direct", "indirect", "total"):
        found = orders.xs("all", level="order")[effect]
        np.testing.assert_allclose(found, every.loc[found.index, effect], rtol=1e-10)


def test_results_are_repeatable_and_the_data_are_left_alone(holed) -> None:
    panel, W = holed
    before = panel.copy()
    one, two = (ce.sac("y ~ x1 + x2 | id", panel, W, unbalanced=True) for _ in range(2))
    assert one.params.to_numpy().tobytes() == two.params.to_numpy().tobytes()
    assert one.cov.to_numpy().tobytes() == two.cov.to_numpy().tobytes()
    pd.testing.assert_frame_equal(panel, before)


def test_an_error_model_has_no_means_over_periods(holed) -> None:
    """Effects of SEM are its coefficients: no weights lag response or regressors."""
    panel, W = holed
    fit = ce.sem("y ~ x1 | id", panel, W, unbalanced=True)
    assert not fit.estimate.varies
    assert "means over the periods" not in str(fit.effects(draws=9))
    assert "Weights change" not in str(fit)
    sar = ce.sar("y ~ x1 | id", panel, W, unbalanced=True)
    assert "means over the periods" in str(sar.effects(draws=9))
    assert "Weights change" not in str(sar)


def test_few_periods_do_not_cluster(holed) -> None:
    panel, _ = holed
    many = panel.assign(**{f"q{j}": np.cos((j + 1.5) * np.arange(len(panel))) for j in range(12)})
    formula = "y ~ x1 + " + " + ".join(f"q{j}" for j in range(12)) + " | id"
    with pytest.raises(IdentificationError, match="parameters and scores of 11 free periods"):
        ce.ols(formula, many, unbalanced=True, cov=ce.Cluster("time"))
