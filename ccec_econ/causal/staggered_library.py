"""Callaway-Sant'Anna and imputation estimates, computed by diff-diff."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import pandas as pd

from ccec_econ.causal.design import Controls, Design, finite_column
from ccec_econ.causal.staggered_results import Estimates
from ccec_econ.errors import IdentificationError

__all__ = ["Adjustment", "callaway_santanna", "imputation"]

Adjustment = Literal["doubly_robust", "regression", "weighting"]
_ADJUSTMENTS: dict[Adjustment, str] = {
    "doubly_robust": "dr",
    "regression": "reg",
    "weighting": "ipw",
}
_COLUMNS = {"outcome": "y", "unit": "unit", "time": "time", "first_treat": "first"}
_LEADS = (
    "Estimates before the base period are coefficients of leads in a regression on untreated "
    "unit-periods, apart from those after."
)


def callaway_santanna(
    design: Design, controls: Controls, covariates: tuple[str, ...], adjustment: Adjustment
) -> Estimates:
    """Group-time effects and their means (Callaway and Sant'Anna 2021), universal base period."""
    import diff_diff

    rows = _long(design, covariates)
    with _strict():
        fit = diff_diff.CallawaySantAnna(
            control_group=controls,
            anticipation=design.anticipation,
            estimation_method=_ADJUSTMENTS[adjustment],
            base_period="universal",
        ).fit(rows, covariates=list(covariates) or None, **_COLUMNS)
        study, cohorts = fit.aggregate("event_study"), fit.aggregate("group").to_dataframe()
    cells = pd.DataFrame(
        {
            (int(g), int(t)): (cell["effect"], cell["se"])
            for (g, t), cell in fit.group_time_effects.items()
            if not cell.get("is_reference")
        },
        index=["estimate", "se"],
    ).T.sort_index()
    times = pd.Index(np.asarray(study.vcov_index, dtype=int), name="event_time")
    return Estimates(
        overall=_pair(fit.overall_att, fit.overall_se),
        event_study=_study(study, design.base),
        by_cohort=_cohorts(cohorts),
        cells=cells.rename_axis(["cohort", "period"]),
        covariance=pd.DataFrame(np.asarray(study.vcov), index=times, columns=times),
        convention="influence functions summed by unit",
        remarks=(f"Covariates enter by {adjustment.replace('_', ' ')}.",) if covariates else (),
    )


def imputation(design: Design, covariates: tuple[str, ...]) -> Estimates:
    """Effects against outcomes imputed from untreated ones (Borusyak, Jaravel and Spiess 2024)."""
    import diff_diff

    rows = _long(design, covariates)
    with _strict():
        fit = diff_diff.ImputationDiD(anticipation=design.anticipation, pretrends=True).fit(
            rows, covariates=list(covariates) or None, **_COLUMNS
        )
        study, cohorts = fit.aggregate("event_study"), fit.aggregate("group").to_dataframe()
    return Estimates(
        overall=_pair(fit.overall_att, fit.overall_se),
        event_study=_study(study, design.base),
        by_cohort=_cohorts(cohorts),
        cells=pd.DataFrame(columns=["estimate", "se"]),
        covariance=None,
        convention="conservative (theorem 3 of the authors), residuals of a cohort's event time "
        "about their mean",
        remarks=(_LEADS,),
    )


def _long(design: Design, covariates: tuple[str, ...]) -> pd.DataFrame:
    """Rows by unit and period: y, first treated period (0 without one in the panel), covariates."""
    T, N = design.y.shape
    first = np.where(design.ever, design.adoption, 0.0)
    columns = {name: finite_column(design.panel, name).reshape(-1) for name in covariates}
    return pd.DataFrame(
        {
            "unit": np.tile(np.arange(N), T),
            "time": np.repeat(design.periods, N),
            "first": np.tile(first, T),
            "y": design.y.reshape(-1),
            **columns,
        }
    )


def _study(study: Any, base: int) -> pd.DataFrame:
    frame = study.to_dataframe()
    times = pd.Index(frame["event_time"].astype(int), name="event_time")
    out = pd.DataFrame({"estimate": frame["att"].to_numpy(), "se": frame["se"].to_numpy()}, times)
    return out[out.index != base]


def _cohorts(frame: pd.DataFrame) -> pd.DataFrame:
    first = pd.Index(frame["label"].astype(float).astype(int), name="cohort")
    return pd.DataFrame({"estimate": frame["att"].to_numpy(), "se": frame["se"].to_numpy()}, first)


def _pair(estimate: float, se: float) -> pd.Series:
    return pd.Series({"estimate": float(estimate), "se": float(se)})


@contextmanager
def _strict() -> Iterator[None]:
    """Turn the library's warnings and refusals into our error; deprecations are its own affair."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            warnings.simplefilter("error", RuntimeWarning)
            for kind in (DeprecationWarning, FutureWarning, PendingDeprecationWarning):
                warnings.simplefilter("ignore", kind)
            yield
    except (UserWarning, RuntimeWarning, ValueError) as found:
        raise IdentificationError(
            f"diff-diff cannot estimate this design: {found} Check cohorts, controls and "
            "covariates; small cohorts carry covariates by adjustment='regression' at most."
        ) from found
