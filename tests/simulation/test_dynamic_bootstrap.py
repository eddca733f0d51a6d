"""Size of the bootstrap test in dynamic models, with persistent errors and few units."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce

N, T, REPEATS, DRAWS = 16, 10, 200, 99


@pytest.mark.slow
def test_size_at_sixteen_units() -> None:
    """H0 true: x has no effect, own or lagged. The 10 % test rejects 10 %, or rather less."""
    rng = np.random.default_rng(5)
    W = (np.roll(np.eye(N), 1, axis=1) + np.roll(np.eye(N), -1, axis=1)) / 2
    graph = ce.weights.from_matrix(W, range(N))
    S_inv = np.linalg.inv(np.eye(N) - 0.2 * W)
    index = pd.MultiIndex.from_product([range(T), range(N)], names=["year", "unit"])
    rejected = 0
    for repeat in range(REPEATS):
        y, unit, rows = np.zeros(N), rng.standard_normal(N), []
        for _ in range(T + 30):
            y = S_inv @ (0.6 * y + unit + rng.standard_normal(N))
            rows.append(y)
        x = rng.standard_normal((T, N)).cumsum(axis=0)
        columns = {"y": np.array(rows[-T:]).ravel(), "x": x.ravel()}
        panel = pd.DataFrame(columns, index=index).swaplevel()
        fit = ce.sdm("y ~ L(y) + x | unit + year", panel, graph)
        found = ce.bootstrap(fit, draws=DRAWS, innovations="unit", rng=repeat)
        rejected += found.frame.loc["total x", "pvalue"] <= 0.1
    assert 0.03 < rejected / REPEATS < 0.17
