"""Staggered panels that tests draw, and designs by dummy variables to compare with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from ccec_econ.causal import Design, staggered_design


def drawn_design(
    rng: np.random.Generator,
    units: int = 12,
    periods: int = 6,
    *,
    effect: float = 0.0,
    persistence: float = 0.6,
) -> Design:
    """A third of the units treated in the third period, a sixth in the fifth; AR(1) errors."""
    first = np.full(units, np.nan)
    early, late = units // 3, units // 6
    first[:early], first[early : early + late] = 3, 5
    index = pd.MultiIndex.from_product(
        [range(units), range(1, periods + 1)], names=["unit", "year"]
    )
    data = pd.DataFrame({"y": 0.0}, index=index)
    design = staggered_design(data, "y", pd.Series(first, index=range(units)))
    drawn = redrawn(rng, design, effect=effect, persistence=persistence)
    data["y"] = drawn.y.T.ravel()
    first = np.where(np.isfinite(drawn.adoption), drawn.adoption, np.nan)
    return staggered_design(data, "y", pd.Series(first, index=range(units)))


def redrawn(
    rng: np.random.Generator, design: Design, *, effect: float = 0.0, persistence: float = 0.6
) -> Design:
    """Other outcomes, and the same first treated periods for other units; the frame stays."""
    T, N = design.y.shape
    y = rng.normal(size=(T, N)) * rng.uniform(0.5, 2.0, N)
    for t in range(1, T):
        y[t] += persistence * y[t - 1]
    moved = replace(design, adoption=rng.permutation(design.adoption))
    return replace(moved, y=y + effect * moved.treated)


def dummies(periods: int, units: int) -> np.ndarray:
    """Unit and period dummies, shape (T, N, N + T)."""
    by_unit = np.broadcast_to(np.eye(units), (periods, units, units))
    by_period = np.broadcast_to(np.eye(periods)[:, None, :], (periods, units, periods))
    return np.concatenate([by_unit, by_period], axis=2)
