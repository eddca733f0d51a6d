"""Table 5, second part: convergence clubs of the log t test, and how sure they are."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pandas as pd

import ccec_econ as ce
from ccec_econ.convergence import ClubRule, Clubs, ClubStability, LogTRule, find_clubs
from ccec_econ.typeset import Table, number
from exhibit import Exhibit, main, rng

COLUMN = "gdp_pc"
SCALE = 1e6  # keeps logarithms of lights per square kilometre above zero
ROLES = {"core": "Core", "hollow": "Hollow", "secondary": "Secondary", "other": "Other"}


def build(config: dict[str, Any]) -> Exhibit:
    """Find clubs, resample their members, and find them again in other ways."""
    setting = config["clubs"]
    panel = ce.data.load_panel(years=tuple(setting["years"]))
    names = ce.data.load_units()["name"]
    sure = ce.convergence.club_stability(
        panel,
        COLUMN,
        smooth=setting["smooth"],
        rule=ClubRule(merge=setting["merge"]),
        draws=config["draws"]["bootstrap"],
        rng=rng(config, "table_05_clubs"),
    )
    others = variants(panel, setting)
    county = counties(setting)
    return Exhibit(
        table={
            "": sure.point.summary(
                title="Convergence clubs of real GDP per resident, log t test", names=names
            ),
            "members": members(sure, others, names),
            "variants": compared(others),
            "county": county_table(county, setting["years_lights"]),
        },
        data={
            "": sure.point.frame.reset_index(),
            "members": member_frame(sure, others, names),
            "variants": variant_frame(others),
            "county": by_role(county).reset_index(),
        },
        finding=finding(sure, others, names),
        numbers={
            "b": sure.point.overall.b,
            "t": sure.point.overall.tstat,
            "clubs": len(sure.point.clubs),
            "share": {str(names[unit]): float(value) for unit, value in sure.share.items()},
            "rejected_draws": sure.rejected,
            "rejected_variants": sum(not found.overall.converges for found in others.values()),
            "variants": len(others),
            "county_clubs": len(county.clubs),
            "county_t": county.overall.tstat,
        },
    )


def variants(panel: pd.DataFrame, setting: dict[str, Any]) -> dict[str, Clubs]:
    """Find clubs in logarithms and levels, by filter and variance, and at current prices."""
    base = ClubRule(merge=setting["merge"])
    current = panel.assign(**{COLUMN: 1e4 * panel["gdp"] / panel["pop"]})  # yuan
    kinds = [
        ("", panel, log, smooth, form)
        for log, smooth, form in product(
            (True, False), setting["smooth_all"], ("program", "andrews")
        )
    ] + [(", current prices", current, log, setting["smooth"], "program") for log in (True, False)]
    return {
        f"{'ln' if log else 'level'}{prices}, filter {smooth:g}, {form}": find_clubs(
            frame,
            COLUMN,
            log=log,
            smooth=smooth,
            rule=replace(base, log_t=LogTRule(variance=form)),
        )
        for prices, frame, log, smooth, form in kinds
    }


def counties(setting: dict[str, Any]) -> Clubs:
    """Find clubs of counties in night lights per square kilometre."""
    panel = ce.data.load_panel(layer="county", years=tuple(setting["years_lights"]))
    area = ce.data.load_units("county")["area_km2"].to_dict()
    km2 = panel.index.get_level_values("unit").map(area)
    lights = panel.assign(lights=SCALE * panel["night_lights"] / km2)
    return find_clubs(
        lights, "lights", smooth=setting["smooth"], rule=ClubRule(merge=setting["merge"])
    )


def by_role(found: Clubs) -> pd.DataFrame:
    """Count the counties of each club by role."""
    roles = ce.circle.roles("county")
    parts = {f"Club {i}": club.units for i, club in enumerate(found.clubs, start=1)}
    parts["Divergent"] = found.divergent
    counts = {name: roles.loc[list(units)].value_counts() for name, units in parts.items()}
    frame = pd.DataFrame(counts).T.reindex(columns=list(ROLES)).fillna(0).astype(int)
    tests = [club.test for club in found.clubs]
    frame.insert(0, "units", frame.sum(axis=1))
    frame["b"] = pd.Series([test.b for test in tests], index=frame.index[: len(tests)])
    frame["t"] = pd.Series([test.tstat for test in tests], index=frame.index[: len(tests)])
    return frame.rename_axis("club")


def county_table(found: Clubs, years: list[int]) -> Table:
    """Print the clubs of counties by role."""
    frame = by_role(found)
    return Table(
        title="Clubs of counties in night lights per km²",
        columns=("Club", "Counties", *ROLES.values(), "b", "t"),
        rows=tuple(
            (
                str(name),
                *(str(int(row[column])) for column in ("units", *ROLES)),
                number(float(row["b"])),
                number(float(row["t"]), 2),
            )
            for name, row in frame.iterrows()
        ),
        notes=(
            f"{years[0]}–{years[1]}. All counties: t = {number(found.overall.tstat, 1)}. Roles of "
            "counties as in the package. With so few years indicative only; paths of logarithms "
            "depend on the unit of measurement.",
        ),
    )


def compared(others: dict[str, Clubs]) -> Table:
    """One row per variant: the test of all units, clubs and their sizes."""
    rows = tuple(
        (
            name.replace("andrews", "Andrews"),
            number(found.overall.b),
            number(found.overall.tstat, 2),
            str(len(found.clubs)),
            " ".join(str(len(club.units)) for club in found.clubs),
            str(len(found.divergent)),
        )
        for name, found in others.items()
    )
    return Table(
        title="Clubs found in other ways",
        columns=("Variant", "b", "t", "Clubs", "Units in each", "Divergent"),
        rows=rows,
        notes=(
            "ln: paths of the logarithm, which depend on the unit of measurement (yuan); level: "
            "paths of the value, which do not. Program: long-run variance as in the program of "
            "Phillips and Sul; Andrews: by his formula.",
        ),
        text_columns=frozenset({4}),
    )


def variant_frame(others: dict[str, Clubs]) -> pd.DataFrame:
    """One row per variant and test."""
    return pd.concat(
        {name: found.frame for name, found in others.items()}, names=["variant"]
    ).reset_index()


def member_frame(sure: ClubStability, others: dict[str, Clubs], names: pd.Series) -> pd.DataFrame:
    """One row per unit: role, club, bootstrap share, club in each variant."""
    frame = pd.DataFrame(
        {
            "name": names,
            "role": ce.circle.roles(),
            "club": sure.point.membership,
            "share": sure.share,
        }
    )
    for name, found in others.items():
        frame[name] = found.membership
    return frame.rename_axis("unit").reset_index()


def members(sure: ClubStability, others: dict[str, Clubs], names: pd.Series) -> Table:
    """One row per unit, the highest first."""
    frame = member_frame(sure, others, names).set_index("unit")
    h = sure.point.paths.div(sure.point.paths.mean(axis="columns"), axis="index")
    kinds = [name for name in frame if name in others]
    rows = tuple(
        (
            str(row["name"]),
            str(row["role"]),
            number(h[unit].iloc[0]),
            number(h[unit].iloc[-1]),
            str(row["club"]),
            number(100 * row["share"], 0),
            " ".join(str(row[kind]) for kind in kinds),
        )
        for unit, row in ((unit, frame.loc[unit]) for unit in h.columns)
    )
    first, last = (int(year) for year in (h.index[0], h.index[-1]))
    return Table(
        title="Members of convergence clubs and how sure they are",
        columns=("Unit", "Role", f"h {first}", f"h {last}", "Club", "Share, %", "Variants"),
        rows=rows,
        notes=(
            f"h: relative transition path of ln GDP per resident. Share: draws in which the unit "
            f"lies in this club. {sure.note} Variants: club in each row of the table of variants, "
            "in its order; 0 is divergent. Club numbers differ in meaning between variants.",
        ),
        text_columns=frozenset({1, 6}),
    )


def finding(sure: ClubStability, others: dict[str, Clubs], names: pd.Series) -> str:
    """Say whether all converge, where cores and hollow middle lie, and how sure that is."""
    point, roles = sure.point, ce.circle.roles()
    rejected = sum(not found.overall.converges for found in others.values())
    top = [unit for unit in point.membership.index if point.membership[unit] == 1]
    hollow = [unit for unit in roles.index[roles == "hollow"] if unit in top]
    nominal = next(found for name, found in others.items() if "current" in name).membership
    stay = [names[unit] for unit in hollow if nominal[unit] == 1]
    cores = [unit for unit in roles.index[roles == "core"] if unit in top]
    unsure = [names[unit] for unit in sure.share.index if sure.share[unit] < 0.8]
    counts = sorted({len(found.clubs) for found in others.values()})
    span = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return (
        f"Convergence of all {point.overall.units} units to one path is "
        + ("not rejected" if point.overall.converges else "rejected")
        + f" (t = {point.overall.tstat:.1f}; rejected in {rejected} of {len(others)} variants), "
        "although the spread of incomes has fallen (Figure 4): the test asks for a faster fall. "
        f"{len(point.clubs)} clubs remain ({span} over the variants); the highest holds "
        f"{len(top)} units, among them {len(cores)} of the {count(roles, 'core')} cores and "
        f"{len(hollow)} of the {count(roles, 'hollow')} cities of the hollow middle; at current "
        f"prices, of the latter, {ce.report.listed(stay)}. "
        f"{len(unsure)} memberships hold in fewer than 80 % of draws"
        + (f" ({', '.join(unsure)})" if unsure else "")
        + f". With {point.overall.points} years in the regression this is indicative."
    )


def count(roles: pd.Series, role: str) -> int:
    """Count the units of a role."""
    return int((roles == role).sum())


if __name__ == "__main__":
    main(__file__, build)
