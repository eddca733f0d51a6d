"""From the columns of a dynamic model to posterior draws."""

from __future__ import annotations

import numpy as np

from ccec_econ.bayes.dynamic import dynamic_kernel
from ccec_econ.bayes.dynamic_results import DynamicPosterior, UnitEffects
from ccec_econ.bayes.priors import Prior
from ccec_econ.bayes.sampler import kernel, settled
from ccec_econ.engine.estimate import Estimate, pose
from ccec_econ.models.dynamic import DynamicData
from ccec_econ.models.time_lags import observed_path

__all__ = ["fit_dynamic", "pose_dynamic"]


def fit_dynamic(
    model: str,
    read: DynamicData,
    prior: Prior,
    unit_effects: UnitEffects,
    *,
    draws: int,
    rng: np.random.Generator,
) -> DynamicPosterior:
    """Draw from the posterior of a dynamic model.

    Raises
    ------
    IdentificationError
        If columns are dependent, the weights leave the likelihood flat, or the posterior has no
        mass where the process is stable.
    FormulaError
        If the prior names other terms.
    """
    posed = pose_dynamic(read)
    flat = kernel(posed, prior)
    marginal = flat.marginal()
    if unit_effects == "flat":
        sample = flat.draw(marginal, draws, rng)
    else:
        sample = dynamic_kernel(posed, read.lags, flat).draw(draws, flat, marginal, rng)
    return DynamicPosterior(
        model=f"dynamic {model}",
        spec=read.spec,
        panel=read.panel,
        estimate=settled(posed, float(sample.spatial.mean())),
        prior=prior,
        kernel=flat,
        marginal=marginal,
        draws=sample,
        seed=int(rng.integers(2**62)),
        lags=read.lags,
        X=read.columns.X,
        path=observed_path(read.panel, read.design.y),
        history=read.history,
        unit_effects=unit_effects,
    )


def pose_dynamic(read: DynamicData) -> Estimate:
    """Write the likelihood under flat unit effects: that of a static model on T - 1 periods.

    Raises
    ------
    IdentificationError
        If columns are dependent.
    """
    return pose(
        read.columns,
        weights=read.own,
        x_weights=read.x_own,
        error_weights=None,
        lag_y=True,
        effects=read.effects,
        method="transformation",
    )
