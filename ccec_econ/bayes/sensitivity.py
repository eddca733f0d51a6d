"""What the prior does to the effects: the same posterior under several priors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ccec_econ.bayes.fit import BayesModel, fit
from ccec_econ.bayes.priors import Beta, Flat, GPrior, Prior
from ccec_econ.bayes.quantities import Quantities, quantities
from ccec_econ.errors import FormulaError
from ccec_econ.weights import WeightsLike

__all__ = ["sensitivity"]

_PRIORS: Mapping[str, Prior] = {
    "flat": Flat(),
    "flat, Beta(1.01)": Flat(Beta(1.01)),
    "flat, Beta(3)": Flat(Beta(3.0)),
    "g-prior": GPrior(),
}


def sensitivity(
    formula: str,
    data: pd.DataFrame,
    weights: WeightsLike | None = None,
    *,
    priors: Mapping[str, Prior] = _PRIORS,
    model: BayesModel = "sdm",
    draws: int = 10_000,
    level: float = 0.95,
    rng: int = 0,
    index: tuple[str, str] | None = None,
    durbin: Sequence[str] | None = None,
) -> Quantities:
    """Effects under several priors, side by side.

    Parameters
    ----------
    formula, data, weights, model, draws, index, durbin
        As in `ce.bayes.fit`.
    priors : mapping
        Prior by name. By default the flat one with rho uniform, Beta(1.01) and Beta(3), and the
        g-prior.
    level : float
        Probability of the intervals.
    rng : int
        Seed; the same random numbers serve all priors, so that what differs is the prior.

    Returns
    -------
    Quantities
        Indexed (term, effect, prior).

    Raises
    ------
    FormulaError
        If there is no prior.
    PanelError, AlignmentError, WeightsError, IdentificationError
        As `ce.bayes.fit`.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel, W = ce.data.load_panel(years=(2011, 2019)), ce.weights.contiguity()
    >>> found = sensitivity("growth ~ digital | unit + year", panel, W, draws=100)
    >>> found.frame.shape
    (12, 8)
    """
    if not priors:
        raise FormulaError("no priors: give one or more by name.")
    posts = [
        fit(
            formula,
            data,
            weights,
            prior=prior,
            model=model,
            draws=draws,
            rng=rng,
            index=index,
            durbin=durbin,
        )
        for prior in priors.values()
    ]
    effects = [post.effects(level=level) for post in posts]
    labels = [(*label, name) for label in effects[0].frame.index for name in priors]
    stacked = np.stack([one.samples for one in effects], axis=2)
    return quantities(
        stacked.reshape(len(stacked), -1),
        pd.MultiIndex.from_tuples(labels, names=["term", "effect", "prior"]),
        level=level,
        title=f"Effects under several priors, {model.upper()}",
        remarks=(
            posts[0].notes()[0],
            *(
                f"{name}: {prior.name()}"
                + "".join(f"; {each} {prior.spatial.name()}" for each in posts[0].estimate.spatial)
                + "."
                for name, prior in priors.items()
            ),
            f"{draws:,} independent draws from each exact posterior.",
        ),
        by_median=effects[0].by_median,
    )
