"""Weights formed from income in Table 14: what their test excludes, and what it then says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

import ccec_econ as ce
from ccec_econ.typeset import number
from instruments import sample_of

__all__ = [
    "Formed",
    "formed_weights",
    "weights_finding",
    "weights_frame",
    "weights_numbers",
    "weights_table",
]

FORMING = "ln_gdp_pc_lag"
OWN = "its value a year earlier"


@dataclass(frozen=True, slots=True)
class Formed:
    """One test: among whom likeness counts, what is excluded from growth, and how it forms z."""

    among: str
    excluded: str
    found: ce.WeightsExogeneity
    effective_F: float
    critical: float

    @property
    def units(self) -> int:
        """Cities in the sample."""
        return len(self.found.fit.panel.units)

    @property
    def pvalue(self) -> float:
        """Bootstrap p, or that of the expected information where nothing was drawn."""
        return (self.found.bootstrap or self.found.wald).pvalue


def formed_weights(
    config: Mapping[str, Any], panel: pd.DataFrame, random: np.random.Generator
) -> tuple[Formed, ...]:
    """Test weights formed from last year's GDP per resident.

    First with its own value a year earlier as what forms it, alone and times geography; then, among
    all pairs, with every set of instruments of the study in its place.
    """
    units = panel.index.unique("unit").sort_values()
    geography = {
        "all pairs": None,
        "neighbours": ce.weights.align(ce.weights.contiguity(), units),
        "over distance": ce.weights.align(ce.weights.inverse_distance(), units),
    }
    asked = [(among, OWN, ["before"], panel) for among in geography]
    asked += [
        ("all pairs", row["name"], row["instruments"], sample_of(panel, row["sample"]))
        for row in config["instruments"]["designs"]
    ]

    def former(among: np.ndarray | None) -> Callable[[np.ndarray], np.ndarray]:
        return lambda z: ce.weights.economic_of(z[:, 0], among)

    out = []
    for among, excluded, names, sample in asked:
        found = ce.weights_exogeneity(
            config["baseline"]["formula"],
            sample,
            former(geography[among]),
            f"{FORMING} ~ {' + '.join(names)} | unit + year",
            draws=config["draws"]["bootstrap"],
            rng=random,
        )
        first = ce.s2sls(
            f"growth ~ {FORMING} | unit + year",
            sample,
            endogenous=[FORMING],
            instruments=names,
            lag=False,
            cov=ce.Cluster(),
        ).first_stages[0]
        out.append(Formed(among, excluded, found, first.effective_F, first.critical))
    return tuple(out)


def weights_frame(formed: tuple[Formed, ...]) -> pd.DataFrame:
    """One row per test."""
    rows = [
        {
            "weights": one.among,
            "excluded": one.excluded,
            "units": one.units,
            "effective_F": one.effective_F,
            "critical": one.critical,
            **one.found.by_term.iloc[0].to_dict(),
            "rho_with": one.found.fit.rho,
            "rho_with_se": one.found.fit.std_errors["rho"],
            "rho_without": one.found.plain.rho,
            "rho_without_se": one.found.plain.std_errors["rho"],
        }
        for one in formed
    ]
    return pd.DataFrame(rows)


def weights_table(formed: tuple[Formed, ...]) -> ce.Table:
    """Print the control function and what it does to rho."""
    frame = weights_frame(formed)
    rows = tuple(
        (
            str(row["weights"]),
            str(row["excluded"]),
            str(row["units"]),
            f"{number(row['effective_F'], 1)} ({number(row['critical'], 1)})",
            *(number(row[key], 2) for key in ("estimate", "std_error", "statistic")),
            number(row["pvalue"]),
            number(row["p_bootstrap"]),
            f"{number(row['rho_with'], 2)} ({number(row['rho_with_se'], 2)})",
            f"{number(row['rho_without'], 2)} ({number(row['rho_without_se'], 2)})",
        )
        for _, row in frame.iterrows()
    )
    own = int((frame["excluded"] == OWN).sum())
    tests = {one.found.bootstrap for one in formed} - {None}
    draws = {test.distribution for test in tests if test is not None}
    return ce.Table(
        title="Weights of likeness in GDP per resident: residual of its equation in the SDM",
        columns=(
            "Likeness among",
            "Excluded from growth",
            "Units",
            "Effective F (critical)",
            "Residual",
            "Std. error",
            "t",
            "p",
            "Bootstrap p",
            "ρ, residual in",
            "ρ, residual out",
        ),
        rows=rows,
        rules=frozenset({own}),
        notes=(
            "Weights of year t: inverse distance in ln GDP per resident of the year before, which "
            "is itself a regressor of growth. Its equation: what is excluded from growth, unit and "
            "time effects. It and its residual span what it and its fit span, so with one excluded "
            "variable t asks whether that variable belongs in the equation of growth: "
            "non-rejection rests on the exclusion of it, and rejection may mean that the exclusion "
            "fails. Value a year earlier: income of two years before growth; it is excluded only "
            "if growth has no further dynamics, and with unit effects and "
            f"{len(formed[0].found.fit.panel.times)} years its slope has Nickell bias.",
            f"The first {own} rows share one residual and are near-copies of one test. Control "
            "function of Qu and Lee (2015); p from the expected information; "
            f"{ce.report.listed(sorted(draws))}, weights formed again in each. Effective F: of the "
            "equation of income, clustered by unit. Samples as in the first table. Weights of the "
            "same year's GDP per resident are a function of growth itself and are not fitted; "
            "those of figures before the sample do not change, so unit effects absorb their "
            "residual.",
        ),
        text_columns=frozenset({1}),
    )


def weights_numbers(formed: tuple[Formed, ...]) -> dict[str, float]:
    """Range of bootstrap p where own history is excluded, and where an outside instrument is."""
    frame = weights_frame(formed)
    own = frame["excluded"] == OWN
    outside = frame[~own]
    return {
        "own_t": float(frame.loc[own, "statistic"].iloc[0]),
        "own": int(own.sum()),
        "own_least": float(frame.loc[own, "p_bootstrap"].min()),
        "own_most": float(frame.loc[own, "p_bootstrap"].max()),
        "outside": len(outside),
        "outside_least": float(outside["p_bootstrap"].min()),
        "outside_most": float(outside["p_bootstrap"].max()),
        "outside_below": int((outside["p_bootstrap"] < 0.05).sum()),
        "outside_strong": int((outside["effective_F"] > outside["critical"]).sum()),
    }


def weights_finding(formed: tuple[Formed, ...]) -> str:
    """Say what the test finds and what that rests on."""
    found, outside = weights_numbers(formed), [one for one in formed if one.excluded != OWN]
    below = [one.excluded for one in outside if one.pvalue < 0.05]
    strong = [one.excluded for one in outside if one.effective_F > one.critical]
    return (
        "The test of weights formed from income has bootstrap p from "
        f"{found['own_least']:.2f} to {found['own_most']:.2f} in {found['own']} near-copies that "
        "exclude income of two years before from the equation of growth; of "
        f"{found['outside']} sets of instruments excluded in its place, below 0.05: "
        f"{ce.report.listed(below)}; strong for income: {ce.report.listed(strong)}."
    )
