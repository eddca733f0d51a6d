"""Which model holds which: restrictions of a fit, and the bootstrap of likelihood ratios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.estimate import Estimate
from ccec_econ.engine.spectrum import Spectral, Spectrum, SpectrumPath, levels
from ccec_econ.engine.transform import demean
from ccec_econ.errors import ConvergenceError, IdentificationError, first_five
from ccec_econ.inference.lm import extend, lag
from ccec_econ.inference.vcov import Vcov
from ccec_econ.parallel import spread

__all__ = [
    "bootstrap_ratio",
    "degrees",
    "pairs",
    "ratio",
    "refuse_not_nested",
    "refuse_other_likelihood",
    "response",
    "restrict",
    "wald",
    "with_response",
]

_SAME = 1e-9  # relative distance below which responses and weights count as the same
_INSIDE = 1e-8  # share of a column's length outside another model's space that counts as inside


def pairs(fit: Estimate) -> list[tuple[int, int]]:
    """Positions of each regressor and of its own spatial lag."""
    own = {term: j for j, term in enumerate(fit.terms) if fit.lag_of[j] is None}
    lags = ((j, term) for j, term in enumerate(fit.lag_of) if term is not None)
    return [(own[term], j) for j, term in lags if term in own]


def restrict(fit: Estimate, terms: Sequence[str], *, lag_y: bool, lag_u: bool) -> Estimate:
    """Refit with some of the terms; a SAR, SEM or linear model from a fit with rho.

    Parameters
    ----------
    fit : Estimate
        With weights of the response.
    terms : sequence of str
        Columns of Z to keep.
    lag_y, lag_u : bool
        Whether rho, and lam with the weights of rho, are estimated.

    Raises
    ------
    IdentificationError, ConvergenceError
    """
    keep = [fit.terms.index(term) for term in terms]
    bare = replace(
        fit,
        columns=fit.Z[:, :, keep],
        kept=None,
        Wy=np.zeros_like(fit.y),
        terms=tuple(terms),
        lag_of=tuple(fit.lag_of[j] for j in keep),
        weights=None,
        spectrum=None,
        error=None,
    )
    W = _levels(fit)
    return extend(bare, W if lag_y else None, W if lag_u else None).maximised()


def ratio(restricted: Estimate, unrestricted: Estimate) -> float:
    """Twice the difference of the log-likelihoods."""
    return 2.0 * (unrestricted.optimum.loglik - restricted.optimum.loglik)


def degrees(restricted: Estimate, unrestricted: Estimate) -> int:
    """Difference in the number of parameters."""
    return _count(unrestricted) - _count(restricted)


def wald(g: NDArray[np.float64], slope: NDArray[np.float64], vcov: Vcov) -> float:
    """Wald statistic of g(d, rho, lam) = 0, slope (q, P) its derivatives.

    Raises
    ------
    IdentificationError
        If the covariance of g has not full rank, as with more restrictions than clusters.
    """
    P = slope.shape[1]
    V = slope @ vcov.matrix[:P, :P] @ slope.T
    scale = np.sqrt(np.diag(V))
    if np.linalg.matrix_rank(V / np.outer(scale, scale), tol=1e-10) < len(g):
        raise IdentificationError(
            f"{len(g)} restrictions, and a covariance of lower rank ({vcov.convention}); test "
            "fewer at a time, or choose cov=ce.Information()."
        )
    return float((g / scale) @ np.linalg.solve(V / np.outer(scale, scale), g / scale))


def refuse_other_likelihood(one: Estimate, two: Estimate) -> None:
    """Refuse two fits whose log-likelihoods are not of the same response and effects.

    Raises
    ------
    IdentificationError
        If response or effects differ, or one is not the transformation likelihood.
    """
    if one.effects != two.effects or {one.method, two.method} != {"transformation"}:
        raise IdentificationError(
            f"likelihoods differ, or are not the transformation likelihood: {one.effects} effects, "
            f"{one.method}, and {two.effects} effects, {two.method}; fit both with the same "
            "effects and method='transformation'."
        )
    if isinstance(one.weights, SpectrumPath) or isinstance(two.weights, SpectrumPath):
        raise IdentificationError(
            "weights change over time: with them the likelihood is that of demeaned data, whose "
            "ratio has no chi2 distribution; read the Wald tests of the fit."
        )
    a, b = one.y, two.y
    if a.shape != b.shape or np.abs(a - b).max() > _SAME * np.abs(a).max():
        raise IdentificationError(
            f"responses differ (shapes (T, N) {a.shape} and {b.shape}); fit both models to the "
            "same response and sample."
        )


def refuse_not_nested(restricted: Estimate, unrestricted: Estimate) -> None:
    """Refuse two fits whose likelihoods cannot be compared by a ratio.

    Raises
    ------
    IdentificationError
        As `refuse_other_likelihood`, or if the second model does not hold the first.
    """
    refuse_other_likelihood(restricted, unrestricted)
    missing = _outside(restricted, unrestricted)
    if missing:
        raise IdentificationError(
            f"models are not nested: the second does not hold {first_five(missing)} of the first; "
            "compare log-likelihoods and information criteria instead."
        )
    if degrees(restricted, unrestricted) < 1:
        raise IdentificationError(
            f"no restriction to test: the models have {_count(restricted)} and "
            f"{_count(unrestricted)} parameters; give the smaller model first."
        )


def with_response(fit: Estimate, y: NDArray[np.float64]) -> Estimate:
    """Fit the same model to another response, shape (T, N), effects removed.

    Raises
    ------
    ConvergenceError
    """
    W = fit.weights if fit.spectrum is not None else None
    return extend(replace(fit, y=y, Wy=np.zeros_like(y)), W, None).maximised()


def bootstrap_ratio(
    restricted: Estimate, unrestricted: Estimate, draws: int, rng: np.random.Generator
) -> tuple[int, int]:
    """Parametric bootstrap of the likelihood ratio under the restricted model.

    Responses come from its reduced form (I - rho W)^-1 (Zd + (I - lam M)^-1 v), v normal with its
    variance. Effects are left out: the likelihood does not see them.

    Returns
    -------
    tuple of int
        Draws whose ratio is at least that of the data, and how many of them count so because a
        maximum lay at a border.
    """

    def simulated(standard: NDArray[np.float64]) -> float:
        y = response(restricted, standard)
        try:
            return ratio(with_response(restricted, y), with_response(unrestricted, y))
        except ConvergenceError:
            return np.inf

    drawn = (rng.standard_normal(restricted.y.shape) for _ in range(draws))
    values = np.array(spread(simulated, drawn))
    observed = ratio(restricted, unrestricted)
    return int((values >= observed).sum()), int(np.isinf(values).sum())


def response(fit: Estimate, standard: NDArray[np.float64]) -> NDArray[np.float64]:
    """Make a response of the reduced form, effects removed, from standard normals (T, N)."""
    best = fit.optimum
    y = np.sqrt(best.sigma2) * standard
    if fit.error is not None:
        y = fit.error.solve(best.lam, y)
    y = y + fit.Z @ best.coefficients
    if fit.spectrum is not None:
        y = fit.spectrum.solve(best.rho, y)
    return demean(y, fit.effects)


def _outside(r: Estimate, u: Estimate) -> list[str]:
    """Name what the smaller model has and the larger has not."""
    if r.spectrum is not None and not _alike(r.spectrum, u.spectrum):
        return ["rho, or its weights"]
    columns, terms = r.Z, list(r.terms)
    if r.error is not None and not _alike(r.error, u.error):
        if r.spectrum is not None or u.spectrum is None or not _alike(r.error, u.spectrum):
            return ["lam, or its weights"]
        # a SEM is an SDM whose lags of regressors carry -rho times their coefficients
        columns = np.concatenate([columns, lag(r.Z, r.error, r)], axis=2)
        terms += [f"W({term})" for term in terms]
    flat, space = columns.reshape(r.y.size, -1), u.Z.reshape(u.y.size, -1)
    basis = np.linalg.qr(space / np.linalg.norm(space, axis=0))[0]
    rest = np.linalg.norm(flat - basis @ (basis.T @ flat), axis=0)
    size = np.resize(np.linalg.norm(r.Z, axis=(0, 1)), len(terms))  # a lag may itself be zero
    return [term for term, left, long in zip(terms, rest, size) if left > _INSIDE * long]


def _alike(one: Spectral, other: Spectral | None) -> bool:
    return other is not None and np.allclose(one.W, other.W, rtol=0.0, atol=_SAME)


def _count(fit: Estimate) -> int:
    return len(fit.terms) + len(fit.spatial)


def _levels(fit: Estimate) -> Spectrum:
    if fit.weights is None:
        raise IdentificationError("this test needs a model with rho; fit ce.sdm or ce.sar.")
    return levels(fit.weights)
