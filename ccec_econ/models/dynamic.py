"""Dynamic spatial panel models: time lags written in the formula.

    y_t = rho W y_t + tau y_{t-1} + eta W y_{t-1} + X_t b + W X_t t + unit (+ time) effects + v_t

``L(y)`` is y_{t-1} of the same unit and ``W(L(y))`` its spatial lag; either may stand alone.
Estimation is quasi-maximum likelihood with the correction of its O(1/T) bias.

References
----------
Yu, J., de Jong, R. and Lee, L.-F. (2008). Quasi-maximum likelihood estimators for spatial dynamic
panel data with fixed effects when both n and T are large. Journal of Econometrics 146, 118-134.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from libpysal.graph import Graph
from libpysal.weights import W as ClassicW

from ccec_econ.engine.dynamic import TimeLags, cointegrated, corrected, estimate_dynamic
from ccec_econ.engine.estimate import Columns, Estimate
from ccec_econ.engine.spectrum import Spectrum
from ccec_econ.errors import AlignmentError, WeightsError
from ccec_econ.formula import Design, Spec, parse
from ccec_econ.inference.dynamic_bootstrap import dynamic_bootstrap
from ccec_econ.inference.multipliers import Horizon
from ccec_econ.inference.persistence import Convergence, convergence
from ccec_econ.inference.reduced_form import ReducedForm
from ccec_econ.inference.resampled import Bootstrap, Innovations
from ccec_econ.inference.stability import Stability, dynamic_form, stability
from ccec_econ.inference.vcov import Covariance, Information, bound
from ccec_econ.models.fitting import Model, model_columns, refuse_unstandardised
from ccec_econ.models.prepared import spectrum_for
from ccec_econ.models.results import SpatialPanelResults
from ccec_econ.models.time_lags import (
    has_time_lag,
    observed_path,
    time_columns,
    time_design,
    with_history,
)
from ccec_econ.panel import Panel
from ccec_econ.weights import Prepared, WeightsLike

__all__ = [
    "SHORT_RUN",
    "DynamicData",
    "DynamicPanelResults",
    "has_time_lag",
    "read_dynamic",
    "sar",
    "sdm",
]

SHORT_RUN = "Effects are those of the short run."
_INFORMATION = Information()


@dataclass(frozen=True, slots=True)
class DynamicData:
    """What the likelihood of a dynamic model is written on.

    Attributes
    ----------
    spec : Spec
        The formula, taken apart.
    panel : Panel
        From the second period on.
    design : Design
        Columns of the formula, time lags in front.
    columns : Columns
        The same with the lags in space that the model adds.
    lags : TimeLags
        Where y_{t-1} and W y_{t-1} stand among the columns.
    own, x_own : Spectrum
        Weights of the response and of the regressors.
    history : str
        What the time lag took from the panel, for the notes.
    """

    spec: Spec
    panel: Panel
    design: Design
    columns: Columns
    lags: TimeLags
    own: Spectrum
    x_own: Spectrum
    history: str

    @property
    def effects(self) -> Literal["unit", "twoway"]:
        """Effects removed; those of units always."""
        return "twoway" if self.design.effects == "twoway" else "unit"


@dataclass(frozen=True, slots=True, repr=False)
class DynamicPanelResults(SpatialPanelResults):
    """Results of a dynamic spatial panel model.

    Attributes
    ----------
    lags : TimeLags
        Where y_{t-1} and W y_{t-1} stand among the coefficients.
    quasi : Estimate
        The maximum of the quasi-likelihood before correction.
    history : str
        What the time lag took from the panel, for the notes.
    """

    lags: TimeLags
    quasi: Estimate
    history: str

    @property
    def tau(self) -> float:
        """Coefficient of y_{t-1}; zero without it."""
        return self.lags.of(self.estimate.optimum.coefficients)[0]

    @property
    def eta(self) -> float:
        """Coefficient of W y_{t-1}; zero without it."""
        return self.lags.of(self.estimate.optimum.coefficients)[1]

    @property
    def stability(self) -> Stability:
        """Wald test of tau + rho + eta = 1, and the spectral radius of A."""
        return stability(self.estimate, self.lags, self.vcov)

    def with_cov(self, cov: Covariance) -> DynamicPanelResults:
        """Return the same fit with another covariance.

        After a correction `Information`, `QuasiML` and ``Cluster("unit")``.

        Raises
        ------
        IdentificationError
            For sums over periods after a correction: scores are not zero there.
        """
        return replace(self, vcov=bound(cov, self.panel.units)(self.estimate))

    def refits(
        self,
        draws: int,
        *,
        innovations: Innovations = "normal",
        level: float,
        rng: np.random.Generator,
    ) -> Bootstrap:
        """Simulate from the first observation on, refit, and correct again where the fit was.

        Effects are those of the short run.
        """
        found = dynamic_bootstrap(
            self.estimate,
            self.lags,
            observed_path(self.panel, self.design.y),
            draws=draws,
            innovations=innovations,
            level=level,
            rng=rng,
        )
        again = "corrected as the fit was" if self.method == "bias_corrected" else "not corrected"
        return replace(found, remarks=(f"Each refit is {again}.", SHORT_RUN))

    def reduced_form(self, *, horizon: Horizon = "short", cumulative: bool = True) -> ReducedForm:
        """Parameters that effects at a horizon depend on, and the matrices that they multiply.

        Raises
        ------
        IdentificationError
            If shocks do not die out, or a unit root is within the 95 % set (long run).
        ValueError
            If `horizon` cannot be used.
        """
        return dynamic_form(
            self.estimate, self.lags, self.vcov, horizon=horizon, cumulative=cumulative
        )

    def convergence(
        self,
        *,
        level: float = 0.95,
        draws: int = 199,
        rng: int | np.random.Generator = 0,
    ) -> Convergence:
        """Measure persistence, speed and half-life, each with its confidence set.

        Parameters
        ----------
        draws : int
            Panels simulated at each of about twenty values of tau.

        Raises
        ------
        ValueError
            If `level` or `draws` cannot be used.
        """
        return convergence(
            self.estimate,
            self.quasi,
            self.lags,
            self.vcov,
            level=level,
            draws=draws,
            rng=np.random.default_rng(rng),
        )

    def notes(self) -> tuple[str, ...]:
        """Sample, likelihood, correction and stability, for the foot of a table."""
        found = [*SpatialPanelResults.notes(self), self.history, self.stability.sentence()]
        beyond = cointegrated(self.quasi, self.lags)
        if beyond and self.method == "bias_corrected":
            found.append(
                f"Correction for spatial cointegration: {beyond} eigenvalues of A beyond 1 - 1/m."
            )
        return tuple(found)

    def estimator_name(self) -> str:
        """Name the quasi-likelihood in a few letters, for a cell."""
        return "QML, corrected" if self.method == "bias_corrected" else "QML"

    def likelihood_name(self) -> str:
        """Name the likelihood as it was used here."""
        if self.method == "bias_corrected":
            return "quasi-maximum likelihood, Yu-de Jong-Lee correction"
        return "quasi-maximum likelihood without correction (tau biased downward at small T)"


def sar(
    formula: str,
    data: pd.DataFrame,
    weights: WeightsLike,
    *,
    correction: bool = True,
    index: tuple[str, str] | None = None,
    cov: Covariance = _INFORMATION,
) -> DynamicPanelResults:
    """Fit a dynamic spatial autoregressive panel model.

    Parameters
    ----------
    formula : str
        ``"y ~ L(y) + W(L(y)) + x1 | unit + year"``; unit effects always, L of the response only.
    data : DataFrame
        Balanced panel indexed (unit, time) with evenly spaced periods; the first one serves
        y_{t-1} only.
    weights : Graph or W
        Labelled spatial weights; row-standardised where there are time effects.
    correction : bool
        Whether to correct the O(1/T) bias of the quasi-likelihood.
    index : tuple of str, optional
        Columns of unit and time, where they are not the index.
    cov : Covariance
        ``Information()``, ``QuasiML()`` or ``Cluster("unit")``; others only with
        ``correction=False``.

    Raises
    ------
    PanelError, FormulaError, AlignmentError, WeightsError, IdentificationError, ConvergenceError

    Examples
    --------
    >>> import ccec_econ as ce
    >>> from ccec_econ.models import dynamic
    >>> panel = ce.data.load_panel(years=(2010, 2019))
    >>> fit = dynamic.sar("growth ~ L(growth) | unit + year", panel, ce.weights.contiguity())
    >>> list(fit.params.index)
    ['L(growth)', 'rho']
    """
    return _fit(
        Model("sar", lag_y=True), formula, data, weights, (None, None), correction, index, cov
    )


def sdm(
    formula: str,
    data: pd.DataFrame,
    weights: WeightsLike,
    *,
    durbin: Sequence[str] | None = None,
    x_weights: WeightsLike | None = None,
    correction: bool = True,
    index: tuple[str, str] | None = None,
    cov: Covariance = _INFORMATION,
) -> DynamicPanelResults:
    """Fit a dynamic spatial Durbin panel model.

    Parameters
    ----------
    formula, data, weights, correction, index, cov
        As in `sar`.
    durbin : sequence of str, optional
        Terms to lag in space; all of them by default, time lags aside.
    x_weights : Graph or W, optional
        Weights of the regressors, where they are not those of the response.

    Raises
    ------
    PanelError, FormulaError, AlignmentError, WeightsError, IdentificationError, ConvergenceError

    Examples
    --------
    >>> import ccec_econ as ce
    >>> from ccec_econ.models import dynamic
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> W = ce.weights.contiguity()
    >>> fit = dynamic.sdm("growth ~ L(growth) + digital | unit + year", panel, W)
    >>> list(fit.params.index)
    ['L(growth)', 'digital', 'W(digital)', 'rho']
    """
    return _fit(
        Model("sdm", lag_y=True, lag_x=True),
        formula,
        data,
        weights,
        (durbin, x_weights),
        correction,
        index,
        cov,
    )


def _fit(
    model: Model,
    formula: str,
    data: pd.DataFrame,
    weights: WeightsLike,
    spatial: tuple[Sequence[str] | None, WeightsLike | None],
    correction: bool,
    index: tuple[str, str] | None,
    cov: Covariance,
) -> DynamicPanelResults:
    """Read the data, estimate, correct."""
    durbin, x_weights = spatial
    read = read_dynamic(
        model, formula, data, weights, durbin=durbin, x_weights=x_weights, index=index
    )
    covariance = bound(cov, read.panel.units)
    quasi = estimate_dynamic(
        read.columns, weights=read.own, x_weights=read.x_own, effects=read.effects
    )
    fit = corrected(quasi, read.lags) if correction else quasi
    return DynamicPanelResults(
        f"dynamic {model.name}",
        read.spec,
        read.panel,
        read.design,
        fit,
        covariance(fit),
        read.lags,
        quasi,
        read.history,
    )


def read_dynamic(
    model: Model,
    formula: str,
    data: pd.DataFrame,
    weights: WeightsLike | None,
    *,
    durbin: Sequence[str] | None,
    x_weights: WeightsLike | None,
    index: tuple[str, str] | None,
) -> DynamicData:
    """Align, lag in time, materialise and lag in space; parameters as in `sdm`.

    Raises
    ------
    PanelError, FormulaError, AlignmentError, WeightsError, IdentificationError
    """
    spec, whole = parse(formula), Panel.from_frame(data, index)
    own = _spectrum(weights, whole)
    x_own = own if x_weights is None else _spectrum(x_weights, whole)
    panel, history = with_history(spec, whole)
    design, still = time_design(spec, panel, own, x_own)
    refuse_unstandardised(own, design.effects, "transformation")
    columns, lags = time_columns(design, model_columns(model, still, x_own, durbin), spec)
    return DynamicData(spec, panel, design, columns, lags, own, x_own, history)


def _spectrum(weights: object, panel: Panel) -> Spectrum:
    if isinstance(weights, Mapping):
        raise WeightsError(
            "weights by period in a dynamic model: its correction needs one matrix for all "
            "periods; give one Graph."
        )
    if not isinstance(weights, Graph | ClassicW | Prepared):
        raise AlignmentError(
            f"weights of type {type(weights).__name__}; a dynamic spatial model needs labelled "
            "spatial weights, give a Graph."
        )
    return spectrum_for(weights, panel.units)
