"""Effects between groups of units: who gains from whose change.

For a partition of the units and S_k = (I - rho W)^-1 (b_k I + t_k W),

    E_gh(k) = (1/n_g) sum_{i in g} sum_{j in h} [S_k]_ij

is what the average unit of g receives when x_k rises by one in every unit of h. Row sums are the
total effect that g receives; their average over g, weighted by n_g, is the total effect. Weights
w_i within groups (population, output) take the place of 1/n_g.

When W is shared by response and regressors, S_k = b_k I + (rho b_k + t_k) W (I - rho W)^-1. With
rho >= 0 and W >= 0 every effect of one unit on another therefore has the sign of rho b_k + t_k,
whatever the data: blocks can differ in sign only if x is lagged by origin group, t_h W diag(1_h).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.engine.estimate import Estimate
from ccec_econ.errors import FormulaError, IdentificationError, first_five
from ccec_econ.inference.contrast import Alternative, Contrast, one_sided
from ccec_econ.inference.draws import draw_parameters, parameters
from ccec_econ.inference.group_blocks import (
    Split,
    coefficients,
    group_averages,
    group_slopes,
    lag_of_regressors,
    partition,
)
from ccec_econ.inference.vcov import Vcov
from ccec_econ.typeset import Table, number

__all__ = ["Contrast", "GroupEffects", "Split", "group_effects"]

_LENGTH = 1e-14  # a standard error below this share of the estimates' size counts as zero
_NO_LAG = "The model has no lag of response or regressors: no unit acts on another."
_ONE_SIGN = (
    "One coefficient per lag: {when} every effect of one unit on another has the sign of "
    "rho b + t, so blocks off the diagonal {cannot} differ in sign; lag the term by origin group "
    "to let the data speak."
)


@dataclass(frozen=True, slots=True)
class GroupEffects:
    """Effects between groups, by term.

    Attributes
    ----------
    frame : DataFrame
        Indexed (term, to, from): estimate, std_error, lower, upper (delta method), sim_lower,
        sim_upper (percentiles of the draws).
    own, received : DataFrame
        Same columns, indexed (term, group): the average effect of a unit's own change, which is
        part of the block (g, g), and the sum of a row, the total effect received.
    groups : DataFrame
        Indexed by group: ``units`` and ``share`` (of units, or of the weights).
    level : float
    draws : int
    rejected : float
        Share of draws thrown away because rho left its parameter space.
    convention : str
        Covariance that the intervals rest on.
    vcov : Vcov
        Covariance of the estimate, with its degrees of freedom.
    remark : str
        What the model imposes on the signs; empty when lags are split by origin group.
    slopes : ndarray, shape (terms, G, G + 1, P)
        Derivatives of blocks and, last, of own effects with respect to (d, rho).
    matrix_of_parameters : ndarray, shape (P, P)
        Covariance of (d, rho).
    """

    frame: pd.DataFrame
    own: pd.DataFrame
    received: pd.DataFrame
    groups: pd.DataFrame
    level: float
    draws: int
    rejected: float
    convention: str
    vcov: Vcov
    remark: str
    slopes: NDArray[np.float64]
    matrix_of_parameters: NDArray[np.float64]

    @property
    def terms(self) -> list[str]:
        """Terms that have effects."""
        return [str(term) for term in self.own.index.get_level_values("term").unique()]

    def matrix(self, term: str, column: str = "estimate") -> pd.DataFrame:
        """One term's blocks, receiving groups in rows and origins in columns.

        Parameters
        ----------
        column : str
            Column of `frame`: "estimate", "std_error", "lower", ...

        Raises
        ------
        FormulaError
            If the term has no effects here.
        """
        labels = self.groups.index
        values = self.frame[column].to_numpy().reshape(-1, len(labels), len(labels))
        index, columns = labels.rename("to"), labels.rename("from")
        return pd.DataFrame(values[self._position(term)], index=index, columns=columns)

    def siphon(
        self, term: str, *, core: Hashable = "core", hollow: Hashable = "hollow"
    ) -> Contrast:
        """Test that a rise of x in the core takes from the hollow: E[hollow, core] < 0."""
        return self._block("siphon", term, hollow, core, "less")

    def spread(
        self, term: str, *, core: Hashable = "core", hollow: Hashable = "hollow"
    ) -> Contrast:
        """Test that a rise of x in the core reaches the hollow: E[hollow, core] > 0."""
        return self._block("spread", term, hollow, core, "greater")

    def border(self, term: str, *, own: bool = False) -> Contrast:
        """Test that effects within groups exceed those across.

        Within is the average over groups, weighted by their shares, of E_gg, less the effect of
        a unit's own change unless `own`; across is the same average of sum_{h != g} E_gh.
        """
        weights = self._sum("within", own=own) - self._sum("across")
        name = "within less across" + (", own effect included" if own else "")
        return self.contrast(name, term, weights, "greater")

    def sums(self, term: str) -> pd.DataFrame:
        """Own, within-group, cross-group and total effect of the average unit, with errors.

        Returns
        -------
        DataFrame
            Rows own, within (others of the own group), across, total; estimate and std_error.
        """
        parts = {
            "own": self._sum("within", own=True) - self._sum("within"),
            "within": self._sum("within"),
            "across": self._sum("across"),
            "total": self._sum("within", own=True) + self._sum("across"),
        }
        rows = {name: self._moments(term, weights) for name, weights in parts.items()}
        return pd.DataFrame.from_dict(rows, orient="index", columns=["estimate", "std_error"])

    def contrast(
        self, name: str, term: str, weights: NDArray[np.float64], alternative: Alternative
    ) -> Contrast:
        """Test a linear combination of blocks against zero.

        Parameters
        ----------
        weights : ndarray, shape (G, G) or (G, G + 1)
            Weights of the blocks, receiving groups in rows; in a last column those of own effects.

        Raises
        ------
        FormulaError
            If the term has no effects here, or the shape is another.
        IdentificationError
            If the model fixes the combination, as one without lags does effects between units.
        """
        estimate, error = self._moments(term, weights)
        size = float(np.abs(self.matrix(term).to_numpy()).max())
        if error <= _LENGTH * size:
            raise IdentificationError(
                f"{name} of {term!r} is {estimate:.4g} by the model, without error: it has no lag "
                "that carries such an effect; use a model with W(x) or a lag of y."
            )
        df = self.vcov.least(self._slope(term, weights))
        return one_sided(name, term, estimate, error, df=df, alternative=alternative)

    def summary(
        self, *, labels: Mapping[str, str] | None = None, digits: int = 4, title: str = ""
    ) -> Table:
        """Table of blocks with standard errors beneath, origins in columns."""
        rows: list[tuple[str, ...]] = []
        for term in self.terms:
            value, error = self.matrix(term).to_numpy(), self.matrix(term, "std_error").to_numpy()
            whole = self.received.xs(term, level="term")
            for g, group in enumerate(self.groups.index):
                name = (labels or {}).get(term, term) if g == 0 else ""
                total = whole.iloc[g]
                cells = [*value[g], total["estimate"]]
                rows.append((name, str(group), *(number(cell, digits) for cell in cells)))
                cells = [*error[g], total["std_error"]]
                rows.append(("", "", *(f"({number(cell, digits)})" for cell in cells)))
        height = 2 * len(self.groups)
        return Table(
            title=title or "Effects between groups",
            columns=("Term", "To", *(f"From {group}" for group in self.groups.index), "From all"),
            rows=tuple(rows),
            rules=frozenset(range(height, len(rows), height)),
            notes=self.notes(),
            text_columns=frozenset({1}),
        )

    def notes(self) -> tuple[str, ...]:
        """Sentences for the foot of a table."""
        sizes = ", ".join(f"{group} {n}" for group, n in self.groups["units"].items())
        return (
            "Effect on the average unit of the receiving group of a unit change in every unit of "
            "the origin group; delta-method standard errors in parentheses.",
            f"Units by group: {sizes}.",
            f"Covariance: {self.convention}.",
            *((self.remark,) if self.remark else ()),
        )

    def __str__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary().to_html()

    def _block(
        self, name: str, term: str, to: Hashable, origin: Hashable, alternative: Alternative
    ) -> Contrast:
        unknown = [group for group in (to, origin) if group not in self.groups.index]
        if unknown:
            raise FormulaError(
                f"no group {first_five(unknown)}; there are {first_five(self.groups.index)}."
            )
        weights = np.zeros((len(self.groups), len(self.groups)))
        weights[self.groups.index.get_loc(to), self.groups.index.get_loc(origin)] = 1.0
        return self.contrast(f"{name}: {origin} to {to}", term, weights, alternative)

    def _sum(self, part: Literal["within", "across"], *, own: bool = False) -> NDArray[np.float64]:
        """Weights that sum blocks within or across groups; within leaves out own unless asked."""
        share = self.groups["share"].to_numpy()
        weights = np.zeros((len(share), len(share) + 1))
        inside = np.diag(share)
        if part == "across":
            weights[:, :-1] = share[:, None] - inside
            return weights
        weights[:, :-1] = inside
        weights[:, -1] = 0.0 if own else -share
        return weights

    def _moments(self, term: str, weights: NDArray[np.float64]) -> tuple[float, float]:
        k, G = self._position(term), len(self.groups)
        if weights.shape not in ((G, G), (G, G + 1)):
            raise FormulaError(
                f"weights of shape {weights.shape}: {G} groups need ({G}, {G}), or ({G}, {G + 1}) "
                "with own effects last."
            )
        own = self.own["estimate"].to_numpy().reshape(-1, G, 1)[k]
        values = np.hstack([self.matrix(term).to_numpy(), own])[:, : weights.shape[1]]
        slope = self._slope(term, weights)
        variance = float(slope @ self.matrix_of_parameters @ slope)
        return float((weights * values).sum()), float(np.sqrt(max(variance, 0.0)))

    def _slope(self, term: str, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Differentiate a combination of blocks with respect to (d, rho)."""
        blocks = self.slopes[self._position(term), :, : weights.shape[1]]
        return np.asarray(np.einsum("gh,ghp->p", weights, blocks))

    def _position(self, term: str) -> int:
        if term not in self.terms:
            raise FormulaError(f"no effects of {term!r}; there are those of {self.terms}.")
        return self.terms.index(term)


def group_effects(
    fit: Estimate,
    vcov: Vcov,
    units: pd.Index,
    groups: pd.Series,
    *,
    weights: pd.Series | None = None,
    split: Split | None = None,
    level: float = 0.95,
    draws: int = 1000,
    rng: np.random.Generator,
) -> GroupEffects:
    """Compute the effects between groups of an estimate.

    Parameters
    ----------
    units : Index
        Labels of the N units, in the order of the estimate.
    groups : Series
        Group by unit. Order of groups: that of the categories, or sorted.
    weights : Series, optional
        Positive weights by unit, used within groups in place of equal ones.
    split : mapping, optional
        Terms that enter by origin group: ``{"x": {"core": "x_core", "other": "x_other"}}`` where
        x_core is x in the units of the core and zero elsewhere. Coefficients of x and of x_core,
        own and lagged, then add up for origins in the core.
    level : float
        Confidence level in (0, 1).
    draws : int
        Draws of (d, rho) behind the simulation interval.

    Raises
    ------
    AlignmentError
        If groups or weights do not name every unit, or name others.
    FormulaError
        If `split` names terms or groups that there are not.
    ValueError
        If `level` is not in (0, 1) or `draws` is not positive.

    Notes
    -----
    E_gh(k) = sum_{i in g} w_i sum_{j in h} [S_k]_ij / sum_{i in g} w_i. Delta method with
    dS_k/drho = A W A (b I + t W), A = (I - rho W)^-1.
    """
    if not 0.0 < level < 1.0 or draws < 1:
        raise ValueError(f"level {level}, draws {draws}: need 0 < level < 1 and draws >= 1.")
    part = partition(units, groups, weights)
    names, chosen = coefficients(fit, part.table.index, split or {})
    theta, V = parameters(fit, vcov)
    point = group_averages(theta[None, :], fit, part, chosen)[0]
    slopes = group_slopes(theta, fit, part, chosen)
    error = np.sqrt(np.clip(np.einsum("...p,pq,...q->...", slopes, V, slopes), 0.0, None))
    sample, rejected = draw_parameters(theta, V, vcov.least(slopes), fit, draws, rng)
    values = group_averages(sample, fit, part, chosen)
    whole = slopes[:, :, :-1].sum(axis=2)
    whole_error = np.sqrt(np.einsum("tgp,pq,tgq->tg", whole, V, whole))
    labels = part.table.index
    by_group = pd.MultiIndex.from_product([names, labels], names=["term", "group"])
    blocks = pd.MultiIndex.from_product([names, labels, labels], names=["term", "to", "from"])
    pieces = [
        (blocks, point[..., :-1], error[..., :-1], values[..., :-1], slopes[:, :, :-1]),
        (by_group, point[..., -1], error[..., -1], values[..., -1], slopes[:, :, -1]),
        (by_group, point[..., :-1].sum(-1), whole_error, values[..., :-1].sum(-1), whole),
    ]
    frame, own, received = (
        _frame(*piece[:-1], vcov.quantile(level, piece[-1]), level) for piece in pieces
    )
    return GroupEffects(
        frame=frame,
        own=own,
        received=received,
        groups=part.table,
        level=level,
        draws=draws,
        rejected=rejected,
        convention=vcov.convention,
        vcov=vcov,
        remark=_remark(fit, split),
        slopes=slopes,
        matrix_of_parameters=V,
    )


def _frame(
    index: pd.MultiIndex,
    point: NDArray[np.float64],
    error: NDArray[np.float64],
    sample: NDArray[np.float64],
    quantile: NDArray[np.float64],
    level: float,
) -> pd.DataFrame:
    low, high = np.quantile(sample, (0.5 - level / 2, 0.5 + level / 2), axis=0)
    columns = {
        "estimate": point,
        "std_error": error,
        "lower": point - quantile * error,
        "upper": point + quantile * error,
        "sim_lower": low,
        "sim_upper": high,
    }
    return pd.DataFrame({name: value.ravel() for name, value in columns.items()}, index=index)


def _remark(fit: Estimate, split: Split | None) -> str:
    X = lag_of_regressors(fit)
    if fit.weights is None and not any(fit.lag_of):
        return _NO_LAG
    other = fit.weights is not None and X is not None and not np.array_equal(X.W, fit.weights.W)
    if split or X is None or other:
        return ""
    if fit.optimum.rho >= 0.0:
        return _ONE_SIGN.format(when="with rho >= 0", cannot="cannot")
    return _ONE_SIGN.format(when="for rho below zero nearly", cannot="hardly")
