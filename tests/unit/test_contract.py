"""One contract for every estimator: frozen, labelled, aligned by id, exact in refusals, repeatable.

A new verb joins by one line in `VERBS`, a new covariance by one in `COVARIANCES`; what a model
refuses, and why, stands in `REFUSED`.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.engine.likelihood import Likelihood
from ccec_econ.errors import AlignmentError, CcecError, FormulaError, PanelError, WeightsError

F = "y ~ x1 + x2 | id + year"
UNIT = "y ~ x1 + x2 | id"
ROOT = 1e-6  # in standard errors: what polished optima repeat under rounding
Fit = Callable[[str, pd.DataFrame, Any], Any]


def verb(name: str, **options: Any) -> Fit:
    """A fit of one verb; GNS warns by design."""

    def fit(formula: str, data: pd.DataFrame, weights: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ce.errors.WeakIdentificationWarning)
            return getattr(ce, name)(formula, data, weights, **options)

    return fit


def random(name: str = "random_effects", **options: Any) -> Fit:
    """Random effects: what stands behind the bar is left out."""

    def fit(formula: str, data: pd.DataFrame, weights: Any) -> Any:
        return getattr(ce, name)(re.sub(r" \| id.*", "", formula), data, weights, **options)

    return fit


def dynamic(name: str, **options: Any) -> Fit:
    """Dynamic models: the response of the year before and its lag among the regressors."""

    def fit(formula: str, data: pd.DataFrame, weights: Any) -> Any:
        lagged = formula.replace("y ~ ", "y ~ L(y) + W(L(y)) + ")
        return getattr(ce, name)(lagged, data, weights, **options)

    return fit


def two_lags(formula: str, data: pd.DataFrame, weights: Any) -> Any:
    """Neighbours, and neighbours of neighbours in the same scale."""
    ids = weights.unique_ids
    W = ce.weights.align(weights, ids)
    near = W > 0
    far = (near.astype(int) @ near > 0) & ~near & ~np.eye(len(W), dtype=bool)
    second = W.sum(axis=1, keepdims=True) * far / far.sum(axis=1, keepdims=True)
    parts = {"near": weights, "far": ce.weights.from_matrix(second, ids)}
    return ce.higher_order(formula, data, parts)


VERBS: dict[str, Fit] = {
    "ols": lambda formula, data, weights: ce.ols(formula, data),
    **{name: verb(name) for name in ("slx", "sar", "sem", "sdm", "sdem", "sac", "gns")},
    "sdm direct": verb("sdm", method="direct"),
    "sdm bias-corrected": verb("sdm", method="bias_corrected"),
    "sdm clustered": verb("sdm", cov=ce.Cluster()),
    "sdm changing weights": lambda formula, data, weights: ce.sdm(
        formula, data, dict.fromkeys(range(2000, 2012), weights)
    ),
    "2sls": verb("s2sls"),
    "best 2sls": verb("s2sls", best=True),
    "2sls clustered": verb("s2sls", cov=ce.Cluster()),
    "gmm": verb("gmm"),
    "gmm heteroskedastic": verb("gmm", heteroskedastic=True),
    "random sar": random(),
    "random sdm kkp": random(lag=False, durbin="all", error="kkp"),
    "random sac bsk": random(error="bsk"),
    "random gm": random("random_effects_gm"),
    "dynamic sar": dynamic("sar"),
    "dynamic sdm": dynamic("sdm"),
    "dynamic uncorrected": dynamic("sdm", correction=False),
    "higher order": two_lags,
}
SPATIAL = {name: fit for name, fit in VERBS.items() if name != "ols"}


@pytest.fixture(params=VERBS.values(), ids=VERBS.keys())
def fit(request) -> Fit:
    return request.param


@pytest.fixture(params=SPATIAL.values(), ids=SPATIAL.keys())
def spatial(request) -> Fit:
    return request.param


def test_results_are_frozen(fit: Fit, sim16) -> None:
    result = fit(F, *sim16)
    field = dataclasses.fields(result)[0].name
    with pytest.raises((dataclasses.FrozenInstanceError, AttributeError)):
        setattr(result, field, None)


def test_results_are_labelled(fit: Fit, sim16) -> None:
    result = fit(F, *sim16)
    names = list(result.params.index)
    assert [name for name in names if name in ("x1", "x2")] == ["x1", "x2"]
    assert len(set(names)) == len(names)
    assert list(result.std_errors.index) == names
    assert list(result.cov.index) == list(result.cov.columns) == names
    moments = getattr(result, "method", "").startswith("gm,")
    known = [n for n in names if not (moments and n in ("lam", "phi", "sigma2"))]
    assert np.isfinite(result.std_errors[known]).all()
    assert (result.std_errors[known] > 0).all()
    frame = result.conf_int().loc[known]
    assert (frame["lower"] < result.params[known]).all()
    assert (frame["upper"] > result.params[known]).all()


def test_the_data_are_left_alone(fit: Fit, sim16) -> None:
    panel, W = sim16
    before = panel.copy()
    fit(F, panel, W)
    pd.testing.assert_frame_equal(panel, before)


def test_same_numbers_twice_and_from_shuffled_rows(fit: Fit, sim16) -> None:
    panel, W = sim16
    one, two = fit(F, panel, W), fit(F, panel, W)
    assert one.params.to_numpy().tobytes() == two.params.to_numpy().tobytes()
    assert one.cov.to_numpy().tobytes() == two.cov.to_numpy().tobytes()
    mixed = fit(F, panel.sample(frac=1.0, random_state=1), W)
    np.testing.assert_array_equal(one.params, mixed.params)


def test_weights_are_matched_by_label(spatial: Fit, sim16) -> None:
    panel, graph = sim16
    ids = graph.unique_ids
    order = np.random.default_rng(3).permutation(len(ids))
    W = ce.weights.align(graph, ids)[np.ix_(order, order)]
    shuffled = ce.weights.from_matrix(W, ids[order])
    np.testing.assert_array_equal(
        spatial(F, panel, graph).params, spatial(F, panel, shuffled).params
    )


def test_the_printed_table_says_its_convention(fit: Fit, sim16) -> None:
    result = fit(F, *sim16)
    text = str(result)
    assert result.vcov.convention in text
    assert re.search(r"N = 16 units, T = 1[12] periods", text)  # a time lag takes one
    for form in (result.to_latex(), result.to_typst(), result.to_markdown(), result._repr_html_()):
        assert "x1" in form


def test_missing_rows_are_refused(fit: Fit, sim16) -> None:
    panel, W = sim16
    with pytest.raises(PanelError, match=r"1 of 192 cells have no row: \(3, 2004\)"):
        fit(F, panel.drop([(3, 2004)]), W)


def test_missing_values_are_refused(fit: Fit, sim16) -> None:
    panel, W = sim16
    broken = panel.copy()
    broken.loc[(3, 2004), "x2"] = np.nan
    with pytest.raises(PanelError, match=r"column x2: 1 cells, \(3, 2004\)"):
        fit(F, broken, W)


def test_unknown_names_are_refused(fit: Fit, sim16) -> None:
    with pytest.raises(FormulaError, match="no column x7"):
        fit("y ~ x7 | id + year", *sim16)


def test_foreign_weights_are_refused(spatial: Fit, sim16) -> None:
    panel, _ = sim16
    other = ce.weights.contiguity()
    with pytest.raises(AlignmentError, match="weights and panel differ: 16 only in the weights"):
        spatial(F, panel, other)


def test_islands_are_refused(spatial: Fit, sim16) -> None:
    panel, graph = sim16
    W = ce.weights.align(graph, graph.unique_ids).copy()
    W[2] = 0.0
    with pytest.raises(WeightsError, match="no neighbour for 3"):
        spatial(F, panel, ce.weights.from_matrix(W, graph.unique_ids))


def test_every_refusal_is_one_of_ours(fit: Fit, sim16) -> None:
    panel, W = sim16
    for data, formula in (
        (panel.reset_index(), F),
        (panel, "y ~ x1 |"),
        (panel, "y"),
        (panel.assign(x2=panel["x1"]), F),
        (panel.assign(x2=1.0), F),
        (panel.iloc[:0], F),
    ):
        with pytest.raises(CcecError):
            fit(formula, data, W)


def compare(one: Any, two: Any, scale: np.ndarray) -> None:
    """Same estimates in units of their errors, and same errors, up to a known scale."""
    errors = one.std_errors.fillna(1.0).to_numpy()
    gap = (two.params.to_numpy() / scale - one.params.to_numpy()) / errors
    np.testing.assert_allclose(gap, 0.0, atol=ROOT)
    np.testing.assert_allclose(two.std_errors.to_numpy() / scale, one.std_errors, rtol=1e-5)


def test_units_of_measurement(fit: Fit, sim16) -> None:
    panel, W = sim16
    one = fit(F, panel, W)
    two = fit(F, panel.assign(y=1e3 * panel["y"], x1=panel["x1"] / 50), W)
    free = {"rho": 1.0, "lam": 1.0, "phi": 1.0, "sigma2": 1e6}
    scale = []
    for name in one.params.index:
        kept = name.startswith(("rho[", "L(", "W(L("))
        scale.append(1.0 if kept else free.get(name, 5e4 if "x1" in name else 1e3))
    compare(one, two, np.array(scale))


def test_names_of_units_do_not_matter(fit: Fit, sim16) -> None:
    panel, graph = sim16
    ids = graph.unique_ids
    names = np.array([f"u{j:02d}" for j in np.random.default_rng(5).permutation(len(ids))])
    turned = panel.reset_index().assign(id=lambda f: names[ids.get_indexer(f["id"])])
    relabelled = ce.weights.from_matrix(ce.weights.align(graph, ids), names)
    one, two = fit(F, panel, graph), fit(F, turned.set_index(["id", "year"]), relabelled)
    compare(one, two, np.ones(len(one.params)))


@pytest.mark.parametrize("name", [n for n in SPATIAL if n != "random gm"])
def test_scale_of_the_weights(name: str, sim16) -> None:
    """Weights times 30: rho, lam and coefficients of lags are divided by 30, nothing else moves.

    Generalised moments are left out: their first step is unweighted by definition.
    """
    panel, graph = sim16
    ids = graph.unique_ids
    larger = ce.weights.from_matrix(30 * ce.weights.align(graph, ids), ids)
    one, two = SPATIAL[name](UNIT, panel, graph), SPATIAL[name](UNIT, panel, larger)
    shrinks = [name.startswith(("rho", "lam", "W(")) for name in one.params.index]
    compare(one, two, np.where(shrinks, 1 / 30, 1.0))


@pytest.mark.parametrize("name", [n for n in VERBS if "random" not in n])
def test_constants_of_units_and_years_do_not_matter(name: str, sim16) -> None:
    panel, W = sim16
    one = VERBS[name](F, panel, W)
    rng = np.random.default_rng(0)
    moved = panel.copy()
    for level in ("id", "year"):
        codes = pd.factorize(panel.index.get_level_values(level))[0]
        moved["y"] += rng.standard_normal(codes.max() + 1)[codes]
        moved["x1"] += rng.standard_normal(codes.max() + 1)[codes]
    compare(one, VERBS[name](F, moved, W), np.ones(len(one.params)))


LIKELIHOOD = [n for n in VERBS if not re.search("2sls|gmm|gm$|bias-corrected|higher|ols|slx", n)]


@pytest.mark.parametrize("name", LIKELIHOOD)
def test_scores_vanish_at_the_maximum(name: str, sim16) -> None:
    """And are the slopes of the likelihood elsewhere, by central differences."""
    result = VERBS[name](F, *sim16)
    estimate, step = getattr(result, "quasi", result.estimate), 1e-6
    best = estimate.optimum
    if "random" in name:
        target, at = estimate.likelihood, np.array([best.rho, best.lam, best.phi])
        free = np.array([target.spectrum is not None, target.error is not None, True])
    else:
        size, parts = estimate.reduction, (estimate.triangle, estimate.spectrum, estimate.error)
        target, at = Likelihood(*parts, size.nobs, size.periods), np.array([best.rho, best.lam])
        free = np.array([part is not None for part in parts[1:]])
    np.testing.assert_allclose(target.score(*at), 0.0, atol=1e-5)
    near = at + 0.05 * free
    slopes = [
        (target.loglik(*(near + step * d)) - target.loglik(*(near - step * d))) / (2 * step)
        for d in np.eye(len(at))[free]
    ]
    np.testing.assert_allclose(np.array(target.score(*near))[free], slopes, rtol=1e-5)


def kilometres(units: Any) -> pd.DataFrame:
    """Distances between units on a circle, not in the order of the panel."""
    order = list(units)[::-1]
    angle = np.linspace(0.0, 2 * np.pi, len(order), endpoint=False)
    d = 100.0 * np.abs(np.exp(1j * angle)[:, None] - np.exp(1j * angle))
    return pd.DataFrame((d + d.T) / 2.0, index=order, columns=order)


COVARIANCES = {
    "information": ce.Information(),
    "quasi-ML": ce.QuasiML(),
    "unit": ce.Cluster("unit"),
    "time": ce.Cluster("time"),
    "unit CR2": ce.Cluster("unit", kind="CR2"),
    "time CR2": ce.Cluster("time", kind="CR2"),
    "Driscoll-Kraay": ce.DriscollKraay(2),
    "Conley": ce.Conley(kilometres(range(1, 17)), 50.0, lags=1),
}
FITTED: dict[str, Fit] = {
    **{name: fit for name, fit in VERBS.items() if "clustered" not in name},
    "random sem kkp": random(lag=False, error="kkp"),
    "random sem bsk": random(lag=False, error="bsk"),
}
_NO_PAIRS = {"unit CR2": "CR2 adjusts the residuals of one", "time CR2": "residuals of one"}
_NO_PAIRS["Conley"] = "the estimates of rho and lam are inconsistent"
_LIKELIHOOD = dict.fromkeys(["quasi-ML", "Driscoll-Kraay", "Conley"], "needs a likelihood")
_LIKELIHOOD |= dict.fromkeys(["unit CR2", "time CR2"], "CR2 is for least squares")
_RANDOM = dict.fromkeys(
    ["time", "unit CR2", "time CR2", "Driscoll-Kraay", "Conley"],
    "not defined with random unit effects",
)
_PERIODS = dict.fromkeys(["time", "time CR2", "Driscoll-Kraay"], "scores are not zero there")
_CORRECTED = dict.fromkeys(list(COVARIANCES)[1:-1], "after a bias correction")
REFUSED: tuple[tuple[str, dict[str, str]], ...] = (  # the first pattern that a name matches
    ("ols|slx", {}),
    ("higher order", dict.fromkeys(COVARIANCES, "no other covariance for HigherOrderResults")),
    ("gmm.*", dict.fromkeys(COVARIANCES, "the covariance of GMM belongs to its weights")),
    (".*2sls", _LIKELIHOOD),
    ("random gm", {**_RANDOM, "quasi-ML": "they maximise no likelihood"}),
    ("random .*bsk", {**_RANDOM, "unit": "stand outside the spatial filter"}),
    ("random .*", _RANDOM),
    ("dynamic uncorrected", _NO_PAIRS),
    ("dynamic .*", {**_NO_PAIRS, **_PERIODS}),
    ("sdm bias-corrected", {**_NO_PAIRS, **_CORRECTED}),
    (".*", _NO_PAIRS),
)


def refused(model: str) -> dict[str, str]:
    """Covariances that a model refuses, and the reason in its message."""
    return next(reasons for pattern, reasons in REFUSED if re.fullmatch(pattern, model))


@pytest.fixture(scope="module")
def fitted(sim16) -> Callable[[str], Any]:
    """One fit per model; covariances come after it."""
    return functools.cache(lambda name: FITTED[name](F, *sim16))


@pytest.mark.parametrize("cov", COVARIANCES)
@pytest.mark.parametrize("model", FITTED)
def test_every_covariance_of_every_model(model: str, cov: str, fitted) -> None:
    """Labelled, symmetric and positive semidefinite; or refused by its reason."""
    result = fitted(model)
    reasons = refused(model)
    if cov in reasons:
        with pytest.raises(CcecError, match=reasons[cov]):
            result.with_cov(COVARIANCES[cov])
        return
    other = result.with_cov(COVARIANCES[cov])
    assert other.vcov.convention in str(other)
    names = list(result.params.index)
    assert list(other.cov.index) == list(other.cov.columns) == names
    V = other.cov.to_numpy()
    known = np.isfinite(np.diag(V))
    assert known.all() or model == "random gm"
    V = V[np.ix_(known, known)]
    np.testing.assert_allclose(V, V.T, rtol=1e-10, atol=1e-16)
    scale = np.sqrt(np.diag(V))
    assert np.linalg.eigvalsh(V / np.outer(scale, scale)).min() > -1e-10
    assert other.pvalues[known].dropna().between(0.0, 1.0).all()
    frame = other.effects(draws=50).frame
    assert np.isfinite(frame.to_numpy()).all()
    pd.testing.assert_series_equal(result.params, other.params)
