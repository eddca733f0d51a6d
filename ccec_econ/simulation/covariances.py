"""Size of t tests by covariance when errors and regressors depend on time and space."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.inference.cluster import Cluster
from ccec_econ.inference.hac import DriscollKraay
from ccec_econ.inference.vcov import Information
from ccec_econ.models.randomisation import randomisation_test
from ccec_econ.models.resampling import wild_cluster
from ccec_econ.models.results import SpatialPanelResults
from ccec_econ.models.static import ols
from ccec_econ.simulation.rates import rate_error

__all__ = ["Dependence", "Regressor", "covariance_study"]

Regressor = Literal["persistent", "staggered"]
_LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Dependence:
    """How errors and the persistent regressor depend on time and space.

    e_t = error e_{t-1} + (I - space W)^-1 u_t, u standard normal, and x_t alike with `regressor`;
    both start from their own variance.
    """

    error: float = 0.5
    regressor: float = 0.8
    space: float = 0.4


def covariance_study(
    W: NDArray[np.float64],
    periods: int,
    *,
    regressor: Regressor = "persistent",
    dependence: Dependence | None = None,
    lags: int = 2,
    wild_draws: int = 199,
    permutations: int = 99,
    draws: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Reject a true null: t tests of a regressor without effect in a two-way regression.

    Parameters
    ----------
    W : ndarray, shape (N, N)
        Weights of the dependence in space.
    regressor : {"persistent", "staggered"}
        A regressor that depends on time and space, or a dummy that turns to one in a random period
        of each unit, in some of them never.
    lags : int
        Lags of Driscoll-Kraay.
    wild_draws, permutations : int
        Draws of the restricted wild cluster bootstrap (Webb weights) and of the randomisation
        test (cluster t-statistics), within each draw of the study.

    Returns
    -------
    DataFrame
        One row per test: rate of rejections at 5 % and rate_mcse.
    """
    truth = dependence or Dependence()
    tests: dict[str, Callable[[SpatialPanelResults], float]] = {
        "iid": lambda fit: _p(fit.with_cov(Information())),
        "cluster": lambda fit: _p(fit.with_cov(Cluster("unit"))),
        "driscoll_kraay": lambda fit: _p(fit.with_cov(DriscollKraay(lags))),
        "wild": lambda fit: (
            wild_cluster(fit, "x", weights="webb", draws=wild_draws, rng=rng).pvalue
        ),
        "randomisation": lambda fit: (
            randomisation_test(fit, "x", draws=permutations, rng=rng).pvalue
        ),
    }
    rejected = dict.fromkeys(tests, 0)
    root = np.linalg.inv(np.eye(len(W)) - truth.space * W)
    for _ in range(draws):
        e = _path(truth.error, root, periods, rng)
        x = (
            _path(truth.regressor, root, periods, rng)
            if regressor == "persistent"
            else _openings(periods, len(W), rng)
        )
        fit = ols("e ~ x | unit + year", _frame(e, x))
        for name, test in tests.items():
            rejected[name] += test(fit) <= _LEVEL
    rows = [
        {"test": name, "rate": count / draws, "rate_mcse": rate_error(count / draws, draws)}
        for name, count in rejected.items()
    ]
    return pd.DataFrame(rows)


def _p(fit: SpatialPanelResults) -> float:
    return float(fit.pvalues["x"])


def _path(
    phi: float, root: NDArray[np.float64], periods: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Autoregressive path of shape (T, N) with innovations root u."""
    out = rng.standard_normal((periods, len(root))) @ root.T
    out[0] /= np.sqrt(1.0 - phi**2)
    for t in range(1, periods):
        out[t] += phi * out[t - 1]
    return out


def _openings(periods: int, units: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Dummies of shape (T, N) that turn to one in period 2 to T + 2; beyond T they never do."""
    opens = rng.integers(1, periods + 2, units)
    return np.asarray(np.arange(periods)[:, None] >= opens, dtype=np.float64)


def _frame(e: NDArray[np.float64], x: NDArray[np.float64]) -> pd.DataFrame:
    T, N = e.shape
    index = pd.MultiIndex.from_product([range(N), range(T)], names=["unit", "year"])
    return pd.DataFrame({"e": e.T.ravel(), "x": x.T.ravel()}, index=index)
