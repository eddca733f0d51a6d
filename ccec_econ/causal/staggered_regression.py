"""Sun-Abraham and two-way fixed effects: least squares on dummies, clustered by unit."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.causal.design import Design, finite_column
from ccec_econ.causal.staggered_results import Estimates
from ccec_econ.inference.cluster import Cluster
from ccec_econ.models.static import ols

__all__ = ["sun_abraham", "two_way"]

_CONVENTION = "clustered by unit (CR1)"
_SHARES = "Shares of cohorts count as fixed."


def sun_abraham(design: Design, covariates: tuple[str, ...]) -> Estimates:
    """Saturated regression on cohort by event time, and means by the cohorts' shares.

    Sun and Abraham (2021, Journal of Econometrics 225, 175-199); the untreated of the panel are
    the reference cohort.
    """
    cells = [
        (int(g), int(t))
        for g in design.cohorts.index
        for t in design.periods
        if t - g != design.base
    ]
    dummies = np.stack([_cell(design, g, t) for g, t in cells], axis=2)
    beta, cov = _least_squares(design, dummies, covariates)
    first, period = np.array(cells).T
    units = design.cohorts.reindex(first).to_numpy(float)
    times = np.unique(period - first)
    shares = (period - first == times[:, None]) * units
    members = (first == design.cohorts.index.to_numpy()[:, None]) & (period >= first)
    return Estimates(
        overall=_means(beta, cov, ((period >= first) * units)[None]).iloc[0],
        event_study=_means(beta, cov, shares, pd.Index(times, name="event_time")),
        by_cohort=_means(beta, cov, members, pd.Index(design.cohorts.index, name="cohort")),
        cells=_means(
            beta,
            cov,
            np.eye(len(beta)),
            pd.MultiIndex.from_tuples(cells, names=["cohort", "period"]),
        ),
        covariance=_covariance(cov, shares, pd.Index(times, name="event_time")),
        convention=_CONVENTION,
        remarks=(_SHARES,),
    )


def two_way(design: Design, compared: Design, covariates: tuple[str, ...]) -> Estimates:
    """One coefficient of treatment on all data; an event study on the periods with controls."""
    effect, cov = _least_squares(design, design.treated[:, :, None].astype(float), covariates)
    since = compared.periods[:, None] - np.where(compared.ever, compared.adoption, np.nan)
    times = np.unique(since[np.isfinite(since)]).astype(int)
    times = times[times != compared.base]
    dummies = (since[:, :, None] == times).astype(float)
    betas, joint = _least_squares(compared, dummies, covariates)
    index = pd.Index(times, name="event_time")
    each = np.eye(len(times))
    return Estimates(
        overall=_means(effect, cov, np.eye(1)).iloc[0],
        event_study=_means(betas, joint, each, index),
        by_cohort=pd.DataFrame(columns=["estimate", "se"]),
        cells=pd.DataFrame(columns=["estimate", "se"]),
        covariance=_covariance(joint, each, index),
        convention=_CONVENTION,
        remarks=(
            "The coefficient is a variance-weighted mean of comparisons, some with units already "
            "treated; where effects differ it can leave their range.",
        ),
    )


def _cell(design: Design, g: int, t: int) -> NDArray[np.float64]:
    """Mark a cohort in a period, (T, N)."""
    return np.outer(design.periods == t, design.adoption == g).astype(np.float64)


def _least_squares(
    design: Design, dummies: NDArray[np.float64], covariates: tuple[str, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coefficients of dummies (T, N, K) with unit and period effects, and their covariance."""
    values = [design.y, *np.moveaxis(dummies, 2, 0)]
    values += [finite_column(design.panel, name) for name in covariates]
    names = ["y", *(f"x{k}" for k in range(len(values) - 1))]
    frame = pd.DataFrame(
        {name: array.reshape(-1) for name, array in zip(names, values, strict=True)},
        index=design.panel.frame.index.set_names(["time", "unit"]),
    ).swaplevel()
    fit = ols(f"y ~ {' + '.join(names[1:])} | unit + time", frame).with_cov(Cluster("unit"))
    kept = names[1 : 1 + dummies.shape[2]]
    return fit.params[kept].to_numpy(), fit.cov.loc[kept, kept].to_numpy()


def _means(
    beta: NDArray[np.float64],
    cov: NDArray[np.float64],
    weights: NDArray[np.float64] | NDArray[np.bool_],
    index: pd.Index | None = None,
) -> pd.DataFrame:
    """Weighted means of coefficients, weights (R, K) scaled to one."""
    W = weights / weights.sum(axis=1, keepdims=True)
    variance = np.einsum("rk,kl,rl->r", W, cov, W)
    return pd.DataFrame({"estimate": W @ beta, "se": np.sqrt(variance)}, index=index)


def _covariance(
    cov: NDArray[np.float64], weights: NDArray[np.float64], index: pd.Index
) -> pd.DataFrame:
    W = weights / weights.sum(axis=1, keepdims=True)
    return pd.DataFrame(W @ cov @ W.T, index=index, columns=index)
