"""Truths of simulated panels, draws from them, and weights among random points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.correction import bias_corrected
from ccec_econ.engine.dynamic import BURN_IN
from ccec_econ.engine.estimate import Columns, Estimate, estimate
from ccec_econ.engine.spectrum import Spectrum
from ccec_econ.engine.transform import Method
from ccec_econ.errors import IdentificationError
from ccec_econ.weights import nearest_of

__all__ = [
    "Design",
    "DynamicDesign",
    "draw_dynamic",
    "draw_panel",
    "fit_panel",
    "nearest_weights",
]

type Sample = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Design:
    """Truth of a simulated panel with one regressor and two-way effects.

    y_t = rho W y_t + beta x_t + theta W x_t + unit + time effects + v_t, all of them and x
    standard normal. theta = 0 makes it a SAR.
    """

    rho: float
    beta: float = 1.0
    theta: float = 0.0

    @property
    def durbin(self) -> bool:
        """Whether the model fitted holds W x."""
        return self.theta != 0.0

    def effects(self, W: NDArray[np.float64]) -> dict[str, float]:
        """Direct, indirect and total effects of x in (I - rho W)^-1 (beta I + theta W)."""
        N = len(W)
        own = self.beta * np.eye(N) + self.theta * W
        S = np.linalg.solve(np.eye(N) - self.rho * W, own)
        direct, total = float(np.trace(S)) / N, float(S.sum()) / N
        return {"direct": direct, "indirect": total - direct, "total": total}


@dataclass(frozen=True, slots=True)
class DynamicDesign:
    """Truth of a dynamic panel with one regressor and two-way effects.

    y_t = rho W y_t + tau y_{t-1} + eta W y_{t-1} + beta x_t + unit + time effects + v_t, with v_t,
    x_t and the effects standard normal.
    """

    tau: float
    eta: float
    beta: float
    rho: float


def nearest_weights(n: int, k: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Row-standardised weights of the k nearest among n points drawn in the unit square.

    Raises
    ------
    WeightsError
        If k is not between 1 and n - 1.
    """
    points = rng.random((n, 2))
    return nearest_of(np.linalg.norm(points[:, None] - points[None], axis=2), k)


def draw_panel(design: Design, weights: Spectrum, periods: int, rng: np.random.Generator) -> Sample:
    """Draw the response and the regressor of a static panel, shapes (T, N)."""
    N = len(weights.W)
    x = rng.standard_normal((periods, N))
    mean = design.beta * x + design.theta * x @ weights.W.T + rng.standard_normal((periods, N))
    mean = mean + rng.standard_normal(N) + rng.standard_normal((periods, 1))
    return np.linalg.solve(np.eye(N) - design.rho * weights.W, mean.T).T, x


def fit_panel(design: Design, sample: Sample, weights: Spectrum, method: Method) -> Estimate:
    """Fit the SAR, or the SDM, of a design to a sample by one likelihood.

    Raises
    ------
    ConvergenceError
        If rho ends at its border, or the correction moves it outside.
    """
    y, x = sample
    columns = Columns(y, x[:, :, None], ("x",), (None,))
    if design.durbin:
        columns = Columns(y, np.dstack([x, x @ weights.W.T]), ("x", "W(x)"), (None, "x"))
    fit = estimate(
        columns,
        weights=weights,
        x_weights=weights,
        error_weights=None,
        lag_y=True,
        effects="twoway",
        method=method,
    )
    return bias_corrected(fit) if method == "bias_corrected" else fit


def draw_dynamic(
    design: DynamicDesign,
    W: NDArray[np.float64],
    periods: int,
    draws: int,
    rng: np.random.Generator,
) -> Sample:
    """Draw responses (draws, T + 1, N) of a stationary process and regressors (draws, T, N).

    The first response of a draw is the one before the sample; the process ran 50 periods to
    forget its start at zero.

    Raises
    ------
    IdentificationError
        If the process is not stable.
    """
    N = len(W)
    S = np.linalg.inv(np.eye(N) - design.rho * W)
    A = S @ (design.tau * np.eye(N) + design.eta * W)
    radius = float(np.abs(np.linalg.eigvals(A)).max())
    if radius >= 1.0:
        raise IdentificationError(
            f"{design} is not stable with these weights (spectral radius {radius:.3f}); choose "
            "values of tau + rho + eta below one."
        )
    x = rng.standard_normal((draws, BURN_IN + periods, N))
    level = rng.standard_normal((draws, 1, N))
    level = level + rng.standard_normal((draws, BURN_IN + periods, 1))
    drive = (design.beta * x + level + rng.standard_normal(x.shape)) @ S.T
    y = np.zeros_like(drive)
    for t in range(1, BURN_IN + periods):
        y[:, t] = y[:, t - 1] @ A.T + drive[:, t]
    return y[:, BURN_IN - 1 :], x[:, BURN_IN:]
