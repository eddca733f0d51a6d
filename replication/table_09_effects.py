"""Table 9. Direct, indirect and total effects of digital economy, high-speed rail and R&D."""

from __future__ import annotations

from typing import Any

import ccec_econ as ce
from exhibit import Exhibit, main, rng


def build(config: dict[str, Any]) -> Exhibit:
    """Compute the effects of the three treatments in the baseline SDM."""
    panel = ce.data.load_panel(years=tuple(config["sample"]["years"]))
    fit = ce.sdm(config["baseline"]["formula"], panel, ce.weights.contiguity())
    treatments = config["baseline"]["treatments"]
    options = {"draws": config["draws"]["effects"], "rng": rng(config, "table_09")}
    effects = fit.effects(**options).select(treatments)
    clustered = fit.with_cov(ce.Cluster()).effects(**options).select(treatments)
    labels = config["labels"]
    packs = {
        term: ce.small_sample(
            fit,
            term,
            quantity="total",
            draws=config["draws"]["bootstrap"],
            rng=rng(config, f"table_09_{term}"),
        )
        for term in treatments
    }
    return Exhibit(
        table={
            "": effects.summary(
                title="Effects of the three treatments on growth, SDM with unit and time effects",
                labels=labels,
                also={"Clustered": clustered},
                notes=(
                    "Percentage points of annual growth per unit of the regressor: the index from "
                    "0 to 1, a year with service, one per cent of GDP.",
                ),
                digits=3,
            ),
            "small_sample": ce.report.packs_table(
                packs,
                title="What sixteen units can say: total effects of the three treatments",
                labels=labels,
                units=ce.data.load_units()["name"].to_dict(),
            ),
        },
        data={
            "": effects.frame.join(clustered.frame.add_suffix("_cluster")).reset_index(),
            "small_sample": ce.report.packs_frame(packs).reset_index(),
        },
        finding=finding(effects, clustered, labels) + holm(packs),
        numbers={
            "draws": effects.draws,
            "level": 100 * effects.level,
            "rejected": effects.rejected,
            "small_sample": {
                term: {"p": pack.pvalue, "low": pack.range[0], "high": pack.range[1]}
                for term, pack in packs.items()
            },
            **{
                f"{term}_{effect}": row.to_dict()
                for (term, effect), row in effects.frame.iterrows()
            },
        },
    )


def finding(effects: ce.Effects, clustered: ce.Effects, labels: dict[str, str]) -> str:
    """Say which intervals leave zero out, and which of these survive clustering."""
    said = []
    for kept in (effects, clustered):
        clear = kept.frame[(kept.frame["lower"] > 0) | (kept.frame["upper"] < 0)]
        names = [f"{effect} effect of {labels.get(term, term)}" for term, effect in clear.index]
        said.append(ce.report.listed(names))
    return (
        f"Effects, {len(effects.frame)} in all, whose 95 % interval leaves zero out: by the "
        f"expected information {said[0]}; clustered by unit {said[1]}."
    )


def holm(packs: dict[str, Any]) -> str:
    """Say the smallest p-value of the three total effects, adjusted for asking three times."""
    smallest = ce.report.packs_frame(packs)["p_holm"].min()
    return f" Smallest bootstrap p-value of a total effect, adjusted by Holm: {smallest:.2f}."


if __name__ == "__main__":
    main(__file__, build)
