"""Panels and fits that property tests draw, and the settings they share."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from hypothesis import reject, settings
from hypothesis import strategies as st

import ccec_econ as ce
from simulated import simulate

EFFECTS = {"none": "", "unit": " | unit", "time": " | year", "twoway": " | unit + year"}
cases = settings(max_examples=20, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)
effects = st.sampled_from(list(EFFECTS.values()))


def drawn(seed: int) -> tuple[pd.DataFrame, np.ndarray, ce.weights.Graph]:
    rng = np.random.default_rng(seed)
    N, T = int(rng.integers(8, 15)), int(rng.integers(5, 9))
    M = rng.random((N, N)) * (rng.random((N, N)) < 0.5)
    M[np.arange(N), (np.arange(N) + 1) % N] = 1.0
    np.fill_diagonal(M, 0.0)
    W = M / M.sum(axis=1, keepdims=True)
    panel = simulate(rng, W, T, 0.3, np.array([1.0, -0.5]), np.array([0.3, 0.2]))
    return panel, W, ce.weights.from_matrix(W, range(N))


def fit(model: str, bar: str, panel: pd.DataFrame, W, **options):
    arguments = [f"y ~ x0 + x1{bar}", panel] + ([] if model == "ols" else [W])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ce.errors.WeakIdentificationWarning)  # GNS
            return getattr(ce, model)(*arguments, **options)
    except ce.errors.ConvergenceError:  # a drawn panel may fit a unit root: refused, tested apart
        reject()
