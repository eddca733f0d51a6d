"""Invariances of paths, clubs and chains."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from ccec_econ.convergence import find_clubs, income_classes, log_t, markov

FEW = settings(max_examples=15, deadline=None, derandomize=True)


def drawn(seed: int, T: int = 14, N: int = 7) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    table = np.exp(9 + rng.normal(0, 0.5, N) + np.cumsum(rng.normal(0.05, 0.05, (T, N)), axis=0))
    years = pd.RangeIndex(2000, 2000 + T, name="year")
    units = pd.Index([f"u{i}" for i in range(N)], name="unit")
    frame = pd.DataFrame(table, years, units)
    return frame.stack().rename("y").to_frame().swaplevel().sort_index()


@FEW
@given(st.integers(0, 10_000), st.floats(0.01, 100.0))
def test_levels_ignore_the_unit_of_measurement(seed: int, factor: float) -> None:
    panel = drawn(seed)
    one = log_t(panel, "y", log=False)
    two = log_t(panel.assign(y=factor * panel["y"]), "y", log=False)
    assert np.isclose(one.b, two.b, rtol=1e-6)
    assert np.isclose(one.tstat, two.tstat, rtol=1e-4)


@FEW
@given(st.integers(0, 10_000), st.permutations(range(7)))
def test_names_do_not_matter(seed: int, order: list[int]) -> None:
    panel = drawn(seed)
    names = {f"u{i}": f"u{j}" for i, j in enumerate(order)}
    one = find_clubs(panel, "y").membership
    two = find_clubs(panel.rename(index=names, level="unit").sort_index(), "y").membership
    assert two.loc[[names[unit] for unit in one.index]].tolist() == one.tolist()


@FEW
@given(st.integers(0, 10_000))
def test_clubs_partition_and_pass(seed: int) -> None:
    found = find_clubs(drawn(seed), "y")
    listed = [unit for club in found.clubs for unit in club.units] + list(found.divergent)
    assert sorted(listed) == [f"u{i}" for i in range(7)]
    assert all(club.test.converges for club in found.clubs)


@FEW
@given(st.integers(0, 10_000), st.floats(0.01, 100.0))
def test_chains_add_up(seed: int, factor: float) -> None:
    panel = drawn(seed)
    chain = markov(panel, "y", draws=99)
    assert chain.counts.sum() == 7 * 13
    assert np.allclose(chain.probabilities.sum(axis=1), 1.0)
    scaled = income_classes(panel.assign(y=factor * panel["y"]), "y")
    assert scaled.number.equals(chain.classes.number)
