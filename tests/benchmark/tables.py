"""Printed tables of a run; README's section "Speed" is one of them."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from benchmark.cases import OURS
from benchmark.measured import RAN
from benchmark.targets import TARGETS, Target
from ccec_econ.typeset import Table

__all__ = ["END", "START", "WORKS", "all_rows", "beside_peers", "section", "targets_table"]

START, END = "<!-- speed: written by make bench -->", "<!-- end of speed -->"
WORKS = {
    "sdm": "SDM, unit and time effects, with inference",
    "sar": "lag model, unit effects, with inference",
    "million_units": "SDM from Parquet, out of core, 2 cores",
    "refit": "the same SDM with fewer regressors",
    "specification_curve": "10,240 specifications",
    "effects": "effects with 1,000 draws",
    "lm_tests": "LM tests centred for fixed effects",
    "conditional_lm_tests": "the same and two tests given the other parameter",
    "bayes_sdm": "posterior of the SDM, 10,000 draws with effects",
    "bayes_sdem": "posterior of the SDEM, 10,000 draws with effects",
    "bayes_dynamic": "posterior of the dynamic SDM, 10,000 draws with effects",
    "bayes_student": "posterior with Student-t errors, 10,000 draws with effects",
    "bayes_compare": "SLX, SDM and SDEM under 100 weights",
}
_QUOTED = (
    "Median wall clock, one thread, everything warm; memory is the peak beyond the data in a fresh "
    "process. linearmodels and pyfixest fit two-way OLS on the same regressors and their lags, "
    "which they are given ready-made."
)


def seconds(value: float) -> str:
    """Three digits in ms or s."""
    if pd.isna(value):
        return ""
    return f"{_three(1000 * value)} ms" if value < 1 else f"{_three(value)} s"


def mib(value: float) -> str:
    """Whole MiB, from ten GiB on in GiB."""
    if pd.isna(value):
        return ""
    return f"{value:,.0f} MiB" if value < 10 * 1024 else f"{value / 1024:,.1f} GiB"


def targets_table(rows: pd.DataFrame) -> Table:
    """Every target with what was measured; those beside a peer take a row for all sizes."""
    by = rows.set_index(["work", "n", "package"])
    groups: dict[tuple[str, str, object], list[Target]] = {}
    for target in TARGETS:
        size = None if target.peer else target.n
        groups.setdefault((target.work, target.text, size), []).append(target)
    cells = []
    for (work, text, _), targets in groups.items():
        values = {target: value for target in targets if (value := target.value(by)) is not None}
        sizes = " to ".join(f"{n:,}" for n in dict.fromkeys((targets[0].n, targets[-1].n)))
        met = "no" if any(value > target.most for target, value in values.items()) else "yes"
        said = _said(values) if values else "not measured"
        cells.append((WORKS[work], sizes, text, said, met if values else ""))
    return Table("Targets", ("Work", "n", "Target", "Measured", "Met"), tuple(cells))


def beside_peers(rows: pd.DataFrame, work: str) -> Table:
    """Seconds and memory of one work, a row per size and a column per package."""
    part = rows[rows["work"] == work]
    packages = list(part["package"].drop_duplicates())
    cells = [
        (f"{n:,} × {group['T'].iloc[0]}", *(_cell(group, name) for name in packages))
        for n, group in part.groupby("n")
    ]
    return Table(WORKS[work], ("n × T", *packages), tuple(cells))


def all_rows(rows: pd.DataFrame) -> Table:
    """Every case as it was measured."""
    cells = [
        (
            row.work,
            f"{row.n:,}",
            f"{row.T}",
            f"{row.K}",
            row.package,
            seconds(row.median_s) if row.outcome == RAN else row.outcome,
            seconds(row.iqr_s),
            seconds(row.processor_s),
            "" if pd.isna(row.rounds) else f"{row.rounds:.0f}",
            mib(row.peak_mib),
        )
        for row in rows.itertuples()
    ]
    heads = ("Work", "n", "T", "K", "Package", "Median", "IQR", "Processor", "Rounds", "Memory")
    return Table("All cases", heads, tuple(cells), text_columns=frozenset({4}))


def section(rows: pd.DataFrame) -> str:
    """README's section between its markers."""
    peers = [
        f"{WORKS[work]}:\n\n{markdown(beside_peers(rows, work))}"
        for work in ("sdm", "sar", "lm_tests")
        if (rows["work"] == work).any()
    ]
    busy = (rows["median_s"] / rows["processor_s"]).median()
    quiet = f"The wall clock was {busy:.1f} times the processor's time; on an idle machine it is 1."
    return "\n\n".join([START, f"{_QUOTED} {quiet}", markdown(targets_table(rows)), *peers, END])


def markdown(table: Table) -> str:
    """Lines of a Markdown table, without title and notes."""
    grid = [table.columns, ("---",) * len(table.columns), *table.rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in grid)


def _cell(group: pd.DataFrame, package: str) -> str:
    found = group[group["package"] == package]
    if found.empty:
        return ""
    row = found.iloc[0]
    if row["outcome"] != RAN:
        return str(row["outcome"])
    return f"{seconds(row['median_s'])}, {mib(row['peak_mib'])}"


def _said(values: Mapping[Target, float]) -> str:
    """What was measured of one target, the worst of its sizes."""
    target, value = max(values.items(), key=lambda item: item[1])
    if value == float("inf"):
        return f"{OURS} was stopped at {target.n:,}"
    if target.smaller:
        return f"{value:.2f} × per unit of {target.smaller:,}"
    if target.peer:
        worst = f"{value:.2f} × at {target.n:,}" if value else f"{target.peer} was stopped"
        return worst if len(values) == 1 else f"at most {worst}, {len(values)} sizes"
    return seconds(value) if target.kind == "median_s" else mib(value)


def _three(value: float) -> str:
    return f"{value:.3g}" if value < 100 else f"{value:,.0f}"
