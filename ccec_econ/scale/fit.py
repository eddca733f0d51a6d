"""Fitting from blocks: one pass for the estimates, one more for the errors of models with rho."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.estimate import Reduced, refuse_gone
from ccec_econ.engine.forms import Form, applied
from ccec_econ.engine.likelihood import Likelihood
from ccec_econ.engine.moments import triangle
from ccec_econ.engine.stream import stretch
from ccec_econ.engine.transform import reduction
from ccec_econ.errors import AlignmentError, FormulaError, PanelError, first_five
from ccec_econ.formula import Spec, parse, sides
from ccec_econ.formula_words import refuse_reductions
from ccec_econ.inference.vcov import Information
from ccec_econ.models.fitting import Model, refuse_unstandardised
from ccec_econ.models.prepared import spectrum_for
from ccec_econ.models.static import MODELS
from ccec_econ.scale.blocks import Blocks
from ccec_econ.scale.columns import Lag, ModelColumns
from ccec_econ.scale.passes import measured, regressors
from ccec_econ.scale.progress import Progress, shown, silent
from ccec_econ.scale.results import BlockResults
from ccec_econ.weights import WeightsLike, align_sparse

__all__ = ["fit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockEstimate(Reduced):
    """A maximised likelihood whose columns stay in their blocks.

    Attributes
    ----------
    columns : ModelColumns
    size : tuple of int
        Periods and units.
    progress : callable
        Told when blocks are read again.
    """

    columns: ModelColumns
    size: tuple[int, int]
    progress: Progress

    @property
    def shape(self) -> tuple[int, int]:
        """Periods and units of the data, (T, N)."""
        return self.size

    def linear_part(self, G: Form) -> tuple[NDArray[np.float64], float]:
        """Z'm, shape (K,), and m'm, m = G Zd: cross-products of the columns [Z, m]."""
        d = self.optimum.coefficients
        every = regressors(self.columns, self.terms, self.effects, self.progress)
        both = (np.column_stack([Z, applied(G, (Z @ d)[None])[0]]) for Z in every)
        R = stretch(both, self.effects).R
        return R[:, :-1].T @ R[:, -1], float(R[:, -1] @ R[:, -1])


def fit(
    model: str,
    formula: str,
    blocks: Blocks,
    weights: WeightsLike | None = None,
    *,
    durbin: Sequence[str] | None = None,
    progress: Progress | bool = False,
) -> BlockResults:
    """Fit a static model by the transformation likelihood, one period in memory at a time.

    Estimates and standard errors are those of the verbs on the whole panel (`ce.sdm` and so on).
    Blocks are read once, and once more for the errors of models with rho; the first also for the
    names of terms. Formulas may not look beyond a period: no ``C()``, no means. Memory holds one
    block and its lags, N unit means of every column, and the factors of I - rho W.

    Several cores read when joblib is told so, ``with joblib.parallel_config(n_jobs=2):``, and the
    machines of a cluster with ``backend="dask"``. A worker holds W and one block, no factors; the
    caller holds the unit means of as many blocks as there are workers. Results do not depend on
    the number of workers, to the last byte where the linear algebra runs on as many threads.

    Parameters
    ----------
    model : {"ols", "slx", "sar", "sem", "sdm", "sdem"}
    formula : str
        As everywhere: ``"y ~ x1 + W(x2) | unit + year"``.
    blocks : Blocks
        From `from_frame`, `from_arrays`, `from_xarray`, `from_parquet`, `from_dataset`, or made by
        `Blocks` with your own reader.
    weights : Graph, optional
    durbin : sequence of str, optional
        Terms whose lags a Durbin model takes in; all by default.
    progress : bool or callable
        True shows a bar (needs rich); a function is called with blocks done and blocks in all
        whenever a worker hands in its blocks, in each pass.

    Raises
    ------
    FormulaError
        If the model is unknown, the formula needs more than one period, an effect is not called
        as in the blocks, or as the verbs raise.
    AlignmentError, WeightsError, IdentificationError, ConvergenceError
        As the verbs.
    DataError, PanelError
        If a block cannot be read, holds other units or terms, or a value that is not finite, or a
        worker dies; the block is named, or those that were out. There is no partial result.

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
    spec = parse(formula)
    _refuse_what_cannot_be_read(model, spec, blocks)
    with shown(progress) as tell:
        found = _maximised(MODELS[model], spec, blocks, weights, durbin, tell)
        vcov = Information()(found)
    return BlockResults(model, spec, replace(found, progress=silent), vcov)


def _maximised(
    kind: Model,
    spec: Spec,
    blocks: Blocks,
    weights: WeightsLike | None,
    durbin: Sequence[str] | None,
    progress: Progress,
) -> BlockEstimate:
    if weights is None and kind.spatial:
        raise AlignmentError(f"{kind.name} needs spatial weights and got none; give a Graph.")
    W = None if weights is None else align_sparse(weights, blocks.units)
    columns = ModelColumns(kind, spec, durbin, blocks, None if W is None else Lag(W))
    terms, lag_of, effects = columns.head()
    own = None if weights is None else spectrum_for(weights, blocks.units)
    if own is not None and (kind.lag_y or kind.lag_u):
        refuse_unstandardised(own, effects, "transformation")
    size = reduction(effects, "transformation", len(blocks.times), len(blocks.units))
    passed, K = measured(columns, terms, effects, progress), len(terms)
    R = passed.stretch.R
    left = np.linalg.norm(R[:, : K + 1], axis=0)
    refuse_gone(np.sqrt(passed.squares), left, (*terms, "the response"), effects)
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
    return BlockEstimate(
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


def _refuse_what_cannot_be_read(model: str, spec: Spec, blocks: Blocks) -> None:
    """Refuse a model, blocks or effects that there are not."""
    if model not in _AVAILABLE:
        raise FormulaError(f"model {model!r}: from blocks there are {', '.join(_AVAILABLE)}.")
    if not isinstance(blocks, Blocks):
        raise PanelError(
            f"blocks of type {type(blocks).__name__}: make them first, from a frame by "
            "ce.scale.from_frame(data), or by from_parquet, from_dataset, from_arrays or "
            "from_xarray; the order is model, formula, blocks, weights."
        )
    for side in sides(spec):
        refuse_reductions(side)
    unit, time = blocks.units.name, blocks.time_name
    wrong = [name for name in spec.fixed if name not in (unit, time)]
    if wrong:
        raise FormulaError(
            f"fixed effect {first_five(wrong)}: these blocks call the units {unit!r} and the "
            f"periods {time!r}; write these behind the bar, or name them where blocks are made, as "
            "in from_parquet(files, unit='unit', time='year')."
        )


_AVAILABLE = ("ols", "slx", "sar", "sem", "sdm", "sdem")
