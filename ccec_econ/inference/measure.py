"""Effects as a map of the parameters, evaluated at the estimate, at draws and at refits.

Delta: gradient of the effect times the covariance of the parameters. Simulation: percentiles of
the effect over draws of the parameters. Bootstrap: basic interval over refits of simulated panels.
All three read the same linear map of the coefficients through the multipliers of a reduced form.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.errors import IdentificationError
from ccec_econ.inference.draws import draw_parameters
from ccec_econ.inference.intervals import SPACE, Convention
from ccec_econ.inference.reduced_form import ReducedForm
from ccec_econ.inference.resampled import Bootstrap, basic, percentiles
from ccec_econ.inference.vcov import Vcov
from ccec_econ.inference.weighted_period import Reduction

__all__ = [
    "ROUNDING",
    "EffectMap",
    "Measured",
    "Refits",
    "effect_map",
    "errors_along",
    "measure",
    "slopes_along",
]

type Refits = Callable[[], Bootstrap]

ROUNDING = 1e-14
"""Share of a term's size below which a standard error counts as zero: the model fixes the effect"""


@dataclass(frozen=True, slots=True)
class EffectMap:
    """Effects of every term as a function of the parameters.

    Attributes
    ----------
    form : ReducedForm
    reduction : Reduction
        R cells per level.
    chosen : ndarray, shape (1 + M, terms, C, P)
        Which parameters add to b (first) and t_m; C is 1, or one per cell.
    """

    form: ReducedForm
    reduction: Reduction
    chosen: NDArray[np.float64]

    def at(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Cells at parameters (D, P): shape (D, terms, cells)."""
        each = np.einsum("stcp,dp->dstc", self.chosen, theta)
        cells = self.form.reduced(theta, self.reduction)
        return np.asarray((each * cells[:, :, None]).sum(axis=1))

    def slopes(self) -> NDArray[np.float64]:
        """Differentiate at the parameters of the form: shape (terms, cells, P)."""
        theta = self.form.theta
        cells = self.form.reduced(theta[None, :], self.reduction)[0]
        out = (self.chosen * cells[:, None, :, None]).sum(axis=0)
        each = self.chosen @ theta
        for j, part in self.form.slopes(self.reduction).items():
            out[:, :, j] += (each * part[:, None]).sum(axis=0)
        return np.asarray(out)


def effect_map(form: ReducedForm, reduction: Reduction) -> EffectMap:
    """Effects of every term of a form, one coefficient each."""
    width = 1 + len(form.periods[0].lagging)
    chosen = np.zeros((width, len(form.terms), 1, len(form.theta)))
    for i, term in enumerate(form.terms):
        for s, at in enumerate((term.own, *term.lags)[:width]):
            if at is not None:
                chosen[s, i, 0, at] = 1.0
    return EffectMap(form, reduction, chosen)


@dataclass(frozen=True, slots=True)
class Measured:
    """Cells of an effect map with everything that intervals need.

    Attributes
    ----------
    point : ndarray, shape (terms, cells)
    slopes : ndarray, shape (terms, cells, P)
    V : ndarray, shape (P, P)
    sample : ndarray, shape (draws, terms, cells)
    resampled : ndarray, shape (refits, terms, cells), or None
    convention : Convention
    """

    point: NDArray[np.float64]
    slopes: NDArray[np.float64]
    V: NDArray[np.float64]
    sample: NDArray[np.float64]
    resampled: NDArray[np.float64] | None
    convention: Convention

    def refits(self, shape: tuple[int, ...]) -> NDArray[np.float64] | None:
        """Cells of all terms in the refits, shape (refits, *shape); None without a bootstrap."""
        return None if self.resampled is None else self.resampled.reshape(-1, *shape)

    def frame(self, combine: NDArray[np.float64], index: pd.MultiIndex) -> pd.DataFrame:
        """Columns of `Intervals.frame` for combinations (O, cells) of the cells of each term.

        The index runs over the terms first, then over the O combinations. What the model fixes at
        zero, as the direct effect of a term that only W(x) holds, is an exact zero.
        """
        basis, level = self.convention, self.convention.level
        along = slopes_along(self.slopes, combine)
        point, error = self.point @ combine.T, errors_along(along, self.V)
        reach = basis.vcov.quantile(level, along) * error
        low, high = percentiles(self.sample @ combine.T, level)
        columns = {
            "estimate": point,
            "std_error": error,
            "lower": point - reach,
            "upper": point + reach,
            "sim_lower": low,
            "sim_upper": high,
        }
        if self.resampled is not None:
            ends = basic(point, self.resampled @ combine.T, level)
            columns |= dict(zip(("boot_lower", "boot_upper"), ends, strict=True))
        size = (np.abs(point) + error).max(axis=1, keepdims=True)
        free = error > ROUNDING * size
        return pd.DataFrame(
            {name: np.where(free, each, 0.0).ravel() for name, each in columns.items()},
            index=index,
        )


def slopes_along(slopes: NDArray[np.float64], combine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slopes (terms, O, P) of combinations (O, cells) of cells with slopes (terms, cells, P)."""
    return np.asarray(np.einsum("oc,tcp->top", combine, slopes))


def errors_along(slopes: NDArray[np.float64], V: NDArray[np.float64]) -> NDArray[np.float64]:
    """Delta-method errors: slopes (..., P), covariance of the parameters (P, P)."""
    variance = np.einsum("...p,pq,...q->...", slopes, V, slopes)
    return np.asarray(np.sqrt(np.clip(variance, 0.0, None)))


def measure(
    effects: EffectMap,
    vcov: Vcov,
    *,
    level: float,
    draws: int,
    rng: np.random.Generator,
    bootstrap: Refits | None = None,
) -> Measured:
    """Evaluate an effect map at the estimate, at draws of its parameters and at refits.

    Parameters
    ----------
    level : float
        Confidence level in (0, 1).
    draws : int
        Draws of the parameters from the normal or t distribution that the covariance refers to;
        where each effect has its own degrees of freedom, the smallest among the cells.
    bootstrap : callable, optional
        Makes the refits of the same fit; called once nothing else is left to refuse.

    Raises
    ------
    ValueError
        If `level` is not in (0, 1) or `draws` is not positive.
    FormulaError
        If the bootstrap is one of another fit.
    IdentificationError
        If nearly all draws leave the parameter space, or a bootstrap is asked for beyond the short
        run.
    """
    if not 0.0 < level < 1.0 or draws < 1:
        raise ValueError(f"level {level}, draws {draws}: need 0 < level < 1 and draws >= 1.")
    form = effects.form
    beyond = form.is_dynamic and form.reach.horizon != "short"
    if beyond and bootstrap is not None:
        raise IdentificationError(
            "bootstrap intervals stop at the short run: refits that are not stable have no effects "
            "beyond it; read the delta and simulation intervals."
        )
    V, slopes = form.covariance(vcov), effects.slopes()
    df = vcov.least(slopes)
    sample, rejected = draw_parameters(
        form.theta, V, df, draws, rng, inside=form.inside, region=form.region
    )
    refits = None if bootstrap is None else bootstrap()
    again = None
    if refits is not None:
        again = effects.at(refits.parameters(form.names, form.theta, form.kept))
    return Measured(
        point=effects.at(form.theta[None, :])[0],
        slopes=slopes,
        V=V,
        sample=effects.at(sample),
        resampled=again,
        convention=Convention(
            level=level,
            draws=draws,
            rejected=rejected,
            vcov=vcov,
            df=df,
            space=SPACE + " or the stable region" * beyond,
            refits=0 if refits is None else len(refits.draws),
            failed=0.0 if refits is None else refits.failed_share,
            innovations=None if refits is None else refits.innovations,
            remarks=form.remarks,
        ),
    )
