"""What a staggered design can detect, from the residual paths of its own units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Real

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ccec_econ.causal.design import Design
from ccec_econ.causal.randomise import (
    Statistic,
    assignments,
    found,
    given,
    is_studentised,
    named,
)
from ccec_econ.engine.transform import demean
from ccec_econ.errors import IdentificationError, PanelError
from ccec_econ.typeset import Printed, Table, number

__all__ = ["Power", "power"]

_RULE = 2.8  # 1.96 + 0.84: power 80 % in a two-sided normal test at 5 %


@dataclass(frozen=True, slots=True, repr=False)
class Power(Printed):
    """Power of a test of no effect, for constant effects of given sizes.

    Attributes
    ----------
    outcome, statistic : str
    effects : tuple of float
        Sizes asked for.
    critical : float
        Critical value among draws without effect.
    noise, errors : ndarray, shape (D,)
        Estimates without effect, and their standard errors (ones for coefficients).
    std_error : float
        Of the realised estimate, clustered by unit.
    within_sd : float
        Standard deviation of the outcome net of unit and period effects.
    units, treated, periods : int
        Treated are those within the panel.
    level, target : float
    """

    outcome: str
    statistic: str
    effects: tuple[float, ...]
    critical: float
    noise: NDArray[np.float64]
    errors: NDArray[np.float64]
    std_error: float
    within_sd: float
    units: int
    treated: int
    periods: int
    level: float
    target: float

    @property
    def curve(self) -> pd.DataFrame:
        """Power at the sizes asked for, as `at` gives it."""
        return self.at(self.effects)

    def at(self, effects: Sequence[float]) -> pd.DataFrame:
        """Compute power by effect.

        Returns
        -------
        DataFrame
            Indexed by effect: ``power`` of the test at its own critical value, which has the
            nominal size among the draws; ``power_t`` of the same t against t(N - 1), NaN for
            coefficients.
        """
        sizes = np.asarray(effects, dtype=np.float64)
        own = _rejected(self.noise, self.errors, self.critical, sizes)
        usual = np.full(len(sizes), np.nan)
        if self._studentised:
            usual = _rejected(self.noise, self.errors, self._conventional, sizes)
        index = pd.Index(sizes, name="effect")
        return pd.DataFrame({"power": own, "power_t": usual}, index=index)

    @property
    def detectable(self) -> float:
        """Smallest positive effect found with the target power, at the exact critical value."""
        return _smallest(self.noise, self.errors, self.critical, self.target)

    @property
    def detectable_t(self) -> float:
        """The same against t(N - 1); NaN for coefficients."""
        if not self._studentised:
            return float("nan")
        return _smallest(self.noise, self.errors, self._conventional, self.target)

    @property
    def rule_of_thumb(self) -> float:
        """2.8 standard errors of the realised estimate."""
        return _RULE * self.std_error

    @property
    def size_t(self) -> float:
        """Share of draws without effect that t(N - 1) rejects; NaN for coefficients."""
        if not self._studentised:
            return float("nan")
        return float(_rejected(self.noise, self.errors, self._conventional, np.zeros(1))[0])

    @property
    def frame(self) -> pd.DataFrame:
        """One row: sample, standard error, detectable effects in units and in within sd."""
        return pd.DataFrame(
            {
                "statistic": self.statistic,
                "units": self.units,
                "treated": self.treated,
                "periods": self.periods,
                "std_error": self.std_error,
                "rule_of_thumb": self.rule_of_thumb,
                "detectable": self.detectable,
                "detectable_t": self.detectable_t,
                "within_sd": self.within_sd,
                "detectable_in_sd": self.detectable / self.within_sd,
                "size_t": self.size_t,
                "draws": len(self.noise),
            },
            index=pd.Index([self.outcome], name="outcome"),
        )

    def summary(self) -> Table:
        """Power by effect, with what can be detected beneath."""
        return Table(
            title=f"{self.outcome}: power at {100 * self.level:g} %, {self.statistic}",
            columns=("Effect", "In within sd", "Power", "Power, t(N - 1)"),
            rows=tuple(
                (
                    number(row["effect"], 4),
                    number(row["effect"] / self.within_sd, 2),
                    number(row["power"], 3),
                    number(row["power_t"], 3),
                )
                for row in self.curve.reset_index().to_dict("records")
            ),
            notes=(
                f"{self.units} units, {self.treated} treated within {self.periods} periods. "
                f"Detectable with {100 * self.target:g} %: {number(self.detectable, 4)} "
                f"({number(self.detectable / self.within_sd, 2)} within sd); 2.8 standard errors: "
                f"{number(self.rule_of_thumb, 4)}. Constant effects, "
                f"{len(self.noise):,} assignments to residual paths.",
            ),
        )

    @property
    def _conventional(self) -> float:
        return float(stats.t.isf(self.level / 2.0, self.units - 1))

    @property
    def _studentised(self) -> bool:
        return not np.all(self.errors == 1.0)


def power(
    design: Design,
    effects: Sequence[float],
    *,
    statistic: Statistic = "twfe_t",
    openings: pd.DataFrame | None = None,
    level: float = 0.05,
    target: float = 0.8,
    draws: int = 1999,
    rng: int | np.random.Generator = 0,
) -> Power:
    """Simulate the power of a test of no effect on the design's own residuals.

    Parameters
    ----------
    design : Design
    effects : sequence of float
        Constant effects on treated cells, in units of the outcome.
    statistic : {"twfe_t", "twfe", "imputation_t", "imputation"}
    openings : DataFrame, optional
        Assignments of first treated periods to use, one row each, one column per unit, such as
        those of lines in another order; permutations over units by default.
    level : float
        Of the two-sided test.
    target : float
        Power that `Power.detectable` asks for.
    draws : int
        Permutations of first treated periods over units.
    rng : int or Generator

    Returns
    -------
    Power
        The critical value is that of the draws without effect, so power at zero is the level (or
        just below): a test of exact size. Against t(N - 1) the same draws say what the
        conventional test would do, over- or under-rejection included.

    Raises
    ------
    IdentificationError
        If the estimator cannot compare any treated cell, really or in one of the openings given.
    AlignmentError
        If a unit has no column in the openings given, or two.
    PanelError
        If `design` is no design, or `effects` no list of numbers.
    ValueError
        If the statistic is unknown, `level` or `target` is not in (0, 1) or `draws` is below 19.

    Notes
    -----
    Residuals are those of the regression on treatment, unit and period effects. Every draw assigns
    first treated periods to these residual paths, estimates, and adds the effect where it treats.
    Paths stay whole, which keeps serial correlation and unequal variances. Permuting periods over
    units takes units as independent: where neighbours move together and are treated together, less
    can be detected, and `openings` that treat them together say how much less. Both estimators are
    linear, so a constant effect shifts the estimate and leaves its standard error: one set of draws
    serves every effect. Effects that vary over units and periods add to the noise.

    References
    ----------
    Bloom (1995), Evaluation Review 19, 547-556; Burlig, Preonas and Woerman (2020), Journal of
    Development Economics 144, 102458.

    Examples
    --------
    >>> from ccec_econ.causal import staggered_design
    >>> index = pd.MultiIndex.from_product([range(9), [1, 2]], names=["unit", "year"])
    >>> y = np.random.default_rng(0).normal(size=18)
    >>> adoption = pd.Series({0: 2, 1: 2, 2: 2, 3: 2}).reindex(range(9))
    >>> design = staggered_design(pd.DataFrame({"y": y}, index=index), "y", adoption)
    >>> found = power(design, [0.0, 9.0])
    >>> found.curve["power"].round(2).tolist(), round(found.detectable / found.rule_of_thumb, 1)
    ([0.05, 1.0], 1.2)
    """
    if not isinstance(design, Design):
        raise PanelError(
            f"design is a {type(design).__name__}: give the one of ce.causal.staggered_design, or "
            "fit.design of a staggered fit."
        )
    if np.ndim(effects) != 1 or not np.all([isinstance(one, Real) for one in effects]):
        raise PanelError(f"effects {effects!r}: give a list of sizes, such as [0.0, 0.1].")
    named(statistic)
    if callable(statistic) or not (0.0 < level < 1.0 and 0.0 < target < 1.0) or draws < 19:
        raise ValueError(
            f"statistic {statistic!r}, level {level}, target {target}, draws {draws}: give a "
            "built-in statistic, shares between 0 and 1, and 19 draws or more."
        )
    realised = found(design, design.adoption[None], statistic)
    if not np.isfinite(realised.estimate[0]):
        raise IdentificationError(
            "no treated cell has an untreated unit in its period; there is nothing to detect."
        )
    if openings is None:
        places = [np.arange(len(design.adoption))]
        other, _ = assignments(
            design.adoption, places, draws, np.random.default_rng(rng), enumerate_few=False
        )
    else:
        other = given(openings, design.panel.units)
    noise = found(replace(design, y=_residual(design)), other, statistic)
    lost = int((~np.isfinite(noise.estimate)).sum())
    if lost:
        raise IdentificationError(
            f"{lost} of {len(other)} openings leave no treated cell to compare; leave these out."
        )
    errors = noise.std_error if is_studentised(statistic) else np.ones(len(other))
    t = np.abs(noise.estimate / errors)
    critical = float(np.quantile(t, 1.0 - level, method="higher"))
    T, N = design.y.shape
    net = demean(design.y, "twoway")
    return Power(
        outcome=design.outcome,
        statistic=named(statistic),
        effects=tuple(float(effect) for effect in effects),
        critical=critical,
        noise=noise.estimate,
        errors=errors,
        std_error=float(realised.std_error[0]),
        within_sd=float(np.sqrt((net**2).sum() / ((N - 1) * (T - 1)))),
        units=N,
        treated=int(design.ever.sum()),
        periods=T,
        level=level,
        target=target,
    )


def _residual(design: Design) -> NDArray[np.float64]:
    """Residuals of the regression on treatment, unit and period effects."""
    d, net = (demean(a, "twoway") for a in (design.treated.astype(float), design.y))
    return np.asarray(net - d * ((d * net).sum() / (d * d).sum()))


def _rejected(
    noise: NDArray[np.float64],
    errors: NDArray[np.float64],
    critical: float,
    effects: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Share of draws whose statistic exceeds the critical value, by effect."""
    return np.array([np.mean(np.abs((noise + e) / errors) > critical) for e in effects])


def _smallest(
    noise: NDArray[np.float64], errors: NDArray[np.float64], critical: float, target: float
) -> float:
    """Smallest positive effect with the target power: some draw begins to reject there."""
    begins = np.sort(critical * errors - noise)
    for effect in begins[begins > 0.0]:
        beyond = float(np.nextafter(effect, np.inf)) * (1.0 + 1e-12)
        if _rejected(noise, errors, critical, np.array([beyond]))[0] >= target:
            return beyond
    return float("inf")
