"""Table 9. Direct, indirect and total effects of digital economy, high-speed rail and R&D."""

from __future__ import annotations

from typing import Any

import ccec_econ as ce
from exhibit import Exhibit, main, rng
from packs import GROWTH, Pack, pack, pack_data, pack_numbers, pack_table


def build(config: dict[str, Any]) -> Exhibit:
    """Compute the effects of the three treatments in the baseline SDM."""
    first, last = config["sample"]["years"]
    panel = ce.data.load_panel(years=(first, last))
    fit = ce.sdm(config["baseline"]["formula"], panel, ce.weights.contiguity())
    treatments = config["baseline"]["treatments"]
    options = {"draws": config["draws"]["effects"], "rng": rng(config, "table_09")}
    effects = fit.effects(**options).select(treatments)
    clustered = fit.with_cov(ce.Cluster()).effects(**options).select(treatments)
    labels = config["labels"]
    size = config["small_sample"]["growth"]
    found = pack(config, "table_09", fit, treatments, quantity="total", size=size)
    return Exhibit(
        table={
            "": effects.summary(
                title=f"Effects of the three treatments on growth, 16 units, {first}–{last}",
                labels=labels,
                also={"Clustered": clustered},
                notes=(
                    "SDM of Table 8, unit and time effects. Percentage points of annual growth per "
                    "unit of the regressor: the index from 0 to 1, a year with service, one per "
                    "cent of GDP.",
                ),
                digits=3,
            ),
            "small_sample": pack_table(
                config,
                found,
                "What the units can say: total effects of the three treatments",
                size=size,
                unit=GROWTH,
            ),
        },
        data={
            "": effects.frame.join(clustered.frame.add_suffix("_cluster")).reset_index(),
            "small_sample": pack_data(found),
        },
        finding=finding(effects, clustered, labels) + adjusted(found, size, labels),
        numbers={
            "draws": effects.draws,
            "level": 100 * effects.level,
            "rejected": effects.rejected,
            "small_sample": pack_numbers(found),
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


def adjusted(found: Pack, size: float, labels: dict[str, str]) -> str:
    """Say the p-values adjusted for asking three times, and which effects are surely small."""
    frame = found.frame
    small = [labels.get(term, term) for term in frame.index[frame["p_equivalence"] < 0.05]]
    return (
        f" Smallest bootstrap p-value of a total effect, adjusted for three hypotheses: "
        f"{frame['p_holm'].min():.2f} by Holm, {frame['p_romano_wolf'].min():.2f} by Romano and "
        f"Wolf. Total effects of {size:g} points of growth or more per standard deviation of a "
        f"treatment are excluded at 5 % for {ce.report.listed(small)} of the three."
    )


if __name__ == "__main__":
    main(__file__, build)
