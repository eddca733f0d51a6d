"""Table 8. Baseline: fixed effects, SLX, SAR and SDM on the sixteen cities."""

from __future__ import annotations

from typing import Any

import pandas as pd

import ccec_econ as ce
from exhibit import Exhibit, main
from packs import GROWTH, pack, pack_data, pack_numbers, pack_table

NOTES = (
    "Growth is 100 times the log difference of real GDP per resident, so slopes are percentage "
    "points per year. Weights: rook contiguity, row-standardised.",
    "Lagged income is a control: with unit effects and few years its coefficient is biased towards "
    "fast convergence (Nickell 1981) and is not read as a speed.",
    "Memo columns: the direct likelihood of older software, whose ρ is biased downward when units "
    "are few; and the digital index from published figures, before the screen.",
)


def build(config: dict[str, Any]) -> Exhibit:
    """Fit the columns and set them side by side."""
    first, last = config["sample"]["years"]
    panel = ce.data.load_panel(years=(first, last))
    published = panel.assign(digital=panel["digital_published"])
    formula, W = config["baseline"]["formula"], ce.weights.contiguity()
    fits = {
        "OLS": ce.ols(formula, panel),
        "SLX": ce.slx(formula, panel, W),
        "SAR": ce.sar(formula, panel, W),
        "SDM": ce.sdm(formula, panel, W),
        "SDM, direct": ce.sdm(formula, panel, W, method="direct"),
        "SDM, published": ce.sdm(formula, published, W),
    }
    treatments, size = config["baseline"]["treatments"], config["small_sample"]["growth"]
    found = pack(config, "table_08", fits["SDM"], treatments, size=size)
    table = ce.table(
        fits,
        title=f"Baseline: growth of real GDP per resident, 16 units, {first}–{last}",
        labels=config["labels"],
        also=ce.Cluster(),
        notes=NOTES,
    )
    frames = {name: fit.to_frame() for name, fit in fits.items()}
    return Exhibit(
        table={
            "": table,
            "small_sample": pack_table(
                config,
                found,
                "What the units can say: own slopes of the three treatments in the SDM",
                size=size,
                unit=GROWTH,
            ),
        },
        data={
            "": pd.concat(frames, names=["model"]).reset_index(),
            "small_sample": pack_data(found),
        },
        finding=finding(fits["SDM"], config["labels"]),
        numbers={
            "rho": fits["SDM"].rho,
            "rho_error": float(fits["SDM"].std_errors["rho"]),
            "rho_direct": fits["SDM, direct"].rho,
            "digital_published": float(fits["SDM, published"].params["digital"]),
            "digital_published_error": float(fits["SDM, published"].std_errors["digital"]),
            "N": len(panel.index.unique(0)),
            "T": len(panel.index.unique(1)),
            "first_year": int(panel.index.unique(1).min()),
            "last_year": int(panel.index.unique(1).max()),
            "observations": fits["SDM"].likelihood_nobs,
            "clusters_df": ce.Cluster()(fits["SDM"].estimate).df,
            "slope": {term: float(value) for term, value in fits["SDM"].params.items()},
            "p": {term: float(value) for term, value in fits["SDM"].pvalues.items()},
            "small_sample": pack_numbers(found),
            "p_cluster": {
                term: float(value)
                for term, value in fits["SDM"].with_cov(ce.Cluster()).pvalues.items()
            },
        },
    )


def finding(fit: ce.SpatialPanelResults, labels: dict[str, str]) -> str:
    """Say which slopes of the SDM differ from zero at 5 %, under either covariance."""
    slopes = fit.params.drop("rho").index
    said = []
    for kept in (fit, fit.with_cov(ce.Cluster())):
        clear = slopes[kept.pvalues[slopes] < 0.05]
        said.append(ce.report.listed([ce.report.term_label(term, labels) for term in clear]))
    return (
        f"Slopes of the SDM, {len(slopes)} in all, that differ from zero at 5 %: by the expected "
        f"information {said[0]}; clustered by unit {said[1]}. The spatial coefficient is "
        f"{fit.rho:.2f} (p = {fit.pvalues['rho']:.2f})."
    )


if __name__ == "__main__":
    main(__file__, build)
