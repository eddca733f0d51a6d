"""Simulated panels for property tests and Monte Carlo."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def simulate(
    rng: np.random.Generator,
    W: NDArray[np.float64],
    T: int,
    rho: float,
    beta: NDArray[np.float64],
    theta: NDArray[np.float64],
) -> pd.DataFrame:
    """Two-way panel y_t = S^-1 (X b + W X t + a + l_t + v), one column per regressor."""
    N, K = len(W), len(beta)
    X = rng.standard_normal((T, N, K))
    mean = X @ beta + np.einsum("ij,tjk,k->ti", W, X, theta)
    noise = rng.standard_normal((T, N))
    mean = mean + rng.standard_normal(N) + rng.standard_normal((T, 1)) + noise
    y = np.linalg.solve(np.eye(N) - rho * W, mean.T).T
    index = pd.MultiIndex.from_product([range(T), range(N)], names=["year", "unit"])
    frame = pd.DataFrame(X.reshape(T * N, K), columns=[f"x{k}" for k in range(K)], index=index)
    return frame.assign(y=y.ravel()).swaplevel()
