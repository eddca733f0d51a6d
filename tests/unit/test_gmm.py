"""Instrumental variables by hand, dense checks of the moments, and every refusal by its words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.engine.quadratic import (
    diagonal_free,
    independent,
    minimise,
    moments,
    trace_free,
)
from ccec_econ.engine.transform import Reduction, helmert
from ccec_econ.errors import (
    AlignmentError,
    ConvergenceError,
    FormulaError,
    IdentificationError,
    WeightsError,
)
from ccec_econ.inference.anderson_rubin import AndersonRubinSet, _below_zero
from ccec_econ.models.gmm import gmm, s2sls
from simulated import simulate

EXACT = 1e-12  # arithmetic of a few numbers
N, T = 12, 8


@pytest.fixture(scope="module")
def ring() -> np.ndarray:
    """Each unit looks at the next two, unevenly: asymmetric weights."""
    W = np.zeros((N, N))
    at = np.arange(N)
    W[at, (at + 1) % N], W[at, (at + 2) % N], W[at[::3], (at[::3] + 5) % N] = 0.6, 0.4, 0.5
    return W / W.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def graph(ring) -> ce.weights.Graph:
    return ce.weights.from_matrix(ring, range(N))


@pytest.fixture(scope="module")
def panel(ring) -> pd.DataFrame:
    """Two exogenous regressors, an endogenous d and its instruments z1, z2."""
    rng = np.random.default_rng(3)
    frame = simulate(rng, ring, T, 0.3, np.array([1.0, -0.5]), np.array([0.3, 0.2]))
    z1, z2, v = rng.standard_normal((3, len(frame)))
    d = z1 + 0.5 * z2 + v
    return frame.assign(z1=z1, z2=z2, d=d, y=frame["y"] + 0.7 * d + 0.6 * v)


@pytest.fixture
def tiny() -> pd.DataFrame:
    """Three units, two years; differences z (1, -1, 2), x (2, 0, 1), y (3, 1, 2)."""
    index = pd.MultiIndex.from_product([["a", "b", "c"], [2000, 2001]], names=["unit", "year"])
    columns = {"z": (1, -1, 2), "x": (2, 0, 1), "y": (3, 1, 2)}
    return pd.DataFrame(
        {k: np.array([[5.0, 5.0 + c] for c in v]).ravel() for k, v in columns.items()}, index=index
    )


def by_hand(tiny: pd.DataFrame):
    return s2sls("y ~ x | unit", tiny, endogenous="x", instruments="z", lag=False)


def test_one_instrument_by_hand(tiny) -> None:
    fit = by_hand(tiny)
    # b = sum(z y)/sum(z x) = (3 - 1 + 4)/(2 + 0 + 2); differences leave residuals (0, 1, 1/2)
    assert fit.params["x"] == pytest.approx(1.5, abs=EXACT)
    # demeaned squares are half of differences: s2 = (1 + 1/4)/2 / (3 - 1); x'P x = 4^2/6/2
    assert fit.cov.loc["x", "x"] == pytest.approx((1.25 / 2 / 2) / (16 / 6 / 2), abs=EXACT)
    assert fit.vcov.df == 2
    assert fit.overidentification.df == 0
    # first stage: explained 16/6, left 5 - 16/6, two degrees of freedom
    (stage,) = fit.first_stages
    assert pytest.approx((16 / 6) / ((5 - 16 / 6) / 2), abs=EXACT) == stage.F
    assert stage.df == (1, 2)
    assert stage.partial_r2 == pytest.approx(16 / 6 / 5, abs=EXACT)


def test_anderson_rubin_by_hand(tiny) -> None:
    fit = by_hand(tiny)
    # median of F(1, 2) is 2/3: (6 - 4c)^2/6 <= 1/3 [14 - 16c + 5c^2 - (6 - 4c)^2/6], that is
    # 17/9 c^2 - 16/3 c + 10/3 <= 0
    one = fit.anderson_rubin("x", level=0.5)
    root = np.sqrt((8 / 3) ** 2 - 17 / 9 * 10 / 3)
    np.testing.assert_allclose(
        one.intervals, [((8 / 3 - root) * 9 / 17, (8 / 3 + root) * 9 / 17)], atol=1e-10
    )
    assert one.kind == "bounded"
    # at F = 12/5, where t(2) puts sqrt(6/11) inside, the form is -2/15 (c - 3)(c - 9) <= 0
    two = fit.anderson_rubin("x", level=float(np.sqrt(6 / 11)))
    np.testing.assert_allclose(two.intervals, [(-np.inf, 3.0), (9.0, np.inf)], rtol=1e-8)
    assert two.kind == "two half-lines"
    assert fit.anderson_rubin("x").kind == "whole line"  # first-stage F under 18.5, no real root


def test_clusters_by_hand(tiny) -> None:
    fit = by_hand(tiny).with_cov(ce.Cluster())
    # unit sums of fitted x times residual: slope 4/6 times z (1, -1, 2) times e (0, 1, 1/2), halved
    rows = 4 / 6 * np.array([0.0, -1.0, 1.0]) / 2
    expected = 3 / 2 * (3 - 1) / (3 - 1) * (rows @ rows) / (16 / 6 / 2) ** 2
    assert fit.cov.loc["x", "x"] == pytest.approx(expected, abs=EXACT)
    assert fit.vcov.df == 2


def test_clustered_set_by_hand(tiny) -> None:
    fit = by_hand(tiny).with_cov(ce.Cluster())
    # z e at c: (3 - 2c, -1, 4 - 2c); with one instrument T2 is the squared t ratio of their mean
    for c in (-1.0, 0.3, 1.4):
        rows = np.array([3 - 2 * c, -1.0, 4 - 2 * c])
        t = rows.mean() / (rows.std(ddof=1) / np.sqrt(3))
        p = 1 - abs(t) / np.sqrt(2 + t**2)  # two sides of t(2)
        assert fit.anderson_rubin_pvalue("x", c) == pytest.approx(p, abs=1e-10)
    half = fit.anderson_rubin("x", level=0.5)
    assert half.kind in ("bounded", "two half-lines")
    for end in np.ravel(half.intervals):
        assert np.isinf(end) or fit.anderson_rubin_pvalue("x", end) == pytest.approx(0.5, abs=1e-8)


@pytest.mark.parametrize(
    ("intervals", "kind", "text"),
    [
        ((), "empty", "empty"),
        (((0.0, 1.0),), "bounded", "[0.0, 1.0]"),
        (((-np.inf, 1.0),), "half-line", "(−∞, 1.0]"),
        (((-np.inf, -1.0), (2.0, np.inf)), "two half-lines", "(−∞, −1.0] ∪ [2.0, ∞)"),
        (((-np.inf, np.inf),), "whole line", "(−∞, ∞)"),
        (((0.0, 1.0), (2.0, 3.0)), "union", "[0.0, 1.0] ∪ [2.0, 3.0]"),
    ],
)
def test_sets_say_what_they_are(intervals, kind: str, text: str) -> None:
    one = AndersonRubinSet("rho", 0.95, intervals, "F(2, 80), homoskedastic")
    assert (one.kind, one.text(1)) == (kind, text)
    assert kind in str(one)
    assert "F(2, 80), homoskedastic" in str(one)
    assert ("not exogenous" in str(one)) == (kind == "empty")
    assert ("say nothing" in str(one)) == (kind == "whole line")
    assert (0.5 in one) == any(low <= 0.5 <= high for low, high in intervals)


def test_a_set_cut_to_the_space_of_rho() -> None:
    one = AndersonRubinSet("rho", 0.95, ((-np.inf, -3.0), (0.2, np.inf)), "F(2, 80)")
    assert one.within(-1.0, 1.0).intervals == ((0.2, 1.0),)


@pytest.mark.parametrize("time", [False, True])
def test_forms_vanish_in_expectation(ring, time: bool) -> None:
    """Dense: E v'J P J v = tr(J P J S) is zero for S = I, or for any diagonal S."""
    J = np.eye(N) - (1 / N if time else 0.0)
    free = trace_free(ring @ ring, time)
    assert np.trace(J @ free @ J) == pytest.approx(0.0, abs=EXACT)
    np.testing.assert_allclose(J @ free @ J, free, atol=EXACT)
    robust = diagonal_free(ring @ ring, time)
    S = np.diag(np.random.default_rng(1).uniform(0.2, 4.0, N))
    assert np.trace(J @ robust @ J @ S) == pytest.approx(0.0, abs=EXACT)
    np.testing.assert_allclose(np.diag(J @ robust @ J), 0.0, atol=EXACT)


def test_variance_of_the_moments_is_the_dense_one(panel, graph) -> None:
    """Var(v'Cv) = 2 s2^2 tr(CC) + k4 sum C_ii^2 with C = J_T x P on all T * N errors."""
    P = trace_free(ce.weights.align(graph, pd.RangeIndex(N)), True)
    rng = np.random.default_rng(0)
    y, X, H = (rng.standard_normal((T * N, k)) for k in (1, 2, 3))
    size = Reduction(N - 1, T - 1, True)
    system = moments(y.ravel(), X, H, [P], (T, N), size)
    d, fourth = np.zeros(2), 1.7
    C = np.kron(np.eye(T) - 1 / T, P)
    expected = 2 * system.sigma2(d) ** 2 * np.trace(C @ C) + fourth * (np.diag(C) ** 2).sum()
    assert system.variance(d, 0.0, fourth)[-1, -1] == pytest.approx(expected)
    step, slope = 1e-6, system.slope(np.array([0.2, -0.3]))
    for j in range(2):
        up, down = (
            system.at(np.array([0.2, -0.3]) + sign * step * np.eye(2)[j]) for sign in (1, -1)
        )
        np.testing.assert_allclose(slope[:, j], (up - down) / (2 * step), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("effects", ["unit", "time", "twoway"])
@pytest.mark.parametrize("durbin", [None, "all", ["x1"]])
def test_dense_two_stage_on_transformed_data(panel, graph, ring, effects: str, durbin) -> None:
    """F'y, F'X and powers of W* = F'WF give the same estimates as lagging and demeaning."""
    bar = {"unit": "unit", "time": "year", "twoway": "unit + year"}[effects]
    fit = s2sls(f"y ~ x0 + x1 | {bar}", panel, graph, durbin=durbin, order=3)
    F_t = helmert(T) if effects != "time" else np.eye(T)
    F_n = helmert(N) if effects != "unit" else np.eye(N)
    star = F_n.T @ ring @ F_n
    cube = panel.sort_index(level=[1, 0])[["y", "x0", "x1"]].to_numpy().reshape(T, N, 3)
    y, *x = (F_t.T @ cube[..., k] @ F_n for k in range(3))
    powers = [np.linalg.matrix_power(star, k).T for k in range(4)]
    lagged = {None: [], "all": [0, 1]}.get(durbin if durbin in (None, "all") else "", [1])
    X = [*x, *(x[k] @ star.T for k in lagged), y @ star.T]
    H = [one @ power for one in x for power in powers]
    X, H = (np.column_stack([one.ravel() for one in columns]) for columns in (X, H))
    fitted = H @ np.linalg.lstsq(H, X)[0]
    expected = np.linalg.lstsq(fitted, y.ravel())[0]
    np.testing.assert_allclose(fit.params, expected, rtol=1e-8)
    e = y.ravel() - X @ expected
    V = e @ e / (len(e) - len(expected)) * np.linalg.inv(fitted.T @ fitted)
    np.testing.assert_allclose(fit.cov, V, rtol=1e-7)


def test_best_instruments_are_those_of_lee(panel, graph, ring) -> None:
    first = s2sls("y ~ x0 + x1 | unit + year", panel, graph)
    fit = s2sls("y ~ x0 + x1 | unit + year", panel, graph, best=True)
    G = ring @ np.linalg.inv(np.eye(N) - first.rho * ring)
    Z = first.estimate.Z
    spread = (Z @ first.params.to_numpy()[:2]) @ G.T
    spread = spread - spread.mean(axis=1, keepdims=True)
    H = np.column_stack([Z.reshape(T * N, -1), spread.ravel()])
    X = np.column_stack([Z.reshape(T * N, -1), first.estimate.Wy.ravel()])
    expected = np.linalg.solve(H.T @ X, H.T @ first.estimate.y.ravel())
    np.testing.assert_allclose(fit.params, expected, rtol=1e-9)
    assert fit.first_stages == first.first_stages


def test_results_carry_what_the_family_carries(panel, graph) -> None:
    fit = s2sls(
        "y ~ x0 + d | unit + year", panel, graph, endogenous=["d"], instruments=["z1", "z2"]
    )
    assert isinstance(fit, ce.SpatialPanelResults)
    assert np.isnan(fit.loglik)
    assert list(fit.params.index) == ["x0", "d", "rho"]
    assert [stage.name for stage in fit.first_stages] == ["d", "W(y)"]
    frame = fit.effects(draws=50).frame["estimate"].unstack()
    assert frame.loc["d", "total"] == pytest.approx(fit.params["d"] / (1 - fit.rho))
    parts = fit.fixed_effects()
    assert parts["unit"].sum() == pytest.approx(0.0, abs=1e-9)
    assert len(fit.predict()) == N * T
    text = str(fit)
    assert "Conditional F" in text
    assert "Instruments: z1, z2, W(z1), W²(z1), W(z2), W²(z2), W(x0), W²(x0);" in text
    assert "Sargan test of over-identification: χ²(6)" in text
    assert "log-likelihood" not in text
    assert "caption>First stages" in fit._repr_html_()
    assert "ρ" in str(ce.table([fit, gmm("y ~ x0 | unit", panel, graph)]))


def test_weak_instruments_are_named_so(panel, graph) -> None:
    weak = panel.assign(x0=panel["x0"] * 1e-3 + np.sin(np.arange(len(panel)) ** 2.0))
    fit = s2sls("y ~ x0 | unit + year", weak, graph)
    assert fit.is_weak
    sentence = "First-stage F below 10: report the Anderson-Rubin set, not t."
    assert sentence in fit.summary().notes
    assert sentence.split(": ")[1] in fit.first_stage().notes[-1]
    rests = gmm("y ~ x0 | unit + year", weak, graph)
    assert "First-stage F below 10: rho rests on the quadratic moments." in rests.summary().notes


def test_repeated_instruments_are_left_out_and_named(panel, graph) -> None:
    more = panel.assign(z3=panel["z1"] - 2 * panel["z2"])
    options = {"endogenous": ["d"], "lag": False}
    fit = s2sls("y ~ d | unit", more, instruments=["z1", "z2", "z3"], **options)
    same = s2sls("y ~ d | unit", more, instruments=["z1", "z2"], **options)
    np.testing.assert_allclose(fit.params, same.params, rtol=1e-10)
    assert "Instruments left out, combinations of others: z3." in fit.summary().notes


REFUSED = [
    ({"lag": False}, FormulaError, "nothing is endogenous"),
    ({"endogenous": ["d"]}, FormulaError, "endogenous names d; name each once"),
    ({"instruments": ["x0"]}, FormulaError, "x0 is a regressor and an instrument"),
    ({"order": 4}, FormulaError, "order 4: give 1, 2 or 3"),
    ({"order": 1, "durbin": "all"}, IdentificationError, r"1 endogenous columns \(W\(y\)\) and 0"),
    ({"spatial_instruments": False}, IdentificationError, r"0 excluded instruments \(none\)"),
    ({"lag": False, "endogenous": ["x0"]}, IdentificationError, "not identified: 1 endogenous"),
    ({"lag": False, "endogenous": ["x0"], "best": True}, FormulaError, "best=True instruments W y"),
    ({"cov": ce.QuasiML()}, FormulaError, "needs a likelihood"),
    ({"durbin": ["nothing"]}, FormulaError, "durbin names nothing"),
]


@pytest.mark.parametrize(("options", "error", "message"), REFUSED)
def test_refusals(panel, graph, options, error, message: str) -> None:
    with pytest.raises(error, match=message):
        s2sls("y ~ x0 + x1 | unit + year", panel, graph, **options)


def test_refuses_terms_that_hold_an_endogenous_one(panel, graph) -> None:
    with pytest.raises(FormulaError, match="term x0:d holds the endogenous d too"):
        s2sls("y ~ d + x0 + x0:d | unit", panel, graph, endogenous=["d"], instruments=["z1"])


def test_refuses_irrelevant_instruments(panel) -> None:
    """Once x0 is partialled out, the instrument is orthogonal to d."""
    base = panel - panel.groupby(level=0).transform("mean")
    Z = np.column_stack([base["x0"], base["d"]])
    z = base["z1"] - Z @ np.linalg.lstsq(Z, base["z1"].to_numpy())[0]
    with pytest.raises(IdentificationError, match="do not move the endogenous column d"):
        s2sls(
            "y ~ x0 + d | unit",
            panel.assign(z=z),
            lag=False,
            endogenous=["d"],
            instruments=["z"],
        )


def test_refuses_weights_as_the_likelihood_does(panel, ring) -> None:
    loose = ce.weights.from_matrix(ring * 0.5, range(N))
    with pytest.raises(WeightsError, match="time effects need row-standardised weights"):
        s2sls("y ~ x0 | year", panel, loose)
    with pytest.raises(AlignmentError, match="s2sls needs weights"):
        s2sls("y ~ x0 | year", panel)
    equal = ce.weights.from_matrix((np.ones((N, N)) - np.eye(N)) / (N - 1), range(N))
    with pytest.raises(IdentificationError, match="rho is not identified"):
        s2sls("y ~ x0 | year", panel, equal)


def test_refuses_dependent_regressors_and_too_many_instruments(panel, graph) -> None:
    with pytest.raises(IdentificationError, match="'twice' is a linear combination of x0"):
        s2sls("y ~ x0 + twice | unit", panel.assign(twice=2 * panel["x0"]), graph)
    few = panel.loc[(slice(None), [0, 1]), :]
    many = few.assign(**{f"q{j}": np.cos((j + 1.5) * np.arange(len(few))) for j in range(12)})
    with pytest.raises(IdentificationError, match="for 12 observations net of effects"):
        s2sls(
            "y ~ d | unit",
            many,
            lag=False,
            endogenous=["d"],
            instruments=[f"q{j}" for j in range(12)],
        )


def test_refusals_of_results(panel, graph) -> None:
    fit = gmm("y ~ x0 + x1 | unit", panel, graph)
    with pytest.raises(IdentificationError, match="belongs to its weights"):
        fit.with_cov(ce.Cluster())
    with pytest.raises(FormulaError, match="no term 'x9'; there are x0, x1, rho"):
        fit.anderson_rubin("x9")
    with pytest.raises(ValueError, match=r"level 1.5: need 0 < level < 1"):
        fit.anderson_rubin(level=1.5)
    options = {"endogenous": ["d"], "instruments": ["z1", "z2"]}
    two = s2sls("y ~ d | unit", panel, graph, cov=ce.Cluster(), **options)
    with pytest.raises(IdentificationError, match=r"one endogenous column, here are 2 \(d, W"):
        two.anderson_rubin("d")
    many = s2sls("y ~ x0 + x1 + d | unit", panel, graph, order=3, cov=ce.Cluster("time"))
    with pytest.raises(IdentificationError, match="8 clusters for 9 excluded instruments"):
        many.anderson_rubin()
    assert np.isnan(many.first_stages[0].F)
    assert np.isnan(many.overidentification.statistic)
    assert "not available, too few clusters" in str(many)


def test_rho_outside_its_interval_has_no_effects(panel, graph) -> None:
    fit = s2sls("y ~ x0 + x1 | unit", panel, graph)
    best = replace(fit.estimate.optimum, rho=1.3)
    moved = replace(fit, estimate=replace(fit.estimate, optimum=best))
    for call in (moved.effects, moved.predict):
        with pytest.raises(IdentificationError, match=r"rho = 1\.3000 lies outside its interval"):
            call()
    assert "rho lies outside its interval: no reduced form, no effects." in moved.notes()


def test_no_second_step_from_outside_the_interval(ring, graph) -> None:
    """With worthless instruments the first step can leave the space of rho."""
    noise = np.random.default_rng(2).standard_normal((N * T, 2))
    index = pd.MultiIndex.from_product([range(N), range(T)], names=["unit", "year"])
    frame = pd.DataFrame(noise, columns=["y", "x0"], index=index)
    first = s2sls("y ~ x0 | unit", frame, graph)
    assert not -1.0 < first.rho < 1.0
    with pytest.raises(ConvergenceError, match="the first step puts rho at"):
        s2sls("y ~ x0 | unit", frame, graph, best=True)


def test_refuses_minima_outside_the_interval(panel, graph) -> None:
    fit = gmm("y ~ x0 + x1 | unit", panel, graph)
    eq = fit.used
    H = np.column_stack([eq.X[:, list(eq.exogenous)], eq.Q])
    form = trace_free(fit.estimate.weights.W, False)
    system = moments(eq.y, eq.X, H, [form], eq.shape, fit.estimate.reduction)
    variance = system.variance(fit.params.to_numpy() * system.length, 0.0, 0.0)
    assert minimise(system, variance, (-1.0, 1.0)).objective < 20.0
    with pytest.raises(ConvergenceError, match=r"no minimum of the moments with rho in \(0.9000"):
        minimise(system, variance, (0.9, 0.95))


def test_clustered_weights_need_units(panel, graph) -> None:
    more = panel.assign(**{f"q{j}": np.cos((j + 1.5) * np.arange(N * T)) for j in range(8)})
    with pytest.raises(IdentificationError, match="moments and 12 units: clustered weights"):
        gmm("y ~ x0 + " + " + ".join(f"q{j}" for j in range(8)), more, graph, heteroskedastic=True)


def test_weights_may_change_over_time(panel, graph, ring) -> None:
    """Lagged period by period; constant weights given as a path are the constant ones."""
    formula = "y ~ x0 + x1 | unit + year"
    same = s2sls(formula, panel, dict.fromkeys(range(T), graph), durbin="all", order=3)
    fixed = s2sls(formula, panel, graph, durbin="all", order=3)
    np.testing.assert_allclose(same.params, fixed.params, rtol=1e-8)
    turned = ce.weights.from_matrix(ring.T / ring.T.sum(axis=1, keepdims=True), range(N))
    path = {t: graph if t < 4 else turned for t in range(T)}
    moved = s2sls(formula, panel, path)
    W = np.stack([ce.weights.align(path[t], pd.RangeIndex(N)) for t in range(T)])
    y = panel.sort_index(level=[1, 0])["y"].to_numpy().reshape(T, N)
    Wy = np.einsum("tij,tj->ti", W, y)
    Wy = Wy - Wy.mean(axis=0) - Wy.mean(axis=1, keepdims=True) + Wy.mean()
    np.testing.assert_allclose(moved.estimate.Wy, Wy, atol=1e-12)
    assert "Weights change over time." in moved.notes()
    with pytest.raises(WeightsError, match="needs one Graph for all periods"):
        gmm(formula, panel, path)


def equal_groups(size: int) -> ce.weights.Graph:
    """All units of a group are neighbours, so W^2 is a combination of W and I."""
    W = np.kron(np.eye(N // size), np.ones((size, size))) - np.eye(N)
    return ce.weights.from_matrix(W / (size - 1), range(N))


@pytest.mark.parametrize("heteroskedastic", [False, True])
@pytest.mark.parametrize("bar", ["unit", "unit + year"])
def test_forms_that_repeat_each_other_are_left_out(panel, bar: str, heteroskedastic: bool) -> None:
    """One form is left: the estimate is its minimum, and one degree of freedom less is tested."""
    graph, formula = equal_groups(4), f"y ~ x0 + x1 | {bar}"
    fit = gmm(formula, panel, graph, heteroskedastic=heteroskedastic)
    assert fit.overidentification.df == 1
    apart = fit.rho - ce.sar(formula, panel, graph).rho
    assert abs(apart) < 0.5 * fit.std_errors["rho"]  # .04 to .28 of it here
    W, time = ce.weights.align(graph, pd.RangeIndex(N)), "year" in bar
    free = diagonal_free if heteroskedastic else trace_free
    forms, size = [free(W, time), free(W @ W, time)], [1.0, 1.0]
    (kept,) = independent(forms, size)
    np.testing.assert_allclose(kept, forms[0] / np.linalg.norm(forms[0]))
    turned = forms[1] / np.linalg.norm(forms[1])
    np.testing.assert_allclose(abs((kept * turned).sum()), 1.0, atol=EXACT)


def test_forms_may_all_vanish(ring) -> None:
    """Three units net of time effects: no symmetric form without diagonal is left."""
    W = np.array([[0.0, 0.7, 0.3], [0.3, 0.0, 0.7], [0.7, 0.3, 0.0]])
    assert independent([diagonal_free(W, True), diagonal_free(W @ W, True)], [1.0, 1.0]) == []
    y, X, H = (np.random.default_rng(0).standard_normal((3 * T, k)) for k in (1, 2, 2))
    system = moments(y.ravel(), X, H, [], (T, 3), Reduction(2, T - 1, True))
    best = minimise(system, system.variance(np.zeros(2), 0.0, 0.0), (-1e3, 1e3))
    expected = np.linalg.solve(H.T @ X, H.T @ y.ravel())
    np.testing.assert_allclose(best.d / system.length, expected, rtol=1e-8)
    assert best.objective == pytest.approx(0.0, abs=EXACT)


@pytest.mark.parametrize("heteroskedastic", [False, True])
@pytest.mark.parametrize("bar", ["unit", "unit + year"])
def test_two_periods_are_enough(panel, graph, bar: str, heteroskedastic: bool) -> None:
    """Third moments drop out with unit effects, so it does not matter that they are not seen."""
    two = panel.loc[(slice(None), [0, 1]), :]
    fit = gmm(f"y ~ x0 | {bar}", two, graph, heteroskedastic=heteroskedastic)
    assert np.isfinite(fit.std_errors).all()
    assert "GMM" in str(fit)


def test_third_moments_drop_with_unit_effects(panel, graph) -> None:
    P = trace_free(ce.weights.align(graph, pd.RangeIndex(N)), False)
    fit = gmm("y ~ x0 + x1 | unit", panel, graph)
    eq = fit.used
    H = np.column_stack([eq.X[:, list(eq.exogenous)], eq.Q])
    system = moments(eq.y, eq.X, H, [P], eq.shape, fit.estimate.reduction)
    d = fit.params.to_numpy() * system.length
    with_third, without = system.variance(d, 5.0, 1.0), system.variance(d, 0.0, 1.0)
    np.testing.assert_allclose(with_third, without, atol=1e-10)


def test_conditional_strength_is_printed_where_there_are_several(panel, graph) -> None:
    options = {"endogenous": ["d"], "instruments": ["z1", "z2"]}
    fit = s2sls("y ~ x0 + d | unit + year", panel, graph, cov=ce.Cluster("unit"), **options)
    text = " ".join(fit.notes())
    for stage in fit.first_stages:
        assert f"conditional F {stage.conditional_F:.2f}" in text or "not available" in text
    assert "smallest eigenvalue, homoskedastic, " in str(fit.first_stage())
    assert "conditional F" not in " ".join(s2sls("y ~ x0 | unit", panel, graph).notes())


@pytest.mark.parametrize("names", [("d",), ("d", "d2")])
def test_conditional_f_is_that_of_sanderson_and_windmeijer(panel, names) -> None:
    """By dense projections: residual of one on the others by 2SLS, then on the instruments."""
    more = panel.assign(
        d2=panel["d"] * 0.5 + panel["z2"] + np.cos(7.0 * np.arange(len(panel))),
        z3=panel["z1"] ** 2,
    )
    fit = s2sls(
        f"y ~ x0 + {' + '.join(names)} | unit",
        more,
        lag=False,
        endogenous=list(names),
        instruments=["z1", "z2", "z3"],
    )
    eq = fit.equation
    E, D, Q = eq.X[:, list(eq.exogenous)], eq.X[:, list(eq.endogenous)], eq.Q
    H = np.column_stack([E, Q])
    P_H, P_E = H @ np.linalg.pinv(H), E @ np.linalg.pinv(E)
    for j, stage in enumerate(fit.first_stages):
        other = np.column_stack([np.delete(D, j, axis=1), E])
        fitted = P_H @ other
        net = D[:, j] - other @ np.linalg.solve(fitted.T @ other, fitted.T @ D[:, j])
        explained, left = net @ (P_H - P_E) @ net, net @ net - net @ P_H @ net
        q, rest = Q.shape[1] - len(names) + 1, eq.nobs - H.shape[1]
        assert stage.conditional_F == pytest.approx(explained / q / (left / rest), rel=1e-8)


def test_best_instruments_that_repeat_the_regressors(panel) -> None:
    """With equal groups G Z d is a combination of x and W x: no direction of rounding serves."""
    graph, options = equal_groups(4), {"durbin": "all", "instruments": ["z1"]}
    with pytest.raises(IdentificationError, match=r"0 excluded instruments \(none; G Z d repeat"):
        s2sls("y ~ x0 | unit", panel, graph, best=True, **options)
    fit = gmm("y ~ x0 | unit", panel, graph, **options)
    assert fit.used.dropped == ("G Z d",)
    assert fit.overidentification.df == 0  # two regressors and one form: three coefficients
    assert "exactly identified" in " ".join(fit.notes())
    W = ce.weights.align(graph, pd.RangeIndex(N))
    e = fit.estimate.residuals
    assert np.einsum("ti,ij,tj->", e, trace_free(W, False), e) == pytest.approx(0.0, abs=1e-8)
    again = gmm("y ~ x0 | unit", panel.assign(x0=3 * panel["x0"]), graph, **options)
    assert again.rho == pytest.approx(fit.rho, abs=1e-8)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (None, ((-np.inf, np.inf),)),
        ([[0.0, 0.0], [0.0, -1.0]], ((-np.inf, np.inf),)),
        ([[0.0, 0.0], [0.0, 1.0]], ()),
        ([[0.0, 1.0], [1.0, 3.0]], ((3.0, np.inf),)),  # -2c + 3 <= 0 where y/d is 2
        ([[0.0, -1.0], [-1.0, 3.0]], ((-np.inf, -3.0),)),
        ([[1.0, 0.0], [0.0, 1.0]], ()),  # c^2 + 1 <= 0
        ([[-1.0, 0.0], [0.0, -1.0]], ((-np.inf, np.inf),)),
        ([[1.0, 0.0], [0.0, -1.0]], ((-2.0, 2.0),)),
    ],
)
def test_sets_of_degenerate_forms(form, expected) -> None:
    """Roots of a c^2 - 2 b c + e, a = 0 included, for columns d and y of lengths 1 and 2."""
    found = _below_zero(None if form is None else np.array(form), np.array([1.0, 2.0]))
    np.testing.assert_allclose(np.ravel(found), np.ravel(expected))
