"""Models with several spatial lags of the response, such as within and across a border."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ccec_econ.engine.estimate import Columns
from ccec_econ.engine.higher_order import HigherOrder, estimate_higher_order
from ccec_econ.errors import FormulaError, WeightsError, first_five
from ccec_econ.formula import Design, Spec, effects_of, materialise, parse
from ccec_econ.inference.multipliers import Horizon
from ccec_econ.inference.reduced_form import ReducedForm, several_form
from ccec_econ.inference.vcov import Vcov
from ccec_econ.models.column import EFFECTS_SHORT, Column, kinds, variance_note
from ccec_econ.models.effects import WithEffects, refuse_horizon
from ccec_econ.models.fitting import named_terms
from ccec_econ.panel import Panel
from ccec_econ.typeset import Table, number
from ccec_econ.weights import WeightsLike, align, is_row_standardised

__all__ = ["HigherOrderResults", "higher_order"]

Durbin = bool | Sequence[str] | Literal["all"] | None


@dataclass(frozen=True, slots=True, repr=False)
class HigherOrderResults(WithEffects):
    """Results of a model with several spatial lags of the response.

    Attributes
    ----------
    spec : Spec
    panel : Panel
    names : tuple of str
        Names of the weights.
    terms : tuple of str
        Labels of the coefficients.
    lag_of : tuple
        For each coefficient, the weights and the term it is the lag by and of; None for others.
    estimate : HigherOrder
    vcov : Vcov
        Inverse expected information.
    """

    spec: Spec
    panel: Panel
    names: tuple[str, ...]
    terms: tuple[str, ...]
    lag_of: tuple[tuple[str, str] | None, ...]
    estimate: HigherOrder
    vcov: Vcov

    @property
    def params(self) -> pd.Series:
        """Coefficients, then ``rho[name]`` of every spatial lag."""
        labels = [*self.terms, *(f"rho[{name}]" for name in self.names)]
        values = np.concatenate([self.estimate.coefficients, self.estimate.rho])
        return pd.Series(values, index=pd.Index(labels, name="term"), name="parameter")

    @property
    def cov(self) -> pd.DataFrame:
        """Covariance of `params`."""
        labels = self.params.index
        return pd.DataFrame(self.vcov.matrix[:-1, :-1], index=labels, columns=labels)

    @property
    def loglik(self) -> float:
        """Log-likelihood at the estimate."""
        return self.estimate.loglik

    @property
    def sigma2(self) -> float:
        """Variance of the disturbance, SSE over the observations of the likelihood."""
        return self.estimate.sigma2

    def reduced_form(self, *, horizon: Horizon = "short", cumulative: bool = True) -> ReducedForm:
        """Parameters that effects depend on, and the matrices that they multiply.

        S = (I - sum_k rho_k W_k)^-1 (b I + sum_k t_k W_k).

        Raises
        ------
        FormulaError
            If a horizon is asked for: the model has no time lags.
        """
        refuse_horizon(horizon)
        weights = dict(zip(self.names, self.estimate.W, strict=True))
        return several_form(
            self.estimate.coefficients, self.estimate.rho, self.terms, self.lag_of, weights
        )

    def column(self) -> Column:
        """Describe the fit as one column of a table of several fits."""
        T, N = self.estimate.residuals.shape
        effects, nobs = effects_of(self.spec, self.panel), self.estimate.reduction.nobs
        lags = {term for term, of in zip(self.terms, self.lag_of, strict=True) if of is not None}
        return Column(
            heading="HIGHER-ORDER SDM" if lags else "HIGHER-ORDER SAR",
            kinds=kinds(self.params.index, lags),
            sigma2=self.sigma2,
            loglik=self.loglik,
            rsquared=float("nan"),
            effects=EFFECTS_SHORT[effects],
            estimator="ML" if effects == "none" else "transf.",
            size=f"{N} × {T}",
            nobs=nobs,
            notes=(variance_note(self.sigma2, nobs, self.estimate.residuals),),
        )

    def contrast(self, first: str, second: str) -> pd.Series:
        """Test whether two spatial coefficients are equal.

        Of parts of one W that are row-standardised by themselves (`ce.weights.split`) the
        coefficients differ without any border: the parts average neighbours at different
        distances. Equal coefficients are then no hypothesis about the groups.

        Returns
        -------
        Series
            difference, std_error, statistic (z) and p_value of rho[first] - rho[second].

        Raises
        ------
        FormulaError
            If a name is not among the weights.
        """
        unknown = [name for name in (first, second) if name not in self.names]
        if unknown:
            raise FormulaError(f"no weights {first_five(unknown)}; there are {self.names}.")
        a, b = f"rho[{first}]", f"rho[{second}]"
        difference = float(self.params[a] - self.params[b])
        part = self.cov.loc[[a, b], [a, b]].to_numpy()
        error = float(np.sqrt(part[0, 0] + part[1, 1] - 2.0 * part[0, 1]))
        z = difference / error
        values = [difference, error, z, 2.0 * float(stats.norm.sf(abs(z)))]
        return pd.Series(values, index=["difference", "std_error", "statistic", "p_value"])

    def summary(self, digits: int = 4) -> Table:
        """Table of parameters, with convention beneath."""
        T, N = self.estimate.residuals.shape
        size = self.estimate.reduction
        return Table(
            title=f"Spatial lags by {', '.join(self.names)}: {self.spec}",
            columns=self.heads(),
            rows=self.rows(digits),
            notes=(
                f"σ² = {self.sigma2:.5g}, log-likelihood {number(self.loglik, 3)}.",
                f"N = {N} units, T = {T} periods; transformation likelihood, {size.nobs} "
                "observations.",
                f"Standard errors: {self.vcov.convention}.",
            ),
        )


def higher_order(
    formula: str,
    data: pd.DataFrame,
    weights: Mapping[str, WeightsLike],
    *,
    durbin: Durbin = False,
    index: tuple[str, str] | None = None,
) -> HigherOrderResults:
    """Fit a panel model with one spatial lag of the response per weights.

    y_t = sum_k rho_k W_k y_t + X_t b [+ sum_k W_k X_t t_k] + effects + v_t, by the transformation
    likelihood, on the region where the absolute rho, each times the norm of its weights (one where
    they are row-standardised), sum to less than one.

    Parameters
    ----------
    formula, data, index
        As in `sar`.
    weights : mapping
        Two or more weights by name, such as ``ce.weights.split(W, province)``.
    durbin : bool, sequence of str or "all"
        Terms that every weights lag, as ``name(x)``: those named, or True and "all" for every
        regressor. ``W(x)`` in the formula would not say by which weights and is refused.

    Raises
    ------
    WeightsError
        If there are fewer than two weights, or one is not row-standardised by itself while time
        effects are removed: the determinant of the transformed model needs it.
    PanelError, FormulaError, AlignmentError, IdentificationError, ConvergenceError

    Notes
    -----
    Splitting W row-standardised as a whole into two parts leaves row sums that differ between
    units, and the time effects stay in the transformed data.

    References
    ----------
    Lee, L.-F. and Liu, X. (2010). Efficient GMM estimation of high order spatial autoregressive
    models with autoregressive disturbances. Econometric Theory 26, 187-230.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> W = {"near": ce.weights.contiguity(), "far": ce.weights.inverse_distance()}
    >>> fit = ce.higher_order("growth ~ digital + hsr | unit + year", panel, W)
    >>> list(fit.params.index)
    ['digital', 'hsr', 'rho[near]', 'rho[far]']
    """
    if not isinstance(weights, Mapping):
        raise WeightsError(
            f"weights of type {type(weights).__name__}: give two or more by name, as in "
            "{'within': W1, 'across': W2}."
        )
    unnamed = [name for name in weights if not isinstance(name, str)]
    if unnamed or any(isinstance(part, Mapping) for part in weights.values()):
        raise WeightsError(
            f"weights {first_five(unnamed or weights)}: give one Graph per name, names being text; "
            "weights that change over time are not available with several spatial lags."
        )
    if len(weights) < 2:
        raise WeightsError(f"{len(weights)} weights given; give two or more by name, or use sar.")
    spec, panel = parse(formula), Panel.from_frame(data, index)
    design = materialise(spec, panel, _no_single_lag)
    clash = [name for name in weights if name in design.terms]
    if clash:
        raise FormulaError(f"weights {first_five(clash)} are called like a term; rename them.")
    W = np.stack([align(part, panel.units) for part in weights.values()])
    loose = [n for n, part in zip(weights, W, strict=True) if not is_row_standardised(part)]
    if loose and design.effects in ("time", "twoway"):
        raise WeightsError(
            f"weights {first_five(loose)} are not row-standardised by themselves, which time "
            "effects need; use ce.weights.row_standardise on each part."
        )
    chosen = _chosen(design, durbin)
    columns = _columns(design, W, tuple(weights), chosen)
    twice = [term for term in columns.terms if columns.terms.count(term) > 1]
    if twice:
        raise FormulaError(f"{first_five(dict.fromkeys(twice))} names two terms; rename weights.")
    fit = estimate_higher_order(columns, W, design.effects)
    vcov = Vcov(fit.covariance, None, "inverse expected information, normal")
    named = [None] * len(design.terms)
    by = [(name, term) for name in weights for term in chosen]
    return HigherOrderResults(spec, panel, tuple(weights), columns.terms, (*named, *by), fit, vcov)


def _no_single_lag(column: NDArray[np.float64]) -> NDArray[np.float64]:
    raise FormulaError(
        "W() in a formula with several weights does not say which of them lags; name the terms in "
        "durbin, as in durbin=['x1'], and every weights lags them."
    )


def _chosen(design: Design, durbin: Durbin) -> tuple[str, ...]:
    """Terms that every weights lag."""
    if durbin is None or durbin is False:
        return ()
    if durbin is True or (isinstance(durbin, str) and durbin == "all"):
        return design.slopes
    if isinstance(durbin, str) or not isinstance(durbin, Iterable):
        raise FormulaError(
            f"durbin {durbin!r}: give a list of terms, 'all' or True for every regressor, or "
            f"False; the formula's terms are {first_five(design.slopes)}."
        )
    return named_terms(durbin, design)


def _columns(
    design: Design, W: NDArray[np.float64], names: tuple[str, ...], chosen: tuple[str, ...]
) -> Columns:
    none = (None,) * len(design.terms)
    if not chosen:
        return Columns(design.y, design.X, design.terms, none)
    places = [design.terms.index(term) for term in chosen]
    lags = [np.einsum("ij,tjk->tik", part, design.X[:, :, places]) for part in W]
    labels = tuple(f"{name}({term})" for name in names for term in chosen)
    return Columns(
        design.y,
        np.concatenate([design.X, *lags], axis=2),
        (*design.terms, *labels),
        (*none, *(chosen * len(names))),
    )
