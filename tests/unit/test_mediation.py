"""Mediation: orthogonal columns by hand, the linear identity, brute force, refusals."""

from __future__ import annotations

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import hadamard

import ccec_econ as ce
from ccec_econ.errors import ConvergenceError, FormulaError
from ccec_econ.models import mediation as module
from simulated import simulate

W = np.roll(np.eye(8), 1, axis=1) * 0.7 + np.roll(np.eye(8), 2, axis=1) * 0.3
GRAPH = ce.weights.from_matrix(W, range(8))


def by_hand() -> pd.DataFrame:
    """Columns of a Hadamard matrix, orthogonal to each other and to the constant.

    v = x + w, m = 2 x + v + u, y = 3 x + 0.5 m + 2 v + e.
    """
    x, u, w, e = hadamard(16)[:, 1:5].T.astype(float)
    v = x + w
    m = 2.0 * x + v + u
    index = pd.MultiIndex.from_product([range(8), [2000, 2001]], names=["unit", "year"])
    y = 3.0 * x + 0.5 * m + 2.0 * v + e
    return pd.DataFrame({"x": x, "m": m, "v": v, "y": y}, index=index)


def drawn(seed: int) -> pd.DataFrame:
    """Eight units, six periods: y on x0 and x1, m on both and its own noise."""
    rng = np.random.default_rng(seed)
    panel = simulate(rng, W, 6, 0.3, np.array([0.4, -0.5]), np.array([0.2, 0.1]))
    m = 0.8 * panel["x0"] - 0.3 * panel["x1"] + rng.standard_normal(len(panel))
    return panel.assign(m=m, v=0.5 * m + rng.standard_normal(len(panel)), y=panel["y"] + 0.6 * m)


def estimates(found: ce.Mediation, effect: str, term: str = "x") -> dict[str, float]:
    return found.frame["estimate"].xs((term, effect), level=("term", "effect")).to_dict()


def test_orthogonal_columns_by_hand() -> None:
    """With v held: g = 0.5; y - 0.5 m = 3 x + 2 v = 5 x + 2 w, so 5 with m held.

    m moves with x by 2 + 1 = 3, of which 0.5 arrives: 1.5; in all 5 + 1.5.
    """
    found = ce.mediation(
        "y ~ x", by_hand(), mediator="m", treatments=["x"], between=["v"], model="ols", draws=19
    )
    expected = {
        "on mediator": 3.0, "through": 1.5, "controlled": 5.0, "total": 6.5, "eliminated": 1.5
    }  # fmt: skip
    assert estimates(found, "total") == pytest.approx(expected)
    assert estimates(found, "direct") == pytest.approx(expected)
    assert estimates(found, "indirect") == pytest.approx(dict.fromkeys(expected, 0.0), abs=1e-12)


def test_leaving_out_what_lies_between_moves_the_split() -> None:
    """Without v, m takes up part of 2 v: it seems to carry 4.5 of 6.5.

    Less x, v is w and m is w + u; 2 w on w + u has slope 1, so g is 1.5, times 3.
    """
    found = ce.mediation("y ~ x", by_hand(), mediator="m", treatments=["x"], model="ols", draws=19)
    assert estimates(found, "total")["through"] == pytest.approx(4.5)
    assert estimates(found, "total")["controlled"] == pytest.approx(2.0)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 100.0))
def test_in_a_linear_model_the_parts_add_up(seed: int, scale: float) -> None:
    data = drawn(seed)
    data = data.assign(m=scale * data["m"])
    for formula, graph, model in (
        ("y ~ x0 + x1 | unit + year", None, "ols"),
        ("y ~ x0 + x1 + W(x0) + W(x1) | unit + year", GRAPH, "slx"),
    ):
        options = {"mediator": "m", "treatments": ["x0", "x1"], "model": model, "draws": 2}
        frame = ce.mediation(formula, data, graph, **options).frame["estimate"].unstack("quantity")
        parts = frame["controlled"] + frame["through"]
        np.testing.assert_allclose(parts, frame["total"], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(frame["eliminated"], frame["through"], rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("between", [(), ("v",)])
def test_sdm_equals_matrices_written_out(between) -> None:
    data = drawn(1)
    found = ce.mediation(
        "y ~ x0 + x1 | unit + year",
        data,
        GRAPH,
        mediator="m",
        treatments=["x0"],
        between=between,
        draws=9,
    )
    more = " + ".join(["", "m", *between])
    full = ce.sdm(f"y ~ x0 + x1{more} | unit + year", data, GRAPH)
    first = ce.sdm("m ~ x0 + x1 | unit + year", data, GRAPH)
    whole = ce.sdm("y ~ x0 + x1 | unit + year", data, GRAPH)

    def inverse(fit) -> np.ndarray:
        return np.linalg.inv(np.eye(8) - fit.rho * W)

    def effects(fit, term: str) -> np.ndarray:
        p = fit.params
        return inverse(fit) @ (p[term] * np.eye(8) + p[f"W({term})"] * W)

    def wide(name: str) -> np.ndarray:
        return data[name].unstack("unit").to_numpy()

    def within(z: np.ndarray) -> np.ndarray:
        return (z - z.mean(axis=0) - z.mean(axis=1)[:, None] + z.mean()).ravel()

    y, m, p = wide("y"), wide("m"), full.params
    rest = y - full.rho * y @ W.T - p["m"] * m - p["W(m)"] * m @ W.T
    columns = [z for name in ("x0", "x1") for z in (wide(name), wide(name) @ W.T)]
    b = np.linalg.lstsq(np.column_stack([within(z) for z in columns]), within(rest), rcond=None)[0]
    expected = {
        "on mediator": effects(first, "x0"),
        "through": effects(full, "m") @ effects(first, "x0"),
        "controlled": inverse(full) @ (b[0] * np.eye(8) + b[1] * W),
        "total": effects(whole, "x0"),
    }
    for quantity, S in expected.items():
        got = found.frame["estimate"].unstack("effect").loc[("x0", quantity)]
        assert got["direct"] == pytest.approx(np.trace(S) / 8, rel=1e-8)
        assert got["total"] == pytest.approx(S.sum() / 8, rel=1e-8)
        assert got["indirect"] == pytest.approx(got["total"] - got["direct"], rel=1e-8)
    if not between:  # then the last step repeats the first, rho held
        assert b[0] == pytest.approx(p["x0"], rel=1e-8)


def test_draws_repeat_and_do_not_depend_on_workers() -> None:
    options = {"mediator": "m", "treatments": ["x0"], "between": ["v"], "draws": 6, "rng": 5}
    formula, data = "y ~ x0 + x1 | unit + year", drawn(1)
    one = ce.mediation(formula, data, GRAPH, **options)
    with joblib.parallel_config(n_jobs=2, backend="threading"):
        two = ce.mediation(formula, data, GRAPH, **options)
    pd.testing.assert_frame_equal(one.frame, two.frame, check_exact=True)
    other = ce.mediation(formula, data, GRAPH, **(options | {"rng": 6}))
    assert not other.frame["lower"].equals(one.frame["lower"])
    assert (one.frame["lower"] <= one.frame["upper"]).all()


def test_what_it_prints() -> None:
    options = {"mediator": "m", "treatments": ["x0"], "between": ["v"], "draws": 3}
    found = ce.mediation("y ~ x0 + x1 | unit + year", drawn(1), GRAPH, **options)
    text = str(found.summary(labels={"x0": "Trains", "v": "Prices"}))
    for said in ("Trains", "Mediator held", "Between treatment and mediator: Prices",
                 "sequential ignorability", "SDM, N = 8, T = 6"):  # fmt: skip
        assert said in text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"treatments": ["x9"]}, "no effects of x9"),
        ({"treatments": []}, "treatments none"),
        ({"treatments": ["x0", "x0"]}, "name each once"),
        ({"mediator": "x1"}, "holds x1 already"),
        ({"between": ["x1"]}, "holds x1 already"),
        ({"between": ["m"]}, "give a list of other columns"),
        ({"between": "v"}, "give a list of other columns"),
        ({"model": "sem"}, "model 'sem' has no mediation"),
    ],
)
def test_bad_requests_are_refused(change, said: str) -> None:
    options = {"mediator": "m", "treatments": ["x0"], "draws": 2} | change
    with pytest.raises(FormulaError, match=said):
        ce.mediation("y ~ x0 + x1 | unit + year", drawn(1), GRAPH, **options)


@pytest.mark.parametrize(
    ("more", "held"),
    [
        *(("x0:m", "m"), ("np.exp(m)", "m"), ("x0*v", "v"), ("I(v - x1)", "v"), ("W(m)", "m")),
        ("{m * x1}", "m"),
    ],
)
@pytest.mark.parametrize("model", ["ols", "sdm"])
def test_mediator_inside_a_term_is_refused(more: str, held: str, model: str) -> None:
    options = {"mediator": "m", "between": ["v"], "treatments": ["x0"], "model": model, "draws": 2}
    with pytest.raises(FormulaError, match=f"holds {held} already"):
        ce.mediation(f"y ~ x0 + x1 + {more} | unit + year", drawn(1), GRAPH, **options)
    with pytest.raises(FormulaError, match=f"holds {held} already"):
        ce.mediation(f"I(y - {held}) ~ x0 + x1 | unit + year", drawn(1), GRAPH, **options)


def test_options_out_of_range_are_refused() -> None:
    for change in ({"draws": 1}, {"level": 1.0}):
        options = {"mediator": "m", "treatments": ["x0"], "draws": 2} | change
        with pytest.raises(ValueError, match="draws >= 2"):
            ce.mediation("y ~ x0 + x1 | unit + year", drawn(1), GRAPH, **options)


def test_failed_refits_are_counted_and_too_many_refused(monkeypatch) -> None:
    options = {"mediator": "m", "treatments": ["x0"], "draws": 6, "model": "ols"}
    refit, calls = module.fit_columns, []

    def failing(*given):
        calls.append(1)
        if len(calls) in fail:
            raise ConvergenceError("none")
        return refit(*given)

    monkeypatch.setattr(module, "fit_columns", failing)
    fail = {1}
    found = ce.mediation("y ~ x0 + x1 | unit + year", drawn(1), **options)
    assert (found.draws, found.failed) == (5, 1)
    assert "1 could not be fitted" in str(found)
    fail = range(1, 1000)
    with pytest.raises(ConvergenceError, match="6 of 6 bootstrap refits failed"):
        ce.mediation("y ~ x0 + x1 | unit + year", drawn(1), **options)
