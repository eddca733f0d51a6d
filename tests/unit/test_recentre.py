"""Recentred treatments: a case worked by hand, what is refused, and what the checks say."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.causal import leave_one_out, recentre, recentred_regression
from ccec_econ.causal.recentre_inference import Randomisation
from ccec_econ.errors import AlignmentError, FormulaError, IdentificationError, PanelError
from network_shocks import network, outcome, panel

UNITS, YEARS = list("abcd"), [1, 2]
ROUNDING = 1e-12


def line(*ends: str) -> pd.DataFrame:
    """A line that opens in period 2."""
    return pd.DataFrame([[0.0] * 4, [float(unit in ends) for unit in UNITS]], YEARS, UNITS)


LINES = [line("a", "b"), line("b", "c"), line("c", "d")]
GROWTH = pd.Series({"a": 5.0, "b": 3.0, "c": 1.0, "d": 0.0})
PANEL = pd.concat({1: 0.0 * GROWTH, 2: GROWTH}, names=["year", "unit"]).swaplevel().to_frame("y")


def worked() -> ce.causal.Recentred:
    return recentre(LINES[0], LINES, name="access", enumerated=True)


def test_expectation_by_hand() -> None:
    found = worked()
    assert found.expected.loc[2].tolist() == pytest.approx([1 / 3, 2 / 3, 2 / 3, 1 / 3])
    assert found.recentred.loc[2].tolist() == pytest.approx([2 / 3, 1 / 3, -2 / 3, -1 / 3])
    assert (found.distinct, found.smallest_pvalue) == (3, pytest.approx(1 / 3))
    # Changes less their mean: x (1, 1, -1, -1)/2 and mu (-1, 1, 1, -1)/6 are orthogonal.
    assert found.explained("twoway") == pytest.approx(0.0, abs=ROUNDING)
    # All eight cells: cov = (1 + 2)/3 - 2 * 2/8, var x = 2 - 4/8, var mu = 10/9 - 4/8.
    assert found.explained() == pytest.approx(0.5**2 / (1.5 * (10 / 9 - 0.5)))


def test_estimates_by_hand() -> None:
    # Products with changes of y, (5, 3, 1, 0), and of x, (1, 1, 0, 0), of the three lines:
    # 11/3 and 1, -1/3 and 0, -10/3 and -1. Two-way products in two periods are half of these.
    expected = {"recentre": 11 / 3, "control": 3.5, "naive": 3.5, "regressor": (11 / 3) / (10 / 9)}
    for how, value in expected.items():
        found = recentred_regression(PANEL, "y", worked(), how=how)
        assert found.estimate == pytest.approx(value)
    found = recentred_regression(PANEL, "y", worked())
    assert found.randomisation.numerator * 6 == pytest.approx([11.0, -1.0, -10.0])
    assert found.randomisation.denominator * 2 == pytest.approx([1.0, 0.0, -1.0], abs=ROUNDING)
    assert found.randomisation.centre == pytest.approx(found.estimate)
    assert found.pvalue == pytest.approx(1 / 3)


def test_confidence_set_by_hand() -> None:
    # Line 2 counts at b where abs(11/3 - b) <= 1/3, line 3 where abs(10/3 - b) >= abs(11/3 - b).
    test = recentred_regression(PANEL, "y", worked()).randomisation
    assert test.accepted(0.3) == (pytest.approx((3.5, 4.0)),)
    assert test.accepted(0.6) == (pytest.approx((10 / 3, np.inf)),)
    assert test.accepted(0.95) == ((-np.inf, np.inf),)
    assert test.pvalue(3.4) == pytest.approx(2 / 3)
    assert test.pvalue(3.6) == 1.0


def test_set_may_be_two_pieces_or_a_half_line() -> None:
    # At b members count where 4 (1 - b)^2 >= 1: outside of [1/2, 3/2]; the realised is 1 for all b
    # but for a slope that is next to nothing.
    test = Randomisation(np.array([1.0, 2.0]), np.array([1e-3, 2.0]))
    (left, right) = test.accepted(0.4)
    assert (left[0], right[1]) == (-np.inf, np.inf)
    assert (left[1], right[0]) == pytest.approx((0.5, 1.5), abs=2e-3)
    assert Randomisation(np.ones(2), np.ones(2)).accepted(0.4) == ((-np.inf, np.inf),)
    # Equal slopes: the other counts where abs(3 - b) >= abs(1 - b), b <= 2.
    half = Randomisation(np.array([1.0, 3.0]), np.ones(2)).accepted(0.4)
    assert half == (pytest.approx((-np.inf, 2.0)),)
    # Opposite slopes: abs(3 + b) >= abs(1 - b), b >= -1.
    half = Randomisation(np.array([1.0, 3.0]), np.array([1.0, -1.0])).accepted(0.4)
    assert half == (pytest.approx((-1.0, np.inf)),)


def test_drawn_treatments_are_joined_by_the_realised_one() -> None:
    drawn = recentre(LINES[0], LINES[1:])
    whole = worked()
    pd.testing.assert_frame_equal(drawn.expected, whole.expected)
    assert drawn.checks.equals(whole.checks)
    assert (drawn.name, drawn.enumerated) == ("treatment", False)


def test_one_treatment_in_four_forms() -> None:
    net = network(1)
    rng = np.random.default_rng(2)
    drawn = [net.access(rng.permutation(8)) for _ in range(5)]
    wide = recentre(drawn[0], drawn[1:])
    mixed = [frame.iloc[::-1, ::-1] for frame in drawn]
    long = [frame.unstack().rename("access") for frame in drawn]
    array = np.stack([frame.to_numpy() for frame in mixed])
    flat = np.stack([series.to_numpy() for series in long])
    others = (
        recentre(mixed[0], iter(mixed[1:])),
        recentre(mixed[0], array[1:]),
        recentre(long[0], long[1:]),
        recentre(long[0], flat[1:]),
    )
    for other in others:
        assert np.array_equal(other.draws, wide.draws)
        assert np.array_equal(other.expected, wide.expected)
    assert [other.name for other in others] == ["treatment", "treatment", "access", "access"]


def test_checks_reject_a_treatment_that_is_no_draw() -> None:
    """Lines that all open where much was expected: slope on the expectation is far too large."""
    net = network(5, units=30, lines=6)
    rng = np.random.default_rng(6)
    drawn = [net.access(rng.permutation(6)) for _ in range(199)]
    honest = recentre(net.access(rng.permutation(6)), drawn)
    assert (honest.checks["pvalue"] > 0.05).all()
    chosen = drawn[0] + 0.5 * np.outer(np.arange(9), net.central)
    planted = recentre(chosen, drawn[:98])
    assert planted.checks.loc["slope on expected", "pvalue"] == pytest.approx(2 / 99)
    assert planted.outside > 10 * honest.outside
    assert f"{honest.distinct} differ with the realised one" in str(honest)
    with pytest.raises(IdentificationError, match="all 199 draws agree in"):
        recentre(chosen, drawn)


def test_leave_one_out_holds_a_line() -> None:
    """With three of four lines held there is one order left; with one held, six."""
    net = network(3, units=10, lines=4, periods=6)
    orders = [np.array(order) for order in permutations(range(4))]
    real = orders[9]
    y = panel(outcome(np.random.default_rng(0), net, net.access(real), 1.0, 0.0))
    held = {
        k: recentre(
            net.access(real),
            [net.access(o) for o in orders if np.argsort(o)[k] == np.argsort(real)[k]],
            name="access",
            enumerated=True,
        )
        for k in range(4)
    }
    found = leave_one_out(y, "y", held)
    assert found.index.tolist() == [0, 1, 2, 3]
    assert (found["draws"] == 5).all()
    alone = recentred_regression(y, "y", held[2])
    pd.testing.assert_series_equal(found.loc[2], alone.row, check_names=False, check_dtype=False)


def test_sample_may_be_part_of_the_treatment() -> None:
    net, rng = network(4), np.random.default_rng(1)
    drawn = [net.access(rng.permutation(8)) for _ in range(20)]
    access = recentre(drawn[0], drawn[1:], name="access")
    y = panel(outcome(rng, net, drawn[0], 1.0, 0.0))
    some = y[(y.index.get_level_values("unit") != 7) & (y.index.get_level_values("year") > 2)]
    found = recentred_regression(some, "y", access, how="control")
    assert found.treatment.realised.shape == (6, 23)
    assert "23, 6 units and periods" in str(found)
    cut = recentre(
        *(lambda frames: (frames[0], frames[1:]))(
            [frame.loc[3:].drop(columns=7) for frame in drawn]
        ),
        name="access",
    )
    other = recentred_regression(some, "y", cut, how="control")
    assert other.pvalue == found.pvalue
    assert other.randomisation.scaled == pytest.approx(found.randomisation.scaled)


def test_refusals_of_draws() -> None:
    with pytest.raises(AlignmentError, match="draw 1 and the realised treatment differ in d, e"):
        recentre(LINES[0], [LINES[1], LINES[2].rename(columns={"d": "e"})])
    with pytest.raises(AlignmentError, match=r"shape \(3, 4\): an array needs the shape \(S, 2, 4"):
        recentre(LINES[0], np.zeros((3, 4)))
    with pytest.raises(PanelError, match=r"missing or infinite in \(b, 2\)"):
        recentre(LINES[0].replace(1.0, np.nan).fillna({"a": 0.0}), LINES)
    with pytest.raises(PanelError, match=r"draws 0 \(1 of 2\)"):
        recentre(LINES[0], np.stack([LINES[1] / 0.0, LINES[2]]))
    with pytest.raises(PanelError, match="of type list"):
        recentre([1.0], LINES)  # type: ignore[arg-type]
    with pytest.raises(PanelError, match=r"index a Series \(unit, time\)"):
        recentre(GROWTH, LINES)
    with pytest.raises(PanelError, match="stands there twice"):
        recentre(pd.concat([LINES[0], LINES[0]]), LINES)
    with pytest.raises(IdentificationError, match="no draw beside"):
        recentre(LINES[0], [])
    with pytest.raises(IdentificationError, match="no draw beside"):
        recentre(LINES[0], LINES[:1], enumerated=True)
    with pytest.raises(IdentificationError, match="could not have been otherwise"):
        recentre(LINES[0], [LINES[0], LINES[0]])
    with pytest.raises(IdentificationError, match="none of 2 enumerated draws"):
        recentre(LINES[0], LINES[1:], enumerated=True)


def test_refusals_of_regressions() -> None:
    with pytest.raises(FormulaError, match="how 'iv'"):
        recentred_regression(PANEL, "y", worked(), how="iv")  # type: ignore[arg-type]
    with pytest.raises(FormulaError, match="no column of the data"):
        recentred_regression(PANEL.assign(access=0.0), "y", worked())
    with pytest.raises(FormulaError, match="plain word"):
        recentred_regression(PANEL, "y", recentre(LINES[0], LINES, name="ln access"))
    with pytest.raises(AlignmentError, match="no units e"):
        recentred_regression(PANEL.rename(index={"d": "e"}), "y", worked())
    with pytest.raises(ValueError, match="need 0 < level < 1"):
        recentred_regression(PANEL, "y", worked()).randomisation.accepted(95)
    with pytest.raises(IdentificationError, match="nothing is left to estimate from"):
        Randomisation(np.ones(3), np.array([0.0, 1.0, 2.0]))
