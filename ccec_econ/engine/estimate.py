"""From raw columns to an estimate: lag, transform, reduce, maximise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine import forms
from ccec_econ.engine.forms import Form, applied
from ccec_econ.engine.likelihood import Likelihood, Optimum
from ccec_econ.engine.moments import Triangle, reduce_columns
from ccec_econ.engine.spectrum import Spectral, SpectrumPath
from ccec_econ.engine.transform import EffectsName, Method, Reduction, demean, reduction
from ccec_econ.errors import IdentificationError, first_five

__all__ = ["Columns", "Estimate", "Reduced", "estimate", "pose", "refuse_constant", "refuse_gone"]

_NO_VARIATION = 1e-10  # share of a column's spread that effects may leave before it counts as gone


@dataclass(frozen=True, slots=True)
class Columns:
    """Raw columns of a model, lags included.

    Attributes
    ----------
    y : ndarray, shape (T, N)
    X : ndarray, shape (T, N, K)
    terms : tuple of str
        K labels.
    lag_of : tuple of str or None
        For each column, the term it is the spatial lag of; None for columns that are no lag.
    """

    y: NDArray[np.float64]
    X: NDArray[np.float64]
    terms: tuple[str, ...]
    lag_of: tuple[str | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduced:
    """A maximised likelihood by itself, without the columns it was written on.

    Attributes
    ----------
    terms, lag_of : tuple
        Labels of the columns, and what each is the lag of.
    weights, x_weights : Spectrum or None
        W of the response and W of the regressors, for effects.
    spectrum, error : Spectrum or None
        W and M in the likelihood, projected where the likelihood is; None without rho, or lam.
    effects, method, reduction, triangle
        How the columns were made.
    optimum : Optimum
        The estimates.
    others : tuple of Optimum
        Lower local maxima: rho and lam may swap when W and M are alike. With sparse factors, those
        that bounds of the likelihood did not rule out as the highest.
    uncorrected : Optimum or None
        The maximum that a bias correction moved, where scores are zero; None where none did.
    """

    terms: tuple[str, ...]
    lag_of: tuple[str | None, ...]
    weights: Spectral | None
    x_weights: Spectral | None
    spectrum: Spectral | None
    error: Spectral | None
    effects: EffectsName
    method: Method
    reduction: Reduction
    triangle: Triangle
    optimum: Optimum
    others: tuple[Optimum, ...] = ()
    uncorrected: Optimum | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Periods and units of the data, (T, N)."""
        raise NotImplementedError

    def linear_part(self, G: Form) -> tuple[NDArray[np.float64], float]:
        """Z'm, shape (K,), and m'm, m = G Zd, the part of the score of rho linear in v."""
        raise NotImplementedError

    @property
    def spatial(self) -> tuple[str, ...]:
        """Names of the spatial parameters, after the coefficients."""
        return ("rho",) * (self.spectrum is not None) + ("lam",) * (self.error is not None)

    @property
    def has_time_lags(self) -> bool:
        """Whether a term is a lag of the response in time: a dynamic model."""
        return any(term.startswith(("L(", "W(L(")) for term in self.terms)

    @property
    def varies(self) -> bool:
        """Whether weights that lag the response or a regressor change over time."""
        return any(isinstance(part, SpectrumPath) for part in (self.weights, self.lagging))

    @property
    def lagging(self) -> Spectral | None:
        """Weights of the regressors where one is lagged by them; None where they are not used."""
        return self.x_weights if any(self.lag_of) else None

    @property
    def periods(self) -> int:
        """Independent periods behind scores and information.

        The likelihood's, but one less where unit effects were demeaned because W changes.
        """
        demeaned = self.effects in ("unit", "twoway") and self.method == "transformation"
        full = self.reduction.periods == self.shape[0]
        varies = isinstance(self.spectrum, SpectrumPath)
        return self.reduction.periods - int(varies and demeaned and full)

    @property
    def likelihood(self) -> Likelihood:
        """Likelihood on which the estimate stands."""
        size = self.reduction
        return Likelihood(self.triangle, self.spectrum, self.error, size.nobs, size.periods)

    @property
    def free(self) -> int:
        """Observations behind scores and information."""
        return self.reduction.rows * self.periods

    def trace(self, A: Form) -> float:
        """Trace of a form over all independent periods."""
        return self.periods * forms.trace(A)

    def pair(self, A: Form, B: Form) -> float:
        """tr(AB) + tr(A'B) of two forms over all independent periods."""
        return self.periods * forms.pair(A, B)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate(Reduced):
    """A maximised likelihood with the columns it was written on.

    Attributes
    ----------
    y, Wy : ndarray, shape (T, N)
        Effects removed; Wy was lagged first and is zero for models without it.
    columns : ndarray, shape (T, N, P)
        Effects removed; lags of regressors included.
    kept : tuple of int or None
        Which of them the model has; None where it has them all, P = K.
    """

    y: NDArray[np.float64]
    Wy: NDArray[np.float64]
    columns: NDArray[np.float64]
    kept: tuple[int, ...] | None = None

    @property
    def Z(self) -> NDArray[np.float64]:
        """Columns of the model, effects removed, shape (T, N, K); copied where it has not all."""
        return self.columns if self.kept is None else self.columns[:, :, list(self.kept)]

    @property
    def shape(self) -> tuple[int, int]:
        """Periods and units of the data, (T, N)."""
        T, N = self.y.shape
        return T, N

    def maximised(self) -> Self:
        """Move to the highest maximum of the likelihood, the lower ones beside it.

        Raises
        ------
        IdentificationError, ConvergenceError
            As `Likelihood.maxima`.
        """
        best, *others = self.likelihood.maxima()
        return replace(self, optimum=best, others=tuple(others))

    @property
    def disturbances(self) -> NDArray[np.float64]:
        """Disturbances u = y - rho Wy - Z d, effects removed, shape (T, N)."""
        return self.y - self.optimum.rho * self.Wy - self.Z @ self.optimum.coefficients

    @property
    def residuals(self) -> NDArray[np.float64]:
        """Innovations v = (I - lam M) u, effects removed, shape (T, N)."""
        return self.filter(self.disturbances)

    def filter(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Apply I - lam M to transformed columns of shape (T, N) or (T, N, K)."""
        if self.error is None:
            return columns
        lagged = self.error.lag(columns)
        if self.effects in ("time", "twoway"):
            lagged = lagged - lagged.mean(axis=1, keepdims=True)
        return columns - self.optimum.lam * lagged

    def linear_part(self, G: Form) -> tuple[NDArray[np.float64], float]:
        """Z'm, shape (K,), and m'm, m = G Zd, Z filtered."""
        Z = self.filter(self.Z)
        mean = self.lagged_mean(G, Z)
        return np.einsum("tnk,tn->k", Z, mean), float((mean**2).sum())

    def lagged_mean(self, G: Form, Z: NDArray[np.float64]) -> NDArray[np.float64]:
        """Part of the lagged response that is not Gv, shape (T, N).

        G Zd where W stays. Where it changes, unit effects reach the lag through G_t, which differ:
        then what the lag holds besides Gv, effects removed.
        """
        if isinstance(self.spectrum, SpectrumPath):
            return self.filter(self.Wy) - demean(applied(G, self.residuals), self.effects)
        return applied(G, Z @ self.optimum.coefficients)


def pose(
    columns: Columns,
    *,
    weights: Spectral | None,
    x_weights: Spectral | None,
    error_weights: Spectral | None,
    lag_y: bool,
    effects: EffectsName,
    method: Method,
    size: Reduction | None = None,
) -> Estimate:
    """Write the likelihood of one static model; its optimum stands where rho and lam are zero.

    Lags are taken of raw columns and the effects removed afterwards: lagging demeaned columns is
    another, wrong likelihood.

    Parameters
    ----------
    weights : Spectrum or None
        W; lags the response when `lag_y`.
    error_weights : Spectrum or None
        M of an error model; None for independent errors.
    size : Reduction, optional
        Rows and periods of the likelihood, where `method` does not settle them (dynamic models).

    Raises
    ------
    IdentificationError
        If a column does not vary once the effects are removed, or columns are dependent.
    """
    y, X = columns.y, columns.X
    T, N = y.shape
    size = size or reduction(effects, method, T, N)
    Z, y_in = demean(X, effects), demean(y, effects)
    refuse_constant(
        np.dstack([y, X]), np.dstack([y_in, Z]), ("the response", *columns.terms), effects
    )
    Wy = weights.lag(y) if lag_y and weights is not None else np.zeros_like(y)
    Wy_in = demean(Wy, effects)
    lagged = None
    if error_weights is not None:
        lag = error_weights.lag
        lagged = (
            demean(lag(X), effects).reshape(T * N, -1),
            demean(lag(y), effects).ravel(),
            demean(lag(Wy), effects).ravel(),
        )
    triangle = reduce_columns(
        Z.reshape(T * N, -1),
        y_in.ravel(),
        Wy_in.ravel(),
        columns.terms,
        size.nobs,
        lagged=lagged,
    )
    active = _projected(weights if lag_y else None, size)
    error = error_weights.project() if error_weights and size.projected else error_weights
    likelihood = Likelihood(triangle, active, error, size.nobs, size.periods)
    return Estimate(
        y=y_in,
        Wy=Wy_in,
        columns=Z,
        terms=columns.terms,
        lag_of=columns.lag_of,
        weights=weights if lag_y else None,
        x_weights=x_weights,
        spectrum=active,
        error=error,
        effects=effects,
        method=method,
        reduction=size,
        triangle=triangle,
        optimum=likelihood.at(0.0),
    )


def estimate(
    columns: Columns,
    *,
    weights: Spectral | None,
    x_weights: Spectral | None,
    error_weights: Spectral | None,
    lag_y: bool,
    effects: EffectsName,
    method: Method,
    size: Reduction | None = None,
) -> Estimate:
    """Estimate one static model by maximum likelihood.

    Parameters as in `pose`.

    Raises
    ------
    IdentificationError
        As `pose`, or if the weights leave the likelihood flat.
    ConvergenceError
        If rho or lam ends at its border.
    """
    posed = pose(
        columns,
        weights=weights,
        x_weights=x_weights,
        error_weights=error_weights,
        lag_y=lag_y,
        effects=effects,
        method=method,
        size=size,
    )
    return posed.maximised()


def _projected(weights: Spectral | None, size: Reduction) -> Spectral | None:
    return weights.project() if weights is not None and size.projected else weights


def refuse_constant(
    raw: NDArray[np.float64],
    within: NDArray[np.float64],
    names: tuple[str, ...],
    effects: EffectsName,
) -> None:
    """Refuse columns, (T, N, K), of which the removal of effects leaves nothing.

    Raises
    ------
    IdentificationError
        Naming them.
    """
    size = np.linalg.norm(raw, axis=(0, 1))
    refuse_gone(size, np.linalg.norm(within, axis=(0, 1)), names, effects)


def refuse_gone(
    size: NDArray[np.float64],
    left: NDArray[np.float64],
    names: tuple[str, ...],
    effects: EffectsName,
) -> None:
    """Refuse columns, by length before and after, of which the removal of effects leaves nothing.

    Raises
    ------
    IdentificationError
        Naming them.
    """
    gone = [name for name, a, b in zip(names, size, left, strict=True) if b <= _NO_VARIATION * a]
    if gone and effects == "none":
        raise IdentificationError(f"{first_five(gone)} is zero everywhere; drop it.")
    if gone:
        what = {"unit": "unit", "time": "time", "twoway": "unit and time"}[effects]
        raise IdentificationError(
            f"no variation left in {first_five(gone)} once the {what} effects are removed; "
            "drop it, or choose effects that leave it."
        )
