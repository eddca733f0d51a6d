"""The one simulated panel of a size, for every package."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from libpysal.graph import Graph
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from ccec_econ.weights import from_matrix

NEAREST, RHO = 6, 0.4
SERIES = 45  # powers of RHO W until they are below 1e-17


@dataclass(frozen=True, slots=True)
class Simulated:
    """Two-way panel with a spatial lag, and the lags of its regressors as further columns.

    Attributes
    ----------
    frame : DataFrame
        Indexed (unit, year): y, x0 ..., wx0 ...
    weights : Graph
        The nearest of units placed at random, row-standardised, not symmetric.
    K : int
        Number of regressors, their lags not counted.
    """

    frame: pd.DataFrame
    weights: Graph
    K: int

    @property
    def regressors(self) -> list[str]:
        """Names of the regressors."""
        return [f"x{k}" for k in range(self.K)]

    @property
    def lags(self) -> list[str]:
        """Names of their spatial lags."""
        return [f"w{name}" for name in self.regressors]

    @property
    def data(self) -> pd.DataFrame:
        """Response and regressors."""
        return self.frame[["y", *self.regressors]]


@lru_cache(maxsize=1)
def simulated(n: int, T: int, K: int) -> Simulated:
    """Draw y_t = (I - rho W)^-1 (X_t 1 + W X_t 1/2 + a + l_t + v_t); seeded by the sizes."""
    rng = np.random.default_rng([n, T, K])
    W = _near(rng.random((n, 2)))
    X = rng.standard_normal((K, n, T))
    WX = np.stack([W @ x for x in X])
    mean = X.sum(axis=0) + WX.sum(axis=0) / 2 + rng.standard_normal((n, T))
    mean += rng.standard_normal((n, 1)) + rng.standard_normal(T)
    y = mean
    for _ in range(SERIES):
        y = mean + RHO * (W @ y)
    columns = {"y": y} | {f"x{k}": X[k] for k in range(K)} | {f"wx{k}": WX[k] for k in range(K)}
    index = pd.MultiIndex.from_product([range(n), range(T)], names=["unit", "year"])
    frame = pd.DataFrame({name: value.ravel() for name, value in columns.items()}, index=index)
    return Simulated(frame, from_matrix(W, range(n)), K)


def _near(place: NDArray[np.float64]) -> csr_array:
    n = len(place)
    near = cKDTree(place).query(place, NEAREST + 1)[1][:, 1:]
    rows = np.repeat(np.arange(n), NEAREST)
    return csr_array((np.full(n * NEAREST, 1 / NEAREST), (rows, near.ravel())), shape=(n, n))
