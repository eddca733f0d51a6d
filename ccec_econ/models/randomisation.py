"""Randomisation tests: the paths of a regressor exchanged between units."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.engine.estimate import Estimate
from ccec_econ.errors import (
    AlignmentError,
    ConvergenceError,
    FormulaError,
    IdentificationError,
    first_five,
)
from ccec_econ.inference.cluster import Cluster
from ccec_econ.inference.vcov import Covariance, bound
from ccec_econ.lag_terms import lag_of
from ccec_econ.models.refit import Matrices, columns_on, exchanging, matrices
from ccec_econ.models.results import SpatialPanelResults, family
from ccec_econ.models.threshold_results import ThresholdResults
from ccec_econ.panel import Panel
from ccec_econ.parallel import spread
from ccec_econ.typeset import number
from ccec_econ.weights import WeightsLike, align

__all__ = ["RandomisationTest", "randomisation_test"]

_CLUSTER = Cluster("unit")
_TIE = 1e-9  # statistics closer than this share are equal: a permutation may repeat the data


@dataclass(frozen=True, slots=True)
class RandomisationTest:
    """A randomisation test of no effect of a column.

    Attributes
    ----------
    column, term : str
        What was permuted, and the parameter, or combination, whose t-statistic is compared.
    estimate, statistic, pvalue : float
    draws : int
    failed : int
        Refits that failed; they count as exceeding, which can only raise the p-value. Many mean
        that the model does not fit permuted paths: test the same term in OLS or SLX instead.
    convention : str
        Covariance behind the t-statistics.
    remarks : tuple of str
        What the permutations hold besides.
    strata : int
        Groups of units within which paths were exchanged; one where all were.
    spread : float
        Standard deviation of the permuted estimates; NaN where fewer than two were found.
    together : int
        Blocks of two units or more that moved as one.
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
    strata: int = 1
    spread: float = float("nan")
    together: int = 0

    @property
    def detectable(self) -> float:
        """Effect seen with power 80 % at 5 %, about: 2.8 standard deviations of the estimates."""
        return 2.8 * self.spread

    def __str__(self) -> str:
        over = "over units" if self.strata == 1 else f"over units within {self.strata} groups"
        if self.together:
            over += f", {self.together} blocks of units moved as one"
        test = (
            f"{self.term}, {self.column} permuted {over}: estimate "
            f"{number(self.estimate, 4)}, t = {number(self.statistic, 2)}, randomisation p = "
            f"{number(self.pvalue, 3)} ({self.draws} permutations, {self.failed} failed; "
            f"t-statistics {self.convention})."
        )
        return " ".join([test, *self.remarks])


def randomisation_test(
    results: SpatialPanelResults,
    column: str,
    *,
    term: str | Mapping[str, float] | None = None,
    within: pd.Series | None = None,
    together: pd.Series | None = None,
    lags: Mapping[str, WeightsLike] | None = None,
    cov: Covariance = _CLUSTER,
    draws: int = 999,
    rng: int | np.random.Generator = 0,
) -> RandomisationTest:
    """Permute the paths of a column over units, refit, and compare t-statistics.

    The null is that the column has no effect at all, own or lagged; it is exact when the paths
    are exchangeable over units, or over those of a group.

    Parameters
    ----------
    column : str
        Column of the data, such as a treatment. Terms made from it are made again.
    term : str or mapping, optional
        Parameter tested, or weights of parameters: the `slope` of a contrast of group effects, in
        models without rho and lam. The column itself by default.
    within : Series, optional
        Group by unit: paths are exchanged within groups only, for treatments that some groups
        were given sooner or more often than others.
    together : Series, optional
        Block by unit, missing for units on their own. Units of a block share one path because one
        decision served them all; they give and receive paths as one, so that a block counts as
        one unit in the exchange.
    lags : mapping, optional
        Columns of the data that are spatial lags of the column, with their weights; they are made
        again from permuted paths. Lags written W() in the formula need no mention.
    cov : Covariance
        What the t-statistics are divided by.
    draws : int
        Permutations; p = (1 + count) / (1 + draws).

    Raises
    ------
    FormulaError
        If the column is not in the data or in the response, varies over no units (of a group), or
        the term is no parameter of the model; if a threshold splits by the column, or made it; if
        a column of `lags` is no regressor, or not the lag by the weights given.
    AlignmentError
        If a unit has no group, or the units of a block differ in path or group.
    ValueError
        If `draws` is not positive.

    References
    ----------
    MacKinnon and Webb (2020), Journal of Econometrics 218, 435-450.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> from ccec_econ.models.randomisation import randomisation_test
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> fit = ce.ols("growth ~ hsr | unit + year", panel)
    >>> randomisation_test(fit, "hsr", draws=19).draws
    19
    """
    family(results)
    paths = _paths(results, column)
    blocks = _strata(results, column, paths, within)
    strata = [_blocks(results, paths, block, together) for block in blocks]
    c, name = _combination(results, column if term is None else term)
    if draws < 1:
        raise ValueError(f"draws {draws}: give at least one permutation.")
    cov, weights = bound(cov, results.panel.units), matrices(results.estimate)
    own = cov(results.estimate)
    estimate, observed = _tstat(results.estimate, c, cov)
    own_lags = _lags(results, paths, lags or {})
    base, rng = columns_on(results, results.panel, weights), np.random.default_rng(rng)
    made = [j for j, term in enumerate(base.terms) if term in own_lags or _mentions(column, term)]
    build = _builder(results, column, [base.terms[j] for j in made], weights, own_lags)
    refit = exchanging(results, base, made, weights)

    def again(order: NDArray[np.int64]) -> tuple[float, float] | None:
        try:
            return _tstat(refit(build(paths[:, order])), c, cov)
        except (ConvergenceError, IdentificationError):
            return None

    found = spread(again, _orders(strata, draws, rng))
    kept = [one for one in found if one is not None]
    failed = draws - len(kept)
    exceeding = sum(abs(t) >= abs(observed) * (1.0 - _TIE) for _, t in kept)
    estimates = [value for value, _ in kept]
    return RandomisationTest(
        column=column,
        term=name,
        estimate=estimate,
        statistic=observed,
        pvalue=(1.0 + exceeding + failed) / (1.0 + draws),
        draws=draws,
        failed=failed,
        convention=own.convention,
        remarks=results.held,
        strata=len(blocks),
        spread=float(np.std(estimates, ddof=1)) if len(estimates) > 1 else float("nan"),
        together=sum(len(units) > 1 for stratum in strata for units in stratum),
    )


def _combination(
    results: SpatialPanelResults, term: str | Mapping[str, float]
) -> tuple[NDArray[np.float64], str]:
    """Weights of the parameters, and what to call them."""
    parameters = list(results.params.index)
    asked = {term: 1.0} if isinstance(term, str) else dict(term)
    unknown = [name for name in asked if name not in parameters]
    if unknown or not any(asked.values()):
        raise FormulaError(
            f"no parameter {first_five([repr(name) for name in unknown]) or 'weighted'}; it has "
            f"{first_five(parameters)}."
        )
    if len(asked) > 1 and results.estimate.spatial:
        raise FormulaError(
            f"a combination of {first_five(asked)} in a model with "
            f"{' and '.join(results.estimate.spatial)}: its effects are not linear in the "
            "parameters, so that permuted fits would need other weights; use OLS or SLX."
        )
    c = np.array([float(asked.get(name, 0.0)) for name in parameters])
    name = term if isinstance(term, str) else " + ".join(f"{v:.3g} {k}" for k, v in asked.items())
    return c, name


def _tstat(fit: Estimate, c: NDArray[np.float64], cov: Covariance) -> tuple[float, float]:
    """Estimate c'd and its t-statistic."""
    best = fit.optimum
    spatial = {"rho": best.rho, "lam": best.lam}
    values = np.array([*best.coefficients, *(spatial[name] for name in fit.spatial)])
    V = cov(fit).matrix[: len(c), : len(c)]
    estimate = float(c @ values)
    return estimate, estimate / float(np.sqrt(c @ V @ c))


def _strata(
    results: SpatialPanelResults,
    column: str,
    paths: NDArray[np.float64],
    within: pd.Series | None,
) -> list[NDArray[np.int64]]:
    """Positions of the units of each group; refuse groups in which nothing can be exchanged."""
    units = results.panel.units
    if within is None:
        blocks = [np.arange(len(units))]
    else:
        label = within.reindex(units)
        if label.isna().any():
            raise AlignmentError(
                f"no group for {first_five(units[label.isna().to_numpy()])}; assign every unit."
            )
        blocks = [np.flatnonzero((label == name).to_numpy()) for name in sorted(label.unique())]
    if not any(np.ptp(paths[:, block], axis=1).any() for block in blocks):
        where = "" if within is None else " of each group"
        raise FormulaError(
            f"column {column!r} is the same in all units{where}; there is nothing to permute."
        )
    return blocks


def _blocks(
    results: SpatialPanelResults,
    paths: NDArray[np.float64],
    stratum: NDArray[np.int64],
    together: pd.Series | None,
) -> list[NDArray[np.int64]]:
    """Positions of the units of a group that move as one, most of them a single unit."""
    if together is None:
        return [stratum[[j]] for j in range(len(stratum))]
    units = results.panel.units
    label = together.reindex(units)
    alone = label.isna().to_numpy()
    blocks = [np.array([j]) for j in stratum if alone[j]]
    for name in label.iloc[stratum].dropna().unique():
        block = np.flatnonzero((label == name).fillna(value=False).to_numpy(dtype=bool))
        if np.setdiff1d(block, stratum).size or np.ptp(paths[:, block], axis=1).any():
            raise AlignmentError(
                f"block {name!r} of {first_five(units[block])}: its units differ in path or "
                "group; units that move as one must share both."
            )
        blocks.append(block)
    return blocks


def _orders(
    strata: list[list[NDArray[np.int64]]], draws: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Draw whose path each unit is given: those of a stratum exchanged between its blocks."""
    first = [np.array([block[0] for block in blocks]) for blocks in strata]
    sizes = [[len(block) for block in blocks] for blocks in strata]
    places = np.concatenate([block for blocks in strata for block in blocks])
    for _ in range(draws):
        givers = [of[rng.permutation(len(of))] for of in first]
        order = np.empty_like(places)
        order[places] = np.concatenate([np.repeat(*each) for each in zip(givers, sizes)])
        yield order


def _lags(
    results: SpatialPanelResults,
    paths: NDArray[np.float64],
    lags: Mapping[str, WeightsLike],
) -> dict[str, NDArray[np.float64]]:
    """Weights (N, N) of the columns that are lags, each compared with its column."""
    aligned = {name: align(weights, results.panel.units) for name, weights in lags.items()}
    for name, W in aligned.items():
        if name not in results.params.index or name not in results.panel.frame:
            raise FormulaError(f"lag {name!r} is no regressor that is a column of the data.")
        seen = results.panel.cube(results.panel.frame[name].to_numpy(dtype=np.float64))
        if not np.allclose(seen, paths @ W.T):
            raise FormulaError(f"column {name!r} is not the lag by the weights given.")
    return aligned


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
    return results.panel.cube(frame[column].to_numpy(dtype=np.float64))


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
    results: SpatialPanelResults,
    column: str,
    made: Sequence[str],
    weights: Matrices,
    lags: Mapping[str, NDArray[np.float64]],
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Make the columns of some terms, (T, N, q), from permuted paths.

    By products where terms are x, its product with another column ``I(x * z)``, or the lag of
    either, and where they are columns of lags; by the formula otherwise.
    """
    lag, ways = weights.regressors, []
    for term in made:
        inner = lag_of(term)
        factor = _factor(results.panel, column, column if term in lags else inner or term)
        if factor is None:
            break
        ways.append((factor, lags.get(term, lag.W if inner and lag is not None else None)))

    def products(paths: NDArray[np.float64]) -> NDArray[np.float64]:
        found = [z * paths if W is None else (z * paths) @ W.T for z, W in ways]
        return np.stack(found, axis=2)

    def formed(paths: NDArray[np.float64]) -> NDArray[np.float64]:
        columns = columns_on(results, _with(results, column, paths, lags), weights)
        return columns.X[:, :, [columns.terms.index(term) for term in made]]

    return products if len(ways) == len(made) else formed


def _factor(panel: Panel, column: str, term: str) -> NDArray[np.float64] | None:
    """Return what multiplies the column in a term, shape (T, N): ones, or z of ``I(x * z)``."""
    if term == column:
        return np.ones((len(panel.times), len(panel.units)))
    product = re.fullmatch(rf"I\({re.escape(column)} \* (\w+)\)", term)
    if product is None or product[1] not in panel.frame.columns:
        return None
    return panel.cube(panel.frame[product[1]].to_numpy(dtype=np.float64))


def _with(
    results: SpatialPanelResults,
    column: str,
    paths: NDArray[np.float64],
    lags: Mapping[str, NDArray[np.float64]],
) -> Panel:
    made = {name: (paths @ W.T).ravel() for name, W in lags.items()}
    frame = results.panel.frame.assign(**{column: paths.ravel()}, **made)
    return replace(results.panel, frame=frame)
