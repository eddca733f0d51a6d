"""Difference-in-differences with staggered adoption: four estimators behind one function."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ccec_econ.causal.design import AlreadyTreated, Controls, Design, staggered_design
from ccec_econ.causal.staggered_library import Adjustment, callaway_santanna, imputation
from ccec_econ.causal.staggered_regression import sun_abraham, two_way
from ccec_econ.causal.staggered_results import METHODS, Estimates, Method, Staggered, inferred
from ccec_econ.errors import IdentificationError

__all__ = ["staggered"]

_CONTROLS: dict[Method, tuple[Controls, ...]] = {
    "callaway_santanna": ("not_yet_treated", "never_treated"),
    "sun_abraham": ("never_treated",),
    "imputation": ("not_yet_treated",),
    "twfe": (),
}


def staggered(
    data: pd.DataFrame,
    outcome: str,
    adoption: pd.Series,
    *,
    method: Method = "callaway_santanna",
    controls: Controls | None = None,
    covariates: Sequence[str] = (),
    adjustment: Adjustment = "doubly_robust",
    anticipation: int = 0,
    already: AlreadyTreated = "refuse",
    level: float = 0.95,
) -> Staggered:
    """Estimate effects of a treatment that reaches units at different times and then stays on.

    Parameters
    ----------
    data : DataFrame
        Indexed (unit, time), balanced, times consecutive integers.
    outcome : str
        Column of the data.
    adoption : Series
        First treated period by unit, missing where never treated.
    method : {"callaway_santanna", "sun_abraham", "imputation", "twfe"}
        Group-time effects against clean controls; the saturated regression weighted by cohorts'
        shares; outcomes imputed from untreated unit-periods (Borusyak, Jaravel and Spiess); one
        coefficient with unit and period effects, which compares with treated units too.
    controls : {"not_yet_treated", "never_treated"}, optional
        Whom the treated are compared with. None: not-yet-treated for "callaway_santanna" and
        "imputation", never-treated for "sun_abraham". Each method refuses what it is not.
    covariates : sequence of str
        Columns. "callaway_santanna" adjusts by their values in the base period, see `adjustment`;
        in the other methods they are regressors beside the effects, so they must change over time.
    adjustment : {"doubly_robust", "regression", "weighting"}
        How "callaway_santanna" uses covariates.
    anticipation : int
        Periods before adoption in which outcomes may already respond; the base period moves before
        them. "twfe" has no place for it.
    already : {"refuse", "leave_out"}
        What to do with units treated in the first period or before.
    level : float
        Of the intervals.

    Returns
    -------
    Staggered

    Raises
    ------
    PanelError, AlignmentError
        As in `staggered_design`.
    IdentificationError
        If a method, controls or an adjustment is unknown or does not belong together, if no unit
        is treated or none untreated, or the estimator fails on the design.

    Notes
    -----
    ATT(g, t) = E[Y_t(g) - Y_t(inf) | G = g]. The overall effect is its mean over treated
    unit-periods, so estimators differ in how they compare and not in what they average, "twfe"
    apart; effects by event time weight cohorts by their units. Where the last cohort is treated
    and no unit is left, later periods have no clean control: they are cut, the last cohort serves
    as control before, and `event_study` counts the treated units that are lost. All intervals are
    of t(units - 1). Standard errors of a mean over a cohort rest on the spread within it: a cohort
    of one unit has none and adds nothing to them, so with few treated units they are too small.
    With 80 units, 8 periods, autoregressive errors and four cohorts of 1, 2 and 5 units, tests at
    5 % reject 17, 12 and 5 % of true nulls ("callaway_santanna"), 76, 23 and 5 ("sun_abraham"),
    67, 20 and 8 ("imputation"), 14, 9 and 7 ("twfe"). Where cohorts have fewer than five units
    prefer `permute`.

    Callaway-Sant'Anna and imputation are computed by diff-diff 3.13, the former equal to R did
    2.1.2 (to 7e-6 where it is doubly robust with covariates, else to all digits), the latter to
    dense least squares; the other two by least squares with `Cluster("unit")`.

    References
    ----------
    Borusyak, K., Jaravel, X. and Spiess, J. (2024). Revisiting event-study designs: robust and
    efficient estimation. Review of Economic Studies 91, 3253-3285.
    Callaway, B. and Sant'Anna, P. H. C. (2021). Difference-in-differences with multiple time
    periods. Journal of Econometrics 225, 200-230.
    Sun, L. and Abraham, S. (2021). Estimating dynamic treatment effects in event studies with
    heterogeneous treatment effects. Journal of Econometrics 225, 175-199.

    Examples
    --------
    >>> import pandas as pd
    >>> index = pd.MultiIndex.from_product([range(8), [1, 2, 3, 4]], names=["unit", "year"])
    >>> first = pd.Series([3, 3, 3, 4, 4, 4, None, None], dtype="Int64")
    >>> unit, year = (index.get_level_values(k) for k in (0, 1))
    >>> y = unit % 3 * 0.1 * year + 2.0 * (year >= first.reindex(unit).fillna(9).to_numpy())
    >>> found = staggered(pd.DataFrame({"y": y}, index=index), "y", first, method="imputation")
    >>> round(float(found.overall["estimate"]), 2), found.event_study["controls"].to_dict()
    (2.08, {-3: 2, -2: 2, -1: 0, 0: 2, 1: 2})
    """
    chosen = _controls(method, controls)
    if method == "twfe" and anticipation:
        raise IdentificationError(
            "anticipation has no place in method 'twfe'; choose another method, or move adoption."
        )
    if adjustment not in ("doubly_robust", "regression", "weighting"):
        raise IdentificationError(
            f"adjustment {adjustment!r} is unknown; choose 'doubly_robust', 'regression' or "
            "'weighting'."
        )
    design = staggered_design(data, outcome, adoption, already=already, anticipation=anticipation)
    compared = design.until(design.last_compared)
    if chosen == "never_treated" and method != "sun_abraham":
        _refuse_without_never(design)
    if isinstance(covariates, str):
        raise IdentificationError(f"covariates {covariates!r} is text; give a list of columns.")
    names = tuple(covariates)
    if method == "callaway_santanna":
        found = callaway_santanna(compared, chosen or "not_yet_treated", names, adjustment)
    elif method == "imputation":
        found = imputation(compared, names)
    elif method == "sun_abraham":
        found = sun_abraham(compared, names)
    else:
        found = two_way(design, compared, names)
    return _results(found, method, chosen, design, compared, names, level)


def _results(
    found: Estimates,
    method: Method,
    controls: Controls | None,
    design: Design,
    compared: Design,
    covariates: tuple[str, ...],
    level: float,
) -> Staggered:
    df = design.y.shape[1] - 1
    study = _counts(design, compared, controls or "not_yet_treated")
    study = study.join(inferred(found.event_study, df, level))
    study.loc[design.base, "estimate"] = 0.0
    silent = study["estimate"].isna() & (study["cohorts"] > 0)
    study.loc[silent, ["cohorts", "units"]] = 0
    cohorts = inferred(found.by_cohort, df, level).assign(
        units=compared.cohorts.reindex(found.by_cohort.index)
    )
    return Staggered(
        method=method,
        controls=controls,
        design=design,
        covariates=covariates,
        overall=inferred(found.overall.to_frame().T, df, level).iloc[0].rename("overall"),
        event_study=study[_ORDER],
        by_cohort=cohorts,
        cells=found.cells,
        covariance=found.covariance,
        df=df,
        level=level,
        convention=found.convention,
        remarks=found.remarks,
    )


_ORDER = ["estimate", "se", "p", "lower", "upper", "cohorts", "units", "controls", "lost"]


def _counts(design: Design, compared: Design, controls: Controls) -> pd.DataFrame:
    """Cohorts, treated units, clean controls and units lost, by event time."""
    times = range(
        int(design.periods[0] - design.cohorts.index.max()),
        int(design.periods[-1] - design.cohorts.index.min()) + 1,
    )
    rows = {e: _members(design, compared, e) for e in times}
    frame = pd.DataFrame(rows, index=["cohorts", "units", "lost"]).T.rename_axis("event_time")
    clean = compared.clean_controls(controls).reindex(frame.index, fill_value=0)
    return frame.assign(controls=clean)


def _members(design: Design, compared: Design, e: int) -> tuple[int, int, int]:
    """Count cohorts and units with clean controls at an event time, and treated units without."""
    inside = compared.cohorts[np.isin(compared.cohorts.index + e, compared.periods)]
    treated = design.cohorts[np.isin(design.cohorts.index + e, design.periods)]
    lost = int(treated.sum() - inside.sum()) if e >= 0 else 0
    return len(inside), int(inside.sum()), lost


def _controls(method: Method, controls: Controls | None) -> Controls | None:
    if method not in METHODS:
        raise IdentificationError(f"method {method!r} is unknown; choose one of {list(METHODS)}.")
    known = _CONTROLS[method]
    if controls is None:
        return known[0] if known else None
    if controls not in known:
        raise IdentificationError(
            f"method {method!r} cannot compare with controls {controls!r}: "
            + (f"it uses {' or '.join(known)}." if known else "it uses every unit; leave it out.")
        )
    return controls


def _refuse_without_never(design: Design) -> None:
    if (design.adoption <= float(design.periods[-1])).all():
        raise IdentificationError(
            f"every unit is treated by {int(design.adoption.max())}: none is never treated. Choose "
            "controls='not_yet_treated'."
        )
