"""Coverage and calibration of the posterior of dynamic models with few units and periods."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import ccec_econ as ce
from ccec_econ.bayes.dynamic import dynamic_kernel
from ccec_econ.bayes.sampler import Draws, kernel
from ccec_econ.engine.dynamic import TimeLags, transition
from ccec_econ.engine.estimate import Columns, Estimate, pose
from ccec_econ.engine.spectrum import Spectrum, spectrum
from ccec_econ.simulation.designs import DynamicDesign, draw_dynamic, nearest_weights

N, T = 16, 12
BURN_IN = 50
LAGS = TimeLags(0, 1)
TRUTH = DynamicDesign(tau=0.6, eta=-0.1, beta=1.0, rho=0.3)
PRIOR = ce.bayes.NormalInverseGamma(
    mean={"L(y)": 0.5, "W(L(y))": 0.0, "x": 1.0},
    scale={"L(y)": 0.25, "W(L(y))": 0.2, "x": 0.5},
    shape=10.0,
    rate=9.0,
    spatial=ce.bayes.Beta(4.0),
)


def posed(y: np.ndarray, x: np.ndarray, W: Spectrum) -> Estimate:
    X = np.dstack([y[:-1], W.lag(y[:-1]), x])
    return pose(
        Columns(y[1:], X, ("L(y)", "W(L(y))", "x"), (None, "L(y)", None)),
        weights=W,
        x_weights=W,
        error_weights=None,
        lag_y=True,
        effects="twoway",
        method="transformation",
    )


def drawn(
    one: Estimate, prior: ce.bayes.Flat, draws: int, rng: np.random.Generator
) -> dict[str, Draws]:
    """Draws under orthogonal and under flat unit effects."""
    flat = kernel(one, prior)
    marginal = flat.marginal()
    return {
        "orthogonal": dynamic_kernel(one, LAGS, flat).draw(draws, flat, marginal, rng),
        "flat": flat.draw(marginal, draws, rng),
    }


def named(draws: Draws) -> np.ndarray:
    """Columns rho, tau, eta, beta and the share of a shock that is left after a period."""
    b, rho = draws.coefficients, draws.spatial
    left = (b[:, 0] + b[:, 1]) / (1.0 - rho)
    return np.column_stack([rho, b, left])


def study(panels: int, seed: int) -> pd.DataFrame:
    """Coverage, bias of the posterior mean, and its Monte Carlo error."""
    rng = np.random.default_rng(seed)
    truth = np.array([TRUTH.rho, TRUTH.tau, TRUTH.eta, TRUTH.beta, 0.5 / 0.7])
    inside, error = {}, {}
    for _ in range(panels):
        W = nearest_weights(N, 4, rng)
        y, x = (part[0] for part in draw_dynamic(TRUTH, W, T, 1, rng))
        one = posed(y, x, spectrum(W))
        for name, draws in drawn(one, ce.bayes.Flat(), 2000, rng).items():
            low, high = np.quantile(named(draws), [0.025, 0.975], axis=0)
            inside.setdefault(name, []).append((low < truth) & (truth < high))
            error.setdefault(name, []).append(named(draws).mean(axis=0) - truth)
    columns = ["rho", "tau", "eta", "beta", "left"]
    parts = {
        (name, what): pd.Series(values, index=columns)
        for name in inside
        for what, values in (
            ("coverage", np.mean(inside[name], axis=0)),
            ("bias", np.mean(error[name], axis=0)),
            ("mcse", np.std(error[name], axis=0) / np.sqrt(panels)),
        )
    }
    return pd.DataFrame(parts)


def test_intervals_of_tau_cover_where_those_of_flat_effects_do_not() -> None:
    panels = 16
    found = study(panels, 11)
    own = found.loc["tau"]
    assert abs(own["orthogonal", "bias"]) < 4.0 * own["orthogonal", "mcse"]
    assert own["flat", "bias"] < -0.04
    assert own["orthogonal", "coverage"] >= 0.75


@pytest.mark.slow
def test_intervals_of_dynamic_models_cover_long() -> None:
    found = study(1000, 12)
    assert found["orthogonal", "coverage"].sub(0.95).abs().max() < 0.025, found.to_string()
    own = found.loc["tau"]
    assert abs(own["orthogonal", "bias"]) < 0.01, found.to_string()
    assert own["flat", "bias"] == pytest.approx(-0.08, abs=0.01)
    assert own["flat", "coverage"] == pytest.approx(0.65, abs=0.06)


def ranks(panels: int, draws: int, seed: int) -> dict[str, np.ndarray]:
    """Ranks of parameters drawn from the prior, unit effects and start of a stationary process."""
    rng = np.random.default_rng(seed)
    out = {"orthogonal": [], "flat": []}
    identity = np.eye(N)
    while len(out["flat"]) < panels:
        weights = spectrum(nearest_weights(N, 4, rng))
        mean, scale = PRIOR.moments(("L(y)", "W(L(y))", "x"))
        s2 = PRIOR.rate / rng.gamma(PRIOR.shape)
        tau, eta, beta = mean + scale * np.sqrt(s2) * rng.standard_normal(3)
        rho = PRIOR.spatial.draw(weights.interval, rng)
        if np.abs(transition(weights.eigenvalues, rho, tau, eta)).max() >= 1.0:
            continue  # the prior is that of the stable region
        S = np.linalg.inv(identity - rho * weights.W)
        A = S @ (tau * identity + eta * weights.W)
        x = rng.standard_normal((BURN_IN + T, N))
        drive = beta * x + rng.standard_normal(N) + np.sqrt(s2) * rng.standard_normal(x.shape)
        y = np.zeros((BURN_IN + T, N))
        for t in range(1, len(y)):
            y[t] = A @ y[t - 1] + S @ drive[t]
        one = posed(y[BURN_IN - 1 :], x[BURN_IN:], weights)
        truth = np.array([rho, tau, eta, beta, (tau + eta) / (1.0 - rho)])
        for name, sample in drawn(one, PRIOR, draws, rng).items():
            out[name].append((named(sample) < truth).sum(axis=0))
    return {name: np.array(each) for name, each in out.items()}


def uniformity(found: np.ndarray, draws: int) -> np.ndarray:
    """p-values of a chi-squared test on ten bins, by parameter."""
    edges = np.linspace(-0.5, draws + 0.5, 11)
    return np.array([stats.chisquare(np.histogram(c, edges)[0]).pvalue for c in found.T])


@pytest.mark.slow
def test_ranks_of_dynamic_parameters_are_uniform_long() -> None:
    found = ranks(1000, 99, 13)
    assert (uniformity(found["orthogonal"], 99) > 0.001).all(), uniformity(found["orthogonal"], 99)
    assert uniformity(found["flat"], 99)[1] < 1e-10  # the own lag, biased downward
