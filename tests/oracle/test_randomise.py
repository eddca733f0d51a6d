"""The imputation estimator behind permutations against diff-diff, run here."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

from ccec_econ.causal import Design
from ccec_econ.causal.randomise_estimators import imputation
from staggered import drawn_design

ITERATED = 1e-8  # diff-diff takes the effects out by turns until they move less than 1e-8


def by_diff_diff(design: Design) -> tuple[float, float]:
    from diff_diff import ImputationDiD

    first = dict(zip(design.panel.units, design.adoption, strict=True))
    data = design.panel.frame.reset_index()
    never_is_zero = data["unit"].map(first).replace(np.inf, 0.0).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = ImputationDiD().fit(
            data.assign(first=never_is_zero),
            outcome="y",
            unit="unit",
            time="year",
            first_treat="first",
        )
    return found.overall_att, found.overall_se


@pytest.mark.parametrize("seed", range(5))
def test_estimate(seed: int) -> None:
    design = drawn_design(np.random.default_rng(seed), units=20, periods=8)
    found = imputation(design.y, design.treated)
    assert float(found.estimate) == pytest.approx(by_diff_diff(design)[0], abs=ITERATED)


@pytest.mark.parametrize("seed", range(5))
def test_standard_error_of_one_cohort(seed: int) -> None:
    """With one cohort one average of effects is one per cohort, theirs; with more it is not."""
    design = drawn_design(np.random.default_rng(seed), units=20, periods=8)
    one = replace(design, adoption=np.where(np.isfinite(design.adoption), 4.0, np.inf))
    found = imputation(one.y, one.treated)
    assert float(found.std_error) == pytest.approx(by_diff_diff(one)[1], abs=ITERATED)
