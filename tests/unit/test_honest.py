"""Honest bounds and the power of leads: against linear programs, simulation and refusals."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import linprog

from ccec_econ.causal import Staggered, honest, pretrend_power, staggered
from ccec_econ.causal.honest_magnitudes import Target, _Case, confidence_set, plug_in_bounds
from ccec_econ.errors import IdentificationError

type Floats = NDArray[np.float64]


def target(seed: int, A: int = 3, B: int = 3) -> Target:
    rng = np.random.default_rng(seed)
    root = 0.3 * rng.normal(size=(A + B, A + B)) + 0.3 * np.eye(A + B)
    beta = rng.normal(size=A + B)
    weights = rng.uniform(0.1, 1.0, size=B)
    return Target(beta[:A], beta[A:], root @ root.T, weights / weights.sum())


def inequalities(asked: Target, place: int, sign: float, mbar: float) -> Floats:
    """Rows A of A delta <= 0: changes after adoption, at most mbar times the largest before."""
    before, after = len(asked.before), len(asked.after)
    steps = np.diff(np.eye(before + after + 1), axis=0)
    largest = sign * steps[place]
    rows = [side * steps[before + t] - mbar * largest for side in (1, -1) for t in range(after)]
    return np.delete(np.array(rows), before, axis=1)


def brute_statistic(asked: Target, A: Floats, theta: float) -> tuple[float, Floats]:
    """Least largest studentised violation over paths of effects with l'tau = theta, by program."""
    before, after = len(asked.before), len(asked.after)
    y = A @ np.concatenate([asked.before, asked.after])
    sd = np.sqrt(np.diag(A @ asked.covariance @ A.T))
    X = A[:, before:]
    found = linprog(
        np.array([1.0, *np.zeros(after)]),
        A_ub=-np.column_stack([sd, X]),
        b_ub=-y,
        A_eq=np.array([[0.0, *asked.weights]]),
        b_eq=[theta],
        bounds=[(None, None)] * (after + 1),
        method="highs",
    )
    return float(found.fun), -found.ineqlin.marginals


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("mbar", [0.3, 1.0])
def test_statistic_equals_the_linear_program(seed: int, mbar: float) -> None:
    asked = target(seed)
    for place in range(3):
        for sign in (1.0, -1.0):
            case = _Case(asked, place, sign, mbar, 0.05)
            A = inequalities(asked, place, sign, mbar)
            for theta in (-2.0, 0.0, 1.5):
                x = np.array([asked.estimate - theta, sign * asked.changes[place]])
                ours = float((case.gamma @ x).max())
                assert ours == pytest.approx(brute_statistic(asked, A, theta)[0], abs=1e-7)


@pytest.mark.parametrize("seed", range(3))
def test_decision_equals_the_conditional_test_by_enumeration(seed: int) -> None:
    """Vertices of the dual found by trying all bases, as the test is defined."""
    asked = target(seed, A=2, B=3)
    mbar, alpha, kappa = 0.7, 0.05, 0.005
    grid = np.linspace(asked.estimate - 6, asked.estimate + 6, 41)
    for place in range(2):
        A = inequalities(asked, place, 1.0, mbar)
        cov = A @ asked.covariance @ A.T
        sd = np.sqrt(np.diag(cov))
        l = asked.weights  # noqa: E741
        complement = np.linalg.svd(l[None])[2][1:].T
        X = A[:, 2:] @ complement
        vertices = []
        for basis in combinations(range(len(A)), 3):
            system = np.vstack([sd[list(basis)], X[list(basis)].T])
            if abs(np.linalg.det(system)) < 1e-10:
                continue
            values = np.linalg.solve(system, [1.0, 0.0, 0.0])
            if (values > -1e-9).all():
                gamma = np.zeros(len(A))
                gamma[list(basis)] = values
                vertices.append(gamma)
        V = np.unique(np.round(vertices, 12), axis=0)
        case = _Case(asked, place, 1.0, mbar, alpha)
        draws = np.random.default_rng(1).multivariate_normal(np.zeros(len(A)), cov, size=200_000)
        assert np.mean((draws @ V.T).max(axis=1) > case.critical) == pytest.approx(
            kappa, abs=4 * np.sqrt(kappa / 200_000)
        )
        size = (alpha - kappa) / (1 - kappa)
        for theta, kept in zip(grid, case.accepts(grid), strict=True):
            effects = np.concatenate([np.zeros(2), theta * l / (l @ l)])
            y = A @ (np.concatenate([asked.before, asked.after]) - effects)
            eta = (V @ y).max()
            gamma = V[(V @ y).argmax()]
            slope = cov @ gamma / (gamma @ cov @ gamma)
            rest, steep = V @ (y - slope * eta), V @ slope
            below, above = steep < 1 - 1e-9, steep > 1 + 1e-9
            lower = max(rest[below] / (1 - steep[below]), default=-np.inf)
            upper = min(rest[above] / (1 - steep[above]), default=np.inf)
            upper, s = min(upper, case.critical), np.sqrt(gamma @ cov @ gamma)
            tail = (stats.norm.sf(eta / s) - stats.norm.sf(upper / s)) / (
                stats.norm.sf(lower / s) - stats.norm.sf(upper / s)
            )
            rejected = eta > case.critical or (eta > 0 and tail < size)
            assert kept == (not rejected)


def test_plug_in_bounds_equal_the_linear_program() -> None:
    asked = target(2)
    for mbar in (0.5, 2.0):
        most = np.abs(asked.changes).max()
        steps = np.tril(np.ones((3, 3)))  # delta after from its changes
        found = linprog(-asked.weights @ steps, bounds=[(-mbar * most, mbar * most)] * 3)
        assert plug_in_bounds(asked, mbar)[1] - asked.estimate == pytest.approx(-found.fun)


@pytest.mark.parametrize("seed", range(3))
def test_sets_widen_and_hold_the_bounds(seed: int) -> None:
    asked = target(seed)
    z = stats.norm.ppf(0.975)
    usual = (asked.estimate - z * asked.std_error, asked.estimate + z * asked.std_error)
    assert confidence_set(asked, 0.0, 0.95) == pytest.approx(usual, abs=1e-8)
    ends = [confidence_set(asked, mbar, 0.95) for mbar in (0.0, 0.25, 0.5, 1.0, 2.0)]
    assert (np.diff([lower for lower, _ in ends]) < 0).all()
    assert (np.diff([upper for _, upper in ends]) > 0).all()
    for mbar, (lower, upper) in zip((0.25, 1.0), (ends[1], ends[3]), strict=True):
        inner = plug_in_bounds(asked, mbar)
        assert lower < inner[0]
        assert upper > inner[1]


def test_coverage_where_stretched_bounds_fail() -> None:
    """The truth on the bound: a change of 1 before, and of 1 after that is no effect."""
    sigma = 0.5 * (np.eye(3) + np.ones((3, 3)))
    truth = np.array([-1.0, 0.0, 1.0])
    draws = np.random.default_rng(11).multivariate_normal(truth, sigma, size=1000)
    asked = [Target(b[:2], b[2:], sigma, np.ones(1)) for b in draws]
    zero = np.zeros(1)
    covered = np.mean(
        [
            any(
                _Case(one, place, sign, 1.0, 0.05).accepts(zero)[0]
                for place in (0, 1)
                for sign in (1, -1)
            )
            for one in asked
        ]
    )
    assert covered > 0.95 - 3 * np.sqrt(0.05 * 0.95 / 1000)


@pytest.fixture(scope="module")
def found() -> Staggered:
    first = pd.Series([4] * 25 + [6] * 25 + [None] * 50, dtype="Int64")
    index = pd.MultiIndex.from_product([first.index, range(1, 9)], names=["unit", "year"])
    unit, year = (index.get_level_values(k).to_numpy() for k in (0, 1))
    treated = year >= first.fillna(99).to_numpy(float)[unit]
    y = np.random.default_rng(2).normal(size=len(index)) + 1.5 * treated
    return staggered(pd.DataFrame({"y": y}, index=index), "y", first)


def test_honest_results(found: Staggered) -> None:
    result = honest(found, window=(3, 3), curvature=[])
    assert (result.before, result.after) == ((-4, -3, -2), (0, 1, 2))
    assert list(result.magnitudes.index) == [0.0, 0.5, 1.0, 1.5, 2.0]
    broken = result.breakdown_magnitude
    at = honest(found, window=(3, 3), curvature=[], magnitudes=[broken]).magnitudes.iloc[0]
    assert at["lower"] == pytest.approx(0.0, abs=0.01)
    assert np.isnan(result.breakdown_curvature)
    assert result.curvature.empty
    assert "event times -4 to -2 before, 0 to 2 after" in str(result)
    single = honest(found, target=1, curvature=[])
    assert single.estimate == pytest.approx(found.event_study.loc[1, "estimate"])
    assert single.target == "Effect at event time 1"


def test_smoothness_widens(found: Staggered) -> None:
    result = honest(found, window=(2, 1), curvature=[0.0, 0.1, 1.0], magnitudes=[])
    assert (np.diff(result.curvature["upper"] - result.curvature["lower"]) > 0).all()
    assert result.breakdown_curvature == 0.1
    assert "Smoothness, M = 0.1" in str(result)


def test_pretrends_by_hand() -> None:
    """One lead: power of slope d is P(|N(d, s^2)| > z s), solved in closed form."""
    first = pd.Series([3] * 30 + [None] * 30, dtype="Int64")
    index = pd.MultiIndex.from_product([first.index, range(1, 4)], names=["unit", "year"])
    y = np.random.default_rng(4).normal(size=len(index))
    result = staggered(pd.DataFrame({"y": y}, index=index), "y", first)
    power = pretrend_power(result, power=(0.8,))
    s = result.event_study.loc[-2, "se"]
    slope = power.frame["slope"].iloc[0]
    z = stats.norm.ppf(0.975)
    detected = stats.norm.sf(z - slope / s) + stats.norm.cdf(-z - slope / s)
    assert detected == pytest.approx(0.8, abs=1e-5)
    assert power.frame["bias"].iloc[0] == pytest.approx(slope)  # one period from the base
    assert power.p_joint == pytest.approx(result.event_study.loc[-2, "p"])
    assert "1 leads, 0 of them significant" in str(power)


def test_refusals(found: Staggered) -> None:
    data = found.design.panel.frame.swaplevel()
    first = pd.Series(found.design.adoption).replace(np.inf, np.nan).astype("Int64")
    imputed = staggered(data, "y", first, method="imputation")
    with pytest.raises(IdentificationError, match="no joint covariance"):
        honest(imputed)
    with pytest.raises(IdentificationError, match="event time 9 is not among"):
        honest(found, target=9)
    with pytest.raises(IdentificationError, match=r"window \(9, 1\)"):
        honest(found, window=(9, 1))
    with pytest.raises(IdentificationError, match="size -1"):
        honest(found, magnitudes=[-1])
    with pytest.raises(IdentificationError, match=r"power 0\.01"):
        pretrend_power(found, power=(0.01,))
