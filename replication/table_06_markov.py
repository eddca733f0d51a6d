"""Table 6. Markov and spatial Markov chains of relative income and of night lights."""

from __future__ import annotations

from typing import Any

import pandas as pd

import ccec_econ as ce
from ccec_econ.convergence import ClassRule, Markov, SpatialMarkov, markov, spatial_markov
from exhibit import Exhibit, main, rng

FEWEST = 20  # starts that a share is read from


def build(config: dict[str, Any]) -> Exhibit:
    """Estimate transitions in three panels and test the neighbours in two."""
    setting, draws = config["markov"], config["draws"]
    panels = {name: panel(name, setting) for name in setting["columns"]}
    rules = {name: ClassRule(setting["classes"][name]) for name in panels}
    chains = {
        name: markov(
            frame,
            setting["columns"][name],
            rule=rules[name],
            breaks=setting["breaks"].get(name),
            draws=draws["effects"],
            rng=rng(config, f"table_06_{name}"),
        )
        for name, frame in panels.items()
    }
    layers = {"city": "city", "lights": "county"}
    spatial = {
        name: spatial_markov(
            panels[name],
            setting["columns"][name],
            ce.weights.contiguity(layer),
            rule=rules[name],
            draws=draws["permutations"],
            rng=rng(config, f"table_06_{name}_spatial"),
        )
        for name, layer in layers.items()
    }
    titles = setting["titles"]
    tables = {name: chain.summary(title=titles[name]) for name, chain in chains.items()}
    tables |= {
        f"{name}_spatial": test.summary(title=f"{titles[name]}, by class of the neighbours")
        for name, test in spatial.items()
    }
    frames = {name: chain.frame for name, chain in chains.items()}
    frames |= {f"{name}_spatial": test.frame for name, test in spatial.items()}
    frames["measures"] = measures(chains, spatial)
    return Exhibit(
        table=named(tables),
        data=named(frames),
        finding=finding(chains, spatial),
        numbers=numbers(chains, spatial),
    )


def named[Item](items: dict[str, Item]) -> dict[str, Item]:
    """Call the city's part by the exhibit's own name."""
    return {"" if name == "city" else name: item for name, item in items.items()}


def panel(name: str, setting: dict[str, Any]) -> pd.DataFrame:
    """Load one panel; of county GDP, the counties with a figure in every year."""
    layer = "city" if name == "city" else "county"
    frame = ce.data.load_panel(layer, tuple(setting["years"][name]))
    area = frame.join(ce.data.load_units(layer)["area_km2"], on="unit")["area_km2"]
    frame = frame.assign(lights_km2=frame["night_lights"] / area)
    gaps = frame[setting["columns"][name]].isna().groupby("unit").any()
    return frame[~gaps.reindex(frame.index.get_level_values("unit")).to_numpy()]


def measures(chains: dict[str, Markov], spatial: dict[str, SpatialMarkov]) -> pd.DataFrame:
    """One row per panel and measure, tests of homogeneity among them."""
    parts = {name: chain.measures.reset_index() for name, chain in chains.items()}
    long = pd.concat(parts, names=["panel"]).reset_index("panel").reset_index(drop=True)
    tests = [
        {"panel": name, "measure": what, "estimate": value}
        for name, test in spatial.items()
        for what, value in (
            ("Q", test.Q),
            ("Q_df", test.df),
            ("Q_pvalue", test.pvalue_Q),
            ("Q_pvalue_chi2", test.asymptotic_Q),
            ("LR", test.LR),
            ("LR_pvalue", test.pvalue_LR),
            ("LR_pvalue_chi2", test.asymptotic_LR),
        )
    ]
    return pd.concat([long, pd.DataFrame(tests)], ignore_index=True)


def numbers(chains: dict[str, Markov], spatial: dict[str, SpatialMarkov]) -> dict[str, Any]:
    """Return what the text cites."""
    said: dict[str, Any] = {
        name: {
            "units": chain.classes.number.shape[1],
            "transitions": int(chain.counts.sum()),
            "moves": chain.classes.moves,
            "mobility": float(chain.measures.loc["mobility", "estimate"]),
            "mobility_lower": float(chain.measures.loc["mobility", "lower"]),
            "mobility_upper": float(chain.measures.loc["mobility", "upper"]),
        }
        for name, chain in chains.items()
    }
    for name, test in spatial.items():
        said[name] |= {"Q": test.Q, "p": test.pvalue_Q, "p_chi2": test.asymptotic_Q}
    return said


def finding(chains: dict[str, Markov], spatial: dict[str, SpatialMarkov]) -> str:
    """Say how often classes change, and whether neighbours matter."""
    city, lights = chains["city"], chains["lights"]
    up, down = (
        int(sum(part[i, j] for i in range(3) for j in range(3) if (j - i) * sign > 0))
        for part, sign in ((city.counts, 1), (city.counts, -1))
    )
    tests = {
        name: f"Q = {test.Q:.1f}, permutation p = {test.pvalue_Q:.3f}"
        for name, test in spatial.items()
    }
    matter = {name: test.pvalue_Q < 0.05 for name, test in spatial.items()}
    return (
        f"Cities rarely change class: {city.classes.moves} of {int(city.counts.sum())} yearly "
        f"transitions, {up} up and {down} down, too few for a long run that could be trusted. "
        "Their neighbours' class "
        + ("matters" if matter["city"] else "makes no difference that could be shown")
        + f" ({tests['city']}). Among counties' night lights per km² {lights.classes.moves} of "
        f"{int(lights.counts.sum())} transitions change class, and the neighbours' class "
        + ("matters" if matter["lights"] else "makes no difference that could be shown")
        + f" ({tests['lights']})"
        + (f": {rises(spatial['lights'])}." if matter["lights"] else ".")
    )


def rises(test: SpatialMarkov) -> str:
    """Say how often the darkest rise, by class of the neighbours, where enough of them start."""
    starts = [int(counts[0].sum()) for counts in test.counts]
    up = [int(counts[0, 1:].sum()) for counts in test.counts]
    said = [
        f"{up[m]} times in {starts[m]} among neighbours of class {m + 1}"
        for m in range(len(starts))
        if starts[m] >= FEWEST
    ]
    return f"the darkest counties rise {', '.join(said)}"


if __name__ == "__main__":
    main(__file__, build)
