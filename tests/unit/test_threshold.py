"""Thresholds: a case by hand, what a result holds, and every refusal."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.engine.threshold import Splits, heights
from ccec_econ.errors import (
    AlignmentError,
    FormulaError,
    IdentificationError,
    PanelError,
    WeightsError,
)
from ccec_econ.inference.threshold import critical_value, threshold_set
from ccec_econ.models.refit import without_unit

F = "y ~ x1 + x2 | id + year"


@pytest.fixture(scope="module")
def split16(sim16) -> tuple[pd.DataFrame, ce.weights.Graph]:
    """The simulated panel with a threshold variable q and a threshold at 0 in x1 added to it."""
    panel, graph = sim16
    rng = np.random.default_rng(20)
    q = pd.Series(rng.standard_normal(len(panel)), index=panel.index)
    W = ce.weights.align(graph, panel.index.unique(0).sort_values())
    jump = (3.0 * panel["x1"] * (q <= 0.0)).unstack()
    mean = jump.to_numpy() + 0.5 * W @ jump.to_numpy()
    added = np.linalg.solve(np.eye(len(W)) - 0.5 * W, mean)
    extra = pd.DataFrame(added, jump.index, jump.columns).stack()
    return panel.assign(q=q, y=panel["y"] + extra), graph


@pytest.fixture(scope="module")
def fit(split16) -> ce.ThresholdResults:
    return ce.threshold(F, *split16, by="q", regimes=["x1"])


def steps() -> pd.DataFrame:
    """Twelve observations: q = 1..12, and y jumps by four after q = 6."""
    index = pd.MultiIndex.from_product([range(3), range(4)], names=["unit", "year"])
    frame = pd.DataFrame({"x": 1.0}, index=index)
    years = frame.index.get_level_values(1).to_numpy()
    q = 3.0 * years + frame.index.get_level_values(0).to_numpy() + 1.0
    y = np.where(q <= 6, 1.0, 5.0) + (q % 2 == 0)
    return frame.assign(q=q, y=y)


def test_two_means_by_hand() -> None:
    """Splitting a constant fits two means. y is 1, 2, 1, 2, 1, 2 up to q = 6, then 5, 6, ... .

    One mean: 3.5, SSE = 12 * 2**2 + 12 / 4 = 51. Split at 6: SSE = 12 / 4 = 3. Split at 5: means
    1.4 and 5, SSE = 3 * 0.16 + 2 * 0.36 + 9 + 3 * 1 = 13.2.
    """
    found = ce.threshold("y ~ 0 + x", steps(), by="q", model="ols")
    assert found.threshold == 6.0
    assert found.supremum == pytest.approx(12 * np.log(51 / 3))
    assert found.profile().loc[5.0, "ratio"] == pytest.approx(12 * np.log(13.2 / 3))
    assert list(found.params) == pytest.approx([1.5, 5.5])
    assert list(found.params.index) == ["x_low", "x_high"]
    # 2 to 10 leave two of twelve on each side; at 2 low, at 10 high is seen in two units only
    assert list(found.profile().index) == [3, 4, 5, 6, 7, 8, 9]
    assert found.search.few_units == 2
    assert "2 values left out: fewer units in a regime." in str(found)
    assert found.confidence_set().intervals == ((6.0, 7.0),)
    assert found.sizes().to_numpy().tolist() == [[6, 3, 2], [6, 3, 2]]
    assert found.regimes().loc[(0, 1)] == "low"
    assert found.regimes().loc[(0, 2)] == "high"


def test_critical_values() -> None:
    """Hansen (2000, Econometrica 68, Table I): 5.94, 6.53, 7.35, 10.59 at 90, 92.5, 95, 99 %."""
    values = [round(critical_value(level), 2) for level in (0.90, 0.925, 0.95, 0.99)]
    assert values == [5.94, 6.53, 7.35, 10.59]
    with pytest.raises(ValueError, match="level 1: need 0 < level < 1"):
        critical_value(1)


def test_the_set_is_a_union_up_to_the_next_value() -> None:
    """Of the data 1..8 the values 2..7 are searched; 4 is rejected between accepted ones."""
    ratios = np.array([9.0, 3.0, 8.0, 0.0, 7.0, 7.0])
    found = threshold_set("q", np.arange(1.0, 9.0), np.arange(2.0, 8.0), ratios, 0.95)
    assert found.intervals == ((3.0, 4.0), (5.0, 8.0))
    assert (found.kept, found.searched, found.ends) == (4, 6, (False, True))
    assert 3.5 in found
    assert 4.0 not in found
    assert 8.0 not in found
    assert found.text(1) == "[3.0, 4.0) ∪ [5.0, 8.0)"
    assert "reaches the upper end of the values searched" in str(found)
    assert "up to 7.35 (Hansen 1999, asymptotic), 4 of 6" in str(found)
    assert "<table>" in found._repr_html_()


def test_a_known_threshold_is_found(fit) -> None:
    """x1 has 3 more, and half as much in its lag, where q is not above zero."""
    assert abs(fit.threshold) < 0.1
    assert 0.0 in fit.confidence_set()
    for name, true in (("x1", 3.0), ("W(x1)", 1.5)):
        low, high = (
            f"W(x1_{side})" if name[0] == "W" else f"x1_{side}" for side in ("low", "high")
        )
        gap = fit.params[low] - fit.params[high]
        error = np.sqrt(np.array([1, -1]) @ fit.cov.loc[[low, high], [low, high]] @ [1, -1])
        assert abs(gap - true) < 3 * error
    assert fit.test(draws=39).pvalue == pytest.approx(1 / 40)


def test_the_result_is_an_ordinary_fit_on_split_columns(fit, split16) -> None:
    panel, graph = split16
    assert isinstance(fit, ce.SpatialPanelResults)
    low = panel["q"] <= fit.threshold
    split = panel.assign(x1_low=panel["x1"].where(low, 0.0), x1_high=panel["x1"].where(~low, 0.0))
    plain = ce.sdm("y ~ x1_low + x1_high + x2 | id + year", split, graph)
    pd.testing.assert_frame_equal(plain.to_frame(), fit.to_frame())
    pd.testing.assert_frame_equal(plain.effects().frame, fit.effects().frame)
    pd.testing.assert_series_equal(plain.predict(), fit.predict())
    terms = fit.effects().frame.index.unique("term")
    assert list(terms) == ["x1_low", "x1_high", "x2"]
    assert ce.bootstrap(fit, draws=3).estimates.index[0] == "x1_low"
    assert "x1_low" in str(ce.table([plain, fit]))
    clustered = fit.with_cov(ce.Cluster())
    assert isinstance(clustered, ce.ThresholdResults)
    assert clustered.threshold == fit.threshold
    np.testing.assert_allclose(clustered.std_errors, plain.with_cov(ce.Cluster()).std_errors)


def test_a_searched_model_has_no_chi2_ratio(fit) -> None:
    with pytest.raises(IdentificationError, match="the threshold in q was chosen by its likelihoo"):
        ce.lr_test(fit.null, fit)


def test_a_searched_model_is_refused_in_either_place(fit, split16) -> None:
    """An SDM that holds the split columns holds the searched one, which was chosen all the same."""
    panel, graph = split16
    larger = ce.sdm("y ~ x1_low + x1_high + x2 + q | id + year", fit.panel.frame.swaplevel(), graph)
    with pytest.raises(IdentificationError, match="the threshold in q was chosen by its likelihoo"):
        ce.lr_test(fit, larger)
    other = ce.sdem(F, panel, graph)
    with pytest.raises(IdentificationError, match="q was chosen by its likelihood: criteria would"):
        ce.sdm_vs_sdem(fit, other)
    assert len(ce.sdm_vs_sdem(fit.null, other)) == 3


def test_all_that_is_printed_says_that_the_threshold_is_held(fit, split16) -> None:
    said = "The threshold in q was chosen by its likelihood and is taken as known."
    assert said in str(fit.effects(draws=2))
    assert said in str(ce.effects_by_order(fit, draws=2))
    assert said in str(ce.bootstrap(fit, draws=3))
    assert said in str(ce.small_sample(fit, "x1_low", draws=3))
    assert said in str(ce.small_sample(fit, ["x1_low", "x1_high"], draws=3))
    assert said in ce.wald_test(fit, ["x1_low"]).note
    assert said in str(ce.table(fit))
    assert said in str(ce.randomisation_test(fit, "x2", draws=1))
    for text in (fit.null.effects(draws=2), ce.table(fit.null), ce.bootstrap(fit.null, draws=3)):
        assert "taken as known" not in str(text)


def test_one_half_of_a_split_is_not_permuted(fit, split16) -> None:
    """Permuted paths of one half would overlap the other; the splitting column moves both."""
    for column in ("x1_low", "x1_high"):
        with pytest.raises(FormulaError, match=f"column '{column}' is one regime of a split"):
            ce.randomisation_test(fit, column, draws=1)
    free = ce.threshold(F, *split16, by="x2", regimes=["x1"], intercept=True)
    with pytest.raises(FormulaError, match="column 'regime_low' is one regime of a split"):
        ce.randomisation_test(free, "regime_low", draws=1)
    with pytest.raises(FormulaError, match="the threshold in x2 splits by column 'x2'"):
        ce.randomisation_test(free, "x2", draws=1)


def test_leaving_a_unit_out_keeps_the_split(fit, split16) -> None:
    """Refits of the split model: the columns stay, so regimes do not move."""
    _, graph = split16
    rest = fit.panel.frame.drop(5, level=1).swaplevel()
    ids = graph.unique_ids[graph.unique_ids != 5]
    full = pd.DataFrame(
        ce.weights.align(graph, graph.unique_ids), graph.unique_ids, graph.unique_ids
    ).loc[ids, ids]
    weights = ce.weights.row_standardise(ce.weights.from_matrix(full.to_numpy(), ids))
    plain = ce.sdm("y ~ x1_low + x1_high + x2 | id + year", rest, weights)
    again = without_unit(fit, 5).optimum
    np.testing.assert_allclose(again.coefficients, plain.estimate.optimum.coefficients, atol=1e-9)


def test_results_are_frozen_and_repeat(fit, split16) -> None:
    with pytest.raises((dataclasses.FrozenInstanceError, AttributeError)):
        fit.search = None
    panel, graph = split16
    before = panel.copy()
    again = ce.threshold(F, panel.sample(frac=1.0, random_state=1), graph, by="q", regimes=["x1"])
    pd.testing.assert_frame_equal(panel, before)
    assert again.params.to_numpy().tobytes() == fit.params.to_numpy().tobytes()
    assert again.profile().to_numpy().tobytes() == fit.profile().to_numpy().tobytes()
    one, two = (fit.test(draws=29, rng=7) for _ in range(2))
    assert one == two
    assert fit.test(draws=29, rng=np.random.default_rng(7)) == one


def test_the_table_says_its_conventions(fit) -> None:
    text = str(fit)
    for said in (
        "SDM, threshold in q: y ~ x1 + x2 | id + year",
        f"low where q ≤ {fit.threshold:.4f}".replace("-", "−"),
        "Supremum LR against one regime",
        "up to 7.35 (Hansen 1999, asymptotic)",
        "The same in both regimes: x2.",
        "share one intercept (Hansen 1999)",
        "take the threshold as known",
        "N = 16 units, T = 12 periods",
        fit.vcov.convention,
    ):
        assert said in text
    for form in (fit.to_latex(), fit.to_typst(), fit.to_markdown(), fit._repr_html_()):
        assert "low" in form
    assert list(fit.to_frame().index) == list(fit.params.index)
    assert list(fit.profile().columns) == ["loglik", "ratio", "supremum", "low"]
    assert fit.profile()["low"].is_monotonic_increasing
    assert fit.profile().loc[fit.threshold, "low"] == fit.sizes().loc["low", "observations"]


def test_the_bootstrap_says_how_it_drew(fit) -> None:
    found = fit.test(draws=29, innovations="normal")
    assert (found.name, found.null) == ("Supremum LR", "one regime")
    assert found.distribution == "bootstrap, 29 draws"
    assert "innovations drawn from the normal" in found.note
    with pytest.raises(ValueError, match="innovations 'wild'; choose normal, cell, period, unit"):
        fit.test(innovations="wild")
    with pytest.raises(ValueError, match=r"draws = 9: the smallest p-value .* give at least 19"):
        fit.test(draws=9)


def test_equality_is_the_wald_test_of_the_difference(fit) -> None:
    """(b_low - b_high)^2 over its variance; together with the full covariance."""
    found = fit.equality()
    R = np.zeros((2, len(fit.estimate.terms)))
    names = list(fit.estimate.terms)
    for row, pair in enumerate((("x1_low", "x1_high"), ("W(x1_low)", "W(x1_high)"))):
        R[row, names.index(pair[0])], R[row, names.index(pair[1])] = 1.0, -1.0
    gap, V = R @ fit.params[names], R @ fit.cov.loc[names, names].to_numpy() @ R.T
    assert found["Wald, x1"].statistic == pytest.approx(gap[0] ** 2 / V[0, 0])
    assert found["Wald, W(x1)"].statistic == pytest.approx(gap[1] ** 2 / V[1, 1])
    assert found["Wald, all"].statistic == pytest.approx(gap @ np.linalg.solve(V, gap))
    assert found["Wald, all"].distribution == "chi2(2)"
    assert "take the threshold as known" in str(found)
    assert fit.with_cov(ce.Cluster()).equality()["Wald, all"].distribution == "F(2, 15)"


def test_intercepts_of_the_regimes(split16) -> None:
    """regime_low and its lag join; the supremum cannot fall, and zeros of x1 do not matter."""
    panel, graph = split16
    free = ce.threshold(F, panel, graph, by="q", regimes=["x1"], intercept=True)
    assert [t for t in free.params.index if "regime" in t] == ["regime_low", "W(regime_low)"]
    assert free.equality()["Wald, intercept"].distribution == "chi2(2)"
    assert free.equality()["Wald, all"].distribution == "chi2(4)"
    assert "share one intercept" not in str(free)
    moved = panel.assign(x1=panel["x1"] + 9.0)
    again = ce.threshold(F, moved, graph, by="q", regimes=["x1"], intercept=True)
    assert again.supremum == pytest.approx(free.supremum, abs=1e-7)
    only = ce.threshold(F, panel, graph, by="q", regimes=["x1"], durbin=["x2"], intercept=True)
    assert "W(regime_low)" not in only.params.index


@pytest.mark.parametrize(
    ("formula", "model", "options", "names"),
    [
        (
            "y ~ x1 + x2 + W(x1) | id + year",
            "sdm",
            {},
            ["x1_low", "x1_high", "x2_low", "x2_high", "W(x1_low)", "W(x1_high)", "rho"],
        ),
        ("y ~ x1 + W(x1) | id", "sar", {}, ["x1_low", "x1_high", "W(x1_low)", "W(x1_high)", "rho"]),
        (F, "slx", {"regimes": "x2", "durbin": ["x1"]}, ["x1", "x2_low", "x2_high", "W(x1)"]),
        (
            "y ~ exp(x1) + x2 + C(g) | id + year",
            "sar",
            {"regimes": ["exp(x1)"]},
            ["exp(x1)_low", "exp(x1)_high", "x2", "C(g)[T_1]", "rho"],
        ),
        ("y ~ x1", "sar", {}, ["Intercept", "x1_low", "x1_high", "rho"]),
        ("y ~ 0 + x1 | year", "sar", {}, ["x1_low", "x1_high", "rho"]),
    ],
)
def test_terms(split16, formula: str, model: str, options: dict, names: list[str]) -> None:
    panel, graph = split16
    panel = panel.assign(g=(panel["q"] * 7).round().astype(int) % 2)
    found = ce.threshold(formula, panel, graph, by="q", model=model, **options)
    assert list(found.params.index) == names
    assert found.loglik == pytest.approx(found.profile()["loglik"].max(), abs=1e-8)
    assert found.estimate.lag_of.count(None) + sum(n.startswith("W(") for n in names) == len(
        found.estimate.terms
    )


def test_the_threshold_variable_may_be_a_term_or_split_units_or_periods(split16) -> None:
    panel, graph = split16
    lagged = ce.threshold(F, panel, graph, by="W(x1)")
    W = ce.weights.align(graph, panel.index.unique(0).sort_values())
    seen = W @ panel["x1"].unstack().to_numpy()
    assert np.isclose(seen, lagged.threshold, rtol=1e-12).sum() == 1
    below = (seen <= lagged.threshold + 1e-12).sum()
    assert lagged.sizes().loc["low", "observations"] == below
    one = ce.threshold(F, panel, graph, by="np.exp(q)")
    assert one.threshold == pytest.approx(np.exp(ce.threshold(F, panel, graph, by="q").threshold))
    units = panel.assign(size=panel.index.get_level_values(0).map(lambda i: float(i**2)))
    found = ce.threshold(F, units, graph, by="size")
    assert found.sizes()["periods"].tolist() == [12, 12]
    assert found.sizes()["units"].sum() == 16
    assert "size does not change over time: the regimes split the units." in str(found)
    years = panel.assign(clock=panel.index.get_level_values(1).astype(float))
    found = ce.threshold(F, years, graph, by="clock")
    assert found.sizes()["periods"].sum() == 12
    assert "clock is the same in all units: the regimes split the periods." in str(found)


def test_a_bootstrap_draw_at_the_border_is_told(sim16) -> None:
    """A response that is nearly constant over units lies on W's unit root."""
    panel, graph = sim16
    null = ce.sar("y ~ 0 + x1", panel, graph).estimate
    T, N = null.y.shape
    rng = np.random.default_rng(0)
    y = 100.0 + 1e-9 * rng.standard_normal((T, N, 1))
    splits = Splits(rng.standard_normal((T, N)), null.Z, (), None)
    found = heights(null, splits, np.array([0.0]), y, null.weights.lag(y))
    assert found.border.tolist() == [True]


REFUSALS = [
    ({"by": "nothing"}, FormulaError, "the data have no column nothing"),
    ({"by": "q + x1"}, FormulaError, r"by = 'q \+ x1' gives 2 columns \(q, x1\)"),
    ({"by": ""}, FormulaError, "by = '': name one column or term"),
    ({"by": "L(y)"}, FormulaError, r"time lags L\(\) are not available with a threshold"),
    ({"by": "label"}, FormulaError, "column label holds text"),
    ({"by": "gap"}, PanelError, r"column gap: 1 cells, \(3, 2004\)"),
    ({"by": "same"}, IdentificationError, "threshold variable same is 2 everywhere"),
    ({"by": "half"}, IdentificationError, "half has 2 distinct values and 1 candidates, fewer th"),
    ({"by": "q", "trim": 0.49}, IdentificationError, "192 distinct values and 3 candidates"),
    ({"by": "q", "trim": 0.5}, ValueError, "trim 0.5, min_units 3: need 0 < trim < 0.5"),
    ({"by": "q", "trim": 0.0}, ValueError, "trim 0.0, min_units 3: need 0 < trim < 0.5"),
    ({"by": "q", "min_units": 0}, ValueError, "and at least one unit"),
    ({"by": "q", "min_units": 17}, IdentificationError, "leave a regime too few units; lower trim"),
    ({"by": "q", "regimes": ["x3"]}, FormulaError, "regimes names x3; name each once, among"),
    ({"by": "q", "regimes": []}, FormulaError, "regimes names nothing; name each once"),
    ({"by": "q", "regimes": ["W(x1)"]}, FormulaError, "Spatial lags follow their term"),
    ({"by": "q", "model": "sem"}, FormulaError, "model 'sem' has no threshold version; choose"),
    ({"by": "q", "method": "bias_corrected"}, FormulaError, "maximises no likelihood"),
    ({"by": "q", "method": "best"}, FormulaError, "method 'best' is unknown"),
    ({"by": "q", "model": "slx", "method": "direct"}, FormulaError, "slx is least squares"),
    ({"by": "q", "durbin": ["x9"]}, FormulaError, "durbin names x9"),
    ({"by": "q", "model": "ols"}, FormulaError, "model 'ols' takes no weights"),
]


@pytest.mark.parametrize(("options", "error", "message"), REFUSALS)
def test_refusals(split16, options: dict, error: type[Exception], message: str) -> None:
    panel, graph = split16
    gap = panel["q"].copy()
    gap[3, 2004] = np.nan
    data = panel.assign(label="a", gap=gap, same=2.0, half=(panel["q"] > 0.1).astype(float))
    with pytest.raises(error, match=message):
        ce.threshold(F, data, graph, **options)


def test_refusals_of_formula_weights_and_data(split16) -> None:
    panel, graph = split16
    with pytest.raises(FormulaError, match=r"time lags L\(\) are not available with a threshold"):
        ce.threshold("y ~ L(y) + x1 | id + year", panel, graph, by="q")
    with pytest.raises(FormulaError, match=re.escape("the lag of x2 and not the term itself")):
        ce.threshold("y ~ x1 + W(x2) | id + year", panel, graph, by="q")
    with pytest.raises(AlignmentError, match="sdm needs spatial weights and got none"):
        ce.threshold(F, panel, by="q")
    years = dict.fromkeys(panel.index.unique(1), graph)
    with pytest.raises(WeightsError, match="change over time are not available with a threshold"):
        ce.threshold(F, panel, years, by="q")
    taken = panel.assign(x1_low=1.0)
    with pytest.raises(FormulaError, match="the data have columns x1_low, which"):
        ce.threshold(F, taken, graph, by="q")
    units = panel.assign(size=panel.index.get_level_values(0).astype(float))
    with pytest.raises(IdentificationError, match="at 11 the split columns depend on each other"):
        ce.threshold(F, units, graph, by="size", intercept=True)
    exact = panel.assign(y=panel["x1"].where(panel["q"] <= 0.0, 0.0))
    with pytest.raises(IdentificationError, match="explains the response exactly"):
        ce.threshold("y ~ x1 | id + year", exact, by="q", model="ols")
    with pytest.raises(FormulaError, match="formula comes first"):
        ce.threshold(panel, F, graph, by="q")


def test_weights_that_leave_time_effects_are_refused(split16) -> None:
    panel, graph = split16
    W = 0.5 * ce.weights.align(graph, graph.unique_ids)
    W[0] *= 0.5
    loose = ce.weights.from_matrix(W, graph.unique_ids)
    with pytest.raises(WeightsError, match="time effects need row-standardised weights"):
        ce.threshold(F, panel, loose, by="q")
    direct = ce.threshold(F, panel, loose, by="q", method="direct")
    with pytest.raises(WeightsError, match="bootstrap with time effects and weights that are not"):
        direct.test(draws=19)
    alone = ce.threshold("y ~ x1 + x2 | id", panel, loose, by="q")
    assert 0.0 < alone.test(draws=19).pvalue <= 1.0


def test_of_candidates_that_tie_the_lowest_is_taken(fit) -> None:
    """Candidates that split the same rows that vary differ by rounding alone."""
    top = np.full(len(fit.search.thresholds), fit.search.loglik.min() - 1.0)
    top[[1, 3]] = -100.0, -100.0 + 1e-12
    tied = dataclasses.replace(fit.search, loglik=top)
    assert tied.threshold == fit.search.thresholds[1]
