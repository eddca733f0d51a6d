"""Direct, indirect and total effects of a regressor, with delta and simulation intervals.

A unit change of x everywhere moves y by S_k = f (b I + t W), f = (I - rho W)^-1 in a static model,
with b the coefficient of x and t that of W(x). Direct is tr(S_k)/n, total i'S_k i/n, indirect
their difference (LeSage and Pace 2009, Introduction to Spatial Econometrics, chapter 2). With
row-standardised W the total is (b + t)/(1 - rho). Other f, of dynamic models and several spatial
lags, are in `multipliers`. Where weights change over time, effects are means over the periods.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.errors import FormulaError, first_five
from ccec_econ.inference.intervals import Intervals
from ccec_econ.inference.measure import (
    Refits,
    effect_map,
    errors_along,
    measure,
    slopes_along,
)
from ccec_econ.inference.reduced_form import ReducedForm
from ccec_econ.inference.vcov import Vcov
from ccec_econ.inference.weighted_period import averages
from ccec_econ.typeset import Table, interval, number

__all__ = [
    "NAMES",
    "SUMS",
    "Effects",
    "average_effects",
    "delta_effects",
    "effect_slopes",
    "effects",
]

NAMES = ("direct", "indirect", "total")
SUMS = np.array([[1.0, 0.0], [-1.0, 1.0], [0.0, 1.0]])  # of mean diagonal and mean row sum
_TITLE = "Direct, indirect and total effects"


@dataclass(frozen=True, slots=True, repr=False)
class Effects(Intervals):
    """Effects of every regressor.

    As `Intervals`, the frame indexed (term, effect).
    """

    def select(self, terms: Sequence[str]) -> Effects:
        """Keep the effects of some terms, in the order given.

        Raises
        ------
        FormulaError
            If a term has no effects here.
        """
        known = self.frame.index.get_level_values("term").unique()
        unknown = [term for term in terms if term not in known]
        if unknown:
            raise FormulaError(
                f"no effects of {first_five(unknown)}; there are those of {first_five(known)}."
            )
        return replace(self, frame=self.frame.loc[list(terms)])

    def summary(
        self,
        *,
        title: str = "",
        labels: Mapping[str, str] | None = None,
        also: Mapping[str, Effects] | None = None,
        notes: Sequence[str] = (),
        digits: int = 4,
    ) -> Table:
        """Table of effects with every interval.

        Parameters
        ----------
        labels : mapping, optional
            Printed names of terms.
        also : mapping, optional
            The same effects under other covariances by heading; their delta intervals stand last.
        notes : sequence of str
            Sentences to add beneath.
        """
        percent = f"{100 * self.level:g} %"
        frame = self.frame
        spans = {name: frame[list(columns)] for name, columns in self.spans.items()}
        beneath = list(self.notes())
        for name, other in (also or {}).items():
            self._refuse_unlike(name, other, spans)
            spans[name] = other.frame[["lower", "upper"]]
            beneath.append(f"{name} interval: delta method, {other.convention}.")
        ends = [span.to_numpy(dtype=np.float64) for span in spans.values()]
        rows = tuple(
            (
                (labels or {}).get(str(term), str(term)) if effect == NAMES[0] else "",
                str(effect),
                number(value, digits),
                number(error, digits),
                *(interval(end[i, 0], end[i, 1], digits) for end in ends),
            )
            for i, ((term, effect), (value, error)) in enumerate(
                zip(frame.index, frame[["estimate", "std_error"]].to_numpy(), strict=True)
            )
        )
        heads = ("Term", "Effect", "Estimate", "Std. error")
        return Table(
            title=title or self._titled(_TITLE),
            columns=(*heads, *(f"{name} {percent}" for name in spans)),
            rows=rows,
            rules=frozenset(range(3, len(rows), 3)),
            notes=(*beneath, *notes),
            text_columns=frozenset({1}),
        )

    def _refuse_unlike(self, name: str, other: Effects, taken: Mapping[str, object]) -> None:
        if (
            name in taken
            or other.level != self.level
            or not other.frame.index.equals(self.frame.index)
        ):
            raise FormulaError(
                f"effects {name!r} cannot stand beside these: give another heading than "
                f"{first_five(taken)}, the same terms in the same order and level {self.level:g}."
            )


def effects(
    form: ReducedForm,
    vcov: Vcov,
    *,
    level: float,
    draws: int,
    rng: np.random.Generator,
    bootstrap: Refits | None = None,
) -> Effects:
    """Compute the effects of every term of a reduced form.

    Parameters and errors as in `measure.measure`.
    """
    found = measure(
        effect_map(form, averages), vcov, level=level, draws=draws, rng=rng, bootstrap=bootstrap
    )
    names = [term.name for term in form.terms]
    index = pd.MultiIndex.from_product([names, NAMES], names=["term", "effect"])
    remarks = (*found.convention.remarks, *_one_ratio(form, found.point))
    basis = replace(found.convention, remarks=remarks)
    return Effects(found.frame(SUMS, index), basis, form.reach.name() if form.is_dynamic else "")


def delta_effects(form: ReducedForm, vcov: Vcov) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Direct, indirect and total effects and their delta-method errors, each (terms, 3)."""
    point = average_effects(form, form.theta[None, :])[0]
    return point, errors_along(effect_slopes(form), form.covariance(vcov))


def effect_slopes(form: ReducedForm) -> NDArray[np.float64]:
    """Differentiate effects with respect to the parameters of the form: shape (terms, 3, P)."""
    return slopes_along(effect_map(form, averages).slopes(), SUMS)


def average_effects(form: ReducedForm, theta: NDArray[np.float64]) -> NDArray[np.float64]:
    """Direct, indirect and total effects at parameters (D, P): shape (D, terms, 3)."""
    return np.asarray(effect_map(form, averages).at(theta) @ SUMS.T)


def _one_ratio(form: ReducedForm, point: NDArray[np.float64]) -> tuple[str, ...]:
    """Say what a lag of y without lags of regressors does to the effects."""
    if not form.rho or form.has_lagged_terms or not form.terms:
        return ()
    cells = form.reduced(form.theta[None, :], averages)[0, 0]
    ratio = number(cells[1] / cells[0] - 1.0, 4)
    return (
        "No regressor is lagged in space: the ratio of indirect to direct effects is the same for "
        f"every regressor, {ratio}.",
    )
