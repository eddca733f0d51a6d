"""Columns exchanged in a model give the fit that the model has when it starts from them."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from ccec_econ.engine.estimate import Columns, Estimate, estimate
from ccec_econ.engine.exchange import exchange
from ccec_econ.engine.spectrum import spectrum
from ccec_econ.engine.transform import EffectsName
from ccec_econ.errors import IdentificationError
from ccec_econ.inference.cluster import Cluster

SAME = 1e-9
N, T, K = 9, 7, 4


def ring() -> NDArray[np.float64]:
    """Row-standardised borders of a path."""
    C = np.eye(N, k=1) + np.eye(N, k=-1)
    return C / C.sum(axis=1, keepdims=True)


def first() -> Columns:
    """Four regressors on scales that differ."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((T, N, K)) * np.array([1.0, 100.0, 0.01, 1.0])
    y = X @ np.array([1.0, 0.01, 100.0, 0.5]) + rng.standard_normal((T, N))
    y = np.linalg.solve(np.eye(N) - 0.3 * ring(), y.T).T
    return Columns(y, X, tuple(f"x{k}" for k in range(K)), (None,) * K)


def setting(effects: EffectsName, *, rho: bool, lam: bool) -> dict:
    W = spectrum(ring())
    return {
        "weights": W if rho else None,
        "x_weights": W,
        "error_weights": W if lam else None,
        "lag_y": rho,
        "effects": effects,
        "method": "transformation",
    }


def alike(found: Estimate, direct: Estimate) -> None:
    best, other = found.optimum, direct.optimum
    np.testing.assert_allclose(best.coefficients, other.coefficients, rtol=SAME)
    spatial = [best.rho, best.lam], [other.rho, other.lam]
    np.testing.assert_allclose(*spatial, atol=1e-7)  # two maximisations of one likelihood
    likelihoods = [best.sigma2, best.loglik], [other.sigma2, other.loglik]
    np.testing.assert_allclose(*likelihoods, rtol=SAME)
    np.testing.assert_allclose(found.residuals, direct.residuals, atol=1e-7)
    cov = Cluster("unit")
    np.testing.assert_allclose(cov(found).matrix, cov(direct).matrix, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("at", [(1,), (3, 0), (0, 1, 2, 3)])
@pytest.mark.parametrize("effects", get_args(EffectsName))
@pytest.mark.parametrize("spatial", [(False, False), (True, False), (False, True), (True, True)])
def test_it_is_the_fit_on_the_columns_put_in_place(at, effects, spatial) -> None:
    columns, given = first(), setting(effects, rho=spatial[0], lam=spatial[1])
    model = exchange(columns, at, **given)
    rng = np.random.default_rng(2)
    for scale in (1.0, 1e4):
        X, new = columns.X.copy(), scale * rng.standard_normal((T, N, len(at)))
        X[:, :, list(at)] = new
        alike(model.fit(new), estimate(replace(columns, X=X), **given))


def test_the_first_columns_give_the_first_fit() -> None:
    columns, given = first(), setting("twoway", rho=False, lam=False)
    model = exchange(columns, [2], **given)
    model.fit(np.ones((T, N, 1)) * np.arange(N)[:, None] ** np.arange(T)[:, None, None])
    alike(model.fit(columns.X[:, :, [2]]), estimate(columns, **given))


def test_columns_that_vanish_or_depend_on_those_that_stay_are_refused_by_name() -> None:
    columns = first()
    model = exchange(columns, [2], **setting("unit", rho=False, lam=False))
    with pytest.raises(IdentificationError, match="no variation left in x2"):
        model.fit(np.ones((T, N, 1)) * np.arange(N)[:, None])
    with pytest.raises(IdentificationError, match="'x2' is a linear combination of x0, x1"):
        model.fit(columns.X[:, :, [0]] + 0.1 * columns.X[:, :, [1]])
    with pytest.raises(IdentificationError, match="explain the response exactly"):
        model.fit(columns.y[:, :, None])
