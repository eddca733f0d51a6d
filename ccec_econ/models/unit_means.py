"""Mundlak's test after a model with unit effects."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ccec_econ.errors import IdentificationError
from ccec_econ.inference.nested import wald
from ccec_econ.inference.outcome import Outcome, f_test, inapplicable
from ccec_econ.inference.vcov import Vcov
from ccec_econ.models.results import SpatialPanelResults, family

__all__ = ["mundlak"]

_CONSTANT = 1e-10  # share of a column's length left between units that counts as none


def mundlak(fit: SpatialPanelResults) -> Outcome:
    """Test whether unit effects are uncorrelated with the regressors.

    The estimated unit effects a_i are regressed on the unit means of all regressors and lags; in a
    balanced panel their coefficients g are those of Mundlak's means. Under the null g = 0 and

        g' [s2_a (M'M)^-1 + D V D']^-1 g / q  is close to  F(q, N - 1 - q),

    M the centred means (N, q), s2_a the residual variance of the regression, V the covariance of
    the fit and D the slope of g with respect to its parameters. Serial correlation within units is
    allowed for in the first term, and in the second with ``cov=ce.Cluster("unit")``.

    The pooled regression clustered by unit is not used: with 16 units it rejects a true null 14 to
    28 % of the time at a nominal 5 %, this version 4 to 5 %.

    Raises
    ------
    IdentificationError
        If the fit is not by least squares or the transformation likelihood.

    References
    ----------
    Mundlak, Y. (1978). On the pooling of time series and cross section data. Econometrica 46,
    69-85.
    """
    family(fit)
    name, null = "Mundlak", "unit effects uncorrelated with the regressors"
    if fit.method != "transformation":
        raise IdentificationError(
            f"the Mundlak test needs the transformation likelihood, the fit used {fit.method}; "
            "fit with method='transformation'."
        )
    if fit.effects_name not in ("unit", "twoway"):
        return inapplicable(name, null, "the fit has no unit effects; test after one that has")
    means, N = _means(fit), len(fit.panel.units)
    q = means.shape[1]
    if not 0 < q < N - 1:
        return inapplicable(name, null, f"{q} unit means that differ, and {N} units")
    own = fit.fixed_effects()["unit"].to_numpy()
    inverse = np.linalg.pinv(means)
    g = inverse @ own
    s2 = float(((own - means @ g) ** 2).sum()) / (N - 1 - q)
    slope = -inverse @ _effects_slope(fit)
    P = slope.shape[1]
    V = s2 * inverse @ inverse.T + slope @ fit.vcov.matrix[:P, :P] @ slope.T
    try:
        statistic = wald(g, np.eye(q), Vcov(V, None, "unit effects on unit means"))
    except IdentificationError:
        return inapplicable(name, null, "unit means depend linearly on each other")
    note = f"Mundlak: estimated unit effects on unit means; {fit.vcov.convention}."
    return f_test(name, null, statistic / q, (q, N - 1 - q), note)


def _means(fit: SpatialPanelResults) -> NDArray[np.float64]:
    """Centre the unit means of regressors and lags that differ between units; shape (N, q)."""
    raw = _raw_columns(fit)
    means = raw.mean(axis=0) - raw.mean(axis=(0, 1))
    kept = np.linalg.norm(means, axis=0) > _CONSTANT * np.linalg.norm(raw, axis=(0, 1))
    return np.asarray(means[:, kept])


def _effects_slope(fit: SpatialPanelResults) -> NDArray[np.float64]:
    """Minus the slope of the centred unit effects by (coefficients, rho, lam); shape (N, P)."""
    raw = _raw_columns(fit).mean(axis=0)
    columns = [raw]
    if fit.estimate.weights is not None:
        columns.append(fit.estimate.weights.lag(fit.design.y).mean(axis=0)[:, None])
    if fit.estimate.error is not None:
        columns.append(np.zeros((len(raw), 1)))
    joined = np.concatenate(columns, axis=1)
    return np.asarray(joined - joined.mean(axis=0))


def _raw_columns(fit: SpatialPanelResults) -> NDArray[np.float64]:
    """Regressors and their lags, effects not removed; shape (T, N, K)."""
    one, design = fit.estimate, fit.design
    lags = [str(term) for term in one.lag_of[len(design.terms) :]]
    if not lags or one.x_weights is None:
        return design.X
    picked = design.X[:, :, [design.terms.index(term) for term in lags]]
    return np.concatenate([design.X, one.x_weights.lag(picked)], axis=2)
