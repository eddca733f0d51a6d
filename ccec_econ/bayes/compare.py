"""Posterior over weights and models, and effects averaged over both.

The marginal likelihood of a model integrates everything out,

    p(y | M) = int p(psi) |I - psi W^|^tau c(psi) (b + SSE(psi)/2)^-(a + N/2) dpsi,

with c(psi) the ratio of the roots of prior and posterior precision (`ccec_econ.bayes.sampler`), and
with equal prior probabilities Pr(M | y) is its share of the sum. Under flat priors this is

    ln p(y | M) = -ln D + ln G(v) - v ln pi - ln|Z'Z|/2 + ln int |I - rho W^|^tau SSE^-v drho,

D the width of the interval of rho, G the gamma function, v = (N - K)/2; for SDEM -ln|Z'R'RZ|/2 is
inside the integral. The scale of a flat prior is arbitrary, so models with other coefficients
cannot be compared under it: the longer the unit in which x is measured, the more a model without
W x is favoured (Bartlett's paradox). Under a g-prior they can. The same holds between weights: the
lags of a W that averages over more units vary less, |Z'Z| is smaller and p(y | M) larger, whatever
the fit. Flat priors order models with the same Z; between weights the g-prior is the one to read.

References
----------
LeSage, J. P. (2014). Spatial econometric panel data model specification: a Bayesian approach.
Spatial Statistics 9, 122-145.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.bayes.effects import effect_draws, effect_index
from ccec_econ.bayes.fit import BayesModel, Source, pose_model, source
from ccec_econ.bayes.priors import Flat, Prior
from ccec_econ.bayes.quantities import Quantities, quantities
from ccec_econ.bayes.sampler import Kernel, Marginal, kernel, settled
from ccec_econ.engine.estimate import Estimate
from ccec_econ.errors import FormulaError, IdentificationError, first_five
from ccec_econ.inference.reduced_form import static_form
from ccec_econ.models.fitting import Options
from ccec_econ.typeset import Printed, Table, number
from ccec_econ.weights import WeightsLike

__all__ = ["Comparison", "compare"]

_NO_WEIGHTS = "none"
_FLAT = Flat()
_SCALE = (
    "Under this prior weights that average over more units gain, because the lags they make vary "
    "less: between weights read the g-prior."
)
_ZERO = "Models without spatial lags have effects on others of zero, which are not above zero."


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model with one W: its likelihood and its posterior."""

    weights: str
    model: str
    posed: Estimate
    kernel: Kernel
    marginal: Marginal | None


@dataclass(frozen=True, slots=True, repr=False)
class Comparison(Printed):
    """Posterior over weights and models.

    Attributes
    ----------
    frame : DataFrame
        Indexed (weights, model): log_marginal, probability.
    candidates : tuple of Candidate
        In the order of the frame.
    prior : Prior
    spec : str
        The formula.
    """

    frame: pd.DataFrame
    candidates: tuple[Candidate, ...]
    prior: Prior
    spec: str

    @property
    def by_weights(self) -> pd.Series:
        """Probability of each W, summed over models."""
        return pd.Series(self.frame["probability"].groupby(level="weights", sort=False).sum())

    @property
    def by_model(self) -> pd.Series:
        """Probability of each model, summed over weights."""
        return pd.Series(self.frame["probability"].groupby(level="model", sort=False).sum())

    def effects(
        self, *, draws: int = 10_000, level: float = 0.95, rng: int | np.random.Generator = 0
    ) -> Quantities:
        """Effects averaged over weights and models: sum_j Pr(j) p(effect | j).

        Draws come from candidates as often as these are probable.

        Parameters
        ----------
        draws : int
        level : float
            Probability of the intervals.
        rng : int or Generator
            Seed or generator; the default repeats the same draws.

        Raises
        ------
        ValueError
            If `draws` is not positive or `level` is not in (0, 1).
        """
        if draws < 1:
            raise ValueError(f"draws {draws}: give one or more.")
        generator = np.random.default_rng(rng)
        shares = self.frame["probability"].to_numpy()
        counts = generator.multinomial(draws, shares / shares.sum())
        parts = [
            self._sample(one, int(count), generator)
            for one, count in zip(self.candidates, counts, strict=True)
            if count
        ]
        stacked = np.concatenate(parts)
        return quantities(
            stacked.reshape(len(stacked), -1),
            effect_index(static_form(self.candidates[0].posed)),
            level=level,
            title="Effects averaged over weights and models",
            remarks=(
                f"{draws:,} independent draws, from {len(self.candidates)} candidates by their "
                "posterior probability.",
                *self.notes(),
                *([_ZERO] if self._has_zeros() else []),
            ),
            by_median=any(one.kernel.name == "rho" for one in self.candidates),
        )

    def effects_of(
        self,
        weights: str,
        model: str,
        *,
        draws: int = 10_000,
        level: float = 0.95,
        rng: int | np.random.Generator = 0,
    ) -> Quantities:
        """Effects under one of the candidates.

        Parameters
        ----------
        draws, level, rng
            As in `effects`.

        Raises
        ------
        FormulaError
            If there is no such candidate.
        """
        named = [one for one in self.candidates if (one.weights, one.model) == (weights, model)]
        if not named:
            raise FormulaError(
                f"no candidate ({weights!r}, {model!r}); there are {first_five(self.frame.index)}."
            )
        found = self._sample(named[0], draws, np.random.default_rng(rng))
        return quantities(
            found.reshape(len(found), -1),
            effect_index(static_form(named[0].posed)),
            level=level,
            title=f"Effects, {model.upper()} with weights {weights}",
            remarks=(f"{draws:,} independent draws.", *self.notes()),
            by_median=named[0].kernel.name == "rho",
        )

    def summary(self, digits: int = 3) -> Table:
        """Table of probabilities, weights in rows and models in columns."""
        wide = self.frame["probability"].unstack("model", sort=False)
        logs = self.frame["log_marginal"].groupby(level="weights", sort=False).max()
        rows = [
            (
                str(name),
                *(number(cell, digits) for cell in wide.loc[name]),
                number(self.by_weights[name], digits),
                number(logs[name], 2),
            )
            for name in wide.index
        ]
        sums = [number(self.by_model[name], digits) for name in wide.columns]
        total = ("All", *sums, number(1.0, digits))
        heads = (*(str(m).upper() for m in wide.columns), "All models")
        return Table(
            title=f"Posterior probability of weights and models: {self.spec}",
            columns=("Weights", *heads, "Highest log marginal"),
            rows=(*rows, (*total, "")),
            rules=frozenset({len(rows)}),
            notes=self.notes(),
        )

    def notes(self) -> tuple[str, ...]:
        """Prior and prior probabilities, for the foot of a table."""
        spatial = f"; rho and lam each {self.prior.spatial.name()}"
        return (
            f"Prior: {self.prior.name()}{spatial}.",
            f"{len(self.candidates)} candidates, each with the same prior probability.",
            *([_SCALE] if self._rests_on_scale() else []),
        )

    def _has_zeros(self) -> bool:
        """Whether a candidate sets the effects of one unit on another to zero."""
        return any(one.model in ("ols", "sem") for one in self.candidates)

    def _rests_on_scale(self) -> bool:
        """Whether the odds between weights depend on how much the lags vary."""
        several = len({one.weights for one in self.candidates}) > 1
        lagged = any(any(one.posed.lag_of) for one in self.candidates)
        return several and lagged and self.prior.same_regressors

    @staticmethod
    def _sample(one: Candidate, size: int, rng: np.random.Generator) -> NDArray[np.float64]:
        posed = settled(one.posed, 0.0)
        return effect_draws(static_form(posed), one.kernel.draw(one.marginal, size, rng))


def compare(
    formula: str,
    data: pd.DataFrame,
    weights: Mapping[str, WeightsLike],
    *,
    models: Sequence[BayesModel] = ("slx", "sdm", "sdem"),
    prior: Prior = _FLAT,
    index: tuple[str, str] | None = None,
    durbin: Sequence[str] | None = None,
) -> Comparison:
    """Compare weights and models by their marginal likelihoods.

    Parameters
    ----------
    formula, data, index, durbin
        As in `ce.sdm`.
    weights : mapping
        Graph or W by name.
    models : sequence of str
        Among "ols", "slx", "sar", "sem", "sdm" and "sdem"; "ols" enters once, whatever the W.
    prior : Prior
        Flat by default: then all models must have the same coefficients.

    Raises
    ------
    IdentificationError
        If the prior does not let models with other coefficients be compared.
    FormulaError
        If there are no weights or models, one twice, or a model is unknown.
    PanelError, AlignmentError, WeightsError

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> near = {"border": ce.weights.contiguity(), "four nearest": ce.weights.nearest(k=4)}
    >>> found = ce.bayes.compare("growth ~ digital + hsr | unit + year", panel, near)
    >>> found.frame.shape
    (6, 2)
    """
    if not weights or not models or len(set(models)) < len(models):
        raise FormulaError(
            f"weights {first_five(weights) or 'none'}, models {first_five(models) or 'none'}: give "
            "one W or more by name, and each model once."
        )
    origin = source(formula, data, Options(durbin=durbin, index=index))
    found: list[Candidate] = []
    for place, (name, W) in enumerate(weights.items()):
        chosen = [model for model in models if model != "ols" or place == 0]
        found += _candidates(name, W, chosen, origin, prior)
    _refuse_other_regressors(found, prior)
    logs = np.array([one.kernel.log_marginal(one.marginal) for one in found])
    shares = np.exp(logs - logs.max())
    frame = pd.DataFrame(
        {"log_marginal": logs, "probability": shares / shares.sum()},
        index=pd.MultiIndex.from_tuples(
            [(one.weights, one.model) for one in found], names=["weights", "model"]
        ),
    )
    return Comparison(frame, tuple(found), prior, str(origin.spec))


def _candidates(
    name: str, W: WeightsLike, models: Sequence[str], origin: Source, prior: Prior
) -> list[Candidate]:
    """All models with one W; the weights are decomposed once."""
    known, out = None, []
    for model in models:
        posed, given, design = pose_model(model, origin, W, known)
        known = given, design
        core = kernel(posed, prior)
        label = _NO_WEIGHTS if model == "ols" else name
        out.append(Candidate(label, model, posed, core, core.marginal()))
    return out


def _refuse_other_regressors(found: Sequence[Candidate], prior: Prior) -> None:
    terms = {one.model: frozenset(one.posed.terms) for one in found}
    if not prior.same_regressors or len(set(terms.values())) == 1:
        return
    sizes = ", ".join(f"{model.upper()} {len(each)}" for model, each in terms.items())
    raise IdentificationError(
        f"models with other coefficients ({sizes}) under a prior that is {prior.name()}: their "
        "odds would rest on the units of the regressors (Bartlett's paradox); give "
        "prior=ce.bayes.GPrior(), or models with the same regressors, such as slx, sdm and sdem."
    )
