"""Several fits side by side, the way a journal prints them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from ccec_econ.inference.vcov import Covariance
from ccec_econ.models.results import SpatialPanelResults, family
from ccec_econ.models.unbalanced_results import UnbalancedPanelResults
from ccec_econ.typeset import Table, number

__all__ = ["listed", "table", "term_label"]

_SHORT = {"transformation": "transf.", "direct": "direct", "bias_corrected": "bias-corr."}
_EFFECTS = {"none": "none", "unit": "unit", "time": "time", "twoway": "unit, time"}
_GREEK = {"rho": "ρ", "lam": "λ"}

type Fits = SpatialPanelResults | Sequence[SpatialPanelResults] | Mapping[str, SpatialPanelResults]


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
    """
    columns = _headed(fits)
    if not columns:
        raise ValueError("no fits to show; give at least one result.")
    terms = _ordered(columns.values())
    second = {} if also is None else {name: fit.with_cov(also) for name, fit in columns.items()}
    rows: list[tuple[str, ...]] = []
    for term in terms:
        values = [_cell(fit.params, term, digits) for fit in columns.values()]
        rows += [
            (term_label(term, labels or {}), *values),
            ("", *_errors(term, columns, digits, "()")),
        ]
        rows += [("", *_errors(term, second, digits, "[]"))] if second else []
    foot = _foot(columns, digits)
    return Table(
        title=title,
        columns=("", *columns),
        rows=(*rows, *foot),
        rules=frozenset({len(rows)}),
        notes=(*_notes(columns, second), *notes),
    )


def _headed(fits: Fits) -> dict[str, SpatialPanelResults]:
    if isinstance(fits, SpatialPanelResults):
        fits = [fits]
    for fit in fits.values() if isinstance(fits, Mapping) else fits:
        family(fit, unbalanced=True)
    if isinstance(fits, Mapping):
        return dict(fits)
    return {f"({i}) {fit.model.upper()}": fit for i, fit in enumerate(fits, start=1)}


def _ordered(fits: Iterable[SpatialPanelResults]) -> list[str]:
    """Order the terms of all fits: own, lags, rho, lam."""
    names = dict.fromkeys(str(name) for fit in fits for name in fit.params.index)
    lags = {
        term
        for fit in fits
        for term, of in zip(fit.estimate.terms, fit.estimate.lag_of, strict=True)
        if of is not None
    }
    rank = {"rho": 2, "lam": 3}
    return sorted(names, key=lambda name: rank.get(name, int(name in lags)))


def _cell(values: pd.Series, term: str, digits: int) -> str:
    return number(float(values[term]), digits) if term in values.index else ""


def _errors(
    term: str, columns: Mapping[str, SpatialPanelResults], digits: int, brackets: str
) -> list[str]:
    cells = [_cell(fit.std_errors, term, digits) for fit in columns.values()]
    return [f"{brackets[0]}{cell}{brackets[1]}" if cell else "" for cell in cells]


def listed(names: Sequence[str]) -> str:
    """Join names for a sentence: "none", "a", "a and b", "a, b and c"."""
    if not names:
        return "none"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def term_label(term: str, labels: Mapping[str, str]) -> str:
    """Print a term: ρ, W × x, or its label."""
    if term in _GREEK:
        return labels.get(term, _GREEK[term])
    if term.startswith("W(") and term.endswith(")"):
        return f"W × {labels.get(term[2:-1], term[2:-1])}"
    return labels.get(term, term)


def _foot(columns: Mapping[str, SpatialPanelResults], digits: int) -> list[tuple[str, ...]]:
    fits = list(columns.values())
    return [
        ("σ²", *(f"{fit.sigma2:.4g}" for fit in fits)),
        ("Log-likelihood", *(number(fit.loglik, 2) for fit in fits)),
        ("R², effects removed", *(number(fit.rsquared, 3) for fit in fits)),
        ("Fixed effects", *(_EFFECTS[fit.effects_name] for fit in fits)),
        ("Likelihood", *(_kind(fit) for fit in fits)),
        ("Units × periods", *(_size(fit) for fit in fits)),
        ("Observations in likelihood", *(str(fit.likelihood_nobs) for fit in fits)),
    ]


def _size(fit: SpatialPanelResults) -> str:
    T, N = fit.estimate.y.shape
    return f"{N} × {T}" if fit.nobs == N * T else f"{N} × {T}, {fit.nobs} cells"


def _kind(fit: SpatialPanelResults) -> str:
    if not fit.estimate.spatial:
        return "least squares"
    if isinstance(fit, UnbalancedPanelResults):
        return fit.likelihood_name()
    if fit.model.startswith("dynamic"):
        return "QML" if fit.method == "direct" else "QML, corrected"
    if np.isnan(fit.loglik) and fit.method == "transformation":  # instruments, no likelihood
        return fit.likelihood_name()
    return "ML" if fit.effects_name == "none" else _SHORT[fit.method]


def _notes(
    columns: Mapping[str, SpatialPanelResults], second: Mapping[str, SpatialPanelResults]
) -> tuple[str, ...]:
    """Say how the standard errors were computed; name columns where conventions differ."""
    text = [f"Standard errors in parentheses: {_conventions(columns)}."]
    if second:
        text.append(f"In brackets: {_conventions(second)}.")
    if len({fit.likelihood_nobs for fit in columns.values()}) > 1:
        text.append("Log-likelihoods on different numbers of observations do not compare.")
    return (*text, "σ² is the sum of squares over the observations in the likelihood.")


def _conventions(columns: Mapping[str, SpatialPanelResults]) -> str:
    shared: dict[str, list[str]] = {}
    for heading, fit in columns.items():
        shared.setdefault(fit.vcov.convention, []).append(heading)
    if len(shared) == 1:
        return next(iter(shared))
    return "; ".join(f"{', '.join(names)}: {how}" for how, names in shared.items())
