"""What a curve is given stays what its verbs would be given: prepared weights and coded terms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.engine.sparse_spectrum import SparseSpectrum
from ccec_econ.errors import FormulaError, IdentificationError

FORMULA = "growth ~ digital + hsr | unit + year"


def panel() -> pd.DataFrame:
    """Circle, 2011 to 2019, with three groups of units."""
    data = ce.data.load_panel(years=(2011, 2019))
    codes = data.index.get_level_values(0).astype(int)
    return data.assign(grp=[("a", "b", "c")[code % 3] for code in codes])


def curve(**more: Any) -> ce.SpecificationCurve:
    """Curve of one specification, unless more is asked for."""
    given: dict[str, Any] = {"outcome": "growth", "focus": "digital", "always": ["hsr"]}
    return ce.specification_curve(panel(), **(given | more))


def test_prepared_weights_are_used_as_they_were_prepared() -> None:
    W, data = ce.weights.contiguity(), panel()
    rough: dict[str, Any] = {"logdet": "moments", "probes": 4, "powers": 40, "rng": 5}
    no = "500000"
    found = curve(
        weights={"rough": ce.weights.prepare(W, **rough), "exact": W},
        models="sar",
        samples={"all": ce.Sample(), "rest": ce.Sample(without=[no])},
    ).frame.set_index(["weights", "sample"])
    fresh = ce.sar(FORMULA, data, ce.weights.prepare(W, **rough))
    assert found["estimate"]["rough", "all"] == pytest.approx(fresh.params["digital"], rel=1e-9)
    assert found["std_error"]["rough", "all"] == pytest.approx(
        fresh.std_errors["digital"], rel=1e-7
    )
    units = data.index.unique(0).sort_values()
    cut = ce.weights.align(W, units)[np.ix_(units != no, units != no)]
    left = ce.weights.from_matrix(cut / cut.sum(axis=1, keepdims=True), units[units != no])
    rest = ce.sar(FORMULA, data.drop(index=no, level=0), ce.weights.prepare(left, **rough))
    assert found["estimate"]["rough", "rest"] == pytest.approx(rest.params["digital"], rel=1e-9)
    gap = found["estimate"]["rough"] / found["estimate"]["exact"] - 1.0
    assert (gap.abs() > 1e-6).all()


def test_factors_stay_sparse_and_draw_again() -> None:
    W = ce.weights.contiguity()
    samples = {"all": ce.Sample(), "rest": ce.Sample(without=["500000"])}
    exact = curve(weights=W, models="sdm", samples=samples)
    found = curve(weights=ce.weights.prepare(W, logdet="factors"), models="sdm", samples=samples)
    assert all(isinstance(group.weights, SparseSpectrum) for group in found.groups)
    np.testing.assert_allclose(found.frame["estimate"], exact.frame["estimate"], rtol=1e-6)
    np.testing.assert_allclose(
        found.test(draws=19).null, exact.test(draws=19).null, rtol=1e-3, atol=1e-6
    )


@pytest.mark.parametrize("text", ["C(grp):rd", "C(grp) * rd", "C(grp):C(late)", "C(rd > 0):rd"])
def test_categories_in_interactions_are_refused(text: str) -> None:
    with pytest.raises(FormulaError, match=r"depend on what else stands .* make dummies"):
        curve(controls=[text])


def test_dummies_and_products_of_numbers_are_those_of_the_verb() -> None:
    found = curve(controls={"both": ["C(grp)", "hsr:rd"]}, effects=["none", "time"]).frame
    for effects, bar in {"none": "", "time": " | year"}.items():
        fit = ce.ols(f"growth ~ digital + hsr + C(grp) + hsr:rd{bar}", panel())
        row = found.set_index("effects").loc[effects]
        assert row["estimate"] == pytest.approx(fit.params["digital"], rel=1e-9)
        assert row["std_error"] == pytest.approx(fit.std_errors["digital"], rel=1e-7)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"controls": ["hsr * rd"]}, "hold hsr twice"),
        ({"controls": {"a": ["hsr:rd", "rd:hsr"]}}, "controls 'a' hold .* twice"),
        ({"always": ["hsr", "hsr * rd"]}, "`always` names a term twice"),
        ({"controls": ["rd - 1"]}, "takes the constant away"),
        ({"controls": ["rd +* 2"]}, "cannot be read"),
    ],
)
def test_terms_written_twice_or_without_constant_are_refused(
    more: dict[str, Any], message: str
) -> None:
    with pytest.raises(FormulaError, match=message):
        curve(**more)


@pytest.mark.parametrize("model", ["sar", "sac"])
def test_indirect_effects_of_a_lag_of_y_alone_have_no_joint_test(model: str) -> None:
    given = {"weights": ce.weights.contiguity(), "models": ["slx", "sdm", model]}
    effects = curve(quantity="indirect", **given)
    assert (effects.frame["reason"] == "").all()
    with pytest.raises(IdentificationError, match=f"indirect effect in {model} comes from the lag"):
        effects.test(draws=19)
    assert len(curve(quantity="total", **given).test(draws=19).null) == 19


def test_indirect_effects_of_durbin_models_have_one_and_it_names_its_null() -> None:
    effects = curve(
        quantity="indirect", weights=ce.weights.contiguity(), models=["slx", "sdm", "sdem"]
    )
    text = str(effects.test(draws=19))
    assert "neither the term of interest nor its spatial lag is in any model" in text
    assert "has no part" in text
