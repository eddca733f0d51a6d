"""Control function of economic weights: against the model written out, and its refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

import ccec_econ as ce
from ccec_econ.errors import AlignmentError, FormulaError, WeightsError
from ccec_econ.inference.vcov import Information
from ccec_econ.models import formed_weights as module

RELATIVE = 1e-7  # two maximisations of the same likelihood
N, T = 12, 7


@pytest.fixture(scope="module")
def near() -> np.ndarray:
    at, W = np.arange(N), np.zeros((N, N))
    for step in (1, 2, 3):
        W[at, (at + step) % N] = W[at, (at - step) % N] = 1.0
    return W


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    index = pd.MultiIndex.from_product([range(N), range(T)], names=["unit", "year"])
    x, before, e, v = rng.standard_normal((4, N * T))
    z = 0.8 * before + e + np.repeat(rng.standard_normal(N), T)
    return pd.DataFrame({"x": x, "before": before, "z": z, "y": x + z + 0.5 * e + v}, index=index)


def asked(panel, near, **options):
    return ce.weights_exogeneity(
        "y ~ x + z | unit + year",
        panel,
        lambda z: ce.weights.economic_of(z[:, 0], near),
        "z ~ before | unit + year",
        **options,
    )


@pytest.mark.parametrize("model", ["sdm", "sar"])
def test_it_is_the_model_with_the_residual_written_in(panel, near, model: str) -> None:
    """Residual by dummy variables, one Graph per year, and the public verbs."""
    found = asked(panel, near, model=model)
    flat = panel.reset_index()
    residual = smf.ols("z ~ before + C(unit) + C(year)", flat).fit().resid
    among = ce.weights.from_matrix(near, range(N))
    graphs = {
        year: ce.weights.economic(panel["z"].xs(year, level="year"), among=among)
        for year in range(T)
    }
    written = panel.assign(e=residual.to_numpy())
    options = {"durbin": ["x", "z"]} if model == "sdm" else {}
    verb = getattr(ce, model)
    other = verb("y ~ x + z + e | unit + year", written, graphs, **options)
    order = {"e": "residual(z)"}
    np.testing.assert_allclose(
        found.fit.params, other.params.rename(order)[found.fit.params.index], rtol=RELATIVE
    )
    np.testing.assert_allclose(
        found.fit.std_errors,
        other.std_errors.rename(order)[found.fit.std_errors.index],
        rtol=RELATIVE,
    )
    plain = verb("y ~ x + z | unit + year", panel, graphs)
    np.testing.assert_allclose(found.plain.params, plain.params, rtol=RELATIVE)
    t = other.params["e"] / other.std_errors["e"]
    assert found.by_term.loc["residual(z)", "statistic"] == pytest.approx(t, rel=RELATIVE)
    assert found.wald.statistic == pytest.approx(t**2, rel=1e-6)
    assert found.bootstrap is None


def test_two_variables_are_tested_together(panel, near) -> None:
    rng = np.random.default_rng(1)
    more = panel.assign(q=panel["before"] + rng.standard_normal(len(panel)))
    found = ce.weights_exogeneity(
        "y ~ x | unit + year",
        more,
        lambda z: ce.weights.economic_of(z[:, 0] + z[:, 1], near),
        ["z ~ before | unit + year", "q ~ before | unit + year"],
        draws=19,
    )
    assert found.terms == ("residual(z)", "residual(q)")
    assert found.wald.distribution == "chi2(2)"
    assert found.by_term["p_bootstrap"].between(0.05, 1.0).all()
    assert "residual(q)" in str(found)


def test_samples_of_the_null_hold_the_model(panel, near) -> None:
    """S y* less regressors and effects is what was drawn: unrelated to z*, of variance sigma2."""
    task = module.control_function(
        "y ~ x + z | unit + year",
        panel,
        lambda z: ce.weights.economic_of(z[:, 0], near),
        "z ~ before | unit + year",
        "sdm",
        Information(),
    )
    plain = task.fit(task.data, controlled=False)
    quiet = replace(plain, estimate=_without_noise(plain.estimate))
    (drawn,) = module.drawn_shocks(task, quiet, 1, np.random.default_rng(0))
    sample = module.simulator(task, quiet)(drawn)
    W = [ce.weights.economic_of(row, near) for row in sample.z[:, :, 0]]
    X = np.dstack([sample.X, np.stack([w @ x for w, x in zip(W, sample.X, strict=True)])])
    best = plain.estimate.optimum
    left = sample.y - best.rho * np.stack([w @ y for w, y in zip(W, sample.y, strict=True)])
    left = left - X @ best.coefficients
    inside = left - left.mean(axis=0) - left.mean(axis=1, keepdims=True) + left.mean()
    np.testing.assert_allclose(inside, 0.0, atol=1e-10)  # unit and year effects alone
    np.testing.assert_array_equal(sample.X[:, :, 1], sample.z[:, :, 0])  # z is a regressor too
    assert not np.allclose(sample.z, task.data.z)
    np.testing.assert_array_equal(sample.path.lag(sample.y), task.path(sample.z).lag(sample.y))


def _without_noise(fit):
    return replace(fit, optimum=replace(fit.optimum, sigma2=0.0))


def test_bootstrap_repeats_and_counts(panel, near) -> None:
    first, again = (asked(panel, near, draws=39, rng=4) for _ in range(2))
    assert first.bootstrap.pvalue == again.bootstrap.pvalue
    # one residual: the joint statistic is its square, so both count the same draws
    assert first.bootstrap.pvalue == first.by_term["p_bootstrap"].iloc[0]
    assert first.failed == 0
    assert "bootstrap, 39 draws" in str(first)


def test_economic_weights_by_hand() -> None:
    values = pd.Series({"a": 1.0, "b": 2.0, "c": 4.0})
    # gaps 1, 3, 2: row b is 1/(1 + 1/4), 1/4/(1 + 1/4) at power 2
    W = ce.weights.align(ce.weights.economic(values, power=2.0), values.index)
    np.testing.assert_allclose(W[1], [0.8, 0.0, 0.2])
    among = ce.weights.from_matrix([[0, 1, 0], [1, 0, 4], [0, 1, 0]], ["a", "b", "c"])
    W = ce.weights.align(ce.weights.economic(values, among=among), values.index)
    np.testing.assert_allclose(W, [[0, 1, 0], [1 / 3, 0, 2 / 3], [0, 1, 0]])


def test_refusals(panel, near) -> None:
    with pytest.raises(FormulaError, match="model 'sem': choose 'sdm' or 'sar'"):
        asked(panel, near, model="sem")
    with pytest.raises(FormulaError, match="are made from the forming variable z"):
        ce.weights_exogeneity(
            "y ~ x + np.exp(z) | unit + year", panel, lambda z: near, "z ~ before | unit + year"
        )
    with pytest.raises(FormulaError, match="forming equations of z, z; give one per variable"):
        ce.weights_exogeneity(
            "y ~ x | unit + year", panel, lambda z: near, ["z ~ before | unit", "z ~ x | unit"]
        )
    with pytest.raises(WeightsError, match=r"build returned shape \(2, 2\) in 0"):
        ce.weights_exogeneity(
            "y ~ x | unit + year", panel, lambda z: np.eye(2), "z ~ before | unit + year"
        )
    with pytest.raises(WeightsError, match=r"neighbours itself"):
        ce.weights_exogeneity(
            "y ~ x | unit + year", panel, lambda z: np.eye(N), "z ~ before | unit + year"
        )
    with pytest.raises(WeightsError, match="power 0: unlikeness must damp"):
        ce.weights.economic(pd.Series([1.0, 2.0]), power=0)
    with pytest.raises(WeightsError, match=r"likeness of units 0, 1 \(by position\)"):
        ce.weights.economic(pd.Series([1.0, 1.0, 2.0]))
    with pytest.raises(WeightsError, match="infinite or unknown"):
        ce.weights.economic(pd.Series([1.0, np.nan, 2.0]))
    with pytest.raises(AlignmentError):
        ce.weights.economic(
            pd.Series([1.0, 2.0]), among=ce.weights.from_matrix([[0, 1], [1, 0]], ["a", "b"])
        )


@pytest.mark.parametrize("model", ["sdm", "sar"])
def test_where_z_is_a_regressor_it_tests_the_excluded_one(panel, near, model: str) -> None:
    """|t| of the residual is |t| of `before` written into the outcome's equation."""
    found = asked(panel, near, model=model)
    among = ce.weights.from_matrix(near, range(N))
    graphs = {
        year: ce.weights.economic(panel["z"].xs(year, level="year"), among=among)
        for year in range(T)
    }
    options = {"durbin": ["x", "z"]} if model == "sdm" else {}
    formula = "y ~ x + z + before | unit + year"
    fit = getattr(ce, model)(formula, panel, graphs, cov=Information(), **options)
    t = fit.params["before"] / fit.std_errors["before"]
    assert abs(found.by_term["statistic"].iloc[0]) == pytest.approx(abs(t), rel=1e-4)
    assert found.fit.rho == pytest.approx(fit.rho, rel=1e-4)
