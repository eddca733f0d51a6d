"""Tests between models that hold one another, and what to say of those that do not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.estimate import Estimate
from ccec_econ.errors import CcecError, FormulaError, IdentificationError, first_five
from ccec_econ.inference import nested
from ccec_econ.inference.bootstrap import refuse_no_likelihood, refuse_other_models
from ccec_econ.inference.outcome import (
    Outcome,
    Outcomes,
    chi2,
    f_test,
    inapplicable,
    simulated,
)
from ccec_econ.models.results import SpatialPanelResults, family

__all__ = ["common_factor", "lr_test", "nested_tests", "sdm_vs_sdem", "wald_outcome", "wald_test"]

_TO_SAR = "SDM is SAR: all W(x) are zero"
_TO_SLX = "SDM is SLX: rho = 0"
_TO_SEM = "SDM is SEM: W(x) = -rho x for all x"
_BOOTSTRAP = "Bootstrap: responses drawn from the restricted model's reduced form, both refitted."


def wald_test(fit: SpatialPanelResults, terms: Sequence[str]) -> Outcome:
    """Test that parameters are zero together, with the covariance of the fit.

    W = b'(V_bb)^-1 b, against chi2(q), or W/q against F(q, df) where the covariance has degrees
    of freedom; where each combination has its own (CR2), by the approximate Hotelling T^2 of
    Pustejovsky and Tipton (2018).

    Parameters
    ----------
    fit : SpatialPanelResults
    terms : sequence of str
        Names in ``fit.params``; "rho" and "lam" included.

    Raises
    ------
    FormulaError
        If a name is unknown, or none is given.
    IdentificationError
        If the covariance of these parameters has not full rank.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> fit = ce.sdm("growth ~ digital + hsr | unit + year", panel, ce.weights.contiguity())
    >>> wald_test(fit, ["W(digital)", "W(hsr)"]).distribution
    'chi2(2)'
    """
    names, chosen = list(fit.params.index), [terms] if isinstance(terms, str) else list(terms)
    unknown = [term for term in chosen if term not in names]
    if unknown or not chosen or len(set(chosen)) < len(chosen):
        raise FormulaError(
            f"terms {first_five(unknown or chosen) or 'none'} cannot be tested; name each once, "
            f"among {first_five(names)}."
        )
    at = [names.index(term) for term in chosen]
    g = fit.params.to_numpy()[at]
    part = replace(fit.vcov, matrix=fit.vcov.matrix[np.ix_(at, at)], combinations=None)
    statistic = nested.wald(g, np.eye(len(at)), part)
    null, slope = f"{' = '.join(chosen)} = 0", np.eye(len(names))[at]
    found = wald_outcome("Wald", null, statistic, slope, fit)
    return replace(found, note=" ".join([found.note, *fit.held]))


def lr_test(restricted: SpatialPanelResults, unrestricted: SpatialPanelResults) -> Outcome:
    """Likelihood-ratio test of two nested models, 2(l_u - l_r) against chi2.

    Both likelihoods must be the transformation likelihood of the same response. A model is held
    by another when its regressors span part of the other's and its spatial parameters, weights
    included, are among the other's; a SEM is also held by the SDM with the same weights. The null
    of the outcome names the parameters that the first model leaves out.

    Raises
    ------
    IdentificationError
        If samples, effects or likelihoods differ, the models are not nested, or one of them was
        searched for, as a threshold is.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel, W = ce.data.load_panel(years=(2011, 2019)), ce.weights.contiguity()
    >>> small = ce.sar("growth ~ digital | unit + year", panel, W)
    >>> large = ce.sdm("growth ~ digital | unit + year", panel, W)
    >>> lr_test(small, large).null
    'SDM is SAR: W(digital) = 0'
    """
    refuse_no_likelihood(family(unrestricted).estimate)
    refuse_no_likelihood(family(restricted).estimate)
    _refuse_searched((unrestricted, restricted), "twice the difference has no chi2 distribution")
    _refuse_other_sample(restricted, unrestricted)
    nested.refuse_not_nested(restricted.estimate, unrestricted.estimate)
    null = _restriction(restricted, unrestricted)
    return _ratio(null, restricted.estimate, unrestricted.estimate)


def _restriction(restricted: SpatialPanelResults, unrestricted: SpatialPanelResults) -> str:
    """Say what makes the second model the first: "SAR: x = 0", "SDM is SAR: W(x) = 0"."""
    small, large = restricted.model.upper(), unrestricted.model.upper()
    models = large if small == large else f"{large} is {small}"
    here, there = list(restricted.params.index), list(unrestricted.params.index)
    new = [name for name in here if name not in there]
    gone = [name for name in there if name not in here]
    if not new:
        return f"{models}: {' = '.join(gone)} = 0"
    return f"{models}: {', '.join(gone)} as {', '.join(new)}" if small == large else models


def common_factor(
    fit: SpatialPanelResults, *, draws: int = 0, rng: int | np.random.Generator = 0
) -> Outcomes:
    """Test whether an SDM is a SEM: theta + rho beta = 0, all indirect effects zero.

    Wald of g = theta + rho beta with slope [rho I, I, beta], likelihood ratio against the SEM,
    and its parametric bootstrap.

    Parameters
    ----------
    fit : SpatialPanelResults
        An SDM in which every regressor is lagged by the weights of the response.
    draws : int
        Bootstrap draws; none by default, 999 for a p-value to report.
    rng : int or Generator
        Seed or generator of the bootstrap.

    Raises
    ------
    IdentificationError
        If the fit is no SDM, or a regressor is not lagged by the weights of the response.

    References
    ----------
    Burridge, P. (1981). Testing for a common factor in a spatial autoregression model.
    Environment and Planning A 13, 795-800.
    """
    refuse_other_models(family(fit).estimate)
    _refuse_no_durbin(fit)
    one = fit.estimate
    own = [term for j, term in enumerate(one.terms) if one.lag_of[j] is None]
    restricted = nested.restrict(one, own, lag_y=False, lag_u=True)
    nested.refuse_not_nested(restricted, one)
    g, slope = _common_factor(one)
    statistic = nested.wald(g, slope, fit.vcov)
    tests = [
        wald_outcome("Wald, common factor", _TO_SEM, statistic, slope, fit),
        *_ratios("common factor", _TO_SEM, restricted, one, draws, np.random.default_rng(rng)),
    ]
    return Outcomes("Common factor", tuple(tests), fit.notes())


def nested_tests(
    fit: SpatialPanelResults, *, draws: int = 0, rng: int | np.random.Generator = 0
) -> Outcomes:
    """Test whether an SDM is a SAR, an SLX or a SEM.

    Each by Wald, likelihood ratio and, where `draws` are given, its parametric bootstrap. What
    does not apply is in the table with its reason.

    Parameters
    ----------
    fit : SpatialPanelResults
        An SDM.
    draws, rng
        As in `common_factor`.

    Raises
    ------
    IdentificationError
        If the fit is no SDM.
    """
    refuse_other_models(family(fit).estimate)
    _refuse_no_durbin(fit)
    one, generator = fit.estimate, np.random.default_rng(rng)
    own = [term for j, term in enumerate(one.terms) if one.lag_of[j] is None]
    lags = [term for j, term in enumerate(one.terms) if one.lag_of[j] is not None]

    def against(
        name: str, null: str, terms: list[str], kept: list[str], lag_y: bool
    ) -> list[Outcome]:
        restricted = nested.restrict(one, kept, lag_y=lag_y, lag_u=False)
        found = wald_test(fit, terms)
        wald = Outcome(f"Wald, {name}", null, found.statistic, found.distribution, found.pvalue)
        return [wald, *_ratios(name, null, restricted, one, draws, generator)]

    tests = [
        *_or_reason("SAR", _TO_SAR, lambda: against("SAR", _TO_SAR, lags, own, True)),
        *_or_reason(
            "SLX", _TO_SLX, lambda: against("SLX", _TO_SLX, ["rho"], list(one.terms), False)
        ),
        *_or_reason(
            "common factor", _TO_SEM, lambda: list(common_factor(fit, draws=draws, rng=generator))
        ),
    ]
    return Outcomes("Restrictions of the SDM", tuple(tests), fit.notes())


def sdm_vs_sdem(sdm: SpatialPanelResults, sdem: SpatialPanelResults) -> Outcomes:
    """Compare an SDM and an SDEM by log-likelihood and information criteria.

    Neither holds the other, so no ratio has a chi2 distribution and no p-value is given. AIC is
    2P - 2l, BIC P log(observations) - 2l, P with the variance.

    Raises
    ------
    IdentificationError
        If a model is not what its place says or was searched for, as a threshold is, or samples
        or likelihoods differ.
    """
    family(sdem)
    family(sdm)
    if (sdm.model, sdem.model) != ("sdm", "sdem"):
        raise IdentificationError(
            f"got {sdm.model} and {sdem.model}; give an SDM and an SDEM, in this order."
        )
    _refuse_searched((sdm, sdem), "criteria would have to count the search")
    _refuse_other_sample(sdm, sdem)
    nested.refuse_other_likelihood(sdm.estimate, sdem.estimate)
    null = "none: the models are not nested"
    price = float(np.log(sdm.likelihood_nobs))
    differences = {
        "Log-likelihood": sdm.loglik - sdem.loglik,
        "AIC": _criterion(sdm, 2.0) - _criterion(sdem, 2.0),
        "BIC": _criterion(sdm, price) - _criterion(sdem, price),
    }
    rows = [
        Outcome(f"{name}, SDM less SDEM", null, value, "no distribution", np.nan)
        for name, value in differences.items()
    ]
    note = "SDM and SDEM are not nested: their difference in log-likelihood has no p-value."
    return Outcomes("SDM or SDEM", tuple(rows), (note, *sdm.notes()[:1]))


def _criterion(fit: SpatialPanelResults, price: float) -> float:
    return price * (len(fit.params) + 1) - 2.0 * fit.loglik


def wald_outcome(
    name: str,
    null: str,
    statistic: float,
    slope: NDArray[np.float64],
    fit: SpatialPanelResults,
) -> Outcome:
    """Refer a Wald statistic of restrictions with slopes (q, P) to chi2 or F."""
    note = f"Wald: covariance {fit.vcov.convention}."
    if fit.vcov.df is None:
        return chi2(name, null, statistic, len(slope), note)
    value, df = fit.vcov.f_statistic(statistic, slope)
    return f_test(name, null, value, (len(slope), df), note)


def _ratio(null: str, restricted: Estimate, unrestricted: Estimate, name: str = "") -> Outcome:
    q, value = nested.degrees(restricted, unrestricted), nested.ratio(restricted, unrestricted)
    return chi2(f"Likelihood ratio{name and f', {name}'}", null, max(value, 0.0), q)


def _ratios(
    name: str,
    null: str,
    restricted: Estimate,
    unrestricted: Estimate,
    draws: int,
    rng: np.random.Generator,
) -> list[Outcome]:
    """Likelihood ratio, and its bootstrap where draws are asked for."""
    plain = _ratio(null, restricted, unrestricted, name)
    if not draws:
        return [plain]
    exceed, failed = nested.bootstrap_ratio(restricted, unrestricted, draws, rng)
    border = f" {failed} draws ended at a border and count as exceeding." if failed else ""
    boot = simulated(
        f"Bootstrap ratio, {name}",
        null,
        plain.statistic,
        exceed=exceed,
        draws=draws,
        how="bootstrap",
        note=_BOOTSTRAP + border,
    )
    return [plain, boot]


def _or_reason(name: str, null: str, build: Callable[[], list[Outcome]]) -> list[Outcome]:
    try:
        return build()
    except CcecError as error:
        return [inapplicable(f"Restriction, {name}", null, str(error).rstrip("."))]


def _common_factor(fit: Estimate) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Evaluate theta + rho beta and its slope with respect to (d, rho)."""
    d, rho, found = fit.optimum.coefficients, fit.optimum.rho, nested.pairs(fit)
    slope = np.zeros((len(found), len(d) + 1))
    for i, (j, lagged) in enumerate(found):
        slope[i, j], slope[i, lagged], slope[i, -1] = rho, 1.0, d[j]
    g = np.array([d[lagged] + rho * d[j] for j, lagged in found])
    return g, slope


def _refuse_no_durbin(fit: SpatialPanelResults) -> None:
    one = fit.estimate
    if one.spectrum is None or one.error is not None or not nested.pairs(one):
        raise IdentificationError(
            f"{fit.model} is no SDM (rho and W(x), no lam); fit ce.sdm and test its restrictions."
        )
    if one.method != "transformation":
        raise IdentificationError(
            f"restrictions are tested on the transformation likelihood, and the fit used "
            f"{one.method}; fit with method='transformation'."
        )


def _refuse_searched(fits: Sequence[SpatialPanelResults], why: str) -> None:
    for fit in fits:
        if fit.searched:
            raise IdentificationError(
                f"the {fit.searched} was chosen by its likelihood: {why}; use test() of the result."
            )


def _refuse_other_sample(one: SpatialPanelResults, two: SpatialPanelResults) -> None:
    for what in ("units", "times"):
        a, b = getattr(one.panel, what), getattr(two.panel, what)
        if not a.equals(b):
            raise IdentificationError(
                f"samples differ in {what}: {len(a)} and {len(b)}, "
                f"{first_five(a.symmetric_difference(b))} in one only; fit both to the same sample."
            )
