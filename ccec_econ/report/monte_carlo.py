"""Tables of Monte Carlo studies: bias and coverage, means, sizes of tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ccec_econ.errors import DataError, first_five
from ccec_econ.typeset import Table, number

__all__ = ["coverage_table", "means_table", "rates_table"]

_METHODS = {
    "transformation": "transformation",
    "direct": "direct",
    "bias_corrected": "direct, corrected",
}
_EFFECTS = ("direct", "indirect", "total")


def coverage_table(frame: pd.DataFrame, *, notes: Sequence[str] = ()) -> Table:
    """Set bias of rho and coverage of rho and of the effects, a row per setting and likelihood.

    Parameters
    ----------
    frame : DataFrame
        Rows of `ccec_econ.simulation.study` for rho and the three effects, with columns N, model,
        true_rho.

    Raises
    ------
    DataError
        If a column is missing.
    """
    _need(frame, ("N", "model", "true_rho", "method", "quantity", "bias", "mcse", "coverage"))
    settings: dict[tuple[Any, ...], dict[str, dict[str, Any]]] = {}
    for record in frame.to_dict("records"):
        likelihoods = settings.setdefault((record["N"], record["model"], record["true_rho"]), {})
        likelihoods.setdefault(record["method"], {})[record["quantity"]] = record
    rows: list[tuple[str, ...]] = []
    rules = []
    for (N, model, truth), likelihoods in settings.items():
        rules.append(len(rows))
        for i, (method, by) in enumerate(likelihoods.items()):
            rows.append(
                (
                    *((str(N), model.upper(), number(truth, 1)) if i == 0 else ("", "", "")),
                    _METHODS.get(method, method),
                    _with_error(by["rho"]["bias"], by["rho"]["mcse"]),
                    number(by["total"]["bias"], 3),
                    *(number(by[name]["coverage"], 3) for name in ("rho", *_EFFECTS)),
                )
            )
    return Table(
        title="Monte Carlo: bias and coverage by likelihood",
        columns=(
            "N",
            "Model",
            "True ρ",
            "Likelihood",
            "Bias of ρ",
            "Bias of total",
            "Cov. ρ",
            *(f"Cov. {name}" for name in _EFFECTS),
        ),
        rows=tuple(rows),
        rules=frozenset(rules[1:]),
        notes=tuple(notes),
        text_columns=frozenset({1, 3}),
    )


def means_table(frame: pd.DataFrame, *, notes: Sequence[str] = ()) -> Table:
    """Set mean estimates with their Monte Carlo errors, a row per number of units and estimator.

    Parameters
    ----------
    frame : DataFrame
        Rows of `ccec_econ.simulation.dynamic_study` with a column N.

    Raises
    ------
    DataError
        If a column is missing.
    """
    _need(frame, ("N", "estimator", "parameter", "truth", "mean", "mcse"))
    truth = frame.drop_duplicates("parameter").set_index("parameter")["truth"]
    symbols = {"tau": "τ", "eta": "η", "beta": "β", "rho": "ρ", "sigma2": "σ²"}
    rows = [("", "truth", *(number(value, 3) for value in truth))]
    rules = []
    for N, setting in frame.groupby("N", sort=False):
        rules.append(len(rows))
        for i, (estimator, part) in enumerate(setting.groupby("estimator", sort=False)):
            by = part.set_index("parameter").loc[truth.index]
            cells = (_with_error(a, b) for a, b in zip(by["mean"], by["mcse"], strict=True))
            rows.append((str(N) if i == 0 else "", str(estimator), *cells))
    return Table(
        title="Monte Carlo: means of the dynamic model",
        columns=("N", "Estimator", *(symbols.get(str(name), str(name)) for name in truth.index)),
        rows=tuple(rows),
        rules=frozenset(rules),
        notes=tuple(notes),
        text_columns=frozenset({1}),
    )


def rates_table(
    frame: pd.DataFrame,
    *,
    rows: Sequence[str],
    columns: str,
    names: Mapping[str, str],
    title: str,
    notes: Sequence[str] = (),
) -> Table:
    """Set rates of rejection with one column of the table per value of a column of the frame.

    Parameters
    ----------
    frame : DataFrame
        Column "rate", the row columns and the column named by `columns`.
    rows : sequence of str
        Columns that name a row, their headings taken from `names`.
    columns : str
        Column whose values become headings.
    names : mapping
        Printed names of columns and values.

    Raises
    ------
    DataError
        If a column is missing.
    """
    _need(frame, (*rows, columns, "rate"))
    heads = list(dict.fromkeys(frame[columns]))
    keys = list(dict.fromkeys(frame[list(rows)].itertuples(index=False, name=None)))
    rate = frame.set_index([*rows, columns])["rate"]
    return Table(
        title=title,
        columns=tuple(names.get(str(name), str(name)) for name in (*rows, *heads)),
        rows=tuple(
            (
                *(names.get(str(part), str(part)) for part in key),
                *(number(float(rate.loc[(*key, head)]), 3) for head in heads),
            )
            for key in keys
        ),
        notes=tuple(notes),
        text_columns=frozenset(range(1, len(rows))),
    )


def _with_error(value: float, error: float) -> str:
    return f"{number(value, 3)} ({number(error, 3)})"


def _need(frame: pd.DataFrame, columns: Sequence[str]) -> None:
    absent = [name for name in columns if name not in frame.columns]
    if absent:
        raise DataError(f"study: no column {first_five(absent)}; give the rows of a study.")
