"""Columns of a model, one period at a time."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.engine.spectrum import Spectrum
from ccec_econ.engine.transform import EffectsName
from ccec_econ.errors import DataError
from ccec_econ.formula import Design, Spec, materialise
from ccec_econ.models.fitting import Model, model_columns
from ccec_econ.panel import Panel
from ccec_econ.scale.blocks import Blocks

__all__ = ["ModelColumns", "Progress"]

type Progress = Callable[[int, int], None]
"""Called with blocks done and blocks in all."""


@dataclass(frozen=True, slots=True)
class ModelColumns:
    """Reads blocks and lags what the model lags.

    Attributes
    ----------
    model, spec, durbin
        What to make.
    blocks : Blocks
    weights : Spectrum or None
    """

    model: Model
    spec: Spec
    durbin: Sequence[str] | None
    blocks: Blocks
    weights: Spectrum | None

    def head(self) -> tuple[tuple[str, ...], tuple[str | None, ...], EffectsName]:
        """Labels of the columns, what each is the lag of, and the effects."""
        design = self._design(self.blocks.times[0])
        made = model_columns(self.model, design, self.weights, self.durbin)
        return made.terms, made.lag_of, design.effects

    def each(
        self, terms: tuple[str, ...], progress: Progress | None = None
    ) -> Iterator[NDArray[np.float64]]:
        """Yield [Z, y, Wy] of every period, shape (N, K + 2), and their lags with spatial errors.

        Raises
        ------
        DataError
            If a block gives other terms than the first.
        """
        for done, time in enumerate(self.blocks.times):
            made = model_columns(self.model, self._design(time), self.weights, self.durbin)
            if made.terms != terms:
                raise DataError(
                    f"block of {self.blocks.time_name} {time} gives the terms {made.terms}, the "
                    f"first block {terms}; the same categories must stand in every block."
                )
            y = made.y[:, :, None]
            Wy = self.weights.lag(y) if self.model.lag_y and self.weights else np.zeros_like(y)
            columns = np.concatenate([made.X, y, Wy], axis=2)
            if self.model.lag_u and self.weights is not None:
                columns = np.concatenate([columns, self.weights.lag(columns)], axis=2)
            yield columns[0]
            if progress is not None:
                progress(done + 1, len(self.blocks.times))

    def _design(self, time: Hashable) -> Design:
        block, name = self.blocks.read(time), self.blocks.time_name
        index = pd.MultiIndex.from_product([[time], self.blocks.units])
        frame = block.set_axis(index.set_names([name, self.blocks.units.name]), axis=0)
        panel = Panel(frame, self.blocks.units, pd.Index([time], name=name))
        return materialise(self.spec, panel, None if self.weights is None else self.weights.lag)
