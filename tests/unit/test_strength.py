"""Strength of instruments by hand and by dense algebra; spatial lags as instruments."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import ccec_econ as ce
from ccec_econ.engine.strength import condition_number, effective_critical
from ccec_econ.errors import AlignmentError, FormulaError
from simulated import simulate

EXACT = 1e-12
N, T = 12, 8


@pytest.fixture(scope="module")
def W() -> np.ndarray:
    at, W = np.arange(N), np.zeros((N, N))
    W[at, (at + 1) % N], W[at, (at + 2) % N], W[at[::3], (at[::3] + 5) % N] = 0.6, 0.4, 0.5
    return W / W.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def graph(W) -> ce.weights.Graph:
    return ce.weights.from_matrix(W, range(N))


@pytest.fixture(scope="module")
def panel(W) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    frame = simulate(rng, W, T, 0.3, np.array([1.0, -0.5]), np.array([0.3, 0.2]))
    z1, z2, v = rng.standard_normal((3, len(frame)))
    return frame.assign(z1=z1, z2=z2, d=z1 + 0.5 * z2 + v)


def with_instruments(panel: pd.DataFrame, names: list[str], **options):
    return ce.s2sls(
        "y ~ x0 + d | unit + year", panel, endogenous="d", instruments=names, lag=False, **options
    )


@pytest.mark.parametrize("bias", [0.05, 0.1, 0.3])
def test_critical_value_with_one_instrument(bias: float) -> None:
    # (Z + sqrt(1/bias))^2 exceeds c with chance 5 %: both tails of a normal
    c, shift = effective_critical(np.eye(1), bias), np.sqrt(1 / bias)
    tails = stats.norm.sf(np.sqrt(c) - shift) + stats.norm.cdf(-np.sqrt(c) - shift)
    assert tails == pytest.approx(0.05, abs=1e-9)


def test_critical_value_falls_to_one_instrument_when_one_coefficient_is_noisy() -> None:
    assert effective_critical(np.diag([1.0, 1e-9])) == pytest.approx(23.11, abs=0.01)
    assert effective_critical(np.eye(2)) < effective_critical(np.eye(1))
    assert effective_critical(3.0 * np.eye(2)) == pytest.approx(effective_critical(np.eye(2)))


def test_effective_f_is_f_with_one_instrument_or_one_variance(panel) -> None:
    for cov in (ce.Information(), ce.Cluster("unit"), ce.Cluster("time")):
        (stage,) = with_instruments(panel, ["z1"], cov=cov).first_stages
        assert stage.effective_F == pytest.approx(stage.F, rel=EXACT)
        assert stage.is_strong == (stage.critical < stage.F)
    (stage,) = with_instruments(panel, ["z1", "z2"]).first_stages
    assert stage.effective_F == pytest.approx(stage.F, rel=1e-10)


def test_effective_f_by_dense_algebra(panel) -> None:
    """p'p / tr V, from a regression on instruments made orthonormal net of x0."""
    fit = with_instruments(panel, ["z1", "z2"], cov=ce.Cluster())
    eq = fit.equation
    x, d = eq.X[:, 0], eq.X[:, 1]
    net = eq.Q - np.outer(x, x @ eq.Q) / (x @ x)
    root = np.linalg.cholesky(np.linalg.inv(net.T @ net))
    Z = net @ root
    p, e = Z.T @ d, d - x * (x @ d) / (x @ x)
    e = e - Z @ p
    scores = (Z * e[:, None]).reshape(T, N, 2).sum(axis=0)
    rest = (N - 1) * (T - 1) - 3
    V = N / (N - 1) * ((N - 1) * (T - 1) - 1) / rest * scores.T @ scores
    (stage,) = fit.first_stages
    assert stage.effective_F == pytest.approx(p @ p / np.trace(V), rel=1e-9)
    assert stage.critical == pytest.approx(effective_critical(V), rel=1e-9)
    assert f"{stage.effective_F:.2f}" in str(fit.first_stage())


def test_condition_number_of_two_columns() -> None:
    # singular values of unit columns with cosine r are sqrt(1 + r) and sqrt(1 - r)
    columns = np.array([[1.0, 3.0], [0.0, 4.0]])
    assert condition_number(columns) == pytest.approx(np.sqrt(1.6 / 0.4), abs=EXACT)
    assert condition_number(np.array([[1.0, 2.0], [2.0, 4.0]])) == np.inf
    assert condition_number(np.array([[1.0, 0.0], [2.0, 0.0]])) == np.inf


def test_lags_as_instruments_are_those_of_two_stage_least_squares(panel, graph) -> None:
    found = ce.instrument_strength("y ~ x0 + x1 | unit + year", panel, graph)
    for model, durbin, order in (("SAR", None, 2), ("SDM", "all", 3)):
        fit = ce.s2sls(
            "y ~ x0 + x1 | unit + year",
            panel,
            graph,
            durbin=durbin,
            order=order,
            cov=ce.Cluster("unit"),
        )
        row = found.frame.loc[model].iloc[-1]
        assert row["F"] == fit.first_stages[0].F
        assert row["count"] == 4
    text = str(found)
    assert "SDM: W²X, W³X" in text
    assert "[X, W X, W²X]" in text


def test_condition_numbers_by_hand(panel, graph, W) -> None:
    found = ce.instrument_strength("y ~ x0 | unit", panel, graph).condition
    x = panel["x0"].unstack(0).to_numpy()
    columns = [x, x @ W.T, x @ W.T @ W.T]
    inside = np.column_stack([(c - c.mean(axis=0)).ravel() for c in columns])
    inside /= np.linalg.norm(inside, axis=0)
    for k, value in enumerate(found):
        values = np.linalg.eigvalsh(inside[:, : k + 1].T @ inside[:, : k + 1])
        assert value == pytest.approx(np.sqrt(values[-1] / values[0]), rel=1e-9)


def test_equal_neighbours_leave_no_instrument(panel) -> None:
    """With all others as neighbours W² is a combination of I and W: an SDM is not identified."""
    graph = ce.weights.from_matrix((np.ones((N, N)) - np.eye(N)) / (N - 1), range(N))
    found = ce.instrument_strength("y ~ x0 + x1 | unit", panel, graph)
    assert found.condition["[X, W X, W²X]"] == np.inf
    assert found.frame.loc["SDM", "F"].isna().all()
    assert found.frame.loc["SAR", "F"].notna().all()
    assert "SDM, W²X: not identified" in str(found)
    assert "infinite" in str(found)


def test_refusals(panel, graph) -> None:
    with pytest.raises(FormulaError, match="needs a likelihood or least squares"):
        ce.instrument_strength("y ~ x0 | unit", panel, graph, cov=ce.QuasiML())
    with pytest.raises(AlignmentError, match="needs weights for its lags and got none"):
        ce.instrument_strength("y ~ x0 | unit", panel, None)
