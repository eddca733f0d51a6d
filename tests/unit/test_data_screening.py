"""The screen: planted faults are caught, clean figures and changes of level are left alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccec_econ.data.screening import Screen, positions, screen
from ccec_econ.errors import DataError

YEARS = pd.RangeIndex(2003, 2020, name="year")
UNITS = [f"u{i:02d}" for i in range(15)]
EXACT = 1e-9  # interpolation in logarithms and back


def clean(seed: int = 0) -> pd.DataFrame:
    """Common growth, constant positions from -0.7 to 0.7, noise of 0.05 log units."""
    rng = np.random.default_rng(seed)
    level = np.linspace(-0.7, 0.7, len(UNITS))
    logs = 0.1 * np.arange(len(YEARS))[:, None] + level + 0.05 * rng.standard_normal((17, 15))
    return pd.DataFrame(np.exp(logs), index=YEARS, columns=UNITS)


@settings(derandomize=True, max_examples=30)
@given(st.integers(0, 10_000))
def test_clean_figures_are_left_alone(seed: int) -> None:
    figures = clean(seed)
    outcome = screen(figures, fill=(2003, 2019))
    assert not outcome.replaced.to_numpy().any()
    pd.testing.assert_frame_equal(outcome.values, figures)


@settings(derandomize=True, max_examples=60)
@given(
    st.integers(0, 10_000),
    st.integers(0, 14),
    st.integers(1, 11),
    st.integers(1, 4),
    st.sampled_from([3.0, 1 / 3.0, 10.0]),
)
def test_a_planted_run_is_caught_and_nothing_else(
    seed: int, unit: int, start: int, length: int, factor: float
) -> None:
    figures = clean(seed)
    years = YEARS[start : start + length]
    figures.loc[years, UNITS[unit]] *= factor
    outcome = screen(figures)
    expected = pd.DataFrame(False, index=YEARS, columns=UNITS)
    expected.loc[years, UNITS[unit]] = True
    pd.testing.assert_frame_equal(outcome.replaced, expected)
    untouched = ~expected
    pd.testing.assert_frame_equal(outcome.values[untouched], figures[untouched])


def test_replacement_is_the_interpolated_position_times_the_median() -> None:
    figures = clean()
    figures.loc[[2008, 2009], "u04"] *= 5.0
    r = positions(figures)["u04"]
    # One third and two thirds of the way from the position of 2007 to that of 2010.
    step = (r[2010] - r[2007]) / 3.0
    expected = [
        np.exp(r[2007] + step) * figures.loc[2008].median(),
        np.exp(r[2007] + 2 * step) * figures.loc[2009].median(),
    ]
    values = screen(figures).values["u04"]
    assert values[[2008, 2009]].tolist() == pytest.approx(expected, rel=EXACT)


def test_run_at_the_end_takes_the_last_accepted_position() -> None:
    figures = clean()
    figures.loc[2016:, "u04"] *= 4.0
    outcome = screen(figures)
    r = positions(figures)["u04"]
    expected = np.exp(r[2015]) * figures.loc[2019].median()
    assert outcome.values.loc[2019, "u04"] == pytest.approx(expected, rel=EXACT)


def test_long_run_is_a_change_of_level_and_kept() -> None:
    figures = clean()
    figures.loc[2013:, "u04"] *= 4.0
    outcome = screen(figures)
    assert not outcome.replaced.to_numpy().any()
    assert outcome.level_changes["u04"][lambda column: column].index.tolist() == list(
        range(2013, 2020)
    )


def test_gradual_drift_is_kept() -> None:
    figures = clean()
    figures["u04"] *= np.exp(np.linspace(-1.2, 1.2, len(YEARS)))
    assert not screen(figures).replaced.to_numpy().any()


def test_hump_is_caught_where_positions_drift() -> None:
    figures = clean()
    figures["u04"] *= np.exp(np.linspace(0.6, -0.4, len(YEARS)))
    figures.loc[[2014, 2015], "u04"] *= 1.9
    assert screen(figures).replaced["u04"][lambda column: column].index.tolist() == [2014, 2015]


def test_flag_lowers_the_floor_but_not_the_jump() -> None:
    figures = clean()
    figures.loc[[2010], "u04"] *= 1.45  # ln 1.45 = 0.37 < ln 1.5
    suspects = pd.DataFrame(False, index=YEARS, columns=UNITS)
    suspects.loc[2010, "u04"] = True
    assert not screen(figures, suspects=suspects).replaced.to_numpy().any()
    lower = Screen(floor=0.2)
    assert screen(figures, suspects=suspects, rule=lower).replaced.loc[2010, "u04"]


def test_positions_are_compared_within_a_block_only() -> None:
    figures = clean()
    figures.loc[2012:, "u04"] *= 5.0  # another definition from 2012: eight of 17 years
    blocks = pd.Series((YEARS >= 2012).astype(int), index=YEARS)
    outcome = screen(figures, blocks=blocks)
    assert not outcome.replaced.to_numpy().any()
    assert not outcome.level_changes.to_numpy().any()


def test_gaps_are_filled_within_the_stated_years_and_reported() -> None:
    figures = clean()
    figures.loc[[2004, 2018], "u04"] = np.nan
    outcome = screen(figures, fill=(2003, 2010))
    assert outcome.filled.loc[2004, "u04"]
    assert np.isnan(outcome.values["u04"].loc[2018])
    r = positions(figures)["u04"]
    expected = np.exp((r[2003] + r[2005]) / 2) * figures.loc[2004].median()
    assert outcome.values.loc[2004, "u04"] == pytest.approx(expected, rel=EXACT)
    assert int(outcome.filled.to_numpy().sum()) == 1


def test_year_without_any_figure_stays_empty() -> None:
    figures = clean()
    figures.loc[2010] = np.nan
    assert screen(figures, fill=(2003, 2019)).values.loc[2010].isna().all()


def test_unit_without_figures_is_refused() -> None:
    figures = clean()
    figures["u04"] = np.nan
    with pytest.raises(DataError, match="unit u04 has no accepted figure in the years 2003-2019"):
        screen(figures, fill=(2003, 2019))


def test_nonpositive_figures_are_refused() -> None:
    figures = clean()
    figures.loc[2010, "u04"] = 0.0
    with pytest.raises(DataError, match=r"1 figures are not positive \(u04 2010\)"):
        screen(figures)
