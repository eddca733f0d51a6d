"""Size of the joint test of a specification curve."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.inference.quantity import Quantity

REPLICATIONS, DRAWS = 200, 79


def rejections(seed: int, quantity: Quantity, models: list[str]) -> pd.Series:
    """Which statistics reject at 5 % in one panel where the focus does nothing."""
    rng = np.random.default_rng(seed)
    N, T = 12, 7
    C = np.eye(N, k=1) + np.eye(N, k=-1)
    C[0, -1] = C[-1, 0] = 1.0
    W = C / C.sum(axis=1, keepdims=True)
    z, e = rng.standard_normal((2, T, N))
    x = 0.5 * z + rng.standard_normal((T, N))
    for t in range(1, T):  # both persist, within units
        x[t] += 0.5 * x[t - 1]
        e[t] += 0.5 * e[t - 1]
    y = np.linalg.solve(np.eye(N) - 0.3 * W, (z + e).T).T
    index = pd.MultiIndex.from_product([range(T), range(N)], names=["year", "unit"])
    columns = {"y": y, "x": x, "other": x + 0.5 * rng.standard_normal((T, N)), "z": z}
    data = pd.DataFrame({k: v.ravel() for k, v in columns.items()}, index=index).swaplevel()
    curve = ce.specification_curve(
        data,
        outcome="y",
        focus=["x", "other"],
        always=["z"],
        weights=ce.weights.from_matrix(W, list(range(N))),
        models=models,
        quantity=quantity,
        samples={"all": ce.Sample(), "first out": ce.Sample(periods=(1, T - 1))},
    )
    return pd.Series(curve.test(draws=DRAWS, rng=seed).frame["pvalue"] <= 0.05)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("quantity", "models"), [("coefficient", ["ols", "sar"]), ("indirect", ["slx", "sdm"])]
)
def test_the_joint_test_holds_its_size(quantity: Quantity, models: list[str]) -> None:
    found = [rejections(seed, quantity, models) for seed in range(REPLICATIONS)]
    shares = pd.DataFrame(found).mean()
    error = np.sqrt(0.05 * 0.95 / REPLICATIONS)
    assert (shares <= 0.05 + 3.0 * error).all(), shares
    assert shares["absolute mean z"] >= 0.05 - 3.0 * error, shares
