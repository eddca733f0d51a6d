"""Formulas of plain names are read without formulaic: the same design, the same refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from ccec_econ.errors import CcecError
from ccec_econ.formula import Design, materialise, parse
from ccec_econ.panel import Panel, UnbalancedPanel
from drawn import EFFECTS, cases, seeds

NAMES = ("y", "x", "Ab_1", "_z", "e", "inf", "数字", "unit")
NUMBERS = ("float64", "float32", "int8", "uint16", "int64", "bool", "longdouble")
OTHERS = ("Int64", "Float64", "boolean", "object", "str", "category", "complex128")
STRANGE = ("log", "np", "C", "rho", "L", "W", "in", "absent", "Intercept", "x:e", "0", "x.1")


def frame(rng: np.random.Generator, kinds: dict[str, str], *, full: bool) -> pd.DataFrame:
    cells = pd.MultiIndex.from_product([list("dbca"), range(2000, 2003)], names=["unit", "year"])
    values = {
        name: pd.Series(rng.integers(0, 2 if "bool" in kind else 9, len(cells)), cells).astype(kind)
        for name, kind in kinds.items()
    }
    shuffled = pd.DataFrame(values).iloc[rng.permutation(len(cells))]
    return shuffled if full else shuffled.iloc[1:]


def outcome(formula: str, panel: Panel) -> Design | tuple[str, str]:
    try:
        return materialise(parse(formula), panel)
    except CcecError as error:
        plain = "".join(mark for mark in str(error) if mark not in "()")
        return type(error).__name__, plain


def agree(response: str, names: list[str], bar: str, panel: Panel) -> Design | tuple[str, str]:
    """Read a formula as it stands and in brackets, which only formulaic reads."""
    right = " + ".join(names)
    one = outcome(f"{response} ~ {right}{bar}", panel)
    other = outcome(f"{response} ~ ({right}){bar}", panel)
    assert type(one) is type(other), (one, other)
    if isinstance(one, Design) and isinstance(other, Design):
        np.testing.assert_array_equal(one.y, other.y)
        np.testing.assert_array_equal(one.X, other.X)
        assert (one.terms, one.lags, one.effects) == (other.terms, other.lags, other.effects)
    else:
        assert one == other
    return one


@cases
@given(
    seeds,
    st.lists(st.sampled_from(NUMBERS), min_size=len(NAMES), max_size=len(NAMES)),
    st.lists(st.sampled_from(NAMES[1:]), min_size=1, max_size=6),
    st.sampled_from(list(EFFECTS.values())),
    st.booleans(),
)
def test_columns_of_numbers(seed, kinds, names, bar, full) -> None:
    data = frame(np.random.default_rng(seed), dict(zip(NAMES, kinds, strict=True)), full=full)
    panel = (Panel if full else UnbalancedPanel).from_frame(data)
    found = agree("y", names, bar, panel)
    assert isinstance(found, Design)
    assert found.terms == (*["Intercept"] * (not bar), *dict.fromkeys(names))


@cases
@given(
    seeds,
    st.lists(st.sampled_from(NUMBERS + OTHERS), min_size=len(NAMES), max_size=len(NAMES)),
    st.lists(st.sampled_from(NAMES + STRANGE), min_size=1, max_size=4),
    st.sampled_from(NAMES[:4] + STRANGE[:4]),
    st.sampled_from(["", " | unit", " | unit + year", " | region"]),
    st.sampled_from([None, np.nan, np.inf, -np.inf]),
)
def test_whatever_else_columns_hold(seed, kinds, names, response, bar, hole) -> None:
    rng = np.random.default_rng(seed)
    data = frame(rng, {**dict(zip(NAMES, kinds, strict=True)), "rho": "float64"}, full=True)
    floats = data.columns[data.dtypes == "float64"]
    if hole is not None:
        data.loc[data.index[3], rng.choice(floats)] = hole
    agree(response, names, bar, Panel.from_frame(data))


def test_a_column_that_stands_twice() -> None:
    data = frame(np.random.default_rng(0), {"y": "float64", "x": "float64"}, full=True)
    panel = Panel.from_frame(pd.concat([data, data[["x"]]], axis=1))
    name, message = agree("y", ["x"], "", panel)
    assert name == "FormulaError"
    assert "have column x twice" in message


def test_columns_on_two_levels_are_read_in_full() -> None:
    data = frame(np.random.default_rng(0), {"y": "float64", "x": "float64"}, full=True)
    data.columns = pd.MultiIndex.from_product([data.columns, ["a"]])
    panel = Panel.from_frame(data)
    assert type(raised(panel, "y ~ x")) is type(raised(panel, "y ~ (x)"))


def raised(panel: Panel, formula: str) -> BaseException | None:
    try:
        materialise(parse(formula), panel)
    except Exception as error:
        return error
    return None
