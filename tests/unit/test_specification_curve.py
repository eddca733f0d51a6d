"""Specification curve: every row is the fresh fit, failures keep their rows, the test repeats."""

from __future__ import annotations

from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from libpysal.graph import Graph

import ccec_econ as ce
from ccec_econ.errors import AlignmentError, FormulaError, IdentificationError, PanelError
from ccec_econ.models.curve_results import _statistics

SAME = 1e-9
F = {"none": "", "unit": " | unit", "time": " | year", "twoway": " | unit + year"}


def panel() -> pd.DataFrame:
    """The circle without names of terms that clash, 2011 to 2019."""
    return ce.data.load_panel(years=(2011, 2019))


def fresh(
    row: Any, data: pd.DataFrame, weights: dict[str, Graph], controls: Any, **more: Any
) -> Any:
    """Fit one row of a curve by its verb."""
    parts = [row.focus, *controls[row.controls]]
    formula = f"{row.outcome} ~ {' + '.join(parts)}{F[row.effects]}"
    given = () if row.model == "ols" else (weights[row.weights],)
    return getattr(ce, row.model)(formula, data, *given, **more)


CONTROLS = {"none": [], "both": ["hsr", "rd"]}


def near() -> dict[str, Graph]:
    """Symmetric up to a scale, and defective."""
    return {"border": ce.weights.contiguity(), "nearest": ce.weights.nearest(k=4)}


@pytest.mark.parametrize("effects", list(F))
def test_every_row_is_the_fresh_fit(effects: str) -> None:
    data, weights = panel(), near()
    every = effects == "twoway"
    models = ["ols", "slx", "sar", "sem", "sdm", "sdem"] if every else ["ols", "sdm", "sem"]
    curve = ce.specification_curve(
        data,
        outcome="growth",
        focus=["log(digital)"],
        controls=CONTROLS,
        weights=weights,
        models=models,
        effects=effects,
    )
    assert len(curve.frame) == 2 * (1 + 2 * (len(models) - 1))
    for row in curve.frame.itertuples():
        if row.reason:
            with pytest.raises(ce.errors.CcecError) as caught:
                fresh(row, data, weights, CONTROLS)
            assert str(caught.value) == row.reason
            continue
        fit = fresh(row, data, weights, CONTROLS)
        assert row.estimate == pytest.approx(fit.params[row.focus], rel=SAME)
        assert row.std_error == pytest.approx(fit.std_errors[row.focus], rel=1e-7)
        assert row.pvalue == pytest.approx(fit.pvalues[row.focus], abs=1e-7)
        low, high = fit.conf_int().loc[row.focus]
        assert (row.lower, row.upper) == pytest.approx((low, high), rel=1e-6, abs=1e-9)
    assert (curve.frame["reason"] == "").mean() > 0.8


@pytest.mark.parametrize("quantity", ["direct", "indirect", "total"])
def test_effects_are_those_of_the_fit(quantity: str) -> None:
    data, weights = panel(), near()
    curve = ce.specification_curve(
        data,
        outcome="growth",
        focus="digital",
        controls=CONTROLS,
        weights=weights,
        models=["ols", "slx", "sar", "sdm"],
        quantity=quantity,
    )
    for row in curve.frame.itertuples():
        if quantity == "indirect" and row.model == "ols":
            assert "no indirect effect of 'digital'" in row.reason
            continue
        fit = fresh(row, data, weights, CONTROLS)
        found = fit.effects(draws=1).frame.loc[("digital", quantity)]
        assert row.estimate == pytest.approx(found["estimate"], rel=SAME)
        assert row.std_error == pytest.approx(found["std_error"], rel=1e-7)


def test_covariances_are_those_of_the_fit() -> None:
    data, weights = panel(), near()
    for cov in (ce.Cluster("unit"), ce.QuasiML(), ce.DriscollKraay(2)):
        curve = ce.specification_curve(
            data,
            outcome="growth",
            focus="digital",
            controls=CONTROLS,
            weights=weights,
            models=["ols", "sdm"],
            cov=cov,
        )
        for row in curve.frame.itertuples():
            fit = fresh(row, data, weights, CONTROLS, cov=cov)
            assert row.std_error == pytest.approx(fit.std_errors["digital"], rel=1e-7)
            assert row.pvalue == pytest.approx(fit.pvalues["digital"], abs=1e-7)
        assert curve.conventions


def test_samples_cut_units_and_periods_and_weights() -> None:
    data, W = panel(), ce.weights.contiguity()
    samples = {
        "all": ce.Sample(),
        "no Chongqing": ce.Sample(without=["500000"]),
        "late": ce.Sample(periods=(2014, 2019)),
    }
    curve = ce.specification_curve(
        data, outcome="growth", focus="digital", weights=W, models="sdm", samples=samples
    )
    rows = curve.frame.set_index("sample")
    assert rows["units"].to_dict() == {"all": 16, "no Chongqing": 15, "late": 16}
    assert rows["periods"].to_dict() == {"all": 9, "no Chongqing": 9, "late": 6}
    ids = data.index.get_level_values(0)
    rest = data[ids != "500000"]
    units = pd.Index(sorted(rest.index.get_level_values(0).unique()))
    part = ce.weights.align(W, ids.unique().sort_values())
    keep = ids.unique().sort_values() != "500000"
    cut = part[np.ix_(keep, keep)]
    V = ce.weights.from_matrix(cut / cut.sum(axis=1, keepdims=True), units)
    f = "growth ~ digital | unit + year"
    fit = ce.sdm(f, rest, V)
    assert rows["estimate"]["no Chongqing"] == pytest.approx(fit.params["digital"], rel=SAME)
    assert rows["std_error"]["no Chongqing"] == pytest.approx(fit.std_errors["digital"], rel=1e-7)
    late = data[data.index.get_level_values(1) >= 2014]
    assert rows["estimate"]["late"] == pytest.approx(ce.sdm(f, late, W).params["digital"], rel=SAME)


def test_what_cannot_be_estimated_keeps_its_row_and_reason() -> None:
    data = panel()
    data = data.assign(
        holes=data["rd"].where(np.arange(len(data)) < len(data) - 1), copy=2 * data["hsr"]
    )
    data["still"] = [float(unit) for unit in data.index.get_level_values(0)]
    units = data.index.get_level_values(0).unique()
    W = ce.weights.nearest(k=4)
    lonely = ce.weights.from_matrix(np.eye(16, k=1) + np.eye(16, k=-15), list(units))
    curve = ce.specification_curve(
        data.drop(index=(units[1], 2011)),
        outcome="growth",
        focus="digital",
        controls={"good": ["rd"], "holes": ["holes"], "twice": ["hsr", "copy"], "still": ["still"]},
        weights={"near": W, "lonely": lonely},
        models=["ols", "sar"],
        samples={
            "later": ce.Sample(periods=(2012, 2019)),
            "gap": ce.Sample(),
            "few": ce.Sample(without=[units[2]], periods=(2012, 2019)),
        },
    )
    assert len(curve.frame) == 4 * 3 * 3
    reason = curve.frame.set_index(["controls", "weights", "sample"])["reason"]
    assert reason["good", "near", "later"] == ""
    assert "panel is unbalanced" in reason["good", "near", "gap"]
    assert "missing or infinite values in column holes" in reason["holes", "near", "later"]
    assert "linear combination of hsr" in reason["twice", "near", "later"]
    assert "no variation left in still" in reason["still", "none", "few"]
    assert f"without the other units {units[1]} has no neighbour" in reason["good", "lonely", "few"]
    assert len(curve.failed) + len(curve.estimated) == len(curve.frame)
    assert curve.failed["reason"].str.len().min() > 0
    text = str(curve)
    assert "Not estimated (12): panel is unbalanced" in text
    assert curve.by("sample")["failed"]["gap"] == 12


def small(**more: Any) -> Any:
    """A curve of ten specifications in one sample."""
    given: dict[str, Any] = {
        "outcome": "growth",
        "focus": "digital",
        "controls": ["hsr"],
        "weights": near(),
        "models": ["ols", "sdm", "slx"],
    }
    return ce.specification_curve(panel(), **(given | more))


def test_summary_counts_by_hand() -> None:
    curve = small()
    frame = curve.frame
    found = curve.by("model")
    sdm = frame[frame["model"] == "sdm"]
    assert found["specifications"].to_dict() == {"ols": 2, "sdm": 4, "slx": 4}
    assert found["median"]["sdm"] == pytest.approx(sdm["estimate"].median())
    assert found["positive"]["sdm"] == (sdm["estimate"] > 0).mean()
    share = ((sdm["estimate"] < 0) & (sdm["pvalue"] < 0.05)).mean()
    assert found["significant_negative"]["sdm"] == pytest.approx(share)
    assert curve.varied == ("controls", "weights", "model")
    assert list(curve.estimated["estimate"]) == sorted(frame["estimate"])
    assert "10 specifications" in curve.headline()
    with pytest.raises(FormulaError, match="dimension 'colour'"):
        curve.by("colour")


def test_statistics_by_hand() -> None:
    # two curves of three specifications with infinite df; z = 3, 1, -1 and -3, -3, missing
    estimate = np.array([[3.0, -3.0], [1.0, -3.0], [-1.0, np.nan]])
    values = np.stack([estimate, np.ones_like(estimate), np.full_like(estimate, np.inf)], axis=-1)
    found = _statistics(values, 0.05)
    np.testing.assert_allclose(found, [[1.0, 2 / 3, 1 / 3, 1.0], [3.0, 1.0, 1.0, 3.0]])


def test_joint_test_repeats_and_counts() -> None:
    curve = small()
    one, two = curve.test(draws=19, rng=3), curve.test(draws=19, rng=3)
    pd.testing.assert_frame_equal(one.null, two.null)
    assert one.null.shape == (19, 4)
    name = "absolute median"
    beyond = (one.null[name] >= one.frame.loc[name, "observed"]).sum()
    assert one.frame.loc[name, "pvalue"] == pytest.approx((1 + beyond) / 20)
    assert one.frame.loc[name, "observed"] == pytest.approx(abs(curve.frame["estimate"].median()))
    assert "10 specifications; 19 draws" in str(one)
    assert not curve.test(draws=19, rng=4).null.equals(one.null)
    with pytest.raises(ValueError, match="draws 3"):
        curve.test(draws=3)


def test_joint_test_sees_a_strong_effect() -> None:
    data = panel()
    shock = np.random.default_rng(0).standard_normal(len(data))
    data = data.assign(shock=shock, moved=data["growth"] + data["growth"].std() * shock)
    clear = ce.specification_curve(
        data,
        outcome="moved",
        focus="shock",
        controls=["hsr"],
        weights=near(),
        models=["ols", "sdm"],
    ).test(draws=49)
    assert (clear.frame["pvalue"][["absolute median", "absolute mean z"]] == 0.02).all()
    assert clear.frame["observed"]["share significant of one sign"] == 1.0


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"quantity": "slope"}, "quantity 'slope'"),
        ({"models": ["ols", "logit"]}, "models logit: give each once, among ols"),
        ({"effects": "year"}, "effects year: give each once, among none"),
        ({"weights": None}, "need weights"),
        ({"weights": {"none": None}}, "weights called 'none'"),
        ({"controls": "hsr"}, "controls 'hsr': give a list"),
        ({"controls": {"a": "hsr"}}, "give a list of terms for every label"),
        ({"controls": [f"c{k}" for k in range(17)]}, "131,072 subsets"),
        ({"controls": ["digital"]}, "hold digital twice"),
        ({"always": ["digital"]}, "the focus stands among `always`"),
        ({"controls": ["W(hsr)"]}, "lags in space come with the models"),
        ({"focus": []}, "focus \\[\\]: give a term"),
        ({"focus": ["digital", "digital"]}, "focus names a term twice"),
        ({"focus": "hsr * rd", "controls": []}, "makes 3 columns; it must be one number"),
        ({"controls": ["hrs"]}, "no column hrs; did you mean"),
        ({"samples": {"all": None}}, "samples all: give ce.Sample"),
        ({"samples": {"all": ce.Sample(without=["1"])}}, "the sample names 1; units are"),
        ({"samples": {"all": ce.Sample(without="500000")}}, "takes lists of units"),
        ({"samples": {"all": ce.Sample(periods=(1900, 1901))}}, "leaves no row"),
        ({"cov": "robust"}, "is no covariance"),
    ],
)
def test_refusals(more: dict[str, Any], message: str) -> None:
    with pytest.raises(FormulaError, match=message):
        small(**more)


def test_other_refusals() -> None:
    with pytest.raises(ValueError, match="level 95"):
        small(level=95)
    with pytest.raises(AlignmentError):
        small(weights=ce.weights.contiguity("county"))
    with pytest.raises(PanelError, match="panel without unit"):
        ce.specification_curve(panel().reset_index(), outcome="growth", focus="digital")
    data = panel().assign(one=1.0)
    with pytest.raises(IdentificationError, match=r"none of the 1 specifications .* no variation"):
        ce.specification_curve(data, outcome="growth", focus="one")


def test_units_outside_a_sample_keep_their_signs() -> None:
    units = panel().index.get_level_values(0).unique().sort_values()
    curve = small(
        models="ols",
        samples={"all": ce.Sample(), "rest": ce.Sample(without=[units[0]])},
    )
    found = [group.units.tolist() for group in curve.groups]
    assert sorted(map(len, found)) == [15, 16]
    assert next(u for u in found if len(u) == 15) == list(range(1, 16))


def test_workers_do_not_change_a_digit() -> None:
    one = small()
    with joblib.parallel_config(backend="threading", n_jobs=2):
        two = small()
        spread = two.test(draws=19)
    pd.testing.assert_frame_equal(one.frame, two.frame, check_exact=True)
    pd.testing.assert_frame_equal(one.test(draws=19).null, spread.null, check_exact=True)
