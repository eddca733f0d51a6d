"""Samples in which weights are formed from a variable, as the data are and drawn again.

Weights of period t come from variables z, and each z has an equation of its own. A sample holds z,
the weights that it forms, the outcome y and its regressors; the model is fitted in it with the
residuals of the equations of z among the regressors, or without them. Under exogeneity the shocks
of y and of z are unrelated: z* is its fit and shocks, W* comes from z*, and
y* = (I - rho W*)^-1 (X* b + W* X* t + effects + v*).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.engine.correction import variance_corrected
from ccec_econ.engine.spectrum import SpectrumPath, spectrum
from ccec_econ.engine.transform import demean
from ccec_econ.errors import FormulaError, WeightsError, first_five
from ccec_econ.formula import Design, Spec, materialise, parse
from ccec_econ.inference.bootstrap import shocks
from ccec_econ.inference.vcov import Covariance
from ccec_econ.models.fitting import GivenWeights, Options, model_estimate
from ccec_econ.models.results import SpatialPanelResults
from ccec_econ.models.static import MODELS, ols
from ccec_econ.panel import Panel
from ccec_econ.weights import align, from_matrix

__all__ = ["ControlFunction", "Former", "Shocks", "control_function", "drawn_shocks", "simulator"]

type Former = Callable[[NDArray[np.float64]], NDArray[np.float64]]
type Shocks = tuple[NDArray[np.float64], NDArray[np.float64]]  # (T, N), (T, N, K)


@dataclass(frozen=True, slots=True)
class FormedSample:
    """One sample: z (T, N, K), the weights it forms, y (T, N) and X (T, N, P) without lags."""

    z: NDArray[np.float64]
    path: SpectrumPath
    y: NDArray[np.float64]
    X: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ControlFunction:
    """The equations of the outcome and of the forming variables, and how a sample is fitted.

    Attributes
    ----------
    spec, panel, design
        The outcome's equation.
    formed : tuple of SpatialPanelResults
        Forming equations in the data; their regressors stay in every sample.
    stands : dict
        Position of a forming variable -> its position among the regressors of the outcome.
    names : tuple of str
        "residual(z)".
    """

    spec: Spec
    panel: Panel
    design: Design
    formed: tuple[SpatialPanelResults, ...]
    stands: dict[int, int]
    names: tuple[str, ...]
    build: Former
    model: Literal["sdm", "sar"]
    cov: Covariance

    @property
    def data(self) -> FormedSample:
        """The data themselves."""
        z = np.stack([one.design.y for one in self.formed], axis=2)
        return FormedSample(z, self.path(z), self.design.y, self.design.X)

    @property
    def slopes(self) -> list[int]:
        """Positions of the regressors that an SDM lags."""
        if self.model != "sdm":
            return []
        return [self.design.terms.index(term) for term in self.design.slopes]

    def path(self, z: NDArray[np.float64]) -> SpectrumPath:
        """Weights of every period."""
        return SpectrumPath(tuple(spectrum(self.build(values)) for values in z))

    def residuals(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """Residuals of the forming equations, shape (T, N, K)."""
        each = [
            _residuals(one.estimate.Z, demean(z[:, :, k], one.estimate.effects))
            for k, one in enumerate(self.formed)
        ]
        return np.stack(each, axis=2)

    def fit(self, sample: FormedSample, *, controlled: bool) -> SpatialPanelResults:
        """Fit the model, with the residuals or without."""
        path, X, terms = sample.path, sample.X, self.design.terms
        slopes = tuple(terms[j] for j in self.slopes)
        if controlled:
            X = np.concatenate([X, self.residuals(sample.z)], axis=2)
            terms = (*terms, *self.names)
        design = replace(self.design, y=sample.y, X=X, terms=terms)
        given = GivenWeights(path, path, path)
        model = MODELS[self.model]
        fit = variance_corrected(
            model_estimate(model, design, given, Options(durbin=slopes or None))
        )
        return SpatialPanelResults(model.name, self.spec, self.panel, design, fit, self.cov(fit))


def control_function(
    formula: str,
    data: pd.DataFrame,
    build: Former,
    forming: str | Sequence[str],
    model: Literal["sdm", "sar"],
    cov: Covariance,
) -> ControlFunction:
    """Read the equations, fit those of the forming variables and look at the weights they form.

    Raises
    ------
    FormulaError
        If the model is unknown, a variable has two equations, or the outcome uses one otherwise
        than as a column of its own.
    WeightsError
        If `build` returns no matrix of weights (N, N).
    """
    if model not in ("sdm", "sar"):
        raise FormulaError(f"model {model!r}: choose 'sdm' or 'sar'; the test is about W y.")
    equations = (forming,) if isinstance(forming, str) else tuple(forming)
    panel, spec = Panel.from_frame(data), parse(formula)
    responses = [parse(one).response for one in equations]
    if not equations or len(set(responses)) < len(responses):
        raise FormulaError(
            f"forming equations of {first_five(responses) or 'nothing'}; give one per variable."
        )
    design = materialise(spec, panel)
    formed = tuple(ols(one, data) for one in equations)
    stands: dict[int, int] = {}
    for k, name in enumerate(responses):
        word = re.compile(rf"(?<![\w.]){re.escape(name)}(?![\w.])")
        holding = [term for term in design.terms if word.search(term)]
        if holding not in ([], [name]):
            raise FormulaError(
                f"terms {first_five(holding)} are made from the forming variable {name}, which "
                "the bootstrap simulates; use it as a column of its own."
            )
        if holding:
            stands[k] = design.terms.index(name)
    names = tuple(f"residual({name})" for name in responses)
    task = ControlFunction(spec, panel, design, formed, stands, names, build, model, cov)
    for values, time in zip(task.data.z, panel.times, strict=True):
        _refuse_strange(build(values), panel, time)
    return task


def _refuse_strange(W: NDArray[np.float64], panel: Panel, time: object) -> None:
    N = len(panel.units)
    if np.shape(W) != (N, N):
        raise WeightsError(
            f"build returned shape {np.shape(W)} in {time}; return weights ({N}, {N})."
        )
    align(from_matrix(W, panel.units), panel.units)


def drawn_shocks(
    task: ControlFunction, plain: SpatialPanelResults, draws: int, rng: np.random.Generator
) -> Iterator[Shocks]:
    """Draw shocks of the outcome and, unrelated to them, of the forming variables."""
    noise = [shocks(one.estimate, draws, "normal", rng) for one in task.formed]
    for v in shocks(plain.estimate, draws, "normal", rng):
        yield v, np.stack([next(e) for e in noise], axis=2)


def simulator(
    task: ControlFunction, plain: SpatialPanelResults
) -> Callable[[Shocks], FormedSample]:
    """Simulate forming variables and outcomes that have nothing in common but regressors."""
    data, best = task.data, plain.estimate.optimum
    fitted, effects = data.z - task.residuals(data.z), _effects(task, plain)

    def sample(drawn: Shocks) -> FormedSample:
        v, noise = drawn
        z, X = fitted + noise, data.X.copy()
        for k, j in task.stands.items():
            X[:, :, j] = z[:, :, k]
        path = task.path(z)
        mean = _regressors(task, X, path) @ best.coefficients
        return FormedSample(z, path, path.solve(best.rho, mean + effects + v), X)

    return sample


def _effects(task: ControlFunction, plain: SpatialPanelResults) -> NDArray[np.float64]:
    """Take unit and time effects (T, N) from S y - X b, which holds them and the residual."""
    data, best = task.data, plain.estimate.optimum
    X = _regressors(task, data.X, data.path)
    left = data.y - best.rho * data.path.lag(data.y) - X @ best.coefficients
    return left - demean(left, plain.estimate.effects)


def _regressors(
    task: ControlFunction, X: NDArray[np.float64], path: SpectrumPath
) -> NDArray[np.float64]:
    """Raw regressors with their lags, in the order of the coefficients."""
    return np.concatenate([X, path.lag(X[:, :, task.slopes])], axis=2)


def _residuals(Z: NDArray[np.float64], z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Regress z (T, N) on Z (T, N, K), effects removed, and return what is left."""
    columns = Z.reshape(-1, Z.shape[2])
    return z - Z @ np.linalg.lstsq(columns, z.ravel())[0]
