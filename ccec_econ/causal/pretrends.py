"""What a test of trends before adoption could have seen, and what it would have let pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, stats

from ccec_econ.causal.staggered_results import Staggered
from ccec_econ.errors import IdentificationError
from ccec_econ.typeset import Printed, Table, number, p_equal

__all__ = ["PretrendPower", "around_base", "pretrend_power"]

_SEED = 20220301  # of the lattice that integrates the normal density over a box


@dataclass(frozen=True, slots=True, repr=False)
class PretrendPower(Printed):
    """Linear departures from parallel trends that a test before adoption detects.

    Attributes
    ----------
    frame : DataFrame
        By power: slope per period, and bias, what that slope adds to the overall effect.
    overall : float
        The effect estimated, to compare with the bias.
    leads : int
        Coefficients tested.
    significant : int
        Leads that are significant each at the level.
    p_joint : float
        P-value of the F test that all leads are zero.
    level : float
        Of the test of each lead.
    """

    frame: pd.DataFrame
    overall: float
    leads: int
    significant: int
    p_joint: float
    level: float

    def summary(self, digits: int = 3) -> Table:
        """Slopes by power, and the bias that goes with them."""
        return Table(
            "Trends before adoption that the event study detects",
            ("Power", "Slope per period", "Bias of the overall effect"),
            tuple(
                (f"{100 * float(str(power)):g} %", *(number(v, digits) for v in row))
                for power, row in self.frame.iterrows()
            ),
            notes=(
                f"{self.leads} leads, {self.significant} of them significant at "
                f"{100 * (1 - self.level):g} %; all zero: {p_equal(self.p_joint)}. Estimated "
                f"overall effect {number(self.overall, digits)}. Detected: at least one lead "
                "significant (normal reference).",
            ),
        )


def pretrend_power(
    results: Staggered,
    *,
    power: tuple[float, ...] = (0.5, 0.8),
    level: float = 0.95,
    window: tuple[int, int] | None = None,
) -> PretrendPower:
    """Find the linear trend that leads would have shown with given power.

    Parameters
    ----------
    results : Staggered
        With a joint covariance: not "imputation".
    power : tuple of float
    level : float
        Confidence level of the test of each lead.
    window : (int, int), optional
        Number of event times before the base period and after it; all that are estimated.

    Raises
    ------
    IdentificationError
        As in `honest`; if a power is not between 1 - level and 1.

    Notes
    -----
    Differential trend delta_e = slope (e - base). The leads are normal around it; the trend is
    detected where one of them leaves its interval around zero. The smallest slope detected with
    the given power solves 1 - P(all |b_e| <= z s_e) = power. Its bias is slope times the mean
    distance of treated unit-periods from the base period. A trend this steep passes the test in
    one of two samples, or one of five, at power one half and 0.8.

    References
    ----------
    Roth, J. (2022). Pretest with caution: event-study estimates after testing for parallel trends.
    American Economic Review: Insights 4, 305-322.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> index = pd.MultiIndex.from_product([range(40), range(1, 7)], names=["unit", "year"])
    >>> y = pd.DataFrame({"y": np.random.default_rng(1).normal(size=240)}, index=index)
    >>> from ccec_econ.causal.staggered import staggered
    >>> first = pd.Series([4] * 20 + [None] * 20, dtype="Int64")
    >>> found = pretrend_power(staggered(y, "y", first))
    >>> found.leads, list(found.frame.index), bool(found.frame["slope"].is_monotonic_increasing)
    (2, [0.5, 0.8], True)
    """
    wrong = [p for p in power if not 1.0 - level < p < 1.0]
    if wrong:
        raise IdentificationError(
            f"power {wrong[0]}: give values between the size {1.0 - level:g} and 1."
        )
    before, after, beta, cov = around_base(results, window)
    A = len(before)
    distance = (before - results.base).astype(float)
    V = cov[:A, :A]
    slopes = [_slope(distance, V, p, level) for p in power]
    weights = results.weights.reindex(after).fillna(0.0).to_numpy()
    bias = float(weights @ (after - results.base) / weights.sum())
    frame = pd.DataFrame(
        {"slope": slopes, "bias": np.array(slopes) * bias}, index=pd.Index(power, name="power")
    )
    leads, s = beta[:A], np.sqrt(np.diag(V))
    F = float(leads @ np.linalg.solve(V, leads)) / A
    return PretrendPower(
        frame=frame,
        overall=float(results.overall["estimate"]),
        leads=A,
        significant=int(np.count_nonzero(np.abs(leads) > stats.norm.ppf(0.5 + level / 2) * s)),
        p_joint=float(stats.f.sf(F, A, results.df)),
        level=level,
    )


def around_base(
    results: Staggered, window: tuple[int, int] | None
) -> tuple[NDArray[np.int_], NDArray[np.int_], NDArray[np.float64], NDArray[np.float64]]:
    """Event times before and after the base period, coefficients and their joint covariance.

    Raises
    ------
    IdentificationError
        If there is no joint covariance, no lead or no effect, a gap between event times, a window
        wider than what is estimated, or a covariance that is not positive definite.
    """
    if results.covariance is None:
        raise IdentificationError(
            f"method {results.method!r} gives no joint covariance of leads and effects; use "
            "'callaway_santanna', 'sun_abraham' or 'twfe'."
        )
    times = np.sort(results.covariance.index.to_numpy(dtype=int))
    before, after = times[times < results.base], times[times > results.base]
    if window is not None:
        if window[0] > len(before) or window[1] > len(after) or min(window) < 1:
            raise IdentificationError(
                f"window {window}: {len(before)} event times are estimated before the base period "
                f"and {len(after)} after it; choose 1 to that many."
            )
        before, after = before[-window[0] :], after[: window[1]]
    if not len(before) or not len(after):
        raise IdentificationError(
            f"{len(before)} event times before the base period and {len(after)} after it; both "
            "sides are needed. Start the panel earlier."
        )
    kept = np.concatenate([before, after])
    if not (np.diff(np.sort([*kept, results.base])) == 1).all():
        raise IdentificationError(
            f"event times {kept.tolist()} have gaps; choose a window without them."
        )
    beta = results.event_study.loc[kept, "estimate"].to_numpy(float)
    cov = results.covariance.loc[kept, kept].to_numpy()
    values = np.linalg.eigvalsh(cov)
    if values[0] <= 1e-12 * values[-1]:
        raise IdentificationError(
            f"the covariance of {len(kept)} event times is singular (smallest eigenvalue "
            f"{values[0]:.1e}): cohorts are too few or too small. Choose a narrower window."
        )
    return before, after, beta, cov


def _slope(
    distance: NDArray[np.float64], V: NDArray[np.float64], power: float, level: float
) -> float:
    half = stats.norm.ppf(0.5 + level / 2) * np.sqrt(np.diag(V))

    def missing(slope: float) -> float:
        mean = slope * distance
        passed = stats.multivariate_normal.cdf(
            half - mean,
            cov=V,
            lower_limit=-half - mean,
            rng=np.random.default_rng(_SEED),
        )
        return 1.0 - float(passed) - power

    steep = float((2.0 * half / np.abs(distance)).max())
    while missing(steep) < 0.0:
        steep *= 2.0
    return float(optimize.brentq(missing, 0.0, steep, xtol=1e-6 * steep))
