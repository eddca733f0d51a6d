"""Simulated panels in which a treatment reaches neighbours by distance."""

from __future__ import annotations

import numpy as np
import pandas as pd

EDGES = (0.0, 40.0, 80.0)
TOTAL, NEAR, FAR = 1.0, 0.6, 0.2


def planar(xy: np.ndarray, names: list[str]) -> pd.DataFrame:
    d = np.sqrt(((xy[:, None] - xy[None]) ** 2).sum(axis=2))
    return pd.DataFrame(d, index=names, columns=names)


def nearest_treated(adoption: np.ndarray, d: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Distance to the nearest other treated unit by period, (T, N), cell by cell."""
    out = np.full((len(times), len(adoption)), np.inf)
    for t, time in enumerate(times):
        for i in range(len(adoption)):
            for j in range(len(adoption)):
                if i != j and adoption[j] <= time:
                    out[t, i] = min(out[t, i], d[i, j])
    return out


def simulated(
    seed: int | np.random.Generator,
    *,
    units: int = 60,
    periods: int = 8,
    size: float = 600.0,
    onsets: tuple[int, ...] = (3, 5, 6),
    treated: int = 6,
    noise: float = 0.3,
    errors: np.ndarray | None = None,
) -> tuple[pd.DataFrame, pd.Series, pd.DataFrame, np.ndarray]:
    """Panel, first treated periods, distances and places; effects TOTAL, NEAR and FAR."""
    rng = np.random.default_rng(seed)
    names = [f"u{i:03d}" for i in range(units)]
    xy = rng.uniform(0.0, size, (units, 2))
    distances = planar(xy, names)
    first = np.full(units, np.inf)
    first[rng.choice(units, treated, replace=False)] = rng.choice(onsets, treated)
    times = np.arange(1, periods + 1)
    D = times[:, None] >= first
    nearest = nearest_treated(first, distances.to_numpy(), times)
    ring = np.where(nearest < EDGES[1], 0, np.where(nearest <= EDGES[2], 1, 2))
    effect = np.where(D, TOTAL, np.array([NEAR, FAR, 0.0])[ring])
    drawn = noise * rng.normal(size=D.shape) if errors is None else errors
    y = rng.normal(size=units) + rng.normal(size=(periods, 1)) + effect + drawn
    index = pd.MultiIndex.from_product([names, times], names=["unit", "year"])
    data = pd.DataFrame({"y": y.T.reshape(-1)}, index=index)
    adoption = pd.Series(np.where(np.isinf(first), np.nan, first), index=names, name="adoption")
    return data, adoption, distances, xy
