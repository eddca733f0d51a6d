"""Several fits side by side, the way a journal prints them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from ccec_econ.errors import CcecError, FormulaError
from ccec_econ.inference.vcov import Covariance
from ccec_econ.models.column import Column, Kind
from ccec_econ.models.parameters import Parameters
from ccec_econ.typeset import Table, number

__all__ = ["listed", "table", "term_label"]

_GREEK = {"rho": "ρ", "lam": "λ", "phi": "φ"}
_RANK: dict[Kind, int] = {"own": 0, "lag": 1, "rho": 2, "lam": 3, "variance": 4}
_IN_FOOT = "sigma2"  # parameters whose estimate stands beneath, in all columns alike
_ROWS: tuple[tuple[str, Callable[[Column], str]], ...] = (
    ("σ²", lambda column: "" if np.isnan(column.sigma2) else f"{column.sigma2:.4g}"),
    ("Log-likelihood", lambda column: number(column.loglik, 2)),
    ("R², effects removed", lambda column: number(column.rsquared, 3)),
    ("Unit and time effects", lambda column: column.effects),
    ("Estimator", lambda column: column.estimator),
    ("Units × periods", lambda column: column.size),
    ("Observations in likelihood", lambda column: str(column.nobs)),
)

type Fits = Parameters | Sequence[Parameters] | Mapping[str, Parameters]


def table(
    fits: Fits,
    *,
    title: str = "Estimates",
    labels: Mapping[str, str] | None = None,
    also: Covariance | None = None,
    notes: Sequence[str] = (),
    digits: int = 3,
) -> Table:
    """Set fits side by side: estimates with standard errors in parentheses beneath.

    Fits of any model may stand together: what a column says comes from its `column` method.

    Parameters
    ----------
    fits : result, sequence or mapping of results
        Columns; a mapping gives their headings, else the model names do.
    labels : mapping, optional
        Printed names of terms; a lag W(x) takes the label of x.
    also : Covariance, optional
        A second covariance, whose standard errors stand in brackets under the first.
    notes : sequence of str
        Sentences to add to the convention of the standard errors.
    digits : int
        Digits after the point.

    Raises
    ------
    ValueError
        If there is nothing to show.
    FormulaError
        If something is no result, or a column has no covariance other than its own for `also`.
    IdentificationError
        If a column cannot have the covariance `also`.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel, W = ce.data.load_panel(years=(2011, 2019)), ce.weights.contiguity()
    >>> fixed = ce.sar("growth ~ digital | unit + year", panel, W)
    >>> random = ce.random_effects("growth ~ digital + C(year)", panel, W)
    >>> ce.table([fixed, random]).columns
    ('', '(1) SAR', '(2) RE SAR')
    """
    columns = _headed(fits)
    if not columns:
        raise ValueError("no fits to show; give at least one result.")
    about = {heading: fit.column() for heading, fit in columns.items()}
    second = {} if also is None else _with_cov(columns, also)
    rows: list[tuple[str, ...]] = []
    for term in _ordered(columns, about):
        values = [_cell(fit.params, term, digits) for fit in columns.values()]
        rows += [
            (term_label(term, labels or {}), *values),
            ("", *_errors(term, columns, digits, "()")),
        ]
        rows += [("", *_errors(term, second, digits, "[]"))] if second else []
    return Table(
        title=title,
        columns=("", *columns),
        rows=(*rows, *_foot(about.values())),
        rules=frozenset({len(rows)}),
        notes=(*_notes(columns, second, about), *notes),
    )


def _headed(fits: Fits) -> dict[str, Parameters]:
    if isinstance(fits, Parameters):
        fits = [fits]
    for fit in fits.values() if isinstance(fits, Mapping) else fits:
        if not isinstance(fit, Parameters):
            raise FormulaError(
                f"a column of type {type(fit).__name__}; give results, such as those of ce.sdm."
            )
    if isinstance(fits, Mapping):
        return dict(fits)
    return {f"({i}) {fit.column().heading}": fit for i, fit in enumerate(fits, start=1)}


def _with_cov(columns: Mapping[str, Parameters], also: Covariance) -> dict[str, Parameters]:
    """Give every column the second covariance, or name the one that cannot have it."""
    second: dict[str, Parameters] = {}
    for heading, fit in columns.items():
        try:
            second[heading] = fit.with_cov(also)
        except CcecError as error:
            raise type(error)(f"column {heading!r} with also={also!r}: {error}") from error
    return second


def _ordered(columns: Mapping[str, Parameters], about: Mapping[str, Column]) -> list[str]:
    """Order the terms of all fits: own, lags, rho, lam, variances."""
    ranks: dict[str, int] = {}
    for heading, fit in columns.items():
        for name, kind in zip(fit.params.index, about[heading].kinds, strict=True):
            if name != _IN_FOOT:
                ranks[str(name)] = max(_RANK[kind], ranks.get(str(name), 0))
    return sorted(ranks, key=ranks.__getitem__)


def _cell(values: pd.Series, term: str, digits: int) -> str:
    return number(float(values[term]), digits) if term in values.index else ""


def _errors(term: str, columns: Mapping[str, Parameters], digits: int, brackets: str) -> list[str]:
    cells = [_cell(fit.std_errors, term, digits) for fit in columns.values()]
    return [f"{brackets[0]}{cell}{brackets[1]}" if cell else "" for cell in cells]


def listed(names: Sequence[str]) -> str:
    """Join names for a sentence: "none", "a", "a and b", "a, b and c"."""
    if not names:
        return "none"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def term_label(term: str, labels: Mapping[str, str]) -> str:
    """Print a term: ρ, ρ (near), W × x, or its label."""
    if term in _GREEK:
        return labels.get(term, _GREEK[term])
    if term.startswith("rho[") and term.endswith("]"):
        return labels.get(term, f"{_GREEK['rho']} ({term[4:-1]})")
    if term.startswith("W(") and term.endswith(")"):
        return f"W × {labels.get(term[2:-1], term[2:-1])}"
    return labels.get(term, term)


def _foot(about: Iterable[Column]) -> list[tuple[str, ...]]:
    """Rows beneath the estimates; one that no column fills is left out."""
    columns = list(about)
    rows = [(label, *(text(column) for column in columns)) for label, text in _ROWS]
    return [row for row in rows if any(row[1:])]


def _notes(
    columns: Mapping[str, Parameters],
    second: Mapping[str, Parameters],
    about: Mapping[str, Column],
) -> tuple[str, ...]:
    """Say how the standard errors were computed; name columns where conventions differ."""
    text = [f"Standard errors in parentheses: {_conventions(columns)}."]
    if second:
        text.append(f"In brackets: {_conventions(second)}.")
    counted = {column.nobs for column in about.values() if not np.isnan(column.loglik)}
    if len(counted) > 1:
        text.append("Log-likelihoods on different numbers of observations do not compare.")
    return (*text, *_of_columns(about))


def _of_columns(about: Mapping[str, Column]) -> list[str]:
    """Sentences of the columns, each once; headings before what not all columns say."""
    said: dict[str, list[str]] = {}
    for heading, column in about.items():
        for note in column.notes:
            said.setdefault(note, []).append(heading)
    return [
        note if len(headings) == len(about) else f"{', '.join(headings)}: {note}"
        for note, headings in said.items()
    ]


def _conventions(columns: Mapping[str, Parameters]) -> str:
    shared: dict[str, list[str]] = {}
    for heading, fit in columns.items():
        shared.setdefault(fit.vcov.convention, []).append(heading)
    if len(shared) == 1:
        return next(iter(shared))
    return "; ".join(f"{', '.join(names)}: {how}" for how, names in shared.items())
