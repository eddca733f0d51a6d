"""What formulas may ask for: nothing from row to row, and of one period only what it knows."""

from __future__ import annotations

import numpy as np
import pytest

import ccec_econ as ce
from ccec_econ.errors import FormulaError
from ccec_econ.formula import parse, sides
from ccec_econ.formula_words import refuse_code, refuse_reductions

CALLS = {"clip": "np.clip(x, 0, 1)", "where": "np.where(x > 0, x, 0)", "round": "np.round(x)"}
CONSTANTS = {"e", "inf", "nan", "pi"}


def accepts(refuse, part: str) -> bool:
    right = sides(parse(f"y ~ I({part})"))[1]
    try:
        refuse(right)
    except FormulaError:
        return False
    return True


def test_of_numpy_only_functions_of_single_numbers_are_read_period_by_period() -> None:
    names = [name for name in dir(np) if accepts(refuse_code, f"np.{name}(x)")]
    alone = {name for name in names if accepts(refuse_reductions, f"np.{name}(x)")}
    assert {"log", "sqrt", "exp", *CALLS} <= alone
    assert {"mean", "sum", "prod", "max", "quantile"} <= set(names) - alone
    rng = np.random.default_rng(0)
    x = rng.uniform(0.5, 1.0, 7)  # each number alone: halves give what the whole gives
    for name in alone - CONSTANTS:
        function = getattr(np, name)
        if name not in CALLS:
            assert isinstance(function, np.ufunc), name
            assert function.signature is None, name
        else:
            whole, part = (eval(CALLS[name], {"np": np, "x": of}) for of in (x, x[:3]))
            np.testing.assert_array_equal(whole[:3], part)


@pytest.mark.parametrize(
    "part",
    [
        *("digital*digital. max()", "digital - digital .mean ()", "np.prod(1 + digital / 10)"),
        *("np. mean(digital)", "digital.prod()", "digital * (digital @ digital)"),
        *("digital - digital.iloc[0]", "digital - digital[:1].values", "digital.transform('mean')"),
    ],
)
def test_blocks_refuse_what_looks_at_all_periods(part: str) -> None:
    blocks = ce.scale.from_frame(ce.data.load_panel(years=(2011, 2019)))
    with pytest.raises(FormulaError, match="read one by one"):
        ce.scale.fit("ols", f"growth ~ I({part}) + rd | unit + year", blocks)


def test_blocks_read_what_each_row_knows() -> None:
    panel = ce.data.load_panel(years=(2011, 2019))
    formula = "growth ~ np.log1p(digital) + I(rd.clip(0, 1)) + np.where(rd > digital, rd, 0) | unit"
    found = ce.scale.fit("ols", formula, ce.scale.from_frame(panel))
    np.testing.assert_allclose(found.params, ce.ols(formula, panel).params, rtol=1e-8)


ACROSS = [
    *("np.cumsum(x1)", "np.cumprod(1 + x1 / 10)", "np. cumsum (x1)", "np.diff(x1)"),
    *("x1.cumsum()", "x1. diff()", "x1.rolling(2).mean()", "x1.pct_change()", "x1.cumprod()"),
    *("x1.transform('cumsum')", "x1.transform(func=['diff'])", "x1.transform(np.cumsum)"),
]


@pytest.mark.parametrize("part", ACROSS)
@pytest.mark.parametrize(
    "form", ["y ~ I({}) + x2 | id", "I(y + {}) ~ x2 | id", "y ~ W(I({})) | id"]
)
def test_what_goes_from_row_to_row_is_refused(sim16, part: str, form: str) -> None:
    panel, W = sim16
    with pytest.raises(FormulaError, match=r"across units; make the column in the data first"):
        ce.sar(form.format(part), panel, W)


def test_across_is_refused_in_blocks_too() -> None:
    blocks = ce.scale.from_frame(ce.data.load_panel(years=(2011, 2019)))
    with pytest.raises(FormulaError, match=r"read one by one"):
        ce.scale.fit("ols", "growth ~ np.cumprod(1+digital/10) + hsr | unit + year", blocks)


@pytest.mark.parametrize(
    "part", ["x1. shift()", "x1.shift ()", "lag (x1)", "x1.transform('shift')"]
)
def test_blanks_hide_no_shift(sim16, part: str) -> None:
    panel, W = sim16
    with pytest.raises(FormulaError, match="across units"):
        ce.sar(f"y ~ I({part}) | id", panel, W)


def test_blanks_hide_no_learning(sim16) -> None:
    panel, W = sim16
    with pytest.raises(FormulaError, match=r"center\(\) is not supported"):
        ce.sar("y ~ I(center (x1)) | id", panel, W)
