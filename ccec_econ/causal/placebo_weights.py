"""Placebo weights: the same map with the names of the units exchanged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ccec_econ.causal.placebo import Placebos
from ccec_econ.engine.estimate import Columns, Estimate
from ccec_econ.engine.spectrum import Spectral, Spectrum
from ccec_econ.errors import ConvergenceError, FormulaError, IdentificationError, first_five
from ccec_econ.inference.vcov import Covariance, bound
from ccec_econ.models.refit import Matrices, columns_on, fit_columns, matrices
from ccec_econ.models.results import SpatialPanelResults, family
from ccec_econ.parallel import spread

__all__ = ["placebo_weights"]


def placebo_weights(
    fit: SpatialPanelResults,
    terms: Sequence[str],
    *,
    cov: Covariance | None = None,
    draws: int = 999,
    rng: int | np.random.Generator = 0,
) -> dict[str, Placebos]:
    """Refit with the units of the weights relabelled at random, outcome and regressors in place.

    Every placebo map has the same links, row sums and eigenvalues; who is whose neighbour is
    arbitrary. If neighbours matter, and these weights say who they are, few placebos have as
    large a coefficient.

    Parameters
    ----------
    fit : SpatialPanelResults
        A static model with weights that are constant over time.
    terms : sequence of str
        Names in ``fit.params``, such as "W(hsr)" and "rho".
    cov : Covariance, optional
        Compare t-statistics with this covariance; coefficients by default.
    draws : int
    rng : int or Generator

    Returns
    -------
    dict of str to Placebos
        By term. The test is exact if outcome and regressors are exchangeable over units together;
        under spatial correlation of both, from whatever cause, small p-values say that the map is
        not arbitrary, not that one unit's regressor moves another's outcome.

    Raises
    ------
    FormulaError
        If a term is no parameter of the model, or none is given.
    IdentificationError
        If the model is not static, has no weights, or these change over time.
    ValueError
        If `draws` is not positive.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> fit = ce.sdm("growth ~ digital + hsr | unit + year", panel, ce.weights.contiguity())
    >>> sorted(placebo_weights(fit, ["W(hsr)", "rho"], draws=9))
    ['W(hsr)', 'rho']
    """
    family(fit)
    names = list(fit.params.index)
    unknown = [term for term in terms if term not in names]
    if unknown or not terms:
        raise FormulaError(
            f"no parameter {first_five(unknown) or 'asked for'}; the model has {first_five(names)}."
        )
    if draws < 1:
        raise ValueError(f"draws {draws}: give at least one relabelling.")
    weights = matrices(fit.estimate)
    if all(part is None for part in (weights.response, weights.regressors, weights.errors)):
        raise IdentificationError(f"{fit.model} has no weights to relabel; fit a spatial model.")
    rng, places = np.random.default_rng(rng), [names.index(term) for term in terms]
    if cov is not None:
        cov = bound(cov, fit.panel.units)
    own, build = _statistics(fit.estimate, places, cov), _builder(fit, weights)

    def again(order: NDArray[np.int64]) -> NDArray[np.float64]:
        other = _relabelled(weights, order)
        try:
            return _statistics(fit_columns(fit, build(other), other), places, cov)
        except (ConvergenceError, IdentificationError):
            return np.full(len(places), np.nan)

    orders = (rng.permutation(len(fit.panel.units)) for _ in range(draws))
    drawn = np.array(spread(again, orders))
    return {
        term: Placebos(
            title=f"{term} of {fit.model.upper()}: units of the weights relabelled",
            statistic="coefficient" if cov is None else "t",
            realised=float(own[j]),
            drawn=drawn[:, j],
            estimate=float(fit.params[term]),
            std_error=float(fit.std_errors[term]),
            notes=(
                "Exact if outcome and regressors together are exchangeable over units. Standard "
                f"error: {fit.vcov.convention}.",
            ),
        )
        for j, term in enumerate(terms)
    }


def _builder(fit: SpatialPanelResults, weights: Matrices) -> Callable[[Matrices], Columns]:
    """Make columns with other weights: lag again the columns that are lags of other columns."""
    base = columns_on(fit, fit.panel, weights)
    lags = {j: of for j, of in enumerate(base.lag_of) if of is not None}
    if not set(lags.values()) <= set(base.terms):
        return lambda other: columns_on(fit, fit.panel, other)
    sources = [base.terms.index(of) for of in lags.values()]

    def relagged(other: Matrices) -> Columns:
        if other.regressors is None:
            return base
        X = base.X.copy()
        X[:, :, list(lags)] = other.regressors.lag(base.X[:, :, sources])
        return replace(base, X=X)

    return relagged


def _statistics(fit: Estimate, places: list[int], cov: Covariance | None) -> NDArray[np.float64]:
    best = fit.optimum
    spatial = {"rho": best.rho, "lam": best.lam}
    values = np.array([*best.coefficients, *(spatial[name] for name in fit.spatial)])[places]
    if cov is None:
        return values
    return np.asarray(values / np.sqrt(np.diag(cov(fit).matrix)[places]))


def _relabelled(weights: Matrices, order: NDArray[np.int64]) -> Matrices:
    """Exchange units in rows and columns alike: eigenvalues stay."""
    return Matrices(
        _exchange(weights.response, order),
        _exchange(weights.regressors, order),
        None if weights.errors is None else _one(weights.errors, order),
    )


def _exchange(weights: Spectral | None, order: NDArray[np.int64]) -> Spectral | None:
    return _one(weights, order) if isinstance(weights, Spectrum) else weights


def _one(weights: Spectrum, order: NDArray[np.int64]) -> Spectrum:
    return weights.exchanged(order)
