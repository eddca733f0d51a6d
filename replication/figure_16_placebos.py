"""Figure 16: estimates among placebos in time, in space and among circles, and power."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import combinations
from typing import Any, Literal

import numpy as np
import pandas as pd

import ccec_econ as ce
from ccec_econ.causal import Design, Placebos, Power, PseudoOpenings
from ccec_econ.typeset import p_equal
from exhibit import Exhibit, main, rng

LIGHTS = "ln_lights"
OUTCOMES = {"county": "night lights", "city_long": "GDP", "city": "GDP per resident"}
SAID = {"county": "lights", "city_long": "GDP", "city": "per head"}
SHORT = {"yrd": "Yangtze", "bth": "Beijing", "gba": "Bay Area"}
HOLLOW = "hollow"


def build(config: dict[str, Any]) -> Exhibit:
    """Run the placebos and the simulations of power, and draw them."""
    setting, draws = config["placebos"], config["draws"]["permutations"]
    statistic = setting["statistic"]
    run: dict[str, Any] = {"draws": draws, "rng": rng(config, "figure_16")}
    samples = {"county": counties(setting), **cities(setting)}
    county, orders = samples["county"], redrawn(setting, run["rng"])
    tests = {
        **timing(county, statistic, run),
        "lines": ce.causal.fake_openings(
            outside_cores(setting), LIGHTS, adoption("county", setting), orders, statistic=statistic
        ),
        "fake_lines": fake_lines(county, setting),
        **timing_of_cities(samples, statistic, run),
        **weights(config, run),
        **policy(setting, run),
        **circles(setting, run),
    }
    early = ce.causal.pseudo_openings(county, early=setting["early"], statistic=statistic, **run)
    powers = {
        (name, kind): ce.causal.power(
            design, [0.0], statistic=kind, draws=config["draws"]["power"], rng=run["rng"]
        )
        for name, design in samples.items()
        for kind in (statistic, "twfe_t")
    }
    powers["county_lines", statistic] = ce.causal.power(
        county, [0.0], statistic=statistic, openings=orders
    )
    shown = panels(tests, setting)
    leading = {name: powers[name, statistic] for name in ("county", "city_long", "city")}
    return Exhibit(
        figure=ce.report.placebo_figure(
            list(shown.values()), labelled(leading), note=note(setting, county, run["draws"])
        ),
        data={
            "": stacked(tests, "test"),
            "early": early.frame.reset_index(),
            "power": stacked(
                {f"{name} {kind}": one for (name, kind), one in powers.items()}, "sample"
            ),
        },
        finding=finding(tests, leading),
        numbers=numbers(tests, early, powers, setting, draws),
    )


def counties(setting: dict[str, Any]) -> Design:
    """Night lights of counties outside the urban cores, with the first year of service."""
    return ce.causal.staggered_design(
        outside_cores(setting), LIGHTS, adoption("county", setting), already="leave_out"
    )


def outside_cores(setting: dict[str, Any]) -> pd.DataFrame:
    """Panel of counties outside the urban cores with the logarithm of lights."""
    panel = ce.data.load_panel(layer="county", years=tuple(setting["years_lights"]))
    core = ce.rail.urban_core()
    outside = panel.index.get_level_values("unit").isin(core.index[core.isna()])
    return panel[outside].assign(**{LIGHTS: np.log(panel["night_lights"])})


def cities(setting: dict[str, Any]) -> dict[str, Design]:
    """GDP per resident of cities, and their GDP alone over more years."""
    panel = ce.data.load_panel(years=tuple(setting["years_city"]))
    long = ce.data.load_panel(years=tuple(setting["years_city_long"]))
    long = long.assign(ln_gdp=np.log(long["gdp_real"]))
    first = adoption("city", setting)
    make = partial(ce.causal.staggered_design, adoption=first, already="leave_out")
    return {"city": make(panel, "ln_gdp_pc"), "city_long": make(long, "ln_gdp")}


def adoption(
    layer: Literal["city", "county"], setting: dict[str, Any], openings: pd.Series | None = None
) -> pd.Series:
    """First year of service by unit, really or with other openings of the lines."""
    return ce.rail.adoption(
        layer, service=setting["service"], rule=setting["rule"], openings=openings
    )


def timing(county: Design, statistic: str, options: dict[str, Any]) -> dict[str, Placebos]:
    """Permute the openings of counties, over all, within provinces and within cities."""
    units = ce.data.load_units("county")
    permute = partial(ce.causal.permute, county, **options)
    return {
        "timing": permute(statistic=statistic),
        "timing_province": permute(statistic=statistic, within=units["province"]),
        "timing_city": permute(statistic=statistic, within=units["city"]),
        "timing_twfe": permute(statistic="twfe_t"),
        "units": ce.causal.fake_units(county, statistic=statistic, **options),
    }


def redrawn(setting: dict[str, Any], chance: np.random.Generator) -> pd.DataFrame:
    """First years of service of counties where lines of like speed exchange their openings."""
    orders = ce.rail.counterfactual_openings(setting["redrawn"], chance)
    return pd.DataFrame([adoption("county", setting, row) for _, row in orders.iterrows()])


def fake_lines(county: Design, setting: dict[str, Any]) -> Placebos:
    """Compare the real openings with lines between cities that were never built."""
    untreated = county.panel.units[~county.ever]
    data = county.panel.frame.swaplevel().loc[untreated]
    drawn = []
    for first, second in combinations(ce.rail.seat_counties().values(), 2):
        try:
            line = ce.rail.fake_line(first, second, "county", speed=setting["fake_speed"])
        except ce.errors.DataError:
            continue  # a line of the table joins them
        served = untreated.isin([stop.name for stop in line.stops])
        if served.sum() < setting["fake_least"]:
            continue
        opened = pd.Series(np.where(served, float(setting["fake_year"]), np.nan), untreated)
        design = ce.causal.staggered_design(data, LIGHTS, opened)
        drawn.append(ce.causal.permute(design, statistic=setting["statistic"], draws=1).realised)
    real = ce.causal.permute(county, statistic=setting["statistic"], draws=1)
    return replace(real, title="lines that were never built", drawn=np.array(drawn), notes=())


def timing_of_cities(
    samples: dict[str, Design], statistic: str, options: dict[str, Any]
) -> dict[str, Placebos]:
    """Permute the openings of cities."""
    return {
        f"{name}_{kind}": ce.causal.permute(samples[name], statistic=kind, **options)
        for name in ("city", "city_long")
        for kind in (statistic, "twfe_t")
    }


def weights(config: dict[str, Any], options: dict[str, Any]) -> dict[str, Placebos]:
    """Relabel the weights of the baseline SDM; compare coefficients and clustered t-statistics."""
    panel = ce.data.load_panel(years=tuple(config["sample"]["years"]))
    fit = ce.sdm(config["baseline"]["formula"], panel, ce.weights.contiguity())
    relabel = partial(ce.causal.placebo_weights, fit.with_cov(ce.Cluster()), ["W(hsr)", "rho"])
    plain, t = relabel(**options), relabel(cov=ce.Cluster(), **options)
    return {
        "weights_hsr": plain["W(hsr)"],
        "weights_rho": plain["rho"],
        "weights_hsr_t": t["W(hsr)"],
    }


def policy(setting: dict[str, Any], options: dict[str, Any]) -> dict[str, Placebos]:
    """Interact the years of the policy with the circle, other circles and the hollow middle."""
    start, years = setting["policy"], setting["years_policy"]
    frame = of_circles((years[0] - 1, years[1]))
    growth = 100.0 * np.log(frame["gdp_real"]).groupby("unit").diff()
    frame = frame.assign(growth=growth).dropna(subset="growth")
    window = partial(ce.causal.policy_window, start=start, statistic="twfe_t")
    own = window(frame, "growth", members(frame, "ccec"), **options)
    others = [window(frame, "growth", members(frame, name), draws=1).realised for name in SHORT]
    cities = ce.data.load_panel(years=tuple(years))
    roles = ce.circle.roles()
    hollow = roles.index[roles == HOLLOW]
    among = replace(own, title="growth: the circle among four", drawn=np.array(others), notes=())
    return {
        "policy": own,
        "policy_circles": among,
        "policy_hollow": window(
            cities, "growth", hollow, draws=setting["enumerate"], rng=options["rng"]
        ),
    }


def circles(setting: dict[str, Any], options: dict[str, Any]) -> dict[str, Placebos]:
    """Set the circle beside three others, and beside sets of cities drawn from these."""
    first, last = setting["years_circles"]
    frame = of_circles((first, last))
    frame = frame.drop(jumping(frame), level="unit")
    ends = frame[frame.index.get_level_values("year").isin([first, last])]
    own = members(frame, "ccec")
    real = [members(frame, name) for name in SHORT]
    drawn = ce.causal.drawn_sets([unit for one in real for unit in one], len(own), **options)
    place = partial(ce.causal.placebo_sets, ends, own)
    return {
        "sigma": place(drawn, sigma_change),
        "sigma_circles": place(real, sigma_change),
        "gap_circles": place(real, gap_change),
        "beta_circles": ce.causal.placebo_sets(frame, own, real, slope_on_level),
    }


def of_circles(years: tuple[int, int]) -> pd.DataFrame:
    """Output and residents of the cities of four circles."""
    columns = ["circle", "gdp", "gdp_real", "pop", "gdp_pc", "area_break"]
    own = ce.data.load_panel(years=years).assign(circle="ccec", area_break=False)
    return pd.concat([own[columns], ce.data.load_comparison(years)[columns]])


def jumping(frame: pd.DataFrame) -> list[str]:
    """Cities whose residents are counted on another area than in the first year."""
    later = frame.index.get_level_values("year") > frame.index.get_level_values("year").min()
    return sorted(frame.index[later & frame["area_break"]].get_level_values("unit").unique())


def members(frame: pd.DataFrame, name: str) -> list[str]:
    """Cities of a circle."""
    return frame.index[frame["circle"] == name].get_level_values("unit").unique().tolist()


def sigma_change(rows: pd.DataFrame) -> float:
    """Change, first to last year, of the standard deviation of ln GDP per resident."""
    spread = ce.convergence.sigma(rows, "gdp_pc")
    return float(spread.iloc[-1] - spread.iloc[0])


def gap_change(rows: pd.DataFrame) -> float:
    """Change of the log gap per resident between the two largest cities and the others."""
    years = rows.index.get_level_values("year")
    largest = rows.loc[years == years.min(), "gdp"].droplevel("year").nlargest(2).index
    units = rows.index.get_level_values("unit").unique()
    roles = {unit: "core" if unit in largest else HOLLOW for unit in units}
    ends = (int(years.min()), int(years.max()))
    return float(ce.convergence.gap_change(rows, "gdp_real", "pop", roles, years=ends)["change"])


def slope_on_level(rows: pd.DataFrame) -> float:
    """Slope of yearly growth of GDP per resident, first to last year, on its starting level."""
    years = rows.index.get_level_values("year")
    ends = (int(years.min()), int(years.max()))
    return float(ce.convergence.cross_section(rows, "gdp_pc", years=ends).slope)


def panels(
    tests: dict[str, Placebos], setting: dict[str, Any]
) -> dict[str, ce.report.PlaceboPanel]:
    """Titles, axes and marks of the panels."""
    first, last = setting["years_circles"]
    panel = ce.report.PlaceboPanel
    policy, among = tests["policy"], tests["policy_circles"]
    by = {"policy": among.drawn, "sigma": tests["sigma_circles"].drawn}
    marks = {
        name: dict(zip(SHORT.values(), values.tolist(), strict=True)) for name, values in by.items()
    }
    return {
        "timing": panel("Openings permuted", tests["timing"], "t, counties"),
        "lines": panel("Lines exchange openings", tests["lines"], "t, counties"),
        "weights_hsr": panel(
            "Neighbours relabelled", tests["weights_hsr"], "coefficient of W(service)"
        ),
        "policy": panel(
            f"Circle from {setting['policy']} on",
            policy,
            "t, membership permuted",
            marks["policy"],
            f"{p_equal(policy.pvalue)}; among\ncircles {among.pvalue:.2f}",
        ),
        "sigma": panel(
            "Sets of 16 cities",
            tests["sigma"],
            f"change of σ, {first} to {last}",
            marks["sigma"],
            f"{100 * tests['sigma'].below:.1f} % fell\nas much or more",
        ),
    }


def labelled(powers: dict[str, Power]) -> dict[str, Power]:
    """Name the curves of power."""
    return {
        f"{one.units} {'counties' if name == 'county' else 'cities'}, {SAID[name]}": one
        for name, one in powers.items()
    }


def stacked(found: dict[str, Placebos] | dict[str, Power], level: str) -> pd.DataFrame:
    """One row per test or simulation."""
    rows = {name: one.frame.reset_index() for name, one in found.items()}
    return pd.concat(rows, names=[level]).droplevel(1).reset_index()


def note(setting: dict[str, Any], county: Design, draws: int) -> str:
    """Say what the panels show."""
    first, last = setting["years_lights"]
    start, end = setting["years_policy"]
    return (
        "Red: as realised; dotted: middle 95 % of placebos. (a), (b) t of the imputation "
        f"estimator, ln night lights {first} to {last}, {county.y.shape[1]} counties outside the "
        f"urban cores that had no service in {first}: openings permuted over counties ({draws}), "
        f"or over lines of like speed ({setting['redrawn']}). (c) Baseline SDM, units of the "
        f"weights relabelled ({draws}). (d) t of the circle from {setting['policy']} on, growth of "
        f"cities' GDP {start} to {end}, four circles; triangles: another circle in its place. (e) "
        "Standard deviation of ln GDP per resident in sets drawn from the three other circles "
        f"({draws}); triangles: those circles. (f) Constant effects added to residual paths, tests "
        "of exact size 5 %; dotted: 5 and 80 %."
    )


def finding(tests: dict[str, Placebos], powers: dict[str, Power]) -> str:
    """Say where the realised estimates lie among placebos and what can be detected."""
    p = {name: p_equal(one.pvalue) for name, one in tests.items()}
    shown = [
        f"{100 * one.detectable:.1f} log points of {OUTCOMES[name]} for {one.units} "
        f"{'counties' if name == 'county' else 'cities'} "
        f"({one.detectable / one.within_sd:.1f} within standard deviations)"
        for name, one in powers.items()
    ]
    return (
        f"For lights of counties the t of rail, {tests['timing'].realised:.2f}, has "
        f"{p['timing']} among permuted openings and {p['lines']} where lines of like speed "
        f"exchange openings. Neighbours' service in the baseline SDM has {p['weights_hsr']} among "
        "relabelled maps. Growth in the circle from the policy on differs by "
        f"{tests['policy'].estimate:.2f} points a year from that of three other circles, with "
        f"{p['policy']} if membership is permuted over cities but {p['policy_circles']} among the "
        f"four circles. Power of 80 % begins at {ce.report.listed(shown)}."
    )


def numbers(
    tests: dict[str, Placebos],
    early: PseudoOpenings,
    powers: dict[tuple[str, str], Power],
    setting: dict[str, Any],
    draws: int,
) -> dict[str, Any]:
    """Numbers that the text cites."""
    return {
        "draws": draws,
        "redrawn": setting["redrawn"],
        "policy_year": setting["policy"],
        "tests": {
            name: {
                "statistic": one.realised,
                "p": one.pvalue,
                "above": one.above,
                "below": one.below,
                "low": one.band()[0],
                "high": one.band()[1],
                **({} if np.isnan(one.estimate) else {"estimate": one.estimate}),
            }
            for name, one in tests.items()
        },
        "others": {
            name: {"low": float(one.drawn.min()), "high": float(one.drawn.max())}
            for name, one in tests.items()
            if name.endswith("_circles")
        },
        "jumped": len(jumping(of_circles(tuple(setting["years_circles"])))),
        "circle_years": dict(zip(("first", "last"), setting["years_circles"], strict=True)),
        "circles": 1 + tests["policy_circles"].draws,
        "size": 100.0 * powers["county", "twfe_t"].level,
        "target": 100.0 * powers["county", "twfe_t"].target,
        "rule": powers["county", "twfe_t"].rule_of_thumb / powers["county", "twfe_t"].std_error,
        "fell": 100.0 * tests["sigma"].below,
        "smallest_circles": 1.0 / (1 + tests["policy_circles"].draws),
        "early": {
            "years": int(early.frame.index.max()),
            "low": float(early.frame["p_randomised"].min()),
            "high": float(early.frame["p_randomised"].max()),
        },
        "power": {
            f"{name}_{kind}": {
                "units": one.units,
                "treated": one.treated,
                "periods": one.periods,
                "detectable": 100.0 * one.detectable,
                "in_sd": one.detectable / one.within_sd,
                "rule": 100.0 * one.rule_of_thumb,
                "short": 100.0 * (1.0 - one.rule_of_thumb / one.detectable),
                "size_t": 100.0 * one.size_t,
            }
            for (name, kind), one in powers.items()
        },
    }


if __name__ == "__main__":
    main(__file__, build)
