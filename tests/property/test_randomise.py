"""What permutations and power must not depend on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccec_econ.causal import permute, power
from ccec_econ.causal.randomise_estimators import ESTIMATORS
from drawn import cases, seeds
from staggered import drawn_design, dummies

statistics = st.sampled_from(["twfe_t", "twfe", "imputation_t", "imputation"])


@cases
@given(seeds, statistics)
def test_unit_and_period_effects_do_not_matter(seed: int, statistic: str) -> None:
    rng = np.random.default_rng(seed)
    design = drawn_design(rng)
    T, N = design.y.shape
    moved = replace(design, y=design.y + rng.normal(size=N) + rng.normal(size=(T, 1)))
    one, other = (permute(d, statistic=statistic, draws=20, rng=0) for d in (design, moved))
    assert other.drawn == pytest.approx(one.drawn, rel=1e-7, abs=1e-8)
    assert power(moved, [1.0]).detectable == pytest.approx(power(design, [1.0]).detectable)


@cases
@given(seeds, statistics)
def test_order_of_units_does_not_matter(seed: int, statistic: str) -> None:
    rng = np.random.default_rng(seed)
    design = drawn_design(rng, units=6)
    order = rng.permutation(6)
    other = replace(design, y=design.y[:, order], adoption=design.adoption[order])
    one, same = (permute(d, statistic=statistic) for d in (design, other))
    assert np.sort(same.drawn) == pytest.approx(np.sort(one.drawn), rel=1e-7, abs=1e-9)
    assert same.pvalue == one.pvalue


@cases
@given(seeds, statistics, st.floats(0.01, 100.0))
def test_scale_and_sign(seed: int, statistic: str, factor: float) -> None:
    design = drawn_design(np.random.default_rng(seed))
    other = replace(design, y=-factor * design.y)
    one, flipped = (permute(d, statistic=statistic, draws=30, rng=1) for d in (design, other))
    unit = 1.0 if statistic.endswith("_t") else factor
    assert flipped.drawn == pytest.approx(-unit * one.drawn, rel=1e-7, abs=1e-9)
    assert flipped.pvalue == one.pvalue
    assert (flipped.above, flipped.below) == (one.below, one.above)


@cases
@given(seeds, statistics)
def test_one_assignment_at_a_time_is_all_at_once(seed: int, statistic: str) -> None:
    rng = np.random.default_rng(seed)
    design = drawn_design(rng)
    estimator = ESTIMATORS[statistic.removesuffix("_t")]
    treated = np.array([design.treated[:, rng.permutation(12)] for _ in range(5)])
    present = rng.random((5, *design.y.shape)) < 0.8
    present[:, 0] = True
    together = estimator(design.y, treated, present)
    for d in range(5):
        alone = estimator(design.y, treated[d], present[d])
        assert float(alone.estimate) == pytest.approx(together.estimate[d], rel=1e-9)
        assert float(alone.std_error) == pytest.approx(together.std_error[d], rel=1e-9)


@cases
@given(seeds)
def test_estimators_are_least_squares_on_dummies(seed: int) -> None:
    rng = np.random.default_rng(seed)
    design = drawn_design(rng)
    present = rng.random(design.y.shape) < 0.85
    present[0] = True
    X, y, treated = dummies(*design.y.shape), design.y, design.treated
    both = np.concatenate([treated[..., None], X], axis=2)[present].astype(float)
    b = np.linalg.lstsq(both, y[present])[0][0]
    clean = present & ~treated
    fitted = X @ np.linalg.lstsq(X[clean], y[clean])[0]
    counted = present & treated & clean.any(axis=0) & clean.any(axis=1)[:, None]
    found = {name: float(f(y, treated, present).estimate) for name, f in ESTIMATORS.items()}
    assert found["twfe"] == pytest.approx(b, rel=1e-7, abs=1e-9)
    assert found["imputation"] == pytest.approx((y - fitted)[counted].mean(), rel=1e-7, abs=1e-9)


@cases
@given(seeds)
def test_power_grows_with_the_effect(seed: int) -> None:
    design = drawn_design(np.random.default_rng(seed))
    found = power(design, [0.0, 1.0, 3.0, 9.0, 90.0], draws=199)
    above = found.curve["power"].to_numpy()[1:]
    assert (np.diff(above) >= -0.02).all()  # wrong signs at small effects may leave before
    assert above[-1] == 1.0
