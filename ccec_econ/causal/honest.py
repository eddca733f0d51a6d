"""How far trends may depart from parallel before an effect is no longer told from zero."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import optimize

from ccec_econ.causal.honest_magnitudes import Target, confidence_set, plug_in_bounds
from ccec_econ.causal.pretrends import around_base
from ccec_econ.causal.staggered_results import Staggered
from ccec_econ.errors import IdentificationError
from ccec_econ.typeset import Printed, Table, interval, number

__all__ = ["Honest", "honest"]

_FAR = 20.0  # Mbar beyond which none is sought


@dataclass(frozen=True, slots=True, repr=False)
class Honest(Printed):
    """Confidence sets of an effect under bounded departures from parallel trends.

    Attributes
    ----------
    target : str
        The effect asked about.
    estimate, std_error : float
        Under parallel trends, from the event study.
    before, after : tuple of int
        Event times used.
    magnitudes : DataFrame
        By Mbar: bound_lower and bound_upper, the plug-in bounds if estimates were the truth; lower
        and upper, the confidence set.
    curvature : DataFrame
        By M: lower and upper of the shortest fixed-length interval.
    breakdown_magnitude : float
        Largest Mbar at which zero is left out; 0 where it is inside under parallel trends already,
        infinite where it enters at none up to 20.
    breakdown_curvature : float
        Largest M asked for at which zero is left out; missing where it is inside at all of them.
    level : float
    """

    target: str
    estimate: float
    std_error: float
    before: tuple[int, ...]
    after: tuple[int, ...]
    magnitudes: pd.DataFrame
    curvature: pd.DataFrame
    breakdown_magnitude: float
    breakdown_curvature: float
    level: float

    def summary(self, digits: int = 3) -> Table:
        """Intervals by restriction and its size."""
        rows = [
            (
                f"Relative magnitudes, M̄ = {size:g}",
                interval(row["bound_lower"], row["bound_upper"], digits),
                interval(row["lower"], row["upper"], digits),
            )
            for size, row in self.magnitudes.iterrows()
        ]
        rows += [
            (
                f"Smoothness, M = {float(str(size)):.4g}",
                "",
                interval(row["lower"], row["upper"], digits),
            )
            for size, row in self.curvature.iterrows()
        ]
        return Table(
            f"{self.target}: departures from parallel trends",
            ("", "Plug-in bounds", f"{100 * self.level:g} % confidence set"),
            tuple(rows),
            rules=frozenset({len(self.magnitudes)} - {len(rows)}),
            notes=(
                f"Estimate under parallel trends {number(self.estimate, digits)} (std. error "
                f"{number(self.std_error, digits)}); event times {self.before[0]} to "
                f"{self.before[-1]} before, {self.after[0]} to {self.after[-1]} after. Zero is "
                f"left out up to M̄ = {self.breakdown_magnitude:.3g}{_at_curvature(self)}. "
                "M̄: change of the difference in trends between periods, relative to the largest "
                "before adoption; M: change of its slope per period. Normal reference.",
            ),
        )


def honest(
    results: Staggered,
    *,
    target: Literal["overall"] | int = "overall",
    magnitudes: Sequence[float] = (0.0, 0.5, 1.0, 1.5, 2.0),
    curvature: Sequence[float] | None = None,
    window: tuple[int, int] | None = None,
    level: float = 0.95,
) -> Honest:
    """Give confidence sets of an effect that allow for departures from parallel trends.

    Parameters
    ----------
    results : Staggered
        With a joint covariance: not "imputation".
    target : "overall" or int
        Mean effect over treated unit-periods of the event times used, or one event time.
    magnitudes : sequence of float
        Values of Mbar.
    curvature : sequence of float, optional
        Values of M, in units of the outcome per period; 0, 1/4, 1/2 and 1 standard error of the
        effect. Each takes about a second; an empty one leaves them out.
    window : (int, int), optional
        Number of event times before the base period and after it; all that are estimated. Distant
        leads rest on few cohorts, and their noise widens the relative magnitudes.
    level : float

    Raises
    ------
    IdentificationError
        If there is no joint covariance, no lead, a gap, a singular covariance, an event time that
        is not estimated, or a negative size.

    Notes
    -----
    delta is the difference in trends that would have been without treatment, 0 in the base period.
    Relative magnitudes: |delta_(t+1) - delta_t| after adoption is at most Mbar times its largest
    value before. Confidence sets by the conditional least-favourable hybrid test, inverted; tests
    use the inequalities that hold effects, as R HonestDiD does. Intervals that stretch the plug-in
    bounds by normal quantiles, as diff-diff 3.13 gives, ignore that the largest change before is
    estimated: with changes of 1 and 0 before, 1 after and errors of 0.3 (Mbar = 1) they hold the
    truth in 93 of 100 samples, these sets in 97. Smoothness: |delta_(t+1) - 2 delta_t +
    delta_(t-1)| <= M, by diff-diff's optimal fixed-length interval, which agrees with R HonestDiD.

    References
    ----------
    Andrews, I., Roth, J. and Pakes, A. (2023). Inference for linear conditional moment
    inequalities. Review of Economic Studies 90, 2763-2791.
    Rambachan, A. and Roth, J. (2023). A more credible approach to parallel trends. Review of
    Economic Studies 90, 2555-2591.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from ccec_econ.causal.staggered import staggered
    >>> index = pd.MultiIndex.from_product([range(60), range(1, 7)], names=["unit", "year"])
    >>> first = pd.Series([4] * 30 + [None] * 30, dtype="Int64")
    >>> unit, year = (index.get_level_values(k) for k in (0, 1))
    >>> y = np.random.default_rng(1).normal(size=360) + 2.0 * ((unit < 30) & (year >= 4))
    >>> results = staggered(pd.DataFrame({"y": y}, index=index), "y", first)
    >>> found = honest(results, curvature=[])
    >>> bool((found.magnitudes["lower"].diff().dropna() < 0).all())
    True
    """
    wrong = [size for size in (*magnitudes, *(curvature or ())) if size < 0.0]
    if wrong:
        raise IdentificationError(f"size {wrong[0]} of departures: give 0 or more.")
    before, after, beta, cov = around_base(results, window)
    A = len(before)
    asked = Target(beta[:A], beta[A:], cov, _weights(results, target, after))

    def smoothly(size: float) -> tuple[float, float]:
        return _fixed_length(asked, before, after, results.base, size, level)

    frame = pd.DataFrame(
        [
            (*plug_in_bounds(asked, size), *confidence_set(asked, size, level))
            for size in magnitudes
        ],
        columns=["bound_lower", "bound_upper", "lower", "upper"],
        index=pd.Index(magnitudes, name="mbar", dtype=float),
    )
    sizes = (
        [part * asked.std_error for part in (0.0, 0.25, 0.5, 1.0)]
        if curvature is None
        else curvature
    )
    smooth = pd.DataFrame(
        [smoothly(size) for size in sizes],
        columns=["lower", "upper"],
        index=pd.Index(sizes, name="m", dtype=float),
    )
    return Honest(
        target="Overall effect" if target == "overall" else f"Effect at event time {target}",
        estimate=asked.estimate,
        std_error=asked.std_error,
        before=tuple(int(e) for e in before),
        after=tuple(int(e) for e in after),
        magnitudes=frame,
        curvature=smooth,
        breakdown_magnitude=_breakdown(lambda size: confidence_set(asked, size, level)),
        breakdown_curvature=_largest_outside(smooth),
        level=level,
    )


def _weights(results: Staggered, target: Literal["overall"] | int, after: np.ndarray) -> np.ndarray:
    if target == "overall":
        weights = results.weights.reindex(after).fillna(0.0).to_numpy()
        return np.asarray(weights / weights.sum())
    if target not in after:
        raise IdentificationError(
            f"event time {target} is not among {after.tolist()}; choose one of these."
        )
    return np.asarray(after == target, dtype=float)


def _fixed_length(
    asked: Target, before: np.ndarray, after: np.ndarray, base: int, size: float, level: float
) -> tuple[float, float]:
    """Shortest interval of fixed length under curvature up to a size, computed by diff-diff."""
    import diff_diff

    times = [int(e) for e in (*before, *after)]
    beta = np.concatenate([asked.before, asked.after])
    se = np.sqrt(np.diag(asked.covariance))
    unused = {"t_stat": 0.0, "p_value": 1.0, "conf_int": (0.0, 0.0)}
    study = diff_diff.MultiPeriodDiDResults(
        period_effects={
            e: diff_diff.PeriodEffect(period=e, effect=float(b), se=float(s), **unused)
            for e, b, s in zip(times, beta, se, strict=True)
        },
        **{f"avg_{name}": value for name, value in unused.items()},
        avg_att=0.0,
        avg_se=1.0,
        n_obs=0,
        n_treated=0,
        n_control=0,
        pre_periods=times[: len(before)],
        post_periods=times[len(before) :],
        vcov=asked.covariance,
        interaction_indices={e: place for place, e in enumerate(times)},
        reference_period=base,
    )
    found = diff_diff.HonestDiD(
        method="smoothness", M=size, alpha=1.0 - level, l_vec=asked.weights
    ).fit(study)
    return float(found.ci_lb), float(found.ci_ub)


def _breakdown(limits: Callable[[float], tuple[float, float]]) -> float:
    """Largest size at which zero is outside; sets widen with the size."""

    def outside(size: float) -> float:
        lower, upper = limits(size)
        return max(lower, -upper)

    if outside(0.0) <= 0.0:
        return 0.0
    high = 1.0
    while outside(high) > 0.0:
        if high >= _FAR:
            return float("inf")
        high *= 2.0
    return float(optimize.brentq(outside, 0.0, high, xtol=1e-4))


def _largest_outside(smooth: pd.DataFrame) -> float:
    outside = smooth.index[(smooth["lower"] > 0.0) | (smooth["upper"] < 0.0)]
    return float(outside.max()) if len(outside) else float("nan")


def _at_curvature(honest: Honest) -> str:
    if honest.curvature.empty:
        return ""
    found = honest.breakdown_curvature
    return " and at no M shown" if np.isnan(found) else f" and at M = {found:.3g} of those shown"
