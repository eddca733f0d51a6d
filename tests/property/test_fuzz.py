"""Odd frames and hostile formulas: a finite result, or an error of the package that names them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ccec_econ as ce
from ccec_econ.errors import CcecError, FormulaError

N, T = 5, 4
FUZZ = settings(derandomize=True, deadline=None, max_examples=40)
KINDS = (
    *("float64", "float32", "int8", "uint64", "bool", "object", "text", "numbers as text"),
    *("category", "Int64", "Float64", "boolean", "complex", "date", "constant", "missing"),
    *("infinite", "mixed", "lists", "arrow"),
)
LAYOUTS = (
    *("plain", "columns", "shuffled", "strings", "categories", "unnamed", "same names", "no index"),
    *(
        "three levels",
        "missing label",
        "twice",
        "gap",
        "one period",
        "one unit",
        "no rows",
        "dates",
    ),
    *("exchanged", "mixed labels", "doubled column", "two-level columns"),
)
NAMES = (
    "x",
    "x 1",
    "é",
    "变量",
    "📈",
    'a"b',
    "a'b",
    "class",
    "np",
    "W",
    "L",
    "log",
    "1x",
    "x.y",
    "",
)


def column(kind: str, scale: float, seed: int) -> Any:
    values = np.random.default_rng(seed).normal(size=N * T)
    made = {
        "float64": lambda: values * scale,
        "float32": lambda: values.astype(np.float32),
        "int8": lambda: (values * 40).clip(-127, 127).astype(np.int8),
        "uint64": lambda: (np.abs(values) * 1e18).astype(np.uint64),
        "bool": lambda: values > 0,
        "object": lambda: pd.Series(values, dtype=object).to_numpy(),
        "text": lambda: np.where(values > 0, "high", "low"),
        "numbers as text": lambda: values.astype(str),
        "category": lambda: pd.Categorical(np.where(values > 0, "high", "low")),
        "Int64": lambda: pd.array((values * 40).astype(int), dtype="Int64"),
        "Float64": lambda: pd.array([None, *values[1:]], dtype="Float64"),
        "boolean": lambda: pd.array(values > 0, dtype="boolean"),
        "complex": lambda: values + 1j,
        "date": lambda: pd.Timestamp(2000, 1, 1) + pd.to_timedelta(values, unit="D"),
        "constant": lambda: np.full(N * T, scale),
        "missing": lambda: np.where(np.arange(N * T) == 3, np.nan, values),
        "infinite": lambda: np.where(np.arange(N * T) == 3, np.inf, values),
        "mixed": lambda: pd.Series([*values[:-1], "n.a."], dtype=object).to_numpy(),
        "lists": lambda: pd.Series([[value] for value in values]).to_numpy(),
        "arrow": lambda: pd.array(values, dtype="double[pyarrow]"),
    }
    return made[kind]()


def arranged(frame: pd.DataFrame, layout: str) -> pd.DataFrame:
    units, times = (frame.index.get_level_values(level) for level in (0, 1))

    def labelled(first: Any, second: Any, names: Any = ("unit", "year")) -> pd.DataFrame:
        return frame.set_axis(pd.MultiIndex.from_arrays([first, second], names=names))

    changed = {
        "plain": lambda: frame,
        "columns": lambda: frame.reset_index(),
        "shuffled": lambda: frame.sample(frac=1, random_state=1),
        "strings": lambda: labelled(units.astype(str), times),
        "categories": lambda: labelled(pd.Categorical(units), pd.Categorical(times)),
        "unnamed": lambda: labelled(units, times, (None, None)),
        "same names": lambda: labelled(units, times, ("unit", "unit")),
        "no index": lambda: frame.reset_index(drop=True),
        "three levels": lambda: frame.assign(more=1).set_index("more", append=True),
        "missing label": lambda: labelled([None, *units[1:]], times),
        "twice": lambda: pd.concat([frame, frame.iloc[:1]]),
        "gap": lambda: frame.iloc[1:],
        "one period": lambda: frame[times == 2000],
        "one unit": lambda: frame[units == 0],
        "no rows": lambda: frame.iloc[:0],
        "dates": lambda: labelled(units, pd.to_datetime(times.astype(str))),
        "exchanged": lambda: frame.swaplevel(),
        "mixed labels": lambda: labelled(["a", *units[1:]], times),
        "doubled column": lambda: pd.concat([frame, frame.iloc[:, :2]], axis=1),
        "two-level columns": lambda: pd.concat({"all": frame}, axis=1),
    }
    return changed[layout]()


def weights() -> Any:
    return ce.weights.row_standardise(ce.weights.from_matrix(1.0 - np.eye(N), range(N)))


def finite_or_refused(formula: str, frame: pd.DataFrame) -> None:
    """Fit with and without space; warnings are no results and are let pass."""
    for fit in (lambda: ce.ols(formula, frame), lambda: ce.sdm(formula, frame, weights())):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found = fit()
            except CcecError as error:
                told = len(str(error))
            else:
                told = 0
        if told:
            assert told > 20  # a sentence, not a bare value
            continue
        assert np.isfinite(np.asarray(found.params, dtype=float)).all()
        assert np.isfinite(np.asarray(found.std_errors, dtype=float)).all()


def panel(seed: int = 1, **columns: Any) -> pd.DataFrame:
    index = pd.MultiIndex.from_product([range(N), range(2000, 2000 + T)], names=["unit", "year"])
    random = np.random.default_rng(seed)
    plain = {name: random.normal(size=N * T) for name in ("y", "z")}
    return pd.DataFrame(plain | columns, index=index)


@FUZZ
@given(
    kind=st.sampled_from(KINDS),
    response=st.sampled_from(("float64", *KINDS)),
    power=st.integers(-300, 300),
    seed=st.integers(0, 9),
    effects=st.sampled_from(("", " | unit", " | unit + year")),
)
def test_columns_of_any_kind(kind, response, power, seed, effects) -> None:
    scale = 10.0**power
    frame = panel(seed, x=column(kind, scale, seed))
    frame["y"] = column(response, 1.0, seed + 100)
    finite_or_refused(f"y ~ x + z{effects}", frame)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_frames_of_any_layout(layout) -> None:
    finite_or_refused("y ~ x + z | unit + year", arranged(panel(x=np.arange(N * T) ** 2.0), layout))


@pytest.mark.parametrize("name", NAMES)
def test_columns_of_any_name(name) -> None:
    frame = panel(**{name: np.arange(N * T) ** 2.0})
    for written in (name, f"`{name}`", f"I(`{name}`)", f"W(`{name}`)"):
        finite_or_refused(f"y ~ {written} + z", frame)


HOSTILE = (
    *("y ~ I(x", "y ~ x)", "y ~ ((x)", "y ~ L(W(L(x)))", "y ~ W(W(x))", "y ~ `x", "y ~ ``"),
    *("y ~ x ~ z", "y ~ x | unit | year", "|", "~", "", "y ~ | unit", "y ~ x | unit + unit"),
    *("y ~ x | `unit`", "y ~ x |", "y ~ x || year", "y ~ x:", "y ~ x **", "y ~ x ** 0", "y ~ 1"),
    *("y ~ x + 'a'", "y ~ {x", "y ~ x}", "y ~ [x]", "y ~ x @ z", "y ~ x; z", "y ~ x\n+ z"),
    *("y ~ x + \x00", "y ~ I(1/0)", "y ~ I(x[0])", "y ~ I(None)", "y ~ I(x/0)", "y ~ W", "y ~ C"),
    *("y ~ x^999", "y ~ 0 + x", "y ~ -1", "y ~ x - x", "y ~ I('x')", "y ~ I(x, z)", "y ~ np.pi"),
    *("y ~ I(x, 3", "y ~ x z", "y ~ .", "y ~ C(x) + C(z)", "y ~ I(x if x else z)", "y ~ I(True)"),
    "y ~ " + "(" * 60 + "x" + ")" * 60,
    "y ~ " + " + ".join(["x"] * 200),
    "y ~ " + "x" * 5000,
)
PROGRAMS = (
    *("__import__('os').getcwd()", "open('{file}', 'w').write('')", "eval('1')", "exit()"),
    *("x.to_csv('{file}')", "x.to_pickle('{file}')", "x.__class__", "(lambda v: v)(x)"),
    *("[v for v in x]", "(v := x)", "x.pipe(print)", "x.apply(print)", "x.eval('1')"),
    *("np.fromfile('{file}')", "np.save('{file}', x)", "np.lib.npyio", "np.__loader__"),
    "f'{{x}}'",
)


@pytest.mark.parametrize("formula", HOSTILE, ids=range(len(HOSTILE)))
def test_formulas_that_make_no_sense(formula) -> None:
    finite_or_refused(formula, panel(x=np.arange(N * T) ** 2.0))


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("form", ["y ~ I({})", "y ~ z + {}", "I({}) ~ z"])
def test_programs_in_formulas_are_refused(program, form, tmp_path) -> None:
    file: Path = tmp_path / "written"
    formula = form.format(program.format(file=file))
    with pytest.raises(FormulaError):
        ce.ols(formula, panel(x=np.arange(N * T) ** 2.0))
    assert not file.exists()


@FUZZ
@given(
    st.lists(
        st.sampled_from(
            (
                *("x", "z", "y", "W(", "L(", "I(", "log(", ")", "+", "-", "*", ":", "|", "~", "`"),
                *("1", "unit", "year", " ", "**", "np.", "'", "2", ",", "C("),
            )
        ),
        max_size=12,
    )
)
def test_formulas_of_random_pieces(pieces) -> None:
    finite_or_refused("y ~ x" + "".join(pieces), panel(x=np.arange(N * T) ** 2.0))
