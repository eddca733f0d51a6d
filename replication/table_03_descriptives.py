"""Table 3. Descriptive statistics by layer and role group, and validation of totals."""

from __future__ import annotations

from typing import Any

import pandas as pd

import ccec_econ as ce
from ccec_econ.typeset import Table, number
from exhibit import Exhibit, main

ORDER = ("core", "hollow", "secondary", "other")


def build(config: dict[str, Any]) -> Exhibit:
    """Describe both layers by role group and compare totals with the source studies."""
    chosen, years = config["variables"], tuple(config["sample"]["years"])
    county_years = tuple(config["sample"]["county"])
    roles = ce.circle.roles().sort_values(key=lambda role: role.map(ORDER.index))
    city = ce.data.load_panel("city", years)
    county = ce.data.load_panel("county", county_years)
    of_county = (
        ce.data.load_units("county")["city"]
        .map(roles)
        .sort_values(key=lambda role: role.map(ORDER.index))
    )
    checks = ce.data.validation_table()
    means = city.groupby(roles.reindex(city.index.get_level_values("unit")).to_numpy()).mean(
        numeric_only=True
    )
    groups = roles.to_dict(), of_county.to_dict()
    tables = {
        "": ce.report.describe(
            city,
            chosen["describe_city"],
            groups[0],
            title=f"Descriptive statistics, 16 units, {years[0]}–{years[1]}; means by role",
            names=config["labels"],
            notes=(members(roles), "Sector shares are as first published and break in 2018."),
        ),
        "county": ce.report.describe(
            county,
            chosen["describe_county"],
            groups[1],
            layer="county",
            title=f"Descriptive statistics, 156 counties, {county_years[0]}–{county_years[1]}; "
            "means by role of the city",
            notes=("N is smaller where county figures were not published or are doubted.",),
        ),
        "validation": validation(checks),
    }
    frames = {
        "": ce.report.statistics(city, chosen["describe_city"], groups[0]),
        "county": ce.report.statistics(
            county, chosen["describe_county"], groups[1], layer="county"
        ),
        "validation": checks,
    }
    verdicts = checks["verdict"].value_counts()
    return Exhibit(
        table=tables,
        data=frames,
        finding=(
            f"Of {len(checks)} claims of the source studies {verdicts.get('agrees', 0)} agree with "
            f"the data, {verdicts.get('definition differs', 0)} differ by definition, "
            f"{verdicts.get('differs', 0)} differ, and {verdicts.get('source slip', 0)} are slips "
            f"of the source. The digital index averages "
            f"{means.loc['core', 'digital']:.2f} in the cores and "
            f"{means.loc['hollow', 'digital']:.2f} in the hollow middle."
        ),
        numbers={
            "checks": len(checks),
            "verdicts": {str(name): int(count) for name, count in verdicts.items()},
            "mean": {
                role: {name: float(means.loc[role, name]) for name in chosen["describe_city"]}
                for role in ORDER
            },
        },
    )


def members(roles: pd.Series) -> str:
    """Name the units of each role."""
    names = ce.data.load_units()["name"]
    listed = [
        f"{role.capitalize()}: {', '.join(names[unit] for unit in roles.index[roles == role])}"
        for role in ORDER
    ]
    return "; ".join(listed) + "."


def validation(checks: pd.DataFrame) -> Table:
    """Set the claims of the source studies beside the same figure computed from the data."""
    rows = tuple(
        (
            str(row["statement"]),
            str(row["year"]),
            figure(row["claimed"], row["unit"]),
            figure(row["ours"], row["unit"]),
            str(row["unit"]),
            number(row["difference_pct"], 1),
            str(row["verdict"]),
        )
        for row in checks.to_dict("records")
    )
    remarks = (f"{row['statement']}: {row['remark']}." for row in checks.to_dict("records"))
    return Table(
        title="Validation against the source studies",
        columns=("Statement", "Year", "Claimed", "Data", "Unit", "Difference, %", "Verdict"),
        rows=rows,
        notes=(
            "A claim agrees if the data round to it or lie within 0.5 % (5 % where the study says "
            "about or close to).",
            *remarks,
        ),
        text_columns=frozenset({1, 4, 6}),
    )


def figure(value: float, unit: str) -> str:
    """Print a figure with the digits its unit carries."""
    return f"{value:.0f}" if unit in ("year", "units", "minutes") else number(value, 1)


if __name__ == "__main__":
    main(__file__, build)
