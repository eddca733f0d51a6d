"""Figure 16: estimates among placebos in time, in space and among circles, and power."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
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
    county = samples["county"]
    tests = {
        **timing(county, statistic, run),
        "lines": lines(setting, run["rng"]),
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
    shown = panels(tests, setting)
    leading = {name: powers[name, statistic] for name in ("county", "city_long", "city")}
    return Exhibit(
        figure=ce.report.placebo_figure(
            list(shown.values()), labelled(leading), note=note(setting, county, run["draws"])
        ),
        data={
            "": stacked(tests, "test"),
            "draws": pd.concat(
                [panel.placebos.draws_frame(name) for name, panel in shown.items()],
                ignore_index=True,
            ),
            "early": early.frame.reset_index(),
            "power": stacked(
                {f"{name} {kind}": one for (name, kind), one in powers.items()}, "sample"
            ),
        },
        finding=finding(tests, early, leading),
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


def lines(setting: dict[str, Any], chance: np.random.Generator) -> Placebos:
    """Let lines of like speed exchange their openings, and serve the counties that they serve."""
    redrawn = ce.rail.counterfactual_openings(setting["redrawn"], chance)
    return ce.causal.fake_openings(
        outside_cores(setting),
        LIGHTS,
        adoption("county", setting),
        pd.DataFrame([adoption("county", setting, row) for _, row in redrawn.iterrows()]),
        statistic=setting["statistic"],
    )


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
    frame = frame[frame.index.get_level_values("year").isin([first, last])]
    own = members(frame, "ccec")
    real = [members(frame, name) for name in SHORT]
    drawn = ce.causal.drawn_sets([unit for one in real for unit in one], len(own), **options)
    place = partial(ce.causal.placebo_sets, frame, own)
    return {
        "sigma": place(drawn, sigma_change),
        "sigma_circles": place(real, sigma_change),
        "gap_circles": place(real, gap_change),
    }


def of_circles(years: tuple[int, int]) -> pd.DataFrame:
    """Output and residents of the cities of four circles."""
    columns = ["circle", "gdp", "gdp_real", "pop", "gdp_pc"]
    own = ce.data.load_panel(years=years).assign(circle="ccec")
    return pd.concat([own[columns], ce.data.load_comparison(years)[columns]])


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
            f"{100 * tests['sigma'].below:.0f} % fell\nas much or more",
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
    rows = {name: one.to_frame().reset_index() for name, one in found.items()}
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


def finding(tests: dict[str, Placebos], early: PseudoOpenings, powers: dict[str, Power]) -> str:
    """Say where the realised estimates lie among placebos and what can be detected."""
    p = {name: p_equal(one.pvalue) for name, one in tests.items()}
    shifts = early.frame["p_randomised"]
    detectable = [
        f"{one.units} {'counties' if name == 'county' else 'cities'} show effects on "
        f"{OUTCOMES[name]} from {one.detectable:.3f} ({one.detectable / one.within_sd:.1f})"
        for name, one in powers.items()
    ]
    return (
        "High-speed rail and night lights of counties: the t of the imputation estimator, "
        f"{tests['timing'].realised:.2f}, has {p['timing']} among permuted openings "
        f"({p['timing_city']} within cities; t of the two-way regression {p['timing_twfe']}) and "
        f"{p['lines']} where lines of like speed exchange openings; openings moved "
        f"{shifts.index[0]} to {shifts.index[-1]} years early have p from {shifts.min():.2f} to "
        f"{shifts.max():.2f}. Neighbours' service in the baseline SDM has {p['weights_hsr']} among "
        f"relabelled maps as a coefficient, {p['weights_hsr_t']} as a clustered t. Growth of the "
        f"circle's cities from the policy on differs by "
        f"{tests['policy'].estimate:.2f} points a year from that of three other circles: "
        f"{p['policy']} with membership permuted over cities, {p['policy_circles']} among the four "
        f"circles; the hollow middle's own difference has {p['policy_hollow']}. σ falls as much or "
        f"more in {100 * tests['sigma'].below:.0f} % of sets of cities drawn from the other "
        "circles. With 80 % power, in logs and, in brackets, within standard deviations: "
        f"{'; '.join(detectable)}."
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
        "early_p": float(early.frame["p_randomised"].min()),
        "power": {
            f"{name}_{kind}": {
                "units": one.units,
                "treated": one.treated,
                "periods": one.periods,
                "detectable": one.detectable,
                "in_sd": one.detectable / one.within_sd,
                "rule": one.rule_of_thumb,
                "excess": 100.0 * (one.detectable / one.rule_of_thumb - 1.0),
                "size_t": 100.0 * one.size_t,
            }
            for (name, kind), one in powers.items()
        },
    }


if __name__ == "__main__":
    main(__file__, build)
