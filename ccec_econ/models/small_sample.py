"""What a few clusters can and cannot say about effects."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import get_args, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.engine.estimate import Estimate
from ccec_econ.errors import ConvergenceError, FormulaError, IdentificationError, first_five
from ccec_econ.formula import lagged_term
from ccec_econ.inference.bootstrap import refuse_other_models
from ccec_econ.inference.contrast import equivalence
from ccec_econ.inference.effects import NAMES, average_effects
from ccec_econ.inference.multiple import romano_wolf
from ccec_econ.inference.quantity import Quantity, point, refuse_no_effect
from ccec_econ.inference.reduced_form import ReducedForm, static_form
from ccec_econ.inference.resampled import Innovations
from ccec_econ.inference.wild import wild_family
from ccec_econ.models.dynamic import SHORT_RUN, DynamicPanelResults
from ccec_econ.models.packs import SmallSample, SmallSamples
from ccec_econ.models.refit import without_unit
from ccec_econ.models.resampling import bootstrap
from ccec_econ.models.results import SpatialPanelResults, family
from ccec_econ.parallel import spread

__all__ = ["small_sample", "standard_margins"]


@overload
def small_sample(
    results: SpatialPanelResults,
    term: str,
    *,
    quantity: Quantity = "coefficient",
    null: float = 0.0,
    margin: float | None = None,
    keep: Sequence[Hashable] = (),
    draws: int = 999,
    innovations: Innovations = "unit",
    rng: int | np.random.Generator = 0,
) -> SmallSample: ...


@overload
def small_sample(
    results: SpatialPanelResults,
    term: list[str] | tuple[str, ...],
    *,
    quantity: Quantity = "coefficient",
    null: float = 0.0,
    margin: float | Mapping[str, float] | None = None,
    keep: Sequence[Hashable] = (),
    draws: int = 999,
    innovations: Innovations = "unit",
    rng: int | np.random.Generator = 0,
) -> SmallSamples: ...


def small_sample(
    results: SpatialPanelResults,
    term: str | list[str] | tuple[str, ...],
    *,
    quantity: Quantity = "coefficient",
    null: float = 0.0,
    margin: float | Mapping[str, float] | None = None,
    keep: Sequence[Hashable] = (),
    draws: int = 999,
    innovations: Innovations = "unit",
    rng: int | np.random.Generator = 0,
) -> SmallSample | SmallSamples:
    """Collect what a reader needs to judge estimates from few units.

    Parameters
    ----------
    results : SpatialPanelResults
        A static model with constant weights, or a dynamic one.
    term : str or list of str
        A coefficient, ``"x"``, ``"W(x)"``, ``"rho"`` or ``"lam"``; or the regressor whose effect is
        meant. Several are a family of hypotheses: their p-values are adjusted together.
    quantity : {"coefficient", "direct", "indirect", "total"}
        Effects of dynamic models are those of the short run.
    null : float
        Value that the bootstrap tests; one for the persistence ``"L(y)"``, say.
    margin : float or mapping, optional
        Distance from the null that does not count, in units of the estimate: adds the equivalence
        test. By term where there are several.
    keep : sequence, optional
        Units never left out, such as the only neighbour of another.
    draws : int
        Bootstrap draws, where the signs of units cannot be enumerated.
    innovations : {"unit", "normal", "cell", "period"}
        Of the bootstrap of models with rho or lam; whole units allow for persistent errors.
    rng : int or Generator

    Returns
    -------
    SmallSample or SmallSamples
        The latter for several terms.

    Raises
    ------
    FormulaError
        If results are of another class, a term or quantity is not in the model, none or a repeated
        one is asked for, `margin` lacks one, or `keep` names other units.
    IdentificationError
        If weights change over time, or the estimates are by instruments: for these no bootstrap is
        defined here.
    WeightsError
        If leaving a unit out leaves another without neighbour.
    ConvergenceError
        If no refit without a unit, or most bootstrap refits, succeed.
    ValueError
        If a margin is not positive.

    Notes
    -----
    A pack holds the estimate b and its standard error; b without each unit in turn, and how often
    it lies on the other side of the null; the leverage of units; the minimum detectable effect,
    2.8 standard errors (power 80 %, size 5 %); the bootstrap p-value of b = null; with `margin`
    the p-value of ``|b - null| >= margin``; for several terms those of Holm and of Romano and Wolf.
    Bootstrap: restricted wild cluster for models without rho and lam; otherwise the reduced form
    is simulated and refitted.
    Leverage of a unit is its share in the sum of squares of the term's columns once the other
    columns are partialled out; for effects these are x and W(x), for rho W y, for lam M u.
    Tests: tests/unit/test_small_sample.py.

    References
    ----------
    Bloom (1995), Evaluation Review 19, 547-556, for the minimum detectable effect.
    Romano and Wolf (2016), Statistics and Probability Letters 113, 38-40.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> from ccec_econ.models.small_sample import small_sample
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> fit = ce.ols("growth ~ digital + hsr | unit + year", panel, cov=ce.Cluster("unit"))
    >>> small_sample(fit, "digital").clusters
    16
    >>> list(small_sample(fit, ["digital", "hsr"]).holm.index)
    ['digital', 'hsr']
    """
    family(results)
    _refuse_model(results)
    terms = [term] if isinstance(term, str) else list(term)
    _refuse_request(results, terms, quantity, keep, margin)
    left_out = _leave_one_out(results, terms, quantity, keep)
    random = np.random.default_rng(rng)
    pvalues, joint, how = _bootstrap(
        results, terms, quantity, null, draws=draws, innovations=innovations, rng=random
    )
    remarks = results.held
    if quantity != "coefficient" and isinstance(results, DynamicPanelResults):
        remarks = (*remarks, SHORT_RUN)
    packs = []
    for each in terms:
        estimate, error, df = point(results.estimate, results.vcov, each, quantity)
        far = margin[each] if isinstance(margin, Mapping) else margin
        beyond = None if far is None else equivalence(estimate - null, error, far, df)
        packs.append(
            SmallSample(
                term=each,
                quantity=quantity,
                estimate=estimate,
                std_error=error,
                null=null,
                df=df,
                N=len(results.panel.units),
                T=len(results.panel.times),
                leave_one_out=left_out[each],
                kept=tuple(keep),
                leverage=_leverage(results, each, quantity),
                pvalue=float(pvalues[each]),
                bootstrap=how,
                margin=far,
                pvalue_equivalence=beyond,
                convention=results.vcov.convention,
                remarks=remarks,
            )
        )
    return packs[0] if isinstance(term, str) else SmallSamples(tuple(packs), joint)


def standard_margins(
    results: SpatialPanelResults, terms: Sequence[str], size: float
) -> dict[str, float]:
    """Margins of effects that move the response by `size` per standard deviation of the regressor.

    Regressors have units of their own; a margin in units of the response serves them all.

    Parameters
    ----------
    terms : sequence of str
        Coefficients of the model.
    size : float
        In units of the response. The standard deviation is that of the regressor once the effects
        are removed, over the observations in the likelihood.

    Raises
    ------
    FormulaError
        If a term is not in the model.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> from ccec_econ.models.small_sample import standard_margins
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> fit = ce.ols("growth ~ digital | unit + year", panel)
    >>> sorted(standard_margins(fit, ["digital"], 0.5))
    ['digital']
    """
    fit = family(results).estimate
    unknown = [term for term in terms if term not in fit.terms]
    if unknown:
        raise FormulaError(f"no {first_five(unknown)}; there are {first_five(fit.terms)}.")
    squares = (fit.Z**2).sum(axis=(0, 1))
    spread = np.sqrt(squares / fit.reduction.nobs)
    return {term: size / float(spread[fit.terms.index(term)]) for term in terms}


def _leave_one_out(
    results: SpatialPanelResults, terms: Sequence[str], quantity: Quantity, keep: Sequence[Hashable]
) -> dict[str, pd.Series]:
    """Estimates without each unit, by term."""
    units = results.panel.units.difference(pd.Index(list(keep)), sort=False)

    def without(unit: Hashable) -> list[float]:
        try:
            fit = without_unit(results, unit)
            return [_quantity(fit, term, quantity) for term in terms]
        except (ConvergenceError, IdentificationError):
            return [np.nan] * len(terms)

    values = dict(zip(units, spread(without, units), strict=True))
    found = pd.DataFrame.from_dict(values, orient="index", columns=list(terms), dtype=np.float64)
    if not found.notna().any(axis=None):
        raise ConvergenceError(
            f"no refit without one of {first_five(found.index)} succeeds; the model needs every "
            "unit it has, so give it fewer terms."
        )
    return {term: found[term].rename("estimate") for term in terms}


def _quantity(fit: Estimate, term: str, quantity: Quantity) -> float:
    """Take the coefficient or effect from a refit."""
    best = fit.optimum
    if quantity == "coefficient":
        spatial = {"rho": best.rho, "lam": best.lam}
        return spatial[term] if term in spatial else float(best.coefficients[fit.terms.index(term)])
    form = static_form(fit)
    found = average_effects(form, form.theta[None, :])[0]
    return float(found[_position(form, term), NAMES.index(quantity)])


def _position(form: ReducedForm, term: str) -> int:
    return [each.name for each in form.terms].index(term)


def _bootstrap(
    results: SpatialPanelResults,
    terms: Sequence[str],
    quantity: Quantity,
    null: float,
    *,
    draws: int,
    innovations: Innovations,
    rng: np.random.Generator,
) -> tuple[pd.Series, pd.Series, str]:
    """P-values of the null, those adjusted by joint draws, and how they were made."""
    if not results.estimate.spatial:
        linear = quantity in ("indirect", "total")
        asked = [_linear(results.estimate, t, quantity) if linear else {t: 1.0} for t in terms]
        tests, joint = wild_family(results.estimate, asked, null=null, draws=draws, rng=rng)
        pvalues = pd.Series([test.pvalue for test in tests], index=list(terms))
        return pvalues, pd.Series(joint, index=list(terms)), tests[0].convention
    found = bootstrap(results, draws=draws, innovations=innovations, rng=rng)
    names = [term if quantity == "coefficient" else f"{quantity} {term}" for term in terms]
    sample = found.draws[names].set_axis(list(terms), axis=1) - null
    point = found.estimates[names].set_axis(list(terms)) - null
    beyond = ((sample - point).abs() >= point.abs()).sum()
    pvalues = (1.0 + beyond) / (1.0 + len(sample))
    return pvalues, romano_wolf(point, sample), found.notes()[0].rstrip(".")


def _linear(fit: Estimate, term: str, quantity: Quantity) -> dict[str, float]:
    """Write an effect without rho as a combination of the coefficients of x and W(x)."""
    lag = lagged_term(term)
    level = 1.0 if fit.x_weights is None else float(fit.x_weights.row_sums.mean())
    parts = {term: 1.0 if quantity == "total" else 0.0, lag: level}
    return {name: value for name, value in parts.items() if name in fit.terms and value}


def _leverage(results: SpatialPanelResults, term: str, quantity: Quantity) -> pd.Series:
    fit = results.estimate
    if term in fit.spatial and quantity == "coefficient":
        inside = _spatial_column(fit, term)
        outside = fit.filter(fit.Z)
    else:
        chosen = {term} if quantity == "coefficient" else {term, lagged_term(term)}
        at = np.array([name in chosen for name in fit.terms])
        Z = fit.filter(fit.Z)
        inside, outside = Z[:, :, at], Z[:, :, ~at]
    T, N, K = inside.shape
    ordered = np.concatenate([outside, inside], axis=2).reshape(T * N, -1)
    basis = np.linalg.qr(ordered)[0][:, -K:]
    by_unit = (basis**2).sum(axis=1).reshape(T, N).sum(axis=0)
    return pd.Series(by_unit / by_unit.sum(), index=results.panel.units, name="leverage")


def _spatial_column(fit: Estimate, term: str) -> NDArray[np.float64]:
    """Column whose coefficient rho or lam is, W y or M u, effects removed, shape (T, N, 1)."""
    if term == "rho":
        return np.asarray(fit.filter(fit.Wy)[:, :, None])
    whole = replace(fit, optimum=replace(fit.optimum, lam=1.0))
    return np.asarray((fit.disturbances - whole.residuals)[:, :, None])


def _refuse_model(results: SpatialPanelResults) -> None:
    if isinstance(results, DynamicPanelResults):
        return
    refuse_other_models(results.estimate)


def _refuse_request(
    results: SpatialPanelResults,
    terms: Sequence[str],
    quantity: Quantity,
    keep: Sequence[Hashable],
    margin: float | Mapping[str, float] | None,
) -> None:
    if quantity not in get_args(Quantity):
        raise FormulaError(
            f"quantity {quantity!r} is unknown; choose one of {', '.join(get_args(Quantity))}."
        )
    if not terms or len(set(terms)) < len(terms):
        raise FormulaError(f"terms {first_five(terms) or 'none'}; name each once, one at least.")
    effects = quantity != "coefficient"
    form = static_form(results.estimate)
    known = [each.name for each in form.terms] if effects else list(results.params.index)
    for term in terms:
        if term not in known:
            what = "effects" if effects else "coefficient"
            raise FormulaError(f"no {what} of {term!r}; there are those of {first_five(known)}.")
        refuse_no_effect(results.estimate, term, quantity)
    units = results.panel.units
    unknown = [unit for unit in keep if unit not in units]
    if unknown:
        raise FormulaError(f"keep names {first_five(unknown)}; units are {first_five(units)}.")
    lacking = [term for term in terms if isinstance(margin, Mapping) and term not in margin]
    if lacking:
        raise FormulaError(f"margin lacks {first_five(lacking)}; give one per term.")
