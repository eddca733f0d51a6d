"""Strength of the spatial instruments, to be read before a model with W y is fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ccec_econ.engine.instruments import project, spatial_lags
from ccec_econ.engine.strength import FirstStage, condition_number, first_stages
from ccec_econ.engine.transform import demean
from ccec_econ.errors import IdentificationError
from ccec_econ.formula import materialise, parse
from ccec_econ.inference.cluster import Cluster
from ccec_econ.inference.vcov import Covariance
from ccec_econ.models.endogenous import Durbin, Options, Order, prepare
from ccec_econ.models.fitting import AnyWeights, spectral
from ccec_econ.models.instrumental import (
    EFFECTIVE,
    FIRST_STAGE_COLUMNS,
    first_stage_cells,
    instrumented,
)
from ccec_econ.panel import Panel
from ccec_econ.typeset import Printed, Table, number

__all__ = ["InstrumentStrength", "LagStage", "instrument_strength"]

_CLUSTER = Cluster("unit")
_ASKED: tuple[tuple[Literal["SAR", "SDM"], Durbin, Order], ...] = (
    ("SAR", None, 1),
    ("SAR", None, 2),
    ("SDM", "all", 2),
    ("SDM", "all", 3),
)
_ALONE = "Conditional F"  # F itself: W y is the only endogenous column
_POWERS = ("W X", "W²X", "W³X")


@dataclass(frozen=True, slots=True)
class LagStage:
    """First stage of W y in one model with one set of lags as instruments.

    Attributes
    ----------
    model : {"SAR", "SDM"}
    instruments : str
        Lags excluded from the equation: "W X", "W²X", ...
    count, dropped : int
        Independent instruments, and those left out as combinations of others.
    stage : FirstStage or None
        None where these lags do not identify rho.
    refused : str
        Why not.
    """

    model: str
    instruments: str
    count: int
    dropped: int
    stage: FirstStage | None
    refused: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class InstrumentStrength(Printed):
    """How well lags of the regressors tell W y from the other columns.

    Attributes
    ----------
    stages : tuple of LagStage
    condition : Series
        Condition number of [X], [X, W X] and [X, W X, W²X], effects removed, columns of unit
        length. Above 30 or so single coefficients of W X and W²X cannot be told apart (Belsley,
        Kuh and Welsch 1980).
    convention : str
        How F is computed.
    """

    stages: tuple[LagStage, ...]
    condition: pd.Series
    convention: str

    @property
    def frame(self) -> pd.DataFrame:
        """One row per model and set of instruments."""
        nan = float("nan")
        rows = [
            {
                "model": one.model,
                "instruments": one.instruments,
                "count": one.count,
                "F": nan if one.stage is None else one.stage.F,
                "effective_F": nan if one.stage is None else one.stage.effective_F,
                "critical": nan if one.stage is None else one.stage.critical,
                "partial_r2": nan if one.stage is None else one.stage.partial_r2,
            }
            for one in self.stages
        ]
        return pd.DataFrame(rows).set_index(["model", "instruments"])

    def summary(self) -> Table:
        """Table of first stages of W y; beneath it the condition numbers."""
        numbers = ", ".join(
            f"{name} {number(value, 1) if np.isfinite(value) else 'infinite'}"
            for name, value in self.condition.items()
        )
        stub, *columns = FIRST_STAGE_COLUMNS
        refused = {one.refused for one in self.stages if one.refused}
        return Table(
            title="Strength of spatial lags as instruments of W y",
            columns=("Model: instruments", "Number", *(c for c in columns if c != _ALONE)),
            rows=tuple(_row(one) for one in self.stages),
            notes=(
                f"{stub} W y, {self.convention}. {EFFECTIVE} A clustered F of several instruments "
                "is too large when clusters are few.",
                f"Condition numbers, effects removed, columns of unit length: {numbers}.",
                *sorted(refused),
            ),
        )


def _row(one: LagStage) -> tuple[str, ...]:
    name = f"{one.model}: {one.instruments}"
    if one.stage is None:
        return (name, "", "none", *("" for _ in range(len(FIRST_STAGE_COLUMNS) - 3)))
    _, *cells = first_stage_cells(one.stage)
    del cells[FIRST_STAGE_COLUMNS.index(_ALONE) - 1]
    return (name, str(one.count), *cells)


def instrument_strength(
    formula: str,
    data: pd.DataFrame,
    weights: AnyWeights,
    *,
    index: tuple[str, str] | None = None,
    cov: Covariance = _CLUSTER,
) -> InstrumentStrength:
    """Measure how strongly W X, W²X and W³X move W y, before a SAR or an SDM is fitted.

    Likelihood and instruments learn rho from the same source: in an SDM from W²X, which must not
    repeat [X, W X] and must move W y. Where it does not, rho rests on the assumed form of the
    likelihood alone (Gibbons and Overman 2012, Journal of Regional Science 52, 172-191).

    Parameters
    ----------
    formula, data, weights, index
        As in `sdm`; every regressor is taken for exogenous.
    cov : Covariance
        ``Cluster("unit")``, ``Cluster("time")`` or ``Information()``.

    Returns
    -------
    InstrumentStrength

    Raises
    ------
    PanelError, FormulaError, AlignmentError, WeightsError, IdentificationError

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> found = instrument_strength("growth ~ hsr | unit + year", panel, ce.weights.contiguity())
    >>> list(found.condition.index)
    ['[X]', '[X, W X]', '[X, W X, W²X]']
    """
    by = instrumented(cov)
    text = "homoskedastic" if by is None else f"clustered by {by}"
    stages = []
    for model, durbin, order in _ASKED:
        first = int(durbin is not None)
        lags = ", ".join(_POWERS[first:order])
        options = Options(durbin, (), (), True, order, True, index)
        try:
            eq = prepare("instrument_strength", formula, data, weights, options).equation
        except IdentificationError as error:
            stages.append(LagStage(model, lags, 0, 0, None, f"{model}, {lags}: {error}"))
            continue
        (stage,) = first_stages(eq, project(eq), (eq.terms[-1],), by)
        stages.append(LagStage(model, lags, len(eq.instruments), len(eq.dropped), stage))
    return InstrumentStrength(tuple(stages), _condition(formula, data, weights, index), text)


def _condition(
    formula: str, data: pd.DataFrame, weights: AnyWeights, index: tuple[str, str] | None
) -> pd.Series:
    panel = Panel.from_frame(data, index)
    own = spectral(weights, panel)
    design = materialise(parse(formula), panel, None if own is None else own.lag)
    if own is None:
        raise IdentificationError("no weights: there is nothing to lag; give a Graph.")
    plain = [j for j, term in enumerate(design.terms) if term in design.slopes]
    X = design.X[:, :, plain]
    columns = [X, *spatial_lags(own.lag, X, 2)]
    inside = [demean(part, design.effects).reshape(-1, len(plain)) for part in columns]
    names = ("[X]", "[X, W X]", "[X, W X, W²X]")
    values = [condition_number(np.column_stack(inside[: k + 1])) for k in range(3)]
    return pd.Series(values, index=list(names), name="condition_number")
