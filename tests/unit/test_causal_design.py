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
