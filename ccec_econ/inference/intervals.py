"""Delta, simulation and bootstrap intervals of effects, side by side.

Delta: gradient of the effect times the covariance of the parameters. Simulation: percentiles of
the effect over draws of the parameters. Bootstrap: basic interval over refits of simulated panels.
All three read the same linear map of the coefficients through the multipliers of a reduced form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ccec_econ.inference.draws import draw_parameters
from ccec_econ.inference.reduced_form import ReducedForm, Reduction
from ccec_econ.inference.resampled import SCHEMES, Bootstrap, basic, percentiles
from ccec_econ.inference.vcov import Vcov
from ccec_econ.typeset import Table

__all__ = ["Convention", "EffectMap", "Intervals", "Measured", "effect_map", "measure"]

_SPACE = "the parameter space"


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
    width = 1 + len(form.periods[0].regressors)
    chosen = np.zeros((width, len(form.terms), 1, len(form.theta)))
    for i, term in enumerate(form.terms):
        for s, at in enumerate((term.own, *term.lags)[:width]):
            if at is not None:
                chosen[s, i, 0, at] = 1.0
    return EffectMap(form, reduction, chosen)


@dataclass(frozen=True, slots=True)
class Convention:
    """What intervals rest on.

    Attributes
    ----------
    level : float
        Confidence level of all intervals.
    draws : int
        Draws kept for the simulation interval.
    rejected : float
        Share of draws thrown away because they left the parameter space.
    covariance : str
        Convention of the covariance.
    df : int or None
        Degrees of freedom of its t distribution; None for the normal.
    space : str
        What draws had to stay in.
    refits, failed : int, float
        Refits behind the bootstrap interval, and the share of them that failed besides; zero
        without one.
    innovations : str or None
        How the bootstrap drew them.
    remarks : tuple of str
        What else to say beneath a table.
    """

    level: float
    draws: int
    rejected: float
    covariance: str
    df: int | None
    space: str = _SPACE
    refits: int = 0
    failed: float = 0.0
    innovations: str | None = None
    remarks: tuple[str, ...] = ()

    def notes(self) -> tuple[str, ...]:
        """Sentences for the foot of a table."""
        out = [
            f"Covariance: {self.covariance}.",
            f"Simulation: percentiles of {self.draws:,} draws of the parameters; "
            f"{100 * self.rejected:.1f} % of draws left {self.space} and were replaced.",
        ]
        if self.innovations is not None:
            out.append(
                f"Bootstrap: basic interval from {self.refits:,} refits of simulated panels, "
                f"{SCHEMES[self.innovations]}; {100 * self.failed:.1f} % of refits failed and are "
                "left out."
            )
        return (*out, *self.remarks)


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

    def frame(self, combine: NDArray[np.float64], index: pd.MultiIndex) -> pd.DataFrame:
        """Columns of `Intervals.frame` for combinations (O, cells) of the cells of each term.

        The index runs over the terms first, then over the O combinations.
        """
        level = self.convention.level
        point = self.point @ combine.T
        slopes = np.einsum("oc,tcp->top", combine, self.slopes)
        error = np.sqrt(np.clip(np.einsum("top,pq,toq->to", slopes, self.V, slopes), 0.0, None))
        reach = float(stats.t.ppf(0.5 + level / 2, self.convention.df or np.inf)) * error
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
        return pd.DataFrame({name: each.ravel() for name, each in columns.items()}, index=index)


def measure(
    effects: EffectMap,
    vcov: Vcov,
    *,
    level: float,
    draws: int,
    rng: np.random.Generator,
    bootstrap: Bootstrap | None = None,
) -> Measured:
    """Evaluate an effect map at the estimate, at draws of its parameters and at refits.

    Parameters
    ----------
    level : float
        Confidence level in (0, 1).
    draws : int
        Draws of the parameters from the normal or t distribution that the covariance refers to.
    bootstrap : Bootstrap, optional
        Refits of the same fit.

    Raises
    ------
    ValueError
        If `level` is not in (0, 1) or `draws` is not positive.
    FormulaError
        If the bootstrap is one of another fit.
    IdentificationError
        If nearly all draws leave the parameter space.
    """
    if not 0.0 < level < 1.0 or draws < 1:
        raise ValueError(f"level {level}, draws {draws}: need 0 < level < 1 and draws >= 1.")
    form = effects.form
    V = form.covariance(vcov)
    sample, rejected = draw_parameters(
        form.theta, V, vcov.df, draws, rng, inside=form.inside, region=form.region
    )
    again = None
    if bootstrap is not None:
        again = effects.at(bootstrap.parameters(form.names, form.theta, form.kept))
    beyond = form.is_dynamic and form.reach.horizon != "short"
    return Measured(
        point=effects.at(form.theta[None, :])[0],
        slopes=effects.slopes(),
        V=V,
        sample=effects.at(sample),
        resampled=again,
        convention=Convention(
            level=level,
            draws=draws,
            rejected=rejected,
            covariance=vcov.convention,
            df=vcov.df,
            space=_SPACE + " or the stable region" * beyond,
            refits=0 if bootstrap is None else len(bootstrap.draws),
            failed=0.0 if bootstrap is None else bootstrap.failed_share,
            innovations=None if bootstrap is None else bootstrap.innovations,
            remarks=form.remarks,
        ),
    )


@dataclass(frozen=True, slots=True)
class Intervals:
    """A frame of effects with delta, simulation and, where asked for, bootstrap intervals.

    Attributes
    ----------
    frame : DataFrame
        Columns estimate, std_error, lower, upper (delta method), sim_lower, sim_upper (percentiles
        of the draws) and, with a bootstrap, boot_lower, boot_upper (basic interval).
    basis : Convention
        What the intervals rest on.
    scope : str
        Horizon of a dynamic model, such as "long run"; empty in others.
    """

    frame: pd.DataFrame
    basis: Convention
    scope: str

    @property
    def level(self) -> float:
        """Confidence level of all intervals."""
        return self.basis.level

    @property
    def draws(self) -> int:
        """Draws kept for the simulation interval."""
        return self.basis.draws

    @property
    def rejected(self) -> float:
        """Share of draws thrown away because they left the parameter space."""
        return self.basis.rejected

    @property
    def convention(self) -> str:
        """Covariance that the intervals rest on."""
        return self.basis.covariance

    @property
    def df(self) -> int | None:
        """Degrees of freedom of the t distribution; None for the normal."""
        return self.basis.df

    @property
    def spans(self) -> dict[str, tuple[str, str]]:
        """Columns of each interval, by printed name."""
        found = {"Delta": ("lower", "upper"), "Simulation": ("sim_lower", "sim_upper")}
        if "boot_lower" in self.frame.columns:
            found["Bootstrap"] = ("boot_lower", "boot_upper")
        return found

    def summary(self) -> Table:
        """Table of effects, with conventions beneath."""
        raise NotImplementedError

    def notes(self) -> tuple[str, ...]:
        """Sentences for the foot of a table."""
        return self.basis.notes()

    def to_latex(self) -> str:
        """Summary as LaTeX."""
        return self.summary().to_latex()

    def to_typst(self) -> str:
        """Summary as Typst."""
        return self.summary().to_typst()

    def to_markdown(self) -> str:
        """Summary as Markdown."""
        return self.summary().to_markdown()

    def __str__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary().to_html()

    def _titled(self, title: str) -> str:
        return f"{title}, {self.scope}" if self.scope else title
