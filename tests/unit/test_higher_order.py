"""Several spatial lags: dense brute force, the single-lag model as a special case, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.engine.estimate import Columns
from ccec_econ.engine.higher_order import _reduce, norms, reach
from ccec_econ.engine.transform import helmert
from ccec_econ.errors import ConvergenceError, FormulaError, IdentificationError, WeightsError


def simulated(seed: int, N: int = 30, T: int = 8) -> tuple[pd.DataFrame, dict, dict]:
    """Two-way panel with rho .4 within and .2 across two provinces."""
    rng = np.random.default_rng(seed)
    points = rng.random((N, 2))
    distance = np.linalg.norm(points[:, None] - points[None], axis=2) + np.eye(N)
    graph = ce.weights.from_matrix((1 / distance**2) * (1 - np.eye(N)), range(N))
    groups = {i: "west" if i < N // 2 else "east" for i in range(N)}
    parts = ce.weights.split(graph, groups)
    dense = {k: ce.weights.align(v, pd.RangeIndex(N)) for k, v in parts.items()}
    x, noise = rng.standard_normal((2, T, N))
    mean = x + noise + rng.standard_normal(N) + rng.standard_normal((T, 1))
    S = np.eye(N) - 0.4 * dense["within"] - 0.2 * dense["across"]
    y = np.linalg.solve(S, mean.T).T
    index = pd.MultiIndex.from_product([range(N), range(T)], names=["unit", "year"])
    panel = pd.DataFrame({"y": y.T.ravel(), "x": x.T.ravel()}, index=index)
    return panel, parts, dense


def test_split_parts_are_row_standardised_and_disjoint() -> None:
    _, _, dense = simulated(0)
    np.testing.assert_allclose(dense["within"].sum(axis=1), 1.0)
    np.testing.assert_allclose(dense["across"].sum(axis=1), 1.0)
    assert not ((dense["within"] > 0) & (dense["across"] > 0)).any()


@pytest.mark.parametrize("bar", ["", " | unit", " | year", " | unit + year"])
def test_dense_brute_force(bar: str) -> None:
    """Helmert data and dense determinants: same height, and no higher point on a grid."""
    panel, parts, dense = simulated(1)
    fit = ce.higher_order(f"y ~ x{bar}", panel, parts)
    wide = {name: panel[name].unstack("unit").to_numpy() for name in ("y", "x")}
    T, N = wide["y"].shape
    F_t = helmert(T) if "unit" in bar else np.eye(T)
    F_n = helmert(N) if "year" in bar else np.eye(N)
    y, x = (F_t.T @ wide[name] @ F_n for name in ("y", "x"))
    stars = [F_n.T @ W @ F_n for W in dense.values()]
    Z = np.column_stack([x.ravel(), *([np.ones(y.size)] if not bar else [])])

    def height(rho: tuple[float, float]) -> float:
        S = np.eye(len(stars[0])) - rho[0] * stars[0] - rho[1] * stars[1]
        v = (y @ S.T).ravel()
        e = v - Z @ np.linalg.lstsq(Z, v, rcond=None)[0]
        fit = -0.5 * y.size * (np.log(2 * np.pi * e @ e / y.size) + 1)
        return fit + len(y) * np.linalg.slogdet(S)[1]

    rho = tuple(fit.estimate.rho)
    assert height(rho) == pytest.approx(fit.loglik, abs=1e-8)
    grid = np.linspace(-0.9, 0.9, 19)
    best = max(height((a, b)) for a in grid for b in grid if abs(a) + abs(b) < 0.99)
    assert best <= fit.loglik + 1e-9
    step = 1e-5
    for d in np.eye(2):
        up, down = (height(tuple(np.array(rho) + s * step * d)) for s in (1, -1))
        assert abs(up - down) / (2 * step) < 1e-3


def test_information_is_the_curvature_of_the_likelihood() -> None:
    """Standard errors of rho match the observed curvature of the profile at large N T."""
    panel, parts, _ = simulated(2, N=60, T=20)
    fit = ce.higher_order("y ~ x | unit + year", panel, parts)
    assert fit.params["rho[within]"] == pytest.approx(0.4, abs=4 * fit.std_errors["rho[within]"])
    assert fit.params["rho[across]"] == pytest.approx(0.2, abs=4 * fit.std_errors["rho[across]"])
    assert fit.params["x"] == pytest.approx(1.0, abs=4 * fit.std_errors["x"])


def test_means_over_draws_and_errors() -> None:
    """60 draws: means within four Monte Carlo errors, standard errors near the spread."""
    fits = [ce.higher_order("y ~ x | unit + year", *simulated(s)[:2]) for s in range(100, 160)]
    found = pd.DataFrame([fit.params for fit in fits])
    errors = pd.DataFrame([fit.std_errors for fit in fits])
    truth = pd.Series({"x": 1.0, "rho[within]": 0.4, "rho[across]": 0.2})
    gap = (found.mean() - truth).abs() / (found.std() / len(fits) ** 0.5)
    assert (gap < 4).all()
    assert (errors.mean() / found.std()).between(0.75, 1.3).all()


def test_equal_coefficients_are_tested() -> None:
    panel, parts, _ = simulated(3)
    fit = ce.higher_order("y ~ x | unit + year", panel, parts)
    test = fit.contrast("within", "across")
    assert test["difference"] == pytest.approx(
        fit.params["rho[within]"] - fit.params["rho[across]"]
    )
    assert 0 < test["p_value"] < 1
    assert test["statistic"] == pytest.approx(test["difference"] / test["std_error"])
    with pytest.raises(FormulaError, match="no weights border"):
        fit.contrast("within", "border")


def test_durbin_terms_carry_the_weights_names() -> None:
    panel, parts, _ = simulated(4)
    fit = ce.higher_order("y ~ x | unit + year", panel, parts, durbin=True)
    assert list(fit.params.index) == ["x", "within(x)", "across(x)", "rho[within]", "rho[across]"]
    assert "Standard errors: inverse expected information" in str(fit)


def test_durbin_names_terms() -> None:
    """Only what is named is lagged, and effects are those of the dense reduced form."""
    panel, parts, dense = simulated(4)
    panel["z"] = np.random.default_rng(9).standard_normal(len(panel))
    f = "y ~ x + z | unit + year"
    fit = ce.higher_order(f, panel, parts, durbin=["z"])
    b, N = fit.params, len(dense["within"])
    assert list(b.index) == ["x", "z", "within(z)", "across(z)", "rho[within]", "rho[across]"]
    written = panel.copy()
    for name, W in dense.items():
        cube = panel["z"].unstack("unit").to_numpy() @ W.T
        written[f"{name}_z"] = cube.T.ravel()
    other = ce.higher_order("y ~ x + z + within_z + across_z | unit + year", written, parts)
    np.testing.assert_allclose(b, other.params, rtol=1e-8)
    S = np.eye(N) - sum(b[f"rho[{name}]"] * W for name, W in dense.items())
    inner = {"x": b["x"] * np.eye(N), "z": b["z"] * np.eye(N)}
    inner["z"] = inner["z"] + sum(b[f"{name}(z)"] * W for name, W in dense.items())
    found = fit.effects(draws=50).frame
    for term, part in inner.items():
        total = np.linalg.solve(S, part).sum() / N
        assert found.loc[(term, "total"), "estimate"] == pytest.approx(total, rel=1e-8)
    every = ce.higher_order(f, panel, parts, durbin=True).params
    for durbin in ("all", ["x", "z"], ("x", "z")):
        pd.testing.assert_series_equal(
            ce.higher_order(f, panel, parts, durbin=durbin).params, every
        )
    assert len(ce.higher_order(f, panel, parts, durbin=None).params) == 4


@pytest.mark.parametrize(
    ("durbin", "message"),
    [
        ("nonsense", "durbin 'nonsense': give a list of terms, 'all' or True"),
        ("x", "durbin 'x': give a list of terms"),
        (1, "durbin 1: give a list of terms"),
        (["nonsense"], "durbin names nonsense; name each once, among the formula's terms: x"),
        (["x", "x"], "durbin names x, x; name each once"),
        ([], "durbin names nothing"),
    ],
)
def test_durbin_refusals(durbin, message: str) -> None:
    panel, parts, _ = simulated(4)
    with pytest.raises(FormulaError, match=message):
        ce.higher_order("y ~ x | unit + year", panel, parts, durbin=durbin)


def test_the_formula_names_no_weights() -> None:
    panel, parts, _ = simulated(4)
    with pytest.raises(FormulaError, match="does not say which of them lags; name the terms in du"):
        ce.higher_order("y ~ x + W(x) | unit + year", panel, parts)


def test_a_lag_without_effect_leaves_the_single_lag_model() -> None:
    """With rho[across] fixed near zero the likelihood is that of the SAR on the other weights."""
    panel, parts, _ = simulated(5)
    both = ce.higher_order("y ~ x | unit + year", panel, parts)
    one = ce.sar("y ~ x | unit + year", panel, parts["within"])
    assert both.loglik >= one.loglik - 1e-8


def test_refusals() -> None:
    panel, parts, dense = simulated(6)
    with pytest.raises(WeightsError, match="1 weights given; give two or more"):
        ce.higher_order("y ~ x | unit + year", panel, {"within": parts["within"]})
    loose = ce.weights.from_matrix(dense["across"] * 0.5, range(30))
    mixed = {"within": parts["within"], "loose": loose}
    with pytest.raises(WeightsError, match="weights loose are not row-standardised by themselves"):
        ce.higher_order("y ~ x | unit + year", panel, mixed)
    province = ce.data.load_units("city")["province"]
    with pytest.raises(WeightsError, match="no neighbour within groups for 500000"):
        ce.weights.split(ce.weights.inverse_distance(), province)
    with pytest.raises(WeightsError, match="units without a group: 500000"):
        ce.weights.split(ce.weights.contiguity(), province.drop("500000").to_dict())


def test_information_is_the_dense_one() -> None:
    """In Helmert space with N T by N T matrices: scores' covariance under normal errors."""
    panel, parts, dense = simulated(7, N=12, T=4)
    fit = ce.higher_order("y ~ x | unit + year", panel, parts)
    T, N = fit.estimate.residuals.shape
    F_t, F_n, s2 = helmert(T), helmert(N), fit.sigma2
    x = (F_t.T @ panel["x"].unstack("unit").to_numpy() @ F_n).ravel()[:, None]
    stars = [F_n.T @ W @ F_n for W in dense.values()]
    S = np.eye(N - 1) - sum(r * W for r, W in zip(fit.estimate.rho, stars, strict=True))
    G = [np.kron(np.eye(T - 1), W @ np.linalg.inv(S)) for W in stars]
    means = np.column_stack([A @ x @ fit.estimate.coefficients for A in G])
    linear = np.column_stack([x, means, np.zeros(len(x))]) / s2
    forms = [np.zeros_like(G[0]), *(A / s2 for A in G), np.eye(len(x)) / (2 * s2**2)]
    pairs = [[s2**2 * (np.trace(A @ B) + np.trace(A @ B.T)) for B in forms] for A in forms]
    info = s2 * linear.T @ linear + np.array(pairs)
    np.testing.assert_allclose(fit.vcov.matrix, np.linalg.inv(info), rtol=1e-8)


@pytest.mark.parametrize("bar", ["", " | unit", " | year", " | unit + year"])
def test_with_one_lag_at_zero_it_is_the_single_lag_model(bar: str) -> None:
    panel, parts, dense = simulated(8)
    one = ce.sar(f"y ~ x{bar}", panel, parts["within"])
    design = one.design
    columns = Columns(design.y, design.X, design.terms, (None,) * len(design.terms))
    W = np.stack(list(dense.values()))
    problem = _reduce(columns, W, design.effects)[0]
    height, slopes = problem.rise(np.array([one.rho, 0.0]))
    assert height == pytest.approx(one.loglik, abs=1e-9)
    assert slopes[0] == pytest.approx(0.0, abs=1e-6)
    assert problem.rise(np.array([0.6, 0.5]))[0] == -np.inf


@pytest.mark.parametrize("effects", ["none", "unit", "time", "twoway"])
@pytest.mark.parametrize("rho", [(0.2, 0.1), (-0.5, 0.3)])
def test_slopes_and_curvature_are_those_of_the_height(effects: str, rho: tuple) -> None:
    panel, _, dense = simulated(8)
    y, x = (panel[name].unstack("unit").to_numpy() for name in ("y", "x"))
    terms = ("x",) if effects != "none" else ("x", "Intercept")
    X = np.dstack([x, np.ones_like(x)])[:, :, : len(terms)]
    columns = Columns(y, X, terms, (None,) * len(terms))
    problem = _reduce(columns, np.stack(list(dense.values())), effects)[0]
    at, step = np.array(rho), 1e-5
    up, down = (
        [problem.rise(at + s * step * d) for d in np.eye(2)]  # heights and slopes
        for s in (1, -1)
    )
    slopes = [(a[0] - b[0]) / (2 * step) for a, b in zip(up, down, strict=True)]
    bends = [(a[1] - b[1]) / (2 * step) for a, b in zip(up, down, strict=True)]
    np.testing.assert_allclose(problem.rise(at)[1], slopes, rtol=1e-6)
    np.testing.assert_allclose(problem.curvature(at), bends, rtol=1e-7, atol=1e-5)


def test_a_regressor_that_the_effects_take_is_refused() -> None:
    """Demeaning leaves 1e-17 of it, which would pass for a regressor."""
    panel, parts, _ = simulated(9)
    constant = panel.assign(k=0.1 * panel.index.get_level_values("unit") + 0.3)
    with pytest.raises(IdentificationError, match="no variation left in k once the unit effects"):
        ce.higher_order("y ~ x + k | unit", constant, parts)
    with pytest.raises(IdentificationError, match=r"'twice' is a linear combination of x"):
        ce.higher_order("y ~ x + twice | unit", panel.assign(twice=2 * panel["x"]), parts)
    with pytest.raises(IdentificationError, match="spatial lag 2 of 2 is a linear combination"):
        ce.higher_order("y ~ x | unit", panel, {"a": parts["within"], "b": parts["within"]})


@pytest.mark.parametrize("c", [1e-2, 30.0])
def test_the_scale_of_weights_does_not_matter(c: float) -> None:
    panel, parts, dense = simulated(10)
    larger = {k: ce.weights.from_matrix(c * W, range(len(W))) for k, W in dense.items()}
    one, two = (ce.higher_order("y ~ x | unit", panel, each) for each in (parts, larger))
    scale = np.array([1.0, 1 / c, 1 / c])
    np.testing.assert_allclose(two.params, one.params * scale, rtol=1e-7)
    np.testing.assert_allclose(two.std_errors, one.std_errors * scale, rtol=1e-6)
    assert two.loglik == pytest.approx(one.loglik, abs=1e-8)


@pytest.mark.parametrize("c", [0.1, 10.0])
def test_effects_do_not_depend_on_the_scale_of_weights(c: float) -> None:
    """Draws stay where the estimate was searched: the same draws stay at any scale."""
    panel, parts, dense = simulated(10)
    larger = {k: ce.weights.from_matrix(c * W, range(len(W))) for k, W in dense.items()}
    one, two = (ce.higher_order("y ~ x | unit", panel, each) for each in (parts, larger))
    forms = [fit.reduced_form() for fit in (one, two)]
    wide = forms[0].theta + np.random.default_rng(0).normal(0.0, 0.3, (500, len(forms[0].theta)))
    kept = forms[0].inside(wide)
    assert 0 < kept.sum() < len(kept)
    np.testing.assert_array_equal(forms[1].inside(wide * [1.0, 1 / c, 1 / c]), kept)
    np.testing.assert_array_equal(kept, np.abs(wide[:, 1:]).sum(axis=1) < 1.0)
    a, b = (fit.effects(draws=4000) for fit in (one, two))
    exact = ["estimate", "std_error", "lower", "upper"]
    np.testing.assert_allclose(b.frame[exact], a.frame[exact], rtol=1e-6)
    share = max(a.rejected, b.rejected, 1e-3)
    assert abs(a.rejected - b.rejected) < 4 * np.sqrt(2 * share * (1 - share) / 4000)


def test_draws_of_unstandardised_weights_keep_to_the_region_of_the_search() -> None:
    """Zeros and ones: five neighbours each put the border of rho at a fifth, not at one."""
    panel, _, dense = simulated(10)
    binary = {
        name: ce.weights.from_matrix((np.sort(W, axis=1)[:, [-5]] <= W).astype(float), range(30))
        for name, W in dense.items()
    }
    fit = ce.higher_order("y ~ x | unit", panel, binary)
    form = fit.reduced_form()
    assert not form.inside(np.array([[1.0, 0.19, 0.19]])).any()
    assert form.inside(np.array([[1.0, 0.09, 0.09]])).all()


def test_the_region_holds_no_singular_point() -> None:
    """Random points just inside the border, for weights whose rows do not sum to one."""
    rng = np.random.default_rng(0)
    W = rng.random((2, 9, 9)) * (rng.random((2, 9, 9)) < 0.4)
    lengths = norms(W)
    for _ in range(200):
        rho = rng.standard_normal(2)
        rho *= 0.999 / reach(rho, lengths)
        paths = [np.eye(9) - t * np.tensordot(rho, W, axes=1) for t in np.linspace(0, 1, 30)]
        assert min(np.linalg.det(S) for S in paths) > 0.0


def test_names_and_kinds_of_weights() -> None:
    panel, parts, _ = simulated(11)
    with pytest.raises(WeightsError, match="weights 0, 1: give one Graph per name"):
        ce.higher_order("y ~ x | unit", panel, dict(enumerate(parts.values())))
    path = dict.fromkeys(range(8), parts["within"])
    with pytest.raises(WeightsError, match="weights that change over time are not available"):
        ce.higher_order("y ~ x | unit", panel, {"a": path, "b": parts["across"]})
    named = {"exp": parts["within"], "b": parts["across"]}
    with pytest.raises(FormulaError, match=r"exp\(x\) names two terms"):
        ce.higher_order("y ~ x + exp(x) | unit", panel, named, durbin=True)


def test_a_unit_root_is_refused() -> None:
    panel, parts, _ = simulated(12)
    rng = np.random.default_rng(0)
    common = 50.0 * np.cumsum(rng.standard_normal(8))[panel.index.get_level_values("year")]
    noise = 1e-3 * rng.standard_normal(len(panel))
    with pytest.raises(ConvergenceError, match="no interior maximum"):
        ce.higher_order("y ~ x | unit", panel.assign(y=common + noise), parts)
