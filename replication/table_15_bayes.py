"""Table 15. Posterior over weights and models, and effects averaged over both."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

import ccec_econ as ce
from candidates import candidates
from exhibit import Exhibit, main, rng

FLAT, G = "flat", "g_prior"
UNITS = (
    "Percentage points of annual growth per unit of the regressor: the index from 0 to 1, a year "
    "with service, one per cent of GDP. HDI: the shortest interval, of highest density."
)


def build(config: dict[str, Any]) -> Exhibit:
    """Compare weights and models under two priors and average the effects."""
    setting, formula = config["bayes"], config["baseline"]["formula"]
    panel = ce.data.load_panel(years=tuple(config["sample"]["years"]))
    weights = candidates(config)
    found = {
        FLAT: ce.bayes.compare(formula, panel, weights, models=setting["models"]),
        G: ce.bayes.compare(
            formula, panel, weights, models=setting["all_models"], prior=ce.bayes.GPrior()
        ),
    }
    treatments, labels = config["baseline"]["treatments"], config["labels"]
    effects = {
        name: one.effects(
            draws=config["draws"]["effects"], rng=rng(config, f"table_15_{name}")
        ).select(treatments)
        for name, one in found.items()
    }

    def printed(name: str, under: str) -> ce.Table:
        title = f"Effects averaged over weights and models, {under}"
        return effects[name].summary(title=title, labels=labels, notes=(UNITS,), digits=3)

    def compared(name: str, under: str) -> ce.Table:
        table = found[name].summary()
        return replace(
            table,
            title=f"Posterior probability of weights and models of growth, {under}",
            notes=(f"Equation: {formula}.", *table.notes),
        )

    return Exhibit(
        table={
            "": compared(FLAT, "flat prior"),
            G: compared(G, "g-prior"),
            "effects": printed(FLAT, "flat prior"),
            f"effects_{G}": printed(G, "g-prior"),
        },
        data={
            "": found[FLAT].frame.reset_index(),
            G: found[G].frame.reset_index(),
            "effects": effects[FLAT].frame.reset_index(),
            f"effects_{G}": effects[G].frame.reset_index(),
        },
        finding=finding(found, effects, labels),
        numbers={
            name: {
                "models": one.by_model.to_dict(),
                "weights": one.by_weights.to_dict(),
                "effects": {
                    f"{term}_{effect}": row.to_dict()
                    for (term, effect), row in effects[name].frame.iterrows()
                },
            }
            for name, one in found.items()
        },
    )


def finding(
    found: dict[str, ce.bayes.Comparison],
    effects: dict[str, ce.bayes.Quantities],
    labels: dict[str, str],
) -> str:
    """Say what the data prefer under either prior, and which averaged effects are clear of zero."""
    flat, g = found[FLAT], found[G]
    said = {name: ce.report.listed(clear(one.frame, labels)) for name, one in effects.items()}
    same = g.frame["probability"].loc[:, list(flat.by_model.index)]
    under_g = (same / same.sum()).groupby(level="weights", sort=False).sum()
    return (
        f"Among SLX, SDM and SDEM with a flat prior the data put {share(flat.by_model)}. Between "
        f"weights a flat prior rewards lags that vary little: it puts most on "
        f"{top(flat.by_weights)}, the g-prior among the same three models on {top(under_g)}. With "
        f"the g-prior and all six models they put {share(g.by_model)}. Averaged over weights and "
        f"models, effects whose 95 % interval leaves zero out: {said[FLAT]} with the flat prior, "
        f"{said[G]} with the g-prior."
    )


def share(probabilities: pd.Series) -> str:
    """List models by probability, the likeliest first."""
    ranked = probabilities.sort_values(ascending=False)
    shown = {str(m).upper(): f"{100 * p:.{int(p < 0.01)}f}" for m, p in ranked.items()}
    return ce.report.listed([f"{p} % on {m}" for m, p in shown.items()])


def top(probabilities: pd.Series) -> str:
    """Name the likeliest weights."""
    return f"{probabilities.idxmax()} ({100 * probabilities.max():.0f} %)"


def clear(frame: pd.DataFrame, labels: dict[str, str]) -> list[str]:
    """Name the effects whose interval leaves zero out."""
    kept = frame[(frame["lower"] > 0) | (frame["upper"] < 0)]
    return [f"the {effect} one of {labels.get(term, term)}" for term, effect in kept.index]


if __name__ == "__main__":
    main(__file__, build)
