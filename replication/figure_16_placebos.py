"""Figure 16: estimates among placebos in time, in space and among circles, and power."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

import ccec_econ as ce
from ccec_econ.causal import Design, Placebos, Power, PseudoOpenings
from ccec_econ.typeset import p_equal
from exhibit import Exhibit, main, rng

CIRCLES = {"ccec": "Chengdu-Chongqing", **ce.data.COMPARISON_CIRCLES}
SHORT = {"yrd": "Yangtze", "bth": "Beijing", "gba": "Bay Area"}
HOLLOW = "hollow"


def build(config: dict[str, Any]) -> Exhibit:
    """Run the placebos and the simulations of power, and draw them."""
    setting, draws = config["placebos"], config["draws"]["permutations"]
    chance = rng(config, "figure_16")
    run = partial(dict, draws=draws, rng=chance)
    county, city, long = designs(setting)
    statistic = setting["statistic"]
    tests = {
        **timing(county, statistic, run()),
        **timing_of_cities(city, long, statistic, run()),
        **weights(config, run()),
        **policy(setting, run()),
        **circles(setting, run()),
    }
    early = ce.causal.pseudo_openings(county, early=setting["early"], statistic=statistic, **run())
    powers = {
        (name, kind): ce.causal.power(
            design, [], statistic=kind, draws=config["draws"]["power"], rng=chance
        )
        for name, design in (("county", county), ("city", city), ("city_long", long))
        for kind in (statistic, "twfe_t")
    }
    found = {name: tests[name] for name in ("timing", "units", "weights_hsr", "policy", "sigma")}
    return Exhibit(
        figure=ce.report.placebo_figure(
            panels(found, tests, setting),
            labelled(powers, statistic),
            note=note(setting, county, city, long, draws),
        ),
        data={
            "": frame_of(tests),
            "draws": pd.concat(
                {name: pd.Series(one.drawn) for name, one in found.items()}, axis=1
            ),
            "early": early.frame.reset_index(),
            "power": frame_of_power(powers),
        },
        finding=finding(tests, early, powers, statistic),
        numbers=numbers(tests, early, powers, setting, draws),
    )


def designs(setting: dict[str, Any]) -> tuple[Design, Design, Design]:
    """Counties in night lights; cities in GDP per resident; cities over more years, in GDP."""
    choice = {"service": setting["service"], "rule": setting["rule"]}
    county = ce.data.load_panel(layer="county", years=tuple(setting["years_lights"]))
    core = ce.rail.urban_core()
    outside = county.index.get_level_values("unit").isin(core.index[core.isna()])
    lights = county[outside].assign(ln_lights=lambda frame: np.log(frame["night_lights"]))
    city = ce.data.load_panel(years=tuple(setting["years_city"]))
    long = ce.data.load_panel(years=tuple(setting["years_city_long"]))
    long = long.assign(ln_gdp=np.log(long["gdp_real"]))
    adoption = {layer: ce.rail.adoption(layer, **choice) for layer in ("county", "city")}
    make = partial(ce.causal.staggered_design, already="leave_out")
    return (
        make(lights, "ln_lights", adoption["county"]),
        make(city, "ln_gdp_pc", adoption["city"]),
        make(long, "ln_gdp", adoption["city"]),
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


def timing_of_cities(
    city: Design, long: Design, statistic: str, options: dict[str, Any]
) -> dict[str, Placebos]:
    """Permute the openings of cities."""
    return {
        f"{name}_{kind.removesuffix('_t')}": ce.causal.permute(design, statistic=kind, **options)
        for name, design in (("city", city), ("city_long", long))
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
    each = {
        name: window(frame, "growth", members(frame, name), **options)
        if name == "ccec"
        else window(frame, "growth", members(frame, name), draws=1)
        for name in CIRCLES
    }
    own = ce.data.load_panel(years=tuple(years))
    roles = ce.circle.roles()
    hollow = window(
        own, "growth", roles.index[roles == HOLLOW], draws=setting["enumerate"], rng=options["rng"]
    )
    return {
        "policy": each["ccec"],
        **{f"policy_{name}": each[name] for name in SHORT},
        "policy_hollow": hollow,
    }


def circles(setting: dict[str, Any], options: dict[str, Any]) -> dict[str, Placebos]:
    """Set the circle beside three others, and beside sets of cities drawn from these."""
    first, last = setting["years_circles"]
    frame = of_circles((first, last))
    frame = frame[frame.index.get_level_values("year").isin([first, last])]
    own = members(frame, "ccec")
    real = [members(frame, name) for name in SHORT]
    drawn = ce.causal.drawn_sets([unit for one in real for unit in one], len(own), **options)
    measures = {"sigma": sigma_change, "gap": gap_change}
    return {
        f"{name}{suffix}": ce.causal.placebo_sets(frame, own, others, measure, name=name)
        for name, measure in measures.items()
        for suffix, others in (("", drawn), ("_circles", real))
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
    found: dict[str, Placebos], tests: dict[str, Placebos], setting: dict[str, Any]
) -> list[ce.report.PlaceboPanel]:
    """Titles and axes of the panels."""
    first, last = setting["years_circles"]
    words = {
        "timing": ("Openings permuted", "t, 136 counties"),
        "units": ("Never-treated as treated", "t, never-treated counties"),
        "weights_hsr": ("Neighbours relabelled", "coefficient of W(high-speed rail)"),
        "policy": (f"Circle from {setting['policy']} on", "t, membership permuted"),
        "sigma": ("Circles", f"change of σ, {first} to {last}"),
    }
    marks = {
        "policy": {SHORT[name]: tests[f"policy_{name}"].realised for name in SHORT},
        "sigma": dict(zip(SHORT.values(), tests["sigma_circles"].drawn.tolist(), strict=True)),
    }
    return [
        ce.report.PlaceboPanel(*words[name][:1], one, words[name][1], marks.get(name, {}))
        for name, one in found.items()
    ]


def labelled(powers: dict[tuple[str, str], Power], statistic: str) -> dict[str, Power]:
    """Name the curves of power."""
    chosen = {name: powers[name, statistic] for name in ("county", "city_long", "city")}
    return {
        f"{one.units} {'counties' if name == 'county' else 'cities'}, {one.periods} years": one
        for name, one in chosen.items()
    }


def frame_of(tests: dict[str, Placebos]) -> pd.DataFrame:
    """One row per test."""
    rows = [one.to_frame().assign(test=name) for name, one in tests.items()]
    return pd.concat(rows).reset_index().set_index("test").reset_index()


def frame_of_power(powers: dict[tuple[str, str], Power]) -> pd.DataFrame:
    """One row per sample and statistic."""
    rows = [one.to_frame().assign(sample=name) for (name, _), one in powers.items()]
    return pd.concat(rows).reset_index().set_index("sample").reset_index()


def note(
    setting: dict[str, Any], county: Design, city: Design, long: Design, draws: int
) -> str:
    """Say what the panels show."""
    return ""


def finding(
    tests: dict[str, Placebos],
    early: PseudoOpenings,
    powers: dict[tuple[str, str], Power],
    statistic: str,
) -> str:
    """Say where the realised estimates lie among placebos and what can be detected."""
    return p_equal(tests["timing"].pvalue)


def numbers(
    tests: dict[str, Placebos],
    early: PseudoOpenings,
    powers: dict[tuple[str, str], Power],
    setting: dict[str, Any],
    draws: int,
) -> dict[str, Any]:
    """Numbers that the text cites."""
    return {"draws": draws}


if __name__ == "__main__":
    main(__file__, build)
