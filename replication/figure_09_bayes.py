"""Figure 9: effects across weights, frequentist beside posterior, and the units' variances."""

from __future__ import annotations

from typing import Any

import pandas as pd

import ccec_econ as ce
from candidates import CONTIGUITY, candidates
from ccec_econ.report.map import circle_map
from exhibit import Exhibit, main, rng

KINDS = ("maximum likelihood, delta", "posterior, equal tails")
AVERAGED = "averaged"
EFFECTS = ("direct", "indirect")
NOTE = (
    "SDM of growth with unit and time effects, {first}–{last}, and 95 % intervals; percentage "
    "points of annual growth per unit of the regressor. Flat prior, ρ uniform on its interval. "
    "Squares: medians; arrows: intervals longer than drawn. "
    "Averaged: over these weights and SLX, SDM and SDEM, by posterior probability (Table 15)."
)
MAP_NOTE = (
    "Median of the posterior; Student-t errors with {df:g} degrees of freedom, one variance per "
    "unit, {draws:,} draws of {chains} Gibbs chains, largest R-hat {rhat:.3f}."
)


def build(config: dict[str, Any]) -> Exhibit:
    """Fit the SDM with every W in both ways, and the variances of the units with contiguity."""
    setting, baseline = config["bayes"], config["baseline"]
    years = tuple(config["sample"]["years"])
    panel, weights = ce.data.load_panel(years=years), candidates(config)
    options = {"draws": config["draws"]["effects"], "rng": rng(config, "figure_09")}
    frame = forest(config, panel, weights, options)
    student = ce.bayes.fit(
        baseline["formula"],
        panel,
        weights[CONTIGUITY],
        errors="student",
        df=setting["df"],
        chains=setting["chains"],
        draws=config["draws"]["effects"],
        rng=rng(config, "figure_09_variances"),
    )
    variances, chains = student.unit_variances().frame, student.convergence()
    names = ce.circle.units()["name"]
    effects = student.effects().select(baseline["treatments"])
    about = {
        "rhat": float(chains["r_hat"].max()),
        "ess": float(chains["ess_bulk"].min()),
        "df": setting["df"],
        "chains": setting["chains"],
        "draws": len(student.draws.sigma2),
    }
    return Exhibit(
        figure={
            "": ce.report.forest_figure(
                frame,
                labels=config["labels"],
                unit="percentage points",
                note=NOTE.format(first=years[0], last=years[1]),
            ),
            "variances": circle_map(
                variances["median"],
                labels=variances["median"].map("{:.2f}".format),
                title="Variance, relative to σ²",
                labels_title="Posterior median",
                note=MAP_NOTE.format(**about),
            ),
        },
        data={
            "": frame.reset_index(),
            "variances": variances.rename_axis("adcode").assign(name=names).reset_index(),
        },
        finding=finding(frame, variances["median"].set_axis(names), effects, about),
        numbers=about
        | {
            "variances": variances["median"].set_axis(names).to_dict(),
            "effects": {
                f"{term}_{effect}": row.to_dict()
                for (term, effect), row in effects.frame.iterrows()
            },
        },
    )


def forest(
    config: dict[str, Any],
    panel: pd.DataFrame,
    weights: dict[str, Any],
    options: dict[str, Any],
) -> pd.DataFrame:
    """Effects by term, effect, weights and kind of interval."""
    formula, terms = config["baseline"]["formula"], config["baseline"]["treatments"]
    parts = {}
    for name, W in weights.items():
        likely = ce.sdm(formula, panel, W).effects(draws=1).frame
        parts[name, KINDS[0]] = likely[["estimate", "lower", "upper"]]
        parts[name, KINDS[1]] = ends(ce.bayes.fit(formula, panel, W, **options).effects())
    compared = ce.bayes.compare(formula, panel, weights, models=config["bayes"]["models"])
    parts[AVERAGED, KINDS[1]] = ends(compared.effects(**options))
    frame = pd.concat(parts, names=["weights", "interval"])
    frame = frame.reorder_levels(["term", "effect", "weights", "interval"])
    return pd.concat([frame.loc[[term], [effect], :, :] for effect in EFFECTS for term in terms])


def ends(found: ce.bayes.Quantities) -> pd.DataFrame:
    """Medians and equal-tail intervals in the columns of the figure."""
    return found.frame[["median", "lower", "upper"]].rename(columns={"median": "estimate"})


def finding(
    frame: pd.DataFrame,
    variances: pd.Series,
    effects: ce.bayes.Quantities,
    about: dict[str, float],
) -> str:
    """Say how far the two kinds of interval agree, and which units vary most."""
    clear = (frame["lower"] > 0) | (frame["upper"] < 0)
    both = clear.drop(AVERAGED, level="weights").unstack("interval")
    width = (frame["upper"] - frame["lower"]).drop(AVERAGED, level="weights").unstack("interval")
    ratio = width[KINDS[1]] / width[KINDS[0]]
    likely, posterior = (int(both[kind].sum()) for kind in KINDS)
    weights = both.index.get_level_values("weights").nunique()
    rail = effects.frame.loc[("hsr", "indirect")]
    ranked = variances.sort_values(ascending=False)
    first, second, last = ranked.index[0], ranked.index[1], ranked.index[-1]
    said = (
        f"Of {len(both)} direct and indirect effects under {weights} weights the intervals of "
        f"the likelihood leave zero out for {likely}, those of the posterior for {posterior}. The "
        f"latter are {ratio.min():.2f} to {ratio.max():.2f} times as wide, the most with "
        f"{ratio.idxmax()[2]} weights, where ρ may be close to one. With a variance for every "
        f"unit it is largest in {first} ({ranked[first]:.1f} times σ²) and {second} "
        f"({ranked[second]:.1f}), smallest in {last} ({ranked[last]:.2f}); the effect of "
        f"high-speed rail on neighbours, contiguity weights, is then {rail['median']:.2f} "
        f"[{rail['lower']:.2f}, {rail['upper']:.2f}]."
    )
    return said.replace("[-", "[−").replace(" -", " −")


if __name__ == "__main__":
    main(__file__, build)
