"""Table 14. Endogeneity: instruments of the treatments, Broadband China, and formed weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

import ccec_econ as ce
from candidates import candidates
from ccec_econ.typeset import interval, number
from exhibit import Exhibit, main, rng
from formed import formed_weights, weights_finding, weights_frame, weights_numbers, weights_table
from instruments import designs, instrument_panel, together
from pilots import broadband, broadband_numbers, broadband_table, event_study, events_table

COUNT = (
    "Internet of the other circles: broadband subscribers, but in 2011 international internet "
    "users, which are another count."
)


def build(config: dict[str, Any]) -> Exhibit:
    """Measure instruments, invert tests, follow Broadband China, test formed weights."""
    panel, labels = instrument_panel(config), config["labels"]
    random, draws = rng(config, "table_14"), config["instruments"]["permutations"]
    formulas = {"": config["baseline"]["formula"], "level": config["instruments"]["no_level"]}
    found = {
        name: ce.instrument_evidence(
            designs(config, panel, formula), draws=config["draws"]["permutations"], rng=random
        )
        for name, formula in formulas.items()
    }
    evidence = found[""]
    joint = together(config, panel)
    lags = lag_strength(config, panel)
    pilots = broadband(config, panel, draws, random)
    events = {name: event_study(panel, name) for name in ("digital", "growth")}
    formed = formed_weights(config, panel, random)
    threats = tuple(
        f"{row['name'][0].upper()}{row['name'][1:]}: {row['threat']}"
        for row in config["instruments"]["designs"]
    )
    return Exhibit(
        table={
            "": evidence.summary(
                title="What instruments say of the treatments: strength and Anderson-Rubin sets",
                labels=labels,
                notes=(f"Equation: {formulas['']}.", taken(found), *threats, COUNT),
            ),
            "level": found["level"].summary(
                title="What instruments say without the level of the year before among regressors",
                labels=labels,
                notes=(
                    f"Equation: {formulas['level']}. Instruments as in the table before.",
                    taken(found),
                    COUNT,
                ),
            ),
            "joint": joint_table(joint, labels),
            "lags": lags_table(lags),
            "broadband": broadband_table(pilots),
            "events": events_table(events),
            "weights": weights_table(formed),
        },
        data={
            "": evidence.frame.reset_index(),
            "level": found["level"].frame.reset_index(),
            "joint": joint_frame(joint).reset_index(),
            "lags": lags,
            "broadband": pilots,
            "events": pd.concat(events, names=["outcome"]).reset_index(),
            "weights": weights_frame(formed),
        },
        finding=finding(found, lags, pilots, formed, labels),
        numbers={
            "designs": {
                name: {
                    "F": one.stage.effective_F,
                    "critical": one.stage.critical,
                    "p": one.pvalue,
                    "units": one.units,
                }
                for name, one in evidence.designs.items()
            },
            "lags": {
                f"{row.weights}_{row.model}_{row.instruments}": {
                    "F": row.effective_F,
                    "critical": row.critical,
                }
                for row in lags.itertuples()
            },
            "condition": dict(zip(lags["weights"], lags["condition_w2x"], strict=True)),
            "broadband": broadband_numbers(pilots),
            "digital_sd": within_sd(panel["digital"]),
            "weights": weights_numbers(formed),
        },
    )


def taken(found: Mapping[str, ce.InstrumentEvidence]) -> str:
    """Say what every row takes for granted, and how many rows there are."""
    sets = sum(len(one.designs) for one in found.values())
    return (
        "Each row takes every regressor but its own for exogenous: the other two treatments, and "
        "income of the year before where it is one. With both equations "
        f"{sets} sets are looked at, and no p or level is adjusted for that."
    )


def within_sd(column: pd.Series) -> float:
    """Take the standard deviation of what unit and year effects leave of a column."""
    table = column.unstack("year")
    left = table.sub(table.mean(axis=1), axis=0) - table.mean() + table.to_numpy().mean()
    return float(left.to_numpy().std())


def joint_frame(fit: ce.InstrumentalResults) -> pd.DataFrame:
    """One row per treatment when all three are endogenous."""
    rows = {
        stage.name: {
            "F": stage.F,
            "conditional_F": stage.conditional_F,
            "two_stage": fit.params[stage.name],
            "set": fit.anderson_rubin(stage.name).plain(),
            "p": fit.anderson_rubin_pvalue(stage.name),
        }
        for stage in fit.first_stages
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("term")


def joint_table(fit: ce.InstrumentalResults, labels: Mapping[str, str]) -> ce.Table:
    """Print the three treatments, endogenous together."""
    rows = tuple(
        (
            labels.get(str(term), str(term)),
            number(row["F"]),
            number(row["conditional_F"]),
            number(row["two_stage"], 2),
            fit.anderson_rubin(str(term)).text(2),
            number(row["p"]),
        )
        for term, row in joint_frame(fit).iterrows()
    )
    test = fit.overidentification
    return ce.Table(
        title="The three treatments endogenous together, cores left out",
        columns=("Regressor", "F", "Conditional F", "2SLS", "AR 95 % set", "p of zero"),
        rows=rows,
        notes=(
            f"Instruments: the {len(fit.equation.instruments)} of the table before without "
            "Broadband China. Homoskedastic; conditional F of "
            "Sanderson and Windmeijer (2016); AR sets with the coefficients of the other two "
            f"concentrated out. Cragg-Donald {number(fit.cragg_donald)}. {test.name} test of "
            f"over-identification: p = {number(test.pvalue)}.",
        ),
    )


def lag_strength(config: Mapping[str, Any], panel: pd.DataFrame) -> pd.DataFrame:
    """Strength of spatial lags under each of the study's weights."""
    frames = []
    for name, W in candidates(config).items():
        found = ce.instrument_strength(config["baseline"]["formula"], panel, W)
        frame = found.frame.reset_index()
        frame.insert(0, "weights", name)
        frames.append(frame.assign(condition_w2x=found.condition["[X, W X, W²X]"]))
    return pd.concat(frames, ignore_index=True)


def lags_table(lags: pd.DataFrame) -> ce.Table:
    """Print them, one row per weights."""
    kinds = [("SAR", "W X, W²X"), ("SDM", "W²X"), ("SDM", "W²X, W³X")]
    rows = []
    for name, part in lags.groupby("weights", sort=False):
        cells = [str(name), number(part["condition_w2x"].iloc[0], 1)]
        for kind in kinds:
            row = part.set_index(["model", "instruments"]).loc[kind]
            cells += [
                f"{number(row['effective_F'], 2)} ({number(row['critical'], 1)})",
                number(row["partial_r2"], 3),
            ]
        rows.append(tuple(cells))
    heads = [
        head for model, z in kinds for head in (f"{model}: {z}, effective F", f"Partial R²: {z}")
    ]
    return ce.Table(
        title="What identifies ρ: lags of the regressors as instruments of W y",
        columns=("Weights", "Condition number", *heads),
        rows=tuple(rows),
        notes=(
            "Effective F of Montiel Olea and Pflueger (2013), clustered by unit, critical value "
            "in brackets. Condition number of [X, W X, W²X], effects removed, columns of unit "
            "length. Baseline regressors, all taken for exogenous.",
        ),
    )


def finding(
    evidence: Mapping[str, ce.InstrumentEvidence],
    lags: pd.DataFrame,
    pilots: pd.DataFrame,
    formed: Mapping[str, ce.WeightsExogeneity],
    labels: Mapping[str, str],
) -> str:
    """Say which coefficients an instrument tells from zero, and what stays an association."""
    found = {name: one.designs for name, one in evidence.items()}
    clear = [name for name in found[""] if all(one[name].is_clear for one in found.values())]
    least = lags[lags["model"] == "SDM"]
    enough = int((least["effective_F"] > least["critical"]).sum())
    first = pilots.iloc[0]
    held = {found[""][name].term for name in clear}
    left = [labels[name] for name in ("digital", "rd") if name not in held]
    stays = f"; what Tables 8 and 9 say of {ce.report.listed(left)} stays a conditional association"
    return (
        f"Of {len(found[''])} sets of instruments, {sides(found[''])}; without the level of the "
        f"year before among the regressors, {sides(found['level'])}{stays if left else ''}. "
        f"Broadband China goes with {first['twfe']:.3f} more of the digital index (95 % "
        f"{interval(first['twfe_lower'], first['twfe_upper'])}, permutation p = "
        f"{first['p_twfe']:.2f}), and lags of the regressors are strong instruments of W y in "
        f"{enough} of {len(least)} cases of the SDM. {weights_finding(formed)}"
    )


def sides(designs: Mapping[str, Any]) -> str:
    """List the sets that are strong, that leave zero out, and that do both."""
    strong = [name for name, one in designs.items() if one.stage.is_strong]
    leaving = [name for name, one in designs.items() if 0.0 not in one.wild]
    clear = [name for name, one in designs.items() if one.is_clear]
    return (
        f"strong by the effective F: {ce.report.listed(strong)}; with a wild Anderson-Rubin set "
        f"that leaves zero out: {ce.report.listed(leaving)}; both: {ce.report.listed(clear)}"
    )


if __name__ == "__main__":
    main(__file__, build)
