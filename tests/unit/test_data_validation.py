"""Claims of the source studies against the bundled figures."""

from __future__ import annotations

import pandas as pd
import pytest

from ccec_econ import data
from ccec_econ.data import validation
from ccec_econ.data.validation import AGREES, DEFINITION, DIFFERS, SLIP
from ccec_econ.errors import DataError


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return data.validation_table()


def test_verdicts(table: pd.DataFrame) -> None:
    verdicts = table.groupby("verdict")["fact_id"].agg(set).to_dict()
    assert verdicts[AGREES] == {
        "D0-046", "D0-047", "D0-048", "D0-049", "D0-052", "D0-059",
        "D0-075", "D0-077", "D0-080", "D0-088", "D3-004",
    }  # fmt: skip
    assert verdicts[SLIP] == {"D0-008", "D0-031", "D0-033"}
    assert set(verdicts) == {AGREES, DEFINITION, DIFFERS, SLIP}


def test_claims_are_those_of_the_fact_table(table: pd.DataFrame) -> None:
    facts = data.load_table("source_studies", "facts").set_index("fact_id")
    single = table[table["fact_id"] != "D0-081"]
    scale = facts["unit"].map({"yuan": 1e-9}).fillna(1.0)  # yuan are given in bn yuan
    claims = [float(facts.loc[f, "value"]) * scale[f] for f in single["fact_id"]]
    assert claims == pytest.approx(single["claimed"].tolist(), rel=1e-12)
    rongchang = table[table["fact_id"] == "D0-081"]
    assert rongchang["claimed"].tolist() == [20.0, 40.0]


def test_yibin_and_the_circle_by_hand(table: pd.DataFrame) -> None:
    ours = table.drop_duplicates("fact_id").set_index("fact_id")["ours"]
    raw = data.load_raw("city_yearbook")
    gdp = raw[(raw["variable"] == "gdp") & (raw["year"] == 2021)].set_index("unit")["value"]
    assert ours["D0-075"] == gdp["511500"] / 10
    assert ours["D0-048"] == pytest.approx((gdp.sum() - gdp["500000"]) / 10)
    assert ours["D0-046"] == pytest.approx(ours["D0-048"] + ours["D0-049"])


def test_whole_municipality_is_named_where_it_matters(table: pd.DataFrame) -> None:
    remark = table.set_index("fact_id")["remark"].loc["D0-049"]
    assert "29 member districts" in remark
    assert "+7.9 %" in remark


@pytest.mark.parametrize(
    ("text", "ours", "statement", "unit", "expected"),
    [
        ("8.5", 8.46, "Growth", "%", True),  # rounds to it
        ("8.5", 8.44, "Growth", "%", False),  # 0.7 % away and does not round
        ("50", 52.4, "Share (about)", "%", True),
        ("50", 52.4, "Share", "%", False),
        ("2015", 2016.0, "opened", "year", False),
    ],
)
def test_rule_of_agreement(
    text: str, ours: float, statement: str, unit: str, expected: bool
) -> None:
    assert validation._agrees(text, ours, statement, unit) is expected


def test_absent_fact_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    check = validation.Check("D9-999", lambda: 1.0, lambda: "")
    monkeypatch.setattr(validation, "_CHECKS", (check,))
    with pytest.raises(DataError, match=r"validation: D9-999 not in source_studies/facts.csv"):
        data.validation_table()
