"""Monte Carlo at the size of the circle: 16 units, 12 years, its own contiguity."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import ccec_econ as ce
from ccec_econ.engine.estimate import Columns, estimate
from ccec_econ.engine.spectrum import Spectrum, spectrum
from ccec_econ.inference.effects import effects
from ccec_econ.inference.reduced_form import static_form
from ccec_econ.inference.vcov import Information
from ccec_econ.simulation import Design, draw_panel, fit_panel, nearest_weights, study

N, T = 16, 12
FOUR_ERRORS = 4.0  # distance from the truth in Monte Carlo standard errors that fails


@pytest.fixture(scope="module")
def weights() -> Spectrum:
    graph = ce.weights.contiguity()
    return spectrum(ce.weights.align(graph, graph.unique_ids))


def bias_of_rho(
    weights: Spectrum, design: Design, draws: int, periods: int = T
) -> dict[str, tuple[float, float]]:
    """Mean error of rho by likelihood, on the same samples, with its Monte Carlo error."""
    rng = np.random.default_rng(20200103)
    table = study(design, weights.W, periods, draws=draws, rng=rng).set_index("method")
    return {str(name): (row["bias"], row["mcse"]) for name, row in table.iterrows()}


@pytest.mark.parametrize("rho", [0.2, 0.6])
def test_transformation_is_unbiased_where_direct_is_not(weights: Spectrum, rho: float) -> None:
    """SAR: direct is off by about -0.13 whatever rho, half-way corrected, transformation is not."""
    bias = bias_of_rho(weights, Design(rho), draws=1000)
    value, error = bias["transformation"]
    assert abs(value) < FOUR_ERRORS * error
    value, error = bias["direct"]
    assert abs(value + 0.13) < FOUR_ERRORS * error
    assert bias["direct"][0] < bias["bias_corrected"][0] < bias["transformation"][0]


def test_a_longer_panel_does_not_help_the_direct_likelihood(weights: Spectrum) -> None:
    bias = bias_of_rho(weights, Design(0.2), draws=400, periods=3 * T)
    value, error = bias["direct"]
    assert abs(value + 0.13) < FOUR_ERRORS * error
    value, error = bias["transformation"]
    assert abs(value) < FOUR_ERRORS * error


@pytest.mark.parametrize("rho", [0.2, 0.6])
def test_sdm_keeps_a_tenth_of_the_direct_bias(weights: Spectrum, rho: float) -> None:
    """With W(x) beside Wy direct is worse, and a higher-order bias of -0.01 to -0.02 remains."""
    bias = bias_of_rho(weights, Design(rho, theta=0.5), draws=1000)
    value, error = bias["direct"]
    assert abs(value + 0.18) < FOUR_ERRORS * error
    assert -0.03 < bias["transformation"][0] < 0.0
    assert bias["transformation"][0] > 0.15 * bias["direct"][0]


def test_intervals_cover(weights: Spectrum) -> None:
    """95 % intervals of rho and of the effects hold the truth, delta and simulation."""
    rng, design, draws = np.random.default_rng(20211020), Design(0.3, theta=0.5), 300
    a = np.linalg.inv(np.eye(N) - design.rho * weights.W)
    S = a @ (design.beta * np.eye(N) + design.theta * weights.W)
    truth = {"direct": np.trace(S) / N, "total": (design.beta + design.theta) / (1 - design.rho)}
    truth["indirect"] = truth["total"] - truth["direct"]
    hits: dict[str, list[bool]] = {name: [] for name in ("rho", *truth)}
    for _ in range(draws):
        fit = fit_panel(design, draw_panel(design, weights, T, rng), weights, "transformation")
        vcov = Information()(fit)
        error = float(np.sqrt(vcov.matrix[2, 2]))
        hits["rho"].append(abs(fit.optimum.rho - design.rho) < stats.norm.ppf(0.975) * error)
        found = effects(static_form(fit), vcov, level=0.95, draws=200, rng=rng)
        frame = found.frame.loc["x"]
        for name, value in truth.items():
            row = frame.loc[name]
            hits[name].append(row["lower"] < value < row["upper"])
            hits.setdefault(f"sim {name}", []).append(row["sim_lower"] < value < row["sim_upper"])
    slack = FOUR_ERRORS * (0.95 * 0.05 / draws) ** 0.5  # 0.05 at 300 draws
    for name, values in hits.items():
        assert abs(float(np.mean(values)) - 0.95) < slack, name


def test_cluster_errors_survive_serial_correlation(weights: Spectrum) -> None:
    """With AR(1) errors and a persistent regressor, unit clusters hold their size; iid does not."""
    rng, draws = np.random.default_rng(7), 300
    rejected = {"information": 0, "cluster": 0}
    for _ in range(draws):
        x, e = (np.cumsum(rng.standard_normal((T, N)), axis=0) for _ in range(2))
        fit = estimate(
            Columns(e, x[:, :, None], ("x",), (None,)),
            weights=None,
            x_weights=None,
            error_weights=None,
            lag_y=False,
            effects="twoway",
            method="transformation",
        )
        for name, cov in (("information", ce.Information()), ("cluster", ce.Cluster())):
            vcov = cov(fit)
            t = fit.optimum.coefficients[0] / np.sqrt(vcov.matrix[0, 0])
            rejected[name] += 2 * stats.t.sf(abs(t), vcov.df) < 0.05
    assert rejected["cluster"] / draws < 0.11
    assert rejected["information"] / draws > 0.3


@pytest.mark.parametrize("persistent", [False, True], ids=["iid", "random walk"])
def test_clustered_error_of_rho_matches_its_spread(weights: Spectrum, persistent: bool) -> None:
    """Pairs of units carry half of the variance of rho's score; errors may be persistent."""
    rng, design, draws = np.random.default_rng(11), Design(0.3), 400
    found, errors = [], []
    for _ in range(draws):
        x, e = rng.standard_normal((2, T, N))
        e = np.cumsum(e, axis=0) if persistent else e
        y = np.linalg.solve(np.eye(N) - design.rho * weights.W, (design.beta * x + e).T).T
        fit = fit_panel(design, (y, x), weights, "transformation")
        found.append(fit.optimum.rho)
        errors.append(np.sqrt(ce.Cluster()(fit).matrix[1, 1]))
    assert 0.85 < np.mean(errors) / np.std(found) < 1.15


def test_nearest_weights() -> None:
    W = nearest_weights(20, 3, np.random.default_rng(0))
    np.testing.assert_allclose(W.sum(axis=1), 1.0)
    assert ((W > 0).sum(axis=1) == 3).all()
    assert (np.diag(W) == 0).all()
    with pytest.raises(ce.errors.WeightsError, match="k = 3: give a number from 1 to 2"):
        nearest_weights(3, 3, np.random.default_rng(0))
