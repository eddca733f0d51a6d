"""Table 18: what other software computes, and a Monte Carlo of the estimators and tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

import ccec_econ as ce
from ccec_econ.audit import Findings
from ccec_econ.report.monte_carlo import coverage_table, means_table, rates_table
from exhibit import Exhibit, main
from simulate import load_runs

WEIGHTS = (
    "16 units: contiguity of the circle. 44 units: fifteen cities and 29 districts and counties of "
    "Chongqing in the official circle, {neighbours} nearest seats of government."
)
NAMES = {
    "N": "N",
    "test": "Test",
    "version": "Version",
    "regressor": "Regressor",
    "iid": "iid",
    "cluster": "Cluster",
    "driscoll_kraay": "Driscoll-Kraay",
    "wild": "Wild cluster",
    "randomisation": "Randomisation",
}


def build(config: dict[str, Any]) -> Exhibit:
    """Compute the audit and read the simulations of the last `make simulate`."""
    found, setting = ce.audit.findings(), config["simulation"]
    runs = load_runs(Path(__file__).parent)["draws"]
    return Exhibit(
        table={"": found.summary()} | tables(runs, setting),
        data={"": found.frame} | runs,
        finding=finding(found, runs),
        numbers=numbers(found, runs),
    )


def tables(runs: dict[str, pd.DataFrame], setting: dict[str, Any]) -> dict[str, ce.Table]:
    """Set the four tables of the Monte Carlo."""
    draws, T = setting["draws"], setting["periods"]
    weights = WEIGHTS.format(neighbours=setting["neighbours"])
    two_way = f"Unit and time effects, T = {T}, 5 % tests that reject a true null."
    return {
        "estimators": coverage_table(
            runs["estimators"],
            notes=(
                f"Unit and time effects, T = {T}, {draws['estimators']:,} panels a setting, the "
                "same for every likelihood; Monte Carlo error of the bias in brackets. SDM: "
                f"θ = {setting['theta'][-1]}. Cov.: share of 95 % intervals that hold the truth, "
                "expected information and delta method.",
                weights,
            ),
        ),
        "dynamic": means_table(
            runs["dynamic"],
            notes=(
                f"Dynamic SAR with unit and time effects, T = {setting['dynamic_periods']}, "
                f"{draws['dynamic']:,} panels; Monte Carlo errors in brackets. Corrected: Yu, de "
                "Jong and Lee (2008), after the time effects were transformed away.",
                weights,
            ),
        ),
        "lm_tests": rates_table(
            runs["lm_tests"].sort_values("version", kind="stable"),
            rows=("test", "version"),
            columns="N",
            names=NAMES | {str(N): f"N = {N}" for N in runs["lm_tests"]["N"]},
            title="Monte Carlo: size of LM tests",
            notes=(f"{two_way} {draws['lm_tests']:,} panels.", weights),
        ),
        "covariances": rates_table(
            runs["covariances"],
            rows=("N", "regressor"),
            columns="test",
            names=NAMES,
            title="Monte Carlo: size of t tests by covariance",
            notes=(
                f"{two_way} {draws['covariances']:,} panels. Errors: AR "
                f"{setting['dependence']['error']} in time, SAR {setting['dependence']['space']} "
                f"in space; persistent regressor: AR {setting['dependence']['regressor']}, same "
                "in space; staggered: a dummy that turns to one in a random year. iid: "
                f"t(observations − K); Cluster: by unit, t(N − 1); Driscoll-Kraay: "
                f"{setting['lags']} lags, t(T − 1); Wild cluster: restricted, Webb weights; "
                "Randomisation: paths permuted over units. Units depend on each other here, so no "
                "test that takes them for independent is exact.",
                weights,
            ),
        ),
    }


def numbers(found: Findings, runs: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """Gather the numbers that the text cites."""
    rho = runs["estimators"].query("quantity == 'rho'")
    few = int(rho["N"].min())
    small = rho[rho["N"] == few]
    lm, t = (runs[name][runs[name]["N"] == few] for name in ("lm_tests", "covariances"))
    return {
        "findings": len({item.id for item in found}),
        "printed": sum(item.published is not None for item in found),
        "repeated": sum(item.repeats for item in found),
        "few": few,
        "coverage": {
            str(method): {"low": part["coverage"].min(), "high": part["coverage"].max()}
            for method, part in small.groupby("method")
        },
        "bias": {
            str(method): {"low": part["bias"].min(), "high": part["bias"].max()}
            for method, part in small.groupby("method")
        },
        "lm": {
            str(version): {"low": part["rate"].min(), "high": part["rate"].max()}
            for version, part in lm.groupby("version")
        },
        "t": {
            str(test): {"low": part["rate"].min(), "high": part["rate"].max()}
            for test, part in t.groupby("test")
        },
    }


def finding(found: Findings, runs: dict[str, pd.DataFrame]) -> str:
    """Say what the audit and the simulations show."""
    n = numbers(found, runs)
    cover, lm, t = n["coverage"], n["lm"], n["t"]

    def span(rates: dict[str, float]) -> str:
        low, high = (f"{100 * rates[end]:.0f}" for end in ("low", "high"))
        return f"{low} %" if low == high else f"{low} to {high} %"

    return (
        f"The audit covers {n['findings']} slips, repeats {n['repeated']} of {n['printed']} "
        "numbers kept from other software or separate computations, and sets the right ones "
        f"beside. In simulated panels of {n['few']} units, 95 % intervals of ρ hold the truth in "
        f"{span(cover['transformation'])} of samples by the transformation likelihood and in "
        f"{span(cover['direct'])} by the direct one; 5 % LM tests reject a true null in "
        f"{span(lm['centred'])} of samples when centred and in {span(lm['uncentred'])} when not; "
        f"with errors that persist, t tests do so in {span(t['cluster'])} (cluster), "
        f"{span(t['iid'])} (iid) and {span(t['driscoll_kraay'])} (Driscoll-Kraay)."
    )


if __name__ == "__main__":
    main(__file__, build)
