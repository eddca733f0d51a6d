"""Columns of a model, one period at a time."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ccec_econ.engine.estimate import Columns
from ccec_econ.engine.spectrum import Spectrum
from ccec_econ.engine.transform import EffectsName
from ccec_econ.errors import DataError
from ccec_econ.formula import Design, Spec, materialise
from ccec_econ.models.fitting import Model, model_columns
from ccec_econ.panel import Panel
from ccec_econ.scale.blocks import Blocks

__all__ = ["Lag", "ModelColumns"]


@dataclass(frozen=True, slots=True)
class Lag:
    """W, shape (N, N), and nothing else: what workers need of weights."""

    matrix: csr_array

    def lag(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Lag columns of shape (T, N) or (T, N, K)."""
        return np.stack([self.matrix @ period for period in columns])


@dataclass(frozen=True, slots=True)
class ModelColumns:
    """Reads blocks and lags what the model lags.

    Attributes
    ----------
    model, spec, durbin
        What to make.
    blocks : Blocks
    weights : Lag or None
    """

    model: Model
    spec: Spec
    durbin: Sequence[str] | None
    blocks: Blocks
    weights: Lag | None

    def head(self) -> tuple[tuple[str, ...], tuple[str | None, ...], EffectsName]:
        """Labels of the columns, what each is the lag of, and the effects."""
        design = self._design(self.blocks.times[0])
        made = self._lagged(design)
        return made.terms, made.lag_of, design.effects

    def full(self, time: Hashable, terms: tuple[str, ...]) -> NDArray[np.float64]:
        """[Z, y, Wy] of one period, shape (N, K + 2), and their lags with spatial errors.

        Raises
        ------
        DataError
            If the block gives other terms.
        """
        made = self._made(time, terms)
        y = made.y[:, :, None]
        lags_y = self.model.lag_y and self.weights is not None
        columns = [made.X, y, self.weights.lag(y) if lags_y and self.weights else np.zeros_like(y)]
        if self.model.lag_u and self.weights is not None:
            columns += [self.weights.lag(part) for part in columns]
        return np.asarray(np.concatenate(columns, axis=2)[0])

    def regressors(self, time: Hashable, terms: tuple[str, ...]) -> NDArray[np.float64]:
        """Z of one period, shape (N, K).

        Raises
        ------
        DataError
            As `full`.
        """
        return np.asarray(self._made(time, terms).X[0])

    def _made(self, time: Hashable, terms: tuple[str, ...]) -> Columns:
        made = self._lagged(self._design(time))
        if made.terms != terms:
            raise DataError(
                f"block of {self.blocks.time_name} {time} gives the terms {made.terms}, the "
                f"first block {terms}; the same categories must stand in every block."
            )
        return made

    def _lagged(self, design: Design) -> Columns:
        # a spectrum is more than lags: factors and eigenvalues, which stay where the likelihood is
        weights = cast("Spectrum | None", self.weights)
        return model_columns(self.model, design, weights, self.durbin)

    def _design(self, time: Hashable) -> Design:
        block, name = self.blocks.read(time), self.blocks.time_name
        index = pd.MultiIndex.from_product([[time], self.blocks.units])
        frame = block.set_axis(index.set_names([name, self.blocks.units.name]), axis=0)
        panel = Panel(frame, self.blocks.units, pd.Index([time], name=name))
        return materialise(self.spec, panel, None if self.weights is None else self.weights.lag)
