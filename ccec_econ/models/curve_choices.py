"""What a specification curve varies, and every combination of it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any, get_args

import numpy as np
import pandas as pd
from formulaic import Formula
from formulaic.parser.types import Term
from numpy.typing import NDArray

from ccec_econ.errors import FormulaError, first_five
from ccec_econ.formula import Effects
from ccec_econ.formula_words import reading
from ccec_econ.models.static import MODELS
from ccec_econ.weights import WeightsLike

__all__ = ["DIMENSIONS", "NO_WEIGHTS", "Choice", "Choices", "Expressions", "Sample", "choices"]

DIMENSIONS = ("outcome", "focus", "controls", "weights", "sample", "effects", "model")
"""What varies, in the order of the frame's columns."""
NO_WEIGHTS = "none"
_MOST_CONTROLS = 16  # 65,536 subsets

type Expressions = str | Sequence[str] | Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sample:
    """Which units and periods of the data a specification uses.

    Attributes
    ----------
    without : sequence
        Units left out.
    units : sequence, optional
        Units kept; all by default.
    periods : (first, last), optional
        Both are kept; all by default.

    Examples
    --------
    >>> Sample(without=["500000"], periods=(2011, 2019)).periods
    (2011, 2019)
    """

    without: Sequence[Hashable] = ()
    units: Sequence[Hashable] | None = None
    periods: tuple[Any, Any] | None = None

    def rows(self, index: pd.Index) -> NDArray[np.bool_]:
        """Choose rows of an index (time, unit).

        Raises
        ------
        FormulaError
            If a unit is not in the data, or nothing is left.
        """
        if isinstance(self.without, str) or isinstance(self.units, str):
            raise FormulaError("a sample takes lists of units: ce.Sample(without=['500000']).")
        times, units = index.get_level_values(0), index.get_level_values(1)
        named = [*self.without, *(self.units or ())]
        unknown = [unit for unit in named if unit not in units]
        if unknown:
            raise FormulaError(
                f"the sample names {first_five(unknown)}; units are {first_five(units.unique())}."
            )
        kept = ~units.isin(list(self.without))
        if self.units is not None:
            kept &= units.isin(list(self.units))
        if self.periods is not None:
            first, last = self.periods
            kept &= (times >= first) & (times <= last)
        if not kept.any():
            raise FormulaError(
                f"the sample {self} leaves no row; periods are {first_five(times.unique())}."
            )
        return np.asarray(kept)


@dataclass(frozen=True, slots=True)
class Choice:
    """One specification, by the labels of what was chosen."""

    outcome: str
    focus: str
    controls: str
    weights: str
    sample: str
    effects: Effects
    model: str


@dataclass(frozen=True, slots=True)
class Choices:
    """What a curve varies: each with a label.

    Attributes
    ----------
    outcome, focus : dict
        Expressions by label.
    always : tuple of str
        Terms of every specification.
    controls : dict
        Tuples of terms by label.
    weights, samples : dict
    effects, models : tuple of str
    """

    outcome: dict[str, str]
    focus: dict[str, str]
    always: tuple[str, ...]
    controls: dict[str, tuple[str, ...]]
    weights: dict[str, WeightsLike]
    samples: dict[str, Sample]
    effects: tuple[Effects, ...]
    models: tuple[str, ...]

    @property
    def terms(self) -> tuple[str, ...]:
        """Every term that some specification holds, each once."""
        every = [*self.focus.values(), *self.always]
        for part in self.controls.values():
            every += part
        return tuple(dict.fromkeys(every))

    def terms_of(self, choice: Choice) -> tuple[str, ...]:
        """Terms of one specification, that of interest first."""
        return (self.focus[choice.focus], *self.always, *self.controls[choice.controls])

    def every(self) -> list[Choice]:
        """All combinations; a model without weights enters once, whatever the weights."""
        spatial = [name for name in self.models if MODELS[name].spatial]
        plain = [name for name in self.models if not MODELS[name].spatial]
        pairs = [(NO_WEIGHTS, name) for name in plain]
        pairs += list(product(self.weights, spatial))
        return [
            Choice(outcome, focus, controls, weights, sample, effects, model)
            for outcome, focus, controls, (weights, model), sample, effects in product(
                self.outcome, self.focus, self.controls, pairs, self.samples, self.effects
            )
        ]


def choices(
    outcome: Expressions,
    focus: Expressions,
    *,
    always: Sequence[str],
    controls: Sequence[str] | Mapping[str, Sequence[str]],
    weights: WeightsLike | Mapping[str, WeightsLike] | None,
    models: Sequence[str],
    samples: Mapping[str, Sample] | None,
    effects: Effects | Sequence[Effects],
) -> Choices:
    """Read what a user varies; refuse what is no choice.

    Raises
    ------
    FormulaError
        As `specification_curve`.
    """
    chosen = _several(models, "models", tuple(MODELS))
    fixed = _several(effects, "effects", get_args(Effects))
    given = _weights(weights)
    if any(MODELS[name].spatial for name in chosen) and not given:
        raise FormulaError(f"models {first_five(chosen)} need weights; give them by name.")
    found = Choices(
        outcome=_expressions(outcome, "outcome"),
        focus=_expressions(focus, "focus"),
        always=tuple([always] if isinstance(always, str) else always),
        controls=_sets(controls),
        weights=given,
        samples=dict(samples or {"all": Sample()}),
        effects=tuple(e for e in get_args(Effects) if e in fixed),
        models=chosen,
    )
    _refuse_samples(found.samples)
    lagged = [term for term in found.terms if term.startswith(("W(", "L("))]
    if lagged:
        raise FormulaError(
            f"terms {first_five(lagged)}: lags in space come with the models, lags in time are "
            "built first; name plain terms."
        )
    parts = {term: _parts(term) for term in found.terms}
    held = [part for term in found.always for part in parts[term]]
    focused = {part for term in found.focus.values() for part in parts[term]}
    for label, terms in found.controls.items():
        own = [part for term in terms for part in parts[term]]
        both = [part for part in own if part in focused or part in held]
        if both or len(set(own)) < len(own):
            raise FormulaError(
                f"controls {label!r} hold {first_five(both or own)} twice, or as the focus or "
                "among `always` too; name each term once."
            )
    if focused & set(held) or len(set(held)) < len(held):
        raise FormulaError(
            "the focus stands among `always` too, or `always` names a term twice; name each term "
            "once."
        )
    return found


def _parts(term: str) -> list[Term]:
    """Terms that a text such as ``x * z`` stands for; refuse columns that depend on other terms."""
    with reading(term):
        parts = list(Formula(term))
    if "1" not in parts:
        raise FormulaError(
            f"term {term!r} takes the constant away, which is for `effects` to say; leave '- 1' "
            "and '+ 0' out."
        )
    coded = [
        part
        for part in parts
        if len(part.factors) > 1 and any(str(f.expr).startswith("C(") for f in part.factors)
    ]
    if coded:
        raise FormulaError(
            f"term {term!r}: the columns of {first_five(coded)} depend on what else stands in the "
            "formula, which differs between specifications; make dummies in the data and name "
            "their products, such as 'west:hsr'."
        )
    return [part for part in parts if part != "1"]


def _expressions(given: Expressions, what: str) -> dict[str, str]:
    if isinstance(given, str):
        return {given: given}
    found = dict(given) if isinstance(given, Mapping) else {each: each for each in given}
    if not found or not all(isinstance(each, str) for each in found.values()):
        raise FormulaError(
            f"{what} {given!r}: give a term, a list of terms, or a mapping of a label to a term."
        )
    if len(set(found.values())) < len(found) or len(found) < len(given):
        raise FormulaError(f"{what} names a term twice: {first_five(given)}; name each once.")
    return found


def _sets(given: Sequence[str] | Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Return listed sets by label, or all subsets of a list."""
    if isinstance(given, str):
        raise FormulaError(f"controls {given!r}: give a list of terms, or sets of terms by label.")
    if isinstance(given, Mapping):
        loose = [label for label, part in given.items() if isinstance(part, str)]
        if loose or not given:
            raise FormulaError(
                f"controls {first_five(loose) or 'empty'}: give a list of terms for every label."
            )
        return {str(label): tuple(part) for label, part in given.items()}
    if len(given) > _MOST_CONTROLS:
        raise FormulaError(
            f"{len(given)} controls have {2 ** len(given):,} subsets; list the sets that make "
            'sense: controls={"none": [], "structure": [...]}.'
        )
    subsets = (part for size in range(len(given) + 1) for part in combinations(given, size))
    return {" + ".join(part) or "none": part for part in subsets}


def _weights(given: WeightsLike | Mapping[str, WeightsLike] | None) -> dict[str, WeightsLike]:
    if given is None:
        return {}
    found = dict(given) if isinstance(given, Mapping) else {"W": given}
    if NO_WEIGHTS in found:
        raise FormulaError("weights called 'none': that is the label of models without weights.")
    return found


def _several[Name: str](
    given: str | Sequence[Name], what: str, known: tuple[str, ...]
) -> tuple[str, ...]:
    found = (given,) if isinstance(given, str) else tuple(given)
    unknown = [name for name in found if name not in known]
    if unknown or not found or len(set(found)) < len(found):
        raise FormulaError(
            f"{what} {first_five(unknown or found) or 'none'}: give each once, among "
            f"{', '.join(known)}."
        )
    return found


def _refuse_samples(samples: Mapping[str, Sample]) -> None:
    other = [label for label, each in samples.items() if not isinstance(each, Sample)]
    if other:
        raise FormulaError(
            f"samples {first_five(other)}: give ce.Sample(), such as "
            'ce.Sample(without=["500000"]) or ce.Sample(periods=(2011, 2019)).'
        )
