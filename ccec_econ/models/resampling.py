"""Bootstrap, wild cluster bootstrap and randomisation test, from results."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.estimate import Columns, Estimate
from ccec_econ.errors import ConvergenceError, FormulaError, IdentificationError, first_five
from ccec_econ.formula import lagged_term
from ccec_econ.inference import wild
from ccec_econ.inference.cluster import Cluster
from ccec_econ.inference.resampled import Bootstrap, Innovations
from ccec_econ.inference.vcov import Covariance, bound
from ccec_econ.inference.wild import WildCluster, WildWeights
from ccec_econ.models.refit import Matrices, columns_on, fit_columns, matrices
from ccec_econ.models.results import SpatialPanelResults, family
from ccec_econ.models.threshold_results import ThresholdResults
from ccec_econ.panel import Panel
from ccec_econ.typeset import number

__all__ = ["RandomisationTest", "bootstrap", "randomisation_test", "wild_cluster"]

_CLUSTER = Cluster("unit")
_TIE = 1e-9  # statistics closer than this share are equal: a permutation may repeat the data


def bootstrap(
    results: SpatialPanelResults,
    *,
    draws: int = 999,
    innovations: Innovations = "normal",
    level: float = 0.95,
    rng: int | np.random.Generator = 0,
) -> Bootstrap:
    """Simulate the fitted model and refit it: errors, bias and intervals without asymptotics.

    Dynamic models are simulated from their first observation on, each refit corrected as the fit
    was; effects are then those of the short run.

    Parameters
    ----------
    draws : int
        Refits tried; failures are counted and reported.
    innovations : {"normal", "cell", "period", "unit"}
        Normal innovations, or residuals drawn by cell, by whole period or by whole unit.
    level : float
        Confidence level of percentile and basic intervals.
    rng : int or Generator

    Raises
    ------
    ConvergenceError
        If more than half of the refits fail.
    WeightsError
        If time effects meet weights that are not row-standardised.
    ValueError
        If an option is out of range.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> from ccec_econ.models.resampling import bootstrap
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> fit = ce.sdm("growth ~ digital | unit + year", panel, ce.weights.contiguity())
    >>> bootstrap(fit, draws=99).frame.loc["total digital"].size
    8
    """
    family(results)
    return results.refits(
        draws, innovations=innovations, level=level, rng=np.random.default_rng(rng)
    )


def wild_cluster(
    results: SpatialPanelResults,
    term: str | Mapping[str, float],
    *,
    null: float = 0.0,
    weights: WildWeights = "rademacher",
    draws: int = 9999,
    level: float = 0.95,
    rng: int | np.random.Generator = 0,
) -> WildCluster:
    """Test a coefficient, or a combination, of OLS or SLX by the restricted wild cluster bootstrap.

    Parameters and errors as in `inference.wild.wild_cluster`.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> from ccec_econ.models.resampling import wild_cluster
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> wild_cluster(ce.ols("growth ~ digital | unit + year", panel), "digital").draws
    65536
    """
    family(results)
    return wild.wild_cluster(
        results.estimate,
        term,
        null=null,
        weights=weights,
        draws=draws,
        level=level,
        rng=np.random.default_rng(rng),
    )


@dataclass(frozen=True, slots=True)
class RandomisationTest:
    """A randomisation test of no effect of a column.

    Attributes
    ----------
    column, term : str
        What was permuted, and the parameter whose t-statistic is compared.
    estimate, statistic, pvalue : float
    draws : int
    failed : int
        Refits that failed; they count as exceeding, which can only raise the p-value. Many mean
        that the model does not fit permuted paths: test the same term in OLS or SLX instead.
    convention : str
        Covariance behind the t-statistics.
    remarks : tuple of str
        What the permutations hold besides.
    """

    column: str
    term: str
    estimate: float
    statistic: float
    pvalue: float
    draws: int
    failed: int
    convention: str
    remarks: tuple[str, ...] = ()

    def __str__(self) -> str:
        test = (
            f"{self.term}, {self.column} permuted over units: estimate "
            f"{number(self.estimate, 4)}, t = {number(self.statistic, 2)}, randomisation p = "
            f"{number(self.pvalue, 3)} ({self.draws} permutations, {self.failed} failed; "
            f"t-statistics {self.convention})."
        )
        return " ".join([test, *self.remarks])


def randomisation_test(
    results: SpatialPanelResults,
    column: str,
    *,
    term: str | None = None,
    cov: Covariance = _CLUSTER,
    draws: int = 999,
    rng: int | np.random.Generator = 0,
) -> RandomisationTest:
    """Permute the paths of a column over units, refit, and compare t-statistics.

    The null is that the column has no effect at all, own or lagged; it is exact when the paths
    are exchangeable over units.

    Parameters
    ----------
    column : str
        Column of the data, such as a treatment. Terms made from it are made again.
    term : str, optional
        Parameter tested; the column itself by default.
    cov : Covariance
        What the t-statistics are divided by.
    draws : int
        Permutations; p = (1 + count) / (1 + draws).

    Raises
    ------
    FormulaError
        If the column is not in the data or in the response, varies over no units, or the term is
        no parameter of the model; if a threshold splits by the column, or made it.
    ValueError
        If `draws` is not positive.

    References
    ----------
    MacKinnon and Webb (2020), Journal of Econometrics 218, 435-450.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> from ccec_econ.models.resampling import randomisation_test
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> fit = ce.ols("growth ~ hsr | unit + year", panel)
    >>> randomisation_test(fit, "hsr", draws=19).draws
    19
    """
    family(results)
    name, paths = term or column, _paths(results, column)
    parameters = list(results.params.index)
    if name not in parameters or draws < 1:
        _refuse_request(name, parameters, draws)
    at, cov, weights = (
        parameters.index(name),
        bound(cov, results.panel.units),
        matrices(results.estimate),
    )
    own = cov(results.estimate)
    observed = _tstat(results.estimate, at, cov)
    build, rng = _builder(results, column, weights), np.random.default_rng(rng)
    exceeding = failed = 0
    for _ in range(draws):
        try:
            fit = fit_columns(results, build(paths[:, rng.permutation(paths.shape[1])]), weights)
            t = _tstat(fit, at, cov)
        except (ConvergenceError, IdentificationError):
            failed += 1
            continue
        exceeding += abs(t) >= abs(observed) * (1.0 - _TIE)
    return RandomisationTest(
        column=column,
        term=name,
        estimate=float(results.params[name]),
        statistic=observed,
        pvalue=(1.0 + exceeding + failed) / (1.0 + draws),
        draws=draws,
        failed=failed,
        convention=own.convention,
        remarks=results.held,
    )


def _tstat(fit: Estimate, at: int, cov: Covariance) -> float:
    best = fit.optimum
    spatial = {"rho": best.rho, "lam": best.lam}
    values = [*best.coefficients, *(spatial[name] for name in fit.spatial)]
    return float(values[at] / np.sqrt(cov(fit).matrix[at, at]))


def _paths(results: SpatialPanelResults, column: str) -> NDArray[np.float64]:
    """Values of a column, shape (T, N)."""
    frame = results.panel.frame
    if column not in frame.columns:
        raise FormulaError(f"no column {column!r} in the data; give one of the regressors.")
    if _mentions(column, results.spec.response) or not _mentions(column, results.spec.regressors):
        raise FormulaError(
            f"column {column!r} must stand on the right side of '{results.spec}', and not on the "
            "left: its paths are exchanged while the response stays."
        )
    if isinstance(results, ThresholdResults):
        _refuse_split(results, column)
    paths = results.panel.cube(frame[column].to_numpy(dtype=np.float64))
    if not np.ptp(paths, axis=1).any():
        raise FormulaError(
            f"column {column!r} is the same in all units; there is nothing to permute."
        )
    return paths


def _refuse_split(results: ThresholdResults, column: str) -> None:
    """Refuse a column whose permutation would break the split or ought to move it."""
    if column in results.made:
        raise FormulaError(
            f"column {column!r} is one regime of a split: its paths cannot be permuted without "
            "those of the other regime; use test() and equality() of the result, or permute in a "
            "model without a threshold."
        )
    if _mentions(column, results.search.by):
        raise FormulaError(
            f"the {results.searched} splits by column {column!r}: permuting it would move the "
            "regimes; permute it in a model without a threshold."
        )


def _mentions(column: str, text: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(column)}(?![\w.])", text) is not None


def _builder(
    results: SpatialPanelResults, column: str, weights: Matrices
) -> Callable[[NDArray[np.float64]], Columns]:
    """Make columns from permuted paths: by replacement where terms are x and W(x) themselves."""
    base = columns_on(results, results.panel, weights)
    simple = {column, lagged_term(column)}
    if any(_mentions(column, term) and term not in simple for term in base.terms):
        return lambda paths: columns_on(results, _with(results, column, paths), weights)
    lag = weights.regressors

    def replaced(paths: NDArray[np.float64]) -> Columns:
        X = base.X.copy()
        for j, term in enumerate(base.terms):
            if term == column:
                X[:, :, j] = paths
            elif term in simple and lag is not None:
                X[:, :, j] = paths @ lag.W.T
        return replace(base, X=X)

    return replaced


def _with(results: SpatialPanelResults, column: str, paths: NDArray[np.float64]) -> Panel:
    frame = results.panel.frame.assign(**{column: paths.ravel()})
    return replace(results.panel, frame=frame)


def _refuse_request(name: str, parameters: list[str], draws: int) -> None:
    if draws < 1:
        raise ValueError(f"draws {draws}: give at least one permutation.")
    raise FormulaError(f"no parameter {name!r}; the model has {first_five(parameters)}.")
