"""Simulation-based calibration: whether the sampler draws from the posterior that it says.

Parameters drawn from the prior, a response simulated with them, and draws from its posterior: the
rank of the truth among the draws is uniform when prior, likelihood and sampler agree (Talts,
Betancourt, Simpson, Vehtari and Gelman 2018, arXiv:1804.06788).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ccec_econ.bayes.container import labelled
from ccec_econ.bayes.fit import BayesModel, pose_model, source
from ccec_econ.bayes.priors import NormalInverseGamma
from ccec_econ.bayes.results import drawn_prior
from ccec_econ.bayes.sampler import Draws, kernel
from ccec_econ.engine.estimate import Estimate
from ccec_econ.engine.likelihood import Optimum
from ccec_econ.errors import IdentificationError
from ccec_econ.inference.lm import extend
from ccec_econ.inference.nested import response
from ccec_econ.models.fitting import Options
from ccec_econ.parallel import spread
from ccec_econ.typeset import Printed, Table, number
from ccec_econ.weights import WeightsLike

__all__ = ["Calibration", "calibrate"]

_PRIOR = NormalInverseGamma(scale=1.0, shape=5.0, rate=4.0)
_BINS = 10


@dataclass(frozen=True, slots=True, repr=False)
class Calibration(Printed):
    """Ranks of the truth among posterior draws.

    Attributes
    ----------
    ranks : DataFrame
        One row per simulated panel, one column per parameter: 0 to `draws`.
    draws : int
        Posterior draws of each panel.
    model, prior : str
    """

    ranks: pd.DataFrame
    draws: int
    model: str
    prior: str

    @property
    def pvalues(self) -> pd.Series:
        """Chi-squared test, for every parameter, that ranks fall evenly into ten bins."""
        edges = np.linspace(-0.5, self.draws + 0.5, _BINS + 1)
        share = np.diff(np.floor(edges + 0.5)) / (self.draws + 1)
        found = {
            name: stats.chisquare(np.histogram(column, edges)[0], len(column) * share).pvalue
            for name, column in self.ranks.items()
        }
        return pd.Series(found, name="pvalue")

    def summary(self) -> Table:
        """Table of mean ranks and tests of uniformity."""
        rows = tuple(
            (
                str(name),
                number(self.ranks[name].mean() / self.draws, 3),
                number(self.ranks[name].std() / self.draws, 3),
                number(pvalue, 3),
            )
            for name, pvalue in self.pvalues.items()
        )
        return Table(
            title=f"Calibration of the {self.model.upper()} posterior by simulation",
            columns=("Parameter", "Mean rank", "Std. dev.", "p, uniform"),
            rows=rows,
            notes=(
                f"{len(self.ranks):,} panels simulated from the prior, {self.draws} posterior "
                "draws each; ranks from 0 to 1. Uniform ranks have mean 0.500 and standard "
                "deviation 0.289; p of a chi-squared test on ten bins.",
                f"Prior: {self.prior}.",
            ),
        )


def calibrate(
    formula: str,
    data: pd.DataFrame,
    weights: WeightsLike | None = None,
    *,
    model: BayesModel = "sdm",
    prior: NormalInverseGamma = _PRIOR,
    panels: int = 500,
    draws: int = 99,
    rng: int | np.random.Generator = 0,
    index: tuple[str, str] | None = None,
    durbin: Sequence[str] | None = None,
) -> Calibration:
    """Rank parameters drawn from the prior among draws from the posterior they lead to.

    Parameters
    ----------
    formula, data, weights, model, index, durbin
        As in `ce.bayes.fit`; of the response only its name matters.
    prior : NormalInverseGamma
        Proper.
    panels : int
        Simulated panels.
    draws : int
        Posterior draws of each; one less than a multiple of ten gives bins of equal width.
    rng : int or Generator
        Seed or generator; the default repeats the same draws.

    Raises
    ------
    IdentificationError
        If the prior is improper: there is nothing to draw from.
    PanelError, FormulaError, AlignmentError, WeightsError

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel, W = ce.data.load_panel(years=(2011, 2019)), ce.weights.contiguity()
    >>> found = ce.bayes.calibrate("growth ~ digital + hsr | unit + year", panel, W, panels=20)
    >>> found.ranks.shape
    (20, 6)
    """
    if not isinstance(prior, NormalInverseGamma) or not prior.is_proper:
        raise IdentificationError(
            "calibration draws parameters from the prior, and this one is improper: give "
            "ce.bayes.NormalInverseGamma with shape and rate above zero."
        )
    generator = np.random.default_rng(rng)
    origin = source(formula, data, Options(durbin=durbin, index=index))
    posed, _, _ = pose_model(model, origin, weights)
    truth = drawn_prior(prior, kernel(posed, prior), posed, panels, generator)

    def ranks(piece: tuple[int, np.random.Generator]) -> NDArray[np.int64]:
        i, own = piece
        one = truth.part(slice(i, i + 1))
        core = kernel(_with_response(_at(posed, one), own), prior)
        sample = _columns(posed, core.draw(core.marginal(), draws, own))
        return np.asarray((sample < _columns(posed, one)).sum(axis=0))

    rows = spread(ranks, enumerate(generator.spawn(panels)))
    names = [*posed.terms, *posed.spatial, "sigma2"]
    return Calibration(pd.DataFrame(rows, columns=names), draws, model, prior.name())


def _columns(posed: Estimate, draws: Draws) -> NDArray[np.float64]:
    return np.column_stack(list(labelled(posed, draws).values()))


def _at(posed: Estimate, truth: Draws) -> Estimate:
    spatial = {"rho": 0.0, "lam": 0.0} | dict.fromkeys(posed.spatial, float(truth.spatial[0]))
    optimum = Optimum(
        coefficients=truth.coefficients[0], sigma2=float(truth.sigma2[0]), loglik=np.nan, **spatial
    )
    return replace(posed, optimum=optimum)


def _with_response(truth: Estimate, rng: np.random.Generator) -> Estimate:
    """Likelihood of a response simulated with given parameters."""
    y = response(truth, rng.standard_normal(truth.y.shape))
    W = truth.weights if truth.spectrum is not None else None
    return extend(replace(truth, y=y, Wy=np.zeros_like(y)), W, None)
