"""What the source studies claim against what the bundled figures say.

Every number on our side is computed from raw figures; the claims come from
``data/raw/source_studies/facts.csv``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from ccec_econ.data.boundary import CHENGDU
from ccec_econ.data.store import load_table, wide
from ccec_econ.errors import DataError, first_five

__all__ = ["AGREES", "DEFINITION", "DIFFERS", "SLIP", "Check", "validation_table"]

Verdict = Literal["agrees", "differs", "definition differs", "source slip"]
AGREES: Verdict = "agrees"
DIFFERS: Verdict = "differs"
DEFINITION: Verdict = "definition differs"
SLIP: Verdict = "source slip"

_EXACT_PCT = 0.5
_ABOUT_PCT = 5.0
_CHONGQING, _YIBIN, _LUZHOU = "500000", "511500", "510500"
_YONGCHUAN, _JIANGJIN, _RONGCHANG = "500118", "500116", "500153"


@dataclass(frozen=True, slots=True)
class Check:
    """One claim and how it is checked.

    Attributes
    ----------
    fact_id : str
        Row of ``facts.csv``.
    ours : callable
        Computes our number in the claim's unit.
    remark : callable
        Says what our number is.
    part : int
        Which number of a claim such as ``20/40``.
    slip : callable, optional
        Judges from the claim and our number whether the claim contradicts itself.
    same : bool
        Whether both numbers measure the same thing, so that a gap is no matter of definition.
    """

    fact_id: str
    ours: Callable[[], float]
    remark: Callable[[], str]
    part: int = 0
    slip: Callable[[float, float], bool] | None = None
    same: bool = False


def validation_table() -> pd.DataFrame:
    """Compare claims of the source studies with the bundled figures.

    Returns
    -------
    DataFrame
        ``fact_id``, ``statement``, ``year``, ``claimed``, ``ours``, ``unit``,
        ``difference_pct`` (ours against claimed), ``verdict`` and ``remark``. A claim *agrees*
        if ours rounds to it or lies within 0.5 per cent (5 per cent where the study says
        "about" or "close to"; a year must be the same); a *source slip* contradicts itself or
        another claim of the same study; otherwise the *definition differs*, as the remark
        says, or the number just *differs*. Amounts in yuan are given in bn yuan.

    Raises
    ------
    DataError
        If a claim is not in ``facts.csv``.

    Examples
    --------
    >>> from ccec_econ.data import validation_table
    >>> validation_table().set_index("fact_id").loc["D0-075", "verdict"]
    'agrees'
    """
    facts = load_table("source_studies", "facts").set_index("fact_id")
    absent = [check.fact_id for check in _CHECKS if check.fact_id not in facts.index]
    if absent:
        raise DataError(
            f"validation: {first_five(absent)} not in source_studies/facts.csv; restore the table."
        )
    rows = [_row(check, facts.T[check.fact_id]) for check in _CHECKS]
    return pd.DataFrame(rows)


def _row(check: Check, fact: pd.Series[str]) -> dict[str, object]:
    text = str(fact["value"]).split("/")[check.part]
    claimed, ours = float(text), check.ours()
    statement, unit = str(fact["statement"]), str(fact["unit"])
    agrees = _agrees(text, ours, statement, unit)
    verdict = AGREES if agrees else DIFFERS if check.same else DEFINITION
    if check.slip is not None and check.slip(claimed, ours):
        verdict = SLIP
    if unit == "yuan":
        claimed, ours, unit = claimed / 1e9, ours / 1e9, "bn yuan"
    return {
        "fact_id": check.fact_id,
        "statement": statement,
        "year": "" if pd.isna(fact["year"]) else str(fact["year"]).split(" ")[0],
        "claimed": claimed,
        "ours": ours,
        "unit": unit,
        "difference_pct": 100.0 * (ours / claimed - 1.0),
        "verdict": verdict,
        "remark": check.remark(),
    }


def _agrees(text: str, ours: float, statement: str, unit: str) -> bool:
    claimed = float(text)
    if unit == "year":
        return ours == claimed
    tolerance = _ABOUT_PCT if any(w in statement for w in ("about", "close to")) else _EXACT_PCT
    decimals = len(text.partition(".")[2])
    rounds = decimals > 0 and abs(ours - claimed) <= 0.5 * 10.0**-decimals
    return rounds or abs(ours / claimed - 1.0) <= tolerance / 100.0


# Quantities -------------------------------------------------------------------------------


def _in_year(source: str, variable: str, year: int, layer: str = "city") -> pd.Series[float]:
    """Figures of one year by unit."""
    return wide(source, variable, layer).T[year]


def _gdp(year: int) -> pd.Series[float]:
    """City GDP of the yearbook, unrevised, in 100 million yuan."""
    return _in_year("city_yearbook", "gdp", year)


def _county_gdp(year: int, units: list[str]) -> float:
    return float(_in_year("county_yearbook", "gdp", year, "county")[units].sum())


def _chongqing_members() -> list[str]:
    table = load_table("administration", "membership")
    inside = table["ccec"].isin(["full", "partial"]) & (table["prefecture_adcode"] == _CHONGQING)
    return sorted(table.loc[inside, "adcode"])


def _sichuan_gdp(year: int) -> float:
    return float(_gdp(year).drop(_CHONGQING).sum()) / 10.0


def _member_gdp(year: int) -> float:
    return _county_gdp(year, _chongqing_members()) / 10.0


def _growth(year: int) -> float:
    nominal = _in_year("gdp_revised", "gdp_revised", year - 1)
    index = _in_year("gdp_revised", "gdp_index_prev100", year)
    return float((nominal * index).sum() / nominal.sum() - 100.0)


def _sector_share(variable: str, year: int) -> float:
    gdp = _gdp(year)
    return float((_in_year("city_yearbook", variable, year) * gdp).sum() / gdp.sum())


def _two_cores(year: int) -> float:
    gdp = _gdp(year)
    return float(100.0 * gdp[[CHENGDU, _CHONGQING]].sum() / gdp.sum())


def _residents(year: int) -> float:
    """Residents of the 16 units in million persons."""
    return float(_in_year("population", "pop_resident_interp", year).sum()) / 100.0


def _member_residents() -> float:
    """Residents of the member counties at the census of 2020 in million persons."""
    table = load_table("administration", "membership")
    members = table.loc[table["ccec"].isin(["full", "partial"]), "adcode"]
    census = _in_year("census", "pop_resident_census", 2020, "county")
    return float(census.reindex(members).sum()) / 100.0


def _zone_residents() -> float:
    """Residents of Luzhou, Yongchuan and Jiangjin at the census of 2020 in million persons."""
    table = load_table("administration", "membership")
    luzhou = table.loc[table["prefecture_adcode"] == _LUZHOU, "adcode"]
    census = _in_year("census", "pop_resident_census", 2020, "county")
    return float(census.loc[[*luzhou, _YONGCHUAN, _JIANGJIN]].sum()) / 100.0


def _zone_gdp() -> float:
    return float(_gdp(2020)[_LUZHOU] + _county_gdp(2020, [_YONGCHUAN, _JIANGJIN])) / 10.0


def _hsr_opening() -> float:
    lines = load_table("rail", "lines")
    line = lines["line_en"].str.startswith("Chengdu-Chongqing intercity")
    return float(str(lines.loc[line, "opened"].iloc[0])[:4])


def _minutes_from_rongchang(core: str) -> float:
    """Fastest train of the timetable of 2016-03-10 between Rongchang and a core."""
    members = load_table("administration", "membership").set_index("adcode")
    here = members.loc[_RONGCHANG, "name_zh"]
    there = str(members.loc[members["prefecture_adcode"] == core, "prefecture"].iloc[0])[:2]
    trains = load_table("rail", "od_2016")
    out = (trains["origin"] == here) & trains["dest"].str.startswith(there)
    back = (trains["dest"] == here) & trains["origin"].str.startswith(there)
    return float(trains.loc[out | back, "fastest_min"].min())


def _chongqing_rd(year: int) -> float:
    return float(_in_year("research_development", "rd_intensity", year)[_CHONGQING])


def _claims_differ(claimed: float, _: float) -> bool:
    """Two figures of one study for one quantity cannot both hold."""
    facts = load_table("source_studies", "facts").set_index("fact_id")
    return len({float(facts["value"].loc[f]) for f in ("D0-031", "D0-033")}) > 1


def _part_exceeds_whole(claimed: float, ours: float) -> bool:
    return ours > claimed


def _municipality_remark() -> str:
    whole, members = float(_gdp(2021)[_CHONGQING]) / 10.0, _member_gdp(2021)
    return (
        f"sum of the {len(_chongqing_members())} member districts and counties; the whole "
        f"municipality, our unit, has {whole:.1f} ({100 * (whole / members - 1):+.1f} %)"
    )


def _rd_remark() -> str:
    known = _in_year("research_development", "rd_intensity", 2021).notna().sum()
    return (
        "the study gives both 2.2 and 2.5 for this quantity; ours is Chongqing's figure, "
        f"R&D by unit exists for {known} of 16 units in 2021"
    )


def _cores_remark() -> str:
    gdp, members = _gdp(2021), 10.0 * _member_gdp(2021)
    share = 100.0 * (gdp[CHENGDU] + members) / (gdp.drop(_CHONGQING).sum() + members)
    return (
        "Chengdu and the whole municipality of Chongqing, unrevised GDP; with the member counties "
        f"of Chongqing alone {share:.1f}"
    )


def _says(text: str) -> Callable[[], str]:
    return lambda: text


_WHOLE = "all of Chongqing, sectors weighted with unrevised GDP"

_CHECKS: tuple[Check, ...] = (
    Check(
        "D0-046",
        lambda: _sichuan_gdp(2021) + _member_gdp(2021),
        _says("15 cities of Sichuan and the member districts and counties of Chongqing"),
    ),
    Check("D0-047", lambda: _growth(2021), _says("real growth of the 16 units, all of Chongqing")),
    Check("D0-048", lambda: _sichuan_gdp(2021), _says("15 cities, unrevised yearbook GDP")),
    Check("D0-049", lambda: _member_gdp(2021), _municipality_remark),
    Check(
        "D0-052",
        lambda: float(len(_chongqing_members())),
        _says("units named in full or in part by the plan of 2016"),
    ),
    Check("D0-057", lambda: _sector_share("share1", 2022), _says(_WHOLE)),
    Check(
        "D0-058",
        lambda: _sector_share("share2", 2022) - _sector_share("share2", 2015),
        _says(f"{_WHOLE}; shares of 2015 as first published, before the economic census"),
    ),
    Check("D0-059", lambda: _sector_share("share3", 2022), _says(_WHOLE)),
    Check("D0-075", lambda: float(_gdp(2021)[_YIBIN]) / 10.0, _says("unrevised yearbook GDP")),
    Check(
        "D0-077",
        lambda: _county_gdp(2021, [_YONGCHUAN]) / 10.0,
        _says("county panel, unrevised"),
    ),
    Check(
        "D0-087",
        _zone_residents,
        _says("residents of Luzhou, Yongchuan and Jiangjin at the census of 2020"),
    ),
    Check("D0-088", _zone_gdp, _says("Luzhou, Yongchuan and Jiangjin, unrevised")),
    Check("D0-080", _hsr_opening, _says("year in which the line opened")),
    Check(
        "D0-081",
        lambda: _minutes_from_rongchang(_CHONGQING),
        _says("to Chongqing, fastest train in the timetable of 2016-03-10"),
        same=True,
    ),
    Check(
        "D0-081",
        lambda: _minutes_from_rongchang(CHENGDU),
        _says("to Chengdu, fastest train in the timetable of 2016-03-10"),
        part=1,
        same=True,
    ),
    Check("D3-004", lambda: _residents(2021), _says("16 units with all of Chongqing")),
    Check(
        "D4-004",
        lambda: _residents(2024),
        lambda: (
            "16 units with all of Chongqing; the member counties had "
            f"{_member_residents():.1f} at the census of 2020"
        ),
    ),
    Check(
        "D3-009",
        lambda: _two_cores(2021),
        _cores_remark,
        same=True,
    ),
    Check(
        "D0-008",
        lambda: 1e8 * float(_gdp(2023).sum()),
        _says("GDP of the circle, a part of the region: the printed figure is too small"),
        slip=_part_exceeds_whole,
    ),
    Check("D0-031", lambda: _chongqing_rd(2021), _rd_remark, slip=_claims_differ),
    Check("D0-033", lambda: _chongqing_rd(2021), _rd_remark, slip=_claims_differ),
)
