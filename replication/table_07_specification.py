"""Table 7. Specification and dependence: which spatial model, and what the residuals keep."""

from __future__ import annotations

from typing import Any

import pandas as pd

import ccec_econ as ce
from ccec_econ.inference.outcome import Outcomes
from exhibit import Exhibit, main, rng
from packs import pack, pack_data, pack_numbers, pack_table


def build(config: dict[str, Any]) -> Exhibit:
    """Test the baseline from both ends: LM tests after OLS, restrictions and residuals of SDM."""
    panel = ce.data.load_panel(years=tuple(config["sample"]["years"]))
    formula, W = config["baseline"]["formula"], ce.weights.contiguity()
    ols, sdm = ce.ols(formula, panel), ce.sdm(formula, panel, W)
    draws, random = config["draws"]["permutations"], rng(config, "table_07")
    groups = {
        "": ce.lm_tests(ols, W, draws=draws, rng=random),
        "restrictions": ce.nested_tests(sdm, draws=config["draws"]["bootstrap"], rng=random),
        "residuals": ce.dependence_tests(sdm, draws=draws, rng=random),
        "effects": Outcomes("Unit effects and regressors", (ce.mundlak(ols),)),
    }
    found = pack(config, "table_07", sdm, ["rho"], margin=config["small_sample"]["rho"])
    frames = {name: group.frame for name, group in groups.items()}
    every = pd.concat(frames.values())
    return Exhibit(
        table={name: group.summary() for name, group in groups.items()}
        | {
            "small_sample": pack_table(
                config, found, "What the units can say: spatial dependence of growth in the SDM"
            )
        },
        data={name: frame.reset_index() for name, frame in frames.items()}
        | {"small_sample": pack_data(found)},
        finding=finding(every),
        numbers={
            name: {"statistic": float(row["statistic"]), "p": float(row["pvalue"])}
            for name, row in every.iterrows()
            if pd.notna(row["pvalue"])
        }
        | {"small_sample": pack_numbers(found)},
    )


def finding(every: pd.DataFrame) -> str:
    """Say what the tests decide; bootstrap p-values where there are any."""
    p = every["pvalue"]
    lm = p[["LM lag", "LM error", "Robust LM lag", "Robust LM error"]].min()
    return (
        "Centred LM tests after OLS find "
        + ("" if lm < 0.05 else "no ")
        + f"spatial dependence (smallest p = {lm:.2f}). Bootstrap p-values of the SDM's "
        f"restrictions: SAR {p['Bootstrap ratio, SAR']:.2f}, SLX {p['Bootstrap ratio, SLX']:.2f}, "
        f"common factor {p['Bootstrap ratio, common factor']:.2f}. Its residuals: Moran "
        f"p = {p["Moran's I, pooled"]:.2f}, Breusch-Pagan "
        f"p = {p['Breusch-Pagan']:.2f}."
    )


if __name__ == "__main__":
    main(__file__, build)
