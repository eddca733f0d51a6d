"""What a few clusters can and cannot say about one effect."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from ccec_econ.engine.estimate import Estimate
from ccec_econ.errors import ConvergenceError, FormulaError, IdentificationError, first_five
from ccec_econ.formula import lagged_term
from ccec_econ.inference.bootstrap import refuse_other_models
from ccec_econ.inference.contrast import equivalence
from ccec_econ.inference.effects import NAMES, average_effects, effect_slopes
from ccec_econ.inference.measure import errors_along
from ccec_econ.inference.reduced_form import static_form
from ccec_econ.inference.resampled import Innovations
from ccec_econ.models.refit import without_unit
from ccec_econ.models.resampling import bootstrap, wild_cluster
from ccec_econ.models.results import SpatialPanelResults, family
from ccec_econ.typeset import Table, interval, number

__all__ = ["SmallSample", "small_sample"]

Quantity = Literal["coefficient", "direct", "indirect", "total"]
_DETECTABLE = 2.8  # 1.96 + 0.84: power 80 % in a two-sided test at 5 %


@dataclass(frozen=True, slots=True)
class SmallSample:
    """The small-sample pack of one coefficient or effect.

    Attributes
    ----------
    term, quantity : str
    estimate, std_error : float
    df : float or None
    n, T : int
        Units, which are the clusters, and periods.
    leave_one_out : Series
        Estimate without each unit, by unit; NaN where the refit failed.
    kept : tuple
        Units that were asked to stay in.
    leverage : Series
        Share of each unit in the variation that identifies the term; sums to one.
    pvalue : float
        Bootstrap p-value.
    bootstrap : str
        Which bootstrap.
    margin, pvalue_equivalence : float or None
        Size below which an effect does not count, and the p-value that it is larger.
    convention : str
        Covariance behind the standard error.
    """

    term: str
    quantity: Quantity
    estimate: float
    std_error: float
    df: float | None
    n: int
    T: int
    leave_one_out: pd.Series
    kept: tuple[Hashable, ...]
    leverage: pd.Series
    pvalue: float
    bootstrap: str
    margin: float | None
    pvalue_equivalence: float | None
    convention: str

    @property
    def clusters(self) -> int:
        """Units: what is independent, at best."""
        return self.n

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest estimate when one unit is left out."""
        return float(self.leave_one_out.min()), float(self.leave_one_out.max())

    @property
    def range_units(self) -> tuple[Hashable, Hashable]:
        """Units whose absence gives the ends of the range."""
        return self.leave_one_out.idxmin(), self.leave_one_out.idxmax()

    @property
    def largest_leverage(self) -> tuple[Hashable, float]:
        """Unit that identifies most of the term, and its share."""
        return self.leverage.idxmax(), float(self.leverage.max())

    @property
    def detectable(self) -> float:
        """Minimum detectable effect, 2.8 standard errors: power 80 % at the 5 % level."""
        return _DETECTABLE * self.std_error

    @property
    def failed(self) -> tuple[Hashable, ...]:
        """Units without which the refit found no maximum."""
        return tuple(self.leave_one_out.index[self.leave_one_out.isna()])

    def summary(self, *, labels: Mapping[Hashable, str] | None = None, digits: int = 4) -> Table:
        """Table of the pack.

        Parameters
        ----------
        labels : mapping, optional
            Printed names of units.
        """

        def name(unit: Hashable) -> str:
            return (labels or {}).get(unit, str(unit))

        low, high = (name(unit) for unit in self.range_units)
        unit, share = self.largest_leverage
        rows = [
            ("Estimate", number(self.estimate, digits), self.quantity),
            ("Standard error", number(self.std_error, digits), self.convention),
            ("Units, periods, clusters", f"{self.n}, {self.T}, {self.clusters}", ""),
            (
                "Range without one unit",
                interval(*self.range, digits),
                f"without {low}; without {high}",
            ),
            ("Largest leverage", f"{number(100 * share, 1)} %", name(unit)),
            ("Minimum detectable effect", number(self.detectable, digits), "2.8 standard errors"),
            ("Bootstrap p-value", number(self.pvalue, 3), self.bootstrap),
        ]
        if self.margin is not None and self.pvalue_equivalence is not None:
            inside = f"H0: the effect is {self.margin:g} or more either way"
            rows.append(("Equivalence p-value", number(self.pvalue_equivalence, 3), inside))
        return Table(
            title=f"Small-sample pack: {self.term}",
            columns=("Quantity", "Value", "Detail"),
            rows=tuple(rows),
            notes=self.notes(labels=labels),
            text_columns=frozenset({2}),
        )

    def notes(self, *, labels: Mapping[Hashable, str] | None = None) -> tuple[str, ...]:
        """Sentences for the foot of a table."""
        sign = np.sign(self.leave_one_out) == -np.sign(self.estimate)
        turned = int(sign.sum())
        known = labels or {}
        failed = first_five(known.get(unit, unit) for unit in self.failed)
        kept = first_five(known.get(unit, unit) for unit in self.kept)
        return (
            f"The sign turns in {turned} of {len(self.leave_one_out)} refits without one unit.",
            *((f"No estimate without {failed}.",) if failed else ()),
            *((f"Never left out: {kept}.",) if kept else ()),
        )

    def __str__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary().to_html()


def small_sample(
    results: SpatialPanelResults,
    term: str,
    *,
    quantity: Quantity = "coefficient",
    margin: float | None = None,
    keep: Sequence[Hashable] = (),
    draws: int = 999,
    innovations: Innovations = "unit",
    rng: int | np.random.Generator = 0,
) -> SmallSample:
    """Collect what a reader needs to judge one estimate from few units.

    Parameters
    ----------
    term : str
        A coefficient, ``"x"`` or ``"W(x)"``; or the regressor whose effect is meant.
    quantity : {"coefficient", "direct", "indirect", "total"}
    margin : float, optional
        Size below which an effect does not count, in units of the estimate: adds the equivalence
        test.
    keep : sequence, optional
        Units never left out, such as the only neighbour of another.
    draws : int
        Bootstrap draws, where the signs of units cannot be enumerated.
    innovations : {"unit", "normal", "cell", "period"}
        Of the bootstrap of models with rho or lam; whole units allow for persistent errors.
    rng : int or Generator

    Raises
    ------
    FormulaError
        If the term or quantity is not in the model, or `keep` names other units.
    IdentificationError
        If the model is not static or its weights change over time.
    WeightsError
        If leaving a unit out leaves another without neighbour.
    ConvergenceError
        If no refit without a unit, or most bootstrap refits, succeed.
    ValueError
        If the margin is not positive.

    Notes
    -----
    Bootstrap: restricted wild cluster for models without rho and lam; otherwise the reduced form
    is simulated and refitted.
    Leverage of a unit is its share in the sum of squares of the term's columns once the other
    columns are partialled out; for effects these are x and W(x).

    References
    ----------
    Bloom (1995), Evaluation Review 19, 547-556, for the minimum detectable effect.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> from ccec_econ.models.small_sample import small_sample
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> fit = ce.ols("growth ~ digital | unit + year", panel, cov=ce.Cluster("unit"))
    >>> small_sample(fit, "digital").clusters
    16
    """
    family(results)
    fit, units = results.estimate, results.panel.units
    refuse_other_models(fit)
    _refuse_request(fit, term, quantity, keep, units)
    estimate, (error, df) = _quantity(fit, term, quantity), _error(results, term, quantity)
    beyond = None if margin is None else equivalence(estimate, error, margin, df)
    pvalue, how = _bootstrap(
        results, term, quantity, draws, innovations, np.random.default_rng(rng)
    )
    return SmallSample(
        term=term,
        quantity=quantity,
        estimate=estimate,
        std_error=error,
        df=df,
        n=len(units),
        T=len(results.panel.times),
        leave_one_out=_leave_one_out(results, term, quantity, keep),
        kept=tuple(keep),
        leverage=pd.Series(_leverage(fit, term, quantity), index=units, name="leverage"),
        pvalue=pvalue,
        bootstrap=how,
        margin=margin,
        pvalue_equivalence=beyond,
        convention=results.vcov.convention,
    )


def _leave_one_out(
    results: SpatialPanelResults, term: str, quantity: Quantity, keep: Sequence[Hashable]
) -> pd.Series:
    values: dict[Hashable, float] = {}
    for unit in results.panel.units.difference(pd.Index(list(keep)), sort=False):
        try:
            values[unit] = _quantity(without_unit(results, unit), term, quantity)
        except (ConvergenceError, IdentificationError):
            values[unit] = np.nan
    found = pd.Series(values, name="estimate", dtype=np.float64)
    if not found.notna().any():
        raise ConvergenceError(
            f"no refit without one of {first_five(found.index)} succeeds; the model needs every "
            "unit it has, so give it fewer terms."
        )
    return found


def _quantity(fit: Estimate, term: str, quantity: Quantity) -> float:
    if quantity == "coefficient":
        return float(fit.optimum.coefficients[fit.terms.index(term)])
    form = static_form(fit)
    at = [each.name for each in form.terms].index(term)
    return float(average_effects(form, form.theta[None, :])[0, at, NAMES.index(quantity)])


def _error(
    results: SpatialPanelResults, term: str, quantity: Quantity
) -> tuple[float, float | None]:
    """Compute the standard error by the delta method and its degrees of freedom."""
    form, vcov = static_form(results.estimate), results.vcov
    if quantity == "coefficient":
        slope = np.eye(len(form.theta))[results.estimate.terms.index(term)]
    else:
        at = [each.name for each in form.terms].index(term)
        slope = effect_slopes(form)[at, NAMES.index(quantity)]
    return float(errors_along(slope, form.covariance(vcov))), vcov.least(slope)


def _bootstrap(
    results: SpatialPanelResults,
    term: str,
    quantity: Quantity,
    draws: int,
    innovations: Innovations,
    rng: np.random.Generator,
) -> tuple[float, str]:
    """P-value of no effect and how it was made."""
    if results.estimate.spatial:
        found = bootstrap(results, draws=draws, innovations=innovations, rng=rng)
        name = term if quantity == "coefficient" else f"{quantity} {term}"
        return float(found.frame["pvalue"][name]), found.notes()[0].rstrip(".")
    combination = {term: 1.0}
    if quantity in ("indirect", "total"):
        combination = _linear(results.estimate, term, quantity)
    test = wild_cluster(results, combination, draws=draws, rng=rng)
    return test.pvalue, test.convention


def _linear(fit: Estimate, term: str, quantity: Quantity) -> dict[str, float]:
    """Write an effect without rho as a combination of the coefficients of x and W(x)."""
    lag = lagged_term(term)
    level = 1.0 if fit.x_weights is None else float(fit.x_weights.W.sum(axis=1).mean())
    parts = {term: 1.0 if quantity == "total" else 0.0, lag: level}
    return {name: value for name, value in parts.items() if name in fit.terms and value}


def _leverage(fit: Estimate, term: str, quantity: Quantity) -> np.ndarray:
    chosen = {term} if quantity == "coefficient" else {term, lagged_term(term)}
    inside = np.array([name in chosen for name in fit.terms])
    Z = fit.filter(fit.Z)
    T, N, K = Z.shape
    ordered = np.concatenate([Z[:, :, ~inside], Z[:, :, inside]], axis=2).reshape(T * N, K)
    basis = np.linalg.qr(ordered)[0][:, K - int(inside.sum()) :]
    by_unit = (basis**2).sum(axis=1).reshape(T, N).sum(axis=0)
    return np.asarray(by_unit / by_unit.sum())


def _refuse_request(
    fit: Estimate, term: str, quantity: Quantity, keep: Sequence[Hashable], units: pd.Index
) -> None:
    if quantity not in get_args(Quantity):
        raise FormulaError(
            f"quantity {quantity!r} is unknown; choose one of {', '.join(get_args(Quantity))}."
        )
    effects = quantity != "coefficient"
    known = [each.name for each in static_form(fit).terms] if effects else list(fit.terms)
    if term not in known:
        what = "effects" if effects else "coefficient"
        raise FormulaError(f"no {what} of {term!r}; there are those of {first_five(known)}.")
    if quantity == "indirect" and fit.weights is None and lagged_term(term) not in fit.terms:
        raise FormulaError(
            f"the model has no indirect effect of {term!r}: neither W({term}) nor a lag of y."
        )
    unknown = [unit for unit in keep if unit not in units]
    if unknown:
        raise FormulaError(f"keep names {first_five(unknown)}; units are {first_five(units)}.")
