"""Priors of coefficients, variance and spatial parameter, and what they add to a likelihood.

All are conjugate given rho (or lam): d | s2 ~ N(d0, s2 (L'L)^-1) is the same as q further
observations L d0 on rows L of the regressors, and s2 ~ IG(a, b) adds 2a degrees of freedom and 2b
to the sum of squares. So the posterior is read off the moments that the likelihood is read off,
with the rows of the prior joined to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, gammaln

from ccec_econ.engine.estimate import Estimate
from ccec_econ.errors import FormulaError, IdentificationError, first_five

__all__ = [
    "Added",
    "Beta",
    "Flat",
    "GPrior",
    "NormalInverseGamma",
    "Prior",
    "SpatialPrior",
    "Uniform",
]

_LOG_2PI = float(np.log(2.0 * np.pi))


@dataclass(frozen=True, slots=True)
class Added:
    """What a prior adds to a likelihood with K coefficients.

    Attributes
    ----------
    rows : ndarray, shape (q, K)
        L, a root of the prior precision of the coefficients, in units of 1/sigma.
    target : ndarray, shape (q,)
        L d0.
    shape, rate : float
        a and b of s2 ~ IG(a, b).
    log_norm : float
        Log of the prior's constant, factors 2 pi of the coefficients left out; one for what is
        improper.
    """

    rows: NDArray[np.float64]
    target: NDArray[np.float64]
    shape: float
    rate: float
    log_norm: float


class SpatialPrior(Protocol):
    """Density of rho, or lam, on its interval."""

    def bounds(self, interval: tuple[float, float]) -> tuple[float, float]:
        """Return the ends between which the density is positive."""
        ...

    def log_density(
        self, values: NDArray[np.float64], interval: tuple[float, float]
    ) -> NDArray[np.float64]:
        """Log density, normalised over the bounds."""
        ...

    def draw(self, interval: tuple[float, float], rng: np.random.Generator) -> float:
        """Draw one value."""
        ...

    def name(self) -> str:
        """Say what it is, for the foot of a table."""
        ...


@dataclass(frozen=True, slots=True)
class Uniform:
    """Uniform on the whole interval on which I - rho W is non-singular."""

    def bounds(self, interval: tuple[float, float]) -> tuple[float, float]:
        """Return the ends of the interval."""
        return interval

    def log_density(
        self, values: NDArray[np.float64], interval: tuple[float, float]
    ) -> NDArray[np.float64]:
        """Minus the log of the width."""
        return np.full(np.shape(values), -np.log(interval[1] - interval[0]))

    def draw(self, interval: tuple[float, float], rng: np.random.Generator) -> float:
        """Draw one value."""
        return float(rng.uniform(*interval))

    def name(self) -> str:
        """Say what it is, for the foot of a table."""
        return "uniform on its interval"


@dataclass(frozen=True, slots=True)
class Beta:
    """Beta(d, d) stretched over (-1, 1): (1 - rho^2)^(d-1) / (B(d, d) 2^(2d-1)).

    Where the interval of rho is narrower on a side, it is stretched over what is left.

    Attributes
    ----------
    d : float
        Positive; near one it is almost uniform, larger values pull towards zero.

    Raises
    ------
    FormulaError
        If `d` is not positive.
    """

    d: float = 1.01

    def __post_init__(self) -> None:
        _refuse_not_positive("Beta prior", d=self.d)

    def bounds(self, interval: tuple[float, float]) -> tuple[float, float]:
        """Part of (-1, 1) inside the interval."""
        return max(interval[0], -1.0), min(interval[1], 1.0)

    def log_density(
        self, values: NDArray[np.float64], interval: tuple[float, float]
    ) -> NDArray[np.float64]:
        """Log density, normalised over the bounds."""
        lower, upper = self.bounds(interval)
        width = upper - lower
        with np.errstate(divide="ignore"):
            logs = np.log((values - lower) / width) + np.log((upper - values) / width)
        return np.asarray((self.d - 1.0) * logs - betaln(self.d, self.d) - np.log(width))

    def draw(self, interval: tuple[float, float], rng: np.random.Generator) -> float:
        """Draw one value."""
        lower, upper = self.bounds(interval)
        return lower + (upper - lower) * float(rng.beta(self.d, self.d))

    def name(self) -> str:
        """Say what it is, for the foot of a table."""
        return f"Beta({self.d:g}, {self.d:g}) on (−1, 1)"


class Prior(Protocol):
    """Prior of coefficients, variance and spatial parameter."""

    @property
    def spatial(self) -> SpatialPrior:
        """Prior of rho, or lam."""
        ...

    @property
    def same_regressors(self) -> bool:
        """Whether marginal likelihoods compare only models with the same coefficients."""
        ...

    def added(self, posed: Estimate) -> Added:
        """Say what the prior adds to a likelihood."""
        ...

    def name(self) -> str:
        """Say what it is, for the foot of a table."""
        ...


_UNIFORM = Uniform()


@dataclass(frozen=True, slots=True)
class Flat:
    """The improper prior p(d, s2) = 1/s2.

    Its scale is arbitrary, so marginal likelihoods compare models with the same coefficients only.
    """

    spatial: SpatialPrior = _UNIFORM

    @property
    def same_regressors(self) -> bool:
        """Marginal likelihoods compare only models with the same coefficients."""
        return True

    def added(self, posed: Estimate) -> Added:
        """Nothing but the powers of s2 that the coefficients take."""
        K = len(posed.terms)
        return Added(np.zeros((0, K)), np.zeros(0), -0.5 * K, 0.0, 0.5 * K * _LOG_2PI)

    def name(self) -> str:
        """Say what it is, for the foot of a table."""
        return "flat, p(d, σ²) = 1/σ², d the coefficients"


@dataclass(frozen=True, slots=True)
class GPrior:
    """Zellner's g-prior d | s2 ~ N(0, (s2/g) (Z'Z)^-1), p(s2) = 1/s2.

    Z are the regressors with the effects removed, the same at every rho and lam. Proper in the
    coefficients, so that models with other regressors can be compared, and blind to their units.

    Attributes
    ----------
    g : float, optional
        Weight of the prior relative to the data. By default 1/max(N, K^2) with N the observations
        of the likelihood and K the coefficients (Fernandez, Ley and Steel 2001, Journal of
        Econometrics 100, 381-427).

    Raises
    ------
    FormulaError
        If `g` is not positive.
    """

    g: float | None = None
    spatial: SpatialPrior = _UNIFORM

    def __post_init__(self) -> None:
        if self.g is not None:
            _refuse_not_positive("g-prior", g=self.g)

    @property
    def same_regressors(self) -> bool:
        """Models with other coefficients can be compared."""
        return False

    def added(self, posed: Estimate) -> Added:
        """Root of g Z'Z as rows, with responses of zero.

        Raises
        ------
        IdentificationError
            If there is a constant among the regressors: the prior would depend on where y starts.
        """
        if "Intercept" in posed.terms:
            raise IdentificationError(
                "g-prior with a constant: shrinking it to zero depends on where the response "
                "starts; add fixed effects, which take it out."
            )
        K = len(posed.terms)
        g = 1.0 / max(posed.reduction.nobs, K**2) if self.g is None else self.g
        root = np.sqrt(g) * posed.triangle.at(0.0).R
        return Added(root, np.zeros(K), 0.0, 0.0, _log_root(root))

    def name(self) -> str:
        """Say what it is, for the foot of a table."""
        g = "1/max(N, K²)" if self.g is None else f"{self.g:g}"
        return f"g-prior, g = {g}, p(σ²) = 1/σ²"


@dataclass(frozen=True, slots=True)
class NormalInverseGamma:
    """Conjugate prior d_k | s2 ~ N(mean_k, s2 scale_k^2), s2 ~ IG(shape, rate).

    Attributes
    ----------
    mean, scale : float or mapping
        One value for all coefficients, or one for every term of the model. `scale` is the prior
        standard deviation of a coefficient in units of sigma.
    shape, rate : float
        The mean of s2 is rate/(shape - 1). shape = -K/2 and rate = 0 with large scales is the flat
        prior; where one of them is not positive the prior is improper.

    Raises
    ------
    FormulaError
        If a scale is not positive or the rate is negative.
    """

    mean: float | Mapping[str, float] = 0.0
    scale: float | Mapping[str, float] = 10.0
    shape: float = 2.0
    rate: float = 1.0
    spatial: SpatialPrior = _UNIFORM

    def __post_init__(self) -> None:
        scales = self.scale if isinstance(self.scale, Mapping) else {"scale": self.scale}
        _refuse_not_positive("normal inverse gamma prior", **scales)
        if self.rate < 0.0:
            raise FormulaError(f"prior with rate {self.rate}: give zero or more.")

    @property
    def is_proper(self) -> bool:
        """Whether the prior integrates to one."""
        return self.shape > 0.0 and self.rate > 0.0

    @property
    def same_regressors(self) -> bool:
        """Models with other coefficients can be compared where the prior is proper."""
        return not self.is_proper

    def moments(self, terms: tuple[str, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Prior means and scales of the coefficients of these terms.

        Raises
        ------
        FormulaError
            If a mapping does not name exactly the terms.
        """
        return _by_term("mean", self.mean, terms), _by_term("scale", self.scale, terms)

    def added(self, posed: Estimate) -> Added:
        """One observation per coefficient.

        Raises
        ------
        FormulaError
            If a mapping does not name exactly the terms of the model.
        """
        mean, scale = self.moments(posed.terms)
        root = np.diag(1.0 / scale)
        norm = _log_root(root)
        if self.is_proper:
            norm += self.shape * np.log(self.rate) - float(gammaln(self.shape))
        return Added(root, mean / scale, self.shape, self.rate, norm)

    def name(self) -> str:
        """Say what it is, for the foot of a table."""
        return (
            f"normal coefficients with {_said('mean', self.mean)} and {_said('scale', self.scale)} "
            f"in units of σ, σ² inverse gamma({self.shape:g}, {self.rate:g})"
        )


def _log_root(root: NDArray[np.float64]) -> float:
    return float(np.log(np.abs(np.diag(root))).sum())


def _by_term(
    what: str, given: float | Mapping[str, float], terms: tuple[str, ...]
) -> NDArray[np.float64]:
    if not isinstance(given, Mapping):
        return np.full(len(terms), float(given))
    if set(given) != set(terms):
        raise FormulaError(
            f"prior {what} names {first_five(given)}; name exactly the terms of the model: "
            f"{first_five(terms)}."
        )
    return np.array([float(given[term]) for term in terms])


def _said(what: str, given: float | Mapping[str, float]) -> str:
    return f"own {what}s" if isinstance(given, Mapping) else f"{what} {given:g}"


def _refuse_not_positive(what: str, **values: float) -> None:
    for name, value in values.items():
        if not (np.isfinite(value) and value > 0.0):
            raise FormulaError(f"{what} with {name} = {value}: give a positive number.")
