"""Staggered designs: cases by hand, what is counted, printed and refused."""

import numpy as np
import pandas as pd
import pytest

from ccec_econ.causal import staggered
from ccec_econ.causal.staggered_results import Method
from ccec_econ.errors import IdentificationError, PanelError

METHODS: tuple[Method, ...] = ("callaway_santanna", "sun_abraham", "imputation", "twfe")
CLEAN: tuple[Method, ...] = METHODS[:3]
EXACT = 1e-10


def planted(
    adoption: list[int | None], effect: float = 1.0, growth: float = 0.0, noise: float = 0.0
) -> tuple[pd.DataFrame, pd.Series]:
    """Unit and year constants plus effect + growth * (years since adoption), years 1 to 6."""
    first = pd.Series(adoption, dtype="Int64")
    index = pd.MultiIndex.from_product([first.index, range(1, 7)], names=["unit", "year"])
    unit, year = (index.get_level_values(k).to_numpy() for k in (0, 1))
    since = year - first.fillna(99).to_numpy(float)[unit]
    rng = np.random.default_rng(3)
    y = 2.0 * unit + year**2 + (since >= 0) * (effect + growth * since)
    return pd.DataFrame({"y": y + noise * rng.normal(size=len(y))}, index=index), first


def test_two_by_two_by_hand() -> None:
    # Treated 0, 1 rise by 3 and 5 from year 2 to 3, controls 2, 3 by 1 and 2: 4 - 1.5 = 2.5.
    # Group variances of the changes are 1 and 0.25 about their means, each over 2: se sqrt(0.625).
    index = pd.MultiIndex.from_product([range(4), [1, 2, 3]], names=["unit", "year"])
    y = pd.DataFrame({"y": [0, 1, 4, 0, 0, 5, 0, 1, 2, 0, 0, 2.0]}, index=index)
    found = staggered(y, "y", pd.Series([3, 3, None, None], dtype="Int64"))
    assert found.overall["estimate"] == pytest.approx(2.5, abs=EXACT)
    assert found.overall["se"] == pytest.approx(0.625**0.5, abs=EXACT)
    # Leads: change from the base year 2 to year 1, treated -0.5, controls -0.5.
    assert found.event_study.loc[-2, "estimate"] == pytest.approx(0.0, abs=EXACT)
    assert found.df == 3


@pytest.mark.parametrize("method", CLEAN)
def test_growing_effects_are_recovered_exactly(method: Method) -> None:
    # Effects 1, 2, 3, 4 since adoption; cohort 3 has four treated years, cohort 5 two:
    # overall (2 units * 10 + 2 units * 3) / 12.
    data, first = planted([3, 3, 5, 5, None, None], growth=1.0, noise=1e-9)
    found = staggered(data, "y", first, method=method)
    study = found.event_study
    assert study.loc[0:, "estimate"].to_numpy() == pytest.approx([1, 2, 3, 4], abs=1e-6)
    assert found.by_cohort["estimate"].to_dict() == pytest.approx({3: 2.5, 5: 1.5}, abs=1e-6)
    assert found.overall["estimate"] == pytest.approx(26 / 12, abs=1e-6)
    assert study.loc[0:, "units"].tolist() == [4, 4, 2, 2]
    assert study.loc[0:, "cohorts"].tolist() == [2, 2, 1, 1]


def test_two_way_coefficient_misses_growing_effects() -> None:
    data, first = planted([3, 3, 5, 5, None, None], growth=1.0, noise=1e-9)
    assert staggered(data, "y", first, method="twfe").overall["estimate"] < 26 / 12 - 0.1


@pytest.mark.parametrize("method", METHODS)
def test_overall_is_the_mean_over_treated_cells(method: Method) -> None:
    data, first = planted([3, 3, 3, 4, 4, 5, 5, None, None, None], noise=1.0)
    found = staggered(data, "y", first, method=method)
    if method != "twfe":
        study = found.event_study.loc[found.weights.index, "estimate"]
        assert found.overall["estimate"] == pytest.approx(found.weights @ study, abs=EXACT)
    if found.covariance is not None:
        se = found.event_study.loc[found.covariance.index, "se"].to_numpy()
        assert np.sqrt(np.diag(found.covariance)) == pytest.approx(se, abs=EXACT)


@pytest.mark.parametrize("method", CLEAN)
def test_periods_without_controls_are_said(method: Method) -> None:
    data, first = planted([3, 3, 4, 4, 5, 5], noise=1.0)
    found = staggered(data, "y", first, method=method)
    study = found.event_study
    # The last cohort is the control until year 4; in years 5 and 6 all six units are treated.
    assert study["lost"].sum() == 2 * 6
    assert study.loc[3, "cohorts"] == 0
    assert np.isnan(study.loc[3, "estimate"])
    assert study.loc[1, ["cohorts", "lost"]].tolist() == [1, 4]
    said = " ".join(found.notes())
    assert "the last cohort serves as control until 4" in said
    assert "no clean controls" in str(found)


def test_what_is_printed() -> None:
    data, first = planted([1, 3, 3, 5, 5, None, None], noise=1.0)
    found = staggered(data, "y", first, already="leave_out")
    said = " ".join(found.notes())
    assert "6 units (4 treated within the panel, in 2 cohorts of 2 to 2)" in said
    assert "never or not yet treated; base period -1 (universal)" in said
    assert "6 clusters (units), t(5)" in said
    assert "0 (1 units)" in said
    assert "already treated among them" in " ".join(
        staggered(data, "y", first, method="twfe", already="leave_out").notes()
    )
    assert found.event_study.loc[-1, "estimate"] == 0.0


def test_anticipation_moves_the_base_period() -> None:
    data, first = planted([4, 4, 6, 6, None, None])
    early = data["y"] + 0.5 * (data.index.get_level_values("year") == 3) * (
        data.index.get_level_values("unit") < 2
    )
    found = staggered(data.assign(y=early), "y", first, anticipation=1)
    assert found.base == -2
    assert found.event_study.loc[-1, "estimate"] == pytest.approx(0.25, abs=1e-9)
    assert found.event_study.loc[0, "estimate"] == pytest.approx(1.0, abs=1e-9)
    plain = staggered(data.assign(y=early), "y", first)
    assert plain.event_study.loc[0, "estimate"] == pytest.approx(0.75, abs=1e-9)


def test_covariates_take_out_their_trend() -> None:
    rng = np.random.default_rng(5)
    data, first = planted([3] * 20 + [5] * 20 + [None] * 40, noise=0.1)
    x = rng.normal(size=80) + (np.arange(80) < 40)
    unit, year = (data.index.get_level_values(k).to_numpy() for k in (0, 1))
    data = data.assign(x=x[unit], xt=x[unit] * year, y=data["y"] + x[unit] * year)
    adjusted = staggered(data, "y", first, covariates=["x"])
    regression = staggered(data, "y", first, method="sun_abraham", covariates=["xt"])
    for found in (adjusted, regression):
        assert found.overall["estimate"] == pytest.approx(1.0, abs=0.1)
    assert staggered(data, "y", first).overall["estimate"] > 1.5
    assert "Covariates: x. Covariates enter by doubly robust." in " ".join(adjusted.notes())


def test_refusals() -> None:
    data, first = planted([3, 3, 5, 5, 5, 5], noise=1.0)
    with pytest.raises(IdentificationError, match="method 'gardner' is unknown"):
        staggered(data, "y", first, method="gardner")  # type: ignore[arg-type]
    with pytest.raises(IdentificationError, match="it uses never_treated"):
        staggered(data, "y", first, method="sun_abraham", controls="not_yet_treated")
    with pytest.raises(IdentificationError, match="it uses every unit"):
        staggered(data, "y", first, method="twfe", controls="never_treated")
    with pytest.raises(IdentificationError, match="every unit is treated by 5"):
        staggered(data, "y", first, controls="never_treated")
    with pytest.raises(IdentificationError, match="anticipation has no place"):
        staggered(data, "y", first, method="twfe", anticipation=1)
    with pytest.raises(IdentificationError, match="adjustment 'none'"):
        staggered(data, "y", first, adjustment="none")  # type: ignore[arg-type]
    with pytest.raises(PanelError, match="anticipation -1"):
        staggered(data, "y", first, anticipation=-1)
    with pytest.raises(PanelError, match="'x' is no column"):
        staggered(data, "y", first, covariates=["x"])
