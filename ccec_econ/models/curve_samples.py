"""From data and choices to groups: samples cut, terms evaluated, weights taken among the units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.engine.estimate import Columns
from ccec_econ.engine.prepared import prepared
from ccec_econ.engine.spectrum import Spectrum
from ccec_econ.errors import FormulaError, PanelError, first_five
from ccec_econ.formula import Design, Spec, lagged_term, materialise
from ccec_econ.inference.quantity import Quantity
from ccec_econ.inference.vcov import Covariance, bound
from ccec_econ.models.curve_choices import Choice, Choices, Sample
from ccec_econ.models.curve_groups import Group, Member
from ccec_econ.models.prepared import spectrum_as, spectrum_for
from ccec_econ.models.static import MODELS
from ccec_econ.panel import Panel, UnbalancedPanel
from ccec_econ.weights import WeightsLike, align_sparse, among

__all__ = ["groups_of"]


@dataclass(frozen=True, slots=True)
class _Cut:
    """One sample of the data, and what was made of it so far.

    Attributes
    ----------
    panel : Panel or None
        None where the sample is not a balanced panel; `reason` says why.
    here : ndarray of bool
        Which units of the data it has.
    """

    panel: Panel | None
    reason: str
    here: NDArray[np.bool_]
    designs: dict[tuple[str, str], Design | str] = field(default_factory=dict)
    spectra: dict[str, Spectrum | str] = field(default_factory=dict)

    def design(self, outcome: str, term: str, panel: Panel) -> Design | str:
        """Columns of a term beside a response, or the reason why there are none."""
        if (outcome, term) not in self.designs:
            try:
                found: Design | str = materialise(Spec(outcome, term, ()), panel)
            except PanelError as error:
                found = str(error)
            self.designs[outcome, term] = found
        return self.designs[outcome, term]

    def spectrum(self, name: str, W: WeightsLike, units: pd.Index) -> Spectrum | str:
        """Weights among the units of the sample, or the reason why there are none.

        Parameters
        ----------
        units : Index
            Those of the data, of which the sample has some.
        """
        if name not in self.spectra:
            self.spectra[name] = self._made(name, W, units)
        return self.spectra[name]

    def _made(self, name: str, W: WeightsLike, units: pd.Index) -> Spectrum | str:
        if self.here.all():
            return prepared(spectrum_for(W, units))
        part, alone = among(align_sparse(W, units), self.here)
        if alone.any():
            return (
                f"weights {name!r}: without the other units "
                f"{first_five(units[self.here][alone])} has no neighbour left; leave it out too, "
                "or give weights with more neighbours."
            )
        return prepared(spectrum_as(W, part))


def groups_of(
    data: pd.DataFrame,
    found: Choices,
    listed: list[Choice],
    *,
    index: tuple[str, str] | None,
    cov: Covariance,
    quantity: Quantity,
) -> Iterator[Group]:
    """Gather specifications by what they share; rows are positions in `listed`.

    Raises
    ------
    FormulaError
        If a term cannot be read, a sample names other units or is empty, or `cov` is none.
    AlignmentError
        If weights or `cov` and the data differ in their units.
    PanelError
        If data have no unit and period, or one twice.
    """
    whole = UnbalancedPanel.from_frame(data, index)
    for W in found.weights.values():
        align_sparse(W, whole.units)
    cuts = {label: _cut(whole, sample) for label, sample in found.samples.items()}

    def shared(row: int) -> tuple[str, str, str, str]:
        one = listed[row]
        return one.sample, one.outcome, one.weights, one.effects

    for _, rows in groupby(sorted(range(len(listed)), key=shared), key=shared):
        chosen = list(rows)
        one = listed[chosen[0]]
        yield _group(
            cuts[one.sample],
            found,
            {row: listed[row] for row in chosen},
            whole.units,
            cov=cov,
            quantity=quantity,
        )


def _cut(whole: UnbalancedPanel, sample: Sample) -> _Cut:
    part = whole.frame[sample.rows(whole.frame.index)]
    here = whole.units.isin(part.index.get_level_values(1))
    try:
        return _Cut(Panel.from_frame(part.swaplevel()), "", here)
    except PanelError as error:
        return _Cut(None, str(error), here)


def _group(
    cut: _Cut,
    found: Choices,
    members: Mapping[int, Choice],
    units: pd.Index,
    *,
    cov: Covariance,
    quantity: Quantity,
) -> Group:
    one = next(iter(members.values()))
    listed = tuple(
        Member(row, choice.model, found.terms_of(choice)) for row, choice in members.items()
    )
    refused: dict[str, str] = {}
    columns, at, spectrum = None, dict[str, tuple[int, ...]](), None
    if cut.panel is None:
        refused[""] = cut.reason
    else:
        given = found.weights.get(one.weights)
        weights = None if given is None else cut.spectrum(one.weights, given, units)
        if isinstance(weights, str):
            refused[""] = weights
        else:
            spectrum = weights
            lagged = any(MODELS[member.model].lag_x for member in listed)
            outcome = found.outcome[one.outcome]
            columns, at = _columns(cut, cut.panel, outcome, found, refused)
            if lagged and spectrum is not None and columns is not None:
                columns, at = _with_lags(columns, at, spectrum)
        cov = bound(cov, cut.panel.units)
    return Group(
        columns=columns,
        at=at,
        refused=refused,
        weights=spectrum,
        effects=one.effects,
        units=np.flatnonzero(cut.here),
        cov=cov,
        quantity=quantity,
        members=listed,
    )


def _columns(
    cut: _Cut, panel: Panel, outcome: str, found: Choices, refused: dict[str, str]
) -> tuple[Columns | None, dict[str, tuple[int, ...]]]:
    """Columns of all terms that can be used, and where each stands; the constant comes first."""
    response, parts, names = None, [], list[str]()
    at: dict[str, tuple[int, ...]] = {"": (0,)}
    focus = found.focus.values()
    for term in found.terms:
        design = cut.design(outcome, term, panel)
        if isinstance(design, str):
            refused[term] = design
            continue
        own = [j for j, name in enumerate(design.terms) if name != "Intercept"]
        if term in focus and len(own) != 1:
            raise FormulaError(f"focus {term!r} makes {len(own)} columns; it must be one number.")
        at[term] = tuple(range(1 + len(names), 1 + len(names) + len(own)))
        response = design.y
        parts.append(design.X[:, :, own])
        names += [design.terms[j] for j in own]
    if response is None:
        return None, at
    X = np.concatenate([np.ones((*response.shape, 1)), *parts], axis=2)
    return Columns(response, X, ("Intercept", *names), (None,) * X.shape[2]), at


def _with_lags(
    columns: Columns, at: dict[str, tuple[int, ...]], W: Spectrum
) -> tuple[Columns, dict[str, tuple[int, ...]]]:
    """Add the lag of every term but the constant."""
    own, K = columns.terms[1:], len(columns.terms)
    X = np.concatenate([columns.X, W.lag(columns.X[:, :, 1:])], axis=2)
    terms = (*columns.terms, *(lagged_term(term) for term in own))
    lags = {
        lagged_term(term): tuple(j + K - 1 for j in places) for term, places in at.items() if term
    }
    return Columns(columns.y, X, terms, (*columns.lag_of, *own)), {**at, **lags}
