"""Bias correction of the direct likelihood, to reproduce older software."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ccec_econ.engine.estimate import Estimate
from ccec_econ.engine.forms import applied
from ccec_econ.engine.information import expected_information, scores
from ccec_econ.engine.likelihood import Optimum
from ccec_econ.errors import ConvergenceError

__all__ = ["bias_corrected", "variance_corrected"]


def bias_corrected(fit: Estimate) -> Estimate:
    """Correct direct estimates by Lee and Yu (2010, Journal of Econometrics 154, 165-185).

    With time effects add I^-1 T a, I the information and a holding i'Gi/N for rho, i'Hi/N for lam
    and 1/(2 s2) for the variance (1/(1 - rho) for rho when W is row-standardised); with unit
    effects multiply the variance by T/(T - 1).

    Raises
    ------
    ConvergenceError
        If the corrected rho or lam leaves its interval.
    """
    T, N, K = fit.Z.shape
    best, parts = fit.optimum, scores(fit)
    spatial = [best.rho] * (fit.spectrum is not None) + [best.lam] * (fit.error is not None)
    theta = np.concatenate([best.coefficients, spatial, [best.sigma2]])
    if fit.effects in ("time", "twoway"):
        slope = np.zeros(len(theta))
        slope[K:-1] = [applied(form, np.ones((T, N))).mean() for form in parts.forms.values()]
        slope[-1] = 1.0 / (2.0 * best.sigma2)
        theta = theta + T * np.linalg.solve(expected_information(fit), slope)
    if fit.effects in ("unit", "twoway"):
        theta[-1] *= T / (T - 1)
    named = dict(zip(fit.spatial, theta[K:-1], strict=True))
    for name, weights in (("rho", fit.spectrum), ("lam", fit.error)):
        if weights is not None and not weights.interval[0] < named[name] < weights.interval[1]:
            raise ConvergenceError(
                f"the bias correction moves {name} to {named[name]:.4f}, outside its interval "
                f"({weights.interval[0]:.4f}, {weights.interval[1]:.4f}); use the transformation."
            )
    optimum = Optimum(
        rho=float(named.get("rho", 0.0)),
        lam=float(named.get("lam", 0.0)),
        coefficients=theta[:K],
        sigma2=float(theta[-1]),
        loglik=float("nan"),
    )
    return replace(fit, optimum=optimum, others=())


def variance_corrected(fit: Estimate) -> Estimate:
    """Correct the variance for unit effects that were demeaned, not transformed away.

    With weights that change over time the unit effects cannot leave by an orthonormal transform;
    the first-order bias is that of the variance alone, T/(T - 1) (Lee and Yu 2012, Spatial
    Economic Analysis 7, 31-74).
    """
    if fit.effects not in ("unit", "twoway"):
        return fit
    T = len(fit.y)
    return replace(fit, optimum=replace(fit.optimum, sigma2=fit.optimum.sigma2 * T / (T - 1)))
