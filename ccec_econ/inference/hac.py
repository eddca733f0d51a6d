"""Covariances for dependence that fades: with time (Driscoll-Kraay), with distance (Conley)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.engine.estimate import Estimate
from ccec_econ.engine.information import inverse_information
from ccec_econ.errors import AlignmentError, IdentificationError, first_five
from ccec_econ.inference.cluster import enough_periods, outer
from ccec_econ.inference.vcov import (
    Vcov,
    coefficients_only,
    monte_carlo,
    refuse_corrected,
    refuse_spatial,
)
from ccec_econ.weights import refuse_mismatch

__all__ = ["Conley", "DriscollKraay", "Near"]

Kernel = Literal["bartlett", "uniform"]
_INDEFINITE = -1e-10  # eigenvalue, in units of the variances, below which a covariance is none
_UNMODELLED = (
    "it allows for dependence between units that the model leaves out, and there the estimates of "
    "rho and lam are inconsistent"
)


@dataclass(frozen=True, slots=True)
class DriscollKraay:
    """Sandwich of period scores with Bartlett weights, for dependence across units and time.

    Needs many periods: at 12 of them tests at 5 % reject about 25 % of the time. Driscoll and Kraay
    (1998, Review of Economics and Statistics 80, 549-560). Reference t(T - 1).

    Attributes
    ----------
    lags : int
        Lags with weight 1 - j/(lags + 1).
    """

    lags: int

    def __post_init__(self) -> None:
        _refuse_lags(self.lags)

    def __call__(self, fit: Estimate) -> Vcov:
        """Compute the covariance of an estimate."""
        refuse_corrected(fit, "Driscoll-Kraay", dynamic=False)
        rows = enough_periods(fit)
        T = len(rows)
        _refuse_long(self.lags, T)
        middle = outer(rows)
        for j in range(1, self.lags + 1):
            cross = rows[j:].T @ rows[:-j]
            middle += (1.0 - j / (self.lags + 1)) * (cross + cross.T)
        bread = inverse_information(fit)
        noise, said = monte_carlo(fit, bread)
        text = f"Driscoll-Kraay, {self.lags} lags, {T} periods, t({T - 1}){said}"
        return Vcov(bread @ middle @ bread + noise, T - 1, text)


@dataclass(frozen=True, slots=True, eq=False)
class Conley:
    """Sandwich for errors that depend on each other when units are near, or periods close.

    With s_it = z_it e_it, effects removed, and B = (Z'Z)^-1,

        B [sum_t sum_ij K(d_ij / cutoff) s_it s_jt'
           + sum_i sum_{t != s} (1 - abs(t - s)/(lags + 1))_+ s_it s_is'] B,

    K(x) = 1 - x ("bartlett") or 1 ("uniform") up to x = 1 and zero beyond, no small-sample factor,
    normal reference. For models without rho and lam.

    Needs many units near each other and many that are not. At N = 16, T = 12, with the distances
    of the circle, cut-offs of 100 to 300 km, lags=2, and errors dependent in space and time, tests
    at 5 % reject 14 to 15 % of the time for a staggered dummy and 20 to 21 % for a persistent
    regressor (clusters by unit: 6 and 9 %; CR2: 5 and 7 %); 6 to 7 % where errors are independent.
    At that size report clusters by unit or a wild bootstrap instead.

    Parameters
    ----------
    distances : DataFrame, shape (N, N)
        Distances in km, labelled by unit on both sides; matched to the panel by label.
    cutoff : float
        Distance in km from which units count as unrelated.
    kernel : {"bartlett", "uniform"}
        How the weight falls with distance.
    lags : int
        Lags of dependence within a unit.

    Raises
    ------
    IdentificationError
        If the cut-off, kernel, lags or distances cannot be used; if the model has rho or lam; if
        the sum is not positive semidefinite, as neither kernel rules out in the plane: then some
        combination of coefficients has a negative variance.
    AlignmentError
        If the distances are not labelled by the units of the panel.

    References
    ----------
    Conley, T. G. (1999). GMM estimation with cross sectional dependence. Journal of Econometrics
    92, 1-45.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> fit = ce.ols("growth ~ digital + hsr | unit + year", panel)
    >>> near = ce.Conley(ce.weights.distances(), 150.0, lags=2)
    >>> fit.with_cov(near).vcov.convention
    'Conley, bartlett kernel to 150 km, 2 lags within units, normal'
    """

    distances: pd.DataFrame = field(repr=False)
    cutoff: float
    kernel: Kernel = field(default="bartlett", kw_only=True)
    lags: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.distances, pd.DataFrame):
            raise AlignmentError(
                f"distances of type {type(self.distances).__name__} carry no unit labels; give a "
                "DataFrame with units on both sides, such as ce.weights.distances()."
            )
        if not 0.0 <= self.cutoff < np.inf:
            raise IdentificationError(f"cutoff {self.cutoff}: give a distance in km, 0 or more.")
        if self.kernel not in ("bartlett", "uniform"):
            raise IdentificationError(
                f"kernel {self.kernel!r} is unknown; choose 'bartlett' or 'uniform'."
            )
        _refuse_lags(self.lags)
        _refuse_distances(self.distances)
        object.__setattr__(self, "distances", self.distances.copy())

    def bind(self, units: pd.Index) -> Near:
        """Return the covariance for estimates whose units stand in this order.

        Raises
        ------
        AlignmentError
            If distances and units differ; both differences are listed.
        """
        refuse_mismatch(self.distances.index, units, what="distances")
        d = self.distances.loc[units, units].to_numpy(dtype=np.float64)
        scaled = d / self.cutoff if self.cutoff > 0.0 else np.where(d > 0.0, np.inf, 0.0)
        near = scaled <= 1.0
        weights = np.where(near, 1.0 - scaled if self.kernel == "bartlett" else 1.0, 0.0)
        text = (
            f"Conley, {self.kernel} kernel to {self.cutoff:g} km, {self.lags} lags within units, "
            "normal"
        )
        return Near(weights, self.lags, text)

    def __call__(self, fit: Estimate) -> Vcov:
        """Refuse an estimate without labels: `with_cov` of its result binds them first."""
        raise AlignmentError(
            "Conley knows units by label and an estimate has none; use fit.with_cov(...), or "
            "bind(units) first."
        )


@dataclass(frozen=True, slots=True)
class Near:
    """Conley's covariance with its weights (N, N) in the order of the estimate."""

    weights: NDArray[np.float64]
    lags: int
    text: str

    def __call__(self, fit: Estimate) -> Vcov:
        """Compute the covariance of an estimate."""
        refuse_spatial(fit, "Conley", _UNMODELLED)
        matrix = coefficients_only(fit, self.middle(fit.Z * fit.residuals[:, :, None]))
        self.refuse_indefinite(matrix[:-1, :-1], fit.terms)
        return Vcov(matrix, None, self.text)

    def middle(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum the products of scores (T, N, K) over near cells, shape (K, K)."""
        _refuse_long(self.lags, len(rows))
        near = np.einsum("ij,tjk->tik", self.weights, rows)
        middle = np.einsum("tik,til->kl", rows, near)
        for j in range(1, self.lags + 1):
            cross = np.einsum("tik,til->kl", rows[j:], rows[:-j])
            middle += (1.0 - j / (self.lags + 1)) * (cross + cross.T)
        return np.asarray((middle + middle.T) / 2.0)

    def refuse_indefinite(self, V: NDArray[np.float64], terms: Sequence[str]) -> None:
        """Refuse a covariance (K, K) under which a combination of terms has negative variance.

        Raises
        ------
        IdentificationError
        """
        variance = np.diag(V)
        negative = [term for term, one in zip(terms, variance, strict=True) if one <= 0.0]
        if negative:
            raise IdentificationError(
                f"{self.text}: the variance of {first_five(negative)} comes out negative; use "
                "another cut-off or fewer lags, kernel='bartlett', or ce.Cluster('unit')."
            )
        scale = np.sqrt(variance)
        lowest = float(np.linalg.eigvalsh(V / np.outer(scale, scale)).min())
        if lowest < _INDEFINITE:
            raise IdentificationError(
                f"{self.text}: the covariance is not positive semidefinite (smallest eigenvalue "
                f"{lowest:.2g} in units of the variances), so some combinations of coefficients "
                "have none; use another cut-off or fewer lags, kernel='bartlett', or "
                "ce.Cluster('unit')."
            )


def _refuse_lags(lags: object) -> None:
    if not isinstance(lags, int) or lags < 0:
        raise IdentificationError(f"lags {lags!r}: give a whole number, zero or more.")


def _refuse_long(lags: int, periods: int) -> None:
    if lags >= periods:
        raise IdentificationError(f"lags {lags} with {periods} periods: give fewer lags.")


def _refuse_distances(distances: pd.DataFrame) -> None:
    """Refuse a frame that is no table of distances between labelled units."""
    rows, columns = distances.index, distances.columns
    if rows.has_duplicates or columns.has_duplicates:
        twice = rows[rows.duplicated()].union(columns[columns.duplicated()])
        raise AlignmentError(f"distances: {first_five(twice)} stand twice; name each unit once.")
    if set(rows) != set(columns):
        odd = rows.symmetric_difference(columns)
        raise AlignmentError(
            f"distances: {first_five(odd)} on one side only; put the same units on both."
        )
    d = distances.loc[rows, rows].to_numpy(dtype=np.float64)
    wrong = ~np.isfinite(d) | (d < 0.0) | (d != d.T)
    np.fill_diagonal(wrong, np.diag(d) != 0.0)
    if wrong.any():
        raise IdentificationError(
            f"distances in rows {first_five(rows[wrong.any(axis=1)])} are missing, negative, not "
            "symmetric, or not zero from a unit to itself; give km between units."
        )
