"""Bootstrap and wild cluster bootstrap, from results."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ccec_econ.inference import wild
from ccec_econ.inference.resampled import Bootstrap, Innovations
from ccec_econ.inference.wild import WildCluster, WildWeights
from ccec_econ.models.results import SpatialPanelResults, family

__all__ = ["bootstrap", "wild_cluster"]


def bootstrap(
    results: SpatialPanelResults,
    *,
    draws: int = 999,
    innovations: Innovations = "normal",
    level: float = 0.95,
    rng: int | np.random.Generator = 0,
) -> Bootstrap:
    """Simulate the fitted model and refit it: errors, bias and intervals without asymptotics.

    Dynamic models are simulated from their first observation on, each refit corrected as the fit
    was; effects are then those of the short run.

    Parameters
    ----------
    draws : int
        Refits tried; failures are counted and reported.
    innovations : {"normal", "cell", "period", "unit"}
        Normal innovations, or residuals drawn by cell, by whole period or by whole unit.
    level : float
        Confidence level of percentile and basic intervals.
    rng : int or Generator

    Raises
    ------
    ConvergenceError
        If more than half of the refits fail.
    WeightsError
        If time effects meet weights that are not row-standardised.
    ValueError
        If an option is out of range.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> from ccec_econ.models.resampling import bootstrap
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> fit = ce.sdm("growth ~ digital | unit + year", panel, ce.weights.contiguity())
    >>> bootstrap(fit, draws=99).frame.loc["total digital"].size
    8
    """
    family(results)
    return results.refits(
        draws, innovations=innovations, level=level, rng=np.random.default_rng(rng)
    )


def wild_cluster(
    results: SpatialPanelResults,
    term: str | Mapping[str, float],
    *,
    null: float = 0.0,
    weights: WildWeights = "rademacher",
    draws: int = 9999,
    level: float = 0.95,
    rng: int | np.random.Generator = 0,
) -> WildCluster:
    """Test a coefficient, or a combination, of OLS or SLX by the restricted wild cluster bootstrap.

    Parameters and errors as in `inference.wild.wild_cluster`.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> from ccec_econ.models.resampling import wild_cluster
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> wild_cluster(ce.ols("growth ~ digital | unit + year", panel), "digital").draws
    65536
    """
    family(results)
    return wild.wild_cluster(
        results.estimate,
        term,
        null=null,
        weights=weights,
        draws=draws,
        level=level,
        rng=np.random.default_rng(rng),
    )
