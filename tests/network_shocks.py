"""A network built line by line, in an order that chance decides, among places of which some are
central and grow faster whatever opens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Network:
    """Gains of units (K, N) when a line opens; lines open in periods `dates`, in some order."""

    gains: Array
    dates: NDArray[np.int64]
    periods: int

    def access(self, order: NDArray[np.int64]) -> pd.DataFrame:
        """Log access, periods by units, when line `order[k]` opens at `dates[k]`."""
        opened = np.arange(self.periods)[:, None] >= self.dates[np.argsort(order)]
        return pd.DataFrame(
            np.log1p(opened @ self.gains), range(self.periods), range(self.gains.shape[1])
        )

    @property
    def central(self) -> Array:
        """How much a unit gains when all is built, standardised."""
        total = np.log1p(self.gains.sum(axis=0))
        return np.asarray((total - total.mean()) / total.std())


def network(seed: int, units: int = 24, lines: int = 8, periods: int = 9) -> Network:
    """Lines along a row of places; most of them meet near the middle."""
    rng = np.random.default_rng(seed)
    ends = rng.normal(0.5, 0.2, (lines, 2))
    places = np.linspace(0.0, 1.0, units)
    near = np.exp(-4.0 * np.abs(places - ends[:, :1])) + np.exp(-4.0 * np.abs(places - ends[:, 1:]))
    return Network(near, 1 + np.arange(lines) % (periods - 1), periods)


def errors(rng: np.random.Generator, T: int, N: int) -> Array:
    """AR(0.7) over time with shocks shared by neighbours: clusters of units are not independent."""
    shocks = rng.standard_normal((T, N + 4))
    shared = np.lib.stride_tricks.sliding_window_view(shocks, 5, axis=1).mean(axis=2) * np.sqrt(5)
    out = shared.copy()
    for t in range(1, T):
        out[t] = 0.7 * out[t - 1] + shared[t]
    return np.asarray(out)


def outcome(
    rng: np.random.Generator, net: Network, access: pd.DataFrame, effect: float, placement: float
) -> Array:
    """Effect of access, faster growth of central places, unit and time effects, errors."""
    T, N = access.shape
    trend = placement * np.arange(T)[:, None] * net.central
    both = rng.standard_normal(N) + rng.standard_normal((T, 1))
    return effect * access.to_numpy() + trend + both + 0.3 * errors(rng, T, N)


def panel(y: Array) -> pd.DataFrame:
    frame = pd.DataFrame(y).rename_axis(index="year", columns="unit")
    return frame.unstack().to_frame("y")
