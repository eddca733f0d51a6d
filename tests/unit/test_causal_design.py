"""Staggered designs: what they count and what they refuse."""

import numpy as np
import pandas as pd
import pytest

from ccec_econ.causal.design import adoption_from, staggered_design
from ccec_econ.errors import AlignmentError, IdentificationError, PanelError

YEARS = range(2000, 2006)


def panel(units: str = "abcde") -> pd.DataFrame:
    index = pd.MultiIndex.from_product([list(units), YEARS], names=["unit", "year"])
    return pd.DataFrame({"y": np.arange(len(index), dtype=float)}, index=index)


ADOPTION = pd.Series({"a": 2002, "b": 2002, "c": 2004, "d": None, "e": 2010}, dtype="Int64")


def test_cohorts_and_states() -> None:
    design = staggered_design(panel(), "y", ADOPTION)
    assert design.cohorts.to_dict() == {2002: 2, 2004: 1}
    assert design.treated.sum(axis=0).tolist() == [4, 4, 2, 0, 0]
    assert design.ever.tolist() == [True, True, True, False, False]
    assert design.left_out == ()


def test_clean_controls_by_hand() -> None:
    design = staggered_design(panel(), "y", ADOPTION)
    # Cohort 2002 has c, d, e until 2003 and d, e after; cohort 2004 has d, e throughout, though
    # a and b are untreated in the early years: they are treated in its base year 2003.
    assert design.clean_controls().to_dict() == {
        -4: 2, -3: 2, -2: 2, 0: 2, 1: 2, 2: 2, 3: 2,
    }  # fmt: skip
    alone = staggered_design(panel("abc").loc[["a", "b", "c"]], "y", ADOPTION)
    assert alone.clean_controls().to_dict()[1] == 0  # cohort 2004 in 2005 has nobody
    assert set(design.clean_controls("never_treated")) == {2}


def test_always_treated_are_refused_or_named() -> None:
    early = ADOPTION.replace(2004, 1999)
    with pytest.raises(PanelError, match="treated from the first period 2000"):
        staggered_design(panel(), "y", early)
    design = staggered_design(panel(), "y", early, already="leave_out")
    assert design.left_out == ("c",)
    assert design.y.shape == (6, 4)


def test_nobody_to_compare_with() -> None:
    same = pd.Series(2003, index=list("abcde"))
    with pytest.raises(IdentificationError, match="never or not yet treated"):
        staggered_design(panel(), "y", same)
    with pytest.raises(IdentificationError, match="no unit is treated"):
        staggered_design(panel(), "y", pd.Series(2030, index=list("abcde")))


def test_units_must_be_named() -> None:
    with pytest.raises(AlignmentError, match="says nothing of e"):
        staggered_design(panel(), "y", ADOPTION.drop("e"))
    with pytest.raises(AlignmentError, match="more than once"):
        staggered_design(panel(), "y", pd.concat([ADOPTION, ADOPTION.head(1)]))
    with pytest.raises(AlignmentError, match="whole numbers"):
        staggered_design(panel(), "y", ADOPTION.astype(float).replace(2004, 2004.5))


def test_gaps_are_refused() -> None:
    holed = panel()
    holed.loc[("b", 2003), "y"] = np.nan
    with pytest.raises(PanelError, match=r"\(b, 2003\)"):
        staggered_design(holed, "y", ADOPTION)
    with pytest.raises(PanelError, match="consecutive"):
        staggered_design(panel().drop(index=2003, level=1), "y", ADOPTION)
    with pytest.raises(PanelError, match="no column"):
        staggered_design(panel(), "x", ADOPTION)


def test_column_of_zeros_and_ones() -> None:
    data = panel()
    years = data.index.get_level_values("year")
    data["open"] = (years >= data.index.get_level_values("unit").map(ADOPTION.fillna(9999))) * 1.0
    assert adoption_from(data, "open").dropna().to_dict() == {"a": 2002, "b": 2002, "c": 2004}
    data.loc[("a", 2005), "open"] = 0.0
    with pytest.raises(PanelError, match="switches off in a"):
        adoption_from(data, "open")
    data.loc[("a", 2005), "open"] = 0.4
    with pytest.raises(PanelError, match=r"0\.4"):
        adoption_from(data, "open")


def test_what_is_no_series_of_years_is_refused() -> None:
    dates = pd.to_datetime(pd.Series({"a": "2002-05-01", "b": None}))
    for wrong, said in (
        (ADOPTION.fillna(0), "missing \\(not 0\\)"),
        (ADOPTION.notna().astype(int), "holds 0 or 1"),
        (ADOPTION.notna(), "true and false"),
        (dates, "adoption.dt.year"),
        (dates.dt.to_period("Y"), "holds dates"),
        (ADOPTION.to_dict(), "of type dict"),
        ("open", "of type str"),
        (panel()["y"], "indexed by unit and period"),
    ):
        with pytest.raises(AlignmentError, match=said):
            staggered_design(panel(), "y", wrong)
    text = panel().rename(index=str, level="year")
    with pytest.raises(PanelError, match="these are text"):
        staggered_design(text, "y", ADOPTION)


def test_design_prints_one_line() -> None:
    design = staggered_design(panel(), "y", ADOPTION)
    assert repr(design) == "<Design y: 5 units, 3 treated, 6 periods>"


def test_periods_around_zero_may_hold_zero() -> None:
    index = pd.MultiIndex.from_product([list("abc"), range(-2, 3)], names=["unit", "period"])
    data = pd.DataFrame({"y": np.arange(15.0)}, index=index)
    design = staggered_design(data, "y", pd.Series({"a": 0, "b": 1, "c": None}))
    assert design.cohorts.to_dict() == {0: 1, 1: 1}
