"""Power of staggered designs: against the simulation written out, by its limits, and refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ccec_econ.causal import permute, power
from ccec_econ.causal.randomise_estimators import imputation, twfe
from ccec_econ.errors import AlignmentError, IdentificationError, PanelError
from staggered import drawn_design, dummies

EFFECTS = [0.0, 0.5, 1.0, 2.0, 4.0, 8.0]


@pytest.mark.parametrize("statistic", ["twfe_t", "twfe", "imputation_t", "imputation"])
@pytest.mark.parametrize("level", [0.05, 0.2])
def test_power_at_zero_is_the_level(statistic: str, level: float) -> None:
    design = drawn_design(np.random.default_rng(1), units=24)
    found = power(design, EFFECTS, statistic=statistic, level=level)
    assert 0.0 <= level - found.curve.loc[0.0, "power"] <= 2 / len(found.noise)


@pytest.mark.parametrize("statistic", ["twfe_t", "imputation_t"])
def test_simulation_written_out(statistic: str) -> None:
    design = drawn_design(np.random.default_rng(2))
    found = power(design, EFFECTS, statistic=statistic, draws=40, rng=5)
    T, N = design.y.shape
    X = np.concatenate([design.treated[..., None], dummies(T, N)], axis=2).reshape(T * N, -1)
    fitted = X @ np.linalg.lstsq(X.astype(float), design.y.ravel())[0]
    residual = design.y - fitted.reshape(T, N)
    estimator = {"twfe_t": twfe, "imputation_t": imputation}[statistic]
    rng = np.random.default_rng(5)
    other = rng.permuted(np.tile(design.adoption, (40, 1)), axis=1)
    for effect in EFFECTS:
        ts = []
        for adoption in other:  # a panel with the effect in it, estimated again
            treated = design.periods[:, None] >= adoption
            one = estimator(residual + effect * treated, treated)
            ts.append(abs(one.estimate / one.std_error))
        row = found.curve.loc[effect]
        assert row["power"] == pytest.approx(np.mean(np.array(ts) > found.critical * (1 + 1e-9)))
        assert row["power_t"] == pytest.approx(np.mean(np.array(ts) > stats.t.isf(0.025, N - 1)))


def test_detectable_effect_has_the_target_power_and_less_has_not() -> None:
    design = drawn_design(np.random.default_rng(3))
    found = power(design, [0.0], target=0.7)
    again = power(design, [0.999 * found.detectable, found.detectable])
    below, at = again.curve["power"]
    assert below < 0.7 <= at
    at_t = power(design, [found.detectable_t]).curve["power_t"].iloc[0]
    assert at_t >= 0.7


def test_units_of_the_outcome() -> None:
    design = drawn_design(np.random.default_rng(4))
    one, ten = (power(replace(design, y=c * design.y), [c]) for c in (1.0, 10.0))
    for name in ("detectable", "detectable_t", "within_sd", "std_error", "rule_of_thumb"):
        assert getattr(ten, name) == pytest.approx(10 * getattr(one, name), rel=1e-9)
    assert ten.size_t == one.size_t


def test_standard_deviation_within_by_hand() -> None:
    design = drawn_design(np.random.default_rng(4))
    T, N = design.y.shape
    X = dummies(T, N).reshape(T * N, -1)
    e = design.y.ravel() - X @ np.linalg.lstsq(X, design.y.ravel())[0]
    assert power(design, [1.0]).within_sd == pytest.approx(np.sqrt(e @ e / ((N - 1) * (T - 1))))


def test_power_is_near_that_of_whole_randomisation_tests() -> None:
    """The critical value of draws without effect against permutations of panels with one."""
    design = drawn_design(np.random.default_rng(5), units=24, periods=8)
    found = power(design, [0.0])
    effect, rng = found.detectable, np.random.default_rng(6)
    T, N = design.y.shape
    X = np.concatenate([design.treated[..., None], dummies(T, N)], axis=2).reshape(T * N, -1)
    fitted = X @ np.linalg.lstsq(X.astype(float), design.y.ravel())[0]
    residual = design.y - fitted.reshape(T, N)
    rejected = []
    for _ in range(150):
        y = residual[:, rng.permutation(N)] + effect * design.treated
        rejected.append(permute(replace(design, y=y), draws=99, rng=rng).pvalue <= 0.05)
    assert abs(np.mean(rejected) - 0.8) < 0.10  # 3 Monte Carlo errors of .033


def test_given_openings() -> None:
    """Pairs of units share shocks: less can be detected if pairs are treated together."""
    base = drawn_design(np.random.default_rng(8), units=40)
    rng = np.random.default_rng(9)
    shocks = np.repeat(rng.normal(size=(6, 20)), 2, axis=1)
    design = replace(
        base, y=0.2 * base.y + shocks, adoption=np.repeat([3.0] * 8 + [np.inf] * 12, 2)
    )
    pairs = np.repeat(rng.permuted(np.tile(design.adoption[::2], (500, 1)), axis=1), 2, axis=1)
    given = pd.DataFrame(pairs).replace(np.inf, np.nan).astype("Int64")
    together = power(design, [0.0], statistic="twfe", openings=given)
    apart = power(design, [0.0], statistic="twfe")
    # Twice the variance: treatment has half as many independent shocks to average over.
    assert np.var(together.noise) / np.var(apart.noise) == pytest.approx(2.0, rel=0.2)
    assert together.detectable / apart.detectable == pytest.approx(np.sqrt(2.0), rel=0.15)
    same = power(design, [0.0], openings=given.iloc[:, ::-1]).noise
    assert np.array_equal(same, power(design, [0.0], openings=given).noise)
    with pytest.raises(AlignmentError, match="no column for 39"):
        power(design, [0.0], openings=given.iloc[:, :-1])
    never = given.iloc[:1].where(given.iloc[:1].isna())
    with pytest.raises(IdentificationError, match="1 of 1 openings leave no treated cell"):
        power(design, [0.0], openings=never)


def test_refusals() -> None:
    design = drawn_design(np.random.default_rng(6))
    for options in ({"level": 0.0}, {"target": 1.0}, {"draws": 5}):
        with pytest.raises(ValueError, match="give a built-in statistic"):
            power(design, [1.0], **options)
    with pytest.raises(ValueError, match="built-in"):
        power(design, [1.0], statistic=lambda one: 0.0)  # type: ignore[arg-type]
    nobody = replace(design, adoption=np.full(12, 3.0))
    with pytest.raises(IdentificationError, match="nothing to detect"):
        power(nobody, [1.0], statistic="imputation_t")


def test_what_is_printed() -> None:
    found = power(drawn_design(np.random.default_rng(7)), EFFECTS)
    text = str(found)
    assert "12 units, 6 treated within 6 periods" in text
    assert "Detectable with 80 %" in text
    assert np.isnan(power(drawn_design(np.random.default_rng(7)), [1.0], statistic="twfe").size_t)


def test_refuses_what_is_no_design_or_no_list_of_effects() -> None:
    design = drawn_design(np.random.default_rng(7))
    with pytest.raises(PanelError, match=r"design is a ndarray: give the one of ce\.causal"):
        power(design.y, [0.1])
    for effects, seen in ((0.1, "0.1"), (["a"], r"\['a'\]"), ([[0.1]], r"\[\[0.1\]\]")):
        with pytest.raises(PanelError, match=f"effects {seen}: give a list of sizes"):
            power(design, effects)
    assert len(power(design, np.array([0.0, 1.0]), draws=19).curve) == 2
