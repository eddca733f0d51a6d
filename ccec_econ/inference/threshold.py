"""Inference on a threshold: bootstrap of the supremum ratio, confidence set of the value.

Under one regime the threshold means nothing, so sup_g LR(g) has no standard distribution and is
bootstrapped (Hansen 1996, Econometrica 64, 413-430). At the true value g0 of a threshold that
exists, LR(g0) = 2 (l(g-hat) - l(g0)) tends to a variable with P(xi <= x) = (1 - exp(-x/2))^2, so
the values with

    LR(g) <= c(level) = -2 log(1 - sqrt(level))

make a confidence set (Hansen 1999, Journal of Econometrics 93, 345-368): c = 7.35 at 95 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.estimate import Estimate
from ccec_econ.engine.threshold import Heights, Splits, heights
from ccec_econ.engine.transform import demean
from ccec_econ.inference.bootstrap import panels
from ccec_econ.inference.resampled import Innovations
from ccec_econ.typeset import Printed, Table, number

__all__ = ["ThresholdSet", "bootstrap_heights", "critical_value", "threshold_set"]


@dataclass(frozen=True, slots=True, repr=False)
class ThresholdSet(Printed):
    """Values of a threshold that the likelihood ratio does not reject.

    Attributes
    ----------
    by : str
        Threshold variable.
    level : float
    critical : float
        Ratio up to which a value is kept.
    intervals : tuple of (float, float)
        Disjoint, in order, each [lower, upper): all values in it split the data alike up to the
        next observed value, `upper`.
    kept, searched : int
        Candidate values in the set, and in all.
    ends : tuple of bool
        Whether the set reaches the lowest, and the highest, value searched.
    """

    by: str
    level: float
    critical: float
    intervals: tuple[tuple[float, float], ...]
    kept: int
    searched: int
    ends: tuple[bool, bool]

    def __contains__(self, value: float) -> bool:
        return any(low <= value < high for low, high in self.intervals)

    def text(self, digits: int = 4) -> str:
        """Write the set: "[0.1200, 0.3500) ∪ [0.4100, 0.4300)"."""
        parts = (f"[{number(a, digits)}, {number(b, digits)})" for a, b in self.intervals)
        return " ∪ ".join(parts)

    def notes(self) -> tuple[str, ...]:
        """Sentences for the foot of a table."""
        where = [side for side, at in zip(("lower", "upper"), self.ends) if at]
        beyond = (
            f"The set reaches the {' and the '.join(where)} end of the values searched and may go "
            "on beyond."
        )
        return (
            f"{100 * self.level:g} % set: values with likelihood ratio up to {self.critical:.2f} "
            f"(Hansen 1999, asymptotic), {self.kept} of {self.searched} candidate values.",
            *([beyond] if where else []),
        )

    def summary(self, digits: int = 4) -> Table:
        """Table of one row, with the convention beneath."""
        return Table(
            title="Confidence set of the threshold",
            columns=("Threshold variable", f"{100 * self.level:g} % set"),
            rows=((self.by, self.text(digits)),),
            notes=self.notes(),
            text_columns=frozenset({1}),
        )


def critical_value(level: float) -> float:
    """Ratio that the true threshold exceeds with probability 1 - level.

    Raises
    ------
    ValueError
        If `level` is not in (0, 1).

    Examples
    --------
    >>> round(critical_value(0.95), 2)
    7.35
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level {level}: need 0 < level < 1, such as 0.95.")
    return float(-2.0 * np.log(1.0 - np.sqrt(level)))


def threshold_set(
    by: str,
    values: NDArray[np.float64],
    candidates: NDArray[np.float64],
    ratios: NDArray[np.float64],
    level: float,
) -> ThresholdSet:
    """Invert the likelihood ratio over the candidates.

    Parameters
    ----------
    values : ndarray
        Distinct observed values of the threshold variable, in order.
    candidates, ratios : ndarray, shape (G,)
        Values searched, in order, and 2 (l(g-hat) - l(g)) at each.

    Raises
    ------
    ValueError
        If `level` is not in (0, 1).
    """
    critical = critical_value(level)
    kept = ratios <= critical
    place = np.searchsorted(values, candidates)
    return ThresholdSet(
        by=by,
        level=level,
        critical=critical,
        intervals=tuple(_runs(values, place[kept])),
        kept=int(kept.sum()),
        searched=len(candidates),
        ends=(bool(kept[0]), bool(kept[-1])),
    )


def bootstrap_heights(
    null: Estimate,
    splits: Splits,
    thresholds: NDArray[np.float64],
    *,
    draws: int,
    innovations: Innovations,
    rng: np.random.Generator,
) -> Heights:
    """Likelihoods, with and without a threshold, of panels simulated without one.

    Regressors and threshold variable stay as they are; responses come from the reduced form of
    the model without a threshold.

    Raises
    ------
    IdentificationError, WeightsError, ValueError
        As `inference.bootstrap.bootstrap`.
    """
    y = np.stack(list(panels(null, draws, innovations, rng)), axis=2)
    Wy = np.zeros_like(y) if null.weights is None else null.weights.lag(y)
    effects = null.effects
    return heights(null, splits, thresholds, demean(y, effects), demean(Wy, effects))


def _runs(values: NDArray[np.float64], places: NDArray[np.integer]) -> list[tuple[float, float]]:
    """Join values that follow each other in the data, each up to the next."""
    runs: list[tuple[float, float]] = []
    for at in places:
        low, high = float(values[at]), float(values[at + 1])
        if runs and runs[-1][1] == low:
            low = runs.pop()[0]
        runs.append((low, high))
    return runs
