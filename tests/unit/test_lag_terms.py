"""Spatial lags in formulas: what is one, and every W() that is refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import ccec_econ as ce
from ccec_econ.errors import FormulaError
from ccec_econ.lag_terms import closing, lag_of
from ccec_econ.models.gmm import gmm, s2sls
from ccec_econ.models.random import random_effects, random_effects_gm

VERBS: dict[str, Callable] = {
    "ols": lambda f, panel, W: ce.ols(f, panel),
    "slx": ce.slx,
    "sar": ce.sar,
    "sdm": ce.sdm,
    "sem": ce.sem,
    "dynamic": lambda f, panel, W: ce.sdm(f.replace(" |", " + L(y) |"), panel, W),
    "s2sls": s2sls,
    "gmm": gmm,
    "several": lambda f, panel, W: ce.higher_order(f, panel, {"a": W, "b": W}),
    "random": lambda f, panel, W: random_effects(f.split("|")[0], panel, W),
    "random gm": lambda f, panel, W: random_effects_gm(f.split("|")[0], panel, W),
    "instruments": lambda f, panel, W: s2sls(
        "y ~ x1 + x2 | id", panel, W, instruments=[f.split("+", 1)[1].split("|")[0]]
    ),
    "threshold": lambda f, panel, W: ce.threshold(
        "y ~ x1 + x2 | id", panel, W, by=f.split("+", 1)[1].split("|")[0]
    ),
    "unbalanced": lambda f, panel, W: ce.slx(f, panel, W, unbalanced=True),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("term", "message"),
    [
        ("W(y)", r"W\(y\) lags the response's own column y: .*rho W y is added by sar, sdm, sac"),
        ("W(I(2*y))", r"W\(I\(2 \* y\)\) lags the response's own column y"),
        ("W(x1*y)", r"lags the response's own column y"),
        ("W(W(x1))", r"W\(W\(x1\)\) lags a lag.* W\^2 as x_weights"),
        ("W(log(1 + W(x1)**2))", "lags a lag"),
        ("W(x1):x2", r"inside the term W\(x1\):x2.* W\(I\(x1 \* x2\)\)"),
        ("W(x1)*x2", r"inside the term W\(x1\):x2"),
        ("x2:W(x1)", r"inside the term x2:W\(x1\)"),
        ("I(W(x1)**2)", r"inside the term I\(W\(x1\) \*\* 2\)"),
        ("{W(x1) * W(x2)}", r"inside the term W\(x1\) \* W\(x2\)"),
    ],
)
def test_refused_lags(sim16, verb: str, term: str, message: str) -> None:
    panel, W = sim16
    with pytest.raises(FormulaError, match=message):
        VERBS[verb](f"y ~ x1 + {term} | id", panel, W)


def test_a_response_behind_a_function_is_the_response_too(sim16) -> None:
    panel, W = sim16
    up = panel.assign(y=np.exp(panel["y"]))
    with pytest.raises(FormulaError, match="the response's own column y"):
        ce.slx("log(y) ~ x1 + W(y) | id", up, W)


def test_lags_of_the_time_lag_stay(sim16) -> None:
    panel, W = sim16
    fit = ce.sdm("y ~ L(y) + W(L(y)) + x1 | id", panel, W)
    assert list(fit.params.index) == ["L(y)", "W(L(y))", "x1", "W(x1)", "rho"]
    with pytest.raises(FormulaError, match=r"W\(W\(L\(y\)\)\) lags a lag"):
        ce.sdm("y ~ L(y) + W(W(L(y))) + x1 | id", panel, W)


def test_the_product_can_be_lagged(sim16) -> None:
    """What the refusal names runs, and both ways agree."""
    panel, W = sim16
    one = ce.slx("y ~ x1 + I(x1 * x2) + W(I(x1 * x2)) | id", panel, W)
    two = ce.slx("y ~ x1 + x1:x2 | id", panel, W, durbin=["x1:x2"])
    np.testing.assert_allclose(one.params, two.params)
    assert one.design.lags == {2: "I(x1 * x2)"}


def test_what_is_a_lag() -> None:
    assert lag_of("W(log(x) * (1 + z))") == "log(x) * (1 + z)"
    assert lag_of("W(`a)b`)") == "`a)b`"
    assert [lag_of(t) for t in ("W(x):W(z)", "W(x):log(z)", "WW(x)", "W(x", "x")] == [None] * 5
    with pytest.raises(FormulaError, match="does not close its brackets"):
        closing("L(y + x", 2)
