"""Coverage of mediation intervals at 16 units and 12 years, two-way SDM, rho = 0.3.

x moves m, and m moves y, in the own unit and next door; a column between moves both. Errors are
AR(0.5) within units. True effects are matrices written out.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce

N, T = 16, 12
THREE_ERRORS = 3.0
GRAPH = ce.weights.contiguity()
IDS = pd.Index(sorted(GRAPH.unique_ids))
W = ce.weights.align(GRAPH, IDS)
EYE = np.eye(N)
RHO, RHO_M = 0.3, 0.2
ON = np.linalg.solve(EYE - RHO_M * W, 0.8 * EYE + 0.3 * W)
OUT = np.linalg.solve(EYE - RHO * W, 0.6 * EYE + 0.2 * W)
HELD = np.linalg.solve(EYE - RHO * W, 0.5 * EYE - 0.3 * W)
TRUE = {"on mediator": ON, "through": OUT @ ON, "controlled": HELD}


def persistent(rng: np.random.Generator, phi: float) -> np.ndarray:
    """AR(phi) paths of variance one."""
    out = np.sqrt(1.0 - phi**2) * rng.standard_normal((T, N))
    out[0] /= np.sqrt(1.0 - phi**2)
    for t in range(1, T):
        out[t] += phi * out[t - 1]
    return out


def simulated(rng: np.random.Generator) -> pd.DataFrame:
    x, u, e = (persistent(rng, phi) for phi in (0.8, 0.5, 0.5))
    m = np.linalg.solve(
        EYE - RHO_M * W, (x @ (0.8 * EYE + 0.3 * W).T + u + rng.standard_normal(N)).T
    )
    m = m.T + rng.standard_normal((T, 1))
    mean = m @ (0.6 * EYE + 0.2 * W).T + x @ (0.5 * EYE - 0.3 * W).T + e + rng.standard_normal(N)
    y = np.linalg.solve(EYE - RHO * W, mean.T).T + rng.standard_normal((T, 1))
    index = pd.MultiIndex.from_product([range(T), IDS], names=["year", "unit"])
    columns = {"y": y.ravel(), "x": x.ravel(), "m": m.ravel()}
    return pd.DataFrame(columns, index=index).swaplevel()


def covered(draws: int, panels: int) -> pd.DataFrame:
    """Share of 95 % intervals that hold the truth, by quantity and effect."""
    rng, held = np.random.default_rng(20), []
    for _ in range(panels):
        found = ce.mediation(
            "y ~ x | unit + year",
            simulated(rng),
            GRAPH,
            mediator="m",
            treatments=["x"],
            draws=draws,
            rng=rng,
        )
        row = {}
        for quantity, S in TRUE.items():
            for effect, value in (("direct", np.trace(S) / N), ("total", S.sum() / N)):
                cell = found.frame.loc[("x", quantity, effect)]
                row[quantity, effect] = cell["lower"] <= value <= cell["upper"]
        held.append(row)
    return pd.DataFrame(held).mean()


def test_intervals_hold_the_truth_in_a_few_panels() -> None:
    assert (covered(draws=29, panels=4) >= 0.5).all()


@pytest.mark.slow
def test_coverage() -> None:
    """In 80 panels of 99 draws the shares were 0.91 to 0.96, so no worse than 0.90 is asked."""
    panels = 300
    shares = covered(draws=199, panels=panels)
    slack = THREE_ERRORS * np.sqrt(0.05 * 0.95 / panels)
    assert (shares >= 0.90 - slack).all()
    assert (shares <= 0.95 + slack).all()
