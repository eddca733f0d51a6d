"""Effects between groups of units: who gains from whose change.

For a partition of the units and S_k the matrix of effects, (I - rho W)^-1 (b_k I + t_k W) in a
static model with one spatial lag (others are in `multipliers`),

    E_gh(k) = (1/n_g) sum_{i in g} sum_{j in h} [S_k]_ij

is what the average unit of g receives when x_k rises by one in every unit of h. Row sums are the
total effect that g receives; their average over g, weighted by n_g, is the total effect. Weights
w_i within groups (population, output) take the place of 1/n_g.

When W is shared by response and regressors, S_k = b_k I + (rho b_k + t_k) W (I - rho W)^-1. With
rho >= 0 and W >= 0 every effect of one unit on another therefore has the sign of rho b_k + t_k,
whatever the data: blocks can differ in sign only if x is lagged by origin group, t_h W diag(1_h).
In the long run of a dynamic model c = (rho + eta)/(1 - tau) takes the place of rho.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.errors import FormulaError, IdentificationError, first_five
from ccec_econ.inference.contrast import Alternative, Contrast, one_sided
from ccec_econ.inference.group_blocks import Partition, Split, group_map
from ccec_econ.inference.intervals import BENEATH, Beneath, Intervals, cell_below
from ccec_econ.inference.measure import ROUNDING, Refits, measure
from ccec_econ.inference.reduced_form import ReducedForm
from ccec_econ.inference.vcov import Vcov
from ccec_econ.typeset import Table, number

__all__ = ["Contrast", "GroupEffects", "Split", "group_effects"]

_NO_LAG = "The model has no lag of response or regressors: no unit acts on another."
_ONE_SIGN = (
    "One coefficient per lag: {when}every effect of one unit on another has the sign of "
    "{sum}, so blocks off the diagonal {cannot} differ in sign; lag the term by origin group "
    "to let the data speak."
)
_NO_DURBIN = (
    "No regressor is lagged: with every rho >= 0 every effect of one unit on another has the sign "
    "of b, so blocks off the diagonal cannot differ in sign."
)


@dataclass(frozen=True, slots=True, repr=False)
class GroupEffects(Intervals):
    """Effects between groups, by term.

    As `Intervals`, the frame indexed (term, to, from).

    Attributes
    ----------
    own, received : DataFrame
        Columns as in the frame, indexed (term, group): the average effect of a unit's own change,
        which is part of the block (g, g), and the sum of a row, the total effect received.
    groups : DataFrame
        Indexed by group: ``units`` and ``share`` (of units, or of the weights).
    remark : str
        What the model imposes on the signs; empty when lags are split by origin group.
    slopes : ndarray, shape (terms, G, G + 1, P)
        Derivatives of blocks and, last, of own effects with respect to the parameters.
    matrix_of_parameters : ndarray, shape (P, P)
        Their covariance.
    names : tuple of str
        The P parameters.
    refits : ndarray, shape (D, terms, G, G + 1), or None
        Blocks and own effects in the refits of a bootstrap.
    """

    own: pd.DataFrame
    received: pd.DataFrame
    groups: pd.DataFrame
    remark: str
    slopes: NDArray[np.float64]
    matrix_of_parameters: NDArray[np.float64]
    names: tuple[str, ...]
    refits: NDArray[np.float64] | None = None

    @property
    def terms(self) -> list[str]:
        """Terms that have effects."""
        return [str(term) for term in self.own.index.get_level_values("term").unique()]

    def select(self, terms: Sequence[str]) -> GroupEffects:
        """Keep the effects of some terms, such as those of the treatments, in the order given.

        Raises
        ------
        FormulaError
            If a term has no effects here.
        """
        at = [self._position(term) for term in terms]
        kept = {
            name: pd.concat([getattr(self, name).xs(t, level=0, drop_level=False) for t in terms])
            for name in ("frame", "own", "received")
        }
        refits = None if self.refits is None else self.refits[:, at]
        return replace(self, **kept, slopes=self.slopes[at], refits=refits)

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
        if error <= ROUNDING * size:
            raise IdentificationError(
                f"{name} of {term!r} is {estimate:.4g} by the model, without error: it has no lag "
                "that carries such an effect; use a model with W(x) or a lag of y."
            )
        slope = self._slope(term, weights)
        return one_sided(
            name,
            term,
            estimate,
            error,
            df=self.basis.vcov.least(slope),
            alternative=alternative,
            slope={at: float(each) for at, each in zip(self.names, slope, strict=True) if each},
            pvalue_bootstrap=self._beyond(term, weights, estimate),
        )

    def summary(
        self,
        *,
        labels: Mapping[str, str] | None = None,
        digits: int = 4,
        title: str = "",
        beneath: Beneath = "error",
    ) -> Table:
        """Table of blocks, origins in columns, with an error or an interval beneath each.

        Parameters
        ----------
        labels : mapping, optional
            Printed names of terms.
        beneath : {"error", "delta", "simulation", "bootstrap"}
            Delta-method standard errors, or one of the intervals.

        Raises
        ------
        FormulaError
            If there is no such interval here.
        """
        columns = self.below(beneath)
        rows: list[tuple[str, ...]] = []
        for term in self.terms:
            value = self.matrix(term).to_numpy()
            below = [self.matrix(term, column).to_numpy() for column in columns]
            whole = self.received.xs(term, level="term")
            for g, group in enumerate(self.groups.index):
                name = (labels or {}).get(term, term) if g == 0 else ""
                total = whole.iloc[g]
                cells = [*value[g], total["estimate"]]
                rows.append((name, str(group), *(number(cell, digits) for cell in cells)))
                ends = zip(
                    *([*part[g], total[c]] for part, c in zip(below, columns, strict=True)),
                    strict=True,
                )
                rows.append(("", "", *(cell_below(end, digits) for end in ends)))
        height = 2 * len(self.groups)
        return Table(
            title=title or self._titled("Effects between groups"),
            columns=("Term", "To", *(f"From {group}" for group in self.groups.index), "From all"),
            rows=tuple(rows),
            rules=frozenset(range(height, len(rows), height)),
            notes=(BENEATH[beneath], *self.notes(beneath)),
            text_columns=frozenset({1}),
        )

    def notes(self, shown: Beneath | None = None) -> tuple[str, ...]:
        """Sentences for the foot of a table, of one interval or, by default, of all."""
        sizes = ", ".join(f"{group} {n}" for group, n in self.groups["units"].items())
        return (
            "Effect on the average unit of the receiving group of a unit change in every unit of "
            f"the origin group; units by group: {sizes}.",
            *Intervals.notes(self, shown),
            *((self.remark,) if self.remark else ()),
        )

    def _block(
        self, name: str, term: str, to: Hashable, origin: Hashable, alternative: Alternative
    ) -> Contrast:
        unknown = [group for group in (to, origin) if group not in self.groups.index]
        if unknown:
            raise FormulaError(
                f"no group {first_five(unknown)}; there are {first_five(self.groups.index)}: say "
                "which is which with core= and hollow=."
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

    def _beyond(self, term: str, weights: NDArray[np.float64], estimate: float) -> float | None:
        """Share of refits as far from the estimate as the estimate is from zero."""
        if self.refits is None:
            return None
        blocks = self.refits[:, self._position(term), :, : weights.shape[1]]
        away = np.abs(np.einsum("gh,dgh->d", weights, blocks) - estimate)
        return (1.0 + np.count_nonzero(away >= abs(estimate))) / (1.0 + len(away))

    def _position(self, term: str) -> int:
        if term not in self.terms:
            raise FormulaError(f"no effects of {term!r}; there are those of {self.terms}.")
        return self.terms.index(term)


def group_effects(
    form: ReducedForm,
    vcov: Vcov,
    part: Partition,
    *,
    split: Split | None = None,
    level: float = 0.95,
    draws: int = 1000,
    rng: np.random.Generator,
    bootstrap: Refits | None = None,
) -> GroupEffects:
    """Compute the effects between groups of a reduced form.

    Parameters
    ----------
    part : Partition
        Groups of the N units, in the order of the form, and weights within them.
    split : mapping, optional
        Terms that enter by origin group: ``{"x": {"core": "x_core", "other": "x_other"}}`` where
        x_core is x in the units of the core and zero elsewhere. Coefficients of x and of x_core,
        own and lagged, then add up for origins in the core.
    level, draws, rng, bootstrap
        As in `measure.measure`.

    Raises
    ------
    FormulaError
        If `split` names terms or groups that there are not.
    ValueError
        If `level` is not in (0, 1) or `draws` is not positive.

    Notes
    -----
    E_gh(k) = sum_{i in g} w_i sum_{j in h} [S_k]_ij / sum_{i in g} w_i.
    """
    names, mapped = group_map(form, part, split or {})
    found = measure(mapped, vcov, level=level, draws=draws, rng=rng, bootstrap=bootstrap)
    labels, G = part.table.index, len(part.table)
    cells = np.eye(G * (G + 1)).reshape(G, G + 1, -1)
    blocks = pd.MultiIndex.from_product([names, labels, labels], names=["term", "to", "from"])
    by_group = pd.MultiIndex.from_product([names, labels], names=["term", "group"])
    return GroupEffects(
        frame=found.frame(cells[:, :-1].reshape(G * G, -1), blocks),
        basis=found.convention,
        scope=form.reach.name() if form.is_dynamic else "",
        own=found.frame(cells[:, -1], by_group),
        received=found.frame(cells[:, :-1].sum(axis=1), by_group),
        groups=part.table,
        remark=_remark(form, split),
        slopes=found.slopes.reshape(len(names), G, G + 1, -1),
        matrix_of_parameters=found.V,
        names=form.names,
        refits=found.refits((len(names), G, G + 1)),
    )


def _remark(form: ReducedForm, split: Split | None) -> str:
    """Say which signs one coefficient per lag imposes."""
    if not form.rho and not form.has_lagged_terms:
        return _NO_LAG
    if split or form.reach.horizon not in ("short", "long"):
        return ""
    rho = form.theta[list(form.rho)]
    if len(rho) > 1:
        return "" if form.has_lagged_terms or rho.min() < 0.0 else _NO_DURBIN
    pairs = (zip(period.response, period.regressors, strict=False) for period in form.periods)
    if any(not np.array_equal(W, X) for pair in pairs for W, X in pair):
        return ""
    if not form.rho and not form.is_dynamic:
        return _ONE_SIGN.format(when="", sum="t", cannot="cannot")
    name, weight, value = "rho", "rho b + t", float(rho.sum())
    if form.reach.horizon == "long":
        name, weight = "rho + eta", "(rho + eta) b + (1 - tau) t"
        value += form.lags.of(form.theta)[1]
    if value >= 0.0:
        return _ONE_SIGN.format(when=f"with {name} >= 0 ", sum=weight, cannot="cannot")
    return _ONE_SIGN.format(when=f"for {name} below zero nearly ", sum=weight, cannot="hardly")
