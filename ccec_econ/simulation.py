"""Monte Carlo of the static estimators: what a likelihood does to rho when units are few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ccec_econ.engine.correction import bias_corrected
from ccec_econ.engine.estimate import Columns, Estimate, estimate
from ccec_econ.engine.spectrum import Spectrum, spectrum
from ccec_econ.engine.transform import Method
from ccec_econ.errors import WeightsError
from ccec_econ.inference.vcov import Information

__all__ = ["Design", "nearest_weights", "study"]


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


def nearest_weights(n: int, k: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Row-standardised weights of the k nearest among n points drawn in the unit square.

    Raises
    ------
    WeightsError
        If k is not between 1 and n - 1.
    """
    if not 1 <= k < n:
        raise WeightsError(f"k = {k} neighbours among {n} points; give 1 to {n - 1}.")
    points = rng.random((n, 2))
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    rank = distance.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
    return np.asarray((rank < k) / float(k))


def study(
    design: Design,
    W: NDArray[np.float64],
    periods: int,
    *,
    methods: Sequence[Method] = ("transformation", "direct", "bias_corrected"),
    draws: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Estimate rho on simulated panels, every method on the same ones.

    Parameters
    ----------
    W : ndarray, shape (N, N)
        Row-standardised weights.
    periods : int
        T.

    Returns
    -------
    DataFrame
        One row per method: mean, bias, sd, mcse (Monte Carlo error of the mean) and coverage of
        the 95 % interval from the expected information.
    """
    weights = spectrum(W)
    samples = [_draw(design, weights, periods, rng) for _ in range(draws)]
    rows = []
    for method in methods:
        fits = [_fit(design, sample, weights, method) for sample in samples]
        rho = np.array([fit.optimum.rho for fit in fits])
        error = np.array([np.sqrt(Information()(fit).matrix[-2, -2]) for fit in fits])
        hit = np.abs(rho - design.rho) < stats.norm.ppf(0.975) * error
        rows.append(
            {
                "method": method,
                "mean": rho.mean(),
                "bias": rho.mean() - design.rho,
                "sd": rho.std(ddof=1),
                "mcse": rho.std(ddof=1) / np.sqrt(draws),
                "coverage": hit.mean(),
            }
        )
    return pd.DataFrame(rows)


def _draw(
    design: Design, weights: Spectrum, periods: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    N = len(weights.W)
    x = rng.standard_normal((periods, N))
    mean = design.beta * x + design.theta * x @ weights.W.T + rng.standard_normal((periods, N))
    mean = mean + rng.standard_normal(N) + rng.standard_normal((periods, 1))
    return np.linalg.solve(np.eye(N) - design.rho * weights.W, mean.T).T, x


def _fit(
    design: Design,
    sample: tuple[NDArray[np.float64], NDArray[np.float64]],
    weights: Spectrum,
    method: Method,
) -> Estimate:
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
