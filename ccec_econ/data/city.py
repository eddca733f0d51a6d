"""The city panel: 16 units, 1999-2023, built from raw figures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ccec_econ.data import boundary
from ccec_econ.data.adjustments import cells_with, concat_rows, flagged_rows, rows_where
from ccec_econ.data.digital import (
    FIVE,
    FIVE_YEARS,
    FOUR,
    FOUR_YEARS,
    DigitalFigures,
    digital_figures,
    digital_index,
)
from ccec_econ.data.rail import SERVICE_CLASSES, exposure
from ccec_econ.data.store import wide, wide_flags
from ccec_econ.data.units import load_units
from ccec_econ.indices import CompositeIndex

__all__ = ["CITY_YEARS", "CityPanel", "build_city_panel"]

CITY_YEARS = (1999, 2023)

_SCIENCE_FROM = 2007
_CENSUS = 2010
_POP_JUMP = 0.05
_SHARES_OFF = 1.0  # percentage points by which three rounded shares may miss 100

_INTERPOLATED = "resident population interpolated"
_CHENGDU = "Jianyang added to Chengdu before its move in 2016"
_ZIYANG = "Jianyang added to Ziyang before its move in 2016, as the yearbook's figures include it"


@dataclass(frozen=True, slots=True)
class CityPanel:
    """The built panel with its record.

    Attributes
    ----------
    frame : DataFrame
        Indexed (unit, year); columns as in the codebook.
    adjustments : DataFrame
        Every figure that is not used as published.
    level_changes : DataFrame
        Long runs that the screen saw and kept.
    index : dict of CompositeIndex
        By panel column: index, weights and bounds of the digital indices.
    """

    frame: pd.DataFrame
    adjustments: pd.DataFrame
    level_changes: pd.DataFrame
    index: dict[str, CompositeIndex]


@dataclass(frozen=True, slots=True)
class _Residents:
    """Resident population in 10,000 persons, each (T, N), and the record of its changes."""

    published: pd.DataFrame
    used: pd.DataFrame
    yearbook: pd.DataFrame
    adjustments: pd.DataFrame


def build_city_panel() -> CityPanel:
    """Build the city panel from raw figures; the codebook describes its columns."""
    units = load_units("city")
    years = pd.RangeIndex(CITY_YEARS[0], CITY_YEARS[1] + 1, name="year")
    people = _residents(years)
    digital = digital_figures(people.yearbook)
    indices = _indices(digital)
    rd_true, rd_rows = _true_rd()
    sectors, sector_rows = _sectors()
    gdp = wide("gdp_revised", "gdp_revised")
    yearbook_gdp = boundary.yearbook_gdp(gdp)
    tables = {
        "gdp": gdp,
        **_growth_tables(people.used),
        **_people_tables(people),
        **_ratio_tables(yearbook_gdp, people.yearbook),
        **sectors,
        **{name: exposure(name, units.index, years) for name in SERVICE_CLASSES},
        **{name: composite.index.unstack("unit") for name, composite in indices.items()},
        **{name: digital.used[name] for name in FIVE},
        **{f"{name}_published": digital.published[name] for name in FIVE},
        "gdp_yearbook_area": yearbook_gdp,
        "urban_income": wide("income", "urban_income"),
        "night_lights": wide("night_lights", "ntl_viirslike_sum"),
        "built_up_km2": wide("city_yearbook", "builtup_area_districts"),
        "rd_true": rd_true,
    }
    frame = _stacked(tables, units.index, years)
    frame["pop_break"] = frame["pop_break"].astype(bool)
    frame.insert(0, "name", frame.index.get_level_values("unit").map(units["name"].to_dict()))
    frame.insert(
        1, "province", frame.index.get_level_values("unit").map(units["province"].to_dict())
    )
    rows = [
        people.adjustments,
        digital.adjustments,
        rd_rows,
        sector_rows,
        _gdp_rows(gdp, yearbook_gdp),
    ]
    raw = ("sci_exp", "fiscal_exp", "loans", "uni_students", "share2", "share3")
    rows += [flagged_rows("city_yearbook", variable) for variable in raw]
    adjustments = concat_rows([*rows, flagged_rows("income", "urban_income")])
    within = adjustments["year"].between(*CITY_YEARS)
    return CityPanel(
        frame, adjustments[within].reset_index(drop=True), digital.level_changes, indices
    )


def _growth_tables(residents: pd.DataFrame) -> dict[str, pd.DataFrame]:
    real = wide("gdp_revised", "gdp_real_2000p")
    gdp_pc = 1e4 * real / residents.reindex(real.index)
    ln_gdp_pc = gdp_pc.apply(np.log)
    lag = ln_gdp_pc.shift()
    return {
        "gdp_real": real,
        "gdp_pc": gdp_pc,
        "ln_gdp_pc": ln_gdp_pc,
        "ln_gdp_pc_lag": lag,
        "growth": 100.0 * (ln_gdp_pc - lag),
    }


def _people_tables(people: _Residents) -> dict[str, pd.DataFrame]:
    jump = people.used.apply(np.log).diff().abs() > _POP_JUMP
    jump.loc[_CENSUS] = True
    return {
        "pop": people.used,
        "pop_published": people.published,
        "pop_yearbook_area": people.yearbook,
        "pop_break": jump.astype(float),
    }


def _ratio_tables(gdp: pd.DataFrame, residents: pd.DataFrame) -> dict[str, pd.DataFrame]:
    def share(variable: str) -> pd.DataFrame:
        figures = wide("city_yearbook", variable)
        return 100.0 * figures / gdp.reindex(figures.index)

    students = wide("city_yearbook", "uni_students")
    return {
        "rd": share("sci_exp").loc[_SCIENCE_FROM:],
        "fiscal": share("fiscal_exp"),
        "loans_gdp": share("loans"),
        "students": students / residents.reindex(students.index),
    }


def _sectors() -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Shares of value added; where the three miss 100 the tertiary is what the others leave."""
    first, second, third = (wide("city_yearbook", f"share{i}") for i in (1, 2, 3))
    off = (first + second + third - 100.0).abs() > _SHARES_OFF
    used = third.mask(off, 100.0 - first - second)
    reason = "shares miss 100 (copies of two revisions); what the other two leave is used"
    return {"share2": second, "share3": used}, rows_where(off, "share3", third, used, reason)


def _residents(years: pd.RangeIndex) -> _Residents:
    published = wide("population", "pop_resident").reindex(years)
    interpolated = wide("population", "pop_resident_interp").reindex(years)
    used = boundary.residents(interpolated)
    yearbook = boundary.yearbook_residents(interpolated)
    gaps = published.isna() & interpolated.notna()
    moved = _cells_where_different(interpolated, used)
    rows = [
        rows_where(gaps & ~moved, "pop", published, used, _INTERPOLATED),
        rows_where(moved & ~gaps, "pop", published, used, _CHENGDU),
        rows_where(moved & gaps, "pop", published, used, f"{_INTERPOLATED}; {_CHENGDU}"),
        *_yearbook_rows(published, interpolated, yearbook),
    ]
    return _Residents(published, used, yearbook, concat_rows(rows))


def _yearbook_rows(
    published: pd.DataFrame, interpolated: pd.DataFrame, yearbook: pd.DataFrame
) -> list[pd.DataFrame]:
    gaps = published.isna() & interpolated.notna()
    moved = _cells_where_different(interpolated, yearbook)
    name = "pop_yearbook_area"
    return [
        rows_where(gaps & ~moved, name, published, yearbook, _INTERPOLATED),
        rows_where(moved & ~gaps, name, published, yearbook, _ZIYANG),
        rows_where(moved & gaps, name, published, yearbook, f"{_INTERPOLATED}; {_ZIYANG}"),
    ]


def _gdp_rows(gdp: pd.DataFrame, yearbook: pd.DataFrame) -> pd.DataFrame:
    moved = _cells_where_different(gdp, yearbook)
    return rows_where(moved, "gdp_yearbook_area", gdp, yearbook, _ZIYANG)


def _true_rd() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return R&D over GDP where real figures exist, without the one that is ten times too large."""
    published = wide("research_development", "rd_intensity")
    flags = wide_flags("research_development", "rd_intensity")
    tenfold = cells_with(flags, "suspect_x10")
    high = cells_with(flags, "suspect_high")
    used = published.mask(tenfold)
    rows = [
        rows_where(tenfold, "rd_true", published, used, "almost certainly ten times too large"),
        rows_where(high, "rd_true", published, used, "suspiciously high; kept"),
    ]
    return used, concat_rows(rows)


def _indices(digital: DigitalFigures) -> dict[str, CompositeIndex]:
    return {
        "digital": digital_index(digital.used, FIVE, FIVE_YEARS),
        "digital_four": digital_index(digital.used, FOUR, FOUR_YEARS),
        "digital_published": digital_index(digital.unscreened, FIVE, FIVE_YEARS),
        "digital_four_published": digital_index(digital.unscreened, FOUR, FOUR_YEARS),
    }


def _cells_where_different(left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
    return left.ne(right) & ~(left.isna() & right.isna())


def _stacked(
    tables: dict[str, pd.DataFrame], units: pd.Index, years: pd.RangeIndex
) -> pd.DataFrame:
    index = pd.MultiIndex.from_product([units, years], names=["unit", "year"])
    columns = {
        name: table.reindex(index=years, columns=units).to_numpy(float).T.ravel()
        for name, table in tables.items()
    }
    return pd.DataFrame(columns, index=index)
