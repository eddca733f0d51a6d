"""Bayesian work that is timed: exact draws with effects, and a comparison of many weights."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

import ccec_econ as ce
from benchmark.ours import Work
from benchmark.panels import Simulated
from ccec_econ.simulation.designs import nearest_weights

DRAWS, WEIGHTS, NEIGHBOURS = 10_000, 100, 4
STATIC = "y ~ x0 + x1 + x2 | unit + year"
DYNAMIC = "y ~ L(y) + W(L(y)) + x0 + x1 + x2 | unit + year"


def _draws(panel: Simulated, formula: str = STATIC, **options: Any) -> Work:
    data = panel.data
    return lambda: ce.bayes.fit(formula, data, panel.weights, draws=DRAWS, **options).effects()


def compare(panel: Simulated) -> Work:
    """SLX, SDM and SDEM under every one of many weights."""
    data, rng = panel.data, np.random.default_rng(0)
    units = panel.weights.unique_ids
    near = {
        str(i): ce.weights.from_matrix(nearest_weights(len(units), NEIGHBOURS, rng), units)
        for i in range(WEIGHTS)
    }
    return lambda: ce.bayes.compare(STATIC, data, near)


sdm = _draws
sdem = partial(_draws, model="sdem")
dynamic = partial(_draws, formula=DYNAMIC)
student = partial(_draws, errors="student")
