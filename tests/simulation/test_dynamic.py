"""What the correction does at small T, on panels drawn from the model."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

import ccec_econ as ce
from ccec_econ.engine.dynamic import TimeLags, corrected, estimate_dynamic
from ccec_econ.engine.estimate import Columns
from ccec_econ.engine.spectrum import spectrum
from ccec_econ.inference.persistence import convergence
from ccec_econ.inference.vcov import Information

BURN = 50  # periods that let the process forget its start
LAGS = TimeLags(0, 1)
NAMES = ["tau", "eta", "beta", "rho", "sigma2"]
# means of the design table: truth .6, -.1, 1, .3, 1; contiguity of 16 units, 11 periods
PRINTED_BEFORE = [0.515, -0.075, 0.978, 0.272, 0.869]
PRINTED_AFTER = [0.596, -0.089, 0.995, 0.275, 0.948]
# the same on a 7 x 7 grid, 10 periods: truth .4, -.1, 1, .3, 1; 200 draws, sd over draws beneath
GRID_BEFORE = [0.3264, -0.0823, None, 0.2987, 0.8875]
GRID_AFTER = [0.3979, -0.1016, None, 0.2988, 0.9762]
GRID_SD = [0.0368, 0.0638, None, 0.0489, 0.0717]


def panels(rng, W, T: int, draws: int, tau: float, eta: float, rho: float, beta: float = 1.0):
    """Responses (draws, T + 1, N), stationary, with unit and time effects, and regressors."""
    N = len(W)
    S = np.linalg.inv(np.eye(N) - rho * W)
    A = S @ (tau * np.eye(N) + eta * W)
    x = rng.standard_normal((draws, BURN + T, N))
    level = rng.standard_normal((draws, 1, N)) + rng.standard_normal((draws, BURN + T, 1))
    drive = (beta * x + level + rng.standard_normal(x.shape)) @ S.T
    y = np.zeros_like(drive)
    for t in range(1, BURN + T):
        y[:, t] = y[:, t - 1] @ A.T + drive[:, t]
    return y[:, BURN - 1 :], x[:, BURN:]


def columns(y, x, W) -> Columns:
    X = np.dstack([y[:-1], y[:-1] @ W.T, x])
    return Columns(y[1:], X, ("L(y)", "W(L(y))", "x"), (None, "L(y)", None))


def estimates(W: NDArray[np.float64], T: int, draws: int, tau: float) -> tuple[np.ndarray, ...]:
    """Parameters before and after correction, and whether Wald intervals of tau cover it."""
    weights = spectrum(W)
    found: tuple[list[list[float]], list[list[float]]] = ([], [])
    for y, x in zip(*panels(np.random.default_rng(3), W, T, draws, tau, -0.1, 0.3), strict=True):
        quasi = estimate_dynamic(
            columns(y, x, W), weights=weights, x_weights=None, effects="twoway"
        )
        for values, fit in zip(found, (quasi, corrected(quasi, LAGS)), strict=True):
            best = fit.optimum
            values.append([*best.coefficients, best.rho, best.sigma2])
    return np.array(found[0]), np.array(found[1])


def test_sixteen_units_eleven_periods() -> None:
    graph = ce.weights.contiguity()
    W = ce.weights.align(graph, graph.unique_ids)
    before, after = estimates(W, 11, 300, 0.6)
    for found, printed in ((before, PRINTED_BEFORE), (after, PRINTED_AFTER)):
        error = found.std(axis=0) / np.sqrt(len(found))
        assert (np.abs(found.mean(axis=0) - printed) < 3.0 * error).all()
    assert before[:, 0].mean() < 0.53
    assert abs(after[:, 0].mean() - 0.6) < 0.02


def test_seven_by_seven_grid_ten_periods() -> None:
    before, after = estimates(rook(7), 10, 100, 0.4)
    for found, printed in ((before, GRID_BEFORE), (after, GRID_AFTER)):
        for j, (mean, sd) in enumerate(zip(printed, GRID_SD, strict=True)):
            if mean is not None and sd is not None:
                error = sd * np.sqrt(1.0 / 200 + 1.0 / len(found))
                assert abs(found[:, j].mean() - mean) < 3.0 * error, NAMES[j]


@pytest.mark.slow
def test_set_of_tau_covers() -> None:
    """95 % sets at 16 units and 11 periods, tau = .8: at least .87 of 60 draws (binomial 3 se)."""
    W, hits = rook(4), 0
    weights = spectrum(W)
    drawn = panels(np.random.default_rng(1), W, 11, 60, 0.8, -0.16, 0.2, 0.5)
    for i, (y, x) in enumerate(zip(*drawn, strict=True)):
        quasi = estimate_dynamic(
            columns(y, x, W), weights=weights, x_weights=None, effects="twoway"
        )
        rng, V = np.random.default_rng(i), Information()(quasi)
        found = convergence(quasi, quasi, LAGS, V, level=0.95, draws=99, rng=rng)
        lower, upper = found.frame.loc["tau", ["lower", "upper"]]
        hits += lower <= 0.8 <= upper
    assert hits / 60 >= 0.87


def rook(side: int) -> NDArray[np.float64]:
    at = np.arange(side * side)
    row, column = np.divmod(at, side)
    near = np.abs(row[:, None] - row) + np.abs(column[:, None] - column) == 1
    return near / near.sum(axis=1, keepdims=True)
