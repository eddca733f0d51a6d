"""Recentred treatments against brute force, and what must not change them."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccec_econ.causal import recentre, recentred_regression
from ccec_econ.causal.recentre_inference import Randomisation
from ccec_econ.engine.transform import demean
from drawn import cases, seeds
from network_shocks import network, outcome, panel

SAME = 1e-8
EFFECT = 0.8
hows = st.sampled_from(["recentre", "control", "regressor", "naive"])


def drawn(seed: int, draws: int = 30) -> tuple[pd.DataFrame, pd.DataFrame, list[pd.DataFrame]]:
    """Panel with a control z, realised access, and draws of it."""
    net, rng = network(seed, units=12, lines=6, periods=7), np.random.default_rng(seed)
    frames = [net.access(rng.permutation(6)) for _ in range(draws + 1)]
    data = panel(outcome(rng, net, frames[0], EFFECT, 0.1))
    return data.assign(z=rng.standard_normal(len(data))), frames[0], frames[1:]


def dummies(data: pd.DataFrame) -> np.ndarray:
    index = data.index.to_frame()
    return pd.get_dummies(index, columns=["unit", "year"], dtype=float).to_numpy()


@cases
@given(seeds, hows, st.booleans())
def test_estimates_and_pvalues_are_brute_force_with_dummies(
    seed: int, how: str, controlled: bool
) -> None:
    """Least squares on all dummies; draw after draw, effect imposed, residuals of each."""
    data, x, draws = drawn(seed)
    controls = ["z"] if controlled else []
    found = recentred_regression(
        data, "y", recentre(x, draws, name="x"), controls=controls, how=how
    )
    mu = (x + sum(draws)) / (len(draws) + 1)
    X, MU = (frame.unstack().to_numpy() for frame in (x, mu))
    y = data["y"].to_numpy()
    rest = np.column_stack([dummies(data), data[controls].to_numpy()])
    if how == "control":
        rest = np.column_stack([rest, MU])

    def left(column: np.ndarray) -> np.ndarray:
        return column - rest @ np.linalg.lstsq(rest, column, rcond=None)[0]

    z = left(X if how in ("naive", "control") else X - MU)
    slope = z @ y / (z @ X if how == "recentre" else z @ z)
    assert found.estimate == pytest.approx(slope, rel=SAME)

    def statistics(effect: float) -> np.ndarray:
        residual = left(y - effect * X)
        return np.array([(frame.unstack().to_numpy() - MU) @ residual for frame in (x, *draws)])

    for effect in (0.0, EFFECT, 2.0):
        t = np.abs(statistics(effect))
        assert found.randomisation.pvalue(effect) == np.mean(t >= t[0] * (1 - SAME))
    if how in ("recentre", "control"):
        assert found.randomisation.centre == pytest.approx(found.estimate, rel=SAME)


@cases
@given(seeds, st.integers(3, 40), st.floats(0.5, 0.99), st.booleans())
def test_confidence_set_is_where_the_pvalue_says_so(
    seed: int, size: int, level: float, ties: bool
) -> None:
    """Random statistics, some equal to the realised one or to its mirror image, on a fine grid."""
    rng = np.random.default_rng(seed)
    a, c = rng.standard_normal(size), 0.3 + rng.standard_normal(size)
    if ties:
        a[1], c[1] = a[0], c[0]
        a[2], c[2] = -a[0], -c[0]
    test = Randomisation(a, c)
    accepted = test.accepted(level)
    assert any(low <= test.centre <= high for low, high in accepted)
    grid = np.concatenate([np.linspace(-30.0, 30.0, 1501), [-1e7, 1e7], rng.normal(0, 3, 200)])
    ends = np.array(accepted).ravel()
    for b in grid:
        if np.abs(ends - b).min(initial=np.inf) > 1e-6:
            inside = any(low <= b <= high for low, high in accepted)
            assert inside == (test.pvalue(b) > 1.0 - level), b


@cases
@given(seeds, st.sampled_from(["recentre", "control"]), st.floats(0.1, 30.0))
def test_constants_and_units_of_measure(seed: int, how: str, scale: float) -> None:
    """Unit and time constants of any size in treatment and outcome leave; scales pass through."""
    data, x, draws = drawn(seed)
    rng = np.random.default_rng(seed)

    def moved(frame: pd.DataFrame) -> pd.DataFrame:
        return scale * (frame + units + years)

    units, years = rng.standard_normal(12), rng.standard_normal((7, 1))
    plain = recentred_regression(data, "y", recentre(x, draws, name="x"), how=how)
    place, time = (data.index.get_level_values(level) for level in (0, 1))
    y = 3.0 * data["y"] + 5.0 * units[place] - years[time, 0]
    other = recentred_regression(
        data.assign(y=y),
        "y",
        recentre(moved(x), [moved(d) for d in draws], name="x"),
        how=how,
    )
    factor = 3.0 / scale
    assert other.estimate == pytest.approx(factor * plain.estimate, rel=SAME)
    assert other.std_error == pytest.approx(factor * plain.std_error, rel=SAME)
    assert other.pvalue == plain.pvalue
    ends = np.array(plain.confidence_set) * factor
    assert np.allclose(np.array(other.confidence_set), ends, rtol=1e-6)


@cases
@given(seeds)
def test_order_of_rows_and_of_draws_does_not_matter(seed: int) -> None:
    data, x, draws = drawn(seed)
    rng = np.random.default_rng(seed)
    plain = recentred_regression(data, "y", recentre(x, draws, name="x"))
    shuffled = [draws[k].sample(frac=1.0, axis=1, random_state=1) for k in rng.permutation(30)]
    other = recentred_regression(
        data.sample(frac=1.0, random_state=2), "y", recentre(x, shuffled, name="x")
    )
    assert other.estimate == pytest.approx(plain.estimate, rel=SAME)
    assert other.pvalue == plain.pvalue


@cases
@given(seeds)
def test_all_orders_give_an_exactly_uniform_pvalue(seed: int) -> None:
    """Errors fixed, each of the 24 orders in turn the realised one: p-values 1/24, 2/24, ..., 1.

    The recentred products of all orders add to zero: no bias, whatever the errors are.
    """
    net, rng = network(seed, units=10, lines=4, periods=6), np.random.default_rng(seed)
    orders = [net.access(np.array(order)) for order in permutations(range(4))]
    untreated = outcome(rng, net, 0.0 * orders[0], 0.0, 0.5)
    pvalues, products = [], []
    for x in orders:
        access = recentre(x, orders, enumerated=True)
        y = demean(untreated + EFFECT * x.to_numpy(), "twoway")
        test = access.randomisation(y, demean(x.to_numpy(), "twoway"))
        pvalues.append(test.pvalue(EFFECT))
        products.append(float(test.numerator[0] - EFFECT * test.denominator[0]))
    assert sorted(pvalues) == pytest.approx(np.arange(1, 25) / 24)
    assert sum(products) == pytest.approx(0.0, abs=1e-10 * max(map(abs, products)))
