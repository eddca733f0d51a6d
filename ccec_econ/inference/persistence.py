"""Speed of convergence in dynamic models, never without its confidence set.

Shocks of a unit fade by A = S^-1 (tau I + eta W): own-shock persistence is tr(A)/N, common-shock
persistence (tau + eta)/(1 - rho). Speed is -ln(persistence) per period, half-life ln 2 / speed.

The confidence set of tau inverts a test by parametric bootstrap: tau0 belongs to it unless the
quasi-likelihood estimate of tau lies in a tail of its own distribution when tau = tau0 and the
rest is estimated given tau0. The bias of the estimator is the same on both sides, so no correction
enters; a set that reaches one says that the data do not exclude no convergence at all.

References
----------
Hansen, B. E. (1999). The grid bootstrap and the autoregressive model. Review of Economics and
Statistics 81, 594-607.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ccec_econ.engine.dynamic import (
    BURN_IN,
    TimeLags,
    constant,
    held_at,
    simulated_own_lags,
    transition,
)
from ccec_econ.engine.estimate import Estimate
from ccec_econ.inference.reduced_form import static_form
from ccec_econ.inference.vcov import Vcov
from ccec_econ.typeset import Printed, Table, number

__all__ = ["Convergence", "convergence"]

_REACH = 5.0  # standard errors below the estimate where the search starts
_STEPS = 8  # halvings of an interval around each end of the set
_UNBOUNDED = "unbounded"
_KINDS = ("persistence", "speed", "half_life")
_COLUMNS = [
    *("persistence", "lower", "upper"),
    *("speed", "speed_lower", "speed_upper"),
    *("half_life", "half_life_lower", "half_life_upper"),
]


@dataclass(frozen=True, slots=True, repr=False)
class Convergence(Printed):
    """Persistence, speed and half-life with confidence sets.

    Attributes
    ----------
    frame : DataFrame
        Rows "tau", "own shock", "common shock"; columns persistence, speed and half_life, each
        with lower and upper ends of its set, and the method of the set. An infinite half-life
        means that no finite one is ruled out. Persistence at or below zero has neither speed nor
        half-life: both are missing.
    inversion : DataFrame
        The values of tau that were tested, in order: share of draws at or above and at or below
        the estimate, persistence of own shocks given tau, and draws without a maximum.
    contains_one : bool
        Whether the set of tau reaches one, or lies above it: no convergence is not excluded.
    level : float
    draws : int
        Draws of the panel at each tau tested; 0 where the model has no y_{t-1}.
    """

    frame: pd.DataFrame
    inversion: pd.DataFrame
    contains_one: bool
    level: float
    draws: int

    def summary(self, digits: int = 3) -> Table:
        """Table of the sets."""
        rows = []
        for name, row in self.frame.iterrows():
            cells = [str(name)]
            for what in _KINDS:
                ends = (row[_COLUMNS[_COLUMNS.index(what) + k]] for k in (1, 2))
                low, high = (_cell(end, what, digits) for end in ends)
                cells += [_cell(row[what], what, digits), f"[{low}, {high}]"]
            rows.append((*cells, str(row["method"])))
        percent = f"{100 * self.level:g} % set"
        heads = ("Persistence", percent, "Speed", percent, "Half-life", percent)
        return Table(
            title="Speed of convergence per period",
            columns=("Shock", *heads, "Set by"),
            rows=tuple(rows),
            notes=self.notes(),
            text_columns=frozenset({7}),
        )

    def notes(self) -> tuple[str, ...]:
        """Sentences for the foot of a table."""
        found = ["Speed is -ln(persistence), half-life ln 2 / speed, both per period."]
        if (self.frame["persistence"] <= 0.0).any():
            found.append(
                "Persistence at or below zero has neither: shocks change sign every period."
            )
        if self.draws:
            failed = self.inversion["failed"].sum()
            found.append(
                f"Test inversion: parametric bootstrap, {self.draws} panels at each tau tested "
                f"({len(self.inversion)} in all), normal errors; before the sample units stand at "
                "their long-run paths, or at zero where shocks do not fade; "
                f"{failed} panels without an interior maximum left out."
            )
        if self.contains_one:
            found.append(
                "The set of tau reaches one: absence of convergence is not excluded, and the "
                "half-life is unbounded."
            )
        return tuple(found)


@dataclass(slots=True)
class _Inversion:
    """Tests of values of tau against one estimate, on common draws; remembers them."""

    fit: Estimate
    lags: TimeLags
    estimate: float
    shocks: NDArray[np.float64]
    rows: dict[float, tuple[float, float, float, int]] = field(default_factory=dict)

    def at(self, tau: float) -> tuple[float, float, float, int]:
        """Shares of draws at or above and at or below the estimate, own persistence, failures."""
        if tau not in self.rows:
            self.rows[tau] = self._test(tau)
        return self.rows[tau]

    def _test(self, tau: float) -> tuple[float, float, float, int]:
        truth = held_at(self.fit, self.lags, tau)
        drawn = simulated_own_lags(truth, self.lags, self.shocks)
        kept = drawn[np.isfinite(drawn)]
        above = (1.0 + float((kept >= self.estimate).sum())) / (1.0 + len(kept))
        below = (1.0 + float((kept <= self.estimate).sum())) / (1.0 + len(kept))
        theta = np.append(truth.optimum.coefficients, truth.optimum.rho)
        return above, below, _own(truth, self.lags, theta)[0], len(drawn) - len(kept)

    def frame(self) -> pd.DataFrame:
        """Everything tested, in the order of tau."""
        tested = sorted(self.rows)
        data = [(tau, *self.rows[tau]) for tau in tested]
        return pd.DataFrame(data, columns=["tau", "above", "below", "own", "failed"])


def convergence(
    fit: Estimate,
    quasi: Estimate,
    lags: TimeLags,
    vcov: Vcov,
    *,
    level: float,
    draws: int,
    rng: np.random.Generator,
) -> Convergence:
    """Measure persistence, speed and half-life of an estimate.

    Parameters
    ----------
    fit : Estimate
        The estimate to report.
    quasi : Estimate
        The same model before correction, whose tau the test uses.
    draws : int
        Panels per value of tau tested (about twenty values).

    Raises
    ------
    ValueError
        If `level` is not in (0, 1), or `draws` too few for it.
    """
    if not 0.0 < level < 1.0 or draws < 4.0 / (1.0 - level):
        raise ValueError(
            f"level {level}, draws {draws}: need 0 < level < 1 and at least 4/(1 - level) draws."
        )
    form = static_form(fit)
    theta, V = form.theta, form.covariance(vcov)
    q = float(stats.t.ppf(0.5 + level / 2, vcov.df or np.inf))
    rows: dict[str, tuple[float, float, float, str]] = {}
    for name, part in (("own shock", _own), ("common shock", _common)):
        value, slope = part(fit, lags, theta)
        error = float(np.sqrt(slope @ V @ slope))
        rows[name] = (value, value - q * error, value + q * error, "Wald (delta)")
    if lags.own is None:
        empty = pd.DataFrame(columns=["tau", "above", "below", "own", "failed"])
        return Convergence(_frame(rows), empty, False, level, 0)
    shape = (draws, BURN_IN + 1 + len(fit.y), fit.y.shape[1])
    estimate = float(quasi.optimum.coefficients[lags.own])
    search = _Inversion(quasi, lags, estimate, rng.standard_normal(shape))
    reach = _REACH * float(np.sqrt(V[lags.own, lags.own]))
    lower, upper = _ends(search, estimate - reach, 0.5 - level / 2)
    own = [search.at(end)[2] if np.isfinite(end) else end for end in (lower, upper)]
    tau = float(theta[lags.own])
    found = {"tau": (tau, lower, upper, "test inversion")}
    own_row = (rows["own shock"][0], min(own), max(own), "image of the set of tau")
    found |= {"own shock": own_row, "common shock": rows["common shock"]}
    return Convergence(_frame(found), search.frame(), upper >= 1.0, level, draws)


def _ends(search: _Inversion, start: float, tail: float) -> tuple[float, float]:
    """Find the ends of the set of tau; the upper one is infinite where one is not rejected."""
    above, below, _, _ = search.at(1.0)
    if above < tail:
        return 1.0, np.inf
    if search.at(start)[0] >= tail:
        lower = -np.inf
    else:
        lower = _halve(lambda tau: search.at(tau)[0] >= tail, start, 1.0)[0]
    if below >= tail:
        return lower, np.inf
    return lower, _halve(lambda tau: search.at(tau)[1] < tail, max(lower, start), 1.0)[1]


def _halve(passed: Callable[[float], bool], low: float, high: float) -> tuple[float, float]:
    """Bracket the point between low and high where `passed` turns true."""
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if passed(middle) else (middle, high)
    return low, high


def _own(
    fit: Estimate, lags: TimeLags, theta: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """tr(A)/N and its gradient."""
    return _mean_transition(constant(fit.weights).eigenvalues, lags, theta)


def _common(
    fit: Estimate, lags: TimeLags, theta: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Eigenvalue of A for a shock common to all units, (tau + eta)/(1 - rho), and its gradient."""
    w = constant(fit.weights).eigenvalues
    return _mean_transition(w[[int(w.real.argmax())]], lags, theta)


def _mean_transition(
    w: NDArray[np.complex128], lags: TimeLags, theta: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Mean eigenvalue of A over the eigenvalues w of W, with its gradient."""
    tau, eta = lags.of(theta)
    s, a = 1.0 / (1.0 - theta[-1] * w), transition(w, float(theta[-1]), tau, eta)
    slope = np.zeros(len(theta))
    for j, column in ((len(theta) - 1, w * s * a), (lags.own, s), (lags.spatial, w * s)):
        if j is not None:
            slope[j] = column.real.mean()
    return float(a.real.mean()), slope


def _frame(rows: dict[str, tuple[float, float, float, str]]) -> pd.DataFrame:
    """Map persistence and its set to speed and half-life."""
    data = {}
    for name, (value, lower, upper, method) in rows.items():
        speeds = [_speed(p) for p in (value, upper, lower)]
        lives = [_half_life(s) for s in (speeds[0], speeds[2], speeds[1])]
        if value <= 0.0:
            speeds[0] = lives[0] = np.nan
        if upper <= 0.0:
            speeds, lives = [np.nan] * 3, [np.nan] * 3
        data[name] = [value, lower, upper, *speeds, *lives, method]
    return pd.DataFrame.from_dict(data, orient="index", columns=[*_COLUMNS, "method"])


def _speed(persistence: float) -> float:
    return float(-np.log(persistence)) if persistence > 0.0 else np.inf


def _half_life(speed: float) -> float:
    return float(np.log(2.0) / speed) if speed > 0.0 else np.inf


def _cell(value: float, what: str, digits: int) -> str:
    """Write an end of a set; what lies beyond all numbers in words."""
    if np.isfinite(value):
        return number(value, digits)
    if np.isnan(value):
        return "none"
    if what == "persistence":
        return "1 or more" if value > 0 else "none"
    return _UNBOUNDED if value > 0 else "0 or less"
