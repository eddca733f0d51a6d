"""Effects unit by unit, and effects by how many steps through W they took."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.engine.estimate import Estimate
from ccec_econ.errors import FormulaError, IdentificationError, first_five
from ccec_econ.inference.draws import Pair, pairs
from ccec_econ.inference.group_blocks import lag_of_regressors

__all__ = ["UnitEffects", "effects_by_order", "unit_effects"]


@dataclass(frozen=True, slots=True)
class UnitEffects:
    """Effects of one regressor between single units.

    Attributes
    ----------
    term : str
    matrix : DataFrame, shape (N, N)
        S = (I - rho W)^-1 (b I + t W): the effect on the row's unit of a unit change of x in the
        column's unit.
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

    def frame(self) -> pd.DataFrame:
        """Own, received and emitted effects by unit; the latter two both average to the total."""
        return pd.concat([self.own, self.received, self.emitted], axis=1)


def unit_effects(fit: Estimate, units: pd.Index, term: str) -> UnitEffects:
    """Compute the N x N matrix of effects of one term.

    Parameters
    ----------
    units : Index
        Labels of the N units, in the order of the estimate.

    Raises
    ------
    FormulaError
        If the term has no effects in the model.

    References
    ----------
    LeSage and Pace (2009), Introduction to Spatial Econometrics, section 2.7.
    """
    b, t = _coefficients(fit, _pair(fit, term))
    N = len(units)
    S = b * np.eye(N) + t * _X(fit, N)
    if fit.weights is not None:
        S = np.linalg.solve(np.eye(N) - fit.optimum.rho * fit.weights.W, S)
    name = units.name or "unit"
    index, columns = units.rename(name), units.rename(f"from_{name}")
    return UnitEffects(term, pd.DataFrame(S, index=index, columns=columns))


def effects_by_order(fit: Estimate, *, orders: int = 8) -> pd.DataFrame:
    """Split direct, indirect and total effects by powers of rho W.

    Parameters
    ----------
    orders : int
        Highest order listed, Q.

    Returns
    -------
    DataFrame
        Indexed (term, order), order 0, 1, ..., Q, then "beyond" (what higher orders add) and
        "all"; columns direct, indirect, total.

    Raises
    ------
    ValueError
        If `orders` is negative.
    IdentificationError
        If abs(rho) times the spectral radius of W is 1 or more: the powers do not die out.

    Notes
    -----
    Order q of term k is rho^q (b_k W^q + t_k W^(q+1)), or rho^q W^q (b_k I + t_k X) when the
    regressors have weights X of their own. The sum over q is S_k.

    References
    ----------
    LeSage and Pace (2009), Introduction to Spatial Econometrics, section 2.7.3.
    """
    if orders < 0:
        raise ValueError(f"orders {orders}: give zero or more.")
    terms, N = pairs(fit), fit.y.shape[1]
    W = np.zeros((N, N)) if fit.weights is None else fit.optimum.rho * fit.weights.W
    _refuse_divergent(W)
    X, power, parts = _X(fit, N), np.eye(N), []
    for _ in range(orders + 1):
        parts.append([_averages(fit, term, power, X) for term in terms])
        power = power @ W
    A = np.linalg.inv(np.eye(N) - W)
    whole = np.array([_averages(fit, term, A, X) for term in terms])
    listed = np.array(parts)
    stacked = np.concatenate([listed, [whole - listed.sum(axis=0), whole]])
    names = [*range(orders + 1), "beyond", "all"]
    index = pd.MultiIndex.from_product([[term[0] for term in terms], names])
    index = index.set_names(["term", "order"])
    values = stacked.transpose(1, 0, 2).reshape(-1, 3)
    return pd.DataFrame(values, index=index, columns=["direct", "indirect", "total"])


def _averages(
    fit: Estimate, pair: Pair, A: NDArray[np.float64], X: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Direct, indirect and total effect of A (b I + t X)."""
    b, t = _coefficients(fit, pair)
    S = b * A + t * A @ X
    direct, total = float(np.trace(S)) / len(S), float(S.sum()) / len(S)
    return direct, total - direct, total


def _coefficients(fit: Estimate, pair: Pair) -> tuple[float, float]:
    d = fit.optimum.coefficients
    b, t = (0.0 if at is None else float(d[at]) for at in pair[1:])
    return b, t


def _pair(fit: Estimate, term: str) -> Pair:
    known = {pair[0]: pair for pair in pairs(fit)}
    if term not in known:
        raise FormulaError(f"no effects of {term!r}; there are those of {first_five(known)}.")
    return known[term]


def _X(fit: Estimate, N: int) -> NDArray[np.float64]:
    lag = lag_of_regressors(fit)
    return np.zeros((N, N)) if lag is None else lag.W


def _refuse_divergent(W: NDArray[np.float64]) -> None:
    radius = float(np.abs(np.linalg.eigvals(W)).max())
    if radius >= 1.0:
        raise IdentificationError(
            f"rho W has spectral radius {radius:.4f}: its powers do not die out, so effects have "
            "no partition by order; use effects() instead."
        )
