"""Fitting from blocks: one pass for the estimates, one more for the errors of models with rho."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.estimate import Reduced, refuse_gone
from ccec_econ.engine.forms import Form, applied
from ccec_econ.engine.likelihood import Likelihood
from ccec_econ.engine.moments import triangle
from ccec_econ.engine.stream import deviations, stretch
from ccec_econ.engine.transform import reduction
from ccec_econ.errors import AlignmentError, FormulaError
from ccec_econ.formula import parse
from ccec_econ.formula_words import refuse_reductions
from ccec_econ.inference.vcov import Information
from ccec_econ.models.fitting import refuse_unstandardised
from ccec_econ.models.prepared import spectrum_for
from ccec_econ.models.static import MODELS
from ccec_econ.scale.blocks import Blocks
from ccec_econ.scale.columns import ModelColumns, Progress
from ccec_econ.scale.results import BlockResults
from ccec_econ.weights import WeightsLike

__all__ = ["fit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockEstimate(Reduced):
    """A maximised likelihood whose columns stay in their blocks.

    Attributes
    ----------
    columns : ModelColumns
    size : tuple of int
        Periods and units.
    progress : callable, optional
    """

    columns: ModelColumns
    size: tuple[int, int]
    progress: Progress | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Periods and units of the data, (T, N)."""
        return self.size

    def linear_part(self, G: Form) -> tuple[NDArray[np.float64], float]:
        """Z'm, shape (K,), and m'm, m = G Zd: one pass over the blocks."""
        K = len(self.terms)
        slope, square = np.zeros(K), 0.0
        for rows in deviations(self.columns.each(self.terms, self.progress), self.effects):
            Z = rows[:, :K]
            mean = applied(G, (Z @ self.optimum.coefficients)[None])[0]
            slope += Z.T @ mean
            square += float(mean @ mean)
        return slope, square


def fit(
    model: str,
    formula: str,
    blocks: Blocks,
    weights: WeightsLike | None = None,
    *,
    durbin: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> BlockResults:
    """Fit a static model by the transformation likelihood, one period in memory at a time.

    Estimates and standard errors are those of the verbs on the whole panel (`ce.sdm` and so on).
    Blocks are read once, and once more for the errors of models with rho; the first also for the
    names of terms. Formulas may not look beyond a period: no ``C()``, no means. Memory holds one
    block and its lags, N unit means of every column, and the factors of I - rho W.

    Parameters
    ----------
    model : {"ols", "slx", "sar", "sem", "sdm", "sdem"}
    formula : str
        As everywhere: ``"y ~ x1 + W(x2) | unit + year"``.
    blocks : Blocks
        From `from_frame`, `from_parquet`, or your own reader.
    weights : Graph, optional
    durbin : sequence of str, optional
        Terms whose lags a Durbin model takes in; all by default.
    progress : callable, optional
        Called with blocks done and blocks in all, in each pass.

    Raises
    ------
    FormulaError
        If the model is unknown, the formula needs more than one period, or as the verbs raise.
    AlignmentError, WeightsError, IdentificationError, ConvergenceError
        As the verbs.
    DataError, PanelError
        If a block cannot be read, holds other units or terms, or a value that is not finite; it is
        named. There is no partial result.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel = ce.data.load_panel(years=(2011, 2019))[["growth", "hsr", "rd"]]
    >>> formula, W = "growth ~ hsr + rd | unit + year", ce.weights.contiguity()
    >>> found = ce.scale.fit("sdm", formula, ce.scale.from_frame(panel), W)
    >>> whole = ce.sdm(formula, panel, W)
    >>> bool(abs(found.params - whole.params).max() < 1e-10)
    True
    """
    if model not in _AVAILABLE:
        raise FormulaError(f"model {model!r}: from blocks there are {', '.join(_AVAILABLE)}.")
    kind, spec = MODELS[model], parse(formula)
    refuse_reductions(str(spec))
    if weights is None and kind.spatial:
        raise AlignmentError(f"{model} needs spatial weights and got none; give a Graph.")
    own = None if weights is None else spectrum_for(weights, blocks.units)
    columns = ModelColumns(kind, spec, durbin, blocks, own)
    terms, lag_of, effects = columns.head()
    if own is not None and (kind.lag_y or kind.lag_u):
        refuse_unstandardised(own, effects, "transformation")
    size = reduction(effects, "transformation", len(blocks.times), len(blocks.units))
    K, squares = len(terms), np.zeros(len(terms) + 1)
    R = stretch(_measured(columns.each(terms, progress), squares), effects).R
    left = np.linalg.norm(R[:, : K + 1], axis=0)
    refuse_gone(np.sqrt(squares), left, (*terms, "the response"), effects)
    length = left[:K]
    scale = np.ones(R.shape[1])
    for start in range(0, R.shape[1], K + 2):
        scale[start : start + K] = length
    active = own.project() if own is not None and size.projected else own
    likelihood = Likelihood(
        triangle(R / scale, length, terms, size.nobs),
        active if kind.lag_y else None,
        active if kind.lag_u else None,
        size.nobs,
        size.periods,
    )
    best, *others = likelihood.maxima()
    found = BlockEstimate(
        terms=terms,
        lag_of=lag_of,
        weights=own if kind.lag_y else None,
        x_weights=own,
        spectrum=likelihood.spectrum,
        error=likelihood.error,
        effects=effects,
        method="transformation",
        reduction=size,
        triangle=likelihood.triangle,
        optimum=best,
        others=tuple(others),
        columns=columns,
        size=(len(blocks.times), len(blocks.units)),
        progress=progress,
    )
    return BlockResults(model, spec, found, Information()(found))


def _measured(
    blocks: Iterable[NDArray[np.float64]], squares: NDArray[np.float64]
) -> Iterator[NDArray[np.float64]]:
    """Pass blocks on, adding up the squares of their first columns."""
    for block in blocks:
        squares += (block[:, : len(squares)] ** 2).sum(axis=0)
        yield block


_AVAILABLE = ("ols", "slx", "sar", "sem", "sdm", "sdem")
