"""Figure 4: spread of GDP per resident and its parts, share of the cores, gap of the middle."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ccec_econ import circle
from ccec_econ.convergence import (
    Trend,
    complete_years,
    core_share,
    hollow_gap,
    sigma,
    theil_nested,
    trend,
)
from ccec_econ.data import load_panel
from ccec_econ.report.figure import Line, TimePanel, time_panels
from ccec_econ.report.style import INK, PALETTE, ROLE_COLOURS, PaperFigure
from ccec_econ.typeset import p_equal
from exhibit import Exhibit, main

# The policy's dates; a year's value stands at the middle of the year.
MARKS = {"Jan 2020": 2019.5, "Oct 2021": 2021.3}
# Title, factor, colour, and lines: column, label, and where the label stands (year, points).
PANELS = (
    (
        "(a) σ of ln GDP per resident",
        1.0,
        INK,
        (
            ("sigma_real", "2000 prices", (2011, -22.0)),
            ("sigma_current", "current prices", (2014, 17.0)),
        ),
    ),
    (
        "(b) Share of the two cores, %",
        100.0,
        ROLE_COLOURS["core"],
        (
            ("core_share_gdp", "GDP", (2008, 6.0)),
            ("core_share_residents", "residents", (2016, -12.0)),
        ),
    ),
    (
        "(c) Gap of hollow middle, %",
        100.0,
        ROLE_COLOURS["hollow"],
        (
            ("hollow_gap_real", "2000 prices", (2011, -22.0)),
            ("hollow_gap_current", "current prices", (2014, 6.0)),
        ),
    ),
)
PARTS = (
    ("theil_total", "total", INK, "solid", (2014, 8.0)),
    ("theil_units", "within wings", PALETTE[0], "solid", (2006, 7.0)),
    ("theil_axis", "between wings", PALETTE[1], "dashed", (2005, -8.0)),
    ("theil_province", "between provinces", PALETTE[3], "solid", (2005, 5.0)),
)
PRICES = (
    "each city's own deflator, in {year} from {low:.2f} ({low_city}) to {high:.2f} ({high_city}) "
    "times that of 2000"
)
NOTE = (
    "A year's value stands at its middle. Dotted: the decision of January 2020 and the outline of "
    "October 2021. Light, before {basis}: residents not yet on the basis of the census of {basis}; "
    "interpolated for up to {most} cities in {first}–{last}. Gap: 1 minus the hollow middle's GDP "
    "per resident over the cores'. Theil index: every resident counts the same; wings: axis, "
    "north, south, rest. 2000 prices: {prices}. The year {dropped} lacks the revised GDP of "
    "{lacking}. Sources: data/raw/gdp_revised, data/raw/population."
)


def build(config: dict[str, Any]) -> Exhibit:
    """Compute the series, their trends since the census, and draw them."""
    panel = load_panel()
    data = compute(panel)
    basis = census_year(panel)
    prices = deflators(panel, int(data.index[-1]))
    trends = {name: trend(data.loc[basis:, name]) for name in data if name != "interpolated"}
    return Exhibit(
        figure=draw(data, basis, note(panel, data, basis, PRICES.format(**prices))),
        data=data.reset_index(),
        finding=finding(data, trends, PRICES.format(**prices)),
        numbers={"basis": basis, "deflator": prices}
        | {name: numbers(fit) for name, fit in trends.items()},
    )


def compute(panel: pd.DataFrame) -> pd.DataFrame:
    """Compute each measure in the years in which all cities have revised GDP."""
    years = complete_years(panel, ["gdp", "gdp_real", "pop"])
    used = panel[panel.index.get_level_values("year").isin(years)]
    used = used.assign(gdp_pc_current=1e4 * used["gdp"] / used["pop"])  # yuan
    roles = circle.roles()
    levels = {name: circle.partition(name) for name in ("province", "axis")}
    theil = theil_nested(used, "gdp_pc", "pop", levels).add_prefix("theil_")
    measures = {
        "sigma_real": sigma(used, "gdp_pc"),
        "sigma_current": sigma(used, "gdp_pc_current"),
        "core_share_gdp": core_share(used, "gdp", roles),
        "core_share_residents": core_share(used, "pop", roles),
        "hollow_gap_real": hollow_gap(used, "gdp_real", "pop", roles),
        "hollow_gap_current": hollow_gap(used, "gdp", "pop", roles),
        "interpolated": used["pop_published"].isna().groupby("year").sum(),
    }
    return pd.DataFrame(measures).join(theil)


def census_year(panel: pd.DataFrame) -> int:
    """Return the last year in which the residents of every city change their basis."""
    changed = panel["pop_break"].groupby("year").all()
    return int(changed.index[changed].max())


def deflators(panel: pd.DataFrame, year: int) -> dict[str, Any]:
    """Return the smallest and the largest deflator of a year (2000 = 1) and their cities."""
    rows = panel.xs(year, level="year").set_index("name")
    ratio = rows["gdp"] / rows["gdp_real"]
    return {
        "year": year,
        "low": float(ratio.min()),
        "low_city": ratio.idxmin(),
        "high": float(ratio.max()),
        "high_city": ratio.idxmax(),
    }


def draw(data: pd.DataFrame, basis: int, text: str) -> PaperFigure:
    """Draw the four panels; the cores' share of GDP does not rest on residents."""
    panels = []
    for title, scale, colour, lines in PANELS:
        drawn = [
            Line(
                label=label,
                values=scale * data[name],
                colour=colour,
                stroke=stroke,
                basis_from=None if name == "core_share_gdp" else basis,
                label_at=place,
            )
            for (name, label, place), stroke in zip(lines, ("solid", "dashed"), strict=True)
        ]
        panels.append(TimePanel(title, tuple(drawn)))
    parts = tuple(
        Line(label, data[name], colour, stroke, basis, place)
        for name, label, colour, stroke, place in PARTS
    )
    panels.append(TimePanel("(d) Theil index of GDP per resident, 2000 prices", parts))
    return time_panels(panels, marks=MARKS, columns=2, note=text)


def note(panel: pd.DataFrame, data: pd.DataFrame, basis: int, prices: str) -> str:
    """Say where residents are weak and which year is left out."""
    filled = data.index[data["interpolated"] > 0]
    dropped = int(data.index.max()) + 1
    year = panel.xs(dropped, level="year")
    return NOTE.format(
        basis=basis,
        most=data["interpolated"].max(),
        first=filled.min(),
        last=filled.max(),
        dropped=dropped,
        lacking=", ".join(year["name"][year["gdp"].isna()]),
        prices=prices,
    )


def finding(data: pd.DataFrame, trends: dict[str, Trend], prices: str) -> str:
    """Say how each measure moved since the census, and how sure its slope is."""
    real = trends["sigma_real"]
    said = {name: moved(fit, percent="sigma" not in name) for name, fit in trends.items()}
    return (
        f"Between {real.first} and {real.last} the standard deviation of ln GDP per resident at "
        f"2000 prices {said['sigma_real']} and the gap of the hollow middle "
        f"{said['hollow_gap_real']}; at current prices the first {said['sigma_current']} and the "
        f"second {said['hollow_gap_current']}. Prices of 2000 rest on "
        f"{prices}. The share of the two cores in GDP "
        f"{said['core_share_gdp']}, that in residents {said['core_share_residents']}. "
        + parts_said(data, real)
    )


def parts_said(data: pd.DataFrame, real: Trend) -> str:
    """Say how much of Theil's index lies where, in the first and the last year."""
    shares = {
        name: [100.0 * float(data.loc[y, name] / data.loc[y, "theil_total"]) for y in ends]
        for ends in [(real.first, real.last)]
        for name in ("theil_units", "theil_axis", "theil_province")
    }
    units, wings, provinces = ("{:.0f} to {:.0f} %".format(*both) for both in shares.values())
    return (
        f"Of the Theil index the part between cities of a wing goes from {units}, between wings of "
        f"a province from {wings}, between the two provinces from {provinces}."
    )


def moved(fit: Trend, *, percent: bool = False) -> str:
    """Describe one trend: direction, first and last value, slope and p-value."""
    unit, scale, digits = (" %", 100.0, 1) if percent else ("", 1.0, 3)
    verb = "fell" if fit.end < fit.start else "rose"
    return (
        f"{verb} from {scale * fit.start:.{digits}f} to {scale * fit.end:.{digits}f}{unit} "
        f"(slope {scale * fit.slope:.{digits + 1}f} a year, {p_equal(fit.pvalue)})"
    )


def numbers(fit: Trend) -> dict[str, float]:
    """Return what the text cites of a trend."""
    return {
        "first": fit.first,
        "last": fit.last,
        "start": fit.start,
        "end": fit.end,
        "slope": fit.slope,
        "std_error": fit.std_error,
        "pvalue": fit.pvalue,
        "lags": fit.lags,
    }


if __name__ == "__main__":
    main(__file__, build)
