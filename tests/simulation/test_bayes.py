"""Calibration and coverage of exact posteriors."""

from __future__ import annotations

import numpy as np
import pytest

import ccec_econ as ce
from ccec_econ.bayes.sampler import kernel
from ccec_econ.engine.estimate import Columns, Estimate, pose
from ccec_econ.engine.spectrum import Spectrum, spectrum
from ccec_econ.simulation.designs import Design, draw_panel, nearest_weights

N, T = 16, 12


def durbin(y: np.ndarray, x: np.ndarray, W: Spectrum, *, lag_y: bool = True) -> Estimate:
    return pose(
        Columns(y, np.dstack([x, W.lag(x)]), ("x", "W(x)"), (None, "x")),
        weights=W,
        x_weights=W,
        error_weights=None,
        lag_y=lag_y,
        effects="twoway",
        method="transformation",
    )


def coverage(rho: float, draws: int, rng: np.random.Generator) -> float:
    inside = 0
    for _ in range(draws):
        W = spectrum(nearest_weights(N, 4, rng))
        y, x = draw_panel(Design(rho, 1.0, 0.5), W, T, rng)
        marginal = kernel(durbin(y, x, W), ce.bayes.Flat()).marginal()
        low, high = marginal.quantile(np.array([0.025, 0.975]))
        inside += low < rho < high
    return inside / draws


@pytest.mark.parametrize("rho", [0.3, 0.6])
def test_credible_intervals_cover(rho: float) -> None:
    draws = 300
    error = np.sqrt(0.95 * 0.05 / draws)
    assert abs(coverage(rho, draws, np.random.default_rng(5)) - 0.95) < 4.0 * error


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.0, 0.3, 0.6])
def test_credible_intervals_cover_long(rho: float) -> None:
    assert coverage(rho, 4000, np.random.default_rng(6)) == pytest.approx(0.95, abs=0.02)


def probability_of_sdm(
    rho: float,
    draws: int,
    rng: np.random.Generator,
    *,
    prior: ce.bayes.Flat = ce.bayes.Flat(),  # noqa: B008 (frozen)
    periods: int = T,
) -> np.ndarray:
    """Pr(SDM) against SLX, right and with the integral in place of its log: shape (draws, 2)."""
    out = []
    for _ in range(draws):
        W = spectrum(nearest_weights(N, 4, rng))
        y, x = draw_panel(Design(rho, 1.0, 0.5), W, periods, rng)
        slx, sdm = (kernel(durbin(y, x, W, lag_y=lag_y), prior) for lag_y in (False, True))
        marginal = sdm.marginal()
        integral = 1.0 / marginal.density.max()  # of the density relative to its maximum
        right = marginal.log_integral
        logs = np.array([right, right - np.log(integral) + integral])
        out.append(1.0 / (1.0 + np.exp(slx.log_marginal(None) - logs)))
    return np.array(out)


@pytest.mark.slow
def test_model_with_rho_is_chosen_when_it_is_true() -> None:
    rng = np.random.default_rng(7)
    none, some = (probability_of_sdm(rho, 1000, rng)[:, 0] for rho in (0.0, 0.4))
    assert (none > 0.5).mean() < 0.1
    assert (some > 0.5).mean() > 0.6


REPORTED = {  # 200 draws: mean and share above one half, right and with the slip
    0.0: (0.20, 0.06, 0.49, 0.34),
    0.2: (0.45, 0.35, 0.72, 0.81),
}


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.0, 0.2])
def test_probabilities_are_those_reported_where_rho_is_uniform_on_minus_one_to_one(
    rho: float,
) -> None:
    """Sixteen units, four nearest, fifteen periods, beta 1, theta 0.5."""
    prior = ce.bayes.Flat(ce.bayes.Beta(1.0))
    found = probability_of_sdm(rho, 1000, np.random.default_rng(8), prior=prior, periods=15)
    each = np.stack([found[:, 0], found[:, 0] > 0.5, found[:, 1], found[:, 1] > 0.5])
    error = each.std(axis=1) * np.sqrt(1 / 200 + 1 / 1000)
    z = (each.mean(axis=1) - REPORTED[rho]) / error
    assert np.abs(z).max() < 3.0, (each.mean(axis=1), z)


@pytest.mark.parametrize("model", ["sdm", "sem", "slx"])
def test_ranks_of_the_truth_are_uniform(model: str) -> None:
    panel, W = ce.data.load_panel(years=(2011, 2019)), ce.weights.contiguity()
    found = ce.bayes.calibrate(
        "growth ~ digital + hsr | unit + year", panel, W, model=model, panels=200
    )
    assert (found.pvalues > 0.001).all(), str(found)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["ols", "slx", "sar", "sem", "sdm", "sdem"])
def test_ranks_of_the_truth_are_uniform_long(model: str) -> None:
    panel, W = ce.data.load_panel(years=(2011, 2019)), ce.weights.contiguity()
    found = ce.bayes.calibrate(
        "growth ~ digital + hsr | unit + year", panel, W, model=model, panels=3000
    )
    assert (found.pvalues > 0.001).all(), str(found)
