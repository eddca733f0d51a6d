"""Effects unit by unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ccec_econ.errors import FormulaError, first_five
from ccec_econ.inference.measure import effect_map
from ccec_econ.inference.reduced_form import ReducedForm
from ccec_econ.inference.weighted_period import matrix
from ccec_econ.typeset import Printed, Table, number

__all__ = ["UnitEffects", "unit_effects"]


@dataclass(frozen=True, slots=True, repr=False)
class UnitEffects(Printed):
    """Effects of one regressor between single units.

    Attributes
    ----------
    term : str
    matrix : DataFrame, shape (N, N)
        S = (I - rho W)^-1 (b I + t W) in a static model: the effect on the row's unit of a unit
        change of x in the column's unit.
    """

    term: str
    matrix: pd.DataFrame

    @property
    def own(self) -> pd.Series:
        """Effect of a unit's own change, feedback included; the mean is the direct effect."""
        values = np.diag(self.matrix.to_numpy())
        return pd.Series(values, index=self.matrix.index, name="own")

    @property
    def received(self) -> pd.Series:
        """Row sums: what a unit receives when x rises by one everywhere."""
        return self.matrix.sum(axis=1).rename("received")

    @property
    def emitted(self) -> pd.Series:
        """Column sums: what all units together receive when x rises by one in this unit."""
        values = self.matrix.to_numpy().sum(axis=0)
        return pd.Series(values, index=self.matrix.index, name="emitted")

    @property
    def frame(self) -> pd.DataFrame:
        """Own, received and emitted effects by unit; the latter two both average to the total."""
        return pd.concat([self.own, self.received, self.emitted], axis=1)

    def summary(self, digits: int = 4) -> Table:
        """Table of own, received and emitted effects by unit."""
        frame = self.frame
        return Table(
            title=f"Effects of {self.term} between {len(frame)} units",
            columns=("Unit", *(str(name).capitalize() for name in frame.columns)),
            rows=tuple(
                (str(unit), *(number(cell, digits) for cell in row))
                for unit, row in zip(frame.index, frame.to_numpy(), strict=True)
            ),
            notes=(
                "Own: of the unit's own change. Received: of a change everywhere. Emitted: on all "
                "units of a change in this one. Point estimates.",
            ),
        )


def unit_effects(form: ReducedForm, units: pd.Index, term: str) -> UnitEffects:
    """Compute the N x N matrix of effects of one term.

    Parameters
    ----------
    units : Index
        Labels of the N units, in the order of the form.

    Raises
    ------
    FormulaError
        If the term has no effects in the model.

    References
    ----------
    LeSage and Pace (2009), Introduction to Spatial Econometrics, section 2.7.
    """
    known = [each.name for each in form.terms]
    if term not in known:
        raise FormulaError(f"no effects of {term!r}; there are those of {first_five(known)}.")
    cells = effect_map(form, matrix).at(form.theta[None, :])[0, known.index(term)]
    name = units.name or "unit"
    index, columns = units.rename(name), units.rename(f"from_{name}")
    values = cells.reshape(len(units), len(units))
    return UnitEffects(term, pd.DataFrame(values, index=index, columns=columns))
